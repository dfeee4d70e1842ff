"""From a source's cells to the contract's types: one SQL expression a column, nothing guessed in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmlab.bank.contract import Column
from crmlab.bank.engine import as_minor, literal, quote
from crmlab.bank.mapping import ColumnMap, Layout

__all__ = ["NUMBER", "ZONED", "Field", "family", "make_field"]

_BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(65279)"
NUMBER = r"'^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$'"
_ISO_DATE = r"'^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}$'"
_ISO_TIME = r"'^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)?$'"
# a clock followed by Z, UTC or an offset
ZONED = r"'[0-9]:[0-9]{2}([.:0-9]*) ?(Z|z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)$'"
_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
_WHOLE_IN_DOUBLE = 9007199254740992  # 2**53: above it a float no longer holds every whole number


@dataclass(frozen=True)
class Field:
    """One column on its way into the contract.

    Parameters
    ----------
    column : Column
        Contract column.
    cell : str
        SQL over the source for the cell as found, cleaned when it is text; NULL when it is empty.
    typed : str
        SQL over ``"r:<name>"`` (the cell) for the value in the engine's type; NULL when it cannot be read.
    family : str
        Type family of the source's cell: text, whole, float, decimal, date, time, zoned, flag or other.
    more : tuple of (str, str)
        Further expressions over the source that ``typed`` needs, by alias.
    exact : bool
        The file already holds the contract's type.
    formats : tuple of str
        Formats of dates and times.
    scaled : str
        For money that may have too many decimals: SQL of the amount in minor units before rounding.
    """

    column: Column
    cell: str
    typed: str
    family: str
    more: tuple[tuple[str, str], ...] = ()
    exact: bool = False
    formats: tuple[str, ...] = ()
    scaled: str = ""


def family(type_name: str) -> str:
    """Return the family of a DuckDB type.

    >>> [family(name) for name in ("VARCHAR", "BIGINT", "DECIMAL(18,2)", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")]
    ['text', 'whole', 'decimal', 'time', 'zoned']
    """
    name = type_name.upper()
    if name in ("VARCHAR", "UUID") or name.startswith("ENUM"):
        return "text"
    if name.endswith("INT") or name == "INTEGER" or name == "UINTEGER":
        return "whole"
    if name in ("DOUBLE", "FLOAT"):
        return "float"
    if name.startswith("DECIMAL"):
        return "decimal"
    if name == "DATE":
        return "date"
    if name == "TIMESTAMP WITH TIME ZONE":
        return "zoned"
    if name.startswith("TIMESTAMP"):
        return "time"
    return "flag" if name == "BOOLEAN" else "other"


def make_field(
    column: Column, raw: str, raw_type: str, layout: Layout, given: ColumnMap | None, *, minor_units: int, timezone: str
) -> Field:
    """Return how a column is read.

    Parameters
    ----------
    column : Column
        Contract column.
    raw, raw_type : str
        SQL of the cell over the source, and its DuckDB type.
    layout : Layout
        How the file is written.
    given : ColumnMap or None
        What the mapping says about the column.
    minor_units : int
        Minor units of the currency.
    timezone : str
        The bank's zone.
    """
    given = given or ColumnMap()
    kind = family(raw_type)
    if kind == "other" or (kind == "text" and raw_type.upper() != "VARCHAR"):
        raw, kind = f"CAST({raw} AS VARCHAR)", "text"
    if kind != "text" and (given.words or given.format or (column.kind in ("date", "time") and kind == "whole")):
        raw, kind = f"CAST({raw} AS VARCHAR)", "text"
    cell = _clean(raw, kind, (*layout.nulls, *given.nulls))
    value = f'"r:{column.name}"'
    if given.words:
        arms = " ".join(
            f"WHEN {literal(old)} THEN {literal(new) if new else 'NULL'}" for old, new in given.words.items()
        )
        # a word mapped to nothing is an empty cell; what the mapping does not name stays as it is
        cell = f"CASE {cell} {arms} ELSE {cell} END"
    formats: tuple[str, ...] = ()
    more: tuple[tuple[str, str], ...] = ()
    scaled = ""
    if column.kind in ("date", "time"):
        common = layout.date_format if column.kind == "date" else layout.time_format or layout.date_format
        formats = tuple(given.format or common)
        typed = _moment(value, kind, column.kind, formats, timezone)
    elif column.kind == "money":
        units = 1 if given.unit == "minor" else minor_units
        scaled = f"{_number(value, kind, layout, 'DECIMAL(30,8)')} * {units}"
        typed = f"TRY_CAST(round({scaled}, 0) AS BIGINT)"
        if kind == "decimal" and raw_type.upper() == f"DECIMAL(18,{len(str(minor_units)) - 1})" and units != 1:
            typed = as_minor(value, units)
        if given.sign:
            by = _clean(f"CAST({quote(given.sign.by)} AS VARCHAR)", "text", ())
            more = ((f"s:{column.name}", f"{by} IN {_row(given.sign.negative)}"),)
            typed = f'CASE WHEN "s:{column.name}" THEN -({typed}) ELSE {typed} END'
    elif column.kind == "count":
        number = _number(value, kind, layout, "DECIMAL(38,6)")
        typed = (
            value if kind == "whole" else f"CASE WHEN {number} = floor({number}) THEN TRY_CAST({number} AS BIGINT) END"
        )
        typed = f"TRY_CAST({typed} AS BIGINT)"
    elif column.kind in ("number", "share"):
        number = _number(value, kind, layout, "DOUBLE")
        typed = f"CASE WHEN isfinite({number}) THEN {number} END"
    elif column.kind == "flag":
        typed = _flag(value, kind)
    elif column.kind == "word":
        arms = " ".join(f"WHEN {literal(word.lower())} THEN {literal(word)}" for word in column.words)
        typed = f"CASE lower(CAST({value} AS VARCHAR)) {arms} END"
    elif column.kind == "id":
        typed = _identifier(value, kind)
    else:
        typed = f"CAST({value} AS VARCHAR)"
    plain = not (given.words or given.format or given.nulls or given.sign or given.unit == "minor" or layout.nulls)
    exact = plain and _is_exact(column.kind, kind, raw_type, minor_units)
    return Field(column, cell, typed, kind, more, exact, formats, scaled)


def _is_exact(wanted: str, kind: str, raw_type: str, minor_units: int) -> bool:
    """Tell whether a plain cast in a view gives the contract's value, so that the file can be used where it lies."""
    if wanted == "money":
        return raw_type.upper() == f"DECIMAL(18,{len(str(minor_units)) - 1})"
    return kind in {
        "id": ("text",),
        "text": ("text",),
        "word": ("text",),
        "date": ("date", "time"),
        "time": ("date", "time"),
        "count": ("whole",),
        "number": ("float", "whole"),
        "share": ("float", "whole"),
        "flag": ("flag",),
    }.get(wanted, ())


def _row(texts: Sequence[str]) -> str:
    return "(" + ", ".join(literal(text) for text in texts) + ")"


def _clean(raw: str, kind: str, nulls: Sequence[str]) -> str:
    """Trim and normalise text; an empty cell, a listed sign for nothing and NaN are NULL."""
    if kind == "float":
        cleaned = f"CASE WHEN isnan({raw}) THEN NULL ELSE {raw} END"
    elif kind == "text":
        # most cells are plain ASCII without blanks at the ends: leaving those alone takes a fifth of the time
        plain = f"strlen({raw}) = length({raw}) AND left({raw}, 1) > ' ' AND right({raw}, 1) > ' '"
        cleaned = f"CASE WHEN {plain} THEN {raw} ELSE nullif(trim(nfc_normalize({raw}), {_BLANKS}), '') END"
    else:
        cleaned = raw
    if nulls:
        cleaned = f"CASE WHEN CAST({cleaned} AS VARCHAR) IN {_row(nulls)} THEN NULL ELSE {cleaned} END"
    return cleaned


def _number(value: str, kind: str, layout: Layout, target: str) -> str:
    if kind != "text":
        return f"TRY_CAST({value} AS {target})" if kind in ("whole", "float", "decimal") else f"CAST(NULL AS {target})"
    text = value
    if layout.thousands:
        text = f"replace({text}, {literal(layout.thousands)}, '')"
    if layout.decimal != ".":
        text = f"replace({text}, {literal(layout.decimal)}, '.')"
    # the pattern keeps out what the engine would take for a number: 0x1F, 1_000, nan
    return f"CASE WHEN regexp_matches({text}, {NUMBER}) THEN TRY_CAST({text} AS {target}) END"


def _moment(value: str, kind: str, wanted: str, formats: Sequence[str], timezone: str) -> str:
    """Return a date or a zone-less time; years before 1850 and the engine's infinity cannot be meant."""
    if kind == "zoned":
        moment = f"timezone({literal(timezone)}, {value})"
    elif kind in ("date", "time"):
        moment = f"CAST({value} AS TIMESTAMP)"
    elif kind == "text":
        if formats:
            listed = ", ".join(literal(text) for text in formats)
            local = f"try_strptime({value}, [{listed}])"
        else:
            local = f"CASE WHEN regexp_matches({value}, {_ISO_TIME}) THEN TRY_CAST({value} AS TIMESTAMP) END"
        there = f"timezone({literal(timezone)}, TRY_CAST({value} AS TIMESTAMPTZ))"
        moment = f"CASE WHEN regexp_matches({value}, {ZONED}) THEN {there} ELSE {local} END"
    else:
        return f"CAST(NULL AS {'DATE' if wanted == 'date' else 'TIMESTAMP'})"
    target = "DATE" if wanted == "date" else "TIMESTAMP"
    checked = f"CASE WHEN isfinite({moment}) AND {moment} >= TIMESTAMP '1850-01-01' THEN {moment} END"
    if kind == wanted:
        checked = f"CASE WHEN isfinite({value}) AND {value} >= {target} '1850-01-01' THEN {value} END"
    return f"CAST({checked} AS {target})"


def _flag(value: str, kind: str) -> str:
    if kind == "flag":
        return value
    text = f"lower(CAST({value} AS VARCHAR))"
    if kind in ("float", "decimal"):
        text = f"CAST(TRY_CAST({value} AS DECIMAL(18,6)) = 1 AS VARCHAR)"
        return f"CASE WHEN {value} IN (0, 1) THEN {text} = 'true' END"
    return f"CASE WHEN {text} IN {_row(_TRUE)} THEN true WHEN {text} IN {_row(_FALSE)} THEN false END"


def _identifier(value: str, kind: str) -> str:
    if kind == "float":
        whole = f"{value} = floor({value}) AND abs({value}) < {_WHOLE_IN_DOUBLE}"
        return f"CASE WHEN {whole} THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) END"
    if kind == "text":
        # 1.23457E+15 is what a spreadsheet leaves of a long number: its digits are lost
        return f"CASE WHEN NOT regexp_matches({value}, '^[0-9]([.,][0-9]+)?[eE][+][0-9]+$') THEN {value} END"
    return f"CAST({value} AS VARCHAR)"
