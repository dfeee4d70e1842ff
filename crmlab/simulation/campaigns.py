"""Table `campaigns`: what the bank plans to say to whom, through which channel, and whom it holds out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from crmlab.bank.tables import CHANNELS
from crmlab.simulation.clock import MARKET_BLOCK, generator, month_at
from crmlab.simulation.columns import arrow_table, dates, decimals, words
from crmlab.simulation.products import CATALOGUE, SLOTS

__all__ = [
    "CAMPAIGN_CHANNELS",
    "GOALS",
    "WINDOW_MONTHS",
    "Campaign",
    "campaign_ids",
    "campaigns_table",
    "plan_campaigns",
]

GOALS = ("cross_sell", "retention", "win_back", "activation", "service")
CAMPAIGN_CHANNELS = ("email", "sms", "phone", "social")  # in the order of the columns of consent
# Months from the first to the last in which the wanted act counts. A wish becomes an account a month later; who decides
# to leave closes two to five months later, so half a year shows most of the decisions of three months. Joining the
# programme takes days.
WINDOW_MONTHS = {"cross_sell": 2, "retention": 7, "win_back": 2, "activation": 1, "service": 1}
# Fixed cost of preparing a campaign, euros (assumed: small, as for a bank of some thousand customers)
_FIXED = {"email": 150, "sms": 120, "phone": 400, "social": 250}


@dataclass(frozen=True)
class _Design:
    """A kind of campaign that the bank runs once a year."""

    name: str
    goal: str
    channel: str
    product: str | None  # name in the catalogue
    holdout: float  # planned share held out
    reach: float  # share of the eligible customers drawn for it
    was_judged: bool = False  # in the first year everybody eligible by a score was contacted, nobody held out


# Hold-outs are larger where acts are rare: the same number of customers then says more. Eighteen a year, 1.5 a month.
_YEAR = (
    _Design("Savings Start", "cross_sell", "email", "Savings Account", 0.25, 0.8),
    _Design("Savings by Message", "cross_sell", "sms", "Savings Account", 0.25, 0.7),
    _Design("Bonus Rate", "cross_sell", "email", "Bonus Savings", 0.25, 0.8),
    _Design("Fixed Rate Call", "cross_sell", "phone", "Term Deposit 12", 0.30, 0.8),
    _Design("Fixed Rate Letter", "cross_sell", "email", "Term Deposit 12", 0.25, 0.7, was_judged=True),
    _Design("Your Card", "cross_sell", "email", "Credit Card", 0.25, 0.8),
    _Design("Card and More", "cross_sell", "social", "Credit Card", 0.25, 0.8),
    _Design("Invest Steadily", "cross_sell", "phone", "Balanced Fund", 0.30, 0.8),
    _Design("Loan in Minutes", "cross_sell", "sms", "Personal Loan", 0.25, 0.8, was_judged=True),
    _Design("Room for Plans", "cross_sell", "phone", "Personal Loan", 0.30, 0.7),
    _Design("We Call You", "retention", "phone", None, 0.40, 0.9),
    _Design("Tell Us", "retention", "phone", None, 0.40, 0.9),
    _Design("A Word of Thanks", "retention", "email", None, 0.40, 0.9),
    _Design("Welcome Back", "win_back", "email", None, 0.30, 1.0),
    _Design("We Miss You", "win_back", "phone", None, 0.30, 1.0),
    _Design("Join the Club", "activation", "email", None, 0.25, 0.7),
    _Design("Club Points", "activation", "social", None, 0.25, 0.9),
    _Design("Safe Online", "service", "email", None, 0.10, 0.5),
)


@dataclass(frozen=True)
class Campaign:
    """One campaign of the plan; days are counted from 1970-01-01, money in cents."""

    number: int
    name: str
    goal: str
    channel: str
    product: int | None  # position in the catalogue
    month: int
    started: int
    ended: int
    holdout: float
    reach: float
    cost: int

    @property
    def is_randomised(self) -> bool:
        """Whether treatment and hold-out are drawn at random."""
        return self.holdout > 0

    @property
    def until(self) -> int:
        """Number of the last month in which the wanted act counts."""
        return self.month + WINDOW_MONTHS[self.goal] - 1

    @property
    def slot(self) -> int | None:
        """Slot of the product it sells."""
        return None if self.product is None else SLOTS.index(CATALOGUE[self.product].slot)

    @property
    def family_slots(self) -> list[int]:
        """Slots of the family of the product: who opens any of them has responded."""
        family = CATALOGUE[self.product].family if self.product is not None else None
        return sorted({SLOTS.index(product.slot) for product in CATALOGUE if product.family == family})


@lru_cache(maxsize=8)
def plan_campaigns(seed: int, months: int) -> tuple[Campaign, ...]:
    """Plan the campaigns that start in the first months of a bank, common to all blocks of customers.

    Each January draws the order in which the year's campaigns run, one or two a month; so a longer plan begins like a
    shorter one. The very first campaign is an e-mail to many; winning back waits half a year until somebody has left.

    Parameters
    ----------
    seed : int
        Seed of the bank.
    months : int
        Months of the bank, 1 or more.

    Examples
    --------
    >>> plan = plan_campaigns(1, 24)
    >>> len(plan), plan[0].name, plan[0].channel
    (36, 'Bonus Rate 2023', 'email')
    >>> plan_campaigns(1, 7) == tuple(c for c in plan if c.month < 7)
    True
    """
    plan: list[Campaign] = []
    for january in range(0, months, 12):
        rng = generator(seed, MARKET_BLOCK, january, "campaigns")
        rank, doubles, offset = rng.random(len(_YEAR)), rng.permutation(12), rng.integers(0, 3, len(_YEAR))
        if january == 0:
            late = np.array([design.goal == "win_back" for design in _YEAR])
            rank = np.where(late, 0.5 + 0.5 * rank, rank)
            rank[[design.name for design in _YEAR].index("Bonus Rate")] = -1.0
        slots = np.sort(np.concatenate([np.arange(12), doubles[: len(_YEAR) - 12]]))
        for position, month in zip(np.argsort(rank), slots, strict=True):
            if january + month < months:
                plan.append(_campaign(len(plan), _YEAR[position], january + int(month), int(offset[position])))
    return tuple(plan)


def _campaign(number: int, design: _Design, t: int, offset: int) -> Campaign:
    """Start on one of the first three working days, before the month's accounts open."""
    month = month_at(t)
    start = min(int(month.working_from[offset]), int(month.working_before[5]))
    product = [product.name for product in CATALOGUE].index(design.product) if design.product else None
    judged = design.was_judged and t < 12
    return Campaign(
        number=number,
        name=f"{design.name} {month.year}",
        goal=design.goal,
        channel=design.channel,
        product=product,
        month=t,
        started=month.first + start,
        ended=month_at(t + WINDOW_MONTHS[design.goal] - 1).last,
        holdout=0.0 if judged else design.holdout,
        reach=1.0 if judged else design.reach,
        cost=100 * _FIXED[design.channel],
    )


