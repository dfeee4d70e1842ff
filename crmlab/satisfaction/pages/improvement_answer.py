"""What to improve first, for whom, what it is worth, and what to try: the answer in sentences."""

from __future__ import annotations

import pandas as pd

from crmlab.satisfaction.importance.driver_groups import DriverGroups
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.pages.improvement import Improvement
from crmlab.satisfaction.pages.improvement_evidence import NO_DRIVER, Money
from crmlab.satisfaction.survey.groups import group_title
from crmlab.stats import Estimate, share_text

__all__ = ["for_whom", "headline", "in_money", "outlook", "what_to_try"]


def headline(case: Improvement | None, why: str) -> str:
    """Say what to improve first, or why nobody can say.

    Parameters
    ----------
    case : Improvement or None
        From `improvement_on`.
    why : str
        Why there is none.
    """
    if case is None:
        return f"What to improve first cannot be said: {why}"
    ranked = case.ranked
    start = "" if case.judged.asked.is_open else f"{_not_apart(case)} "
    if len(ranked.levers) < 2:
        return start.strip() or _still(case)
    row = ranked.ranking.frame.iloc[0]
    point = f"goes with {_points(row)} of {case.aim}"
    if ranked.is_clear:
        return (
            f"{start}Improve {lowered(row['title'])} first: one more point of its index {point} ({_interval(row)}, "
            f"n = {int(row['n']):,}), the most of {len(ranked.levers)} dimensions in {share_text(row['first_share'])} "
            f"of the resamples. The index is {row['performance']:.1f} ({row['performance_low']:.1f} to "
            f"{row['performance_high']:.1f}) of 100."
        )
    chosen = ranked.ranking.frame.loc[~(ranked.ranking.frame["first_share"] < 0.1)].to_dict("records")
    each = ", ".join(
        f"{one['title'] if not place else lowered(one['title'])} {one['importance']:.2f} ({_interval(one)}; first in "
        f"{share_text(one['first_share'])} of the resamples)"
        for place, one in enumerate(chosen)
    )
    return (
        f"{start}No dimension clearly comes first. Points of {case.aim} that go with one more point of each: {each}; "
        f"n = {int(row['n']):,}. Begin with {lowered(row['title'])} unless a point of another costs clearly less."
    )


def _not_apart(case: Improvement) -> str:
    gate = case.judged.asked
    pairs = gate.frame[gate.frame["is_blocked"]]
    each = "; ".join(
        f"{row['first_title']} and {lowered(row['second_title'])} ({row['measure']} {row['htmt']:.2f})"
        for row in pairs.to_dict("records")
    )
    what = "so single drivers are not ranked, and these are taken as one until their items are reworded"
    return f"These answers cannot tell apart: {each}; {what}."


def _still(case: Improvement) -> str:
    """What can be said where no two dimensions can be put in order."""
    if not case.ranked.levers:
        return f"No dimension can be put first: {NO_DRIVER}. " + _rest(case)
    row = case.ranked.ranking.frame.iloc[0]
    told = (
        f"{row['title']} alone can be judged: one more point of the index goes with {_points(row)} of {case.aim} "
        f"({_interval(row)}, n = {int(row['n']):,})."
    )
    return f"{told} " + _rest(case)


def _rest(case: Improvement) -> str:
    """What can still be said: how much is explained, and the index."""
    place = case.judged.found.solution.model.constructs.index(case.target)
    low, high = case.judged.found.limits(case.judged.found.solutions.r2[:, place])
    explained = Estimate(float(case.judged.found.solution.r2[place]), "share", float(low), float(high))
    return (
        f"All drivers explain {explained.short} ({explained.interval}) of {case.aim}; the index of "
        f"{lowered(case.study.title(_asked_target(case)))} is {case.asked.short} ({case.asked.interval})."
    )


def _asked_target(case: Improvement) -> str:
    return case.target if case.target in case.study.model.constructs else case.study.target


def _points(row: pd.Series | dict) -> str:
    return f"{row['importance']:.2f} points"


def _interval(row: pd.Series | dict) -> str:
    return f"{row['importance_low']:.2f} to {row['importance_high']:.2f}"


