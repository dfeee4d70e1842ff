"""Does a column of the customers table know who has left?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.bank.tables import CONTRACT
from crmlab.stats import Evidence, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["leaks"]

# A fact that was there before the decision to leave does not multiply the odds by so much (assumed; the strongest fact
# of simulated banks reaches 2). A fact written because of the leaving does.
_STRONGEST_CAUSE = 5.0
_SETTLED_MONTHS = 6  # customers known for so long at the day of the report
_FEWEST = 10  # customers with a value: fewer are not shown on a page
_FEWEST_GONE = 10
_MOST_VALUES = 60  # a column with more values is a name or a number, not a fact to compare
_FIXED = {"customer_id", "previous_customer_id"}


def leaks(bank: Bank, *, false_alarm_rate: float = 0.05) -> Evidence:
    """Find facts without a date that were written because a customer left.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    false_alarm_rate : float
        Chance of at least one alarm over all columns and values when no fact multiplies the odds of having left by
        more than 5.

    Returns
    -------
    Evidence
        Frame, strongest first: ``column``, ``value``, ``gone_share`` and ``present_share`` (share of former and of
        present customers with the value), ``odds_ratio`` and ``at_least`` (its lower limit, corrected for all looks),
        ``customers_count``, ``is_alarm``.

    Notes
    -----
    A column that carries no date is shown as it is today in the view of any earlier day. If it is overwritten when
    somebody leaves (the branch becomes the archive, consents become false, a cell is emptied), it tells every model
    the answer. Such a value separates the two groups far more sharply than any cause: each value's odds ratio between
    former and present customers, of those who joined six months ago or earlier, is held against 5, one-sided on the
    logarithm with half a customer added to each cell (Haldane 1956, Annals of Human Genetics 20; Woolf 1955, same
    journal 19), Bonferroni over values. Amounts and numbers are compared as empty, zero or filled. Birth dates and
    facts with a date of their own are left out: the as-of view treats them rightly.
    """
    names = ["column", "value", "gone_share", "present_share", "odds_ratio", "at_least", "customers_count", "is_alarm"]
    nothing = Evidence(
        pd.DataFrame({name: [] for name in names}), "", "", "Whether a column knows who has left cannot be told."
    )
    if not bank.has("customers.left_on"):
        return nothing
    columns = [
        c
        for c in CONTRACT["customers"].columns
        if c.name in bank.columns("customers") and c.name not in _FIXED and c.revealed_by is None and c.kind != "date"
    ]
    day = bank.date or bank.last_on
    who = f"joined_on <= date '{day}' - interval {_SETTLED_MONTHS} month"
    gone, present = bank.sql(f"select count(left_on), count(*) - count(left_on) from customers where {who}").fetchall()[
        0
    ]
    if not columns or gone < _FEWEST_GONE or present < _FEWEST_GONE:
        return nothing
    counts = [row for c in columns for row in _counts(bank, c.name, c.kind, who)]
    frame = pd.DataFrame(counts, columns=["column", "value", "gone", "present"])
    frame = frame[frame["gone"] + frame["present"] >= _FEWEST].reset_index(drop=True)
    a, b = frame["gone"].to_numpy(float) + 0.5, frame["present"].to_numpy(float) + 0.5
    c, d = gone - frame["gone"].to_numpy(float) + 0.5, present - frame["present"].to_numpy(float) + 0.5
    ratio, spread = np.log(a * d / (b * c)), np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    lowest = np.exp(ratio - norm.isf(false_alarm_rate / max(len(frame), 1)) * spread)
    frame = frame.assign(
        gone_share=frame["gone"] / gone,
        present_share=frame["present"] / present,
        odds_ratio=np.exp(ratio),
        at_least=lowest,
        customers_count=frame["gone"] + frame["present"],
        is_alarm=lowest > _STRONGEST_CAUSE,
    )
    frame = frame.sort_values(["at_least", "column"], ascending=[False, True], kind="stable")[names]
    frame = frame.reset_index(drop=True)
    odd = frame[frame["is_alarm"]]
    said = f"None of {len(columns)} undated columns tells former from present customers better than a cause could."
    if len(odd):
        first = odd.iloc[0]
        said = (
            f"{', '.join(odd['column'].unique())} know{'' if odd['column'].nunique() > 1 else 's'} who has left: "
            f"{_named(first)} stands at {share_text(first['gone_share'])} of former and "
            f"{share_text(first['present_share'])} of present customers."
        )
    return Evidence(
        frame,
        title=f"{odd['column'].nunique()} of {len(columns)} undated columns know who has left",
        about=f"Odds ratio of each value between {gone:,} former and {present:,} present customers; lower limit over "
        f"all values with at most {100 * false_alarm_rate:.1f} % chance of a false alarm",
        reading=said,
    )


def _counts(bank: Bank, column: str, kind: str, who: str) -> list[tuple[str, str, int, int]]:
    value = f'"{column}"::varchar'
    if kind not in ("word", "text", "flag"):
        value = f"""case when "{column}" = 0 then 'zero' else 'filled' end"""
    found = bank.sql(
        f"""select case when "{column}" is null then '(empty)' else {value} end as value, count(left_on),
            count(*) - count(left_on) from customers where {who} group by 1 order by count(*) desc, 1
            limit {_MOST_VALUES + 1}"""
    ).fetchall()
    if len(found) > _MOST_VALUES:
        found = [row for row in found if row[0] == "(empty)"]
    return [(column, *row) for row in found] if len(found) > 1 else []


def _named(row: pd.Series) -> str:
    return f"an empty {row['column']}" if row["value"] == "(empty)" else f"{row['value']!r} in {row['column']}"
