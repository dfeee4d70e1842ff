"""k-means as the functions of `stability` want it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.cluster import KMeans

__all__ = ["kmeans"]


def kmeans(rows: np.ndarray, k: int, seed: int, *, starts: int = 10) -> Callable[[np.ndarray], np.ndarray]:
    """Cluster rows around k means; return what assigns rows to the nearest mean.

    Parameters
    ----------
    rows : ndarray
        Shape (customers, features), prepared: no gaps, on comparable scales.
    k, seed : int
        Number of clusters; same seed, same clusters.
    starts : int
        Random starts, of which the best is kept.
    """
    found = KMeans(n_clusters=k, n_init=starts, random_state=seed).fit(rows)
    return found.predict
