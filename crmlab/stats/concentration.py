"""How unequally something is held: Lorenz curve, Gini coefficient, share of the top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate
from crmlab.stats.resampling import replicates

__all__ = ["Concentration", "concentration", "gini", "lorenz", "top_share"]

_BLOCKS = 5_000  # above twice as many holders the lower ones are resampled in blocks


def gini(values: object, weights: object = None) -> float:
    """Compute the Gini coefficient: 0 when all hold the same, towards 1 when one holds everything.

    Parameters
    ----------
    values : array-like of float
        What each holds, 0 or more.
    weights : array-like of float, optional
        How often each row counts.

    Returns
    -------
    float
        Twice the area between the diagonal and the Lorenz curve; not known when nothing is held. With n holders the
        largest value is 1 - 1/n.

    Notes
    -----
    Values below 0 are refused: a share of a total has no meaning with them, and the coefficient may pass 1. Use assets
    without debts, or set negative balances to 0 and say so.

    References
    ----------
    Gini (1912), Variabilità e mutabilità; Lerman and Yitzhaki (1989), Journal of Econometrics 42, for weights.

    Examples
    --------
    >>> gini([1, 1, 1, 1]), gini([0, 0, 0, 1]), gini([1, 3], weights=[3, 1])
    (0.0, 0.75, 0.25)
    """
    held, weight = _clean(values, weights)
    order = np.argsort(held, kind="stable")
    return _gini_sorted(held[order], weight[order])


def lorenz(values: object, weights: object = None, *, points: int = 101) -> pd.DataFrame:
    """Compute the Lorenz curve.

    Parameters
    ----------
    values, weights : array-like of float
        As in `gini`.
    points : int
        Number of points, from 0 to 1 in equal steps.

    Returns
    -------
    DataFrame
        ``population_share`` (poorest first) and ``held_share``.

    Examples
    --------
    >>> lorenz([1, 3], points=3).values.tolist()
    [[0.0, 0.0], [0.5, 0.25], [1.0, 1.0]]
    """
    held, weight = _clean(values, weights)
    order = np.argsort(held, kind="stable")
    grid = np.linspace(0, 1, points)
    return pd.DataFrame({"population_share": grid, "held_share": _curve_sorted(held[order], weight[order], grid)})


def top_share(values: object, share: float, weights: object = None) -> float:
    """Compute what the richest `share` of holders hold of the total.

    >>> top_share([1, 1, 1, 7], 0.25)
    0.7
    """
    held, weight = _clean(values, weights)
    order = np.argsort(held, kind="stable")
    return round(float(1 - _curve_sorted(held[order], weight[order], np.array([1 - share]))[0]), 15)


@dataclass(frozen=True)
class Concentration:
    """How concentrated something is, with intervals.

    Parameters
    ----------
    gini : Estimate
        Gini coefficient.
    top : dict of float to Estimate
        Share held by the richest 1 %, 10 %, ...
    curve : DataFrame
        ``population_share``, ``held_share``, ``held_share_low``, ``held_share_high``.
    none_share : float
        Share of holders who hold nothing.
    """

    gini: Estimate
    top: dict[float, Estimate]
    curve: pd.DataFrame
    none_share: float


def concentration(
    values: object,
    *,
    tops: tuple[float, ...] = (0.01, 0.1),
    resamples: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
    points: int = 101,
) -> Concentration:
    """Measure concentration with bootstrap intervals.

    Parameters
    ----------
    values : array-like of float
        What each holds, 0 or more; missing values are left out.
    tops : tuple of float
        Richest shares of the holders to measure.
    resamples, seed, level
        As in `crmlab.stats.bootstrap`.

    Notes
    -----
    The interval of the Gini coefficient is a studentised bootstrap on the log-odds scale. In heavy tails a resample
    misses the richest more often than it doubles them, so plain percentiles lie too low. What that gains is measured by
    `benchmarks/gini_coverage.py`. Intervals of the curve and of top shares are percentiles: those of the very richest
    are too narrow in small banks.

    References
    ----------
    Davidson (2009), Reliable inference for the Gini index, Journal of Econometrics 150.
    """
    held = np.asarray(values, dtype=float)
    held, weight = _clean(held[~np.isnan(held)], None)
    held = np.sort(held)
    grid = np.linspace(0, 1, points)
    cuts = np.array([1 - top for top in tops])
    method, n = f"bootstrap, {resamples:,} resamples", len(held)
    if n < 2 or held.sum() == 0:
        nothing = Estimate(float("nan"), unit="index", n=n, method=method, level=level)
        curve = pd.DataFrame({"population_share": grid, "held_share": np.nan})
        return Concentration(nothing, dict.fromkeys(tops, nothing), curve, float(np.mean(held == 0)) if n else np.nan)

    def statistic(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        curve = _curve_sorted(rows, weights, np.concatenate([grid, cuts]))
        value = _gini_sorted(rows, weights)
        return np.concatenate([curve, [value, _gini_error(rows, weights, value)]])

    point = statistic(held, weight)
    rows, counts = _thinned(held)
    drawn = replicates(statistic, rows, resamples=resamples, seed=seed, counts=counts)
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    limits = _studentised(point[-2:], drawn[:, -2:], tail)
    size = len(grid)
    curve = pd.DataFrame(
        {
            "population_share": grid,
            "held_share": point[:size],
            "held_share_low": low[:size],
            "held_share_high": high[:size],
        }
    )
    top = {
        share: Estimate(1 - point[i], "share", 1 - high[i], 1 - low[i], n, method, level)
        for i, share in enumerate(tops, start=size)
    }
    estimate = Estimate(float(point[-2]), "index", *limits, n, f"{method}, studentised", level)
    return Concentration(estimate, top, curve, float(np.mean(held == 0)))


def _thinned(held: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Join neighbours of a long sorted list into blocks for resampling; the richest, who decide, stay single."""
    if len(held) <= 2 * _BLOCKS:
        return held, None
    lower, upper = held[:-_BLOCKS], held[-_BLOCKS:]
    edges = np.linspace(0, len(lower), _BLOCKS + 1).astype(int)
    sizes = np.diff(edges)
    means = np.add.reduceat(lower, edges[:-1]) / sizes
    return np.concatenate([means, upper]), np.concatenate([sizes, np.ones(_BLOCKS, dtype=int)])


