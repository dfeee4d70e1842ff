"""The bootstrap: how far a number would move for other customers of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate

__all__ = ["bootstrap", "effective_count", "percentile_limits", "replicates", "resample_weights"]

Statistic = Callable[[np.ndarray, np.ndarray], "float | np.ndarray"]


def resample_weights(n: int, *, resamples: int, seed: int, counts: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Yield, for each resample, how often each of n rows was drawn.

    Weights instead of copies: the rows stay sorted, and memory stays at n numbers however many resamples are asked.
    With `counts`, a row stands for so many customers alike, and as many customers are drawn as there are.

    Examples
    --------
    >>> [int(weights.sum()) for weights in resample_weights(5, resamples=3, seed=1)]
    [5, 5, 5]
    """
    generator = np.random.default_rng(seed)
    for _ in range(resamples):
        if counts is not None:
            yield generator.multinomial(counts.sum(), counts / counts.sum())
            continue
        yield np.bincount(generator.integers(0, n, n), minlength=n)


def replicates(
    statistic: Statistic,
    values: object,
    *,
    resamples: int = 1_000,
    seed: int = 1,
    counts: np.ndarray | None = None,
) -> np.ndarray:
    """Compute a statistic on each resample of the rows.

    Parameters
    ----------
    statistic : callable
        Takes ``(values, weights)`` and returns a number or a vector of fixed length. Each row counts `weights` times.
    values : array-like
        One row a customer (one or two dimensions).
    resamples, seed : int
        Same seed, same numbers.
    counts : array of int, optional
        How many customers each row stands for; None: one.

    Returns
    -------
    ndarray
        Shape (resamples,) or (resamples, length).
    """
    rows = np.asarray(values, dtype=float)
    drawn = resample_weights(len(rows), resamples=resamples, seed=seed, counts=counts)
    return np.array([statistic(rows, weights) for weights in drawn])


def bootstrap(
    statistic: Statistic,
    values: object,
    *,
    unit: str,
    resamples: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
) -> Estimate:
    """Estimate a number with its percentile bootstrap interval.

    Parameters
    ----------
    statistic : callable
        Takes ``(values, weights)`` and returns one number.
    values : array-like of float
        One row a customer; rows are independent of each other. No missing values.
    unit : str
        Unit of the number.
    resamples : int
        1,000 suffice for 95 % limits.
    seed : int
        Same seed, same limits.

    References
    ----------
    Efron (1979), Annals of Statistics 7; Davison and Hinkley (1997), Bootstrap Methods and their Application.

    Examples
    --------
    >>> e = bootstrap(lambda values, weights: np.average(values, weights=weights), [1, 2, 3, 4, 5], unit="days")
    >>> e.value, round(e.low, 1), round(e.high, 1)
    (3.0, 1.8, 4.2)
    """
    rows = np.asarray(values, dtype=float)
    if np.isnan(rows).any():
        refuse("bootstrap: the values have gaps. Leave those rows out first, and count them.")
    method = f"bootstrap, {resamples:,} resamples"
    if len(rows) == 0:
        return Estimate(float("nan"), unit=unit, n=0, method=method, level=level)
    value = float(statistic(rows, np.ones(len(rows), dtype=int)))
    if len(rows) == 1:
        return Estimate(value, unit=unit, n=1, method=method, level=level)
    drawn = replicates(statistic, rows, resamples=resamples, seed=seed)
    low, high = percentile_limits(drawn, level)
    return Estimate(value, unit=unit, low=float(low), high=float(high), n=len(rows), method=method, level=level)


def percentile_limits(draws: object, level: float = 0.95, *, method: str = "linear") -> tuple[np.ndarray, np.ndarray]:
    """Percentile limits of values of resamples, which stand on the first axis; gaps are left out.

    Parameters
    ----------
    draws : array-like of float, shape (resamples, ...)
        NaN where a resample has no value.
    level : float
        Confidence level, 0 to 1.
    method : str
        Of `numpy.quantile`; ``inverted_cdf`` for ranks, so that limits are values that occur.

    Returns
    -------
    tuple of ndarray, each of shape (...)
        Low and high; NaN where no resample has a value.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.

    Examples
    --------
    >>> low, high = percentile_limits([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan]], 0.5)
    >>> low.tolist(), high.tolist()
    ([1.5, nan], [2.5, nan])
    """
    draws = np.asarray(draws, dtype=float)
    if not len(draws):
        return np.full(draws.shape[1:], np.nan), np.full(draws.shape[1:], np.nan)
    gaps = np.isnan(draws)
    never = gaps.all(axis=0)
    tails = [(1 - level) / 2, (1 + level) / 2]
    if gaps.any():
        low, high = np.nanquantile(np.where(never, 0.0, draws), tails, axis=0, method=method)
    else:
        low, high = np.quantile(draws, tails, axis=0, method=method)
    return np.where(never, np.nan, low), np.where(never, np.nan, high)


def effective_count(weights: np.ndarray, axis: int | None = None) -> np.ndarray | float:
    """Compute how many of equal weight would say as much (Kish 1965): squared sum over sum of squares.

    Parameters
    ----------
    weights : ndarray of float
        0 or more, not all 0.
    axis : int, optional
        Along which is summed; None: all.

    References
    ----------
    Kish (1965), Survey Sampling.

    Examples
    --------
    >>> float(effective_count(np.array([1.0, 3.0])))
    1.6
    """
    return weights.sum(axis=axis) ** 2 / (weights**2).sum(axis=axis)
