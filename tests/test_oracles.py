"""Numbers with an independent source: closed forms and published values."""

import numpy as np
import pytest
from scipy.stats import norm

from crmlab.stats import gini, proportion, top_share

# quantiles at the middle of equal slices: the sample is the distribution itself, without chance
MIDDLES = (np.arange(400_000) + 0.5) / 400_000


def test_gini_of_an_exponential_is_one_half():
    # Gastwirth (1972), The estimation of the Lorenz curve and Gini index, RES 54
    assert gini(-np.log(1 - MIDDLES)) == pytest.approx(0.5, abs=2e-5)


@pytest.mark.parametrize("spread", [0.5, 1.0, 1.5])
def test_gini_of_a_lognormal(spread):
    # Aitchison and Brown (1957), The Lognormal Distribution: 2 Phi(sigma / sqrt 2) - 1
    assert gini(np.exp(spread * norm.ppf(MIDDLES))) == pytest.approx(2 * norm.cdf(spread / np.sqrt(2)) - 1, abs=3e-4)


@pytest.mark.parametrize("shape", [2.0, 3.0])
def test_gini_and_top_share_of_a_pareto(shape):
    # Gini 1 / (2a - 1); the richest share p hold p^(1 - 1/a): Arnold (2015), Pareto Distributions
    values = (1 - MIDDLES) ** (-1 / shape)
    assert gini(values) == pytest.approx(1 / (2 * shape - 1), abs=1e-3)
    assert top_share(values, 0.1) == pytest.approx(0.1 ** (1 - 1 / shape), abs=1e-3)


def test_gini_of_a_uniform_is_one_third():
    assert gini(MIDDLES) == pytest.approx(1 / 3, abs=1e-6)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_as_published(successes, n, low, high):
    # Newcombe (1998), Two-sided confidence intervals for the single proportion, Statistics in Medicine 17, table I
    found = proportion(successes, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617), (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)
def test_exact_intervals_as_published(successes, n, low, high):
    # the same table
    found = proportion(successes, n, method="clopper")
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
