"""Can the survey be trusted: reliability of each construct, which can be told apart, how the model fits."""

from __future__ import annotations

import math

import pandas as pd

from crmlab.satisfaction.measurement.instrument import LEAST_RELIABILITY, instrument_warnings
from crmlab.satisfaction.measurement.model_fit import USUAL_SRMR, model_fit
from crmlab.satisfaction.measurement.reliability import reliability
from crmlab.satisfaction.measurement.validity import MOST_HTMT
from crmlab.satisfaction.study import Study
from crmlab.stats import Estimate, Evidence, count_text

__all__ = ["how_alike", "how_reliable", "how_well_it_fits", "instrument_problems"]

_NAMES = {"alpha": "alpha", "rho_a": "rho_A", "rho_c": "rho_C", "ave": "AVE"}


def how_reliable(study: Study) -> Evidence:
    """Say how much of what the items of each construct show is not error.

    Parameters
    ----------
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame for a table: ``construct``, ``items``, ``alpha``, ``rho_A``, ``rho_C``, ``AVE`` (Estimates). Estimates:
        ``reliability_lowest`` (rho_A).
    """
    found = reliability(study.found)
    method = study.found.method
    table = pd.DataFrame({"construct": found["title"], "items": found["items_count"]})
    for name, shown in _NAMES.items():
        table[shown] = [_estimate(row, name, method) for row in found.to_dict("records")]
    known = found[found["rho_a"].notna()]
    if known.empty:
        return Evidence(table, "No construct has items whose error can be seen", "", "Nothing is known of errors.")
    weakest = known.loc[known["rho_a"].idxmin()]
    lowest = _estimate(weakest, "rho_a", method)
    enough = int((known["rho_a"] >= LEAST_RELIABILITY).sum())
    each = f"All {len(known)} constructs are" if enough == len(known) else f"{enough} of {len(known)} constructs are"
    unseen = len(found) - len(known)
    rest = f" Of {unseen} the error cannot be seen: one item, or items that need not go together." if unseen else ""
    return Evidence(
        table,
        title=f"{each} measured reliably; the weakest is {weakest['title']}"[:70],
        about=f"Reliability, 0 to 1; {method}, n = {count_text(study.found.n)} responses",
        reading=f"{each} measured with a reliability (rho_A) of {LEAST_RELIABILITY} or more. The lowest is "
        f"{weakest['title']} with {lowest.text}: {100 * (1 - lowest.value):.0f} % of what its index shows is error."
        f"{rest}",
        estimates={"reliability_lowest": lowest},
    )


def how_alike(study: Study) -> Evidence:
    """Say which constructs can be told apart.

    Parameters
    ----------
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame for `crmlab.charts.likeness_matrix`: ``first``, ``second``, ``htmt``, ``htmt_low``, ``htmt_high``,
        ``is_alike``, in the order of the model; empty where there is one construct. Estimates: ``htmt_highest``.
    """
    gate = study.gate
    order = {name: place for place, name in enumerate(study.model.names)}
    table = gate.frame.assign(
        one=gate.frame["first"].map(order), two=gate.frame["second"].map(order), is_alike=gate.frame["is_blocked"]
    ).sort_values(["one", "two"])
    table = table.assign(first=table["first_title"], second=table["second_title"])
    highest = gate.frame.iloc[0]
    alike, pairs = int(gate.frame["is_blocked"].sum()), len(gate.frame)
    title = (
        f"All {pairs} pairs of constructs can be told apart"
        if gate.is_open
        else f"{alike} of {pairs} pairs of constructs cannot be told apart"
    )
    return Evidence(
        table[["first", "second", "htmt", "htmt_low", "htmt_high", "is_alike"]].reset_index(drop=True),
        title=title,
        about=f"Likeness of constructs (HTMT), 95 % bootstrap interval below; from {MOST_HTMT} two cannot be told "
        f"apart; n = {count_text(study.found.n)}",
        reading=gate.reading,
        estimates={"htmt_highest": _estimate({**highest, "n": study.found.n}, "htmt", study.found.method)},
    )


def how_well_it_fits(study: Study) -> Evidence:
    """Say how far the model's correlations lie from those seen.

    Parameters
    ----------
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame: that of `crmlab.satisfaction.measurement.model_fit.model_fit`. Estimates: ``srmr`` of the model with its
        paths, where it is known.
    """
    found = model_fit(study.found)
    row = found[found["model"] == "estimated"].iloc[0]
    about = f"n = {count_text(study.found.n)} responses"
    if not math.isfinite(row["srmr_corrected"]):
        return Evidence(found, "How well the model fits is not known", about, f"Fit: {row['note']}")
    value = Estimate(
        float(row["srmr_corrected"]), "index", float(row["srmr_low"]), float(row["srmr_high"]), study.found.n,
        f"{study.found.method}, freed of what chance adds",
    )  # fmt: skip
    good = value.high is not None and value.high < USUAL_SRMR
    verdict = f"below the usual limit of {USUAL_SRMR}" if good else f"not surely below the usual limit of {USUAL_SRMR}"
    return Evidence(
        found,
        title=f"The model misses correlations by {value.value:.3f}",
        about=about,
        reading=f"The model misses the correlations of the items by {value.value:.3f} (SRMR, 95 % interval "
        f"{value.low:.3f} to {value.high:.3f}), {verdict}.",
        estimates={"srmr": value},
    )


def instrument_problems(study: Study) -> Evidence:
    """List the items and constructs that give reason to doubt, each with its cure.

    Parameters
    ----------
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame for a table: ``problem``, ``cure``; empty where there is none. Estimates: ``instrument_problems``.
    """
    found = instrument_warnings(study.found)
    n = len(found)
    reading = (
        "No item is reversed, weak or at home elsewhere, and no construct is unreliable."
        if not n
        else f"{n} thing{'' if n == 1 else 's'} about the questions should be mended; the first: "
        f"{found['problem'].iloc[0]}"
    )
    return Evidence(
        found[["problem", "cure"]],
        title=f"{n} problems of the questions" if n != 1 else "1 problem of the questions",
        about="",
        reading=reading,
        estimates={"instrument_problems": Estimate(float(n), "count", n=len(study.model.items))},
    )


def _estimate(row: pd.Series | dict, name: str, method: str) -> Estimate:
    low, high = (float(row[f"{name}_{end}"]) for end in ("low", "high"))
    known = math.isfinite(low) and math.isfinite(high)
    n = int(row["n"]) if "n" in row else None
    return Estimate(float(row[name]), "index", low if known else None, high if known else None, n, method)
