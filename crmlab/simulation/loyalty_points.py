"""Table `loyalty_points`: points for card payments, earned, redeemed and expired, the oldest first.

Engaged customers join more often, and joining itself makes them stay a little longer and pay a little more by card.
Both effects are known (`parameters`), so a comparison of members with others, which mixes the two, can be judged.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crmlab.bank.tables import CONTRACT
from crmlab.simulation.accounts import Accounts, after
from crmlab.simulation.clock import Month, day_number, generator, month_at
from crmlab.simulation.columns import arrow_table, dates, decimals, ids, words
from crmlab.simulation.customers import NEVER, People
from crmlab.simulation.leaving import CLOSING, SILENCE
from crmlab.simulation.ledger import KINDS
from crmlab.simulation.products import slot_of
from crmlab.simulation.relation import LEAVING, SILENT, Relation
from crmlab.simulation.transactions import MEMBER_SPENDING

__all__ = [
    "ENTRY_KINDS",
    "INVITED_FROM",
    "REWARDS",
    "VALID_MONTHS",
    "Programme",
    "join_chance",
    "loyalty_points_table",
    "parameters",
]

ENTRY_KINDS = CONTRACT["loyalty_points"]["kind"].words
_EARN, _REDEEM, _EXPIRE, _ADJUST = (ENTRY_KINDS.index(word) for word in ("earn", "redeem", "expire", "adjust"))
VALID_MONTHS = 24
LAUNCH = day_number("2019-04-01")
_WELCOME, _BIRTHDAY = 100, 100
INVITED_FROM = 14  # day of the month, from 0, from which those who were invited join
_PER_PRODUCT, _MOST_PRODUCTS = 50, 4  # a quarter, for each product beyond the first
# What points buy: points, value in cents, share of members who save for it (assumed; .4 to .5 cents a point, as usual
# for cards that pay back half a percent). Larger rewards pay better. The rest of the members never redeem.
REWARDS = (
    ("discount", 500, 200, 0.30),
    ("voucher", 1_000, 420, 0.24),
    ("large voucher", 2_500, 1_100, 0.16),
    ("service", 5_000, 2_400, 0.07),
)
_POINTS = np.array([points for _, points, _, _ in REWARDS] + [10**9])
_VALUE = np.array([value for _, _, value, _ in REWARDS] + [0])
_REDEEM_CHANCE = 0.25  # a month, once there is enough, by engagement (assumed)
_FIRST_DAY, _ON_JOINING, _LATER = -1.6, -2.6, -5.9  # log odds of membership on the first day, when joining, a month
_TRAITS = {"engagement": 0.7, "income here": 1.4, "digital": 0.6, "price": 0.8}  # log odds by trait (assumed)
_COLUMNS = ("customer", "day", "kind", "points", "value", "expires")
_NO_DAY = int(NEVER)


def join_chance(relation: Relation, people: People, accounts: Accounts, n: int, level: float) -> np.ndarray:
    """Return the chance to join the programme, 0 for those who cannot: no card, member already, on the way out.

    Engaged, digital and price-sensitive customers with their salary here join more often; `relation.invite` adds to
    the log odds.
    """
    score = (
        level
        + _TRAITS["engagement"] * (np.minimum(people.engagement[:n], 3.0) - 1)
        + _TRAITS["income here"] * relation.has_income[:n]
        + _TRAITS["digital"] * (people.digital[:n] - 0.5)
        + _TRAITS["price"] * (people.price[:n] - 0.5)
        + relation.invite[:n]
    )
    can = (accounts.of[:n, [slot_of("current"), slot_of("card")]] >= 0).any(axis=1) & ~relation.member[:n]
    return np.where(can & (relation.status[:n] < LEAVING), 1 / (1 + np.exp(-score)), 0.0)


class Programme:
    """The points of one block of customers.

    `points[customer, bucket]` holds what is left of the earnings of the last two years: two buckets a month, one for a
    bonus within the month and one for what is booked on its last day; `expires` the day they expire.
    """

    def __init__(self, seed: int, block: int) -> None:
        self._seed, self._block = seed, block
        self.points = np.zeros((0, 2 * VALID_MONTHS + 2), dtype=np.int64)
        self.expires = np.full((0, 2 * VALID_MONTHS + 2), _NO_DAY, dtype=np.int64)
        self.waits_for = np.zeros(0, dtype=np.int64)  # position in REWARDS; past its end: never redeems
        self._rng = generator(seed, block, -1, "loyalty_points")
        self.chance = np.zeros(0)  # to join this month, as it was with the invitation
        self._joined: list[tuple[np.ndarray, ...]] = []

    def admit(self, month: Month, people: People, relation: Relation, accounts: Accounts) -> dict[str, np.ndarray]:
        """Begin a month: make room for who joined; in the first month, the members of old bring their points along."""
        self._rng = generator(self._seed, self._block, month.number, "loyalty_points")
        new = len(people) - len(self.points)
        wide = self.points.shape[1]
        shares = np.cumsum([share for *_, share in REWARDS])
        self.waits_for = np.concatenate([self.waits_for, np.searchsorted(shares, self._rng.random(new))])
        self.points = np.concatenate([self.points, np.zeros((new, wide), dtype=np.int64)])
        self.expires = np.concatenate([self.expires, np.full((new, wide), _NO_DAY, dtype=np.int64)])
        if month.number:
            self.points = np.concatenate([self.points[:, 2:], np.zeros((len(people), 2), dtype=np.int64)], axis=1)
            fresh = np.full((len(people), 2), _NO_DAY, dtype=np.int64)
            self.expires = np.concatenate([self.expires[:, 2:], fresh], axis=1)
            return {}
        return self._carry_over(month, people, relation, accounts)

    def _carry_over(self, month: Month, people: People, relation: Relation, accounts: Accounts) -> dict:
        """Enrol the members of the first day; half a year's earnings share a day of expiry."""
        n = len(people)
        u, v, w = self._rng.random((3, n))
        base = people.joined < month.first
        chance = join_chance(relation, people, accounts, n, _FIRST_DAY)
        chance = np.where(relation.status == SILENT, 0.15 * accounts.is_open(n, "current"), chance)
        who = np.flatnonzero(base & (u < chance))
        begin = np.maximum(people.joined[who], LAUNCH)
        since = begin + np.floor(v[who] ** 2 * (month.first - begin)).astype(np.int64)
        self._take_in(relation, who, since, chance[who])
        here = np.where(relation.has_income[who], 0.35, 0.04)  # of the income is paid by card
        monthly = here * people.income[who] * np.minimum(people.engagement[who], 1.5) * relation.fade[who]
        months = (month.first - since) / 30.4
        target = _POINTS[self.waits_for[who]]
        left = np.maximum(20.0, np.minimum(w[who] * np.minimum(target, 60 * monthly), VALID_MONTHS * monthly))
        parts = []
        for half in range(4):  # the newest points are spent last
            room = 6 * monthly * np.clip(months / 6 - half, 0, 1) + (100 if half == 0 else 0)
            points = np.floor(np.minimum(left, room)).astype(np.int64)
            left = left - points
            ends = VALID_MONTHS - 1 - 6 * half
            self.points[who, 2 * ends + 1], self.expires[who, 2 * ends + 1] = points, month_at(ends).last
            parts.append(_entries(who, month.first, _ADJUST, points, expires=month_at(ends).last))
        return _in_order(parts)

    def work(
        self, month: Month, people: People, relation: Relation, accounts: Accounts, booked: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Book the entries of a month: rewards, bonuses, points that expire, points for card payments.

        Parameters
        ----------
        booked : dict of str to array
            Bookings of the month, as in table `transactions`.
        """
        n = len(people)
        u, v = self._rng.random((2, n))
        member, last = relation.member[:n].copy(), month.last
        gone = relation.left[:n] <= last
        end = np.where(gone, relation.left[:n], last + 1)  # who leaves does nothing from that day on
        stays = member & ~gone
        parts = [self._redeem(month, people, relation, stays, u, v)]
        parts += self._expire(stays, member, end, 0)
        parts.append(self._birthdays(month, people, member, end))
        parts += self._expire(stays, member, end, 1)
        owner = accounts.owner[booked["account"]] if booked else np.zeros(0, dtype=np.int64)
        spent = np.zeros(n)
        if booked:
            by_card = booked["kind"] == KINDS.index("card_payment")
            spent = np.bincount(owner[by_card], -booked["amount"][by_card], n)
        parts.append(self._earn(np.flatnonzero(stays), np.floor(spent[stays] / 100), last))
        if month.of_year % 3 == 0:
            more = np.clip((accounts.of[:n] >= 0).sum(axis=1) - 1, 0, _MOST_PRODUCTS)
            parts.append(self._earn(np.flatnonzero(stays), _PER_PRODUCT * more[stays], last))
        parts.append(self._forfeit(np.flatnonzero(member & gone), end))
        relation.member[:n] = stays
        return _in_order(parts)

    def enrol(self, month: Month, people: People, relation: Relation, accounts: Accounts) -> dict[str, np.ndarray]:
        """Let customers join at the end of a month, with a welcome bonus on the day; forget the invitations."""
        n = len(people)
        u, v = self._rng.random((2, n))
        new = people.joined[:n] >= month.first
        self.chance = chance = join_chance(relation, people, accounts, n, np.where(new, _ON_JOINING, _LATER))
        who = np.flatnonzero(u < chance)
        # the bank speaks in the first days of a month: who was invited joins after that
        first = np.where(relation.invite[who] != 0, month.first + INVITED_FROM, month.first)
        first = np.maximum(people.joined[who], first)
        day = first + np.floor(v[who] * (month.last + 1 - first)).astype(np.int64)
        self._take_in(relation, who, day, chance[who])
        relation.invite[:n] = 0.0
        return self._bonus(who, day, _WELCOME)

    def joined(self, month: Month) -> dict[str, np.ndarray]:
        """Return who joined this month, since when, with what chance, and the points they wait for."""
        who, since, chance = (np.concatenate(parts) for parts in zip(*self._joined, strict=True))
        self._joined = []
        waits = np.append(_POINTS[:-1], -1)[self.waits_for[who]]
        months = np.full(len(who), month.number)
        return {"customer": who, "month": months, "member_since": since, "chance": chance, "waits_for_points": waits}

    def _take_in(self, relation: Relation, who: np.ndarray, day: np.ndarray, chance: np.ndarray) -> None:
        relation.member[who], relation.member_since[who] = True, day
        self._joined.append((who, day, chance))

    def _redeem(self, month: Month, people: People, relation: Relation, stays, u, v) -> dict[str, np.ndarray]:
        """Redeem as many rewards as the balance allows; who is about to leave takes any reward, and soon."""
        day = month.first + month.working_before[5 + (19 * v).astype(np.int64)]
        open_still = self.points[:, :-2].copy()
        open_still[:, 0] *= day < self.expires[:, 0]
        have = open_still.sum(axis=1)
        leaving = relation.status == LEAVING
        aim = np.where(leaving, np.searchsorted(_POINTS, have, side="right") - 1, self.waits_for)
        cost = _POINTS[aim]
        pace = np.minimum(people.engagement, 1.6) * np.where(leaving, 1.0, relation.fade)
        wants = stays & (aim >= 0) & (have >= cost) & (u < _REDEEM_CHANCE * pace)
        who = np.flatnonzero(wants)
        count = have[who] // cost[who]
        spend = count * cost[who]
        before = open_still[who].cumsum(axis=1) - open_still[who]
        taken = np.clip(spend[:, None] - before, 0, open_still[who])  # first in, first out
        self.points[who, :-2] -= taken
        return _entries(who, day[who], _REDEEM, -spend, value=count * _VALUE[aim[who]])

    def _expire(self, stays, member, end, bucket: int) -> list[dict[str, np.ndarray]]:
        """Expire what is left of a bucket of two years ago."""
        day, points = self.expires[:, bucket], self.points[:, bucket]
        who = np.flatnonzero(member & (points > 0) & (day < end))
        entries = _entries(who, day[who], _EXPIRE, -points[who])
        self.points[who, bucket] = 0
        return [entries]

    def _birthdays(self, month: Month, people: People, member, end) -> dict[str, np.ndarray]:
        born = people.birth.astype("datetime64[D]")
        in_month = born.astype("datetime64[M]").astype(np.int64) % 12 + 1 == month.of_year
        who = np.flatnonzero(member & in_month)
        day = (born[who] - born[who].astype("datetime64[M]")).astype(np.int64)
        day = month.first + np.minimum(day, month.days - 1)
        there = day < end[who]
        return self._bonus(who[there], day[there], _BIRTHDAY)

    def _bonus(self, who: np.ndarray, day: np.ndarray, points: int) -> dict[str, np.ndarray]:
        """Book a bonus within the month."""
        self.points[who, -2], self.expires[who, -2] = points, after(day, VALID_MONTHS)
        return _entries(who, day, _EARN, np.full(len(who), points), expires=self.expires[who, -2])

    def _earn(self, who: np.ndarray, points: np.ndarray, day: int) -> dict[str, np.ndarray]:
        """Book points on the last day of the month."""
        points = np.maximum(points, 0).astype(np.int64)
        ends = int(after(np.array([day]), np.array([VALID_MONTHS]))[0])
        self.points[who, -1] += points
        self.expires[who, -1] = ends
        return _entries(who, day, _EARN, points, expires=ends)

    def _forfeit(self, who: np.ndarray, end: np.ndarray) -> dict[str, np.ndarray]:
        """Who leaves loses the rest on that day."""
        rest = self.points[who].sum(axis=1)
        self.points[who] = 0
        return _entries(who, end[who], _ADJUST, -rest)


def _entries(who, day, kind: int, points, *, value=0, expires=_NO_DAY) -> dict[str, np.ndarray]:
    """Entries of one kind, without those of no points."""
    keep = np.flatnonzero(points)
    columns = (who, day, kind, points, value, expires)
    filled = (np.broadcast_to(np.asarray(column, dtype=np.int64), len(who))[keep] for column in columns)
    return dict(zip(_COLUMNS, filled, strict=True))


def _in_order(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Stack entries by day; on one day what expires goes before what is redeemed."""
    rows = {name: np.concatenate([part[name] for part in parts]) for name in _COLUMNS}
    rank = np.array([1, 2, 0, 3])[rows["kind"]]
    order = np.lexsort((rank, rows["customer"], rows["day"]))
    return {name: values[order] for name, values in rows.items()}


def loyalty_points_table(rows: dict[str, np.ndarray], block: int, last: int) -> pa.Table:
    """Return the entries as a contract table; those after the day `last` are not known."""
    size = len(rows["customer"])
    table = arrow_table(
        "loyalty_points",
        {
            "entry_id": ids("L", block, np.arange(size), 7),
            "customer_id": ids("C", block, rows["customer"], 5),
            "booked_on": dates(rows["day"]),
            "kind": words(rows["kind"], ENTRY_KINDS),
            "points_count": pa.array(rows["points"]),
            "value_amount": decimals(rows["value"], rows["kind"] != _REDEEM),
            "expires_on": dates(rows["expires"]),
        },
    )
    return table.filter(pa.array(rows["day"] <= last))


def parameters() -> dict[str, object]:
    """Return what is true of the programme, as plain numbers."""
    return {
        "log_odds_of_members": {"closing": CLOSING["member"], "silence": SILENCE["member"]},
        "card_budget_factor_of_members": MEMBER_SPENDING,
        "log_odds_of_joining": {"first_day": _FIRST_DAY, "on_joining": _ON_JOINING, "a_month": _LATER, **_TRAITS},
        "points_for_a_euro_by_card": 1.0,
        "valid_months": VALID_MONTHS,
        "rewards": {name: {"points": points, "value_cents": value} for name, points, value, _ in REWARDS},
    }
