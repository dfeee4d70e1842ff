"""House style: palette, sizes, titles, axes. Applied inside each plot function; no global setting is touched."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmlab.charts.speech import told
from crmlab.language.breaking import fill

__all__ = [
    "ACCENT",
    "GREY",
    "INK",
    "PALETTE",
    "SIZES",
    "SOFT",
    "Scale",
    "bold",
    "canvas",
    "faces",
    "finish",
    "head_inches",
    "house",
    "ramp",
    "ramp_colours",
    "scale_of",
]

# distinguishable under three kinds of colour blindness, contrast at least 3:1 on white
PALETTE = ("#0b4f7a", "#d97a28", "#5aa0a8", "#7b2d43", "#8d8d5b")
ACCENT = PALETTE[1]
GREY = "#b8c2cc"
INK = "#1f2a33"
SOFT = "#5c6873"
SIZES = {"standard": (7.2, 4.05), "wide": (7.2, 2.7), "square": (4.4, 4.4), "tall": (7.2, 5.6)}
_CJK = ("Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei", "Microsoft YaHei", "PingFang SC", "SimHei")
_CJK_FILES = ("notosanscjk", "wqy-microhei", "msyh", "pingfang", "simhei")
_TITLE_POINTS, _SUB_POINTS = 11.0, 8.0
_TITLE_CHARACTERS, _SUB_CHARACTERS = 74, 112


@functools.cache
def faces() -> list[str]:
    """Name the installed faces: the default first, then one with Chinese glyphs if there is one.

    matplotlib keeps a list of fonts and does not see one installed later, so the system is asked too.
    """
    from matplotlib import font_manager

    known = font_manager.fontManager
    if not any(font.name in _CJK for font in known.ttflist):
        for path in font_manager.findSystemFonts():
            if any(part in path.lower() for part in _CJK_FILES):
                with contextlib.suppress(OSError, RuntimeError):  # a file that is no font
                    known.addfont(path)
    installed = {font.name for font in known.ttflist}
    return ["DejaVu Sans", *[name for name in _CJK if name in installed][:1]]


@contextlib.contextmanager
def house() -> Iterator[None]:
    """Apply the style inside a ``with`` block."""
    settings = {
        "font.family": faces(),
        "font.size": 9,
        "axes.edgecolor": SOFT,
        "axes.labelcolor": INK,
        "axes.labelsize": 9,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "axes.prop_cycle": mpl.cycler(color=PALETTE),
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 8.5,
        "ytick.major.size": 0,
        "grid.color": "#e3e8ec",
        "grid.linewidth": 0.7,
        "text.color": INK,
        "figure.dpi": 100,
        "savefig.dpi": 200,
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "legend.frameon": False,
    }
    with mpl.rc_context(settings):
        yield


def canvas(
    ax: Axes | None,
    *,
    size: str | tuple[float, float] = "standard",
    rows: int = 1,
    columns: int = 1,
    **keywords: object,
) -> np.ndarray:
    """Give axes to draw on: those handed in, or those of a new figure, as an array of `rows` x `columns`."""
    if ax is not None:
        return np.array([[ax]])
    inches = SIZES[size] if isinstance(size, str) else size
    figure, axes = plt.subplots(rows, columns, figsize=inches, layout="constrained", squeeze=False, **keywords)
    figure.crmlab_own = True
    return axes


def finish(ax: Axes, title: str, subtitle: str = "", *, grid: str = "y") -> Axes:
    """Write title and subtitle at the left, and lay the grid.

    Parameters
    ----------
    ax : Axes
        Of several panels the first.
    title : str
        The computed finding.
    subtitle : str
        Measure, unit, population, interval kind and n.
    grid : str
        ``x``, ``y``, ``both`` or ``none``.
    """
    figure = ax.get_figure()
    own = getattr(figure, "crmlab_own", False)
    for one in figure.axes if own else [ax]:
        if grid != "none" and not getattr(one, "crmlab_no_grid", False):
            one.grid(axis=grid)
    said = (" ".join(told(title).split()), " ".join(told(subtitle).split()))
    title, subtitle = fill(said[0], _TITLE_CHARACTERS), fill(said[1], _SUB_CHARACTERS)
    if own:
        head = _head_of_own(figure, ax, title, subtitle)
    else:
        above = 6 + 11 * subtitle.count("\n") + (13 if subtitle else 0)
        head = [ax.set_title(title, loc="left", fontsize=_TITLE_POINTS, pad=above, **bold(title))]
        head += [ax.annotate(subtitle, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points",
                             color=SOFT, fontsize=_SUB_POINTS, va="bottom")]  # fmt: skip
    figure.crmlab_said, figure.crmlab_head = said, head  # a slide says them itself, and draws the figure without them
    return ax


def _head_of_own(figure: Figure, ax: Axes, title: str, subtitle: str) -> list[Text]:
    """Lay out below the titles, then hang both at the figure's left edge, where long labels cannot push them."""
    height = figure.get_size_inches()[1]
    title_inches, top = _line_inches(title, subtitle)
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - top / height))
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    place = ax.get_position()

    def inside(x: float, inches_down: float) -> tuple[float, float]:
        return (x - place.x0) / place.width, (1 - inches_down / height - place.y0) / place.height

    x, y = inside(0.008, 0.04)
    head = ax.set_title(title, loc="left", fontsize=_TITLE_POINTS, y=y, pad=0, **bold(title))
    head.set_position((x, y))
    head.set_verticalalignment("top")
    if not subtitle:
        return [head]
    x, y = inside(0.008, 0.04 + title_inches + 0.04)
    below = {"color": SOFT, "fontsize": _SUB_POINTS, "va": "top", "ha": "left"}
    return [head, ax.text(x, y, subtitle, transform=ax.transAxes, **below)]


