"""Write tables of the contract as Parquet, so that the simulation and the adapters need no check at the door."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import duckdb
import yaml

from crmlab.bank.engine import as_currency, connect, literal, quote
from crmlab.bank.sources import find_source
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError, nearest

__all__ = ["digits", "stamp_bank", "write_bank", "write_table"]


def digits(minor_units: int) -> int:
    """Return the decimals of a currency from its minor units.

    >>> digits(100), digits(1), digits(1000)
    (2, 0, 3)
    """
    if minor_units not in (1, 10, 100, 1000, 10000):
        raise CrmlabError([f"minor_units: {minor_units!r} is not 1, 10, 100, 1000 or 10000. Write 100 for cents."])
    return len(str(minor_units)) - 1


def write_table(
    folder: str | Path,
    table: str,
    data: object,
    *,
    part: int | None = None,
    minor_units: int = 100,
    money_in: str = "currency",
) -> Path:
    """Write rows of one contract table as Parquet.

    Parameters
    ----------
    folder : path
        Folder of the bank; made when it is missing.
    table : str
        Contract table.
    data : pandas.DataFrame, pyarrow.Table or DuckDB relation
        Rows with contract column names, in any order.
    part : int, optional
        Number of a chunk; the file is then ``<table>/part-00000.parquet``, else ``<table>.parquet``.
    minor_units : int
        Minor units of the currency.
    money_in : {"currency", "minor"}
        Unit of the money columns in ``data``.

    Returns
    -------
    pathlib.Path
        The file.
    """
    if table not in CONTRACT:
        raise CrmlabError(
            [f"table {table!r} is not in the contract.{nearest(table, CONTRACT)} It has {list(CONTRACT)}."]
        )
    connection = None
    if isinstance(data, duckdb.DuckDBPyRelation):
        relation = data
    else:
        connection = connect()
        relation = connection.from_arrow(data) if hasattr(data, "schema") else connection.from_df(data)
    contract = CONTRACT[table]
    unknown = [name for name in relation.columns if name not in contract.by_name and not contract.open_ended]
    if unknown:
        raise CrmlabError(
            [f"{table}: column {name!r} is not in the contract.{nearest(name, contract.by_name)}" for name in unknown]
        )
    decimal = f"DECIMAL(18,{digits(minor_units)})"
    fields = []
    for name in [c.name for c in contract.columns if c.name in relation.columns]:
        kind, target = contract[name].kind, contract[name].file_type
        expression = quote(name)
        if kind == "money":
            target = decimal
            if money_in == "minor":
                expression = as_currency(expression, minor_units)
        fields.append(f"CAST({expression} AS {target}) AS {quote(name)}")
    fields += [quote(name) for name in relation.columns if name not in contract.by_name]
    path = Path(folder) / (f"{table}.parquet" if part is None else f"{table}/part-{part:05d}.parquet")
    path.parent.mkdir(parents=True, exist_ok=True)
    relation.query("rows_", f"COPY (SELECT {', '.join(fields)} FROM rows_) TO {literal(path)} (FORMAT parquet)")
    if connection is not None:
        connection.close()
    return path


def stamp_bank(
    folder: str | Path,
    *,
    name: str,
    currency: str = "EUR",
    minor_units: int = 100,
    timezone: str = "UTC",
    extracted_on: dt.date | str | None = None,
    report_on: dt.date | str | None = None,
    is_accepted: bool = True,
    **more: object,
) -> Path:
    """Write ``bank.yml`` beside the tables and stamp them as accepted, so that opening needs no check.

    Call it last: the stamp holds a fingerprint of the files as they are now.

    Parameters
    ----------
    folder : path
        Folder that `write_table` filled.
    name, currency, timezone : str
        Name of the bank, ISO 4217 code, IANA zone of its local time.
    extracted_on : date or str, optional
        Day of the extract; no row may be dated after it.
    report_on : date or str, optional
        Day a report speaks from when none is named, where the last day known would mislead.
    is_accepted : bool
        False leaves the stamp out: the rows may break the contract, and the door checks them.
    **more
        Further facts kept in the file, such as the seed; plain values only.

    Returns
    -------
    pathlib.Path
        The file.
    """
    folder = Path(folder)
    facts: dict[str, object] = {
        "name": name,
        "currency": currency,
        "minor_units": minor_units,
        "timezone": timezone,
        "extracted_on": None if extracted_on is None else dt.date.fromisoformat(str(extracted_on)),
        "report_on": None if report_on is None else dt.date.fromisoformat(str(report_on)),
    }
    facts = {key: value for key, value in facts.items() if value is not None}
    if more:
        facts["made_with"] = more
    path = folder / "bank.yml"
    path.write_text(yaml.safe_dump(facts, sort_keys=False, allow_unicode=True), encoding="utf-8")
    if is_accepted:
        facts["accepted"] = find_source(folder).fingerprint()
        path.write_text(yaml.safe_dump(facts, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def write_bank(
    folder: str | Path, tables: Mapping[str, object], *, money_in: str = "currency", **facts: object
) -> Path:
    """Write whole tables and ``bank.yml``; the keywords are those of `stamp_bank`.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    minor_units = int(facts.get("minor_units", 100))
    for table, data in tables.items():
        write_table(folder, table, data, minor_units=minor_units, money_in=money_in)
    stamp_bank(folder, **facts)
    return Path(folder)
