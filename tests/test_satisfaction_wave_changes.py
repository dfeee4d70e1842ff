"""Changes between waves: hand arithmetic, panels, corrections, false alarms, waves that tell nothing."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats as laws

from crmlab.errors import CrmlabError
from crmlab.satisfaction.change.wave_changes import (
    benjamini_hochberg,
    smallest_wave_change,
    wave_change_evidence,
    wave_changes,
)


def _waves(*columns, **more):
    names = [str(2020 + k) for k in range(len(columns))]
    frame = pd.DataFrame({"wave": np.repeat(names, [len(c) for c in columns]), "x": np.concatenate(columns)})
    return frame.assign(**more)


def test_a_full_panel_is_the_paired_t_test():
    generator = np.random.default_rng(1)
    before = generator.normal(7, 2, 40)
    after = before + generator.normal(0.3, 1, 40)
    frame = _waves(before, after, customer_id=np.tile(np.arange(40), 2))
    row = wave_changes(frame, ["x"]).iloc[0]
    paired = laws.ttest_rel(after, before)
    assert row["p_value"] == pytest.approx(paired.pvalue)
    interval = paired.confidence_interval()
    assert (row["change_low"], row["change_high"]) == pytest.approx((interval.low, interval.high))
    assert row["n_both"] == 40


def test_different_customers_of_equal_number_give_welchs_test():
    generator = np.random.default_rng(2)
    before, after = generator.normal(7, 2, 50), generator.normal(7.5, 3, 50)
    row = wave_changes(_waves(before, after), ["x"]).iloc[0]
    assert row["error"] == pytest.approx(math.sqrt((before.var(ddof=1) + after.var(ddof=1)) / 50))
    assert row["p_value"] == pytest.approx(laws.ttest_ind(after, before, equal_var=False).pvalue)


def test_a_rotating_panel_counts_its_covariance_by_hand():
    # before a 4, b 6; after b 8, c 6: means 5, 7, each answer moves its mean by (x - mean) / 2
    # sums by customer: a +.5, b -.5 + .5 = 0, c -.5; times n / (n - 1) = 2 of each wave: 2 x (.25 + 0 + .25) = 1
    frame = _waves([4.0, 6], [8.0, 6], customer_id=["a", "b", "b", "c"])
    row = wave_changes(frame, ["x"]).iloc[0]
    assert (row["change"], row["n_both"]) == (2, 1)
    assert row["error"] == pytest.approx(1)


def test_weights_move_the_means():
    frame = _waves([4.0, 8], [4.0, 8], weight=[3.0, 1, 1, 3])
    row = wave_changes(frame, ["x"]).iloc[0]
    assert (row["value_from"], row["value_to"], row["change"]) == (5, 7, 2)
    doubled = wave_changes(frame.assign(weight=frame["weight"] * 9), ["x"]).iloc[0]
    assert doubled["error"] == pytest.approx(row["error"])


def test_intervals_hold_in_a_weighted_rotating_panel():
    generator = np.random.default_rng(3)
    held, runs, n = 0, 250, 60
    customers = np.concatenate([np.arange(n), np.arange(n // 2), np.arange(n, n + n // 2)])
    for _ in range(runs):
        person = generator.normal(0, 1.5, 2 * n)
        x = person[customers] + generator.normal(0, 1, 2 * n)
        frame = _waves(x[:n], x[n:], customer_id=customers, weight=generator.choice([0.5, 1, 2], 2 * n))
        row = wave_changes(frame, ["x"]).iloc[0]
        held += row["change_low"] <= 0 <= row["change_high"]
    assert 227 <= held <= 248  # 95 % of 250 are 237.5 with a standard error of 3.4; measured over 1,500: 94.5 %


def test_many_looks_raise_false_alarms_unless_corrected():
    generator = np.random.default_rng(4)
    singly = together = 0
    for _ in range(200):
        changes = wave_changes(_waves(*generator.normal(7, 2, (12, 40))), ["x"])
        singly += (changes["p_value"] < 0.05).any()
        together += changes["is_change"].any()
    # 11 looks: about 39 % (78, standard error 6.9) singly; at most 5 % (10, standard error 3.1) with Holm
    assert 58 <= singly <= 98
    assert together <= 19


def test_pairs():
    frame = _waves([1.0, 2], [2.0, 3], [5.0, 7], [5.0, 9])
    found = {p: len(wave_changes(frame, ["x"], pairs=p)) for p in ("previous", "first", "all")}
    assert found == {"previous": 3, "first": 3, "all": 6}
    turned = wave_changes(frame, ["x"], order=["2023", "2022", "2021", "2020"])
    assert turned["wave_from"].tolist() == ["2023", "2022", "2021"]


def test_benjamini_hochberg_is_that_of_scipy():
    p = np.random.default_rng(5).uniform(0, 1, 30) ** 2
    assert benjamini_hochberg(p) == pytest.approx(laws.false_discovery_control(p))
    with_gap = benjamini_hochberg([0.01, np.nan, 0.04])
    assert with_gap[[0, 2]].tolist() == pytest.approx([0.02, 0.04])
    assert np.isnan(with_gap[1])


def test_the_smallest_change_is_seen_four_times_in_five():
    # 400 each, deviation 2: (1.959964 + .841621) x 2 x sqrt(2 / 400) = .39620
    assert smallest_wave_change(2, 400, 400) == pytest.approx(0.396204, abs=1e-6)
    assert smallest_wave_change(2, 400, 400, design_effect=1.44) == pytest.approx(0.396204 * 1.2, abs=1e-6)
    generator = np.random.default_rng(6)
    size = smallest_wave_change(2, 100, 100)
    seen = sum(
        wave_changes(_waves(generator.normal(7, 2, 100), generator.normal(7 + size, 2, 100)), ["x"])["p_value"][0]
        < 0.05
        for _ in range(200)
    )
    assert 143 <= seen <= 177  # 160, standard error 5.7
    assert smallest_wave_change(2, 100, 100, both=100, correlation=1.0) == 0


def test_degenerate_waves_have_a_stated_result():
    frame = _waves([10.0, 10, 10], [10.0, 10, 10]).assign(asked_once=[1.0, 2, 3, np.nan, np.nan, np.nan])
    table = wave_changes(frame, ["x", "asked_once"])
    assert table["reason"].tolist() == ["all answers are alike", "nobody answered in the later wave"]
    assert table["p_holm"].isna().all()
    assert not table["is_change"].any()
    assert table["value_from"].tolist() == [10, 2]
    alone = wave_changes(_waves([4.0], [5.0, 6]), ["x"]).iloc[0]
    assert (alone["reason"], alone["change"]) == ("one answer shows no spread", 1.5)
    unweighted = wave_changes(_waves([4.0, 5], [5.0, 6], weight=[0.0, 0, 1, 1]), ["x"]).iloc[0]
    assert unweighted["reason"] == "nobody answered in the earlier wave"
    told = wave_change_evidence(table)
    assert told.title == "0 of 0 changes between waves stand out from chance"
    assert told.reading == "No change is known. 2 of 2 cannot be compared."


def test_quiet_waves_say_what_would_have_been_seen():
    generator = np.random.default_rng(7)
    told = wave_change_evidence(wave_changes(_waves(*generator.normal(7, 2, (3, 50))), ["x"]))
    assert told.title == "0 of 2 changes between waves stand out from chance"
    assert told.reading == "A change of 0.99 points would be seen four times in five in one look."


def _problems(call, *args, **kwargs):
    with pytest.raises(CrmlabError) as error:
        call(*args, **kwargs)
    return error.value.problems


def test_what_cannot_be_is_refused():
    frame = _waves([1.0, 2], [2.0, 3], weight=[-1.0, 1, 1, np.nan])
    assert _problems(wave_changes, frame, ["y"], pairs="last", level=95) == (
        "wave_changes: the frame lacks column 'y'. Name one it has.",
        "wave_changes: pairs 'last' is not known. Choose one of previous: each wave with the one before; first: each "
        "wave with the first; all: each wave with each.",
        "wave_changes: level 95 or power 0.8 is no chance. Give above 0 and below 1.",
        "wave_changes: 2 of 4 weights are negative or missing. Give 0 or more.",
    )
    assert _problems(wave_changes, _waves([1.0, 2]), ["x"]) == (
        "wave_changes: there is one wave, ['2020']. A change needs two.",
    )
    assert _problems(wave_changes, frame.iloc[:0], ["x"]) == (
        "wave_changes: there is no response. A change needs two waves.",
    )
    plain = frame.drop(columns="weight")
    assert _problems(wave_changes, plain, ["x"], order=["2020"]) == (
        "wave_changes: waves ['2021'] are not in the order ['2020']. Add them.",
    )
    assert _problems(wave_changes, plain.assign(wave=["a", None, "b", "b"]), ["x"]) == (
        "wave_changes: 1 of 4 responses have no wave. Fill it, or leave them out.",
    )
    assert _problems(smallest_wave_change, -1, 0, 5, both=2, correlation=2, design_effect=0.5, looks=0, power=1) == (
        "smallest_wave_change: the deviation is -1. Give 0 or more.",
        "smallest_wave_change: waves have 0 and 5 responses. Give 1 or more.",
        "smallest_wave_change: 2 customers in both waves do not fit. Give at most the fewer.",
        "smallest_wave_change: the correlation is 2. Give -1 to 1.",
        "smallest_wave_change: the design effect is 0.5. Give 1 or more.",
        "smallest_wave_change: there are 0 looks. Give 1 or more.",
        "smallest_wave_change: power 1 or level 0.95 is no chance. Give 0 to 1.",
    )
