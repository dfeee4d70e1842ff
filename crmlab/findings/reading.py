"""A run read back: what each question answered, with its numbers, figures and tables."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmlab.errors import refuse
from crmlab.findings.pictures import DPI

__all__ = ["DrawnFigure", "KeptNumber", "KeptQuestion", "KeptTable", "Run", "newest_run", "open_run", "read_run"]

_POINTS_AN_INCH = 72  # unit of the SVG that Matplotlib writes
_LIMITS = re.compile(r"^## +Limits\s*$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class KeptNumber:
    """One number as its question wrote it.

    Parameters
    ----------
    name, label : str
        What programs and readers call it.
    value : float or None
        In `unit`.
    unit : str
        ``share``, ``count``, a currency code or a word.
    low, high : float or None
        95 % interval in `unit`; None for a full count.
    n : int or None
        Rows behind it.
    method : str
        How the interval was made.
    short, interval, text : str
        The number in words, as pages show it.
    level : float
        Confidence level of the interval.
    """

    name: str
    label: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    n: int | None
    method: str
    short: str
    interval: str
    text: str
    level: float = 0.95

    @property
    def has_interval(self) -> bool:
        """Whether both limits are known."""
        return self.low is not None and self.high is not None

    @property
    def is_sure(self) -> bool:
        """Whether 0 lies outside the interval; a full count has no doubt of that kind."""
        return self.value is not None and (not self.has_interval or self.low > 0 or self.high < 0)

    @property
    def is_money(self) -> bool:
        """Whether the unit is a currency code."""
        return len(self.unit) == 3 and self.unit.isupper()


@dataclass(frozen=True)
class DrawnFigure:
    """A figure that a question has drawn.

    Parameters
    ----------
    name : str
        Own name, after the question's, so that no two of a run are alike.
    alt, caption, title, about, reading : str
        In words: what it shows; its finding; measure, unit, population; the sentence that reads it.
    content : bytes
        The picture without its title, as SVG or PNG.
    ending : str
        ``svg`` or ``png``.
    pixels : bytes
        The same as PNG; empty where the run kept none.
    words : tuple of str
        Texts drawn in it.
    told : dict of str to DrawnFigure
        The same by language, where it was drawn in others.
    """

    name: str
    alt: str
    caption: str
    title: str
    about: str
    reading: str
    content: bytes
    ending: str
    pixels: bytes
    words: tuple[str, ...] = ()
    told: dict[str, DrawnFigure] = field(default_factory=dict, compare=False)

    @property
    def inches(self) -> tuple[float, float]:
        """Width and height as drawn."""
        if self.ending == "svg":
            found = re.search(rb'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', self.content[:2_000])
            if found:
                return float(found[1]) / _POINTS_AN_INCH, float(found[2]) / _POINTS_AN_INCH
        from PIL import Image

        with Image.open(io.BytesIO(self.pixels or self.content)) as picture:
            return picture.width / DPI, picture.height / DPI


@dataclass(frozen=True)
class KeptTable:
    """A table as a reader sees it: headers with units, cells as texts, which columns are numbers."""

    name: str
    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]


@dataclass(frozen=True)
class KeptQuestion:
    """What came of one question.

    Parameters
    ----------
    name, question, decision, owner : str
        From the notebook.
    status : str
        ``answered``, ``failed`` or ``not_answered``.
    reason : str
        Why there is no answer.
    answers : tuple of str
        Sentences, the headline first.
    numbers, figures, tables
        In the notebook's order.
    gaps : tuple of dict
        ``what`` and ``why`` of what stayed open.
    actions : tuple of dict
        ``name``, ``rows``, ``columns`` of lists of customers; the lists themselves are not read.
    limits : tuple of str
        What the notebook says about its limits.
    parameters : dict
        As it ran.
    page : str
        Page in the run's folder.
    """

    name: str
    question: str
    status: str
    decision: str = ""
    owner: str = ""
    reason: str = ""
    answers: tuple[str, ...] = ()
    numbers: tuple[KeptNumber, ...] = ()
    figures: tuple[DrawnFigure, ...] = ()
    tables: tuple[KeptTable, ...] = ()
    gaps: tuple[dict[str, str], ...] = ()
    actions: tuple[dict[str, Any], ...] = ()
    limits: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    page: str = ""

    @property
    def chapter(self) -> str:
        """First digit of the name, or an empty text."""
        return self.name[0] if self.name[:1].isdigit() else ""

    @property
    def tells_a_run(self) -> bool:
        """Whether it reads other questions' answers instead of a bank."""
        return "run" in self.parameters


@dataclass(frozen=True)
class Run:
    """A run: facts about the bank and what came of each question.

    Parameters
    ----------
    folder : Path
        Where it lies.
    facts : dict
        Bank, currency, date, fingerprint, versions: the manifest without its questions.
    questions : tuple of KeptQuestion
        In reading order.
    validation : KeptQuestion or None
        How the answers compare with the truth of a simulated bank.
    """

    folder: Path
    facts: dict[str, Any]
    questions: tuple[KeptQuestion, ...]
    validation: KeptQuestion | None = None

    @property
    def name(self) -> str:
        """Name of the bank."""
        return str(self.facts.get("bank", ""))

    @property
    def currency(self) -> str:
        """Currency code of the bank."""
        return str(self.facts.get("currency", ""))

    def having(self, status: str) -> tuple[KeptQuestion, ...]:
        """Questions that ended in one way."""
        return tuple(question for question in self.questions if question.status == status)


