"""What to improve first: how strongly each latent variable acts on a target, beside how well it does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.measurement.measured import Measured
from crmlab.satisfaction.measurement.merging import construct_of, lowered
from crmlab.satisfaction.measurement.validity import Gate
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.moments import Moments
from crmlab.satisfaction.path_models.solution import Solution
from crmlab.stats import Estimate, Evidence

__all__ = ["QUADRANTS", "importance_and_performance", "item_map", "performance_map"]

QUADRANTS = ("improve_first", "keep_up", "possible_overkill", "low_priority")


def importance_and_performance(
    seen: Moments, solution: Solution, *, low: float, high: float, freed: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Compute total effects in points of the index, and the index of every construct.

    Parameters
    ----------
    seen : Moments
        Means and covariances of the items, one survey or a stack.
    solution : Solution
        The path model of the same.
    low, high : float
        Ends of the questionnaire's scale.
    freed : bool
        The solution is freed of the errors of the items (PLSc).

    Returns
    -------
    tuple of ndarray
        Shape (..., j, j), ``[..., cause, effect]``: points of the effect's index with one point of the cause's; shape
        (..., j), 0 to 100.

    Notes
    -----
    With outer weights of items in points that add up to 1, a construct has the mean and variance of that weighted sum.
    The standardised total effect times the effect's standard deviation over the cause's is the unstandardised one. A
    latent variable varies by as much as its index, times the root of its reliability.
    """
    weights = solution.item_weights
    total = weights.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = weights / total[..., None, :]
        deviation = np.sqrt(np.einsum("...pj,...pq,...qj->...j", share, seen.covariance, share, optimize=True))
        if freed:
            deviation = deviation * np.sqrt(solution.reliability)
        importance = solution.total * deviation[..., None, :] / deviation[..., :, None]
        performance = 100 * (np.einsum("...pj,...p->...j", share, seen.mean) - low) / (high - low)
    return importance, performance


def performance_map(
    found: Measured,
    target: str,
    *,
    low: float,
    high: float,
    gate: Gate | None = None,
    fixed: Sequence[str] = (),
    importance_border: float | None = None,
    performance_border: float | None = None,
) -> Evidence:
    """Put importance for a target and performance of its drivers side by side, with what is known of their quadrant.

    Parameters
    ----------
    found : Measured
        A survey and its resamples.
    target : str
        Construct to be raised, such as satisfaction or loyalty.
    low, high : float
        Ends of the scale on which answers could be given.
    gate : Gate, optional
        From `validity_gate`: drivers it blocks are shown, but neither ranked nor given a quadrant.
    fixed : sequence of str
        Drivers that nobody can raise by working on them (expectations); shown, but not ranked either.
    importance_border, performance_border : float, optional
        Where quadrants meet, in index points per point and index points; the means of the ranked drivers where not
        given.

    Returns
    -------
    Evidence
        ``frame``, one row a driver, the most important first: ``name``, ``title``, ``importance`` (points of the
        target's index with one point of the driver's), ``importance_low``, ``importance_high``, ``performance`` (0 to
        100), ``performance_low``, ``performance_high``, ``p_improve_first`` (important, doing badly), ``p_keep_up``
        (important, doing well), ``p_possible_overkill`` (doing well, not important), ``p_low_priority``: share of the
        resamples in which the driver lies there, NaN where it is not ranked; ``is_ranked``.

    Notes
    -----
    Importance is the unstandardised total effect, through all paths. It is a correlation put in order by the model's
    arrows: what an improvement would bring holds as far as the arrows do. Of plain `measured` it is of the index,
    errors of its items included, and smaller than the effect of the latent variable itself, the more so the less
    reliable the driver; `freed_of_error` takes that out, and importance is what goes with a true point more.

    The 95 % limits hold the true importance in 93 to 95 % and the true performance in 94 to 96 % of samples of 150 and
    400 (`benchmarks/satisfaction_measures.py`, 300 samples a cell).

    The borders of the quadrants are arbitrary: at the means, some driver is always to be improved, however good all
    are. They are drawn anew in each resample, so the shares hold the uncertainty of the borders too. With fewer than
    two ranked drivers the means say nothing, and no quadrant is given unless both borders are.

    References
    ----------
    Martilla and James (1977), Importance-performance analysis, Journal of Marketing 41; Ringle and Sarstedt (2016),
    Gain more insight from your PLS-SEM results, Industrial Management and Data Systems 116.

    Examples
    --------
    >>> from crmlab.satisfaction.measurement.measured import measured
    >>> rng = np.random.default_rng(1)
    >>> strong, weak = rng.normal(size=(2, 400))
    >>> target = 0.7 * strong + 0.2 * weak + 0.6 * rng.normal(size=400)
    >>> frame = pd.DataFrame({"a": 5 + strong, "b": 8 + weak, "c": 6 + target, "d": 6 + target + weak / 9})
    >>> model = PathModel({"speed": ["a"], "looks": ["b"], "sat": ["c", "d"]}, {"sat": ["speed", "looks"]},
    ...                   titles={"speed": "Speed", "looks": "Looks", "sat": "Satisfaction"})
    >>> shown = performance_map(measured(frame, model, resamples=200), "sat", low=0, high=10)
    >>> shown.title
    'To raise satisfaction, improve speed first'
    >>> shown.frame[["name", "importance", "performance", "p_improve_first"]].round(1).values.tolist()
    [['speed', 0.7, 49.2, 1.0], ['looks', 0.2, 79.5, 0.0]]
    """
    model = found.solution.model
    refuse(*_problems(found, model, target, low, high))
    names = _drivers(found.model, target)
    place = {name: number for number, name in enumerate(model.constructs)}
    columns, aim = [place[name] for name in names], place[target]
    known = {"low": low, "high": high, "freed": found.is_freed}
    values, level_of = importance_and_performance(found.moments, found.solution, **known)
    drawn, levels = importance_and_performance(found.resampled, found.solutions, **known)
    blocked = [name for name in names if gate is not None and name in gate.blocked]
    ranked = np.array([name not in (*blocked, *fixed) for name in names])
    frame = pd.DataFrame({"name": names, "title": [found.model.title(name) for name in names]})
    for what, point, draws in (
        ("importance", values[columns, aim], drawn[:, columns, aim]),
        ("performance", level_of[columns], levels[:, columns]),
    ):
        lower, upper = found.limits(draws)
        frame = frame.assign(**{what: point, f"{what}_low": lower, f"{what}_high": upper})
    shares = _quadrant_shares(drawn[:, columns, aim], levels[:, columns], ranked, importance_border, performance_border)
    frame = frame.assign(**{f"p_{name}": shares[name] for name in QUADRANTS}, is_ranked=ranked)
    frame = frame.sort_values("importance", ascending=False, kind="stable", ignore_index=True)
    return _evidence(frame, found, target, importance_border, performance_border, blocked)


