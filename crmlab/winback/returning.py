"""Who comes back without being asked: the chance a month since leaving, what goes with it, and is it calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.stats import Estimate, rate, rates
from crmlab.winback.lost import BY_CHOICE
from crmlab.winback.margins import month_number
from crmlab.winback.rare_logit import RareLogit, fit_rare_logit

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["UninvitedReturns", "calibrated_late", "lost_months", "return_curve", "returns_by", "uninvited_returns"]

_COLUMNS = ("months_since", "is_main_bank", "age_decades")  # in the order in which few events can carry them
_EVENTS_A_COLUMN = 10
_BANDS = ((1, 3), (4, 6), (7, 12), (13, 24), (25, 36), (37, 60))


def lost_months(bank: Bank, lost: pd.DataFrame, contacts: pd.DataFrame) -> pd.DataFrame:
    """List each month in which a lost customer could come back, and whether they did.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    lost : DataFrame
        From `crmlab.winback.lost.lost_customers`.
    contacts : DataFrame
        From `crmlab.outreach.trials.campaign_contacts` with goal ``win_back``.

    Returns
    -------
    DataFrame
        One row a customer lost by choice and whole month after leaving, until they are back or the day:
        ``customer_id``, ``month`` (number, see `month_number`), ``months_since``, ``is_main_bank``, ``age_decades``,
        ``is_contacted`` (a campaign spoke to them and still counts), ``returned``.

    Notes
    -----
    The month of leaving itself does not count. Contacted means treated, from the month of the contact to the last month
    of the campaign; those held out are uninvited.
    """
    day = pd.Timestamp(bank.date or bank.report_on)
    final = int(month_number([day])[0]) - (0 if day.is_month_end else 1)
    gone = lost[(lost["way"] == BY_CHOICE) & lost["has_held"]]
    start = month_number(gone["left_on"]).astype(int) if len(gone) else np.zeros(0, dtype=int)
    back = month_number(gone["back_on"])
    until = np.where(np.isfinite(back), np.minimum(np.nan_to_num(back, nan=0), final), final).astype(int)
    times = np.maximum(until - start, 0)
    at = np.repeat(np.arange(len(gone)), times)
    since = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times) + 1
    month = start[at] + since
    age = gone["age_years"].to_numpy(dtype=float)
    age = np.where(np.isfinite(age), age, np.nanmedian(age) if np.isfinite(age).any() else 50.0)
    frame = pd.DataFrame(
        {
            "customer_id": gone.index.to_numpy()[at],
            "month": month,
            "months_since": since,
            "is_main_bank": gone["is_main_bank"].to_numpy(dtype=bool)[at],
            "age_decades": (age[at] + since / 12) / 10,
            "returned": month == np.where(np.isfinite(back), back, -1)[at],
        }
    )
    return frame.assign(is_contacted=_contacted(frame, contacts))


def _contacted(frame: pd.DataFrame, contacts: pd.DataFrame) -> np.ndarray:
    treated = contacts[contacts["is_treated"].astype(bool)] if len(contacts) else contacts
    if not len(treated) or not len(frame):
        return np.zeros(len(frame), dtype=bool)
    spans = pd.DataFrame(
        {
            "customer_id": treated["customer_id"].to_numpy(),
            "from": month_number(treated["assigned_on"]),
            "to": month_number(treated["ended_on"]),
        }
    )
    rows = frame[["customer_id", "month"]].assign(row=np.arange(len(frame))).merge(spans, on="customer_id")
    within = rows[(rows["month"] >= rows["from"]) & (rows["month"] <= rows["to"])]["row"]
    return np.isin(np.arange(len(frame)), within)


@dataclass(frozen=True)
class UninvitedReturns:
    """Chance to come back uninvited, month by month.

    Parameters
    ----------
    rate : Estimate
        Share that comes back in a month, over all lost months without a contact.
    model : RareLogit or None
        What the chance goes with; None where events are too few for any column, then it is the rate for all.
    columns : tuple of str
        Columns of the model.
    """

    rate: Estimate
    model: RareLogit | None
    columns: tuple[str, ...]

    def chance(self, people: pd.DataFrame, *, months: int = 1) -> pd.Series:
        """Return the chance of each lost customer to come back uninvited within the next months.

        Parameters
        ----------
        people : DataFrame
            Rows of `crmlab.winback.lost.lost_customers`.
        months : int
            Whole months ahead.
        """
        alone = np.ones(len(people))
        age = people["age_years"].astype(float)
        age = age.fillna(age.median() if age.notna().any() else 50.0)
        for ahead in range(1, months + 1):
            if self.model is None:
                p = np.full(len(people), self.rate.value if np.isfinite(self.rate.value) else 0.0)
            else:
                since = people["months_since"].to_numpy(dtype=float) + ahead
                known = {
                    "months_since": since,
                    "is_main_bank": people["is_main_bank"].to_numpy(dtype=float),
                    "age_decades": (age.to_numpy() + since / 12) / 10,
                }
                p = self.model.predict(np.column_stack([known[name] for name in self.columns]))
            alone *= 1 - p
        return pd.Series(1 - alone, index=people.index, name="p_uninvited")


def uninvited_returns(months: pd.DataFrame) -> UninvitedReturns:
    """Learn the chance to come back uninvited from the lost months without a contact.

    Parameters
    ----------
    months : DataFrame
        From `lost_months`.

    Notes
    -----
    A discrete-time hazard: log odds of each month, by months since leaving, whether this was the main bank, and age, in
    this order, one column for every ten returns; below ten returns everybody has the same chance. Fitted by Firth's
    method (`crmlab.winback.rare_logit`). The interval of the rate is the exact one of a Poisson count: each customer
    comes back once.

    References
    ----------
    Allison (1982), Discrete-time methods for the analysis of event histories, Sociological Methodology 13.
    """
    alone = months[~months["is_contacted"].astype(bool)]
    events = int(alone["returned"].sum())
    if not len(alone):
        return UninvitedReturns(Estimate(float("nan"), "share", n=0, method="nobody could come back"), None, ())
    found = rate(events, len(alone), unit="share")
    usable = [name for name in _COLUMNS if alone[name].nunique() > 1][: events // _EVENTS_A_COLUMN]
    if not usable:
        return UninvitedReturns(found, None, ())
    model = fit_rare_logit(alone[usable].to_numpy(dtype=float), alone["returned"].to_numpy(dtype=int))
    return UninvitedReturns(found, model, tuple(usable))


def return_curve(months: pd.DataFrame) -> pd.DataFrame:
    """Show how many of those still away come back uninvited in a month, by the time since leaving.

    Returns
    -------
    DataFrame
        ``band`` (months since leaving), ``returns_count``, ``months_count`` (customer-months), ``rate``, ``rate_low``,
        ``rate_high`` (a month, exact Poisson).

    Examples
    --------
    >>> rows = {"months_since": [1, 2, 3, 4], "returned": [0, 1, 0, 0], "is_contacted": False}
    >>> return_curve(pd.DataFrame(rows))[["band", "returns_count", "months_count"]].to_numpy().tolist()
    [['1 to 3', 1, 3], ['4 to 6', 0, 1]]
    """
    alone = months[~months["is_contacted"].astype(bool)]
    rows = []
    for first, last in _BANDS:
        part = alone[(alone["months_since"] >= first) & (alone["months_since"] <= last)]
        if len(part):
            rows.append((f"{first} to {last}", int(part["returned"].sum()), len(part)))
    frame = pd.DataFrame(rows, columns=["band", "returns_count", "months_count"])
    return frame.join(rates(frame["returns_count"], frame["months_count"].astype(float)))


def returns_by(months: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Compare how often groups of lost customers come back uninvited.

    Parameters
    ----------
    months : DataFrame
        From `lost_months`.
    groups : Series of str
        Group by ``customer_id``, such as the reason named.

    Returns
    -------
    DataFrame
        ``group``, ``customers_count``, ``returns_count``, ``rate`` with its limits: a year, by 12 times the monthly
        rate.
    """
    alone = months[~months["is_contacted"].astype(bool)]
    alone = alone.assign(group=alone["customer_id"].map(groups))
    parts = alone.groupby("group").agg(
        customers_count=("customer_id", "nunique"), returns_count=("returned", "sum"), months_count=("returned", "size")
    )
    found = 12 * rates(parts["returns_count"].astype(float), parts["months_count"].astype(float))
    return parts.drop(columns="months_count").join(found).sort_values("customers_count", ascending=False).reset_index()


