"""Segments at a glance: one card a segment, and the grid of recency and frequency with its named cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from crmlab.charts.marks import check_columns
from crmlab.charts.segments import FURTHEST, LESS, MORE
from crmlab.charts.sheet import PAGE, axes_width, height_of, sheet, width_of, words_of, wrapped, write
from crmlab.charts.speech import redrawable, told
from crmlab.charts.style import INK, PALETTE, SOFT, finish, house, ramp
from crmlab.errors import nearest, refuse

__all__ = ["PARTS", "cells_grid", "segment_cards"]

PARTS = ("size", "rule", "fact", "do", "measure")
_HEADINGS = {"do": "Do", "measure": "Measure"}
_NAME_POINTS = 9.5
_PAD, _BETWEEN, _GAP, _BAR = 0.1, 0.12, 0.09, 0.44  # inches: inside a card, between cards, between parts; a bar
_NO_TEXT = "–"
_BAR_KEY = "Bars: difference from all customers, number of standard deviations; blue below, orange above, full at 2"


@dataclass(frozen=True)
class _Line:
    """One line of a card, already wrapped: words at the left, and for a fact its value at the right and its bar."""

    left: str
    right: str = ""
    points: float = _NAME_POINTS
    bold: bool = False
    colour: str = INK
    indent: float = 0.0
    against: float = np.nan

    @property
    def tall(self) -> float:
        return max(height_of(self.left, self.points), height_of(self.right, self.points)) + 0.025


@redrawable
def segment_cards(frame: pd.DataFrame, *, title: str, subtitle: str = "", ax: Axes | None = None) -> Axes:
    """Draw one card a segment: name, size, rule, facts against all customers, what to do and what to measure.

    Parameters
    ----------
    frame : DataFrame
        One row a line of a card; segments in the order drawn. ``segment``; ``part`` (``size``, ``rule``, ``fact``,
        ``do`` or ``measure``); ``label`` (may be missing); ``text`` (a dash where missing); ``against`` (of a fact: its
        difference from all customers in standard deviations, drawn as a bar; else missing).
    title, subtitle, ax
        As in `crmlab.charts.bars`. Axes handed in should be as large as those that None makes.
    """
    check_columns("segment_cards", frame, "segment", "part", "label", "text", "against")
    unknown = [part for part in dict.fromkeys(frame["part"].astype("str")) if part not in PARTS]
    refuse(*(f"segment_cards: part {part!r} is not known. Choose one of {', '.join(PARTS)}.{nearest(part, PARTS)}"
             for part in unknown))  # fmt: skip
    frame = frame.assign(segment=frame["segment"].astype("str"), label=frame["label"].map(words_of),
                         text=frame["text"].map(words_of).replace("", _NO_TEXT),
                         against=pd.to_numeric(frame["against"]))  # fmt: skip
    names = list(dict.fromkeys(frame["segment"]))
    across = min(len(names), 2)  # three abreast would break every value into two lines
    with house():
        room = axes_width(ax) if ax is not None else PAGE - 0.12
        wide = (room - (max(across, 2) - 1) * _BETWEEN) / max(across, 2)  # a card alone takes half of the page
        has_bars = bool(frame.loc[frame["part"] == "fact", "against"].notna().any())
        points = 7.5 if len(names) <= 6 else 7.0
        cards = [_card(name, frame[frame["segment"] == name], wide - 2 * _PAD, points, has_bars) for name in names]
        rows = [cards[start : start + across] for start in range(0, len(cards), across)]
        grids = [_aligned(row) for row in rows]
        tall = sum(height for _, height in grids) + _BETWEEN * (len(rows) - 1)
        ax = sheet(ax, width=room, height=tall, title=title, subtitle=subtitle, below=0.3 if has_bars else 0.06)
        top = 0.0
        for row, (tops, height) in zip(rows, grids, strict=True):
            for column, card in enumerate(row):
                x = column * (wide + _BETWEEN)
                ax.add_patch(Rectangle((x, top), wide, height, facecolor="#f5f7f9", edgecolor="none", zorder=0))
                ax.add_patch(Rectangle((x, top), wide, 0.035, facecolor=PALETTE[0], edgecolor="none", zorder=1))
                for place, line in card.items():
                    _draw_line(ax, x + _PAD, top + tops[place], wide - 2 * _PAD, line, has_bars)
            top += height + _BETWEEN
        ax.set(xticks=[], yticks=[])
        if has_bars:
            ax.set_xlabel(_BAR_KEY, fontsize=8, loc="left")
        return finish(ax, title, subtitle, grid="none")


def _card(name: str, frame: pd.DataFrame, room: float, points: float, has_bars: bool) -> dict[tuple[int, int], _Line]:
    """Lines of a card by part (0 the name, then those of `PARTS`) and number."""
    found = {(0, 0): _Line(wrapped(name, room, _NAME_POINTS, bold=True), bold=True)}
    for order, part in enumerate(PARTS, 1):
        rows = frame[frame["part"] == part]
        if part in _HEADINGS and len(rows):
            found[order, 0] = _Line(_HEADINGS[part], points=points, bold=True, colour=PALETTE[0])
        for number, row in enumerate(rows.itertuples(index=False), 1):
            found[order, number] = (
                _fact(row, room, points, has_bars) if part == "fact" else _said(part, row, room, points)
            )
    return found


def _said(part: str, row: object, room: float, points: float) -> _Line:
    words = f"{row.label}: {row.text}" if row.label else row.text
    indent = 0.09 if part in _HEADINGS else 0.0
    colour = SOFT if part == "size" else INK
    return _Line(wrapped(words, room - indent, points), points=points, colour=colour, indent=indent)


def _fact(row: object, room: float, points: float, has_bars: bool) -> _Line:
    """Give the value what it needs, up to two thirds of the line, and the label the rest."""
    room -= _BAR + 0.08 if has_bars else 0.0
    value = min(width_of(row.text, points, bold=True), room * 2 / 3)
    label = wrapped(row.label, room - value - 0.08, points)
    return _Line(label, wrapped(row.text, value + 0.005, points, bold=True), points=points, against=float(row.against))


def _aligned(row: list[dict[tuple[int, int], _Line]]) -> tuple[dict[tuple[int, int], float], float]:
    """Tops of the lines, the same in all cards side by side, and the height of these cards."""
    tops, top, before = {}, _PAD, 0
    for place in sorted({place for card in row for place in card}):
        if place[0] > max(before, 1):  # the size stands close under the name
            top += _GAP
        before = place[0]
        tops[place] = top
        top += max(card[place].tall for card in row if place in card)
    return tops, top + _PAD


def _draw_line(ax: Axes, x: float, y: float, room: float, line: _Line, has_bars: bool) -> None:
    if line.left:
        write(ax, x + line.indent, y, line.left, line.points, bold=line.bold, color=line.colour)
    if line.indent:
        write(ax, x, y, "·", line.points, bold=True, color=line.colour)
    if not line.right:
        return
    end = x + room - (_BAR + 0.08 if has_bars else 0.0)
    write(ax, end, y, line.right, line.points, bold=True, ha="right")
    if has_bars and np.isfinite(line.against):
        middle, level = x + room - _BAR / 2, y + 0.5 * height_of("x", line.points) + 0.005
        long = _BAR / 2 * float(np.clip(line.against, -FURTHEST, FURTHEST)) / FURTHEST
        ax.add_patch(Rectangle((min(middle, middle + long), level - 0.04), abs(long), 0.08, zorder=2, edgecolor="none",
                               facecolor=MORE if long > 0 else LESS))  # fmt: skip
        ax.plot([middle, middle], [level - 0.06, level + 0.06], color=INK, linewidth=0.7, zorder=3)


@redrawable
def cells_grid(
    frame: pd.DataFrame,
    *,
    row: str,
    column: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the grid of recency and frequency scores: the darker, the more customers; named areas are outlined.

    Parameters
    ----------
    frame : DataFrame
        One row a pair of scores. ``recency_score``, ``frequency_score`` (whole numbers, 1 lowest); ``cell`` (name of
        the area, several pairs may share one); ``share`` of all customers (0 to 1) and ``customers_count``, missing
        where not shown. Pairs without a row stay empty.
    row, column : str
        Names of the recency axis (5 on top) and of the frequency axis.
    title, subtitle, ax
        As in `crmlab.charts.bars`. Axes handed in should be as large as those that None makes.
    """
    check_columns("cells_grid", frame, "recency_score", "frequency_score", "cell", "share", "customers_count")
    _refuse_scores(frame)
    scores = frame[["recency_score", "frequency_score"]].astype("int64")
    most = scores.max().clip(lower=5)
    rows, columns = int(most["recency_score"]), int(most["frequency_score"])
    # place of each pair: line from the top, column from the left
    places = list(zip(rows - scores["recency_score"], scores["frequency_score"] - 1, strict=True))
    areas = dict(zip(places, frame["cell"].map(words_of), strict=True))
    with house():
        wide = (axes_width(ax) if ax is not None else PAGE - 0.6) / columns
        runs = {name: _longest_run(areas, name) for name in dict.fromkeys(areas.values()) if name}
        points = next((p for p in (9.0, 8.5, 8.0, 7.5) if _untorn(runs, wide, p)), 7.0)
        heads = {name: wrapped(name, run[2] * wide - 0.14, points, bold=True) for name, run in runs.items()}
        tall = max(0.56, 0.3 + max((height_of(head, points) for head in heads.values()), default=0.0))
        ax = sheet(ax, width=columns * wide, height=rows * tall, title=title, subtitle=subtitle, left=0.54, below=0.52)
        largest = max(float(frame["share"].fillna(0).max()), 1e-9)
        for (line, place), share, count in zip(places, frame["share"], frame["customers_count"], strict=True):
            _draw_share(ax, (place * wide, line * tall, wide, tall), share, count, largest)
        for name, (line, place, _) in runs.items():
            write(ax, place * wide + 0.07, line * tall + 0.06, heads[name], points, bold=True, zorder=5)
        ax.add_collection(LineCollection(_borders(areas, wide, tall), colors=INK, linewidths=1.3, zorder=4,
                                         capstyle="projecting", clip_on=False))  # fmt: skip
        ax.set_xticks((np.arange(columns) + 0.5) * wide, range(1, columns + 1))
        ax.set_yticks((np.arange(rows) + 0.5) * tall, range(rows, 0, -1))
        ax.set_ylabel(row)
        hidden = "; –: not shown" if frame["share"].isna().any() else ""
        ax.set_xlabel(f"{column}; in the cells: % of customers, number of customers{hidden}")
        return finish(ax, title, subtitle, grid="none")


