"""Charts of segments: every mark where the frame says, every text legible and inside its box."""

import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle

from crmlab.charts import cells_grid, heat_strip, jaccard_dots, segment_cards, trial_of_k
from crmlab.charts.segments import LESS, MORE, difference_colour
from crmlab.charts.sheet import height_of, width_of, wrapped
from crmlab.charts.style import ACCENT, PALETTE
from crmlab.errors import CrmlabError

mpl.use("Agg")

WITH = {"title": "Card spenders book three times as often", "subtitle": "Mean, 95 % interval, 5,000 customers"}
NAMES = (
    "Digital everyday users", "Branch savers", "Affluent investors", "Quiet customers", "Card spenders",
    "Salary transfer customers", "Conservative pensioners", "Cash withdrawers",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def _profile(segments, aspects, *, name="{}", label="Aspect {}, EUR", value="{:,.0f}", spread=1.0):
    """A profile whose differences run from -3 to 3 over the cells."""
    cells = [(s, a) for s in range(segments) for a in range(aspects)]
    differences = np.linspace(-3, 3, len(cells)) * spread
    return pd.DataFrame(
        {
            "segment": [name.format(NAMES[s]) for s, _ in cells],
            "segment_share": [1 / segments for _ in cells],
            "label": [label.format(a) for _, a in cells],
            "value_text": [value.format(10_000 + 100 * i) for i in range(len(cells))],
            "interval_text": [f"{value.format(9_000)} to {value.format(12_345)}" for _ in cells],
            "difference": differences,
            "is_different": np.abs(differences) > 0.3,
        }
    )


def _contrast(one, other):
    """WCAG 2: ratio of the relative luminances."""

    def luminance(colour):
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _boxes(ax):
    """Texts in the axes with their boxes in pixels of the printed figure; title, subtitle and empty ones left out."""
    figure = ax.get_figure()
    figure.set_dpi(200)
    figure.draw_without_rendering()
    texts = [t for t in ax.texts if t.get_text() and t.get_text().replace("\n", " ") != WITH["subtitle"]]
    return [(text, text.get_window_extent()) for text in texts]


def _crossing(boxes):
    """Pairs of texts of which one covers the other by more than a pixel each way."""
    corners = np.array([box.extents for _, box in boxes])  # left, bottom, right, top
    wide, tall = (
        np.minimum.outer(corners[:, high], corners[:, high]) - np.maximum.outer(corners[:, low], corners[:, low])
        for low, high in ((0, 2), (1, 3))
    )
    pairs = np.argwhere(np.triu((wide > 1) & (tall > 1), 1))
    return [(boxes[one][0].get_text(), boxes[other][0].get_text()) for one, other in pairs]


def _inside_the_figure(ax):
    figure = ax.get_figure()
    wide, tall = figure.get_size_inches()
    box = figure.get_tightbbox()
    return box.x0 >= -0.02 and box.y0 >= -0.02 and box.x1 <= wide + 0.02 and box.y1 <= tall + 0.02


# the sheet


def test_text_is_as_wide_as_measured():
    figure, ax = plt.subplots(dpi=200)
    for text, points, bold in (("1,234 to 1,567", 6.5, False), ("Digital everyday users", 8, True), ("北京", 8, False)):
        from crmlab.charts.style import house

        with house():
            drawn = ax.text(0, 0, text, fontsize=points, fontweight="bold" if bold else "normal")
            if text == "北京" and len(plt.rcParams["font.family"]) == 1:
                continue
            inches = drawn.get_window_extent(figure.canvas.get_renderer()).width / 200
        assert width_of(text, points, bold=bold) == pytest.approx(inches, rel=0.09)


@pytest.mark.parametrize("inches", [0.3, 0.62, 1.5])
@pytest.mark.parametrize(
    "text",
    ["Digital everyday users", "Donaudampfschifffahrtsgesellschaft", "self-service/branch customers", "存款客户" * 9],
)
def test_wrapped_text_keeps_its_width_and_its_letters(text, inches, legible):
    legible(text)
    lines = wrapped(text, inches, 7).split("\n")
    assert max(width_of(line, 7) for line in lines) <= inches
    assert "".join(lines).replace("-", "").replace(" ", "") == text.replace("-", "").replace(" ", "")


def test_a_torn_word_has_pieces_of_one_length_and_hyphens():
    assert wrapped("Conservative", 0.6, 8) == "Conser-\nvative"
    assert wrapped("self-service", 0.55, 8) == "self-\nservice"
    assert wrapped("", 1.0, 8) == ""
    assert (height_of("", 8), height_of("a\nb", 9)) == (0.0, pytest.approx(2 * 9 * 1.18 / 72))


# the heat strip


def _cell_patches(ax, count):
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)][:count]


