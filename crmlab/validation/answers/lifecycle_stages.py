"""What is true of the numbers of notebook 40: how often customers are lost, and what they will yield."""

from __future__ import annotations

import pandas as pd

from crmlab.validation.case import Case, Known, TrueValue, Unknown

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "40_lifecycle_stages"
_MONTHS = 12


def _lost_month(case: Case) -> Known | Unknown:
    """Mean true chance to be lost in a month, over the months whose moves the notebook counted."""
    if case.parameters.get("scope", "all") != "all":
        return Unknown("The truth knows the end of the relation, not that of single products.")
    day = pd.Timestamp(case.bank.date)
    if not day.is_month_end:
        return Unknown("The truth is by calendar months.")
    moves = case.truth.table("stage_moves")
    ends = sorted(one for one in moves["month_on"].unique() if one <= day)[-_MONTHS:]
    rows = moves[moves["month_on"].isin(ends) & (moves["stage"] != "lost")]
    at_risk = rows.drop_duplicates(["month_on", "stage"])["customers"].sum()
    if not at_risk:
        return Unknown("Nobody was there a month before.")
    return Known(
        float(rows.loc[rows["next_stage"] == "lost", "expected"].sum() / at_risk),
        "Sum of the true chances to be lost over all customers and months, known just before each month, over the"
        " customer-months at risk.",
    )


def _margin_next_year(case: Case) -> Known | Unknown:
    """Mean over the customers of the day of what each is expected to yield in the next twelve months."""
    if case.parameters.get("scope", "all") != "all":
        return Unknown("The truth knows what a customer yields, not what single products do.")
    day = pd.Timestamp(case.bank.date)
    rows = case.truth.table("expected_value", months=(day, day))
    if not len(rows):
        return Unknown("The truth notes expected values in June and December.")
    people = case.bank.frame("customers", ["customer_id", *(["left_on"] if "left_on" in _columns(case) else [])])
    here = people[people["left_on"].isna()] if "left_on" in people else people
    value = rows.set_index("customer_id")["value"].reindex(here["customer_id"]).fillna(0.0)
    return Known(
        float(value.mean()),
        "Mean over today's customers of the true expected margin and fees of the next twelve month-ends, given all that"
        " the simulation knows, also balances that grow and products yet to be taken.",
    )


def _columns(case: Case) -> tuple[str, ...]:
    return case.bank.columns("customers")


TRUTHS: dict[str, TrueValue] = {
    "lost_month_share": _lost_month,
    "margin_next_year": _margin_next_year,
}
_RULE = (
    "A stage of the report follows from tables by a rule; the simulation's own stage knows of hidden decisions. Tests"
    " say how far both agree (kappa above .7)."
)
_STAGES = ("onboarding", "growth", "maturity", "decline", "dormant", "won_back")
_FAR = "Nothing in the simulation states what a customer yields beyond twelve months, or after a move."
NO_TRUTH: dict[str, str] = {
    **{f"{stage}_share": _RULE for stage in _STAGES},
    "fading_share": _RULE,
    "stayed_share": _RULE,
    "flicker_share": _RULE,
    "decline_*_share": _RULE,
    "lost_year_share": "Counted over the customers of a year ago; the true chances are by months and stages, see the "
    "share lost in a month.",
    **{f"value_{stage}": _FAR for stage in _STAGES},
    "best_move_*": _FAR,
    "recovery_each": _FAR,
    "policy_gain": _FAR,
    "lost_next_year_share": "The simulation states chances a month ahead, not a year ahead.",
    "forecast_*_share": "It is measured on what happened to the stages of the report.",
    "no_change_error_share": "It is measured on what happened to the stages of the report.",
    "ended_share": "Hazards change with age, opinions and the market; no true curve is stated.",
    "top_cause_share": "Hazards change with age, opinions and the market; no true curve is stated.",
    "closing_share": "Counted over those who left.",
    "silent_leaving_share": _RULE,
    "hazard_auc": "It depends on which facts the bank sees.",
    "hazard_slope": "1 where the probabilities are right; they are judged on what came.",
    "kept_year_share": "Joiners of each month face other hazards; no true curve is stated.",
    "joiner_first_year": "What joiners yield follows from what they take up; nothing states it by channel.",
}
