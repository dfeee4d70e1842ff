"""Is a survey fit to be analysed? What is not on the questionnaire, off its scale, answered twice or without "
"reading."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from crmlab.bank.questionnaire import Questionnaire
from crmlab.errors import refuse
from crmlab.satisfaction.survey.honest_answers import chance_of, is_plain, one_answer
from crmlab.satisfaction.survey.survey_doubts import (
    FAST_SHARE,
    identical_answers,
    much_left_out,
    not_turned,
    straight_lines,
    too_fast,
)
from crmlab.satisfaction.survey.survey_facts import (
    answered_again,
    backwards,
    not_asked,
    off_scale,
    pace_of,
    unknown_items,
    unknown_occasions,
)
from crmlab.stats import count_text

__all__ = ["KINDS", "SurveyQuality", "check_survey"]

# What is found, in the order in which to mend it: facts, then what chance could make.
KINDS = (
    "unknown item", "item not asked", "unknown occasion", "out of scale", "not whole", "twice in a wave", "backwards",
    "not turned round", "straight-lining", "identical answers", "too fast", "left out",
)  # fmt: skip
_BY_CHANCE = 5  # the last kinds share the false alarm rate; the others are facts
_LONG = 8  # answers of a block that is long enough to be filled in without reading
_FEWEST = 20  # responses
_COLUMNS = ("response_id", "customer_id", "wave", "item", "score")


@dataclass(frozen=True)
class SurveyQuality:
    """What was found about a survey.

    Parameters
    ----------
    findings : DataFrame
        One row a finding, in the order of `KINDS`: ``severity`` (``error``: a number that reads the place is wrong
        until it is mended; ``warning``: look before you trust it), ``kind``, ``where``, ``count``, ``fact``, ``cure``.
    responses : DataFrame
        One row a response: ``response_id``, ``customer_id``, ``wave``, ``answers_count``, ``not_given_count``,
        ``is_straight_lined``, ``is_identical``, ``is_again`` (of a customer who answered later in the wave),
        ``is_fast``.
    items : DataFrame
        One row an item: ``item``, ``asked_count``, ``not_given_share``, ``out_of_scale_count``, ``not_whole_count``.
    waves : DataFrame
        One row a wave: ``wave``, ``responses_count``, then ``straight_lined_count``, ``identical_count``,
        ``again_count``, ``fast_count``.
    reading : str
        One sentence.
    false_alarm_rate : float
        Chance of any finding that is not a fact, when everybody answered honestly.
    """

    findings: pd.DataFrame
    responses: pd.DataFrame = field(repr=False)
    items: pd.DataFrame = field(repr=False)
    waves: pd.DataFrame = field(repr=False)
    reading: str
    false_alarm_rate: float

    @property
    def flagged(self) -> pd.DataFrame:
        """Responses that carry a mark."""
        marks = [name for name in self.responses if name.startswith("is_")]
        return self.responses[self.responses[marks].any(axis=1)].reset_index(drop=True)


def check_survey(
    answers: pd.DataFrame, questionnaire: Questionnaire, *, false_alarm_rate: float = 0.05, seed: int = 1
) -> SurveyQuality:
    """Check the answers to a survey against its questionnaire, and for answers given without reading.

    Parameters
    ----------
    answers : DataFrame
        Table ``surveys``: one row an answer, with ``response_id``, ``customer_id``, ``wave``, ``item``, ``score`` and,
        where known, ``answered_at`` and ``started_at``.
    questionnaire : Questionnaire
        What was asked.
    false_alarm_rate : float
        Chance of any finding that is not a fact, when all answered honestly; shared out equally among its five kinds.
    seed : int
        Of the simulated honest answers.

    Returns
    -------
    SurveyQuality

    Notes
    -----
    Facts: items that are not on the questionnaire, or on it and never asked in a wave of their occasion; answers
    outside the scale or between its numbers; a customer twice in a wave of a yearly occasion; answers that end before
    they begin.

    Straight-lining is the same answer to all items of latent variables, eight or more, as they stand on the form.
    Honest people do it too, above all at the end of the scale, so what is found is a number beyond what people make who
    answer each item in the way its distribution and its correlations say (`chance_of`): at the ends, and elsewhere.
    Identical answers are two responses with the same answers throughout, unless three in four answers are one number;
    found where there are more than twice as many pairs as honest answers make. Too fast is under a third of the median
    time; found where there are more than the slower half of a lognormal distribution lets expect. Left out: an item
    that more than a tenth of a wave left out. Not turned round: an item that runs against the others of its latent
    variable (`turned_items`).

    A single response can be flagged and be honest; the counts are what can be judged.

    References
    ----------
    Meade, A. W. and Craig, S. B. (2012). Identifying careless responses in survey data. Psychological Methods 17,
    437-455. Curran, P. G. (2016). Methods for the detection of carelessly invalid responses in survey data. Journal of
    Experimental Social Psychology 66, 4-19.

    Examples
    --------
    >>> from crmlab.bank.questionnaire import read_questionnaire
    >>> asked = read_questionnaire("retail_bank")
    >>> rows = pd.DataFrame({"response_id": "r1", "customer_id": "c1", "wave": "contact 2024-05",
    ...                      "item": ["csat", "cast"], "score": [11.0, 3.0]})
    >>> check_survey(rows, asked).findings[["kind", "where", "count"]].values.tolist()
    [['unknown item', 'cast', 1], ['out of scale', 'csat', 1]]
    """
    lacking = [name for name in _COLUMNS if name not in answers]
    if lacking:
        refuse(f"answers lacks columns {lacking}; it has {list(answers)}. Give the rows of table surveys.")
    if not len(answers):
        refuse("answers has no row. Give the rows of table surveys.")
    rate = false_alarm_rate / _BY_CHANCE
    wide = answers[answers["item"].isin(questionnaire.scored)]
    wide = wide.pivot_table(index="response_id", columns="item", values="score", aggfunc="last", observed=True)
    people = answers.drop_duplicates("response_id", keep="last").set_index("response_id")
    items = _by_item(answers, questionnaire)
    block = wide.reindex(index=people.index, columns=list(questionnaire.latent_of))
    is_long = block.notna().sum(axis=1) >= _LONG
    chance = chance_of(block[is_long], questionnaire, seed=seed) if is_long.sum() >= _FEWEST else None
    responses = _by_response(people, wide, block, is_long, questionnaire)
    found = [
        *unknown_items(answers, questionnaire),
        *not_asked(answers, questionnaire),
        *unknown_occasions(people, questionnaire),
        *off_scale(items, questionnaire),
        *answered_again(responses),
        *backwards(people),
        *not_turned(wide, questionnaire, rate),
        *straight_lines(responses, block, is_long, chance, questionnaire, rate),
        *identical_answers(responses, is_long, chance, rate),
        *too_fast(responses, people, rate),
        *much_left_out(answers, questionnaire, rate),
    ]
    findings = pd.DataFrame(found, columns=["severity", "kind", "where", "count", "fact", "cure"])
    names = {"is_straight_lined": "straight_lined_count", "is_identical": "identical_count", "is_again": "again_count",
             "is_fast": "fast_count"}  # fmt: skip
    waves = responses.groupby("wave").agg(responses_count=("response_id", "size"), **{
        new: (old, "sum") for old, new in names.items()
    }).reset_index()  # fmt: skip
    return SurveyQuality(findings, responses, items, waves, _said(findings, responses, questionnaire), false_alarm_rate)


def _said(findings: pd.DataFrame, responses: pd.DataFrame, asked: Questionnaire) -> str:
    told = f"{count_text(len(responses))} responses were checked against {asked.name}"
    if not len(findings):
        return f"{told}; nothing is wrong with them."
    if len(findings) == 1:
        return f"{told}; 1 thing is wrong or odd."
    return f"{told}; {len(findings)} things are wrong or odd."


def _by_item(answers: pd.DataFrame, asked: Questionnaire) -> pd.DataFrame:
    scored = answers[answers["item"].isin(asked.scored)]
    low = scored["item"].map({code: ends[0] for code, ends in asked.scales.items()}).astype("float64")
    high = scored["item"].map({code: ends[1] for code, ends in asked.scales.items()}).astype("float64")
    score = scored["score"].astype("float64")
    marks = pd.DataFrame({
        "item": scored["item"],
        "is_empty": score.isna(),
        "is_beyond": (score < low) | (score > high),
        "is_broken": score.notna() & (score != score.round()),
    })  # fmt: skip
    found = marks.groupby("item").agg(
        asked_count=("is_empty", "size"),
        not_given_share=("is_empty", "mean"),
        out_of_scale_count=("is_beyond", "sum"),
        not_whole_count=("is_broken", "sum"),
    )
    order = [code for code in asked.scored if code in found.index]
    return found.reindex(order).reset_index()


def _by_response(
    people: pd.DataFrame, wide: pd.DataFrame, block: pd.DataFrame, is_long: pd.Series, asked: Questionnaire
) -> pd.DataFrame:
    occasion = people["wave"].astype("str").str.split(" ").str[0]
    yearly = [name for name, one in asked.occasions.items() if one.every == "year"]
    once = occasion.isin(yearly) if asked.occasions else pd.Series(True, index=people.index)
    order = people.sort_values("answered_at", kind="stable") if "answered_at" in people else people
    again = order.duplicated(["customer_id", "wave"], keep="last").reindex(people.index) & once
    every = wide.reindex(people.index)
    pace = pace_of(people)
    return pd.DataFrame({
        "customer_id": people["customer_id"],
        "wave": people["wave"].astype("str"),
        "answers_count": every.notna().sum(axis=1),
        "not_given_count": block.shape[1] - block.notna().sum(axis=1),
        "is_straight_lined": is_long & one_answer(block.to_numpy(float)),
        "is_identical": _equal(block, is_long),
        "is_again": again,
        "is_fast": (pace >= 0) & (pace < FAST_SHARE),
    }).rename_axis("response_id").reset_index()  # fmt: skip


def _equal(block: pd.DataFrame, is_long: pd.Series) -> pd.Series:
    """Responses that share all answers with another one, unless one number makes up most of them."""
    values = block[is_long]
    varied = values[~is_plain(values.to_numpy(float))]
    return varied.duplicated(keep=False).reindex(block.index, fill_value=False)
