"""Drift by month: volumes, amounts and missing values of each table, with alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.bank.tables import CONTRACT
from crmlab.customer_base.movement import month_starts
from crmlab.stats import Evidence, out_of_line, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["drift"]

# Months after the first row of a table in which no alarm is raised: a bank that begins is out of line with itself.
_SETTLING = 3
_SMALLEST_STEP = 0.25  # in logarithms: a change by a quarter; a smaller one is rare perhaps, but no defect
_YEAR_END_STEP = 0.4  # into December or January; card use rises by a quarter in December and falls by a third after
# table -> (column with the customer or account, amount whose median is followed, column whose gaps are followed)
_FOLLOWED = {
    "transactions": ("amount", "channel"),
    "balances": ("balance_amount", None),
    "interactions": (None, "channel"),
    "digital_events": (None, "channel"),
    "customers": (None, "birth_on"),
}


def drift(bank: Bank, *, months: int = 24, false_alarm_rate: float = 0.05) -> Evidence:
    """Follow rows, amounts and gaps of each table month by month, and mark months out of line.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    months : int
        Whole months to look back; fewer than 9 give no alarm.
    false_alarm_rate : float
        Chance of at least one alarm over all tables and months when nothing is wrong.

    Returns
    -------
    Evidence
        Frame: ``table``, ``is_amount``, ``series``, ``unit``, ``month``, ``value``, ``is_alarm``,
        ``p_value``. Volumes are rows per 1,000 customers of the month, so that growth of the bank is not drift; amounts
        are medians of absolute values.

    Notes
    -----
    The alarm rule is `crmlab.stats.out_of_line` on logarithms (shares: log-odds), for steps of a quarter or more. The
    first three months of a table raise no alarm, nor do they set the limits: a bank that begins is out of line with
    itself. Nor does a step into December or January of less than two fifths where the same step of another year is not
    in the series: every bank has its Christmas, and one Christmas cannot show that it comes each year.
    """
    starts = month_starts(bank, months)
    parts, scaled = [], {}
    for name, (amount, gap) in _FOLLOWED.items():
        on = CONTRACT[name].known_on
        if name not in bank.tables or not len(starts) or not bank.has(name):
            continue
        found = _monthly(bank, name, on, amount, gap, starts)
        settled = found.index >= _first_month(bank, name, on) + pd.offsets.MonthBegin(_SETTLING)
        words = name.replace("_", " ")
        volume = found["rows"] / found["customers"].where(found["customers"] > 0) * 1_000
        label = "customers who joined" if name == "customers" else words
        parts.append(_part(name, f"{label} per 1,000 customers", "count", volume))
        scaled[parts[-1]["series"].iloc[0]] = np.log(volume.where(settled & (volume > 0)))
        if amount:
            typical = found["typical_amount"].astype(float)
            parts.append(
                _part(
                    name,
                    "median balance" if name == "balances" else "median transaction",
                    bank.currency,
                    typical,
                    is_amount=True,
                )
            )
            scaled[parts[-1]["series"].iloc[0]] = np.log(typical.where(settled & (typical > 0)))
        if gap and gap in bank.columns(name) and found["empty"].sum() > 0:
            share = found["empty"] / found["rows"].where(found["rows"] > 0)
            parts.append(_part(name, f"{words} that lack {gap.removesuffix('_on').replace('_', ' ')}", "share", share))
            half = (found["empty"] + 0.5) / (found["rows"] + 1.0)
            scaled[parts[-1]["series"].iloc[0]] = np.log(half / (1 - half)).where(settled)
    if not parts:
        return Evidence(pd.DataFrame(), "", "", "No table has a whole month of rows.")
    frame = pd.concat(parts, ignore_index=True)
    found = out_of_line(scaled, false_alarm_rate=false_alarm_rate, smallest_step=_SMALLEST_STEP)
    found = found.assign(is_alarm=found["is_alarm"] & ~_is_year_end(found))
    frame = frame.merge(found[["series", "month", "p_value", "is_alarm"]], on=["series", "month"], how="left")
    frame = frame.assign(is_alarm=frame["is_alarm"].astype("boolean").fillna(False).astype(bool))
    odd = frame[frame["is_alarm"]].sort_values("p_value", kind="stable")
    looks, followed = len(found), found["series"].nunique()
    where = ", ".join(f"{row.series} in {row.month:%B %Y}" for row in odd.head(3).itertuples())
    if not looks:
        said = f"{len(starts)} whole months are too few to tell a month out of line; 9 are needed."
    elif len(odd):
        more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
        said = f"{len(odd)} of {looks} months and series step out of line: {where}{more}."
    else:
        said = f"None of {looks} months in {followed} series steps out of line."
    return Evidence(
        frame,
        title=f"{len(odd)} of {looks} monthly steps are out of line" if looks else "Too few months to judge",
        about=f"Monthly value of each series, {len(starts)} whole months; dot: alarm, at most "
        f"{share_text(false_alarm_rate)} chance of any false one",
        reading=said,
    )


def _is_year_end(found: pd.DataFrame) -> pd.Series:
    """Tell which steps are those of a year's end that the series shows only once, and not larger than usual."""
    month = pd.to_datetime(found["month"])
    times = month.groupby([found["series"], month.dt.month]).transform("size")
    return month.dt.month.isin([12, 1]) & (times < 2) & (found["step"].abs() < _YEAR_END_STEP)


def _first_month(bank: Bank, name: str, on: str) -> pd.Timestamp:
    return pd.Timestamp(bank.sql(f"select min({on})::date from {name}").fetchall()[0][0]).replace(day=1)


def _monthly(
    bank: Bank, name: str, on: str, amount: str | None, gap: str | None, starts: pd.DatetimeIndex
) -> pd.DataFrame:
    typical = f"quantile_cont(abs({amount}), 0.5)" if amount else "null::double"
    empty = f"count(*) - count({gap})" if gap and gap in bank.columns(name) else "0"
    until = (starts[-1] + pd.offsets.MonthBegin()).date()
    counted = bank.to_frame(
        bank.sql(
            f"select date_trunc('month', {on})::timestamp as month, count(*) as rows, {typical} as typical_amount,"
            f" {empty} as empty from {name}"
            f" where {on} >= date '{starts[0].date()}' and {on} < date '{until}' group by 1"
        )
    ).set_index("month")
    counted = counted.reindex(starts)
    if "customers" not in bank.tables:
        return counted.assign(customers=1_000.0)
    left_on = "left_on" if "left_on" in bank.columns("customers") else "NULL::DATE"
    days = ", ".join(f"(date '{start.date()}')" for start in starts + pd.offsets.MonthBegin())
    there = bank.sql(
        f"with ends(day) as (values {days}) select day, count(*) as n from ends, customers"
        f" where joined_on < day and ({left_on} is null or {left_on} >= day) group by day order by day"
    ).df()
    known = pd.Series(there["n"].to_numpy(float), index=pd.DatetimeIndex(there["day"]) - pd.offsets.MonthBegin())
    return counted.assign(
        rows=counted["rows"].fillna(0), empty=counted["empty"].fillna(0), customers=known.reindex(starts)
    )


def _part(table: str, series: str, unit: str, values: pd.Series, *, is_amount: bool = False) -> pd.DataFrame:
    name = series[:1].upper() + series[1:]
    rows = {"series": name, "unit": unit, "month": values.index, "value": values.to_numpy(float)}
    return pd.DataFrame(rows).assign(table=table, is_amount=is_amount)
