"""What is true of the numbers of notebook 11: what customers need from a bank, and what suits them."""

from __future__ import annotations

import pandas as pd

from crmlab.segmentation.suitability import CLASSES, GRADES
from crmlab.validation.case import Case, Known, TrueValue, Unknown

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "11_segments_needs"
_FAMILY = "investment"


def _investors(case: Case) -> pd.DataFrame:
    """Set each open investment beside the planted tolerance and the day of the questionnaire, whatever is stated."""
    bank = case.bank
    rows = bank.sql(f"""
        select accounts.customer_id, products.risk_grade from accounts join products using (product_id)
        join customers using (customer_id)
        where products.family = '{_FAMILY}' and accounts.closed_on is null and customers.left_on is null
    """).df()
    planted = case.truth.table("customers").set_index("customer_id")["risk_class"]
    grade = rows["risk_grade"].map({name: place for place, name in enumerate(GRADES)})
    return rows.assign(excess_count=grade - rows["customer_id"].map(planted))


def _unsuitable(case: Case) -> Known | Unknown:
    held = _investors(case)
    if not len(held):
        return Unknown("Nobody holds an investment.")
    return Known(
        float(held.loc[held["excess_count"] > 0, "customer_id"].nunique()),
        f"Counted with the planted tolerance ({CLASSES[0]} to {CLASSES[-1]}) of those who hold investments: the last "
        "questionnaire says it.",
    )


def _silent(case: Case) -> Known | Unknown:
    return Known(0.0, "Nobody is sold a fund in the simulation before the questionnaire is answered.")


TRUTHS: dict[str, TrueValue] = {
    "unsuitable_count": _unsuitable,
    "no_tolerance_count": _silent,
}
_OF_THE_METHOD = (
    "A property of the method on these customers, not of the bank: tests hold it to R's fpc on published data."
)
_NO_FORMULA = "Holdings grow out of years of wishes in the simulation; no planted number states it."
_COUNTED = "Its count is held against the truth; a share of the same customers would say it twice."
NO_TRUTH: dict[str, str] = {
    "left_share": "The departures on the page of wealth, of nearly the same customers; held against the truth there.",
    "segments_count": "Five kinds of need are planted. Starters hold hardly any product, so they are left out by rule, "
    "and how many of the others come back depends on the size of the bank.",
    "prediction_strength": _OF_THE_METHOD,
    "weakest_jaccard": _OF_THE_METHOD,
    "silhouette": _NO_FORMULA,
    "best_count": _OF_THE_METHOD,
    "agreement": _OF_THE_METHOD,
    "clear_moves": "A count of tests that came out clear: how many would is a matter of the number of customers too.",
    "replay_*": "How well short rules replay the segments follows from the rules; there is no true rule.",
    "unsuitable_share": _COUNTED,
    "unsuitable_amount*": "Values of funds follow the simulated market; no planted number states their sum.",
    "no_tolerance_share": _COUNTED,
    "stale_share": "Days of questionnaires are drawn for each customer; no planted number states how many are old.",
    "stayed_share": "Planted needs never change, but holdings do: who takes a loan is seen with another need.",
    "moved_share": "Planted needs never change, but holdings do: who takes a loan is seen with another need.",
    "leaving_*": "Margins and fees follow holdings in the simulation; no planted number states what leaves with whom.",
    "reassigned_share": "How a model ages follows from how customers come and go; no planted number states it.",
    "adjusted_rand_*": _NO_FORMULA,
}
