"""How likely customers are to leave, month by month ahead: a discrete-time hazard with what is known on the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from crmlab.value.forecast.traits import Traits, scaled

__all__ = ["LeavingHazard", "fit_leaving"]

_RIDGE = 1.0  # in units of a trait's standard deviation: few leavers make small coefficients
_PRIOR_EVENTS = 0.5  # leavers added to a month's base, in proportion to all: a month without any is no proof
_STEPS = 30


@dataclass(frozen=True)
class LeavingHazard:
    """Chance to leave in the s-th month ahead, for those still there.

    Parameters
    ----------
    base : ndarray, shape (leads,)
        Log odds of the average customer in each month ahead.
    now, later : ndarray, shape (traits,)
        What a standard deviation of a trait adds to the log odds at once, and per year ahead.
    middle, spread : ndarray, shape (traits,)
        Mean and standard deviation of the traits.
    jackknifed : ndarray, shape (groups, leads + 2 traits)
        All coefficients learned without each group of customers.
    leavers_count, months_count : int
        Leavers and customer-months it was learned from.
    """

    base: np.ndarray
    now: np.ndarray
    later: np.ndarray
    middle: np.ndarray
    spread: np.ndarray
    jackknifed: np.ndarray
    leavers_count: int
    months_count: int

    def stays(self, traits: Traits, group: int | None = None) -> np.ndarray:
        """Chance of each customer to be there s months ahead, shape (leads, customers).

        `group`: by the coefficients learned without that group.
        """
        base, now, later = self.base, self.now, self.later
        if group is not None:
            leads, width = len(base), len(now)
            row = self.jackknifed[group]
            base, now, later = row[:leads], row[leads : leads + width], row[leads + width :]
        x = scaled(traits.leaving, self.middle, self.spread)
        ahead = np.arange(1, len(base) + 1)[:, None] / 12
        return np.cumprod(expit(-(base[:, None] + (x @ now)[None] + (x @ later)[None] * ahead)), axis=0)


def fit_leaving(
    days: Sequence[Traits], columns: Sequence[int], is_there: np.ndarray, *, leads: int, group: np.ndarray, groups: int
) -> LeavingHazard:
    """Learn who leaves from dates in the past.

    Parameters
    ----------
    days : sequence of Traits
        One a date.
    columns : sequence of int
        Column of each date in the panel.
    is_there : ndarray of bool, shape (customers, months)
    leads : int
        Months ahead.
    group : ndarray of int
        Group of each customer of the panel, for the jackknife.
    groups : int

    Notes
    -----
    Logistic regression over customer-months still at risk: who joined after a date is not in it (no immortal time), who
    is still there at the end counts as far as seen. All ways to leave count alike. Newton's method with a small ridge.
    The coefficients without a group are one Newton step away from those of all, which is exact up to the curvature.
    """
    stacked = np.concatenate([day.leaving for day in days])
    middle, spread = stacked.mean(axis=0), stacked.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    parts = [
        (scaled(day.leaving, middle, spread), is_there[day.place][:, column : column + leads + 1], group[day.place])
        for day, column in zip(days, columns, strict=True)
    ]
    width = stacked.shape[1]
    beta = np.zeros(leads + 2 * width)
    events = sum(float((there[:, :-1] & ~there[:, 1:]).sum()) for _, there, _ in parts)
    months = sum(float(there[:, :-1].sum()) for _, there, _ in parts)
    rate = (events + _PRIOR_EVENTS) / (months + 2 * _PRIOR_EVENTS)
    beta[:leads] = logit(rate)
    pull = np.r_[np.full(leads, _PRIOR_EVENTS), np.full(2 * width, _RIDGE)]
    target = beta.copy()
    for _ in range(_STEPS):
        slope, curve = _slopes(beta, parts, leads, groups=1)
        step = np.linalg.solve(curve[0] + np.diag(pull), slope[0] - pull * (beta - target))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    slope, curve = _slopes(beta, parts, leads, groups=groups)
    total = curve.sum(axis=0) + np.diag(pull)
    jackknifed = np.stack([beta - np.linalg.solve(total - curve[g], slope[g]) for g in range(groups)])
    return LeavingHazard(
        beta[:leads], beta[leads : leads + width], beta[leads + width :], middle, spread, jackknifed, int(events),
        int(months),
    )  # fmt: skip


def _slopes(
    beta: np.ndarray, parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], leads: int, *, groups: int
) -> tuple[np.ndarray, np.ndarray]:
    """Slope and curvature of the log-likelihood by group of customers."""
    size = len(beta)
    width = (size - leads) // 2
    slope, curve = np.zeros((groups, size)), np.zeros((groups, size, size))
    for x, there, member in parts:
        order = np.argsort(member, kind="stable") if groups > 1 else np.arange(len(x))
        ends = np.searchsorted(member[order], np.arange(groups + 1)) if groups > 1 else np.array([0, len(x)])
        x, there = x[order], there[order]
        now, later = x @ beta[leads : leads + width], x @ beta[leads + width :]
        for lead in range(1, leads + 1):
            risk = there[:, lead - 1]
            p = expit(beta[lead - 1] + now + later * lead / 12) * risk
            miss = (risk & ~there[:, lead]) - p
            bend = p * (1 - p)
            z = np.concatenate([np.ones((len(x), 1)), x, x * (lead / 12)], axis=1)
            bent = z * bend[:, None]
            spots = np.r_[lead - 1, leads:size]
            for g in range(groups):
                rows = slice(ends[g], ends[g + 1])
                slope[g, spots] += z[rows].T @ miss[rows]
                curve[g][np.ix_(spots, spots)] += bent[rows].T @ z[rows]
    return slope, curve
