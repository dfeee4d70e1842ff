"""What is wrong with the questions: items that are weak, reversed or at home elsewhere, and what to do about each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.satisfaction.measurement.measured import Measured
from crmlab.satisfaction.measurement.measures import correlation
from crmlab.satisfaction.measurement.reliability import first_stage, latent_loadings, reliability
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.solution import Solution
from crmlab.satisfaction.path_models.structural import inner_vif

__all__ = ["LEAST_AVE", "LEAST_LOADING", "LEAST_RELIABILITY", "MOST_VIF", "cross_loadings", "instrument_warnings"]

LEAST_RELIABILITY = 0.7  # Nunnally and Bernstein 1994, for research
LEAST_AVE = 0.5  # Fornell and Larcker 1981: less shared than error
LEAST_LOADING = 0.5  # the item shares less than a quarter of its variance with the latent variable
MOST_VIF = 5.0  # Hair et al. 2022


def cross_loadings(found: Measured) -> pd.DataFrame:
    """Correlate every item with every latent variable.

    Parameters
    ----------
    found : Measured
        A survey and its resamples.

    Returns
    -------
    DataFrame
        One row an item: ``item``, ``latent`` (its own), one column a latent variable (correlation with its composite,
        -1 to 1), ``is_highest_own``.

    Notes
    -----
    The own composite holds the item itself, so an item at home elsewhere may go unnoticed; `validity_gate` is stricter.

    Examples
    --------
    >>> from crmlab.satisfaction.measurement.measured import measured
    >>> rng = np.random.default_rng(1)
    >>> sat, loy = rng.normal(size=(2, 300, 1))
    >>> frame = pd.DataFrame(np.hstack([sat, sat, loy, loy]) + 0.7 * rng.normal(size=(300, 4)), columns=list("abcd"))
    >>> model = PathModel({"sat": ["a", "b"], "loy": ["c", "d"]}, {"loy": ["sat"]})
    >>> cross_loadings(measured(frame, model, resamples=20))[["item", "latent", "is_highest_own"]].values.tolist()
    [['a', 'sat', True], ['b', 'sat', True], ['c', 'loy', True], ['d', 'loy', True]]
    """
    stage = first_stage(found.solution)
    model = stage.model
    table = pd.DataFrame(stage.cross_loadings, columns=list(model.names))
    own = np.abs(stage.cross_loadings)[np.arange(len(model.items)), model.block]
    highest = own >= np.abs(stage.cross_loadings).max(axis=1)
    first = pd.DataFrame({"item": list(model.items), "latent": list(model.latent_of.values())})
    return pd.concat([first, table, pd.Series(highest, name="is_highest_own")], axis=1)


def instrument_warnings(
    found: Measured,
    *,
    least_reliability: float = LEAST_RELIABILITY,
    least_ave: float = LEAST_AVE,
    least_loading: float = LEAST_LOADING,
    most_vif: float = MOST_VIF,
) -> pd.DataFrame:
    """List what is wrong with the instrument, each with its cure.

    Parameters
    ----------
    found : Measured
        A survey and its resamples.
    least_reliability : float
        Smallest rho_A, 0 to 1.
    least_ave : float
        Smallest mean share of an item's variance that the latent variable explains, 0 to 1.
    least_loading : float
        Smallest loading on the latent variable itself, 0 to 1.
    most_vif : float
        Largest variance inflation of a cause, or of an item of mode B, 1 and more.

    Returns
    -------
    DataFrame
        One row a problem: ``kind`` (``reversed_item``, ``weak_item``, ``item_at_home_elsewhere``, ``low_reliability``,
        ``low_ave``, ``high_vif_of_cause``, ``high_vif_of_item``), ``latent``, ``item`` (empty where it is of all
        items), ``value``, ``limit``, ``problem``, ``cure``. Empty where there is none.

    Notes
    -----
    The limits are conventions; a value a little beyond one is no proof. Reliability and loadings are the consistent
    ones; reversed items are found by their loading on the composite.

    References
    ----------
    Hair, Hult, Ringle and Sarstedt (2022), A Primer on Partial Least Squares Structural Equation Modeling, 3rd edition.

    Examples
    --------
    >>> from crmlab.satisfaction.measurement.measured import measured
    >>> rng = np.random.default_rng(1)
    >>> both = rng.normal(size=300)
    >>> noise = 0.5 * rng.normal(size=(5, 300))
    >>> frame = pd.DataFrame({"s1": both, "s2": both, "s3": -both, "l1": both, "l2": both}) + noise.T
    >>> model = PathModel({"sat": ["s1", "s2", "s3"], "loy": ["l1", "l2"]}, {"loy": ["sat"]})
    >>> instrument_warnings(measured(frame, model, resamples=20))[["kind", "item"]].values.tolist()
    [['reversed_item', 's3']]
    """
    stage = first_stage(found.solution)
    rows = [
        *_of_items(found, stage, least_loading),
        *_of_latents(reliability(found), least_reliability, least_ave),
        *_of_causes(found.solution, most_vif),
        *_of_formative(found, stage.model, most_vif),
    ]
    return pd.DataFrame(rows, columns=["kind", "latent", "item", "value", "limit", "problem", "cure"])


def _of_items(found: Measured, stage: Solution, least_loading: float) -> list[dict]:
    model, loadings = stage.model, latent_loadings(stage)
    table = cross_loadings(found)
    rows = []
    for number, (item, name) in enumerate(model.latent_of.items()):
        if len(model.latents[name]) == 1 or model.mode(name) == "B":
            continue
        title, own, value = model.title(name), stage.loadings[number], loadings[number]
        common = {"latent": name, "item": item}
        if own < 0:
            rows.append(common | {
                "kind": "reversed_item", "value": own, "limit": 0.0,
                "problem": f"{item} falls when {title} rises (loading {own:.2f}).",
                "cure": "If it asks the other way round, turn its answers (low + high - answer); else leave it out.",
            })  # fmt: skip
        elif value < least_loading:
            rows.append(common | {
                "kind": "weak_item", "value": value, "limit": least_loading,
                "problem": f"{item} shares {100 * value**2:.0f} % of its variance with {title}.",
                "cure": "Reword it or leave it out; keep it if it asks for a part that nothing else covers.",
            })  # fmt: skip
        if not table["is_highest_own"].iloc[number]:
            size = np.abs(stage.cross_loadings[number])
            other = model.names[int(size.argmax())]
            rows.append(common | {
                "kind": "item_at_home_elsewhere", "value": size.max(), "limit": abs(own),
                "problem": f"{item} of {title} goes along with {model.title(other)} more ({size.max():.2f}) than with "
                           f"its own ({abs(own):.2f}).",
                "cure": f"Reword it, leave it out, or ask whether it measures {model.title(other)}.",
            })  # fmt: skip
    return rows


def _of_latents(table: pd.DataFrame, least_reliability: float, least_ave: float) -> list[dict]:
    rows = []
    for row in table.to_dict("records"):
        common = {"latent": row["latent"], "item": ""}
        if row["rho_a"] < least_reliability:
            rows.append(common | {
                "kind": "low_reliability", "value": row["rho_a"], "limit": least_reliability,
                "problem": f"{100 * (1 - row['rho_a']):.0f} % of the variance of {row['title']} is error "
                           f"(rho_A {row['rho_a']:.2f}).",
                "cure": "Ask more items of the same meaning, or take weak ones out.",
            })  # fmt: skip
        if row["ave"] < least_ave:
            rows.append(common | {
                "kind": "low_ave", "value": row["ave"], "limit": least_ave,
                "problem": f"An item of {row['title']} shares {100 * row['ave']:.0f} % of its variance with it, on the "
                           "mean.",
                "cure": "Take weak items out, or split what may be two things.",
            })  # fmt: skip
    return rows


def _of_causes(solution: Solution, most_vif: float) -> list[dict]:
    model = solution.model
    inflation = inner_vif(solution.composite_correlation, model)
    place = {name: number for number, name in enumerate(model.constructs)}
    return [
        {
            "kind": "high_vif_of_cause", "latent": cause, "item": "", "value": value, "limit": most_vif,
            "problem": f"What {model.title(cause)} adds to {model.title(effect)} can hardly be told from the other "
                       f"causes (VIF {value:.1f}).",
            "cure": "Join causes that are alike, or leave one out; see the validity gate.",
        }
        for cause, effect in model.arrows
        if (value := float(inflation[place[cause], place[effect]])) > most_vif
    ]  # fmt: skip


def _of_formative(found: Measured, model: PathModel, most_vif: float) -> list[dict]:
    related = correlation(found.moments.covariance)
    rows = []
    for number, name in enumerate(model.names):
        own = np.flatnonzero(model.block == number)
        if model.mode(name) != "B" or len(own) < 2:
            continue
        inflation = np.diag(np.linalg.inv(related[np.ix_(own, own)]))
        rows += [
            {
                "kind": "high_vif_of_item", "latent": name, "item": model.items[k], "value": value, "limit": most_vif,
                "problem": f"{model.items[k]} says nearly the same as the other items of {model.title(name)} "
                           f"(VIF {value:.1f}), so its weight is unsure.",
                "cure": "Leave one of these items out, or use mode A.",
            }
            for k, value in zip(own, inflation.tolist(), strict=True)
            if value > most_vif
        ]  # fmt: skip
    return rows
