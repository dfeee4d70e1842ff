"""Drivers of a target by several measures of importance side by side, with a warning of undue credit."""

from __future__ import annotations

import pandas as pd

from crmlab.satisfaction.importance.drivers import driver_importance
from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.stats import Estimate, Evidence

__all__ = ["MEASURES", "credit_table", "driver_credit"]

MEASURES = {  # column of `driver_importance`: name for the legend
    "first": "alone",
    "lmg": "LMG",
    "johnson": "Johnson",
    "last": "its own",
}


def driver_credit(
    frame: pd.DataFrame,
    index: SatisfactionIndex,
    model: PathModel,
    *,
    target: str,
    resamples: int = 1_000,
    seed: int = 1,
) -> Evidence:
    """Share out the explained variance of a target's index among the indices of what acts on it directly.

    Parameters
    ----------
    frame : DataFrame
        One row a response, items, ``wave``, ``weight`` and ``customer_id``; differences between waves are taken out.
    index : SatisfactionIndex
        Fitted; gives the index of every construct.
    model : PathModel
        As estimated; its causes of the target are the drivers.
    target : str
        Construct.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    Evidence
        ``frame`` as in `crmlab.satisfaction.importance.drivers.driver_importance`, drivers by their titles.

    Notes
    -----
    The indices hold the errors of the items, and only direct causes are looked at; what a driver does through others
    (expectations through quality) is credited to these. So the order may differ from that of total effects.
    """
    kept = frame[frame["weight"] > 0]
    scores = index.score(kept)
    weight = kept["weight"]
    means = scores.mul(weight, axis=0).groupby(kept["wave"]).transform("sum")
    scores = scores - means / scores.notna().mul(weight, axis=0).groupby(kept["wave"]).transform("sum")
    names = {name: model.title(name) for name in (*model.paths[target], target)}
    table = scores[list(names)].rename(columns=names).assign(weight=weight, customer_id=kept["customer_id"])
    found = driver_importance(
        table, target=names[target], drivers=[names[name] for name in model.paths[target]], weight="weight",
        customer="customer_id", resamples=resamples, seed=seed,
    )  # fmt: skip
    top = found.frame.iloc[0]
    title = f"By shares of variance, {lowered(top['driver'])} goes with {lowered(names[target])} most"
    rest = found.about.removeprefix(f"Share of the explained variance of {names[target]} (LMG), ")
    about = f"Shares of the variance of {names[target]}, {rest}"
    return Evidence(found.frame, title if len(title) <= 70 else found.title, about, found.reading, found.estimates)


def credit_table(found: Evidence) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the measures for a chart and for a table.

    Returns
    -------
    tuple of DataFrame
        One row a driver and measure: ``driver``, ``measure``, ``value``, ``low``, ``high`` (shares of the variance);
        and one row a driver: ``driver``, ``LMG``, ``Johnson``, ``Beta`` (Estimates), ``VIF``, ``doubt``.
    """
    n = int(found.frame["n"].iloc[0])
    rows = [
        {"driver": row["driver"], "measure": words, "value": row[name], "low": row[f"{name}_low"],
         "high": row[f"{name}_high"]}
        for name, words in MEASURES.items()
        for row in found.frame.to_dict("records")
    ]  # fmt: skip
    table = found.frame[["driver"]].copy()
    for name, header, unit in (("lmg", "LMG", "share"), ("johnson", "Johnson", "share"), ("beta", "Beta", "")):
        limits = found.frame[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
        table[header] = [Estimate(value, unit, low, high, n) for value, low, high in limits]
    table["VIF"] = found.frame["vif"].to_numpy()
    table["doubt"] = found.frame["credit_doubt"].replace("", "none").to_numpy()
    return pd.DataFrame(rows), table
