"""The arc of a case, and which messages of a run stand in it."""

from __future__ import annotations

from collections.abc import Sequence

from crmlab.findings.reading import KeptNumber, KeptQuestion, Run
from crmlab.language import day_text, later, say
from crmlab.story.choosing import Message, messages, number_for
from crmlab.story.scenes import Scene
from crmlab.story.sentences import blocks, plain_text, shared

__all__ = ["ACT_OF_CHAPTER", "all_messages", "chosen_messages", "evidence_scene", "source_line", "tellable"]

# The chapter is the first digit of a notebook's name.
ACT_OF_CHAPTER = {
    "0": later("The bank and its customers"),
    "1": later("What customers do"),
    "2": later("What customers tell"),
    "3": later("Who stays and who leaves"),
    "4": later("What customers are worth"),
    "5": later("What suits whom"),
    "6": later("What campaigns did"),
    "7": later("Where the market goes"),
    "8": later("Where trouble shows"),
}
_OTHER = later("What else was asked")


def tellable(run: Run, only: Sequence[str] = ()) -> tuple[KeptQuestion, ...]:
    """Questions that were answered and are about the bank; with `only`, those whose names begin so."""
    answered = [q for q in run.having("answered") if not q.tells_a_run and q.answers]
    return tuple(q for q in answered if not only or any(q.name.startswith(start) for start in only))


def chosen_messages(questions: Sequence[KeptQuestion], most: int, fewest: int = 0) -> list[Message]:
    """Choose up to `most` messages, in reading order.

    Each chapter that was answered gets its surest headline, then the surest headlines follow, then what else the
    figures show; of messages that are as sure, the earlier question counts. A message whose numbers are all unsure
    comes only as a headline, because a headline says so itself. Where these are fewer than `fewest`, figures whose
    numbers are plain counts fill up.
    """
    told = all_messages(questions)
    place = {id(message): number for number, message in enumerate(told)}
    leads = sorted(
        (m for m in told if m.is_lead and m.title and (m.figure or _has_more(m))),
        key=lambda m: (-m.weight, place[id(m)]),
    )
    first = list({m.question.chapter: m for m in reversed(leads)}.values())
    first.sort(key=lambda m: place[id(m)])
    others = [m for m in told if not m.is_lead and m.title and m.figure and m.figure.reading and m.weight > 0]
    others.sort(key=lambda m: (-m.weight, place[id(m)]))
    sure, counts = ([m for m in others if _has_interval(m) == wanted] for wanted in (True, False))
    ranked = _told_once((*first, *leads, *_in_turn(sure)))
    if len(ranked) < fewest:
        ranked = _told_once((*ranked, *_in_turn(counts)))[:fewest]
    return sorted(ranked[:most], key=lambda m: place[id(m)])


def _has_more(message: Message) -> bool:
    """Tell whether there is more to say than the title, so that a slide without a figure is not empty."""
    said = [block for answer in message.question.answers for block in blocks(answer)]
    return any(block.rstrip(".") != message.title.rstrip(".") for block in said)


def _has_interval(message: Message) -> bool:
    return message.number is not None and message.number.has_interval


def all_messages(questions: Sequence[KeptQuestion]) -> list[Message]:
    """Give what each question can tell, in reading order; a number that one leads by leads no later one."""
    found: list[Message] = []
    for question in questions:
        led = {m.number.text for m in found if m.is_lead and m.number is not None}
        found += messages(question, led)
    return found


def _told_once(ranked: Sequence[Message]) -> list[Message]:
    """Leave out a message whose number and interval, or whose title, an earlier one has told."""
    kept: list[Message] = []
    seen: set[str] = set()
    for message in ranked:
        number = message.number
        marks = {message.title} | ({number.text} if number is not None and number.has_interval else set())
        is_new = not marks & seen
        if message.is_lead and message.question.chapter not in {one.question.chapter for one in kept}:
            is_new = message.title not in seen
        if not is_new or any(message is one for one in kept):
            continue
        kept.append(message)
        seen |= marks
    return kept


def _in_turn(others: list[Message]) -> list[Message]:
    """Let each question have a turn before any has a second one."""
    turns: dict[str, int] = {}
    ordered = []
    for message in others:
        turn = turns[message.question.name] = turns.get(message.question.name, 0) + 1
        ordered.append((turn, message))
    return [message for _, message in sorted(ordered, key=lambda pair: pair[0])]


def evidence_scene(message: Message, run: Run) -> Scene:
    """Make the scene of a message: figure, sentences of the answer or the reading, source, notes."""
    question, figure = message.question, message.figure
    if message.is_lead:
        nearest = max(question.answers, key=lambda answer: shared(message.title, answer))
        ordered = dict.fromkeys((nearest, *question.answers))
        points = [block for answer in ordered for block in blocks(answer)]
    else:
        points = blocks(figure.reading)
    points = [point for point in points if point.rstrip(".") != message.title.rstrip(".")]
    about = (figure.about,) if figure and figure.about else ()
    reading = (plain_text(figure.reading),) if figure and figure.reading else ()
    return Scene(
        kind="figure" if figure else "text",
        act=ACT_OF_CHAPTER.get(question.chapter, _OTHER),
        title=message.title,
        points=tuple(points),
        figure=figure,
        source=source_line(question, _footed(message), run),
        notes=(question.question, *map(plain_text, question.answers), *reading, *about),
        question=question.name,
        number=message.number,
    )


def _footed(message: Message) -> KeptNumber | None:
    """Choose the number of the footer: that of the message, or one with an interval that the answers name."""
    if message.number is not None and message.number.has_interval:
        return message.number
    question = message.question
    named = number_for(" ".join(question.answers), question.numbers) if message.is_lead else None
    return named if named is not None and named.has_interval else message.number or named


def source_line(question: KeptQuestion, number: KeptNumber | None, run: Run) -> str:
    """Say where a message comes from: question, date, and the number with its interval and n."""
    asked = f"{question.question} ({question.name})"
    parts = [asked, say("as of {day}", day=day_text(run.facts["as_of"]))]
    if number is not None:
        parts.append(f"{number.label}: {number.text}")
    return " · ".join(parts)
