"""How relations and accounts ended after a date: by the customer, or otherwise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["REASONS", "closings", "holders", "matured_amounts", "there"]

# How a relation ends that the customer did not end -> what the audit calls it.
REASONS = {
    "deceased": "died",
    "fraud": "lost by fraud",
    "bank": "ended by the bank",
    "matured": "came to the agreed end",
    "other": "ended for another reason",
}


def there(bank: Bank, day: dt.date) -> pd.DataFrame:
    """Return the customers of a date: ``joined_on``, indexed by ``customer_id``, ordered.

    Parameters
    ----------
    bank : Bank
    day : date
        They had joined and not left by its end.
    """
    left_on = "left_on" if "left_on" in bank.columns("customers") else "cast(null as date)"
    rows = bank.to_frame(
        bank.sql(
            f"select customer_id, joined_on from customers where joined_on <= date '{day}'"
            f" and ({left_on} is null or {left_on} > date '{day}') order by customer_id"
        )
    )
    return rows.assign(joined_on=pd.to_datetime(rows["joined_on"])).set_index("customer_id")


def holders(bank: Bank, day: dt.date, families: Sequence[str]) -> pd.Index:
    """Return who held an account of the families at the end of a day."""
    rows = bank.sql(
        f"select distinct customer_id from accounts join products using (product_id) where family in ({_in(families)})"
        f" and opened_on <= date '{day}' and (closed_on is null or closed_on > date '{day}') order by 1"
    ).fetchall()
    return pd.Index([one for (one,) in rows], dtype="str")


def closings(bank: Bank, day: dt.date, end: dt.date, families: Sequence[str] = ()) -> pd.DataFrame:
    """Return whose relation (or all accounts of some families) ended after a day and up to another.

    Parameters
    ----------
    bank : Bank
    day, end : date
        After `day`, up to and with `end`.
    families : sequence of str
        Product families; empty for the whole relation.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``ended_on`` and ``reason`` (``customer`` where the bank records no reason).

    Notes
    -----
    Without ``customers.left_on`` the relation ends with the last account. Accounts: none of the families may be open at
    `end`; where one was closed by the customer the customer ended it, else the last closing tells.
    """
    if not families and "left_on" in bank.columns("customers"):
        reason = "coalesce(left_reason, 'other')" if "left_reason" in bank.columns("customers") else "'customer'"
        query = f"""
            select customer_id, left_on as ended_on, {reason} as reason from customers
            where left_on > date '{day}' and left_on <= date '{end}' order by customer_id"""
    elif "accounts" in bank.tables and "closed_on" in bank.columns("accounts"):
        reason = "coalesce(close_reason, 'other')" if "close_reason" in bank.columns("accounts") else "'customer'"
        chosen = f"where family in ({_in(families)})" if families else ""
        products = "join products using (product_id)" if families else ""
        query = f"""
            with held as (
                select customer_id, closed_on, {reason} as reason, opened_on from accounts {products} {chosen}
            ), relevant as (
                select * from held where opened_on <= date '{end}' and (closed_on is null or closed_on > date '{day}')
            )
            select customer_id, max(closed_on) as ended_on,
                case when bool_or(reason = 'customer') then 'customer' else arg_max(reason, (closed_on, reason)) end
                as reason
            from relevant group by customer_id
            having bool_and(closed_on is not null and closed_on <= date '{end}')
                and bool_or(opened_on <= date '{day}') order by customer_id"""
    else:
        return pd.DataFrame({"ended_on": pd.Series(dtype="datetime64[us]"), "reason": pd.Series(dtype="str")})
    rows = bank.to_frame(bank.sql(query))
    return rows.assign(ended_on=pd.to_datetime(rows["ended_on"])).set_index("customer_id")


def matured_amounts(bank: Bank, day: dt.date, end: dt.date) -> pd.Series:
    """Return the last balance of deposits that came to their agreed end after a day and up to another, by customer."""
    nothing = pd.Series(dtype=float)
    if not bank.has("accounts", "products", "balances"):
        return nothing
    known = bank.columns("accounts")
    if "closed_on" not in known or not {"close_reason", "matures_on"} & set(known):
        return nothing
    is_matured = "close_reason = 'matured'" if "close_reason" in known else "closed_on >= matures_on"
    rows = bank.to_frame(
        bank.sql(f"""
            select customer_id, sum(balance_amount) as paid_amount from (
                select a.customer_id, a.account_id, arg_max(b.balance_amount, b.balance_on) as balance_amount
                from accounts a join products p using (product_id)
                    join balances b on b.account_id = a.account_id and b.balance_on <= date '{day}'
                where p.family in ('term_deposit', 'savings', 'investment') and {is_matured}
                    and closed_on > date '{day}' and closed_on <= date '{end}'
                group by all
            ) group by customer_id having sum(balance_amount) > 0 order by customer_id""")
    )
    return rows.set_index("customer_id")["paid_amount"]


def _in(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
