"""The effects of campaigns from observed tables alone, by randomised hold-outs, and how true that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.stats import Estimate
from crmlab.stats.intervals import proportions
from crmlab.validation.claims import Claim

if TYPE_CHECKING:
    from crmlab.bank import Bank
    from crmlab.validation.truth import Truth

__all__ = ["by_campaign", "difference", "estimates", "naive", "outcomes", "recover", "true_effects"]

_LABELS = {
    "cross_sell": "Campaigns to buy",
    "retention": "Campaigns to stay",
    "win_back": "Campaigns to return",
    "activation": "Campaigns to join the club",
}
_SHARES = ("share", "share_low", "share_high")
_TABLES = ("campaigns", "contacts", "customers", "accounts", "products")
_UNKNOWN = {"unit": "share", "n": 0, "method": "no campaign with both arms has ended"}
# Who did what was wanted between the contact and the last day of the campaign, read from the tables of what happened.
_OUTCOMES = """
with ended as (
    select campaign_id, goal, family, ended_on, holdout_share, is_randomised
    from campaigns left join products using (product_id)
    where ended_on <= date '{last}' and goal in ('cross_sell', 'retention', 'win_back', 'activation')
), chosen as (
    select contact_id, customer_id, arm = 'treatment' as is_treated, cast(assigned_at as date) as assigned_on, ended.*
    from contacts join ended using (campaign_id)
), opened as (
    select distinct contact_id from chosen join accounts using (customer_id) join products using (product_id)
    where goal = 'cross_sell' and products.family = chosen.family and opened_on between assigned_on and ended_on
), returned as (
    select distinct contact_id from chosen join customers on previous_customer_id = chosen.customer_id
    where goal = 'win_back' and joined_on between assigned_on and ended_on
), joined as (
    select contact_id from chosen join ({members}) as members using (customer_id)
    where goal = 'activation' and since_on between assigned_on and ended_on
), stayed as (
    select contact_id from chosen join customers using (customer_id)
    where goal = 'retention' and (left_on is null or left_on > ended_on)
)
select contact_id, campaign_id, goal, is_randomised, holdout_share, is_treated,
       contact_id in (select contact_id from opened union all select contact_id from returned
                      union all select contact_id from joined union all select contact_id from stayed) as has_acted
from chosen order by contact_id
"""
_MEMBERS = "select customer_id, min(booked_on) as since_on from loyalty_points group by customer_id"
_NO_MEMBERS = "select customer_id, joined_on as since_on from customers where false"


def outcomes(bank: Bank) -> pd.DataFrame:
    """Return one row a contact of the campaigns that have ended: arm, and whether the customer did what was wanted.

    Parameters
    ----------
    bank : Bank
        A bank with campaigns, contacts, customers, accounts and products; loyalty points for campaigns to join.

    Returns
    -------
    DataFrame
        ``contact_id``, ``campaign_id``, ``goal``, ``is_randomised``, ``holdout_share``, ``is_treated``, ``has_acted``.
    """
    members = _MEMBERS if bank.has("loyalty_points") else _NO_MEMBERS
    found = bank.to_frame(bank.sql(_OUTCOMES.format(last=bank.last_on, members=members)))
    return found if bank.has("loyalty_points") else found[found["goal"] != "activation"]


def difference(treated: tuple[object, object], held_out: tuple[object, object], *, level: float = 0.95) -> Estimate:
    """Estimate a difference of two shares, in one stratum or over several.

    Parameters
    ----------
    treated, held_out : tuple of (acts, customers)
        Each an array with one value a stratum, or a number.

    Returns
    -------
    Estimate
        Mean of the strata's differences, weighted by their customers.

    Notes
    -----
    Wilson limits of each share, squared and added: Newcombe's hybrid score interval (his method 10), extended to a
    weighted sum (method of variance estimates recovery). Strata without both arms say nothing and are left out.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, 873-890; Zou and Donner (2008), Statistics in Medicine 27, 1693-1702.

    Examples
    --------
    >>> difference((56, 70), (48, 80)).interval  # Newcombe 1998, table II, example a: .0524 to .3339
    '5.2 to 33.4 %'
    """
    y1, n1, y0, n0 = (np.atleast_1d(np.asarray(part, dtype=float)) for part in (*treated, *held_out))
    both = (n1 > 0) & (n0 > 0)
    y1, n1, y0, n0 = (part[both] for part in (y1, n1, y0, n0))
    if not both.any():
        return Estimate(float("nan"), **_UNKNOWN, level=level)
    weight = (n1 + n0) / (n1 + n0).sum()
    p1, low1, high1 = (proportions(y1, n1, level=level)[name].to_numpy() for name in _SHARES)
    p0, low0, high0 = (proportions(y0, n0, level=level)[name].to_numpy() for name in _SHARES)
    value = float((weight * (p1 - p0)).sum())
    below = float(np.sqrt((weight**2 * ((p1 - low1) ** 2 + (high0 - p0) ** 2)).sum()))
    above = float(np.sqrt((weight**2 * ((high1 - p1) ** 2 + (p0 - low0) ** 2)).sum()))
    method = "Newcombe" if len(weight) == 1 else "Newcombe by planned hold-out, weighted by customers"
    return Estimate(
        value, unit="share", low=value - below, high=value + above, n=int((n1 + n0).sum()), method=method, level=level
    )


def _compared(rows: pd.DataFrame, strata: list[str]) -> Estimate:
    """Compare the arms as drawn, treated or not in the end (intention to treat), within strata of equal chance."""
    counts = (
        rows.groupby([*strata, "is_treated"], observed=True)["has_acted"].agg(["sum", "size"]).unstack("is_treated")
    )
    wanted = pd.MultiIndex.from_product([["sum", "size"], [True, False]])
    counts = counts.reindex(columns=wanted).fillna(0)
    treated, held_out = ((counts["sum", arm], counts["size", arm]) for arm in (True, False))
    return difference(treated, held_out)


def by_campaign(bank: Bank) -> dict[str, Estimate]:
    """Return the effect of each randomised campaign that has ended, by its id."""
    rows = outcomes(bank)
    rows = rows[rows["is_randomised"]]
    return {name: _compared(part, ["holdout_share"]) for name, part in rows.groupby("campaign_id", observed=True)}


def estimates(bank: Bank) -> dict[str, Estimate]:
    """Return the effect of the randomised campaigns by goal: share that did what was wanted, treated less held out.

    Campaigns of one goal are pooled within equal planned hold-out shares: there everybody had the same chance to be
    treated, so the arms differ by luck alone.
    """
    if not bank.has(*_TABLES):
        return {}
    rows = outcomes(bank)
    rows = rows[rows["is_randomised"]]
    return {goal: _compared(part, ["holdout_share"]) for goal in _LABELS if len(part := rows[rows["goal"] == goal])}


def true_effects(rows: pd.DataFrame, effects: pd.DataFrame) -> dict[str, float]:
    """Return the mean true effect over the customers of the randomised campaigns in `rows`, in both arms, by goal.

    Parameters
    ----------
    rows : DataFrame
        As `outcomes` returns.
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
    true = true_effects(outcomes(bank), effects)
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
