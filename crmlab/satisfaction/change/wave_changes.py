"""Changes between waves: weighted, aware of customers who answered twice, corrected for the number of looks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.survey.weighted_estimates import influence_of_mean
from crmlab.stats import Evidence
from crmlab.stats.differences import holm

__all__ = ["benjamini_hochberg", "smallest_wave_change", "wave_change_evidence", "wave_changes"]

_PAIRS = {
    "previous": "each wave with the one before",
    "first": "each wave with the first",
    "all": "each wave with each",
}


def wave_changes(
    frame: pd.DataFrame,
    items: Sequence[str],
    *,
    pairs: Literal["previous", "first", "all"] = "previous",
    order: Sequence[str] | None = None,
    level: float = 0.95,
    power: float = 0.8,
) -> pd.DataFrame:
    """Tell which measures changed between waves.

    Parameters
    ----------
    frame : DataFrame
        One row a response: `items` (float, gaps allowed; an index, an item, or `promoter_points`), ``wave`` (str), and
        where there are any ``customer_id`` and ``weight`` (0 or more).
    items : sequence of str
        Columns to compare.
    pairs : str
        ``previous``, ``first`` or ``all``: which waves are compared with which.
    order : sequence of str, optional
        Waves from the earliest; None: sorted as text.
    level, power : float
        Level of the intervals; chance with which ``smallest_change`` would be seen.

    Returns
    -------
    DataFrame
        One row an item and pair: ``item``, ``wave_from``, ``wave_to``, ``value_from``, ``value_to``, ``change``,
        ``change_low``, ``change_high``, ``n_from``, ``n_to``, ``n_both`` (customers in both), ``error``, ``p_value``,
        ``p_holm`` and ``p_false_discovery`` (over all rows), ``is_change`` (Holm, at `level`), ``smallest_change``
        (seen with chance `power` in one look) and ``reason`` where nothing is known.

    Notes
    -----
    The error adds up, for each customer, what the customer contributes to both means (Taylor linearisation), so that
    the covariance of a rotating panel is counted; without ``customer_id`` responses are taken as different customers.
    Weights are taken as given. Intervals are for a single look; ``is_change`` holds for all looks together: Holm keeps
    the chance of any false alarm at 1 - level, Benjamini and Hochberg the share of false ones among those called.
    Twelve waves without any change, looked at singly at 5 %: at least one false alarm in 39 % of the surveys when each
    is compared with the one before, in 74 % when each is compared with each; with Holm in 4 to 6 % (see
    ``benchmarks/satisfaction_surveys.py``). A question that was reworded, or asked on another scale, has no trend.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6; Benjamini and Hochberg (1995), JRSS B 57; Steel and McLaren
    (2009), Design and analysis of surveys repeated over time.

    Examples
    --------
    >>> answers = pd.DataFrame({"wave": ["2024"] * 3 + ["2025"] * 3, "customer_id": list("abcabc"),
    ...                         "sat": [5.0, 6, 7, 6, 7, 9]})
    >>> row = wave_changes(answers, ["sat"]).iloc[0]
    >>> f"{row['change']:.2f} {row['error']:.3f} {row['n_both']}"
    '1.33 0.333 3'
    """
    waves = _checked(frame, items, pairs, order, level, power)
    weights = frame["weight"] if "weight" in frame.columns else pd.Series(1.0, index=frame.index)
    customers = frame["customer_id"] if "customer_id" in frame.columns else None
    rows = []
    for item in items:
        values = frame[item].astype(float)
        parts = {wave: influence_of_mean(values.where(frame["wave"] == wave), weights) for wave in waves}
        for one, two in _compared(waves, pairs):
            known = {w: values.notna() & (frame["wave"] == w) & (weights > 0) for w in (one, two)}
            rows.append((item, one, two, *_change(parts[one], parts[two], known[one], known[two], customers, level)))
    names = ["item", "wave_from", "wave_to", "value_from", "value_to", "change", "change_low", "change_high", "n_from"]
    names += ["n_to", "n_both", "error", "p_value", "reason"]
    table = pd.DataFrame(rows, columns=names)
    table["p_holm"] = holm(table["p_value"])
    table["p_false_discovery"] = benjamini_hochberg(table["p_value"])
    table["is_change"] = table["p_holm"] < 1 - level
    table["smallest_change"] = (laws.norm.ppf((1 + level) / 2) + laws.norm.ppf(power)) * table["error"]
    return table[[*names[:-1], "p_holm", "p_false_discovery", "is_change", "smallest_change", "reason"]]


def wave_change_evidence(changes: pd.DataFrame, *, unit: str = "points") -> Evidence:
    """Give changes between waves to a notebook, those that stand out first in the reading.

    >>> answers = pd.DataFrame({"wave": ["2024"] * 40 + ["2025"] * 40, "sat": [5.0, 7] * 20 + [6.0, 9] * 20})
    >>> found = wave_change_evidence(wave_changes(answers, ["sat"]))
    >>> found.title
    '1 of 1 changes between waves stands out from chance'
    >>> found.reading
    'Largest: sat 2024 to 2025 by +1.50 points (+0.92 to +2.08).'
    """
    known = changes[changes["p_value"].notna()]
    called = known[known["is_change"]].sort_values("change", key=lambda c: -c.abs(), kind="stable")
    told = [
        f"{row.item} {row.wave_from} to {row.wave_to} by {row.change:+.2f} {unit} "
        f"({row.change_low:+.2f} to {row.change_high:+.2f})"
        for row in called.head(2).itertuples()
    ]
    smallest = float(known["smallest_change"].median()) if len(known) else math.nan
    quiet = f"A change of {smallest:.2g} {unit} would be seen four times in five in one look."
    lost = len(changes) - len(known)
    return Evidence(
        changes,
        title=f"{len(called)} of {len(known)} changes between waves stand{'s' if len(called) == 1 else ''} out from "
        "chance",
        about=f"Change of weighted means, {unit}, 95 % interval of one look, calls by Holm over {len(known)} looks",
        reading=" ".join(
            [
                (f"Largest: {'; '.join(told)}." if told else quiet if len(known) else "No change is known."),
                *([f"{lost} of {len(changes)} cannot be compared."] if lost else []),
            ]
        ),
    )


def benjamini_hochberg(p_values: object) -> np.ndarray:
    """Correct p-values so that the expected share of false ones among those called stays at the level.

    Parameters
    ----------
    p_values : array-like of float
        0 to 1; those not known stay so and are no look.

    References
    ----------
    Benjamini and Hochberg (1995), Controlling the false discovery rate, JRSS B 57.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(12).tolist()
    [0.03, 0.04, 0.04]
    """
    given = np.asarray(p_values, dtype=float)
    result = np.full(given.shape, np.nan)
    order = np.argsort(given, kind="stable")[: int(np.sum(~np.isnan(given)))]
    weighed = given[order] * len(order) / np.arange(1, len(order) + 1)
    result[order] = np.minimum(np.minimum.accumulate(weighed[::-1])[::-1], 1.0)
    return result


def smallest_wave_change(
    deviation: float,
    n_from: int,
    n_to: int,
    *,
    both: int = 0,
    correlation: float = 0.0,
    design_effect: float = 1.0,
    looks: int = 1,
    power: float = 0.8,
    level: float = 0.95,
) -> float:
    """Compute the smallest change that a survey of a given size would show.

    Parameters
    ----------
    deviation : float
        Standard deviation of an answer, 0 or more; the result has its unit.
    n_from, n_to : int
        Responses of the two waves, 1 or more.
    both : int
        Customers who answer in both.
    correlation : float
        Of their two answers, -1 to 1.
    design_effect : float
        Of the weights, 1 or more.
    looks : int
        How many changes are looked at together (Bonferroni).
    power, level : float
        Chance with which such a change is called; level of a single look.

    Notes
    -----
    (z[1 - (1 - level) / 2 / looks] + z[power]) x deviation x sqrt(design_effect x (1/n_from + 1/n_to - 2 x both x
    correlation / (n_from x n_to))).

    Examples
    --------
    >>> round(smallest_wave_change(2.0, 400, 400), 2), round(smallest_wave_change(2.0, 400, 400, looks=12), 2)
    (0.4, 0.52)
    >>> round(smallest_wave_change(2.0, 400, 400, both=400, correlation=0.6), 2)
    0.25
    """
    what = "smallest_wave_change"
    checks = [
        (deviation >= 0, f"{what}: the deviation is {deviation}. Give 0 or more."),
        (min(n_from, n_to) >= 1, f"{what}: waves have {n_from} and {n_to} responses. Give 1 or more."),
        (0 <= both <= min(n_from, n_to), f"{what}: {both} customers in both waves do not fit. Give at most the fewer."),
        (-1 <= correlation <= 1, f"{what}: the correlation is {correlation}. Give -1 to 1."),
        (design_effect >= 1, f"{what}: the design effect is {design_effect}. Give 1 or more."),
        (looks >= 1, f"{what}: there are {looks} looks. Give 1 or more."),
        (0 < power < 1 and 0 < level < 1, f"{what}: power {power} or level {level} is no chance. Give 0 to 1."),
    ]
    refuse(*(problem for holds, problem in checks if not holds))
    reach = laws.norm.ppf(1 - (1 - level) / 2 / looks) + laws.norm.ppf(power)
    variance = 1 / n_from + 1 / n_to - 2 * both * correlation / (n_from * n_to)
    return float(reach * deviation * math.sqrt(design_effect * max(variance, 0.0)))


def _compared(waves: list[str], pairs: str) -> Iterator[tuple[str, str]]:
    if pairs == "previous":
        yield from pairwise(waves)
    elif pairs == "first":
        yield from ((waves[0], wave) for wave in waves[1:])
    else:
        yield from combinations(waves, 2)


def _change(
    one: tuple[np.ndarray, float, int],
    two: tuple[np.ndarray, float, int],
    known_one: pd.Series,
    known_two: pd.Series,
    customers: pd.Series | None,
    level: float,
) -> tuple:
    rows = (known_one | known_two).to_numpy()
    clusters = None if customers is None else customers.to_numpy()[rows]
    both = 0 if customers is None else len(set(customers[known_one]) & set(customers[known_two]))
    change, nothing = two[1] - one[1], (math.nan,) * 2
    if min(one[2], two[2]) == 0:
        reason = f"nobody answered in {'the earlier' if one[2] == 0 else 'the later'} wave"
        return one[1], two[1], math.nan, *nothing, one[2], two[2], both, *nothing, reason
    if min(one[2], two[2]) < 2:
        return one[1], two[1], change, *nothing, one[2], two[2], both, *nothing, "one answer shows no spread"
    moved = two[0] * math.sqrt(two[2] / (two[2] - 1)) - one[0] * math.sqrt(one[2] / (one[2] - 1))
    variance, count = _variance(moved[rows], clusters)
    if not variance > 1e-24 * max(1.0, change**2):
        return one[1], two[1], change, *nothing, one[2], two[2], both, *nothing, "all answers are alike"
    error = math.sqrt(variance)
    free = max(count - 1, 1) if both == min(one[2], two[2]) else _freedom(one[0], two[0])
    reach = float(laws.t.ppf((1 + level) / 2, free)) * error
    chance = float(2 * laws.t.sf(abs(change) / error, free))
    return one[1], two[1], change, change - reach, change + reach, one[2], two[2], both, error, chance, ""


def _variance(moved: np.ndarray, clusters: np.ndarray | None) -> tuple[float, int]:
    """Sum of squares of what each customer moves: Welch's for different customers, the paired one for a full panel."""
    if clusters is None:
        return float((moved**2).sum()), len(moved)
    code, names = pd.factorize(clusters, use_na_sentinel=False)
    return float((np.bincount(code, weights=moved, minlength=len(names)) ** 2).sum()), len(names)


