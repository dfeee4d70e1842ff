"""What the named cells of recency and frequency hold and bring, and what to do in each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.segmentation.agreement import agreement
from crmlab.segmentation.rfm_scores import CELLS, MEASURES, NEVER, cell_of, cell_words
from crmlab.stats import Estimate, Evidence, bootstrap, count_text, proportion, proportions, share_text

__all__ = ["ACTIONS", "NOBODY", "SHOWN", "THREATENED", "against", "cells", "grid", "nothing", "order_of", "share_of"]

# cell -> what to do, in a line
ACTIONS = {
    "champions": "Thank, ask for a referral, offer the next product; no discount needed",
    "loyal": "Offer the next product; reward paying by card",
    "potential loyalists": "Become the main bank: salary account, standing orders, app",
    "new or recent": "New: welcome, first use of card and app. Old: ask what is missing",
    "promising": "Show a second use of the account while the first is fresh",
    "need attention": "Ask what the account is for; give one reason to use it weekly",
    "about to sleep": "Remind by the preferred channel, with a small benefit",
    "at risk": "Service call; settle open complaints first",
    "cannot lose them": "The adviser calls in person within a week",
    "hibernating": "A cheap message twice a year; no calls",
    "lost": "Ask once why, then leave in peace; look into fees paid for nothing",
    NEVER: "Help to start: card, first login; ask whether the account is wanted",
}
# columns of the cells for a table: take `frame.filter(SHOWN)`, as a bank may not know the yield
SHOWN = ["cell", "customers_count", "share", "median_recency_days", "median_frequency_count", "median_amount",
         "amount_share", "margin_amount", "action"]  # fmt: skip
THREATENED = ("at risk", "cannot lose them")
_ESTIMATES = ("champions_share", "threatened_share", "never_active_share")
# columns of `cells` for a table
SHOWN = [
    "cell", "customers_count", "share", "median_recency_days", "median_frequency_count", "amount_share",
    "action",
]  # fmt: skip
NOBODY = "This bank has no bookings of the customers' own: nobody can be scored by recency and frequency"


def order_of(scores: pd.DataFrame) -> tuple[str, ...]:
    """Give the names of the cells that have members, in the order of `CELLS`.

    >>> order_of(pd.DataFrame({"cell": ["lost", "loyal", None]}))
    ('loyal', 'lost')
    """
    return tuple(name for name in CELLS if (scores["cell"] == name).any())


def cells(
    seen: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    currency: str,
    seed: int = 1,
    rules: Mapping[str, str] | None = None,
    resamples: int = 1_000,
) -> Evidence:
    """Describe the named cells.

    Parameters
    ----------
    seen : DataFrame
        Snapshot.
    scores : DataFrame
        What `RfmScores.transform` made of it.
    currency : str
        Currency code.
    seed : int
        Of the bootstrap.
    rules : mapping of str to str, optional
        The rule of each cell; None: those that `RfmScores.transform` noted with the scores.
    resamples : int
        Bootstrap resamples.

    Returns
    -------
    Evidence
        Frame, one row a cell of at least 10 customers, in the order of `CELLS`: ``cell``, ``rule``,
        ``customers_count``, ``share`` of all who have a cell with ``share_low``, ``share_high`` (Wilson), ``n``,
        ``median_recency_days``, ``median_frequency_count`` (12 months), ``mean_amount``, ``median_amount`` (money moved
        by the customer in 12 months, currency), ``amount_share`` (of all money moved), and where the bank knows it the
        mean yield a year ``margin_amount`` with ``margin_low_amount``, ``margin_high_amount`` (bootstrap), ``action``.
        Estimates: ``champions_share``, ``threatened_share`` (at risk, or not to be lost), ``never_active_share``; not
        known where one would speak of 1 to 9 customers.

    Notes
    -----
    A cell is a rule, not a kind of customer that was found: its borders are where fifths happen to lie. The amount is
    money moved, not money earned; the yield stands beside it for that.
    """
    placed = scores["cell"].dropna()
    n, counts = len(placed), placed.value_counts()
    if not n:
        return nothing("No customer can be scored", NOBODY, *_ESTIMATES)
    rules = rules or scores.attrs.get("rules") or cell_words()
    here = [name for name in order_of(scores) if counts[name] >= SMALLEST_GROUP]
    rows = seen.loc[placed.index]
    total = float(rows[MEASURES["monetary_score"]].sum())
    table = [_cell_row(rows[placed == name], total, currency, seed, resamples) for name in here]
    frame = pd.DataFrame({"cell": here, "rule": [rules[name] for name in here]})
    sizes = counts.reindex(here).reset_index(drop=True).rename("customers_count")
    frame = pd.concat([frame, sizes, proportions(sizes, n), pd.DataFrame(table)], axis=1)
    frame["action"] = [ACTIONS[name] for name in here]
    estimates = {
        "champions_share": share_of(counts.get("champions", 0), n),
        "threatened_share": share_of(sum(counts.get(name, 0) for name in THREATENED), n),
        "never_active_share": share_of(counts.get(NEVER, 0), n),
    }
    few = [name for name in order_of(scores) if name not in here]
    return Evidence(
        frame,
        title=_title(frame),
        about=f"Share of {count_text(n)} customers by scores of recency and of frequency in 12 months, own acts only; "
        "Wilson 95 % interval",
        reading=_reading(frame, estimates, few, len(scores) - n),
        estimates=estimates,
    )


def _cell_row(members: pd.DataFrame, total: float, currency: str, seed: int, resamples: int) -> dict:
    recency, frequency, amount = (members[column] for column in MEASURES.values())
    row = {
        "median_recency_days": recency.median(),
        "median_frequency_count": frequency.median(),
        "mean_amount": amount.mean(),
        "median_amount": amount.median(),
        "amount_share": amount.sum() / total if total > 0 else math.nan,
    }
    if "margin_12m_amount" in members:
        known = members["margin_12m_amount"].dropna()
        names = ("margin_amount", "margin_low_amount", "margin_high_amount")
        found = (math.nan,) * 3
        if len(known) >= SMALLEST_GROUP:
            e = bootstrap(_mean, known, unit=currency, seed=seed, resamples=resamples)
            found = (e.value, e.low, e.high)
        row |= dict(zip(names, found, strict=True))
    return row


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    return float(np.dot(values, weights) / weights.sum())


def _title(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "No named cell has 10 customers"
    first = frame.iloc[int(frame["amount_share"].fillna(0).argmax())]
    if not first["amount_share"] > 0:
        top = frame.iloc[int(frame["customers_count"].argmax())]
        return f"{share_text(top['share'])} of customers are in one cell: {top['cell']}"
    return (
        f"{first['cell'].capitalize()}: {share_text(first['share'])} of customers, "
        f"{share_text(first['amount_share'])} of money moved"
    )


def _reading(frame: pd.DataFrame, estimates: dict[str, Estimate], few: list[str], unknown: int) -> str:
    said = []
    if len(frame):
        largest = frame.iloc[int(frame["customers_count"].argmax())]
        said.append(f"The largest cell is {largest['cell']} with {share_text(largest['share'])} of customers.")
    best, threatened, never = (estimates[name] for name in _ESTIMATES)
    if best.value > 0:
        said.append(f"{best.short} ({best.interval}) are champions.")
    if threatened.value > 0:
        said.append(f"{threatened.short} ({threatened.interval}) are at risk or not to be lost.")
    if never.value > 0:
        said.append(f"{never.short} ({never.interval}) never did anything of their own.")
    if few:
        said.append(f"Under {SMALLEST_GROUP} customers each and not shown: {', '.join(few)}.")
    if unknown:
        said.append(f"{count_text(unknown)} have a gap in the three measures and no cell.")
    return " ".join(said)


def nothing(title: str, reading: str, *names: str) -> Evidence:
    """Give the evidence that there is none: an empty frame, a sentence, and estimates that are not known."""
    unknown = {name: Estimate(math.nan, "share", n=0) for name in names}
    return Evidence(pd.DataFrame(), title, "", f"{reading}.", unknown)


def share_of(count: int, n: int) -> Estimate:
    """Estimate a share that a page may show: not known for 1 to 9 customers, who would be persons.

    >>> share_of(9, 100).text, share_of(10, 100).short
    ('not known (n = 100)', '10.0 %')
    """
    if 0 < count < SMALLEST_GROUP:
        return Estimate(math.nan, "share", n=n, method="Wilson")
    return proportion(int(count), n)


def grid(scores: pd.DataFrame, *, number: int = 0) -> pd.DataFrame:
    """Count customers on the grid of recency and frequency.

    Parameters
    ----------
    scores : DataFrame
        From `RfmScores.transform`.
    number : int
        Number of scores; 0: that which `RfmScores.transform` noted with the scores, or 5.

    Returns
    -------
    DataFrame
        One row a pair of scores: ``recency_score``, ``frequency_score``, ``cell``,
        ``customers_count``, ``share`` of all who have a cell (who never acted counts as one and is in no pair) with
        Wilson limits, ``n``. Count and share of 1 to 9 customers are missing.

    Examples
    --------
    >>> pair = pd.DataFrame({"recency_score": [5] * 20, "frequency_score": [1] * 20, "cell": "new or recent"})
    >>> grid(pair).loc[lambda f: f["customers_count"] > 0, ["cell", "customers_count", "share"]].values.tolist()
    [['new or recent', 20.0, 1.0]]
    """
    number = number or scores.attrs.get("scores", 5)
    pairs = pd.MultiIndex.from_product([range(number, 0, -1), range(1, number + 1)])
    frame = pairs.to_frame(index=False, name=["recency_score", "frequency_score"])
    frame["cell"] = cell_of(frame["recency_score"], frame["frequency_score"], scores=number)
    known = scores[["recency_score", "frequency_score"]].dropna().astype("int64")
    counts = known.value_counts().reindex(pairs, fill_value=0).reset_index(drop=True)
    frame = pd.concat([frame, counts.rename("customers_count"), proportions(counts, scores["cell"].count())], axis=1)
    small = frame["customers_count"].between(1, SMALLEST_GROUP - 1)
    hidden = ["customers_count", "share", "share_low", "share_high"]
    return frame.assign(**{column: frame[column].astype(float).mask(small) for column in hidden})


def against(
    scores_or_cells: pd.DataFrame | pd.Series, segments: pd.Series, *, order: Sequence[str] = (), seed: int = 1
) -> Evidence:
    """Compare the named cells with learned segments.

    Parameters
    ----------
    scores_or_cells : DataFrame or Series of str
        From `RfmScores.transform`, or its column ``cell``.
    segments : Series of str
        Segment of each customer.
    order : sequence of str
        Names of the segments, in the order shown.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evidence
        As `crmlab.segmentation.agreement.agreement`: cross table from cell to segment, ``adjusted_rand``.
    """
    cell = scores_or_cells["cell"] if isinstance(scores_or_cells, pd.DataFrame) else scores_or_cells
    shared = cell.dropna().index.intersection(segments.dropna().index)
    names = [name for name in CELLS if (cell.reindex(shared) == name).any()]
    return agreement(cell, segments, seed=seed, order=names, other_order=order, names=("Named cells", "segments"))
