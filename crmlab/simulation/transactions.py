"""Table `transactions`: income, bills and spending on the current account."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.customers import WORDS
from crmlab.simulation.ledger import CHANNEL_CODES, COUNTERPARTIES, EMPLOYERS, MERCHANTS
from crmlab.simulation.products import slot_of
from crmlab.simulation.scene import Scene, seconds
from crmlab.simulation.stress import CAUSES, SICK_PAY, book_returned_debits, restrain, urge

__all__ = ["MEMBER_SPENDING", "book_income", "book_spending", "pay_bills", "spending_budget"]

_OCCUPATION = {word: code for code, word in enumerate(WORDS["occupation"])}
MEMBER_SPENDING = 1.06  # factor on the card budget of members of the points programme (assumed)
_CURRENT, _CARD = slot_of("current"), slot_of("card")
# Spending by month, mean 1: close to card use in Iceland 2000 to 2013 (January .89, February .87, December 1.26 of the
# year around; Statistics Iceland, in Hyndman's collection of series). By weekday from Monday: assumed.
_SEASON = (0.90, 0.89, 0.95, 0.96, 1.02, 1.02, 1.04, 1.05, 0.98, 0.99, 0.98, 1.24)
_EMPLOYERS = np.array([COUNTERPARTIES.index(word) for word in EMPLOYERS])
_WEEKDAYS = (0.90, 0.95, 1.0, 1.08, 1.30, 1.30, 0.55)
_OFFICE = (1.15, 1.05, 1.0, 1.0, 1.05, 0.40, 0.30)
_MERCHANT_SHARE = np.array([0.34, 0.13, 0.08, 0.05, 0.06, 0.02, 0.05, 0.06, 0.05, 0.02, 0.10, 0.04])
_MERCHANT_MEAN = np.array([48, 36, 62, 18, 78, 190, 84, 42, 40, 340, 58, 55]) * 100.0  # cents (assumed)

_USUAL = (6_500.0, 7_500.0, 19_000.0)  # usual amount of a card payment, of cash, of a transfer, cents (assumed)
_ELSEWHERE = 0.60  # pace of spending where the salary goes elsewhere (assumed)


def book_income(scene: Scene) -> None:
    """Book salaries, pensions, benefits, family money and money from accounts elsewhere.

    Salaries come on the 25th (55 %), the last day (30 %) or the 15th (15 %), moved to the working day before; four in
    ten get a thirteenth salary in December. Pensions come on the last working day.
    """
    rng, month, people, relation, n = scene.rng("income"), scene.month, scene.people, scene.relation, scene.n
    u, noise, pick = rng.random(n), rng.standard_normal(n), rng.random(n)
    occupation, rhythm, income = people.occupation[:n], people.rhythm[:n], scene.income
    current = scene.on & scene.holders("current")
    here, retired, jobless = current & relation.has_income[:n], relation.is_retired[:n], relation.jobless[:n] > 0
    unpaid = np.isin(occupation, [_OCCUPATION["student"], _OCCUPATION["homemaker"], _OCCUPATION["unemployed"]])
    free = occupation == _OCCUPATION["self_employed"]
    before = month.working_before

    employed = np.flatnonzero(here & ~retired & ~jobless & ~unpaid & ~free & (relation.pay_gap[:n] == 0))
    pay_day = np.array([before[24], before[-1], before[14]])[np.searchsorted((0.55, 0.85), rhythm[employed, 0])]
    extra = 1 + 0.95 * ((month.of_year == 12) & (rhythm[employed, 1] < 0.4))
    amount = income[employed] * extra * (1 + 0.01 * noise[employed] * (rhythm[employed, 2] < 0.35))
    sick = (relation.cause[employed] == CAUSES.index("illness")) & (relation.since[employed] > 0)
    amount = amount * np.where(sick, SICK_PAY, 1.0)
    employer = _EMPLOYERS[relation.employer[employed] % len(_EMPLOYERS)]
    scene.book(employed, "current", pay_day, amount, "salary", "automatic", counterparty=employer)
    pensioner = np.flatnonzero(here & retired)
    pension = income[pensioner] * np.where(occupation[pensioner] == _OCCUPATION["retired"], 1.0, 0.62)
    scene.book(pensioner, "current", before[-1], pension, "pension", "automatic", counterparty="pension_fund")
    idle = np.flatnonzero(here & ~retired & (jobless | (occupation == _OCCUPATION["unemployed"])))
    benefit = income[idle] * np.where(occupation[idle] == _OCCUPATION["unemployed"], 1.0, 0.6)
    scene.book(idle, "current", before[-1], benefit, "benefit", "automatic", counterparty="state")
    young = np.flatnonzero(here & ~retired & ~jobless & unpaid & (occupation != _OCCUPATION["unemployed"]))
    scene.book(
        young, "current", month.working_from[1], income[young], "transfer_in", "automatic", counterparty="person"
    )

    trader = np.flatnonzero(here & ~retired & ~jobless & free)
    count = 1 + rng.poisson(1.3, len(trader))
    row = np.repeat(np.arange(len(trader)), count)
    part = rng.gamma(1.5, 1 / 1.5, len(row)) * (income[trader] / 2.3)[row]
    _many(scene, rng, trader[row], part, "transfer_in", "automatic", _OFFICE, counterparty="other_bank")

    child = relation.has_child[:n] & (month.first - people.birth[:n] < 48 * 365)
    parent = np.flatnonzero(here & child)
    amount = 22_000 + 100 * np.rint(200 * rhythm[parent, 4])
    scene.book(parent, "current", before[9], amount, "benefit", "automatic", counterparty="state")
    relation.unpaid_months[:n] += 1
    for paid in (employed, pensioner, idle, parent):
        relation.unpaid_months[paid] = 0
    sends = 0.55 * np.minimum(people.engagement[:n], 1.5) * relation.fade[:n]  # money from their main bank
    visitor = np.flatnonzero(current & ~relation.has_income[:n] & (u < sends))
    amount = np.rint(income[visitor] * (0.06 + 0.30 * pick[visitor]) / 1000) * 1000
    on_day = before[5 + (20 * pick[visitor]).astype(np.int64)]
    scene.book(visitor, "current", on_day, amount, "transfer_in", "automatic", rng=rng, counterparty="other_bank")
    lucky = np.flatnonzero(current & (u > 0.997) & (relation.fade[:n] > 0.9))
    amount = 100 * np.exp(8.6 + 0.9 * noise[lucky])
    scene.book(lucky, "current", before[(20 * pick[lucky]).astype(np.int64)], amount, "transfer_in", "automatic",
               rng=rng, counterparty="other_bank")  # fmt: skip


def pay_bills(scene: Scene, kept: np.ndarray) -> np.ndarray:
    """Book rent, housing credit elsewhere and direct debits as far as the account allows; return who missed one.

    Parameters
    ----------
    kept : array of float
        Money that customers keep for daily life, cents.
    """
    rng, month, people, relation, n = scene.rng("bills"), scene.month, scene.people, scene.relation, scene.n
    noise = rng.standard_normal((3, n))
    rhythm, income, level = people.rhythm[:n], scene.income, scene.wage_level
    payer = scene.on & scene.holders("current") & relation.has_income[:n]
    own_home = 1 + 0.35 * ~people.is_tenant[:n]
    rhythm_day = np.minimum((rhythm * 27).astype(np.int64), month.days - 1)
    phone, media = 1800 + 0.008 * income, 999 + 100 * np.floor(25 * rhythm[:, 7])
    mine = scene.accounts.is_open(n, "mortgage")  # who pays no mortgage here may pay one elsewhere
    builds = ~people.is_tenant[:n] & ~mine & (rhythm[:, 1] < 0.6) & ~relation.is_retired[:n]
    # kind, counterparty, day, amount, share of customers who pay it here
    bills = (
        ("rent", "landlord", np.zeros(n, dtype=np.int64), 0.27 * income * relation.rent_level[:n],
         people.is_tenant[:n] & (rhythm[:, 1] < 0.9)),
        ("transfer_out", "other_bank", np.full(n, 2), 0.22 * income, builds),
        ("bill", "utility", rhythm_day[:, 2], (5500 * level + 0.028 * income) * own_home, rhythm[:, 2] < 0.85),
        ("bill", "telecom", rhythm_day[:, 3], phone * (1 + 0.1 * np.abs(noise[0])), rhythm[:, 3] < 0.8),
        ("insurance", "insurer", rhythm_day[:, 4], 0.03 * income * (1 + 2 * rhythm[:, 5]),
         (rhythm[:, 4] < 0.75) & ((rhythm[:, 5] < 0.4) | (month.of_year % 3 == 1))),
        ("bill", "subscription", rhythm_day[:, 6], media, rhythm[:, 6] < 0.3 + 0.4 * people.digital[:n]),
    )  # fmt: skip
    limit = _limits(scene)
    missed = np.zeros(n, dtype=bool)
    for kind, other, day, amount, share in bills:
        due = payer & share
        can = scene.money[:, _CURRENT] + limit - kept >= amount
        missed |= due & ~can
        who = np.flatnonzero(due & can)
        on_day = np.minimum(month.working_from[day[who]], month.days - 1)
        scene.book(who, "current", on_day, -amount[who], kind, "automatic", counterparty=other)
    book_returned_debits(scene, np.flatnonzero(missed))
    return missed


def spending_budget(scene: Scene) -> np.ndarray:
    """Return what customers would spend beside their bills, cents: by income, thrift, season and the money there.

    Who is under stress goes to the limit of the overdraft; the others stay away from it.
    """
    people, relation, n = scene.people, scene.relation, scene.n
    share = np.where(relation.has_income[:n], 0.72 - people.thrift[:n], 0.18) * urge(relation, n)
    stress = relation.stress[:n] > 0
    money, limit = scene.money[:, _CURRENT], _limits(scene)
    at_hand = np.maximum(0, np.where(stress, 0.97 * (money + limit), 0.9 * (money + 0.7 * limit)))
    wanted = scene.income * share * _SEASON[scene.month.of_year - 1] * relation.fade[:n]
    return np.minimum(wanted, at_hand) * (scene.on & scene.holders("current") & (relation.fade[:n] > 0.02))


def book_spending(scene: Scene, stress: np.random.Generator) -> None:
    """Book cards, cash and transfers within a budget: what income leaves after bills and thrift, and what is there.

    The month is lived on the money there at its beginning; its salary comes at the end.
    """
    rng, people, relation, n = scene.rng("spending"), scene.people, scene.relation, scene.n
    season = _SEASON[scene.month.of_year - 1]
    fade, main = relation.fade[:n], relation.has_income[:n]
    spender = scene.on & scene.holders("current") & (fade > 0.02)
    unsteady = people.unsteadiness[:n]
    pace = people.engagement[:n] * fade * season * np.exp(unsteady * (rng.standard_normal(n) - unsteady / 2))
    pace *= np.where(main, 1.0, _ELSEWHERE)
    budget = spending_budget(scene)
    tight = relation.stress[:n]  # cash takes the place of cards

    habit = np.stack([people.card_pace[:n], people.cash_pace[:n], people.transfer_pace[:n]])
    usual = habit * np.array(_USUAL)[:, None]
    parts = budget * usual / usual.sum(axis=0)
    shift = 0.25 * tight * parts[0]
    parts += np.stack([-shift, shift, np.zeros(n)])
    parts[0] *= np.where(relation.member[:n], MEMBER_SPENDING, 1.0)
    rates = habit * np.stack([1 - 0.3 * tight, 1 + tight, np.ones(n)]) * pace
    counts = rng.poisson(rates * (budget > 1000))
    _cards(scene, rng, stress, np.repeat(np.arange(n), counts[0]), parts[0])
    # little money is drawn in few notes, not in many coins
    who = np.repeat(np.arange(n), np.minimum(counts[1], np.ceil(parts[1] / 3000).astype(np.int64)))
    notes = np.array([2000, 5000, 10_000, 20_000])[np.searchsorted((0.25, 0.6, 0.88), rng.random(len(who)))]
    amount = _within(who, notes.astype(np.float64), parts[1], n)
    desk = rng.random(len(who)) < people.desk[who]
    channel = np.where(desk, CHANNEL_CODES["branch"], CHANNEL_CODES["atm"])
    _many(scene, rng, who, -np.floor(amount / 1000) * 1000, "cash_out", channel, _WEEKDAYS, initiated=True)
    who = np.repeat(np.arange(n), counts[2])
    wish = 14_000 * np.exp(0.8 * rng.standard_normal(len(who))) * np.sqrt(people.income[who] / 2000)
    wish *= people.ticket[who]
    amount = -_within(who, wish, parts[2], n)
    _many(scene, rng, who, amount, "transfer_out", scene.remote_or_branch(rng, who), _OFFICE, initiated=True,
          counterparty="person")  # fmt: skip
    who = np.flatnonzero(spender & (rng.random(n) < 0.035 * pace))
    amount = np.rint(np.exp(9.6 + 0.7 * rng.standard_normal(len(who))) / 1000) * 1000
    _many(scene, rng, who, amount, "cash_in", "branch", (1, 1, 1, 1, 1, 0, 0), initiated=True)


def _cards(
    scene: Scene, rng: np.random.Generator, stress: np.random.Generator, who: np.ndarray, budget: np.ndarray
) -> None:
    """Card payments: booked on the day, or on the next working day; over a weekend that is days later."""
    month, n = scene.month, scene.n
    merchant = np.searchsorted(np.cumsum(_MERCHANT_SHARE), rng.random(len(who))).clip(max=len(MERCHANTS) - 1)
    merchant = restrain(stress, scene.relation, who, merchant)
    wish = _MERCHANT_MEAN[merchant] * np.exp(0.65 * rng.standard_normal(len(who)) - 0.21)
    wish *= scene.wage_level * np.sqrt(scene.people.income[who] / 2000) * scene.people.ticket[who]
    amount = -np.rint(_within(who, wish, budget, n)).astype(np.int64)
    day = month.spread(rng, len(who), _WEEKDAYS)
    at_once = month.working[day] & (rng.random(len(who)) < 0.6)
    booked = np.where(at_once, day, month.working_from[day + 1])
    on_credit = scene.holders("card")[who] & (rng.random(len(who)) < 0.45 + 0.4 * scene.relation.stress[who])
    spent = np.bincount(who, -amount * on_credit, n)
    limit = np.maximum(scene.accounts.held(scene.accounts.limit, n)[:, _CARD], 0)
    on_credit &= (spent - scene.money[:, _CARD] <= limit)[who]
    slot = np.where(on_credit, _CARD, _CURRENT)
    account = scene.accounts.of[who, slot]
    scene.ledger.add(account, day, seconds(rng, len(who), "shop"), amount, "card_payment", "card",
                     initiated=True, merchant=merchant.astype(np.int8), booked=booked)  # fmt: skip
    np.add.at(scene.money, (who, slot), amount)


def _many(scene: Scene, rng: np.random.Generator, who, amount, kind, channel, weekdays, **more) -> None:
    """Book several rows a customer on the current account, on days drawn by weekday."""
    amount = np.rint(amount).astype(np.int64)
    day = scene.month.spread(rng, len(who), weekdays)
    second = seconds(rng, len(who), "day")
    account = scene.account(who, "current")
    scene.ledger.add(account, scene.since_opening(account, day), second, amount, kind, channel, **more)
    np.add.at(scene.money, (who, _CURRENT), amount)


def _within(who: np.ndarray, wish: np.ndarray, budget: np.ndarray, n: int) -> np.ndarray:
    """Scale wishes so that a customer's sum stays within the budget, and is at most two and a half times the wishes."""
    total = np.bincount(who, wish, n)
    factor = np.minimum(2.5, budget / np.maximum(total, 1))
    amount = np.floor(wish * factor[who])
    return np.where(amount < 100, 0, amount)  # nothing under one euro


def _limits(scene: Scene) -> np.ndarray:
    """Overdraft limits of current accounts, cents."""
    return np.maximum(scene.accounts.held(scene.accounts.limit, scene.n)[:, _CURRENT], 0)