def _draw_share(ax: Axes, box: tuple[float, float, float, float], share: float, count: float, largest: float) -> None:
    x, y, wide, tall = box
    # up to the middle of the ramp, where dark text keeps a contrast of 4.5:1
    face = ramp()(0.5 * share / largest) if pd.notna(share) else "white"
    ax.add_patch(Rectangle((x, y), wide, tall, facecolor=face, edgecolor="white", linewidth=0.8, zorder=1))
    level = y + tall - 0.05
    if pd.isna(share):
        write(ax, x + 0.07, level, _NO_TEXT, 8, va="bottom", color=SOFT)
        return
    write(ax, x + 0.07, level, f"{100 * share:.1f} %", 8, va="bottom")
    if pd.notna(count):
        write(ax, x + wide - 0.07, level, f"{count:,.0f}", 7, va="bottom", ha="right")


def _refuse_scores(frame: pd.DataFrame) -> None:
    problems = []
    for name in ("recency_score", "frequency_score"):
        values = pd.to_numeric(frame[name], errors="coerce")
        wrong = frame[name][~((values >= 1) & (values % 1 == 0))].drop_duplicates().tolist()
        if wrong:
            problems.append(f"cells_grid: {name} holds {wrong}. Give whole numbers from 1.")
    pairs = frame[frame.duplicated(["recency_score", "frequency_score"])]
    for pair in pairs[["recency_score", "frequency_score"]].drop_duplicates().itertuples(index=False):
        text = f"recency {pair.recency_score:g}, frequency {pair.frequency_score:g}"
        problems.append(f"cells_grid: {text} has several rows. Give one a pair of scores.")
    refuse(*problems)


