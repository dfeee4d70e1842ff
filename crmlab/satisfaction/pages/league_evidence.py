"""Branches in a league table by TOPSIS on the dimensions of satisfaction, and how much of it is sure."""

from __future__ import annotations

import pandas as pd

from crmlab.satisfaction.indicators.league_table import league_table
from crmlab.satisfaction.pages.group_evidence import FEWEST_SHOWN
from crmlab.satisfaction.pages.index_evidence import dimensions_of, scored
from crmlab.satisfaction.ready import missing
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.groups import NOT_KNOWN, group_title
from crmlab.satisfaction.survey.small_groups import group_means, shrink_groups
from crmlab.stats import Evidence

__all__ = ["branch_league", "league_rows"]

_FEWEST_BRANCHES = 3
_CONCENTRATION = 50.0  # a weight of a fifth has a standard deviation of six points: experts differ about as much
_SHOWN = 5  # at each end


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
        ``branch``, ``rank``, ``rank_between`` (95 %), ``first_share``, ``last_share`` (of the draws), ``closeness``,
        ``n``: five at each end, all where there are ten or fewer.
    """
    table = league.frame
    if len(table) > 2 * _SHOWN:
        table = pd.concat([table.head(_SHOWN), table.tail(_SHOWN)])
    between = [f"{row.rank_low} to {row.rank_high}" for row in table.itertuples()]
    shown = table[["branch", "rank", "first_share", "last_share", "closeness", "n"]].round({"closeness": 2})
    shown.insert(2, "rank_between", between)
    return shown.reset_index(drop=True)
