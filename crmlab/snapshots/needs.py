"""What a feature needs from a bank, read from its definition, so that the two cannot disagree."""

from __future__ import annotations

import re
from functools import cache

from crmlab.bank.tables import CONTRACT
from crmlab.snapshots.blocks import BLOCKS, ROLLUPS

__all__ = ["BASE_NEEDS", "needs_of", "references"]

# What a block cannot do without, beside the columns its expressions name.
_ACCOUNT = ("accounts.account_id", "accounts.customer_id", "accounts.opened_on")
_HOLDING = ("accounts.customer_id", "accounts.opened_on")
BASE_NEEDS: dict[str, tuple[str, ...]] = {
    "profile": ("customers.customer_id", "customers.joined_on"),
    "holding": _HOLDING,
    "authorised": ("accounts.authorised_customer_id", "accounts.opened_on"),
    "worth": (
        "balances.account_id",
        "balances.balance_on",
        *_ACCOUNT,
        "accounts.product_id",
        "products.product_id",
        "products.family",
    ),
    "activity": ("transactions.account_id", "transactions.booked_on", *_ACCOUNT),
    "last_act": ("transactions.account_id", "transactions.booked_on", *_ACCOUNT),
    "contact": ("interactions.customer_id", "interactions.opened_at"),
    "last_complaint": ("interactions.customer_id", "interactions.opened_at"),
    "unresolved": ("interactions.customer_id", "interactions.opened_at", "interactions.kind"),
    "digital": ("digital_events.customer_id", "digital_events.occurred_at"),
    "last_use": ("digital_events.customer_id", "digital_events.occurred_at"),
}
# Read where a bank has it; an empty cell says enough where it has not (no fee).
_SPARED = {"products.fee_amount"}
_REFERENCE = re.compile(rf"\b({'|'.join(BLOCKS)})\.(\w+)")
_WORD = re.compile(r"\b[a-z]\w*\b")


@cache
def references(sql: str) -> tuple[tuple[str, str], ...]:
    """Return the (block, column) pairs that an expression names, in order, each once."""
    return tuple(dict.fromkeys(_REFERENCE.findall(sql)))


def _columns_named(sql: str, tables: tuple[str, ...]) -> list[str]:
    """Columns of the tables that an expression names; of two tables with the column, the first counts."""
    found = []
    for word in dict.fromkeys(_WORD.findall(re.sub(r"'[^']*'", "", sql))):
        table = next((table for table in tables if word in CONTRACT[table].by_name), None)
        if table:
            found.append(f"{table}.{word}")
    return found


def needs_of(sql: str) -> tuple[str, ...]:
    """Return the ``table.column`` names that a bank must hold for an expression over blocks, each once."""
    found = list(BASE_NEEDS["profile"])
    for name, column in references(sql):
        block = BLOCKS[name]
        found += BASE_NEEDS[name]
        if name == "profile":
            found.append(f"customers.{column}")
            continue
        expression = block.totals.get(column) or block.picks[column]
        if not block.rollup:
            found += _columns_named(expression, block.tables)
            if any(need.startswith("products.") for need in found):
                found += ["accounts.product_id", "products.product_id"]
            continue
        rollup = ROLLUPS[block.rollup]
        for state in _WORD.findall(expression):
            if state in rollup.states:
                found += _columns_named(rollup.states[state].sql, rollup.tables)
    return tuple(dict.fromkeys(need for need in found if need not in _SPARED))
