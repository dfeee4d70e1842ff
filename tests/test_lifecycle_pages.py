"""The page on the lifecycle: what it hands on, whom its lists name, what a bank without losses is told."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.lifecycle.pages import lifecycle_answer, stage_actions, standing_evidence, time_evidence, worth_evidence
from crmlab.lifecycle.pages.lifecycle import lifecycle_on
from crmlab.outreach.policy import may_contact
from crmlab.simulation import simulate


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return Bank.open(simulate(tmp_path_factory.mktemp("bank"), customers=800, months=26, seed=2).folder).as_of("")


@pytest.fixture(scope="module")
def life(bank):
    return lifecycle_on(bank)


def test_shares_of_the_stages_and_the_flow_count_everybody_once(life):
    standing, flow = standing_evidence.where_they_stand(life), standing_evidence.flow(life)
    assert standing.frame["share"].sum() == pytest.approx(1.0)
    there_then = (life.year_ago["stage"] != "lost").sum()
    new = (~life.now.index.isin(life.year_ago.index)).sum()
    assert flow.frame["customers_count"].sum() == there_then + new
    assert all(len(one.title) <= 70 for one in (flow, standing_evidence.moves_map(life)))


def test_what_pays_is_sorted_and_its_interval_holds_the_number(life):
    moves = worth_evidence.best_moves(life)
    assert moves.frame["gain_amount"].is_monotonic_decreasing
    assert moves["best_move_gain"].low <= moves["best_move_gain"].value <= moves["best_move_gain"].high
    assert moves.frame["changed_share"].sub(moves.frame["share"]).abs().div(moves.frame["share"]).round(6).eq(0.1).all()


def test_the_list_names_who_entered_decline_and_may_be_contacted_with_a_holdout_by_lot(life, bank):
    values = worth_evidence.stage_values(life)
    found, told = stage_actions.entering_decline(life, bank, values, holdout_share=0.5)
    fresh = life.now[(life.now["stage"] == "decline") & (life.now["stage_before"] != "decline")]
    allowed = may_contact(bank)["why_not"]
    assert set(found.index) == {name for name in fresh.index if allowed[name] == ""}
    assert found["is_holdout"].sum() == round(0.5 * len(found))
    assert found["at_stake_amount"].is_monotonic_decreasing
    assert set(found["expires_on"]) == {str((life.day + pd.Timedelta(days=30)).date())}
    assert told.startswith(f"{len(fresh)} customer")


def test_a_scope_of_products_has_its_own_stages(bank):
    loans = lifecycle_on(bank, scope="loans")
    assert loans.customers["dormant"] == 0
    assert 0 < loans.n < lifecycle_on(bank).n


@pytest.mark.parametrize(("years", "rate"), [(0, 0.0), (5, 0.0), (0, 1.0), (1, 1.0)])
def test_the_discount_at_its_ends_and_no_horizon_give_values(bank, years, rate):
    life = lifecycle_on(bank, horizon_years=years, discount_share=rate)
    values = worth_evidence.stage_values(life)
    assert np.isfinite(values.frame["value_amount"]).all()
    assert worth_evidence.policies(life) is not None


def test_a_bank_without_losses_says_so(real_data):
    bank = Bank.open(real_data / "berka").as_of("1994-02-28")
    life = lifecycle_on(bank)
    mapped, coming = standing_evidence.moves_map(life), time_evidence.forecast(life)
    assert worth_evidence.stage_values(life) is None
    assert life.no_value == "this bank's products have no margin on record (products.margin_share)"
    told = lifecycle_answer.pays(life, mapped, None, coming)
    assert told.startswith("Nobody was lost in the months looked at (12; ")
    assert coming["lost_next_year_share"].value == 0
    assert 0 < coming["lost_next_year_share"].high < 0.1
