"""The validation of a run as one more question: is there a truth, and did anything change since it was last held?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crmlab.reporting.identity import key, package_hash, validation_hash, versions
from crmlab.reporting.plan import VALIDATION, Asked, Plan
from crmlab.reporting.questions import Needs, Question
from crmlab.reporting.results import Result, RunFolder

__all__ = ["QUESTION", "ask_validation"]

QUESTION = "Does the kit recover the truth?"


def ask_validation(plan: Plan, folder: RunFolder, results: Sequence[Result]) -> tuple[Asked, dict[str, Any]] | None:
    """Say what is to be held against the truth.

    Parameters
    ----------
    plan : Plan
        The run.
    folder : RunFolder
        Where the answers are.
    results : sequence of Result
        What stands in the report, whether made now or earlier.

    Returns
    -------
    (Asked, dict) or None
        The validation as a question with the identity of all it reads, and the answers to read; None for a bank whose
        truth is not known.
    """
    if not plan.bank.is_simulated:
        return None
    from crmlab.validation.truth import truth_fingerprint

    planted = truth_fingerprint(plan.source)
    if not planted:
        return None
    answered = [result for result in results if result.status == "answered"]
    read = [
        {
            "name": result.name,
            "question": result.question,
            "findings": str(folder.path / result.name / "findings.json"),
            "parameters": result.details["parameters"],
        }
        for result in answered
    ]
    identity = key(
        validation=validation_hash(),
        package=package_hash(),
        bank=[plan.bank.name, plan.bank.fingerprint, *plan.bank.tables],
        truth=planted,
        as_of=plan.as_of,
        versions=versions(),
        answers=[[one["name"], one["question"], one["parameters"], _digest(one["findings"])] for one in read],
    )
    question = Question(
        name=VALIDATION,
        path=plan.notebooks / f"{VALIDATION}.ipynb",
        question=QUESTION,
        decision="whether the methods behind the other answers can be trusted",
        owner="whoever vouches for the kit",
        writes="",
        needs=Needs(),
        parameters=(),
        problems=(),
        code_hash="",
    )
    asked = Asked(question, {"as_of": plan.as_of}, "", identity, identity)
    return asked, {"answers": read, "truth": plan.source}


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
