"""What to improve first, for whom and what it is worth: each piece of evidence, or why there is none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.errors import nearest, refuse, tried
from crmlab.satisfaction.importance.branch_trial import smallest_rise
from crmlab.satisfaction.importance.cost_of_a_point import cost_of_a_point
from crmlab.satisfaction.importance.driver_groups import DriverGroups, driver_groups
from crmlab.satisfaction.importance.margin_of_a_point import margin_of_a_point
from crmlab.satisfaction.importance.outcome_year import OutcomeYear, outcome_year
from crmlab.satisfaction.importance.priorities import items_to_work_on
from crmlab.satisfaction.importance.worth import ASSUMPTIONS, Worth, worth_of_a_point
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.pages.driver_credit import driver_credit
from crmlab.satisfaction.pages.improvement import Improvement
from crmlab.satisfaction.pages.improvement_plan import improvement_plan
from crmlab.satisfaction.pages.path_evidence import number_name
from crmlab.satisfaction.survey.groups import GROUPS, customers_at
from crmlab.stats import Estimate, Evidence

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["NO_DRIVER", "NO_MODEL", "Money", "assumptions", "credit", "first_items", "groups", "labels", "money",
           "numbers", "to_try"]  # fmt: skip

NO_MODEL = "there is no path model of these answers"
NO_DRIVER = "nothing that the bank can work on can be told apart from something else"
_LABELS = {
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


def credit(case: Improvement | None, *, resamples: int = 1_000, seed: int = 1) -> tuple[Evidence | None, str]:
    """Share out the explained variance among the drivers; None, and why, where it cannot be done."""
    if case is None:
        return None, NO_MODEL
    frame = case.study.frame[case.study.frame["wave"].isin(case.judged.waves)]
    known = {"target": case.target, "resamples": max(resamples, 100), "seed": seed}
    return _told(*tried(driver_credit, frame, case.index, case.judged.model, **known))


def groups(case: Improvement | None, *, by: str = "", seed: int = 1) -> tuple[DriverGroups | None, str]:
    """Compare drivers between groups; None, and why, where it cannot be done. A misspelt group is refused."""
    if case is None:
        return None, NO_MODEL
    known = list(dict.fromkeys([*GROUPS, *case.study.groups]))
    if by and by not in known:
        refuse(f"groups: {by!r} is no group.{nearest(by, known)} Known: {known}.")
    found = tried(
        driver_groups, case.study, case.judged, case.index, target=case.target, by=by, first=case.ranked.first,
        seed=seed,
    )  # fmt: skip
    return _told(*found)


def _told(found: Any, why: str) -> tuple[Any, str]:
    """Leave out the name of the part that refused, which says nothing to a reader.

    >>> _told(None, "worth: 3 leavers are too few.")
    (None, '3 leavers are too few.')
    """
    return found, re.sub(r"^[a-z][a-z_ ]{0,20}: ", "", why)


def money(bank: Bank, case: Improvement | None, *, resamples: int = 1_000, seed: int = 1) -> tuple[Money | None, str]:
    """Estimate what a point of the target goes with in the year after, and what a point of each lever may cost.

    Parameters
    ----------
    bank : Bank
        As of a date.
    case : Improvement
        From `crmlab.satisfaction.pages.improvement.improvement_on`.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    tuple of (Money or None, str)
        None, and why, where outcomes, values or leavers are lacking.
    """
    return _told(*tried(_money, bank, case, resamples, seed)) if case is not None else (None, NO_MODEL)


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


def to_try(case: Improvement | None, told: DriverGroups | None) -> tuple[pd.DataFrame | None, Estimate | None, str]:
    """Put down what to try for the dimensions that may come first.

    Returns
    -------
    tuple of (DataFrame or None, Estimate or None, str)
        See `crmlab.satisfaction.pages.improvement_plan.improvement_plan`, up to three dimensions; the smallest rise of
        the first that a trial shows; and the trial in words. None where there is no dimension.
    """
    if case is None or not case.ranked.levers:
        return None, None, ""
    frame = case.ranked.ranking.frame
    names = frame.loc[~(frame["first_share"] < 0.1), "name"].head(3).tolist()
    stands = {name: case.ranked.map[f"performance_{name}"] for name in names}
    now = case.study.now
    scores = case.index.score(now)
    branch = now.get("branch", None)
    rises, plan = {}, ""
    for name in names:
        rises[name], plan = smallest_rise(scores[name], now["weight"], branch)
    begin = "" if told is None else told.lowest or told.strongest
    whom = f"all; begin with {begin}" if begin else "all customers"
    table = improvement_plan(
        {name: case.title(name) for name in names}, {name: _items(case, name) for name in names}, now=stands,
        rise=rises, plan=f"{plan}; the index of the next wave, against the held out", whom=whom,
    )  # fmt: skip
    return table, rises[names[0]], plan


def labels(case: Improvement | None) -> dict[str, str]:
    """Name the numbers for a reader."""
    if case is None:
        return _LABELS
    model, found = case.judged.found.solution.model, dict(_LABELS)
    named = {}
    for name in model.constructs:
        title = case.title(name)
        named |= {
            f"importance_{name}": f"{title}: points of {case.aim} with one point",
            f"performance_{name}": f"{title}: index",
            f"point_amount_{name}": f"{title}: what one point goes with a year",
            number_name("r2", name): f"{title}: explained share of variance",
        }
    named |= {
        number_name(cause, "to", effect): f"{case.title(cause)}: path to {lowered(case.title(effect))}"
        for cause, effect in model.arrows
    }
    return found | _of_the_model(case, named)


def _of_the_model(case: Improvement, named: dict) -> dict:
    """Mark names of constructs where some were joined: they are not those of the model as asked."""
    return {number_name("joined", name): one for name, one in named.items()} if case.judged.is_joined else named


def numbers(
    case: Improvement | None,
    paths: Evidence | None,
    told: DriverGroups | None,
    found: Money | None,
    rise: Estimate | None,
) -> dict[str, Estimate]:
    """Collect what the page hands on, what the answer uses first."""
    result: dict[str, Estimate] = {}
    later: dict[str, Estimate] = {}
    if case is not None:
        result["target_index"] = case.asked
        ranking = dict(case.ranked.ranking.estimates)
        if "first_share" in ranking:
            result["first_share"] = ranking.pop("first_share")
        later = ranking | paths.estimates if paths is not None else ranking
        first = [f"importance_{case.ranked.first}", f"performance_{case.ranked.first}"]
        later = {name: later[name] for name in first if name in later} | later
        if found is not None and found.cost is not None:
            later |= found.cost.estimates
    if found is not None:
        result["left_share"] = found.worth["churn_share"]
        result |= {name: found.worth[name] for name in ("odds_ratio", "kept_share")}
        if found.year.has_margin:
            result["kept_amount"] = found.worth["kept_amount"]
        if found.margin is not None:
            result["margin_of_a_point"] = found.margin
    if rise is not None:
        result["smallest_rise"] = rise
    result |= told.paths.estimates if told is not None else {}
    if case is not None:
        named = list(_of_the_model(case, later).items())
        head = list(result.items())
        result = dict(head[:2] + named[:2] + head[2:] + named[2:])
    return {name: one for name, one in result.items() if math.isfinite(one.value)}
