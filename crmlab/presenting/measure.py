"""How much room a text takes, so that no slide is overfull.

Measured with DejaVu Sans, which matplotlib brings: Arial, Calibri and their like are narrower, so what fits here fits
with them too.
"""

from __future__ import annotations

import functools
from typing import Any

from crmlab.language.breaking import breakable

__all__ = ["LINE", "fitting_size", "height_inches", "lines", "width_inches"]

LINE = 1.22  # line height, in font sizes
_MEASURED = 100
_HAIR = 1e-9


@functools.cache
def _face(bold: bool) -> Any:
    """Open a face that matplotlib brings, so that the same text is measured alike on every machine."""
    import matplotlib as mpl
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(f"{mpl.get_data_path()}/fonts/ttf/{name}", _MEASURED)


@functools.lru_cache(maxsize=20_000)
def width_inches(text: str, points: float, bold: bool = False) -> float:
    """Width of a text on one line; a Chinese sign is as wide as the font size.

    >>> round(width_inches("满意", 72), 2), width_inches("wide", 20) > width_inches("wide", 10)
    (2.0, True)
    """
    wide = sum(sign > "\u2e7f" for sign in text)
    narrow = "".join(sign for sign in text if sign <= "\u2e7f")
    length = _face(bold).getlength(narrow) / _MEASURED if narrow else 0.0
    return (length + wide) * points / 72


def lines(text: str, width: float, points: float, bold: bool = False) -> int:
    """Count the lines of a text in a box of a width in inches.

    >>> lines("one two", 10, 12), lines("one two", 0.4, 12), lines("", 1, 12)
    (1, 2, 1)
    """
    count, used, space = 1, 0.0, width_inches(" ", points, bold)
    for word, is_spaced in _words(text):
        size, before = width_inches(word, points, bold), space if is_spaced and used else 0.0
        if used and used + before + size > width + _HAIR:
            count, used, before = count + 1, 0.0, 0.0
        used += before + size
        while used > width + _HAIR:  # a word longer than the line is broken
            count, used = count + 1, used - width
    return count


def _words(text: str) -> list[tuple[str, bool]]:
    """Cut where a line may break, and say whether a space stands there: at spaces, and beside Chinese signs."""
    return [(part, number == 0) for word in text.split(" ") for number, part in enumerate(breakable(word))]


def height_inches(texts: list[str] | tuple[str, ...], width: float, points: float, *, bold: bool = False,
                  gap: float = 0.0) -> float:  # fmt: skip
    """Height of paragraphs under each other, with a gap in font sizes after each but the last."""
    total = sum(lines(text, width, points, bold) for text in texts) * LINE + gap * max(0, len(texts) - 1)
    return total * points / 72


def fitting_size(texts: list[str] | tuple[str, ...], width: float, height: float, sizes: tuple[float, ...], *,
                 bold: bool = False, gap: float = 0.0) -> float | None:  # fmt: skip
    """Give the largest size at which the paragraphs fit a box, or None."""
    fits = (s for s in sizes if height_inches(texts, width, s, bold=bold, gap=gap) <= height)
    return next(fits, None)
