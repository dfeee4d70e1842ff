"""Snapshots of a bank that has only a flat customer file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from crmlab.bank import Bank, write_bank
from crmlab.errors import CrmlabError
from crmlab.snapshots import snapshot

day = pd.Timestamp


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Bank:
    tables = {
        "customers": pd.DataFrame(
            {
                "customer_id": ["02", "01", "03"],
                "joined_on": [day("2019-01-01")] * 3,
                "occupation": ["clerk", None, "nurse"],
            }
        ),
        "snapshot": pd.DataFrame(
            {
                "customer_id": ["02", "01", "01", "03"],
                "snapshot_on": [day("2020-06-30")] * 2 + [day("2020-12-31")] * 2,
                "age_years": [30.0, None, 51.0, 40.0],
                "income_amount": [1234.56, 10.0, 20.0, None],
                "products_count": [1, 2, 3, 4],
                "is_active": [True, None, False, True],
                "credit_score": [600.0, 700.0, 710.0, 720.0],
                "churned": [True, False, False, False],
                "shoe_size": [40, 41, 41, 42],
            }
        ),
    }
    facts = {"name": "Flat", "currency": "EUR", "timezone": "UTC", "extracted_on": "2020-12-31"}
    return Bank.open(write_bank(tmp_path_factory.mktemp("flat") / "bank", tables, **facts))


def test_the_same_names_are_served_from_the_flat_table(bank):
    frame = snapshot(bank, "2020-06-30")
    assert list(frame.index) == ["01", "02"]
    names = ["as_of", "age_years", "occupation", "income_amount", "products_count", "is_active", "credit_score"]
    assert list(frame.columns) == names  # no label, and nothing outside the contract
    assert frame.loc["02"].tolist() == [day("2020-06-30"), 30.0, "clerk", 1234.56, 1, True, 600.0]
    assert frame["is_active"].tolist() == [False, True]
    assert frame.attrs["absent"]["assets_amount"] == "this bank has no snapshot.assets_amount"


def test_a_date_is_served_by_the_latest_rows_by_then(bank):
    assert snapshot(bank)["as_of"].unique() == [day("2020-12-31")]
    assert snapshot(bank, "2020-10-15")["as_of"].unique() == [day("2020-06-30")]
    both = snapshot(bank, ["2020-06-30", "2020-12-31"], features=["products_count"])
    assert both["products_count"].tolist() == [2, 1, 3, 4]


def test_a_date_before_the_first_rows_is_refused(bank):
    with pytest.raises(CrmlabError) as error:
        snapshot(bank, "2019-06-30")
    assert str(error.value) == "snapshot at 2019-06-30: Flat has no row by then. Take a later day."


def test_a_public_flat_file(real_data, tmp_path):
    from crmlab.bank.adapters import import_bank

    mapping = Path(__file__).parents[1] / "data" / "mappings" / "churn_modelling.yml"
    source = real_data / "churn_modelling" / "Churn_Modelling.csv"
    import_bank("flat", source, tmp_path / "bank", mapping=str(mapping))
    frame = snapshot(Bank.open(tmp_path / "bank"))
    assert len(frame) == 10_000
    assert {"age_years", "gender", "region", "assets_amount", "credit_score"} < set(frame.columns)
    assert "churned" not in frame
