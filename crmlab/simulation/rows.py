"""The tables of a block of customers as Arrow tables of the contract."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.simulation.accounts import CLOSE_REASONS, PERFORMANCES, Accounts
from crmlab.simulation.block import Block
from crmlab.simulation.clock import DAY
from crmlab.simulation.columns import arrow_table, channels, dates, decimals, ids, times, words
from crmlab.simulation.contacts import contacts_table
from crmlab.simulation.customers import WORDS
from crmlab.simulation.digital_events import EVENT_CHANNELS, EVENT_KINDS, PAGES
from crmlab.simulation.interactions import INTERACTION_KINDS, OUTCOMES, TOPIC_WORDS
from crmlab.simulation.ledger import COUNTERPARTIES, KINDS, MERCHANTS
from crmlab.simulation.loyalty_points import loyalty_points_table
from crmlab.simulation.opportunities import opportunities_table
from crmlab.simulation.places import district_rows
from crmlab.simulation.products import CATALOGUE
from crmlab.simulation.surveys import surveys_table

__all__ = ["block_tables"]

_STATEMENTS = ("monthly", "after_transaction")


def block_tables(block: Block, last: int) -> dict[str, pa.Table]:
    """Return the rows of one block as contract tables; what happens after the day `last` is not known.

    Parameters
    ----------
    block : Block
        A simulated block.
    last : int
        Last day of the bank, days since 1970-01-01.
    """
    return {
        "customers": _customers(block, last),
        "accounts": _accounts(block, last),
        "balances": _balances(block),
        "transactions": _transactions(block),
        "interactions": _interactions(block, last),
        "digital_events": _digital_events(block),
        "surveys": surveys_table(block.rows["surveys"], block.number),
        "contacts": contacts_table(block.rows["contacts"], block.number, last),
        "opportunities": opportunities_table(block.rows["opportunities"], block.number),
        "loyalty_points": loyalty_points_table(block.rows["loyalty_points"], block.number, last),
    }


def _customers(block: Block, last: int) -> pa.Table:
    people, relation, size = block.people, block.relation, len(block.people)
    gone = relation.left <= last
    assessed = people.assessed <= last
    facts = {name: values[people.district] for name, values in district_rows().items()}
    money = facts.pop("district_salary_amount")
    declared = people.declared_income
    consent = dict(zip(("email", "sms", "phone", "social"), people.consent.T, strict=True))
    return arrow_table(
        "customers",
        {
            "customer_id": ids("C", block.number, np.arange(size), 5),
            "joined_on": dates(people.joined),
            "left_on": dates(relation.left, last),
            "left_reason": words(np.where(gone, relation.left_reason, -1), WORDS["left_reason"]),
            "birth_on": dates(people.birth),
            "gender": words(people.gender, WORDS["gender"]),
            "occupation": words(np.where(people.is_occupation_known, people.occupation, -1), WORDS["occupation"]),
            "education": words(people.education, WORDS["education"]),
            "marital_status": words(people.marital, WORDS["marital_status"]),
            "income_amount": decimals(np.rint(100 * np.nan_to_num(declared)).astype(np.int64), np.isnan(declared)),
            "acquisition_channel": words(people.acquisition, WORDS["acquisition_channel"]),
            "preferred_channel": words(people.preferred, WORDS["preferred_channel"]),
            "risk_tolerance": words(np.where(assessed, people.risk_class, -1), ("C1", "C2", "C3", "C4", "C5")),
            "risk_assessed_on": dates(people.assessed, last),
            **{f"is_{name}_allowed": pa.array(given) for name, given in consent.items()},
            "previous_customer_id": pc.if_else(
                people.previous >= 0, ids("C", block.number, np.maximum(people.previous, 0), 5), None
            ),
            "district_facts_on": dates(people.joined),
            **{name: pa.array(values) for name, values in facts.items()},
            "district_salary_amount": decimals(money),
        },
    )


def _accounts(block: Block, last: int) -> pa.Table:
    accounts: Accounts = block.accounts
    closed = accounts.closed <= last
    known = accounts.performance_on <= last
    authorised = ids("C", block.number, np.maximum(accounts.authorised, 0), 5)
    rate = accounts.rate
    return arrow_table(
        "accounts",
        {
            "account_id": ids("A", block.number, np.arange(accounts.size), 6),
            "customer_id": ids("C", block.number, accounts.owner, 5),
            "product_id": words(accounts.product, tuple(f"P{position + 1:02d}" for position in range(len(CATALOGUE)))),
            "authorised_customer_id": pc.if_else(accounts.authorised >= 0, authorised, None),
            "opened_on": dates(accounts.opened),
            "closed_on": dates(accounts.closed, last),
            "close_reason": words(np.where(closed, accounts.close_reason, -1), CLOSE_REASONS),
            "matures_on": dates(accounts.matures),
            "term_months": pa.array(accounts.term, mask=accounts.term < 0),
            "limit_amount": decimals(accounts.limit, accounts.limit < 0),
            "instalment_amount": decimals(accounts.instalment, accounts.instalment < 0),
            "rate_share": pa.array(rate, mask=np.isnan(rate)),
            "statement_frequency": words(accounts.statement, _STATEMENTS),
            "performance": words(np.where(known, accounts.performance, -1), PERFORMANCES),
            "performance_on": dates(accounts.performance_on, last),
        },
    )


def _balances(block: Block) -> pa.Table:
    rows = block.rows["balances"]
    return arrow_table(
        "balances",
        {
            "account_id": ids("A", block.number, rows["account"], 6),
            "balance_on": dates(rows["day"]),
            "balance_amount": decimals(rows["balance"]),
        },
    )


def _transactions(block: Block) -> pa.Table:
    rows = block.rows["transactions"]
    return arrow_table(
        "transactions",
        {
            "transaction_id": ids("T", block.number, np.arange(len(rows["account"])), 8),
            "account_id": ids("A", block.number, rows["account"], 6),
            "occurred_at": times(rows["occurred"]),
            "booked_on": dates(rows["booked"]),
            "amount": decimals(rows["amount"]),
            "kind": words(rows["kind"], KINDS),
            "channel": channels(rows["channel"]),
            "is_customer_initiated": pa.array(rows["initiated"]),
            "counterparty": words(rows["counterparty"], COUNTERPARTIES),
            "merchant_category": words(rows["merchant"], MERCHANTS),
            "balance_after_amount": decimals(rows["balance_after"]),
        },
    )


def _interactions(block: Block, last: int) -> pa.Table:
    rows = block.rows["interactions"]
    hidden = rows["resolved"] >= (last + 1) * DAY
    return arrow_table(
        "interactions",
        {
            "interaction_id": ids("I", block.number, np.arange(len(rows["customer"])), 7),
            "customer_id": ids("C", block.number, rows["customer"], 5),
            "opened_at": times(rows["opened"]),
            "kind": words(rows["kind"], INTERACTION_KINDS),
            "channel": channels(rows["channel"]),
            "topic": words(rows["topic"], TOPIC_WORDS),
            "waiting_minutes": pa.array(rows["waiting"], mask=np.isnan(rows["waiting"])),
            "resolved_at": times(rows["resolved"], last),
            "outcome": words(np.where(hidden, -1, rows["outcome"]), OUTCOMES),
        },
    )


def _digital_events(block: Block) -> pa.Table:
    rows = block.rows["digital_events"]
    return arrow_table(
        "digital_events",
        {
            "event_id": ids("E", block.number, np.arange(len(rows["customer"])), 8),
            "customer_id": ids("C", block.number, rows["customer"], 5),
            "occurred_at": times(rows["occurred"]),
            "kind": words(rows["kind"], EVENT_KINDS),
            "channel": words(rows["channel"], EVENT_CHANNELS),
            "page": words(rows["page"], PAGES),
            "session_seconds": pa.array(rows["seconds"], mask=np.isnan(rows["seconds"])),
        },
    )
