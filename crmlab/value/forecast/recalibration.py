"""Draw forecasts to what customers with like forecasts turned out to yield."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Levels", "fit_levels"]

_ROWS_A_LEVEL = 250
_MOST_LEVELS = 40
_MOST_RATIO = 4.0
_BANDS = 10
_TAILS = (0.025, 0.1, 0.9, 0.975)


@dataclass(frozen=True)
class Levels:
    """Outcome over forecast by the size of the forecast, and how far single customers miss.

    Parameters
    ----------
    middle : ndarray, shape (levels,)
        Mean forecast of each level, rising.
    ratio : ndarray, shape (levels,)
        Mean outcome over mean forecast; 1 changes nothing.
    """

    middle: np.ndarray
    ratio: np.ndarray

    def factor(self, forecast: np.ndarray) -> np.ndarray:
        """Ratio of each forecast's size, between levels in proportion."""
        return np.interp(forecast, self.middle, self.ratio)

    def applied(self, forecast: np.ndarray) -> np.ndarray:
        """Forecast times the ratio of its size."""
        return forecast * self.factor(forecast)


def fit_levels(forecast: np.ndarray, outcome: np.ndarray) -> Levels:
    """Learn outcome over forecast in groups of equal size by the forecast.

    Parameters
    ----------
    forecast, outcome : ndarray
        Of customers at dates in the past.

    Notes
    -----
    Up to 40 groups of 250 rows or more; equal forecasts stay together. A ratio is at most 4, and 1 where the forecasts
    of a group add up to nothing or have another sign than the outcomes.

    Examples
    --------
    >>> fit_levels(np.full(600, 10.0), np.full(600, 9.0)).applied(np.array([10.0])).tolist()
    [9.0]
    """
    middle, ratio = [], []
    for part in _parts(forecast, _MOST_LEVELS):
        size, came = float(forecast[part].sum()), float(outcome[part].sum())
        middle.append(size / max(len(part), 1))
        ratio.append(min(came / size, _MOST_RATIO) if size * came > 0 else 0.0 if size and not came else 1.0)
    return Levels(np.array(middle), np.array(ratio))


def _parts(size: np.ndarray, most: int) -> list[np.ndarray]:
    """Rows in groups of about equal number by size, smallest first; equal ones stay together."""
    groups = int(np.clip(len(size) // _ROWS_A_LEVEL, 1, most))
    order = np.argsort(size, kind="stable")
    ordered = size[order]
    if not len(size):
        return [order]
    starts = np.searchsorted(ordered, ordered[np.arange(1, groups) * len(size) // groups], side="left")
    return [part for part in np.split(order, np.unique(starts)) if len(part)]


@dataclass(frozen=True)
class Misses:
    """How far outcomes lay from forecasts, by the size of the forecast.

    Parameters
    ----------
    middle : ndarray, shape (bands,)
        Mean size of the forecasts in each band, rising.
    error : ndarray, shape (bands,)
        Root mean square miss, money.
    tails : ndarray, shape (bands, 4)
        Quantiles .025, .1, .9 and .975 of the miss.
    """

    middle: np.ndarray
    error: np.ndarray
    tails: np.ndarray

    def error_of(self, forecast: np.ndarray) -> np.ndarray:
        """Root mean square miss of a customer with such a forecast; beyond the largest band it grows in proportion."""
        size = np.abs(forecast)
        beyond = np.maximum(size / max(self.middle[-1], 1e-12), 1.0)
        return np.interp(size, self.middle, self.error) * beyond

    def limits_of(self, forecast: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Limits between which a share (.8 or .95) of outcomes lay."""
        low, high = (0, 3) if share > 0.9 else (1, 2)
        size = np.abs(forecast)
        beyond = np.maximum(size / max(self.middle[-1], 1e-12), 1.0)
        below, above = (np.interp(size, self.middle, self.tails[:, tail]) * beyond for tail in (low, high))
        return forecast + below, forecast + above


def fit_misses(forecast: np.ndarray, outcome: np.ndarray) -> Misses:
    """Learn the misses in up to ten bands of equal size, the top band in half again and again."""
    size = np.abs(forecast)
    parts = _parts(size, _BANDS)
    while len(parts[-1]) >= 2 * _ROWS_A_LEVEL and np.ptp(size[parts[-1]]) > 0:  # giants miss by more
        half = len(parts[-1]) // 2
        parts[-1:] = [parts[-1][:half], parts[-1][half:]]
    miss = outcome - forecast
    middle = np.array([size[part].mean() if len(part) else 0.0 for part in parts])
    error = np.array([np.sqrt((miss[part] ** 2).mean()) if len(part) else 0.0 for part in parts])
    tails = np.array([np.quantile(miss[part], _TAILS) if len(part) else np.zeros(4) for part in parts])
    return Misses(middle, error, tails)
