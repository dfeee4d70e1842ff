"""What is true of the numbers of notebook 41: what customers are expected to yield, and who leaves."""

from __future__ import annotations

import pandas as pd

from crmlab.validation.case import Case, Known, TrueValue, Unknown

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "41_customer_value"


def _margin(case: Case) -> Known | Unknown:
    day = pd.Timestamp(case.bank.date)
    table = case.truth.table("expected_value")
    mine = table[pd.to_datetime(table["month_on"]) == day]
    if not len(mine):
        return Unknown("The truth states expected values for the ends of June and December only.")
    return Known(
        float(mine["value"].astype(float).sum()),
        "Sum over all customers of the formula of the simulation: expected margin and fees of the next twelve "
        "month-ends, given each customer's true state.",
    )


TRUTHS: dict[str, TrueValue] = {"margin_12m": _margin}
_COSTS = "The simulation has no costs of service and no share lost by a default: the unit costs are assumed."
_MADE = "It follows from how well the forecast did on one earlier day; nothing in the simulation states it."
NO_TRUTH: dict[str, str] = {
    "value_total": f"{_COSTS} `margin_12m` is its part that is known to be true.",
    "value_at_risk": f"{_COSTS} The truth states expected values with leaving only, none without it.",
    "past_value_total": f"It is a full count. {_COSTS}",
    "loss_making_*": _COSTS,
    "top_*_value_share": _COSTS,
    "mae_*": _MADE,
    "rank_*": _MADE,
    "top_found*": _MADE,
    "within_limits_share": _MADE,
}
