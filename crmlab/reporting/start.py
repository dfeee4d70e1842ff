"""A new notebook for a question of one's own, from a template that already runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

from crmlab.errors import refuse

__all__ = ["start_notebook"]

_TEMPLATE = Path(__file__).parent / "templates" / "notebook.json"
_SMALL_WORDS = (
    "a an and are as at be by can did do does for from has have how in is it its of on or our should the their them "
    "they this to was we what when where which who whom whose why will with would you your"
)
_WORDS_IN_NAME = 4
_NUMBERS_IN_CHAPTER = 10


def start_notebook(folder: Path, text: str, *, chapter: int | None = None) -> Path:
    """Write a notebook that asks a question.

    Parameters
    ----------
    folder : Path
        Notebooks folder; made when it is not there.
    text : str
        The question.
    chapter : int or None
        0 to 9: the file takes the chapter's next free number. None: no number, for scratch.

    Returns
    -------
    Path
        The new notebook.
    """
    asked = " ".join(text.split()).rstrip(".!")
    words = [w for w in re.findall(r"[a-z0-9]+", asked.lower()) if w not in _SMALL_WORDS.split()]
    if not asked.strip("?？ "):
        refuse('the question is empty. Write it in quotes: crmlab new "Which customers use the app?"')
    if not asked.endswith(("?", "？")):
        asked += "?"
    slug = "_".join(words[:_WORDS_IN_NAME]) or "question"
    path = folder / f"{slug}.ipynb" if chapter is None else folder / f"{_free_number(folder, chapter):02}_{slug}.ipynb"
    if path.exists():
        refuse(f"notebook {path.name!r} is there already. Ask in other words, or open that one.")
    book = json.loads(_TEMPLATE.read_text(encoding="utf-8"))
    title = book["cells"][0]["source"]
    title[0] = f"# {asked}\n"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _free_number(folder: Path, chapter: int) -> int:
    first = chapter * 10
    taken = {int(path.name[:2]) for path in folder.glob("[0-9][0-9]_*.ipynb")}
    free = [number for number in range(first, first + _NUMBERS_IN_CHAPTER) if number not in taken]
    if not free:
        refuse(f"chapter {chapter} has no free number left. Choose another chapter, or --scratch.")
    later = [number for number in free if number > max((t for t in taken if t // 10 == chapter), default=first - 1)]
    return (later or free)[0]