def test_strip_has_a_column_a_segment_and_a_row_an_aspect_in_the_frames_order():
    frame = _profile(3, 2)
    ax = heat_strip(frame, **WITH)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["Aspect 0, EUR", "Aspect 1, EUR"]
    words = [text.get_text() for text in ax.texts]
    for row in frame.itertuples():
        assert row.value_text in words
    cells = _cell_patches(ax, 6)
    middles = [(p.get_x() + p.get_width() / 2, p.get_y() + p.get_height() / 2) for p in cells]
    # cells come column by column, and each sits level with its label and under its name
    np.testing.assert_allclose([y for _, y in middles], np.tile(ax.get_yticks(), 3))
    for name, (middle, _) in zip(NAMES[:3], middles[::2], strict=True):
        above = [text for text in ax.texts if np.isclose(text.get_position()[0], middle) and text.get_position()[1] < 0]
        assert " ".join(text.get_text() for text in above) == f"{name} 33.3 %"
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # first aspect on top


def test_strip_colours_by_difference_and_leaves_the_unsure_white():
    # differences of the 6 cells: -3, -1.8, -.6, .6, 1.8, 3
    frame = _profile(3, 2).assign(is_different=[True, True, False, True, True, True])
    cells = _cell_patches(heat_strip(frame, **WITH), 6)
    faces = [to_hex(patch.get_facecolor()) for patch in cells]
    assert faces[0] == to_hex(difference_colour(-2.0)) == to_hex(difference_colour(-9.0))
    assert faces[1] == to_hex(difference_colour(-1.8))
    assert faces[2] == "#ffffff"
    assert faces[3] == to_hex(difference_colour(0.6))
    assert faces[5] == ACCENT
    assert faces[0] == "#6299bf"
    assert to_hex(difference_colour(0.0)) == "#ffffff"


def test_strip_ends_are_as_light_as_each_other():
    ends = [_contrast(difference_colour(d), "white") for d in (-2, 2)]
    assert ends[0] == pytest.approx(ends[1], rel=0.03)


def test_strip_writes_the_sure_bold_and_dark_and_the_unsure_grey():
    frame = _profile(2, 1).assign(is_different=[True, False], value_text=["7", "8"])
    texts = {text.get_text(): text for text in heat_strip(frame, **WITH).texts}
    assert (texts["7"].get_fontweight(), texts["8"].get_fontweight()) == ("bold", "normal")
    assert texts["8"].get_color() == "#5c6873"


def test_strip_shows_a_dash_where_there_is_no_value():
    frame = _profile(2, 2).astype({"is_different": "object"})
    frame.loc[0, ["value_text", "interval_text", "difference", "is_different"]] = [None, "1 to 2", np.nan, None]
    frame = frame.drop(index=3)  # and a pair without a row
    frame.loc[1, "difference"] = np.nan  # a value without a difference stays white
    ax = heat_strip(frame, **WITH)
    words = [text.get_text() for text in ax.texts]
    assert words.count("–") == 2
    assert "1 to 2" not in words
    assert [to_hex(p.get_facecolor()) for p in _cell_patches(ax, 4)][:2] == ["#ffffff", "#ffffff"]


