"""The training table: customers at several dates, what was known of them then, and whether they left afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.churn.definitions.courses import seen_from
from crmlab.churn.definitions.definition import Closing, Definition, FileLabel, Silent, ValueLoss
from crmlab.churn.definitions.labels import eligible, label_dates, lacking
from crmlab.churn.definitions.memory import Memory
from crmlab.churn.reason_words import REASONS
from crmlab.snapshots import snapshot
from crmlab.snapshots.dates import add_months

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["UNDATED", "Panel", "flat_panel", "is_flat", "panel_on", "training_dates"]

_HISTORY_MONTHS = 12  # before the first training date, so that windows of a year are full
_LEAST_HISTORY = 3
_MOST_DATES = 12
_FEWEST_EVENTS = 20
_FEWEST_ROWS = 100
# facts of the customers table without a date: as the extract has them, perhaps written when the customer left
UNDATED = (
    "is_email_allowed", "is_sms_allowed", "is_phone_allowed", "is_social_allowed", "branch", "region", "gender",
    "occupation", "preferred_channel", "acquisition_channel",
)  # fmt: skip
_EVENT_TABLES = ("accounts", "balances", "transactions", "interactions", "digital_events")
# columns of a flat file that are no features
_NO_FEATURES = ("customer_id", "as_of", "churned")


@dataclass(frozen=True)
class Panel:
    """What can be learned from, and who is to be scored.

    Parameters
    ----------
    frame : DataFrame
        One row a customer and date: ``customer_id``, ``as_of``, the features, ``churned`` (0 or 1).
    features : tuple of str
        Columns to learn from.
    asked : tuple of str
        Features that are facts of the extract without a date and must not be learned from; the leak detector looks at
        them all the same.
    left_out : dict of str to str
        Features left out, with the reason.
    now : DataFrame
        The same features of the customers to be scored, indexed by ``customer_id``.
    not_scored : Series of str
        Customers of today who are not in question, with the reason.
    definition : Definition
    audit : DataFrame
        One row a date: ``as_of``, ``customers_count``, a column a reason for being left out, ``n``, ``left_count``.
    why : str
        Why nothing can be learned from it; empty when something can.
    is_dated : bool
        Several dates; False for a flat file without time.
    """

    frame: pd.DataFrame
    features: tuple[str, ...]
    asked: tuple[str, ...]
    left_out: dict[str, str]
    now: pd.DataFrame
    not_scored: pd.Series
    definition: Definition
    audit: pd.DataFrame
    why: str
    is_dated: bool = True
    notes: tuple[str, ...] = field(default=())

    @property
    def events_count(self) -> int:
        """Rows in which the event happened."""
        return int(self.frame["churned"].sum()) if len(self.frame) else 0

    @property
    def dates(self) -> list[pd.Timestamp]:
        """Dates of the rows, in order."""
        return sorted(self.frame["as_of"].unique()) if len(self.frame) else []

    @property
    def said(self) -> str:
        """Rows, dates, events and windows, in a sentence."""
        if not len(self.frame):
            return "There is no row to learn from."
        customers = self.frame["customer_id"].nunique()
        rows = f"{len(self.frame):,} rows of {customers:,} customers"
        if not self.is_dated:
            return f"{rows} of one file without dates; {self.events_count:,} {self.definition.verb}."
        first, last = (pd.Timestamp(day).date() for day in (self.dates[0], self.dates[-1]))
        months = self.definition.outcome_months
        dates = f"{len(self.dates)} date{'s' if len(self.dates) > 1 else ''}"
        when = f"{dates} from {first} to {last}"
        if months:
            when = f"{when}, each followed for {months} month{'s' if months > 1 else ''}"
        return (
            f"{rows} at {when}; {self.events_count:,} {self.definition.verb} "
            f"({100 * self.frame['churned'].mean():.2f} %)."
        )


def is_flat(bank: Bank) -> bool:
    """Whether the bank has only a flat file with a label."""
    return "snapshot" in bank.tables and not any(table in bank.tables for table in _EVENT_TABLES)


def training_dates(bank: Bank, definition: Closing | Silent | ValueLoss, *, most: int = _MOST_DATES) -> list[dt.date]:
    """Choose dates whose outcome windows are over and do not overlap, the latest first reached back from the last day.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    definition : Closing, Silent or ValueLoss
        Its window is the stride.
    most : int
        Dates at most.

    Returns
    -------
    list of date
        In order. A year of history lies before the first where the bank has two dates or more of that kind; else at
        least three months.

    Notes
    -----
    Two rows of a customer never count the same event: a departure lies in one window only.
    """
    last, begins = bank.date or bank.report_on, seen_from(bank)
    found: list[dt.date] = []
    k = 0
    while len(found) < most:
        day = add_months(last, -(definition.gap_months + (k + 1) * definition.outcome_months))
        if day < add_months(begins, _LEAST_HISTORY):
            break
        found.append(day)
        k += 1
    full = [day for day in found if day >= add_months(begins, _HISTORY_MONTHS - 1)]
    return sorted(full if len(full) >= 2 else found)


def panel_on(
    bank: Bank, definition: Definition, *, dates: Sequence[object] | None = None, memory: Memory | None = None
) -> Panel:
    """Make the training table and the table of customers to be scored.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    definition : Definition
        A `FileLabel` for a flat bank.
    dates : sequence of date, optional
        Training dates; None: `training_dates`.
    memory : Memory, optional
        What was read of this bank before.

    Returns
    -------
    Panel

    Notes
    -----
    Features are those of `crmlab.snapshots.snapshot` as of each date, chosen in `crmlab.churn.reason_words`. Facts of
    the customers table carry no date and are those of the extract: a branch or a consent may have been overwritten when
    the customer left, so they are not learned from. Gender and region are there to judge groups by.
    """
    if is_flat(bank) or isinstance(definition, FileLabel):
        return flat_panel(bank, definition if isinstance(definition, FileLabel) else FileLabel())
    missing = lacking(bank, definition)
    if missing:
        return _nothing(bank, definition, f"{definition.name} needs {missing}; this bank has none")
    memory = memory or Memory(bank)
    today = bank.date or bank.report_on
    chosen = training_dates(bank, definition) if dates is None else [pd.Timestamp(d).date() for d in dates]
    wanted = [*REASONS, *UNDATED]
    seen = snapshot(bank, [*chosen, today], wanted)
    why_not = eligible(bank, today, definition, memory)
    here = seen[seen["as_of"] == pd.Timestamp(today)]
    now = here[here.index.isin(why_not.index[why_not == ""])].drop(columns="as_of")
    labelled = label_dates(bank, chosen, definition, memory) if chosen else []
    parts = []
    for one in labelled:
        rows = seen[(seen["as_of"] == pd.Timestamp(one.as_of)) & seen.index.isin(one.frame.index)]
        parts.append(rows.assign(churned=one.churned.reindex(rows.index).astype("int8")).reset_index())
    empty = seen.iloc[:0].assign(churned=pd.Series(dtype="int8")).reset_index()
    frame = pd.concat(parts, ignore_index=True) if parts else empty
    features, left_out = _features(frame if len(frame) else now, list(REASONS))
    left_out |= dict.fromkeys((c for c in UNDATED if c in seen), "of the extract, not of the date")
    return Panel(
        frame,
        features,
        tuple(c for c in UNDATED if c in seen),
        left_out,
        now,
        why_not[why_not != ""],
        definition,
        _audit(labelled),
        _too_little(frame, f"no date has a full outcome window of {definition.outcome_months} months after it"),
        notes=() if len(chosen) > 1 else ("Only one date can be learned from: nothing can be judged out of time.",),
    )


def flat_panel(bank: Bank, definition: FileLabel) -> Panel:
    """Make the training table of a flat bank: the rows of its file, at the file's own dates.

    Parameters
    ----------
    bank : Bank
        With table ``snapshot``.
    definition : FileLabel
    """
    rows = bank.frame("snapshot")
    if "churned" not in rows or rows["churned"].isna().all():
        return _nothing(bank, definition, "the file has no label (snapshot.churned)")
    if "gender" not in rows and "customers" in bank.tables and "gender" in bank.columns("customers"):
        rows = rows.merge(bank.frame("customers", ["customer_id", "gender"]), on="customer_id", how="left")
    rows = rows.rename(columns={"snapshot_on": "as_of"}).sort_values(["as_of", "customer_id"], ignore_index=True)
    rows["as_of"] = pd.to_datetime(rows["as_of"])
    rows = rows.assign(**{name: rows[name].astype("float64") for name in rows if str(rows[name].dtype) == "boolean"})
    unlabelled = rows["churned"].isna()
    frame = rows[~unlabelled].assign(churned=rows.loc[~unlabelled, "churned"].astype("int8")).reset_index(drop=True)
    features, left_out = _features(frame, [name for name in frame if name not in _NO_FEATURES])
    scored = rows[unlabelled] if unlabelled.any() else frame[frame["as_of"] == frame["as_of"].max()]
    now = scored.drop(columns=["as_of", "churned"]).drop_duplicates("customer_id").set_index("customer_id")
    counts = frame.groupby("as_of")["churned"].agg(n="size", left_count="sum").reset_index()
    dated = frame["as_of"].nunique() > 1
    audit = counts.assign(customers_count=counts["n"])[["as_of", "customers_count", "n", "left_count"]]
    return Panel(frame, features, (), left_out, now, pd.Series(dtype="str"), definition, audit.tail(24),
                 _too_little(frame, "the file has no row with a label"), is_dated=dated)  # fmt: skip


def _features(frame: pd.DataFrame, wanted: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Take the columns there are that vary; say why the others are left out."""
    found, left_out = [], {}
    for name in wanted:
        if name not in frame:
            left_out[name] = "this bank has none"
        elif frame[name].isna().all():
            left_out[name] = "empty in every row"
        elif frame[name].nunique(dropna=False) < 2 and len(frame) > 1:
            left_out[name] = "the same in every row"
        else:
            found.append(name)
    return tuple(found), left_out


