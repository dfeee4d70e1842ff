"""How long a control chart runs until it signals: false alarms when nothing happens, delay when something does."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from crmlab.errors import refuse

__all__ = ["average_run_length", "ewma_run_length", "ewma_width", "false_alarm_share"]

_NODES = 61
_CHARTS = 4_000


def average_run_length(width: float, *, run: int | None = None, shift: float = 0.0) -> float:
    """Compute after how many periods a Shewhart chart signals, on average.

    Parameters
    ----------
    width : float
        Limits in standard errors from the center, above 0.
    run : int, optional
        Periods in a row on one side that signal too, 2 or more.
    shift : float
        True shift in standard errors; 0: false signals.

    Notes
    -----
    Exact for independent normal values, by the Markov chain of the length of the run.

    References
    ----------
    Champ and Woodall (1987), Exact results for Shewhart control charts with supplementary runs rules, Technometrics 29.

    Examples
    --------
    >>> round(average_run_length(3), 2), round(average_run_length(3, run=8), 2)
    (370.4, 152.73)
    """
    if width <= 0 or (run is not None and run < 2):
        refuse(f"average_run_length: width is {width} and run {run}. Give a width above 0 and a run of 2 or more.")
    above = float(ndtr(width - shift) - ndtr(-shift))
    below = float(ndtr(-shift) - ndtr(-width - shift))
    if run is None:
        return 1 / (1 - above - below)
    # states: start, then 1 .. run - 1 in a row above, then below
    size = run - 1
    move = np.zeros((2 * size + 1, 2 * size + 1))
    move[:, 1] += above
    move[:, 1 + size] += below
    for side, chance in ((0, above), (1, below)):
        for length in range(1, size + 1):
            state = side * size + length
            move[state, side * size + 1] -= chance
            if length < size:
                move[state, state + 1] += chance
    return float(np.linalg.solve(np.eye(len(move)) - move, np.ones(len(move)))[0])


def ewma_run_length(width: float, smoothing: float, *, shift: float = 0.0) -> float:
    """Compute after how many periods an EWMA chart signals, on average.

    Parameters
    ----------
    width : float
        Limits in standard deviations of the settled average.
    smoothing : float
        Weight of the newest period, above 0 up to 1.
    shift : float
        True shift in standard errors of a period; 0: false signals.

    Notes
    -----
    Integral equation of Crowder by Gauss-Legendre, for settled limits; those of the first periods are narrower, which
    shortens the run by a few periods.

    References
    ----------
    Crowder (1987), A simple method for studying run-length distributions of EWMA charts, Technometrics 29; Lucas and
    Saccucci (1990), Technometrics 32.

    Examples
    --------
    >>> round(ewma_run_length(2.814, 0.1)), round(ewma_run_length(2.962, 0.2))
    (500, 500)
    """
    if width <= 0 or not 0 < smoothing <= 1:
        refuse(f"ewma_run_length: width is {width} and smoothing {smoothing}. Give above 0, and smoothing up to 1.")
    if smoothing == 1:
        return average_run_length(width, shift=shift)
    limit = width * math.sqrt(smoothing / (2 - smoothing))
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    node, weight = node * limit, weight * limit

    def density(start: np.ndarray) -> np.ndarray:
        step = (node[None, :] - (1 - smoothing) * start[:, None]) / smoothing - shift
        return weight * np.exp(-(step**2) / 2) / math.sqrt(2 * math.pi) / smoothing

    length = np.linalg.solve(np.eye(_NODES) - density(node), np.ones(_NODES))
    return float(1 + density(np.zeros(1))[0] @ length)


@lru_cache(maxsize=64)
def ewma_width(smoothing: float) -> float:
    """Limits that give one false signal in as many periods as three standard errors of a plain chart.

    >>> round(ewma_width(0.2), 3)
    2.859
    """
    wanted, low, high = average_run_length(3.0), 1.0, 3.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if ewma_run_length(middle, smoothing) < wanted else (low, middle)
    return high


@lru_cache(maxsize=64)
def false_alarm_share(
    baseline_count: int, after_count: int, *, smoothing: float | None = None, run: int | None = None, seed: int = 1
) -> float:
    """Compute the chance that a chart signals at least once after its baseline although nothing happens.

    Parameters
    ----------
    baseline_count, after_count : int
        Periods of the baseline, 1 or more, from which the center is estimated, and periods after it.
    smoothing : float, optional
        As in `ewma_run_length`; None: a plain chart.
    run : int, optional
        Periods in a row on one side that signal too.
    seed : int
        Same seed, same share.

    Notes
    -----
    Counted on 4,000 simulated charts of normal values with equal n and a known standard error. The center of a short
    baseline lies a little off, and rules on runs and EWMA charts soon notice: that is why the average run length, which
    supposes a known center, promises too much.

    References
    ----------
    Quesenberry (1993), The effect of sample size on estimated limits, Journal of Quality Technology 25.

    Examples
    --------
    >>> round(false_alarm_share(12, 12), 2), round(false_alarm_share(12, 12, run=8), 2)
    (0.04, 0.11)
    """
    if baseline_count < 1 or after_count < 0:
        refuse(f"false_alarm_share: {baseline_count} and {after_count} periods. Give 1 or more, and 0 or more after.")
    z = np.random.default_rng(seed).standard_normal((_CHARTS, baseline_count + after_count))
    z -= z[:, :baseline_count].mean(axis=1, keepdims=True)
    width = 3.0 if smoothing is None else ewma_width(smoothing)
    signal = np.zeros(_CHARTS, dtype=bool)
    level, length, variance = np.zeros(_CHARTS), np.zeros(_CHARTS), 0.0
    for t in range(z.shape[1]):
        share = 1.0 if smoothing is None else smoothing
        level, variance = share * z[:, t] + (1 - share) * level, share**2 + (1 - share) ** 2 * variance
        side = np.sign(z[:, t])
        length = np.where(np.sign(length) == side, length + side, side)
        if t >= baseline_count:
            signal |= np.abs(level) > width * math.sqrt(variance)
            signal |= np.abs(length) >= (run or np.inf)
    return float(signal.mean())
