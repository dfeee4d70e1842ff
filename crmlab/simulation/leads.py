"""Where sales leads come from: advice, remarks in other contacts, product views, campaigns, talk elsewhere, a visit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.simulation.clock import DAY, Month
from crmlab.simulation.customers import People
from crmlab.simulation.digital_events import EVENT_CHANNELS, EVENT_KINDS, PAGES, VIEW_OF_SLOT
from crmlab.simulation.interactions import INTERACTION_KINDS, TOPIC_OF_SLOT
from crmlab.simulation.ledger import CHANNEL_CODES
from crmlab.simulation.products import SLOTS
from crmlab.simulation.relation import ACTIVE, Relation
from crmlab.simulation.salesforce import Salesforce

__all__ = ["COMPLEX", "SOURCES", "TALK", "WALK_IN", "Leads", "find_leads"]

SOURCES = ("advice", "referral", "view", "campaign", "talk", "visit")
COMPLEX = np.isin(SLOTS, ["fund_low", "fund_high", "pension", "loan", "mortgage"])
# Shares by source (assumed): of advice talks that become a lead, of other contacts in which the employee sees a need,
# of customers who look at a product once, and several times, of readers of a campaign who answer
_ADVICE, _REFERRAL, _ONE_VIEW, _MORE_VIEWS, _READER, _WANTING_READER = 0.80, 0.12, 0.05, 0.40, 0.05, 0.60
# By slot (assumed). Leads from talk with partners, friends and at the counter for each unit of the chance to want the
# product: interest comes before a wish where the decision is large.
TALK = dict(zip(SLOTS, (0.1, 0.2, 0.2, 0.5, 1.0, 1.0, 2.0, 0.3, 1.2, 4.0, 0.8), strict=True))
# Share of those who want a product that comes to a branch with it, for a customer who uses nothing digital
WALK_IN = dict(zip(SLOTS, (0.30, 0.30, 0.15, 0.45, 0.75, 0.75, 0.80, 0.40, 0.75, 0.98, 0.70), strict=True))
_KIND = {word: code for code, word in enumerate(INTERACTION_KINDS)}
_TOPICS, _VIEWS = np.asarray(TOPIC_OF_SLOT), np.asarray(VIEW_OF_SLOT)
_NEAR = np.array([CHANNEL_CODES["branch"], CHANNEL_CODES["phone"]])
_EVENT_CHANNEL = np.array([CHANNEL_CODES[name] for name in EVENT_CHANNELS])


@dataclass(frozen=True)
class Leads:
    """New leads, at most one a customer and slot; `day` counts from 1970-01-01."""

    customer: np.ndarray
    slot: np.ndarray
    day: np.ndarray
    channel: np.ndarray
    source: np.ndarray

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, which: np.ndarray) -> Leads:
        """Return some of the leads."""
        return Leads(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def find_leads(
    rng: np.random.Generator,
    month: Month,
    people: People,
    relation: Relation,
    force: Salesforce,
    chance: np.ndarray,
    told: dict[str, np.ndarray],
    seen: dict[str, np.ndarray],
    reached: np.ndarray,
    reached_by: dict[int, int],
) -> Leads:
    """Collect the leads of a month; a wish shows in what the customer asks and looks at, but so does idle interest.

    Parameters
    ----------
    chance : array of float, shape (customers, slots)
        Chance of this month to want each slot.
    told, seen : dict of array
        Interactions and digital events of the month.
    reached : array of bool, shape (customers, slots)
        Who read a campaign that sells the slot this month.
    reached_by : dict of int to int
        Channel of the month's campaign by slot.
    """
    wish = relation.wish[: len(chance)]
    parts = [
        _from_contacts(rng, people, force, chance, wish, told),
        _from_views(rng, chance, wish, seen),
        _from_campaigns(rng, month, chance, wish, reached, reached_by),
        _from_talk(rng, month, chance),
        _from_visits(rng, month, people, wish),
    ]
    names = tuple(Leads.__dataclass_fields__)
    columns = {name: np.concatenate([part[at] for part in parts]) for at, name in enumerate(names)}
    fits = (columns["slot"] >= 0) & (relation.status[columns["customer"]] == ACTIVE)
    fits &= people.joined[columns["customer"]] < month.first
    order = np.flatnonzero(fits)
    order = order[np.lexsort((columns["source"][order], columns["day"][order]))]
    _, first = np.unique(columns["customer"][order] * len(SLOTS) + columns["slot"][order], return_index=True)
    return Leads(**columns).take(order[np.sort(first)])


def _from_contacts(rng, people: People, force: Salesforce, chance, wish, told) -> tuple[np.ndarray, ...]:
    who, kind = told["customer"], told["kind"]
    u, v = rng.random((2, len(who)))
    adviser = force.adviser(who, people.district[who])
    advice = kind == _KIND["advice"]
    others = np.isin(kind, [_KIND["enquiry"], _KIND["service"]])
    kept = np.flatnonzero(np.where(advice, u < _ADVICE, others & (u < _REFERRAL * force.eagerness[adviser])))
    who, topic, advice = who[kept], told["topic"][kept], advice[kept]
    on_topic = np.where(advice[:, None], topic[:, None] == _TOPICS, True)
    slot = _likely(chance[who] * on_topic, v[kept])
    wants = wish[who]
    asks = advice & (wants >= 0) & (_TOPICS[np.maximum(wants, 0)] == topic)
    slot = np.where(asks, wants, slot)
    source = np.where(advice, SOURCES.index("advice"), SOURCES.index("referral"))
    return who, slot, told["opened"][kept] // DAY, told["channel"][kept], source


def _from_views(rng, chance, wish, seen) -> tuple[np.ndarray, ...]:
    views = np.flatnonzero(seen["kind"] == EVENT_KINDS.index("product_view"))
    key = seen["customer"][views] * len(PAGES) + seen["page"][views]
    # rows come by time, so the last of equal keys is the latest view
    keys, from_behind, count = np.unique(key[::-1], return_index=True, return_counts=True)
    latest = views[len(views) - 1 - from_behind]
    u, v = rng.random((2, len(keys)))
    kept = np.flatnonzero(u < np.where(count > 1, _MORE_VIEWS, _ONE_VIEW))
    who, page, latest = keys[kept] // len(PAGES), keys[kept] % len(PAGES), latest[kept]
    slot = _likely(chance[who] * (page[:, None] == _VIEWS), v[kept])
    wants = wish[who]
    slot = np.where((wants >= 0) & (_VIEWS[np.maximum(wants, 0)] == page), wants, slot)
    source = np.full(len(who), SOURCES.index("view"))
    return who, slot, seen["occurred"][latest] // DAY, _EVENT_CHANNEL[seen["channel"][latest]], source


def _from_campaigns(rng, month: Month, chance, wish, reached, reached_by) -> tuple[np.ndarray, ...]:
    who, slot = np.nonzero(reached & (chance > 0))
    u, v = rng.random((2, len(who)))
    kept = np.flatnonzero(u < np.where(wish[who] == slot, _WANTING_READER, _READER))
    who, slot = who[kept], slot[kept]
    day = month.first + 18 + np.floor(v[kept] * (month.days - 18)).astype(np.int64)  # after reading
    channel = np.array([reached_by.get(int(one), CHANNEL_CODES["email"]) for one in slot], dtype=np.int64)
    return who, slot, day, channel, np.full(len(who), SOURCES.index("campaign"))


def _from_talk(rng, month: Month, chance) -> tuple[np.ndarray, ...]:
    u, v, w = rng.random((3, len(chance)))
    rate = np.cumsum(chance * np.array(list(TALK.values())), axis=1)
    who = np.flatnonzero(u < rate[:, -1])
    slot = (u[who, None] >= rate[who]).sum(axis=1)
    house = SLOTS.index("mortgage")  # estate agents send their clients
    channel = np.where((slot == house) & (w[who] < 0.4), CHANNEL_CODES["partner"], _NEAR[(w[who] > 0.8).astype(int)])
    return who, slot, _working_day(month, v[who]), channel, np.full(len(who), SOURCES.index("talk"))


def _from_visits(rng, month: Month, people: People, wish) -> tuple[np.ndarray, ...]:
    """Wishes for what needs advice come to a branch in the month they arise; simple ones when the account opens."""
    u, v, w = rng.random((3, len(wish)))
    share = np.array(list(WALK_IN.values()))[wish] * (1 - 0.5 * people.digital[: len(wish)])
    who = np.flatnonzero((wish >= 0) & COMPLEX[wish] & (u < share))
    channel = _NEAR[(w[who] > 0.75).astype(int)]
    return who, wish[who], _working_day(month, v[who]), channel, np.full(len(who), SOURCES.index("visit"))


def _working_day(month: Month, u: np.ndarray) -> np.ndarray:
    days = np.flatnonzero(month.working)
    return month.first + days[(u * len(days)).astype(np.int64)]


def _likely(weight: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Draw a slot in proportion to its weight; -1 where all weights are 0."""
    total = weight.cumsum(axis=1)
    slot = (u[:, None] * total[:, -1:] >= total).sum(axis=1)
    return np.where(total[:, -1] > 0, np.minimum(slot, len(SLOTS) - 1), -1)
