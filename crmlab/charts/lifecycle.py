"""The lifecycle: flow between stages, lifetimes by cause with the number at risk, cohorts by age."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from crmlab.charts.marks import check_columns, spread, text_on
from crmlab.charts.speech import redrawable
from crmlab.charts.style import ACCENT, GREY, INK, PALETTE, SOFT, canvas, finish, house, ramp, scale_of

__all__ = ["cohort_cells", "stage_flow", "survival_causes"]

_HUES = {
    "onboarding": "#5aa0a8",
    "growth": "#4b86ad",
    "maturity": PALETTE[0],
    "decline": ACCENT,
    "dormant": PALETTE[4],
    "lost": PALETTE[3],
    "won back": "#7a9e6b",
    "new": GREY,
}


@redrawable
def stage_flow(
    frame: pd.DataFrame,
    *,
    before: str,
    after: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the flow of customers between two dates: bands from stage to stage, as thick as they are many.

    Who stays is pale; who moves has the colour of the stage moved to.

    Parameters
    ----------
    frame : DataFrame
        One row a pair: ``from``, ``to``, ``customers_count``; the order of first appearance is the order from the top.
    before, after : str
        Names of the two dates.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("stage_flow", frame, "from", "to", "customers_count")
    flows = frame[frame["customers_count"] > 0]
    starts, ends = list(dict.fromkeys(frame["from"])), list(dict.fromkeys(frame["to"]))
    total = float(flows["customers_count"].sum()) or 1.0
    gap = 0.022
    with house():
        ax = canvas(ax, size=(7.2, 4.6))[0, 0]
        left = _stacked(starts, flows, "from", total, gap)
        right = _stacked(ends, flows, "to", total, gap)
        used_left, used_right = {name: left[name][0] for name in left}, {name: right[name][0] for name in right}
        ordered = flows.assign(
            a=flows["from"].map(starts.index), b=flows["to"].map(ends.index)
        ).sort_values(["a", "b"], kind="stable")  # fmt: skip
        for row in ordered.to_dict("records"):
            thick = row["customers_count"] / total
            y0, y1 = used_left[row["from"]], used_right[row["to"]]
            used_left[row["from"]], used_right[row["to"]] = y0 + thick, y1 + thick
            stays = row["from"] == row["to"]
            colour = GREY if stays else _hue(row["to"], ends)
            ax.add_patch(_band(y0, y1, thick, colour, 0.35 if stays else 0.85))
        for names, place, x, side in ((left, starts, -0.035, "right"), (right, ends, 1.0, "left")):
            _blocks(ax, names, place, x, side, total)
        ax.set(xlim=(-0.035, 1.035), ylim=(1.0 + gap * max(len(starts), len(ends)), -0.01))
        ax.set_yticks([])
        ax.set_xticks([0, 1], [before, after])
        ax.tick_params(length=0)
        ax.spines["bottom"].set_visible(False)
        ax.set_xlabel("Customers, number")
        return finish(ax, title, subtitle, grid="none")


def _stacked(names: Sequence[str], flows: pd.DataFrame, side: str, total: float, gap: float) -> dict:
    """Top and height of each block of one side."""
    found, y = {}, 0.0
    for name in names:
        tall = float(flows.loc[flows[side] == name, "customers_count"].sum()) / total
        found[name] = (y, tall)
        y += tall + gap
    return found


def _band(y0: float, y1: float, thick: float, colour: str, alpha: float) -> PathPatch:
    points = [(0, y0), (0.5, y0), (0.5, y1), (1, y1), (1, y1 + thick), (0.5, y1 + thick), (0.5, y0 + thick),
              (0, y0 + thick), (0, y0)]  # fmt: skip
    codes = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return PathPatch(Path(points, codes), facecolor=colour, alpha=alpha, linewidth=0, zorder=2)


def _blocks(ax: Axes, blocks: dict, names: Sequence[str], x: float, side: str, total: float) -> None:
    middles = [blocks[name][0] + blocks[name][1] / 2 for name in names]
    for name, middle in zip(names, spread(middles, 0.052), strict=True):
        top, tall = blocks[name]
        ax.add_patch(Rectangle((x, top), 0.035, max(tall, 0.002), facecolor=_hue(name, names), linewidth=0, zorder=3))
        said = f"{name}  {round(tall * total):,}" if side == "right" else f"{round(tall * total):,}  {name}"
        ax.annotate(said, (x if side == "right" else x + 0.035, middle), (-6 if side == "right" else 6, 0),
                    textcoords="offset points", ha=side, va="center", fontsize=8.5, annotation_clip=False)  # fmt: skip


def _hue(name: str, names: Sequence[str]) -> str:
    return _HUES.get(name) or PALETTE[list(names).index(name) % len(PALETTE)]


@redrawable
def survival_causes(
    frame: pd.DataFrame,
    *,
    quantity: str = "Share of those who joined",
    time: str = "Years since joining",
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the share that ended by each cause over time, with intervals, and the number at risk under the axis.

    Parameters
    ----------
    frame : DataFrame
        One row a cause and time: ``cause``, ``time``, ``share``, ``share_low``, ``share_high``, ``at_risk_count`` (at
        that time, the same for all causes), ``is_mark`` (write the number at risk at this time). Up to 5 causes.
    quantity, time : str
        Names of the axes.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("survival_causes", frame, "cause", "time", "share", "share_low", "share_high", "at_risk_count",
                  "is_mark")  # fmt: skip
    names = list(dict.fromkeys(frame["cause"]))
    with house():
        ax = canvas(ax, size=(7.2, 4.6))[0, 0]
        scale = scale_of("share", frame["share_high"])
        ends = []
        for number, name in enumerate(names):
            part = frame[frame["cause"] == name].sort_values("time", kind="stable")
            colour = PALETTE[number] if number < len(PALETTE) else GREY
            ax.step(part["time"], part["share"], where="post", color=colour, linewidth=1.8, zorder=3)
            ax.fill_between(part["time"], part["share_low"], part["share_high"], step="post", color=colour, alpha=0.16,
                            linewidth=0, zorder=2)  # fmt: skip
            ends.append((name, colour, float(part["share"].iloc[-1])))
        last = float(frame["time"].max())
        ax.set_xlim(0, last if last > 0 else 1)
        ax.set_ylim(bottom=0)
        bottom, top = ax.get_ylim()
        places = spread([end for _, _, end in ends], (top - bottom) * 0.058)
        for (name, colour, _), y in zip(ends, places, strict=True):
            ax.annotate(name, (last, y), (5, 0), textcoords="offset points", color=colour, va="center", fontsize=8.5,
                        annotation_clip=False)  # fmt: skip
        scale.apply(ax.yaxis, quantity)
        marks = frame[frame["is_mark"].astype(bool)].drop_duplicates("time").sort_values("time")
        ax.set_xticks(
            marks["time"], [f"{t:g}\n{n:,}" for t, n in zip(marks["time"], marks["at_risk_count"], strict=True)]
        )
        ax.set_xlabel(f"{time}; below: customers at risk then, number")
        return finish(ax, title, subtitle)


@redrawable
def cohort_cells(
    frame: pd.DataFrame,
    *,
    cohort: str = "Joined in",
    age: str,
    title: str,
    subtitle: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw cohorts by age: the share still there, darker the more have gone; ages to come are pale and in brackets.

    Parameters
    ----------
    frame : DataFrame
        One row a cohort and age: ``cohort`` (name), ``age`` (whole number), ``customers_count``, ``share`` (0 to 1),
        ``share_low``, ``share_high``, ``is_forecast``.
    cohort, age : str
        Names of the axes, with the unit of age.
    title, subtitle, ax
        As in `crmlab.charts.bars`.
    """
    check_columns("cohort_cells", frame, "cohort", "age", "customers_count", "share", "share_low", "share_high",
                  "is_forecast")  # fmt: skip
    names, ages = list(dict.fromkeys(frame["cohort"])), sorted(set(frame["age"]))
    colours = ramp()
    with house():
        ax = canvas(ax, size=(7.2, 1.5 + 0.34 * len(names)))[0, 0]
        most = max(float((1 - frame["share"]).max()), 1e-9)
        for row in frame.to_dict("records"):
            if not np.isfinite(row["share"]):
                continue
            x, y = ages.index(row["age"]), names.index(row["cohort"])
            colour = "#ffffff" if row["is_forecast"] else colours(0.85 * (1 - row["share"]) / most)
            ax.add_patch(Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, facecolor=colour, linewidth=0.6,
                                   edgecolor=GREY if row["is_forecast"] else "white",
                                   linestyle=":" if row["is_forecast"] else "-"))  # fmt: skip
            said = f"({100 * row['share']:.0f})" if row["is_forecast"] else f"{100 * row['share']:.0f}"
            ink = SOFT if row["is_forecast"] else text_on(colour)
            ax.text(x, y, said, ha="center", va="center", fontsize=8, color=ink)
            if row["is_forecast"] and x == len(ages) - 1:
                ax.annotate(f"{100 * row['share_low']:.0f} to {100 * row['share_high']:.0f}", (x + 0.5, y), (5, 0),
                            textcoords="offset points", va="center", fontsize=7.5, color=INK,
                            annotation_clip=False)  # fmt: skip
        sizes = frame.drop_duplicates("cohort").set_index("cohort")["customers_count"]
        ax.set_yticks(range(len(names)), [f"{name} (n = {sizes[name]:,})" for name in names])
        ax.set_xticks(range(len(ages)), [f"{one:g}" for one in ages])
        ax.set(xlim=(-0.5, len(ages) - 0.5), ylim=(len(names) - 0.5, -0.5), ylabel=cohort)
        ax.set_xlabel(f"{age}; share still there, %")
        ax.tick_params(length=0)
        ax.spines["bottom"].set_visible(False)
        return finish(ax, title, subtitle, grid="none")
