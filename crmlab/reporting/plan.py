"""What a run will do, with every wrong wish told before anything runs."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlab.errors import CrmlabError, refuse
from crmlab.findings.reading import Run, read_run
from crmlab.reporting.changes import refuse_other_banks
from crmlab.reporting.identity import key, package_hash, versions
from crmlab.reporting.parameters import resolve_parameters
from crmlab.reporting.questions import Question, choose, questions

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["SIMULATED", "VALIDATION", "Asked", "Plan", "make_plan"]

SIMULATED = "data/simulated"
VALIDATION = "validation"  # folder and name of the page that holds answers against a known truth
_OF_THE_RUN = ("source", "as_of")


@dataclass(frozen=True)
class Asked:
    """One question of a run.

    Parameters
    ----------
    question : Question
        The notebook.
    parameters : dict
        Every parameter with the value it will have, ``source`` aside.
    lacks : str
        What the bank lacks for it; empty when it can be answered.
    key : str
        Identity of its inputs.
    basis : str
        The same without the parameters.
    files : dict of str to str
        Full paths of the parameters that name a file.
    """

    question: Question
    parameters: dict[str, Any]
    lacks: str
    key: str
    basis: str
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A checked run."""

    bank: Bank
    source: str
    as_of: str
    out: Path
    notebooks: Path
    asked: tuple[Asked, ...]
    others: tuple[Asked, ...]
    jobs: int
    previous: Run | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What every page says about the run."""
        return {
            "bank": self.bank.name,
            "currency": self.bank.currency,
            "simulated": self.bank.is_simulated,
            "as_of": self.as_of,
            "fingerprint": self.bank.fingerprint,
            "rows_read": sum(read for read, _ in (self.bank.report.rows or {}).values()),
            "rows_set_aside": self.bank.report.set_aside,
            "versions": versions(),
        }


def make_plan(
    root: Path,
    *,
    source: str = "",
    as_of: str = "",
    out: str = "",
    parameters: Sequence[str] = (),
    wanted: Sequence[str] = (),
    jobs: int = 0,
    notebooks: str = "",
    previous: str = "",
) -> Plan:
    """Check every wish and resolve every parameter.

    Parameters
    ----------
    root : Path
        Folder of the project; relative defaults are anchored there.
    source : str
        Bank to read, relative to the current folder; empty: the simulated bank of the project.
    as_of : str
        ``YYYY-MM-DD``; empty: the last day known.
    out : str
        Folder of the run; empty: ``reports/<bank>-<as_of>``.
    parameters : sequence of str
        ``name=value`` texts.
    wanted : sequence of str
        Notebooks; none means all.
    jobs : int
        Notebooks at the same time; 0: as many as cores.
    notebooks : str
        Folder of the notebooks; empty: the project's.
    previous : str
        Folder of an earlier run of the same bank, to say what changed; empty: none.
    """
    problems: list[str] = []
    folder = Path(notebooks).resolve() if notebooks else root / "notebooks"
    known = questions(folder)
    chosen, wrong = choose(wanted, known)
    problems += wrong
    if not known and not chosen:
        problems.append(f"notebooks folder {str(folder)!r} holds no notebook. Give another with --notebooks.")
    for question in chosen:
        problems += question.problems
        if question.name == VALIDATION:
            problems.append(f"notebook {VALIDATION!r}: its name is taken by the validation page. Give it another.")
        lacking = [name for name in _OF_THE_RUN if name not in {p.name for p in question.parameters}]
        if lacking and not question.problems and not question.reads_run:
            problems.append(
                f"{question.name}: the parameters cell lacks {' and '.join(lacking)}. Add {_lines(lacking)}"
            )
    values, wrong = resolve_parameters(parameters, {q.name: q.parameters for q in chosen})
    problems += wrong if chosen else ()
    if jobs < 0:
        problems.append(f"--jobs {jobs} is below 1. Give the number of notebooks to run at the same time.")
    where = _anchored(root, source) if source else root / SIMULATED
    view, wrong = _open(source, where, as_of)
    problems += wrong
    if view is None:
        refuse(*problems)
        raise AssertionError
    target = Path(out).resolve() if out else root / "reports" / f"{_slug(view.name)}-{view.date}"
    if target == where or where in target.parents:
        problems.append(
            f"--out {out!r} lies in the source. Results never go where the data are; choose another folder."
        )
    others = tuple(q for q in known if q.name not in {c.name for c in chosen} and not q.problems)
    asked, problems_of_needs = _ask(chosen, values, view, root)
    earlier, wrong = _previous(previous, root, view, target)
    refuse(*problems, *problems_of_needs, *wrong)
    defaults = {q.name: {p.name: p.default for p in q.parameters} for q in others}
    return Plan(
        bank=view,
        source=str(where),
        as_of=str(view.date),
        out=target,
        notebooks=folder,
        asked=asked,
        others=_ask(others, defaults, view, root)[0],
        jobs=jobs or os.cpu_count() or 1,
        previous=earlier,
    )


def _previous(previous: str, root: Path, view: Bank, target: Path) -> tuple[Run | None, tuple[str, ...]]:
    """Read the earlier run, which must be of the same bank and of an earlier day."""
    if not previous:
        return None, ()
    where = _anchored(root, previous)
    if where.resolve() == target.resolve():
        return None, (f"--previous {previous!r} is the folder of this run. Name the folder of an earlier one.",)
    try:
        found = read_run(where)
        refuse_other_banks(found, view.name, view.currency, str(view.date))
    except CrmlabError as refusal:
        return None, refusal.problems
    return found, ()


def _anchored(root: Path, source: str) -> Path:
    """Find a relative path in the current folder, else in the project."""
    here = Path(source).expanduser().resolve()
    return here if here.exists() or not (root / source).exists() else (root / source).resolve()


def _open(source: str, where: Path, as_of: str) -> tuple[Bank | None, tuple[str, ...]]:
    from crmlab.bank import Bank

    if not source and not where.exists():
        return None, (
            f"the simulated bank is not at {SIMULATED} yet. "
            f"Make it: crmlab simulate --customers 5000 --months 36 --seed 1 --out {SIMULATED}, or give --source.",
        )
    try:
        return Bank.open(where).as_of(as_of), ()
    except CrmlabError as refusal:
        return None, refusal.problems


def _ask(
    chosen: Sequence[Question], values: dict[str, dict[str, Any]], bank: Bank, root: Path
) -> tuple[tuple[Asked, ...], tuple[str, ...]]:
    asked, problems = [], []
    for question in chosen:
        try:
            lacks = question.needs.missing(bank)
            optional = [name for name in question.needs.optional if bank.has(name)]
        except CrmlabError as refusal:
            problems += [f"{question.name}: 'Reads' in the title cell: {problem}" for problem in refusal.problems]
            continue
        resolved = {k: v for k, v in values[question.name].items() if k != "source"} | {"as_of": str(bank.date)}
        basis = key(
            notebook=question.code_hash,
            package=package_hash(),
            bank=[bank.name, bank.currency, bank.minor_units, bank.timezone, bank.fingerprint, *bank.tables, *optional],
            as_of=resolved["as_of"],
            versions=versions(),
        )
        files, wrong = _files(question, resolved, root)
        problems += wrong
        held = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
        whole = key(basis=basis, parameters=resolved, files=held)
        asked.append(Asked(question, resolved, lacks, whole, basis, {k: str(path) for k, path in files.items()}))
    return tuple(asked), tuple(problems)


def _files(question: Question, values: dict[str, Any], root: Path) -> tuple[dict[str, Path], list[str]]:
    """Find the files that parameters name, and tell those that are not there."""
    named = {p.name: values[p.name] for p in question.parameters if p.is_file and values.get(p.name)}
    found = {name: _anchored(root, text) for name, text in named.items()}
    problems = [
        f"{question.name}: {name}={named[name]!r} is not a file. Give the path of one, or leave it empty."
        for name, path in found.items()
        if not path.is_file()
    ]
    return {name: path for name, path in found.items() if path.is_file()}, problems


def _lines(names: list[str]) -> str:
    forms = {
        "source": f'source: str = "{SIMULATED}"  # bank to read',
        "as_of": 'as_of: str = ""  # YYYY-MM-DD; empty: the last day known',
    }
    return " and ".join(f"`{forms[name]}`" for name in names) + "."


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "bank"
