"""How customers use the bank: activity, channels, digital share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.customer_base.movement import month_starts
from crmlab.stats import Evidence, bootstrap, count_text, median, proportion, proportions, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["active_by_month", "channel_shares", "flat_activity", "intensity"]

_DIGITAL = ("online", "mobile")
_MOST_CHANNELS = 4


def active_by_month(bank: Bank, *, months: int = 24, window: int = 3) -> Evidence:
    """Count, at each month end, who acted within the last months.

    Parameters
    ----------
    bank : Bank
        As of the day of the report, with transactions and accounts.
    months : int
        Month ends to look back.
    window : int
        Active: at least one customer-initiated booking on an account of one's own in so many calendar months.

    Returns
    -------
    Evidence
        Frame: ``month``, ``active_count``, ``n`` (customers with an open account of their own at the month's end),
        ``share`` with Wilson limits. Estimates: ``active_share`` at the last month end. Month ends whose window reaches
        back before the first booking are left out.

    Notes
    -----
    Customers without an account of their own (authorised on another's) cannot act by this measure, so they are in
    neither number.
    """
    starts = month_starts(bank, months)
    found = bank.to_frame(bank.sql(_ACTIVE.format(ends=_month_ends(starts), window=window)))
    frame = pd.concat([found[["month", "active_count"]], proportions(found["active_count"], found["n"])], axis=1)
    words = f"in {window} months" if window > 1 else "in a month"
    if not len(frame):
        return Evidence(frame, "", "", f"No whole window of activity {words} lies in the data.")
    last, before = frame.iloc[-1], frame.iloc[-13] if len(frame) > 12 else frame.iloc[0]
    now = proportion(last["active_count"], int(last["n"]))
    then, month = share_text(before["share"]), before["month"]
    return Evidence(
        frame,
        title=f"{now.short} of account owners are active; it was {then} in {month:%B %Y}",
        about=f"Customers with an account who started at least one booking {words}, % of those with an account; "
        f"{count_text(last['n'])} at the end; Wilson 95 % interval",
        reading=f"Of the customers with an account of their own {now.text} started at least one booking {words} to the "
        f"end of {last['month']:%B %Y}; it was {then} in {month:%B %Y}.",
        estimates={"active_share": now},
    )


_ACTIVE = """
with ends(day) as (values {ends}),
acts as (
    select distinct a.customer_id, date_trunc('month', t.booked_on)::date as month
    from transactions t join accounts a using (account_id) where t.is_customer_initiated
),
begun as (select date_trunc('month', min(booked_on))::date as month from transactions),
owners as (
    select distinct day, customer_id from ends, accounts
    where opened_on <= day and (closed_on is null or closed_on > day)
),
active as (
    select distinct o.day, o.customer_id from owners o join acts using (customer_id)
    where acts.month <= o.day and acts.month > o.day - interval {window} month
)
select date_trunc('month', day)::timestamp as month, count(active.customer_id) as active_count, count(*) as n
from owners left join active using (day, customer_id), begun
where begun.month <= day - interval {window} month + interval 1 day
group by 1 order by 1
"""


def _month_ends(starts: pd.DatetimeIndex) -> str:
    return ", ".join(f"(date '{(start + pd.offsets.MonthEnd(1)).date()}')" for start in starts)


def flat_activity(seen: pd.DataFrame) -> Evidence:
    """Count who is active by the source's own rule, for a bank without transactions.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``is_active``.

    Returns
    -------
    Evidence
        Estimates: ``active_share``.
    """
    now = proportion(int(seen["is_active"].sum()), len(seen))
    frame = pd.DataFrame({"customers_count": [len(seen)], "share": [now.value]})
    reading = f"{now.text} are active by the source's own rule, which is not given."
    return Evidence(frame, f"{now.short} are active by the source's rule", "", reading, {"active_share": now})


def intensity(seen: pd.DataFrame) -> Evidence:
    """Describe how much the customers of a snapshot transact and log in, over 12 months.

    Parameters
    ----------
    seen : DataFrame
        Snapshot; ``frequency_12m_count``, ``transactions_12m_count``, ``logins_12m_count``, ``recency_days``,
        ``interactions_12m_count`` and ``complaints_12m_count`` as far as it has them.

    Returns
    -------
    Evidence
        Frame: ``measure``, ``customers_share`` with at least one, ``median_count``, ``top_tenth_count`` (a tenth of the
        customers have at least so many), ``n``.
    """
    measures = {
        "transactions_12m_count": "bookings, all",
        "frequency_12m_count": "bookings the customer started",
        "logins_12m_count": "logins, online and mobile",
        "interactions_12m_count": "contacts with service",
        "complaints_12m_count": "complaints",
    }
    rows = []
    for column, name in measures.items():
        if column in seen:
            values = seen[column].fillna(0)
            quantile = float(values.quantile(0.9))
            rows.append((name, float((values > 0).mean()), float(values.median()), quantile, len(values)))
    frame = pd.DataFrame(rows, columns=["measure", "with_any_share", "median_count", "top_tenth_count", "n"])
    if "frequency_12m_count" not in seen:
        return Evidence(frame, "", "", "How often customers act is not recorded.")
    usual = median(seen["frequency_12m_count"], unit="bookings")
    none = proportion((seen["frequency_12m_count"] == 0).sum(), len(seen))
    return Evidence(
        frame,
        title=f"The median customer starts {usual.value:.0f} bookings in 12 months",
        about=f"{count_text(len(seen))} customers, 12 months to the date",
        reading=f"The median customer started {usual.text} in 12 months; {none.text} started none.",
        estimates={"bookings_median": usual, "no_booking_share": none},
    )


def channel_shares(bank: Bank, *, months: int = 24) -> Evidence:
    """Share the customer-initiated bookings of each month among the channels.

    Parameters
    ----------
    bank : Bank
        As of the day of the report, with transactions and accounts.
    months : int
        Whole months to look back.

    Returns
    -------
    Evidence
        Frame: ``month``, ``channel`` (the largest four, then ``all others``), ``bookings_count``, ``share`` of the
        month's bookings with a known channel. Estimates: ``digital_share`` (online and mobile) over the last 12 months
        with an interval that resamples whole customers, whose bookings are not independent.
    """
    starts = month_starts(bank, months)
    since, until = starts[0].date(), (starts[-1] + pd.offsets.MonthBegin()).date()
    acted = f"t.is_customer_initiated and t.channel is not null and booked_on >= date '{since}'"
    counts = bank.to_frame(
        bank.sql(
            f"select date_trunc('month', booked_on)::timestamp as month, channel, count(*) as bookings_count"
            f" from transactions t where {acted} and booked_on < date '{until}' group by all order by all"
        )
    )
    year = starts[max(len(starts) - 12, 0)].date()
    customers = bank.to_frame(
        bank.sql(
            f"select a.customer_id, count(*) filter (where channel in {_DIGITAL}) as digital_count,"
            f" count(*) as all_count from transactions t join accounts a using (account_id)"
            f" where {acted} and booked_on >= date '{year}' and booked_on < date '{until}' group by all order by 1"
        )
    )
    totals = counts.groupby("channel")["bookings_count"].sum().sort_values(ascending=False, kind="stable")
    shown = totals.index[:_MOST_CHANNELS].tolist()
    named = counts.assign(channel=counts["channel"].where(counts["channel"].isin(shown), "all others"))
    grouped = named.groupby(["month", "channel"], as_index=False)["bookings_count"].sum()
    everything = grouped.groupby("month")["bookings_count"].transform("sum")
    order = [*shown, "all others"]
    frame = grouped.assign(share=grouped["bookings_count"] / everything)
    frame = frame.sort_values(["channel", "month"], key=lambda c: c.map(order.index) if c.name == "channel" else c)
    digital = bootstrap(
        lambda rows, weights: np.dot(rows[:, 0], weights) / max(np.dot(rows[:, 1], weights), 1),
        customers[["digital_count", "all_count"]],
        unit="share",
        resamples=500,
    )
    bookings = int(customers["all_count"].sum())
    none = digital.value == 0
    how = (
        f"{digital.short} of {count_text(bookings)} bookings that customers started came through online or mobile "
        f"banking (95 % interval {digital.interval}, resampling {count_text(digital.n)} customers)"
        if not none
        else f"none of {count_text(bookings)} bookings that customers started came through online or mobile banking"
    )
    lead = share_text(totals.iloc[0] / totals.sum()) if len(totals) else "none"
    first = shown[0] if shown else "no channel"
    online = "none" if none else digital.short
    return Evidence(
        frame.reset_index(drop=True),
        title=f"{first.capitalize()} leads with {lead} of bookings; {online} digital",
        about=f"Bookings the customer started, by channel, % of the month's; {count_text(totals.sum())} bookings, "
        f"{len(starts)} months; full count",
        reading=f"In the last {min(len(starts), 12)} whole months {how}. The largest channel over {len(starts)} months "
        f"is {first} ({lead}).",
        estimates={} if none else {"digital_share": digital},
    )
