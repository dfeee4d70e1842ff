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
from crmlab.stats.intervals import proportions
from crmlab.stats.scored_rows import ScoredRows, banded, counts_above, resampled_rows, scored_rows

__all__ = ["cumulative_gains", "kolmogorov_smirnov", "lift", "lift_difference"]

_FEW = 5  # customers with the event in (or beyond) a list, below which resamples say too little


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
    The area under the whole curve is event rate / 2 + (1 - event rate) x AUC. Percentile bootstrap; where a list holds,
    or lacks, fewer than 5 customers with the event, the wider of it and Wilson's interval of the share of events (a
    resample of no event has no spread).

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
    value, low, high = _limited(rows, points, resamples, seed, level)
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
    if rows.why_not_ranked:
        return Estimate(math.nan, unit="times", n=rows.n, method=rows.why_not_ranked, level=level)
    value, low, high = (float(gain[0]) / share for gain in _limited(rows, np.array([share]), resamples, seed, level))
    return Estimate(value, unit="times", low=low, high=min(high, 1 / share), n=rows.n, level=level,
                    method=f"bootstrap, {resamples:,} resamples; Wilson for few events")  # fmt: skip


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
    The best cut is chosen on the same rows, so the distance is too large in small samples, and a resample's larger
    still: a bias-corrected normal bootstrap held the truth in 70 to 89 % of samples. The lower limit therefore takes
    off the most by which, over all cuts, a resample's curve rises above the curve seen (a one-sided simultaneous band);
    the upper limit needs the best cut only. Where resamples have no spread, the lower limit is Smirnov's. Measured in
    `benchmarks/score_coverage.py`.

    References
    ----------
    Davison and Hinkley (1997), Bootstrap Methods and their Application, chapter 4 (simultaneous bands).

    Examples
    --------
    >>> kolmogorov_smirnov([0, 0, 1, 0, 1, 1], [1, 2, 3, 4, 5, 6]).short
    '66.7 %'
    """
    rows = scored_rows("kolmogorov_smirnov", outcome, score, weights=weights, customers=customers)
    if rows.why_not_ranked:
        return Estimate(math.nan, unit="share", n=rows.n, method=rows.why_not_ranked, level=level)
    order = np.argsort(-rows.score, kind="stable")
    rows = ScoredRows(*(column[order] for column in rows))
    seen = _distances(rows, rows.weight)
    best = int(np.argmax(seen))
    value = float(seen[best])
    drawn = [_distances(rows, weight) - seen for weight in resampled_rows(rows, resamples, seed)]
    tail = (1 - level) / 2
    low = value - float(np.nanquantile([off.max() for off in drawn], 1 - tail))
    high = value - float(np.nanquantile([off[best] for off in drawn], tail))
    if low >= value:  # resamples have no spread
        m, k = (len(np.unique(rows.cluster[rows.outcome == one])) for one in (1, 0))
        low = value - float(laws.kstwobign.ppf(level)) * math.sqrt(1 / m + 1 / k)
    return Estimate(value, unit="share", low=min(max(low, 0.0), value), high=max(min(high, 1.0), value), n=rows.n,
                    method=f"bootstrap band, {resamples:,} resamples", level=level)  # fmt: skip


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


def _distances(rows: ScoredRows, weight: np.ndarray) -> np.ndarray:
    """Share of events above each cut, less the share of the others above it."""
    above, events = counts_above(rows, weight)
    others = above - events
    if events[-1] == 0 or others[-1] <= 0:
        return np.full(len(above), np.nan)
    return events / events[-1] - others / others[-1]


def _limited(
    rows: ScoredRows, shares: np.ndarray, resamples: int, seed: int, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Share of events in lists of several lengths with limits; Wilson's where a list holds, or lacks, few events."""
    value, low, high = banded(rows, lambda kept, weight: _gains(kept, weight, shares), resamples, seed, level)
    customers = len(np.unique(rows.cluster[rows.outcome == 1]))
    few = (np.minimum(value, 1 - value) * customers < _FEW) & (shares > 0) & (shares < 1)
    other = proportions(np.clip(value, 0, 1) * customers, customers, level=level)
    return (
        value,
        np.where(few, np.fmin(low, other["share_low"]), low),
        np.where(few, np.fmax(high, other["share_high"]), high),
    )
