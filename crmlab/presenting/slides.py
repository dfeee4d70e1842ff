"""Scenes laid out as slides of 13.33 x 7.5 inches: what fits is shown, the rest goes to the speaker's notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crmlab.findings.reading import DrawnFigure
from crmlab.language import Catalogue
from crmlab.presenting.measure import fitting_size, height_inches, lines, width_inches
from crmlab.story import Scene, Story
from crmlab.story.scenes import Grid

__all__ = ["BOXES", "HEIGHT", "WIDTH", "Box", "LaidTable", "Slide", "lay_out"]

WIDTH, HEIGHT = 13.333, 7.5
_TITLE_SIZES = (26.0, 24.0, 22.0, 20.0, 18.0)
_POINT_SIZES = (16.0, 15.0, 14.0, 13.0, 12.0)
_TEXT_SIZES = (20.0, 18.0, 16.0, 15.0, 14.0, 13.0, 12.0)
_TABLE_SIZES = (14.0, 13.0, 12.0, 11.0, 10.0)
GAP = 0.55  # between paragraphs, in font sizes
CELL_PAD = 0.08  # on each side of a cell, inches
ROW_PAD = 0.11  # above and below a row's text together, inches
_INSET = 0.02  # PowerPoint's own margins are set to 0; a hair for rounding
_FEWEST_POINTS_WANTED = 3


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
    about: str = ""
    table: LaidTable | None = None
    notes: tuple[str, ...] = ()
    is_appendix: bool = False


def lay_out(story: Story, say: Catalogue) -> tuple[Slide, ...]:
    """Lay out every scene; a long table of the appendix takes several slides.

    Parameters
    ----------
    story : Story
        From `crmlab.story.tell`.
    say : Catalogue
        Language of what stands around the findings.
    """
    return tuple(slide for scene in story.scenes for slide in _slides(scene, say))


def _slides(scene: Scene, say: Catalogue) -> list[Slide]:
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
        return _table_slides(scene, common, say)
    if scene.kind == "figure":
        size, texts = _fitted(scene.points, BOXES["points"], _POINT_SIZES)
        about = _cut_about(scene.figure.about if scene.figure else "")
        slide = Slide(texts=texts, text_points=size, figure=scene.figure, about=about, **common)
    else:
        box, sizes = (BOXES["cover_text"], (20.0, 18.0, 16.0)) if scene.kind == "cover" else (BOXES["text"], _TEXT_SIZES)
        size, texts = _fitted(scene.points, box, sizes)
        slide = Slide(texts=texts, text_points=size, **common)
    left = [point for point in scene.points if point not in slide.texts]
    return [replace(slide, notes=(*slide.notes, *(p for p in left if all(p not in note for note in slide.notes))))]


def _fitted(points: Sequence[str], box: Box, sizes: tuple[float, ...]) -> tuple[float, tuple[str, ...]]:
    """Take points from the first on as long as they fit; a point too long for the box by itself is passed over."""
    smallest = sizes[-1]
    able = [p for p in points if height_inches([p], box.w - _INSET, smallest) <= box.h]
    whole = fitting_size(able, box.w - _INSET, box.h, sizes, gap=GAP) if able else sizes[0]
    if whole is not None:
        return whole, tuple(able)
    middle = sizes[len(sizes) // 2]
    for size in (middle, smallest):
        taken: list[str] = []
        for point in able:
            if height_inches([*taken, point], box.w - _INSET, size, gap=GAP) > box.h:
                break
            taken.append(point)
        if len(taken) >= _FEWEST_POINTS_WANTED or size == smallest:
            return fitting_size(taken, box.w - _INSET, box.h, sizes, gap=GAP) or size, tuple(taken)
    raise AssertionError


def _cut_about(about: str) -> str:
    """Keep the parts of a figure's second line that fit under it; the whole stands in the notes."""
    box, parts = BOXES["about"], about.split("; ")
    while parts and height_inches(["; ".join(parts)], box.w, 10.0) > box.h:
        parts.pop()
    return "; ".join(parts)


def _table_slides(scene: Scene, common: dict[str, object], say: Catalogue) -> list[Slide]:
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
        more = say("{rows} more rows are in the report", rows=dropped) + "."
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
    columns = [[header, *cells] for header, *cells in zip(grid.headers, *grid.rows, strict=True)]
    whole = [max(width_inches(t, size, True) for t in cells) + 2 * CELL_PAD + 0.05 for cells in columns]
    word = [max((width_inches(w, size, True) for t in cells for w in t.split()), default=0.0) + 2 * CELL_PAD + 0.05
            for cells in columns]  # fmt: skip
    widths = _shared(whole, word, room)
    heights = [
        max(lines(t, w - 2 * CELL_PAD, size, not number) for t, w in zip(row, widths, strict=True)) * 1.22 * size / 72
        + ROW_PAD
        for number, row in enumerate((grid.headers, *grid.rows))
    ]
    return LaidTable(grid, tuple(widths), tuple(heights), size)


def _shared(whole: list[float], word: list[float], room: float) -> list[float]:
    """Give narrow columns what they need and share the rest by the square root of what the others want."""
    if sum(whole) <= room:
        spare = (room - sum(whole)) / len(whole)
        return [w + spare for w in whole]
    least = [min(w, room / len(whole)) for w in word]
    wants = [max(0.0, w - m) ** 0.7 for w, m in zip(whole, least, strict=True)]
    left = max(0.0, room - sum(least))
    return [m + left * want / (sum(wants) or 1.0) for m, want in zip(least, wants, strict=True)]
