"""Stages: rules by hand, nothing after the date, no flicker, agreement with the simulation's own stages."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.lifecycle.stages.machine import walk
from crmlab.lifecycle.stages.on_dates import flicker_share, month_ends, settled_ends, stages_on
from crmlab.lifecycle.stages.panel import Panel
from crmlab.lifecycle.stages.rules import SCOPES, STAGES, StageRules
from crmlab.simulation import simulate
from crmlab.validation.truth import Truth

MONTHS = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("bank"), customers=600, months=24, seed=3).folder


@pytest.fixture(scope="module")
def bank(folder):
    return Bank.open(folder).as_of("")


@pytest.fixture(scope="module")
def stages(bank):
    return stages_on(bank, month_ends(bank))


def _panel(amount, *, acts=None, regular=None, opened=(), joined=-100, left=None, is_back=False):
    """One customer for as many months as amounts; acts and regular money every month unless told."""
    n = len(amount)
    month = np.arange(n)
    there = (month >= joined) & (month < (n + 1 if left is None else left))
    return Panel(
        np.array(["a"], dtype=object),
        tuple(day.date() for day in pd.date_range("2022-01-31", periods=n, freq="ME")),
        np.array([amount], dtype=float),
        np.array([[True] * n if acts is None else acts]),
        np.array([[False] * n if regular is None else regular]),
        np.array([[m in opened for m in month]]),
        there[None],
        np.array([joined]),
        np.array([is_back]),
        None,
    )


def _path(panel, **changed):
    return [STAGES[s] if s >= 0 else None for s in walk(panel, StageRules(**changed))[0]]


def test_a_new_customer_is_in_onboarding_for_six_months_then_mature():
    assert _path(_panel([100.0] * 10, joined=1)) == [None] + ["onboarding"] * 6 + ["maturity"] * 3


def test_a_further_product_brings_growth_for_twelve_months():
    path = _path(_panel([100.0] * 16, opened=(2,)))
    assert path == ["maturity"] * 2 + ["growth"] * 12 + ["maturity"] * 2


def test_a_fall_without_regular_money_is_decline_until_recovered_and_a_fall_with_a_salary_is_none():
    fall = [100.0] * 8 + [50.0, 50.0, 50.0, 90.0, 90.0]
    # the mean of six months before is 100: 50 is below 60 %; 90 is at 80 % of it or more; least dwell is three months
    assert _path(_panel(fall)) == ["maturity"] * 8 + ["decline"] * 3 + ["maturity"] * 2
    assert _path(_panel(fall, regular=[True] * 13)) == ["maturity"] * 13


def test_a_lower_level_becomes_the_new_normal_after_six_months():
    # 50 is a fall against means of 100, 92 and 83; from then on the six months before are no longer far above it
    path = _path(_panel([100.0] * 8 + [50.0] * 10))
    assert path == ["maturity"] * 8 + ["decline"] * 6 + ["maturity"] * 4


def test_six_silent_months_are_dormancy_and_one_act_does_not_end_it():
    acts = [True] * 3 + [False] * 6 + [True, False, False, True, True]
    path = _path(_panel([100.0] * 14, acts=acts))
    assert path == ["maturity"] * 8 + ["dormant"] * 5 + ["maturity"]


def test_who_comes_back_after_a_loss_is_won_back_under_a_new_number_too():
    gone = _panel([100.0] * 6, left=3)
    assert _path(gone) == ["maturity"] * 3 + ["lost"] * 3
    again = dataclasses.replace(gone, is_there=np.array([[True, False, False, True, True, True]]))
    assert _path(again) == ["maturity", "lost", "lost", "won_back", "won_back", "won_back"]
    assert _path(_panel([100.0] * 4, joined=1, is_back=True)) == [None] + ["won_back"] * 3


def test_a_loan_declines_as_it_runs_off_and_is_never_dormant():
    run_off = dataclasses.replace(_panel([100.0, 80.0, 60.0, 40.0, 25.0, 10.0]), has_acts=None, is_run_off=True)
    assert _path(run_off) == ["maturity"] * 4 + ["decline"] * 2


def test_a_rise_needs_a_fifth_to_enter_and_a_tenth_to_stay():
    # the first three months seen are the past of the first year: 100; then 125 (+25 %), then 115 (+15 %), then 105
    amounts = [100.0] * 6 + [125.0] * 3 + [115.0] * 3 + [105.0] * 3
    path = _path(_panel(amounts), least_share_of_median=0.0)
    assert path[:8] == ["maturity"] * 8
    assert path[8:12] == ["growth"] * 4
    assert path[-1] == "maturity"
    assert _path(_panel([100.0] * 6 + [115.0] * 9), least_share_of_median=0.0) == ["maturity"] * 15


def test_one_row_a_customer_and_date_of_everybody_who_has_joined(bank, stages):
    assert not stages.duplicated(["customer_id", "as_of"]).any()
    last = stages[stages["as_of"] == stages["as_of"].max()]
    assert set(last["customer_id"]) == set(bank.frame("customers", ["customer_id"])["customer_id"])
    assert set(stages["stage"]) <= set(STAGES)
    left = bank.frame("customers", ["customer_id", "left_on"]).set_index("customer_id")["left_on"].notna()
    assert (last.set_index("customer_id")["stage"].eq("lost") == left.reindex(last["customer_id"])).all()


@pytest.mark.parametrize("scope", list(SCOPES))
def test_nothing_after_the_date_changes_a_stage(bank, scope):
    days = month_ends(bank)
    early = days[14]
    whole = stages_on(bank, [early, days[-1]], scope=scope)
    then = stages_on(bank.as_of(early), early, scope=scope)
    seen = whole[whole["as_of"] == pd.Timestamp(early)].reset_index(drop=True)
    pd.testing.assert_frame_equal(seen, then)


def test_other_days_than_month_ends_are_anchored_to_themselves(bank):
    found = stages_on(bank, ["2024-06-15", "2024-06-30"])
    assert found.groupby("as_of").size().index.tolist() == [pd.Timestamp("2024-06-15"), pd.Timestamp("2024-06-30")]
    pd.testing.assert_frame_equal(
        found[found["as_of"] == "2024-06-30"].reset_index(drop=True), stages_on(bank, "2024-06-30")
    )


def test_customers_flicker_less_than_by_the_naive_rule(bank, stages):
    naive = stages_on(bank, month_ends(bank), rules=StageRules().naive())
    assert flicker_share(stages) < 0.5 * flicker_share(naive)
    assert flicker_share(naive) > 0.05


def test_stages_agree_with_the_simulations_own(folder, bank):
    """The rules see tables only; the simulation knows of decisions. Cohen's kappa by hand."""
    days = settled_ends(bank)
    truth = Truth.open(folder).table("months", columns=["customer_id", "month_on", "stage"])
    truth = truth.rename(columns={"month_on": "as_of", "stage": "true"})
    both = stages_on(bank, days).merge(truth.astype({"as_of": "datetime64[us]"}), on=["customer_id", "as_of"])
    agree = (both["stage"] == both["true"]).mean()
    chance = (both["stage"].value_counts(normalize=True) * both["true"].value_counts(normalize=True)).sum()
    assert agree > 0.78
    assert (agree - chance) / (1 - chance) > 0.6
    dormant = both[both["true"] == "dormant"]
    assert (dormant["stage"] == "dormant").mean() > 0.5


