"""What was read of a bank once, kept for the next definition and date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmlab.churn.definitions import events
from crmlab.churn.definitions.courses import Courses, courses
from crmlab.snapshots.dates import MONTH_END

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Memory"]


class Memory:
    """Reads of one bank, each made once: definitions, windows and dates share them.

    Parameters
    ----------
    bank : Bank
        As of a date, or all of it.
    """

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self._kept: dict[tuple[object, ...], Any] = {}

    def courses(self, anchor: int = MONTH_END) -> Courses:
        """Return the courses of months that end on a day, as `courses` does."""
        return self._once(("courses", anchor), lambda: courses(self.bank, anchor))

    def there(self, day: dt.date) -> pd.DataFrame:
        """Return the customers of a date, as `events.there` does."""
        return self._once(("there", day), lambda: events.there(self.bank, day))

    def holders(self, day: dt.date, families: Sequence[str]) -> pd.Index:
        """Return who held the families, as `events.holders` does."""
        return self._once(("holders", day, *families), lambda: events.holders(self.bank, day, families))

    def closings(self, day: dt.date, end: dt.date, families: Sequence[str] = ()) -> pd.DataFrame:
        """Return how relations ended, as `events.closings` does."""
        return self._once(("closings", day, end, *families), lambda: events.closings(self.bank, day, end, families))

    def matured_amounts(self, day: dt.date, end: dt.date) -> pd.Series:
        """Return what matured, as `events.matured_amounts` does."""
        return self._once(("matured", day, end), lambda: events.matured_amounts(self.bank, day, end))

    def _once(self, key: tuple[object, ...], read: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = read()
        return self._kept[key]
