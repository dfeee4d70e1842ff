"""Every text of a result that a reader meets; run as a program, those that another language lacks.

``python -m crmlab.reporting.reader_texts RUN [QUESTION ...]`` lists what the Chinese catalogues cannot tell, with the
text that it stands in.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crmlab.findings.telling import teller
from crmlab.language.interpreter import Interpreter
from crmlab.language.messages import in_markdown

__all__ = ["lacking_texts", "main", "reader_texts"]

_NUMBER = ("label", "text", "short", "interval", "method")
_FIGURE = ("alt", "caption", "title", "about")


def reader_texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Give each text of one question's folder with its place."""
    kept = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    yield from ((f"answer {place}", text) for place, text in enumerate(kept["answers"]))
    yield from ((f"note {place}", text) for place, text in enumerate(kept["notes"]))
    for gap in kept["gaps"]:
        yield from (("gap", gap[key]) for key in ("what", "why"))
    for number in kept["numbers"]:
        yield from ((f"number {number['name']}", number[key]) for key in _NUMBER)
    for figure in kept["figures"]:
        yield from ((f"figure {figure['name']}", figure[key]) for key in _FIGURE)
    for table in kept["tables"]:
        yield from _of_table(table)
    yield from ((f"model {model['name']}", model["label"]) for model in kept["models"])
    cells = json.loads((folder / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "markdown":
            yield from (("notebook", block) for block in in_markdown("".join(cell["source"])))


def _of_table(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    place = f"table {table['name']}"
    yield place, table["caption"]
    yield from ((place, header) for header in table["headers"])
    for row in table["texts"]:
        yield from ((place, str(cell)) for cell in row)


def lacking_texts(folder: Path, tell: Interpreter) -> list[tuple[str, str, tuple[str, ...]]]:
    """Give the texts that cannot be told whole: place, text, the parts that stay in English."""
    texts = dict.fromkeys((place, text) for place, text in reader_texts(folder) if text.strip())
    return [(place, text, left) for place, text in texts if (left := tell.left(text))]


def main(run: str, *questions: str) -> int:
    """Print what cannot be told; give 1 if there is anything."""
    tell, count = teller("zh"), 0
    for folder in sorted(Path(run).glob("*/findings.json")):
        name = folder.parent.name
        if questions and not any(name.startswith(start) for start in questions):
            continue
        lacking = lacking_texts(folder.parent, tell)
        count += len(lacking)
        parts = Counter(part for _, _, left in lacking for part in left)
        print(f"== {name}: {len(lacking)} texts, {len(parts)} parts")
        for place, text, left in lacking:
            print(f"[{place}] {text}\n    stays: {' | '.join(left)}\n    told:  {tell(text)}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
