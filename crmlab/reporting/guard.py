"""The last look before a page is published: no identifier of a customer or an account on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from crmlab.errors import refuse

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["identifiers_among", "readable", "refuse_identifiers", "suspects"]

_COLUMNS = (("customers", "customer_id"), ("accounts", "account_id"), ("snapshot", "customer_id"))
# A token keeps the signs inside numbers and dates, so "1,234" and "1998-12-31" are no ids 1, 234 or 1998.
_TOKEN = re.compile(r"\w+(?:[.,:;/'’-]\w+)*", re.UNICODE)
_SHORTEST_WORD = 3
_SHORTEST_NUMBER = 5
_SHORTEST_TICK = 7
_SILENT = ("style", "script", "code", "pre", "footer")


class _Reader(HTMLParser):
    """Split a page into what it says and what is only its code and footer."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.quoted: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent.append(tag)
        self.said += [value or "" for name, value in attrs if name in ("alt", "title", "aria-label", "id")]

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()

    def handle_data(self, data: str) -> None:
        (self.quoted if self._silent else self.said).append(data)


def readable(page: str) -> tuple[str, str]:
    """Give the text of a page, and the text of its code and footer.

    >>> readable('<p>Ana <b>A17</b></p><code>limit = 10000</code>')
    ('Ana\\nA17', 'limit = 10000')
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return "\n".join(t.strip() for t in reader.said if t.strip()), "\n".join(t for t in reader.quoted if t.strip())


def suspects(text: str, *, shortest_number: int = _SHORTEST_NUMBER) -> set[str]:
    """Choose the tokens that could only be an identifier.

    A token counts when it mixes letters and digits (3 signs or more), or is a run of digits as long as
    `shortest_number` without the separators that a written number has. Shorter numbers cannot be told from counts and
    years; for those the ban of identifier columns in tables stands alone.

    >>> sorted(suspects("1,234 customers, 1998-12-31, tier C5, A00017 and 10017, half 0.71"))
    ['10017', 'A00017']
    """
    found = set()
    for token in _TOKEN.findall(text):
        # a hyphenated id such as A-17 is looked up whole and in its parts, but a date's parts are no ids
        for part in {token, *re.split(r"[.,:;/'’]", token)} if re.search(r"[^\W\d_]", token) else {token}:
            digits, letters = any(c.isdigit() for c in part), any(c.isalpha() for c in part)
            if digits and (
                (letters and len(part) >= _SHORTEST_WORD) or (part.isdigit() and len(part) >= shortest_number)
            ):
                found.add(part)
    return found


def identifiers_among(tokens: Iterable[str], bank: Bank) -> list[tuple[str, str]]:
    """Look the tokens up among the bank's own identifiers; gives pairs of token and column."""
    wanted = sorted(tokens)
    if not wanted:
        return []
    found = []
    for table, column in _COLUMNS:
        if table in bank.tables and column in bank.columns(table):
            rows = bank.cursor().execute(
                f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" IN (SELECT unnest(?)) ORDER BY 1', [wanted]
            )
            found += [(token, f"{table}.{column}") for (token,) in rows.fetchall()]
    return found


def refuse_identifiers(
    page: str, bank: Bank, name: str, *, pictured: Sequence[str] = (), what: str = "the page"
) -> None:
    """Refuse a page that shows an identifier of this bank.

    Parameters
    ----------
    page : str
        HTML of the page.
    bank : Bank
        Whose identifiers are looked for.
    name : str
        Notebook, for the message.
    pictured : sequence of str
        Texts drawn in figures, where plain numbers on axes are usual.
    what : str
        What shows it, for the message.
    """
    said, quoted = readable(page)
    tokens = suspects(said) | {t for t in suspects(quoted) if not t.isdigit()}
    tokens |= suspects("\n".join(pictured), shortest_number=_SHORTEST_TICK)
    found = identifiers_among(tokens, bank)
    if found:
        columns = ", ".join(dict.fromkeys(column for _, column in found))
        some = f"{len(found):,} identifiers" if len(found) > 1 else "an identifier"
        refuse(
            f"{name}: {what} shows {some} of {columns} and is not published. Show groups only, and write large "
            "numbers with thousands separators; customer-level lists go to findings.actions."
        )
