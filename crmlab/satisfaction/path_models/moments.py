"""Means and covariances of the items of a survey: all that a path model needs to know of the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.path_models.moment_sums import MomentSums
from crmlab.satisfaction.path_models.responses import Responses, responses

__all__ = ["Moments", "moments", "moments_from_covariance", "moments_of", "resampled_moments"]

_ASYMMETRY = 1e-8
_BELOW_ZERO = 1e-8  # share of the largest eigenvalue
_CONTRADICTION = 0.02  # the same, beyond what gaps by chance make of answers of a few dozen people


@dataclass(frozen=True)
class Moments:
    """Means and covariances of items, of one survey or of many resamples.

    Parameters
    ----------
    items : tuple of str
        Item codes.
    mean : ndarray of float, shape (..., p)
        In points of the scale; NaN where not known.
    covariance : ndarray of float, shape (..., p, p)
        In squared points, divisor n - 1.
    n : int
        Responses; 0 where not known.
    n_effective : float
        Responses of equal weight that would say as much.
    missing : tuple of str
        What was left out or is missing, in sentences.
    """

    items: tuple[str, ...]
    mean: np.ndarray
    covariance: np.ndarray
    n: int
    n_effective: float
    missing: tuple[str, ...] = ()

    @property
    def sd(self) -> np.ndarray:
        """Standard deviations, shape (..., p), in points."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1))


def moments(
    frame: pd.DataFrame,
    items: Sequence[str],
    *,
    weights: str | Sequence[float] | None = None,
    missing: str = "pairwise",
    wave: str | None = None,
) -> Moments:
    """Compute weighted means and covariances of the items of a survey.

    Parameters
    ----------
    frame : DataFrame
        One row a response, one numeric column an item; NaN where not answered.
    items : sequence of str
        Columns.
    weights : str or sequence of float, optional
        Survey weights above or equal to 0, or their column. Only their proportions matter.
    missing : {"pairwise", "complete"}
        Rule for gaps, see Notes.
    wave : str, optional
        Column; a wave in which nobody answered an item is refused.

    Notes
    -----
    ``pairwise``: each mean is of those who answered the item, each covariance of those who answered both. It assumes
    that gaps are by chance. ``complete`` uses only responses without a gap. Pairwise is the default: of 250 simulated
    responses to 27 items with 10 % gaps, path coefficients were off by .061 (root mean square; .057 without gaps),
    complete responses by .376; filling a gap with the respondent's mean gave .058 but raised reliabilities by .019
    (pairwise .002). See `benchmarks/missing_answers.py`.

    The divisor is that of weights of reliability: with weights of 1 it is n - 1 (see `MomentSums`).

    Examples
    --------
    >>> frame = pd.DataFrame({"v1": [5.0, 7.0, 9.0], "v2": [4.0, 5.0, 9.0]})
    >>> found = moments(frame, ["v1", "v2"])
    >>> found.mean.tolist(), found.covariance.tolist()
    ([7.0, 6.0], [[4.0, 5.0], [5.0, 7.0]])
    """
    return moments_of(responses(frame, items, weights=weights, wave=wave, missing=missing))


def moments_of(taken: Responses) -> Moments:
    """Compute means and covariances of responses that were checked before.

    Raises
    ------
    CrmlabError
        Nobody answered two of the items together, or the pairwise covariances contradict each other.
    """
    mean, covariance = MomentSums(taken).whole()
    answered = (~np.isnan(taken.values)).astype(float)
    together = answered.T @ answered
    few = [
        f"{taken.items[i]} with {taken.items[j]} ({int(together[i, j])})"
        for i, j in zip(*np.triu_indices(len(taken.items), 1), strict=True)
        if together[i, j] < 2
    ]
    if few:
        refuse(
            f"answers: too few people answered both {', '.join(few)}. A covariance needs two or more; "
            "leave an item of each pair out of the model."
        )
    said = list(taken.said)
    if not answered.all():
        i, j = np.unravel_index(together.argmin(), together.shape)
        said.append(
            f"Each covariance is of those who answered both items: {int(together[i, j]):,} of {taken.n:,} for "
            f"{taken.items[i]} and {taken.items[j]}, the fewest."
        )
        lowest = _lowest_eigenvalue(covariance)
        if lowest < -_CONTRADICTION:
            refuse(
                "answers: covariances of those who answered both items contradict each other (lowest eigenvalue "
                f"{lowest:.3f} of the largest). Too many gaps for the number of responses; use missing='complete' or "
                "leave items with many gaps out."
            )
        if lowest < -_BELOW_ZERO:
            said.append(
                "Covariances of those who answered both items do not quite fit together (lowest eigenvalue "
                f"{lowest:.3f} of the largest), as happens with many gaps."
            )
    return Moments(taken.items, mean, covariance, taken.n, taken.n_effective, tuple(said))


