"""What is true of each number that a notebook hands on, or why nobody can say.

Every number of every notebook is registered, one way or the other; a test asks for it. A module of
`crmlab.validation.answers`, named like the notebook without its digits, has

- ``NOTEBOOK``: name of the notebook;
- ``TRUTHS``: name of a number -> function of a `Case` that gives a `Known` or, for this bank, an `Unknown`;
- ``NO_TRUTH``: name of a number -> why no true value is known.

Names may hold ``*`` where a notebook makes them from groups (``yield_*``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crmlab.stats import Estimate
from crmlab.validation.answers import (
    case_study,
    churn,
    customer_base,
    customer_value,
    improvement_tracking,
    lifecycle_stages,
    loyalty,
    satisfaction_drivers,
    satisfaction_index,
    segments_behaviour,
    segments_needs,
    segments_wealth,
    win_back,
)
from crmlab.validation.case import Case, Known, TrueValue, Unknown
from crmlab.validation.claims import Claim

if TYPE_CHECKING:
    from crmlab.bank import Bank
    from crmlab.validation.truth import Truth

__all__ = ["MODULES", "Answered", "claims_of", "registered"]

MODULES: tuple[ModuleType, ...] = (
    customer_base,
    segments_wealth,
    segments_needs,
    segments_behaviour,
    satisfaction_index,
    satisfaction_drivers,
    improvement_tracking,
    loyalty,
    churn,
    win_back,
    lifecycle_stages,
    customer_value,
    case_study,
)
_FIELDS = ("value", "unit", "low", "high", "n", "method", "level")
_NOBODY_SAID = "nobody has registered yet what is true of it"


@dataclass(frozen=True)
class Answered:
    """What one notebook handed on in a run.

    Parameters
    ----------
    notebook, question : str
        Name and question.
    numbers : sequence of dict
        The ``numbers`` of its ``findings.json``.
    parameters : dict
        Its parameters as it ran.
    """

    notebook: str
    question: str
    numbers: Sequence[Mapping[str, Any]]
    parameters: Mapping[str, Any] = field(default_factory=dict)


def registered(notebook: str, name: str) -> list[TrueValue | str]:
    """Return what is registered for a number: a function, a reason, nothing, or by mistake more than one.

    >>> registered("00_customer_base", "no_such_number"), registered("99_no_such_notebook", "customers")
    ([], [])
    """
    found: list[TrueValue | str] = []
    for module in MODULES:
        if notebook == module.NOTEBOOK:
            for entries in (module.TRUTHS, module.NO_TRUTH):
                found += [entry for pattern, entry in entries.items() if fnmatchcase(name, pattern)]
    return found


def claims_of(answered: Answered, bank: Bank, truth: Truth) -> list[Claim]:
    """Put the true value beside each number of a notebook, in the notebook's order."""
    case = Case(bank, truth, answered.parameters)
    return [_claim(answered.notebook, number, case) for number in answered.numbers]


def _claim(notebook: str, number: Mapping[str, Any], case: Case) -> Claim:
    given = {name: number[name] for name in _FIELDS}
    estimate = Estimate(**{**given, "value": float("nan") if given["value"] is None else given["value"]})
    entry = next(iter(registered(notebook, number["name"])), _NOBODY_SAID)
    found = Unknown(entry) if isinstance(entry, str) else entry(case)
    truth, how = (found.value, found.how) if isinstance(found, Known) else (None, found.why)
    return Claim(notebook, number["name"], number["label"], estimate, truth, how)
