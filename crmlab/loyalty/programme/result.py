"""What the programme earns in a year: margin brought, less rewards, less what is owed more than a year ago."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.loyalty.programme.ledger import Ledger
from crmlab.loyalty.programme.liability import Liability
from crmlab.stats import Estimate

__all__ = ["ProgrammeYear", "programme_year"]

_YEAR = pd.DateOffset(months=12)


@dataclass(frozen=True)
class ProgrammeYear:
    """The account of the last twelve months.

    Parameters
    ----------
    items : DataFrame
        ``item``, ``amount``, ``low``, ``high`` (currency; costs negative).
    net : Estimate or None
        Margin brought less rewards less change of the liability; None where the margin brought is not known.
    rewards : Estimate
        Worth of what was redeemed, exact.
    cost_amount : float
        Rewards and change of the liability.
    break_even_amount : float
        Margin a member a year at which the programme pays for itself.
    members_count : int
        Members who earned or redeemed in the last twelve months.
    months : int
        Months of the ledger within the last twelve.
    """

    items: pd.DataFrame
    net: Estimate | None
    rewards: Estimate
    cost_amount: float
    break_even_amount: float
    members_count: int
    months: int

    @property
    def return_share(self) -> Estimate | None:
        """Net result over what the programme cost; None where the margin brought is not known."""
        cost = self.cost_amount
        if self.net is None or not cost > 0:
            return None
        one = self.net
        return Estimate(one.value / cost, "share", one.low / cost, one.high / cost, one.n, one.method, one.level)


def programme_year(ledger: Ledger, owed: Liability, margin: Estimate | None, *, currency: str) -> ProgrammeYear:
    """Put what the programme brings beside what it costs.

    Parameters
    ----------
    ledger : Ledger
        Of the day.
    owed : Liability
        Of the same day.
    margin : Estimate or None
        Margin a year that a member brings more than without membership, with its interval
        (`crmlab.loyalty.programme.membership.membership`); never what members yield or spend.
    currency : str
        Code of the currency.

    Notes
    -----
    Margin brought is the effect on those who joined lately, times all active members: members of old are taken to gain
    as much. The change of the liability is counted at today's rates, so a new estimate of the rates is no result of the
    year. Running costs of the programme are not in the tables and not in the account. The interval adds the errors of
    the margin and of the liability as independent.
    """
    since = ledger.last_on - _YEAR
    rows = ledger.entries[ledger.entries["booked_on"] > since]
    spent = rows[rows["kind"] == "redeem"]
    rewards = float(spent["value_amount"].sum())
    if spent["value_amount"].isna().all() and len(spent):
        rewards = float("nan")
    members = int(rows.loc[rows["kind"].isin(["earn", "redeem"]), "customer_id"].nunique())
    first = ledger.entries["booked_on"].min() if len(ledger.entries) else ledger.last_on
    months = int(min(12, (ledger.last_on - first).days // 30 + 1))
    change = owed.change_amount
    items = [("Rewards redeemed", -rewards, -rewards, -rewards)]
    spread = 0.0
    if np.isfinite(change):
        relative = 0.0
        if owed.amount.low is not None and owed.amount.value > 0:
            relative = (owed.amount.high - owed.amount.low) / 2 / owed.amount.value
        spread = abs(change) * relative
        items.append(("Change of the liability", -change, -change - spread, -change + spread))
    cost = 0.0 - sum(amount for _, amount, _, _ in items)
    net = None
    if margin is not None and margin.low is not None and np.isfinite(cost) and members:
        brought = [members * one for one in (margin.value, margin.low, margin.high)]
        items.insert(0, ("Margin brought", *brought))
        half = float(np.hypot((brought[2] - brought[1]) / 2, spread))
        value = brought[0] - cost
        net = Estimate(value, currency, value - half, value + half, margin.n, "errors of margin and liability added")
        items.append(("Net result", net.value, net.low, net.high))
    return ProgrammeYear(
        pd.DataFrame(items, columns=["item", "amount", "low", "high"]),
        net,
        Estimate(rewards, currency, n=len(spent)),
        cost,
        cost / members if members else float("nan"),
        members,
        months,
    )
