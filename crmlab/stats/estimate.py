"""A number that can be defended: value, interval, sample size, and how it was made."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Estimate", "amount_text", "count_text", "share_text"]


@dataclass(frozen=True)
class Estimate:
    """One result with its interval and sample size.

    Parameters
    ----------
    value : float
        Point estimate, in `unit`.
    unit : str
        ``"share"`` (0 to 1, shown as a percentage), ``"count"``, a currency code such as ``"EUR"``, or a word such as
        ``"days"`` or ``"index"``.
    low, high : float or None
        Interval limits in `unit`; None when the number is an exact count of everything there is.
    n : int or None
        Rows behind the number.
    method : str
        How the interval was made, e.g. ``"bootstrap, 1,000 resamples"``; empty for a full count.
    level : float
        Confidence level of the interval, 0 to 1.

    Examples
    --------
    >>> Estimate(0.7134, unit="share", low=0.70, high=0.7251, n=4321, method="Wilson").text
    '71.3 % (95 % interval 70.0 to 72.5 %, n = 4,321)'
    >>> Estimate(1234567.0, unit="EUR", n=12).text
    'EUR 1.23 million (n = 12)'
    """

    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    n: int | None = None
    method: str = ""
    level: float = 0.95

    @property
    def short(self) -> str:
        """Value with its unit, e.g. ``'71.3 %'``."""
        return _with_unit(self.value, self.unit)

    @property
    def interval(self) -> str:
        """Interval with its unit, or an empty text, e.g. ``'70.0 to 72.5 %'``."""
        if self.low is None or self.high is None:
            return ""
        low, high = _with_unit(self.low, self.unit), _with_unit(self.high, self.unit)
        if self.unit == "share":
            low = low.removesuffix(" %")
        elif not (len(self.unit) == 3 and self.unit.isupper()):
            low = low.removesuffix(f" {self.unit}")
        return " to ".join((low, high))

    @property
    def text(self) -> str:
        """Value, interval and n, ready for a sentence."""
        parts = [f"{self.level:.0%}".replace("%", " %") + f" interval {self.interval}"] if self.interval else []
        parts += [f"n = {self.n:,}"] if self.n is not None else []
        return f"{self.short} ({', '.join(parts)})" if parts else self.short

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; not-a-number becomes None."""
        plain = asdict(self)
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in plain.items()}

    def __str__(self) -> str:
        return self.text


def _with_unit(value: float, unit: str) -> str:
    if value is None or not math.isfinite(value):
        return "not known"
    if unit == "share":
        return share_text(value)
    if unit == "count":
        return count_text(value)
    if len(unit) == 3 and unit.isupper():
        return amount_text(value, unit)
    return f"{_significant(value)} {unit}" if unit not in ("index", "") else _significant(value)


def share_text(value: float) -> str:
    """Show a share (0 to 1) as a percentage.

    >>> share_text(0.7134), share_text(0.00042)
    ('71.3 %', '0.04 %')
    """
    percent = 100 * value
    return f"{percent:.1f} %" if abs(percent) >= 0.1 or percent == 0 else f"{percent:.2f} %"


def count_text(value: float) -> str:
    """Show a count with thousands separators.

    >>> count_text(1234567)
    '1,234,567'
    """
    return f"{value:,.0f}"


def amount_text(value: float, currency: str) -> str:
    """Show money with three significant digits.

    >>> amount_text(1234567, "CZK"), amount_text(-45231, "CZK"), amount_text(12.5, "EUR")
    ('CZK 1.23 million', 'CZK -45,231', 'EUR 12.50')
    """
    size = abs(value)
    if size >= 999_500_000:
        return f"{currency} {value / 1e9:,.2f} billion"
    if size >= 999_500:
        return f"{currency} {value / 1e6:,.2f} million"
    return f"{currency} {value:,.0f}" if size >= 1000 else f"{currency} {value:,.2f}"


def _significant(value: float) -> str:
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}"
