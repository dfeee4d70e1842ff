"""The answer about wealth in sentences."""

from __future__ import annotations

from dataclasses import replace

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.stats import Evidence, count_text, share_text

__all__ = ["LABELS", "headline", "outlook"]

LABELS = {
    "gini_assets": "Gini coefficient of assets",
    "top_10_share": "Assets held by the richest 10 %",
    "top_1_share": "Assets held by the richest 1 %",
    "no_assets_share": "Customers without assets",
    "stayed_share": "Stayed in their tier for a year",
    "rose_share": "Rose to a higher tier",
    "fell_share": "Fell to a lower tier",
    "left_share": "Left the bank",
    "clear_moves": "Moves that go with a clear change of the yield",
    "leaving_worth": "Change of the yield a year with each leaver",
    "leaving_total": "Change of the yield a year with all leavers",
    "advised_count": "Customers of tiers with a personal adviser",
    "adviser_break_even": "Cost of the adviser as a share of the yield",
    "mismatch_share": "Top income tier in the lowest asset tier",
    "income_link": "Rank correlation of income and assets",
    "headroom_cautious": "Room up to the peers' median",
    "headroom_upper": "Room up to the peers' upper level",
    "hidden_count": "High income, under half of the peers' median",
    "hidden_share": "The same, of the top income fifth",
}


def headline(tiers: Evidence, spread: Evidence) -> str:
    """Say how concentrated the assets are.

    Parameters
    ----------
    tiers, spread : Evidence
        What `asset_tiers` and `concentration_of_assets` found.
    """
    if not len(tiers.frame) or not len(spread.frame):
        return f"{(tiers if not len(tiers.frame) else spread).title}."
    large = tiers.frame[tiers.frame["customers_count"] >= SMALLEST_GROUP]
    top = large.iloc[-1]
    richest, gini = spread["top_10_share"], spread["gini_assets"]
    return (
        f"The richest 10 % of customers hold {richest.short} of assets (95 % interval {richest.interval}); the Gini "
        f"coefficient is {gini.short} ({gini.interval}). The {top['tier']} tier, {top['rule']}, is "
        f"{share_text(top['customers_share'])} of customers with {share_text(top['assets_share'])} of assets."
    )


def outlook(
    moved: Evidence | None,
    yields: Evidence | None,
    room: Evidence | None,
    *,
    worth: Evidence | None = None,
    service: Evidence | None = None,
) -> str:
    """Say how customers moved, what the top tier yields and earns, and where more is to win, as far as known.

    Parameters
    ----------
    moved, yields, room, worth, service : Evidence or None
        What `moves`, `tier_yields`, `potential`, `worth` and `service_levels` found.
    """
    parts = []
    if moved is not None and "rose_share" in moved.estimates:
        stayed, rose, fell = (moved[name] for name in ("stayed_share", "rose_share", "fell_share"))
        parts.append(f"In a year {stayed.short} stayed in their tier, {rose.short} rose and {fell.short} fell.")
    if worth is not None and "leaving_total" in worth.estimates:
        lost = worth["leaving_total"]
        taken = replace(lost, value=-lost.value, low=-lost.high, high=-lost.low)
        parts.append(
            f"With {count_text(lost.n)} who left after a year or more, {taken.short} of yield a year "
            f"({taken.interval}) went."
        )
    if yields is not None and len(yields.frame):
        parts.append(f"{yields.title}.")
    if service is not None:
        parts.append(f"{service.title}.")
    if room is not None and "headroom_cautious" in room.estimates:
        cautious = room["headroom_cautious"]
        parts.append(
            "Customers with fewer assets here than the middle of their peers by income and age are "
            f"{cautious.short} ({cautious.interval}) short of it together."
        )
        if "hidden_count" in room.estimates:
            parts.append(f"{room['hidden_count'].short} with a high income hold less than half of it.")
    elif room is not None:
        parts.append(f"{room.title}, so no potential is given.")
    return " ".join(parts) or "This bank's data say nothing about movement, yield or potential."
