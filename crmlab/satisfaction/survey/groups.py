"""Who answered: groups of customers as the bank knew them when a wave began, and those who did not answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.bank.tables import CHANNELS
from crmlab.errors import nearest, refuse
from crmlab.satisfaction.survey.answers import Answers
from crmlab.snapshots import snapshot

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["GROUPS", "NOT_KNOWN", "customers_at", "group_title", "wave_days", "with_groups"]

NOT_KNOWN = "not known"
_CHANNELS = tuple(channel for channel in CHANNELS if channel != "automatic")
# name of a group -> features of the snapshot it is made of
_MADE = {
    "age_band": ("age_years",),
    "tenure_band": ("tenure_days",),
    "assets_quarter": ("assets_amount",),
    "main_channel": tuple(f"{channel}_12m_share" for channel in _CHANNELS),
}
_PLAIN = ("gender", "region", "district", "branch", "occupation", "education", "marital_status", "acquisition_channel",
          "preferred_channel", "risk_tolerance")  # fmt: skip
GROUPS = (*_MADE, *_PLAIN)
_AGES = ([30, 45, 60, 75], ["under 30", "30 to 44", "45 to 59", "60 to 74", "75 and over"])
_YEARS = ([2, 5, 10], ["under 2 years", "2 to 4 years", "5 to 9 years", "10 years and over"])
_QUARTERS = ["1 lowest", "2", "3", "4 highest"]

_NAMES = {
    "age_band": "age", "tenure_band": "years with the bank", "assets_quarter": "quarter by assets",
    "main_channel": "main channel", "acquisition_channel": "channel of joining",
    "preferred_channel": "preferred channel", "marital_status": "marital status", "risk_tolerance": "risk tolerance",
}  # fmt: skip


def group_title(by: str) -> str:
    """Name a group for a reader.

    >>> group_title("age_band"), group_title("region")
    ('age', 'region')
    """
    return _NAMES.get(by, by.replace("_", " "))


def wave_days(answers: Answers) -> dict[str, dt.date]:
    """Return the day of the first answer of each wave: what the bank knew by then describes its customers.

    Parameters
    ----------
    answers : Answers
        Result of `answers_on`.
    """
    first = answers.frame.groupby("wave")["answered_on"].min()
    return {wave: first[wave].date() for wave in answers.waves}


def customers_at(bank: Bank, answers: Answers, wave: str, features: Sequence[str] | None = None) -> pd.DataFrame:
    """Return every customer there when a wave began, and whether the customer answered.

    Parameters
    ----------
    bank : Bank
        The bank that the answers come from.
    answers : Answers
        Result of `answers_on`.
    wave : str
        One of its waves.
    features : sequence of str, optional
        Names of snapshot features; None: all.

    Returns
    -------
    DataFrame
        Index ``customer_id``; ``as_of``, the features, ``answered`` (bool). ``attrs["absent"]`` says which features the
        bank cannot have, ``attrs["answered_elsewhere_count"]`` how many who answered were not there.

    Notes
    -----
    A table of who was invited is not in the contract: the frame holds everybody who could have been. It compares those
    who answered with all customers, and so takes the choice of whom to invite for a part of not answering.
    """
    answered = answers.of(wave)["customer_id"]
    frame = snapshot(bank, wave_days(answers)[wave], features)
    there = frame.copy().assign(answered=frame.index.isin(answered))
    there.attrs = {**frame.attrs, "answered_elsewhere_count": int((~answered.isin(frame.index)).sum())}
    return there


def with_groups(
    answers: Answers, bank: Bank, *, by: Sequence[str] = GROUPS, segments: pd.Series | None = None
) -> pd.DataFrame:
    """Return the answers with the groups their customers belonged to when the wave began.

    Parameters
    ----------
    answers : Answers
        Result of `answers_on`.
    bank : Bank
        The bank that the answers come from.
    by : sequence of str
        Names from `GROUPS`; further columns of a flat bank's ``snapshot`` by their own names.
    segments : Series of str, optional
        A segment of each customer, by ``customer_id``: it becomes column ``segment``.

    Returns
    -------
    DataFrame
        The frame of the answers, then ``as_of`` and one column a group, str or ordered category: ``age_band``,
        ``tenure_band``, ``assets_quarter`` (among all customers at the wave, not only those who answered),
        ``main_channel`` (of what the customer did in 12 months; else the channel asked for), and facts of the customer.
        What is not known is ``"not known"``. ``attrs["absent"]`` says which groups this bank cannot have.

    Notes
    -----
    Facts of the customers table without a date (region, branch) are those of the extract.
    """
    own = _own_columns(bank)
    known = [*GROUPS, *own]
    refuse(*(f"group {name!r} is unknown.{nearest(name, known)} Known: {known}." for name in by if name not in known))
    wanted = [name for name in by if name in GROUPS]
    features = [feature for name in wanted for feature in _MADE.get(name, (name,))]
    features += ["preferred_channel"] if "main_channel" in wanted else []
    days = wave_days(answers)
    parts, absent = [], {}
    snapshots = _snapshots(bank, sorted({*days.values()}), list(dict.fromkeys(features)))
    for wave, day in days.items():
        groups, lacking = _grouped(snapshots[day], wanted)
        absent |= lacking
        rows = answers.frame[answers.frame["wave"] == wave]
        found = groups.reindex(rows["customer_id"]).set_axis(rows.index)
        parts.append(pd.concat([rows.assign(as_of=pd.Timestamp(day)), found], axis=1))
    frame = pd.concat(parts).sort_index()
    for name in [name for name in wanted if name not in absent]:
        frame[name] = _filled(frame[name])
    for name in [name for name in by if name not in GROUPS]:
        frame[name] = _own(bank, name, frame)
    if segments is not None:
        frame["segment"] = _filled(frame["customer_id"].map(segments).astype("str"))
    frame.attrs["absent"] = absent
    return frame


def _snapshots(bank: Bank, days: list[dt.date], features: list[str]) -> dict[dt.date, pd.DataFrame]:
    if "snapshot" in bank.tables:  # a flat bank serves each day by the latest one it has
        return {day: snapshot(bank, day, features) for day in days}
    frame = snapshot(bank, days, features)
    parts = {day: frame[frame["as_of"] == pd.Timestamp(day)] for day in days}
    for part in parts.values():
        part.attrs = frame.attrs
    return parts


def _own_columns(bank: Bank) -> list[str]:
    if "snapshot" not in bank.tables:
        return []
    return [name for name in bank.columns("snapshot") if name not in ("customer_id", "snapshot_on", *GROUPS)]


def _own(bank: Bank, name: str, frame: pd.DataFrame) -> pd.Series:
    """A column of the flat bank, as of the latest row of the customer by the wave's day."""
    rows = bank.frame("snapshot", ["customer_id", "snapshot_on", name]).dropna(subset=[name])
    rows = rows.assign(snapshot_on=rows["snapshot_on"].astype(frame["as_of"].dtype)).sort_values("snapshot_on")
    left = frame[["customer_id", "as_of"]].reset_index().sort_values("as_of", kind="stable")
    found = pd.merge_asof(left, rows, left_on="as_of", right_on="snapshot_on", by="customer_id").set_index("index")
    return _filled(found[name].reindex(frame.index).astype("str"))


