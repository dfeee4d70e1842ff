"""AUC, average precision, gains, lift, KS: by hand, against scikit-learn, identities, ties, limits, coverage."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from crmlab.errors import CrmlabError
from crmlab.stats import (
    auc,
    auc_by_period,
    auc_within_periods,
    average_precision,
    cumulative_gains,
    kolmogorov_smirnov,
    lift,
    lift_difference,
    ranking_difference,
)


def drawn(seed, n=400, rate=0.2, d=1.0, ties=False):
    generator = np.random.default_rng(seed)
    y = generator.binomial(1, rate, n)
    s = generator.normal(size=n) + d * y
    return y, np.round(s) if ties else s, generator.uniform(0.5, 2, n)


def test_auc_by_hand():
    # events .3 .5 .6, others .1 .2 .4: 8 of 9 pairs are in order
    found = auc([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert found.value == pytest.approx(8 / 9)
    assert (found.n, found.method) == (6, "Newcombe")  # fewer than 10 events


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_ranking_agrees_with_scikit_learn(seed, ties):
    y, s, w = drawn(seed, ties=ties)
    for weights in (None, w):
        assert auc(y, s, weights=weights).value == pytest.approx(roc_auc_score(y, s, sample_weight=weights), abs=1e-12)
        ours = average_precision(y, s, weights=weights).value
        assert ours == pytest.approx(average_precision_score(y, s, sample_weight=weights), abs=1e-12)
        false, true, _ = roc_curve(y, s, sample_weight=weights, drop_intermediate=False)
        ours = kolmogorov_smirnov(y, s, weights=weights, resamples=20).value
        assert ours == pytest.approx(np.max(true - false), abs=1e-12)


def test_delong_error_is_the_spread_of_placements():
    # DeLong: variance of the events' placements / m + that of the others' / k
    y, s, _ = drawn(3, n=60, rate=0.5)
    above = (s[y == 1][:, None] > s[y == 0][None, :]).mean(axis=1)
    below = (s[y == 1][:, None] > s[y == 0][None, :]).mean(axis=0)
    error = np.sqrt(above.var(ddof=1) / len(above) + below.var(ddof=1) / len(below))
    assert ranking_difference(y, s, np.zeros(60)).error == pytest.approx(error)


@pytest.mark.parametrize("measure", [average_precision_score, roc_auc_score])
def test_influence_is_the_derivative(measure):
    from crmlab.stats.ranking import _auc_influence, _precision_influence
    from crmlab.stats.scored_rows import scored_rows

    y, s, w = drawn(7, ties=True)
    value, influence = {average_precision_score: _precision_influence, roc_auc_score: _auc_influence}[measure](
        scored_rows("", y, s, weights=w)
    )
    m = np.where(y == 1, y.sum(), (1 - y).sum())
    scale = np.ones(len(y)) if measure is average_precision_score else np.sqrt(m / (m - 1))
    for i in (0, 17, 99, int(np.argmax(y))):
        heavier = w.copy()
        heavier[i] *= 1 + 1e-6
        slope = (measure(y, s, sample_weight=heavier) - value) / 1e-6
        assert influence[i] / scale[i] == pytest.approx(slope, abs=1e-7)


def test_perfect_and_constant_scores():
    y = [0] * 20 + [1] * 20
    perfect = auc(y, range(40))
    assert (perfect.value, perfect.high) == (1.0, 1.0)
    assert 0.85 < perfect.low < 1
    flat = auc(y, [1] * 40)
    assert (flat.value, flat.low, flat.high, flat.method) == (0.5, 0.5, 0.5, "all scores are equal")
    assert average_precision(y, range(40)).value == 1.0
    assert average_precision(y, range(40)).low == pytest.approx(20 / (20 + norm.ppf(0.975) ** 2))
    assert average_precision(y, [1] * 40).value == pytest.approx(0.5)
    assert kolmogorov_smirnov(y, [1] * 40, resamples=10).value == 0
    distance = kolmogorov_smirnov(y, range(40), resamples=10)
    assert (distance.value, distance.high) == (1.0, 1.0)
    assert 0.6 < distance.low < 0.9
    few = kolmogorov_smirnov([0, 1, 1, 1, 1] * 2, [0, 1, 1, 1, 1] * 2, resamples=10)  # 2 against 8, no spread
    assert few.low == pytest.approx(max(0, 1 - 1.3581 * np.sqrt(1 / 2 + 1 / 8)), abs=1e-4)  # Smirnov's 5 % point


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ([], "not known: no rows"),
        ([0, 0, 0], "not known: none of 3 rows has the event"),
        ([1, 1], "not known: all of 2 rows have the event"),
    ],
)
def test_one_class_is_not_known_and_says_why(outcome, reason):
    s = list(range(len(outcome)))
    found = [f(outcome, s) for f in (auc, average_precision, lift, kolmogorov_smirnov)]
    found += [ranking_difference(outcome, s, s).estimate, lift_difference(outcome, s, s).estimate]
    found += [auc_within_periods(outcome, s, s)]
    for one in found:
        assert np.isnan(one.value)
        assert (one.low, one.high, one.method) == (None, None, reason)
    assert cumulative_gains(outcome, s, shares=[0.5])["gain_share"].isna().all()


def test_a_score_that_knows_the_month_only():
    outcome, month = [0, 0, 0, 1, 0, 1, 1, 1], [1, 1, 1, 1, 2, 2, 2, 2]
    score = [0.1] * 4 + [0.9] * 4
    assert auc(outcome, score).value == 0.75  # 16 pairs: 9 in order, 6 equal, 1 against: (9 + 3) / 16
    assert auc_within_periods(outcome, score, month).value == 0.5


def test_within_periods_counts_pairs():
    y, s, _ = drawn(1, n=300)
    period = np.repeat(["a", "b", "c"], [50, 100, 150])
    frame = auc_by_period(y, s, period)
    pairs = frame["events_count"] * (frame["n"] - frame["events_count"])
    assert auc_within_periods(y, s, period).value == pytest.approx(np.average(frame["auc"], weights=pairs))
    assert frame["n"].tolist() == [50, 100, 150]


def test_rows_of_one_customer_count_as_one():
    y, s, _ = drawn(2, n=200)
    single, copied = auc(y, s), auc(np.repeat(y, 5), np.repeat(s, 5), customers=np.repeat(np.arange(200), 5))
    assert copied.value == pytest.approx(single.value)
    assert copied.high - copied.low == pytest.approx(single.high - single.low, rel=0.02)
    naive = auc(np.repeat(y, 5), np.repeat(s, 5))
    assert naive.high - naive.low < 0.5 * (single.high - single.low)


def test_area_under_the_gains_is_the_identity():
    # ALIFT = pi / 2 + (1 - pi) AUC
    for ties in (False, True):
        y, s, _ = drawn(5, n=500, ties=ties)
        frame = cumulative_gains(y, s, shares=np.arange(501) / 500, resamples=2)
        area = np.trapezoid(frame["gain_share"], frame["share"])
        assert area == pytest.approx(y.mean() / 2 + (1 - y.mean()) * auc(y, s).value, abs=2e-4 if ties else 1e-12)


def test_lift_by_hand():
    # top 2 of 10 hold 1 of 2 events: .5 / .2; with all scores equal any list holds its share
    assert lift([1, 0, 1, 0, 0, 0, 0, 0, 0, 0], range(10, 0, -1), share=0.2, resamples=50).value == 2.5
    tied = lift([1, 0, 1, 0, 0, 0, 0, 0, 0, 0], [1] * 10, share=0.3, resamples=50)
    assert tied.value == pytest.approx(1.0)
    empty = lift([0] * 90 + [1] * 10, range(100, 0, -1), share=0.1, resamples=50)
    assert empty.value == 0
    assert empty.high > 1  # none of 10 events seen is no proof of none


def test_differences_are_paired():
    y, s, _ = drawn(4, n=600)
    near = s + np.random.default_rng(1).normal(0, 0.05, 600)
    paired = ranking_difference(y, s, near)
    single = auc(y, s)
    assert paired.error < 0.2 * (single.high - single.low) / 4
    assert paired.estimate.value == pytest.approx(auc(y, s).value - auc(y, near).value)
    better = ranking_difference(y, s, np.random.default_rng(2).normal(size=600), measure="average_precision")
    assert better.estimate.low > 0
    assert better.p_value < 0.001
    assert lift_difference(y, s, -s, share=0.2, resamples=100).estimate.low > 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=40), st.randoms())
def test_order_scale_and_sign(rows, random):
    y, s = np.array(rows).T
    if y.sum() in (0, len(y)):
        return
    order = list(range(len(y)))
    random.shuffle(order)
    found = auc(y, s)
    assert auc(y[order], s[order]).value == pytest.approx(found.value, abs=1e-12)
    assert auc(y, 3.0 * s + 7).low == pytest.approx(found.low, abs=1e-9)
    assert auc(y, -s).value == pytest.approx(1 - found.value, abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1
    precise = average_precision(y, s)
    assert 0 <= precise.low <= precise.value <= precise.high <= 1


def test_intervals_hold_the_truth():
    # 10 events of 100 on average; the normal laws give AUC .760 and KS .383
    truth = {auc: norm.cdf(1 / np.sqrt(2)), kolmogorov_smirnov: 2 * norm.cdf(0.5) - 1}
    held = dict.fromkeys(truth, 0)
    for seed in range(150):
        y, s, _ = drawn(seed, n=100, rate=0.1)
        for measure, true in truth.items():
            found = measure(y, s) if measure is auc else measure(y, s, resamples=100)
            held[measure] += found.low <= true <= found.high
    assert min(held.values()) >= 150 * 0.95 - 2 * np.sqrt(150 * 0.95 * 0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: auc([0, 1], [1]), "auc: 2 outcomes against 1 scores. Give both for the same rows, in the same order."),
        (
            lambda: auc([0, 2, None], [1, np.nan, 2]),
            "2 problems:\n- auc: 2 of 3 outcomes are neither 0 nor 1. Leave rows without one out.\n"
            "- auc: 1 of 3 scores are missing. Leave those rows out, and count them.",
        ),
        (
            lambda: auc(pd.Series([0, 1], index=[1, 2]), pd.Series([1, 2], index=[2, 1])),
            "auc: outcomes and scores have different indexes. Bring them to the same rows in the same order.",
        ),
        (
            lambda: auc([0, 1], [1, 2], weights=[1, 0]),
            "auc: weights must be above 0 and known. Leave rows of weight 0 out.",
        ),
        (
            lambda: auc([0, 1], [1, 2], customers=["a", None]),
            "auc: some rows have no customer. Name the customer of every row.",
        ),
        (
            lambda: auc_by_period([0, 1], [1, 2], ["a", None]),
            "auc_by_period: some rows have no period. Name the period of every row.",
        ),
        (
            lambda: ranking_difference([0, 1], [1, 2], [1, 2], measure="acu"),
            "ranking_difference: measure 'acu' is not known. Did you mean 'auc'? Choose one of auc, average_precision.",
        ),
        (lambda: lift([0, 1], [1, 2], share=0), "lift: share is 0. Give a share of the rows above 0 and up to 1."),
        (
            lambda: cumulative_gains([0, 1], [1, 2], shares=[0.5, 2]),
            "cumulative_gains: shares [2.0] lie outside 0 to 1. Give shares of the rows.",
        ),
    ],
)  # fmt: skip
def test_refusals_say_what_to_do(call, message):
    with pytest.raises(CrmlabError, match=f"^{re.escape(message)}$"):
        call()
