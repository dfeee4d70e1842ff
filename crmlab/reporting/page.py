"""The report page of one question: one file, answer first, no request to any network."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crmlab.bank.engine import project_folder
from crmlab.errors import refuse
from crmlab.findings.pictures import data_uri
from crmlab.findings.privacy import personal_columns
from crmlab.language import day_text
from crmlab.reporting.downloads import csv_address, workbook_address
from crmlab.reporting.glossary import link_terms, read_glossary
from crmlab.reporting.markup import Headings, cell_html, code_html, inline_html, markdown_html, plain_table_html
from crmlab.reporting.results import write_whole

__all__ = ["environment", "write_page"]

_ROWS_SHOWN = 10
_NUMBERS_SHOWN = 6  # more would push the evidence off the first screen; the rest is folded
_LONG_TEXT = 14  # signs from which a text column gets room, so that it does not break at every word
# Where a notebook's sections stand on the page; sections of other names stay with the evidence, in their order.
_PLACES = {"answer": 0, "data": 3, "method": 4, "limits": 5, "setup": 6, "set-up": 6, "findings": 7}
_EVIDENCE = 1
_ONLY_RECORDS = re.compile(r"\s*findings\.record\(\)\s*")


@functools.cache
def environment() -> Any:
    """Give the template engine: everything is escaped unless it was made here."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["inline"] = inline_html
    made.filters["cell"] = cell_html
    made.filters["day"] = day_text
    made.globals["style"] = (Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    return made


def write_page(folder: Path, about: dict[str, Any]) -> Path:
    """Make the page from an executed notebook and its findings.

    Parameters
    ----------
    folder : Path
        Holds ``notebook.ipynb``, ``findings.json`` and ``figures/``; the page goes beside them.
    about : dict
        ``name``, ``question``, ``decision``, ``owner``, ``parameters``, ``facts``.

    Returns
    -------
    Path
        ``<name>.html``.
    """
    findings = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    cells = json.loads((folder / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    sections = _sections(cells, _Blocks(folder, findings), Headings())
    terms = read_glossary(project_folder() / "GLOSSARY.md")
    html = (
        environment()
        .get_template("page.html.j2")
        .render(
            about=about,
            findings=findings,
            sections=sections,
            facts=about["facts"],
            shown=_NUMBERS_SHOWN,
            workbook=workbook_address(findings["tables"], findings["numbers"]) if findings["tables"] else "",
            has_glossary=bool(terms),
        )
    )
    html = link_terms(html, terms)
    path = folder / f"{about['name']}.html"
    write_whole(path, html)
    return path


def _sections(cells: list[dict[str, Any]], blocks: _Blocks, headings: Headings) -> dict[str, Any]:
    """Cut the notebook at its second-level headings and put the parts in the page's order."""
    for taken in ("answer", "not-answered", "about-this-run"):
        headings.anchor(taken)
    parts: list[dict[str, Any]] = [{"title": "", "place": _EVIDENCE, "blocks": [], "inner": []}]
    lead = ""
    for number, cell in enumerate(cells):
        text = "".join(cell["source"])
        tags = cell.get("metadata", {}).get("tags", [])
        if _is_title(text, cell):
            lead = lead or _lead(text)
            continue
        if "parameters" in tags or "injected-parameters" in tags:
            continue  # the footer lists every parameter with its value
        if cell["cell_type"] == "markdown":
            for title, level, body in _split(text):
                if level == 2:
                    place = _PLACES.get(title.lower().split(":")[0].strip(), _EVIDENCE)
                    parts.append({"title": title, "place": place, "blocks": [], "inner": []})
                elif title:
                    inner = {"kind": "heading", "text": title, "anchor": headings.anchor(title)}
                    parts[-1]["inner"].append(inner)
                    parts[-1]["blocks"].append(inner)
                if body.strip():
                    parts[-1]["blocks"].append({"kind": "markdown", "html": markdown_html(body)})
        elif cell["cell_type"] == "code" and not _ONLY_RECORDS.fullmatch(text):
            parts[-1]["blocks"] += blocks.of(cell, number)
    for part in parts:
        part["blocks"] = _joined(part["blocks"])
    full = [part for part in parts if part["blocks"]]
    for part in full:
        if not part["title"]:
            part["title"], part["place"] = "Set-up", _PLACES["set-up"]
        part["only_code"] = all(block["kind"] == "code" for block in part["blocks"])
        part["anchor"] = headings.anchor(part["title"]) if part["place"] else "answer"
    ordered = sorted(full, key=lambda part: part["place"])
    return {
        "lead": lead,
        # the sentences stand on top; prose that leads to them in the notebook would only repeat that
        "answer": [b for part in ordered if part["place"] == 0 for b in part["blocks"] if b["kind"] != "markdown"],
        "evidence": [part for part in ordered if part["place"] == _EVIDENCE],
        "rest": [part for part in ordered if part["place"] > _EVIDENCE],
    }


def _joined(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fold the code of neighbouring cells together."""
    joined: list[dict[str, Any]] = []
    for block in blocks:
        if block["kind"] == "code" and joined and joined[-1]["kind"] == "code":
            joined[-1] = {"kind": "code", "html": joined[-1]["html"] + block["html"]}
        else:
            joined.append(block)
    return joined


def _is_title(text: str, cell: dict[str, Any]) -> bool:
    return cell["cell_type"] == "markdown" and bool(re.match(r"#\s", text))


def _lead(text: str) -> str:
    """Give the prose of the title cell: what is neither the question nor one of its fields."""
    lines = [line for line in text.splitlines() if not re.match(r"#|\s*\*\*(Decision|Owner|Reads|Writes)\b", line)]
    return markdown_html("\n".join(lines)) if "".join(lines).strip() else ""


def _split(text: str) -> Iterator[tuple[str, int, str]]:
    """Cut Markdown at its headings, leaving those inside code fences alone."""
    title, level, body, fenced = "", 0, [], False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else re.match(r"(#{2,6})\s+(.+?)\s*#*$", line)
        if heading:
            if title or "".join(body).strip():
                yield title, level, "\n".join(body)
            title, level, body = heading[2], len(heading[1]), []
        else:
            body.append(line)
    yield title, level, "\n".join(body)


class _Blocks:
    """Turns a cell and what it displayed into blocks of the page."""

    def __init__(self, folder: Path, findings: dict[str, Any]) -> None:
        self._folder = folder
        self._findings = findings
        self._named = {
            kind: {entry["name"]: entry for entry in findings[f"{kind}s"]} for kind in ("figure", "table")
        } | {
            "actions": {entry["name"]: entry for entry in findings["actions"]},
            "model": {entry["name"]: entry for entry in findings.get("models", [])},
        }

    def of(self, cell: dict[str, Any], number: int) -> list[dict[str, Any]]:
        """Give the blocks of a code cell: what it showed, then its code, folded."""
        shown = [self._shown(output, number) for output in cell.get("outputs", [])]
        blocks = [block for block in shown if block]
        source = "".join(cell["source"]).strip()
        return [*blocks, {"kind": "code", "html": [code_html(source)]}] if source else blocks

    def _shown(self, output: dict[str, Any], number: int) -> dict[str, Any] | None:
        if output["output_type"] not in ("display_data", "execute_result"):
            return None  # streams: chatter of libraries, and nothing to read
        mark, data = output.get("metadata", {}).get("crmlab"), output["data"]
        if mark:
            return self._finding(mark["kind"], mark["name"])
        if any(kind.startswith("image/") for kind in data):
            refuse(
                f"cell {number + 1} shows a figure that findings does not know, so it has no alt text. "
                "Hand it on: findings.figure(name, axes, alt=...)."
            )
        if "text/html" in data:
            html, headers = plain_table_html("".join(data["text/html"]))
            if personal := personal_columns(headers):
                refuse(
                    f"cell {number + 1} shows a table with {', '.join(personal)}. "
                    "A page shows groups only; give the list to findings.actions."
                )
            return {"kind": "shown", "html": html} if html else None
        if "text/markdown" in data:
            return {"kind": "markdown", "html": markdown_html("".join(data["text/markdown"]))}
        return None

    def _finding(self, kind: str, name: str) -> dict[str, Any] | None:
        if kind == "figure":
            entry = self._named["figure"][name]
            content = (self._folder / entry["file"]).read_bytes()
            return {"kind": "figure", **entry, "address": data_uri(content, entry["file"].rpartition(".")[2])}
        if kind == "table":
            entry = self._named["table"][name]
            more = max(0, len(entry["texts"]) - _ROWS_SHOWN)
            wide = [any(len(text) > _LONG_TEXT for text in column) for column in zip(*entry["texts"], strict=True)]
            return {"kind": "table", **entry, "texts": entry["texts"][:_ROWS_SHOWN], "more": more, "wide": wide,
                    "csv": csv_address(entry)}  # fmt: skip
        if kind == "note":
            return {"kind": "note", "text": self._findings["notes"][int(name)]}
        if kind in ("actions", "model"):
            return {"kind": kind, **self._named[kind][name]}
        if kind == "gap":
            return {"kind": "gap", **self._findings["gaps"][int(name)]}
        return None  # numbers and answers have a place of their own
