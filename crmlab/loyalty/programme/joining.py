"""Who is in the points programme, who joined, who could have: a row a customer and date, what was known, what came."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.loyalty.programme.ledger import Ledger
from crmlab.snapshots import snapshot
from crmlab.snapshots.dates import add_months

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["AFTER_MONTHS", "DECIDED_MONTHS", "JOINING_MONTHS", "MARGIN_BEFORE", "Joining", "joining_on"]

JOINING_MONTHS = 3  # who joins within so many months after a date counts as joining at it
AFTER_MONTHS = 6  # card spending is looked at for so many months after those
DECIDED_MONTHS = 5  # by then, who had decided before the date has closed: see the notes of joining_on
_MARGIN_MONTHS = 12
MARGIN_BEFORE = "margin, last month"  # fact: twelve times the margin of the last month before the date
_BEFORE_MONTHS = 6
_FEATURES = (
    "age_years", "tenure_days", "income_amount", "products_count", "current_count", "card_count", "savings_count",
    "loan_count", "mortgage_count", "assets_amount", "debt_amount", "margin_12m_amount", "frequency_3m_count",
    "frequency_6m_count", "frequency_change_share", "active_months_12m_count", "is_salary_credited", "in_3m_amount",
    "logins_3m_count", "complaints_12m_count", "mobile_12m_share", "online_12m_share", "branch_12m_share",
)  # fmt: skip
_LOGS = ("income_amount", "assets_amount", "debt_amount", "frequency_3m_count", "frequency_6m_count", "in_3m_amount",
         "logins_3m_count")  # fmt: skip


@dataclass(frozen=True)
class Joining:
    """Customers at each of several dates.

    Parameters
    ----------
    frame : DataFrame
        One row a customer and date: ``customer_id``, ``as_of``, ``is_member`` (on the date), ``is_joining`` (within
        three months after it), ``spent_before_amount`` (by card a month, months 4 to 6 before), ``spent_lately_amount``
        (months 1 to 3 before), ``spent_after_amount`` (a month, months 4 to 9 after; NaN where not seen),
        ``margin_after_amount`` and ``spent_year_amount`` (months 4 to 15 after, 0 once gone; NaN where not seen),
        ``at_risk_months`` and ``closings_count`` (months 6 to 8 after; 0 months for who was gone before).
    facts : DataFrame
        The same rows: numbers known on the date.
    dates : tuple of date
        The dates.
    has_margin : bool
        Whether margins are known.
    """

    frame: pd.DataFrame
    facts: pd.DataFrame
    dates: tuple[dt.date, ...]
    has_margin: bool

    @property
    def joined_count(self) -> int:
        """Times that a customer joined."""
        return int(self.frame["is_joining"].sum())


def joining_on(bank: Bank, ledger: Ledger) -> Joining:
    """Follow those who joined, and those who could have, from the same dates on.

    Parameters
    ----------
    bank : Bank
        As of a day. Needs accounts and transactions.
    ledger : Ledger
        Its points.

    Raises
    ------
    CrmlabError
        The bank's bookings are too few months for a before and an after.

    Notes
    -----
    Every third month end is a date, as long as six months before and three after are known. In it are customers who
    have been here for six months, hold a current account or a card and acted within three months. For spending and
    margin, who joins is put beside who is no member yet: all facts are of the date, so before anybody joined.

    Too few of those who join leave soon enough to be counted, so for leaving all members of the date are put beside
    all others; of members of old the facts are of a day after they joined, and only those who stayed are seen. Who has
    decided to leave closes two to five months later and fades before: facts of those months are consequences. So
    closings are counted in months 6 to 8 after the date, among those still there. Who joins after the date stays
    among the others: to take them out would leave those who had already decided to go (in four simulated banks the
    ratio of closings fell by 2 to 6 %). It draws the ratio a little towards 1.

    References
    ----------
    Hernán and Robins (2016), American Journal of Epidemiology 183, 758-764, for trials that are emulated.
    """
    lacking = [name for name in ("accounts", "transactions") if not bank.has(name)]
    refuse(*([f"joining: this bank has no {' and no '.join(lacking)}. Nothing before and after can be compared."]
             if lacking else []))  # fmt: skip
    spent = _by_month(bank, _SPENT)
    last = bank.date or bank.report_on
    dates = _dates(bank, last)
    refuse(
        *([] if dates else ["joining: before and after need ten months of bookings and of points. Wait until then."])
    )
    margin = _by_month(bank, _MARGIN) if bank.has("balances", "products", "products.margin_share") else None
    joined = ledger.entries.groupby("customer_id")["booked_on"].min()
    people = bank.frame("customers", [name for name in ("customer_id", "left_on", "left_reason")
                                      if name in bank.columns("customers")]).set_index("customer_id")  # fmt: skip
    seen = snapshot(bank, [str(day) for day in dates], [*_FEATURES])
    parts = [_at(day, seen, joined, people, spent, margin, pd.Timestamp(last)) for day in dates]
    frame = pd.concat([one for one, _ in parts], ignore_index=True)
    facts = pd.concat([one for _, one in parts], ignore_index=True)
    return Joining(frame, facts, tuple(dates), margin is not None)


_SPENT = """select customer_id, year(booked_on) * 12 + month(booked_on) as month, sum(-amount) as amount
from transactions join accounts using (account_id) where kind = 'card_payment' and amount < 0 group by all"""
_MARGIN = """select customer_id, year(balance_on) * 12 + month(balance_on) as month,
sum(abs(balance_amount) * coalesce(margin_share, 0) / 12 + coalesce(fee_amount, 0))::double as amount
from balances join accounts using (account_id) join products using (product_id) group by all"""


def _by_month(bank: Bank, query: str) -> pd.DataFrame:
    """Amounts in currency: a row a customer, a column a month (year x 12 + month)."""
    if query is _MARGIN and "fee_amount" not in bank.columns("products"):
        query = query.replace("coalesce(fee_amount, 0)", "0")
    rows = bank.to_frame(bank.sql(query))
    rows = rows.assign(month=rows["month"].astype(int)).sort_values(["customer_id", "month"])
    return rows.pivot(index="customer_id", columns="month", values="amount").fillna(0.0)


def _dates(bank: Bank, last: dt.date) -> list[dt.date]:
    """Every third month end, back from three months before the last that is over."""
    rows = bank.sql("select min(booked_on), (select min(booked_on) from loyalty_points) from transactions").fetchall()
    if rows[0][0] is None or rows[0][1] is None:
        return []
    first = add_months(_month_end(max(rows[0])), 0 if max(rows[0]).day == 1 else 1)  # end of the first full month
    over = last if (last + dt.timedelta(days=1)).day == 1 else last.replace(day=1) - dt.timedelta(days=1)
    earliest, day, found = add_months(first, _BEFORE_MONTHS - 1), add_months(over, -JOINING_MONTHS), []
    while day >= earliest:
        found.append(day)
        day = add_months(day, -3)
    return found[::-1]


def _month_end(day: dt.date) -> dt.date:
    return (pd.Timestamp(day) + pd.offsets.MonthEnd(0)).date()


def _at(day, seen, joined, people, spent, margin, last) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of one date."""
    here = seen[seen["as_of"] == pd.Timestamp(day)]
    holds = sum((here[name].fillna(0) for name in ("current_count", "card_count") if name in here), start=0) > 0
    acts = here["frequency_3m_count"] > 0
    since = joined.reindex(here.index)
    base, until = pd.Timestamp(day), pd.Timestamp(add_months(day, JOINING_MONTHS))
    old = here["tenure_days"] >= 30 * _BEFORE_MONTHS
    rows = here[holds & acts & old]
    since, who = since.reindex(rows.index), rows.index
    month = day.year * 12 + day.month
    end = (last + pd.Timedelta(days=1)).to_period("M") - 1
    known = end.year * 12 + end.month  # last month that is over
    left = pd.to_datetime(people["left_on"]).reindex(who) if "left_on" in people else pd.Series(pd.NaT, index=who)
    own = people["left_reason"].reindex(who) == "customer" if "left_reason" in people else left.notna()
    gone = (left.dt.year * 12 + left.dt.month).astype("float64")
    joins = (since > base) & (since <= until)
    frame = pd.DataFrame({
        "customer_id": who, "as_of": base, "is_member": (since <= base).to_numpy(), "is_joining": joins.to_numpy(),
        "spent_before_amount": _mean(spent, who, month - 5, month - 3),
        "spent_lately_amount": _mean(spent, who, month - 2, month),
    })  # fmt: skip
    stop = month + JOINING_MONTHS + AFTER_MONTHS
    there = ~(gone <= stop).to_numpy() & (stop <= known)
    after = _mean(spent, who, month + JOINING_MONTHS + 1, stop)
    frame["spent_after_amount"] = np.where(there, after, np.nan)
    final = month + JOINING_MONTHS + _MARGIN_MONTHS
    if margin is not None and final <= known:
        frame["margin_after_amount"] = _MARGIN_MONTHS * _mean(margin, who, month + JOINING_MONTHS + 1, final)
        frame["spent_year_amount"] = _MARGIN_MONTHS * _mean(spent, who, month + JOINING_MONTHS + 1, final)
    else:
        frame["margin_after_amount"], frame["spent_year_amount"] = np.nan, np.nan
    begins = month + DECIDED_MONTHS + 1
    ends = min(begins + 2, known)
    out = np.fmin(gone.to_numpy(), ends)
    frame["at_risk_months"] = np.clip(out - begins + 1, 0, None)
    closes = (gone.to_numpy() >= begins) & (gone.to_numpy() <= out) & own.to_numpy()
    frame["closings_count"] = closes.astype("float64")
    lately = None if margin is None else 12 * _mean(margin, who, month, month)
    return frame, _facts(rows, frame, lately)


