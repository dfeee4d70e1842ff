"""What happened after a date: the outcome window and the labels taken from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError, nearest, refuse
from crmlab.snapshots.dates import add_months, read_date

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.bank import Bank

__all__ = ["EVENTS", "OutcomeWindow", "label", "outcome_window"]

# Event -> (column that the bank must have, query of customer_id and day, with {reasons} where a reason is recorded).
EVENTS: dict[str, tuple[str, str]] = {
    "left": ("customers.left_on", "select customer_id, left_on as day, left_reason as reason from customers"),
    "account_closed": (
        "accounts.closed_on",
        "select customer_id, closed_on as day, close_reason as reason from accounts",
    ),
    "account_opened": ("accounts.opened_on", "select customer_id, opened_on as day, null as reason from accounts"),
    "complaint": (
        "interactions.opened_at",
        "select customer_id, cast(opened_at as date) as day, null as reason from interactions where kind = 'complaint'",
    ),
}


class OutcomeWindow(NamedTuple):
    """First and last day of an outcome window; both belong to it."""

    start: dt.date
    end: dt.date


def outcome_window(as_of: object, gap_months: int = 0, outcome_months: int = 3) -> OutcomeWindow:
    """Return the days in which the outcome is looked for: observation | gap | outcome.

    Parameters
    ----------
    as_of : str or date
        Last day of the observation; it belongs to the observation.
    gap_months : int, 0 or more
        Months between the observation and the outcome: the time the bank needs to act.
    outcome_months : int, 1 or more
        Length of the outcome window.

    Returns
    -------
    OutcomeWindow
        ``start`` and ``end``, both inclusive.

    Notes
    -----
    Observation: up to and with ``as_of``. Gap: the day after ``as_of`` to ``as_of`` + gap, inclusive. Outcome: the day
    after the gap to ``as_of`` + gap + outcome, inclusive. No day lies in two parts. Months are anchored: from a month
    end to month ends, from the 15th to 15ths.

    Examples
    --------
    >>> start, end = outcome_window("2024-01-31", gap_months=1, outcome_months=3)
    >>> str(start), str(end)
    ('2024-03-01', '2024-05-31')
    >>> [str(day) for day in outcome_window("2024-01-15", gap_months=0, outcome_months=1)]
    ['2024-01-16', '2024-02-15']
    """
    refuse(
        *(
            f"{name} is {value!r}: it must be a whole number of months, {least} or more. Give such a number."
            for name, value, least in (("gap_months", gap_months, 0), ("outcome_months", outcome_months, 1))
            if isinstance(value, bool) or not isinstance(value, int) or value < least
        )
    )
    day = read_date(as_of)
    return OutcomeWindow(
        add_months(day, gap_months) + dt.timedelta(days=1), add_months(day, gap_months + outcome_months)
    )


def label(
    bank: Bank,
    as_of: object,
    *,
    event: str = "left",
    gap_months: int = 0,
    outcome_months: int = 3,
    reasons: Sequence[str] | None = None,
) -> pd.Series:
    """Say for each customer of a date whether the event happens in the outcome window.

    Parameters
    ----------
    bank : Bank
        The bank itself, not a view of the date: the outcome lies after it.
    as_of : str or date
        Date of the snapshot that the label belongs to.
    event : str
        ``left`` (end of the relation), ``account_closed``, ``account_opened`` or ``complaint``.
    gap_months, outcome_months : int
        As `outcome_window`.
    reasons : sequence of str, optional
        Only these reasons count (``left_reason``, ``close_reason``), for example ``["customer"]``. Customers to whom
        the event happens in the window for other reasons only are left out: they did not stay, and did not choose.

    Returns
    -------
    Series
        int8, 1 where the event happens in the window, else 0; named after the event; index ``customer_id``, ordered.
        Customers who leave in the gap are not in it (nobody can act on them), nor those left out by `reasons`:
        ``attrs`` counts them as ``left_in_gap`` and ``other_reasons``, and holds ``start`` and ``end``.

    Notes
    -----
    A window that ends after the last day of the bank is refused for all: nobody's outcome is known yet.
    """
    import pandas as pd

    if event not in EVENTS:
        raise CrmlabError([f"label has no event {event!r}.{nearest(event, EVENTS)} It knows {list(EVENTS)}."])
    day = read_date(as_of)
    start, end = outcome_window(day, gap_months, outcome_months)
    last = bank.date or bank.report_on
    if end > last:
        raise CrmlabError(
            [
                f"label at {day}: the outcome window {start} to {end} is not observed, {bank.name} ends on {last}."
                f" Take an as_of up to {_latest(last, gap_months + outcome_months)}, or a shorter window."
            ]
        )
    need, events = EVENTS[event]
    table, column = need.split(".")
    if table not in bank.tables or column not in bank.columns(table):
        raise CrmlabError([f"label {event!r} needs {need}; this bank has none. Choose another event."])
    reason = {"left": "left_reason", "account_closed": "close_reason"}.get(event)
    if reason is None or reason not in bank.columns(table):
        if reasons is not None:
            raise CrmlabError([f"label {event!r} has no recorded reasons in this bank. Leave out reasons."])
        events = events.replace(f"{reason} as reason", "null as reason")
    chosen = _reasons(reasons, table, reason)
    counts = f"e.reason in ({chosen})" if chosen else "true"
    left_on = "left_on" if "left_on" in bank.columns("customers") else "cast(null as date)"
    rows = bank.to_frame(
        bank.sql(f"""
            with population as (
                select customer_id, {left_on} as left_on from customers
                where joined_on <= date '{day}' and ({left_on} is null or {left_on} > date '{day}')
            ), happened as (
                select e.customer_id, max(case when {counts} then 1 else 0 end) as counted
                from ({events}) e where e.day between date '{start}' and date '{end}' group by e.customer_id
            )
            select p.customer_id, coalesce(h.counted, 0) as happened,
                coalesce(p.left_on < date '{start}', false) as is_gone, coalesce(h.counted = 0, false) as is_other
            from population p left join happened h on h.customer_id = p.customer_id order by p.customer_id
        """)
    )
    kept = rows[~rows["is_gone"] & ~rows["is_other"]]
    found = pd.Series(
        kept["happened"].to_numpy(dtype="int8"), index=pd.Index(kept["customer_id"], dtype="str"), name=event
    )
    found.attrs.update(
        left_in_gap=int(rows["is_gone"].sum()),
        other_reasons=int((rows["is_other"] & ~rows["is_gone"]).sum()),
        start=start.isoformat(),
        end=end.isoformat(),
    )
    return found


def _latest(last: dt.date, months: int) -> dt.date:
    """Latest date whose window of months ends on or before the last day."""
    day = last
    while add_months(day, months) > last:
        day = min(add_months(last, -months), day - dt.timedelta(days=1))
    return day


def _reasons(reasons: Sequence[str] | None, table: str, column: str | None) -> str:
    if reasons is None:
        return ""
    known = CONTRACT[table][column].words
    reasons = [reasons] if isinstance(reasons, str) else list(reasons)
    refuse(
        *(
            f"{column} has no word {word!r}.{nearest(word, known)} It knows {list(known)}."
            for word in reasons
            if word not in known
        ),
        *([] if reasons else ["reasons is empty. Name at least one, or leave it out."]),
    )
    return ", ".join(f"'{word}'" for word in reasons)
