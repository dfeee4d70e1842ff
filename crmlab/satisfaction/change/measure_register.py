"""The bank's register of measures: what is done, by whom, where, and which of the answers come from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.errors import nearest, refuse

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["PLACES", "REGISTER_COLUMNS", "measure_register", "places_of_customers", "rivals_of", "was_reached"]

PLACES = ("region", "district", "branch")  # columns of customers by which a measure reaches some and not others
REGISTER_COLUMNS = ("measure_id", "measure", "owner", "indicator", "started_on", "ended_on", "scope", "places",
                    "is_drawn_by_lot", "cost_amount")  # fmt: skip
_NOT_SAID = "not said"


def measure_register(bank: Bank) -> pd.DataFrame:
    """Read the register, one row a measure.

    Parameters
    ----------
    bank : Bank
        As of a date: measures that start later are not seen.

    Returns
    -------
    DataFrame
        In the order of their start: ``measure_id``, ``measure`` (its name, else its number), ``owner``, ``indicator``
        (``not said`` where the register leaves it open), ``started_on`` and ``ended_on`` (datetime64; the earliest
        start, the latest end, none while one place has no end), ``scope``, ``places`` (tuple of str; none for all),
        ``is_drawn_by_lot`` (bool: every place was), ``cost_amount`` (sum over the places). No row without the table.

    Notes
    -----
    A measure whose places are of several scopes has the scope ``other``: the contract cannot tell whom it reached.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> rows = pd.DataFrame({"measure_id": ["M1", "M1"], "scope": ["branch"] * 2, "scope_value": ["North", "South"],
    ...     "started_on": pd.to_datetime(["2024-08-01", "2024-09-01"]), "is_drawn_by_lot": [True, True]})
    >>> bank = SimpleNamespace(has=lambda name: True, frame=lambda name: rows)
    >>> measure_register(bank).loc[0, ["measure", "owner", "places"]].tolist()
    ['M1', 'not said', ('North', 'South')]
    """
    if not bank.has("measures"):
        return pd.DataFrame(columns=list(REGISTER_COLUMNS))
    rows = []
    for number, part in bank.frame("measures").groupby("measure_id", sort=True):
        scopes = part["scope"].astype("str").unique()
        scope = scopes[0] if len(scopes) == 1 else "other"
        places = () if scope == "all" else tuple(sorted(part["scope_value"].astype("str").unique()))
        ends = _column(part, "ended_on")
        lot, cost = _column(part, "is_drawn_by_lot"), _column(part, "cost_amount")
        rows.append(
            {
                "measure_id": str(number),
                "measure": _said(part, "measure_name", str(number)),
                "owner": _said(part, "owner", _NOT_SAID),
                "indicator": _said(part, "indicator", _NOT_SAID),
                "started_on": pd.to_datetime(part["started_on"]).min(),
                "ended_on": pd.NaT if ends.isna().any() else pd.to_datetime(ends).max(),
                "scope": scope,
                "places": places,
                "is_drawn_by_lot": bool(lot.fillna(False).astype(bool).all()),
                "cost_amount": float(cost.astype(float).sum(min_count=1)),
            }
        )
    table = pd.DataFrame(rows, columns=list(REGISTER_COLUMNS))
    return table.sort_values(["started_on", "measure_id"], ignore_index=True)


def places_of_customers(bank: Bank) -> pd.DataFrame:
    """Return where each customer is looked after: index ``customer_id``, the columns of `PLACES` that the bank has."""
    has = [name for name in PLACES if bank.has(f"customers.{name}")]
    return bank.frame("customers", ["customer_id", *has]).set_index("customer_id")


def was_reached(frame: pd.DataFrame, scope: str, places: Sequence[str]) -> pd.Series:
    """Tell which rows are of customers whom a measure reached.

    Parameters
    ----------
    frame : DataFrame
        With the column named by `scope` unless that is ``all``.
    scope : str
        ``all`` or one of `PLACES`.
    places : sequence of str
        Where it runs.

    Returns
    -------
    Series of bool
        All of them for ``all``; False for a customer of no known place.

    Examples
    --------
    >>> was_reached(pd.DataFrame({"branch": ["North", "East", None]}), "branch", ["North"]).tolist()
    [True, False, False]
    """
    if scope == "all":
        return pd.Series(True, index=frame.index)
    known = [name for name in PLACES if name in frame]
    if scope not in known:
        refuse(f"was_reached: scope {scope!r} is not a column of places.{nearest(scope, known)} The frame has {known}.")
    return frame[scope].isin(list(places))


def rivals_of(register: pd.DataFrame, measure_id: str) -> tuple[str, ...]:
    """Name the places where another measure on the same indicator runs, so that they are nobody to compare with.

    Parameters
    ----------
    register : DataFrame
        From `measure_register`.
    measure_id : str
        The measure that is judged.

    Returns
    -------
    tuple of str
        Places of its own scope, without its own.
    """
    own = register[register["measure_id"] == measure_id].iloc[0]
    others = register[
        (register["measure_id"] != measure_id)
        & (register["indicator"] == own["indicator"])
        & (register["scope"] == own["scope"])
    ]
    return tuple(sorted({place for places in others["places"] for place in places} - {*own["places"]}))


def _column(part: pd.DataFrame, name: str) -> pd.Series:
    return part[name] if name in part else pd.Series(None, index=part.index, dtype=object)


def _said(part: pd.DataFrame, name: str, otherwise: str) -> str:
    told = _column(part, name).dropna().astype("str")
    return told.iloc[0] if len(told) else otherwise
