"""One row a customer at a date, computed by the engine that holds the tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmlab.bank.tables import CONTRACT
from crmlab.errors import refuse
from crmlab.snapshots.blocks import ASSET_FAMILIES, DEBT_FAMILIES
from crmlab.snapshots.dates import read_dates
from crmlab.snapshots.feature import Feature
from crmlab.snapshots.features import FEATURES, FLAT_FEATURES
from crmlab.snapshots.sql import absent_features, choose, snapshot_sql

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.bank import Bank

__all__ = ["FAMILY_AMOUNTS", "available_columns", "snapshot", "typed"]

FAMILY_AMOUNTS = {f"{family}_amount": family for family in ASSET_FAMILIES + DEBT_FAMILIES}
_EVENTS = ("accounts", "balances", "transactions", "interactions", "digital_events")


def snapshot(bank: Bank, dates: object = "", features: Sequence[str] | None = None) -> pd.DataFrame:
    """Describe every customer of a date by what the bank knew at the end of that day.

    Parameters
    ----------
    bank : Bank
        A bank, or a bank as of a date; no later date can then be asked for.
    dates : str, date, or several
        Days to look from, as ``YYYY-MM-DD``. Empty: the day the bank's reports speak from, mostly the last
        known. Many dates in one call share the work.
    features : sequence of str, optional
        Names of the features wanted (`feature_dictionary` lists them). None: all.

    Returns
    -------
    DataFrame
        Index ``customer_id`` (str); first column ``as_of`` (datetime64), then the features in the order of the
        dictionary: money in the bank's currency, counts int64, flags bool, words str, everything else float64. A row
        is a customer who had joined and not left by the end of the day. Rows are ordered by date, then customer.
        ``attrs["absent"]`` says which features this bank cannot have, and why; the last of the dates decides.

    Notes
    -----
    An amount of a family whose accounts have no balances here (often loans) is left out, not 0.

    Months are counted back from the date: from a month end in calendar months, from the 15th in months that end on a
    15th. Transactions count from the day they were booked. A customer without rows has 0 in sums and counts, and an
    empty cell where 0 would say something else (recency, shares, means). What happened before the first row of the
    bank is not known: a window that reaches back further is not full. Facts of the customers table that carry no date
    (region, occupation, consent) are those of the extract.

    A flat bank, which has a ``snapshot`` table and no events, serves the same names from it: the rows of its latest
    day on or before the date, and that day as ``as_of``.
    """
    days = read_dates(bank.report_on if isinstance(dates, str) and not dates.strip() else dates)
    known = FEATURES + FLAT_FEATURES
    chosen = choose(features, known)
    if bank.date:
        refuse(
            *(
                f"snapshot at {day}: this view of {bank.name} ends on {bank.date}. Ask the bank itself."
                for day in days
                if day > bank.date
            )
        )
    # This view decides which columns there are: a column filled only later is not there yet.
    seen = bank if bank.date == days[-1] else bank.as_of(days[-1])
    if "snapshot" in bank.tables and not any(table in bank.tables for table in _EVENTS):
        from crmlab.snapshots.flat import flat_snapshot

        return flat_snapshot(seen, days, chosen)
    frame = _computed(bank, seen, days, [feature for feature in chosen if feature not in FLAT_FEATURES])
    asked = [feature.name for feature in chosen if features is not None and feature in FLAT_FEATURES]
    frame.attrs["absent"] |= dict.fromkeys(asked, "only the snapshot table of a flat bank has it")
    return frame


def available_columns(bank: Bank, chosen: Sequence[Feature]) -> dict[str, list[str]]:
    """Return the tables and columns that the features may read: there, and not wholly empty.

    The day of an event may be wholly empty: none has closed yet, which counts as 0.
    """
    events = {f"{t.name}.{c.name}" for t in CONTRACT.values() for c in t.columns if c.revealed_by == c.name}
    asked = {need for feature in chosen for need in feature.needs} - events
    return {
        table: [
            column
            for column in bank.columns(table)
            if f"{table}.{column}" not in asked or bank.has(f"{table}.{column}")
        ]
        for table in bank.tables
    }


def _computed(bank: Bank, seen: Bank, days: Sequence[dt.date], chosen: list[Feature]) -> pd.DataFrame:
    import pandas as pd

    available = available_columns(seen, chosen)
    absent = {**_without_balances(seen, chosen), **absent_features(chosen, available)}
    present = [feature for feature in chosen if feature.name not in absent]
    statements = snapshot_sql(days, available, features=[feature.name for feature in present])
    frames = []
    with bank.cursor() as cursor:  # temporary tables live and die with it
        for statement in statements:
            if statement.creates:
                cursor.execute(statement.sql)
            else:
                frames.append(typed(bank.to_frame(cursor.sql(statement.sql)), present))
    frame = frames[0] if len(frames) == 1 else pd.concat(frames)
    frame.attrs["absent"] = absent
    return frame


def _without_balances(bank: Bank, chosen: Sequence[Feature]) -> dict[str, str]:
    """Say which amounts would be 0 only because the bank has no balance of any account of the family."""
    asked = {feature.name for feature in chosen} & {"debt_amount", *FAMILY_AMOUNTS}
    if not asked or not bank.has("balances", "accounts", "products"):
        return {}
    still_open = " and (a.closed_on is null or a.closed_on > m.day)" if "closed_on" in bank.columns("accounts") else ""
    held_without = bank.sql(f"""
        with known as (
            select a.account_id, max(b.balance_on) as day
            from balances b join accounts a on a.account_id = b.account_id and b.balance_on >= a.opened_on
            group by a.account_id
        )
        select p.family from accounts a join products p on p.product_id = a.product_id
            join (select max(day) as day from known) m on a.opened_on <= m.day{still_open}
            left join known k on k.account_id = a.account_id
        group by p.family having count(k.account_id) = 0 order by p.family
    """)
    blank = [family for (family,) in held_without.fetchall()]
    reasons = {name: [family] for name, family in FAMILY_AMOUNTS.items() if family in blank}
    if owed := [family for family in DEBT_FAMILIES if family in blank]:
        reasons["debt_amount"] = owed
    return {
        name: f"this bank has accounts of family {' and '.join(reasons[name])}, but no balance of them"
        for name in reasons
        if name in asked
    }


def typed(frame: pd.DataFrame, present: Sequence[Feature]) -> pd.DataFrame:
    """Give each column the type its feature says, whatever the rows hold."""
    types = {"as_of": "datetime64[us]", "customer_id": "str", **{f.name: f.dtype for f in present}}
    flags = [feature.name for feature in present if feature.dtype == "bool"]
    filled = frame.assign(**{name: frame[name].astype("boolean").fillna(False) for name in flags})
    return filled.astype(types).set_index("customer_id")
