"""Members beside customers like them who did not join: weights that make both alike, and what is left between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.stats import Estimate, auc, effective_count

__all__ = ["FEWEST_TREATED", "Likeness", "alike", "e_value"]

FEWEST_TREATED = 30
_STEPS = 100
_FACTS_A_TREATED = 5  # joiners a fact that is balanced
_LARGEST_DIFFERENCE = 0.02  # standard deviations, after weighting


@dataclass(frozen=True)
class Likeness:
    """Weights under which customers who did not join are, in the mean of every fact, like those who did.

    Parameters
    ----------
    is_treated : ndarray of bool
        Joined.
    weights : ndarray of float
        1 for who joined; of the others, they add up to the number of those who joined.
    facts : ndarray of float, shape (rows, facts)
        What was balanced, with a constant.
    clusters : ndarray of int
        Rows of one customer.
    balance : DataFrame
        ``fact``, ``before``, ``after``: standardised differences of the means; ``is_balanced``: part of the weights.
    auc : float
        How well joining can be told from the facts: .5 not at all; near 1 there is nobody to compare with.
    effective_n : float
        Customers who did not join count as much as so many of equal weight (Kish).
    largest_weight_share : float
        Of the weights, what the heaviest row carries.
    """

    is_treated: np.ndarray
    weights: np.ndarray
    facts: np.ndarray
    clusters: np.ndarray
    balance: pd.DataFrame
    auc: float
    effective_n: float
    largest_weight_share: float

    @property
    def treated_count(self) -> int:
        """Rows of those who joined."""
        return int(self.is_treated.sum())

    def difference(self, outcome: object, *, unit: str, level: float = 0.95) -> Estimate:
        """Estimate what those who joined have more than those like them.

        Parameters
        ----------
        outcome : array-like of float
            One value a row, none missing.
        unit : str
            Its unit.
        level : float
            Confidence level, 0 to 1.
        """
        here, there, of_here, of_there = self._means(np.asarray(outcome, dtype=float))
        error = self._error(of_here - of_there)
        step = norm.ppf((1 + level) / 2) * error
        value = here - there
        return Estimate(value, unit, value - step, value + step, self.treated_count, _METHOD, level)

    def ratio(self, outcome: object, per: object = None, *, level: float = 0.95) -> Estimate:
        """Estimate by which factor those who joined differ from those like them.

        Parameters
        ----------
        outcome : array-like of float
            One value a row, 0 or more.
        per : array-like of float, optional
            What it is counted on, such as months at risk; None: rows.
        level : float
            Confidence level, 0 to 1.

        Returns
        -------
        Estimate
            Mean (or rate) of those who joined over that of the others, weighted; limits on the log scale.
        """
        y = np.asarray(outcome, dtype=float)
        logs, influence = [], []
        for column in (y, None if per is None else np.asarray(per, dtype=float)):
            if column is None:
                continue
            here, there, of_here, of_there = self._means(column)
            if here <= 0 or there <= 0:
                return Estimate(float("nan"), "", n=self.treated_count, method="one side has none", level=level)
            logs.append(np.log(here / there))
            influence.append(of_here / here - of_there / there)
        value = logs[0] - (logs[1] if len(logs) > 1 else 0.0)
        total = influence[0] - (influence[1] if len(influence) > 1 else 0.0)
        step = norm.ppf((1 + level) / 2) * self._error(total)
        low, high = np.exp(value - step), np.exp(value + step)
        return Estimate(float(np.exp(value)), "", float(low), float(high), self.treated_count, _METHOD, level)

    def _means(self, y: np.ndarray) -> tuple[float, float, np.ndarray, np.ndarray]:
        """Both means, and what each row adds to their errors."""
        refuse(
            *(["likeness: the outcome has gaps. Compare those whose outcome is known."] if np.isnan(y).any() else [])
        )
        t, count = self.is_treated, self.treated_count
        weight = np.where(t, 0.0, self.weights)
        here, there = float(y[t].mean()), float(weight @ y / count)
        bend = self.facts.T @ (self.facts * weight[:, None])
        slope = np.linalg.lstsq(bend, self.facts.T @ (weight * y), rcond=None)[0]
        expected = self.facts @ slope
        of_here = t * (y - here) / count
        of_there = (t * (expected - there) + weight * (y - expected)) / count
        return here, there, of_here, of_there

    def _error(self, influence: np.ndarray) -> float:
        sums = np.bincount(self.clusters, influence)
        return float(np.sqrt((sums**2).sum()))


_METHOD = "entropy balancing, errors clustered by customer"


def alike(
    facts: pd.DataFrame,
    is_treated: object,
    clusters: object,
    *,
    strata: object = None,
    others: pd.DataFrame | None = None,
) -> Likeness:
    """Weigh those who did not join so that they are like those who did.

    Parameters
    ----------
    facts : DataFrame
        Numbers known before anybody joined, one row a customer and date; gaps count as a value of their own.
    is_treated : array-like of bool
        Joined afterwards.
    clusters : array-like
        Customer of each row.
    strata : array-like, optional
        Dates: each is balanced, so that like is compared with like at the same time.
    others : DataFrame, optional
        Facts that are not balanced, shown to see whether balance holds beyond what was asked for.

    Raises
    ------
    CrmlabError
        Under 30 joined, or nobody is like those who joined.

    Notes
    -----
    Entropy balancing: of all weights that give those who did not join the same means of all facts as those who joined,
    the ones nearest to equal. The weights are those of a log-linear propensity; the estimate is right where either the
    propensity or the outcome is linear in the facts. Errors count the weights as estimated. What is estimated is the
    effect on those who joined. It is an effect only if nothing outside the facts moves both joining and the outcome.

    References
    ----------
    Hainmueller (2012), Political Analysis 20, 25-46; Zhao and Percival (2017), Journal of Causal Inference 5.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> size = rng.normal(size=4000)
    >>> joined = rng.random(4000) < 1 / (1 + np.exp(2 - size))
    >>> found = alike(pd.DataFrame({"size": size}), joined, np.arange(4000))
    >>> outcome = 10 + 3 * size + joined * 1.0 + rng.normal(size=4000)  # joining adds 1
    >>> bool(found.difference(outcome, unit="EUR").low < 1 < found.difference(outcome, unit="EUR").high)
    True
    """
    t = np.asarray(is_treated).astype(bool)
    refuse(*([f"likeness: {int(t.sum())} joined; {FEWEST_TREATED} are needed. Wait, or take a longer span."]
             if t.sum() < FEWEST_TREATED else []))  # fmt: skip
    filled = _filled(facts)
    design, names = _design(filled, strata, t)
    weights = _entropy(design, t)
    after = _differences(design, t, weights)
    worst = float(np.abs(after).max(initial=0.0))
    refuse(*([f"likeness: no weights make the others like those who joined; {worst:.2f} standard deviations are left. "
              "Compare fewer facts or a larger group."] if worst > _LARGEST_DIFFERENCE else []))  # fmt: skip
    shown = [name in filled for name in names]
    rows = pd.DataFrame({
        "fact": names, "before": _differences(design, t, np.ones(len(t))), "after": after, "is_balanced": True,
    })[shown]  # fmt: skip
    if others is not None:
        beside = _filled(others)
        values = _scaled(beside.to_numpy(dtype=float), t)
        rows = pd.concat([rows, pd.DataFrame({
            "fact": list(beside), "before": _differences(values, t, np.ones(len(t))),
            "after": _differences(values, t, weights), "is_balanced": False})], ignore_index=True)  # fmt: skip
    held = weights[~t]
    return Likeness(
        t, np.where(t, 1.0, weights), np.column_stack([np.ones(len(t)), design]), pd.factorize(np.asarray(clusters))[0],
        rows.reset_index(drop=True), float(auc(t.astype(int), np.log(weights + 1e-300)).value),
        float(effective_count(held)), float(held.max() / held.sum()),
    )  # fmt: skip


def e_value(ratio: Estimate) -> tuple[float, float]:
    """Say how strong a hidden cause would have to be to explain a ratio away: for the value, and for its nearer limit.

    Parameters
    ----------
    ratio : Estimate
        A ratio of means or rates, above 0.

    Returns
    -------
    tuple of (float, float)
        Ratio by which something not seen would have to go with both joining and the outcome, beyond the facts
        balanced; 1 where the interval holds 1 already.

    References
    ----------
    VanderWeele and Ding (2017), Annals of Internal Medicine 167, 268-274.

    Examples
    --------
    >>> [round(one, 2) for one in e_value(Estimate(3.9, "", low=1.8, high=8.7))]  # the paper's first example
    [7.26, 3.0]
    """

    def of(value: float) -> float:
        size = max(value, 1 / value)
        return float(size + np.sqrt(size * (size - 1)))

    near = ratio.low if ratio.value > 1 else ratio.high
    return of(ratio.value), 1.0 if (near - 1) * (ratio.value - 1) <= 0 else of(near)


def _filled(facts: pd.DataFrame) -> pd.DataFrame:
    """Put the mean in gaps, and a column that says where."""
    columns = {}
    for name in facts:
        values = facts[name].astype("float64")
        gaps = values.isna()
        if gaps.all():
            continue
        columns[name] = values.fillna(values.mean())
        if gaps.any():
            columns[f"{name} not known"] = gaps.astype("float64")
    return pd.DataFrame(columns, index=facts.index)


def _scaled(values: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Means of those who joined become 0, the standard deviation of all 1."""
    spread = values.std(axis=0)
    return (values - values[t].mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _design(filled: pd.DataFrame, strata: object, t: np.ndarray) -> tuple[np.ndarray, list[str]]:
    parts = filled
    if strata is not None:
        dates = pd.Series(np.asarray(strata), index=filled.index)
        share = t.astype(float)
        known = pd.Series(share, index=filled.index).groupby(dates.to_numpy()).sum()
        parts = filled.assign(**{f"date {day}": (dates == day).astype(float) for day in list(known.index)[1:]})
    varies = [name for name in parts if parts[name].std() > 1e-12]
    most = max(int(t.sum()) // _FACTS_A_TREATED, 1)
    kept = _independent(_scaled(parts[varies].to_numpy(dtype=float), t), most)
    return _scaled(parts[[varies[at] for at in kept]].to_numpy(dtype=float), t), [varies[at] for at in kept]


def _independent(values: np.ndarray, most: int) -> list[int]:
    """Take columns in order, as long as they say something new and there are enough who joined."""
    kept: list[int] = []
    basis = np.zeros((len(values), 0))
    for at in range(values.shape[1]):
        column = values[:, at] - values[:, at].mean()
        rest = column - basis @ (basis.T @ column)
        size = np.linalg.norm(rest)
        if len(kept) < most and size > 1e-4 * max(np.linalg.norm(column), 1e-12):
            kept.append(at)
            basis = np.column_stack([basis, rest / size])
    return kept


def _entropy(design: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Weights of the others that meet the means of those who joined (which are 0), by Newton on the convex dual."""
    others, count = design[~t], int(t.sum())
    slope = np.zeros(design.shape[1])

    def value_of(at: np.ndarray) -> float:
        score = others @ at
        return float(np.log(np.exp(score - score.max()).sum()) + score.max())

    value = value_of(slope)
    for _ in range(_STEPS):
        score = others @ slope
        share = np.exp(score - score.max())
        share /= share.sum()
        mean = share @ others
        bend = (others * share[:, None]).T @ others - np.outer(mean, mean)
        step = np.linalg.solve(bend + 1e-9 * np.eye(len(slope)), -mean)
        length = 1.0
        while length > 1e-6 and value_of(slope + length * step) > value + 1e-4 * length * float(mean @ step):
            length /= 2
        slope, before = slope + length * step, value
        value = value_of(slope)
        if np.abs(mean).max() < 1e-9 or before - value < 1e-14:
            break
    score = design @ slope
    weights = np.exp(np.clip(score - score[~t].max(), -700.0, 700.0))
    return weights * count / weights[~t].sum()


def _differences(values: np.ndarray, t: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Standardised differences of the means, those who joined less the others."""
    return values[t].mean(axis=0) - np.average(values[~t], axis=0, weights=weights[~t])
