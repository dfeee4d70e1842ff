"""How many segments: what comes back on other customers, beats one crowd, and is of use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.segmentation.columns import Basis
from crmlab.segmentation.crowd import Crowd
from crmlab.segmentation.methods import Method
from crmlab.segmentation.stability import RECOVERED, cluster_stability, prediction_strength

__all__ = ["LEAST_STRENGTH", "TRIED", "TRIED_ON", "choose", "floor_share", "trial", "usefulness"]

LEAST_STRENGTH = 0.8  # Tibshirani and Walther 2005
TRIED = (
    "k", "strength", "strength_error", "weakest_jaccard", "smallest_share", "usefulness", "usefulness_error",
    "strength_null", "gap", "gap_limit", "is_admissible", "usefulness_behind_error",
)  # columns of a trial  # fmt: skip
TRIED_ON = 2_000  # customers drawn to try numbers
_CROWD_SAMPLE = 1_000
_SPLITS, _RESAMPLES, _CROWDS, _STRENGTH_CROWDS = 20, 30, 39, 5
_FOLDS = 10
_FLOOR_SHARE, _FLOOR_COUNT = 0.02, 30


def floor_share(customers: int) -> float:
    """Smallest share of the customers that is a segment: 2 %, and 30 customers.

    >>> floor_share(10_000), floor_share(300)
    (0.02, 0.1)
    """
    return max(_FLOOR_SHARE, _FLOOR_COUNT / max(customers, 1))


def trial(
    frame: pd.DataFrame,
    basis: Basis,
    method: Method,
    *,
    ks: Sequence[int],
    outcomes: pd.DataFrame | None = None,
    seed: int = 1,
) -> pd.DataFrame:
    """Try numbers of segments and judge each by the same evidence.

    Parameters
    ----------
    frame : DataFrame
        Basis frame, one row a customer.
    basis : Basis
        Its columns.
    method : Method
        One that has learned its preparation.
    ks : sequence of int
        Numbers to try, 2 or more each.
    outcomes : DataFrame, optional
        What the bank would like the segments to tell apart and that is not in the basis (margin, products, ...).
    seed : int
        Same seed, same result.

    Returns
    -------
    DataFrame
        One row a k: ``k``, ``strength`` and ``strength_error`` (prediction strength), ``strength_null`` (the same of
        one crowd), ``weakest_jaccard``, ``smallest_share``, ``usefulness`` and ``usefulness_error`` (share of the
        variance of the outcomes' ranks, cross-validated), ``gap`` (how much better the clusters fit the customers than
        one crowd), ``gap_limit`` (95 % limit for one crowd, all k together), ``is_admissible``,
        ``usefulness_behind_error`` (standard error of the difference from the most useful admissible number).

    Notes
    -----
    More than 2,000 customers are sampled for strength, Jaccard and usefulness; crowds are compared on 1,000.
    """
    rng = np.random.default_rng(seed)
    drawn = _sampled(frame, TRIED_ON, rng)
    sample = frame.iloc[drawn]
    rows = method.rows(sample)
    strength = prediction_strength(rows, method.cluster, list(ks), splits=_SPLITS, seed=seed).set_index("k")
    fits, folds = [], {}
    for k in ks:
        found = cluster_stability(rows, method.cluster, k, resamples=_RESAMPLES, seed=seed)
        labels = method.cluster(rows, k, seed)(rows)
        folds[k] = _told_by_fold(labels, outcomes.iloc[drawn] if outcomes is not None else None, seed)
        use, error = _mean_and_error(folds[k])
        sizes = np.bincount(labels, minlength=k) / len(labels)
        fits.append((k, found.weakest, sizes.min(), use, error))
    names = ["k", "weakest_jaccard", "smallest_share", "usefulness", "usefulness_error"]
    table = pd.DataFrame(fits, columns=names).set_index("k")
    table = strength.join(table).join(_against_crowds(sample, basis, method, ks, seed)).reset_index()
    table["is_admissible"] = (
        (table["strength"] >= LEAST_STRENGTH)
        & (table["weakest_jaccard"] >= RECOVERED)
        & (table["smallest_share"] >= floor_share(len(frame)))
        & (table["gap"] > table["gap_limit"])
    )
    table["usefulness_behind_error"] = _behind_errors(table, folds)
    return table


def choose(table: pd.DataFrame) -> int:
    """Choose the number of segments from a `trial`: 0 where none is admissible.

    The largest admissible number (Tibshirani and Walther 2005) that is not less useful than the most useful admissible
    one by more than two standard errors of the difference on the same folds. Where even that one tells nothing of the
    outcomes (not two standard errors above 0), or without outcomes, the largest: each segment more costs a little of
    the variance told on other customers, which is no reason against it.

    Examples
    --------
    >>> tried = pd.DataFrame({"k": [2, 3, 4], "is_admissible": [True, True, False], "usefulness": [0.2, 0.25, 0.3],
    ...                       "usefulness_error": 0.02, "usefulness_behind_error": [0.02, 0.0, 0.02]})
    >>> choose(tried), choose(tried.assign(is_admissible=False))
    (3, 0)
    """
    able = table[table["is_admissible"]]
    if not len(able):
        return 0
    if able["usefulness"].notna().all():
        best = able.loc[able["usefulness"].idxmax()]
        if best["usefulness"] > 2 * best["usefulness_error"]:
            able = able[able["usefulness"] >= best["usefulness"] - 2 * able["usefulness_behind_error"]]
    return int(able["k"].max())


def usefulness(labels: np.ndarray, outcomes: pd.DataFrame | None, *, seed: int = 1) -> tuple[float, float]:
    """Say how much of what the bank wants to know the segments tell, on customers not used to learn it.

    Parameters
    ----------
    labels : ndarray of int
        Segment of each customer.
    outcomes : DataFrame or None
        Numbers, one row a customer in the same order; gaps allowed.
    seed : int
        Of the ten folds.

    Returns
    -------
    (float, float)
        Mean over the outcomes of the share of variance explained by the segments' means, on ranks, and its standard
        error over the folds; not-a-number without outcomes.

    Examples
    --------
    >>> labels = np.repeat([0, 1], 50)
    >>> value, error = usefulness(labels, pd.DataFrame({"margin": np.arange(100.0)}))
    >>> round(value, 1)
    0.7
    """
    return _mean_and_error(_told_by_fold(labels, outcomes, seed))


def _told_by_fold(labels: np.ndarray, outcomes: pd.DataFrame | None, seed: int) -> np.ndarray:
    """Share of variance told in each fold, the mean over the outcomes; empty where nothing can be told."""
    if outcomes is None or not outcomes.shape[1] or len(outcomes) < 2 * _FOLDS:
        return np.array([])
    fold = np.random.default_rng(seed).permutation(len(labels)) % _FOLDS
    segments = np.unique(labels, return_inverse=True)[1]
    k = segments.max() + 1
    explained = []
    for name in outcomes.columns:
        ranks = outcomes[name].rank(pct=True).to_numpy()
        known = ~np.isnan(ranks)
        if known.sum() < 2 * _FOLDS or np.ptp(ranks[known]) == 0:
            continue
        sums = np.zeros((_FOLDS, k))
        counts = np.zeros((_FOLDS, k))
        np.add.at(sums, (fold[known], segments[known]), ranks[known])
        np.add.at(counts, (fold[known], segments[known]), 1.0)
        total, number = sums.sum(axis=0) - sums, counts.sum(axis=0) - counts
        mean = total.sum(axis=1) / number.sum(axis=1)
        expected = np.where(number > 0, total / np.maximum(number, 1), mean[:, None])
        told = (ranks - expected[fold, segments]) ** 2
        untold = (ranks - mean[fold]) ** 2
        by_fold = [(told[here].mean(), untold[here].mean()) for here in ((fold == f) & known for f in range(_FOLDS))]
        explained.append([1 - a / b if b > 0 else 0.0 for a, b in by_fold])
    if not explained:
        return np.array([])
    return np.mean(explained, axis=0)


def _mean_and_error(folds: np.ndarray) -> tuple[float, float]:
    if not len(folds):
        return float("nan"), float("nan")
    return float(folds.mean()), float(folds.std(ddof=1) / np.sqrt(_FOLDS))


def _behind_errors(table: pd.DataFrame, folds: dict[int, np.ndarray]) -> list[float]:
    """Standard error of how far each number lies behind the most useful admissible one, on the same folds."""
    able = table[table["is_admissible"] & table["usefulness"].notna()]
    if not len(able):
        return [float("nan")] * len(table)
    best = folds[int(able.loc[able["usefulness"].idxmax(), "k"])]
    return [_mean_and_error(best - folds[int(k)])[1] if len(folds[int(k)]) else float("nan") for k in table["k"]]


def _against_crowds(sample: pd.DataFrame, basis: Basis, method: Method, ks: Sequence[int], seed: int) -> pd.DataFrame:
    """Compare the fit of the clusters with their fit on one crowd drawn again and again."""
    rng = np.random.default_rng(seed + 1)
    some = sample.iloc[_sampled(sample, _CROWD_SAMPLE, rng)]
    crowd, quick = Crowd(some, basis, seed=seed), method.quick()
    seen = _misfits(method.rows(some), quick, ks, seed)
    crowds = [method.rows(crowd.draw()) for _ in range(_CROWDS)]
    null = np.array([_misfits(rows, quick, ks, seed) for rows in crowds])
    middle, spread = null.mean(axis=0), np.maximum(null.std(axis=0, ddof=1), 1e-12)
    # the largest of all k for a crowd judged by the others: one limit for all k together
    largest = ((middle - null) / spread).max(axis=1)
    limit = float(np.quantile(largest, 0.95, method="higher"))
    strengths = [
        prediction_strength(rows, method.cluster, list(ks), splits=2, seed=seed)["strength"].to_numpy()
        for rows in crowds[:_STRENGTH_CROWDS]
    ]
    columns = {"strength_null": np.mean(strengths, axis=0), "gap": middle - seen, "gap_limit": limit * spread}
    return pd.DataFrame(columns, index=pd.Index(ks, name="k"))


def _misfits(rows: np.ndarray, method: Method, ks: Sequence[int], seed: int) -> np.ndarray:
    return np.array([method.cluster(rows, k, seed).misfit(rows) for k in ks])


def _sampled(frame: pd.DataFrame, most: int, rng: np.random.Generator) -> np.ndarray:
    if len(frame) <= most:
        return np.arange(len(frame))
    return np.sort(rng.choice(len(frame), most, replace=False))
