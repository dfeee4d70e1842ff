"""How to see whether a measure works: a trial by branch with hold-out, and the smallest change it would show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.satisfaction.survey.groups import NOT_KNOWN
from crmlab.satisfaction.survey.weighting import effective_n
from crmlab.stats import Estimate, smallest_difference_of_means

__all__ = ["FEWEST_BRANCHES", "smallest_rise", "within_cluster_correlation"]

FEWEST_BRANCHES = 10


def within_cluster_correlation(values: np.ndarray, cluster: np.ndarray) -> float:
    """Compute how alike the answers of one branch are (intraclass correlation), 0 to 1.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Without gaps.
    cluster : ndarray, shape (n,)
        Branch of each.

    Notes
    -----
    One-way analysis of variance: (B - W) / (B + (m - 1) W) with mean squares between and within, and m the size of a
    branch corrected for unequal sizes; 0 where it would be below.

    References
    ----------
    Donner and Klar (2000), Design and Analysis of Cluster Randomization Trials in Health Research, chapter 1.

    Examples
    --------
    Branches (1, 3) and (5, 7): B = 2 x (2^2 + 2^2) = 16, W = 4 / 2 = 2, m = 2: 14 / 18.

    >>> round(within_cluster_correlation(np.array([1.0, 3.0, 5.0, 7.0]), np.array(["a", "a", "b", "b"])), 4)
    0.7778
    """
    code = pd.factorize(cluster)[0]
    sizes = np.bincount(code)
    n, k = len(values), len(sizes)
    if k < 2 or n <= k:
        return 0.0
    means = np.bincount(code, values) / sizes
    between = float((sizes * (means - values.mean()) ** 2).sum() / (k - 1))
    within = float(((values - means[code]) ** 2).sum() / (n - k))
    size = (n - (sizes**2).sum() / n) / (k - 1)
    if between + (size - 1) * within <= 0:
        return 0.0
    return max(0.0, float((between - within) / (between + (size - 1) * within)))


def smallest_rise(
    values: pd.Series, weights: pd.Series, branch: pd.Series | None = None, *, holdout: float = 0.5
) -> tuple[Estimate, str]:
    """Compute the smallest rise of an index that a trial shows, in which half the branches get the measure.

    Parameters
    ----------
    values : Series of float
        Index of each response of a wave like that in which the trial is judged.
    weights : Series of float
        Survey weights.
    branch : Series of str, optional
        Branch of each response.
    holdout : float
        Share of the branches held out.

    Returns
    -------
    tuple of (Estimate, str)
        Points of the index that are seen in four trials of five (no interval: it is a property of the plan); and the
        plan in words.

    Notes
    -----
    Responses count by Kish's effective number, divided by 1 + (m - 1) times the likeness within branches, where m is
    the branch size that a response meets on average. Without at least 10 branches customers are drawn one by one.
    """
    known = values.notna() & (weights > 0)
    x, w = values[known].to_numpy(dtype=float), weights[known].to_numpy(dtype=float)
    if len(x) < 2:
        return Estimate(float("nan"), "points", n=len(x)), ""
    size = effective_n(w)
    deviation = float(np.sqrt(np.cov(x, aweights=w)))
    plan = "customers drawn at random, half of them held out"
    if branch is not None:
        inside = branch[known].astype("str")
        code, names = pd.factorize(inside.where(inside != NOT_KNOWN))
        there = code >= 0
        if len(names) >= FEWEST_BRANCHES:
            met = np.bincount(code[there])
            likeness = within_cluster_correlation(x[there], code[there])
            size /= 1 + max(0.0, (met**2).sum() / met.sum() - 1) * likeness
            plan = f"half of {len(names)} branches drawn at random, the others held out"
    value = smallest_difference_of_means(deviation, int(size), holdout=holdout)
    return Estimate(float(value), "points", n=len(x), method="power 80 %, two-sided 95 %"), plan
