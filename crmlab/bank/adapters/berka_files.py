"""The files of the Berka data set, found, checked and read with types; no row is left behind."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import duckdb

from crmlab.bank.engine import literal, quote
from crmlab.errors import CrmlabError, nearest

__all__ = ["LAYOUT", "REQUIRED", "find_files", "read_files"]

# file -> column -> kind. `money` is read as whole hellers, `day` from YYMMDD of the twentieth century.
LAYOUT: dict[str, dict[str, str]] = {
    "account": {"account_id": "whole", "district_id": "whole", "frequency": "text", "date": "day"},
    "client": {"client_id": "whole", "birth_number": "birth", "district_id": "whole"},
    "disp": {"disp_id": "whole", "client_id": "whole", "account_id": "whole", "type": "text"},
    "order": {
        "order_id": "whole", "account_id": "whole", "bank_to": "text", "account_to": "text", "amount": "money",
        "k_symbol": "text",
    },
    "loan": {
        "loan_id": "whole", "account_id": "whole", "date": "day", "amount": "money", "duration": "whole",
        "payments": "money", "status": "text",
    },
    "card": {"card_id": "whole", "disp_id": "whole", "type": "text", "issued": "day"},
    "district": {
        "A1": "whole", "A2": "text", "A3": "text", "A4": "whole", "A5": "whole", "A6": "whole", "A7": "whole",
        "A8": "whole", "A9": "whole", "A10": "number", "A11": "number", "A12": "number", "A13": "number",
        "A14": "number", "A15": "whole", "A16": "whole",
    },
    "trans": {
        "trans_id": "whole", "account_id": "whole", "date": "day", "type": "text", "operation": "text",
        "amount": "money", "balance": "money", "k_symbol": "text", "bank": "text", "account": "text",
    },
}  # fmt: skip
REQUIRED = ("account", "client", "disp")

# Cells that may be empty; everywhere else an empty cell is a broken row.
_OPTIONAL = {
    "order": {"k_symbol"},
    "district": {"A12", "A15"},
    "trans": {"operation", "k_symbol", "bank", "account"},
}
_SAYS = {
    "whole": "no whole number",
    "number": "no number",
    "money": "no amount",
    "day": "no date as YYMMDD",
    "birth": "no birth number as YYMMDD (women: month + 50)",
    "text": "no text",
}


def find_files(folder: Path) -> dict[str, Path]:
    """Return the files of the data set in a folder by table, ``.asc`` before ``.csv``."""
    if not folder.is_dir():
        raise CrmlabError([f"{str(folder)!r} is a file. Give the folder that holds account.asc and the others."])
    present = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
    found = {}
    for name in LAYOUT:
        both = [present[f"{name}{ending}"] for ending in (".asc", ".csv") if f"{name}{ending}" in present]
        if len(both) == 2:
            raise CrmlabError([f"{str(folder)!r} holds {both[0].name} and {both[1].name}. Keep one of them."])
        if both:
            found[name] = both[0]
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        has = [path.name for path in found.values()] or "none of the data set's files"
        raise CrmlabError(
            [f"{str(folder)!r} lacks {[f'{name}.asc' for name in missing]}; it has {has}. Add the missing files."]
        )
    return found


def read_files(connection: duckdb.DuckDBPyConnection, files: dict[str, Path]) -> dict[str, int]:
    """Read every file into a table ``raw.<name>`` and return the rows of each; every problem is told at once.

    Amounts are whole hellers, dates are dates, blanks are NULL.
    """
    problems = [problem for name, path in files.items() if (problem := _check_header(name, path))]
    if problems:
        raise CrmlabError(problems)
    connection.execute("CREATE SCHEMA raw")
    counts = {}
    for name, path in files.items():
        listed = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in LAYOUT[name])
        fields = [f"{_typed(column, kind)} AS {quote(column)}" for column, kind in LAYOUT[name].items()]
        wrong = ", ".join(
            f"CASE WHEN {_is_wrong(name, column, kind)} THEN {literal(column)} END"
            for column, kind in LAYOUT[name].items()
        )
        try:
            connection.execute(
                f"CREATE TABLE raw.{quote(name)} AS SELECT {', '.join(fields)}, coalesce({wrong}) AS wrong_"
                f" FROM read_csv({literal(path)}, auto_detect = false, header = true, delim = ';', quote = '\"',"
                f" escape = '\"', columns = {{{listed}}})"
            )
        except duckdb.Error as error:
            problems.append(_say(error, path))
            continue
        problems += _find_wrong(connection, name, path)
        counts[path.name] = connection.execute(f"SELECT count(*) FROM raw.{quote(name)}").fetchall()[0][0]
    cures = {name: "Download it again" if name in REQUIRED else "Remove it, or download it again" for name in files}
    problems += [
        f"{files[name].name} holds no row. {cures[name]}." for name in files if counts.get(files[name].name) == 0
    ]
    if problems:
        raise CrmlabError(problems)
    return counts


def _check_header(name: str, path: Path) -> str | None:
    with path.open(encoding="latin-1", newline="") as handle:
        line = handle.readline(1 << 16).rstrip("\r\n")
    if not line:
        return f"{path.name} is empty: it has no header. Export it again."
    wanted = list(LAYOUT[name])
    found = next(csv.reader([line], delimiter=";"))
    if found == wanted:
        return None
    for sign in (",", "\t", "|"):
        if next(csv.reader([line], delimiter=sign)) == wanted:
            return f"{path.name} is separated by {sign!r}, not by ';'. Export it with ';', as the original is."
    missing = [column for column in wanted if column not in found]
    extra = [column for column in found if column not in wanted]
    if missing:
        hint = "".join(nearest(column, missing) for column in extra[:1])
        return f"{path.name} lacks columns {missing}; it has {found}.{hint} Name the columns as the original does."
    return f"{path.name} has columns {found}, not {wanted}. Bring them into this order."


def _say(error: duckdb.Error, path: Path) -> str:
    """Tell why a file cannot be read, without the cells that the engine's message repeats."""
    text = str(error)
    found = re.search(r"on Line: (\d+)", text)
    place = f" in line {int(found[1]):,}" if found else ""
    columns = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if columns:
        fact = f"has {columns[2]} cells{place}, not {columns[1]}. Mend the line"
    elif "unicode" in text.lower():
        fact = f"is not UTF-8 text{place}. Save it as UTF-8"
    else:
        fact = f"cannot be read{place}: {text.splitlines()[0]} Mend the file"
    return f"{path.name} {fact}, or download it again."


