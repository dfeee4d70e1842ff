"""Whom to call, on the page: consent first, then what contacts have shown, then the list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.churn.learning.reasons import top_reasons
from crmlab.churn.pages.model_evidence import why_reasons
from crmlab.churn.persuasion.whom_to_call import WhomToCall, whom_to_call
from crmlab.churn.study import ChurnStudy
from crmlab.outreach.calling import call_list
from crmlab.outreach.policy import may_contact

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Calling", "break_even_table", "calling_on", "effects_chart", "lists_chart"]

_CHANNEL = "phone"
_DAYS = 30  # after which a score of this kind is stale
# how `crmlab.charts.dots` draws effects and lists
effects_chart = {"label": "contacts", "value": "effect", "low": "effect_low", "high": "effect_high",
                 "quantity": "Left more (above 0) or less often", "unit": "share", "baseline": 0}  # fmt: skip
lists_chart = {"label": "shown", "value": "profit", "low": "profit_low", "high": "profit_high",
               "quantity": "Profit of the list", "baseline": 0}  # fmt: skip


@dataclass(frozen=True)
class Calling:
    """The list and what it rests on.

    Parameters
    ----------
    whom : WhomToCall or None
        None where nobody may be called or nobody was scored; `why` says why.
    why : str
    suppressed : DataFrame
        Customers scored whom the bank may not call now, by reason: ``why_not``, ``customers_count``.
    actions : DataFrame
        The list for `crmlab.findings.Findings.actions`; may have no row.
    """

    whom: WhomToCall | None
    why: str
    suppressed: pd.DataFrame
    actions: pd.DataFrame


def calling_on(
    bank: Bank, study: ChurnStudy, *, calls_count: int = 0, budget_amount: float = 0.0, seed: int = 1
) -> Calling:
    """Decide whom to call among those whom the bank may call.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    study : ChurnStudy
    calls_count : int
        Calls that can be made; 0 for no limit.
    budget_amount : float
        Money that may be spent; 0 for no limit.
    seed : int

    Returns
    -------
    Calling

    Notes
    -----
    Consent to calls, rest after a contact and running trials come before any score. Reasons in words are added to the
    list; they say what the customer looks like to the model, not why he leaves.
    """
    nothing = pd.DataFrame({"why_not": [], "customers_count": []})
    if study.now is None or not len(study.now):
        return Calling(None, study.why or "nobody is to be scored", nothing, pd.DataFrame())
    if study.window is None:
        return Calling(None, "a flat file knows no consent, no contact and no cost", nothing, pd.DataFrame())
    policy = may_contact(bank, channels=(_CHANNEL,)).reindex(study.now.index)
    why_not = policy.loc[policy["why_not"] != "", "why_not"].value_counts()
    counts = why_not.rename_axis("why_not").rename("customers_count").reset_index()
    who = study.now.index[policy["why_not"] == ""]
    if not len(who):
        return Calling(None, "no customer who was scored may be called now", counts, pd.DataFrame())
    knows_cost = bank.has("contacts.cost_amount")
    columns = ["p_churn", "value_amount"] if study.has_money and knows_cost else ["p_churn"]
    whom = whom_to_call(
        bank, study.now.loc[who, columns], study.panel.now.loc[who], channel=_CHANNEL, capacity=calls_count or None,
        budget_amount=budget_amount or None, contact_cost_amount=None if knows_cost else 0.0, seed=seed,
    )  # fmt: skip
    return Calling(whom, "", counts, _actions(study, whom, seed))


def _actions(study: ChurnStudy, whom: WhomToCall, seed: int) -> pd.DataFrame:
    """Make the list: channel, expiry, hold-out, probability, value and expected net value, reasons in words."""
    if not len(whom.reasons):
        return pd.DataFrame()
    listed = whom.reasons.index
    made = call_list(whom.reasons, study.panel.now.loc[listed], day=str(study.day), days=_DAYS,
                     holdout_share=whom.holdout_share, seed=seed)  # fmt: skip
    said = top_reasons(study.model, study.panel.now.loc[listed], why_reasons(study), top=3)
    words = said[[c for c in said if c.startswith("reason_")]].apply(
        lambda row: "; ".join(text for text in row if isinstance(text, str) and text), axis=1
    )
    found = whom.customers.loc[listed]
    made = made.assign(channel=_CHANNEL, looks_like=words, p_churn=found["p_churn"].round(4))
    if study.has_money and "value_amount" in study.now:
        made = made.assign(value_amount=study.now.loc[listed, "value_amount"].round(2))
    if whom.mode in ("single_effects", "mean_effect"):
        made = made.assign(expected_net_value_amount=found["net_value_amount"].round(2))
    elif study.has_money:  # no effect is shown: what a call must achieve, not what it earns
        made = made.assign(break_even_share=found["break_even_share"].round(4))
    return made


def break_even_table(calling: Calling) -> pd.DataFrame | None:
    """Return by risk how many of those called must be kept for a call to pay."""
    if calling.whom is None or not len(calling.whom.break_even.frame):
        return None
    frame = calling.whom.break_even.frame
    shown = frame[["risk_group", "customers_count", "p_churn", "value_amount", "said", "of_leavers_share"]]
    return shown.rename(
        columns={
            "p_churn": "chance_to_leave_share",
            "said": "must_keep_of_those_called",
            "of_leavers_share": "must_keep_of_leavers_share",
        }
    ).replace([np.inf], np.nan)
