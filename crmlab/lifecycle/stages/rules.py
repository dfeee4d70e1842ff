"""The rules of the stages: names, order of precedence, thresholds with their units."""

from __future__ import annotations

from dataclasses import dataclass, fields

from crmlab.errors import nearest, refuse

__all__ = ["ALIVE", "SCOPES", "STAGES", "WORDS", "StageRules"]

STAGES = ("onboarding", "growth", "maturity", "decline", "dormant", "lost", "won_back")
ALIVE = tuple(stage for stage in STAGES if stage != "lost")
# the whole relation, or what a customer holds of one kind: families of products
SCOPES: dict[str, tuple[str, ...]] = {
    "all": (),
    "deposits": ("current", "savings", "term_deposit", "investment", "pension"),
    "cards": ("card",),
    "loans": ("loan", "mortgage"),
}
WORDS = {"won_back": "won back"}


@dataclass(frozen=True)
class StageRules:
    """Thresholds of the stages; months are month-ends of the bank, shares 0 to 1.

    Parameters
    ----------
    onboarding_months : int
        A new customer is in onboarding for the month of joining and those after it, so many in all.
    won_back_months : int
        The same for who was lost and came back.
    growth_months : int
        A further product keeps a customer in growth for so many months.
    rise_share, rise_keeps_share : float
        Amounts (mean of three month-ends) that lie this far above those a year before bring growth; growth by them ends
        when the rise is smaller than the second.
    fall_share, recovery_share : float
        An amount at or below this share of its own mean of the six month-ends before is a fall; decline ends when the
        amount is back at the second share of that mean.
    fall_regular_months : int
        A fall counts only if no salary, pension or benefit came in for so many months: money moved on is not a leave.
    settle_months : int
        After so many months at the lower level without a new fall it is the new normal.
    dormant_months : int
        Months without any act of the customer and without regular money in after which a customer is dormant.
    wake_months : int
        Of the last three months, those with an act that end dormancy.
    run_off_share : float
        Debts at or below this share of their highest are running off: decline of a loan.
    least_share_of_median : float
        A rise or fall smaller than this share of the median amount of all customers at that month-end is none.
    dwell_months : int
        Months that a customer stays in growth, maturity or decline before a gradual sign moves them on. Facts (a new
        product, dormancy, the end) need no wait.

    Notes
    -----
    The first that holds of: lost, dormant, decline, onboarding or won back, growth, maturity. Hysteresis (a threshold
    to enter, another to leave) and dwell keep customers from flickering; `naive` has neither.

    Examples
    --------
    >>> StageRules().dwell_months, StageRules().naive().dwell_months, StageRules().naive().recovery_share
    (3, 0, 0.6)
    """

    onboarding_months: int = 6
    won_back_months: int = 12
    growth_months: int = 12
    rise_share: float = 0.20
    rise_keeps_share: float = 0.10
    fall_share: float = 0.60
    recovery_share: float = 0.80
    fall_regular_months: int = 2
    settle_months: int = 6
    dormant_months: int = 6
    wake_months: int = 2
    run_off_share: float = 0.25
    least_share_of_median: float = 0.10
    dwell_months: int = 3

    def __post_init__(self) -> None:
        whole = [f.name for f in fields(self) if f.type == "int"]
        shares = [f.name for f in fields(self) if f.type == "float" and not f.name.startswith("rise")]
        refuse(
            *(
                f"StageRules: {name} is {getattr(self, name)!r}. Give a whole number of months, 0 or more."
                for name in whole
                if isinstance(getattr(self, name), bool)
                or not isinstance(getattr(self, name), int)
                or getattr(self, name) < 0
            ),
            *(
                f"StageRules: {name} is {getattr(self, name)!r}. Give a share from 0 to 1."
                for name in shares
                if not 0 <= getattr(self, name) <= 1
            ),
            *(
                [f"StageRules: rise_keeps_share {self.rise_keeps_share} is above rise_share {self.rise_share}. Leaving"
                 " growth must ask for less than entering it."]
                if self.rise_keeps_share > self.rise_share
                else []
            ),
            *(
                [f"StageRules: recovery_share {self.recovery_share} is below fall_share {self.fall_share}. Leaving"
                 " decline must ask for more than entering it."]
                if self.recovery_share < self.fall_share
                else []
            ),
            *(["StageRules: wake_months lies from 1 to 3. It counts of the last three."]
              if self.wake_months not in (1, 2, 3) else []),
            *(["StageRules: dormant_months is 0: everybody would be dormant. Give 1 or more."]
              if self.dormant_months == 0 else []),
        )  # fmt: skip

    def naive(self) -> StageRules:
        """Return the same thresholds without dwell and without hysteresis, to compare with."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        plain = {"rise_keeps_share": self.rise_share, "recovery_share": self.fall_share, "settle_months": 0}
        return StageRules(**{**values, **plain, "wake_months": 1, "dwell_months": 0})

    def told(self) -> list[tuple[str, str]]:
        """Say in plain words when a customer enters each stage and when the stage ends: (stage, rule)."""
        return [
            ("onboarding", f"the first {self.onboarding_months} months"),
            ("growth", f"a further product in the last {self.growth_months} months, or amounts {self.rise_share:.0%}"
             f" above those a year before (kept down to {self.rise_keeps_share:.0%})"),
            ("maturity", "none of the others"),
            ("decline", f"amounts at {self.fall_share:.0%} or less of the six months before and no regular money in for"
             f" {self.fall_regular_months} months; ends at {self.recovery_share:.0%}, or after {self.settle_months}"
             " months at the new level"),
            ("dormant", f"no act and no regular money in for {self.dormant_months} months; ends with acts in"
             f" {self.wake_months} of 3 months"),
            ("lost", "the relation has ended"),
            ("won back", f"here again after a loss, for {self.won_back_months} months"),
        ]  # fmt: skip


def known_scope(scope: str) -> str:
    """Return the scope, or refuse one that is not known."""
    if scope not in SCOPES:
        refuse(f"stages have no scope {scope!r}.{nearest(scope, SCOPES)} Choose one of {list(SCOPES)}.")
    return scope
