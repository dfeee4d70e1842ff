"""Pages of a run in another language: a finished page, with every text in it told.

A page is made once, in English. Here its texts are told block by block, its figures are exchanged for those drawn in
the language, and its links lead to pages of the same language. Numbers, tables' files and code stay as they are.

``python -m crmlab.reporting.translating RUN [QUESTION ...]`` lists what the Chinese catalogues cannot tell on the pages
of a run, with the parts that stay in English.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from crmlab.bank.engine import project_folder
from crmlab.findings.pictures import data_uri
from crmlab.findings.telling import teller
from crmlab.language import Interpreter
from crmlab.language.chinese import CHINESE
from crmlab.reporting.glossary import link_terms, read_glossary, told_terms
from crmlab.reporting.markup import NO_BREAK, unbroken
from crmlab.reporting.results import write_whole

__all__ = ["english_figures", "main", "page_in", "remove_translations", "told_html", "translate_run", "untold"]

_TAG = re.compile(r"(<[^>]*>)")
_INLINE = ("strong", "em", "code", "b", "i")  # as Markdown has them; they belong to the sentence that they stand in
_CUTTING = ("a", "br", "small", "span", "sub", "sup")  # what stands inside is a text of its own
_SILENT = ("style", "script", "pre", "svg")
_ATTRIBUTES = ("alt", "aria-label", "title")
_TERM_LINK = re.compile(r'<a class="term"[^>]*>(.*?)</a>', re.DOTALL)
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`"}
_EDGES = re.compile(r"^([\s.,;:!?()]*)(.*?)([\s,;:(]*)$", re.DOTALL)
_SIGNS = {
    ". ": "。",
    ".": "。",
    ", ": "，",
    "; ": "；",
    ": ": "：",
    " (": "（",
    ")": "）",
    "): ": "）：",
    "). ": "）。",
    ").": "）。",
}


def page_in(path: Path, language: str) -> Path:
    """Name the page of another language that stands beside a page.

    >>> page_in(Path("run/index.html"), "zh").as_posix(), page_in(Path("index.html"), "en").as_posix()
    ('run/index.zh.html', 'index.html')
    """
    return path if language == "en" else path.with_name(f"{path.stem}.{language}{path.suffix}")


def translate_run(folder: Path, language: str) -> list[Path]:
    """Write every page of a run in another language, beside the English one.

    Parameters
    ----------
    folder : Path
        Of a run whose pages are written.
    language : str
        ``zh``.

    Returns
    -------
    list of Path
        The pages.
    """
    tell = teller(language)
    terms = told_terms(read_glossary(project_folder() / "GLOSSARY.md"), tell)
    written = []
    for path in _pages(folder):
        text = path.read_text(encoding="utf-8")
        text = told_html(text, tell, _pictures(path.parent, language))
        if path.parent != folder:
            text = link_terms(text, terms, address=f"../glossary.{language}.html")
        target = page_in(path, language)
        write_whole(target, text)
        written.append(target)
    return written


def remove_translations(folder: Path, language: str) -> None:
    """Take away pages that an earlier run wrote in another language and that would no longer be true."""
    for path in (*folder.glob(f"*.{language}.html"), *folder.glob(f"*/*.{language}.html")):
        path.unlink()


def english_figures(folder: Path, language: str) -> list[str]:
    """Name the questions of a run that have figures which were not drawn in a language."""
    found = []
    for path in sorted(folder.glob("*/findings.json")):
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
        if any(language not in figure.get("languages", {}) for figure in figures):
            found.append(path.parent.name)
    return found


def _pages(folder: Path) -> list[Path]:
    pages = [*folder.glob("*.html"), *(path for path in folder.glob("*/*.html") if path.stem == path.parent.name)]
    return sorted(path for path in pages if "." not in path.stem)


def _pictures(folder: Path, language: str) -> dict[str, str]:
    """Pair the addresses of a question's figures with those of the language."""
    try:
        figures = json.loads((folder / "findings.json").read_text(encoding="utf-8"))["figures"]
    except (OSError, ValueError, KeyError):
        return {}
    pairs = {}
    for figure in figures:
        other = figure.get("languages", {}).get(language)
        if other:
            pairs[_address(folder / figure["file"])] = _address(folder / other["file"])
    return pairs


def _address(path: Path) -> str:
    return data_uri(path.read_bytes(), path.suffix[1:])


def untold(folder: Path, tell: Interpreter, questions: Sequence[str] = ()) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name the texts of a run's pages that cannot be told whole: text -> page, and the parts that stay."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for path in _pages(folder):
        if questions and not any(path.stem.startswith(start) for start in questions):
            continue
        told_html(path.read_text(encoding="utf-8"), tell,
                  watch=lambda text, left, page=path.stem: found.setdefault(text, (page, tuple(left))))  # fmt: skip
    return found


