"""Measures: brute-force check of the cluster-robust errors, size by simulation, verdicts, what cannot be judged."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import linalg
from scipy import stats as laws

from crmlab.errors import CrmlabError
from crmlab.satisfaction.change.before_after import ClusteredChange, clustered_change, compared_change
from crmlab.satisfaction.change.measures_taken import measures_evidence, measures_taken

WAVES = {"2023": "2023-05-01", "2024": "2024-05-01", "2025": "2025-05-01"}


def _bell_mccaffrey(design, y, clusters, contrast):
    """CR2 and its degrees of freedom by full matrices, as Bell and McCaffrey (2002) write them."""
    inverse = np.linalg.inv(design.T @ design)
    hat = design @ inverse @ design.T
    left = np.eye(len(y)) - hat
    residual, pulls = left @ y, []
    for cluster in np.unique(clusters):
        rows = clusters == cluster
        adjust = np.real(linalg.fractional_matrix_power(left[np.ix_(rows, rows)], -0.5))
        pulls.append(left[:, rows] @ adjust @ design[rows] @ inverse @ contrast)
    pulls = np.array(pulls).T  # left is symmetric and left @ residual = residual
    variance = float(((pulls.T @ residual) ** 2).sum())
    law = pulls.T @ pulls
    return contrast @ inverse @ design.T @ y, math.sqrt(variance), np.trace(law) ** 2 / np.trace(law @ law)


def _unequal(seed):
    generator = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(7), generator.integers(3, 15, 7))
    after = generator.random(len(clusters)) < 0.5
    return clusters, after, generator.normal(7, 1, len(clusters)) + generator.normal(0, 1, 7)[clusters]


def test_a_change_is_cr2_of_the_full_regression():
    clusters, after, y = _unequal(1)
    found = clustered_change(pd.Series(y), pd.Series(after), clusters=pd.Series(clusters))
    design = np.column_stack([~after, after]).astype(float)
    change, error, freedom = _bell_mccaffrey(design, y, clusters, np.array([-1.0, 1.0]))
    assert (found.change, found.error, found.freedom) == pytest.approx((change, error, freedom))


def test_a_comparison_is_cr2_of_the_full_regression():
    clusters, after, y = _unequal(2)
    treated = clusters < 3
    sides = [
        clustered_change(pd.Series(y[s]), pd.Series(after[s]), clusters=pd.Series(clusters[s]))
        for s in (treated, ~treated)
    ]
    found = compared_change(*sides)
    design = np.column_stack([treated & ~after, treated & after, ~treated & ~after, ~treated & after]).astype(float)
    change, error, freedom = _bell_mccaffrey(design, y, clusters, np.array([-1.0, 1.0, 1.0, -1.0]))
    assert (found.change, found.error, found.freedom) == pytest.approx((change, error, freedom))


def test_equal_clusters_give_the_t_test_of_their_changes():
    generator = np.random.default_rng(3)
    before, after = generator.normal(7, 1, 9), generator.normal(8, 1, 9)
    found = clustered_change(
        pd.Series(np.r_[before, after]), pd.Series([False] * 9 + [True] * 9), clusters=pd.Series([*range(9)] * 2)
    )
    assert found.p_value == pytest.approx(laws.ttest_rel(after, before).pvalue)
    lot = clustered_change(pd.Series(after), pd.Series([True] * 9), clusters=pd.Series(range(9)), is_after_only=True)
    assert lot.error == pytest.approx(after.std(ddof=1) / 3)
    assert lot.freedom == pytest.approx(8)


def test_weights_count():
    frame = {"values": pd.Series([6.0, 8, 7, 9]), "is_after": pd.Series([False, False, True, True])}
    clusters = pd.Series(list("abab"))
    found = clustered_change(**frame, clusters=clusters, weights=pd.Series([3.0, 1, 1, 3]))
    assert (found.before, found.after) == (6.5, 8.5)
    same = clustered_change(**frame, clusters=clusters, weights=pd.Series([30.0, 10, 10, 30]))
    assert same.error == pytest.approx(found.error)


def _effects(treated, others, runs, *, seed, answers=8, shock=0.3):
    """p-values of comparisons without any effect: branches drift, each on its own."""
    generator = np.random.default_rng(seed)
    count = treated + others
    branch, side = np.repeat(np.arange(count), 2 * answers), np.tile(np.repeat([0, 1], answers), count)
    got = branch < treated
    result = []
    for _ in range(runs):
        drift = generator.normal(0, shock, (count, 2))
        y = drift[branch, side] + generator.normal(0, 1.5, len(branch))
        changes = [
            clustered_change(pd.Series(y[s]), pd.Series(side[s] == 1), clusters=pd.Series(branch[s]))
            for s in (got, ~got)
        ]
        means = y.reshape(count, 2, answers).mean(axis=2)
        spread = np.std((means[:, 1] - means[:, 0])[treated:], ddof=1)
        result.append(compared_change(*changes, spread=spread).p_value)
    return np.array(result)


@pytest.mark.parametrize(("treated", "others"), [(1, 12), (2, 12), (3, 6), (12, 12)])
def test_false_verdicts_stay_at_the_level_with_few_branches(treated, others):
    wrong = (_effects(treated, others, 400, seed=treated) < 0.05).mean()
    # 5 % of 400 have a standard error of 1.1 %; with two treated the degrees of freedom, about 1.2, err to safety
    assert wrong <= 0.083
    assert wrong >= 0.015 or treated == 2


def _answers(effect, *, drift=0.5, seed=5, before_drift=0.0, branches=20):
    """Half of the branches get a measure between 2024 and 2025; all drift."""
    generator = np.random.default_rng(seed)
    rows = []
    for branch in range(branches):
        pilot, level = branch % 2 == 0, generator.normal(7, 0.5)
        for t, wave in enumerate(WAVES):
            mean = level + drift * t + pilot * (effect * (t == 2) + before_drift * (t >= 1))
            rows.append(
                pd.DataFrame({"branch": branch, "group": "pilot" if pilot else "other", "wave": wave,
                              "sat": generator.normal(mean + generator.normal(0, 0.1), 1, 30)})
            )  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _measure(**more):
    row = {"measure": "Call back", "owner": "Li", "indicator": "sat", "started_on": "2024-12-01", "column": "group",
           "value": "pilot"}  # fmt: skip
    return pd.DataFrame([row | more])


def _judged(answers, **more):
    return measures_taken(answers, _measure(**more), WAVES, cluster="branch").iloc[0]


def test_a_true_effect_is_found_beside_a_common_drift():
    row = _judged(_answers(0.8))
    assert row["design"] == "compared"
    assert row["effect_low"] < 0.8 < row["effect_high"]
    assert row["control_change_low"] < 0.5 < row["control_change_high"]
    assert row["change"] == pytest.approx(row["effect"] + row["control_change"])
    assert (row["verdict"], row["is_parallel"]) == ("better", True)
    assert row["reading"].startswith("Call back (sat): +0.")
    assert row["reading"].endswith("more than the others.")
    assert row["next_step"] == "Keep it and extend it to the others."
    assert (row["treated_clusters_count"], row["control_clusters_count"], row["n"]) == (10, 10, 1200)


def test_drift_alone_is_no_effect_and_told_as_associated_without_others():
    answers = _answers(0.0)
    compared = _judged(answers)
    assert compared["verdict"] == "no clear change"
    assert compared["next_step"].startswith("Keep measuring; an effect of 0.")
    alone = _judged(answers, column=None, value=None)
    assert (alone["design"], alone["verdict"]) == ("before and after", "better")  # the drift, not the measure
    assert alone["reading"].endswith("from before to after, associated with the measure; common drift is in it.")
    assert alone["control_clusters_count"] == 0
    assert math.isnan(alone["control_change"])


def test_direction_and_harm():
    assert _judged(_answers(-0.8))["verdict"] == "worse"
    assert _judged(_answers(-0.8), is_higher_better=False)["verdict"] == "better"


def test_groups_that_moved_apart_before_are_told():
    row = _judged(_answers(0.8, before_drift=0.9))
    assert row["is_parallel"] is False or row["is_parallel"] == np.False_
    assert row["drift_before"] == pytest.approx(0.9, abs=0.4)
    assert row["reading"].endswith("Groups moved apart before it started.")
    assert row["next_step"] == "Compare with branches that moved alike before."


def test_a_randomised_pilot_compares_after_only():
    answers = _answers(0.8)
    row = _judged(answers, is_randomised=True)
    after = answers[answers["wave"] == "2025"].groupby(["group", "branch"])["sat"].mean()
    test = laws.ttest_ind(after["pilot"], after["other"])  # equal branches: the t-test of their means
    assert row["design"] == "randomised"
    assert row["p_value"] == pytest.approx(test.pvalue)
    only = _judged(answers[answers["wave"] == "2025"], is_randomised=True)  # no wave before is needed
    assert only["effect"] == pytest.approx(row["effect"])


def test_one_treated_branch_is_held_against_the_spread_of_the_others():
    answers = _answers(0.0)
    answers.loc[answers["branch"] == 0, "group"] = "lone"
    answers = answers[answers["group"] != "pilot"]
    row = _judged(answers, value="lone")
    means = answers.pivot_table(index="branch", columns="wave", values="sat")
    changes = (means["2025"] - means["2024"]).drop(index=0)
    error = changes.std() * math.sqrt(1 + 1 / 10)
    assert row["treated_clusters_count"] == 1
    assert row["effect_high"] - row["effect"] == pytest.approx(laws.t.ppf(0.975, 9) * error)


def test_many_measures_are_judged_together():
    days = ["2024-12-01", "2023-12-01", "2025-12-01", "2022-01-01"]
    table = pd.concat([_measure(measure=f"Nr {k}", started_on=day) for k, day in enumerate(days)], ignore_index=True)
    found = measures_taken(_answers(0.8), table, WAVES, cluster="branch")
    assert found["design"].tolist() == ["compared", "compared", "not known", "not known"]
    assert found["p_holm"][0] == pytest.approx(min(1, 2 * found["p_value"][0]))
    assert found["reading"][2] == "Nr 2 (sat): not known, there is no wave after its start."
    assert found["reading"][3] == "Nr 3 (sat): not known, there is no wave before its start."
    assert found["verdict"].tolist() == ["better", "no clear change", "not known", "not known"]
    told = measures_evidence(found)
    assert told.title == "1 of 2 measures made it better, 0 worse"
    assert told.reading.endswith("more than the others. 2 of 4 cannot be judged yet.")


def test_degenerate_answers_have_a_stated_result():
    ten = _answers(0.0).assign(sat=10.0)
    row = _judged(ten)
    assert (row["effect"], row["verdict"]) == (0, "not known")
    assert row["reading"] == "Call back (sat): +0.00, interval not known (too few clusters, or all answers alike)."
    missing = _answers(0.5)
    missing.loc[(missing["wave"] == "2025") & (missing["group"] == "pilot"), "sat"] = np.nan
    assert _judged(missing)["reading"] == "Call back (sat): not known, nobody answered among treated wave 2025."
    one_wave = missing[missing["wave"] == "2024"]
    assert _judged(one_wave)["reading"] == "Call back (sat): not known, there is no wave after its start."
    weightless = _answers(0.5)
    weightless["weight"] = (weightless["wave"] != "2024").astype(float)
    assert _judged(weightless)["reading"] == "Call back (sat): not known, nobody answered among treated wave 2024."
    two = _judged(_answers(0.5, branches=2))  # one branch each: nothing tells drift from effect
    assert two["verdict"] == "not known"
    assert math.isnan(two["effect_low"])
    singles = _answers(0.8).groupby(["branch", "wave"], as_index=False).first()  # one answer a branch and wave
    assert singles.shape[0] == 60
    assert np.isfinite(_judged(singles)["effect_low"])
    nobody = ClusteredChange(*(math.nan,) * 5, 0, 0)
    assert math.isnan(nobody.p_value)


def _problems(call, *args, **kwargs):
    with pytest.raises(CrmlabError) as error:
        call(*args, **kwargs)
    return error.value.problems


def test_what_cannot_be_is_refused():
    answers = _answers(0.0, branches=4)
    table = pd.concat([_measure(indicator="sta"), _measure(value="pilto", started_on="soon")], ignore_index=True)
    waves = {"2024": "2024-05-01"}
    broken = answers.assign(weight=-1.0, branch=answers["branch"].where(answers["branch"] > 0))
    assert _problems(measures_taken, broken, table, waves, cluster="branch") == (
        "measure 'Call back': the answers lack column 'sta'. Did you mean 'sat'? Name one they have.",
        "measure 'Call back': nobody has group 'pilto'. Did you mean 'pilot'? Give one of ['other', 'pilot'].",
        "measure 'Call back': started_on 'soon' is no date. Write YYYY-MM-DD.",
        "waves: the days of ['2023', '2025'] are not given. Add the day on which each was in the field.",
        "measures_taken: 360 of 360 weights are negative or missing. Give 0 or more.",
        "measures_taken: branch is missing in 90 of 360 responses. Fill it, or leave them out.",
    )
    assert _problems(measures_taken, answers, _measure().drop(columns="owner"), WAVES, cluster="brnch") == (
        "measures: columns ['owner'] are missing; there are ['measure', 'indicator', 'started_on', 'column', 'value']. "
        "Add them.",
        "measures_taken: the answers lack column 'brnch'. Did you mean 'branch'? Name one they have.",
    )
    assert _problems(measures_taken, answers, _measure().iloc[:0], WAVES, cluster="branch") == (
        "measures: the table is empty. Give one row a measure.",
    )
