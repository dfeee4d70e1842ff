"""One block of customers through all months: the order of causes within a month is here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.simulation.accounts import Accounts, open_first_holdings
from crmlab.simulation.clock import generator, month_at
from crmlab.simulation.customers import People, cohort_sizes, draw_people
from crmlab.simulation.digital_events import simulate_digital_events
from crmlab.simulation.interactions import simulate_interactions
from crmlab.simulation.ledger import Ledger
from crmlab.simulation.market import Market
from crmlab.simulation.movements import book_interest_and_fees, mature_deposits, pay_loans, settle_cards
from crmlab.simulation.openings import close_relations, open_wishes, welcome
from crmlab.simulation.relation import Relation, decide, live_a_month
from crmlab.simulation.savings import draw_on_savings, put_aside, take_away
from crmlab.simulation.scene import Scene
from crmlab.simulation.transactions import book_income, book_spending, pay_bills

__all__ = ["BLOCK_CUSTOMERS", "Block", "simulate_block"]

BLOCK_CUSTOMERS = 1_000  # part of the definition of a bank: changing it changes every bank
_NO_BALANCE = "insurance"


@dataclass
class Block:
    """What one block of customers leaves behind: people, relation, accounts and the rows of the other tables."""

    number: int
    people: People
    relation: Relation
    accounts: Accounts
    balances: dict[str, np.ndarray]
    transactions: dict[str, np.ndarray]
    interactions: dict[str, np.ndarray]
    digital_events: dict[str, np.ndarray]


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
    sizes = cohort_sizes(seed, number, customers, months)
    people = draw_people(generator(seed, number, -1, "customers"), sizes[0], None, 0)
    for month, size in enumerate(sizes[1:]):
        people = people.joined_with(draw_people(generator(seed, number, month, "customers"), size, month, len(people)))
    relation, accounts = Relation(people), Accounts(len(people))
    rng = generator(seed, number, -1, "accounts")
    open_first_holdings(rng, accounts, people, sizes[0], month_at(0), market.at(-1)["policy"])
    rows: dict[str, list[dict[str, np.ndarray]]] = {
        name: [] for name in ("transactions", "interactions", "digital_events")
    }
    balances = [_month_end(accounts, month_at(0).first - 1)]
    waiting = None
    known = sizes[0]
    for t in range(months):
        known += sizes[t + 1]
        month, now = month_at(t), market.at(t)
        live_a_month(generator(seed, number, t, "life"), relation, people, known, month)
        scene = Scene(seed, number, month, now, known, people, relation, accounts, Ledger(month, waiting))
        booked, waiting = _money(scene)
        rows["transactions"].append(booked)
        balances.append(_month_end(accounts, month.last))
        spread = now["competitor"] - (0.001 + 0.7 * now["policy"])
        decide(generator(seed, number, t, "decisions"), relation, people, accounts, known, month, spread)
        world = (seed, number, month, people, relation, known, now["incident"])
        rows["digital_events"].append(simulate_digital_events(*world))
        rows["interactions"].append(simulate_interactions(*world))
    joined = {name: _stack(parts) for name, parts in rows.items()}
    return Block(number, people, relation, accounts, _stack(balances), **joined)


def _money(scene: Scene) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Run the money flows of a month in order; return what was booked and what waits for the next month.

    Costs come before income, which is paid late in the month: so no balance falls below its limit on any day.
    """
    rng = scene.rng("accounts")
    moves = scene.rng("movements")
    draw_on_savings(scene, moves)
    take_away(scene, moves)
    settle_cards(scene)
    missed = pay_loans(scene)
    missed |= pay_bills(scene)
    book_spending(scene)
    open_wishes(scene, rng)
    book_income(scene)
    put_aside(scene, moves)
    mature_deposits(scene)
    fees = book_interest_and_fees(scene)
    close_relations(scene, rng)
    welcome(scene, rng)
    n = scene.n
    dearer = 0.6 * (scene.month.of_year == 1)  # fees rise every January
    scene.relation.annoyance[:n] += (0.05 + dearer) * (fees > 0) * scene.people.price[:n] + 0.4 * missed
    scene.relation.satisfaction[:n] -= (0.01 + 0.2 * dearer) * (fees > 0) * scene.people.price[:n] + 0.05 * missed
    return scene.ledger.settle(scene.accounts.balance)


def _month_end(accounts: Accounts, day: int) -> dict[str, np.ndarray]:
    """Balances of the accounts that are open at the end of a day; contracts without a balance have no row."""
    slots = accounts.of.copy()
    slots[:, -1] = -1
    open_now = np.sort(slots[slots >= 0])
    return {"account": open_now, "day": np.full(len(open_now), day), "balance": accounts.balance[open_now].copy()}


def _stack(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    filled = [part for part in parts if part]
    if not filled:
        return {}
    return {name: np.concatenate([part[name] for part in filled]) for name in filled[0]}
