"""How many points will be redeemed in the end: by the age of points, with what is still outstanding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.loyalty.programme.ledger import Ledger
from crmlab.stats import Estimate, percentile_limits

__all__ = ["FEWEST_MEMBERS", "Redemption", "redemption_by_age", "redemption_triangle"]

FEWEST_MEMBERS = 20  # below, a bootstrap of members says little
_MOST_AGES = 120  # months; points without expiry are followed no longer


@dataclass(frozen=True)
class Redemption:
    """What becomes of points, by their age in months.

    Parameters
    ----------
    ages : DataFrame
        One row an age in months, from 0: ``at_risk_count`` (points outstanding when they reached that age, of those
        seen through it), ``redeemed_count``, ``lapsed_count`` (expired or forfeited), ``redeemed_share`` and
        ``lapsed_share`` (of those at risk), ``ultimate_share`` (of points outstanding at that age: redeemed in the
        end), ``outstanding_count`` (points that reach this age next month).
    rate : Estimate
        Ultimate redemption rate: share of newly earned points that is redeemed in the end.
    outstanding_rate : Estimate
        The same of the points outstanding now, which are of all ages.
    draws : ndarray of float, shape (resamples, ages)
        ``ultimate_share`` in each resample of members.
    outstanding : ndarray of float, shape (members, ages)
        Points of each member that reach the age next month.
    is_complete : bool
        Whether points were seen to the end of their life. If not, the rates are a lower limit.
    to_date_share : float
        Redeemed so far over earned so far: not the ultimate rate, for young points had no time.
    """

    ages: pd.DataFrame
    rate: Estimate
    outstanding_rate: Estimate
    draws: np.ndarray
    outstanding: np.ndarray
    is_complete: bool
    to_date_share: float


def redemption_by_age(ledger: Ledger, *, resamples: int = 500, seed: int = 1, level: float = 0.95) -> Redemption:
    """Estimate the ultimate redemption rate from what was redeemed at each age of points.

    Parameters
    ----------
    ledger : Ledger
        From `crmlab.loyalty.programme.ledger.ledger_on`.
    resamples, seed : int
        Of the bootstrap: whole members are drawn, for the points of one member go the same way.
    level : float
        Confidence level, 0 to 1.

    Notes
    -----
    A chain ladder on points outstanding: at each age in months the share of points outstanding that is redeemed, and
    that lapses, weighted by volume over all earning months seen at that age; with d and l these shares, a point of age
    a is redeemed in the end with u(a) = d(a) + (1 - d(a) - l(a)) u(a + 1). Points brought along from before the ledger
    are what was left of others, so they count only at ages that no other points have reached yet. Redeemed to date over
    given to date, the naive rate, says nothing of points that had no time yet.
    It is assumed that points of the same age go on as they did: a new reward, or a new rule of expiry, breaks that.

    References
    ----------
    Gault, Llaguno and Ménard (2012), A structural simulation model for measuring loyalty programme liabilities,
    Casualty Actuarial Society E-Forum; Kaplan and Meier (1958), JASA 53, for entry at a later age.
    """
    at_risk, redeemed, lapsed, outstanding = _by_member(ledger)
    count, ages = at_risk.shape
    shares = _ultimate(at_risk.sum(axis=0), redeemed.sum(axis=0), lapsed.sum(axis=0))
    draws = np.empty((resamples if count >= 2 else 0, ages))
    generator = np.random.default_rng(seed)
    left_draws = np.empty(len(draws))
    for at in range(len(draws)):
        times = generator.multinomial(count, np.full(count, 1 / count)).astype(float)
        draws[at] = _ultimate(times @ at_risk, times @ redeemed, times @ lapsed)
        left = times @ outstanding
        left_draws[at] = left @ draws[at] / left.sum() if left.sum() else np.nan
    method = f"bootstrap of members, {resamples:,} resamples"
    left = outstanding.sum(axis=0)
    value = float(left @ shares / left.sum()) if left.sum() else float("nan")
    table = pd.DataFrame({
        "age_months": np.arange(ages), "at_risk_count": at_risk.sum(axis=0), "redeemed_count": redeemed.sum(axis=0),
        "lapsed_count": lapsed.sum(axis=0),
    })  # fmt: skip
    safe = table["at_risk_count"].where(table["at_risk_count"] > 0)
    table = table.assign(
        redeemed_share=table["redeemed_count"] / safe, lapsed_share=table["lapsed_count"] / safe,
        ultimate_share=shares, outstanding_count=left,
    )  # fmt: skip
    earned = ledger.lots["points_count"].sum()
    spent = ledger.uses.loc[ledger.uses["end"] == "redeemed", "points_count"].sum()
    return Redemption(
        table,
        _estimate(shares[0] if ages else np.nan, draws[:, 0] if ages else draws, count, method, level),
        _estimate(value, left_draws, count, method, level),
        draws,
        outstanding,
        _is_complete(ledger, at_risk),
        float(spent / earned) if earned else float("nan"),
    )


def redemption_triangle(ledger: Ledger) -> pd.DataFrame:
    """Show the share of points of each earning quarter that was redeemed by each age in quarters.

    Parameters
    ----------
    ledger : Ledger
        From `crmlab.loyalty.programme.ledger.ledger_on`.

    Returns
    -------
    DataFrame
        ``quarter`` (of earning), ``earned_count``, then ``by_1q``, ``by_2q``, ... (share redeemed by so many quarters
        after the quarter of earning began, 0 to 1; empty where not all points of the quarter reached that age), and
        ``outstanding_share``. Points brought along are left out.
    """
    lots = ledger.lots[~ledger.lots["is_opening"]]
    if lots.empty:
        return pd.DataFrame({"quarter": [], "earned_count": [], "outstanding_share": []})
    quarter = lots["earned_on"].dt.to_period("Q")
    uses = ledger.uses[(ledger.uses["end"] == "redeemed") & ledger.uses["lot"].isin(lots.index)]
    of = quarter.reindex(uses["lot"]).reset_index(drop=True)
    when = uses["used_on"].dt.to_period("Q").reset_index(drop=True)
    passed = pd.Series(pd.PeriodIndex(when).asi8 - pd.PeriodIndex(of).asi8, dtype="int64")
    earned = lots.groupby(quarter)["points_count"].sum()
    spent = uses["points_count"].reset_index(drop=True).groupby([of, passed]).sum().unstack(fill_value=0)
    most = int(passed.max()) if len(passed) else 0
    spent = spent.reindex(index=earned.index, columns=range(most + 1), fill_value=0).cumsum(axis=1)
    last = (ledger.last_on + pd.Timedelta(days=1)).to_period("Q") - 1  # last quarter that is over
    reached = (last.ordinal - pd.PeriodIndex(earned.index).asi8)[:, None] >= np.arange(most + 1)[None, :]
    shares = (spent.div(earned, axis=0)).where(reached)
    shares.columns = [f"by_{age + 1}q" for age in shares.columns]
    left = lots.groupby(quarter)["outstanding_count"].sum() / earned
    found = pd.concat([earned.rename("earned_count"), shares, left.rename("outstanding_share")], axis=1)
    found.insert(0, "quarter", [f"{one.year} Q{one.quarter}" for one in earned.index])
    return found.reset_index(drop=True)


def _by_member(ledger: Ledger) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points at risk, redeemed, lapsed at each age of whole months, and outstanding now, of each member."""
    lots, uses = ledger.lots, ledger.uses
    people = pd.Index(ledger.entries["customer_id"].unique())
    owner = people.get_indexer(lots["customer_id"])
    end = (ledger.last_on + pd.Timedelta(days=1)).to_period("M").ordinal  # first month that is not over
    born = pd.PeriodIndex(lots["earned_on"], freq="M").asi8 if len(lots) else np.zeros(0, dtype=np.int64)
    enters = np.maximum(pd.PeriodIndex(lots["given_on"], freq="M").asi8 - born, 0) if len(lots) else born
    used = pd.PeriodIndex(uses["used_on"], freq="M").asi8 if len(uses) else np.zeros(0, dtype=np.int64)
    lot = uses["lot"].to_numpy()
    age_used = used - born[lot]
    size, pieces = lots["points_count"].to_numpy(dtype=float), uses["points_count"].to_numpy(dtype=float)
    left = lots["outstanding_count"].to_numpy(dtype=float)
    oldest = (end - born)[left > 0].max(initial=0)
    ages = int(min(max(age_used.max(initial=0), oldest), _MOST_AGES)) + 1
    stops = np.minimum(end - born, ages)  # the last age seen in full
    is_opening = lots["is_opening"].to_numpy(dtype=bool)
    spent = (uses["end"] == "redeemed").to_numpy()
    seen = (age_used >= 0) & (age_used < stops[lot])
    parts = []
    for chosen in (~is_opening, is_opening):
        at_risk, redeemed, lapsed = (np.zeros((len(people), ages)) for _ in range(3))
        # a lot is at risk from the age at which it enters, less what was used before
        _spread(at_risk, owner[chosen], enters[chosen], stops[chosen], size[chosen])
        piece = chosen[lot]
        _spread(at_risk, owner[lot[piece]], age_used[piece] + 1, stops[lot[piece]], -pieces[piece])
        for target, take in ((redeemed, piece & seen & spent), (lapsed, piece & seen & ~spent)):
            np.add.at(target, (owner[lot[take]], age_used[take]), pieces[take])
        parts.append((np.maximum(at_risk, 0.0), redeemed, lapsed))
    own = parts[0][0].sum(axis=0) > 0
    at_risk, redeemed, lapsed = (np.where(own, seen_all, brought) for seen_all, brought in zip(*parts, strict=True))
    outstanding = np.zeros((len(people), ages))
    np.add.at(outstanding, (owner, np.minimum(end - born, ages - 1)), left)
    return at_risk, redeemed, lapsed, outstanding


