"""Table `products`: what the simulated bank sells, and the slot a product takes in a customer's holdings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CATALOGUE", "SLOTS", "Product", "product_rows", "slot_of"]

# A customer holds at most one open account a slot. The slots are what the money flows know about.
SLOTS = (
    "current",
    "savings",
    "bonus",
    "term",
    "fund_low",
    "fund_high",
    "pension",
    "card",
    "loan",
    "mortgage",
    "insurance",
)


@dataclass(frozen=True)
class Product:
    """One product; margin a year as a share of the balance, fee a month in euros (both assumed)."""

    name: str
    slot: str
    family: str
    grade: str | None
    margin: float
    fee: float


# Margins: deposits earn the bank the gap to the policy rate, funds their distribution fee, loans the spread over
# funding. Orders of magnitude as in banks' annual reports; the exact values are assumed.
CATALOGUE = (
    Product("Everyday Account", "current", "current", "R1", 0.0140, 3.90),
    Product("Premium Account", "current", "current", "R1", 0.0120, 11.90),
    Product("Start Account", "current", "current", "R1", 0.0140, 0.00),
    Product("Savings Account", "savings", "savings", "R1", 0.0110, 0.00),
    Product("Bonus Savings", "bonus", "savings", "R1", 0.0050, 0.00),
    Product("Term Deposit 12", "term", "term_deposit", "R1", 0.0060, 0.00),
    Product("Term Deposit 36", "term", "term_deposit", "R1", 0.0080, 0.00),
    Product("Bond Fund", "fund_low", "investment", "R2", 0.0070, 0.00),
    Product("Balanced Fund", "fund_low", "investment", "R3", 0.0100, 0.00),
    Product("Equity Fund", "fund_high", "investment", "R4", 0.0130, 0.00),
    Product("Theme Fund", "fund_high", "investment", "R5", 0.0160, 0.00),
    Product("Pension Plan", "pension", "pension", "R3", 0.0110, 0.00),
    Product("Credit Card", "card", "card", None, 0.0800, 2.50),
    Product("Personal Loan", "loan", "loan", None, 0.0450, 0.00),
    Product("Mortgage", "mortgage", "mortgage", None, 0.0110, 0.00),
    Product("Home Insurance", "insurance", "insurance", None, 0.0000, 0.00),
)


def slot_of(name: str) -> int:
    """Return the position of a slot.

    >>> slot_of("card")
    7
    """
    return SLOTS.index(name)


def product_rows() -> dict[str, object]:
    """Return the rows of table `products`; money in cents."""
    return {
        "product_id": [f"P{position + 1:02d}" for position in range(len(CATALOGUE))],
        "product_name": [product.name for product in CATALOGUE],
        "family": [product.family for product in CATALOGUE],
        "risk_grade": [product.grade for product in CATALOGUE],
        "margin_share": np.array([product.margin for product in CATALOGUE]),
        "fee_amount": np.rint([100 * product.fee for product in CATALOGUE]).astype(np.int64),
    }
