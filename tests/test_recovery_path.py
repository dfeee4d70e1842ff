"""A textbook estimator finds the path coefficients of simulated banks in the answers to their surveys."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.bank.questionnaire import read_questionnaire
from crmlab.simulation import simulate
from crmlab.simulation.block import simulate_block
from crmlab.simulation.market import simulate_market
from crmlab.simulation.surveys import surveys_table
from crmlab.simulation.truth import truth_parameters
from crmlab.validation.path_model import path_coefficients, recover, true_coefficients
from crmlab.validation.truth import Truth

SEEDS, BLOCKS, MONTHS = range(20), 2, 16  # two waves of 2,000 customers: some 1,100 answers

MODEL = read_questionnaire()


def _answers(seed: int) -> pd.DataFrame:
    """Answers of a bank of two blocks, as its table `surveys` has them."""
    market = simulate_market(seed, MONTHS)
    blocks = (simulate_block(seed, number, 1000, MONTHS, market) for number in range(BLOCKS))
    return pd.concat(surveys_table(block.rows["surveys"], block.number).to_pandas() for block in blocks)


@pytest.fixture(scope="module")
def true() -> dict[str, float]:
    return true_coefficients(truth_parameters(), MODEL)


@pytest.mark.slow
def test_intervals_hold_the_true_path_coefficients(true):
    found = [path_coefficients(_answers(seed), MODEL) for seed in SEEDS]
    assert found[0].keys() == true.keys()
    held = {name: np.mean([one[name].low <= truth <= one[name].high for one in found]) for name, truth in true.items()}
    # a nominal 95 %: of 20 intervals 16 or fewer hold it once in 60 tries when all is well, 14 or fewer once in 3,000
    assert min(held.values()) >= 0.75, held
    assert 0.90 <= np.mean(list(held.values())) <= 0.99  # of 320
    for name, truth in true.items():
        values = np.array([one[name].value for one in found])
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert abs(values.mean() - truth) < 4 * error, name
    # the estimator could have failed: intervals are narrow enough to tell value from nothing
    assert np.mean([one["value_to_satisfaction"].low > 0 for one in found]) > 0.9


def test_true_coefficients_are_in_points_of_the_first_items():
    parameters = {
        "opinions": {"paths": {"loyalty": {"image": 0.25}}},
        "surveys": {"items": {name: {"loading": 1.0} for name in MODEL.latent_of}},
    }
    parameters["surveys"]["items"]["loyal1"]["loading"] = 1.5
    parameters["surveys"]["items"]["image1"]["loading"] = 1.25
    # one point of image1 is 1 / 1.25 of a standard deviation; 0.25 of that reaches loyalty, 1.5 points each
    assert true_coefficients(parameters, MODEL) == {"image_to_loyalty": pytest.approx(0.25 * 1.5 / 1.25)}


def test_the_claims_of_a_bank_on_disk(tmp_path):
    folder = simulate(tmp_path / "bank", customers=300, months=16, seed=5).folder
    bank = Bank.open(folder)
    claims = recover(bank, Truth.open(folder))
    assert [claim.name for claim in claims][:2] == ["image_to_expectations", "expectations_to_product_quality"]
    assert claims[0].label == "Image to expectations"
    assert len(claims) == 16
    assert all(claim.is_held is not None for claim in claims)
    early = recover(bank.as_of("2023-02-28"), Truth.open(folder))  # before the first wave
    assert {claim.is_held for claim in early} == {None}


def _exact(seed: int = 0, size: int = 300) -> pd.DataFrame:
    """Answers without errors of measurement that follow the equations of image and expectations exactly."""
    image = np.random.default_rng(seed).normal(size=size)
    frame = pd.DataFrame(dict.fromkeys(MODEL.latents["image"].items, 7 + image))
    for code in MODEL.latents["expectations"].items:
        frame[code] = 6 + 0.4 * image
    frame = frame.assign(response_id=range(size), customer_id=[f"C{row % 90}" for row in range(size)])
    frame["wave"] = np.where(np.arange(size) < 150, "yearly 2023", "yearly 2024")
    frame.loc[frame["wave"] == "yearly 2024", list(MODEL.latents["expectations"].items)] += 2  # a wave may rise
    return frame.melt(["response_id", "customer_id", "wave"], var_name="item", value_name="score")


def test_what_follows_without_error_is_found_without_error():
    found = path_coefficients(_exact(), MODEL)["image_to_expectations"]
    assert found.value == pytest.approx(0.4)
    assert (found.low, found.high) == (pytest.approx(0.4), pytest.approx(0.4))
    assert found.n == 300


def test_the_order_of_rows_and_answers_after_contacts_change_nothing():
    long = _exact()
    more = long.assign(wave="contact 2024-05", item="csat", score=0.0, response_id=long["response_id"] + 10_000)
    mixed = pd.concat([long, more]).sample(frac=1, random_state=1)
    first, second = path_coefficients(long, MODEL), path_coefficients(mixed, MODEL)
    assert first["image_to_expectations"].value == pytest.approx(second["image_to_expectations"].value)


def test_few_customers_give_no_number():
    long = _exact()
    few = path_coefficients(long[long["customer_id"].isin(["C1", "C2", "C3"])], MODEL)["image_to_expectations"]
    assert np.isnan(few.value)
    assert few.low is None
