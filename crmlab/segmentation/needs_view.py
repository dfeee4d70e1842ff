"""What customers bank for on a day: who is compared, the segments learned, and plain groups where there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab.segmentation.compared import Compared
from crmlab.segmentation.famd import FactorMethod
from crmlab.segmentation.latent_classes import LatentClasses
from crmlab.segmentation.methods import Method
from crmlab.segmentation.needs import NEED_FAMILIES, NO_NEED, needs, needs_outcomes
from crmlab.segmentation.people import account_owners, bank_was_young, year_before
from crmlab.segmentation.rivals import rivals
from crmlab.segmentation.segments import EVERYBODY, Segments
from crmlab.snapshots import snapshot
from crmlab.stats import Evidence

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = [
    "FAMILY_GROUPS",
    "METHODS",
    "earlier_on",
    "in_use",
    "learned",
    "needs_on",
    "order_of",
    "plain_groups",
]

METHODS: tuple[Method, ...] = (LatentClasses(), FactorMethod())  # rivals
_MEASURES = (
    ("Prediction strength", "strength", "strength_error"),
    ("The same in one crowd", "strength_null", ""),
    ("Weakest Jaccard", "weakest_jaccard", ""),
    ("Silhouette", "silhouette", ""),
    ("Usefulness", "usefulness", "usefulness_error"),
    ("Agreement with the rival", "agreement", ""),
)
# the first that holds names the group: from what few hold to what many do
FAMILY_GROUPS = (
    ("Investments", ("investment",)),
    ("Mortgage", ("mortgage",)),
    ("Loan", ("loan",)),
    ("Pension or insurance", ("pension", "insurance")),
    ("Deposits", ("savings", "term_deposit")),
    ("Credit card", ("card",)),
    ("Payments", ("payment",)),
)
_COUNTED = ("No product", "One product", "Two products", "Three products or more", "Products not known")


def needs_on(bank: Bank, date: str = "", *, kept: Mapping[str, Any] | None = None) -> Compared:
    """Look at what the customers bank for on a day.

    Parameters
    ----------
    bank : Bank
        The bank as of its date.
    date : str
        An earlier day, ``YYYY-MM-DD``; empty: the bank's.
    kept : mapping, optional
        A kept model, whose columns are then used.
    """
    seen, owners = account_owners(snapshot(bank, date))
    families = [name for name in (kept or {}).get("columns", ()) if f"{name}_count" in seen]
    basis, frame, rest, said = needs(seen, families=families)
    return Compared(seen, basis, frame, rest, f"{owners} {said}", needs_outcomes(seen, frame.index))


def earlier_on(bank: Bank, today: Compared) -> tuple[Compared | None, str]:
    """Look at the customers a year before the bank's day, by the same columns, if the bank was there then.

    Returns
    -------
    (Compared or None, str)
        None where no balance was known by then or nobody owned an account; the day, ``YYYY-MM-DD``, or empty.

    Notes
    -----
    Accounts opened before the first balance are known by name only: who closed theirs before it is not in the tables,
    so that everybody would seem to have stayed. What nobody had stated then (a tolerance) is a gap of that day.
    """
    day = year_before(bank)
    if not day or not bank.has("accounts"):
        return None, day
    columns = [column.name for column in today.basis.columns]
    then = needs_on(bank, day, kept={"columns": columns})
    if not len(then.seen) or bank_was_young(then.seen):
        return None, day
    frame = then.frame.reindex(columns=columns)
    return Compared(then.seen, today.basis, frame, then.rest, then.said, then.outcomes), day


def learned(
    today: Compared, *, kept: Mapping[str, Any] | None = None, k: int = 0, most: int = 8, seed: int = 1
) -> tuple[Segments, Evidence | None]:
    """Learn the segments by rival methods and settle on one, or read them from a model that an earlier run kept.

    Parameters
    ----------
    today : Compared
        The customers.
    kept : mapping, optional
        A kept model; then nothing is learned.
    k, most, seed
        As in `Segments`.

    Returns
    -------
    (Segments, Evidence or None)
        The segments in use, and what `crmlab.segmentation.rivals.rivals` found; None with a kept model.

    Notes
    -----
    The best method at the number of segments on which the rivals agree; with `k` given, or where no method finds
    stable segments, the first of `METHODS`.
    """
    if kept is not None:
        return Segments.from_dict(kept, today.basis, methods=METHODS), None

    models = [
        Segments(today.basis, method=method, k=k, most=most, seed=seed).fit(today.frame, outcomes=today.outcomes)
        for method in METHODS
    ]
    judged = rivals(models, today.frame, seed=seed)
    best = judged.frame[judged.frame["is_best"].eq(True)]
    if k or not len(best):
        return models[0], judged
    number, name = int(best["k"].iloc[0]), best["method"].iloc[0]
    model = next(model for model in models if model.method_.name == name)
    return (model if model.k_ == number else model.settled_on(today.frame, number)), judged


def side_by_side(judged: Evidence) -> Evidence | None:
    """Give what the rivals show at one number of segments, for a chart of dots.

    Parameters
    ----------
    judged : Evidence
        What `crmlab.segmentation.rivals.rivals` found.

    Returns
    -------
    Evidence or None
        Frame, one row a measure and method: ``measure``, ``method``, ``value``, ``low``, ``high`` (two standard errors,
        missing where there is none). At the best number of segments; where none is stable, at the one that gains most
        strength over one crowd. None where nothing was tried.
    """
    table = judged.frame
    if not len(table):
        return None
    gain = (table["strength"] - table["strength_null"]).astype(float)
    at = table["is_best"].idxmax() if table["is_best"].any() else gain.idxmax()
    k = int(table.loc[at, "k"])
    rows = []
    for measure, column, error in _MEASURES:
        for row in table[table["k"] == k].to_dict("records"):
            value, spread = float(row[column]), 2 * float(row[error]) if error else np.nan
            if np.isfinite(value):
                rows.append((measure, row["method"], value, value - spread, min(value + spread, 1.0)))
    frame = pd.DataFrame(rows, columns=["measure", "method", "value", "low", "high"])
    frame["high"] = frame["high"].where(frame["low"].notna())
    about = f"At {k} segments, each measure from 0 to 1; whiskers: two standard errors; {judged.about.split('; ')[1]}"
    return Evidence(frame, judged.title, about, judged.reading, judged.estimates)


def plain_groups(seen: pd.DataFrame, families: Sequence[str] = NEED_FAMILIES) -> pd.Series:
    """Group customers by a plain rule, for a bank without stable segments.

    Parameters
    ----------
    seen : DataFrame
        Snapshot.
    families : sequence of str
        Product families that tell needs; further names are ignored.

    Returns
    -------
    Series of str
        The first that holds of investments, mortgage, loan, pension or insurance, deposits, and where they tell needs
        credit card and payments; else ``Everyday banking only``. Without product families the number of products;
        without that ``All customers``.

    Examples
    --------
    >>> plain_groups(pd.DataFrame({"investment_count": [1, 0, 0], "savings_count": [2, 1, 0]})).tolist()
    ['Investments', 'Deposits', 'Everyday banking only']
    """
    columns = {
        name: [f"{one}_count" for one in own if one in families and f"{one}_count" in seen]
        for name, own in FAMILY_GROUPS
    }
    held = {name: (seen[here].fillna(0) > 0).any(axis=1).to_numpy() for name, here in columns.items() if here}
    if held:
        named = np.select(list(held.values()), list(held), NO_NEED)
    elif "products_count" in seen:
        count = seen["products_count"]
        named = np.array(_COUNTED, dtype=object)[count.clip(0, 3).fillna(4).astype(int)]
    else:
        named = np.full(len(seen), EVERYBODY, dtype=object)
    return pd.Series(named, index=seen.index, name="segment", dtype="str")


def in_use(day: Compared, segments: Segments) -> pd.Series:
    """Give the grouping that the bank may work with: the learned segments, or plain groups where there are none.

    Parameters
    ----------
    day : Compared
        The customers on any day.
    segments : Segments
        As learned.
    """
    if segments.k_ < 2:
        return plain_groups(day.seen, [column.name for column in day.basis.columns])
    return day.groups(segments)


def order_of(segments: Segments, *groupings: pd.Series | None) -> tuple[str, ...]:
    """Give the names in use that have members: learned segments, the largest first, then the groups by rule.

    Parameters
    ----------
    segments : Segments
        As learned.
    *groupings : Series of str or None
        Group of each customer, at one day or several.
    """
    plain = [name for name, _ in FAMILY_GROUPS] if segments.k_ < 2 else []
    known: Sequence[str] = (*(segments.names_ if segments.k_ > 1 else ()), *plain, *_COUNTED)
    here = set().union(*(set(groups.dropna()) for groups in groupings if groups is not None))
    return (*(name for name in known if name in here), *sorted(here - set(known)))
