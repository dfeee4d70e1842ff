"""What to improve first, for whom and what it is worth: the pieces of the page and the answer in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.errors import tried
from crmlab.satisfaction.branch_trial import smallest_rise
from crmlab.satisfaction.cost_of_a_point import cost_of_a_point
from crmlab.satisfaction.driver_groups import DriverGroups
from crmlab.satisfaction.groups import customers_at
from crmlab.satisfaction.improvement import Improvement
from crmlab.satisfaction.improvement_plan import improvement_plan
from crmlab.satisfaction.margin_of_a_point import margin_of_a_point
from crmlab.satisfaction.merging import lowered
from crmlab.satisfaction.outcome_year import OutcomeYear, outcome_year
from crmlab.satisfaction.priorities import items_to_work_on
from crmlab.satisfaction.worth import ASSUMPTIONS, Worth, worth_of_a_point
from crmlab.stats import Estimate, Evidence, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["LABELS", "NO_DRIVER", "Money", "assumptions", "first_items", "for_whom", "headline", "in_money", "money",
           "numbers", "to_try", "what_to_try"]  # fmt: skip

NO_DRIVER = "nothing that the bank can work on can be told apart from something else"
LABELS = {
    "first_share": "Resamples in which the same dimension comes first",
    "paths_compared": "Comparisons of paths between groups that are allowed",
    "paths_different": "Of these, different beyond chance",
    "odds_ratio": "Odds of leaving with one more point",
    "kept_share": "Leavers fewer with one more point",
    "kept_amount": "Value kept a year with one more point",
    "margin_of_a_point": "Margin of who stays, with one more point",
    "left_share": "Left within a year of the answer",
    "smallest_rise": "Smallest rise of the first dimension that a trial shows",
    "target_index": "Index of what is to be raised",
}


@dataclass(frozen=True)
class Money:
    """What a point goes with afterwards.

    Parameters
    ----------
    year : OutcomeYear
        Responses with the year after them.
    worth : Worth
        Of a point of the target: customers kept, value kept.
    margin : Estimate or None
        Of a point among who stayed.
    cost : Evidence or None
        What a point of each lever may cost; None where there is no lever.
    reading : str
        All of it in sentences.
    """

    year: OutcomeYear
    worth: Worth
    margin: Estimate | None
    cost: Evidence | None
    reading: str


def first_items(case: Improvement | None) -> Evidence | None:
    """Give the items of the dimension that comes first; None where there is none."""
    if case is None or not case.ranked.first:
        return None
    return _items(case, case.ranked.first)


def _items(case: Improvement, name: str) -> Evidence:
    low, high = case.study.scale
    asked = case.study.answers.questionnaire
    return items_to_work_on(case.judged, name, case.target, low=low, high=high, questionnaire=asked)


def money(bank: Bank, case: Improvement, *, resamples: int = 1_000, seed: int = 1) -> tuple[Money | None, str]:
    """Estimate what a point of the target goes with in the year after, and what a point of each lever may cost.

    Parameters
    ----------
    bank : Bank
        As of a date.
    case : Improvement
        From `crmlab.satisfaction.improvement.improvement_on`.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    tuple of (Money or None, str)
        None, and why, where outcomes, values or leavers are lacking.
    """
    return tried(_money, bank, case, resamples, seed)


def _money(bank: Bank, case: Improvement, resamples: int, seed: int) -> Money:
    study = case.study
    year = outcome_year(bank, study.answers, study.frame, case.index, case.target)
    frame = year.frame if year.has_margin else year.frame.assign(value_amount=0.0)
    customers = len(customers_at(bank, study.answers, study.wave, features=[]))
    worth = worth_of_a_point(
        frame, score="score", churned="left", value_amount="value_amount", controls=year.controls,
        cluster="customer_id", weight="weight", customers_count=customers, currency=bank.currency,
        resamples=max(resamples, 100), seed=seed,
    )  # fmt: skip
    margin, lacking = None, " Margins are not known, so no money is put on it."
    if year.has_margin:
        margin, lacking = tried(
            margin_of_a_point, year.stayed, score="score", margin_after_amount="margin_after_amount",
            controls=[*year.controls, "margin_before_amount"], cluster="customer_id", weight="weight",
            currency=bank.currency,
        )  # fmt: skip
    cost = None
    if year.has_margin and case.ranked.levers:
        cost = cost_of_a_point(case.ranked, worth, customers_count=customers, currency=bank.currency, seed=seed)
    said = [year.said, worth.reading if year.has_margin else f"{worth.title}.{lacking}"]
    if margin is not None:
        said.append(
            f"Among who stayed, one more point goes with {margin.short} of margin a customer in the year after "
            f"({margin.interval}, n = {margin.n:,}), the margin before held alike."
        )
    elif year.has_margin:
        said.append(lacking)
    return Money(year, worth, margin, cost, " ".join(said))


def assumptions(found: Money) -> pd.DataFrame:
    """Put down what the money rests on, one row an assumption: ``assumption``, ``what_was_done``."""
    held = ", ".join(name.split("_")[0] for name in found.year.controls) or "nothing"
    rows = [(one, "assumed, not shown") for one in ASSUMPTIONS]
    rows += [
        ("age, tenure and products may move both score and leaving", f"held alike: {held}"),
        ("a few giant margins decide", "margins of who stayed: the largest hundredth drawn in; value kept: as seen"),
        ("who leaves in the year is known", f"waves {', '.join(found.year.waves)}; later ones have no full year yet"),
        ("one customer answers in several waves", "a customer's responses are drawn together"),
    ]
    return pd.DataFrame(rows, columns=["assumption", "what_was_done"])


def to_try(case: Improvement, groups: DriverGroups | None) -> tuple[pd.DataFrame, Estimate, str]:
    """Put down what to try for the dimensions that may come first.

    Returns
    -------
    tuple of (DataFrame, Estimate, str)
        See `crmlab.satisfaction.improvement_plan.improvement_plan`, up to three dimensions; the smallest rise of the
        first that a trial shows; and the trial in words.
    """
    frame = case.ranked.ranking.frame
    names = frame.loc[~(frame["first_share"] < 0.1), "name"].head(3).tolist()
    stands = {name: case.ranked.map[f"performance_{name}"] for name in names}
    now = case.study.now
    scores = case.index.score(now)
    branch = now["branch"] if "branch" in now else None
    rises, plan = {}, ""
    for name in names:
        rises[name], plan = smallest_rise(scores[name], now["weight"], branch)
    whom = "all customers" if groups is None or not groups.lowest else f"all; begin with {groups.lowest}"
    table = improvement_plan(
        {name: case.title(name) for name in names}, {name: _items(case, name) for name in names}, now=stands,
        rise=rises, plan=f"{plan}; the index of the next wave, against the held out", whom=whom,
    )  # fmt: skip
    return table, rises[names[0]], plan


def numbers(
    case: Improvement | None, groups: DriverGroups | None, found: Money | None, rise: Estimate | None
) -> dict[str, Estimate]:
    """Collect what the page hands on beside paths and map."""
    result: dict[str, Estimate] = {}
    if case is not None:
        result["target_index"] = case.asked
        result |= case.ranked.ranking.estimates
    if groups is not None:
        result |= groups.paths.estimates
    if found is not None:
        result["left_share"] = found.worth["churn_share"]
        result |= {name: found.worth[name] for name in ("odds_ratio", "kept_share")}
        if found.year.has_margin:
            result["kept_amount"] = found.worth["kept_amount"]
        if found.margin is not None:
            result["margin_of_a_point"] = found.margin
        if found.cost is not None:
            result |= found.cost.estimates
    if rise is not None:
        result["smallest_rise"] = rise
    return {name: one for name, one in result.items() if one.value == one.value}


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
    if not ranked.levers:
        return f"{start}No dimension can be put first: {NO_DRIVER}. {_rest(case)}"
    row = ranked.ranking.frame.iloc[0]
    point = f"goes with {_points(row)} of {case.aim}"
    if len(ranked.levers) == 1:
        return (
            f"{start}{row['title']} alone can be judged: one more point of the index {point} "
            f"({_interval(row)}, n = {int(row['n']):,}). {_rest(case)}"
        ).strip()
    if ranked.is_clear:
        return (
            f"{start}Improve {lowered(row['title'])} first: one more point of its index {point} ({_interval(row)}, "
            f"n = {int(row['n']):,}), the most of {len(ranked.levers)} dimensions in {share_text(row['first_share'])} "
            f"of the resamples. It stands at {row['performance']:.1f}."
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
    return f"These answers cannot tell apart: {each}. So single drivers are not ranked, and these are taken as one."


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


def for_whom(case: Improvement | None, groups: DriverGroups | None, why: str) -> str:
    """Say whether it holds for all, and where the first dimension is lowest."""
    if case is None or groups is None:
        return f"For whom is not known: {why}" if why else ""
    words = groups.by.replace("_", " ")
    compared, different = (int(groups.paths[name].value) for name in ("paths_compared", "paths_different"))
    if not compared:
        said = f"Groups by {words} do not understand the items alike, so drivers are not compared between them."
    elif not different:
        said = (
            f"None of {compared} comparisons of paths between groups by {words} shows a difference beyond chance, so "
            "this is said for all of them."
        )
    else:
        said = f"Of {compared} comparisons of paths between groups by {words}, {different} differ beyond chance."
    if groups.lowest:
        first = case.title(case.ranked.first)
        level = groups.levels.set_index("group")[first][groups.lowest]
        said += f" {first} is lowest among {groups.lowest}: {level.short} ({level.interval}, n = {level.n:,})."
    return said


def in_money(case: Improvement | None, found: Money | None, why: str) -> str:
    """Say what a point of the first dimension goes with in money."""
    if case is None:
        return ""
    if found is None:
        return f"What a point is worth is not known: {why}"
    kept = found.worth["kept_share"]
    leaving = (
        f"One more point of {case.aim} goes with {1000 * kept.value:.1f} fewer leavers in 1,000 customers "
        f"({1000 * kept.low:.1f} to {1000 * kept.high:.1f}, n = {kept.n:,})"
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
        said += " The interval covers nothing at all, so no budget can be founded on leaving alone."
    return said


def what_to_try(case: Improvement | None, rise: Estimate | None, plan: str) -> str:
    """Say what to try, and the smallest change that the trial could see."""
    if case is None or rise is None or rise.value != rise.value:
        return ""
    row = case.ranked.ranking.frame.iloc[0]
    return (
        f"Try it first: {plan}. With as many responses as now such a trial shows a rise of {lowered(row['title'])} by "
        f"{rise.value:.1f} points or more; by these paths that would go with {rise.value * row['importance']:.1f} "
        f"points of {case.aim}."
    )
