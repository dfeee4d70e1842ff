"""What a segmentation looks at: its columns with their units, and the words that may name a segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crmlab.errors import refuse

__all__ = ["KINDS", "Basis", "Column"]

# how a column is prepared: skewed numbers by their logarithm, shares and numbers as they are, words as yes or no each
KINDS = ("amount", "count", "share", "number", "flag", "category")


@dataclass(frozen=True)
class Column:
    """One column of a basis.

    Parameters
    ----------
    name : str
        Column of the frame.
    label : str
        What a reader calls it, e.g. ``Bookings a month``.
    kind : str
        ``amount`` (skewed, may be below 0), ``count`` (0 or more, skewed), ``share`` (0 to 1), ``number`` (as it
        is), ``flag`` (true or false) or ``category`` (words).
    unit : str
        Unit for rules and charts, e.g. ``a month``, ``days``, a currency code.
    """

    name: str
    label: str
    kind: str
    unit: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            refuse(f"Column: kind {self.kind!r} of {self.name!r} is not known. Choose one of {', '.join(KINDS)}.")


@dataclass(frozen=True)
class Basis:
    """What customers are compared by.

    Parameters
    ----------
    name : str
        ``behaviour``, ``needs``, ...
    columns : tuple of Column
        Columns of the frame that are used; others are ignored.
    words : mapping of str to mapping of str to float
        Name of a segment -> weights of the prepared columns that earn it. A category's columns are called
        ``column=word``. A weight below 0 asks for a low value.

    Examples
    --------
    >>> logins = Column("logins", "Logins a month", "count", "a month")
    >>> Basis("behaviour", (logins,), {"Digital": {"logins": 1.0}}).labels
    {'logins': 'Logins a month'}
    """

    name: str
    columns: tuple[Column, ...]
    words: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        unknown = sorted({key for weights in self.words.values() for key in weights if key.split("=")[0] not in names})
        refuse(
            *([f"Basis {self.name}: columns {twice} are named twice. Name each once."] if twice else []),
            *([f"Basis {self.name}: words use unknown columns {unknown}; it has {names}."] if unknown else []),
            *([f"Basis {self.name}: there are no columns. Give one or more."] if not names else []),
        )

    @property
    def labels(self) -> dict[str, str]:
        """Label of each column."""
        return {column.name: column.label for column in self.columns}
