"""The chain: published values, counts by hand, truth of a simulated bank, limits of input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.lifecycle.chain.absorbing import end_chances, expected_steps, lost_within, monthly_rate, stage_value
from crmlab.lifecycle.chain.checks import homogeneity, order_test
from crmlab.lifecycle.chain.forecast import forecast_shares, judge_forecast
from crmlab.lifecycle.chain.matrix import Chain, fit_chain
from crmlab.lifecycle.chain.moves import CAUSES, arrivals, moves_between, with_causes
from crmlab.lifecycle.chain.resampled import resample_chain
from crmlab.lifecycle.chain.worth import (
    Policy,
    compare_policies,
    shifted,
    stopped,
    value_by_stage,
    worth_of_points,
)
from crmlab.simulation import simulate
from crmlab.validation.truth import Truth

# Pfeifer and Carraway (2000), J. Interactive Marketing 14(2): d = .2, NC = $40, M = $4, p = (.3, .2, .15, .05)
P = np.array([[0.3, 0.7, 0, 0, 0], [0.2, 0, 0.8, 0, 0], [0.15, 0, 0, 0.85, 0], [0.05, 0, 0, 0, 0.95]])
R = np.array([36.0, -4.0, -4.0, -4.0])
SHARED = Path(__file__).parents[2] / "shared" / "reference" / "expected.json"


def test_values_of_pfeifer_and_carraway():
    np.testing.assert_allclose(stage_value(P, R, discount=0.2), [52.319609, 5.553784, 1.250773, -1.820016], atol=1e-6)
    four = stage_value(P, R, discount=0.2, steps=4)
    np.testing.assert_allclose(four, [50.114969, 4.219907, 0.592110, -1.980131], atol=1e-6)
    np.testing.assert_allclose(expected_steps(P).sum(axis=1), [6.05042, 4.621849, 3.014706, 1.302521], atol=1e-6)
    # purchases: visits of the first stage, today's counted
    np.testing.assert_allclose(expected_steps(P)[:, 0], [2.211411, 0.782839, 0.425697, 0.110571], atol=1e-6)
    np.testing.assert_allclose(lost_within(P, 4), [0.4522, 0.646, 0.8075, 0.95], atol=1e-9)


@pytest.mark.parametrize(
    ("given_up", "value"),
    [
        ((3,), [53.149425, 6.62069, 2.643678, 0.0]),
        ((2, 3), [51.574468, 4.595745, 0.0, 0.0]),
        ((1, 2, 3), [48.0, 0.0, 0.0, 0.0]),
    ],
)
def test_stopping_to_invest_as_published(given_up, value):
    shares, rewards = P, R
    for stage in given_up:
        shares, rewards = stopped(shares, stage), np.where(np.arange(4) == stage, 0.0, rewards)
    np.testing.assert_allclose(stage_value(shares, rewards, discount=0.2), value, atol=1e-6)


def test_the_reference_file_says_the_same():
    if not SHARED.is_file():
        pytest.skip("reference values are not there")
    kept = json.loads(SHARED.read_text())["markov"]
    np.testing.assert_allclose(stage_value(P, R, discount=0.2), kept["V_infinite"][:4], atol=1e-6)
    for stop, stages in ((4, (3,)), (3, (2, 3)), (2, (1, 2, 3))):
        shares, rewards = P, R
        for stage in stages:
            shares, rewards = stopped(shares, stage), np.where(np.arange(4) == stage, 0.0, rewards)
        np.testing.assert_allclose(
            stage_value(shares, rewards, discount=0.2),
            kept["policies"][f"stop_marketing_at_recency_{stop}"][:4],
            atol=1e-6,
        )


def test_the_end_of_a_period_is_one_margin_less():
    both = [stage_value(P, R, discount=0.2, pays_first=first) for first in (True, False)]
    np.testing.assert_allclose(both[0] - both[1], R)


def test_nobody_leaves_everybody_leaves_and_the_discount_at_its_ends():
    stay, go = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    ten = np.array([10.0])
    assert stage_value(stay, ten, discount=0.0).tolist() == [np.inf]
    assert stage_value(stay, -ten, discount=0.0).tolist() == [-np.inf]
    assert stage_value(stay, 0 * ten, discount=0.0).tolist() == [0.0]
    assert stage_value(stay, ten, discount=1.0).tolist() == [20.0]  # 10 + 5 + 2.5 + ...
    assert stage_value(go, ten, discount=0.0).tolist() == [10.0]
    assert stage_value(go, -ten, discount=1.0, pays_first=False).tolist() == [0.0]
    assert expected_steps(stay).tolist() == [[np.inf]]
    assert expected_steps(go).tolist() == [[1.0]]
    assert end_chances(stay).tolist() == [[0.0]]
    assert lost_within(go, 1).tolist() == [1.0]


def test_a_stage_nobody_was_in_is_not_known_and_spoils_only_those_who_can_get_there():
    shares = np.array([[0.5, 0.0, 0.5], [np.nan] * 3])
    assert stage_value(shares, np.array([1.0, 1.0]), discount=0.0).tolist()[0] == 2.0
    assert np.isnan(stage_value(shares, np.array([1.0, 1.0]), discount=0.0)[1])
    there = np.array([[0.4, 0.1, 0.5], [np.nan] * 3])
    assert np.isnan(stage_value(there, np.array([1.0, 1.0]), discount=0.1)).all()


def test_rates_of_a_year_and_of_months():
    assert monthly_rate(0.0) == 0.0
    assert (1 + monthly_rate(1.0)) ** 12 == pytest.approx(2.0)
    with pytest.raises(CrmlabError, match=r"^discount rate is -0.1. Give 0 or more a year, such as 0.1.$"):
        monthly_rate(-0.1)


def _stages(paths, start="2024-01-31"):
    """Paths by customer: text of stage names with '-' for not there yet."""
    rows = []
    for customer, path in paths.items():
        days = pd.date_range(start, periods=len(path), freq="ME").as_unit("us")
        rows += [(customer, day, stage) for day, stage in zip(days, path, strict=True) if stage]
    frame = pd.DataFrame(rows, columns=["customer_id", "as_of", "stage"])
    return frame.assign(margin_amount=1.0, stage=frame["stage"].astype("str"))


def test_moves_keep_joiners_drop_what_was_not_seen_and_end_with_the_loss():
    stages = _stages(
        {
            "a": ["growth", "maturity", "maturity", "maturity"],  # there before, still there: three months at risk
            "b": [None, "onboarding", "onboarding", "growth"],  # joined
            "c": ["decline", "lost", "lost", "lost"],  # counted once
        }
    )
    moves = moves_between(stages)
    assert moves[["customer_id", "from", "to"]].values.tolist() == [
        ["a", "growth", "maturity"],
        ["c", "decline", "lost"],
        ["a", "maturity", "maturity"],
        ["b", "onboarding", "onboarding"],
        ["a", "maturity", "maturity"],
        ["b", "onboarding", "growth"],
    ]
    assert arrivals(stages)[["stage", "customers_count"]].values.tolist() == [["onboarding", 1]]
    quarter = moves_between(stages, step_months=3)
    assert quarter[["customer_id", "from", "to"]].values.tolist() == [
        ["a", "growth", "maturity"],
        ["c", "decline", "lost"],
    ]
    with pytest.raises(CrmlabError) as told:
        moves_between(pd.concat([stages, stages.head(1)]).replace("growth", "grow"), step_months=0)
    assert "stages ['grow'] are not in" in str(told.value)
    assert "1 rows name a customer and date twice. Give one row." in str(told.value)
    assert "step_months is 0. Give a whole number, 1 or more." in str(told.value)


def test_counts_shares_and_dirichlet_limits_by_hand():
    moves = pd.DataFrame({"from": ["growth"] * 8 + ["decline"] * 2, "to": ["growth"] * 6 + ["lost"] * 2 + ["lost"] * 2})
    chain = fit_chain(moves, states=["growth", "decline", "dormant"])
    table = chain.table().set_index(["from", "to"])
    assert table.loc[("growth", "lost"), ["customers_count", "share", "n"]].tolist() == [2, 0.25, 8]
    # Beta(2.5, 6.5): 2.5 % and 97.5 % points
    from scipy.stats import beta

    assert table.loc[("growth", "lost"), "share_low"] == pytest.approx(beta.ppf(0.025, 2.5, 6.5))
    assert table.loc[("growth", "lost"), "share_high"] == pytest.approx(beta.ppf(0.975, 2.5, 6.5))
    assert table.loc[("decline", "lost"), ["share", "share_high"]].tolist() == [1.0, 1.0]
    assert 0.3 < table.loc[("decline", "lost"), "share_low"] < 0.5
    assert table.loc["dormant"]["share"].isna().all()
    draws = chain.draws(2_000, seed=1)
    np.testing.assert_allclose(draws[:, 0].sum(axis=1), 1.0)
    assert np.isnan(draws[:, 2]).all()
    assert draws[:, 0, 3].mean() == pytest.approx(2.5 / 9, abs=0.01)


def test_a_move_never_seen_may_still_hide_and_an_end_too():
    chain = Chain(("a", "b"), ("lost",), np.array([[100.0, 0.0, 0.0], [0.0, 10.0, 0.0]]))
    table = chain.table().set_index(["from", "to"])
    assert table.loc[("a", "lost"), ["share", "share_low"]].tolist() == [0.0, 0.0]
    assert 0.01 < table.loc[("a", "lost"), "share_high"] < 0.04
    assert 0.0 < table.loc[("a", "b"), "share_high"] < 0.04
    drawn = lost_within(chain.draws(500, seed=1), 12)[:, 0]
    assert 0 < drawn.mean() < 0.2


def test_causes_of_the_end_add_up():
    stages = _stages(
        {"a": ["decline", "lost"], "b": ["dormant", "lost"], "c": ["growth", "lost"], "d": ["growth", "lost"]}
    )
    split = with_causes(moves_between(stages), pd.Series({"a": "customer", "b": "bank", "c": "deceased"}))
    assert sorted(split["to"]) == ["closing", "death", "other end", "silent leaving"]
    chain = fit_chain(split, ends=CAUSES)
    known = [i for i, n in enumerate(chain.at_risk) if n]
    np.testing.assert_allclose(end_chances(chain.shares)[known].sum(axis=1), 1.0)


def test_anderson_and_goodman_against_the_plain_chi_square():
    from scipy.stats import chi2_contingency

    rng = np.random.default_rng(1)
    moves = pd.DataFrame({"from": rng.choice(["a", "b"], 900), "to": rng.choice(["a", "b", "c"], 900)})
    period = pd.Series(rng.choice([1, 2, 3], 900))
    found = homogeneity(moves, period)
    tables = [
        pd.crosstab(period[moves["from"] == start], moves.loc[moves["from"] == start, "to"]) for start in ("a", "b")
    ]
    parts = [chi2_contingency(table, correction=False) for table in tables]
    assert found.statistic == pytest.approx(sum(part.statistic for part in parts))
    assert found.degrees == sum(part.dof for part in parts) == 8


def _walked(n, months, seed, shares):
    """Walk n customers through a chain of a, b and lost."""
    rng = np.random.default_rng(seed)
    state = rng.integers(0, 2, n)
    paths = [state]
    full = np.vstack([shares, [0, 0, 1]])
    for _ in range(months):
        state = (rng.random(n)[:, None] > full[state].cumsum(axis=1)).sum(axis=1)
        paths.append(state)
    names = np.array(["growth", "maturity", "lost"], dtype=object)
    codes = np.array(paths).T
    return _stages({f"c{i}": list(names[row]) for i, row in enumerate(codes)})


TRUE = np.array([[0.85, 0.12, 0.03], [0.08, 0.90, 0.02]])


def test_tests_keep_their_level_on_a_chain_of_first_order():
    """200 banks of a chain that is the same at all times: 5 % of alarms each, 1 to 10 % allowed."""
    same, first = [], []
    for seed in range(200):
        stages = _walked(60, 12, seed, TRUE)
        moves = moves_between(stages)
        same.append(homogeneity(moves, moves["as_of"] > "2024-07-15").p_value < 0.05)
        first.append(order_test(stages).p_value < 0.05)
    assert 0.01 <= np.mean(same) <= 0.10
    assert 0.01 <= np.mean(first) <= 0.10


def test_a_chain_of_second_order_is_found():
    rng = np.random.default_rng(1)
    paths = {}
    for i in range(300):
        path = ["growth", "maturity"]
        for _ in range(10):
            back = 0.7 if path[-2] != path[-1] else 0.2
            path.append(path[-1] if rng.random() > back else ("growth" if path[-1] == "maturity" else "maturity"))
        paths[f"c{i}"] = path
    found = order_test(_stages(paths))
    assert found.p_value < 1e-6
    assert found.largest > 0.1


def test_intervals_of_values_hold_the_truth_on_walked_banks():
    """60 banks; V by customers' bootstrap and fixed margins: 95 % nominal, binomial sampling allows 86 % and more."""
    rewards = {"growth": 10.0, "maturity": 6.0}
    truth = stage_value(TRUE, np.array([10.0, 6.0]), discount=0.01)
    held = []
    for seed in range(60):
        stages = _walked(250, 12, seed, TRUE)
        moves = moves_between(stages.assign(margin_amount=stages["stage"].map(rewards).fillna(0.0)))
        found = resample_chain(moves, states=["growth", "maturity"], resamples=200, seed=seed)
        table = value_by_stage(found, discount=0.01).set_index("stage")
        held += [table.loc[s, "value_low_amount"] <= v <= table.loc[s, "value_high_amount"]
                 for s, v in zip(["growth", "maturity"], truth, strict=True)]  # fmt: skip
    assert np.mean(held) >= 0.86


