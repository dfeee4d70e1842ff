"""What a story is made of: scenes with one message each."""

from __future__ import annotations

from dataclasses import dataclass

from crmlab.findings.reading import DrawnFigure, KeptNumber, Run

__all__ = ["Grid", "Scene", "Story"]


@dataclass(frozen=True)
class Grid:
    """A table of texts.

    Parameters
    ----------
    headers : tuple of str
        One a column.
    rows : tuple of tuple of str
        Cells.
    numeric : tuple of bool
        Columns aligned right.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Scene:
    """One message with its evidence.

    Parameters
    ----------
    kind : str
        ``cover``, ``figure``, ``table`` or ``text``.
    act : str
        Part of the story.
    title : str
        The message.
    points : tuple of str
        What is said beside it, the most important first; whoever shows it may stop after any of them.
    figure : DrawnFigure or None
        Evidence.
    table : Grid or None
        Evidence.
    source : str
        Question, date, n and interval, for the footer.
    notes : tuple of str
        For the speaker.
    question : str
        Notebook that says it; empty for a scene about the run.
    number : KeptNumber or None
        The number that stands for the message.
    is_appendix : bool
        Behind the story.
    """

    kind: str
    act: str
    title: str
    points: tuple[str, ...] = ()
    figure: DrawnFigure | None = None
    table: Grid | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    question: str = ""
    number: KeptNumber | None = None
    is_appendix: bool = False


@dataclass(frozen=True)
class Story:
    """The scenes of a run in their order.

    Parameters
    ----------
    run : Run
        Where they come from.
    scenes : tuple of Scene
        Cover first, appendix last.
    missing : tuple of str
        What failed, in words; empty when all is there.
    language : str
        Of what stands around the findings.
    """

    run: Run
    scenes: tuple[Scene, ...]
    missing: tuple[str, ...] = ()
    language: str = "en"

    @property
    def main(self) -> tuple[Scene, ...]:
        """The scenes before the appendix."""
        return tuple(scene for scene in self.scenes if not scene.is_appendix)

    @property
    def evidence(self) -> tuple[Scene, ...]:
        """The scenes that show a figure of a question."""
        return tuple(scene for scene in self.scenes if scene.figure is not None)
