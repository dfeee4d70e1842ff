"""One month of life: jobs, moves, marriages, children, divorces, retirement, death; and the fading of those who leave.

An event raises the odds of leaving and some wishes for some months, and leaves a trace that the bank can see: another
employer or a benefit in place of the salary, a call to change the customer's data, another rent, child benefit.
"""

from __future__ import annotations

import numpy as np

from crmlab.simulation.clock import Month
from crmlab.simulation.customers import WORDS, People
from crmlab.simulation.products import SLOTS
from crmlab.simulation.relation import DYING, LEAVING, LIFE_EVENTS, SILENT, Relation

__all__ = ["EVENT_MONTHS", "LIFE_EVENTS", "UNSETTLING", "death_chance", "live_a_month", "parameters"]

EVENT_MONTHS = 6  # an event unsettles for this month and the five after it (assumed)
# What an event adds to the log odds of deciding to leave while it unsettles, one coefficient a way to leave (assumed).
UNSETTLING = {
    "job_loss": {"closing": 0.3, "silence": 0.2},
    "job_change": {"closing": 0.6, "silence": 0.6},
    "move": {"closing": 1.1, "silence": 0.7},
    "marriage": {"closing": 0.5, "silence": 0.5},
    "child": {"closing": 0.2, "silence": 0.0},
    "divorce": {"closing": 0.9, "silence": 0.4},
}
# Factors on the chance to want a product while an event is recent (assumed).
_WISHES = {
    "job_change": {"card": 1.5, "pension": 1.5},
    "move": {"mortgage": 3.0, "insurance": 3.0, "loan": 1.5},
    "marriage": {"mortgage": 2.0, "insurance": 2.0, "savings": 1.3},
    "child": {"insurance": 3.0, "savings": 2.5, "mortgage": 2.0, "fund_low": 1.5},
    "divorce": {"current": 1.5, "loan": 1.3},
}
_PUSH = np.array(
    [[np.log(_WISHES.get(kind, {}).get(slot, 1.0)) for slot in SLOTS] for kind in LIFE_EVENTS]
)  # row = event
# Chances a month. Per 1,000 inhabitants of the EU and year: 4 marriages, 1.7 to 2 divorces, 9 births (Eurostat,
# demo_nind, demo_ndivind, demo_gind, about 2022); each concerns two persons. Jobs and moves: assumed.
_JOB_LOSS, _JOB_CHANGE, _MOVE, _MARRIAGE, _CHILD, _DIVORCE = 0.0025, 0.007, 0.0025, 0.0024, 0.0058, 0.0011
_GAP = 0.3  # share of changes of job with a month without pay
_MORTALITY = {"level": 0.00003, "slope": 0.095}  # a year
_NOT_PAID = [WORDS["occupation"].index(word) for word in ("student", "homemaker", "unemployed")]
_FREE = WORDS["occupation"].index("self_employed")


def death_chance(age: np.ndarray) -> np.ndarray:
    """Return the chance to die within a month at an age in years: Gompertz, 0.00003 exp(0.095 age) a year.

    >>> float((12 * death_chance(np.array(80.0))).round(3))
    0.06
    """
    return _MORTALITY["level"] * np.exp(_MORTALITY["slope"] * age) / 12


def live_a_month(
    rng: np.random.Generator, events: np.random.Generator, relation: Relation, people: People, n: int, month: Month
) -> dict[str, np.ndarray]:
    """Let events happen, people retire and die, and those who leave fade; return which events happened.

    Mortality follows Gompertz, 0.00003 exp(0.095 age) a year: 1 % at 61, 6 % at 80, 25 % at 95, near European life
    tables. One employee in 400 loses the job in a month and is without for 3 to 14 months (assumed).

    Parameters
    ----------
    rng : Generator
        Topic ``life``.
    events : Generator
        Topic ``events``.

    Returns
    -------
    dict of str to array of bool
        Of each of `LIFE_EVENTS`, to whom it happened this month.
    """
    age = (month.first - people.birth[:n]) / 365.2425
    u = rng.random((3, n))
    status = relation.status[:n]
    here = status < DYING
    income, retired = relation.has_income[:n], relation.is_retired[:n]
    fired = _work(u, relation, people, n, age)
    dies = here & (u[2] < death_chance(age))
    status[dies] = DYING
    relation.months_left[:n][dies] = 2
    relation.fade[:n][dies] = 0.0
    relation.months_left[:n][(status == LEAVING) | (status == DYING)] -= 1
    fading = (status == LEAVING) | (status == SILENT)
    relation.months_in[:n][fading] += 1
    fade = relation.fade[:n]
    fade[status == LEAVING] *= 0.55
    fade[status == SILENT] = np.where(relation.months_in[:n] > 5, 0.0, fade * 0.6)[status == SILENT]
    income[fading & (relation.months_in[:n] >= 1)] = False
    relation.annoyance[:n] *= 0.2
    relation.grievance[:n] *= 0.75
    at_work = here & ~retired & ~np.isin(people.occupation[:n], [*_NOT_PAID, _FREE]) & (relation.jobless[:n] == 0)
    return _happen(events, relation, people, n, age, here, at_work, fired)


