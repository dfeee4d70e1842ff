"""The house theme of the PowerPoint file: 16:9, our colours and faces, layouts with placeholders people can edit."""

from __future__ import annotations

import re
from typing import Any

from crmlab.presenting.slides import BOXES, HEIGHT, WIDTH, Box

__all__ = ["LAYOUTS", "emu", "themed_presentation"]

_EMU = 914_400
_FIELD = "{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}"  # any id; PowerPoint wants one
_COLOURS = {
    "dk1": "1F2A33", "lt1": "FFFFFF", "dk2": "0B4F7A", "lt2": "F3F7FA", "accent1": "0B4F7A", "accent2": "D97A28",
    "accent3": "5AA0A8", "accent4": "7B2D43", "accent5": "8D8D5B", "accent6": "B8C2CC", "hlink": "0B4F7A",
    "folHlink": "5C6873",
}  # fmt: skip
_LATIN, _CJK = "Arial", "Microsoft YaHei"
_NAMESPACES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
)

# layout -> its placeholders: (index, kind, name, box, points, colour, bold, prompt)
LAYOUTS: dict[str, tuple[tuple[Any, ...], ...]] = {
    "cover": (
        (0, "ctrTitle", "Title", "cover_title", 40, "bg1", True, "Title"),
        (10, "body", "Act", "act", 12, "bg1", True, "Part"),
        (11, "body", "Text", "cover_text", 20, "bg1", False, "Text"),
    ),
    "figure": (
        (0, "title", "Title", "title", 26, "tx1", True, "The message"),
        (10, "body", "Act", "act", 12, "tx2", True, "Part"),
        (11, "body", "Text", "points", 16, "tx1", False, "What it says"),
        (12, "pic", "Figure", "figure", 12, "tx1", False, "Figure"),
        (13, "body", "About the figure", "about", 10, "soft", False, "Measure, unit, population"),
        (14, "body", "Source", "source", 9, "soft", False, "Source, date, n, interval"),
        (15, "sldNum", "Slide number", "number", 9, "soft", False, "‹#›"),
    ),
    "table": (
        (0, "title", "Title", "title", 26, "tx1", True, "The message"),
        (10, "body", "Act", "act", 12, "tx2", True, "Part"),
        (11, "body", "Text", "under", 12, "tx1", False, "What it says"),
        (12, "tbl", "Table", "table", 12, "tx1", False, "Table"),
        (14, "body", "Source", "source", 9, "soft", False, "Source, date, n, interval"),
        (15, "sldNum", "Slide number", "number", 9, "soft", False, "‹#›"),
    ),
    "text": (
        (0, "title", "Title", "title", 26, "tx1", True, "The message"),
        (10, "body", "Act", "act", 12, "tx2", True, "Part"),
        (11, "body", "Text", "text", 20, "tx1", False, "What it says"),
        (14, "body", "Source", "source", 9, "soft", False, "Source, date, n, interval"),
        (15, "sldNum", "Slide number", "number", 9, "soft", False, "‹#›"),
    ),
}


def emu(inches: float) -> int:
    """Turn inches into the file's units.

    >>> emu(1.0)
    914400
    """
    return round(inches * _EMU)


def themed_presentation() -> Any:
    """Make an empty presentation with the house theme and the four layouts of `LAYOUTS`, in their order."""
    from pptx import Presentation

    deck = Presentation()
    deck.slide_width, deck.slide_height = emu(WIDTH), emu(HEIGHT)
    layouts = list(deck.slide_layouts)
    for layout in layouts[len(LAYOUTS) :]:
        deck.slide_layouts.remove(layout)
    _dress_theme(deck.slide_master)
    _dress_master(deck.slide_master)
    for layout, (name, places) in zip(layouts, LAYOUTS.items(), strict=False):
        _dress_layout(layout, name, places)
    return deck


def _dress_theme(master: Any) -> None:
    from pptx.opc.constants import RELATIONSHIP_TYPE

    part = master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    xml = part.blob.decode("utf-8")
    colours = "".join(f'<a:{name}><a:srgbClr val="{value}"/></a:{name}>' for name, value in _COLOURS.items())
    scheme = f'<a:clrScheme name="crmlab">{colours}</a:clrScheme>'
    xml = re.sub(r"<a:clrScheme.*?</a:clrScheme>", scheme, xml, flags=re.DOTALL)
    faces = f'<a:latin typeface="{_LATIN}"/><a:ea typeface="{_CJK}"/><a:cs typeface=""/>'
    fonts = f"<a:majorFont>{faces}</a:majorFont><a:minorFont>{faces}</a:minorFont>"
    xml = re.sub(
        r"<a:fontScheme.*?</a:fontScheme>", f'<a:fontScheme name="crmlab">{fonts}</a:fontScheme>', xml, flags=re.DOTALL
    )
    part._blob = xml.encode("utf-8")  # the library has no other way to a theme


