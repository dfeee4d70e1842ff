"""Every plot function: labels with units, title left, axes back, input untouched, nothing estimated, no global set."""

import ast
import inspect
import itertools
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager

from crmlab import charts
from crmlab.charts import bars, columns, composition, dots, lines, pyramid, style, transition_matrix
from crmlab.charts.style import PALETTE, Scale
from crmlab.errors import CrmlabError

mpl.use("Agg")

MONTHS = pd.date_range("2024-01-01", periods=24, freq="MS")
GROUPS = pd.DataFrame(
    {
        "group": ["current", "savings", "card"],
        "share": [0.9, 0.4, 0.05],
        "low": [0.88, 0.37, 0.04],
        "high": [0.92, 0.43, 0.07],
    }
)
SERIES = pd.DataFrame(
    {
        "month": np.tile(MONTHS, 2),
        "kind": np.repeat(["card", "branch"], 24),
        "share": np.concatenate([np.linspace(0.4, 0.5, 24), np.linspace(0.2, 0.1, 24)]),
    }
).assign(low=lambda f: f["share"] - 0.02, high=lambda f: f["share"] + 0.02, odd=[False] * 47 + [True], unit="share")
WITH = {"title": "Nine in ten hold a current account", "subtitle": "Share of 1,000 customers, Wilson 95 %"}

