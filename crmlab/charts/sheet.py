"""Charts that are laid out in inches: text measured and wrapped to its box, so that nothing is cut or written over."""

from __future__ import annotations

import functools
import itertools
import re

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from crmlab.charts.speech import told
from crmlab.charts.style import bold as strong
from crmlab.charts.style import canvas, faces, head_inches
from crmlab.language.breaking import breakable

__all__ = ["PAGE", "axes_width", "height_of", "sheet", "width_of", "words_of", "wrapped", "write"]

PAGE = 7.2  # inches, width of a page's figures
_LINE = 1.18  # distance of lines, in sizes of the face
_BASE = 0.5 * (_LINE + 0.76 - 0.24)  # from a line's top to the feet of its letters: they rise 0.76 and fall 0.24
_POINTS = 72.0
_SPARE = 1.03  # a screen's letters are up to this much wider than their outlines


@functools.lru_cache(maxsize=4096)
def width_of(text: str, points: float, *, bold: bool = False) -> float:
    """Width of one line of text in inches, in the house's faces.

    >>> bool(width_of("wide", 8) < width_of("wider", 8) < width_of("wider", 8, bold=True))
    True
    """
    if not text:
        return 0.0
    how = strong(text) if bold else {"fontweight": "normal", "fontfamily": faces()}
    face = FontProperties(family=how["fontfamily"], size=points, weight=how["fontweight"])
    return text_to_path.get_text_width_height_descent(text, face, ismath=False)[0] * _SPARE / _POINTS


def height_of(text: str, points: float) -> float:
    """Height of a text of one or more lines in inches; nothing is 0 high."""
    return (1 + text.count("\n")) * points * _LINE / _POINTS if text else 0.0


def wrapped(text: str, inches: float, points: float, *, bold: bool = False) -> str:
    """Break a text into lines no wider than given; a word that is too long is broken too.

    >>> print(wrapped("Digital everyday savers", 0.9, 8))
    Digital
    everyday
    savers
    """
    lines = [""]
    for word in told(str(text)).split():
        for number, piece in enumerate(breakable(word)):
            joined = (lines[-1] + ("" if number else " ") + piece).strip()
            if width_of(joined, points, bold=bold) <= inches:
                lines[-1] = joined
                continue
            if lines[-1]:
                lines.append("")
            lines[-1:] = _pieces(piece, inches, points, bold)
    return "\n".join(lines)


def _pieces(word: str, inches: float, points: float, bold: bool) -> list[str]:
    """Break one word: after hyphens and slashes where that is enough, else into pieces of about one length."""
    pieces = [""]
    for part in re.split(r"(?<=[-/])", word):
        if width_of(pieces[-1] + part, points, bold=bold) <= inches:
            pieces[-1] += part
            continue
        cut = next(
            (cut for number in range(1, len(part)) if _fit(cut := _cut(part, number), inches, points, bold)), list(part)
        )
        pieces = [piece for piece in pieces if piece] + cut
    return pieces


def _cut(word: str, number: int) -> list[str]:
    """Cut a word in pieces of about one length, with a hyphen where letters are torn apart."""
    ends = [round(len(word) * piece / number) for piece in range(number + 1)]
    pieces = [word[start:end] for start, end in itertools.pairwise(ends)]
    return [piece + "-" * (piece[-1].isascii() and piece[-1].isalpha()) for piece in pieces[:-1]] + pieces[-1:]


def _fit(pieces: list[str], inches: float, points: float, bold: bool) -> bool:
    return all(width_of(piece, points, bold=bold) <= inches for piece in pieces)


def sheet(
    ax: Axes | None,
    *,
    width: float,
    height: float,
    title: str,
    subtitle: str = "",
    left: float = 0.06,
    above: float = 0.0,
    below: float = 0.06,
    page: float = PAGE,
) -> Axes:
    """Give axes whose data units are inches, x to the right and y down from the top left.

    Parameters
    ----------
    ax : Axes, optional
        Axes handed in keep their place, should be large enough, and hold what stands above inside them; None makes a
        figure that fits.
    width, height : float
        Inches drawn on.
    title, subtitle : str
        As `finish` will write them.
    left, above, below : float
        Inches kept free around, for labels.
    page : float
        Least width of the figure.
    """
    top = 0.0
    if ax is None:
        wide = max(page, left + width)
        tall = head_inches(title, subtitle) + above + height + below
        ax = canvas(None, size=(wide, tall))[0, 0]
        ax.set_position((left / wide, below / tall, width / wide, height / tall))
    else:
        top = -above
        height = max(height, ax.get_position().height * ax.get_figure().get_size_inches()[1] - above)
    ax.set(xlim=(0, width), ylim=(height, top))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


def axes_width(ax: Axes) -> float:
    """Width of axes handed in, in inches."""
    return float(ax.get_position().width * ax.get_figure().get_size_inches()[0])


def write(
    ax: Axes, x: float, y: float, text: str, points: float, *, bold: bool = False, va: str = "top", **how: object
) -> None:
    """Write at a point of the sheet, which is the text's ``top``, ``bottom`` or ``center``.

    Each line is a text of its own, placed by its feet: so lines side by side are level and lines of a text equally far
    apart, whatever their letters. Money signs are taken as they are.
    """
    top = y - {"top": 0.0, "center": 0.5, "bottom": 1.0}[va] * height_of(text, points)
    settings = {"ha": "left", "parse_math": False, "clip_on": False, **(strong(text) if bold else {}), **how}
    for number, line in enumerate(text.split("\n")):
        level = top + (number * _LINE + _BASE) * points / _POINTS
        ax.text(x, level, line, fontsize=points, va="baseline", **settings)


def words_of(value: object) -> str:
    """Give a cell's text as it will be drawn; a missing one is empty."""
    return "" if pd.isna(value) else told(str(value).strip())
