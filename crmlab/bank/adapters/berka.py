"""The Berka data set (PKDD'99 Discovery Challenge): a Czech bank, 1993 to 1998.

References
----------
Berka, P. (1999). Guide to the financial data set. PKDD'99 Discovery Challenge, Prague.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb

from crmlab.bank.adapters import berka_tables as tables
from crmlab.bank.adapters.berka_files import find_files, read_files
from crmlab.bank.adapters.berka_findings import LACKS, describe
from crmlab.bank.adapters.berka_oddities import look
from crmlab.bank.adapters.berka_order import check_balances, order_bookings
from crmlab.bank.adapters.report import ImportReport
from crmlab.bank.adapters.target import write_facts
from crmlab.bank.engine import connect
from crmlab.bank.writing import write_table
from crmlab.errors import CrmlabError

__all__ = ["read"]

_MEMORY = "600MB"  # of the engine; what does not fit is spilled to disk


def read(path: Path, folder: Path) -> ImportReport:
    """Read the files in ``path`` and write the contract's tables into ``folder``.

    Parameters
    ----------
    path : pathlib.Path
        Folder of the original files, ``.asc`` or ``.csv``. account, client and disp must be there.
    folder : pathlib.Path
        Where the tables go.

    Returns
    -------
    ImportReport
    """
    files = find_files(path)
    has = set(files)
    connection = connect()
    connection.execute(f"SET memory_limit = '{_MEMORY}'")
    rows_read = read_files(connection, files)
    _refuse_unknown_types(connection, has)
    checks: dict[str, object] = {}
    if "trans" in has:
        checks["bookings_by_type"] = _by_type(connection, "raw.trans", "abs(amount)")
        searched = order_bookings(connection)
        checks["balance"] = {**check_balances(connection), "days_searched": searched}
    last_on, extracted_on = _span(connection, has)
    for statement in tables.prepare(has):
        connection.execute(statement)
    rows_written = {}
    rows_written["customers"] = _write(connection, folder, "customers", tables.customers(has, extracted_on))
    connection.execute(f"CREATE TEMP TABLE contracts AS {tables.accounts(has, extracted_on)}")
    rows_written["products"] = _write(connection, folder, "products", tables.products(has))
    rows_written["accounts"] = _write(
        connection, folder, "accounts", "SELECT * FROM contracts ORDER BY opened_on, account_id"
    )
    if "trans" in has:
        rows_written["balances"] = _write(connection, folder, "balances", tables.balances(last_on))
        rows_written["transactions"] = _write(connection, folder, "transactions", tables.transactions(has))
    facts: dict[str, object] = {
        "name": "Berka, a Czech bank 1993 to 1998",
        "currency": "CZK",
        "timezone": "Europe/Prague",
        "extracted_on": extracted_on,
    }
    if "trans" in has and (report_on := _report_on(last_on, extracted_on)) is not None:
        facts["report_on"] = report_on
    checks["bookings_last_on"] = last_on
    findings = [*describe(connection, has, checks, facts), *look(connection, has, checks)]
    write_facts(folder, facts)
    connection.close()
    return ImportReport("berka", facts, rows_read, rows_written, checks, findings, list(LACKS))


def _refuse_unknown_types(connection: duckdb.DuckDBPyConnection, has: set[str]) -> None:
    """Refuse a booking whose sign cannot be known."""
    if "trans" not in has:
        return
    unknown = connection.execute(
        "SELECT type, count(*) FROM raw.trans WHERE type NOT IN ('PRIJEM', 'VYDAJ', 'VYBER') GROUP BY 1 ORDER BY 1"
    ).fetchall()
    if unknown:
        named = ", ".join(f"{code!r} in {n:,} rows" for code, n in unknown)
        raise CrmlabError(
            [
                f"trans: type {named} is neither PRIJEM (credit) nor VYDAJ or VYBER (debit), so the sign is unknown."
                " Bring the codes back to the original's."
            ]
        )


def _by_type(connection: duckdb.DuckDBPyConnection, table: str, amount: str) -> dict[str, dict[str, object]]:
    rows = connection.execute(
        f"SELECT type, count(*), sum({amount})::BIGINT FROM {table} GROUP BY type ORDER BY type"
    ).fetchall()
    return {code: {"rows": n, "amount": total / 100} for code, n, total in rows}


def _span(connection: duckdb.DuckDBPyConnection, has: set[str]) -> tuple[dt.date | None, dt.date]:
    """Return the last day of the bookings and the day of the extract."""
    last_on = connection.execute("SELECT max(date) FROM ordered").fetchall()[0][0] if "trans" in has else None
    columns = {"account": "date", "loan": "date", "card": "issued"}
    days = [
        connection.execute(f"SELECT max({column}) FROM raw.{name}").fetchall()[0][0]
        for name, column in columns.items()
        if name in has
    ]
    return last_on, max(day for day in (*days, last_on, tables.EXTRACTED_ON) if day is not None)


def _report_on(last_on: dt.date | None, extracted_on: dt.date) -> dt.date | None:
    """Return the day a report should speak from when the bookings end before the extract, else None.

    A file that was cut need not hold the whole of its last day, so the last month that surely is complete counts.

    >>> _report_on(dt.date(1994, 3, 31), dt.date(1998, 12, 31))
    datetime.date(1994, 2, 28)
    >>> _report_on(dt.date(1998, 12, 31), dt.date(1998, 12, 31))
    """
    if last_on is None or last_on >= extracted_on:
        return None
    return last_on.replace(day=1) - dt.timedelta(days=1)


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, table: str, query: str) -> int:
    path = write_table(folder, table, connection.sql(query), money_in="minor")
    return connection.execute(f"SELECT count(*) FROM read_parquet('{path}')").fetchall()[0][0]