def _mean(table: pd.DataFrame, who: pd.Index, first: int, last: int) -> np.ndarray:
    """Mean a month over some months; who has no row has 0."""
    return table.reindex(index=who, columns=range(first, last + 1)).fillna(0.0).mean(axis=1).to_numpy()


def _facts(rows: pd.DataFrame, frame: pd.DataFrame, margin: np.ndarray | None) -> pd.DataFrame:
    """What is made alike: skewed amounts and counts as logarithms, spending both ways."""
    lately, before = frame["spent_lately_amount"].to_numpy(), frame["spent_before_amount"].to_numpy()
    found = {
        "card spending, last 3 months": lately, "card spending, 3 months before": before,
        "card spending, last 3 months (log)": np.log1p(lately),
        "card spending, 3 months before (log)": np.log1p(before),
    }  # fmt: skip
    if margin is not None:
        found |= {MARGIN_BEFORE: margin, "margin, last month (log)": np.log1p(np.maximum(margin, 0.0))}
    for name in _FEATURES:
        if name not in rows:
            continue
        values = rows[name].astype("float64").to_numpy()
        if name == "tenure_days":
            values = np.log(np.maximum(values, 15) / 365.2425)
        elif name in _LOGS:
            values = np.sign(values) * np.log1p(np.abs(values))
        elif name == "complaints_12m_count":
            values = (values > 0).astype(float)
        found[_word(name)] = values
    if "age_years" in rows:
        found["age, squared"] = (rows["age_years"].astype("float64").to_numpy() - 45) ** 2
    return pd.DataFrame(found, index=frame.index)


def _word(name: str) -> str:
    if name == "in_3m_amount":
        return "money in, 3 months"
    for ending in ("_amount", "_count", "_days", "_years", "_share"):
        name = name.removesuffix(ending)
    return name.removeprefix("is_").replace("_3m", ", 3 months").replace("_6m", ", 6 months").replace(
        "_12m", ", 12 months").replace("_", " ")  # fmt: skip
