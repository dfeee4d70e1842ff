"""Table `opportunities`: leads that sales staff work on, stage by stage, until they are won or lost, or forgotten.

A wish or idle interest makes a lead (`leads`). Work on an open lead makes a wish more likely month by month; a wish
opens the account a month later, and that day the opportunity is won. What nobody wants is lost sooner or later. The
course of a stage is drawn when it begins, so nothing here knows more than the bank's own future decides.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crmlab.bank.tables import CONTRACT
from crmlab.simulation.accounts import Accounts, card_limit, product_for
from crmlab.simulation.campaigns import Campaign
from crmlab.simulation.clock import Month, generator
from crmlab.simulation.columns import arrow_table, channels, dates, decimals, ids, words
from crmlab.simulation.customers import NEVER, People
from crmlab.simulation.leads import COMPLEX, SOURCES, WALK_IN, Leads, find_leads
from crmlab.simulation.ledger import CHANNEL_CODES
from crmlab.simulation.products import CATALOGUE, SLOTS
from crmlab.simulation.relation import LEFT, Relation
from crmlab.simulation.salesforce import employee_ids, hire

__all__ = ["STAGES", "Pipeline", "opportunities_table", "parameters"]

STAGES = CONTRACT["opportunities"]["stage"].words
_LEAD, _QUALIFIED, _PROPOSAL, _NEGOTIATION, _WON, _LOST = range(6)
# By slot (assumed): what a month of work adds to the log chance to want it; the log chance without anybody's work, as
# most who take a mortgage have talked first; what is left of the effect a month later; median days of a stage.
_PULL = np.array([2.0, 2.0, 2.2, 2.2, 2.6, 2.6, 2.6, 2.3, 2.6, 3.4, 2.5])
_ALONE = np.array([-0.05, -0.05, -0.08, -0.05, -0.25, -0.25, -0.35, -0.10, -0.25, -0.80, -0.25])
_LASTING = np.where(COMPLEX, 0.85, 0.55)
_DAYS = np.array([4.0, 4.0, 4.0, 5.0, 9.0, 9.0, 13.0, 4.0, 6.0, 17.0, 7.0])
_SPREAD_OF_DAYS = 0.5  # log standard deviation
_SLOWER_WHEN_LOST = 4.0  # nobody hurries to write a case off
_LOSS = np.array([0.42, 0.40, 0.42, 0.45])  # share lost in each stage of what nobody wants (assumed)
_CLEANING, _OLD_DAYS = 0.6, 180  # share of old forgotten cases that is closed each January
_REMOTE = [CHANNEL_CODES[name] for name in ("online", "mobile", "email", "sms", "social")]
_LAST_STAGE = np.where(COMPLEX, _NEGOTIATION, _PROPOSAL)
_INTEGERS = ("serial", "customer", "slot", "product", "stage", "entered", "due", "employee", "channel", "amount", "age")
_FLAGS = ("fails", "is_forgotten")
_ROWS = ("serial", "customer", "product", "stage", "day", "amount", "channel", "employee")


class Pipeline:
    """The open opportunities of one block of customers; days are counted from 1970-01-01, money in cents."""

    def __init__(self, seed: int, block: int, plan: tuple[Campaign, ...]) -> None:
        self._seed, self._block, self._plan = seed, block, plan
        self.force = hire(seed)
        self._open = {name: np.zeros(0, dtype=np.int64) for name in _INTEGERS}
        self._open |= {name: np.zeros(0, dtype=bool) for name in _FLAGS}
        self._serial = 0
        self._rows: list[dict[str, np.ndarray]] = []
        self._begun: list[dict[str, np.ndarray]] = []
        self._reached = np.zeros((0, len(SLOTS)), dtype=bool)

    def persuade(self, month: Month, relation: Relation, n: int) -> None:
        """Let the work on open opportunities raise the chances of this month's wishes (`relation.push`)."""
        self._reached = relation.push[:n] != 0  # who read a campaign
        cases, work = self._open, ~self._open["is_forgotten"]
        slot = cases["slot"][work]
        pull = _PULL[slot] + self.force.persuasion[cases["employee"][work]]
        relation.push[:n] += _ALONE
        relation.push[cases["customer"][work], slot] += np.maximum(pull, 0) * _LASTING[slot] ** cases["age"][work]
        cases["age"] += 1

    def work(
        self,
        month: Month,
        people: People,
        relation: Relation,
        accounts: Accounts,
        chance: np.ndarray,
        booked: dict[str, np.ndarray],
        told: dict[str, np.ndarray],
        seen: dict[str, np.ndarray],
    ) -> dict[str, np.ndarray]:
        """Work a month: win what opened, note new leads, move, lose or forget the rest; return the rows.

        Parameters
        ----------
        chance : array of float, shape (customers, slots)
            Chance of this month to want each slot.
        booked, told, seen : dict of array
            Bookings, interactions and digital events of the month.
        """
        rng = generator(self._seed, self._block, month.number, "opportunities")
        self._rows, self._begun = [], []
        opened = _opened(accounts, month)
        visits, product = self._visits(rng, month, people, accounts, opened)
        self._begin(rng, month, people, relation, chance, visits, product)
        self._win(rng, month, accounts, opened, booked)
        self._lose_customers(month, relation)
        by_slot = {
            c.slot: CHANNEL_CODES[c.channel] for c in self._plan if c.month == month.number and c.slot is not None
        }
        leads = find_leads(rng, month, people, relation, self.force, chance, told, seen, self._reached, by_slot)
        self._begin(rng, month, people, relation, chance, leads)
        for _ in range(_NEGOTIATION + 1):
            self._move(rng, month, relation)
        self._clean(rng, month)
        self._close(relation)
        return _in_order(self._rows)

    def begun(self) -> dict[str, np.ndarray]:
        """Return what is true of the opportunities that began this month."""
        names = self._begun[0] if self._begun else {}
        return {name: np.concatenate([part[name] for part in self._begun]) for name in names}

    def _visits(
        self, rng, month: Month, people: People, accounts: Accounts, opened: np.ndarray
    ) -> tuple[Leads, np.ndarray]:
        """Simple products asked for and opened at the counter within days, and which product it became."""
        u, v = rng.random((2, len(opened)))
        who, slot = accounts.owner[opened], accounts.slot[opened].astype(np.int64)
        share = np.array(list(WALK_IN.values()))[slot] * (1 - 0.75 * people.digital[who])
        came = (u < share) & ~COMPLEX[slot] & (people.joined[who] < month.first)
        start = np.maximum(month.first, accounts.opened[opened] - np.floor(9 * v * v).astype(np.int64))
        channel = np.full(len(who), CHANNEL_CODES["branch"])
        leads = Leads(who, slot, start, channel, np.full(len(who), SOURCES.index("visit")))
        return leads.take(np.flatnonzero(came)), accounts.product[opened[came]].astype(np.int64)

    def _begin(self, rng, month: Month, people: People, relation: Relation, chance, leads: Leads, product=None) -> None:
        """Enter leads, one open case a customer and slot; `product` where it is known because it has opened."""
        key = leads.customer * len(SLOTS) + leads.slot
        free = np.flatnonzero(~np.isin(key, self._open["customer"] * len(SLOTS) + self._open["slot"]))
        leads, sold = leads.take(free), product is not None
        wanted = np.full(len(leads), True) if sold else relation.wish[leads.customer] == leads.slot
        product = product[free] if sold else np.zeros(len(leads), dtype=np.int64)
        who, slot, size = leads.customer, leads.slot, len(leads)
        u, v = rng.random((2, size))
        lot, noise = rng.random(size), rng.standard_normal(size)
        fresh = np.isnan(relation.taste[who, slot])
        relation.taste[who, slot] = np.where(fresh, lot, relation.taste[who, slot])
        remote = np.isin(leads.channel, _REMOTE)
        remote |= (leads.channel == CHANNEL_CODES["phone"]) & (v < 0.5)
        employee = np.where(remote, self.force.remote(u), self.force.adviser(who, people.district[who]))
        age = (month.first - people.birth[who]) / 365.2425
        for one in [] if sold else np.unique(slot):
            mine = np.flatnonzero(slot == one)
            product[mine] = product_for(int(one), people, who[mine], age[mine], relation.taste[who[mine], one])
        serial = self._serial + np.arange(size)
        self._serial += size
        forgotten = rng.random(size) < self.force.neglect[employee]
        new = {
            "serial": serial, "customer": who, "slot": slot, "product": product, "stage": np.full(size, _LEAD),
            "entered": leads.day, "due": np.full(size, NEVER), "employee": employee, "channel": leads.channel,
            "amount": _guess(people, who, slot, noise), "age": np.zeros(size, dtype=np.int64),
            "fails": np.zeros(size, dtype=bool), "is_forgotten": forgotten,
        }  # fmt: skip
        before = len(self._open["serial"])
        self._open = {name: np.concatenate([values, new[name]]) for name, values in self._open.items()}
        index = np.arange(before, before + size)
        self._note(index, leads.day, np.full(size, _LEAD))
        self._plan_stage(rng, index)
        self._begun.append(
            {
                "opportunity": serial,
                "customer": who,
                "month": np.full(size, month.number),
                "source": leads.source,
                "is_wanted": wanted,
                "is_forgotten": forgotten,
                "chance": chance[who, slot],
                "persuasion": self.force.persuasion[employee],
                "pace": self.force.pace[employee],
                "scrutiny": self.force.scrutiny[employee],
            }
        )

    def _plan_stage(self, rng, index: np.ndarray) -> None:
        """Draw how long the stage lasts and how it ends if the customer does not come to want the product."""
        cases, size = self._open, len(index)
        u, z = rng.random(size), rng.standard_normal(size)
        stage, slot, employee = cases["stage"][index], cases["slot"][index], cases["employee"][index]
        loss = np.log(_LOSS / (1 - _LOSS))[stage] + (stage == _LEAD) * self.force.scrutiny[employee]
        fails = u < 1 / (1 + np.exp(-loss))
        days = _DAYS[slot] * self.force.pace[employee] * np.exp(_SPREAD_OF_DAYS * z)
        days *= np.where(fails, _SLOWER_WHEN_LOST, 1.0)
        due = cases["entered"][index] + 1 + np.floor(days).astype(np.int64)
        cases["fails"][index] = fails
        cases["due"][index] = np.where(cases["is_forgotten"][index], NEVER, due)

    def _win(self, rng, month: Month, accounts: Accounts, opened: np.ndarray, booked: dict[str, np.ndarray]) -> None:
        """Win what opened this month; the stages in between are dated between the last one and the opening."""
        cases = self._open
        account = accounts.of[cases["customer"], cases["slot"]]
        index = np.flatnonzero(np.isin(account, opened))
        account = account[index]
        day, first = accounts.opened[account], np.maximum(cases["entered"][index], month.first)
        cases["product"][index] = accounts.product[account]
        amount = _volume(accounts, account, cases["slot"][index], cases["amount"][index], booked)
        u = np.sort(rng.random((len(index), _NEGOTIATION)), axis=1)
        z = rng.standard_normal(len(index))
        for stage in (_QUALIFIED, _PROPOSAL, _NEGOTIATION):
            now = (cases["stage"][index] < stage) & (stage <= _LAST_STAGE[cases["slot"][index]])
            on = first + np.floor((day - first) * u[:, stage - 1]).astype(np.int64)
            nearer = np.sqrt(cases["amount"][index] * amount) if stage == _QUALIFIED else amount * np.exp(0.05 * z)
            cases["amount"][index[now]] = _rounded(nearer[now])
            self._enter(index[now], on[now], stage)
        cases["amount"][index] = amount
        self._enter(index, day, _WON)

    def _lose_customers(self, month: Month, relation: Relation) -> None:
        """Who leaves the bank leaves its pipeline on that day."""
        cases = self._open
        index = np.flatnonzero((cases["stage"] < _WON) & (relation.status[cases["customer"]] == LEFT))
        self._enter(index, np.maximum(relation.left[cases["customer"][index]], cases["entered"][index]), _LOST)

    def _move(self, rng, month: Month, relation: Relation) -> None:
        """Move what is due this month one stage on, or lose it; a wish keeps a case alive."""
        cases = self._open
        index = np.flatnonzero((cases["stage"] < _WON) & (cases["due"] <= month.last))
        day = np.maximum(month.working_from[np.maximum(cases["due"][index] - month.first, 0)], 0)
        day = np.maximum(month.first + np.minimum(day, month.days - 1), cases["entered"][index])
        wanted = relation.wish[cases["customer"][index]] == cases["slot"][index]
        lost = cases["fails"][index] & ~wanted
        last = cases["stage"][index] == _LAST_STAGE[cases["slot"][index]]
        self._enter(index[lost], day[lost], _LOST)
        on = ~lost & ~last
        self._enter(index[on], day[on], cases["stage"][index[on]] + 1)
        self._plan_stage(rng, index[on])
        again = index[~lost & last & ~wanted]  # asked again later
        self._plan_stage(rng, again)
        pause = cases["due"][again] - cases["entered"][again]
        cases["due"][again] = day[~lost & last & ~wanted] + pause
        cases["due"][index[~lost & last & wanted]] = NEVER  # signs next month

    def _clean(self, rng, month: Month) -> None:
        """Close some old forgotten cases in January."""
        cases = self._open
        u, v = rng.random((2, len(cases["serial"])))
        old = cases["is_forgotten"] & (cases["stage"] < _WON) & (cases["entered"] < month.first - _OLD_DAYS)
        index = np.flatnonzero(old & (u < _CLEANING) & (month.of_year == 1))
        self._enter(index, month.first + month.working_before[8 + (20 * v[index]).astype(np.int64)], _LOST)

    def _close(self, relation: Relation) -> None:
        """Drop what is won or lost from the open cases."""
        cases, done = self._open, self._open["stage"] >= _WON
        relation.taste[cases["customer"][done], cases["slot"][done]] = np.nan
        self._open = {name: values[~done] for name, values in cases.items()}

    def _enter(self, index: np.ndarray, day: np.ndarray, stage: int | np.ndarray) -> None:
        self._open["stage"][index] = stage
        self._open["entered"][index] = day
        self._note(index, day, np.broadcast_to(stage, len(index)))

    def _note(self, index: np.ndarray, day: np.ndarray, stage: np.ndarray) -> None:
        facts = {name: self._open[name][index] for name in _ROWS if name in self._open}
        self._rows.append(facts | {"day": day, "stage": stage})


