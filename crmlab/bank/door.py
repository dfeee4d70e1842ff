"""The door: from a source to views of accepted rows in contract types, checked once and remembered by content."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from crmlab.bank.engine import (
    as_currency,
    as_minor,
    connect,
    literal,
    make_folder,
    quote,
    scratch_folder,
    temporary_folder,
)
from crmlab.bank.facts import Facts, facts_of
from crmlab.bank.fingerprint import write_atomic
from crmlab.bank.intake import Conformed, conform_table
from crmlab.bank.mapping import BankMap
from crmlab.bank.quality import check_table
from crmlab.bank.quarantine import write_quarantine
from crmlab.bank.report import Report, Violation
from crmlab.bank.sources import Origin, Source, find_source
from crmlab.bank.tables import CONTRACT
from crmlab.bank.view import early_rows
from crmlab.errors import CrmlabError, nearest

__all__ = ["Facts", "enter", "inspect", "remembered_early"]

_VERSION = 2  # raise it when the door's rules change, so that remembered verdicts are made anew
_KEPT = 3  # verdicts kept for one source
_log = logging.getLogger("crmlab")


@dataclass
class _Verdict:
    """What the door decided: which tables are used where they lie, and which were copied."""

    report: Report
    tables: dict[str, str] = field(default_factory=dict)
    early: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def enter(source: str | Path, *, check: bool = True) -> tuple[duckdb.DuckDBPyConnection, Facts]:
    """Open a source; return a connection whose schema ``bank`` holds the views, and the bank's facts.

    Rows are checked once: the verdict and the accepted copy are kept by content in the scratch folder. A folder that
    crmlab stamped, or ``check=False``, is used where it lies when its files hold the contract's types.
    """
    found = find_source(source)
    connection = connect()
    connection.execute("CREATE SCHEMA bank")
    if not found.is_live:
        fingerprint = found.fingerprint()
        if (not check or found.facts.accepted == fingerprint) and _trust(connection, found):
            return connection, facts_of(found, fingerprint, Report(found.name))
        folder = _remembered(found, fingerprint)
        if folder:
            return connection, _reopen(connection, found, fingerprint, folder)
    with temporary_folder(scratch_folder(), "door-", "cache") as work:
        fingerprint, verdict = _judge(connection, found, Path(work))
        if verdict.problems:
            raise CrmlabError(verdict.problems)
        folder = _remember(found, fingerprint, verdict, Path(work))
    for name in verdict.tables:
        connection.execute(f"DROP VIEW IF EXISTS bank.{quote(name)}")
    return connection, _reopen(connection, found, fingerprint, folder)


def inspect(source: str | Path) -> tuple[Report, bool]:
    """Check a source anew and return everything that was found, without refusing.

    Returns
    -------
    tuple of Report and bool
        False when some table could not be read at all; the report then says why.
    """
    found = find_source(source)
    connection = connect()
    connection.execute("CREATE SCHEMA bank")
    with temporary_folder(scratch_folder(), "door-", "cache") as work:
        fingerprint, verdict = _judge(connection, found, Path(work))
        folder = _remember(found, fingerprint, verdict, Path(work))
    connection.close()
    return _with_quarantine(verdict.report, folder), not verdict.problems


def remembered_early(connection: duckdb.DuckDBPyConnection, facts: Facts, tables: list[str]) -> dict[str, list[str]]:
    """Return `early_rows` of a bank, looked up once for a content: it joins the largest tables."""
    if facts.early is not None:
        return facts.early
    note = scratch_folder() / "early" / f"{_key(facts.fingerprint)}.json"
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        early, _ = early_rows(connection, tables)
        write_atomic(note, json.dumps(early))
        return early


def _trust(connection: duckdb.DuckDBPyConnection, found: Source) -> bool:
    """Make views over the files where they lie; False when a file does not hold the contract's types."""
    if (
        found.is_mapped
        or found.database
        or any(p.suffix != ".parquet" for paths in found.files.values() for p in paths)
    ):
        return False
    origins, problems = found.origins(connection, scratch_folder())
    if problems:
        raise CrmlabError([problem for listed in problems.values() for problem in listed])
    tables = [conform_table(connection, origin, found.facts) for origin in origins]
    if not all(one.exact for table in tables for one in table.fields):
        return False
    for one in tables:
        _make_view(connection, one.origin, found.facts)
    return True


