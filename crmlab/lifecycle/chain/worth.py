"""What a customer of each stage is worth, and what a move more or less often would be worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.lifecycle.chain.absorbing import expected_steps, lost_within, stage_value
from crmlab.lifecycle.chain.resampled import Resampled
from crmlab.stats import percentile_limits

__all__ = ["Policy", "compare_policies", "shifted", "stopped", "value_by_stage", "worth_of_points"]


@dataclass(frozen=True)
class Policy:
    """What the bank might do otherwise.

    Parameters
    ----------
    name : str
    shifts : tuple of (from, to, points)
        Chance of a move changes by so many points a step (0.02: two points), taken in proportion from the other moves
        of the stage.
    costs : mapping of str to float
        Cost a step of a customer in a stage, money.
    stops : tuple of str
        Stages in which the bank gives the customer up: nothing is earned or spent from then on.
    """

    name: str
    shifts: tuple[tuple[str, str, float], ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)
    stops: tuple[str, ...] = ()


def shifted(shares: np.ndarray, start: int, end: int, points: float) -> np.ndarray:
    """Change one chance of a row, the others of the row in proportion; shape (..., k, k + e).

    Notes
    -----
    Chances stay from 0 to 1: a change that would leave them is cut.

    Examples
    --------
    >>> shifted(np.array([[0.5, 0.3, 0.2]]), 0, 1, 0.1).round(6).tolist()
    [[0.428571, 0.4, 0.171429]]
    """
    changed = shares.copy()
    row = shares[..., start, :]
    was = row[..., end]
    now = np.clip(was + points, 0.0, 1.0)
    rest = np.where(was < 1, (1 - now) / np.where(was < 1, 1 - was, 1.0), 0.0)
    changed[..., start, :] = row * rest[..., None]
    changed[..., start, end] = now
    if np.ndim(was) == 0 and was >= 1 and now < 1:  # nothing else was ever seen: they stay
        changed[..., start, start] += 1 - now
    return changed


def stopped(shares: np.ndarray, start: int) -> np.ndarray:
    """Give up a stage: whoever gets there has ended."""
    changed = shares.copy()
    changed[..., start, :] = 0.0
    changed[..., start, -1] = 1.0
    return changed


def value_by_stage(
    found: Resampled, *, discount: float, steps: int | None = None, pays_first: bool = True, level: float = 0.95
) -> pd.DataFrame:
    """Say what a customer of each stage is worth and how long they stay, with intervals.

    Parameters
    ----------
    found : Resampled
        As `crmlab.lifecycle.chain.resampled.resample_chain`.
    discount : float
        Rate a step, 0 or more.
    steps, pays_first
        As `crmlab.lifecycle.chain.absorbing.stage_value`.
    level : float

    Returns
    -------
    DataFrame
        One row a stage with customers: ``stage``, ``margin_amount`` (a step), ``value_amount``, ``value_low_amount``,
        ``value_high_amount``, ``steps_left`` with limits (expected steps until the end), ``lost_12_share`` with limits
        (chance to end within 12 steps), ``n`` (customer-steps).

    Notes
    -----
    Percentile limits over resamples of customers, chances and margins drawn together.
    """
    terms = {"discount": discount, "steps": steps, "pays_first": pays_first}
    value, drawn = (
        stage_value(found.shares, found.rewards, **terms),
        stage_value(found.share_draws, found.reward_draws, **terms),
    )
    left = expected_steps(found.shares).sum(axis=-1)
    left_drawn = expected_steps(found.share_draws).sum(axis=-1)
    gone, gone_drawn = lost_within(found.shares, 12), lost_within(found.share_draws, 12)
    columns: dict[str, object] = {"stage": list(found.states), "margin_amount": found.rewards}
    for name, tail, point, draws in (
        ("value", "_amount", value, drawn),
        ("steps_left", "", left, left_drawn),
        ("lost_12", "_share", gone, gone_drawn),
    ):
        low, high = _limits(draws, point, level)
        columns |= {f"{name}{tail}": point, f"{name}_low{tail}": low, f"{name}_high{tail}": high}
    frame = pd.DataFrame(columns | {"n": found.steps.astype(np.int64)})
    return frame[frame["n"] > 0].reset_index(drop=True)


def worth_of_points(
    found: Resampled,
    customers: Mapping[str, int],
    *,
    discount: float,
    points: float | None = None,
    tenth: float = 0.10,
    moves: Sequence[tuple[str, str]] | None = None,
    steps: int | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Say what it would be worth if one move happened a little more often, or a little less often.

    Parameters
    ----------
    found : Resampled
    customers : mapping of str to int
        Customers in each stage today.
    discount : float
        Rate a step.
    points : float, optional
        Change of the chance a step, 0 to 1 (0.01: one point); None: `tenth` of the chance itself, so that rare moves
        and common ones are asked for alike.
    tenth : float
        Share of the chance by which it changes where `points` is None.
    moves : sequence of (from, to), optional
        None: every move between stages and to an end that was seen 10 times or more.
    steps : int, optional
        Horizon.

    Returns
    -------
    DataFrame
        Best first: ``from``, ``to``, ``is_more`` (more often pays; else less often), ``share`` (chance a step now),
        ``changed_share`` (after), ``gain_amount`` with limits (value of all customers of today), ``each_amount`` with
        limits (a customer who moves or is kept from moving, at the time of the move).

    Notes
    -----
    The gain is what today's customers would be worth more if the chance were changed from now on for good and customers
    who move then behaved like those who are there already. It says where a point weighs most, not that a measure moves
    it, nor what that costs. A chance falls to 0 at most; the gain is that of the change made.
    """
    names = list(found.states)
    to = [*names, *found.ends]
    base = np.array([float(customers.get(name, 0)) for name in names])
    seen = np.nan_to_num(found.shares) * found.steps[:, None]
    chosen = moves or [
        (names[i], to[j]) for i in range(len(names)) for j in range(len(to)) if i != j and round(seen[i, j]) >= 10
    ]
    terms = {"discount": discount, "steps": steps}
    value, drawn = (
        stage_value(found.shares, found.rewards, **terms),
        stage_value(found.share_draws, found.reward_draws, **terms),
    )
    weights = np.where(base > 0, base, 0.0)
    rows = []
    for start, end in chosen:
        i, j = names.index(start), to.index(end)
        share = float(found.shares[i, j])
        by = tenth * share if points is None else points
        pay = float(_gain(found.shares, found.rewards, value, weights, i, j, by, terms))
        less = float(_gain(found.shares, found.rewards, value, weights, i, j, -by, terms))
        sign = 1.0 if pay >= less else -1.0
        gain = max(pay, less)
        draws = _gain(found.share_draws, found.reward_draws, drawn, weights, i, j, sign * by, terms)
        each, each_drawn = (sign * _apart(v, i, j, len(names)) for v in (value, drawn))
        low, high = _limits(draws, np.asarray(gain), level)
        each_low, each_high = _limits(each_drawn, np.asarray(each), level)
        rows.append((start, end, sign > 0, share, float(np.clip(share + sign * by, 0, 1)), gain, float(low),
                     float(high), float(each), float(each_low), float(each_high)))  # fmt: skip
    columns = ["from", "to", "is_more", "share", "changed_share", "gain_amount", "gain_low_amount", "gain_high_amount",
               "each_amount", "each_low_amount", "each_high_amount"]  # fmt: skip
    kinds = dict.fromkeys(columns[3:], "float64") | {"from": "str", "to": "str", "is_more": "bool"}
    frame = (
        pd.DataFrame(rows, columns=columns)
        .astype(kinds)
        .sort_values(["gain_amount", "from", "to"], ascending=[False, True, True], kind="stable")
    )
    return frame.reset_index(drop=True)


