"""Customer value: the whale curve, a forecast against what came, and how an answer moves with what was assumed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from crmlab.charts.marks import check_columns, whiskers
from crmlab.charts.speech import redrawable
from crmlab.charts.style import ACCENT, GREY, INK, PALETTE, SOFT, canvas, finish, house, scale_of

__all__ = ["forecast_calibration", "tornado", "whale_curve"]


@redrawable
def whale_curve(
    frame: pd.DataFrame,
    *,
    quantity: str,
    unit: str,
    population: str = "Customers, most profitable first",
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw what the best share of customers brings together: it rises, peaks, and falls by what the others cost.

    Parameters
    ----------
    frame : DataFrame
        ``population_share`` (0 to 1, rising), ``profit_amount`` and, where known, ``profit_low_amount`` and
        ``profit_high_amount``.
    quantity, unit : str
        What is added up; unit as in `crmlab.stats.Estimate`.
    population : str
        Who brings it.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("whale_curve", frame, "population_share", "profit_amount")
    with house():
        ax = canvas(ax, size=(7.2, 4.2))[0, 0]
        x, y = frame["population_share"], frame["profit_amount"]
        scale = scale_of(unit, y, frame.get("profit_high_amount"))
        total, top = float(y.iloc[-1]), int(np.argmax(y))
        ax.axhline(total, color=GREY, linewidth=1.4, zorder=1)
        if "profit_low_amount" in frame:
            ax.fill_between(x, frame["profit_low_amount"], frame["profit_high_amount"], color=PALETTE[0], alpha=0.16,
                            linewidth=0, zorder=2)  # fmt: skip
        ax.plot(x, y, color=PALETTE[0], linewidth=2, zorder=3)
        ax.plot(x.iloc[top], y.iloc[top], "o", color=ACCENT, markersize=6, zorder=5)
        said = f"peak {scale.text(float(y.iloc[top]))} at {100 * float(x.iloc[top]):.0f} %"
        side, shift = ("right", -8) if x.iloc[top] > 0.5 else ("left", 8)
        ax.annotate(said, (x.iloc[top], y.iloc[top]), (shift, 9), textcoords="offset points", ha=side, fontsize=8.5)
        ax.annotate(f"all together {scale.text(total)}", (0.02, total), (0, -11), textcoords="offset points",
                    color=SOFT, fontsize=8.5)  # fmt: skip
        ax.set_xlim(0, 1)
        ax.margins(y=0.12)
        ax.set_ylim(bottom=min(0.0, float(np.nanmin(frame.get("profit_low_amount", y)))))
        scale_of("share", [1.0]).apply(ax.xaxis, population)
        scale.apply(ax.yaxis, quantity)
        return finish(ax, title, subtitle)


@redrawable
def forecast_calibration(
    frame: pd.DataFrame,
    *,
    quantity: str,
    unit: str,
    rival: str = "",
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw mean outcome against mean forecast by group: on the line the forecast was right.

    Parameters
    ----------
    frame : DataFrame
        One row a group: ``forecast_mean``, ``outcome_mean``, ``outcome_low``, ``outcome_high``.
    quantity, unit : str
        What was forecast; unit as in `crmlab.stats.Estimate`.
    rival : str
        Further words at the line; empty for none.
    title, subtitle, ax
        As in `crmlab.charts.bars`.

    Notes
    -----
    Both axes are drawn alike: in proportion up to a small amount around 0 and by powers of ten beyond, because the
    value of the best customers is a hundred times that of others.
    """
    check_columns("forecast_calibration", frame, "forecast_mean", "outcome_mean", "outcome_low", "outcome_high")
    columns = ["forecast_mean", "outcome_mean", "outcome_low", "outcome_high"]
    values = frame[columns].to_numpy(dtype=float)
    sizes = np.abs(frame["forecast_mean"].to_numpy(dtype=float))
    near = 10 ** np.floor(np.log10(max(float(np.median(sizes)) / 2, 1e-6)))
    with house():
        ax = canvas(ax, size=(5.6, 4.8))[0, 0]
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        span = (low - 0.15 * abs(low) - 0.05 * near, high * 1.3 if high > 0 else near)
        ax.plot(span, span, color=GREY, linewidth=1.4, zorder=1)
        whiskers(ax, frame["forecast_mean"], frame["outcome_low"], frame["outcome_high"], horizontal=False,
                 colour=PALETTE[0])  # fmt: skip
        ax.plot(frame["forecast_mean"], frame["outcome_mean"], "o", color=PALETTE[0], markersize=5, zorder=5)
        if high > 20 * near:
            ax.set_xscale("symlog", linthresh=near, linscale=0.6)
            ax.set_yscale("symlog", linthresh=near, linscale=0.6)
        ax.set(xlim=span, ylim=span)
        ax.annotate(f"forecast = outcome{rival and '; '}{rival}", (0.03, 0.95), xycoords="axes fraction", color=SOFT,
                    fontsize=8.5)  # fmt: skip
        for axis, which in ((ax.xaxis, "forecast"), (ax.yaxis, "outcome")):
            axis.set_major_formatter(lambda v, _: f"{v:,.0f}")
            axis.set_label_text(f"{quantity}, {which}, {unit}")
        return finish(ax, title, subtitle, grid="both")


@redrawable
def tornado(
    frame: pd.DataFrame,
    *,
    quantity: str,
    unit: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw how far a number moves with each assumption, the widest at the top.

    Parameters
    ----------
    frame : DataFrame
        One row an assumption, in the order from the top: ``assumption``, ``low_text``, ``high_text`` (settings),
        ``low_amount``, ``high_amount`` (the number with them), ``base_amount`` (with none moved).
    quantity, unit : str
        The number; unit as in `crmlab.stats.Estimate`.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    columns = ("assumption", "low_text", "high_text", "low_amount", "high_amount", "base_amount")
    check_columns("tornado", frame, *columns)
    base = float(frame["base_amount"].iloc[0])
    with house():
        ax = canvas(ax, size=(7.2, max(2.2, 1.2 + 0.42 * len(frame))))[0, 0]
        scale = scale_of(unit, frame["low_amount"], frame["high_amount"])
        reach = float(np.nanmax(np.abs(frame[["low_amount", "high_amount"]].to_numpy() - base))) or 1.0
        for place, row in enumerate(frame.itertuples()):
            for amount, text, colour in (
                (row.low_amount, row.low_text, PALETTE[0]), (row.high_amount, row.high_text, ACCENT)
            ):  # fmt: skip
                ax.barh(place, amount - base, left=base, color=colour, height=0.56, zorder=2)
                right = amount >= base
                ax.annotate(f"{text}: {scale.text(amount)}", (amount, place), (4 if right else -4, 0), va="center",
                            textcoords="offset points", ha="left" if right else "right", fontsize=8)  # fmt: skip
        ax.axvline(base, color=INK, linewidth=0.9, zorder=3)
        ax.set_yticks(range(len(frame)), frame["assumption"].astype("str"))
        ax.set_ylim(len(frame) - 0.5, -0.5)
        lowest = float(np.nanmin(frame[["low_amount", "high_amount"]].to_numpy()))
        highest = float(np.nanmax(frame[["low_amount", "high_amount"]].to_numpy()))
        ax.set_xlim(min(lowest, base) - 0.42 * reach, max(highest, base) + 0.42 * reach)
        scale.apply(ax.xaxis, quantity)
        return finish(ax, title, subtitle, grid="x")
