"""What a list is worth in money when keeping a customer costs an incentive and a call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression
from scipy.special import betaincc

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate
from crmlab.stats.scored_rows import ScoredRows, banded, counts_above, resampled_rows, scored_rows

__all__ = ["MaximumProfit", "RetentionOffer", "expected_maximum_profit", "maximum_profit", "profit_curve"]


@dataclass(frozen=True)
class RetentionOffer:
    """What it brings and costs to call customers so that they stay.

    Parameters
    ----------
    clv_amount : float
        What a kept customer is worth, above 0, in the bank's currency.
    incentive_amount : float
        Cost of the incentive for each who takes it, 0 or more.
    contact_amount : float
        Cost of a call, 0 or more.
    alpha, beta : float
        The share of would-be leavers whom the incentive keeps is not known: it follows a beta law with these shapes.
    currency : str
        Code of the currency.

    Notes
    -----
    Every customer on the list is called. Would-be leavers take the incentive with the share kept, and stay; who would
    have stayed anyway takes it always. With alpha 6, beta 14 the share kept is .30 on average (the literature's usual
    values). They are assumptions, not knowledge of this bank: replace them by a trial's.

    Examples
    --------
    >>> RetentionOffer(currency="EUR").kept_share
    0.3
    """

    clv_amount: float = 200.0
    incentive_amount: float = 10.0
    contact_amount: float = 1.0
    alpha: float = 6.0
    beta: float = 14.0
    currency: str = "EUR"

    @property
    def kept_share(self) -> float:
        """Mean share of called leavers who are kept."""
        return self.alpha / (self.alpha + self.beta)

    def gains(self, event_share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return a and b of a call's profit a x kept share - b, among rows with this share of leavers."""
        rate = np.asarray(event_share, dtype=float)
        paid = self.incentive_amount
        return rate * (self.clv_amount - paid), self.contact_amount + (1 - rate) * paid


@dataclass(frozen=True)
class MaximumProfit:
    """The best list and its worth.

    Parameters
    ----------
    profit : Estimate
        Profit in money per customer of the whole base (not per call); 0 when the best is to call nobody.
    share : Estimate
        Share of all customers on the best list.
    """

    profit: Estimate
    share: Estimate


def expected_maximum_profit(
    outcome: object,
    score: object,
    *,
    offer: RetentionOffer | None = None,
    customers: object = None,
    weights: object = None,
    resamples: int = 500,
    seed: int = 1,
    level: float = 0.95,
) -> MaximumProfit:
    """Estimate the profit of the best list when the share kept is known only as a law (EMPC).

    Parameters
    ----------
    outcome : array-like of 0 and 1
        1 for those who leave.
    score : array-like of float
        Higher for a likelier leaver.
    offer : RetentionOffer, optional
        Worth and costs; the literature's values where None.
    customers, weights, resamples, seed, level
        As in `cumulative_gains`; a resample draws customers.

    Returns
    -------
    MaximumProfit
        Not known with one class only.

    Notes
    -----
    For a share g of called leavers who are kept, a list down to score T brings, per customer of the base,
    ``CLV (g (1 - d/CLV) - f/CLV) p0 F0(T) - CLV (d/CLV + f/CLV) p1 F1(T)``; the best T is taken for each g, and the
    result averaged over the beta law of g. The best T lies on the convex hull of the curve of gains, which isotonic
    regression finds; within a step of the hull the average is closed in incomplete beta functions.

    The best T is found on the rows on which its profit is counted: the figure is what could be had at best, too high in
    small samples (100 rows with 10 events: 2.3 for a true 1.4). A resample adds as much again, so the limits are the
    percentiles lowered by twice the mean excess of the resamples: they held the truth in 94 to 99 % of samples where
    plain percentiles held it in 80 to 93 % (`benchmarks/score_coverage.py`). Incentives are assumed to keep the same
    share of all leavers; whether a call keeps anybody at all only a trial with a hold-out tells.

    References
    ----------
    Verbraken, Verbeke and Baesens (2013), A novel profit maximizing metric, IEEE TKDE 25(5); Verbeke et al. (2012),
    European Journal of Operational Research 218.

    Examples
    --------
    >>> found = expected_maximum_profit([0, 1, 0, 1, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9])
    >>> round(found.profit.value, 6), round(found.share.value, 6)  # the reference vector of empulse, EMP-PY and R
    (23.875593, 0.87437)
    """
    return _maximum("expected_maximum_profit", _over_the_law, outcome, score, offer, customers, weights, resamples,
                    seed, level)  # fmt: skip


