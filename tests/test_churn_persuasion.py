"""Whom to call: hand-made banks with planted effects; alarms, harm, no trial, limits."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.churn.persuasion.break_even import break_even_by_risk, one_in
from crmlab.churn.persuasion.expected_gain import gain_by_mean_effect
from crmlab.churn.persuasion.retention_trial import retention_trial
from crmlab.churn.persuasion.trial_design import trial_design
from crmlab.churn.persuasion.trial_effects import trial_effects
from crmlab.churn.persuasion.whom_to_call import whom_to_call
from crmlab.errors import CrmlabError
from crmlab.outreach.calling import call_list
from crmlab.snapshots import snapshot
from crmlab.stats import Estimate

DAY = "2024-12-31"
KINDS = ("none", "keeps", "by_age", "harms", "unbalanced")


def _bank(folder, kind, n=1_600):
    """Half of the customers in two campaigns of calls, half of those held out; 30 % leave when left alone."""
    rng = np.random.default_rng(KINDS.index(kind) + 1)
    names = np.array([f"c{place:04d}" for place in range(2 * n)])
    age = rng.integers(20, 80, 2 * n)
    chosen = np.arange(2 * n) < n
    treated = rng.random(2 * n) < 0.5
    left_alone = np.full(2 * n, 0.3)
    called = {
        "none": left_alone,
        "keeps": left_alone - 0.12,
        "by_age": np.where(age > 50, 0.08, 0.45),
        "harms": left_alone + 0.12,
        "unbalanced": left_alone,
    }[kind]
    leaves = chosen & (rng.random(2 * n) < np.where(treated, called, left_alone))
    arm = np.where(treated, "treatment", "holdout")
    if kind == "unbalanced":  # part of the hold-out was called after all
        arm[chosen & (age > 60)] = "treatment"
    folder.mkdir()
    tables = {
        "customers": pd.DataFrame({
            "customer_id": names, "joined_on": np.where(np.arange(2 * n) < 2 * n - 1, "2015-01-01", DAY),
            "birth_on": [f"{2024 - a}-01-01" for a in age],
            "left_on": np.where(leaves, "2024-05-10", None), "left_reason": np.where(leaves, "customer", None),
            "is_phone_allowed": True,
        }),
        "campaigns": pd.DataFrame({
            "campaign_id": ["one", "two"], "goal": "retention", "channel": "phone",
            "started_on": ["2024-02-01", "2024-03-01"],
            "ended_on": ["2024-07-31", "2024-08-31"], "is_randomised": True, "holdout_share": 0.5, "cost_amount": 100.0,
        }),
        "contacts": pd.DataFrame({
            "contact_id": [f"k{place:04d}" for place in range(n)], "customer_id": names[:n], "arm": arm[:n],
            "campaign_id": np.where(np.arange(n) % 2 == 0, "one", "two"), "channel": "phone",
            "assigned_at": np.where(np.arange(n) % 2 == 0, "2024-02-02 09:00:00", "2024-03-02 09:00:00"),
            "cost_amount": np.where(arm[:n] == "treatment", 6.5, 0.0),
        }),
    }  # fmt: skip
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return Bank.open(folder)


@pytest.fixture(scope="module")
def banks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("persuasion")
    return {kind: _bank(folder / kind, kind) for kind in KINDS}


def _asked(bank, **more):
    view = bank.as_of(DAY)
    seen = snapshot(view)
    rng = np.random.default_rng(1)
    scored = pd.DataFrame({"p_churn": rng.uniform(0.05, 0.5, len(seen)), "value_amount": 400.0}, index=seen.index)
    scored.iloc[::7, 1] = -50.0
    return whom_to_call(view, scored, seen, **more), seen


def test_a_proven_mean_effect_pays_by_risk_and_value(banks):
    found, seen = _asked(banks["keeps"], capacity=200)
    assert found.mode == "mean_effect"
    assert found.cost_amount == 6.5
    effect = found.estimates["retention_effect_phone"]
    assert effect.low <= -0.12 <= effect.high
    chosen = found.customers[found.customers["is_chosen"]]
    assert len(chosen) == 200
    assert (chosen["value_amount"] > 0).all()
    assert chosen["net_value_amount"].is_monotonic_decreasing
    # by hand: risk x share kept x value - cost
    rows = found.trial.rows
    kept = -found.estimates["retention_effect"].value / rows.loc[~rows["is_treated"], "left"].mean()
    first = chosen.iloc[0]
    assert first["net_value_amount"] == pytest.approx(first["p_churn"] * kept * 400 - 6.5)
    assert first["net_low_amount"] < first["net_value_amount"] < first["net_high_amount"]
    assert found.answer.startswith("Call 200 customers: contacts keep customers on average")
    listed = call_list(found.reasons, seen, day=DAY, holdout_share=found.holdout_share)
    assert listed["is_holdout"].sum() == 100
    assert listed.index.tolist() == chosen.index.tolist()


def test_single_effects_are_used_where_the_trial_shows_them(banks):
    found, seen = _asked(banks["by_age"])
    assert found.mode == "single_effects"
    assert found.judged.heterogeneity.is_usable
    age = seen["age_years"].reindex(found.customers.index)
    chosen = found.customers["is_chosen"]
    assert found.customers.loc[chosen, "net_value_amount"].min() > 0
    true = np.where(age > 50, 0.22, -0.15) * found.customers["value_amount"] - 6.5
    assert true[chosen].sum() > 0.7 * true[true > 0].sum()  # a straight line in age misses the step at 50
    assert true[chosen].sum() > 3 * true.sum()  # three times what it earns to call everybody
    total = found.estimates["list_net_value"]
    assert total.low <= true[chosen].sum() <= total.high
    assert found.answer.startswith(f"Call {chosen.sum():,} customers by expected net value")


def test_without_an_effect_a_trial_comes_first(banks):
    found, _ = _asked(banks["none"], capacity=50)
    assert found.mode == "trial_first"
    assert found.judged.compared.picked == "nobody"
    assert not found.judged.heterogeneity.is_usable
    assert "Risk is not persuadability, so 50 customers are listed for a trial" in found.answer
    assert "list_net_value" not in found.estimates
    chosen = found.customers[found.customers["is_chosen"]]
    assert chosen["p_churn"].is_monotonic_decreasing
    assert chosen["reason"].iloc[0].endswith("trial: a call pays if it keeps 1 in 62 like this")  # 6.5 / 400
    assert found.design.frame["is_proposed"].sum() == 1


def test_harm_is_named_and_nobody_is_called(banks):
    found, _ = _asked(banks["harms"])
    assert found.mode == "harm"
    assert found.reasons.empty
    assert found.answer == "Call nobody: in the trial more customers left after these contacts than without."
    assert found.effects.frame["verdict"].tolist() == ["more leave", "more leave"]
    assert found.effects.title == "Contacts did harm: more left after them (all channels)"


def test_arms_not_as_drawn_show_no_effect(banks):
    found, _ = _asked(banks["unbalanced"], capacity=10)
    assert found.trial.sizes.is_alarm
    assert found.effects.frame.empty
    assert found.judged is None
    assert "so no effect is shown" in found.effects.reading
    assert found.mode == "trial_first"
    assert not [name for name in found.estimates if name.startswith("retention_effect")]
    assert found.answer.startswith("The arms hold ")


def test_nothing_of_a_contact_is_in_the_features(banks):
    trial = retention_trial(banks["keeps"].as_of(DAY))
    assert trial.features.index.equals(trial.rows.index)
    assert set(trial.features["as_of"].dt.strftime("%Y-%m-%d")) == {"2024-01-31", "2024-02-29"}
    assert retention_trial(banks["keeps"].as_of("2024-08-15")).rows["campaign_id"].unique().tolist() == ["one"]
    assert retention_trial(banks["keeps"].as_of("2024-01-15")).why_not == "no retention campaign has ended"


def test_no_budget_no_capacity_no_value(banks):
    for limits in ({"budget_amount": 0.0}, {"capacity": 0}):
        found, _ = _asked(banks["keeps"], **limits)
        assert found.reasons.empty
        assert found.answer.startswith("Call 0 customers")
    view = banks["keeps"].as_of(DAY)
    seen = snapshot(view)
    counted = whom_to_call(view, pd.DataFrame({"p_churn": 0.2}, index=seen.index), seen, capacity=5)
    assert counted.break_even.frame.empty
    assert counted.reasons.size == 5
    assert counted.estimates["list_net_value"].unit == "customers"


def test_a_bank_without_campaigns_and_one_customer(tmp_path):
    folder = tmp_path / "bank"
    folder.mkdir()
    pd.DataFrame({"customer_id": ["a"], "joined_on": ["2020-01-01"], "birth_on": ["1980-01-01"]}).to_csv(
        folder / "customers.csv", index=False
    )
    bank = Bank.open(folder).as_of("2020-01-01")
    seen = snapshot(bank)
    scored = pd.DataFrame({"p_churn": [0.3], "value_amount": [100.0]}, index=seen.index)
    with pytest.raises(CrmlabError) as error:
        whom_to_call(bank, scored, seen)
    assert str(error.value) == (
        "whom_to_call: no contact by phone in a retention campaign shows its cost. Give contact_cost_amount."
    )
    found = whom_to_call(bank, scored, seen, contact_cost_amount=5.0)
    assert found.mode == "trial_first"
    assert found.answer.startswith("There is no trial to learn from: no retention campaign has ended.")
    assert found.why_no_lists == "no retention campaign has ended"
    assert found.reasons.tolist() == ["30.0 % expected to leave; trial: a call pays if it keeps 1 in 20 like this"]
    nobody = whom_to_call(bank, scored.iloc[:0], seen, contact_cost_amount=5.0)
    assert nobody.customers.empty
    for p in (0.0, 1.0):  # probability 0 and 1, value 0 and not known
        for value in (0.0, np.nan):
            one = whom_to_call(bank, scored.assign(p_churn=p, value_amount=value), seen, contact_cost_amount=5.0)
            assert one.reasons.empty


def test_slips_are_told_at_once(banks):
    view = banks["none"].as_of(DAY)
    seen = snapshot(view)
    scored = pd.DataFrame({"p_churn": [1.5, 0.5]}, index=["stranger", seen.index[0]])
    with pytest.raises(CrmlabError) as error:
        whom_to_call(view, scored, seen, holdout_share=1.0)
    assert list(error.value.problems) == [
        "whom_to_call: 1 of 2 values of p_churn are no probability. Give values from 0 to 1.",
        "whom_to_call: 1 scored customers are not in the snapshot. Score the customers of the snapshot.",
        "whom_to_call: holdout_share is 1.0. Give 0 or more, below 1.",
    ]


def test_break_even_by_hand():
    scored = pd.DataFrame({"p_churn": [0.4, 0.4, 0.01, 0.01], "value_amount": [90.0, 110.0, 100.0, 100.0]})
    found = break_even_by_risk(scored, cost_amount=5.0, currency="EUR", groups=2)
    assert found.frame["break_even_share"].tolist() == [0.05, 0.05]
    assert found.frame["of_leavers_share"].round(3).tolist() == [0.125, 5.0]
    assert found.frame["said"].tolist() == ["1 in 20", "1 in 20"]
    assert "In 1 of 2 groups not even keeping all who would leave would pay." in found.reading
    worthless = break_even_by_risk(scored.assign(value_amount=-1.0), cost_amount=5.0)
    assert worthless.frame["said"].unique().tolist() == ["more than all"]
    assert [one_in(share) for share in (0.25, 0.6, 0.004, 0.0)] == ["1 in 5", "3 in 5", "1 in 250", "none"]


def test_a_trial_by_hand():
    people = pd.DataFrame({"p_churn": [0.1, 0.1], "value_amount": [100.0, 300.0]})
    found = trial_design(people, cost_amount=6.5, customers_a_month=1_000, kept_share=0.2, outcome_months=7)
    row = found.frame[found.frame["is_proposed"]].iloc[0]
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_effectsize

    each = NormalIndPower().solve_power(proportion_effectsize(0.1, 0.08), alpha=0.05, power=0.8)
    assert row["customers_count"] == pytest.approx(2 * each, abs=2)
    assert row["months"] == pytest.approx(2 * each / 1_000 + 7, abs=0.01)
    # half held out: each loses .02 x 200 and saves a call of 6.5
    assert row["holdout_cost_amount"] == pytest.approx(row["customers_count"] / 2 * (0.02 * 200 - 6.5))
    assert trial_design(people.iloc[:0], cost_amount=1, customers_a_month=1).frame.empty
    with pytest.raises(CrmlabError) as error:
        trial_design(people, cost_amount=-1, customers_a_month=0, kept_share=0)
    assert list(error.value.problems) == [
        "trial_design: kept_share is 0. Give a share above 0, up to 1.",
        "trial_design: 0 customers enter a month. Give more than 0.",
        "trial_design: the cost of a call is -1. Give 0 or more.",
    ]


def test_nobody_can_be_kept_more_than_surely():
    stakes = pd.DataFrame({"p_churn": [1.0, 0.5, 0.0], "value_amount": 100.0})
    found = gain_by_mean_effect(stakes, Estimate(-0.2, "share", -0.4, 0.3), 0.1, cost_amount=1.0)
    assert found["effect"].tolist() == [1.0, 0.5, 0.0]  # more than all leavers of the trial were kept
    assert found["net_low_amount"].tolist() == pytest.approx([-1.0, -51.0, -1.0])  # no more than all can be driven away


def test_effects_by_channel_are_corrected(banks):
    trial = retention_trial(banks["keeps"].as_of(DAY))
    rows = trial.rows.assign(channel=np.where(np.arange(len(trial.rows)) % 4 < 2, "phone", "email"))
    from dataclasses import replace

    found = trial_effects(replace(trial, rows=rows))
    assert found.frame["contacts"].tolist() == ["all channels", "e-mail", "phone"]
    assert found["retention_effect_phone"].level == pytest.approx(0.975)
