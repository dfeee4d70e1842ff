"""Whom to speak to: one contact a customer, the most urgent, with consent, rest, expiry and a hold-out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.errors import refuse
from crmlab.loyalty.care.events import EVENTS
from crmlab.outreach.calling import call_list
from crmlab.outreach.policy import may_contact

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["CareList", "care_list"]

_CHANNELS = ("phone", "email", "sms", "social")


@dataclass(frozen=True)
class CareList:
    """The list of the day, and what became of every event.

    Parameters
    ----------
    actions : DataFrame
        For `crmlab.findings.Findings.actions`, most urgent first: indexed by ``customer_id``; ``reason``, ``channel``,
        ``expires_on``, ``is_holdout``.
    counts : DataFrame
        One row an event: ``event``, ``customers_count`` (with the event), ``more_urgent_count`` (spoken to for another
        reason), ``suppressed_count``, ``over_cap_count``, ``held_out_count``, ``to_contact_count``.
    suppressed : DataFrame
        ``event``, ``why_not``, ``customers_count``.
    """

    actions: pd.DataFrame
    counts: pd.DataFrame
    suppressed: pd.DataFrame


def care_list(
    bank: Bank, events: pd.DataFrame, seen: pd.DataFrame, *, rest_days: int = 60, holdout_share: float = 0.1,
    capacity_count: int = 0, seed: int = 1,
) -> CareList:  # fmt: skip
    """Make one action list of all events.

    Parameters
    ----------
    bank : Bank
        As of the day.
    events : DataFrame
        From `crmlab.loyalty.care.events.care_events`.
    seen : DataFrame
        Snapshot of the day.
    rest_days : int
        Days of rest after a campaign's contact; not for contacts that the bank owes.
    holdout_share : float
        Share of each event drawn to be left alone, so that care can be measured; never of contacts the bank owes.
    capacity_count : int
        Contacts that the bank can make; the most urgent first; 0: no limit. Contacts owed are made in any case.
    seed : int
        Of the draw.

    Notes
    -----
    One contact a customer: of several events the first in the order of `crmlab.loyalty.care.events.EVENTS`. A contact
    that the bank owes (open complaint, maturing deposit) is no advertising: it waits for no rest and no trial, is never
    held out, and where no channel has consent it goes through the branch. All others need consent to a channel, rest,
    and no campaign that still runs; of customers with an open complaint only the complaint is spoken of. An event whose
    customer is suppressed is not replaced by the next one of the same customer unless that one is owed.
    """
    refuse(
        *([] if 0 <= holdout_share < 1 else [f"care_list: holdout_share is {holdout_share}. Give 0 or more, below 1."]),
        *([] if capacity_count >= 0 else [f"care_list: capacity_count is {capacity_count}. Give 0 or more."]),
    )
    first = events.drop_duplicates("customer_id").set_index("customer_id")  # events come the most urgent first
    owed = first["event"].map({name: duty for name, (_, duty, _) in EVENTS.items()}).astype(bool)
    policies = {
        True: may_contact(bank, channels=(*_CHANNELS, "branch"), rest_days=0, despite_trial=True),
        False: may_contact(bank, channels=_CHANNELS, rest_days=rest_days),
    }
    why, channel = pd.Series("", index=first.index, dtype="str"), pd.Series("", index=first.index, dtype="str")
    for duty, policy in policies.items():
        of = first.index[owed == duty]
        why[of], channel[of] = policy["why_not"].reindex(of).fillna("no customer"), policy["channel"].reindex(of)
    kept = first[why == ""]
    over = pd.Series(False, index=kept.index)
    if capacity_count:
        place = (~owed[kept.index]).cumsum() + int(owed[kept.index].sum())
        over = (place > capacity_count) & ~owed[kept.index]
    parts, day = [], str(bank.date or bank.report_on)
    for at, event in enumerate(EVENTS):
        rows = kept[(kept["event"] == event) & ~over]
        if rows.empty:
            continue
        share = 0.0 if EVENTS[event][1] else holdout_share
        listed = call_list(
            event + ": " + rows["detail"], seen, day=day, days=EVENTS[event][0], holdout_share=share, seed=seed + at
        )
        ends = rows["expires_on"].dt.date.astype(str)
        parts.append(listed.assign(channel=channel[rows.index], expires_on=ends, event=event))
    actions = pd.concat(parts) if parts else pd.DataFrame(
        {name: pd.Series(dtype="str") for name in ("reason", "channel", "expires_on", "is_holdout", "event")},
        index=pd.Index([], name="customer_id", dtype="str"))  # fmt: skip
    return CareList(actions.drop(columns="event"), _counts(events, first, why, over, actions), _reasons(first, why))


def _counts(events, first, why, over, actions) -> pd.DataFrame:
    rows = []
    for event in EVENTS:
        of = int((events["event"] == event).sum())
        own = first.index[first["event"] == event]
        listed = actions[actions["event"] == event]
        held = int(listed["is_holdout"].astype(bool).sum()) if len(listed) else 0
        if of:
            rows.append({
                "event": event, "customers_count": of, "more_urgent_count": of - len(own),
                "suppressed_count": int((why[own] != "").sum()),
                "over_cap_count": int(over.reindex(own, fill_value=False).sum()),
                "held_out_count": held, "to_contact_count": len(listed) - held,
            })  # fmt: skip
    names = ["event", "customers_count", "more_urgent_count", "suppressed_count", "over_cap_count", "held_out_count",
             "to_contact_count"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def _reasons(first: pd.DataFrame, why: pd.Series) -> pd.DataFrame:
    rows = pd.DataFrame({"event": first["event"], "why_not": why})
    rows = rows[rows["why_not"] != ""].groupby(["event", "why_not"], sort=True).size()
    return rows.rename("customers_count").reset_index()
