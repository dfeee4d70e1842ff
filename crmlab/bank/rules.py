"""The contract's rules as SQL conditions: what a row may break, and what then becomes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from crmlab.bank.conform import NUMBER, ZONED, Field
from crmlab.bank.contract import Column, Table
from crmlab.bank.engine import quote

__all__ = ["Rule", "row_rules", "says", "sets_row_aside", "shape", "word_list"]


@dataclass(frozen=True)
class Rule:
    """One rule over the conformed rows.

    Parameters
    ----------
    column : str
        Column it is about.
    name : str
        Short name.
    broken : str
        SQL condition that is true where the rule is broken.
    fact : str
        What the rows do, after "n rows"; a slash separates singular and plural verb at the start.
    cure : str
        What to do.
    severity : {"error", "warning"}
    whole : bool
        The row is set aside; else only the cell is emptied (errors) or nothing happens (warnings).
    """

    column: str
    name: str
    broken: str
    fact: str
    cure: str
    severity: str = "error"
    whole: bool = False


def sets_row_aside(table: Table, column: Column) -> bool:
    """Tell whether a broken cell of the column makes the row useless.

    It does for required columns, for keys, and for dates of an event (leaving, closing, resolving): emptying such a
    date would say that the event never happened. In other columns the cell is emptied and the row stays.
    """
    events = {other.revealed_by for other in table.columns}
    return column.required or column.name in table.key or column.name in events


def row_rules(
    table: Table, fields: list[Field], *, minor_units: int, horizon: dt.date, is_extract: bool, mixed: set[str]
) -> list[Rule]:
    """Return the rules that one row can break by itself.

    Parameters
    ----------
    table : Table
        Contract table.
    fields : list of Field
        Its columns that the source has.
    minor_units : int
        Minor units of the currency.
    horizon : datetime.date
        Last day that a date may lie on.
    is_extract : bool
        The horizon is the day of the extract (else it is today).
    mixed : set of str
        Time columns of which some cells give a zone and others do not.
    """
    rules: list[Rule] = []
    present = {field.column.name: field for field in fields}
    for field in fields:
        column = field.column
        cell, value, whole = quote(f"r:{column.name}"), quote(column.name), sets_row_aside(table, column)
        if column.required:
            rules.append(
                Rule(
                    column.name,
                    "empty cell",
                    f"{cell} IS NULL",
                    "has/have no value",
                    "Fill it in the source.",
                    whole=True,
                )
            )
        unread = f"{cell} IS NOT NULL AND {value} IS NULL"
        if column.name in mixed:
            bare = f"{cell} IS NOT NULL AND NOT regexp_matches({cell}, {ZONED})"
            rules.append(
                Rule(
                    column.name, "time without zone", bare, "gives/give a time without zone while others give one",
                    "Export all times with their offset, or all as local time.", whole=whole,
                )
            )  # fmt: skip
            unread += f" AND NOT ({bare})"
        rules += _readable(field, unread, whole)
        rules += _range(column, whole, minor_units)
        if column.not_before in present:
            rules.append(_order(present[column.not_before].column, column))
        if column.kind in ("date", "time") and not column.future and table.name != "market":
            # a closing that is planned has not happened: the cell is emptied and the account stays
            useless = column.required or column.name in table.key
            rules.append(_not_later(column, useless, horizon, is_extract))
        rules += _warnings(field, minor_units)
    return rules


def _readable(field: Field, unread: str, whole: bool) -> list[Rule]:
    column = field.column
    cell = quote(f"r:{column.name}")
    text = field.family == "text"

    def rule(name: str, fact: str, cure: str, more: str = "") -> Rule:
        return Rule(column.name, name, unread + more, fact, cure, whole=whole)

    if column.kind == "word":
        cure = f"Map it under words in bank.yml to one of {list(column.words)}."
        return [rule("unknown word", "holds/hold a word outside the contract", cure)]
    if column.kind in ("date", "time"):
        if not text:
            return [
                rule(
                    f"impossible {column.kind}", f"holds/hold an impossible {column.kind}", "Correct it in the source."
                )
            ]
        pattern = "as in " + " or ".join(field.formats) if field.formats else "as YYYY-MM-DD"
        if column.kind == "time" and not field.formats:
            pattern = "as YYYY-MM-DD HH:MM:SS"
        key = f"{column.kind}_format"
        shape = (
            "regexp_matches({0}, '^[0-9][-0-9/.:T +Z]*$')"
            if field.formats
            else "regexp_matches({0}, '^[0-9]{{4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}')"
        )
        dated = shape.format(cell)
        return [
            rule(
                f"impossible {column.kind}", f"holds/hold an impossible {column.kind}",
                "Correct it in the source; if it stands for no date, list it under nulls in bank.yml.", f" AND {dated}",
            ),
            rule(
                f"not a {column.kind}", f"holds/hold text that is no {column.kind} {pattern}",
                f"Give {key} in bank.yml, such as '%d.%m.%Y'.", f" AND NOT {dated}",
            ),
        ]  # fmt: skip
    if column.kind == "id":
        cure = "Export the column as text: a spreadsheet or a float has lost digits."
        return [rule("damaged identifier", "holds/hold an identifier whose digits are lost", cure)]
    if column.kind == "flag":
        return [
            rule("not a flag", "holds/hold neither true nor false", "Map it under words in bank.yml to true or false.")
        ]
    if column.kind in ("money", "count", "number", "share"):
        what = "text where a number belongs" if text else "a number that does not fit"
        if column.kind == "count":
            what = "something other than a whole number"
        cure = "Correct it in the source; decimal, thousands and nulls in bank.yml say how numbers are written."
        if text and column.kind != "count":
            number = f"regexp_matches({cell}, {NUMBER})"
            return [
                rule("not a number", f"holds/hold {what}", cure, f" AND NOT {number}"),
                rule(
                    "number too large",
                    "holds/hold a number too large for its kind",
                    "Correct it in the source.",
                    f" AND {number}",
                ),
            ]
        return [rule("not a number", f"holds/hold {what}", cure)]
    return []


def _range(column: Column, whole: bool, minor_units: int) -> list[Rule]:
    value = quote(column.name)
    factor = minor_units if column.kind == "money" else 1
    bounds = []
    if column.low is not None:
        bounds.append(f"{value} < {column.low * factor:.0f}" if factor > 1 else f"{value} < {column.low}")
    if column.high is not None:
        bounds.append(f"{value} > {column.high * factor:.0f}" if factor > 1 else f"{value} > {column.high}")
    rules = []
    if column.kind == "money":
        # 16 digits before the decimals is what the files hold
        limit = f"abs({value}) >= 1000000000000000000"
        rules.append(
            Rule(
                column.name, "too large", limit, "holds/hold an amount of more than 18 digits",
                "Correct it in the source.", whole=whole,
            )
        )  # fmt: skip
    if not bounds:
        return rules
    if column.high is None:
        span = f"below {column.low:g}"
    elif column.low is None:
        span = f"above {column.high:g}"
    else:
        span = f"outside {column.low:g} to {column.high:g}"
    unit = " Shares are written 0.05, not 5." if column.kind == "share" else ""
    rules.append(
        Rule(
            column.name,
            "out of range",
            " OR ".join(bounds),
            f"lies/lie {span}",
            f"Correct it in the source.{unit}",
            whole=whole,
        )
    )
    return rules


def _order(earlier: Column, column: Column) -> Rule:
    first, second = quote(earlier.name), quote(column.name)
    if "date" in (earlier.kind, column.kind):
        first, second = f"CAST({first} AS DATE)", f"CAST({second} AS DATE)"
    return Rule(
        column.name, "wrong order", f"{second} < {first}", f"lies/lie before {earlier.name}",
        "Correct the dates in the source.", whole=True,
    )  # fmt: skip


def _not_later(column: Column, whole: bool, horizon: dt.date, is_extract: bool) -> Rule:
    value = quote(column.name)
    later = f"{value} > DATE '{horizon}'"
    if column.kind == "time":
        later = f"{value} >= TIMESTAMP '{horizon + dt.timedelta(days=1)} 00:00:00'"
    end = f"the extract of {horizon}" if is_extract else "today"
    cure = "Correct it in the source; a date that stands for never goes under nulls in bank.yml."
    return Rule(column.name, "in the future", later, f"lies/lie after {end}", cure, whole=whole)


def _warnings(field: Field, minor_units: int) -> list[Rule]:
    column = field.column
    cell = quote(f"r:{column.name}")
    if column.kind == "text" and field.family == "text":
        # a sign before a plain number is harmless
        armed = f"left({cell}, 1) IN ('=', '+', '-', '@') AND NOT regexp_matches({cell}, '^[+-]?[0-9 .,]+$')"
        return [
            Rule(
                column.name, "formula", armed, "begins/begin with a sign that a spreadsheet executes",
                "Nothing: it is kept as text, and neutralised in every CSV that crmlab writes.", "warning",
            )
        ]  # fmt: skip
    if column.kind == "money" and not field.exact and field.scaled:
        excess = f"{quote(column.name)} IS NOT NULL AND ({field.scaled}) <> round({field.scaled}, 0)"
        digits = len(str(minor_units)) - 1
        return [
            Rule(
                column.name, "more decimals", excess,
                f"holds/hold more than {digits} decimals, rounded half away from zero",
                "Nothing, unless the unit is wrong: see unit and minor_units in bank.yml.", "warning",
            )
        ]  # fmt: skip
    return []


def says(count: int, fact: str) -> str:
    """Return ``n row(s)`` with the fact in singular or plural.

    >>> says(1, "holds/hold an impossible date"), says(2, "holds/hold an impossible date")
    ('1 row holds an impossible date', '2 rows hold an impossible date')
    """
    verb, _, rest = fact.partition(" ")
    one, many = verb.split("/")
    return f"{count:,} {'row' if count == 1 else 'rows'} {one if count == 1 else many} {rest}"


def word_list(found: list[tuple[str, int]]) -> str:
    """Return words with their counts for a message, leaving out what could be personal.

    >>> word_list([("Blitz", 3), ("jan@bank.eu", 1)])
    "'Blitz' 3 times, 1 value withheld"
    """
    shown = [(word, n) for word, n in found if len(word) <= 24 and "@" not in word and not _many_digits(word)]
    parts = [f"{word!r} {n:,} {'time' if n == 1 else 'times'}" for word, n in shown[:5]]
    rest = len(found) - len(shown[:5])
    if rest:
        parts.append(f"{rest} {'value' if rest == 1 else 'values'} withheld")
    return ", ".join(parts)


def _many_digits(word: str) -> bool:
    return sum(sign.isdigit() for sign in word) > 3


def shape(cell: str) -> str:
    """Return SQL that keeps a cell's shape and hides its content: letters become a, digits 9."""
    hidden = f"regexp_replace(regexp_replace(CAST({cell} AS VARCHAR), '\\pL', 'a', 'g'), '\\pN', '9', 'g')"
    return f"left({hidden}, 20)"
