"""The definition lab: how the rate and the list of leavers change with definition, window and threshold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.churn.definitions.courses import seen_from
from crmlab.churn.definitions.definition import Closing, Silent, ValueLoss
from crmlab.churn.definitions.labels import Labels, label_dates, lacking
from crmlab.churn.definitions.memory import Memory
from crmlab.churn.definitions.silence import came_back, lead_time
from crmlab.snapshots.dates import add_months
from crmlab.stats.evidence import Evidence
from crmlab.stats.intervals import proportion

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["DefinitionLab", "definition_lab", "list_overlap", "rates"]

_WINDOWS = (3, 6, 12)
_FALLS = (0.5, 0.7, 0.9)


@dataclass(frozen=True)
class DefinitionLab:
    """What hangs on the choice of the definition.

    Parameters
    ----------
    as_of : date
        The date that all definitions look from.
    rates : Evidence
        One row a definition: customers in question, events, share with interval.
    variants : Evidence
        One row a definition, window and threshold: the same, and the likeness (Jaccard) of its list to the first's.
    overlap : Evidence
        How far the lists name the same customers, definition by definition.
    false_silence, lead : Evidence or None
        As `came_back` and `lead_time`; None where silence cannot be seen.
    why : str
        What could not be looked at, and why.
    """

    as_of: dt.date
    rates: Evidence
    variants: Evidence
    overlap: Evidence
    false_silence: Evidence | None
    lead: Evidence | None
    why: str


def definition_lab(bank: Bank, *, outcome_months: int = 6, dates: Sequence[object] = ()) -> DefinitionLab | None:
    """Look at leaving by every definition that the bank can show, from one date.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    outcome_months : int
        Window of the comparison of definitions, the same for all.
    dates : sequence of date
        Earlier dates at which silence is followed; empty: half-yearly.

    Returns
    -------
    DefinitionLab or None
        None where no definition has a full window and three months before it.
    """
    last, first = bank.date or bank.report_on, seen_from(bank)
    as_of = add_months(last, -outcome_months)
    months = max(outcome_months, 3)
    base = [Closing(outcome_months=outcome_months, gap_months=0), Silent(outcome_months=months, gap_months=0),
            ValueLoss(outcome_months=months, gap_months=0)]  # fmt: skip
    reasons = {one.name: lacking(bank, one) for one in base}
    can = [one for one in base if not reasons[one.name]]
    why = "; ".join(_unseen(name, what) for name, what in reasons.items() if what)
    if not can or add_months(first, 3) > as_of:
        return None
    memory = Memory(bank)
    found = {one.name: label_dates(bank, [as_of], one, memory)[0] for one in can}
    silent = next((one for one in can if isinstance(one, Silent)), None)
    back = lead = None
    if silent:
        days = list(dates) or _half_years(first, last, silent)
        back = came_back(bank, label_dates(bank, days, silent, memory), rolled=memory.courses()) if days else None
        closing = next((one for one in can if isinstance(one, Closing)), None)
        lead = lead_time(bank, silent, rolled=memory.courses()) if closing else None
    return DefinitionLab(
        as_of,
        rates(list(found.values())),
        _variants(bank, can, last, first, memory),
        list_overlap(found),
        back,
        lead,
        why,
    )


def rates(found: Sequence[Labels]) -> Evidence:
    """Put the rates of several definitions side by side.

    Parameters
    ----------
    found : sequence of Labels

    Returns
    -------
    Evidence
        Frame: ``definition``, ``what``, ``months`` (window), ``n``, ``left_count``, ``share``, ``share_low``,
        ``share_high``. Estimates ``rate_<definition>``.
    """
    rows, estimates = [], {}
    for one in found:
        share = proportion(int(one.churned.sum()), len(one.frame))
        rows.append((one.definition.name, one.definition.words, one.definition.outcome_months, len(one.frame),
                     int(one.churned.sum()), share.value, share.low, share.high))  # fmt: skip
        if len(one.frame):
            estimates[f"rate_{one.definition.name.split(':')[0]}"] = share
    frame = pd.DataFrame(
        rows, columns=["definition", "what", "months", "n", "left_count", "share", "share_low", "share_high"]
    )
    months = ", ".join(dict.fromkeys(str(one.definition.outcome_months) for one in found))
    said = "; ".join(f"{name.replace('_', ' ')} {100 * share:.1f} %" for name, share in
                     zip(frame["definition"], frame["share"], strict=True) if np.isfinite(share))  # fmt: skip
    return Evidence(
        frame,
        title=_title(frame),
        about=f"Share of the customers in question who leave within {months} months, by definition; Wilson 95 %",
        reading=f"Within {months} months: {said}. These are different events; they are never added up.",
        estimates=estimates,
    )


def list_overlap(found: dict[str, Labels]) -> Evidence:
    """Say how far the lists of two definitions name the same customers (Jaccard).

    Parameters
    ----------
    found : dict of str to Labels
        At the same date.

    Returns
    -------
    Evidence
        Frame: ``first``, ``second``, ``both_count``, ``either_count``, ``jaccard_share``, ``asked_both_count``
        (customers in question by both).

    Notes
    -----
    Over customers in question by both. Closing and fading are not compared: who closed is left out of fading.
    """
    names = list(found)
    rows = []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if isinstance(found[one].definition, Closing) != isinstance(found[other].definition, Closing):
                continue  # who closed is in question by closing only
            a, b = found[one].churned, found[other].churned
            both = a.index.intersection(b.index)
            x, y = a[both] == 1, b[both] == 1
            either = int((x | y).sum())
            rows.append((one, other, int((x & y).sum()), either, int((x & y).sum()) / either if either else np.nan,
                         len(both)))  # fmt: skip
    columns = ["first", "second", "both_count", "either_count", "jaccard_share", "asked_both_count"]
    frame = pd.DataFrame(rows, columns=columns)
    told = [
        f"{row.first.replace('_', ' ')} and {row.second.replace('_', ' ')} share {row.both_count:,} of "
        f"{row.either_count:,} names"
        for row in frame.itertuples()
        if row.either_count
    ]
    return Evidence(
        frame,
        title="Different definitions name different customers" if told else "",
        about="Customers on both lists over those on either, among those in question by both",
        reading=f"{'; '.join(told).capitalize()}." if told else "No two lists can be compared.",
    )


def _variants(
    bank: Bank,
    can: list[Closing | Silent | ValueLoss],
    last: dt.date,
    first: dt.date,
    memory: Memory,
) -> Evidence:
    """Every definition with other windows and thresholds; each looks from the latest date its window allows."""
    rows = []
    windows = [months for months in _WINDOWS if add_months(last, -months) >= add_months(first, 3)]
    longest = add_months(last, -max(windows)) if windows else None
    for one in can:
        reference = None
        for months in windows:
            for fall in _FALLS if not isinstance(one, Closing) else (None,):
                changed = replace(one, outcome_months=months, **({"fall_share": fall} if fall else {}))
                got = label_dates(bank, [longest], changed, memory)[0]
                listed = set(got.churned.index[got.churned == 1])
                reference = listed if reference is None else reference
                either = listed | reference
                share = proportion(int(got.churned.sum()), len(got.frame))
                likeness = len(listed & reference) / len(either) if either else np.nan
                told = (one.name, months, fall if fall else np.nan, len(got.frame), len(listed))
                rows.append((*told, share.value, share.low, share.high, likeness))
    columns = ["definition", "months", "fall_share", "n", "left_count", "share", "share_low", "share_high",
               "jaccard_share"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    said = "No window fits."
    if len(frame):
        most, least = frame.loc[frame["share"].idxmax()], frame.loc[frame["share"].idxmin()]
        said = (
            f"From {100 * least['share']:.1f} % ({_told(least)}) to {100 * most['share']:.1f} % ({_told(most)}), all "
            f"seen from {longest}: a rate without its definition says nothing."
        )
    return Evidence(
        frame,
        title="The rate of leaving hangs on the definition",
        about=f"Share who leave, by definition, window and fall asked for; from {longest}; Wilson 95 %",
        reading=said,
    )


def _told(row: pd.Series) -> str:
    fall = "" if np.isnan(row["fall_share"]) else f", fall of {100 * row['fall_share']:.0f} %"
    return f"{row['definition'].replace('_', ' ')}, {row['months']:.0f} months{fall}"


def _unseen(name: str, what: str) -> str:
    """Say that a definition cannot be looked at; worded for each, so that it can be told in another language."""
    return {
        "closing": f"closing cannot be seen: no {what}",
        "silent": f"silent cannot be seen: no {what}",
        "value_loss": f"value loss cannot be seen: no {what}",
    }[name]


def _half_years(first: dt.date, last: dt.date, definition: Silent) -> list[dt.date]:
    """Dates half a year apart whose windows are over and were followed for half a year."""
    day = add_months(last, -definition.outcome_months - definition.gap_months - 6)
    days = []
    while day >= add_months(first, 6):
        days.append(day)
        day = add_months(day, -definition.outcome_months)
    return days[::-1]


def _title(frame: pd.DataFrame) -> str:
    known = frame.dropna(subset=["share"])
    if len(known) < 2:
        return "How many leave"
    low, high = known["share"].min(), known["share"].max()
    return f"{100 * low:.1f} to {100 * high:.1f} % leave, as it is defined"
