"""One way to start DuckDB: offline, bounded in memory, the same on every machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import duckdb

from crmlab.errors import CrmlabError

__all__ = [
    "as_currency", "as_minor", "connect", "literal", "make_folder", "project_folder", "quote", "scratch_folder",
    "silence", "temporary_folder",
]  # fmt: skip


def connect() -> duckdb.DuckDBPyConnection:
    """Return a DuckDB connection in memory that reaches no network.

    ``CRMLAB_MEMORY`` (default ``2GB``) bounds the engine, what does not fit is spilled under the scratch folder;
    ``CRMLAB_THREADS`` bounds the threads (default: all cores).
    """
    config: dict[str, str | int] = {
        "autoinstall_known_extensions": "false",
        "memory_limit": os.environ.get("CRMLAB_MEMORY", "2GB"),
        "temp_directory": str(scratch_folder() / "spill"),
    }
    if threads := os.environ.get("CRMLAB_THREADS"):
        if not threads.isdecimal() or int(threads) < 1:
            raise CrmlabError([f"CRMLAB_THREADS is {threads!r}, not a whole number from 1 on. Correct it or unset it."])
        config["threads"] = int(threads)
    try:
        connection = duckdb.connect(":memory:", config=config)
    except duckdb.ParserException:
        given = config["memory_limit"]
        raise CrmlabError([f"CRMLAB_MEMORY is {given!r}, not a size. Write it as 2GB or unset it."]) from None
    connection.execute("SET TimeZone = 'UTC'")
    silence(connection)
    return connection


def silence(connection: duckdb.DuckDBPyConnection) -> None:
    """Switch the engine's own progress bar off: it writes into pages and logs. A cursor needs it for itself."""
    on = connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()[0][0]
    if on:  # in a notebook without ipywidgets it is off, and naming it would fail
        connection.execute("SET enable_progress_bar = false")


def project_folder() -> Path:
    """Return the folder of ``notebooks/`` and ``crmlab/``, or the current one where crmlab is installed alone."""
    root = Path(__file__).resolve().parents[2]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def scratch_folder() -> Path:
    """Return the folder for caches: ``CRMLAB_CACHE`` or the project's ``reports/.cache``."""
    return Path(os.environ.get("CRMLAB_CACHE") or project_folder() / "reports" / ".cache")


def make_folder(folder: Path, where: str) -> Path:
    """Make a folder and return it; one that cannot be made is refused with the place that named it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, where, error) from None
    return folder


def temporary_folder(parent: Path, prefix: str, where: str) -> tempfile.TemporaryDirectory:
    """Make a folder that goes away with its context; one that cannot be made is refused as by `make_folder`."""
    try:
        return tempfile.TemporaryDirectory(dir=make_folder(parent, where), prefix=prefix)
    except OSError as error:
        raise _unwritable(parent, where, error) from None


def _unwritable(folder: Path, where: str, error: OSError) -> CrmlabError:
    reason = (error.strerror or type(error).__name__).lower()
    hint = " in CRMLAB_CACHE" if where == "cache" else ""
    return CrmlabError(
        [f"{where}: {str(folder)!r} cannot be written: {reason}. Give a place that can be written{hint}."]
    )


def quote(name: str) -> str:
    """Quote an identifier for SQL.

    >>> quote("a b")
    '"a b"'
    """
    return '"' + str(name).replace('"', '""') + '"'


def literal(value: object) -> str:
    """Write a value as an SQL text literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + str(value).replace("'", "''") + "'"


def as_currency(value: str, minor_units: int) -> str:
    """Return SQL for whole minor units as a decimal of the currency, without floating point.

    >>> as_currency("x", 100)
    "CAST(CAST(x AS DECIMAL(18,0)) * CAST('0.01' AS DECIMAL(18,2)) AS DECIMAL(18,2))"
    """
    decimals = len(str(minor_units)) - 1
    return (
        f"CAST(CAST({value} AS DECIMAL(18,0)) * CAST('{1 / minor_units}' AS DECIMAL(18,{decimals}))"
        f" AS DECIMAL(18,{decimals}))"
    )


def as_minor(value: str, minor_units: int) -> str:
    """Return SQL for a decimal of the currency as whole minor units.

    The plain product stays within 64 bits and is ten times as fast; amounts of more than 14 digits take the wide way.
    """
    if minor_units == 1:
        return f"CAST({value} AS BIGINT)"
    wide = f"CAST({value} AS DECIMAL(38,{len(str(minor_units)) - 1}))"
    limit = 10**18 // minor_units**2
    plain, long = f"CAST({value} * {minor_units} AS BIGINT)", f"CAST({wide} * {minor_units} AS BIGINT)"
    return f"CASE WHEN abs({value}) < {limit} THEN {plain} ELSE {long} END"
