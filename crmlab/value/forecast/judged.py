"""A forecast of value against what came: mean error, ranks, the top tenth found, calibration by tenths."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from crmlab.errors import refuse
from crmlab.stats.differences import Difference
from crmlab.stats.estimate import Estimate

__all__ = ["Judgement", "calibration_by_tenths", "judge_forecast"]

Measure = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Judgement:
    """How good a forecast was, beside a rival on the same customers.

    Parameters
    ----------
    frame : DataFrame
        One row a measure: ``measure``, ``label``, ``unit``, ``forecast``, ``forecast_low``, ``forecast_high``,
        ``rival``, ``rival_low``, ``rival_high``, ``difference``, ``difference_low``, ``difference_high``, ``p_value``
        (of the difference), ``is_better``.
    n : int
        Customers.
    """

    frame: pd.DataFrame
    n: int

    def of(self, measure: str, which: str = "forecast") -> Estimate:
        """One number with its interval; `which` is ``forecast``, ``rival`` or ``difference``."""
        row = self.frame.set_index("measure").loc[measure]
        limits = [None if not math.isfinite(row[f"{which}_{end}"]) else float(row[f"{which}_{end}"])
                  for end in ("low", "high")]  # fmt: skip
        return Estimate(float(row[which]), str(row["unit"]), *limits, n=self.n, method="paired bootstrap by customer")

    def difference(self, measure: str) -> Difference:
        """Forecast less rival, with its standard error and p-value."""
        row = self.frame.set_index("measure").loc[measure]
        return Difference(self.of(measure, "difference"), float(row["difference_error"]), float(row["p_value"]))


def judge_forecast(
    outcome: object,
    forecast: object,
    rival: object,
    *,
    unit: str,
    top_share: float = 0.1,
    resamples: int = 400,
    seed: int = 1,
    level: float = 0.95,
) -> Judgement:
    """Compare a forecast and a simple rival with what came, customer by customer.

    Parameters
    ----------
    outcome, forecast, rival : array-like of float
        One value a customer, same order, no gaps. The rival is what a manager would do without a model, such as last
        year again.
    unit : str
        Of the values, such as the currency or ``purchases``.
    top_share : float
        Share of customers that counts as the top, above 0, below 1.
    resamples, seed : int
        Of the bootstrap over customers: both forecasts are judged on the same resample, so most of the chance cancels.

    Returns
    -------
    Judgement
        Measures: ``mae`` (mean absolute error), ``bias`` (mean of forecast less outcome), ``rank`` (Spearman's
        correlation), ``top_found`` (share of the true top that is in the forecast's top).

    Notes
    -----
    Equal forecasts at the limit of the top count by their share. Better is: smaller for mae and absolute bias, larger
    for the others. Limits of differences are percentiles; their p-values come from the bootstrap's error and the normal
    law.

    References
    ----------
    Fader, Hardie and Lee (2005), Marketing Science 24; Donkers, Verhoef and de Jong (2007), Modeling CLV: a test of
    competing models in the insurance industry, Quantitative Marketing and Economics 5.

    Examples
    --------
    >>> found = judge_forecast([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 5.0], [2.0, 2.0, 2.0, 2.0], unit="EUR")
    >>> found.of("mae").value, found.of("mae", "rival").value, found.of("rank").value
    (0.25, 1.0, 1.0)
    """
    y, ours, other = (np.asarray(values, dtype=float) for values in (outcome, forecast, rival))
    gaps = int((~np.isfinite(y) | ~np.isfinite(ours) | ~np.isfinite(other)).sum()) if y.shape == ours.shape else 0
    refuse(
        *([] if y.shape == ours.shape == other.shape else ["judge_forecast: the columns differ in length."]),
        *([f"judge_forecast: {gaps:,} customers have gaps. Leave them out first, and count them."] if gaps else []),
        *([] if len(y) >= 2 else [f"judge_forecast: {len(y)} customers. Give two or more."]),
        *([] if 0 < top_share < 1 else [f"judge_forecast: top_share is {top_share}. Give a share above 0, below 1."]),
    )
    measures = _measures(top_share)
    generator, drawn = np.random.default_rng(seed), []
    for _ in range(resamples):
        rows = generator.integers(0, len(y), len(y))
        drawn.append([[measure(y[rows], one[rows]) for one in (ours, other)] for measure, *_ in measures.values()])
    draws = np.array(drawn)  # resamples, measures, (forecast, rival)
    rows = []
    tails = [(1 - level) / 2, (1 + level) / 2]
    for place, (name, (measure, label, word, better)) in enumerate(measures.items()):
        here = {"forecast": draws[:, place, 0], "rival": draws[:, place, 1]}
        row = {"measure": name, "label": label, "unit": word or unit}
        for which, values in (("forecast", ours), ("rival", other)):
            row[which] = measure(y, values)
            row[f"{which}_low"], row[f"{which}_high"] = _limits(here[which], tails)
        apart = here["forecast"] - here["rival"]
        row["difference"] = row["forecast"] - row["rival"]
        row["difference_low"], row["difference_high"] = _limits(apart, tails)
        error = float(np.nanstd(apart, ddof=1)) if np.isfinite(apart).sum() > 1 else math.nan
        row["difference_error"] = error
        row["p_value"] = float(2 * norm.sf(abs(row["difference"]) / error)) if error > 0 else math.nan
        row["is_better"] = bool(better(row["forecast"]) > better(row["rival"]))
        rows.append(row)
    return Judgement(pd.DataFrame(rows), len(y))


def calibration_by_tenths(outcome: object, forecast: object, *, groups: int = 10, level: float = 0.95) -> pd.DataFrame:
    """Hold mean forecast against mean outcome, in groups of equal size by the forecast.

    Parameters
    ----------
    outcome, forecast : array-like of float
        One value a customer, no gaps.
    groups : int
        Number of groups; fewer where there are fewer than 10 customers a group.

    Returns
    -------
    DataFrame
        Lowest first: ``tenth`` (from 1), ``forecast_mean``, ``outcome_mean``, ``outcome_low``, ``outcome_high``
        (normal law, by the spread of the misses, so that differences of size within the group do not count), ``n``,
        ``is_off``.

    Examples
    --------
    >>> calibration_by_tenths([1.0, 3.0] * 20, [2.0] * 40, groups=2)[["forecast_mean", "outcome_mean"]].values.tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    y, ours = np.asarray(outcome, dtype=float), np.asarray(forecast, dtype=float)
    groups = max(1, min(groups, len(y) // 10))
    order = np.argsort(ours, kind="stable")
    rows = []
    for number, part in enumerate(np.array_split(order, groups), start=1):
        miss = y[part] - ours[part]
        error = float(miss.std(ddof=1) / math.sqrt(len(part))) if len(part) > 1 else math.nan
        reach = float(norm.ppf((1 + level) / 2)) * error
        mean = float(y[part].mean()) if len(part) else math.nan
        middle = float(ours[part].mean()) if len(part) else math.nan
        rows.append((number, middle, mean, mean - reach, mean + reach, len(part), abs(mean - middle) > reach))
    columns = ["tenth", "forecast_mean", "outcome_mean", "outcome_low", "outcome_high", "n", "is_off"]
    return pd.DataFrame(rows, columns=columns)


def _measures(top_share: float) -> dict[str, tuple[Measure, str, str, Callable[[float], float]]]:
    def found(y: np.ndarray, guess: np.ndarray) -> float:
        return _top_found(y, guess, top_share)

    return {
        "mae": (lambda y, g: float(np.abs(y - g).mean()), "Mean absolute error", "", lambda v: -v),
        "bias": (lambda y, g: float((g - y).mean()), "Forecast less outcome, mean", "", lambda v: -abs(v)),
        "rank": (_rank, "Rank correlation", "index", lambda v: v),
        "top_found": (found, f"Share of the true top {100 * top_share:.0f} % found", "share", lambda v: v),
    }


def _rank(y: np.ndarray, guess: np.ndarray) -> float:
    a, b = rankdata(y), rankdata(guess)
    spread = a.std() * b.std()
    return round(float(((a - a.mean()) * (b - b.mean())).mean() / spread), 12) if spread > 0 else math.nan


def _top_found(y: np.ndarray, guess: np.ndarray, share: float) -> float:
    top = max(1, round(share * len(y)))
    return float((_belongs(y, top) * _belongs(guess, top)).sum() / top)


def _belongs(values: np.ndarray, top: int) -> np.ndarray:
    """Share to which each belongs to the top: those at the limit share the places left."""
    limit = np.partition(values, len(values) - top)[len(values) - top]
    above = values > limit
    tied = values == limit
    return above + tied * (top - above.sum()) / tied.sum()


def _limits(draws: np.ndarray, tails: list[float]) -> tuple[float, float]:
    known = draws[np.isfinite(draws)]
    return tuple(float(limit) for limit in np.quantile(known, tails)) if len(known) > 1 else (math.nan, math.nan)
