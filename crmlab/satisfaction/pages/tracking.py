"""What the notebook on improvement starts from: indicators in points by wave, the register, answers after contacts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.bank.questionnaire import Questionnaire, read_questionnaire
from crmlab.errors import CrmlabError
from crmlab.satisfaction.change.measure_register import measure_register, places_of_customers
from crmlab.satisfaction.ready import study_or_reason
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.answers import Answers, answers_on, questionnaire_of
from crmlab.satisfaction.survey.groups import wave_days
from crmlab.satisfaction.survey.net_promoter import promoter_points
from crmlab.stats import count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Tracking", "indicator_scores", "tracking_on"]

_RESAMPLES = 50  # of the path model, which this question does not use
_YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Tracking:
    """Waves, register and contacts of a bank, as far as it has them.

    Parameters
    ----------
    study : Study or None
        Answers with weights and the frozen index; None where there is no wave to make an index of.
    why : str
        Why there is none; empty where there is one.
    scores : DataFrame
        One row a response of the waves: ``customer_id``, ``wave``, ``weight``, places, indicators in points of 0 to
        100 (see `indicator_scores`). No row without a study.
    titles : dict of str to str
        What a reader calls an indicator.
    days : dict of str to date
        First day of each wave, in order.
    register : DataFrame
        From `crmlab.satisfaction.change.measure_register.measure_register`.
    contacts : DataFrame
        One row an answer after a contact: ``customer_id``, ``answered_on``, places, ``csat`` (points of the scale). No
        row where nobody is asked after contacts.
    contact_occasion : str
        What these answers are to, such as ``contact``; empty where there are none.
    contact_scale : (float, float)
        Lowest and highest answer after a contact.
    today : date
        Day of the report.
    """

    study: Study | None
    why: str
    scores: pd.DataFrame
    titles: dict[str, str]
    days: dict[str, dt.date]
    register: pd.DataFrame
    contacts: pd.DataFrame
    contact_occasion: str
    contact_scale: tuple[float, float]
    today: dt.date

    @property
    def waves(self) -> list[str]:
        """Waves in order."""
        return list(self.days)

    @property
    def constructs(self) -> list[str]:
        """Latent variables with an index, in the order of the model."""
        return [] if self.study is None else list(dict.fromkeys(self.study.index.weights_.index.get_level_values(0)))

    @property
    def next_wave_on(self) -> dt.date | None:
        """When the next wave is due, by the usual time between waves (a year where there is one wave)."""
        if not self.days:
            return None
        when = sorted(self.days.values())
        between = np.diff([day.toordinal() for day in when])
        step = float(np.median(between)) if len(between) else _YEAR_DAYS
        due = when[-1] + dt.timedelta(days=step)
        while due <= self.today:
            due += dt.timedelta(days=max(step, 1.0))
        return due

    @property
    def said(self) -> str:
        """What the data are, in a few sentences."""
        told = [] if self.study is None else list(self.study.said)
        if len(self.contacts):
            told.append(
                f"{count_text(len(self.contacts))} answer{'s' if len(self.contacts) > 1 else ''} after a contact."
            )
        return " ".join(told) or f"There is no index: {self.why}."


def tracking_on(
    bank: Bank,
    *,
    questionnaire: Questionnaire | str = "",
    occasion: str = "yearly",
    wave: str = "",
    kept: Mapping | None = None,
    seed: int = 1,
) -> Tracking:
    """Read waves, register and contacts of a bank.

    Parameters
    ----------
    bank : Bank
        As of a date: nothing later is seen.
    questionnaire : Questionnaire or str
        As in `crmlab.satisfaction.study.study_on`.
    occasion : str
        First word of the waves.
    wave : str
        Last wave to look at; empty: the last there is.
    kept : mapping, optional
        An index frozen by an earlier run (`SatisfactionIndex.as_dict`).
    seed : int
        Of random draws.

    Notes
    -----
    A bank without a wave, or with too few answers for an index, is no error here: what it lacks is said in ``why``, and
    the register and the contacts are still read.
    """
    asked = read_questionnaire(questionnaire) if isinstance(questionnaire, str) and questionnaire else questionnaire
    asked = asked or questionnaire_of(bank)
    study, why = study_or_reason(
        bank, questionnaire=asked, occasion=occasion, wave=wave, kept=kept, resamples=_RESAMPLES, seed=seed
    )
    if study is None:
        scores, titles, days = pd.DataFrame({"wave": pd.Series(dtype="str")}), {}, {}
    else:
        waves = study.waves[: study.waves.index(study.wave) + 1]
        scores, titles = indicator_scores(study)
        scores = scores[scores["wave"].isin(waves)].reset_index(drop=True)
        every = wave_days(study.answers)
        days = {one: every[one] for one in waves}
    contacts, name, scale = _contacts(bank, asked)
    today = bank.date if isinstance(bank.date, dt.date) else dt.date.fromisoformat(str(bank.date))
    return Tracking(study, why, scores, titles, days, measure_register(bank), contacts, name, scale, today)


def indicator_scores(study: Study) -> tuple[pd.DataFrame, dict[str, str]]:
    """Score every response on everything that a measure may be meant to move.

    Parameters
    ----------
    study : Study
        From `crmlab.satisfaction.study.study_on`.

    Returns
    -------
    DataFrame
        ``customer_id``, ``wave``, ``weight``, the places that are known, then in points of 0 to 100: the frozen index
        of each latent variable, of each dimension (mean of its sides), each item; ``nps`` in promoter points (-100, 0
        or 100: their mean is the net promoter score).
    dict of str to str
        Titles.
    """
    frame, asked = study.frame, study.answers.questionnaire
    found, titles = {}, {}
    index = study.index.score(frame)
    for name in index:
        found[name], titles[name] = index[name], study.title(name)
    for name, dimension in asked.dimensions.items():
        if name not in found and set(dimension.of) <= set(index):
            found[name] = index[list(dimension.of)].mean(axis=1, skipna=False)
            titles[name] = dimension.title.get("en", name)
    score = asked.single("nps")
    if score and score in frame and asked.scales[score] == (0, 10):
        found["nps"] = pd.Series(promoter_points(frame[score], scale=(0, 10)), index=frame.index)
        titles["nps"] = "Net promoter score"
    for code in [code for code in asked.scored if code in frame and code not in found]:
        low, high = asked.scales[code]
        found[code], titles[code] = 100 * (frame[code] - low) / (high - low), f"Item {code}"
    keys = [name for name in ("customer_id", "wave", "weight", "region", "district", "branch") if name in frame]
    return pd.concat([frame[keys], pd.DataFrame(found)], axis=1), titles


def _contacts(bank: Bank, asked: Questionnaire) -> tuple[pd.DataFrame, str, tuple[float, float]]:
    """Answers to the question on a contact, of the occasion that has most of them."""
    code = asked.single("csat")
    nothing = pd.DataFrame({"customer_id": pd.Series(dtype="str"), "csat": pd.Series(dtype=float)})
    best: tuple[Answers | None, str] = (None, "")
    for name, occasion in asked.occasions.items():
        if code not in occasion.items or occasion.every != "contact":
            continue
        try:
            found = answers_on(bank, asked, occasion=name)
        except CrmlabError:  # nobody has been asked on this occasion yet
            continue
        if best[0] is None or len(found.frame) > len(best[0].frame):
            best = (found, name)
    if best[0] is None or code not in best[0].frame:
        return nothing, "", (0.0, 10.0)
    frame = best[0].frame.dropna(subset=[code])[["customer_id", "answered_on", code]].rename(columns={code: "csat"})
    placed = frame.join(places_of_customers(bank), on="customer_id") if bank.has("customers") else frame
    low, high = asked.scales[code]
    return placed.reset_index(drop=True), best[1], (float(low), float(high))
