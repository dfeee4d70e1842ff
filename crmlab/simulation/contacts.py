"""Table `contacts`: who is chosen for a campaign, treated or held out by lot, and what each of them then does.

A campaign acts through hooks only: on the rate of wishing for a product this month, on the hazard of leaving for three
months, on the odds of coming back. What happens next is left to the same months as without it. So the effect on each
customer is known: the chance of the wanted act with the contact, less the chance without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crmlab.bank.tables import CHANNELS
from crmlab.simulation.accounts import Accounts
from crmlab.simulation.campaigns import WINDOW_MONTHS, Campaign, campaign_ids
from crmlab.simulation.clock import DAY, Month, generator
from crmlab.simulation.columns import arrow_table, channels, decimals, ids, times, words
from crmlab.simulation.customers import NEVER, People
from crmlab.simulation.effects import (
    HOLD_MONTHS,
    Outlook,
    chances_to_join,
    chances_to_open,
    chances_to_return,
    chances_to_stay,
    log_odds_to_return,
    logistic,
    successors,
)
from crmlab.simulation.interactions import COMPLAINT
from crmlab.simulation.life import death_chance
from crmlab.simulation.persuasion import Persuasion, chance_to_open
from crmlab.simulation.products import CATALOGUE, SLOTS
from crmlab.simulation.relation import DYING, LEFT, Relation
from crmlab.simulation.scene import seconds
from crmlab.simulation.targeting import REST_MONTHS, Memory

__all__ = ["ARMS", "OUTCOMES", "Contacts", "contacts_table", "parameters"]

ARMS = ("treatment", "holdout")
OUTCOMES = {"cross_sell": "opens", "retention": "stays", "win_back": "returns", "activation": "joins"}
_PRIORITY = ("retention", "win_back", "activation", "cross_sell", "service")  # who is wanted by two goes to the first
# Cost of one contact, cents (assumed: mails cost next to nothing, a message some cents, a call ten minutes of work)
_UNIT_COST = {"email": 2, "sms": 8, "phone": 650, "social": 20}
_READ_HOURS = {"email": 18.0, "sms": 1.0, "phone": 0.0, "social": 30.0}  # mean time until a message is opened
_MONTHS_TO_LIVE = {
    "cross_sell": 1,
    "retention": 5,
    "win_back": 0,
    "activation": 0,
}  # after the month of the contact, to do the act
_READ_WITHIN = 10 * DAY  # so that it is read before the month's decisions
_NEVER = np.int64(NEVER) * DAY
_MARGIN = np.array([product.margin for product in CATALOGUE])
_FEE = np.array([100 * product.fee for product in CATALOGUE])
_NOBODY = np.zeros(0, dtype=np.int64)


@dataclass
class _Batch:
    """The customers chosen for one campaign in one block; times in seconds, money in cents."""

    campaign: Campaign
    who: np.ndarray
    assigned: np.ndarray
    is_treated: np.ndarray
    opened: np.ndarray
    hour: np.ndarray  # second of the day at which the customer acts, if so
    shift: np.ndarray  # what the message does to the log odds once read
    p_open: np.ndarray
    responded: np.ndarray
    revenue: np.ndarray
    p_treated: np.ndarray
    p_held_out: np.ndarray

    @property
    def is_reached(self) -> np.ndarray:
        """Treated, and the message was read or the call taken: only then does anything change."""
        return self.is_treated & (self.opened < _NEVER)


class Contacts:
    """The contacts of one block, in the order of assignment."""

    def __init__(self, seed: int, block: int, plan: tuple[Campaign, ...]) -> None:
        self._seed, self._block, self._plan = seed, block, plan
        self._memory, self._minds = Memory(), Persuasion(seed, block)
        self._batches: list[_Batch] = []
        self._rng = generator(seed, block, -1, "contacts")
        self.return_chance = np.zeros(0)  # chance of each lost customer to come back next month

    def assign(self, month: Month, people: People, relation: Relation, accounts: Accounts) -> None:
        """Choose, draw the arms and speak to the treated, in the first days of a month."""
        t = month.number
        self._rng = generator(self._seed, self._block, t, "contacts")
        self._memory.admit(people)
        self._minds.admit(people, t)
        starting = [campaign for campaign in self._plan if campaign.month == t]
        for campaign in sorted(starting, key=lambda campaign: _PRIORITY.index(campaign.goal)):
            batch = self._choose(campaign, month, people, relation, accounts)
            self._memory.choose(batch.who, campaign.goal, t)
            self._batches.append(batch)
            self._speak(batch, relation)

    def _choose(
        self, campaign: Campaign, month: Month, people: People, relation: Relation, accounts: Accounts
    ) -> _Batch:
        rng = self._rng
        lot = rng.random(len(people)) < campaign.reach
        who = np.flatnonzero(self._memory.eligible(campaign, people, relation, accounts) & lot)
        size = len(who)
        treated = rng.random(size) >= campaign.holdout
        day = np.full(size, campaign.started - month.first)
        if campaign.channel == "phone":  # calls take some days; they end before the month's first accounts open
            until = max(int(month.working_before[5]), int(day[0]) if size else 0)
            day = day + (rng.random(size) * (until + 1 - day)).astype(np.int64)
            day = np.minimum(month.working_from[day], until)
        assigned = (month.first + day) * DAY + seconds(rng, size, "branch")
        p_open = chance_to_open(campaign.channel, people.digital[who]) * (relation.status[who] != DYING)
        delay = np.minimum(rng.exponential(3600 * _READ_HOURS[campaign.channel], size), _READ_WITHIN)
        read = treated & (rng.random(size) < p_open)
        return _Batch(
            campaign=campaign,
            who=who,
            assigned=assigned,
            is_treated=treated,
            opened=np.where(read, assigned + delay.astype(np.int64), _NEVER),
            hour=seconds(rng, size, "branch"),
            shift=self._minds.shift(campaign.goal, campaign.channel, people, who, campaign.started),
            p_open=p_open,
            responded=np.full(size, _NEVER),
            revenue=np.zeros(size, dtype=np.int64),
            p_treated=np.full(size, np.nan),
            p_held_out=np.full(size, np.nan),
        )

    def _speak(self, batch: _Batch, relation: Relation) -> None:
        """Let the read message work through the hooks of the relation; win-back waits for `decide`."""
        reached = batch.who[batch.is_reached]
        shift = batch.shift[batch.is_reached]
        if batch.campaign.goal == "cross_sell":
            relation.push[reached, batch.campaign.slot] += shift
        elif batch.campaign.goal == "retention":
            relation.hold[reached] -= shift
            relation.hold_months[reached] = HOLD_MONTHS
        elif batch.campaign.goal == "activation":
            relation.invite[reached] += shift

    def settle(self, month: Month, people: People, relation: Relation, accounts: Accounts) -> None:
        """Note at the end of a month who has done by now what a campaign wanted, treated or not."""
        t = month.number
        for batch in self._batches:
            if not batch.campaign.month <= t <= batch.campaign.until:
                continue
            if batch.campaign.goal == "cross_sell":
                day = _first_opening(batch, accounts)
                slots = batch.campaign.family_slots
            elif batch.campaign.goal == "win_back":
                day = _day_of_return(batch, people)
                slots = list(range(len(SLOTS)))
            elif batch.campaign.goal == "activation":
                since = relation.member_since[batch.who]
                day, slots = np.where(since >= batch.assigned // DAY, since, NEVER), []
            elif batch.campaign.goal == "retention" and t == batch.campaign.until:
                day = np.where(relation.status[batch.who] != LEFT, month.last, NEVER)
                slots = list(range(len(SLOTS)))
            else:
                continue
            new = np.flatnonzero((day < NEVER) & (batch.responded == _NEVER))
            batch.responded[new] = np.maximum(day[new] * DAY + batch.hour[new], batch.assigned[new] + 600)
            who = batch.who[new]
            if batch.campaign.goal == "win_back":
                who = successors(people)[who]
            share = (t - batch.campaign.month + 1) / 12 if batch.campaign.goal == "retention" else 1.0
            batch.revenue[new] = np.rint(share * _year_margin(accounts, who, slots)).astype(np.int64)

    def decide(
        self,
        month: Month,
        people: People,
        relation: Relation,
        outlook: Outlook,
    ) -> None:
        """Decide who comes back next month, and note the chances of the wanted acts with and without contact.

        Parameters
        ----------
        outlook : Outlook
            Chances of this month, as they were with `relation.hold`, `relation.push` and `relation.invite`.
        """
        invited = np.zeros(len(people))
        level = log_odds_to_return(month, people, relation)
        for batch in self._starting(month.number):
            who, how = batch.who, (batch.shift, batch.is_reached, batch.p_open)
            if batch.campaign.goal == "cross_sell":
                chances = chances_to_open(outlook.wanted[who], batch.campaign.slot, batch.campaign.family_slots, *how)
            elif batch.campaign.goal == "retention":
                chances = chances_to_stay(outlook.leaving, who, relation, *how)
            elif batch.campaign.goal == "activation":
                after = (month.last + 1 - batch.assigned // DAY) / month.days
                chances = chances_to_join(outlook.joining[who], after, *how)
            elif batch.campaign.goal == "win_back":
                invited[who[batch.is_reached]] = batch.shift[batch.is_reached]
                chances = chances_to_return(level[who], batch.shift, batch.p_open)
            else:
                continue
            age = (month.first - people.birth[who]) / 365.2425
            alive = (1 - death_chance(age)) ** _MONTHS_TO_LIVE[batch.campaign.goal]
            batch.p_treated, batch.p_held_out = chances[0] * alive, chances[1] * alive
            if batch.campaign.goal == "cross_sell":  # wanted before the contact and opened since: nothing to gain
                done = batch.responded < _NEVER
                batch.p_treated[done] = batch.p_held_out[done] = 1.0
        self.return_chance = logistic(level + invited)
        relation.returns[:] = self._rng.random(len(people)) < self.return_chance

    def _starting(self, t: int) -> list[_Batch]:
        return [batch for batch in self._batches if batch.campaign.month == t]

    def hear(self, t: int, accounts: Accounts, booked: dict[str, np.ndarray], told: dict[str, np.ndarray]) -> None:
        """Let the bank remember who acted and who complained this month, from its bookings and interactions."""
        actors = accounts.owner[booked["account"][booked["initiated"]]] if booked else _NOBODY
        self._memory.hear(t, actors, told["customer"][told["kind"] == COMPLAINT])

    def rows(self) -> dict[str, np.ndarray]:
        """Return the rows of table `contacts`, with every response known to the simulation."""
        batches = self._batches
        numbers = np.array([batch.campaign.number for batch in batches])
        codes = np.array([CHANNELS.index(batch.campaign.channel) for batch in batches])
        costs = np.array([_UNIT_COST[batch.campaign.channel] for batch in batches])
        times_of = np.array([len(batch.who) for batch in batches])
        phone = np.repeat(codes == CHANNELS.index("phone"), times_of)
        treated = _all(batches, "is_treated")
        return {
            "customer": _all(batches, "who"),
            "campaign": np.repeat(numbers, times_of),
            "assigned": _all(batches, "assigned"),
            "arm": np.where(treated, 0, 1),
            "channel": np.repeat(codes, times_of),
            "opened": np.where(phone, _NEVER, _all(batches, "opened")),  # a call is no message
            "responded": _all(batches, "responded"),
            "revenue": _all(batches, "revenue"),
            "cost": np.where(treated, np.repeat(costs, times_of), 0),
        }

    def effects(self) -> dict[str, np.ndarray]:
        """Return the truth: for each contact the chance of the wanted act if treated and if held out."""
        batches = self._batches
        size = np.array([len(batch.who) for batch in batches])
        treated, held_out = _all(batches, "p_treated"), _all(batches, "p_held_out")
        columns = {
            "contact": np.arange(size.sum()),
            "campaign": np.repeat([batch.campaign.number for batch in batches], size),
            "customer": _all(batches, "who"),
            "month": np.repeat([batch.campaign.month for batch in batches], size),
            "outcome": np.repeat([OUTCOMES.get(batch.campaign.goal, "") for batch in batches], size),
            "if_treated_share": treated,
            "if_held_out_share": held_out,
            "effect_share": treated - held_out,
        }
        known = ~np.isnan(treated)
        return {name: values[known] for name, values in columns.items()}


def _all(batches: list[_Batch], name: str) -> np.ndarray:
    return np.concatenate([getattr(batch, name) for batch in batches])


def _first_opening(batch: _Batch, accounts: Accounts) -> np.ndarray:
    """Day on which each customer first opened an account of the family since the contact."""
    of = accounts.of[batch.who][:, batch.campaign.family_slots]
    opened = np.where(of >= 0, accounts.opened[of], NEVER)
    opened[opened < (batch.assigned // DAY)[:, None]] = NEVER
    return opened.min(axis=1)


def _day_of_return(batch: _Batch, people: People) -> np.ndarray:
    successor = successors(people)[batch.who]
    return np.where(successor >= 0, people.joined[successor], NEVER)


def _year_margin(accounts: Accounts, who: np.ndarray, slots: list[int]) -> np.ndarray:
    """What accounts in these slots earn the bank in a year at their present balances, cents."""
    of = accounts.of[who][:, slots]
    product = accounts.product[of]
    money = np.abs(accounts.balance[of])
    money = np.maximum(money, 0.25 * np.maximum(accounts.limit[of], 0) * (product == _CARD))  # cards fill up later
    return np.where(of >= 0, _MARGIN[product] * money + 12 * _FEE[product], 0.0).sum(axis=1)


_CARD = [product.slot for product in CATALOGUE].index("card")


def parameters() -> dict[str, dict[str, float]]:
    """Return the design of the contacts, as plain numbers: months, costs in cents, and the odds to come back."""
    return {
        "months": {"of_rest": REST_MONTHS, **{f"of_{g}": m for g, m in WINDOW_MONTHS.items()}},
        "unit_cost_cents": dict(_UNIT_COST),
    }


def contacts_table(rows: dict[str, np.ndarray], block: int, last: int) -> pa.Table:
    """Return the rows of table `contacts` of one block; what opens or responds after the day `last` is not known."""
    responded = rows["responded"]
    return arrow_table(
        "contacts",
        {
            "contact_id": ids("K", block, np.arange(len(responded)), 7),
            "campaign_id": campaign_ids(rows["campaign"]),
            "customer_id": ids("C", block, rows["customer"], 5),
            "assigned_at": times(rows["assigned"]),
            "arm": words(rows["arm"], ARMS),
            "channel": channels(rows["channel"]),
            "opened_at": times(rows["opened"], last),
            "responded_at": times(responded, last),
            "revenue_amount": decimals(rows["revenue"], responded >= (last + 1) * DAY),
            "cost_amount": decimals(rows["cost"]),
        },
    )
