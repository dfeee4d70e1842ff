"""Delimited text files: encoding, delimiter, header, and every row staged as text."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from crmlab.bank.engine import literal, quote
from crmlab.bank.mapping import Layout
from crmlab.errors import CrmlabError, nearest

__all__ = ["FOREIGN", "Ragged", "Staged", "read_header", "stage_text"]

DELIMITERS = (",", ";", "\t", "|")
FOREIGN = "not UTF-8"  # the problem of a line in another encoding than the rest of its file
_CHUNK = 1 << 22
_PROBLEMS = {"MISSING COLUMNS": "cells missing", "TOO MANY COLUMNS": "too many cells", "UNQUOTED VALUE": "open quote"}


@dataclass(frozen=True)
class Ragged:
    """One record that does not fit the header."""

    file: str
    record: int  # counted from 1 below the header
    problem: str
    text: str
    lines: int = 1  # an open quote swallows the lines that follow


@dataclass(frozen=True)
class Staged:
    """A text file as Parquet of text cells."""

    path: Path
    source: Path
    columns: tuple[str, ...]
    ragged: tuple[Ragged, ...]


def read_header(path: Path, layout: Layout, wanted: list[str]) -> tuple[str, list[str]]:
    """Return the delimiter and the column names of a file, refusing what cannot be a table.

    Parameters
    ----------
    path : pathlib.Path
        Text file.
    layout : Layout
        What the mapping says about it.
    wanted : list of str
        Column names looked for: they decide between delimiters.
    """
    if path.stat().st_size == 0:
        raise CrmlabError([f"{path.name} is empty: it has 0 bytes. Export it again, or remove it."])
    encoding = _encoding(path, layout)
    with path.open(encoding=encoding, errors="replace", newline="") as handle:
        line = handle.readline(1 << 20)
    if "\0" in line:
        raise CrmlabError(
            [f"{path.name} is not text: line 1 holds zero bytes. Give its encoding, such as utf-16, in bank.yml."]
        )
    counts = {sign: len(_split(line, sign)) for sign in DELIMITERS}
    best = max(DELIMITERS, key=lambda sign: (len({*_split(line, sign)} & {*wanted}), counts[sign]))
    delimiter = layout.delimiter or best
    names = _split(line, delimiter)
    if layout.delimiter and len(names) == 1 and counts[best] > 1:
        raise CrmlabError(
            [
                f"{path.name}: delimiter {layout.delimiter!r} gives one column, {best!r} gives {counts[best]}."
                f" Write delimiter: {best!r} in bank.yml."
            ]
        )
    if len(names) == 1 and len(wanted) > 1 and names[0] not in wanted and (sign := _foreign_sign(names[0], wanted)):
        raise CrmlabError(
            [
                f"{path.name}: delimiter {delimiter!r} gives one column, {sign!r} separates names of columns."
                f" Write delimiter: {sign!r} in bank.yml."
            ]
        )
    empty = [number for number, name in enumerate(names, 1) if not name]
    # a first column without a name is the row number that pandas writes
    names = [name or f"column_{number}" for number, name in enumerate(names, 1)]
    folded = [name.casefold() for name in names]
    twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
    if twice:
        raise CrmlabError([f"{path.name} names columns {twice} twice. Give each column its own name."])
    if len(empty) == len(names):
        raise CrmlabError([f"{path.name} has no header: line 1 is empty. Put the column names in line 1."])
    return delimiter, names


def _foreign_sign(line: str, wanted: list[str]) -> str:
    """Return the sign outside `DELIMITERS` that splits a header into wanted names, or nothing."""
    signs = [sign for sign in dict.fromkeys(line) if not sign.isalnum() and sign not in "_\"'"]
    best = max(signs, key=lambda sign: len({*_split(line, sign)} & {*wanted}), default="")
    return best if best and len({*_split(line, best)} & {*wanted}) > 1 else ""


def _split(line: str, delimiter: str) -> list[str]:
    row = next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    return [name.strip().strip("\ufeff") for name in row]


def _encoding(path: Path, layout: Layout) -> str:
    try:
        found = codecs.lookup(layout.encoding).name
    except LookupError:
        known = ["utf-8", "utf-16", "cp1250", "cp1252", "latin-1", "gb18030", "big5"]
        raise CrmlabError(
            [
                f"{path.name}: encoding {layout.encoding!r} is unknown.{nearest(layout.encoding, known)}"
                f" Known are such as {known}."
            ]
        ) from None
    return "utf-8-sig" if found == "utf-8" else found


def _check_utf8(path: Path) -> None:
    """Refuse a file that is not UTF-8, naming the byte and the line."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 1
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                lines += error.object[: error.start].count(b"\n")
                byte = error.object[error.start]
                guess = "utf-16" if byte in (0xFF, 0xFE) and lines == 1 and error.start == 0 else "cp1252"
                raise CrmlabError(
                    [
                        f"{path.name} is not UTF-8: byte 0x{byte:02X} in line {lines}."
                        f" Give its encoding in bank.yml, such as {guess}."
                    ]
                ) from None
            lines += chunk.count(b"\n")
    if decoder.getstate()[0]:
        raise CrmlabError([f"{path.name} is not UTF-8: it ends within a character. Export it again, it may be cut."])


def _foreign_lines(path: Path) -> dict[int, str]:
    """Return the lines of a UTF-8 file that are in another encoding, counted from 1; none where it is not so simple.

    A file is UTF-8 with foreign lines when some lines hold letters beyond ASCII in UTF-8 and others hold bytes that are
    no UTF-8. A file without the former is in another encoding as a whole. A record of several lines is not taken apart.
    """
    found: dict[int, str] = {}
    has_utf8 = is_open = False
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            is_whole = not is_open
            is_open ^= line.count(b'"') % 2 == 1
            if line.isascii():
                continue
            try:
                line.decode()
                has_utf8 = True
            except UnicodeDecodeError:
                if number == 1 or is_open or not is_whole:
                    return {}
                found[number] = line.decode("cp1252", errors="replace").rstrip("\r\n")
    return found if has_utf8 else {}


