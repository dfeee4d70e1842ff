"""The first lines of the page on leaving, and the labels of its numbers."""

from __future__ import annotations

from crmlab.churn.learning.model_card import ModelCard, model_card
from crmlab.churn.pages.calling import Calling
from crmlab.churn.study import ChurnStudy
from crmlab.errors import CrmlabError
from crmlab.snapshots.dates import add_months
from crmlab.stats.estimate import Estimate
from crmlab.stats.evidence import Evidence
from crmlab.stats.intervals import proportion
from crmlab.stats.targeting import LISTS

__all__ = ["LABELS", "card", "headline", "numbers", "quality", "to_do"]

_CHANNELS = {"phone": "phone", "email": "e-mail", "sms": "SMS", "social": "social media", "branch": "branch"}
_LISTS = {**LISTS, "everybody": "everybody", "nobody": "nobody", "chance": "by lot"}

LABELS = {
    "leavers_count": "Expected to leave in the window",
    "scored_count": "Customers in question today",
    "base_share": "Left, of the rows learned from",
    "margin_at_stake": "Yearly margin expected to go with them",
    "auc": "AUC of the model, out of time, within a date",
    "lift_10": "Leavers in the first tenth of the list, against a list by lot",
    "rule_auc": "AUC of the rule",
    "logistic_auc": "AUC of the spline logistic regression",
    "rule_auc_difference": "AUC, model less rule",
    "logistic_auc_difference": "AUC, model less spline logistic regression",
    "rate_closing": "End the relation within the lab's window",
    "rate_silent": "Fall silent within the lab's window",
    "rate_value_loss": "Lose half their margin within the lab's window",
    "false_silence_share": "Called silent, and active again within 6 months",
    "silence_before_closing_share": "Closings that were seen as silence before",
    "silence_lead_days": "Days from that silence to the closing, median",
    "retention_effect": "Leaving after contacts drawn by lot, less those held out",
    "break_even_share": "Of the riskiest tenth, share that a call must keep to pay",
    "of_leavers_share": "The same, of those in it who would leave",
    "trial_customers": "Customers that the next trial needs",
    "trial_months": "Months until it has them",
    "trial_smallest_effect": "What a year's customers would show",
    "list_customers": "Customers on the list",
    "list_net_value": "Expected net value of the list",
    "persuasion_qini": "Gain of ranking by effect (Qini value)",
    "persuasion_autoc": "Advantage of those ranked first by effect (AUTOC)",
    **{f"retention_effect_{name}": f"The same, by {word}" for name, word in _CHANNELS.items()},
    **{f"list_profit_{name}": f"Profit a customer of the trial, {word}" for name, word in _LISTS.items()},
}


def headline(study: ChurnStudy) -> str:
    """Say how many will leave and what goes with them, or why that cannot be said."""
    if study.leavers is None:
        return f"Who will leave cannot be learned here: {study.why or 'nobody is to be scored'}."
    n = study.leavers.n or 0
    if study.window is None:
        rows = study.panel.frame
        seen = proportion(int(rows["churned"].sum()), len(rows))
        return (
            f"Of {len(rows):,} customers in the file {seen.text} {study.definition.verb}. Nothing is said of a time "
            "to come: the label is the file's, and nobody knows from which day it counts."
        )
    said = (
        f"Of {n:,} customers {study.leavers.value:,.0f} are expected to {study.definition.verb} from "
        f"{study.window.start} to {study.window.end} (95 % interval {study.leavers.interval}; leaving: "
        f"{study.definition.words})"
    )
    if study.margin is not None:
        said += f"; with them goes a yearly margin of {study.margin.short} (95 % interval {study.margin.interval})"
    return f"{said}."


def quality(study: ChurnStudy, ranking: Evidence | None) -> str:
    """Say how good the list is, against rule and spline logistic regression."""
    if ranking is None:
        return (
            "How good the list is cannot be judged yet: there is no date with known outcomes after those learned from."
        )
    own, lift = ranking["auc"], ranking["lift_10"]
    rivals = [
        f"{name} {ranking[key].value:.2f}"
        for name, key in (("a rule of one column", "rule_auc"), ("a spline logistic regression", "logistic_auc"))
        if key in ranking.estimates
    ]
    who = "leavers" if study.window else f"who {study.definition.verb}"
    how = "on dates after those it learned from" if study.judged.is_dated else "on folds of the file (optimistic)"
    said = (
        f"Judged {how}, the list ranks with an AUC of {own.value:.2f} ({own.interval}; by lot .50"
        f"{'; ' + ', '.join(rivals) if rivals else ''}); its first tenth holds {lift.value:.1f} times "
        f"({lift.interval}) as many {who} as a list by lot."
    )
    differences = [ranking[k] for k in ("logistic_auc_difference",) if k in ranking.estimates]
    if differences and differences[0].low <= 0 <= differences[0].high:
        said += " Against the regression that is no sure difference."
    off = study.judged.by_origin.frame["is_beyond_chance"].astype(bool)
    if 2 * off.sum() > len(off):
        said += (
            f" Its probabilities were off beyond chance on {off.sum()} of {len(off)} "
            f"{'dates' if study.judged.is_dated else 'folds'}: take the order, not the probability."
        )
    return said


def to_do(calling: Calling) -> str:
    """Say whom to call and what it earns, or why nobody yet."""
    if calling.whom is None:
        return f"Nobody is to be called from this page: {calling.why}."
    return calling.whom.answer


def numbers(study: ChurnStudy) -> dict[str, Estimate]:
    """Return the numbers of the first line."""
    found: dict[str, Estimate] = {}
    if len(study.panel.frame):
        rows = study.panel.frame["churned"]
        found["base_share"] = proportion(int(rows.sum()), len(rows))
    if study.leavers is not None and study.window is not None:
        found["leavers_count"] = study.leavers
        found["scored_count"] = Estimate(float(study.leavers.n or 0), "count")
    if study.margin is not None:
        found["margin_at_stake"] = study.margin
    return found


def card(study: ChurnStudy, bank: object) -> ModelCard | None:
    """Write the card of the model; None where it was not judged."""
    if study.model is None or study.judged is None or study.groups is None:
        return None
    definition, gap = study.definition, study.definition.gap_months
    windows = "the file's own" if study.window is None else (
        f"observed up to the date; {gap} month{'s' if gap != 1 else ''} to act; outcome "
        f"{definition.outcome_months} months"
    )  # fmt: skip
    try:
        return model_card(
            model=study.model, backtest=study.judged, subgroups=study.groups,
            drift_limits={"columns": "index above 0.1 and beyond chance (Holm)", "probabilities": "the same",
                          "leavers": "outside the interval of the first line"},
            purpose="order customers for care and retention trials; not for prices, credit or service withdrawn",
            population="customers of the date who are in question by the definition",
            label=definition.words, windows=windows, fingerprint=str(getattr(bank, "fingerprint", ""))[:16],
            owner="head of retention", expires_on=add_months(study.day, 6),
            limitations=["Learned from what customers did; why they leave it does not know.",
                         "It says who may leave, not who can be kept: that only a trial shows."],
        )  # fmt: skip
    except CrmlabError:
        return None
