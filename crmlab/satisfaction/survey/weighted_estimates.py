"""Means and totals of weighted answers, with standard errors that know how the weights were made."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.survey.weighting import CalibratedWeights, effective_n
from crmlab.stats import Estimate

__all__ = ["influence_of_mean", "variance_of_sum", "weighted_mean", "weighted_means", "weighted_total"]


def weighted_mean(
    values: pd.Series,
    weights: pd.Series | CalibratedWeights | None = None,
    *,
    unit: str,
    clusters: pd.Series | None = None,
    population_clusters: float | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate what all customers would have answered on average.

    Parameters
    ----------
    values : Series of float
        One a response; gaps are left out.
    weights : Series of float or CalibratedWeights, optional
        On the same index, 0 or more. With `CalibratedWeights` the interval counts that margins are known. None: alike.
    unit : str
        Unit of the values.
    clusters : Series, optional
        What was drawn as a whole, such as a branch or a customer who answered twice; None: each response.
    population_clusters : float, optional
        How many of them there are; given, the finite population correction is applied.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        With a Student interval (clusters less 1 degrees of freedom); n counts responses with a value. No interval
        where there is one cluster, or where all answers are alike: their spread is then not known.

    Notes
    -----
    Taylor linearisation: a response moves the mean by weight x (value - mean) / sum of weights. For calibrated weights
    (value - mean) is replaced by its residual from a regression, with the weights before, on the categories whose
    totals are known. The variance is that of the sums by cluster, drawn with replacement.

    References
    ----------
    Deville and Särndal (1992), Calibration estimators in survey sampling, JASA 87; Lumley (2010), Complex Surveys.

    Examples
    --------
    >>> weighted_mean(pd.Series([8.0, 6.0, 10.0]), pd.Series([1.0, 2.0, 1.0]), unit="points").value
    7.5
    """
    moved, value, n = influence_of_mean(values, weights)
    if n == 0:
        return Estimate(math.nan, unit=unit, n=0, method=_METHOD, level=level)
    return _estimate(value, moved, n, unit, clusters, population_clusters, level)


