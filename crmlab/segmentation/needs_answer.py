"""The answer about needs and suitability in sentences."""

from __future__ import annotations

import math

import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.segmentation import evidence
from crmlab.segmentation.segments import Segments
from crmlab.segmentation.segments_answer import dearest_move, first_to_do, kinds, none_found
from crmlab.stats import Evidence, share_text

__all__ = ["LABELS", "headline", "outlook", "suits"]

LABELS = evidence.LABELS | {
    "best_count": "Segments on which the rival methods settle",
    "agreement": "Agreement of the rival methods on them",
    "clear_moves": "Moves that go with a clear change of the yield",
    "unsuitable_share": "Investors who hold more risk than they stated",
    "unsuitable_count": "The same, number of customers",
    "unsuitable_amount": "Money in products too risky for their holders",
    "unsuitable_amount_share": "The same, of the money in graded products",
    "no_tolerance_share": "Investors who never stated a tolerance",
    "no_tolerance_count": "The same, number of customers",
    "stale_share": "Stated tolerances that are too old",
}


def headline(segments: Segments, stability: Evidence | None, groups: pd.Series) -> str:
    """Say which needs there are, or that no stable groups were found.

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
        counts = groups.value_counts()
        sizes = [
            f"{name} {share_text(count / counts.sum())}" for name, count in counts.items() if count >= SMALLEST_GROUP
        ]
        rules = "Groups by the products held, which are rules and not kinds, stand in"
        return f"{none_found(segments, 'needs')} " + (f"{rules}: {', '.join(sizes)}." if sizes else f"{rules}.")
    start = f"Beyond everyday banking customers have {segments.k_} kinds of need"
    return kinds(segments, stability, groups, start=start, whom="who hold such products")


def suits(found: Evidence | None, why: str, *, months: int) -> str:
    """Say who holds more risk than they stated, and what is not known.

    Parameters
    ----------
    found : Evidence or None
        What `crmlab.segmentation.suitability.suitability` found.
    why : str
        Why nothing was found, where it was not.
    months : int
        Months after which an answer is stale.
    """
    if found is None:
        return f"Suitability cannot be judged: {why}."
    if "unsuitable_share" not in found.estimates:
        return f"{found.title}, so no share is given."
    share = found["unsuitable_share"]
    said = f"{found.title} ({share.interval}, n = {share.n:,})"
    if found.estimates.get("unsuitable_count") is not None and "unsuitable_amount" in found.estimates and share.value:
        money, count = found["unsuitable_amount"], found["unsuitable_count"]
        said += f": {count.short} customers with {money.short} in products too risky for them"
    parts = [f"{said}."]
    silent, stale = found["no_tolerance_share"], found["stale_share"]
    if silent.value:
        parts.append(f"{silent.short} of all investors never stated a tolerance.")
    if stale.value:
        parts.append(f"{stale.short} of the stated tolerances are older than {months} months.")
    return " ".join(parts)


def outlook(
    moved: Evidence | None, worth: Evidence | None, done: Evidence | None, beside: Evidence | None, *, currency: str
) -> str:
    """Say how customers move, what that goes with, whether wealth says the same, and what is to be done.

    Parameters
    ----------
    moved, worth, done, beside : Evidence or None
        What `migration`, `worth_of_moves`, `treatments` and `crmlab.segmentation.bases.beside_others` found.
    currency : str
        Currency code.
    """
    parts = []
    if moved is not None and "stayed_share" in moved.estimates and math.isfinite(moved["stayed_share"].value):
        stayed = moved["stayed_share"]
        parts.append(f"{stayed.short} ({stayed.interval}) are in the same group as a year before.")
    if worth is not None and len(worth.frame):
        parts.append(dearest_move(worth, currency))
    if beside is not None and "adjusted_rand_wealth" in beside.estimates:
        rand = beside["adjusted_rand_wealth"]
        parts.append(
            f"Wealth tells {'little' if rand.value < 0.2 else 'part'} of these groups: adjusted Rand {rand.short}."
        )
    parts += first_to_do(done)
    return " ".join(parts) or "This bank's data say nothing about movement or treatment."
