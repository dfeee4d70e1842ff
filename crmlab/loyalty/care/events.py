"""Events in a customer's life with the bank that call for a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.loyalty.programme.ledger import Ledger

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["EVENTS", "care_events", "events_known"]

# Event, most urgent first -> (days for which the reason holds, whether the bank owes the contact, what is said)
EVENTS = {
    "open complaint": (7, True, "answer the complaint"),
    "maturing deposit": (30, True, "say what ends when, and ask what is next"),
    "complaint not solved": (14, False, "ask whether it is settled, and mend it"),
    "salary stopped": (30, False, "ask what changed"),
    "points expire": (30, False, "say what the points can still buy"),
    "long silence": (30, False, "ask whether all is well"),
    "birthday": (7, False, "congratulate, sell nothing"),
}
_RECENT_DAYS = 30  # of a complaint that ended badly
_SALARY_MONTHS, _SALARY_LATE_DAYS, _SALARY_OLD_DAYS = 3, 45, 120
_SILENT_DAYS, _SILENT_MOST_DAYS = 90, 365
_FEWEST_POINTS_AMOUNT = 1.0  # worth of points that is worth a message, in currency


def events_known(bank: Bank, ledger: Ledger | None = None) -> dict[str, str]:
    """Say which events this bank's tables can show: event -> what is lacking, empty where it can."""
    needs = {
        "open complaint": ("interactions", "interactions.resolved_at"),
        "complaint not solved": ("interactions.resolved_at", "interactions.outcome"),
        "maturing deposit": ("accounts.matures_on", "products"), "salary stopped": ("transactions", "accounts"),
        "long silence": ("transactions", "accounts"), "birthday": ("customers.birth_on",),
    }  # fmt: skip
    found = {name: "" if bank.has(*wanted) else " and ".join(wanted) for name, wanted in needs.items()}
    found["points expire"] = "" if ledger is not None and ledger.validity_months else "points with an expiry"
    return {name: found[name] for name in EVENTS}


def care_events(bank: Bank, seen: pd.DataFrame, *, ledger: Ledger | None = None, within_days: int = 30,
                point_amount: float = float("nan")) -> pd.DataFrame:  # fmt: skip
    """Find every event of the day that calls for a contact.

    Parameters
    ----------
    bank : Bank
        As of the day.
    seen : DataFrame
        Snapshot of the day; only its customers are looked at. Used where known: ``recency_days``.
    ledger : Ledger, optional
        Points.
    within_days : int
        How far ahead maturing deposits and expiring points are looked for; birthdays for a week.
    point_amount : float
        Worth of a point, in currency; points worth under 1 are no reason.

    Returns
    -------
    DataFrame
        One row a customer and event: ``customer_id``, ``event`` (of `EVENTS`), ``detail``, ``expires_on``. A customer
        may have several.

    Notes
    -----
    Salary stopped: a salary or pension in three of the months before, the last one 45 to 120 days ago; who moved it
    earlier has decided. Long silence: no act of the customer's for 90 to 365 days; before that it is no silence, after
    it no contact helps. Points are said to expire where they are worth 1 or more in currency.
    """
    day = pd.Timestamp(bank.date or bank.report_on)
    lacking = events_known(bank, ledger)
    make = {
        "open complaint": _open_complaints, "complaint not solved": _unsolved, "maturing deposit": _maturing,
        "salary stopped": _salary_stopped, "birthday": _birthdays,
    }  # fmt: skip
    parts = []
    for event, (days, _, _) in EVENTS.items():
        if lacking[event]:
            continue
        if event == "points expire":
            found = _expiring(ledger, day, within_days, point_amount)
        elif event == "long silence":
            found = _silent(seen)
        else:
            found = make[event](bank, day, within_days)
        found = found[found["customer_id"].isin(seen.index)].drop_duplicates("customer_id")
        until = day + pd.Timedelta(days=days)
        ends = found["ends_on"].fillna(until).clip(upper=until) if "ends_on" in found else until
        parts.append(found[["customer_id", "detail"]].assign(event=event, expires_on=ends))
    names = ["customer_id", "event", "detail", "expires_on"]
    if not parts:
        return pd.DataFrame({name: [] for name in names})
    rank = {name: at for at, name in enumerate(EVENTS)}
    found = pd.concat(parts, ignore_index=True)[names]
    return found.iloc[np.lexsort((found["customer_id"], found["event"].map(rank)))].reset_index(drop=True)


