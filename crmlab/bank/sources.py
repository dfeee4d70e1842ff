"""Where tables come from: a folder, a DuckDB file, or a mapping. Every origin ends as Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from crmlab.bank.engine import literal, project_folder, quote
from crmlab.bank.fingerprint import digest_file
from crmlab.bank.mapping import BankMap, ColumnMap, Layout, TableMap, expand, read_mapping
from crmlab.bank.tables import CONTRACT
from crmlab.bank.textfiles import Ragged, stage_text
from crmlab.errors import CrmlabError, nearest

__all__ = ["Origin", "Source", "find_source"]

_NO_MEANING = {
    "accepted",
    "made_with",
    "database",
    "name",
    "folder",
    "questionnaire",
    "label_means",
}  # facts that change no table
_TEXT = (".csv", ".tsv", ".txt", ".asc", ".dat")


@dataclass(frozen=True)
class Origin:
    """One contract table as the source has it: Parquet files, their columns and how to read them."""

    table: str
    files: tuple[Path, ...]
    names: tuple[str, ...]  # what a person calls each file
    types: dict[str, str]
    layout: Layout = field(default_factory=Layout)
    given: dict[str, ColumnMap | None] = field(default_factory=dict)
    ragged: tuple[Ragged, ...] = ()
    in_place: bool = False

    @property
    def reader(self) -> str:
        """FROM item over the files; it has ``file_index`` and ``file_row_number``."""
        listed = ", ".join(literal(path) for path in self.files)
        return f"read_parquet([{listed}], union_by_name = {str(len(self.files) > 1).lower()})"

    @property
    def label(self) -> str:
        """Name for messages."""
        return self.names[0] if len(self.names) == 1 else f"{self.table} ({len(self.names)} files)"


@dataclass
class Source:
    """A source before its rows are read."""

    path: Path
    facts: BankMap
    base: Path
    files: dict[str, list[Path]] = field(default_factory=dict)  # contract table -> files, for a folder
    database: Path | None = None
    unused: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the bank."""
        return self.facts.name or (self.path.parent if self.path.name == "bank.yml" else self.path).resolve().stem

    @property
    def is_mapped(self) -> bool:
        """Tables come through a mapping."""
        return bool(self.facts.tables)

    @property
    def is_live(self) -> bool:
        """Rows come from a database server, so no file tells whether they changed."""
        return self.facts.database is not None

    def fingerprint(self) -> str:
        """Return a digest of the files' bytes and of every fact that changes what the tables mean."""
        facts = self.facts.model_dump(mode="json", exclude=_NO_MEANING)
        digest = hashlib.sha256(repr(facts).encode())
        if self.database:
            digest.update(digest_file(self.database).encode())
        for table, paths in sorted(self.files.items()):
            digest.update(table.encode())
            for path in paths:
                digest.update(digest_file(path).encode())
        for path in sorted({path for layout in self._layouts() for path in self._found(layout, "")}):
            digest.update(path.name.encode() + digest_file(path).encode())
        return digest.hexdigest()[:32]

    def _layouts(self) -> list[Layout]:
        return [layout for layout in (*self.facts.sources.values(), *self.facts.tables.values()) if layout.files]

    def _found(self, layout: Layout, where: str) -> list[Path]:
        """Return the files of a layout; with a place to name, a pattern that matches nothing is refused."""
        found: list[Path] = []
        for pattern in layout.files:
            paths = sorted(self.base.glob(pattern)) if not Path(pattern).is_absolute() else [Path(pattern)]
            paths = [path for path in paths if path.is_file()]
            if not paths and where:
                names = [path.name for path in self.base.iterdir()] if self.base.is_dir() else []
                raise CrmlabError(
                    [
                        f"{where}: file {pattern!r} does not exist in {self.base}.{nearest(pattern, names)}"
                        " Correct the name."
                    ]
                )
            found += paths
        return found

    def origins(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[list[Origin], dict[str, list[str]]]:
        """Return every readable table, staged under ``folder`` unless it is Parquet, and the problems of others."""
        found, problems = [], {}
        steps = self._mapped(connection, folder) if self.is_mapped else self._plain(connection, folder)
        for table, make in steps:
            try:
                found.append(make())
            except CrmlabError as refusal:
                problems[table] = list(refusal.problems)
        # every row is staged: another process may write to the database again
        connection.execute("DETACH DATABASE IF EXISTS database")
        return found, problems

    def _plain(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterable:
        if self.database:
            yield from self._from_database(connection, folder)
            return
        for table, paths in self.files.items():
            yield (
                table,
                lambda table=table, paths=paths: self._from_files(connection, folder, table, paths, Layout(), {}),
            )

    def _from_database(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterable:
        _attach(connection, str(self.database), self.database.name)
        rows = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = 'database'"
        ).fetchall()
        schemas = {name: schema for schema, name in sorted(rows, reverse=True)}
        tables = [table for table in CONTRACT if table in schemas]
        if not tables:
            raise CrmlabError(
                [
                    f"{self.database.name} holds no table of the contract; it has {sorted(schemas)}."
                    " Map them in bank.yml."
                ]
            )
        for table in tables:
            query = f"SELECT * FROM database.{quote(schemas[table])}.{quote(table)}"
            yield table, lambda table=table, query=query: self._from_sql(connection, folder, table, query, TableMap())

    def _mapped(self, connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterable:
        file = self.path.name
        secret = ""
        if self.facts.database:
            secret = expand(self.facts.database, f"{file}: database")
            local = self.base / secret
            _attach(connection, str(local) if local.is_file() else secret, f"{file}: database")
        staged: dict[str, Origin] = {}
        broken: dict[str, list[str]] = {}
        connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
        for name, layout in self.facts.sources.items():
            where = f"{file}: sources.{name}"
            try:
                staged[name] = self._from_files(connection, folder, name, self._found(layout, where), layout, {})
                connection.execute(f"CREATE OR REPLACE VIEW raw.{quote(name)} AS SELECT * FROM {staged[name].reader}")
            except CrmlabError as refusal:
                broken[name] = list(refusal.problems)
        if broken:
            raise CrmlabError([problem for problems in broken.values() for problem in problems])
        connection.execute("SET search_path = 'raw'")
        for table in [name for name in CONTRACT if name in self.facts.tables]:
            yield table, lambda table=table: self._one(connection, folder, table, staged, secret)

    def _one(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, table: str, staged: dict[str, Origin], secret: str
    ) -> Origin:
        given = self.facts.tables[table]
        where = f"{self.path.name}: tables.{table}"
        if given.files:
            paths = self._found(given, where)
            origin = self._from_files(connection, folder, table, paths, given, given.columns)
        elif given.source:
            one = staged[given.source]
            layout = self.facts.sources[given.source]
            origin = Origin(table, one.files, one.names, one.types, layout, given.columns, one.ragged)
        else:
            query = given.sql or f"SELECT * FROM database.{given.table}"
            origin = self._from_sql(connection, folder, table, query, given, secret)
        problems = _check_sources(where, origin)
        if problems:
            raise CrmlabError(problems)
        return origin

    def _from_files(
        self, connection: duckdb.DuckDBPyConnection, folder: Path, table: str, paths: list[Path], layout: Layout,
        given: dict[str, ColumnMap | None],
    ) -> Origin:  # fmt: skip
        wanted = list(CONTRACT[table].by_name) if table in CONTRACT else []
        wanted += [column.source for column in given.values() if column and column.source]
        parquet = [path for path in paths if path.suffix.lower() in (".parquet", ".pq")]
        if parquet and len(parquet) < len(paths):
            raise CrmlabError([f"{table} mixes Parquet and text files. Keep one kind."])
        if parquet:
            origin = Origin(table, tuple(paths), tuple(path.name for path in paths), {}, layout, given, (), not given)
        else:
            parts, problems = [], []
            for number, path in enumerate(paths):
                try:
                    parts.append(stage_text(connection, path, layout, wanted, folder / "staged" / table / str(number)))
                except CrmlabError as refusal:
                    problems += refusal.problems
            if problems:
                raise CrmlabError(problems)
            ragged = tuple(one for part in parts for one in part.ragged)
            names = tuple(path.name for path in paths)
            origin = Origin(table, tuple(part.path for part in parts), names, {}, layout, given, ragged)
        origin.types.update(_types(connection, origin))
        return origin

    def _from_sql(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        table: str,
        query: str,
        given: TableMap,
        secret: str = "",
    ) -> Origin:
        where = f"{self.path.name}: {table}"
        target = folder / "staged" / f"{table}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            statements = connection.extract_statements(query)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise CrmlabError([f"{where}: sql is not one SELECT. Write a single query that returns the rows."])
            inner = query.strip().rstrip(";")
            connection.execute(f"COPY ({inner}) TO {literal(target)} (FORMAT parquet)")
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            if secret:
                # a driver may repeat the connection string in its message
                first = f"{type(error).__name__}; the message is withheld because it may repeat the connection string"
            raise CrmlabError([f"{where}: sql fails: {first}. Correct the query."]) from None
        origin = Origin(table, (target,), (table,), {}, given, given.columns)
        origin.types.update(_types(connection, origin))
        return origin


def _types(connection: duckdb.DuckDBPyConnection, origin: Origin) -> dict[str, str]:
    try:
        return {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {origin.reader}").fetchall()}
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        for path, name in zip(origin.files, origin.names, strict=True):
            first = first.replace(str(path), name)
        raise CrmlabError([f"{origin.label} cannot be read as Parquet: {first} Export it again."]) from None


def _attach(connection: duckdb.DuckDBPyConnection, target: str, where: str) -> None:
    try:
        connection.execute(f"ATTACH {literal(target)} AS database (READ_ONLY)")
    except duckdb.Error as error:
        # neither the string nor the driver's message is shown: both may hold a password
        raise CrmlabError(
            [
                f"{where} cannot be attached ({type(error).__name__}). Check the file or the connection string, that no"
                " other process writes to it, and that DuckDB's extension for this kind of database is installed."
            ]
        ) from None


def _check_sources(where: str, origin: Origin) -> list[str]:
    problems = []
    for column, given in origin.given.items():
        if given is None:
            continue
        named = [given.source] if given.source else []
        named += [given.sign.by] if given.sign else []
        problems += [
            f"{where}.columns.{column} comes from {name!r}, which {origin.label} lacks; it has {list(origin.types)}."
            f"{nearest(name, origin.types)} Correct the name."
            for name in named
            if name not in origin.types
        ]
    return problems


def find_source(source: str | Path) -> Source:
    """Return what a path stands for, refusing what is no source with the nearest cure."""
    path = Path(source).expanduser()
    if not path.exists() and (project_folder() / path).exists():
        path = project_folder() / path  # a relative path means the same in JupyterLab, whose folder is notebooks/
    if not path.exists():
        near = nearest(path.name, [one.name for one in path.parent.iterdir()]) if path.parent.is_dir() else ""
        raise CrmlabError(
            [
                f"source {str(source)!r} does not exist.{near}"
                " Give a folder of Parquet or CSV files, a DuckDB file or a bank.yml."
            ]
        )
    if path.is_file() and path.suffix.lower() in (".yml", ".yaml"):
        facts = read_mapping(path)
        return Source(path, facts, _base(path, facts)) if facts.tables else _folder(_base(path, facts), facts)
    if path.is_file():
        with path.open("rb") as handle:
            head = handle.read(12)
        if head[8:12] == b"DUCK":
            return Source(path, BankMap(), path.parent, database=path)
        if path.suffix.lower() in (*_TEXT, ".parquet", ".pq"):
            raise CrmlabError(
                [
                    f"source {str(source)!r} is one file, not a bank. Give the folder that holds it when it is named"
                    " after a table; turn a text file with one row a customer into a bank with crmlab import flat."
                ]
            )
        raise CrmlabError(
            [
                f"source {str(source)!r} is no DuckDB file and no bank.yml."
                " Give the folder that holds it, or map it in a bank.yml."
            ]
        )
    meta = path / "bank.yml"
    facts = read_mapping(meta) if meta.is_file() else BankMap()
    return Source(meta, facts, _base(meta, facts)) if facts.tables else _folder(_base(meta, facts), facts)


def _base(meta: Path, facts: BankMap) -> Path:
    """Return the folder of the files: that of the mapping, or the one it names."""
    if not facts.folder:
        return meta.parent
    given = Path(expand(facts.folder, f"{meta.name}: folder")).expanduser()
    folder = meta.parent / given
    if not folder.is_dir() and "${" in facts.folder:
        folder = given.absolute()  # who sets the variable in a shell means a path from there
    if not folder.is_dir():
        raise CrmlabError(
            [
                f"{meta.name}: folder {facts.folder!r} does not exist."
                " Correct it, or leave it out for files beside the mapping."
            ]
        )
    return folder


def _folder(path: Path, facts: BankMap) -> Source:
    source = Source(path, facts, path)
    problems = []
    for table in CONTRACT:
        forms = {
            f"{table}.parquet": [one for one in [path / f"{table}.parquet"] if one.is_file()],
            f"{table}/*.parquet": sorted((path / table).rglob("*.parquet")),
            f"{table}.csv": [one for one in [path / f"{table}.csv"] if one.is_file()],
            f"{table}/*.csv": sorted((path / table).rglob("*.csv")),
        }
        forms = {form: paths for form, paths in forms.items() if paths}
        if len(forms) > 1:
            problems.append(f"{table} is there more than once: {' and '.join(forms)}. Keep one.")
        for paths in forms.values():
            source.files[table] = paths
    others = [one.name for one in sorted(path.iterdir()) if one.suffix.lower() in (".parquet", *_TEXT)]
    source.unused = [
        name for name in others if Path(name).stem not in CONTRACT or Path(name).suffix not in (".parquet", ".csv")
    ]
    if problems:
        raise CrmlabError(problems)
    if not source.files:
        from crmlab.bank.adapters import adapted_folder

        if adapted := adapted_folder(path):
            return find_source(adapted)
        near = "".join(filter(None, (nearest(Path(name).stem, CONTRACT) for name in others)))
        raise CrmlabError(
            [
                f"{path} holds no contract table; it has {sorted(one.name for one in path.iterdir())[:9]}.{near}"
                " Name files after the tables, such as customers.csv, or write a bank.yml."
            ]
        )
    return source