def test_a_shift_takes_from_the_others_in_proportion_and_stays_a_chance():
    np.testing.assert_allclose(shifted(TRUE, 0, 1, 0.02)[0], [0.85 * 0.86 / 0.88, 0.14, 0.03 * 0.86 / 0.88])
    np.testing.assert_allclose(shifted(TRUE, 0, 2, -0.5)[0].sum(), 1.0)
    assert shifted(TRUE, 0, 2, -0.5)[0, 2] == 0.0
    np.testing.assert_allclose(shifted(np.array([[0.0, 1.0]]), 0, 1, -0.1), [[0.1, 0.9]])


@pytest.fixture(scope="module")
def found():
    stages = _walked(400, 12, 1, TRUE)
    moves = moves_between(
        stages.assign(margin_amount=stages["stage"].map({"growth": 10.0, "maturity": 6.0}).fillna(0.0))
    )
    return resample_chain(moves, states=["growth", "maturity"], resamples=100, seed=1)


def test_the_worth_of_a_point_is_the_change_of_all_values(found):
    customers = {"growth": 100, "maturity": 50}
    table = worth_of_points(found, customers, discount=0.01, points=0.02).set_index(["from", "to"])
    row = table.loc[("growth", "lost")]
    assert not row["is_more"]
    before = stage_value(found.shares, found.rewards, discount=0.01)
    after = stage_value(shifted(found.shares, 0, 2, -0.02), found.rewards, discount=0.01)
    assert row["gain_amount"] == pytest.approx((after - before) @ [100, 50])
    assert row["each_amount"] == pytest.approx(before[0])
    assert row["gain_low_amount"] <= row["gain_amount"] <= row["gain_high_amount"]
    assert table.loc[("maturity", "growth"), "is_more"]