def _open_complaints(bank: Bank, day: pd.Timestamp, within: int) -> pd.DataFrame:
    rows = bank.sql("select customer_id, min(opened_at)::date as since from interactions"
                    " where kind = 'complaint' and resolved_at is null group by all").df()  # fmt: skip
    days = (day - pd.to_datetime(rows["since"])).dt.days
    return rows.assign(detail=[f"open for {one} days" for one in days])


def _unsolved(bank: Bank, day: pd.Timestamp, within: int) -> pd.DataFrame:
    rows = bank.sql(
        "select customer_id, max(resolved_at)::date as ended from interactions where kind = 'complaint' and outcome in"
        f" ('not_solved', 'partly_solved') and resolved_at::date > date '{day.date()}' - {_RECENT_DAYS} group by all"
    ).df()
    return rows.assign(detail=[f"ended without a full solution on {one}" for one in _dates(rows["ended"])])


def _maturing(bank: Bank, day: pd.Timestamp, within: int) -> pd.DataFrame:
    open_still = "(closed_on is null)" if "closed_on" in bank.columns("accounts") else "true"
    rows = bank.sql(
        "select customer_id, min(matures_on) as ends_on from accounts join products using (product_id) where family ="
        f" 'term_deposit' and {open_still} and matures_on > date '{day.date()}'"
        f" and matures_on <= date '{day.date()}' + {within} group by all"
    ).df()
    rows["ends_on"] = pd.to_datetime(rows["ends_on"])
    return rows.assign(detail=[f"deposit ends on {one}" for one in _dates(rows["ends_on"])])


def _salary_stopped(bank: Bank, day: pd.Timestamp, within: int) -> pd.DataFrame:
    rows = bank.sql(
        "select customer_id, max(booked_on) as last_on from transactions join accounts using (account_id) where kind in"
        f" ('salary', 'pension') and amount > 0 and booked_on > date '{day.date()}' - 365 group by customer_id having"
        f" count(distinct date_trunc('month', booked_on)) >= {_SALARY_MONTHS}"
    ).df()
    rows["last_on"] = pd.to_datetime(rows["last_on"])
    ago = (day - rows["last_on"]).dt.days
    rows = rows[(ago >= _SALARY_LATE_DAYS) & (ago <= _SALARY_OLD_DAYS)]
    return rows.assign(detail=[f"last salary or pension on {one}" for one in _dates(rows["last_on"])])


def _expiring(ledger: Ledger, day: pd.Timestamp, within: int, point_amount: float) -> pd.DataFrame:
    lots = ledger.lots[ledger.lots["outstanding_count"] > 0]
    soon = lots[(lots["expires_on"] > day) & (lots["expires_on"] <= day + pd.Timedelta(days=within))]
    rows = soon.groupby("customer_id").agg(points=("outstanding_count", "sum"), ends_on=("expires_on", "min"))
    if np.isfinite(point_amount):
        rows = rows[rows["points"] * point_amount >= _FEWEST_POINTS_AMOUNT]
    rows = rows.reset_index()
    return rows.assign(detail=[f"{points:,} points from {ends.date()} on" for points, ends in
                               zip(rows["points"], rows["ends_on"], strict=True)])  # fmt: skip


def _silent(seen: pd.DataFrame) -> pd.DataFrame:
    days = seen["recency_days"] if "recency_days" in seen else pd.Series(dtype=float)
    days = days[(days >= _SILENT_DAYS) & (days <= _SILENT_MOST_DAYS)]
    return pd.DataFrame({"customer_id": days.index, "detail": [f"silent for {one:.0f} days" for one in days]})


def _birthdays(bank: Bank, day: pd.Timestamp, within: int) -> pd.DataFrame:
    rows = bank.frame("customers", ["customer_id", "birth_on"]).dropna()
    born = pd.to_datetime(rows["birth_on"])
    coming = [day + pd.Timedelta(days=ahead) for ahead in range(1, 8)]
    dates = {(one.month, one.day): one for one in coming}
    if (2, 28) in dates and not dates[2, 28].is_leap_year:
        dates.setdefault((2, 29), dates[2, 28])  # a leap day's child is congratulated on the 28th
    on = [dates.get((one.month, one.day)) for one in born]
    rows = rows.assign(ends_on=pd.to_datetime(pd.Series(on, index=rows.index)))
    rows = rows[rows["ends_on"].notna()]
    return rows.assign(detail=[f"birthday on {one}" for one in _dates(rows["ends_on"])])


def _dates(days: pd.Series) -> pd.Series:
    """Day as a text, YYYY-MM-DD."""
    return days.astype(str).str.slice(0, 10)
