"""The answer about behaviour in sentences."""

from __future__ import annotations

import pandas as pd

from crmlab.segmentation.segments import Segments
from crmlab.stats import Evidence, amount_text, count_text, share_text

__all__ = ["headline", "outlook"]


def headline(segments: Segments, stability: Evidence | None, groups: pd.Series) -> str:
    """Say which segments there are, or that there are none.

    Parameters
    ----------
    segments : Segments
        As fitted or read.
    stability : Evidence or None
        What `crmlab.segmentation.evidence.stability_of` found.
    groups : Series of str
        Today's segment of each customer; the shares are of those in learned segments.
    """
    if segments.k_ < 2:
        return f"{segments.verdict_} Named cells of recency and frequency are used instead; they are rules, not kinds."
    named = ", ".join(segments.names_[:-1]) + f" and {segments.names_[-1]}"
    if stability is None:
        return f"Customers bank in {segments.k_} ways: {named}. {segments.verdict_}"
    share = groups[groups.isin(segments.names_)].value_counts(normalize=True)
    sizes = ", ".join(f"{name} {share_text(share.get(name, 0.0))}" for name in segments.names_)
    weakest = stability["weakest_jaccard"]
    start = f"Customers bank in {segments.k_} ways that come back on other customers"
    if not segments.found_:
        start = f"The {segments.k_} segments asked for do not hold on other customers"
    return f"{start}: {sizes}. The weakest segment has a Jaccard of {weakest.short} ({weakest.interval})."


def outlook(
    moved: Evidence | None, worth: Evidence | None, done: Evidence | None, aged: Evidence | None, *, currency: str
) -> str:
    """Say how customers move, what that goes with, and what is to be done, as far as known.

    Parameters
    ----------
    moved, worth, done, aged : Evidence or None
        What `migration`, `worth_of_moves`, `treatments` and `out_of_time` found.
    currency : str
        Currency code.
    """
    parts = []
    if moved is not None and "stayed_share" in moved.estimates:
        stayed = moved["stayed_share"]
        parts.append(f"{stayed.short} ({stayed.interval}) are in the same segment as a year before.")
    if worth is not None and len(worth.frame):
        clear = worth.frame[worth.frame["is_clear"]]
        parts.append(
            _dearest(clear.iloc[0], currency)
            if len(clear)
            else "No move goes with a change of the yield that is clear."
        )
    if aged is not None:
        parts.append(
            f"A model learned a year ago places {aged['reassigned_share'].short} of today's customers otherwise."
        )
    served = done.frame[done.frame["customers_count"] > 0] if done is not None else pd.DataFrame()
    if len(served):
        first = served.iloc[0]
        parts.append(f"{first['segment']}: {first['service']}; {first['product']}.")
    return " ".join(parts) or "This bank's data say nothing about movement or treatment."


def _dearest(row: pd.Series, currency: str) -> str:
    """Say which move goes with most money."""
    move = str(row["move"])
    return (
        f"The move that goes with most money is '{move}': {count_text(row['customers_count'])} customers, "
        f"{amount_text(row['total_amount'], currency)} of yield a year."
    )
