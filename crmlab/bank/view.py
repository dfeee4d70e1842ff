"""The as-of view: what the bank knew at the end of a day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import duckdb

from crmlab.bank.contract import Table
from crmlab.bank.engine import quote
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError

if TYPE_CHECKING:
    from crmlab.bank.bank import Bank

__all__ = ["make_view", "read_date"]


def read_date(date: dt.date | str, first_on: dt.date, last_on: dt.date) -> dt.date:
    """Return the day meant by an ``as_of`` value, refused outside the span of the rows.

    >>> read_date("", dt.date(1993, 1, 1), dt.date(1998, 12, 31))
    datetime.date(1998, 12, 31)
    >>> read_date("31.12.1998", dt.date(1993, 1, 1), dt.date(1998, 12, 31))
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: as_of '31.12.1998' is not a date. Write it as YYYY-MM-DD.
    """
    if isinstance(date, dt.datetime):
        date = date.date()
    if isinstance(date, dt.date):
        day = date
    elif str(date).strip() == "":
        return last_on
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


def make_view(bank: Bank, day: dt.date) -> tuple[duckdb.DuckDBPyConnection, str]:
    """Make views of every table as of a day in a schema of their own; return a cursor and the schema's name."""
    cursor = bank.connection.cursor()
    schema = f"as_of_{day:%Y%m%d}"
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for name in bank.tables:
        body = _body(CONTRACT[name], bank.columns(name), day, schema)
        cursor.execute(f"CREATE OR REPLACE VIEW {schema}.{quote(name)} AS {body}")
    return cursor, schema


def _body(table: Table, columns: tuple[str, ...], day: dt.date, schema: str) -> str:
    fields = []
    for name in columns:
        column = table.by_name.get(name)
        if column is None or column.revealed_by is None:
            fields.append(quote(name))
        elif column.revealed_by in columns:
            known = _by_day(table, column.revealed_by, day)
            fields.append(f"CASE WHEN {known} THEN {quote(name)} END AS {quote(name)}")
        else:
            # nothing says since when it is known, so the view may not show it
            fields.append(f"CASE WHEN false THEN {quote(name)} END AS {quote(name)}")
    where = f" WHERE {_by_day(table, table.known_on, day)}" if table.known_on in columns else ""
    return f"SELECT {', '.join(fields)} FROM memory.bank.{quote(table.name)}{where}"


def _by_day(table: Table, column: str, day: dt.date) -> str:
    """Return the condition that a date or time is not after the day (for times: before the next midnight)."""
    if table[column].kind == "time":
        return f"{quote(column)} < TIMESTAMP '{day + dt.timedelta(days=1)} 00:00:00'"
    return f"{quote(column)} <= DATE '{day}'"
