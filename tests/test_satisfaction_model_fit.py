"""How far a model's correlations lie from those seen, and how far that is chance."""

import numpy as np
import pandas as pd
import pytest

from crmlab.satisfaction.measurement.measured import measured
from crmlab.satisfaction.measurement.measures import root_mean_square_residual
from crmlab.satisfaction.measurement.model_fit import implied_correlation, implied_latent_correlation, model_fit
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.solution import solve

LATENTS = {name: [f"{name}{k}" for k in range(3)] for name in "abc"}
CHAIN = PathModel(LATENTS, {"b": ["a"], "c": ["b"]})
FULL = PathModel(LATENTS, {"b": ["a"], "c": ["a", "b"]})
LOADINGS = np.array([0.8, 0.7, 0.6, 0.9, 0.7, 0.5, 0.8, 0.6, 0.7])


def population(latent, loadings=LOADINGS):
    table = np.outer(loadings, loadings) * np.asarray(latent)[CHAIN.block][:, CHAIN.block]
    np.fill_diagonal(table, 1.0)
    return table


def sample(table, n, seed=1):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.normal(size=(n, 9)) @ np.linalg.cholesky(table).T, columns=list(CHAIN.items))


EXACT_CHAIN = [[1, 0.6, 0.3], [0.6, 1, 0.5], [0.3, 0.5, 1]]  # .6 x .5
NOT_A_CHAIN = [[1, 0.6, 0.7], [0.6, 1, 0.5], [0.7, 0.5, 1]]


def test_srmr_by_hand():
    # residuals .1, -.2, .2 below a diagonal of zeros: root of (.01 + .04 + .04) / 6
    seen = np.array([[1, 0.5, 0.1], [0.5, 1, 0.4], [0.1, 0.4, 1]])
    implied = np.array([[1, 0.4, 0.3], [0.4, 1, 0.2], [0.3, 0.2, 1]])
    assert root_mean_square_residual(seen, implied) == pytest.approx(np.sqrt(0.015), abs=1e-15)
    assert root_mean_square_residual(np.array([seen] * 2), implied).shape == (2,)


@pytest.mark.parametrize("estimated", [False, True])
@pytest.mark.parametrize("model", [CHAIN, FULL])
def test_an_exact_model_implies_what_is_seen(model, estimated):
    table = population(EXACT_CHAIN)
    implied = implied_correlation(table, solve(table, model), estimated=estimated)
    assert root_mean_square_residual(table, implied) == pytest.approx(0, abs=1e-12)


def test_a_missing_path_shows_in_the_estimated_model_only():
    table = population(NOT_A_CHAIN)
    stage = solve(table, CHAIN)
    saturated, estimated = (
        root_mean_square_residual(table, implied_correlation(table, stage, estimated=one)) for one in (False, True)
    )
    # the chain implies .3 between a and c instead of .7: nine residuals of .4 x loading x loading among 45
    expected = np.sqrt((0.4 * np.outer(LOADINGS[:3], LOADINGS[6:])).ravel().__pow__(2).sum() / 45)
    assert saturated == pytest.approx(0, abs=1e-12)
    assert estimated == pytest.approx(expected, abs=1e-12)


def test_constructs_on_which_nothing_acts_keep_their_correlation():
    two = PathModel(LATENTS, {"c": ["a", "b"]})
    latent = np.array([[1, 0.2, 0.5], [0.2, 1, 0.4], [0.5, 0.4, 1.0]])
    np.testing.assert_allclose(implied_latent_correlation(latent, two), latent, atol=1e-15)


def test_items_that_make_a_construct_up_stay_as_seen():
    model = PathModel(LATENTS, {"b": ["a"], "c": ["b"]}, modes={"a": "B"})
    rng = np.random.default_rng(2)
    table = np.corrcoef(rng.normal(size=(50, 9)) + rng.normal(size=(50, 1)), rowvar=False)
    implied = implied_correlation(table, solve(table, model), estimated=False)
    np.testing.assert_allclose(implied[:3, :3], table[:3, :3], atol=1e-14)


def test_chance_is_told_from_a_wrong_model():
    right = model_fit(measured(sample(population(EXACT_CHAIN), 400), CHAIN, resamples=300)).set_index("model")
    wrong = model_fit(measured(sample(population(NOT_A_CHAIN), 400), CHAIN, resamples=300)).set_index("model")
    assert (right["p_value"] > 0.05).all()
    assert right.loc["estimated", "srmr_corrected"] < right.loc["estimated", "srmr"]
    assert wrong.loc["saturated", "p_value"] > 0.05
    assert wrong.loc["estimated", "p_value"] < 0.01
    assert wrong.loc["estimated", "srmr"] > wrong.loc["estimated", "srmr_by_chance"]
    truth = np.sqrt((0.4 * np.outer(LOADINGS[:3], LOADINGS[6:])).ravel().__pow__(2).sum() / 45)
    assert wrong.loc["estimated", "srmr_low"] <= truth <= wrong.loc["estimated", "srmr_high"]
    assert (right["note"] == "").all()
    assert (right["n"] == 400).all()


def test_latent_correlations_that_do_not_fit_together_leave_the_test_out():
    # items hardly related within, strongly across: freed of error the latent variables correlate beyond 1
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(rng.normal(size=(60, 9)), columns=list(CHAIN.items))
    frame[["a0", "b0", "c0"]] += 1.5 * rng.normal(size=(60, 1))
    frame[["a1", "b1", "c1"]] += 1.5 * rng.normal(size=(60, 1))
    fit = model_fit(measured(frame, CHAIN, resamples=50)).set_index("model")
    assert fit.loc["estimated", "note"] == "No test: the latent correlations, freed of error, do not fit together."
    assert (fit["p_value"].isna() == (fit["note"] != "")).all()
    assert fit["srmr"].notna().all()


def test_the_spanish_bank_does_not_fit_well_and_its_estimated_model_is_unsure(real_data):
    frame = pd.read_csv(real_data / "spanish_bank_survey" / "satisfaction.csv", index_col=0)
    model = PathModel(
        {name: [f"{name.lower()}{k}" for k in range(1, count + 1)]
         for name, count in {"IMAG": 5, "EXPE": 5, "QUAL": 5, "VAL": 4, "SAT": 4, "LOY": 4}.items()},
        {"EXPE": ["IMAG"], "QUAL": ["EXPE"], "VAL": ["EXPE", "QUAL"], "SAT": ["IMAG", "EXPE", "QUAL", "VAL"],
         "LOY": ["IMAG", "SAT"]},
    )  # fmt: skip
    fit = model_fit(measured(frame, model, resamples=500)).set_index("model")
    # lavaan rejects the same factor model on these data: chi2 1103.7 on 309 degrees of freedom
    assert fit.loc["saturated", "p_value"] < 0.01
    assert fit.loc["saturated", "srmr"] == pytest.approx(0.0588, abs=5e-5)
    widths = fit["srmr_high"] - fit["srmr_low"]
    assert widths["estimated"] > 2 * widths["saturated"]  # expectations and quality cannot be told apart
