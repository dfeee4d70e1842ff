"""Answer the questions of a plan, several at a time, and leave the report."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Protocol

import crmlab
from crmlab.errors import CrmlabError
from crmlab.findings.collect import NOTEBOOK_VARIABLE, RESULT_VARIABLE
from crmlab.findings.models import texts_of
from crmlab.language import LANGUAGES
from crmlab.reporting.decks import link_decks
from crmlab.reporting.guard import refuse_identifiers
from crmlab.reporting.identity import commit
from crmlab.reporting.index import write_index
from crmlab.reporting.manifest import write_manifest
from crmlab.reporting.plan import VALIDATION, Asked, Plan
from crmlab.reporting.results import Result, RunFolder
from crmlab.reporting.stories import ask_story
from crmlab.reporting.summary import write_summary, write_summary_text
from crmlab.reporting.translating import page_in, remove_translations, translate_run
from crmlab.reporting.validating import ask_validation

__all__ = ["Summary", "Watcher", "run"]

_CHATTER = "running over TCP without encryption"  # ipykernel says so at each start; the socket is this machine's own
_HASH_SEED = "0"
_MEMORY_MB = 2_000  # the engine's share for all notebooks that run at the same time


class Watcher(Protocol):
    """Who is told how the run goes (a progress bar, a log)."""

    def begins(self, name: str, cells: int) -> None:
        """Say that a notebook runs and how many cells it has."""

    def reaches(self, name: str, cell: int) -> None:
        """Say which cell a notebook has reached."""

    def ends(self, result: Result) -> None:
        """Say how a question ended."""


@dataclass(frozen=True)
class Summary:
    """What came of a run.

    Parameters
    ----------
    results : tuple of Result
        In reading order.
    validation : Result or None
        How the answers compare with the truth of a simulated bank; None where no truth is known.
    index : Path
        The page to open first.
    seconds : float
        Wall time.
    """

    results: tuple[Result, ...]
    validation: Result | None
    index: Path
    seconds: float

    @property
    def failed(self) -> tuple[Result, ...]:
        """Questions whose notebook failed, and the validation if it did."""
        every = (*self.results, *([self.validation] if self.validation else []))
        return tuple(r for r in every if r.status == "failed")


def run(plan: Plan, watcher: Watcher, *, fresh: bool = False, language: str = "en") -> Summary:
    """Run what is not yet answered and write pages, index and manifest.

    Parameters
    ----------
    plan : Plan
        From `make_plan`.
    watcher : Watcher
        Told about each step.
    fresh : bool
        Run everything again, even where nothing changed.
    language : str
        ``zh``: every page in Chinese too, beside the English one.
    """
    started = time.perf_counter()
    folder = RunFolder(plan.out)
    results: dict[str, Result] = {}
    with folder.only_here():
        about_the_bank = [asked for asked in plan.asked if not asked.question.reads_run]
        results |= _answer(about_the_bank, plan, folder, watcher, fresh=fresh)
        standing = [*results.values(), *_standing(plan, folder)]
        stories = [asked for asked in plan.asked if asked.question.reads_run]
        if stories:  # they read the manifest, so it is written before them, and once more at the end
            write_manifest(plan, folder, _in_order(standing), None, time.perf_counter() - started)
            asked_now = [ask_story(asked, folder, standing) for asked in stories]
            results |= _answer(asked_now, plan, folder, watcher, fresh=fresh)
        ordered = tuple(results[asked.question.name] for asked in plan.asked)
        told = [*(results[asked.question.name] for asked in stories), *_stories_standing(plan, folder, standing)]
        standing = _in_order([*standing, *told])
        validation = _validate(plan, folder, watcher, standing, fresh=fresh)
        index = write_index(plan, folder, standing, validation, language=language)
        seconds = time.perf_counter() - started
        write_manifest(plan, folder, standing, validation, seconds)
        write_summary(folder.path, plan.previous)
        link_decks(folder.path)
        index = _translate(folder.path, plan, language, index)
    return Summary(ordered, validation, index, time.perf_counter() - started)


def _translate(folder: Path, plan: Plan, language: str, index: Path) -> Path:
    """Write the pages in other languages that were asked for, take away those that were not; give the index to open."""
    for other in LANGUAGES:
        if other == "en":
            continue
        remove_translations(folder, other)
        if other == language:
            translate_run(folder, other)
            write_summary_text(folder, plan.previous, other)
    return page_in(index, language)


def _in_order(results: list[Result]) -> list[Result]:
    return sorted(results, key=lambda result: result.name)


def _answer(wanted: list[Asked], plan: Plan, folder: RunFolder, watcher: Watcher, *, fresh: bool) -> dict[str, Result]:
    """Answer questions: from earlier results where nothing changed, else by running them."""
    results: dict[str, Result] = {}
    todo: list[Asked] = []
    for asked in wanted:
        name = asked.question.name
        stored = None if fresh else folder.answered(name)
        if asked.lacks:
            folder.drop(name)
            reason = f"needs {asked.lacks}"
            results[name] = Result(name, asked.question.question, "not_answered", asked.key, reason=reason)
            watcher.ends(results[name])
        elif stored and stored.key == asked.key:
            results[name] = stored
            watcher.ends(stored)
        else:
            todo.append(asked)
    for result in _Workers(plan, folder, watcher).answer(todo):
        results[result.name] = result
    return results


def _validate(plan: Plan, folder: RunFolder, watcher: Watcher, standing: list[Result], *, fresh: bool) -> Result | None:
    """Hold what stands against the truth, where the bank has one; it is asked like a question, after all others."""
    wanted = ask_validation(plan, folder, standing)
    if wanted is None:
        folder.drop(VALIDATION)
        return None
    asked, more = wanted
    stored = None if fresh else folder.answered(VALIDATION)
    if stored and stored.key == asked.key:
        watcher.ends(stored)
        return stored
    return _Workers(plan, folder, watcher, "crmlab.reporting.validator", more).answer([asked])[0]


def _standing(plan: Plan, folder: RunFolder) -> list[Result]:
    """Earlier answers that this run did not ask for and that still hold: same notebook, code, data and day."""
    others = [other for other in plan.others if not other.question.reads_run]
    stored = [(other, folder.answered(other.question.name)) for other in others]
    return [result for other, result in stored if result and result.details.get("basis") == other.basis]


def _stories_standing(plan: Plan, folder: RunFolder, standing: list[Result]) -> list[Result]:
    """Earlier stories that this run did not ask for and whose every answer still stands as it was."""
    asked = [ask_story(other, folder, standing) for other in plan.others if other.question.reads_run]
    stored = [(one, folder.answered(one.question.name)) for one in asked]
    return [result for one, result in stored if result and result.key == one.key]


class _Workers:
    """The processes of one run, each with one notebook."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        watcher: Watcher,
        module: str = "crmlab.reporting.worker",
        more: dict[str, Any] | None = None,
    ) -> None:
        self._plan, self._folder, self._watcher = plan, folder, watcher
        self._module, self._more = module, more or {}
        self._said: queue.SimpleQueue[tuple[str, dict[str, Any] | None]] = queue.SimpleQueue()
        self._running: dict[str, tuple[Asked, Path, subprocess.Popen[str]]] = {}

    def answer(self, todo: list[Asked]) -> list[Result]:
        """Run all, `jobs` at a time; a failure stops nothing else."""
        waiting, results = deque(todo), []
        jobs = max(1, min(self._plan.jobs, len(todo)))
        last: dict[str, dict[str, Any]] = {}
        try:
            while waiting or self._running:
                while waiting and len(self._running) < jobs:
                    self._start(waiting.popleft(), jobs)
                name, message = self._said.get()
                if message is None:
                    results.append(self._end(name, last.get(name)))
                elif "cells" in message:
                    self._watcher.begins(name, message["cells"])
                elif "cell" in message:
                    self._watcher.reaches(name, message["cell"])
                elif "done" in message:
                    last[name] = message["done"]
        finally:
            for _, begun, process in self._running.values():
                process.terminate()
                process.wait()
                shutil.rmtree(begun, ignore_errors=True)
        return results

    def _start(self, asked: Asked, jobs: int) -> None:
        name, plan = asked.question.name, self._plan
        begun = self._folder.begin(name)
        job = {
            "name": name,
            "folder": str(begun),
            "notebook": str(asked.question.path),
            "cwd": str(asked.question.path.parent),
            "parameters": {**asked.parameters, **asked.files, **_source(asked, plan)},
            "page": {
                "name": name,
                "question": asked.question.question,
                "decision": asked.question.decision,
                "owner": asked.question.owner,
                "parameters": [
                    {"name": p.name, "value": asked.parameters[p.name], "help": p.help}
                    for p in asked.question.parameters
                    if p.name in asked.parameters
                ],
                "facts": {**plan.facts, **commit()},
            },
            **self._more,
        }
        job_file = begun / "job.json"
        job_file.write_text(json.dumps(job, ensure_ascii=False), encoding="utf-8")
        with open(begun / "log.txt", "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", self._module, str(job_file)],
                stdin=subprocess.PIPE,  # closes when this process ends, however it ends; then the worker ends too
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env=_environment(name, begun, jobs),
            )
        self._running[name] = (asked, begun, process)
        threading.Thread(target=self._listen, args=(name, process), daemon=True).start()

    def _listen(self, name: str, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            self._said.put((name, json.loads(line)))
        process.wait()
        self._said.put((name, None))

    def _end(self, name: str, done: dict[str, Any] | None) -> Result:
        asked, begun, process = self._running.pop(name)
        process.stdout.close()
        process.stdin.close()
        log = _last_line(begun / "log.txt")
        _clean(begun)
        failure = (done or {}).get("failure")
        if done is None:
            failure = {
                "cell": None,
                "line": "",
                "error": f"its process ended with code {process.returncode}{f' ({log})' if log else ''}.",
                "cure": "A process that is killed has often run out of memory; try --jobs 1.",
            }
        if not failure:
            failure = self._refusal(begun, name)
        details = {
            "parameters": asked.parameters,
            "seeds": {k: v for k, v in asked.parameters.items() if k == "seed" or k.endswith("_seed")},
            "seconds": (done or {}).get("seconds"),
            "peak_memory_mib": (done or {}).get("memory_mib"),
            "basis": asked.basis,
            "decision": asked.question.decision,
            "owner": asked.question.owner,
            **commit(),
        }
        common = {"name": name, "question": asked.question.question, "key": asked.key, "details": details}
        if failure:
            (begun / f"{name}.html").unlink(missing_ok=True)
            shutil.rmtree(begun / "models", ignore_errors=True)
            result = Result(status="failed", reason=_told(failure), **common)
        else:
            kept = json.loads((begun / "findings.json").read_text(encoding="utf-8"))
            result = Result(
                status="answered",
                headline=kept["answers"][0],
                further=tuple(kept["answers"][1:]),
                page=f"{name}/{name}.html",
                gaps=tuple(kept["gaps"]),
                **common,
            )
        result = self._folder.keep(begun, result)
        self._watcher.ends(result)
        return result

    def _refusal(self, begun: Path, name: str) -> dict[str, Any] | None:
        try:
            refuse_identifiers((begun / f"{name}.html").read_text(encoding="utf-8"), self._plan.bank, name)
            pictured = [f["words"] for f in json.loads((begun / "findings.json").read_text("utf-8"))["figures"]]
            refuse_identifiers("", self._plan.bank, name, pictured=[word for words in pictured for word in words])
            for path in sorted((begun / "models").glob("*.json")):
                texts = texts_of(json.loads(path.read_text(encoding="utf-8")))
                refuse_identifiers(escape("\n".join(texts)), self._plan.bank, name, what=f"the model {path.stem!r}")
        except CrmlabError as refusal:
            return {"cell": None, "line": "", "error": str(refusal), "cure": ""}
        return None


def _source(asked: Asked, plan: Plan) -> dict[str, str]:
    return {} if asked.question.reads_run else {"source": plan.source}


def _environment(name: str, begun: Path, jobs: int) -> dict[str, str]:
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    fixed = {
        RESULT_VARIABLE: str(begun),
        NOTEBOOK_VARIABLE: name,
        "CRMLAB_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "PYTHONHASHSEED": _HASH_SEED,
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "IPYTHONDIR": str(begun / ".ipython"),  # the user's own start-up files change no result
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    chosen = {"CRMLAB_MEMORY": os.environ.get("CRMLAB_MEMORY", f"{_MEMORY_MB // jobs}MB")}
    # The kernel imports the very package that runs here, whatever else is installed.
    package = Path(crmlab.__file__).parents[1]
    paths = [str(package)] * (package / "pyproject.toml").is_file() + [os.environ.get("PYTHONPATH", "")]
    chosen["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return {**os.environ, **fixed, **chosen}


def _clean(begun: Path) -> None:
    """Take away what only the run itself needed."""
    shutil.rmtree(begun / ".ipython", ignore_errors=True)
    (begun / "job.json").unlink(missing_ok=True)
    log = begun / "log.txt"
    lines = [x for x in log.read_text(encoding="utf-8", errors="replace").splitlines() if _CHATTER not in x]
    if any(line.strip() for line in lines):
        log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        log.unlink()


def _last_line(log: Path) -> str:
    lines = [x.strip() for x in log.read_text(encoding="utf-8", errors="replace").splitlines() if x.strip()]
    return lines[-1] if lines and _CHATTER not in lines[-1] else ""


def _told(failure: dict[str, Any]) -> str:
    place = f"cell {failure['cell']} (`{failure['line']}`): " if failure["cell"] else ""
    error = failure["error"].rstrip()
    end = "" if error.endswith((".", "?", "!", "'")) else "."
    return f"{place}{error}{end} {failure['cure']}".strip()
