"""Judgements of experts in pairs, from a file beside the questionnaire: which dimension matters more, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from crmlab.bank.mapping import read_keys
from crmlab.errors import refuse

__all__ = ["Judgements", "read_judgements"]

_KEYS = ("about", "is_example", "judges")
_LARGEST = 9.0  # Saaty's scale: 1 equal to 9 extremely more important


@dataclass(frozen=True)
class Judgements:
    """What each judge holds of each pair of dimensions.

    Parameters
    ----------
    about : str
        Who was asked, when, and how.
    is_example : bool
        True where nobody was asked: the numbers only show the form.
    judges : dict of str to dict of (str, str) to float
        Judge to pairs: how many times more important the first dimension is than the second, 1/9 to 9.
    """

    about: str
    is_example: bool
    judges: dict[str, dict[tuple[str, str], float]]


def read_judgements(source: str | Path) -> Judgements:
    """Read a file of judgements and check its form; every problem at once.

    Parameters
    ----------
    source : str or path
        A ``.yml`` file; a relative path is looked for in the current folder and in those above it. Keys: ``about``,
        ``is_example`` (true or false), ``judges``: name of a judge to a list of ``[first, second, times]``.

    Returns
    -------
    Judgements
        Whether every pair is there and the names are dimensions is checked where they are used.

    Raises
    ------
    CrmlabError
        The file is missing or not YAML; a key is missing or not known; a judgement is no triple, off Saaty's scale, or
        there twice.
    """
    path = _found(Path(source))
    given = read_keys(path, "judgements", "Give the path of a file of judgements; data/judgements/README.md says how.")
    problems = [
        f"{path.name}: key {key!r} is not known. Known: {', '.join(_KEYS)}." for key in given if key not in _KEYS
    ]
    problems += [f"{path.name}: key {key!r} is missing. Add it." for key in _KEYS if key not in given]
    if str(given.get("is_example", "true")) not in ("true", "false"):
        problems.append(f"{path.name}: is_example is {given['is_example']!r}. Write true or false.")
    listed = given.get("judges", {})
    if not isinstance(listed, dict):
        problems.append(f"{path.name}: judges is no list of names. Write each judge, and below it the judgements.")
        listed = {}
    judges: dict[str, dict[tuple[str, str], float]] = {judge: {} for judge in listed}
    for judge, rows in listed.items():
        for row in rows if isinstance(rows, list) else [rows]:
            times = _times(row)
            if times is None:
                problems.append(
                    f"{path.name}, {judge}: {row!r} is no judgement. Write [first, second, times], times from 1/9 to 9."
                )
            elif (row[0], row[1]) in judges[judge]:
                problems.append(f"{path.name}, {judge}: {row[0]} against {row[1]} stands there twice. Keep one.")
            else:
                judges[judge][row[0], row[1]] = times
    refuse(*problems)
    return Judgements(" ".join(str(given["about"]).split()), given["is_example"] == "true", judges)


def _times(row: object) -> float | None:
    """How many times more important the first is: a number or a fraction, on Saaty's scale; None for no judgement."""
    if not (isinstance(row, list) and len(row) == 3 and all(isinstance(one, str) for one in row)):
        return None
    try:
        value = float(Fraction(row[2].strip()))
    except (ValueError, ZeroDivisionError):
        return None
    return value if 1 / _LARGEST - 1e-3 <= value <= _LARGEST else None


def _found(path: Path) -> Path:
    """A relative path, here or in a folder above: a notebook runs inside the project."""
    here = Path.cwd()
    return next((folder / path for folder in (here, *here.parents) if (folder / path).is_file()), path)
