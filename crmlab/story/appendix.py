"""Behind the story: how the numbers were made, what limits them, what could not be told."""

from __future__ import annotations

from collections.abc import Sequence

from crmlab.findings.reading import KeptQuestion, Run
from crmlab.language import day_text, say
from crmlab.story.choosing import number_for
from crmlab.story.scenes import Grid, Scene
from crmlab.story.sentences import plain_text

__all__ = ["appendix"]

_LIMITS_A_QUESTION = 2


def appendix(questions: Sequence[KeptQuestion], run: Run) -> list[Scene]:
    """Give the scenes of the appendix; those with nothing to say are left out."""
    source = say("{bank}, as of {day}", bank=run.name, day=day_text(run.facts["as_of"]))
    common = {"act": say("Appendix"), "source": source, "is_appendix": True}
    scenes = []
    if rows := [row for question in questions if (row := _method_row(question))]:
        headers = (say("Question"), say("Number"), say("How its interval was made"), "n")
        grid = Grid(headers, tuple(rows), (False, False, False, True))
        scenes.append(Scene("table", title=say("How the numbers were made"), table=grid, **common))
    if rows := [(q.question, plain_text(limit)) for q in questions for limit in q.limits[:_LIMITS_A_QUESTION]]:
        grid = Grid((say("Question"), say("Limit")), tuple(rows), (False, False))
        scenes.append(Scene("table", title=say("What limits these findings"), table=grid, **common))
    if rows := _open_rows(questions, run):
        grid = Grid((say("What"), say("Why")), tuple(rows), (False, False))
        scenes.append(Scene("table", title=say("What could not be told"), table=grid, **common))
    scenes.append(Scene("table", title=say("What this was made from"), table=_made_from(run), **common))
    return scenes


def _method_row(question: KeptQuestion) -> tuple[str, str, str, str] | None:
    found = [n for answer in question.answers if (n := number_for(answer, question.numbers)) is not None and n.method]
    if not found:
        return None
    number = found[0]
    return question.question, f"{number.label}: {number.short}", number.method, f"{number.n:,}" if number.n else "–"


def _open_rows(questions: Sequence[KeptQuestion], run: Run) -> list[tuple[str, str]]:
    asked = [question for question in run.questions if not question.tells_a_run]
    rows = [(q.question, say("failed: {reason}", reason=q.reason)) for q in asked if q.status == "failed"]
    rows += [(q.question, q.reason) for q in asked if q.status == "not_answered"]
    rows += [(plain_text(gap["what"]), plain_text(gap["why"])) for q in questions for gap in q.gaps]
    return rows


def _made_from(run: Run) -> Grid:
    facts = run.facts
    versions = facts.get("versions", {})
    rows = [(say("Bank"), run.name + (f" ({say('simulated; it does not exist')})" if facts.get("simulated") else ""))]
    rows += [(say("As of"), say("{day}; nothing that became known later was used", day=day_text(facts["as_of"])))]
    if facts.get("fingerprint"):
        rows += [(say("Data fingerprint"), str(facts["fingerprint"]))]
    code = f"crmlab {versions.get('crmlab', '')}".strip()
    if facts.get("commit"):
        code += f", {facts['commit'][:12]}"
    rows += [(say("Code"), code)]
    rows += [(say("Libraries"), ", ".join(f"{k} {v}" for k, v in versions.items() if v and k != "crmlab"))]
    return Grid((say("What"), say("Which")), tuple(rows), (False, False))