def maximum_profit(
    outcome: object,
    score: object,
    *,
    offer: RetentionOffer | None = None,
    customers: object = None,
    weights: object = None,
    resamples: int = 500,
    seed: int = 1,
    level: float = 0.95,
) -> MaximumProfit:
    """Estimate the profit of the best list at the mean share kept (MPC), and how long that list is.

    Parameters
    ----------
    outcome, score, offer, customers, weights, resamples, seed, level
        As in `expected_maximum_profit`.

    Returns
    -------
    MaximumProfit
        ``share`` is the best share of customers to call. Its interval is wide where the curve is flat at its top: then
        many lengths are nearly as good.

    References
    ----------
    Verbeke, Dejaeger, Martens, Hur and Baesens (2012), European Journal of Operational Research 218.

    Examples
    --------
    >>> maximum_profit([0, 1, 0, 1, 0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9]).profit.value
    23.875
    """
    return _maximum("maximum_profit", _at_the_mean, outcome, score, offer, customers, weights, resamples, seed, level)


def profit_curve(
    outcome: object,
    score: object,
    *,
    offer: RetentionOffer | None = None,
    shares: Sequence[float] = tuple(k / 20 for k in range(21)),
    customers: object = None,
    weights: object = None,
    resamples: int = 500,
    seed: int = 1,
    level: float = 0.95,
) -> pd.DataFrame:
    """Tell what lists of several lengths bring, from calling nobody to calling everybody.

    Parameters
    ----------
    shares : sequence of float
        Lengths of the list as a share of all customers, 0 (nobody) to 1 (everybody).
    outcome, score, offer, customers, weights, resamples, seed, level
        As in `expected_maximum_profit`.

    Returns
    -------
    DataFrame
        ``share``, ``profit_amount`` with ``profit_amount_low``, ``profit_amount_high`` (money per customer of the whole
        base, at the mean share kept), ``n``. Not known with one class only.

    Notes
    -----
    The limits are those of each point: they hold for a length chosen beforehand, not for the best one.

    Examples
    --------
    >>> profit_curve([1, 0], [0.9, 0.1], shares=[0, 0.5, 1]).profit_amount.tolist()  # .5 x (.3 x 190 - 1), then -11 / 2
    [0.0, 28.0, 22.5]
    """
    terms = _checked("profit_curve", offer)
    rows = scored_rows("profit_curve", outcome, score, weights=weights, customers=customers)
    points = np.asarray(shares, dtype=float)
    wrong = [float(share) for share in points if not 0 <= share <= 1]
    refuse(*([f"profit_curve: shares {wrong} lie outside 0 to 1. Give shares of the customers."] * bool(wrong)))
    names = ["profit_amount", "profit_amount_low", "profit_amount_high"]
    if rows.why_not_ranked:
        return pd.DataFrame({"share": points}).assign(**dict.fromkeys(names, math.nan), n=rows.n)

    def measure(kept: ScoredRows, weight: np.ndarray) -> np.ndarray:
        above, events = counts_above(kept, weight)
        leavers = np.interp(points * above[-1], above, events) / above[-1]
        kept_amount = leavers * terms.kept_share * (terms.clv_amount - terms.incentive_amount)
        return kept_amount - (points - leavers) * terms.incentive_amount - points * terms.contact_amount

    found = banded(rows, measure, resamples, seed, level)
    return pd.DataFrame({"share": points, **dict(zip(names, found, strict=True)), "n": rows.n})


