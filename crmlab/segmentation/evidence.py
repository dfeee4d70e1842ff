"""What the pages say of learned segments: how many there are, whether they come back, and how they age."""

from __future__ import annotations

import pandas as pd

from crmlab.segmentation.choice import TRIED_ON
from crmlab.segmentation.migration import ageing
from crmlab.segmentation.rules import Rules
from crmlab.segmentation.segments import JUDGED_ON, SILHOUETTE_ON, Segments
from crmlab.segmentation.stability import RECOVERED
from crmlab.stats import Estimate, Evidence, count_text

__all__ = ["LABELS", "number_of_segments", "out_of_time", "rules_table", "stability_of"]

LABELS = {
    "segments_count": "Segments",
    "prediction_strength": "Prediction strength",
    "weakest_jaccard": "Jaccard of the weakest segment",
    "silhouette": "Mean silhouette",
    "replay_share": "Customers whom plain rules put right",
    "replay_baseline_share": "The same for the largest segment only",
    "champions_share": "Champions: often and lately",
    "threatened_share": "Often, but not lately",
    "never_active_share": "Never did anything of their own",
    "adjusted_rand_wealth": "Agreement with tiers of wealth",
    "adjusted_rand_needs": "Agreement with the segments by needs",
    "adjusted_rand_behaviour": "Agreement with the segments by behaviour",
    "adjusted_rand_named_cells": "Agreement with the named cells",
    "stayed_share": "In the same segment a year later",
    "moved_share": "Moved to another segment",
    "left_share": "Left the bank",
    "clear_moves": "Moves that clearly go with more or less yield",
    "leaving_worth": "Change of the yield a year with each leaver",
    "leaving_total": "Change of the yield a year with all leavers",
    "reassigned_share": "Otherwise placed by a model learned anew",
}


def number_of_segments(segments: Segments) -> Evidence:
    """Say how many segments there are, and what each number tried had to show.

    Parameters
    ----------
    segments : Segments
        Fitted, or read from a kept model.

    Returns
    -------
    Evidence
        Frame: the trial, one row a number tried; none where nothing could be tried. Estimates: ``segments_count``, 0
        where no stable ones were found, and ``prediction_strength`` of the customers drawn.
    """
    table = segments.trial_
    count = Estimate(float(segments.k_ if segments.k_ > 1 else 0), unit="count", n=segments.customers_count_)
    estimates = {"segments_count": count}
    row = table[table["k"] == segments.k_]
    if len(row):
        n = min(segments.customers_count_, TRIED_ON)
        method = "mean over random halvings of the customers drawn"
        estimates["prediction_strength"] = Estimate(float(row["strength"].iloc[0]), unit="index", n=n, method=method)
    if segments.found_:
        title = f"{segments.k_} segments come back on other customers and beat one crowd"
    elif segments.k_ > 1 and not len(row):
        title = f"The {segments.k_} segments asked for were not judged"
    elif segments.k_ > 1:
        title = f"The {segments.k_} segments asked for are not stable"
    elif segments.k == 1:
        title = "One group was asked for"
    elif len(table):
        title = "No number of segments is stable"
    else:
        title = "Too few customers to look for segments"
    labels = segments.basis.labels
    dropped = ""
    for why in dict.fromkeys(segments.dropped_.values() if segments.customers_count_ else ()):
        named = ", ".join(labels[name] for name, said in segments.dropped_.items() if said == why)
        dropped += " " + f"What {why} is left out: {named}."
    kept = "" if hasattr(segments, "labels_") else " An earlier run learned them; today's customers are assigned."
    return Evidence(
        table,
        title=title,
        about=f"Evidence for each number of segments; {count_text(segments.customers_count_)} customers, of whom at "
        "most 2,000 were drawn; whiskers: one standard error of the drawing",
        reading=segments.verdict_ + kept + dropped,
        estimates=estimates,
    )


def stability_of(segments: Segments) -> Evidence | None:
    """Say how much of each segment comes back on bootstrap samples; None where there is no more than one segment.

    Returns
    -------
    Evidence or None
        Frame: see `Segments.stability_`. Estimates: ``weakest_jaccard``, and
        ``silhouette``, the mean over the segments by their size.
    """
    table = segments.stability_
    if table is None or not len(table):
        return None
    weakest = table.loc[table["jaccard"].idxmin()]
    resamples = int(weakest["resamples_count"])
    stable = int((table["jaccard"] >= RECOVERED).sum())
    n = segments.customers_count_
    lowest = Estimate(
        float(weakest["jaccard"]), unit="index", n=min(n, JUDGED_ON), method=f"mean of {resamples} bootstrap samples"
    )
    wide = float((table["silhouette"] * table["share"]).sum())
    weak = weakest["segment"]
    title = (
        f"All {stable:d} segments are stable; the weakest is {weak}"
        if stable == len(table)
        else f"{stable:d} of {len(table):d} segments are stable; the weakest is {weak}"
    )
    return Evidence(
        table,
        title=title,
        about=f"Jaccard similarity of each segment with the most similar one found on {resamples} bootstrap samples of "
        f"at most 3,000 of {count_text(n)} customers; bars hold 95 % of the samples",
        reading=f"The weakest is {weakest['segment']}: it was found again in {int(weakest['recovered_count'])} and "
        f"lost in {int(weakest['dissolved_count'])} of {resamples} samples, with a mean Jaccard of {lowest.short}. "
        f"The mean silhouette is {wide:.2f}: 1 would be groups far apart, 0 groups that touch.",
        estimates={
            "weakest_jaccard": lowest,
            "silhouette": Estimate(wide, "index", n=min(n, SILHOUETTE_ON), method="of the customers drawn"),
        },
    )


def rules_table(rules: Rules) -> pd.DataFrame:
    """Give the rules for a table: ``segment``, ``rule``, ``customers_count``, ``precision``, ``recall`` (Estimates)."""
    table = rules.frame[["segment", "rule", "customers_count"]].copy()
    for name in ("precision", "recall"):
        columns = [f"{name}_share", f"{name}_share_low", f"{name}_share_high"]
        table[name] = [Estimate(value, "share", low, high) for value, low, high in rules.frame[columns].to_numpy()]
    return table


def out_of_time(segments: Segments, earlier: pd.DataFrame, today: pd.DataFrame) -> Evidence | None:
    """Learn the same number of segments from an earlier day and see whom that model places otherwise today.

    Parameters
    ----------
    segments : Segments
        Today's.
    earlier, today : DataFrame
        Basis frames of the two days.

    Returns
    -------
    Evidence or None
        See `crmlab.segmentation.migration.ageing`; None where there are no segments, or too few customers earlier.
    """
    if segments.k_ < 2 or len(earlier) < 10 * segments.k_:
        return None
    for column in segments.basis.columns:
        if column.kind == "category":  # a word that nobody had said by then is not known to the earlier model
            today = today.assign(
                **{column.name: today[column.name].where(today[column.name].isin(earlier[column.name]))}
            )
    old = Segments(segments.basis, method=segments.method, k=segments.k_, resamples=0, seed=segments.seed).fit(earlier)
    return ageing(old.predict(today), segments.predict(today))
