"""What one block of customers leaves behind: rows of the tables the bank sees, and notes of the truth it does not."""

from __future__ import annotations

import numpy as np

__all__ = ["Record"]


class Record:
    """Parts of tables, added month by month and stacked at the end; a part is one array a column.

    Examples
    --------
    >>> record = Record()
    >>> record.add("balances", {"account": np.array([0, 1])})
    >>> record.add("balances", {"account": np.array([2])})
    >>> record.rows()["balances"]["account"].tolist()
    [0, 1, 2]
    """

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, np.ndarray]]] = {}
        self._truth: dict[str, list[dict[str, np.ndarray]]] = {}

    def add(self, table: str, part: dict[str, np.ndarray]) -> None:
        """Add rows of a contract table."""
        self._rows.setdefault(table, []).append(part)

    def note(self, name: str, part: dict[str, np.ndarray]) -> None:
        """Note rows of a table of the truth, which no report may see."""
        self._truth.setdefault(name, []).append(part)

    def rows(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the contract tables."""
        return {name: _stack(parts) for name, parts in self._rows.items()}

    def truth(self) -> dict[str, dict[str, np.ndarray]]:
        """Return the tables of the truth."""
        return {name: _stack(parts) for name, parts in self._truth.items()}


def _stack(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    filled = [part for part in parts if part]
    if not filled:
        return {}
    return {name: np.concatenate([part[name] for part in filled]) for name in filled[0]}
