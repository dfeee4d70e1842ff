"""What is true of the numbers of notebook 12: how customers bank."""

from __future__ import annotations

import pandas as pd

from crmlab.segmentation.behaviour import earlier_on
from crmlab.validation.case import Case, Known, TrueValue, Unknown
from crmlab.validation.departures import expected_departures

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "12_segments_behaviour"
_MONTH_DAYS = 365.25 / 12


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


def _left(case: Case) -> Known | Unknown:
    months = int(case.parameters.get("least_months", 3))
    earlier, before = earlier_on(case.bank, least_months=months)
    if earlier is None:
        return Unknown("No bookings of a year before are known.")
    start, day = pd.Timestamp(before), pd.Timestamp(case.bank.date)
    if any((one + pd.Timedelta(days=1)).day != 1 for one in (start, day)):
        return Unknown(
            "The simulation keeps chances by month; a report as of the last day of a month has a truth here."
        )
    people = case.truth.table("customers").set_index("customer_id")
    settled = start - pd.Timedelta(days=months * _MONTH_DAYS)
    # chances of customers who were there earlier and left just before the year belong to the sum: see the notes there
    there = (people["joined_on"] <= settled) & ~people["is_guest"].astype(bool)
    here = there & ~(people["left_on"] <= start)
    if not here.any():
        return Unknown("Nobody was there a year before.")
    expected = expected_departures(case.truth, case.bank, start.to_period("M") + 1, day.to_period("M"))
    return Known(
        float(expected.reindex(people.index[there]).sum()) / int(here.sum()),
        "Sum of the true chances to leave within the year of those who had been there for "
        f"{months} months at its start (to close, to be closed after long silence, to die).",
    )


TRUTHS: dict[str, TrueValue] = {"segments_count": _segments, "left_share": _left}
_OF_THE_METHOD = (
    "A property of the method on these customers, not of the bank: tests hold it to R's fpc on published data."
)
_NO_FORMULA = "What is seen of a customer in twelve months has no formula in the simulation."
NO_TRUTH: dict[str, str] = {
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
