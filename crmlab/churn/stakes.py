"""What is at stake: the yearly margin of each customer, and what it is worth while it lasts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.churn.definitions.courses import seen_from
from crmlab.errors import refuse
from crmlab.stats.annuity import present_value

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["stakes", "yearly_margin", "yearly_retention"]

_YEAR_DAYS = 365.25
_FEWEST_DAYS = 90.0  # a margin seen for less is put on a year as if it were of so many days


def yearly_margin(bank: Bank, seen: pd.DataFrame, day: dt.date) -> pd.Series | None:
    """Put each customer's margin and fees of the last twelve months on a year.

    Parameters
    ----------
    bank : Bank
    seen : DataFrame
        Snapshot of the day: ``margin_12m_amount`` and, where known, ``tenure_days``.
    day : date

    Returns
    -------
    Series of float or None
        ``margin_amount``, a year, in the bank's currency; negative where a customer costs money. None without margins.

    Notes
    -----
    Where balances, or the customer, go back less than a year, the margin seen is put on a year in proportion to the
    days (at least 90).
    """
    if "margin_12m_amount" not in seen:
        return None
    known = float((day - seen_from(bank)).days + 1)
    days = pd.Series(min(known, _YEAR_DAYS), index=seen.index)
    if "tenure_days" in seen:
        days = days.clip(upper=seen["tenure_days"].fillna(_YEAR_DAYS))
    return (seen["margin_12m_amount"] * _YEAR_DAYS / days.clip(_FEWEST_DAYS, _YEAR_DAYS)).rename("margin_amount")


def yearly_retention(rate: float, months: int) -> float:
    """Turn the share that leaves within some months into the share that stays a year.

    Examples
    --------
    >>> round(yearly_retention(0.02, 3), 4)  # .98 to the fourth
    0.9224
    """
    refuse(
        *([] if 0 <= rate < 1 else [f"yearly_retention: the rate is {rate}. Give a share from 0 to below 1."]),
        *([] if months >= 1 else [f"yearly_retention: months is {months}. Give 1 or more."]),
    )
    return float((1 - rate) ** (12 / months))


def stakes(
    margin: pd.Series | None,
    p_churn: pd.Series,
    *,
    retention: float,
    discount: float = 0.08,
    years: int = 5,
) -> pd.DataFrame:
    """Put probability and money of each customer side by side.

    Parameters
    ----------
    margin : Series of float or None
        A year's margin by customer; None leaves money out.
    p_churn : Series of float
        Probability to leave in the window, 0 to 1, by customer.
    retention : float
        Share of the bank's customers who stay a year, 0 to 1.
    discount : float
        A year, 0 or more.
    years : int
        Counted, 1 or more.

    Returns
    -------
    DataFrame
        Indexed as `p_churn`: ``p_churn``; with margins ``margin_amount`` (a year), ``value_amount`` (what is lost when
        the customer leaves: the margins of the years ahead, discounted), ``at_stake_amount`` (p x a year's margin).

    Notes
    -----
    The value takes it that who is kept now stays on like the bank's other customers. Someone won over on the brink
    will leave sooner than that, so it is an upper limit for them. Negative margins stay negative: to lose such a
    customer costs nothing.

    Examples
    --------
    >>> who = pd.Index(["a", "b"], name="customer_id")
    >>> found = stakes(pd.Series([100.0, -20.0], who), pd.Series([0.5, 0.1], who), retention=1.0, discount=0.0, years=3)
    >>> found[["value_amount", "at_stake_amount"]].values.tolist()
    [[300.0, 50.0], [-60.0, -2.0]]
    """
    found = p_churn.rename("p_churn").to_frame()
    if margin is None:
        return found
    yearly = margin.reindex(p_churn.index).fillna(0.0).astype(float)
    value = present_value(yearly.to_numpy(), retention=retention, discount=discount, periods=years)
    return found.assign(
        margin_amount=yearly, value_amount=np.asarray(value, dtype=float), at_stake_amount=yearly * p_churn
    )
