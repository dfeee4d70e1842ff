"""Segments: how they differ, how many there are, and whether they come back."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from crmlab.charts.marks import check_columns, whiskers
from crmlab.charts.sheet import PAGE, axes_width, height_of, sheet, width_of, words_of, wrapped, write
from crmlab.charts.speech import redrawable, told
from crmlab.charts.style import ACCENT, INK, PALETTE, SOFT, canvas, finish, house
from crmlab.errors import refuse
from crmlab.language.breaking import breakable

__all__ = ["FURTHEST", "LESS", "MORE", "difference_colour", "heat_strip", "jaccard_dots", "trial_of_k"]

FURTHEST = 2.0  # standard deviations from all customers at which the colour is full
# both ends as light as each other and light enough for dark text (contrast 4.7:1); blue and orange are told apart by
# colour-blind people too
LESS, MORE = "#6299bf", ACCENT
_VALUE_POINTS, _SMALL_POINTS = (8.5, 8.0, 7.5, 7.0), 6.5
_NO_DATA = "–"
STRONG, STABLE, DISSOLVED = 0.8, 0.75, 0.5  # Tibshirani and Walther 2005; Hennig 2007


@functools.cache
def _differences() -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("crmlab_differences", [LESS, "#ffffff", MORE], N=257)  # odd: 0 is white


def difference_colour(difference: float) -> tuple[float, ...]:
    """Give the colour of a difference in standard deviations: blue below, white at 0, orange above, full from 2 on."""
    return _differences()(0.5 + np.clip(difference, -FURTHEST, FURTHEST) / (2 * FURTHEST))


@redrawable
def heat_strip(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the profile of segments: a column a segment, a row an aspect, coloured by the difference from all customers.

    Cells whose difference is not sure stay white, in grey text; cells without data hold a dash.

    Parameters
    ----------
    frame : DataFrame
        One row a segment and aspect, both in the order drawn. ``segment``; ``segment_share`` (0 to 1); ``label`` (the
        aspect with its unit); ``value_text`` and ``interval_text`` (in the aspect's unit, missing where unknown);
        ``difference`` (from all customers, in standard deviations); ``is_different`` (whether it is sure
        that there is one).
    title, subtitle, ax
        As in `crmlab.charts.bars`. Axes handed in should be as large as those that None makes.
    """
    needed = ("segment", "segment_share", "label", "value_text", "interval_text", "difference", "is_different")
    check_columns("heat_strip", frame, *needed)
    frame = frame.assign(segment=frame["segment"].astype("str"), label=frame["label"].astype("str"))
    twice = frame[frame.duplicated(["segment", "label"])][["segment", "label"]].drop_duplicates()
    refuse(*(f"heat_strip: {name!r} has several rows for {label!r}. Give one a segment and aspect."
             for name, label in twice.itertuples(index=False)))  # fmt: skip
    names, labels = list(dict.fromkeys(frame["segment"])), list(dict.fromkeys(frame["label"]))
    with house():
        beside, wide = _strip_widths(names, labels, ax)
        ticks = [wrapped(label, beside - 0.1, 8) for label in labels]
        points, heavy = _head_face(names, wide - 0.06)
        heads = [wrapped(name, wide - 0.06, points, bold=heavy) for name in names]
        cells = {(cell.segment, cell.label): _cell_texts(cell, wide) for cell in _sized(frame, wide)}
        edges = np.cumsum([0.0, *(_row_height(tick, [cells.get((name, label)) for name in names])
                                  for tick, label in zip(ticks, labels, strict=True))])  # fmt: skip
        places = {"left": beside, "above": max(height_of(head, points) for head in heads) + 0.22, "below": 0.26}
        ax = sheet(ax, width=wide * len(names), height=edges[-1] + 0.38, title=title, subtitle=subtitle, **places)
        for column, name in enumerate(names):
            for row, label in enumerate(labels):
                box = (wide * column, edges[row], wide, edges[row + 1] - edges[row])
                _draw_cell(ax, box, cells.get((name, label)))
        shares = frame.drop_duplicates("segment")["segment_share"].to_numpy(dtype=float)
        middles = wide * (np.arange(len(names)) + 0.5)
        for middle, head, share in zip(middles, heads, shares, strict=True):
            write(ax, middle, -0.2, head, points, bold=heavy, ha="center", va="bottom")
            if np.isfinite(share):
                write(ax, middle, -0.05, f"{100 * share:.1f} %", 7.5, ha="center", va="bottom", color=SOFT)
        ax.set_xticks([])
        ax.set_yticks((edges[:-1] + edges[1:]) / 2, ticks, fontsize=8, parse_math=False)
        _strip_key(ax, edges[-1] + 0.14)
        ax.set_xlabel("Difference from all customers, number of standard deviations", fontsize=8, loc="left")
        return finish(ax, title, subtitle, grid="none")


