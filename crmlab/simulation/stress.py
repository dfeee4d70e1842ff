"""Financial stress: what goes wrong, and how money is spent while it does, months before a payment is missed.

Income falls or costs rise; savings are drawn down, the card is used to its limit and for cash, the overdraft deepens,
cash takes the place of restaurants and travel. Who has no buffer misses a payment some months later.
"""

from __future__ import annotations

import numpy as np

from crmlab.simulation.accounts import Accounts
from crmlab.simulation.clock import Month
from crmlab.simulation.customers import WORDS, People
from crmlab.simulation.ledger import CHANNEL_CODES, MERCHANTS
from crmlab.simulation.products import slot_of
from crmlab.simulation.relation import ACTIVE, Relation
from crmlab.simulation.scene import Scene

__all__ = [
    "CAUSES",
    "book_returned_debits",
    "draw_cash_on_the_card",
    "fall_into_stress",
    "for_daily_life",
    "parameters",
    "restrain",
    "urge",
]

CAUSES = ("job_loss", "illness", "overspending", "divorce")
# Onsets: chance a month of illness that costs pay and of spending beyond one's means; share of divorces that upset the
# household's money (all assumed; the level gives 1 to 2 loans in default per 100 and year)
_ILLNESS, _OVERSPENDING, _AFTER_DIVORCE = 0.0014, 0.0024, 0.6
_MONTHS = {"job_loss": (3, 11), "illness": (5, 14), "overspending": (8, 18), "divorce": (8, 16)}  # shortest, longest
# Factor on what is spent beside the bills, at severity 0 and what severity 1 adds. Habits outlast the income.
_URGE = {"job_loss": (1.00, 0.20), "illness": (1.10, 0.30), "overspending": (1.40, 0.60), "divorce": (1.25, 0.50)}
SICK_PAY = 0.65  # of the salary, from the second month (assumed; near statutory sick pay in several EU countries)
_URGES = np.array([_URGE[cause] for cause in CAUSES])
_UNPAID = [WORDS["occupation"].index(word) for word in ("student", "homemaker", "unemployed")]
_CURRENT, _CARD = slot_of("current"), slot_of("card")
_CUT = [MERCHANTS.index(word) for word in ("restaurants", "leisure", "travel")]
_RETURNED = 500  # cents for a debit that comes back unpaid (assumed)


