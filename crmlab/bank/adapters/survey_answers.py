"""Cells of a survey file to answers: who, when, which wave, which number; what cannot be read is counted."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.bank.adapters.survey_mapping import SurveyColumn, SurveyMap
from crmlab.bank.contract import Column
from crmlab.bank.questionnaire import Questionnaire
from crmlab.errors import CrmlabError

__all__ = ["Scores", "days_of", "filled_cells", "named_waves", "read_scores", "typed_cells"]

_NUMBER = r"[+-]?(\d+([.,]\d+)?|[.,]\d+)"
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
_NOTHING = ("na", "n/a", "nan", "null", "none", "-", ".", "?")  # what programs write for an empty cell
_OTHERWISE = "yearly"  # occasion of a questionnaire that names none


@dataclass(frozen=True)
class Scores:
    """The answers of a file.

    Parameters
    ----------
    values : DataFrame
        One row a respondent, one column a scored item: float64, NaN where nothing was answered.
    comments : DataFrame
        One column an open item: str, missing where nothing was written.
    unreadable : dict of str to list of str
        Cells that are no number, by item.
    scales : dict of str to (int, int)
        Lowest and highest answer of each item.
    """

    values: pd.DataFrame
    comments: pd.DataFrame
    unreadable: dict[str, list[str]]
    scales: dict[str, tuple[int, int]]

    def counts(self, people: pd.DataFrame) -> dict[str, object]:
        """Count what a reader must know: missing, out of scale, no whole numbers, respondents twice in a wave."""
        low = np.array([self.scales[code][0] for code in self.values])
        high = np.array([self.scales[code][1] for code in self.values])
        values = self.values.to_numpy(float)
        beyond = pd.DataFrame((values < low) | (values > high), columns=self.values.columns)
        outside = self.values.where(beyond).stack()
        broken = self.values.notna() & (self.values != self.values.round())
        once = people.duplicated(["customer_id", "wave"], keep=False)
        return {
            "answers": int(self.values.size),
            "not_given": int(self.values.isna().sum().sum()),
            "unreadable": {code: len(cells) for code, cells in self.unreadable.items()},
            "unreadable_cells": sorted({cell for cells in self.unreadable.values() for cell in cells})[:5],
            "out_of_scale": {code: int(n) for code, n in beyond.sum().items() if n},
            "out_of_scale_values": {f"{value:g}": int(n) for value, n in outside.value_counts().head(5).items()},
            "not_whole": {code: int(n) for code, n in broken.sum().items() if n},
            "twice_in_a_wave": int(once.sum()),
            "without_any_answer": int(self.values.isna().all(axis=1).sum()) if self.values.shape[1] else 0,
        }


def filled_cells(cells: pd.DataFrame, column: SurveyColumn | None, otherwise: list[str]) -> list[str]:
    """Return the cells of a column, an empty one replaced; all replaced where there is no column."""
    if column is None:
        return otherwise
    return [
        text if isinstance(text, str) else other for text, other in zip(cells[column.source], otherwise, strict=True)
    ]


def named_waves(cells: pd.DataFrame, column: SurveyColumn | None, given: SurveyMap, asked: Questionnaire) -> list[str]:
    """Name the wave of each row: the occasion, then what the file or the options say; only the occasion without both.

    A name that begins with no occasion of the questionnaire gets its yearly one in front.
    """
    yearly = [name for name, occasion in asked.occasions.items() if occasion.every == "year"]
    usual = next(iter([*yearly, *asked.occasions]), _OTHERWISE)
    known = {*asked.occasions} or {usual}
    named = filled_cells(cells, None if given.wave else column, [given.wave] * len(cells))
    if column is not None and column.words:
        named = [column.words.get(name, name) for name in named]
    return [" ".join((name if name.split(" ")[0] in known else f"{usual} {name}").split()) for name in named]


def days_of(
    cells: pd.DataFrame, column: SurveyColumn | None, waves: pd.Series, given: SurveyMap, file: str, checks: dict
) -> pd.Series:
    """Return when each row was answered: its column, else the day given, else the last day of the wave's period."""
    days = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[us]")
    if column is not None:
        days = _times(cells[column.source], column.format)
        checks["unreadable_days"] = int((days.isna() & cells[column.source].notna()).sum())
    else:
        checks["nominal_day"] = True
    if given.answered_on:
        days = days.fillna(pd.Timestamp(given.answered_on))
    else:
        days = days.fillna(waves.map(_end_of).astype("datetime64[us]"))
    if days.isna().any():
        count = int(days.isna().sum())
        raise CrmlabError(
            [
                f"{file} does not say when {count:,} of {len(cells):,} rows were answered. Add --answered-on "
                "YYYY-MM-DD, "
                'a column answered_at, or a wave with its year such as --wave "yearly 2024".'
            ]
        )
    return days


