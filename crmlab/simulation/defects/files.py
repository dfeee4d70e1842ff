"""The written tables of a bank, rewritten in place by the engine, one file at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from crmlab.bank.engine import connect, literal
from crmlab.simulation.clock import month_at

__all__ = ["Planting"]


@dataclass
class Planting:
    """What a defect works with: the files of a bank, random numbers of its own, and the calendar.

    Parameters
    ----------
    folder : Path
        Bank, complete but for ``bank.yml``.
    rng : Generator
        Random numbers of this defect.
    months : int
        Months of the bank.
    """

    folder: Path
    rng: np.random.Generator
    months: int
    engine: duckdb.DuckDBPyConnection = field(default_factory=connect)

    def __post_init__(self) -> None:
        self.engine.execute("SET threads = 1")  # several threads may write rows in another order

    def files(self, table: str) -> list[Path]:
        """Parquet files of a table, in order; none when the bank lacks it."""
        one = self.folder / f"{table}.parquet"
        return [one] if one.is_file() else sorted((self.folder / table).glob("*.parquet"))

    def rows(self, query: str, table: str) -> list[tuple]:
        """Run a query in which ``{table}`` stands for the rows of a table, over all its files."""
        return self.engine.execute(query.format(table=self.reader(table))).fetchall()

    def reader(self, table: str) -> str:
        """FROM item over a table's files."""
        return f"read_parquet([{', '.join(literal(path) for path in self.files(table))}])"

    def rewrite(self, table: str, query: str) -> None:
        """Replace each file of a table by a query in which ``{file}`` stands for the file's rows.

        The columns and their types must stay. ``{first}`` is true in the first file only, for rows to be added once.
        """
        for number, path in enumerate(self.files(table)):
            target = path.with_suffix(".planted")
            select = query.format(file=f"read_parquet({literal(path)})", first="true" if number == 0 else "false")
            self.engine.execute(f"COPY ({select}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)")
            target.replace(path)

    def pick(self, ids: list[str], share: float, at_least: int) -> list[str]:
        """Draw ids without repetition: a share of them, not fewer than `at_least`, and never more than there are."""
        size = min(len(ids), max(at_least, round(share * len(ids))))
        return sorted(np.array(ids)[np.sort(self.rng.permutation(len(ids))[:size])].tolist()) if ids else []

    def register(self, name: str, **columns: list) -> None:
        """Make a small table of the engine from lists of equal length."""
        import pyarrow as pa

        self.engine.execute(f"DROP TABLE IF EXISTS {name}")
        given = pa.table(columns)
        self.engine.register("given_", given)
        self.engine.execute(f"CREATE TABLE {name} AS FROM given_")
        self.engine.unregister("given_")

    def first_day(self, month: int) -> np.datetime64:
        """First day of a month, counted from the bank's first."""
        return np.datetime64(month_at(month).first, "D")

    @property
    def last_day(self) -> np.datetime64:
        """Last day of the bank."""
        return np.datetime64(month_at(self.months - 1).last, "D")
