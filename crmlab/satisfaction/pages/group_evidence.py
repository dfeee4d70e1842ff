"""Which groups and branches are more or less satisfied than the rest, beyond chance."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import CrmlabError, nearest, refuse
from crmlab.satisfaction.indices.index_interval import mean_index
from crmlab.satisfaction.measurement.invariance import compare_groups
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.ready import missing
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.groups import group_title
from crmlab.satisfaction.survey.small_groups import ShrunkenGroups, group_means, shrink_groups
from crmlab.satisfaction.survey.weighted_estimates import influence_of_mean
from crmlab.stats import Estimate, Evidence, count_text
from crmlab.stats.differences import holm

__all__ = ["FEWEST_SHOWN", "branches", "chosen_group", "groups", "same_yardstick"]

FEWEST_SHOWN = 10  # responses; smaller groups are not shown
_FEWEST_COMPARED = 50  # responses of each of two groups whose constructs are compared
_PLACES = {"top": "at the top", "bottom": "at the bottom"}
_MOST_BRANCHES = 30  # in one figure: the ends of a longer list are shown


def chosen_group(study: Study | None, by: str) -> str:
    """Name the group to compare: the one asked for, else segments, age, or the first that parts this bank's answers.

    Parameters
    ----------
    study : Study or None
        As prepared.
    by : str
        What was asked for; empty: nothing in particular.
    """
    if by or study is None:
        return by
    for name in dict.fromkeys(("segment", "age_band", *study.groups)):
        if name in study.groups and (study.now[name].value_counts() >= FEWEST_SHOWN).sum() > 1:
            return name
    return "segment"


def groups(study: Study, by: str) -> Evidence:
    """Compare the index of the target between groups, each with all others.

    Parameters
    ----------
    study : Study
        As prepared.
    by : str
        One of `study.groups`.

    Returns
    -------
    Evidence
        Frame: ``group``, ``index``, ``index_low``, ``index_high``, ``n``, ``difference`` (from all others, points),
        ``p_holm``, ``is_different``, lowest first unless the groups have an order. Groups under 10 responses are left
        out. Estimates: ``groups_different``.

    Notes
    -----
    A group less all others, both weighted, with Welch's degrees of freedom; p-values corrected by Holm over the groups.
    Differences are "associated with" the group: groups also differ in what else they are.
    """
    if by not in study.groups:
        if by in study.frame.attrs.get("absent", {}):
            return missing(f"{study.frame.attrs['absent'][by]}; it has {', '.join(study.groups)}")
        known = [*study.groups, *study.frame.attrs.get("absent", {})]
        refuse(f"by: {by!r} is no group.{nearest(by, known)} This bank has {', '.join(study.groups)}.")
    now = study.now
    name = group_title(by)
    sizes = now[by].value_counts()
    shown = [group for group in _ordered(now[by]) if sizes[group] >= FEWEST_SHOWN]
    if len(shown) < 2:
        return missing(f"fewer than two groups by {name} have {FEWEST_SHOWN} responses")
    score = study.index.score(now)[study.target]
    table = pd.DataFrame([_against_others(group, score, now, by) for group in shown])
    table["p_holm"] = holm(table["p_value"])
    table["is_different"] = table["p_holm"] < 0.05
    table.attrs["whole"] = mean_index(score.to_numpy(), now["weight"].to_numpy(float), np.arange(len(now)))["index"]
    out = int(sizes.sum() - sizes[shown].sum())
    different = table[table["is_different"]]
    return Evidence(
        table,
        title=_groups_title(study, table, different, name),
        about=f"Index of {lowered(study.title(study.target))} by {name}, 95 % interval; line: all; {study.when}, "
        f"n = {count_text(sizes[shown].sum())} responses",
        reading=_groups_reading(table, different, out),
        estimates={"groups_different": Estimate(float(len(different)), "count", n=len(table))},
    )


def _ordered(values: pd.Series) -> list[str]:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return [one for one in values.cat.categories if (values == one).any()]
    return sorted(values.unique().tolist())


def _against_others(group: str, score: pd.Series, now: pd.DataFrame, by: str) -> dict:
    """Index of a group, and its difference from all others."""
    inside = (now[by] == group).to_numpy()
    weight = now["weight"].to_numpy(dtype=float)
    facts = mean_index(score.to_numpy()[inside], weight[inside], np.arange(inside.sum()))
    parts = []
    for chosen in (inside, ~inside):
        moved, value, n = influence_of_mean(score.where(chosen), now["weight"])
        parts.append((value, float((moved**2).sum()) * n / max(n - 1, 1), n))
    (one, variance_one, n_one), (two, variance_two, n_two) = parts
    variance = variance_one + variance_two
    if min(n_one, n_two) < 2 or not variance > 0:
        chance = math.nan
    else:
        free = variance**2 / (variance_one**2 / (n_one - 1) + variance_two**2 / (n_two - 1))
        chance = float(2 * laws.t.sf(abs(one - two) / math.sqrt(variance), free))
    columns = {name: facts[name] for name in ("index", "index_low", "index_high", "n")}
    return {"group": str(group)} | columns | {"difference": one - two, "p_value": chance}


def _groups_title(study: Study, table: pd.DataFrame, different: pd.DataFrame, name: str) -> str:
    if different.empty:
        return f"No group by {name} differs clearly from the others"[:70]
    row = different.loc[different["difference"].abs().idxmax()]
    return (
        f"{row['group'].capitalize()}: {abs(row['difference']):.1f} points "
        f"{'more' if row['difference'] > 0 else 'less'} satisfied than others"
    )[:70]


def _groups_reading(table: pd.DataFrame, different: pd.DataFrame, out: int) -> str:
    if different.empty:
        spread = table["index"].max() - table["index"].min()
        told = (
            f"The groups lie {spread:.1f} points apart; after Holm's correction for {len(table)} looks none differs "
            "from the others beyond chance."
        )
    else:
        rows = different.sort_values("difference", kind="stable")
        listed = "; ".join(
            f"{row.group} {row.index_:.1f} ({row.index_low:.1f} to {row.index_high:.1f}, n = {count_text(row.n)})"
            for row in rows.rename(columns={"index": "index_"}).itertuples(index=False)
        )
        told = (
            f"{len(different)} of {len(table)} groups differ{'s' if len(different) == 1 else ''} from the others "
            f"beyond chance (Holm): {listed}."
        )
    if out:
        told += f" {count_text(out)} responses of groups under {FEWEST_SHOWN} are not shown."
    return told


def same_yardstick(study: Study, by: str, *, permutations: int = 300, seed: int = 1) -> Evidence:
    """Ask whether the two largest groups understand the questions alike, so that their indices may be compared.

    Parameters
    ----------
    study : Study
        As prepared.
    by : str
        One of `study.groups`.
    permutations, seed : int
        Of `crmlab.satisfaction.measurement.invariance.compare_groups`.

    Returns
    -------
    Evidence
        Frame: one row a construct: ``first``, ``second``, ``title``, ``correlation``, ``p_value``, ``is_invariant``.
        Estimates: ``constructs_alike``.
    """
    if by not in study.groups:
        return _not_asked("this bank does not have the groups")
    sizes = study.now[by].astype(str).value_counts()
    pair = sizes.index[:2].tolist()
    if len(pair) < 2 or sizes.iloc[1] < _FEWEST_COMPARED:
        return _not_asked(f"fewer than two groups have the {_FEWEST_COMPARED} responses that this needs")
    rows = study.now[study.now[by].astype(str).isin(pair)].assign(**{by: lambda part: part[by].astype(str)})
    try:
        found = compare_groups(rows, study.model, by=by, weights="weight", permutations=permutations, seed=seed)
    except CrmlabError as problem:
        return _not_asked(problem.problems[0].rstrip("."))
    table = found.composition[["first", "second", "title", "correlation", "p_value", "is_invariant", "latent"]]
    alike = int(table["is_invariant"].sum())
    failed = [lowered(title) for title in table.loc[~table["is_invariant"], "title"]]
    may = study.target not in set(table.loc[~table["is_invariant"], "latent"])
    told = (
        f"In the two largest groups ({', '.join(pair)}) the items make up {alike} of {len(table)} constructs in the "
        f"same way (MICOM, {found.permutations:,} permutations)"
    )
    told += f", all but {', '.join(failed)}." if failed else "."
    target = lowered(study.title(study.target))
    told += (
        f" So {target} of these groups may be compared."
        if may
        else f" So differences of {target} between these groups may come from how they understand the questions."
    )
    return Evidence(
        table,
        title=f"{alike} of {len(table)} constructs are made up alike in the two largest groups"[:70],
        about="",
        reading=told,
        estimates={"constructs_alike": Estimate(float(alike), "count", n=len(table))},
    )


def _not_asked(why: str) -> Evidence:
    told = f"Whether groups understand the questions alike was not tested: {why}."
    return Evidence(pd.DataFrame(), title="Not tested", about="", reading=told)


def branches(study: Study, *, by: str = "branch", seed: int = 1) -> Evidence:
    """Rank branches after pulling small ones towards the mean of all.

    Parameters
    ----------
    study : Study
        As prepared.
    by : str
        Group that is ranked.
    seed : int
        Same seed, same ranks.

    Returns
    -------
    Evidence
        Frame: ``branch``, ``x`` (pulled-in index), ``x_low``, ``x_high``, ``raw``, ``n``, ``p_top``, ``p_bottom``,
        ``call``, best first; ``attrs["center"]`` is the mean of all. Branches under 10 responses are left out and
        counted. Estimates: ``branches_top``, ``branches_bottom``, ``branches_spread`` (standard deviation of
        the true means, points).
    """
    if by not in study.groups:
        return missing(study.frame.attrs.get("absent", {}).get(by, f"this bank has no {by}"))
    now = scored_target(study)
    means = group_means(now, "score", by, weight="weight")
    means = means[means["group"].astype(str) != "not known"]
    large = means[(means["n"] >= FEWEST_SHOWN) & means["error"].notna()]
    small = len(means) - len(large)
    if len(large) < 3:
        return missing(f"{len(large)} branches have {FEWEST_SHOWN} responses; a ranking needs 3")
    shrunk = shrink_groups(large.assign(group=large["group"].astype(str)), seed=seed)
    found = shrunk.evidence("branches")
    frame = shrunk.frame.rename(columns={"group": "branch"})
    calls = {word: int((frame["call"] == word).sum()) for word in ("top", "bottom")}
    reading = _branches_reading(frame, shrunk, small)
    n = len(frame)
    table = _ends(frame)[["branch", "x", "x_low", "x_high", "raw", "n", "p_top", "p_bottom", "call"]]
    table.attrs["center"] = shrunk.center
    return Evidence(
        table,
        title=found.title[:70],
        about=f"Index of {lowered(study.title(study.target))}, pulled towards the mean of all branches; 95 % interval; "
        f"line: mean; n = {count_text(frame['n'].sum())} responses",
        reading=reading,
        estimates={
            "branches_top": Estimate(float(calls["top"]), "count", n=n),
            "branches_bottom": Estimate(float(calls["bottom"]), "count", n=n),
            "branches_spread": Estimate(shrunk.between_deviation, "points", n=n),
        },
    )


def scored_target(study: Study) -> pd.DataFrame:
    """Put the target's index of each response of the judged wave into column ``score``."""
    return study.now.assign(score=study.index.score(study.now)[study.target])


