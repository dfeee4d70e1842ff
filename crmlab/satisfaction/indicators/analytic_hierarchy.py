"""Weights from judgements in pairs (analytic hierarchy process), and how far the judgements contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.stats.estimate import Estimate, share_text
from crmlab.stats.evidence import Evidence
from crmlab.stats.resampling import percentile_limits

__all__ = [
    "HIGHEST_RATIO",
    "RANDOM_INDEX",
    "PairwiseWeights",
    "group_judgements",
    "group_weights",
    "judgements_of",
    "pairwise_weights",
]

# Mean consistency index of random reciprocal matrices of 1, 2, ... 10 elements: Saaty (1980), page 21
RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49)
HIGHEST_RATIO = 0.10
_FEWEST_JUDGES = 5  # below, drawing judges anew says nothing


@dataclass(frozen=True)
class PairwiseWeights:
    """Weights from one matrix of judgements, and how consistent these are.

    Parameters
    ----------
    weights : Series
        By element, sum 1: principal eigenvector.
    geometric_weights : Series
        By element, sum 1: geometric means of the rows, for comparison.
    lambda_max : float
        Principal eigenvalue; equals the number of elements when no judgement contradicts another.
    consistency_index, consistency_ratio : float
        CI = (lambda_max - n) / (n - 1); CR = CI over that of random judgements. CR up to .10 is accepted.
    judgements : DataFrame
        One row a pair, most contradicting first: ``element``, ``other``, ``judged`` and ``implied`` (how many times
        more important `element` is), ``contradiction`` (the larger of their ratios, 1 for none).
    """

    weights: pd.Series
    geometric_weights: pd.Series
    lambda_max: float
    consistency_index: float
    consistency_ratio: float
    judgements: pd.DataFrame

    @property
    def is_consistent(self) -> bool:
        """Whether the consistency ratio is at most .10."""
        return self.consistency_ratio <= HIGHEST_RATIO

    @property
    def warning(self) -> str:
        """What to put beside the weights when the judgements contradict each other too much; empty otherwise."""
        if self.is_consistent:
            return ""
        worst = self.judgements.iloc[0]
        return (
            f"The judgements contradict each other (CR {self.consistency_ratio:.3f}, at most {HIGHEST_RATIO:.2f} is "
            f"accepted); look first at {worst['element']} against {worst['other']}: judged {worst['judged']:.2g}, "
            f"the others imply {worst['implied']:.2g}."
        )


def pairwise_weights(judgements: pd.DataFrame) -> PairwiseWeights:
    """Turn judgements in pairs into weights.

    Parameters
    ----------
    judgements : DataFrame
        Square, the same names in rows and columns in the same order, 1 to 10 elements. A cell says how many times more
        important its row is than its column (Saaty's scale: 1 equal, 3 moderately, 5 strongly, 7 very strongly, 9
        extremely; 1/3 and so on for less). The cell across the diagonal is its reciprocal.

    Returns
    -------
    PairwiseWeights
        Read `warning` before using the weights.

    Notes
    -----
    Weights say what the judges hold important, not what acts on satisfaction. One or two elements cannot contradict
    themselves: CR is 0.

    References
    ----------
    Saaty (1980), The Analytic Hierarchy Process; Crawford and Williams (1985), A note on the analysis of subjective
    judgment matrices, Journal of Mathematical Psychology 29.

    Examples
    --------
    >>> found = pairwise_weights(judgements_of(["price", "service", "image"],
    ...     {("service", "price"): 2, ("image", "price"): 3, ("image", "service"): 2}))
    >>> found.weights.round(3).to_dict(), round(found.consistency_ratio, 4)
    ({'price': 0.163, 'service': 0.297, 'image': 0.54}, 0.0079)
    """
    refuse(*_problems(judgements))
    names = list(judgements.index)
    matrix = judgements.to_numpy(dtype=float)
    count = len(names)
    weights, largest = _principal(matrix)
    index = max(0.0, (largest - count) / (count - 1)) if count > 1 else 0.0
    random = RANDOM_INDEX[count - 1]
    return PairwiseWeights(
        weights=pd.Series(weights, index=names, name="weight"),
        geometric_weights=pd.Series(_geometric(matrix), index=names, name="weight"),
        lambda_max=largest,
        consistency_index=index,
        consistency_ratio=index / random if random else 0.0,
        judgements=_contradictions(names, matrix, weights),
    )


def judgements_of(elements: Sequence[str], pairs: Mapping[tuple[str, str], float]) -> pd.DataFrame:
    """Complete a matrix of judgements from one judgement a pair.

    Parameters
    ----------
    elements : sequence of str
        What is judged.
    pairs : mapping of (str, str) to float
        How many times more important the first is than the second; each pair once, in either order.

    Examples
    --------
    >>> judgements_of(["price", "service"], {("service", "price"): 4}).to_numpy().tolist()
    [[1.0, 0.25], [4.0, 1.0]]
    """
    names, problems, given = list(elements), [], {}
    for (first, second), value in pairs.items():
        unknown = [name for name in (first, second) if name not in names]
        problems += [
            f"judgements: {name!r} is no element.{nearest(name, names)} Use the names given." for name in unknown
        ]
        if first == second or (first, second) in given:
            problems.append(
                f"judgements: {first} against {second} is judged twice or against itself. Judge pairs once."
            )
        elif not value > 0:
            problems.append(f"judgements: {first} against {second} is {value}. Judgements are above 0.")
        elif not unknown:
            given |= {(first, second): float(value), (second, first): 1 / float(value)}
    missing = [
        f"{first} against {second}"
        for place, first in enumerate(names)
        for second in names[place + 1 :]
        if (first, second) not in given and (first, second) not in pairs and (second, first) not in pairs
    ]
    if missing:
        problems.append(f"judgements: {', '.join(missing)} not judged. Judge every pair.")
    refuse(*problems)
    return pd.DataFrame([[given.get((row, column), 1.0) for column in names] for row in names], names, names)


def group_judgements(judges: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Join the judgements of several judges: the geometric mean of each cell, which keeps it reciprocal.

    References
    ----------
    Aczel and Saaty (1983), Procedures for synthesizing ratio judgements, Journal of Mathematical Psychology 27.

    Examples
    --------
    >>> one = judgements_of(["price", "service"], {("service", "price"): 2})
    >>> two = judgements_of(["price", "service"], {("service", "price"): 8})
    >>> group_judgements({"anna": one, "ben": two}).loc["service", "price"]
    np.float64(4.0)
    """
    return _joined(_stack(judges), judges)