def _freedom(one: np.ndarray, two: np.ndarray) -> float:
    """Welch's degrees of freedom of the two sets of contributions."""
    parts = [(float((moved**2).sum()), int((moved != 0).sum())) for moved in (one, two)]
    below = sum(squares**2 / max(n - 1, 1) for squares, n in parts)
    return max(sum(squares for squares, _ in parts) ** 2 / below, 1.0) if below > 0 else 1.0


def _checked(
    frame: pd.DataFrame, items: Sequence[str], pairs: str, order: Sequence[str] | None, level: float, power: float
) -> list[str]:
    problems = [
        f"wave_changes: the frame lacks column {name!r}.{nearest(name, frame.columns)} Name one it has."
        for name in (*items, "wave")
        if name not in frame.columns
    ]
    if pairs not in _PAIRS:
        known = "; ".join(f"{name}: {what}" for name, what in _PAIRS.items())
        problems.append(f"wave_changes: pairs {pairs!r} is not known. Choose one of {known}.")
    if not (0 < level < 1 and 0 < power < 1):
        problems.append(f"wave_changes: level {level} or power {power} is no chance. Give above 0 and below 1.")
    if "weight" in frame.columns:
        bad = int((~np.isfinite(frame["weight"].astype(float)) | (frame["weight"] < 0)).sum())
        if bad:
            problems.append(f"wave_changes: {bad:,} of {len(frame):,} weights are negative or missing. Give 0 or more.")
    refuse(*problems)
    gaps = int(frame["wave"].isna().sum())
    if gaps:
        refuse(f"wave_changes: {gaps:,} of {len(frame):,} responses have no wave. Fill it, or leave them out.")
    seen = sorted(frame["wave"].unique().tolist())
    waves = seen if order is None else list(order)
    unknown = [wave for wave in seen if wave not in waves]
    if unknown:
        refuse(f"wave_changes: waves {unknown} are not in the order {waves}. Add them.")
    if len(waves) < 2:
        refuse(f"wave_changes: there is one wave, {waves}. A change needs two." if waves else
               "wave_changes: there is no response. A change needs two waves.")  # fmt: skip
    return waves
