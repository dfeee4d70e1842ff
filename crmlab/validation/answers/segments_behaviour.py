"""What is true of the numbers of notebook 12: how customers bank."""

from __future__ import annotations

from crmlab.validation.case import Case, Known, TrueValue, Unknown

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "12_segments_behaviour"


def _segments(case: Case) -> Known | Unknown:
    kinds = case.truth.table("customers")["behaviour_segment"].nunique()
    if case.parameters.get("k"):
        return Unknown("The number was given and not found.")
    if case.truth.table("customers")["is_guest"].eq(False).sum() < 5_000:
        return Unknown(
            f"{kinds} kinds are planted; how many of them come back depends on the size of the bank, and this one has "
            "under 5,000 customers."
        )
    return Known(float(kinds), "Counted in the truth: the ways of banking that were planted.")


TRUTHS: dict[str, TrueValue] = {"segments_count": _segments}
_OF_THE_METHOD = (
    "A property of the method on these customers, not of the bank: tests hold it to R's fpc on published data."
)
_NO_FORMULA = "What is seen of a customer in twelve months has no formula in the simulation."
NO_TRUTH: dict[str, str] = {
    "left_share": "The departures on the page of wealth, of nearly the same customers; held against the truth there.",
    "prediction_strength": _OF_THE_METHOD,
    "weakest_jaccard": _OF_THE_METHOD,
    "silhouette": _NO_FORMULA,
    "replay_*": "How well short rules replay the segments follows from the rules; there is no true rule.",
    "stayed_share": "Planted kinds never change, but what is seen of a customer does: who acts less is hardly active.",
    "moved_share": "Planted kinds never change, but what is seen of a customer does: who acts less is hardly active.",
    "reassigned_share": "How a model ages follows from how customers come and go; no planted number states it.",
    "clear_moves": "Which moves are clear depends on how many customers there are to see it by.",
    "leaving_*": "Yields follow from balances and fees; what a leaver would have brought was never seen by anybody.",
    "champions_share": "Fifths are cut out of the customers seen; there is no true share of a cell.",
    "threatened_share": "Fifths are cut out of the customers seen; there is no true share of a cell.",
    "never_active_share": _NO_FORMULA,
    "adjusted_rand_*": _NO_FORMULA,
}
