"""Estimates against a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlab.charts.marks import check_columns, whiskers
from crmlab.charts.speech import redrawable
from crmlab.charts.style import ACCENT, INK, PALETTE, canvas, finish, house

__all__ = ["against_truth"]

_ROW_INCHES = 0.235
_MISS = PALETTE[3]
_FOUND_POINTS, _TRUE_POINTS = 78, 158  # right ends of the two columns of numbers, from the end of the axis


@redrawable
def against_truth(
    frame: pd.DataFrame,
    *,
    label: str,
    value: str,
    low: str,
    high: str,
    found: str,
    true: str,
    is_held: str,
    by: str | None = None,
    quantity: str = "Estimate less truth, number of half-widths of its interval",
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw each estimate with its interval beside the truth, which is a vertical line at 0.

    Intervals of different units are drawn on one scale, so that near and far mean the same in every row; the numbers in
    their own units stand at the right. Rows that miss the truth are dark red, with a hollow dot.

    Parameters
    ----------
    frame : DataFrame
        One row an estimate, in the order from the top.
    label : str
        Column with its name.
    value, low, high : str
        Columns with the estimate and its limits less the truth, in half-widths of the interval.
    found, true : str
        Columns with estimate and truth as texts, in their own units.
    is_held : str
        Column that says whether the interval holds the truth.
    by : str, optional
        Column with the group; each group gets a heading.
    quantity, title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("against_truth", frame, label, value, low, high, found, true, is_held, by)
    groups = list(dict.fromkeys(frame[by].astype("str"))) if by else [""]
    rows, headings = _rows(frame[by].astype("str").tolist() if by else [""] * len(frame), groups)
    bottom = rows.max() + 0.75
    with house():
        ax = canvas(ax, size=(7.2, 1.15 + _ROW_INCHES * (bottom + 1.6)))[0, 0]
        held = frame[is_held].to_numpy(dtype=bool)
        ax.axvline(0, color=ACCENT, linewidth=1.6, zorder=1)
        for chosen, colour, face in ((held, PALETTE[0], PALETTE[0]), (~held, _MISS, "white")):
            part = frame[chosen]
            whiskers(ax, rows[chosen], part[low], part[high], horizontal=True, colour=colour)
            ax.plot(part[value], rows[chosen], "o", color=colour, markerfacecolor=face, markersize=5, zorder=5)
        reach = float(np.nanmax(np.abs(frame[[low, high]].to_numpy(dtype=float)), initial=1.0))
        ax.set_xlim(-1.04 * max(reach, 2), 1.04 * max(reach, 2))
        ax.set_ylim(bottom, -1.6)
        ax.set_yticks(rows, frame[label].astype("str"))
        for tick, good in zip(ax.get_yticklabels(), held, strict=True):
            tick.set_color(INK if good else _MISS)
        for place, name in headings:
            _beside(ax, 0.0, place, name, ha="right", color=PALETTE[0], dx=-6)
        for place, own, truth, good in zip(rows, frame[found], frame[true], held, strict=True):
            colour = INK if good else _MISS
            _beside(ax, 1.0, place, str(own), ha="right", color=colour, dx=_FOUND_POINTS)
            _beside(ax, 1.0, place, str(truth), ha="right", color=colour, dx=_TRUE_POINTS)
        _beside(ax, 1.0, -1.15, "found", ha="right", color="#5c6873", dx=_FOUND_POINTS)
        _beside(ax, 1.0, -1.15, "true", ha="right", color="#5c6873", dx=_TRUE_POINTS)
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 2}  # the line does not run through the words
        ax.text(0, -1.15, "the truth", ha="center", va="center", fontsize=8, color="#a85a14", bbox=paper, zorder=4)
        ax.set_xlabel(quantity)
        return finish(ax, title, subtitle, grid="x")


def _rows(names: list[str], groups: list[str]) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Give each estimate its height, with a heading over each group."""
    rows, headings, place = np.zeros(len(names)), [], 0.0
    for group in groups:
        if group:
            headings.append((place, group))
            place += 1.0
        for position, name in enumerate(names):
            if name == group:
                rows[position] = place
                place += 1.0
        place += 0.3
    return rows, headings


def _beside(ax: Axes, x: float, y: float, text: str, *, dx: float, **how: object) -> None:
    """Write outside the axes, level with a row."""
    ax.annotate(
        text, (x, y), (dx, 0), xycoords=ax.get_yaxis_transform(), textcoords="offset points", va="center",
        fontsize=8, annotation_clip=False, **how,
    )  # fmt: skip
