"""Reliability, Brier and its parts, calibration error, line, repair: by hand, identities, oracles, coverage."""

import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

from crmlab.errors import CrmlabError
from crmlab.stats import (
    Calibrator,
    brier,
    calibration_error,
    calibration_line,
    move_to_base_rate,
    proportion,
    reliability,
    repair_intercept,
)


def drawn(seed, n=500, shift=0.0, stretch=1.0):
    generator = np.random.default_rng(seed)
    place = -1.5 + generator.normal(size=n)
    return generator.binomial(1, expit(shift + stretch * place)), expit(place), generator.uniform(0.5, 2, n)


def test_reliability_by_hand():
    frame = reliability([0, 0, 0, 1, 1, 1], [0.1, 0.1, 0.2, 0.7, 0.8, 0.9], bins=2)
    assert frame["p_mean"].tolist() == pytest.approx([0.4 / 3, 0.8])
    assert frame["event_share"].tolist() == [0, 1]
    assert frame[["p_lowest", "p_highest"]].values.tolist() == [[0.1, 0.2], [0.7, 0.9]]
    assert frame["event_share_high"].iloc[0] == pytest.approx(proportion(0, 3).high)
    assert frame["n"].tolist() == [3, 3]


def test_equal_probabilities_stay_together():
    frame = reliability([0, 1] * 50, [0.2] * 60 + [0.4] * 40, bins=10)
    assert frame["n"].tolist() == [60, 40]
    assert reliability([], []).empty


def test_weights_and_customers_widen():
    y, p, w = drawn(1)
    plain = reliability(y, p, bins=5)
    pd.testing.assert_frame_equal(reliability(y, p, bins=5, weights=np.full(500, 3.0)), plain)
    weighted = reliability(y, p, bins=5, weights=w)
    assert (weighted["event_share_high"] - weighted["event_share_low"]).mean() > (
        plain["event_share_high"] - plain["event_share_low"]
    ).mean()
    copied = reliability(np.repeat(y, 4), np.repeat(p, 4), bins=5, customers=np.repeat(np.arange(500), 4))
    width, before = (f["event_share_high"] - f["event_share_low"] for f in (copied, plain))
    assert np.allclose(width, before, rtol=0.02)


def test_brier_by_hand():
    # (.04 + .64 + .04 + .04) / 4 = .19; groups .2 (share .5) and .8 (share 1), rate .75
    parts = brier([0, 1, 1, 1], [0.2, 0.2, 0.8, 0.8], bins=None)
    assert parts.score.value == pytest.approx(0.19)
    assert parts.reliability == pytest.approx((0.3**2 + 0.2**2) / 2)
    assert parts.resolution == pytest.approx(0.25**2)
    assert parts.uncertainty == pytest.approx(0.1875)
    assert parts.within_bins == pytest.approx(0.0, abs=1e-15)
    assert parts.skill == pytest.approx(1 - 0.19 / 0.1875)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1), st.floats(0.1, 5)), min_size=1, max_size=50),
    st.integers(1, 12),
)
def test_the_parts_always_add_up(rows, bins):
    y, p, w = (np.array(column) for column in zip(*rows, strict=True))
    for kind in (bins, None):
        parts = brier(y, p, bins=kind, weights=w)
        total = parts.reliability - parts.resolution + parts.uncertainty + parts.within_bins
        assert parts.score.value == pytest.approx(total, abs=1e-12)
        assert parts.score.value == pytest.approx(np.average((y - p) ** 2, weights=w), abs=1e-12)
    assert parts.within_bins == pytest.approx(0, abs=1e-12)


def test_brier_agrees_with_scikit_learn():
    y, p, w = drawn(2)
    assert brier(y, p).score.value == pytest.approx(brier_score_loss(y, p), abs=1e-14)
    assert brier(y, p, weights=w).score.value == pytest.approx(brier_score_loss(y, p, sample_weight=w), abs=1e-14)
    assert np.isnan(brier([], []).score.value)
    assert brier([1], [0.5]).score.low is None


def test_calibration_error_by_hand():
    # groups .2 (share .5) and .8 (share 1) of equal size: (.3 + .2) / 2
    assert calibration_error([0, 1, 1, 1], [0.2, 0.2, 0.8, 0.8], bins=2).value == pytest.approx(0.25)


def test_chance_alone_makes_an_error_and_few_alarms():
    alarms, values, expected = 0, [], []
    for seed in range(200):
        y, p, _ = drawn(seed, n=200)
        found = calibration_error(y, p, resamples=200, seed=seed)
        alarms += found.is_beyond_chance
        values.append(found.value)
        expected.append(found.expected)
    assert np.mean(values) == pytest.approx(np.mean(expected), rel=0.06)
    assert alarms / 200 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)
    y, p, _ = drawn(1, n=2_000, shift=0.7)
    assert calibration_error(y, p, resamples=200).p_value == pytest.approx(1 / 201)


@pytest.mark.parametrize("seed", range(3))
def test_the_line_agrees_with_statsmodels(seed):
    y, p, w = drawn(seed, shift=0.3, stretch=0.7)
    line = calibration_line(y, p)
    model = sm.GLM(y, sm.add_constant(logit(p)), family=sm.families.Binomial()).fit()
    assert [line.intercept_beside_slope.value, line.slope.value] == pytest.approx(list(model.params), abs=1e-7)
    assert [line.slope.low, line.slope.high] == pytest.approx(list(model.conf_int()[1]), abs=1e-5)
    large = sm.GLM(y, np.ones(500), family=sm.families.Binomial(), offset=logit(p)).fit()
    assert line.intercept.value == pytest.approx(large.params[0], abs=1e-7)
    assert [line.intercept.low, line.intercept.high] == pytest.approx(list(large.conf_int()[0]), abs=1e-5)
    weighted = sm.GLM(y, sm.add_constant(logit(p)), family=sm.families.Binomial(), freq_weights=w).fit()
    assert calibration_line(y, p, weights=w).slope.value == pytest.approx(weighted.params[1], abs=1e-7)


