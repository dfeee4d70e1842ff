"""The rows that every learner reads: what is known of a customer, what happened, when, and whose row it is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.churn.learning.preparation import feature_names
from crmlab.errors import refuse

__all__ = ["FEWEST_EVENTS", "LearnedRows", "learned_rows"]

FEWEST_EVENTS = 10


class LearnedRows(NamedTuple):
    """Checked rows; all but the features stand in an order of their own, so that the file's does not matter.

    Parameters
    ----------
    features : DataFrame
        Columns that may be learned from, in the order given.
    order : ndarray of int
        Places of the rows in the order of their own.
    outcome : ndarray of float
        0 or 1.
    customers : ndarray of str
        Whose row it is.
    dates : ndarray of datetime64 or None
        Date of each row; None where there is one date or none.
    first_on, last_on : str
        First and last date, or empty.
    """

    features: pd.DataFrame
    order: np.ndarray
    outcome: np.ndarray
    customers: np.ndarray
    dates: np.ndarray | None
    first_on: str
    last_on: str


def learned_rows(
    what: str, features: pd.DataFrame, outcome: object, *, dates: object = None, customers: object = None
) -> LearnedRows:
    """Check rows and bring them to one order.

    Parameters
    ----------
    what : str
        Name of the learner, for the message.
    features, outcome, dates, customers
        As in `ChurnModel.fit`.

    Examples
    --------
    >>> learned_rows("Rule", pd.DataFrame({"x": [1.0] * 12}), [0] * 12)
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: Rule: 0 of 12 rows have the event, 12 do not. Give at least 10 of each.
    """
    n = len(features)
    if customers is None and "customer_id" in features.columns:
        customers = features["customer_id"]
    elif customers is None and features.index.name == "customer_id":
        customers = features.index
    if dates is None and "as_of" in features.columns:
        dates = features["as_of"]
    given = {"outcomes": outcome, "dates": dates, "customers": customers}
    refuse(
        *(
            f"{what}: {n:,} rows of features against {len(values):,} {name}. Give both for the same rows."
            for name, values in given.items()
            if values is not None and len(values) != n
        ),
        *(
            f"{what}: features and {name} have different indexes. Bring them to the same rows in the same order."
            for name, values in given.items()
            if isinstance(values, pd.Series) and len(values) == n and not values.index.equals(features.index)
        ),
    )
    y = pd.to_numeric(pd.Series(np.asarray(outcome, dtype=object)), errors="coerce").to_numpy(dtype=float)
    wrong = int((~np.isin(y, (0, 1))).sum())
    refuse(*([f"{what}: {wrong:,} of {n:,} outcomes are neither 0 nor 1. Leave rows without one out."] * (wrong > 0)))
    events = int(y.sum())
    if min(events, n - events) < FEWEST_EVENTS:
        refuse(
            f"{what}: {events:,} of {n:,} rows have the event, {n - events:,} do not. "
            f"Give at least {FEWEST_EVENTS} of each."
        )
    days = None if dates is None else pd.to_datetime(pd.Series(np.asarray(dates))).to_numpy().astype("datetime64[D]")
    whose = None if customers is None else pd.Series(np.asarray(customers, dtype=object))
    refuse(
        *([f"{what}: some rows have no date. Date every row, or none."]
          * bool(days is not None and np.isnat(days).any())),
        *([f"{what}: some rows have no customer. Name the customer of every row."]
          * bool(whose is not None and whose.isna().any())),
    )  # fmt: skip
    used = features[feature_names(features)]
    if whose is None:  # no names: the content itself gives the order and the lot
        content = pd.util.hash_pandas_object(used, index=False).to_numpy()
        whose = pd.Series(content).astype("str") + "-" + pd.Series(content).groupby(content).cumcount().astype("str")
    names = whose.astype("str").to_numpy(dtype=object)
    keys = [y, names] if days is None else [y, names, days]
    order = np.lexsort(tuple(np.asarray(key, dtype="U") if key.dtype == object else key for key in keys))
    several = days is not None and len(np.unique(days)) > 1
    return LearnedRows(
        used,
        order,
        y[order],
        names[order],
        days[order] if several else None,
        str(days.min()) if days is not None else "",
        str(days.max()) if days is not None else "",
    )
