"""The bootstrap: how far a number would move for other customers of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate

__all__ = ["bootstrap", "replicates", "resample_weights"]

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
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Estimate(value, unit=unit, low=float(low), high=float(high), n=len(rows), method=method, level=level)
