"""Intervals, resampling, transitions: hand arithmetic, published values, limits, coverage."""

import math

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.stats import (
    bootstrap,
    effective_count,
    median,
    percentile_limits,
    proportion,
    proportions,
    rate,
    rates,
    replicates,
    transitions,
)


def test_wilson_by_hand():
    # n = 10, 4 of them, z = 1.959964: centre (0.4 + z2/20) / (1 + z2/10) = 0.42775, reach 0.25957
    z2 = 1.959963984540054**2
    centre = (0.4 + z2 / 20) / (1 + z2 / 10)
    reach = math.sqrt(z2) * math.sqrt(0.24 / 10 + z2 / 400) / (1 + z2 / 10)
    found = proportion(4, 10)
    assert (found.value, found.n, found.unit) == (0.4, 10, "share")
    assert found.low == pytest.approx(centre - reach, abs=1e-12)
    assert found.high == pytest.approx(centre + reach, abs=1e-12)


def test_clopper_at_the_edges_is_closed_form():
    # none of n: upper limit 1 - (alpha/2)^(1/n); all of n: lower limit (alpha/2)^(1/n)
    none, every = proportion(0, 12, method="clopper"), proportion(12, 12, method="clopper")
    assert (none.low, none.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 12)))
    assert (every.low, every.high) == (pytest.approx(0.025 ** (1 / 12)), 1.0)


def test_shares_of_nobody_are_not_known():
    assert proportion(0, 0).text == "not known (n = 0)"
    row = proportions(pd.Series([0, 5], index=["a", "b"]), [0, 10])
    assert row.loc["a", ["share", "share_low", "share_high"]].isna().all()
    assert row.loc["b", "share"] == 0.5


def test_shares_refuse_what_cannot_be():
    with pytest.raises(CrmlabError) as error:
        proportion(11, 10, method="wald")
    assert error.value.problems == (
        "proportion: method 'wald' is not known. Choose one of wilson, clopper.",
        "proportion: successes lie outside 0 to n. Count them among the same rows.",
    )


def test_wilson_covers_close_to_its_level():
    generator = np.random.default_rng(4)
    for share in (0.02, 0.2, 0.5):
        drawn = generator.binomial(60, share, 4_000)
        limits = proportions(drawn, 60)
        covered = ((limits["share_low"] <= share) & (share <= limits["share_high"])).mean()
        assert 0.93 <= covered <= 0.985, share


def test_rate_has_garwoods_limits():
    # Garwood's table: 10 events, 95 %: 4.795 to 18.390; no events: 0 to 3.689
    ten, none = rate(10, 1, unit="count"), rate(0, 1, unit="count")
    assert (ten.low, ten.high) == (pytest.approx(4.795, abs=5e-4), pytest.approx(18.390, abs=5e-4))
    assert (none.low, none.high) == (0.0, pytest.approx(3.689, abs=5e-4))
    assert rates([3], [0]).isna().all(axis=None)
    with pytest.raises(CrmlabError, match=r"^rate: events or exposure are below 0. Give counts.$"):
        rates([-1], [1])


def test_median_interval_holds_at_least_its_level():
    # n = 10: ranks 2 and 9 hold 1 - 2 x (1 + 10) / 1024 = 97.9 %; ranks 3 and 8 only 89.1 %
    found = median(range(1, 11), unit="days")
    assert (found.value, found.low, found.high) == (5.5, 2.0, 9.0)
    few = median([3, 1, 2], unit="days")
    assert (few.value, few.low, few.n) == (2.0, None, 3)
    assert median([np.nan], unit="days").text == "not known (n = 0)"
    generator = np.random.default_rng(2)
    held = [median(row, unit="") for row in generator.exponential(size=(800, 25))]
    assert np.mean([m.low <= math.log(2) <= m.high for m in held]) >= 0.94


def _mean(values, weights):
    return np.average(values, weights=weights)


def test_bootstrap_of_a_mean_agrees_with_theory_and_repeats():
    values = np.random.default_rng(1).normal(10, 2, 400)
    first, again = (bootstrap(_mean, values, unit="days", seed=7) for _ in range(2))
    assert first == again
    reach = 1.96 * values.std() / 20
    assert first.value == pytest.approx(values.mean())
    assert first.high - first.low == pytest.approx(2 * reach, rel=0.1)
    assert first.method == "bootstrap, 1,000 resamples"


