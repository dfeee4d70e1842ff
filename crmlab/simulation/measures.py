"""Table `measures`: what the bank does to improve, where, and what it truly does to what customers think.

Three measures start between the second and the third yearly wave, so that each has answers before and after. One was
drawn by lot and works, one went to the worst branches and does nothing, one reaches everybody and works a little: an
evaluation must tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from crmlab.bank.tables import CONTRACT
from crmlab.simulation.clock import MARKET_BLOCK, generator, month_at
from crmlab.simulation.columns import arrow_table, dates, decimals
from crmlab.simulation.customers import NEVER, People
from crmlab.simulation.opinions import LATENTS, total_effect
from crmlab.simulation.places import DISTRICTS, district_rows
from crmlab.simulation.surveys import MEASURES as ITEMS
from crmlab.simulation.surveys import items_of

if TYPE_CHECKING:
    from crmlab.simulation.relation import Relation

__all__ = [
    "SCOPES",
    "Measure",
    "branch_scores",
    "decide_places",
    "measures_table",
    "parameters",
    "plan_measures",
    "put_in_force",
    "true_effects",
]

SCOPES = CONTRACT["measures"]["scope"].words
_JUDGED_MONTH = 14  # the wave of March 2024, month 14 of the bank, shows which branches are worst
_JUDGED = "service_attitude"
_JUDGED_SHARE = 0.25  # of the branches, the worst
_FEWEST_ANSWERS = 5  # customers of a branch who answered; of fewer the bank says nothing


@dataclass(frozen=True)
class Measure:
    """One measure of improvement; months from 0, days counted from 1970-01-01, money in cents.

    Parameters
    ----------
    identifier, name, owner : str
        As in table `measures`.
    indicator : str
        Latent variable that it is to move.
    month : int
        Month of the start; it acts from the month after, in full, and goes on.
    months : int or None
        Months it is planned to last; None for good.
    scope : str
        ``all`` or ``branch``.
    is_drawn_by_lot : bool
        Whether the branches were drawn.
    effect : float
        True lift of the disturbance of the indicator, standard deviations.
    cost : int
        Cost in one place.
    places : tuple of int
        Positions of its branches in `DISTRICTS`; none for ``all``, and while they are not decided.
    """

    identifier: str
    name: str
    owner: str
    indicator: str
    month: int
    months: int | None
    scope: str
    is_drawn_by_lot: bool
    effect: float
    cost: int
    places: tuple[int, ...] = ()

    @property
    def started(self) -> int:
        """First working day of its month."""
        month = month_at(self.month)
        return month.first + int(month.working_from[0])

    @property
    def ended(self) -> int:
        """Last day, or `NEVER`."""
        return int(NEVER) if self.months is None else month_at(self.month + self.months - 1).last


# The branches of the training are known only once all blocks of customers are simulated; so its effect must be 0.
_TRAINING = Measure("M01", "Staff training in listening", "head of human resources", _JUDGED, 18, 3, "branch", False,
                    0.0, 180_000)  # fmt: skip
# With 5,000 customers a comparison of branches finds it in 83 (small branches count like large) to 99 of 100 banks.
_CALL_BACK = Measure("M02", "Call back within one working day", "head of customer service", "handling_efficiency", 19,
                     None, "branch", True, 0.35, 250_000)  # fmt: skip
_STATEMENT = Measure("M03", "Fee statement in plain words", "head of product management", "value", 20, None, "all",
                     False, 0.15, 900_000)  # fmt: skip
_ALL = (_TRAINING, _CALL_BACK, _STATEMENT)


@lru_cache(maxsize=8)
def plan_measures(seed: int, months: int) -> tuple[Measure, ...]:
    """Plan the measures that start in the first months of a bank, common to all blocks of customers.

    Branches are paired by the inhabitants of their districts, and a lot decides which of each pair calls back: half of
    the branches and near half of the customers.

    Parameters
    ----------
    seed : int
        Seed of the bank.
    months : int
        Months of the bank, 1 or more.

    Returns
    -------
    tuple of Measure
        In the order of their start. Where the training takes place is not in the plan: see `decide_places`.

    Examples
    --------
    >>> [(measure.name, len(measure.places)) for measure in plan_measures(1, 20)]
    [('Staff training in listening', 0), ('Call back within one working day', 12)]
    >>> plan_measures(1, 18)
    ()
    """
    lot = generator(seed, MARKET_BLOCK, _CALL_BACK.month, "measures")
    by_size = np.argsort([-district[2] for district in DISTRICTS], kind="stable").reshape(-1, 2)
    drawn = by_size[np.arange(len(by_size)), lot.integers(0, 2, len(by_size))]
    drawn_by_lot = replace(_CALL_BACK, places=tuple(sorted(int(place) for place in drawn)))
    plan = (drawn_by_lot if one is _CALL_BACK else one for one in _ALL)
    return tuple(one for one in plan if one.month < months)


def put_in_force(plan: Sequence[Measure], relation: Relation, people: People, month: int) -> None:
    """Set `relation.lift` to what the measures that have started by the end of a month add to opinions after it.

    Parameters
    ----------
    plan : sequence of Measure
        Measures of the bank.
    relation, people
        One block of customers; its branch decides whether a measure reaches a customer.
    month : int
        Number of the month.
    """
    relation.lift[:] = 0.0
    for measure in plan:
        if measure.month <= month and measure.effect:
            reached = True if measure.scope == "all" else np.isin(people.district, measure.places)
            relation.lift[:, LATENTS.index(measure.indicator)] += measure.effect * reached


def branch_scores(rows: dict[str, np.ndarray], people: People) -> np.ndarray:
    """Add up what a block's customers answered on the attitude of the staff in the wave by which branches are judged.

    Parameters
    ----------
    rows : dict of str to array
        Rows of table `surveys`, as `Fieldwork.run` returns them, all months.
    people : People
        The customers of the block.

    Returns
    -------
    array of int, shape (3, branches)
        Customers who answered, answers, sum of the answers.
    """
    chosen = np.isin(rows["item"], list(items_of(_JUDGED).values())) & (rows["score"] >= 0)
    chosen &= (rows["wave"] == _JUDGED_MONTH) & (rows["occasion"] == 0)
    branch = people.district[rows["customer"][chosen]]
    customers = np.unique(rows["customer"][chosen])
    size = len(DISTRICTS)
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, branch, rows["score"][chosen])
    answered = np.bincount(people.district[customers], minlength=size)
    return np.stack([answered, np.bincount(branch, minlength=size), total])


def decide_places(seed: int, months: int, scores: np.ndarray) -> tuple[Measure, ...]:
    """Return the plan with the branches of the training: the quarter with the lowest mean in the second wave.

    Parameters
    ----------
    seed, months : int
        Of the bank.
    scores : array of int, shape (3, branches)
        Sum of `branch_scores` over the blocks.

    Returns
    -------
    tuple of Measure
        Measures that run somewhere. A branch is judged on five answering customers or more; a bank without such a
        branch trains nobody.
    """
    answered, answers, total = scores
    judged = np.flatnonzero(answered >= _FEWEST_ANSWERS)
    worst = judged[np.argsort(total[judged] / answers[judged], kind="stable")]
    worst = worst[: max(1, round(_JUDGED_SHARE * len(judged)))]
    plan = (
        replace(one, places=tuple(sorted(int(place) for place in worst))) if one is _TRAINING else one
        for one in plan_measures(seed, months)
    )
    return tuple(one for one in plan if one.scope == "all" or one.places)


def measures_table(measures: Sequence[Measure]) -> pa.Table:
    """Return the rows of table `measures`, one a measure and place.

    Parameters
    ----------
    measures : sequence of Measure
        With their places decided.
    """
    branches = district_rows()["branch"]
    rows = [(one, "all") for one in measures if one.scope == "all"]
    rows += [(one, str(branches[place])) for one in measures for place in one.places]
    rows.sort(key=lambda row: row[0].identifier)  # stable: places stay in their order
    column = {
        "measure_id": [one.identifier for one, _ in rows],
        "measure_name": [one.name for one, _ in rows],
        "owner": [one.owner for one, _ in rows],
        "indicator": [one.indicator for one, _ in rows],
        "scope": [one.scope for one, _ in rows],
        "scope_value": [value for _, value in rows],
    }
    return arrow_table(
        "measures",
        {
            **{name: pa.array(values, pa.string()) for name, values in column.items()},
            "started_on": dates(np.array([one.started for one, _ in rows], dtype=np.int64)),
            "ended_on": dates(np.array([one.ended for one, _ in rows], dtype=np.int64)),
            "is_drawn_by_lot": pa.array([one.is_drawn_by_lot for one, _ in rows], pa.bool_()),
            "cost_amount": decimals(np.array([one.cost for one, _ in rows], dtype=np.int64)),
        },
    )


def _points(latent: str) -> float:
    """Points of the mean of the items of a latent variable for one of its standard deviations.

    >>> round(_points("value"), 4)  # (1.40 + 1.50 + 1.35) / 3
    1.4167
    """
    return float(np.mean([ITEMS[code][1] for code in items_of(latent)]))


def _effects(measure: Measure) -> dict[str, float]:
    """True effects of a measure on the customers it reaches, as the truth tells them."""
    found = {"direct_effect_sd": measure.effect}
    for latent in ("satisfaction", "loyalty"):
        found[f"{latent}_effect_sd"] = measure.effect * total_effect(measure.indicator, latent)
    found["indicator_effect_points"] = measure.effect * _points(measure.indicator)
    for latent in ("satisfaction", "loyalty"):
        found[f"{latent}_effect_points"] = found[f"{latent}_effect_sd"] * _points(latent)
    return found


def true_effects(measures: Sequence[Measure]) -> dict[str, np.ndarray]:
    """Return the rows of table `measures` of the truth, one a measure; nothing where there is none.

    Parameters
    ----------
    measures : sequence of Measure
        Measures of the bank.

    Examples
    --------
    Value reaches satisfaction with .35: .15 * .35 = .0525 standard deviations.

    >>> found = true_effects([_STATEMENT])
    >>> found["satisfaction_effect_sd"].round(4).tolist(), found["indicator_effect_points"].round(4).tolist()
    ([0.0525], [0.2125])
    """
    if not measures:
        return {}
    told = {
        "measure_id": np.array([one.identifier for one in measures]),
        "month": np.array([one.month for one in measures]),
        "scope": np.array([one.scope for one in measures]),
        "indicator": np.array([one.indicator for one in measures]),
    }
    effects = [_effects(one) for one in measures]
    return told | {name: np.array([one[name] for one in effects]) for name in effects[0]}


def parameters() -> dict[str, dict]:
    """Return the planted measures and their true effects by name, as plain numbers and words."""
    return {
        one.name.lower().replace(" ", "_"): {
            "measure_id": one.identifier,
            "indicator": one.indicator,
            "scope": one.scope,
            "is_drawn_by_lot": one.is_drawn_by_lot,
            "starts_in": str(np.datetime64("2023-01", "M") + one.month),
            **{name: round(value, 6) for name, value in _effects(one).items()},
        }
        for one in _ALL
    }