def _judge(connection: duckdb.DuckDBPyConnection, found: Source, work: Path) -> tuple[str, _Verdict]:
    """Check every table, parents first; write accepted copies and the quarantine under ``work``."""
    origins, unreadable = found.origins(connection, work)
    fingerprint = _live_fingerprint(connection, found, origins) if found.is_live else found.fingerprint()
    tables: list[Conformed] = []
    for origin in origins:
        try:
            tables.append(conform_table(connection, origin, found.facts))
        except CrmlabError as refusal:
            unreadable[origin.table] = list(refusal.problems)
    violations = [
        Violation(table, "", "unreadable", 0, problem, "") for table, listed in unreadable.items() for problem in listed
    ]
    problems = [problem for listed in unreadable.values() for problem in listed]
    violations += _about_source(found, unreadable)
    horizon = found.facts.extracted_on or dt.date.today()
    kept: dict[str, str] = {}
    judged: list[Conformed] = []
    for one in tables:
        name = one.table.name
        try:
            violations += check_table(connection, one, found.facts, horizon)
        except duckdb.Error as error:
            problem = _cannot_read(one.origin, error)
            violations.append(Violation(name, "", "unreadable", 0, problem, ""))
            problems.append(problem)
            continue
        judged.append(one)
        kept[name] = "in place" if one.in_place else "accepted"
        if one.in_place:
            _make_view(connection, one.origin, found.facts)
        else:
            target = work / "accepted" / f"{name}.parquet"
            _write_accepted(connection, one, found.facts, target)
            _make_view(connection, _copied(connection, name, target), found.facts)
    write_quarantine(connection, judged, work / "quarantine.parquet")
    early, remarks = early_rows(connection, list(kept))
    rank = {"error": 0, "warning": 1, "info": 2}
    places = {name: place for place, name in enumerate(["", *CONTRACT])}
    violations += remarks
    violations.sort(key=lambda one: (rank[one.severity], places.get(one.table, 99)))
    rows = {one.table.name: (one.read, one.aside) for one in judged}
    return fingerprint, _Verdict(Report(found.name, tuple(violations), rows), kept, early, problems)


def _cannot_read(origin: Origin, error: duckdb.Error) -> str:
    """Say which table the engine stopped at; a damaged file is found only when its rows are read."""
    first = str(error).splitlines()[0]
    for path, name in zip(origin.files, origin.names, strict=True):
        first = first.replace(str(path), name)
    cure = "Export it again."
    if isinstance(error, duckdb.OutOfMemoryException):
        cure = "Give the engine more in CRMLAB_MEMORY, such as 4GB."
    return f"{origin.label} cannot be read: {first.rstrip('.')}. {cure}"


def _about_source(found: Source, unreadable: dict[str, list[str]]) -> list[Violation]:
    remarks = []
    tables = {*found.files, *found.facts.tables}
    if not found.database and not tables & {"customers", "snapshot"}:
        remarks.append(
            Violation("", "", "no customers", 0, f"{found.name} has neither customers nor snapshot", "Add one of them.")
        )
    for name in found.unused:
        near = nearest(Path(name).stem, CONTRACT)
        cure = f"Rename it after the table it holds, or leave it.{near}"
        fact = f"file {name} is not named after a table of the contract and is not read"
        remarks.append(Violation("", "", "unused file", 0, fact, cure, (), "warning" if near else "info"))
    return remarks


def _live_fingerprint(connection: duckdb.DuckDBPyConnection, found: Source, origins: list[Origin]) -> str:
    """Digest rows instead of files; the order in which a server returns them does not matter."""
    digest = hashlib.sha256(found.fingerprint().encode())
    for origin in origins:
        rows = connection.execute(
            f"SELECT count(*), sum(hash(r)::HUGEINT)::VARCHAR FROM {origin.reader} AS r"
        ).fetchall()[0]
        digest.update(repr((origin.table, rows)).encode())
    return digest.hexdigest()[:32]


def _write_accepted(connection: duckdb.DuckDBPyConnection, one: Conformed, facts: BankMap, target: Path) -> None:
    fields = []
    for f in one.fields:
        value = quote(f.column.name)
        if f.column.name in one.emptied:
            value = f"CASE WHEN {' OR '.join(f'({c})' for c in one.emptied[f.column.name])} THEN NULL ELSE {value} END"
        if f.column.kind == "money":
            value = as_currency(value, facts.minor_units)
        fields.append(f"{value} AS {quote(f.column.name)}")
    fields += [quote(name) for name in one.extras]
    target.parent.mkdir(parents=True, exist_ok=True)
    # setting rows aside and mapping words may lose their order, and the same source must give the same copy
    accepted = f"{one.accepted(', '.join(fields))} ORDER BY __row"
    connection.execute(f"COPY ({accepted}) TO {literal(target)} (FORMAT parquet)")


def _copied(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> Origin:
    rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(path)})").fetchall()
    return Origin(table, (path,), (path.name,), {row[0]: row[1] for row in rows})


