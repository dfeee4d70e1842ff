"""The data contract: what a table, a column and a rule are. The tables themselves are in `tables`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

__all__ = ["KINDS", "SIMULATED_BY", "SMALLEST_GROUP", "Column", "Table"]

SMALLEST_GROUP = 10  # customers; what a page says of fewer points at persons
SIMULATED_BY = "crmlab simulate"  # made_by in bank.yml of a bank that does not exist

# Kind of a column -> (type inside the engine, type in files, meaning). Money is in the bank's currency in files and in
# pandas, and in whole minor units (integer cents) inside the engine, because float sums differ from run to run.
KINDS: dict[str, tuple[str, str, str]] = {
    "id": ("VARCHAR", "VARCHAR", "identifier, always text, so that leading zeros and long numbers survive"),
    "text": ("VARCHAR", "VARCHAR", "text, trimmed"),
    "word": ("VARCHAR", "VARCHAR", "one of the listed words"),
    "date": ("DATE", "DATE", "calendar date"),
    "time": ("TIMESTAMP", "TIMESTAMP", "the bank's local time, without zone"),
    "money": ("BIGINT", "DECIMAL(18,2)", "money in the bank's currency; whole minor units inside the engine"),
    "count": ("BIGINT", "BIGINT", "whole number"),
    "number": ("DOUBLE", "DOUBLE", "number"),
    "share": ("DOUBLE", "DOUBLE", "share, 0 to 1 unless a range is given"),
    "flag": ("BOOLEAN", "BOOLEAN", "true or false"),
}


@dataclass(frozen=True)
class Column:
    """One column of a contract table.

    Parameters
    ----------
    name : str
        Field-standard name with its unit (``_on``, ``_at``, ``_amount``, ``_share``, ``_days``, ``_count``, ``is_``).
    kind : str
        A key of `KINDS`.
    about : str
        What it says, in one line.
    required : bool
        The column must exist and hold a value in every row.
    words : tuple of str
        For kind ``word``: the allowed values. A trailing ``other`` takes what fits nowhere.
    low, high : float or None
        Smallest and largest allowed value, in the column's unit (money: the bank's currency).
    refers : str or None
        ``table.column`` that must hold the value, when that table is present.
    not_before : str or None
        Another column of the row; this date or time may not lie before it.
    revealed_by : str or None
        Date or time column from which the value is known; before it, the as-of view shows an empty cell.
    future : bool
        The date may lie after the day of the extract (maturity, expiry).
    """

    name: str
    kind: str
    about: str
    required: bool = False
    words: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    refers: str | None = None
    not_before: str | None = None
    revealed_by: str | None = None
    future: bool = False

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind
        assert bool(self.words) == (self.kind == "word"), self.name

    @property
    def engine_type(self) -> str:
        """Type inside the engine (money as BIGINT minor units)."""
        return KINDS[self.kind][0]

    @property
    def file_type(self) -> str:
        """Type in the Parquet files that crmlab writes (money as DECIMAL currency units)."""
        return KINDS[self.kind][1]


@dataclass(frozen=True)
class Table:
    """One table of the contract.

    Parameters
    ----------
    name : str
        Table name; also its file name in a folder.
    about : str
        What one row is.
    key : tuple of str
        Columns that identify a row.
    columns : tuple of Column
        In the order of the dictionary.
    known_on : str or None
        Date or time column from which the bank knows the row. The as-of view hides later rows. None: always known.
    open_ended : bool
        Columns outside the contract are kept (only the flat `snapshot`).
    """

    name: str
    about: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    known_on: str | None = None
    open_ended: bool = False
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})
        assert len(self.by_name) == len(self.columns), f"{self.name}: column named twice"
        named = {
            *self.key,
            *(c.not_before for c in self.columns),
            *(c.revealed_by for c in self.columns),
            self.known_on,
        }
        assert named - {None} <= self.by_name.keys(), f"{self.name}: {named - {None} - self.by_name.keys()}"

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Names of the required columns."""
        return tuple(column.name for column in self.columns if column.required)

    def __getitem__(self, column: str) -> Column:
        return self.by_name[column]
