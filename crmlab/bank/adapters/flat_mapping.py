"""The mapping file of the flat adapter: which column of the file is which of the contract, what is left out and why."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, ValidationError

from crmlab.bank.adapters.flat_dates import MonthOrder
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError, nearest

__all__ = ["SNAPSHOT", "FlatColumn", "FlatMap", "check_columns", "months_of", "read_flat_mapping"]

SNAPSHOT = CONTRACT["snapshot"]

# unit of a source column -> factor to the contract's unit
UNITS = {
    "days": 1.0,
    "months": 365.25 / 12,
    "years": 365.25,
    "month": 1.0,
    "year": 1 / 12,
    "thousand": 1000.0,
}
# which units fit a column: a duration, an amount a month, any other amount or number
_FITTING = {
    "tenure_days": ("days", "months", "years"),
    "income_amount": ("month", "year", "thousand"),
    "assets_amount": ("thousand",),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class FlatColumn(_Strict):
    """Where one contract column comes from.

    ``from`` is the file's column, ``words`` translate its cells, ``nulls`` are signs for nothing, ``format`` is how a
    date is written, ``unit`` is what one unit of the file means (``years`` of tenure, income per ``year``).
    ``number_rows`` stands in for ``from`` where the file names no customer: each row is one, by its number.
    """

    source: str = Field("", alias="from")
    number_rows: bool = False
    words: dict[str, str] = {}
    nulls: Annotated[list[str], BeforeValidator(_listed)] = []
    format: Annotated[list[str], BeforeValidator(_listed)] = []
    unit: Literal["days", "months", "years", "month", "year", "thousand"] | None = None


def _column(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


class FlatMap(_Strict):
    """The whole file."""

    name: str | None = None
    currency: str = "EUR"
    minor_units: int = 100
    timezone: str = "UTC"
    snapshot_on: (
        Annotated[
            Annotated[dt.date, Tag("day")] | Annotated[MonthOrder, Tag("months")],
            Discriminator(lambda value: "day" if isinstance(value, (str, dt.date)) else "months"),
        ]
        | None
    ) = None
    label_means: str = ""
    sha256: str = Field("", pattern="^([0-9a-f]{64})?$")
    delimiter: str | None = None
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: str = ""
    nulls: Annotated[list[str], BeforeValidator(_listed)] = []
    columns: dict[str, Annotated[FlatColumn, BeforeValidator(_column)]] = {}
    drop: dict[str, str] = {}


def read_flat_mapping(path: Path) -> FlatMap:
    """Read and check a mapping file; every problem at once, with the nearest known name."""
    try:
        # BaseLoader keeps every scalar as text, so that 0001 and `no` survive
        given = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader) or {}
    except FileNotFoundError:
        raise CrmlabError([f"mapping {str(path)!r} does not exist. Give the path of a YAML file."]) from None
    except IsADirectoryError:
        raise CrmlabError([f"mapping {str(path)!r} is a folder. Give the path of a YAML file."]) from None
    except UnicodeDecodeError:
        raise CrmlabError([f"{path.name} is not UTF-8 text. Save it as UTF-8."]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        said = getattr(error, "problem", None) or "it cannot be read"
        raise CrmlabError([f"{path.name} is not valid YAML{where}: {said}. Mend the line."]) from None
    if not isinstance(given, dict):
        raise CrmlabError([f"{path.name} is not a mapping of keys to values. Write lines such as `name: My bank`."])
    given = {key: value for key, value in given.items() if value not in ("", None)}
    day = given.get("snapshot_on")
    if isinstance(day, dict) and "from" in day and isinstance(given.get("columns", {}), dict):
        # a column with the whole date, told where the day is told
        del given["snapshot_on"]
        given["columns"] = {**given.get("columns", {}), "snapshot_on": day}
    try:
        mapping = FlatMap.model_validate(given)
    except ValidationError as error:
        raise CrmlabError(sorted(_say(path.name, problem) for problem in error.errors())) from None
    problems = _check(path.name, mapping)
    if problems:
        raise CrmlabError(problems)
    return mapping


def _say(file: str, problem: dict) -> str:
    steps = [str(step) for step in problem["loc"] if step not in ("day", "months") or len(problem["loc"]) == 1]
    if problem["type"] == "extra_forbidden":
        model = FlatColumn if steps[0] == "columns" else MonthOrder if steps[0] == "snapshot_on" else FlatMap
        known = sorted(field.alias or name for name, field in model.model_fields.items())
        place = f" of {'.'.join(steps[:-1])}" if steps[:-1] else ""
        return f"{file}: {steps[-1]!r} is not a key{place}.{nearest(steps[-1], known)} Known: {known}."
    said = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{file}: {'.'.join(steps)} is {problem['input']!r}: {said}. Mend the value."


def _check(file: str, mapping: FlatMap) -> list[str]:
    problems = []
    if mapping.minor_units not in (1, 10, 100, 1000, 10000):
        problems.append(
            f"{file}: minor_units is {mapping.minor_units}, not 1, 10, 100, 1000 or 10000. Write 100 for cents."
        )
    if mapping.timezone not in zoneinfo.available_timezones():
        problems.append(f"{file}: timezone {mapping.timezone!r} is not an IANA zone. Write one such as Europe/Prague.")
    for name, given in mapping.columns.items():
        column = SNAPSHOT.by_name.get(name)
        if column is None:
            problems.append(
                f"{file}: columns.{name} is not a column of snapshot.{nearest(name, SNAPSHOT.by_name)}"
                f" Known: {list(SNAPSHOT.by_name)}. Other columns of the file are kept under their own names."
            )
            continue
        if given.number_rows and name != "customer_id":
            problems.append(f"{file}: columns.{name}.number_rows: only customer_id can be the row's number. Give from.")
        elif given.number_rows == bool(given.source):
            told = "from and number_rows" if given.source else "neither from nor number_rows"
            cure = "one of the two" if name == "customer_id" else "from"
            told = told if name == "customer_id" else "no from"
            problems.append(f"{file}: columns.{name} gives {told}. Give {cure}.")
        fitting = _FITTING.get(name, ())
        if given.unit and given.unit not in fitting:
            cure = f"Write one of {list(fitting)}." if fitting else "Leave it out."
            problems.append(f"{file}: columns.{name}.unit {given.unit!r} does not fit {name}. {cure}")
        problems += [
            f"{file}: columns.{name}.words: {word!r} is not a word of the contract.{nearest(word, column.words)}"
            f" Known: {list(column.words)}."
            for word in dict.fromkeys(given.words.values())
            if column.words and word and word not in column.words
        ]
    return problems


def months_of(mapping: FlatMap) -> list[str]:
    """Return the columns that the day of a row is put together from."""
    return mapping.snapshot_on.columns if isinstance(mapping.snapshot_on, MonthOrder) else []


def check_columns(file: str, mapping: FlatMap, source: str, present: list[str]) -> list[str]:
    """Return a problem for each column that the mapping names and the file lacks, or that it both uses and drops."""
    asked = [(f"columns.{name}", given.source) for name, given in mapping.columns.items() if given.source]
    asked += [("snapshot_on", name) for name in months_of(mapping)]
    asked += [("drop", name) for name in mapping.drop]
    problems = [
        f"{file}: {place} names {name!r}, which {source} lacks; it has {present}.{nearest(name, present)}"
        " Correct the name."
        for place, name in asked
        if name not in present
    ]
    used = {given.source for given in mapping.columns.values()} | set(months_of(mapping))
    problems += [
        f"{file}: {name!r} is mapped and dropped. Keep one of the two." for name in mapping.drop if name in used
    ]
    return problems
