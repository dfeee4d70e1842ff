"""One block of customers through all months: the order of causes within a month is here."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from crmlab.simulation.accounts import Accounts, open_first_holdings
from crmlab.simulation.campaigns import plan_campaigns
from crmlab.simulation.clock import Month, generator, month_at
from crmlab.simulation.contacts import Contacts
from crmlab.simulation.customers import NEVER, People, cohort_size, draw_people
from crmlab.simulation.digital_events import simulate_digital_events
from crmlab.simulation.effects import Outlook
from crmlab.simulation.expected_value import NOTED_IN, Prospects
from crmlab.simulation.interactions import simulate_interactions
from crmlab.simulation.leaving import decide_to_leave
from crmlab.simulation.ledger import Ledger
from crmlab.simulation.life import live_a_month
from crmlab.simulation.loyalty_points import Programme
from crmlab.simulation.market import Market
from crmlab.simulation.measures import plan_measures, put_in_force
from crmlab.simulation.movements import book_interest_and_fees, mature_deposits, pay_loans, settle_cards
from crmlab.simulation.openings import close_relations, open_wishes, welcome
from crmlab.simulation.opinions import LATENTS, form_opinions, live_with_the_bank
from crmlab.simulation.opportunities import Pipeline
from crmlab.simulation.record import Record
from crmlab.simulation.relation import LEFT, Relation
from crmlab.simulation.savings import draw_on_savings, put_aside, take_away
from crmlab.simulation.scene import Scene
from crmlab.simulation.stages import Stages
from crmlab.simulation.stress import draw_cash_on_the_card, fall_into_stress, for_daily_life
from crmlab.simulation.surveys import Fieldwork
from crmlab.simulation.transactions import book_income, book_spending, pay_bills, spending_budget
from crmlab.simulation.wishes import wish_for_products

__all__ = ["BLOCK_CUSTOMERS", "Block", "simulate_block"]

BLOCK_CUSTOMERS = 1_000  # part of the definition of a bank: changing it changes every bank


@dataclass
class Block:
    """What one block of customers leaves behind: people, relation, accounts, rows of tables, notes of the truth."""

    number: int
    people: People
    relation: Relation
    accounts: Accounts
    rows: dict[str, dict[str, np.ndarray]]
    truth: dict[str, dict[str, np.ndarray]]


def simulate_block(seed: int, number: int, customers: int, months: int, market: Market) -> Block:
    """Simulate one block of customers from the first month on.

    Parameters
    ----------
    seed : int
        Seed of the bank.
    number : int
        Number of the block.
    customers : int
        Customers of the block on the first day, up to `BLOCK_CUSTOMERS`.
    months : int
        Months to simulate.
    market : Market
        The market, at least as long.
    """
    people = draw_people(generator(seed, number, -1, "customers"), customers, None, 0)
    relation, accounts, record = Relation(people), Accounts(len(people)), Record()
    rng = generator(seed, number, -1, "accounts")
    open_first_holdings(rng, accounts, people, customers, month_at(0), market.at(-1)["policy"])
    record.add("balances", _month_end(accounts, month_at(0).first - 1))
    waiting, fieldwork, programme = None, Fieldwork(), Programme(seed, number)
    plan, measures = plan_campaigns(seed, months), plan_measures(seed, months)
    contacts, pipeline = Contacts(seed, number, plan), Pipeline(seed, number, plan)
    stages, prospects = Stages(people, relation, accounts), Prospects(len(people))
    prospects.see_balances(accounts, len(people), -1)
    for t in range(months):
        month, now = month_at(t), market.at(t)
        people = _join(seed, number, customers, month, people, relation, accounts)
        n = len(people)
        record.add("loyalty_points", programme.admit(month, people, relation, accounts))
        contacts.assign(month, people, relation, accounts)
        stages.admit(people)
        ahead = stages.foresee(relation, people, month, contacts.return_chance)
        life, events = generator(seed, number, t, "life"), generator(seed, number, t, "events")
        happened = live_a_month(life, events, relation, people, n, month)
        record.note("life_events", _happened(happened, t))
        stress = generator(seed, number, t, "stress")
        record.note("risk_onsets", fall_into_stress(stress, relation, people, accounts, n, month, happened))
        put_in_force(measures, relation, people, t - 1)  # for those who have just joined
        form_opinions(generator(seed, number, t, "opinions"), relation, people, n)
        put_in_force(measures, relation, people, t)
        scene = Scene(seed, number, month, now, n, people, relation, accounts, Ledger(month, waiting))
        booked, waiting, missed = _money(scene, stress)
        record.add("transactions", booked)
        record.add("balances", _month_end(accounts, month.last))
        record.add("loyalty_points", programme.work(month, people, relation, accounts, booked))
        spread = now["competitor"] - (0.001 + 0.7 * now["policy"])
        rng = generator(seed, number, t, "decisions")
        chances, departures = decide_to_leave(rng, relation, people, accounts, n, month, spread)
        record.note("departures", departures)
        record.add("loyalty_points", programme.enrol(month, people, relation, accounts))
        record.note("members", programme.joined(month))
        pipeline.persuade(month, relation, n)
        open_to = relation.wish[:n] < 0
        contacts.settle(month, people, relation, accounts)
        wanted = wish_for_products(rng, relation, people, accounts, n, month)
        contacts.decide(month, people, relation, Outlook(chances, wanted, programme.chance))
        wants = wanted.sum(axis=1) * open_to
        ordered = open_to & (relation.wish[:n] >= 0)
        record.note("stage_moves", stages.move(relation, month, ahead, chances, wants, ordered))
        stages.see_balances(accounts)
        prospects.see_balances(accounts, n, t)
        known = {"hazard": chances.leave, "hazard_of_closing": chances.close, "death_chance": ahead["dies"]}
        known |= {"status": relation.status, "adoption_chance": wants, "stage": stages.stage}
        known |= {"stress": relation.stress[:n], "has_missed": missed}
        known |= {name: relation.latents[:n, at] for at, name in enumerate(LATENTS)}
        record.note("months", _of_related(relation, n, t, known))
        world = (seed, number, month, people, relation, n, now["incident"])
        seen = simulate_digital_events(*world)
        record.add("digital_events", seen)
        told = simulate_interactions(*world)
        record.add("interactions", told)
        record.add("opportunities", pipeline.work(month, people, relation, accounts, wanted, booked, told, seen))
        record.note("opportunities", pipeline.begun())
        contacts.hear(t, accounts, booked, told)
        answers, themes = fieldwork.run(*world[:-1], told)
        record.add("surveys", answers)
        record.note("comment_themes", themes)
        if month.of_year in NOTED_IN:
            worth = prospects.expect(people, relation, accounts, month, now)
            record.note("expected_value", _of_related(relation, n, t, {"value": worth}))
    rows = record.rows() | {"contacts": contacts.rows()}
    truth = record.truth() | {"campaign_effects": contacts.effects()}
    return Block(number, people, relation, accounts, rows, truth)


def _join(
    seed: int, number: int, customers: int, month: Month, people: People, relation: Relation, accounts: Accounts
) -> People:
    """Let the month's cohort join, and after it those who come back; return everybody."""
    size = cohort_size(seed, number, customers, month.number)
    rng = generator(seed, number, month.number, "customers")
    joining = draw_people(rng, size, month.number, len(people))
    back = np.flatnonzero(relation.returns)
    if len(back):
        joining = joining.joined_with(_come_back(seed, number, month, people, back))
        relation.returns[back] = False
    relation.admit(Relation(joining))
    accounts.admit(len(people) + len(joining))
    return people.joined_with(joining)


