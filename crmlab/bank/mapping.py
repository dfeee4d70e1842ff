"""`bank.yml`: facts about a bank, and how a real extract's columns become the contract's."""

from __future__ import annotations

import datetime as dt
import os
import re
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError, nearest

__all__ = ["BankMap", "ColumnMap", "Layout", "TableMap", "expand", "read_keys", "read_mapping"]


_DIRECTIVES = "-?[dmyHIMSj]|[aAbBYfgnpzZxXcTGVWUuw%]"  # what the engine's strptime reads


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


_Texts = Annotated[list[str], BeforeValidator(_listed)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Sign(_Strict):
    """The amount has no sign of its own: it is negative where column ``by`` holds one of ``negative``."""

    by: str
    negative: _Texts


class ColumnMap(_Strict):
    """Where one contract column comes from."""

    source: str | None = Field(None, alias="from")
    words: dict[str, str] = {}
    format: _Texts = []
    nulls: _Texts = []
    sign: Sign | None = None
    unit: Literal["major", "minor"] = "major"
    sql: str | None = None
    value: str | None = None


class Layout(_Strict):
    """How delimited text files are written."""

    files: _Texts = []
    delimiter: str | None = None
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: str = ""
    date_format: _Texts = []
    time_format: _Texts = []
    nulls: _Texts = []


def _column(value: Any) -> Any:
    # `column: name` is short for `column: {from: name}`; an empty value leaves the column out
    return ({"from": value} if value else None) if isinstance(value, str) else value


class TableMap(Layout):
    """Where one contract table comes from: files, a named source, a table of the database, or SQL over these."""

    source: str | None = None
    table: str | None = None
    sql: str | None = None
    columns: dict[str, Annotated[ColumnMap | None, BeforeValidator(_column)]] = {}


class BankMap(_Strict):
    """The whole of ``bank.yml``."""

    name: str | None = None
    currency: str = "EUR"
    minor_units: int = 100
    timezone: str = "UTC"
    extracted_on: dt.date | None = None
    report_on: dt.date | None = None
    folder: str | None = None
    database: str | None = None
    sources: dict[str, Layout] = {}
    tables: dict[str, TableMap] = {}
    questionnaire: str | None = None
    label_means: str = ""
    made_with: dict[str, Any] = {}
    accepted: str | None = None


class _Loader(yaml.SafeLoader):
    """Every scalar stays text (so that 0001 and `no` survive) and a key given twice is refused."""

    yaml_implicit_resolvers: ClassVar[dict] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_keys(path: Path, what: str, cure: str) -> dict[str, Any]:
    """Read a YAML file of keys and values; every scalar stays text, empty keys are left out.

    Parameters
    ----------
    path : Path
        The file.
    what, cure : str
        What the file is, and what to do when it does not exist.
    """
    try:
        # SafeLoader without resolvers: an empty value is the empty text
        given = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader) or {}
    except FileNotFoundError:
        raise CrmlabError([f"{what} {str(path)!r} does not exist. {cure}"]) from None
    except UnicodeDecodeError:
        raise CrmlabError([f"{path.name} is not UTF-8 text. Save it as UTF-8."]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        fact = getattr(error, "problem", None) or "it cannot be read"
        raise CrmlabError([f"{path.name} is not valid YAML{where}: {fact}. Mend the line."]) from None
    if not isinstance(given, dict):
        raise CrmlabError([f"{path.name} is not a mapping of keys to values. Write lines such as `name: My bank`."])
    return {key: value for key, value in given.items() if value not in ("", None)}


def read_mapping(path: Path) -> BankMap:
    """Read and check ``bank.yml``; every problem at once, with the nearest known name."""
    given = read_keys(path, "mapping", "Give the path of a bank.yml.")
    try:
        mapping = BankMap.model_validate(given)
    except ValidationError as error:
        said = sorted(_say(path.name, problem) for problem in error.errors())
        raise CrmlabError(said + _check_names(path.name, given)) from None
    problems = _check_names(path.name, given) + _check(path.name, mapping)
    if problems:
        raise CrmlabError(problems)
    return mapping


def _say(file: str, problem: dict) -> str:
    steps = [str(step) for step in problem["loc"]]
    place, key = ".".join(steps[:-1]), steps[-1] if steps else ""
    if problem["type"] == "extra_forbidden":
        known = _keys(steps[:-1])
        what = f"is not a key of {place}" if place else "is not a key"
        return f"{file}: {'.'.join(steps)} {what}.{nearest(key, known)} Known: {known}."
    what = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{file}: {'.'.join(steps)} is {problem['input']!r}: {what}. Mend the value."


def _keys(place: list[str]) -> list[str]:
    """Return the keys that are known at a place of the file."""
    model: type[BaseModel] = BankMap
    if place[:1] == ["sources"]:
        model = Layout
    elif place[:1] == ["tables"]:
        model = TableMap if len(place) == 2 else Sign if place[-1] == "sign" else ColumnMap
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _check_names(file: str, given: dict) -> list[str]:
    """Check the names of tables and columns on the text as given, so that they are told beside problems of form."""
    problems = []
    tables = given.get("tables")
    for name, table in tables.items() if isinstance(tables, dict) else ():
        place = f"{file}: tables.{name}"
        if name not in CONTRACT:
            problems.append(
                f"{place} is not a table of the contract.{nearest(name, CONTRACT)} Known: {list(CONTRACT)}."
            )
            continue
        known = CONTRACT[name].by_name
        columns = table.get("columns") if isinstance(table, dict) else None
        if isinstance(columns, dict) and not CONTRACT[name].open_ended:
            problems += [
                f"{place}.columns.{column} is not a column of the contract.{nearest(column, known)}"
                f" Known: {list(known)}."
                for column in columns
                if column not in known
            ]
    return problems


def _check(file: str, mapping: BankMap) -> list[str]:
    problems = []
    if mapping.minor_units not in (1, 10, 100, 1000, 10000):
        problems.append(
            f"{file}: minor_units is {mapping.minor_units}, not 1, 10, 100, 1000 or 10000. Write 100 for cents."
        )
    zones = zoneinfo.available_timezones()
    if mapping.timezone not in zones:
        problems.append(
            f"{file}: timezone {mapping.timezone!r} is not an IANA zone.{nearest(mapping.timezone, sorted(zones))}"
            " Write one such as Europe/Prague."
        )
    if not re.fullmatch("[A-Z]{3}", mapping.currency):
        problems.append(f"{file}: currency {mapping.currency!r} is not an ISO 4217 code. Write one such as EUR.")
    for name, source in mapping.sources.items():
        problems += _check_layout(f"{file}: sources.{name}", source)
    for name, table in mapping.tables.items():
        place = f"{file}: tables.{name}"
        if name not in CONTRACT:
            continue
        problems += _check_layout(place, table)
        origins = [key for key in ("files", "source", "table", "sql") if getattr(table, key)]
        if len(origins) != 1:
            given = " and ".join(origins) or "nothing"
            problems.append(f"{place} gives {given} as its origin. Give exactly one of files, source, table or sql.")
        if table.source and table.source not in mapping.sources:
            problems.append(
                f"{place}.source {table.source!r} is not under sources.{nearest(table.source, mapping.sources)}"
                f" Known: {sorted(mapping.sources)}."
            )
        problems += _check_columns(place, name, table)
    return problems


def _check_layout(place: str, layout: Layout) -> list[str]:
    problems = []
    if layout.delimiter is not None and len(layout.delimiter) != 1:
        problems.append(f"{place}.delimiter {layout.delimiter!r} is not one character. Write one such as ';'.")
    if layout.thousands == layout.decimal:
        problems.append(f"{place} gives {layout.decimal!r} as decimal and as thousands. Give two different signs.")
    if len(layout.thousands) > 1:
        problems.append(f"{place}.thousands {layout.thousands!r} is not one character. Write one such as '.'.")
    for key in ("date_format", "time_format"):
        problems += _check_formats(f"{place}.{key}", getattr(layout, key))
    return problems


def _check_formats(place: str, formats: list[str]) -> list[str]:
    problems = []
    for text in formats:
        unknown = [sign for sign in re.findall("%(-?.?)", text) if not re.fullmatch(_DIRECTIVES, sign)]
        if unknown or "%" not in text:
            fact = f"has the unknown sign '%{unknown[0]}'" if unknown else "has no sign such as %Y"
            problems.append(f"{place}: {text!r} {fact}. Write one such as '%d.%m.%Y' or '%Y-%m-%d %H:%M:%S'.")
    return problems


def _check_columns(place: str, name: str, table: TableMap) -> list[str]:
    problems = []
    contract = CONTRACT[name]
    for column, given in table.columns.items():
        if given is None or column not in contract.by_name:
            continue
        here = f"{place}.columns.{column}"
        problems += _check_formats(f"{here}.format", given.format)
        origins = [key for key in ("source", "sql", "value") if getattr(given, key) is not None]
        if len(origins) > 1:
            named = " and ".join("from" if key == "source" else key for key in origins)
            problems.append(f"{here} gives {named}. Give one of from, sql or value.")
        words = contract[column].words
        problems += [
            f"{here}.words: {word!r} is not a word of the contract.{nearest(word, words)} Known: {list(words)}."
            for word in dict.fromkeys(given.words.values())
            if words and word and word not in words
        ]
        if (given.sign or given.unit == "minor") and contract[column].kind != "money":
            problems.append(f"{here} gives a sign or a unit, but {column} is no money column. Leave it out.")
    return problems


def expand(text: str, where: str) -> str:
    """Put environment variables into a connection string; the text itself never appears in a message.

    >>> expand("host=db password=${CRMLAB_NO_SUCH}", "bank.yml: database")
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: bank.yml: database needs the environment variable CRMLAB_NO_SUCH. Set it, then run again.
    """
    names = list(dict.fromkeys(re.findall(r"\$\{(\w+)\}", text)))
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise CrmlabError(
            [f"{where} needs the environment variable {name}. Set it, then run again." for name in missing]
        )
    return re.sub(r"\$\{(\w+)\}", lambda found: os.environ[found[1]], text)
