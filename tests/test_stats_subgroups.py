"""Groups: planted bias is found, none is not, few events, hidden groups."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import binomtest

from crmlab.errors import CrmlabError
from crmlab.stats import auc, proportion, subgroups


def drawn(seed, n=1_200, bias=0.0):
    generator = np.random.default_rng(seed)
    group = generator.choice(["north", "south", "west"], n)
    p = expit(-2 + generator.normal(size=n))
    truth = expit(logit(p) + bias * (group == "south"))
    return generator.binomial(1, truth), p, pd.Series(group, name="region")


def test_equal_probabilities_give_the_intervals_of_a_share():
    # with one p for all, the shift of log-odds is Wilson's interval, and the p-value that of the exact binomial
    y = [1] * 3 + [0] * 27
    row = subgroups(y, [0.2] * 30, pd.Series(["a"] * 30, name="g")).frame.iloc[0]
    wilson = proportion(3, 30)
    assert (row["gap_share"], row["n"], row["events_count"]) == (pytest.approx(-0.1), 30, 3)
    assert row["gap_share_low"] == pytest.approx(wilson.low - 0.2, abs=1e-9)
    assert row["gap_share_high"] == pytest.approx(wilson.high - 0.2, abs=1e-9)
    one_sided = binomtest(3, 30, 0.2, alternative="less").pvalue
    assert row["p_value"] == pytest.approx(min(1, 2 * one_sided))


def test_no_event_and_all_events_have_limits():
    none = subgroups([0] * 20, [0.1] * 20, pd.Series(["a"] * 20)).frame.iloc[0]
    assert none["gap_share_low"] == pytest.approx(-0.1)
    assert none["gap_share_high"] == pytest.approx(proportion(0, 20).high - 0.1, abs=1e-6)
    assert np.isnan(none["auc"])
    full = subgroups([1] * 20, [0.9] * 20, pd.Series(["a"] * 20)).frame.iloc[0]
    assert full["gap_share_high"] == pytest.approx(0.1)


def test_a_planted_bias_is_found_in_its_group():
    y, p, group = drawn(1, bias=0.9)
    found = subgroups(y, p, group)
    off = found.frame[found.frame["is_off"]]
    assert off["group"].tolist() == ["south"]
    assert off["gap_share_low"].iloc[0] > 0
    assert found.reading.startswith("In 1 of 3 groups more happened than was said, most surely in region south: ")
    south = (group == "south").to_numpy()
    assert off["auc"].iloc[0] == pytest.approx(auc(y[south], p[south]).value)
    assert found["largest_gap"].n == south.sum()


def test_without_bias_few_alarms_and_intervals_hold_0():
    alarms, held, looks = 0, 0, 0
    for seed in range(120):
        frame = subgroups(*drawn(seed, n=240)).frame
        alarms += frame["is_off"].any()
        held += ((frame["gap_share_low"] <= 0) & (frame["gap_share_high"] >= 0)).sum()
        looks += len(frame)
    assert alarms / 120 <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 120)
    assert held / looks >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / looks)


def test_rows_of_a_customer_widen_the_interval():
    y, p, group = drawn(2, n=300)
    once = subgroups(y, p, group).frame
    copied = subgroups(
        np.repeat(y, 4), np.repeat(p, 4), group.repeat(4).reset_index(drop=True), customers=np.repeat(np.arange(300), 4)
    ).frame
    width, before = (f["gap_share_high"] - f["gap_share_low"] for f in (copied, once))
    assert np.allclose(width, before, rtol=0.05)


def test_small_groups_are_hidden_and_gaps_left_out():
    group = pd.Series(["a"] * 40 + ["b"] * 9 + [None] * 11, name="g")
    found = subgroups([0, 1] * 30, [0.5] * 60, group)
    assert found.frame["group"].tolist() == ["a"]
    assert found.reading.endswith(" 1 group under 10 rows not shown.")
    assert subgroups([], [], pd.Series([], dtype="str")).frame.empty


def test_several_columns_are_corrected_together():
    y, p, group = drawn(3, n=400)
    both = pd.DataFrame({"region": group, "half": np.where(np.arange(400) < 200, "first", "second")})
    frame = subgroups(y, p, both).frame
    assert frame["column"].tolist() == ["region"] * 3 + ["half"] * 2
    assert frame["p_value_holm"].min() == pytest.approx(min(1, 5 * frame["p_value"].min()))


def test_refusals_say_what_to_do():
    message = "subgroups: 2 outcomes against 1 rows of groups. Give both for the same rows."
    with pytest.raises(CrmlabError, match=f"^{re.escape(message)}$"):
        subgroups([0, 1], [0.1, 0.2], pd.Series(["a"]))
