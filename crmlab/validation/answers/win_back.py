"""What is true of the numbers of notebook 32: who was lost, who comes back, and what contacts do."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from crmlab.validation.campaign_effects import true_effects
from crmlab.validation.case import Case, Known, TrueValue, Unknown
from crmlab.validation.departures import closing_chances
from crmlab.winback.contact_effects import contact_effects
from crmlab.winback.lost import lost_customers
from crmlab.winback.returning import lost_months

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS", "uninvited_chances"]

NOTEBOOK = "32_win_back"
_YEAR_MONTHS, _FADE_MONTHS = 12, 6
_MARGINS = """
select accounts.customer_id, balance_on as month_on, sum(abs(balance_amount) * margin_share / 12 + fee_amount)
    as margin_amount from balances join accounts using (account_id) join products using (product_id) group by all
"""


def _lost(case: Case) -> Known | Unknown:
    span = _year(case)
    if span is None:
        return Unknown("The day is no month-end, so the last months are not whole.")
    chances = closing_chances(case.truth, *span)
    people = case.truth.table("customers", columns=["customer_id", "is_guest"])
    guests = people.loc[people["is_guest"], "customer_id"]  # they hold no account, so nothing was lost that was theirs
    chances = chances[~chances["customer_id"].isin(guests)]
    return Known(
        float(chances["chance"].sum() + len(_given(case, span))),
        "Sum of every customer's true chances to decide to close, as far as the accounts close in the year; those whom "
        "the first day found on the way out as they came.",
    )


def _margin(case: Case) -> Known | Unknown:
    span = _year(case)
    if span is None:
        return Unknown("The day is no month-end, so the last months are not whole.")
    if not case.bank.has("balances", "accounts", "products"):
        return Unknown("There are no balances.")
    rows = case.bank.to_frame(case.bank.sql(_MARGINS))
    rows["month"] = pd.PeriodIndex(pd.to_datetime(rows["month_on"]), freq="M")
    wide = rows.pivot(index="month", columns="customer_id", values="margin_amount").sort_index()
    # read as the notebook does: up to twelve month-ends that end some months before the accounts close
    year = 12 * wide.rolling(12, min_periods=1).mean().shift(2)
    year = year.fillna(12 * wide.bfill().iloc[0].where(wide.notna().any()), axis=0)
    chances = closing_chances(case.truth, *span)
    known = year.stack().rename("margin_amount").reset_index()
    worth = chances.merge(known, on=["customer_id", "month"], how="left")
    total = float((worth["chance"] * worth["margin_amount"].fillna(0.0)).sum())
    given = lost_customers(case.bank)["margin_amount"].reindex(_given(case, span)).sum()
    return Known(
        total + float(given),
        "Each customer's true chance to decide to close, times what the customer yielded a year up to two months "
        "before, summed over all.",
    )


def uninvited_chances(case: Case, months: pd.DataFrame) -> np.ndarray:
    """Return the planted chance of each lost month, in the order of `crmlab.winback.returning.lost_months`."""
    odds = case.truth.parameters["effects"]["returns"]
    people = case.truth.table("customers", columns=["customer_id", "left_on", "is_main"]).set_index("customer_id")
    mine = people.reindex(months["customer_id"])
    # who comes back in a month has decided at the end of the month before
    decided = pd.PeriodIndex.from_ordinals(months["month"].to_numpy() - 1970 * 12 - 1, freq="M").end_time.normalize()
    since = (pd.DatetimeIndex(decided) - pd.DatetimeIndex(mine["left_on"])).days / 30.4
    score = odds["level"] + odds["month"] * np.clip(since, 0, 60) + odds["main_bank"] * mine["is_main"].to_numpy()
    return expit(np.asarray(score, dtype=float))


def _uninvited(case: Case) -> Known | Unknown:
    lost = lost_customers(case.bank)
    months = lost_months(case.bank, lost, contact_effects(case.bank).contacts)
    alone = months[~months["is_contacted"].astype(bool)]
    if not len(alone):
        return Unknown("Nobody has been away for a whole month.")
    return Known(
        float(uninvited_chances(case, alone).mean()),
        "The planted chance to come back, by months since leaving and main bank, averaged over the months in which the "
        "customers of this bank were away without a contact.",
    )


def _effect(case: Case) -> Known | Unknown:
    trials = contact_effects(case.bank).trials
    effects = case.truth.table("campaign_effects", columns=["contact_id", "effect_share"])
    found = true_effects(trials, effects) if len(trials) else {}
    if "win_back" not in found:
        return Unknown("No randomised campaign to win back has ended.")
    return Known(
        found["win_back"],
        "Mean over all customers chosen, in both arms, of the chance to come back if contacted less the chance if not.",
    )


def _year(case: Case) -> tuple[pd.Period, pd.Period] | None:
    day = pd.Timestamp(case.bank.date)
    if not day.is_month_end:
        return None
    last = day.to_period("M")
    return last - (_YEAR_MONTHS - 1), last


def _given(case: Case, span: tuple[pd.Period, pd.Period]) -> pd.Index:
    """Customers whom the first day found on the way out, and who left in the year."""
    people = case.truth.table("customers").set_index("customer_id")
    left = pd.PeriodIndex(people["left_on"], freq="M")
    within = (left >= span[0]) & (left <= span[1]) & people["is_leaving"] & (people["left_reason"] == "customer")
    return people.index[within & ~people["is_guest"]]


TRUTHS: dict[str, TrueValue] = {
    "lost_count": _lost,
    "lost_margin": _margin,
    "uninvited_rate": _uninvited,
    "contact_effect": _effect,
}
_CAUSES = (
    "A customer leaves by a sum of causes in the simulation, none of which is the reason; the tests hold the reasons "
    "named against the events and complaints that truly raised the chance."
)
_SECOND = (
    "Second lives follow from months of flows in the simulation, none of which states it; the benchmark says more."
)
_LIST = "It follows from the list that was made, and nobody knows what would come of it."
NO_TRUTH: dict[str, str] = {
    "reason_*": _CAUSES,
    "new_lift": _CAUSES,
    "unused_lift": _CAUSES,
    "late_calibration": "1 where the chances are exactly right; but they are learned from few returns.",
    "second_ratio": _SECOND,
    "second_leaving": _SECOND,
    "break_even": _LIST,
    "away_count": "It counts who is on file, in the past.",
    "worth_count": _LIST,
    "listed_count": _LIST,
    "in_peace_count": "It counts who is on file, in the past.",
    "expected_gain": "What a contact does to each customer is known for campaigns that were run, not for this list.",
}
