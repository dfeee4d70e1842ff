"""A message of a catalogue as a pattern: the text it makes is recognised, and its fields are read back."""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["NUMBER", "VALUE", "Pattern", "pattern"]

NUMBER = r"[-+−±]?(?:\d[\d,]*(?:\.\d+)?|\.\d+|nan|inf)(?:e[-+]?\d+)?"
VALUE = rf"(?:[A-Z]{{3}} )?{NUMBER}(?: ?%)?(?: [a-z]+){{0,4}}|not known"
_NUMERIC = re.compile(r"[,.]?\d*[,_]?(?:\.\d+)?[defgn%]|,|[-+]?\d*,?(?:\.\d+)?[defgn%]")
_NUMBER = "#"
# What a field holds: by its format; or as a rule by its name, where the house gives it a kind of text.
_KINDS = {
    _NUMBER: re.compile(rf"{NUMBER}(?: ?%)?"),
    "day": re.compile(r"\d{4}-\d{2}(?:-\d{2})?|[A-Z][a-z]+ \d{4}|\d{1,2} [A-Z][a-z]+ \d{4}"),
    "count_text": re.compile(NUMBER),
    "share_text": re.compile(rf"{NUMBER} %|not known"),
    "short": re.compile(VALUE),
    "interval": re.compile(rf" ?\(?(?:{VALUE}) to (?:{VALUE})\)?|none|"),
    "text": re.compile(rf"(?:{VALUE})(?: \([^()]*\))?"),
}
_MOST_READINGS = 40  # of one text by one pattern: a guard against patterns of hardly any words
_WEAK = 10  # letters: a message of fewer explains a long text by chance
_BEGINNING = 4  # letters, unless it begins with so many
_FEW_WORDS = 5
_NO_BEGIN = re.compile(r"[,;:)]|\.(?!\d)")
_NEXT = ("", " ", ",", ";", ":", "(", ".", "?")  # how a field begins that stands right behind another
_SEVERAL = re.compile(r"[.!?] (?=[A-Z0-9])|; ")


@dataclass(frozen=True)
class Pattern:
    """What a message is made of.

    Parameters
    ----------
    parts : tuple of str
        Fixed texts: before, between and after the fields.
    fields : tuple of str
        Names, in the order of the message.
    kinds : tuple of str
        What each field holds: ``#`` (a number), ``short`` and the like; empty where it may be anything.
    """

    parts: tuple[str, ...]
    fields: tuple[str, ...]
    kinds: tuple[str, ...]

    @property
    def fixed(self) -> int:
        """Number of letters that are not in fields."""
        return sum(sign.isalpha() for part in self.parts for sign in part)

    def readings(self, text: str) -> Iterator[tuple[str, ...]]:
        """Give the ways in which a text may be this message: the texts of its fields.

        >>> list(pattern("{count:,} of {what}").readings("1,200 of them"))
        [('1,200', 'them')]
        """
        first, last = self.parts[0], self.parts[-1]
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return
        weak = self.fixed < _WEAK and sum(map(str.isalpha, first)) < _BEGINNING
        inner = text[len(first) : len(text) - len(last)]
        yield from itertools.islice(self._rest(inner, 0, weak), _MOST_READINGS)

    def _rest(self, text: str, field: int, weak: bool) -> Iterator[tuple[str, ...]]:
        if field == len(self.fields) - 1:
            if self._fits(text, field, weak):
                yield (text,)
            return
        part = self.parts[field + 1]
        start = text.find(part)
        while start >= 0:
            value = text[:start]
            if (part or text[start : start + 1] in _NEXT) and self._fits(value, field, weak):
                for others in self._rest(text[start + len(part) :], field + 1, weak):
                    yield (value, *others)
            start = text.find(part, start + 1)
            if not part and start > len(text):
                return

    def _fits(self, value: str, field: int, weak: bool) -> bool:
        """Tell whether a field can hold a text: of its kind, or else whole in its parentheses."""
        kind = self.kinds[field]
        if kind and _KINDS[kind].fullmatch(value):
            return True
        if kind == _NUMBER or value.count("(") != value.count(")") or (kind and _NO_BEGIN.match(value)):
            return False
        if kind in ("", "text") and (not weak or any(self.kinds)):
            return True
        return len(value.split()) <= _FEW_WORDS and not _SEVERAL.search(value)


def pattern(message: str) -> Pattern:
    """Read a message with fields in braces.

    >>> pattern("{count:,.0f} of {what}")
    Pattern(parts=('', ' of ', ''), fields=('count', 'what'), kinds=('#', ''))
    """
    parts, fields, kinds, fixed = [], [], [], ""
    for literal, name, spec, _ in string.Formatter().parse(message):
        fixed += literal
        if name is None:
            continue
        parts.append(fixed)
        fixed = ""
        fields.append(name)
        plain = re.sub(r"_\d+$", "", name)
        if spec and "%" in spec and not spec.endswith("%"):
            kinds.append("day")
        else:
            kinds.append(_NUMBER if spec and _NUMERIC.fullmatch(spec) else plain if plain in _KINDS else "")
    return Pattern((*parts, fixed), tuple(fields), tuple(kinds))
