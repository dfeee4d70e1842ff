"""What truly raised the chance to leave of those who left, and how often the reason named for them is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.validation.truth import Truth

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["due_shares", "true_causes"]

_EVENTS = {"move": "moved", "marriage": "moved", "divorce": "moved", "job_change": "employer", "job_loss": "employer"}
_KEPT = 0.75  # of a grievance, a month
_OUTCOME = {"solved": -0.25, "partly_solved": 0.1, "not_solved": 0.35, "withdrawn": 0.0}


def true_causes(truth: Truth, bank: Bank) -> pd.DataFrame:
    """Return what life events and complaints added to the log odds with which each customer decided to close.

    Parameters
    ----------
    truth : Truth
        Its tables ``departures`` and ``life_events``, and its parameters.
    bank : Bank
        Gives the complaints and how they were settled.

    Returns
    -------
    DataFrame
        By ``customer_id`` of those who decided to close: ``moved`` (move, marriage, divorce), ``employer`` (job changed
        or lost), ``complaint``; log odds, 0 where nothing happened.

    Notes
    -----
    Events count as long as they unsettle (`life.unsettles_for`). Grievance is replayed from the complaints: a complaint
    counts from the month after it and loses a quarter a month.
    """
    plan = truth.parameters
    gone = truth.table("departures", columns=["customer_id", "month_on", "kind"])
    gone = gone[gone["kind"] == "closing"].drop_duplicates("customer_id", keep="last").set_index("customer_id")
    decided = gone["month_on"].dt.year * 12 + gone["month_on"].dt.month
    found = pd.DataFrame(0.0, index=gone.index, columns=["moved", "employer", "complaint"])
    events = truth.table("life_events", columns=["customer_id", "month_on", "kind"])
    events = events[events["customer_id"].isin(gone.index) & events["kind"].isin(_EVENTS)]
    ago = events["customer_id"].map(decided) - (events["month_on"].dt.year * 12 + events["month_on"].dt.month)
    recent = events[(ago >= 0) & (ago < plan["life"]["unsettles_for"]["months"])]
    size = {kind: ways["closing"] for kind, ways in plan["life"]["unsettling"].items()}
    once = recent.drop_duplicates(["customer_id", "kind"])
    for kind, cause in _EVENTS.items():
        who = once.loc[once["kind"] == kind, "customer_id"]
        found.loc[who.to_numpy(), cause] += size[kind]
    found["complaint"] = plan["leaving"]["closing"]["grievance"] * _grievance(bank, decided)
    return found


def due_shares(reasons: pd.Series, causes: pd.DataFrame) -> pd.DataFrame:
    """Say how often the reason named was truly decisive.

    Parameters
    ----------
    reasons : Series of str
        Code of the reason by ``customer_id``, from `crmlab.winback.reasons.name_reasons`.
    causes : DataFrame
        From `true_causes`.

    Returns
    -------
    DataFrame
        By reason: ``customers_count``, ``present_share`` (the cause was at work when they decided), ``due_share`` (mean
        of 1 - exp(-log odds): the part of such departures that would not have come without it), and the same of all
        other leavers, ``others_due_share``.

    Examples
    --------
    >>> causes = pd.DataFrame({"moved": [np.log(2), 0.0], "employer": 0.0, "complaint": 0.0}, index=["a", "b"])
    >>> due_shares(pd.Series({"a": "moved", "b": "not known"}), causes).round(2).to_numpy().tolist()
    [[1.0, 1.0, 0.5, 0.0]]
    """
    rows = {}
    for code, cause in {"complaint_unsettled": "complaint", "moved": "moved", "employer": "employer"}.items():
        named = reasons.index[reasons == code]
        log_odds = causes[cause].reindex(reasons.index).fillna(0.0)
        due = 1 - np.exp(-log_odds)
        is_named = reasons.index.isin(named)
        if is_named.any():
            rows[code] = (len(named), (log_odds[is_named] > 0).mean(), due[is_named].mean(), due[~is_named].mean())
    names = ["customers_count", "present_share", "due_share", "others_due_share"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=names)


def _grievance(bank: Bank, decided: pd.Series) -> np.ndarray:
    if not bank.has("interactions"):
        return np.zeros(len(decided))
    rows = bank.to_frame(
        bank.sql(
            "select customer_id, opened_at, resolved_at, outcome, waiting_minutes from interactions"
            " where kind = 'complaint' order by customer_id, opened_at"
        )
    )
    rows = rows[rows["customer_id"].isin(decided.index)]
    hours = (rows["resolved_at"] - rows["opened_at"]).dt.total_seconds() / 3600 - rows["waiting_minutes"].fillna(0) / 60
    slow = 0.40 * np.clip(hours.fillna(0.0) / 168 - 0.5, 0, 2.5)
    open_still = rows["resolved_at"].isna()
    lost = rows["outcome"].map(_OUTCOME).fillna(0.0) + 0.4 * open_still
    ago = rows["customer_id"].map(decided) - (rows["opened_at"].dt.year * 12 + rows["opened_at"].dt.month)
    hurt = (0.8 + slow + lost) * _KEPT ** ago.clip(lower=0) * (ago > 0)
    return hurt.groupby(rows["customer_id"]).sum().reindex(decided.index, fill_value=0.0).to_numpy()
