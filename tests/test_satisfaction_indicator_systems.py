"""Indicator systems: weights of three levels by hand, and what the choice of weights does to index and ranking."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from crmlab.errors import CrmlabError
from crmlab.satisfaction.indicators.analytic_hierarchy import judgements_of, pairwise_weights
from crmlab.satisfaction.indicators.entropy_weights import entropy_weights
from crmlab.satisfaction.indicators.indicator_systems import IndicatorSystem, item_weights, weightings
from crmlab.satisfaction.indicators.weighting_effects import compare_indices, compare_rankings

SYSTEM = IndicatorSystem("satisfaction", {"service": ["s1", "s2"], "fees": ["f1"]}, low=1, high=10)


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    branch = rng.choice(list("ABCDEFGH"), 800)
    level = dict(zip("ABCDEFGH", rng.normal(0, 1, 8), strict=True))
    service = 7 + np.array([level[one] for one in branch])
    frame = pd.DataFrame({
        "s1": service + rng.normal(0, 1, 800), "s2": service + rng.normal(0, 1, 800),
        "f1": 5 + rng.normal(0, 2.5, 800), "branch": branch,
    })  # fmt: skip
    return frame.assign(**frame[["s1", "s2", "f1"]].clip(1, 10).round())


def test_weights_of_three_levels_by_hand():
    # service .75 of all, s1 to s2 as 2 to 1; fees .25
    found = item_weights(SYSTEM, dimension_weights=pd.Series({"fees": 1, "service": 3}),
                         within={"service": pd.Series({"s1": 2, "s2": 1})})  # fmt: skip
    assert found.to_dict() == pytest.approx({"s1": 0.5, "s2": 0.25, "f1": 0.25})


def test_every_weighting_side_by_side(answers):
    judged = pairwise_weights(judgements_of(["service", "fees"], {("service", "fees"): 4})).weights
    path = pd.Series({"f1": 0.3, "s1": 0.3, "s2": 0.6})
    found = weightings(answers, SYSTEM, judged=judged, path_model=path)
    assert list(found.columns) == ["equal", "path_model", "judged", "entropy", "combined"]
    assert found.sum().tolist() == pytest.approx([1] * 5)
    assert found["equal"].to_dict() == pytest.approx({"s1": 0.25, "s2": 0.25, "f1": 0.5})
    assert found["judged"].to_dict() == pytest.approx({"s1": 0.4, "s2": 0.4, "f1": 0.2})
    assert found["path_model"].to_dict() == pytest.approx({"s1": 0.25, "s2": 0.5, "f1": 0.25})
    entropy = entropy_weights(answers[["s1", "s2", "f1"]])["weight"]
    assert found["entropy"].to_dict() == pytest.approx(entropy.to_dict())
    product = found["judged"] * entropy
    assert found["combined"].to_dict() == pytest.approx((product / product.sum()).to_dict())


def test_index_by_hand_with_a_gap():
    frame = pd.DataFrame({"s1": [10.0, 4, np.nan], "s2": [7.0, 7, 7], "f1": [1.0, 1, 1]})
    weights = pd.DataFrame({"equal": [0.25, 0.25, 0.5], "fees only": [0.0, 0.0, 1.0]}, index=["s1", "s2", "f1"])
    found = compare_indices(frame, SYSTEM, weights, resamples=100)
    # means 7, 7, 1: (.25 * 7 + .25 * 7 + .5 * 1 - 1) / 9 = 3 / 9
    assert found["index_equal"].value == pytest.approx(100 / 3)
    assert found["index_fees only"].value == 0
    assert found["difference_fees only"].value == pytest.approx(-100 / 3)
    row = found.frame.set_index("weighting").loc["fees only"]
    assert (row["largest_item"], row["largest_item_difference"]) == ("f1", 0.5)
    assert found.title == "The choice of weights moves the index by 33.3 points"


def test_limits_of_the_index_are_those_of_a_mean(answers):
    weights = pd.DataFrame({"equal": item_weights(SYSTEM)})
    found = compare_indices(answers, SYSTEM, weights, resamples=2_000)["index_equal"]
    score = 100 * (answers[["s1", "s2", "f1"]] @ weights["equal"] - 1) / 9
    assert found.value == pytest.approx(score.mean())
    error = score.std() / np.sqrt(len(score))
    assert [found.low, found.high] == pytest.approx([score.mean() - 1.96 * error, score.mean() + 1.96 * error], abs=0.1)


def test_survey_weights_count_as_rows(answers):
    weight = np.tile([1.0, 3.0], 400)
    weights = weightings(answers, SYSTEM)
    first = compare_indices(answers.assign(weight=weight), SYSTEM, weights, weight="weight", resamples=100)
    other = compare_indices(answers.loc[answers.index.repeat(weight.astype(int))], SYSTEM, weights, resamples=100)
    assert first.frame["index"].tolist() == pytest.approx(other.frame["index"].tolist())


def test_ranks_by_hand_against_scipy(answers):
    weights = pd.DataFrame({"equal": [0.25, 0.25, 0.5], "fees only": [0.0, 0.0, 1.0]}, index=["s1", "s2", "f1"])
    found = compare_rankings(answers, SYSTEM, weights, group="branch", resamples=200)
    means = answers.groupby("branch")[["s1", "s2", "f1"]].mean()
    equal, fees = means @ weights["equal"], means["f1"]
    row = found.frame.set_index("weighting").loc["fees only"]
    assert row["rank_correlation"] == pytest.approx(scipy.stats.spearmanr(equal, fees).statistic)
    assert row["leader"] == fees.idxmax()
    moves = (equal.rank(ascending=False) - fees.rank(ascending=False)).abs()
    assert (row["largest_move"], row["largest_mover"]) == (moves.max(), moves.idxmax())
    assert row["rank_correlation_low"] <= row["rank_correlation"] <= row["rank_correlation_high"]
    same = found.frame.set_index("weighting").loc["equal"]
    assert same[["rank_correlation", "rank_correlation_low", "rank_correlation_high"]].tolist() == pytest.approx(
        [1] * 3
    )


def test_small_groups_are_left_out(answers):
    more = pd.concat([answers, answers.iloc[:4].assign(branch="tiny")])
    weights = weightings(answers, SYSTEM)
    assert compare_rankings(more, SYSTEM, weights, group="branch", resamples=100).frame["n"].tolist() == [8, 8]
    with pytest.raises(CrmlabError) as refused:
        compare_rankings(answers.query("branch < 'D'"), SYSTEM, weights, group="branch")
    assert str(refused.value) == (
        "indicator system: 3 groups with 5 or more responses; 5 are needed to compare rankings. Use larger groups or "
        "more waves."
    )


def test_systems_refused():
    with pytest.raises(CrmlabError) as refused:
        IndicatorSystem("satisfaction", {"service": ["s1", "f1"], "fees": ["f1"], "image": []}, low=10, high=1)
    assert str(refused.value) == (
        "3 problems:\n"
        "- indicator system: image has no item. Name some.\n"
        "- indicator system: f1 in two places. An item has one dimension.\n"
        "- indicator system: the scale runs from 10 to 1. Give its two ends."
    )


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda t: weightings(t.assign(f1=0.0, s1=np.nan).rename(columns={"s2": "s02"}), SYSTEM),
            "3 problems:\n"
            "- indicator system: the frame lacks column 's2'. Did you mean 's02'? Name a column of the frame.\n"
            "- indicator system: f1 leave the scale 1 to 10. Correct scale or codes.\n"
            "- indicator system: s1 have no answer. Leave them out of the system.",
        ),
        (
            lambda t: weightings(t, SYSTEM, path_model=pd.Series({"s1": 0.5, "s2": 0.7, "f1": -0.2})),
            "weights of path model: f1 missing, below 0 or all 0. An index takes weights from 0 on.",
        ),
        (
            lambda t: weightings(t, SYSTEM, judged=pd.Series({"service": 0.5, "price": 0.5})),
            "weights of judged: they differ from the system in f1, price, s1, s2, service. Use its names.",
        ),
        (
            lambda t: compare_indices(
                t, SYSTEM, pd.DataFrame({"a": [1.0, 1, 1]}, index=["s1", "s2", "f1"]), resamples=9
            ),
            "3 problems:\n"
            "- weights: a weighting does not sum to 1. Divide it by its sum.\n"
            "- weights: 'equal' is no weighting. Choose one of a.\n"
            "- indicator system: 9 resamples give no limits. Ask for 100 or more.",
        ),
    ],
)
def test_inputs_refused(answers, ask, message):
    with pytest.raises(CrmlabError) as refused:
        ask(answers)
    assert str(refused.value) == message
