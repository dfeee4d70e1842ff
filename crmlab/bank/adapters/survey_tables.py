"""The tables that a survey file becomes: one row an answer, one a respondent, and what else the file says of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from crmlab.bank.adapters.survey_answers import Scores, typed_cells
from crmlab.bank.adapters.survey_mapping import KNOWN, SurveyColumn, SurveyMap
from crmlab.bank.tables import CONTRACT
from crmlab.bank.writing import write_table

__all__ = ["typed_facts", "write_tables"]


def typed_facts(
    cells: pd.DataFrame, columns: dict[str, SurveyColumn], kept: list[str], given: SurveyMap, checks: dict
) -> dict[str, pd.DataFrame]:
    """Return what the file says of respondents beside their answers: for ``customers``, and for ``snapshot``.

    Parameters
    ----------
    cells : DataFrame
        The file as text.
    columns : dict of str to SurveyColumn
        Contract columns that the file fills.
    kept : list of str
        Further columns of the file, kept under their own names.
    given : SurveyMap
        Signs for no answer.
    checks : dict
        Takes the counts of cells that cannot be read.
    """
    found: dict[str, dict[str, pd.Series]] = {"customers": {}, "snapshot": {}}
    for name, column in columns.items():
        if KNOWN[name] in found:
            contract = CONTRACT[KNOWN[name]][name]
            found[KNOWN[name]][name] = typed_cells(cells, name, column, contract, given, checks)
    for name in kept:
        if name not in CONTRACT["snapshot"].by_name:
            raw = cells[name].where(~cells[name].isin(given.missing))
            found["snapshot"][name] = _plain(raw)
    return {table: pd.DataFrame(columns, index=cells.index) for table, columns in found.items()}


def _plain(raw: pd.Series) -> pd.Series:
    """Return numbers where every cell is one and none has a leading zero, else text."""
    cells = raw.dropna()
    if len(cells) and cells.str.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d+)?").all():
        return pd.to_numeric(raw)
    return raw


def write_tables(folder: Path, people: pd.DataFrame, scores: Scores, facts: dict[str, pd.DataFrame]) -> dict[str, int]:
    """Write ``customers``, ``surveys`` and, where there is more to say, ``snapshot``; return their rows.

    Parameters
    ----------
    folder : pathlib.Path
        Where the tables go.
    people : DataFrame
        One row a respondent: ``customer_id``, ``response_id``, ``wave``, ``answered_at`` and what else `surveys` has.
    scores : Scores
        Answers of the same rows.
    facts : dict of str to DataFrame
        Result of `typed_facts`.
    """
    tables = {"customers": _customers(people, facts["customers"]), "surveys": _surveys(people, scores)}
    if facts["snapshot"].shape[1]:
        tables["snapshot"] = _snapshot(people, facts["snapshot"])
    for name, frame in tables.items():
        write_table(folder, name, frame)
    return {name: len(frame) for name, frame in tables.items()}


def _customers(people: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """One row a customer, with the last thing said; who gives no start is known from the first day of the file."""
    rows = pd.concat([people[["customer_id"]], facts], axis=1).iloc[people["answered_at"].argsort(kind="stable")]
    found = rows.groupby("customer_id", sort=True).last().reset_index()
    first = people["answered_at"].min().normalize()
    joined = found["joined_on"].fillna(first) if "joined_on" in found else first
    return found.assign(joined_on=joined)


def _surveys(people: pd.DataFrame, scores: Scores) -> pd.DataFrame:
    parts = [
        people.assign(item=code, score=scores.values[code].to_numpy(), comment=None, place=place)
        for place, code in enumerate(scores.values)
    ]
    parts += [
        people.assign(item=code, score=float("nan"), comment=scores.comments[code], place=1000 + place)[
            scores.comments[code].notna()
        ]
        for place, code in enumerate(scores.comments)
    ]
    rows = pd.concat(parts).assign(row=lambda frame: frame.index)
    rows = rows.sort_values(["row", "place"], kind="stable").drop(columns=["row", "place"])
    return rows.assign(comment=rows["comment"].astype("str")).reset_index(drop=True)


def _snapshot(people: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """One row a customer and wave, as of the wave's first day; the last row of a customer who answered twice."""
    first = people.groupby("wave")["answered_at"].transform("min").dt.normalize()
    rows = pd.concat([people[["customer_id"]].assign(snapshot_on=first), facts], axis=1)
    return rows.drop_duplicates(["customer_id", "snapshot_on"], keep="last").reset_index(drop=True)