def _checked(what: str, offer: RetentionOffer | None) -> RetentionOffer:
    terms = offer or RetentionOffer()
    low = {"clv_amount": terms.clv_amount, "alpha": terms.alpha, "beta": terms.beta}
    costs = {"incentive_amount": terms.incentive_amount, "contact_amount": terms.contact_amount}
    refuse(
        *(f"{what}: {name} is {value}. Give a number above 0." for name, value in low.items() if not value > 0),
        *(f"{what}: {name} is {value}. Give a cost, 0 or more." for name, value in costs.items() if not value >= 0),
        *(
            [f"{what}: the incentive of {terms.incentive_amount} costs as much as a customer is worth "
             f"({terms.clv_amount}). Give a smaller incentive."] * (terms.incentive_amount >= terms.clv_amount > 0)
        ),
    )  # fmt: skip
    return terms


def _maximum(what, best, outcome, score, offer, customers, weights, resamples, seed, level) -> MaximumProfit:
    terms = _checked(what, offer)
    rows = scored_rows(what, outcome, score, weights=weights, customers=customers)
    if rows.why_not_ranked:
        return MaximumProfit(*(
            Estimate(math.nan, unit=unit, n=rows.n, method=rows.why_not_ranked, level=level)
            for unit in (terms.currency, "share")
        ))  # fmt: skip
    order = np.argsort(rows.score, kind="stable")
    rows = ScoredRows(*(column[order] for column in rows))
    group = np.cumsum(np.concatenate([[0], (np.diff(rows.score) > 0).astype(int)]))

    def measure(weight: np.ndarray) -> np.ndarray:
        total = np.bincount(group, weight)
        used = total > 0
        rate = np.bincount(group, weight * rows.outcome)[used] / total[used]
        share = isotonic_regression(rate, weights=total[used]).x
        first = np.flatnonzero(np.append(True, np.diff(share) != 0))  # the steps of the hull are few
        size = np.add.reduceat(total[used], first) / total.sum()
        return best(terms, share[first].clip(0, 1), size)

    value = measure(rows.weight)
    drawn = np.array([measure(weight) for weight in resampled_rows(rows, resamples, seed)])
    tail = (1 - level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    excess = 2 * (drawn[:, 0].mean() - value[0])  # of a resample over the rows, and as much of the rows over the truth
    low[0], high[0] = max(low[0] - excess, 0.0), max(high[0] - excess, value[0])
    low[0] = min(low[0], value[0])
    methods = (f"bootstrap less optimism, {resamples:,} resamples", f"bootstrap, {resamples:,} resamples")
    units = (terms.currency, "share")
    return MaximumProfit(*(
        Estimate(float(value[i]), unit=units[i], low=float(low[i]), high=float(high[i]), n=rows.n, level=level,
                 method=methods[i])
        for i in (0, 1)
    ))  # fmt: skip


def _at_the_mean(terms: RetentionOffer, event_share: np.ndarray, size: np.ndarray) -> np.ndarray:
    a, b = terms.gains(event_share)
    profit = a * terms.kept_share - b
    return np.array([np.sum(size * np.maximum(profit, 0)), np.sum(size * (profit > 0))])


def _over_the_law(terms: RetentionOffer, event_share: np.ndarray, size: np.ndarray) -> np.ndarray:
    # A step of the hull is on the list where the share kept exceeds b / a; E (a g - b)+ over the beta law of g.
    a, b = terms.gains(event_share)
    least = np.divide(b, a, out=np.ones_like(b), where=a > b)
    called = betaincc(terms.alpha, terms.beta, least)
    kept = terms.kept_share * betaincc(terms.alpha + 1, terms.beta, least)
    return np.array([np.sum(size * (a * kept - b * called)), np.sum(size * called)])
