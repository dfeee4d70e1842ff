"""What is true of the numbers of notebook 90: it repeats those of the other questions, which are checked there."""

from __future__ import annotations

from crmlab.validation.case import TrueValue

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "90_case_study"

TRUTHS: dict[str, TrueValue] = {}

NO_TRUTH: dict[str, str] = {
    "*": "The same number as in the question it is named after; it is held against the truth there.",
}