def compare_policies(
    found: Resampled,
    policies: Sequence[Policy],
    customers: Mapping[str, int],
    *,
    discount: float,
    steps: int | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compare what today's customers are worth under several policies with what they are worth as it goes now.

    Parameters
    ----------
    found : Resampled
    policies : sequence of Policy
    customers : mapping of str to int
        Customers in each stage today.
    discount, steps
        As `value_by_stage`.

    Returns
    -------
    DataFrame
        In the order given: ``policy``, ``value_amount`` (all customers), ``gain_amount`` with limits (against going on
        as now; resampled in pairs), ``is_better`` (the interval lies above 0), ``break_even_amount`` (cost a step of
        each customer in the stages shifted at which the gain is used up; not known without shifts).
    """
    names, to = list(found.states), [*found.states, *found.ends]
    unknown = sorted({s for p in policies for s in (*(x for a, b, _ in p.shifts for x in (a, b)), *p.costs, *p.stops)
                      if s not in to})  # fmt: skip
    if unknown:
        refuse(f"compare_policies: stages {unknown} are not in {to}. Correct them.")
    weights = np.array([float(customers.get(name, 0)) for name in names])
    terms = {"discount": discount, "steps": steps}
    base = _summed(stage_value(found.shares, found.rewards, **terms), weights)
    base_drawn = _summed(stage_value(found.share_draws, found.reward_draws, **terms), weights)
    rows = []
    for policy in policies:
        worth = [
            (stage_value(shares, rewards, **terms), shares)
            for shares, rewards in (
                _under(policy, found.shares, found.rewards, names, to),
                _under(policy, found.share_draws, found.reward_draws, names, to),
            )
        ]
        value, drawn = (_summed(each, weights) for each, _ in worth)
        with np.errstate(invalid="ignore"):
            gain = value - base
            low, high = _limits(drawn - base_drawn, np.asarray(gain), level)
        one = np.array([float(name in {start for start, _, _ in policy.shifts}) for name in names])
        spent = _summed(stage_value(worth[0][1], one, **terms), weights)
        even = gain / spent if policy.shifts and spent > 0 else np.nan
        rows.append((policy.name, value, gain, float(low), float(high), bool(low > 0), even))
    columns = ["policy", "value_amount", "gain_amount", "gain_low_amount", "gain_high_amount", "is_better",
               "break_even_amount"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _under(policy: Policy, shares: np.ndarray, rewards: np.ndarray, names: list, to: list) -> tuple:
    """Chances and rewards under a policy."""
    for start, end, points in policy.shifts:
        shares = shifted(shares, names.index(start), to.index(end), points)
    rewards = rewards - np.array([float(policy.costs.get(name, 0.0)) for name in names])
    for name in policy.stops:
        shares = stopped(shares, names.index(name))
        rewards = np.where(np.arange(len(names)) == names.index(name), 0.0, rewards)
    return shares, rewards


def _gain(shares, rewards, value, weights, i, j, points, terms) -> np.ndarray:
    """Value of all customers after a shift less that before."""
    after = stage_value(shifted(shares, i, j, points), rewards, **terms)
    with np.errstate(invalid="ignore"):  # both without end: the gain is not known
        return _summed(after - value, weights)


def _summed(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sum over the customers of today; stages without any do not count, however endless their value."""
    some = weights > 0
    return values[..., some] @ weights[some]


def _apart(value: np.ndarray, i: int, j: int, states: int) -> np.ndarray:
    """Value of a customer at the end of the move less that of one who stays."""
    end = value[..., j] if j < states else 0.0
    with np.errstate(invalid="ignore"):
        return end - value[..., i]


def _limits(draws: np.ndarray, point: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Percentile limits that hold the point; infinite values stay infinite."""
    if not len(draws):
        return np.full(np.shape(point), np.nan), np.full(np.shape(point), np.nan)
    low, high = percentile_limits(np.clip(draws, -1e300, 1e300), level)
    low, high = (np.where(side >= 1e299, np.inf, np.where(side <= -1e299, -np.inf, side)) for side in (low, high))
    return np.minimum(low, point), np.maximum(high, point)
