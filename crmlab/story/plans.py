"""What is done or should be, what it is worth, what stands in the way, and what comes next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crmlab.findings.reading import KeptNumber, KeptQuestion, KeptTable, Run
from crmlab.language import day_text, say
from crmlab.story.acts import source_line
from crmlab.story.choosing import is_rival, quoted
from crmlab.story.scenes import Grid, Scene
from crmlab.story.sentences import plain_text

__all__ = ["challenges_scene", "money_scene", "next_scene", "plan_scenes"]

_OF_A_PLAN = {
    "product", "channel", "service", "measure", "next step", "offer", "action", "benefit", "benefits", "owner", "step",
    "points", "discount", "discounts", "care", "loyalty", "win-back", "treatment", "contact",
}  # fmt: skip
_PLAN_COLUMNS = 3
_MOST_AMOUNTS, _AMOUNTS_A_QUESTION = 6, 3
_EARNED = re.compile(
    r"\b(net|gains?|profits?|earn(s|ed|ings)?|sav(es?|ed|ings)|kept|won|margin|yields?|return|worth|incremental|lost|"
    r"loss(es)?|costs?|income|revenue|pays?)\b"
)
_LEVEL = re.compile(r"^yield\b|\bmean miss\b|\berror\b")
_MOST_STEPS = 7
_STEPS_OF_A_QUESTION = 3


def plan_scenes(questions: Sequence[KeptQuestion], run: Run, most: int = 2) -> list[Scene]:
    """Show what to do, segment by segment: tables of questions that plan products, channels, services, measures."""
    found = []
    for question in questions:
        tables = [(len(_plan_columns(table)), table) for table in question.tables if table.rows]
        size, table = max(tables, key=lambda pair: pair[0], default=(0, None))
        if table is not None and size >= _PLAN_COLUMNS:
            found.append((-size, question.name, question, table))
    scenes = []
    for _, _, question, table in sorted(found, key=lambda one: one[:2])[:most]:
        scenes.append(
            Scene(
                kind="table",
                act=say("What to do, segment by segment"),
                title=plain_text(table.caption) or question.question,
                table=Grid(table.headers, table.rows, table.numeric),
                source=source_line(question, None, run),
                notes=(question.question, *map(plain_text, question.answers)),
                question=question.name,
            )
        )
    return scenes


def _plan_columns(table: KeptTable) -> list[str]:
    return [header for header in table.headers if header.split(",")[0].strip().lower() in _OF_A_PLAN]


def money_scene(questions: Sequence[KeptQuestion], run: Run) -> Scene | None:
    """Show the amounts that answers name, with their intervals: those sure to differ from 0 first, largest first.

    What is earned, lost or to be won; what customers hold or are worth only where nothing of that kind is named.
    """
    found: list[tuple[KeptQuestion, KeptNumber]] = []
    for question in questions:
        told = quoted(" ".join(question.answers), question.numbers)
        amounts = sorted((n for n in told if n.is_money and n.has_interval and n.value), key=_rank)
        found += [(question, number) for number in amounts[:_AMOUNTS_A_QUESTION]]
    if not found:
        return None
    at_stake = [pair for pair in found if _is_at_stake(pair[1])]
    found = sorted(at_stake or found, key=lambda pair: (_rank(pair[1]), pair[0].name))[:_MOST_AMOUNTS]
    sure = [number for _, number in found if number.is_sure]
    title = f"{sure[0].label}: {sure[0].short}" if sure else say("No amount is sure to differ from 0 yet")
    yes, no = say("yes"), say("no; no budget on it yet")
    rows = tuple(
        (n.label, n.short, n.interval, f"{n.n:,}" if n.n is not None else "–", yes if n.is_sure else no, q.name)
        for q, n in found
    )
    headers = (say("What"), say("Amount"), say("95 % interval"), "n", say("Sure to differ from 0"), say("From"))
    points = (
        say("An amount is what goes with the finding of its question; read there whether it is caused or associated."),
    )
    return Scene(
        kind="table",
        act=say("What is at stake, and to be won"),
        title=title,
        points=points,
        table=Grid(headers, rows, (False, True, True, True, False, False)),
        source=source_line(found[0][0], found[0][1], run),
        notes=tuple(f"{n.label}: {n.text}. {n.method}".strip() for _, n in found),
        number=found[0][1],
    )


def _rank(number: KeptNumber) -> tuple[bool, bool, float, str]:
    """Sure before unsure, what is earned or lost before what is held, large before small."""
    return not number.is_sure, not _is_at_stake(number), -abs(number.value or 0.0), number.name


def _is_at_stake(number: KeptNumber) -> bool:
    """Tell what is earned, lost or to be won from a level, such as the yield of a tier, or an error of forecasts."""
    words = f"{number.name} {number.label}".lower().replace("_", " ")
    return bool(_EARNED.search(words)) and not _LEVEL.search(words)


def challenges_scene(questions: Sequence[KeptQuestion], run: Run) -> Scene:
    """Show what stands in the way, as this run met it, and how each is met."""
    asked = [q for q in run.questions if not q.tells_a_run]
    gaps = sum(len(question.gaps) for question in questions)
    read, aside = run.facts.get("rows_read", 0), run.facts.get("rows_set_aside", 0)
    listed = [action for question in questions for action in question.actions]
    held = [action for action in listed if "is_holdout" in action["columns"]]
    signed = [n for q in questions for n in q.numbers if n.has_interval]
    unsure = [n for n in signed if not n.is_sure]
    owners = list(dict.fromkeys(q.owner for q in questions if q.owner))
    data = say("Questions answered: {answered} of {asked}; points left open: {gaps}",
               answered=len(questions), asked=len(asked), gaps=gaps)  # fmt: skip
    if aside:
        data += "; " + say("rows set aside: {aside} of {read}", aside=f"{aside:,}", read=f"{read:,}")
    lists = say("Lists of customers: {lists}; with a group held out: {held}", lists=len(listed), held=len(held))
    rows = (
        (say("Data"), data, say("Each gap is named with what it lacks; crmlab check tells what to mend first")),
        (say("Privacy"), lists if listed else say("No list of customers was made"),
         say("Lists stay apart from pages and slides; groups under 10 are merged; nobody is named here")),
        (say("Adoption"), say("Intervals that hold 0: {unsure} of {all}", unsure=len(unsure), all=len(signed)),
         say("Try first with a part drawn by lot, then roll out what is sure")),
        (say("Organisation"), say("Owners who share the decisions: {owners}", owners=len(owners)),
         say("Every step has one owner and one measure")),
    )  # fmt: skip
    if run.validation is not None and run.validation.status == "answered":
        trust = (say("Trust"), plain_text(run.validation.answers[0]),
                 say("The bank is simulated, so the truth is known and was compared"))  # fmt: skip
        rows = (*rows, trust)
    return Scene(
        kind="table",
        act=say("Challenges"),
        title=say("What stands in the way, and how each is met"),
        table=Grid((say("Challenge"), say("What this run met"), say("How it is met")), rows, (False, False, False)),
        source=say("{bank}, as of {day}", bank=run.name, day=day_text(run.facts["as_of"])),
        notes=(say("Owners: {owners}", owners=", ".join(owners)),) if owners else (),
    )


def next_scene(questions: Sequence[KeptQuestion], run: Run) -> Scene | None:
    """Show who does what next, and by which number it is judged."""
    planned = [(*step, place) for place, step in enumerate(s for q in questions for s in _steps(q))]
    if not planned:
        return None
    first = sorted(planned, key=lambda step: (step[0], step[-1]))[:_MOST_STEPS]
    rows = [step[1:4] for step in sorted(first, key=lambda step: step[-1])]
    later = [step[1:4] for step in planned if step not in first]
    return Scene(
        kind="table",
        act=say("Next steps"),
        title=say("Every step has one owner and one measure"),
        table=Grid((say("Step"), say("Owner"), say("Measured by, today")), tuple(rows), (False,) * 3),
        source=say("{bank}, as of {day}", bank=run.name, day=day_text(run.facts["as_of"])),
        notes=tuple(" · ".join(row) for row in later),
    )


def _steps(question: KeptQuestion) -> list[tuple[int, str, str, str]]:
    """Steps that a question plans itself (rank 0), or its decision, with a list of customers (1) or without (2)."""
    for table in question.tables:
        places = {header.strip().lower(): position for position, header in enumerate(table.headers)}
        if "next step" in places and "owner" in places:
            step, owner = places["next step"], places["owner"]
            rows = table.rows[:_STEPS_OF_A_QUESTION]
            return [(0, f"{row[0]}: {row[step]}", row[owner], _measure(question, row[0])) for row in rows]
    if not question.decision:
        return []
    decision = plain_text(question.decision).rstrip(".")
    rank, step = 2, say("Decide: {decision}", decision=decision)
    if question.actions and question.actions[0]["rows"]:
        rank = 1
        step = say("Decide: {decision}; customers listed: {customers:,}", decision=decision,
                   customers=int(question.actions[0]["rows"]))  # fmt: skip
    return [(rank, step, question.owner or "–", _measure(question))]


def _measure(question: KeptQuestion, about: str = "") -> str:
    """Name the number by which a step is judged: of those the answers tell the one about it."""
    told = quoted(" ".join(question.answers), question.numbers)
    if about:
        told = [number for number in told if about.lower() in number.label.lower()]
        told += [n for n in question.numbers if about.lower() in n.label.lower() and n.has_interval and not is_rival(n)]
    best = next((n for n in told if n.has_interval), told[0] if told else None)
    if best is None:
        return "–"
    return f"{best.label}: {best.short}" + (f" ({best.interval})" if best.interval else "")
