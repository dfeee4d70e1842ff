"""Customers with words, flags and numbers as rows that a mixture model can multiply, gaps left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.segmentation.columns import Basis
from crmlab.segmentation.preparation import Preparation, categories, refuse_unfit

__all__ = ["Encoding", "Part", "known_words"]

FLAG_WORDS = ("no", "yes")
_EMPTY, _SAME = "is empty for everybody", "is the same for almost everybody"


@dataclass(frozen=True)
class Part:
    """The columns of a row that belong to one column of the basis.

    Parameters
    ----------
    column : str
        Column of the basis.
    words : tuple of str
        Its words, one column each; a flag has ``no`` and ``yes``. Empty for a number, which takes three columns: 1
        where it is known, the prepared number, its square.
    start : int
        First column of the row.
    """

    column: str
    words: tuple[str, ...]
    start: int

    @property
    def here(self) -> slice:
        """Its columns of a row."""
        return slice(self.start, self.start + (len(self.words) or 3))

    @property
    def parameters_count(self) -> int:
        """What a class needs to be told of it: shares of the words, or mean and variance."""
        return len(self.words) - 1 if self.words else 2


class Encoding:
    """Rows for a mixture: a column a word (1 where it holds), three a number; all 0 where the answer is missing.

    The logarithm of a customer's density under any class is then one product of the row with the class's weights, and
    a missing answer adds nothing to it.

    Parameters
    ----------
    basis : Basis
        Columns and their kinds.

    Attributes
    ----------
    parts : tuple of Part
        Columns of the rows.
    dropped : dict of str to str
        Columns that cannot tell customers apart, and why.

    Examples
    --------
    >>> from crmlab.segmentation.columns import Column
    >>> basis = Basis("b", (Column("saves", "Saves", "flag"), Column("class", "Class", "category")))
    >>> seen = pd.DataFrame({"saves": [True, False, None], "class": ["C1", None, "C3"]})
    >>> Encoding(basis).fit(seen).transform(seen).astype(int).tolist()
    [[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    """

    def __init__(self, basis: Basis) -> None:
        self.basis = basis

    def fit(self, frame: pd.DataFrame) -> Encoding:
        """Learn the words, and the scales of the numbers."""
        refuse_unfit(self.basis, frame)
        numbers = [c for c in self.basis.columns if c.kind not in ("flag", "category")]
        self.numbers = Preparation(Basis(self.basis.name, tuple(numbers))).fit(frame) if numbers else None
        self.dropped = dict(self.numbers.dropped_) if self.numbers else {}
        parts, start = [], 0
        for column in self.basis.columns:
            words = () if column in numbers else known_words(self.basis, column.name, column.kind, frame[column.name])
            if column not in numbers and len(words) < 2:
                self.dropped[column.name] = _SAME if words else _EMPTY
            if column.name in self.dropped:
                continue
            parts.append(Part(column.name, FLAG_WORDS if column.kind == "flag" else words, start))
            start = parts[-1].here.stop
        self.parts = tuple(parts)
        return self

    @property
    def width(self) -> int:
        """Columns of a row."""
        return self.parts[-1].here.stop if self.parts else 0

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Give rows of shape (customers, width), same order as the frame."""
        flags = {c.name for c in self.basis.columns if c.kind == "flag"}
        refuse_unfit(self.basis, frame, words={p.column: set(p.words) for p in self.parts if p.column not in flags})
        rows = np.zeros((len(frame), self.width))
        prepared = pd.DataFrame()
        if self.numbers:
            prepared = pd.DataFrame(self.numbers.transform(frame), columns=list(self.numbers.prepared_names_))
        for part in self.parts:
            values, block = frame[part.column], rows[:, part.here]
            known = values.notna().to_numpy()
            if not part.words:
                block[known, 0] = 1.0
                block[known, 1] = prepared[part.column].to_numpy()[known]
                block[:, 2] = block[:, 1] ** 2
                continue
            if part.column in flags:
                codes = _flag(self.basis, part.column, values)
            else:
                codes = pd.Categorical(values.astype("str").where(values.notna()), categories=list(part.words)).codes
            block[known, codes[known]] = 1.0
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "parts": [{"column": p.column, "words": list(p.words), "start": p.start} for p in self.parts],
            "numbers": self.numbers.as_dict() if self.numbers else None,
            "dropped": dict(self.dropped),
        }

    @classmethod
    def from_dict(cls, basis: Basis, kept: Mapping[str, Any]) -> Encoding:
        """Make the encoding that `as_dict` described."""
        made = cls(basis)
        made.parts = tuple(Part(p["column"], tuple(p["words"]), p["start"]) for p in kept["parts"])
        numbers = tuple(c for c in basis.columns if c.kind not in ("flag", "category"))
        made.numbers = Preparation.from_dict(Basis(basis.name, numbers), kept["numbers"]) if kept["numbers"] else None
        made.dropped = dict(kept["dropped"])
        return made


def known_words(basis: Basis, name: str, kind: str, values: pd.Series) -> tuple[str, ...]:
    """Give the words that a category or flag takes, in order; those never given are not there."""
    if kind == "category":
        return tuple(categories(values))
    return tuple(FLAG_WORDS[code] for code in sorted(set(_flag(basis, name, values[values.notna()]))))


def _flag(basis: Basis, name: str, values: pd.Series) -> np.ndarray:
    """Give 1 for true and 0 for false (and for a gap)."""
    numbers = values.to_numpy(dtype=float, na_value=0.0)
    if not np.isin(numbers, (0.0, 1.0)).all():
        refuse(f"{basis.name}: {name} is a flag but holds other values than true and false. Declare it as a count.")
    return numbers.astype(np.int64)
