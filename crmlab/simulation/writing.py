"""Write a simulated bank block by block: complete or not at all, and the same seed gives the same bytes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from crmlab.bank.tables import CONTRACT
from crmlab.bank.writing import stamp_bank
from crmlab.errors import refuse
from crmlab.simulation.block import BLOCK_CUSTOMERS, simulate_block
from crmlab.simulation.clock import month_at
from crmlab.simulation.market import market_rows, simulate_market
from crmlab.simulation.products import product_rows
from crmlab.simulation.rows import arrow_table, block_tables, dates, decimals

__all__ = ["Written", "simulate"]

_MARK = "crmlab simulate"  # in bank.yml: the folder is ours to replace
_PARTED = (
    "balances",
    "transactions",
    "digital_events",
)  # one file a block; the others are one file with a part a block
_WHOLE = ("customers", "accounts", "interactions")
_MAX_MONTHS = 600
_MAX_BLOCKS = 10_000  # block numbers have four digits in the ids


@dataclass(frozen=True)
class Written:
    """What a simulation wrote: rows and bytes by table, seconds, and the folder."""

    folder: Path
    rows: dict[str, int]
    sizes: dict[str, int]
    seconds: float


def simulate(
    out: str | os.PathLike,
    *,
    customers: int = 5_000,
    months: int = 36,
    seed: int = 1,
    force: bool = False,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Written:
    """Simulate a retail bank and write it as contract tables.

    Parameters
    ----------
    out : path
        Folder to write; a bank simulated earlier is replaced.
    customers : int
        Customers on the first day, 2023-01-01; about 7 % more join each year.
    months : int
        Months from January 2023 on, up to 600.
    seed : int
        Same seed, same bytes. A bank of more months begins with the same months.
    force : bool
        Write into a folder that holds something else; only tables of the contract are replaced there.
    processes : int
        Blocks simulated at a time; changes no byte.
    progress : callable, optional
        Called with (blocks done, blocks) after each block.

    Returns
    -------
    Written
        Rows and sizes by table.
    """
    folder = Path(out)
    refuse(*_problems(folder, customers, months, seed, force, processes))
    began = time.perf_counter()
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.parent / f".{folder.name}.partial-{os.getpid()}"
    partial.mkdir()
    try:
        rows = _write(partial, customers, months, seed, processes, progress or (lambda done, of: None))
        sizes = {name: _size(partial, name) for name in rows}
        _replace(partial, folder)
        last = np.datetime64(month_at(months - 1).last, "D").item()
        made = {"made_by": _MARK, "customers": customers, "months": months, "seed": seed}
        stamp_bank(folder, name="Simulated bank", currency="EUR", timezone="Europe/Berlin", extracted_on=last, **made)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Written(folder, rows, sizes, time.perf_counter() - began)


def _problems(folder: Path, customers: int, months: int, seed: int, force: bool, processes: int) -> Iterator[str]:
    if customers < 1:
        yield f"customers: {customers} is below 1. Give the number of customers on the first day."
    elif customers > _MAX_BLOCKS * BLOCK_CUSTOMERS:
        yield f"customers: {customers} is above {_MAX_BLOCKS * BLOCK_CUSTOMERS:,}. Simulate several banks."
    if not 1 <= months <= _MAX_MONTHS:
        yield f"months: {months} is outside 1 to {_MAX_MONTHS}. Give the number of months from January 2023 on."
    if seed < 0:
        yield f"seed: {seed} is below 0. Give 0 or more."
    if processes < 1:
        yield f"processes: {processes} is below 1. Give 1 or more."
    if folder.is_file():
        yield f"out: {folder} is a file. Give a folder."
    elif folder.is_dir() and any(folder.iterdir()) and not _is_ours(folder) and not force:
        yield f"out: {folder} holds files that crmlab simulate did not write. Choose another folder, or add --force."


def _is_ours(folder: Path) -> bool:
    path = folder / "bank.yml"
    facts = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    made = facts.get("made_with") if isinstance(facts, dict) else None
    return isinstance(made, dict) and made.get("made_by") == _MARK


def _write(
    folder: Path, customers: int, months: int, seed: int, processes: int, progress: Callable[[int, int], None]
) -> dict[str, int]:
    market = simulate_market(seed, months)
    last = month_at(months - 1).last
    rows = {"products": _write_products(folder), "market": _write_market(folder, market_rows(market, months))}
    blocks = -(-customers // BLOCK_CUSTOMERS)
    for name in _PARTED:
        (folder / name).mkdir()

    def one(number: int) -> dict[str, pa.Table]:
        size = min(BLOCK_CUSTOMERS, customers - number * BLOCK_CUSTOMERS)
        tables = block_tables(simulate_block(seed, number, size, months, market), last)
        for name in _PARTED:
            _write_file(folder / name / f"part-{number:03d}.parquet", tables[name])
        return {name: table if name in _WHOLE else table.slice(0, 0) for name, table in tables.items()} | {
            "rows": {name: table.num_rows for name, table in tables.items()}
        }

    writers: dict[str, pq.ParquetWriter] = {}
    try:
        for number, tables in enumerate(_in_order(one, blocks, processes)):
            for name, count in tables.pop("rows").items():
                rows[name] = rows.get(name, 0) + count
            for name in _WHOLE:
                if name not in writers:
                    writers[name] = pq.ParquetWriter(
                        folder / f"{name}.parquet", tables[name].schema, **_options(tables[name])
                    )
                writers[name].write_table(tables[name])
            progress(number + 1, blocks)
    finally:
        for writer in writers.values():
            writer.close()
    return {name: rows[name] for name in CONTRACT if name in rows}


def _in_order(work: Callable[[int], dict], count: int, at_a_time: int) -> Iterator[dict]:
    """Do numbered work some at a time and yield the results in order, holding no more than that many."""
    if at_a_time == 1:
        yield from map(work, range(count))
        return
    with ThreadPoolExecutor(at_a_time) as pool:
        waiting = [pool.submit(work, number) for number in range(min(at_a_time, count))]
        for number in range(count):
            done = waiting.pop(0).result()
            if number + at_a_time < count:
                waiting.append(pool.submit(work, number + at_a_time))
            yield done


def _options(table: pa.Table) -> dict:
    """Ids of rows never repeat: no dictionary for the first column."""
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": table.schema.names[1:],
        "write_statistics": True,
    }


def _write_file(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path, row_group_size=250_000, **_options(table))


def _write_products(folder: Path) -> int:
    rows = product_rows()
    rows["product_id"] = pa.array(rows["product_id"])
    rows["fee_amount"] = decimals(rows["fee_amount"])
    table = arrow_table("products", rows)
    _write_file(folder / "products.parquet", table)
    return table.num_rows


def _write_market(folder: Path, rows: dict[str, np.ndarray]) -> int:
    rows = {
        **rows,
        "month_on": dates(rows["month_on"]),
        "published_on": dates(rows["published_on"]),
        "system_deposits_amount": decimals(rows["system_deposits_amount"]),
    }
    table = arrow_table("market", rows)
    _write_file(folder / "market.parquet", table)
    return table.num_rows


def _size(folder: Path, table: str) -> int:
    files = [folder / f"{table}.parquet", *(folder / table).glob("*.parquet")]
    return sum(file.stat().st_size for file in files if file.exists())


def _replace(partial: Path, folder: Path) -> None:
    """Put the finished files in place; what belongs to no table of the contract stays."""
    folder.mkdir(exist_ok=True)
    (folder / "bank.yml").unlink(missing_ok=True)
    for name in CONTRACT:
        shutil.rmtree(folder / name, ignore_errors=True)
        for suffix in ("parquet", "csv"):
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    for path in sorted(partial.iterdir()):
        path.rename(folder / path.name)
