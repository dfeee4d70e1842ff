"""Everything the bank knows and should do of each segment, put together for a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.outreach.calling import contact_channel
from crmlab.segmentation.cards import cards
from crmlab.segmentation.facts import segment_facts
from crmlab.segmentation.next_product import own_offer
from crmlab.segmentation.outcomes import leaving, satisfaction_of
from crmlab.segmentation.treatment import treatments
from crmlab.stats import Evidence

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["SHOWN", "Portraits", "portraits", "segment_list"]

SHOWN = ["segment", "product", "channel", "service", "measure"]  # columns of the treatments for a table


@dataclass(frozen=True)
class Portraits:
    """Facts, treatments and cards of the same segments.

    Parameters
    ----------
    facts, treatments, cards : Evidence
        See `segment_facts`, `treatments` and `cards`.
    asked : str
        What is known of satisfaction, in a sentence.
    """

    facts: Evidence
    treatments: Evidence
    cards: Evidence
    asked: str


def portraits(
    bank: Bank,
    seen: pd.DataFrame,
    groups: pd.Series,
    *,
    order: Sequence[str],
    was: pd.Series | None = None,
    still: pd.Index | None = None,
    rules: Mapping[str, str] | None = None,
    services: pd.Series | None = None,
    seed: int = 1,
) -> Portraits:
    """Describe each segment and say what to do with it.

    Parameters
    ----------
    bank : Bank
        As of its date; its surveys are read.
    seen : DataFrame
        Snapshot.
    groups : Series of str
        Segment of each customer.
    order : sequence of str
        Segments, in the order shown.
    was : Series of str, optional
        Segment of each customer a year ago, for who left since.
    still : Index, optional
        Customers of the bank today, for the same; those of the snapshot.
    rules : mapping of str to str, optional
        Plain rule of each segment.
    services : Series of str, optional
        Service of each segment where it is decided otherwise, indexed by segment; else by the rules of `treatments`.
    seed : int
        Of the bootstrap.
    """
    satisfied, asked = satisfaction_of(bank)
    left = leaving(was, seen.index if still is None else still, order=order) if was is not None and len(was) else None
    facts = segment_facts(
        seen, groups, order=order, currency=bank.currency, satisfaction=satisfied, left=left, seed=seed
    )
    done = treatments(seen, groups, order=order, currency=bank.currency, facts=facts, seed=seed)
    if services is not None:
        served = done.frame["segment"].map(services).fillna(done.frame["service"])
        done = replace(done, frame=done.frame.assign(service=served))
    return Portraits(facts, done, cards(facts, done, rules or {}, order=order), asked)


def segment_list(groups: pd.Series, seen: pd.DataFrame, done: Evidence) -> pd.DataFrame:
    """List every customer with the segment, the treatment as reason, and a channel the customer allows.

    Parameters
    ----------
    groups : Series of str
        Segment of each customer; customers without one are left out.
    seen : DataFrame
        Snapshot.
    done : Evidence
        What `treatments` found.

    Returns
    -------
    DataFrame
        ``segment``, ``reason``, ``product`` (what of the segment's offers the customer lacks and may be offered, see
        `own_offer`), ``channel``, indexed by ``customer_id``.
    """
    told = done.frame.set_index("segment")
    known = groups[groups.isin(told.index)]
    listed = pd.DataFrame({"segment": known}, index=known.index)
    listed["reason"] = known + ": " + known.map(told["service"])
    members = seen.loc[known.index]
    listed["product"] = own_offer(members, known.map(told["family"]), known.map(told["also_family"]))
    listed["channel"] = contact_channel(members)
    return listed.rename_axis("customer_id")
