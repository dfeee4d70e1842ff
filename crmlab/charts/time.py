"""Series over months: lines labelled at their end, small multiples, what comes and goes, coverage."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from crmlab.charts.marks import check_columns, spread
from crmlab.charts.speech import redrawable, told
from crmlab.charts.style import ACCENT, GREY, INK, PALETTE, canvas, finish, house, ramp, scale_of
from crmlab.language.breaking import fill

__all__ = ["comings", "coverage", "lines", "panels"]

_MOST_SERIES = 5


@redrawable
def lines(
    frame: pd.DataFrame,
    *,
    x: str,
    value: str,
    by: str | None = None,
    low: str | None = None,
    high: str | None = None,
    quantity: str,
    unit: str,
    title: str,
    subtitle: str = "",
    from_zero: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw up to 5 series over time, each labelled at its last point.

    Parameters
    ----------
    frame : DataFrame
        One row a month and series.
    x, value : str
        Columns with the date and the value.
    by : str, optional
        Column with the series; those beyond the fifth are drawn in grey.
    low, high : str, optional
        Columns with the interval, drawn as a band.
    quantity, unit, title, subtitle, ax
        As in `crmlab.charts.bars`.
    from_zero : bool
        The axis starts at 0.
    """
    check_columns("lines", frame, x, value, by, low, high)
    series = list(dict.fromkeys(frame[by].astype("str"))) if by else [""]
    with house():
        ax = canvas(ax)[0, 0]
        scale = scale_of(unit, frame[value], frame[high] if high else None)
        ends = []
        for number, name in enumerate(series):
            part = (frame[frame[by].astype("str") == name] if by else frame).sort_values(x)
            colour = PALETTE[number] if number < _MOST_SERIES else GREY
            ax.plot(part[x], part[value], color=colour, linewidth=1.8, zorder=3)
            if low and high:
                ax.fill_between(part[x], part[low], part[high], color=colour, alpha=0.16, linewidth=0, zorder=2)
            known = part.dropna(subset=[value])
            if len(known):
                ends.append((name, colour, known[x].iloc[-1], float(known[value].iloc[-1])))
        if from_zero:
            ax.set_ylim(bottom=0)
        bottom, top = ax.get_ylim()
        for (name, colour, last, _), y in zip(ends, spread([e[3] for e in ends], (top - bottom) * 0.058), strict=True):
            if name:
                shade = INK if colour == GREY else colour
                ax.annotate(name, (last, y), (5, 0), textcoords="offset points", color=shade, va="center",
                            fontsize=8.5, annotation_clip=False)  # fmt: skip
        _dates(ax)
        scale.apply(ax.yaxis, quantity)
        return finish(ax, title, subtitle)


