"""What a trial of a given size can show: the smallest difference between contacted customers and a hold-out."""

from __future__ import annotations

import math

from scipy.stats import norm

from crmlab.errors import refuse

__all__ = ["smallest_difference", "smallest_difference_of_means", "trial_size"]


def smallest_difference(
    share: float, n: int, *, falls: bool = False, holdout: float = 0.5, power: float = 0.8, level: float = 0.95
) -> float:
    """Compute the smallest change of a share that a trial with a hold-out shows.

    Parameters
    ----------
    share : float
        Share among the customers held out, 0 to 1: what is expected without the measure.
    n : int
        Customers of the trial, contacted and held out together.
    falls : bool
        The measure is to lower the share (leaving, complaints), not to raise it.
    holdout : float
        Share of the customers drawn at random to be left alone, above 0 and below 1.
    power : float
        Chance that the trial shows a true difference of this size, above 0 and below 1.
    level : float
        Level of the two-sided interval that must leave 0 out.

    Returns
    -------
    float
        The difference, 0 or more, as a share (0.04: four percentage points). Not known (NaN) where even a share of 1
        (or of 0, where it falls) would not show, or where the share is not known.

    Notes
    -----
    Two independent shares are compared on the scale arcsin(sqrt(share)), where the standard error depends on the
    numbers of customers only: h = 2 arcsin(sqrt(p1)) - 2 arcsin(sqrt(p0)), and
    h = (z[(1 + level) / 2] + z[power]) x sqrt(1 / contacted + 1 / held out). Customers must be drawn at random, and
    counted once each. A trial that shows nothing then says: the effect is probably smaller than this.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 6.

    Examples
    --------
    >>> round(smallest_difference(0.10, 2_000), 4), round(smallest_difference(0.10, 2_000, falls=True), 4)
    (0.0406, 0.0344)
    """
    _check("smallest_difference", n, holdout, power, level)
    if not math.isnan(share) and not 0 <= share <= 1:
        refuse(f"smallest_difference: the share is {share}. Give a share from 0 to 1.")
    if math.isnan(share) or n == 0:
        return math.nan
    step = _standard_errors(n, holdout, power, level) / 2
    place = math.asin(math.sqrt(share)) + (-step if falls else step)
    if not 0 <= place <= math.pi / 2:
        return math.nan
    return abs(math.sin(place) ** 2 - share)


def trial_size(
    share: float,
    other_share: float,
    *,
    holdout: float = 0.5,
    power: float = 0.8,
    level: float = 0.95,
    scale: str = "arcsine",
) -> int | None:
    """Compute how many customers a trial needs to show a difference of two shares.

    Parameters
    ----------
    share : float
        Share among the customers held out, 0 to 1.
    other_share : float
        Share expected among those contacted, 0 to 1.
    holdout, power, level
        As in `smallest_difference`.
    scale : str
        ``arcsine`` (as in `smallest_difference`, whose inverse this is) or ``normal`` (pooled variance for the test,
        own variances for the power).

    Returns
    -------
    int or None
        Customers of both arms together, rounded down; None where the shares are alike or not known.

    Notes
    -----
    Arcsine: (z[(1 + level) / 2] + z[power])² / h² x (1 / (1 - holdout) + 1 / holdout). A small hold-out is dear: at one
    in ten the trial needs 2.8 times the customers of an even split.

    References
    ----------
    Cohen (1988), chapter 6; Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, chapter 4.

    Examples
    --------
    >>> [trial_size(0.106, 0.116, holdout=share) for share in (0.5, 0.3, 0.1, 0.05)]
    [30966, 36864, 86017, 162979]
    >>> trial_size(0.106, 0.116, scale="normal") // 2
    15489
    """
    _check("trial_size", 0, holdout, power, level)
    refuse(
        *(
            f"trial_size: the share is {one}. Give a share from 0 to 1."
            for one in (share, other_share)
            if not math.isnan(one) and not 0 <= one <= 1
        ),
        *([] if scale in ("arcsine", "normal") else [f"trial_size has no scale {scale!r}. Choose arcsine or normal."]),
    )
    if math.isnan(share) or math.isnan(other_share) or share == other_share:
        return None
    quantiles = norm.ppf((1 + level) / 2) + norm.ppf(power)
    if scale == "normal":
        mean = (1 - holdout) * other_share + holdout * share
        alike = mean * (1 - mean) * (1 / (1 - holdout) + 1 / holdout)
        apart = other_share * (1 - other_share) / (1 - holdout) + share * (1 - share) / holdout
        needed = norm.ppf((1 + level) / 2) * math.sqrt(alike) + norm.ppf(power) * math.sqrt(apart)
        return int(needed**2 / (other_share - share) ** 2)
    h = 2 * (math.asin(math.sqrt(other_share)) - math.asin(math.sqrt(share)))
    return int(quantiles**2 / h**2 * (1 / (1 - holdout) + 1 / holdout))


def smallest_difference_of_means(
    deviation: float, n: int, *, holdout: float = 0.5, power: float = 0.8, level: float = 0.95
) -> float:
    """Compute the smallest change of a mean that a trial with a hold-out shows.

    Parameters
    ----------
    deviation : float
        Standard deviation over customers, 0 or more; the result has its unit.
    n, holdout, power, level
        As in `smallest_difference`.

    Notes
    -----
    (z[(1 + level) / 2] + z[power]) x deviation x sqrt(1 / contacted + 1 / held out). With a few very large values
    among the customers the normal law of the mean needs many more customers than usual.

    References
    ----------
    Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 2.

    Examples
    --------
    >>> round(smallest_difference_of_means(20.0, 400), 2)
    5.6
    """
    _check("smallest_difference_of_means", n, holdout, power, level)
    if deviation < 0:
        refuse(f"smallest_difference_of_means: the standard deviation is {deviation}. Give 0 or more.")
    return deviation * _standard_errors(n, holdout, power, level) if n else math.nan


def _standard_errors(n: int, holdout: float, power: float, level: float) -> float:
    """Give what a difference must measure, in standard deviations of a customer."""
    quantiles = norm.ppf((1 + level) / 2) + norm.ppf(power)
    return float(quantiles * math.sqrt(1 / (n * (1 - holdout)) + 1 / (n * holdout)))


def _check(what: str, n: int, holdout: float, power: float, level: float) -> None:
    parts = {"holdout": holdout, "power": power, "level": level}
    refuse(
        *([f"{what}: there are {n} customers. Give 0 or more."] if n < 0 else []),
        *(
            f"{what}: {name} is {value}. Give a share above 0 and below 1."
            for name, value in parts.items()
            if not 0 < value < 1
        ),
    )
