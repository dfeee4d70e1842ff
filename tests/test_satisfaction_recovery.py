"""Does the analysis find the planted path coefficients and indices? Thirty surveys here, 200 in the benchmark."""

import numpy as np
import pytest

from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.validation.expected_answers import expected_scores, share_at_least
from crmlab.validation.survey_recovery import coverage, draw_survey, planted_model, true_index

SURVEYS = 30


@pytest.fixture(scope="module")
def counted():
    return coverage(SURVEYS, 500, 200)


def test_intervals_hold_the_planted_path_coefficients(counted):
    coefficients, _ = counted
    assert len(coefficients) == 16
    # 16 x 30 looks; benchmarks/satisfaction_recovery.py counts .91 to .97 for each coefficient over 200 surveys
    assert 0.90 <= coefficients["held_share"].mean() <= 0.99
    # at 95 % fewer than 24 of 30 happen once in 1,600 coefficients
    assert coefficients["held_share"].min() >= 24 / SURVEYS


def test_coefficients_are_not_pulled_towards_zero(counted):
    # a mean of 30 lies within 4 of its standard errors; PLS without correction would lie 10 and more below
    coefficients, _ = counted
    away = (coefficients["mean"] - coefficients["true"]) / (coefficients["error"] / np.sqrt(SURVEYS))
    assert away.abs().max() < 4


def test_intervals_hold_the_true_indices(counted):
    _, indices = counted
    assert len(indices) == 8
    assert 0.90 <= indices["held_share"].mean() <= 0.99
    assert indices["held_share"].min() >= 24 / SURVEYS


def test_the_true_index_is_the_mean_of_very_many_answers():
    answers = draw_survey(np.random.default_rng(3), 60_000)
    index = SatisfactionIndex(planted_model(), low=0, high=10).fit(answers.head(2_000))
    means = index.score(answers).mean()
    # standard error of a mean index of 60,000: 15 / 245 = .06 points
    assert (means - true_index(index)).abs().max() < 0.25


def test_expected_answers_count_rounding_and_cutting():
    generator = np.random.default_rng(1)
    for center, error in ((7.0, 1.4), (9.3, 1.0), (0.4, 2.0)):
        drawn = np.clip(np.rint(center + error * generator.standard_normal(200_000)), 0, 10)
        assert expected_scores(np.array([center]), error)[0] == pytest.approx(drawn.mean(), abs=0.02)
        assert share_at_least(9, np.array([center]), error)[0] == pytest.approx((drawn >= 9).mean(), abs=0.005)
