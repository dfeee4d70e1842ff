"""Small groups: a published example, recovery of a known truth, and groups that tell nothing."""

import math

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.satisfaction.survey.small_groups import group_means, shrink_groups

# Rubin (1981), effects of coaching in eight schools; Gelman et al. (2013), Bayesian Data Analysis, table 5.2
SCHOOLS = pd.DataFrame(
    {
        "group": list("ABCDEFGH"),
        "n": 1,
        "mean": [28.0, 8, -3, 7, -1, 1, 18, 12],
        "error": [15.0, 10, 16, 11, 9, 11, 10, 18],
    }
)


def test_the_eight_schools():
    found = shrink_groups(SCHOOLS)
    # Posterior means with a flat prior on the deviation, as in BDA 5.5 and the documentation of Stan (RStan: getting
    # started): A 11.4, B 7.9, C 6.1, D 7.6, E 5.1, F 6.2, G 10.7, H 8.5, center 7.9, the simulation error about 0.1
    x = found.frame.set_index("group")["x"]
    expected = {"A": 11.4, "B": 7.9, "C": 6.1, "D": 7.6, "E": 5.1, "F": 6.2, "G": 10.7, "H": 8.5}
    assert x.to_dict() == pytest.approx(expected, abs=0.15)
    assert found.center == pytest.approx(7.9, abs=0.1)
    # The restricted likelihood of the eight schools is highest at no difference at all
    assert found.between_deviation == pytest.approx(0, abs=1e-4)
    # BDA: 2.5 and 97.5 % of A about -2 and 31
    limits = found.frame.set_index("group").loc["A", ["x_low", "x_high"]].tolist()
    assert limits == pytest.approx([-2, 31], abs=1)
    assert (found.frame["call"] == "not told apart").all()
    assert found.evidence("schools").title == "None of 8 schools can be told apart from the others"


def test_equal_errors_give_the_textbook_deviation():
    # equal errors 1: the restricted estimate is variance of the means less error^2 = 10 - 1
    table = pd.DataFrame({"group": list("abcde"), "n": 9, "mean": [0.0, 2, 4, 6, 8], "error": 1.0})
    assert shrink_groups(table).between_deviation == pytest.approx(3, abs=1e-6)


def test_pooled_error_by_hand():
    # a: 6, 8; b: 9, 9, 12; within squares 2 + 6 = 8, degrees of freedom 1 + 2: deviation sqrt(8 / 3)
    answers = pd.DataFrame({"x": [6, 8, 9, 9, 12.0, np.nan], "by": list("aabbbc")})
    found = group_means(answers, "x", "by")
    assert found["group"].tolist() == ["a", "b"]
    assert found["error"].tolist() == pytest.approx([(8 / 3 / 2) ** 0.5, (8 / 3 / 3) ** 0.5])
    scaled = group_means(answers.assign(w=7.0), "x", "by", weight="w")
    assert scaled["error"].tolist() == pytest.approx(found["error"].tolist())


def test_the_best_of_200_branches_is_overstated_by_raw_means_only():
    generator = np.random.default_rng(8)
    raw_over, over, held = [], [], []
    for _ in range(15):
        truth = generator.normal(70, 3, 200)
        answers = pd.DataFrame(
            {"x": generator.normal(np.repeat(truth, 40), 20), "branch": np.repeat(np.arange(200), 40)}
        )
        frame = shrink_groups(group_means(answers, "x", "branch")).frame
        true = truth[frame["group"]]
        best = frame["raw"].idxmax()
        raw_over.append(frame["raw"][best] - true[best])
        over.append(frame["x"][0] - true[0])
        held.append(((frame["x_low"] <= true) & (true <= frame["x_high"])).mean())
    assert np.mean(raw_over) > 5.5
    assert abs(np.mean(over)) < 1.8  # standard error of 15 differences of deviation 2.3: 0.6
    assert 0.935 < np.mean(held) < 0.965