def item_map(found: Measured, target: str, *, low: float, high: float, gate: Gate | None = None) -> pd.DataFrame:
    """Importance and performance of every item of the drivers of a target.

    Parameters
    ----------
    found, target, low, high, gate
        As in `performance_map`.

    Returns
    -------
    DataFrame
        One row an item, the most important first: ``item``, ``latent`` and ``title`` of the driver, ``importance``
        (points of the target's index when the item, put on 0 to 100, rises by one point), ``importance_low``,
        ``importance_high``, ``performance`` (0 to 100), ``performance_low``, ``performance_high``, ``is_ranked``.

    Notes
    -----
    An item's importance is its weight in the driver's index (they add up to 1) times the driver's importance. Weights
    say how an item goes along with its latent variable, not that a manager can move it alone.
    """
    model = found.solution.model
    refuse(*_problems(found, model, target, low, high))
    place = {name: number for number, name in enumerate(model.constructs)}
    tables = []
    both = []
    for seen, solution in ((found.moments, found.solution), (found.resampled, found.solutions)):
        importance, _ = importance_and_performance(seen, solution, low=low, high=high, freed=found.is_freed)
        share = solution.item_weights / solution.item_weights.sum(axis=-2, keepdims=True)
        both.append((share * importance[..., :, place[target]][..., None, :], 100 * (seen.mean - low) / (high - low)))
    for name in _drivers(found.model, target):
        own = [k for k, item in enumerate(found.model.items) if _owner(found.model, item) == name]
        table = {"item": [found.model.items[k] for k in own], "latent": name, "title": found.model.title(name)}
        for what, point, draws in (
            ("importance", both[0][0][own, place[name]], both[1][0][:, own, place[name]]),
            ("performance", both[0][1][own], both[1][1][:, own]),
        ):
            lower, upper = found.limits(draws)
            table |= {what: point, f"{what}_low": lower, f"{what}_high": upper}
        tables.append(pd.DataFrame(table).assign(is_ranked=gate is None or gate.is_ranked([name])[0]))
    return pd.concat(tables).sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def _owner(model: PathModel, item: str) -> str:
    return construct_of(model, model.latent_of[item])


def _drivers(model: PathModel, target: str) -> list[str]:
    """Constructs from which a way leads to the target, in the order of the model."""
    found, open_ones = set(), [target]
    while open_ones:
        new = set(model.paths.get(open_ones.pop(), ())) - found
        found |= new
        open_ones += sorted(new)
    return [name for name in model.constructs if name in found]


def _problems(found: Measured, model: PathModel, target: str, low: float, high: float) -> list[str]:
    problems = []
    if not low < high:
        problems.append(f"performance map: the scale goes from {low} to {high}. Give a low below the high.")
    if target not in model.constructs:
        known = list(model.constructs)
        problems.append(f"performance map: target {target!r} is no construct.{nearest(target, known)} Known: {known}.")
    elif not found.model.paths.get(target):
        problems.append(f"performance map: nothing acts on {target}. Choose one of {list(found.model.effects)}.")
    below = [
        f"{item} in {found.model.title(name)} ({weight:.3f})"
        for name, column in zip(model.constructs, found.solution.item_weights.T, strict=True)
        for item, weight in zip(found.model.items, column, strict=True)
        if weight < 0
    ]
    if below:
        problems.append(
            f"performance map: items have negative weights: {', '.join(below)}. Reverse the answers of items that ask "
            "the other way round, or leave them out of the model."
        )
    return problems


