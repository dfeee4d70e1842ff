"""Simulated banks look like a bank: each measure in its range, for the reason it states."""

import pytest

from crmlab.bank import Bank
from crmlab.simulation import simulate
from crmlab.validation.face_validity import MEASURES, measure_bank


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folders = tmp_path_factory.mktemp("faces")
    seeds = (3, 4, 5)
    made = [simulate(folders / f"bank{seed}", customers=1000, months=24, seed=seed).folder for seed in seeds]
    return [measure_bank(Bank.open(folder)) for folder in made]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.name)
def test_a_simulated_bank_looks_like_a_bank(measured, measure):
    # the mean of the seeds: ranges speak of the generator, and a small bank has few complaints or loans
    value = sum(frame.loc[measure.name, "value"] for frame in measured) / len(measured)
    assert measure.low <= value <= measure.high, f"{measure.about}. {measure.why}"


def test_a_real_bank_is_measured_as_far_as_its_tables_tell(real_data):
    frame = measure_bank(Bank.open(real_data / "berka").as_of("1994-02-28"))
    known = frame["value"].dropna()
    assert {"wealth_gini", "products_mean", "bookings_mean"} <= set(known.index)
    assert frame.loc["digital_share", "value"] != frame.loc["digital_share", "value"]  # no digital banking in 1994
    assert 4 <= known["bookings_mean"] <= 6  # young accounts, a few bookings a month
