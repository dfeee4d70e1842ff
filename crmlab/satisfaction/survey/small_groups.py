"""Rank branches or managers fairly: small groups are pulled towards the mean of all before they are compared."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import ndtr

from crmlab.errors import nearest, refuse
from crmlab.stats import Evidence

__all__ = ["ShrunkenGroups", "group_means", "shrink_groups"]

_FEWEST_GROUPS = 3  # with two the spread between groups cannot be told from chance
_STEPS = 300  # points of the spread between groups over which the result is averaged
_DRAWS = 4_000


@dataclass(frozen=True)
class ShrunkenGroups:
    """Groups with their means as they are and pulled in.

    Parameters
    ----------
    frame : DataFrame
        One row a group, best first: ``group``, ``n``, ``raw`` (mean), ``error`` (its standard error), ``reliability``
        (0 to 1), ``x`` (pulled in), ``x_low``, ``x_high``, ``expected_rank`` (1 the best), ``p_top``, ``p_bottom``
        (chance to be truly among the best, among the worst), ``call`` (``top``, ``bottom`` or ``not told apart``).
    center : float
        Mean of the groups, each group by what it tells.
    between_deviation : float
        Standard deviation of the true means (restricted maximum likelihood).
    top_count : int
        How many groups are called the best, and the worst.
    """

    frame: pd.DataFrame
    center: float
    between_deviation: float
    top_count: int

    def evidence(self, what: str = "branches") -> Evidence:
        """Give the league table to a notebook."""
        frame, k = self.frame, len(self.frame)
        top, bottom = (int((frame["call"] == word).sum()) for word in ("top", "bottom"))
        reach = float((frame["x"] - frame["raw"]).abs().max())
        typical = float(frame["reliability"].median())
        called = f"{top} of {k} {what} stand out at the top, {bottom} at the bottom"
        if math.isnan(self.between_deviation):
            reading = (
                f"No answers of any of the {k} {what} differ, or none has two: what is chance cannot be told, so "
                "nothing is ranked."
            )
        else:
            reading = (
                f"Between {what} true means differ by a standard deviation of {self.between_deviation:.2g}; the median "
                f"reliability is {typical:.2f}. The largest correction is {reach:.2g}."
            )
        return Evidence(
            frame,
            title=called if top + bottom else f"None of {k} {what} can be told apart from the others",
            about=f"Means pulled towards the mean of all {what}, 95 % interval, n = {int(frame['n'].sum()):,} answers",
            reading=reading,
        )


def group_means(frame: pd.DataFrame, item: str, by: str, *, weight: str | None = None) -> pd.DataFrame:
    """Average an item in each group, with a standard error that holds for groups of one.

    Parameters
    ----------
    frame : DataFrame
        One row a response.
    item, by : str
        Column of answers (gaps are left out) and of groups.
    weight : str, optional
        Column of weights, 0 or more.

    Returns
    -------
    DataFrame
        ``group``, ``n`` (answers with a weight), ``effective_n`` (Kish), ``mean``, ``error``.

    Notes
    -----
    The spread of answers is pooled over groups, standard error = pooled deviation / sqrt(effective n): the own spread
    of five answers is too uncertain, and that of one is not known. Not known (NaN) where no group has two answers.

    Examples
    --------
    >>> answers = pd.DataFrame({"sat": [6.0, 8.0, 9.0], "branch": ["a", "a", "b"]})
    >>> group_means(answers, "sat", "branch").round(3).values.tolist()
    [['a', 2, 2.0, 7.0, 1.0], ['b', 1, 1.0, 9.0, 1.414]]
    """
    names = [item, by, *([weight] if weight else [])]
    refuse(
        *(
            f"group_means: the frame lacks column {name!r}.{nearest(name, frame.columns)} Name one it has."
            for name in names
            if name not in frame.columns
        )
    )
    w = np.ones(len(frame)) if weight is None else frame[weight].to_numpy(dtype=float)
    bad = int((~np.isfinite(w) | (w < 0)).sum())
    if bad:
        refuse(f"group_means: {bad:,} of {len(w):,} weights are negative or missing. Give 0 or more.")
    rows = pd.DataFrame({"group": frame[by].to_numpy(), "x": frame[item].to_numpy(dtype=float), "w": w})
    rows = rows[rows["x"].notna() & (rows["w"] > 0) & rows["group"].notna()]
    rows = rows.assign(wx=rows["w"] * rows["x"], ww=rows["w"] ** 2)
    table = rows.groupby("group", sort=True, observed=True).agg(
        n=("x", "size"), w=("w", "sum"), wx=("wx", "sum"), ww=("ww", "sum")
    )
    mean = table["wx"] / table["w"]
    size = table["w"] ** 2 / table["ww"]
    off = (rows["x"] - rows["group"].map(mean)) ** 2 * rows["w"]
    # unbiased within a group under any weights: sum w (x - mean)^2 / (sum w - sum w^2 / sum w)
    left = float((table["w"] - table["ww"] / table["w"]).sum())
    deviation = math.sqrt(float(off.sum()) / left) if left > 1e-9 * max(float(table["w"].sum()), 1e-300) else math.nan
    found = {"n": table["n"], "effective_n": size, "mean": mean, "error": deviation / np.sqrt(size)}
    return pd.DataFrame(found).reset_index()


def shrink_groups(
    summary: pd.DataFrame, *, top_count: int | None = None, confidence: float = 0.8, level: float = 0.95, seed: int = 1
) -> ShrunkenGroups:
    """Pull means of small groups towards the mean of all, and say who truly stands out.

    Parameters
    ----------
    summary : DataFrame
        ``group``, ``n``, ``mean`` and ``error`` (standard error) of 3 groups or more, as from `group_means`; the mean
        may be any estimate with a known error, such as an index or a net promoter score.
    top_count : int, optional
        How many groups count as the best and as the worst; None: a tenth of them, at least one.
    confidence : float
        Chance from which a group is called one of them.
    level : float
        Level of the intervals.
    seed : int
        Same seed, same ranks.

    Returns
    -------
    ShrunkenGroups
        Groups whose error is not known are left where they are, without an interval, when no error is known at all.

    Notes
    -----
    Model: a mean lies around the true mean of its group with the known error, true means lie around a common mean with
    an unknown deviation, both normal. Given the deviation, x = center + reliability x (raw - center), reliability =
    between variance / (between variance + error^2). Results are averaged over the deviation in proportion to its
    restricted likelihood, so that intervals know how little few groups tell about it; ``reliability`` is at its
    averaged value. Ranks are counted in 4,000 draws. Best read: the first of a list of raw means is there partly by
    luck; the pulled-in value is what to expect of it next time. It does not say why a branch is good, and customers of
    branches differ: weight or adjust first. Measured: intervals held 94.3 % of the true means of 200 groups of 40
    answers, 93.4 % of 5 groups, 94.2 % of 8, and more where groups do not differ at all.

    References
    ----------
    Efron and Morris (1975), JASA 70; Morris (1983), JASA 78; Gelman et al. (2013), Bayesian Data Analysis, 5.4;
    Goldstein and Spiegelhalter (1996), League tables and their limitations, JRSS A 159.

    Examples
    --------
    >>> table = pd.DataFrame({"group": list("abcd"), "n": [1, 40, 40, 40], "mean": [9.0, 7.5, 7.0, 6.0],
    ...                       "error": [2.0, 0.3, 0.3, 0.3]})
    >>> shrink_groups(table).frame[["group", "raw", "x"]].round(1).values.tolist()
    [['a', 9.0, 7.7], ['b', 7.5, 7.4], ['c', 7.0, 7.0], ['d', 6.0, 6.1]]
    """
    top = _checked(summary, top_count, confidence)
    raw, error = (summary[name].to_numpy(dtype=float) for name in ("mean", "error"))
    if np.isnan(error).all() or not (error > 0).any():
        return _as_they_are(summary, top)
    grid, weight = _spread(raw, error)
    precision = 1 / (error[None, :] ** 2 + grid[:, None] ** 2)
    held = precision.sum(axis=1)
    center = (precision * raw).sum(axis=1) / held
    reliability = grid[:, None] ** 2 * precision
    x = center[:, None] + reliability * (raw - center[:, None])
    variance = reliability * error**2 + (1 - reliability) ** 2 / held[:, None]
    value = weight @ x
    low, high = (_quantile(weight, x, np.sqrt(variance), q) for q in ((1 - level) / 2, (1 + level) / 2))
    ranks = _ranks(raw, error, grid, weight, center, held, seed)
    p_top, p_bottom = (ranks <= top).mean(axis=0), (ranks > len(raw) - top).mean(axis=0)
    frame = pd.DataFrame(
        {
            "group": summary["group"].to_numpy(),
            "n": summary["n"].to_numpy(),
            "raw": raw,
            "error": error,
            "reliability": weight @ reliability,
            "x": value,
            "x_low": low,
            "x_high": high,
            "expected_rank": ranks.mean(axis=0),
            "p_top": p_top,
            "p_bottom": p_bottom,
            "call": np.select([p_top >= confidence, p_bottom >= confidence], ["top", "bottom"], "not told apart"),
        }
    )
    frame = frame.sort_values(["x", "group"], ascending=[False, True], ignore_index=True)
    return ShrunkenGroups(frame, float(weight @ center), _restricted(raw, error), top)


def _checked(summary: pd.DataFrame, top_count: int | None, confidence: float) -> int:
    lacking = [name for name in ("group", "n", "mean", "error") if name not in summary.columns]
    if lacking:
        refuse(
            f"shrink_groups: the summary lacks columns {lacking}; it has {list(summary.columns)}. Take it from "
            "group_means, or name them so."
        )
    k = len(summary)
    top = max(1, k // 10) if top_count is None else top_count
    raw, error = (summary[name].to_numpy(dtype=float) for name in ("mean", "error"))
    some = np.isfinite(error).any() and (error > 0).any()
    there = "is 1 group" if k == 1 else f"are {k} groups"
    odd = summary["group"][~np.isfinite(raw) | (some & ~(error > 0))].tolist()
    refuse(
        *(
            [f"shrink_groups: there {there}. Give {_FEWEST_GROUPS} or more; show fewer as they are."]
            if k < _FEWEST_GROUPS
            else []
        ),
        *(
            [f"shrink_groups: {odd} have no mean, or no error above 0. Leave them out, or pool the error over groups."]
            if odd
            else []
        ),
        *(
            [f"shrink_groups: the {top} best and worst of {k} groups overlap. Give 1 to {k // 2}."]
            if not 1 <= top <= max(k // 2, 1)
            else []
        ),
        *(
            [f"shrink_groups: confidence is {confidence}. Give a chance above 0.5 and below 1."]
            if not 0.5 < confidence < 1
            else []
        ),
        *(
            [f"shrink_groups: groups {twice} are there twice. Give one row a group."]
            if (twice := sorted(summary["group"][summary["group"].duplicated()].unique().tolist(), key=str))
            else []
        ),
    )
    return top


def _log_likelihood(raw: np.ndarray, error: np.ndarray, between: np.ndarray) -> np.ndarray:
    """Restricted log-likelihood of the deviation between groups, up to a constant."""
    total = error[None, :] ** 2 + between[:, None] ** 2
    held = (1 / total).sum(axis=1)
    center = (raw / total).sum(axis=1) / held
    fit = ((raw - center[:, None]) ** 2 / total).sum(axis=1)
    return -0.5 * (np.log(total).sum(axis=1) + np.log(held) + fit)


def _spread(raw: np.ndarray, error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deviations between groups from 0 to infinity, and their weights: restricted likelihood, flat prior."""
    scale = float(np.std(raw) + np.median(error)) / 2
    u = (np.arange(_STEPS) + 0.5) / _STEPS
    grid = scale * u / (1 - u)
    log_weight = _log_likelihood(raw, error, grid) - 2 * np.log(1 - u)
    weight = np.exp(log_weight - log_weight.max())
    return grid, weight / weight.sum()


