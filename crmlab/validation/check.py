"""Hold a run's answers, and the textbook estimators on the same bank, against the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.validation import campaign_effects, hazard, path_model
from crmlab.validation.claims import Claim
from crmlab.validation.planted import Topic, planted_defects, planted_topics
from crmlab.validation.registry import Answered, claims_of
from crmlab.validation.verdict import Verdict

if TYPE_CHECKING:
    from crmlab.bank import Bank
    from crmlab.validation.truth import Truth

__all__ = ["TEXTBOOKS", "Part", "Textbook", "Validation", "claims_frame", "validate"]


@dataclass(frozen=True)
class Textbook:
    """A textbook estimator that needs nothing but the observed tables.

    Parameters
    ----------
    title : str
        What it estimates.
    about : str
        Method and assumption in a sentence or two, for a reader who knows no code.
    recover : callable
        ``recover(bank, truth) -> list of Claim``.
    """

    title: str
    about: str
    recover: Callable[[Bank, Truth], Sequence[Claim]]


TEXTBOOKS = (
    Textbook(
        "Path model",
        "Each answer is a noisy reading of an opinion; the other answers to the same opinion serve as instruments, so "
        "the noise does not weaken the paths.",
        path_model.recover,
    ),
    Textbook(
        "Hazard of leaving",
        "A logistic regression: who closes the accounts in a month, by what the bank's tables knew some months before.",
        hazard.recover,
    ),
    Textbook(
        "Campaign effects",
        "Difference between those contacted and those held out by lot. The lot is what allows causal words.",
        campaign_effects.recover,
    ),
)


@dataclass(frozen=True)
class Part:
    """The claims of one notebook or one textbook estimator.

    Parameters
    ----------
    name : str
        Notebook; empty for a textbook estimator.
    title : str
        Its question, or what the estimator estimates.
    about : str
        Method of the estimator; empty for a notebook.
    claims : tuple of Claim
        In the order of the notebook.
    """

    name: str
    title: str
    about: str
    claims: tuple[Claim, ...]

    @property
    def known(self) -> tuple[Claim, ...]:
        """Claims that can be compared."""
        return tuple(claim for claim in self.claims if claim.is_known)

    @property
    def unknown(self) -> tuple[Claim, ...]:
        """Claims that cannot."""
        return tuple(claim for claim in self.claims if not claim.is_known)


@dataclass(frozen=True)
class Validation:
    """Everything the validation page tells.

    Parameters
    ----------
    notebooks, textbooks : tuple of Part
        The claims.
    planted : tuple of Topic
        What the truth is.
    defects : tuple of str
        Defects planted in the bank's tables, one sentence each.
    """

    notebooks: tuple[Part, ...]
    textbooks: tuple[Part, ...]
    planted: tuple[Topic, ...]
    defects: tuple[str, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All claims, notebooks first."""
        return tuple(claim for part in (*self.notebooks, *self.textbooks) for claim in part.claims)

    @property
    def verdict(self) -> Verdict:
        """What they say together."""
        return Verdict(self.claims)

    @property
    def advice(self) -> str:
        """What the verdict means for a reader who must decide."""
        if self.defects and self.verdict.missed:
            return "Defects were planted in the tables of this bank, so misses may be theirs and not the methods'."
        return self.verdict.advice


def validate(bank: Bank, truth: Truth, answered: Sequence[Answered]) -> Validation:
    """Hold everything against the truth.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    truth : Truth
        What was planted in it.
    answered : sequence of Answered
        What the notebooks of the run handed on.
    """
    notebooks = [Part(one.notebook, one.question, "", tuple(claims_of(one, bank, truth))) for one in answered]
    textbooks = [Part("", book.title, book.about, tuple(book.recover(bank, truth))) for book in TEXTBOOKS]
    return Validation(
        tuple(part for part in notebooks if part.claims),
        tuple(part for part in textbooks if part.claims),
        planted_topics(truth),
        planted_defects(truth),
    )


def claims_frame(parts: Sequence[Part]) -> pd.DataFrame:
    """Put the intervals of some parts on one scale, for a chart.

    Parameters
    ----------
    parts : sequence of Part
        Claims without interval, of unknown truth, or with an interval of no width are left out.

    Returns
    -------
    DataFrame
        ``part``, ``label``, ``offset``, ``offset_low``, ``offset_high`` (estimate and limits less the truth, in
        half-widths of the interval), ``found``, ``true`` (texts), ``is_held``.
    """
    rows = []
    for part in parts:
        for claim in part.known:
            low, high = claim.estimate.low, claim.estimate.high
            if not claim.has_interval or high <= low:
                continue
            half = (high - low) / 2
            offsets = [(value - claim.truth) / half for value in (claim.estimate.value, low, high)]
            rows.append(
                (part.name or part.title, claim.label, *offsets, claim.estimate.short, claim.true, bool(claim.is_held))
            )
    names = ["part", "label", "offset", "offset_low", "offset_high", "found", "true", "is_held"]
    return pd.DataFrame(rows, columns=names)
