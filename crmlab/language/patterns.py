"""A message of a catalogue as a pattern: the text it makes is recognised, and its fields are read back."""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["NUMBER", "Pattern", "pattern"]

NUMBER = r"[-+−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+|nan|inf)(?:e[-+]?\d+)?"
_IS_NUMBER = re.compile(rf"{NUMBER}(?: ?%)?")
_NUMERIC = re.compile(r"[,.]?\d*[,_]?(?:\.\d+)?[defgn%]|,|[-+]?\d*,?(?:\.\d+)?[defgn%]")
_MOST_READINGS = 60  # of one text by one pattern: a guard against patterns of hardly any words


@dataclass(frozen=True)
class Pattern:
    """What a message is made of.

    Parameters
    ----------
    parts : tuple of str
        Fixed texts: before, between and after the fields.
    fields : tuple of str
        Names, in the order of the message.
    numeric : tuple of bool
        Fields that hold a number, as their format says.
    """

    parts: tuple[str, ...]
    fields: tuple[str, ...]
    numeric: tuple[bool, ...]

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
        yield from itertools.islice(self._rest(text[len(first) : len(text) - len(last)], 0), _MOST_READINGS)

    def _rest(self, text: str, field: int) -> Iterator[tuple[str, ...]]:
        if field == len(self.fields) - 1:
            if self._fits(text, field):
                yield (text,)
            return
        part = self.parts[field + 1]
        start = text.find(part)
        while start >= 0:
            value = text[:start]
            if self._fits(value, field):
                for others in self._rest(text[start + len(part) :], field + 1):
                    yield (value, *others)
            start = text.find(part, start + 1)
            if not part and start > len(text):
                return

    def _fits(self, value: str, field: int) -> bool:
        return not self.numeric[field] or bool(_IS_NUMBER.fullmatch(value))


def pattern(message: str) -> Pattern:
    """Read a message with fields in braces.

    >>> pattern("{count:,.0f} of {what}")
    Pattern(parts=('', ' of ', ''), fields=('count', 'what'), numeric=(True, False))
    """
    parts, fields, numeric, fixed = [], [], [], ""
    for literal, name, spec, _ in string.Formatter().parse(message):
        fixed += literal
        if name is None:
            continue
        parts.append(fixed)
        fixed = ""
        fields.append(name)
        numeric.append(bool(spec and _NUMERIC.fullmatch(spec)))
    return Pattern((*parts, fixed), tuple(fields), tuple(numeric))
