"""Can the data be trusted: coverage, missing values, staleness, rows set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import gammaln

from crmlab.bank.tables import CONTRACT
from crmlab.stats import Estimate, Evidence, count_text, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["coverage", "missing", "months_covered", "set_aside"]

# A table whose rows come in a rhythm is stale when nothing came for so many times its longest pause of a year.
_PATIENCE = 1.5
_STEADY = 0.25  # standard deviation of the pauses over their mean; by chance alone it is 1
_REGISTERS = ("measures",)  # a row is entered when something begins, in no rhythm
# What kind of row it is: a column need not apply to each kind.
_KIND_OF_ROW = {
    "accounts": "product_id",
    "transactions": "kind",
    "interactions": "kind",
    "digital_events": "kind",
    "surveys": "item",
    "campaigns": "goal",
    "loyalty_points": "kind",
}
_OPTIONAL_CELLS = {
    "authorised_customer_id",
    "risk_grade",
    "previous_customer_id",
    "comment",
    "measures.ended_on",
}  # empty says: there is none


def coverage(bank: Bank, *, false_alarm_rate: float = 0.05) -> Evidence:
    """List the tables with their rows and span, and find those that have fallen silent.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    false_alarm_rate : float
        Chance of calling any table silent when all are delivered.

    Returns
    -------
    Evidence
        Frame, one row a table: ``table``, ``rows_count``, ``first_on``, ``last_on``, ``longest_pause_days`` (between
        days with rows, in the year before the last), ``silent_days`` (since the last row), ``is_stale``.

    Notes
    -----
    Stale: silent for more than 1.5 times the longest pause of the table's last year with rows, and for more than a
    day. That is enough where rows come in a steady rhythm. Where they come by chance, now and then a pause is the
    longest: after n pauses of an exponential law the next one is k times the longest of them or longer with probability
    n! Gamma(1 + k) / Gamma(n + 1 + k), which must lie below the false alarm rate shared out among the tables. Tables
    without a date, those with one day, and the register of measures have no rhythm.
    """
    day = pd.Timestamp(bank.date or bank.last_on)
    rows = []
    for name in bank.tables:
        on = CONTRACT[name].known_on
        if on is None or on not in bank.columns(name):
            count = bank.sql(f"select count(*) from {name}").fetchall()[0][0]
            rows.append((name, count, pd.NaT, pd.NaT, np.nan, np.nan, False))
            continue
        days = bank.sql(f"select {on}::date as day, count(*) as n from {name} where {on} is not null group by 1").df()
        dates = pd.DatetimeIndex(days["day"]).sort_values()
        if not len(dates):
            rows.append((name, 0, pd.NaT, pd.NaT, np.nan, np.nan, name not in _REGISTERS))
            continue
        pauses = (
            np.diff(dates[dates >= dates[-1] - pd.DateOffset(years=1)].to_numpy()).astype("timedelta64[D]").astype(int)
        )
        if name in _REGISTERS:
            pauses = pauses[:0]
        pause = float(pauses.max()) if len(pauses) else np.nan
        silent = float((day - dates[-1]).days)
        stale = bool(silent > max(_PATIENCE * pause, 1)) if len(pauses) else False
        if stale and pauses.std() > _STEADY * pauses.mean():
            stale = _chance_of_pause(len(pauses), silent / pause) < false_alarm_rate / len(bank.tables)
        rows.append((name, int(days["n"].sum()), dates[0], dates[-1], pause, silent, stale))
    names = ["table", "rows_count", "first_on", "last_on", "longest_pause_days", "silent_days", "is_stale"]
    frame = pd.DataFrame(rows, columns=names)
    stale = frame.loc[frame["is_stale"], "table"].tolist()
    total = int(frame["rows_count"].sum())
    said = f"Silent for longer than usual: {', '.join(stale)}." if stale else "No table has fallen silent."
    first, last = frame["first_on"].min(), frame["last_on"].max()
    return Evidence(
        frame,
        title=f"{len(frame)} tables with {count_text(total)} rows; {len(stale)} of them silent",
        about="Rows by table; full count",
        reading=f"{count_text(total)} rows in {len(frame)} tables speak of {first:%Y-%m-%d} to {last:%Y-%m-%d}. {said}",
    )


def _chance_of_pause(n: int, times: float) -> float:
    """Chance that a pause is so many times the longest of n others, all from one exponential law."""
    return float(np.exp(gammaln(n + 1) + gammaln(1 + times) - gammaln(n + 1 + times)))


def months_covered(bank: Bank, *, months: int = 36, false_alarm_rate: float = 0.05) -> Evidence:
    """Count the rows of each dated table in each month, for a picture of what is there.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    months : int
        Months to look back.
    false_alarm_rate : float
        Chance of calling any empty month a hole when all were delivered.

    Returns
    -------
    Evidence
        Frame: ``table``, ``month``, ``rows_count``, ``share`` of the table's busiest month shown. A month without rows
        between a table's first and last month is a hole, unless such months are to be expected; the reading counts
        them, and ``frame.attrs["holes"]`` gives them by table.

    Notes
    -----
    To be expected: under a negative binomial law with the mean and variance of the other months, of at most so many
    empty months, in any table. So a yearly survey or a campaign now and then leaves no hole.
    """
    last = pd.Timestamp(bank.date or bank.last_on).to_period("M")
    first = max(last - (months - 1), pd.Timestamp(bank.first_on).to_period("M"))
    window = pd.period_range(first, last, freq="M")
    parts, holes = [], {}
    for name in bank.tables:
        on = CONTRACT[name].known_on
        if on is None or on not in bank.columns(name):
            continue
        query = f"select date_trunc('month', {on})::timestamp as month, count(*) as n from {name} group by 1"
        found = bank.sql(query).df().dropna(subset=["month"])
        counts = pd.Series(found["n"].to_numpy(), index=pd.PeriodIndex(found["month"], freq="M"))
        if not len(counts):
            continue
        span = pd.period_range(counts.index.min(), counts.index.max(), freq="M")
        empty = int((~span.isin(counts.index)).sum())
        if empty and name not in ("customers", "accounts", "campaigns", "snapshot", *_REGISTERS):
            chance = len(span) * len(bank.tables) * _chance_of_none(counts.to_numpy(float))
            if chance < false_alarm_rate:
                holes[name] = empty
        shown = counts.reindex(window, fill_value=0)
        busiest = max(int(shown.max()), 1)
        parts.append(
            pd.DataFrame(
                {"table": name.replace("_", " "), "month": window.to_timestamp(), "rows_count": shown.to_numpy()}
            ).assign(share=shown.to_numpy() / busiest)
        )
    frame = pd.concat(parts, ignore_index=True)
    frame.attrs["holes"] = holes
    listed = ", ".join(f"{name} ({empty})" for name, empty in holes.items())
    said = f"Months without any row: {listed}." if holes else "No table of events has a month without rows."
    return Evidence(
        frame,
        title=f"{len(holes)} tables have months without rows" if holes else "No table of events has an empty month",
        about=f"Rows known in the month, % of the table's busiest month; {len(window)} months to {last:%B %Y}",
        reading=said,
        estimates={"holes_count": Estimate(float(len(holes)), unit="count")},
    )


def _chance_of_none(counts: np.ndarray) -> float:
    """Chance of a month without rows, by a negative binomial law fitted to the months with rows."""
    mean, variance = counts.mean(), counts.var(ddof=1) if len(counts) > 1 else np.inf
    if not np.isfinite(variance):
        return 1.0
    size = mean**2 / max(variance - mean, 1e-9 * mean)
    return float(np.exp(-size * np.log1p(mean / size)))


def missing(bank: Bank, *, limit: float = 0.05) -> Evidence:
    """Count empty cells by column, where the column applies.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    limit : float
        Columns with a larger share of empty cells are counted in the reading, 0 to 1.

    Returns
    -------
    Evidence
        Frame, worst first: ``table``, ``column``, ``missing_count``, ``missing_share``, ``rows_count`` (rows to
        which the column applies).

    Notes
    -----
    A column applies to the kinds of rows (products, kinds of bookings, contacts or events) in which it is ever filled:
    a current account has no agreed end. Columns that stay empty until something happens (a closing, a settlement) are
    left out, and columns that the bank does not have are not listed.
    """
    rows = []
    for name in bank.tables:
        table, present = CONTRACT[name], bank.columns(name)
        columns = [
            c
            for c in present
            if c in table.by_name and table[c].revealed_by is None and not {c, f"{name}.{c}"} & _OPTIONAL_CELLS
        ]
        kind = _KIND_OF_ROW.get(name)
        grouped = f"group by {kind}" if kind in present else ""
        counted = ", ".join(f'count("{column}")' for column in columns)
        found = np.array(bank.sql(f"select count(*), {counted} from {name} {grouped}").fetchall(), dtype=float)
        found = found.reshape(-1, 1 + len(columns))  # a table without rows has no kinds of rows
        for place, column in enumerate(columns, start=1):
            applies = found[found[:, place] > 0]
            total, filled = applies[:, 0].sum(), applies[:, place].sum()
            if total:
                rows.append((name, column, int(total - filled), (total - filled) / total, int(total)))
    names = ["table", "column", "missing_count", "missing_share", "rows_count"]
    frame = pd.DataFrame(rows, columns=names)
    checked = len(frame)
    gaps = frame[frame["missing_count"] > 0]
    gaps = gaps.sort_values(["missing_share", "table", "column"], ascending=[False, True, True]).reset_index(drop=True)
    many = int((gaps["missing_share"] > limit).sum())
    most = "".join(
        f" Most in {_cell(row.table, row.column)}: {share_text(row.missing_share)}." for row in gaps[:1].itertuples()
    )
    return Evidence(
        gaps,
        title=f"{many} of {checked} columns miss more than {share_text(limit)}",
        about="Empty cells, % of the rows to which the column applies; full count",
        reading=f"Of {checked} columns {len(gaps)} have empty cells where a value could be, "
        f"{many} in more than {share_text(limit)} of the rows.{most}",
    )


def set_aside(report: object) -> Evidence:
    """Say what the door did with rows that break the contract.

    Parameters
    ----------
    report : Report
        What `Bank.report` gives: its ``violations`` and ``rows`` read and set aside by table.

    Returns
    -------
    Evidence
        Frame: ``table``, ``column``, ``rule``, ``rows_count``, ``fate``. Estimate: ``broken_count``, rules of the
        contract that are broken; remarks that break none do not count.
    """
    broken = [(v.table, v.column, v.rule, v.count, v.fate or "kept") for v in report.violations if v.count]
    frame = pd.DataFrame(broken, columns=["table", "column", "rule", "rows_count", "fate"])
    frame = frame.sort_values("rows_count", ascending=False, kind="stable").reset_index(drop=True)
    aside = sum(count for _, count in (report.rows or {}).values())
    read = sum(count for count, _ in (report.rows or {}).values())
    emptied = int(frame.loc[frame["fate"] == "cell emptied", "rows_count"].sum())
    share = f" ({share_text(aside / read)} of {count_text(read)} read)" if read and aside else ""
    said = "No row was set aside at the door"
    if aside:
        said = f"{aside:,} row{'s' if aside > 1 else ''} w{'ere' if aside > 1 else 'as'} set aside at the door" + share
    cells = f", and {emptied:,} cells were emptied" if emptied else ""
    rules = {"broken_count": Estimate(float(sum(v.is_error for v in report.violations)), unit="count")}
    return Evidence(frame, "Rows that break the contract", "Full count", f"{said}{cells}.", rules)


def _cell(table: str, column: str) -> str:
    return f"`{table}.{column}`"