def _ends(frame: pd.DataFrame) -> pd.DataFrame:
    half = _MOST_BRANCHES // 2
    return frame if len(frame) <= _MOST_BRANCHES else pd.concat([frame.head(half), frame.tail(half)])


def _branches_reading(frame: pd.DataFrame, shrunk: ShrunkenGroups, small: int) -> str:
    called = frame[frame["call"] != "not told apart"]
    if called.empty:
        best, worst = frame.iloc[0], frame.iloc[-1]
        told = (
            f"No branch stands out: even {worst['branch']}, the lowest, is among the {shrunk.top_count} truly lowest "
            f"with a chance of {100 * worst['p_bottom']:.0f} %, and {best['branch']} among the highest with "
            f"{100 * best['p_top']:.0f} %. Do not reward or blame by this list."
        )
    else:
        listed = "; ".join(
            f"{row.branch} {row.x:.1f} ({row.x_low:.1f} to {row.x_high:.1f}, n = {count_text(row.n)}) "
            f"{_PLACES[row.call]}"
            for row in called.itertuples()
        )
        told = f"With a chance of 80 % or more among the {shrunk.top_count} truly highest or lowest: {listed}."
    spread = shrunk.between_deviation
    told += f" True means of branches differ by a standard deviation of {spread:.1f} points." if spread > 0.05 else (
        " The branches differ no more than chance makes them differ." if spread >= 0 else ""
    )  # fmt: skip
    if small:
        told += f" {small} branch{'' if small == 1 else 'es'} with under {FEWEST_SHOWN} responses left out."
    return told
