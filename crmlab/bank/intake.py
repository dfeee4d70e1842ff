"""Take a table in: the SQL that turns its cells into typed rows, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from crmlab.bank.conform import NUMBER, Field, family, make_field
from crmlab.bank.contract import Column, Table
from crmlab.bank.engine import literal, quote
from crmlab.bank.mapping import BankMap, ColumnMap
from crmlab.bank.sources import Origin
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError, nearest

__all__ = ["ROWS_A_FILE", "ROW_NUMBER", "Conformed", "conform_table", "row_name", "settle_extras"]

ROWS_A_FILE = 1 << 40  # a row's number is file number times this, plus its number in the file from 1
ROW_NUMBER = f"(CAST(file_index AS BIGINT) * {ROWS_A_FILE} + file_row_number + 1)"


@dataclass
class Conformed:
    """One table on its way through the door.

    Parameters
    ----------
    table : Table
        Contract table.
    origin : Origin
        Where its rows are.
    fields : list of Field
        Contract columns that the source has.
    extras : dict
        For an open-ended table: further columns, name to (SQL, engine type).
    cells, rows : str
        SQL of the cells as found and of the typed rows; both have ``__row``.
    """

    table: Table
    origin: Origin
    fields: list[Field]
    extras: dict[str, tuple[str, str]]
    cells: str
    rows: str
    emptied: dict[str, list[str]] = field(default_factory=dict)  # column -> conditions under which its cell is emptied
    read: int = 0
    aside: int = 0
    in_place: bool = False

    @property
    def broken(self) -> str:
        """Temporary table (``__row``, ``column_``, ``rule_``, ``whole_``) of what is broken."""
        return quote(f"broken_{self.table.name}")

    def accepted(self, columns: str = "*") -> str:
        """Return SQL of the rows that are not set aside."""
        if not self.aside:
            return f"SELECT {columns} FROM ({self.rows})"
        aside = f"SELECT __row FROM {self.broken} WHERE whole_"
        return f"SELECT {columns} FROM ({self.rows}) ANTI JOIN ({aside}) USING (__row)"


def conform_table(connection: duckdb.DuckDBPyConnection, origin: Origin, facts: BankMap) -> Conformed:
    """Build the SQL that reads a table into contract types; a required column that is missing is refused."""
    table = CONTRACT[origin.table]
    raws = _raw_columns(table, origin)
    missing = [name for name in table.required if name not in raws]
    if missing:
        near = "".join(nearest(name, origin.types) for name in missing)
        raise CrmlabError(
            [
                f"{origin.label} lacks columns {missing}, which {table.name} requires; it has {list(origin.types)}."
                f"{near} Map them in bank.yml."
            ]
        )
    types = _types(connection, origin, raws)
    # in an open-ended table a further column named *amount is money too, as everywhere
    further = [
        Column(name, "money", "amount") for name in raws if name not in table.by_name and name.endswith("amount")
    ]
    known = {*table.by_name, *(column.name for column in further)}
    fields = [
        make_field(
            column, raws[column.name], types[column.name], origin.layout, origin.given.get(column.name),
            minor_units=facts.minor_units, timezone=facts.timezone,
        )
        for column in (*table.columns, *further)
        if column.name in raws
    ]  # fmt: skip
    extras = {name: (raw, types[name]) for name, raw in raws.items() if name not in known}
    cells = [f"{ROW_NUMBER} AS __row"]
    for one in fields:
        cells.append(f"{one.cell} AS {quote('r:' + one.column.name)}")
        cells += [f"{sql} AS {quote(alias)}" for alias, sql in one.more]
        if one.exact and one.family in ("text", "float"):
            cells.append(
                f"{raws[one.column.name]} IS DISTINCT FROM {quote('r:' + one.column.name)}"
                f" AS {quote('c:' + one.column.name)}"
            )
    cells += [f"{raw} AS {quote('r:' + name)}" for name, (raw, _) in extras.items()]
    found = f"SELECT {', '.join(cells)} FROM {origin.reader}"
    typed = ", ".join(f"{one.typed} AS {quote(one.column.name)}" for one in fields)
    return Conformed(table, origin, fields, extras, found, f"SELECT *, {typed} FROM ({found})")


def _raw_columns(table: Table, origin: Origin) -> dict[str, str]:
    """Return, for each column this table will have, the SQL of its raw cell."""
    raws: dict[str, str] = {}
    used = {given.source for given in origin.given.values() if given and given.source}
    for name in [*table.by_name, *(name for name in origin.given if name not in table.by_name)]:
        if name in origin.given:
            given = origin.given[name]
            if given is None:
                continue
            raws[name] = _raw(given, name)
        elif name in origin.types:
            raws[name] = quote(name)
    if table.open_ended:
        for name in origin.types:
            if name not in raws and name not in used and name not in origin.given:
                raws[name] = quote(name)
    return raws


def _raw(given: ColumnMap, name: str) -> str:
    if given.sql is not None:
        return f"({given.sql})"
    return literal(given.value) if given.value is not None else quote(given.source or name)


def _types(connection: duckdb.DuckDBPyConnection, origin: Origin, raws: dict[str, str]) -> dict[str, str]:
    types, problems = {}, []
    for name, raw in raws.items():
        given = origin.given.get(name)
        if raw == quote(name) and name in origin.types:
            types[name] = origin.types[name]
            continue
        try:
            types[name] = connection.execute(f"DESCRIBE SELECT {raw} AS x FROM {origin.reader}").fetchall()[0][1]
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            cause = "sql" if given and given.sql else "column"
            problems.append(f"{origin.table}.{name}: its {cause} fails: {first} Correct it in bank.yml.")
    if problems:
        raise CrmlabError(problems)
    return types


def settle_extras(connection: duckdb.DuckDBPyConnection, one: Conformed) -> None:
    """Give the extra columns of an open-ended table a type: numbers where every cell is one, else text."""
    texts = [name for name, (_, kind) in one.extras.items() if family(kind) == "text"]
    numbers = set()
    if texts:
        tests = ", ".join(
            f"bool_and(regexp_matches(trim({quote('r:' + name)}), {NUMBER}))"
            f" FILTER (nullif(trim({quote('r:' + name)}), '') IS NOT NULL)"
            for name in texts
        )
        found = connection.execute(f"SELECT {tests} FROM ({one.cells})").fetchall()[0]
        numbers = {name for name, is_number in zip(texts, found, strict=True) if is_number}
    typed = []
    for name, (raw, kind) in one.extras.items():
        cell = quote("r:" + name)
        if name in numbers:
            value, kind = f"CAST(nullif(trim({cell}), '') AS DOUBLE)", "DOUBLE"
        elif family(kind) == "text":
            value = f"nullif(trim({cell}), '')"
        else:
            value = cell
        one.extras[name] = (raw, kind)
        typed.append(f"{value} AS {quote(name)}")
    if typed:
        one.rows = f"SELECT *, {', '.join(typed)} FROM ({one.rows})"


def row_name(origin: Origin, row: int) -> str:
    """Return how a person finds a row: its number below the header, and the file where there are several.

    Records that did not fit the header are counted, so that the number holds in the file.
    """
    file, number = divmod(row - 1, ROWS_A_FILE)
    number += 1
    name = origin.names[file]
    for rank, ragged in enumerate(sorted(r.record for r in origin.ragged if r.file == name)):
        if ragged - rank <= number:
            number += 1
    return f"row {number:,}" + (f" of {name}" if len(origin.names) > 1 else "")
