"""Models kept beside the results of a run, as JSON: next month's customers are assigned, not learned anew."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crmlab.errors import nearest, refuse
from crmlab.findings.privacy import personal_columns

__all__ = ["find_file", "model_text", "read_model", "texts_of"]

_FORMAT, _VERSION = "crmlab model", 1
_LONGEST = 1_000  # entries of a list; what is longer is one entry a customer, not something learned


def model_text(name: str, kept: Mapping[str, Any], *, notebook: str = "") -> str:
    """Write a model as the text of its file, or refuse what no file should hold.

    Parameters
    ----------
    name : str
        Name of the model.
    kept : mapping
        Plain values: texts, finite numbers, true, false, None, lists and mappings of them; numpy's are taken too.
    notebook : str
        Which question it came from.

    Notes
    -----
    Numbers are kept to the last bit, so that the model read back assigns the same customers to the same segments.
    """
    if not isinstance(kept, Mapping) or not kept:
        refuse(
            f"findings.model: {name!r} got {type(kept).__name__}. Give a mapping of plain values, as `as_dict()` does."
        )
    plain = _plain(kept)
    problems = list(dict.fromkeys(_problems(plain, "")))
    refuse(*(f"findings.model: {name!r} {problem}" for problem in problems))
    whole = {"format": _FORMAT, "format_version": _VERSION, "name": name, "notebook": notebook, "model": plain}
    return json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_model(path: Path | str, *, basis: str = "") -> dict[str, Any]:
    """Read a model that an earlier run kept.

    Parameters
    ----------
    path : Path or str
        File, e.g. ``reports/<run>/<question>/models/<name>.json``; a relative one is looked for in the current folder
        and in those above it.
    basis : str
        What it must have been learned on; empty takes any.

    Returns
    -------
    dict
        What was given to `findings.model`.
    """
    file = find_file(path)
    if file is None:
        refuse(_not_there(path))
        raise AssertionError
    name = str(path)
    try:
        whole = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        where = " (line " + f"{error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        refuse(f"model: {name!r} is not JSON{where}. {_CURE}")
    except OSError as error:
        refuse(f"model: {name!r} cannot be read: {error.strerror}. {_CURE}")
    if not isinstance(whole, dict) or whole.get("format") != _FORMAT or not isinstance(whole.get("model"), dict):
        refuse(f"model: {name!r} is JSON, but no model of crmlab. {_CURE}")
    version = whole.get("format_version")
    if not isinstance(version, int) or version > _VERSION:
        refuse(
            f"model: {name!r} was kept by a newer crmlab (format {version}; this one reads up to {_VERSION}). "
            "Update crmlab, or learn anew."
        )
    found = whole["model"].get("basis", "")
    if basis and found != basis:
        refuse(f"model: {name!r} was learned on {found!r}, but {basis!r} is asked. Name a model of the same question.")
    return whole["model"]


def find_file(path: Path | str) -> Path | None:
    """Find a file where it is named, or from a folder above the current one: a notebook runs inside the project."""
    text = str(path).strip()
    if not text:
        return None
    named = Path(text).expanduser()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / named).is_file():
            return (folder / named).resolve()
    return None


def texts_of(kept: Any) -> Iterator[str]:
    """Every text of a model, keys too: what the last look for identifiers reads."""
    if isinstance(kept, Mapping):
        for key, value in kept.items():
            yield str(key)
            yield from texts_of(value)
    elif isinstance(kept, (list, tuple)):
        for value in kept:
            yield from texts_of(value)
    elif isinstance(kept, str):
        yield kept


_CURE = "Name a file that a run kept, such as reports/<run>/<question>/models/<name>.json."


def _not_there(path: Path | str) -> str:
    text = str(path).strip()
    if not text:
        return f"model: no file is named. {_CURE}"
    folder = Path(text).expanduser().parent
    beside = sorted(file.name for file in folder.glob("*.json")) if folder.is_dir() else []
    return f"model: there is no file {text!r}. {_CURE}{nearest(Path(text).name, beside)}"


def _plain(value: Any) -> Any:
    """Take numpy's numbers and arrays as plain ones; the rest stays as it is."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return _plain(value.tolist())
    return value


def _problems(value: Any, place: str) -> Iterator[str]:
    where = " at " + place if place else ""
    if isinstance(value, dict):
        strange = [key for key in value if not isinstance(key, str)]
        if strange:
            yield f"has the key {strange[0]!r}{where}. Use texts as keys."
        if len(value) > _LONGEST:
            yield f"holds {len(value):,} entries{where}, more than {_LONGEST:,}. {_AGGREGATES}"
        if personal := personal_columns(value):
            yield f"holds {', '.join(personal)}{where}. {_AGGREGATES}"
        for key, inner in value.items():
            yield from _problems(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        if len(value) > _LONGEST:
            yield f"holds {len(value):,} entries{where}, more than {_LONGEST:,}. {_AGGREGATES}"
            return
        if personal := personal_columns(one for one in value if isinstance(one, str)):
            yield f"holds {', '.join(personal)}{where}. {_AGGREGATES}"
        for inner in value:
            yield from _problems(inner, place)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"holds {value}{where}. Write None, or a finite number."
    elif value is not None and not isinstance(value, (str, bool, int, float)):
        yield f"holds a {type(value).__name__}{where}. Give plain values."


_AGGREGATES = "A model keeps what was learned of all, nothing of a customer."