def _filled(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        known = column.cat.add_categories([NOT_KNOWN]) if NOT_KNOWN not in column.cat.categories else column
        return known.fillna(NOT_KNOWN)
    return column.where(column.notna(), NOT_KNOWN)


def _grouped(there: pd.DataFrame, wanted: Sequence[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Make the groups of every customer of a day; and say which cannot be made."""
    found, absent = {}, {}
    reasons = there.attrs["absent"]
    for name in wanted:
        sources = [feature for feature in _MADE.get(name, (name,)) if feature in there]
        if name == "main_channel":
            if sources or "preferred_channel" in there:
                found[name] = _main_channel(there, sources)
                continue
        elif name == "tenure_band" and sources and len(there) > 1 and there[sources[0]].nunique() == 1:
            absent[name] = "every customer of this bank joined on the same day, so the day is nominal"
            continue
        elif sources:
            found[name] = _MAKERS.get(name, _plain)(there[sources[0]])
            continue
        first = _MADE.get(name, (name,))[0]
        absent[name] = reasons.get(first, f"this bank has no {first}")
    return pd.DataFrame(found, index=there.index), absent


def _banded(values: pd.Series, limits: list[float], names: list[str]) -> pd.Series:
    return pd.cut(values, [-np.inf, *limits, np.inf], right=False, labels=names, ordered=True)


def _quarter(amounts: pd.Series) -> pd.Series:
    """Quarter of all customers by an amount; equal amounts fall in the same quarter."""
    place = amounts.rank(method="average", pct=True)
    return pd.cut(place, [0, 0.25, 0.5, 0.75, 1], labels=_QUARTERS, ordered=True)


def _plain(values: pd.Series) -> pd.Series:
    return values.astype("str")


def _main_channel(there: pd.DataFrame, sources: list[str]) -> pd.Series:
    """The channel with the largest share, the first of equals; without an act, the channel asked for."""
    asked = there["preferred_channel"] if "preferred_channel" in there else pd.Series(None, there.index, dtype="str")
    if not sources:
        return asked.astype("str")
    shares = there[sources]
    acted = shares.notna().any(axis=1)
    names = np.array([name.removesuffix("_12m_share") for name in sources])
    most = names[shares.fillna(-1).to_numpy().argmax(axis=1)]
    return pd.Series(most, there.index, dtype="str").where(acted, asked.astype("str"))


_MAKERS = {
    "age_band": lambda values: _banded(values, *_AGES),
    "tenure_band": lambda values: _banded(values / 365.2425, *_YEARS),
    "assets_quarter": _quarter,
}
