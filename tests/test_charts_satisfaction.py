"""Charts of satisfaction: what is where, what is marked, and that no name covers another."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from crmlab.charts import control_chart, dots, likeness_matrix, path_matrix, performance_map
from crmlab.charts.style import ACCENT, PALETTE

mpl.use("Agg")
WITH = {"title": "Handling efficiency first", "subtitle": "1,200 responses, 95 % bootstrap interval"}
MAP = pd.DataFrame(
    {
        "title": ["Image", "Handling efficiency", "Expectations"],
        "importance": [0.4, 0.5, 0.1],
        "performance": [72.0, 61.0, 60.0],
        "is_ranked": [True, True, False],
    }
).assign(
    importance_low=lambda f: f["importance"] - 0.1,
    importance_high=lambda f: f["importance"] + 0.1,
    performance_low=lambda f: f["performance"] - 2,
    performance_high=lambda f: f["performance"] + 2,
)
BORDERS = {"importance_border": 0.3, "performance_border": 68.0, "target": "loyalty"}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def _overlaps(texts):
    texts[0].get_figure().canvas.draw()
    boxes = [text.get_window_extent() for text in texts]
    return [
        (a.get_text(), b.get_text())
        for n, (a, x) in enumerate(zip(texts, boxes, strict=True))
        for b, y in zip(texts[n + 1 :], boxes[n + 1 :], strict=True)
        if x.overlaps(y)
    ]


def test_only_what_is_important_poor_and_ranked_is_orange():
    ax = performance_map(MAP, **BORDERS, **WITH)
    marks = ax.collections[-1]
    np.testing.assert_allclose(marks.get_offsets(), MAP[["importance", "performance"]])
    assert [to_hex(colour) for colour in marks.get_edgecolors()] == [PALETTE[0], ACCENT, PALETTE[0]]
    assert [to_hex(colour) for colour in marks.get_facecolors()] == [PALETTE[0], ACCENT, "#ffffff"]
    assert "Expectations (not ranked)" in [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(("other", "side"), [(0.36, "right"), (0.9, "left")], ids=["in the way", "far"])
def test_a_name_that_would_cover_the_next_mark_stands_at_the_left(other, side):
    near = MAP.head(2).assign(
        importance=[0.30, other], performance=[61.0, 61.1], importance_low=0.0, importance_high=1.0
    )
    ax = performance_map(near, **BORDERS, **WITH)
    sides = {text.get_text(): text.get_ha() for text in ax.texts}
    assert (sides["Image"], sides["Handling efficiency"]) == (side, "left")


def test_names_on_one_spot_do_not_cover_each_other():
    crowded = pd.concat(
        [
            MAP.assign(title=[f"{name} {n}" for name in MAP["title"]], importance=0.4, performance=61.0)
            for n in range(3)
        ],
        ignore_index=True,
    )
    crowded["performance_low"], crowded["performance_high"] = 59.0, 63.0
    ax = performance_map(crowded, **BORDERS, **WITH)
    named = [text for text in ax.texts if text.get_text().split(" (")[0] in set(crowded["title"])]
    assert len(named) == 9
    assert _overlaps(named) == []


def test_pairs_that_cannot_be_told_apart_are_orange():
    pairs = pd.DataFrame(
        {
            "first": ["a", "a", "b"],
            "second": ["b", "c", "c"],
            "htmt": [0.6, 0.7, 0.97],
            "htmt_low": 0.5,
            "htmt_high": [0.7, 0.8, 1.01],
            "is_alike": [False, False, True],
        }
    )
    ax = likeness_matrix(pairs, limit=0.9, **WITH)
    orange = [
        (patch.get_x() + 0.48, patch.get_y() + 0.46) for patch in ax.patches if to_hex(patch.get_facecolor()) == ACCENT
    ]
    assert orange == [(pytest.approx(1), pytest.approx(1))]  # column b, row c
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["b", "c"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b"]
    assert "0.90 or more" in ax.get_xlabel()


def test_paths_stand_in_the_row_of_their_effect():
    paths = pd.DataFrame(
        {
            "cause": ["a", "a", "b"],
            "effect": ["b", "c", "c"],
            "coefficient": [0.5, -0.2, 0.1],
            "low": [0.4, -0.3, -0.1],
            "high": [0.6, -0.1, 0.3],
            "is_clear": [True, True, False],
        }
    )
    ax = path_matrix(paths, **WITH)
    written = {text.get_text(): (text.get_position()[0], round(text.get_position()[1] + 0.13)) for text in ax.texts}
    assert written["0.50"] == (0, 0)
    assert written["−0.20"] == (0, 1)
    assert written["0.10"] == (1, 1)
    assert "−0.30 to −0.10" in written


def test_signals_are_orange_and_the_baseline_ends_where_it_does():
    frame = pd.DataFrame(
        {
            "period": pd.date_range("2024-01-01", periods=5, freq="MS"),
            "value": [7, 7, 7, 7, 5.0],
            "low": 6.0,
            "high": 8.0,
            "center": 7.0,
            "is_signal": [False] * 4 + [True],
            "is_baseline": [True] * 3 + [False] * 2,
        }
    )
    events = pd.DataFrame({"period": [frame["period"][3], pd.Timestamp("2030-01-01")], "label": ["Call back", "Later"]})
    ax = control_chart(frame, quantity="CSAT", unit="points", events=events, **WITH)
    marks = {to_hex(line.get_color()): line for line in ax.lines if line.get_marker() == "o"}
    assert list(marks[ACCENT].get_xdata()) == [4]
    assert list(marks[PALETTE[0]].get_xdata()) == [0, 1, 2, 3]
    upright = [
        line.get_xdata()[0] for line in ax.lines if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2
    ]
    assert upright == [2.5, 3]
    assert [text.get_text() for text in ax.texts if text.get_text() in ("Call back", "Later")] == ["Call back"]


def test_words_of_events_stand_under_each_other_and_within_the_chart():
    frame = pd.DataFrame({"period": [f"2024-{month:02d}" for month in range(1, 13)], "value": 7.0, "low": 6.0})
    frame = frame.assign(high=8.0, center=7.0, is_signal=False, is_baseline=[True] * 6 + [False] * 6)
    events = pd.DataFrame({"period": ["2024-03"] * 2 + ["2024-11"] * 2, "label": list("abcd")})
    ax = control_chart(frame, quantity="CSAT", unit="points", events=events, **WITH)
    told = [text for text in ax.texts if text.get_text() in events["label"].tolist()]
    assert len({text.xyann[1] for text in told}) == 4
    assert [text.get_ha() for text in told] == ["left", "left", "right", "right"]
    assert ax.get_ylim()[1] > 8.4


def test_dots_may_leave_zero_where_differences_matter():
    frame = pd.DataFrame({"label": ["a", "b"], "x": [70.0, 72.0], "low": [69.0, 71.0], "high": [71.0, 73.0]})
    given = {"label": "label", "value": "x", "low": "low", "high": "high", "quantity": "Index", "unit": "points"}
    assert dots(frame, **given, **WITH).get_xlim()[0] == 0
    assert dots(frame, **given, **WITH, from_zero=False).get_xlim()[0] > 60
