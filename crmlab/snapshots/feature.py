"""What a feature of the snapshot is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UNITS", "Feature", "State"]

# Kind of a feature -> (unit shown to people, dtype in the snapshot frame).
UNITS: dict[str, tuple[str, str]] = {
    "money": ("currency", "float64"),
    "monthly_money": ("currency a month", "float64"),
    "count": ("count", "int64"),
    "days": ("days", "float64"),
    "years": ("years", "float64"),
    "minutes": ("minutes", "float64"),
    "share": ("share", "float64"),
    "number": ("number", "float64"),
    "word": ("word", "str"),
    "flag": ("true or false", "bool"),
}


@dataclass(frozen=True)
class State:
    """One whole number (or day) kept for each customer and month by the roll-up.

    Parameters
    ----------
    sql : str
        Aggregate over the rows of one account or customer in one month.
    merge : str
        ``sum`` or ``max``: how the states of a customer's accounts become one.
    """

    sql: str
    merge: str = "sum"


@dataclass(frozen=True)
class Feature:
    """One column of the snapshot: one fact about a customer at a date.

    Parameters
    ----------
    name : str
        Column name, with its unit and window (``in_3m_amount``).
    kind : str
        A key of `UNITS`.
    window : str
        The time it covers, in words, counted back from the date.
    about : str
        What it says, in one line.
    sql : str
        Final expression over the blocks of `crmlab.snapshots.blocks`, in DuckDB's dialect.
    needs : tuple of str
        ``table.column`` that a bank must hold. A bank without them has no such feature.
    """

    name: str
    kind: str
    window: str
    about: str
    sql: str
    needs: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Unit in words."""
        return UNITS[self.kind][0]

    @property
    def dtype(self) -> str:
        """Type of the column in the frame; ``float64`` days, years, shares and money may be empty (NaN)."""
        return UNITS[self.kind][1]
