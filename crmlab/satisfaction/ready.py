"""Can a bank's survey be analysed at all? A study, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.bank.questionnaire import Questionnaire, read_questionnaire
from crmlab.errors import CrmlabError, nearest, refuse
from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.satisfaction.study import Study, study_on
from crmlab.satisfaction.survey.answers import Answers, answers_on, wave_name
from crmlab.stats import Evidence, count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["FEWEST_RESPONSES", "missing", "study_or_reason"]

FEWEST_RESPONSES = 30  # of the wave that is judged; below, weights of items and their intervals are chance


def study_or_reason(
    bank: Bank,
    *,
    questionnaire: Questionnaire | str = "",
    occasion: str = "yearly",
    wave: str = "",
    kept: Mapping | None = None,
    **options: object,
) -> tuple[Study | None, str]:
    """Prepare the study of satisfaction, or say why this bank's survey gives none.

    Parameters
    ----------
    bank : Bank
        As of a date.
    questionnaire, occasion
        As in `crmlab.satisfaction.study.study_on`.
    wave : str
        Wave to judge; empty: the last. One that does not exist is refused, for the question was put wrongly.
    kept : mapping, optional
        An index frozen by an earlier run; one of other items is refused for the same reason.
    **options
        Handed to `crmlab.satisfaction.study.study_on`.

    Returns
    -------
    tuple of Study or None, and str
        The reason is empty where there is a study.

    Notes
    -----
    What lies in the data (no wave yet, under 30 responses, an item that all answer alike) is a reason. What lies in the
    question (an unknown wave, a kept index of another questionnaire) is an error.
    """
    if bank.has("surveys") and not _rows_count(bank, occasion):
        if bank.date:
            return None, f"no wave of the {occasion} survey was answered by {bank.date}"
        return None, f"no wave of the {occasion} survey was answered"
    try:
        asked = read_questionnaire(questionnaire) if isinstance(questionnaire, str) and questionnaire else questionnaire
        answers = answers_on(bank, asked or None, occasion=occasion)
    except CrmlabError as problem:
        return None, _said(problem)
    waves = answers.waves
    if wave and wave not in waves:
        refuse(f"wave {wave!r} is not in this survey.{nearest(wave, waves)} Known: {waves}.")
    if kept is not None:
        _check_kept(kept, answers)
    judged = wave or waves[-1]
    count = len(answers.of(judged))
    if count < FEWEST_RESPONSES:
        has = f"the wave of {wave_name(judged)} has {count_text(count)} responses"
        return None, f"{has}; {FEWEST_RESPONSES} are needed for an index"
    try:
        return study_on(bank, questionnaire=asked, occasion=occasion, wave=wave, kept=kept, **options), ""
    except CrmlabError as problem:
        return None, _said(problem)


def missing(why: str) -> Evidence:
    """Give evidence that there is none: an empty frame, and the reason as its title.

    >>> missing("one wave only").title, len(missing("one wave only").frame)
    ('one wave only', 0)
    """
    return Evidence(pd.DataFrame(), title=why.rstrip("."), about="", reading="")


def _rows_count(bank: Bank, occasion: str) -> int:
    first = "'" + occasion.replace("'", "''") + "'"
    return bank.sql(f"select count(*) from surveys where split_part(wave, ' ', 1) = {first}").fetchall()[0][0]


def _check_kept(kept: Mapping, answers: Answers) -> None:
    index = SatisfactionIndex.from_dict(kept)
    other = sorted(set(index.items) ^ set(answers.questionnaire.latent_of))
    if other:
        refuse(
            f"kept index: its items and those of {answers.questionnaire.name} differ in {', '.join(other)}. Name a "
            "model of the same questionnaire, or learn the index anew."
        )


def _said(problem: CrmlabError) -> str:
    """First problem, in the words of the refusal."""
    rest = len(problem.problems) - 1
    return problem.problems[0].rstrip(".") + (f" (and {rest} more)" if rest else "")
