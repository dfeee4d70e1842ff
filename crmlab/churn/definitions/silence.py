"""Silence looked at closely: who came back after all, and how long before a closing it could be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.churn.definitions.courses import Courses, courses
from crmlab.churn.definitions.definition import Silent
from crmlab.churn.definitions.events import closings
from crmlab.churn.definitions.labels import Labels
from crmlab.snapshots.dates import MONTH_END, add_months, month_index
from crmlab.stats.estimate import Estimate
from crmlab.stats.evidence import Evidence
from crmlab.stats.intervals import median, proportion

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["came_back", "fading", "lead_time"]

_RECENT = 3
_LOOK_BACK = 6  # months before a closing in which its silence may begin


def fading(rolled: Courses, definition: Silent) -> np.ndarray:
    """Say for each customer and month whether the last 3 months lay so far below the months before them.

    Parameters
    ----------
    rolled : Courses
    definition : Silent
        Its signs ``balance`` and ``activity``, fall and baseline.

    Returns
    -------
    ndarray of bool
        Customers in rows, months in columns; false where the months before are not known.

    Notes
    -----
    The same look as a label's, but rolling, and with no look ahead: it could have been seen at the month's end.
    """
    found = None
    for name, of in {"balance": rolled.assets, "activity": rolled.acts}.items():
        if name not in definition.signs or of is None:
            continue
        low = np.zeros(of.shape, dtype=bool)
        for c in range(_RECENT + 2, of.shape[1]):
            recent = rolled.mean(of, c + 1 - _RECENT, c + 1)
            base = rolled.mean(of, c + 1 - _RECENT - definition.baseline_months, c + 1 - _RECENT)
            low[:, c] = (base > 0) & (recent <= (1 - definition.fall_share) * base)
        found = low if found is None else found & low
    return np.zeros((len(rolled.customers), rolled.months), dtype=bool) if found is None else found


def came_back(bank: Bank, found: list[Labels], *, months: int = 6, rolled: Courses | None = None) -> Evidence:
    """Count those called silent who were active again soon after: false silence.

    Parameters
    ----------
    bank : Bank
    found : list of Labels
        By a `Silent` definition; those whose window ended at least `months` before the last day are followed.
    months : int
        How long they are followed.
    rolled : Courses, optional
        As rolled up before, by calendar months.

    Returns
    -------
    Evidence
        Frame: ``as_of``, ``silent_count``, ``back_count``. Estimate ``false_silence_share``.

    Notes
    -----
    Back is: over 3 months together as many bookings a month as would not have been called silent, and still a customer.
    """
    last = bank.date or bank.report_on
    rolled = courses(bank, MONTH_END) if rolled is None else rolled
    rows = []
    for one in found:
        if add_months(one.window.end, months) > last or rolled.acts is None:
            continue
        silent = one.frame.index[one.frame["churned"] == 1]
        part = rolled.acts[rolled.customers.get_indexer(silent)]
        now, end = rolled.column(one.as_of), rolled.column(one.window.end)
        base = rolled.mean(part, now + 1 - one.definition.baseline_months, now + 1)
        low = (1 - one.definition.fall_share) * base
        later = [rolled.mean(part, c + 1 - _RECENT, c + 1) for c in range(end + _RECENT, end + months + 1)]
        back = np.any([(mean > low) & (base > 0) for mean in later], axis=0) if later else np.zeros(len(part), bool)
        rows.append((pd.Timestamp(one.as_of), len(silent), int(np.sum(back))))
    frame = pd.DataFrame(rows, columns=["as_of", "silent_count", "back_count"])
    n, k = int(frame["silent_count"].sum()), int(frame["back_count"].sum())
    share = proportion(k, n)
    said = "Nobody was called silent long enough ago to see who came back."
    if n:
        said = (
            f"Of {n:,} customers called silent, {k:,} ({share.short}, {share.interval}) were active again within "
            f"{months} months: false silence."
        )
    return Evidence(
        frame,
        title=f"{share.short} of the silent come back within {months} months" if n else "",
        about=f"Customers called silent, followed for {months} months; Wilson 95 %; n = {n:,}",
        reading=said,
        estimates={"false_silence_share": share} if n else {},
    )


def lead_time(bank: Bank, definition: Silent, *, months: int = 12, rolled: Courses | None = None) -> Evidence:
    """Measure how long before a closing the silence could be seen.

    Parameters
    ----------
    bank : Bank
        As of a date; closings of its last `months` are looked at.
    definition : Silent
    months : int
    rolled : Courses, optional
        As rolled up before, by calendar months.

    Returns
    -------
    Evidence
        Frame, one row a number of months before closing: ``months_before``, ``seen_share`` (of the closings, silent by
        then). Estimates ``silence_before_closing_share``, ``silence_lead_days`` (median over those seen).
    """
    last = bank.date or bank.report_on
    rolled = courses(bank, MONTH_END) if rolled is None else rolled
    ended = closings(bank, add_months(last, -months), last)
    ended = ended[ended["reason"] == "customer"]
    flags = fading(rolled, definition)
    rows = rolled.customers.get_indexer(ended.index)
    columns = [month_index(day.date()) - rolled.first for day in ended["ended_on"]]
    leads = np.full(len(ended), np.nan)
    seen = np.zeros((len(ended), _LOOK_BACK), dtype=bool)
    for k, (row, column) in enumerate(zip(rows, columns, strict=True)):
        start = column - _LOOK_BACK
        if start < _RECENT + 3:  # no year before it to compare with
            continue
        part = flags[row, start:column]
        seen[k] = np.logical_or.accumulate(part)
        if part.any():
            seen_on = add_months(last.replace(day=1), start + int(np.argmax(part)) + rolled.first - month_index(last))
            end_of_month = (pd.Timestamp(seen_on) + pd.offsets.MonthEnd(0)).date()
            leads[k] = (ended["ended_on"].iloc[k].date() - end_of_month).days
    n = len(ended)
    share = proportion(int(np.isfinite(leads).sum()), n)
    lead = median(leads[np.isfinite(leads)], unit="days") if np.isfinite(leads).any() else Estimate(np.nan, "days", n=0)
    frame = pd.DataFrame(
        {"months_before": range(_LOOK_BACK, 0, -1), "seen_share": seen.mean(axis=0) if n else np.zeros(_LOOK_BACK)}
    )
    said = "Nobody closed by their own choice in these months."
    if n:
        said = f"Of {n:,} who closed in the last {months} months, {share.short} ({share.interval}) had faded before"
        said += f", {lead.short} before it at the median." if np.isfinite(lead.value) else "."
    return Evidence(
        frame,
        title=f"{share.short} of closings were seen as silence before" if n else "",
        about=f"Closings of the last {months} months by the customer's choice; n = {n:,}",
        reading=said,
        estimates={"silence_before_closing_share": share, "silence_lead_days": lead} if n else {},
    )