def test_called_branches_are_mostly_right_and_none_is_called_without_differences():
    generator = np.random.default_rng(9)
    right = called = 0
    for _ in range(30):
        truth = generator.normal(7, 1, 30)
        table = pd.DataFrame({"group": range(30), "n": 20, "mean": generator.normal(truth, 0.45), "error": 0.45})
        frame = shrink_groups(table, top_count=3).frame
        named = frame["group"][frame["call"] == "top"]
        right += int(np.isin(named, np.argsort(-truth)[:3]).sum())
        called += len(named)
    assert called > 20
    assert right / called >= 0.8
    flat = [
        shrink_groups(table.assign(mean=generator.normal(7, 0.45, 30)), top_count=3).frame["call"].ne("not told apart")
        for _ in range(30)
    ]
    assert np.mean(flat) <= 0.002


def test_order_and_scale_do_not_matter():
    one = shrink_groups(SCHOOLS).frame.set_index("group")
    other = shrink_groups(SCHOOLS.iloc[::-1]).frame.set_index("group").loc[one.index]
    assert other["x"].to_numpy() == pytest.approx(one["x"].to_numpy())
    scaled = SCHOOLS.assign(mean=SCHOOLS["mean"] * 10 + 5, error=SCHOOLS["error"] * 10)
    again = shrink_groups(scaled).frame.set_index("group").loc[one.index]
    assert again["x"].to_numpy() == pytest.approx(10 * one["x"].to_numpy() + 5)
    assert again["p_top"].to_numpy() == pytest.approx(one["p_top"].to_numpy())


def test_a_branch_of_one_is_pulled_in_and_placed():
    answers = pd.DataFrame({"x": [10.0, *([7.0, 8, 6, 7] * 5)], "by": ["lone", *np.repeat(list("abcde"), 4)]})
    frame = shrink_groups(group_means(answers, "x", "by")).frame.set_index("group")
    assert frame.loc["lone", "n"] == 1
    assert frame.loc["lone", "x"] < 9
    assert frame.loc["lone", "reliability"] < frame.loc["a", "reliability"]


def test_one_respondent_a_branch_everywhere_leaves_means_as_they_are():
    summary = group_means(pd.DataFrame({"x": [3.0, 5, 9], "by": list("abc")}), "x", "by")
    assert summary["error"].isna().all()
    found = shrink_groups(summary)
    assert found.frame["x"].tolist() == [9, 5, 3]
    assert found.frame["x_low"].isna().all()
    assert math.isnan(found.between_deviation)
    assert found.evidence().reading == (
        "No answers of any of the 3 branches differ, or none has two: what is chance cannot be told, so nothing is "
        "ranked."
    )


def test_everybody_answers_ten():
    answers = pd.DataFrame({"x": 10.0, "by": np.repeat(list("abcd"), 5)})
    found = shrink_groups(group_means(answers, "x", "by"))
    assert found.frame["x"].tolist() == [10] * 4
    assert found.frame["expected_rank"].tolist() == [2.5] * 4
    assert found.frame[["x_low", "p_top", "reliability"]].isna().all(axis=None)


def _problems(call, *args, **kwargs):
    with pytest.raises(CrmlabError) as error:
        call(*args, **kwargs)
    return error.value.problems


def test_what_cannot_be_is_refused():
    two = pd.DataFrame({"group": ["a", "a"], "n": 1, "mean": [1.0, np.nan], "error": [1.0, 0.0]})
    assert _problems(shrink_groups, two, top_count=3, confidence=0.4) == (
        "shrink_groups: there are 2 groups. Give 3 or more; show fewer as they are.",
        "shrink_groups: ['a'] have no mean, or no error above 0. Leave them out, or pool the error over groups.",
        "shrink_groups: the 3 best and worst of 2 groups overlap. Give 1 to 1.",
        "shrink_groups: confidence is 0.4. Give a chance above 0.5 and below 1.",
        "shrink_groups: groups ['a'] are there twice. Give one row a group.",
    )
    assert _problems(shrink_groups, two[["group", "mean"]]) == (
        "shrink_groups: the summary lacks columns ['n', 'error']; it has ['group', 'mean']. Take it from group_means, "
        "or name them so.",
    )
    frame = pd.DataFrame({"sat": [1.0], "branch": ["a"], "w": [-1.0]})
    assert _problems(group_means, frame, "sta", "branch") == (
        "group_means: the frame lacks column 'sta'. Did you mean 'sat'? Name one it has.",
    )
    assert _problems(group_means, frame, "sat", "branch", weight="w") == (
        "group_means: 1 of 1 weights are negative or missing. Give 0 or more.",
    )
