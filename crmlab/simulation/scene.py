"""What every flow of one month sees: the month, the people, their accounts, the ledger and the money at hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from crmlab.simulation.accounts import Accounts
from crmlab.simulation.clock import Month, generator
from crmlab.simulation.customers import People
from crmlab.simulation.leaving import dormant_closings
from crmlab.simulation.ledger import CHANNEL_CODES, Ledger
from crmlab.simulation.products import slot_of
from crmlab.simulation.relation import DYING, LEAVING, LEFT, Relation

__all__ = ["Scene", "seconds"]

_MORNING, _CLOSE = 5 * 3600, 24 * 3600 - 600  # when the bank's own bookings run, in seconds after midnight
_HOURS = {  # seconds after midnight: earliest, most frequent, latest
    "day": (7, 13, 22),
    "shop": (8, 17, 22),
    "branch": (9, 11, 17),
}


@dataclass
class Scene:
    """One block in one month. `money[customer, slot]` is the balance in cents as the flows are planned."""

    seed: int
    block: int
    month: Month
    market: dict[str, float]
    n: int
    people: People
    relation: Relation
    accounts: Accounts
    ledger: Ledger
    money: np.ndarray = field(init=False)
    on: np.ndarray = field(init=False)  # there before this month, alive and not closing
    closing: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        waiting = self.ledger.waiting_amount(self.accounts.size)
        self.money = self.accounts.held(self.accounts.balance + waiting, self.n).astype(np.float64)
        status = self.relation.status[: self.n]
        due = ((status == LEAVING) | (status == DYING)) & (self.relation.months_left[: self.n] <= 0)
        due[dormant_closings(self.relation, self.n)] = True
        before = self.people.joined[: self.n] < self.month.first
        self.closing = due & before
        self.on = before & ~due & (status < DYING)

    def rng(self, topic: str) -> np.random.Generator:
        """Random numbers of a topic in this month; ask once a topic."""
        return generator(self.seed, self.block, self.month.number, topic)

    @property
    def wage_level(self) -> float:
        """Wages rise by 2.5 % every January (assumed; negotiated wages in the euro area rose by 2 to 5 %)."""
        return 1.025 ** (self.month.year - 2023)

    @property
    def income(self) -> np.ndarray:
        """Net income of the month, cents."""
        return 100 * self.people.income[: self.n] * self.relation.pay[: self.n] * self.wage_level

    def account(self, who: np.ndarray, slot: str) -> np.ndarray:
        """Positions of the open accounts of customers in a slot."""
        return self.accounts.of[who, slot_of(slot)]

    def holders(self, *slots: str) -> np.ndarray:
        """Which customers have an open account in every one of these slots."""
        return (self.accounts.of[: self.n, [slot_of(slot) for slot in slots]] >= 0).all(axis=1)

    def since_opening(self, account: np.ndarray, day: np.ndarray | int) -> np.ndarray:
        """Return the days, moved to the opening of accounts that open later in the month."""
        return np.maximum(day, self.accounts.opened[account] - self.month.first)

    def move(self, who: np.ndarray, slot: str, amount: np.ndarray) -> None:
        """Add planned money to customers' slots; each customer at most once a call."""
        self.money[who, slot_of(slot)] += amount

    def book(self, who, slot, day, amount, kind, channel, *, hours="day", rng=None, **more) -> None:
        """Add bookings for customers and plan their money; `amount` in cents, each customer at most once a call.

        Parameters
        ----------
        who : array of int
            Positions of customers who have the slot.
        slot : str
            One of `SLOTS`.
        day : int or array of int
            Day of the month, from 0.
        amount : array of float
            Cents; into the account positive.
        kind, channel : str
            Words of the contract; a channel may be an array of codes.
        hours : str
            Hours of a place; with ``rng=None`` the bank books by itself, in the morning or at the ``close``.
        """
        amount = np.rint(amount).astype(np.int64)
        second = seconds(rng, len(who), hours) if rng is not None else (_MORNING if hours == "day" else _CLOSE)
        account = self.account(who, slot)
        self.ledger.add(account, self.since_opening(account, day), second, amount, kind, channel, **more)
        self.move(who, slot, amount)

    def transfer(self, who, source, target, day, amount, channel, *, kind="transfer", initiated, rng=None) -> None:
        """Move money between two accounts of the same customer: two bookings at the same second."""
        amount = np.rint(amount).astype(np.int64)
        second = seconds(rng, len(who), "day") if rng is not None else np.full(len(who), 3600 * 6)
        kinds = (kind, kind) if kind in ("investment", "loan_payment") else ("transfer_out", "transfer_in")
        more = {"initiated": initiated, "counterparty": "own_account"}
        # only one side is the customer's act, or it would count twice
        self.ledger.add(self.account(who, source), day, second, -amount, kinds[0], channel, **more)
        self.ledger.add(self.account(who, target), day, second, amount, kinds[1], channel, counterparty="own_account")
        self.move(who, source, -amount)
        self.move(who, target, amount)

    def remote_or_branch(self, rng: np.random.Generator, who: np.ndarray) -> np.ndarray:
        """Draw the channel of an order: mobile or online by habit and digital affinity, else branch or phone."""
        u, v = rng.random((2, len(who)))
        digital = self.people.digital[who]
        remote = np.where(v < self.people.mobile[who], CHANNEL_CODES["mobile"], CHANNEL_CODES["online"])
        near = np.where(v < 0.8, CHANNEL_CODES["branch"], CHANNEL_CODES["phone"])
        return np.where(u < 0.05 + 0.93 * digital, remote, near).astype(np.int8)

    def is_left(self) -> np.ndarray:
        """Which customers have left."""
        return self.relation.status[: self.n] == LEFT


def seconds(rng: np.random.Generator, size: int, hours: str) -> np.ndarray:
    """Draw seconds of the day from a triangle over the hours of a place."""
    low, top, high = _HOURS[hours]
    return rng.triangular(3600 * low, 3600 * top, 3600 * high, size).astype(np.int64)
