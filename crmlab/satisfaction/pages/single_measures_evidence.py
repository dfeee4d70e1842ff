"""Recommendation, satisfaction with contacts and effort: single questions beside the index."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import CrmlabError
from crmlab.satisfaction.change.wave_changes import wave_changes
from crmlab.satisfaction.ready import missing
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.answers import Answers, answers_on, wave_name
from crmlab.satisfaction.survey.net_promoter import net_promoter_score, promoter_points
from crmlab.satisfaction.survey.single_measures import customer_effort, measured_by, top_box
from crmlab.satisfaction.survey.weighted_estimates import influence_of_mean, variance_of_sum
from crmlab.stats import Estimate, Evidence, count_text, proportions

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["after_contacts", "beside_the_index", "effort", "recommendation"]

_BOXES = 2  # of 0 to 10: 9 and 10
_MONTHS = 12
_FEWEST = 10  # responses of a month that is shown


def recommendation(study: Study) -> Evidence:
    """Give the net promoter score of the judged wave, and its change.

    Parameters
    ----------
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame: one row a wave: ``wave``, ``nps``, ``n`` (Estimate in ``nps``). Estimates: ``nps``, and ``nps_change``
        since the wave before. Empty where recommendation was not asked from 0 to 10.
    """
    asked = study.answers.questionnaire
    item = asked.single("nps")
    if item is None or item not in study.frame or study.now[item].notna().sum() < _FEWEST:
        return missing("recommendation was not asked, or too few answered it")
    scale = asked.scales[item]
    now = net_promoter_score(study.now[item], scale=scale, weights=study.now["weight"])
    points = pd.Series(promoter_points(study.now[item], scale=scale), index=study.now.index)
    weight = study.now["weight"].where(points.notna(), 0.0)
    shares = [float(weight[points == sign].sum() / weight.sum()) for sign in (100, -100)]
    until = list(study.waves[: study.waves.index(study.wave) + 1])
    rows = []
    for wave in until:
        part = study.of(wave)
        value = net_promoter_score(part[item], scale=scale, weights=part["weight"])
        rows.append({"wave": wave, "nps": value, "n": value.n})
    told = (
        f"The net promoter score is {now.text}: {100 * shares[0]:.0f} % answer 9 or 10, {100 * shares[1]:.0f} % answer "
        "6 or less."
    )
    estimates = {"nps": now}
    if len(until) > 1:
        frame = study.frame[study.frame["wave"].isin(until[-2:])]
        frame = frame.assign(points=promoter_points(frame[item], scale=scale))
        row = wave_changes(frame, ["points"], order=until[-2:]).iloc[0]
        if math.isfinite(row["change_low"]):
            change = Estimate(
                float(row["change"]), "points", float(row["change_low"]), float(row["change_high"]), int(row["n_to"]),
                "linearised over customers of both waves",
            )  # fmt: skip
            estimates["nps_change"] = change
            word = "a change beyond chance" if row["p_value"] < 0.05 else "no change beyond chance"
            told += f" Since {wave_name(until[-2])} it moved by {change.value:+.1f} points ({change.interval}): {word}."
    return Evidence(
        pd.DataFrame(rows), f"Net promoter score {now.short}", "Adjusted Wald interval, effective n", told, estimates
    )


def after_contacts(bank: Bank, study: Study) -> Evidence:
    """Give the share of contacts after which customers answer 9 or 10, over the last twelve months with answers.

    Parameters
    ----------
    bank : Bank
        The bank of the study.
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame: one row a month with 10 responses or more: ``month`` (first day), ``x``, ``x_low``, ``x_high`` (share,
        Wilson), ``n``. Estimates: ``csat_share`` of all of them, and ``csat_complaint_share`` of complaints where there
        are 10.

    Notes
    -----
    The share of the year counts that a customer may have answered more than once: Wilson's interval on as many
    responses as say as much if all were of different customers. Asked after a contact, so it speaks of those who had
    one and answered.
    """
    found = {}
    for occasion, one in study.answers.questionnaire.occasions.items():
        item = study.answers.questionnaire.single("csat")
        if one.every == "contact" and item is not None and item in study.answers.questionnaire.asked(occasion):
            try:
                found[occasion] = _of_last_year(answers_on(bank, study.answers.questionnaire, occasion=occasion), item)
            except CrmlabError:
                continue
    if not found or max(len(part) for part in found.values()) < _FEWEST:
        return missing("satisfaction with contacts was not asked, or too few answered")
    item = study.answers.questionnaire.single("csat")
    scale = study.answers.questionnaire.scales[item]
    contacts = pd.concat(found.values(), ignore_index=True)
    last = contacts["month"].max()
    contacts = contacts[contacts["month"] > last - pd.DateOffset(months=_MONTHS)]
    monthly = measured_by(contacts, item, "month", measure=top_box, scale=scale, boxes=_BOXES)
    monthly = monthly[monthly["n"] >= _FEWEST].rename(columns={"group": "month"}).reset_index(drop=True)
    whole = _share_of_customers(contacts, item, scale)
    estimates = {"csat_share": whole}
    reading = (
        f"After contacts of the last {_MONTHS} months with answers, {whole.text} gave {scale[1] - 1:d} or {scale[1]:d}"
    )
    complaints = found.get("complaint", contacts.head(0))
    complaints = complaints[complaints["month"] > last - pd.DateOffset(months=_MONTHS)]
    if len(complaints) >= _FEWEST:
        estimates["csat_complaint_share"] = _share_of_customers(complaints, item, scale)
        reading += f"; after complaints {estimates['csat_complaint_share'].text}"
    return Evidence(
        monthly,
        title=f"{whole.short} of those asked after a contact give {scale[1] - 1:d} or {scale[1]:d}",
        about=f"Share of responses after a contact with {scale[1] - 1:d} or {scale[1]:d} of {scale[1]:d}; band: 95 % "
        f"Wilson interval; n = {count_text(monthly['n'].sum())} responses",
        reading=f"{reading}.",
        estimates=estimates,
    )


def _of_last_year(answers: Answers, item: str) -> pd.DataFrame:
    frame = answers.frame[answers.frame[item].notna()]
    return frame.assign(month=frame["answered_on"].dt.to_period("M").dt.to_timestamp())


def _share_of_customers(frame: pd.DataFrame, item: str, scale: tuple[int, int]) -> Estimate:
    """Share of high answers; customers who answered twice say less than two."""
    high = (frame[item] > scale[1] - _BOXES).astype(float)
    n = len(high)
    moved, share, _ = influence_of_mean(high)
    variance = variance_of_sum(moved, frame["customer_id"].to_numpy())[0]
    plain = share * (1 - share) / n
    size = n if not (plain > 0 and variance > 0) else min(n, n * plain / variance)
    row = proportions([share * size], [size]).iloc[0]
    return Estimate(
        float(share), "share", float(row["share_low"]), float(row["share_high"]), n, "Wilson, customers as clusters"
    )


def effort(bank: Bank, study: Study) -> Evidence:
    """Say how easy customers found it (CES), where it was asked.

    Parameters
    ----------
    bank : Bank
        The bank of the study.
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame: one row: ``ease``, ``easy``, ``hard`` (Estimates). Estimates: ``effort_ease`` (0 to 100). Empty where it
        was not asked.
    """
    asked = study.answers.questionnaire
    item = asked.single("ces")
    if item is None:
        return missing(f"the questionnaire {asked.name} does not ask for effort; add an item of kind ces to ask")
    frame = study.now
    if item not in frame:
        asking = [name for name in asked.occasions if item in asked.asked(name)]
        try:
            frame = answers_on(bank, asked, occasion=asking[0]).frame
        except (CrmlabError, IndexError):
            return missing("nobody answered the question of effort")
    if frame[item].notna().sum() < _FEWEST:
        return missing(f"under {_FEWEST} answered the question of effort")
    found = customer_effort(
        frame[item], scale=asked.scales[item], high_means=asked.single_items[item].high_is, weights=frame["weight"]
    )
    return Evidence(
        pd.DataFrame({"ease": [found.ease], "easy": [found.easy], "hard": [found.hard]}),
        title=f"Ease {found.ease.short} of 100",
        about="",
        reading=f"Customers rate ease with {found.ease.text} of 100; {found.hard.text} found it hard.",
        estimates={"effort_ease": found.ease},
    )


def beside_the_index(study: Study, index: Evidence, *others: Evidence) -> pd.DataFrame:
    """Put the single measures beside the indices of what they stand for.

    Parameters
    ----------
    study : Study
        As prepared.
    index : Evidence
        Of `crmlab.satisfaction.pages.index_evidence.constructs`.
    *others : Evidence
        Of the other functions here.

    Returns
    -------
    DataFrame
        ``indicator``, ``value`` (Estimate), ``scale``, ``n``.
    """
    names = {
        f"index_{study.target}": (f"Index of {study.title(study.target).lower()}", "0 to 100"),
        "index_loyalty": ("Index of loyalty", "0 to 100"),
        "nps": ("Net promoter score", "-100 to 100 points"),
        "csat_share": ("Contacts rated 9 or 10", "share of answers"),
        "csat_complaint_share": ("Complaints rated 9 or 10", "share of answers"),
        "effort_ease": ("Ease", "0 to 100"),
    }
    known = {name: value for one in (index, *others) for name, value in one.estimates.items()}
    rows = [
        {"indicator": said, "value": known[name], "scale": scale, "n": known[name].n}
        for name, (said, scale) in names.items()
        if name in known and np.isfinite(known[name].value)
    ]
    return pd.DataFrame(rows, columns=["indicator", "value", "scale", "n"])