def newest_run(reports: Path) -> Path:
    """Find the run under a folder whose manifest was written last."""
    runs = sorted(reports.glob("*/manifest.json"), key=lambda path: path.stat().st_mtime)
    if not runs:
        refuse(f"reports folder {str(reports)!r} holds no run. Make one: crmlab run.")
    return runs[-1].parent


def open_run(folder: str) -> Run:
    """Read a run; without a folder the newest under the project's ``reports``.

    Parameters
    ----------
    folder : str
        Folder of a run, or an empty text.
    """
    from crmlab.bank.engine import project_folder

    return read_run(folder or newest_run(project_folder() / "reports"))


def read_run(folder: Path | str, *, language: str = "en") -> Run:
    """Read what a run left.

    Parameters
    ----------
    folder : Path or str
        Folder with ``manifest.json`` and one folder a question.
    language : str
        Of the pictures, where they were drawn in it; texts are those of the findings.

    Returns
    -------
    Run
        A question whose files are damaged counts as failed, with the reason.
    """
    folder = Path(folder)
    if not folder.is_dir():
        refuse(f"run {str(folder)!r} is not a folder. Give the folder that crmlab run names at its end.")
    try:
        told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        entries, validation = told.pop("questions"), told.pop("validation", None)
    except FileNotFoundError:
        refuse(f"run {str(folder)!r} holds no manifest.json. Give a folder that crmlab run has filled.")
    except (ValueError, KeyError, TypeError, AttributeError):
        refuse(f"run {str(folder)!r}: its manifest.json cannot be read. Run it again: crmlab run.")
    questions = tuple(_question(folder, entry, language) for entry in entries)
    return Run(folder, told, questions, _question(folder, validation, language) if validation else None)


def _question(folder: Path, entry: dict[str, Any], language: str) -> KeptQuestion:
    common = {
        "name": entry["name"],
        "question": entry["question"],
        "decision": entry.get("decision", ""),
        "owner": entry.get("owner", ""),
        "parameters": entry.get("parameters", {}),
    }
    if entry["status"] != "answered":
        return KeptQuestion(status=entry["status"], reason=entry.get("reason", ""), **common)
    place = folder / entry["name"]
    try:
        kept = json.loads((place / "findings.json").read_text(encoding="utf-8"))
        return KeptQuestion(
            status="answered",
            answers=tuple(kept["answers"]),
            numbers=tuple(KeptNumber(**{k: n[k] for k in _NUMBER if k in n}) for n in kept["numbers"]),
            figures=tuple(_figure(place, entry["name"], figure, language) for figure in kept["figures"]),
            tables=tuple(_table(table) for table in kept["tables"]),
            gaps=tuple(kept["gaps"]),
            actions=tuple(kept["actions"]),
            limits=_limits(place),
            page=entry.get("page", ""),
            **common,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"what it left cannot be read ({type(error).__name__}); run it again"
        return KeptQuestion(status="failed", reason=reason, **common)


_NUMBER = tuple(KeptNumber.__dataclass_fields__)


def _figure(place: Path, question: str, kept: dict[str, Any], language: str) -> DrawnFigure:
    drawn_so = kept.get("languages", {}).get(language, kept)
    file = place / drawn_so["file"]
    bare, pixels = (file.parent / "slides" / f"{kept['name']}.{ending}" for ending in (file.suffix[1:], "png"))
    chosen = bare if bare.is_file() else file
    whole = chosen.read_bytes()
    drawn = pixels.read_bytes() if pixels.is_file() else whole if chosen.suffix == ".png" else b""
    own = re.sub(r"[^a-z0-9]+", "_", f"{question.lstrip('0123456789_')}_{kept['name']}".lower()).strip("_")
    return DrawnFigure(
        name=f"f{own}"[:60] if not own[:1].isalpha() else own[:60],
        alt=kept["alt"],
        caption=kept.get("caption", ""),
        title=kept.get("title", ""),
        about=kept.get("about", ""),
        reading=kept.get("reading", ""),
        content=whole,
        ending=chosen.suffix[1:],
        pixels=drawn,
        words=tuple(drawn_so.get("words", ())),
        told={other: _figure(place, question, kept, other) for other in kept.get("languages", {})}
        if language == "en"
        else {},
    )


def _table(kept: dict[str, Any]) -> KeptTable:
    rows = tuple(tuple(map(str, row)) for row in kept["texts"])
    return KeptTable(kept["name"], kept["caption"], tuple(kept["headers"]), rows, tuple(kept["numeric"]))


def _limits(place: Path) -> tuple[str, ...]:
    """Take the points under the heading Limits from the notebook that ran."""
    try:
        cells = json.loads((place / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return ()
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    found = _LIMITS.search(text)
    points = re.split(r"^\s*[-*] +", found[1], flags=re.MULTILINE) if found else []
    return tuple(" ".join(point.split()) for point in points if point.strip())
