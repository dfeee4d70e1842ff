"""What a list earns by its length."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from crmlab.charts.marks import check_columns, spread
from crmlab.charts.speech import redrawable
from crmlab.charts.style import GREY, INK, PALETTE, SOFT, canvas, finish, house, scale_of

__all__ = ["profit_by_length"]


@redrawable
def profit_by_length(
    frame: pd.DataFrame,
    *,
    by: str = "list",
    length: str = "treated_share",
    value: str = "gain",
    low: str = "gain_low",
    high: str = "gain_high",
    chance: str = "gain_random",
    quantity: str,
    unit: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the profit of lists by the share of customers on them, beside a list by chance.

    Parameters
    ----------
    frame : DataFrame
        One row a list and length, as from `crmlab.stats.effect_curves.gain_curve`.
    by, length, value, low, high, chance : str
        Columns with the list, its share of customers (0 to 1), profit with limits, and profit by chance.
    quantity, unit, title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("profit_by_length", frame, by, length, value, low, high, chance)
    names = list(dict.fromkeys(frame[by].astype("str")))
    with house():
        ax = canvas(ax)[0, 0]
        scale = scale_of(unit, frame[value], frame[high], frame[low])
        first = frame[frame[by].astype("str") == names[0]].sort_values(length)
        ax.axhline(0, color=SOFT, linewidth=0.8, zorder=1)
        ax.plot(first[length], first[chance], color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), zorder=2)
        ends = [
            ("by chance", INK, float(first[chance].iloc[len(first) // 2]), float(first[length].iloc[len(first) // 2]))
        ]
        for number, name in enumerate(names):
            part = frame[frame[by].astype("str") == name].sort_values(length)
            colour = PALETTE[number % len(PALETTE)]
            ax.plot(part[length], part[value], color=colour, linewidth=1.8, zorder=3)
            ax.fill_between(part[length], part[low], part[high], color=colour, alpha=0.14, linewidth=0, zorder=2)
            middle = part.iloc[len(part) // 2]
            ends.append((name, colour, float(middle[value]), float(middle[length])))
        bottom, top = ax.get_ylim()
        places = spread([end[2] for end in ends], (top - bottom) * 0.07)
        for (name, colour, height, at), y in zip(ends, places, strict=True):
            ax.annotate(name, (at, height), xytext=(1.01, y), textcoords=ax.get_yaxis_transform(), color=colour,
                        va="center", fontsize=8.5, annotation_clip=False)  # fmt: skip
        ax.set_xlim(0, 1)
        scale.apply(ax.yaxis, quantity)
        scale_of("share", first[length]).apply(ax.xaxis, "Customers called, the first of the list")
        return finish(ax, title, subtitle)
