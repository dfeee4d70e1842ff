"""The interpreter that pages and decks use: the catalogues, and what questionnaires say in both languages."""

from __future__ import annotations

import functools

from crmlab.bank.engine import project_folder
from crmlab.language import Interpreter, catalogue

__all__ = ["teller"]


@functools.cache
def teller(language: str) -> Interpreter:
    """Give the interpreter of a language, which knows the questionnaires of the project too.

    Examples
    --------
    >>> teller("zh")("As of")
    '截至'
    """
    texts = catalogue(language)
    return Interpreter(language, {**_asked(language), **texts} if language != "en" else texts)


def _asked(language: str) -> dict[str, str]:
    """Give the texts of items, latent variables and scales, by their English text, where both languages are there."""
    import yaml

    found: dict[str, str] = {}
    for path in sorted((project_folder() / "data" / "questionnaires").glob("*.yml")):
        _pairs(yaml.safe_load(path.read_text(encoding="utf-8")), language, found)
    return found


def _pairs(kept: object, language: str, found: dict[str, str]) -> None:
    if isinstance(kept, dict):
        if isinstance(kept.get("en"), str) and isinstance(kept.get(language), str):
            found[kept["en"].replace("{", "{{").replace("}", "}}")] = kept[language]
        for one in kept.values():
            _pairs(one, language, found)
    elif isinstance(kept, list):
        for one in kept:
            _pairs(one, language, found)
