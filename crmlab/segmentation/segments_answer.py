"""Sentences about learned segments that the answers of several questions share."""

from __future__ import annotations

import pandas as pd

from crmlab.segmentation.segments import Segments
from crmlab.stats import Evidence, amount_text, count_text, share_text

__all__ = ["dearest_move", "first_to_do", "kinds", "none_found"]


def kinds(segments: Segments, stability: Evidence | None, groups: pd.Series, *, start: str, whom: str) -> str:
    """Say which segments there are, how large, and whether they come back.

    Parameters
    ----------
    segments : Segments
        As fitted or read, two or more.
    stability : Evidence or None
        What `crmlab.segmentation.evidence.stability_of` found.
    groups : Series of str
        Today's segment of each customer.
    start : str
        What kinds they are, e.g. ``Customers bank in 5 ways``.
    whom : str
        Whom the shares are of, e.g. ``who show how they bank``.
    """
    inside = groups[groups.isin(segments.names_)]
    share = inside.value_counts(normalize=True)
    sizes = ", ".join(f"{name} {share_text(share.get(name, 0.0))}" for name in segments.names_)
    told = f"{start}: {sizes} of the {count_text(len(inside))} {whom}."
    if stability is None or not len(segments.trial_):
        return f"{told} {segments.verdict_}"
    if not segments.found_:
        return f"{told} The number was asked for; these groups do not hold on other customers."
    table = stability.frame
    weakest = table.loc[table["jaccard"].idxmin()]
    return (
        f"{told} They come back on other customers: even the weakest, {weakest['segment']}, was found again in "
        f"{int(weakest['recovered_count'])} of {int(weakest['resamples_count'])} samples."
    )


def none_found(segments: Segments, what: str) -> str:
    """Say that there are no stable segments, and why in a few words.

    Parameters
    ----------
    segments : Segments
        As fitted or read.
    what : str
        What they would be of, e.g. ``behaviour``.
    """
    if not len(segments.trial_):
        return f"There are too few customers here to look for segments of {what}."
    return (
        f"There are no stable segments of {what} here: groups do not come back on other customers, or customers of one "
        "kind would be parted as well."
    )


def dearest_move(worth: Evidence, currency: str) -> str:
    """Say which move goes with most money, or that none is clear.

    Parameters
    ----------
    worth : Evidence
        What `crmlab.segmentation.migration.worth_of_moves` found.
    currency : str
        Currency code.
    """
    clear = worth.frame[worth.frame["is_clear"]]
    if not len(clear):
        return "No move goes with a change of the yield that is clear."
    top = clear.iloc[0]
    low, high = (amount_text(top[f"total_{end}_amount"], currency) for end in ("low", "high"))
    return (
        f"The move that goes with most money is '{top['move']}': {count_text(top['customers_count'])} customers, "
        f"{amount_text(top['total_amount'], currency)} of yield a year ({low} to {high}; the largest of "
        f"{len(worth.frame)} moves looked at, so rather too large)."
    )


def first_to_do(done: Evidence | None) -> list[str]:
    """Say what to do first and with whom; no sentence where nothing is known.

    Parameters
    ----------
    done : Evidence or None
        What `crmlab.segmentation.treatment.treatments` found: ``segment``, ``customers_count``, ``product``,
        ``service``, and ``family``, empty where no product is to be offered.

    Examples
    --------
    >>> one = {"segment": "Mobile", "customers_count": 9, "family": "card", "product": "Credit card", "service": "Chat"}
    >>> first_to_do(Evidence(pd.DataFrame([one]), "", "", ""))
    ['To do first for Mobile: Credit card; Chat.']
    >>> first_to_do(Evidence(pd.DataFrame([one]).assign(family=None), "", "", ""))
    ['No segment lacks a product that others like it hold.']
    """
    there = done.frame[done.frame["customers_count"] > 0] if done is not None else pd.DataFrame()
    if not len(there):
        return []
    offered = there[there["family"].fillna("") != ""]
    if not len(offered):
        return ["No segment lacks a product that others like it hold."]
    first = offered.iloc[0]
    return [f"To do first for {first['segment']}: {first['product']}; {first['service']}."]
