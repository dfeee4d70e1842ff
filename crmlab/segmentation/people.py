"""Whom the segments speak of: owners of accounts, their income, and the day a year before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.stats import count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["account_owners", "bank_was_young", "has_year_to", "income_of", "year_before"]


def account_owners(seen: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Keep the customers who have an account of their own, and say who was left out.

    Parameters
    ----------
    seen : DataFrame
        Snapshot; without ``accounts_count`` (a flat bank) everybody is kept.

    Returns
    -------
    (DataFrame, str)
        The rows kept, in order; the sentence.
    """
    if "accounts_count" not in seen:
        return seen, f"All {count_text(len(seen))} customers of the file are looked at."
    own = seen[seen["accounts_count"] > 0]
    out = len(seen) - len(own)
    said = f"{count_text(len(own))} customers have an account of their own and are looked at"
    return own, said + (f"; {count_text(out)} who have none are left out." if out else ".")


def year_before(bank: Bank) -> str:
    """Return the day a year before the bank's, as ``YYYY-MM-DD``; empty where no balance was known by then."""
    day = pd.Timestamp(bank.date or bank.report_on) - pd.DateOffset(years=1)
    if not bank.has("balances"):
        return ""
    first = bank.sql("select min(balance_on) from balances").fetchall()[0][0]
    return str(day.date()) if pd.Timestamp(first) <= day else ""


def bank_was_young(seen: pd.DataFrame) -> bool:
    """Whether half of the customers had joined within a year: moves since then would tell of the bank's own start.

    >>> bank_was_young(pd.DataFrame({"tenure_days": [30, 200, 4000]}))
    True
    """
    return bool(len(seen)) and "tenure_days" in seen and float(seen["tenure_days"].median()) < 365


def has_year_to(bank: Bank, day: str) -> bool:
    """Whether balances are known of all 12 month ends up to a day, so that a yearly amount is that of a whole year.

    Parameters
    ----------
    bank : Bank
        With ``balances``; without them the answer is no.
    day : str
        ``YYYY-MM-DD``; empty: no.
    """
    if not day or not bank.has("balances"):
        return False
    last = pd.Timestamp(day) + pd.Timedelta(days=1)
    last_end = last.replace(day=1) - pd.Timedelta(days=1)
    first_needed = last_end.replace(day=1) - pd.DateOffset(months=11)
    first = bank.sql("select min(balance_on) from balances").fetchall()[0][0]
    return pd.Timestamp(first) < first_needed + pd.DateOffset(months=1)


def income_of(seen: pd.DataFrame) -> tuple[pd.Series, str]:
    """Return what is known of the monthly income, and where it comes from.

    Parameters
    ----------
    seen : DataFrame
        Snapshot. ``income_amount`` (declared) is taken where the bank has it, else ``salary_amount`` (salary-like
        credits); never a mix of both.

    Returns
    -------
    (Series of float, str)
        Currency a month, missing where not known or 0; the source in words, empty when there is none.
    """
    for column, words in (("income_amount", "declared income"), ("salary_amount", "salary-like credits")):
        if column in seen and seen[column].notna().any():
            return seen[column].where(seen[column] > 0).rename("income_amount"), words
    return pd.Series(np.nan, index=seen.index, name="income_amount"), ""
