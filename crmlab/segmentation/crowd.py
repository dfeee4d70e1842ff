"""One crowd: customers with the same margins and the same correlations, and no segments."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.segmentation.columns import Basis

__all__ = ["Crowd"]

_CORRECTIONS, _DRAWS = 4, 20  # the mean of many draws: the noise of one would stay in the correlations


class Crowd:
    """Draws customers alike to those seen in every column and every pair of columns, but of one kind.

    Parameters
    ----------
    frame : DataFrame
        Basis frame, one row a customer; gaps allowed.
    basis : Basis
        Its columns. The words of a category are taken in alphabetical order.
    seed : int
        Same seed, same crowds.

    Notes
    -----
    A Gaussian copula: normal scores with the correlations seen, each column then given its own values back in that
    order. Ties weaken the correlation of what is drawn; the correlations of the scores are raised until the draws
    correlate like the data. Gaps stay where they fall, drawn for whole customers.

    Clusters of such a crowd are cut out of one cloud, so whatever a clustering of the customers has beyond a clustering
    of the crowd is not explained by skewed columns and correlations. The idea is that of Hennig and Lin (2015,
    Statistics and Computing 25) and, for one normal cloud, Liu and others (2008, JASA 103).

    Examples
    --------
    >>> seen = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": ["x", "x", "y", None]})
    >>> from crmlab.segmentation.columns import Column
    >>> basis = Basis("b", (Column("a", "A", "number"), Column("b", "B", "category")))
    >>> drawn = Crowd(seen, basis, seed=1).draw()
    >>> sorted(drawn["a"]), int(drawn["b"].isna().sum())
    ([1.0, 2.0, 3.0, 4.0], 1)
    """

    def __init__(self, frame: pd.DataFrame, basis: Basis, *, seed: int = 1) -> None:
        self._rng = np.random.default_rng(seed)
        self._index = frame.index
        self._columns = {c.name: frame[c.name] for c in basis.columns}
        numbers = np.column_stack([_numbers(values) for values in self._columns.values()])
        self._missing = np.isnan(numbers)
        self._order = np.argsort(numbers, axis=0, kind="stable")  # gaps come last
        self._known = (~self._missing).sum(axis=0)
        self._wanted = _correlation(_scores(numbers))
        self._scores = np.sort(_scores(numbers), axis=0)
        self._root = self._calibrated()

    def draw(self) -> pd.DataFrame:
        """Draw as many customers as were seen, with the same index."""
        places, missing = self._places(self._root)
        drawn = {}
        for j, (name, values) in enumerate(self._columns.items()):
            known = ~missing[:, j]
            source = np.full(len(values), -1)
            source[known] = self._order[places[known, j], j]
            drawn[name] = pd.Series(values.array.take(source, allow_fill=True), index=self._index)
        return pd.DataFrame(drawn)

    def _places(self, root: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give each customer drawn the rank of the value he gets in each column, and the gaps."""
        rows, columns = self._missing.shape
        normal = self._rng.normal(size=(rows, columns)) @ root.T
        missing = self._missing[self._rng.permutation(rows)]
        normal[missing] = np.inf  # gaps come last here too
        places = np.empty((rows, columns), dtype=np.int64)
        for j in range(columns):
            places[np.argsort(normal[:, j], kind="stable"), j] = np.arange(rows)
        return places, missing

    def _calibrated(self) -> np.ndarray:
        latent = self._wanted.copy()
        for _ in range(_CORRECTIONS):
            root = _root(latent)
            drawn = np.mean([self._drawn_correlation(root) for _ in range(_DRAWS)], axis=0)
            latent = np.clip(latent + (self._wanted - drawn), -0.98, 0.98)
            np.fill_diagonal(latent, 1.0)
        return _root(latent)

    def _drawn_correlation(self, root: np.ndarray) -> np.ndarray:
        places, missing = self._places(root)
        scores = np.take_along_axis(self._scores, places, axis=0)
        scores[missing] = np.nan
        return _correlation(scores)


def _numbers(values: pd.Series) -> np.ndarray:
    """Give a column as numbers whose order is that of its values; gaps stay gaps."""
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values.to_numpy(dtype=float, na_value=np.nan)
    codes = pd.Categorical(values).codes.astype(float)
    return np.where(codes < 0, np.nan, codes)


def _scores(numbers: np.ndarray) -> np.ndarray:
    """Normal scores of mid-ranks, a column at a time; gaps stay gaps."""
    ranks = pd.DataFrame(numbers).rank().to_numpy()
    known = np.maximum((~np.isnan(numbers)).sum(axis=0), 1)
    return norm.ppf((ranks - 0.5) / known)


def _correlation(scores: np.ndarray) -> np.ndarray:
    """Correlations of the pairs both known; 0 where a column does not vary or a pair is never known together."""
    seen = ~np.isnan(scores)
    filled = np.where(seen, scores, 0.0)
    both = seen.T.astype(float) @ seen.astype(float)
    sums, squares = filled.T @ seen.astype(float), (filled**2).T @ seen.astype(float)
    safe = np.maximum(both, 1)
    covariance = filled.T @ filled / safe - (sums / safe) * (sums / safe).T
    variance = np.maximum(squares / safe - (sums / safe) ** 2, 0)
    spread = np.sqrt(variance * variance.T)
    found = np.where(spread > 1e-12, covariance / np.maximum(spread, 1e-12), 0.0)
    np.fill_diagonal(found, 1.0)
    return found


def _root(correlation: np.ndarray) -> np.ndarray:
    """A matrix whose square is the nearest correlation that can be."""
    values, vectors = np.linalg.eigh((correlation + correlation.T) / 2)
    root = vectors * np.sqrt(np.maximum(values, 0))
    return root / np.maximum(np.sqrt((root**2).sum(axis=1, keepdims=True)), 1e-12)
