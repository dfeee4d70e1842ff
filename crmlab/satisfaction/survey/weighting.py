"""Make respondents stand for all customers: post-stratification, raking, and what the weights cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from crmlab.errors import nearest, refuse
from crmlab.stats.resampling import effective_count

__all__ = ["CalibratedWeights", "design_effect", "effective_n", "post_stratify", "rake", "weight_summary"]

_MET = 1e-12  # largest relative distance from a margin at which raking stops
_ROUNDS, _BOUNDED_ROUNDS = 2_000, 500
_FAR = 1e-60


@dataclass(frozen=True)
class CalibratedWeights:
    """Weights that meet known totals, and what is needed to say how exact results are.

    Parameters
    ----------
    weights : Series of float
        One a response, above 0, on the index of the frame. They add up to the population; to the number of responses
        where the margins were shares.
    base : Series of float
        Weights before, on the same index.
    groups : DataFrame
        The columns whose totals are met, one row a response.
    margins : dict of str to Series
        Totals met, by column.
    rounds : int
        Rounds until all totals were met.
    """

    weights: pd.Series
    base: pd.Series
    groups: pd.DataFrame
    margins: dict[str, pd.Series]
    rounds: int

    @property
    def summary(self) -> pd.DataFrame:
        """One row: the cost of the weights, see `weight_summary`."""
        return weight_summary(self.weights)

    @property
    def shift(self) -> pd.DataFrame:
        """Where the sample was off: ``column``, ``category``, ``before_share``, ``after_share``, ``n``."""
        parts = []
        for column, totals in self.margins.items():
            by = self.groups[column]
            shares = [w.groupby(by, observed=True).sum() / w.sum() for w in (self.base, self.weights)]
            table = pd.DataFrame({"before_share": shares[0], "after_share": shares[1], "n": by.value_counts()})
            table = table.reindex(totals.index[totals > 0]).rename_axis("category").reset_index()
            parts.append(table.assign(column=column))
        names = ["column", "category", "before_share", "after_share", "n"]
        return pd.concat(parts, ignore_index=True)[names]


def rake(
    frame: pd.DataFrame,
    margins: Mapping[str, Mapping | pd.Series],
    *,
    weights: pd.Series | None = None,
    bounds: tuple[float, float] | None = None,
) -> CalibratedWeights:
    """Weight respondents so that several known margins of the customer base are met at once.

    Parameters
    ----------
    frame : DataFrame
        One row a response; holds the columns of `margins`, without gaps.
    margins : mapping of str to Series or dict
        Column: category to number of customers, or to share of customers (all margins alike).
    weights : Series of float, optional
        Weights to start from (one over the chance of being asked), above 0; None: all alike.
    bounds : (float, float), optional
        Smallest and largest weight as multiples of the average weight, e.g. ``(0.3, 3)``.

    Returns
    -------
    CalibratedWeights
        Margins are met to a relative 1e-12.

    Raises
    ------
    CrmlabError
        A column is missing or has gaps; a category is not in the margin, or nobody answered in it; totals are negative
        or disagree; the margins or bounds cannot be met.

    Notes
    -----
    Iterative proportional fitting: the weights of each category are multiplied until its total is met, in turn, until
    all are. What the sample says about how the columns go together (odds ratios of the weighted table) is kept; only
    the margins change. With bounds, each step solves sum(clip(base x factor)) = total: among all weights within the
    bounds that meet the margins, those nearest to `weights` in Kullback-Leibler distance. Weights mend only what the
    columns explain: within a category those who answered must be like those who did not.

    References
    ----------
    Deming and Stephan (1940), Annals of Mathematical Statistics 11; Deville, Särndal and Sautory (1993), JASA 88.

    Examples
    --------
    >>> answers = pd.DataFrame({"sex": ["f", "f", "m", "m"], "age": ["old", "young", "old", "old"]})
    >>> found = rake(answers, {"sex": {"f": 60, "m": 40}, "age": {"old": 70, "young": 30}})
    >>> found.weights.round(6).tolist()
    [30.0, 30.0, 20.0, 20.0]
    """
    columns = list(margins)
    _check_frame("rake", frame, columns)
    totals = {column: pd.Series(margins[column], dtype=float) for column in columns}
    base = _base("rake", frame, weights)
    _check_totals("rake", frame, totals)
    population = float(np.mean([total.sum() for total in totals.values()]))
    size = float(len(frame)) if abs(population - 1) < 1e-6 else population
    totals = {column: total / total.sum() * size for column, total in totals.items()}
    codes = {column: total.index.get_indexer(frame[column]) for column, total in totals.items()}
    limits = None if bounds is None else _limits("rake", bounds, size / len(frame), totals, codes)
    met = {column: total.to_numpy() for column, total in totals.items()}
    weight, rounds = _fit(base.to_numpy() * size / base.sum(), codes, met, limits)
    groups = frame[columns].copy()
    return CalibratedWeights(pd.Series(weight, index=frame.index, name="weight"), base, groups, totals, rounds)


def post_stratify(frame: pd.DataFrame, totals: pd.Series, *, weights: pd.Series | None = None) -> CalibratedWeights:
    """Weight respondents so that the number of customers in every cell is met.

    Parameters
    ----------
    frame : DataFrame
        One row a response.
    totals : Series of float
        Customers (or their share) by cell; its index carries the column names (several: a MultiIndex).
    weights : Series of float, optional
        As in `rake`.

    Returns
    -------
    CalibratedWeights
        With one column named by all, such as ``region x age``.

    References
    ----------
    Holt and Smith (1979), Post stratification, Journal of the Royal Statistical Society A 142.

    Examples
    --------
    >>> answers = pd.DataFrame({"region": ["north", "north", "south"]})
    >>> totals = pd.Series({"north": 50.0, "south": 50.0}).rename_axis("region")
    >>> post_stratify(answers, totals).weights.tolist()
    [25.0, 25.0, 50.0]
    """
    columns = list(totals.index.names)
    if any(name is None for name in columns):
        refuse("post_stratify: the totals do not say which columns they are for. Name the levels of their index.")
    _check_frame("post_stratify", frame, columns)
    if len(columns) == 1:
        return rake(frame, {columns[0]: totals}, weights=weights)
    name = " x ".join(columns)
    cells = frame[columns].astype("str").agg(" x ".join, axis=1)
    flat = pd.Series(totals.to_numpy(), index=[" x ".join(map(str, cell)) for cell in totals.index])
    return rake(pd.DataFrame({name: cells}, index=frame.index), {name: flat}, weights=weights)


def design_effect(weights: object) -> float:
    """Compute by how much unequal weights enlarge the variance of a mean (Kish).

    Parameters
    ----------
    weights : array-like of float
        0 or more; those of 0 do not count.

    Returns
    -------
    float
        n x sum of squares / square of the sum: 1 where all are alike.

    Notes
    -----
    Holds where what is measured does not go with the weights. Weights that meet margins related to the answers may
    enlarge the variance less: the standard errors of `weighted_mean` count that.

    References
    ----------
    Kish (1965), Survey Sampling; Kish (1992), Weighting for unequal Pi, Journal of Official Statistics 8.

    Examples
    --------
    >>> design_effect([1, 1, 1, 1]), design_effect([1, 3])
    (1.0, 1.25)
    """
    w = _checked("design_effect", weights)
    w = w[w > 0]
    return float(len(w) / effective_count(w))


def effective_n(weights: object) -> float:
    """Compute how many equally weighted responses would tell as much: n / `design_effect`.

    >>> effective_n([1, 3])
    1.6
    """
    w = _checked("effective_n", weights)
    return float(effective_count(w))


def weight_summary(weights: object) -> pd.DataFrame:
    """Tell what weights cost.

    Returns
    -------
    DataFrame
        One row: ``n``, ``effective_n``, ``design_effect``, ``lowest`` and ``highest`` weight as multiples of the mean,
        ``over_three_share`` (share of responses that count more than three times the mean).

    Examples
    --------
    >>> weight_summary([1, 1, 2]).round(3).iloc[0].to_dict()
    {'n': 3.0, 'effective_n': 2.667, 'design_effect': 1.125, 'lowest': 0.75, 'highest': 1.5, 'over_three_share': 0.0}
    """
    w = _checked("weight_summary", weights)
    w = w[w > 0]
    relative = w / w.mean()
    row = (len(w), effective_n(w), design_effect(w), relative.min(), relative.max(), float((relative > 3).mean()))
    return pd.DataFrame([row], columns=["n", "effective_n", "design_effect", "lowest", "highest", "over_three_share"])


def _checked(what: str, weights: object) -> np.ndarray:
    w = np.asarray(weights, dtype=float)
    bad = int((~np.isfinite(w) | (w < 0)).sum())
    if bad:
        refuse(f"{what}: {bad:,} of {len(w):,} weights are negative or missing. Give 0 or more.")
    if not (w > 0).any():
        refuse(f"{what}: none of {len(w):,} weights is above 0. Give the weights of those who answered.")
    return w


def _base(what: str, frame: pd.DataFrame, weights: pd.Series | None) -> pd.Series:
    if len(frame) == 0:
        refuse(f"{what}: nobody answered. Give at least one response.")
    if weights is None:
        return pd.Series(1.0, index=frame.index)
    if not (isinstance(weights, pd.Series) and weights.index.equals(frame.index)):
        refuse(f"{what}: the weights are not on the index of the frame. Give a Series with one weight a response.")
    base = weights.astype(float)
    bad = int((~np.isfinite(base) | (base <= 0)).sum())
    if bad:
        refuse(f"{what}: {bad:,} of {len(base):,} weights to start from are 0, negative or missing. Leave those out.")
    return base


def _check_frame(what: str, frame: pd.DataFrame, columns: list[str]) -> None:
    problems = [] if columns else [f"{what}: there is no margin. Give at least one column with its totals."]
    for column in columns:
        if column not in frame.columns:
            problems.append(
                f"{what}: the frame lacks column {column!r}.{nearest(column, frame.columns)} Join it to the answers."
            )
        elif frame[column].isna().any():
            problems.append(
                f"{what}: {column} is missing in {int(frame[column].isna().sum()):,} of {len(frame):,} responses. "
                "Fill it from the customer base, or make a category of those not known."
            )
    refuse(*problems)


def _check_totals(what: str, frame: pd.DataFrame, totals: dict[str, pd.Series]) -> None:
    problems = []
    for column, total in totals.items():
        bad = total.index[~np.isfinite(total) | (total < 0)].tolist()
        if bad:
            problems.append(f"{what}: totals of {column} {bad} are negative or missing. Give counts or shares.")
        if total.index.has_duplicates:
            problems.append(f"{what}: {column} has a category twice. Give one total a category.")
        seen = set(frame[column])
        empty = [category for category in total.index[total > 0] if category not in seen]
        if empty:
            problems.append(
                f"{what}: nobody answered in {column} {empty}. Merge it with a category that is alike, in both."
            )
        unknown = sorted(seen - set(total.index[total > 0]), key=str)
        if unknown:
            problems.append(
                f"{what}: {column} {unknown} of the answers has no total above 0. Add it, or leave these answers out."
            )
    sums = {column: float(total.sum()) for column, total in totals.items()}
    refuse(*problems)
    if max(sums.values()) > min(sums.values()) * (1 + 1e-6):
        told = ", ".join(f"{column} {value:,.6g}" for column, value in sums.items())
        refuse(f"{what}: the margins add up to different totals: {told}. Count them on the same customers.")


def _limits(
    what: str, bounds: tuple[float, float], mean: float, totals: dict[str, pd.Series], codes: dict[str, np.ndarray]
) -> tuple[float, float]:
    low, high = (float(bound) for bound in bounds)
    if not 0 <= low < 1 < high:
        refuse(f"{what}: bounds are {low:g} and {high:g}. Give one from 0 to below 1 and one above 1.")
    problems = []
    for column, total in totals.items():
        needed = total.to_numpy() / np.maximum(np.bincount(codes[column], minlength=len(total)), 1) / mean
        problems += [
            f"{what}: {column} {category!r} needs an average weight of {need:.3g} times the mean, outside "
            f"{low:g} to {high:g}. Widen the bounds, or merge the category with one that is alike."
            for category, need in zip(total.index, needed, strict=True)
            if total[category] > 0 and not low <= need <= high
        ]
    refuse(*problems)
    return low * mean, high * mean


def _fit(
    start: np.ndarray, codes: dict[str, np.ndarray], totals: dict[str, np.ndarray], limits: tuple[float, float] | None
) -> tuple[np.ndarray, int]:
    raw = start.copy()
    low, high = limits or (0.0, np.inf)
    gap = np.inf
    most = _ROUNDS if limits is None else _BOUNDED_ROUNDS
    for rounds in range(1, most + 1):
        for column, code in codes.items():
            if limits is None:
                held = np.bincount(code, weights=raw, minlength=len(totals[column]))
                raw = raw * (totals[column] / np.where(held > 0, held, 1.0))[code]
            else:
                raw = _within(raw, code, totals[column], low, high)
        weight = np.clip(raw, low, high)
        gap = max(
            float(np.max(np.abs(np.bincount(code, weights=weight, minlength=len(totals[c])) - totals[c])))
            for c, code in codes.items()
        ) / float(start.sum())
        if gap <= _MET:
            return weight, rounds
    beside, cure = ("", "") if limits is None else (", or within the bounds", " or widen the bounds")
    refuse(
        f"rake: after {most:,} rounds the margins are still off by {gap:.1e} of the population. They contradict "
        f"each other among those who answered{beside}: merge rare categories{cure}."
    )
    raise AssertionError


def _within(raw: np.ndarray, code: np.ndarray, totals: np.ndarray, low: float, high: float) -> np.ndarray:
    """Multiply the weights of each category so that, clipped, they meet its total."""
    result = raw.copy()
    for category in np.unique(code):
        rows = code == category
        own, total = raw[rows], totals[category]

        def off(log_factor: float, own: np.ndarray = own, total: float = total) -> float:
            return float(np.clip(own * np.exp(log_factor), low, high).sum() - total)

        if abs(off(0.0)) <= 1e-15 * total:
            continue
        ends = np.log(np.array([max(low, 1e-12 * high) / own.max(), high / own.min()]))
        if off(ends[0]) * off(ends[1]) > 0:
            continue  # at a bound for all of them: nothing to choose
        result[rows] = own * np.exp(brentq(off, *ends, xtol=1e-15, rtol=8.9e-16))
    return np.clip(result, _FAR * high, high / _FAR)  # margins that contradict each other drive them ever further
