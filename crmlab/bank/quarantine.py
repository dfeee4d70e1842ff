"""The quarantine: every broken row, with its place, the rules it breaks and its cells as found."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import duckdb

from crmlab.bank.engine import connect, literal, make_folder
from crmlab.bank.intake import ROW_NUMBER, ROWS_A_FILE, Conformed
from crmlab.errors import CrmlabError

__all__ = ["copy_quarantine", "write_quarantine"]


def write_quarantine(connection: duckdb.DuckDBPyConnection, tables: Iterable[Conformed], path: Path) -> int:
    """Write the broken rows of all tables to one Parquet file; return how many there are.

    Columns: ``table``, ``file``, ``row`` (below the header), ``rules``, ``fate`` and ``cells``, the row as
    JSON. It holds personal data, as the source does: it stays beside the caches and is never linked from a page.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE quarantine_"
        ' ("table" VARCHAR, file VARCHAR, "row" BIGINT, rules VARCHAR, fate VARCHAR, cells VARCHAR)'
    )
    for one in tables:
        _add_broken(connection, one)
        for ragged in one.origin.ragged:
            connection.execute(
                "INSERT INTO quarantine_ VALUES (?, ?, ?, ?, 'row set aside', ?)",
                [
                    one.table.name,
                    ragged.file,
                    ragged.record,
                    f"ragged row: {ragged.problem}",
                    json.dumps({"text": ragged.text}),
                ],
            )
    count = connection.execute("SELECT count(*) FROM quarantine_").fetchall()[0][0]
    if count:
        connection.execute(
            f'COPY (SELECT * FROM quarantine_ ORDER BY "table", file, "row") TO {literal(path)} (FORMAT parquet)'
        )
    connection.execute("DROP TABLE quarantine_")
    return count


def _add_broken(connection: duckdb.DuckDBPyConnection, one: Conformed) -> None:
    marks = [(r.file, rank, r.record) for rank, r in _ranked(one)]
    number = f"((b.__row - 1) % {ROWS_A_FILE}) + 1"
    file = f"(b.__row - 1) // {ROWS_A_FILE}"
    names = ", ".join(literal(name) for name in one.origin.names)
    skipped = "0"
    if marks:
        listed = ", ".join(f"({literal(name)}, {record - rank})" for name, rank, record in marks)
        skipped = (
            f"(SELECT count(*) FROM (VALUES {listed}) AS g(name, mark)"
            f" WHERE g.name = [{names}][({file}) + 1] AND g.mark <= {number})"
        )
    connection.execute(
        f"""
        INSERT INTO quarantine_
        SELECT {literal(one.table.name)}, [{names}][({file}) + 1], {number} + {skipped}, b.rules,
               CASE WHEN b.whole_ THEN 'row set aside' ELSE 'cell emptied' END, found.cells
        FROM (SELECT __row, string_agg(DISTINCT rule, '; ' ORDER BY rule) AS rules, bool_or(whole_) AS whole_
              FROM (SELECT *, column_ || ': ' || rule_ AS rule FROM {one.broken}) GROUP BY __row) AS b
        JOIN (SELECT {ROW_NUMBER} AS __row, CAST(to_json(r) AS VARCHAR) AS cells
              FROM {one.origin.reader} AS r) AS found USING (__row)
        """
    )


def _ranked(one: Conformed) -> list[tuple[int, object]]:
    """Return each ragged record with its rank within its file."""
    ranks: dict[str, int] = {}
    ranked = []
    for ragged in sorted(one.origin.ragged, key=lambda r: (r.file, r.record)):
        rank = ranks.get(ragged.file, 0)
        ranks[ragged.file] = rank + 1
        ranked.append((rank, ragged))
    return ranked


def copy_quarantine(path: Path, target: Path) -> Path:
    """Write the quarantine where a person wants it: Parquet, or CSV by the name's ending."""
    kinds = {".parquet": "FORMAT parquet", ".csv": "FORMAT csv, HEADER"}
    kind = kinds.get(target.suffix.lower())
    if kind is None:
        raise CrmlabError(
            [f"quarantine {str(target)!r} is neither .parquet nor .csv. Give the file one of these endings."]
        )
    make_folder(target.parent, "quarantine")
    # in CSV no cell can be executed: `cells` is JSON and begins with a brace, the others are crmlab's own words
    connection = connect()
    connection.execute(f"COPY (SELECT * FROM read_parquet({literal(path)})) TO {literal(target)} ({kind})")
    connection.close()
    return target