def _dress_master(master: Any) -> None:
    places = [(0, "title", "Title", "title", 26, "tx1", True, "The message"),
              (1, "body", "Text", "text", 16, "tx1", False, "Text")]  # fmt: skip
    _replace_shapes(master, places)


def _dress_layout(layout: Any, name: str, places: tuple[tuple[Any, ...], ...]) -> None:
    from pptx.oxml import parse_xml

    element = layout._element
    element.attrib.pop("type", None)
    element.cSld.set("name", f"crmlab {name}")
    _replace_shapes(layout, places)
    if name == "cover":
        fill = '<a:solidFill><a:schemeClr val="tx2"/></a:solidFill><a:effectLst/>'
        element.cSld.insert(0, parse_xml(f"<p:bg {_NAMESPACES}><p:bgPr>{fill}</p:bgPr></p:bg>"))
        _draw_bar(layout, Box(0.9, 1.83, 1.25, 0.06), "accent2")
    elif name == "figure":
        _draw_bar(layout, Box(8.5, 1.78, 0.03, 4.5), "accent2")
    if name != "cover":
        _draw_bar(layout, Box(0.6, 6.9, 12.13, 0.01), "accent6")


def _replace_shapes(owner: Any, places: Any) -> None:
    from pptx.oxml import parse_xml

    tree = owner.shapes._spTree
    for shape in list(owner.shapes):
        tree.remove(shape._element)
    for number, place in enumerate(places, 2):
        tree.append(parse_xml(_placeholder(number, *place)))


def _placeholder(
    number: int, index: int, kind: str, name: str, box: str, points: float, colour: str, bold: bool, prompt: str
) -> str:
    where = BOXES[box]
    fill = '<a:srgbClr val="5C6873"/>' if colour == "soft" else f'<a:schemeClr val="{colour}"/>'
    place = f'<a:off x="{emu(where.x)}" y="{emu(where.y)}"/><a:ext cx="{emu(where.w)}" cy="{emu(where.h)}"/>'
    run = (
        f'<a:defRPr sz="{round(points * 100)}" b="{int(bold)}"><a:solidFill>{fill}</a:solidFill>'
        '<a:latin typeface="+mn-lt"/><a:ea typeface="+mn-ea"/></a:defRPr>'
    )
    gap = '<a:spcBef><a:spcPct val="0"/></a:spcBef>'
    align = ' algn="r"' if kind == "sldNum" else ' algn="l"'
    style = f'<a:lvl1pPr marL="0" indent="0"{align}>{gap}<a:buNone/>{run}</a:lvl1pPr>'
    said = f'<a:rPr lang="en-GB"/><a:t>{prompt}</a:t>'
    inside = f'<a:fld id="{_FIELD}" type="slidenum">{said}</a:fld>' if kind == "sldNum" else f"<a:r>{said}</a:r>"
    known = f'type="{kind}" idx="{index}"' if index else f'type="{kind}"'
    return (
        f'<p:sp {_NAMESPACES}><p:nvSpPr><p:cNvPr id="{number}" name="{name}"/>'
        f'<p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr><p:ph {known}/></p:nvPr></p:nvSpPr>'
        f'<p:spPr><a:xfrm>{place}</a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr>'
        f'<p:txBody><a:bodyPr lIns="0" tIns="0" rIns="0" bIns="0"><a:normAutofit/></a:bodyPr>'
        f"<a:lstStyle>{style}</a:lstStyle><a:p>{inside}</a:p></p:txBody></p:sp>"
    )


def _draw_bar(layout: Any, box: Box, colour: str) -> None:
    from pptx.oxml import parse_xml

    tree = layout.shapes._spTree
    place = f'<a:off x="{emu(box.x)}" y="{emu(box.y)}"/><a:ext cx="{emu(box.w)}" cy="{emu(box.h)}"/>'
    tree.append(
        parse_xml(
            f'<p:sp {_NAMESPACES}><p:nvSpPr><p:cNvPr id="{90 + len(tree)}" name="Bar"/><p:cNvSpPr/>'
            f'<p:nvPr userDrawn="1"/></p:nvSpPr><p:spPr><a:xfrm>{place}</a:xfrm>'
            '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
            f'<a:solidFill><a:schemeClr val="{colour}"/></a:solidFill><a:ln><a:noFill/></a:ln></p:spPr></p:sp>'
        )
    )