def _strip_widths(names: list[str], labels: list[str], ax: Axes | None) -> tuple[float, float]:
    """Inches of the labels at the left and of a column: not below 0.62, where a number with its interval still fits."""
    beside = min(max(width_of(told(label), 8) for label in labels), 2.4 if len(names) <= 5 else 1.4) + 0.16
    wide = (axes_width(ax) if ax is not None else min(1.3 * len(names), PAGE - 0.06 - beside)) / len(names)
    return beside, wide if ax is not None else max(wide, 0.62)


def _sized(frame: pd.DataFrame, wide: float) -> list:
    """Rows with the largest size of letters at which every value stands on one line, else the smallest."""
    values = [words_of(text) for text in frame["value_text"]]
    return list(frame.assign(points=_largest(values, _VALUE_POINTS, wide - 0.1)).itertuples(index=False))


def _largest(texts: list[str], sizes: tuple[float, ...], inches: float) -> float:
    """Choose the largest size at which every text, in bold, is no wider than given, else the smallest."""
    return next((size for size in sizes if all(width_of(t, size, bold=True) <= inches for t in texts)), sizes[-1])


def _head_face(names: list[str], inches: float) -> tuple[float, bool]:
    """Choose size and weight of the segments' names so that no word is torn apart, if that can be."""
    words = [piece for name in names for word in told(name).split() for piece in breakable(word)]
    faces = [(8.0, True), (7.5, True), (7.0, True), (7.5, False), (7.0, False), (_SMALL_POINTS, False)]
    return next(((p, b) for p, b in faces if all(width_of(w, p, bold=b) <= inches for w in words)), faces[-1])


def _cell_texts(cell: object, wide: float) -> dict[str, object]:
    value, differs = words_of(cell.value_text), pd.notna(cell.is_different) and bool(cell.is_different)
    known = pd.notna(cell.difference) and bool(value)
    return {
        "value": wrapped(value, wide - 0.1, cell.points, bold=differs) or _NO_DATA,
        "interval": wrapped(words_of(cell.interval_text), wide - 0.08, _SMALL_POINTS) if value else "",
        "points": cell.points,
        "difference": float(cell.difference) if known and differs else np.nan,
    }


def _row_height(tick: str, cells: list[dict | None]) -> float:
    return 0.14 + max(
        height_of(tick, 8),
        *(height_of(c["value"], c["points"]) + height_of(c["interval"], _SMALL_POINTS) for c in cells if c),
        0.16,
    )


def _draw_cell(ax: Axes, box: tuple[float, float, float, float], cell: dict | None) -> None:
    x, y, wide, tall = box
    cell = cell or {"value": _NO_DATA, "interval": "", "points": 8.0, "difference": np.nan}
    marked = np.isfinite(cell["difference"])
    face = difference_colour(cell["difference"]) if marked else "white"
    ax.add_patch(Rectangle((x + 0.015, y + 0.015), wide - 0.03, tall - 0.03, facecolor=face, zorder=1,
                           edgecolor="none" if marked else "#dfe5ea", linewidth=0.6))  # fmt: skip
    value_tall, interval_tall = height_of(cell["value"], cell["points"]), height_of(cell["interval"], _SMALL_POINTS)
    top = y + (tall - value_tall - interval_tall) / 2
    how = {"ha": "center", "color": INK if marked else SOFT}
    write(ax, x + wide / 2, top, cell["value"], cell["points"], bold=bool(marked), **how)
    if cell["interval"]:
        write(ax, x + wide / 2, top + value_tall, cell["interval"], _SMALL_POINTS, **how)


