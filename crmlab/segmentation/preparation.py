"""From what a bank knows of customers to rows that can be compared, learned once and applied to the next month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.segmentation.columns import Basis, Column

__all__ = ["NOT_KNOWN", "Preparation", "categories", "refuse_unfit"]

NOT_KNOWN = "not known"
_CLIP = 0.005
_FARTHEST = 4.0  # standard deviations; a trait of few customers must not outweigh all others


@dataclass(frozen=True)
class _Learned:
    """What is known of one prepared column."""

    column: str
    kind: str
    word: str = ""  # of a category: the word this yes-or-no column stands for
    scale: float = 1.0
    low: float = -np.inf
    high: float = np.inf
    fill: float = 0.0
    mean: float = 0.0
    deviation: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.column}={self.word}" if self.word else self.column


@dataclass
class Preparation:
    """Rows on comparable scales: logarithms of what is skewed, extremes drawn in, gaps filled, standardised.

    Parameters
    ----------
    basis : Basis
        Columns and their kinds.

    Attributes
    ----------
    prepared_names_ : tuple of str
        Columns of the rows; those of a category are ``column=word``.
    dropped_ : dict of str to str
        Columns that cannot tell customers apart, and why.

    Notes
    -----
    Amounts: inverse hyperbolic sine in units of a tenth of the median of those not 0, which is a logarithm but for
    small amounts, and takes debts too. Counts: log(1 + x). Everything is then drawn in to the values between which
    99 % of the customers lie, and always to the second largest and second smallest: one billionaire must not
    decide. Gaps take the median. No customer is further than 4 standard deviations from the mean in any column, so
    that a trait of few does not outweigh all others. A category becomes one column a word, and one for ``not
    known``.

    Examples
    --------
    >>> basis = Basis("b", (Column("acts", "Acts a month", "count"), Column("same", "Same", "number")))
    >>> seen = pd.DataFrame({"acts": [0, 1, 3, 7, 15, np.nan], "same": 1.0})
    >>> preparation = Preparation(basis).fit(seen)
    >>> preparation.prepared_names_, preparation.dropped_
    (('acts',), {'same': 'is the same for almost everybody'})
    >>> preparation.transform(seen).round(2).ravel().tolist()
    [-1.22, -1.22, 0.0, 1.22, 1.22, 0.0]
    """

    basis: Basis
    learned_: tuple[_Learned, ...] = field(default=(), repr=False)
    dropped_: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def prepared_names_(self) -> tuple[str, ...]:
        """Columns of the rows, in order."""
        return tuple(one.name for one in self.learned_)

    def fit(self, frame: pd.DataFrame) -> Preparation:
        """Learn scales, limits and fillings from one row a customer."""
        refuse_unfit(self.basis, frame)
        learned: list[_Learned] = []
        self.dropped_ = {}
        for column in self.basis.columns:
            values = frame[column.name]
            if values.isna().all():
                self.dropped_[column.name] = "is empty for everybody"
                continue
            found = [one for one in _learn(column, values) if one.deviation > 0]
            if not found:
                self.dropped_[column.name] = "is the same for almost everybody"
            learned += found
        self.learned_ = tuple(learned)
        return self

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Give rows of shape (customers, prepared columns), without gaps; same order as the frame."""
        refuse_unfit(self.basis, frame, words=self._words())
        rows = np.zeros((len(frame), len(self.learned_)))
        for place, one in enumerate(self.learned_):
            rows[:, place] = _apply(one, frame[one.column])
        return np.clip(rows, -_FARTHEST, _FARTHEST)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"learned": [_finite(asdict(one)) for one in self.learned_], "dropped": dict(self.dropped_)}

    @classmethod
    def from_dict(cls, basis: Basis, kept: Mapping[str, Any]) -> Preparation:
        """Make the preparation that `as_dict` described."""
        learned = tuple(_Learned(**{k: _endless(k, v) for k, v in one.items()}) for one in kept["learned"])
        return cls(basis, learned, dict(kept["dropped"]))

    def _words(self) -> dict[str, set[str]]:
        words: dict[str, set[str]] = {}
        for one in self.learned_:
            if one.word:
                words.setdefault(one.column, set()).add(one.word)
        return words


