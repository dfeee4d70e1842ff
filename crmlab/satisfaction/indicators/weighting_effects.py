"""What the choice of weights does: the index and the ranking of branches under several weightings."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.indicators.indicator_systems import IndicatorSystem, check_frame, weight_problems
from crmlab.stats.estimate import Estimate
from crmlab.stats.evidence import Evidence
from crmlab.stats.resampling import percentile_limits

__all__ = ["compare_indices", "compare_rankings"]

_FEWEST_GROUPS = 5
_FEWEST_ROWS = 5  # of a group


def compare_indices(
    frame: pd.DataFrame,
    system: IndicatorSystem,
    weights: pd.DataFrame,
    *,
    reference: str = "equal",
    weight: str | None = None,
    resamples: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
) -> Evidence:
    """Say how far the index depends on the weighting.

    Parameters
    ----------
    frame, system, weight
        As in `weightings`.
    weights : DataFrame
        One row an item, one column a weighting, as `weightings` gives.
    reference : str
        Weighting that the others are compared with.
    resamples, seed : int
        Of the Bayesian bootstrap of responses.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Evidence
        ``frame``: one row a weighting: ``weighting``; ``index`` (0 to 100) and ``difference`` (from the reference, in
        points), each with ``_low`` and ``_high``; ``largest_item`` and ``largest_item_difference`` (weight less that of
        the reference, -1 to 1); ``n``. ``estimates``: ``index_`` with each weighting, ``difference_`` with the others.

    Notes
    -----
    Index = 100 (sum w mean - low) / (high - low), means over those who answered the item. Weights are held fixed: the
    limits say what other customers of the same kind would change, not what other weights would.

    References
    ----------
    Rubin (1981), The Bayesian bootstrap, Annals of Statistics 9.

    Examples
    --------
    >>> from crmlab.satisfaction.indicators.indicator_systems import weightings
    >>> system = IndicatorSystem("satisfaction", {"service": ["s1", "s2"], "fees": ["f1"]}, low=0, high=10)
    >>> frame = pd.DataFrame({"s1": [8.0, 9, 7], "s2": [8.0, 8, 9], "f1": [2.0, 9, 5]})
    >>> found = compare_indices(frame, system, weightings(frame, system), resamples=200)
    >>> found.frame[["weighting", "index", "difference"]].round(1).values.tolist()
    [['equal', 67.5, 0.0], ['entropy', 54.5, -13.0]]
    """
    _check_weights(frame, system, weights, reference, weight, resamples)
    here, drawn = _indices(frame, system, weights, weight, np.zeros(len(frame), dtype=int), resamples, seed)
    here, drawn = here[0], drawn[:, 0]
    base = list(weights.columns).index(reference)
    columns: dict[str, object] = {"weighting": list(weights.columns)}
    for name, value, many in (("index", here, drawn), ("difference", here - here[base], drawn - drawn[:, [base]])):
        columns[name] = value
        columns[f"{name}_low"], columns[f"{name}_high"] = percentile_limits(many, level)
    away = weights.sub(weights[reference], axis=0)
    columns["largest_item"] = [away[name].abs().idxmax() for name in weights.columns]
    columns["largest_item_difference"] = [away.loc[away[name].abs().idxmax(), name] for name in weights.columns]
    table = pd.DataFrame(columns).assign(n=len(frame))
    method = f"Bayesian bootstrap, {resamples:,} draws, weights fixed"
    estimates = {}
    for row in table.to_dict("records"):
        for name, unit in (("index", "index"), ("difference", "points")):
            if name == "index" or row["weighting"] != reference:
                limits = (row[f"{name}_low"], row[f"{name}_high"])
                estimates[f"{name}_{row['weighting']}"] = Estimate(row[name], unit, *limits, len(frame), method, level)
    furthest = table.loc[table["difference"].abs().idxmax()]
    title = f"The choice of weights moves the index by {abs(furthest['difference']):.1f} points"
    about = f"Index of {system.target}, 0 to 100, by weighting, {100 * level:g} % limits, n = {len(frame):,}"
    reading = f"With {reference} weights the index is {estimates[f'index_{reference}'].text}."
    if furthest["weighting"] != reference:
        more = (
            f"{furthest['weighting']} weights move it by {estimates['difference_' + furthest['weighting']].text}; "
            f"they differ most on {furthest['largest_item']}, by {100 * furthest['largest_item_difference']:+.1f} "
            "points of weight."
        )
        reading = " ".join([reading, more])
    return Evidence(table, title, about, reading, estimates)


def compare_rankings(
    frame: pd.DataFrame,
    system: IndicatorSystem,
    weights: pd.DataFrame,
    *,
    group: str,
    reference: str = "equal",
    weight: str | None = None,
    resamples: int = 500,
    seed: int = 1,
    level: float = 0.95,
) -> Evidence:
    """Say whether branches would be ranked otherwise by another weighting.

    Parameters
    ----------
    group : str
        Column of the branch; branches with fewer than 5 responses are left out, 5 branches are needed.
    frame, system, weights, reference, weight, resamples, seed, level
        As in `compare_indices`.

    Returns
    -------
    Evidence
        ``frame``: one row a weighting: ``weighting``, ``rank_correlation`` (Spearman, with the ranking of the
        reference, -1 to 1), ``rank_correlation_low``, ``rank_correlation_high``, ``largest_move`` (places),
        ``largest_mover`` (branch), ``leader``, ``is_leader_kept``, ``n`` branches. ``estimates``: ``rank_correlation_``
        with each weighting but the reference.

    Notes
    -----
    All weightings use the same answers, so that chance moves them together: a high correlation says that the weights
    hardly matter, not that the ranking is sure. For that see `crmlab.satisfaction.indicators.league_table`.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> branch = np.repeat(list("ABCDEF"), 30)
    >>> frame = pd.DataFrame({"s1": rng.integers(0, 11, 180), "f1": rng.integers(0, 11, 180), "branch": branch})
    >>> system = IndicatorSystem("satisfaction", {"service": ["s1"], "fees": ["f1"]}, low=0, high=10)
    >>> weights = pd.DataFrame({"equal": [0.5, 0.5], "fees only": [0.0, 1.0]}, index=["s1", "f1"])
    >>> found = compare_rankings(frame, system, weights, group="branch", resamples=100)
    >>> found.frame["rank_correlation"].round(2).tolist()
    [1.0, 1.0]
    """
    _check_weights(frame, system, weights, reference, weight, resamples, group)
    sizes = frame.groupby(group).size()
    kept = frame.loc[frame[group].isin(sizes.index[sizes >= _FEWEST_ROWS])]
    codes, names = pd.factorize(kept[group], sort=True)
    if len(names) < _FEWEST_GROUPS:
        refuse(
            f"indicator system: {len(names)} groups with {_FEWEST_ROWS} or more responses; {_FEWEST_GROUPS} are needed "
            "to compare rankings. Use larger groups or more waves."
        )
    here, drawn = _indices(kept, system, weights, weight, codes, resamples, seed)
    base = list(weights.columns).index(reference)
    ranks, drawn_ranks = rankdata(-here, axis=0), rankdata(-drawn, axis=1)
    rows, estimates = [], {}
    for place, name in enumerate(weights.columns):
        value = float(_correlation(ranks[None, :, place], ranks[None, :, base])[0])
        low, high = percentile_limits(_correlation(drawn_ranks[:, :, place], drawn_ranks[:, :, base]), level)
        moves = np.abs(ranks[:, place] - ranks[:, base])
        leader = names[int(ranks[:, place].argmin())]
        rows.append((name, value, low, high, moves.max(), names[int(moves.argmax())], leader,
                     leader == names[int(ranks[:, base].argmin())], len(names)))  # fmt: skip
        if name != reference:
            method = f"Bayesian bootstrap within groups, {resamples:,} draws"
            estimates[f"rank_correlation_{name}"] = Estimate(
                value, "", float(low), float(high), len(names), method, level
            )
    table = pd.DataFrame(rows, columns=[
        "weighting", "rank_correlation", "rank_correlation_low", "rank_correlation_high", "largest_move",
        "largest_mover", "leader", "is_leader_kept", "n",
    ])  # fmt: skip
    least = table.loc[table["rank_correlation"].idxmin()]
    title = f"Rankings agree with that of {reference} weights at {least['rank_correlation']:.2f} or more"
    about = f"Spearman correlation of {len(names)} groups' ranks by weighting, {100 * level:g} % limits"
    reading = f"All weightings name {least['leader']} first." if table["is_leader_kept"].all() else (
        f"The leader hangs on the weights: {', '.join(sorted(map(str, set(table['leader']))))}."
    )  # fmt: skip
    if least["weighting"] != reference:
        more = f"{least['weighting']} weights move {least['largest_mover']} by {least['largest_move']:g} places."
        reading = " ".join([reading, more])
    return Evidence(table, title[:70], about, reading, estimates)


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    a, b = (one - one.mean(axis=1, keepdims=True) for one in (first, second))
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), scale, out=np.zeros(len(a)), where=scale > 0)


def _indices(
    frame: pd.DataFrame,
    system: IndicatorSystem,
    weights: pd.DataFrame,
    weight: str | None,
    codes: np.ndarray,
    resamples: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Index of each group under each weighting: (groups, weightings), and drawn (resamples, groups, weightings)."""
    items = list(system.items)
    values = frame[items].to_numpy(dtype=float)
    answered = np.isfinite(values)
    both = np.column_stack([np.where(answered, values, 0.0), answered])
    counts = frame[weight].to_numpy(dtype=float) if weight else np.ones(len(frame))
    member = np.equal.outer(np.arange(codes.max() + 1), codes).astype(float)
    used = weights.loc[items].to_numpy(dtype=float)

    def index(row_weights: np.ndarray) -> np.ndarray:
        sums = (member * row_weights) @ both
        total, times = sums[:, : len(items)], sums[:, len(items) :]
        known = times > 0
        means = np.divide(total, times, out=np.zeros_like(total), where=known)
        weighed = known @ used  # a group that never answered an item is measured by the others
        return 100 * (means @ used / np.where(weighed > 0, weighed, np.nan) - system.low) / (system.high - system.low)

    generator = np.random.default_rng(seed)
    return index(counts), np.array(
        [index(counts * generator.standard_exponential(len(frame))) for _ in range(resamples)]
    )


def _check_weights(
    frame: pd.DataFrame,
    system: IndicatorSystem,
    weights: pd.DataFrame,
    reference: str,
    weight: str | None,
    resamples: int,
    group: str | None = None,
) -> None:
    check_frame(frame, system, weight, group)
    problems = []
    for name in weights.columns:
        problems += weight_problems(str(name), weights[name], list(system.items))
    if not problems and not np.allclose(weights.sum(), 1):
        problems.append("weights: a weighting does not sum to 1. Divide it by its sum.")
    if reference not in weights.columns:
        problems.append(
            f"weights: {reference!r} is no weighting.{nearest(reference, map(str, weights.columns))} "
            f"Choose one of {', '.join(map(str, weights.columns))}."
        )
    if resamples < 100:
        problems.append(f"indicator system: {resamples} resamples give no limits. Ask for 100 or more.")
    refuse(*problems)