def _studentised(point: np.ndarray, drawn: np.ndarray, tail: float) -> tuple[float, float]:
    """Give limits of a Gini coefficient from resamples measured in their own standard errors, on the log-odds scale.

    Rows are (Gini, standard error). A resample without the richest has a small Gini and a small standard error, so its
    distance counts for more: that lifts the upper limit where the tail is heavy.
    """
    value, error = point
    if not (0 < value < 1 and error > 0):
        return float(value), float(value)
    inside = drawn[(drawn[:, 0] > 0) & (drawn[:, 0] < 1) & (drawn[:, 1] > 0)]
    if len(inside) < 20:
        return float(value), float(value)
    slope = inside[:, 0] * (1 - inside[:, 0])
    distance = (logit(inside[:, 0]) - logit(value)) / (inside[:, 1] / slope)
    low, high = np.quantile(distance, [tail, 1 - tail])
    scale = error / (value * (1 - value))
    return float(expit(logit(value) - high * scale)), float(expit(logit(value) - low * scale))


def _gini_error(held: np.ndarray, weight: np.ndarray, value: float) -> float:
    """Standard error of the Gini coefficient by linearisation, rows sorted (Davidson 2009)."""
    people, amounts = weight.sum(), held * weight
    total = amounts.sum()
    if total <= 0:
        return 0.0
    rank = (np.cumsum(weight) - weight / 2) / people
    below = np.cumsum(amounts) - amounts / 2
    z = (2 * rank - 1 - value) * held - 2 * below / people
    centred = z - np.dot(weight, z) / people
    return float(np.sqrt(np.dot(weight, centred**2)) / total)


def _clean(values: object, weights: object) -> tuple[np.ndarray, np.ndarray]:
    held = np.asarray(values, dtype=float)
    weight = np.ones(len(held)) if weights is None else np.asarray(weights, dtype=float)
    problems = []
    if np.isnan(held).any():
        problems.append(f"concentration: {np.isnan(held).sum():,} of {len(held):,} values are missing. Leave them out.")
    if (held < 0).any():
        problems.append(
            f"concentration: {(held < 0).sum():,} of {len(held):,} values are below 0. "
            "Use assets without debts, or set them to 0 and say so."
        )
    refuse(*problems)
    return held, weight


def _gini_sorted(held: np.ndarray, weight: np.ndarray) -> float:
    amounts = held * weight
    total, people = amounts.sum(), weight.sum()
    if total <= 0 or people <= 0:
        return float("nan")
    # area under the Lorenz curve by trapezoids: sum of weight x (curve before + curve after) / 2
    after = np.cumsum(amounts)
    area = float(np.dot(weight, after - amounts / 2)) / (total * people)
    return float(1 - 2 * area)


def _curve_sorted(held: np.ndarray, weight: np.ndarray, grid: np.ndarray) -> np.ndarray:
    people = np.concatenate([[0.0], np.cumsum(weight, dtype=float)])
    amounts = np.concatenate([[0.0], np.cumsum(held * weight)])
    if amounts[-1] <= 0:
        return np.full(len(grid), np.nan)
    return np.interp(grid, people / people[-1], amounts / amounts[-1])
