"""What is worth telling: how sure and how large the numbers behind a message are."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from crmlab.findings.reading import DrawnFigure, KeptNumber, KeptQuestion
from crmlab.story.sentences import NUMBER, blocks, numbers_in, plain_text, sentences, shared

__all__ = ["Message", "is_rival", "messages", "number_for", "quoted", "weight"]

_OF_A_COUNT = 0.4  # a full count has no interval: certain, but it says little of what goes with what
_OF_ANSWERS = 0.5  # what the question's own answer names comes before what only a figure shows
_OF_A_NAMED = 12.0  # as much as four numbers in common
_LONGEST_TITLE = 110
_TALLEST_INCHES = 6.0  # a taller figure is a page: its texts are too small on a slide
_LEANING_LABEL = re.compile(r"(the same|of these|of them|thereof)\b", re.IGNORECASE)  # says nothing by itself
_IS_RIVAL = re.compile(r"(^|_)(naive|baseline|benchmark|random)(_|$)")  # stands for no finding, only beside one


@dataclass(frozen=True)
class Message:
    """One thing that a question can tell.

    Parameters
    ----------
    question : KeptQuestion
        Who says it.
    title : str
        The message: the finding of the figure, or the first sentence of the answer.
    figure : DrawnFigure or None
        What shows it.
    number : KeptNumber or None
        The number that stands for it.
    weight : float
        0 (unsure) to 1 (sure and precise), and half more where the answer itself names the number.
    is_lead : bool
        Goes with the headline of its question.
    """

    question: KeptQuestion
    title: str
    figure: DrawnFigure | None
    number: KeptNumber | None
    weight: float
    is_lead: bool


def weight(number: KeptNumber) -> float:
    """Say how sure a number is: 0 where its interval holds 0, 1 where the interval is narrower than the number.

    Examples
    --------
    >>> kept = dict(name="a", label="A", unit="EUR", n=9, method="", short="", interval="", text="")
    >>> sure = KeptNumber(value=10.0, low=8.0, high=12.0, **kept)
    >>> unsure = KeptNumber(value=1.0, low=-1.0, high=3.0, **kept)
    >>> weight(sure), weight(unsure)
    (1.0, 0.0)
    """
    if number.value is None or not number.is_sure:
        return 0.0
    if not number.has_interval:
        return _OF_A_COUNT
    width = number.high - number.low
    return 1.0 if width <= abs(number.value) else abs(number.value) / width


def quoted(text: str, numbers: tuple[KeptNumber, ...]) -> list[KeptNumber]:
    """Find the numbers that a text names, in the text's order; those with an interval first where two look alike."""
    said = plain_text(text).replace("\u00a0", " ")
    places: dict[str, tuple[int, KeptNumber]] = {}
    numbers = tuple(number for number in numbers if not is_rival(number))
    for number in sorted(numbers, key=lambda one: not one.has_interval):
        written = numbers_in(number.short)
        digits = written[0] if written else ""
        place = _place_of(number.short, said) if digits else -1
        if place < 0 and len(digits) > 2:  # '71.1' for '71.1 points'; a bare '3' could be anything
            place = _place_of(digits, said)
        if place < 0 and number.has_interval:
            place = _place_of_rounded(number, said)
        if place >= 0 and (number.short not in places or _closer(number, places[number.short][1], said)):
            places[number.short] = (place, number)
    return [number for _, number in sorted(places.values(), key=lambda found: found[0])]


def is_rival(number: KeptNumber) -> bool:
    """Tell a number that only stands beside a finding: a naive look, a baseline."""
    return bool(_IS_RIVAL.search(number.name))


def _place_of(written: str, text: str) -> int:
    """Find a number that stands by itself: the 1 of '1 of 3', not of '16' or '1.5'."""
    found = re.search(rf"(?<![\d.,]){re.escape(written)}(?![\d%]|[.,]\d)", text)
    return found.start() if found else -1


def _place_of_rounded(number: KeptNumber, text: str) -> int:
    """Find a number that the text rounds further, by its value and both limits: '5.0 (2.9 to 7.2)' is 5.02."""
    scale = 100.0 if number.unit == "share" else 1.0
    places = []
    for value in (number.value, number.low, number.high):
        sought = abs(value or 0.0) * scale
        hits = [match.start() for match in NUMBER.finditer(text) if _rounds_to(sought, match[0].lstrip("-+−"))]
        if not hits or sought == 0:
            return -1
        places.append(hits[0])
    return places[0]


def _rounds_to(value: float, written: str) -> bool:
    decimals = len(written.partition(".")[2])
    return decimals > 0 and f"{value:,.{decimals}f}" == written


def _closer(one: KeptNumber, other: KeptNumber, text: str) -> bool:
    """Of two numbers that look alike the text means the one whose label, or else whose interval, it repeats."""
    return (one.has_interval, shared(one.label, text)) > (other.has_interval, shared(other.label, text))


def number_for(text: str, numbers: tuple[KeptNumber, ...]) -> KeptNumber | None:
    """Choose the number that stands for a text: the surest that it names; a count only where there is no other."""
    found = sorted(quoted(text, numbers), key=lambda n: (not n.has_interval, bool(_LEANING_LABEL.match(n.label))))
    return found[0] if found else None


def messages(question: KeptQuestion, told: Collection[str] = ()) -> list[Message]:
    """Give what a question can tell: its headline with the figure that shows it best, then its other figures.

    Parameters
    ----------
    question : KeptQuestion
        That was answered.
    told : collection of str
        Numbers with their intervals, as texts, that other questions tell already: no figure leads by one of these.
    """
    headline = question.answers[0] if question.answers else ""
    legible = [figure for figure in question.figures if figure.inches[1] <= _TALLEST_INCHES]
    titled = [figure for figure in legible if figure.title]
    lead = max(titled, key=lambda figure: _leads(figure, question, headline, told), default=None)
    if lead is None and legible:
        lead = legible[0]
    found = []
    for figure in dict.fromkeys((lead, *titled)):
        is_lead = figure is lead
        title = plain_text(figure.title) if figure and figure.title else ""
        text = " ".join((title, headline if is_lead else "", figure.reading if figure and not is_lead else ""))
        number = number_for(title, question.numbers) or number_for(text, question.numbers)
        weights = [weight(one) for one in quoted(text, question.numbers)]
        sure = sum(weights) / len(weights) if weights else 0.0
        sure += _OF_ANSWERS * (sure > 0 and number in quoted(" ".join(question.answers), question.numbers))
        found.append(Message(question, title or _short(headline), figure, number, sure, is_lead))
    return found


def _leads(figure: DrawnFigure, question: KeptQuestion, headline: str, told: Collection[str]) -> float:
    """Say how well a figure goes with a headline: it speaks of the same, and its finding is a number of the answer."""
    begin = (blocks(headline) or [""])[0]
    answered = quoted(" ".join(question.answers), question.numbers)
    titled = [n for n in quoted(figure.title, question.numbers) if n.has_interval and n.text not in told]
    named = [weight(n) for n in titled if n in answered]
    return 2.0 * shared(figure.title, begin) + shared(figure.title, headline) + _OF_A_NAMED * max(named, default=0.0)


def _short(headline: str) -> str:
    first = sentences(headline)[0] if headline else ""
    return first.rstrip(".") if len(first) <= _LONGEST_TITLE else ""
