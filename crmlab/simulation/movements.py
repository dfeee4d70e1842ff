"""Table `transactions`: what follows from contracts: card bills, loans, term deposits, interest and fees."""

from __future__ import annotations

import numpy as np

from crmlab.simulation.accounts import PERFORMANCES
from crmlab.simulation.products import CATALOGUE, slot_of
from crmlab.simulation.relation import ACTIVE
from crmlab.simulation.scene import Scene

__all__ = ["book_interest_and_fees", "mature_deposits", "pay_loans", "settle_cards"]

_CURRENT = slot_of("current")
_OVERDRAFT_RATE, _CARD_RATE = 0.105, 0.149  # assumed; euro area overdrafts cost about 8 %, revolving cards 16 %
_PENALTY = 1500  # cents for a missed instalment (assumed)
_FORGETS = 0.001  # chance a month to forget an instalment that is paid in from elsewhere (assumed)
_FEES = np.array([round(100 * product.fee) for product in CATALOGUE], dtype=np.float64)


def settle_cards(scene: Scene) -> None:
    """Pay last month's card bill on the 5th: most pay all of it, one in five and those under stress pay 15 %."""
    n, month = scene.n, scene.month
    owed = -scene.money[:, slot_of("card")]
    who = np.flatnonzero(scene.on & scene.holders("card", "current") & (owed > 0))
    rest = owed[who] * np.where(_revolves(scene)[who], 0.15, 1.0)
    limit = np.maximum(scene.accounts.held(scene.accounts.limit, n)[who, _CURRENT], 0)
    pays = np.clip(scene.money[who, _CURRENT] + limit, 0, rest)
    pays = np.where(pays < rest, np.floor(pays * 0.5), pays)
    scene.transfer(who, "current", "card", month.working_from[4], pays, "automatic", initiated=False)


def _revolves(scene: Scene) -> np.ndarray:
    """Who pays only part of the card bill."""
    return (scene.people.rhythm[: scene.n, 4] < 0.2) | (scene.relation.stress[: scene.n] > 0)


def pay_loans(scene: Scene, rng: np.random.Generator, kept: np.ndarray) -> np.ndarray:
    """Pay instalments of loans and mortgages on their day; return who missed one.

    The interest of the month is booked on the loan first. An instalment that the current account cannot carry is
    missed and costs a penalty; after four in a row the bank calls the loan in and writes it off. Who has no income here
    pays the instalment in from elsewhere, and seldom forgets.

    Parameters
    ----------
    kept : array of float
        Money that customers keep for daily life, cents.
    """
    accounts, month, n = scene.accounts, scene.month, scene.n
    missed = np.zeros(n, dtype=bool)
    defaulted = np.zeros(n, dtype=bool)
    for name in ("loan", "mortgage"):
        slot = slot_of(name)
        who = np.flatnonzero(scene.on & scene.holders(name, "current") & (scene.money[:, slot] < 0))
        if not len(who):
            continue
        loan = accounts.of[who, slot]
        day = np.minimum(month.working_from[(scene.people.rhythm[who, 7] * 20).astype(np.int64)], month.days - 1)
        interest = np.rint(scene.money[who, slot] * accounts.rate[loan] / 12)
        scene.book(who, name, day, interest, "interest", "automatic", counterparty="bank")
        due = np.minimum(accounts.instalment[loan], -scene.money[who, slot])
        limit = np.maximum(accounts.held(accounts.limit, n)[who, _CURRENT], 0)
        gone = ~scene.relation.has_income[who] & (scene.money[who, _CURRENT] < due)
        gone &= rng.random(len(who)) >= _FORGETS
        amount = (due - np.minimum(scene.money[who, _CURRENT], 0))[gone]
        scene.book(who[gone], "current", day[gone], amount, "transfer_in", "automatic", counterparty="other_bank")
        can = scene.money[who, _CURRENT] + limit - kept[who] >= due
        paid = who[can]
        scene.transfer(paid, "current", name, day[can], due[can], "automatic", kind="loan_payment", initiated=False)
        late = who[~can]
        scene.book(
            late, name, day[~can], np.full(len(late), -float(_PENALTY)), "penalty", "automatic", counterparty="bank"
        )
        missed[late] = True
        done = can & (np.abs(scene.money[who, slot]) < 1)
        _end_loans(scene, loan[done], month.first + day[done], "paid", "matured")
        gives_up = late[scene.relation.arrears[late] >= 3]
        lost = accounts.of[gives_up, slot]
        last = month.working_before[-1]
        scene.book(gives_up, name, last, -scene.money[gives_up, slot], "reversal", "automatic", counterparty="bank")
        _end_loans(scene, lost, np.full(len(lost), month.first + last), "defaulted", "bank")
        defaulted[gives_up] = True
    arrears = scene.relation.arrears[:n]
    arrears[:] = np.where(missed & ~defaulted, arrears + 1, 0)
    return missed


