"""Suitability: what risk customers hold against what they stated."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from crmlab.charts.marks import check_columns, text_on
from crmlab.charts.speech import redrawable
from crmlab.charts.style import ACCENT, SOFT, canvas, finish, house, ramp

__all__ = ["suitability_matrix"]

_FULL = 0.35  # share of the customers at which a cell has its full colour
_RISKIER = "#fdf1e7"


@redrawable
def suitability_matrix(frame: pd.DataFrame, *, title: str, subtitle: str = "", ax: Axes | None = None) -> Axes:
    """Draw stated tolerance against risk held: a row a class, a column a grade, customers and share in each cell.

    Cells that suit are blue, cells riskier than stated orange; empty cells hold a dash, hidden ones "few".

    Parameters
    ----------
    frame : DataFrame
        One row a cell, in the order drawn: ``tolerance``, ``grade``, ``customers_count``, ``share`` (of all, 0 to 1),
        ``is_riskier``, ``is_hidden``.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns(
        "suitability_matrix", frame, "tolerance", "grade", "customers_count", "share", "is_riskier", "is_hidden"
    )
    rows, columns = list(dict.fromkeys(frame["tolerance"])), list(dict.fromkeys(frame["grade"]))
    blue, orange = ramp(), LinearSegmentedColormap.from_list("crmlab_riskier", [_RISKIER, "#f0b27a", ACCENT])
    with house():
        ax = canvas(ax, size=(7.2, 1.75 + 0.44 * len(rows)))[0, 0]
        for cell in frame.itertuples(index=False):
            x, y = columns.index(cell.grade), rows.index(cell.tolerance)
            depth = min((cell.share if np.isfinite(cell.share) else 0.0) / _FULL, 1.0)
            shade = orange(0.25 + 0.75 * depth) if cell.is_riskier else blue(0.1 + 0.8 * depth)
            empty = not cell.is_hidden and not cell.customers_count
            face = "white" if empty else shade
            ax.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=face, linewidth=0.8,
                                   edgecolor="#dfe5ea" if empty else "white"))  # fmt: skip
            if empty or cell.is_hidden:
                ax.text(x, y, "few" if cell.is_hidden else "–", ha="center", va="center", fontsize=8.5, color=SOFT)
                continue
            ink = text_on(shade)
            ax.text(x, y - 0.12, f"{cell.customers_count:,.0f}", ha="center", va="center", fontsize=9.5, color=ink)
            ax.text(x, y + 0.24, f"{100 * cell.share:.1f} %", ha="center", va="center", fontsize=7.5, color=ink)
        ax.set_yticks(range(len(rows)), rows)
        ax.set_xticks(range(len(columns)), columns)
        ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5), ylabel="Tolerance stated, class",
               xlabel="Riskiest product held; number and % of customers")  # fmt: skip
        ax.tick_params(length=0)
        ax.spines["bottom"].set_visible(False)
        kinds = ((blue(0.6), "within what they stated"), (orange(0.9), "riskier than stated"))
        handles = [Rectangle((0, 0), 1, 1, facecolor=colour, label=words) for colour, words in kinds]
        below = -0.5 / (0.44 * len(rows))
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, below), ncols=2, fontsize=8, borderaxespad=0)
        return finish(ax, title, subtitle, grid="none")
