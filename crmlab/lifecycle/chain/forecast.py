"""Where today's customers will stand, and whether the chain says it better than that nothing changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.lifecycle.chain.matrix import shares_of
from crmlab.lifecycle.chain.resampled import Resampled
from crmlab.lifecycle.stages.rules import ALIVE, STAGES
from crmlab.snapshots.dates import add_months, read_dates
from crmlab.stats import percentile_limits, resample_weights

__all__ = ["forecast_shares", "judge_forecast"]

_ENDS = (*ALIVE, "lost")


def forecast_shares(
    found: Resampled, customers: dict[str, int], *, steps: int = 12, level: float = 0.95
) -> pd.DataFrame:
    """Forecast where today's customers will stand after some steps.

    Parameters
    ----------
    found : Resampled
        With one end, ``lost``.
    customers : dict of str to int
        Customers in each stage today.
    steps : int

    Returns
    -------
    DataFrame
        One row a stage and ``lost``, in the order of `STAGES`: ``stage``, ``now_share``, ``share``, ``share_low``,
        ``share_high`` (for the expected share; customers beyond it add chance), ``n``.
    """
    base = np.array([float(customers.get(name, 0)) for name in found.states])
    n = base.sum()
    point = _later(found.shares, base, steps)
    draws = _later(found.share_draws, base, steps)
    low, high = percentile_limits(draws) if len(draws) else (np.full(len(point), np.nan),) * 2
    names = [*found.states, *found.ends]
    frame = pd.DataFrame(
        {
            "stage": names,
            "now_share": np.append(base, 0.0) / max(n, 1),
            "share": point / max(n, 1),
            "share_low": np.minimum(low, point) / max(n, 1),
            "share_high": np.maximum(high, point) / max(n, 1),
            "n": int(n),
        }
    )
    return frame.set_index("stage").reindex([name for name in STAGES if name in names]).reset_index()


def judge_forecast(
    stages: pd.DataFrame,
    *,
    steps: int = 12,
    fit_months: int = 12,
    origins: Sequence[object] | None = None,
    resamples: int = 300,
    seed: int = 1,
) -> pd.DataFrame:
    """Forecast from past dates with what was known then, and compare with what came and with "no change".

    Parameters
    ----------
    stages : DataFrame
        As `crmlab.lifecycle.stages.on_dates.stages_on` for consecutive month-ends.
    steps : int
        Months ahead.
    fit_months : int
        Months before the origin from which chances are learned, at most.
    origins : sequence of dates, optional
        None: the last date whose outcome is known and those whole `steps` before it, at most three.
    resamples, seed : int
        Resamples of customers, the same for learning, forecast and outcome.

    Returns
    -------
    DataFrame
        One row an origin, newest first: ``as_of``, ``outcome_on``, ``n`` (customers then), ``error`` and
        ``no_change_error`` (half the sum of absolute differences of the shares: customers put in a wrong stage, 0 to
        1), ``gain`` (no change less chain) with ``gain_low``, ``gain_high``; ``lost_share`` forecast and
        ``lost_came_share``. Empty where no origin has a past and an outcome.

    Notes
    -----
    Customers of the origin only: who joins later is in neither. The pair of errors is resampled together.
    """
    days = list(read_dates(list(stages["as_of"].unique())))
    last = days[-1]
    asked = read_dates(list(origins)) if origins is not None else ()
    late = [str(day) for day in asked if add_months(day, steps) not in days or day == days[0] or day not in days]
    refuse(*(f"judge_forecast: origin {day} has no past or no outcome {steps} months later. Choose another."
             for day in late))  # fmt: skip
    chosen = list(asked) or [day for day in (add_months(last, -steps * back) for back in (1, 2, 3)) if day in days[3:]]
    wide = stages.pivot(index="customer_id", columns="as_of", values="stage").reindex(columns=pd.DatetimeIndex(days))
    codes = pd.Categorical(wide.to_numpy(dtype=object).ravel(), categories=_ENDS).codes.reshape(wide.shape)
    rows = [_judged(codes, days, origin, steps, fit_months, resamples, seed) for origin in chosen]
    columns = ["as_of", "outcome_on", "n", "error", "no_change_error", "gain", "gain_low", "gain_high", "lost_share",
               "lost_came_share"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _judged(codes, days, origin, steps, fit_months, resamples, seed) -> tuple:
    """One origin: errors of both forecasts and their difference over resamples of customers."""
    at, then = days.index(origin), days.index(add_months(origin, steps))
    k = len(ALIVE)
    past = codes[:, max(0, at - fit_months) : at + 1]
    cells = np.zeros((len(codes), k * (k + 1)))
    for month in range(past.shape[1] - 1):
        start, end = past[:, month], past[:, month + 1]
        there = (start >= 0) & (start < k) & (end >= 0)
        cells[np.flatnonzero(there), start[there] * (k + 1) + end[there]] += 1
    there = (codes[:, at] >= 0) & (codes[:, at] < k)
    now, came = np.eye(k + 1)[codes[:, at]] * there[:, None], np.eye(k + 1)[codes[:, then]] * there[:, None]
    table = np.hstack([cells, now, came])
    drawn = np.array(
        [weights @ table for weights in resample_weights(len(table), resamples=resamples, seed=seed)]
    ).reshape(-1, table.shape[1])
    whole = _errors(table.sum(axis=0)[None], k, steps)
    draws = _errors(drawn, k, steps)
    low, high = percentile_limits(draws[1] - draws[0])
    n = int(there.sum())
    gain = float(whole[1][0] - whole[0][0])
    return (
        pd.Timestamp(origin), pd.Timestamp(days[then]), n, float(whole[0][0]), float(whole[1][0]), gain,
        min(float(low), gain), max(float(high), gain), float(whole[2][0]), float(came[:, k].sum() / max(n, 1)),
    )  # fmt: skip


def _errors(table: np.ndarray, k: int, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    width = k * (k + 1)
    shares = shares_of(table[:, :width].reshape(-1, k, k + 1))
    now, came = table[:, width : width + k + 1], table[:, width + k + 1 :]
    n = np.maximum(now.sum(axis=1, keepdims=True), 1)
    # a stage nobody was in to learn from: as if nothing changed
    stay = np.broadcast_to(np.eye(k, k + 1), shares.shape)
    later = _later(np.where(np.isnan(shares), stay, shares), now[:, :k], steps)
    half = [np.abs(side / n - came / n).sum(axis=1) / 2 for side in (later, now)]
    return half[0], half[1], later[:, k] / n[:, 0]


def _later(shares: np.ndarray, base: np.ndarray, steps: int) -> np.ndarray:
    """Expected customers by stage and end after some steps, shape (..., k + e)."""
    k = shares.shape[-2]
    known = np.nan_to_num(shares)
    state = np.broadcast_to(base, (*shares.shape[:-2], k))
    ended = np.zeros((*shares.shape[:-2], shares.shape[-1] - k))
    for _ in range(steps):
        moved = (state[..., None, :] @ known)[..., 0, :]
        state, ended = moved[..., :k], ended + moved[..., k:]
    return np.concatenate([state, ended], axis=-1)
