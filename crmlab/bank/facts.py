"""What is known about a bank beside its tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmlab.bank.report import Report
from crmlab.bank.sources import Source

__all__ = ["Facts", "facts_of"]


@dataclass(frozen=True)
class Facts:
    """What is known about a bank beside its tables."""

    name: str
    currency: str
    minor_units: int
    timezone: str
    extracted_on: dt.date | None
    report_on: dt.date | None
    fingerprint: str
    report: Report
    questionnaire: str = ""  # name or path of the questionnaire that the survey follows; empty where none is named
    label_means: str = ""  # what the label of a flat file means, in words
    early: dict[str, list[str]] | None = None  # table -> columns that refer to a row known only later
    made_with: dict[str, Any] = field(default_factory=dict)  # how a program made the tables, e.g. seed of a simulation


def facts_of(found: Source, fingerprint: str, report: Report, early: dict[str, list[str]] | None = None) -> Facts:
    """Collect what ``bank.yml`` says and what the door found."""
    given = found.facts
    return Facts(
        name=found.name,
        currency=given.currency,
        minor_units=given.minor_units,
        timezone=given.timezone,
        extracted_on=given.extracted_on,
        report_on=given.report_on,
        fingerprint=fingerprint,
        report=report,
        questionnaire=_questionnaire(found),
        label_means=given.label_means,
        early=early,
        made_with=dict(given.made_with),
    )


def _questionnaire(found: Source) -> str:
    """Name of the questionnaire in ``bank.yml``, or the path of its file, from the folder of ``bank.yml``."""
    given = found.facts.questionnaire or ""
    if Path(given).suffix not in (".yml", ".yaml"):
        return given
    return str((found.path if found.path.is_dir() else found.path.parent) / given)