def _make_view(connection: duckdb.DuckDBPyConnection, origin: Origin, facts: BankMap) -> None:
    """Make the view of a table whose files hold the contract's types."""
    table = CONTRACT[origin.table]
    fields = []
    for name in [
        *(n for n in table.by_name if n in origin.types),
        *(n for n in origin.types if n not in table.by_name),
    ]:
        column = table.by_name.get(name)
        if column is None and not table.open_ended:
            continue
        if column.kind == "money" if column else name.endswith("amount"):
            fields.append(f"{as_minor(quote(name), facts.minor_units)} AS {quote(name)}")
        elif column:
            fields.append(f"CAST({quote(name)} AS {column.engine_type}) AS {quote(name)}")
        else:
            fields.append(quote(name))
    connection.execute(
        f"CREATE OR REPLACE VIEW bank.{quote(origin.table)} AS SELECT {', '.join(fields)} FROM {origin.reader}"
    )


def _key(fingerprint: str) -> str:
    return hashlib.sha256(f"{_VERSION} {fingerprint} {list(CONTRACT.values())!r}".encode()).hexdigest()[:24]


def _remembered(found: Source, fingerprint: str) -> Path | None:
    """Return the folder of an earlier verdict on the same content, when it still holds."""
    folder = scratch_folder() / "doors" / _key(fingerprint)
    try:
        kept = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    copies = [f"{name}.parquet" for name, where in kept["tables"].items() if where == "accepted"]
    if kept["problems"] or not all((folder / "accepted" / name).is_file() for name in copies):
        return None
    # without a day of the extract, "in the future" was judged by the day of the check
    judged_by_day = found.facts.extracted_on is None and any(
        one["rule"] == "in the future" for one in kept["report"]["violations"]
    )
    return None if judged_by_day and kept["day"] != str(dt.date.today()) else folder


def _remember(found: Source, fingerprint: str, verdict: _Verdict, work: Path) -> Path:
    doors = make_folder(scratch_folder() / "doors", "cache")
    folder = doors / _key(fingerprint)
    shutil.rmtree(work / "staged", ignore_errors=True)
    kept = {
        "source": str(found.path.resolve()),
        "day": str(dt.date.today()),
        "tables": verdict.tables,
        "early": verdict.early,
        "problems": len(verdict.problems),
        "report": verdict.report.to_dict(),
    }
    write_atomic(work / "verdict.json", json.dumps(kept))
    part = doors / f"{folder.name}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    work.rename(part)
    work.mkdir()  # the caller's temporary folder is removed by its own context
    if folder.is_dir() and _sizes(part) == _sizes(folder):
        # another process may be reading the same rows there
        (part / "verdict.json").replace(folder / "verdict.json")
        shutil.rmtree(part, ignore_errors=True)
        return folder
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
    try:
        part.rename(folder)
    except OSError:
        # another process was faster with the same content
        shutil.rmtree(part, ignore_errors=True)
    _prune(doors, kept["source"], folder)
    return folder


def _sizes(folder: Path) -> dict[str, int]:
    """Sizes of the files with rows in a verdict's folder."""
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*.parquet")}


def _prune(doors: Path, source: str, keep: Path) -> None:
    """Remove old verdicts of a source: they hold copies of its rows."""
    mine = []
    for verdict in doors.glob("*/verdict.json"):
        try:
            if json.loads(verdict.read_text(encoding="utf-8"))["source"] == source and verdict.parent != keep:
                mine.append((verdict.stat().st_mtime_ns, verdict.parent))
        except (OSError, ValueError, KeyError):
            continue
    # a door that was killed leaves its working folder behind
    yesterday = time.time() - 86_400
    left = [folder for folder in doors.parent.glob("door-*") if folder.stat().st_mtime < yesterday]
    for folder in [*(folder for _, folder in sorted(mine, reverse=True)[_KEPT - 1 :]), *left]:
        shutil.rmtree(folder, ignore_errors=True)


def _with_quarantine(report: Report, folder: Path) -> Report:
    path = folder / "quarantine.parquet"
    return Report(report.source, report.violations, report.rows, path if path.is_file() else None)


def _reopen(connection: duckdb.DuckDBPyConnection, found: Source, fingerprint: str, folder: Path) -> Facts:
    """Make the views of an accepted source from its remembered verdict."""
    kept = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    in_place = [name for name, where in kept["tables"].items() if where == "in place"]
    if in_place:
        only = Source(found.path, found.facts, found.base, {name: found.files[name] for name in in_place})
        for origin in only.origins(connection, folder)[0]:
            _make_view(connection, origin, found.facts)
    for name, where in kept["tables"].items():
        if where == "accepted":
            _make_view(connection, _copied(connection, name, folder / "accepted" / f"{name}.parquet"), found.facts)
    report = _with_quarantine(Report.from_dict(kept["report"], None), folder)
    if report.errors:
        rules, rows = len(report.errors), report.set_aside
        _log.warning(
            "%s: %s of the contract %s broken, %s set aside. Run crmlab check to see it all.",
            found.name,
            "1 rule" if rules == 1 else f"{rules} rules",
            "is" if rules == 1 else "are",
            "1 row was" if rows == 1 else f"{rows:,} rows were",
        )
    return facts_of(found, fingerprint, report, kept["early"])
