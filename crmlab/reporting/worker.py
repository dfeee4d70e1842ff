"""One notebook in a process of its own: run it, make its page, say how it went. Started by the runner."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

__all__ = ["main", "serve"]

_KERNEL = "python3"
_START_SECONDS = 180  # a busy machine needs a while


Failure = dict[str, Any]


def main(job_file: str) -> int:
    """Run a notebook and make its page."""
    return serve(job_file, lambda job, begun, said: _run(job, begun, said) or _finish(job, begun))


def serve(job_file: str, act: Callable[[dict[str, Any], Path, TextIO], Failure | None]) -> int:
    """Do the job described in a file; each line of the output is one message for the runner.

    Parameters
    ----------
    job_file : str
        JSON, written by the runner.
    act : callable
        Takes the job, the folder to fill and where to talk to the runner; gives what went wrong, or None.
    """
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    begun = Path(job["folder"])
    # Messages go to the runner; whatever a library prints goes to the log.
    said = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    threading.Thread(target=_end_with_the_runner, daemon=True).start()
    started = time.perf_counter()
    failure = act(job, begun, said)
    message = {
        "failure": failure,
        "seconds": round(time.perf_counter() - started, 2),
        "memory_mib": _peak_memory_mib(),
    }
    said.write(json.dumps({"done": message}) + "\n")
    return 0


def _end_with_the_runner() -> None:
    """End at once when the runner is gone, so that no notebook computes on for nobody; its kernel ends with us."""
    sys.stdin.read()
    os._exit(1)


def _run(job: dict[str, Any], begun: Path, said: TextIO) -> dict[str, Any] | None:
    """Run the cells; give what went wrong, or None."""
    import papermill
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.exceptions import PapermillExecutionError

    class Engine(NBClientEngine):
        """papermill's own engine, telling which cell it is at."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            said.write(json.dumps({"cells": len(nb_man.nb.cells)}) + "\n")
            begin = nb_man.cell_start

            def cell_start(cell: Any, cell_index: int | None = None, **more: Any) -> None:
                said.write(json.dumps({"cell": cell_index}) + "\n")
                begin(cell, cell_index=cell_index, **more)

            nb_man.cell_start = cell_start
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("crmlab", Engine)
    logging.getLogger("papermill").setLevel(logging.ERROR)  # its guess at parameters misses some; ours were checked
    output = begun / "notebook.ipynb"
    sockets = tempfile.TemporaryDirectory(prefix="crm-", ignore_cleanup_errors=True)
    try:
        papermill.execute_notebook(
            _literal(job["notebook"]),
            _literal(str(output)),
            parameters=job["parameters"],
            engine_name="crmlab",
            kernel_name=_KERNEL,
            language="python",
            cwd=job["cwd"],
            progress_bar=False,
            start_timeout=_START_SECONDS,
            **_channel(sockets.name),
        )
    except PapermillExecutionError as error:
        return _failure(job, output, error)
    except Exception as error:
        return {
            "cell": None,
            "line": "",
            "error": f"{type(error).__name__}: {error}".strip().splitlines()[0],
            "cure": "The kernel could not be run. One that dies has often run out of memory; try --jobs 1.",
        }
    finally:
        sockets.cleanup()
    return None


def _channel(folder: str) -> dict[str, Any]:
    """Talk to the kernel through sockets in a folder of our own, where the system has them.

    Kernels that start at the same time may otherwise choose the same port, and a port is open to every user.
    """
    if os.name == "nt":
        return {}
    from traitlets.config import Config

    return {"config": Config({"KernelManager": {"transport": "ipc", "ip": os.path.join(folder, "k")}})}


def _literal(path: str) -> str:
    """Keep papermill from filling in parameters where a path holds braces."""
    return path.replace("{", "{{").replace("}", "}}")


def _failure(job: dict[str, Any], output: Path, error: Any) -> dict[str, Any]:
    source = json.loads(Path(job["notebook"]).read_text(encoding="utf-8"))["cells"]
    failed = next((c for c in json.loads(output.read_text(encoding="utf-8"))["cells"] if _has_error(c)), {})
    text = "".join(failed.get("source", "")) or error.source
    ids = [cell.get("id") for cell in source]
    number = ids.index(failed["id"]) + 1 if failed.get("id") in ids else None
    line = next((part.strip() for part in text.splitlines() if part.strip() and not part.strip().startswith("#")), "")
    ours = error.ename == "CrmlabError"
    return {
        "cell": number,
        "line": line,
        "error": str(error.evalue) if ours else f"{error.ename}: {error.evalue}",
        "cure": "" if ours else f"Open {job['name']}/notebook.ipynb to see the whole trace.",
    }


def _has_error(cell: dict[str, Any]) -> bool:
    return any(output.get("output_type") == "error" for output in cell.get("outputs", []))


def _finish(job: dict[str, Any], begun: Path) -> dict[str, Any] | None:
    """Make the page from what the notebook left."""
    from crmlab.errors import CrmlabError
    from crmlab.reporting.page import write_page

    if not (begun / "findings.json").is_file():
        return {
            "cell": None,
            "line": "",
            "error": "the notebook ended without recording its findings.",
            "cure": "End it with findings.record().",
        }
    try:
        write_page(begun, job["page"])
    except CrmlabError as refusal:
        return {"cell": None, "line": "", "error": str(refusal), "cure": ""}
    return None


def _peak_memory_mib() -> int | None:
    try:
        import resource
    except ImportError:  # Windows does not say
        return None
    # the kernel is a child; who has none computes here
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