def _end_of(wave: str) -> pd.Timestamp:
    """Last day of the year or month in the name of a wave.

    >>> _end_of("yearly 2024"), _end_of("contact 2024-02"), _end_of("yearly 1")
    (Timestamp('2024-12-31 00:00:00'), Timestamp('2024-02-29 00:00:00'), NaT)
    """
    found = re.search(r"\b((?:19|20)\d{2})(?:-(0[1-9]|1[0-2]))?\b", wave)
    if not found:
        return pd.NaT
    year, month = int(found[1]), int(found[2] or 12)
    return pd.Timestamp(dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1))


def _times(cells: pd.Series, written: str) -> pd.Series:
    if written:
        return pd.to_datetime(cells, format=written, errors="coerce").astype("datetime64[us]")
    return pd.to_datetime(cells, format="ISO8601", errors="coerce").astype("datetime64[us]")


def _numbers(cells: pd.Series) -> pd.Series:
    is_number = cells.str.fullmatch(_NUMBER).fillna(False).astype(bool)
    return pd.to_numeric(cells.where(is_number).str.replace(",", ".", regex=False)).astype("float64")


def typed_cells(
    cells: pd.DataFrame, name: str, column: SurveyColumn, contract: Column, given: SurveyMap, checks: dict
) -> pd.Series:
    """Return a column in the type of the contract; cells that cannot be read are emptied and counted in ``checks``."""
    raw = cells[column.source]
    raw = raw.where(~raw.isin(given.missing))
    if column.words:
        raw = raw.map(lambda cell: column.words.get(cell, cell), na_action="ignore").replace("", None)
    if contract.kind in ("date", "time"):
        typed = _times(raw, column.format)
    elif contract.kind in ("money", "count", "number", "share"):
        typed = _numbers(raw)
    elif contract.kind == "flag":
        flags = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
        typed = raw.str.casefold().map(flags).astype("boolean")
    elif contract.kind == "word":
        known = {word.casefold(): word for word in contract.words}
        typed = raw.str.casefold().map(known)
    else:
        return raw
    lost = raw[typed.isna() & raw.notna()]
    if len(lost):
        checks.setdefault("unreadable_columns", {})[name] = [len(lost), sorted(lost.unique())[:3]]
    return typed


def read_scores(cells: pd.DataFrame, items: dict[str, SurveyColumn], asked: Questionnaire, given: SurveyMap) -> Scores:
    """Read the answers to every item of the file.

    Parameters
    ----------
    cells : DataFrame
        The file as text.
    items : dict of str to SurveyColumn
        Where each item comes from, by code.
    asked : Questionnaire
        Kinds and scales.
    given : SurveyMap
        Signs for no answer, and words for numbers.
    """
    values, comments, unreadable = {}, {}, {}
    for code, column in items.items():
        raw = cells[column.source]
        raw = raw.where(~raw.isin(given.missing))
        if code not in asked.scales:
            comments[code] = raw
            continue
        words = {**given.words, **column.words}
        raw = raw.map(lambda cell, words=words: words.get(cell, cell), na_action="ignore").replace("", None)
        values[code] = _numbers(raw.astype("str"))
        lost = raw[values[code].isna() & raw.notna() & ~raw.astype("str").str.casefold().isin(_NOTHING)]
        values[code] = values[code].where(~values[code].isin(_as_numbers(given.missing)))
        if len(lost):
            unreadable[code] = lost.tolist()
    frame = pd.DataFrame(values, index=cells.index, dtype="float64")
    scales = {code: asked.scales[code] for code in frame}
    return Scores(frame, pd.DataFrame(comments, index=cells.index), unreadable, scales)


def _as_numbers(signs: list[str]) -> list[float]:
    """Signs for no answer that are numbers: 99 is meant by 99.0 too."""
    found = _numbers(pd.Series(signs, dtype="str")) if signs else pd.Series(dtype="float64")
    return found.dropna().tolist()