def _longest_run(areas: dict[tuple[int, int], str], name: str) -> tuple[int, int, int]:
    """Line, first column and length of the longest run of an area's cells side by side, the topmost of equals."""
    best = line = start = length = 0
    found = (0, 0, 0)
    for here in sorted(place for place, area in areas.items() if area == name):
        goes_on = length and here == (line, start + length)
        line, start, length = (line, start, length + 1) if goes_on else (*here, 1)
        if length > best:
            best, found = length, (line, start, length)
    return found


def _untorn(runs: dict[str, tuple[int, int, int]], wide: float, points: float) -> bool:
    fits = (
        width_of(word, points, bold=True) <= run[2] * wide - 0.14
        for name, run in runs.items()
        for word in told(name).split()
    )
    return all(fits)


def _borders(areas: dict[tuple[int, int], str], wide: float, tall: float) -> list[list[tuple[float, float]]]:
    """Edges between cells of different areas, and around them all."""
    edges = []
    for (line, place), name in areas.items():
        left, right, top, bottom = place * wide, (place + 1) * wide, line * tall, (line + 1) * tall
        sides = {
            (line - 1, place): [(left, top), (right, top)],
            (line + 1, place): [(left, bottom), (right, bottom)],
            (line, place - 1): [(left, top), (left, bottom)],
            (line, place + 1): [(right, top), (right, bottom)],
        }
        edges += [side for other, side in sides.items() if name and areas.get(other) != name]
    return edges
