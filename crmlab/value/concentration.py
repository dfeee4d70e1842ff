"""Who makes and who costs money: cumulative profit from the best customer to the worst, and value by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate
from crmlab.stats.intervals import proportion
from crmlab.stats.resampling import percentile_limits, resample_weights

__all__ = ["Whale", "value_by_group", "whale_curve"]

_POINTS = 101
_TOPS = (0.1, 0.2)
_BOOTSTRAP = "bootstrap, {:,} resamples"


@dataclass(frozen=True)
class Whale:
    """The whale curve: profit of the best share of customers together.

    Parameters
    ----------
    frame : DataFrame
        ``population_share`` (most profitable first, 0 to 1), ``profit_amount``, ``profit_low_amount``,
        ``profit_high_amount`` (of these customers together).
    estimates : dict of str to Estimate
        ``total`` (profit of all), ``peak`` (profit of those who bring any), ``losing_share`` (customers below 0),
        ``losing_amount`` (their sum), ``top_10_share`` and ``top_20_share`` (of the total, may pass 1; not known where
        the total is not above 0).
    """

    frame: pd.DataFrame
    estimates: dict[str, Estimate]


def whale_curve(values: object, *, currency: str, resamples: int = 400, seed: int = 1, level: float = 0.95) -> Whale:
    """Add up profit from the most to the least profitable customer.

    Parameters
    ----------
    values : array-like of float
        Profit of each customer, money; may be below 0.
    currency : str
    resamples, seed : int
        Of the bootstrap over customers.
    level : float

    Notes
    -----
    The curve rises while customers bring money, peaks, and falls by what the others cost. `crmlab.stats.lorenz` refuses
    values below 0, and rightly: shares of a total mean little where parts of it are negative. So the curve is in money;
    shares of the total stand beside it.

    References
    ----------
    Kaplan and Narayanan (2001), Measuring and managing customer profitability, Journal of Cost Management 15.

    Examples
    --------
    >>> found = whale_curve([10.0, 5.0, -3.0, -2.0], currency="EUR").estimates
    >>> found["total"].value, found["peak"].value, found["losing_share"].value, found["losing_amount"].value
    (10.0, 15.0, 0.5, -5.0)
    """
    held = np.asarray(values, dtype=float)
    gaps = int(np.isnan(held).sum())
    refuse(
        *([f"whale_curve: {gaps:,} values are gaps. Leave those customers out first, and count them."] if gaps else []),
        *([] if len(held) else ["whale_curve: no customer. Say it as a gap instead."]),
    )
    ordered = np.sort(held)[::-1]
    n = len(ordered)
    grid = np.linspace(0, 1, _POINTS)
    told = _told(ordered, np.ones(n), grid)
    limits = [(None, None)] * 5
    low = high = np.full(_POINTS, np.nan)
    if n > 1:
        drawn = [_told(ordered, weights, grid) for weights in resample_weights(n, resamples=resamples, seed=seed)]
        low, high = percentile_limits([curve for curve, _ in drawn], level)
        ends = percentile_limits([numbers for _, numbers in drawn], level)
        limits = [(a, b) if np.isfinite([a, b]).all() else (None, None) for a, b in zip(*ends, strict=True)]
    names = ("total", "peak", "losing_amount", "top_10_share", "top_20_share")
    units = (currency, currency, currency, "share", "share")
    estimates = {
        name: Estimate(float(value), unit, low=None if a is None else float(a), high=None if b is None else float(b),
                       n=n, method=_BOOTSTRAP.format(resamples), level=level)
        for name, unit, value, (a, b) in zip(names, units, told[1], limits, strict=True)
    }  # fmt: skip
    estimates["losing_share"] = proportion(int((ordered < 0).sum()), n, level=level)
    frame = pd.DataFrame(
        {"population_share": grid, "profit_amount": told[0], "profit_low_amount": low, "profit_high_amount": high}
    )
    return Whale(frame, estimates)


def _told(ordered: np.ndarray, weights: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Curve and numbers of customers sorted from the best, each counted by its weight."""
    people = np.concatenate([[0.0], np.cumsum(weights)])
    profit = np.concatenate([[0.0], np.cumsum(weights * ordered)])
    curve = np.interp(grid * people[-1], people, profit)
    total, peak, loss = (float((weights * part).sum()) for part in
                         (ordered, np.maximum(ordered, 0), np.minimum(ordered, 0)))  # fmt: skip
    tops = [np.interp(top * people[-1], people, profit) / total if total > 0 else np.nan for top in _TOPS]
    return curve, np.array([total, peak, loss, *tops])


def value_by_group(
    values: pd.Series, groups: pd.Series, *, resamples: int = 400, seed: int = 1, level: float = 0.95
) -> pd.DataFrame:
    """Past value of groups of customers, such as tiers or segments.

    Parameters
    ----------
    values : Series of float
        Value of each customer, money, indexed by ``customer_id``.
    groups : Series
        Group of each customer; who has none is ``not known``. An ordered categorical keeps its order.

    Returns
    -------
    DataFrame
        One row a group: ``group``, ``mean_amount``, ``mean_low_amount``, ``mean_high_amount`` (bootstrap),
        ``total_amount``, ``value_share`` (of the total of all; not known where that is not above 0),
        ``customers_share``, ``losing_share``, ``customers_count``.

    Examples
    --------
    >>> values = pd.Series([1.0, 3.0, 5.0, -1.0], index=list("abcd"))
    >>> found = value_by_group(values, pd.Series(["x", "x", "y", "y"], index=list("abcd")))
    >>> found[["group", "mean_amount", "value_share", "losing_share"]].values.tolist()
    [['x', 2.0, 0.5, 0.0], ['y', 2.0, 0.5, 0.5]]
    """
    named = groups.reindex(values.index)
    order = (
        list(named.cat.categories) if isinstance(named.dtype, pd.CategoricalDtype) else sorted(named.dropna().unique())
    )
    named = named.astype("str").where(named.notna(), "not known")
    total, rows = float(values.sum()), []
    for name in [*map(str, order), "not known"]:
        held = np.sort(values[named == name].to_numpy(dtype=float))
        if not len(held):
            continue
        low = high = np.nan
        if len(held) > 1:
            draws = [float(weights @ held) / len(held) for weights in
                     resample_weights(len(held), resamples=resamples, seed=seed)]  # fmt: skip
            low, high = (float(limit) for limit in percentile_limits(draws, level))
        rows.append((name, held.mean(), low, high, held.sum(), held.sum() / total if total > 0 else np.nan,
                     len(held) / len(values), float((held < 0).mean()), len(held)))  # fmt: skip
    columns = ["group", "mean_amount", "mean_low_amount", "mean_high_amount", "total_amount", "value_share",
               "customers_share", "losing_share", "customers_count"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
