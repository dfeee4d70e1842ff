"""Purchases of each customer in short: how many after the first, when the last, for how long seen, what they spend."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import refuse

__all__ = ["COLUMNS", "purchase_history", "purchases_between"]

COLUMNS = ("purchases_count", "recency_weeks", "age_weeks")
_WEEK_DAYS = 7.0


def purchase_history(
    purchases: pd.DataFrame,
    *,
    until: str | None = None,
    customer: str = "customer_id",
    on: str = "occurred_on",
    amount: str | None = None,
) -> pd.DataFrame:
    """Roll single purchases up to one row a customer, as BG/NBD and Gamma-Gamma read them.

    Parameters
    ----------
    purchases : DataFrame
        One row a purchase. Not changed.
    until : str, optional
        Last day that is seen, ``YYYY-MM-DD``; None: the day of the last purchase.
    customer, on : str
        Columns with the customer and the day.
    amount : str, optional
        Column with the money spent, above 0.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, in order: ``purchases_count`` (days with a purchase after the first day),
        ``recency_weeks`` (from the first to the last purchase; 0 for one purchase only), ``age_weeks`` (from the first
        purchase to `until`), ``first_on``; with `amount` ``spend_mean_amount`` (mean of a repeat purchase day; empty
        without one).

    Notes
    -----
    Purchases of one day are one: orders parted by the shop are no sign of coming back. The first purchase starts the
    clock and is not counted, as in Fader, Hardie and Lee. Here ``recency_weeks`` counts from the first purchase
    forwards, as these models want it; everywhere else in this kit recency counts back from the day of the report.

    Examples
    --------
    >>> log = pd.DataFrame({"customer_id": ["a", "a", "a", "b"], "occurred_on": pd.to_datetime(
    ...     ["2024-01-01", "2024-01-08", "2024-01-08", "2024-01-15"]), "amount": [5.0, 10.0, 20.0, 7.0]})
    >>> found = purchase_history(log, until="2024-01-29", amount="amount")
    >>> found.drop(columns="first_on").reset_index().values.tolist()
    [['a', 1, 1.0, 4.0, 30.0], ['b', 0, 0.0, 2.0, nan]]
    """
    lacking = [name for name in (customer, on, *([amount] if amount else [])) if name not in purchases]
    refuse(*([f"purchase_history lacks columns {lacking}; it has {sorted(purchases)}. Name them."] if lacking else []))
    rows = pd.DataFrame({"customer_id": purchases[customer].astype("str"), "on": pd.to_datetime(purchases[on])})
    rows["amount"] = purchases[amount].astype(float) if amount else 0.0
    gaps = int(rows.isna().any(axis=1).sum())
    low = int((rows["amount"] <= 0).sum()) if amount else 0
    refuse(
        *([f"purchase_history: {gaps:,} rows have gaps. Leave them out first, and count them."] if gaps else []),
        *([f"purchase_history: {low:,} amounts are 0 or less. Leave out returns and gifts first."] if low else []),
    )
    rows["on"] = rows["on"].dt.normalize()
    end = pd.Timestamp(until) if until else rows["on"].max()
    days = rows[rows["on"] <= end].groupby(["customer_id", "on"], sort=True)["amount"].sum().reset_index()
    by = days.groupby("customer_id")
    first, last, count = by["on"].min(), by["on"].max(), by.size() - 1
    found = pd.DataFrame(
        {
            "purchases_count": count.astype("int64"),
            "recency_weeks": (last - first).dt.days / _WEEK_DAYS,
            "age_weeks": (end - first).dt.days / _WEEK_DAYS,
            "first_on": first,
        }
    )
    if amount:
        repeat = by["amount"].sum() - days.drop_duplicates("customer_id").set_index("customer_id")["amount"]
        found["spend_mean_amount"] = (repeat / count.where(count > 0)).reindex(found.index)
    return found


def purchases_between(
    purchases: pd.DataFrame, index: pd.Index, *, after: str, until: str, customer: str = "customer_id",
    on: str = "occurred_on",
) -> pd.Series:  # fmt: skip
    """Count days with a purchase after a day, up to another one: what a forecast is judged by.

    Parameters
    ----------
    purchases, customer, on
        As in `purchase_history`.
    index : Index
        Customers asked about; who bought nothing has 0.
    after, until : str
        The first is not counted, the second is.

    Examples
    --------
    >>> log = pd.DataFrame({"customer_id": ["a", "a"], "occurred_on": pd.to_datetime(["2024-01-01", "2024-01-08"])})
    >>> purchases_between(log, pd.Index(["a", "b"]), after="2024-01-01", until="2024-02-01").tolist()
    [1, 0]
    """
    day = pd.to_datetime(purchases[on]).dt.normalize()
    inside = (day > pd.Timestamp(after)) & (day <= pd.Timestamp(until))
    rows = pd.DataFrame({"customer_id": purchases[customer].astype("str"), "day": day})[inside].drop_duplicates()
    counts = rows.groupby("customer_id").size().reindex(index, fill_value=0)
    return counts.astype("int64").rename("purchases_count")


def checked_history(what: str, history: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return counts, recency and age as arrays; refuse what no history can be."""
    lacking = [name for name in COLUMNS if name not in history]
    refuse(*([f"{what} lacks columns {lacking}; it has {sorted(history)}. Take purchase_history."] if lacking else []))
    x, seen, age = (history[name].to_numpy(dtype=float) for name in COLUMNS)
    gaps = int((~np.isfinite(x) | ~np.isfinite(seen) | ~np.isfinite(age)).sum())
    wrong = int(((x < 0) | (seen < 0) | (seen > age) | ((x > 0) & (seen == 0)) | ((x == 0) & (seen > 0))).sum())
    refuse(
        *([f"{what}: {gaps:,} rows have gaps. Leave them out first, and count them."] if gaps else []),
        *(
            [f"{what}: {wrong:,} rows have a last purchase outside the time seen. Take purchase_history."]
            if wrong
            else []
        ),
    )
    return x, seen, age
