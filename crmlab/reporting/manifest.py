"""The manifest: what a run was made from and what it cost."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from crmlab.reporting.identity import commit, package_hash
from crmlab.reporting.plan import Plan
from crmlab.reporting.results import Result, RunFolder, write_whole

__all__ = ["write_manifest"]


def write_manifest(plan: Plan, folder: RunFolder, results: Sequence[Result], seconds: float) -> Path:
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
        "questions": [
            {
                "name": r.name,
                "question": r.question,
                "status": r.status,
                "reason": r.reason,
                "page": r.page,
                "reused": r.reused,
                "key": r.key,
                **{k: v for k, v in r.details.items() if k not in ("basis", "commit", "dirty")},
            }
            for r in results
        ],
    }
    path = folder.path / "manifest.json"
    write_whole(path, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return path
