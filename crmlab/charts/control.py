"""Control charts: does a measure move more than chance moves it?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlab.charts.marks import check_columns
from crmlab.charts.speech import redrawable
from crmlab.charts.style import ACCENT, GREY, PALETTE, SOFT, canvas, finish, house, scale_of

__all__ = ["control_chart"]

_MOST_ROWS = 6  # of words of events under each other


@redrawable
def control_chart(
    frame: pd.DataFrame,
    *,
    quantity: str,
    unit: str,
    title: str,
    subtitle: str = "",
    events: pd.DataFrame | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a measure by period with its centre and control limits; signals are orange.

    Parameters
    ----------
    frame : DataFrame
        One row a period, in order of time: ``period`` (date or text), ``value``, ``low`` and ``high`` (control limits),
        ``center``, ``is_signal``, ``is_baseline`` (the limits were learned from it).
    quantity, unit : str
        Words and unit of the measure.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    events : DataFrame, optional
        What happened: ``period`` (as in the frame) and ``label``; drawn as dotted lines.
    """
    check_columns("control_chart", frame, "period", "value", "low", "high", "center", "is_signal", "is_baseline")
    with house():
        ax = canvas(ax)[0, 0]
        places = np.arange(len(frame))
        scale = scale_of(unit, frame["value"], frame["high"])
        ax.fill_between(places, frame["low"], frame["high"], step="mid", color=PALETTE[0], alpha=0.10, linewidth=0)
        ax.plot(places, frame["center"], color=GREY, linewidth=1.2, drawstyle="steps-mid", zorder=2)
        ax.plot(places, frame["value"], color=PALETTE[0], linewidth=1.3, zorder=3)
        signal = frame["is_signal"].to_numpy(dtype=bool)
        values = frame["value"].to_numpy(dtype=float)
        ax.plot(places[~signal], values[~signal], "o", color=PALETTE[0], markersize=3.5, zorder=4)
        ax.plot(places[signal], values[signal], "o", color=ACCENT, markersize=6.5, zorder=5)
        learned = np.flatnonzero(frame["is_baseline"].to_numpy(dtype=bool))
        if len(learned) and len(learned) < len(frame):
            ax.axvline(learned.max() + 0.5, color=SOFT, linewidth=0.8, linestyle="--", zorder=1)
            ax.annotate("limits learned before", (learned.max() + 0.5, 0), (-4, 4), xycoords=("data", "axes fraction"),
                        textcoords="offset points", ha="right", va="bottom", fontsize=7.5, color=SOFT)  # fmt: skip
        periods = [_said(period) for period in frame["period"]]
        rows = min(len(events), _MOST_ROWS) if events is not None else 0
        if rows:
            bottom, top = ax.get_ylim()
            ax.set_ylim(bottom, top + 0.055 * rows * (top - bottom))  # room for the words above what is drawn
        for number, event in enumerate(events.itertuples(index=False) if events is not None else ()):
            if _said(event.period) in periods:
                place = periods.index(_said(event.period))
                ax.axvline(place, color=PALETTE[3], linewidth=0.9, linestyle=":", zorder=1)
                late = place > 0.6 * len(periods)
                beside = (-3 if late else 3, -2 - 11 * (number % rows))
                ax.annotate(event.label, (place, 1), beside, xycoords=("data", "axes fraction"),
                            textcoords="offset points", va="top", ha="right" if late else "left", fontsize=7.5,
                            color=PALETTE[3])  # fmt: skip
        step = max(1, -(-len(periods) // 9))
        ax.set_xticks(places[::step], periods[::step])
        ax.set_xlabel("Month" if len(periods) and len(periods[0]) == 7 else "Period")
        scale.apply(ax.yaxis, quantity)
        return finish(ax, title, subtitle)


def _said(period: object) -> str:
    return f"{period:%Y-%m}" if isinstance(period, pd.Timestamp) else str(period)
