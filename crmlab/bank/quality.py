"""Check one table: every rule in a few passes of the engine, broken rows found by number, memory bounded."""

from __future__ import annotations

import datetime as dt

import duckdb

from crmlab.bank.conform import ZONED
from crmlab.bank.engine import literal, quote
from crmlab.bank.intake import Conformed, row_name, settle_extras
from crmlab.bank.mapping import BankMap
from crmlab.bank.remarks import table_remarks
from crmlab.bank.report import Violation
from crmlab.bank.rules import Rule, row_rules, says, sets_row_aside, shape, word_list
from crmlab.bank.textfiles import FOREIGN

__all__ = ["check_table"]


def check_table(
    connection: duckdb.DuckDBPyConnection, one: Conformed, facts: BankMap, horizon: dt.date
) -> list[Violation]:
    """Run every rule on a table whose parents have been accepted; note which rows are broken and why."""
    settle_extras(connection, one)
    mixed = _mixed_zones(connection, one)
    rules = row_rules(
        one.table, one.fields, minor_units=facts.minor_units, horizon=horizon,
        is_extract=facts.extracted_on is not None, mixed=mixed,
    )  # fmt: skip
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {one.broken} (__row BIGINT, column_ VARCHAR, rule_ VARCHAR, whole_ BOOLEAN)"
    )
    violations = _ragged(one)
    changed = _run(connection, one, rules, violations)
    _count_aside(connection, one)
    _duplicates(connection, one, violations)
    _orphans(connection, one, violations)
    one.in_place = (
        one.origin.in_place and not (changed or one.aside or one.emptied) and all(f.exact for f in one.fields)
    )
    ragged = sum(r.lines for r in one.origin.ragged)
    one.read += ragged
    one.aside += ragged
    return violations + table_remarks(one)


def _mixed_zones(connection: duckdb.DuckDBPyConnection, one: Conformed) -> set[str]:
    """Return the time columns of which some cells give a zone and others do not."""
    texts = [f.column.name for f in one.fields if f.column.kind == "time" and f.family == "text"]
    if not texts:
        return set()
    tests = ", ".join(
        f"count(*) FILTER (regexp_matches({quote('r:' + name)}, {ZONED})), count({quote('r:' + name)})"
        for name in texts
    )
    found = connection.execute(f"SELECT {tests} FROM ({one.cells})").fetchall()[0]
    return {name for i, name in enumerate(texts) if 0 < found[2 * i] < found[2 * i + 1]}


def _run(connection: duckdb.DuckDBPyConnection, one: Conformed, rules: list[Rule], violations: list[Violation]) -> bool:
    """Count every rule in one pass; return whether a text had to be normalised, so that a copy is needed."""
    counts = ["count(*)", *(f"count(*) FILTER ({rule.broken})" for rule in rules)]
    changes = [quote("c:" + f.column.name) for f in one.fields if f.exact and f.family in ("text", "float")]
    # a word in other letters is read, but the file does not hold the contract's word
    words = [f.column.name for f in one.fields if f.exact and f.column.kind == "word"]
    changes += [f"{quote('r:' + name)} <> {quote(name)}" for name in words]
    counts.append(f"count(*) FILTER ({' OR '.join(changes)})" if changes else "0")
    one.read, *found, changed = connection.execute(f"SELECT {', '.join(counts)} FROM ({one.rows})").fetchall()[0]
    for rule, count in zip(rules, found, strict=True):
        if count:
            violations.append(_broken(connection, one, rule, count))
    return bool(changed)


def _broken(connection: duckdb.DuckDBPyConnection, one: Conformed, rule: Rule, count: int) -> Violation:
    """Note the rows that break a rule, and tell about them."""
    fate = "kept" if rule.severity == "warning" else "row set aside" if rule.whole else "cell emptied"
    fact = says(count, rule.fact)
    if rule.name == "unknown word":
        cell = quote(f"r:{rule.column}")
        words = connection.execute(
            f"SELECT CAST({cell} AS VARCHAR), count(*) FROM ({one.rows}) WHERE {rule.broken}"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50"
        ).fetchall()
        fact += f": {word_list(words)}"
    rows = f"SELECT __row FROM ({one.rows}) WHERE {rule.broken}"
    if rule.severity == "error":
        connection.execute(
            f"INSERT INTO {one.broken} SELECT __row, ?, ?, {rule.whole} FROM ({rows})", [rule.column, rule.name]
        )
        these = f"column_ = {literal(rule.column)} AND rule_ = {literal(rule.name)}"
        rows = f"SELECT __row FROM {one.broken} WHERE {these}"
        if not rule.whole:
            one.emptied.setdefault(rule.column, []).append(rule.broken)
    first = connection.execute(f"{rows} ORDER BY __row LIMIT 3").fetchall()
    examples = _examples(connection, one, rule, [row for (row,) in first])
    return Violation(one.table.name, rule.column, rule.name, count, fact, rule.cure, examples, rule.severity, fate)


def _examples(connection: duckdb.DuckDBPyConnection, one: Conformed, rule: Rule, rows: list[int]) -> tuple[str, ...]:
    shown = {"unknown word", "empty cell", "formula"}
    kinds: dict[int, str] = {}
    typed = next(f for f in one.fields if f.column.name == rule.column)
    if rule.name not in shown and typed.family == "text" and typed.column.kind not in ("text",):
        listed = ", ".join(str(row) for row in rows)
        kinds = dict(
            connection.execute(
                f"SELECT __row, {shape(quote('r:' + rule.column))} FROM ({one.cells}) WHERE __row IN ({listed})"
            ).fetchall()
        )
    return tuple(row_name(one.origin, row) + (f" like {kinds[row]!r}" if row in kinds else "") for row in sorted(rows))


