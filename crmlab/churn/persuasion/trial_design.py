"""The trial that would say whether calls keep customers: who, how many, how long, and what the hold-out costs."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.stats import Estimate, Evidence, share_text
from crmlab.stats.power import smallest_difference, trial_size

__all__ = ["HOLDOUTS", "trial_design"]

HOLDOUTS = (0.5, 0.3, 0.1, 0.05)


def trial_design(
    candidates: pd.DataFrame,
    *,
    cost_amount: float,
    customers_a_month: float,
    left_share: float | None = None,
    kept_share: float = 0.2,
    outcome_months: float = 7.0,
    holdout: float = 0.5,
    power: float = 0.8,
) -> Evidence:
    """Design the randomised trial of calls.

    Parameters
    ----------
    candidates : DataFrame
        Customers who might be called: ``p_churn`` and, where known, ``value_amount``.
    cost_amount : float
        Of a call.
    customers_a_month : float
        Customers who can enter the trial each month, both arms together; above 0. Nobody enters again before the
        outcome is known, so no more than all customers over the months of the outcome.
    left_share : float, optional
        Share expected to leave by the end of the outcome window without a call; None: mean ``p_churn``.
    kept_share : float
        Smallest share of would-be leavers kept that is worth finding, above 0 up to 1. An assumption.
    outcome_months : float
        Months from the call until who left is known.
    holdout : float
        Share held out in the trial proposed.
    power : float
        Chance to find an effect of this size.

    Returns
    -------
    Evidence
        Frame, one row a hold-out share: ``holdout_share``, ``customers_count`` (both arms), ``months``,
        ``calls_cost_amount``, ``holdout_cost_amount`` (value lost among those held out if the effect is as assumed,
        less calls saved), ``is_proposed``. Estimates: ``trial_customers``, ``trial_months``,
        ``trial_smallest_effect`` (that a year's customers show).

    Notes
    -----
    Two-sided at 5 %, arcsine scale. The hold-out costs something only if calls work; if they do harm it saves.
    """
    refuse(
        *([] if 0 < kept_share <= 1 else
          [f"trial_design: kept_share is {kept_share}. Give a share above 0, up to 1."]),
        *([] if customers_a_month > 0 else
          [f"trial_design: {customers_a_month} customers enter a month. Give more than 0."]),
        *([] if cost_amount >= 0 else [f"trial_design: the cost of a call is {cost_amount}. Give 0 or more."]),
    )  # fmt: skip
    base = float(candidates["p_churn"].mean()) if left_share is None else float(left_share)
    if not (len(candidates) and 0 < base < 1):
        return Evidence(pd.DataFrame(), "", "", "No trial can be designed: nobody is expected to leave.")
    value = float(candidates["value_amount"].mean()) if "value_amount" in candidates else math.nan
    effect = base * kept_share
    rows = []
    for share in sorted({*HOLDOUTS, holdout}, reverse=True):
        size = trial_size(base, base - effect, holdout=share, power=power)
        held = size * share
        saved = held * cost_amount
        rows.append(
            (share, size, size / customers_a_month + outcome_months, (size - held) * cost_amount,
             held * effect * value - saved, share == holdout)
        )  # fmt: skip
    frame = pd.DataFrame(
        rows,
        columns=[
            "holdout_share",
            "customers_count",
            "months",
            "calls_cost_amount",
            "holdout_cost_amount",
            "is_proposed",
        ],
    )
    chosen = frame[frame["is_proposed"]].iloc[0]
    year = int(12 * customers_a_month)
    smallest = smallest_difference(base, year, falls=True, holdout=holdout, power=power)
    return Evidence(
        frame.assign(holdout=[share_text(share) for share in frame["holdout_share"]]),
        f"A trial needs {chosen['customers_count']:,.0f} customers and {_long(chosen['months'])}",
        f"Customers needed to show that calls keep {share_text(kept_share)} of leavers ({share_text(base)} leave), by "
        f"share held out; power {share_text(power)}, 5 %",
        f"Hold out {share_text(holdout)} by lot: {chosen['customers_count']:,.0f} customers show, "
        f"{share_text(power)} of the time, that calls keep {share_text(kept_share)} of those who would leave. At "
        f"{customers_a_month:,.0f} a month the answer comes after {_long(chosen['months'])}. "
        f"{_within_a_year(smallest, base)}",
        {
            "trial_customers": Estimate(float(chosen["customers_count"]), "count"),
            "trial_months": Estimate(float(chosen["months"]), "months"),
            "trial_smallest_effect": Estimate(float(smallest), "share", n=year),
        },
    )


def _long(months: float) -> str:
    if months > 120:
        return "more than 10 years"
    return f"{math.ceil(months)} months" if months < 36 else f"{months / 12:,.0f} years"


def _within_a_year(smallest: float, base: float) -> str:
    if not np.isfinite(smallest):
        return "The customers of one year show no effect of any size: pool several years, or banks."
    return (
        f"The customers of one year show an effect only if calls keep {share_text(smallest / base)} of leavers or more."
    )
