"""The whole question on simulated and poor banks: every piece answers or says why not."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.simulation import simulate
from crmlab.validation.answers import win_back
from crmlab.validation.case import Case, Known
from crmlab.validation.truth import Truth
from crmlab.winback.margins import margin_that_went
from crmlab.winback.pages import answer, evidence
from crmlab.winback.study import win_back_on
from crmlab.winback.worth import Terms, left_in_peace


def _pieces(study):
    lost, why = evidence.lost_so_far(study), evidence.why_they_left(study)
    back, seen = evidence.returns(study), evidence.effects_seen(study)
    return lost, why, back, seen, evidence.second_lives(study), evidence.break_evens(study)


def _said(study):
    lost, why, back, seen, _, _ = _pieces(study)
    return [
        answer.headline(study, lost), answer.reasons_said(study, why), answer.contacts_said(study, seen, back),
        answer.worth_said(study),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def study(small_bank):
    with Bank.open(small_bank) as whole:
        yield win_back_on(whole.as_of(""))


def test_every_piece_answers_on_a_small_bank(study):
    lost, why, back, _, _, _ = _pieces(study)
    assert lost["lost_count"].value == len(study.year)
    assert lost["lost_margin"].low < lost["lost_margin"].value < lost["lost_margin"].high
    assert why.frame["kind"].isin(["reason", "who they were"]).all()
    assert back["uninvited_rate"].low <= back["uninvited_rate"].value <= back["uninvited_rate"].high
    for sentence in _said(study):
        assert "nan" not in sentence
        assert sentence.endswith(".")
    shares = [e.value for name, e in why.estimates.items() if name.startswith("reason_")]
    assert 0 < sum(shares) <= 1 + 1e-9  # reasons of fewer than ten customers are not told
    for piece in _pieces(study):
        assert piece is None or len(piece.title) <= 70
    assert set(answer.labels(answer.list_numbers(study)).values()) & {""} == set()


def test_nobody_is_listed_whom_the_bank_may_not_contact(study):
    lost = study.lost.loc[study.listed.index]
    assert (lost["way"] == "by choice").all()
    assert not lost["is_back"].any()
    assert (study.scored.loc[study.listed.index, "verdict"] == "worth a contact").all()
    assert (study.listed["channel"] != "").all()
    assert 0 < study.listed["is_holdout"].sum() < len(study.listed)


def test_the_same_bank_gives_the_same_list(small_bank, study):
    with Bank.open(small_bank) as whole:
        again = win_back_on(whole.as_of(""))
    pd.testing.assert_frame_equal(again.listed, study.listed)
    assert again.gain == study.gain or np.isnan(study.gain.value)


def test_budget_nothing_lists_nobody(small_bank):
    with Bank.open(small_bank) as whole:
        broke = win_back_on(whole.as_of(""), budget_amount=0.0, terms=Terms(incentive_amount=1e9))
    assert len(broke.listed) == 0
    assert "there is nobody to call" in answer.worth_said(broke)


def test_a_bank_where_nobody_left_says_so(tmp_path):
    people = pd.DataFrame({"customer_id": ["a", "b"], "joined_on": ["2020-01-01", "2021-01-01"]})
    people.to_csv(tmp_path / "customers.csv", index=False)
    none = win_back_on(Bank.open(tmp_path).as_of(""))
    assert none.nobody_left == "this bank records nobody who left"
    assert _pieces(none) == (None,) * 6
    assert answer.headline(none, None) == "There is nobody to win back: this bank records nobody who left."


def test_one_leaver_and_nothing_else_is_told_without_an_interval_of_nothing(tmp_path):
    people = pd.DataFrame({
        "customer_id": ["a", "b"], "joined_on": ["2020-01-01", "2024-05-31"], "left_on": ["2024-02-10", None],
        "left_reason": ["customer", None],
    })  # fmt: skip
    people.to_csv(tmp_path / "customers.csv", index=False)
    one = win_back_on(Bank.open(tmp_path).as_of("2024-05-31"))
    said = _said(one)
    assert said[0] == (
        "1 customer left by their own choice in the 12 months to 2024-05-31 (95 % interval 0 to 6); what went with them"
        " is not known."
    )
    assert said[1].startswith("Why they left cannot be said yet")
    assert said[2] == (
        "What a contact achieves is not known: no campaign to win customers back has ended. Uninvited, 0.0 % of those"
        " away come back in a month."
    )
    assert "there is nobody to call" in said[3]


def test_leavers_without_a_reason_on_record_are_not_called(tmp_path):
    people = pd.DataFrame({
        "customer_id": ["a", "b"], "joined_on": ["2020-01-01", "2024-05-31"], "left_on": ["2024-02-10", None],
    })  # fmt: skip
    people.to_csv(tmp_path / "customers.csv", index=False)
    found = win_back_on(Bank.open(tmp_path).as_of("2024-05-31"))
    assert found.nobody_left == "of those who left, none is recorded as having left by choice (left_reason)"


def test_silent_customers_are_counted_and_left_in_peace(tmp_path):
    tables = {
        "customers": pd.DataFrame({"customer_id": ["a", "b", "c"], "joined_on": "2020-01-01"}),
        "products": pd.DataFrame({"product_id": ["P"], "family": ["current"]}),
        "accounts": pd.DataFrame({"account_id": ["A", "B", "C"], "customer_id": ["a", "b", "c"], "product_id": "P",
                                  "opened_on": ["2020-01-01", "2020-01-01", "2024-11-01"]}),
        "transactions": pd.DataFrame({
            "transaction_id": ["1", "2"], "account_id": ["A", "B"], "booked_on": ["2024-01-05", "2024-12-01"],
            "occurred_at": ["2024-01-05 08:00:00", "2024-12-01 08:00:00"], "amount": 5.0, "kind": "transfer_in",
            "is_customer_initiated": True,
        }),
    }  # fmt: skip
    for name, frame in tables.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    bank = Bank.open(tmp_path).as_of("2024-12-01")
    assert left_in_peace(bank) == 1  # a; b acted, c opened the account a month ago
    assert left_in_peace(bank, silent_days=1_000) == 0  # bookings do not reach back so far


def test_the_margin_that_went_holds_its_expectation():
    rng, held = np.random.default_rng(3), []
    for _ in range(200):
        margins = rng.lognormal(4.0, 1.0, rng.poisson(100))
        one = margin_that_went(margins, "EUR", resamples=400)
        held.append(one.low <= 100 * np.exp(4.5) <= one.high)
    assert np.mean(held) >= 0.89
    assert margin_that_went([-5.0], "EUR").low is None
    assert margin_that_went([-5.0, -7.0], "EUR").value == -12.0


@pytest.mark.slow
def test_the_numbers_hold_their_truths_on_simulated_banks(tmp_path):
    held = []
    for seed in (21, 22, 23):
        folder = simulate(tmp_path / str(seed), customers=2500, months=30, seed=seed).folder
        with Bank.open(folder, check=False) as whole:
            bank = whole.as_of("")
            numbers = {}
            for piece in _pieces(win_back_on(bank)):
                numbers |= piece.estimates if piece else {}
            case = Case(bank, Truth.open(folder))
            for name, true in win_back.TRUTHS.items():
                known = true(case)
                assert isinstance(known, Known), name
                held.append(numbers[name].low <= known.value <= numbers[name].high)
    assert sum(held) >= 10  # of 12 at 95 %: 9 or fewer come by luck once in 50 times
    assert all(len(reason) > 20 for reason in win_back.NO_TRUTH.values())
