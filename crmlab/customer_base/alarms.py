"""One list of everything that makes a bank's data suspect: what, where, how to mend it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.bank.questionnaire_choice import recognised_questionnaire
from crmlab.customer_base.feeds import coding, units
from crmlab.customer_base.leaks import leaks
from crmlab.customer_base.monthly import drift
from crmlab.customer_base.movement import joiners_changed
from crmlab.customer_base.persons import dummy_customers, duplicates
from crmlab.customer_base.quality import coverage, months_covered, set_aside
from crmlab.customer_base.waves import said_of, waves
from crmlab.outreach.arms import arms, told_of
from crmlab.stats import Estimate, Evidence, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["KINDS", "Alarm", "Checks", "check"]

# What raises an alarm, in the order in which to mend it. Facts come first, then what chance could make.
KINDS = (
    "broken rule",
    "test customers",
    "unit",
    "scale",
    "leak",
    "silent table",
    "empty months",
    "look-alikes",
    "campaign arms",
    "coding",
    "joiners",
    "step",
)
_BY_CHANCE = len(KINDS) - 1  # kinds that share the false alarm rate; a broken rule is never chance


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong, or so rare that it should be looked at.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    where : str
        Table, with its column where one is meant.
    fact : str
        What is so, without the full stop.
    cure : str
        What to do.
    severity : {"error", "warning"}
        Error: numbers that read the place are wrong until it is mended. Warning: look before you trust them.
    """

    kind: str
    where: str
    fact: str
    cure: str
    severity: str = "warning"


@dataclass(frozen=True)
class Checks:
    """All checks of a bank's data: the alarms, and the evidence behind them.

    Parameters
    ----------
    alarms : tuple of Alarm
        In the order of `KINDS`.
    evidence : dict of str to Evidence
        By name of the check: ``coverage``, ``months_covered``, ``duplicates``, ``dummy_customers``, ``drift``,
        ``units``, ``coding``, ``joiners``, ``leaks``, ``arms``, ``waves``, ``set_aside``.
    false_alarm_rate : float
        Chance of any alarm but a broken rule when nothing is wrong.
    """

    alarms: tuple[Alarm, ...]
    evidence: dict[str, Evidence] = field(repr=False)
    false_alarm_rate: float

    def __getitem__(self, name: str) -> Evidence:
        return self.evidence[name]

    @property
    def frame(self) -> pd.DataFrame:
        """The alarms as a table: ``kind``, ``where``, ``fact``, ``cure``, ``severity``."""
        names = ["kind", "where", "fact", "cure", "severity"]
        return pd.DataFrame([[getattr(one, name) for name in names] for one in self.alarms], columns=names)

    @property
    def count(self) -> Estimate:
        """Number of alarms."""
        return Estimate(float(len(self.alarms)), unit="count")


def check(bank: Bank, *, months: int = 24, false_alarm_rate: float = 0.05) -> Checks:
    """Run every check of a bank's data.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    months : int
        Whole months to look back.
    false_alarm_rate : float
        Chance of any alarm, broken rules aside, in a bank in which nothing is wrong. It is shared out equally among the
        kinds of alarm, and within a kind among its looks.

    Returns
    -------
    Checks
        Alarms and evidence.

    Notes
    -----
    What is wrong from the first month on and everywhere alike (all amounts in cents) steps nowhere and stays unseen.
    """
    rate = false_alarm_rate / _BY_CHANCE
    dated = {"months": months, "false_alarm_rate": rate}
    evidence = {
        "set_aside": set_aside(bank.report),
        "dummy_customers": dummy_customers(bank, false_alarm_rate=rate),
        "units": units(bank, **dated),
        "waves": waves(bank, scale=_scale(bank), false_alarm_rate=rate),
        "leaks": leaks(bank, false_alarm_rate=rate),
        "coverage": coverage(bank, false_alarm_rate=rate),
        "months_covered": months_covered(bank, **dated),
        "duplicates": duplicates(bank, false_alarm_rate=rate),
        "arms": arms(bank, false_alarm_rate=rate),
        "coding": coding(bank, **dated),
        "joiners": joiners_changed(bank, false_alarm_rate=rate),
        "drift": drift(bank, **dated),
    }
    found = [
        *_broken(bank),
        *_tests(evidence["dummy_customers"]),
        *_units(evidence["units"]),
        *_waves(evidence["waves"]),
        *_leaks(evidence["leaks"]),
        *_silent(evidence["coverage"]),
        *_holes(evidence["months_covered"]),
        *_alike(evidence["duplicates"]),
        *_arms(evidence["arms"], rate),
        *_coding(evidence["coding"]),
        *_joiners(evidence["joiners"]),
        *_steps(evidence["drift"], evidence["units"]),
    ]
    return Checks(tuple(found), evidence, false_alarm_rate)


def _scale(bank: Bank) -> tuple[float, float] | None:
    """Return the scale of the bank's questionnaire where every item that was asked has it."""
    known = recognised_questionnaire(bank)
    if known is None:
        return None
    asked = {item for (item,) in bank.sql("select distinct item from surveys where score is not null").fetchall()}
    scales = {known.scales.get(item) for item in asked}
    return scales.pop() if len(scales) == 1 else None


def _broken(bank: Bank) -> list[Alarm]:
    return [
        Alarm("broken rule", ".".join(part for part in (one.table, one.column) if part), one.fact, one.cure, "error")
        for one in bank.report.errors
    ]


