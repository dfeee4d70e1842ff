"""Who left by a definition after a date, who is left out of the question, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.churn.definitions.courses import Courses, seen_from
from crmlab.churn.definitions.definition import Closing, Silent, ValueLoss
from crmlab.churn.definitions.events import REASONS
from crmlab.churn.definitions.memory import Memory
from crmlab.errors import CrmlabError, refuse
from crmlab.snapshots.dates import add_months, anchor_of, read_date, read_dates
from crmlab.snapshots.outcome import OutcomeWindow, outcome_window

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["EXCLUDED", "Labels", "eligible", "label_dates", "labels", "lacking"]

_LEAST_MONTHS = 3  # months of course that a baseline needs
_RECENT = 3  # months at the end of the window that must lie low
# Why a customer is left out of the question; the first that holds is told.
EXCLUDED = (
    *REASONS.values(),
    "left in the gap",
    "dormant before the date",
    "holds none of these products",
    "known for less than 3 months",
    "nothing to lose before the date",
    "closed in the window",
    "a term deposit matured",
)


@dataclass(frozen=True)
class Labels:
    """What became of the customers of a date, by one definition.

    Parameters
    ----------
    as_of : date
        Last day of the observation.
    window : OutcomeWindow
        Days in which the event counts.
    definition : Closing, Silent or ValueLoss
    frame : DataFrame
        Customers in question, indexed by ``customer_id``, ordered: ``churned`` (int8, 1 where the event happened) and
        ``event_on`` (the day, empty without).
    excluded : Series of str
        Customers of the date left out, with the reason.
    """

    as_of: dt.date
    window: OutcomeWindow
    definition: Closing | Silent | ValueLoss
    frame: pd.DataFrame
    excluded: pd.Series

    @property
    def churned(self) -> pd.Series:
        """1 for those who left, else 0."""
        return self.frame["churned"]

    @property
    def audit(self) -> pd.DataFrame:
        """Where every customer of the date went: ``what``, ``customers_count``; first all, last the events."""
        counts = self.excluded.value_counts()
        rows = [("customers of the date", len(self.frame) + len(self.excluded))]
        rows += [(f"left out: {name}", int(counts[name])) for name in EXCLUDED if name in counts.index]
        rows += [("in question", len(self.frame)), ("left", int(self.frame["churned"].sum()))]
        return pd.DataFrame(rows, columns=["what", "customers_count"])


def lacking(bank: Bank, definition: Closing | Silent | ValueLoss) -> str:
    """Say what the bank lacks to see leavers by a definition; empty when it lacks nothing.

    Parameters
    ----------
    bank : Bank
    definition : Closing, Silent or ValueLoss
    """
    if isinstance(definition, Closing):
        has_left = "left_on" in bank.columns("customers")
        has_closed = "accounts" in bank.tables and "closed_on" in bank.columns("accounts")
        if definition.families and not (has_closed and "products" in bank.tables):
            return "accounts.closed_on and products.family"
        return "" if has_left or has_closed else "customers.left_on or accounts.closed_on"
    if isinstance(definition, ValueLoss):
        need = "products.margin_share" if definition.measure == "margin" else "balances"
        return "" if bank.has("balances", "accounts", "products", need) else f"balances, accounts and {need}"
    wanted = {"balance": "balances", "activity": "transactions", "salary": "transactions", "idle": "transactions"}
    missing = sorted({wanted[sign] for sign in definition.signs if not bank.has(wanted[sign], "accounts")})
    return " and ".join(missing)


def labels(bank: Bank, as_of: object, definition: Closing | Silent | ValueLoss) -> Labels:
    """Say for each customer of a date whether they left in the window, or why they are not in question.

    Parameters
    ----------
    bank : Bank
        As of a day after the window's end: the outcome lies after the date.
    as_of : str or date
        Last day of the observation.
    definition : Closing, Silent or ValueLoss

    Returns
    -------
    Labels

    Notes
    -----
    Deaths, fraud, and relations that the bank ended are neither stayers nor leavers: they are counted and left out. So
    are those who left in the gap, and those who had gone silent before the date (`dormant_months`). By fading, who
    closes in the window is left out too: closing is another way to leave, and the ways are not mixed.

    References
    ----------
    Van den Poel and Lariviere (2004), Customer attrition analysis for financial services using proportional hazard
    models, European Journal of Operational Research 157; Glady, Baesens and Croux (2009), Modeling churn using customer
    lifetime value, European Journal of Operational Research 197.
    """
    return label_dates(bank, [as_of], definition)[0]


def label_dates(
    bank: Bank,
    dates: Iterable[object],
    definition: Closing | Silent | ValueLoss,
    memory: Memory | None = None,
) -> list[Labels]:
    """Label several dates; they share the roll-up of balances and bookings.

    Parameters
    ----------
    bank, definition
        As in `labels`.
    dates : iterable of str or date
    memory : Memory, optional
        What was read of this bank before; what is missing is added.

    Returns
    -------
    list of Labels
        By date.
    """
    days = read_dates(list(dates))
    _refuse_unknown(bank, days, definition)
    memory = memory or Memory(bank)
    if not isinstance(definition, Closing):
        begins = seen_from(bank)
        refuse(
            *(
                f"labels at {day}: {bank.name} knows balances and bookings from {begins} on. Take a later date."
                for day in days
                if day < begins
            )
        )
    return [_labelled(memory, day, definition) for day in days]


def eligible(
    bank: Bank, as_of: object, definition: Closing | Silent | ValueLoss, memory: Memory | None = None
) -> pd.Series:
    """Say which customers of a date are in question, by what is known that day: whom to score.

    Parameters
    ----------
    bank : Bank
    as_of : str or date
    definition : Closing, Silent or ValueLoss
    memory : Memory, optional
        What was read of this bank before.

    Returns
    -------
    Series of str
        By ``customer_id``: empty for those in question, else why not.
    """
    day = read_date(as_of)
    memory = memory or Memory(bank)
    rolled = memory.courses(anchor_of(day))
    people = memory.there(day)
    why = pd.Series("", index=people.index, dtype="str")
    rows = rolled.customers.get_indexer(people.index)
    now = rolled.column(day)
    if isinstance(definition, Closing):
        if definition.families:
            held = people.index.isin(memory.holders(day, definition.families))
            why = why.mask(~held, "holds none of these products")
    else:
        since = _since(people, rolled)
        before = _baseline(definition, rolled, rows, now, since)
        why = why.mask(~np.any([b > 0 for b in before.values()], axis=0), "nothing to lose before the date")
        why = why.mask(now + 1 - np.maximum(since, 0) < _LEAST_MONTHS, "known for less than 3 months")
    if definition.dormant_months and rolled.acts is not None:
        start = max(now + 1 - definition.dormant_months, 0)
        acted = rolled.acts[rows, start : now + 1].sum(axis=1) > 0
        is_new = _since(people, rolled) > start  # too new to have gone silent
        why = why.mask(~acted & ~is_new, "dormant before the date")
    return why


def _labelled(memory: Memory, day: dt.date, definition: Closing | Silent | ValueLoss) -> Labels:
    window = outcome_window(day, definition.gap_months, definition.outcome_months)
    people = memory.there(day)
    why = eligible(memory.bank, day, definition, memory)
    families = definition.families if isinstance(definition, Closing) else ()
    ends = memory.closings(day, window.end, families).reindex(people.index)
    by_choice = ends["reason"].eq("customer").fillna(False).astype(bool)
    gone = ends["ended_on"].notna()
    early = gone & (ends["ended_on"] < pd.Timestamp(window.start))
    if isinstance(definition, Closing):
        is_event, event_on = by_choice & gone & ~early, ends["ended_on"]
    else:
        is_event, event_on, matured = _faded(memory, day, window, definition)
        why = why.mask((why == "") & matured, "a term deposit matured")
        why = why.mask((why == "") & gone & by_choice & ~early, "closed in the window")
    why = why.mask(gone & by_choice & early, "left in the gap")
    for reason, told in REASONS.items():
        why = why.mask(gone & ends["reason"].eq(reason).fillna(False).astype(bool), told)
    kept = why == ""
    frame = pd.DataFrame(
        {
            "churned": is_event[kept].astype("int8"),
            "event_on": event_on[kept].where(is_event[kept]).astype("datetime64[us]"),
        }
    )
    return Labels(day, window, definition, frame, why[~kept])


def _since(people: pd.DataFrame, rolled: Courses) -> np.ndarray:
    """First column that holds a whole month of each customer."""
    joined = people["joined_on"]
    after = (joined.dt.day > rolled.anchor).astype(int)
    return (joined.dt.year * 12 + joined.dt.month + after - rolled.first + 1).to_numpy(dtype=int)


def _series(definition: Silent | ValueLoss, rolled: Courses) -> dict[str, np.ndarray]:
    """The courses whose fall a definition looks at."""
    if isinstance(definition, ValueLoss):
        return {definition.measure: rolled.margin if definition.measure == "margin" else rolled.assets}
    known = {"balance": rolled.assets, "activity": rolled.acts, "salary": rolled.salaries, "idle": rolled.acts}
    return {sign: known[sign] for sign in definition.signs}


def _baseline(
    definition: Silent | ValueLoss, rolled: Courses, rows: np.ndarray, now: int, since: np.ndarray
) -> dict[str, np.ndarray]:
    """Mean a month before the date, of each course looked at."""
    return {
        name: rolled.mean(of[rows], now + 1 - definition.baseline_months, now + 1, since)
        for name, of in _series(definition, rolled).items()
    }


def _faded(
    memory: Memory, day: dt.date, window: OutcomeWindow, definition: Silent | ValueLoss
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Who faded and did not come back by the window's end, from when on, and whose fall a matured deposit explains."""
    people, rolled = memory.there(day), memory.courses(anchor_of(day))
    rows = rolled.customers.get_indexer(people.index)
    now, end = rolled.column(day), rolled.column(window.end)
    before = _baseline(definition, rolled, rows, now, _since(people, rolled))
    stays = 1 - definition.fall_share
    since_end = np.ones(len(people), dtype=bool)
    lows = []
    for name, of in _series(definition, rolled).items():
        part, base = of[rows], before[name]
        if name in ("salary", "idle"):
            silent_months = _RECENT if name == "salary" else max(1, -(-definition.idle_days // 30))
            low = np.stack([part[:, max(c + 1 - silent_months, 0) : c + 1].sum(axis=1) == 0
                            for c in range(now + 1, end + 1)], axis=1)  # fmt: skip
            low &= (base > 0)[:, None]
        else:
            low = np.stack([rolled.mean(part, c + 1 - _RECENT, c + 1) <= stays * base
                            for c in range(now + 1, end + 1)], axis=1)  # fmt: skip
            low &= (base > 0)[:, None]
            last = part[:, min(end, part.shape[1] - 1)]
            since_end &= ~(last > stays * base)  # the last month lies low too: it did not come back
        lows.append(low)
    low = np.logical_and.reduce(lows)
    is_event = low[:, -1] & since_end
    first = low.shape[1] - np.cumprod(low[:, ::-1], axis=1).sum(axis=1)  # from this month on it stayed low
    ends = pd.to_datetime([add_months(day, k) for k in range(1, low.shape[1] + 2)])
    event_on = pd.Series(ends[np.minimum(first, low.shape[1])], index=people.index)
    paid = memory.matured_amounts(day, window.end).reindex(people.index).fillna(0.0).to_numpy()
    matured = _explained(paid, definition, rolled, rows, before, end)
    found = pd.Series(is_event, index=people.index)
    return found, event_on, pd.Series(matured, index=people.index) & found


def _explained(
    paid: np.ndarray,
    definition: Silent | ValueLoss,
    rolled: Courses,
    rows: np.ndarray,
    before: dict[str, np.ndarray],
    end: int,
) -> np.ndarray:
    """Whether the fall of the balance is no larger than a deposit that came to its agreed end."""
    if rolled.assets is None:
        return np.zeros(len(rows), dtype=bool)
    base = before.get("balance", before.get("assets"))
    if base is None:
        base = rolled.mean(rolled.assets[rows], end, end + 1)
    left = rolled.mean(rolled.assets[rows], end + 1 - _RECENT, end + 1)
    return (paid > 0) & (left + paid > (1 - definition.fall_share) * base)


def _refuse_unknown(bank: Bank, days: tuple[dt.date, ...], definition: Closing | Silent | ValueLoss) -> None:
    missing = lacking(bank, definition)
    if missing:
        raise CrmlabError(
            [f"definition {definition.name!r} needs {missing}; {bank.name} has none. Choose another definition."]
        )
    last = bank.date or bank.report_on
    months = definition.gap_months + definition.outcome_months
    refuse(
        *(
            f"labels at {day}: the outcome window ends on {add_months(day, months)}, {bank.name} ends on {last}."
            f" Take an earlier date, or a shorter window."
            for day in days
            if add_months(day, months) > last
        )
    )
