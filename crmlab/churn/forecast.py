"""How many will leave in the next window: the sum of the probabilities, with what past sums were off by."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.stats.estimate import Estimate

__all__ = ["expected_leavers", "past_sums"]


def past_sums(scores: pd.DataFrame) -> pd.DataFrame:
    """Put the leavers said beside those that came, date by date.

    Parameters
    ----------
    scores : DataFrame
        One row a customer and date judged out of time: ``as_of``, ``outcome`` (0 or 1), ``p_churn``.

    Returns
    -------
    DataFrame
        ``as_of``, ``n``, ``said_count`` (sum of the probabilities), ``left_count``.
    """
    found = scores.groupby("as_of").agg(
        n=("outcome", "size"), said_count=("p_churn", "sum"), left_count=("outcome", "sum")
    )
    return found.reset_index()


def expected_leavers(
    p_churn: pd.Series, past: pd.DataFrame, *, weight: pd.Series | None = None, unit: str = "count", level: float = 0.95
) -> Estimate:
    """Forecast how many will leave, or how much leaves with them.

    Parameters
    ----------
    p_churn : Series of float
        Calibrated probabilities of today's customers.
    past : DataFrame
        As `past_sums`; may have no row.
    weight : Series of float, optional
        Money that leaves with each; None counts customers.
    unit : str
        Of the result.

    Returns
    -------
    Estimate
        Sum of p (times weight); the interval is for what will be seen, not for its mean.

    Notes
    -----
    Three things move what will be seen: which customers the lot takes (the sum of p(1 - p) w²), how far the sums of
    earlier dates were off on the average, and how they differed from date to date beyond chance (DerSimonian and
    Laird's moment of log(left / said)). One date says nothing of the last; then its own chance stands for it.
    Limits: Student's law with a degree less than the dates, on the log scale; the whole is not below 0 where all
    weights are positive.

    References
    ----------
    DerSimonian and Laird (1986), Controlled Clinical Trials 7; Higgins, Thompson and Spiegelhalter (2009), JRSS A 172
    (prediction interval).

    Examples
    --------
    >>> past = pd.DataFrame({"said_count": [50.0, 52.0, 49.0], "left_count": [50, 49, 53]})
    >>> found = expected_leavers(pd.Series([0.01] * 5000), past)
    >>> round(found.value), found.low < 40 < 60 < found.high
    (50, True)
    """
    p = p_churn.to_numpy(dtype=float)
    w = np.ones(len(p)) if weight is None else weight.reindex(p_churn.index).fillna(0.0).to_numpy(dtype=float)
    total = float(np.sum(p * w))
    n = len(p)
    if n == 0:
        return Estimate(math.nan, unit=unit, n=0, method="not known: nobody to score")
    lot = math.sqrt(float(np.sum(p * (1 - p) * w**2)))
    off, dates = _uncertainty(past)
    quantile = float(laws.t.ppf((1 + level) / 2, max(dates - 1, 2)))
    spread = quantile * math.sqrt(lot**2 + (total * off) ** 2)
    low, high = total - spread, total + spread
    if weight is None or (w >= 0).all():
        reach = quantile * math.sqrt((lot / max(abs(total), 1e-12)) ** 2 + off**2)
        low, high = total * math.exp(-reach), total * math.exp(reach)
    method = (
        f"sum of probabilities; lot and past errors of {dates} dates" if dates else "sum of probabilities; lot only"
    )
    return Estimate(total, unit=unit, low=low, high=high, n=n, method=method, level=level)


def _uncertainty(past: pd.DataFrame) -> tuple[float, int]:
    """Standard deviation of log(left / said) for a new date, and how many dates say so."""
    if not len(past):
        return 0.0, 0
    left, said = past["left_count"].to_numpy(dtype=float), past["said_count"].to_numpy(dtype=float)
    use = said > 0
    if not use.any():
        return 0.0, 0
    left, said = left[use] + 0.5, said[use] + 0.5
    y, variance = np.log(left / said), 1 / left
    w = 1 / variance
    mean = float(np.sum(w * y) / w.sum())
    q = float(np.sum(w * (y - mean) ** 2))
    k = len(y)
    if k == 1:
        return math.sqrt(float(variance[0])), 1
    between = max(0.0, (q - (k - 1)) / (w.sum() - float(np.sum(w**2)) / w.sum()))
    level = 1 / float(np.sum(1 / (variance + between)))
    return math.sqrt(between + level), k
