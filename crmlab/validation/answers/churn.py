"""What is true of the numbers of notebook 31: who will leave, why, and whom to call."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crmlab.bank import Bank
from crmlab.churn.definitions.definition import Closing, read_definition
from crmlab.churn.definitions.labels import eligible, label_dates
from crmlab.churn.panel import training_dates
from crmlab.outreach.trials import campaign_contacts
from crmlab.snapshots.dates import add_months
from crmlab.snapshots.outcome import outcome_window
from crmlab.validation.case import Case, Known, TrueValue, Unknown
from crmlab.validation.truth import Truth

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS", "expected_closings", "expected_from_today"]

NOTEBOOK = "31_churn"
_LAB_MONTHS = 6
_NOT_CLOSING = (
    "What makes customers close is planted by month; of other ways to leave only the decision is, not the fading."
)


def expected_closings(truth: Truth, customers: pd.Index, start: dt.date, end: dt.date) -> float:
    """Add up the true chances of customers to close in whole months, each given what went before.

    Parameters
    ----------
    truth : Truth
    customers : Index
        Who is asked about.
    start, end : date
        First day of the first month, last day of the last.

    Notes
    -----
    Who decides in a month to close does so two to five months later, each as likely. A count less the sum of its
    chances is 0 on average.
    """
    delays = _delays(truth)
    first, last = pd.Period(start, "M"), pd.Period(end, "M")
    read = (first - max(delays)).start_time.date(), last.end_time.date()
    rows = truth.table("months", columns=["customer_id", "month_on", "hazard_of_closing"], months=read)
    rows = rows[rows["customer_id"].isin(customers)]
    decided = pd.PeriodIndex(rows["month_on"], freq="M").asi8
    weight = np.zeros(len(rows))
    for delay in delays:
        weight += ((decided + delay >= first.ordinal) & (decided + delay <= last.ordinal)) / len(delays)
    return float((rows["hazard_of_closing"].to_numpy(dtype=float) * weight).sum())


def expected_from_today(truth: Truth, customers: pd.Index, day: dt.date, start: dt.date, end: dt.date) -> float:
    """Add up true chances to close in months after a day, from what is true on the day.

    Who had decided closes with the chance of the delays that are still open; the others decide with the chance of the
    day's month, as if it lasted.
    """
    delays = np.array(list(_delays(truth)))
    now, first, last = (pd.Period(x, "M").ordinal for x in (day, start, end))
    rows = truth.table("months", columns=["customer_id", "month_on", "status", "hazard_of_closing"],
                       months=(day.replace(day=1), day))  # fmt: skip
    rows = rows[rows["customer_id"].isin(customers)].set_index("customer_id")
    pairs = sum(1 for k in range(1, last - now + 1) for d in delays if first <= now + k + d <= last) / len(delays)
    undecided = rows.loc[rows["status"] == "active", "hazard_of_closing"].astype(float).sum() * pairs
    leaving = rows.index[rows["status"] == "leaving"]
    made = truth.table("departures", columns=["customer_id", "month_on", "kind"])
    made = made[(made["kind"] == "closing") & made["customer_id"].isin(leaving)]
    decided = pd.PeriodIndex(made["month_on"], freq="M").asi8
    decided = decided[decided <= now]
    certain = 0.0
    for month in decided:
        open_still = delays[month + delays > now]
        if len(open_still):
            certain += float(np.mean((month + open_still >= first) & (month + open_still <= last)))
    return float(undecided) + certain


def _delays(truth: Truth) -> range:
    plan = truth.parameters["leaving"]["delay"]
    return range(int(plan["months_low"]), int(plan["months_high"]) + 1)


def _definition(case: Case) -> Closing | None:
    """The definition asked for, where it is the end of the whole relation and nothing was kept; else None."""
    text, months = case.parameters.get("definition") or "closing", int(case.parameters.get("outcome_months") or 0)
    found = read_definition(str(text), outcome_months=months)
    return found if isinstance(found, Closing) and not found.families else None


def _day(bank: Bank) -> dt.date:
    return bank.date or bank.report_on


def _is_month_end(day: dt.date) -> bool:
    return (day + dt.timedelta(days=1)).day == 1


def _leavers(case: Case) -> Known | Unknown:
    definition, day = _definition(case), _day(case.bank)
    if definition is None:
        return Unknown(_NOT_CLOSING)
    if not _is_month_end(day):
        return Unknown("The truth is written at the ends of months.")
    why = eligible(case.bank, day, definition)
    window = outcome_window(day, definition.gap_months, definition.outcome_months)
    return Known(
        expected_from_today(case.truth, why.index[why == ""], day, window.start, window.end),
        "Sum of the true chances to close in the window, from what is true on the day: of those who had decided by the "
        "months still open, of the others by the chance of the day's month, as if it lasted.",
    )


def _base_share(case: Case) -> Known | Unknown:
    definition, day = _definition(case), _day(case.bank)
    if definition is None:
        return Unknown(_NOT_CLOSING)
    dates = training_dates(case.bank, definition)
    if not _is_month_end(day) or not dates:
        return Unknown("The truth is written at the ends of months.")
    found = label_dates(case.bank, dates, definition)
    expected = sum(expected_closings(case.truth, one.frame.index, *one.window) for one in found)
    rows = sum(len(one.frame) for one in found)
    return Known(
        expected / rows if rows else float("nan"),
        "Mean true chance to close in the window, of the same customers and dates.",
    )


def _rate_closing(case: Case) -> Known | Unknown:
    day = _day(case.bank)
    if not _is_month_end(day):
        return Unknown("The truth is written at the ends of months.")
    one = label_dates(case.bank, [add_months(day, -_LAB_MONTHS)], Closing(outcome_months=_LAB_MONTHS, gap_months=0))[0]
    if not len(one.frame):
        return Unknown("Nobody was in question.")
    return Known(
        expected_closings(case.truth, one.frame.index, *one.window) / len(one.frame),
        "Mean true chance to close in these months, of the same customers.",
    )


def _effect(channel: str = "") -> TrueValue:
    def known(case: Case) -> Known | Unknown:
        rows = campaign_contacts(case.bank, goal="retention")
        rows = rows[rows["is_randomised"]]
        rows = rows[rows["channel"] == channel] if channel else rows
        if not len(rows):
            return Unknown("No such contacts were drawn by lot.")
        effects = case.truth.table("campaign_effects", columns=["contact_id", "effect_share"])
        both = rows.merge(effects, on="contact_id")
        return Known(
            -float(both["effect_share"].mean()),
            "Mean over all customers chosen, in both arms, of the chance to leave if contacted less that if held out.",
        )

    return known


TRUTHS: dict[str, TrueValue] = {
    "leavers_count": _leavers,
    "base_share": _base_share,
    "rate_closing": _rate_closing,
    "retention_effect": _effect(),
    **{f"retention_effect_{name}": _effect(name) for name in ("phone", "email", "sms", "social")},
}
_RANKING = (
    "How well customers can be told apart follows from what the tables show of their causes; nothing planted says it."
)
_SILENCE = (
    "Planted is the decision to fall silent and the fading after it; who is called silent by a rule on balances and "
    "bookings includes customers whose money ran out."
)
_LIST = "It follows from the list of these customers and from costs, not from what was planted."
NO_TRUTH: dict[str, str] = {
    "scored_count": "A count of those in question by the rule of the definition; it is no estimate.",
    "margin_at_stake": "Margins are counted from the tables; what goes with whom leaves by chance nobody planted.",
    "auc": _RANKING,
    "lift_10": _RANKING,
    "rule_auc": _RANKING,
    "logistic_auc": _RANKING,
    "*_auc_difference": _RANKING,
    "rate_silent": _SILENCE,
    "rate_value_loss": _SILENCE,
    "false_silence_share": _SILENCE,
    "silence_before_closing_share": _SILENCE,
    "silence_lead_days": _SILENCE,
    "break_even_share": _LIST,
    "of_leavers_share": _LIST,
    "list_*": _LIST,
    "trial_*": "A property of the planned trial, not of the bank.",
    "persuasion_*": "The order of single effects found in a trial of this size; planted is each effect, not the curve.",
}