def test_policies_are_compared_with_going_on_as_now(found):
    customers = {"growth": 100, "maturity": 50}
    raised = Policy("fewer lost", (("maturity", "lost", -0.01),))
    table = compare_policies(
        found,
        [
            Policy("as now"),
            raised,
            Policy("at its price", raised.shifts, {"maturity": 0.0}),
            Policy("stop", stops=("maturity",)),
        ],
        customers,
        discount=0.01,
    ).set_index("policy")
    assert table.loc["as now", ["gain_amount", "gain_low_amount", "gain_high_amount"]].tolist() == [0.0, 0.0, 0.0]
    assert table.loc["fewer lost", "is_better"]
    assert table.loc["stop", "gain_high_amount"] < 0
    even = table.loc["fewer lost", "break_even_amount"]
    spent = compare_policies(found, [Policy("x", raised.shifts, {"maturity": even})], customers, discount=0.01)
    assert spent["gain_amount"].iloc[0] == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(CrmlabError, match=r"^compare_policies: stages \['old'\] are not in "):
        compare_policies(found, [Policy("x", stops=("old",))], customers, discount=0.01)


def test_negative_margins_are_losses_that_leaving_ends():
    stages = _walked(100, 6, 1, TRUE)
    moves = moves_between(stages.assign(margin_amount=-5.0))
    cost = resample_chain(moves, states=["growth", "maturity"], resamples=50, seed=1)
    table = value_by_stage(cost, discount=0.01)
    assert (table["value_high_amount"] < 0).all()
    worth = worth_of_points(cost, {"growth": 10, "maturity": 10}, discount=0.01).set_index(["from", "to"])
    assert worth["gain_amount"].ge(0).all()
    assert all(worth.loc[(s, "lost"), "is_more"] for s in ("growth", "maturity") if (s, "lost") in worth.index)