def fall_into_stress(
    rng: np.random.Generator,
    relation: Relation,
    people: People,
    accounts: Accounts,
    n: int,
    month: Month,
    happened: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Let stress begin and end at the start of a month; return who fell into it, and why.

    Only customers whose income is paid here are followed: at the others the bank would not see it.

    Parameters
    ----------
    rng : Generator
        Topic ``stress``.
    happened : dict of str to array of bool
        Life events of this month.

    Returns
    -------
    dict of array
        ``customer``, ``month``, ``cause``, ``severity`` (0 to 1).
    """
    u = rng.random((4, n))
    stress, cause, left, since = relation.stress[:n], relation.cause[:n], relation.stress_left[:n], relation.since[:n]
    left[left > 0] -= 1
    over = (left == 0) & (stress > 0)
    stress[over], cause[over] = 0.0, -1
    since[stress > 0] += 1
    free = (stress == 0) & relation.has_income[:n] & (relation.status[:n] == ACTIVE) & (people.joined[:n] < month.first)
    working = ~np.isin(people.occupation[:n], _UNPAID) & ~relation.is_retired[:n] & (relation.jobless[:n] == 0)
    owes = (accounts.of[:n, slot_of("loan") : slot_of("mortgage") + 1] >= 0).any(axis=1)
    bare = people.wealth[:n] < 3 * people.income[:n]
    overspends = _OVERSPENDING * np.exp(-8 * (people.thrift[:n] - 0.05))
    overspends = overspends * np.where(bare, 1.8, 0.6) * np.where(owes, 2.0, 0.8)
    begins = np.stack(
        [
            happened["job_loss"],
            (u[0] < _ILLNESS) & working,
            u[1] < overspends,
            happened["divorce"] & (u[2] < _AFTER_DIVORCE),
        ]
    )
    begins &= free
    starts = np.flatnonzero(begins.any(axis=0))
    why = begins[:, starts].argmax(axis=0)
    low, high = np.array([_MONTHS[name] for name in CAUSES])[why].T
    lasts = low + (u[3, starts] * (high - low + 1)).astype(np.int64)
    # who is without a job is under stress for as long, and a month more
    lasts = np.where(why == CAUSES.index("job_loss"), relation.jobless[starts] + 1, lasts)
    stress[starts] = 0.4 + 0.6 * (u[3, starts] * 7.3 % 1)
    cause[starts], left[starts], since[starts] = why, lasts, 0
    return {
        "customer": starts,
        "month": np.full(len(starts), month.number),
        "cause": np.array(CAUSES)[why],
        "severity": stress[starts].astype(np.float32),
    }


def urge(relation: Relation, n: int) -> np.ndarray:
    """Return the factor on what customers would spend this month beside their bills; 1 without stress."""
    stress, cause = relation.stress[:n], relation.cause[:n]
    base, more = _URGES[cause].T
    return np.where(stress > 0, base + more * stress, 1.0)


def for_daily_life(scene: Scene, budget: np.ndarray) -> np.ndarray:
    """Return what customers under stress keep for daily life before debits come, cents, given what they would spend.

    Debits come while the month goes on and the money is being spent: who has been short for some months has spent most
    of it by then.
    """
    stress, since = scene.relation.stress[: scene.n], scene.relation.since[: scene.n]
    return np.where(stress > 0, np.clip((since - 1) / 3, 0, 1) * (0.6 + 0.4 * stress) * budget, 0.0)


def restrain(rng: np.random.Generator, relation: Relation, who: np.ndarray, merchant: np.ndarray) -> np.ndarray:
    """Turn payments in restaurants, for leisure and travel into groceries, more of them the deeper the stress."""
    tight = np.flatnonzero(relation.stress[who] > 0)
    cut = np.isin(merchant[tight], _CUT) & (rng.random(len(tight)) < 0.75 * relation.stress[who[tight]])
    merchant = merchant.copy()
    merchant[tight[cut]] = MERCHANTS.index("groceries")
    return merchant


def draw_cash_on_the_card(scene: Scene, rng: np.random.Generator) -> None:
    """Let customers under stress draw cash on the credit card once the current account is nearly empty."""
    n, relation, month = scene.n, scene.relation, scene.month
    u, size, pick = rng.random((3, n))
    limit = np.maximum(scene.accounts.held(scene.accounts.limit, n)[:, _CARD], 0)
    room = limit + scene.money[:, _CARD]
    short = scene.money[:, _CURRENT] < 0.25 * scene.income
    draws = scene.on & scene.holders("card", "current") & (relation.stress[:n] > 0) & short & (room > 6000)
    who = np.flatnonzero(draws & (u < 0.35 + 0.5 * relation.stress[:n]))
    amount = np.minimum(room[who], 5000 + 0.12 * scene.income[who] * size[who])
    day = 4 + (pick[who] * (month.days - 6)).astype(np.int64)
    scene.book(who, "card", day, -np.floor(amount / 1000) * 1000, "cash_out", CHANNEL_CODES["atm"] + np.zeros(
        len(who), dtype=np.int8), rng=rng, initiated=True)  # fmt: skip


def book_returned_debits(scene: Scene, who: np.ndarray) -> None:
    """Charge for debits that came back unpaid, once a month."""
    day = scene.month.working_before[-1]
    amount = np.full(len(who), -float(_RETURNED))
    scene.book(who, "current", day, amount, "penalty", "automatic", counterparty="bank", hours="close")


def parameters() -> dict[str, dict]:
    """Return chances, durations and factors, as plain numbers."""
    return {
        "chance_a_month": {"illness": _ILLNESS, "overspending": _OVERSPENDING},
        "share_of_divorces": {"share": _AFTER_DIVORCE},
        "months": {cause: list(_MONTHS[cause]) for cause in CAUSES if cause != "job_loss"},
        "factor_on_spending": {cause: list(_URGE[cause]) for cause in CAUSES},
        "sick_pay": {"share_of_salary": SICK_PAY},
    }
