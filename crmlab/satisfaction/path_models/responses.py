"""The doorstep of the analysis: which responses and answers count, with what weight, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.stats.resampling import effective_count

__all__ = ["MISSING_RULES", "Responses", "responses"]

MISSING_RULES = ("pairwise", "complete")
_FEWEST = 3  # with two, every correlation is 1 or -1


@dataclass(frozen=True)
class Responses:
    """Answers that count.

    Parameters
    ----------
    items : tuple of str
        Columns of `values`.
    values : ndarray of float, shape (n, p)
        Scores; NaN where not answered.
    weights : ndarray of float, shape (n,)
        Above 0.
    units : ndarray of int, shape (n,)
        What is drawn as one in a resample: the number of the customer, or of the response.
    rows : ndarray of int, shape (n,)
        Places in the frame they were taken from.
    said : tuple of str
        What was left out or is missing, in sentences.
    """

    items: tuple[str, ...]
    values: np.ndarray
    weights: np.ndarray
    units: np.ndarray
    rows: np.ndarray
    said: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Responses."""
        return len(self.values)

    @property
    def n_units(self) -> int:
        """Units drawn in a resample."""
        return int(self.units.max()) + 1

    @property
    def n_effective(self) -> float:
        """Responses of equal weight that would say as much (Kish 1965): squared sum over sum of squares."""
        return float(effective_count(self.weights))


def responses(
    frame: pd.DataFrame,
    items: Sequence[str],
    *,
    weights: str | Sequence[float] | None = None,
    clusters: str | Sequence[object] | None = None,
    wave: str | None = None,
    missing: str = "pairwise",
) -> Responses:
    """Take from a survey the answers that count; refuse what cannot be used, all at once.

    Parameters
    ----------
    frame : DataFrame
        One row a response, one numeric column an item; NaN where not answered.
    items : sequence of str
        Columns to take, in this order.
    weights : str or sequence of float, optional
        Survey weights, or their column; 0 leaves the response out. Their scale does not matter.
    clusters : str or sequence, optional
        What a resample draws as one (customer), or its column; each response by itself where not given.
    wave : str, optional
        Column that must not hold a wave in which nobody answered an item.
    missing : {"pairwise", "complete"}
        ``pairwise`` keeps every response with an answer; ``complete`` only those without a gap.

    Examples
    --------
    >>> frame = pd.DataFrame({"v1": [5, 7, 9, 4], "v2": [4, None, 8, 5], "weight": [1.0, 1.0, 2.0, 0.0]})
    >>> taken = responses(frame, ["v1", "v2"], weights="weight")
    >>> taken.n, taken.said
    (3, ('1 of 4 responses has weight 0 and is left out.', '16.7 % of the answers are missing.'))
    """
    problems = _of_columns(frame, items, missing)
    refuse(*problems)
    weight, said_of_weights = _weights(frame, weights)
    unit, said_of_units = _clusters(frame, clusters)
    values = np.column_stack([frame[item].to_numpy(dtype=float, na_value=np.nan) for item in items])
    infinite = [item for item, bad in zip(items, np.isinf(values).any(axis=0), strict=True) if bad]
    problems = said_of_weights + said_of_units + _of_waves(frame, values, items, wave)
    if infinite:
        problems.append(f"items {infinite} hold infinite values. Mend the answers or leave them missing.")
    refuse(*problems)
    total, said = len(values), []
    kept = weight > 0
    if not kept.all():
        said.append(_left_out(total - kept.sum(), total, "weight 0"))
    empty = kept & np.isnan(values).all(axis=1)
    if empty.any():
        said.append(_left_out(empty.sum(), total, "no answer to any of these items"))
        kept &= ~empty
    gaps = kept & np.isnan(values).any(axis=1)
    if gaps.any() and missing == "complete":
        said.append(_left_out(gaps.sum(), total, "gaps"))
        kept &= ~gaps
    rows = np.flatnonzero(kept)
    share = np.isnan(values[rows]).mean() if len(rows) else 0.0
    if share:
        said.append(f"{100 * share:.1f} % of the answers are missing.")
    refuse(*_of_answers(values[rows], items, total, said))
    units = np.unique(unit[rows], return_inverse=True)[1]
    return Responses(tuple(items), values[rows], weight[rows], units, rows, tuple(said))


def _left_out(count: int, total: int, what: str) -> str:
    one = count == 1
    return f"{count:,} of {total:,} responses {'has' if one else 'have'} {what} and {'is' if one else 'are'} left out."


