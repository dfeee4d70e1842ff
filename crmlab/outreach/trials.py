"""What became of those whom a campaign chose: arm, plan, and whether they did what it wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.bank import Bank

__all__ = ["GOALS", "campaign_contacts"]

GOALS = ("cross_sell", "retention", "win_back", "activation")
# Who did what was wanted between the contact and the last day of the campaign, read from the tables of what happened.
_CONTACTS = """
with ended as (
    select campaigns.campaign_id, goal, products.family, started_on, ended_on, {holdout} as holdout_share,
        {randomised} as is_randomised, {fixed} as fixed_cost_amount
    from campaigns left join ({products}) as products on {product} = products.product_id
    where ended_on <= date '{last}' and goal in ('cross_sell', 'retention', 'win_back', 'activation')
), chosen as (
    select contact_id, customer_id, arm = 'treatment' as is_treated, cast(assigned_at as date) as assigned_on,
        {channel} as channel, {cost} as cost_amount, ended.*
    from contacts join ended using (campaign_id)
), opened as (
    select distinct contact_id from chosen join ({accounts}) as accounts using (customer_id)
    where goal = 'cross_sell' and accounts.family = chosen.family and opened_on between assigned_on and ended_on
), returned as (
    select distinct contact_id from chosen join ({again}) as again on again.previous_customer_id = chosen.customer_id
    where goal = 'win_back' and again.joined_on between assigned_on and ended_on
), joined as (
    select contact_id from chosen join ({members}) as members using (customer_id)
    where goal = 'activation' and since_on between assigned_on and ended_on
), stayed as (
    select contact_id from chosen join ({left}) as people using (customer_id)
    where goal = 'retention' and (left_on is null or left_on > ended_on)
)
select contact_id, campaign_id, customer_id, goal, channel, assigned_on, started_on, ended_on, cost_amount,
       fixed_cost_amount, is_randomised, holdout_share, is_treated,
       contact_id in (select contact_id from opened union all select contact_id from returned
                      union all select contact_id from joined union all select contact_id from stayed) as has_acted
from chosen order by contact_id
"""


def campaign_contacts(bank: Bank, *, goal: str = "") -> pd.DataFrame:
    """Return one row a contact of the campaigns that have ended: arm, and whether the customer did what was wanted.

    Parameters
    ----------
    bank : Bank
        As of a date. Needs ``campaigns`` and ``contacts``; accounts and products for campaigns to buy,
        ``customers.previous_customer_id`` for campaigns to return, loyalty points for campaigns to join: campaigns
        whose outcome this bank cannot show are left out.
    goal : str
        Only campaigns with this goal: ``cross_sell``, ``retention``, ``win_back`` or ``activation``; empty for all.

    Returns
    -------
    DataFrame
        ``contact_id``, ``campaign_id``, ``customer_id``, ``goal``, ``channel``, ``assigned_on``, ``started_on``,
        ``ended_on``, ``cost_amount`` (of the contact), ``fixed_cost_amount`` (of the campaign), ``is_randomised``,
        ``holdout_share`` (planned), ``is_treated``, ``has_acted``. Empty where the bank has no campaigns.

    Notes
    -----
    Outcomes are read from what happened (accounts, returns, members, leavers), not from ``responded_at``, so that both
    arms are seen with the same eyes. An act counts from the contact to the last day of the campaign; to stay is to have
    a relation after that day.
    """
    if not bank.has("campaigns", "contacts", "campaigns.ended_on", "campaigns.goal"):
        import pandas as pd

        return pd.DataFrame({name: [] for name in _COLUMNS})
    has_accounts, returns = bank.has("accounts", "products"), _has(bank, "customers.previous_customer_id")
    can = {
        "cross_sell": has_accounts and _has(bank, "campaigns.product_id"),
        "win_back": returns,
        "activation": bank.has("loyalty_points"),
        "retention": _has(bank, "customers.left_on"),
    }
    query = _CONTACTS.format(
        last=bank.date or bank.report_on,
        products="select product_id, family from products"
        if can["cross_sell"]
        else "select null::varchar as product_id, null::varchar as family where false",
        product=_or(bank, "campaigns.product_id", "null::varchar"),
        accounts="select customer_id, family, opened_on from accounts join products using (product_id)"
        if can["cross_sell"]
        else "select null::varchar as customer_id, null::varchar as family, null::date as opened_on where false",
        again="select previous_customer_id, joined_on from customers"
        if returns
        else "select null::varchar as previous_customer_id, null::date as joined_on where false",
        members="select customer_id, min(booked_on) as since_on from loyalty_points group by customer_id"
        if can["activation"]
        else "select customer_id, joined_on as since_on from customers where false",
        left="select customer_id, left_on from customers"
        if can["retention"]
        else "select customer_id, null::date as left_on from customers",
        holdout=_or(bank, "campaigns.holdout_share", "null::double"),
        randomised=f"coalesce({_or(bank, 'campaigns.is_randomised', 'false')}, false)",
        fixed=_or(bank, "campaigns.cost_amount", "null::decimal(18,2)"),
        channel=_or(bank, "contacts.channel", "null::varchar"),
        cost=_or(bank, "contacts.cost_amount", "null::decimal(18,2)"),
    )
    found = bank.to_frame(bank.sql(query))
    wanted = [name for name in GOALS if can[name] and goal in ("", name)]
    return found[found["goal"].isin(wanted)].reset_index(drop=True)


_COLUMNS = (
    "contact_id", "campaign_id", "customer_id", "goal", "channel", "assigned_on", "started_on", "ended_on",
    "cost_amount", "fixed_cost_amount", "is_randomised", "holdout_share", "is_treated", "has_acted",
)  # fmt: skip


def _has(bank: Bank, column: str) -> bool:
    """Whether the bank has the column, filled or not: nobody may have come back yet."""
    table, name = column.split(".")
    return table in bank.tables and name in bank.columns(table)


def _or(bank: Bank, column: str, otherwise: str) -> str:
    table, name = column.split(".")
    return f"{table}.{name}" if _has(bank, column) else otherwise
