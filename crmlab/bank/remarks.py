"""What a check remarks beside broken rows: empty tables, absent columns, and what lies after a day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import duckdb

from crmlab.bank.engine import quote
from crmlab.bank.intake import Conformed
from crmlab.bank.report import Violation
from crmlab.bank.rules import says
from crmlab.bank.tables import CONTRACT
from crmlab.errors import nearest

if TYPE_CHECKING:
    from crmlab.bank.bank import Bank

__all__ = ["check_day", "table_remarks"]


def check_day(connection: duckdb.DuckDBPyConnection, bank: Bank, day: dt.date) -> list[Violation]:
    """Check the as-of view of a day: rows known by the day may hold no later date, unless the column may.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Connection of the view.
    bank : Bank
        Whole bank.
    day : datetime.date
        Day of the view.
    """
    violations = []
    for name in bank.tables:
        table = CONTRACT[name]
        if table.known_on is None:
            continue
        total = bank.connection.execute(f"SELECT count(*) FROM {quote(name)}").fetchall()[0][0]
        seen = connection.execute(f"SELECT count(*) FROM {quote(name)}").fetchall()[0][0]
        for column in table.columns:
            plain = column.kind in ("date", "time") and not (
                column.future or column.revealed_by or column.name == table.known_on
            )
            if not plain or column.name not in bank.columns(name):
                continue
            later = connection.execute(
                f"SELECT count(*) FROM {quote(name)} WHERE CAST({quote(column.name)} AS DATE) > DATE '{day}'"
            ).fetchall()[0][0]
            if later:
                fact = says(later, f"is/are known by {day} with a later date")
                cure = "Correct the date in the source."
                violations.append(
                    Violation(name, column.name, "in the future of as_of", later, fact, cure, (), "error", "kept")
                )
        if seen < total:
            fact = says(total - seen, f"becomes/become known after {day} ; hidden in its view")
            violations.append(Violation(name, "", "later rows", total - seen, fact, "Nothing.", (), "info", "kept"))
    return violations


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
    for column in table.columns:
        by = column.revealed_by
        if column.name in names and by and by not in names:
            fact = f"the source lacks {by}, so nothing says since when the value is known"
            remark(column.name, "undated", fact, f"As-of views show it empty; map {by} in bank.yml.", "warning")
    absent = [column.name for column in table.columns if column.name not in names]
    if absent:
        cure = "Nothing, unless the source has them: then map them in bank.yml."
        remark("", "absent columns", f"lacks the optional columns {absent}", cure, "info")
    unknown = [name for name in one.origin.types if name not in table.by_name]
    if unknown and not table.open_ended and not one.origin.given:
        near = "".join(nearest(name, absent) for name in unknown)
        cure = f"Nothing, unless one of them is a contract column by another name: then map it in bank.yml.{near}"
        remark(
            "", "columns outside the contract", f"columns {unknown} are outside the contract, left out", cure, "info"
        )
    return remarks
