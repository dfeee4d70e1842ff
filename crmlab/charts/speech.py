"""Figures in another language: the same call once more, and every text told as it is written.

Frames, labels and computed sentences stay in English until a text reaches the figure. So no chart knows of languages,
and what a chart chooses by a name in its frame does not change with the reader.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

from matplotlib.text import Text

from crmlab.language import Interpreter
from crmlab.language.breaking import fill, width

__all__ = ["redraw", "redrawable", "told"]

_telling: contextvars.ContextVar[Interpreter | None] = contextvars.ContextVar("telling", default=None)
_write = Text.set_text


def told(text: str) -> str:
    """Give a text as it will be drawn: in the reader's language inside `redraw`, else as it is."""
    tell = _telling.get()
    if not tell or not text.strip():
        return text
    lines = text.split("\n")
    whole = " ".join(lines)
    if len(lines) > 1 and tell.left(text) and not tell.left(whole):  # one text that was broken to fit
        return fill(tell(whole), max(map(width, lines)))
    return tell(text)


def _set_text(artist: Text, text: object) -> None:
    _write(artist, told(text) if isinstance(text, str) else text)


def redrawable(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Let the figure of a chart remember how it was drawn."""

    @functools.wraps(draw)
    def drawing(*args: Any, **keywords: Any) -> Any:
        drawn = draw(*args, **keywords)
        if keywords.get("ax") is None:
            first = drawn if hasattr(drawn, "get_figure") else next(iter(getattr(drawn, "flat", drawn)))
            first.get_figure().crmlab_again = functools.partial(draw, *args, **keywords)
        return drawn

    return drawing


@contextlib.contextmanager
def redraw(figure: Any, tell: Interpreter) -> Iterator[Any | None]:
    """Draw a figure's chart again with every text told; None where it is not known how it was drawn.

    matplotlib hands every text to `Text.set_text`, those of ticks and legends while it draws. That is where they are
    told, so a figure has to be saved inside the ``with`` block, and no other thread may draw meanwhile.

    Parameters
    ----------
    figure : Figure
        Made by a chart of this package.
    tell : Interpreter
        The language.
    """
    again = getattr(figure, "crmlab_again", None)
    if again is None:
        yield None
        return
    import matplotlib.pyplot as plt

    token = _telling.set(tell)
    Text.set_text = _set_text
    drawn = None
    try:
        axes = again()
        first = axes if hasattr(axes, "get_figure") else next(iter(getattr(axes, "flat", axes)))
        drawn = first.get_figure()
        yield drawn
    finally:
        Text.set_text = _write
        _telling.reset(token)
        if drawn is not None:
            plt.close(drawn)
