"""What to do for each segment: points, discounts, value-added services, care, with cost, gain and how to measure it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from crmlab.stats import Estimate, amount_text, share_text, smallest_difference

__all__ = ["INSTRUMENTS", "plan_by_segment"]

INSTRUMENTS = ("points", "discount", "value-added service", "care contact")


def plan_by_segment(
    segments: pd.DataFrame, *, margin: Estimate | None, discount_share: float, service_amount: float,
    contact_amount: float, currency: str,
) -> pd.DataFrame:  # fmt: skip
    """Say what each instrument costs a customer of each segment, what it must or does bring, and how to find out.

    Parameters
    ----------
    segments : DataFrame
        ``segment``, ``customers_count``, ``margin_amount`` (a customer a year), ``left_share`` (by own choice in the
        last year), ``rewards_amount`` (a member a year; NaN without a programme), ``cared_share`` (with an event of
        care in a quarter).
    margin : Estimate or None
        Margin a year that membership brings a member.
    discount_share : float
        Discount, share of the margin given up.
    service_amount, contact_amount : float
        Cost of a value-added service a year, and of a care contact, in currency.
    currency : str
        Code of the currency.

    Returns
    -------
    DataFrame
        ``segment``, ``instrument``, ``cost_amount`` (a customer a year), ``gain`` (range, or what it must bring),
        ``measure`` (what is drawn by lot, what is counted, what would be seen), ``customers_count``. By segment of the
        largest margin at stake, and in it in the order of `INSTRUMENTS`.

    Notes
    -----
    Only membership has been compared here; its gain is taken to be the same in all segments. For the rest no gain is
    known: the table says how much less leaving would pay for it, which is cost over margin at stake, and whether that
    is less than all leaving there is.
    """
    rows = []
    stake = segments["customers_count"] * segments["margin_amount"]
    for one in (
        segments.assign(stake=stake).sort_values(["stake", "segment"], ascending=[False, True]).to_dict("records")
    ):
        costs = {
            "points": one["rewards_amount"],
            "discount": discount_share * one["margin_amount"],
            "value-added service": service_amount,
            "care contact": 4 * one["cared_share"] * contact_amount,
        }
        for instrument, cost in costs.items():
            if not np.isfinite(cost):
                continue
            gain = _gain(instrument, cost, one, margin, currency)
            rows.append({"segment": one["segment"], "instrument": instrument, "cost_amount": cost, "gain": gain,
                         "measure": _measure(instrument, one), "customers_count": one["customers_count"]})  # fmt: skip
    names = ["segment", "instrument", "cost_amount", "gain", "measure", "customers_count"]
    return pd.DataFrame(rows, columns=names)


def _gain(instrument: str, cost: float, one: dict, margin: Estimate | None, currency: str) -> str:
    if instrument == "points" and margin is not None and margin.low is not None:
        low, high = (amount_text(value, currency) for value in (margin.low, margin.high))
        return f"{low} to {high} a member a year (compared, not drawn by lot)"
    if cost <= 0:
        return "no cost, no event"
    if not one["margin_amount"] > 0:
        return "no margin at stake"
    needed = cost / one["margin_amount"]
    left = one["left_share"]
    if not math.isfinite(left):
        return f"pays if leaving falls by {share_text(needed)} of customers a year"
    if needed >= left:
        return f"cannot pay by less leaving: {share_text(left)} leave, {share_text(needed)} would have to stay"
    return f"pays if leaving falls from {share_text(left)} to {share_text(left - needed)} a year"


def _measure(instrument: str, one: dict) -> str:
    who = {"points": "invitation to join", "care contact": "contact"}.get(instrument, "offer")
    seen = smallest_difference(one["left_share"], int(one["customers_count"]), falls=True)
    reach = (
        f"seen from {share_text(seen)} of customers" if math.isfinite(seen) else "too few leave to see it within a year"
    )
    return f"{who} for half, drawn by lot; leaving and margin in 12 months; {reach}"
