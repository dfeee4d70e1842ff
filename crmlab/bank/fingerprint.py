"""Digests of files, remembered while size and time of change stay the same."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

from crmlab.bank.engine import make_folder, scratch_folder
from crmlab.errors import CrmlabError

__all__ = ["digest_file", "write_atomic"]


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    A file is read once: path, size and time of change lead back to its digest. A file changed within the last two
    seconds is not remembered, because a second change could carry the same time.
    """
    path = path.resolve()
    state = path.stat()
    note = scratch_folder() / "digests" / f"{hashlib.sha256(str(path).encode()).hexdigest()[:32]}.json"
    facts = [str(path), state.st_size, state.st_mtime_ns]
    try:
        kept = json.loads(note.read_text(encoding="utf-8"))
        if kept["facts"] == facts:
            return kept["digest"]
    except (OSError, ValueError, KeyError):
        pass
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if time.time_ns() - state.st_mtime_ns > 2_000_000_000:
        write_atomic(note, json.dumps({"facts": facts, "digest": digest}))
    return digest


def write_atomic(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old or the new one, never a half."""
    make_folder(path.parent, "cache")
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise CrmlabError(
            [f"cache: {str(path)!r} cannot be written: {reason}. Give a place that can be written in CRMLAB_CACHE."]
        ) from None
