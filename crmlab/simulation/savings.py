"""Table `transactions`: money between current account, savings, funds, the pension plan and other banks."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.products import slot_of
from crmlab.simulation.relation import ACTIVE, LEAVING, SILENT
from crmlab.simulation.scene import Scene

__all__ = ["HOARDERS", "draw_on_savings", "put_aside", "take_away"]

_CURRENT = slot_of("current")
_SAVINGS = ("savings", "bonus")
_DRAINED_AFTER = 6  # months in which those who leave or fall silent take their money away
HOARDERS = 0.22  # share of customers who let money lie on the current account
# plan, chance a month, share of what is left over, highest amount in cents (0: none, and an order by hand)
_PLANS = (("pension", 0.95, 0.12, 15_000), ("fund_high", 0.25, 0.40, 0), ("fund_low", 0.25, 0.40, 0))


def draw_on_savings(scene: Scene, rng: np.random.Generator) -> None:
    """Draw on savings early in the month: who runs short of a month's costs, and who buys something large."""
    n, income, money = scene.n, scene.income, scene.money
    u, size, pick = rng.random((3, n))
    active = scene.relation.status[:n] == ACTIVE
    on = scene.on & scene.holders("current") & active
    early = scene.month.working_from[(4 * pick).astype(np.int64)]
    late = _late(scene)
    for row, name in enumerate(_SAVINGS):
        slot = slot_of(name)
        short = on & scene.holders(name) & (money[:, _CURRENT] < 0.45 * income) & (money[:, slot] > 5000)
        who = np.flatnonzero(short)
        gap = np.ceil((0.9 * income[who] - money[who, _CURRENT]) / 5000) * 5000
        _order(scene, rng, who, name, "current", early[who], np.minimum(money[who, slot], gap))
        buys = on & scene.holders(name) & (np.abs(u - row) < 0.045) & (money[:, slot] > 50_000)
        who = np.flatnonzero(buys)
        amount = np.minimum(money[who, slot] * (0.08 + 0.5 * size[who] ** 2), 15 * income[who])
        amount = np.floor(amount / 1000) * 1000
        _order(scene, rng, who, name, "current", early[who], amount)
        _pay_out(scene, rng, who, late[who], amount)


def take_away(scene: Scene, rng: np.random.Generator) -> None:
    """Let those who leave or fall silent take their money to another bank, part by part."""
    n, money = scene.n, scene.money
    status, months = scene.relation.status[:n], scene.relation.months_in[:n]
    goes = scene.on & ((status == LEAVING) | (status == SILENT)) & (months <= _DRAINED_AFTER)
    size, pick = rng.random((2, n))
    early = scene.month.working_from[(4 * pick).astype(np.int64)]
    late = _late(scene)
    for name in _SAVINGS:
        slot = slot_of(name)
        part = np.floor(money[:, slot] * (0.35 + 0.3 * size))
        who = np.flatnonzero(goes & scene.holders(name, "current") & (money[:, slot] > 2000))
        _order(scene, rng, who, name, "current", early[who], part[who])
        who = np.flatnonzero(goes & scene.holders(name) & ~scene.holders("current") & (money[:, slot] > 2000))
        _send(scene, rng, who, name, late[who], part[who])
    for name in ("fund_low", "fund_high"):
        slot = slot_of(name)
        who = np.flatnonzero(goes & scene.holders(name, "current") & (money[:, slot] > 10_000))
        part = np.floor(money[who, slot] * (0.35 + 0.3 * size[who]))
        channel = scene.remote_or_branch(rng, who)
        scene.transfer(who, name, "current", early[who], part, channel, kind="investment", initiated=True, rng=rng)
    who = np.flatnonzero(goes & scene.holders("current") & (money[:, _CURRENT] > 5000))
    _pay_out(scene, rng, who, late[who], np.floor(0.45 * money[who, _CURRENT]))


