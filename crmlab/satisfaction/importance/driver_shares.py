"""How much of a target each driver explains, from covariances: one code path for the estimate and its resamples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from crmlab.errors import refuse

__all__ = ["MOST_DRIVERS", "DriverShares", "driver_shares", "explained_by_subset", "johnson_weights", "lmg"]

MOST_DRIVERS = 12  # 4,096 subsets; with 1,000 resamples some seconds
_NOTHING_LEFT = 1e-10  # share of a driver's variance that others leave, below which nothing of its own is left
_NUMBERS_AT_ONCE = 4_000_000  # resamples times subsets held at once: 32 MB


@dataclass(frozen=True)
class DriverShares:
    """Importance of drivers by several measures, each of shape (..., drivers) unless told.

    Parameters
    ----------
    lmg : ndarray
        Share of the target's variance credited to a driver: its gain in R2, averaged over all orders. Sums to R2.
    johnson : ndarray
        Johnson's relative weight, the same credit by another road. Sums to R2.
    beta : ndarray
        Standardised coefficient, in standard deviations of the target per standard deviation of the driver.
    first : ndarray
        R2 of the driver alone, 0 to 1.
    last : ndarray
        R2 that is lost when only this driver is left out (its unique contribution), 0 to 1.
    vif : ndarray
        Variance inflation factor, 1 or more.
    correlation : ndarray
        Correlation with the target, -1 to 1.
    r_squared : ndarray, shape (...)
        Share of the target's variance that all drivers explain, 0 to 1.
    """

    lmg: np.ndarray
    johnson: np.ndarray
    beta: np.ndarray
    first: np.ndarray
    last: np.ndarray
    vif: np.ndarray
    correlation: np.ndarray
    r_squared: np.ndarray


def driver_shares(covariance: object, *, target: int = -1, drivers: Sequence[int] | None = None) -> DriverShares:
    """Share the explained variance of a target out to its drivers.

    Parameters
    ----------
    covariance : array-like of float, shape (..., p, p)
        Covariances or correlations of target and drivers; leading axes are resamples, waves or groups.
    target : int
        Position of the target among the p.
    drivers : sequence of int, optional
        Positions of the drivers; None: all others.

    Returns
    -------
    DriverShares
        In the order of the drivers.

    Notes
    -----
    Every measure describes how the drivers go with the target. None says what a change of a driver would cause, and
    LMG and Johnson's weights credit a driver without any effect for being correlated with those that have one: look
    at `last` and `beta` beside them.

    References
    ----------
    Lindeman, Merenda and Gold (1980), Introduction to Bivariate and Multivariate Analysis; Groemping (2006), Relative
    importance for linear regression in R: the package relaimpo, Journal of Statistical Software 17; Johnson (2000), A
    heuristic method for estimating the relative weight of predictor variables, Multivariate Behavioral Research 35.

    Examples
    --------
    >>> shares = driver_shares([[1, 0, 0.6], [0, 1, 0.3], [0.6, 0.3, 1]])
    >>> shares.lmg.round(3).tolist(), shares.r_squared.round(3).tolist()
    ([0.36, 0.09], 0.45)
    """
    among, with_target = _correlations(covariance, target, drivers)
    explained = explained_by_subset(covariance, target=target, drivers=drivers)
    count = among.shape[-1]
    everyone = 2**count - 1
    one = 1 << np.arange(count)
    inverse = np.linalg.pinv(among, rcond=_NOTHING_LEFT, hermitian=True)
    return DriverShares(
        lmg=_average_gain(explained),
        johnson=_johnson(among, with_target),
        beta=(inverse @ with_target[..., None])[..., 0],
        first=explained[..., one],
        last=explained[..., [everyone]] - explained[..., everyone - one],
        vif=np.maximum(np.diagonal(inverse, axis1=-2, axis2=-1), 1.0),
        correlation=with_target,
        r_squared=explained[..., everyone],
    )


def lmg(covariance: object, *, target: int = -1, drivers: Sequence[int] | None = None) -> np.ndarray:
    """Share R2 out to the drivers by the average gain over all orders (Shapley value), shape (..., drivers).

    Examples
    --------
    >>> lmg([[1, 0.5, 0.5], [0.5, 1, 0.25], [0.5, 0.25, 1]]).round(4).tolist()  # second: (r^2 + gain when last) / 2
    [0.2188, 0.0312]
    """
    return _average_gain(explained_by_subset(covariance, target=target, drivers=drivers))


def johnson_weights(covariance: object, *, target: int = -1, drivers: Sequence[int] | None = None) -> np.ndarray:
    """Share R2 out to the drivers by Johnson's relative weights, shape (..., drivers).

    Notes
    -----
    The drivers are replaced by the uncorrelated variables nearest to them (the symmetric root of their correlations);
    what these explain goes back to the drivers by squared loadings. The same numbers as Genizi's decomposition.

    References
    ----------
    Johnson (2000), Multivariate Behavioral Research 35; Genizi (1993), Statistica Sinica 3.

    Examples
    --------
    >>> johnson_weights([[1, 0, 0.6], [0, 1, 0.3], [0.6, 0.3, 1]]).round(3).tolist()
    [0.36, 0.09]
    """
    return _johnson(*_correlations(covariance, target, drivers))


def explained_by_subset(covariance: object, *, target: int = -1, drivers: Sequence[int] | None = None) -> np.ndarray:
    """Compute R2 of every subset of the drivers, shape (..., 2 ** drivers).

    Returns
    -------
    ndarray
        Position 5 = 101 in binary is the subset of the first and the third driver; position 0, no driver, holds 0.

    Notes
    -----
    Elimination (Schur complement) driver by driver: each step doubles the subsets and shortens the matrices, so that
    all 2 ** d subsets cost little more than the last step. A driver of which the others leave nothing adds nothing.

    Examples
    --------
    >>> explained_by_subset([[1, 0, 0.6], [0, 1, 0.3], [0.6, 0.3, 1]]).round(3).tolist()
    [0.0, 0.36, 0.09, 0.45]
    """
    among, with_target = _correlations(covariance, target, drivers)
    count = among.shape[-1]
    if count > MOST_DRIVERS:
        refuse(
            f"drivers: {count} drivers have {2**count:,} subsets; at most {MOST_DRIVERS} are computed. Average items "
            "that measure the same into one score, or name fewer drivers."
        )
    leading = among.shape[:-2]
    among, with_target = among.reshape(-1, count, count), with_target.reshape(-1, count)
    size = max(1, _NUMBERS_AT_ONCE // 2**count)
    parts = [_eliminate(among[rows], with_target[rows]) for rows in _slices(len(among), size)]
    return np.concatenate(parts).reshape(*leading, 2**count)


def _slices(length: int, size: int) -> Iterator[slice]:
    return (slice(start, start + size) for start in range(0, max(length, 1), size))


def _eliminate(among: np.ndarray, with_target: np.ndarray) -> np.ndarray:
    """Take the drivers one by one, each in or out; the corner of what is left is the target's unexplained share."""
    count = among.shape[-1]
    left = np.empty((len(among), 1, count + 1, count + 1))
    left[:, 0, :count, :count] = among
    left[:, 0, :count, count] = left[:, 0, count, :count] = with_target
    left[:, 0, count, count] = 1.0
    for _ in range(count):
        pivot, row, rest = left[..., 0, 0], left[..., 0, 1:], left[..., 1:, 1:]
        own = pivot > _NOTHING_LEFT
        scale = np.where(own, 1 / np.where(own, pivot, 1.0), 0.0)
        taken = rest - scale[..., None, None] * row[..., :, None] * row[..., None, :]
        left = np.concatenate([rest, taken], axis=1)  # the later driver is the higher bit
    return 1.0 - left[:, :, 0, 0]


