"""What customers would answer on average, given their true opinions: the truth behind indices and promoter scores."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

__all__ = ["expected_scores", "share_at_least"]


def share_at_least(answer: int, center: np.ndarray, error: float) -> np.ndarray:
    """Chance that an answer is at least so high.

    Parameters
    ----------
    answer : int
        1 to 10.
    center : ndarray of float
        What the item would be without its error, in points: intercept + loading x latent variable.
    error : float
        Standard deviation of the item's error, above 0.

    Notes
    -----
    An answer is the sum of center and a normal error, rounded and cut at 0 and 10, so that it is at least k where the
    sum is at least k - 1/2.

    Examples
    --------
    >>> share_at_least(9, np.array([8.5]), 1.3).round(3).tolist()
    [0.5]
    """
    return ndtr((np.asarray(center, dtype=float) - (answer - 0.5)) / error)


def expected_scores(center: np.ndarray, error: float) -> np.ndarray:
    """Expected answer on the scale from 0 to 10, rounding and cutting counted.

    Notes
    -----
    The sum of the chances to answer at least 1, 2, ... 10.

    Examples
    --------
    Far from the ends rounding changes nothing; at 10, half of the answers would lie above and are cut.

    >>> expected_scores(np.array([5.0, 10.0]), 1.0).round(3).tolist()
    [5.0, 9.618]
    """
    return sum(share_at_least(answer, center, error) for answer in range(1, 11))
