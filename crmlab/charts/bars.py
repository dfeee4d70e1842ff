"""Bars and dots of groups, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlab.charts.marks import check_columns, text_on, whiskers
from crmlab.charts.speech import redrawable
from crmlab.charts.style import GREY, INK, PALETTE, SOFT, canvas, finish, house, ramp_colours, scale_of

__all__ = ["bars", "columns", "composition", "dots", "pyramid"]


@redrawable
def bars(
    frame: pd.DataFrame,
    *,
    label: str,
    value: str,
    low: str | None = None,
    high: str | None = None,
    quantity: str,
    unit: str,
    title: str,
    subtitle: str = "",
    highlight: Sequence[str] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw one horizontal bar a group, in the frame's order from the top.

    Parameters
    ----------
    frame : DataFrame
        One row a group.
    label, value : str
        Columns with the group's name and the bar's length.
    low, high : str, optional
        Columns with the interval.
    quantity, unit : str
        What the axis measures; unit as in `crmlab.stats.Estimate`.
    title, subtitle : str
        The finding; and measure, population, interval kind, n.
    highlight : sequence of str
        Groups in the accent colour; empty: all in the first colour.
    ax : Axes, optional
        Where to draw; None makes a figure.
    """
    check_columns("bars", frame, label, value, low, high)
    names = frame[label].astype("str").tolist()
    tall = (7.2, max(1.9, 0.95 + 0.27 * len(frame)))
    with house():
        ax = canvas(ax, size=tall)[0, 0]
        scale = scale_of(unit, frame[value], frame[high] if high else None)
        places = np.arange(len(frame))
        colours = [PALETTE[0] if not highlight or name in highlight else GREY for name in names]
        ax.barh(places, frame[value], color=colours, height=0.68, zorder=2)
        ends = frame[value].to_numpy(dtype=float)
        if low and high:
            whiskers(ax, places, frame[low], frame[high], horizontal=True)
            ends = np.fmax(ends, frame[high].to_numpy(dtype=float))
        reach = np.nanmax(np.append(ends, 0)) or 1.0
        for place, end, amount in zip(places, ends, frame[value], strict=True):
            ax.text(
                (end if np.isfinite(end) else 0) + 0.012 * reach, place, scale.text(amount), va="center", fontsize=8
            )
        ax.set_yticks(places, names)
        ax.invert_yaxis()
        ax.set_xlim(min(0, np.nanmin(np.append(ends, 0))), reach * 1.12)
        scale.apply(ax.xaxis, quantity)
        return finish(ax, title, subtitle, grid="x")


@redrawable
def columns(
    frame: pd.DataFrame,
    *,
    label: str,
    value: str,
    low: str | None = None,
    high: str | None = None,
    groups: str,
    quantity: str,
    unit: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw one upright column a class, for classes with an order (bands, numbers of products).

    Parameters
    ----------
    frame, label, value, low, high, quantity, unit, title, subtitle, ax
        As in `bars`.
    groups : str
        Name and unit of the classes, for the horizontal axis.
    """
    check_columns("columns", frame, label, value, low, high)
    with house():
        ax = canvas(ax, size="wide")[0, 0]
        scale = scale_of(unit, frame[value], frame[high] if high else None)
        places = np.arange(len(frame))
        ax.bar(places, frame[value], color=PALETTE[0], width=0.72, zorder=2)
        ends = frame[value].to_numpy(dtype=float)
        if low and high:
            whiskers(ax, places, frame[low], frame[high], horizontal=False)
            ends = np.fmax(ends, frame[high].to_numpy(dtype=float))
        reach = np.nanmax(np.append(ends, 0)) or 1.0
        for place, end, amount in zip(places, ends, frame[value], strict=True):
            ax.text(place, end + 0.02 * reach, scale.text(amount), ha="center", va="bottom", fontsize=8)
        ax.set_xticks(places, frame[label].astype("str"))
        ax.set_ylim(0, reach * 1.14)
        ax.set_xlabel(groups)
        scale.apply(ax.yaxis, quantity)
        return finish(ax, title, subtitle)


@redrawable
def dots(
    frame: pd.DataFrame,
    *,
    label: str,
    value: str,
    low: str,
    high: str,
    by: str | None = None,
    quantity: str,
    unit: str,
    title: str,
    subtitle: str = "",
    ordered: bool = False,
    baseline: float | None = None,
    n: str | None = None,
    from_zero: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw dots with their intervals, one line a group, up to 5 series side by side.

    Parameters
    ----------
    frame, label, value, low, high, quantity, unit, title, subtitle, ax
        As in `bars`.
    by : str, optional
        Column with the series.
    ordered : bool
        The series have an order: one hue, light to dark.
    baseline : float, optional
        A value to compare with, drawn as a grey line.
    n : str, optional
        Column with the number of customers behind each dot, written at the right.
    from_zero : bool
        The axis starts at 0 where nothing lies below; False: only what is drawn is shown, for an index far from 0.
    """
    check_columns("dots", frame, label, value, low, high, by, n)
    names = list(dict.fromkeys(frame[label].astype("str")))
    series = list(dict.fromkeys(frame[by].astype("str"))) if by else [""]
    colours = ramp_colours(len(series), lightest=0.5) if ordered else PALETTE
    step = 0.62 / max(len(series), 1)
    with house():
        ax = canvas(ax, size=(7.2, max(2.1, 1.15 + len(names) * (0.16 + 0.135 * len(series)))))[0, 0]
        scale = scale_of(unit, frame[value], frame[high])
        if baseline is not None:
            ax.axvline(baseline, color=GREY, linewidth=1.4, zorder=1)
        for number, name in enumerate(series):
            part = frame[frame[by].astype("str") == name] if by else frame
            places = np.array([names.index(n) for n in part[label].astype("str")])
            places = places + (number - (len(series) - 1) / 2) * step
            whiskers(ax, places, part[low], part[high], horizontal=True, colour=colours[number % len(colours)])
            ax.plot(part[value], places, "o", color=colours[number % len(colours)], markersize=5, zorder=5, label=name)
            for place, count in zip(places, part[n] if n else [np.nan] * len(part), strict=True):
                if np.isfinite(count):
                    ax.annotate(
                        f"n = {count:,.0f}", (1, place), (6, 0), xycoords=ax.get_yaxis_transform(), va="center",
                        textcoords="offset points", fontsize=7.5, color=SOFT, annotation_clip=False,
                    )  # fmt: skip
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.5, -0.5)
        if from_zero and np.nanmin(frame[low].fillna(frame[value])) >= 0:
            ax.set_xlim(left=0)
        scale.apply(ax.xaxis, quantity)
        if by:
            _legend_below(ax, len(series))
        return finish(ax, title, subtitle, grid="x")


