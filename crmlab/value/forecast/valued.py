"""Expected values of customers and of groups of customers, with limits; value at risk by leaving."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate

__all__ = ["ExpectedValue", "jackknife_variance", "value_at_risk"]

_METHOD = "jackknife over customers, shocks of months, misses of like customers"


@dataclass(frozen=True)
class ExpectedValue:
    """What each customer is expected to be worth, and how sure that is.

    Parameters
    ----------
    frame : DataFrame
        Indexed by ``customer_id``, who is there on the day: ``value_amount`` (expected, discounted), ``low_amount`` and
        ``high_amount`` (95 % limits of the expected value: what was learned from chance customers and chance months),
        ``outcome_low_amount`` and ``outcome_high_amount`` (between them lies what 80 % of like customers turned out to
        yield), ``margin_amount``, ``cost_amount`` (parts of the value, costs below 0), ``p_leave`` (within the
        horizon), ``at_risk_amount`` (value if everybody stayed, less the value).
    as_of : Timestamp
    horizon_months : int
    discount_rate : float
        A year.
    learned_months : int
        Months ahead that were learned; those beyond go on as the last.
    by_part : ndarray, shape (customers, parts)
        Expected, discounted.
    parts : tuple of str
    currency : str
    without_group : ndarray, shape (customers, groups)
        Value learned without each group of customers.
    risk_without_group : ndarray, shape (customers, groups)
        The same of what is at risk.
    covariance : ndarray, shape (parts, parts)
        Of the parts' relative errors through months that were good or bad for all.
    error : ndarray, shape (customers,)
        Root mean square miss of such customers.
    stays : ndarray, shape (months, customers)
        Chance to be there.
    if_stays : ndarray, shape (2, months, customers)
        Margin and cost of a month ahead of those who stay, undiscounted, drawn to outcomes.
    """

    frame: pd.DataFrame
    as_of: pd.Timestamp
    horizon_months: int
    discount_rate: float
    learned_months: int
    by_part: np.ndarray
    parts: tuple[str, ...]
    currency: str
    without_group: np.ndarray
    risk_without_group: np.ndarray
    covariance: np.ndarray
    error: np.ndarray
    stays: np.ndarray
    if_stays: np.ndarray

    def group_values(self, groups: object = None, *, level: float = 0.95) -> pd.DataFrame:
        """Expected value of groups of customers, total and mean, with limits.

        Parameters
        ----------
        groups : Series or array-like, optional
            Group of each customer, in the order of `frame`; None: all together.
        level : float

        Returns
        -------
        DataFrame
            One row a group, in order: ``group``, ``total_amount``, ``mean_amount``, ``mean_low_amount``,
            ``mean_high_amount``, ``total_low_amount``, ``total_high_amount``, ``customers_count``.

        Notes
        -----
        Three sources of error, added as squares: customers the forecast was learned from (jackknife over 20 groups of
        customers, whose limits use Student's law), months it was learned from (`shock_covariance`), and that these
        customers are not the average of their kind (root mean square miss, over the root of their number).
        """
        labels = np.zeros(len(self.frame), dtype=int) if groups is None else np.asarray(groups)
        rows = []
        for label in pd.unique(pd.Series(labels).sort_values(kind="stable")):
            mine = labels == label
            total, n = float(self.frame["value_amount"].to_numpy()[mine].sum()), int(mine.sum())
            reach = norm.ppf((1 + level) / 2) * self._error(mine)
            rows.append((label, total, total / n, (total - reach) / n, (total + reach) / n, total - reach,
                         total + reach, n))  # fmt: skip
        columns = ["group", "total_amount", "mean_amount", "mean_low_amount", "mean_high_amount", "total_low_amount",
                   "total_high_amount", "customers_count"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    def total(self, *, level: float = 0.95) -> Estimate:
        """Expected value of all customers together."""
        if not len(self.frame):
            return Estimate(float("nan"), self.currency, n=0, method="nobody is there")
        row = self.group_values(level=level).iloc[0]
        return Estimate(float(row["total_amount"]), self.currency, low=float(row["total_low_amount"]),
                        high=float(row["total_high_amount"]), n=int(row["customers_count"]), level=level,
                        method=_METHOD)  # fmt: skip

    def at_risk(self, *, level: float = 0.95) -> Estimate:
        """Value that is expected to be lost because customers leave within the horizon.

        Against a horizon in which everybody stays. What a measure could save is less, and another question.
        """
        if not len(self.frame):
            return Estimate(float("nan"), self.currency, n=0, method="nobody is there")
        total = float(self.frame["at_risk_amount"].sum())
        reach = norm.ppf((1 + level) / 2) * np.sqrt(jackknife_variance(self.risk_without_group.sum(axis=0)))
        return Estimate(total, self.currency, low=max(total - reach, 0.0), high=total + reach, n=len(self.frame),
                        level=level, method="jackknife over customers")  # fmt: skip

    def _error(self, mine: np.ndarray) -> float:
        """Standard error of the total of some customers."""
        learned = float(jackknife_variance(self.without_group[mine].sum(axis=0)))
        parts = self.by_part[mine].sum(axis=0)
        months = float(parts @ self.covariance @ parts)
        return float(np.sqrt(learned + months + (self.error[mine] ** 2).sum()))


def jackknife_variance(left_out: np.ndarray) -> np.ndarray:
    """Variance of a number from its values without each group, on the last axis, widened for Student's law.

    >>> jackknife_variance(np.array([1.0, 1.0, 1.0])).round(3).tolist()
    0.0
    """
    groups = left_out.shape[-1]
    apart = ((left_out - left_out.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    wider = float(student.ppf(0.975, groups - 1) / norm.ppf(0.975)) ** 2
    return (groups - 1) / groups * apart * wider


def value_at_risk(values: pd.Series, p_churn: pd.Series) -> pd.Series:
    """Value x chance to leave, by somebody else's chances, such as a churn model's.

    Parameters
    ----------
    values : Series of float
        Value of each customer if they stay, money, indexed by ``customer_id``; a loss is not at risk and counts as 0.
    p_churn : Series of float
        Chance to leave, 0 to 1, indexed by ``customer_id``; every customer of `values` is in it.

    Examples
    --------
    >>> value_at_risk(pd.Series({"a": 100.0, "b": -5.0}), pd.Series({"b": 0.5, "a": 0.1})).tolist()
    [10.0, 0.0]
    """
    chance = p_churn.reindex(values.index)
    lacking = int(chance.isna().sum())
    refuse(
        *([f"value_at_risk: {lacking:,} customers have no p_churn. Score the same customers."] if lacking else []),
        *([] if chance.dropna().between(0, 1).all() else ["value_at_risk: p_churn must lie from 0 to 1."]),
    )
    return (values.clip(lower=0) * chance).rename("at_risk_amount")
