"""Control chart: does a measure still behave as it did, period after period, or is something new at work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import gammaln

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.change.run_length import average_run_length, ewma_run_length, ewma_width, false_alarm_share
from crmlab.satisfaction.survey.weighting import effective_n
from crmlab.stats import Estimate, Evidence, share_text

__all__ = ["ControlChart", "by_period", "control_chart"]

_RUN = 8  # periods on one side of the center that are a signal
_MOVING_RANGE = 2 / math.sqrt(math.pi)  # mean distance of two standard normal numbers, 1.128


@dataclass(frozen=True)
class ControlChart:
    """A control chart, finished for drawing.

    Parameters
    ----------
    frame : DataFrame
        One row a period: ``period``, ``value`` (what is plotted), ``low``, ``high``, ``center``, ``is_signal``,
        ``reason`` (empty, ``beyond the limits`` or ``8 on one side``), ``n``, ``is_baseline``.
    center : float
        Level of the baseline.
    dispersion : float
        How much more the baseline varied from period to period than its answers alone explain (1: not more).
    run_length : float
        Periods until a false signal, on average, when nothing happens and the baseline is known exactly.
    false_alarm_share : float
        Chance of at least one false signal in the periods after a baseline of this length.
    kind : str
        ``share``, ``mean`` or ``spread``.
    smoothing : float or None
        Weight of the newest period; None: not smoothed.
    """

    frame: pd.DataFrame
    center: float
    dispersion: float
    run_length: float
    false_alarm_share: float
    kind: str
    smoothing: float | None

    def evidence(self, what: str, *, unit: str = "") -> Evidence:
        """Give the chart to a notebook."""
        after = self.frame[~self.frame["is_baseline"] & self.frame["value"].notna()]
        signals = after[after["is_signal"]]
        before = self.frame[self.frame["is_baseline"]]
        if len(signals):
            first = signals.iloc[0]
            side = "above" if first["value"] > first["center"] else "below"
            title = f"{what}: {len(signals)} of {len(after)} periods signal a change"
            reading = (
                f"First signal in {first['period']}: {Estimate(first['value'], unit).short}, {side} its usual level of "
                f"{Estimate(self.center, unit).short} ({first['reason']})."
            )
        else:
            periods = "1 period" if len(after) == 1 else f"{len(after)} periods"
            title = f"{what}: no signal in {periods} after the baseline"
            reading = f"The usual level is {Estimate(self.center, unit).short}; what moves around it is chance."
        baseline = f"{before['period'].iloc[0]} to {before['period'].iloc[-1]}"
        about = f"Limits from {baseline}, n = {int(self.frame['n'].sum()):,}"
        alarms = f"If nothing happened, {share_text(self.false_alarm_share)} of such charts would still signal."
        return Evidence(self.frame, title, about, f"{reading} {alarms}")


def control_chart(
    frame: pd.DataFrame,
    *,
    kind: Literal["share", "mean", "spread"],
    baseline: Sequence[object],
    smoothing: float | None = None,
    has_runs: bool = True,
    is_overdispersed: bool = False,
) -> ControlChart:
    """Draw limits from a baseline period, and mark the periods that leave them.

    Parameters
    ----------
    frame : DataFrame
        One row a period, earliest first: ``period``, ``value`` (share 0 to 1, or mean), ``n`` (answers, or effective
        answers under weights) and, unless `kind` is ``share``, ``spread`` (standard deviation of the answers).
    kind : str
        ``share`` (p chart), ``mean`` (X-bar chart) or ``spread`` (S chart of column ``spread``).
    baseline : sequence
        Periods in which nothing special happened, at least two; they set center and spread.
    smoothing : float, optional
        Above 0 up to 1, such as 0.2: an exponentially weighted moving average (EWMA), which sees small lasting shifts
        sooner; limits are then chosen for one false signal in 370 periods, and there is no rule on runs.
    has_runs : bool
        Also signal 8 periods in a row on one side of the center.
    is_overdispersed : bool
        Widen the limits by what the baseline varied beyond its answers (Laney); sensible for large n, where periods
        differ for reasons that are no news. Never narrower than without.

    Returns
    -------
    ControlChart

    Notes
    -----
    Limits are center +- 3 standard errors of the period's own n. Share: center p = all counted / all asked in the
    baseline, error sqrt(p (1 - p) / n). Mean: pooled standard deviation s / sqrt(n). Spread: the mean of a standard
    deviation of n answers is c4(n) x s, its deviation s x sqrt(1 - c4(n)^2). Over-dispersion: z = (value - center) /
    error in the baseline, mean moving range of z / 1.128. EWMA: e(t) = w z(t) + (1 - w) e(t - 1) from 0 on the z scale,
    plotted in units of the measure at the period's n; its limits widen over the first periods.

    ``run_length`` supposes normal values and a center known exactly; ``false_alarm_share`` knows that the center comes
    from so many periods. Measured on shares of .6 of 200 answers, false signals a period: plain limits 0.3 % whatever
    the baseline; with runs 1.8, 1.4, 0.9 % for a baseline of 12, 24, 60 periods; EWMA (0.2) 1.4, 0.9, 0.7 %. Shares of
    n x p below about 5 are no longer normal: take longer periods.

    References
    ----------
    Shewhart (1931); Western Electric (1956); Roberts (1959), Technometrics 1, for EWMA; Laney (2002), Improved control
    charts for attributes, Quality Engineering 14; Montgomery (2013), Introduction to Statistical Quality Control.

    Examples
    --------
    >>> months = pd.DataFrame({"period": list("abcde"), "value": [0.6, 0.58, 0.62, 0.6, 0.4], "n": [100] * 5})
    >>> chart = control_chart(months, kind="share", baseline=list("abcd"))
    >>> chart.frame[["period", "value", "low", "high", "is_signal"]].tail(1).round(3).values.tolist()
    [['e', 0.4, 0.453, 0.747, True]]
    >>> round(chart.run_length)
    153
    """
    at = _checked(frame, kind, baseline, smoothing)
    n = frame["n"].to_numpy(dtype=float)
    value = frame["spread" if kind == "spread" else "value"].to_numpy(dtype=float)
    known = np.isfinite(value) & (n >= (2 if kind == "spread" else 1))
    center, middle, error = _baseline(frame, kind, value, n, known & at)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(known & (error > 0), (value - middle) / error, np.nan)
    dispersion = max(_dispersion(z[at & known]), 1.0) if is_overdispersed else 1.0
    z = z / dispersion
    if smoothing is None:
        shown, reach = np.where(known, value, np.nan), np.full(len(n), 3.0)
        run_length = average_run_length(3.0, run=_RUN if has_runs else None)
    else:
        smooth, deviation = _smoothed(z, smoothing)
        width = ewma_width(smoothing)
        shown, reach = middle + smooth * error * dispersion, width * deviation
        run_length = ewma_run_length(width, smoothing)
    low, high = middle - reach * error * dispersion, middle + reach * error * dispersion
    if kind in ("share", "spread"):
        low, high = np.maximum(low, 0.0), np.minimum(high, 1.0) if kind == "share" else high
    beyond = np.isfinite(shown) & ((shown < low) | (shown > high))
    runs = _runs(z) if smoothing is None and has_runs else np.zeros(len(n), dtype=bool)
    reason = np.select([beyond, runs], ["beyond the limits", f"{_RUN} on one side"], "")
    parts = {"value": shown, "low": low, "high": high, "center": middle, "is_signal": beyond | runs, "reason": reason}
    table = pd.DataFrame({"period": frame["period"].to_numpy(), **parts, "n": frame["n"].to_numpy(), "is_baseline": at})
    run = _RUN if smoothing is None and has_runs else None
    alarms = false_alarm_share(max(int((at & known).sum()), 1), int((~at & known).sum()), smoothing=smoothing, run=run)
    return ControlChart(table, center, dispersion, run_length, alarms, kind, smoothing)


def by_period(frame: pd.DataFrame, item: str, period: str, *, weight: str | None = None) -> pd.DataFrame:
    """Average an item in each period, as `control_chart` takes it.

    Parameters
    ----------
    frame : DataFrame
        One row a response.
    item, period : str
        Column of answers (0 and 1 for a share; gaps are left out) and of periods that sort in time.
    weight : str, optional
        Column of weights, 0 or more.

    Returns
    -------
    DataFrame
        ``period``, ``value``, ``spread`` (not known for one answer), ``n`` (effective n under weights).

    Examples
    --------
    >>> answers = pd.DataFrame({"sat": [6.0, 8, 5], "month": ["m1", "m1", "m2"]})
    >>> by_period(answers, "sat", "month").round(3).values.tolist()
    [['m1', 7.0, 1.414, 2.0], ['m2', 5.0, nan, 1.0]]
    """
    refuse(
        *(
            f"by_period: the frame lacks column {name!r}.{nearest(name, frame.columns)} Name one it has."
            for name in (item, period, *([weight] if weight else []))
            if name not in frame.columns
        )
    )
    rows = []
    for name, part in frame.groupby(period, sort=True, observed=True):
        x = part[item].to_numpy(dtype=float)
        w = np.ones(len(x)) if weight is None else part[weight].to_numpy(dtype=float)
        bad = int((~np.isfinite(w) | (w < 0)).sum())
        if bad:
            refuse(f"by_period: {bad:,} of {len(w):,} weights in {name} are negative or missing. Give 0 or more.")
        w = np.where(np.isfinite(x), w, 0.0)
        if not (w > 0).any():
            rows.append((name, math.nan, math.nan, 0.0))
            continue
        size, mean = effective_n(w), float(np.average(x[w > 0], weights=w[w > 0]))
        square = float(np.average((x[w > 0] - mean) ** 2, weights=w[w > 0]))
        rows.append((name, mean, math.sqrt(square * size / (size - 1)) if size > 1 + 1e-9 else math.nan, size))
    return pd.DataFrame(rows, columns=["period", "value", "spread", "n"])


def _c4(n: np.ndarray) -> np.ndarray:
    """Mean of the standard deviation of n normal answers of deviation 1."""
    size = np.maximum(n, 1.0 + 1e-9)
    return np.sqrt(2 / (size - 1)) * np.exp(gammaln(size / 2) - gammaln((size - 1) / 2))


def _baseline(
    frame: pd.DataFrame, kind: str, value: np.ndarray, n: np.ndarray, used: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Center of the baseline; middle line and standard error of each period."""
    if kind == "share":
        center = float(np.average(value[used], weights=n[used]))
        return center, np.full(len(n), center), math.sqrt(max(center * (1 - center), 0.0)) / np.sqrt(np.maximum(n, 1))
    spread = frame["spread"].to_numpy(dtype=float)
    pooled = used & np.isfinite(spread) & (n > 1)
    free = n[pooled] - 1
    deviation = math.sqrt(float((free * spread[pooled] ** 2).sum() / free.sum())) if free.sum() > 0 else 0.0
    if kind == "mean":
        center = float(np.average(value[used], weights=n[used]))
        return center, np.full(len(n), center), deviation / np.sqrt(np.maximum(n, 1))
    c4 = _c4(n)
    return deviation, np.where(n > 1, c4 * deviation, np.nan), deviation * np.sqrt(np.maximum(1 - c4**2, 0.0))


