"""What a check remarks beside broken rows: empty tables, absent columns, and what lies after a day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from crmlab.bank.engine import quote
from crmlab.bank.intake import Conformed
from crmlab.bank.report import Violation
from crmlab.bank.rules import says
from crmlab.bank.tables import CONTRACT
from crmlab.errors import nearest

if TYPE_CHECKING:
    from crmlab.bank.bank import Bank

__all__ = ["check_day", "table_remarks"]


def check_day(bank: Bank, day: dt.date) -> list[Violation]:
    """Tell what lies in the future of a day: rows that its view hides, and dates of events that it shows empty.

    Parameters
    ----------
    bank : Bank
        Whole bank.
    day : datetime.date
        Day of the view.
    """
    remarks = []
    for name in bank.tables:
        table = CONTRACT[name]
        if table.known_on is None:
            continue
        later = f"CAST({{}} AS DATE) > DATE '{day}'"
        events = [c.name for c in table.columns if c.revealed_by == c.name and c.name in bank.columns(name)]
        known = f"NOT ({later.format(quote(table.known_on))})"
        counts = [f"count(*) FILTER ({later.format(quote(table.known_on))})"]
        counts += [f"count(*) FILTER ({known} AND {later.format(quote(event))})" for event in events]
        rows, *cells = bank.connection.execute(f"SELECT {', '.join(counts)} FROM {quote(name)}").fetchall()[0]
        if rows:
            fact = says(rows, f"becomes/become known after {day}, hidden in the view of that day")
            remarks.append(Violation(name, "", "later rows", rows, fact, "Nothing.", (), "info", "kept"))
        for event, count in zip(events, cells, strict=True):
            if count:
                fact = says(count, f"holds/hold a date after {day}, empty in the view of that day")
                remarks.append(Violation(name, event, "later cells", count, fact, "Nothing.", (), "info", "kept"))
    return remarks


def table_remarks(one: Conformed) -> list[Violation]:
    """Return what is no fault of a row: an empty table, columns that are absent, unknown or without a date."""
    table = one.table
    remarks: list[Violation] = []

    def remark(column: str, rule: str, fact: str, cure: str, severity: str) -> None:
        remarks.append(Violation(table.name, column, rule, 0, fact, cure, (), severity))

    if not one.read:
        severity = "error" if table.name in ("customers", "snapshot") else "warning"
        remark("", "empty table", f"{one.origin.label} holds no row", "Export it again, or remove it.", severity)
    names = {f.column.name for f in one.fields}
    undated: dict[str, list[str]] = {}
    for column in table.columns:
        if column.name in names and column.revealed_by and column.revealed_by not in names:
            undated.setdefault(column.revealed_by, []).append(column.name)
    for by, columns in undated.items():
        one_column = columns[0] if len(columns) == 1 else ""
        listed = f"{', '.join(columns)} {'is' if one_column else 'are'}"
        fact = f"the source lacks {by}, so nothing says since when {listed} known"
        remark(one_column, "undated", fact, f"As-of views show no value; map {by} in bank.yml.", "warning")
    absent = [column.name for column in table.columns if column.name not in names]
    if absent:
        cure = "Nothing, unless the source has them: then map them in bank.yml."
        remark("", "absent columns", f"lacks the optional columns {', '.join(absent)}", cure, "info")
    unknown = [name for name in one.origin.types if name not in table.by_name]
    if unknown and not table.open_ended and not one.origin.given:
        near = "".join(nearest(name, absent) for name in unknown)
        cure = f"Nothing, unless one of them is a contract column by another name: then map it in bank.yml.{near}"
        remark(
            "", "columns outside the contract", f"columns {unknown} are outside the contract, left out", cure, "info"
        )
    return remarks