def _line_inches(title: str, subtitle: str) -> tuple[float, float]:
    """Height of the title's lines, and of title and subtitle together with the space around them."""
    title_inches = 0.19 * (1 + title.count("\n"))
    sub_inches = 0.15 * (1 + subtitle.count("\n")) if subtitle else 0.0
    return title_inches, 0.04 + title_inches + 0.04 + sub_inches + 0.06


def head_inches(title: str, subtitle: str = "") -> float:
    """Height that `finish` takes at the top of a figure of its own, for charts that are laid out in inches.

    >>> round(head_inches("A finding"), 2), round(head_inches("A finding", "Share, %"), 2)
    (0.33, 0.48)
    """
    return _line_inches(fill(told(title), _TITLE_CHARACTERS), fill(told(subtitle), _SUB_CHARACTERS))[1]


def bold(text: str) -> dict[str, object]:
    """Choose the faces of a bold text: a CJK face only where it is needed, and no weight that it lacks.

    Most CJK faces have one weight. Latin letters in bold beside Chinese signs that are not would only look uneven.
    """
    if not any(character > "\u2e7f" for character in told(text)):
        return {"fontweight": "bold", "fontfamily": faces()[:1]}
    return {"fontweight": "bold" if _has_bold(faces()[-1]) else "normal", "fontfamily": faces()}


@functools.cache
def _has_bold(family: str) -> bool:
    from matplotlib import font_manager

    return any(font.name == family and int(font.weight) >= 600 for font in font_manager.fontManager.ttflist
               if str(font.weight).isdigit())  # fmt: skip


class Scale:
    """How numbers of a unit are drawn: factor, words for the axis, and text of one value.

    Parameters
    ----------
    unit : str
        ``share``, ``count``, a currency code, or a word such as ``days``.
    largest : float
        Largest absolute value to be drawn; it chooses thousands or millions.

    Examples
    --------
    >>> scale = Scale("EUR", 250_000)
    >>> scale.label("Assets"), scale.text(31_450)
    ('Assets, EUR thousand', '31.4k')
    >>> Scale("share", 0.4).label("Share of customers"), Scale("share", 0.4).text(0.123)
    ('Share of customers, %', '12.3 %')
    """

    def __init__(self, unit: str, largest: float) -> None:
        self.unit = unit
        self.factor, self.word, self.suffix = 1.0, "", ""
        if unit == "share":
            self.factor = 100.0
        elif largest >= 2e6:
            self.factor, self.word, self.suffix = 1e-6, " million", "m"
        elif largest >= 2e4:
            self.factor, self.word, self.suffix = 1e-3, " thousand", "k"
        self.largest = largest * self.factor

    def label(self, quantity: str) -> str:
        """Name the axis with its unit."""
        if self.unit == "share":
            return f"{quantity}, %"
        name = "" if self.unit == "count" else self.unit
        unit = f"{name}{self.word}".strip() or "number"
        return f"{quantity}, {unit}"

    def text(self, value: float) -> str:
        """Write one value beside its mark."""
        if value is None or not np.isfinite(value):
            return ""
        scaled = value * self.factor
        if self.unit == "share":
            return f"{scaled:.1f} %" if abs(scaled) < 99.95 or scaled > 100.05 else "100 %"
        size = abs(scaled)
        whole = self.factor == 1 and (self.unit == "count" or self.largest >= 100)
        decimals = 0 if whole or size >= 100 else 1 if size >= 10 or self.largest >= 10 else 2
        return f"{scaled:,.{decimals}f}{self.suffix}"

    def tick(self, value: float, _: int = 0) -> str:
        """Write one value at the axis."""
        scaled = round(value * self.factor, 10)
        return f"{scaled:,.0f}" if scaled == int(scaled) else f"{scaled:,.10f}".rstrip("0")

    def apply(self, axis: object, quantity: str) -> None:
        """Label an axis and format its ticks."""
        axis.set_label_text(self.label(quantity))
        axis.set_major_formatter(FuncFormatter(self.tick))
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=self.unit == "count"))


def scale_of(unit: str, *columns: object) -> Scale:
    """Choose the scale of the values to be drawn."""
    arrays = [np.abs(np.asarray(column, dtype=float)).ravel() for column in columns if column is not None]
    values = np.concatenate(arrays) if arrays else np.array([])
    finite = values[np.isfinite(values)]
    return Scale(unit, float(finite.max()) if len(finite) else 1.0)


@functools.cache
def ramp() -> LinearSegmentedColormap:
    """One hue from almost white to the deep blue of the palette, for ordered things."""
    return LinearSegmentedColormap.from_list("crmlab", ["#f3f7fa", "#a9c6d9", "#4b86ad", PALETTE[0]])


def ramp_colours(n: int, *, lightest: float = 0.28) -> Sequence[str]:
    """Give n ordered colours of one hue, light to dark; small marks on white need a lightest of 0.5 (contrast 3:1)."""
    return [mpl.colors.to_hex(ramp()(x)) for x in np.linspace(lightest, 1.0, max(n, 2))][-n:]