def for_whom(case: Improvement | None, told: DriverGroups | None, why: str) -> str:
    """Say whether it holds for all, and where the first dimension is lowest."""
    if case is None:
        return ""
    if told is None:
        return f"For whom is not known: {why}"
    words = group_title(told.by)
    compared, different = (int(told.paths[name].value) for name in ("paths_compared", "paths_different"))
    if not compared:
        said = f"By {words}, groups do not understand the items alike, so drivers are not compared between them."
    elif not different:
        said = (
            f"By {words}, none of {compared} comparisons of paths shows a difference beyond chance, so this is said "
            "for all groups."
        )
    else:
        said = (
            f"By {words}, {different} of {compared} comparisons of paths show{'s' if different == 1 else ''} a "
            f"difference beyond chance: {told.differences}."
        )
    if case.ranked.first and len(case.ranked.levers) > 1:
        said += _largest_in(case, told)
    if told.lowest:
        first = case.title(case.ranked.first)
        level = told.levels.set_index("group")[first][told.lowest]
        said += f" {first} is lowest among {told.lowest}: {level.short} ({level.interval}, n = {level.n:,})."
    return said


def _largest_in(case: Improvement, told: DriverGroups) -> str:
    """Say in how many groups the first dimension has the largest path of those that can be worked on."""
    rows = told.paths.frame
    titles = [case.title(name) for name in case.ranked.levers]
    rows = rows[rows["cause"].isin(titles)]
    if titles[0] not in set(rows["cause"]) or rows["cause"].nunique() < 2:
        return ""
    largest = rows.loc[rows.groupby("group", observed=True)["coefficient"].idxmax(), "cause"]
    return f" {titles[0]} has the largest path in {int((largest == titles[0]).sum())} of {len(largest)} groups."


def in_money(case: Improvement | None, found: Money | None, why: str) -> str:
    """Say what a point of the first dimension goes with in money."""
    if case is None:
        return ""
    if found is None:
        return f"What a point is worth is not known: {why}"
    kept = found.worth["kept_share"]
    fewer, least, most = (1000 * one for one in (kept.value, kept.low, kept.high))
    leavers = f"{fewer:.1f} fewer leavers" if fewer >= 0 else f"{-fewer:.1f} more leavers"
    leaving = (
        f"One more point of {case.aim} goes with {leavers} a year in 1,000 customers ({_signed(least)} to "
        f"{_signed(most)} fewer, n = {kept.n:,})"
    )
    if found.cost is None:
        return f"{leaving}; that is associated, not caused."
    row = found.cost.frame.iloc[0]
    amount = found.cost.estimates[f"point_amount_{case.ranked.first}"]
    said = (
        f"{leaving}. So one more point of {lowered(row['title'])} goes with {amount.short} of margin kept a year "
        f"({amount.interval}), over all customers: associated, not caused."
    )
    if amount.low is not None and amount.low <= 0:
        said += " The interval reaches below 0, so no budget can be founded on it yet."
    return said


def _signed(value: float) -> str:
    """Write one digit, without a sign before 0.

    >>> _signed(-0.04), _signed(-0.3), _signed(1.12)
    ('0.0', '-0.3', '1.1')
    """
    return f"{round(value, 1) + 0.0:.1f}"


def outlook(
    case: Improvement | None, told: DriverGroups | None, no_groups: str, found: Money | None, no_money: str
) -> str:
    """Say for whom, and what a point is worth, as far as known; first what can be said behind a closed gate."""
    is_closed = case is not None and not case.judged.asked.is_open and len(case.ranked.levers) < 2
    parts = [_still(case) if is_closed else "", for_whom(case, told, no_groups), in_money(case, found, no_money)]
    return " ".join(part for part in parts if part) or "For whom, and what a point is worth, is not known either."


def what_to_try(case: Improvement | None, rise: Estimate | None, plan: str) -> str:
    """Say what to try, and the smallest change that the trial could see."""
    if case is None or rise is None or rise.value != rise.value:
        return "Nothing can be tried on such a ground; ask more customers first."
    row = case.ranked.ranking.frame.iloc[0]
    return (
        f"Try it first: {plan}. With as many responses as now such a trial shows a rise of {lowered(row['title'])} by "
        f"{rise.value:.1f} points or more; by these paths that would go with {rise.value * row['importance']:.1f} "
        f"points of {case.aim}."
    )
