"""The rows that every measure of a score reads: what happened, what was said, how much each row counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.stats.resampling import resample_weights

__all__ = ["ScoredRows", "banded", "counts_above", "resampled_rows", "scored_rows"]

Measure = Callable[["ScoredRows", np.ndarray], "float | np.ndarray"]


class ScoredRows(NamedTuple):
    """Checked rows, all arrays of one length.

    Parameters
    ----------
    outcome : ndarray of float
        1 where the event happened, else 0.
    score : ndarray of float
        Higher for a likelier event; a probability where that was asked for.
    weight : ndarray of float
        How much a row counts, above 0.
    cluster : ndarray of int
        Number of the customer whose row it is, from 0; without customers every row is one.
    """

    outcome: np.ndarray
    score: np.ndarray
    weight: np.ndarray
    cluster: np.ndarray

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.outcome)

    @property
    def events(self) -> int:
        """Rows in which the event happened."""
        return int(self.outcome.sum())

    @property
    def why_not_ranked(self) -> str:
        """Why no ranking can be judged, or an empty text."""
        if self.n == 0:
            return "not known: no rows"
        if self.events == 0:
            return f"not known: none of {self.n:,} rows has the event"
        return f"not known: all of {self.n:,} rows have the event" if self.events == self.n else ""


def scored_rows(
    what: str,
    outcome: object,
    score: object,
    *,
    weights: object = None,
    customers: object = None,
    is_probability: bool = False,
) -> ScoredRows:
    """Check outcomes and scores and bring them to arrays.

    Parameters
    ----------
    what : str
        Name of the function that was asked, for the message.
    outcome : array-like of 0 and 1 (or bool)
    score : array-like of float
        As long as `outcome`, without gaps. Two Series must have the same index.
    weights : array-like of float, optional
        Above 0; None: every row counts 1.
    customers : array-like, optional
        Whose row it is; None: every row is a customer of its own.
    is_probability : bool
        The score must lie from 0 to 1.

    Examples
    --------
    >>> scored_rows("auc", [0, 1], [0.2]).n
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: auc: 2 outcomes against 1 scores. Give both for the same rows, in the same order.
    """
    given = {"scores": score, "weights": weights, "customers": customers}
    lengths = {name: len(values) for name, values in given.items() if values is not None}
    n = len(outcome)
    refuse(
        *(
            f"{what}: {n:,} outcomes against {length:,} {name}. Give both for the same rows, in the same order."
            for name, length in lengths.items()
            if length != n
        ),
        *(
            f"{what}: outcomes and {name} have different indexes. Bring them to the same rows in the same order."
            for name, values in given.items()
            if isinstance(outcome, pd.Series)
            and isinstance(values, pd.Series)
            and len(values) == n
            and not outcome.index.equals(values.index)
        ),
    )
    y, s = _numbers(outcome), _numbers(score)
    w = np.ones(n) if weights is None else _numbers(weights)
    cluster = np.arange(n) if customers is None else pd.factorize(pd.Series(np.asarray(customers, dtype=object)))[0]
    gaps, wrong = int(np.isnan(s).sum()), int((~np.isin(y, (0, 1))).sum())
    outside = int(((s < 0) | (s > 1)).sum()) if is_probability else 0
    refuse(
        *([f"{what}: {wrong:,} of {n:,} outcomes are neither 0 nor 1. Leave rows without one out."] * (wrong > 0)),
        *([f"{what}: {gaps:,} of {n:,} scores are missing. Leave those rows out, and count them."] * (gaps > 0)),
        *([f"{what}: {outside:,} of {n:,} probabilities lie outside 0 to 1. Give probabilities."] * (outside > 0)),
        *([f"{what}: weights must be above 0 and known. Leave rows of weight 0 out."] * bool(n and not (w > 0).all())),
        *([f"{what}: some rows have no customer. Name the customer of every row."] * bool((cluster < 0).any())),
    )  # fmt: skip
    return ScoredRows(y, s, w, cluster)


def counts_above(rows: ScoredRows, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count rows and events at or above each distinct score, from none to all.

    Parameters
    ----------
    rows : ScoredRows
    weight : ndarray of float
        How much each row counts, 0 or more.

    Examples
    --------
    >>> above, events = counts_above(scored_rows("", [1, 0, 0], [2, 1, 1]), np.ones(3))
    >>> above.tolist(), events.tolist()
    ([0.0, 1.0, 3.0], [0.0, 1.0, 1.0])
    """
    order = np.argsort(-rows.score, kind="stable")
    score, w = rows.score[order], weight[order]
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    all_rows, events = np.cumsum(w)[last], np.cumsum(w * rows.outcome[order])[last]
    return np.concatenate([[0.0], all_rows]), np.concatenate([[0.0], events])


def resampled_rows(rows: ScoredRows, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield the weights of the rows for each resample; customers are drawn, with all their rows.

    Parameters
    ----------
    rows : ScoredRows
    resamples, seed : int
        Same seed, same draws. A row's weight is 0 where its customer was not drawn.
    """
    customers = int(rows.cluster.max()) + 1 if rows.n else 0
    for drawn in resample_weights(customers, resamples=resamples, seed=seed):
        yield rows.weight * drawn[rows.cluster]


def banded(
    rows: ScoredRows, measure: Measure, resamples: int, seed: int, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute a measure, or several, and the percentile limits of its resamples.

    Parameters
    ----------
    rows : ScoredRows
    measure : callable
        Takes rows and weights, gives a number or a vector of fixed length; NaN where a resample says nothing.
    resamples, seed, level
        As in `crmlab.stats.bootstrap`.

    Returns
    -------
    tuple of ndarray
        Value, low, high.
    """
    order = np.argsort(-rows.score, kind="stable")  # once, so that each resample finds its rows in order
    kept = ScoredRows(*(column[order] for column in rows))
    value = np.asarray(measure(kept, kept.weight), dtype=float)
    drawn = np.array([measure(kept, weight) for weight in resampled_rows(kept, resamples, seed)])
    tail = (1 - level) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    return value, low, high


def _numbers(values: object) -> np.ndarray:
    try:
        return pd.to_numeric(pd.Series(np.asarray(values)), errors="raise").to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        return pd.to_numeric(pd.Series(np.asarray(values, dtype=object)), errors="coerce").to_numpy(dtype=float)
