"""How good the list is, on the page: ranking out of time, probabilities against what happened, checks, reasons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlab.churn.learning.hazard import HazardModel
from crmlab.churn.learning.reasons import Reason, reason_shares
from crmlab.churn.reason_words import words_of
from crmlab.churn.risk_groups import tenths
from crmlab.churn.study import ChurnStudy
from crmlab.errors import CrmlabError
from crmlab.stats.evidence import Evidence

__all__ = ["RANKED", "checks_table", "groups_table", "ranked", "reasons_of", "reliability", "said_and_seen", "when",
           "why_reasons"]  # fmt: skip

# how `crmlab.charts.dots` draws the ranking
RANKED = {"label": "label", "value": "auc", "low": "low", "high": "high", "quantity": "AUC", "unit": "index",
          "baseline": 0.5, "from_zero": False}  # fmt: skip
_NAMES = {"model": "the model", "rule": "a rule of one column", "logistic": "spline logistic regression"}
_HORIZON = 12


def ranked(study: ChurnStudy) -> Evidence | None:
    """Compare how well the model and its rivals rank, on what came after, and what a split by lot would show."""
    if study.judged is None:
        return None
    found = study.judged.measures.frame
    measure = "auc_within" if (found["measure"] == "auc_within").any() else "auc"
    rows = found[found["measure"] == measure]
    frame = pd.DataFrame(
        {"label": rows["learner"].map(_NAMES), "auc": rows["value"], "low": rows["low"], "high": rows["high"]}
    )
    if study.optimistic is not None:
        lot = study.optimistic.frame.set_index("split").loc["by lot"]
        frame.loc[len(frame) + 100] = ["the model, rows parted by lot (optimistic)", lot["auc"], lot["auc_low"],
                                       lot["auc_high"]]  # fmt: skip
    own = study.judged[f"model_{measure}"]
    lift = study.judged["model_lift_10"]
    kind = "within a date" if measure == "auc_within" else "on one date" if study.judged.is_dated else "over folds"
    said = f"{study.judged.told} {study.judged.differences.reading}"
    if study.optimistic is not None:
        said += f" {study.optimistic.reading.partition(';')[2].strip().capitalize()}"
    return Evidence(
        frame.reset_index(drop=True),
        title=f"The first tenth of the list holds {lift.value:.1f} times as many as a list by lot"[:70],
        about=f"AUC {kind}, {len(study.judged.scores):,} rows judged; 95 % intervals clustered by customer",
        reading=said,
        estimates={"auc": own, "lift_10": lift} | {
            f"{name}_auc": study.judged[f"{name}_{measure}"] for name in ("rule", "logistic")
            if f"{name}_{measure}" in study.judged.measures.estimates
        } | {f"{name}_auc_difference": study.judged.differences.estimates[key] for name in ("rule", "logistic")
             if (key := f"{name}_{measure}_difference") in study.judged.differences.estimates},
    )  # fmt: skip


def reliability(study: ChurnStudy) -> Evidence | None:
    """Hold the probabilities said out of time against what happened, for `crmlab.charts.reliability_diagram`."""
    if study.judged is None:
        return None
    frame = study.judged.reliability
    scores = study.judged.scores
    said, seen = float(scores["p_model"].sum()), int(scores["outcome"].sum())
    off = int(frame["is_off"].sum())
    order = study.judged.by_origin.reading
    return Evidence(
        frame,
        title=f"{said:,.0f} were said to leave, {seen:,} did",
        about=f"Share that left by tenth of the probability said before; Wilson 95 %, clustered; n = {len(scores):,}",
        reading=f"In {off} of {len(frame)} groups the probability lies outside the interval of what happened. {order} "
        f"{study.judged.repair.reading}",
    )


def said_and_seen(study: ChurnStudy) -> pd.DataFrame | None:
    """Return leavers said and seen by date judged, with the calibration error beside what chance gives."""
    if study.judged is None or not study.judged.is_dated:
        return None
    found = study.judged.by_origin.frame
    return pd.DataFrame({
        "as_of": found["as_of"], "n": found["n"], "said_count": (found["p_mean"] * found["n"]).round(1),
        "left_count": found["events_count"], "AUC": found["auc"], "AUC, low": found["auc_low"],
        "AUC, high": found["auc_high"],
        "calibration_error": found["ece"], "by_chance_up_to": found["ece_chance_high"],
    })  # fmt: skip


def checks_table(study: ChurnStudy) -> pd.DataFrame:
    """Return what was looked for that would spoil the model, and what was found."""
    rows = []
    if study.leaks is not None:
        rows.append(("Does a column know too much?", study.leaks.reading))
        if known := study.undated_alarms:
            rows.append(("Is it learned from?", f"{', '.join(known)}: no, set aside"))
    if study.drift is not None:
        rows.append(("Do today's customers look different?", study.drift.reading))
    if study.groups is not None:
        rows.append(("Is it right for each group?", study.groups.reading))
    if study.panel.left_out:
        names = [
            name.removeprefix("is_").replace("_", " ")
            for name, why in study.panel.left_out.items()
            if why.startswith("of the extract")
        ]
        if names:
            rows.append(("What is never learned from?", f"Facts without a date: {', '.join(names)}."))
    if study.judged is not None:
        rows.append(("Is it calibrated?", study.judged.by_origin.reading))
    return pd.DataFrame(rows, columns=["check", "found"])


def groups_table(study: ChurnStudy) -> pd.DataFrame | None:
    """Return the groups judged, those that are off first."""
    if study.groups is None or not len(study.groups.frame):
        return None
    frame = study.groups.frame.sort_values(["is_off", "p_value"], ascending=[False, True], kind="stable")
    names = ["column", "group", "n", "events_count", "event_share", "p_mean", "gap_share_low", "gap_share_high", "auc",
             "is_off"]  # fmt: skip
    told = {"events_count": "left_count", "event_share": "left_share", "p_mean": "said_share", "auc": "AUC"}
    return frame[names].head(10).rename(columns=told).reset_index(drop=True)


def why_reasons(study: ChurnStudy) -> Mapping[str, Reason]:
    """Return how each column of the model is spoken of."""
    return {name: Reason(*words_of(name)) for name in study.model.preparation_.columns_}


def reasons_of(study: ChurnStudy) -> Evidence | None:
    """Tell what the scores of the likeliest tenth rest on, group by group, in words."""
    if study.model is None or study.now is None or not len(study.now):
        return None
    top = study.now.index[tenths(study.now["p_churn"]) == 1]
    return reason_shares(study.model, study.panel.now.loc[top], why_reasons(study))


def when(study: ChurnStudy) -> Evidence | None:
    """Tell by when customers of each level of risk have left, month by month, from those judged out of time.

    Notes
    -----
    A hazard of discrete time in the score said before and the month; learned from the dates judged, each followed to
    the day of the report, and applied to today's scores. It says when, not who: that is the model's.
    """
    from crmlab.snapshots.dates import MONTH_END, month_index

    if study.judged is None or not study.judged.is_dated or study.window is None or study.exits is None:
        return None
    scores = study.judged.scores
    starts = pd.to_datetime(scores["as_of"])
    here, gap = month_index(study.day, MONTH_END), study.definition.gap_months
    begun = starts.dt.year * 12 + starts.dt.month + gap  # who left in the months to act is not among those judged
    ended = scores["customer_id"].map(study.exits["ended_on"])
    ended = ended.where(ended > starts)
    reason = scores["customer_id"].map(study.exits["reason"]).where(ended.notna())
    months = (ended.dt.year * 12 + ended.dt.month).fillna(here) - begun
    cause = np.where(ended.isna(), "", np.where(reason == "customer", "by choice", "otherwise"))
    horizon = int(min(_HORIZON, months.max()))
    features = pd.DataFrame({"score": np.log(scores["p_model"] / (1 - scores["p_model"]))})
    try:
        model = HazardModel(horizon_months=horizon).fit(
            features, months.clip(lower=0).astype(int), np.where(months > 0, cause, ""), customers=scores["customer_id"]
        )
    except CrmlabError:
        return None
    if "by choice" not in model.causes_:
        return None
    p = study.now["p_churn"]
    group = tenths(p).map(lambda k: "likeliest tenth" if k == 1 else "next four tenths" if k <= 5 else "other half")
    by = model.cumulative_incidence(pd.DataFrame({"score": np.log(p / (1 - p))}), "by choice").groupby(group).mean()
    by = by.reindex([name for name in ("likeliest tenth", "next four tenths", "other half") if name in by.index])
    shown = [m for m in (1, 3, 6, 9, 12) if m <= horizon]
    frame = by[shown].rename(columns={m: f"month_{m}_share" for m in shown}).rename_axis("risk").reset_index()
    frame.insert(1, "n", group.value_counts().reindex(frame["risk"]).to_numpy())
    last = shown[-1]
    first = frame.iloc[0]
    return Evidence(
        frame,
        title="When they leave",
        about=f"Share expected to have left by choice, by month from {study.window.start} on; "
        f"{model.exits_count_:,} exits seen",
        reading=f"Of the likeliest tenth {100 * first[f'month_{shown[0]}_share']:.1f} % are expected to have left "
        f"after {shown[0]} month and {100 * first[f'month_{last}_share']:.1f} % after {last} months, as before.",
    )
