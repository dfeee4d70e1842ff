"""What the top of a list holds: cumulative gains, lift and the Kolmogorov-Smirnov distance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import refuse
from crmlab.stats.differences import Difference
from crmlab.stats.estimate import Estimate
from crmlab.stats.scored_rows import ScoredRows, banded, counts_above, resampled_rows, scored_rows

__all__ = ["cumulative_gains", "kolmogorov_smirnov", "lift", "lift_difference"]


def cumulative_gains(
    outcome: object,
    score: object,
    *,
    shares: Sequence[float] = tuple(k / 20 for k in range(21)),
    customers: object = None,
    weights: object = None,
    resamples: int = 500,
    seed: int = 1,
    level: float = 0.95,
) -> pd.DataFrame:
    """Tell which share of all events the top of the list holds, for lists of several lengths.

    Parameters
    ----------
    outcome : array-like of 0 and 1
    score : array-like of float
        Higher for a likelier event.
    shares : sequence of float
        Lengths of the list as a share of all rows, 0 to 1.
    customers : array-like, optional
        Whose row it is; resamples draw customers with all their rows.
    weights : array-like of float, optional
        How much a row counts, above 0.
    resamples, seed : int
        Same seed, same limits.
    level : float
        Confidence level of each point of the band, not of the band as a whole.

    Returns
    -------
    DataFrame
        ``share`` (of all rows), ``gain_share`` with ``gain_share_low``, ``gain_share_high`` (of all events; by lot it
        equals ``share``), ``lift`` with ``lift_low``, ``lift_high``, ``n``. Not known with one class only.

    Notes
    -----
    A cut within equal scores takes of them what is left, as many events as their share holds: the mean over all orders.
    The area under the whole curve is event rate / 2 + (1 - event rate) x AUC. Percentile bootstrap.

    Examples
    --------
    >>> cumulative_gains([1, 0, 1, 0], [4, 3, 2, 1], shares=[0.25, 0.5, 1.0]).gain_share.tolist()
    [0.5, 0.5, 1.0]
    """
    rows = scored_rows("cumulative_gains", outcome, score, weights=weights, customers=customers)
    points = np.asarray(shares, dtype=float)
    wrong = [float(share) for share in points if not 0 <= share <= 1]
    refuse(*([f"cumulative_gains: shares {wrong} lie outside 0 to 1. Give shares of the rows."] * bool(wrong)))
    frame = pd.DataFrame({"share": points})
    if rows.why_not_ranked:
        columns = [f"{name}{end}" for name in ("gain_share", "lift") for end in ("", "_low", "_high")]
        return frame.assign(**dict.fromkeys(columns, math.nan), n=rows.n)
    value, low, high = banded(rows, lambda kept, weight: _gains(kept, weight, points), resamples, seed, level)
    safe = np.where(points > 0, points, np.nan)
    return frame.assign(
        gain_share=value, gain_share_low=low, gain_share_high=high, lift=value / safe, lift_low=low / safe,
        lift_high=high / safe, n=rows.n,
    )  # fmt: skip


def lift(
    outcome: object,
    score: object,
    *,
    share: float = 0.1,
    customers: object = None,
    weights: object = None,
    resamples: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
) -> Estimate:
    """Estimate how many times as many events the top of the list holds as a list by lot.

    Parameters
    ----------
    share : float
        Length of the list as a share of all rows, above 0 up to 1.
    outcome, score, customers, weights, resamples, seed, level
        As in `cumulative_gains`.

    Returns
    -------
    Estimate
        1 by lot, at most 1 / `share`. Not known with one class only.

    Examples
    --------
    >>> lift([1, 0, 1, 0, 0, 0, 0, 0, 0, 0], range(10, 0, -1), share=0.2).value
    2.5
    """
    rows = scored_rows("lift", outcome, score, weights=weights, customers=customers)
    _refuse_share("lift", share)
    return _one(rows, _lift_of(share), "times", resamples, seed, level)


def kolmogorov_smirnov(
    outcome: object,
    score: object,
    *,
    customers: object = None,
    weights: object = None,
    resamples: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
) -> Estimate:
    """Estimate the largest distance between the scores of those with and those without the event.

    Parameters
    ----------
    outcome, score, customers, weights, resamples, seed, level
        As in `cumulative_gains`.

    Returns
    -------
    Estimate
        0 to 1: share of those with the event above the best cut, less the share of the others above it. Not known with
        one class only.

    Notes
    -----
    Of several samples, the largest distance is a little larger than that of all customers, and a resample's larger
    still. The limits are therefore value minus and plus the spread of the resamples about their own mean, lowered by
    the excess of that mean (a bias-corrected normal bootstrap interval).

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 10.

    Examples
    --------
    >>> kolmogorov_smirnov([0, 0, 1, 0, 1, 1], [1, 2, 3, 4, 5, 6]).short
    '66.7 %'
    """
    rows = scored_rows("kolmogorov_smirnov", outcome, score, weights=weights, customers=customers)
    if rows.why_not_ranked:
        return Estimate(math.nan, unit="share", n=rows.n, method=rows.why_not_ranked, level=level)
    value = float(_distance(rows, rows.weight))
    drawn = np.array([_distance(rows, weight) for weight in resampled_rows(rows, resamples, seed)])
    centre, reach = 2 * value - np.nanmean(drawn), laws.norm.ppf((1 + level) / 2) * np.nanstd(drawn, ddof=1)
    low, high = (float(np.clip(centre + step, 0, 1)) for step in (-reach, reach))
    return Estimate(value, unit="share", low=min(low, value), high=max(high, value), n=rows.n, level=level,
                    method=f"bias-corrected bootstrap, {resamples:,} resamples")  # fmt: skip


def lift_difference(
    outcome: object,
    first: object,
    second: object,
    *,
    share: float = 0.1,
    customers: object = None,
    weights: object = None,
    resamples: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
) -> Difference:
    """Compare the lifts of two scores on the same rows.

    Parameters
    ----------
    first, second : array-like of float
        Two scores of the same rows.
    outcome, share, customers, weights, resamples, seed, level
        As in `lift`.

    Returns
    -------
    Difference
        First less second. Both are computed on the same resamples. Error and p-value are those of the normal law.

    Examples
    --------
    >>> lift_difference([1, 0, 1, 0, 0], [5, 4, 3, 2, 1], [5, 4, 3, 2, 1], share=0.2).estimate.value
    0.0
    """
    pair = [
        scored_rows("lift_difference", outcome, one, weights=weights, customers=customers) for one in (first, second)
    ]
    _refuse_share("lift_difference", share)
    rows = pair[0]
    if rows.why_not_ranked:
        nothing = Estimate(math.nan, unit="times", n=rows.n, method=rows.why_not_ranked, level=level)
        return Difference(nothing, math.nan, math.nan)
    measure = _lift_of(share)
    value = float(measure(pair[0], rows.weight) - measure(pair[1], rows.weight))
    drawn = np.array([measure(pair[0], w) - measure(pair[1], w) for w in resampled_rows(rows, resamples, seed)])
    tail, error = (1 - level) / 2, float(np.nanstd(drawn, ddof=1))
    low, high = (float(limit) for limit in np.nanquantile(drawn, [tail, 1 - tail]))
    p = float(2 * laws.norm.sf(abs(value) / error)) if error > 0 else (1.0 if value == 0 else 0.0)
    found = Estimate(value, unit="times", low=low, high=high, n=rows.n, level=level,
                     method=f"paired bootstrap, {resamples:,} resamples")  # fmt: skip
    return Difference(found, error, p)


def _refuse_share(what: str, share: float) -> None:
    refuse(*([f"{what}: share is {share}. Give a share of the rows above 0 and up to 1."] * (not 0 < share <= 1)))


def _lift_of(share: float) -> Callable[[ScoredRows, np.ndarray], float]:
    return lambda rows, weight: float(_gains(rows, weight, np.array([share]))[0] / share)


def _gains(rows: ScoredRows, weight: np.ndarray, shares: np.ndarray) -> np.ndarray:
    above, events = counts_above(rows, weight)
    if events[-1] == 0:
        return np.full(len(shares), np.nan)
    return np.interp(shares * above[-1], above, events) / events[-1]


def _distance(rows: ScoredRows, weight: np.ndarray) -> float:
    above, events = counts_above(rows, weight)
    others = above - events
    if events[-1] == 0 or others[-1] <= 0:
        return math.nan
    return float(np.max(events / events[-1] - others / others[-1]))


def _one(
    rows: ScoredRows, measure: Callable[[ScoredRows, np.ndarray], float], unit: str, resamples: int, seed: int,
    level: float,
) -> Estimate:  # fmt: skip
    if rows.why_not_ranked:
        return Estimate(math.nan, unit=unit, n=rows.n, method=rows.why_not_ranked, level=level)
    value, low, high = banded(rows, measure, resamples, seed, level)
    return Estimate(float(value), unit=unit, low=float(low), high=float(high), n=rows.n, level=level,
                    method=f"bootstrap, {resamples:,} resamples")  # fmt: skip
