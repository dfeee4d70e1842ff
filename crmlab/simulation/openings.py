"""Accounts that open and relations that end: the first account, wishes come true, last balances paid out."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.accounts import PERFORMANCES, after, card_limit, current_terms, new_loan, product_for
from crmlab.simulation.products import SLOTS, slot_of
from crmlab.simulation.relation import ACTIVE, DYING, LEAVING, LEFT
from crmlab.simulation.scene import Scene, seconds

__all__ = ["close_relations", "open_wishes", "welcome"]

_DEPOSITS = ("savings", "bonus", "term", "fund_low", "fund_high", "pension")


def welcome(scene: Scene, rng: np.random.Generator) -> None:
    """Open the first account of those who join this month, with a first deposit from elsewhere on the same day."""
    month, people, n = scene.month, scene.people, scene.n
    new = np.flatnonzero((people.joined[:n] >= month.first) & ~people.is_guest[:n])
    u, v = rng.random((2, len(new)))
    age = (month.first - people.birth[new]) / 365.2425
    saves = u < 0.08
    for name, chosen in (("current", ~saves), ("savings", saves)):
        who = new[chosen]
        product = product_for(slot_of(name), people, who, age[chosen], v[chosen])
        terms = current_terms(people, who, v[chosen]) if name == "current" else {}
        scene.accounts.open(who, product, people.joined[who], **terms)
        amount = np.maximum(5000, np.rint(people.wealth[who] * (0.1 + 0.5 * v[chosen])) * 100)
        amount = np.maximum(amount, np.rint(people.is_main[who] * people.income[who]) * 100)  # a month's costs
        day = people.joined[who] - month.first
        scene.book(who, name, day, amount, "transfer_in", "automatic", rng=rng, counterparty="other_bank")


def open_wishes(scene: Scene, rng: np.random.Generator) -> None:
    """Open what customers wished for last month, and pay it in or out."""
    month, people, relation, accounts, n = scene.month, scene.people, scene.relation, scene.accounts, scene.n
    u, v, w, x = rng.random((4, n))
    wish = relation.wish[:n]
    ready = scene.on & (wish >= 0) & (relation.status[:n] == ACTIVE)
    day_of = month.working_before[5 + (17 * v).astype(np.int64)]
    for slot, name in enumerate(SLOTS):
        who = np.flatnonzero(ready & (wish == slot) & (accounts.of[:n, slot] < 0))
        if not len(who):
            continue
        # what sales staff have agreed with the customer stays agreed
        lot = np.where(np.isnan(relation.taste[who, slot]), u[who], relation.taste[who, slot])
        age, day = (month.first - people.birth[who]) / 365.2425, day_of[who]
        product, opened = product_for(slot, people, who, age, lot), month.first + day
        if name == "current":
            terms = current_terms(people, who, lot) | {"authorised": np.full(len(who), -1)}
        elif name == "term":
            length = np.where(lot < 0.4, 36, 12)
            rate = np.full(len(who), round(0.8 * scene.market["policy"] + 0.002, 4))
            terms = {"term": length, "matures": after(opened, length), "rate": rate}
        elif name == "card":
            terms = {"limit": card_limit(people, who)}
        elif name in ("loan", "mortgage"):
            terms = new_loan(people, who, name, v[who], w[who], age, scene.market["policy"])
            terms |= {"matures": after(opened, terms["term"])}
        else:
            terms = {}
        accounts.open(who, product, opened, **terms)
        if name in ("fund_low", "fund_high"):  # no order without the questionnaire
            people.assessed[who] = np.minimum(people.assessed[who], opened)
        if name in ("loan", "mortgage"):
            _pay_out_loan(scene, rng, who, name, day, terms["limit"].astype(np.float64), w[who])
        elif name in _DEPOSITS:
            _pay_in(scene, rng, who, name, day, w[who], x[who])
    wish[:] = -1


def _pay_out_loan(scene: Scene, rng, who, name: str, day, amount, w) -> None:
    """The loan pays to the current account; the house or the car is paid from there on the same day or soon after."""
    scene.transfer(who, name, "current", day, amount, "automatic", initiated=False)
    later = np.minimum(day + (0 if name == "mortgage" else 3), scene.month.days - 1)
    spent = -np.floor(amount * (1.0 if name == "mortgage" else 0.6 + 0.4 * w) / 100) * 100
    second = np.full(len(who), 3600 * 12)
    scene.ledger.add(scene.account(who, "current"), later, second, spent.astype(np.int64), "transfer_out", "branch",
                     initiated=True, counterparty="person")  # fmt: skip
    scene.move(who, "current", spent)


def _pay_in(scene: Scene, rng, who, name: str, day, w, x) -> None:
    """Fund a new deposit from the accounts here, and for some from another bank too."""
    kind = "investment" if name in ("fund_low", "fund_high", "pension") else "transfer"
    wealth = 100 * scene.people.wealth[who]
    outside = np.where(x < 0.45, np.floor(wealth * 0.4 * w / 10_000) * 10_000, 0)
    channel = scene.remote_or_branch(rng, who)
    at = seconds(rng, len(who), "branch")
    part = scene.accounts.of[who]
    for source in ("savings", "current"):
        if source == name:
            continue
        has = part[:, slot_of(source)] >= 0
        keep = 0 if source == "savings" else scene.income[who] * 0.5
        amount = np.maximum(0, scene.money[who, slot_of(source)] - keep) * (0.15 + 0.5 * w)
        amount = np.where(has, np.floor(amount / 1000) * 1000, 0)
        mine = amount > 0
        scene.transfer(
            who[mine], source, name, day[mine], amount[mine], channel[mine], kind=kind, initiated=True, rng=rng
        )
    outside = np.where(scene.money[who, slot_of(name)] < 5000, np.maximum(outside, 10_000), outside)
    account = scene.account(who, name)
    scene.ledger.add(account, day, at, outside.astype(np.int64), "transfer_in", "automatic", counterparty="other_bank")
    scene.move(who, name, outside)


def close_relations(scene: Scene, rng: np.random.Generator) -> None:
    """Pay out and close every account of those whose relation ends this month."""
    month, accounts, relation, n = scene.month, scene.accounts, scene.relation, scene.n
    u = rng.random(n)
    who = np.flatnonzero(scene.closing)
    day = month.working_before[9 + (15 * u[who]).astype(np.int64)]
    day = np.maximum(day, 8)  # card payments of last month are in by then
    status = relation.status[who]
    reasons = {"customer": status == LEAVING, "deceased": status == DYING}
    reasons["bank"] = ~(reasons["customer"] | reasons["deceased"])
    for slot, name in enumerate(SLOTS):
        held = accounts.of[who, slot] >= 0
        mine, on_day = who[held], day[held]
        money = scene.money[mine, slot]
        kind = "investment" if name in ("fund_low", "fund_high", "pension") else None
        acted = (status == LEAVING)[held]
        for part, word in ((money > 0, kind or "transfer_out"), (money < 0, "transfer_in")):
            for initiated in (True, False):
                now = part & (acted == initiated)
                channel = scene.remote_or_branch(rng, mine[now]) if initiated else "automatic"
                scene.book(mine[now], name, on_day[now], -money[now], word, channel, initiated=initiated,
                           rng=rng, counterparty="other_bank")  # fmt: skip
        if name in ("loan", "mortgage"):
            accounts.performance[accounts.of[mine, slot]] = PERFORMANCES.index("paid")
            accounts.performance_on[accounts.of[mine, slot]] = month.first + on_day
        for reason, of_status in reasons.items():
            ends = of_status[held]
            accounts.close(accounts.of[mine[ends], slot], month.first + on_day[ends], reason)
    for reason, of_status in reasons.items():
        relation.leave(who[of_status], month.first + day[of_status], reason)
        _guests_follow(scene, who[of_status], month.first + day[of_status])


def _guests_follow(scene: Scene, owners: np.ndarray, day: np.ndarray) -> None:
    """Who only used the partner's account leaves with it."""
    partner = scene.people.partner[owners]
    follows = partner >= 0
    partner, day = partner[follows], day[follows]
    guest = scene.people.is_guest[partner] & (scene.relation.status[partner] != LEFT)
    scene.relation.leave(partner[guest], day[guest], "customer")
