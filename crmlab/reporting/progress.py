"""How a run tells a person what it does: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crmlab.reporting.results import Result

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

__all__ = ["watching"]


@contextlib.contextmanager
def watching(console: Console, questions: int) -> Iterator[_Lines]:
    """Give the watcher that suits the console."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[unit]}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        yield _Bars(console, progress, questions)


class _Lines:
    """One line when a notebook begins and one when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begins(self, name: str, cells: int) -> None:
        """Say that a notebook runs."""
        self._say(f"{name}: running {cells} cells")

    def reaches(self, name: str, cell: int) -> None:
        """Stay silent: a log needs no line a cell."""

    def ends(self, result: Result) -> None:
        """Say how a question ended."""
        if result.status == "failed":
            self._say(f"{result.name}: FAILED: {result.reason}")
        elif result.status == "not_answered":
            self._say(f"{result.name}: not answered: {result.reason}")
        elif result.reused:
            self._say(f"{result.name}: unchanged, reused")
        else:
            self._say(f"{result.name}: answered in {result.details['seconds']:.0f} s")


class _Bars(_Lines):
    """One bar for the questions and one for the cells of each notebook that runs."""

    def __init__(self, console: Console, progress: Progress, questions: int) -> None:
        super().__init__(console)
        self._progress = progress
        self._all = progress.add_task("all questions", total=questions, unit="questions")
        self._tasks: dict[str, TaskID] = {}

    def begins(self, name: str, cells: int) -> None:
        """Add the notebook's bar."""
        self._tasks[name] = self._progress.add_task(f"  {name}", total=cells, unit="cells")

    def reaches(self, name: str, cell: int) -> None:
        """Move the notebook's bar."""
        self._progress.update(self._tasks[name], completed=cell)

    def ends(self, result: Result) -> None:
        """Take the notebook's bar away and move the bar of all."""
        if result.name in self._tasks:
            self._progress.remove_task(self._tasks.pop(result.name))
        self._progress.advance(self._all)
        super().ends(result)
