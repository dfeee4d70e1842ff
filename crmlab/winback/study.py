"""Everything that the question of winning back starts from, on one bank and day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.outreach.policy import ASKS, may_contact
from crmlab.stats import Estimate
from crmlab.winback.contact_effects import ContactEffects, TrialPlan, contact_effects, plan_trial
from crmlab.winback.lists import complaints_open, win_back_list, within_budget
from crmlab.winback.lost import BY_CHOICE, lost_customers, lost_of_year
from crmlab.winback.offers import offer_for
from crmlab.winback.reasons import compare_signs, leavers_and_stayers, name_reasons
from crmlab.winback.returning import UninvitedReturns, lost_months, uninvited_returns
from crmlab.winback.second_life import SecondLife, returned_customers, second_life, usual_leaving
from crmlab.winback.worth import Costs, Terms, contact_costs, contact_worth, expected_gain, left_in_peace

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["HOLDOUT_PROVEN", "HOLDOUT_TRIAL", "WinBack", "win_back_on"]

HOLDOUT_PROVEN, HOLDOUT_TRIAL = 0.2, 0.5  # held out once contacts are proven to work; until then


@dataclass(frozen=True)
class WinBack:
    """Lost customers, why they left, who comes back, what contacts do, and whom to speak to.

    Parameters
    ----------
    day : Timestamp
        Day of the report.
    currency : str
        Of the bank.
    lost, year : DataFrame
        All who left, from `lost_customers`; of them those lost by choice in the last 12 months.
    customers_here : int
        Customers still here.
    leavers, compared : DataFrame
        Signs by leaver, and each sign against those who stayed.
    reasons : Series of str
        Reason named for each lost by choice.
    months : DataFrame
        From `lost_months`.
    uninvited, effects, returned, second, costs, terms
        See their modules.
    scored : DataFrame
        Those lost by choice and not back, from `contact_worth`.
    chosen, listed : DataFrame
        Those on the list, and the list itself.
    gain : Estimate
        Expected of the list, were nobody held out.
    plan : TrialPlan
        What the list shows as a trial.
    in_peace_count : int
        Silent customers still here, who are left alone.
    """

    day: pd.Timestamp
    currency: str
    lost: pd.DataFrame
    year: pd.DataFrame
    customers_here: int
    leavers: pd.DataFrame
    compared: pd.DataFrame
    reasons: pd.Series
    months: pd.DataFrame
    uninvited: UninvitedReturns
    effects: ContactEffects
    returned: pd.DataFrame
    second: SecondLife
    costs: Costs
    terms: Terms
    scored: pd.DataFrame
    chosen: pd.DataFrame
    listed: pd.DataFrame
    gain: Estimate
    plan: TrialPlan
    in_peace_count: int

    @property
    def nobody_left(self) -> str:
        """Why there is nothing to win back; empty where there is."""
        if not len(self.lost):
            return "this bank records nobody who left"
        if not (self.lost["way"] == BY_CHOICE).any():
            return "of those who left, none is recorded as having left by choice (left_reason)"
        return ""


def win_back_on(bank: Bank, *, terms: Terms | None = None, budget_amount: float = 2_000.0, seed: int = 1) -> WinBack:
    """Study winning back on a bank, as far as its tables can tell.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    terms : Terms, optional
        Horizon, discount, incentive, how long ago; defaults without.
    budget_amount : float
        Money for contacts and preparation, 0 or more.
    seed : int
        Of every random draw.

    Notes
    -----
    What a bank lacks leaves its part empty, and is no error: nobody left, nobody came back, no campaign.
    """
    terms = terms or Terms()
    lost = lost_customers(bank)
    leavers, stayers = leavers_and_stayers(bank, lost, seed=seed)
    compared = compare_signs(leavers, stayers)
    reasons = name_reasons(leavers, compared)
    effects = contact_effects(bank)
    months = lost_months(bank, lost, effects.contacts)
    uninvited = uninvited_returns(months)
    returned = returned_customers(bank, lost)
    second = second_life(returned, usual_leaving(bank, lost).value, seed=seed)
    costs = contact_costs(effects)
    cheapest = sorted(ASKS, key=lambda name: costs.by_channel[name])  # until trials tell channels apart
    people = lost[(lost["way"] == BY_CHOICE) & lost["has_held"] & ~lost["is_back"]]
    policy = may_contact(bank, channels=cheapest)
    scored = contact_worth(
        people, policy, reasons, effects=effects, uninvited=uninvited, second=second, costs=costs, terms=terms,
        unsettled=complaints_open(bank),
    )  # fmt: skip
    chosen = within_budget(scored, budget_amount=budget_amount, fixed_amount=costs.fixed_amount)
    holdout = HOLDOUT_PROVEN if effects.is_proven else HOLDOUT_TRIAL
    offers = offer_for(chosen["reason"], leavers)
    listed = win_back_list(bank, chosen, offers, holdout_share=holdout, seed=seed)
    gain = expected_gain(
        chosen, people, effects=effects, second=second, costs=costs, terms=terms, currency=bank.currency, seed=seed
    )
    return WinBack(
        day=pd.Timestamp(bank.date or bank.report_on), currency=bank.currency, lost=lost, year=lost_of_year(lost),
        customers_here=_here(bank), leavers=leavers, compared=compared, reasons=reasons, months=months,
        uninvited=uninvited, effects=effects, returned=returned, second=second, costs=costs, terms=terms,
        scored=scored, chosen=chosen, listed=listed, gain=gain, plan=_plan(scored, chosen, costs, holdout),
        in_peace_count=left_in_peace(bank),
    )  # fmt: skip


def _plan(scored: pd.DataFrame, chosen: pd.DataFrame, costs: Costs, holdout: float) -> TrialPlan:
    """Design the trial of those on the list; its mean effect must pay contacts and preparation."""
    if not len(chosen):
        return plan_trial(np.nan, 0, np.nan, holdout_share=holdout)
    spent = chosen["cost_amount"].sum() + costs.fixed_amount * chosen["channel"].nunique()
    brings = chosen["return_amount"].sum()
    return plan_trial(
        float(chosen["p_uninvited"].mean()), len(chosen), float(spent / brings) if brings > 0 else np.nan,
        holdout_share=holdout,
    )  # fmt: skip


def _here(bank: Bank) -> int:
    left = "where left_on is null" if "left_on" in bank.columns("customers") else ""
    return int(bank.sql(f"select count(*) from customers {left}").fetchall()[0][0])
