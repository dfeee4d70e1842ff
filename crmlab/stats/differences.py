"""The difference of two groups' means that no single customer decides, and p-values of many looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats as laws

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate

__all__ = ["Difference", "holm", "winsorised_difference"]

_SMALLEST = 4  # one of each end is pulled in; fewer leave no spread
METHOD = "winsorised means, Dixon-Tukey-Welch"


@dataclass(frozen=True)
class Difference:
    """The difference of two groups' means.

    Parameters
    ----------
    estimate : Estimate
        First group less second, in the unit of the values; its n is the size of the first group.
    error : float
        Standard error.
    p_value : float
        Chance of a difference at least as large when both groups are alike; not known where nothing varies.
    """

    estimate: Estimate
    error: float
    p_value: float


def winsorised_difference(
    first: object, second: object, *, unit: str, share: float = 0.01, level: float = 0.95
) -> Difference:
    """Compare the means of two groups so that no single member decides.

    Parameters
    ----------
    first, second : array-like of float
        Values of the two groups, no gaps; at least 4 each, otherwise nothing is known.
    unit : str
        Unit of the values.
    share : float
        Share of each group beyond which, at either end, values are pulled in; at least one member. 0 to below 0.25.
    level : float
        Confidence level, 0 to 1.

    Notes
    -----
    Each group gives two limits: its value number g + 1 from below and from above, g being `share` of its members, at
    least 1, and as large a share of both groups as that one member is of the smaller. Values beyond the wider of the
    limits are set to it, the same for both groups: where the groups are alike a long tail is then cut alike in both,
    and nothing is made out of it. With a true difference d the result lies a little nearer to 0 (by the mass beyond the
    limits of the group that reaches further).

    The standard error of a group is that of its pulled-in values times (n - 1) / (h - 1), with h = n - 2 g values
    left as they were, and h - 1 degrees of freedom (Dixon and Tukey); the two are joined as by Welch. Over normal,
    Student (3 degrees), exponential and log-normal values with groups of 10 to 100 against 30 to 300 the 95 %
    interval missed a difference of 0 in 1 to 7 % of samples; with 5 % pulled in at each end in 1 to 6 %, where
    bootstrap percentiles of the same statistic missed it in 8 to 31 % and a studentised bootstrap in 5 to 25 %. That
    is why it is not a bootstrap. Under a strong skew the true mean of a small group lies beyond the interval more
    often: the number says what a usual member brings, not what one giant may.

    References
    ----------
    Dixon and Tukey (1968), Approximate behavior of the distribution of Winsorized t, Technometrics 10; Welch (1938),
    Biometrika 29.

    Examples
    --------
    >>> usual = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
    >>> found = winsorised_difference([v + 20 for v in usual[:-1]] + [1e9], usual, unit="EUR")
    >>> found.estimate.short, found.p_value < 0.001
    ('EUR 19.80', True)
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    refuse(
        *(
            ["winsorised_difference: the values have gaps. Leave those rows out first, and count them."]
            if np.isnan(a).any() or np.isnan(b).any()
            else []
        ),
        *([f"winsorised_difference: share is {share}. Give 0 or more, below 0.25."] if not 0 <= share < 0.25 else []),
    )
    smaller = min(len(a), len(b))
    if smaller < _SMALLEST:
        nothing = Estimate(math.nan, unit=unit, n=len(a), method=METHOD, level=level)
        return Difference(nothing, math.nan, math.nan)
    cut = [max(1, math.floor(max(share, 1 / smaller) * len(group) + 1e-9)) for group in (a, b)]
    inner = [np.partition(group, [g, len(group) - 1 - g])[[g, -1 - g]] for group, g in zip((a, b), cut, strict=True)]
    low, high = min(limits[0] for limits in inner), max(limits[1] for limits in inner)
    (mean_a, error_a, free_a), (mean_b, error_b, free_b) = (
        _mean(np.clip(group, low, high), g) for group, g in zip((a, b), cut, strict=True)
    )
    value, error = float(mean_a - mean_b), float(np.hypot(error_a, error_b))
    if error == 0:
        same = Estimate(value, unit=unit, low=value, high=value, n=len(a), method=METHOD, level=level)
        return Difference(same, 0.0, 1.0 if value == 0 else 0.0)
    free = error**4 / (error_a**4 / free_a + error_b**4 / free_b)
    reach = float(laws.t.ppf((1 + level) / 2, free)) * error
    found = Estimate(value, unit=unit, low=value - reach, high=value + reach, n=len(a), method=METHOD, level=level)
    return Difference(found, error, float(2 * laws.t.sf(abs(value) / error, free)))


def _mean(pulled_in: np.ndarray, cut: int) -> tuple[float, float, int]:
    """Mean, standard error and degrees of freedom of values pulled in, `cut` of them at either end."""
    n = len(pulled_in)
    left = n - 2 * cut - 1
    return float(pulled_in.mean()), float(pulled_in.std(ddof=1) / math.sqrt(n) * (n - 1) / left), left


def holm(p_values: object) -> np.ndarray:
    """Correct p-values for the number of looks, so that the chance of any false alarm stays at the level.

    Parameters
    ----------
    p_values : array-like of float
        0 to 1; those not known stay so and are no look.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p_values, dtype=float)
    result = np.full(given.shape, np.nan)
    order = np.argsort(given, kind="stable")[: int(np.sum(~np.isnan(given)))]
    weighed = given[order] * np.arange(len(order), 0, -1)
    result[order] = np.minimum(np.maximum.accumulate(weighed), 1.0)
    return result
