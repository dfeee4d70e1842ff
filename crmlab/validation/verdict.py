"""What the claims say together: how many intervals hold the truth, and whether that is what they promise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from crmlab.validation.claims import Claim

__all__ = ["Verdict", "listed"]

_RARE = 0.05  # chance of calling good intervals bad
_FEW = 20  # below so many intervals the check sees only gross errors
_NAMED = 6


@dataclass(frozen=True)
class Verdict:
    """The claims of one bank, counted.

    Parameters
    ----------
    claims : tuple of Claim
        Of all notebooks and textbook estimators.
    level : float
        Confidence level of the intervals that are counted, 0 to 1.

    Examples
    --------
    >>> from crmlab.stats import Estimate
    >>> found = [Estimate(0.5, "share", low=0.4, high=0.6)] * 20
    >>> truths = [0.5] * 19 + [0.7]
    >>> claims = [Claim("00", str(i), "a", e, t, "") for i, (e, t) in enumerate(zip(found, truths))]
    >>> verdict = Verdict(tuple(claims))
    >>> verdict.held, verdict.n, verdict.expected, round(verdict.p_value, 2)
    (19, 20, 19.0, 1.0)
    """

    claims: tuple[Claim, ...]
    level: float = 0.95

    @property
    def intervals(self) -> tuple[Claim, ...]:
        """Claims with an interval of the level and a known truth."""
        return tuple(
            c for c in self.claims if c.is_known and c.has_interval and math.isclose(c.estimate.level, self.level)
        )

    @property
    def counts(self) -> tuple[Claim, ...]:
        """Claims without an interval and with a known truth: both must be equal."""
        return tuple(c for c in self.claims if c.is_known and not c.has_interval)

    @property
    def missed(self) -> tuple[Claim, ...]:
        """Claims that do not hold their truth."""
        return tuple(c for c in self.claims if c.is_held is False)

    @property
    def unknown(self) -> tuple[Claim, ...]:
        """Claims that cannot be compared."""
        return tuple(c for c in self.claims if not c.is_known)

    @property
    def n(self) -> int:
        """Intervals that were compared."""
        return len(self.intervals)

    @property
    def held(self) -> int:
        """Intervals that hold the truth."""
        return sum(bool(c.is_held) for c in self.intervals)

    @property
    def expected(self) -> float:
        """Intervals that should hold the truth, on average over many banks."""
        return self.level * self.n

    @property
    def p_value(self) -> float:
        """Exact two-sided binomial test of so many held; 1 where nothing was compared."""
        from scipy.stats import binomtest

        return float(binomtest(self.held, self.n, self.level).pvalue) if self.n else 1.0

    @property
    def is_compatible(self) -> bool:
        """So many held are no rare event when every interval keeps its promise."""
        return self.p_value >= _RARE

    @property
    def sentences(self) -> list[str]:
        """The answer, headline first."""
        said = [self._headline()]
        if self.n:
            said.append(self._compatible())
        if self.counts:
            right = sum(bool(c.is_held) for c in self.counts)
            many = len(self.counts)
            said.append(
                f"{right} of {many} plain count is exactly right."
                if many == 1
                else f"{right} of {many} plain counts are exactly right."
            )
        if self.missed:
            names = listed([f"{c.label} ({c.estimate.short}; true {c.true})" for c in self.missed], _NAMED)
            said.append(f"Missed: {names}.")
        return said

    @property
    def advice(self) -> str:
        """What the verdict means for a reader who must decide."""
        if not self.claims or not (self.n or self.counts):
            return "Nothing could be compared, so this page is no reason to trust the kit, nor to distrust it."
        wrong = [c for c in self.counts if not c.is_held]
        if wrong:
            return (
                f"Find the cause before {listed([c.label for c in wrong], _NAMED)} is used: a plain count should be "
                "right to the last unit."
            )
        if self.n and not self.is_compatible and self.held < self.expected:
            return "Do not rely on the numbers marked as missed, nor on their kind, before the cause is found."
        if self.missed:
            one = self.n - self.held
            told = (
                f"{one} missed interval in {self.n} is no sign of a fault"
                if one == 1
                else f"{one} missed intervals in {self.n} are no sign of a fault"
            )
            told = f"{told}: one in twenty misses by chance, and we show it."
            return " ".join(["Nothing here speaks against the kit.", told])
        return "Nothing here speaks against the kit."

    def _headline(self) -> str:
        level = f"{100 * self.level:g} %"
        if not self.n:
            return f"No interval at {level} could be compared with a known truth."
        told = (
            f"{self.held} of {self.n} interval at {level} holds the true value"
            if self.n == 1
            else f"{self.held} of {self.n} intervals at {level} hold the true value"
        )
        return f"{told}; {self.expected:.1f} were to be expected."

    def _compatible(self) -> str:
        level, check = f"{100 * self.level:g} %", f"exact binomial check, p = {_p_text(self.p_value)}"
        few = "With so few of them the check sees only gross errors." if self.n < _FEW else ""
        if self.is_compatible:
            told = f"That is compatible with the {level} the intervals promise ({check})."
            return f"{told} {few}".rstrip()
        if self.held < self.expected:
            return (
                f"That is fewer than the {level} the intervals promise allows ({check}): "
                "some of them are too narrow or off the mark."
            )
        return f"That is more than the {level} the intervals promise ({check}): they are wider than they need be."


def listed(names: Sequence[str], most: int) -> str:
    """Join names, and count those beyond the most to be named.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))


def _p_text(p: float) -> str:
    return "under .001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 0.1 else f"{p:.2f}"
