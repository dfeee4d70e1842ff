"""Control charts: published constants and run lengths, hand arithmetic, rules, periods that tell nothing."""

import math

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.satisfaction.change.control_chart import by_period, control_chart
from crmlab.satisfaction.change.run_length import average_run_length, ewma_run_length, ewma_width, false_alarm_share


def _shares(values, n=100):
    return pd.DataFrame({"period": range(len(values)), "value": values, "n": n})


# Champ and Woodall (1987), table 1, rule 1 alone, at shifts of 0, 1 and 2 standard errors
@pytest.mark.parametrize(("shift", "length"), [(0.0, 370.40), (1.0, 43.89), (2.0, 6.30)])
def test_run_lengths_of_shewhart_charts(shift, length):
    assert average_run_length(3, shift=shift) == pytest.approx(length, abs=0.006)


def test_run_length_with_the_rule_on_runs():
    assert average_run_length(3, run=8) == pytest.approx(152.73, abs=0.006)  # the same table, rules 1 and 8 in a row
    assert average_run_length(3, run=8, shift=1) < average_run_length(3, shift=1) / 2


def test_run_lengths_agree_with_simulation():
    generator = np.random.default_rng(1)
    lengths = []
    for _ in range(1_500):
        z, side, run, t = generator.standard_normal(4_000), 0, 0, 0
        for t, one in enumerate(z):  # noqa: B007
            run = run + 1 if np.sign(one) == side else 1
            side = np.sign(one)
            if abs(one) > 3 or run >= 8:
                break
        lengths.append(t + 1)
    assert np.mean(lengths) == pytest.approx(152.73, abs=4 * 150 / math.sqrt(1_500))


@pytest.mark.parametrize(
    ("smoothing", "width", "shift", "length"),
    # Lucas and Saccucci (1990), table 3: schemes with a run length of 500, without a shift and with one of 1
    [
        (0.1, 2.814, 0, 500),
        (0.25, 2.998, 0, 500),
        (0.5, 3.071, 0, 500),
        (0.1, 2.814, 1.0, 10.3),
        (0.25, 2.998, 1, 11.1),
    ],
)
def test_run_lengths_of_ewma_charts(smoothing, width, shift, length):
    assert ewma_run_length(width, smoothing, shift=shift) == pytest.approx(length, rel=0.006)


def test_the_width_of_an_ewma_chart_gives_the_run_length_of_a_plain_one():
    assert ewma_run_length(ewma_width(0.2), 0.2) == pytest.approx(average_run_length(3))
    assert ewma_run_length(3, 1) == average_run_length(3)


def test_limits_of_shares_by_hand():
    # baseline 30 of 50 and 90 of 150: p = 120 / 200 = .6; n = 96: error sqrt(.24 / 96) = .05
    frame = pd.DataFrame({"period": ["a", "b", "c"], "value": [0.6, 0.6, 0.7], "n": [50, 150, 96]})
    row = control_chart(frame, kind="share", baseline=["a", "b"]).frame.iloc[2]
    assert (row["center"], row["low"], row["high"]) == pytest.approx((0.6, 0.45, 0.75))
    assert not row["is_signal"]


def test_limits_of_means_and_spreads_have_the_textbook_constants():
    # Montgomery, appendix VI, n = 5: A3 = 1.427 with s-bar = c4 s, c4 = .9400; B3 = 0, B4 = 2.089
    frame = pd.DataFrame({"period": range(4), "value": [7.0] * 4, "spread": [2.0] * 4, "n": 5})
    mean = control_chart(frame, kind="mean", baseline=range(4)).frame.iloc[0]
    assert (mean["high"] - 7) / (0.9400 * 2) == pytest.approx(1.427, abs=1e-3)
    spread = control_chart(frame, kind="spread", baseline=range(4)).frame.iloc[0]
    assert spread["center"] / 2 == pytest.approx(0.9400, abs=1e-4)
    assert (spread["low"], spread["high"] / spread["center"]) == (0, pytest.approx(2.089, abs=1e-3))
    larger = control_chart(frame.assign(n=25), kind="spread", baseline=range(4)).frame.iloc[0]
    assert larger["low"] / larger["center"] == pytest.approx(0.565, abs=1e-3)  # B3, n = 25


