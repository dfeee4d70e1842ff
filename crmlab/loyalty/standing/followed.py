"""Both indices of those who answered, at each wave, and what became of them in the year after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crmlab.errors import refuse, tried
from crmlab.loyalty.standing.behaviour import FEATURES, behaviour_index
from crmlab.snapshots import snapshot
from crmlab.snapshots.dates import add_months
from crmlab.snapshots.outcome import label, outcome_window

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["attitudes_of", "followed_on"]

_MONTHS = 12


def attitudes_of(frame: pd.DataFrame, scores: pd.DataFrame, *, attitude: str = "loyalty") -> pd.DataFrame:
    """Take what loyalty needs from a survey: who answered when, with what weight, and the indices.

    Parameters
    ----------
    frame : DataFrame
        One row a response: ``customer_id``, ``wave``, ``answered_on``, ``weight``.
    scores : DataFrame
        Index of each construct, 0 to 100, with the same rows.
    attitude : str
        Construct of loyalty.

    Returns
    -------
    DataFrame
        ``customer_id``, ``wave``, ``answered_on``, ``weight``, ``attitude`` and, as far as the survey has them,
        ``satisfaction`` and ``image``. Responses of weight 0 or without the index are left out.
    """
    refuse(*([] if attitude in scores else [
        f"attitudes: the survey has no construct {attitude!r}; it has {list(scores.columns)}. Ask for loyalty, or name "
        "the construct that stands for it."]))  # fmt: skip
    found = frame[["customer_id", "wave", "answered_on", "weight"]].assign(attitude=scores[attitude])
    for name in ("satisfaction", "image"):
        if name in scores and name != attitude:
            found[name] = scores[name]
    return found[(found["weight"] > 0) & found["attitude"].notna()].reset_index(drop=True)


def followed_on(bank: Bank, attitudes: pd.DataFrame, *, share_of_wallet: str = "") -> pd.DataFrame:
    """Put beside each attitude what the customer did by then, and what happened in the twelve months after the wave.

    Parameters
    ----------
    bank : Bank
        As of a date; outcomes after it are not seen.
    attitudes : DataFrame
        From `attitudes_of`.
    share_of_wallet : str
        As in `crmlab.loyalty.standing.behaviour.behaviour_index`.

    Returns
    -------
    DataFrame
        Rows of customers there on the last day of the wave: the columns of `attitudes`, ``behaviour`` (NaN where the
        bank knows too little), the components, ``age_years``, ``tenure_days``, ``left`` (1: left by own choice within
        the year; NaN where the year is not over, or who left for another reason), ``margin_after_amount`` (of the year,
        of those who stayed).
    """
    last = bank.date or bank.report_on
    parts = []
    for wave, part in attitudes.groupby("wave", sort=True):
        day = part["answered_on"].max().date()
        seen = snapshot(bank, day, list(FEATURES))
        part = part[part["customer_id"].isin(seen.index)]
        who = pd.Index(part["customer_id"])
        index, _ = tried(behaviour_index, seen, share_of_wallet=share_of_wallet)
        found = part.assign(as_of=pd.Timestamp(day), wave=str(wave))
        beside = seen if index is None else seen.join(index)
        kept = [name for name in beside.columns if name not in (*found.columns, "recency_days", "is_active")]
        found = pd.concat([found.reset_index(drop=True), beside.loc[who, kept].reset_index(drop=True)], axis=1)
        found["behaviour"] = found.get("behaviour", float("nan"))
        found["left"], found["margin_after_amount"] = float("nan"), float("nan")
        if outcome_window(day, 0, _MONTHS).end <= last and "left_on" in bank.columns("customers"):
            reasons = ["customer"] if "left_reason" in bank.columns("customers") else None
            left = label(bank, day, event="left", outcome_months=_MONTHS, reasons=reasons)
            found["left"] = found["customer_id"].map(left).astype("float64")
            after = snapshot(bank, add_months(day, _MONTHS), ["margin_12m_amount"])
            if "margin_12m_amount" in after:
                found["margin_after_amount"] = found["customer_id"].map(after["margin_12m_amount"]).astype("float64")
        parts.append(found)
    return pd.concat(parts, ignore_index=True) if parts else attitudes.assign(behaviour=float("nan"))
