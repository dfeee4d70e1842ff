"""What new customers bring by the channel through which they came, and when what they cost has come back."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from crmlab.stats import percentile_limits, resample_weights

__all__ = ["payback_by_channel"]


def payback_by_channel(
    stages: pd.DataFrame,
    joined_on: pd.Series,
    channel: pd.Series,
    *,
    cost_amount: float,
    months: int = 24,
    fewest: int = 20,
    resamples: int = 300,
    seed: int = 1,
    level: float = 0.95,
) -> pd.DataFrame:
    """Follow the margin of new customers by month since joining, those who left included at 0.

    Parameters
    ----------
    stages : DataFrame
        As `crmlab.lifecycle.stages.on_dates.stages_on` for consecutive month-ends, with ``margin_amount``.
    joined_on : Series of datetime
        Indexed by ``customer_id``.
    channel : Series of str
        How each customer came, same index.
    cost_amount : float
        What a new customer cost, currency.
    months : int
        Months since joining that are followed, at most.
    fewest : int
        Channels with fewer new customers, followed for a year, are one group: other.

    Returns
    -------
    DataFrame
        One row a channel, most customers first: ``channel``, ``customers_count`` (joined since the second date),
        ``first_year_amount`` with limits (margin of the first 12 months, a joiner), ``there_share`` (still there at 12
        months), ``payback_months`` (first month with the cost back, at the mean of the months seen; not known where it
        has not come back in the months followed), ``n`` (followed for 12 months).

    Notes
    -----
    The mean of each month is over those who joined early enough to be seen in it, left or not; the running sum adds
    these means, so young customers count as far as they go. Percentile limits over resamples of customers.
    """
    days = np.sort(stages["as_of"].unique())
    first = pd.Series(joined_on).reindex(stages["customer_id"].unique())
    new = first[pd.to_datetime(first) > days[0]]
    rows = stages[stages["customer_id"].isin(new.index)]
    margin = rows.pivot(index="customer_id", columns="as_of", values="margin_amount").reindex(columns=days)
    there = rows.assign(there=(rows["stage"] != "lost").astype(float)).pivot(
        index="customer_id", columns="as_of", values="there"
    )  # fmt: skip
    there = there.reindex(columns=days)
    paid = margin.where(there.ne(0) | there.isna(), 0.0)
    by_age, alive = _shifted(paid.to_numpy(float), months), _shifted(there.to_numpy(float), months)
    came = channel.reindex(paid.index).astype("str").where(channel.reindex(paid.index).notna(), "not known")
    full = np.isfinite(by_age[:, 11]) if by_age.shape[1] > 11 else np.zeros(len(by_age), dtype=bool)
    counts = pd.Series(full, index=came.to_numpy()).groupby(level=0).sum()
    group = came.where(came.map(counts) >= fewest, "other")
    found = [_one(name, by_age[(group == name).to_numpy()], alive[(group == name).to_numpy()], cost_amount, resamples,
                  seed, level) for name in sorted(group.unique())]  # fmt: skip
    columns = ["channel", "customers_count", "first_year_amount", "first_year_low_amount", "first_year_high_amount",
               "there_share", "payback_months", "n"]  # fmt: skip
    frame = pd.DataFrame(found, columns=columns)
    frame = frame.assign(last=frame["channel"] == "other")
    frame = frame.sort_values(["last", "customers_count", "channel"], ascending=[True, False, True], kind="stable")
    return frame.drop(columns="last").reset_index(drop=True)


def _shifted(values: np.ndarray, months: int) -> np.ndarray:
    """Put each customer's first month-end seen into the first column; not known after the last."""
    count, width = values.shape
    known = np.isfinite(values)
    start = np.where(known.any(axis=1), known.argmax(axis=1), width)
    place = start[:, None] + np.arange(months)
    padded = np.hstack([values, np.full((count, 1), np.nan)])
    return padded[np.arange(count)[:, None], np.minimum(place, width)]


def _one(name, paid, alive, cost, resamples, seed, level) -> tuple:
    year = paid[:, :12] if paid.shape[1] >= 12 else np.zeros((len(paid), 0))
    n = int(np.isfinite(paid[:, 11]).sum()) if paid.shape[1] > 11 else 0
    running = np.cumsum(_column_means(paid, np.ones(len(paid))))
    back = np.flatnonzero(running >= cost)
    first, low, high, there = math.nan, math.nan, math.nan, math.nan
    if n:
        first = float(_column_means(year, np.ones(len(year))).sum())
        draws = [_column_means(year, weights).sum() for weights in
                 resample_weights(len(year), resamples=resamples, seed=seed)]  # fmt: skip
        low, high = (float(x) for x in percentile_limits(draws, level))
        there = float(np.nanmean(alive[:, 11]))
    return (name, len(paid), first, min(low, first), max(high, first), there,
            float(back[0] + 1) if len(back) else math.nan, n)  # fmt: skip


def _column_means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of each column over the rows known in it."""
    known = np.isfinite(values)
    count = weights @ known
    return np.where(count > 0, weights @ np.where(known, values, 0.0) / np.where(count > 0, count, 1.0), np.nan)
