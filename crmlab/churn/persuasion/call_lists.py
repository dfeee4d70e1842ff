"""Are some customers easier to keep than others, and what do rival lists earn? Judged in the randomised trial."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crmlab.churn.persuasion.retention_trial import RetentionTrial
from crmlab.stats import Evidence
from crmlab.stats.effect_curves import gain_curve
from crmlab.stats.effect_learners import cross_fitted_effects
from crmlab.stats.heterogeneity import Heterogeneity, calibrated_effects, heterogeneity
from crmlab.stats.list_profit import ListComparison, compare_lists
from crmlab.stats.targeting import LISTS, list_rankings

__all__ = ["JudgedLists", "judged_lists", "why_not_judged"]

_FEWEST = 100  # contacts in an arm before single effects are looked for
_FEWEST_LEAVERS = 20  # leavers in the trial, below which nobody can tell who was kept


@dataclass(frozen=True)
class JudgedLists:
    """What the trial says of single effects and of lists.

    Parameters
    ----------
    found : DataFrame
        One row a contact: effects and scores, cross-fitted; ``p_churn`` from those held out, ``value_amount``,
        ``cost_amount``, ``net_amount`` (score x value - cost).
    heterogeneity : Heterogeneity
    compared : ListComparison
    persuadable : Evidence
        Effect on staying in groups by predicted effect: for `charts.dots`.
    lists : Evidence
        Profit of each list: for `charts.bars` or `charts.dots`.
    curve : Evidence
        Profit by length of the list by risk and of that by effect: for `charts.profit_by_length`.
    """

    found: pd.DataFrame
    heterogeneity: Heterogeneity
    compared: ListComparison
    persuadable: Evidence
    lists: Evidence
    curve: Evidence


def why_not_judged(trial: RetentionTrial) -> str:
    """Say why single effects cannot be looked for in this trial; "" where they can."""
    if not trial.can_be_read:
        return trial.alarm or trial.why_not
    rows = trial.rows.loc[trial.features.index]
    smaller = int(rows["is_treated"].value_counts().reindex([True, False]).fillna(0).min())
    if smaller < _FEWEST:
        return f"the smaller arm has {smaller:,} contacts, fewer than the {_FEWEST} that single effects need"
    leavers = int(rows["left"].sum())
    if leavers < _FEWEST_LEAVERS:
        return f"{leavers} customers of the trial left, fewer than the {_FEWEST_LEAVERS} that single effects need"
    return "" if trial.columns else "the bank knows no features of the customers before the contact"


def judged_lists(
    trial: RetentionTrial, value: pd.Series | None, *, currency: str = "", longest: float = 1.0, seed: int = 1
) -> JudgedLists:
    """Look for single effects in the trial, and judge rival lists by profit on customers no model saw.

    Parameters
    ----------
    trial : RetentionTrial
        For which `why_not_judged` is empty.
    value : Series of float or None
        What is lost when the customer leaves, by contact, as known before the contact. None: lists are judged by the
        customers that they keep, and cost nothing.
    currency : str
        Code.
    longest : float
        Longest list allowed, share.
    seed : int
        Of the folds.
    """
    features = trial.features[trial.columns]
    rows = trial.rows.loc[features.index]
    found = cross_fitted_effects(
        features, rows["stayed"], rows["is_treated"], treated_share=rows["treated_share"],
        customers=rows["customer_id"], seed=seed,
    )  # fmt: skip
    verdict = heterogeneity(found, customers=rows["customer_id"])
    kind = verdict.best or "effect_dr"
    cost = rows.loc[rows["is_treated"], "cost_amount"].groupby(rows["channel"]).mean()
    found = found.assign(
        p_churn=1 - found["held_out_mean"],
        effect=calibrated_effects(found, kind),
        value_amount=1.0 if value is None else value.reindex(found.index).astype(float),
        cost_amount=0.0 if value is None else rows["channel"].map(cost).fillna(0.0),
    )
    unit = "customers" if value is None else currency
    worth = found.dropna(subset=["value_amount"])
    worth = worth.assign(net_amount=worth["score"] * worth["value_amount"] - worth["cost_amount"])
    customers = rows.loc[worth.index, "customer_id"]
    compared = compare_lists(worth, customers=customers, longest=longest, unit=unit)
    return JudgedLists(
        worth, verdict, compared, _persuadable(verdict), _lists(compared, unit, len(worth)),
        _curve(worth, customers, unit, seed),
    )  # fmt: skip


def _persuadable(verdict: Heterogeneity) -> Evidence:
    frame = verdict.groups.assign(group=lambda f: "group " + f["group"].astype("str"))
    frame.loc[frame.index[0], "group"] += " (most to be kept, as predicted)"
    estimates = {f"persuasion_{name}": value for name, value in verdict.estimates.items()}
    title = "Some customers are easier to keep, and we can tell who" if verdict.is_usable else (
        "Who can be kept by a contact cannot be told from this trial"
    )  # fmt: skip
    about = "Effect of a contact on staying, points, in groups by predicted effect; customers no model saw; 95 %"
    return Evidence(frame, title, about, verdict.verdict, estimates)


def _lists(compared: ListComparison, unit: str, n: int) -> Evidence:
    frame = compared.frame[compared.frame["list"] != "nobody"].reset_index(drop=True)
    frame = frame.assign(shown=frame["name"].where(frame["flag"] == "", frame["name"] + " (flagged)"))
    title = "No list is shown to earn money" if compared.picked == "nobody" else (
        f"The list {LISTS.get(compared.picked, compared.picked)} earns most"
    )  # fmt: skip
    money = "customers kept" if unit == "customers" else f"{unit} less cost"
    estimates = {f"list_profit_{row.list}": compared.profit(row.list, unit) for row in frame.itertuples()}
    about = f"Profit a customer of the trial, {money}; {n:,} contacts, lists made by models that did not see them; 95 %"
    return Evidence(frame, title, about, compared.reading, estimates)


def _curve(found: pd.DataFrame, customers: pd.Series, unit: str, seed: int) -> Evidence:
    rankings = list_rankings(found)
    parts = []
    for name in ("risk", "effect_value"):
        curve = gain_curve(rankings[name], found["net_amount"], folds=found["fold"], customers=customers, seed=seed)
        parts.append(curve.assign(list=LISTS[name]))
    frame = pd.concat(parts, ignore_index=True)
    best = frame.loc[frame["gain"].idxmax()]
    about = f"Profit a customer of the trial, {unit or 'money'}, by share called; 95 % at each length; grey: by chance"
    return Evidence(
        frame,
        "What a list earns by its length",
        about,
        f"The best length looks like {100 * best['treated_share']:.0f} % {best['list']}, but the best of many lengths "
        "looks better than it is: the comparison of lists takes lengths from other customers.",
    )