def _legend_below(ax: Axes, entries: int) -> None:
    """Put the legend under the axis label, where it covers nothing."""
    inches = ax.get_figure().get_size_inches()[1]
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.52 / max(inches - 1.3, 0.8)), ncols=entries, borderaxespad=0,
              handletextpad=0.3, columnspacing=1.4)  # fmt: skip


@redrawable
def composition(
    frame: pd.DataFrame,
    *,
    label: str,
    part: str,
    value: str,
    quantity: str,
    title: str,
    subtitle: str = "",
    ordered: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw what each group is made of: one stacked bar of shares a group.

    Parameters
    ----------
    frame : DataFrame
        One row a group and part; the shares of a group add up to 1.
    label, part, value : str
        Columns with the group, the part and the share (0 to 1).
    quantity : str
        What the shares are of.
    title, subtitle, ax
        As in `bars`.
    ordered : bool
        The parts have an order: one hue, light to dark.
    """
    check_columns("composition", frame, label, part, value)
    names = list(dict.fromkeys(frame[label].astype("str")))
    parts = list(dict.fromkeys(frame[part].astype("str")))
    colours = ramp_colours(len(parts)) if ordered or len(parts) > len(PALETTE) else PALETTE
    wide = frame.assign(**{label: frame[label].astype("str"), part: frame[part].astype("str")})
    wide = wide.pivot(index=label, columns=part, values=value).reindex(index=names, columns=parts).fillna(0.0)
    with house():
        ax = canvas(ax, size=(7.2, max(2.1, 1.3 + 0.36 * len(names))))[0, 0]
        scale = scale_of("share", wide)
        start = np.zeros(len(names))
        for name, colour in zip(parts, colours, strict=False):
            widths = wide[name].to_numpy()
            ax.barh(range(len(names)), widths, left=start, color=colour, height=0.7, edgecolor="white", linewidth=0.8,
                    label=name)  # fmt: skip
            for row, (left, width) in enumerate(zip(start, widths, strict=True)):
                if width >= 0.035:
                    ax.text(left + width / 2, row, f"{100 * width:.0f}", ha="center", va="center", fontsize=8,
                            color=text_on(colour))  # fmt: skip
            start = start + widths
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.set_xlim(0, max(1.0, start.max()))
        scale.apply(ax.xaxis, quantity)
        _legend_below(ax, min(len(parts), 6))
        return finish(ax, title, subtitle, grid="none")


@redrawable
def pyramid(
    frame: pd.DataFrame,
    *,
    label: str,
    side: str,
    value: str,
    sides: tuple[str, str],
    quantity: str,
    groups: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw an age pyramid: one side to the left, the other to the right, lowest band at the bottom.

    Parameters
    ----------
    frame : DataFrame
        One row a band and side; bands in order.
    label, side, value : str
        Columns with the band, the side and the share (0 to 1).
    sides : (str, str)
        Left and right.
    quantity, groups : str
        What the shares are of; name and unit of the bands.
    title, subtitle, ax
        As in `bars`.
    """
    check_columns("pyramid", frame, label, side, value)
    bands = list(dict.fromkeys(frame[label].astype("str")))
    with house():
        ax = canvas(ax)[0, 0]
        scale = scale_of("share", frame[value])
        reach = float(frame[value].max()) * 1.22 or 1.0
        for name, colour, sign in zip(sides, PALETTE[:2], (-1, 1), strict=True):
            part = frame[frame[side] == name]
            widths = part.set_index(part[label].astype("str"))[value].reindex(bands).fillna(0.0).to_numpy()
            ax.barh(range(len(bands)), sign * widths, color=colour, height=0.86, zorder=2)
            for row, width in enumerate(widths):
                ax.text(sign * (width + 0.012 * reach), row, f"{100 * width:.1f}", fontsize=8, va="center",
                        ha="left" if sign > 0 else "right")  # fmt: skip
            ax.text(sign * reach * 0.97, len(bands) - 0.7, name, color=colour, fontweight="bold", va="bottom",
                    ha="right" if sign > 0 else "left")  # fmt: skip
        ax.axvline(0, color=INK, linewidth=0.6, zorder=3)
        ax.set_yticks(range(len(bands)), bands)
        ax.set_ylabel(groups)
        ax.set_xlim(-reach, reach)
        ax.set_ylim(-0.6, len(bands) - 0.1)
        scale.apply(ax.xaxis, quantity)
        ax.xaxis.set_major_formatter(lambda x, _: scale.tick(abs(x)))
        return finish(ax, title, subtitle, grid="x")
