"""The folder of a run: one folder a question, moved into place whole, so a half-written result never counts."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmlab.errors import refuse

__all__ = ["Result", "RunFolder", "write_whole"]

_RESULT_FILE = "result.json"
_BEGUN = ".begun-"


@dataclass(frozen=True)
class Result:
    """What came of one question.

    Parameters
    ----------
    name, question : str
        Notebook and its question.
    status : str
        ``answered``, ``failed``, ``not_answered`` (the bank lacks data).
    key : str
        Identity of the inputs.
    reason : str
        Why there is no answer.
    headline : str
        First answer.
    further : tuple of str
        The other answers.
    page : str
        Page, relative to the run's folder.
    details : dict
        What the manifest keeps: parameters, seconds, memory, identity.
    reused : bool
        Taken from an earlier run. Not kept.
    """

    name: str
    question: str
    status: str
    key: str = ""
    reason: str = ""
    headline: str = ""
    further: tuple[str, ...] = ()
    page: str = ""
    gaps: tuple[dict[str, str], ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    reused: bool = False


class RunFolder:
    """The folder that one run fills, safe against a second run and against being killed.

    Parameters
    ----------
    path : Path
        For example ``reports/simulated-bank-2024-12-31``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def only_here(self) -> Iterator[None]:
        """Hold the folder; a second run is refused, a killed one leaves nothing behind."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = open(self.path / ".lock", "a+b")  # noqa: SIM115  held as long as the run
        except OSError as error:
            refuse(f"--out {str(self.path)!r} cannot be written: {error.strerror}. Choose another folder.")
        with handle:
            if not _lock(handle):
                refuse(f"--out {str(self.path)!r} is in use by another run. Wait for it, or choose another folder.")
            self._sweep()
            yield

    def _sweep(self) -> None:
        for left in self.path.glob(f"{_BEGUN}*"):
            shutil.rmtree(left, ignore_errors=True)

    def begin(self, name: str) -> Path:
        """Make the folder in which a result grows."""
        return Path(tempfile.mkdtemp(prefix=f"{_BEGUN}{name}-", dir=self.path))

    def keep(self, begun: Path, result: Result) -> Result:
        """Move a grown result into place: action lists first, the result's folder last."""
        before = self._stored(result.name)
        lists = {}
        for path in sorted((begun / "actions").glob("*.csv")):
            target = self.path / "actions" / f"{result.name}_{path.name}"
            target.parent.mkdir(exist_ok=True)
            os.replace(path, target)
            lists[f"actions/{target.name}"] = target.stat().st_size
        shutil.rmtree(begun / "actions", ignore_errors=True)
        inside = {
            f"{result.name}/{path.relative_to(begun).as_posix()}": path.stat().st_size
            for path in sorted(begun.rglob("*"))
            if path.is_file()
        }
        kept = Result(**{**result.__dict__, "files": {**inside, **lists}})
        plain = {k: v for k, v in kept.__dict__.items() if k != "reused"}
        write_whole(begun / _RESULT_FILE, json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
        place, old = self.path / result.name, self.path / f"{_BEGUN}old-{result.name}"
        begun.chmod(0o755)
        if place.exists():
            os.replace(place, old)
        os.replace(begun, place)
        shutil.rmtree(old, ignore_errors=True)
        for stale in set(before.files if before else ()) - set(kept.files):
            if stale.startswith("actions/"):
                (self.path / stale).unlink(missing_ok=True)
        return kept

    def drop(self, name: str) -> None:
        """Remove an earlier result and its action lists: this run cannot stand behind them."""
        stored = self._stored(name)
        if stored is None:
            return
        for relative in stored.files:
            if relative.startswith("actions/"):
                (self.path / relative).unlink(missing_ok=True)
        shutil.rmtree(self.path / name, ignore_errors=True)

    def _stored(self, name: str) -> Result | None:
        try:
            plain = json.loads((self.path / name / _RESULT_FILE).read_text(encoding="utf-8"))
            return Result(**{**plain, "gaps": tuple(plain["gaps"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def answered(self, name: str) -> Result | None:
        """Give a finished answer whose files are all there in full, else None."""
        stored = self._stored(name)
        if stored is None or stored.status != "answered":
            return None
        for relative, size in stored.files.items():
            try:
                if (self.path / relative).stat().st_size != size:
                    return None
            except OSError:
                return None
        return Result(**{**stored.__dict__, "reused": True})


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old text or the new one, never a part."""
    handle, begun = tempfile.mkstemp(prefix=_BEGUN, dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.chmod(begun, 0o644)
    os.replace(begun, path)


def _lock(handle: Any) -> bool:
    """Take the system's lock on a file; it goes away with its process, however that ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