@pytest.mark.parametrize(
    ("segments", "aspects", "more"),
    [
        (1, 1, {}),
        (1, 14, {}),
        (8, 14, {}),
        (8, 14, {"value": "{:,.2f} thousand EUR"}),
        (
            8,
            3,
            {"name": "{} of the Donaudampfschifffahrtsgesellschaft", "label": "Amount {} a month, accounts"},
        ),
        (5, 4, {"label": "What goes on and on and on, aspect {} of a customer's accounts in the last 12 months"}),
    ],
)
def test_strip_is_legible_and_nothing_is_cut_or_written_over(segments, aspects, more):
    ax = heat_strip(_profile(segments, aspects, **more), **WITH)
    boxes = _boxes(ax)
    assert _crossing(boxes) == []
    assert min(text.get_fontsize() for text, _ in boxes) >= 6.5
    assert _inside_the_figure(ax)
    assert ax.get_figure().get_size_inches()[0] == pytest.approx(7.2)
    cells = [patch.get_window_extent() for patch in _cell_patches(ax, segments * aspects)]
    for cell in cells:
        inside = [box for _, box in boxes if cell.contains(*((box.min + box.max) / 2))]
        assert len(inside) >= 2  # value and interval, in one line or more each
        for box in inside:
            assert cell.x0 - 1 <= box.x0 <= box.x1 <= cell.x1 + 1
            assert cell.y0 - 1 <= box.y0 <= box.y1 <= cell.y1 + 1
    labels = [tick.get_window_extent() for tick in ax.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 - 1 for upper, lower in itertools.pairwise(labels))


def test_strip_text_has_contrast_on_every_cell():
    ax = heat_strip(_profile(8, 14), **WITH)
    boxes = _boxes(ax)
    for cell in _cell_patches(ax, 8 * 14):
        place = cell.get_window_extent()
        for text, box in boxes:
            if place.contains(*((box.min + box.max) / 2)):
                assert _contrast(text.get_color(), cell.get_facecolor()[:3]) >= 4.5


def test_more_than_eight_segments_make_a_wider_strip_not_a_smaller_one():
    many = pd.concat([_profile(8, 2), _profile(6, 2, name="Other {}")], ignore_index=True)
    ax = heat_strip(many, **WITH)
    assert ax.get_figure().get_size_inches()[0] > 8.6
    assert _crossing(_boxes(ax)) == []


def test_strip_refuses_two_rows_for_one_cell():
    frame = pd.concat([_profile(1, 2), _profile(1, 1)], ignore_index=True)
    with pytest.raises(CrmlabError) as refused:
        heat_strip(frame, **WITH)
    assert str(refused.value) == (
        "heat_strip: 'Digital everyday users' has several rows for 'Aspect 0, EUR'. Give one a segment and aspect."
    )


def test_money_signs_are_not_read_as_formulas():
    frame = _profile(2, 1, label="Amount, US$ or HK$ {}").assign(value_text=["$1 to $2", "$3"])
    ax = heat_strip(frame, **WITH)
    words = [text.get_text() for text in ax.texts if text.get_parse_math()]
    assert not any("$" in word for word in words)
    assert not any(tick.get_parse_math() for tick in ax.get_yticklabels())
    ax.get_figure().draw_without_rendering()


# stability


STABILITY = pd.DataFrame(
    {
        "segment": ["Savers", "Spenders", "Quiet"],
        "jaccard": [0.95, 0.6, 0.4],
        "jaccard_low": [0.9, 0.4, 0.2],
        "jaccard_high": [0.99, 0.8, 0.6],
        "dissolved_count": [0, 20, 70],
        "recovered_count": [96, 30, 5],
        "resamples_count": 100,
    }
)


