"""The one way to refuse: what happened, the fact, and the cure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["CrmlabError", "nearest", "refuse", "tried"]

Result = TypeVar("Result")


class CrmlabError(Exception):
    """A refusal that a person can act on.

    Parameters
    ----------
    problems : sequence of str
        One sentence group a problem: ``what: fact. cure.``

    Examples
    --------
    >>> raise CrmlabError(["customers lacks column 'customer_id'. Map it in bank.yml."])
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: customers lacks column 'customer_id'. Map it in bank.yml.
    >>> str(CrmlabError(["first problem.", "second problem."]))
    '2 problems:\\n- first problem.\\n- second problem.'
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(_text(self.problems))


def _text(problems: tuple[str, ...]) -> str:
    if len(problems) == 1:
        return problems[0]
    return f"{len(problems)} problems:\n" + "\n".join(f"- {problem}" for problem in problems)


def refuse(*problems: str) -> None:
    """Raise one `CrmlabError` with every problem, or do nothing when there is none.

    >>> refuse()
    >>> refuse("as_of '2024-13-01' is not a date. Write it as YYYY-MM-DD.")
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: as_of '2024-13-01' is not a date. Write it as YYYY-MM-DD.
    """
    if problems:
        raise CrmlabError(problems)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest known name, or an empty text.

    >>> nearest("custmer_id", ["customer_id", "birth_on"])
    " Did you mean 'customer_id'?"
    >>> nearest("zzz", ["customer_id"])
    ''
    """
    found = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.6)
    return f" Did you mean {found[0]!r}?" if found else ""


def tried(make: Callable[..., Result], *args: object, **named: object) -> tuple[Result | None, str]:
    """Call a function; where it refuses, return None and why, so that a page can name the gap and go on.

    Only for what a bank's data may lack, never for what a person typed: a slip should stop the run.

    >>> tried(round, 2.5), tried(refuse, "survey: 3 responses. Give 30 or more.")
    ((2, ''), (None, 'survey: 3 responses. Give 30 or more.'))
    """
    try:
        return make(*args, **named), ""
    except CrmlabError as refusal:
        return None, " ".join(refusal.problems)
