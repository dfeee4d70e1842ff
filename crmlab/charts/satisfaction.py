"""Satisfaction: what to improve first, what can be told apart, and what acts on what."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from crmlab.charts.marks import check_columns, spread, text_on
from crmlab.charts.sheet import wrapped
from crmlab.charts.speech import redrawable
from crmlab.charts.style import ACCENT, GREY, INK, PALETTE, SOFT, canvas, finish, house, ramp

__all__ = ["likeness_matrix", "path_matrix", "performance_map"]

_POINTS = 8.5
_CHARACTER = 0.058  # inches of a character at this size
_CORNERS = (  # quadrant, place in axes coordinates, alignment
    ("improve first", (0.985, 0.02), ("right", "bottom")),
    ("keep it up", (0.985, 0.98), ("right", "top")),
    ("possible overkill", (0.015, 0.98), ("left", "top")),
    ("low priority", (0.015, 0.02), ("left", "bottom")),
)


@redrawable
def performance_map(
    frame: pd.DataFrame,
    *,
    importance_border: float,
    performance_border: float,
    target: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw importance against performance: what lies at the right and low is to be improved first.

    A hollow mark stands for what cannot be ranked, because it cannot be told apart from something else.

    Parameters
    ----------
    frame : DataFrame
        One row a latent variable or item: ``title``; ``importance``, ``importance_low``, ``importance_high`` (index
        points of the target a point); ``performance``, ``performance_low``, ``performance_high`` (0 to 100);
        ``is_ranked``.
    importance_border, performance_border : float
        Where the quadrants meet.
    target : str
        Name of what the importance is for, for the axis.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("performance_map", frame, "title", "importance", "importance_low", "importance_high", "performance",
                  "performance_low", "performance_high", "is_ranked")  # fmt: skip
    with house():
        ax = canvas(ax, size=(7.2, 4.6))[0, 0]
        ax.axvline(importance_border, color=GREY, linewidth=1.2, zorder=1)
        ax.axhline(performance_border, color=GREY, linewidth=1.2, zorder=1)
        x, y = frame["importance"].to_numpy(dtype=float), frame["performance"].to_numpy(dtype=float)
        first = frame["is_ranked"].to_numpy(dtype=bool) & (x >= importance_border) & (y < performance_border)
        colours = np.where(first, ACCENT, PALETTE[0])
        ax.hlines(y, frame["importance_low"], frame["importance_high"], color=colours, linewidth=1.0, zorder=3)
        ax.vlines(x, frame["performance_low"], frame["performance_high"], color=colours, linewidth=1.0, zorder=3)
        faces = np.where(frame["is_ranked"].to_numpy(dtype=bool), colours, "#ffffff")
        ax.scatter(x, y, s=46, c=faces, edgecolors=colours, linewidths=1.3, zorder=5)
        _limits(ax, frame)
        _beside_the_marks(ax, frame, x, y)
        for words, (across, up), (horizontal, vertical) in _CORNERS:
            ax.text(across, up, words, transform=ax.transAxes, ha=horizontal, va=vertical, fontsize=8, color=SOFT,
                    style="italic")  # fmt: skip
        ax.set_xlabel(f"Importance for {target}, index points a point")
        ax.set_ylabel("Performance, index 0 to 100")
        return finish(ax, title, subtitle, grid="none")


def _limits(ax: Axes, frame: pd.DataFrame) -> None:
    """Leave room around the intervals; at the right more, for the names."""
    for axis, name, room in (("x", "importance", (0.08, 0.30)), ("y", "performance", (0.12, 0.12))):
        low = np.nanmin(frame[[name, f"{name}_low"]].to_numpy(dtype=float))
        high = np.nanmax(frame[[name, f"{name}_high"]].to_numpy(dtype=float))
        width = max(high - low, 1e-6)
        getattr(ax, f"set_{axis}lim")(low - room[0] * width, high + room[1] * width)


def _beside_the_marks(ax: Axes, frame: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> None:
    """Write the names above the marks at the right, at the left where one would cover another mark; moved apart."""
    bottom, top = ax.get_ylim()
    left, right = ax.get_xlim()
    width, height = ax.get_figure().get_size_inches() * ax.get_position().size
    gap = (top - bottom) * 0.17 / max(height, 1.0)
    places = spread(y + 0.6 * gap, gap)
    texts = [str(name) if ranked else f"{name} (not ranked)" for name, ranked in
             zip(frame["title"], frame["is_ranked"], strict=True)]  # fmt: skip
    for text, mark, place, ranked in zip(texts, x, places, frame["is_ranked"], strict=True):
        reach = (right - left) * (len(text) * _CHARACTER + 0.1) / max(width, 1.0)
        level = np.abs(y - place) < 0.6 * gap
        covers = (level & (x > mark) & (x < mark + reach)).any()
        is_free = mark - reach > left and not (level & (x < mark) & (x > mark - reach)).any()
        side = -1 if covers and is_free else 1
        written = ax.annotate(text, (mark, place), (5 * side, 0), textcoords="offset points", va="center",
                              fontsize=_POINTS, ha="left" if side > 0 else "right", color=INK if ranked else SOFT,
                              zorder=6)  # fmt: skip
        written.set_path_effects([withStroke(linewidth=2.4, foreground="white")])  # legible over an interval


@redrawable
def likeness_matrix(
    frame: pd.DataFrame, *, limit: float, title: str, subtitle: str = "", ax: Axes | None = None
) -> Axes:
    """Draw how alike each pair of latent variables is (HTMT): orange pairs cannot be told apart.

    Parameters
    ----------
    frame : DataFrame
        One row a pair, the order of the rows is that of the latent variables: ``first``, ``second``, ``htmt``,
        ``htmt_low``, ``htmt_high``, ``is_alike``.
    limit : float
        Value from which a pair counts as alike, named under the picture.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("likeness_matrix", frame, "first", "second", "htmt", "htmt_low", "htmt_high", "is_alike")
    names = list(dict.fromkeys([*frame["first"], *frame["second"]]))
    cells = {}
    for row in frame.itertuples(index=False):
        low, high = sorted((names.index(row.first), names.index(row.second)))
        cells[high, low] = (row.htmt, row.htmt_low, row.htmt_high, bool(row.is_alike))
    label = f"HTMT, number; orange: {limit:.2f} or more, or an interval that reaches 1"
    return _matrix(cells, names[1:], names[:-1], 1, label, title, subtitle, ax)


