"""How well items measure: coefficients of reliability, by hand, in the limit, and as R gives them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmlab.satisfaction.measurement.measured import measured
from crmlab.satisfaction.measurement.measures import (
    average_variance_extracted,
    composite_reliability,
    correlation,
    cronbach_alpha,
    dillon_goldstein_rho,
    membership,
)
from crmlab.satisfaction.measurement.reliability import latent_loadings, reliability
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.solution import solve

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


def test_the_table_on_a_population_is_the_truth():
    # loadings .9 .7 .5 and .8 .8: consistent loadings are these, so rho_C and AVE are those of the truth
    loadings = np.array([0.9, 0.7, 0.5, 0.8, 0.8])
    model = PathModel({"x": ["a", "b", "c"], "y": ["d", "e"]}, {"y": ["x"]})
    table = np.outer(loadings, loadings) * np.array([[1, 0.5], [0.5, 1]])[model.block][:, model.block]
    np.fill_diagonal(table, 1.0)
    solution = solve(table, model)
    np.testing.assert_allclose(latent_loadings(solution), loadings, atol=1e-9)
    assert (solution.loadings > loadings).all()  # on the composite: too high, most for the weakest item


def test_the_table_of_a_survey():
    rng = np.random.default_rng(3)
    both = rng.normal(size=(300, 1))
    frame = pd.DataFrame(both + rng.normal(size=(300, 6)), columns=list("abcdef"))
    model = PathModel(
        {"x": ["a", "b", "c"], "y": ["d"], "z": ["e", "f"]}, {"y": ["x"], "z": ["y"]}, modes={"z": "B"},
        titles={"x": "Value"},
    )  # fmt: skip
    table = reliability(measured(frame, model, resamples=200)).set_index("latent")
    assert table["note"].to_dict() == {
        "x": "",
        "y": "One item: its error is not known.",
        "z": "Items make it up (mode B): they need not go together.",
    }
    assert (
        table.loc[["y", "z"], ["alpha", "rho_a", "rho_c", "ave", "ave_composite", "rho_a_high"]].isna().all(axis=None)
    )
    row = table.loc["x"]
    assert (row["title"], row["items_count"], row["n"]) == ("Value", 3, 300)
    for name in ("alpha", "rho_a", "rho_c"):
        assert row[f"{name}_low"] < 0.75 < row[f"{name}_high"]  # 3 x .5 / (1 + 2 x .5)
    assert row["ave_low"] < 0.5 < row["ave_high"]
    assert row["ave_composite"] > row["ave"] + 0.1


def test_the_spanish_bank_as_in_r_and_freed_of_double_error(real_data):
    frame = pd.read_csv(real_data / "spanish_bank_survey" / "satisfaction.csv", index_col=0)
    model = PathModel(
        LATENTS,
        {"EXPE": ["IMAG"], "QUAL": ["EXPE"], "VAL": ["EXPE", "QUAL"], "SAT": ["IMAG", "EXPE", "QUAL", "VAL"],
         "LOY": ["IMAG", "SAT"]},
    )  # fmt: skip
    table = reliability(measured(frame, model, resamples=200)).set_index("latent")
    np.testing.assert_allclose(table["alpha"], ALPHA_RAW, atol=1e-10)
    np.testing.assert_allclose(table["alpha_standardised"], ALPHA, atol=1e-10)
    np.testing.assert_allclose(table["dillon_goldstein"], DG_RHO, atol=1e-10)
    # R cSEM, path scheme
    np.testing.assert_allclose(table["rho_a"], [0.8552, 0.8513, 0.8746, 0.8472, 0.9060, 0.8686], atol=5e-5)
    assert table.loc["SAT", "ave_composite"] == pytest.approx(0.759, abs=1e-3)
    assert table.loc["SAT", "ave"] == pytest.approx(0.686, abs=1e-3)


def test_reliability_of_dimensions_where_there_is_a_second_order_construct():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(120, 1)) + rng.normal(size=(120, 6)), columns=list("abcdef"))
    model = PathModel(
        {"x": ["a", "b"], "y": ["c", "d"], "z": ["e", "f"]}, {"z": ["quality"]}, higher={"quality": ["x", "y"]}
    )
    table = reliability(measured(frame, model, resamples=50))
    assert table["latent"].tolist() == ["x", "y", "z"]
    assert table["rho_a"].between(0.3, 1).all()


def test_limits_and_method_say_what_was_left_out():
    rng = np.random.default_rng(1)
    both = rng.normal(size=(40, 1))
    frame = pd.DataFrame(both + rng.normal(size=(40, 4)), columns=list("abcd"))
    found = measured(frame, PathModel({"x": ["a", "b"], "y": ["c", "d"]}, {"y": ["x"]}), resamples=20)
    assert found.method == "bootstrap percentiles, 20 resamples"
    some = replace(found, unsolved_count=3)
    assert some.method == "bootstrap percentiles, 20 resamples (3 without a solution left out)"
    low, high = found.limits(np.zeros((0, 2)))
    assert np.isnan(low).all()
    assert np.isnan(high).all()
