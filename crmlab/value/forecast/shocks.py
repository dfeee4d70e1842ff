"""What moves all customers at once: months that were good or bad for a part of the margin, and how much they blur."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["monthly_shocks", "shock_covariance", "window_weights"]

_MOST = 0.5  # log change of a month beyond which it is pulled in
_FEWEST_MONTHS = 6
_LAGS = 3


def monthly_shocks(
    amounts: np.ndarray, is_there: np.ndarray, group: np.ndarray, groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Growth of each part from month to month, of customers there in both, less its mean and its season.

    Parameters
    ----------
    amounts : ndarray, shape (parts, customers, months)
    is_there : ndarray of bool, shape (customers, months)
    group : ndarray of int
        Group of each customer, to tell chance of customers from what all share.
    groups : int

    Returns
    -------
    tuple of ndarray
        Shocks, shape (parts, months - 1), log changes; and the share of their variance that customers' own chance does
        not explain, shape (parts,), 0 to 1.
    """
    parts, months = len(amounts), is_there.shape[1]
    shocks, common = np.zeros((parts, max(months - 1, 0))), np.zeros(parts)
    if months - 1 < _FEWEST_MONTHS:
        return shocks, common
    both = is_there[:, 1:] & is_there[:, :-1]
    for part in range(parts):
        size = np.abs(amounts[part])
        before = _by_group(size[:, :-1] * both, group, groups)
        after = _by_group(size[:, 1:] * both, group, groups)
        growth = _growth(before.sum(axis=0), after.sum(axis=0))
        left_out = _growth(before.sum(axis=0) - before, after.sum(axis=0) - after)
        own = (groups - 1) / groups * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)
        shocks[part] = _without_season(growth)
        seen = float(shocks[part].var())
        common[part] = max(1 - float(own.mean()) / seen, 0.0) if seen > 0 else 0.0
    return shocks, common


def window_weights(columns: Sequence[int], leads: int, months: int) -> np.ndarray:
    """How often each month's shock is in the mean amount of the months ahead of the dates, shape (months - 1,).

    >>> window_weights([0], 2, 3).tolist()  # the first step is in both months ahead, the second in one of two
    [1.0, 0.5]
    """
    weights = np.zeros(max(months - 1, 0))
    for column in columns:
        for lead in range(1, leads + 1):
            weights[column : column + lead] += 1 / (leads * len(columns))
    return weights


def shock_covariance(shocks: np.ndarray, common: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Covariance of the parts' mean growth over the weighted months that shared shocks make, shape (parts, parts).

    Parameters
    ----------
    shocks, common
        From `monthly_shocks`.
    weights : ndarray, shape (steps,)
        From `window_weights`.

    Notes
    -----
    Months count as alike but not as independent: autocovariances up to three months with Bartlett's weights (Newey and
    West 1987), which cannot give a negative variance. With a few years of months this is a rough number.
    """
    parts, months = shocks.shape
    found = np.zeros((parts, parts))
    if months < _FEWEST_MONTHS or not common.any():
        return found
    kept = shocks * np.sqrt(common)[:, None]
    for lag in range(_LAGS + 1):
        together = kept[:, lag:] @ kept[:, : months - lag].T / (months - 1)
        spread = float(weights[lag:] @ weights[: len(weights) - lag]) * (1 - lag / (_LAGS + 1))
        found += spread * (together if lag == 0 else together + together.T)
    values, vectors = np.linalg.eigh((found + found.T) / 2)
    return (vectors * np.maximum(values, 0)) @ vectors.T


def _by_group(amounts: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    order = np.argsort(group, kind="stable")
    ends = np.searchsorted(group[order], np.arange(groups + 1))
    return np.stack([amounts[order[ends[g] : ends[g + 1]]].sum(axis=0) for g in range(groups)])


def _growth(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.log(after) - np.log(before)
    return np.clip(np.nan_to_num(change, nan=0.0, posinf=0.0, neginf=0.0), -_MOST, _MOST)


def _without_season(growth: np.ndarray) -> np.ndarray:
    months = np.arange(len(growth))
    columns = [np.ones(len(growth))]
    if len(growth) >= 24:
        for wave in (1, 2):
            columns += [np.cos(2 * np.pi * wave * months / 12), np.sin(2 * np.pi * wave * months / 12)]
    x = np.column_stack(columns)
    left = growth - x @ np.linalg.lstsq(x, growth, rcond=None)[0]
    return left * np.sqrt(len(growth) / max(len(growth) - x.shape[1], 1))