def group_weights(
    judges: Mapping[str, pd.DataFrame], *, resamples: int = 1_000, seed: int = 1, level: float = 0.95
) -> Evidence:
    """Weights of a group of judges, with intervals for other judges of the same kind.

    Parameters
    ----------
    judges : mapping of str to DataFrame
        Judgements of each judge on the same elements.
    resamples, seed : int
        Of the bootstrap over judges.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Evidence
        ``frame``: one row an element, most weight first: ``element``, ``weight``, ``weight_low``, ``weight_high``
        (shares, sum of weights 1; limits from 5 judges on), ``geometric_weight``, ``least_weight`` and
        ``most_weight`` (of a single judge), ``n`` judges. ``estimates``: ``consistency_ratio`` of the joined
        judgements, ``inconsistent_judges`` (count), and ``weight_`` with the name of each element.

    Examples
    --------
    >>> judge = judgements_of(["price", "service"], {("service", "price"): 3})
    >>> group_weights({"anna": judge, "ben": judge}).title
    'The judges give service the most weight: 75.0 %'
    """
    stack = _stack(judges)
    joined = pairwise_weights(_joined(stack, judges))
    each = {name: pairwise_weights(one) for name, one in judges.items()}
    single = np.array([one.weights.to_numpy() for one in each.values()])
    n, names = len(stack), list(joined.weights.index)
    limits = np.full((2, len(names)), np.nan)
    if n >= _FEWEST_JUDGES:
        times = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples) / n
        drawn = np.exp(np.tensordot(times, np.log(stack), axes=1))
        weights = np.array([_principal(matrix)[0] for matrix in drawn])
        limits = percentile_limits(weights, level)
    frame = pd.DataFrame({
        "element": names, "weight": joined.weights.to_numpy(), "weight_low": limits[0], "weight_high": limits[1],
        "geometric_weight": joined.geometric_weights.to_numpy(), "least_weight": single.min(axis=0),
        "most_weight": single.max(axis=0), "n": n,
    }).sort_values("weight", ascending=False, kind="stable", ignore_index=True)  # fmt: skip
    method = f"bootstrap over judges, {resamples:,} resamples" if n >= _FEWEST_JUDGES else ""
    known = {"n": n, "method": method, "level": level}
    bad = [name for name, one in each.items() if not one.is_consistent]
    estimates = {
        "consistency_ratio": Estimate(joined.consistency_ratio, "", n=n),
        "inconsistent_judges": Estimate(float(len(bad)), "count", n=n),
    }
    for row in frame.to_dict("records"):
        low, high = (None, None) if n < _FEWEST_JUDGES else (row["weight_low"], row["weight_high"])
        estimates[f"weight_{row['element']}"] = Estimate(row["weight"], "share", low, high, **known)
    title = f"The judges give {frame['element'][0]} the most weight: {share_text(frame['weight'][0])}"
    interval = f", {100 * level:g} % {method}" if method else ""
    about = f"Weights by judgements in pairs (AHP, principal eigenvector, sum 1){interval}, n = {n} judges"
    return Evidence(frame, title[:70], about, _reading(joined, bad, n), estimates)


