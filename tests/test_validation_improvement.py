"""What is true of the numbers on improvement: expected answers by hand, and the planted measures."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.simulation import simulate
from crmlab.validation.answers.improvement_tracking import NO_TRUTH, TRUTHS
from crmlab.validation.case import Case, Known, Unknown
from crmlab.validation.opinion_index import expected_answer, opinions_in, true_index
from crmlab.validation.truth import Truth


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    folder = simulate(tmp_path_factory.mktemp("truth") / "bank", customers=800, months=28, seed=3).folder
    return Case(Bank.open(folder).as_of(""), Truth.open(folder))


def test_an_expected_answer_is_the_mean_of_rounded_and_cut_readings():
    generator = np.random.default_rng(1)
    readings = 8 + 1.4 * 1.5 + 1.2 * generator.standard_normal(200_000)
    answers = np.clip(np.rint(readings), 0, 10)
    found = expected_answer(np.array([1.5]), intercept=8, loading=1.4, error=1.2, low=0, high=10)
    assert found[0] == pytest.approx(answers.mean(), abs=4 * answers.std() / np.sqrt(200_000))


def test_the_true_index_rises_with_the_opinion(case):
    found = true_index(case.truth, pd.Series([-10.0, 0.0, 1.0, 10.0]), "value")
    assert found.is_monotonic_increasing
    assert found.iloc[0] == pytest.approx(0, abs=1)
    # intercepts 7.1, 6.5, 6.8: mean 68 of 100 but for what is cut at the end of the scale
    assert found.iloc[1] == pytest.approx(68, abs=0.3)
    assert found.iloc[3] == pytest.approx(100, abs=1)


def test_opinions_of_a_month_are_those_of_the_customers_there(case):
    found = opinions_in(case.truth, "2025-03-11")
    assert found.index.is_unique
    assert abs(found["image"].mean()) < 0.3
    assert len(found.columns) == 8


def test_effects_of_the_planted_measures(case):
    true = {name: TRUTHS[f"effect_{name}"](case) for name in ("m01", "m02", "m03")}
    assert true["m01"].value == 0.0
    # .35 standard deviations x 1.45 points x 10 = 5.1, less what is cut at the end of the scale
    assert 4.4 < true["m02"].value < 5.075
    # .15 x 1.42 x 10 = 2.1
    assert 1.8 < true["m03"].value < 2.125
    assert TRUTHS["measures_count"](case).value == 3


def test_changes_are_of_all_customers_in_the_months_of_the_last_two_waves(case):
    found = TRUTHS["change_value"](case)
    means = [true_index(case.truth, opinions_in(case.truth, day)["value"], "value").mean()
             for day in ("2024-03-31", "2025-03-31")]  # fmt: skip
    assert found.value == pytest.approx(means[1] - means[0])
    one = Case(case.bank, case.truth, {"wave": "yearly 2023"})
    assert TRUTHS["change_value"](one) == Unknown("There are no two waves.")
    assert isinstance(TRUTHS["effect_m01"](one), Known)  # it does nothing, whenever asked
    assert TRUTHS["effect_m02"](one) == Unknown("No wave has been in the field since it acts.")


def test_no_number_is_registered_twice():
    assert not set(TRUTHS) & set(NO_TRUTH)


def test_a_bank_before_the_measures_has_no_effect_to_know(tmp_path):
    folder = simulate(tmp_path / "bank", customers=60, months=15, seed=1).folder
    early = Case(Bank.open(folder).as_of(""), Truth.open(folder))
    assert TRUTHS["effect_m02"](early) == Unknown("The measure had not started.")
    assert TRUTHS["measures_count"](early).value == 0
