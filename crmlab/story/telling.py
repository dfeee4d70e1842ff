"""Tell a run as a case: situation, what was found, what to do, what it is worth, what stands in the way, what next."""

from __future__ import annotations

from collections.abc import Sequence

from crmlab.errors import nearest, refuse
from crmlab.findings.reading import Run
from crmlab.language import day_text, say
from crmlab.story.acts import chosen_messages, evidence_scene, tellable
from crmlab.story.appendix import appendix
from crmlab.story.plans import challenges_scene, money_scene, next_scene, plan_scenes
from crmlab.story.retelling import retold
from crmlab.story.scenes import Scene, Story

__all__ = ["backed", "tell"]

_FEWEST, _MOST = 10, 15
_IN_SUMMARY = 5


def tell(run: Run, *, language: str = "en", most: int = _MOST, only: Sequence[str] = ()) -> Story:
    """Choose what is worth telling and put it in the order of a case.

    Parameters
    ----------
    run : Run
        From `crmlab.findings.reading.read_run`.
    language : str
        ``en`` or ``zh``: of what stands around the findings. Sentences of answers stay as they were computed.
    most : int
        Scenes at most, the appendix aside.
    only : sequence of str
        Questions to tell, by the start of their names; empty: all.

    Returns
    -------
    Story
        Its numbers are texts of findings, to the digit.

    Notes
    -----
    A message is as strong as the numbers it names: 0 where an interval holds 0, 1 where it is narrower than the
    number itself; a plain count counts 0.4. What stayed open is told in the appendix, never as a finding.
    """
    _refuse_wrong(run, most, only)
    questions = tellable(run, only)
    around = [scene for scene in (money_scene(questions, run), next_scene(questions, run)) if scene]
    if questions:
        around.insert(len(around) - 1 if len(around) > 1 else 0, challenges_scene(questions, run))
    money = [scene for scene in around if scene.number is not None and scene.kind == "table"]
    plans = plan_scenes(questions, run)
    room = most - 2 - len(plans) - len(around)
    fewest = _FEWEST - most + room
    chosen = chosen_messages(questions, max(1, room), fewest)
    while len(chosen) < len({q.chapter for q in questions}) and plans:
        plans.pop()
        room += 1
        chosen = chosen_messages(questions, max(1, room))
    evidence = [evidence_scene(message, run) for message in chosen]
    missing = _missing(run, only)
    cover = _cover(run)
    summary = _summary(evidence, money, missing, run)
    scenes = [cover, summary, *evidence, *plans, *around, *appendix(questions, run)]
    return retold(Story(run, tuple(scenes), missing), language)


def _refuse_wrong(run: Run, most: int, only: Sequence[str]) -> None:
    names = [question.name for question in run.questions]
    problems = [
        f"question {start!r} is not in this run. There are {', '.join(names) or 'none'}.{nearest(start, names)}"
        for start in only
        if not any(name.startswith(start) for name in names)
    ]
    if most < _FEWEST:
        problems.append(f"most={most} scenes are too few for a case. Give {_FEWEST} or more.")
    refuse(*problems)


def _missing(run: Run, only: Sequence[str]) -> tuple[str, ...]:
    wanted = [q for q in run.having("failed") if not only or any(q.name.startswith(start) for start in only)]
    return tuple(say("{question} failed: {reason}", question=q.name, reason=q.reason) for q in wanted)


def _cover(run: Run) -> Scene:
    day = day_text(run.facts["as_of"])
    points = [say("as of {day}", day=day)]
    if run.facts.get("simulated"):
        points.append(say("This bank is simulated: its numbers show what the kit does, and nothing of a real bank."))
    return Scene(
        "cover", say("Case study"), say("{bank}: what we learned, and what to do", bank=run.name), tuple(points)
    )


def _summary(evidence: list[Scene], money: list[Scene], missing: tuple[str, ...], run: Run) -> Scene:
    """Say the strongest message of each act, each with its number."""
    by_act: dict[str, Scene] = {}
    for scene in evidence:
        by_act.setdefault(scene.act, scene)
    told = list(by_act.values())
    told += [scene for scene in evidence if scene not in told][: max(0, _IN_SUMMARY - len(told) - len(money))]
    told = [scene for scene in evidence if scene in told][: _IN_SUMMARY + 1 - len(money)] + money
    points = [backed(scene) for scene in told]
    points = [say("Missing: {what}", what=what) for what in missing] + points
    title = say("In one minute") if told else say("No question of this run was answered")
    return Scene(
        "text", say("Summary"), title, tuple(points),
        source=say("{bank}, as of {day}", bank=run.name, day=day_text(run.facts["as_of"])),
    )  # fmt: skip


def backed(scene: Scene) -> str:
    """Put the interval and n of its number behind a message."""
    number, title = scene.number, scene.title.rstrip(".")
    if number is None or not number.interval:
        return f"{title}."
    if number.short in title:
        return f"{title} {number.text.removeprefix(number.short).strip()}."
    return f"{title}. {number.label}: {number.text}."
