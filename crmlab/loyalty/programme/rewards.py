"""Which rewards are taken, by whom: sizes of what is redeemed, by segment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loyalty.programme.ledger import Ledger
from crmlab.stats import proportion

__all__ = ["benefits_by_segment", "reward_sizes"]

_YEAR = pd.DateOffset(months=12)
_MOST_SIZES = 4


def reward_sizes(ledger: Ledger) -> pd.DataFrame:
    """Describe what was redeemed in the last twelve months by its size.

    Parameters
    ----------
    ledger : Ledger
        From `crmlab.loyalty.programme.ledger.ledger_on`, with worth of what was redeemed.

    Returns
    -------
    DataFrame
        ``size`` (range of worth, currency), ``low_amount``, ``redemptions_count``, ``customers_count``,
        ``points_count``, ``rewards_amount``, ``point_amount`` (worth of a point). Sizes by quarters of all redemptions,
        equal ones together. Empty where no worth is recorded.

    Notes
    -----
    The ledger says what a reward is worth, not what it is: discount, voucher and service are told by their size only.
    """
    spent = _recent(ledger)
    if spent.empty:
        return pd.DataFrame({"size": [], "low_amount": [], "redemptions_count": [], "customers_count": [],
                             "points_count": [], "rewards_amount": [], "point_amount": []})  # fmt: skip
    spent = spent.assign(low_amount=_size(spent["value_amount"]), points_count=spent["points_count"].abs())
    found = spent.groupby("low_amount").agg(
        redemptions_count=("value_amount", "size"), customers_count=("customer_id", "nunique"),
        points_count=("points_count", "sum"), rewards_amount=("value_amount", "sum"), high=("value_amount", "max"),
    ).reset_index()  # fmt: skip
    names = [f"{low:,.2f} to {high:,.2f}" if high > low else f"{low:,.2f}" for low, high in
             zip(found["low_amount"], found["high"], strict=True)]  # fmt: skip
    found.insert(0, "size", names)
    return found.drop(columns="high").assign(point_amount=found["rewards_amount"] / found["points_count"])


def benefits_by_segment(ledger: Ledger, segments: pd.Series) -> pd.DataFrame:
    """Say by segment who is a member, who redeems, and what that costs.

    Parameters
    ----------
    ledger : Ledger
        From `crmlab.loyalty.programme.ledger.ledger_on`.
    segments : Series of str
        Segment of each customer there, indexed by ``customer_id``.

    Returns
    -------
    DataFrame
        ``segment``, ``customers_count``, ``members_share`` (with ``_low``, ``_high``), ``redeeming_share`` (of members,
        in the last twelve months), ``rewards_amount`` (a member a year), ``mean_reward_amount`` (a redemption).
    """
    spent, people = _recent(ledger), segments.dropna()
    members = pd.Index(ledger.entries["customer_id"].unique())
    total = spent.groupby("customer_id")["value_amount"].agg(["sum", "size"])
    rows = []
    for name, who in people.groupby(people, observed=True).groups.items():
        inside = who.intersection(members)
        took = total.reindex(inside).dropna()
        share = proportion(len(inside), len(who))
        rows.append({
            "segment": str(name), "customers_count": len(who), "members_share": share.value,
            "members_share_low": share.low, "members_share_high": share.high,
            "redeeming_share": len(took) / len(inside) if len(inside) else np.nan,
            "rewards_amount": float(took["sum"].sum()) / len(inside) if len(inside) else np.nan,
            "mean_reward_amount": float(took["sum"].sum() / took["size"].sum()) if len(took) else np.nan,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _recent(ledger: Ledger) -> pd.DataFrame:
    rows = ledger.entries
    return rows[
        (rows["kind"] == "redeem") & rows["value_amount"].notna() & (rows["booked_on"] > ledger.last_on - _YEAR)
    ]


def _size(values: pd.Series) -> pd.Series:
    """Lowest worth of the quarter that each redemption lies in."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _MOST_SIZES + 1)[:-1], method="inverted_cdf"))
    return pd.Series(edges[np.searchsorted(edges, values.to_numpy(), side="right") - 1], index=values.index)
