"""The relation of each customer with the bank: mood, life events, leaving, wishes; effects come a month later."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.accounts import Accounts
from crmlab.simulation.clock import Month
from crmlab.simulation.customers import NEVER, WORDS, People
from crmlab.simulation.products import SLOTS

__all__ = [
    "ACTIVE",
    "DYING",
    "LEAVING",
    "LEFT",
    "SILENT",
    "Relation",
    "churn_hazard",
    "decide",
    "dormant_closings",
    "live_a_month",
]

ACTIVE, LEAVING, SILENT, DYING, LEFT = range(5)
_DORMANT_MONTHS = 24  # after two years of silence the bank ends the relation (assumed; banks write of 2 to 10 years)
_UNEMPLOYED = WORDS["occupation"].index("unemployed")
_NOT_PAID = [WORDS["occupation"].index(word) for word in ("student", "homemaker", "unemployed")]


class Relation:
    """What changes from month to month; one position a customer of the block."""

    def __init__(self, people: People) -> None:
        size = len(people)
        dormant, leaving = people.is_dormant, people.is_leaving
        self.status = np.where(dormant, SILENT, np.where(leaving, LEAVING, ACTIVE)).astype(np.int8)
        # months until a leaving customer closes the accounts, and since leaving or silence began
        self.months_left = 2 + (3 * people.rhythm[:, 7]).astype(np.int64)
        self.months_in = np.where(dormant, 6 + 24 * people.rhythm[:, 7], 0).astype(np.int64)
        self.fade = np.where(dormant, 0.0, 1.0)  # factor on everything the customer starts
        self.satisfaction = people.contentment.copy()
        self.has_income = people.is_main.copy()  # salary, pension or other income is paid here
        self.jobless = np.where(people.occupation == _UNEMPLOYED, 6, 0).astype(np.int64)  # months still without work
        self.is_retired = people.occupation == WORDS["occupation"].index("retired")
        self.annoyance = np.zeros(size)  # fresh reasons to complain: fees, refusals, breakdowns
        self.grievance = np.zeros(size)  # complaints of the last months, fading
        self.arrears = np.zeros(size, dtype=np.int64)  # missed instalments in a row
        self.wish = np.full(size, -1, dtype=np.int64)  # slot the customer will open next month
        self.left = np.full(size, NEVER)
        self.left_reason = np.full(size, -1, dtype=np.int8)

    def leave(self, who: np.ndarray, day: np.ndarray, reason: str) -> None:
        """End the relation of customers on a day."""
        self.status[who] = LEFT
        self.fade[who] = 0.0
        self.left[who] = day
        self.left_reason[who] = WORDS["left_reason"].index(reason)


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
    dies = here & (u[2] < 0.00003 * np.exp(0.095 * age) / 12)
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
    satisfaction = relation.satisfaction[:n]
    satisfaction += 0.12 * (people.contentment[:n] - satisfaction) + 0.10 * rng.standard_normal(n)
    relation.annoyance[:n] *= 0.2
    relation.grievance[:n] *= 0.75


def churn_hazard(
    relation: Relation, people: People, accounts: Accounts, n: int, month: Month, spread: float
) -> np.ndarray:
    """Return the probability that an active customer decides this month to leave; the coefficients are assumed.

    Rises with dissatisfaction, complaints and the competitors' rate (for those who look at prices); falls with
    tenure, products, a salary here and debts here.
    """
    tenure = np.maximum(month.first - people.joined[:n], 15) / 365.2425
    held = accounts.of[:n] >= 0
    products = held.sum(axis=1)
    owes = held[:, SLOTS.index("loan") :].any(axis=1)
    score = (
        -4.55
        - 0.95 * relation.satisfaction[:n]
        + 1.5 * relation.grievance[:n]
        - 0.38 * np.log(tenure)
        - 0.22 * (products - 2)
        - 0.45 * relation.has_income[:n]
        - 1.2 * owes
        + 80 * spread * (people.price[:n] - 0.4)
    )
    return np.where(relation.status[:n] == ACTIVE, 1 / (1 + np.exp(-score)), 0.0)


def decide(
    rng: np.random.Generator,
    relation: Relation,
    people: People,
    accounts: Accounts,
    n: int,
    month: Month,
    spread: float,
) -> None:
    """Decide at the end of a month who starts to leave, who falls silent and who wants another product."""
    u = rng.random((4, n))
    active = relation.status[:n] == ACTIVE
    starts = u[0] < churn_hazard(relation, people, accounts, n, month, spread)
    owes = (accounts.of[:n, SLOTS.index("loan") :] >= 0).any(axis=1)
    silent = starts & (u[1] < 0.28) & ~owes
    relation.status[:n][starts] = LEAVING
    relation.status[:n][silent] = SILENT
    relation.months_in[:n][starts] = 0
    relation.months_left[:n][starts] = 2 + (u[1] * 4).astype(np.int64)[starts]
    chance = _adoption(relation, people, accounts, n, month)
    total = chance.cumsum(axis=1)
    wants = active & ~starts & (u[2] < total[:, -1])
    choice = (u[2][:, None] >= total).sum(axis=1)
    wish = relation.wish[:n]  # may hold the renewal of a deposit
    wish[:] = np.where(active & ~starts, np.where(wants & (wish < 0), choice, wish), -1)


def dormant_closings(relation: Relation, n: int) -> np.ndarray:
    """Return silent customers whose relation the bank ends this month."""
    return np.flatnonzero((relation.status[:n] == SILENT) & (relation.months_in[:n] >= _DORMANT_MONTHS + 6))


def _adoption(relation: Relation, people: People, accounts: Accounts, n: int, month: Month) -> np.ndarray:
    """Chance to want each slot this month: life stage, income, wealth, risk tolerance, satisfaction, no arrears."""
    age = (month.first - people.birth[:n]) / 365.2425
    main, risk, digital = people.is_main[:n], people.risk_class[:n], people.digital[:n]
    income = np.clip(people.income[:n] / 2200, 0.2, 2)
    rich = np.clip(np.log10(np.maximum(people.wealth[:n], 100)) - 3, 0, 2.5)
    working, family = (age > 21) & (age < 64), np.exp(-(((age - 36) / 10) ** 2))
    steady = (relation.arrears[:n] == 0) & (relation.jobless[:n] == 0)
    rate = {
        "current": 0.004 * np.ones(n),
        "savings": 0.010 + 0.006 * rich,
        "bonus": 0.002 * (0.3 + rich) * (0.3 + digital),
        "term": 0.0050 * rich * (0.5 + people.price[:n]),
        "fund_low": 0.0022 * rich * (0.4 + 0.2 * risk),
        "fund_high": 0.0024 * rich * (risk >= 3),
        "pension": 0.0022 * working * income,
        "card": 0.0060 * main * income * steady,
        "loan": 0.0046 * main * working * steady,
        "mortgage": 0.0030 * main * family * income * steady * people.is_tenant[:n],
        "insurance": 0.0018 * (0.3 + family),
    }
    chance = np.stack([rate[slot] for slot in SLOTS], axis=1)
    has_current = accounts.of[:n, :1] >= 0
    chance[:, SLOTS.index("card") :] *= has_current
    chance *= (accounts.of[:n] < 0) * np.exp(0.5 * relation.satisfaction[:n])[:, None]
    return chance * (~people.is_guest[:n])[:, None]