def _tests(found: Evidence) -> list[Alarm]:
    if not found.frame["is_alarm"].any():
        return []
    cure = "Have test customers left out of the extract, with their accounts and bookings."
    return [Alarm("test customers", "customers", found.reading.removesuffix("."), cure, "error")]


def _units(found: Evidence) -> list[Alarm]:
    cure = "Ask who delivers the feed whether it changed its unit that month (cents for euros), and export it again."
    alarms = []
    for row in found.frame.itertuples():
        times = f"{row.factor:,.0f} times" if row.factor > 1 else f"1/{1 / row.factor:,.0f} of"
        fact = f"the typical amount of {row.month:%B %Y} is {times} that of the month before"
        kind = f"{row.feed}: " if row.feed else ""
        alarms.append(Alarm("unit", f"{row.table}.{row.column}", kind + fact, cure, "error"))
    return alarms


def _waves(found: Evidence) -> list[Alarm]:
    cure = "Ask on which scale the wave was asked, and bring its answers back to that of the others."
    return [
        Alarm(
            "scale",
            "surveys.score",
            said_of(row),
            cure,
            "error",
        )
        for row in found.frame[found.frame["is_alarm"].astype(bool)].itertuples()
    ]


def _leaks(found: Evidence) -> list[Alarm]:
    odd = found.frame[found.frame["is_alarm"].astype(bool)]
    alarms = []
    for column, rows in odd.groupby("column", sort=False):
        row = rows.iloc[0]
        value = "an empty cell" if row["value"] == "(empty)" else repr(row["value"])
        fact = (
            f"{value} stands at {share_text(row['gone_share'])} of former and {share_text(row['present_share'])} of "
            "present customers, and no date says since when"
        )
        cure = "Have the value as it was while they were customers, or read the column in no model of leaving."
        alarms.append(Alarm("leak", f"customers.{column}", fact, cure, "error"))
    return alarms


def _silent(found: Evidence) -> list[Alarm]:
    return [
        Alarm(
            "silent table",
            row.table,
            f"no row since {row.last_on:%Y-%m-%d}, {row.silent_days:.0f} days; its longest pause of a year was "
            f"{row.longest_pause_days:.0f}"
            if pd.notna(row.last_on)
            else "no row at all",
            "Ask whether the feed still runs, and export the table again.",
        )
        for row in found.frame[found.frame["is_stale"].astype(bool)].itertuples()
    ]


def _holes(found: Evidence) -> list[Alarm]:
    holes = found.frame.attrs.get("holes", {})
    cure = "Have these months delivered again."
    return [
        Alarm(
            "empty months",
            name,
            f"{count} month has no row between others" if count == 1 else f"{count} months have no row between others",
            cure,
        )
        for name, count in holes.items()
    ]


def _alike(found: Evidence) -> list[Alarm]:
    rows = found.frame[found.frame["is_alarm"].astype(bool)]
    cure = "Have the bank's matching of persons run, or give one number to each person before counting customers."
    return [
        Alarm(
            "look-alikes",
            "customers",
            f"{row.found_count} {row.what.removeprefix('customers: ')}, {row.by_chance_count:.1f} by chance",
            cure,
        )
        for row in rows.itertuples()
    ]


def _arms(found: Evidence, rate: float) -> list[Alarm]:
    cure = "Ask how the arms were drawn and who was contacted after all; read no effect from it before."
    return [
        Alarm("campaign arms", "contacts.arm", told_of(row, rate).removesuffix("."), cure, "error")
        for row in found.frame[found.frame["is_alarm"].astype(bool)].itertuples()
    ]


def _coding(found: Evidence) -> list[Alarm]:
    cure = "Ask who changed the codes of channels that month; map old and new codes to one."
    alarms = []
    for (table, month), rows in found.frame.groupby(["table", "month"], sort=True):
        moves = ", ".join(
            f"share of {row.channel or 'no channel'} from {share_text(row.share_before)} to {share_text(row.share)}"
            for row in rows.itertuples()
        )
        alarms.append(Alarm("coding", f"{table}.channel", f"the channels jump in {month:%B %Y}: {moves}", cure))
    return alarms


def _joiners(found: Evidence) -> list[Alarm]:
    odd = found.frame[found.frame["is_alarm"].astype(bool)]
    if not len(odd):
        return []
    facts = ", ".join(odd["fact"])
    new, old = int(odd["joiners_count"].iloc[0]), int(odd["joiners_before_count"].iloc[0])
    fact = f"the last {new:,} who joined differ from the {old:,} before in {facts}"
    cure = "Ask what changed: a campaign, a partner, a form. Models learned on earlier joiners may not hold."
    return [Alarm("joiners", "customers", fact, cure)]


def _steps(found: Evidence, changed: Evidence) -> list[Alarm]:
    frame = found.frame
    if "is_alarm" not in frame:
        return []
    told = set(zip(changed.frame["table"], changed.frame["month"], strict=True))  # a unit moves the median too
    odd = frame[frame["is_alarm"].astype(bool)]
    is_new = [(row.table, row.month) not in told or not row.is_amount for row in odd.itertuples()]
    odd = odd[np.array(is_new, dtype=bool)]
    cure = "Look at the month before and after: a lost or doubled delivery, a new system, or something that happened."
    alarms = []
    for series, rows in odd.groupby("series", sort=False):
        months = ", ".join(f"{month:%B %Y}" for month in rows["month"].head(3))
        fact = f"{series[:1].lower() + series[1:]} step out of line in {months}"
        more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
        alarms.append(Alarm("step", str(rows["table"].iloc[0]), fact + more, cure))
    return alarms
