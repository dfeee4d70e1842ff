"""All that the page says of the points programme: points, redemption, liability, effects, the year."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.errors import tried
from crmlab.loyalty.programme.invitation import Trial, trial_of
from crmlab.loyalty.programme.joining import joining_on
from crmlab.loyalty.programme.ledger import Ledger, ledger_on
from crmlab.loyalty.programme.liability import Liability, liability
from crmlab.loyalty.programme.membership import Membership, membership, naive_look
from crmlab.loyalty.programme.redemption import Redemption, redemption_by_age
from crmlab.loyalty.programme.result import ProgrammeYear, programme_year
from crmlab.stats import Estimate

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["NO_PROGRAMME", "Programme", "programme_on"]

NO_PROGRAMME = "this bank has no points (table loyalty_points)"


@dataclass(frozen=True)
class Programme:
    """The points programme of a day.

    Parameters
    ----------
    ledger, redemption, owed, year
        What was earned and used; by age; what is owed; the account of the last twelve months.
    effects : Membership or None
        What membership does, by those like members; None: see ``why["effects"]``.
    invitation : Trial or None
        What invitations drawn by lot did.
    naive : dict of str to Estimate
        Members against all others as they are.
    members_now : Index
        Members who are customers on the day.
    why : dict of str to str
        Why something is not known.
    """

    ledger: Ledger
    redemption: Redemption
    owed: Liability
    year: ProgrammeYear
    effects: Membership | None
    invitation: Trial | None
    naive: dict[str, Estimate]
    members_now: pd.Index
    why: dict[str, str] = field(default_factory=dict)


def programme_on(
    bank: Bank, seen: pd.DataFrame, *, interchange_share: float = 0.002, resamples: int = 500, seed: int = 1
) -> tuple[Programme | None, str]:
    """Prepare everything on the points programme.

    Parameters
    ----------
    bank : Bank
        As of a day.
    seen : DataFrame
        Snapshot of the day.
    interchange_share : float
        What the bank earns of card spending, share.
    resamples, seed : int
        Of the bootstrap of members.

    Returns
    -------
    tuple of (Programme or None, str)
        None, and why, where the bank has no points.
    """
    if not bank.has("loyalty_points"):
        return None, NO_PROGRAMME
    ledger = ledger_on(bank)
    if ledger.lots.empty:
        return None, "no points were given by that day"
    redemption = redemption_by_age(ledger, resamples=resamples, seed=seed)
    owed = liability(ledger, redemption, currency=bank.currency)
    joining, no_effects = tried(joining_on, bank, ledger)
    effects = membership(joining, interchange_share=interchange_share, currency=bank.currency) if joining else None
    invitation, no_trial = trial_of(bank, goal="activation")
    why = {"effects": no_effects, "invitation": no_trial} | (effects.why if effects else {})
    members = seen.index[seen.index.isin(ledger.entries["customer_id"].unique())]
    year = programme_year(ledger, owed, effects.margin if effects else None, currency=bank.currency)
    found = Programme(ledger, redemption, owed, year, effects, invitation, naive_look(bank, ledger, seen), members,
                      {name: text for name, text in why.items() if text})  # fmt: skip
    return found, ""
