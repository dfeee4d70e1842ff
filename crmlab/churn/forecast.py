"""How many will leave in the next window: the sum of the probabilities, with what past sums were off by."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.stats.estimate import Estimate

__all__ = ["expected_leavers", "past_sums"]

_AT_ONCE = 4_000_000  # random numbers drawn together


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
    p_churn: pd.Series, past: pd.DataFrame, *, weight: pd.Series | None = None, unit: str = "count",
    draws: int = 2_000, seed: int = 1, level: float = 0.95,
) -> Estimate:  # fmt: skip
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
    draws, seed : int
        Same seed, same limits.

    Returns
    -------
    Estimate
        Sum of p (times weight); the interval is for what will be seen, not for its mean.

    Notes
    -----
    Three things move what will be seen: which customers the lot takes, how far the sums of earlier dates were off on
    the average, and how they differed from date to date beyond chance (DerSimonian and Laird's moment of
    log(left / said), widened by Student's law). One date says nothing of the next but its own chance. The limits are
    quantiles of draws of all three; the middle is not moved by what the past was off.

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
    if len(p) == 0:
        return Estimate(math.nan, unit=unit, n=0, method="not known: nobody to score")
    total, (off, dates) = float(np.sum(p * w)), _uncertainty(past)
    order = np.argsort(p_churn.index.to_numpy(dtype="U"), kind="stable")  # same draws whatever the order of rows
    generator = np.random.default_rng(seed)
    factor = np.exp(generator.normal(0.0, 1.0, draws) * off)
    seen = np.empty(draws)
    for start in range(0, draws, step := max(1, _AT_ONCE // len(p))):
        part = slice(start, min(start + step, draws))
        chance = np.minimum(p[order][None, :] * factor[part, None], 1.0)
        seen[part] = (generator.random(chance.shape) < chance) @ w[order]
    tail = (1 - level) / 2
    low, high = np.quantile(seen, [tail, 1 - tail])
    method = (
        f"sum of probabilities; lot and past errors of {dates} dates" if dates else "sum of probabilities; lot only"
    )
    return Estimate(total, unit=unit, low=float(min(low, total)), high=float(max(high, total)), n=len(p), method=method,
                    level=level)  # fmt: skip


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
    widened = between * (float(laws.t.ppf(0.975, k - 1)) / float(laws.norm.ppf(0.975))) ** 2
    return math.sqrt(widened + level), k
