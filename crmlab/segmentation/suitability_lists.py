"""Whom to speak to about suitability: who holds more risk than they stated, and whom to ask anew."""

from __future__ import annotations

import pandas as pd

from crmlab.outreach.calling import call_list
from crmlab.segmentation.suitability import by_customer
from crmlab.stats import amount_text

__all__ = ["riskier_list", "to_ask_list"]


def riskier_list(held: pd.DataFrame, seen: pd.DataFrame, *, day: object, currency: str, days: int = 30) -> pd.DataFrame:
    """List the customers who hold more risk than they stated: what to talk about, and by which channel.

    Parameters
    ----------
    held : DataFrame
        What `investments` listed.
    seen : DataFrame
        Snapshot of the same day that holds those customers.
    day : date or str
        Day of the view.
    currency : str
        Currency code.
    days : int
        Days after which the list is to be made anew.

    Returns
    -------
    DataFrame
        As `crmlab.outreach.calling.call_list`, the furthest beyond first, then the most money; and
        ``riskier_amount`` (currency in products too risky). Nobody is held out: a warning is owed to each.
    """
    people = by_customer(held)
    people = people[people["excess_count"] > 0].sort_values(
        ["excess_count", "riskier_amount"], ascending=False, kind="stable"
    )
    worth = people["riskier_amount"].map(lambda value: f", {amount_text(value, currency)}" if value > 0 else "")
    said = "holds " + people["grade"] + ", tolerance " + people["tolerance"]
    said = said + " of " + people["assessed_on"].dt.strftime("%Y-%m-%d") + worth.astype("str")
    listed = call_list(said.astype("str"), seen, day=str(day), days=days, holdout_share=0)
    return listed.assign(riskier_amount=people["riskier_amount"])


def to_ask_list(
    held: pd.DataFrame, seen: pd.DataFrame, *, day: object, currency: str, months: int = 24, days: int = 90
) -> pd.DataFrame:
    """List the investors to ask anew: those who never stated a tolerance, then those whose answer is stale.

    Parameters
    ----------
    held, seen, day, currency, days
        As in `riskier_list`.
    months : int
        A questionnaire older than so many months is stale, 1 or more.

    Returns
    -------
    DataFrame
        As `riskier_list`, with ``amount`` (currency in graded products) in place of the riskier amount.
    """
    people = by_customer(held)
    silent = people["tolerance"].isna()
    people = people[silent | (people["assessed_on"] < pd.Timestamp(day) - pd.DateOffset(months=months))]
    order = pd.DataFrame({"silent": people["tolerance"].isna(), "amount": people["amount"]})
    people = people.loc[order.sort_values(["silent", "amount"], ascending=False, kind="stable").index]
    when = people["assessed_on"].dt.strftime("%Y-%m-%d")
    said = ("last stated a tolerance on " + when).where(people["tolerance"].notna(), "never stated a tolerance")
    said = "holds " + people["grade"] + ", " + said
    listed = call_list(said.astype("str"), seen, day=str(day), days=days, holdout_share=0)
    return listed.assign(amount=people["amount"])
