"""Small marks that several plots share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from crmlab.charts.style import INK
from crmlab.errors import nearest, refuse

__all__ = ["check_columns", "spread", "text_on", "whiskers"]


def check_columns(plot: str, frame: pd.DataFrame, *names: str | None) -> None:
    """Refuse a frame without the columns a plot draws, or without rows."""
    missing = [name for name in names if name is not None and name not in frame.columns]
    has = ", ".join(map(str, frame.columns))
    refuse(
        *(f"{plot}: the frame has no column {name!r}; it has {has}.{nearest(name, frame.columns)}" for name in missing),
        *([f"{plot}: the frame has no rows. Say it as a gap instead."] if not len(frame) else []),
    )


def whiskers(ax: Axes, x: object, low: object, high: object, *, horizontal: bool, colour: str = INK) -> None:
    """Draw intervals as thin lines with a white edge, so that they are seen on a dark bar too."""
    lows, highs = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    known = np.isfinite(lows) & np.isfinite(highs)
    places = np.asarray(x, dtype=float)[known]
    draw = ax.hlines if horizontal else ax.vlines
    drawn = draw(places, lows[known], highs[known], color=colour, linewidth=1.1, zorder=4)
    drawn.set_path_effects([withStroke(linewidth=2.6, foreground="white")])


def spread(positions: Iterable[float], gap: float) -> np.ndarray:
    """Move label positions apart so that neighbours keep a gap, as little as possible.

    >>> [float(x) for x in spread([1.0, 1.1, 3.0], 0.5)]
    [0.8, 1.3, 3.0]
    """
    places = np.asarray(list(positions), dtype=float)
    order = np.argsort(places, kind="stable")
    blocks: list[list[float]] = []  # sum of wanted places, size, of labels that touch
    for place in places[order]:
        blocks.append([place, 1])
        while len(blocks) > 1:
            (total, size), (above, more) = blocks[-2], blocks[-1]
            if above / more - (more - 1) / 2 * gap - (total / size + (size - 1) / 2 * gap) >= gap - 1e-12:
                break
            blocks[-2:] = [[total + above, size + more]]
    moved = np.concatenate(
        [total / size + (np.arange(size) - (size - 1) / 2) * gap for total, size in blocks] or [np.array([])]
    )
    result = np.empty(len(places))
    result[order] = moved.round(12)
    return result


def text_on(colour: object) -> str:
    """Choose dark or white text for a background."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else INK
