"""Who decides to leave: the monthly hazard, and how a relation ends, by closing or in silence."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.accounts import Accounts
from crmlab.simulation.clock import Month
from crmlab.simulation.customers import People
from crmlab.simulation.products import SLOTS
from crmlab.simulation.relation import ACTIVE, LEAVING, SILENT, Relation

__all__ = ["churn_hazard", "decide_to_leave", "dormant_closings"]

_DORMANT_MONTHS = 24  # after two years of silence the bank ends the relation (assumed; banks write of 2 to 10 years)


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
        - 0.40 * relation.satisfaction[:n]
        + 1.5 * relation.grievance[:n]
        - 0.38 * np.log(tenure)
        - 0.22 * (products - 2)
        - 0.45 * relation.has_income[:n]
        - 1.2 * owes
        + 80 * spread * (people.price[:n] - 0.4)
        + relation.hold[:n]
    )
    return np.where(relation.status[:n] == ACTIVE, 1 / (1 + np.exp(-score)), 0.0)


def decide_to_leave(
    rng: np.random.Generator,
    relation: Relation,
    people: People,
    accounts: Accounts,
    n: int,
    month: Month,
    spread: float,
) -> np.ndarray:
    """Decide at the end of a month who starts to leave and who falls silent; return the hazard, 0 to 1."""
    u = rng.random((2, n))
    hazard = churn_hazard(relation, people, accounts, n, month, spread)
    starts = u[0] < hazard
    owes = (accounts.of[:n, SLOTS.index("loan") :] >= 0).any(axis=1)
    silent = starts & (u[1] < 0.28) & ~owes
    relation.status[:n][starts] = LEAVING
    relation.status[:n][silent] = SILENT
    relation.months_in[:n][starts] = 0
    relation.months_left[:n][starts] = 2 + (u[1] * 4).astype(np.int64)[starts]
    held = relation.hold_months[:n]
    held[:] = np.maximum(held - 1, 0)
    relation.hold[:n][held == 0] = 0.0
    return hazard


def dormant_closings(relation: Relation, n: int) -> np.ndarray:
    """Return silent customers whose relation the bank ends this month."""
    return np.flatnonzero((relation.status[:n] == SILENT) & (relation.months_in[:n] >= _DORMANT_MONTHS + 6))
