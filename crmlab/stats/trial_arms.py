"""Were the arms of a trial drawn as planned? To be asked before any effect is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, chi2

from crmlab.errors import refuse

__all__ = ["SampleRatio", "sample_ratio"]

_SMALLEST_EXPECTED = 5.0  # below this in a cell the chi-square law is not trusted
_DRAWS = 10_000


@dataclass(frozen=True)
class SampleRatio:
    """Sizes of the arms against the plan.

    Parameters
    ----------
    counts, expected : tuple of float
        Customers in each arm, over all strata, and how many the plan expects.
    p_value : float
        Chance of a miss at least as large when the arms were drawn as planned; not known without customers.
    is_alarm : bool
        Below the rate of false alarms: no effect of this trial may be shown.
    method : str
        Test that was made.
    """

    counts: tuple[float, ...]
    expected: tuple[float, ...]
    p_value: float
    is_alarm: bool
    method: str

    @property
    def reading(self) -> str:
        """One sentence for a page."""
        told = " and ".join(f"{count:,.0f}" for count in self.counts)
        wanted = " and ".join(f"{count:,.0f}" for count in self.expected)
        if not np.isfinite(self.p_value):
            return "The sizes of the arms cannot be checked: there are no customers or no plan."
        if self.is_alarm:
            chance = "less than 1 in 10,000" if self.p_value < 1e-4 else f"{self.p_value:.4f}"
            return (f"The arms hold {told} customers where the plan expects {wanted} (chance of such a miss: {chance})."
                    " The draw was not kept, so no effect is shown.")  # fmt: skip
        return f"The arms hold {told} customers; the plan expects {wanted}: drawn as planned (p = {self.p_value:.2f})."


def sample_ratio(counts: object, planned: object, *, false_alarm_rate: float = 0.001, seed: int = 1) -> SampleRatio:
    """Compare the sizes of a trial's arms with the plan (sample ratio mismatch).

    Parameters
    ----------
    counts : array-like of int, shape (arms,) or (strata, arms)
        Customers in each arm; strata are groups with a plan of their own, such as campaigns.
    planned : array-like of float, same shape, or (arms,)
        Planned share of each arm, above 0; of a stratum they add up to 1.
    false_alarm_rate : float
        Chance of an alarm in a trial drawn as planned, above 0 and below 1. Small, as an alarm takes the result away.
    seed : int
        Of the draws, where these are needed.

    Notes
    -----
    Two arms and one stratum: exact binomial test. Else Pearson's chi-square over all cells with strata x (arms - 1)
    degrees of freedom; where fewer than 5 customers are expected in a cell, its law is drawn (10,000 times). The test
    sees wrong sizes only; for the wrong customers in an arm of the right size compare what was known before.

    References
    ----------
    Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD.

    Examples
    --------
    >>> sample_ratio([5_000, 5_100], [0.5, 0.5]).is_alarm, sample_ratio([5_000, 5_400], [0.5, 0.5]).is_alarm
    (False, True)
    """
    table = np.atleast_2d(np.asarray(counts, dtype=float))
    shares = np.atleast_2d(np.asarray(planned, dtype=float))
    fits = shares.shape[1] == table.shape[1] and shares.shape[0] in (1, len(table))
    if not fits:
        refuse(
            f"sample_ratio: counts have the shape {table.shape}, the plan {shares.shape}. "
            "Give one share for each count."
        )
    shares = np.broadcast_to(shares, table.shape)
    refuse(
        *(
            ["sample_ratio: some counts are below 0 or not whole. Count customers."]
            if (table < 0).any() or (table % 1 != 0).any()
            else []
        ),
        *(
            ["sample_ratio: planned shares must be above 0 and add up to 1. Give the share of every arm."]
            if not ((shares > 0).all() and np.allclose(shares.sum(axis=1), 1))
            else []
        ),
        *(
            []
            if 0 < false_alarm_rate < 1
            else [f"sample_ratio: false_alarm_rate is {false_alarm_rate}. Give a share above 0 and below 1."]
        ),
    )
    used = table.sum(axis=1) > 0
    table, shares = table[used], shares[used]
    expected = table.sum(axis=1, keepdims=True) * shares
    p_value, method = _tested(table, shares, expected, seed)
    return SampleRatio(
        tuple(table.sum(axis=0).tolist()),
        tuple(expected.sum(axis=0).tolist()),
        p_value,
        bool(p_value < false_alarm_rate),
        method,
    )


def _tested(table: np.ndarray, shares: np.ndarray, expected: np.ndarray, seed: int) -> tuple[float, str]:
    if not len(table) or table.shape[1] < 2:
        return float("nan"), "not known: no customers"
    if table.shape == (1, 2):
        found = binomtest(int(table[0, 0]), int(table.sum()), float(shares[0, 0]))
        return float(found.pvalue), "exact binomial"
    distance = ((table - expected) ** 2 / expected).sum()
    if expected.min() >= _SMALLEST_EXPECTED:
        return float(chi2.sf(distance, len(table) * (table.shape[1] - 1))), "chi-square"
    generator = np.random.default_rng(seed)
    drawn = np.zeros(_DRAWS)
    for row, plan, wanted in zip(table, shares, expected, strict=True):
        many = generator.multinomial(int(row.sum()), plan, size=_DRAWS)
        drawn += ((many - wanted) ** 2 / wanted).sum(axis=1)
    return float((1 + (drawn >= distance - 1e-9).sum()) / (1 + _DRAWS)), f"chi-square, law drawn {_DRAWS:,} times"
