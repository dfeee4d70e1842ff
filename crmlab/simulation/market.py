"""Table `market`: one month of the world around the bank, and what it does to rates, prices and service."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.simulation.clock import MARKET_BLOCK, generator, month_at

__all__ = ["HISTORY_MONTHS", "POLICY_REGIMES", "Market", "market_components", "market_rows", "simulate_market"]

POLICY_REGIMES = ("falling", "holding", "rising")
HISTORY_MONTHS = 60  # the series begin five years before the bank's first month, as published series do
_PUBLISHED_AFTER_DAYS = 20  # assumed; money statistics come three to four weeks after the month
# Deposits of households move with pay and holidays: high in December and July, low in January and August (assumed
# to first order; the pattern is visible in any monthly monetary statistic).
_SEASON = np.array([-0.004, -0.003, -0.002, 0.000, 0.000, 0.003, 0.004, 0.000, -0.002, -0.002, 0.000, 0.006])


@dataclass(frozen=True)
class Market:
    """The market by month; position 0 is `HISTORY_MONTHS` before the bank's first month.

    Shares are a year; returns are a month. `incident` is the severity of a breakdown of the bank's service, 0 to 1.
    """

    policy: np.ndarray
    competitor: np.ndarray
    confidence: np.ndarray
    deposits: np.ndarray
    return_low: np.ndarray
    return_high: np.ndarray
    incident: np.ndarray
    regime: np.ndarray  # of the policy rate: -1 falling, 0 holding, 1 rising
    gap: np.ndarray  # of the competitors' rate
    level: np.ndarray  # log of the trend of deposits
    season: np.ndarray  # the same of the season, and of the noise
    noise: np.ndarray

    def at(self, month: int) -> dict[str, float]:
        """Return what holds in one month of the bank."""
        return {name: float(series[month + HISTORY_MONTHS]) for name, series in vars(self).items()}


def simulate_market(seed: int, months: int) -> Market:
    """Simulate the market up to a month.

    The policy rate moves in steps of a quarter of a percent and stays in a regime (rising, holding, falling) for
    about a year. Competitors follow it with noise. Confidence returns to 100 and suffers from rising rates. Household
    deposits grow by about 3.5 % a year with a season.

    Examples
    --------
    >>> long, short = simulate_market(1, 24), simulate_market(1, 12)
    >>> bool((long.policy[:72] == short.policy).all())
    True
    """
    rows = []
    policy, regime, gap, mood, level, noise = 0.01, 0, 0.0, 0.0, np.log(900e9), 0.0
    for month in range(-HISTORY_MONTHS, months):
        rng = generator(seed, MARKET_BLOCK, month, "market")
        change, move, shocks = rng.random(), rng.random(), rng.standard_normal(5)
        breakdown, severity = rng.random(), rng.random()
        if change < 0.09:  # a regime lasts 11 months on average
            regime = int(np.searchsorted((0.35, 0.65), move / 0.6 % 1.0)) - 1
        if (regime < 0 and policy <= 0.0025) or (regime > 0 and policy >= 0.0525):
            regime = 0
        step = 0.0025 * regime * (move < 0.6)
        policy = float(np.clip(policy + step, 0.0, 0.055))
        gap = 0.8 * gap + 0.0008 * shocks[0]
        mood = 0.9 * mood + 1.6 * shocks[1] - 300 * step
        noise = 0.5 * noise + 0.0015 * shocks[2]
        level += 0.0029 - 0.05 * step
        season = _SEASON[month_at(month).of_year - 1]
        deposits = np.exp(level + season + noise)
        world = 0.012 * shocks[3] + 0.0012 * shocks[1]
        rows.append(
            (
                policy,
                max(0.0005, 0.85 * policy + 0.004 + gap),
                100 + mood,
                deposits,
                0.002 + 0.6 * world,
                0.005 + 2.6 * world + 0.01 * shocks[4],
                0.4 + 0.6 * severity if breakdown < 0.08 else 0.0,
                regime,
                gap,
                level,
                season,
                noise,
            )
        )
    return Market(*np.array(rows).T)


def market_rows(market: Market, months: int) -> dict[str, np.ndarray]:
    """Return the rows of table `market` published by the last day of the bank."""
    numbers = range(-HISTORY_MONTHS, months)
    last = np.array([month_at(number).last for number in numbers])
    known = last + _PUBLISHED_AFTER_DAYS <= month_at(months - 1).last
    return {
        "month_on": last[known],
        "published_on": last[known] + _PUBLISHED_AFTER_DAYS,
        "policy_rate_share": market.policy[known].round(4),
        "competitor_rate_share": market.competitor[known].round(4),
        "confidence_index": market.confidence[known].round(1),
        "system_deposits_amount": np.rint(market.deposits[known] / 1e6).astype(np.int64) * 100_000_000,
    }


def market_components(market: Market) -> dict[str, np.ndarray]:
    """Return what the series of the market are made of, for the truth: one row a month, known or not yet published."""
    return {
        "month": np.arange(len(market.policy)) - HISTORY_MONTHS,
        "policy_rate": market.policy,
        "policy_regime": market.regime.astype(np.int8) + 1,
        "competitor_rate": market.competitor,
        "competitor_gap": market.gap,
        "deposits_trend": np.exp(market.level),
        "deposits_season": np.exp(market.season),
        "deposits_noise": np.exp(market.noise),
        "service_incident": market.incident,
    }