def _too_little(frame: pd.DataFrame, none: str) -> str:
    """Say why nothing can be learned; empty when something can."""
    n, events = len(frame), int(frame["churned"].sum()) if len(frame) else 0
    if n == 0:
        return none
    if events == 0:
        return f"none of {n:,} rows has the event"
    if events == n:
        return f"all of {n:,} rows have the event"
    if n < _FEWEST_ROWS or min(events, n - events) < _FEWEST_EVENTS:
        return f"only {min(events, n - events):,} of {n:,} rows are of the rarer kind; {_FEWEST_EVENTS} are needed"
    return ""


def _nothing(bank: Bank, definition: Definition, why: str) -> Panel:
    frame = pd.DataFrame({"customer_id": pd.Series(dtype="str"), "as_of": pd.Series(dtype="datetime64[us]"),
                          "churned": pd.Series(dtype="int8")})  # fmt: skip
    return Panel(frame, (), (), {}, pd.DataFrame(index=pd.Index([], name="customer_id", dtype="str")),
                 pd.Series(dtype="str"), definition, _audit([]), why)  # fmt: skip


def _audit(labelled: Sequence[object]) -> pd.DataFrame:
    """One row a date: all customers, who was left out and why, who is in question, who left."""
    rows = []
    for one in labelled:
        counts = one.excluded.value_counts()
        rows.append({"as_of": pd.Timestamp(one.as_of), "customers_count": len(one.frame) + len(one.excluded),
                     **{name: int(count) for name, count in counts.items()}, "n": len(one.frame),
                     "left_count": int(one.churned.sum())})  # fmt: skip
    frame = pd.DataFrame(rows, columns=None if rows else ["as_of", "customers_count", "n", "left_count"])
    reasons = [name for name in frame if name not in ("as_of", "customers_count", "n", "left_count")]
    order = ["as_of", "customers_count", *reasons, "n", "left_count"]
    return frame[order].fillna(dict.fromkeys(reasons, 0)).astype(dict.fromkeys(reasons, "int64"))
