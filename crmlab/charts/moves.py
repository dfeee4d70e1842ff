"""Moves between segments and the yield that goes with them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlab.charts.marks import check_columns, whiskers
from crmlab.charts.sheet import PAGE, height_of, wrapped
from crmlab.charts.speech import redrawable, told
from crmlab.charts.style import GREY, INK, PALETTE, SOFT, Scale, canvas, finish, house, scale_of

__all__ = ["worth_of_moves"]

_GAIN, _LOSS = PALETTE[0], PALETTE[3]


@redrawable
def worth_of_moves(
    frame: pd.DataFrame,
    *,
    unit: str,
    title: str,
    subtitle: str = "",
    most: int = 12,
    ax: Axes | None = None,
) -> Axes:
    """Draw what each move between segments goes with in money: all movers together, and beside it one mover.

    Blue bars are more yield, red ones less; a move that is not clear has a white bar.

    Parameters
    ----------
    frame : DataFrame
        As `crmlab.segmentation.migration.worth_of_moves` gives it, one row a move, in the order from the top: ``move``;
        ``customers_count`` (movers); ``worth_amount``, ``worth_low_amount``, ``worth_high_amount`` (a mover);
        ``total_amount``, ``total_low_amount``, ``total_high_amount`` (all movers); ``is_clear``.
    unit : str
        Currency code.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    most : int
        Moves drawn; the axis says so when there are more.
    """
    check_columns("worth_of_moves", frame, "move", "customers_count", "worth_amount", "worth_low_amount",
                  "worth_high_amount", "total_amount", "total_low_amount", "total_high_amount", "is_clear")  # fmt: skip
    part = frame.head(most)
    names = [wrapped(str(name), 1.9, 8.5) for name in part["move"]]
    tall = 1.75 + sum(max(0.3, height_of(name, 8.5) + 0.1) for name in names)
    drawn = f"; the first {len(part)} of {len(frame)} moves" if len(frame) > len(part) else ""
    with house():
        ax = canvas(ax, size=(PAGE, tall))[0, 0]
        scale = scale_of(unit, part["total_amount"], part["total_low_amount"], part["total_high_amount"])
        one = scale_of(unit, part["worth_amount"])
        places = np.arange(len(part))
        totals, clear = part["total_amount"].to_numpy(dtype=float), part["is_clear"].to_numpy(dtype=bool)
        colours = np.where(totals < 0, _LOSS, _GAIN)
        faces = np.where(clear, colours, "#ffffff")
        edges = np.where(clear, colours, SOFT)
        ax.axvline(0, color=GREY, linewidth=1.4, zorder=1)
        ax.barh(places, totals, color=faces, edgecolor=edges, linewidth=0.8, height=0.6, zorder=2)
        whiskers(ax, places, part["total_low_amount"], part["total_high_amount"], horizontal=True, colour=INK)
        said = [_said(row, scale, one) for row in part.itertuples(index=False)]
        beside = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
        for place, text, sure in zip(places, said, clear, strict=True):
            ax.annotate(text, (1, place), (8, 0), va="center", fontsize=8, color=INK if sure else SOFT, **beside)
        ax.annotate("together: movers × each (interval)", (1, -0.62), (8, 0), va="bottom", fontsize=7.5, color=SOFT,
                    **beside)  # fmt: skip
        ax.annotate("white: not clear", (0, -0.62), xycoords=ax.get_yaxis_transform(), va="bottom", fontsize=7.5,
                    color=SOFT, annotation_clip=False)  # fmt: skip
        ax.set_ylim(len(part) - 0.4, -1.05)
        ax.set_yticks(places, names)
        scale.apply(ax.xaxis, "Change of the yield a year, all movers")
        ax.set_xlabel(ax.get_xlabel() + told(drawn))
        return finish(ax, title, subtitle, grid="x")


def _said(row: object, scale: Scale, one: Scale) -> str:
    """Write a move's money: all, and one mover with the interval."""
    low, high = one.text(row.worth_low_amount), one.text(row.worth_high_amount)
    each = f"{row.customers_count:,} × {one.text(row.worth_amount)} ({low} to {high})"
    return f"{scale.text(row.total_amount)}: {each}".replace("-", "−")
