"""What a result was made from. Equal identity, equal numbers: then a result is used again."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import crmlab

__all__ = ["commit", "key", "package_hash", "validation_hash", "versions"]

_PACKAGE = Path(crmlab.__file__).parent
_LIBRARIES = (
    "numpy", "pandas", "scipy", "scikit-learn", "statsmodels", "lightgbm", "duckdb", "pyarrow", "matplotlib", "seaborn",
    "papermill",
)  # fmt: skip
# A change there reaches an answer only through the data, whose own fingerprint counts, or not at all.
_NO_PART = ("simulation", "validation", "presenting", "cli")


@functools.cache
def package_hash(folder: Path = _PACKAGE) -> str:
    """Hash the code of the package (Python, templates, styles), simulation, validation and command line aside."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.suffix in (".py", ".j2", ".css", ".json", ".po") and parts[0] not in _NO_PART:
            digest.update("/".join(parts).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def validation_hash() -> str:
    """Hash the code of the validation, which reaches its own page and no answer."""
    return package_hash(_PACKAGE / "validation")


@functools.cache
def versions() -> dict[str, str]:
    """Give the versions of crmlab, Python and the libraries that compute or draw."""
    found = {"crmlab": crmlab.__version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


@functools.cache
def commit(folder: Path = _PACKAGE.parent) -> dict[str, Any]:
    """Give the git commit of a folder and whether files differ from it; an empty commit where there is no git."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
        return done.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != folder.resolve():
            return {"commit": "", "dirty": False}
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return {"commit": "", "dirty": False}


def key(**parts: Any) -> str:
    """Hash everything that a result depends on.

    >>> key(a=1, b=2) == key(b=2, a=1), key(a=1) == key(a=2)
    (True, False)
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
