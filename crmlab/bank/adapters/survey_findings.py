"""What the import of a survey tells its reader: counts, and what to do about them."""

from __future__ import annotations

import pandas as pd

from crmlab.bank.adapters.flat import PERSONAL
from crmlab.bank.adapters.survey_mapping import KNOWN, SurveyColumn, SurveyMap
from crmlab.bank.questionnaire import Questionnaire

__all__ = ["LACKS", "findings_of"]

LACKS = (
    "Accounts, balances, bookings and contacts: only what the survey asked is known.",
    "Who was asked and did not answer: no response rate, and no correction for those who stayed away.",
)
_SHOWN = 5  # items named in a sentence


def findings_of(
    checks: dict, people: pd.DataFrame, items: dict[str, SurveyColumn], asked: Questionnaire, given: SurveyMap,
    columns: dict[str, SurveyColumn], kept: list[str],
) -> list[str]:  # fmt: skip
    """Return the sentences of the account of an import, answers first, then people, then columns.

    Parameters
    ----------
    checks : dict
        Counts of the import.
    people : DataFrame
        One row a respondent.
    items, columns : dict of str to SurveyColumn
        Where items and contract columns come from.
    asked : Questionnaire
        What was asked.
    given : SurveyMap
        Mapping and options.
    kept : list of str
        Columns kept under their own names.
    """
    waves = people["wave"].value_counts(sort=False)
    named = ", ".join(f"{wave} ({count:,})" for wave, count in waves.items())
    return [
        f"{len(people):,} responses of {people['customer_id'].nunique():,} customers to {len(items)} items of "
        f"{asked.name}, in {'1 wave' if len(waves) == 1 else f'{len(waves)} waves'}: {named}.",
        *_about_answers(checks, asked),
        *_about_people(checks, columns, given, people),
        *_about_columns(items, columns, given, kept),
    ]


def _about_answers(checks: dict, asked: Questionnaire) -> list[str]:
    said = []
    if checks["not_given"]:
        said.append(f"Answers not given: {checks['not_given']:,} of {checks['answers']:,}.")
    if checks["unreadable"]:
        cells = ", ".join(repr(cell) for cell in checks["unreadable_cells"])
        said.append(
            f"Answers that are no number: {_by_item(checks['unreadable'])}, such as {cells}. They count as not given; "
            "list the sign under --missing, or translate it under words in the mapping."
        )
    if checks["out_of_scale"]:
        values = ", ".join(f"{value} ({count:,})" for value, count in checks["out_of_scale_values"].items())
        said.append(
            f"Answers outside their scale (items: {asked.scale.low} to {asked.scale.high}): "
            f"{_by_item(checks['out_of_scale'])}; they are {values}. They are kept, and no analysis reads them; where "
            "such a number means that nothing was answered, list it under --missing."
        )
    if checks["not_whole"]:
        said.append(f"Answers that are no whole number: {_by_item(checks['not_whole'])}. They are kept.")
    if checks["without_any_answer"]:
        said.append(f"Responses without any answer: {checks['without_any_answer']:,}. They are kept.")
    return said


def _by_item(counts: dict[str, int]) -> str:
    listed = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    named = ", ".join(f"{code} {count:,}" for code, count in listed[:_SHOWN])
    more = f" and {len(listed) - _SHOWN} more items" if len(listed) > _SHOWN else ""
    return f"{sum(counts.values()):,} ({named}{more})"


def _about_people(checks: dict, columns: dict[str, SurveyColumn], given: SurveyMap, people: pd.DataFrame) -> list[str]:
    said = []
    if "customer_id" not in columns:
        by = (
            f"column {checks['row_numbers'][0]} numbers them" if "row_numbers" in checks else "they are numbered by row"
        )
        said.append(f"The file names no customer; {by}, so nobody is known to have answered twice.")
    if checks.get("rows_without_id"):
        said.append(f"Rows without a customer: {checks['rows_without_id']:,}. Each is taken for a customer of its own.")
    if checks["twice_in_a_wave"]:
        said.append(
            f"Responses of customers who answered more than once in a wave: {checks['twice_in_a_wave']:,}. They are "
            "kept; the analysis reads the last one of each."
        )
    if checks.get("nominal_day"):
        day = people["answered_at"].max()
        told = f"taken to be answered on {day:%Y-%m-%d}" if given.answered_on else "dated on the last day of its wave"
        said.append(f"The file gives no day of the answers; every row is {told}.")
    if checks.get("unreadable_days"):
        said.append(
            f"Days of answers that cannot be read: {checks['unreadable_days']:,}. They are dated as their wave."
        )
    if "joined_on" not in columns:
        said.append("The file gives no start of the relation; customers are known from the first day of the answers.")
    for name, (count, cells) in checks.get("unreadable_columns", {}).items():
        shown = ", ".join(repr(cell) for cell in cells)
        said.append(
            f"Cells of {name} that cannot be read: {count:,}, such as {shown}. They are emptied; translate them under "
            f"columns.{name}.words in the mapping."
        )
    return said


def _about_columns(
    items: dict[str, SurveyColumn], columns: dict[str, SurveyColumn], given: SurveyMap, kept: list[str]
) -> list[str]:
    said = []
    renamed = [f"{column.source} as {code}" for code, column in items.items() if column.source != code]
    renamed += [f"{column.source} as {name}" for name, column in columns.items() if column.source != name]
    if renamed:
        said.append(f"Read under another name: {', '.join(renamed)}.")
    filled = [name for name in columns if KNOWN[name] == "customers"]
    if filled:
        said.append(f"What is known of customers: {', '.join(filled)}.")
    said += [f"Left out: {name}: {reason}." for name, reason in given.drop.items()]
    if kept:
        said.append(f"Kept in table snapshot under their own names: {', '.join(kept)}.")
    said += [
        f"Column {name!r} may say who a person is. List it under drop in the mapping unless a question needs it."
        for name in kept
        if PERSONAL.search(name)
    ]
    return said