def told_html(page: str, tell: Interpreter, pictures: Mapping[str, str] | None = None,
              watch: Callable[[str, Sequence[str]], None] | None = None) -> str:  # fmt: skip
    """Tell the texts of a page of ours.

    Parameters
    ----------
    page : str
        Well formed, with ``>`` escaped in attributes.
    tell : Interpreter
        The language.
    pictures : mapping of str to str, optional
        Address of a figure -> address of the one drawn in the language.
    watch : callable, optional
        Called with each text that cannot be told whole, and the parts that stay.

    Examples
    --------
    >>> told_html("<p><strong>Data</strong></p><td>4.2 %</td>", teller("zh"))
    '<p><strong>数据</strong></p><td>4.2 %</td>'
    """
    teller_of = _Told(tell, watch)
    page = _TERM_LINK.sub(r"\1", page)
    own = f'<a href="index.{tell.language}.html" hreflang="{tell.language}" lang="{tell.language}">[^<]*</a>'
    page = re.sub(own, '<a href="index.html#" hreflang="en" lang="en">English</a>', page)
    pieces, silent, run = [], "", []

    def close() -> None:
        if run:
            pieces.append(teller_of.block(run))
            run.clear()

    for token in _TAG.split(page):
        if not token:
            continue
        name = _name(token) if token.startswith("<") else ""
        if silent:
            pieces.append(token)
            silent = "" if name == silent and token.startswith("</") else silent
        elif name in _SILENT and not token.startswith("</") and not (name == "code" and run):
            close()
            pieces.append(token)
            silent = name
        elif not name or name in _INLINE or name in _CUTTING:
            run.append(token)
        else:
            close()
            pieces.append(teller_of.tag(token, pictures or {}))
    close()
    return "".join(pieces)


def _name(tag: str) -> str:
    found = re.match(r"</?([a-zA-Z0-9]+)", tag)
    return found[1].lower() if found else "!"


def _marked(text: str) -> str:
    """Turn marks of strong, emphasis and code into HTML; Markdown's own rules want spaces, which Chinese has not.

    >>> _marked("**数据。**它来自 `bank.yml` <b>")
    '<strong>数据。</strong>它来自 <code>bank.yml</code> &lt;b&gt;'
    """
    text = html.escape(text, quote=False)
    for mark, name in ((r"\*\*", "strong"), (r"\*", "em"), ("`", "code")):
        text = re.sub(rf"{mark}(.+?){mark}", rf"<{name}>\1</{name}>", text)
    return text


class _Told:
    """Tells texts and attributes of a page."""

    def __init__(self, tell: Interpreter, watch: Callable[[str, Sequence[str]], None] | None) -> None:
        self._tell, self._watch = tell, watch

    def text(self, text: str) -> str:
        """Tell one plain text, its edges of spaces and signs apart."""
        before, inner, after = _EDGES.match(text).groups() if text.strip() else (text, "", "")
        if not inner:
            return _SIGNS.get(text, text)
        is_held = NO_BREAK in inner  # a number to its unit; a wording has plain spaces
        inner = inner.replace(NO_BREAK, " ")
        if self._watch and (left := self._tell.left(inner)):
            self._watch(inner, left)
        told = unbroken(self._tell(inner)) if is_held else self._tell(inner)
        if CHINESE.search(told):  # Chinese puts no space between words
            before, after = ("" if edge == " " else edge for edge in (before, after))
        return _SIGNS.get(before, before) + told + _SIGNS.get(after, after)

    def block(self, run: Sequence[str]) -> str:
        """Tell what stands between two block tags: cut at links and small print, else as one text with its marks."""
        told, part = [], []
        for token in run:
            if token.startswith("<") and _name(token) in _CUTTING:
                told += [self._part(part), self.tag(token, {})]
                part = []
            else:
                part.append(token)
        return "".join([*told, self._part(part)])

    def _part(self, part: Sequence[str]) -> str:
        has_marks = any(token.startswith("<") for token in part)
        if not has_marks:
            return html.escape(self.text(html.unescape("".join(part))), quote=False) if part else ""
        marked = "".join(_MARKS[_name(t)] if t.startswith("<") else html.unescape(t) for t in part)
        bare = marked.strip()
        if re.fullmatch(r"`[^`]*`", bare):
            return "".join(part)
        before, after = marked[: len(marked) - len(marked.lstrip())], marked[len(marked.rstrip()) :]
        told = self.text(bare)
        if CHINESE.search(told):
            before, after = ("" if edge == " " else edge for edge in (before, after))
        return before + _marked(told) + after

    def tag(self, tag: str, pictures: Mapping[str, str]) -> str:
        """Tell a tag's texts for those who cannot see, lead its link to the same language, exchange its picture."""
        language = self._tell.language
        if tag.startswith("<html"):
            return tag.replace('lang="en"', f'lang="{language}"')
        tag = re.sub(r'(href="(?!presentation/)(?:\.\./)?(?:[\w-]+/)?[\w-]+)\.html', rf"\1.{language}.html", tag)
        if tag.startswith("<img"):
            source = re.search(r'src="([^"]*)"', tag)
            if source and source[1] in pictures:
                tag = tag.replace(source[1], pictures[source[1]])
        for name in _ATTRIBUTES:
            found = re.search(rf'\b{name}="([^"]*)"', tag)
            if found and found[1].strip():
                said = html.escape(self.text(html.unescape(found[1])))
                tag = f"{tag[: found.start(1)]}{said}{tag[found.end(1) :]}"
        return tag


def main(run: str, *questions: str) -> int:
    """Print what cannot be told; give 1 if there is anything."""
    tell = teller("zh")
    found = untold(Path(run), tell, questions)
    for text, (page, left) in found.items():
        print(f"[{page}] {text}\n    stays: {' | '.join(left)}\n    told:  {tell(text)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
