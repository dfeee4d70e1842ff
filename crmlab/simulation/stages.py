"""Lifecycle stages: the true state that follows from what customers do, and the true chances to move between stages.

A stage is an effect, never a cause: nothing in the simulation reads it. Each month's move is a draw whose probability
is known just before it: from the chances to leave and to fall silent, the chance to order a product, the death rate,
and the clocks that run (first months, a year after an order, months until accounts close, months of silence).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmlab.simulation.accounts import Accounts
from crmlab.simulation.clock import Month
from crmlab.simulation.customers import People
from crmlab.simulation.leaving import Chances
from crmlab.simulation.leaving import parameters as leaving_parameters
from crmlab.simulation.life import death_chance
from crmlab.simulation.products import slot_of
from crmlab.simulation.relation import ACTIVE, DYING, LEAVING, LEFT, SILENT, Relation

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STAGES", "Stages", "add_moves", "parameters", "stage_matrix"]

STAGES = ("onboarding", "growth", "maturity", "decline", "dormant", "lost", "won_back")
_ONBOARDING, _GROWTH, _MATURITY, _DECLINE, _DORMANT, _LOST, _WON_BACK = range(len(STAGES))
_ONBOARDING_MONTHS = 6  # calendar months from the one of joining on
_WON_BACK_MONTHS = 12  # the same for who was here before
_ORDER_MONTHS = 12  # an order keeps a customer in growth for this month and the eleven after it
_FADED_MONTHS = 5  # who falls silent is dormant after these
_RISE_SHARE, _RISE_CENTS = 0.20, 100_000  # money has risen: by a fifth, and by 1,000 euros
_MEAN, _BACK, _LEAST = 3, 12, 6  # means of three month-ends, twelve months apart; compared once six are known
_ASSETS = slot_of("pension") + 1  # the slots before hold assets
_LONG_AGO = -1_000
_ENDS_AFTER = leaving_parameters()["dormant_months"]["until_the_bank_ends_it"]


class Stages:
    """Follows one block of customers from month to month; one position a customer."""

    def __init__(self, people: People, relation: Relation, accounts: Accounts) -> None:
        self._size = 0
        self._joined = np.zeros(0, dtype=np.int64)  # number of the month of joining
        self._ordered = np.zeros(0, dtype=np.int64)  # number of the month of the last order
        self._assets = np.zeros((0, _MEAN + _BACK))  # of the last month-ends, the newest last; nan before the first
        self._leave, self._wants = np.zeros(0), np.zeros(0)  # last chances to leave, and to order a product
        self.stage = np.zeros(0, dtype=np.int8)
        self.admit(people)
        self._ordered = _last_order(people, accounts)
        self.see_balances(accounts)
        self.stage = self._now(relation, -1)

    def admit(self, people: People) -> None:
        """Make room for customers who joined."""
        new = len(people) - self._size
        self._returning = people.previous[self._size :]
        self._returning = self._returning[self._returning >= 0]
        if not new:
            return
        joined = people.joined[self._size :].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - _ZERO
        self._joined = np.concatenate([self._joined, joined])
        self._ordered = np.concatenate([self._ordered, np.full(new, _LONG_AGO)])
        self._assets = np.concatenate([self._assets, np.full((new, _MEAN + _BACK), np.nan)])
        self._leave, self._wants = (np.concatenate([one, np.zeros(new)]) for one in (self._leave, self._wants))
        self.stage = np.concatenate([self.stage, np.full(new, -1, dtype=np.int8)])
        self._is_back = people.previous >= 0
        self._size = len(people)

    def see_balances(self, accounts: Accounts) -> None:
        """Remember the assets of a month-end; they count from the next month on."""
        money = accounts.held(accounts.balance, self._size)[:, :_ASSETS]
        self._assets[:, :-1] = self._assets[:, 1:]
        self._assets[:, -1] = np.maximum(money, 0).sum(axis=1)

    def foresee(
        self, relation: Relation, people: People, month: Month, return_chance: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return what is known of a month before anything happens in it.

        Parameters
        ----------
        relation, people
            The block on the first day, with those who join in the month.
        month : Month
            The month.
        return_chance : array of float
            Chance of customers of the month before, if lost, to come back in this one under a new number.

        Returns
        -------
        dict of array
            ``status``; ``dies``, chance to die; ``ends``, chance that the relation ends; ``follows``, chance that it
            ends because the partner's does; ``sleeps``, whether who lives is dormant at its end;
            ``returns``, chance to come back.
        """
        n = self._size
        status, months_in = relation.status[:n].copy(), relation.months_in[:n] + 1
        age = (month.first - people.birth) / 365.2425
        dies = np.where(status < DYING, death_chance(age), 0.0)
        due = np.isin(status, (LEAVING, DYING)) & (relation.months_left[:n] <= 1)
        due |= (status == SILENT) & (months_in >= _ENDS_AFTER)
        due &= people.joined[:n] < month.first
        ends = np.where(due, 1 - dies, 0.0)
        # who only uses the partner's account leaves when the partner's relation ends
        owner = np.flatnonzero(people.partner >= 0)
        owner = owner[people.is_guest[people.partner[owner]]]
        follows = np.zeros(n)
        follows[people.partner[owner]] = ends[owner]
        sleeps = (status == SILENT) & (months_in > _FADED_MONTHS) & ~due
        returns = np.zeros(n)
        returns[: len(return_chance)] = return_chance
        returns[status != LEFT] = 0.0
        known = {"status": status, "dies": dies, "ends": ends, "follows": follows, "sleeps": sleeps}
        return known | {"returns": returns}

    def move(
        self, relation: Relation, month: Month, before: Mapping[str, np.ndarray], chances: Chances, wants: np.ndarray,
        ordered: np.ndarray,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Set the stages at the end of a month; return true and observed moves as rows of ``stage_moves``.

        Parameters
        ----------
        relation : Relation
            After the decisions of the month.
        month : Month
            The month.
        before : mapping
            What `foresee` said at its beginning.
        chances : Chances
            Chances to leave at the end of the month.
        wants : array of float
            Chance to order a product this month, given that the customer stays.
        ordered : array of bool
            Who ordered one.
        """
        t, was = month.number, self.stage
        # who died in the month was not asked, nor who left about products: the chances of the month before stand in
        status = relation.status[: self._size]
        self._leave = np.where(status == DYING, self._leave, chances.leave)
        self._wants = np.where(status == ACTIVE, wants, self._wants)
        true = self._probabilities(t, before)
        self._ordered = np.where(ordered, t, self._ordered)
        self.stage = self._now(relation, t)
        now = self.stage.copy()
        now[self._returning] = _WON_BACK  # the old number stays lost; the person is counted where they go
        return _moves(t, was, now, true)

    def _now(self, relation: Relation, t: int) -> np.ndarray:
        """Stage of everybody at the end of month `t`."""
        status, months_in = relation.status[: self._size], relation.months_in[: self._size]
        stage = np.where(self._grows(t), _GROWTH, _MATURITY)
        stage = np.where(self._is_early(t), np.where(self._is_back, _WON_BACK, _ONBOARDING), stage)
        stage = np.where(status != ACTIVE, _DECLINE, stage)
        stage = np.where((status == SILENT) & (months_in > _FADED_MONTHS), _DORMANT, stage)
        return np.where(status == LEFT, _LOST, stage).astype(np.int8)

    def _probabilities(self, t: int, before: Mapping[str, np.ndarray]) -> np.ndarray:
        """Probability of each stage at the end of month `t`, shape (customers, stages); before this month's orders."""
        status, alone = before["status"], 1 - before["follows"]
        lives = alone * (1 - before["dies"])
        keeps = np.where(status == ACTIVE, lives * (1 - self._leave), 0.0)
        early, grows = self._is_early(t), self._grows(t)
        true = np.zeros((self._size, len(STAGES)))
        true[:, _LOST] = np.where(status == LEFT, 1 - before["returns"], 1 - alone * (1 - before["ends"]))
        true[:, _DORMANT] = lives * before["sleeps"]
        true[:, _DECLINE] = np.where(status == LEFT, 0.0, 1 - true[:, _LOST] - true[:, _DORMANT] - keeps)
        true[:, _ONBOARDING] = keeps * (early & ~self._is_back)
        true[:, _WON_BACK] = keeps * (early & self._is_back) + before["returns"]
        true[:, _GROWTH] = keeps * ~early * np.where(grows, 1.0, self._wants)
        true[:, _MATURITY] = keeps * ~early * np.where(grows, 0.0, 1 - self._wants)
        return true

    def _grows(self, t: int) -> np.ndarray:
        return (t - self._ordered < _ORDER_MONTHS) | self._has_risen()

    def _is_early(self, t: int) -> np.ndarray:
        return t - self._joined < np.where(self._is_back, _WON_BACK_MONTHS, _ONBOARDING_MONTHS)

    def _has_risen(self) -> np.ndarray:
        """Assets of the last three month-ends seen against those a year before, or the first three known."""
        known = np.isfinite(self._assets).sum(axis=1)
        first = self._assets.shape[1] - np.clip(known, _MEAN, None)
        rows = np.arange(self._size)[:, None]
        with np.errstate(invalid="ignore"):
            past = self._assets[rows, first[:, None] + np.arange(_MEAN)].mean(axis=1)
            last = self._assets[:, -_MEAN:].mean(axis=1)
            return (known >= _LEAST) & (last > (1 + _RISE_SHARE) * past) & (last > past + _RISE_CENTS)


_ZERO = 636  # number of January 2023 since January 1970


def _last_order(people: People, accounts: Accounts) -> np.ndarray:
    """Month of the last account opened before the first month, the first account aside."""
    later = np.flatnonzero(accounts.opened > people.joined[accounts.owner])
    month = accounts.opened[later].astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - _ZERO
    last = np.full(len(people), _LONG_AGO)
    np.maximum.at(last, accounts.owner[later], month)
    return last


def _moves(t: int, was: np.ndarray, now: np.ndarray, true: np.ndarray) -> dict[str, np.ndarray]:
    """Sum probabilities and count moves by pair; those who joined this month have not moved yet."""
    size, count = len(STAGES), len(STAGES) ** 2
    there = was >= 0
    start = np.eye(size)[was[there]]
    pair = was[there].astype(np.int64) * size + now[there]
    return {
        "month": np.full(count, t),
        "stage": np.repeat(np.arange(size), size),
        "next_stage": np.tile(np.arange(size), size),
        "customers": np.repeat(start.sum(axis=0), size).astype(np.int64),
        "expected": (start.T @ true[there]).ravel(),
        "variance": (start.T @ (true[there] * (1 - true[there]))).ravel(),
        "observed": np.bincount(pair, minlength=count),
    }


def add_moves(moves: Mapping[str, np.ndarray], more: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Add the moves of another block, row by row; the rows of every block are the same months and pairs."""
    if not moves:
        return dict(more)
    key = ("month", "stage", "next_stage")
    return {name: values if name in key else values + more[name] for name, values in moves.items()}


def stage_matrix(moves: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Return the mean monthly probability of each move: sum of true probabilities over customers at risk.

    Examples
    --------
    >>> moves = {"stage": [4, 4, 4, 4], "next_stage": [4, 5, 4, 5], "customers": [3, 3, 1, 1], "expected": [3, 0, 0, 1]}
    >>> stage_matrix({name: np.array(values) for name, values in moves.items()})
    {'dormant': {'dormant': 0.75, 'lost': 0.25}}
    """
    found: dict[str, dict[str, float]] = {}
    for start in range(len(STAGES)):
        for end in range(len(STAGES)):
            mine = (moves["stage"] == start) & (moves["next_stage"] == end)
            expected, there = moves["expected"][mine].sum(), moves["customers"][mine].sum()
            if expected > 0:
                found.setdefault(STAGES[start], {})[STAGES[end]] = float(expected / there)
    return found


def parameters() -> dict[str, float]:
    """Return the clocks and limits that define the stages."""
    return {
        "onboarding_months": _ONBOARDING_MONTHS,
        "won_back_months": _WON_BACK_MONTHS,
        "growth_months_after_an_order": _ORDER_MONTHS,
        "growth_rise_share": _RISE_SHARE,
        "growth_rise_euros": _RISE_CENTS / 100,
        "dormant_after_months": _FADED_MONTHS,
    }