def calibrated_late(months: pd.DataFrame, *, test_months: int = 12) -> Estimate:
    """Hold the chances learned from earlier months against the returns of the last ones.

    Parameters
    ----------
    months : DataFrame
        From `lost_months`.
    test_months : int
        Last months, which nothing is learned from.

    Returns
    -------
    Estimate
        Returns that came, for one expected: 1 is right. Exact Poisson interval of the count; not known where the
        earlier months saw no return or the later ones expect none.
    """
    alone = months[~months["is_contacted"].astype(bool)]
    method = "observed over expected, exact Poisson"
    unknown = Estimate(float("nan"), "of those expected", n=0, method=method)
    if not len(alone):
        return unknown
    cut = alone["month"].max() - test_months
    learned = uninvited_returns(alone[alone["month"] <= cut])
    late = alone[alone["month"] > cut]
    if not (np.isfinite(learned.rate.value) and learned.rate.value > 0) or not len(late):
        return unknown
    if learned.model is None:
        expected = learned.rate.value * len(late)
    else:
        expected = float(learned.model.predict(late[list(learned.columns)].to_numpy(dtype=float)).sum())
    found = rate(int(late["returned"].sum()), expected, unit="of those expected")
    return Estimate(found.value, found.unit, found.low, found.high, n=int(late["returned"].sum()), method=method)
