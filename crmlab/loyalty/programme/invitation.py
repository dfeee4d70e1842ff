"""What campaigns drawn by lot did: invitations to join, and what they tell of membership."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.outreach.arms import arms
from crmlab.outreach.trials import campaign_contacts
from crmlab.stats import Estimate, share_text
from crmlab.stats.experiments import difference_of_means, difference_of_shares

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["STRONG", "Trial", "trial_of"]

STRONG = 10.0  # F of the first stage from which an invitation may stand in for joining (Staiger and Stock 1997)
_AFTER_MONTHS = 6


@dataclass(frozen=True)
class Trial:
    """What a kind of campaign, drawn by lot, did to those it chose.

    Parameters
    ----------
    acts : Estimate
        Did what was wanted (joined, stayed), invited less held out: difference of shares.
    spending : Estimate or None
        Card spending a month in the half year after, invited less held out, in currency.
    first_stage_f : float
        F of the effect on acting; below 10 the invitation says nothing of what acting itself does.
    base_share : float
        Share of those held out who acted.
    said : str
        Contacts, campaigns, and what was left out.
    contact_ids : tuple of str
        Contacts compared.
    """

    acts: Estimate
    spending: Estimate | None
    first_stage_f: float
    base_share: float
    said: str
    contact_ids: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_strong(self) -> bool:
        """Whether the draw moves acting enough to stand in for it."""
        return self.first_stage_f >= STRONG


def trial_of(bank: Bank, *, goal: str = "activation") -> tuple[Trial | None, str]:
    """Estimate what being invited by lot did, over all campaigns of a goal.

    Parameters
    ----------
    bank : Bank
        As of a day.
    goal : str
        ``activation`` (join the points programme) or ``retention`` (stay).

    Returns
    -------
    tuple of (Trial or None, str)
        None, and why, where no campaign of the goal was drawn by lot.

    Notes
    -----
    Arms as they were drawn, whoever opened the message (intention to treat); differences among customers with the same
    planned hold-out share, where all had the same chance to be treated, weighted by customers. Campaigns whose arms are
    not as planned (`crmlab.outreach.arms.arms`) are left out. A customer chosen by several campaigns was drawn anew
    each time and counts each time; for spending, which would be counted twice, only the first.
    """
    rows = campaign_contacts(bank, goal=goal)
    rows = rows[rows["is_randomised"].astype(bool)] if len(rows) else rows
    if rows.empty:
        return None, f"no campaign of the kind {goal!r} was drawn by lot and is over"
    odd = arms(bank).frame
    wrong = set(odd.loc[odd["is_alarm"].astype(bool), "campaign_id"]) if len(odd) else set()
    kept = rows[~rows["campaign_id"].isin(wrong)].sort_values(["assigned_on", "contact_id"], kind="stable")
    both = kept.groupby("campaign_id")["is_treated"].nunique()
    kept = kept[kept["campaign_id"].isin(both.index[both == 2])]
    if kept.empty:
        return None, f"no campaign of the kind {goal!r} has both arms as they were planned"
    kept = kept.assign(stratum=kept["holdout_share"].fillna(-1.0))
    wanted = pd.MultiIndex.from_product([["sum", "size"], [True, False]])
    counts = kept.groupby(["stratum", "is_treated"])["has_acted"].agg(["sum", "size"]).unstack("is_treated")
    counts = counts.reindex(columns=wanted).fillna(0)
    acts = difference_of_shares(
        *((counts["sum", arm].to_numpy(), counts["size", arm].to_numpy()) for arm in (True, False))
    )
    error = (acts.high - acts.low) / (2 * 1.96)
    base = float(kept.loc[~kept["is_treated"].astype(bool), "has_acted"].mean())
    said = (
        f"{len(kept):,} contacts in {kept['campaign_id'].nunique()} campaigns drawn by lot; of those held out "
        f"{share_text(base)} did what was wanted."
    )
    if wrong:
        said += f" {len(wrong)} campaigns are left out: their arms are not as planned."
    strength = float((acts.value / error) ** 2) if error > 0 else float("nan")
    spending = _spending(bank, kept.drop_duplicates("customer_id")) if goal == "activation" else None
    return Trial(acts, spending, strength, base, said, tuple(kept["contact_id"])), ""


def _spending(bank: Bank, kept: pd.DataFrame) -> Estimate | None:
    """Card spending a month of both arms, in the six whole months after the month of the draw."""
    if not bank.has("transactions", "accounts"):
        return None
    last = bank.date or bank.report_on
    begins = kept["assigned_on"].dt.to_period("M") + 1
    over = (pd.Timestamp(last) + pd.Timedelta(days=1)).to_period("M")
    known = kept[(begins + _AFTER_MONTHS <= over).to_numpy()]
    if known.empty:
        return None
    rows = bank.to_frame(bank.sql(
        "select customer_id, year(booked_on) * 12 + month(booked_on) as month, sum(-amount) as amount from transactions"
        " join accounts using (account_id) where kind = 'card_payment' and amount < 0 group by all"
    ))  # fmt: skip
    first = known["assigned_on"].dt.year * 12 + known["assigned_on"].dt.month + 1
    spent = known[["customer_id"]].assign(first=first).merge(rows, on="customer_id", how="left")
    inside = (spent["month"] >= spent["first"]) & (spent["month"] < spent["first"] + _AFTER_MONTHS)
    total = spent[inside].groupby("customer_id")["amount"].sum() / _AFTER_MONTHS
    y = known["customer_id"].map(total).fillna(0.0).to_numpy(dtype=float)
    if not np.any(y):
        return None
    return difference_of_means(
        y, known["is_treated"].astype(bool), strata=known["stratum"].to_numpy(), unit=bank.currency
    )
