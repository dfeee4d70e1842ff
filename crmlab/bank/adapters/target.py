"""The folder an import writes: all of it appears at once, and nobody else's files are touched."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml

from crmlab.bank.adapters.report import REPORT_NAME
from crmlab.bank.engine import temporary_folder
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError

__all__ = ["QUESTIONNAIRE_NAME", "filled_folder", "write_facts"]

QUESTIONNAIRE_NAME = "questionnaire.yml"  # of a survey whose questionnaire is not one of the project's


@contextlib.contextmanager
def filled_folder(out: Path, *, force: bool = False) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends well its files appear in ``out``, else nothing changes.

    Parameters
    ----------
    out : pathlib.Path
        Folder wanted: new, empty, or written by an earlier import, whose files are replaced.
    force : bool
        Accept a folder with other files; they stay.
    """
    if out.exists() and not out.is_dir():
        raise CrmlabError([f"--out {str(out)!r} is a file. Give a folder."])
    if out.is_dir() and any(out.iterdir()) and not force and not _is_import(out):
        raise CrmlabError(
            [
                f"--out {str(out)!r} is not empty and was not written by an import."
                " Give a new folder, or add --force to write beside its files."
            ]
        )
    is_new = not out.exists()
    # beside the target, so that the move at the end stays on one disk
    with temporary_folder(out.parent, f".{out.name}-", "--out") as scratch:
        folder = Path(scratch) / "bank"
        folder.mkdir()
        yield folder
        if is_new:
            try:
                folder.rename(out)
            except OSError:
                raise CrmlabError(
                    [f"--out {str(out)!r} was made by somebody else during the import. Give another folder."]
                ) from None
            return
        _clear(out)
        # the facts come last: a folder with bank.yml is whole
        for path in sorted(folder.iterdir(), key=lambda path: (path.name == "bank.yml", path.name)):
            path.replace(out / path.name)


def _is_import(folder: Path) -> bool:
    try:
        return "adapter" in json.loads((folder / f"{REPORT_NAME}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _clear(folder: Path) -> None:
    """Remove what an import may have written before, so that no table of an older import stays."""
    for name in CONTRACT:
        (folder / f"{name}.parquet").unlink(missing_ok=True)
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("bank.yml", QUESTIONNAIRE_NAME, f"{REPORT_NAME}.json", f"{REPORT_NAME}.md"):
        (folder / name).unlink(missing_ok=True)


def write_facts(folder: Path, facts: dict[str, object]) -> None:
    """Write ``bank.yml`` without the stamp of an accepted bank, so that the door checks the rows."""
    text = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
    (folder / "bank.yml").write_text(text, encoding="utf-8")