def _opened(accounts: Accounts, month: Month) -> np.ndarray:
    """Positions of the accounts opened this month; they are the last ones."""
    recent = np.flatnonzero(accounts.opened[: accounts.size] >= month.first)
    return recent[accounts.opened[recent] <= month.last]


def _guess(people: People, who: np.ndarray, slot: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """What an employee expects when the lead is noted, in cents; fixed prices are known."""
    income, wealth = people.income[who], people.wealth[who]
    premium = 12 * (9 + np.floor(18 * people.rhythm[who, 2]))
    by_slot = {
        "current": income, "savings": 500 + 0.10 * wealth, "bonus": 1_000 + 0.18 * wealth,
        "term": 2_000 + 0.25 * wealth, "fund_low": 1_000 + 0.18 * wealth, "fund_high": 1_000 + 0.18 * wealth,
        "pension": 1_000 + 0.06 * wealth, "card": card_limit(people, who) / 100, "loan": 4 * income,
        "mortgage": 45 * income, "insurance": premium,
    }  # fmt: skip
    amount = 100 * np.stack([by_slot[name] for name in SLOTS], axis=1)[np.arange(len(who)), slot]
    known = np.isin(slot, [SLOTS.index("card"), SLOTS.index("insurance")])
    return np.where(known, np.rint(amount), _rounded(amount * np.exp(0.35 * noise))).astype(np.int64)


def _volume(accounts: Accounts, account, slot, expected, booked: dict[str, np.ndarray]) -> np.ndarray:
    """The volume sold, in cents: amount lent, limit, or what was paid in on the first day."""
    paid = np.zeros(accounts.size, dtype=np.int64)
    if booked and len(account):
        first = (accounts.opened[booked["account"]] == booked["booked"]) & (booked["amount"] > 0)
        np.add.at(paid, booked["account"][first], booked["amount"][first])
    lends = slot >= SLOTS.index("card")
    amount = np.where(lends, accounts.limit[account], paid[account])
    as_expected = (slot == SLOTS.index("insurance")) | (slot == SLOTS.index("current")) | (amount <= 0)
    return np.where(as_expected, expected, amount)


def _rounded(cents: np.ndarray) -> np.ndarray:
    """Round to hundreds of euros, at least one."""
    return np.maximum(10_000, np.rint(cents / 10_000) * 10_000).astype(np.int64)


def _in_order(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    rows = {name: np.concatenate([part[name] for part in parts]) for name in _ROWS}
    order = np.lexsort((rows["stage"], rows["serial"], rows["day"]))
    return {name: values[order] for name, values in rows.items()}


def opportunities_table(rows: dict[str, np.ndarray], block: int) -> pa.Table:
    """Return the stages as a contract table."""
    return arrow_table(
        "opportunities",
        {
            "opportunity_id": ids("O", block, rows["serial"], 6),
            "customer_id": ids("C", block, rows["customer"], 5),
            "product_id": words(rows["product"], tuple(f"P{position + 1:02d}" for position in range(len(CATALOGUE)))),
            "stage": words(rows["stage"], STAGES),
            "entered_on": dates(rows["day"]),
            "expected_amount": decimals(rows["amount"]),
            "channel": channels(rows["channel"]),
            "employee_id": employee_ids(rows["employee"]),
        },
    )


def parameters() -> dict[str, object]:
    """Return what is true of the sales pipeline, as plain numbers by slot."""

    def by_slot(values: np.ndarray) -> dict[str, float]:
        return {slot: float(value) for slot, value in zip(SLOTS, values, strict=True)}

    return {
        "log_chance_added_by_work": by_slot(_PULL),
        "left_of_it_a_month_later": by_slot(_LASTING),
        "log_chance_without_work": by_slot(_ALONE),
        "median_days_of_a_stage": by_slot(_DAYS),
        "slower_when_lost": _SLOWER_WHEN_LOST,
        "share_lost_of_what_nobody_wants": dict(zip(STAGES, map(float, _LOSS), strict=False)),
    }