def _ragged(one: Conformed) -> list[Violation]:
    foreign = [r for r in one.origin.ragged if r.problem == FOREIGN]
    ragged = [r for r in one.origin.ragged if r.problem != FOREIGN]
    kinds = (
        (ragged, "ragged row", "does/do not fit the header",
         "Quote cells that hold the delimiter and double the quotes in them, or export again."),
        (foreign, "mixed encodings", "is/are not UTF-8, while others hold letters in UTF-8",
         "Two systems wrote this file: export all of it as UTF-8."),
    )  # fmt: skip
    found = []
    for rows, rule, fact, cure in kinds:
        if rows:
            lines = sum(r.lines for r in rows)
            where = tuple(
                f"row {r.record:,}: {r.problem}{f', {r.lines:,} lines' if r.lines > 1 else ''}" for r in rows[:3]
            )
            found.append(
                Violation(one.table.name, "", rule, lines, says(lines, fact), cure, where, "error", "row set aside")
            )
    return found


def _count_aside(connection: duckdb.DuckDBPyConnection, one: Conformed) -> None:
    found = connection.execute(f"SELECT count(DISTINCT __row) FROM {one.broken} WHERE whole_").fetchall()[0]
    one.aside = found[0]


def _duplicates(connection: duckdb.DuckDBPyConnection, one: Conformed, violations: list[Violation]) -> None:
    """Set repetitions of a key aside; the row known first stays, so that later rows change no as-of view."""
    key = ", ".join(quote(name) for name in one.table.key)
    rows = one.accepted(
        f"__row, {key}" + (f", {quote(one.table.known_on)}" if one.table.known_on not in (None, *one.table.key) else "")
    )
    # whole numbers instead of keys keep the pass small; equal keys have equal hashes
    total, different = connection.execute(f"SELECT count(*), count(DISTINCT hash({key})) FROM ({rows})").fetchall()[0]
    if total == different:
        return
    order = f"{quote(one.table.known_on)}, __row" if one.table.known_on else "__row"
    suspects = f"SELECT hash({key}) FROM ({rows}) GROUP BY 1 HAVING count(*) > 1"
    ranked = (
        f"SELECT __row, row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS n FROM ({rows})"
        f" WHERE hash({key}) IN ({suspects})"
    )
    names = ", ".join(one.table.key)
    before = one.aside
    connection.execute(
        f"INSERT INTO {one.broken} SELECT __row, ?, 'duplicate key', true FROM ({ranked}) WHERE n > 1", [names]
    )
    _count_aside(connection, one)
    count = one.aside - before
    if not count:
        return
    rows_found = connection.execute(
        f"SELECT __row FROM {one.broken} WHERE rule_ = 'duplicate key' ORDER BY 1 LIMIT 3"
    ).fetchall()
    violations.append(
        Violation(
            one.table.name, names, "duplicate key", count, says(count, f"repeats/repeat the {names} of another row"),
            "The row known first stays. Export each row once.",
            tuple(row_name(one.origin, row) for (row,) in rows_found), "error", "row set aside",
        )
    )  # fmt: skip


def _orphans(connection: duckdb.DuckDBPyConnection, one: Conformed, violations: list[Violation]) -> None:
    present = {name for (name,) in connection.execute(
        "SELECT view_name FROM duckdb_views() WHERE schema_name = 'bank'"
    ).fetchall()}  # fmt: skip
    for one_field in one.fields:
        column = one_field.column
        if not column.refers or column.refers.split(".")[0] not in present:
            continue
        parent, key = column.refers.split(".")
        whole = sets_row_aside(one.table, column)
        value = quote(column.name)
        rows = one.accepted(f"__row, {value}")
        there = f"SELECT {quote(key)} FROM bank.{quote(parent)}"
        lost = f"SELECT __row FROM ({rows}) WHERE {value} IS NOT NULL AND {value} NOT IN ({there})"
        connection.execute(
            f"INSERT INTO {one.broken} SELECT __row, ?, 'orphan key', {str(whole).lower()} FROM ({lost})", [column.name]
        )
        count = connection.execute(
            f"SELECT count(*) FROM {one.broken} WHERE rule_ = 'orphan key' AND column_ = ?", [column.name]
        ).fetchall()[0][0]
        if not count:
            continue
        found = connection.execute(
            f"SELECT __row FROM {one.broken} WHERE rule_ = 'orphan key' AND column_ = ? ORDER BY 1 LIMIT 3",
            [column.name],
        ).fetchall()
        if not whole:
            these = f"rule_ = 'orphan key' AND column_ = {literal(column.name)}"
            condition = f"__row IN (SELECT __row FROM {one.broken} WHERE {these})"
            one.emptied.setdefault(column.name, []).append(condition)
        _count_aside(connection, one)
        fact = says(count, f"refers/refer to a row of {parent} that is not there or was set aside")
        cure = f"Export the missing {parent}, and write ids in both tables alike (leading zeros)."
        examples = tuple(row_name(one.origin, row) for (row,) in found)
        fate = "row set aside" if whole else "cell emptied"
        violations.append(
            Violation(one.table.name, column.name, "orphan key", count, fact, cure, examples, "error", fate)
        )
