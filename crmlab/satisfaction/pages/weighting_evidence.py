"""Does the index hang on how its items are weighed, and how do branches stand on all dimensions at once (TOPSIS)?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.bank.judgements import Judgements, read_judgements
from crmlab.errors import CrmlabError
from crmlab.satisfaction.importance.performance_map import importance_and_performance
from crmlab.satisfaction.indicators.analytic_hierarchy import group_weights, judgements_of
from crmlab.satisfaction.indicators.entropy_weights import entropy_coding
from crmlab.satisfaction.indicators.indicator_systems import IndicatorSystem, weightings
from crmlab.satisfaction.indicators.league_table import league_table
from crmlab.satisfaction.indicators.weighting_effects import compare_indices, compare_rankings
from crmlab.satisfaction.pages.group_evidence import FEWEST_SHOWN
from crmlab.satisfaction.pages.index_evidence import dimensions_of, scored
from crmlab.satisfaction.ready import missing
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.groups import NOT_KNOWN, group_title
from crmlab.satisfaction.survey.small_groups import group_means, shrink_groups
from crmlab.stats import Estimate, Evidence

__all__ = ["branch_league", "item_shares", "judged", "league_rows", "weighings"]

_NAMES = {"equal": "equal", "path_model": "path model", "judged": "judges (AHP)", "entropy": "entropy",
          "combined": "judges (AHP) x entropy"}  # fmt: skip
_BY_JUDGES = ("judged", "combined")

_FEWEST_BRANCHES = 3
_CONCENTRATION = 50.0  # a weight of a fifth has a standard deviation of six points: experts differ about as much
_SHOWN = 5  # at each end


def weighings(study: Study, judges: Evidence | None = None, *, resamples: int = 500, seed: int = 1) -> Evidence:
    """Compute the index of the system of dimensions under every weighting there are inputs for.

    Parameters
    ----------
    study : Study
        As prepared.
    judges : Evidence, optional
        Weights of the dimensions by judges, from `judged`.
    resamples, seed : int
        Of the bootstrap of responses.

    Returns
    -------
    Evidence
        Frame for a table: ``weighting``, ``index``, ``difference`` (from equal weights, points), ``rank_correlation``
        (of branches with the ranking of equal weights; Estimates), ``largest_move`` (of a branch, places). Estimates:
        ``system_index_<weighting>``, ``system_difference_<weighting>``, ``weighting_reach`` (largest difference).

    Notes
    -----
    The system: target, the dimensions that lead to it, their items. Its index is not that of the target: it says how
    the dimensions stand. The path model weighs an item by what a point of its dimension goes with in the target (total
    effect) times its share of the dimension; a negative effect counts as 0. Where the gate is closed the path model is
    left out, for its single effects are chance.
    """
    names = dimensions_of(study)
    if len(names) < 2:
        return missing("the model has fewer than two dimensions that lead to the target")
    low, high = study.scale
    system = IndicatorSystem(study.target, {name: list(study.model.latents[name]) for name in names}, low, high)
    now = study.now[study.now["weight"] > 0]
    path_model = item_shares(study, names) if study.gate.is_open else None
    by_judges = None
    if judges is not None:
        by_judges = pd.Series([one.value for one in judges.frame["weight"]], index=judges.frame["name"]).loc[names]
    try:
        weights = weightings(now, system, judged=by_judges, path_model=path_model, weight="weight")
        indices = compare_indices(now, system, weights, weight="weight", resamples=resamples, seed=seed)
        coding = entropy_coding(now[list(system.items)].dropna() - min(low, 0), resamples=50, seed=seed)
    except CrmlabError as problem:
        return missing(problem.problems[0])
    is_example = judges is not None and judges.frame.attrs["is_example"]
    table = pd.DataFrame({
        "weighting": [_named(name, is_example=is_example) for name in indices.frame["weighting"]],
        "index": [indices.estimates[f"index_{name}"] for name in indices.frame["weighting"]],
        "difference": [indices.estimates.get(f"difference_{name}") for name in indices.frame["weighting"]],
    })  # fmt: skip
    ranked = _ranked(now, system, weights, resamples, seed)
    if ranked is not None:
        table["rank_correlation"] = [
            ranked.estimates.get(f"rank_correlation_{name}") for name in ranked.frame["weighting"]
        ]
        table["largest_move"] = ranked.frame["largest_move"].astype(int)
    return Evidence(
        table,
        title=indices.title,
        about=indices.about,
        reading=_reading(indices, ranked, coding, with_path_model=path_model is not None, is_example=is_example),
        estimates=_numbers(indices, is_example=is_example),
    )


def item_shares(study: Study, names: list[str]) -> pd.Series:
    """Weigh items by what a point of their dimension goes with in the target; by item, sum 1.

    Parameters
    ----------
    study : Study
        As prepared.
    names : list of str
        Dimensions.
    """
    low, high = study.scale
    found = study.found
    effects, _ = importance_and_performance(found.moments, found.solution, low=low, high=high)
    place = {name: number for number, name in enumerate(found.solution.model.constructs)}
    own = study.index.weights_
    shares = {
        item: max(float(effects[place[name], place[study.target]]), 0.0) * float(own[name, item])
        for name in names
        for item in study.model.latents[name]
    }
    weights = pd.Series(shares, name="weight")
    return weights / weights.sum() if weights.sum() > 0 else weights + 1 / len(weights)


def judged(study: Study, judgements: Judgements | str, *, seed: int = 1) -> Evidence:
    """Turn judgements in pairs into weights of the dimensions, with their consistency.

    Parameters
    ----------
    study : Study
        Its dimensions are the elements.
    judgements : Judgements or str
        As read, or the path of their file.
    seed : int
        Of the bootstrap over judges.

    Returns
    -------
    Evidence
        Frame: ``dimension``, ``weight`` (Estimate), ``name``, most weight first. Estimates:
        ``judges_consistency_ratio``.
    """
    judgements = read_judgements(judgements) if isinstance(judgements, str) else judgements
    names = dimensions_of(study)
    matrices, problems = {}, []
    for judge, pairs in judgements.judges.items():
        try:
            matrices[judge] = judgements_of(names, pairs)
        except CrmlabError as problem:
            problems += [f"{judge}: {one}" for one in problem.problems]
    if problems:
        raise CrmlabError(problems)
    found = group_weights(matrices, seed=seed)
    table = pd.DataFrame({
        "dimension": [study.title(name) for name in found.frame["element"]],
        "weight": [found.estimates[f"weight_{name}"] for name in found.frame["element"]],
        "name": found.frame["element"],
    })  # fmt: skip
    table.attrs["is_example"] = judgements.is_example
    example = " These judgements are an example: no expert was asked." if judgements.is_example else ""
    first = found.frame.iloc[0]
    reading = (
        f"The {len(matrices)} judges give {study.title(first['element']).lower()} the most weight "
        f"({100 * first['weight']:.1f} %). {found.reading}{example}"
    )
    estimates = {"judges_consistency_ratio": found.estimates["consistency_ratio"]}
    return Evidence(table, found.title, judgements.about, reading, estimates)


def _ranked(
    now: pd.DataFrame, system: IndicatorSystem, weights: pd.DataFrame, resamples: int, seed: int
) -> Evidence | None:
    if "branch" not in now:
        return None
    sizes = now["branch"].value_counts()
    large = now[now["branch"].isin(sizes.index[sizes >= 10]) & (now["branch"] != "not known")]
    try:
        return compare_rankings(large, system, weights, group="branch", weight="weight", resamples=resamples, seed=seed)
    except CrmlabError:
        return None


def _reading(
    indices: Evidence,
    ranked: Evidence | None,
    coding: Evidence,
    *,
    with_path_model: bool,
    is_example: bool,
) -> str:
    furthest = indices.frame.loc[indices.frame["difference"].abs().idxmax()]
    equal = indices.estimates["index_equal"]
    told = f"With equal weights the index of all dimensions is {equal.text}."
    if furthest["weighting"] != "equal":
        away = indices.estimates[f"difference_{furthest['weighting']}"]
        name = _named(furthest["weighting"], is_example=is_example)
        capital = name[:1].upper() + name[1:]
        told += f" {capital} weights move it most, by {away.value:+.1f} points ({away.interval})."
    if ranked is not None:
        least = ranked.frame.loc[ranked.frame["rank_correlation"].idxmin()]
        value, name = least["rank_correlation"], _named(least["weighting"], is_example=is_example)
        told += (
            f" Branches are ranked alike: the rank correlation with equal weights is {value:.2f} or more."
            if value >= 0.9
            else f" Branches are ranked otherwise: with {name} weights the rank correlation falls to {value:.2f}."
        )
    if not with_path_model:
        told += " The path model gives no weights here: its dimensions cannot be told apart."
    spread = coding.estimates["largest_spread"]
    return told + (
        f" Entropy weighs what customers differ in, not what matters to them: coding the same answers otherwise "
        f"moves one of its weights by {100 * spread.value:.0f} points of 100."
    )


def _named(name: str, *, is_example: bool) -> str:
    return _NAMES[name].replace("AHP", "AHP, example") if is_example and name in _BY_JUDGES else _NAMES[name]


def _numbers(indices: Evidence, *, is_example: bool) -> dict[str, Estimate]:
    """Numbers to hand on; none that an example of judgements made."""
    left_out = _BY_JUDGES if is_example else ()
    found = {f"system_{name}": value for name, value in indices.estimates.items() if not name.endswith(left_out)}
    counted = indices.frame[~indices.frame["weighting"].isin(left_out)]
    reach = float(np.nanmax(counted["difference"].abs()))
    return found | {"weighting_reach": Estimate(reach, "points", n=int(indices.frame["n"].iloc[0]))}


def branch_league(study: Study, *, by: str = "branch", seed: int = 1) -> Evidence:
    """Rank branches on all dimensions at once by their distance to the best and the worst.

    Parameters
    ----------
    study : Study
        As prepared.
    by : str
        Group that is ranked.
    seed : int
        Of the draws.

    Returns
    -------
    Evidence
        Frame, best first: ``branch``, ``n`` (responses), ``closeness`` (0 to 1), ``rank``, ``rank_low``,
        ``rank_high``, ``first_share``, ``last_share``, ``is_reversible``. Estimates: ``league_first_share``,
        ``league_sure_pairs_share``, ``league_reversals``.

    Notes
    -----
    TOPSIS (Hwang and Yoon 1981), as Chinese practice ranks branches. Each dimension of a branch is its mean pulled in
    by its reliability, so that a branch of few answers does not lead by luck; dimensions weigh alike, and the ranks
    hold what their weights (a Dirichlet law) and their scores leave open. A place says who is nearer to the best of
    this table; it changes when branches join or leave, and is no index over time.
    """
    if by not in study.groups:
        return missing(f"this bank has no {group_title(by)} of its customers")
    names = dimensions_of(study)
    if len(names) < 2:
        return missing("the model has fewer than two dimensions that lead to the target")
    now = scored(study, study.now[study.now["weight"] > 0])
    now = now[now[by] != NOT_KNOWN]
    sizes = now.groupby(by, observed=True).size()
    large = sizes.index[sizes >= FEWEST_SHOWN]
    if len(large) < _FEWEST_BRANCHES:
        return missing(f"{len(large)} of {len(sizes)} have {FEWEST_SHOWN} responses; {_FEWEST_BRANCHES} are needed")
    now = now[now[by].isin(large)]
    means, errors = {}, {}
    for name in names:
        table = shrink_groups(group_means(now, name, by, weight="weight"), seed=seed).frame.set_index("group")
        means[study.title(name)] = table["x"]
        errors[study.title(name)] = ((table["x_high"] - table["x_low"]) / 3.92).fillna(0.0)
    scores = pd.DataFrame(means)
    weights = pd.Series(1.0, index=scores.columns)
    found = league_table(
        scores, pd.DataFrame(errors).loc[scores.index], weights=weights, weight_concentration=_CONCENTRATION, seed=seed
    )
    table = found.frame.rename(columns={"alternative": "branch"})
    table.insert(1, "n", sizes[table["branch"]].to_numpy())
    estimates = {f"league_{name}": one for name, one in found.estimates.items()}
    out = len(sizes) - len(large)
    left = f" {out} with under {FEWEST_SHOWN} responses left out." if out else ""
    sure = estimates["league_sure_pairs_share"]
    reading = (
        f"By TOPSIS on {len(names)} dimensions {sure.short} of {sure.n:,} pairs of branches can be told apart. "
        f"{found.reading}{left}"
    )
    return Evidence(table, found.title, found.about, reading, estimates)


def league_rows(league: Evidence) -> pd.DataFrame:
    """Give the ends of a league table for a page.

    Returns
    -------
    DataFrame
        ``branch``, ``rank``, ``rank_between`` (95 %), ``comes_first_share``, ``comes_last_share`` (of the draws),
        ``closeness``, ``n``: five at each end, all where there are ten or fewer.
    """
    table = league.frame
    if len(table) > 2 * _SHOWN:
        table = pd.concat([table.head(_SHOWN), table.tail(_SHOWN)])
    between = [f"{row.rank_low:d} to {row.rank_high:d}" for row in table.itertuples()]
    shown = table[["branch", "rank", "first_share", "last_share", "closeness", "n"]].round({"closeness": 2})
    shown.insert(2, "rank_between", between)
    named = {"first_share": "comes_first_share", "last_share": "comes_last_share"}
    return shown.rename(columns=named).reset_index(drop=True)
