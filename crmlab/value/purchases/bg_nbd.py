"""BG/NBD: customers buy at their own pace and may drop out, unseen, after any purchase."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, digamma, gammaln, hyp2f1

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate
from crmlab.value.purchases.history import checked_history

__all__ = ["PurchaseModel", "fit_purchases"]

_NAMES = ("r", "alpha", "a", "b")
_FREE = (-12.0, 9.0)  # logs; beyond, customers are alike or the number has no limit
_NEAR_ONE = 1e-7  # the closed forms have a removable hole at a = 1


@dataclass(frozen=True)
class PurchaseModel:
    """How often customers buy and how likely they are to have dropped out for good.

    Parameters
    ----------
    r, alpha : float
        Gamma law of the pace: mean r / alpha purchases a week.
    a, b : float
        Beta law of the chance to drop out after a purchase: mean a / (a + b).
    log_likelihood : float
    customers_count : int
    errors : dict of str to float
        Standard errors of the logs of the parameters; empty where the likelihood is flat.
    warning : str
        What is doubtful of the fit; empty for nothing.

    Notes
    -----
    Purchases of a customer come by lot at a steady pace while active; after each, the customer may be gone. Pace and
    chance differ between customers and do not go together. No seasons, no causes; nobody comes back. Not for contracts:
    where closing is seen, a hazard says more (`crmlab.value.purchases.fit_guard`).

    References
    ----------
    Fader, Hardie and Lee (2005), "Counting your customers" the easy way, Marketing Science 24, 275-284.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float = math.nan
    customers_count: int = 0
    errors: dict[str, float] = field(default_factory=dict)
    warning: str = ""

    @property
    def estimates(self) -> dict[str, Estimate]:
        """The parameters with their intervals (normal on the logs, from the curvature of the likelihood)."""
        found = {}
        for name in _NAMES:
            value, error = getattr(self, name), self.errors.get(name, math.nan)
            limits = [value * math.exp(sign * 1.96 * error) for sign in (-1, 1)] if math.isfinite(error) else [None] * 2
            found[name] = Estimate(value, "index", *limits, n=self.customers_count, method="normal on the log")
        return found

    def expected_total(self, weeks: object) -> np.ndarray:
        """Expected repeat purchases of a new customer in so many weeks after the first one.

        >>> model = PurchaseModel(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)
        >>> model.expected_total([0, 39]).round(3).tolist()
        [0.0, 1.195]
        """
        t = np.asarray(weeks, dtype=float)
        a = self._a
        z = t / (self.alpha + t)
        # Euler's transformation: small numbers in 2F1 whatever the pace
        inner = (1 - z) ** (a - 1) * hyp2f1(a + self.b - 1 - self.r, a - 1, a + self.b - 1, z)
        return np.maximum((a + self.b - 1) / (a - 1) * (1 - inner), 0.0) + 0.0

    def p_alive(self, history: pd.DataFrame) -> pd.Series:
        """Chance that each customer has not dropped out, 0 to 1; 1 without a repeat purchase.

        Parameters
        ----------
        history : DataFrame
            From `purchase_history`.

        Examples
        --------
        >>> model = PurchaseModel(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)
        >>> one = pd.DataFrame({"purchases_count": [26], "recency_weeks": [30.86], "age_weeks": [31.0]}, index=["1516"])
        >>> model.p_alive(one).round(4).tolist()
        [0.9689]
        """
        x, seen, age = checked_history("p_alive", history)
        odds = self._log_odds_of_gone(x, seen, age)
        return pd.Series(1 / (1 + np.exp(np.minimum(odds, 700))), index=history.index, name="p_alive")

    def expected_purchases(self, history: pd.DataFrame, *, weeks: float) -> pd.Series:
        """Expected purchases of each customer in the next weeks, given what was seen.

        Parameters
        ----------
        history : DataFrame
            From `purchase_history`.
        weeks : float
            Length of the time ahead, 0 or more.

        Examples
        --------
        >>> model = PurchaseModel(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)
        >>> one = pd.DataFrame({"purchases_count": [26], "recency_weeks": [30.86], "age_weeks": [31.0]}, index=["1516"])
        >>> model.expected_purchases(one, weeks=39).round(2).tolist()
        [20.75]
        """
        refuse(*([] if weeks >= 0 else [f"expected_purchases: weeks is {weeks}. Give 0 or more."]))
        x, seen, age = checked_history("expected_purchases", history)
        a = self._a
        z = weeks / (self.alpha + age + weeks)
        inner = (1 - z) ** (a - 1) * hyp2f1(a + self.b - 1 - self.r, a - 1, a + self.b + x - 1, z)
        alive = 1 / (1 + np.exp(np.minimum(self._log_odds_of_gone(x, seen, age), 700)))
        count = (a + self.b + x - 1) / (a - 1) * (1 - inner) * alive
        return pd.Series(np.maximum(count, 0.0), index=history.index, name="expected_purchases_count")

    def likelihood_of(self, history: pd.DataFrame) -> float:
        """Log-likelihood of histories under these parameters, whoever fitted them.

        >>> model = PurchaseModel(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)
        >>> one = pd.DataFrame({"purchases_count": [0], "recency_weeks": [0.0], "age_weeks": [39.0]})
        >>> round(model.likelihood_of(one), 4)  # nobody drops out without a purchase: r x log(alpha / (alpha + T))
        -0.5546
        """
        x, seen, age = checked_history("likelihood_of", history)
        logs = np.log([self.r, self.alpha, self.a, self.b])
        return -float(_cost(logs, x, seen, age, np.ones(len(x)))[0]) * len(x)

    def chance_of(self, counts: object, weeks: float) -> np.ndarray:
        """Chance of exactly so many repeat purchases of a new customer in so many weeks.

        >>> model = PurchaseModel(r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)
        >>> model.chance_of([0, 1], weeks=33.0).round(3).tolist()
        [0.595, 0.196]
        """
        x = np.atleast_1d(np.asarray(counts, dtype=float))
        here, ahead = math.log(self.alpha / (self.alpha + weeks)), weeks / (self.alpha + weeks)
        log_ahead = math.log(ahead) if ahead > 0 else -math.inf
        j = np.arange(int(x.max()) + 1)
        with np.errstate(invalid="ignore"):
            log_nbd = gammaln(self.r + j) - gammaln(self.r) - gammaln(j + 1) + self.r * here + np.where(
                j > 0, j * log_ahead, 0.0
            )  # fmt: skip
        below = np.concatenate([[0.0], np.cumsum(np.exp(log_nbd))])[x.astype(int)]
        stays = np.exp(betaln(self.a, self.b + x) - betaln(self.a, self.b) + log_nbd[x.astype(int)])
        goes = np.exp(betaln(self.a + 1, self.b + np.maximum(x, 1) - 1) - betaln(self.a, self.b)) * (1 - below)
        return stays + np.where(x > 0, goes, 0.0)

    @property
    def _a(self) -> float:
        return self.a if abs(self.a - 1) > _NEAR_ONE else 1 + _NEAR_ONE

    def _log_odds_of_gone(self, x: np.ndarray, seen: np.ndarray, age: np.ndarray) -> np.ndarray:
        pace = (self.r + x) * np.log((self.alpha + age) / (self.alpha + seen))
        return np.where(x > 0, math.log(self.a) - np.log(self.b + np.maximum(x, 1) - 1) + pace, -np.inf)


