"""PSI and its null law; months out of line and the false alarms of that rule."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.stats import out_of_line, psi

MONTHS = pd.date_range("2022-01-01", periods=36, freq="MS")


def test_psi_by_hand():
    # shares .5 .5 against .6 .4: (-.1) ln(.5/.6) + (.1) ln(.5/.4) = .018232 + .022314
    found = psi([50, 50], [60, 40])
    assert found.value == pytest.approx(0.1 * np.log(1.2) + 0.1 * np.log(1.25))
    assert found.expected == pytest.approx(2 / 100)


def test_psi_is_symmetric_and_zero_for_equal_shares():
    assert psi([10, 20, 70], [7, 30, 63]).value == pytest.approx(psi([7, 30, 63], [10, 20, 70]).value)
    assert psi([10, 20, 70], [1, 2, 7]).value == pytest.approx(0.0)
    assert psi([10, 20, 70], [1, 2, 7]).p_value == pytest.approx(1.0)


def test_psi_survives_empty_classes():
    assert np.isfinite(psi([10, 0, 0], [0, 10, 0]).value)
    assert psi([10, 0, 0], [0, 10, 0]).bins == 2
    assert psi([10], [7]).value == 0.0
    assert np.isnan(psi([0, 0], [1, 1]).value)
    with pytest.raises(CrmlabError, match=r"^psi: 2 classes against 3. Count both samples in the same classes.$"):
        psi([1, 2], [1, 2, 3])


def test_psi_follows_its_null_law():
    generator = np.random.default_rng(8)
    share = np.full(10, 0.1)
    found = [psi(generator.multinomial(800, share), generator.multinomial(300, share)) for _ in range(1_500)]
    values = np.array([f.value for f in found])
    assert values.mean() == pytest.approx(found[0].expected, rel=0.06)
    assert np.mean([f.p_value < 0.05 for f in found]) == pytest.approx(0.05, abs=0.018)


def test_a_step_is_found_in_its_month():
    generator = np.random.default_rng(1)
    calm = pd.Series(generator.normal(0, 0.03, 36), index=MONTHS)
    broken = calm.copy()
    broken.loc["2023-07-01":] += 0.5
    found = out_of_line({"calm": calm, "broken": broken})
    alarms = found[found["is_alarm"]]
    assert alarms[["series", "month"]].values.tolist() == [["broken", pd.Timestamp("2023-07-01")]]


def test_a_season_does_not_alarm():
    season = pd.Series(np.where(MONTHS.month == 12, 0.4, 0.0), index=MONTHS)
    noise = np.random.default_rng(3).normal(0, 0.03, 36)
    assert not out_of_line({"spending": season + noise})["is_alarm"].any()


def test_a_spike_is_seen_although_it_steps_back():
    noise = np.random.default_rng(3).normal(0, 0.03, 14)
    spike = pd.Series(noise, index=MONTHS[:14]) + np.where(np.arange(14) == 12, 0.45, 0.0)
    found = out_of_line({"bookings": spike})
    assert found.loc[found["is_alarm"], "month"].tolist() == [MONTHS[12], MONTHS[13]]


@pytest.mark.parametrize("walks", [True, False])
def test_false_alarms_stay_at_their_rate(walks):
    generator = np.random.default_rng(5)
    banks, raised = 300, 0
    for _ in range(banks):
        noise = generator.normal(0, 1, (8, 36))
        values = noise.cumsum(axis=1) if walks else noise
        found = out_of_line({str(i): pd.Series(row, index=MONTHS) for i, row in enumerate(values)})
        raised += found["is_alarm"].any()
    assert raised / banks <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / banks)


def test_a_small_step_is_no_alarm_however_rare():
    jump = pd.Series([3.0] * 20 + [3.04] * 16, index=MONTHS)
    assert out_of_line({"jump": jump})["is_alarm"].sum() == 1
    assert out_of_line({"jump": jump}, smallest_step=0.1)["is_alarm"].sum() == 0


def test_short_and_constant_series_raise_nothing():
    short = pd.Series([1.0, 5.0, 1.0], index=MONTHS[:3])
    flat = pd.Series(3.0, index=MONTHS)
    assert out_of_line({"short": short}).empty
    assert not out_of_line({"flat": flat})["is_alarm"].any()


def test_one_jump_in_an_otherwise_constant_series_alarms():
    jump = pd.Series([3.0] * 20 + [4.0] * 16, index=MONTHS)
    found = out_of_line({"jump": jump})
    assert found.loc[found["is_alarm"], "month"].tolist() == [MONTHS[20]]