def test_stability_tells_the_three_zones_by_shape_and_colour():
    ax = jaccard_dots(STABILITY, **WITH)
    stable, between, dissolved = ax.lines
    assert (list(stable.get_xdata()), list(stable.get_ydata())) == ([0.95], [0])
    assert (list(between.get_xdata()), list(between.get_ydata())) == ([0.6], [1])
    assert (list(dissolved.get_xdata()), list(dissolved.get_ydata())) == ([0.4], [2])
    assert [line.get_markerfacecolor() for line in ax.lines] == [PALETTE[0], "white", "white"]
    assert dissolved.get_color() == PALETTE[3]
    zones = {text.get_text(): text.get_position()[0] for text in ax.texts if text.get_text() in ("dissolved", "stable")}
    assert zones == {"dissolved": 0.25, "stable": 0.875}
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches]
    assert bands == [(0, 0.5), (0.75, 1)]


def test_stability_on_a_limit_belongs_above_it():
    ax = jaccard_dots(STABILITY.assign(jaccard=[0.75, 0.5, 0.4999]), **WITH)
    assert [list(line.get_xdata()) for line in ax.lines] == [[0.75], [0.5], [0.4999]]


def test_stability_writes_the_counts_and_the_intervals():
    ax = jaccard_dots(STABILITY, **WITH)
    words = [text.get_text() for text in ax.texts]
    assert "recovered 96, dissolved 0 of 100" in words
    assert "recovered 5, dissolved 70 of 100" in words
    intervals = [tuple(s[:, 0]) for lines in ax.collections for s in lines.get_segments()]
    assert intervals == [(0.9, 0.99), (0.4, 0.8), (0.2, 0.6)]


def test_stability_without_resamples_says_so():
    blank = STABILITY.assign(jaccard=np.nan, jaccard_low=np.nan, jaccard_high=np.nan, recovered_count=np.nan)
    words = [text.get_text() for text in jaccard_dots(blank, **WITH).texts]
    assert words.count("not resampled") == 3


@pytest.mark.parametrize("count", [1, 8])
def test_stability_keeps_long_names_inside_the_figure(count):
    frame = pd.DataFrame([STABILITY.iloc[0]] * count).assign(
        segment=[f"{name} of the Donaudampfschifffahrtsgesellschaft" for name in NAMES[:count]]
    )
    ax = jaccard_dots(frame, **WITH)
    assert _inside_the_figure(ax)
    assert _crossing(_boxes(ax)) == []
    ticks = [tick.get_window_extent() for tick in ax.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(ticks))


# how many segments


TRIAL = pd.DataFrame(
    {
        "k": [2, 3, 4, 5],
        "strength": [0.95, 0.9, 0.6, 0.5],
        "strength_error": 0.01,
        "strength_null": [0.7, 0.5, 0.4, 0.3],
        "weakest_jaccard": [0.95, 0.8, 0.5, 0.4],
        "usefulness": [0.02, 0.05, 0.06, 0.06],
        "usefulness_error": 0.01,
        "gap": [0.1, 0.4, 0.3, 0.2],
        "gap_limit": 0.05,
        "is_admissible": [True, True, False, False],
    }
)


def _dots(ax, colour, face):
    return [
        x
        for line in ax.lines
        if (line.get_marker(), line.get_color(), line.get_markerfacecolor()) == ("o", colour, face)
        for x in line.get_xdata()
    ]


def test_trial_has_a_panel_a_measure_on_one_axis_of_k():
    axes = trial_of_k(TRIAL, chosen=3, **WITH)
    headings = [ax.get_title(loc="right") for ax in axes]
    assert headings == ["Prediction strength", "Weakest Jaccard", "Gap against one crowd", "Usefulness"]
    assert len({ax.get_xlim() for ax in axes}) == 1
    assert [list(ax.lines[0].get_ydata()) for ax in axes] == [
        TRIAL[name].tolist() for name in ("strength", "weakest_jaccard", "gap", "usefulness")
    ]
    assert not any(ax.get_shared_y_axes().joined(axes[0], ax) for ax in axes[1:])  # and no second axis in any panel
    assert len(axes[0].get_figure().axes) == 4


