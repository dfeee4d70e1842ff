"""Survival of contracts whose customers differ in how likely they are not to renew: sBG and its extension BdW."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, hyp2f1

from crmlab.errors import refuse
from crmlab.stats.intervals import proportions

__all__ = ["ShiftedBetaGeometric", "fit_renewals"]

_FREE = (-9.0, 9.0)  # logs of parameters: at a limit there is hardly any spread between customers


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """How likely customers of a contract are to renew, when each has an own chance and nobody knows whose is which.

    Parameters
    ----------
    alpha, beta : float
        Of the beta law of the chance not to renew, above 0; its mean is alpha / (alpha + beta).
    shape : float
        Exponent of time: 1 for sBG. Above 1 each customer's own chance not to renew grows with time (BdW), below 1 it
        falls.
    log_likelihood : float
        Of the survivors it was fitted to.
    customers_count : int
        Customers it was fitted to.
    warning : str
        What is doubtful of the fit; empty for nothing.

    Notes
    -----
    sBG: S(t) = B(alpha, beta + t) / B(alpha, beta); of those there after t renewals a share of
    (beta + t) / (alpha + beta + t) renews again. Retention of a cohort rises with time although nobody changes:
    those likely to leave have left. BdW: t becomes t ** shape.

    References
    ----------
    Fader and Hardie (2007), How to project customer retention, Journal of Interactive Marketing 21; Fader, Hardie, Liu,
    Davin and Steenburgh (2018), "How to project customer retention" revisited, Journal of Interactive Marketing 43.
    """

    alpha: float
    beta: float
    shape: float = 1.0
    log_likelihood: float = math.nan
    customers_count: int = 0
    warning: str = ""

    def survival(self, periods: object) -> np.ndarray:
        """Share of a new cohort that is still there after so many renewals, 0 to 1.

        >>> ShiftedBetaGeometric(alpha=1.0, beta=1.0).survival([0, 1, 3]).round(3).tolist()
        [1.0, 0.5, 0.25]
        """
        t = np.asarray(periods, dtype=float) ** self.shape
        return np.exp(betaln(self.alpha, self.beta + t) - betaln(self.alpha, self.beta))

    def retention(self, periods: object) -> np.ndarray:
        """Chance of a customer who has renewed so many times to renew once more, 0 to 1.

        >>> ShiftedBetaGeometric(alpha=1.0, beta=1.0).retention([0, 1, 2]).round(3).tolist()
        [0.5, 0.667, 0.75]
        """
        t = np.asarray(periods, dtype=float)
        return self.survival(t + 1) / self.survival(t)

    def expected_renewals(self, periods_active: int, *, discount: float) -> float:
        """Discounted expected residual lifetime (DERL): renewals still to come, each worth one today.

        Parameters
        ----------
        periods_active : int
            Periods in which the customer has been active, 1 or more: n periods are n - 1 renewals. Who has renewed
            seven times is active in the eighth period: give 8, not 7.
        discount : float
            Rate a period, above 0 for BdW, 0 or more for sBG.

        Returns
        -------
        float
            The first renewal counted is the next one, undiscounted: it is decided at once. Infinite where the sum has
            no limit (no discount and alpha of 1 or less).

        Notes
        -----
        sum over t = n, n + 1, ... of S(t) / S(n - 1) / (1 + d) ** (t - n). For sBG the closed form
        (b + n - 1) / (a + b + n - 1) 2F1(1, b + n; a + b + n; 1 / (1 + d)). Taking renewals for periods moves the
        answer by one period: 7.345 or 7.530 for the high-end customers of Fader and Hardie.

        References
        ----------
        Fader and Hardie (2010), Customer-base valuation in a contractual setting, Marketing Science 29.

        Examples
        --------
        >>> high_end = ShiftedBetaGeometric(alpha=0.668088, beta=3.806096)
        >>> [round(high_end.expected_renewals(n, discount=0.1), 3) for n in (7, 8)]
        [7.345, 7.53]
        """
        whole = not isinstance(periods_active, bool) and isinstance(periods_active, (int, np.integer))
        refuse(
            *(
                []
                if whole and periods_active >= 1
                else [f"expected_renewals: periods_active is {periods_active!r}. Give 1 or more: n renewals are n + 1."]
            ),
            *([] if discount >= 0 else [f"expected_renewals: the discount rate is {discount}. Give 0 or more."]),
        )
        a, b, n = self.alpha, self.beta, float(periods_active)
        if self.shape == 1.0:
            first = (b + n - 1) / (a + b + n - 1)
            if discount == 0:
                return math.inf if a <= 1 else first * (a + b + n - 1) / (a - 1)
            return float(first * hyp2f1(1, b + n, a + b + n, 1 / (1 + discount)))
        refuse(*([] if discount > 0 else ["expected_renewals: with a shape the discount rate must be above 0."]))
        ahead = np.arange(math.ceil(40 / math.log1p(discount)))
        terms = self.survival(n + ahead) / self.survival(n - 1) * (1 + discount) ** -ahead
        return float(terms.sum())

    def project(self, periods: int, *, survivors: object = None) -> pd.DataFrame:
        """Survival by renewal, with what was seen beside it.

        Parameters
        ----------
        periods : int
            Last renewal, 1 or more.
        survivors : array-like of float, optional
            Customers there at the start and after each renewal, as in `fit_renewals`.

        Returns
        -------
        DataFrame
            ``period``; ``survival_share``, ``retention_share`` (of those there before); with `survivors` also
            ``seen_share``, ``seen_share_low``, ``seen_share_high`` (Wilson).

        Examples
        --------
        >>> ShiftedBetaGeometric(1.0, 1.0).project(2).round(3).values.tolist()
        [[0.0, 1.0, nan], [1.0, 0.5, 0.5], [2.0, 0.333, 0.667]]
        """
        t = np.arange(periods + 1)
        frame = pd.DataFrame({"period": t, "survival_share": self.survival(t), "retention_share": np.nan})
        frame.loc[1:, "retention_share"] = self.retention(t[:-1])
        if survivors is not None:
            seen = np.full(periods + 1, np.nan)
            given = np.asarray(survivors, dtype=float)[: periods + 1]
            seen[: len(given)] = given
            known = ~np.isnan(seen)
            limits = proportions(seen[known], float(given[0]))
            for name, column in (("share", ""), ("share_low", "_low"), ("share_high", "_high")):
                frame[f"seen_share{column}"] = np.nan
                frame.loc[known, f"seen_share{column}"] = limits[name].to_numpy()
        return frame


def fit_renewals(survivors: object, *, has_shape: bool = False) -> ShiftedBetaGeometric:
    """Learn from one cohort how likely its customers are to renew.

    Parameters
    ----------
    survivors : array-like of float
        Customers at the start, and after each renewal; falling or equal, no gaps, two values or more.
    has_shape : bool
        Let each customer's own chance change with time (BdW, three parameters); needs three renewals.

    Returns
    -------
    ShiftedBetaGeometric
        By maximum likelihood. Where everybody or nobody leaves, or all customers seem alike, `warning` says so.

    Notes
    -----
    Who is still there at the end is censored, not kept for ever. Losses of one cohort say nothing about a chance that
    differs between cohorts, campaigns or years.

    References
    ----------
    Fader and Hardie (2007), Journal of Interactive Marketing 21, 76-90.

    Examples
    --------
    >>> regular = fit_renewals([1000, 631, 468, 382, 326, 289, 262, 241])
    >>> round(regular.alpha, 3), round(regular.beta, 3), round(regular.log_likelihood, 2)
    (0.704, 1.182, -1680.27)
    """
    seen = _checked(survivors, has_shape)
    lost, left, t = -np.diff(seen), seen[-1], np.arange(len(seen))

    def cost(logs: np.ndarray) -> float:
        model = ShiftedBetaGeometric(*np.exp(logs))
        log_survival = _log_survival(model, t)
        step = log_survival[:-1] + np.log(-np.expm1(np.minimum(np.diff(log_survival), -1e-15)))
        return -float(lost @ step + left * log_survival[-1])

    starts = [(0.0, 0.0), (-0.5, 1.5), (2.0, 3.0), (-1.5, -1.5)]
    found = [_search(cost, [*start, 0.0] if has_shape else list(start)) for start in starts]
    best = min(found, key=lambda one: one.fun)
    warning = ""
    if lost.sum() == 0:
        warning = "nobody left: the chance to leave is near 0 and no spread is seen"
    elif lost[0] == seen[0]:
        warning = "everybody left at once: no spread is seen"
    elif len(seen) == 2:
        warning = "one renewal tells the mean chance to leave, not how customers differ: do not look further ahead"
    elif (np.abs(best.x) > _FREE[1] - 0.01).any():
        warning = "customers seem alike, or one number of the law has no limit: trust the survival, not the numbers"
    parameters = [float(value) for value in np.exp(best.x)]
    return ShiftedBetaGeometric(
        *parameters, **({} if has_shape else {"shape": 1.0}), log_likelihood=-float(best.fun),
        customers_count=round(float(seen[0])), warning=warning,
    )  # fmt: skip


def _log_survival(model: ShiftedBetaGeometric, t: np.ndarray) -> np.ndarray:
    return betaln(model.alpha, model.beta + t**model.shape) - betaln(model.alpha, model.beta)


def _search(cost: object, start: list[float]) -> object:
    """Look roughly without slopes, then exactly."""
    bounds = [_FREE] * len(start)
    rough = minimize(cost, start, method="Nelder-Mead", bounds=bounds,
                     options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 4_000, "maxfev": 4_000})  # fmt: skip
    return minimize(cost, rough.x, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-15, "gtol": 1e-9})


def _checked(survivors: object, has_shape: bool) -> np.ndarray:
    seen = np.asarray(survivors, dtype=float)
    fewest = 4 if has_shape else 2
    refuse(
        *([f"fit_renewals: {seen.size} numbers of survivors. Give {fewest} or more, the start first."]
          if seen.ndim != 1 or len(seen) < fewest else []),
        *(["fit_renewals: the survivors have gaps or values below 0. Give counts of customers."]
          if np.isnan(seen).any() or (seen < 0).any() else []),
        *(["fit_renewals: the survivors rise. Give one cohort; customers won back are a new one."]
          if (np.diff(seen) > 0).any() else []),
        *(["fit_renewals: the cohort is empty. Give the customers at the start first."]
          if seen.size and not seen.flat[0] > 0 else []),
    )  # fmt: skip
    return seen
