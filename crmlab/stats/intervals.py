"""Intervals of shares, rates and medians that hold for small numbers too."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate

__all__ = ["median", "proportion", "proportions", "rate", "rates"]

_METHODS = {"wilson": "Wilson", "clopper": "Clopper-Pearson"}


def proportion(successes: float, n: int, *, method: str = "wilson", level: float = 0.95) -> Estimate:
    """Estimate a share with its interval.

    Parameters
    ----------
    successes : int
        How many of the n, 0 to n.
    n : int
        Rows asked; 0 gives a share that is not known.
    method : str
        ``wilson`` (close to the level on average) or ``clopper`` (never below it, wider).
    level : float
        Confidence level, 0 to 1.

    Notes
    -----
    The rows are taken as independent draws: the interval says how far the share would move for other customers of the
    same kind, also where all customers of the bank were counted.

    References
    ----------
    Wilson (1927), JASA 22; Clopper and Pearson (1934), Biometrika 26; Brown, Cai, DasGupta (2001), Statistical Science.

    Examples
    --------
    >>> proportion(0, 20).interval, proportion(0, 20, method="clopper").interval
    ('0.0 to 16.1 %', '0.0 to 16.8 %')
    """
    share, low, high = (column[0] for column in _proportion_limits([successes], [n], method, level))
    if n == 0:
        return Estimate(float("nan"), unit="share", n=0, method=_METHODS[method], level=level)
    return Estimate(float(share), unit="share", low=float(low), high=float(high), n=int(n), method=_METHODS[method],
                    level=level)  # fmt: skip


def proportions(successes: object, n: object, *, method: str = "wilson", level: float = 0.95) -> pd.DataFrame:
    """Estimate many shares at once.

    Parameters
    ----------
    successes, n : array-like of numbers
        Of equal length, or one number for n.

    Returns
    -------
    DataFrame
        ``share``, ``share_low``, ``share_high`` (0 to 1) and ``n``, with the index of `successes` if it has one.

    Examples
    --------
    >>> proportions([5, 20], 20).round(3).values.tolist()
    [[0.25, 0.112, 0.469, 20.0], [1.0, 0.839, 1.0, 20.0]]
    """
    counts = np.asarray(successes, dtype=float)
    totals = np.broadcast_to(np.asarray(n, dtype=float), counts.shape)
    share, low, high = _proportion_limits(counts, totals, method, level)
    index = successes.index if isinstance(successes, pd.Series) else None
    columns = {"share": share, "share_low": low, "share_high": high, "n": totals.astype(int)}
    return pd.DataFrame(columns, index=index)


def _proportion_limits(successes: object, n: object, method: str, level: float) -> tuple[np.ndarray, ...]:
    from statsmodels.stats.proportion import proportion_confint

    counts, totals = np.asarray(successes, dtype=float), np.asarray(n, dtype=float)
    problems = []
    if method not in _METHODS:
        problems.append(f"proportion: method {method!r} is not known. Choose one of {', '.join(_METHODS)}.")
    if ((counts < 0) | (counts > totals)).any():
        problems.append("proportion: successes lie outside 0 to n. Count them among the same rows.")
    refuse(*problems)
    name = {"wilson": "wilson", "clopper": "beta"}[method]
    safe = np.where(totals > 0, totals, 1.0)
    low, high = proportion_confint(counts, safe, alpha=1 - level, method=name)
    low, high = np.nan_to_num(low, nan=0.0).clip(0, 1).round(12), np.nan_to_num(high, nan=1.0).clip(0, 1).round(12)
    known = totals > 0
    return tuple(np.where(known, column, np.nan) for column in (counts / safe, low, high))


def rate(events: float, exposure: float, *, unit: str, level: float = 0.95) -> Estimate:
    """Estimate events per unit of exposure, with the exact interval of a Poisson count.

    Parameters
    ----------
    events : int
        Number of events, 0 or more.
    exposure : float
        What could produce them (customers, customer-months), above 0.
    unit : str
        Unit of the rate, e.g. ``share`` for joiners per customer.

    References
    ----------
    Garwood (1936), Biometrika 28.

    Examples
    --------
    >>> rate(10, 100, unit="share").interval
    '4.8 to 18.4 %'
    """
    row = rates([events], [exposure], level=level).iloc[0]
    return Estimate(float(row["rate"]), unit=unit, low=float(row["rate_low"]), high=float(row["rate_high"]),
                    n=round(exposure), method="Garwood (exact Poisson)", level=level)  # fmt: skip


def rates(events: object, exposure: object, *, level: float = 0.95) -> pd.DataFrame:
    """Estimate many rates at once: ``rate``, ``rate_low``, ``rate_high``; not known where the exposure is 0."""
    counts = np.asarray(events, dtype=float)
    base = np.broadcast_to(np.asarray(exposure, dtype=float), counts.shape)
    if (counts < 0).any() or (base < 0).any():
        refuse("rate: events or exposure are below 0. Give counts.")
    tail = (1 - level) / 2
    low = np.where(counts > 0, laws.chi2.ppf(tail, 2 * np.maximum(counts, 1)) / 2, 0.0)
    high = laws.chi2.ppf(1 - tail, 2 * (counts + 1)) / 2
    safe = np.where(base > 0, base, np.nan)
    index = events.index if isinstance(events, pd.Series) else None
    return pd.DataFrame({"rate": counts / safe, "rate_low": low / safe, "rate_high": high / safe}, index=index)


def median(values: object, *, unit: str, level: float = 0.95) -> Estimate:
    """Estimate a median with an interval that assumes nothing about the shape.

    Parameters
    ----------
    values : array-like of float
        Missing values are left out.
    unit : str
        Unit of the values.

    Notes
    -----
    The interval runs from one ordered value to another, chosen by the binomial law so that the level is reached. Below
    6 values no such pair reaches 95 %: the interval is then left out.

    Examples
    --------
    >>> e = median([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], unit="days")
    >>> e.value, e.low, e.high, e.n
    (5.5, 2.0, 9.0, 10)
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    ordered = ordered[~np.isnan(ordered)]
    n = len(ordered)
    if n == 0:
        return Estimate(float("nan"), unit=unit, n=0, method="order statistics", level=level)
    # rank r from below and from above: P(Binomial(n, 1/2) < r) <= (1 - level) / 2
    rank = int(laws.binom.ppf((1 - level) / 2, n, 0.5))
    if laws.binom.cdf(rank - 1, n, 0.5) > (1 - level) / 2:
        rank -= 1
    limits = (float(ordered[rank - 1]), float(ordered[n - rank])) if rank >= 1 else (None, None)
    return Estimate(float(np.median(ordered)), unit=unit, low=limits[0], high=limits[1], n=n,
                    method="order statistics", level=level)  # fmt: skip
