"""Answers cut at sentence ends, and only where nothing that qualifies a sentence is lost."""

from __future__ import annotations

import re

__all__ = ["NUMBER", "blocks", "numbers_in", "plain_text", "sentences", "shared"]

_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'“(*\u4e00-\u9fff])|(?<=[。！？])")
# A sentence that begins so leans on the one before it, or takes something back from it.
_LEANS = re.compile(
    r"(?:So|It|Its|They|Their|Them|This|That|These|Those|But|However|Yet|Still|Otherwise|There|The same|The interval|"
    r"The cause|By these|With these|Both|Neither|None of (?:it|them)|Not|Only|Even so|Compared|Fairly)\b"
)
_TAKES_BACK = re.compile(
    r"chance|not sure|not caused|associated|doubt|cannot|too (?:large|small|few|optimistic|rough)|reaches below|"
    r"no budget|stays open|unclear|not known|may (?:come|be|think|differ)|estimate[sd]? only|optimistic",
    re.IGNORECASE,
)
NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?")
_SMALL = frozenset(
    {
        "and", "are", "for", "from", "has", "have", "its", "than", "that", "the", "their", "them", "they", "this",
        "was", "were", "which", "who", "with", "one", "all", "more", "most", "not",
    }
)  # fmt: skip


def plain_text(text: str) -> str:
    """Take Markdown's signs of emphasis and code off.

    >>> plain_text("The **top** tier, `base`")
    'The top tier, base'
    """
    return re.sub(r"\*\*|__|`", "", " ".join(text.split()))


def sentences(text: str) -> list[str]:
    """Cut a text at its sentence ends.

    >>> sentences("Half left. EUR 2.5 million went. 3 of 4 stay.")
    ['Half left.', 'EUR 2.5 million went.', '3 of 4 stay.']
    """
    return [part.strip() for part in _END.split(plain_text(text)) if part.strip()]


def blocks(text: str) -> list[str]:
    """Cut a text into what may stand alone: a sentence with those that lean on it or qualify it.

    >>> blocks("One point goes with EUR 9. The interval reaches below 0, so no budget yet. Try it first.")
    ['One point goes with EUR 9. The interval reaches below 0, so no budget yet.', 'Try it first.']
    """
    found: list[str] = []
    for sentence in sentences(text):
        if found and (_LEANS.match(sentence) or _TAKES_BACK.search(sentence)):
            found[-1] += f" {sentence}"
        else:
            found.append(sentence)
    return found


def numbers_in(text: str) -> list[str]:
    """List the numbers written in a text, signs aside.

    >>> numbers_in("EUR -40,825 of 12 moves, 5.0 %.")
    ['40,825', '12', '5.0']
    """
    return [match.lstrip("-+−") for match in NUMBER.findall(text)]


def shared(one: str, other: str) -> float:
    """Say how much two texts speak of the same: a number in common counts as much as three words.

    Years, the level of an interval and the end of a scale (95, 100) are in too many texts to tell anything.

    >>> shared("83.1 % stayed in their tier", "In a year 83.1 % stayed"), shared("Gini 0.79", "83.1 % stayed")
    (4.0, 0.0)
    """
    digits = set(numbers_in(one)) & set(numbers_in(other))
    telling = {d for d in digits if len(d) > 1 and d not in ("95", "100") and not re.fullmatch(r"(19|20)\d\d", d)}
    return 3.0 * len(telling) + len(_words(one) & _words(other))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", text.lower())) - _SMALL