def campaign_ids(numbers: np.ndarray) -> pa.Array:
    """Build the ids of campaigns.

    >>> campaign_ids(np.array([0, 41])).to_pylist()
    ['CMP0001', 'CMP0042']
    """
    numbers = np.asarray(numbers, dtype=np.int64)
    names = pa.array([f"CMP{number + 1:04d}" for number in range(int(numbers.max(initial=-1)) + 1)], pa.string())
    return names.take(pa.array(numbers))


def campaigns_table(seed: int, months: int) -> pa.Table:
    """Return the rows of table `campaigns`: those that have started by the last day of the bank."""
    plan = plan_campaigns(seed, months)
    goals = tuple(GOALS)
    products = np.array([-1 if c.product is None else c.product for c in plan])
    return arrow_table(
        "campaigns",
        {
            "campaign_id": campaign_ids(np.arange(len(plan))),
            "campaign_name": pa.array([c.name for c in plan], pa.string()),
            "channel": words(np.array([CHANNELS.index(c.channel) for c in plan]), CHANNELS),
            "product_id": words(products, tuple(f"P{position + 1:02d}" for position in range(len(CATALOGUE)))),
            "goal": words(np.array([goals.index(c.goal) for c in plan]), goals),
            "started_on": dates(np.array([c.started for c in plan])),
            "ended_on": dates(np.array([c.ended for c in plan])),
            "is_randomised": pa.array([c.is_randomised for c in plan]),
            "holdout_share": pa.array([c.holdout for c in plan], pa.float64()),
            "cost_amount": decimals(np.array([c.cost for c in plan])),
        },
    )
