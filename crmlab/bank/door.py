"""The door: from a source to views that hold accepted rows in contract types."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb
import yaml

from crmlab.bank.engine import connect, literal, quote
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError

__all__ = ["Facts", "enter"]


@dataclass(frozen=True)
class Facts:
    """What is known about a bank beside its tables."""

    name: str
    currency: str
    minor_units: int
    timezone: str
    extracted_on: dt.date | None
    fingerprint: str


def enter(source: str | Path, *, check: bool = True) -> tuple[duckdb.DuckDBPyConnection, Facts]:
    """Open a source and return a connection with the schema ``bank`` of views, and the bank's facts."""
    folder = Path(source)
    if not folder.is_dir():
        raise CrmlabError([f"source {str(source)!r} does not exist. Give a folder of Parquet or CSV files."])
    meta = folder / "bank.yml"
    given = yaml.safe_load(meta.read_text(encoding="utf-8")) if meta.is_file() else {}
    minor_units = int(given.get("minor_units", 100))
    files = {name: paths for name in CONTRACT if (paths := _files(folder, name))}
    if not files:
        raise CrmlabError([f"{str(source)!r} holds no table of the contract. Name the files after {list(CONTRACT)}."])
    connection = connect()
    connection.execute("CREATE SCHEMA bank")
    digest = hashlib.blake2b(repr((minor_units, given.get("timezone"))).encode(), digest_size=16)
    for name, paths in files.items():
        for path in paths:
            with path.open("rb") as handle:
                digest.update(hashlib.file_digest(handle, "sha256").digest())
        listed = ", ".join(literal(path) for path in paths)
        reader = f"read_parquet([{listed}])"
        if paths[0].suffix == ".csv":
            reader = f"read_csv([{listed}], all_varchar = true, header = true)"
        present = connection.sql(f"SELECT * FROM {reader} LIMIT 0").columns
        fields = []
        for column in CONTRACT[name].columns:
            if column.name in present:
                value = quote(column.name)
                if column.kind == "money":
                    value = f"CAST({value} AS DECIMAL(18,4)) * {minor_units}"
                fields.append(f"CAST({value} AS {column.engine_type}) AS {quote(column.name)}")
        if CONTRACT[name].open_ended:
            fields += [quote(column) for column in present if column not in CONTRACT[name].by_name]
        connection.execute(f"CREATE VIEW bank.{quote(name)} AS SELECT {', '.join(fields)} FROM {reader}")
    facts = Facts(
        name=str(given.get("name", folder.resolve().name)),
        currency=str(given.get("currency", "EUR")),
        minor_units=minor_units,
        timezone=str(given.get("timezone", "UTC")),
        extracted_on=given.get("extracted_on"),
        fingerprint=digest.hexdigest(),
    )
    return connection, facts


def _files(folder: Path, table: str) -> list[Path]:
    single = folder / f"{table}.parquet"
    if single.is_file():
        return [single]
    parts = sorted((folder / table).rglob("*.parquet"))
    if parts:
        return parts
    single = folder / f"{table}.csv"
    return [single] if single.is_file() else []
