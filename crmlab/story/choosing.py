"""What is worth telling: how sure and how large the numbers behind a message are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from crmlab.findings.reading import DrawnFigure, KeptNumber, KeptQuestion
from crmlab.story.sentences import numbers_in, plain_text, shared

__all__ = ["Message", "messages", "number_for", "quoted", "weight"]

_OF_A_COUNT = 0.4  # a full count has no interval: certain, but it says little of what goes with what
_OF_ANSWERS = 0.5  # what the question's own answer names comes before what only a figure shows
_LONGEST_TITLE = 110
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
    >>> weight(KeptNumber(value=10.0, low=8.0, high=12.0, **kept)), weight(KeptNumber(value=1.0, low=-1.0, high=3.0, **kept))
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
    numbers = tuple(number for number in numbers if not _IS_RIVAL.search(number.name))
    for number in sorted(numbers, key=lambda one: not one.has_interval):
        written = numbers_in(number.short)
        digits = written[0] if written else ""
        place = said.find(number.short) if number.short and digits else -1
        if place < 0 and len(digits) > 2:  # '71.1' for '71.1 points'; a bare '3' could be anything
            place = _place_of(digits, said)
        if place >= 0 and (number.short not in places or _closer(number, places[number.short][1], said)):
            places[number.short] = (place, number)
    return [number for _, number in sorted(places.values(), key=lambda found: found[0])]


def _place_of(digits: str, text: str) -> int:
    return text.find(digits) if digits in numbers_in(text) else -1


def _closer(one: KeptNumber, other: KeptNumber, text: str) -> bool:
    """Of two numbers that look alike the text means the one whose label, or else whose interval, it repeats."""
    return (one.has_interval, shared(one.label, text)) > (other.has_interval, shared(other.label, text))


def number_for(text: str, numbers: tuple[KeptNumber, ...]) -> KeptNumber | None:
    """Choose the number that stands for a text: the surest that it names; a count only where there is no other."""
    found = quoted(text, numbers)
    with_interval = [number for number in found if number.has_interval]
    return (with_interval or found or [None])[0]


def messages(question: KeptQuestion) -> list[Message]:
    """Give what a question can tell: its headline with the figure that shows it best, then its other figures."""
    headline = question.answers[0] if question.answers else ""
    titled = [figure for figure in question.figures if figure.title]
    lead = max(titled, key=lambda figure: shared(figure.title, headline), default=None)
    if lead is None and question.figures:
        lead = question.figures[0]
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


def _short(headline: str) -> str:
    from crmlab.story.sentences import sentences

    first = sentences(headline)[0] if headline else ""
    return first if len(first) <= _LONGEST_TITLE else ""
