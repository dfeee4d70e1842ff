"""The deck as one HTML file: keys, touch, notes, print; it asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from crmlab.findings.pictures import data_uri
from crmlab.findings.reading import DrawnFigure
from crmlab.language import Interpreter
from crmlab.presenting.slides import BOXES, Box, Slide, about_box

__all__ = ["deck_html"]

_TEMPLATES = Path(__file__).parent / "templates"
_PIXELS_AN_INCH = 96


def deck_html(slides: Sequence[Slide], tell: Interpreter) -> str:
    """Give the deck as HTML.

    Parameters
    ----------
    slides : sequence of Slide
        From `crmlab.presenting.slides.lay_out`.
    tell : Interpreter
        Language of the furniture.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (_TEMPLATES / "deck.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return made.get_template("deck.html.j2").render(
        slides=slides,
        language=tell.language,
        say=tell,
        style=(_TEMPLATES / "deck.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=f"sha256-{digest}",
        box=_box,
        place=text_place,
        at=_at,
        about_box=about_box,
        px=_px,
        pt=lambda points: _px(points / 72),
        address=_address,
    )


def text_place(slide: Slide) -> str:
    """Name the box in which a slide's paragraphs stand."""
    return {"cover": "cover_text", "figure": "points", "table": "under"}.get(slide.kind, "text")


def _box(name: str, points: float | None = None) -> str:
    return _at(BOXES[name], points)


def _at(box: Box, points: float | None = None) -> str:
    size = f"; font-size: {_px(points / 72)}" if points else ""
    return f"left: {_px(box.x)}; top: {_px(box.y)}; width: {_px(box.w)}; height: {_px(box.h)}{size}"


def _px(inches: float) -> str:
    return f"{inches * _PIXELS_AN_INCH:.2f}px"


def _address(figure: DrawnFigure) -> str:
    return data_uri(figure.content, figure.ending)
