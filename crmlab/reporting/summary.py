"""The page for who has two minutes: the answers of a run that matter most, and what changed since an earlier run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crmlab.findings.reading import KeptNumber, KeptQuestion, Run, read_run
from crmlab.findings.telling import teller
from crmlab.language import Interpreter
from crmlab.language.breaking import fill
from crmlab.reporting.changes import Change, changes_between
from crmlab.reporting.results import write_whole
from crmlab.story.choosing import number_for, weight
from crmlab.story.sentences import plain_text

__all__ = ["Line", "chosen_lines", "write_summary", "write_summary_text"]

_MOST = 8
_WIDTH = 88


@dataclass(frozen=True)
class Line:
    """One answer of the summary.

    Parameters
    ----------
    question : KeptQuestion
        Whose answer it is.
    number : KeptNumber or None
        The surest number that its first answer names.
    change : Change or None
        Of that number, since the earlier run.
    """

    question: KeptQuestion
    number: KeptNumber | None
    change: Change | None = None

    @property
    def headline(self) -> str:
        """First answer."""
        return self.question.answers[0]


def chosen_lines(run: Run, changes: Sequence[Change] = (), *, most: int = _MOST) -> list[Line]:
    """Choose the answers that matter most: the surest of each chapter, then each chapter's second; in reading order.

    Parameters
    ----------
    run : Run
        Of this day.
    changes : sequence of Change
        Since an earlier run.
    most : int
        Lines at most.
    """
    by_number = {(change.page, change.now.name): change for change in changes}
    lines = []
    for question in run.having("answered"):
        if question.tells_a_run or not question.answers:
            continue
        number = number_for(question.answers[0], question.numbers)
        lines.append(Line(question, number, by_number.get((question.page, number.name)) if number else None))

    def strength(line: Line) -> tuple[float, str]:
        return (-(weight(line.number) if line.number else 0.0), line.question.name)

    ranked = []
    seen: Counter[str] = Counter()
    for line in sorted(lines, key=strength):
        ranked.append((seen[line.question.chapter], line))
        seen[line.question.chapter] += 1
    kept = [line for _, line in sorted(ranked, key=lambda one: (one[0], strength(one[1])))][:most]
    return sorted(kept, key=lambda line: line.question.name)


def write_summary(folder: Path, previous: Run | None = None) -> tuple[Path, ...]:
    """Write ``summary.html`` and ``summary.txt`` of a run, and ``changes.html`` where there is an earlier run.

    Parameters
    ----------
    folder : Path
        Of a run whose manifest is written.
    previous : Run, optional
        An earlier run of the same bank.

    Returns
    -------
    tuple of Path
        What was written. Files of an earlier comparison are removed.
    """
    from crmlab.reporting.page import environment

    run = read_run(folder)
    changes = changes_between(previous, run) if previous else []
    lines = chosen_lines(run, changes)
    before = str(previous.facts["as_of"]) if previous else ""
    about = {"facts": run.facts, "before": before, "has_changes": bool(previous)}
    written = [folder / "summary.html", write_summary_text(folder, previous, "en")]
    open_ones = [question for question in run.questions if question.status != "answered"]
    page = environment().get_template("summary.html.j2")
    write_whole(written[0], page.render(lines=lines, open_ones=open_ones, run=run, **about))
    target = folder / "changes.html"
    if previous:
        groups: dict[str, list[Change]] = {}
        for change in changes:
            groups.setdefault(change.page, []).append(change)
        sure = sum(change.is_beyond_chance is True for change in changes)
        page = environment().get_template("changes.html.j2")
        write_whole(target, page.render(groups=groups, count=len(changes), sure=sure, **about))
        written.append(target)
    else:
        target.unlink(missing_ok=True)
    return tuple(written)


def write_summary_text(folder: Path, previous: Run | None, language: str) -> Path:
    """Write the summary as plain text, fit for an e-mail: ``summary.txt``, or ``summary.zh.txt`` in Chinese."""
    run = read_run(folder)
    lines = chosen_lines(run, changes_between(previous, run) if previous else [])
    before = str(previous.facts["as_of"]) if previous else ""
    path = folder / ("summary.txt" if language == "en" else f"summary.{language}.txt")
    write_whole(path, _text(run, lines, before, teller(language)))
    return path


def _text(run: Run, lines: Sequence[Line], day: str, tell: Interpreter) -> str:
    answered, failed = len(run.having("answered")), len(run.having("failed"))
    told = [f"{run.name}: CRM report as of {run.facts['as_of']}"]
    told.append(
        f"{answered} of {len(run.questions)} questions answered" + (f", {failed} FAILED" if failed else "") + "."
    )
    if run.facts.get("simulated"):
        told.append("This bank is simulated and does not exist.")
    blocks = [told]
    for line in lines:
        parts = [line.question.question, plain_text(line.headline)]
        if line.change is not None:
            parts.append(f"{line.change.now.label}: {line.change.text} since {day}{_sure(line.change)}.")
        blocks.append(parts)
    open_ones = [question for question in run.questions if question.status != "answered"]
    if open_ones:
        blocks.append(["Not answered:", *(f"- {q.question} {q.reason}".rstrip() for q in open_ones)])
    blocks.append(["Open index.html for every answer, its evidence and its limits."])
    return "\n\n".join("\n".join(fill(tell(text), _WIDTH) for text in block) for block in blocks) + "\n"


def _sure(change: Change) -> str:
    if change.is_beyond_chance is None:
        return ""
    return ", beyond chance" if change.is_beyond_chance else ", within chance"
