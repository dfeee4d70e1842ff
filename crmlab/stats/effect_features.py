"""What is known of customers as numbers: missing values, words and constants, alike at training and later."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse

__all__ = ["FeatureTable"]


class FeatureTable:
    """Turn features into a matrix, learned on one table and applied to others.

    Numbers and flags become floats, gaps stay gaps; words become their number in the alphabet of those seen. Columns
    without any variation are left out.

    Attributes
    ----------
    columns_ : list of str
        Columns in use, sorted by name, so that the order of columns does not matter.
    levels_ : dict of str to list of str
        Words seen, by column.
    middles_ : dict of str to (float, float)
        Median and standard deviation of each number, for `dense`.

    Examples
    --------
    >>> table = FeatureTable().fit(pd.DataFrame({"age": [30, 40, None], "town": ["a", "b", "a"], "same": [1, 1, 1]}))
    >>> table.columns_, table.dense(pd.DataFrame({"town": ["b"], "age": [50.0]})).shape
    (['age', 'town'], (1, 4))
    >>> table.codes(pd.DataFrame({"town": ["c"], "age": [50.0]}))
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: features: column 'town' holds 'c', not seen in training. Train again, or give it as missing.
    """  # noqa: E501

    def fit(self, features: pd.DataFrame) -> FeatureTable:
        """Learn columns, words and middles; dates are refused."""
        times = [str(name) for name in features if pd.api.types.is_datetime64_any_dtype(features[name])]
        refuse(*(f"features: column {name!r} holds times. Give days since then." for name in times))
        self.levels_, self.middles_ = {}, {}
        for name in sorted(map(str, features.columns)):
            column = features[name]
            if _is_words(column):
                words = sorted(column.dropna().astype(str).unique())
                if len(words) + bool(column.isna().any()) > 1:
                    self.levels_[name] = words
                continue
            numbers = _numbers(column)
            known = numbers[np.isfinite(numbers)]
            if len(known) and (known.max() > known.min() or len(known) < len(numbers)):
                self.middles_[name] = (float(np.median(known)), float(known.std()) or 1.0)
        self.columns_ = sorted([*self.levels_, *self.middles_])
        return self

    def codes(self, features: pd.DataFrame) -> np.ndarray:
        """Matrix for trees: gaps stay gaps, words are numbers; shape (n, columns)."""
        self._check(features)
        made = [self._code(name, features[name]) for name in self.columns_]
        return np.column_stack(made) if made else np.zeros((len(features), 0))

    def dense(self, features: pd.DataFrame) -> np.ndarray:
        """Matrix for linear models: standardised, gaps at the median beside a flag, a column for each word."""
        self._check(features)
        made = []
        for name in self.columns_:
            code = self._code(name, features[name])
            if name in self.levels_:
                made += [(code == number).astype(float) for number in range(len(self.levels_[name]))]
                continue
            middle, spread = self.middles_[name]
            gap = ~np.isfinite(code)
            made += [np.clip((np.where(gap, middle, code) - middle) / spread, -5, 5), gap.astype(float)]
        return np.column_stack(made) if made else np.zeros((len(features), 0))

    def matrix(self, features: pd.DataFrame, base: str) -> np.ndarray:
        """Matrix for a base: `codes` for ``trees``, else `dense`."""
        return self.codes(features) if base == "trees" else self.dense(features)

    @property
    def word_places(self) -> list[int]:
        """Places of the words among the columns of `codes`."""
        return [place for place, name in enumerate(self.columns_) if name in self.levels_]

    def _code(self, name: str, column: pd.Series) -> np.ndarray:
        if name not in self.levels_:
            return _numbers(column)
        place = {word: float(number) for number, word in enumerate(self.levels_[name])}
        return column.astype("str").map(place).where(column.notna()).to_numpy(dtype=float)

    def _check(self, features: pd.DataFrame) -> None:
        lacking = [name for name in self.columns_ if name not in features]
        problems = [
            f"features lack column {name!r}, which was there in training.{nearest(name, features.columns)}"
            for name in lacking
        ]
        for name, words in self.levels_.items():
            if name in features:
                new = sorted(set(features[name].dropna().astype(str)) - set(words))
                problems += [
                    f"features: column {name!r} holds {word!r}, not seen in training. "
                    "Train again, or give it as missing."
                    for word in new[:3]
                ]
        refuse(*problems)


def _is_words(column: pd.Series) -> bool:
    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _numbers(column: pd.Series) -> np.ndarray:
    numbers = column.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)
