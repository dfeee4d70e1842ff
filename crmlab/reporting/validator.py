"""The validation of one run in a process of its own: hold the answers against the truth, make the page. Started by
the runner, like a notebook."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

from crmlab.reporting.worker import serve

__all__ = ["main"]


def main(job_file: str) -> int:
    """Do the job described in a file."""
    return serve(job_file, _validate)


def _validate(job: dict[str, Any], begun: Path, said: TextIO) -> dict[str, Any] | None:
    from crmlab.errors import CrmlabError

    try:
        _make(job, begun)
    except CrmlabError as refusal:
        return {"cell": None, "line": "", "error": str(refusal), "cure": ""}
    except Exception as error:
        traceback.print_exc()
        told = f"{type(error).__name__}: {error}".strip().rstrip(".") + "."
        return {"cell": None, "line": "", "error": told, "cure": f"See {job['name']}/log.txt for the whole trace."}
    return None


def _make(job: dict[str, Any], begun: Path) -> None:
    from crmlab.bank import Bank
    from crmlab.reporting.validation_page import write_validation
    from crmlab.validation.check import validate
    from crmlab.validation.registry import Answered
    from crmlab.validation.truth import Truth

    source = job["parameters"]["source"]
    bank = Bank.open(source).as_of(job["parameters"]["as_of"])
    answered = [
        Answered(
            one["name"],
            one["question"],
            json.loads(Path(one["findings"]).read_text(encoding="utf-8"))["numbers"],
            one["parameters"],
        )
        for one in job["answers"]
    ]
    write_validation(begun, job["page"], validate(bank, Truth.open(source), answered), bank)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
