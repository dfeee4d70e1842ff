"""What the case study's notebook shows of a story: sentences, tables and numbers, as their questions wrote them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from crmlab.findings.reading import DrawnFigure, KeptNumber, Run
from crmlab.stats import Estimate
from crmlab.story.acts import all_messages, tellable
from crmlab.story.scenes import Scene, Story
from crmlab.story.telling import backed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["about_run", "figures", "headline", "labels", "next_steps", "numbers", "table_of", "weighed", "worth"]

_IN_HEADLINE = 3
_IN_STEPS = 3
_MOST_FIGURES = 8


def about_run(run: Run) -> str:
    """Say what the run answered."""
    asked = [question for question in run.questions if not question.tells_a_run]
    answered, failed = (sum(q.status == status for q in asked) for status in ("answered", "failed"))
    said = f"{run.name} as of {run.facts['as_of']}: {answered} of {len(asked)} questions of this run were answered"
    return f"{said}, {failed} failed." if failed else f"{said}."


def headline(story: Story) -> str:
    """Give the first message of each of the first acts, with its interval."""
    first = list({scene.act: scene for scene in reversed(story.evidence)}.values())[::-1]
    nothing = next(scene for scene in story.scenes if scene.kind == "text")
    return " ".join(backed(scene) for scene in first[:_IN_HEADLINE]) or f"{nothing.title}."


def worth(story: Story) -> str:
    """Say what is at stake, in money; empty where no answer names an amount with an interval."""
    scene = _scene_with(story, "Amount")
    if scene is None:
        return ""
    sure = [row for row in scene.table.rows if row[4] == "yes"]
    if not sure:
        return f"{scene.title}: {len(scene.table.rows)} amounts are told with their intervals."
    others = len(scene.table.rows) - len(sure)
    said = "; ".join(f"{row[0]}: {row[1]} ({row[2]})" for row in sure[:_IN_HEADLINE])
    return f"At stake: {said}." + (f" Named, but not sure to differ from 0: {others}." if others else "")


def next_steps(story: Story) -> str:
    """Say who does what next; empty where no question was answered."""
    scene = _scene_with(story, "Step")
    if scene is None:
        return ""
    # steps that a question has worked out come before those that are yet to be decided
    rows = sorted(scene.table.rows, key=lambda row: row[0].startswith("Decide"))[:_IN_STEPS]
    steps = " ".join(row[0].rstrip(".") + "." + f" Owner: {row[1]}." for row in rows)
    return f"What comes next: {steps}"


def _scene_with(story: Story, header: str) -> Scene | None:
    tables = (scene for scene in story.main if scene.table is not None)
    return next((scene for scene in tables if header in scene.table.headers), None)


def weighed(story: Story) -> pd.DataFrame:
    """Give every message that could be told, how sure it is, and whether it is told.

    Returns
    -------
    DataFrame
        ``question``, ``message``, ``number`` (with interval), ``weight`` (0 to 1.5), ``is_told``; the surest first.
    """
    import pandas as pd

    told = {(scene.question, scene.title) for scene in story.scenes}
    rows = [
        {
            "question": message.question.name,
            "message": message.title,
            "number": message.number.text if message.number else "–",
            "weight": message.weight,
            "is_told": (message.question.name, message.title) in told,
        }
        for message in all_messages(tellable(story.run))
        if message.title
    ]
    columns = ["question", "message", "number", "weight", "is_told"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["is_told", "weight"], ascending=False, kind="stable", ignore_index=True)


def table_of(story: Story, act: str) -> pd.DataFrame:
    """Give the first table of an act as a frame of texts; empty where the story has none.

    Parameters
    ----------
    act : str
        As the story names it, e.g. ``Challenges``.
    """
    import pandas as pd

    found = [scene for scene in story.main if scene.act == act and scene.table is not None]
    if not found:
        return pd.DataFrame()
    return pd.DataFrame(list(found[0].table.rows), columns=list(found[0].table.headers))


def figures(story: Story) -> list[DrawnFigure]:
    """Give the figures that the story shows, up to eight."""
    shown = [scene for scene in story.evidence if scene.figure is not None][:_MOST_FIGURES]
    return [replace(scene.figure, caption=f"{scene.title}. {scene.source}") for scene in shown]


def numbers(story: Story) -> dict[str, Estimate]:
    """Give the numbers that the story tells, by question and name, as their questions wrote them."""
    found: dict[str, Estimate] = {}
    for scene in story.scenes:
        number = scene.number
        if number is None or number.value is None or not scene.question:
            continue
        found.setdefault(_name(scene.question, number), _estimate(number))
    return found


def labels(story: Story) -> dict[str, str]:
    """Give the labels of `numbers`, as their questions wrote them."""
    told = [(scene.question, scene.number) for scene in story.scenes if scene.number is not None and scene.question]
    return {_name(question, number): number.label for question, number in told}


def _name(question: str, number: KeptNumber) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", question.lstrip("0123456789_").lower()).strip("_") or "question"
    return f"{stem if stem[0].isalpha() else f'q{stem}'}_{number.name}"[:60]


def _estimate(number: KeptNumber) -> Estimate:
    return Estimate(number.value, number.unit, number.low, number.high, number.n, number.method, number.level)