_LIMITS = {"low": "low", "high": "high", "unit": "share"}
_SHARES = {"label": "group", "value": "share", "quantity": "Holders", **_LIMITS}
CLAIMS = pd.DataFrame(
    {
        "number": ["Left in a year", "Satisfaction to loyalty", "Price to churn"],
        "method": ["counts", "paths", "paths"],
        "offset": [0.2, -0.9, 1.5],
        "from": [-0.8, -1.9, 0.5],
        "to": [1.2, 0.1, 2.5],
        "found": ["7.2 %", "0.41", "80"],
        "true": ["7.0 %", "0.50", "40"],
        "held": [True, True, False],
    }
)
EXAMPLES = {
    "against_truth": (
        CLAIMS,
        {
            "label": "number",
            "value": "offset",
            "low": "from",
            "high": "to",
            "found": "found",
            "true": "true",
            "is_held": "held",
            "by": "method",
        },
    ),
    "reliability_diagram": (
        pd.DataFrame(
            {
                "p_mean": [0.01, 0.05, 0.3],
                "event_share": [0.012, 0.04, 0.45],
                "event_share_low": [0.008, 0.03, 0.4],
                "event_share_high": [0.018, 0.06, 0.5],
                "is_off": [False, False, True],
            }
        ),
        {"quantity": "Left within 3 months"},
    ),
    "bars": (GROUPS, _SHARES),
    "columns": (GROUPS, {**_SHARES, "groups": "Products, number"}),
    "dots": (
        pd.concat([GROUPS.assign(tier="low"), GROUPS.assign(tier="high")], ignore_index=True),
        {**_SHARES, "by": "tier"},
    ),
    "composition": (
        pd.DataFrame({"tier": ["a", "a", "b", "b"], "part": ["x", "y", "x", "y"], "share": [0.3, 0.7, 0.5, 0.5]}),
        {"label": "tier", "part": "part", "value": "share", "quantity": "Assets of the tier"},
    ),
    "pyramid": (
        pd.DataFrame(
            {"band": ["20", "30"] * 2, "gender": ["women"] * 2 + ["men"] * 2, "share": [0.2, 0.3, 0.1, 0.4]},
        ),
        {
            "label": "band",
            "side": "gender",
            "value": "share",
            "sides": ("women", "men"),
            "quantity": "Customers",
            "groups": "Age, years",
        },
    ),
    "lines": (SERIES, {"x": "month", "value": "share", "by": "kind", "quantity": "Transactions", **_LIMITS}),
    "panels": (
        SERIES,
        {
            "x": "month",
            "value": "share",
            "panel": "kind",
            "low": "low",
            "high": "high",
            "alarm": "odd",
            "unit": "unit",
        },
    ),
    "comings": (
        pd.DataFrame({"month": MONTHS, "joined": range(24), "left": range(24, 0, -1)}),
        {"x": "month", "joined": "joined", "left": "left", "quantity": "Customers"},
    ),
    "profit_by_length": (
        pd.DataFrame(
            {
                "list": ["by risk"] * 3 + ["by effect"] * 3,
                "treated_share": [0.0, 0.5, 1.0] * 2,
                "gain": [0.0, -1.0, 0.5, 0.0, 2.0, 0.5],
                "gain_random": [0.0, 0.25, 0.5] * 2,
            }
        ).assign(gain_low=lambda f: f["gain"] - 1, gain_high=lambda f: f["gain"] + 1),
        {"quantity": "Profit a customer", "unit": "EUR"},
    ),
    "coverage": (
        pd.DataFrame(
            {
                "table": np.repeat(["accounts", "balances"], 24),
                "month": np.tile(MONTHS, 2),
                "share": [0.5] * 40 + [0] * 8,
            }
        ),
        {"table": "table", "month": "month", "value": "share"},
    ),
    "heat_strip": (
        pd.DataFrame(
            {
                "segment": ["Savers", "Savers", "Spenders", "Spenders"],
                "segment_share": [0.6, 0.6, 0.4, 0.4],
                "label": ["Age, years", "Card, %"] * 2,
                "value_text": ["52", "20 %", "41", "70 %"],
                "interval_text": ["50 to 54", "18 to 22", "38 to 44", "67 to 73"],
                "difference": [0.4, -0.9, -0.1, 1.4],
                "is_different": [True, True, False, True],
            }
        ),
        {},
    ),
    "cells_grid": (
        pd.DataFrame(
            {
                "recency_score": [5, 5, 1],
                "frequency_score": [5, 4, 1],
                "cell": ["Champions", "Champions", "Hibernating"],
                "share": [0.1, 0.2, 0.7],
                "customers_count": [100, 200, 700],
            }
        ),
        {"row": "Recency score", "column": "Frequency score"},
    ),
    "segment_cards": (
        pd.DataFrame(
            {
                "segment": ["Savers"] * 5 + ["Spenders"],
                "part": ["size", "rule", "fact", "do", "measure", "fact"],
                "label": [None, None, "Age, years", "Channel", None, "Age, years"],
                "text": ["600 customers", "Card below 20 %", "52", "Branch first", "Deposits after a year", "41"],
                "against": [np.nan, np.nan, 0.4, np.nan, np.nan, -0.6],
            }
        ),
        {},
    ),
    "jaccard_dots": (
        pd.DataFrame(
            {
                "segment": ["Savers", "Spenders", "Quiet"],
                "jaccard": [0.95, 0.6, 0.4],
                "jaccard_low": [0.9, 0.4, 0.2],
                "jaccard_high": [0.99, 0.8, 0.6],
                "dissolved_count": [0, 20, 70],
                "recovered_count": [96, 30, 5],
                "resamples_count": 100,
            }
        ),
        {},
    ),
    "cohort_cells": (
        pd.DataFrame(
            {
                "cohort": ["2024 Q1"] * 3 + ["2024 Q2"] * 3,
                "age": [0, 1, 2] * 2,
                "customers_count": [40] * 3 + [20] * 3,
                "share": [1.0, 0.9, 0.85, 1.0, 0.9, 0.86],
                "share_low": [0.9, 0.8, 0.7, 0.8, 0.7, 0.6],
                "share_high": [1.0, 0.95, 0.9, 1.0, 0.98, 0.95],
                "is_forecast": [False] * 5 + [True],
            }
        ),
        {"age": "Quarters since joining, number"},
    ),
    "stage_flow": (
        pd.DataFrame(
            {
                "from": ["growth", "growth", "maturity", "new"],
                "to": ["growth", "maturity", "lost", "onboarding"],
                "customers_count": [60, 20, 15, 5],
            }
        ),
        {"before": "2023-12-31", "after": "2024-12-31"},
    ),
    "survival_causes": (
        pd.DataFrame(
            {
                "cause": ["closing"] * 3 + ["death"] * 3,
                "time": [0.0, 1.0, 2.0] * 2,
                "share": [0.0, 0.1, 0.2, 0.0, 0.01, 0.02],
                "share_low": [0.0, 0.05, 0.1, 0.0, 0.0, 0.01],
                "share_high": [0.0, 0.15, 0.3, 0.0, 0.02, 0.04],
                "at_risk_count": [100, 80, 60] * 2,
                "is_mark": True,
            }
        ),
        {},
    ),
    "control_chart": (
        pd.DataFrame(
            {
                "period": MONTHS,
                "value": [7.2] * 23 + [6.1],
                "low": 6.8,
                "high": 7.6,
                "center": 7.2,
                "is_signal": [False] * 23 + [True],
                "is_baseline": [True] * 12 + [False] * 12,
            }
        ),
        {
            "quantity": "Satisfaction with a contact",
            "unit": "points",
            "events": pd.DataFrame({"period": MONTHS[[13, 14]], "label": ["Call back", "Training"]}),
        },
    ),
    "likeness_matrix": (
        pd.DataFrame(
            {
                "first": ["Image", "Image", "Expectations"],
                "second": ["Expectations", "Quality", "Quality"],
                "htmt": [0.65, 0.7, 0.97],
                "htmt_low": [0.6, 0.6, 0.93],
                "htmt_high": [0.7, 0.8, 1.01],
                "is_alike": [False, False, True],
            }
        ),
        {"limit": 0.9},
    ),
    "path_matrix": (
        pd.DataFrame(
            {
                "cause": ["Image", "Image", "Value"],
                "effect": ["Value", "Satisfaction", "Satisfaction"],
                "coefficient": [0.5, 0.1, -0.6],
                "low": [0.4, -0.1, -0.7],
                "high": [0.6, 0.3, -0.5],
                "is_clear": [True, False, True],
            }
        ),
        {},
    ),
    "performance_map": (
        pd.DataFrame(
            {
                "title": ["Image", "Handling efficiency", "Expectations"],
                "importance": [0.4, 0.5, 0.1],
                "importance_low": [0.3, 0.4, 0.0],
                "importance_high": [0.5, 0.6, 0.2],
                "performance": [72.0, 61.0, 70.0],
                "performance_low": [70.0, 59.0, 68.0],
                "performance_high": [74.0, 63.0, 72.0],
                "is_ranked": [True, True, False],
            }
        ),
        {"importance_border": 0.3, "performance_border": 68.0, "target": "loyalty"},
    ),
    "trial_of_k": (
        pd.DataFrame(
            {
                "k": [2, 3, 4],
                "strength": [0.95, 0.9, 0.6],
                "strength_error": 0.01,
                "strength_null": [0.7, 0.5, 0.4],
                "weakest_jaccard": [0.95, 0.8, 0.5],
                "usefulness": [0.02, 0.05, 0.06],
                "usefulness_error": 0.01,
                "gap": [0.1, 0.4, 0.3],
                "gap_limit": 0.05,
                "is_admissible": [True, True, False],
            }
        ),
        {"chosen": 3},
    ),
    "lorenz_curve": (
        pd.DataFrame(
            {
                "population_share": [0, 0.5, 0.9, 1],
                "held_share": [0, 0.1, 0.4, 1],
                "held_share_low": [0, 0.08, 0.3, 1],
                "held_share_high": [0, 0.12, 0.5, 1],
            }
        ),
        {"quantity": "Assets held"},
    ),
    "suitability_matrix": (
        pd.DataFrame(
            {
                "tolerance": ["C1", "C1", "C3", "C3"],
                "grade": ["R2", "R4", "R2", "R4"],
                "customers_count": [0, 4, 60, 36],
                "share": [0.0, np.nan, 0.6, 0.36],
                "is_riskier": [True, True, False, True],
                "is_hidden": [False, True, False, False],
            }
        ),
        {},
    ),
    "transition_matrix": (
        pd.DataFrame(
            {
                "from": ["a", "a", "b", "b"],
                "to": ["a", "b", "a", "b"],
                "share": [0.9, 0.1, 0.2, 0.8],
                "share_low": [0.8, 0.05, 0.1, 0.7],
                "share_high": [0.95, 0.2, 0.3, 0.9],
                "n": [50, 50, 40, 40],
            }
        ),
        {"before": "Tier on 2023-12-31", "after": "Tier on 2024-12-31"},
    ),
    "whale_curve": (
        pd.DataFrame(
            {
                "population_share": [0, 0.5, 0.9, 1],
                "profit_amount": [0.0, 900.0, 1_000.0, 950.0],
                "profit_low_amount": [0.0, 800.0, 900.0, 850.0],
                "profit_high_amount": [0.0, 1_000.0, 1_100.0, 1_050.0],
            }
        ),
        {"quantity": "Profit together", "unit": "EUR"},
    ),
    "forecast_calibration": (
        pd.DataFrame(
            {
                "forecast_mean": [-20.0, 30.0, 400.0, 3_000.0],
                "outcome_mean": [-22.0, 35.0, 390.0, 3_100.0],
                "outcome_low": [-25.0, 28.0, 370.0, 3_000.0],
                "outcome_high": [-19.0, 42.0, 410.0, 3_200.0],
            }
        ),
        {"quantity": "Value", "unit": "EUR"},
    ),
    "tornado": (
        pd.DataFrame(
            {
                "assumption": ["Horizon", "Discount rate"],
                "low_text": ["6 months", "4 %"],
                "high_text": ["36 months", "12 %"],
                "low_amount": [1_000.0, 2_100.0],
                "high_amount": [5_000.0, 1_900.0],
                "base_amount": 2_000.0,
            }
        ),
        {"quantity": "Expected value", "unit": "EUR"},
    ),
    "worth_of_moves": (
        pd.DataFrame(
            {
                "move": ["left from top", "core to affluent", "core to base"],
                "customers_count": [11, 1_640, 40],
                "worth_amount": [-2_760.0, 8.0, 30.0],
                "worth_low_amount": [-3_720.0, 6.0, -60.0],
                "worth_high_amount": [-1_800.0, 10.0, 120.0],
                "total_amount": [-30_360.0, 13_120.0, 1_200.0],
                "total_low_amount": [-40_920.0, 9_840.0, -2_400.0],
                "total_high_amount": [-19_800.0, 16_400.0, 4_800.0],
                "is_clear": [True, True, False],
            }
        ),
        {"unit": "EUR"},
    ),
}
UNITS = ("%", "number", "years", "EUR", "Month", "points", "index")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_every_public_plot_has_an_example():
    assert set(EXAMPLES) == set(charts.__all__)


