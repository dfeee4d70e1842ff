"""Tiers: groups made by a rule on one amount, with names tied to the rule."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.errors import refuse
from crmlab.stats import amount_text

__all__ = ["Tiering", "make_tiers"]

# number of tiers -> names, lowest first
_NAMES = {
    1: ("base",),
    2: ("base", "top"),
    3: ("base", "affluent", "top"),
    4: ("base", "core", "affluent", "top"),
    5: ("base", "core", "affluent", "wealthy", "top"),
}
_QUANTILES = (0.5, 0.8, 0.95)


@dataclass(frozen=True)
class Tiering:
    """A rule that puts an amount into one of up to five tiers.

    Parameters
    ----------
    limits : tuple of float
        Lowest amount of each tier but the first, rising; an amount on the limit is in the higher tier.
    currency : str
        Currency code.

    Examples
    --------
    >>> rule = Tiering((1_000.0, 50_000.0), "EUR")
    >>> rule.of(pd.Series([999.99, 1_000.0, 70_000.0])).tolist()
    ['base', 'affluent', 'top']
    >>> rule.rules["affluent"]
    'EUR 1,000 to under EUR 50,000'
    """

    limits: tuple[float, ...]
    currency: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tiers, lowest first."""
        return _NAMES[len(self.limits) + 1]

    @property
    def rules(self) -> dict[str, str]:
        """The rule of each tier in words."""
        texts = [amount_text(limit, self.currency) for limit in self.limits]
        if not texts:
            return {"base": "all"}
        between = [f"{low} to under {high}" for low, high in itertools.pairwise(texts)]
        return dict(zip(self.names, [f"under {texts[0]}", *between, f"{texts[-1]} and over"], strict=True))

    def of(self, amounts: pd.Series) -> pd.Series:
        """Return the tier of each amount; missing where the amount is."""
        place = np.searchsorted(np.array(self.limits), amounts.to_numpy(dtype=float), side="right")
        names = pd.Series(np.array(self.names, dtype=object)[place], index=amounts.index, dtype="str")
        return names.where(amounts.notna())


def make_tiers(
    amounts: pd.Series, thresholds: Sequence[float] = (), *, currency: str, what: str = "asset_thresholds"
) -> Tiering:
    """Make the rule from thresholds, or from the amounts themselves.

    Parameters
    ----------
    amounts : Series of float
        One row a customer, in currency.
    thresholds : sequence of float
        One to four rising amounts above 0. Empty: what parts the lower 50 %, the next 30 %, the next 15 % and the top
        5 % of the amounts, rounded to two digits; thresholds that then fall together are dropped, and those that leave
        a tier of under 10 customers, who could be recognised.
    currency : str
        Currency code.
    what : str
        Name of the parameter, for the error.

    Examples
    --------
    >>> make_tiers(pd.Series(range(0, 200_001, 1_000), dtype=float), currency="EUR").limits
    (100000.0, 160000.0, 190000.0)
    """
    given = [float(value) for value in thresholds]
    if given:
        rising = all(a < b for a, b in itertools.pairwise(given))
        if len(given) > 4 or not rising or given[0] <= 0 or not all(map(math.isfinite, given)):
            refuse(
                f"{what}: {given} cannot part tiers. Give one to four rising amounts above 0, or none for quantiles."
            )
        return Tiering(tuple(given), currency)
    known = amounts.dropna().to_numpy(dtype=float)
    found = [_two_digits(float(np.quantile(known, q))) for q in _QUANTILES] if len(known) else []
    return Tiering(_roomy(sorted({value for value in found if value > 0}), known), currency)


def _roomy(limits: Sequence[float], known: np.ndarray) -> tuple[float, ...]:
    """Drop limits, the highest first, until no tier holds under 10 customers."""
    kept: list[float] = []
    above = 0  # customers of the tiers kept so far
    for limit in sorted(limits, reverse=True):
        over = int((known >= limit).sum())
        if over - above >= SMALLEST_GROUP and len(known) - over >= SMALLEST_GROUP:
            kept.insert(0, limit)
            above = over
    return tuple(kept)


def _two_digits(value: float) -> float:
    if value <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round(round(value / step) * step, 2)
