"""One number of the kit held against the truth of the simulated bank it was computed from.

A module of a textbook estimator (`crmlab.validation.hazard`, ...) has two functions, so no estimate sees the truth:

- ``estimates(bank) -> dict[str, Estimate]`` reads the observed tables of a bank as of a day, and nothing else;
- ``recover(bank, truth) -> list[Claim]`` calls it and puts the true value beside each number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crmlab.stats import Estimate

__all__ = ["Claim"]

_DIGITS = 1e-9  # findings keep ten significant digits


@dataclass(frozen=True)
class Claim:
    """One number, its interval, and what it should have found.

    Parameters
    ----------
    question : str
        Notebook (``00_customer_base``) or topic of a textbook estimator (``path model``, ``hazard``, ``campaigns``).
    name : str
        Name of the finding, once a question.
    label : str
        What a reader calls it.
    estimate : Estimate
        What the kit found.
    truth : float or None
        The true value in the unit of the estimate; None where none is known.
    how : str
        How the true value was computed, in a sentence; where there is none, why not.

    Examples
    --------
    >>> found = Estimate(0.071, unit="share", low=0.064, high=0.079, n=5000, method="Wilson")
    >>> Claim("00_customer_base", "left_share", "Left in a year", found, 0.069, "Mean true chance to leave.").is_held
    True
    >>> Claim("00_customer_base", "customers", "Customers", Estimate(10.0, "count"), 11.0, "Counted.").is_held
    False
    """

    question: str
    name: str
    label: str
    estimate: Estimate
    truth: float | None
    how: str

    @property
    def has_interval(self) -> bool:
        """Both limits of the interval are known numbers."""
        limits = (self.estimate.low, self.estimate.high)
        return all(limit is not None and math.isfinite(limit) for limit in limits)

    @property
    def is_known(self) -> bool:
        """A true value is known, and the kit gave a number to compare with it."""
        numbers = (self.truth, self.estimate.value)
        return all(number is not None and math.isfinite(number) for number in numbers)

    @property
    def is_held(self) -> bool | None:
        """The interval holds the truth; without an interval, both are equal. None where nothing can be compared."""
        if not self.is_known:
            return None
        slack = _DIGITS * max(1.0, abs(self.truth))
        low, high = (
            (self.estimate.low, self.estimate.high) if self.has_interval else (self.estimate.value, self.estimate.value)
        )
        return low - slack <= self.truth <= high + slack

    @property
    def true(self) -> str:
        """The true value as a reader sees it, in the unit of the estimate."""
        if self.truth is None or not math.isfinite(self.truth):
            return "not known"
        return Estimate(self.truth, unit=self.estimate.unit).short
