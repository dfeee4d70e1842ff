"""How customers bank: what is compared, who can be told apart, and what may name a segment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmlab.segmentation.columns import Basis, Column
from crmlab.segmentation.compared import Compared, outcomes_of
from crmlab.segmentation.people import account_owners, bank_was_young
from crmlab.segmentation.segments import Segments
from crmlab.snapshots import snapshot
from crmlab.stats import count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = [
    "HARDLY_ACTIVE", "NEW", "behaviour", "behaviour_on", "earlier_on", "in_use", "learned",
    "months_of_bookings", "order_of",
]  # fmt: skip

NEW, HARDLY_ACTIVE = "New", "Hardly active"
_MONTH_DAYS = 365.25 / 12
_FEWEST_ACTS = 0.5  # a month: with fewer, shares and spreads say nothing
# what segments should tell apart though they were not made from it: margin, assets, products, contacts, age
_OUTCOMES = ("margin_12m_amount", "assets_amount", "products_count", "interactions_12m_count", "age_years")
_CHANNELS = ("branch", "atm", "card", "online", "mobile")
_LABELS = {
    "branch": "Acts at the branch",
    "atm": "Acts at a machine",
    "card": "Acts by card",
    "online": "Acts online",
    "mobile": "Acts by mobile",
}

# what earns a name; see `crmlab.segmentation.naming`
_WORDS = {
    "Mobile": {"mobile_share": 1.0, "mobile_logins": 1.0},
    "Online": {"online_share": 1.0, "online_logins": 1.0},
    "Branch and cash": {"branch_share": 1.0, "cash_share": 1.0, "online_logins": -0.5, "mobile_logins": -0.5},
    "Card payers": {"card_share": 1.0, "frequency": 0.5, "mobile_share": -0.25},
    "Quiet": {"frequency": -1.0, "active_share": -1.0, "recency_days": 1.0, "variation": 1.0},
    "Digital": {"mobile_logins": 1.0, "online_logins": 1.0, "branch_share": -1.0},
    "Mobile and card": {"mobile_logins": 1.0, "card_share": 1.0, "online_share": -0.5},
    "Cash": {"cash_share": 1.0, "atm_share": 1.0, "branch_share": -0.5},
    "Large amounts": {"amount": 1.0, "ticket": 1.0},
    "Small amounts": {"amount": -1.0, "ticket": -1.0},
    "Busy": {"frequency": 1.0, "active_share": 1.0},
}


def months_of_bookings(bank: Bank, date: str = "") -> int:
    """Count the months of bookings that the bank has up to a day (empty: its date), 1 to 12; 0 for none."""
    if not bank.has("transactions"):
        return 0
    first = bank.sql("select min(booked_on) from transactions").fetchall()[0][0]
    if first is None:
        return 0
    days = (pd.Timestamp(date or bank.date or bank.report_on) - pd.Timestamp(first)).days + 1
    return int(np.clip(np.ceil(days / _MONTH_DAYS), 0, 12))


def behaviour(
    seen: pd.DataFrame, *, currency: str, months: int = 12, least_months: int = 3
) -> tuple[Basis, pd.DataFrame, pd.Series, str]:
    """Describe how customers bank, as far as their own acts show it.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with the bookings of 12 months that customers initiated, logins where known.
    currency : str
        Currency code.
    months : int
        Months of bookings that the bank has, at most 12.
    least_months : int
        Months since joining from which a customer's habits are taken to show.

    Returns
    -------
    basis : Basis
        Frequency, recency, amount, channel mix, digital use and regularity, as far as the bank knows them.
    frame : DataFrame
        One row a customer whose acts can be told apart.
    rest : Series of str
        The other customers, in one of two groups by rule: ``New`` (joined in the last `least_months`) and ``Hardly
        active`` (under one act in two months).
    said : str
        Who was left out, in a sentence.

    Notes
    -----
    Only what the customer did counts (see `crmlab.snapshots`): interest, fees and standing orders are nobody's act. All
    counts are a month of the time a customer was there within the last 12 months, so that who joined in spring is not
    taken for a quiet customer. The spread of the months' acts is likewise brought to those months.
    """
    there = np.clip(np.ceil(seen["tenure_days"] / _MONTH_DAYS), 1, max(months, 1))
    pace = seen["frequency_12m_count"] / there
    new = seen["tenure_days"] < least_months * _MONTH_DAYS
    rare = ~new & ~(pace >= _FEWEST_ACTS)
    rest = pd.Series(np.where(new, NEW, HARDLY_ACTIVE), index=seen.index, name="segment", dtype="str")[new | rare]
    kept = ~(new | rare)
    some, there = seen[kept], there[kept]
    acts = some["frequency_12m_count"]
    columns, made = [], {}

    def take(name: str, label: str, kind: str, unit: str, values: pd.Series) -> None:
        columns.append(Column(name, label, kind, unit))
        made[name] = values

    take("frequency", "Acts a month", "count", "a month", acts / there)
    take("recency_days", "Days since the last act", "count", "days", some["recency_days"])
    take("amount", "Amount a month", "amount", currency, some["monetary_12m_amount"] / there)
    take("ticket", "Card and cash, an act", "amount", currency,
         (some["card_paid_12m_amount"] + some["cash_12m_amount"]) / acts)  # fmt: skip
    take("cash_share", "Cash in the amount", "share", "",
         some["cash_12m_amount"] / some["monetary_12m_amount"].where(lambda v: v > 0))  # fmt: skip
    for channel in _CHANNELS:
        if f"{channel}_12m_share" in some:
            take(f"{channel}_share", _LABELS[channel], "share", "", some[f"{channel}_12m_share"])
    if "logins_12m_count" in some:
        mobile = some["mobile_logins_12m_share"].fillna(0.0) if "mobile_logins_12m_share" in some else 0.0
        logins = some["logins_12m_count"] / there
        take("online_logins", "Online logins a month", "count", "a month", logins * (1 - mobile))
        take("mobile_logins", "Mobile logins a month", "count", "a month", logins * mobile)
    take("active_share", "Months with an act", "share", "", some["active_months_12m_count"].clip(upper=there) / there)
    spread = some["frequency_variation_12m_share"]
    take("variation", "Unevenness of the months", "number", "",
         np.sqrt(np.maximum(there * (spread**2 + 1) / 12 - 1, 0.0)))  # fmt: skip
    words = {word: here for word, weights in _WORDS.items() if (here := _weights_here(weights, made))}
    frame = pd.DataFrame(made, index=some.index)
    counts = rest.value_counts()
    said = f"{count_text(len(frame))} customers show how they bank"
    left = [
        f"{count_text(counts.get(name, 0))} {why}"
        for name, why in (
            (NEW, f"joined in the last {least_months} months"),
            (HARDLY_ACTIVE, "acted less than once in two months"),
        )
        if counts.get(name, 0)
    ]
    return Basis("behaviour", tuple(columns), words), frame, rest, said + (f"; {' and '.join(left)}." if left else ".")


def _weights_here(weights: Mapping[str, float], made: Mapping[str, pd.Series]) -> dict[str, float]:
    """Keep the columns of a word that the bank knows; none where they carry no more than half of its weight."""
    here = {column: weight for column, weight in weights.items() if column in made}
    enough = sum(map(abs, here.values())) > 0.5 * sum(map(abs, weights.values()))
    return here if enough else {}


def behaviour_on(bank: Bank, date: str = "", *, least_months: int = 3) -> Compared:
    """Look at how the customers bank on a day.

    Parameters
    ----------
    bank : Bank
        The bank as of its date.
    date : str
        An earlier day, ``YYYY-MM-DD``; empty: the bank's.
    least_months : int
        Months since joining from which a customer's habits are taken to show.
    """
    seen, owners = account_owners(snapshot(bank, date))
    months = months_of_bookings(bank, date)
    basis, frame, rest, said = behaviour(seen, currency=bank.currency, months=months, least_months=least_months)
    return Compared(seen, basis, frame, rest, f"{owners} {said}", outcomes_of(seen, frame.index, _OUTCOMES))


def earlier_on(bank: Bank, *, least_months: int = 3) -> tuple[Compared | None, str]:
    """Look at the customers a year before the bank's day, if the bank was there then.

    Returns
    -------
    (Compared or None, str)
        None where no booking was known by then, nobody owned an account, or the bank was just starting; the day,
        ``YYYY-MM-DD``.
    """
    day = str((pd.Timestamp(bank.date or bank.report_on) - pd.DateOffset(years=1)).date())
    if not months_of_bookings(bank, day):
        return None, day
    found = behaviour_on(bank, day, least_months=least_months)
    return (None if not len(found.seen) or bank_was_young(found.seen) else found), day


def learned(
    today: Compared, *, kept: Mapping[str, Any] | None = None, k: int = 0, most: int = 8, seed: int = 1
) -> Segments:
    """Learn the segments, or read them from a model that an earlier run kept.

    Parameters
    ----------
    today : Compared
        The customers.
    kept : mapping, optional
        A kept model; then nothing is learned.
    k, most, seed
        As in `Segments`.
    """
    if kept is not None:
        return Segments.from_dict(kept, today.basis)
    return Segments(today.basis, k=k, most=most, seed=seed).fit(today.frame, outcomes=today.outcomes)


def in_use(day: Compared, segments: Segments, cells: pd.Series, *, order: Sequence[str] = ()) -> pd.Series:
    """Give the grouping that the bank may work with: the learned segments, or named cells where there are none.

    Parameters
    ----------
    day : Compared
        The customers on any day.
    segments : Segments
        As learned.
    cells : Series of str
        Named cell of each customer, by recency and frequency.
    order : sequence of str
        Names to keep, e.g. those in use today; empty: all.

    Returns
    -------
    Series of str
        One row a customer, without the new customers, who all leave that group in time.
    """
    groups = day.groups(segments) if segments.k_ > 1 else cells.reindex(day.seen.index).rename("segment").dropna()
    groups = groups[groups != NEW]
    return groups[groups.isin(order)] if order else groups


def order_of(groups: pd.Series, segments: Segments, cells: Sequence[str]) -> tuple[str, ...]:
    """Give the names in use, in the order shown: learned segments, then who is hardly active; or the named cells.

    Parameters
    ----------
    groups : Series of str
        What `in_use` gave.
    segments : Segments
        As learned.
    cells : sequence of str
        Names of all cells, best first.
    """
    sizes = groups.value_counts()
    if segments.k_ > 1:
        return tuple(name for name in (*segments.names_, HARDLY_ACTIVE) if sizes.get(name, 0))
    return tuple(name for name in cells if sizes.get(name, 0))
