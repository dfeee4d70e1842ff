"""The words of the house on a page of their own, and links to them from the pages of a run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from crmlab.language import Interpreter
from crmlab.language.chinese import CHINESE
from crmlab.language.messages import glossary_rows
from crmlab.reporting.markup import inline_html
from crmlab.reporting.results import write_whole

__all__ = ["GLOSSARY_PAGE", "Term", "link_terms", "read_glossary", "told_terms", "write_glossary"]

GLOSSARY_PAGE = "glossary.html"
# Prose is linked; headings, tables, code, links and captions are left as they are.
_PROSE = ("p", "li", "dd")
_LEFT_ALONE = ("a", "code", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "table", "figure", "header", "nav", "footer",
               "summary", "style", "svg", "strong")  # fmt: skip
_VOID = ("img", "br", "hr", "meta", "link", "input", "source", "col", "wbr")
_TAG = re.compile(r"(<[^>]*>)")
_LONGEST_TIP = 160
# Words of every day: explained in the glossary, but a link at each first "customer" would only be noise.
_EVERYDAY = frozenset({
    "account", "act", "active", "alarm", "assets", "attitude", "basis", "behaviour", "cell", "closing", "contact",
    "contract", "customer", "debt", "door", "earn", "effect", "estimate", "evidence", "fade", "family", "finding",
    "frequency", "gap", "headline", "held", "importance", "interaction", "interval", "item", "latent", "loading", "lot",
    "margin", "measure", "member", "model", "monetary", "none", "observation", "occasion", "opportunity", "outcome",
    "owner", "peers", "performance", "product", "question", "reason", "response", "rule", "run", "scene", "score",
    "segment", "service", "sign", "silence", "stage", "story", "suitable", "theme", "treatment", "true", "validation",
    "value", "wave", "weight",
})  # fmt: skip


@dataclass(frozen=True)
class Term:
    """One row of the glossary.

    Parameters
    ----------
    section : str
        Heading under which it stands.
    term : str
        As written in the first column, in Markdown.
    meaning : str
        As written in the second, in Markdown.
    place : str
        Name of its place on the page; empty: after the term.
    """

    section: str
    term: str
    meaning: str
    place: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What to look for in a text: each name of the term, without signs, units or code.

        >>> Term("", "reach, share of reach (`reach_share`)", "").words
        ('reach', 'share of reach')
        >>> Term("", "触达、触达占比（`reach_share`）", "").words
        ('触达', '触达占比')
        """
        plain = re.sub(r"\([^)]*\)|（[^）]*）|`[^`]*`", "", self.term)
        names = (" ".join(part.split()) for part in re.split(r"[,;/、，；]", plain))
        return tuple(name for name in names if len(name) > (1 if CHINESE.search(name) else 2))

    @property
    def anchor(self) -> str:
        """Name of its place on the page."""
        if self.place:
            return self.place
        name = re.sub(r"[^a-z0-9]+", "-", re.sub(r"[`()]", "", self.term.lower())).strip("-")
        return f"term-{name}"

    @property
    def tip(self) -> str:
        """The first sentence of the meaning, without marks, for a reader who points at the word."""
        plain = re.sub(r"[`*]|\[|\]\([^)]*\)", "", self.meaning)
        first = re.split(r"(?<=[.!?])\s|(?<=[。！？])", plain, maxsplit=1)[0]
        return first if len(first) <= _LONGEST_TIP else f"{first[: _LONGEST_TIP - 1].rsplit(' ', 1)[0]} ..."


def read_glossary(path: Path) -> tuple[Term, ...]:
    """Read the tables of a glossary in Markdown; none where there is no such file.

    Parameters
    ----------
    path : Path
        ``GLOSSARY.md``: second-level headings, under each a table of term and meaning.
    """
    try:
        return tuple(Term(*row) for row in glossary_rows(path.read_text(encoding="utf-8")))
    except OSError:
        return ()


def told_terms(terms: Iterable[Term], tell: Interpreter) -> tuple[Term, ...]:
    """Give the terms of a glossary in another language, to link them.

    Names are those of the told term, in the order of the English ones, without words of every day; places on the page
    stay those of the English terms.
    """
    told = []
    for one in terms:
        pairs = zip(one.words, Term("", tell(one.term), "").words, strict=False)
        names = [name for english, name in pairs if english.lower() not in _EVERYDAY]
        told.append(Term(tell(one.section), "; ".join(names), tell(one.meaning), one.anchor))
    return tuple(told)


def write_glossary(folder: Path, terms: Sequence[Term]) -> Path | None:
    """Write the glossary of a run beside its index; nothing where there are no terms."""
    from crmlab.reporting.page import environment

    if not terms:
        return None
    sections: dict[str, list[Term]] = {}
    for term in terms:
        sections.setdefault(term.section, []).append(term)
    path = folder / GLOSSARY_PAGE
    write_whole(path, environment().get_template("glossary.html.j2").render(sections=sections, inline=inline_html))
    return path


def link_terms(html: str, terms: Iterable[Term], *, address: str = f"../{GLOSSARY_PAGE}") -> str:
    """Link the first place in the prose of a page where each term stands to the glossary.

    Parameters
    ----------
    html : str
        A page of ours: well formed, with ``>`` escaped in attributes.
    terms : iterable of Term
        From `read_glossary`.
    address : str
        Where the glossary lies, seen from the page.

    Returns
    -------
    str
        The page. Longer names go first, so that "share of wallet" is not taken for "wallet"; a name stands for itself
        in small letters, with its first letter large, and with an s at its end. Words of every day are not linked.

    Examples
    --------
    >>> churn = Term("", "churn", "Leaving.")
    >>> link_terms("<h2>Churn</h2><p>Churn, churn</p>", [churn])
    '<h2>Churn</h2><p><a class="term" href="../glossary.html#term-churn" title="Leaving.">Churn</a>, churn</p>'
    """
    by_name = {name.lower(): term for term in terms for name in term.words if name.lower() not in _EVERYDAY}
    if not by_name:
        return html
    ordered = sorted(by_name, key=lambda name: (-len(name), name))
    # Chinese puts no space between words
    whole = [name if CHINESE.search(name) else rf"(?<![\w-]){re.escape(name)}(?:s?)(?![\w-])" for name in ordered]
    pattern = re.compile("|".join(whole), re.IGNORECASE)
    linked: set[str] = set()
    open_tags: list[str] = []

    def link(match: re.Match[str]) -> str:
        found = match[0].lower()
        term = by_name.get(found) or by_name[found.removesuffix("s")]
        if term.anchor in linked:
            return match[0]
        linked.add(term.anchor)
        return f'<a class="term" href="{address}#{term.anchor}" title="{escape(term.tip)}">{match[0]}</a>'

    parts = _TAG.split(html)
    for position, part in enumerate(parts):
        if part.startswith("<"):
            _follow(part, open_tags)
        elif part.strip() and _is_prose(open_tags):
            parts[position] = pattern.sub(link, part)
    return "".join(parts)


def _follow(tag: str, open_tags: list[str]) -> None:
    """Keep track of which elements are open."""
    name = re.match(r"</?([a-zA-Z0-9]+)", tag)
    if name is None or tag.endswith("/>") or name[1].lower() in _VOID:
        return
    if not tag.startswith("</"):
        open_tags.append(name[1].lower())
    elif name[1].lower() in open_tags:
        while open_tags.pop() != name[1].lower():
            pass


def _is_prose(open_tags: Sequence[str]) -> bool:
    return any(tag in _PROSE for tag in open_tags) and not any(tag in _LEFT_ALONE for tag in open_tags)