@redrawable
def panels(
    frame: pd.DataFrame,
    *,
    x: str,
    value: str,
    panel: str,
    unit: str,
    low: str | None = None,
    high: str | None = None,
    alarm: str | None = None,
    title: str,
    subtitle: str = "",
    across: int = 3,
) -> np.ndarray:
    """Draw small multiples: one panel a series, each with its own scale.

    Parameters
    ----------
    frame : DataFrame
        One row a month and panel.
    x, value, panel : str
        Columns with the date, the value and the panel's name.
    unit : str
        Column with the unit of each panel.
    low, high : str, optional
        Columns with the interval.
    alarm : str, optional
        Column that marks months to look at (true or false).
    title, subtitle
        As in `crmlab.charts.bars`.
    across : int
        Panels in a row.

    Returns
    -------
    ndarray of Axes
        The panels drawn.
    """
    check_columns("panels", frame, x, value, panel, unit, low, high, alarm)
    names = list(dict.fromkeys(frame[panel].astype("str")))
    across = min(across, len(names))
    rows = -(-len(names) // across)
    with house():
        axes = canvas(None, size=(7.2, 0.8 + 1.5 * rows), rows=rows, columns=across, sharex=True)
        for ax, name in zip(axes.flat, names, strict=False):
            part = frame[frame[panel].astype("str") == name].sort_values(x)
            scale = scale_of(str(part[unit].iloc[0]), part[value], part[high] if high else None)
            ax.plot(part[x], part[value], color=PALETTE[0], linewidth=1.5)
            if low and high:
                ax.fill_between(part[x], part[low], part[high], color=PALETTE[0], alpha=0.16, linewidth=0)
            if alarm:
                marked = part[part[alarm].astype(bool)]
                ax.plot(marked[x], marked[value], "o", color=ACCENT, markersize=5, zorder=5)
            ax.set_ylim(bottom=0, top=max(ax.get_ylim()[1], 1e-9))
            _dates(ax, "")
            scale.apply(ax.yaxis, name)
            ax.yaxis.get_major_locator().set_params(nbins=4)
            ax.set_title(
                fill(told(scale.label(name).removesuffix(", number")), 34), loc="right", fontsize=7.5, x=1.0, pad=4
            )
            ax.yaxis.label.set_visible(False)
            ax.tick_params(labelsize=7.5)
        for ax in axes.flat[len(names) :]:
            ax.set_axis_off()
            ax.crmlab_no_grid = True
        for ax in axes[-1, :]:
            ax.set_xlabel("Month", fontsize=8)
        finish(axes[0, 0], title, subtitle)
        return axes.ravel()[: len(names)]


@redrawable
def comings(
    frame: pd.DataFrame,
    *,
    x: str,
    joined: str,
    left: str,
    quantity: str,
    unit: str = "count",
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw what comes as bars up, what goes as bars down, and the balance of both as a line.

    Parameters
    ----------
    frame : DataFrame
        One row a month.
    x, joined, left : str
        Columns with the date, the number that came and the number that went (0 or more).
    quantity, unit, title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("comings", frame, x, joined, left)
    with house():
        ax = canvas(ax)[0, 0]
        scale = scale_of(unit, frame[joined], frame[left])
        days = frame[x].diff().dt.days.median() if len(frame) > 1 else 30
        ax.bar(frame[x], frame[joined], width=0.8 * days, color=PALETTE[0], zorder=2, label="joined")
        ax.bar(frame[x], -frame[left], width=0.8 * days, color=ACCENT, zorder=2, label="left")
        ax.plot(frame[x], frame[joined] - frame[left], color=INK, linewidth=1.3, marker=".", zorder=4, label="balance")
        ax.axhline(0, color=INK, linewidth=0.6, zorder=3)
        _dates(ax)
        scale.apply(ax.yaxis, quantity)
        ax.yaxis.set_major_formatter(lambda y, _: scale.tick(abs(y)) if y > 0 else scale.tick(y))
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.16), ncols=3, borderaxespad=0, columnspacing=1.4)
        return finish(ax, title, subtitle)


@redrawable
def coverage(
    frame: pd.DataFrame,
    *,
    table: str,
    month: str,
    value: str,
    title: str,
    subtitle: str = "",
    groups: str = "Table",
    quantity: str = "Rows in the month, % of the table's busiest month",
    ax: Axes | None = None,
) -> Axes:
    """Draw which months each table covers: darker where it holds more rows, empty where it holds none.

    Parameters
    ----------
    frame : DataFrame
        One row a table and month.
    table, month, value : str
        Columns with the table's name, the month (date) and the share (0 to 1); missing or 0: no rows.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    groups, quantity : str
        What the rows are; what the shade says.
    """
    check_columns("coverage", frame, table, month, value)
    names = list(dict.fromkeys(frame[table].astype("str")))
    wide = frame.assign(**{table: frame[table].astype("str")}).pivot(index=table, columns=month, values=value)
    months = pd.date_range(wide.columns.min(), wide.columns.max(), freq="MS")
    wide = wide.reindex(index=names, columns=months)
    shown = np.ma.masked_where(~(wide.to_numpy() > 0), wide.to_numpy())
    with house():
        ax = canvas(ax, size=(7.2, 1.45 + 0.26 * len(names)))[0, 0]
        edges = mpl_dates([*months, months[-1] + pd.offsets.MonthBegin()])
        mesh = ax.pcolormesh(edges, np.arange(len(names) + 1), shown, cmap=ramp(), vmin=0, vmax=1, edgecolors="white",
                             linewidth=0.6 if len(months) <= 60 else 0.0)  # fmt: skip
        ax.set_facecolor("#fbfbfb")
        ax.set_yticks(np.arange(len(names)) + 0.5, names)
        ax.invert_yaxis()
        ax.set_ylabel(groups)
        _dates(ax)
        bar = ax.get_figure().colorbar(
            mesh, ax=ax, orientation="horizontal", aspect=40, shrink=0.5, pad=0.03, anchor=(0, 1)
        )
        bar.set_label(quantity, fontsize=8)
        bar.outline.set_visible(False)
        bar.ax.xaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f}")
        bar.ax.tick_params(labelsize=7.5)
        bar.ax.crmlab_no_grid = True
        return finish(ax, title, subtitle, grid="none")


def mpl_dates(values: object) -> np.ndarray:
    """Turn dates into matplotlib's numbers."""
    from matplotlib.dates import date2num

    return date2num(pd.DatetimeIndex(values).to_pydatetime())


def _dates(ax: Axes, label: str = "Month") -> None:
    locator = AutoDateLocator(minticks=3, maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.set_xlabel(label)
