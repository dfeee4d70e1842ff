"""The second life: what those who came back yield, how long they stay, and what a return is worth today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.stats import Estimate, percentile_limits, rate, resample_weights
from crmlab.stats.annuity import present_value
from crmlab.winback.lost import BY_CHOICE
from crmlab.winback.margins import month_margins, month_number

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["SecondLife", "returned_customers", "second_life", "second_life_by_way"]

_FEWEST = 10  # returns with a known margin, below which nothing is measured
_DRAWS = 2_000
_FIRST_STAY = 12.0  # months of the bank's usual loss that are added to what returned customers showed


def returned_customers(bank: Bank, lost: pd.DataFrame) -> pd.DataFrame:
    """List those who came back, with what they yield now and yielded before.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    lost : DataFrame
        From `crmlab.winback.lost.lost_customers`.

    Returns
    -------
    DataFrame
        Indexed by the old ``customer_id``: ``back_as``, ``months_count`` (month-ends of the second life),
        ``second_amount`` (their margin in all), ``first_amount`` (what the first life would have yielded in as many
        months, by its margin a year before the fade; empty where not known), ``stayed_months`` (until they left again
        or the day), ``left_again`` (by their own choice).
    """
    back = lost[lost["is_back"] & (lost["way"] == BY_CHOICE)]
    day = pd.Timestamp(bank.date or bank.report_on)
    margins = month_margins(bank)
    mine = margins.groupby("customer_id")["margin_amount"].agg(["sum", "size"])
    mine = mine.reindex(back["back_as"].to_numpy())
    again = lost.reindex(back["back_as"].to_numpy())
    until = again["left_on"].to_numpy()
    until = np.where(pd.isna(until), day, until) if len(again) else until
    frame = pd.DataFrame({"back_as": back["back_as"]}, index=back.index)
    frame["months_count"] = mine["size"].fillna(0).to_numpy(dtype=int)
    frame["second_amount"] = mine["sum"].fillna(0.0).to_numpy()
    first = back["margin_amount"].where(back["is_before_fade"].astype(bool))
    frame["first_amount"] = first * frame["months_count"] / 12
    stayed = month_number(pd.Series(until, index=back.index)) - month_number(back["back_on"]) if len(back) else []
    frame["stayed_months"] = np.maximum(np.asarray(stayed, dtype=float), 0)
    frame["left_again"] = (again["way"] == BY_CHOICE).to_numpy()
    return frame


@dataclass(frozen=True)
class SecondLife:
    """What a return is worth, relative to what the customer yielded before.

    Parameters
    ----------
    ratio : Estimate
        Margin of the second life for one of the first.
    leaving : Estimate
        Share of those who came back that leaves again in a month.
    is_measured : bool
        Enough came back; else the ratio is 1 by assumption and has no interval.
    ratio_draws, leaving_draws : array
        Values that agree with what was seen, for intervals of money.
    """

    ratio: Estimate
    leaving: Estimate
    is_measured: bool
    ratio_draws: np.ndarray
    leaving_draws: np.ndarray

    def worth(self, margins: object, *, discount_share: float, horizon_years: int) -> np.ndarray:
        """Return what a return of each lost customer is worth today.

        Parameters
        ----------
        margins : array-like of float
            Margin a year of the first life; may be negative.
        discount_share : float
            Rate a year, 0 or more.
        horizon_years : int
            Whole years that count, 1 or more.

        Notes
        -----
        Margin x ratio, month by month while the customer stays, discounted; the first month's comes at its end
        (`crmlab.stats.annuity.present_value`). One ratio and one chance to leave for all: the returns are too few to
        tell kinds apart.
        """
        factor = _factor(self.leaving.value, discount_share, horizon_years)
        return np.asarray(margins, dtype=float) * self.ratio.value * factor

    def factor_draws(self, *, discount_share: float, horizon_years: int) -> np.ndarray:
        """Return draws of what one unit of margin a year of the first life is worth."""
        factors = _factor(self.leaving_draws, discount_share, horizon_years)
        return self.ratio_draws * factors


def second_life(returned: pd.DataFrame, usual_leaving: float, *, seed: int = 1) -> SecondLife:
    """Measure what second lives yield and how long they last.

    Parameters
    ----------
    returned : DataFrame
        From `returned_customers`.
    usual_leaving : float
        Share of all customers that leaves by choice in a month, towards which few returns are pulled.
    seed : int
        Of the draws.

    Notes
    -----
    Ratio: all margin of second lives over what the first lives would have yielded in the same months; customers
    resampled (percentiles). Both lives are counted over the months seen, and second lives are young, so what grows
    later is not in it. Below ten returns the ratio is taken as 1, the same as before, and called an assumption.

    Leaving again: events over months, a year of the usual leaving added for each, so that three returns do not say
    never; draws from the gamma law behind it. Those who came back by themselves are not those whom a contact brings:
    with few returns after contacts the two cannot be told apart (`second_life_by_way`).

    References
    ----------
    Thomas, Blattberg and Fox (2004), Recapturing lost customers, Journal of Marketing Research 41; Kumar, Bhagwat and
    Zhang (2015), Regaining lost customers, Journal of Marketing 79: score the second life, not the response.
    """
    known = returned[returned["first_amount"].fillna(0) > 0]
    rng = np.random.default_rng(seed)
    if len(known) >= _FEWEST:
        second, first = known["second_amount"].to_numpy(), known["first_amount"].to_numpy()
        draws = np.array(
            [
                weights @ second / (weights @ first)
                for weights in resample_weights(len(known), resamples=_DRAWS, seed=seed)
            ]
        )
        low, high = percentile_limits(draws)
        method = f"bootstrap, {_DRAWS:,} resamples of customers"
        ratio = Estimate(second.sum() / first.sum(), "of the first life", float(low), float(high),
                         n=len(known), method=method)  # fmt: skip
    else:
        draws = np.ones(_DRAWS)
        ratio = Estimate(1.0, "of the first life", n=len(known), method="assumed: too few came back")
    events, months = float(returned["left_again"].sum()), float(returned["stayed_months"].sum())
    usual = usual_leaving if np.isfinite(usual_leaving) and usual_leaving > 0 else 0.005
    shape, scale = events + _FIRST_STAY * usual + 0.5, months + _FIRST_STAY
    draws_leaving = np.minimum(rng.gamma(shape, 1 / scale, _DRAWS), 1.0)
    low, high = percentile_limits(draws_leaving)
    mean = (events + _FIRST_STAY * usual) / scale
    leaving = Estimate(mean, "share", min(float(low), mean), float(high), n=len(returned),
                       method="gamma law, pulled towards all customers")  # fmt: skip
    return SecondLife(ratio, leaving, len(known) >= _FEWEST, draws, draws_leaving)


def second_life_by_way(returned: pd.DataFrame, contacts: pd.DataFrame, lost: pd.DataFrame) -> pd.DataFrame:
    """Compare those who came back after a contact with those who came back by themselves.

    Returns
    -------
    DataFrame
        ``way`` (after a contact, uninvited), ``customers_count``, ``margin_amount`` (a year of the second life, mean),
        ``first_life_amount`` (a year of the first, mean).
    """
    treated = contacts[contacts["is_treated"].astype(bool)] if len(contacts) else contacts
    back = lost.loc[returned.index, ["back_on", "margin_amount"]]
    spans = treated.merge(back, left_on="customer_id", right_index=True) if len(treated) else pd.DataFrame()
    if len(spans):
        inside = (spans["back_on"] >= spans["assigned_on"]) & (spans["back_on"] <= spans["ended_on"])
        brought = set(spans.loc[inside, "customer_id"])
    else:
        brought = set()
    way = np.where(returned.index.isin(brought), "after a contact", "uninvited")
    year = 12 * returned["second_amount"] / returned["months_count"].where(returned["months_count"] > 0)
    rows = pd.DataFrame({"way": way, "margin_amount": year, "first_life_amount": back["margin_amount"]})
    found = rows.groupby("way").agg(
        customers_count=("way", "size"),
        margin_amount=("margin_amount", "mean"),
        first_life_amount=("first_life_amount", "mean"),
    )
    return found.reset_index()


def usual_leaving(bank: Bank, lost: pd.DataFrame, *, months: int = 12) -> Estimate:
    """Estimate the share of customers that leaves by choice in a month."""
    left = "where left_on is null" if "left_on" in bank.columns("customers") else ""
    here = bank.sql(f"select count(*) from customers {left}").fetchall()[0][0]
    gone = lost[(lost["way"] == BY_CHOICE) & (lost["months_since"] < months)]
    exposure = months * (here + len(gone) / 2)
    if not exposure:
        return Estimate(float("nan"), "share", n=0, method="no customers")
    return rate(len(gone), exposure, unit="share")


def _factor(leaving: object, discount_share: float, horizon_years: int) -> np.ndarray:
    """Worth today of one unit of margin a year, paid by the month while the customer stays."""
    refuse(
        *([] if discount_share >= 0 else [f"second_life: discount_share is {discount_share}. Give 0 or more."]),
        *(
            []
            if isinstance(horizon_years, int) and horizon_years >= 1
            else [f"second_life: horizon_years is {horizon_years!r}. Give whole years, 1 or more."]
        ),
    )
    stays = 1 - np.asarray(leaving, dtype=float)
    monthly = (1 + discount_share) ** (1 / 12) - 1
    return present_value(
        np.full(stays.shape, 1 / 12), retention=stays, discount=monthly, periods=12 * horizon_years, pays_first=False
    )
