"""Is the score as right for each group of customers as for all?"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats as laws
from scipy.optimize import brentq
from scipy.special import expit, logit

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.errors import refuse
from crmlab.stats.differences import holm
from crmlab.stats.estimate import Estimate, share_text
from crmlab.stats.evidence import Evidence
from crmlab.stats.ranking import auc
from crmlab.stats.scored_rows import ScoredRows, scored_rows

__all__ = ["subgroups"]

_EDGE = 1e-9
_SURE = 25.0  # variance of the number of events from which the normal law serves
_COLUMNS = [
    "column", "group", "n", "events_count", "event_share", "p_mean", "gap_share", "gap_share_low", "gap_share_high",
    "p_value", "p_value_holm", "is_off", "auc", "auc_low", "auc_high",
]  # fmt: skip


def subgroups(
    outcome: object, p: object, groups: pd.Series | pd.DataFrame, *, customers: object = None, level: float = 0.95
) -> Evidence:
    """Compare what was said with what happened in each group, and how well the score ranks there.

    Parameters
    ----------
    outcome : array-like of 0 and 1
    p : array-like of float
        Probability of the event, 0 to 1.
    groups : Series or DataFrame
        Group of each row (age band, region, gender); several columns are judged together. Rows without a group are
        left out of that column.
    customers : array-like, optional
        Whose row it is.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Evidence
        Frame, one row a group of at least 10 rows: ``column``, ``group``, ``n``, ``events_count``, ``event_share``,
        ``p_mean``, ``gap_share`` (event share less mean p: above 0, more happened than was said) with
        ``gap_share_low``, ``gap_share_high``; ``p_value`` of no gap, ``p_value_holm`` (corrected for all groups),
        ``is_off``; ``auc`` with limits. Estimate ``largest_gap``: that of the group with the smallest p-value.

    Notes
    -----
    Given p, the events of a group are a sum of unequal coins. The interval holds every shift of the group's log-odds
    under which the events seen are no surprise (a score interval, as Wilson's): it works for few events and for none.
    The p-value is exact where few events are expected and each row is another customer; else normal. With customers
    the variance is multiplied by what their rows share, at least 1. A group's AUC may be lower only because its
    customers are more alike: it is no proof of unfairness, and says nothing about who is called.

    References
    ----------
    Wilson (1927), JASA 22; Holm (1979), Scandinavian Journal of Statistics 6; Hong (2013), On computing the
    distribution function for the Poisson binomial distribution, Computational Statistics and Data Analysis 59.

    Examples
    --------
    >>> found = subgroups([1, 0] * 40, [0.5] * 80, pd.Series(["north"] * 40 + ["south"] * 40, name="region"))
    >>> found.frame[["group", "n", "gap_share", "is_off"]].values.tolist()
    [['north', 40, 0.0, False], ['south', 40, 0.0, False]]
    >>> found.reading
    'In none of 2 groups did more or less happen than was said, beyond chance.'
    """
    rows = scored_rows("subgroups", outcome, p, customers=customers, is_probability=True)
    table = groups.to_frame(groups.name or "group") if isinstance(groups, pd.Series) else groups
    refuse(
        *([f"subgroups: {rows.n:,} outcomes against {len(table):,} rows of groups. Give both for the same rows."]
          * (len(table) != rows.n)),
        *(["subgroups: outcomes and groups have different indexes. Bring them to the same rows in the same order."]
          * bool(isinstance(outcome, pd.Series) and len(table) == rows.n and not outcome.index.equals(table.index))),
        *(["subgroups: there is no column of groups. Give at least one."] * (table.shape[1] == 0)),
    )  # fmt: skip
    found, hidden = [], 0
    for name in table.columns:
        codes, labels = pd.factorize(table[name], sort=True)
        for code, label in enumerate(labels):
            inside = codes == code
            if inside.sum() < SMALLEST_GROUP:
                hidden += 1
                continue
            found.append((str(name), str(label), *_group(_kept(rows, inside), level)))
    frame = pd.DataFrame(found, columns=[c for c in _COLUMNS if c not in ("p_value_holm", "is_off")])
    corrected = holm(frame["p_value"].to_numpy(dtype=float))
    frame = frame.assign(p_value_holm=corrected, is_off=corrected < 1 - level)[_COLUMNS]
    return _evidence(frame.astype(dict.fromkeys(("auc", "auc_low", "auc_high"), float)), hidden, level)


def _kept(rows: ScoredRows, inside: np.ndarray) -> ScoredRows:
    cluster = np.unique(rows.cluster[inside], return_inverse=True)[1]
    return ScoredRows(rows.outcome[inside], rows.score[inside], rows.weight[inside], cluster)


def _group(rows: ScoredRows, level: float) -> tuple[object, ...]:
    p, y = rows.score, rows.outcome
    gap = float(y.mean() - p.mean())
    off = np.bincount(rows.cluster, y - p)
    own = float(np.sum((y - p) ** 2))
    is_single = len(off) == rows.n
    wider = 1.0 if is_single or own == 0 else max(float(np.sum(off**2)) / own, 1.0)
    low, high = (_limit(rows, wider, level, up) for up in (False, True))
    ranked = auc(y, p, customers=rows.cluster, level=level)
    return (rows.n, rows.events, float(y.mean()), float(p.mean()), gap, min(low, gap), max(high, gap),
            _p_value(rows, wider, is_single), ranked.value, ranked.low, ranked.high)  # fmt: skip


def _limit(rows: ScoredRows, wider: float, level: float, up: bool) -> float:
    """Shift all log-odds until the events seen would be just no surprise; return the mean p there less the mean p."""
    place, events, sign = logit(np.clip(rows.score, _EDGE, 1 - _EDGE)), rows.events, 1 if up else -1
    z = float(laws.norm.ppf((1 + level) / 2))

    def left(shift: float) -> float:
        p = expit(place + shift)
        return sign * (float(p.sum()) - events) - z * math.sqrt(wider * float(np.sum(p * (1 - p))))

    if (up and events == rows.n) or (not up and events == 0):
        return (1.0 if up else 0.0) - float(rows.score.mean())
    nearest_fit = brentq(
        lambda shift: float(expit(place + shift).sum()) - min(max(events, 1e-6), rows.n - 1e-6), -80, 80
    )
    shift = brentq(left, *((nearest_fit, 80) if up else (-80, nearest_fit)))
    return float(expit(place + shift).mean() - rows.score.mean())


def _p_value(rows: ScoredRows, wider: float, is_single: bool) -> float:
    p = rows.score
    variance = float(np.sum(p * (1 - p)))
    if variance == 0:
        return 1.0 if abs(rows.events - p.sum()) < 1e-9 else 0.0
    if not is_single or variance >= _SURE:
        return float(2 * laws.norm.sf(abs(rows.events - p.sum()) / math.sqrt(wider * variance)))
    # the law of the number of events, one customer after the other
    law = np.zeros(rows.n + 1)
    law[0] = 1.0
    for k, chance in enumerate(p):
        law[1 : k + 2] = law[1 : k + 2] * (1 - chance) + law[: k + 1] * chance
        law[0] *= 1 - chance
    return float(min(1.0, 2 * min(law[: rows.events + 1].sum(), law[rows.events :].sum())))


def _evidence(frame: pd.DataFrame, hidden: int, level: float) -> Evidence:
    off = frame[frame["is_off"]]
    said = f"In none of {len(frame)} groups did more or less happen than was said, beyond chance."
    estimates = {}
    if len(frame):
        one = frame.loc[frame["p_value"].idxmin()]
        estimates["largest_gap"] = Estimate(
            float(one["gap_share"]), unit="share", low=float(one["gap_share_low"]), high=float(one["gap_share_high"]),
            n=int(one["n"]), method="score interval", level=level,
        )  # fmt: skip
        if len(off):
            way = "more happened than was said" if one["gap_share"] > 0 else "less happened than was said"
            if off["gap_share"].gt(0).nunique() > 1:
                way = "more or less happened than was said"
            said = (
                f"In {len(off)} of {len(frame)} groups {way}, "
                f"most surely in {one['column']} {one['group']}: {share_text(one['event_share'])}, "
                f"said {share_text(one['p_mean'])}."
            )
    if hidden:
        said += f" {hidden} group{'s' if hidden > 1 else ''} under {SMALLEST_GROUP} rows not shown."
    return Evidence(
        frame,
        title=f"{len(off)} of {len(frame)} groups are off what was said",
        about=f"Event share less mean probability by group, {100 * level:.0f} % score intervals; alarms after Holm",
        reading=said,
        estimates=estimates,
    )
