"""Who leaves and how: causes act as documented, closing and silence show in balances and activity before they end."""

from __future__ import annotations

import numpy as np
import pytest

from crmlab.simulation.block import Block, simulate_block
from crmlab.simulation.clock import month_at
from crmlab.simulation.customers import NEVER, WORDS
from crmlab.simulation.leaving import CLOSING, DELAY_MONTHS, SILENCE, causes, churn_hazard, parameters
from crmlab.simulation.ledger import KINDS
from crmlab.simulation.market import simulate_market
from crmlab.simulation.relation import ACTIVE

MONTHS = 30


@pytest.fixture(scope="module")
def block() -> Block:
    return simulate_block(5, 0, 1000, MONTHS, simulate_market(5, MONTHS))


def _hazard(block: Block, spread: float = 0.005):
    return churn_hazard(block.relation, block.people, block.accounts, len(block.people), month_at(MONTHS - 1), spread)


@pytest.mark.parametrize("cause", ["satisfaction", "grievance"])
def test_the_odds_of_a_decision_move_by_its_coefficient(block, cause):
    before = _hazard(block)
    values = getattr(block.relation, cause)
    values += 1.0
    after = _hazard(block)
    values -= 1.0
    for decision, coefficients in (("close", CLOSING), ("silence", SILENCE)):
        was, now = getattr(before, decision), getattr(after, decision)
        able = was > 0
        change = np.log((now / (1 - after.leave))[able] / (was / (1 - before.leave))[able])
        assert np.allclose(change, coefficients[cause])


def test_only_those_who_have_not_decided_decide(block):
    hazard = _hazard(block)
    decided = block.relation.status != ACTIVE
    assert decided.any()
    assert (hazard.leave[decided] == 0).all()
    assert (hazard.leave[~decided] > 0).all()


def test_a_campaign_that_holds_halves_the_odds(block):
    before = _hazard(block)
    block.relation.hold += np.log(0.5)
    after = _hazard(block)
    block.relation.hold -= np.log(0.5)
    odds = [chance.leave / (1 - chance.leave) for chance in (before, after)]
    assert np.allclose(odds[1], 0.5 * odds[0])


def test_causes_said_to_be_observed_can_be_read_from_the_tables(block):
    people, accounts, month = block.people, block.accounts, month_at(MONTHS - 1)
    found = causes(block.relation, people, accounts, len(people), month, 0.005)
    rows = block.rows["transactions"]
    recent = rows["booked"] >= month_at(MONTHS - 3).first
    income = np.isin(rows["kind"], [KINDS.index(kind) for kind in ("salary", "pension", "benefit")])
    paid = np.zeros(len(people), dtype=bool)
    paid[accounts.owner[rows["account"][recent & income]]] = True
    assert (found["paid_here"] == paid).all()
    assert 0.2 < paid.mean() < 0.6
    there = (accounts.opened <= month.last) & (accounts.closed > month.last)
    products = np.bincount(accounts.owner[there], minlength=len(people))
    assert (found["products"] == products - 2).all()
    debts = there & np.isin(accounts.product, [13, 14])  # personal loan, mortgage
    assert (found["owes"] == (np.bincount(accounts.owner[debts], minlength=len(people)) > 0)).all()
    years = np.maximum((month.first - people.joined) / 365.2425, 15 / 365.2425)
    assert np.allclose(found["log_tenure"], np.log(years))


def test_who_closes_is_gone_after_the_delay_and_not_before(block):
    departures = block.truth["departures"]
    closing = departures["kind"] == "closing"
    low, high = DELAY_MONTHS
    assert closing.sum() > 50
    assert set(departures["months_to_close"][closing]) == set(range(low, high + 1))
    who, due = departures["customer"][closing], (departures["month"] + departures["months_to_close"])[closing]
    alive = block.relation.left_reason[who] == WORDS["left_reason"].index("customer")
    left = block.relation.left[who]
    assert (left[due >= MONTHS] == NEVER).mean() > 0.9  # some die on the way
    past = alive & (due < MONTHS)
    assert past.sum() > 40
    in_time = [month_at(month).first <= day <= month_at(month).last for month, day in zip(due, left, strict=True)]
    # a guest's relation ends with the partner's, which may be earlier
    assert np.mean(np.array(in_time)[past]) > 0.95


def test_silence_keeps_the_accounts_and_ends_every_act(block):
    departures = block.truth["departures"]
    silent = (departures["kind"] == "silence") & (departures["month"] < MONTHS - 9)
    who, since = departures["customer"][silent], departures["month"][silent]
    here = (block.relation.left[who] == NEVER) & ~block.people.is_guest[who]
    assert here.sum() >= 10
    accounts, rows = block.accounts, block.rows["transactions"]
    acts = rows["initiated"]
    owner, booked = accounts.owner[rows["account"][acts]], rows["booked"][acts]
    for customer, month in zip(who[here], since[here], strict=True):
        assert (accounts.closed[accounts.owner == customer] == NEVER).any()
        mine = booked[owner == customer]
        assert not (mine > month_at(month + 8).last).any()


def test_balance_and_activity_fade_before_an_end_of_either_kind(block):
    departures, balances = block.truth["departures"], block.rows["balances"]
    held = block.accounts.slot[balances["account"]] < 7  # no debts
    owner = block.accounts.owner[balances["account"]]
    for kind, later in (("closing", 2), ("silence", 7)):
        chosen = (departures["kind"] == kind) & (departures["month"] < MONTHS - later)
        chosen &= (departures["months_to_close"] > later) | (kind == "silence")
        left = []  # share of the balance; a sum would follow the richest customer
        for customer, month in zip(departures["customer"][chosen], departures["month"][chosen], strict=True):
            mine = held & (owner == customer)
            before = balances["balance"][mine & (balances["day"] == month_at(month).last)].sum()
            after = balances["balance"][mine & (balances["day"] == month_at(month + later).last)].sum()
            left.append(after / max(before, 1))
        assert np.median(left) < 0.7, kind


def test_parameters_are_plain_numbers():
    for section in parameters().values():
        assert all(type(value) in (int, float) for value in section.values())