def test_trial_marks_the_chosen_and_the_ruled_out():
    for ax in trial_of_k(TRIAL, chosen=3, **WITH):
        assert _dots(ax, ACCENT, ACCENT) == [3]
        assert _dots(ax, PALETTE[0], PALETTE[0]) == [2]
        assert _dots(ax, PALETTE[0], "white") == [4, 5]
    words = [text.get_text() for text in ax.get_figure().legends[0].get_texts()]
    assert words == ["may be chosen", "ruled out", "chosen"]
    forced = trial_of_k(TRIAL, chosen=5, **WITH)[0]
    assert _dots(forced, ACCENT, "white") == [5]  # chosen though ruled out stays hollow


def test_trial_without_a_choice_marks_none():
    ax = trial_of_k(TRIAL, chosen=1, **WITH)[0]
    assert _dots(ax, ACCENT, ACCENT) == _dots(ax, ACCENT, "white") == []
    assert len(ax.patches) == 0  # and no band behind
    assert [text.get_text() for text in ax.get_figure().legends[0].get_texts()] == ["may be chosen", "ruled out"]


def test_trial_draws_and_names_its_limits():
    strength, jaccard, gap, useful = trial_of_k(TRIAL, chosen=3, **WITH)
    named = [
        [text.get_text() for text in ax.texts if text.get_text() != WITH["subtitle"]] for ax in (strength, jaccard, gap)
    ]
    assert named == [["line: 0.8; dashes: one crowd"], ["line: 0.75, stable"], ["dashes: limit"]]
    assert [0.8, 0.8] in [list(line.get_ydata()) for line in strength.lines]
    assert [0.75, 0.75] in [list(line.get_ydata()) for line in jaccard.lines]
    assert TRIAL["strength_null"].tolist() in [list(line.get_ydata()) for line in strength.lines]
    assert TRIAL["gap_limit"].tolist() in [list(line.get_ydata()) for line in gap.lines]
    errors = [tuple(s[:, 1].round(10)) for lines in useful.collections for s in lines.get_segments()]
    assert errors == [(0.01, 0.03), (0.04, 0.06), (0.05, 0.07), (0.05, 0.07)]


def test_trial_writes_nothing_over_its_lines():
    falling = TRIAL.assign(strength=[0.9, 0.8, 0.8, 0.8], strength_null=0.8, weakest_jaccard=0.75, gap=0.05)
    axes = trial_of_k(falling, chosen=3, **WITH)
    axes[0].get_figure().draw_without_rendering()
    for ax in axes:
        inside = ax.get_window_extent()
        assert not any(inside.overlaps(text.get_window_extent()) for text in ax.texts if text.get_text())
    headings = [ax.texts[0].get_window_extent() for ax in axes]
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(headings))


def test_trial_without_a_crowd_does_not_speak_of_it():
    axes = trial_of_k(TRIAL.assign(strength_null=np.nan).drop(columns="gap_limit"), chosen=3, **WITH)
    assert [ax.texts[0].get_text() for ax in axes] == [
        "line: 0.8", "line: 0.75, stable", "", "upright: ± 1 standard error",
    ]  # fmt: skip


def test_trial_leaves_out_measures_without_a_value():
    bare = TRIAL.drop(columns=["gap", "gap_limit", "strength_null"]).assign(usefulness=np.nan)
    axes = trial_of_k(bare, chosen=3, **WITH)
    assert [ax.get_title(loc="right") for ax in axes] == ["Prediction strength", "Weakest Jaccard"]
    with pytest.raises(CrmlabError) as refused:
        trial_of_k(bare.assign(strength=np.nan, weakest_jaccard=np.nan), chosen=3, **WITH)
    assert str(refused.value) == "trial_of_k: no measure has a value. Say it as a gap instead."


@pytest.mark.parametrize("ks", [range(2, 3), range(1, 25)])
def test_trial_of_one_k_and_of_many_keeps_its_ticks_apart(ks):
    frame = pd.DataFrame({"k": list(ks), "strength": 0.9, "strength_error": np.nan, "weakest_jaccard": 0.8,
                          "gap": 0.1, "usefulness": 0.2, "is_admissible": True})  # fmt: skip
    axes = trial_of_k(frame, chosen=2, **WITH)
    axes[0].get_figure().draw_without_rendering()
    for ax in axes:
        boxes = [tick.get_window_extent() for tick in ax.get_xticklabels()]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    assert _inside_the_figure(axes[0])


