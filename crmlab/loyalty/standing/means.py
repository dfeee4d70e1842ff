"""Means and shares of customers who count differently and may come twice, with their intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.stats import Estimate, effective_count, proportions

__all__ = ["means_by", "weighted_mean", "weighted_share"]

_METHOD = "linearised, clustered by customer"


def weighted_mean(values: object, weights: object = None, clusters: object = None, *, unit: str = "index",
                  level: float = 0.95) -> Estimate:  # fmt: skip
    """Estimate a mean.

    Parameters
    ----------
    values : array-like of float
        Gaps are left out.
    weights : array-like of float, optional
        0 or more.
    clusters : array-like, optional
        Customer of each row.
    unit : str
        Unit of the values; an index is kept within 0 and 100, a share within 0 and 1.

    Returns
    -------
    Estimate
        Limits by Student's t with the effective number of customers less one; n: rows.

    Examples
    --------
    >>> weighted_mean([60.0, 70.0, 80.0, 90.0]).text
    '75.0 (95 % interval 54.5 to 95.5, n = 4)'
    """
    y, w, group = _known(values, weights, clusters)
    if not len(y):
        return Estimate(float("nan"), unit, n=0, method=_METHOD, level=level)
    value, error, count = _linearised(y, w, group)
    if count < 2 or error == 0:
        return Estimate(value, unit, n=len(y), method="no spread to tell an interval from", level=level)
    step = float(laws.t.ppf((1 + level) / 2, count - 1)) * error
    low, high = value - step, value + step
    top = {"index": 100.0, "share": 1.0}.get(unit)
    if top is not None:
        low, high = max(low, 0.0), min(high, top)
    return Estimate(value, unit, low, high, len(y), _METHOD, level)


def weighted_share(is_so: object, weights: object = None, clusters: object = None, *, level: float = 0.95) -> Estimate:
    """Estimate a share, with Wilson's limits for as many customers of equal weight as say as much.

    Parameters
    ----------
    is_so : array-like of bool
        Gaps (NaN) are left out.
    weights, clusters
        As in `weighted_mean`.

    Examples
    --------
    >>> weighted_share([1, 0, 0, 0]).interval  # Wilson, one of four
    '4.6 to 69.9 %'
    """
    y, w, group = _known(is_so, weights, clusters)
    if not len(y):
        return Estimate(float("nan"), "share", n=0, method="Wilson", level=level)
    value, error, people = _linearised(y, w, group)
    rows = pd.Series(w).groupby(group).sum().to_numpy()
    counts = float(effective_count(rows))  # customers of equal weight
    if error > 0 and people > 1:
        counts = min(counts, value * (1 - value) / error**2 * people / (people - 1))
    found = proportions([value * counts], [counts], level=level).iloc[0]
    low, high = float(found["share_low"]), float(found["share_high"])
    return Estimate(value, "share", min(low, value), max(high, value), len(y), "Wilson, effective n", level)


def means_by(frame: pd.DataFrame, value: str, by: str, *, weight: str | None = None) -> pd.DataFrame:
    """Estimate the mean of each group.

    Parameters
    ----------
    frame : DataFrame
        One row a customer, or several with ``customer_id``.
    value, by : str
        Columns.
    weight : str, optional
        Column of weights.

    Returns
    -------
    DataFrame
        ``group``, ``mean``, ``low``, ``high``, ``n``; groups in order of a category, else of the alphabet.
    """
    rows = []
    for group, part in frame[frame[by].notna()].groupby(by, observed=True, sort=True):
        who = part.get("customer_id")
        one = weighted_mean(part[value], part[weight] if weight else None, who)
        if one.n:
            rows.append({"group": str(group), "mean": one.value, "low": one.low, "high": one.high, "n": one.n})
    return pd.DataFrame(rows, columns=["group", "mean", "low", "high", "n"]).astype({"low": float, "high": float})


def _known(values: object, weights: object, clusters: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    y = np.asarray(values, dtype=float)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    group = np.arange(len(y)) if clusters is None else pd.factorize(np.asarray(clusters))[0]
    keep = np.isfinite(y) & np.isfinite(w) & (w > 0)
    return y[keep], w[keep], pd.factorize(group[keep])[0]


def _linearised(y: np.ndarray, w: np.ndarray, group: np.ndarray) -> tuple[float, float, float]:
    """Value, standard error, and effective number of customers."""
    value = float(np.average(y, weights=w))
    weight = np.bincount(group, w)
    count = float(effective_count(weight))
    sums = np.bincount(group, w * (y - value)) / w.sum()
    small = count / (count - 1) if count > 1 else 1.0
    return value, float(np.sqrt(small * (sums**2).sum())), count
