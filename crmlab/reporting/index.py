"""The first page of a run: each question, its answer, and what could not be answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crmlab.bank.engine import project_folder
from crmlab.language import LANGUAGES
from crmlab.reporting.glossary import read_glossary, write_glossary
from crmlab.reporting.identity import commit
from crmlab.reporting.plan import Plan
from crmlab.reporting.results import Result, RunFolder, write_whole

__all__ = ["CHAPTERS", "write_index"]

CHAPTERS = {
    "0": "Customer base",
    "1": "Segmentation",
    "2": "Satisfaction",
    "3": "Loyalty and churn",
    "4": "Lifecycle and value",
    "5": "Personalisation",
    "6": "Campaigns",
    "7": "Market",
    "8": "Risk",
    "9": "Case study",
}
_OTHER = "Other questions"


def write_index(plan: Plan, folder: RunFolder, results: Sequence[Result], validation: Result | None = None,
                *, language: str = "en") -> Path:  # fmt: skip
    """Write ``index.html`` with the results, in reading order, and how they compare with a known truth.

    `language` is the other one in which the pages are written; the page links its own copy in it.
    """
    from crmlab.reporting.page import environment

    terms = read_glossary(project_folder() / "GLOSSARY.md")
    write_glossary(folder.path, terms)
    chapters: dict[str, list[Result]] = {}
    for result in results:
        if result.status == "answered":
            chapters.setdefault(CHAPTERS.get(result.name[:1], _OTHER), []).append(result)
    html = (
        environment()
        .get_template("index.html.j2")
        .render(
            chapters=chapters,
            answered=[r for r in results if r.status == "answered"],
            failed=[r for r in results if r.status == "failed"],
            unanswered=[r for r in results if r.status == "not_answered"],
            validation=validation,
            facts={**plan.facts, **commit()},
            has_glossary=bool(terms),
            other_languages=[(code, name) for code, name in LANGUAGES.items() if code == language != "en"],
            has_previous=str(plan.previous.facts["as_of"]) if plan.previous else "",
        )
    )
    path = folder.path / "index.html"
    write_whole(path, html)
    return path
