"""The defects that can be planted, by name, and how a choice of them is read."""

from __future__ import annotations

from collections.abc import Iterable

from crmlab.errors import nearest, refuse

__all__ = ["ALL", "DEFECTS", "chosen", "unknown", "wants_all"]

ALL = "all"
# In the order of planting: people first, then their rows, then whole files.
DEFECTS = {
    "drift": "joiners from a month on are another population, and bookings by mobile are coded as online",
    "tests": "test customers of the bank's own staff stand among the customers",
    "duplicates": "some people have two customer numbers, and their accounts are split between them",
    "leak": "branch and consents are overwritten when a customer leaves, with no date",
    "units": "card payments are in cents instead of euros from a month on",
    "imbalance": "part of a campaign's hold-out was contacted after all: its older customers",
    "scale": "one survey wave was answered from 1 to 11 instead of 0 to 10",
    "orphans": "some accounts belong to customers who are not in the customers table",
    "stale": "digital events stop three months before the extract",
    "dates": "interactions are a CSV file with two forms of dates and two encodings",
}


def chosen(names: str | Iterable[str]) -> tuple[str, ...]:
    """Read a choice of defects; every unknown name is told, with the nearest known one.

    Parameters
    ----------
    names : str or iterable of str
        Names, or one text with commas; ``all`` for every defect; empty for none.

    Returns
    -------
    tuple of str
        Names in the order of `DEFECTS`.

    Examples
    --------
    >>> chosen("units, leak")
    ('leak', 'units')
    >>> chosen("")
    ()
    >>> chosen("leek")
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: plant: defect 'leek' is unknown. Did you mean 'leak'? Choose from drift, tests, \
duplicates, leak, units, imbalance, scale, orphans, stale, dates, or all.
    """
    refuse(*unknown(names))
    wanted = _wanted(names)
    return tuple(name for name in DEFECTS if name in wanted or ALL in wanted)


def unknown(names: str | Iterable[str]) -> list[str]:
    """Return a problem for each name that is no defect."""
    known = f"Choose from {', '.join(DEFECTS)}, or {ALL}."
    return [
        f"plant: defect {name!r} is unknown.{nearest(name, [*DEFECTS, ALL])} {known}"
        for name in sorted(_wanted(names) - {*DEFECTS, ALL})
    ]


def wants_all(names: str | Iterable[str]) -> bool:
    """Tell whether a choice is for every defect rather than for this one and that one."""
    return ALL in _wanted(names)


def _wanted(names: str | Iterable[str]) -> set[str]:
    given = names.split(",") if isinstance(names, str) else names
    return {name.strip().lower() for name in given if name.strip()}
