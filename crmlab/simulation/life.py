"""One month of life: jobs lost and found, retirement, death, and the fading of those who leave."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.clock import Month
from crmlab.simulation.customers import WORDS, People
from crmlab.simulation.relation import DYING, LEAVING, SILENT, Relation

__all__ = ["death_chance", "live_a_month"]

_NOT_PAID = [WORDS["occupation"].index(word) for word in ("student", "homemaker", "unemployed")]


def death_chance(age: np.ndarray) -> np.ndarray:
    """Return the chance to die within a month at an age in years: Gompertz, 0.00003 exp(0.095 age) a year.

    >>> float((12 * death_chance(np.array(80.0))).round(3))
    0.06
    """
    return 0.00003 * np.exp(0.095 * age) / 12


def live_a_month(rng: np.random.Generator, relation: Relation, people: People, n: int, month: Month) -> None:
    """Let jobs be lost and found, people retire and die, and those who leave fade.

    Mortality follows Gompertz, 0.00003 exp(0.095 age) a year: 1 % at 61, 6 % at 80, 25 % at 95, near European life
    tables. One employee in 400 loses the job in a month and is without for 2 to 10 months (assumed).
    """
    age = (month.first - people.birth[:n]) / 365.2425
    u = rng.random((3, n))
    status = relation.status[:n]
    here = status < DYING
    jobless, income, retired = relation.jobless[:n], relation.has_income[:n], relation.is_retired[:n]
    jobless[jobless > 0] -= 1
    paid = ~np.isin(people.occupation[:n], _NOT_PAID)
    fired = (u[0] < 0.0025) & paid & ~retired & (jobless == 0)
    jobless[fired] = 2 + (9 * u[1, fired]).astype(np.int64)
    retired |= (age > 66.5) & (u[1] < 0.4)
    jobless[retired] = 0
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
