"""Survival with delayed entry, and competing causes by cumulative incidence: exact on ties."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse

__all__ = ["cumulative_incidence", "kaplan_meier", "steps_at"]


def kaplan_meier(entry: object, leave: object, happened: object, *, level: float = 0.95) -> pd.DataFrame:
    """Estimate the share still there by time since joining.

    Parameters
    ----------
    entry, leave : array-like of float
        Time since joining at which each was first and last seen, 0 or more, `entry` before `leave`.
    happened : array-like of bool
        Whether the end came at `leave`; else the customer was still there then (censored).

    Returns
    -------
    DataFrame
        One row a time with an end: ``time``, ``at_risk_count``, ``events_count``, ``share`` (still there after it),
        ``share_low``, ``share_high`` (log-log transform of Greenwood's variance). The first row is time 0.

    Notes
    -----
    At risk at t: seen before t and not gone before it (entry < t <= leave). With delayed entry few may be at risk early
    on; where all of them leave, the estimate is 0 for ever after, so read ``at_risk_count``.

    References
    ----------
    Kaplan and Meier (1958), JASA 53; Tsai, Jewell and Wang (1987), Biometrika 74, for delayed entry.

    Examples
    --------
    >>> kaplan_meier([0, 0, 0, 0], [1, 2, 2, 3], [True, True, False, True])[["time", "share"]].values.tolist()
    [[0.0, 1.0], [1.0, 0.75], [2.0, 0.5], [3.0, 0.0]]
    """
    start, end, event = _checked("kaplan_meier", entry, leave, np.asarray(happened, dtype=bool))
    times, at_risk, events = _counted(start, end, event)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.cumprod(1 - events / at_risk)
        variance = np.cumsum(events / (at_risk * (at_risk - events)))
        low, high = _log_log(share, variance, level)
    return pd.DataFrame(
        {
            "time": np.append(0.0, times),
            "at_risk_count": np.append((start <= 0).sum(), at_risk).astype(np.int64),
            "events_count": np.append(0, events).astype(np.int64),
            "share": np.append(1.0, share),
            "share_low": np.append(1.0, low),
            "share_high": np.append(1.0, high),
        }
    )


def cumulative_incidence(
    entry: object, leave: object, cause: object, *, causes: tuple[str, ...] | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Estimate the share that has ended by each cause, when one end rules out the others.

    Parameters
    ----------
    entry, leave : array-like of float
        As in `kaplan_meier`.
    cause : array-like of str
        What ended it; missing: still there.
    causes : tuple of str, optional
        Order of the causes; None: as they come, sorted.

    Returns
    -------
    DataFrame
        One row a cause and time: ``cause``, ``time``, ``at_risk_count``, ``events_count`` (by the cause), ``share``
        with ``share_low``, ``share_high``, ``naive_share`` (1 less Kaplan-Meier with the other causes censored: too
        high).

    Notes
    -----
    Aalen-Johansen: F_c(t) = sum over s <= t of S(s−) d_c(s) / n(s), S over all causes. Ties are exact. Limits from the
    variance of Aalen (1978) on the log(-log) scale. The shares of the causes and of those still there sum to 1.

    References
    ----------
    Aalen and Johansen (1978), Scandinavian Journal of Statistics 5; Putter, Fiocco and Geskus (2007), Statistics in
    Medicine 26.

    Examples
    --------
    >>> found = cumulative_incidence([0, 0, 0, 0], [1, 2, 3, 4], ["a", "b", "a", None])
    >>> found[found["time"] == 3][["cause", "share", "naive_share"]].round(4).values.tolist()
    [['a', 0.5, 0.625], ['b', 0.25, 0.3333]]
    """
    said = pd.Series(np.asarray(cause, dtype=object))
    event = said.notna().to_numpy()
    start, end, event = _checked("cumulative_incidence", entry, leave, event)
    names = causes if causes is not None else tuple(sorted(set(said[event])))
    times, at_risk, events = _counted(start, end, event)
    before = np.append(1.0, np.cumprod(1 - events / np.maximum(at_risk, 1))[:-1]) if len(times) else np.array([])
    frames = []
    for name in names:
        mine = np.bincount(
            np.searchsorted(times, end[(said == name).to_numpy()]), minlength=len(times)
        )  # ends are among times
        share = np.cumsum(before * mine / np.maximum(at_risk, 1))
        low, high = _log_log_of_incidence(share, _variance(share, before, at_risk, events, mine), level)
        with np.errstate(divide="ignore", invalid="ignore"):
            naive = 1 - np.cumprod(1 - mine / np.maximum(at_risk, 1))
        frames.append(
            pd.DataFrame(
                {
                    "cause": name,
                    "time": np.append(0.0, times),
                    "at_risk_count": np.append((start <= 0).sum(), at_risk).astype(np.int64),
                    "events_count": np.append(0, mine).astype(np.int64),
                    "share": np.append(0.0, share),
                    "share_low": np.append(0.0, low),
                    "share_high": np.append(0.0, high),
                    "naive_share": np.append(0.0, naive),
                }
            )
        )
    columns = ["cause", "time", "at_risk_count", "events_count", "share", "share_low", "share_high", "naive_share"]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    return found.sort_values(["time", "cause"], kind="stable").reset_index(drop=True) if causes is None else found


def steps_at(curve: pd.DataFrame, times: object, *, by: str | None = None) -> pd.DataFrame:
    """Read a curve at some times: the last row at or before each.

    >>> steps_at(kaplan_meier([0, 0], [1, 3], [True, True]), [2, 5])[["time", "share"]].values.tolist()
    [[2.0, 0.5], [5.0, 0.0]]
    """
    wanted = np.asarray(times, dtype=float)
    parts = [(None, curve)] if by is None else list(curve.groupby(by, sort=False))
    frames = []
    for _, part in parts:
        ordered = part.sort_values("time", kind="stable")
        place = np.searchsorted(ordered["time"].to_numpy(), wanted, side="right") - 1
        frames.append(ordered.iloc[place].assign(time=wanted))
    return pd.concat(frames, ignore_index=True)


def _checked(name: str, entry: object, leave: object, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    start, end = np.asarray(entry, dtype=float), np.asarray(leave, dtype=float)
    same = len(start) == len(end) == len(event)
    wrong = int((~(start < end)).sum()) if same else 0
    refuse(
        *([] if same else [f"{name}: entry, leave and event have {len(start)}, {len(end)} and {len(event)} rows. Give"
                           " one row a customer."]),
        *([f"{name}: {wrong:,} rows enter when they leave or later. Leave them out: they were never at risk."]
          if wrong else []),
    )  # fmt: skip
    return start, end, event


def _counted(start: np.ndarray, end: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times with an end, customers at risk just before each, ends at each."""
    times, events = np.unique(end[event], return_counts=True)
    entered = np.searchsorted(np.sort(start), times, side="left")
    gone = np.searchsorted(np.sort(end), times, side="left")
    return times, (entered - gone).astype(float), events.astype(float)


def _log_log(share: np.ndarray, variance: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a survival share; at 0 and 1 there is no spread to tell."""
    z = norm.ppf((1 + level) / 2)
    spread = z * np.sqrt(variance) / np.abs(np.log(share))
    low, high = share ** np.exp(spread), share ** np.exp(-spread)
    flat = (share <= 0) | (share >= 1)
    return np.where(flat, share, low), np.where(flat, share, high)


def _variance(share, before, at_risk, events, mine) -> np.ndarray:
    """Aalen's variance of the cumulative incidence, by its running sums."""
    n = np.maximum(at_risk, 1)
    more = np.maximum(n - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.where(n > events, events / (more * np.maximum(n - events, 1)), 0.0)
    a = np.cumsum(greenwood)
    b = np.cumsum(share * greenwood)
    c = np.cumsum(share**2 * greenwood)
    square = np.cumsum(before**2 * (n - mine) * mine / (more * n**2))
    cross = before * (n - mine) * mine / (n * np.maximum(n - events, 1) * more)
    d, e = np.cumsum(cross), np.cumsum(share * cross)
    return np.maximum(share**2 * a - 2 * share * b + c + square - 2 * (share * d - e), 0.0)


def _log_log_of_incidence(share: np.ndarray, variance: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = 1 - share
        low, high = _log_log(rest, variance / rest**2, level)
    return 1 - high, 1 - low
