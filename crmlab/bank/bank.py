"""`Bank`: the tables of one bank behind the contract, lazily, and as of a date."""

from __future__ import annotations

import datetime as dt
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from crmlab.bank.contract import SIMULATED_BY
from crmlab.bank.engine import silence
from crmlab.bank.report import Report
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError, nearest

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Bank"]


class Bank:
    """The tables of one bank, checked at the door, as lazy DuckDB views.

    Make one with `Bank.open`. Inside the engine money is whole minor units (integer cents); frames that leave it hold
    the bank's currency.

    Attributes
    ----------
    name, currency, timezone : str
        Name of the bank, ISO 4217 code, IANA zone of its local time.
    minor_units : int
        Minor units of one unit of the currency.
    date : datetime.date or None
        Day of an as-of view.
    connection : duckdb.DuckDBPyConnection
        Resolves the contract's table names. A cursor of it does not: use `Bank.cursor`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, schema: str, facts, date: dt.date | None = None) -> None:
        self.connection = connection
        self._schema = schema
        self._facts = facts
        self.date = date
        self.name: str = facts.name
        self.currency: str = facts.currency
        self.timezone: str = facts.timezone
        self.minor_units: int = facts.minor_units
        self._found: dict[str, bool] = {}
        self._choose(connection)

    @classmethod
    def open(cls, source: str | Path, *, check: bool = True) -> Bank:
        """Open a bank.

        Parameters
        ----------
        source : path
            Folder of Parquet or CSV files named after the contract's tables, a DuckDB file, or a mapping file
            ``bank.yml``.
        check : bool
            Check the rows at the door and set broken ones aside. False trusts the files.

        Returns
        -------
        Bank
        """
        from crmlab.bank.door import enter

        connection, facts = enter(source, check=check)
        return cls(connection, "bank", facts)

    def close(self) -> None:
        """Let the connection go; views and relations of it can no longer be read."""
        self.connection.close()

    def __enter__(self) -> Bank:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        seen = f", as of {self.date}" if self.date else ""
        return f"<Bank {self.name!r}: {', '.join(self.tables)}{seen}>"

    @functools.cached_property
    def _columns(self) -> dict[str, tuple[str, ...]]:
        rows = self.connection.execute(
            "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() WHERE schema_name = ?"
            " GROUP BY table_name",
            [self._schema],
        ).fetchall()
        found = {name: tuple(columns) for name, columns in rows}
        return {name: found[name] for name in CONTRACT if name in found}

    @property
    def tables(self) -> tuple[str, ...]:
        """Contract tables that this bank has."""
        return tuple(self._columns)

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the columns a table has here."""
        return self._columns[self._known(table)]

    def _known(self, table: str) -> str:
        if table not in self._columns:
            raise CrmlabError(
                [f"{self.name} has no table {table!r}; it has {list(self.tables)}.{nearest(table, self.tables)}"]
            )
        return table

    def has(self, *names: str) -> bool:
        """Tell whether all tables and columns are there and none of the columns is wholly empty.

        Parameters
        ----------
        *names : str
            ``table`` or ``table.column``.
        """
        return all(self._has(name) for name in names)

    def _has(self, name: str) -> bool:
        if name not in self._found:
            self._found[name] = self._look(name)
        return self._found[name]

    def _look(self, name: str) -> bool:
        table, _, column = name.partition(".")
        if table not in CONTRACT:
            raise CrmlabError([f"table {table!r} is not in the contract.{nearest(table, CONTRACT)}"])
        if column and column not in CONTRACT[table].by_name and not CONTRACT[table].open_ended:
            raise CrmlabError([f"{table}.{column} is not in the contract.{nearest(column, CONTRACT[table].by_name)}"])
        if table not in self._columns or (column and column not in self._columns[table]):
            return False
        where = f'WHERE "{column}" IS NOT NULL' if column else ""
        return self.connection.execute(f'SELECT 1 FROM "{table}" {where} LIMIT 1').fetchall() != []

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a second connection to the same tables, for another thread."""
        cursor = self.connection.cursor()
        self._choose(cursor)
        return cursor

    def _choose(self, connection: duckdb.DuckDBPyConnection) -> None:
        # both settings belong to one connection; without the path a cursor would find no table
        connection.execute(f"SET search_path = '{self._schema}'")
        silence(connection)

    def table(self, name: str) -> duckdb.DuckDBPyRelation:
        """Return a table as a lazy relation (contract types, money in minor units)."""
        return self.connection.table(self._known(name))

    def sql(self, query: str) -> duckdb.DuckDBPyRelation:
        """Return the lazy result of a query over the contract's tables."""
        return self.connection.sql(query)

    def frame(self, table: str, columns: list[str] | tuple[str, ...] | None = None) -> pd.DataFrame:
        """Return a table, or some of its columns, as a frame in currency units."""
        present = self.columns(table)
        missing = [name for name in columns or () if name not in present]
        if missing:
            raise CrmlabError([f"{table} lacks columns {missing}; it has {sorted(present)}. Map them in bank.yml."])
        names = ", ".join(f'"{name}"' for name in columns or present)
        return self.to_frame(self.sql(f'SELECT {names} FROM "{table}"'))

    def to_frame(self, relation: duckdb.DuckDBPyRelation) -> pd.DataFrame:
        """Return a relation as a frame; columns named ``*amount`` go from minor units to the bank's currency.

        Whole numbers with gaps become float64 with NaN, so that they compute like any other number.
        """
        frame = relation.df()
        changed = {}
        for name, kind in zip(relation.columns, relation.types, strict=True):
            if name.endswith("amount"):
                changed[name] = frame[name].astype("float64") / self.minor_units
            elif str(kind) == "VARCHAR":
                changed[name] = frame[name].astype("str")
            elif str(frame[name].dtype) in ("Int64", "Int32", "Int16", "Int8", "UInt64", "UInt32", "UInt16", "UInt8"):
                changed[name] = frame[name].astype("float64")
        return frame.assign(**changed)

    @property
    def is_simulated(self) -> bool:
        """The tables were made by ``crmlab simulate``; no such bank exists."""
        return self._facts.made_with.get("made_by") == SIMULATED_BY

    @property
    def questionnaire(self) -> str:
        """Name or path of the questionnaire that ``bank.yml`` names for the surveys; empty where it names none."""
        return self._facts.questionnaire

    @property
    def label_means(self) -> str:
        """What the label of a flat file means, as ``bank.yml`` says it (``subscribed``); empty: ``left``."""
        return self._facts.label_means

    @property
    def fingerprint(self) -> str:
        """Hex digest of what the files hold."""
        return self._facts.fingerprint

    @functools.cached_property
    def _span(self) -> tuple[dt.date, dt.date]:
        dated = [
            (name, CONTRACT[name].known_on) for name in self.tables if CONTRACT[name].known_on and name != "market"
        ]
        if not dated:
            raise CrmlabError(
                [f"{self.name} has no dated table, so it has no first and last day. Add customers or snapshot."]
            )
        parts = " UNION ALL ".join(f'SELECT min("{on}")::DATE, max("{on}")::DATE FROM "{name}"' for name, on in dated)
        first, last = self.connection.execute(f"SELECT min(a), max(b) FROM ({parts}) AS spans(a, b)").fetchall()[0]
        if first is None:
            raise CrmlabError([f"{self.name}: every dated table is empty. Run crmlab check to see why."])
        return first, min(last, self._facts.extracted_on or last)

    @functools.cached_property
    def _early(self) -> dict[str, list[str]]:
        from crmlab.bank.door import remembered_early

        return remembered_early(self.connection, self._facts, list(self.tables))

    @property
    def report(self) -> Report:
        """What the door found when the source was first opened; empty for a folder that crmlab wrote."""
        return self._facts.report

    def check(self, as_of: dt.date | str | None = None) -> Report:
        """Return the violations of the contract; with a day, also what lies in the future of it."""
        from crmlab.bank.remarks import check_day
        from crmlab.bank.view import read_date

        if as_of is None or not str(as_of).strip():
            return self.report
        day = read_date(as_of, self.first_on, self.last_on)
        found = (*self.report.violations, *check_day(self, day))
        return Report(self.name, found, self.report.rows, self.report.quarantine)

    @property
    def first_on(self) -> dt.date:
        """First day on which a row was known."""
        return self._span[0]

    @property
    def last_on(self) -> dt.date:
        """Last day on which a row was known, market figures aside, and not after the extract."""
        return self._span[1]

    @property
    def report_on(self) -> dt.date:
        """Day that an empty ``as_of`` means: the view's own, else that of ``bank.yml``, else the last day known."""
        if self.date:
            return self.date
        named = self._facts.report_on
        return min(named, self.last_on) if named else self.last_on

    def as_of(self, date: dt.date | str = "") -> Bank:
        """Return the bank as it was known at the end of a day.

        Parameters
        ----------
        date : datetime.date or str
            Day, as ``YYYY-MM-DD``; empty: `report_on`, mostly the last day known.

        Returns
        -------
        Bank
            The same interface: rows known later are hidden, cells revealed later are empty.
        """
        from crmlab.bank.view import make_view, read_date

        meant = self.report_on if not str(date).strip() else date
        # a view may speak from a day after its last row
        day = read_date(meant, self.first_on, max(self.last_on, self.report_on))
        cursor, schema = make_view(self, day, self._early)
        return Bank(cursor, schema, self._facts, day)