def put_aside(scene: Scene, rng: np.random.Generator) -> None:
    """Put aside what exceeds a buffer of one to two months' income, after the salary is in."""
    people, n, income, money = scene.people, scene.n, scene.income, scene.money
    u, v, size = rng.random((3, n))
    chance = rng.random((len(_PLANS), n))
    habit = people.rhythm[:n]
    late = _late(scene)
    excess = money[:, _CURRENT] - income * (1.05 + 1.0 * habit[:, 5])
    free = scene.on & scene.holders("current") & (scene.relation.status[:n] == ACTIVE) & (excess > 5000)
    bought = np.zeros(n, dtype=bool)
    for row, (name, often, part, cap) in enumerate(_PLANS):
        who = np.flatnonzero(free & scene.holders(name) & (chance[row] < often))
        amount = np.floor(excess[who] * part / 1000) * 1000
        amount = np.minimum(amount, cap) if cap else amount
        channel = "automatic" if cap else scene.remote_or_branch(rng, who)
        scene.transfer(who, "current", name, late[who], amount, channel, kind="investment", initiated=not cap, rng=rng)
        excess[who] -= amount
        bought[who] = True
    saver = free & (u < 0.6) & (excess > 5000) & (habit[:, 6] > HOARDERS)
    with_bonus = scene.holders("bonus") & ((size < 0.6) | ~scene.holders("savings"))
    for name, mine in (("bonus", with_bonus), ("savings", scene.holders("savings") & ~with_bonus)):
        who = np.flatnonzero(saver & mine)
        _order(scene, rng, who, "current", name, late[who], np.floor(0.75 * excess[who] / 1000) * 1000)
    elsewhere = saver & ~scene.holders("savings") & ~scene.holders("bonus") & (v < 0.6)
    who = np.flatnonzero(elsewhere)
    _pay_out(scene, rng, who, late[who], np.floor(0.6 * excess[who] / 1000) * 1000)
    sells = (
        scene.on
        & ~bought
        & scene.holders("fund_high", "current")
        & (v > 0.98)
        & (money[:, slot_of("fund_high")] > 20_000)
    )
    who = np.flatnonzero(sells)
    amount = np.floor(money[who, slot_of("fund_high")] * (0.2 + 0.6 * size[who]))
    channel = scene.remote_or_branch(rng, who)
    scene.transfer(who, "fund_high", "current", late[who], amount, channel, kind="investment", initiated=True, rng=rng)
    for name in _SAVINGS:  # customers who only save here move money from and to their bank
        alone = scene.on & scene.holders(name) & ~scene.holders("current")
        pace = 0.2 * people.engagement[:n] * scene.relation.fade[:n]
        who = np.flatnonzero(alone & (u < pace))
        amount = np.ceil(income[who] * 0.2 * size[who] / 1000) * 1000
        scene.book(who, name, late[who], amount, "transfer_in", "automatic", rng=rng, counterparty="other_bank")
        who = np.flatnonzero(alone & (u >= pace) & (v < 0.3 * pace) & (money[:, slot_of(name)] > 10_000))
        _send(scene, rng, who, name, late[who], money[who, slot_of(name)] * (0.1 + 0.5 * size[who]))


def _late(scene: Scene) -> np.ndarray:
    """Day on which each customer moves money: after the salary of the 25th, else on the last working day."""
    month, n = scene.month, scene.n
    early_paid = (scene.people.rhythm[:n, 0] < 0.55) & ~scene.relation.is_retired[:n]
    return np.where(early_paid, month.working_before[25 + (scene.people.rhythm[:n, 7] > 0.5)], month.working_before[-1])


def _order(scene: Scene, rng, who, source: str, target: str, day, amount) -> None:
    channel = scene.remote_or_branch(rng, who)
    scene.transfer(who, source, target, day, np.floor(amount), channel, initiated=True, rng=rng)


def _pay_out(scene: Scene, rng, who, day, amount) -> None:
    """Send money from the current account to another bank, no more than there is."""
    _send(scene, rng, who, "current", day, np.clip(amount, 0, np.maximum(scene.money[who, _CURRENT], 0)))


def _send(scene: Scene, rng, who, source: str, day, amount) -> None:
    channel = scene.remote_or_branch(rng, who)
    scene.book(who, source, day, -np.floor(amount), "transfer_out", channel, rng=rng, initiated=True,
               counterparty="other_bank")  # fmt: skip
