"""How far a segment is from all customers: one scale for every column, differences and means with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.errors import refuse
from crmlab.stats import Estimate

__all__ = ["contrast", "in_segments", "mean_of", "numbers", "prepared"]

_CLIPPED = (0.005, 0.995)


def in_segments(frame: pd.DataFrame, segments: pd.Series, *, order: Sequence[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Keep the rows that have a segment, and number the segment of each by its place in the order.

    >>> rows, code = in_segments(pd.DataFrame({"x": [1, 2]}, index=["a", "b"]), pd.Series({"b": "s"}), order=["s"])
    >>> rows.index.tolist(), code.tolist()
    (['b'], [0])
    """
    unknown = sorted(set(segments.dropna()) - set(order))
    if unknown:
        refuse(f"segments: {unknown} are not in the order {list(order)}. Add them.")
    own = segments.reindex(frame.index)
    kept = own.notna().to_numpy()
    return frame[kept], pd.Index(list(order)).get_indexer(own[kept])


def prepared(values: pd.Series, kind: str) -> np.ndarray:
    """Bring a column to the scale on which segments are compared: mean 0, standard deviation 1, gaps kept.

    Parameters
    ----------
    values : Series
        Amounts and counts (the logarithm of 1 + x is taken, of an amount in units of its median), shares and numbers
        (as they are), flags (0 or 1).
    kind : str
        Kind of a `Column`, not ``category``.

    Returns
    -------
    ndarray of float
        Clipped at the 0.5 and 99.5 % quantiles first, so that one billionaire does not set the scale; all 0 where the
        column is constant.

    Examples
    --------
    >>> prepared(pd.Series([False, True, None]), "flag").tolist()
    [-1.0, 1.0, nan]
    """
    x = numbers(values)
    known = x[np.isfinite(x)]
    if not len(known):
        return np.full(len(x), np.nan)
    if kind in ("amount", "count"):
        x = np.maximum(x, 0.0)
        above = known[known > 0]
        unit = float(np.median(above)) if kind == "amount" and len(above) else 1.0
        x = np.log1p(x / unit)
    if kind != "flag":
        x = np.clip(x, *np.nanquantile(x, _CLIPPED))
    spread = float(np.nanstd(x))
    return (x - np.nanmean(x)) / spread if spread > 1e-12 else np.where(np.isnan(x), np.nan, 0.0)


def contrast(x: np.ndarray, code: np.ndarray, k: int) -> pd.DataFrame:
    """Compare the mean of each segment with that of all.

    Parameters
    ----------
    x : ndarray of float
        Values; gaps are left out. Only 0 and 1: a flag.
    code : ndarray of int
        Segment of each value, 0 to k - 1.
    k : int
        Number of segments.

    Returns
    -------
    DataFrame
        One row a segment: ``n`` (known), ``difference`` (mean of the segment less that of all) and ``p_value`` (chance
        of a difference as large were the segment drawn by lot). Both are not known (NaN) for groups under 10, and the
        chance also where fewer than 10 customers are in other segments.

    Notes
    -----
    The chance is that of the segment against the others, who are independent of it: for a flag the exact one, twice
    the smaller tail of the hypergeometric law; for numbers Student's law with Welch's degrees of freedom. There each
    side's variance is taken no smaller than that of all customers: in a small group a lucky small mean of a skewed
    number comes with a small variance, and tables of segments drawn by lot held twice as many false marks.

    References
    ----------
    Fisher (1935), The Design of Experiments; Welch (1947), Biometrika 34.

    Examples
    --------
    >>> contrast(np.repeat([1.0, 0.0], 10), np.repeat([0, 1], 10), 2).round(6).values.tolist()
    [[10.0, 0.5, 1.1e-05], [10.0, -0.5, 1.1e-05]]
    """
    known = np.isfinite(x)
    x, code = x[known], code[known]
    n = np.bincount(code, minlength=k)
    sums, squares = (np.bincount(code, weights=v, minlength=k) for v in (x, x**2))
    total, rest = n.sum(), n.sum() - n
    is_flag = np.isin(x, (0.0, 1.0)).all()
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums / n
        difference = mean - sums.sum() / total
        if is_flag:
            law = (total, round(sums.sum()), n)
            chance = 2 * np.minimum(laws.hypergeom.cdf(sums, *law), laws.hypergeom.sf(sums - 1, *law))
        else:
            common, other = np.var(x), (sums.sum() - sums) / rest
            a = np.maximum((squares / n - mean**2) * n / (n - 1), common) / n
            b = np.maximum(((squares.sum() - squares) / rest - other**2) * rest / (rest - 1), common) / rest
            freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (rest - 1))
            chance = 2 * laws.t.sf(np.abs(mean - other) / np.sqrt(a + b), freedom)
    shown = n >= SMALLEST_GROUP
    chance = np.where(shown & (rest >= SMALLEST_GROUP), np.minimum(chance, 1.0), np.nan)
    return pd.DataFrame({"n": n, "difference": np.where(shown, difference, np.nan), "p_value": chance})


def mean_of(values: object, *, unit: str, low: float = -math.inf, high: float = math.inf) -> Estimate:
    """Estimate a mean with Student's interval, kept within what is possible.

    >>> mean_of([0.2, 0.4, 0.6], unit="share", low=0, high=1).text
    '40.0 % (95 % interval 0.0 to 89.7 %, n = 3)'
    """
    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    n = len(x)
    if n < 2:
        return Estimate(float(x[0]) if n else math.nan, unit=unit, n=n, method="Student")
    half = float(laws.t.ppf(0.975, n - 1) * x.std(ddof=1) / math.sqrt(n))
    mean = float(x.mean())
    return Estimate(mean, unit, max(mean - half, low), min(mean + half, high), n, "Student")


def numbers(values: pd.Series) -> np.ndarray:
    """Return a column of numbers or flags as floats; gaps are NaN.

    >>> numbers(pd.Series([True, None])).tolist()
    [1.0, nan]
    """
    return pd.to_numeric(values.astype("object"), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
