"""One way to start DuckDB: offline, bounded in memory, the same on every machine."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

__all__ = ["as_currency", "connect", "literal", "project_folder", "quote", "scratch_folder", "silence"]


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
        config["threads"] = int(threads)
    connection = duckdb.connect(":memory:", config=config)
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