def fit_purchases(history: pd.DataFrame) -> PurchaseModel:
    """Learn pace and drop-out of customers from their purchases, by maximum likelihood.

    Parameters
    ----------
    history : DataFrame
        From `purchase_history`; one customer or more, some with a repeat purchase.

    Returns
    -------
    PurchaseModel

    Notes
    -----
    Analytic slopes; equal histories are counted once; times are scaled to a mean of 1 and back. Standard errors from
    the curvature at the maximum.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"purchases_count": rng.poisson(rng.gamma(0.8, 2.5, 400)), "age_weeks": 52.0})
    >>> count = rows["purchases_count"]
    >>> rows["recency_weeks"] = np.where(count > 0, rng.beta(count + 1e-9, 1) * 52, 0)
    >>> model = fit_purchases(rows)
    >>> 0.6 < model.r < 1.1 and model.a / (model.a + model.b) < 0.05
    True
    """
    x, seen, age = checked_history("fit_purchases", history)
    refuse(
        *([] if len(x) else ["fit_purchases: no customer. Give one or more."]),
        *([] if (x > 0).any() or not len(x) else ["fit_purchases: nobody bought twice. Take a longer time."]),
        *([] if (age > 0).any() or not len(x) else ["fit_purchases: no time has passed. Take a later day."]),
    )
    rows, counts = np.unique(np.column_stack([x, seen, age]), axis=0, return_counts=True)
    scale = float(np.average(rows[:, 2], weights=counts)) or 1.0
    data = (rows[:, 0], rows[:, 1] / scale, rows[:, 2] / scale, counts.astype(float))
    shift = -math.log(scale) * float(counts @ rows[:, 0])  # density of times in weeks, not in scaled units
    starts = ([-0.5, -0.5, -0.5, 0.5], [0.5, 0.5, -2.0, 1.0], [-1.5, -2.0, 0.0, 1.0])
    results = [
        minimize(_cost, start, args=data, jac=True, method="L-BFGS-B", bounds=[_FREE] * 4,
                 options={"maxiter": 500, "ftol": 1e-14, "gtol": 1e-8})
        for start in starts
    ]  # fmt: skip
    best = min(results, key=lambda one: one.fun)
    r, alpha, a, b = (float(value) for value in np.exp(best.x))
    at_limit = [name for name, log in zip(_NAMES, best.x, strict=True) if not _FREE[0] + 0.01 < log < _FREE[1] - 0.01]
    warning = f"{' and '.join(at_limit)} has no limit: customers are alike in it, or nobody drops out" * bool(at_limit)
    errors = {} if at_limit else _errors(best.x, data)
    total = float(counts.sum())
    return PurchaseModel(
        r, alpha * scale, a, b, log_likelihood=-float(best.fun) * total + shift, customers_count=int(total),
        errors=errors, warning=warning,
    )  # fmt: skip