def test_the_line_does_not_know_what_it_cannot():
    none = calibration_line([0, 0], [0.1, 0.2])
    assert none.slope.method == none.intercept.method == "not known: none of 2 rows has the event"
    flat = calibration_line([0, 0, 0, 1] * 50, [0.1] * 200)
    assert flat.intercept.value == pytest.approx(logit(0.25) - logit(0.1))
    assert flat.slope.method == "not known: all probabilities are equal"
    apart = calibration_line([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8])
    assert apart.slope.method == "not known: the probabilities part the classes without overlap"
    assert np.isfinite(apart.intercept.value)
    assert np.isfinite(calibration_line([0, 1, 1, 0], [0.0, 1.0, 0.3, 0.6]).slope.value)


def test_repair_is_bayes_rule_and_undoes_itself():
    # p .9 at rate .5 -> odds 9 x (.1/.9)/(.5/.5) = 1
    assert repair_intercept([0.9], base_rate_from=0.5, base_rate_to=0.1)[0] == pytest.approx(0.5)
    p = np.array([0.0, 0.01, 0.3, 0.99, 1.0])
    there = repair_intercept(p, base_rate_from=0.2, base_rate_to=0.05)
    assert repair_intercept(there, base_rate_from=0.05, base_rate_to=0.2) == pytest.approx(p)
    assert there[[0, -1]].tolist() == [0.0, 1.0]
    assert move_to_base_rate([0.1, 0.2, 0.6], base_rate=0.07, weights=[1, 1, 4]) @ [1, 1, 4] / 6 == pytest.approx(0.07)


def test_a_base_rate_shift_is_mended():
    # the classes look as learned, but the event rate falls from .3 to .06
    generator = np.random.default_rng(5)

    def period(rate, n=6_000):
        y = generator.binomial(1, rate, n)
        x = generator.normal(size=n) + 1.2 * y
        return y, expit(logit(0.3) + 1.2 * x - 0.72)  # right where the rate is .3

    fitted, judged = period(0.06), period(0.06)
    before = calibration_error(*judged, resamples=200)
    rate = repair_intercept(judged[1], base_rate_from=0.3, base_rate_to=0.06)
    learned = Calibrator(method="intercept").fit(fitted[1], fitted[0]).predict(judged[1])
    assert before.is_beyond_chance
    for mended in (rate, learned):
        after = calibration_error(judged[0], mended, resamples=200)
        assert after.value < 0.5 * before.value
        assert after.value <= 0.015


def test_calibrators_learn_what_was_planted():
    y, p, w = drawn(3, n=20_000, shift=-0.5, stretch=0.6)
    logistic = Calibrator().fit(p, y)
    assert logistic.intercept_ == pytest.approx(-0.5, abs=0.1)
    assert logistic.slope_ == pytest.approx(0.6, abs=0.06)
    again, other, _ = drawn(4, n=20_000, shift=-0.5, stretch=0.6)
    for method in ("logistic", "isotonic"):
        mended = Calibrator(method=method).fit(p, y, weights=w).predict(other)
        assert calibration_error(again, mended, resamples=20).value < 0.012
        assert 0 < mended.min() <= mended.max() < 1
    plain = IsotonicRegression(out_of_bounds="clip").fit(p, y)
    assert np.max(np.abs(Calibrator(method="isotonic").fit(p, y).predict(other) - plain.predict(other))) < 1e-4
    assert Calibrator(method="isotonic").fit(p, y).predict([]).tolist() == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: reliability([0, 1], [0.5, 1.2]),
            "reliability: 1 of 2 probabilities lie outside 0 to 1. Give probabilities.",
        ),
        (lambda: brier([0, 1], [0.5, 0.2], bins=0), "brier: bins is 0. Give a whole number, 1 or more."),
        (
            lambda: repair_intercept([0.5], base_rate_from=0, base_rate_to=1.5),
            "2 problems:\n- repair_intercept: base_rate_from is 0. Give a rate above 0 and below 1.\n"
            "- repair_intercept: base_rate_to is 1.5. Give a rate above 0 and below 1.",
        ),
        (
            lambda: Calibrator(method="isotonik").fit([0.1, 0.2], [0, 1]),
            "Calibrator: method 'isotonik' is not known. Did you mean 'isotonic'? "
            "Choose one of intercept, logistic, isotonic.",
        ),
        (lambda: Calibrator().predict([0.1]), "Calibrator: nothing was learned yet. Call fit first."),
        (
            lambda: Calibrator().fit([0.1, 0.2], [0, 0]),
            "Calibrator: none of 2 rows has the event. Fit on rows with and without it.",
        ),
        (
            lambda: Calibrator().fit([0.1, 0.2], [0, 1]),
            "Calibrator: the probabilities part the classes without overlap, so no slope can be learned. "
            "Use method 'intercept'.",
        ),
        (
            lambda: move_to_base_rate([0.1, np.nan], base_rate=0.5),
            "move_to_base_rate: 1 of 2 values are no probabilities. Give numbers from 0 to 1.",
        ),
    ],
)  # fmt: skip
def test_refusals_say_what_to_do(call, message):
    with pytest.raises(CrmlabError, match=f"^{re.escape(message)}$"):
        call()
