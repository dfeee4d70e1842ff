"""Who was lost, when and how: by their own choice or not, back already or not, and what went with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.winback.margins import month_margins, month_number, year_before

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["BY_CHOICE", "WAYS", "lost_customers", "lost_of_year", "way_counts"]

BY_CHOICE = "by choice"
WAYS = {
    "customer": BY_CHOICE, "deceased": "has died", "fraud": "lost by fraud", "bank": "ended by the bank",
    "other": "for another reason",
}  # fmt: skip
_NOT_TOLD = "reason not told"
_DAYS_A_YEAR = 365.25


def lost_customers(bank: Bank, *, fade_months: int = 6) -> pd.DataFrame:
    """List every customer who was lost by the day, with what they were to the bank before they began to go.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    fade_months : int
        Months before leaving in which balance and use already fade; what a customer was is read before them.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, in order of the identifiers:

        - ``left_on``, ``way`` (one of `WAYS`, or not told), ``months_since`` (whole months from leaving to the day);
        - ``back_on`` (empty: not back), ``back_as`` (the new number), ``is_back``;
        - ``tenure_days``, ``age_years`` at leaving;
        - ``products_count`` before the fade, ``has_held``: held an account or contract of the own at any time. Who only
          used a partner's account left with the partner: nothing to win back;
        - ``is_main_bank``: salary or pension was booked here in two of the three months before the fade;
        - ``margin_amount`` a year, ``margin_months_count``, ``is_before_fade``: see `crmlab.winback.margins`.

        A column the bank's tables cannot fill is empty. No row where nobody left or leaving is not recorded.

    Notes
    -----
    A return is a new relation whose ``previous_customer_id`` names the old one; of several the first counts. Deaths,
    fraud and relations that the bank ended are listed, so that they can be counted, and never belong on a list.
    """
    refuse(
        *([] if fade_months >= 0 else [f"lost_customers: fade_months is {fade_months}. Give 0 or more."]),
    )
    day = pd.Timestamp(bank.date or bank.report_on)
    people = _leavers(bank)
    since = month_number([day]) - month_number(people["left_on"])
    not_full = people["left_on"].dt.day.to_numpy() > day.day
    is_month_end = day.is_month_end
    people["months_since"] = np.maximum(since - (not_full & (not is_month_end)), 0).astype(int)
    people["tenure_days"] = (people["left_on"] - people["joined_on"]).dt.days
    people["age_years"] = (people["left_on"] - people["birth_on"]).dt.days / _DAYS_A_YEAR
    held = _products(bank, fade_months)
    people["has_held"] = people.index.isin(held.index) if held is not None else True
    counts = held["products_count"] if held is not None else pd.Series(dtype=float)
    people["products_count"] = counts.reindex(people.index).astype(float)
    people["is_main_bank"] = people.index.isin(_main_bank(bank, fade_months))
    worth = year_before(month_margins(bank), people["left_on"], fade_months=fade_months)
    return people.drop(columns=["joined_on", "birth_on"]).join(worth)


def lost_of_year(lost: pd.DataFrame, *, months: int = 12) -> pd.DataFrame:
    """Return those lost by their own choice in the last months, with an account of their own.

    Parameters
    ----------
    lost : DataFrame
        From `lost_customers`.
    months : int
        Whole months before the day.

    Examples
    --------
    >>> lost = pd.DataFrame({"way": ["by choice", "has died"], "months_since": [3, 3], "has_held": True})
    >>> len(lost_of_year(lost))
    1
    """
    return lost[(lost["way"] == BY_CHOICE) & lost["has_held"] & (lost["months_since"] < months)]


def way_counts(lost: pd.DataFrame, *, months: int = 12) -> pd.DataFrame:
    """Count how the customers of the last months were lost, most frequent first.

    Returns
    -------
    DataFrame
        ``way``, ``customers_count``, ``on_a_list`` (whether they may ever be on a list).

    Examples
    --------
    >>> rows = {"way": ["by choice", "has died", "has died"], "months_since": [1, 2, 30], "has_held": True}
    >>> way_counts(pd.DataFrame(rows)).to_numpy().tolist()
    [['by choice', 1, 'yes'], ['has died', 1, 'never']]
    """
    recent = lost[lost["months_since"] < months]
    way = recent["way"].where(recent["has_held"] | (recent["way"] != BY_CHOICE), "left with a partner, no account")
    counts = way.value_counts().rename_axis("way").rename("customers_count").reset_index()
    counts = counts.sort_values(["customers_count", "way"], ascending=[False, True], kind="stable")
    return counts.assign(on_a_list=np.where(counts["way"] == BY_CHOICE, "yes", "never")).reset_index(drop=True)


def _leavers(bank: Bank) -> pd.DataFrame:
    known = bank.columns("customers")
    columns = [name for name in ("left_on", "left_reason", "joined_on", "birth_on") if name in known]
    people = bank.frame("customers", ["customer_id", *columns]).set_index("customer_id").sort_index()
    for name in ("left_on", "joined_on", "birth_on"):
        people[name] = pd.to_datetime(people[name]) if name in people else pd.Series(pd.NaT, index=people.index)
    people = people[people["left_on"].notna()]
    reason = people["left_reason"] if "left_reason" in people else pd.Series(None, index=people.index, dtype="str")
    way = reason.map(WAYS).astype("str").where(reason.notna(), _NOT_TOLD)
    people = people.assign(way=way).drop(columns="left_reason", errors="ignore")
    again = _returns(bank)
    people["back_on"] = again["back_on"].reindex(people.index)
    people["back_as"] = again["back_as"].reindex(people.index)
    return people.assign(is_back=people["back_on"].notna())


def _returns(bank: Bank) -> pd.DataFrame:
    """First return of each old number."""
    if "previous_customer_id" not in bank.columns("customers"):
        empty = pd.Index([], name="customer_id", dtype="str")
        return pd.DataFrame({"back_on": pd.Series(dtype="datetime64[us]"), "back_as": pd.Series(dtype="str")}, empty)
    rows = bank.to_frame(
        bank.sql(
            "select previous_customer_id as customer_id, min(joined_on) as back_on,"
            " arg_min(customer_id, (joined_on, customer_id)) as back_as"
            " from customers where previous_customer_id is not null group by 1 order by 1"
        )
    ).set_index("customer_id")
    return rows.assign(back_on=pd.to_datetime(rows["back_on"]))


def _products(bank: Bank, fade_months: int) -> pd.DataFrame | None:
    """Products that each leaver held at the month-end before the fade; a row for everybody who ever held one."""
    if not bank.has("accounts") or "left_on" not in bank.columns("customers"):
        return None
    closed = "closed_on" if "closed_on" in bank.columns("accounts") else "cast(null as date)"
    there = f"last_day(left_on - interval {int(fade_months)} month)"
    return bank.to_frame(
        bank.sql(
            f"select customer_id, count(distinct product_id) filter (opened_on <= {there} and"
            f" ({closed} is null or {closed} > {there})) as products_count from accounts join customers"
            " using (customer_id) where left_on is not null group by 1 order by 1"
        )
    ).set_index("customer_id")


def _main_bank(bank: Bank, fade_months: int) -> set[str]:
    if not bank.has("transactions", "accounts") or "left_on" not in bank.columns("customers"):
        return set()
    before = f"last_day(left_on - interval {int(fade_months)} month)"
    rows = bank.sql(
        f"select customer_id from customers join accounts using (customer_id) join transactions using (account_id)"
        f" where left_on is not null and kind in ('salary', 'pension') and booked_on <= {before}"
        f" and booked_on > {before} - interval 3 month group by 1 having count(distinct date_trunc('month', booked_on))"
        " >= 2"
    ).fetchall()
    return {one for (one,) in rows}
