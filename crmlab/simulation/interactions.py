"""Table `interactions`: enquiries, service, advice, complaints; how they are handled and what that does to the mood."""

from __future__ import annotations

import numpy as np

from crmlab.bank.tables import CONTRACT
from crmlab.simulation.clock import DAY, Month, generator
from crmlab.simulation.customers import People
from crmlab.simulation.ledger import CHANNEL_CODES
from crmlab.simulation.opinions import experience
from crmlab.simulation.products import SLOTS
from crmlab.simulation.relation import DYING, LEAVING, Relation
from crmlab.simulation.scene import seconds

__all__ = ["COMPLAINT", "INTERACTION_KINDS", "OUTCOMES", "TOPIC_OF_SLOT", "TOPIC_WORDS", "simulate_interactions"]

INTERACTION_KINDS = CONTRACT["interactions"]["kind"].words
OUTCOMES = CONTRACT["interactions"]["outcome"].words
TOPIC_WORDS = ("account", "card", "payment", "online_banking", "savings", "investment", "loan", "fees", "waiting_time",
               "outage", "data_change", "closing", "insurance", "pension")  # fmt: skip
_TOPIC = {word: code for code, word in enumerate(TOPIC_WORDS)}
_ENQUIRY, _SERVICE, _COMPLAINT, _ADVICE = range(4)
COMPLAINT = _COMPLAINT
TOPIC_OF_SLOT = [
    _TOPIC[word] for word in ("account", "savings", "savings", "savings", "investment", "investment", "pension", "card",
                              "loan", "loan", "insurance")
]  # fmt: skip
# What a contact of each kind changes on average, in standard deviations: measured over 12 banks. It is what customers
# expect, so only the difference counts as an experience.
USUAL_CONTACT = {
    "handling_efficiency": np.array([0.01, -0.005, -0.95, 0.005]),
    "service_attitude": np.array([0.04, 0.02, -0.455, 0.035]),
}
# Monday to Friday as calls to a large bank in 2003 (Weinberg, Brown and Stroud 2007, JASA 102); weekend assumed
_OFFICE = (1.12, 1.0, 0.95, 0.95, 0.98, 0.15, 0.0)


def simulate_interactions(
    seed: int, block: int, month: Month, people: People, relation: Relation, n: int, incident: float
) -> dict[str, np.ndarray]:
    """Simulate the contacts of one month; complaints move satisfaction and grievance from the next month on.

    About 0.10 contacts a customer and month; complaints near 1 % of customers a month, more after fees, missed
    payments and breakdowns (assumed; European banks report some 1 to 10 complaints per 100 customers and year).
    `resolved` may lie after the last month: the writer blanks what is not known by then.
    """
    rng = generator(seed, block, month.number, "interactions")
    status, joined = relation.status[:n], people.joined[:n]
    here = (status < DYING) & (joined < month.first)
    wish = relation.wish[:n]
    sore = relation.annoyance[:n] + incident * (0.2 + people.digital[:n])
    talk = np.minimum(people.engagement[:n], 2.5) * (0.25 + 0.75 * relation.fade[:n])
    rates = np.stack(
        [
            0.030 * talk * (1.3 - 0.5 * people.digital[:n]),
            0.034 * talk * (1.3 - 0.6 * people.digital[:n]) + 0.08 * (status == LEAVING) + relation.reports[:n],
            np.minimum(0.0035 * np.exp(1.4 * sore - 0.25 * people.image[:n]), 0.5) * (0.3 + 0.7 * talk),
            0.006 * talk + 0.25 * (wish >= 0),
        ]
    )
    count = rng.poisson(rates * here)
    kind, who = (np.repeat(part.ravel(), count.ravel()) for part in np.indices(count.shape))
    size = len(who)
    day = month.spread(rng, size, _OFFICE)
    opened = (month.first + day) * DAY + seconds(rng, size, "branch")
    channel = _channels(rng, people, who)
    topic = _topics(rng, kind, wish[who], relation, who, incident)
    u, delay = rng.random(size), rng.standard_normal(size)
    load = 1 + 1.5 * incident
    waits = np.isin(channel, [CHANNEL_CODES["phone"], CHANNEL_CODES["branch"]])
    minutes = np.where(waits, 6 * load * np.exp(0.8 * rng.standard_normal(size)), np.nan)
    written = np.isin(channel, [CHANNEL_CODES["email"], CHANNEL_CODES["online"], CHANNEL_CODES["mobile"]])
    minutes = np.where(written & (u < 0.9), 60 * 5 * load * np.exp(0.9 * delay), minutes)
    hours = np.array([0.5, 6.0, 96.0, 1.0])[kind] * np.exp(np.array([0.7, 1.2, 0.9, 0.6])[kind] * delay) * load
    resolved = opened + np.rint(60 * np.nan_to_num(minutes) + 3600 * hours).astype(np.int64)
    solved = 0.93 - 0.06 * (kind == _SERVICE) - 0.30 * (kind == _COMPLAINT) - 0.06 * np.minimum(hours / 240, 2)
    v = rng.random(size)
    outcome = np.where(v < solved, 0, np.where(v < solved + 0.6 * (1 - solved), 1, np.where(v < 0.985, 2, 3)))
    forgotten = (kind == _COMPLAINT) & (rng.random(size) < 0.01)  # never settled
    _remember(relation, who, kind, hours, outcome, np.nan_to_num(minutes), forgotten, rates * here)
    order = np.lexsort((who, opened))
    rows = {
        "customer": who, "opened": opened, "kind": kind.astype(np.int8), "channel": channel, "topic": topic,
        "waiting": np.round(minutes, 1), "resolved": np.where(forgotten, np.int64(2**62), resolved),
        "outcome": outcome.astype(np.int8),
    }  # fmt: skip
    return {name: values[order] for name, values in rows.items()}