def test_a_bank_of_one_customer_and_month_has_a_stage(tmp_path):
    bank = Bank.open(simulate(tmp_path / "bank", customers=1, months=1, seed=1).folder).as_of("")
    found = stages_on(bank, month_ends(bank))
    assert len(found) == 2
    assert np.isnan(flicker_share(found))


def test_rules_refuse_what_makes_no_sense_all_at_once():
    with pytest.raises(CrmlabError) as told:
        StageRules(dwell_months=-1, fall_share=1.4, rise_share=0.1, rise_keeps_share=0.2, dormant_months=0)
    assert [line.removeprefix("- ") for line in str(told.value).splitlines()] == [
        "5 problems:",
        "StageRules: dwell_months is -1. Give a whole number of months, 0 or more.",
        "StageRules: fall_share is 1.4. Give a share from 0 to 1.",
        "StageRules: rise_keeps_share 0.2 is above rise_share 0.1. Leaving growth must ask for less than entering it.",
        "StageRules: recovery_share 0.8 is below fall_share 1.4. Leaving decline must ask for more than entering it.",
        "StageRules: dormant_months is 0: everybody would be dormant. Give 1 or more.",
    ]


def test_a_scope_that_is_not_known_and_a_date_too_early_are_refused(bank):
    with pytest.raises(CrmlabError, match=r"^stages have no scope 'loan'. Did you mean 'loans'"):
        stages_on(bank, "2024-06-30", scope="loan")
    with pytest.raises(CrmlabError, match=r"^stages_on: 2020-01-31 lie before the first month"):
        stages_on(bank, ["2020-01-31", "2024-01-31"])