def weighted_total(
    values: pd.Series,
    weights: pd.Series | CalibratedWeights,
    *,
    unit: str,
    clusters: pd.Series | None = None,
    population_clusters: float | None = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the total over all customers, for weights that add up to the population; see `weighted_mean`.

    Missing values count as nothing: fill them, or multiply a mean by the known number of customers.

    >>> weighted_total(pd.Series([8.0, 6.0, 10.0]), pd.Series([100.0, 200.0, 100.0]), unit="points").value
    3000.0
    """
    x, w, calibrated = _inputs(values, weights)
    known = np.isfinite(x)
    moved = _residual(np.where(known, x, 0.0), w, calibrated) * w
    value = float(np.dot(w[known], x[known]))
    return _estimate(value, moved, int((known & (w > 0)).sum()), unit, clusters, population_clusters, level)


def weighted_means(
    frame: pd.DataFrame,
    items: Sequence[str],
    *,
    by: str | None = None,
    weights: pd.Series | CalibratedWeights | None = None,
    clusters: pd.Series | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the mean of each item, for all or for each group.

    Parameters
    ----------
    frame : DataFrame
        One row a response; items as floats with gaps.
    items : sequence of str
        Columns to average.
    by : str, optional
        Column of groups.
    weights, clusters, level
        As in `weighted_mean`.

    Returns
    -------
    DataFrame
        ``group`` (with `by`), ``item``, ``mean``, ``mean_low``, ``mean_high``, ``n``, ``effective_n``.

    Examples
    --------
    >>> answers = pd.DataFrame({"q1": [8.0, 6.0, 4.0], "branch": ["a", "a", "b"]})
    >>> weighted_means(answers, ["q1"], by="branch")[["group", "item", "mean", "n"]].values.tolist()
    [['a', 'q1', 7.0, 2], ['b', 'q1', 4.0, 1]]
    """
    wanted = [*items, *([by] if by else [])]
    refuse(
        *(
            f"weighted_means: the frame lacks column {name!r}.{nearest(name, frame.columns)} Name one it has."
            for name in wanted
            if name not in frame.columns
        )
    )
    groups = [(None, None)] if by is None else list(frame.groupby(by, sort=True, observed=True).indices.items())
    rows = []
    for group, places in groups:
        for item in items:
            values = frame[item].astype(float)
            if places is not None:
                inside = np.zeros(len(frame), dtype=bool)
                inside[places] = True
                values = values.where(inside)
            found = weighted_mean(values, weights, unit="", clusters=clusters, level=level)
            held = _inputs(values, weights)[1][np.isfinite(values.to_numpy())]
            size = effective_n(held) if (held > 0).any() else 0.0
            limits = (math.nan if limit is None else limit for limit in (found.low, found.high))
            rows.append((group, item, found.value, *limits, found.n, size))
    table = pd.DataFrame(rows, columns=["group", "item", "mean", "mean_low", "mean_high", "n", "effective_n"])
    return table if by else table.drop(columns="group")


def influence_of_mean(
    values: pd.Series, weights: pd.Series | CalibratedWeights | None = None
) -> tuple[np.ndarray, float, int]:
    """Compute how far each response moves a weighted mean.

    Returns
    -------
    moved : ndarray of float
        One a response; without calibration 0 where the value is missing, and adding up to 0.
    mean : float
        Weighted mean; not known (NaN) where nobody with a weight has a value.
    n : int
        Responses with a value and a weight.

    Examples
    --------
    >>> moved, mean, n = influence_of_mean(pd.Series([1.0, 3.0]))
    >>> moved.tolist(), mean, n
    ([-0.5, 0.5], 2.0, 2)
    """
    x, w, calibrated = _inputs(values, weights)
    known = np.isfinite(x) & (w > 0)
    total = w[known].sum()
    if total <= 0:
        return np.zeros(len(x)), math.nan, 0
    mean = float(np.dot(w[known], x[known]) / total)
    centred = np.where(known, x - mean, 0.0)
    return _residual(centred, w, calibrated) * w / total, mean, int(known.sum())


def variance_of_sum(
    moved: np.ndarray, clusters: object = None, *, population_clusters: float | None = None
) -> tuple[float, int]:
    """Compute the variance of a sum of contributions drawn in clusters, and the number of clusters that contribute.

    >>> variance_of_sum(np.array([-0.5, 0.5]))
    (1.0, 2)
    """
    sums = np.asarray(moved, dtype=float)
    if clusters is not None:
        code, names = pd.factorize(np.asarray(clusters), use_na_sentinel=False)
        sums = np.bincount(code, weights=sums, minlength=len(names))
    count = len(sums)
    if count < 2:
        return math.nan, count
    left = 1.0 if population_clusters is None else max(1 - count / population_clusters, 0.0)
    return float(left * count / (count - 1) * ((sums - sums.mean()) ** 2).sum()), count


_METHOD = "linearised, Student"


def _estimate(
    value: float,
    moved: np.ndarray,
    n: int,
    unit: str,
    clusters: pd.Series | None,
    population_clusters: float | None,
    level: float,
) -> Estimate:
    variance, count = variance_of_sum(moved, clusters, population_clusters=population_clusters)
    if not variance > 1e-24 * max(1.0, value**2) or n < 2:
        return Estimate(value, unit=unit, n=n, method=_METHOD, level=level)
    reach = float(laws.t.ppf((1 + level) / 2, count - 1)) * math.sqrt(variance)
    return Estimate(value, unit, value - reach, value + reach, n, _METHOD, level)


def _inputs(values: pd.Series, weights: object) -> tuple[np.ndarray, np.ndarray, CalibratedWeights | None]:
    x = np.asarray(values, dtype=float)
    calibrated = weights if isinstance(weights, CalibratedWeights) else None
    given = calibrated.weights if calibrated is not None else weights
    w = np.ones(len(x)) if given is None else np.asarray(given, dtype=float)
    if isinstance(values, pd.Series) and isinstance(given, pd.Series) and not values.index.equals(given.index):
        refuse("weighted mean: values and weights have different indexes. Take both from the same frame.")
    if len(w) != len(x):
        refuse(f"weighted mean: there are {len(x):,} values and {len(w):,} weights. Give one weight a response.")
    bad = int((~np.isfinite(w) | (w < 0)).sum())
    if bad:
        refuse(f"weighted mean: {bad:,} of {len(w):,} weights are negative or missing. Give 0 or more.")
    return x, w, calibrated


def _residual(x: np.ndarray, w: np.ndarray, calibrated: CalibratedWeights | None) -> np.ndarray:
    """Residual of a regression, with the weights before calibration, on the categories whose totals are known."""
    if calibrated is None:
        return x
    known = pd.concat([pd.get_dummies(calibrated.groups[c], dtype=float) for c in calibrated.groups], axis=1)
    design = known.to_numpy()
    root = np.sqrt(calibrated.base.to_numpy())[:, None]
    slope, *_ = np.linalg.lstsq(design * root, x * root[:, 0], rcond=None)
    return x - design @ slope
