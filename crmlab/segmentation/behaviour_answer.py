"""The answer about behaviour in sentences."""

from __future__ import annotations

import pandas as pd

from crmlab.segmentation.segments import Segments
from crmlab.segmentation.segments_answer import dearest_move, first_to_do, kinds, none_found
from crmlab.stats import Evidence

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
        return (
            f"{none_found(segments, 'behaviour')} Named cells of recency and frequency are used instead; they are "
            "rules, not kinds."
        )
    start = f"Customers bank in {segments.k_} ways"
    return kinds(segments, stability, groups, start=start, whom="who show how they bank")


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
        parts.append(dearest_move(worth, currency))
    if aged is not None:
        parts.append(
            f"A model learned a year ago places {aged['reassigned_share'].short} of today's customers otherwise."
        )
    parts += first_to_do(done)
    return " ".join(parts) or "This bank's data say nothing about movement or treatment."
