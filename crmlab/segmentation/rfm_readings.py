"""What recency, frequency and money tell: who is recent, what the best move, what lasts, who falls silent."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.errors import refuse
from crmlab.segmentation.migration import migration
from crmlab.segmentation.rfm_cells import NOBODY, THREATENED, nothing, order_of, share_of
from crmlab.segmentation.rfm_scores import CELLS, MEASURES, NEVER
from crmlab.stats import Estimate, Evidence, bootstrap, count_text, proportion, proportions, share_text

__all__ = ["recent", "rescored", "silenced", "top_cell"]

# estimate -> the cells it speaks of
_SILENT = {
    "silent_share": CELLS,
    "silent_champions_share": ("champions",),
    "silent_threatened_share": THREATENED,
}
_DRIFT = 0.25  # of a score, on average over the same customers


def recent(seen: pd.DataFrame, scores: pd.DataFrame, *, days: int = 3) -> Evidence:
    """Say how many did something within the last days, by score of frequency: what recency can tell in this bank.

    Parameters
    ----------
    seen, scores : DataFrame
        Snapshot, and what `RfmScores.transform` made of it.
    days : int
        Days back from the date of the snapshot, 0 or more.

    Returns
    -------
    Evidence
        Frame, one row a frequency score of at least 10 customers: ``frequency_score``, ``customers_count``, ``share``
        who acted within `days` with Wilson limits, ``n``, ``median_recency_days``. Estimates: ``recent_share`` of all
        scored, ``recent_frequent_share`` of the highest score of frequency.
    """
    scored = scores["frequency_score"].dropna().astype("int64")
    if scored.empty:
        return nothing("No customer can be scored", NOBODY, "recent_share", "recent_frequent_share")
    recency = seen.loc[scored.index, MEASURES["recency_score"]]
    within = (recency <= days).groupby(scored)
    counts, sizes = within.sum(), within.size()
    frame = pd.concat([sizes.rename("customers_count"), proportions(counts, sizes)], axis=1)
    frame["median_recency_days"] = recency.groupby(scored).median()
    frame = frame[frame["n"] >= SMALLEST_GROUP].rename_axis("frequency_score").reset_index()
    everybody = proportion(int(counts.sum()), int(sizes.sum()))
    top = int(scored.max())
    frequent = Estimate(math.nan, "share", n=int(sizes[top]))
    title = f"{everybody.short} acted in the last {days} days"
    said = f"{everybody.text} did something of their own in the last {days} days"
    if sizes[top] >= SMALLEST_GROUP:
        frequent = proportion(int(counts[top]), int(sizes[top]))
        title += f", {frequent.short} of the most frequent"
        said += f"; of the highest score of frequency {frequent.text}"
        said += _use_of_recency(recency[scored == top].median(), days)
    if everybody.n < SMALLEST_GROUP:
        title, said, everybody = "Too few customers to tell", f"Under {SMALLEST_GROUP} customers are scored", frequent
    return Evidence(
        frame,
        title=title,
        about=f"Share of customers with a booking of their own in the last {days} days, by score of frequency in 12 "
        f"months; Wilson 95 % interval; n = {count_text(len(scored))}",
        reading=f"{said}.",
        estimates={"recent_share": everybody, "recent_frequent_share": frequent},
    )


def _use_of_recency(middle: float, days: int) -> str:
    """Say what recency is good for, by the median days of the most frequent customers."""
    half = f", with a median of {middle:,.0f} {'day' if round(middle) == 1 else 'days'} since the last act"
    if middle <= days:
        return f"{half}. Among them recency says how the days fell, not who is leaving"
    return f"{half}. Here recency tells customers apart among the most frequent too"


def top_cell(
    seen: pd.DataFrame, scores: pd.DataFrame, *, currency: str, seed: int = 1, resamples: int = 1_000
) -> Evidence:
    """Say what share of the money the customers with the highest scores of frequency and of money move.

    Parameters
    ----------
    seen, scores, currency, seed, resamples
        As in `cells`.

    Returns
    -------
    Evidence
        Frame, one row a pair of scores with at least 10 customers: ``frequency_score``, ``monetary_score``,
        ``customers_count``, ``share`` of the scored with Wilson limits, ``n``, ``amount`` (moved in 12 months,
        currency), ``amount_share``. Estimates: ``top_customers_share``, ``top_amount_share`` (bootstrap; not known
        where no money was moved).
    """
    scored = scores[["frequency_score", "monetary_score"]].dropna().astype("int64")
    if scored.empty:
        return nothing("No customer can be scored", NOBODY, "top_customers_share", "top_amount_share")
    amount = seen.loc[scored.index, MEASURES["monetary_score"]].astype(float)
    best = (scored == scored.max()).all(axis=1)
    people = proportion(int(best.sum()), len(scored))
    sides = np.column_stack([amount, amount * best])
    money = Estimate(math.nan, "share", n=len(scored))
    if amount.sum() > 0:
        money = bootstrap(_part, sides, unit="share", seed=seed, resamples=resamples)
    pairs = amount.groupby([scored["frequency_score"], scored["monetary_score"]])
    sizes = pairs.size().rename("customers_count")
    frame = pd.concat([sizes, proportions(sizes, len(scored)), pairs.sum().rename("amount")], axis=1)
    frame["amount_share"] = frame["amount"] / amount.sum() if amount.sum() > 0 else math.nan
    shown = sizes >= SMALLEST_GROUP
    if best.sum() < SMALLEST_GROUP:
        title = "Under 10 customers have the highest scores of frequency and money"
        said = f"{title}: what they move is not shown."
        estimates = {
            "top_customers_share": share_of(best.sum(), len(scored)),
            "top_amount_share": Estimate(math.nan, "share", n=len(scored)),
        }
    else:
        title = f"{people.short} of customers move {money.short} of the money"
        said = (
            f"Customers with the highest scores of frequency and of money are {people.text} and move {money.short} "
            f"({money.interval}) of all {currency} moved in 12 months. Money moved is not money earned."
        )
        estimates = {"top_customers_share": people, "top_amount_share": money}
    return Evidence(
        frame[shown].reset_index(),
        title=title,
        about=f"Amounts of customers' own bookings in 12 months, {currency}, by scores of frequency and money; "
        f"bootstrap 95 % interval; n = {count_text(len(scored))}",
        reading=said,
        estimates=estimates,
    )


def _part(sides: np.ndarray, weights: np.ndarray) -> float:
    whole, part = weights @ sides
    return float(part / whole) if whole > 0 else math.nan


def rescored(before: pd.DataFrame, after: pd.DataFrame, *, span: str = "a year") -> Evidence:
    """Follow customers from their cell to their cell at a later date, scored by the same cut points.

    Parameters
    ----------
    before, after : DataFrame
        From one fitted `RfmScores`, at two dates.
    span : str
        Time between the dates, e.g. ``half a year``.

    Returns
    -------
    Evidence
        As `crmlab.segmentation.migration.migration`, with the cells as groups. Further estimates: the share of those
        scored at both dates who have the same score, ``same_recency_share``, ``same_frequency_share``,
        ``same_monetary_share``; and ``same_by_lot_share``, who would be in the same cell were the later cells dealt out
        by lot.
    """
    names = [name for name in CELLS if name in {*order_of(before), *order_of(after)}]
    found = migration(before["cell"], after["cell"], order=names, group="cell", span=span)
    further = [f"same_{name.removesuffix('_score')}_share" for name in MEASURES]
    placed = before["cell"].dropna().index.intersection(after["cell"].dropna().index)
    if len(placed) < SMALLEST_GROUP:
        title = "Too few customers have a cell at both dates"
        said = f"{title}: groups under {SMALLEST_GROUP} are not shown" if len(placed) else f"{NOBODY} at both dates"
        return nothing(title, said, *found.estimates, *further, "same_by_lot_share")
    both = before.dropna(subset=["score"]).index.intersection(after.dropna(subset=["score"]).index)
    alike = [int((before.loc[both, name] == after.loc[both, name]).sum()) for name in MEASURES]
    same = {name: proportion(count, len(both)) for name, count in zip(further, alike, strict=True)}
    sides = [frame.loc[placed, "cell"].value_counts(normalize=True) for frame in (before, after)]
    lot = Estimate(float((sides[0] * sides[1]).sum()), "share", n=len(placed))
    said = f"Were the later cells dealt out by lot, {lot.short} of those there at both dates would be in the same."
    if len(both) >= SMALLEST_GROUP:
        kept = ", ".join(f"{name.split('_')[1]} {e.short}" for name, e in same.items())
        said += f" Of {count_text(len(both))} scored at both dates these have the same score: {kept}."
        said += _drift(before.loc[both], after.loc[both])
    estimates = found.estimates | same | {"same_by_lot_share": lot}
    return Evidence(found.frame, found.title, found.about, f"{found.reading} {said}", estimates)


def _drift(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """Say which mean scores moved so far that the bank changed rather than the customers within it."""
    means = {name: (float(before[name].mean()), float(after[name].mean())) for name in MEASURES}
    moved = [
        f"{name.removesuffix('_score')} from {start:.1f} to {end:.1f}"
        for name, (start, end) in means.items()
        if abs(end - start) >= _DRIFT
    ]
    if not moved:
        return ""
    return (
        f" The mean score moved: {', '.join(moved)}. So the whole bank moved, the first 12 months were not full, or "
        "(of recency) the dates lie otherwise in week and month; compare dates alike, or learn the cut points anew."
    )


def silenced(scores: pd.DataFrame, later: pd.DataFrame, *, days: int = 90, span: str = "half a year") -> Evidence:
    """Say how many of each cell did nothing any more at a later date: do the names say what comes?

    Parameters
    ----------
    scores : DataFrame
        From `RfmScores.transform`, at the earlier date.
    later : DataFrame
        Snapshot of the later date; who is not in it is gone.
    days : int
        Who did nothing of their own in so many days before the later date is silent.
    span : str
        Time between the dates.

    Returns
    -------
    Evidence
        Frame, one row a cell of at least 10 customers, who never acted left out: ``cell``, ``customers_count``,
        ``share`` silent or gone with Wilson limits, ``n``. Estimates: ``silent_share`` of all,
        ``silent_champions_share``, ``silent_threatened_share`` (at risk, or not to be lost), not known of groups
        under 10.
    """
    cell = scores["cell"].dropna()
    cell = cell[cell != NEVER]
    column = MEASURES["recency_score"]
    if cell.empty or column not in later:
        return nothing("No customer can be followed", f"{NOBODY} at both dates", *_SILENT)
    refuse(*([] if later.index.is_unique else ["silenced: the later snapshot has customers twice. Keep one row each."]))
    silent = ~(later[column].reindex(cell.index) <= days)
    groups = silent.groupby(cell)
    counts, sizes = groups.sum(), groups.size()
    frame = pd.concat([sizes.rename("customers_count"), proportions(counts, sizes)], axis=1)
    frame = frame.loc[[name for name in CELLS if sizes.get(name, 0) >= SMALLEST_GROUP]].rename_axis("cell")
    estimates = {}
    for key, names in _SILENT.items():
        n = int(sizes.reindex(names).sum())
        few = Estimate(math.nan, "share", n=n)
        estimates[key] = proportion(int(counts.reindex(names).sum()), n) if n >= SMALLEST_GROUP else few
    whole = estimates["silent_share"]
    frame = frame.reset_index()
    if frame.empty:
        return nothing(*["No named cell has 10 customers to follow"] * 2, *_SILENT)
    worst = frame.iloc[int(frame["share"].argmax())]
    title = f"{whole.short} fell silent {span} later"
    if worst["share"] > 0:
        title += f"; of {worst['cell']} {share_text(worst['share'])}"
    words = {"silent_champions_share": "champions", "silent_threatened_share": "those at risk or not to be lost"}
    told = "".join(
        f"; of {who} {estimates[key].text}" for key, who in words.items() if estimates[key].n >= SMALLEST_GROUP
    )
    return Evidence(
        frame,
        title=title,
        about=f"Share of each cell with no booking of their own in the {days} days before a day {span} later, or gone; "
        f"Wilson 95 % interval; n = {count_text(len(cell))}",
        reading=f"{whole.text} did nothing of their own any more or were gone {span} later{told}.",
        estimates=estimates,
    )
