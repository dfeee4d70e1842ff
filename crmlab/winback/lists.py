"""The list for winning back: ranked by expected net value within budget and capacity, hold-out drawn by lot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.outreach.calling import call_list
from crmlab.stats import amount_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["complaints_open", "win_back_list", "within_budget"]


def within_budget(scored: pd.DataFrame, *, budget_amount: float, fixed_amount: float = 0.0) -> pd.DataFrame:
    """Keep those worth a contact, the best first, as far as the money goes.

    Parameters
    ----------
    scored : DataFrame
        From `crmlab.winback.worth.contact_worth`.
    budget_amount : float
        Money for contacts and preparation, 0 or more.
    fixed_amount : float
        Preparing one campaign; paid once for each channel used.

    Returns
    -------
    DataFrame
        Rows of `scored` in the order of calling: by expected net value, where no trial gives one by worth of a return;
        ties by identifier.

    Notes
    -----
    Each channel must first earn its preparation: a channel whose customers bring less than its fixed cost together is
    left out. Without a trial nobody knows what they bring, and all channels stay for the trial.
    """
    refuse(*([] if budget_amount >= 0 else [f"within_budget: budget_amount is {budget_amount}. Give 0 or more."]))
    kept = scored[scored["verdict"] == "worth a contact"]
    known = kept["net_amount"].notna().all()
    if known and len(kept):
        earned = kept.groupby("channel")["net_amount"].sum()
        kept = kept[kept["channel"].isin(earned[earned > fixed_amount].index)]
    rank = kept["net_amount"] if known else kept["return_amount"]
    kept = kept.iloc[np.lexsort((kept.index.to_numpy(dtype=object).astype(str), -rank.to_numpy()))]
    first = ~kept["channel"].duplicated()
    spent = (kept["cost_amount"] + fixed_amount * first).cumsum()
    return kept[(spent <= budget_amount).cummin()] if len(kept) else kept


def win_back_list(
    bank: Bank,
    chosen: pd.DataFrame,
    offers: pd.Series,
    *,
    holdout_share: float,
    days: int = 60,
    seed: int = 1,
) -> pd.DataFrame:
    """Make the action list.

    Parameters
    ----------
    bank : Bank
        As of the day of the list.
    chosen : DataFrame
        From `within_budget`, in the order of calling.
    offers : Series of str
        From `crmlab.winback.offers.offer_for`.
    holdout_share : float
        Share left alone by lot, 0 to below 1.
    days : int
        Days after which the list is stale.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``reason``, ``channel``, ``expires_on``, ``is_holdout``, ``offer``, ``rank``,
        ``return_amount``, ``net_amount``.
    """
    day = str(bank.date or bank.report_on)
    told = [
        f"lost; {one.reason.replace('_', ' ')}; a return is worth {amount_text(one.return_amount, bank.currency)}"
        for one in chosen.itertuples()
    ]
    reasons = pd.Series(told, index=chosen.index, dtype="str")
    listed = call_list(reasons, chosen, day=day, days=days, holdout_share=holdout_share, seed=seed)
    return listed.assign(
        channel=chosen["channel"],  # what the policy allows a former customer
        offer=offers.reindex(chosen.index),
        rank=np.arange(1, len(chosen) + 1),
        return_amount=chosen["return_amount"].round(2),
        net_amount=chosen["net_amount"].round(2),
    )


def complaints_open(bank: Bank) -> frozenset[str]:
    """Return customers with a complaint that was never settled: settle it before anything is offered."""
    if not bank.has("interactions"):
        return frozenset()
    known = bank.columns("interactions")
    if "resolved_at" not in known:
        return frozenset()
    outcome = "coalesce(outcome, '') = 'not_solved'" if "outcome" in known else "false"
    rows = bank.sql(
        f"select distinct customer_id from interactions where kind = 'complaint' and (resolved_at is null or {outcome})"
    ).fetchall()
    return frozenset(one for (one,) in rows)