def refuse_unfit(basis: Basis, frame: pd.DataFrame, *, words: Mapping[str, set[str]] | None = None) -> None:
    """Refuse a frame that lacks columns of the basis, holds infinite numbers, or words that were never learned."""
    problems = [
        f"{basis.name}: the frame lacks the column {c.name!r}; it has {', '.join(map(str, frame.columns))}."
        f"{nearest(c.name, frame.columns)}"
        for c in basis.columns
        if c.name not in frame
    ]
    for column in basis.columns:
        if column.name not in frame:
            continue
        values = frame[column.name]
        if column.kind == "category":
            unknown = sorted(set(values.dropna().astype(str)) - (words or {}).get(column.name, set()) - {NOT_KNOWN})
            if words and column.name in words and unknown:
                problems.append(
                    f"{basis.name}: {column.name} holds {unknown}, which the model has not seen. Fit it anew."
                )
            continue
        numbers = _numbers(values)
        if numbers is None:
            problems.append(f"{basis.name}: {column.name} holds words. Declare it as a category, or give numbers.")
        elif np.isinf(numbers).any():
            problems.append(f"{basis.name}: {column.name} holds infinite numbers. Leave the cell empty instead.")
        elif column.kind == "count" and (numbers < 0).any():
            problems.append(
                f"{basis.name}: {column.name} is a count and holds numbers below 0. Declare it as a number."
            )
    refuse(*problems)


def categories(values: pd.Series) -> list[str]:
    """Give the words of a category in order; a gap is none."""
    return sorted(set(values.dropna().astype(str)) - {NOT_KNOWN})


def _numbers(values: pd.Series) -> np.ndarray | None:
    try:
        return values.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        return None


def _learn(column: Column, values: pd.Series) -> list[_Learned]:
    if column.kind == "category":
        words = categories(values) + ([NOT_KNOWN] if _is_word(values, NOT_KNOWN).any() else [])
        found = []
        for word in words:
            given = _is_word(values, word)
            found.append(_Learned(column.name, column.kind, word, mean=given.mean(), deviation=given.std()))
        return found
    numbers = _numbers(values)
    scale = 1.0
    if column.kind == "amount":
        some = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
        scale = float(np.median(some)) / 10 if len(some) else 1.0
    curved = _curve(numbers, column.kind, scale)
    known = curved[~np.isnan(curved)]
    low, high = np.quantile(known, _CLIP, method="higher"), np.quantile(known, 1 - _CLIP, method="lower")
    fill = float(np.median(known))
    full = np.clip(np.where(np.isnan(curved), fill, curved), low, high)
    deviation = float(full.std()) if high > low else 0.0
    return [_Learned(column.name, column.kind, "", scale, float(low), float(high), fill, float(full.mean()), deviation)]


def _apply(one: _Learned, values: pd.Series) -> np.ndarray:
    if one.word:
        return (_is_word(values, one.word) - one.mean) / one.deviation
    curved = _curve(_numbers(values), one.kind, one.scale)
    full = np.clip(np.where(np.isnan(curved), one.fill, curved), one.low, one.high)
    return (full - one.mean) / one.deviation


def _is_word(values: pd.Series, word: str) -> np.ndarray:
    if word == NOT_KNOWN:
        return (values.isna() | (values.astype("str") == NOT_KNOWN)).to_numpy(dtype=float)
    return (values.astype("str") == word).where(values.notna(), False).to_numpy(dtype=float)


def _curve(numbers: np.ndarray, kind: str, scale: float) -> np.ndarray:
    if kind == "amount":
        return np.arcsinh(numbers / scale)
    if kind == "count":
        return np.log1p(np.maximum(numbers, 0.0))
    return numbers


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()}


def _endless(name: str, value: Any) -> Any:
    return {"low": -np.inf, "high": np.inf}[name] if value is None else value