def _cost(
    logs: np.ndarray, x: np.ndarray, seen: np.ndarray, age: np.ndarray, counts: np.ndarray
) -> tuple[float, np.ndarray]:
    """Mean negative log-likelihood of a customer and its slopes in the logs of the parameters."""
    r, alpha, a, b = np.exp(logs)
    again = x > 0
    log_age, log_seen = np.log(alpha + age), np.log(alpha + seen)
    left = np.where(again, np.log(a) - np.log(b + np.maximum(x, 1) - 1), -np.inf)
    stay, go = -(r + x) * log_age, left - (r + x) * log_seen
    both = np.logaddexp(stay, go)
    p = np.exp(go - both)  # chance to be gone
    value = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + betaln(a, b + x) - betaln(a, b) + both
    mean_log = (1 - p) * log_age + p * log_seen
    by_r = digamma(r + x) - digamma(r) + np.log(alpha) - mean_log
    by_alpha = r / alpha - (r + x) * ((1 - p) / (alpha + age) + p / (alpha + seen))
    together = digamma(a + b + x)
    by_a = digamma(a + b) - digamma(a) + digamma(a) - together + p / a
    by_b = digamma(b + x) - together - digamma(b) + digamma(a + b) - np.where(again, p / (b + np.maximum(x, 1) - 1), 0)
    weight = counts / counts.sum()
    slopes = np.array([weight @ by_r * r, weight @ by_alpha * alpha, weight @ by_a * a, weight @ by_b * b])
    return -float(weight @ value), -slopes


def _errors(logs: np.ndarray, data: tuple[np.ndarray, ...]) -> dict[str, float]:
    step = 1e-4
    rows = []
    for place in range(4):
        up, down = logs.copy(), logs.copy()
        up[place] += step
        down[place] -= step
        rows.append((_cost(up, *data)[1] - _cost(down, *data)[1]) / (2 * step))
    curvature = np.array(rows) * data[3].sum()
    curvature = (curvature + curvature.T) / 2
    if np.linalg.eigvalsh(curvature)[0] <= 0:
        return {}
    return dict(zip(_NAMES, np.sqrt(np.diag(np.linalg.inv(curvature))).tolist(), strict=True))
