"""A figure as bytes that are the same in every run."""

from __future__ import annotations

import base64
import io
from typing import Any

from crmlab.errors import refuse

__all__ = ["DPI", "data_uri", "drawn_words", "figure_of", "render", "said_by", "without_head"]

_LARGEST_SVG_BYTES = 300_000  # a scatter of 50,000 points would be 5 MB; such a figure becomes a PNG
DPI = 200
_MIME = {"svg": "image/svg+xml", "png": "image/png"}


def figure_of(name: str, drawn: Any) -> Any:
    """Find the matplotlib figure behind axes, an array of axes, a grid or a figure."""
    if hasattr(drawn, "savefig") and hasattr(drawn, "axes"):
        return getattr(drawn, "figure", None) or drawn
    if hasattr(drawn, "get_figure"):
        return drawn.get_figure()
    if hasattr(drawn, "figure"):
        return drawn.figure
    many = list(getattr(drawn, "flat", drawn if isinstance(drawn, (list, tuple)) else []))
    if many and hasattr(many[0], "get_figure"):
        return many[0].get_figure()
    refuse(f"findings.figure: {name!r} got {type(drawn).__name__}. Pass the Axes that the chart function returns.")
    raise AssertionError


def render(figure: Any) -> tuple[bytes, str]:
    """Draw a figure as SVG, or as PNG where the SVG would be too large.

    Returns
    -------
    (bytes, ending)
        Without date, program name or random ids, so two runs give the same bytes.
    """
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "crmlab", "svg.fonttype": "path"}):
        vector = io.BytesIO()
        figure.savefig(vector, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    if vector.tell() <= _LARGEST_SVG_BYTES:
        return vector.getvalue(), "svg"
    return _pixels(figure), "png"


def _pixels(figure: Any) -> bytes:
    pixels = io.BytesIO()
    figure.savefig(pixels, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    return pixels.getvalue()


def without_head(figure: Any) -> tuple[bytes, str, bytes]:
    """Draw a figure for a slide, which says the figure's title and second line itself.

    Returns
    -------
    (bytes, ending, png)
        As `render` gives it, and once more as PNG, which a presentation program can show everywhere.
    """
    head = [text for text in getattr(figure, "crmlab_head", ()) if text.get_visible()]
    for text in head:
        text.set_visible(False)
    try:
        content, ending = render(figure)
        return content, ending, content if ending == "png" else _pixels(figure)
    finally:
        for text in head:
            text.set_visible(True)


def said_by(figure: Any) -> tuple[str, str]:
    """Give the title of a figure, which is its finding, and its second line; empty where it has none.

    >>> said_by(object())
    ('', '')
    """
    return getattr(figure, "crmlab_said", ("", ""))


def drawn_words(figure: Any) -> list[str]:
    """Name the texts drawn in a figure, in order, each once: a page's guard reads them, the picture does not tell."""
    from matplotlib.text import Text

    texts = [text.get_text().strip() for text in figure.findobj(Text) if text.get_visible()]
    return list(dict.fromkeys(text for text in texts if text))


def data_uri(content: bytes, ending: str) -> str:
    """Give the picture as an address that holds the picture itself."""
    return f"data:{_MIME[ending]};base64,{base64.b64encode(content).decode('ascii')}"
