"""A story in another language: every text of it told, nothing chosen anew."""

from __future__ import annotations

from dataclasses import replace

from crmlab.findings.reading import DrawnFigure, KeptNumber
from crmlab.findings.telling import teller
from crmlab.language.interpreter import Interpreter
from crmlab.story.scenes import Grid, Scene, Story

__all__ = ["retold"]


def retold(story: Story, language: str) -> Story:
    """Tell a story in another language.

    Which messages are told, in what order and with which figure is settled before, so decks of one run say the same in
    every language, number by number.
    """
    tell = teller(language)
    if language == "en":
        return story
    scenes = tuple(_scene(scene, tell) for scene in story.scenes)
    return replace(story, scenes=scenes, missing=tell.every(story.missing), language=language)


def _scene(scene: Scene, tell: Interpreter) -> Scene:
    return replace(
        scene,
        act=tell(scene.act),
        title=tell(scene.title),
        points=tell.every(scene.points),
        figure=_figure(scene.figure, tell) if scene.figure else None,
        table=_grid(scene.table, tell) if scene.table else None,
        source=tell(scene.source),
        notes=tell.every(scene.notes),
        number=_number(scene.number, tell) if scene.number else None,
    )


def _figure(figure: DrawnFigure, tell: Interpreter) -> DrawnFigure:
    said = {name: tell(getattr(figure, name)) for name in ("alt", "caption", "title", "about", "reading")}
    return replace(figure, **said)


def _grid(grid: Grid, tell: Interpreter) -> Grid:
    return replace(grid, headers=tell.every(grid.headers), rows=tuple(tell.every(row) for row in grid.rows))


def _number(number: KeptNumber, tell: Interpreter) -> KeptNumber:
    said = {name: tell(getattr(number, name)) for name in ("label", "method", "short", "interval", "text")}
    return replace(number, **said)
