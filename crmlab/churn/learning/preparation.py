"""Columns of any kind become the matrix that is learned from; next month's columns must still be the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crmlab.bank.tables import CONTRACT
from crmlab.errors import nearest, refuse

__all__ = ["IDENTIFIERS", "Preparation", "feature_names"]

IDENTIFIERS = frozenset(column.name for table in CONTRACT.values() for column in table.columns if column.kind == "id")
_DATES = ("as_of", "snapshot_on")
_ID = re.compile(r"(^|_)(id|uuid|guid|iban)$|[a-z]I[dD]$", re.ASCII)
_MOST_WORDS = 100  # words of a column that are told apart; the rarer ones are one
_ENOUGH = 100  # rows from which an empty column is a change, and a count of rows is told from a number
REST = "(other words)"


class Preparation:
    """Turn columns into numbers that a learner reads, the same way at each scoring.

    Attributes
    ----------
    columns_ : list of str
        Columns in use, in the order of the matrix.
    kinds_ : dict of str to str
        ``number``, ``flag`` or ``words`` by column.
    words_ : dict of str to list of str
        Words that were there, by column of words; the last may stand for all rarer ones.
    typical_ : dict of str to float or str
        Median of numbers (the middle where there are two), share of true flags, most common word.
    missing_ : dict of str to float
        Share of gaps, 0 to 1.
    dropped_ : dict of str to str
        Columns that are not used, and why.

    Notes
    -----
    Gaps stay gaps: the learner decides what they mean. Words become codes by the alphabet, so neither the order of rows
    nor that of columns changes the result. Identifiers, dates, empty columns and constant ones are left out and named.

    Examples
    --------
    >>> frame = pd.DataFrame({"age_years": [30.0, 40.0], "region": ["north", "south"], "flat": [1, 1]})
    >>> prepared = Preparation().fit(frame)
    >>> prepared.transform(frame).tolist(), prepared.dropped_
    ([[30.0, 0.0], [40.0, 1.0]], {'flat': 'the same value in every row'})
    >>> prepared.transform(pd.DataFrame({"age_years": ["old"], "region": ["east"]}))
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: 2 problems:
    - features: column 'age_years' was number and is words. Give it as it was learned from.
    - features: column 'region' has words that were not learned from: 'east' (1 row). Map them, or learn anew.
    """

    def fit(self, frame: pd.DataFrame) -> Preparation:
        """Learn which columns there are and what they hold.

        Parameters
        ----------
        frame : DataFrame
            One row a customer, or a customer and date. Not changed.
        """
        twice = sorted(set(map(str, frame.columns[frame.columns.duplicated()])))
        refuse(
            *([f"features: columns {twice} are there twice. Keep one of each."] * bool(twice)),
            *(["features: there are no rows. Give one row a customer."] * (len(frame) == 0)),
        )
        self.columns_, self.dropped_ = [], {}
        self.kinds_, self.words_, self.typical_, self.missing_ = {}, {}, {}, {}
        problems = []
        for name in sorted(map(str, frame.columns)):
            column = frame[name]
            kind, found = _kind(column), _problem(name, column)
            reason = _why_not(name, column, kind)
            if reason:
                self.dropped_[name] = reason
            elif kind == "mixed" or found:
                problems.append(found or f"features: column {name!r} mixes numbers and words. Give one kind.")
            else:
                self._keep(name, column, kind)
        refuse(*problems)
        if not self.columns_:
            told = ", ".join(f"{name} ({reason})" for name, reason in self.dropped_.items()) or "there is none"
            refuse(f"features: no column can be learned from: {told}. Give columns that vary.")
        return self

    def _keep(self, name: str, column: pd.Series, kind: str) -> None:
        self.columns_.append(name)
        self.kinds_[name] = kind
        self.missing_[name] = float(column.isna().mean())
        if kind != "words":
            values = _numbers(column)
            different = np.unique(values[~np.isnan(values)])
            middle = different.mean() if len(different) == 2 else np.nanmedian(values)
            self.typical_[name] = float(np.nanmean(values) if kind == "flag" else middle)
            return
        counts = column.dropna().astype("str").value_counts()
        ordered = counts.to_frame("n").assign(word=counts.index).sort_values(["n", "word"], ascending=[False, True])
        kept = sorted(ordered["word"].head(_MOST_WORDS).tolist())
        self.words_[name] = [*kept, REST] if len(counts) > _MOST_WORDS else kept
        self.typical_[name] = str(ordered["word"].iloc[0])

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Bring a frame to the matrix, or refuse columns that changed, all at once.

        Parameters
        ----------
        frame : DataFrame
            As at `fit`; further columns are not read.

        Returns
        -------
        ndarray of float32
            One row a row, one column for each of `columns_`; gaps are NaN, words are codes.
        """
        if not hasattr(self, "columns_"):
            refuse("Preparation: nothing was learned yet. Call fit first.")
        names = list(map(str, frame.columns))
        problems, matrix = [], np.empty((len(frame), len(self.columns_)), dtype=np.float32)
        for j, name in enumerate(self.columns_):
            if name not in names:
                problems.append(
                    f"features: column {name!r} is missing.{nearest(name, set(names) - set(self.columns_))} "
                    "Give every column that was learned from."
                )
                continue
            found, values = self._read(name, frame[name])
            problems += found
            if values is not None:
                matrix[:, j] = values
        refuse(*problems)
        return matrix

    def with_known_words(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
        """Make gaps of words that were not learned from, and count them: for judging the past, not for scoring.

        Returns
        -------
        tuple of DataFrame and dict
            A copy where needed, and the number of rows by column.
        """
        counts, changed = {}, frame
        for name, words in self.words_.items():
            if name not in frame.columns or REST in words:
                continue
            column = frame[name]
            strange = column.notna() & ~column.astype("str").isin(words)
            if strange.any():
                counts[name] = int(strange.sum())
                changed = changed.assign(**{name: column.astype(object).where(~strange, None)})
        return changed, counts

    def _read(self, name: str, column: pd.Series) -> tuple[list[str], np.ndarray | None]:
        was, kind = self.kinds_[name], _kind(column)
        if kind == "empty":
            if len(column) >= _ENOUGH and self.missing_[name] < 0.5:
                return [
                    f"features: column {name!r} is empty and was filled in {1 - self.missing_[name]:.0%} of rows. "
                    "See why, or learn anew without it."
                ], None
            return [], np.full(len(column), np.nan)
        is_flag = was == "flag" and kind == "number" and set(np.unique(_numbers(column.dropna()))) <= {0.0, 1.0}
        if kind != was and not is_flag:
            said = "numbers and words mixed" if kind == "mixed" else kind
            return [f"features: column {name!r} was {was} and is {said}. Give it as it was learned from."], None
        if found := _problem(name, column):
            return [found], None
        if was != "words":
            return [], _numbers(column)
        known = {word: code for code, word in enumerate(self.words_[name])}
        text = column.astype("str").where(column.notna())
        codes = text.map(known).to_numpy(dtype=float, na_value=np.nan).copy()
        strange = np.isnan(codes) & text.notna().to_numpy()
        if strange.any() and REST not in known:
            counts = text[strange].value_counts()
            told = ", ".join(f"{w!r} ({n:,} row{'s' * (n > 1)})" for w, n in sorted(counts.items())[:5])
            more = f" and {len(counts) - 5:,} more" if len(counts) > 5 else ""
            return [
                f"features: column {name!r} has words that were not learned from: {told}{more}. "
                "Map them, or learn anew."
            ], None
        codes[strange] = known.get(REST, np.nan)
        return [], codes

    @property
    def word_columns_(self) -> list[int]:
        """Places of the columns of words in the matrix."""
        return [j for j, name in enumerate(self.columns_) if self.kinds_[name] == "words"]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a file."""
        return {
            "columns": [
                {
                    "name": name, "kind": self.kinds_[name], "typical": self.typical_[name],
                    "missing_share": self.missing_[name], "words": self.words_.get(name, []),
                }
                for name in self.columns_
            ],
            "left_out": [{"name": name, "reason": reason} for name, reason in self.dropped_.items()],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Preparation:
        """Read what `as_dict` wrote."""
        made = cls()
        columns = kept["columns"]
        made.columns_ = [one["name"] for one in columns]
        made.kinds_ = {one["name"]: one["kind"] for one in columns}
        made.typical_ = {one["name"]: one["typical"] for one in columns}
        made.missing_ = {one["name"]: one["missing_share"] for one in columns}
        made.words_ = {one["name"]: list(one["words"]) for one in columns if one["kind"] == "words"}
        made.dropped_ = {one["name"]: one["reason"] for one in kept["left_out"]}
        return made


def feature_names(frame: pd.DataFrame, *, outcome: str = "") -> list[str]:
    """List the columns of a panel that may be learned from: neither identifiers, nor dates of rows, nor the outcome.

    Parameters
    ----------
    frame : DataFrame
    outcome : str
        Column that says what happened; empty for none.

    Examples
    --------
    >>> feature_names(pd.DataFrame({"customer_id": ["a"], "as_of": ["2024-01-31"], "x": [1], "left": [0]}),
    ...     outcome="left")
    ['x']
    """  # fmt: skip
    return [str(n) for n in frame.columns if str(n) != outcome and str(n) not in IDENTIFIERS and str(n) not in _DATES]


def _kind(column: pd.Series) -> str:
    filled = column.dropna()
    if len(filled) == 0:
        return "empty"
    if pd.api.types.is_bool_dtype(column):
        return "flag"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    if isinstance(column.dtype, pd.CategoricalDtype):
        return "words"
    if column.dtype == object:
        kinds = {_kind_of_value(value) for value in filled}
        return kinds.pop() if len(kinds) == 1 else "mixed"
    return "words"


def _kind_of_value(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "flag"
    if isinstance(value, (int, float, np.number)) or type(value).__name__ == "Decimal":
        return "number"
    if isinstance(value, (pd.Timestamp, np.datetime64)) or type(value).__name__ == "date":
        return "date"
    return "words"


def _why_not(name: str, column: pd.Series, kind: str) -> str:
    """Say why a column is not learned from, or nothing."""
    if name in IDENTIFIERS or _ID.search(name):
        return "an identifier"
    if name in _DATES or kind == "date":
        return "a date: give the days since it"
    if kind == "empty":
        return "no value in any row"
    if column.isna().sum() == 0 and column.nunique() == 1:
        return "the same value in every row"
    n, different = len(column), column.nunique() if kind in ("words", "number") else 0
    if kind == "words" and n >= _ENOUGH and different > n / 2:
        return f"words that hardly repeat ({different:,} in {n:,} rows)"
    if kind == "number" and n >= _ENOUGH and different == n:
        values = np.sort(_numbers(column))
        if bool((np.diff(values) == 1).all()):
            return "it only counts the rows"
    return ""


def _problem(name: str, column: pd.Series) -> str:
    if _kind(column) != "number":
        return ""
    wrong = int(np.isinf(_numbers(column)).sum())
    return f"features: column {name!r} is infinite in {wrong:,} rows. Give a number or a gap." if wrong else ""


def _numbers(column: pd.Series) -> np.ndarray:
    plain = column.astype(float) if column.dtype == object else column
    return plain.to_numpy(dtype=float, na_value=np.nan)