def _dispersion(z: np.ndarray) -> float:
    z = z[np.isfinite(z)]
    return float(np.abs(np.diff(z)).mean() / _MOVING_RANGE) if len(z) > 1 else 1.0


def _smoothed(z: np.ndarray, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """Moving average of standardised values and its standard deviation; a period without a value changes nothing."""
    level, variance = 0.0, 0.0
    values, deviations = np.full(len(z), np.nan), np.full(len(z), np.nan)
    for t, one in enumerate(z):
        if np.isfinite(one):
            level = smoothing * one + (1 - smoothing) * level
            variance = smoothing**2 + (1 - smoothing) ** 2 * variance
            values[t] = level
        deviations[t] = math.sqrt(variance)
    return values, deviations


def _runs(z: np.ndarray) -> np.ndarray:
    """Periods that end a run on one side of the center; one without a value neither ends nor lengthens it."""
    result, side, length = np.zeros(len(z), dtype=bool), 0.0, 0
    for t, one in enumerate(z):
        if not np.isfinite(one):
            continue
        own = float(np.sign(one))
        length = length + 1 if own == side and own != 0 else int(own != 0)
        side = own
        result[t] = length >= _RUN
    return result


def _checked(frame: pd.DataFrame, kind: str, baseline: Sequence[object], smoothing: float | None) -> np.ndarray:
    if kind not in ("share", "mean", "spread"):
        refuse(f"control_chart: kind {kind!r} is not known. Choose share, mean or spread.")
    needed = ["period", "value", "n", *(["spread"] if kind != "share" else [])]
    lacking = [name for name in needed if name not in frame.columns]
    if lacking:
        refuse(
            f"control_chart: the frame lacks columns {lacking}; it has {list(frame.columns)}. Take it from by_period."
        )
    periods, value, n = frame["period"].tolist(), frame["value"].to_numpy(dtype=float), frame["n"].to_numpy(dtype=float)
    unknown = [period for period in baseline if period not in periods]
    at = np.isin(frame["period"].to_numpy(), np.array(list(baseline), dtype=frame["period"].to_numpy().dtype))
    usable = int((at & np.isfinite(value) & (n >= 1)).sum())
    checks = [
        (not unknown, f"control_chart: baseline periods {unknown} are not in the frame. Name periods it has."),
        (len(set(periods)) == len(periods), "control_chart: a period is there twice. Give one row a period."),
        (bool((n[np.isfinite(n)] >= 0).all()), "control_chart: n is below 0. Give the number of answers."),
        (
            kind != "share" or bool(((value >= 0) & (value <= 1) | ~np.isfinite(value)).all()),
            "control_chart: a share lies outside 0 to 1. Give shares, not per cent.",
        ),
        (
            smoothing is None or 0 < smoothing <= 1,
            f"control_chart: smoothing is {smoothing}. Give above 0 up to 1, such as 0.2.",
        ),
        (
            bool(unknown) or usable >= 2,
            f"control_chart: {usable} baseline periods have answers. Name two or more; limits of a dozen hold better.",
        ),
    ]
    refuse(*(problem for holds, problem in checks if not holds))
    return at