# cards

LONG = "that goes on for a good while, Donaudampfschifffahrtsgesellschaft, with all its sums and 95 % intervals"


def _deck(segments, *, more="", names=NAMES):
    lines = [
        ("size", None, "1,234 customers, 24.7 % (23.5 to 25.9)", np.nan),
        ("rule", None, "Card above 54 % of bookings and bookings a month above 12.5", np.nan),
        ("fact", "Value a year", "231 EUR", 1.2),
        ("fact", "Digital, % of bookings", "81 %", 3.0),
        ("fact", "Branch visits a year", "0.4", -1.0),
        ("fact", "Satisfied, % of answers", "74 %", np.nan),
        ("fact", "Churned in a year", None, -0.2),
        ("do", "Product", "Offer the instalment card in the app", np.nan),
        ("do", "Channel", "App first, no letters", np.nan),
        ("measure", None, "Card turnover against a hold-out", np.nan),
    ]
    cells = [(f"{name} {more}".strip(), *line) for name in names[:segments] for line in lines]
    frame = pd.DataFrame(cells, columns=["segment", "part", "label", "text", "against"])
    return frame.assign(**{name: frame[name].where(frame[name].isna(), frame[name] + f" {more}".rstrip())
                           for name in ("label", "text")})  # fmt: skip


def _cards(ax):
    """The cards' boxes: their paper, not the stripe on top nor the bars."""
    return [patch for patch in ax.patches if to_hex(patch.get_facecolor()) == "#f5f7f9"]


@pytest.mark.parametrize(
    ("segments", "more"),
    [(1, ""), (1, LONG), (2, "W" * 90), (3, LONG), (4, "存款客户" * 12), (7, LONG), (8, ""), (8, LONG)],
)
def test_no_text_leaves_its_card_and_none_covers_another(segments, more, legible):
    legible(more)
    ax = segment_cards(_deck(segments, more=more), **WITH)
    boxes, cards = _boxes(ax), [card.get_window_extent() for card in _cards(ax)]
    assert len(cards) == segments
    holders = [
        [n for n, card in enumerate(cards)
         if card.x0 <= box.x0 and box.x1 <= card.x1 and card.y0 <= box.y0 and box.y1 <= card.y1]
        for _, box in boxes
    ]  # fmt: skip
    assert [text.get_text() for (text, _), holder in zip(boxes, holders, strict=True) if len(holder) != 1] == []
    assert _crossing(boxes) == []
    assert min(text.get_fontsize() for text, _ in boxes) >= 6.5
    for one, other in itertools.combinations(cards, 2):
        assert not one.overlaps(other)
    assert _inside_the_figure(ax)
    # and no bar lies under a text or outside its card
    bars = [patch.get_window_extent() for patch in _bars(ax)]
    assert _crossing([*boxes, *((ax.title, bar) for bar in bars)]) == []
    assert all(any(card.x0 <= bar.x0 and bar.x1 <= card.x1 for card in cards) for bar in bars)


def _bars(ax):
    return [patch for patch in ax.patches if to_hex(patch.get_facecolor()) in (LESS, MORE)]


def test_a_card_holds_its_parts_in_order_whatever_the_frames():
    frame = _deck(1)
    ax = segment_cards(frame.iloc[::-1], **WITH)  # facts come in the frame's order, parts in that of the card
    words = [text.get_text() for text in ax.texts]
    order = ["Digital everyday users", "1,234 customers, 24.7 % (23.5 to 25.9)", "Churned in a year", "Value a year",
             "Do", "Channel: App first, no letters", "Measure", "Card turnover against a hold-out"]  # fmt: skip
    assert [word for word in words if word in order] == order
    heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert [heights[word] for word in order] == sorted(heights[word] for word in order)