def test_bootstrap_of_nothing_and_of_one():
    assert bootstrap(_mean, [], unit="days").text == "not known (n = 0)"
    assert bootstrap(_mean, [3.0], unit="days").text == "3.00 days (n = 1)"
    with pytest.raises(
        CrmlabError, match=r"^bootstrap: the values have gaps. Leave those rows out first, and count them.$"
    ):
        bootstrap(_mean, [1.0, np.nan], unit="days")


def test_replicates_take_vectors_and_whole_rows():
    values = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    drawn = replicates(lambda rows, w: np.average(rows, axis=0, weights=w), values, resamples=50)
    assert drawn.shape == (50, 2)
    np.testing.assert_allclose(drawn[:, 1], 10 * drawn[:, 0])  # rows stay together


def test_transitions_by_hand():
    # of 4 in a: 2 stay, 1 to b, 1 left; of 1 in b: 1 to a
    before = pd.Series(["a", "a", "a", "a", "b"], index=list("vwxyz"))
    after = pd.Series(["a", "b", "a", "left", "a"], index=list("vwxyz"))
    moved = transitions(before, after, order=["a", "b"], ends=["left"]).set_index(["from", "to"])
    assert moved["customers_count"].to_dict() == {
        ("a", "a"): 2, ("a", "b"): 1, ("a", "left"): 1, ("b", "a"): 1, ("b", "b"): 0, ("b", "left"): 0,
    }  # fmt: skip
    assert moved.loc[("a", "a"), "share"] == 0.5
    assert moved["n"].tolist() == [4, 4, 4, 1, 1, 1]
    assert moved.groupby("from")["share"].sum().tolist() == [1.0, 1.0]


def test_transitions_do_not_depend_on_row_order():
    generator = np.random.default_rng(0)
    before = pd.Series(generator.choice(["a", "b"], 50))
    after = pd.Series(generator.choice(["a", "b"], 50))
    turned = generator.permutation(50)
    pd.testing.assert_frame_equal(
        transitions(before, after, order=["a", "b"]),
        transitions(before.iloc[turned], after.iloc[turned], order=["a", "b"]),
    )


def test_transitions_refuse_unknown_groups_and_other_customers():
    with pytest.raises(CrmlabError) as error:
        transitions(pd.Series(["a", "c"], index=[0, 1]), pd.Series(["a", "b"], index=[1, 0]), order=["a", "b"])
    assert error.value.problems == (
        "transitions: groups ['c'] are not in the order ['a', 'b']. Add them.",
        "transitions: both sides need the same customers in order.",
    )


def test_percentile_limits_leave_gaps_out_and_say_where_nothing_is_known():
    # 1 to 101: the 2.5 % point lies at place 2.5 of 100 steps: 3.5; with gaps in between nothing changes
    draws = np.arange(1.0, 102.0)
    low, high = percentile_limits(draws)
    assert (float(low), float(high)) == pytest.approx((3.5, 98.5))
    gaps = np.column_stack([np.append(draws, np.nan), np.full(102, np.nan)])
    low, high = percentile_limits(gaps)
    np.testing.assert_allclose(low, [3.5, np.nan])
    np.testing.assert_allclose(high, [98.5, np.nan])
    ranks = percentile_limits(np.array([1, 1, 2, 2, 3]), 0.5, method="inverted_cdf")
    assert [float(one) for one in ranks] == [1, 2]
    assert np.isnan(percentile_limits(np.empty((0, 3)))).all()


def test_effective_count_is_n_for_equal_weights_and_does_not_depend_on_scale():
    weights = np.array([[1.0, 1, 1, 1], [1, 3, 0, 0]])
    # second: (1 + 3)^2 / (1 + 9) = 1.6
    np.testing.assert_allclose(effective_count(weights, axis=1), [4, 1.6])
    np.testing.assert_allclose(effective_count(7 * weights, axis=1), [4, 1.6])