def _quadrant_shares(
    importance: np.ndarray,
    performance: np.ndarray,
    ranked: np.ndarray,
    importance_border: float | None,
    performance_border: float | None,
) -> dict[str, np.ndarray]:
    """Share of the resamples in which each driver lies in each quadrant."""
    given = importance_border is not None and performance_border is not None
    if not ranked.any() or (ranked.sum() < 2 and not given):
        return {name: np.full(len(ranked), np.nan) for name in QUADRANTS}

    def is_above(values: np.ndarray, border: float | None) -> np.ndarray:
        return values >= (values[:, ranked].mean(axis=1, keepdims=True) if border is None else border)

    matters, does_well = is_above(importance, importance_border), is_above(performance, performance_border)
    shares = {
        "improve_first": matters & ~does_well,
        "keep_up": matters & does_well,
        "possible_overkill": ~matters & does_well,
        "low_priority": ~matters & ~does_well,
    }
    return {name: np.where(ranked, inside.mean(axis=0), np.nan) for name, inside in shares.items()}


def _evidence(
    frame: pd.DataFrame,
    found: Measured,
    target: str,
    importance_border: float | None,
    performance_border: float | None,
    blocked: Sequence[str],
) -> Evidence:
    aim = lowered(found.model.title(target))
    ranked = frame[frame["is_ranked"]]
    placed = ranked[ranked["p_improve_first"].notna()]
    given = None not in (importance_border, performance_border)
    about = (
        f"Points of {aim} with one point of the driver; index 0 to 100; {found.level:.0%} bootstrap intervals; "
        f"{'given borders' if given else 'borders at the means: arbitrary'}; n = {found.n:,}"
        f"{f', of the index {found.standing_n:,}' if found.standing_n else ''}"
    ).replace("%", " %")
    estimates = {}
    for row in frame.to_dict("records"):
        for what, unit in (("importance", "points"), ("performance", "index")):
            estimates[f"{what}_{row['name']}"] = Estimate(
                row[what], unit=unit, low=row[f"{what}_low"], high=row[f"{what}_high"],
                n=(found.n if what == "importance" else found.standing_n or found.n), method=found.method,
                level=found.level,
            )  # fmt: skip
    reading = _reading(frame, ranked, placed, aim, blocked)
    return Evidence(frame, _title(ranked, placed, aim), about, reading, estimates)


def _title(ranked: pd.DataFrame, placed: pd.DataFrame, aim: str) -> str:
    if ranked.empty:
        return _short(f"No driver of {aim} can be ranked", "No driver can be ranked")
    if placed.empty:
        return _short(f"One driver of {aim} can be judged; none can be ranked", "None of the drivers can be ranked")
    best = placed.loc[placed["p_improve_first"].idxmax()]
    if best["p_improve_first"] < 0.5:
        return _short(f"No driver of {aim} clearly comes first", "No driver clearly comes first")
    return _short(f"To raise {aim}, improve {lowered(best['title'])} first", f"Improve {lowered(best['title'])} first")


def _short(text: str, shorter: str) -> str:
    return text if len(text) <= 70 else shorter if len(shorter) <= 70 else "What to improve first"


def _reading(frame: pd.DataFrame, ranked: pd.DataFrame, placed: pd.DataFrame, aim: str, blocked: Sequence[str]) -> str:
    sentences = []
    if not placed.empty:
        best = placed.loc[placed["p_improve_first"].idxmax()]
        sentences.append(
            f"{best['title']} matters more and does worse than the border in {100 * best['p_improve_first']:.0f} % of "
            f"the resamples: one point of it goes with {best['importance']:.2f} points of {aim} "
            f"({best['importance_low']:.2f} to {best['importance_high']:.2f}), and it stands at "
            f"{best['performance']:.1f}."
        )
    elif not ranked.empty:
        row = ranked.iloc[0]
        sentences.append(
            f"One point of {lowered(row['title'])} goes with {row['importance']:.2f} points of {aim} "
            f"({row['importance_low']:.2f} to {row['importance_high']:.2f}), and it stands at {row['performance']:.1f}."
        )
    alike = frame["name"].isin(blocked)
    for rows, why in (
        (alike, "because they cannot be told apart from another"),
        (~frame["is_ranked"] & ~alike, "because nobody raises them by working on them"),
    ):
        if rows.any():
            sentences.append(f"Not ranked, {why}: {_and(frame.loc[rows, 'title'].tolist())}.")
    return " ".join(sentences)


def _and(titles: Sequence[str]) -> str:
    words = [titles[0], *(lowered(title) for title in titles[1:])]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
