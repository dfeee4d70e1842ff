"""May groups be compared: do items make up the same latent variables in both, and do paths differ beyond chance?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.measurement.measures import correlation as correlation_of
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.measurement.permuted_groups import FEWEST, Pair, Units, group_problems
from crmlab.satisfaction.measurement.reliability import first_stage
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.moment_sums import MomentSums
from crmlab.satisfaction.path_models.responses import responses
from crmlab.satisfaction.path_models.solution import Settings
from crmlab.stats.differences import holm

__all__ = ["FEWEST", "Comparison", "compare_groups"]


@dataclass(frozen=True)
class Comparison:
    """Two or more groups of respondents, judged by permutation.

    Parameters
    ----------
    composition : DataFrame
        One row a pair of groups and latent variable: ``first``, ``second``, ``latent``, ``title``; ``correlation`` (of
        the scores that the weights of either group give to the same respondents), ``correlation_by_chance`` (what is
        not undercut in a share `level` of permutations), ``p_value``, ``is_invariant``; ``mean_difference`` (second
        less first, standard deviations of the pair), ``mean_p_value``, ``is_mean_equal``; ``log_variance_ratio``
        (second over first), ``variance_p_value``, ``is_variance_equal``; ``n_first``, ``n_second``.
    paths : DataFrame
        One row a pair of groups and path: ``first``, ``second``, ``cause``, ``effect``, ``cause_title``,
        ``effect_title``, ``coefficient_first``, ``coefficient_second``, ``difference`` (second less first),
        ``p_value``, ``p_holm`` (corrected for all paths and pairs that may be compared), ``may_be_compared``,
        ``is_different``; ``n_first``, ``n_second``. Values of paths that may not be compared are shown, without
        ``p_holm``.
    reading : str
        What may be compared, and what differs.
    permutations : int
        Permutations asked; those whose path model did not settle are left out.
    unsolved_count : int
        How many of these there were, over all pairs.
    said : tuple of str
        What was left out or is missing, in sentences.
    level : float
        1 less the chance of a false alarm.
    """

    composition: pd.DataFrame
    paths: pd.DataFrame
    reading: str
    permutations: int
    unsolved_count: int
    said: tuple[str, ...]
    level: float = 0.95


def compare_groups(
    frame: pd.DataFrame,
    model: PathModel,
    *,
    by: str,
    effects: Sequence[str] | None = None,
    weights: str | Sequence[float] | None = None,
    clusters: str | Sequence[object] | None = None,
    missing: str = "pairwise",
    scheme: str = "path",
    scaled: bool = True,
    permutations: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
) -> Comparison:
    """Test whether groups understand the items alike, and only then whether paths differ between them.

    Parameters
    ----------
    frame : DataFrame
        One row a response, the items and the column `by`; responses without a group are left out.
    model : PathModel
        The same for all groups (configural invariance: same items, same paths, same settings).
    by : str
        Column of groups, or of waves.
    effects : sequence of str, optional
        Only paths to these constructs are compared; all where not given. Fewer looks need fewer permutations: the
        smallest p-value is 1 / (1 + permutations), before it is multiplied by the looks.
    weights : str or sequence of float, optional
        Survey weights, or their column.
    clusters : str or sequence, optional
        Customer of each response, or its column. A customer with responses in both groups of a pair (two waves) changes
        places with itself; others are dealt anew.
    missing : {"pairwise", "complete"}
        Rule for gaps.
    scheme : str
        Inner weighting.
    scaled : bool
        Whether items enter with variance 1 within each group.
    permutations : int
        How often respondents are dealt anew to the groups.
    seed : int
        Same seed, same result.
    level : float
        1 less the chance of a false alarm, above 0 and below 1.

    Returns
    -------
    Comparison
        Composition, paths, and what may be said.

    Notes
    -----
    MICOM (Henseler, Ringle and Sarstedt 2016). Step 1, configural invariance, is not a test: the same model and coding
    are used, and a group that was not asked an item is refused. Step 2, compositional invariance: weights found in
    either group are given to all respondents of the pair, and the two scores must correlate as highly as those of
    groups dealt at random. Step 3: equal means and variances of scores with the weights of the pair together; where
    both hold too, groups may be pooled.

    A path is compared only where both its latent variables pass step 2, and the p-values of these paths, over all pairs
    of groups, are corrected by Holm. Step 2 is not corrected: a doubt counts against comparing. A latent variable with
    one item always passes; that says nothing of how the item is understood.

    Where a latent variable hardly goes along with its neighbours in one of the groups, its weights there are erratic,
    and it fails step 2 for that reason alone.

    p-values are (1 + permutations at least as extreme) / (1 + permutations). Survey weights move with their
    respondents. Exact where groups are alike in all; where only the paths are alike, but spreads or sizes of groups
    differ much, nearly so.

    References
    ----------
    Henseler, Ringle and Sarstedt (2016), Testing measurement invariance of composites using partial least squares,
    International Marketing Review 33; Chin and Dibbern (2010), Handbook of Partial Least Squares, chapter 8; Holm
    (1979), Scandinavian Journal of Statistics 6.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> group = np.repeat(["new", "old"], 200)
    >>> cause = rng.normal(size=400)
    >>> effect = np.where(group == "new", 0.4, 1.0) * cause + 0.6 * rng.normal(size=400)
    >>> frame = pd.DataFrame({"c1": cause + rng.normal(0, 0.5, 400), "c2": cause + rng.normal(0, 0.5, 400),
    ...                       "e1": effect + rng.normal(0, 0.5, 400), "e2": effect + rng.normal(0, 0.5, 400),
    ...                       "tenure": group})
    >>> model = PathModel({"image": ["c1", "c2"], "sat": ["e1", "e2"]}, {"sat": ["image"]})
    >>> found = compare_groups(frame, model, by="tenure", permutations=200)
    >>> found.composition["is_invariant"].tolist(), found.paths["is_different"].tolist()
    ([True, True], [True])
    """
    refuse(*_setting_problems(frame, model, by, effects, permutations, level))
    settings = Settings(scheme=scheme, scaled=scaled)
    rows = frame[by].notna().to_numpy()
    kept = frame[rows]
    group = kept[by].astype(str).to_numpy()
    who = np.arange(len(frame)) if clusters is None else _given(frame, clusters)
    unit = pd.factorize(pd.MultiIndex.from_arrays([pd.Series(who[rows]).astype(str), group]))[0]
    weight = None if weights is None else _given(frame, weights)[rows]
    taken = responses(kept, model.items, weights=weight, clusters=unit, missing=missing)
    said = list(taken.said)
    if not rows.all():
        said.insert(0, f"{(~rows).sum():,} of {len(frame):,} responses have no group and are left out.")
    refuse(*group_problems(taken, group[taken.rows], by))
    units = Units.of(taken, group[taken.rows], pd.factorize(who[rows])[0][taken.rows])
    sums = MomentSums(taken)
    generator = np.random.default_rng(seed)
    compositions, paths, unsolved = [], [], 0
    for first, second in combinations(sorted(set(group[taken.rows])), 2):
        pair = Pair.of(sums, units, model, settings, (first, second), permutations, generator)
        unsolved += pair.unsolved_count
        sizes = {"n_first": units.count(first), "n_second": units.count(second)}
        compositions.append(_composition(pair, level, scaled=scaled).assign(first=first, second=second, **sizes))
        paths.append(_paths(pair).assign(first=first, second=second, **sizes))
    composition = pd.concat(compositions, ignore_index=True)[_COMPOSITION]
    asked = pd.concat(paths, ignore_index=True)
    asked = asked[asked["effect"].isin(model.effects if effects is None else effects)].reset_index(drop=True)
    table = _corrected(asked, composition, model, level)
    return Comparison(
        composition, table, _reading(composition, table, level), permutations, unsolved, tuple(said), level
    )


_COMPOSITION = ["first", "second", "latent", "title", "correlation", "correlation_by_chance", "p_value", "is_invariant",
                "mean_difference", "mean_p_value", "is_mean_equal", "log_variance_ratio", "variance_p_value",
                "is_variance_equal", "n_first", "n_second"]  # fmt: skip
_PATHS = ["first", "second", "cause", "effect", "cause_title", "effect_title", "coefficient_first",
          "coefficient_second", "difference", "p_value", "p_holm", "may_be_compared", "is_different", "n_first",
          "n_second"]  # fmt: skip


def _composition(pair: Pair, level: float, *, scaled: bool) -> pd.DataFrame:
    """Steps 2 and 3 of MICOM for each latent variable with items."""
    stages = [first_stage(solution) for solution in pair.solutions]
    whole = first_stage(pair.whole)
    model, pooled = whole.model, pair.whole_covariance
    related = correlation_of(pooled) if scaled else pooled
    first, second = (_spread(one.weights if scaled else one.unstandardised_weights, model) for one in stages)
    across = np.einsum("bpj,pq,bqj->bj", first, related, second, optimize=True)
    own = [np.einsum("bpj,pq,bqj->bj", one, related, one, optimize=True) for one in (first, second)]
    correlation = across / np.sqrt(own[0] * own[1])
    score = _spread(whole.unstandardised_weights[None], model)[0]
    means = [mean @ score for mean in pair.means]
    variances = [np.einsum("pj,bpq,qj->bj", score, covariance, score, optimize=True) for covariance in pair.covariances]
    difference, ratio = means[1] - means[0], np.log(variances[1] / variances[0])
    kept = pair.kept.copy()
    kept[0] = False
    chance = 1 - level
    p_value = _share(correlation[kept] <= correlation[0] + 1e-12)
    mean_p = _share(np.abs(difference[kept]) >= np.abs(difference[0]) - 1e-12)
    variance_p = _share(np.abs(ratio[kept]) >= np.abs(ratio[0]) - 1e-12)
    return pd.DataFrame(
        {
            "latent": list(model.names),
            "title": [model.title(name) for name in model.names],
            "correlation": correlation[0],
            "correlation_by_chance": np.quantile(correlation[kept], chance, axis=0),
            "p_value": p_value,
            "is_invariant": p_value > chance,
            "mean_difference": difference[0],
            "mean_p_value": mean_p,
            "is_mean_equal": mean_p > chance,
            "log_variance_ratio": ratio[0],
            "variance_p_value": variance_p,
            "is_variance_equal": variance_p > chance,
        }
    )


def _spread(weights: np.ndarray, model: PathModel) -> np.ndarray:
    """Weights by item and latent variable, shape (b, p, j)."""
    spread = np.zeros((*weights.shape, len(model.names)))
    spread[:, np.arange(weights.shape[1]), model.block] = weights
    return spread


def _share(extreme: np.ndarray) -> np.ndarray:
    return (1 + extreme.sum(axis=0)) / (1 + len(extreme))


def _paths(pair: Pair) -> pd.DataFrame:
    model = pair.whole.model
    place = {name: number for number, name in enumerate(model.constructs)}
    causes, effects = ([place[arrow[k]] for arrow in model.arrows] for k in (0, 1))
    first, second = (solution.paths[:, causes, effects] for solution in pair.solutions)
    difference = second - first
    kept = pair.kept.copy()
    kept[0] = False
    return pd.DataFrame(
        {
            "cause": [cause for cause, _ in model.arrows],
            "effect": [effect for _, effect in model.arrows],
            "cause_title": [model.title(cause) for cause, _ in model.arrows],
            "effect_title": [model.title(effect) for _, effect in model.arrows],
            "coefficient_first": first[0],
            "coefficient_second": second[0],
            "difference": difference[0],
            "p_value": _share(np.abs(difference[kept]) >= np.abs(difference[0]) - 1e-12),
        }
    )


def _corrected(paths: pd.DataFrame, composition: pd.DataFrame, model: PathModel, level: float) -> pd.DataFrame:
    """Add which paths may be compared, and their p-values corrected for all of these."""
    failed = composition[~composition["is_invariant"]]
    part = {part: name for name, parts in model.higher.items() for part in parts}
    barred = {(row.first, row.second, part.get(row.latent, row.latent)) for row in failed.itertuples()}
    allowed = [
        not {(row.first, row.second, row.cause), (row.first, row.second, row.effect)} & barred
        for row in paths.itertuples()
    ]
    corrected = holm(np.where(allowed, paths["p_value"], np.nan))
    paths = paths.assign(p_holm=corrected, may_be_compared=allowed, is_different=corrected <= 1 - level)
    return paths[_PATHS]


def _reading(composition: pd.DataFrame, paths: pd.DataFrame, level: float) -> str:
    barred = composition[~composition["is_invariant"]]
    allowed, different = paths[paths["may_be_compared"]], paths[paths["is_different"]]
    if barred.empty:
        start = "All latent variables are made up alike in the groups, so every path may be compared."
    else:
        said = "; ".join(
            f"{row.title} ({row.first} and {row.second}, p = {row.p_value:.3f})" for row in barred.itertuples()
        )
        start = (
            f"Not made up alike in the groups: {said}. {len(allowed)} of {len(paths)} paths may be compared; "
            "for the others, look at the items group by group first."
        )
    if allowed.empty:
        return start
    if different.empty:
        none = f"No path differs beyond chance (p corrected for {len(allowed)} looks above {1 - level:.2g})."
        return " ".join([start, none])
    shown = "; ".join(
        f"{row.cause_title} on {lowered(row.effect_title)} {row.coefficient_first:.2f} in {row.first} and "
        f"{row.coefficient_second:.2f} in {row.second} (corrected p = {row.p_holm:.3f})"
        for row in different.itertuples()
    )
    return " ".join([start, f"Different beyond chance: {shown}."])


def _given(frame: pd.DataFrame, given: str | Sequence[object]) -> np.ndarray:
    if isinstance(given, str):
        if given not in frame.columns:
            refuse(f"compare_groups: {given!r} is not a column.{nearest(given, frame.columns)}")
        return frame[given].to_numpy()
    values = np.asarray(given)
    if len(values) != len(frame):
        refuse(f"compare_groups: {len(values):,} values for {len(frame):,} responses. Give one a response.")
    return values


def _setting_problems(
    frame: pd.DataFrame, model: PathModel, by: str, effects: Sequence[str] | None, permutations: int, level: float
) -> list[str]:
    problems = [
        f"compare_groups: nothing acts on {name!r}.{nearest(name, model.effects)} Choose from {list(model.effects)}."
        for name in effects or ()
        if name not in model.effects
    ]
    if by not in frame.columns:
        problems.append(f"compare_groups: {by!r} is not a column.{nearest(by, frame.columns)}")
    if not 0 < level < 1:
        problems.append(f"compare_groups: the level is {level}. Give a share above 0 and below 1.")
    if permutations < 1 / max(1 - level, 1e-9) - 1:
        problems.append(f"compare_groups: {permutations} permutations can show nothing at this level. Give 1,000.")
    return problems
