"""How each customer's balance, activity, salary and margin went, month by month: what fading is seen in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.snapshots.blocks import ASSET_FAMILIES
from crmlab.snapshots.dates import MONTH_END, month_index

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Courses", "courses", "seen_from"]

_BALANCES = """
select a.customer_id, year(b.balance_on) * 12 + month(b.balance_on) as month_index,
    sum(case when p.family in ({assets}) and b.balance_amount > 0 then b.balance_amount else 0 end) as assets_amount,
    {margin} as margin_amount
from balances b join accounts a on a.account_id = b.account_id join products p on p.product_id = a.product_id
group by all
"""
_ACTS = """
select a.customer_id, year(t.booked_on) * 12 + month(t.booked_on) + cast(day(t.booked_on) > {anchor} as int)
    as month_index, count(case when t.is_customer_initiated then 1 end) as acts_count,
    max(case when t.kind in ('salary', 'pension') then 1 else 0 end) as salaries_count
from transactions t join accounts a on a.account_id = t.account_id
group by all
"""


@dataclass(frozen=True)
class Courses:
    """Customers in rows, months in columns.

    Parameters
    ----------
    customers : Index
        Every customer on file, ordered.
    first : int
        Month of the first column, as `crmlab.snapshots.dates.month_index` counts months.
    anchor : int
        Day on which months end; 31 for calendar months.
    assets, margin : ndarray or None
        Assets at the month's end, and margin and fees of the month, in the bank's currency; NaN in months without any
        balance in the bank. None where the bank has no balances (or no margins).
    acts, salaries : ndarray or None
        Bookings the customer initiated, and 1 where a salary or pension was booked. None without transactions.
    """

    customers: pd.Index
    first: int
    anchor: int
    assets: np.ndarray | None
    margin: np.ndarray | None
    acts: np.ndarray | None
    salaries: np.ndarray | None

    def column(self, day: dt.date) -> int:
        """Return the column of the month that ends on a day (or in which it lies)."""
        return month_index(day, self.anchor) - self.first

    @property
    def months(self) -> int:
        """Number of columns."""
        kept = [one for one in (self.assets, self.acts) if one is not None]
        return kept[0].shape[1] if kept else 0

    def mean(self, of: np.ndarray, start: int, end: int, since: np.ndarray | None = None) -> np.ndarray:
        """Mean of columns `start` to before `end`, over months known and from column `since` of each customer on."""
        lowest, highest = max(start, 0), min(max(end, 0), of.shape[1])
        part = of[:, lowest:highest]
        known = ~np.isnan(part)
        if since is not None:
            known &= np.arange(lowest, highest)[None, :] >= since[:, None]
        count = known.sum(axis=1)
        total = np.where(known, part, 0.0).sum(axis=1)
        return np.divide(total, count, out=np.full(len(of), np.nan), where=count > 0)


def courses(bank: Bank, anchor: int = MONTH_END) -> Courses:
    """Roll balances and bookings up to one number a customer and month.

    Parameters
    ----------
    bank : Bank
        All that is known of; a later month is read only to see what became of somebody.
    anchor : int
        Day of the month on which months end, `crmlab.snapshots.dates.anchor_of` of the dates asked.

    Notes
    -----
    A month's balance is that of its last day; for months that end on another day, of the month end before it. Bookings
    count by the day they were booked, as in snapshots. Margin: absolute balance x margin / 12, and the monthly fee.
    """
    people = pd.Index(bank.frame("customers", ["customer_id"])["customer_id"].sort_values(), name="customer_id")
    money, acts = _money(bank), _acts(bank, anchor)
    if money is not None and anchor != MONTH_END:
        money = money.assign(month_index=money["month_index"] + 1)
    frames = [frame for frame in (money, acts) if frame is not None and len(frame)]
    if not frames:
        return Courses(people, 0, anchor, None, None, None, None)
    first = int(min(frame["month_index"].min() for frame in frames))
    last = int(max(frame["month_index"].max() for frame in frames))
    shape = (len(people), last - first + 1)

    def grid(frame: pd.DataFrame | None, column: str, gaps: bool) -> np.ndarray | None:
        if frame is None or column not in frame:
            return None
        found = np.zeros(shape)
        rows, months = people.get_indexer(frame["customer_id"]), frame["month_index"].to_numpy(dtype=int) - first
        if gaps:  # a month without a balance of anybody is not known; a customer without one has nothing
            found[:, ~np.isin(np.arange(shape[1]), months)] = np.nan
        found[rows, months] = frame[column].to_numpy(dtype=float)
        return found

    return Courses(
        people,
        first,
        anchor,
        grid(money, "assets_amount", True),
        grid(money, "margin_amount", True),
        grid(acts, "acts_count", False),
        grid(acts, "salaries_count", False),
    )


def _money(bank: Bank) -> pd.DataFrame | None:
    if not bank.has("balances", "accounts", "products"):
        return None
    known = bank.columns("products")
    margin = "0"
    if "margin_share" in known and bank.has("products.margin_share"):
        # millionths of a minor unit: a sum of whole numbers does not depend on the order of rows
        yearly = "abs(b.balance_amount) * cast(floor(coalesce(p.margin_share, 0) * 1000000 + 0.5) as bigint)"
        margin = f"cast(sum({yearly}) as double) / 12000000"
        margin += " + sum(coalesce(p.fee_amount, 0))" if "fee_amount" in known else ""
    assets = ", ".join(f"'{family}'" for family in ASSET_FAMILIES)
    frame = bank.to_frame(bank.sql(_BALANCES.format(assets=assets, margin=margin)))
    return frame.drop(columns="margin_amount") if margin == "0" else frame


def _acts(bank: Bank, anchor: int) -> pd.DataFrame | None:
    if not bank.has("transactions", "accounts"):
        return None
    return bank.to_frame(bank.sql(_ACTS.format(anchor=anchor)))


def seen_from(bank: Bank) -> dt.date:
    """Return the first day of the first month whose balances or bookings are known; else the bank's first day."""
    days = [
        bank.sql(f"select min({column}) from {table}").fetchall()[0][0]
        for table, column in (("balances", "balance_on"), ("transactions", "booked_on"))
        if bank.has(table)
    ]
    known = [pd.Timestamp(day).date() for day in days if day is not None]
    return min(known).replace(day=1) if known else bank.first_on
