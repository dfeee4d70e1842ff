"""One file with one row a customer: it becomes `snapshot`, with a `customers` table of the same people."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from pathlib import Path

import duckdb

from crmlab.bank.adapters.flat_dates import DATED, NUMBERED, MonthOrder, dated_source, far_day
from crmlab.bank.adapters.flat_mapping import (
    SNAPSHOT,
    UNITS,
    FlatColumn,
    FlatMap,
    check_columns,
    months_of,
    read_flat_mapping,
)
from crmlab.bank.adapters.report import ImportReport
from crmlab.bank.adapters.target import write_facts
from crmlab.bank.conform import Field, make_field
from crmlab.bank.engine import connect, literal, quote
from crmlab.bank.fingerprint import digest_file
from crmlab.bank.mapping import ColumnMap, Layout
from crmlab.bank.textfiles import Staged, stage_text
from crmlab.bank.writing import digits
from crmlab.errors import CrmlabError, nearest

__all__ = ["PERSONAL", "read"]

_LACKS = (
    "Dates, accounts, balances over time, bookings and contacts: only what the file says about the day it describes.",
    "Change: one row a customer cannot show movement, seasons or a trend.",
)
# names of columns that usually say who a person is
PERSONAL = re.compile(
    r"(sur|last|first|full|maiden)_?name|^name$|e_?mail|phone|mobile_?n|address|passport|iban|ssn", re.I
)


def read(path: Path, folder: Path, *, mapping: str = "", label: str = "", snapshot_on: str = "") -> ImportReport:
    """Read one text file and write ``snapshot`` and ``customers`` into ``folder``.

    Every row is kept. A cell that cannot be read stays as it is, so that the check at the door finds it, counts it and
    sets the row aside.

    Parameters
    ----------
    path : pathlib.Path
        Delimited text file with a header.
    folder : pathlib.Path
        Where the tables go.
    mapping : path, optional
        YAML file that names the columns; without it they must have the contract's names.
    label : str, optional
        Column that says who was lost.
    snapshot_on : str, optional
        Day the file describes, ``YYYY-MM-DD``.

    Returns
    -------
    ImportReport
    """
    if path.is_dir():
        raise CrmlabError([f"{str(path)!r} is a folder. Give the file with one row a customer."])
    told = Path(mapping).name if mapping else "the mapping (--mapping FILE)"
    given = read_flat_mapping(Path(mapping)) if mapping else FlatMap()
    if label:
        given = given.model_copy(update={"columns": {**given.columns, "churned": _labelled(given, label)}})
    connection = connect()
    with tempfile.TemporaryDirectory() as scratch:
        try:
            staged = stage_text(connection, path, _layout(given), _wanted(given), Path(scratch))
        except CrmlabError as refusal:
            raise CrmlabError([problem.replace("bank.yml", told) for problem in refusal.problems]) from None
        if staged.ragged:
            first = staged.ragged[0]
            raise CrmlabError(
                [
                    f"{path.name}: rows that do not fit the header: {len(staged.ragged):,}, first row {first.record:,}"
                    f" ({first.problem}). Mend the file, or give the right delimiter in {told}."
                ]
            )
        names = list(staged.columns)
        problems = check_columns(told, given, path.name, names) if mapping or label else []
        columns = _complete(given, names)
        order = given.snapshot_on if isinstance(given.snapshot_on, MonthOrder) and not snapshot_on else None
        if order is not None and "snapshot_on" not in columns:
            columns["snapshot_on"] = FlatColumn(source=DATED)
        problems += _missing(path.name, told, columns, names)
        told_day = "" if given.snapshot_on is None or order is not None else str(given.snapshot_on)
        day = _snapshot_day(snapshot_on or told_day)
        if day is None and "snapshot_on" not in columns:
            problems.append(
                f"{path.name} does not say which day it describes. Add --snapshot-on YYYY-MM-DD, or"
                f" snapshot_on to {told}."
            )
        if problems:
            raise CrmlabError(problems)
        report = _write(connection, staged, folder, given, columns, day, order)
        return _known(report, path, given, told)


def _labelled(given: FlatMap, label: str) -> FlatColumn:
    """Return the label's column, with the words the mapping gives it."""
    had = given.columns.get("churned")
    return had.model_copy(update={"source": label}) if had else FlatColumn(source=label)


def _layout(given: FlatMap) -> Layout:
    shared = ("delimiter", "encoding", "decimal", "thousands", "nulls")
    return Layout(**{name: getattr(given, name) for name in shared})


def _wanted(given: FlatMap) -> list[str]:
    named = [column.source for column in given.columns.values() if column.source]
    return [*named, *months_of(given), *given.drop, *SNAPSHOT.by_name]


def _complete(given: FlatMap, names: list[str]) -> dict[str, FlatColumn]:
    """Return the mapped columns and those that bear a contract name already, in the contract's order."""
    used = {column.source for column in given.columns.values()} | set(given.drop) | set(months_of(given))
    return {
        name: given.columns.get(name) or FlatColumn(source=name)
        for name in SNAPSHOT.by_name
        if name in given.columns or (name in names and name not in used)
    }