def test_nobody_and_everybody_lost_and_no_moves_at_all():
    stays = moves_between(_stages({f"c{i}": ["growth"] * 3 for i in range(20)}))
    kept = resample_chain(stays, resamples=20, seed=1)
    assert value_by_stage(kept, discount=0.0)["value_amount"].tolist() == [np.inf]
    assert value_by_stage(kept, discount=0.0, steps=11)["value_amount"].tolist() == [12.0]
    gone = resample_chain(
        moves_between(_stages({f"c{i}": ["growth", "lost"] for i in range(20)})), resamples=20, seed=1
    )
    assert value_by_stage(gone, discount=1.0)[["value_amount", "lost_12_share"]].values.tolist() == [[1.0, 1.0]]
    none = resample_chain(stays.head(0), resamples=20, seed=1)
    assert len(value_by_stage(none, discount=0.1)) == 0
    assert len(worth_of_points(none, {}, discount=0.1)) == 0


def test_a_forecast_of_shares_walks_the_chain(found):
    customers = {"growth": 100, "maturity": 100}
    table = forecast_shares(found, customers, steps=2).set_index("stage")
    full = np.vstack([found.shares, [0, 0, 1]])
    np.testing.assert_allclose(
        table["share"].loc[["growth", "maturity", "lost"]], np.array([0.5, 0.5, 0]) @ full @ full
    )
    assert table["share"].sum() == pytest.approx(1.0)


