"""The satisfaction index of a wave, its changes since earlier waves, and how many answers it asks for."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from crmlab.satisfaction.change.wave_changes import wave_changes
from crmlab.satisfaction.indices.index_interval import EPSI_WIDTH, METHOD, mean_difference, sample_size
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.ready import missing
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.answers import wave_name
from crmlab.stats import Estimate, Evidence, count_text

__all__ = ["by_wave", "changes_table", "constructs", "dimensions_of", "responses_needed", "scored"]

_MOST_LINES = 3


def scored(study: Study, frame: pd.DataFrame) -> pd.DataFrame:
    """Put the index of every construct beside the responses, one column a construct, 0 to 100.

    Parameters
    ----------
    study : Study
        With its frozen index.
    frame : DataFrame
        Responses of the study.
    """
    scores = study.index.score(frame)
    return frame.drop(columns=[name for name in scores if name in frame]).join(scores)


def dimensions_of(study: Study) -> list[str]:
    """Name the constructs that lead to the target, in the order of the model: what a bank can work on."""
    paths, found, open_ = study.model.paths, set(), [study.target]
    while open_:
        for cause in paths.get(open_.pop(), ()):
            if cause not in found:
                found.add(cause)
                open_.append(cause)
    return [name for name in study.model.names if name in found]


def constructs(study: Study) -> Evidence:
    """Give the index of every construct in the judged wave.

    Parameters
    ----------
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame: ``title``, ``index``, ``index_low``, ``index_high``, ``n``, highest first. Estimates:
        ``index_<construct>``.

    Notes
    -----
    The interval is for other customers of those who answer, under the weights; it does not hold what those who stay
    silent think. Indices of different constructs also differ because their items are worded differently.
    """
    found = study.index.index(study.now, weights="weight", clusters="customer_id")
    found = found[found["n"] > 0]
    estimates = study.index.estimates(found)
    table = found.sort_values("index", ascending=False, kind="stable", ignore_index=True)
    target = estimates[f"index_{study.target}"]
    reading = f"{study.title(study.target)} stands at {target.text} of 100."
    inside = [name for name in dimensions_of(study) if name in set(found["latent"])]
    if len(inside) > 1:
        reading += f" {_lowest(study, found, inside)}"
    base = "an earlier run found" if study.base_wave == "kept" else f"they weighed in {study.base_wave}"
    reading += f" Items weigh what {base}."
    return Evidence(
        table[["title", "index", "index_low", "index_high", "n"]],
        title=f"{study.title(study.target)} stands at {target.short} of 100",
        about=f"Index 0 to 100, weighted; 95 % interval ({METHOD}); {study.when}, n = {count_text(len(study.now))} "
        "responses",
        reading=reading,
        estimates=estimates,
    )


def _lowest(study: Study, found: pd.DataFrame, names: list[str]) -> str:
    """Name the lowest dimension, and whether it lies clearly below the next."""
    order = found.set_index("latent").loc[names, "index"].sort_values(kind="stable").index
    first, second = order[0], order[1]
    scores = study.index.score(study.now)
    weights = study.now["weight"].to_numpy(dtype=float)
    who = pd.factorize(study.now["customer_id"])[0]
    difference, low, high = mean_difference((scores[second] - scores[first]).to_numpy(), weights, who)
    value = found.set_index("latent").loc[first, "index"]
    told = f"The lowest dimension is {lowered(study.title(first))} ({value:.1f})"
    if math.isnan(low):
        return f"{told}."
    clear = "clearly" if low > 0 else "not clearly"
    return (
        f"{told}, {clear} below {lowered(study.title(second))}: the difference is {difference:.1f} points "
        f"({low:.1f} to {high:.1f})."
    )


def by_wave(study: Study) -> Evidence:
    """Follow the index over the waves; items weigh what they weighed at the base wave.

    Parameters
    ----------
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame for lines: ``day`` (middle of the answers), ``title``, ``index``, ``index_low``, ``index_high``, ``n``;
        the target, what follows it, and the construct that moved most. Empty with one wave. Estimates:
        ``change_<construct>`` since the wave before, and ``smallest_change`` of the target that would have been seen.

    Notes
    -----
    Changes: see `crmlab.satisfaction.change.wave_changes`. Every construct is a look; Holm corrects for all of them.
    """
    until = list(study.waves[: study.waves.index(study.wave) + 1])
    if len(until) < 2:
        return missing("there is one wave; a change needs two")
    frame = scored(study, study.frame[study.frame["wave"].isin(until)])
    names = list(study.index.score(frame.head(1)))
    changes = wave_changes(frame, names, order=until)
    last = changes[changes["wave_to"] == study.wave].set_index("item")
    shown = _shown(study, last, names)
    levels = study.index.index(frame.drop(columns=names), by="wave", weights="weight", clusters="customer_id")
    middle = frame.groupby("wave")["answered_on"].median()
    lines = levels[levels["latent"].isin(shown)].assign(day=lambda table: table["wave"].map(middle))
    lines["place"] = lines["latent"].map({name: place for place, name in enumerate(shown)})
    lines = lines.sort_values(["place", "day"], ignore_index=True)
    target = last.loc[study.target]
    return Evidence(
        lines[["day", "wave", "title", "index", "index_low", "index_high", "n"]],
        title=_change_title(study, target),
        about=f"Index 0 to 100 by wave, items weighed as at the base wave; bands: 95 % interval; n = "
        f"{', '.join(count_text((frame['wave'] == wave).sum()) for wave in until)} responses",
        reading=_change_reading(study, last, target),
        estimates={f"change_{name}": _change(row) for name, row in last.iterrows() if math.isfinite(row["change"])}
        | ({"smallest_change": Estimate(float(target["smallest_change"]), "points", n=int(target["n_to"]))}
           if math.isfinite(target["smallest_change"]) else {}),
    )  # fmt: skip


def changes_table(study: Study) -> pd.DataFrame:
    """Give the change of every construct since the wave before, for a table.

    Returns
    -------
    DataFrame
        ``construct``, ``before``, ``now`` (index, 0 to 100), ``change`` (Estimate, points), ``beyond_chance`` (Holm);
        no row with one wave.
    """
    place = study.waves.index(study.wave)
    if place < 1:
        return pd.DataFrame(columns=["construct", "before", "now", "change", "beyond_chance"])
    pair = list(study.waves[place - 1 : place + 1])
    frame = scored(study, study.frame[study.frame["wave"].isin(pair)])
    names = list(study.index.score(frame.head(1)))
    found = wave_changes(frame, names, order=pair)
    return pd.DataFrame({
        "construct": [study.title(name) for name in found["item"]],
        "before": found["value_from"].round(1), "now": found["value_to"].round(1),
        "change": [_change(row) for _, row in found.iterrows()],
        "beyond_chance": np.where(found["is_change"], "yes", "no"),
    })  # fmt: skip


def responses_needed(study: Study, *, width: float = EPSI_WIDTH) -> Evidence:
    """Say how many responses the target's index asks for, and whether the wave had them.

    Parameters
    ----------
    study : Study
        As prepared.
    width : float
        Widest interval, index points; EPSI Rating accepts 4.

    Returns
    -------
    Evidence
        Frame: one row: ``responses_count``, ``needed_count``, ``width``. Estimates: ``responses_needed``.
    """
    row = study.index.index(study.now, weights="weight", clusters="customer_id").set_index("latent").loc[study.target]
    if not math.isfinite(row["design_effect"]) or not row["deviation"] > 0:
        return missing("the spread of the index is not known")
    needed = sample_size(width, float(row["deviation"]), design_effect=float(row["design_effect"]))
    reached = float(row["index_high"] - row["index_low"])
    verdict = "That is enough" if reached <= width else "That is not enough"
    table = pd.DataFrame({"responses_count": [int(row["n"])], "needed_count": [needed], "width": [reached]})
    return Evidence(
        table,
        title=f"{count_text(needed)} responses give an interval of {width:g} points",
        about="",
        reading=f"The interval of {lowered(study.title(study.target))} is {reached:.1f} points wide. {verdict} by the "
        f"rule of EPSI Rating, {width:g} points or less: it asks for {count_text(needed)} responses of this spread and "
        f"these weights, and there are {count_text(row['n'])}.",
        estimates={"responses_needed": Estimate(float(needed), "count", n=int(row["n"]))},
    )


def _shown(study: Study, last: pd.DataFrame, names: list[str]) -> list[str]:
    follows = [name for name in names if study.target in study.model.paths.get(name, ())]
    moved = last["change"].abs().sort_values(ascending=False, kind="stable").index
    return list(dict.fromkeys([study.target, *follows, *moved]))[:_MOST_LINES]


def _change(row: pd.Series) -> Estimate:
    low, high = float(row["change_low"]), float(row["change_high"])
    known = math.isfinite(low)
    return Estimate(
        float(row["change"]), "points", low if known else None, high if known else None, int(row["n_to"]),
        "linearised over customers of both waves",
    )  # fmt: skip


def _change_title(study: Study, row: pd.Series) -> str:
    name = study.title(study.target)
    if not math.isfinite(row["p_value"]):
        return f"Whether {lowered(name)} changed is not known"
    if not row["is_change"]:
        return f"{name} did not clearly change since {wave_name(row['wave_from'])}"
    return (
        f"{name} {'rose' if row['change'] > 0 else 'fell'} by {abs(row['change']):.1f} points since "
        f"{wave_name(row['wave_from'])}"
    )[:70]


def _change_reading(study: Study, last: pd.DataFrame, row: pd.Series) -> str:
    known = last[last["p_value"].notna()]
    called = known[known["is_change"]]
    change = _change(row)
    told = (
        f"{study.title(study.target)} changed by {change.value:+.1f} points ({change.interval}) since "
        f"{wave_name(row['wave_from'])}; {int(row['n_both'])} customers answered both times."
    )
    if len(called):
        rows = called.sort_values("change", key=lambda c: -c.abs(), kind="stable")
        listed = ", ".join(f"{lowered(study.title(name))} {one.change:+.1f}" for name, one in rows.iterrows())
        told += f" Of {len(known)} constructs {len(called)} moved beyond chance (Holm): {listed}."
    else:
        told += f" None of the {len(known)} constructs moved beyond chance (Holm)."
    if math.isfinite(row["smallest_change"]):
        told += f" A change of {row['smallest_change']:.1f} points would have been seen four times in five in one look."
    return told