def _spread(target: np.ndarray, owner: np.ndarray, begins: np.ndarray, stops: np.ndarray, size: np.ndarray) -> None:
    """Add a size to every age from begins to before stops."""
    steps = np.zeros((len(target), target.shape[1] + 1))
    keep = stops > begins
    np.add.at(steps, (owner[keep], begins[keep]), size[keep])
    np.add.at(steps, (owner[keep], stops[keep]), -size[keep])
    target += steps.cumsum(axis=1)[:, :-1]


def _ultimate(at_risk: np.ndarray, redeemed: np.ndarray, lapsed: np.ndarray) -> np.ndarray:
    """Share redeemed in the end of points outstanding at each age, from the oldest back."""
    found, after = np.zeros(len(at_risk)), 0.0
    for age in range(len(at_risk) - 1, -1, -1):
        if at_risk[age] > 0:
            spent, gone = redeemed[age] / at_risk[age], lapsed[age] / at_risk[age]
            after = spent + max(1 - spent - gone, 0.0) * after
        found[age] = after
    return found


def _is_complete(ledger: Ledger, at_risk: np.ndarray) -> bool:
    if ledger.validity_months is None or not at_risk.size:
        return False
    seen = np.flatnonzero(at_risk.sum(axis=0) > 0)
    return bool(len(seen) and seen.max() >= ledger.validity_months - 1)


def _estimate(value: float, draws: np.ndarray, n: int, method: str, level: float) -> Estimate:
    if n < FEWEST_MEMBERS or not np.isfinite(value):
        return Estimate(float(value), "share", n=n, method="too few members for an interval", level=level)
    low, high = percentile_limits(draws, level)
    return Estimate(float(value), "share", float(low), float(high), n, method, level)
