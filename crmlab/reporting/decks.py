"""Decks of a run, linked from its index as long as they say what the run says."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from crmlab.language import LANGUAGES, say
from crmlab.reporting.results import write_whole

__all__ = ["DECKS", "link_decks", "mark_deck"]

DECKS = "presentation"
_MADE_FROM = "made_from.json"
_PLACE = re.compile(r"<!--decks-->.*?<!--/decks-->", re.DOTALL)
_FORMS = {"html": "HTML", "pptx": "PowerPoint", "pdf": "PDF"}


def mark_deck(folder: Path, name: str) -> None:
    """Keep from which answers a deck was made, and link it from the index.

    Parameters
    ----------
    folder : Path
        Of the run.
    name : str
        The deck's files without their ending, such as ``90_case_study-en``.
    """
    path = folder / DECKS / _MADE_FROM
    write_whole(path, json.dumps({**_made(path), name: _keys(folder)}, indent=1) + "\n")
    link_decks(folder)


def link_decks(folder: Path) -> None:
    """Write the links to a run's decks into its index; decks of other answers than today's are left out."""
    now = _keys(folder)
    made = {name: keys for name, keys in _made(folder / DECKS / _MADE_FROM).items() if keys == now}
    links = [line for name in sorted(made) if (line := _links(folder, name))]
    told = f'<p class="decks">{say("Presentation")}: {"; ".join(links)}</p>' if links else ""
    for page in (folder / "index.html", *folder.glob("index.*.html")):
        if page.is_file():
            text = page.read_text(encoding="utf-8")
            write_whole(page, _PLACE.sub(lambda _: f"<!--decks-->{told}<!--/decks-->", text))


def _links(folder: Path, name: str) -> str:
    case, _, language = name.rpartition("-")
    files = [(words, f"{DECKS}/{name}.{ending}") for ending, words in _FORMS.items()]
    there = [f'<a href="{html.escape(file)}">{words}</a>' for words, file in files if (folder / file).is_file()]
    return f"{html.escape(case)}, {LANGUAGES.get(language, language)} ({', '.join(there)})" if there else ""


def _keys(folder: Path) -> dict[str, str]:
    """Give what identifies the answers of a run: the key of each question."""
    try:
        told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return {entry["name"]: entry["key"] for entry in told["questions"]}
    except (OSError, ValueError, KeyError):
        return {}


def _made(path: Path) -> dict[str, dict[str, str]]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}
