"""Who answered a survey, who is missing, what the weights can mend, and what is wrong with the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import CrmlabError
from crmlab.satisfaction.ready import missing
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.groups import customers_at
from crmlab.satisfaction.survey.nonresponse import nonresponse_evidence
from crmlab.satisfaction.survey.survey_quality import check_survey
from crmlab.stats import Evidence, count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["who_answered", "wrong_answers"]

# feature of the snapshot -> what a reader calls it; amounts and counts are compared as logarithms
_FEATURES = {
    "age_years": "Age",
    "gender": "Gender",
    "tenure_days": "Time with the bank",
    "income_amount": "Income",
    "assets_amount": "Assets",
    "products_count": "Products",
    "is_salary_credited": "Salary paid here",
    "frequency_12m_count": "Acts in a year",
    "logins_12m_count": "Logins in a year",
    "mobile_12m_share": "Share of mobile",
    "branch_12m_share": "Share of the branch",
    "interactions_12m_count": "Contacts in a year",
    "complaints_12m_count": "Complaints in a year",
}
_MOST_ROWS = 12
_COLUMNS = ["response_id", "customer_id", "wave", "answered_at", "started_at", "item", "score"]


def who_answered(bank: Bank, study: Study) -> Evidence:
    """Compare those who answered the judged wave with all customers.

    Parameters
    ----------
    bank : Bank
        The bank of the study.
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame: ``label``, ``x`` (respondents less all, in standard deviations of all customers), ``x_low``, ``x_high``,
        ``n``, farthest first, at most 12. Empty where everybody answered, or nothing is known of the others. Estimates:
        ``response_share`` and ``r_indicator``.

    Notes
    -----
    All customers there when the wave began are counted, invited or not: the contract has no list of invitations. So
    the share is of customers, not of letters sent. Features see what the bank knows; who thinks well of the bank
    answers more often too, and nothing in the data can say by how much.
    """
    there = customers_at(bank, study.answers, study.wave, list(_FEATURES))
    answered = there["answered"].astype(bool)
    if answered.all():
        return missing("this bank holds no customer who did not answer, so nobody can be compared")
    known = _comparable(there)
    if not list(known):
        return missing("nothing is known of the customers who did not answer")
    try:
        found = nonresponse_evidence(known, answered, list(known))
    except (CrmlabError, np.linalg.LinAlgError):
        return missing("too few customers answered to compare them with all")
    table = found.frame[found.frame["x"].notna()].head(_MOST_ROWS)
    label = [
        f"{_FEATURES[row.column]}: {row.category}" if row.category else _FEATURES[row.column]
        for row in table.itertuples()
    ]
    table = table.assign(label=label)[["label", "x", "x_low", "x_high", "n"]].reset_index(drop=True)
    share, indicator = found["response_share"], found["r_indicator"]
    first = table.iloc[0]
    told = " and ".join(f"{row.label.lower()} ({row.x:+.2f} standard deviations)" for row in table.head(2).itertuples())
    return Evidence(
        table,
        title=f"{share.short} answered; farthest from all customers: {first['label'].lower()}"[:70],
        about=f"Mean of respondents less that of all customers, in standard deviations; 95 % interval; {study.when}, "
        f"n = {count_text(indicator.n)} customers",
        reading=f"{share.text} of all customers answered in {study.when}. Respondents differ most in {told}. The "
        f"representativity (R-indicator) is {indicator.short} ({indicator.interval}): 1 would mean that all are "
        f"equally likely to answer. {_weighted(study)}",
        estimates={"response_share": share, "r_indicator": indicator},
    )


def wrong_answers(bank: Bank, study: Study) -> Evidence:
    """Check all answers of the survey table against the questionnaire, and for answers given without reading.

    Parameters
    ----------
    bank : Bank
        The bank of the study.
    study : Study
        As prepared.

    Returns
    -------
    Evidence
        Frame: ``severity``, ``kind``, ``where``, ``count``, ``cure``; empty where nothing is wrong.
    """
    has = set(bank.columns("surveys"))
    rows = bank.frame("surveys", [name for name in _COLUMNS if name in has])
    found = check_survey(rows, study.answers.questionnaire)
    table = found.findings[["severity", "kind", "where", "count", "cure"]]
    reading = found.reading
    if len(table):
        reading += f" First: {found.findings['fact'].iloc[0].rstrip('.')}."
    return Evidence(table, title=found.reading[:70], about="", reading=reading)


def _weighted(study: Study) -> str:
    effect = study.design_effects[study.wave]
    if not effect > 1 + 1e-9:
        return "All responses count alike; there are no weights."
    said = study.said[1] if len(study.said) > 1 else ""
    return " ".join([*([said] if said else []), f"The weights have a design effect of {effect:.2f}."])


def _comparable(there: pd.DataFrame) -> pd.DataFrame:
    """Features that vary among those of whom they are known; long tails drawn in by the logarithm."""
    kept = {}
    for name in _FEATURES:
        if name not in there:
            continue
        values = there[name]
        if values.notna().mean() < 0.5 or values.nunique() < 2:
            continue
        if name.endswith(("_amount", "_count", "_days")):
            values = np.sign(values.astype(float)) * np.log1p(values.astype(float).abs())
        kept[name] = values
    return pd.DataFrame(kept, index=there.index)