def _strip_key(ax: Axes, top: float) -> None:
    """Draw the colours with their numbers, and the white of a difference that is not sure."""
    step, tall = 0.36, 0.11
    for number, difference in enumerate((-2, -1, 0, 1, 2)):
        ax.add_patch(Rectangle((step * number, top), step, tall, facecolor=difference_colour(difference),
                               edgecolor="#dfe5ea", linewidth=0.4, clip_on=False))  # fmt: skip
        text = {-2: "≤ −2", -1: "−1", 2: "≥ 2"}.get(difference, f"{difference}")
        write(ax, step * (number + 0.5), top + tall + 0.02, text, 7, ha="center", color=SOFT)
    start = 5 * step + 0.2
    ax.add_patch(Rectangle((start, top), step, tall, facecolor="white", edgecolor="#b8c2cc", linewidth=0.6,
                           clip_on=False))  # fmt: skip
    write(ax, start + step + 0.06, top + tall / 2, "white, grey text: no sure difference", 7, va="center",
          color=SOFT)  # fmt: skip


@redrawable
def jaccard_dots(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw how much of each segment comes back on other customers of the same kind, with what counts as stable.

    Parameters
    ----------
    frame : DataFrame
        One row a segment, in the order from the top. ``segment``; ``jaccard``, ``jaccard_low``, ``jaccard_high`` (0 to
        1); ``dissolved_count``, ``recovered_count``, ``resamples_count``.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("jaccard_dots", frame, "segment", "jaccard", "jaccard_low", "jaccard_high", "dissolved_count",
                  "recovered_count", "resamples_count")  # fmt: skip
    names = [wrapped(str(name), 2.0, 8.5) for name in frame["segment"]]
    counts = frame[["recovered_count", "dissolved_count", "resamples_count"]]
    said = [_counted(*row) for row in counts.itertuples(index=False)]
    tall = 1.5 + sum(max(0.3, height_of(name, 8.5) + 0.1) for name in names)
    with house():
        ax = canvas(ax, size=(PAGE, tall))[0, 0]
        places = np.arange(len(frame))
        for left, right, tint, zone in ((0, DISSOLVED, "#fbeee2", "dissolved"), (STABLE, 1, "#e8f0f6", "stable")):
            ax.axvspan(left, right, color=tint, linewidth=0, zorder=0)
            ax.text((left + right) / 2, -0.62, zone, ha="center", va="bottom", fontsize=8, color=SOFT)
        similar = frame["jaccard"].to_numpy(dtype=float)
        zones = (
            (similar >= STABLE, PALETTE[0], PALETTE[0]),
            ((similar >= DISSOLVED) & (similar < STABLE), PALETTE[0], "white"),
            (similar < DISSOLVED, PALETTE[3], "white"),
        )
        for chosen, colour, face in zones:
            part = frame[chosen]
            whiskers(ax, places[chosen], part["jaccard_low"], part["jaccard_high"], horizontal=True, colour=colour)
            ax.plot(part["jaccard"], places[chosen], "o", color=colour, markerfacecolor=face, markersize=6, zorder=5)
        for place, text in zip(places, said, strict=True):
            ax.annotate(text, (1, place), (8, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points",
                        va="center", fontsize=8, annotation_clip=False)  # fmt: skip
        ax.set(xlim=(0, 1), ylim=(len(frame) - 0.4, -1.05), xticks=[0, 0.25, DISSOLVED, STABLE, 1])
        ax.set_xticklabels(["0", "0.25", "0.5", "0.75", "1"])
        ax.set_yticks(places, names, parse_math=False)
        ax.set_xlabel("Jaccard similarity with the segment found again, number from 0 to 1")
        return finish(ax, title, subtitle, grid="x")


def _counted(recovered: float, dissolved: float, resamples: float) -> str:
    if pd.isna(resamples) or pd.isna(recovered) or pd.isna(dissolved):
        return "not resampled"
    return f"recovered {recovered:,.0f}, dissolved {dissolved:,.0f} of {resamples:,.0f}"


# column -> heading of the panel, column of its error, what it is held against (a column or a number) and its words
_PANELS = (
    (
        "strength",
        "Prediction strength",
        "strength_error",
        ((STRONG, "line: 0.8"), ("strength_null", "dashes: one crowd")),
    ),
    ("weakest_jaccard", "Weakest Jaccard", None, ((STABLE, "line: 0.75, stable"),)),
    ("gap", "Gap against one crowd", None, (("gap_limit", "dashes: limit"),)),
    ("usefulness", "Usefulness", "usefulness_error", ()),
)


@redrawable
def trial_of_k(frame: pd.DataFrame, *, chosen: int, title: str, subtitle: str = "") -> np.ndarray:
    """Draw how many segments there are: what each number of segments earns, a panel a measure.

    Full dots may be chosen, hollow ones may not; the number chosen is orange. Whiskers are one standard error.

    Parameters
    ----------
    frame : DataFrame
        One row a number of segments. ``k``; ``strength`` and ``strength_error`` (prediction strength, 0 to 1);
        ``weakest_jaccard`` (0 to 1); ``is_admissible``; where known ``strength_null`` (what one crowd without segments
        reaches), ``gap`` and ``gap_limit``, ``usefulness`` and ``usefulness_error``. A measure without a value has no
        panel.
    chosen : int
        The number in use; one that is not in the frame is not marked.
    title, subtitle
        As in `crmlab.charts.bars`.

    Returns
    -------
    ndarray of Axes
        The panels drawn.
    """
    check_columns("trial_of_k", frame, "k", "strength", "strength_error", "weakest_jaccard", "is_admissible")
    frame = frame.sort_values("k")
    panels = [panel for panel in _PANELS if panel[0] in frame and frame[panel[0]].notna().any()]
    refuse(*([] if panels else ["trial_of_k: no measure has a value. Say it as a gap instead."]))
    with house():
        axes = canvas(None, size=(PAGE, 3.05), columns=len(panels), sharex=True)[0]
        for ax, (measure, heading, error, limits) in zip(axes, panels, strict=True):
            _trial_panel(ax, frame, measure, frame.get(error), chosen)
            words = [words for limit, words in limits if _limit(ax, frame, limit)]
            if measure == "usefulness" and error in frame:
                words.append("upright: ± 1 standard error")
            ax.set_title(heading, loc="right", x=1.0, y=1.11, fontsize=8, pad=0)
            ax.text(1.0, 1.03, "; ".join(words), transform=ax.transAxes, ha="right", fontsize=_SMALL_POINTS, color=SOFT)
            if measure in ("strength", "weakest_jaccard"):
                ax.set(ylim=(0, 1.06), yticks=[0, 0.25, 0.5, 0.75, 1], yticklabels=["0", "0.25", "0.5", "0.75", "1"])
            ax.set_xlabel("Segments, number", fontsize=8)
            ax.tick_params(labelsize=7.5)
        marks = {
            "may be chosen": (PALETTE[0], PALETTE[0]),
            "ruled out": (PALETTE[0], "white"),
            "chosen": (ACCENT, ACCENT),
        }
        dots = [Line2D([], [], marker="o", linestyle="", color=edge, markerfacecolor=face, markersize=5, label=words)
                for words, (edge, face) in marks.items()
                if words != "chosen" or (frame["k"] == chosen).any()]  # fmt: skip
        axes[0].get_figure().legend(handles=dots, loc="outside lower left", ncols=3, fontsize=8, handletextpad=0.2,
                                    columnspacing=1.4)  # fmt: skip
        finish(axes[0], title, subtitle)
        return axes


def _trial_panel(ax: Axes, frame: pd.DataFrame, measure: str, error: pd.Series | None, chosen: int) -> None:
    k, value = frame["k"].to_numpy(dtype=float), frame[measure].to_numpy(dtype=float)
    may = frame["is_admissible"].to_numpy(dtype=bool)
    if chosen in k:
        ax.axvspan(chosen - 0.42, chosen + 0.42, color="#fbeee2", linewidth=0, zorder=0)
    ax.plot(k, value, color=PALETTE[0], linewidth=1.3, zorder=3)
    if error is not None:
        whiskers(ax, k, value - error, value + error, horizontal=False, colour=PALETTE[0])
    for kind, face in ((may, None), (~may, "white")):
        for now, colour, size in ((k == chosen, ACCENT, 7), (k != chosen, PALETTE[0], 4.5)):
            ax.plot(k[kind & now], value[kind & now], "o", color=colour, markerfacecolor=face or colour,
                    markersize=size, zorder=5)  # fmt: skip
    ax.margins(y=0.12)
    ticks = k if len(k) <= 10 else k[:: -(-len(k) // 10)]
    ax.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    aside = 0.6 if len(k) > 2 else 1.5
    ax.set_xlim(k.min() - aside, k.max() + aside)


def _limit(ax: Axes, frame: pd.DataFrame, limit: str | float) -> bool:
    """Draw what a measure is held against, if it is known; its words stand over the panel, where no line runs."""
    if not isinstance(limit, str):
        ax.axhline(limit, color=SOFT, linewidth=1.0, zorder=2)
        return True
    if limit not in frame or not frame[limit].notna().any():
        return False
    ax.plot(frame["k"], frame[limit], color="#7d8994", linewidth=1.3, linestyle=(0, (4, 2)), zorder=2)
    return True
