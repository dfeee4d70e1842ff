from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crmlab.bank import Bank, write_bank
from crmlab.errors import CrmlabError


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    """Two customers, three accounts, six month-ends; small enough to count by hand."""
    day = pd.Timestamp
    return {
        "customers": pd.DataFrame(
            {
                "customer_id": ["0001", "0002"],
                "joined_on": [day("2023-01-10"), day("2023-06-01")],
                "left_on": [day("2024-03-01"), pd.NaT],
                "left_reason": ["customer", None],
                "income_amount": [2500.55, None],
            }
        ),
        "products": pd.DataFrame({"product_id": ["P1"], "family": ["current"]}),
        "accounts": pd.DataFrame(
            {
                "account_id": ["A1", "A2", "A3"],
                "customer_id": ["0001", "0001", "0002"],
                "product_id": ["P1"] * 3,
                "opened_on": [day("2023-01-10"), day("2023-09-01"), day("2024-02-01")],
                "closed_on": [pd.NaT, day("2024-02-15"), pd.NaT],
            }
        ),
        "interactions": pd.DataFrame(
            {
                "interaction_id": ["I1", "I2"],
                "customer_id": ["0001", "0002"],
                "opened_at": [day("2024-01-31 23:59:59"), day("2024-02-01 00:00:00")],
                "kind": ["complaint", "enquiry"],
                "resolved_at": [day("2024-02-03 10:00"), pd.NaT],
                "outcome": ["solved", None],
            }
        ),
    }


@pytest.fixture
def bank(tmp_path, tables) -> Bank:
    facts = {"name": "Tiny", "currency": "EUR", "timezone": "Europe/Prague", "extracted_on": "2024-06-30"}
    return Bank.open(write_bank(tmp_path / "tiny", tables, **facts))


def test_bank_reads_what_was_written(bank, tables):
    assert bank.tables == ("customers", "products", "accounts", "interactions")
    assert (bank.name, bank.currency, bank.timezone, bank.minor_units) == ("Tiny", "EUR", "Europe/Prague", 100)
    assert bank.columns("products") == ("product_id", "family")
    assert (bank.first_on, bank.last_on) == (dt.date(2023, 1, 10), dt.date(2024, 2, 1))


def test_money_is_cents_inside_and_currency_outside(bank):
    assert bank.sql("select sum(income_amount) from customers").fetchall() == [(250055,)]
    assert bank.frame("customers", ["income_amount"])["income_amount"].tolist()[0] == 2500.55


def test_ids_keep_leading_zeros(bank):
    assert bank.frame("customers")["customer_id"].tolist() == ["0001", "0002"]


def test_has_asks_for_tables_and_filled_columns(bank):
    assert bank.has("customers", "customers.income_amount")
    assert not bank.has("transactions")
    assert not bank.has("customers.birth_on")
    with pytest.raises(CrmlabError) as refusal:
        bank.has("customers.birth_day")
    assert str(refusal.value) == "customers.birth_day is not in the contract. Did you mean 'birth_on'?"


def test_as_of_hides_later_rows_and_later_cells(bank):
    seen = bank.as_of("2024-01-31")
    assert seen.date == dt.date(2024, 1, 31)
    assert seen.frame("accounts")["account_id"].tolist() == ["A1", "A2"]
    assert seen.frame("accounts")["closed_on"].isna().all()
    # one second before midnight belongs to the day, midnight does not
    assert seen.frame("interactions")["interaction_id"].tolist() == ["I1"]
    assert seen.frame("interactions")["outcome"].isna().all()
    assert seen.frame("customers")["left_reason"].isna().all()
    later = bank.as_of()
    assert later.date == dt.date(2024, 2, 1)
    assert later.frame("accounts")["account_id"].tolist() == ["A1", "A2", "A3"]
    # the first view still shows its own day
    assert seen.frame("accounts")["account_id"].tolist() == ["A1", "A2"]


def test_as_of_outside_the_span_is_refused(bank):
    with pytest.raises(CrmlabError) as refusal:
        bank.as_of("2025-01-01")
    assert str(refusal.value) == (
        "as_of 2025-01-01 lies after the last day known. The rows span 2023-01-10 to 2024-02-01; choose a day in it."
    )
