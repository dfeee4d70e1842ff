"""What is true of the numbers of notebook 10: how wealth is spread, and where more is to win."""

from __future__ import annotations

import pandas as pd

from crmlab.segmentation.people import year_before
from crmlab.validation.case import Case, Known, TrueValue, Unknown
from crmlab.validation.departures import expected_departures

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "10_segments_wealth"


def _left(case: Case) -> Known | Unknown:
    before, day = year_before(case.bank), pd.Timestamp(case.bank.date)
    if not before:
        return Unknown("No balances of a year before are known.")
    start = pd.Timestamp(before)
    if any((one + pd.Timedelta(days=1)).day != 1 for one in (start, day)):
        return Unknown(
            "The simulation keeps chances by month; a report as of the last day of a month has a truth here."
        )
    first, last = start.to_period("M") + 1, day.to_period("M")
    people = case.truth.table("customers").set_index("customer_id")
    owners = people.index[
        (people["joined_on"] <= start) & ~(people["left_on"] <= start) & ~people["is_guest"].astype(bool)
    ]
    if not len(owners):
        return Unknown("Nobody was there a year before.")
    # chances of customers who were there earlier and left just before the year belong to the sum: see the notes there
    there = people.index[(people["joined_on"] <= start) & ~people["is_guest"].astype(bool)]
    expected = expected_departures(case.truth, case.bank, first, last)
    return Known(
        float(expected.reindex(there).sum()) / len(owners),
        "Sum of the true chances to leave within the year of those who owned an account at its start (to close, to be "
        "closed after long silence, to die).",
    )


TRUTHS: dict[str, TrueValue] = {"left_share": _left}
_NO_FORMULA = (
    "Balances grow out of years of pay, spending and saving in the simulation; no planted number states it, and only a "
    "far larger bank of the same kind would tell."
)
_NO_MARGIN = (
    "Margins are computed from balances, and balances grow out of years of pay, spending and saving; no planted number "
    "states what a customer's margin would have been had he stayed or moved."
)
NO_TRUTH: dict[str, str] = {
    "gini_assets": _NO_FORMULA,
    "top_10_share": _NO_FORMULA,
    "top_1_share": _NO_FORMULA,
    "no_assets_share": _NO_FORMULA,
    "stayed_share": _NO_FORMULA,
    "rose_share": _NO_FORMULA,
    "fell_share": _NO_FORMULA,
    "mismatch_share": _NO_FORMULA,
    "clear_moves": "A count of tests that came out clear: how many would is a matter of the number of customers too.",
    "leaving_worth": _NO_MARGIN,
    "leaving_total": _NO_MARGIN,
    "advised_count": "It follows from the costs given as parameters and from yields of which no true value is planted.",
    "adviser_break_even": _NO_MARGIN,
    "income_link": "The bank sees declared incomes, rounded and some missing; the planted link is with the true ones.",
    "headroom_*": "Room is measured against peers at this bank. What a customer owns at other banks is another "
    "quantity, so the two may not be compared.",
    "hidden_*": "High income and few assets here is a sign of money elsewhere, not a count of it; the planted share of "
    "wallet is another quantity.",
    "yield_*": _NO_FORMULA,
}
