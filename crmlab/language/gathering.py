"""Hold the catalogues against what code and notebooks can say; run as a program, write in what is not there yet.

``python -m crmlab.language.gathering`` adds every wording that a catalogue lacks, with an empty translation, and lists
translations whose wording is gone.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from crmlab.language.catalogue import FOLDER, parse_po
from crmlab.language.messages import glossary_rows, in_code, in_notebook

__all__ = ["gathered", "lacking", "left_over", "main", "written"]

# Parts whose texts no reader of a report or deck sees.
_SILENT = frozenset({"bank", "cli", "language", "simulation", "snapshots"})
_SILENT_MODULES = frozenset(
    [*(f"reporting/{name}.py" for name in (
        "form", "glossary", "guard", "identity", "markup", "page", "parameters", "plan", "progress", "questions",
        "results", "runner", "start", "validator", "worker")),
     *(f"presenting/{name}.py" for name in ("html", "pdf", "powerpoint")),
     *(f"charts/{name}.py" for name in ("marks", "sheet", "style"))]
)  # fmt: skip
GLOSSARY = "glossary"
# Words of frames: labels, headers, names of simulated products. They are found in runs, not in the code.
WORDS = "words"


def gathered(package: Path, notebooks: Path) -> dict[str, dict[str, str]]:
    """Gather wordings: catalogue -> wording -> where it was found first.

    A part of the package has a catalogue of its own, so has a sub-package, so has a notebook, and so has the glossary
    that lies beside the package.
    """
    found: dict[str, dict[str, str]] = {}
    seen: set[str] = set()
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).parts
        if len(parts) > 1 and parts[0] not in _SILENT and "/".join(parts) not in _SILENT_MODULES:
            _add(found, "-".join(parts[:-1]), in_code(path.read_text(encoding="utf-8")), "/".join(parts), seen)
    for path in sorted(package.rglob("*.j2")):
        parts = path.relative_to(package).parts
        _add(found, parts[0], in_template(path.read_text(encoding="utf-8")), "/".join(parts), seen)
    for path in sorted(notebooks.glob("[0-9]*.ipynb")):
        _add(found, path.stem, in_notebook(path), path.name, seen)
    glossary = package.parent / "GLOSSARY.md"
    if glossary.is_file():
        rows = glossary_rows(glossary.read_text(encoding="utf-8"))
        _add(found, GLOSSARY, [text for row in rows for text in row], glossary.name, seen)
    return found


def in_template(text: str) -> list[str]:
    """Give the texts that a page's template says.

    >>> in_template('<p>{{ say("Nothing is known.") }}</p>')
    ['Nothing is known.']
    """
    return [said for _, said in re.findall(r"""\bsay\((['"])(.*?)\1""", text)]


def _add(found: dict[str, dict[str, str]], part: str, texts: list[str], place: str, seen: set[str]) -> None:
    for text in texts:
        if text not in seen:
            seen.add(text)
            found.setdefault(part, {})[text] = place


def written(language: str, folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """Give the catalogues of a language as they are written: catalogue -> wording -> translation, empty ones too."""
    files = sorted((folder / language).glob("*.po"))
    return {path.stem: parse_po(path.read_text(encoding="utf-8"), empty=True) for path in files}


def lacking(wanted: Mapping[str, Mapping[str, str]], kept: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Name the wordings without a translation, by the catalogue that they belong to."""
    told = {text for texts in kept.values() for text, said in texts.items() if said}
    short = {part: [text for text in texts if text not in told] for part, texts in wanted.items()}
    return {part: texts for part, texts in short.items() if texts}


def left_over(wanted: Mapping[str, Mapping[str, str]], kept: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Name the translations whose wording nothing says any more; catalogues of words are not held against the code."""
    there = {text for texts in wanted.values() for text in texts}
    old = {
        part: [text for text in texts if text not in there]
        for part, texts in kept.items()
        if not part.startswith(WORDS)
    }
    return {part: texts for part, texts in old.items() if texts}


def entry(text: str, said: str = "", place: str = "") -> str:
    r"""Write one entry of a catalogue.

    >>> print(entry("Who left?", "谁离开了？", "a.py"))
    #: a.py
    msgid "Who left?"
    msgstr "谁离开了？"
    """
    lines = [f"#: {place}"] if place else []
    return "\n".join([*lines, f"msgid {_quoted(text)}", f"msgstr {_quoted(said)}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


HEAD = """msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""


def main(language: str = "zh") -> int:
    """Write the missing entries into the catalogues; give 1 where something is missing or left over."""
    package = Path(__file__).parents[1]
    wanted, kept = gathered(package, package.parent / "notebooks"), written(language)
    there = {text for texts in kept.values() for text in texts}
    short = lacking(wanted, kept)
    for part, texts in short.items():
        path = FOLDER / language / f"{part}.po"
        new = [entry(text, place=wanted[part][text]) for text in texts if text not in there]
        if new:
            head = path.read_text(encoding="utf-8").rstrip("\n") if path.is_file() else HEAD.format(language=language)
            path.write_text("\n\n".join([head.rstrip("\n"), *new]) + "\n", encoding="utf-8")
        print(f"{part}: {len(texts)} without a translation")
    old = left_over(wanted, kept)
    for part, texts in old.items():
        print(f"{part}: nothing says any more: {'; '.join(texts)}")
    return 1 if short or old else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
