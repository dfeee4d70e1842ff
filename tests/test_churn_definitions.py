"""What counts as leaving, to the day and the cent; and the planted departures of a simulated bank found again."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank, write_bank
from crmlab.churn.definitions.courses import courses
from crmlab.churn.definitions.definition import Closing, Silent, ValueLoss, read_definition
from crmlab.churn.definitions.lab import definition_lab, list_overlap
from crmlab.churn.definitions.labels import eligible, label_dates, labels
from crmlab.churn.definitions.silence import came_back, lead_time
from crmlab.errors import CrmlabError

day = pd.Timestamp
MONTHS = pd.date_range("2023-01-31", "2024-12-31", freq="ME")
JOINED = day("2020-01-01")
# who -> months (of 2024, 1 = January) with money, months with bookings; all of 2023 unless said otherwise
FADES = range(1, 2)  # January, then nothing
ALWAYS = range(1, 13)


def _people() -> pd.DataFrame:
    ends = {
        "closes": ("2024-03-15", "customer"),
        "dies": ("2024-03-15", "deceased"),
        "ended": ("2024-03-15", "bank"),
        "fraud": ("2024-03-15", "fraud"),
        "gap": ("2024-01-10", "customer"),
        "after": ("2024-09-01", "customer"),
    }
    names = ["stays", "fades", "returns", "poor", "dormant", "new", "matures", "empty", *ends]
    return pd.DataFrame(
        {
            "customer_id": names,
            "joined_on": [day("2023-11-15") if name == "new" else JOINED for name in names],
            "left_on": [day(ends[name][0]) if name in ends else pd.NaT for name in names],
            "left_reason": [ends[name][1] if name in ends else None for name in names],
        }
    )


def _months(name: str) -> tuple[list[pd.Timestamp], list[pd.Timestamp]]:
    """Months with money, and months with bookings."""
    here = [m for m in MONTHS if m >= day("2023-11-30")] if name == "new" else list(MONTHS)
    money = acts = here
    if name in ("fades", "matures", "returns"):
        back = day("2024-06-30") if name == "returns" else day("2099-01-01")
        money = acts = [m for m in here if m <= day("2024-01-31") or m >= back]
    if name == "poor":  # the money goes, the bookings stay
        money = [m for m in here if m <= day("2024-01-31")]
    if name == "dormant":
        acts = [m for m in here if m <= day("2023-08-31")]
    if name == "empty":
        money = acts = []
    return money, acts


def _tables() -> dict[str, pd.DataFrame]:
    people = _people()
    accounts, balances, bookings = [], [], []
    for row in people.itertuples():
        name = row.customer_id
        accounts.append((name, name, "P", row.joined_on, row.left_on, row.left_reason))
        if name == "stays":
            accounts.append(("S1", name, "S", JOINED, day("2024-04-10"), "customer"))
            accounts.append(("S2", name, "S", JOINED, pd.NaT, None))
        if name == "poor":
            accounts.append(("S3", name, "S", JOINED, day("2024-04-10"), "customer"))
        if name == "matures":
            accounts[-1] = (name, name, "T", JOINED, day("2024-02-10"), "matured")
        money, acts = _months(name)
        gone = row.left_on if pd.notna(row.left_on) else day("2099-01-01")
        balances += [(name, m, 100.0) for m in money if m < gone]
        for m in acts:
            for k in (3, 10, 17, 24):
                on = m.replace(day=k)
                if on < gone:
                    bookings.append((f"{name}{on.date()}", name, on, on, -10.0, "card_payment", True))
    return {
        "customers": people,
        "products": pd.DataFrame(
            {"product_id": ["P", "S", "T"], "family": ["current", "savings", "term_deposit"], "margin_share": 0.12}
        ),
        "accounts": pd.DataFrame(
            accounts, columns=["account_id", "customer_id", "product_id", "opened_on", "closed_on", "close_reason"]
        ),
        "balances": pd.DataFrame(balances, columns=["account_id", "balance_on", "balance_amount"]),
        "transactions": pd.DataFrame(
            bookings,
            columns=["transaction_id", "account_id", "occurred_at", "booked_on", "amount", "kind",
                     "is_customer_initiated"],
        ),
    }  # fmt: skip


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Bank:
    facts = {"name": "Tiny", "currency": "EUR", "timezone": "UTC", "extracted_on": "2024-12-31"}
    return Bank.open(write_bank(tmp_path_factory.mktemp("tiny") / "bank", _tables(), **facts))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    from crmlab.simulation import simulate

    return simulate(tmp_path_factory.mktemp("planted") / "bank", customers=1500, months=30, seed=3).folder


def test_who_closed_in_the_window_is_told_from_who_ended_otherwise(bank):
    found = labels(bank, "2023-12-31", Closing(outcome_months=6))  # 1 February to 31 July
    assert [str(on) for on in found.window] == ["2024-02-01", "2024-07-31"]
    assert found.churned[found.churned == 1].index.tolist() == ["closes"]
    assert found.frame.loc["closes", "event_on"] == day("2024-03-15")
    assert found.excluded.to_dict() == {
        "dies": "died",
        "empty": "dormant before the date",
        "ended": "ended by the bank",
        "fraud": "lost by fraud",
        "gap": "left in the gap",
    }
    assert found.audit.values.tolist() == [
        ["customers of the date", 14],
        ["left out: died", 1],
        ["left out: lost by fraud", 1],
        ["left out: ended by the bank", 1],
        ["left out: left in the gap", 1],
        ["left out: dormant before the date", 1],
        ["in question", 9],
        ["left", 1],
    ]


def test_all_accounts_of_a_family_must_be_closed(bank):
    found = labels(bank, "2023-12-31", Closing(families=("savings",), outcome_months=6))
    assert found.churned.to_dict() == {"poor": 1, "stays": 0}  # the one has closed the only one, the other one of two
    assert found.frame.loc["poor", "event_on"] == day("2024-04-10")


def test_a_deposit_that_ends_as_agreed_is_no_closing(bank):
    found = labels(bank, "2023-12-31", Closing(families=("term_deposit",), outcome_months=6))
    assert (found.churned.to_dict(), found.excluded["matures"]) == ({}, "came to the agreed end")


def test_silence_is_a_fall_of_balance_and_activity_that_lasts(bank):
    found = labels(bank, "2023-12-31", Silent(gap_months=0))
    assert found.churned.to_dict() == {"after": 0, "fades": 1, "poor": 0, "returns": 0, "stays": 0}
    # means of three months: January 100, February 67, March 33, April 0: from April on it lies below 30
    assert found.frame.loc["fades", "event_on"] == day("2024-04-30")
    assert found.excluded.to_dict() == {
        "closes": "closed in the window",
        "dies": "died",
        "dormant": "dormant before the date",
        "empty": "dormant before the date",
        "ended": "ended by the bank",
        "fraud": "lost by fraud",
        "gap": "closed in the window",
        "matures": "a term deposit matured",
        "new": "known for less than 3 months",
    }


def test_the_signs_of_silence_can_be_chosen(bank):
    by_balance = labels(bank, "2023-12-31", Silent(signs=("balance",), gap_months=0)).churned
    assert by_balance[by_balance == 1].index.tolist() == ["fades", "poor"]
    idle = labels(bank, "2023-12-31", Silent(signs=("idle",), gap_months=0)).churned
    assert idle[idle == 1].index.tolist() == ["fades"]


def test_value_is_lost_where_the_margin_falls(bank):
    found = labels(bank, "2023-12-31", ValueLoss(gap_months=0))
    assert found.churned[found.churned == 1].index.tolist() == ["fades", "poor"]
    assert labels(bank, "2023-12-31", ValueLoss(measure="assets", gap_months=0)).churned.equals(found.churned)


def test_courses_hold_money_and_bookings_by_month(bank):
    rolled = courses(bank)
    row = rolled.customers.get_loc("fades")
    at = rolled.column(dt.date(2023, 12, 31))
    assert rolled.assets[row, at : at + 3].tolist() == [100.0, 100.0, 0.0]
    assert rolled.acts[row, at : at + 3].tolist() == [4.0, 4.0, 0.0]
    assert rolled.margin[row, at].round(9) == 1.0  # 100 x .12 / 12


def test_who_is_in_question_is_known_on_the_day(bank):
    why = eligible(bank.as_of("2023-12-31"), "2023-12-31", Silent())
    assert why[why != ""].to_dict() == {
        "dormant": "dormant before the date",
        "empty": "dormant before the date",
        "new": "known for less than 3 months",
    }
    later = eligible(bank, "2023-12-31", Silent())
    assert later.equals(why)  # nothing after the date matters


def test_false_silence_counts_who_comes_back(bank):
    found = label_dates(bank, ["2023-12-31"], Silent(outcome_months=3, gap_months=1))
    silent = found[0].churned
    assert silent[silent == 1].index.tolist() == ["fades", "returns"]
    back = came_back(bank, found)
    assert back.frame[["silent_count", "back_count"]].values.tolist() == [[2, 1]]
    assert back["false_silence_share"].value == 0.5


def test_closing_and_fading_are_never_mixed(bank):
    found = {one.name: labels(bank, "2023-12-31", one) for one in (Closing(outcome_months=6), Silent(), ValueLoss())}
    left = [set(one.churned.index[one.churned == 1]) for one in found.values()]
    assert left[0] & (left[1] | left[2]) == set()
    overlap = list_overlap(found).frame
    assert overlap[["first", "second", "both_count", "either_count"]].values.tolist() == [
        ["silent", "value_loss", 1, 2]
    ]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: read_definition("closng"),
            "definition has no 'closng'. Did you mean 'closing'? It knows ['closing', 'silent', 'value_loss'].",
        ),
        (
            lambda: read_definition("silent: savings"),
            "definition 'silent' takes no families. Leave out savings.",
        ),
        (
            lambda: Silent(fall_share=1.5, signs=("balanse",), outcome_months=2),
            "3 problems:\n"
            "- silent: fall_share is 1.5. Give a share above 0 and below 1, such as 0.7.\n"
            "- silent has no sign 'balanse'. Did you mean 'balance'? It knows"
            " ['balance', 'activity', 'salary', 'idle'].\n"
            "- silent: outcome_months is 2. Give a whole number, 3 or more.",
        ),
        (
            lambda: ValueLoss(measure="sales"),
            "value_loss has no measure 'sales'. It knows ['margin', 'assets'].",
        ),
    ],
)
def test_a_wrong_definition_is_refused_with_its_cure(make, said):
    with pytest.raises(CrmlabError) as refusal:
        make()
    assert str(refusal.value) == said


def test_a_window_that_is_not_over_is_refused(bank):
    with pytest.raises(CrmlabError) as refusal:
        labels(bank, "2024-09-30", Closing())
    assert str(refusal.value) == (
        "labels at 2024-09-30: the outcome window ends on 2025-01-31, Tiny ends on 2024-12-31. "
        "Take an earlier date, or a shorter window."
    )


def test_what_a_bank_does_not_know_is_said(tmp_path):
    people = _people()[["customer_id", "joined_on"]]
    bank = Bank.open(write_bank(tmp_path / "bank", {"customers": people}, name="Bare", currency="EUR", timezone="UTC"))
    with pytest.raises(CrmlabError) as refusal:
        labels(bank, "2023-12-31", Silent())
    assert str(refusal.value) == (
        "definition 'silent' needs balances and transactions; Bare has none. Choose another definition."
    )
    assert definition_lab(bank) is None


def test_the_order_of_rows_does_not_matter(bank, tmp_path):
    mixed = {name: table.sample(frac=1, random_state=5) for name, table in _tables().items()}
    facts = {"name": "Tiny", "currency": "EUR", "timezone": "UTC", "extracted_on": "2024-12-31"}
    other = Bank.open(write_bank(tmp_path / "bank", mixed, **facts))
    for one in (Closing(outcome_months=6), Silent(), ValueLoss()):
        a, b = (labels(of, "2023-12-31", one) for of in (bank, other))
        pd.testing.assert_frame_equal(a.frame, b.frame)
        pd.testing.assert_series_equal(a.excluded, b.excluded)


def test_planted_closings_are_all_found(simulated):
    """Every closing of the truth whose customer was in question is labelled, in its window, and no other is."""
    from crmlab.validation.truth import Truth

    bank, truth = Bank.open(simulated), Truth.open(simulated)
    people = truth.table("customers").set_index("customer_id")
    decided = truth.table("departures")
    closers = set(decided.loc[decided["kind"] == "closing", "customer_id"]) | set(people.index[people["is_leaving"]])
    found = label_dates(bank, ["2024-06-30", "2024-09-30", "2024-12-31"], Closing(gap_months=0))
    for one in found:
        left = one.churned.index[one.churned == 1]
        assert set(left) <= closers | set(people.index[people["is_guest"]])
        within = people["left_on"].between(day(one.window.start), day(one.window.end))
        true = people.index[within & (people["left_reason"] == "customer")]
        assert set(true) - set(one.excluded.index) == set(left)
    assert sum(int(one.churned.sum()) for one in found) >= 20


def test_planted_silences_are_found_within_the_year(simulated):
    """Most who truly fell silent are called so; who was called so and is not, had let balance and bookings run out."""
    from crmlab.validation.truth import Truth

    bank, truth = Bank.open(simulated), Truth.open(simulated)
    decided = truth.table("departures")
    silences = decided[decided["kind"] == "silence"].assign(on=lambda f: pd.to_datetime(f["month_on"]))
    silences = silences[silences["on"].between(day("2023-12-31"), day("2024-09-30"))].set_index("customer_id")["on"]
    dates = pd.date_range("2023-12-31", "2024-12-31", freq="QE")
    found = label_dates(bank, list(dates), Silent(gap_months=0))
    asked = [who for who, on in silences.items() if any(
        who in one.frame.index and abs((day(one.as_of) - on).days) < 100 for one in found)]  # fmt: skip
    called = set().union(*(one.churned.index[one.churned == 1] for one in found))
    assert len(asked) >= 15
    assert np.mean([who in called for who in asked]) >= 0.75


def test_the_lab_sees_rates_and_lists_move(simulated):
    lab = definition_lab(Bank.open(simulated).as_of(""))
    assert lab.rates.frame["definition"].tolist() == ["closing", "silent", "value_loss"]
    assert (lab.rates.frame["share"].between(lab.rates.frame["share_low"], lab.rates.frame["share_high"])).all()
    silent = lab.variants.frame[lab.variants.frame["definition"] == "silent"]
    same_window = silent[silent["months"] == silent["months"].max()]
    assert same_window.sort_values("fall_share")["left_count"].is_monotonic_decreasing  # a larger fall is rarer
    assert lab.variants.frame["jaccard_share"].dropna().between(0, 1).all()
    assert 0 <= lab.false_silence["false_silence_share"].value <= 1
    assert lead_time(Bank.open(simulated).as_of(""), Silent()).frame["seen_share"].is_monotonic_increasing
