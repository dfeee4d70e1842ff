"""The mapping file of the survey adapter: which column of a file is which item, who answered, what is left out."""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from crmlab.bank.mapping import read_keys
from crmlab.bank.questionnaire import Questionnaire
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError, nearest, refuse

__all__ = ["KNOWN", "SurveyColumn", "SurveyMap", "fold", "matched_columns", "matched_items", "read_survey_mapping"]

_OF_ANSWERS = ("customer_id", "response_id", "wave", "answered_at", "started_at", "weight", "language")
# contract columns that a survey file may fill, and the table each goes to
KNOWN = {
    **{name: "snapshot" for name in CONTRACT["snapshot"].by_name if name not in ("customer_id", "snapshot_on")},
    **{name: "customers" for name in CONTRACT["customers"].by_name if name != "customer_id"},
    **dict.fromkeys(_OF_ANSWERS, "surveys"),
}
_ALSO = {"answered_on": "answered_at", "started_on": "started_at"}  # other names of contract columns in files


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _column(value: Any) -> Any:
    return {"from": value} if isinstance(value, str) else value


class SurveyColumn(_Strict):
    """Where an item or a contract column comes from.

    ``from`` is the file's column (empty: not asked), ``words`` translate its cells, ``format`` is how a date is
    written.
    """

    source: str = Field("", alias="from")
    words: dict[str, str] = {}
    format: str = ""


class SurveyMap(_Strict):
    """The whole file."""

    name: str | None = None
    currency: str = "EUR"
    timezone: str = "UTC"
    delimiter: str | None = None
    encoding: str = "utf-8"
    wave: str = ""
    answered_on: dt.date | None = None
    missing: Annotated[list[str], BeforeValidator(_listed)] = []
    words: dict[str, str] = {}
    items: dict[str, Annotated[SurveyColumn, BeforeValidator(_column)]] = {}
    columns: dict[str, Annotated[SurveyColumn, BeforeValidator(_column)]] = {}
    drop: dict[str, str] = {}


def fold(name: str) -> str:
    """Return a name without case and signs, to find a column that is written a little otherwise.

    >>> fold("IMAG_1"), fold(" imag-1 ")
    ('imag1', 'imag1')
    """
    return re.sub(r"[\W_]+", "", name).casefold()


def read_survey_mapping(path: Path, questionnaire: Questionnaire) -> SurveyMap:
    """Read and check a mapping file; every problem at once, with the nearest known name.

    Parameters
    ----------
    path : pathlib.Path
        YAML file.
    questionnaire : Questionnaire
        Its items are the ones that can be mapped.

    Returns
    -------
    SurveyMap
    """
    given = read_keys(path, "mapping", "Give the path of a YAML file.")
    try:
        mapping = SurveyMap.model_validate(given)
    except ValidationError as error:
        raise CrmlabError(sorted(_say(path.name, problem) for problem in error.errors())) from None
    problems = [
        f"{path.name}: items.{code} is not an item of {questionnaire.name}.{nearest(code, questionnaire.items)} Known: "
        f"{list(questionnaire.items)}."
        for code in mapping.items
        if code not in questionnaire.items
    ]
    problems += [
        f"{path.name}: columns.{name} is not a column of surveys, customers or snapshot.{nearest(name, KNOWN)} Other "
        "columns of the file are kept under their own names."
        for name in mapping.columns
        if name not in KNOWN
    ]
    if mapping.timezone not in zoneinfo.available_timezones():
        problems.append(
            f"{path.name}: timezone {mapping.timezone!r} is not an IANA zone. Write one such as Europe/Madrid."
        )
    refuse(*problems)
    return mapping


def _say(file: str, problem: dict) -> str:
    steps = [str(step) for step in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        model = SurveyColumn if steps[0] in ("items", "columns") else SurveyMap
        known = sorted(field.alias or name for name, field in model.model_fields.items())
        place = f" of {'.'.join(steps[:-1])}" if steps[:-1] else ""
        return f"{file}: {steps[-1]!r} is not a key{place}.{nearest(steps[-1], known)} Known: {known}."
    said = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{file}: {'.'.join(steps)} is {problem['input']!r}: {said}. Mend the value."


def matched_columns(mapping: SurveyMap, questionnaire: Questionnaire, names: list[str]) -> dict[str, SurveyColumn]:
    """Return the contract columns that the file fills: mapped, or of the same name but for case and signs.

    A column that bears the code of an item is the item.
    """
    items = {fold(code) for code in questionnaire.items}
    found = dict(mapping.columns)
    used = {column.source for column in found.values()} | set(mapping.drop)
    for name in names:
        folded = fold(name)
        meant = next((known for known in (*KNOWN, *_ALSO) if fold(known) == folded), None)
        meant = _ALSO.get(meant, meant)
        if meant and meant not in found and name not in used and folded not in items:
            found[meant] = SurveyColumn(source=name)
    return found


def matched_items(
    mapping: SurveyMap, questionnaire: Questionnaire, names: list[str], taken: set[str]
) -> dict[str, SurveyColumn]:
    """Return the items that the file answers: mapped, or of the same name but for case and signs.

    Parameters
    ----------
    names : list of str
        Columns of the file.
    taken : set of str
        Columns that are used for something else or left out.
    """
    free: dict[str, list[str]] = {}
    for name in names:
        if name not in taken:
            free.setdefault(fold(name), []).append(name)
    found = {}
    for code in questionnaire.items:
        if code in mapping.items:
            found[code] = mapping.items[code]
        elif code in names and code not in taken:
            found[code] = SurveyColumn(source=code)
        elif len(free.get(fold(code), [])) == 1:
            found[code] = SurveyColumn(source=free[fold(code)][0])
    return {code: column for code, column in found.items() if column.source}
