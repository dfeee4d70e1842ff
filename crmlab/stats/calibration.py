"""Do the probabilities mean what they say? Reliability by groups, the Brier score, the calibration error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate
from crmlab.stats.intervals import proportions
from crmlab.stats.scored_rows import ScoredRows, scored_rows

__all__ = ["BrierParts", "CalibrationError", "brier", "calibration_error", "reliability"]

_CHUNK = 2_000_000  # random numbers drawn at once


def reliability(
    outcome: object,
    p: object,
    *,
    bins: int = 10,
    weights: object = None,
    customers: object = None,
    method: str = "wilson",
    level: float = 0.95,
) -> pd.DataFrame:
    """Hold the probabilities against what happened, in groups of about equal size.

    Parameters
    ----------
    outcome : array-like of 0 and 1
    p : array-like of float
        Probability of the event, 0 to 1.
    bins : int
        Number of groups, 1 or more; equal probabilities stay together, so there may be fewer.
    weights : array-like of float, optional
        How much a row counts, above 0.
    customers : array-like, optional
        Whose row it is; the interval then counts customers that move together as fewer.
    method : str
        ``wilson`` or ``clopper`` (never below the level, wider).
    level : float
        Confidence level of each interval, not of all together.

    Returns
    -------
    DataFrame
        One row a group, lowest first: ``bin`` (from 1), ``p_lowest``, ``p_highest``, ``p_mean``, ``event_share`` with
        ``event_share_low``, ``event_share_high`` (0 to 1), ``events_count``, ``n``, ``is_off`` (`p_mean` lies outside
        the interval).

    Notes
    -----
    With weights or customers the interval is made for n / design effect rows (Kish for weights; the between-customer
    variance for customers, where it is larger).

    References
    ----------
    Bröcker and Smith (2007), Increasing the reliability of reliability diagrams, Weather and Forecasting 22.

    Examples
    --------
    >>> reliability([0, 0, 0, 1, 1, 1], [0.1, 0.1, 0.2, 0.7, 0.8, 0.9], bins=2)[["p_mean", "event_share", "n"]].round(
    ...     3).values.tolist()
    [[0.133, 0.0, 3.0], [0.8, 1.0, 3.0]]
    """
    _refuse_bins("reliability", bins)
    rows = scored_rows("reliability", outcome, p, weights=weights, customers=customers, is_probability=True)
    code = _bins(rows.score, bins)
    k = int(code.max()) + 1 if rows.n else 0
    total, n = np.bincount(code, rows.weight, k), np.bincount(code, minlength=k)
    share = np.bincount(code, rows.weight * rows.outcome, k) / total
    size = n / _design_effect(rows, code, share, total)
    limits = proportions(share * size, size, method=method, level=level)
    p_mean = np.bincount(code, rows.weight * rows.score, k) / total
    ends = pd.Series(rows.score).groupby(code).agg(["min", "max"])
    low, high = limits["share_low"].to_numpy(), limits["share_high"].to_numpy()
    return pd.DataFrame(
        {
            "bin": np.arange(1, k + 1),
            "p_lowest": ends["min"].to_numpy(dtype=float),
            "p_highest": ends["max"].to_numpy(dtype=float),
            "p_mean": p_mean,
            "event_share": share,
            "event_share_low": low,
            "event_share_high": high,
            "events_count": np.bincount(code, rows.outcome, k).astype(int),
            "n": n,
            "is_off": (p_mean < low) | (p_mean > high),
        }
    )


@dataclass(frozen=True)
class BrierParts:
    """The Brier score and what it is made of; all are mean squared differences.

    Parameters
    ----------
    score : Estimate
        Mean of (p - outcome) squared: 0 is perfect. Equals reliability - resolution + uncertainty + within_bins.
    reliability : float
        Distance of the probabilities from the shares that happened; 0 is best.
    resolution : float
        How far the groups' shares lie apart; larger is better, at most `uncertainty`.
    uncertainty : float
        Event rate x (1 - event rate): the score of saying the event rate to everybody.
    within_bins : float
        What grouping hides: variance of p within groups less twice its covariance with the outcome.
    skill : float
        1 - score / uncertainty: 0 says no more than the event rate, 1 is perfect. Not known with one class.
    """

    score: Estimate
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float
    skill: float


def brier(
    outcome: object,
    p: object,
    *,
    bins: int | None = 10,
    weights: object = None,
    customers: object = None,
    level: float = 0.95,
) -> BrierParts:
    """Estimate the mean squared error of the probabilities, and say where it comes from.

    Parameters
    ----------
    outcome, p, weights, customers, level
        As in `reliability`.
    bins : int or None
        Groups of about equal size; None: one group for each distinct probability (Murphy's own parts, nothing hidden
        within groups).

    Returns
    -------
    BrierParts

    Notes
    -----
    With groups k of share w_k, mean probability p_k and event share o_k:
    reliability = sum w_k (p_k - o_k)^2, resolution = sum w_k (o_k - o)^2, uncertainty = o (1 - o), and
    within_bins = sum of w (p - p_k)^2 - 2 w (p - p_k)(outcome - o_k). The identity is exact. In small samples the
    reliability is too high by chance alone: see `calibration_error`. Limits of the score: normal law of the mean,
    summed over customers.

    References
    ----------
    Murphy (1973), Journal of Applied Meteorology 12; Stephenson, Coelho and Jolliffe (2008), Two extra components in
    the Brier score decomposition, Weather and Forecasting 23.

    Examples
    --------
    >>> parts = brier([0, 1, 1, 1], [0.2, 0.2, 0.8, 0.8], bins=None)
    >>> [round(x, 4) for x in (parts.score.value, parts.reliability, parts.resolution, parts.uncertainty)]
    [0.19, 0.065, 0.0625, 0.1875]
    """
    if bins is not None:
        _refuse_bins("brier", bins)
    rows = scored_rows("brier", outcome, p, weights=weights, customers=customers, is_probability=True)
    if rows.n == 0:
        return BrierParts(Estimate(math.nan, unit="index", n=0, method="not known: no rows"), *[math.nan] * 5)
    code = np.unique(rows.score, return_inverse=True)[1] if bins is None else _bins(rows.score, bins)
    w = rows.weight / rows.weight.sum()
    size = np.bincount(code, w)
    p_mean, share = np.bincount(code, w * rows.score) / size, np.bincount(code, w * rows.outcome) / size
    rate = float(np.sum(w * rows.outcome))
    error = (rows.score - rows.outcome) ** 2
    inside = rows.score - p_mean[code]
    value = float(np.sum(w * error))
    spread = float(np.sqrt(np.sum(np.bincount(rows.cluster, w * (error - value)) ** 2)))
    customers_count = len(np.unique(rows.cluster))
    reach = float(laws.norm.ppf((1 + level) / 2)) * spread * math.sqrt(customers_count / max(customers_count - 1, 1))
    limits = (max(value - reach, 0.0), min(value + reach, 1.0)) if customers_count > 1 else (None, None)
    uncertainty = rate * (1 - rate)
    return BrierParts(
        score=Estimate(value, unit="index", low=limits[0], high=limits[1], n=rows.n, method="normal", level=level),
        reliability=float(np.sum(size * (p_mean - share) ** 2)),
        resolution=float(np.sum(size * (share - rate) ** 2)),
        uncertainty=uncertainty,
        within_bins=float(np.sum(w * (inside**2 - 2 * inside * (rows.outcome - share[code])))),
        skill=1 - value / uncertainty if uncertainty > 0 else math.nan,
    )


@dataclass(frozen=True)
class CalibrationError:
    """The calibration error, and what chance alone gives.

    Parameters
    ----------
    value : float
        Mean distance between probabilities and event shares over the groups, 0 to 1.
    expected : float
        Its mean when every probability is right.
    chance_high : float
        Value that right probabilities exceed once in 1 / (1 - level) samples (20 at 95 %).
    p_value : float
        Chance of a value as large when every probability is right.
    bins, n : int
        Groups, rows.
    """

    value: float
    expected: float
    chance_high: float
    p_value: float
    bins: int
    n: int

    @property
    def is_beyond_chance(self) -> bool:
        """Whether right probabilities would give so large an error less often than the level allows."""
        return self.value > self.chance_high


def calibration_error(
    outcome: object,
    p: object,
    *,
    bins: int = 10,
    weights: object = None,
    resamples: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
) -> CalibrationError:
    """Measure how far probabilities lie from what happens (ECE), beside what chance alone gives.

    Parameters
    ----------
    outcome, p, bins, weights, level
        As in `reliability`.
    resamples, seed : int
        Outcomes are drawn so often from the probabilities themselves; same seed, same numbers.

    Returns
    -------
    CalibrationError

    Notes
    -----
    Sum over groups of size share x abs(mean p - event share), groups of about equal size. It is never 0 by chance and
    grows as rows get fewer, so it means nothing without `expected`. The draws are independent: with several rows a
    customer, judge one row a customer, or the band is too narrow.

    References
    ----------
    Naeini, Cooper and Hauskrecht (2015), AAAI 29; Bröcker and Smith (2007), Weather and Forecasting 22 (consistency
    resampling).

    Examples
    --------
    >>> found = calibration_error([0, 1] * 50, [0.5] * 100)
    >>> found.value, round(found.expected, 2), found.is_beyond_chance
    (0.0, 0.04, False)
    """
    _refuse_bins("calibration_error", bins)
    rows = scored_rows("calibration_error", outcome, p, weights=weights, is_probability=True)
    if rows.n == 0:
        return CalibrationError(*[math.nan] * 4, 0, 0)
    code = _bins(rows.score, bins)
    order = np.argsort(code, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(code[order]) > 0))
    p_sorted, w = rows.score[order], (rows.weight / rows.weight.sum())[order]

    def error(outcomes: np.ndarray) -> np.ndarray:
        return np.abs(np.add.reduceat(w * (p_sorted - outcomes), first, axis=-1)).sum(axis=-1)

    value = float(error(rows.outcome[order]))
    generator, drawn = np.random.default_rng(seed), []
    at_once = max(1, _CHUNK // rows.n)
    for start in range(0, resamples, at_once):
        size = (min(at_once, resamples - start), rows.n)
        drawn.append(error(generator.random(size) < p_sorted))
    chance = np.concatenate(drawn)
    p_value = float((1 + np.sum(chance >= value - 1e-12)) / (1 + resamples))
    return CalibrationError(value, float(chance.mean()), float(np.quantile(chance, level)), p_value, len(first), rows.n)


def _bins(p: np.ndarray, bins: int) -> np.ndarray:
    """Number the group of each row, from 0: equal counts, equal probabilities together."""
    if len(p) == 0:
        return np.zeros(0, dtype=int)
    values, code, counts = np.unique(p, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(p)
    group = np.minimum((middle * bins).astype(int), bins - 1)
    return np.unique(group, return_inverse=True)[1][code] if len(values) else code


def _design_effect(rows: ScoredRows, code: np.ndarray, share: np.ndarray, total: np.ndarray) -> np.ndarray:
    k, n = len(share), np.bincount(code, minlength=len(share))
    kish = n * np.bincount(code, rows.weight**2, k) / total**2
    pairs, which = np.unique(np.column_stack([code, rows.cluster]), axis=0, return_inverse=True)
    if len(pairs) == rows.n:
        return kish
    off = np.bincount(which, rows.weight * (rows.outcome - share[code]))
    between = np.bincount(pairs[:, 0], off**2, k)
    alike = np.bincount(code, rows.weight**2, k) * share * (1 - share)
    return kish * np.maximum(np.divide(between, alike, out=np.ones(k), where=alike > 0), 1.0)


def _refuse_bins(what: str, bins: int) -> None:
    refuse(*([f"{what}: bins is {bins!r}. Give a whole number, 1 or more."] * (not isinstance(bins, int) or bins < 1)))