def _without_lines(path: Path, lines: dict[int, str], delimiter: str, cells: int, copy: Path) -> Path:
    """Copy a file with some lines made too long for the header, so that the reader sets them aside at their place."""
    with path.open("rb") as source, copy.open("wb") as target:
        for number, line in enumerate(source, 1):
            target.write(delimiter.join("x" * (cells + 1)).encode() + b"\n" if number in lines else line)
    return copy


def _as_utf8(path: Path, layout: Layout, folder: Path) -> Path:
    """Return the file when it is UTF-8, else a copy that is: DuckDB would fetch other encodings from the network."""
    encoding = _encoding(path, layout)
    if encoding == "utf-8-sig":
        _check_utf8(path)
        return path
    copy = folder / f"{path.name}.utf-8"
    many = False
    with path.open(encoding=encoding, newline="") as source, copy.open("w", encoding="utf-8", newline="") as target:
        try:
            while chunk := source.read(_CHUNK):
                target.write(chunk)
                many = many or not chunk.isascii()
        except (UnicodeDecodeError, UnicodeError) as error:
            byte = getattr(error, "object", b"?")[getattr(error, "start", 0)]
            raise CrmlabError(
                [
                    f"{path.name} is not {layout.encoding}: byte 0x{byte:02X} has no meaning there."
                    " Give its encoding in bank.yml."
                ]
            ) from None
    if many and encoding in ("iso8859-1", "cp1252", "cp1250", "iso8859-2", "iso8859-15"):
        try:
            _check_utf8(path)
        except CrmlabError:
            return copy
        raise CrmlabError(
            [f"{path.name} is UTF-8, but bank.yml says {layout.encoding}, which would garble it. Leave encoding out."]
        )
    return copy


def stage_text(
    connection: duckdb.DuckDBPyConnection, path: Path, layout: Layout, wanted: list[str], folder: Path
) -> Staged:
    """Write the rows of a text file as Parquet of text cells; records that do not fit the header are kept apart."""
    delimiter, names = read_header(path, layout, wanted)
    folder.mkdir(parents=True, exist_ok=True)
    foreign: dict[int, str] = {}
    try:
        readable = _as_utf8(path, layout, folder)
    except CrmlabError:
        foreign = _foreign_lines(path) if _encoding(path, layout) == "utf-8-sig" else {}
        if not foreign:
            raise
        readable = _without_lines(path, foreign, delimiter, len(names), folder / f"{path.name}.utf-8")
    target = folder / f"{path.name}.parquet"
    try:
        try:
            _copy_rows(connection, readable, delimiter, names, target)
        except duckdb.Error:
            # the engine's parser stops where lines end in two ways
            mended = _with_one_line_end(readable, folder / f"{path.name}.mended")
            _copy_rows(connection, mended, delimiter, names, target)
            readable = mended
    except duckdb.Error as error:
        first = str(error).splitlines()[0].replace(str(readable), path.name)
        raise CrmlabError([f"{path.name} cannot be read as delimited text: {first} Mend the file."]) from None
    found = connection.execute(
        "SELECT line, error_type::VARCHAR, csv_line FROM rejects_ ORDER BY line, column_idx"
    ).fetchall()
    ragged = {
        line: Ragged(path.name, int(line) - 1, _PROBLEMS.get(kind, str(kind).lower()), text)
        for line, kind, text in reversed(found)
    }
    for line, text in foreign.items():
        ragged[line] = Ragged(path.name, line - 1, FOREIGN, text)
    opened = [line for line in sorted(ragged) if ragged[line].problem == "open quote"]
    if opened:
        lost = _lines_lost(connection, readable, target, names) - len(ragged)
        ragged[opened[-1]] = replace(ragged[opened[-1]], lines=max(lost, 0) + 1)
    if readable != path:
        readable.unlink()
    return Staged(target, path, tuple(names), tuple(ragged[line] for line in sorted(ragged)))


def _copy_rows(
    connection: duckdb.DuckDBPyConnection, path: Path, delimiter: str, names: list[str], target: Path
) -> None:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    for table in ("rejects_", "scans_"):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
    connection.execute(
        f"COPY (SELECT * FROM read_csv({literal(path)}, auto_detect = false, header = true,"
        f" delim = {literal(delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}},"
        f" store_rejects = true, rejects_table = 'rejects_', rejects_scan = 'scans_')) TO {literal(target)}"
        " (FORMAT parquet)"
    )


def _with_one_line_end(path: Path, copy: Path) -> Path:
    """Copy a UTF-8 file with every line end as a line feed."""
    with path.open(encoding="utf-8", newline=None) as source, copy.open("w", encoding="utf-8", newline="") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
    return copy


def _lines_lost(connection: duckdb.DuckDBPyConnection, path: Path, staged: Path, names: list[str]) -> int:
    """Return how many lines of a file, blank ones aside, are not in the rows that were read."""
    with path.open("rb") as handle:
        lines = sum(1 for line in handle if line.strip()) - 1
    breaks = " + ".join(f"coalesce(strlen({quote(n)}) - strlen(replace({quote(n)}, chr(10), '')), 0)" for n in names)
    read = connection.execute(
        f"SELECT count(*) + coalesce(sum({breaks}), 0) FROM read_parquet({literal(staged)})"
    ).fetchall()[0][0]
    return lines - int(read)
