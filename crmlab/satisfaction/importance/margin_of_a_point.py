"""What one more point of the satisfaction index goes with among those who stay: the margin afterwards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.importance.worth import control_columns
from crmlab.stats.estimate import Estimate

__all__ = ["margin_of_a_point"]

_ROWS_A_COEFFICIENT = 20
_FEWEST_CLUSTERS = 10


def margin_of_a_point(
    frame: pd.DataFrame,
    *,
    score: str,
    margin_after_amount: str,
    controls: Sequence[str],
    cluster: str | None = None,
    weight: str | None = None,
    points: float = 1.0,
    currency: str = "EUR",
    level: float = 0.95,
) -> Estimate:
    """Estimate how much more margin a customer who stayed brings afterwards, for each point of the score before.

    Parameters
    ----------
    frame : DataFrame
        One row a customer who stayed through the window; rows with gaps are left out.
    score : str
        Column of the index at the start.
    margin_after_amount : str
        Column of the margin within the window, in `currency`.
    controls : sequence of str
        Columns known at the start; the margin before should be among them. Words become categories.
    cluster : str, optional
        Column of what customers share (branch); 10 or more of them.
    weight : str, optional
        Column of survey weights, above 0.
    points : float
        Size of the step, above 0.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        Money a customer over the window, for the step.

    Notes
    -----
    Least squares of the margin on score and controls; the interval is robust against unequal spread (HC1) and against
    what customers of a cluster share (CR1), with t limits. An association among those who stayed: who left is counted
    by `worth_of_a_point`, and both may be added only as far as the value given there is that of staying alone. A few
    giant margins can decide it; put a limit on them first where they do. Measured (1,000 samples of 500): the 95 %
    limits covered the truth in 94.7 %, with 25 clusters in 93.5 %.

    References
    ----------
    White (1980), Econometrica 48; Cameron and Miller (2015), A practitioner's guide to cluster-robust inference,
    Journal of Human Resources 50.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> frame = pd.DataFrame({"score": rng.uniform(40, 100, 500), "before_amount": rng.gamma(4, 50, 500)})
    >>> frame["after_amount"] = 0.9 * frame["before_amount"] + 0.5 * frame["score"] + rng.normal(0, 40, 500)
    >>> margin_of_a_point(frame, score="score", margin_after_amount="after_amount", controls=["before_amount"]).text
    'EUR 0.52 (95 % interval EUR 0.33 to EUR 0.72, n = 500)'
    """
    used = [score, margin_after_amount, *controls, *([cluster] if cluster else []), *([weight] if weight else [])]
    _check(frame, used, (score, margin_after_amount), points)
    kept = frame.loc[frame[used].notna().all(axis=1)]
    design, columns = control_columns(kept, score, list(controls))
    n, count = design.shape
    weights = kept[weight].to_numpy(dtype=float) if weight else np.ones(n)
    groups = pd.factorize(kept[cluster])[0] if cluster else np.arange(n)
    clusters = int(groups.max()) + 1 if n else 0
    problems = []
    if n < _ROWS_A_COEFFICIENT * count:
        problems.append(
            f"margin of a point: {n} customers for {count} coefficients; {_ROWS_A_COEFFICIENT * count} are needed. "
            "Take more waves or fewer controls."
        )
    elif np.linalg.matrix_rank(design / np.maximum(np.abs(design).max(axis=0), 1e-300)) < count:
        problems.append(f"margin of a point: of {', '.join(columns[1:])} one follows from the others. Leave it out.")
    if cluster and clusters < _FEWEST_CLUSTERS:
        problems.append(f"margin of a point: {clusters} clusters; {_FEWEST_CLUSTERS} are needed. Make it a control.")
    if not (weights > 0).all():
        problems.append("margin of a point: survey weights of 0 or less. Weights are above 0.")
    refuse(*problems)
    # centred and scaled, so that amounts of any currency stay well conditioned
    centre, scale = design[:, 1:].mean(axis=0), design[:, 1:].std(axis=0)
    scaled = np.column_stack([design[:, 0], (design[:, 1:] - centre) / scale])
    outcome = kept[margin_after_amount].to_numpy(dtype=float)
    inverse = np.linalg.inv(scaled.T @ (scaled * weights[:, None]))
    found = inverse @ (scaled.T @ (weights * outcome))
    terms = scaled * (weights * (outcome - scaled @ found))[:, None]
    summed = np.zeros((clusters, count))
    np.add.at(summed, groups, terms)
    small = clusters / (clusters - 1) * (n - 1) / (n - count) if cluster else n / (n - count)
    error = float(np.sqrt(small * (inverse @ summed.T @ summed @ inverse)[1, 1]))
    step = points / scale[0]
    reach = float(laws.t.ppf((1 + level) / 2, clusters - 1 if cluster else n - count)) * error * step
    method = f"least squares, {'CR1 by cluster' if cluster else 'HC1'}"
    value = float(found[1]) * step
    return Estimate(value, unit=currency, low=value - reach, high=value + reach, n=n, method=method, level=level)


def _check(frame: pd.DataFrame, used: list[str], numeric: tuple[str, str], points: float) -> None:
    problems = [
        f"margin of a point: the frame lacks column {name!r}.{nearest(name, frame.columns)} Name a column of the frame."
        for name in dict.fromkeys(used)
        if name not in frame.columns
    ]
    if twice := sorted({name for name in used if used.count(name) > 1}):
        problems.append(f"margin of a point: {', '.join(twice)} is named for two things. Name each column once.")
    words = [name for name in numeric if name in frame.columns and not pd.api.types.is_numeric_dtype(frame[name])]
    if words:
        problems.append(f"margin of a point: {', '.join(words)} hold no numbers. Give scores and amounts.")
    if not points > 0:
        problems.append(f"margin of a point: the step is {points:g} points. Give a step above 0.")
    refuse(*problems)
