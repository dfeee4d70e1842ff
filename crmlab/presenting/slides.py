"""Scenes laid out as slides of 13.33 x 7.5 inches: what fits is shown, the rest goes to the speaker's notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from crmlab.findings.reading import DrawnFigure
from crmlab.language import Interpreter, say
from crmlab.presenting.measure import LINE, fitting_size, height_inches, lines, width_inches
from crmlab.story import Scene, Story
from crmlab.story.scenes import Grid

__all__ = ["BOXES", "HEIGHT", "WIDTH", "Box", "LaidTable", "Slide", "about_box", "lay_out", "picture_box", "unbroken"]

WIDTH, HEIGHT = 13.333, 7.5
_TITLE_SIZES = (26.0, 24.0, 22.0, 20.0, 18.0)
_POINT_SIZES = (16.0, 15.0, 14.0, 13.0, 12.0)
_TEXT_SIZES = (20.0, 18.0, 16.0, 15.0, 14.0, 13.0, 12.0)
_TABLE_SIZES = (14.0, 13.0, 12.0, 11.0, 10.0)
GAP = 0.55  # between paragraphs, in font sizes
CELL_PAD = 0.08  # on each side of a cell, inches
ROW_PAD = 0.11  # above and below a row's text together, inches
_INSET = 0.02  # PowerPoint's own margins are set to 0; a hair for rounding
_BESIDE = 0.2  # the rule between a figure and its points, and the room behind it
_MOST_POINTS = 6
_POWERS = (0.35, 0.5, 0.7, 1.0)
_UNDER = 0.06  # between a picture and its second line


@dataclass(frozen=True)
class Box:
    """A place on a slide, in inches."""

    x: float
    y: float
    w: float
    h: float


BOXES = {
    "act": Box(0.6, 0.36, 9.0, 0.3),
    "title": Box(0.6, 0.66, 12.13, 0.96),
    "figure": Box(0.6, 1.78, 7.75, 4.5),
    "about": Box(0.6, 6.34, 7.75, 0.44),
    "points": Box(8.65, 1.78, 4.08, 5.0),
    "table": Box(0.6, 1.78, 12.13, 4.55),
    "under": Box(0.6, 6.4, 12.13, 0.4),
    "text": Box(0.6, 1.78, 12.13, 5.0),
    "source": Box(0.6, 6.95, 11.3, 0.36),
    "number": Box(12.13, 6.95, 0.6, 0.3),
    "cover_title": Box(0.9, 2.1, 11.5, 1.9),
    "cover_text": Box(0.9, 4.3, 11.5, 1.6),
}


@dataclass(frozen=True)
class LaidTable:
    """A table with its measures: widths of columns and heights of rows (the head first) in inches, size in points."""

    grid: Grid
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    points: float


@dataclass(frozen=True)
class Slide:
    """One slide as both forms show it.

    Parameters
    ----------
    kind : str
        ``cover``, ``figure``, ``table`` or ``text``.
    act, title, source : str
        Over, as and under the message.
    title_points, text_points : float
        Font sizes.
    texts : tuple of str
        Paragraphs.
    figure : DrawnFigure or None
        The picture.
    place : Box or None
        Where it stands.
    about : str
        Its second line.
    table : LaidTable or None
        The table.
    notes : tuple of str
        For the speaker, with what did not fit.
    is_appendix : bool
        Behind the story.
    """

    kind: str
    act: str
    title: str
    title_points: float
    texts: tuple[str, ...]
    text_points: float
    source: str
    figure: DrawnFigure | None = None
    place: Box | None = None
    about: str = ""
    table: LaidTable | None = None
    notes: tuple[str, ...] = ()
    is_appendix: bool = False


def lay_out(story: Story, tell: Interpreter) -> tuple[Slide, ...]:
    """Lay out every scene; a long table of the appendix takes several slides.

    Parameters
    ----------
    story : Story
        From `crmlab.story.tell`.
    tell : Interpreter
        Language of what the layout itself says.
    """
    return tuple(slide for scene in story.scenes for slide in _slides(scene, tell))


def _slides(scene: Scene, tell: Interpreter) -> list[Slide]:
    title_box = BOXES["cover_title" if scene.kind == "cover" else "title"]
    sizes = (40.0, 36.0, 32.0, 28.0) if scene.kind == "cover" else _TITLE_SIZES
    common = {
        "kind": scene.kind,
        "act": scene.act,
        "title": scene.title,
        "title_points": fitting_size([scene.title], title_box.w, title_box.h, sizes, bold=True) or sizes[-1],
        "source": scene.source,
        "notes": scene.notes,
        "is_appendix": scene.is_appendix,
    }
    if scene.kind == "table":
        return _table_slides(scene, common, tell)
    if scene.kind == "figure":
        size, texts = _fitted(scene.points, BOXES["points"], _POINT_SIZES, _BESIDE)
        place = picture_box(scene.figure)
        about = _cut_about(scene.figure.about)
        slide = Slide(texts=texts, text_points=size, figure=scene.figure, place=place, about=about, **common)
    else:
        box, sizes = (
            (BOXES["cover_text"], (20.0, 18.0, 16.0)) if scene.kind == "cover" else (BOXES["text"], _TEXT_SIZES)
        )
        size, texts = _fitted(scene.points, box, sizes)
        slide = Slide(texts=texts, text_points=size, **common)
    left = [point for point in scene.points if unbroken(point) not in slide.texts]
    return [replace(slide, notes=(*slide.notes, *(p for p in left if all(p not in note for note in slide.notes))))]


def _fitted(
    points: Sequence[str], box: Box, sizes: tuple[float, ...], inset: float = _INSET
) -> tuple[float, tuple[str, ...]]:
    """Take points from the first on as long as they fit; a point too long for the box by itself is passed over.

    A legible size comes before a further point: only where less than two fit is the size made smaller.
    """
    width, legible = box.w - inset, sizes[len(sizes) // 2]
    able = [unbroken(p) for p in points if height_inches([p], width, sizes[-1]) <= box.h][:_MOST_POINTS]
    taken: list[str] = []
    for size in (legible, sizes[-1]):
        taken = []
        for point in able:
            if height_inches([*taken, point], width, size, gap=GAP) > box.h:
                break
            taken.append(point)
        if len(taken) >= min(2, len(able)):
            break
    return fitting_size(taken, width, box.h, sizes, gap=GAP) or sizes[-1], tuple(taken)


def unbroken(text: str) -> str:
    """Keep a number and its unit on one line.

    >>> unbroken("EUR -5 of n = 9, 7.5 %").replace(chr(160), "_")
    'EUR_-5 of n_=_9, 7.5_%'
    """
    return re.sub(
        r"(?<=\d) (?=%|million\b|billion\b)|(?<=\b[A-Z]{3}) (?=-?\d)|(?<=\b[np]) (?== [\d.])|(?<=\b[np] =) (?=[\d.])",
        chr(160),
        text,
    )


def picture_box(figure: DrawnFigure) -> Box:
    """Give the place of a picture: as large as its shape lets it be, at the upper left of the room for it."""
    box, (width, height) = BOXES["figure"], figure.inches
    scale = min(box.w / width, box.h / height)
    return Box(box.x, box.y, width * scale, height * scale)


def about_box(slide: Slide) -> Box:
    """Give the place of a figure's second line: right under the picture."""
    usual = BOXES["about"]
    return replace(usual, y=slide.place.y + slide.place.h + _UNDER) if slide.place else usual


