"""Who is worth a contact: expected net value, break-even effect, and whom not to wake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.stats import Estimate, percentile_limits
from crmlab.winback.contact_effects import ContactEffects, effect_draws
from crmlab.winback.returning import UninvitedReturns
from crmlab.winback.second_life import SecondLife

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["Costs", "Terms", "contact_costs", "contact_worth", "expected_gain", "left_in_peace"]

_USUAL_COST = {"phone": 6.50, "email": 0.05, "sms": 0.10, "social": 0.20}  # assumed where no contact has a cost on file
_CAMPAIGN_MONTHS = 2  # in which a return counts as the campaign's


@dataclass(frozen=True)
class Costs:
    """What contacting costs, in the bank's currency.

    Parameters
    ----------
    by_channel : dict of str to float
        Of one contact.
    fixed_amount : float
        Of preparing one campaign.
    is_known : bool
        Read from the bank's own contacts; else assumed.
    """

    by_channel: dict[str, float]
    fixed_amount: float
    is_known: bool


@dataclass(frozen=True)
class Terms:
    """What the bank decides before anybody is scored.

    Parameters
    ----------
    horizon_years : int
        Years of the second life that count.
    discount_share : float
        Rate a year.
    incentive_amount : float
        Paid to each who comes back after a contact, also to those who would have come anyway; 0 for none.
    lost_months : int
        Only those lost within so many months.
    """

    horizon_years: int = 3
    discount_share: float = 0.08
    incentive_amount: float = 0.0
    lost_months: int = 24

    def __post_init__(self) -> None:
        refuse(
            *(
                []
                if isinstance(self.horizon_years, int) and self.horizon_years >= 1
                else [f"horizon_years is {self.horizon_years!r}. Give whole years, 1 or more."]
            ),
            *([] if self.discount_share >= 0 else [f"discount_share is {self.discount_share}. Give 0 or more."]),
            *([] if self.incentive_amount >= 0 else [f"incentive_amount is {self.incentive_amount}. Give 0 or more."]),
            *([] if self.lost_months >= 1 else [f"lost_months is {self.lost_months}. Give 1 or more."]),
        )


def contact_costs(effects: ContactEffects) -> Costs:
    """Read what a contact and a campaign cost from past campaigns to win back."""
    paid = effects.contacts[effects.contacts["is_treated"].astype(bool)] if len(effects.contacts) else effects.contacts
    known = paid.groupby("channel")["cost_amount"].mean().dropna() if len(paid) else pd.Series(dtype=float)
    fixed = paid.drop_duplicates("campaign_id")["fixed_cost_amount"].mean() if len(paid) else np.nan
    costs = {**_USUAL_COST, **{str(name): float(cost) for name, cost in known.items()}}
    return Costs(costs, float(fixed) if np.isfinite(fixed) else 0.0, bool(len(known)))


def contact_worth(
    people: pd.DataFrame,
    policy: pd.DataFrame,
    reasons: pd.Series,
    *,
    effects: ContactEffects,
    uninvited: UninvitedReturns,
    second: SecondLife,
    costs: Costs,
    terms: Terms,
    unsettled: set[str] | frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """Score each lost customer who is not back: worth of a return, break-even effect, expected net value, verdict.

    Parameters
    ----------
    people : DataFrame
        From `crmlab.winback.lost.lost_customers`: those lost by choice and not back.
    policy : DataFrame
        From `crmlab.outreach.policy.may_contact`.
    reasons : Series of str
        From `crmlab.winback.reasons.name_reasons`; may lack customers.
    unsettled : set of str
        Customers whose complaint was never settled.

    Returns
    -------
    DataFrame
        Indexed as `people`: ``channel``, ``reason``, ``p_uninvited`` (within the two months of a campaign),
        ``return_amount`` (worth of a return today), ``cost_amount``, ``break_even_share`` (effect at which the contact
        pays; empty where none does), ``net_amount`` (expected, by the mean effect; empty where none is known),
        ``verdict`` ("worth a contact" or why not).

    Notes
    -----
    Net = effect x (worth - incentive) - incentive x p_uninvited - cost: who would have come back anyway costs the
    incentive and brings nothing. The effect is the mean of the trials for all: the returns in them are too few to say
    on whom a contact works best, so the ranking is by worth. Break-even effect: (cost + incentive x p_uninvited) /
    (worth - incentive). Treat where it gains (Haupt and Lessmann): not who answers most, but who gains most.

    The verdicts, the first that holds: may not be contacted (consent, rest, a trial that runs); complaint still open:
    settle first; lost too long ago; worth of a return below the incentive or not above 0; cost above what the mean
    effect brings; otherwise worth a contact. Without a trial no cost is compared with an effect that nobody knows.
    """
    refuse(*([] if people.index.is_unique else ["contact_worth: people has customers twice. One row a customer."]))
    frame = pd.DataFrame(index=people.index)
    frame["channel"] = policy["channel"].reindex(people.index).fillna("").astype("str")
    frame["reason"] = reasons.reindex(people.index).fillna("not known").astype("str")
    frame["p_uninvited"] = uninvited.chance(people, months=_CAMPAIGN_MONTHS)
    margin = people["margin_amount"].astype(float)
    frame["return_amount"] = second.worth(
        margin, discount_share=terms.discount_share, horizon_years=terms.horizon_years
    )
    frame["cost_amount"] = frame["channel"].map(costs.by_channel).astype(float)
    gives = terms.incentive_amount * frame["p_uninvited"]
    gain = frame["return_amount"] - terms.incentive_amount
    frame["break_even_share"] = ((frame["cost_amount"] + gives) / gain).where(gain > 0)
    effect = effects.working_effect
    frame["net_amount"] = effect * gain - gives - frame["cost_amount"] if np.isfinite(effect) else np.nan
    why = policy["why_not"].reindex(people.index).fillna("not on file").astype("str")
    verdict = pd.Series("worth a contact", index=people.index, dtype="str")
    if np.isfinite(effect):
        anyway = (effect * gain > frame["cost_amount"]) & (frame["net_amount"] <= 0)
        verdict = verdict.mask(frame["net_amount"] <= 0, "costs more than it brings")
        verdict = verdict.mask(anyway, "would come back anyway: the incentive eats the gain")
    verdict = verdict.mask(~(gain > 0), "a return is worth nothing")
    verdict = verdict.mask(margin.isna(), "worth not known")
    verdict = verdict.mask(people["months_since"] >= terms.lost_months, "lost too long ago")
    verdict = verdict.mask(people.index.isin(unsettled), "complaint still open: settle first")
    verdict = verdict.mask(why != "", why)
    return frame.assign(verdict=verdict)


def expected_gain(
    scored: pd.DataFrame,
    people: pd.DataFrame,
    *,
    effects: ContactEffects,
    second: SecondLife,
    costs: Costs,
    terms: Terms,
    currency: str,
    seed: int = 1,
) -> Estimate:
    """Estimate what contacting all of these would gain, after all costs, with its interval.

    Parameters
    ----------
    scored : DataFrame
        Rows of `contact_worth` that are contacted.
    people : DataFrame
        As in `contact_worth`.
    currency : str
        Of the bank.

    Returns
    -------
    Estimate
        Not known without a trial, or where nobody is contacted.

    Notes
    -----
    Draws of effect, second-life ratio and leaving again, each by its own law, through the same sum. A campaign's fixed
    cost counts once for each channel used. The list was chosen by the mean effect, and the interval takes it as given.
    """
    draws = effect_draws(effects.trials, seed=seed)
    method = f"{len(draws):,} draws of effect and second life"
    if not len(draws) or not len(scored):
        return Estimate(float("nan"), currency, n=len(scored), method="no trial" if not len(draws) else "nobody")
    margin = float(people["margin_amount"].reindex(scored.index).sum())
    factor = second.factor_draws(discount_share=terms.discount_share, horizon_years=terms.horizon_years)[: len(draws)]
    n, gives = len(scored), terms.incentive_amount
    fixed = costs.fixed_amount * scored["channel"].nunique()
    cost = float(scored["cost_amount"].sum()) + fixed + gives * float(scored["p_uninvited"].sum())
    gains = draws * (margin * factor - n * gives) - cost
    at_mean = second.worth(margin, discount_share=terms.discount_share, horizon_years=terms.horizon_years)
    value = effects.effect.value * (float(at_mean) - n * gives) - cost
    low, high = (float(limit) for limit in percentile_limits(gains))
    return Estimate(value, currency, min(low, value), max(high, value), n=n, method=method)


def left_in_peace(bank: Bank, *, silent_days: int = 180) -> int:
    """Count silent customers who are still here: a contact may remind them to close.

    Notes
    -----
    In a field experiment, customers contacted to keep them left more often: 10.0 against 6.4 % (Ascarza, Iyengar and
    Schleicher 2016, Journal of Marketing Research 53). They are not lost, and not on this list. Counted: here, with
    an account open for longer, and no act of their own for `silent_days`; 0 where the bookings reach back less far.
    """
    if not bank.has("transactions", "accounts"):
        return 0
    day = bank.date or bank.report_on
    begins = bank.sql("select min(booked_on) from transactions").fetchall()[0][0]
    if (day - begins).days < silent_days:
        return 0
    left = "customers.left_on is null" if "left_on" in bank.columns("customers") else "true"
    closed = "closed_on is null" if "closed_on" in bank.columns("accounts") else "true"
    since = f"date '{day}' - interval {int(silent_days)} day"
    query = (
        "select customers.customer_id from customers join accounts using (customer_id) left join transactions on"
        " transactions.account_id = accounts.account_id and is_customer_initiated"
        f" where {left} and {closed} and opened_on < {since} group by 1"
        f" having max(booked_on) is null or max(booked_on) < {since}"
    )
    return len(bank.sql(query).fetchall())
