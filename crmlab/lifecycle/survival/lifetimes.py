"""Lifetimes of relations as they are seen: from when, until when, and how they ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["CAUSES", "lifetimes"]

CAUSES = ("closing", "silent leaving", "death", "other end", "downgrade")
_REASONS = {"customer": "closing", "deceased": "death"}
_MONTH_DAYS = 365.25 / 12


def lifetimes(bank: Bank, stages: pd.DataFrame, *, with_downgrades: bool = False) -> pd.DataFrame:
    """Say for each customer how long the relation has been seen and what ended it first.

    Parameters
    ----------
    bank : Bank
        As of a date.
    stages : DataFrame
        As `crmlab.lifecycle.stages.on_dates.stages_on` for consecutive month-ends up to that date.
    with_downgrades : bool
        Also count a downgrade as an end: the customer closes half of the accounts or more and keeps one.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``entry_months`` and ``exit_months`` (months since joining at which the customer was
        first and last seen), ``cause`` (one of `CAUSES`; empty: not ended), ``joined_on``.

    Notes
    -----
    The clock is the time since joining. Left truncation: who had joined before the first date is seen from then on, as
    who left earlier is in no table; counting them from joining would make lifetimes too long (immortal time). Right
    censoring: the last date. Silent leaving is the entry into the stage dormant: whatever the bank does with the
    account later, the customer left then. Who is dormant on the first date has left before and is not at risk.
    """
    first, last = pd.Timestamp(stages["as_of"].min()), pd.Timestamp(stages["as_of"].max())
    known = bank.columns("customers")
    columns = ["customer_id", "joined_on", *[name for name in ("left_on", "left_reason") if name in known]]
    people = bank.frame("customers", columns).set_index("customer_id").sort_index()
    joined = pd.to_datetime(people["joined_on"])
    ended = stages[stages["stage"].isin(["lost", "dormant"])].sort_values("as_of", kind="stable")
    ended = ended.drop_duplicates("customer_id").set_index("customer_id")
    seen_end = ended["as_of"].reindex(people.index)
    left = pd.to_datetime(people["left_on"]) if "left_on" in people else pd.Series(pd.NaT, index=people.index)
    reason = people["left_reason"] if "left_reason" in people else pd.Series(None, index=people.index, dtype="str")
    is_silent = (ended["stage"].reindex(people.index) == "dormant").fillna(False).astype(bool)
    end = left.where(left <= last)
    end = end.where(~is_silent | (end <= seen_end), seen_end).fillna(seen_end)
    cause = reason.map(_REASONS).where(~is_silent, "silent leaving")
    cause = cause.where(cause.notna() | end.isna(), "other end").where(end.notna())
    if with_downgrades:
        fallen = _downgrades(bank, last).reindex(people.index)
        earlier = fallen.notna() & (end.isna() | (fallen < end))
        end, cause = end.where(~earlier, fallen), cause.mask(earlier, "downgrade")
    start = joined.clip(lower=first)
    exit_at = end.fillna(last)
    found = pd.DataFrame(
        {
            "entry_months": (start - joined).dt.days / _MONTH_DAYS,
            "exit_months": (exit_at - joined).dt.days / _MONTH_DAYS,
            "cause": cause.astype("str").where(cause.notna()),
            "joined_on": joined,
        },
        index=people.index,
    )
    return found[(exit_at > start) & (joined <= last)]


def _downgrades(bank: Bank, last: pd.Timestamp) -> pd.Series:
    """First day on which a customer closed accounts by own will and kept at most half of the most they had, but one."""
    known = bank.columns("accounts")
    if "closed_on" not in known:
        return pd.Series(dtype="datetime64[us]")
    wanted = ["customer_id", "opened_on", "closed_on", *(["close_reason"] if "close_reason" in known else [])]
    accounts = bank.frame("accounts", wanted)
    opened = accounts[["customer_id"]].assign(day=pd.to_datetime(accounts["opened_on"]), change=1, own=False)
    closed = accounts[accounts["closed_on"].notna()]
    own = closed["close_reason"] == "customer" if "close_reason" in closed else pd.Series(True, index=closed.index)
    shut = closed[["customer_id"]].assign(day=pd.to_datetime(closed["closed_on"]), change=-1, own=own)
    events = pd.concat([opened, shut])
    daily = events.groupby(["customer_id", "day"], sort=True).agg(change=("change", "sum"), own=("own", "any"))
    daily = daily.reset_index()
    daily = daily[daily["day"] <= last]
    held = daily.groupby("customer_id")["change"].cumsum()
    most = held.groupby(daily["customer_id"]).cummax()
    hit = daily[daily["own"] & (held >= 1) & (held * 2 <= most) & np.array(daily["change"] < 0)]
    return hit.groupby("customer_id")["day"].min()
