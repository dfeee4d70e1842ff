"""Qini, AUTOC, gain curves, effects by group, the verdict: by hand, limits, coverage, false alarms."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.stats.effect_curves import autoc, effects_by_group, gain_curve, mean_effect, qini, targeting_curve
from crmlab.stats.heterogeneity import calibrated_effects, effect_line, heterogeneity


def test_qini_by_hand():
    # scores 1 0 0 0 in this order: the curve climbs to .25 at .25 and stays: area .25 x .125 / ... = .03125 + .1875
    # = .21875; straight line to .25: .125; between them .09375
    found = qini([4, 3, 2, 1], [1.0, 0, 0, 0])
    assert found.estimate.value == pytest.approx(0.09375)
    assert qini([1, 2, 3, 4], [1.0, 0, 0, 0]).estimate.value == pytest.approx(-0.09375)


def test_the_curve_has_the_area_that_qini_names():
    rng = np.random.default_rng(1)
    rank, score = rng.normal(size=200), rng.normal(size=200)
    curve = gain_curve(rank, score, points=200, resamples=2)
    area = np.trapezoid(curve["gain"], curve["treated_share"]) - curve["gain"].iloc[-1] / 2
    assert qini(rank, score).estimate.value == pytest.approx(area, abs=1e-12)
    toc = targeting_curve(curve)
    assert toc["advantage"].iloc[-1] == pytest.approx(0, abs=1e-12)
    # AUTOC: the mean advantage over all lengths, up to how the first of n places is rounded
    assert autoc(rank, score).estimate.value == pytest.approx(toc["advantage"].mean(), abs=0.02)


def test_a_score_that_is_the_same_for_all_is_worth_nothing():
    for measure in (qini, autoc):
        found = measure(np.ones(50), np.arange(50.0))
        assert found.estimate.value == pytest.approx(0, abs=1e-12)
        assert found.p_value > 0.4


def test_no_rows_and_one_row_are_not_known():
    assert np.isnan(qini([], []).estimate.value)
    assert np.isnan(autoc([1.0], [1.0]).estimate.value)
    assert np.isnan(mean_effect([]).value)
    one = mean_effect([0.5])
    assert (one.value, one.low, one.high) == (0.5, None, None)


def test_the_order_of_rows_and_the_scale_of_the_ranking_do_not_matter():
    rng = np.random.default_rng(1)
    rank, score, who = rng.normal(size=300), rng.normal(size=300), rng.integers(0, 200, 300)
    order = rng.permutation(300)
    for measure in (qini, autoc):
        a = measure(rank, score, customers=who)
        b = measure(np.exp(rank[order]), score[order], customers=who[order])
        assert b.estimate.value == pytest.approx(a.estimate.value, abs=1e-12)
        assert b.error == pytest.approx(a.error, abs=1e-12)


@pytest.mark.parametrize("measure", [qini, autoc])
def test_intervals_hold_the_truth(measure):
    rng = np.random.default_rng(1)
    held = 0
    # effect = s: G(q) = phi(z_q); mean effect 0. Qini = E[s (Phi(s) - 1/2)] = 1 / (2 sqrt(pi)); AUTOC by integration
    grid = (np.arange(1_000_000) + 0.5) / 1_000_000
    from scipy.stats import norm

    effect = norm.isf(grid)
    truth = {"qini": np.mean(effect * (0.5 - grid)), "autoc": np.mean(effect * (-np.log(grid) - 1))}[measure.__name__]
    for _ in range(400):
        s = rng.normal(size=400)
        found = measure(s, s + 3 * rng.normal(size=400)).estimate
        held += found.low <= truth <= found.high
    assert held / 400 == pytest.approx(0.95, abs=0.025)


def test_rows_of_one_customer_go_together():
    rng = np.random.default_rng(1)
    score = np.repeat(rng.normal(size=100), 4)
    who = np.repeat(np.arange(100), 4)
    alone, together = mean_effect(score), mean_effect(score, customers=who)
    assert together.high - together.low == pytest.approx(2 * (alone.high - alone.low), rel=0.02)
    assert together.value == alone.value


def test_effects_by_group_and_folds():
    found = effects_by_group(
        [4.0, 3, 2, 1, 40, 30, 20, 10], [1.0, 1, 0, 0, 3, 3, 0, 0], folds=[0] * 4 + [1] * 4, groups=2
    )
    assert found["effect"].tolist() == [2.0, 0.0]  # ranks within folds: 4 and 3 beside 40 and 30
    assert found["predicted"].tolist() == [19.25, 8.25]
    assert found["customers_count"].tolist() == [4, 4]


def test_gaps_and_lengths_are_refused_at_once():
    with pytest.raises(CrmlabError) as error:
        qini([1.0, np.nan], [1.0, 2.0], folds=[1])
    assert list(error.value.problems) == [
        "Qini: 2 scores against 1 folds. Give both for the same rows, in the same order.",
        "Qini: 1 ranks are missing. Leave those rows out, and count them.",
    ]
    with pytest.raises(CrmlabError) as error:
        heterogeneity(pd.DataFrame({"fold": [0], "score": [1.0]}), false_alarm_rate=2)
    assert list(error.value.problems) == [
        "heterogeneity: no learned effects. Ask cross_fitted_effects for one learner or more.",
        "heterogeneity: false_alarm_rate is 2. Give a share above 0 and below 1.",
    ]


def test_the_verdict_keeps_its_rate_of_false_alarms():
    rng = np.random.default_rng(1)
    false = 0
    for _ in range(400):
        shared = rng.normal(size=300)
        seen = {f"effect_{k}": shared + 0.5 * rng.normal(size=300) for k in ("t", "x", "dr")}
        found = heterogeneity(pd.DataFrame({"fold": np.arange(300) % 5, "score": rng.normal(size=300), **seen}))
        false += found.is_usable
    assert false / 400 < 0.05 + 0.022


def test_the_verdict_names_its_learner():
    rng = np.random.default_rng(1)
    true = rng.normal(size=2_000)
    table = pd.DataFrame({"fold": np.arange(2_000) % 5, "score": true + 2 * rng.normal(size=2_000)})
    table = table.assign(effect_t=rng.normal(size=2_000), effect_dr=true)
    found = heterogeneity(table)
    assert found.best == "effect_dr"
    assert (
        found.verdict
        == "Usable heterogeneity: the DR-learner finds who gains more, among 2,000 not seen by it (p < .0001)."
    )
    assert found.groups["effect"].is_monotonic_decreasing
    nothing = heterogeneity(table.drop(columns="effect_dr"))
    assert nothing.best == ""
    assert nothing.verdict.startswith(
        "No usable heterogeneity: none of the learners finds who gains more among 2,000 customers"
    )


def test_effects_of_the_wrong_size_are_brought_to_that_found():
    rng = np.random.default_rng(1)
    true = rng.normal(0.1, 0.2, 4_000)
    table = pd.DataFrame({"fold": np.arange(4_000) % 5, "score": true + rng.normal(size=4_000), "effect_dr": true / 4})
    made = calibrated_effects(table, "effect_dr")
    assert np.polyfit(made, true, 1) == pytest.approx([1, 0], abs=0.3)
    assert effect_line(-true, true)[1] == 0  # a learner the wrong way round: all alike
    assert effect_line([1.0, 1.0], [0.0, 1.0]) == (0.5, 0.0)
