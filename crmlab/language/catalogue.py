"""Message catalogues: gettext's .po files, read as they are, so that nothing has to be compiled."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crmlab.errors import nearest, refuse

__all__ = ["FOLDER", "LANGUAGES", "Catalogue", "catalogue", "later", "parse_po"]

LANGUAGES = {"en": "English", "zh": "中文"}
FOLDER = Path(__file__).parent
_LINE = re.compile(r'^(?:(msgid|msgstr)\s+)?(".*")\s*$')


@dataclass(frozen=True)
class Catalogue:
    """Texts of one language, by their English text.

    Parameters
    ----------
    language : str
        ``en`` or ``zh``.
    texts : mapping of str to str
        English text -> text; empty for English.

    Examples
    --------
    >>> chinese = Catalogue("zh", {"As of {day}": "截至 {day}"})
    >>> chinese("As of {day}", day="2025-12-31"), chinese("Not there yet")
    ('截至 2025-12-31', 'Not there yet')
    """

    language: str = "en"
    texts: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, text: str, **values: object) -> str:
        """Give a text in this language, its fields filled; English where there is no translation."""
        said = self.texts.get(text) or text
        return said.format(**values) if values else said

    def day(self, iso: str) -> str:
        """Write a day as people do.

        >>> Catalogue().day("2025-12-31"), Catalogue("zh").day("2025-12-31")
        ('31 December 2025', '2025年12月31日')
        """
        import calendar

        year, month, day = map(int, iso.split("-"))
        return f"{year}年{month}月{day}日" if self.language == "zh" else f"{day} {calendar.month_name[month]} {year}"


@functools.cache
def catalogue(language: str) -> Catalogue:
    """Open the catalogue of a language.

    >>> catalogue("fr")
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: language 'fr' is not known. There are en, zh.
    """
    if language not in LANGUAGES:
        refuse(f"language {language!r} is not known. There are {', '.join(LANGUAGES)}.{nearest(language, LANGUAGES)}")
    texts: dict[str, str] = {}
    for path in sorted((FOLDER / language).glob("*.po")):
        texts |= parse_po(path.read_text(encoding="utf-8"))
    return Catalogue(language, texts)


def later(text: str) -> str:
    """Mark a text that a catalogue translates where it is shown, so that it is found and not forgotten."""
    return text


def parse_po(text: str, *, empty: bool = False) -> dict[str, str]:
    r"""Read the pairs of a .po file; its head and fuzzy entries are left out, and so are empty ones unless asked for.

    >>> parse_po('msgid ""\nmsgstr "Language: zh\\n"\n\nmsgid "Next "\n"steps"\nmsgstr "下一步"\n')
    {'Next steps': '下一步'}
    """
    found: dict[str, str] = {}
    for block in re.split(r"\n\s*\n", text):
        if "#, fuzzy" in block:
            continue
        parts, part = {"msgid": "", "msgstr": ""}, ""
        for line in block.splitlines():
            if match := _LINE.match(line):
                part = match[1] or part
                parts[part] += ast.literal_eval(match[2])
        if parts["msgid"] and (parts["msgstr"] or empty):
            found[parts["msgid"]] = parts["msgstr"]
    return found