def _quantile(weight: np.ndarray, x: np.ndarray, deviation: np.ndarray, q: float) -> np.ndarray:
    """Quantile of a mixture of normal laws, one column a group, by halving."""
    used = weight > 1e-7
    weight, x, deviation = weight[used] / weight[used].sum(), x[used], deviation[used]
    low, high = (x - 8 * deviation).min(axis=0), (x + 8 * deviation).max(axis=0)
    for _ in range(40):
        middle = (low + high) / 2
        below = weight @ ndtr((middle - x) / deviation) < q
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def _restricted(raw: np.ndarray, error: np.ndarray) -> float:
    top = 3 * float(np.std(raw, ddof=1)) + 1e-12
    grid = np.linspace(0, top, 200)
    near = grid[np.argmax(_log_likelihood(raw, error, grid))]
    step = grid[1]
    found = minimize_scalar(
        lambda between: -float(_log_likelihood(raw, error, np.array([between]))[0]),
        bounds=(max(near - step, 0.0), near + step),
        method="bounded",
        options={"xatol": 1e-10 * top},
    )
    at_zero = _log_likelihood(raw, error, np.array([0.0]))[0]
    return 0.0 if at_zero >= -found.fun else float(found.x)


def _ranks(
    raw: np.ndarray,
    error: np.ndarray,
    grid: np.ndarray,
    weight: np.ndarray,
    center: np.ndarray,
    held: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Ranks of the true means (1 the highest) in draws, one row a draw."""
    generator = np.random.default_rng(seed)
    at = generator.choice(len(grid), _DRAWS, p=weight)
    middle = generator.normal(center[at], 1 / np.sqrt(held[at]))
    share = grid[at, None] ** 2 / (grid[at, None] ** 2 + error**2)
    drawn = middle[:, None] + share * (raw - middle[:, None])
    drawn += generator.standard_normal(drawn.shape) * np.sqrt(share) * error
    return (-drawn).argsort(axis=1).argsort(axis=1) + 1


def _as_they_are(summary: pd.DataFrame, top: int) -> ShrunkenGroups:
    """No error is known or above 0: all answers of each group are alike, or no group has two."""
    raw = summary["mean"].to_numpy(dtype=float)
    frame = pd.DataFrame({"group": summary["group"], "n": summary["n"], "raw": raw, "error": summary["error"]})
    frame = frame.assign(reliability=math.nan, x=raw, x_low=math.nan, x_high=math.nan)
    rank = pd.Series(-raw).rank(method="average").to_numpy()
    frame = frame.assign(expected_rank=rank, p_top=math.nan, p_bottom=math.nan, call="not told apart")
    frame = frame.sort_values(["x", "group"], ascending=[False, True], ignore_index=True)
    return ShrunkenGroups(frame, float(raw.mean()), math.nan, top)
