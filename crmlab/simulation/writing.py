"""Write a simulated bank block by block: complete or not at all, and the same seed gives the same bytes."""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from crmlab.bank.contract import SIMULATED_BY
from crmlab.bank.engine import make_folder
from crmlab.bank.tables import CONTRACT
from crmlab.bank.writing import stamp_bank
from crmlab.errors import refuse
from crmlab.simulation.block import BLOCK_CUSTOMERS, simulate_block
from crmlab.simulation.campaigns import campaigns_table
from crmlab.simulation.clock import month_at
from crmlab.simulation.columns import arrow_table, dates, decimals
from crmlab.simulation.defects.catalogue import unknown
from crmlab.simulation.market import market_rows, simulate_market
from crmlab.simulation.measures import branch_scores, decide_places, measures_table, true_effects
from crmlab.simulation.products import product_rows
from crmlab.simulation.rows import block_tables
from crmlab.simulation.stages import add_moves
from crmlab.simulation.truth import TRUTH_FOLDER, truth_tables, write_truth

__all__ = ["Written", "simulate"]

_MARK = SIMULATED_BY  # in bank.yml: the folder is ours to replace
# one file a block; every other table is one file with a row group a block
_PARTED = ("balances", "transactions", "digital_events", "contacts", "surveys", "loyalty_points")
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
    plant: str | Iterable[str] = (),
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
        Processes that simulate blocks at the same time; changes no byte. Worth it from some 20,000 customers on.
    plant : str or iterable of str
        Defects to plant into the finished tables (`crmlab.simulation.defects.DEFECTS`); ``all`` for every one.
        ``truth/planted.yml`` says what was done, and the bank is not stamped as accepted.
    progress : callable, optional
        Called with (blocks done, blocks) after each block.

    Returns
    -------
    Written
        Rows and sizes by table.
    """
    folder = Path(out)
    refuse(*_problems(folder, customers, months, seed, force, processes), *unknown(plant))
    began = time.perf_counter()
    _sweep(folder)
    partial = make_folder(folder.parent / f".{folder.name}.partial-{os.getpid()}", "out")
    try:
        rows = _write(partial, customers, months, seed, processes, progress or (lambda done, of: None))
        planted = _plant(partial, plant, months, seed, rows)
        sizes = {name: _size(partial, name) for name in rows}
        _replace(partial, folder)
        last = np.datetime64(month_at(months - 1).last, "D").item()
        made = {"made_by": _MARK, "customers": customers, "months": months, "seed": seed}
        facts = {"name": "Simulated bank", "currency": "EUR", "timezone": "Europe/Berlin", "extracted_on": last}
        stamp_bank(folder, is_accepted=not planted, **facts, **made)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Written(folder, rows, sizes, time.perf_counter() - began)


def _plant(folder: Path, names: str | Iterable[str], months: int, seed: int, rows: dict[str, int]) -> bool:
    """Plant the defects that were asked for, and count the rows anew; tell whether there are any."""
    if not names:
        return False
    from crmlab.simulation.defects import plant

    plant(folder, names, seed=seed, months=months)
    for name in rows:
        files = [folder / f"{name}.parquet", *(folder / name).glob("*.parquet")]
        found = [pq.read_metadata(file).num_rows for file in files if file.exists()]
        rows[name] = sum(found) if found else rows[name]  # a table that became a text file keeps its rows
    return True


def _sweep(folder: Path) -> None:
    """Remove what simulations of the same folder left when they were killed, a day or more ago."""
    yesterday = time.time() - 86_400
    for left in folder.parent.glob(f".{folder.name}.partial-*"):
        if left.stat().st_mtime < yesterday:
            shutil.rmtree(left, ignore_errors=True)


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
    """Write every table; small tables get a row group a block, in the order of blocks."""
    rows = {"products": _write_products(folder), "market": _write_market(folder, seed, months)}
    rows["campaigns"] = _write_whole(folder, "campaigns", campaigns_table(seed, months))
    moves: dict[str, np.ndarray] = {}
    scores: list[np.ndarray] = []
    blocks = -(-customers // BLOCK_CUSTOMERS)
    sizes = [min(BLOCK_CUSTOMERS, customers - number * BLOCK_CUSTOMERS) for number in range(blocks)]
    jobs = [(folder, seed, number, size, months) for number, size in enumerate(sizes)]
    writers: dict[str, pq.ParquetWriter] = {}
    try:
        for number, (counts, tables, moved, scored) in enumerate(_in_order(jobs, processes)):
            moves = add_moves(moves, moved)
            scores.append(scored)
            for name, count in counts.items():
                rows[name] = rows.get(name, 0) + count
            for name, table in tables.items():
                if name not in writers:
                    writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", table.schema, **_options(table))
                writers[name].write_table(table)
            progress(number + 1, blocks)
    finally:
        for writer in writers.values():
            writer.close()
    measures = decide_places(seed, months, sum(scores))
    if measures:
        rows["measures"] = _write_whole(folder, "measures", measures_table(measures))
    write_truth(folder / TRUTH_FOLDER, simulate_market(seed, months), moves, true_effects(measures))
    return {name: rows[name] for name in CONTRACT if name in rows}


_Done = tuple[dict[str, int], dict[str, pa.Table], dict[str, np.ndarray], np.ndarray]


def _write_block(job: tuple[Path, int, int, int, int]) -> _Done:
    """Simulate one block, write its parts; return row counts, small tables, moves of stages, scores of branches."""
    folder, seed, number, size, months = job
    block = simulate_block(seed, number, size, months, simulate_market(seed, months))
    tables = block_tables(block, month_at(months - 1).last)
    counts = {name: table.num_rows for name, table in tables.items()}
    for name in _PARTED:
        if name in tables:
            _write_part(folder / name, number, tables.pop(name))
    for name, table in truth_tables(block).items():
        _write_part(folder / TRUTH_FOLDER / name, number, table)
    return counts, tables, block.truth["stage_moves"], branch_scores(block.rows["surveys"], block.people)


def _write_part(folder: Path, number: int, table: pa.Table) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _write_file(folder / f"part-{number:04d}.parquet", table)


def _in_order(jobs: list[tuple], processes: int) -> Iterator[_Done]:
    """Work off the jobs and yield the results in order, with no more than two a process in memory."""
    if processes == 1 or len(jobs) == 1:
        yield from map(_write_block, jobs)
        return
    # spawn: a fork of a process that runs threads may hang
    with ProcessPoolExecutor(min(processes, len(jobs)), mp_context=get_context("spawn")) as pool:
        ahead = deque(pool.submit(_write_block, job) for job in jobs[: 2 * processes])
        for job in [*jobs[2 * processes :], *[None] * len(ahead)]:
            result = ahead.popleft().result()
            if job is not None:
                ahead.append(pool.submit(_write_block, job))
            yield result


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
    return _write_whole(folder, "products", arrow_table("products", rows))


def _write_market(folder: Path, seed: int, months: int) -> int:
    rows = market_rows(simulate_market(seed, months), months)
    rows = {
        **rows,
        "month_on": dates(rows["month_on"]),
        "published_on": dates(rows["published_on"]),
        "system_deposits_amount": decimals(rows["system_deposits_amount"]),
    }
    return _write_whole(folder, "market", arrow_table("market", rows))


def _write_whole(folder: Path, name: str, table: pa.Table) -> int:
    """Write a table that is common to all blocks; return its rows."""
    _write_file(folder / f"{name}.parquet", table)
    return table.num_rows


def _size(folder: Path, table: str) -> int:
    files = [folder / f"{table}.parquet", folder / f"{table}.csv", *(folder / table).glob("*.parquet")]
    return sum(file.stat().st_size for file in files if file.exists())


def _replace(partial: Path, folder: Path) -> None:
    """Put the finished files in place; what belongs to no table of the contract stays."""
    folder.mkdir(exist_ok=True)
    (folder / "bank.yml").unlink(missing_ok=True)
    for name in (*CONTRACT, TRUTH_FOLDER):
        shutil.rmtree(folder / name, ignore_errors=True)
        for suffix in ("parquet", "csv"):
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    for path in sorted(partial.iterdir()):
        path.rename(folder / path.name)
