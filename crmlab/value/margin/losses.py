"""Expected loss on debts: chance to default x share lost x amount owed, by what the bank's own loans showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.stats.intervals import rates
from crmlab.value.margin.panel import MarginPanel

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["LOST_SHARES", "DefaultRates", "default_rates", "expected_losses"]

# Share of the amount owed that a default costs in the end (LGD). The supervisory values of the foundation approach:
# 45 % for claims without security (Basel framework, CRE32); mortgages assumed at the floor region of CRE32 for retail.
LOST_SHARES: dict[str, float] = {"card": 0.45, "loan": 0.45, "mortgage": 0.15}
_BAD = "'defaulted', 'in_arrears'"
_MISSED_MONTHS = 12
_YEAR = 12
_WEIGHT = 0.25  # a class is drawn towards its family by as much exposure as brings a quarter of an event there


@dataclass(frozen=True)
class DefaultRates:
    """Chances to default within a year, by family of debt and by whether a payment was missed before it.

    Parameters
    ----------
    frame : DataFrame
        One row a family and class: ``family``, ``has_missed``, ``defaults_count``, ``loan_years``, ``seen_share`` with
        ``seen_share_low``, ``seen_share_high`` (exact Poisson), ``p_default`` (a year, drawn towards the family).
    has_missed : ndarray of bool, shape (customers, months)
        A penalty was booked in the twelve months up to the month.
    """

    frame: pd.DataFrame
    has_missed: np.ndarray

    @property
    def defaults_count(self) -> int:
        """Defaults that were learned from."""
        return int(self.frame.loc[self.frame["family"] == "all", "defaults_count"].sum())

    def of(self, family: str) -> tuple[float, float]:
        """Chance in a year without and with a missed payment; for a family never seen that of all debts together."""
        rows = self.frame[self.frame["family"] == family]
        rows = rows if len(rows) else self.frame[self.frame["family"] == "all"]
        chances = rows.set_index("has_missed")["p_default"]
        return float(chances[False]), float(chances[True])


def default_rates(bank: Bank, panel: MarginPanel) -> DefaultRates | None:
    """Learn from the bank's own loans how many default in a year, with and without a missed payment before.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    panel : MarginPanel
        Whose customers and months are meant.

    Returns
    -------
    DefaultRates or None
        None where the bank has no loan whose performance is known: nothing can be learned then.

    Notes
    -----
    A loan's class is that on the first day of a year, and what counts is whether it defaults within the year: years
    laid back from the end of the panel, so that none overlap and each default counts once. A loan leaves a year when
    its performance is known or it closes. Loans that ended before the panel are not in it, those still running are
    (left truncation, right censoring). A payment counts as missed when a penalty was booked in the twelve months up to
    that day. The chance of a class is (events + family rate x w) / (exposure + w), where w is the exposure that
    brings a quarter of an event in the family: few loans do not make a rate of 0. Both classes are then scaled so that
    they give as many defaults as were seen.
    """
    if not bank.has("accounts.performance", "accounts.performance_on"):
        return None
    closed = "a.closed_on" if "closed_on" in bank.columns("accounts") else "cast(null as date)"
    loans = bank.sql(
        f"select c.place, p.family, a.opened_on, least(coalesce({closed}, date '9999-01-01'),"
        f" coalesce(a.performance_on, date '9999-01-01')) as ended_on, coalesce(a.performance in ({_BAD}), false)"
        " as is_bad from accounts a join products p using (product_id) join (select customer_id, row_number() over"
        " (order by customer_id) - 1 as place from customers) c on c.customer_id = a.customer_id"
        " where p.family in (select q.family from accounts x join products q using (product_id)"
        " where x.performance is not null) order by a.account_id"
    ).df()
    missed = _missed(bank, panel)
    if not len(loans):
        return None
    rows = []
    events, years = _events(loans, missed, panel)
    for family in ["all", *sorted(loans["family"].unique())]:
        mine = np.ones(len(loans), dtype=bool) if family == "all" else (loans["family"] == family).to_numpy()
        count, exposure = events[mine].sum(axis=0), years[mine].sum(axis=0)
        rate = count.sum() / exposure.sum() if exposure.sum() > 0 else 0.0
        weight = _WEIGHT / rate if rate > 0 else 0.0
        limits = rates(count, exposure)
        drawn = np.divide(count + rate * weight, exposure + weight, out=np.zeros(2), where=exposure + weight > 0)
        drawn = np.minimum(drawn * (count.sum() / (drawn @ exposure) if drawn @ exposure > 0 else 1.0), 1.0)
        for flag in (0, 1):
            seen = (bool(flag), int(count[flag]), float(exposure[flag]))
            rows.append((family, *seen, *limits.iloc[flag], float(drawn[flag])))
    columns = ["family", "has_missed", "defaults_count", "loan_years", "seen_share", "seen_share_low",
               "seen_share_high", "p_default"]  # fmt: skip
    return DefaultRates(pd.DataFrame(rows, columns=columns), missed)


def _missed(bank: Bank, panel: MarginPanel) -> np.ndarray:
    shape = panel.is_there.shape
    hits = np.zeros((shape[0], shape[1] + 1), dtype="int32")
    if bank.has("transactions"):
        rows = bank.sql(
            "select c.place, year(t.booked_on) * 12 + month(t.booked_on) as month, count(*) as n from transactions t"
            " join accounts a using (account_id) join (select customer_id, row_number() over (order by customer_id) - 1"
            " as place from customers) c on c.customer_id = a.customer_id where t.kind = 'penalty' group by all"
        ).df()
        month = rows["month"].to_numpy(dtype=int) - panel.months[0].year * 12 - panel.months[0].month
        inside = (month >= 0) & (month < shape[1])
        np.add.at(hits, (rows["place"].to_numpy(dtype=int)[inside], month[inside] + 1), 1)
    total = hits.cumsum(axis=1)
    back = np.maximum(np.arange(1, shape[1] + 1) - _MISSED_MONTHS, 0)
    return total[:, 1:] > total[:, back]


def _events(loans: pd.DataFrame, missed: np.ndarray, panel: MarginPanel) -> tuple[np.ndarray, np.ndarray]:
    """Defaults and loan-years of each loan by its class at the start of a year, shape (loans, 2)."""
    ends = panel.months.to_numpy(dtype="datetime64[us]")
    opened, ended = (pd.to_datetime(loans[n], errors="coerce").to_numpy(dtype="datetime64[us]") for n in
                     ("opened_on", "ended_on"))  # fmt: skip
    place, bad = loans["place"].to_numpy(dtype=int), loans["is_bad"].to_numpy(dtype=bool)
    events, years = np.zeros((len(loans), 2)), np.zeros((len(loans), 2))
    at_end = np.isnat(ended)
    last = len(ends) - 1
    for start in range(last - _YEAR, -1, -_YEAR) if last >= _YEAR else [0]:
        flag = missed[place, start].astype(int)
        mine = (opened <= ends[start]) & (at_end | (ended > ends[start]))
        for month in range(start + 1, min(start + _YEAR, last) + 1):
            runs = mine & (at_end | (ended > ends[month - 1]))
            stops = runs & bad & ~at_end & (ended <= ends[month])
            years[np.flatnonzero(runs), flag[runs]] += 1 / _YEAR
            events[np.flatnonzero(stops), flag[stops]] += 1
    return events, years


def expected_losses(
    panel: MarginPanel, learned: DefaultRates, *, lost_shares: Mapping[str, float] | None = None
) -> np.ndarray:
    """Expected loss of each customer and month, money, below 0, shape (customers, months).

    Parameters
    ----------
    panel : MarginPanel
    learned : DefaultRates
        From `default_rates` of the same panel.
    lost_shares : mapping of str to float, optional
        Share of the amount owed lost by a default, 0 to 1, by family; None: `LOST_SHARES`.

    Notes
    -----
    Amount owed at the month-end x chance in a year / 12 x share lost. The capital that debts tie up is not charged.
    """
    shares = dict(LOST_SHARES if lost_shares is None else lost_shares)
    wrong = [name for name, value in shares.items() if not 0 <= value <= 1]
    refuse(*([f"expected_losses: the share lost of {', '.join(wrong)} is outside 0 to 1. Give shares."] * bool(wrong)))
    found = np.zeros(panel.is_there.shape)
    for place, family in enumerate(panel.debts):
        usual, after = learned.of(family)
        chance = np.where(learned.has_missed, after, usual)
        found -= panel.owed[place] * chance / 12 * shares.get(family, max(shares.values(), default=0.0))
    return found
