"""Concentration and movement: the Lorenz curve and the transition matrix."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlab.charts.marks import check_columns, text_on
from crmlab.charts.speech import redrawable, told
from crmlab.charts.style import ACCENT, GREY, INK, PALETTE, canvas, finish, house, ramp, scale_of
from crmlab.language.breaking import fill

__all__ = ["lorenz_curve", "transition_matrix"]


@redrawable
def lorenz_curve(
    frame: pd.DataFrame,
    *,
    quantity: str,
    population: str = "Customers, poorest first",
    title: str,
    subtitle: str = "",
    mark: float | None = 0.9,
    ax: Axes | None = None,
) -> Axes:
    """Draw a Lorenz curve with its interval against the diagonal of equal holdings.

    Parameters
    ----------
    frame : DataFrame
        ``population_share``, ``held_share`` and, where known, ``held_share_low`` and ``held_share_high``.
    quantity : str
        What is held, e.g. ``Assets held``.
    population : str
        Who holds it.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    mark : float, optional
        Point of the population share to label; the frame must hold it.
    """
    check_columns("lorenz_curve", frame, "population_share", "held_share")
    with house():
        ax = canvas(ax, size=(7.2, 4.4))[0, 0]
        x, y = frame["population_share"], frame["held_share"]
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=1.4)
        ax.text(0.4, 0.43, "all hold the same", color="#5c6873", fontsize=8.5, rotation=0, ha="right")
        if "held_share_low" in frame:
            ax.fill_between(
                x, frame["held_share_low"], frame["held_share_high"], color=PALETTE[0], alpha=0.18, linewidth=0
            )
        ax.plot(x, y, color=PALETTE[0], linewidth=2)
        near = frame[np.isclose(x, mark)] if mark is not None else frame.head(0)
        if len(near):
            held = float(near["held_share"].iloc[0])
            ax.plot([mark], [held], "o", color=ACCENT, markersize=6, zorder=5)
            # above the diagonal there is always room
            ax.plot([0.04], [0.93], "o", color=ACCENT, markersize=6, clip_on=False)
            text = f"the richest {100 * (1 - mark):.0f} % hold {100 * (1 - held):.1f} %"
            ax.text(0.06, 0.93, text, fontsize=9, va="center")
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.margins(0)
        scale = scale_of("share", [1.0])
        scale.apply(ax.xaxis, population)
        scale.apply(ax.yaxis, quantity)
        return finish(ax, title, subtitle, grid="both")


@redrawable
def transition_matrix(
    frame: pd.DataFrame,
    *,
    before: str,
    after: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw moves between groups: a row a starting group, a column an end, share and interval in each cell.

    Parameters
    ----------
    frame : DataFrame
        As `crmlab.stats.transitions` gives it: ``from``, ``to``, ``share``, ``share_low``, ``share_high``, ``n``.
    before, after : str
        Names of the axes, with the dates.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("transition_matrix", frame, "from", "to", "share", "share_low", "share_high", "n")
    rows, ends = list(dict.fromkeys(frame["from"])), list(dict.fromkeys(frame["to"]))
    colours = ramp()
    with house():
        ax = canvas(ax, size=(7.2, 1.5 + 0.52 * len(rows)))[0, 0]
        for cell in frame.itertuples(index=False):
            row, column = rows.index(cell[frame.columns.get_loc("from")]), ends.index(cell.to)
            share = cell.share if np.isfinite(cell.share) else 0.0
            colour = colours(0.9 * share)
            ax.add_patch(_cell(column, row, colour, stays=rows[row] == ends[column]))
            if not np.isfinite(cell.share):
                continue
            ax.text(column, row - 0.12, f"{100 * share:.1f} %", ha="center", va="center", fontsize=9.5,
                    color=text_on(colour))  # fmt: skip
            ax.text(column, row + 0.24, f"{100 * cell.share_low:.1f} to {100 * cell.share_high:.1f}", ha="center",
                    va="center", fontsize=7.5, color=text_on(colour))  # fmt: skip
        sizes = frame.drop_duplicates("from").set_index("from")["n"]
        ax.set_yticks(range(len(rows)), [f"{name} (n = {sizes[name]:,})" for name in rows])
        width = max(int(72 / (len(ends) + 2)), 7)  # characters that fit under a cell
        ax.set_xticks(range(len(ends)), [fill(told(str(name)), width) for name in ends])
        ax.set(
            xlim=(-0.5, len(ends) - 0.5), ylim=(len(rows) - 0.5, -0.5), xlabel=f"{after}, % of the row", ylabel=before
        )
        ax.tick_params(length=0)
        ax.spines["bottom"].set_visible(False)
        return finish(ax, title, subtitle, grid="none")


def _cell(column: int, row: int, colour: object, *, stays: bool) -> object:
    from matplotlib.patches import Rectangle

    edge, width = (INK, 1.2) if stays else ("white", 0.8)
    return Rectangle((column - 0.47, row - 0.46), 0.94, 0.92, facecolor=colour, edgecolor=edge, linewidth=width)
