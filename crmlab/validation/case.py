"""What a function of the registry is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmlab.bank import Bank
    from crmlab.validation.truth import Truth

__all__ = ["Case", "Known", "TrueValue", "Unknown"]


@dataclass(frozen=True)
class Case:
    """One notebook's answer on one simulated bank.

    Parameters
    ----------
    bank : Bank
        As of the day of the report: what the notebook saw.
    truth : Truth
        What the simulation planted.
    parameters : mapping
        The notebook's parameters as it ran.
    """

    bank: Bank
    truth: Truth
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """A true value.

    Parameters
    ----------
    value : float
        In the unit of the finding (shares 0 to 1).
    how : str
        How it was computed, in a sentence or two for a reader who knows no code.
    """

    value: float
    how: str


@dataclass(frozen=True)
class Unknown:
    """No true value, for this bank or for any.

    Parameters
    ----------
    why : str
        The reason in a sentence.
    """

    why: str


TrueValue = Callable[[Case], "Known | Unknown"]
