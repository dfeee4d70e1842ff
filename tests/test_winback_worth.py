"""What contacts do, what a second life is worth, and whom to contact: hand-made trials and customers."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.stats import Estimate
from crmlab.winback.contact_effects import ContactEffects, contact_effects, effect_draws, plan_trial
from crmlab.winback.lists import win_back_list, within_budget
from crmlab.winback.returning import UninvitedReturns
from crmlab.winback.second_life import SecondLife, second_life, second_life_by_way
from crmlab.winback.worth import Costs, Terms, contact_costs, contact_worth, expected_gain

_COSTS = Costs({"phone": 6.5, "email": 0.02, "sms": 0.1, "social": 0.2}, 50.0, True)
_ALONE = UninvitedReturns(Estimate(0.01, "share", 0.005, 0.02, n=1000), None, ())


def _trial_bank(folder, *, treated, held_out, back, back_held=0, randomised=True):
    n = treated + held_out
    who = [f"c{number:04d}" for number in range(n)]
    again = [*who[:back], *who[treated : treated + back_held]]
    left = pd.DataFrame(
        {"customer_id": who, "joined_on": "2015-01-01", "left_on": "2023-10-01", "left_reason": "customer"}
    )
    new = pd.DataFrame({"customer_id": [f"{name}x" for name in again], "joined_on": "2024-04-01"})
    last = pd.DataFrame({"customer_id": ["later"], "joined_on": ["2024-05-05"]})
    people = pd.concat([left, new.assign(previous_customer_id=again), last])
    tables = {
        "customers": people,
        "campaigns": pd.DataFrame({
            "campaign_id": ["back"], "goal": ["win_back"], "started_on": ["2024-03-01"], "ended_on": ["2024-04-30"],
            "is_randomised": [randomised], "holdout_share": [0.3 if randomised else 0.0], "cost_amount": [40.0],
        }),
        "contacts": pd.DataFrame({
            "contact_id": [f"k{name}" for name in who], "campaign_id": "back", "customer_id": who,
            "assigned_at": "2024-03-02 09:00:00", "arm": ["treatment"] * treated + ["holdout"] * held_out,
            "channel": "email", "cost_amount": [0.5] * treated + [0.0] * held_out,
        }),
    }  # fmt: skip
    folder.mkdir()
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return Bank.open(folder).as_of("2024-04-30")


def test_the_effect_is_that_of_those_drawn(tmp_path):
    found = contact_effects(_trial_bank(tmp_path / "bank", treated=700, held_out=300, back=35, back_held=3))
    assert found.effect.value == pytest.approx(0.05 - 0.01)
    assert found.is_proven
    assert found.alarms == ()
    assert found.by_channel[["channel", "treated_count", "held_out_count", "returns_count"]].to_numpy().tolist() == [
        ["email", 700, 300, 38]
    ]
    draws = effect_draws(found.trials)
    # Jeffreys: 35.5 / 701 - 3.5 / 301
    assert draws.mean() == pytest.approx(35.5 / 701 - 3.5 / 301, abs=0.001)
    assert contact_costs(found).by_channel["email"] == 0.5
    assert contact_costs(found).fixed_amount == 40.0


def test_arms_that_were_not_drawn_as_planned_raise_the_alarm_before_any_effect(tmp_path):
    found = contact_effects(_trial_bank(tmp_path / "bank", treated=700, held_out=100, back=70))
    assert found.alarms == ("Campaign back: 12.5 % of 800 customers are held out, planned were 30.0 %.",)
    assert np.isnan(found.effect.value)
    assert not found.is_proven
    assert len(effect_draws(found.trials)) == 0
    assert found.why_unknown == "the arms of every trial differ from the plan, so no effect is read from them"


def test_a_campaign_without_hold_out_or_no_campaign_says_so(tmp_path):
    naive = contact_effects(_trial_bank(tmp_path / "bank", treated=100, held_out=0, back=9, randomised=False))
    assert naive.why_unknown == "no campaign to win customers back held anybody out by lot"
    none = pd.DataFrame({"customer_id": ["a", "b"], "joined_on": ["2020-01-01", "2024-01-01"]})
    (tmp_path / "none").mkdir()
    none.to_csv(tmp_path / "none" / "customers.csv", index=False)
    empty = contact_effects(Bank.open(tmp_path / "none").as_of(""))
    assert empty.why_unknown == "no campaign to win customers back has ended"
    assert contact_costs(empty) == Costs({"phone": 6.5, "email": 0.05, "sms": 0.1, "social": 0.2}, 0.0, False)


def test_a_trial_that_can_show_what_pays_asks_for_no_pooling():
    assert plan_trial(0.01, 20_000, 0.02, holdout_share=0.5).said == (
        "A trial with 20,000 customers, 50.0 % of them held out by lot, shows an effect of 0.4 percentage points or"
        " more four times in five; contacts pay for themselves from 2.0 percentage points on."
    )
    assert "is too small to show any effect" in plan_trial(0.01, 0, np.nan, holdout_share=0.5).said


def _returned(n, *, ratio=0.5, left=0, months=10):
    rng = np.random.default_rng(5)
    first = rng.lognormal(3.0, 1.0, n) * months
    return pd.DataFrame(
        {"back_as": [f"x{i}" for i in range(n)], "months_count": months, "second_amount": ratio * first,
         "first_amount": first, "stayed_months": float(months), "left_again": np.arange(n) < left},
        index=pd.Index([f"c{i}" for i in range(n)], name="customer_id"),
    )  # fmt: skip


def test_a_second_life_is_scored_by_what_was_seen():
    life = second_life(_returned(40, left=4), 0.005)
    assert life.is_measured
    assert life.ratio.value == pytest.approx(0.5)
    # 4 leave again in 400 months, and 12 usual months with .06: (4 + .06) / 412
    assert life.leaving.value == pytest.approx(4.06 / 412)
    worth = life.worth([100.0, -100.0, np.nan], discount_share=0.0, horizon_years=1)
    stays = 1 - 4.06 / 412
    assert worth[0] == pytest.approx(100 / 12 * 0.5 * sum(stays**k for k in range(1, 13)))
    assert worth[1] == -worth[0]
    assert np.isnan(worth[2])


def test_too_few_returns_are_an_assumption_and_said():
    life = second_life(_returned(4), 0.005)
    assert not life.is_measured
    assert (life.ratio.value, life.ratio.low, life.ratio.method) == (1.0, None, "assumed: too few came back")
    nobody = second_life(_returned(0), float("nan"))
    assert 0 < nobody.leaving.value < 0.01
    with pytest.raises(CrmlabError) as refusal:
        nobody.worth([1.0], discount_share=-0.1, horizon_years=0)
    assert str(refusal.value) == (
        "2 problems:\n- second_life: discount_share is -0.1. Give 0 or more."
        "\n- second_life: horizon_years is 0. Give whole years, 1 or more."
    )


def test_those_a_contact_brought_are_told_from_those_who_came_by_themselves():
    returned = _returned(2)
    lost = pd.DataFrame(
        {"back_on": pd.to_datetime(["2024-04-01", "2024-04-01"]), "margin_amount": [100.0, 200.0]},
        index=returned.index,
    )
    contacts = pd.DataFrame({
        "customer_id": ["c0", "c1"], "is_treated": [True, False], "assigned_on": pd.Timestamp("2024-03-05"),
        "ended_on": pd.Timestamp("2024-04-30"),
    })  # fmt: skip
    found = second_life_by_way(returned, contacts, lost).set_index("way")
    assert found["first_life_amount"].to_dict() == {"after a contact": 100.0, "uninvited": 200.0}


def _life(ratio=1.0, leaving=0.0):
    draws = np.full(2_000, 1.0)
    return SecondLife(Estimate(ratio, "of the first life"), Estimate(leaving, "share"), True, ratio * draws,
                      leaving * draws)  # fmt: skip


def _effects(value, low=0.001, high=0.05, trials=None):
    empty = pd.DataFrame(
        {"is_treated": [], "channel": [], "cost_amount": [], "campaign_id": [], "fixed_cost_amount": []}
    )
    shown = empty if trials is None else trials
    return ContactEffects(empty, shown, (), Estimate(value, "share", low, high, n=500), pd.DataFrame())


def _people(margins, **more):
    n = len(margins)
    names = pd.Index([f"c{i}" for i in range(n)], name="customer_id")
    return pd.DataFrame(
        {"margin_amount": margins, "months_since": 6, "age_years": 40.0, "is_main_bank": False} | more, names
    )


def _policy(people, channel="email", why=""):
    return pd.DataFrame({"channel": channel, "why_not": why}, index=people.index)


_TERMS = Terms(horizon_years=1, discount_share=0.0)


def _scored(people, effects, *, policy=None, terms=_TERMS, unsettled=frozenset()):
    return contact_worth(
        people, _policy(people) if policy is None else policy, pd.Series(dtype="str"), effects=effects,
        uninvited=_ALONE, second=_life(), costs=_COSTS, terms=terms, unsettled=unsettled,
    )  # fmt: skip


def test_net_value_break_even_and_verdicts():
    people = _people([1000.0, 1.0, -50.0, np.nan, 1000.0, 1000.0], months_since=[6, 6, 6, 6, 40, 6])
    policy = _policy(people)
    policy.loc["c5", "why_not"] = "no consent to e-mail"
    found = _scored(people, _effects(0.01), policy=policy)
    assert found["verdict"].tolist() == [
        "worth a contact", "costs more than it brings", "a return is worth nothing", "worth not known",
        "lost too long ago", "no consent to e-mail",
    ]  # fmt: skip
    # worth of a return: 12 x 1000 / 12, nobody leaves again, nothing discounted
    assert found.loc["c0", ["return_amount", "net_amount"]].tolist() == [pytest.approx(1000.0), pytest.approx(9.98)]
    assert found.loc["c0", "break_even_share"] == pytest.approx(0.02 / 1000)
    assert pd.isna(found.loc["c2", "break_even_share"])


def test_an_incentive_is_also_paid_to_those_who_would_come_anyway():
    people = _people([150.0, 2000.0])
    found = _scored(people, _effects(0.01), terms=Terms(1, 0.0, incentive_amount=50.0))
    gives = 50 * (1 - 0.99**2)  # uninvited within the two months of the campaign
    assert found["net_amount"].tolist() == pytest.approx([0.01 * 100 - gives - 0.02, 0.01 * 1950 - gives - 0.02])
    # what the effect brings covers the contact, and the incentive to those who come by themselves eats it
    assert found["verdict"].tolist() == ["would come back anyway: the incentive eats the gain", "worth a contact"]


def test_an_open_complaint_is_settled_before_anything_is_offered():
    people = _people([1000.0, 1000.0])
    found = _scored(people, _effects(0.01), unsettled=frozenset({"c1"}))
    assert found["verdict"].tolist() == ["worth a contact", "complaint still open: settle first"]


def test_without_a_trial_worth_ranks_and_harm_keeps_everybody_in_peace():
    people = _people([10.0, 1000.0])
    unknown = _scored(people, _effects(float("nan"), None, None))
    assert unknown["net_amount"].isna().all()
    assert within_budget(unknown, budget_amount=100).index.tolist() == ["c1", "c0"]
    doubtful = _scored(people, _effects(-0.002, -0.01, 0.01))  # below 0 by no more than chance: a trial decides
    assert doubtful["net_amount"].isna().all()
    harm = _scored(people, _effects(-0.02, -0.03, -0.01))
    assert (harm["verdict"] == "costs more than it brings").all()


def test_budget_preparation_and_capacity():
    people = _people([3000.0, 9000.0, 6000.0])
    found = _scored(people, _effects(0.01))  # nets about 30, 90, 60; preparation 50
    assert within_budget(found, budget_amount=100, fixed_amount=50).index.tolist() == ["c1", "c2", "c0"]
    assert within_budget(found, budget_amount=50.05, fixed_amount=50).index.tolist() == ["c1", "c2"]
    assert len(within_budget(found, budget_amount=0, fixed_amount=50)) == 0
    assert len(within_budget(found, budget_amount=0)) == 0
    assert len(within_budget(found.iloc[:1], budget_amount=100, fixed_amount=50)) == 0  # brings less than preparation
    assert within_budget(found.sample(frac=1, random_state=1), budget_amount=100).index.tolist() == ["c1", "c2", "c0"]
    with pytest.raises(CrmlabError) as refusal:
        within_budget(found, budget_amount=-1)
    assert str(refusal.value) == "within_budget: budget_amount is -1. Give 0 or more."


def test_terms_refuse_what_makes_no_sense():
    with pytest.raises(CrmlabError) as refusal:
        Terms(0, -0.1, -5.0, 0)
    assert str(refusal.value) == (
        "4 problems:\n- horizon_years is 0. Give whole years, 1 or more.\n- discount_share is -0.1. Give 0 or more."
        "\n- incentive_amount is -5.0. Give 0 or more.\n- lost_months is 0. Give 1 or more."
    )


def test_the_expected_gain_carries_the_uncertainty_of_the_trial(tmp_path):
    effects = contact_effects(_trial_bank(tmp_path / "bank", treated=700, held_out=300, back=35, back_held=3))
    people = _people([1000.0] * 20)
    found = _scored(people, effects)
    kwargs = {"effects": effects, "second": _life(), "costs": _COSTS, "terms": _TERMS, "currency": "EUR"}
    gain = expected_gain(found, people, **kwargs)
    # 20 x (.04 x 1000 - .02) - 50 to prepare
    assert gain.value == pytest.approx(20 * (40 - 0.02) - 50)
    assert gain.low < gain.value < gain.high
    assert gain.low == pytest.approx(
        20 * 1000 * 0.019 - 50, rel=0.25
    )  # the interval of the effect is about .019 to .059
    assert np.isnan(expected_gain(found.iloc[:0], people, **kwargs).value)


def test_the_list_names_reason_offer_hold_out_and_end(tmp_path):
    bank = _trial_bank(tmp_path / "bank", treated=70, held_out=30, back=5)
    chosen = within_budget(_scored(_people([1000.0] * 10), _effects(0.01)), budget_amount=100)
    offers = pd.Series("ask why they left, then offer", index=chosen.index)
    listed = win_back_list(bank, chosen, offers, holdout_share=0.5, seed=1)
    assert int(listed["is_holdout"].sum()) == 5
    assert listed["expires_on"].unique().tolist() == ["2024-06-29"]
    assert listed["channel"].unique().tolist() == ["email"]
    assert listed["rank"].tolist() == list(range(1, 11))
    assert listed["reason"].iloc[0] == "lost; not known; a return is worth EUR 1,000"
