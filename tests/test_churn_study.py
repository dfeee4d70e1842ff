"""The whole study on simulated banks: leaks, calibration out of time, money, and banks that can say little."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank, write_bank
from crmlab.churn.definitions.definition import Closing
from crmlab.churn.forecast import expected_leavers, past_sums
from crmlab.churn.learning.learner import ChurnModel
from crmlab.churn.pages import calling, churn_answer, model_evidence
from crmlab.churn.panel import panel_on
from crmlab.churn.risk_groups import risk_groups, tenths
from crmlab.churn.stakes import stakes, yearly_margin, yearly_retention
from crmlab.churn.study import churn_on
from crmlab.errors import CrmlabError
from crmlab.snapshots import snapshot
from crmlab.stats import calibration_error, repair_intercept


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    from crmlab.simulation import simulate

    return Bank.open(simulate(tmp_path_factory.mktemp("study") / "bank", customers=1500, months=30, seed=5).folder)


@pytest.fixture(scope="module")
def study(bank):
    return churn_on(bank.as_of(""), members=2)


def test_the_study_learns_judges_and_scores(study):
    assert (study.why, study.set_aside, study.is_kept) == ("", (), False)
    assert study.now["p_churn"].between(0, 1, inclusive="neither").all()
    assert study.now.index.equals(study.panel.now.index)
    assert study.judged.is_dated
    assert study.leavers.low <= study.leavers.value <= study.leavers.high
    assert study.leavers.value == pytest.approx(study.now["p_churn"].sum())
    assert study.margin.value == pytest.approx((study.now["p_churn"] * study.now["margin_amount"]).sum())
    ranking = model_evidence.ranked(study)
    assert ranking["auc"].value > 0.7
    assert len(ranking.frame) == 4
    assert "optimistic" in ranking.frame["label"].iloc[-1]


def test_a_clean_bank_raises_no_leak(study):
    assert not study.leaks.frame["is_alarm"].any()


def test_a_column_overwritten_after_leaving_is_found(tmp_path):
    from crmlab.simulation import simulate

    folder = simulate(tmp_path / "bank", customers=1500, months=30, seed=5, plant="leak").folder
    found = churn_on(Bank.open(folder).as_of(""), members=1)
    assert "branch" in found.undated_alarms
    assert set(found.undated_alarms) & set(found.model.preparation_.columns_) == set()


@pytest.mark.slow
def test_probabilities_hold_on_dates_to_come_of_clean_banks(tmp_path):
    """Over several banks, the calibration error out of time is beyond chance hardly more often than chance has it."""
    from crmlab.simulation import simulate

    beyond, said, seen = [], 0.0, 0.0
    for seed in (11, 12, 13):
        bank = Bank.open(simulate(tmp_path / f"bank{seed}", customers=2500, months=30, seed=seed).folder).as_of("")
        panel = panel_on(bank, Closing())
        names, rows = list(panel.features), panel.frame
        early, late = (rows[rows["as_of"].isin(part)] for part in (panel.dates[:-2], panel.dates[-1:]))
        model = ChurnModel(members=2).fit(
            early[names], early["churned"], dates=early["as_of"], customers=early["customer_id"]
        )
        p = model.predict_proba(late[names])
        beyond.append(calibration_error(late["churned"], p).is_beyond_chance)
        said, seen = said + p.sum(), seen + late["churned"].sum()
    assert sum(beyond) <= 1  # each would by chance in 1 of 20
    assert abs(seen - said) < 3 * np.sqrt(said)


def test_a_planted_shift_of_the_base_rate_is_repaired(study):
    scores = study.judged.scores
    rng = np.random.default_rng(3)
    thin = (scores["outcome"] == 0) | (rng.random(len(scores)) < 0.3)  # seven of ten leavers stay after all
    late = scores[thin]
    y, p = late["outcome"].to_numpy(), late["p_model"].to_numpy()
    before = calibration_error(y, p)
    after = calibration_error(y, repair_intercept(p, base_rate_from=p.mean(), base_rate_to=y.mean()))
    assert before.is_beyond_chance
    assert after.value < before.value / 2


def test_a_kept_model_scores_the_same_and_refuses_changed_columns(bank, study):
    kept = study.model.as_dict()
    again = churn_on(bank.as_of(""), kept=kept)
    assert again.is_kept
    pd.testing.assert_series_equal(again.now["p_churn"], study.now["p_churn"])
    assert again.judged is None  # no date lies after those it learned from
    earlier = churn_on(bank.as_of("2025-01-31"), members=1).model.as_dict()
    later = churn_on(bank.as_of(""), kept=earlier)
    assert later.judged is not None
    assert later.judged.scores["as_of"].min() > pd.Timestamp(earlier["learned_from"]["last_on"]).date()
    kept["preparation"]["columns"] = [*kept["preparation"]["columns"]]
    kept["preparation"]["columns"][0] = {**kept["preparation"]["columns"][0], "name": "no_such_column"}
    with pytest.raises(CrmlabError, match="no_such_column"):
        churn_on(bank.as_of(""), kept=kept)


def test_the_same_rows_in_another_order_say_the_same(study):
    mixed = study.now["p_churn"].sample(frac=1, random_state=1)
    again = expected_leavers(mixed, study.past)
    assert again.value == pytest.approx(study.leavers.value)
    assert (again.low, again.high) == (study.leavers.low, study.leavers.high)
    assert tenths(mixed).sort_index().equals(tenths(study.now["p_churn"]).sort_index())


def test_the_forecast_holds_what_comes():
    """Counts drawn with a shift from date to date fall into the interval about as often as is said."""
    rng = np.random.default_rng(8)
    p = pd.Series(rng.beta(0.5, 30, 3000))
    held = []
    for _ in range(120):
        shift = np.exp(rng.normal(0, 0.15, 5))
        past = pd.DataFrame({"said_count": [p.sum()] * 4, "left_count": rng.poisson(p.sum() * shift[:4])})
        found = expected_leavers(p, past, draws=400)
        held.append(found.low <= rng.poisson(p.sum() * shift[4]) <= found.high)
    assert 0.88 <= np.mean(held) <= 1.0


def test_money_at_stake_keeps_negative_margins():
    who = pd.Index(["a", "b", "c"], name="customer_id")
    found = stakes(pd.Series([100.0, -20.0, 0.0], who), pd.Series([0.5, 0.5, 0.5], who), retention=0.9, discount=0.08)
    # q = .9 / 1.08 = 5/6: 100 x (1 - .401878) / (1/6) = 358.87
    assert found["value_amount"].round(2).tolist() == [358.87, -71.77, 0.0]
    assert found["at_stake_amount"].tolist() == [50.0, -10.0, 0.0]
    assert "margin_amount" not in stakes(None, found["p_churn"], retention=1.0)
    assert yearly_retention(0.0, 3) == 1.0


def test_a_margin_of_less_than_a_year_is_put_on_a_year(bank):
    on = pd.Timestamp("2023-06-30").date()  # seven month ends: 31 December to 30 June, 212 days
    seen = snapshot(bank.as_of(on), on, ["margin_12m_amount", "tenure_days"])
    yearly = yearly_margin(bank.as_of(on), seen, on)
    old = seen["tenure_days"] > 400
    assert np.allclose(yearly[old], seen.loc[old, "margin_12m_amount"] * 365.25 / 212)


def test_tenths_are_ordered_and_hold_everybody(study):
    found = risk_groups(study.now, "EUR").frame
    assert found["n"].sum() == len(study.now)
    assert found["chance_share"].is_monotonic_decreasing
    assert found["expected_count"].sum() == pytest.approx(study.leavers.value)


def test_sums_of_the_past_are_by_date(study):
    scores = study.judged.scores.rename(columns={"p_model": "p_churn"})
    assert past_sums(scores)["left_count"].sum() == scores["outcome"].sum()


def test_nobody_is_listed_whom_the_bank_may_not_call(bank, study):
    from crmlab.outreach.policy import may_contact

    seen = bank.as_of("")
    found = calling.calling_on(seen, study, calls_count=20)
    policy = may_contact(seen, channels=("phone",))
    assert set(policy.loc[found.actions.index, "why_not"]) <= {""}
    assert len(found.actions) <= 20
    assert {"reason", "channel", "expires_on", "is_holdout", "looks_like"} <= set(found.actions)
    counted = found.suppressed["customers_count"].sum()
    assert counted == (policy.loc[study.now.index, "why_not"] != "").sum()
    nobody = calling.calling_on(seen, study, calls_count=20, budget_amount=0.01)
    assert len(nobody.actions) == 0


def test_the_card_is_filled(bank, study):
    made = churn_answer.card(study, bank)
    assert {"purpose", "population", "owner", "label", "windows"} <= set(made.frame["field"])


def test_what_cannot_be_learned_is_said(bank, tmp_path):
    early = churn_on(bank.as_of("2023-05-31"))
    assert early.model is None
    assert churn_answer.headline(early) == (
        "Who will leave cannot be learned here: no date has a full outcome window of 3 months after it."
    )
    assert model_evidence.ranked(early) is None
    assert calling.calling_on(bank.as_of("2023-05-31"), early).whom is None
    bare = pd.DataFrame({"customer_id": ["a"], "joined_on": [pd.Timestamp("2020-01-01")]})
    none = Bank.open(write_bank(tmp_path / "bare", {"customers": bare}, name="Bare", currency="EUR", timezone="UTC"))
    assert churn_on(none).why == "closing needs customers.left_on or accounts.closed_on; this bank has none"
    with pytest.raises(CrmlabError) as refusal:
        churn_on(bank.as_of(""), definition="closed")
    assert str(refusal.value) == (
        "definition has no 'closed'. Did you mean 'closing'? It knows ['closing', 'silent', 'value_loss']."
    )
