"""Notebooks that tell a run: asked after all other questions, and anew when any of their answers changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from crmlab.reporting.identity import key
from crmlab.reporting.plan import Asked
from crmlab.reporting.results import Result, RunFolder

__all__ = ["ask_story"]


def ask_story(asked: Asked, folder: RunFolder, standing: Sequence[Result]) -> Asked:
    """Give a story what it reads, and the identity of all of that.

    Parameters
    ----------
    asked : Asked
        A question with the parameter ``run``.
    folder : RunFolder
        The run.
    standing : sequence of Result
        What came of the other questions, whether now or earlier.

    Returns
    -------
    Asked
        With the run's folder as ``run``; where the run lies is no part of its identity.
    """
    read = sorted((r.name, r.question, r.status, r.reason, _digest(folder, r)) for r in standing)
    own = {parameter.name for parameter in asked.question.parameters}
    parameters = {name: value for name, value in asked.parameters.items() if name in own} | {"run": ""}
    identity = key(basis=asked.basis, parameters=parameters, read=read)
    return replace(asked, parameters=parameters, key=identity, files={"run": str(folder.path)})


def _digest(folder: RunFolder, result: Result) -> str:
    path = folder.path / result.name / "findings.json"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
