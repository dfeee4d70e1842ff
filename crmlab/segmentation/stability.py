"""Are the clusters there: bootstrap Jaccard of each cluster, and prediction strength of a number of clusters.

Both ask the same of a clustering: does it come back on other customers of the same kind?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.errors import refuse

__all__ = ["DISSOLVED", "RECOVERED", "Cluster", "ClusterStability", "cluster_stability", "prediction_strength"]

DISSOLVED, RECOVERED = 0.5, 0.75  # Hennig 2007: below, a cluster is dissolved; from there on, it is found again

# rows, number of clusters, seed -> a function that assigns rows to the clusters found, 0 to k - 1
Cluster = Callable[[np.ndarray, int, int], Callable[[np.ndarray], np.ndarray]]


@dataclass(frozen=True)
class ClusterStability:
    """How often each cluster comes back.

    Parameters
    ----------
    frame : DataFrame
        One row a cluster: ``cluster`` (0 to k - 1), ``size_count``, ``jaccard`` (mean over the resamples, 0 to 1),
        ``jaccard_low``, ``jaccard_high`` (2.5 and 97.5 % of the resamples), ``dissolved_count``, ``recovered_count``.
    resamples : int
        Resamples behind it.
    """

    frame: pd.DataFrame
    resamples: int

    @property
    def weakest(self) -> float:
        """Mean Jaccard of the least stable cluster."""
        return float(self.frame["jaccard"].min())


def cluster_stability(
    rows: np.ndarray,
    cluster: Cluster,
    k: int,
    *,
    labels: np.ndarray | None = None,
    resamples: int = 100,
    seed: int = 1,
) -> ClusterStability:
    """Cluster bootstrap samples and see how much of each original cluster comes back.

    Parameters
    ----------
    rows : ndarray
        Shape (customers, features), prepared.
    cluster : callable
        Clusters rows; see `Cluster`.
    k : int
        Number of clusters.
    labels : ndarray of int, optional
        The clusters to be found again, 0 to k - 1, where they were learned on more rows than these; else the rows are
        clustered first.
    resamples : int
        Bootstrap samples; 100 tell a stable cluster from a dissolved one.
    seed : int
        Same seed, same result.

    Notes
    -----
    The method of Hennig (2007, Computational Statistics and Data Analysis 52), as in `clusterboot` of the R package
    fpc: each bootstrap sample is clustered, customers drawn more than once count once, and the Jaccard similarity of an
    original cluster (those of it that were drawn) with the most similar new cluster is kept.

    Examples
    --------
    >>> from crmlab.segmentation.kmeans import kmeans
    >>> two = np.r_[np.random.default_rng(1).normal(0, 1, (50, 2)), np.random.default_rng(2).normal(9, 1, (50, 2))]
    >>> cluster_stability(two, kmeans, 2, resamples=20).frame["jaccard"].round(2).tolist()
    [1.0, 1.0]
    """
    _refuse_too_few(rows, k)
    labels = cluster(rows, k, seed)(rows) if labels is None else labels
    generator = np.random.default_rng(seed)
    similar = np.zeros((resamples, k))
    for number in range(resamples):
        drawn = np.unique(generator.integers(0, len(rows), len(rows)))
        sample = rows[drawn]
        again = cluster(sample, k, int(generator.integers(2**31)))(sample)
        similar[number] = _jaccard(labels[drawn], again, k)
    low, high = np.quantile(similar, [0.025, 0.975], axis=0)
    frame = pd.DataFrame(
        {
            "cluster": np.arange(k),
            "size_count": np.bincount(labels, minlength=k),
            "jaccard": similar.mean(axis=0),
            "jaccard_low": low,
            "jaccard_high": high,
            "dissolved_count": (similar < DISSOLVED).sum(axis=0),
            "recovered_count": (similar >= RECOVERED).sum(axis=0),
        }
    )
    return ClusterStability(frame, resamples)


def prediction_strength(
    rows: np.ndarray, cluster: Cluster, ks: range | list[int], *, splits: int = 50, seed: int = 1
) -> pd.DataFrame:
    """How well clusters of one half of the customers predict those of the other half.

    Parameters
    ----------
    rows : ndarray
        Shape (customers, features), prepared.
    cluster : callable
        Clusters rows; see `Cluster`.
    ks : iterable of int
        Numbers of clusters to try; 1 has strength 1.
    splits : int
        Random halvings.
    seed : int
        Same seed, same result.

    Returns
    -------
    DataFrame
        One row a k: ``k``, ``strength`` (mean over splits of the mean of both directions, 0 to 1), ``strength_error``
        (standard error over the splits).

    Notes
    -----
    Tibshirani and Walther (2005, Journal of Computational and Graphical Statistics 14): for each cluster of a half, the
    share of its pairs that the clusters of the other half keep together; the smallest over the clusters counts. They
    take the largest k with a strength of .8 or more.
    """
    rows = np.asarray(rows, dtype=float)
    generator = np.random.default_rng(seed)
    strengths = {k: np.ones(splits) for k in ks}
    for number in range(splits):
        order = generator.permutation(len(rows))
        half = len(rows) // 2
        halves = rows[order[:half]], rows[order[half : 2 * half]]
        for k in strengths:
            if k == 1:
                continue
            assigns = [cluster(part, k, int(generator.integers(2**31))) for part in halves]
            both = [_kept_together(assigns[side](halves[side]), assigns[1 - side](halves[side]), k) for side in (0, 1)]
            strengths[k][number] = np.mean(both)
    return pd.DataFrame(
        {
            "k": list(strengths),
            "strength": [values.mean() for values in strengths.values()],
            "strength_error": [values.std(ddof=1) / np.sqrt(splits) for values in strengths.values()],
        }
    )


def _refuse_too_few(rows: np.ndarray, k: int) -> None:
    if k < 1:
        refuse(f"k: {k} clusters cannot be. Give 1 or more.")
    if len(rows) < k:
        refuse(f"k: {k} clusters are more than the {len(rows)} customers. Choose a smaller k.")


def _table(one: np.ndarray, other: np.ndarray, k: int) -> np.ndarray:
    """Count the rows by both labels, shape (k, k)."""
    return np.bincount(one * k + other, minlength=k * k).reshape(k, k)


def _jaccard(labels: np.ndarray, again: np.ndarray, k: int) -> np.ndarray:
    """Largest Jaccard similarity of each cluster with one of the others; 0 for one that was not drawn."""
    both = _table(labels, again, k)
    union = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return (both / np.maximum(union, 1)).max(axis=1)


def _kept_together(own: np.ndarray, other: np.ndarray, k: int) -> float:
    """Smallest share, over the clusters of a half, of pairs that the other half's clusters keep together."""
    both = _table(own, other, k).astype(float)
    size = both.sum(axis=1)
    pairs = size * (size - 1)
    kept = (both * (both - 1)).sum(axis=1)
    return float(np.min(np.where(pairs > 0, kept / np.maximum(pairs, 1), 1.0)))