def _work(u: np.ndarray, relation: Relation, people: People, n: int, age: np.ndarray) -> np.ndarray:
    """Let jobs be lost and found, and people retire; return who lost a job."""
    jobless, retired, gap = relation.jobless[:n], relation.is_retired[:n], relation.pay_gap[:n]
    gap[gap > 0] -= 1
    paid = ~np.isin(people.occupation[:n], _NOT_PAID)
    found = (jobless == 1) & paid & ~retired
    relation.employer[:n][found] += 1
    relation.pay[:n][found] *= 0.95  # a new job after a lost one pays less (assumed)
    jobless[jobless > 0] -= 1
    fired = (u[0] < _JOB_LOSS) & paid & ~retired & (jobless == 0) & (relation.status[:n] < DYING)
    jobless[fired] = 3 + (12 * u[1, fired]).astype(np.int64)
    retired |= (age > 66.5) & (u[1] < 0.4)
    jobless[retired] = 0
    return fired & ~retired


def _happen(events, relation: Relation, people: People, n: int, age, here, at_work, fired) -> dict[str, np.ndarray]:
    """Draw the events of a month and what follows from each at once."""
    u, size = events.random((5, n)), events.standard_normal(n)
    wed = relation.is_wed[:n]
    fertile = (age > 21) & (age < 44)
    happened = {
        "job_loss": fired,
        "job_change": (u[0] < _JOB_CHANGE * np.where(age < 35, 1.6, 0.7)) & at_work & (age < 60) & ~fired,
        "move": (u[1] < _MOVE * np.where(age < 32, 2.2, np.where(age < 60, 1.0, 0.5))) & here,
        "marriage": (u[2] < _MARRIAGE) & ~wed & (age > 22) & (age < 55) & here,
        "child": (u[3] < _CHILD * np.where(wed, 1.0, 0.3)) & fertile & here,
        "divorce": (u[4] < _DIVORCE) & wed & (age < 70) & here,
    }
    partner = people.partner[:n]
    shared = partner >= 0
    for kind in ("move", "child", "divorce"):  # what happens to one of a couple with a shared account happens to both
        happened[kind][partner[shared & happened[kind]]] = True
        happened[kind] &= here
    changes, moves = happened["job_change"], happened["move"]
    relation.employer[:n][changes] += 1
    relation.pay[:n][changes] *= np.exp(0.05 + 0.07 * size[changes])
    relation.pay_gap[:n][changes & (u[0] < _GAP * _JOB_CHANGE)] = 1
    relation.rent_level[:n][moves] = np.clip(1.08 + 0.15 * size[moves], 0.8, 1.3)
    relation.is_wed[:n] = (wed | happened["marriage"]) & ~happened["divorce"]
    relation.has_child[:n] |= happened["child"]
    relation.reports[:n] = 0.3 * relation.reports[:n] + 0.7 * (moves | happened["marriage"] | happened["divorce"])
    recent = relation.recent[:n]
    np.maximum(recent - 1, 0, out=recent)
    for row, kind in enumerate(LIFE_EVENTS):
        recent[happened[kind], row] = EVENT_MONTHS
    relation.push[:n] += (recent > 0) @ _PUSH
    return happened


def parameters() -> dict[str, dict]:
    """Return chances a month, and what events do to wishes, as plain numbers."""
    return {
        "chance_a_month": {
            "job_loss": _JOB_LOSS, "job_change": _JOB_CHANGE, "move": _MOVE, "marriage": _MARRIAGE, "child": _CHILD,
            "divorce": _DIVORCE,
        },
        "mortality": dict(_MORTALITY),
        "unsettles_for": {"months": EVENT_MONTHS},
        "unsettling": {kind: dict(ways) for kind, ways in UNSETTLING.items()},
        "factors_on_wishes": {kind: dict(slots) for kind, slots in _WISHES.items()},
    }  # fmt: skip