def test_bars_of_cards_show_which_way_and_are_cut_at_two():
    ax = segment_cards(_deck(1), **WITH)
    value, digital, branch, churned = _bars(ax)
    full = digital.get_width()  # 3 standard deviations are drawn as 2
    assert value.get_width() == pytest.approx(0.6 * full)
    assert branch.get_width() == pytest.approx(0.5 * full)
    assert churned.get_width() == pytest.approx(0.1 * full)
    assert [to_hex(bar.get_facecolor()) for bar in (value, digital, branch, churned)] == [MORE, MORE, LESS, LESS]
    middle = value.get_x()
    assert digital.get_x() == pytest.approx(middle)
    assert branch.get_x() + branch.get_width() == pytest.approx(middle)
    # each is level with its value
    level = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert level["231 EUR"] - 0.08 < value.get_y() + value.get_height() / 2 < level["231 EUR"]


def test_a_value_stands_on_the_line_of_its_label():
    ax = segment_cards(_deck(3), **WITH)
    place = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert place["Value a year"] == place["231 EUR"]
    assert [text.get_text() for text in ax.texts].count("–") == 3  # the missing value, once a card


def test_cards_without_differences_have_no_bars_and_no_key():
    ax = segment_cards(_deck(2).assign(against=np.nan), **WITH)
    assert _bars(ax) == []
    assert ax.get_xlabel() == ""
    assert segment_cards(_deck(2), **WITH).get_xlabel() == (
        "Bars: difference from all customers, number of standard deviations; blue below, orange above, full at 2"
    )


def test_a_card_with_nothing_but_a_name_and_a_size_is_a_card():
    frame = pd.concat([_deck(1), _deck(1, names=["Tiny"]).head(1)], ignore_index=True)
    ax = segment_cards(frame, **WITH)
    words = [text.get_text() for text in ax.texts]
    assert (words.count("Do"), words.count("Tiny")) == (1, 1)


def test_cards_refuse_unknown_parts_all_at_once():
    frame = _deck(1).assign(part=["sise", *["fact"] * 8, "advice"])
    with pytest.raises(CrmlabError) as refused:
        segment_cards(frame, **WITH)
    assert str(refused.value) == (
        "2 problems:\n"
        "- segment_cards: part 'sise' is not known. Choose one of size, rule, fact, do, measure. Did you mean 'size'?\n"
        "- segment_cards: part 'advice' is not known. Choose one of size, rule, fact, do, measure."
    )


# the grid of recency and frequency

AXES = {"row": "Recency score", "column": "Frequency score"}


def _name(recency, frequency):
    if recency >= 4:
        return "Champions" if frequency >= 4 else "Potential loyalists" if frequency >= 2 else "New"
    if recency == 3:
        return "Needs attention"
    return "Cannot lose them" if frequency == 5 and recency == 1 else "Hibernating"


PAIRS = [(r, f) for r in range(1, 6) for f in range(1, 6)]
GRID = pd.DataFrame(
    {
        "recency_score": [r for r, _ in PAIRS],
        "frequency_score": [f for _, f in PAIRS],
        "cell": [_name(r, f) for r, f in PAIRS],
        "share": np.arange(1, 26) / 325,
        "customers_count": np.arange(1, 26) * 40,
    }
)


def test_grid_puts_recent_on_top_and_frequent_at_the_right():
    ax = cells_grid(GRID, **AXES, **WITH)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["5", "4", "3", "2", "1"]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "2", "3", "4", "5"]
    places = {text.get_text(): text.get_position() for text in ax.texts}
    wide, tall = ax.get_xlim()[1] / 5, ax.get_ylim()[0] / 5
    # recency 5, frequency 5 is pair 25 of 325: 7.7 %, 1,000 customers, top right
    assert 4 * wide < places["7.7 %"][0] < places["1,000"][0] < 5 * wide
    assert 0 < places["7.7 %"][1] < tall
    assert places["0.3 %"][0] < wide
    assert 4 * tall < places["0.3 %"][1] < 5 * tall
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_grid_is_darker_where_more_customers_are_and_text_keeps_its_contrast():
    ax = cells_grid(GRID, **AXES, **WITH)
    light = [_contrast(patch.get_facecolor()[:3], "black") for patch in ax.patches]
    assert light == sorted(light, reverse=True)  # shares rise over the frame
    assert len(set(light)) == 25
    for patch in ax.patches:
        assert _contrast("#1f2a33", patch.get_facecolor()[:3]) >= 4.5
    assert {text.get_color() for text in ax.texts if text.get_text() != WITH["subtitle"]} == {"#1f2a33"}


