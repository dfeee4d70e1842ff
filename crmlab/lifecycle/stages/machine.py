"""The state machine: it walks month by month, and looks at nothing later than the month it is in."""

from __future__ import annotations

import numpy as np

from crmlab.lifecycle.stages.panel import Panel
from crmlab.lifecycle.stages.rules import STAGES, StageRules

__all__ = ["NOT_YET", "walk"]

NOT_YET = -1
_ONBOARDING, _GROWTH, _MATURITY, _DECLINE, _DORMANT, _LOST, _WON_BACK = range(len(STAGES))
_LONG_AGO = 10_000


def walk(panel: Panel, rules: StageRules) -> np.ndarray:
    """Return the stage of each customer at each month-end.

    Parameters
    ----------
    panel : Panel
    rules : StageRules

    Returns
    -------
    ndarray of int8, shape (customers, months)
        Position in `STAGES`; -1 before the customer joined.

    Notes
    -----
    Customers who were there before the first month-end start in growth, maturity or a later stage: their onboarding is
    over or is counted from the day of joining, which the customers table knows. Dormancy of such customers shows when
    the months of silence have been seen.
    """
    count, months = panel.amount.shape
    signs = _Signs(panel, rules)
    states = np.full((count, months), NOT_YET, dtype=np.int8)
    state = np.full(count, NOT_YET, dtype=np.int8)
    dwell = np.full(count, _LONG_AGO)
    level = np.zeros(count)  # what the amount fell from, kept while in decline
    back_since = np.where(panel.is_back, panel.since, _LONG_AGO)
    for month in range(months):
        there = panel.is_there[:, month]
        returned = there & (state == _LOST)
        back_since = np.where(returned, month, back_since)
        late = month - back_since
        is_back = (late >= 0) & (late < rules.won_back_months)
        is_new = (month - panel.since < rules.onboarding_months) & (back_since == _LONG_AGO)
        free = dwell >= rules.dwell_months

        sleeps = np.where(state == _DORMANT, ~signs.wakes(month), signs.is_silent(month))
        falls = signs.falls(month)
        level = np.where(falls & (state != _DECLINE), signs.before(month), level)
        recovered = panel.amount[:, month] >= rules.recovery_share * level
        settled = (dwell >= rules.settle_months) & ~falls
        declines = np.where(state == _DECLINE, falls | ~(free & (recovered | settled)), falls)

        opened = signs.has_news(month)
        grows = opened | np.where(state == _GROWTH, signs.rises(month, rules.rise_keeps_share) | ~free,
                                  signs.rises(month, rules.rise_share) & (free | (state != _MATURITY)))  # fmt: skip
        now = np.where(grows, _GROWTH, _MATURITY)
        now = np.where(is_new, _ONBOARDING, np.where(is_back, _WON_BACK, now))
        now = np.where(declines, _DECLINE, now)
        now = np.where(sleeps, _DORMANT, now)
        ever = there | (state != NOT_YET)
        now = np.where(there, now, np.where(ever, _LOST, NOT_YET)).astype(np.int8)
        dwell = np.where(now == state, np.minimum(dwell + 1, _LONG_AGO), 1)
        dwell = np.where(state == NOT_YET, _LONG_AGO if month == 0 else 1, dwell)
        state = now
        states[:, month] = state
    return states


class _Signs:
    """What the months up to one say, for all customers."""

    def __init__(self, panel: Panel, rules: StageRules) -> None:
        self._panel, self._rules = panel, rules
        size = panel.amount.shape
        there = panel.is_there
        known = np.where(there, panel.amount, np.nan)
        self._known = known
        median = [np.nanmedian(column[column > 0]) if (column > 0).any() else 0.0 for column in known.T]
        self._least = rules.least_share_of_median * np.array(median)
        self._before = np.column_stack([_mean(known[:, max(0, m - 6) : m], least=3) for m in range(size[1])])
        self._recent = np.column_stack([_mean(known[:, max(0, m - 2) : m + 1], least=3) for m in range(size[1])])
        self._highest = np.fmax.accumulate(np.nan_to_num(known, nan=0.0), axis=1)
        acts = panel.has_acts if panel.has_acts is not None else np.ones(size, dtype=bool)
        self._acts = acts
        self._silent = _run_of(~(acts | panel.has_regular) & there)
        self._unpaid = _run_of(~panel.has_regular)
        self._fresh = _run_of(~panel.has_opened)
        self._ever_opened = np.logical_or.accumulate(panel.has_opened, axis=1)
        first = np.where(there.any(axis=1), there.argmax(axis=1), size[1])
        self._first = first

    def is_silent(self, month: int) -> np.ndarray:
        return self._silent[:, month] >= self._rules.dormant_months

    def wakes(self, month: int) -> np.ndarray:
        three = slice(max(0, month - 2), month + 1)
        return (self._acts[:, three] | self._panel.has_regular[:, three]).sum(axis=1) >= self._rules.wake_months

    def before(self, month: int) -> np.ndarray:
        return self._before[:, month]

    def falls(self, month: int) -> np.ndarray:
        amount, least = self._known[:, month], self._least[month]
        if self._panel.is_run_off:
            return (self._highest[:, month] > 0) & (amount <= self._rules.run_off_share * self._highest[:, month])
        before = self._before[:, month]
        unpaid = self._unpaid[:, month] >= self._rules.fall_regular_months
        return unpaid & (amount <= self._rules.fall_share * before) & (before - amount > least)

    def has_news(self, month: int) -> np.ndarray:
        return self._ever_opened[:, month] & (self._fresh[:, month] < self._rules.growth_months)

    def rises(self, month: int, share: float) -> np.ndarray:
        """Mean of three month-ends against those a year before, or the first three seen of a younger customer."""
        start = np.maximum(self._first, month - 14)
        apart = month - 2 - start
        past = np.full(len(start), np.nan)
        for first in np.unique(start[apart >= 3]):
            rows = (start == first) & (apart >= 3)
            past[rows] = _mean(self._known[rows, first : first + 3], least=3)
        recent = self._recent[:, month]
        return (recent > (1 + share) * past) & (recent - past > self._least[month])


def _mean(values: np.ndarray, *, least: int) -> np.ndarray:
    """Mean along months, not known with fewer than `least`."""
    count = np.isfinite(values).sum(axis=1)
    total = np.nansum(values, axis=1)
    return np.where(count >= least, total / np.maximum(count, 1), np.nan)


def _run_of(flags: np.ndarray) -> np.ndarray:
    """Length of the run of true months that ends in each month."""
    run = np.zeros(flags.shape, dtype=np.int32)
    for month in range(flags.shape[1]):
        before = run[:, month - 1] if month else 0
        run[:, month] = np.where(flags[:, month], before + 1, 0)
    return run