def _missing(file: str, told: str, columns: dict[str, FlatColumn], names: list[str]) -> list[str]:
    if "customer_id" in columns:
        return []
    return [f"{file} lacks a customer_id; it has {names}.{nearest('customer_id', names)} Map it in {told}."]


def _snapshot_day(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise CrmlabError([f"snapshot_on {text!r} is not a date. Write it as YYYY-MM-DD."]) from None


def _write(
    connection: duckdb.DuckDBPyConnection, staged: Staged, folder: Path, given: FlatMap,
    columns: dict[str, FlatColumn], day: dt.date | None, order: MonthOrder | None,
) -> ImportReport:  # fmt: skip
    fields = [
        make_field(
            SNAPSHOT[name], _cell(column), "VARCHAR", _layout(given),
            ColumnMap(words=column.words, nulls=column.nulls, format=column.format),
            minor_units=given.minor_units, timezone=given.timezone,
        )
        for name, column in columns.items()
    ]  # fmt: skip
    used = {column.source for column in columns.values()} | set(given.drop) | set(order.columns if order else [])
    kept = [name for name in staged.columns if name not in used and name not in columns]
    cells = ", ".join(
        [f"{field.cell} AS {quote('r:' + field.column.name)}" for field in fields]
        + [f"nullif(trim({quote(name)}), '') AS {quote('k:' + name)}" for name in kept]
    )
    typed = ", ".join(f"{_scaled(field, columns)} AS {quote(field.column.name)}" for field in fields)
    connection.execute(
        f"CREATE TEMP TABLE read_ AS SELECT *, {typed} FROM"
        f" (SELECT {cells} FROM {dated_source(staged.path, order)} ORDER BY {NUMBERED})"
    )
    if order:
        first, last = connection.execute("SELECT min(snapshot_on), max(snapshot_on) FROM read_").fetchall()[0]
        if problems := far_day(staged.source.name, order, first, last, dt.date.today()):
            raise CrmlabError(problems)
    broken = _broken(connection, columns)
    kinds = _kinds(connection, kept)
    shown = [_shown(name, broken, given.minor_units) for name in columns]
    if "snapshot_on" not in columns:
        shown.insert(1, f"DATE '{day}' AS snapshot_on")
    shown += [f"CAST({quote('k:' + name)} AS {kinds[name]}) AS {quote(name)}" for name in kept]
    connection.execute(f"CREATE TEMP TABLE shown_ AS SELECT {', '.join(shown)} FROM read_")
    on = "snapshot_on" if "snapshot_on" in columns else f"DATE '{day}'"
    tenure = "CAST(round(tenure_days) AS INTEGER)" if "tenure_days" in columns else "0"
    connection.execute(
        f"CREATE TEMP TABLE people_ AS SELECT customer_id, min({on} - greatest(coalesce({tenure}, 0), 0)) AS joined_on"
        f" FROM read_ WHERE customer_id IS NOT NULL AND {on} IS NOT NULL GROUP BY customer_id ORDER BY customer_id"
    )
    for table, source in (("customers", "people_"), ("snapshot", "shown_")):
        target = literal(folder / f"{table}.parquet")
        connection.execute(f"COPY (SELECT * FROM {source}) TO {target} (FORMAT parquet)")
    facts = {
        "name": given.name or staged.source.stem,
        "currency": given.currency,
        "minor_units": given.minor_units,
        "timezone": given.timezone,
        "label_means": given.label_means or None,
        "extracted_on": connection.execute(f"SELECT max({on}) FROM read_").fetchall()[0][0],
    }
    facts = {key: value for key, value in facts.items() if value is not None}
    write_facts(folder, facts)
    checks = _checks(connection, broken, columns)
    rows = {"customers": checks["customers"], "snapshot": checks["rows"]}
    findings = _findings(checks, given, columns, kept, day)
    if order:
        put = " and ".join(order.columns)
        findings.append(
            f"The day of a row is put together from {put}: the rows stand in the order of time, {first} to {last}."
        )
    connection.close()
    return ImportReport("flat", facts, {staged.source.name: checks["rows"]}, rows, checks, findings, list(_LACKS))


def _cell(column: FlatColumn) -> str:
    """Return the SQL of a column's cell: the file's own, the row's number, or the day put together."""
    if column.number_rows:
        return f"printf('R%07d', {NUMBERED} + 1)"  # a bare number would be met everywhere
    return f"CAST({quote(DATED)} AS VARCHAR)" if column.source == DATED else quote(column.source)


def _known(report: ImportReport, path: Path, given: FlatMap, told: str) -> ImportReport:
    """Say whether the file is the very one that the mapping was written for."""
    if not given.sha256:
        return report
    found = digest_file(path)
    report.checks["sha256"] = found
    report.checks["is_known_file"] = found == given.sha256
    if found == given.sha256:
        report.findings.append(f"The file is byte for byte the one that {told} was written for.")
    else:
        report.findings.insert(
            0,
            f"The file is not the one that {told} was written for"
            f" (sha256 {found[:12]}..., known {given.sha256[:12]}...):"
            " cells may be changed, blanked or renamed. Figures published for the known file need not hold.",
        )
    return report


def _scaled(field: Field, columns: dict[str, FlatColumn]) -> str:
    """Return the typed value in the contract's unit."""
    unit = columns[field.column.name].unit
    factor = UNITS[unit] if unit else 1.0
    if factor == 1.0:
        return field.typed
    if field.column.kind in ("money", "count"):
        return f"CAST(round(({field.typed}) * {factor!r}) AS BIGINT)"
    return f"({field.typed}) * {factor!r}"


def _shown(name: str, broken: dict[str, int], minor_units: int) -> str:
    """Return a column as it is written: in its file type, or as text when some cell of it cannot be read."""
    column, value = SNAPSHOT[name], quote(name)
    if column.kind == "money":
        decimals = digits(minor_units)
        # by way of decimals: a division of integers would pass through floating point
        unit = f"CAST({1 / minor_units!r} AS DECIMAL(18,{decimals}))"
        value = f"CAST(CAST({value} AS DECIMAL(18,0)) * {unit} AS DECIMAL(18,{decimals}))"
    else:
        value = f"CAST({value} AS {column.file_type})"
    if broken.get(name):
        value = f"coalesce(CAST({value} AS VARCHAR), {quote('r:' + name)})"
    return f"{value} AS {quote(name)}"


def _broken(connection: duckdb.DuckDBPyConnection, columns: dict[str, FlatColumn]) -> dict[str, int]:
    """Return the number of cells of each column that cannot be read."""
    counts = ", ".join(
        f"count(*) FILTER ({quote('r:' + name)} IS NOT NULL AND {quote(name)} IS NULL)" for name in columns
    )
    found = connection.execute(f"SELECT {counts} FROM read_").fetchall()[0]
    return {name: n for name, n in zip(columns, found, strict=True) if n}


def _kinds(connection: duckdb.DuckDBPyConnection, kept: list[str]) -> dict[str, str]:
    """Return a type for each further column: a number only where every cell is one and none has a leading zero."""
    kinds = {}
    for name in kept:
        cell = quote("k:" + name)
        whole, number = connection.execute(
            f"SELECT bool_and(regexp_full_match({cell}, '-?(0|[1-9][0-9]{{0,17}})')),"
            f" bool_and(regexp_full_match({cell}, '-?(0|[1-9][0-9]*)([.][0-9]+)?')) FROM read_ WHERE {cell} IS NOT NULL"
        ).fetchall()[0]
        kinds[name] = "BIGINT" if whole else "DOUBLE" if number else "VARCHAR"
    return kinds


def _checks(
    connection: duckdb.DuckDBPyConnection, broken: dict[str, int], columns: dict[str, FlatColumn]
) -> dict[str, object]:
    day = ", snapshot_on" if "snapshot_on" in columns else ""
    rows, empty, people, twice = connection.execute(
        "SELECT count(*), count(*) FILTER (customer_id IS NULL), (SELECT count(*) FROM people_),"
        f" (SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT count(*) AS n FROM read_ WHERE customer_id IS NOT NULL"
        f" GROUP BY customer_id{day} HAVING count(*) > 1)) FROM read_"
    ).fetchall()[0]
    checks = {
        "rows": rows,
        "customers": people,
        "rows_without_id": empty,
        "rows_sharing_an_id": twice,
        "unreadable": broken,
    }
    if "churned" in columns:
        checks["lost"] = connection.execute("SELECT count(*) FILTER (churned) FROM read_").fetchall()[0][0]
    return checks


def _findings(
    checks: dict, given: FlatMap, columns: dict[str, FlatColumn], kept: list[str], day: dt.date | None
) -> list[str]:
    said = []
    if checks["rows_sharing_an_id"]:
        said.append(
            f"Rows that share a customer_id: {checks['rows_sharing_an_id']:,}. They are kept; crmlab check judges them."
        )
    if checks["rows_without_id"]:
        said.append(
            f"Rows without a customer_id: {checks['rows_without_id']:,}. They are kept; crmlab check sets them aside."
        )
    said += [
        f"Cells of {name} that cannot be read: {n:,}. They are kept as text; crmlab check sets them aside."
        for name, n in checks["unreadable"].items()
    ]
    if "snapshot_on" not in columns:
        said.append(f"The file gives no day; every row is taken to describe {day}.")
    if "tenure_days" in columns:
        said.append("joined_on of customers is the day described minus the tenure.")
    else:
        said.append("The file gives no tenure; customers are known from the day described.")
    if "churned" in columns:
        said.append(f"The label says {given.label_means or 'lost'} for {checks['lost']:,} of {checks['rows']:,} rows.")
    else:
        said.append("There is no label: who was lost is not known.")
    if columns["customer_id"].number_rows:
        said.append("The file names no customer: each row is one, by its number. Nobody is followed over time.")
    said += [f"Left out: {name}: {reason}." for name, reason in given.drop.items()]
    if kept:
        said.append(f"Kept beside the contract's columns: {', '.join(kept)}.")
    said += [
        f"Column {name!r} may say who a person is. List it under drop in the mapping unless a question needs it."
        for name in kept
        if PERSONAL.search(name)
    ]
    return said
