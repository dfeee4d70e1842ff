"""Days of the rows of a flat file that says only the month: a new year begins where the months run back."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict

from crmlab.bank.engine import literal, quote

__all__ = ["DATED", "NUMBERED", "MonthOrder", "dated_source", "far_day"]

NUMBERED = "file_row_number"  # place of a row in the file, from 0
DATED = "crmlab:day"  # the day that was put together
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class MonthOrder(BaseModel):
    """Which columns say month and day, and the year of the first row; the rows stand in the order of time.

    ``month`` holds numbers or English names, full or of three letters. Without ``day`` a row describes the end of its
    month.
    """

    model_config = ConfigDict(extra="forbid")

    month: str
    first_year: int
    day: str = ""

    @property
    def columns(self) -> list[str]:
        """Columns of the file that are read."""
        return [self.month, *([self.day] if self.day else [])]


def dated_source(path: object, order: MonthOrder | None) -> str:
    """Return the SQL of the file's rows, with their place, and their day where it is put together.

    >>> dated_source("rows.parquet", None)
    "(SELECT * FROM read_parquet('rows.parquet', file_row_number = true))"
    """
    rows = f"(SELECT * FROM read_parquet({literal(path)}, file_row_number = true))"
    if order is None:
        return rows
    arms = " ".join(f"WHEN {literal(name)} THEN {number}" for number, name in enumerate(_MONTHS, 1))
    text = f"lower(trim({quote(order.month)}))"
    month = (
        f"CASE WHEN regexp_full_match({text}, '0?[1-9]|1[0-2]') THEN CAST({text} AS INTEGER)"
        f" WHEN regexp_full_match({text}, '[a-z]{{3,9}}[.]?') THEN CASE left({text}, 3) {arms} END END"
    )
    day = f"try_cast(trim({quote(order.day)}) AS INTEGER)" if order.day else "1"
    first = f"try_cast(format('{{:04d}}-{{:02d}}-{{:02d}}', {order.first_year} + turn_, month_, {day}) AS DATE)"
    over = f"OVER (ORDER BY {NUMBERED})"
    return (
        f"(SELECT * EXCLUDE (month_, back_, turn_), {first if order.day else f'last_day({first})'} AS {quote(DATED)}"
        f" FROM (SELECT *, CAST(sum(CASE WHEN back_ THEN 1 ELSE 0 END) {over} AS INTEGER) AS turn_"
        f" FROM (SELECT *, month_ < lag(month_ IGNORE NULLS) {over} AS back_"
        f" FROM (SELECT *, {month} AS month_ FROM {rows}))))"
    )


def far_day(file: str, order: MonthOrder, first: dt.date | None, last: dt.date | None, today: dt.date) -> list[str]:
    """Return a problem where the days put together cannot be right.

    >>> order = MonthOrder(month="m", first_year=2020)
    >>> far_day("a.csv", order, dt.date(2020, 1, 31), dt.date(2021, 1, 31), dt.date(2026, 1, 1))
    []
    >>> far_day("a.csv", order, None, None, dt.date(2026, 1, 1))
    ["a.csv: no row has a month in 'm'. Give numbers 1 to 12, or English names."]
    """
    if last is None or first is None:
        return [f"{file}: no row has a month in {order.month!r}. Give numbers 1 to 12, or English names."]
    if last <= today:
        return []
    return [
        f"{file}: read in file order, the months of {order.month!r} run from {first} to {last}, beyond today."
        " Sort the file by time, or give a column with the whole date."
    ]