@pytest.mark.parametrize("name", charts.__all__)
def test_plot_keeps_the_house_rules(name):
    frame, keywords = EXAMPLES[name]
    before, settings, default = frame.copy(deep=True), dict(mpl.rcParams), mpl.get_backend()
    drawn = getattr(charts, name)(frame, **keywords, **WITH)
    every = list(np.atleast_1d(drawn))
    assert all(isinstance(ax, plt.Axes) for ax in every)
    assert every[0].get_title(loc="left").replace("\n", " ") == WITH["title"]
    assert every[0].title.get_text() == ""  # nothing centred
    for ax in every:
        named = " ".join([ax.get_xlabel(), ax.get_ylabel()])
        assert any(unit in named for unit in UNITS), f"{name}: no unit in {named!r}"
        sides = [ax.spines[side].get_visible() for side in ("top", "right", "left")]
        assert not any(sides)
    pd.testing.assert_frame_equal(frame, before)
    assert dict(mpl.rcParams) == settings
    assert mpl.get_backend() == default


@pytest.mark.parametrize(
    "name", [n for n in charts.__all__ if "ax" in inspect.signature(getattr(charts, n)).parameters]
)
def test_plot_draws_on_the_axes_it_is_given(name):
    frame, keywords = EXAMPLES[name]
    _, own = plt.subplots()
    assert getattr(charts, name)(frame, **keywords, **WITH, ax=own) is own
    assert own.get_title(loc="left").replace("\n", " ") == WITH["title"]


