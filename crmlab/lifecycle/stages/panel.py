"""Signals of each customer at each month-end, read from the tables: one pass over every table, whole months."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.lifecycle.stages.rules import SCOPES, known_scope
from crmlab.snapshots.blocks import ASSET_FAMILIES, DEBT_FAMILIES
from crmlab.snapshots.dates import add_months, anchor_of, month_index

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Panel", "panel_of"]

_REGULAR = "('salary', 'pension', 'benefit')"
_NEVER = 10**6


@dataclass(frozen=True)
class Panel:
    """Signals by customer (row, ordered by id) and month-end (column, oldest first).

    Parameters
    ----------
    customers : ndarray of str
    days : tuple of date
        Month-ends, one a month.
    amount : ndarray of float
        What a stage's rises and falls are measured on: assets, debts, or card spending of three months; currency.
    has_acts : ndarray of bool
        The customer did something: a booking or a use of online or mobile banking; None where acts say nothing (loans).
    has_regular : ndarray of bool
        A salary, pension or benefit came in; before the bank has booked any salary, any money but interest.
    has_opened : ndarray of bool
        A further account in the scope was opened.
    is_there : ndarray of bool
        The relation lasts at the end of the day.
    since : ndarray of int
        Column of joining; below 0 for before the first month-end, large for never.
    is_back : ndarray of bool
        Was a customer before, under another number.
    margin : ndarray of float or None
        Margin and fees of the month, currency; None where the bank does not tell margins.
    is_run_off : bool
        Falls are judged by what is left of the highest amount (loans).
    """

    customers: np.ndarray
    days: tuple[dt.date, ...]
    amount: np.ndarray
    has_acts: np.ndarray | None
    has_regular: np.ndarray
    has_opened: np.ndarray
    is_there: np.ndarray
    since: np.ndarray
    is_back: np.ndarray
    margin: np.ndarray | None
    is_run_off: bool = False


def panel_of(bank: Bank, last: dt.date, *, scope: str = "all", months: int | None = None) -> Panel:
    """Read the signals up to a day; nothing after it is looked at.

    Parameters
    ----------
    bank : Bank
        Needs ``customers``, ``accounts`` and ``products``, and bookings or balances.
    last : date
        Last month-end; the others lie whole months before it.
    scope : str
        ``all``, ``deposits``, ``cards`` or ``loans``.
    months : int, optional
        Most months looked back; None: since the first booking or balance.
    """
    families = SCOPES[known_scope(scope)]
    has_money, has_bookings = bank.has("balances"), bank.has("transactions")
    lacking = [name for name in ("customers", "accounts", "products") if not bank.has(name)]
    refuse(
        *([f"stages: {bank.name} has no rows in {', '.join(lacking)}. They follow from accounts over time."]
          if lacking else []),
        *([] if has_money or has_bookings else [f"stages: {bank.name} has neither balances nor transactions. Stages are"
                                                " read from what happens month by month."]),
    )  # fmt: skip
    days = _month_ends(bank, last, months, has_money, has_bookings)
    read = _Reader(bank, days, families)
    opened, is_open, first = read.holdings()
    size = (len(read.customers), len(days))
    joined, left, back = read.relations()
    if scope == "all":
        since, is_there = joined, _between(joined, left, size)
        if left is None:
            is_there = is_there & (is_open | ~np.logical_or.accumulate(is_open, axis=1))
    else:
        since, is_there, back = first, is_open & _between(joined, left, size), np.zeros(size[0], dtype=bool)
    has_acts, has_regular, spent = read.activity(size, with_digital=scope == "all")
    assets, debts, margin = read.money(size)
    amount = debts if scope == "loans" else _three_months(spent) if scope == "cards" else assets
    return Panel(
        read.customers, days, amount, None if scope == "loans" or not has_bookings else has_acts, has_regular, opened,
        is_there, since, back, margin, scope == "loans",
    )  # fmt: skip


def _month_ends(bank: Bank, last: dt.date, months: int | None, money: bool, bookings: bool) -> tuple[dt.date, ...]:
    parts = [f"select min({column})::date from {table}" for table, column, there in
             (("transactions", "booked_on", bookings), ("balances", "balance_on", money)) if there]  # fmt: skip
    first = min(day for part in parts for (day,) in bank.sql(part).fetchall())
    anchor = anchor_of(last)
    count = max(month_index(last, anchor) - month_index(min(first, last), anchor) + 1, 1)
    count = min(count, months) if months else count
    return tuple(add_months(last, -back) for back in range(count - 1, -1, -1))


class _Reader:
    """Queries of one bank, each once, placed into arrays by customer and month."""

    def __init__(self, bank: Bank, days: tuple[dt.date, ...], families: tuple[str, ...]) -> None:
        self.bank, self.days = bank, days
        self.anchor = anchor_of(days[-1])
        self.zero = month_index(days[0], self.anchor)
        self.last = days[-1]
        words = ", ".join(f"'{family}'" for family in families)
        self.inside = f"family in ({words})" if families else "true"
        self.people = self._customers()
        self.customers = self.people["customer_id"].to_numpy(dtype=object)

    def _month(self, column: str) -> str:
        """Column of the month in which a day lies, as SQL."""
        return f"(year({column}) * 12 + month({column}) + (day({column}) > {self.anchor})::int - {self.zero})::int"

    def _customers(self) -> pd.DataFrame:
        known = self.bank.columns("customers")
        left = self._month("left_on") if "left_on" in known else "null::int"
        day = f"left_on <= date '{self.last}'" if "left_on" in known else "false"
        back = "previous_customer_id is not null" if "previous_customer_id" in known else "false"
        return self.bank.sql(
            f"select customer_id, {self._month('joined_on')} as joined, case when {day} then {left} end as lost,"
            f" {back} as is_back from customers where joined_on <= date '{self.last}' order by customer_id"
        ).df()

    def relations(self) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Columns of joining and of the end, and who was here before under another number."""
        left = None
        if "left_on" in self.bank.columns("customers"):
            left = self.people["lost"].astype("float64").fillna(_NEVER).to_numpy().astype(np.int64)
        return self.people["joined"].to_numpy(np.int64), left, self.people["is_back"].to_numpy(bool)

    def _rows(self, query: str) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
        """Run a query of customer_id, month and values; return it with places, rows of unknown customers left out."""
        found = self.bank.sql(query).df()
        place = pd.Index(self.customers).get_indexer(found["customer_id"].to_numpy(dtype=object))
        known = place >= 0
        return found[known], place[known], found.loc[known, "month"].to_numpy(np.int64)

    @property
    def _seen_through(self) -> str:
        """Accounts by the customer they are counted for, and the month until which they are.

        Who owns none is seen through the account they may use, until they open one of their own.
        """
        columns = "account_id, {customer} as customer_id, family, margin_share, fee_amount"
        own = columns.format(customer="customer_id")
        own = f"select {own}, true as is_owner, {_NEVER} as until from {self._accounts}"
        if "authorised_customer_id" not in self.bank.columns("accounts"):
            return own
        used = f"select {columns.format(customer='authorised_customer_id')}, false, coalesce(own.month, {_NEVER})"
        first = (
            f"select customer_id as owner_id, {self._month('min(opened_on)')} as month from accounts"
            f" where opened_on <= date '{self.last}' group by customer_id"
        )
        return (
            f"{own} union all {used} from {self._accounts} left join ({first}) own on owner_id = authorised_customer_id"
            " where authorised_customer_id is not null"
        )

    @property
    def _accounts(self) -> str:
        known, about = self.bank.columns("accounts"), self.bank.columns("products")
        authorised = "authorised_customer_id" if "authorised_customer_id" in known else "null as authorised_customer_id"
        margin = "margin_share" if "margin_share" in about else "null::double as margin_share"
        fee = "fee_amount" if "fee_amount" in about else "null::bigint as fee_amount"
        closed = f"case when closed_on <= date '{self.last}' then closed_on end" if "closed_on" in known else "null"
        return (
            f"(select account_id, customer_id, {authorised}, family, {margin}, {fee}, opened_on,"
            f" cast({closed} as date) as closed_on from accounts join products using (product_id)"
            f" where {self.inside} and opened_on <= date '{self.last}')"
        )

    def holdings(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Further openings, whether any account is open, and the column of the first opening."""
        query = (
            f"select customer_id, {self._month('opened_on')} as month, {self._month('closed_on')} as closed,"
            f" opened_on > min(opened_on) over (partition by customer_id) as is_further from {self._accounts}"
        )
        found, place, month = self._rows(query)
        size = (len(self.customers), len(self.days))
        opened, level = np.zeros(size, dtype=bool), np.zeros((size[0], size[1] + 1), dtype=np.int32)
        first = np.full(size[0], _NEVER)
        np.minimum.at(first, place, month)
        further = found["is_further"].to_numpy(bool) & (month >= 0)
        opened[place[further], month[further]] = True
        np.add.at(level, (place, np.clip(month, 0, None)), 1)
        closed = found["closed"].astype("float64").to_numpy()
        ends = np.isfinite(closed)
        at = np.maximum(np.clip(month[ends], 0, None), closed[ends].clip(0).astype(np.int64))
        np.add.at(level, (place[ends], at), -1)
        return opened, level[:, :-1].cumsum(axis=1) > 0, first

    def activity(self, size: tuple[int, int], *, with_digital: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Months with an act, months with regular money in, and money spent in acts."""
        acts, regular, spent = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool), np.zeros(size)
        span = f"between date '{add_months(self.days[0], -1)}' + 1 and date '{self.last}'"
        if self.bank.has("transactions"):
            known = self.bank.columns("transactions")
            by_customer = "is_customer_initiated" if "is_customer_initiated" in known else "true"
            kind = f"kind in {_REGULAR} and amount > 0" if "kind" in known else "false"
            salary = "kind = 'salary'" if "kind" in known else "false"
            other = "amount > 0 and kind <> 'interest'" if "kind" in known else "amount > 0"
            found, place, month = self._rows(
                f"""
                with booked as (
                    select account_id, {self._month("booked_on")} as month,
                        count(case when {by_customer} then 1 end) as acts,
                        count(case when {kind} then 1 end) as regular, count(case when {other} then 1 end) as other,
                        count(case when {salary} then 1 end) as salaries,
                        sum(case when {by_customer} then abs(amount) else 0 end)::double as spent
                    from transactions where booked_on {span} group by 1, 2
                )
                select customer_id, month, sum(acts)::bigint as acts, sum(regular)::bigint as regular,
                    sum(spent) as spent, sum(other)::bigint as other, sum(salaries)::bigint as salaries
                from booked join ({self._seen_through}) using (account_id) where month < until group by 1, 2
                """
            )
            acts[place, month] = found["acts"].to_numpy() > 0
            regular[place, month] = found["regular"].to_numpy() > 0
            # a bank that books no salary as such: any money in may be one
            any_in, salaries = np.zeros(size, dtype=bool), np.zeros(size[1], dtype=bool)
            any_in[place, month] = found["other"].to_numpy() > 0
            np.logical_or.at(salaries, month, found["salaries"].to_numpy() > 0)
            regular |= any_in & ~np.logical_or.accumulate(salaries)
            spent[place, month] = found["spent"].to_numpy() / self.bank.minor_units
        if with_digital and self.bank.has("digital_events"):
            _, place, month = self._rows(
                f"select customer_id, {self._month('cast(occurred_at as date)')} as month from digital_events"
                f" where cast(occurred_at as date) {span} group by 1, 2"
            )
            acts[place, month] = True
        return acts, regular, spent

    def money(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Assets, debts and the month's margin; months without any balance of the bank repeat the one before."""
        assets, debts, margin = np.zeros(size), np.zeros(size), np.zeros(size)
        if not self.bank.has("balances"):
            return assets, debts, None
        held = ", ".join(f"'{family}'" for family in ASSET_FAMILIES)
        owed = ", ".join(f"'{family}'" for family in DEBT_FAMILIES)
        found, place, month = self._rows(
            f"""
            with known as (
                select account_id, {self._month("balance_on")} as month,
                    arg_max(balance_amount, balance_on)::double as balance_amount
                from balances where balance_on between date '{add_months(self.days[0], -1)}' + 1 and date '{self.last}'
                group by 1, 2
            )
            select customer_id, month,
                sum(case when family in ({held}) then greatest(balance_amount, 0) else 0 end) as assets,
                sum(case when family in ({owed}) then greatest(-balance_amount, 0) else 0 end) as debts,
                sum(case when is_owner then abs(balance_amount) * coalesce(margin_share, 0) / 12
                    + coalesce(fee_amount, 0) else 0 end) as margin
            from known join ({self._seen_through}) using (account_id) where month < until group by 1, 2
            """
        )
        for values, name in ((assets, "assets"), (debts, "debts"), (margin, "margin")):
            values[place, month] = found[name].to_numpy(float) / self.bank.minor_units
        missing = ~np.isin(np.arange(size[1]), month)
        for column in np.flatnonzero(missing & (np.arange(size[1]) > 0)):
            for values in (assets, debts, margin):
                values[:, column] = values[:, column - 1]
        return assets, debts, margin if self.bank.has("products.margin_share") else None


def _between(joined: np.ndarray, left: np.ndarray | None, size: tuple[int, int]) -> np.ndarray:
    """Whether each customer has joined and not left by each month-end."""
    month = np.arange(size[1])
    there = joined[:, None] <= month
    return there if left is None else there & (left[:, None] > month)


def _three_months(values: np.ndarray) -> np.ndarray:
    """Mean of the last three months, fewer at the start."""
    total = np.cumsum(np.pad(values, ((0, 0), (3, 0))), axis=1)
    months = np.minimum(np.arange(1, values.shape[1] + 1), 3)
    return (total[:, 3:] - total[:, :-3]) / months
