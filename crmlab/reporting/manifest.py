"""The manifest: what a run was made from and what it cost."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crmlab.reporting.identity import commit, package_hash
from crmlab.reporting.plan import Plan
from crmlab.reporting.results import Result, RunFolder, write_whole

__all__ = ["write_manifest"]


def write_manifest(
    plan: Plan, folder: RunFolder, results: Sequence[Result], validation: Result | None, seconds: float
) -> Path:
    """Write ``manifest.json`` beside the index.

    It holds times and machine facts; findings do not, so that two runs can be compared byte by byte.
    """
    told = {
        **plan.facts,
        **commit(),
        "package_hash": package_hash(),
        "written_at": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
        "jobs": plan.jobs,
        "machine": {"system": platform.system(), "architecture": platform.machine(), "cores": os.cpu_count()},
        "hash_seed": 0,
        "questions": [_entry(result) for result in results],
    }
    if validation:
        told["validation"] = _entry(validation)
    path = folder.path / "manifest.json"
    write_whole(path, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return path


def _entry(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "question": result.question,
        "status": result.status,
        "reason": result.reason,
        "page": result.page,
        "reused": result.reused,
        "key": result.key,
        **{k: v for k, v in result.details.items() if k not in ("basis", "commit", "dirty")},
    }
