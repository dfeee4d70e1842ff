"""Lorenz, Gini, top shares: hand arithmetic, invariances, limits, coverage of the interval."""

import numpy as np
import pytest
from scipy.stats import norm

from crmlab.errors import CrmlabError
from crmlab.stats import concentration, gini, lorenz, replicates, top_share
from crmlab.stats.concentration import _gini_error


def test_gini_by_hand():
    # 1, 2, 3, 4: mean absolute difference over pairs (with self) 20/16 = 1.25; divided by 2 x mean 2.5: 0.25
    assert gini([4, 1, 3, 2]) == pytest.approx(0.25)
    assert gini([0, 0, 0, 0, 10]) == pytest.approx(1 - 1 / 5)
    assert gini([3, 3, 3]) == pytest.approx(0.0)
    assert np.isnan(gini([0, 0]))
    assert np.isnan(gini([]))


def test_gini_equals_the_mean_difference():
    values = np.random.default_rng(3).lognormal(0, 1.4, 200)
    difference = np.abs(values[:, None] - values[None, :]).mean() / (2 * values.mean())
    assert gini(values) == pytest.approx(difference, rel=1e-12)


def test_gini_ignores_scale_order_and_copies():
    values = np.random.default_rng(3).exponential(size=50)
    once = gini(values)
    assert gini(values[::-1]) == pytest.approx(once)
    assert gini(values * 25.4) == pytest.approx(once)
    assert gini(np.repeat(values, 3)) == pytest.approx(once)
    assert gini(values, weights=np.full(50, 3)) == pytest.approx(once)


def test_lorenz_and_top_by_hand():
    # held 0, 2, 3, 5 of 10
    assert lorenz([5, 0, 3, 2], points=5)["held_share"].tolist() == pytest.approx([0, 0, 0.2, 0.5, 1.0])
    assert top_share([5, 0, 3, 2], 0.25) == pytest.approx(0.5)
    assert top_share([5, 0, 3, 2], 0.375) == pytest.approx(0.65)  # half of the second counts half
    assert lorenz([1, 3], weights=[3, 1], points=3)["held_share"].tolist() == pytest.approx([0, 1 / 3, 1])


def test_negative_and_missing_holdings_are_refused():
    with pytest.raises(CrmlabError) as error:
        gini([1.0, -2.0, np.nan])
    assert error.value.problems == (
        "concentration: 1 of 3 values are missing. Leave them out.",
        "concentration: 1 of 3 values are below 0. Use assets without debts, or set them to 0 and say so.",
    )


def test_concentration_holds_its_estimates_and_repeats():
    values = np.append(np.random.default_rng(5).lognormal(8, 1.5, 400), np.zeros(100))
    found, again = concentration(values, resamples=200), concentration(values[::-1], resamples=200)
    assert found.gini == again.gini
    assert found.gini.value == pytest.approx(gini(values))
    assert found.gini.low < found.gini.value < found.gini.high <= 1
    assert found.top[0.1].value == pytest.approx(top_share(values, 0.1))
    assert found.top[0.1].low < found.top[0.1].value < found.top[0.1].high
    assert found.none_share == 0.2
    curve = found.curve
    assert (curve["held_share_low"] <= curve["held_share"] + 1e-12).all()
    assert (curve["held_share"] <= curve["held_share_high"] + 1e-12).all()
    assert curve.iloc[[0, -1]]["held_share"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("values", [[], [5.0], [0.0, 0.0]])
def test_concentration_of_next_to_nothing_is_not_known(values):
    found = concentration(values, resamples=20)
    assert found.gini.text == f"not known (n = {len(values)})"
    assert found.curve["held_share"].isna().all()


def test_equal_holdings_have_no_spread():
    found = concentration([7.0] * 30, resamples=50)
    assert (found.gini.value, found.gini.low, found.gini.high) == (0.0, 0.0, 0.0)


def test_gini_interval_covers_close_to_its_level():
    # exponential holdings, true Gini 1/2; 300 banks of 200 customers: standard error of the coverage 1.3 points
    generator = np.random.default_rng(11)
    held = [concentration(generator.exponential(size=200), resamples=200, points=3, seed=i).gini for i in range(300)]
    covered = np.mean([estimate.low <= 0.5 <= estimate.high for estimate in held])
    assert 0.91 <= covered <= 0.985


def test_gini_interval_holds_in_a_heavy_tail_more_often_than_percentiles():
    # lognormal 1.5, 200 customers: 89 against 82 % over 300 banks (benchmarks/gini_coverage.py)
    truth = 2 * norm.cdf(1.5 / np.sqrt(2)) - 1
    generator = np.random.default_rng(12)
    hits = np.zeros(2)
    for seed in range(200):
        values = generator.lognormal(0, 1.5, 200)
        ours = concentration(values, resamples=200, points=3, seed=seed).gini
        low, high = np.quantile(replicates(gini, values, resamples=200, seed=seed), [0.025, 0.975])
        hits += (ours.low <= truth <= ours.high, low <= truth <= high)
    assert hits[0] / 200 >= 0.8
    assert hits[0] >= hits[1] + 5


def test_large_banks_are_resampled_in_blocks_with_the_same_result():
    values = np.random.default_rng(4).lognormal(8, 1.2, 12_000)
    found = concentration(values, resamples=300, points=3)
    plain = replicates(gini, np.sort(values), resamples=300)
    assert found.gini.value == pytest.approx(gini(values), rel=1e-12)
    assert found.gini.high - found.gini.low == pytest.approx(np.subtract(*np.quantile(plain, [0.975, 0.025])), rel=0.25)


def test_linearised_error_agrees_with_the_bootstrap():
    values = np.sort(np.random.default_rng(2).exponential(size=2_000))
    ones = np.ones(2_000, dtype=int)
    error = _gini_error(values, ones, gini(values))
    assert error == pytest.approx(replicates(gini, values, resamples=400).std(), rel=0.1)
    # a row counted three times is three rows
    weights = np.tile([1, 3], 1_000)
    spread = np.repeat(values, weights)
    assert _gini_error(values, weights, gini(values, weights)) == pytest.approx(
        _gini_error(spread, np.ones(len(spread)), gini(spread)), rel=1e-3
    )
