"""Dates a snapshot is taken at, and the months that are counted back from them."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable

from crmlab.errors import CrmlabError

__all__ = ["MONTH_END", "add_months", "anchor_of", "month_index", "read_date", "read_dates"]

MONTH_END = 31  # the anchor of a date that ends its month


def read_date(value: object) -> dt.date:
    """Read one date given as ``YYYY-MM-DD``, a date or a timestamp at midnight.

    >>> read_date("1998-12-31")
    datetime.date(1998, 12, 31)
    """
    if isinstance(value, dt.datetime):  # pandas timestamps are datetimes too
        if value != value or (value.hour, value.minute, value.second, value.microsecond) != (0, 0, 0, 0):
            raise CrmlabError([f"as_of {value} is not a date. Give a day without a time; the whole day counts."])
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value.strip())
        except ValueError:
            pass
    elif hasattr(value, "item"):  # numpy.datetime64
        return read_date(value.astype("datetime64[us]").item() if hasattr(value, "astype") else value.item())
    raise CrmlabError([f"as_of {value!r} is not a date. Write it as YYYY-MM-DD."])


def read_dates(values: object) -> tuple[dt.date, ...]:
    """Read one date or several; sorted, each once.

    >>> read_dates(["2024-02-29", "2024-01-31", "2024-02-29"])
    (datetime.date(2024, 1, 31), datetime.date(2024, 2, 29))
    """
    if isinstance(values, str | dt.date) or not isinstance(values, Iterable):
        values = [values]
    found = sorted({read_date(value) for value in values})
    if not found:
        raise CrmlabError(["snapshot has no date: the list is empty. Give at least one date as YYYY-MM-DD."])
    return tuple(found)


def anchor_of(date: dt.date) -> int:
    """Return the day of the month on which the date's months end; 31 for a date that ends its month.

    >>> anchor_of(dt.date(2023, 2, 28)), anchor_of(dt.date(2024, 2, 28)), anchor_of(dt.date(2024, 4, 30))
    (31, 28, 31)
    """
    return MONTH_END if date.day == _days_in(date.year, date.month) else date.day


def month_index(date: dt.date, anchor: int = MONTH_END) -> int:
    """Number the month that the date lies in: ``year * 12 + month``, and one more after the anchor day.

    >>> month_index(dt.date(2024, 1, 15), 15) == month_index(dt.date(2024, 1, 31)) == 2024 * 12 + 1
    True
    >>> month_index(dt.date(2024, 1, 16), 15) - month_index(dt.date(2024, 1, 15), 15)
    1
    """
    return date.year * 12 + date.month + (date.day > anchor)


def add_months(date: dt.date, months: int) -> dt.date:
    """Move a date by whole anchored months: a month end stays a month end, another day stays that day where it exists.

    >>> add_months(dt.date(2024, 2, 29), 1), add_months(dt.date(2024, 1, 30), 1), add_months(dt.date(2024, 3, 15), -12)
    (datetime.date(2024, 3, 31), datetime.date(2024, 2, 29), datetime.date(2023, 3, 15))
    """
    years, month0 = divmod(date.year * 12 + date.month - 1 + months, 12)
    return dt.date(years, month0 + 1, min(anchor_of(date), _days_in(years, month0 + 1)))


def _days_in(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
