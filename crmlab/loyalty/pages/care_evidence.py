"""Evidence on care and the plan: which events call for contacts, and what to try in each segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import tried
from crmlab.loyalty.care.events import care_events, events_known
from crmlab.loyalty.care.list import CareList, care_list
from crmlab.loyalty.pages.programme import Programme
from crmlab.loyalty.programme.plan import plan_by_segment
from crmlab.loyalty.programme.rewards import benefits_by_segment, reward_sizes
from crmlab.snapshots import snapshot
from crmlab.snapshots.dates import add_months
from crmlab.snapshots.outcome import label
from crmlab.stats import Estimate, Evidence, count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["care_on", "plan_on", "sizes_table"]

_SERVICE_AMOUNT, _CALL_AMOUNT = 24.0, 6.5  # cost of a service a year and of a call, where the tables know none
_DISCOUNT_SHARE = 0.05  # of the margin
_SHOWN = ("segment", "customers_count", "margin_amount", "left_share", "members_share", "redeeming_share",
          "rewards_amount", "mean_reward_amount")  # fmt: skip


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
    told = [
        f"{count_text(events['customer_id'].nunique())} customers have {count_text(len(events))} events; "
        f"{count_text(listed)} are to be contacted, {count_text(held)} are held out by lot, {count_text(stopped)} may "
        "not be addressed now."
    ]
    if lacking:
        told.append(f"Not seen here: {'; '.join(lacking)}.")
    counts = {"care_events_count": len(events), "care_count": listed, "care_held_out_count": held}
    estimates = {name: Estimate(float(count), "count") for name, count in counts.items()}
    return found, Evidence(
        found.counts, f"{count_text(listed)} customers to contact now", "", " ".join(told), estimates
    )


def plan_on(
    bank: Bank,
    seen: pd.DataFrame,
    groups: pd.Series | None,
    programme: Programme | None,
    care: CareList,
    *,
    by: str = "",
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Give benefits by segment, and the plan; None for both without segments or margins.

    Notes
    -----
    Costs: rewards as booked; a call as booked in table ``contacts``, else 6.50; a value-added service 24 a year and a
    discount of 5 % of the margin, which are assumptions: give the bank's own to
    `crmlab.loyalty.programme.plan.plan_by_segment`.
    """
    facts = _segment_facts(bank, seen, groups, programme, care, by=by)
    if facts is None or facts.empty:
        return None, None
    margin = programme.effects.margin if programme and programme.effects else None
    plan = plan_by_segment(
        facts, margin=margin, discount_share=_DISCOUNT_SHARE, service_amount=_SERVICE_AMOUNT,
        contact_amount=_call_amount(bank), currency=bank.currency,
    )  # fmt: skip
    return facts[[name for name in _SHOWN if name in facts and facts[name].notna().any()]], plan


def sizes_table(programme: Programme | None) -> pd.DataFrame:
    """Give what was redeemed by size; empty without a programme or worth of rewards."""
    if programme is None:
        return pd.DataFrame()
    found = reward_sizes(programme.ledger).drop(columns="low_amount")
    return found.assign(thousand_points_amount=1_000 * found["point_amount"]).drop(columns="point_amount")


def _call_amount(bank: Bank) -> float:
    if not bank.has("contacts", "contacts.cost_amount", "contacts.channel"):
        return _CALL_AMOUNT
    rows = bank.to_frame(bank.sql("select avg(cost_amount)::double as amount from contacts where channel = 'phone'"
                                  " and arm = 'treatment'"))  # fmt: skip
    value = float(rows["amount"].iloc[0])
    return value if value > 0 else _CALL_AMOUNT


def _segment_facts(
    bank: Bank,
    seen: pd.DataFrame,
    groups: pd.Series | None,
    programme: Programme | None,
    care: CareList,
    *,
    by: str = "",
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
    people = people[groups.reindex(seen.index).notna()]
    people = people.assign(cared=people.index.isin(care.actions.index))
    found = people.groupby("segment").agg(
        customers_count=("margin", "size"), margin_amount=("margin", "mean"), cared_share=("cared", "mean")
    )
    found = found.assign(left_share=_left_lately(bank, groups, seen, by).reindex(found.index)).reset_index()
    if programme is None:
        return found.assign(members_share=float("nan"), redeeming_share=float("nan"), rewards_amount=float("nan"))
    benefits = benefits_by_segment(programme.ledger, people["segment"])
    return found.merge(benefits.drop(columns="customers_count"), on="segment", how="left")


def _left_lately(bank: Bank, groups: pd.Series, seen: pd.DataFrame, by: str) -> pd.Series:
    """Share of the customers of each segment a year before who left by their own choice; empty where not known."""
    before = add_months(bank.date or bank.report_on, -12)
    reasons = ["customer"] if "left_reason" in bank.columns("customers") else None
    left, _ = tried(label, bank, before, event="left", outcome_months=12, reasons=reasons)
    column = by or "assets_amount"
    if left is None or not len(left) or column not in seen:
        return pd.Series(dtype=float)
    earlier = snapshot(bank, before, [column])
    if column not in earlier:
        return pd.Series(dtype=float)
    then = earlier[column]
    if by:
        old = then.astype("str").where(then.notna())
    else:  # the lowest assets of each tier are its line, then as now
        floor = seen[column].groupby(groups.reindex(seen.index), observed=True).min().sort_values(kind="stable")
        place = np.searchsorted(floor.to_numpy(), then.to_numpy(dtype=float), side="right") - 1
        old = pd.Series(floor.index.astype("str").to_numpy()[np.clip(place, 0, None)], index=then.index)
        old = old.where(then.notna())
    return left.groupby(old.reindex(left.index)).mean()
