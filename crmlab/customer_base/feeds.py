"""The feeds behind a table: does one of them change its unit, or its codes of channels, from one month to the next?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.bank.tables import CONTRACT
from crmlab.customer_base.movement import month_starts
from crmlab.stats import Evidence, out_of_line, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["coding", "units"]

_SETTLING = 3  # months: a bank that begins is out of line with itself
_FEWEST = 15  # rows of a feed in a month: a median of fewer says little
_SMALLEST_FACTOR = 20.0  # no price rises so much in a month; the units in use differ by 100 or 1,000
_SMALLEST_ODDS = 3.0  # the odds of a channel three times as high or low as a month before
_SMALLEST_SHARE = 0.02
_SMALLEST_MOVE = 0.03  # of all rows: a channel that begins small is news, not a code
# table -> (amount, kind of row: one system books one kind)
_AMOUNTS = {
    "transactions": ("amount", "kind"),
    "balances": ("balance_amount", None),
    "opportunities": ("expected_amount", None),
    "contacts": ("cost_amount", "channel"),
    "loyalty_points": ("points_count", "kind"),
}
_CODED = ("transactions", "interactions", "digital_events")  # where a campaign does not choose the channel


def units(bank: Bank, *, months: int = 24, false_alarm_rate: float = 0.05) -> Evidence:
    """Find feeds whose typical amount jumps as if the unit had changed.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    months : int
        Whole months to look back; fewer than 9 give no alarm.
    false_alarm_rate : float
        Chance of at least one alarm over all feeds and months when nothing is wrong.

    Returns
    -------
    Evidence
        Frame, one row an alarm: ``table``, ``column``, ``feed`` (kind of row; empty for the whole table), ``month``,
        ``factor`` (typical amount over that of the month before), ``p_value``.

    Notes
    -----
    Typical: the median of absolute amounts of a month, by kind of row, where there are 15 rows or more. An alarm is a
    step that is out of line with all others of its feed (`crmlab.stats.out_of_line`) and by a factor of 20 or more: the
    median of the whole table may move little when one small feed changes.
    """
    starts = month_starts(bank, months)
    series: dict[tuple[str, str, str], pd.Series] = {}
    for name, (amount, kind) in _AMOUNTS.items():
        if not len(starts) or not bank.has(name, f"{name}.{amount}"):
            continue
        feed = f"coalesce({kind}::varchar, '')" if kind and kind in bank.columns(name) else "''"
        found = _by_month(bank, name, starts, feed, f"quantile_cont(abs({amount}), 0.5)", f"{amount} <> 0")
        found = found[(found["n"] >= _FEWEST) & (found["value"] > 0)]
        for label, rows in found.groupby("label", sort=True):
            series[name, amount, label] = np.log(rows.set_index("month")["value"].astype(float)).reindex(starts)
    steps = out_of_line(
        {str(place): values for place, values in enumerate(series.values())},
        false_alarm_rate=false_alarm_rate, smallest_step=float(np.log(_SMALLEST_FACTOR)),
    )  # fmt: skip
    odd = steps[steps["is_alarm"]]
    where = [list(series)[int(place)] for place in odd["series"]]
    frame = pd.DataFrame(where, columns=["table", "column", "feed"]).assign(
        month=pd.to_datetime(odd["month"].to_numpy()), factor=np.exp(odd["step"].to_numpy(float)),
        p_value=odd["p_value"].to_numpy(float),
    )  # fmt: skip
    told = "; ".join(_told(row) for row in frame.head(3).itertuples())
    return Evidence(
        frame,
        title=f"{len(frame)} feeds change their unit" if len(frame) else "No feed changes its unit",
        about=f"Median amount of {len(series)} feeds by month",
        reading=f"{told}." if told else f"The typical amount of none of {len(series)} feeds jumps by a factor of 20.",
    )


def _told(row: object) -> str:
    feed = f" of kind {row.feed}" if row.feed else ""
    times = f"{row.factor:,.0f} times" if row.factor > 1 else f"1/{1 / row.factor:,.0f} of"
    return f"{row.table}{feed}: the typical amount of {row.month:%B %Y} is {times} that of the month before"


def coding(bank: Bank, *, months: int = 24, false_alarm_rate: float = 0.05) -> Evidence:
    """Find channels whose share of a table's rows jumps, as when another system codes them.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    months : int
        Whole months to look back; fewer than 9 give no alarm.
    false_alarm_rate : float
        Chance of at least one alarm over all tables, channels and months when nothing is wrong.

    Returns
    -------
    Evidence
        Frame, one row an alarm: ``table``, ``channel``, ``month``, ``share_before``, ``share``, ``p_value``.

    Notes
    -----
    Shares of the rows that customers start, as log-odds with half a row added; channels with 2 % or more of the
    months shown. An alarm is a step out of line with all others (`crmlab.stats.out_of_line`), and further than chance
    takes so few rows (two-sided test of two shares, same correction), by which the odds at least
    triple or fall to a third, and which moves 3 % of the table's rows; customers change their habits more slowly.
    """
    starts = month_starts(bank, months)
    series: dict[tuple[str, str], pd.Series] = {}
    shares: dict[tuple[str, str], pd.Series] = {}
    noise: dict[tuple[str, str], pd.Series] = {}
    for name in _CODED:
        if not len(starts) or not bank.has(name, f"{name}.channel"):
            continue
        own = "is_customer_initiated" if "is_customer_initiated" in bank.columns(name) else "true"
        found = _by_month(bank, name, starts, "coalesce(channel::varchar, '')", "0", own)
        counts = found.pivot(index="month", columns="label", values="n").reindex(starts).astype(float)
        counts = counts[counts.sum(axis=1) > 0].fillna(0.0)
        settled = counts.index >= _first_month(bank, name) + pd.offsets.MonthBegin(_SETTLING)
        total = counts.sum(axis=1)
        for label in counts.columns[(counts.sum() >= _SMALLEST_SHARE * total.sum()).to_numpy()]:
            share = (counts[label] + 0.5) / (total + 1.0)
            shares[name, label] = counts[label] / total
            noise[name, label] = _noise(counts[label], total)
            series[name, label] = np.log(share / (1 - share)).where(settled)
    steps = out_of_line(
        {str(place): values for place, values in enumerate(series.values())},
        false_alarm_rate=false_alarm_rate, smallest_step=float(np.log(_SMALLEST_ODDS)),
    )  # fmt: skip
    keys = list(series)
    moves = [abs(shares[keys[int(row.series)]].diff().get(row.month, 0.0)) for row in steps.itertuples()]
    chance = [noise[keys[int(row.series)]].get(row.month, 1.0) * len(steps) for row in steps.itertuples()]
    is_large = (np.array(moves, dtype=float) >= _SMALLEST_MOVE) & (np.array(chance, dtype=float) < false_alarm_rate)
    odd = steps[steps["is_alarm"] & is_large]
    where = [keys[int(place)] for place in odd["series"]]
    before = [shares[key].shift().get(month, np.nan) for key, month in zip(where, odd["month"], strict=True)]
    now = [shares[key].get(month, np.nan) for key, month in zip(where, odd["month"], strict=True)]
    frame = pd.DataFrame(where, columns=["table", "channel"]).assign(
        month=pd.to_datetime(odd["month"].to_numpy()), share_before=np.array(before, float), share=np.array(now, float),
        p_value=odd["p_value"].to_numpy(float),
    )  # fmt: skip
    told = "; ".join(
        f"{row.table} by {row.channel or 'no channel'} go from {share_text(row.share_before)} to "
        f"{share_text(row.share)} in {row.month:%B %Y}"
        for row in frame.head(3).itertuples()
    )
    return Evidence(
        frame,
        title=f"{len(frame)} channels jump" if len(frame) else "No channel jumps",
        about=f"Share of {len(series)} channels by month",
        reading=f"{told}."
        if told
        else f"The share of none of {len(series)} channels jumps from one month to the next.",
    )


def _noise(rows: pd.Series, total: pd.Series) -> pd.Series:
    """Chance of a difference as large between the shares of a month and of the month before."""
    pooled = (rows + rows.shift()) / (total + total.shift())
    error = np.sqrt(pooled * (1 - pooled) * (1 / total + 1 / total.shift()))
    apart = (rows / total).diff().abs()
    return pd.Series(2 * norm.sf((apart / error.where(error > 0)).fillna(0.0).to_numpy(float)), index=rows.index)


def _by_month(bank: Bank, name: str, starts: pd.DatetimeIndex, label: str, value: str, condition: str) -> pd.DataFrame:
    on = CONTRACT[name].known_on
    until = (starts[-1] + pd.offsets.MonthBegin()).date()
    return bank.sql(
        f"select date_trunc('month', {on})::timestamp as month, {label} as label, {value} as value, count(*) as n"
        f" from {name} where {on} >= date '{starts[0].date()}' and {on} < date '{until}' and {condition}"
        " group by 1, 2 order by 1, 2"
    ).df()


def _first_month(bank: Bank, name: str) -> pd.Timestamp:
    first = bank.sql(f"select min({CONTRACT[name].known_on})::date from {name}").fetchall()[0][0]
    return pd.Timestamp(first).replace(day=1)