def test_over_dispersed_shares_by_hand():
    # p = .5, n = 100, error .05: z = -2, 2, -2, 2: mean moving range 4, / 1.128379 = 3.544908
    frame = _shares([0.4, 0.6, 0.4, 0.6, 0.7])
    chart = control_chart(frame, kind="share", baseline=range(4), is_overdispersed=True)
    assert chart.dispersion == pytest.approx(4 / 1.1283791670955126)
    assert chart.frame["high"][4] == pytest.approx(min(0.5 + 3 * 3.544907701811032 * 0.05, 1.0))
    assert not chart.frame["is_signal"][4]
    assert control_chart(frame, kind="share", baseline=range(4)).frame["is_signal"][4]
    calm = control_chart(_shares([0.5, 0.51, 0.5, 0.51]), kind="share", baseline=range(4), is_overdispersed=True)
    assert calm.dispersion == 1  # never narrower than the answers alone allow


def test_a_smoothed_chart_by_hand():
    # z = 0, 0, 1 with weight .2: average .2, its deviation sqrt(.04 x (1 + .64 + .4096))
    frame = pd.DataFrame({"period": list("abc"), "value": [7.0, 7, 7.2], "spread": 2.0, "n": 100})
    chart = control_chart(frame, kind="mean", baseline=["a", "b"], smoothing=0.2)
    row = chart.frame.iloc[2]
    assert row["value"] == pytest.approx(7 + 0.2 * 0.2)
    assert row["high"] == pytest.approx(7 + ewma_width(0.2) * math.sqrt(0.04 * 2.0496) * 0.2)
    assert chart.run_length == pytest.approx(370.4, abs=0.1)


def test_a_small_lasting_shift_is_seen_sooner_by_the_smoothed_chart():
    assert ewma_run_length(ewma_width(0.2), 0.2, shift=0.75) < average_run_length(3, shift=0.75) / 4
    generator = np.random.default_rng(2)
    seen = {"plain": 0, "smooth": 0}
    for _ in range(60):
        share = np.r_[np.full(30, 0.6), np.full(12, 0.63)]
        frame = _shares(generator.binomial(300, share) / 300, 300)
        for name, options in {"plain": {"has_runs": False}, "smooth": {"smoothing": 0.2}}.items():
            seen[name] += (
                control_chart(frame, kind="share", baseline=range(30), **options).frame["is_signal"][30:].any()
            )
    assert seen["smooth"] > seen["plain"] + 15


def test_eight_on_one_side_signal():
    frame = _shares([0.6, 0.6, *([0.62] * 8), 0.58])
    chart = control_chart(frame, kind="share", baseline=[0, 1])
    assert chart.frame["reason"].tolist() == [""] * 9 + ["8 on one side", ""]
    assert not control_chart(frame, kind="share", baseline=[0, 1], has_runs=False).frame["is_signal"].any()
    told = chart.evidence("App top box", unit="share")
    assert told.title == "App top box: 1 of 9 periods signal a change"
    assert told.reading.startswith("First signal in 9: 62.0 %, above its usual level of 60.0 % (8 on one side).")


def test_false_alarms_of_a_short_baseline():
    # plain, center almost known: 1 - (1 - .0027)^12 = 3.2 %
    assert false_alarm_share(3_000, 12) == pytest.approx(0.032, abs=0.009)
    assert false_alarm_share(12, 12, run=8) > 2.5 * false_alarm_share(12, 12)
    assert false_alarm_share(12, 12, run=8) > false_alarm_share(200, 12, run=8)
    assert false_alarm_share(5, 0) == 0
    generator = np.random.default_rng(3)
    signals = [
        control_chart(_shares(generator.binomial(500, 0.6, 24) / 500, 500), kind="share", baseline=range(12))
        for _ in range(300)
    ]
    share = np.mean([chart.frame["is_signal"][12:].any() for chart in signals])
    assert share == pytest.approx(signals[0].false_alarm_share, abs=0.065)  # three standard errors of 300 charts


