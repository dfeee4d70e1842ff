"""The clock of months and the one way to draw random numbers.

Every draw belongs to a seed, a block of customers, a month and a topic. Nothing else enters, so the length of the
simulation, the number of processes and tables added later leave earlier rows as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

__all__ = ["DAY", "FIRST_MONTH", "MARKET_BLOCK", "TOPICS", "Month", "day_number", "generator", "month_at"]

DAY = 86_400  # seconds
FIRST_MONTH = np.datetime64("2023-01", "M")
MARKET_BLOCK = 1_000_000  # the market is common to all blocks; no block of customers reaches this number
# Append new topics at the end: the position is part of the seed.
TOPICS = (
    "cohort",
    "customers",
    "accounts",
    "life",
    "income",
    "bills",
    "spending",
    "movements",
    "closings",
    "interactions",
    "digital_events",
    "decisions",
    "market",
    "segments",
    "opinions",
    "surveys",
    "comments",
    "campaigns",
    "contacts",
    "returns",
    "opportunities",
    "loyalty_points",
    "stress",
    "events",
    "value",
    "defects",
    "measures",
    "survey_times",
)


def generator(seed: int, block: int, month: int, topic: str) -> np.random.Generator:
    """Return the random numbers of one topic in one month of one block of customers.

    Parameters
    ----------
    seed : int
        Seed of the bank, 0 or more.
    block : int
        Number of the block of customers.
    month : int
        Months since the first month; -60 or more (history before the first month counts backwards).
    topic : str
        One of `TOPICS`.

    Examples
    --------
    >>> bool(generator(1, 0, 3, "life").random() == generator(1, 0, 3, "life").random())
    True
    >>> bool(generator(1, 0, 3, "life").random() == generator(1, 0, 4, "life").random())
    False
    """
    key = (block, month + 60, TOPICS.index(topic))
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(entropy=seed, spawn_key=key)))


def day_number(day: object) -> int:
    """Days since 1970-01-01, the unit in which the simulation keeps dates.

    >>> day_number("1970-01-02")
    1
    """
    return int(np.datetime64(day, "D").astype(np.int64))


@dataclass(frozen=True)
class Month:
    """One month: its days, weekdays and working days.

    Days are counted from 0 within the month; a number at or past `days` lies in the next month.

    Examples
    --------
    >>> december = month_at(11)
    >>> december.days, int(december.working_before[24]), int(december.working_from[24])  # 25 December 2023 is a Monday
    (31, 21, 26)
    """

    number: int
    year: int
    of_year: int
    first: int
    days: int
    weekday: np.ndarray
    working: np.ndarray
    working_before: np.ndarray
    working_from: np.ndarray

    @property
    def last(self) -> int:
        """Day number of the last day."""
        return self.first + self.days - 1

    def spread(self, rng: np.random.Generator, size: int, weights: tuple[float, ...]) -> np.ndarray:
        """Draw days of the month by weekday weights, Monday first."""
        weight = np.asarray(weights)[self.weekday]
        return np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(size)).clip(max=self.days - 1)


@lru_cache(maxsize=1024)
def month_at(number: int) -> Month:
    """Return a month by its distance from the first month.

    >>> month_at(0).year, month_at(0).of_year, month_at(-1).of_year
    (2023, 1, 12)
    """
    month = FIRST_MONTH + number
    first = int(month.astype("datetime64[D]").astype(np.int64))
    days = int((month + 1).astype("datetime64[D]").astype(np.int64)) - first
    serial = int(month.astype(np.int64))
    year, of_year = 1970 + serial // 12, serial % 12 + 1
    reach = np.arange(first, first + days + 10)  # far enough to find the next working day
    weekday = (reach + 3) % 7  # 1970-01-01 was a Thursday
    working = (weekday < 5) & ~np.isin(reach, sorted(_holidays(year) | _holidays(year + 1)))
    position = np.arange(len(reach))
    before = np.maximum.accumulate(np.where(working, position, -1))[:days]
    before[before < 0] = position[working][0]
    after = np.minimum.accumulate(np.where(working, position, len(reach))[::-1])[::-1][: days + 2]
    return Month(number, year, of_year, first, days, weekday[:days], working[:days], before, after)


@lru_cache(maxsize=128)
def _holidays(year: int) -> frozenset[int]:
    """Days on which the euro payment system TARGET is closed, weekends aside."""
    easter = _easter(year)
    fixed = (day_number(f"{year}-{day}") for day in ("01-01", "05-01", "12-25", "12-26"))
    return frozenset({*fixed, easter - 2, easter + 1})


def _easter(year: int) -> int:
    """Easter Sunday, by the anonymous Gregorian computus (Meeus 1991, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    el = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 19 * el) // 433
    n = (h + el - 7 * m + 90) // 25
    p = (h + el - 7 * m + 33 * n + 19) % 32
    return day_number(f"{year}-{n:02d}-{p:02d}")
