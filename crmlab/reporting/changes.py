"""What changed between two runs: each number of both, and whether the change is beyond what their intervals allow."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from crmlab.errors import refuse
from crmlab.findings.reading import KeptNumber, Run
from crmlab.stats import Estimate

__all__ = ["Change", "changes_between", "refuse_other_banks"]


@dataclass(frozen=True)
class Change:
    """One number in two runs.

    Parameters
    ----------
    question, page : str
        Whose number it is: question and page of the later run.
    before, now : KeptNumber
        As both runs wrote it.
    """

    question: str
    page: str
    before: KeptNumber
    now: KeptNumber

    @property
    def text(self) -> str:
        """The difference with its sign and unit; points for shares.

        >>> parts = dict(name="a", label="A", n=9, method="", short="", interval="", text="")
        >>> then = KeptNumber(value=0.05, unit="share", low=0.04, high=0.06, **parts)
        >>> now = KeptNumber(value=0.08, unit="share", low=0.07, high=0.09, **parts)
        >>> Change("", "", then, now).text, Change("", "", then, now).is_beyond_chance
        ('+3.0 percentage points', True)
        """
        step = self.now.value - self.before.value
        size = (
            f"{abs(100 * step):.1f} percentage points"
            if self.now.unit == "share"
            else Estimate(abs(step), self.now.unit).short
        )
        if not re.search("[1-9]", size):
            return f"±{size}"  # what is shown is no change, whatever lies behind the digits
        return f"{'+' if step > 0 else '-'}{size}"

    @property
    def is_beyond_chance(self) -> bool | None:
        """Whether 0 lies outside an interval of the difference; None where one of the two has no interval.

        Half-widths are squared and added, as for two samples that share nobody. Customers who are in both runs make the
        true interval narrower, so what is called beyond chance is so all the more.
        """
        if not (self.now.has_interval and self.before.has_interval):
            return None
        step = self.now.value - self.before.value
        if step > 0:
            reach = math.hypot(self.now.value - self.now.low, self.before.high - self.before.value)
        else:
            reach = math.hypot(self.now.high - self.now.value, self.before.value - self.before.low)
        return abs(step) > reach


def changes_between(before: Run, now: Run) -> list[Change]:
    """Pair the numbers of two runs by question, name and unit, in the later run's order."""
    old = {
        (question.name, number.name, number.unit): number
        for question in before.having("answered")
        for number in question.numbers
        if number.value is not None
    }
    return [
        Change(question.question, question.page, old[question.name, number.name, number.unit], number)
        for question in now.having("answered")
        if not question.tells_a_run
        for number in question.numbers
        if number.value is not None and (question.name, number.name, number.unit) in old
    ]


def refuse_other_banks(before: Run, name: str, currency: str, as_of: str) -> None:
    """Refuse a previous run that is of another bank, of another currency, or not earlier."""
    where = f"--previous {str(before.folder)!r}"
    day = str(before.facts.get("as_of", ""))
    refuse(
        *([f"{where} is of {before.name!r}, this run of {name!r}. Name an earlier run of the same bank."]
          if before.name != name else []),
        *([f"{where} is in {before.currency}, this run in {currency}. Compare runs of one currency."]
          if before.currency != currency else []),
        *([f"{where} speaks from {day}, this run from {as_of}. Name a run of an earlier day."] if day >= as_of else []),
    )  # fmt: skip
