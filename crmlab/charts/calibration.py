"""Probabilities against what happened."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlab.charts.marks import check_columns, whiskers
from crmlab.charts.speech import redrawable
from crmlab.charts.style import ACCENT, GREY, PALETTE, SOFT, canvas, finish, house, scale_of

__all__ = ["reliability_diagram"]


@redrawable
def reliability_diagram(
    frame: pd.DataFrame,
    *,
    said: str = "p_mean",
    share: str = "event_share",
    low: str = "event_share_low",
    high: str = "event_share_high",
    off: str = "is_off",
    quantity: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw what happened against what was said, in groups by probability; on the line both are equal.

    Parameters
    ----------
    frame : DataFrame
        One row a group, as from `crmlab.stats.reliability`.
    said, share, low, high, off : str
        Columns with the mean probability, the share in which it happened with its interval (all 0 to 1), and whether
        the probability lies outside the interval (drawn in the accent colour).
    quantity : str
        What happens, such as ``Left within 3 months``.
    title, subtitle, ax
        As in `crmlab.charts.bars`.

    Notes
    -----
    Both axes are drawn by the square root, so that small probabilities, of which there are most, can be told apart.
    """
    check_columns("reliability_diagram", frame, said, share, low, high, off)
    with house():
        ax = canvas(ax)[0, 0]
        scale = scale_of("share", frame[share], frame[high])
        top = float(np.nanmax([frame[said].max(), frame[high].max(), 1e-6])) * 1.08
        line = np.linspace(0, top, 100)
        ax.plot(line, line, color=GREY, linewidth=1.4, zorder=1)
        strange = frame[off].to_numpy(dtype=bool)
        for mask, colour in ((~strange, PALETTE[0]), (strange, ACCENT)):
            part = frame[mask]
            whiskers(ax, part[said], part[low], part[high], horizontal=False, colour=colour)
            ax.plot(part[said], part[share], "o", color=colour, markersize=5.5, zorder=5)
        for axis, put in (("x", ax.set_xscale), ("y", ax.set_yscale)):
            put("function", functions=(lambda v: np.sqrt(np.maximum(v, 0)), lambda v: np.square(v)))
            getattr(ax, f"set_{axis}lim")(0, top)
            getattr(ax, f"set_{axis}ticks")(_ticks(top))
        ax.annotate("said and seen are equal", (top * 0.5, top * 0.5), (8, -10), textcoords="offset points",
                    fontsize=8, color=SOFT, va="top")  # fmt: skip
        scale.apply(ax.yaxis, quantity)
        scale.apply(ax.xaxis, "Probability said")
        return finish(ax, title, subtitle)


def _ticks(top: float) -> list[float]:
    """Few round places from 0 to the top, closer together near 0."""
    step = 10 ** np.floor(np.log10(top))
    places = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0]
    return [place * step for place in places if place * step <= top]
