"""Message catalogues: gettext's .po files, read as they are, so that nothing has to be compiled."""

from __future__ import annotations

import ast
import calendar
import datetime
import functools
import re
from pathlib import Path

from crmlab.errors import nearest, refuse

__all__ = ["FOLDER", "LANGUAGES", "catalogue", "day_text", "later", "parse_po", "say"]

LANGUAGES = {"en": "English", "zh": "中文"}
FOLDER = Path(__file__).parent
_LINE = re.compile(r'^(?:(msgid|msgstr)\s+)?(".*")\s*$')


@functools.cache
def catalogue(language: str) -> dict[str, str]:
    """Open the catalogue of a language: English wording -> wording; empty for English.

    >>> catalogue("zh")["Next steps"], catalogue("en")
    ('下一步', {})
    >>> catalogue("fr")
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: language 'fr' is not known. There are en, zh.
    """
    if language not in LANGUAGES:
        refuse(f"language {language!r} is not known. There are {', '.join(LANGUAGES)}.{nearest(language, LANGUAGES)}")
    texts: dict[str, str] = {}
    for path in sorted((FOLDER / language).glob("*.po")):
        texts |= parse_po(path.read_text(encoding="utf-8"))
    return texts


def say(text: str, **values: object) -> str:
    """Word a text around the findings, its fields filled; where it is shown, an interpreter tells it.

    >>> say("as of {day}", day="2025-12-31")
    'as of 2025-12-31'
    """
    return text.format(**values) if values else text


def later(text: str) -> str:
    """Mark a text that stands by itself, so that it is found and not forgotten."""
    return text


def day_text(iso: str) -> str:
    """Write a day as people do.

    >>> day_text("1998-12-31")
    '31 December 1998'
    """
    day = datetime.date.fromisoformat(iso)
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


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