def _channels(rng: np.random.Generator, people: People, who: np.ndarray) -> np.ndarray:
    u, v = rng.random((2, len(who)))
    names = ("branch", "phone", "email", "online", "mobile", "social")
    app = np.where(v < 0.96 - 0.46 * people.mobile[who], 3, 4)  # online or mobile
    remote = np.where((v > 0.5) & (v < 0.96), app, np.searchsorted((0.0, 0.30, 0.50, 0.70, 0.96), v))
    near = np.searchsorted((0.55, 0.93), v)
    picked = np.where(u < 0.15 + 0.7 * people.digital[who], remote, near).clip(max=5)
    return np.array([CHANNEL_CODES[name] for name in names], dtype=np.int8)[picked]


def _topics(rng, kind, wish, relation: Relation, who, incident: float) -> np.ndarray:
    size = len(kind)
    u = rng.random(size)
    everyday = np.array([_TOPIC[name] for name in ("account", "card", "payment", "online_banking", "savings")])
    topic = everyday[np.searchsorted((0.3, 0.55, 0.75, 0.92), u)]
    reports = relation.reports[who]  # who moved, married or divorced
    topic = np.where((kind == _SERVICE) & (u > 0.8 - reports), _TOPIC["data_change"], topic)
    topic = np.where((kind == _SERVICE) & (relation.status[who] == LEAVING) & (u < 0.7), _TOPIC["closing"], topic)
    sore = u < 0.15 + 0.9 * relation.annoyance[who]
    topic = np.where((kind == _COMPLAINT) & sore, _TOPIC["fees"], topic)
    topic = np.where((kind == _COMPLAINT) & ~sore & (u > 0.75), _TOPIC["waiting_time"], topic)
    topic = np.where((kind == _COMPLAINT) & (incident > 0) & (u < 0.7), _TOPIC["outage"], topic)
    wanted = np.array(TOPIC_OF_SLOT)[np.clip(wish, 0, len(SLOTS) - 1)]
    advice = np.where(wish >= 0, wanted, np.array([_TOPIC[n] for n in ("savings", "investment", "loan", "pension")])[
        (4 * u).astype(np.int64)
    ])  # fmt: skip
    return np.where(kind == _ADVICE, advice, topic).astype(np.int8)


def _remember(relation: Relation, who, kind, hours, outcome, minutes, forgotten, rates) -> None:
    """A complaint hurts; slow or poor handling hurts more; a quick and full answer mends nearly all of it."""
    complaint = kind == _COMPLAINT
    slow = 0.40 * np.clip(hours / 168 - 0.5, 0, 2.5)  # hours beyond half a week, up to three weeks
    lost = np.array([-0.25, 0.1, 0.35, 0.0])[outcome] + 0.4 * forgotten
    hurt = 0.40 + slow + lost
    waited = 0.01 * np.clip(minutes - 20, 0, 60) * (minutes < 120)  # on the phone and in the branch
    result = np.array([0.05, -0.1, -0.35, 0.0])[outcome]
    for latent, bad, good in (
        ("handling_efficiency", 0.6 + 2.4 * slow + 1.6 * lost, result - waited),
        ("service_attitude", 0.4 + 0.8 * slow + 1.4 * lost, result),
    ):
        experience(relation, latent, who, np.where(complaint, -bad, good))
        experience(relation, latent, slice(0, rates.shape[1]), -USUAL_CONTACT[latent] @ rates)
    np.add.at(relation.grievance, who, np.where(complaint, 0.4 + hurt, 0.0))
