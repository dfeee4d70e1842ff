"""Months in which customers contacted the bank about one thing far more than usual: what may explain a bad month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from scipy import stats as laws

from crmlab.stats.differences import holm

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["contact_surges", "surges_on"]

_TIMES = 4.0  # of the usual number; less is season and growth
_FEWEST = 10  # contacts of a month that is told
_MOST = 3
_LEVEL = 0.001


def surges_on(bank: Bank) -> pd.DataFrame:
    """Find such months in a bank's table of contacts.

    Parameters
    ----------
    bank : Bank
        As of a date: later contacts are not seen.

    Returns
    -------
    DataFrame
        As `contact_surges`; no row where the bank has no topics of contacts.
    """
    if not bank.has("interactions.topic", "interactions.opened_at"):
        return contact_surges(pd.DataFrame({"opened_at": pd.to_datetime([]), "topic": []}))
    return contact_surges(bank.frame("interactions", ["opened_at", "topic"]))


def contact_surges(contacts: pd.DataFrame) -> pd.DataFrame:
    """Find months in which one topic came up far more often than in all others.

    Parameters
    ----------
    contacts : DataFrame
        One row a contact: ``opened_at`` (datetime64), ``topic`` (str; gaps are left out).

    Returns
    -------
    DataFrame
        Up to three rows, the largest multiple first: ``month`` (Period), ``topic``, ``count``, ``usual`` (mean of the
        other months), ``p_holm``.

    Notes
    -----
    A month's count is held against a Poisson law with the mean of the topic's other months, plus one half, corrected
    for all months and topics by Holm at 0.1 %. Counts vary more than by Poisson, so a month must also have four times
    the usual number, and ten contacts.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-05", "2024-02-05"] + ["2024-03-05"] * 20)
    >>> contact_surges(pd.DataFrame({"opened_at": days, "topic": ["outage"] * 22}))[["topic", "count"]].values.tolist()
    [['outage', 20]]
    """
    names = ["month", "topic", "count", "usual", "p_holm"]
    known = contacts.dropna(subset=["topic", "opened_at"])
    if not len(known):
        return pd.DataFrame(columns=names)
    months = known["opened_at"].dt.to_period("M")
    wide = pd.crosstab(months, known["topic"].astype("str"))
    wide = wide.reindex(pd.period_range(months.min(), months.max(), freq="M"), fill_value=0)
    if len(wide) < 2:
        return pd.DataFrame(columns=names)
    usual = (wide.sum() - wide) / (len(wide) - 1)
    table = pd.DataFrame({"count": wide.stack(), "usual": usual.stack()}).rename_axis(["month", "topic"]).reset_index()
    table["p_holm"] = holm(laws.poisson.sf(table["count"] - 1, table["usual"] + 0.5))
    found = table[
        (table["p_holm"] < _LEVEL) & (table["count"] >= _FEWEST) & (table["count"] >= _TIMES * table["usual"])
    ]
    found = found.assign(times=found["count"] / (found["usual"] + 0.5)).sort_values("times", ascending=False)
    return found[names].head(_MOST).reset_index(drop=True)
