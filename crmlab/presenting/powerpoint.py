"""The deck as a PowerPoint file: native titles, texts, tables and notes, pictures with alt text."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from crmlab.errors import refuse
from crmlab.presenting.slides import BOXES, CELL_PAD, GAP, ROW_PAD, Box, LaidTable, Slide, about_box
from crmlab.presenting.theme import LAYOUTS, emu, themed_presentation

__all__ = ["deck_pptx"]

_ACT, _TEXT, _MAIN, _ABOUT, _SOURCE, _NUMBER = 10, 11, 12, 13, 14, 15
_ALWAYS_DATED = (1980, 1, 1, 0, 0, 0)  # the oldest date a zip can hold: two runs give the same file


def deck_pptx(slides: Sequence[Slide], *, title: str, as_of: str) -> bytes:
    """Give the deck as the bytes of a .pptx file.

    Parameters
    ----------
    slides : sequence of Slide
        From `crmlab.presenting.slides.lay_out`.
    title : str
        Title of the file.
    as_of : str
        Day of the data, ``YYYY-MM-DD``; the file is dated by it.
    """
    try:
        deck = themed_presentation()
    except ImportError:
        refuse("python-pptx is not installed, so no PowerPoint file can be written. pip install python-pptx.")
    layouts = dict(zip(LAYOUTS, deck.slide_layouts, strict=True))
    for slide in slides:
        _add(deck, layouts[slide.kind], slide)
    facts = deck.core_properties
    facts.title, facts.author, facts.last_modified_by, facts.keywords = title, "crmlab", "crmlab", ""
    facts.created = facts.modified = datetime.datetime.fromisoformat(as_of)
    facts.revision = 1
    whole = io.BytesIO()
    deck.save(whole)
    return _undated(whole)


def _add(deck: Any, layout: Any, slide: Slide) -> None:
    made = deck.slides.add_slide(layout)
    places = {place.placeholder_format.idx: place for place in made.placeholders}
    _write(places[0], [slide.title], slide.title_points, LAYOUTS[slide.kind][0][4])
    _write(places[_ACT], [slide.act], None, 0)
    text_size = next(place[4] for place in LAYOUTS[slide.kind] if place[0] == _TEXT)
    _write(places[_TEXT], slide.texts, slide.text_points, text_size)
    if _SOURCE in places:
        _write(places[_SOURCE], [slide.source] if slide.source else [], None, 0)
        _number(made, layout)
    if slide.figure is not None:
        _picture(places[_MAIN], slide)
        _write(places[_ABOUT], [slide.about] if slide.about else [], None, 0)
        if slide.about:
            _put(places[_ABOUT], about_box(slide))
    if slide.table is not None:
        _table(places[_MAIN], slide.table)
    made.notes_slide.notes_text_frame.text = "\n".join(slide.notes)


def _write(place: Any, texts: Sequence[str], points: float | None, usual: float) -> None:
    """Fill a placeholder, or take it away where there is nothing to say: an empty one would show its prompt."""
    from pptx.util import Pt

    if not texts:
        place._element.getparent().remove(place._element)
        return
    frame = place.text_frame
    for number, text in enumerate(texts):
        paragraph = frame.paragraphs[0] if number == 0 else frame.add_paragraph()
        run = paragraph.add_run()
        run.text = text
        if points and points != usual:
            run.font.size = Pt(points)
        if number:
            paragraph.space_before = Pt(GAP * (points or usual))


def _number(made: Any, layout: Any) -> None:
    """Show the slide's number; the library leaves that placeholder out."""
    found = next(p for p in layout.placeholders if p.placeholder_format.idx == _NUMBER)
    made.shapes._spTree.append(deepcopy(found._element))


def _picture(place: Any, slide: Slide) -> None:
    figure = slide.figure
    if not figure.pixels:
        place._element.getparent().remove(place._element)
        return
    picture = place.insert_picture(io.BytesIO(figure.pixels))
    picture.crop_left = picture.crop_right = picture.crop_top = picture.crop_bottom = 0
    _put(picture, slide.place)
    facts = picture._element.nvPicPr.cNvPr
    facts.set("descr", figure.alt)
    facts.set("name", f"Figure: {figure.name}")


def _put(shape: Any, box: Box) -> None:
    shape.left, shape.top, shape.width, shape.height = emu(box.x), emu(box.y), emu(box.w), emu(box.h)


def _table(place: Any, laid: LaidTable) -> None:
    rows = (laid.grid.headers, *laid.grid.rows)
    frame = place.insert_table(len(rows), len(laid.grid.headers))
    box = BOXES["table"]
    _put(frame, Box(box.x, box.y, sum(laid.widths), sum(laid.heights)))
    table = frame.table
    for column, width in zip(table.columns, laid.widths, strict=True):
        column.width = emu(width)
    for row, height in zip(table.rows, laid.heights, strict=True):
        row.height = emu(height)
    for number, texts in enumerate(rows):
        for position, text in enumerate(texts):
            _cell(table.cell(number, position), text, laid, position, is_head=number == 0, is_tinted=number % 2 == 0)


def _cell(cell: Any, text: str, laid: LaidTable, position: int, *, is_head: bool, is_tinted: bool) -> None:
    from pptx.enum.dml import MSO_THEME_COLOR
    from pptx.enum.text import PP_ALIGN
    from pptx.util import Pt

    cell.margin_left = cell.margin_right = emu(CELL_PAD)
    cell.margin_top = cell.margin_bottom = emu(ROW_PAD / 2)
    paragraph = cell.text_frame.paragraphs[0]
    run = paragraph.add_run()
    run.text, run.font.size, run.font.bold = text, Pt(laid.points), is_head
    run.font.color.theme_color = MSO_THEME_COLOR.BACKGROUND_1 if is_head else MSO_THEME_COLOR.TEXT_1
    cell.fill.solid()
    fill = (
        MSO_THEME_COLOR.TEXT_2
        if is_head
        else MSO_THEME_COLOR.BACKGROUND_2
        if is_tinted
        else MSO_THEME_COLOR.BACKGROUND_1
    )
    cell.fill.fore_color.theme_color = fill
    if laid.grid.numeric and laid.grid.numeric[position]:
        paragraph.alignment = PP_ALIGN.RIGHT


def _undated(whole: io.BytesIO) -> bytes:
    """Write the parts again with one fixed date."""
    result = io.BytesIO()
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = zipfile.ZipInfo(name, _ALWAYS_DATED)
            part.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(part, old.read(name))
    return result.getvalue()
