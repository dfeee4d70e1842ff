"""What those who stay will yield or cost, month by month ahead: each part of the margin by its own path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmlab.value.forecast.traits import PEERS, Traits

__all__ = ["MarginPaths", "fit_paths"]

_PEER_WEIGHT = 200.0  # customer-dates that a group of peers is drawn towards its state by
_STATE_WEIGHT = 100.0  # and a state towards all
_CELLS = PEERS // 4
_WIDTH = 11


@dataclass(frozen=True)
class MarginPaths:
    """Expected amount a part and month ahead, of those still there.

    Parameters
    ----------
    slopes : ndarray, shape (1 + groups, parts, leads, columns)
        Of holders: what the amount goes with. The first is learned from all, the others without a group of customers.
    adopted : ndarray, shape (1 + groups, parts, leads, peers)
        Of who does not hold the part: mean amount of like customers, those who adopt and those who do not.
    sign : ndarray, shape (parts,)
        -1 for costs.
    is_one_sided : ndarray of bool, shape (parts,)
        The part never changed its sign, so a forecast on the other side is 0.
    small : ndarray, shape (parts,)
        Amount that counts as small.
    window : int
        Months of the mean.
    """

    slopes: np.ndarray
    adopted: np.ndarray
    sign: np.ndarray
    is_one_sided: np.ndarray
    small: np.ndarray
    window: int

    def ahead(
        self, part: int, amounts: np.ndarray, is_there: np.ndarray, column: int, traits: Traits, risk: np.ndarray
    ) -> Sequence[np.ndarray]:
        """Expected amount of one part if the customer stays, shape (leads, customers), for all and for each group."""
        x, held, _ = _rows(self.sign[part] * amounts, is_there, column, self.window, traits, risk, self.small[part])
        found = []
        for slopes, adopted in zip(self.slopes[:, part], self.adopted[:, part], strict=True):
            path = (x @ slopes.T).T
            if self.is_one_sided[part]:
                path = np.maximum(path, 0.0)
            found.append(self.sign[part] * np.where(held, path, adopted[:, traits.peer]))
        return found


def fit_paths(
    amounts: np.ndarray, is_there: np.ndarray, days: Sequence[Traits], columns: Sequence[int],
    risks: Sequence[np.ndarray], *, leads: int, window: int, group: np.ndarray, groups: int,
) -> MarginPaths:  # fmt: skip
    """Learn the paths of all parts from dates in the past.

    Parameters
    ----------
    amounts : ndarray, shape (parts, customers, months)
    is_there : ndarray of bool, shape (customers, months)
    days, columns
        Traits at the dates, and their columns in the panel.
    risks : sequence of ndarray
        Chance to leave within the leads, at each date.
    leads, window, groups : int
    group : ndarray of int
        Group of each customer of the panel.

    Notes
    -----
    Holders: least squares on the amount now, its mean over the window, income, the chance to leave, silence and falling
    assets, weighted by 1 / (size + a small amount), so that the sum over large and small customers is right and no
    giant decides alone (a ratio estimator). The mean draws a customer's last month towards the own year, the constant
    towards all. Others: the mean of their peers, drawn towards the peers' state and that towards all.
    """
    parts = len(amounts)
    sign = np.where(amounts.reshape(parts, -1).sum(axis=1) < 0, -1.0, 1.0)
    shape = (1 + groups, parts, leads)
    slopes, adopted = np.zeros((*shape, _WIDTH)), np.zeros((*shape, PEERS))
    one_sided, small = np.zeros(parts, dtype=bool), np.ones(parts)
    for part in range(parts):
        values = sign[part] * amounts[part]
        one_sided[part] = bool((values >= 0).all())
        positive = np.abs(values[values != 0])
        small[part] = 0.25 * float(np.median(positive)) if len(positive) else 1.0
        gram, cross = np.zeros((groups, leads, _WIDTH, _WIDTH)), np.zeros((groups, leads, _WIDTH))
        total, count = np.zeros((groups, leads, PEERS)), np.zeros((groups, leads, PEERS))
        for traits, column, risk in zip(days, columns, risks, strict=True):
            x, held, level = _rows(values, is_there, column, window, traits, risk, small[part])
            target = values[traits.place, column + 1 : column + leads + 1]
            there = is_there[traits.place, column + 1 : column + leads + 1]
            _add(gram, cross, total, count, x, held, level, target, there, group[traits.place], traits.peer)
        slopes[:, part], adopted[:, part] = _solved(gram, cross, total, count)
    return MarginPaths(slopes, adopted, sign, one_sided, small, window)


def _rows(
    values: np.ndarray, is_there: np.ndarray, column: int, window: int, traits: Traits, risk: np.ndarray, small: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a holder's path goes with, who holds the part, and the size that weighs them."""
    back = slice(max(column - window + 1, 0), column + 1)
    now = values[traits.place, column]
    months = is_there[traits.place, back].sum(axis=1)
    mean = values[traits.place, back].sum(axis=1) / np.maximum(months, 1)
    paid, quiet, falling = traits.is_paid_here, traits.is_quiet, traits.is_falling
    scale = small * 4
    one = np.full(len(now), scale)
    x = np.column_stack(
        [one, now, mean, scale * traits.income * paid, scale * traits.income * (1 - paid), now * risk, scale * risk,
         now * quiet, scale * quiet, now * falling, scale * falling]
    )  # fmt: skip
    return x, now != 0, np.abs(now) + 0.5 * np.abs(mean) + small


