"""Who decides to leave: the monthly chances to close and to fall silent, and how a relation ends.

Closing and falling silent are two decisions with causes of their own. Both come first and show later: who closes fades
for two to five months, then the accounts end; who falls silent fades for half a year and never comes back, the
accounts stay until the bank ends them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.simulation.accounts import Accounts
from crmlab.simulation.clock import Month
from crmlab.simulation.customers import People
from crmlab.simulation.life import UNSETTLING
from crmlab.simulation.products import CATALOGUE, SLOTS
from crmlab.simulation.relation import ACTIVE, LEAVING, LIFE_EVENTS, SILENT, Relation

__all__ = [
    "CLOSING",
    "DELAY_MONTHS",
    "SILENCE",
    "Chances",
    "causes",
    "churn_hazard",
    "decide_to_leave",
    "dormant_closings",
    "parameters",
]

# Coefficients of the monthly log odds, against staying, of the decision to close and of the decision to fall silent.
# Signs as in studies of bank customers who leave (satisfaction, complaints, tenure, products, salary); sizes assumed.
# Satisfaction is in standard deviations; grievance about 0.6 after a complaint settled at once, 1.5 after a slow one,
# losing a quarter a month; tenure in years; products are open accounts and contracts beyond two.
CLOSING = {
    "level": -4.78,
    "satisfaction": -0.40,
    "grievance": 1.50,
    "log_tenure": -0.38,
    "products": -0.22,
    "paid_here": -0.45,  # salary, pension or benefit booked within the last three months
    "owes": -1.20,  # a loan or mortgage here
    "pays_fee": 0.0,
    "rate_gap": 80.0,  # competitors' rate less ours, by price sensitivity less 0.4
    "member": -0.30,  # of the points programme since before this month
    **{kind: ways["closing"] for kind, ways in UNSETTLING.items()},  # life events within half a year
}
SILENCE = {
    "level": -5.38,
    "satisfaction": -0.40,
    "grievance": 0.60,
    "log_tenure": -0.30,
    "products": -0.30,
    "paid_here": -1.30,  # where the salary comes, silence does not
    "owes": -np.inf,  # a debt keeps the relation awake
    "pays_fee": -0.60,  # an account that costs nothing is left lying
    "rate_gap": 40.0,
    "member": -0.30,
    **{kind: ways["silence"] for kind, ways in UNSETTLING.items()},
}
DELAY_MONTHS = (2, 5)  # from the decision to close until the accounts close; each number of months as likely
PAID_MONTHS = 3  # a salary, pension or benefit counts for this month and the two after it
_USUAL_PRODUCTS = 2
_USUAL_PRICE = 0.4  # price sensitivity at which competitors' rates do not matter
_DORMANT_MONTHS = 24  # after two years of silence the bank ends the relation (assumed; banks write of 2 to 10 years)
_FEE = np.array([product.fee for product in CATALOGUE])
_DEBTS = SLOTS.index("loan")


@dataclass(frozen=True)
class Chances:
    """Chances of this month to decide, 0 to 1, one a customer: to `close`, and to fall silent (`silence`)."""

    close: np.ndarray
    silence: np.ndarray

    @property
    def leave(self) -> np.ndarray:
        """Chance to decide to leave, one way or the other."""
        return self.close + self.silence


def causes(
    relation: Relation, people: People, accounts: Accounts, n: int, month: Month, spread: float
) -> dict[str, np.ndarray]:
    """Return the causes at the end of a month, by the names of the coefficients, one value a customer.

    Log tenure, products, `paid_here`, `owes` and `pays_fee` can be read from the bank's tables: years from joining to
    the first day of the month (half a month for those who join in it), accounts open on its last day, bookings of the
    last three months.
    """
    of = accounts.of[:n]
    held = of >= 0
    fee = np.where(held, _FEE[accounts.product[of]], 0.0) if accounts.size else np.zeros(of.shape)
    return {
        "satisfaction": relation.satisfaction[:n],
        "grievance": relation.grievance[:n],
        "log_tenure": np.log(np.maximum(month.first - people.joined[:n], 15) / 365.2425),
        "products": held.sum(axis=1) - _USUAL_PRODUCTS,
        "paid_here": relation.unpaid_months[:n] < PAID_MONTHS,
        "owes": held[:, _DEBTS : _DEBTS + 2].any(axis=1),
        "pays_fee": fee.sum(axis=1) > 0,
        "rate_gap": spread * (people.price[:n] - _USUAL_PRICE),
        "member": relation.member[:n],
        **{kind: relation.recent[:n, row] > 0 for row, kind in enumerate(LIFE_EVENTS)},
    }


def churn_hazard(
    relation: Relation, people: People, accounts: Accounts, n: int, month: Month, spread: float
) -> Chances:
    """Return the chances of this month to decide to close and to fall silent; 0 for those who do not decide any more.

    A multinomial logit: the odds of each decision against staying are the exponential of the sum of causes times
    coefficients. What campaigns do (`relation.hold`) adds to both sums.
    """
    found = causes(relation, people, accounts, n, month, spread)
    hold, active = relation.hold[:n], relation.status[:n] == ACTIVE
    odds = []
    for coefficients in (CLOSING, SILENCE):
        score = coefficients["level"] + hold
        barred = np.zeros(n, dtype=bool)
        for name, values in found.items():
            if np.isneginf(coefficients[name]):
                barred |= values
            else:
                score = score + coefficients[name] * values
        odds.append(np.where(active & ~barred, np.exp(score), 0.0))
    total = 1 + odds[0] + odds[1]
    return Chances(odds[0] / total, odds[1] / total)


def decide_to_leave(
    rng: np.random.Generator,
    relation: Relation,
    people: People,
    accounts: Accounts,
    n: int,
    month: Month,
    spread: float,
) -> tuple[Chances, dict[str, np.ndarray]]:
    """Decide at the end of a month who starts to leave; return the chances, and who decided what.

    Returns
    -------
    chances : Chances
        True chances of this month.
    departures : dict of array
        One row a decision: ``customer``, ``month``, ``kind`` ("closing" or "silence"), ``months_to_close`` (until the
        accounts close; -1 for silence).
    """
    u = rng.random((2, n))
    chances = churn_hazard(relation, people, accounts, n, month, spread)
    starts = u[0] < chances.leave
    closes = u[0] < chances.close
    low, high = DELAY_MONTHS
    delay = low + (u[1] * (high - low + 1)).astype(np.int64)
    relation.status[:n][starts] = np.where(closes, LEAVING, SILENT)[starts]
    relation.months_in[:n][starts] = 0
    relation.months_left[:n][starts] = delay[starts]
    held = relation.hold_months[:n]
    held[:] = np.maximum(held - 1, 0)
    relation.hold[:n][held == 0] = 0.0
    who = np.flatnonzero(starts)
    departures = {
        "customer": who,
        "month": np.full(len(who), month.number),
        "kind": np.where(closes[who], "closing", "silence"),
        "months_to_close": np.where(closes, delay, -1)[who],
    }
    return chances, departures


def dormant_closings(relation: Relation, n: int) -> np.ndarray:
    """Return silent customers whose relation the bank ends this month."""
    return np.flatnonzero((relation.status[:n] == SILENT) & (relation.months_in[:n] >= _DORMANT_MONTHS + 6))


def parameters() -> dict[str, dict]:
    """Return the coefficients and delays, as plain numbers; minus infinity bars a decision."""
    return {
        "closing": {name: float(value) for name, value in CLOSING.items()},
        "silence": {name: float(value) for name, value in SILENCE.items()},
        "delay": {"months_low": DELAY_MONTHS[0], "months_high": DELAY_MONTHS[1]},
        "dormant_months": {"until_the_bank_ends_it": _DORMANT_MONTHS + 6},
    }