@redrawable
def path_matrix(frame: pd.DataFrame, *, title: str, subtitle: str = "", ax: Axes | None = None) -> Axes:
    """Draw what acts on what: a row an effect, a column a cause, the path coefficient with its interval in the cell.

    Parameters
    ----------
    frame : DataFrame
        One row a path: ``cause``, ``effect``, ``coefficient``, ``low``, ``high``, ``is_clear`` (the interval leaves out
        0). Rows and columns are drawn in the order in which the names come.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("path_matrix", frame, "cause", "effect", "coefficient", "low", "high", "is_clear")
    rows, columns = list(dict.fromkeys(frame["effect"])), list(dict.fromkeys(frame["cause"]))
    cells = {
        (rows.index(one.effect), columns.index(one.cause)): (one.coefficient, one.low, one.high, bool(one.is_clear))
        for one in frame.itertuples(index=False)
    }
    label = "Cause; path coefficient, number of standard deviations; grey text: may be 0"
    return _matrix(cells, rows, columns, 0, label, title, subtitle, ax)


def _matrix(
    cells: dict[tuple[int, int], tuple[float, float, float, bool]],
    rows: list[str],
    columns: list[str],
    first_row: int,
    label: str,
    title: str,
    subtitle: str,
    ax: Axes | None,
) -> Axes:
    """Draw numbers with intervals in a grid; where marked rows are alike they are orange, else depth is size."""
    alike = first_row == 1
    wide = 5.4 / max(len(columns), 1)
    heads = [wrapped(str(name), max(min(wide, 1.4), 0.5), 8) for name in columns]
    lines = 1 + max(head.count("\n") for head in heads)
    blue = ramp()
    with house():
        ax = canvas(ax, size=(7.2, 1.25 + 0.46 * len(rows) + 0.14 * lines))[0, 0]
        for (row, column), (value, low, high, marked) in cells.items():
            y = row - first_row
            depth = float(np.clip(abs(value), 0, 1)) if np.isfinite(value) else 0.0
            shade = ACCENT if alike and marked else blue(0.06 + 0.8 * depth)
            ax.add_patch(Rectangle((column - 0.48, y - 0.46), 0.96, 0.92, facecolor=shade, edgecolor="white"))
            soft = not alike and not marked
            ink = SOFT if soft and text_on(shade) != "white" else text_on(shade)
            number = f"{value:.2f}" if np.isfinite(value) else "–"
            ax.text(column, y - 0.13, number.replace("-", "−"), ha="center", va="center", fontsize=9.5, color=ink)
            if np.isfinite(low) and np.isfinite(high):
                span = f"{low:.2f} to {high:.2f}".replace("-", "−")
                ax.text(column, y + 0.23, span, ha="center", va="center", fontsize=6.8, color=ink)
        ax.set_yticks(range(len(rows)), [wrapped(str(name), 1.5, 8.5) for name in rows])
        ax.set_xticks(range(len(columns)), heads, fontsize=8)
        ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5), xlabel=label)
        ax.tick_params(length=0)
        ax.spines["bottom"].set_visible(False)
        return finish(ax, title, subtitle, grid="none")