def _cut_about(about: str) -> str:
    """Keep the parts of a figure's second line that fit under it; the whole stands in the notes."""
    box = BOXES["about"]
    joint = "；" if "；" in about else "; "
    parts = about.split(joint)
    while parts and height_inches([joint.join(parts)], box.w, 10.0) > box.h:
        parts.pop()
    return joint.join(parts)


def _table_slides(scene: Scene, common: dict[str, object], tell: Interpreter) -> list[Slide]:
    grid, box = scene.table, BOXES["table"]
    smallest = _TABLE_SIZES[-1]
    for size in _TABLE_SIZES:
        laid = _laid(grid, size, box.w)
        if sum(laid.heights) <= box.h:
            return [Slide(texts=_under(scene.points), text_points=12.0, table=laid, **common)]
    pages, rest = [], list(grid.rows)
    while rest:
        taken = len(rest)
        while taken > 1 and sum(_laid(replace(grid, rows=tuple(rest[:taken])), smallest, box.w).heights) > box.h:
            taken -= 1
        pages.append(tuple(rest[:taken]))
        rest = rest[taken:]
    if not scene.is_appendix:
        dropped = len(grid.rows) - len(pages[0])
        more = tell(say("Further rows in the report: {rows}", rows=dropped))
        laid = _laid(replace(grid, rows=pages[0]), smallest, box.w)
        return [Slide(texts=(more,), text_points=12.0, table=laid, **common)]
    slides = []
    for number, rows in enumerate(pages, 1):
        laid = _laid(replace(grid, rows=rows), smallest, box.w)
        titled = {**common, "title": f"{scene.title} ({number}/{len(pages)})"}
        slides.append(Slide(texts=(), text_points=12.0, table=laid, **titled))
    return slides