def _end_loans(scene: Scene, loans: np.ndarray, day: np.ndarray, performance: str, reason: str) -> None:
    scene.accounts.performance[loans] = PERFORMANCES.index(performance)
    scene.accounts.performance_on[loans] = day
    scene.accounts.close(loans, day, reason)


def mature_deposits(scene: Scene) -> None:
    """Pay term deposits out with their interest on the day they mature; some begin another one next month."""
    accounts, month, n = scene.accounts, scene.month, scene.n
    deposit = accounts.of[:n, slot_of("term")]
    held = scene.on & (deposit >= 0)
    who = np.flatnonzero(held)
    who = who[accounts.matures[deposit[who]] <= month.last]
    mine = deposit[who]
    day = np.clip(accounts.matures[mine] - month.first, 0, month.days - 1)
    interest = scene.money[who, slot_of("term")] * accounts.rate[mine] * accounts.term[mine] / 12
    scene.book(who, "term", day, interest, "interest", "automatic", counterparty="bank")

    def ready(name: str) -> np.ndarray:  # an account that opens later in the month cannot take the money
        return scene.holders(name)[who] & (accounts.opened[scene.account(who, name)] <= month.first + day)

    has_current = ready("current")
    for target, part in (("current", has_current), ("savings", ~has_current & ready("savings"))):
        there = who[part]
        scene.transfer(
            there, "term", target, day[part], scene.money[there, slot_of("term")], "automatic", initiated=False
        )
    rest = who[scene.money[who, slot_of("term")] > 0]
    away = np.isin(who, rest)
    scene.book(rest, "term", day[away], -scene.money[rest, slot_of("term")], "transfer_out", "automatic",
               counterparty="other_bank")  # fmt: skip
    accounts.close(mine, month.first + day, "matured")
    again = who[(scene.relation.status[who] == ACTIVE) & (scene.people.rhythm[who, 6] < 0.6)]
    scene.relation.wish[again] = slot_of("term")


def book_interest_and_fees(scene: Scene) -> np.ndarray:
    """Book what the bank does on the last day: interest, price changes of funds, fees; return fees in cents."""
    rng, month, market, n = scene.rng("closings"), scene.month, scene.market, scene.n
    alive = (scene.people.joined[:n] < month.first) & ~scene.closing & ~scene.is_left()
    last, money = month.days - 1, scene.money
    # a quarter's interest on the balance at its end: no day count, which is simpler than at a real bank
    for name, rate in (("savings", max(0.0005, 0.3 * market["policy"])), ("bonus", 0.001 + 0.7 * market["policy"])):
        who = np.flatnonzero(alive & scene.holders(name) & (month.of_year % 3 == 0))
        scene.book(who, name, last, np.floor(np.maximum(money[who, slot_of(name)], 0) * rate / 4), "interest",
                   "automatic", counterparty="bank", hours="close")  # fmt: skip
    for name, rate in (("current", _OVERDRAFT_RATE), ("card", _CARD_RATE)):
        revolves = _revolves(scene) if name == "card" else True
        who = np.flatnonzero(alive & scene.holders(name) & (money[:, slot_of(name)] < -500) & revolves)
        scene.book(who, name, last, np.rint(money[who, slot_of(name)] * rate / 12), "interest", "automatic",
                   counterparty="bank", hours="close")  # fmt: skip
    noise = rng.standard_normal((3, n))
    funds = (("fund_low", "return_low", 0.004), ("fund_high", "return_high", 0.015), ("pension", "return_low", 0.006))
    for row, (name, series, own) in enumerate(funds):
        who = np.flatnonzero(alive & scene.holders(name) & (money[:, slot_of(name)] > 0))
        change = np.maximum(-0.5, market[series] + own * noise[row, who])
        scene.book(who, name, last, np.rint(money[who, slot_of(name)] * change), "other", "automatic",
                   counterparty="fund_company", hours="close")  # fmt: skip
    fees = np.zeros(n)
    for name in ("current", "card"):
        who = np.flatnonzero(alive & scene.holders("current", name))
        fee = _FEES[scene.accounts.product[scene.account(who, name)]] * (1 + 0.05 * (month.year - 2023))
        fee = np.where(money[who, _CURRENT] < fee, np.where(scene.relation.fade[who] < 0.05, 0, fee), fee)
        scene.book(who, "current", last, -np.rint(fee), "fee", "automatic", counterparty="bank", hours="close")
        fees[who] += fee
    who = np.flatnonzero(alive & scene.holders("current", "insurance") & (money[:, _CURRENT] > 3000))
    premium = 900 + 100 * np.floor(18 * scene.people.rhythm[who, 2])
    scene.book(
        who, "current", month.working_before[-1], -premium, "insurance", "automatic", counterparty="bank", hours="close"
    )
    return fees