def _reading(joined: PairwiseWeights, bad: list[str], n: int) -> str:
    said = joined.warning or f"The joined judgements are consistent (CR {joined.consistency_ratio:.3f})."
    if bad:
        more = f"{len(bad)} of {n} judges contradict themselves (CR above {HIGHEST_RATIO:.2f}): {', '.join(bad)}."
        said = " ".join([said, more])
    return said if n >= _FEWEST_JUDGES else said + " " + f"With {n} judges no interval can be given."


def _principal(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    values, vectors = np.linalg.eig(matrix)
    place = int(np.argmax(values.real))
    vector = np.abs(vectors[:, place].real)
    return vector / vector.sum(), float(values[place].real)


def _geometric(matrix: np.ndarray) -> np.ndarray:
    means = np.exp(np.log(matrix).mean(axis=1))
    return means / means.sum()


def _contradictions(names: list[str], matrix: np.ndarray, weights: np.ndarray) -> pd.DataFrame:
    rows, columns = np.triu_indices(len(names), 1)
    frame = pd.DataFrame({
        "element": [names[row] for row in rows], "other": [names[column] for column in columns],
        "judged": matrix[rows, columns], "implied": weights[rows] / weights[columns],
    })  # fmt: skip
    frame["contradiction"] = np.exp(np.abs(np.log(frame["judged"] / frame["implied"])))
    return frame.sort_values("contradiction", ascending=False, kind="stable", ignore_index=True)


def _problems(judgements: pd.DataFrame, who: str = "judgements") -> list[str]:
    names = list(judgements.index)
    if names != list(judgements.columns) or len(set(names)) < len(names) or not names:
        return [f"{who}: rows and columns do not carry the same names once each. Name both alike, in one order."]
    if len(names) > len(RANDOM_INDEX):
        return [
            f"{who}: {len(names)} elements; at most {len(RANDOM_INDEX)} can be judged in pairs. Split them in levels."
        ]
    matrix = judgements.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    rows, columns = np.indices(matrix.shape)
    wrong = ~(np.isfinite(matrix) & (matrix > 0))
    product = matrix * matrix.T
    away = ~wrong & ~wrong.T & (rows <= columns) & ~np.isclose(product, 1.0, rtol=0.02)
    return [
        f"{who}: {names[row]} against {names[column]} is {judgements.iat[row, column]}. Judgements are above 0."
        for row, column in zip(*np.nonzero(wrong), strict=True)
    ] + [
        f"{who}: {names[row]} against {names[column]} is {matrix[row, column]:g}, the other way "
        f"{matrix[column, row]:g}. One is the reciprocal of the other; on the diagonal stands 1."
        for row, column in zip(*np.nonzero(away), strict=True)
    ]


def _stack(judges: Mapping[str, pd.DataFrame]) -> np.ndarray:
    if not judges:
        refuse("judgements: no judge. Give the judgements of at least one.")
    problems = [problem for name, one in judges.items() for problem in _problems(one, f"judgements of {name}")]
    name, first = next(iter(judges.items()))
    problems += [
        f"judgements of {other}: other elements than those of {name}. Let all judge the same elements in one order."
        for other, one in judges.items()
        if list(one.index) != list(first.index)
    ]
    refuse(*problems)
    return np.array([one.to_numpy(dtype=float) for one in judges.values()])


def _joined(stack: np.ndarray, judges: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    names = next(iter(judges.values())).index
    return pd.DataFrame(np.exp(np.log(stack).mean(axis=0)), names, names)