def _under(points: tuple[str, ...]) -> tuple[str, ...]:
    box = BOXES["under"]
    return tuple(p for p in points[:1] if height_inches([p], box.w, 12.0) <= box.h)


def _laid(grid: Grid, size: float, room: float) -> LaidTable:
    """Share the width by what the columns need, so that the longest cells break into the fewest lines."""
    rows = (grid.headers, *grid.rows)
    columns = list(zip(*rows, strict=True))
    whole = [max(width_inches(t, size, True) for t in cells) + 2 * CELL_PAD + 0.05 for cells in columns]
    word = [max((width_inches(w, size, True) for t in cells for w in t.split()), default=0.0) + 2 * CELL_PAD + 0.05
            for cells in columns]  # fmt: skip
    laid = []
    for widths in _ways(whole, word, room):
        heights = [_row_height(row, widths, size, is_head=not number) for number, row in enumerate(rows)]
        laid.append(LaidTable(grid, tuple(widths), tuple(heights), size))
    return min(laid, key=lambda one: round(sum(one.heights), 3))


def _row_height(row: tuple[str, ...], widths: list[float], size: float, *, is_head: bool) -> float:
    most = max(lines(text, width - 2 * CELL_PAD, size, is_head) for text, width in zip(row, widths, strict=True))
    return most * LINE * size / 72 + ROW_PAD


def _ways(whole: list[float], word: list[float], room: float) -> list[list[float]]:
    """Give ways to share the width: every column its longest word, and more by what it wants."""
    if sum(whole) <= room:
        spare = (room - sum(whole)) / len(whole)
        return [[w + spare for w in whole]]
    least = [min(w, room / len(whole)) for w in word]
    wants = [max(0.0, w - m) for w, m in zip(whole, least, strict=True)]
    left = max(0.0, room - sum(least))
    ways = []
    for power in _POWERS:
        bent = [want**power if want > 0 else 0.0 for want in wants]
        portions = [left * one / (sum(bent) or 1.0) for one in bent]
        # what a column does not need goes to the others, in the same proportion
        spare = sum(max(0.0, p - w) for p, w in zip(portions, wants, strict=True))
        short = [max(0.0, w - p) for p, w in zip(portions, wants, strict=True)]
        given = [min(p, w) + spare * s / (sum(short) or 1.0) for p, w, s in zip(portions, wants, short, strict=True)]
        ways.append([m + g for m, g in zip(least, given, strict=True)])
    return ways
