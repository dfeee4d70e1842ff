"""Who wants another product: the monthly chance by life stage, means, risk tolerance and mood."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.accounts import Accounts
from crmlab.simulation.clock import Month
from crmlab.simulation.customers import People
from crmlab.simulation.products import SLOTS
from crmlab.simulation.relation import ACTIVE, Relation
from crmlab.simulation.segments import wanted

__all__ = ["adoption_chance", "competing", "rates_behind", "wish_for_products"]


def competing(rates: np.ndarray) -> np.ndarray:
    """Turn monthly rates of wishes, one column a slot, into chances to want a slot first; together at most 1.

    Close to the rates where they are small. Offers and advice multiply rates, which have no upper limit.

    >>> competing(np.array([[0.01, 0.02], [3.0, 1.0]])).round(4).tolist()
    [[0.0099, 0.0197], [0.7363, 0.2454]]
    """
    total = rates.sum(axis=1, keepdims=True)
    return rates * np.where(total > 0, -np.expm1(-total) / np.where(total > 0, total, 1.0), 1.0)


def rates_behind(chances: np.ndarray) -> np.ndarray:
    """Return the rates that `competing` turns into these chances.

    >>> rates_behind(competing(np.array([[3.0, 1.0], [0.0, 0.0]]))).round(6).tolist()
    [[3.0, 1.0], [0.0, 0.0]]
    """
    total = np.minimum(chances.sum(axis=1, keepdims=True), 1 - 1e-12)
    return chances * np.where(total > 0, -np.log1p(-total) / np.where(total > 0, total, 1.0), 1.0)


def wish_for_products(
    rng: np.random.Generator, relation: Relation, people: People, accounts: Accounts, n: int, month: Month
) -> np.ndarray:
    """Decide at the end of a month who wants which slot; return the chance, shape (n, slots).

    The account opens a month later. A wish may already be there, the renewal of a deposit: the chance is 0 then.
    """
    u = rng.random(n)
    chance = competing(adoption_chance(relation, people, accounts, n, month))
    total = chance.cumsum(axis=1)
    active = relation.status[:n] == ACTIVE
    wish = relation.wish[:n]
    free = active & (wish < 0)
    choice = (u[:, None] >= total).sum(axis=1)
    wish[:] = np.where(active, np.where((u < total[:, -1]) & (wish < 0), choice, wish), -1)
    relation.push[:n] = 0.0
    return chance * free[:, None]


def adoption_chance(relation: Relation, people: People, accounts: Accounts, n: int, month: Month) -> np.ndarray:
    """Chance to want each slot this month: life stage, income, wealth, risk tolerance, needs, mood, no arrears."""
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
        "fund_low": 0.0022 * rich * (0.4 + 0.2 * risk) * (risk >= 1),
        "fund_high": 0.0024 * rich * (risk >= 3),
        "pension": 0.0022 * working * income,
        "card": 0.0060 * main * income * steady,
        "loan": 0.0046 * main * working * steady,
        "mortgage": 0.0020 * (0.3 + 0.7 * main) * family * income * steady * people.is_tenant[:n],
        "insurance": 0.0018 * (0.3 + family),
    }
    needs = people.needs_segment[:n]
    chance = np.stack([rate[slot] * wanted(slot, needs) for slot in SLOTS], axis=1)
    has_current = accounts.of[:n, :1] >= 0
    chance[:, SLOTS.index("card") :] *= has_current
    chance *= (accounts.of[:n] < 0) * np.exp(0.2 * relation.satisfaction[:n, None] + relation.push[:n])
    return chance * (~people.is_guest[:n])[:, None]
