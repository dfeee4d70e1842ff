"""Does a column still look like itself, and is a month out of line with the others?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import refuse

__all__ = ["PSI", "out_of_line", "psi"]

_FEWEST_STEPS = 8


@dataclass(frozen=True)
class PSI:
    """Population stability index of two samples.

    Parameters
    ----------
    value : float
        The index: 0 for equal shares; above 0.1 is usually called a shift, above 0.25 a large one.
    expected : float
        What pure chance gives at these sample sizes, on average.
    p_value : float
        Chance of a value as large when nothing has changed.
    bins : int
        Classes compared.
    """

    value: float
    expected: float
    p_value: float
    bins: int


def psi(reference: object, current: object) -> PSI:
    """Compare the counts of classes in two independent samples.

    Parameters
    ----------
    reference, current : array-like of int
        Counts by class, in the same order. Classes empty in both are left out.

    Notes
    -----
    PSI = sum over classes of (a - b) ln(a / b), a and b being the shares. When nothing has changed,
    PSI / (1/n + 1/m) follows a chi-square law with classes - 1 degrees of freedom, for n and m rows. Half a row is
    added to every class when one of them is empty. Rows must be independent: count customers, not their bookings.

    References
    ----------
    Yurdakul and Naranjo (2020), Statistical properties of the population stability index, Journal of Risk Model
    Validation 14; Kullback (1959), Information Theory and Statistics.

    Examples
    --------
    >>> found = psi([50, 50], [60, 40])
    >>> round(found.value, 4), round(found.expected, 4), round(found.p_value, 3)
    (0.0405, 0.02, 0.154)
    """
    a, b = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    if a.shape != b.shape:
        refuse(f"psi: {len(a)} classes against {len(b)}. Count both samples in the same classes.")
    used = (a + b) > 0
    a, b = a[used], b[used]
    n, m = a.sum(), b.sum()
    if len(a) < 2 or n == 0 or m == 0:
        return PSI(0.0 if n and m else float("nan"), 0.0, 1.0, len(a))
    if (a == 0).any() or (b == 0).any():
        a, b = a + 0.5, b + 0.5
    p, q = a / a.sum(), b / b.sum()
    value = float(np.sum((p - q) * np.log(p / q)))
    scale = 1 / n + 1 / m
    return PSI(value, float((len(a) - 1) * scale), float(laws.chi2.sf(value / scale, len(a) - 1)), len(a))


def out_of_line(
    series: Mapping[str, pd.Series], *, false_alarm_rate: float = 0.05, smallest_step: float = 0.0
) -> pd.DataFrame:
    """Find months that step away from their series further than chance explains.

    Parameters
    ----------
    series : mapping of str to Series
        Monthly values of each series, in order of time, on a scale where steps are comparable (logarithm of counts and
        amounts, log-odds of shares). Missing months are skipped.
    false_alarm_rate : float
        Chance of at least one alarm among all months of all series when nothing is wrong, 0 to 1.
    smallest_step : float
        A step smaller than this, in the units of the series, is no alarm however rare it is.

    Returns
    -------
    DataFrame
        One row a month and series with at least 8 steps: ``series``, ``month`` (the index), ``step``, ``p_value``
        (after correction for all looks) and ``is_alarm``.

    Notes
    -----
    The step from one month to the next is compared with the other steps of the same series, itself and its neighbours
    left out: a spike is two steps, out and back, and one must not hide the other. For normal steps the ratio follows
    Student's law. Each p-value is multiplied by the number of looks (Bonferroni). A season repeats, so it widens the
    limits and does not alarm; a slow drift does not alarm either: that is what the population stability index is for.

    References
    ----------
    Grubbs (1950), Annals of Mathematical Statistics 21; Cook and Weisberg (1982), Residuals and Influence.
    """
    parts = []
    for name, values in series.items():
        steps = values.dropna().diff().dropna()
        k = len(steps)
        if k < _FEWEST_STEPS:
            continue
        p = _p_values(steps.to_numpy(dtype=float))
        parts.append(pd.DataFrame({"series": name, "month": steps.index, "step": steps.to_numpy(), "p_value": p}))
    if not parts:
        return pd.DataFrame({"series": [], "month": [], "step": [], "p_value": [], "is_alarm": []}).astype(
            {"series": "str", "is_alarm": "bool", "p_value": "float64", "step": "float64"}
        )
    found = pd.concat(parts, ignore_index=True)
    corrected = np.minimum(found["p_value"] * len(found), 1.0)
    return found.assign(
        p_value=corrected, is_alarm=(corrected < false_alarm_rate) & (found["step"].abs() >= smallest_step)
    )


def _p_values(steps: np.ndarray) -> np.ndarray:
    """Give the two-sided p-value of each step against all but itself and its neighbours."""
    k = len(steps)
    near = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) <= 1
    count = (~near).sum(axis=1)
    others = np.where(near, 0.0, steps)
    mean = others.sum(axis=1) / count
    variance = (np.where(near, 0.0, (steps - mean[:, None]) ** 2)).sum(axis=1) / (count - 1)
    floor = max(float(np.square(steps).sum()), 1e-24) * 1e-12  # a series that stood still until now
    t = (steps - mean) / np.sqrt(np.maximum(variance, floor) * (1 + 1 / count))
    still = np.abs(steps - mean) < 1e-12
    return np.where(still, 1.0, 2 * laws.t.sf(np.abs(t), count - 1))
