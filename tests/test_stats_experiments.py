"""What a trial shows: sizes of arms, CUPED, regression adjustment, sizes of trials; Hillstrom's public trial."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from crmlab.errors import CrmlabError
from crmlab.stats.adjusted_effects import adjusted_difference, cuped
from crmlab.stats.experiments import difference_of_means, difference_of_shares
from crmlab.stats.power import smallest_difference, trial_size
from crmlab.stats.trial_arms import sample_ratio

_FILE = (
    Path(os.environ.get("CRMLAB_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    / "hillstrom"
    / "hillstrom_mens_vs_none.csv"
)


@pytest.fixture(scope="module")
def hillstrom():
    if not _FILE.exists():
        pytest.skip("Hillstrom's trial is not here")
    return pd.read_csv(_FILE).assign(is_treated=lambda f: f["segment"] == "Mens E-Mail")


def test_two_arms_are_tested_exactly():
    found = sample_ratio([40, 80], [0.5, 0.5])
    assert found.p_value == pytest.approx(binomtest(40, 120, 0.5).pvalue)
    assert found.is_alarm is (found.p_value < 0.001)
    assert sample_ratio([40, 80], [1 / 3, 2 / 3]).p_value == pytest.approx(1.0)


def test_strata_are_held_to_their_own_plan():
    # 50 of 100 and 20 of 100: as planned in each, though not alike; by hand chi-square = 0 with 2 degrees
    found = sample_ratio([[50, 50], [20, 80]], [[0.5, 0.5], [0.2, 0.8]])
    assert found.p_value == pytest.approx(1.0)
    # (60-50)^2/50 x 2 = 4 and (10-20)^2/20 + (90-80)^2/80 = 6.25: 10.25 with 2 degrees: exp(-5.125)
    found = sample_ratio([[60, 40], [10, 90]], [[0.5, 0.5], [0.2, 0.8]])
    assert found.p_value == pytest.approx(np.exp(-5.125), rel=1e-9)
    assert found.counts == (70.0, 130.0)


def test_the_alarm_on_sizes_is_rarely_false_and_finds_a_broken_draw():
    rng = np.random.default_rng(1)
    false = 0
    for _ in range(1_000):
        treated = rng.binomial([200, 60, 9], 0.6)
        counts = np.column_stack([treated, [200, 60, 9] - treated])
        false += sample_ratio(counts, [0.6, 0.4], false_alarm_rate=0.05).is_alarm
    assert false / 1_000 == pytest.approx(0.05, abs=0.025)
    assert sample_ratio([[620, 380], [60, 40]], [0.5, 0.5]).is_alarm
    assert "no effect is shown" in sample_ratio([700, 300], [0.5, 0.5]).reading


def test_sizes_that_make_no_sense_are_refused_at_once():
    with pytest.raises(CrmlabError) as error:
        sample_ratio([-1, 2.5], [0.5, 0.6], false_alarm_rate=0)
    assert list(error.value.problems) == [
        "sample_ratio: some counts are below 0 or not whole. Count customers.",
        "sample_ratio: planned shares must be above 0 and add up to 1. Give the share of every arm.",
        "sample_ratio: false_alarm_rate is 0. Give a share above 0 and below 1.",
    ]
    with pytest.raises(CrmlabError) as error:
        sample_ratio([1, 2, 3], [0.5, 0.5])
    assert str(error.value) == (
        "sample_ratio: counts have the shape (1, 3), the plan (1, 2). Give one share for each count."
    )
    empty = sample_ratio([0, 0], [0.5, 0.5])
    assert np.isnan(empty.p_value)
    assert not empty.is_alarm


def test_cuped_takes_away_rho_squared_and_stays_unbiased():
    rng = np.random.default_rng(1)
    inside, plain, sharp = 0, [], []
    for _ in range(300):
        before = rng.normal(size=400)
        arm = rng.random(400) < 0.5
        after = 0.8 * before + 0.6 * rng.normal(size=400) + 0.3 * arm
        found = cuped(after, arm, before)
        inside += found.estimate.low <= 0.3 <= found.estimate.high
        plain.append(difference_of_means(after, arm).value)
        sharp.append(found.estimate.value)
    assert inside / 300 == pytest.approx(0.95, abs=0.03)
    assert np.var(sharp) / np.var(plain) == pytest.approx(1 - 0.64, abs=0.07)
    # by definition: 1 - rho^2 of the variance within arms is left
    y, x = (
        after - np.where(arm, after[arm].mean(), after[~arm].mean()),
        before - np.where(arm, before[arm].mean(), before[~arm].mean()),
    )
    assert found.variance_reduction_share == pytest.approx(np.corrcoef(y, x)[0, 1] ** 2, abs=1e-12)


def test_cuped_with_a_fact_that_says_nothing_changes_nothing():
    y, arm = np.array([1.0, 2, 3, 4, 5, 6]), np.array([0, 1, 0, 1, 0, 1], dtype=bool)
    found = cuped(y, arm, np.ones(6))
    assert found.variance_reduction_share == pytest.approx(0, abs=1e-12)
    assert found.estimate.value == pytest.approx(1.0)
    constant = cuped(np.ones(6), arm, y)
    assert constant.variance_reduction_share == 0
    assert constant.estimate.value == 0


def test_lin_adjustment_agrees_with_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(2)
    x, arm = rng.normal(size=(300, 2)), rng.random(300) < 0.3
    y = x @ [1.0, -2.0] + arm * (1 + x[:, 0]) + rng.normal(size=300)
    centred = x - x.mean(axis=0)
    design = sm.add_constant(np.column_stack([arm, centred, centred * arm[:, None]]))
    fit = sm.OLS(y, design).fit(cov_type="HC2")
    found = adjusted_difference(y, arm, x)
    assert found.value == pytest.approx(fit.params[1], abs=1e-9)
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * fit.bse[1], rel=1e-6)
    # a fact twice, a constant, and strata that say nothing leave it as it is
    same = adjusted_difference(y, arm, np.column_stack([x, x[:, 0], np.ones(300)]))
    assert same.value == pytest.approx(found.value, abs=1e-8)


def test_gaps_are_refused_at_once():
    with pytest.raises(CrmlabError) as error:
        cuped([1.0, np.nan], [0, 1], [[1.0], [np.nan]], strata=[1])
    assert list(error.value.problems) == [
        "cuped: 2 outcomes against 1 strata. Give all for the same customers.",
        "cuped: 1 outcomes are not known. Leave those customers out, and count them.",
        "cuped: 1 facts are not known. Fill them with a value and add a flag.",
    ]
    assert np.isnan(adjusted_difference([1.0, 2.0, 3.0], [1, 1, 0], [1.0, 2.0, 4.0]).value)


@pytest.mark.parametrize(("holdout", "n"), [(0.5, 30_966), (0.3, 36_864), (0.1, 86_017), (0.05, 162_979)])
def test_a_trial_of_known_size(holdout, n):
    assert trial_size(0.106, 0.116, holdout=holdout) == n


def test_sizes_of_trials_turn_round_the_smallest_difference():
    assert trial_size(0.106, 0.116, scale="normal") // 2 == 15_489  # pooled under no difference: the textbook's
    n = trial_size(0.2, 0.15, holdout=0.3)
    assert smallest_difference(0.2, n, falls=True, holdout=0.3) == pytest.approx(0.05, abs=1e-5)
    assert trial_size(0.2, 0.2) is None
    assert trial_size(float("nan"), 0.2) is None
    with pytest.raises(CrmlabError) as error:
        trial_size(1.2, 0.1, scale="log")
    assert list(error.value.problems) == [
        "trial_size: the share is 1.2. Give a share from 0 to 1.",
        "trial_size has no scale 'log'. Choose arcsine or normal.",
    ]


def test_hillstrom_mean_effects(hillstrom):
    arm = hillstrom["is_treated"]
    base = hillstrom.loc[~arm, "visit"].mean()
    assert base == pytest.approx(0.10617, abs=5e-6)
    shown = {"visit": (0.07659, 0.00339), "spend": (0.76983, 0.14525), "conversion": (0.00681, None)}
    for outcome, (value, error) in shown.items():
        found = difference_of_means(hillstrom[outcome], arm)
        assert found.value == pytest.approx(value, abs=5.1e-6)
        if error:
            assert (found.high - found.low) / (2 * 1.959964) == pytest.approx(error, abs=6e-6)
    counts = [
        (hillstrom.loc[hillstrom["is_treated"] == a, "visit"].sum(), (hillstrom["is_treated"] == a).sum())
        for a in (True, False)
    ]
    assert difference_of_shares(*counts).value == pytest.approx(0.07659, abs=5.1e-6)
    assert not sample_ratio([arm.sum(), (~arm).sum()], [0.5, 0.5]).is_alarm


def test_hillstrom_last_years_spend_saves_next_to_nothing(hillstrom):
    arm = hillstrom["is_treated"]
    found = cuped(hillstrom["visit"], arm, hillstrom["history"])
    assert found.variance_reduction_share == pytest.approx(0.004, abs=0.0005)
    assert cuped(hillstrom["spend"], arm, hillstrom["history"]).variance_reduction_share < 0.001
    before = hillstrom[["history", "recency", "mens", "womens", "newbie"]]
    lin = adjusted_difference(hillstrom["visit"], arm, before)
    plain = difference_of_means(hillstrom["visit"], arm)
    assert lin.value == pytest.approx(plain.value, abs=3e-4)
    assert 0.95 < (lin.high - lin.low) / (plain.high - plain.low) < 1
