"""Everything that the page on the lifecycle is made from, computed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.lifecycle.chain.absorbing import monthly_rate
from crmlab.lifecycle.chain.matrix import Chain, fit_chain
from crmlab.lifecycle.chain.moves import moves_between
from crmlab.lifecycle.chain.resampled import Resampled, resample_chain
from crmlab.lifecycle.stages.on_dates import flicker_share, month_ends, settled_ends, stages_on
from crmlab.lifecycle.stages.rules import ALIVE, WORDS, StageRules, known_scope

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Lifecycle", "lifecycle_on", "people", "said", "sentences"]

_CHAIN_MONTHS = 12  # chances are learned from the starts of the last year
_REWARD_MONTHS = 3  # margins are those of the last months
_RESAMPLES = 400


@dataclass(frozen=True)
class Lifecycle:
    """Stages of a bank's customers, their moves, and the chain.

    Parameters
    ----------
    day : Timestamp
        Day of the report.
    currency, scope : str
    rules : StageRules
    whole : DataFrame
        Stages at every month-end, as `crmlab.lifecycle.stages.on_dates.stages_on`.
    stages : DataFrame
        Those of the month-ends on which every rule sees far enough back.
    now, year_ago : DataFrame
        Rows of the day and of 12 months before (the first settled month-end of a younger bank), by ``customer_id``.
    moves : DataFrame
        Moves of a month in the last year.
    all_moves : DataFrame
        Moves of a month since the first settled month-end.
    chain : Chain or None
        None where nobody was seen twice.
    resampled : Resampled or None
        None where nobody was seen twice; its margins are 0 where `no_value` says so.
    customers : dict of str to int
        Customers of today by stage, lost ones aside.
    discount : float
        Rate a month.
    steps : int or None
        Months counted; None: until the end.
    seed : int
    naive_flicker : float
        Share of moves undone within two months by the rules without dwell and hysteresis.
    why : str
        Why the lifecycle cannot be shown; empty where it can.
    no_value : str
        Why values cannot be shown; empty where they can.
    """

    day: pd.Timestamp
    currency: str
    scope: str
    rules: StageRules
    whole: pd.DataFrame
    stages: pd.DataFrame
    now: pd.DataFrame
    year_ago: pd.DataFrame
    moves: pd.DataFrame
    all_moves: pd.DataFrame
    chain: Chain | None
    resampled: Resampled | None
    customers: dict[str, int]
    discount: float
    steps: int | None
    seed: int
    naive_flicker: float
    why: str = ""
    no_value: str = ""

    @property
    def n(self) -> int:
        """Customers of today."""
        return sum(self.customers.values())

    @property
    def months(self) -> int:
        """Months that moves of the last year were seen in."""
        return int(self.moves["as_of"].nunique())

    @property
    def span(self) -> str:
        """How long the horizon is, in words."""
        return f"over {self.steps // 12:d} years" if self.steps else "until they leave"

    @property
    def data(self) -> str:
        """What there is, in a sentence."""
        first = pd.Timestamp(self.whole["as_of"].min()).date()
        what = {"all": "", "deposits": " of deposits", "cards": " of cards", "loans": " of loans"}[self.scope]
        start = pd.Timestamp(self.stages["as_of"].min()).date()
        warm = (
            f"The first months only teach the rules; moves count from {start} on." if start > first else
            f"All months from {first} on count, also the first, in which rules cannot see far back yet: read"
            " moves with care." if self.all_moves["as_of"].nunique() < 12 else ""
        )  # fmt: skip
        seen = f"Stages{what} of {people(self.n)} on {self.day.date()}, followed from month to month since {first}."
        return sentences(seen, warm)


def people(number: int) -> str:
    """Write a number of customers.

    >>> people(1), people(1200)
    ('1 customer', '1,200 customers')
    """
    return f"{number:,} customer{'' if number == 1 else 's'}"


def said(stage: str) -> str:
    """Name of a stage in words."""
    return WORDS.get(stage, stage)


def sentences(*said: str) -> str:
    """Put sentences together; those that are empty are left out.

    >>> sentences("Half stay.", "", "Few come.")
    'Half stay. Few come.'
    """
    return " ".join(one for one in said if one)


def lifecycle_on(
    bank: Bank,
    *,
    scope: str = "all",
    horizon_years: int = 5,
    discount_share: float = 0.08,
    rules: StageRules | None = None,
    seed: int = 1,
) -> Lifecycle:
    """Find the stages of all month-ends, their moves and the chain of the last year.

    Parameters
    ----------
    bank : Bank
        As of the day of the report; needs accounts and bookings or balances.
    scope : str
        ``all``, ``deposits``, ``cards`` or ``loans``.
    horizon_years : int
        Years that values count; 0: until the customer leaves.
    discount_share : float
        Discount a year, 0 or more.
    rules : StageRules, optional
    seed : int
    """
    known_scope(scope)
    chosen = rules or StageRules()
    days, settled = month_ends(bank), settled_ends(bank)
    whole = stages_on(bank, days, rules=chosen, scope=scope)
    stages = whole[whole["as_of"] >= pd.Timestamp(settled[0])].reset_index(drop=True)
    day, first = pd.Timestamp(days[-1]), pd.Timestamp(settled[0])
    ago = pd.Timestamp(settled[-13]) if len(settled) > 12 else first
    now = stages[stages["as_of"] == day].set_index("customer_id")
    before = stages[stages["as_of"] == ago].set_index("customer_id")
    all_moves = moves_between(stages)
    starts = sorted(all_moves["as_of"].unique())[-_CHAIN_MONTHS:]
    moves = all_moves[all_moves["as_of"].isin(starts)]
    chain = fit_chain(moves) if len(moves) else None
    no_value = ""
    if not len(moves):
        no_value = "nobody has been seen in two months yet"
    elif whole["margin_amount"].isna().all():
        no_value = "this bank's products have no margin on record (products.margin_share)"
    resampled = None
    if len(moves):
        resampled = resample_chain(moves, reward_months=_REWARD_MONTHS, resamples=_RESAMPLES, seed=seed)
    naive = stages_on(bank, days, rules=chosen.naive(), scope=scope)
    counts = now.loc[now["stage"] != "lost", "stage"].value_counts()
    customers = {stage: int(counts.get(stage, 0)) for stage in ALIVE}
    few = sum(customers.values()) < SMALLEST_GROUP
    return Lifecycle(
        day, bank.currency, scope, chosen, whole, stages, now, before, moves, all_moves, chain, resampled, customers,
        monthly_rate(discount_share), 12 * horizon_years if horizon_years else None, seed,
        flicker_share(naive[naive["as_of"] >= first]),
        f"fewer than {SMALLEST_GROUP} customers are in any stage; a page shows groups only" if few else "", no_value,
    )  # fmt: skip