def test_grid_names_each_area_once_in_its_longest_run():
    ax = cells_grid(GRID, **AXES, **WITH)
    wide, tall = ax.get_xlim()[1] / 5, ax.get_ylim()[0] / 5
    words = [text.get_text() for text in ax.texts]
    for name, (line, place) in {
        "Champions": (0, 3),
        "Potential loyalists": (0, 1),
        "New": (0, 0),
        "Needs attention": (2, 0),
        "Hibernating": (3, 0),
    }.items():
        assert words.count(name) == 1
        x, y = next(text.get_position() for text in ax.texts if text.get_text() == name)
        assert (int(x // wide), int(y // tall)) == (place, line)
    assert sum(word.startswith("Cannot") for word in words) == 1


def test_grid_outlines_areas_and_not_their_cells():
    two = GRID.assign(cell=np.where(GRID["recency_score"] >= 3, "Recent", "Quiet"))
    ax = cells_grid(two, **AXES, **WITH)
    wide, tall = ax.get_xlim()[1] / 5, ax.get_ylim()[0] / 5
    drawn = {tuple(sorted((round(x / wide), round(y / tall)) for x, y in s)) for s in ax.collections[0].get_segments()}
    inner = {((x, 3), (x + 1, 3)) for x in range(5)}
    outer = {((x, y), (x + 1, y)) for x in range(5) for y in (0, 5)}
    outer |= {((x, y), (x, y + 1)) for x in (0, 5) for y in range(5)}
    assert drawn == inner | outer


@pytest.mark.parametrize("more", ["", " of the Donaudampfschifffahrtsgesellschaft", " 存款客户存款客户存款客户"])
def test_grid_is_legible_and_nothing_is_written_over(more, legible):
    legible(more)
    frame = GRID.assign(cell=[f"{name}{more}" for name in GRID["cell"]], customers_count=1_234_567)
    ax = cells_grid(frame, **AXES, **WITH)
    boxes = _boxes(ax)
    assert _crossing(boxes) == []
    assert min(text.get_fontsize() for text, _ in boxes) >= 6.5
    assert _inside_the_figure(ax)
    place = ax.get_window_extent()
    assert all(place.x0 <= box.x0 and box.x1 <= place.x1 and place.y0 <= box.y0 for _, box in boxes)


def test_grid_says_what_is_not_shown_and_leaves_missing_pairs_empty():
    frame = GRID.drop(index=[3, 4])
    frame.loc[0, ["share", "customers_count"]] = np.nan
    ax = cells_grid(frame, **AXES, **WITH)
    assert len(ax.patches) == 23
    assert [text.get_text() for text in ax.texts].count("–") == 1
    assert ax.get_xlabel() == ("Frequency score; in the cells: % of customers, number of customers; –: not shown")
    alone = cells_grid(GRID.head(1), **AXES, **WITH)
    assert len(alone.get_xticks()) == len(alone.get_yticks()) == 5


def test_grid_refuses_scores_that_are_none_and_pairs_that_come_twice():
    frame = pd.concat([GRID, GRID.tail(1)], ignore_index=True).astype({"recency_score": "float64"})
    frame.loc[0, "recency_score"] = 0.5
    with pytest.raises(CrmlabError) as refused:
        cells_grid(frame, **AXES, **WITH)
    assert str(refused.value) == (
        "2 problems:\n"
        "- cells_grid: recency_score holds [0.5]. Give whole numbers from 1.\n"
        "- cells_grid: recency 5, frequency 5 has several rows. Give one a pair of scores."
    )