def _add(
    gram: np.ndarray, cross: np.ndarray, total: np.ndarray, count: np.ndarray, x: np.ndarray, held: np.ndarray,
    level: np.ndarray, target: np.ndarray, there: np.ndarray, member: np.ndarray, peer: np.ndarray,
) -> None:  # fmt: skip
    groups, leads = gram.shape[:2]
    order = np.argsort(member, kind="stable")
    ends = np.searchsorted(member[order], np.arange(groups + 1))
    sorted_x, key = x[order], member * PEERS + peer
    for lead in range(leads):
        here = there[:, lead]
        z = sorted_x * (here * held / level)[order, None]
        y = target[order, lead]
        for g in range(groups):
            mine = slice(ends[g], ends[g + 1])
            gram[g, lead] += z[mine].T @ sorted_x[mine]
            cross[g, lead] += z[mine].T @ y[mine]
        other = here & ~held
        total[:, lead] += np.bincount(key[other], target[other, lead], groups * PEERS).reshape(groups, PEERS)
        count[:, lead] += np.bincount(key[other], minlength=groups * PEERS).reshape(groups, PEERS)


def _solved(gram: np.ndarray, cross: np.ndarray, total: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes and peers' means from all groups, and without each."""
    sums = [np.concatenate([part.sum(axis=0)[None], part.sum(axis=0)[None] - part]) for part in
            (gram, cross, total, count)]  # fmt: skip
    all_gram, all_cross, all_total, all_count = sums
    diagonal = np.einsum("...ii->...i", all_gram)
    # a ridge of one hundred-thousandth, and where nothing varies at all a slope of 0
    ridge = 1e-5 * diagonal + 1e-9 * diagonal.max(axis=-1, keepdims=True) + 1e-12
    slopes = np.linalg.solve(all_gram + ridge[..., None] * np.eye(_WIDTH), all_cross[..., None])[..., 0]
    state_total = all_total.reshape(*all_total.shape[:-1], 4, _CELLS).sum(axis=-1)
    state_count = all_count.reshape(*all_count.shape[:-1], 4, _CELLS).sum(axis=-1)
    mean = state_total.sum(axis=-1, keepdims=True) / np.maximum(state_count.sum(axis=-1, keepdims=True), 1)
    state = (state_total + _STATE_WEIGHT * mean) / (state_count + _STATE_WEIGHT)
    peers = (all_total + _PEER_WEIGHT * np.repeat(state, _CELLS, axis=-1)) / (all_count + _PEER_WEIGHT)
    return slopes, peers
