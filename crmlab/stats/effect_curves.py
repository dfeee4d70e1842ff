"""Does a ranking find those whom a treatment moves? Gain curve, Qini, AUTOC and the effect by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate

__all__ = ["RankedEffect", "autoc", "effects_by_group", "gain_curve", "mean_effect", "qini", "targeting_curve"]


@dataclass(frozen=True)
class RankedEffect:
    """How much more a ranking finds than chance.

    Parameters
    ----------
    estimate : Estimate
        In the unit of the scores, a customer of the base.
    error : float
        Standard error.
    p_value : float
        One-sided: chance of as much when the ranking says nothing about effects.
    """

    estimate: Estimate
    error: float
    p_value: float


def mean_effect(scores: object, *, customers: object = None, unit: str = "share", level: float = 0.95) -> Estimate:
    """Estimate the mean effect of a group from its scores.

    Parameters
    ----------
    scores : array-like of float
        Effect scores, see `crmlab.stats.effect_learners.cross_fitted_effects`.
    customers : array-like, optional
        Whose row it is; rows of one customer go together.

    Examples
    --------
    >>> mean_effect([0.0, 0.2, 0.1, 0.1]).text
    '10.0 % (95 % interval 2.0 to 18.0 %, n = 4)'
    """
    values = np.asarray(scores, dtype=float)
    if not len(values):
        return Estimate(float("nan"), unit=unit, n=0, method="not known: no customers", level=level)
    value = float(values.mean())
    error = _error(values - value, _codes(customers, len(values)))
    step = norm.ppf((1 + level) / 2) * error
    limits = (value - step, value + step) if np.isfinite(error) else (None, None)
    method = "doubly robust scores, clustered by customer"
    return Estimate(value, unit=unit, low=limits[0], high=limits[1], n=len(values), method=method, level=level)


def qini(
    ranking: object,
    scores: object,
    *,
    folds: object = None,
    customers: object = None,
    unit: str = "share",
    level: float = 0.95,
) -> RankedEffect:
    """Estimate the Qini value of a ranking: how much more it gains than a list by chance, over lists of all lengths.

    Parameters
    ----------
    ranking : array-like of float
        Higher for who is to be treated first; of models that did not see the customer.
    scores : array-like of float
        Effect scores of the same customers: their mean over a group is its mean effect.
    folds : array-like, optional
        Fold of each row: ranks are taken within a fold, since rankings of different models cannot be compared.
    customers : array-like, optional
        Whose row it is; rows of one customer go together in the error.
    unit : str
        Unit of the scores.

    Notes
    -----
    Three libraries give three numbers for the same scores; this one is: G(q) = gain a customer of the whole base when
    the share q ranked highest is treated = mean(score x in the top q). AUUC = integral of G(q), q from 0 to 1. Qini =
    AUUC - G(1) / 2: the area between the curve and the straight line to treating everybody, in the unit of the
    outcome a customer, not divided by the area of a perfect ranking. It is also a rank-weighted average treatment
    effect with weight q: integral of q TOC(q). Ties share their places. The standard error counts that ranks are
    estimated too; normal law.

    References
    ----------
    Radcliffe (2007), Direct Marketing Analytics Journal; Yadlowsky, Fleming, Shah, Brunskill and Wager (2025),
    Evaluating treatment prioritization rules via rank-weighted average treatment effects, JASA 120, 38-51.

    Examples
    --------
    >>> found = qini([4, 3, 2, 1], [1.0, 0.0, 0.0, 0.0])  # curve .25 from the first on: area .21875, line .125
    >>> round(found.estimate.value, 5)
    0.09375
    """
    return _ranked("Qini", ranking, scores, folds, customers, unit, level)


def autoc(
    ranking: object,
    scores: object,
    *,
    folds: object = None,
    customers: object = None,
    unit: str = "share",
    level: float = 0.95,
) -> RankedEffect:
    """Estimate the area under the targeting curve: how much more those ranked first gain than all, first places most.

    Parameters
    ----------
    ranking, scores, folds, customers, unit, level
        As in `qini`.

    Notes
    -----
    TOC(q) = mean effect of the top q less the mean effect of all; AUTOC = its integral over q from 0 to 1. Sharper than
    Qini where few are moved, blunter where effects spread evenly.

    References
    ----------
    Yadlowsky et al. (2025), JASA 120, 38-51.

    Examples
    --------
    >>> round(autoc([1, 1, 1, 1], [1.0, 0.0, 0.0, 0.0]).estimate.value, 5)
    0.0
    """
    return _ranked("AUTOC", ranking, scores, folds, customers, unit, level)


def gain_curve(
    ranking: object,
    scores: object,
    *,
    folds: object = None,
    customers: object = None,
    points: int = 20,
    resamples: int = 200,
    seed: int = 1,
    level: float = 0.95,
) -> pd.DataFrame:
    """Gain of treating the top of a ranking, by how many are treated.

    Parameters
    ----------
    ranking, scores, folds, customers, level
        As in `qini`; scores may be money (effect score x value - cost).
    points : int
        Steps from 0 to 1.
    resamples, seed : int
        Of the bootstrap over customers.

    Returns
    -------
    DataFrame
        ``treated_share``; ``gain`` a customer of the whole base with ``gain_low``, ``gain_high`` (at each point alone,
        not for the curve as a whole); ``gain_random`` of a list by chance of the same length.

    Examples
    --------
    >>> curve = gain_curve([4, 3, 2, 1], [1.0, 0.0, 0.0, 0.0], points=2)
    >>> curve[["treated_share", "gain", "gain_random"]].values.tolist()
    [[0.0, 0.0, 0.0], [0.5, 0.25, 0.125], [1.0, 0.25, 0.25]]
    """
    place, values, code = _placed("gain_curve", ranking, scores, folds, customers)
    shares = np.linspace(0, 1, points + 1)
    order = np.argsort(place, kind="stable")
    place, values, code = place[order], values[order], code[order]
    value = _gains(place, values, np.ones(len(values)), shares)
    generator = np.random.default_rng(seed)
    size = code.max() + 1 if len(code) else 0
    drawn = np.empty((resamples, len(shares)))
    for number in range(resamples):
        weight = np.bincount(generator.integers(0, size, size), minlength=size)[code].astype(float)
        drawn[number] = _gains(place, values, weight, shares)
    step = norm.ppf((1 + level) / 2) * drawn.std(axis=0, ddof=1)
    return pd.DataFrame(
        {
            "treated_share": shares,
            "gain": value,
            "gain_low": value - step,
            "gain_high": value + step,
            "gain_random": shares * value[-1],
        }
    )


def targeting_curve(curve: pd.DataFrame) -> pd.DataFrame:
    """Turn a gain curve into the targeting operator characteristic: mean effect of the top share less that of all.

    Returns
    -------
    DataFrame
        ``treated_share`` (above 0) and ``advantage``.
    """
    part = curve[curve["treated_share"] > 0]
    all_of_them = float(curve["gain"].iloc[-1])
    return pd.DataFrame(
        {"treated_share": part["treated_share"], "advantage": part["gain"] / part["treated_share"] - all_of_them}
    ).reset_index(drop=True)


def effects_by_group(
    effect: object,
    scores: object,
    *,
    folds: object = None,
    customers: object = None,
    groups: int = 5,
    unit: str = "share",
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare predicted effects with those found, in groups from the most moved to the least.

    Parameters
    ----------
    effect : array-like of float
        Predicted effects of models that did not see the customer.
    scores, folds, customers, unit, level
        As in `qini`.
    groups : int
        Groups of equal size.

    Returns
    -------
    DataFrame
        ``group`` (1: greatest predicted effect), ``predicted``, ``effect``, ``effect_low``, ``effect_high``,
        ``customers_count``. Groups without customers are left out.

    Examples
    --------
    >>> found = effects_by_group([0.3, 0.3, 0.1, 0.1], [0.4, 0.2, 0.0, 0.2], groups=2)
    >>> found[["group", "predicted", "effect"]].round(2).values.tolist()
    [[1.0, 0.3, 0.3], [2.0, 0.1, 0.1]]
    """
    place, values, code = _placed("effects_by_group", effect, scores, folds, customers)
    predicted = np.asarray(effect, dtype=float)
    number = np.minimum((place * groups).astype(int), groups - 1)
    rows = []
    for group in range(groups):
        inside = number == group
        if inside.any():
            found = mean_effect(values[inside], customers=code[inside], unit=unit, level=level)
            rows.append((group + 1, predicted[inside].mean(), found.value, found.low, found.high, int(inside.sum())))
    names = ["group", "predicted", "effect", "effect_low", "effect_high", "customers_count"]
    return pd.DataFrame(rows, columns=names).astype({"effect_low": float, "effect_high": float})