def test_periods_of_answers():
    frame = pd.DataFrame({"x": [6.0, 8, 10, np.nan, np.nan], "m": ["a", "a", "b", "b", "c"], "w": [1.0, 1, 2, 1, 1]})
    table = by_period(frame, "x", "m", weight="w")
    assert table["value"].tolist()[:2] == [7, 10]
    assert table["n"].tolist() == [2, 1, 0]
    assert table["spread"][0] == pytest.approx(math.sqrt(2))
    assert table["spread"][1:].isna().all()


def test_degenerate_periods_have_a_stated_result():
    # everybody is satisfied: no spread, limits close; a first unsatisfied customer signals
    chart = control_chart(_shares([1.0, 1, 1, 0.99]), kind="share", baseline=[0, 1, 2])
    assert chart.frame["is_signal"].tolist() == [False, False, False, True]
    ten = pd.DataFrame({"period": list("abc"), "value": 10.0, "spread": 0.0, "n": 20})
    assert not control_chart(ten, kind="mean", baseline=["a", "b"]).frame["is_signal"].any()
    smooth = control_chart(ten, kind="mean", baseline=["a", "b"], smoothing=0.2).frame
    assert not smooth["is_signal"].any()
    gap = _shares([0.6, 0.62, np.nan, 0.6]).assign(n=[100, 100, 0, 100])
    row = control_chart(gap, kind="share", baseline=[0, 1]).frame.iloc[2]
    assert math.isnan(row["value"])
    assert not row["is_signal"]
    one = pd.DataFrame({"period": list("abc"), "value": [7.0, 8, 9], "spread": [1.0, 1, np.nan], "n": [5, 5, 1]})
    assert control_chart(one, kind="mean", baseline=["a", "b"]).frame["high"][2] == pytest.approx(7.5 + 3)
    assert math.isnan(control_chart(one, kind="spread", baseline=["a", "b"]).frame["value"][2])
    quiet = control_chart(_shares([0.6, 0.61, 0.6]), kind="share", baseline=[0, 1]).evidence("Branches")
    assert quiet.title == "Branches: no signal in 1 period after the baseline"


def _problems(call, *args, **kwargs):
    with pytest.raises(CrmlabError) as error:
        call(*args, **kwargs)
    return error.value.problems


def test_what_cannot_be_is_refused():
    frame = _shares([60.0, 0.5]).assign(period=["a", "a"], n=[-1, 5])
    assert _problems(control_chart, frame, kind="share", baseline=["b"], smoothing=2) == (
        "control_chart: baseline periods ['b'] are not in the frame. Name periods it has.",
        "control_chart: a period is there twice. Give one row a period.",
        "control_chart: n is below 0. Give the number of answers.",
        "control_chart: a share lies outside 0 to 1. Give shares, not per cent.",
        "control_chart: smoothing is 2. Give above 0 up to 1, such as 0.2.",
    )
    assert _problems(control_chart, _shares([0.5, 0.6]), kind="share", baseline=[0]) == (
        "control_chart: 1 baseline periods have answers. Name two or more; limits of a dozen hold better.",
    )
    assert _problems(control_chart, _shares([0.5]), kind="mean", baseline=[0]) == (
        "control_chart: the frame lacks columns ['spread']; it has ['period', 'value', 'n']. Take it from by_period.",
    )
    assert _problems(control_chart, _shares([0.5]), kind="p", baseline=[0]) == (
        "control_chart: kind 'p' is not known. Choose share, mean or spread.",
    )
    answers = pd.DataFrame({"sat": [1.0], "month": ["a"], "w": [-1.0]})
    assert _problems(by_period, answers, "sat", "mont") == (
        "by_period: the frame lacks column 'mont'. Did you mean 'month'? Name one it has.",
    )
    assert _problems(by_period, answers, "sat", "month", weight="w") == (
        "by_period: 1 of 1 weights in a are negative or missing. Give 0 or more.",
    )
    assert _problems(average_run_length, 0) == (
        "average_run_length: width is 0 and run None. Give a width above 0 and a run of 2 or more.",
    )
    assert _problems(ewma_run_length, 3, 0) == (
        "ewma_run_length: width is 3 and smoothing 0. Give above 0, and smoothing up to 1.",
    )
    assert _problems(false_alarm_share, 0, 3) == (
        "false_alarm_share: 0 and 3 periods. Give 1 or more, and 0 or more after.",
    )