def _average_gain(explained: np.ndarray) -> np.ndarray:
    subsets = np.arange(explained.shape[-1])
    count = len(subsets).bit_length() - 1
    held = (subsets[:, None] >> np.arange(count)) & 1
    sizes = held.sum(axis=1)
    # the weight of a gain on top of s others: s! (d - s - 1)! / d!
    chance = [math.factorial(s) * math.factorial(count - s - 1) / math.factorial(count) for s in range(count)]
    on_top, below = np.array([*chance[:1], *chance]), np.array([*chance, 0.0])
    weights = np.where(held == 1, on_top[sizes][:, None], -below[sizes][:, None])
    return explained @ weights


def _johnson(among: np.ndarray, with_target: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(among)
    kept = values > _NOTHING_LEFT
    root = np.sqrt(np.where(kept, values, 0.0))
    turned = np.swapaxes(vectors, -1, -2)
    loadings = (vectors * root[..., None, :]) @ turned
    inverse = (vectors * np.where(kept, 1 / np.where(kept, root, 1.0), 0.0)[..., None, :]) @ turned
    explains = (inverse @ with_target[..., None])[..., 0]
    return (loadings**2 @ (explains**2)[..., None])[..., 0]


def _correlations(covariance: object, target: int, drivers: Sequence[int] | None) -> tuple[np.ndarray, np.ndarray]:
    """Correlations among the drivers, and of each with the target."""
    given = np.asarray(covariance, dtype=float)
    if given.ndim < 2 or given.shape[-1] != given.shape[-2] or given.shape[-1] < 2:
        refuse(f"drivers: the covariance has shape {given.shape}. Give (..., p, p) with a target and drivers in it.")
    size = given.shape[-1]
    aim = range(size)[target]
    chosen = [place for place in range(size) if place != aim] if drivers is None else [range(size)[d] for d in drivers]
    deviations = np.sqrt(np.maximum(np.diagonal(given, axis1=-2, axis2=-1), 0.0))
    problems = []
    if not chosen or aim in chosen or len(set(chosen)) < len(chosen):
        problems.append(f"drivers: positions {chosen} with target {aim}. Name each driver once, without the target.")
    if not np.isfinite(given).all():
        problems.append("drivers: the covariance has gaps. Leave out who did not answer, or fill the gaps first.")
    else:
        constant = [place for place in (*chosen, aim) if not (deviations[..., place] > 0).all()]
        if constant:
            problems.append(f"drivers: positions {constant} do not vary. Leave them out.")
    refuse(*problems)
    order = [*chosen, aim]
    scale = deviations[..., order]
    related = given[..., order, :][..., order] / (scale[..., :, None] * scale[..., None, :])
    return related[..., :-1, :-1], related[..., :-1, -1]
