"""How well a score puts those who will do it before those who will not: AUC and average precision."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import stats as laws
from scipy.optimize import brentq
from scipy.special import expit, logit

from crmlab.errors import nearest, refuse
from crmlab.stats.differences import Difference
from crmlab.stats.estimate import Estimate
from crmlab.stats.scored_rows import ScoredRows, scored_rows

__all__ = ["auc", "auc_by_period", "auc_within_periods", "average_precision", "ranking_difference"]

_FEW = 10  # customers of the rarer class: with fewer, DeLong's own error is too uncertain
# Value of a measure and what each row adds to its error: value - truth is about the sum of the influences.
Influence = tuple[float, np.ndarray]


def auc(
    outcome: object, score: object, *, customers: object = None, weights: object = None, level: float = 0.95
) -> Estimate:
    """Estimate the chance that of two customers the one with the event has the higher score.

    Parameters
    ----------
    outcome : array-like of 0 and 1
        1 where the event happened (churned = 1).
    score : array-like of float
        Higher for a likelier event; any scale. Equal scores count one half.
    customers : array-like, optional
        Whose row it is: rows of one customer (several snapshots) move together, so the interval is wider.
    weights : array-like of float, optional
        How much a row counts, above 0.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        0 to 1; 0.5 ranks like a lot. Not known (NaN) with one class only: `method` says why.

    Notes
    -----
    The error is that of DeLong, summed over customers (Obuchowski). The limits are made on the log-odds, where they
    cannot leave 0 to 1, by Student's law with one degree less than the customers of the rarer class. With fewer than 10
    of these, or a perfect ranking, the limits are Newcombe's. They held the truth in 95 to 98 % of samples of 100 to
    1,000 rows with 9 to 200 events (`benchmarks/score_coverage.py`). Pooled over months the AUC mostly says how well
    months are told apart; see `auc_within_periods`.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44; Obuchowski (1997), Biometrics 53; Newcombe (2006),
    Statistics in Medicine 25.

    Examples
    --------
    >>> found = auc([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    >>> round(found.value, 4), found.n
    (0.8889, 6)
    >>> auc([0, 0], [0.1, 0.2]).method
    'not known: none of 2 rows has the event'
    """
    rows = scored_rows("auc", outcome, score, weights=weights, customers=customers)
    return _estimate(rows, _auc_influence, "DeLong on the log-odds", level)


def average_precision(
    outcome: object, score: object, *, customers: object = None, weights: object = None, level: float = 0.95
) -> Estimate:
    """Estimate how pure the list is, on average, at the place of each customer who will do it.

    Parameters
    ----------
    outcome, score, customers, weights, level
        As in `auc`.

    Returns
    -------
    Estimate
        0 to 1; a score by lot reaches the event rate. Not known with one class only.

    Notes
    -----
    The sum over thresholds of precision times the recall gained, without interpolation; equal scores are one threshold
    (as in scikit-learn). The error is that of the measure's influence function, summed over customers; limits on the
    log-odds. A measure of a rare event: it compares scores on the same rows, not banks with different event rates.

    References
    ----------
    Boyd, Eng and Page (2013), Area under the precision-recall curve, ECML PKDD.

    Examples
    --------
    >>> round(average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).value, 4)  # scikit-learn's example
    0.8333
    """
    rows = scored_rows("average_precision", outcome, score, weights=weights, customers=customers)
    return _estimate(rows, _precision_influence, "influence function on the log-odds", level)


def auc_by_period(
    outcome: object,
    score: object,
    periods: object,
    *,
    customers: object = None,
    weights: object = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Estimate the AUC of each period by itself.

    Parameters
    ----------
    periods : array-like
        Period of each row, such as its ``as_of``.
    outcome, score, customers, weights, level
        As in `auc`.

    Returns
    -------
    DataFrame
        One row a period, in order: ``period``, ``auc``, ``auc_low``, ``auc_high`` (0 to 1), ``events_count``, ``n``,
        ``reason`` (why it is not known, or empty).

    Examples
    --------
    >>> found = auc_by_period([0, 1, 0, 0], [0.1, 0.4, 0.2, 0.9], ["a", "a", "b", "b"])
    >>> found[["period", "auc", "reason"]].values.tolist()
    [['a', 1.0, ''], ['b', nan, 'not known: none of 2 rows has the event']]
    """
    rows, codes, names = _in_periods("auc_by_period", outcome, score, periods, customers, weights)
    found = []
    for code, name in enumerate(names):
        part = _part(rows, codes == code)
        one = _estimate(part, _auc_influence, "", level)
        found.append((name, one.value, one.low, one.high, part.events, part.n, part.why_not_ranked))
    columns = ["period", "auc", "auc_low", "auc_high", "events_count", "n", "reason"]
    frame = pd.DataFrame(found, columns=columns)
    return frame.astype({"auc": float, "auc_low": float, "auc_high": float})


def auc_within_periods(
    outcome: object,
    score: object,
    periods: object,
    *,
    customers: object = None,
    weights: object = None,
    level: float = 0.95,
) -> Estimate:
    """Estimate the chance that of two customers of the same period the one with the event has the higher score.

    Parameters
    ----------
    outcome, score, periods, customers, weights, level
        As in `auc_by_period`.

    Returns
    -------
    Estimate
        0 to 1. Periods of one class hold no pair and say nothing.

    Notes
    -----
    Pairs across periods are left out, so a score that only knows a bad month gets 0.5. Each period counts by its pairs
    (events times others). The interval takes the numbers of pairs as given.

    Examples
    --------
    >>> outcome, month = [0, 0, 0, 1, 0, 1, 1, 1], [1, 1, 1, 1, 2, 2, 2, 2]
    >>> score = [0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9]  # knows the month, not the customer
    >>> auc(outcome, score).value, auc_within_periods(outcome, score, month).value
    (0.75, 0.5)
    """
    rows, codes, names = _in_periods("auc_within_periods", outcome, score, periods, customers, weights)

    def measure(kept: ScoredRows) -> Influence:
        return _within_influence(kept, codes, len(names))

    shared = set(codes[rows.outcome == 1]) & set(codes[rows.outcome == 0])
    if not shared:
        reason = rows.why_not_ranked or "not known: no period has rows with and without the event"
        return Estimate(math.nan, unit="index", n=rows.n, method=reason, level=level)
    return _estimate(rows, measure, "DeLong within periods, on the log-odds", level)


def ranking_difference(
    outcome: object,
    first: object,
    second: object,
    *,
    measure: str = "auc",
    periods: object = None,
    customers: object = None,
    weights: object = None,
    level: float = 0.95,
) -> Difference:
    """Compare two scores on the same rows.

    Parameters
    ----------
    first, second : array-like of float
        Two scores of the same rows.
    measure : str
        ``auc`` or ``average_precision``.
    periods : array-like, optional
        Compare the AUC within periods.
    outcome, customers, weights, level
        As in `auc`.

    Returns
    -------
    Difference
        First less second, with its standard error and p-value. The rows are the same, so most of the chance cancels:
        two intervals that overlap may still hide a certain difference.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44.

    Examples
    --------
    >>> outcome = [0, 0, 1, 0, 1, 1]
    >>> found = ranking_difference(outcome, [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6])
    >>> found.estimate.value, found.p_value
    (0.0, 1.0)
    """
    refuse(
        *(
            [f"ranking_difference: measure {measure!r} is not known.{nearest(measure, _MEASURES)} Choose one of "
             f"{', '.join(_MEASURES)}."] * (measure not in _MEASURES)
        ),
        *(
            ["ranking_difference: periods go with measure 'auc' only. Leave them out."]
            * (periods is not None and measure != "auc")
        ),
    )  # fmt: skip
    pair = [
        scored_rows("ranking_difference", outcome, score, weights=weights, customers=customers)
        for score in (first, second)
    ]
    compute: Callable[[ScoredRows], Influence] = _MEASURES[measure]
    known = not pair[0].why_not_ranked
    if periods is not None:
        _, codes, names = _in_periods("ranking_difference", outcome, first, periods, customers, weights)
        known = known and bool(set(codes[pair[0].outcome == 1]) & set(codes[pair[0].outcome == 0]))

        def compute(kept: ScoredRows) -> Influence:
            return _within_influence(kept, codes, len(names))

    n = pair[0].n
    if not known:
        reason = pair[0].why_not_ranked or "not known: no period has rows with and without the event"
        return Difference(Estimate(math.nan, unit="index", n=n, method=reason, level=level), math.nan, math.nan)
    (a, influence_a), (b, influence_b) = (compute(rows) for rows in pair)
    value, error = float(a - b), _error(influence_a - influence_b, pair[0].cluster)
    reach = float(laws.norm.ppf((1 + level) / 2)) * error
    p = float(2 * laws.norm.sf(abs(value) / error)) if error > 0 else (1.0 if value == 0 else 0.0)
    found = Estimate(value, unit="index", low=value - reach, high=value + reach, n=n, method="DeLong, paired"
                     if measure == "auc" else "influence function, paired", level=level)  # fmt: skip
    return Difference(found, error, p)


def _auc_influence(rows: ScoredRows) -> Influence:
    event = rows.outcome == 1
    result = np.zeros(rows.n)
    place_event = _placement(rows.score[event], rows.score[~event], rows.weight[~event])
    place_other = 1 - _placement(rows.score[~event], rows.score[event], rows.weight[event])
    value = float(np.average(place_event, weights=rows.weight[event]))
    for group, place in ((event, place_event), (~event, place_other)):
        share, m = rows.weight[group] / rows.weight[group].sum(), int(group.sum())
        result[group] = share * (place - value) * (math.sqrt(m / (m - 1)) if m > 1 else 1.0)
    return value, result


def _placement(values: np.ndarray, others: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted share of `others` below each value, equal ones counted one half."""
    order = np.argsort(others, kind="stable")
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    ordered = others[order]
    below, up_to = total[np.searchsorted(ordered, values, "left")], total[np.searchsorted(ordered, values, "right")]
    return (below + up_to) / (2 * total[-1])


def _within_influence(rows: ScoredRows, codes: np.ndarray, periods: int) -> Influence:
    result, parts = np.zeros(rows.n), []
    for code in range(periods):
        inside = np.flatnonzero(codes == code)
        part = _part(rows, inside)
        if part.why_not_ranked:
            continue
        event = part.outcome == 1
        value, influence = _auc_influence(part)
        parts.append((part.weight[event].sum() * part.weight[~event].sum(), value, inside, influence))
    pairs = sum(part[0] for part in parts)
    for count, _, inside, influence in parts:
        result[inside] = influence * count / pairs
    return float(sum(count * value for count, value, _, _ in parts) / pairs), result


def _precision_influence(rows: ScoredRows) -> Influence:
    order = np.argsort(-rows.score, kind="stable")
    y, s, w = rows.outcome[order], rows.score[order], rows.weight[order]
    last = np.flatnonzero(np.append(s[1:] != s[:-1], True))  # last row of each threshold
    group = np.cumsum(np.concatenate([[0], (s[1:] != s[:-1]).astype(int)]))
    all_above, events_above = np.cumsum(w)[last], np.cumsum(w * y)[last]
    precision = events_above / all_above
    gained = np.diff(np.concatenate([[0.0], events_above])) / events_above[-1]
    value = float(np.sum(gained * precision))
    # A row lifts the precision of every threshold at or below its own score.
    up = np.cumsum((gained / all_above)[::-1])[::-1][group]
    down = np.cumsum((gained * precision / all_above)[::-1])[::-1][group]
    result = np.empty(rows.n)
    result[order] = w * (y * (precision[group] - value) / events_above[-1] + y * up - down)
    return value, result


_MEASURES: dict[str, Callable[[ScoredRows], Influence]] = {
    "auc": _auc_influence,
    "average_precision": _precision_influence,
}


def _estimate(rows: ScoredRows, measure: Callable[[ScoredRows], Influence], method: str, level: float) -> Estimate:
    if rows.why_not_ranked:
        return Estimate(math.nan, unit="index", n=rows.n, method=rows.why_not_ranked, level=level)
    value, influence = measure(rows)
    error = _error(influence, rows.cluster)
    m, k = (len(np.unique(rows.cluster[rows.outcome == one])) for one in (1, 0))
    z = float(laws.norm.ppf((1 + level) / 2))
    if measure is _precision_influence and (error == 0 or value >= 1):
        low, high, method = m / (m + z * z), 1.0, "Wilson, every event listed first"
    elif measure is not _precision_influence and bool((rows.score == rows.score[0]).all()):
        low, high, method = value, value, "all scores are equal"
    elif measure is not _precision_influence and (error == 0 or not 0 < value < 1 or min(m, k) < _FEW):
        low, high, method = _newcombe(value, m, k, z, False), _newcombe(value, m, k, z, True), "Newcombe"
    else:
        reach = float(laws.t.ppf((1 + level) / 2, max(min(m, k) - 1, 1))) * error / (value * (1 - value))
        low, high = (float(expit(logit(value) + step)) for step in (-reach, reach))
    return Estimate(value, unit="index", low=low, high=high, n=rows.n, method=method, level=level)


def _error(influence: np.ndarray, cluster: np.ndarray) -> float:
    return float(np.sqrt(np.sum(np.bincount(cluster, influence) ** 2)))


def _newcombe(value: float, m: int, k: int, z: float, up: bool) -> float:
    """Limit of an AUC whose own error is not known, by the law of Hanley and McNeil solved for the truth."""
    star = (m + k) / 2 - 1

    def left(truth: float) -> float:
        variance = truth * (1 - truth) * (1 + star * (1 - truth) / (2 - truth) + star * truth / (1 + truth)) / (m * k)
        return (value - truth) ** 2 - z * z * variance

    if value >= 1 or value <= 0:
        if up == (value >= 1):
            return value
        return float(brentq(left, 1e-12, value - 1e-12) if value >= 1 else brentq(left, value + 1e-12, 1 - 1e-12))
    edge = 1.0 if up else 0.0
    return float(brentq(left, value, edge)) if left(edge) > 0 else edge


def _in_periods(
    what: str, outcome: object, score: object, periods: object, customers: object, weights: object
) -> tuple[ScoredRows, np.ndarray, list[object]]:
    rows = scored_rows(what, outcome, score, weights=weights, customers=customers)
    codes, names = pd.factorize(pd.Series(np.asarray(periods)), sort=True)
    refuse(
        *([f"{what}: {rows.n:,} outcomes against {len(codes):,} periods. Give both for the same rows."]
          * (len(codes) != rows.n)),
        *([f"{what}: some rows have no period. Name the period of every row."] * bool((codes < 0).any())),
    )  # fmt: skip
    return rows, codes, list(names)


def _part(rows: ScoredRows, inside: np.ndarray) -> ScoredRows:
    cluster = np.unique(rows.cluster[inside], return_inverse=True)[1]
    return ScoredRows(rows.outcome[inside], rows.score[inside], rows.weight[inside], cluster)
