"""The questions a notebooks folder can answer, read from the notebooks themselves without running them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from crmlab.errors import nearest, refuse
from crmlab.reporting.parameters import Parameter, parse_parameters

__all__ = ["Needs", "Question", "choose", "parse_needs", "question", "questions"]

_FIELDS = ("Decision", "Owner", "Reads", "Writes")


class _HasTables(Protocol):
    """What a question asks of a bank: `Bank.has`."""

    def has(self, *needs: str) -> bool: ...


@dataclass(frozen=True)
class Needs:
    """Tables and columns a notebook reads.

    Parameters
    ----------
    alternatives : tuple of tuple of str
        Each entry is enough by itself: ``(("customers", "accounts"), ("snapshot",))``.
    optional : tuple of str
        Used where present; what they would add is told as a gap.
    """

    alternatives: tuple[tuple[str, ...], ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """In words, e.g. ``'customers, accounts or snapshot'``."""
        return " or ".join(", ".join(names) for names in self.alternatives)

    def missing(self, bank: _HasTables) -> str:
        """Name what the bank lacks, or give an empty text when the question can be answered.

        Of several alternatives the nearest is named first.
        """
        lacks = [tuple(n for n in names if not bank.has(n)) for names in self.alternatives]
        if not lacks or () in lacks:
            return ""
        shortest_first = sorted(dict.fromkeys(lacks), key=len)
        return " or ".join(" and ".join(names) for names in shortest_first)


@dataclass(frozen=True)
class Question:
    """One notebook, seen from outside.

    Parameters
    ----------
    name : str
        File name without ending, e.g. ``10_segments_wealth``.
    path : Path
        The notebook.
    question, decision, owner, writes : str
        From the title cell.
    needs : Needs
        From ``Reads`` in the title cell.
    parameters : tuple of Parameter
        From the cell tagged ``parameters``.
    problems : tuple of str
        What keeps the notebook from running (no title, no parameters cell, ...).
    code_hash : str
        Hash of the cells' sources; outputs and metadata do not count.
    """

    name: str
    path: Path
    question: str
    decision: str
    owner: str
    writes: str
    needs: Needs
    parameters: tuple[Parameter, ...]
    problems: tuple[str, ...]
    code_hash: str

    @property
    def reads_run(self) -> bool:
        """Whether it reads the answers of the other questions of its run, and no bank."""
        return any(parameter.name == "run" for parameter in self.parameters)

    @property
    def chapter(self) -> str:
        """First digit of the file name, or an empty text."""
        return self.name[0] if self.name[:1].isdigit() else ""


def parse_needs(text: str) -> Needs:
    """Read the ``Reads`` line of a title cell.

    >>> parse_needs("`customers`, `accounts` or `snapshot`; if present `balances`, `customers.birth_on`")
    Needs(alternatives=(('customers', 'accounts'), ('snapshot',)), optional=('balances', 'customers.birth_on'))
    """
    must, _, optional = text.partition("if present")
    alternatives = tuple(tuple(_named(part)) for part in re.split(r"\bor\b", must))
    return Needs(tuple(a for a in alternatives if a), tuple(_named(optional)))


def _named(text: str) -> list[str]:
    return re.findall(r"`([a-z_0-9.]+)`", text)


def question(path: Path | str) -> Question:
    """Read one notebook's title and parameters.

    Parameters
    ----------
    path : Path or str
        An ``.ipynb`` file.

    Returns
    -------
    Question
        With its problems listed instead of raised, so that one broken notebook does not hide the others.
    """
    path = Path(path)
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = [(cell["cell_type"], "".join(cell["source"]), _tags(cell)) for cell in cells]
    except (ValueError, KeyError, TypeError):
        wrong = f"{path.stem}: the file is not a notebook (JSON, format 4). Save it again from JupyterLab."
        return Question(path.stem, path, path.stem, "", "", "", Needs(), (), (wrong,), "")
    problems: list[str] = []
    title = next((text for kind, text, _ in sources[:1] if kind == "markdown"), "")
    heading = re.search(r"^# +(.+)$", title, re.MULTILINE)
    if not heading:
        problems.append(f"{path.stem}: the first cell has no title. Write the question there as '# Question?'.")
    fields = _title_fields(title)
    marked = [text for kind, text, tags in sources if kind == "code" and "parameters" in tags]
    if len(marked) != 1:
        problems.append(
            f"{path.stem}: {len(marked)} cells have the tag 'parameters'. Tag one cell, in the property inspector."
        )
    parameters: tuple[Parameter, ...] = ()
    if marked:
        parameters, wrong_lines = parse_parameters(marked[0], path.stem)
        problems += wrong_lines
    hashed = json.dumps([(kind, text, tags) for kind, text, tags in sources])
    return Question(
        name=path.stem,
        path=path,
        question=heading[1].strip() if heading else path.stem,
        decision=fields.get("Decision", ""),
        owner=fields.get("Owner", ""),
        writes=fields.get("Writes", ""),
        needs=parse_needs(fields.get("Reads", "")),
        parameters=parameters,
        problems=tuple(problems),
        code_hash=hashlib.sha256(hashed.encode()).hexdigest(),
    )


def _tags(cell: dict[str, Any]) -> list[str]:
    return sorted(cell.get("metadata", {}).get("tags", []))


def _title_fields(title: str) -> dict[str, str]:
    names = "|".join(_FIELDS)
    found = re.finditer(rf"\*\*({names})[:.]?\*\*[:.]?\s*(.*?)(?=\s*·?\s*\*\*(?:{names})|\Z)", title, re.DOTALL)
    return {match[1]: " ".join(match[2].split()) for match in found}


def questions(folder: Path | str) -> tuple[Question, ...]:
    """Read every notebook of a folder, in reading order; ``scratch/`` is left out.

    Parameters
    ----------
    folder : Path or str
        Usually ``notebooks``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        refuse(f"notebooks folder {str(folder)!r} does not exist. Start crmlab in the project, or give --notebooks.")
    return tuple(question(path) for path in sorted(folder.glob("*.ipynb")))


def choose(wanted: Sequence[str], known: Iterable[Question]) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """Choose notebooks by name, by the start of a name, or by path.

    Returns
    -------
    (chosen, problems)
        In reading order; nothing wanted means all.
    """
    known = tuple(known)
    if not wanted:
        return known, ()
    chosen: dict[str, Question] = {}
    problems = []
    for text in wanted:
        if text.endswith(".ipynb") and Path(text).is_file():
            own = question(Path(text).resolve())
            chosen[own.name] = own
            continue
        name = Path(text).name.removesuffix(".ipynb")
        exact = [q for q in known if q.name == name]
        matches = exact or [q for q in known if name and q.name.startswith(name)]
        if not matches:
            names = [q.name for q in known]
            starts = {q.name[: len(name)]: q.name for q in known}
            hint = nearest(name, names) or (f" Did you mean {starts[near]!r}?" if (near := _near(name, starts)) else "")
            problems.append(f"notebook {text!r} does not exist. There are {', '.join(names) or 'none'}.{hint}")
        chosen |= {q.name: q for q in matches}
    return tuple(sorted(chosen.values(), key=lambda q: q.name)), tuple(problems)


def _near(name: str, starts: Iterable[str]) -> str:
    hint = nearest(name, starts)
    return hint.removeprefix(" Did you mean '").removesuffix("'?")
