"""Table `digital_events`: logins, pages, payments, product views and messages in online and mobile banking."""

from __future__ import annotations

import numpy as np

from crmlab.bank.tables import CONTRACT
from crmlab.simulation.clock import DAY, Month, generator
from crmlab.simulation.customers import People
from crmlab.simulation.products import SLOTS
from crmlab.simulation.relation import DYING, Relation

__all__ = ["EVENT_CHANNELS", "EVENT_KINDS", "PAGES", "VIEW_OF_SLOT", "simulate_digital_events"]

EVENT_KINDS = CONTRACT["digital_events"]["kind"].words
EVENT_CHANNELS = CONTRACT["digital_events"]["channel"].words
_KIND = {word: code for code, word in enumerate(EVENT_KINDS)}
PAGES = (
    *("start", "balance", "transfer", "cards", "documents", "settings", "inbox", "current", "savings", "term_deposit"),
    *("investment", "pension", "loan", "mortgage", "insurance"),
)
_PAGE = {word: code for code, word in enumerate(PAGES)}
_PAGE_OF_SLOT = {"bonus": "savings", "term": "term_deposit", "fund_low": "investment", "fund_high": "investment",
                 "card": "cards"}  # fmt: skip
VIEW_OF_SLOT = np.array([_PAGE[_PAGE_OF_SLOT.get(slot, slot)] for slot in SLOTS])
_WEEKDAYS = (1.12, 1.05, 1.0, 1.0, 1.05, 0.90, 0.88)
# customer-visible actions beside the login, with their share of sessions (assumed)
_ACTIONS = (("page", 0.42), ("payment", 0.13), ("product_view", 0.03), ("message", 0.02), ("failed_login", 0.03))


def simulate_digital_events(
    seed: int, block: int, month: Month, people: People, relation: Relation, n: int, incident: float
) -> dict[str, np.ndarray]:
    """Simulate one month of events; who wishes for a product looks at it before opening it next month.

    Seven in ten customers use digital banking (Eurostat: 51 % of EU adults in 2017, rising some 3 points a year); how
    often they log in is assumed.
    """
    rng = generator(seed, block, month.number, "digital_events")
    digital, fade = people.digital[:n], relation.fade[:n]
    here = (relation.status[:n] < DYING) & (people.joined[:n] < month.first) & (digital > 0.18)
    rate = people.login_pace[:n] * digital**0.5 * (0.25 + 0.75 * np.minimum(people.engagement[:n], 3)) * fade
    rate = rate * np.where(relation.has_income[:n], 1.0, 0.35) * here
    logins = rng.poisson(rate)
    session = np.repeat(np.arange(n), logins)
    size = len(session)
    day = month.spread(rng, size, _WEEKDAYS)
    evening = rng.random(size) < 0.45
    second = np.where(evening, rng.triangular(17, 20, 23.9, size), rng.triangular(6, 9, 18, size)) * 3600
    start = (month.first + day) * DAY + second.astype(np.int64)
    mobile = rng.random(size) < people.mobile[session]
    length = np.rint(75 * np.exp(0.7 * rng.standard_normal(size)) * np.where(mobile, 0.8, 1.6))
    parts = [(session, start, np.full(size, _KIND["login"]), mobile, np.full(size, -1), length)]
    u = rng.random((len(_ACTIONS), size))
    pick = rng.random(size)
    for row, (kind, share) in enumerate(_ACTIONS):
        share = min(share * (1 + 6 * incident), 0.9) if kind == "failed_login" else share
        chosen = np.flatnonzero(u[row] < share)
        page = _pages(kind, pick[chosen])
        before = -20 if kind == "failed_login" else 15 + 10 * row
        parts.append((session[chosen], start[chosen] + before, np.full(len(chosen), _KIND[kind]), mobile[chosen], page,
                      np.full(len(chosen), np.nan)))  # fmt: skip
    eager = np.flatnonzero(here & (relation.wish[:n] >= 0) & (rng.random(n) < 0.3 + 0.6 * digital))
    looks = np.repeat(eager, 1 + rng.poisson(1.2, len(eager)))
    at = (month.first + month.spread(rng, len(looks), _WEEKDAYS)) * DAY + 3600 * 18
    at = at + rng.integers(0, 3 * 3600, len(looks))
    parts.append((looks, at, np.full(len(looks), _KIND["product_view"]), rng.random(len(looks)) < people.mobile[looks],
                  VIEW_OF_SLOT[relation.wish[looks]], np.full(len(looks), np.nan)))  # fmt: skip
    names = ("customer", "occurred", "kind", "mobile", "page", "seconds")
    rows = {name: np.concatenate(column) for name, column in zip(names, zip(*parts, strict=True), strict=True)}
    order = np.lexsort((rows["kind"], rows["customer"], rows["occurred"]))
    rows = {name: values[order] for name, values in rows.items()}
    rows["channel"] = np.where(rows.pop("mobile"), EVENT_CHANNELS.index("mobile"), EVENT_CHANNELS.index("online"))
    return rows


def _pages(kind: str, pick: np.ndarray) -> np.ndarray:
    if kind == "page":
        choice = ("balance", "transfer", "cards", "documents", "settings")
        return np.array([_PAGE[name] for name in choice])[np.searchsorted((0.5, 0.7, 0.82, 0.94), pick)]
    if kind == "product_view":
        return np.unique(VIEW_OF_SLOT)[(pick * len(np.unique(VIEW_OF_SLOT))).astype(np.int64)]
    only = {"payment": "transfer", "message": "inbox", "failed_login": "start"}[kind]
    return np.full(len(pick), _PAGE[only])