def _cell(column: str) -> str:
    return f"nullif(trim({quote(column)}), '')"


def _typed(column: str, kind: str) -> str:
    cell = _cell(column)
    if kind == "whole":
        return f"CASE WHEN regexp_full_match({cell}, '-?[0-9]+') THEN TRY_CAST({cell} AS BIGINT) END"
    if kind == "number":
        return f"TRY_CAST({cell} AS DOUBLE)"
    if kind == "money":
        exact = f"TRY_CAST({cell} AS DECIMAL(18,4)) * 100"
        return f"CASE WHEN {exact} = floor({exact}) THEN CAST({exact} AS BIGINT) END"
    if kind == "day":
        # cards carry a clock that is always midnight; a spreadsheet drops the leading zero of a year such as 03
        day = f"split_part({cell}, ' ', 1)"
        return (
            f"CASE WHEN regexp_full_match({day}, '[0-9]{{5,6}}')"
            f" THEN CAST(try_strptime('19' || lpad({day}, 6, '0'), '%Y%m%d') AS DATE) END"
        )
    if kind == "birth":
        digits = f"lpad({cell}, 6, '0')"
        month = f"lpad((TRY_CAST({digits}[3:4] AS INTEGER) % 50)::VARCHAR, 2, '0')"
        day = f"try_strptime('19' || {digits}[1:2] || {month} || {digits}[5:6], '%Y%m%d')"
        return f"CASE WHEN regexp_full_match({cell}, '[0-9]{{5,6}}') AND {day} IS NOT NULL THEN {digits} END"
    return cell


def _is_wrong(name: str, column: str, kind: str) -> str:
    cell = _cell(column)
    if column not in _OPTIONAL.get(name, ()):
        return f"{_typed(column, kind)} IS NULL"
    # a question mark stands for a missing figure in the district file
    return f"{cell} <> '?' AND {_typed(column, kind)} IS NULL" if kind != "text" else "false"


def _find_wrong(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> list[str]:
    rows = connection.execute(
        f"SELECT wrong_, count(*), min(rowid) FROM raw.{quote(name)} WHERE wrong_ IS NOT NULL GROUP BY 1 ORDER BY 3"
    ).fetchall()
    return [
        f"{path.name}: {n:,} row{'s hold' if n > 1 else ' holds'} {_SAYS[LAYOUT[name][column]]} in {column!r},"
        f" first in line {first + 2:,}. Mend the file, or download it again."
        for column, n, first in rows
    ]
