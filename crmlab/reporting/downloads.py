"""The tables of a question as files that a spreadsheet opens: CSV for one, a workbook for all."""

from __future__ import annotations

import base64
import csv
import datetime
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from crmlab.findings.lists import harmless

__all__ = ["csv_address", "csv_text", "workbook", "workbook_address"]

_CSV, _XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LONGEST_SHEET_NAME = 31
_EPOCH = datetime.datetime(2000, 1, 1)  # the same bytes in every run


def csv_text(table: Mapping[str, Any]) -> str:
    """Write one table of the findings as CSV: full precision, no cell that a spreadsheet executes.

    Parameters
    ----------
    table : mapping
        An entry of ``tables`` in ``findings.json``: ``columns`` and ``rows``.

    Examples
    --------
    >>> csv_text({"columns": ["tier", "assets_amount"], "rows": [["mass", 12.5], ["=top", None]]})
    "tier,assets_amount\\r\\nmass,12.5\\r\\n'=top,\\r\\n"
    """
    written = io.StringIO()
    out = csv.writer(written)
    out.writerow([harmless(str(name)) for name in table["columns"]])
    out.writerows([["" if value is None else harmless(_flat(value)) for value in row] for row in table["rows"]])
    return written.getvalue()


def csv_address(table: Mapping[str, Any]) -> str:
    """Give a table's CSV as an address that holds the file itself, with the mark that spreadsheets understand."""
    return _address(_CSV, csv_text(table).encode("utf-8-sig"))


def workbook(tables: Sequence[Mapping[str, Any]], numbers: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """Write the numbers and all tables of a question as one workbook, a sheet each.

    Parameters
    ----------
    tables, numbers : sequence of mapping
        ``tables`` and ``numbers`` of ``findings.json``.
    """
    import xlsxwriter

    written = io.BytesIO()
    book = xlsxwriter.Workbook(
        written,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    book.set_properties({"created": _EPOCH})
    head = book.add_format({"bold": True, "bottom": 1})
    names: list[str] = []
    if numbers:
        columns = ("label", "value", "unit", "low", "high", "n", "level", "method")
        rows = [[number.get(name) for name in columns] for number in numbers]
        _sheet(book, _name("numbers", names), columns, rows, head)
    for table in tables:
        _sheet(book, _name(table["name"], names), table["columns"], table["rows"], head)
    book.close()
    return written.getvalue()


def workbook_address(tables: Sequence[Mapping[str, Any]], numbers: Sequence[Mapping[str, Any]] = ()) -> str:
    """Give the workbook as an address that holds the file itself."""
    return _address(_XLSX, workbook(tables, numbers))


def _sheet(book: Any, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], head: Any) -> None:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(columns):
        sheet.write_string(0, at, str(column), head)
        longest = max([len(str(column)), *(len(str(_flat(row[at]))) for row in rows)])
        sheet.set_column(at, at, min(max(8, longest + 2), 60))
    for down, row in enumerate(rows, start=1):
        for at, value in enumerate(row):
            value = _flat(value)
            if value is None:
                continue
            if isinstance(value, bool):
                sheet.write_boolean(down, at, value)
            elif isinstance(value, (int, float)):
                sheet.write_number(down, at, value)
            else:
                sheet.write_string(down, at, str(value))


def _name(name: str, taken: list[str]) -> str:
    """A sheet's name: up to 31 signs, none that workbooks forbid, each once."""
    plain = re.sub(r"[\[\]:*?/\\']", " ", name)[:_LONGEST_SHEET_NAME]
    number = 2
    while plain.lower() in taken:
        ending = f" {number}"
        plain, number = plain[: _LONGEST_SHEET_NAME - len(ending)] + ending, number + 1
    taken.append(plain.lower())
    return plain


def _flat(value: Any) -> Any:
    """An estimate among the cells is its value."""
    return value.get("value") if isinstance(value, Mapping) else value


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
