"""Evidence on care and the plan: which events call for contacts, and what to try in each segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crmlab.errors import tried
from crmlab.loyalty.care.events import care_events, events_known
from crmlab.loyalty.care.list import CareList, care_list
from crmlab.loyalty.pages.programme import Programme
from crmlab.loyalty.programme.rewards import benefits_by_segment
from crmlab.snapshots.dates import add_months
from crmlab.snapshots.outcome import label
from crmlab.stats import Estimate, Evidence, count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["care_on", "segment_facts"]


def care_on(
    bank: Bank, seen: pd.DataFrame, programme: Programme | None, *, holdout_share: float = 0.1, seed: int = 1
) -> tuple[CareList, Evidence]:
    """Find the events of the day and make the list of whom to speak to.

    Returns
    -------
    tuple of (CareList, Evidence)
        Frame of the evidence: ``counts`` of the list. Estimates: ``care_events_count``, ``care_count`` (customers to be
        contacted), ``care_held_out_count``.
    """
    ledger = programme.ledger if programme else None
    value = programme.owed.value_amount if programme else float("nan")
    events = care_events(bank, seen, ledger=ledger, point_amount=value)
    found = care_list(bank, events, seen, holdout_share=holdout_share, seed=seed)
    lacking = [f"{name} (needs {what})" for name, what in events_known(bank, ledger).items() if what]
    held = int(found.actions["is_holdout"].astype(bool).sum()) if len(found.actions) else 0
    listed = len(found.actions) - held
    stopped = int(found.counts["suppressed_count"].sum()) if len(found.counts) else 0
    reading = (
        f"{count_text(events['customer_id'].nunique())} customers have {count_text(len(events))} events; "
        f"{count_text(listed)} are to be contacted, {count_text(held)} are held out by lot, {count_text(stopped)} may not "
        "be addressed now."
    )
    if lacking:
        reading += f" Not seen here: {'; '.join(lacking)}."
    counts = {"care_events_count": len(events), "care_count": listed, "care_held_out_count": held}
    estimates = {name: Estimate(float(count), "count") for name, count in counts.items()}
    return found, Evidence(found.counts, f"{count_text(listed)} customers to contact now", "", reading, estimates)


def segment_facts(
    bank: Bank, seen: pd.DataFrame, groups: pd.Series | None, programme: Programme | None, care: CareList
) -> pd.DataFrame | None:
    """Put together what the plan needs of each segment; None without segments or margins.

    Returns
    -------
    DataFrame
        ``segment``, ``customers_count``, ``margin_amount``, ``left_share``, ``members_share``, ``redeeming_share``,
        ``rewards_amount``, ``mean_reward_amount``, ``cared_share``.
    """
    if groups is None or "margin_12m_amount" not in seen:
        return None
    people = pd.DataFrame({"segment": groups.reindex(seen.index).astype("str"), "margin": seen["margin_12m_amount"]})
    people = people[groups.reindex(seen.index).notna()].assign(
        cared=lambda rows: rows.index.isin(care.actions.index), left=_left_lately(bank, seen)
    )
    found = people.groupby("segment").agg(
        customers_count=("margin", "size"), margin_amount=("margin", "mean"), cared_share=("cared", "mean"),
        left_share=("left", "mean"),
    ).reset_index()  # fmt: skip
    if programme is None:
        return found.assign(members_share=float("nan"), redeeming_share=float("nan"), rewards_amount=float("nan"))
    benefits = benefits_by_segment(programme.ledger, people["segment"])
    return found.merge(benefits.drop(columns="customers_count"), on="segment", how="left")


def _left_lately(bank: Bank, seen: pd.DataFrame) -> float:
    """Share of the customers of a year before who left by their own choice; NaN where that is not known."""
    before = add_months(bank.date or bank.report_on, -12)
    reasons = ["customer"] if "left_reason" in bank.columns("customers") else None
    found, _ = tried(label, bank, before, event="left", outcome_months=12, reasons=reasons)
    return float(found.mean()) if found is not None and len(found) else float("nan")
