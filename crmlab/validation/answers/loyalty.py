"""What is true of the numbers of notebook 30: how loyal customers are, and what the programme earns."""

from __future__ import annotations

import math

import pandas as pd

from crmlab.loyalty.programme.invitation import trial_of
from crmlab.validation.answers import satisfaction_index
from crmlab.validation.case import Case, Known, TrueValue, Unknown

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "30_loyalty"


def _trial(goal: str) -> TrueValue:
    def value(case: Case) -> Known | Unknown:
        trial, why = trial_of(case.bank, goal=goal)
        if trial is None:
            return Unknown(f"There is no trial: {why}.")
        effects = case.truth.table("campaign_effects", columns=["contact_id", "effect_share"])
        known = effects[effects["contact_id"].isin(trial.contact_ids)]
        if known.empty:
            return Unknown("The simulation has no effects of these contacts.")
        return Known(
            float(known["effect_share"].mean()),
            "Mean over all customers chosen, in both arms: chance to act if treated less the chance if held out.",
        )

    return value


def _leaving(case: Case) -> Known:
    planted = case.truth.parameters["loyalty_points"]["log_odds_of_members"]["closing"]
    return Known(
        math.exp(planted),
        f"Planted: membership adds {planted:g} to the monthly log odds to decide to close; decisions are rare, so odds "
        "and rates go alike. Members and those like them differ in nothing else that the simulation links to joining, "
        "but for sensitivity to prices.",
    )


def _placebo(case: Case) -> Known:
    return Known(1.0, "Nobody pays more by card before joining because of joining afterwards.")


def _members(case: Case) -> Known:
    day = pd.Timestamp(case.bank.date)
    joined = case.truth.table("members", columns=["customer_id", "member_since_on"])
    since = set(joined.loc[joined["member_since_on"] <= day, "customer_id"])
    people = case.truth.table("customers", columns=["customer_id", "joined_on", "left_on"])
    there = people[(people["joined_on"] <= day) & ~(people["left_on"] <= day)]
    return Known(float(there["customer_id"].isin(since).sum()), "Counted in the truth: members who are customers.")


TRUTHS: dict[str, TrueValue] = {
    "attitude_index": satisfaction_index.TRUTHS["index_loyalty"],
    "members_count": _members,
    "leaving_ratio": _leaving,
    "placebo_ratio": _placebo,
    "retention_effect": _trial("retention"),
    "invitation_effect": _trial("activation"),
}
_BY_CUT = (
    "It depends on where the lines are drawn, on whole-number answers and on what each customer holds; no planted "
    "number states it."
)
_ASSOCIATION = (
    "What goes together follows from all causes that the simulation has, and from errors of the answers; none of its "
    "coefficients states it."
)
_LATER = (
    "What points outstanding buy is known once they have expired, two years later; benchmarks/loyalty.py waits for "
    "that on longer banks and counts."
)
_COUNTED = "Counted in the points account itself; the simulation keeps no second account."
_MARGIN = (
    "Margins grow out of balances, pay and spending; no planted number states what a member's would be without "
    "membership."
)
NO_TRUTH: dict[str, str] = {
    "behaviour_index": "It is a convention: a mean of what the tables show, on scales that were chosen.",
    "true_share": _BY_CUT,
    "latent_share": _BY_CUT,
    "spurious_share": _BY_CUT,
    "none_share": _BY_CUT,
    "left_*_share": _BY_CUT,
    "path_satisfaction": _ASSOCIATION,
    "odds_*": _ASSOCIATION,
    "earned_count": _COUNTED,
    "redeemed_count": _COUNTED,
    "lapsed_count": _COUNTED,
    "outstanding_count": _COUNTED,
    "rewards": _COUNTED,
    "redemption_rate": _LATER,
    "outstanding_rate": _LATER,
    "liability": _LATER,
    "liability_change": _LATER,
    "spending_ratio": "Membership raises the budget for card payments by 6 %, and payments follow as far as there is "
    "money: the effect on payments is smaller. benchmarks/loyalty.py measures it on twins of banks.",
    "naive_spending_ratio": "It mixes what members are with what membership does; it is shown because it misleads.",
    "margin_of_membership": _MARGIN,
    "net_result": _MARGIN,
    "return_share": _MARGIN,
    "break_even": _COUNTED,
    "care_*": "Events are read off the tables by rules that were chosen.",
}
