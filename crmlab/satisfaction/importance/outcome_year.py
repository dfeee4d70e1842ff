"""What became of those who answered: index, what was known of them, and the twelve months after each wave."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.errors import refuse
from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.satisfaction.survey.answers import Answers
from crmlab.snapshots import snapshot
from crmlab.snapshots.dates import add_months
from crmlab.snapshots.outcome import label, outcome_window

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["CONTROLS", "OutcomeYear", "outcome_year"]

_MONTHS = 12
_YEAR_DAYS = 365.25
_FEWEST_DAYS = 90.0  # a margin seen for less is put on a year as if it were of so many days
_LARGEST_SHARE = 0.99  # margins above this quantile are set to it: a few giants must not decide
_FEATURES = ("age_years", "tenure_days", "products_count", "margin_12m_amount")
CONTROLS = ("age_years", "tenure_years", "products_count")


@dataclass(frozen=True)
class OutcomeYear:
    """Responses of the waves that a full outcome year has followed.

    Parameters
    ----------
    frame : DataFrame
        One row a response of a customer still there on the wave's last day: ``customer_id``, ``wave``, ``weight``,
        ``score`` (index, 0 to 100), the controls there are, ``left`` (0 or 1 within 12 months); where margins are known
        ``value_amount`` (a year's margin before the wave's last day, at stake) and, with the largest hundredth drawn
        in, ``margin_before_amount`` and ``margin_after_amount`` (not known for leavers).
    controls : tuple of str
        Columns of `CONTROLS` that this bank has and that vary, and ``wave`` where there are several.
    waves : tuple of str
        Waves used.
    said : str
        Waves, responses, window and what is not known.
    """

    frame: pd.DataFrame
    controls: tuple[str, ...]
    waves: tuple[str, ...]
    said: str

    @property
    def has_margin(self) -> bool:
        """Whether margins before are known."""
        return "value_amount" in self.frame

    @property
    def stayed(self) -> pd.DataFrame:
        """Who stayed."""
        return self.frame[self.frame["left"] == 0]


def outcome_year(
    bank: Bank, answers: Answers, frame: pd.DataFrame, index: SatisfactionIndex, target: str
) -> OutcomeYear:
    """Put the index of each response beside what happened to the customer in the year after the wave.

    Parameters
    ----------
    bank : Bank
        As of a date; outcomes after it are not seen.
    answers : Answers
        As read.
    frame : DataFrame
        The same with weights, one row a response (`Study.frame`).
    index : SatisfactionIndex
        Fitted; it has the construct `target`.
    target : str
        Construct whose index is the score.

    Raises
    ------
    CrmlabError
        No wave has a full outcome year, or the bank does not know who left.

    Notes
    -----
    Observation ends on the last day on which the wave was answered; the twelve months begin the day after. Who left by
    then is not in it. Where the bank records reasons, only leaving by the customer's own choice counts; others who left
    (death, the bank's own decision) are left out. Where the bank's balances, or the customer, go back less than a year,
    the margin seen is put on a year in proportion to the days (at least 90).
    """
    last = bank.date or bank.report_on
    ends = {wave: answers.of(wave)["answered_on"].max().date() for wave in answers.waves}
    known = {wave: day for wave, day in ends.items() if outcome_window(day, 0, _MONTHS).end <= last}
    if not known:
        first = min(ends.values())
        refuse(
            f"outcome year: no wave was followed by {_MONTHS} months; the first ended on {first}, the bank ends on "
            f"{last}. Wait until {outcome_window(first, 0, _MONTHS).end}."
        )
    scores = index.score(frame)[target]
    parts = [_followed(bank, frame[frame["wave"] == wave], scores, day) for wave, day in known.items()]
    joined = _drawn_in(pd.concat(parts, ignore_index=True))
    controls = [name for name in CONTROLS if name in joined and joined[name].nunique() > 1]
    if len(known) > 1:
        controls.append("wave")
    lacking = [name for name in CONTROLS if name not in controls]
    left = int(joined["left"].sum())
    said = (
        f"{len(joined):,} responses of {', '.join(known)} have a full year after them, in which {left:,} of the "
        "customers left by their own choice."
    )
    if lacking:
        said += " " + f"Not known or the same for all, so not controlled for: {', '.join(map(_words, lacking))}."
    return OutcomeYear(joined, tuple(controls), tuple(known), said)


def _followed(bank: Bank, rows: pd.DataFrame, scores: pd.Series, day: dt.date) -> pd.DataFrame:
    """Responses of one wave with what was known on its last day, and what happened in the year after."""
    there = snapshot(bank, day, list(_FEATURES))
    reasons = ["customer"] if "left_reason" in bank.columns("customers") else None
    left = label(bank, day, event="left", outcome_months=_MONTHS, reasons=reasons)
    after = snapshot(bank, add_months(day, _MONTHS), ["margin_12m_amount"])
    rows = rows[rows["customer_id"].isin(left.index)]
    who = rows["customer_id"]
    found = pd.DataFrame({
        "customer_id": who, "wave": rows["wave"].astype("str"), "weight": rows["weight"], "score": scores[rows.index],
        "left": who.map(left).astype("float64"),
    })  # fmt: skip
    for name in ("age_years", "products_count"):
        if name in there:
            found[name] = who.map(there[name]).astype("float64")
    if "tenure_days" in there:
        found["tenure_years"] = who.map(there["tenure_days"]).astype("float64") / 365.2425
    if "margin_12m_amount" in there and "margin_12m_amount" in after:
        seen = pd.Series(_days_known(bank, day), index=found.index)
        if "tenure_years" in found:
            seen = seen.clip(upper=found["tenure_years"] * _YEAR_DAYS)
        found["value_amount"] = who.map(there["margin_12m_amount"]).astype("float64")
        found["value_amount"] *= _YEAR_DAYS / seen.clip(_FEWEST_DAYS, _YEAR_DAYS)
        found["margin_after_amount"] = who.map(after["margin_12m_amount"]).astype("float64").where(found["left"] == 0)
    return found[found["weight"] > 0]


def _days_known(bank: Bank, day: dt.date) -> float:
    """Days before a day for which balances are known, at most a year."""
    rows = bank.sql("select min(balance_on) from balances").fetchall() if bank.has("balances") else [(None,)]
    first = rows[0][0]
    if first is None:
        return _YEAR_DAYS
    return min(_YEAR_DAYS, float((day - pd.Timestamp(first).date().replace(day=1)).days + 1))


def _drawn_in(joined: pd.DataFrame) -> pd.DataFrame:
    """Add the margin before, and draw in the largest of both margins."""
    if "value_amount" not in joined:
        return joined
    joined = joined.assign(margin_before_amount=joined["value_amount"])
    for name in ("margin_before_amount", "margin_after_amount"):
        joined[name] = joined[name].clip(upper=joined[name].quantile(_LARGEST_SHARE))
    return joined


def _words(name: str) -> str:
    return name.removesuffix("_amount").removesuffix("_count").removesuffix("_years").replace("_", " ")
