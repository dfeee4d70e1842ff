"""Present a run: one story, one layout, three files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crmlab.errors import nearest, refuse
from crmlab.findings.languages import NO_FACE, drawable
from crmlab.findings.reading import KeptQuestion, Run, read_run
from crmlab.findings.telling import teller
from crmlab.presenting.html import deck_html
from crmlab.presenting.pdf import print_pdf
from crmlab.presenting.powerpoint import deck_pptx
from crmlab.presenting.slides import lay_out
from crmlab.reporting.decks import DECKS, mark_deck
from crmlab.story import Story, tell

__all__ = ["Presented", "present"]

_CASE_CHAPTER = "9"


@dataclass(frozen=True)
class Presented:
    """What was written.

    Parameters
    ----------
    files : tuple of Path
        HTML, PowerPoint and, where there is one, PDF.
    slides : int
        Slides of the story, the appendix aside.
    missing : tuple of str
        What failed or is not there; the deck says it too.
    remarks : tuple of str
        What else is to be known: no PDF, no Chinese font.
    """

    files: tuple[Path, ...]
    slides: int
    missing: tuple[str, ...]
    remarks: tuple[str, ...]


def present(folder: Path | str, *, case: str = "", language: str = "en") -> Presented:
    """Write the deck of a run in three forms, in ``presentation/`` of its folder.

    Parameters
    ----------
    folder : Path or str
        Of a run.
    case : str
        Notebook, or its start: a case study (its parameters choose what is told), or one question to tell alone.
        Empty: the case study of the run, or, where it has none, what the story chooses.
    language : str
        ``en`` or ``zh``.
    """
    reader = teller(language)
    run = read_run(folder, language=language)
    chosen = _case(run, case)
    story = _story(run, chosen, language)
    slides = lay_out(story, reader)
    target = run.folder / DECKS
    try:
        target.mkdir(exist_ok=True)
    except OSError as error:
        refuse(f"presentation folder {str(target)!r} cannot be made: {error.strerror}. Give a run that can be written.")
    name = f"{chosen.name if chosen else 'case_study'}-{language}"
    page, book, paper = (target / f"{name}.{ending}" for ending in ("html", "pptx", "pdf"))
    page.write_text(deck_html(slides, reader), encoding="utf-8")
    book.write_bytes(deck_pptx(slides, title=slides[0].title, as_of=run.facts["as_of"]))
    no_pdf = print_pdf(page, paper)
    if no_pdf:
        paper.unlink(missing_ok=True)
    remarks = [f"No PDF: {no_pdf}."] if no_pdf else []
    remarks += [f"{NO_FACE}."] if language != "en" and language not in drawable() else []
    mark_deck(run.folder, name)
    files = (page, book) if no_pdf else (page, book, paper)
    main = sum(not slide.is_appendix for slide in slides)
    return Presented(files, main, story.missing, tuple(remarks))


def _case(run: Run, case: str) -> KeptQuestion | None:
    """Find the notebook that tells the case; None where the run has none."""
    names = [question.name for question in run.questions]
    if not case:
        found = [q for q in run.questions if q.tells_a_run or q.chapter == _CASE_CHAPTER]
        if not found:
            return None
    else:
        wanted = Path(case).name.removesuffix(".ipynb")
        found = [q for q in run.questions if q.name == wanted] or [
            q for q in run.questions if q.name.startswith(wanted)
        ]
        if not found:
            there = ", ".join(names) or "none"
            refuse(f"case {case!r} is not in this run. There are {there}.{nearest(wanted, names)}")
    return found[0]


def _story(run: Run, case: KeptQuestion | None, language: str) -> Story:
    if case is None:
        return tell(run, language=language)
    if not case.tells_a_run:
        return tell(run, language=language, only=(case.name,))
    known = {"most": case.parameters.get("slides_count"), "only": case.parameters.get("only")}
    return tell(run, language=language, **{name: value for name, value in known.items() if value})
