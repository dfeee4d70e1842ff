"""Gamma-Gamma: what a customer spends a purchase, drawn towards all customers the less was seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import digamma, gammaln
from scipy.stats import norm, spearmanr

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate

__all__ = ["SpendModel", "fit_spending", "frequency_against_spend"]

_FREE = (-9.0, 12.0)


@dataclass(frozen=True)
class SpendModel:
    """What customers spend a purchase, and how they differ.

    Parameters
    ----------
    p : float
        Shape of the spread of a customer's own purchases.
    q, gamma : float
        Gamma law of what sets a customer's mean; the mean of all is p gamma / (q - 1), where q is above 1.
    log_likelihood : float
    customers_count : int
        Customers with a repeat purchase.
    warning : str
        What is doubtful of the fit; empty for nothing.

    Notes
    -----
    Assumes that what a customer spends does not go with how often; `frequency_against_spend` tests it.

    References
    ----------
    Fader and Hardie (2013), The Gamma-Gamma model of monetary value, brucehardie.com/notes/025.
    """

    p: float
    q: float
    gamma: float
    log_likelihood: float = math.nan
    customers_count: int = 0
    warning: str = ""

    @property
    def mean_amount(self) -> float:
        """Expected spend a purchase of a customer of whom nothing is known; not known where q is 1 or less."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else math.nan

    def expected_spend(self, history: pd.DataFrame) -> pd.Series:
        """Expected spend a purchase of each customer, money.

        Parameters
        ----------
        history : DataFrame
            ``purchases_count`` and ``spend_mean_amount`` (may be empty where the count is 0).

        Examples
        --------
        >>> model = SpendModel(p=6.2493, q=3.7443, gamma=15.4443)
        >>> rows = pd.DataFrame({"purchases_count": [0, 2], "spend_mean_amount": [float("nan"), 35.0]})
        >>> model.expected_spend(rows).round(2).tolist()
        [35.17, 35.03]
        """
        x = history["purchases_count"].to_numpy(dtype=float)
        seen = np.where(x > 0, np.nan_to_num(history["spend_mean_amount"].to_numpy(dtype=float)), 0.0)
        below = self.p * x + self.q - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            amount = np.where(below > 0, self.p * (self.gamma + x * seen) / below, np.nan)
        return pd.Series(amount, index=history.index, name="expected_spend_amount")


def fit_spending(history: pd.DataFrame) -> SpendModel:
    """Learn what customers spend a purchase, by maximum likelihood; who bought once only says nothing and is left out.

    Parameters
    ----------
    history : DataFrame
        From `purchase_history` with an amount.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> count = rng.integers(1, 6, 2_000)
    >>> mean = rng.gamma(6.0 * count, 1 / count) / rng.gamma(4.0, 1 / 16.0, 2_000)
    >>> model = fit_spending(pd.DataFrame({"purchases_count": count, "spend_mean_amount": mean}))
    >>> bool(abs(model.mean_amount / (6.0 * 16.0 / 3.0) - 1) < 0.05)
    True
    """
    lacking = [name for name in ("purchases_count", "spend_mean_amount") if name not in history]
    refuse(*([f"fit_spending lacks columns {lacking}. Take purchase_history with an amount."] if lacking else []))
    rows = history[history["purchases_count"] > 0]
    x, mean = (rows[name].to_numpy(dtype=float) for name in ("purchases_count", "spend_mean_amount"))
    refuse(
        *([] if len(rows) > 2 else [f"fit_spending: {len(rows)} customers bought twice. Give three or more."]),
        *([] if (mean > 0).all() else ["fit_spending: a mean spend is 0, below, or a gap. Leave out returns first."]),
    )
    scale = float(np.average(mean, weights=x))
    data = (x, mean / scale)
    starts = ([0.5, 0.5, 0.0], [1.8, 1.3, -0.8], [0.0, 1.5, 1.0])
    results = [
        minimize(_cost, start, args=data, jac=True, method="L-BFGS-B", bounds=[_FREE] * 3,
                 options={"maxiter": 1_000, "ftol": 1e-14, "gtol": 1e-8})
        for start in starts
    ]  # fmt: skip
    best = min(results, key=lambda one: one.fun)
    p, q, gamma = (float(value) for value in np.exp(best.x))
    at_limit = ((best.x < _FREE[0] + 0.01) | (best.x > _FREE[1] - 0.01)).any()
    warning = "customers or purchases are alike: a number has no limit" if at_limit else ""
    if q <= 1:
        warning = "a few customers spend without limit (q is 1 or less): their mean is not known"
    likelihood = -float(best.fun) * len(x) - math.log(scale) * len(x)
    return SpendModel(p, q, gamma * scale, likelihood, len(x), warning)


def frequency_against_spend(history: pd.DataFrame, *, level: float = 0.95) -> Estimate:
    """Rank correlation of how often customers buy and what they spend: Gamma-Gamma assumes 0.

    Parameters
    ----------
    history : DataFrame
        From `purchase_history` with an amount; customers with a repeat purchase count.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        Spearman's, -1 to 1, with limits by Fisher's transformation (Bonett and Wright 2000). Not known below 10
        customers.

    Examples
    --------
    >>> rows = pd.DataFrame({"purchases_count": range(1, 41), "spend_mean_amount": [5.0, 1.0] * 20})
    >>> frequency_against_spend(rows).interval
    '-0.35 to 0.27'
    """
    rows = history[history["purchases_count"] > 0]
    n = len(rows)
    method = "Spearman, Fisher"
    if n < 10 or rows["purchases_count"].nunique() < 2 or rows["spend_mean_amount"].nunique() < 2:
        return Estimate(math.nan, "index", n=n, method="not known: fewer than 10 customers, or all alike", level=level)
    rank = float(spearmanr(rows["purchases_count"], rows["spend_mean_amount"]).statistic)
    reach = norm.ppf((1 + level) / 2) * math.sqrt((1 + rank**2 / 2) / (n - 3))
    middle = math.atanh(min(max(rank, -0.999999), 0.999999))
    low, high = math.tanh(middle - reach), math.tanh(middle + reach)
    return Estimate(rank, "index", low=low, high=high, n=n, method=method, level=level)


def _cost(logs: np.ndarray, x: np.ndarray, mean: np.ndarray) -> tuple[float, np.ndarray]:
    p, q, gamma = np.exp(logs)
    px, total = p * x, np.log(gamma + x * mean)
    value = gammaln(px + q) - gammaln(px) - gammaln(q) + q * np.log(gamma)
    value += (px - 1) * np.log(mean) + px * np.log(x) - (px + q) * total
    by_p = x * (digamma(px + q) - digamma(px) + np.log(mean) + np.log(x) - total)
    by_q = digamma(px + q) - digamma(q) + np.log(gamma) - total
    by_gamma = q / gamma - (px + q) / (gamma + x * mean)
    return -float(value.mean()), -np.array([by_p.mean() * p, by_q.mean() * q, by_gamma.mean() * gamma])
