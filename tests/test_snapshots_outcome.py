"""Labels: observation | gap | outcome, to the day."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crmlab.bank import Bank, write_bank
from crmlab.errors import CrmlabError
from crmlab.snapshots import label, outcome_window, snapshot

day = pd.Timestamp


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Bank:
    """Gap 1 and outcome 2 months after 31 January 2024: 1 March to 30 April."""
    left = {
        "stays": None,
        "on_as_of": "2024-01-31",
        "gap_first": "2024-02-01",
        "gap_last": "2024-02-29",
        "first": "2024-03-01",
        "last": "2024-04-30",
        "dead": "2024-04-01",
        "after": "2024-05-01",
    }
    tables = {
        "customers": pd.DataFrame(
            {
                "customer_id": list(left),
                "joined_on": [day("2020-01-01")] * len(left),
                "left_on": [pd.to_datetime(value) for value in left.values()],
                "left_reason": [None] + ["customer"] * 5 + ["deceased", "customer"],
            }
        ),
        "products": pd.DataFrame({"product_id": ["P"], "family": ["current"]}),
        "accounts": pd.DataFrame(
            {
                "account_id": ["A1", "A2", "A3"],
                "customer_id": ["stays", "stays", "after"],
                "product_id": ["P"] * 3,
                "opened_on": [day("2020-01-01"), day("2024-03-15"), day("2020-01-01")],
                "closed_on": [day("2024-04-30"), pd.NaT, day("2024-05-01")],
                "close_reason": ["matured", None, "customer"],
            }
        ),
        "interactions": pd.DataFrame(
            {
                "interaction_id": ["I1", "I2"],
                "customer_id": ["stays", "last"],
                "opened_at": [day("2024-04-30 23:59:59"), day("2024-05-01")],
                "kind": ["complaint", "complaint"],
            }
        ),
    }
    facts = {"name": "Tiny", "currency": "EUR", "timezone": "UTC", "extracted_on": "2024-06-30"}
    return Bank.open(write_bank(tmp_path_factory.mktemp("tiny") / "bank", tables, **facts))


WINDOW = {"gap_months": 1, "outcome_months": 2}


@pytest.mark.parametrize(
    ("as_of", "gap", "outcome", "start", "end"),
    [
        ("2024-01-31", 0, 1, dt.date(2024, 2, 1), dt.date(2024, 2, 29)),
        ("2024-01-31", 1, 2, dt.date(2024, 3, 1), dt.date(2024, 4, 30)),
        ("2023-02-28", 0, 12, dt.date(2023, 3, 1), dt.date(2024, 2, 29)),  # a month end stays one
        ("2024-02-28", 0, 1, dt.date(2024, 2, 29), dt.date(2024, 3, 28)),  # not a month end in a leap year
        ("2024-01-30", 1, 1, dt.date(2024, 3, 1), dt.date(2024, 3, 30)),
        ("2023-11-15", 1, 3, dt.date(2023, 12, 16), dt.date(2024, 3, 15)),
    ],
)
def test_windows_meet_without_overlap(as_of, gap, outcome, start, end):
    assert outcome_window(as_of, gap, outcome) == (start, end)


def test_windows_need_whole_months():
    with pytest.raises(CrmlabError) as error:
        outcome_window("2024-01-31", gap_months=-1, outcome_months=0)
    assert error.value.problems == (
        "gap_months is -1: it must be a whole number of months, 0 or more. Give such a number.",
        "outcome_months is 0: it must be a whole number of months, 1 or more. Give such a number.",
    )


def test_who_leaves_in_the_window(bank):
    churned = label(bank, "2024-01-31", **WINDOW)
    # Gone by the date: not a customer. Gone in the gap: nobody can act on them.
    assert churned.to_dict() == {"after": 0, "dead": 1, "first": 1, "last": 1, "stays": 0}
    assert (churned.name, str(churned.dtype), churned.index.name) == ("left", "int8", "customer_id")
    assert churned.attrs == {"left_in_gap": 2, "other_reasons": 0, "start": "2024-03-01", "end": "2024-04-30"}
    assert set(churned.index) < set(snapshot(bank, "2024-01-31").index)


def test_only_chosen_reasons_count(bank):
    churned = label(bank, "2024-01-31", reasons=["customer"], **WINDOW)
    assert churned.to_dict() == {"after": 0, "first": 1, "last": 1, "stays": 0}
    assert churned.attrs["other_reasons"] == 1
    with pytest.raises(CrmlabError) as error:
        label(bank, "2024-01-31", reasons=["custmer"], **WINDOW)
    assert str(error.value) == (
        "left_reason has no word 'custmer'. Did you mean 'customer'?"
        " It knows ['customer', 'bank', 'deceased', 'fraud', 'other']."
    )


def test_other_events(bank):
    closed = label(bank, "2024-01-31", event="account_closed", **WINDOW)
    assert closed[closed == 1].index.tolist() == ["stays"]
    opened = label(bank, "2024-01-31", event="account_opened", **WINDOW)
    assert opened[opened == 1].index.tolist() == ["stays"]
    complained = label(bank, "2024-01-31", event="complaint", **WINDOW)
    assert complained[complained == 1].index.tolist() == ["stays"]  # last complains a day later
    chosen = label(bank, "2024-01-31", event="account_closed", reasons="customer", **WINDOW)
    assert "stays" not in chosen.index


def test_a_window_not_yet_observed_is_refused(bank):
    with pytest.raises(CrmlabError) as error:
        label(bank, "2024-03-31", gap_months=0, outcome_months=3)
    assert str(error.value) == (
        "label at 2024-03-31: the outcome window 2024-04-01 to 2024-06-30 is not observed, Tiny ends on 2024-05-01."
        " Take an as_of up to 2024-02-01, or a shorter window."
    )
    assert label(bank, "2024-02-01", outcome_months=3).sum() == 5
    with pytest.raises(CrmlabError, match="not observed, Tiny ends on 2024-01-31"):
        label(bank.as_of("2024-01-31"), "2024-01-31", outcome_months=1)


def test_what_a_bank_cannot_say_is_refused(tmp_path, bank):
    with pytest.raises(CrmlabError) as error:
        label(bank, "2024-01-31", event="leaves")
    assert str(error.value) == (
        "label has no event 'leaves'. It knows ['left', 'account_closed', 'account_opened', 'complaint']."
    )
    people = bank.frame("customers", ["customer_id", "joined_on"]).assign(joined_on=day("2024-01-01"))
    people.loc[0, "joined_on"] = day("2024-06-30")
    few = Bank.open(write_bank(tmp_path / "few", {"customers": people}, name="Few", currency="EUR", timezone="UTC"))
    with pytest.raises(CrmlabError) as error:
        label(few, "2024-01-31")
    assert str(error.value) == "label 'left' needs customers.left_on; this bank has none. Choose another event."
