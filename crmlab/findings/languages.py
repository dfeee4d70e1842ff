"""A question's figures in the other languages, drawn from the same frames when the question is answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crmlab.charts.speech import redraw
from crmlab.charts.style import faces
from crmlab.findings.pictures import drawn_words, render, said_by, without_head
from crmlab.findings.telling import teller
from crmlab.language import LANGUAGES

__all__ = ["NO_FACE", "drawable", "translated_figures"]

NO_FACE = (
    "No installed font has Chinese glyphs, so figures stay in English. "
    "Install one (Debian, Ubuntu: fonts-wqy-microhei or fonts-noto-cjk), then run again"
)


def drawable() -> tuple[str, ...]:
    """Name the languages, English aside, whose signs an installed font can show."""
    return tuple(name for name in LANGUAGES if name != "en") if len(faces()) > 1 else ()


def translated_figures(name: str, figure: Any) -> Iterator[tuple[str, dict[str, Any], dict[str, bytes]]]:
    """Draw a figure in each language that can be shown; a figure that no chart of this package made stays as it is.

    Returns
    -------
    iterator of (language, entry, files)
        What `findings.json` keeps, and the pictures by their path in the question's folder.
    """
    for language in drawable():
        with redraw(figure, teller(language)) as drawn:
            if drawn is None:
                return
            content, ending = render(drawn)
            slide, slide_ending, pixels = without_head(drawn)
            title, about = said_by(drawn)
            folder = f"figures/{language}"
            entry = {"file": f"{folder}/{name}.{ending}", "title": title, "about": about, "words": drawn_words(drawn)}
            files = {
                f"{folder}/{name}.{ending}": content,
                f"{folder}/slides/{name}.{slide_ending}": slide,
                f"{folder}/slides/{name}.png": pixels,
            }
        yield language, entry, files