def _ranked(
    what: str, ranking: object, scores: object, folds: object, customers: object, unit: str, level: float
) -> RankedEffect:
    place, values, code = _placed(what, ranking, scores, folds, customers)
    n = len(values)
    cells = np.zeros(n, dtype=int) if folds is None else pd.factorize(np.asarray(folds))[0]
    influence, weight = np.zeros(n), np.zeros(n)
    for cell in range(cells.max() + 1 if n else 0):
        inside = cells == cell
        weight[inside], influence[inside] = _weights(what, place[inside], values[inside])
    method = f"{what}, ranks within folds" if folds is not None else what
    if n < 2:
        return RankedEffect(
            Estimate(float("nan"), unit=unit, n=n, method=method, level=level), float("nan"), float("nan")
        )
    value = float((weight * values).mean())
    error = _error(influence, code)
    step = norm.ppf((1 + level) / 2) * error
    p_value = float(norm.sf(value / error)) if error > 0 else 1.0
    return RankedEffect(Estimate(value, unit, value - step, value + step, n, method, level), error, p_value)


def _weights(what: str, place: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each row for its place, and what the row moves: by its own score, and by shifting those below it."""
    n = len(values)
    order = np.argsort(place, kind="stable")
    _, first, code, count = np.unique(place[order], return_index=True, return_inverse=True, return_counts=True)
    above, upto = first[code] / n, (first + count)[code] / n
    middle = (above + upto) / 2
    if what == "Qini":  # weight 1/2 - u, averaged over the places of a tie
        weight, slope = 0.5 - middle, -np.ones(n)
    else:  # -ln u - 1, likewise: the integral of it is -u ln u
        ended = np.where(above > 0, above * np.log(np.where(above > 0, above, 1.0)), 0.0) - upto * np.log(upto)
        weight, slope = ended / (upto - above), -1 / middle
    pulled = values[order] * slope / n
    tied = np.bincount(code, pulled)
    below = pulled.sum() - np.cumsum(tied)
    moved = weight * values[order] + below[code] + tied[code] / 2
    back = np.empty(n, dtype=int)
    back[order] = np.arange(n)
    return weight[back], (moved - moved.mean())[back]


def _placed(what: str, ranking: object, scores: object, folds: object, customers: object) -> tuple:
    """Place of each row from the top, 0 to 1, ties in the middle of their places; scores; number of the customer."""
    rank, values = np.asarray(ranking, dtype=float), np.asarray(scores, dtype=float)
    n = len(values)
    refuse(
        *(
            f"{what}: {n:,} scores against {len(given):,} {name}. Give both for the same rows, in the same order."
            for name, given in {"ranks": rank, "folds": folds, "customers": customers}.items()
            if given is not None and len(given) != n
        ),
        *(
            f"{what}: {int(np.isnan(given).sum()):,} {name} are missing. Leave those rows out, and count them."
            for name, given in {"ranks": rank, "scores": values}.items()
            if np.isnan(given).any()
        ),
    )
    cell = np.zeros(n, dtype=int) if folds is None else np.asarray(folds)
    rows = pd.Series(-rank).groupby(cell)
    place = ((rows.rank(method="average") - 0.5) / rows.transform("size")).to_numpy(dtype=float)
    return place, values, _codes(customers, n)


def _codes(customers: object, n: int) -> np.ndarray:
    return np.arange(n) if customers is None else pd.factorize(pd.Series(np.asarray(customers, dtype=object)))[0]


def _error(moved: np.ndarray, code: np.ndarray) -> float:
    """Standard error of a mean of rows that go together by customer; `moved` has the mean 0."""
    count = code.max() + 1
    if count < 2:
        return float("nan")
    return float(np.sqrt((np.bincount(code, moved) ** 2).sum() * count / (count - 1))) / len(moved)


def _gains(place: np.ndarray, values: np.ndarray, weight: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Gain a customer at each share; rows sorted by place; ties are taken together, by the straight line between."""
    total = weight.sum()
    ends = np.flatnonzero(np.append(np.diff(place) > 0, True))
    reached = np.cumsum(weight)[ends] / total
    gained = np.cumsum(weight * values)[ends] / total
    return np.interp(shares, np.append(0.0, reached), np.append(0.0, gained))
