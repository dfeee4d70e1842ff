"""The points programme: ledger, redemption, liability, allocation, what membership does, the year."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.loyalty.pages.answer import programme_says
from crmlab.loyalty.pages.programme import NO_PROGRAMME, programme_on
from crmlab.loyalty.programme.allocation import allocated_to_points, earned_by_redemption
from crmlab.loyalty.programme.invitation import trial_of
from crmlab.loyalty.programme.joining import joining_on
from crmlab.loyalty.programme.ledger import ledger_of, ledger_on, points_by_month
from crmlab.loyalty.programme.liability import liability, sensitivity, value_of_a_point
from crmlab.loyalty.programme.likeness import alike, e_value
from crmlab.loyalty.programme.membership import membership
from crmlab.loyalty.programme.plan import INSTRUMENTS, plan_by_segment
from crmlab.loyalty.programme.redemption import redemption_by_age, redemption_triangle
from crmlab.loyalty.programme.result import programme_year
from crmlab.loyalty.programme.rewards import benefits_by_segment, reward_sizes
from crmlab.simulation import simulate
from crmlab.snapshots import snapshot
from crmlab.stats import Estimate


def _entries(rows):
    names = ["customer_id", "booked_on", "kind", "points_count", "value_amount", "expires_on"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(booked_on=pd.to_datetime(frame["booked_on"]), expires_on=pd.to_datetime(frame["expires_on"]))


_TWO = [
    ("a", "2024-01-31", "earn", 100, None, "2026-01-31"),
    ("a", "2024-02-29", "earn", 50, None, "2026-02-28"),
    ("a", "2024-03-15", "redeem", -120, 0.48, None),
    ("b", "2024-01-31", "earn", 80, None, "2026-01-31"),
    ("b", "2026-01-31", "expire", -80, None, None),
]


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loyalty") / "bank"
    return Bank.open(simulate(folder, customers=1500, months=36, seed=11).folder).as_of("")


@pytest.fixture(scope="module")
def ledger(bank):
    return ledger_on(bank)


def test_the_example_of_the_standard():
    goods, points = allocated_to_points(price_amount=100_000, goods_amount=100_000, points_amount=9_500)
    assert (round(goods), round(points)) == (91_324, 8_676)  # IFRS 15, Example 52
    earned = earned_by_redemption(points, redeemed_count=[4_500, 8_500], expected_count=[9_500, 9_700])
    assert [round(one) for one in earned] == [4_110, 3_493]


@pytest.mark.parametrize(("expected", "third"), [(9_900, 3_552), (9_200, 4_140)])
def test_the_example_of_the_handbook(expected, third):
    # KPMG (2019), example 10: 9,000 belong to the points; 4,500 redeemed of 9,700 expected, then 8,500
    earned = earned_by_redemption(9_000, redeemed_count=[4_500, 8_500], expected_count=[9_700, expected])
    assert [round(one) for one in earned] == [4_175, third]


def test_an_allocation_that_cannot_be_is_refused_with_all_its_problems():
    with pytest.raises(CrmlabError) as refusal:
        earned_by_redemption(1.0, redeemed_count=[5, 4], expected_count=[4, 4])
    assert refusal.value.problems == (
        "earned_by_redemption: period 1 has 5 points redeemed of 4 expected. Expect at least what was redeemed, and "
        "more than 0.",
        "earned_by_redemption: points redeemed fall from one period to the next. Give them from the beginning.",
    )
    with pytest.raises(CrmlabError) as refusal:
        allocated_to_points(price_amount=-1, goods_amount=0, points_amount=1)
    assert refusal.value.problems == (
        "allocated_to_points: price_amount is -1. Give an amount of 0 or more.",
        "allocated_to_points: goods_amount is 0. Give what the goods cost alone.",
    )


def test_points_are_used_first_in_first_out():
    found = ledger_of(_entries(_TWO), last_on="2026-01-31")
    assert found.lots[["customer_id", "outstanding_count"]].values.tolist() == [["a", 0], ["a", 30], ["b", 0]]
    assert found.uses[["lot", "end", "points_count"]].values.tolist() == [
        [0, "redeemed", 100], [1, "redeemed", 20], [2, "expired", 80],
    ]  # fmt: skip
    assert (found.validity_months, found.overdrawn_count, found.members_count) == (24, 0, 2)


def test_the_order_of_rows_changes_nothing():
    one, other = (ledger_of(rows, last_on="2026-01-31") for rows in (_entries(_TWO), _entries(_TWO[::-1])))
    pd.testing.assert_frame_equal(one.uses, other.uses)
    pd.testing.assert_frame_equal(one.lots, other.lots)


def test_points_never_given_are_counted_and_left_out():
    rows = [("a", "2024-01-01", "redeem", -30, 0.1, None), ("b", "2024-01-01", "earn", 10, None, None),
            ("b", "2024-01-02", "redeem", -25, 0.1, None)]  # fmt: skip
    found = ledger_of(_entries(rows), last_on="2024-02-01")
    assert (found.overdrawn_count, found.uses["points_count"].tolist()) == (45, [10])


def test_a_ledger_that_cannot_be_read_is_refused():
    with pytest.raises(CrmlabError) as refusal:
        ledger_of(
            pd.DataFrame({"customer_id": ["a"], "kind": ["earn"], "booked_on": ["2024-01-01"]}), last_on="2024-01-31"
        )
    assert str(refusal.value) == "ledger: the entries lack column 'points_count'. Name it as in the contract."
    with pytest.raises(CrmlabError) as refusal:
        ledger_of(_entries([("a", "2024-02-01", "gift", 5, None, None)]), last_on="2024-01-31")
    assert refusal.value.problems == (
        "ledger: 1 entries lie after 2024-01-31. Give the entries known on that day.",
        "ledger: unknown kinds of entries ['gift']. Use ['redeem', 'expire', 'adjust', 'earn'].",
    )


def test_an_empty_ledger_is_empty():
    found = ledger_of(_entries([]), last_on="2024-01-31")
    assert (len(found.lots), len(found.uses), found.members_count) == (0, 0, 0)


def test_months_balance_and_expiry_falls_on_its_day(ledger):
    months = points_by_month(ledger)
    assert months["outstanding_count"].iloc[-1] == ledger.lots["outstanding_count"].sum()
    assert (months["outstanding_count"] >= 0).all()
    expired = ledger.uses[ledger.uses["end"] == "expired"].join(ledger.lots["expires_on"], on="lot")
    assert len(expired) > 100
    assert (expired["used_on"] == expired["expires_on"]).all()  # so first in, first out is how the bank books
    assert ledger.overdrawn_count == 0


def test_the_rate_is_computed_by_hand():
    # lots of 100 in January and February 2024; 40 of January redeemed at age 1, 60 expire at age 2 (validity 2)
    rows = [
        ("a", "2024-01-31", "earn", 100, None, "2024-03-31"), ("a", "2024-02-15", "redeem", -40, 0.2, None),
        ("a", "2024-03-31", "expire", -60, None, None), ("b", "2024-02-29", "earn", 100, None, "2024-04-30"),
    ]  # fmt: skip
    found = redemption_by_age(ledger_of(_entries(rows), last_on="2024-03-31"))
    # age 0: nothing of 200; age 1: 40 of 200 (both lots were seen through it); age 2: 60 of 60 lapse
    assert found.ages["at_risk_count"].tolist() == [200, 200, 60]
    assert found.ages["ultimate_share"].round(6).tolist() == [0.2, 0.2, 0.0]
    assert (found.rate.value, found.rate.low) == (pytest.approx(0.2), None)  # two members: no interval
    assert found.outstanding_rate.value == 0.0  # 100 points of b reach age 2 next month
    assert found.is_complete
    assert found.to_date_share == 0.2


def test_the_rate_is_that_of_cohorts_that_are_over(ledger):
    found = redemption_by_age(ledger, resamples=200)
    triangle = redemption_triangle(ledger)
    over = triangle[triangle["outstanding_share"] == 0]
    ages = [name for name in over if name.startswith("by_")]
    seen = np.average(over[ages].max(axis=1), weights=over["earned_count"])
    assert found.rate.low < seen < found.rate.high
    assert found.to_date_share < found.rate.value  # young points had no time
    assert (np.diff(found.ages["ultimate_share"].to_numpy()[1:]) <= 1e-9).mean() > 0.8
    assert redemption_by_age(ledger, resamples=200).rate == found.rate


def test_the_liability_is_points_times_rate_times_value(ledger):
    found = redemption_by_age(ledger, resamples=200)
    owed = liability(ledger, found)
    assert owed.amount.value == pytest.approx(
        owed.outstanding_count * found.outstanding_rate.value * owed.value_amount, rel=1e-9
    )
    assert owed.value_amount == pytest.approx(value_of_a_point(ledger))
    assert owed.by_age["expected_amount"].sum() == pytest.approx(owed.amount.value)
    steps = sensitivity(owed).set_index("step_share")
    assert steps.loc[0.01, "change_amount"] == pytest.approx(
        0.01 * owed.outstanding_count * owed.value_amount, rel=1e-4
    )
    dear = liability(ledger, found, value_amount=2 * owed.value_amount)
    assert dear.amount.value == pytest.approx(2 * owed.amount.value)
    with pytest.raises(CrmlabError) as refusal:
        liability(ledger, found, value_amount=-1)
    assert str(refusal.value) == "liability: the value of a point is -1.0. Give an amount of 0 or more."


def test_the_liability_holds_what_is_redeemed_later(tmp_path):
    whole = Bank.open(simulate(tmp_path / "bank", customers=1200, months=60, seed=21).folder)
    then = whole.as_of("2025-12-31")
    ledger = ledger_on(then)
    owed = liability(ledger, redemption_by_age(ledger, resamples=200))
    after = ledger_on(whole.as_of(""))
    lots = after.lots[after.lots["given_on"] <= ledger.last_on]
    uses = after.uses[(after.uses["end"] == "redeemed") & (after.uses["used_on"] > ledger.last_on)]
    later = uses.loc[uses["lot"].isin(lots.index), "points_count"].sum() * owed.value_amount
    assert owed.amount.low < later < owed.amount.high
    assert after.lots.loc[lots.index, "outstanding_count"].sum() == 0  # all of them have expired by now


def _people(n, seed, effect):
    rng = np.random.default_rng(seed)
    size, other = rng.normal(size=n), rng.normal(size=n)
    joined = rng.random(n) < 1 / (1 + np.exp(2.5 - size))
    outcome = 20 + 4 * size + effect * joined + rng.normal(size=n)
    return pd.DataFrame({"size": size, "other": other}), joined, outcome


def test_weights_balance_and_find_the_effect_that_the_plain_look_misses():
    held = 0
    for seed in range(100):
        facts, joined, outcome = _people(600, seed, 1.0)
        found = alike(facts, joined, np.arange(600))
        one = found.difference(outcome, unit="EUR")
        held += one.low <= 1 <= one.high
        assert found.balance["after"].abs().max() < 0.02
    assert 89 <= held <= 100  # .95 of 100
    assert outcome[joined].mean() - outcome[~joined].mean() > 3  # the plain look


def test_a_ratio_is_that_of_the_means():
    facts, joined, outcome = _people(3000, 3, 2.0)
    found = alike(facts, joined, np.arange(3000))
    assert found.ratio(outcome).value == pytest.approx(1 + 2 / (outcome[joined].mean() - 2), rel=0.02)
    twice = found.ratio(2 * outcome)
    assert twice.value == pytest.approx(found.ratio(outcome).value)  # no currency in it
    assert found.ratio(outcome, np.full(3000, 7.0)).value == pytest.approx(twice.value)


def test_rows_of_one_customer_are_no_new_evidence():
    facts, joined, outcome = _people(800, 4, 1.0)
    one = alike(facts, joined, np.arange(800)).difference(outcome, unit="EUR")
    double = alike(pd.concat([facts, facts], ignore_index=True), np.tile(joined, 2), np.tile(np.arange(800), 2))
    other = double.difference(np.tile(outcome, 2), unit="EUR")
    assert other.high - other.low == pytest.approx(one.high - one.low, rel=1e-3)


def test_what_cannot_be_compared_is_refused():
    facts, _, _ = _people(100, 5, 0.0)
    with pytest.raises(CrmlabError) as refusal:
        alike(facts, np.arange(100) < 3, np.arange(100))
    assert str(refusal.value) == "likeness: 3 joined; 30 are needed. Wait, or take a longer span."
    apart = pd.DataFrame({"size": np.where(np.arange(200) < 50, 100.0, 0.0) + np.linspace(0, 1, 200)})
    with pytest.raises(CrmlabError) as refusal:
        alike(apart, np.arange(200) < 50, np.arange(200))
    assert str(refusal.value).startswith("likeness: no weights make the others like those who joined;")


def test_the_strength_of_a_hidden_cause_is_that_of_the_paper():
    value, limit = e_value(Estimate(3.9, "", low=1.8, high=8.7))  # VanderWeele and Ding 2017
    assert (round(value, 2), round(limit, 2)) == (7.26, 3.0)
    assert e_value(Estimate(0.8, "", low=0.7, high=1.1))[1] == 1.0


def test_members_are_compared_at_dates_before_they_join(bank, ledger):
    joining = joining_on(bank, ledger)
    assert joining.joined_count > 60
    since = ledger.entries.groupby("customer_id")["booked_on"].min()
    joins = joining.frame[joining.frame["is_joining"]]
    assert (joins["customer_id"].map(since) > joins["as_of"]).all()
    assert not (joining.frame["is_joining"] & joining.frame["is_member"]).any()
    found = membership(joining, interchange_share=0.002)
    assert found.placebo.low < 1.1
    assert found.placebo.high > 0.9
    assert found.spending.value < 1.25  # the plain look says some 2.5 times
    assert found.likeness.balance["after"].abs().max() < 0.02
    assert (
        found.margin.low < 10 < found.margin.high
    )  # a few euros a year in the simulation, not the 200 of the plain look


def test_a_bank_too_small_says_why_there_is_no_effect(small_bank):
    bank = Bank.open(small_bank).as_of("")
    found = membership(joining_on(bank, ledger_on(bank)))
    assert (found.spending, found.leaving, found.margin) == (None, None, None)
    assert found.why["margin"] == "a year of margins after joining is not known"
    assert found.why["spending"] == "likeness: 6 joined; 30 are needed. Wait, or take a longer span."


def test_nothing_after_the_date_moves_the_facts(bank, ledger):
    early = bank.as_of("2025-03-31")
    one, other = joining_on(bank, ledger), joining_on(early, ledger_on(early))
    day = other.dates[0]
    rows = [joining.facts[(joining.frame["as_of"] == pd.Timestamp(day)).to_numpy()] for joining in (one, other)]
    if day in one.dates:
        pd.testing.assert_frame_equal(rows[0].reset_index(drop=True), rows[1].reset_index(drop=True))


def test_too_short_a_history_is_refused(small_bank, tmp_path):
    short = Bank.open(simulate(tmp_path / "bank", customers=50, months=4, seed=1).folder).as_of("")
    with pytest.raises(CrmlabError) as refusal:
        joining_on(short, ledger_on(short))
    assert str(refusal.value) == (
        "joining: before and after need ten months of bookings and of points. Wait until then."
    )


def test_the_trial_compares_the_arms_as_drawn(bank):
    trial, why = trial_of(bank, goal="activation")
    assert why == ""
    assert trial.acts.low <= trial.acts.value <= trial.acts.high
    assert not trial.is_strong
    assert trial_of(bank, goal="cross_sel") == (
        None,
        "no campaign of the kind 'cross_sel' was drawn by lot and is over",
    )


def test_the_year_adds_up(ledger):
    owed = liability(ledger, redemption_by_age(ledger, resamples=100))
    margin = Estimate(30.0, "EUR", 10.0, 50.0, 100)
    year = programme_year(ledger, owed, margin, currency="EUR")
    amounts = year.items.set_index("item")["amount"]
    assert amounts["Net result"] == pytest.approx(amounts.drop("Net result").sum())
    assert amounts["Margin brought"] == pytest.approx(30 * year.members_count)
    assert year.net.low < year.net.value < year.net.high
    assert year.break_even_amount == pytest.approx(year.cost_amount / year.members_count)
    assert year.return_share.value == pytest.approx(year.net.value / year.cost_amount)
    without = programme_year(ledger, owed, None, currency="EUR")
    assert (without.net, without.return_share) == (None, None)
    assert "Margin brought" not in set(without.items["item"])


def test_rewards_by_size_and_segment_count_every_redemption(bank, ledger):
    sizes = reward_sizes(ledger)
    lately = ledger.entries[ledger.entries["booked_on"] > ledger.last_on - pd.DateOffset(months=12)]
    assert sizes["redemptions_count"].sum() == (lately["kind"] == "redeem").sum()
    assert sizes["rewards_amount"].sum() == pytest.approx(lately["value_amount"].sum())
    seen = snapshot(bank, "", ["age_years"])
    found = benefits_by_segment(ledger, pd.Series(np.where(seen["age_years"] < 50, "young", "old"), index=seen.index))
    assert found["customers_count"].sum() == len(seen)
    assert found["members_share"].between(0, 1).all()
    assert reward_sizes(ledger_of(_entries(_TWO[:2]), last_on="2024-02-29")).empty


def test_the_plan_says_when_an_instrument_cannot_pay():
    segments = pd.DataFrame({
        "segment": ["small", "large"], "customers_count": [1000, 500], "margin_amount": [20.0, 500.0],
        "left_share": [0.05, 0.05], "rewards_amount": [5.0, 20.0], "cared_share": [0.1, 0.1],
    })  # fmt: skip
    plan = plan_by_segment(segments, margin=Estimate(30.0, "EUR", 10.0, 50.0, 9), discount_share=0.02,
                           service_amount=10.0, contact_amount=5.0, currency="EUR")  # fmt: skip
    assert plan["segment"].tolist() == ["large"] * 4 + ["small"] * 4
    assert plan["instrument"].tolist() == [*INSTRUMENTS, *INSTRUMENTS]
    gains = plan.set_index(["segment", "instrument"])["gain"]
    assert gains["large", "points"] == "EUR 10.00 to EUR 50.00 a member a year (compared, not drawn by lot)"
    # 10 a year of 500 at stake: 2 % of customers must stay; of 20 at stake: half of them
    assert gains["large", "value-added service"] == "pays if leaving falls from 5.0 % to 3.0 % a year"
    assert gains["small", "value-added service"] == "cannot pay by less leaving: 5.0 % leave, 50.0 % would have to stay"


def test_a_bank_without_points_says_so(real_data):
    bank = Bank.open(real_data / "berka").as_of("1994-02-28")
    assert programme_on(bank, snapshot(bank)) == (None, NO_PROGRAMME)


def test_points_that_nobody_redeemed_yet_have_no_price(tmp_path):
    young = Bank.open(simulate(tmp_path / "bank", customers=60, months=1, seed=1).folder).as_of("")
    programme, why = programme_on(young, snapshot(young))
    assert why == ""
    assert programme_says(programme, "", None).endswith(
        "points are outstanding; none was redeemed yet, so what they will cost is not known."
    )
    assert programme_says(None, NO_PROGRAMME, None) == f"What a programme earns is not answered: {NO_PROGRAMME}."
