"""What contacts to win back achieved: by lot, arms checked first; naive looks beside it; the next trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.outreach.arms import arms
from crmlab.outreach.trials import campaign_contacts
from crmlab.stats import Estimate, count_text, share_text, smallest_difference
from crmlab.stats.differences import holm
from crmlab.stats.experiments import difference_of_shares

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["ContactEffects", "TrialPlan", "contact_effects", "effect_draws", "plan_trial"]

_GOAL = "win_back"
_FEWEST = 10  # customers in each arm below which a channel is not told by itself
_LEVEL = 0.95


@dataclass(frozen=True)
class ContactEffects:
    """What campaigns to win back achieved.

    Parameters
    ----------
    contacts : DataFrame
        All contacts of ended campaigns to win back, from `crmlab.outreach.trials.campaign_contacts`.
    trials : DataFrame
        Those that count: of randomised campaigns whose arms are as planned.
    alarms : tuple of str
        What is wrong with the arms of the campaigns left out, one sentence each.
    effect : Estimate
        Share that came back, treated less held out; not known where no trial counts.
    by_channel : DataFrame
        ``channel``, ``effect``, ``effect_low``, ``effect_high``, ``p_value`` (corrected), ``treated_count``,
        ``held_out_count``, ``returns_count``; channels with ten customers in both arms.
    """

    contacts: pd.DataFrame
    trials: pd.DataFrame
    alarms: tuple[str, ...]
    effect: Estimate
    by_channel: pd.DataFrame

    @property
    def is_proven(self) -> bool:
        """Contacts bring customers back, beyond chance."""
        return self.effect.low is not None and self.effect.low > 0

    @property
    def is_harmful(self) -> bool:
        """Contacts keep customers away, beyond chance."""
        return self.effect.high is not None and self.effect.high < 0

    @property
    def working_effect(self) -> float:
        """Effect to reckon with: the mean, unless it is below 0 by no more than chance; then nobody knows it."""
        usable = self.effect.value > 0 or self.is_harmful
        return self.effect.value if usable else float("nan")

    @property
    def why_unknown(self) -> str:
        """Why there is no effect to read; empty where there is one."""
        if np.isfinite(self.effect.value):
            return ""
        if not len(self.contacts):
            return "no campaign to win customers back has ended"
        if self.alarms:
            return "the arms of every trial differ from the plan, so no effect is read from them"
        return "no campaign to win customers back held anybody out by lot"


def contact_effects(bank: Bank, *, false_alarm_rate: float = 0.05) -> ContactEffects:
    """Read the randomised campaigns to win back, after looking at their arms.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    false_alarm_rate : float
        As in `crmlab.outreach.arms.arms`.

    Notes
    -----
    Arms first: a campaign whose arms are not of the planned size, or not of the same kind of customers, is left out of
    every effect, and said. Effect: difference of the shares back by the end of the campaign, by intention to treat,
    within equal planned hold-outs (Newcombe over strata). By channel: the same, with p-values of the two-sided score
    behind the interval left to Holm's correction.
    """
    contacts = campaign_contacts(bank, goal=_GOAL)
    drawn = contacts[contacts["is_randomised"].astype(bool)] if len(contacts) else contacts
    looked = arms(bank, false_alarm_rate=false_alarm_rate).frame if len(drawn) else pd.DataFrame()
    odd = looked[looked["is_alarm"] & looked["campaign_id"].isin(drawn["campaign_id"])] if len(looked) else looked
    alarms = tuple(_alarm(row, false_alarm_rate) for row in odd.itertuples()) if len(odd) else ()
    trials = drawn[~drawn["campaign_id"].isin(odd["campaign_id"])] if len(odd) else drawn
    return ContactEffects(contacts, trials, alarms, _effect(trials), _by_channel(trials))


def effect_draws(trials: pd.DataFrame, *, draws: int = 2_000, seed: int = 1) -> np.ndarray:
    """Draw effects that agree with the trials, to carry their uncertainty into money.

    Parameters
    ----------
    trials : DataFrame
        ``trials`` of `ContactEffects`.

    Returns
    -------
    array of float, shape (draws,)
        Share back if treated less if held out; empty without a trial.

    Notes
    -----
    Independent Beta laws of each arm and stratum, with half a return and half a stay added (Jeffreys), weighed by the
    customers of the stratum.
    """
    if not len(trials):
        return np.zeros(0)
    rng = np.random.default_rng(seed)
    counts = _counts(trials, ["holdout_share"])
    total, weights = np.zeros(draws), []
    for (y1, n1), (y0, n0) in counts:
        if n1 > 0 and n0 > 0:
            arm1 = rng.beta(y1 + 0.5, n1 - y1 + 0.5, draws)
            arm0 = rng.beta(y0 + 0.5, n0 - y0 + 0.5, draws)
            total += (n1 + n0) * (arm1 - arm0)
            weights.append(n1 + n0)
    return total / sum(weights) if weights else np.zeros(0)


@dataclass(frozen=True)
class TrialPlan:
    """A trial of winning back: what it can show, against what it must show.

    Parameters
    ----------
    customers_count : int
        Customers that may be contacted now.
    holdout_share : float
        Held out by lot, 0 to 1.
    smallest_effect : float
        Smallest effect (share) that it shows four times in five.
    break_even : float
        Effect (share) at which a contact pays for itself, on the average over the list; may be not known.
    """

    customers_count: int
    holdout_share: float
    smallest_effect: float
    break_even: float

    @property
    def said(self) -> str:
        """The plan in two sentences."""
        shown = (
            f"shows an effect of {_points(self.smallest_effect)} or more four times in five"
            if np.isfinite(self.smallest_effect)
            else "is too small to show any effect"
        )
        start = (
            f"A trial with {count_text(self.customers_count)} customers, {share_text(self.holdout_share)} of them held"
            f" out by lot, {shown}"
        )
        if not np.isfinite(self.break_even):
            return f"{start}."
        enough = np.isfinite(self.smallest_effect) and self.smallest_effect <= self.break_even
        more = "" if enough else " Keep the same hold-out over further campaigns and pool them."
        return f"{start}; contacts pay for themselves from {_points(self.break_even)} on.{more}"


def _points(share: float) -> str:
    points = 100 * share
    return f"{points:.1f} percentage points" if abs(points) >= 0.1 else f"{points:.2f} percentage points"


def plan_trial(p_uninvited: float, customers_count: int, break_even: float, *, holdout_share: float) -> TrialPlan:
    """Design the next trial from those who may be contacted now.

    Parameters
    ----------
    p_uninvited : float
        Share that comes back uninvited while the campaign counts, 0 to 1.
    customers_count : int
        Customers that may be contacted now.
    break_even : float
        Effect that pays, share.
    holdout_share : float
        Held out, above 0 and below 1.

    Examples
    --------
    >>> plan_trial(0.01, 200, 0.004, holdout_share=0.5).said
    'A trial with 200 customers, 50.0 % of them held out by lot, shows an effect of 7.6 percentage points or more four \
times in five; contacts pay for themselves from 0.4 percentage points on. Keep the same hold-out over further \
campaigns and pool them.'
    """
    known = customers_count > 0 and np.isfinite(p_uninvited)
    smallest = smallest_difference(p_uninvited, customers_count, holdout=holdout_share) if known else np.nan
    return TrialPlan(customers_count, holdout_share, smallest, break_even)


def _counts(rows: pd.DataFrame, strata: list[str]) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Count (returns, customers) of those treated and held out, by stratum in order."""
    found = []
    for _, part in rows.groupby(strata, observed=True, sort=True, dropna=False):
        arm = part["is_treated"].astype(bool)
        acted = part["has_acted"].astype(bool)
        found.append((
            (float((acted & arm).sum()), float(arm.sum())), (float((acted & ~arm).sum()), float((~arm).sum()))
        ))  # fmt: skip
    return found