def test_the_chain_beats_no_change_where_customers_move_as_it_says():
    judged = judge_forecast(_walked(500, 24, 2, TRUE), steps=12, resamples=100)
    assert judged["as_of"].tolist() == [pd.Timestamp("2025-01-31")]
    row = judged.iloc[0]
    assert row["gain_low"] > 0
    assert row["error"] < 0.06
    assert abs(row["lost_share"] - row["lost_came_share"]) < 0.06
    assert len(judge_forecast(_walked(30, 3, 2, TRUE), steps=12)) == 0


def test_true_intensities_lie_in_their_intervals(tmp_path):
    """The chain on the simulation's own stages: 95 % intervals of the moves that happen, against the true chances."""
    folder = simulate(tmp_path / "bank", customers=800, months=18, seed=5).folder
    truth = Truth.open(folder)
    own = truth.table("months", columns=["customer_id", "month_on", "stage"]).rename(columns={"month_on": "as_of"})
    people = Bank.open(folder).frame("customers", ["customer_id", "left_on"]).dropna()
    last = own["as_of"].max()
    gone = [
        (row.customer_id, day) for row in people.itertuples() for day in pd.date_range(row.left_on, last, freq="ME")
    ]
    lost = pd.DataFrame(gone, columns=["customer_id", "as_of"]).assign(stage="lost")
    stages = pd.concat([own, lost], ignore_index=True).astype({"as_of": "datetime64[us]", "stage": "str"})
    stages = stages.drop_duplicates(["customer_id", "as_of"], keep="first").assign(margin_amount=0.0)
    table = fit_chain(moves_between(stages)).table().set_index(["from", "to"])
    moves = truth.table("stage_moves")
    moves = moves[(moves["month_on"] > own["as_of"].min()) & (moves["stage"] != "lost")]
    summed = moves.groupby(["stage", "next_stage"])[["customers", "expected"]].sum()
    often = summed[summed["expected"] >= 10]
    true = often["expected"] / often["customers"]
    rows = table.loc[true.index]
    held = (rows["share_low"] <= true.to_numpy()) & (true.to_numpy() <= rows["share_high"])
    assert len(held) >= 10
    assert held.mean() >= 0.85