def moments_from_covariance(
    covariance: pd.DataFrame,
    *,
    items: Sequence[str] | None = None,
    n: int | None = None,
    mean: Sequence[float] | pd.Series | None = None,
) -> Moments:
    """Take moments from a covariance or correlation matrix that was published or kept.

    Parameters
    ----------
    covariance : DataFrame
        Square, with the same item codes as rows and columns.
    items : sequence of str, optional
        Items to take; all where not given.
    n : int, optional
        Responses behind it.
    mean : Series or sequence of float, optional
        Means of the items taken, in points.

    Examples
    --------
    >>> table = pd.DataFrame([[1.0, 0.5], [0.5, 1.0]], index=["a", "b"], columns=["a", "b"])
    >>> moments_from_covariance(table, n=100).covariance.tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    items = list(covariance.columns if items is None else items)
    rows, columns = list(covariance.index), list(covariance.columns)
    lacking = [item for item in items if item not in rows or item not in columns]
    if lacking or len(set(columns)) < len(columns) or len(set(rows)) < len(rows):
        refuse(
            f"covariance lacks items {lacking}.{nearest(lacking[0], columns)} Give a row and a column for each."
            if lacking
            else "covariance names an item twice. Give each item one row and one column."
        )
    matrix = covariance.loc[items, items].to_numpy(dtype=float)
    refuse(*_of_matrix(matrix, items))
    if mean is None:
        middle = np.full(len(items), np.nan)
    else:
        middle = np.asarray(mean.reindex(items) if isinstance(mean, pd.Series) else mean, dtype=float)
        if middle.shape != (len(items),):
            refuse(f"mean: {middle.size} values for {len(items)} items. Give one an item.")
    size = 0 if n is None else int(n)
    return Moments(tuple(items), middle, (matrix + matrix.T) / 2, size, float(size))


def _of_matrix(matrix: np.ndarray, items: Sequence[str]) -> list[str]:
    unknown = [item for item, row in zip(items, matrix, strict=True) if not np.isfinite(row).all()]
    if unknown:
        return [f"covariance: the rows of {unknown} hold values that are no finite number. Mend them."]
    size = np.sqrt(np.abs(np.outer(np.diag(matrix), np.diag(matrix))))
    i, j = np.unravel_index((np.abs(matrix - matrix.T) - _ASYMMETRY * size).argmax(), matrix.shape)
    if abs(matrix[i, j] - matrix[j, i]) > _ASYMMETRY * size[i, j]:
        return [
            f"covariance is not symmetric: {items[i]} with {items[j]} is {matrix[i, j]:g}, {items[j]} with {items[i]} "
            f"is {matrix[j, i]:g}. Mend it."
        ]
    constant = [item for item, variance in zip(items, np.diag(matrix), strict=True) if variance <= 0]
    if constant:
        return [f"covariance: items {constant} have no variance above 0. Leave them out of the model."]
    lowest = _lowest_eigenvalue(matrix)
    if lowest < -_BELOW_ZERO:
        return [
            f"covariance: no answers have such covariances (lowest eigenvalue {lowest:.3f} of the largest). "
            "Compute it from responses without gaps, or look for a mistyped number."
        ]
    return []


def _lowest_eigenvalue(covariance: np.ndarray) -> float:
    """Lowest eigenvalue of the correlations as a share of the largest."""
    sd = np.sqrt(np.diag(covariance))
    values = np.linalg.eigvalsh(covariance / np.outer(sd, sd))
    return float(values[0] / values[-1])


def resampled_moments(
    frame: pd.DataFrame,
    items: Sequence[str],
    *,
    weights: str | Sequence[float] | None = None,
    clusters: str | Sequence[object] | None = None,
    missing: str = "pairwise",
    resamples: int = 1_000,
    seed: int = 1,
    batch: int | None = None,
) -> Iterator[Moments]:
    """Yield means and covariances of bootstrap resamples, many at once.

    Parameters
    ----------
    frame, items, weights, missing
        As in `moments`.
    clusters : str or sequence, optional
        Customer of each response, or its column: whole customers are drawn, with all their responses.
    resamples, seed : int
        Same seed, same resamples, whatever the batch.
    batch : int, optional
        Resamples in one stack; as many as fit in bounded memory where not given.

    Yields
    ------
    Moments
        Stacks: `mean` (batch, p), `covariance` (batch, p, p).

    Notes
    -----
    Survey weights go with the drawn responses: they are taken as given, and what was estimated to make them (raking,
    propensities) is not drawn again.

    Examples
    --------
    >>> frame = pd.DataFrame({"v1": [5.0, 7.0, 9.0, 6.0], "v2": [4.0, 5.0, 9.0, 7.0]})
    >>> [stack.covariance.shape for stack in resampled_moments(frame, ["v1", "v2"], resamples=5, batch=3)]
    [(3, 2, 2), (2, 2, 2)]
    """
    taken = responses(frame, items, weights=weights, clusters=clusters, missing=missing)
    for mean, covariance in MomentSums(taken).resampled(resamples=resamples, seed=seed, batch=batch):
        yield Moments(taken.items, mean, covariance, taken.n, taken.n_effective, taken.said)