@pytest.mark.parametrize("name", charts.__all__)
def test_plot_refuses_a_frame_without_its_columns_or_rows(name):
    frame, keywords = EXAMPLES[name]
    first = frame.columns[0]
    with pytest.raises(CrmlabError, match=f"{name}: the frame has no column '{first}'; it has "):
        getattr(charts, name)(frame.drop(columns=first), **keywords, **WITH)
    with pytest.raises(CrmlabError, match=f"{name}: the frame has no rows. Say it as a gap instead."):
        getattr(charts, name)(frame.head(0), **keywords, **WITH)


@pytest.mark.parametrize("path", sorted((Path(charts.__file__).parent).glob("*.py")), ids=lambda p: p.name)
def test_charts_compute_no_estimate_and_never_show(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert (
        called & {"mean", "std", "quantile", "groupby", "agg", "value_counts", "show", "bootstrap", "rcdefaults"}
        == set()
    )
    text = path.read_text(encoding="utf-8")
    assert "crmlab.stats" not in text.replace("`crmlab.stats", "")
    assert "rcParams[" not in text


def test_bars_lie_on_their_ticks_in_order_with_their_intervals():
    """seaborn 0.13.2 on pandas 3 puts bars off their ticks; ours are where they say."""
    frame, keywords = EXAMPLES["bars"]
    ax = bars(frame, **keywords, **WITH)
    middles = [patch.get_y() + patch.get_height() / 2 for patch in ax.patches]
    np.testing.assert_allclose(middles, ax.get_yticks())
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["current", "savings", "card"]
    assert [patch.get_width() for patch in ax.patches] == [0.9, 0.4, 0.05]
    assert [patch.get_x() for patch in ax.patches] == [0, 0, 0]
    segments = ax.collections[0].get_segments()
    np.testing.assert_allclose([s[:, 0] for s in segments], frame[["low", "high"]])
    np.testing.assert_allclose([s[0, 1] for s in segments], ax.get_yticks())


def test_columns_start_at_zero_and_stand_on_their_ticks():
    frame, keywords = EXAMPLES["columns"]
    ax = columns(frame, **keywords, **WITH)
    assert ax.get_ylim()[0] == 0
    np.testing.assert_allclose([p.get_x() + p.get_width() / 2 for p in ax.patches], ax.get_xticks())


def test_categories_do_not_move_the_marks():
    """A categorical label draws the same picture as text."""
    frame, keywords = EXAMPLES["bars"]
    plain = bars(frame, **keywords, **WITH)
    category = bars(frame.assign(group=frame["group"].astype("category")), **keywords, **WITH)
    assert [p.get_bbox().bounds for p in plain.patches] == [p.get_bbox().bounds for p in category.patches]


def test_dots_of_one_group_do_not_overlap():
    frame, keywords = EXAMPLES["dots"]
    ax = dots(frame, **keywords, **WITH)
    heights = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_allclose(heights["high"] - heights["low"], 0.31)


def test_dots_of_an_index_far_from_zero_may_fill_the_picture():
    frame = pd.DataFrame({"group": ["a", "b"], "index": [70.0, 72.0], "low": [69.0, 71.0], "high": [71.0, 73.0]})
    named = {"label": "group", "value": "index", "low": "low", "high": "high", "quantity": "Index", "unit": "points"}
    assert dots(frame, **named, **WITH).get_xlim()[0] == 0
    assert 68 < dots(frame, **named, **WITH, from_zero=False).get_xlim()[0] < 69


def test_dots_write_the_number_of_customers_level_with_each_dot():
    frame, keywords = EXAMPLES["dots"]
    ax = dots(frame.assign(customers=[1200, 10, np.nan, 7, 8, 9]), **keywords, **WITH, n="customers")
    written = {text.get_text(): text.xy[1] for text in ax.texts if text.get_text().startswith("n = ")}
    assert sorted(written) == ["n = 1,200", "n = 10", "n = 7", "n = 8", "n = 9"]
    heights = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert [written["n = 1,200"], written["n = 10"]] == list(heights["low"][:2])
    assert [written[f"n = {number}"] for number in (7, 8, 9)] == list(heights["high"])


def test_an_interval_that_misses_the_truth_is_told_by_shape_and_colour():
    frame, keywords = EXAMPLES["against_truth"]
    ax = charts.against_truth(frame, **keywords, **WITH)
    truth, held, missed = ax.lines[:3]
    assert list(truth.get_xdata()) == [0, 0]
    assert list(held.get_xdata()) == [0.2, -0.9]
    assert list(missed.get_xdata()) == [1.5]
    assert (held.get_markerfacecolor(), missed.get_markerfacecolor()) == (PALETTE[0], "white")
    assert missed.get_color() == PALETTE[3]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == frame["number"].tolist()
    words = [text.get_text() for text in ax.texts]
    assert [word for word in words if word in ("7.2 %", "7.0 %", "counts", "paths")] == [
        "counts", "paths", "7.2 %", "7.0 %",
    ]  # fmt: skip
    rows = [tick.get_position()[1] for tick in ax.get_yticklabels()]
    assert rows == sorted(rows)


def test_composition_fills_the_bar():
    frame, keywords = EXAMPLES["composition"]
    ax = composition(frame, **keywords, **WITH)
    assert max(p.get_x() + p.get_width() for p in ax.patches) == pytest.approx(1.0)


def test_pyramid_shows_both_sides_as_positive_shares():
    frame, keywords = EXAMPLES["pyramid"]
    ax = pyramid(frame, **keywords, **WITH)
    assert min(p.get_width() for p in ax.patches) == pytest.approx(-0.3)
    ax.get_figure().draw_without_rendering()
    assert not any("-" in tick.get_text() or "\N{MINUS SIGN}" in tick.get_text() for tick in ax.get_xticklabels())


def test_series_beyond_five_are_grey():
    many = pd.concat([SERIES.assign(kind=f"s{i}") for i in range(7)], ignore_index=True).drop_duplicates(
        ["month", "kind"]
    )
    ax = lines(many, x="month", value="share", by="kind", quantity="Share", unit="share", **WITH)
    assert [line.get_color() for line in ax.lines][:5] == list(PALETTE)
    assert {line.get_color() for line in ax.lines[5:]} == {"#b8c2cc"}


def test_matrix_writes_share_interval_and_n():
    frame, keywords = EXAMPLES["transition_matrix"]
    ax = transition_matrix(frame, **keywords, **WITH)
    texts = [text.get_text() for text in ax.texts]
    assert "90.0 %" in texts
    assert "80.0 to 95.0" in texts
    assert ax.get_yticklabels()[0].get_text() == "a (n = 50)"


def test_titles_and_labels_stay_inside_the_figure():
    frame, keywords = EXAMPLES["bars"]
    long = frame.assign(group=["a name that goes on and on for quite a while", "b", "c"])
    ax = bars(long, **keywords, title="x" * 70, subtitle="y " * 80)
    figure = ax.get_figure()
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 >= -0.05
    assert box.y1 <= height + 0.05
    assert box.x1 <= width + 0.35


def test_chinese_names_need_no_missing_glyph(legible):
    legible("北京")
    frame, keywords = EXAMPLES["bars"]
    bars(frame.assign(group=["北京", "上海", "广州"]), **keywords, **WITH).get_figure().canvas.draw()


def test_a_font_installed_after_matplotlibs_list_was_made_is_found(monkeypatch, legible):
    legible("北京")
    known = font_manager.fontManager
    monkeypatch.setattr(known, "ttflist", [font for font in known.ttflist if font.name not in style._CJK])
    faces = style.faces.__wrapped__()
    assert faces[0] == "DejaVu Sans"
    assert faces[1] in style._CJK


@pytest.mark.parametrize(
    ("unit", "largest", "value", "text"),
    [
        ("share", 1.0, 1.0, "100 %"),
        ("share", 0.5, 0.1234, "12.3 %"),
        ("count", 900, 12.0, "12"),
        ("EUR", 3_000_000, 1_500_000, "1.50m"),
        ("EUR", 30_000, 1_500, "1.5k"),
        ("days", 5.0, 1.25, "1.25"),
        ("EUR", 10.0, float("nan"), ""),
    ],
)
def test_values_are_written_with_their_scale(unit, largest, value, text):
    assert Scale(unit, largest).text(value) == text


def test_moves_tell_gain_loss_and_doubt_apart():
    frame, keywords = EXAMPLES["worth_of_moves"]
    ax = charts.worth_of_moves(frame, **keywords, **WITH)
    np.testing.assert_allclose([patch.get_width() for patch in ax.patches], frame["total_amount"])
    faces = [mpl.colors.to_hex(patch.get_facecolor()) for patch in ax.patches]
    assert faces == [PALETTE[3], PALETTE[0], "#ffffff"]
    np.testing.assert_allclose(
        [segment[:, 0] for segment in ax.collections[0].get_segments()],
        frame[["total_low_amount", "total_high_amount"]],
    )
    written = [text.get_text() for text in ax.texts]
    assert "−30.4k: 11 × −2,760 (−3,720 to −1,800)" in written
    assert "13.1k: 1,640 × 8 (6 to 10)" in written
    assert ax.get_xlabel() == "Change of the yield a year, all movers, EUR thousand"


def test_moves_beyond_those_drawn_are_counted():
    frame, keywords = EXAMPLES["worth_of_moves"]
    ax = charts.worth_of_moves(frame, **keywords, **WITH, most=2)
    assert len(ax.patches) == 2
    assert ax.get_xlabel().endswith("; the first 2 of 3 moves")


def test_bands_of_the_flow_are_as_thick_as_they_are_many_and_no_block_overlaps():
    frame, keywords = EXAMPLES["stage_flow"]
    ax = charts.stage_flow(frame, **keywords, **WITH)
    bands = [patch for patch in ax.patches if type(patch).__name__ == "PathPatch"]
    thick = sorted(round(float(band.get_path().vertices[7][1] - band.get_path().vertices[0][1]), 9) for band in bands)
    assert thick == [0.05, 0.15, 0.2, 0.6]
    blocks = [patch for patch in ax.patches if type(patch).__name__ == "Rectangle"]
    left = sorted((b.get_y(), b.get_y() + b.get_height()) for b in blocks if b.get_x() < 0)
    assert all(above[1] < below[0] for above, below in itertools.pairwise(left))
    said = {text.get_text() for text in ax.texts}
    assert {"growth  80", "maturity  15", "new  5", "15  lost", "20  maturity"} <= said


def test_the_number_at_risk_stands_under_the_times_marked():
    frame, keywords = EXAMPLES["survival_causes"]
    marked = frame.assign(is_mark=frame["time"] > 0)
    ax = charts.survival_causes(marked, **keywords, **WITH)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1\n80", "2\n60"]


def test_cells_to_come_are_in_brackets_with_their_interval_at_the_edge():
    frame, keywords = EXAMPLES["cohort_cells"]
    ax = charts.cohort_cells(frame, **keywords, **WITH)
    said = [text.get_text() for text in ax.texts]
    assert {"(86)", "60 to 95"} <= set(said)
    assert said.count("90") == 2
