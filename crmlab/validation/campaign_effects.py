"""The effects of campaigns from observed tables alone, by randomised hold-outs, and how true that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crmlab.outreach.trials import campaign_contacts
from crmlab.stats import Estimate
from crmlab.stats.experiments import difference_of_shares
from crmlab.validation.claims import Claim

if TYPE_CHECKING:
    from crmlab.bank import Bank
    from crmlab.validation.truth import Truth

__all__ = ["by_campaign", "estimates", "naive", "recover", "true_effects"]

_LABELS = {
    "cross_sell": "Campaigns to buy",
    "retention": "Campaigns to stay",
    "win_back": "Campaigns to return",
    "activation": "Campaigns to join the club",
}
_TABLES = ("campaigns", "contacts", "customers", "accounts", "products")


def _compared(rows: pd.DataFrame, strata: list[str]) -> Estimate:
    """Compare the arms as drawn, treated or not in the end (intention to treat), within strata of equal chance."""
    counts = (
        rows.groupby([*strata, "is_treated"], observed=True)["has_acted"].agg(["sum", "size"]).unstack("is_treated")
    )
    wanted = pd.MultiIndex.from_product([["sum", "size"], [True, False]])
    counts = counts.reindex(columns=wanted).fillna(0)
    treated, held_out = ((counts["sum", arm], counts["size", arm]) for arm in (True, False))
    return difference_of_shares(treated, held_out)


def by_campaign(bank: Bank) -> dict[str, Estimate]:
    """Return the effect of each randomised campaign that has ended, by its id."""
    rows = campaign_contacts(bank)
    rows = rows[rows["is_randomised"]]
    return {name: _compared(part, ["holdout_share"]) for name, part in rows.groupby("campaign_id", observed=True)}


def estimates(bank: Bank) -> dict[str, Estimate]:
    """Return the effect of the randomised campaigns by goal: share that did what was wanted, treated less held out.

    Campaigns of one goal are pooled within equal planned hold-out shares: there everybody had the same chance to be
    treated, so the arms differ by luck alone.
    """
    if not bank.has(*_TABLES):
        return {}
    rows = campaign_contacts(bank)
    rows = rows[rows["is_randomised"]]
    return {goal: _compared(part, ["holdout_share"]) for goal in _LABELS if len(part := rows[rows["goal"] == goal])}


def true_effects(rows: pd.DataFrame, effects: pd.DataFrame) -> dict[str, float]:
    """Return the mean true effect over the customers of the randomised campaigns in `rows`, in both arms, by goal.

    Parameters
    ----------
    rows : DataFrame
        As `campaign_contacts` returns.
    effects : DataFrame
        ``contact_id`` and ``effect_share`` of the truth.
    """
    known = rows[rows["is_randomised"]].merge(effects[["contact_id", "effect_share"]], on="contact_id")
    return known.groupby("goal")["effect_share"].mean().to_dict()


def recover(bank: Bank, truth: Truth) -> list[Claim]:
    """Hold the pooled effect of each goal against the truth."""
    found = estimates(bank)
    if not found:
        return []
    effects = truth.table("campaign_effects", columns=["contact_id", "effect_share"])
    true = true_effects(campaign_contacts(bank), effects)
    how = "Mean over all customers chosen, in both arms, of the chance to act if treated less the chance if held out."
    return [Claim("campaigns", goal, _LABELS[goal], estimate, true.get(goal), how) for goal, estimate in found.items()]


_NAIVE = """
with calls as (
    select campaign_id, family, started_on, ended_on from campaigns join products using (product_id)
    where not is_randomised and goal = 'cross_sell' and ended_on <= date '{last}'
), holdings as (
    select customer_id, family, opened_on, closed_on from accounts join products using (product_id)
), there as (
    select campaign_id, customer_id, family, started_on, ended_on from calls, customers
    where joined_on <= started_on and (left_on is null or left_on > started_on)
), lacking as (
    select * from there where not exists (
        select 1 from holdings where holdings.customer_id = there.customer_id and holdings.family = there.family
        and opened_on < started_on and (closed_on is null or closed_on >= started_on))
)
select campaign_id, customer_id, exists (
        select 1 from contacts where contacts.campaign_id = lacking.campaign_id
        and contacts.customer_id = lacking.customer_id) as is_treated,
    exists (select 1 from holdings where holdings.customer_id = lacking.customer_id
        and holdings.family = lacking.family and opened_on between started_on and ended_on) as has_acted
from lacking
"""


def naive(bank: Bank) -> dict[str, Estimate]:
    """Compare those whom campaigns without hold-out contacted with all others who lacked the product; by campaign.

    What a report does when nobody was held out. It takes the choice of the customers for an effect of the campaign:
    wrong by how much more the chosen would have bought anyway.
    """
    rows = bank.to_frame(bank.sql(_NAIVE.format(last=bank.last_on)))
    return {name: _compared(part, ["campaign_id"]) for name, part in rows.groupby("campaign_id", observed=True)}
