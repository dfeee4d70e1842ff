"""What the bank owes for points: outstanding times redeemed in the end times the value of a point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.loyalty.programme.ledger import Ledger
from crmlab.loyalty.programme.redemption import FEWEST_MEMBERS, Redemption
from crmlab.stats import Estimate

__all__ = ["Liability", "liability", "sensitivity", "value_of_a_point"]

_YEAR = pd.DateOffset(months=12)


@dataclass(frozen=True)
class Liability:
    """What points outstanding will cost.

    Parameters
    ----------
    amount : Estimate
        Worth of the rewards that the points outstanding will still buy; the interval is for what will happen.
    change_amount : float
        The same less that of twelve months before, at today's rates; NaN where the ledger is younger.
    outstanding_count : float
        Points outstanding.
    value_amount : float
        Worth of a point when redeemed, in currency.
    by_age : DataFrame
        ``age`` (of the points, in half years), ``outstanding_count``, ``expected_count`` (redeemed in the end),
        ``expected_amount``.
    """

    amount: Estimate
    change_amount: float
    outstanding_count: float
    value_amount: float
    by_age: pd.DataFrame


def value_of_a_point(ledger: Ledger) -> float:
    """Worth of a point redeemed in the last twelve months, else ever, in currency; NaN where no worth is recorded."""
    rows = ledger.entries
    spent = rows[(rows["kind"] == "redeem") & rows["value_amount"].notna() & (rows["points_count"] != 0)]
    recent = spent[spent["booked_on"] > ledger.last_on - _YEAR]
    chosen = recent if len(recent) else spent
    points = chosen["points_count"].abs().sum()
    return float(chosen["value_amount"].sum() / points) if points else float("nan")


def liability(
    ledger: Ledger, redemption: Redemption, *, value_amount: float | None = None, currency: str = "EUR",
    level: float = 0.95,
) -> Liability:  # fmt: skip
    """Estimate what the points outstanding will cost.

    Parameters
    ----------
    ledger, redemption
        Of the same day.
    value_amount : float, optional
        Worth of a point, in currency; None: that of the points redeemed in the last twelve months.
    currency : str
        Code of the currency.
    level : float
        Confidence level, 0 to 1.

    Notes
    -----
    Points of each age times their ultimate rate times the value of a point. The interval adds two errors: of the rates
    (bootstrap of members) and of what these members will do, who tend to redeem all they have or nothing: with r of o
    points expected of a member the variance is taken as r (o - r), the largest there can be. It is meant for what will
    be redeemed, not only for its mean. Rewards are counted at their recorded worth, without the cost of running them.
    Coverage is counted in ``benchmarks/loyalty.py``.

    References
    ----------
    Gault, Llaguno and Ménard (2012), Casualty Actuarial Society E-Forum; Mack (1993), ASTIN Bulletin 23, for the two
    parts of the error of a reserve.
    """
    value = value_of_a_point(ledger) if value_amount is None else float(value_amount)
    refuse(*([f"liability: the value of a point is {value}. Give an amount of 0 or more."] if value < 0 else []))
    shares = redemption.ages["ultimate_share"].to_numpy()
    left = redemption.outstanding
    by_age = left.sum(axis=0)
    expected = left @ shares
    count = len(left)
    amount = float(value * expected.sum())
    if count >= FEWEST_MEMBERS and np.isfinite(value):
        of_rates = float(np.var(redemption.draws @ by_age, ddof=1))
        of_members = float((expected * np.maximum(left.sum(axis=1) - expected, 0.0)).sum())
        step = float(norm.ppf((1 + level) / 2)) * value * float(np.sqrt(of_rates + of_members))
        limits = (max(amount - step, 0.0), min(amount + step, value * float(by_age.sum())))
        found = Estimate(amount, currency, *limits, n=count, method="bootstrap of members, and what they will do")
    else:
        found = Estimate(amount, currency, n=count, method="too few members for an interval")
    return Liability(
        found, amount - _year_before(ledger, shares, value), float(by_age.sum()), value, _halves(by_age, shares, value)
    )


def sensitivity(found: Liability, *, steps: tuple[float, ...] = (-0.05, -0.01, 0.0, 0.01, 0.05)) -> pd.DataFrame:
    """Say how far the liability moves with the ultimate redemption rate of the points outstanding.

    Parameters
    ----------
    found : Liability
        From `liability`.
    steps : tuple of float
        Added to the rate, shares.

    Returns
    -------
    DataFrame
        ``step_share``, ``rate_share`` (held within 0 and 1), ``liability_amount``, ``change_amount``.
    """
    most = found.outstanding_count * found.value_amount
    rate = found.amount.value / most if most else float("nan")
    rates = np.clip(rate + np.array(steps), 0.0, 1.0)
    return pd.DataFrame({
        "step_share": list(steps), "rate_share": rates, "liability_amount": rates * most,
        "change_amount": (rates * most - found.amount.value).round(6) + 0.0,
    })  # fmt: skip


def _year_before(ledger: Ledger, shares: np.ndarray, value: float) -> float:
    """Liability twelve months before, at today's rates and value."""
    then = ledger.last_on - _YEAR
    if ledger.entries.empty or ledger.entries["booked_on"].min() > then:
        return float("nan")
    lots = ledger.lots[ledger.lots["given_on"] <= then]
    used = ledger.uses[ledger.uses["used_on"] <= then].groupby("lot")["points_count"].sum()
    left = (lots["points_count"] - used.reindex(lots.index, fill_value=0)).to_numpy(dtype=float)
    end = (then + pd.Timedelta(days=1)).to_period("M").ordinal
    age = np.clip(end - pd.PeriodIndex(lots["earned_on"], freq="M").asi8, 0, len(shares) - 1)
    return float(value * (left * shares[age]).sum())


def _halves(by_age: np.ndarray, shares: np.ndarray, value: float) -> pd.DataFrame:
    half = np.arange(len(by_age)) // 6
    rows = pd.DataFrame({"half": half, "outstanding_count": by_age, "expected_count": by_age * shares})
    found = rows.groupby("half", as_index=False).sum()
    found = found[found["outstanding_count"] > 0]
    found.insert(0, "age", [f"{6 * one} to {6 * one + 5} months" for one in found["half"]])
    return found.drop(columns="half").assign(expected_amount=found["expected_count"] * value).reset_index(drop=True)