def _effect(trials: pd.DataFrame) -> Estimate:
    if not len(trials):
        return Estimate(float("nan"), unit="share", n=0, method="no trial")
    counts = _counts(trials, ["holdout_share"])
    treated, held_out = (tuple(np.array([pair[arm] for pair in counts]).T) for arm in (0, 1))
    return difference_of_shares(treated, held_out)


def _by_channel(trials: pd.DataFrame) -> pd.DataFrame:
    names = ["channel", "effect", "effect_low", "effect_high", "treated_count", "held_out_count", "returns_count"]
    rows, p_values = [], []
    for channel, part in trials.groupby("channel", sort=True) if len(trials) else ():
        arm = part["is_treated"].astype(bool)
        if min(arm.sum(), (~arm).sum()) < _FEWEST:
            continue
        found = _effect(part)
        rows.append((channel, found.value, found.low, found.high, int(arm.sum()), int((~arm).sum()),
                     int(part["has_acted"].sum())))  # fmt: skip
        p_values.append(_p_value(part))
    return pd.DataFrame(rows, columns=names).assign(p_value=holm(np.array(p_values, dtype=float)))


def _p_value(part: pd.DataFrame) -> float:
    """Exact test of no effect in one channel: Fisher's, over all its trials."""
    from scipy.stats import fisher_exact

    arm, acted = part["is_treated"].astype(bool), part["has_acted"].astype(bool)
    table = [[(acted & arm).sum(), (~acted & arm).sum()], [(acted & ~arm).sum(), (~acted & ~arm).sum()]]
    return float(fisher_exact(table).pvalue)


def _alarm(row: object, rate: float) -> str:
    parts = []
    if row.p_split < rate:
        parts.append(
            f"{share_text(row.holdout_share)} of {count_text(row.customers_count)} customers are held out, planned were"
            f" {share_text(row.planned_share)}"
        )
    if row.p_balance < rate:
        parts.append(f"the arms differ in {row.differs_most}")
    return f"Campaign {row.campaign_id}: {'; '.join(parts)}."
