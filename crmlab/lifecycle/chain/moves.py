"""Moves from month to month: who was at risk, who came, who ended how; nobody is counted before or after being seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.lifecycle.stages.rules import STAGES
from crmlab.snapshots.dates import add_months, read_dates

__all__ = ["CAUSES", "arrivals", "moves_between", "with_causes"]

CAUSES = ("closing", "silent leaving", "death", "other end")


def moves_between(stages: pd.DataFrame, *, step_months: int = 1, order: Sequence[str] = STAGES) -> pd.DataFrame:
    """Pair each customer's stage with the one some months later.

    Parameters
    ----------
    stages : DataFrame
        As `crmlab.lifecycle.stages.on_dates.stages_on` gives it, for dates at least `step_months` apart.
    step_months : int
        1 for months, 3 for quarters, 12 for years; starts are those dates whose date so many months later is there.
    order : sequence of str
        Stages that are known.

    Returns
    -------
    DataFrame
        One row a customer and start who had not been lost: ``customer_id``, ``as_of`` (start), ``from``, ``to``,
        ``margin_amount`` (of the month at the start), ordered.

    Notes
    -----
    Left truncation: a customer counts from the first date of the frame, not from joining. Right censoring: at
    the last date nobody is at risk any more. Who joins counts from their first month-end on (`arrivals`); who comes
    back is a new arrival, so `lost` is an end.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-31", "2024-02-29", "2024-02-29", "2024-03-31"])
    >>> rows = {"customer_id": ["a", "a", "b", "a"], "as_of": days, "stage": ["growth", "decline", "growth", "lost"]}
    >>> moves_between(pd.DataFrame(rows).assign(margin_amount=1.0))[["customer_id", "from", "to"]].values.tolist()
    [['a', 'growth', 'decline'], ['a', 'decline', 'lost']]
    """
    unknown = sorted(set(stages["stage"].dropna()) - set(order))
    twice = int(stages.duplicated(["customer_id", "as_of"]).sum())
    refuse(
        *([f"moves_between: stages {unknown} are not in {list(order)}. Name them in order."] if unknown else []),
        *([f"moves_between: {twice:,} rows name a customer and date twice. Give one row."] if twice else []),
        *([] if isinstance(step_months, int) and step_months >= 1 and not isinstance(step_months, bool)
          else [f"moves_between: step_months is {step_months!r}. Give a whole number, 1 or more."]),
    )  # fmt: skip
    days = [] if not len(stages) else list(read_dates(list(stages["as_of"].unique())))
    later = {pd.Timestamp(day): pd.Timestamp(add_months(day, step_months)) for day in days}
    start = stages.loc[stages["stage"] != "lost", ["customer_id", "as_of", "stage", "margin_amount"]]
    start = start.assign(end=start["as_of"].map(later)).rename(columns={"stage": "from"})
    ends = stages[["customer_id", "as_of", "stage"]].rename(columns={"as_of": "end", "stage": "to"})
    found = start.merge(ends, on=["customer_id", "end"], how="inner")
    columns = ["customer_id", "as_of", "from", "to", "margin_amount"]
    return found.sort_values(["as_of", "customer_id"], kind="stable")[columns].reset_index(drop=True)


def arrivals(stages: pd.DataFrame) -> pd.DataFrame:
    """Count who is seen for the first time, by date and first stage; those of the first date were there before.

    Returns
    -------
    DataFrame
        ``as_of``, ``stage``, ``customers_count``.
    """
    first = stages.sort_values("as_of", kind="stable").drop_duplicates("customer_id")
    came = first[first["as_of"] > stages["as_of"].min()]
    return came.groupby(["as_of", "stage"], sort=True).size().rename("customers_count").reset_index()


def with_causes(moves: pd.DataFrame, reasons: pd.Series) -> pd.DataFrame:
    """Split the end `lost` by its cause.

    Parameters
    ----------
    moves : DataFrame
        As `moves_between`.
    reasons : Series of str
        Reason on record (``customer``, ``deceased``, ``bank``, ``fraud``), indexed by ``customer_id``.

    Returns
    -------
    DataFrame
        The same rows; ``to`` is one of `CAUSES` instead of ``lost``.

    Notes
    -----
    Closing: the customer ended it. Silent leaving: whatever is on record (often the bank's own closing of an empty
    account), the customer was dormant before. Death as recorded. The rest is another end, with no reason on record or
    the bank's decision about a customer who was active.

    Examples
    --------
    >>> rows = {"customer_id": ["a", "b", "c"], "from": ["decline", "dormant", "growth"], "to": ["lost"] * 3}
    >>> with_causes(pd.DataFrame(rows), pd.Series({"a": "customer", "b": "bank"}))["to"].tolist()
    ['closing', 'silent leaving', 'other end']
    """
    reason = moves["customer_id"].map(reasons)
    lost = moves["to"] == "lost"
    cause = np.select(
        [reason == "deceased", moves["from"] == "dormant", reason == "customer"],
        ["death", "silent leaving", "closing"],
        "other end",
    )
    return moves.assign(to=moves["to"].where(~lost, pd.Series(cause, index=moves.index, dtype="str")))
