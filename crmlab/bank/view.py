"""The as-of view: what the bank knew at the end of a day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import duckdb

from crmlab.bank.contract import Column, Table
from crmlab.bank.engine import quote
from crmlab.bank.report import Violation
from crmlab.bank.rules import says
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError

if TYPE_CHECKING:
    from crmlab.bank.bank import Bank

__all__ = ["early_rows", "make_view", "read_date"]


def read_date(date: dt.date | str, first_on: dt.date, last_on: dt.date) -> dt.date:
    """Return the day meant by an ``as_of`` value, refused outside the span of the rows.

    >>> read_date("1998-12-31", dt.date(1993, 1, 1), dt.date(1998, 12, 31))
    datetime.date(1998, 12, 31)
    >>> read_date("31.12.1998", dt.date(1993, 1, 1), dt.date(1998, 12, 31))
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: as_of '31.12.1998' is not a date. Write it as YYYY-MM-DD.
    """
    if isinstance(date, dt.datetime):
        date = date.date()
    if isinstance(date, dt.date):
        day = date
    else:
        try:
            day = dt.date.fromisoformat(str(date).strip())
        except ValueError:
            raise CrmlabError([f"as_of {str(date)!r} is not a date. Write it as YYYY-MM-DD."]) from None
    if not first_on <= day <= last_on:
        side = "after the last" if day > last_on else "before the first"
        raise CrmlabError(
            [f"as_of {day} lies {side} day known. The rows span {first_on} to {last_on}; choose a day in it."]
        )
    return day


def early_rows(
    connection: duckdb.DuckDBPyConnection, tables: list[str]
) -> tuple[dict[str, list[str]], list[Violation]]:
    """Find rows that are known before the row they refer to, such as an account opened before its owner joined.

    Returns
    -------
    tuple of dict and list of Violation
        Table to the columns concerned (the as-of view must look at the parents of only these), and a warning for each.
    """
    early: dict[str, list[str]] = {}
    remarks = []
    for table, column in _references(connection, tables):
        parent, key = column.refers.split(".")
        mine, theirs = f"CAST(c.{quote(table.known_on)} AS DATE)", f"CAST(p.{quote(CONTRACT[parent].known_on)} AS DATE)"
        count = connection.execute(
            f"SELECT count(*) FROM bank.{quote(table.name)} AS c JOIN bank.{quote(parent)} AS p"
            f" ON c.{quote(column.name)} = p.{quote(key)} WHERE {mine} < {theirs}"
        ).fetchall()[0][0]
        if count:
            early.setdefault(table.name, []).append(column.name)
            fact = says(count, f"is/are known before the row of {parent} that {column.name} names")
            cure = f"As-of views hide them until then; check {table.known_on} and {parent}.{CONTRACT[parent].known_on}."
            remarks.append(
                Violation(table.name, column.name, "before its parent", count, fact, cure, (), "warning", "kept")
            )
    return early, remarks


def _references(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> list[tuple[Table, Column]]:
    """Return the columns that refer to a table whose rows become known by date."""
    rows = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'bank'"
    ).fetchall()
    present = {f"{table}.{column}" for table, column in rows}
    found = []
    for name in tables:
        for column in CONTRACT[name].columns:
            if not column.refers or f"{name}.{column.name}" not in present or column.refers not in present:
                continue
            parent = CONTRACT[column.refers.split(".")[0]]
            if parent.known_on and parent.name in tables:
                found.append((CONTRACT[name], column))
    return found


def make_view(bank: Bank, day: dt.date, early: dict[str, list[str]]) -> tuple[duckdb.DuckDBPyConnection, str]:
    """Make views of every table as of a day in a schema of their own; return a cursor and the schema's name.

    Parameters
    ----------
    bank : Bank
        Whole bank.
    day : datetime.date
        Last day that is seen.
    early : dict
        From `early_rows`: where a row must wait for the row it refers to.
    """
    cursor = bank.connection.cursor()
    schema = f"as_of_{day:%Y%m%d}"
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    waiting: set[str] = set()  # tables with hidden rows beyond their own date; what refers to them must look
    for name in bank.tables:
        table = CONTRACT[name]
        present = bank.columns(name)
        parents = {
            column.name: column.refers
            for column in table.columns
            if column.refers and column.name in present and column.refers.split(".")[0] in bank.tables
            and (column.name in early.get(name, ()) or column.refers.split(".")[0] in waiting)
        }  # fmt: skip
        if any(table[column].required for column in parents):
            waiting.add(name)
        body = _body(table, present, day, schema, parents)
        cursor.execute(f"CREATE OR REPLACE VIEW {schema}.{quote(name)} AS {body}")
    return cursor, schema


def _body(table: Table, columns: tuple[str, ...], day: dt.date, schema: str, parents: dict[str, str]) -> str:
    fields = []
    conditions = [_by_day(table, table.known_on, day)] if table.known_on in columns else []
    for name in columns:
        column = table.by_name.get(name)
        known = []
        if column is not None and column.revealed_by is not None:
            # without the date of the event nothing says since when the value is known, so it may not be shown
            known.append(_by_day(table, column.revealed_by, day) if column.revealed_by in columns else "false")
        if name in parents:
            parent, key = parents[name].split(".")
            there = f"{quote(name)} IN (SELECT {quote(key)} FROM memory.{schema}.{quote(parent)})"
            (conditions if column.required else known).append(there)
        fields.append(
            f"CASE WHEN {' AND '.join(known)} THEN {quote(name)} END AS {quote(name)}" if known else quote(name)
        )
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {', '.join(fields)} FROM memory.bank.{quote(table.name)}{where}"


def _by_day(table: Table, column: str, day: dt.date) -> str:
    """Return the condition that a date or time is not after the day (for times: before the next midnight)."""
    if table[column].kind == "time":
        return f"{quote(column)} < TIMESTAMP '{day + dt.timedelta(days=1)} 00:00:00'"
    return f"{quote(column)} <= DATE '{day}'"
