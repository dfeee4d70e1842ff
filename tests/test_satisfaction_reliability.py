"""How well items measure: coefficients of reliability, by hand, in the limit, and as R gives them."""

import numpy as np
import pandas as pd
import pytest

from crmlab.satisfaction.measures import (
    average_variance_extracted,
    composite_reliability,
    correlation,
    cronbach_alpha,
    dillon_goldstein_rho,
    membership,
)

ITEMS = {"IMAG": 5, "EXPE": 5, "QUAL": 5, "VAL": 4, "SAT": 4, "LOY": 4}
LATENTS = {name: [f"{name.lower()}{k}" for k in range(1, count + 1)] for name, count in ITEMS.items()}
# R plspm 0.4.9 and psych (alpha_raw) on 250 customers of a Spanish credit institution
ALPHA = [
    0.830226690205339,
    0.84658407892526,
    0.871324954769643,
    0.835722840511797,
    0.894010912676559,
    0.819421641029961,
]
ALPHA_RAW = [0.8218546381999, 0.8431448576585, 0.8685179483642, 0.8319666067452, 0.8942951879314, 0.8206385643939]
DG_RHO = [0.882203311183515, 0.890855432982731, 0.906899737529554, 0.890444224132854, 0.926700636965068,
          0.881371093219811]  # fmt: skip


@pytest.fixture(scope="module")
def spanish_covariance(real_data):
    path = real_data.parent / "reference" / "moments_satisfaction_cov_ddof1.csv"
    if not path.is_file():
        pytest.skip(f"the reference covariances are not at {path}")
    items = [item for items in LATENTS.values() for item in items]
    return pd.read_csv(path, index_col=0).loc[items, items].to_numpy()


def test_alpha_by_hand():
    # variances 4 + 9 + 1 = 14; covariances 3, 1, 1.5, each twice: 11; variance of the sum 25; 3/2 x (1 - 14/25) = .66
    covariance = np.array([[4.0, 3.0, 1.0], [3.0, 9.0, 1.5], [1.0, 1.5, 1.0]])
    assert cronbach_alpha(covariance, np.ones((3, 1)))[0] == pytest.approx(0.66, abs=1e-15)


def test_alpha_is_the_reliability_where_all_loadings_are_equal():
    # k items of loading l: rho = k l^2 / (1 + (k - 1) l^2) (Spearman-Brown), l^2 = .5, k = 4: 2 / 2.5
    loadings = np.full(4, np.sqrt(0.5))
    population = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    belongs = np.ones((4, 1))
    assert cronbach_alpha(population, belongs)[0] == pytest.approx(0.8, abs=1e-14)
    assert composite_reliability(loadings, belongs)[0] == pytest.approx(0.8, abs=1e-14)


def test_alpha_is_below_the_reliability_where_loadings_differ():
    loadings = np.array([0.9, 0.7, 0.4])
    population = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    belongs = np.ones((3, 1))
    # rho_C: 2^2 / (4 + .19 + .51 + .84) = 4 / 5.54; alpha: 3/2 x (1 - 3 / 5.54)
    assert composite_reliability(loadings, belongs)[0] == pytest.approx(4 / 5.54, abs=1e-14)
    assert cronbach_alpha(population, belongs)[0] == pytest.approx(1.5 * (1 - 3 / 5.54), abs=1e-14)
    assert average_variance_extracted(loadings, belongs)[0] == pytest.approx((0.81 + 0.49 + 0.16) / 3, abs=1e-15)


def test_principal_components_promise_too_much():
    # two items that correlate .5: the truth is 2 x .5 / 1.5 = .667, by principal component .857
    two = np.array([[1.0, 0.5], [0.5, 1.0]])
    belongs = np.ones((2, 1))
    assert dillon_goldstein_rho(two, belongs)[0] == pytest.approx(6 / 7)
    assert cronbach_alpha(two, belongs)[0] == pytest.approx(2 / 3)


def test_a_single_item_says_nothing_of_its_error():
    belongs = membership({"one": ["a"], "two": ["b", "c"]})
    covariance = np.array([[1.0, 0.2, 0.2], [0.2, 1.0, 0.5], [0.2, 0.5, 1.0]])
    for found in (
        cronbach_alpha(covariance, belongs),
        dillon_goldstein_rho(covariance, belongs),
        composite_reliability(np.ones(3), belongs),
        average_variance_extracted(np.ones(3), belongs),
    ):
        assert np.isnan(found[0])
        assert np.isfinite(found[1])


def test_an_item_without_variance_leaves_the_coefficient_open():
    covariance = np.array([[1.0, 0.0], [0.0, 0.0]])
    assert np.isnan(correlation(covariance)).sum() == 3
    assert np.isnan(cronbach_alpha(correlation(covariance), np.ones((2, 1)))[0])
    assert np.isnan(cronbach_alpha(np.zeros((2, 2)), np.ones((2, 1)))[0])


def test_stacks_give_what_single_tables_give():
    rng = np.random.default_rng(1)
    belongs = membership({"x": ["a", "b", "c"], "y": ["d", "e"]})
    stack = np.array([np.cov(rng.normal(size=(30, 5)) + rng.normal(size=(30, 1)), rowvar=False) for _ in range(6)])
    for function in (cronbach_alpha, dillon_goldstein_rho):
        each = np.array([function(one, belongs) for one in stack])
        np.testing.assert_allclose(function(stack.reshape(2, 3, 5, 5), belongs), each.reshape(2, 3, 2), rtol=1e-12)


def test_alpha_and_dillon_goldstein_as_in_r(spanish_covariance):
    belongs = membership(LATENTS)
    np.testing.assert_allclose(cronbach_alpha(correlation(spanish_covariance), belongs), ALPHA, atol=1e-10)
    np.testing.assert_allclose(cronbach_alpha(spanish_covariance, belongs), ALPHA_RAW, atol=1e-10)
    np.testing.assert_allclose(dillon_goldstein_rho(spanish_covariance, belongs), DG_RHO, atol=1e-10)