def _come_back(seed: int, number: int, month: Month, people: People, back: np.ndarray) -> People:
    """Draw the second relation of people who were here before: same person, new number, new day."""
    rng = generator(seed, number, month.number, "returns")
    size = len(back)
    day = np.minimum((rng.random(size) * month.days).astype(np.int64), month.days - 1)
    nobody = np.zeros(size, dtype=bool)
    return replace(
        people.take(back),
        joined=month.first + np.minimum(month.working_before[day], month.days - 1),
        assessed=np.full(size, NEVER),
        is_main=people.is_main[back] & (rng.random(size) < 0.5),
        partner=np.full(size, -1, dtype=np.int64),
        is_guest=nobody,
        is_dormant=nobody,
        is_leaving=nobody,
        previous=back,
    )


def _happened(happened: dict[str, np.ndarray], month: int) -> dict[str, np.ndarray]:
    """List life events: customer, month, kind."""
    who = {kind: np.flatnonzero(them) for kind, them in happened.items()}
    customer = np.concatenate(list(who.values()))
    kind = np.repeat(np.array(list(who)), [len(them) for them in who.values()])
    return {"customer": customer, "month": np.full(len(customer), month), "kind": kind}


def _money(
    scene: Scene, stress: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], np.ndarray]:
    """Run the money flows of a month in order; return what was booked, what waits for the next month, who missed.

    Costs come before income, which is paid late in the month: so no balance falls below its limit on any day.
    """
    rng = scene.rng("accounts")
    moves = scene.rng("movements")
    draw_on_savings(scene, moves)
    take_away(scene, moves)
    settle_cards(scene)
    kept = for_daily_life(scene, spending_budget(scene))
    missed = pay_bills(scene, kept)  # home and light before the loan
    missed |= pay_loans(scene, stress, kept)
    book_spending(scene, stress)
    draw_cash_on_the_card(scene, stress)
    open_wishes(scene, rng)
    book_income(scene)
    put_aside(scene, moves)
    mature_deposits(scene)
    fees = book_interest_and_fees(scene)
    close_relations(scene, rng)
    welcome(scene, rng)
    live_with_the_bank(scene.relation, scene.people, scene.n, scene.month, scene.market["incident"], fees, missed)
    return *scene.ledger.settle(scene.accounts.balance), missed


def _of_related(relation: Relation, n: int, t: int, known: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is known of customers at the end of a month, for those whose relation lasts; numbers take four bytes."""
    who = np.flatnonzero(relation.status[:n] != LEFT)
    facts = {"customer": who, "month": np.full(len(who), t)}
    small = {name: np.asarray(values[:n][who]) for name, values in known.items()}
    return facts | {n: v.astype(np.float32) if v.dtype.kind == "f" else v for n, v in small.items()}


def _month_end(accounts: Accounts, day: int) -> dict[str, np.ndarray]:
    """Balances of the accounts that are open at the end of a day; contracts without a balance have no row."""
    slots = accounts.of.copy()
    slots[:, -1] = -1
    open_now = np.sort(slots[slots >= 0])
    return {"account": open_now, "day": np.full(len(open_now), day), "balance": accounts.balance[open_now].copy()}
