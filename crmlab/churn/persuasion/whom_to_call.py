"""Whom to call so that they stay: the decision, and the list with what each call is expected to earn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.churn.persuasion.break_even import break_even_by_risk, one_in
from crmlab.churn.persuasion.call_lists import JudgedLists, judged_lists, why_not_judged
from crmlab.churn.persuasion.expected_gain import gain_by_mean_effect, gain_by_single_effects
from crmlab.churn.persuasion.retention_trial import RetentionTrial, retention_trial
from crmlab.churn.persuasion.trial_design import trial_design
from crmlab.churn.persuasion.trial_effects import effect_on_leaving, trial_effects
from crmlab.errors import refuse
from crmlab.stats import Estimate, Evidence, share_text
from crmlab.stats.targeting import break_even_effect, within_limits

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["MODES", "WhomToCall", "whom_to_call"]

# what the list rests on, and what it is for
MODES = {
    "single_effects": "expected net value by effects learned in the trial",
    "mean_effect": "expected net value by the mean effect of the trial",
    "trial_first": "to find out by a trial whether calls keep customers",
    "harm": "nobody: contacts did harm",
}
_GAINS = ["effect", "net_value_amount", "net_low_amount", "net_high_amount", "judged_net_amount"]


@dataclass(frozen=True)
class WhomToCall:
    """The decision and what it rests on.

    Parameters
    ----------
    mode : str
        One of `MODES`.
    answer : str
        Two or three sentences for the first lines of a page.
    customers : DataFrame
        Everybody scored, indexed by ``customer_id``, the list first: ``p_churn``, ``value_amount``,
        ``break_even_share``, ``effect``, ``net_value_amount``, ``net_low_amount``, ``net_high_amount`` (money; not
        known where no trial says anything), ``is_chosen``, ``reason``.
    reasons : Series of str
        For `crmlab.outreach.calling.call_list`, in the order of calling.
    holdout_share : float
        Share of the list to be held out by lot.
    trial : RetentionTrial
        All retention contacts drawn by lot.
    effects, break_even, design : Evidence
        Effect on leaving by channel; break-even by risk; the next trial.
    judged : JudgedLists or None
        Single effects and lists; None where `why_no_lists` says why.
    why_no_lists : str
        Why lists cannot be judged.
    cost_amount : float
        Of a call.
    estimates : dict of str to Estimate
        All numbers by name.
    """

    mode: str
    answer: str
    customers: pd.DataFrame
    reasons: pd.Series
    holdout_share: float
    trial: RetentionTrial
    effects: Evidence
    break_even: Evidence
    design: Evidence
    judged: JudgedLists | None
    why_no_lists: str
    cost_amount: float
    estimates: dict[str, Estimate] = field(default_factory=dict)


def whom_to_call(
    bank: Bank,
    scored: pd.DataFrame,
    seen: pd.DataFrame,
    *,
    budget_amount: float | None = None,
    capacity: int | None = None,
    contact_cost_amount: float | None = None,
    channel: str = "phone",
    trial_values: pd.Series | None = None,
    kept_share: float = 0.2,
    holdout_share: float = 0.5,
    seed: int = 1,
) -> WhomToCall:
    """Decide whom to call so that they stay, by what randomised campaigns have shown.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    scored : DataFrame
        Indexed by ``customer_id``: ``p_churn`` (0 to 1) and, where known, ``value_amount`` (lost when the customer
        leaves; negative where the customer costs money).
    seen : DataFrame
        Snapshot of the same customers.
    budget_amount, capacity : optional
        Money that may be spent; customers who can be called. None: no limit; 0: nobody.
    contact_cost_amount : float, optional
        Of a call; None: mean cost of those contacted by this channel in retention campaigns.
    channel : str
        Channel of the calls; the trial by this channel decides, or all channels where it was not tried.
    trial_values : Series of float, optional
        What would have been lost with each customer of the trial, by ``contact_id``, as known before the contact. None:
        margin of the twelve months before, times the value for each coin of margin among those scored.
    kept_share : float
        Smallest share of would-be leavers kept that a new trial should find.
    holdout_share : float
        Of the next list.
    seed : int

    Returns
    -------
    WhomToCall

    Notes
    -----
    In this order. Arms not as drawn: no effect is used. More left among the contacted: nobody is called. Single effects
    usable and a list by effect shown to earn money: net value = effect x value - cost. Mean effect shown: net value =
    p_churn x share kept x value - cost. Else a trial comes first, and the list is its list: the highest risk among
    those where a call would pay if it kept `kept_share` of would-be leavers.
    """
    stakes = _checked(scored, seen, holdout_share)
    has_value = "value_amount" in stakes
    trial = retention_trial(bank)
    a_call = _cost(trial, channel, contact_cost_amount, has_value)
    cost = a_call if has_value else 0.0  # customers and money cannot be set against each other
    if not has_value:
        stakes = stakes.assign(value_amount=1.0)
    unknown = int(stakes["value_amount"].isna().sum())
    stakes = stakes.dropna(subset=["value_amount"])
    effects = trial_effects(trial)
    tried = trial.channel(channel) if trial.can_be_read and (trial.rows["channel"] == channel).any() else trial
    why = why_not_judged(tried)
    judged = None if why else judged_lists(
        tried, _trial_values(tried, stakes, seen, trial_values) if has_value else None, currency=bank.currency,
        longest=_longest(len(stakes), cost, budget_amount, capacity), seed=seed,
    )  # fmt: skip
    mode, found = _decided(stakes, seen, tried, judged, cost, seed)
    stakes = stakes.assign(break_even_share=break_even_effect(stakes["value_amount"], cost)).join(found)
    chosen = _chosen(mode, stakes, cost, kept_share, budget_amount, capacity)
    customers = _ranked(stakes.assign(is_chosen=chosen), mode, has_value)
    months = trial.months if np.isfinite(trial.months) else 7.0
    design = trial_design(
        stakes[stakes["break_even_share"] < stakes["p_churn"]], cost_amount=a_call, kept_share=kept_share,
        holdout=holdout_share or 0.5, outcome_months=months, left_share=_left(tried),
        customers_a_month=min(_a_month(trial, channel, capacity, len(stakes)), max(len(stakes), 1) / months),
    )  # fmt: skip
    break_even = break_even_by_risk(stakes, cost_amount=cost, currency=bank.currency) if has_value else Evidence(
        pd.DataFrame(), "", "", "What a customer is worth is not known here, so no break-even effect can be given."
    )  # fmt: skip
    reasons = customers.loc[customers["is_chosen"], "reason"].rename("reason")
    unit = bank.currency if has_value else "customers"
    estimates = {**effects.estimates, **break_even.estimates, **design.estimates, **_sums(customers, mode, unit)}
    if judged is not None:
        estimates |= judged.persuadable.estimates | judged.lists.estimates
    answer = _answer(mode, customers, estimates, trial, tried, judged, break_even, unknown)
    known = {name: one for name, one in estimates.items() if np.isfinite(one.value)}
    return WhomToCall(
        mode, answer, customers, reasons, holdout_share, trial, effects, break_even, design, judged, why, a_call, known
    )


def _checked(scored: pd.DataFrame, seen: pd.DataFrame, holdout_share: float) -> pd.DataFrame:
    lacking = int((~scored.index.isin(seen.index)).sum())
    p = scored["p_churn"] if "p_churn" in scored else pd.Series(dtype=float)
    wrong = int((~p.between(0, 1)).sum())
    refuse(
        *([] if "p_churn" in scored else
          [f"whom_to_call: scored lacks column 'p_churn'; it has {list(scored.columns)}."]),
        *([f"whom_to_call: {wrong:,} of {len(p):,} values of p_churn are no probability. Give values from 0 to 1."]
          if wrong else []),
        *([] if scored.index.is_unique else
          ["whom_to_call: some customers are scored twice. Give one row a customer."]),
        *([f"whom_to_call: {lacking:,} scored customers are not in the snapshot. Score the customers of the snapshot."]
          if lacking else []),
        *([] if 0 <= holdout_share < 1 else
          [f"whom_to_call: holdout_share is {holdout_share}. Give 0 or more, below 1."]),
    )  # fmt: skip
    names = [name for name in ("p_churn", "value_amount") if name in scored]
    return scored[names].astype(float).sort_index().rename_axis("customer_id")


def _cost(trial: RetentionTrial, channel: str, given: float | None, has_value: bool) -> float:
    if given is not None:
        refuse(*([] if given >= 0 else [f"whom_to_call: contact_cost_amount is {given}. Give 0 or more."]))
        return float(given)
    rows = trial.rows
    costs = (
        rows.loc[rows["is_treated"] & (rows["channel"] == channel), "cost_amount"]
        if len(rows)
        else pd.Series(dtype=float)
    )
    mean = float(costs.mean()) if costs.notna().any() else np.nan
    if np.isnan(mean) and has_value:
        refuse(
            f"whom_to_call: no contact by {channel} in a retention campaign shows its cost. Give contact_cost_amount."
        )
    return 0.0 if np.isnan(mean) else mean


def _longest(n: int, cost: float, budget: float | None, capacity: int | None) -> float:
    limits = [1.0]
    if capacity is not None:
        limits.append(capacity / max(n, 1))
    if budget is not None and cost > 0:
        limits.append(budget / (cost * max(n, 1)))
    return float(np.clip(min(limits), 0, 1))


def _trial_values(
    trial: RetentionTrial, stakes: pd.DataFrame, seen: pd.DataFrame, given: pd.Series | None
) -> pd.Series | None:
    if given is not None:
        return given
    if "margin_12m_amount" not in trial.features or "margin_12m_amount" not in seen:
        return None
    margin = seen["margin_12m_amount"].reindex(stakes.index)
    each = float(stakes["value_amount"].sum() / margin.sum()) if margin.sum() > 0 else np.nan
    return trial.features["margin_12m_amount"] * each if np.isfinite(each) else None


def _decided(
    stakes: pd.DataFrame, seen: pd.DataFrame, trial: RetentionTrial, judged: JudgedLists | None, cost: float, seed: int
) -> tuple[str, pd.DataFrame]:
    """Choose what the list rests on, and compute what each call is expected to earn."""
    nothing = pd.DataFrame(np.nan, stakes.index, _GAINS)
    if not trial.can_be_read:
        return "trial_first", nothing
    effect = effect_on_leaving(trial)
    if not np.isfinite(effect.value):
        return "trial_first", nothing
    if effect.low > 0:
        return "harm", nothing
    if judged is not None and judged.heterogeneity.is_usable and judged.compared.picked in ("effect", "effect_value"):
        return "single_effects", gain_by_single_effects(stakes, seen, trial, judged, cost_amount=cost, seed=seed)
    left = _left(trial)
    if not left:
        return "trial_first", nothing
    return (
        "mean_effect" if effect.high < 0 else "trial_first",
        gain_by_mean_effect(stakes, effect, left, cost_amount=cost),
    )


def _left(trial: RetentionTrial) -> float | None:
    """Share of those held out that left; None where it is not known or 0."""
    if not trial.can_be_read:
        return None
    share = float(trial.rows.loc[~trial.rows["is_treated"], "left"].mean())
    return share if share > 0 else None


def _chosen(
    mode: str, stakes: pd.DataFrame, cost: float, kept_share: float, budget: float | None, capacity: int | None
) -> pd.Series:
    if mode == "harm" or not len(stakes):
        within_limits(pd.Series(dtype=float), cost, budget=budget, capacity=capacity)  # a slip is told all the same
        return pd.Series(False, index=stakes.index)
    net = stakes["net_value_amount"]
    if mode == "trial_first":  # where a call would pay if it kept as many as the trial is to find, the highest risk
        pays = stakes["p_churn"] * kept_share * stakes["value_amount"] > cost
        net = stakes["p_churn"].where(pays, 0.0)
    return within_limits(net, cost, budget=budget, capacity=capacity)


def _ranked(stakes: pd.DataFrame, mode: str, has_value: bool) -> pd.DataFrame:
    key = stakes["p_churn"] if mode in ("trial_first", "harm") else stakes["net_value_amount"]
    order = np.lexsort((stakes.index.astype(str).to_numpy(dtype=object), -key, ~stakes["is_chosen"]))
    customers = stakes.iloc[order]
    risk = [f"{share_text(p)} expected to leave" for p in customers["p_churn"]]
    if mode == "trial_first":
        end = [f"; trial: a call pays if it keeps {one_in(s)} like this" if has_value else "; trial of calls"
               for s in customers["break_even_share"]]  # fmt: skip
    else:
        end = [f"; a call is expected to keep {one_in(e)}" for e in customers["effect"]]
    return customers.assign(reason=[r + e for r, e in zip(risk, end, strict=True)])


def _sums(customers: pd.DataFrame, mode: str, unit: str) -> dict[str, Estimate]:
    chosen = customers[customers["is_chosen"]]
    found = {"list_customers": Estimate(float(len(chosen)), "count", n=len(customers))}
    if mode in ("single_effects", "mean_effect") and len(chosen):
        low, value, high = (float(chosen[f"{part}_amount"].sum()) for part in ("net_low", "judged_net", "net_high"))
        found["list_net_value"] = Estimate(
            value, unit, low, high, len(chosen), "limits of the effect, for all together"
        )
    return found


def _a_month(trial: RetentionTrial, channel: str, capacity: int | None, n: int) -> float:
    """Customers who can enter a trial each month: what can be called, else as many as before, else all in a year."""
    if capacity:
        return float(capacity)
    rows = trial.rows
    if len(rows):
        part = rows[rows["channel"] == channel]
        part = part if len(part) else rows
        return max(len(part) / max((part["started_on"].max() - part["started_on"].min()).days / 30.44 + 1, 1), 1.0)
    return max(n / 12, 1.0)


def _answer(
    mode: str, customers: pd.DataFrame, estimates: dict[str, Estimate], trial: RetentionTrial, tried: RetentionTrial,
    judged: JudgedLists | None, break_even: Evidence, unknown: int,
) -> str:  # fmt: skip
    count = f"{int(customers['is_chosen'].sum()):,}"
    aside = f" {unknown:,} customers whose value is not known are left out." if unknown else ""
    if mode == "harm":
        return f"Call nobody: in the trial more customers left after these contacts than without.{aside}"
    if mode == "trial_first":
        why = trial.alarm or (f"There is no trial to learn from: {trial.why_not}." if trial.why_not else
               "The trials so far do not show that contacts keep anybody.")  # fmt: skip
        need = estimates.get("trial_customers")
        size = f" A trial that would show it needs {need.value:,.0f} customers." if need else ""
        pays = f" {break_even.reading}" if break_even.reading and len(break_even.frame) else ""
        listed = f"so {count} customers are listed for a trial, not to be called for gain."
        rest = f"{listed}{size}{pays}{aside}"
        return f"{why} Risk is not persuadability, {rest}"
    net = estimates.get("list_net_value")
    earns = f" Expected to earn {net.short} in all (95 % interval {net.interval})." if net else ""
    if mode == "single_effects":
        return f"Call {count} customers by expected net value: the trial shows who can be kept.{earns}{aside}"
    flagged = ""
    if judged is not None:
        row = judged.compared.frame.set_index("list")
        if "risk_value" in row.index and row.loc["risk_value", "flag"]:
            flagged = f" In the trial itself a list by risk x value is flagged: {row.loc['risk_value', 'flag']}."
    return (
        f"Call {count} customers: contacts keep customers on average, and it is not shown who more than others.{earns}"
        f"{flagged}{aside}"
    )
