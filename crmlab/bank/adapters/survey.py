"""One file with one row a respondent: it becomes `surveys`, with the respondents as `customers`."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path

import pandas as pd

from crmlab.bank.adapters.report import ImportReport
from crmlab.bank.adapters.survey_answers import (
    days_of,
    filled_cells,
    named_waves,
    read_scores,
    typed_cells,
)
from crmlab.bank.adapters.survey_findings import LACKS, findings_of
from crmlab.bank.adapters.survey_mapping import (
    KNOWN,
    SurveyColumn,
    SurveyMap,
    matched_columns,
    matched_items,
    read_survey_mapping,
)
from crmlab.bank.adapters.survey_tables import typed_facts, write_tables
from crmlab.bank.adapters.target import QUESTIONNAIRE_NAME, write_facts
from crmlab.bank.engine import connect, literal
from crmlab.bank.mapping import Layout
from crmlab.bank.questionnaire import Questionnaire, known_questionnaires, read_questionnaire
from crmlab.bank.tables import CONTRACT
from crmlab.bank.textfiles import stage_text
from crmlab.errors import CrmlabError, nearest, refuse

__all__ = ["read"]


def read(
    path: Path,
    folder: Path,
    *,
    questionnaire: str = "",
    mapping: str = "",
    wave: str = "",
    wave_column: str = "",
    answered_on: str = "",
    id_column: str = "",
    weight_column: str = "",
    missing: str = "",
) -> ImportReport:
    """Read one text file of answers and write ``surveys`` and ``customers`` into ``folder``.

    Parameters
    ----------
    path : pathlib.Path
        Delimited text file with a header; one row a respondent, one column an item.
    folder : pathlib.Path
        Where the tables go.
    questionnaire : str
        Name of a questionnaire of the project, or path of a ``.yml`` file.
    mapping : path, optional
        YAML file that names columns; without it items are found by their codes.
    wave : str, optional
        Wave of every row, such as ``yearly 2008``.
    wave_column : str, optional
        Column that says the wave of a row.
    answered_on : str, optional
        Day of every answer, ``YYYY-MM-DD``.
    id_column, weight_column : str, optional
        Columns that say who answered, and the survey weight.
    missing : str, optional
        Signs for an answer not given, with commas between.

    Returns
    -------
    ImportReport

    Notes
    -----
    An answer that is no number counts as not given; one outside the scale is kept as it is, so that the check of the
    survey counts it. Both are told. Columns that are neither an item nor a column of the contract are kept in table
    ``snapshot``, as of the first day of the wave.
    """
    if path.is_dir():
        raise CrmlabError([f"{str(path)!r} is a folder. Give the file with one row a respondent."])
    if not questionnaire:
        raise CrmlabError(
            [
                "questionnaire is not named. Add --questionnaire NAME, or the path of a .yml file. Known: "
                f"{list(known_questionnaires())}."
            ]
        )
    asked = read_questionnaire(questionnaire)
    given = read_survey_mapping(Path(mapping), asked) if mapping else SurveyMap()
    given = _with_options(given, wave, answered_on, missing, asked)
    told = Path(mapping).name if mapping else "the mapping (--mapping FILE)"
    options = {"wave": wave_column, "customer_id": id_column, "weight": weight_column}
    columns = {**given.columns, **{name: SurveyColumn(source=column) for name, column in options.items() if column}}
    given = given.model_copy(update={"columns": columns})
    cells = _staged(path, given, asked, told)
    refuse(*_absent(path.name, given, list(cells.columns)))
    return _write(path, folder, cells, given, asked, questionnaire, told)


def _with_options(given: SurveyMap, wave: str, answered_on: str, missing: str, asked: Questionnaire) -> SurveyMap:
    """Lay the options of the command over the mapping."""
    signs = [sign.strip() for sign in missing.split(",") if sign.strip()]
    changes: dict[str, object] = {"missing": [*given.missing, *asked.missing, *signs]}
    if wave:
        changes["wave"] = wave
    if answered_on:
        try:
            changes["answered_on"] = dt.date.fromisoformat(answered_on)
        except ValueError:
            raise CrmlabError([f"answered_on {answered_on!r} is not a date. Write it as YYYY-MM-DD."]) from None
    return given.model_copy(update=changes)


def _staged(path: Path, given: SurveyMap, asked: Questionnaire, told: str) -> pd.DataFrame:
    """Read the file as text, one column a column; an empty cell is missing."""
    wanted = [*asked.items, *(column.source for column in (*given.items.values(), *given.columns.values())), *KNOWN]
    connection = connect()
    with tempfile.TemporaryDirectory() as scratch:
        try:
            layout = Layout(delimiter=given.delimiter, encoding=given.encoding)
            staged = stage_text(connection, path, layout, wanted, Path(scratch))
        except CrmlabError as refusal:
            raise CrmlabError([problem.replace("bank.yml", told) for problem in refusal.problems]) from None
        if staged.ragged:
            first = staged.ragged[0]
            raise CrmlabError(
                [
                    f"{path.name}: rows that do not fit the header: {len(staged.ragged):,}, first row {first.record:,}"
                    f" ({first.problem}). Mend the file, or give the right delimiter in {told}."
                ]
            )
        cells = connection.execute(f"SELECT * FROM read_parquet({literal(staged.path)})").df().astype("str")
    connection.close()
    if not len(cells):
        raise CrmlabError([f"{path.name} has a header and no row. Export it again."])
    return cells.apply(lambda column: column.str.strip().replace("", None))


def _absent(file: str, given: SurveyMap, names: list[str]) -> list[str]:
    """Return a problem for each column that is named and not there, or both used and dropped."""
    used = [(f"items.{code}", column.source) for code, column in given.items.items() if column.source]
    used += [(f"columns.{name}", column.source) for name, column in given.columns.items() if column.source]
    problems = [
        f"{place} names {name!r}, which {file} lacks; it has {names}.{nearest(name, names)} Correct the name."
        for place, name in (*used, *(("drop", name) for name in given.drop))
        if name not in names
    ]
    twice = {name for _, name in used} & set(given.drop)
    return problems + [f"{name!r} is mapped and dropped. Keep one of the two." for name in sorted(twice)]


def _write(
    path: Path, folder: Path, cells: pd.DataFrame, given: SurveyMap, asked: Questionnaire, named: str, told: str
) -> ImportReport:
    names = list(cells.columns)
    columns = {name: column for name, column in matched_columns(given, asked, names).items() if column.source}
    taken = {column.source for column in columns.values()} | set(given.drop)
    items = matched_items(given, asked, names, taken)
    checks: dict[str, object] = {"rows": len(cells)}
    people = pd.DataFrame({"customer_id": _who(cells, columns, names, checks)})
    people["response_id"] = filled_cells(
        cells, columns.get("response_id"), [f"R{n:06d}" for n in range(1, len(cells) + 1)]
    )
    people["wave"] = named_waves(cells, columns.get("wave"), given, asked)
    people["answered_at"] = days_of(cells, columns.get("answered_at"), people["wave"], given, path.name, checks)
    for code in ("started_at", "weight", "language"):
        if code in columns:
            people[code] = typed_cells(cells, code, columns[code], CONTRACT["surveys"][code], given, checks)
    people["wave"] = [
        wave if " " in wave else f"{wave} {day.year}"
        for wave, day in zip(people["wave"], people["answered_at"], strict=True)
    ]
    refuse(*_unanswered(path.name, asked, given, items, people["wave"], names, taken, told))
    scores = read_scores(cells, items, asked, given)
    used = taken | {column.source for column in items.values()} | set(checks.get("row_numbers", ()))
    kept = [name for name in names if name not in used]
    facts_on = typed_facts(cells, columns, kept, given, checks)
    rows = write_tables(folder, people, scores, facts_on)
    facts = {"name": given.name or path.stem, "currency": given.currency, "timezone": given.timezone,
             "extracted_on": people["answered_at"].max().date(), "questionnaire": _own(named, folder)}  # fmt: skip
    write_facts(folder, facts)
    checks |= scores.counts(people)
    found = findings_of(checks, people, items, asked, given, columns, kept)
    return ImportReport("survey", facts, {path.name: len(cells)}, rows, checks, found, list(LACKS))


def _own(named: str, folder: Path) -> str:
    """Name the questionnaire for ``bank.yml``; one from a file goes along with the tables."""
    if Path(named).suffix not in (".yml", ".yaml"):
        return named
    shutil.copyfile(named, folder / QUESTIONNAIRE_NAME)
    return QUESTIONNAIRE_NAME


def _who(cells: pd.DataFrame, columns: dict[str, SurveyColumn], names: list[str], checks: dict) -> list[str]:
    """Number the customers: by their column, else by a column without a name that numbers the rows, else by row."""
    numbered = [f"row-{n:06d}" for n in range(1, len(cells) + 1)]
    if "customer_id" in columns:
        checks["rows_without_id"] = int(cells[columns["customer_id"].source].isna().sum())
        return filled_cells(cells, columns["customer_id"], numbered)
    index = names[0] if names[0] == "column_1" and cells["column_1"].notna().all() else ""
    if index and cells[index].is_unique:
        checks["row_numbers"] = [index]
        return cells[index].tolist()
    return numbered


def _unanswered(
    file: str, asked: Questionnaire, given: SurveyMap, items: dict[str, SurveyColumn], waves: pd.Series,
    names: list[str], taken: set[str], told: str,
) -> list[str]:  # fmt: skip
    """Return a problem for each item of a latent variable that was to be asked and that the file does not have."""
    if not items:
        return [
            f"{file} has no column of {asked.name}; it has {names}. Map its columns under items in {told}, or name "
            "another "
            f"questionnaire. Known: {list(known_questionnaires())}."
        ]
    occasions = {wave.split(" ")[0] for wave in waves}
    wanted = {code for name in occasions & asked.occasions.keys() for code in asked.asked(name)} or {*asked.latent_of}
    free = [name for name in names if name not in taken | {column.source for column in items.values()}]
    return [
        f"{file} lacks item {code!r} of {asked.name}.{nearest(code, free)} Map it under items in {told}, or write "
        f'{code}: "" there when it was not asked.'
        for code in asked.latent_of
        if code in wanted and code not in items and code not in given.items  # mapped to nothing: not asked
    ]