def _of_columns(frame: pd.DataFrame, items: Sequence[str], missing: str) -> list[str]:
    problems = []
    if missing not in MISSING_RULES:
        problems.append(f"missing: {missing!r} is not a rule.{nearest(missing, MISSING_RULES)} Known: {MISSING_RULES}.")
    columns = list(frame.columns)
    for item in items:
        if item not in columns:
            problems.append(f"item {item!r} is not a column of the answers.{nearest(item, columns)}")
        elif columns.count(item) > 1:
            problems.append(f"item {item!r} is the name of {columns.count(item)} columns. Keep one.")
        elif not pd.api.types.is_numeric_dtype(frame[item]):
            problems.append(f"item {item!r} holds {frame[item].dtype}, not numbers. Turn its answers into scores.")
    return problems


def _weights(frame: pd.DataFrame, given: str | Sequence[float] | None) -> tuple[np.ndarray, list[str]]:
    if given is None:
        return np.ones(len(frame)), []
    if isinstance(given, str):
        if given not in frame.columns:
            return np.ones(len(frame)), [f"weights: {given!r} is not a column.{nearest(given, frame.columns)}"]
        given = frame[given]
    weight = pd.to_numeric(pd.Series(np.asarray(given)), errors="coerce").to_numpy(dtype=float)
    if len(weight) != len(frame):
        return np.ones(len(frame)), [f"weights: {len(weight):,} for {len(frame):,} responses. Give one a response."]
    problems = []
    unknown, negative = int((~np.isfinite(weight)).sum()), int((weight < 0).sum())
    if unknown:
        problems.append(f"weights: {unknown:,} of {len(weight):,} are no finite number. Give every response a weight.")
    if negative:
        problems.append(f"weights: {negative:,} of {len(weight):,} are below 0. Give 0 or more.")
    if not problems and len(weight) and weight.sum() == 0:
        problems.append("weights: all are 0, so no response counts. Give weights above 0.")
    return weight, problems


def _clusters(frame: pd.DataFrame, given: str | Sequence[object] | None) -> tuple[np.ndarray, list[str]]:
    each = np.arange(len(frame))
    if given is None:
        return each, []
    if isinstance(given, str):
        if given not in frame.columns:
            return each, [f"clusters: {given!r} is not a column.{nearest(given, frame.columns)}"]
        given = frame[given]
    if len(given) != len(frame):
        return each, [f"clusters: {len(given):,} for {len(frame):,} responses. Give one a response."]
    number = pd.factorize(np.asarray(given, dtype=object))[0]
    unknown = int((number < 0).sum())
    return number, ([f"clusters: {unknown:,} responses have none. Name one for every response."] if unknown else [])


def _of_waves(frame: pd.DataFrame, values: np.ndarray, items: Sequence[str], wave: str | None) -> list[str]:
    if wave is None:
        return []
    if wave not in frame.columns:
        return [f"wave: {wave!r} is not a column.{nearest(wave, frame.columns)}"]
    problems = []
    for name, rows in frame.reset_index(drop=True).groupby(wave, sort=True).groups.items():
        unasked = [item for item, gone in zip(items, np.isnan(values[rows]).all(axis=0), strict=True) if gone]
        if unasked and len(unasked) < len(items):
            problems.append(
                f"wave {name!r}: nobody answered {unasked}. Leave the wave or these items out; "
                "waves that ask different items measure different things."
            )
    return problems


def _of_answers(values: np.ndarray, items: Sequence[str], total: int, said: Sequence[str]) -> list[str]:
    """Problems of the answers that are left."""
    if len(values) < _FEWEST:
        why = f" {' '.join(said)}" if said else ""
        return [f"answers: {len(values):,} of {total:,} responses can be used.{why} Give {_FEWEST} or more."]
    answered = (~np.isnan(values)).sum(axis=0)
    problems = []
    unanswered = [item for item, count in zip(items, answered, strict=True) if count == 0]
    if unanswered:
        problems.append(f"items {unanswered}: nobody answered them. Leave them out of the model.")
    constant = [
        (item, column[~np.isnan(column)][0], count)
        for item, column, count in zip(items, values.T, answered, strict=True)
        if count and np.nanmin(column) == np.nanmax(column)
    ]
    if constant:
        same = ", ".join(f"{item} {value:g} ({count:,} answers)" for item, value, count in constant)
        problems.append(
            f"items with the same answer from everybody: {same}. They cannot go along with anything; "
            "leave them out of the model."
        )
    return problems
