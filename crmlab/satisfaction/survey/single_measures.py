"""Single questions: net promoter score, satisfaction with a contact (CSAT), effort (CES); by group."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.survey.net_promoter import (
    check_scores,
    net_promoter_score,
    net_promoter_scores,
    nps_difference,
    promoter_points,
    weights_of_answers,
)
from crmlab.satisfaction.survey.weighted_estimates import weighted_mean
from crmlab.satisfaction.survey.weighting import effective_n
from crmlab.stats import Estimate, proportions

__all__ = [
    "CustomerEffort",
    "customer_effort",
    "measured_by",
    "net_promoter_score",
    "net_promoter_scores",
    "nps_difference",
    "promoter_points",
    "top_box",
]


def top_box(
    scores: object, *, scale: tuple[float, float], boxes: int = 2, weights: object = None, level: float = 0.95
) -> Estimate:
    """Estimate the share of satisfied customers (CSAT): those who give one of the highest answers.

    Parameters
    ----------
    scores : array-like of float
        Whole answers on `scale`; gaps are left out.
    scale : (float, float)
        Lowest and highest answer of the questionnaire.
    boxes : int
        How many of the highest answers count, such as 2: the top two boxes.
    weights : array-like of float, optional
        0 or more.

    Notes
    -----
    Wilson interval; with weights on the effective n of Kish. Shares from scales with another number of answers, or
    asked after a contact and once a year, are not comparable.

    References
    ----------
    Wilson (1927), JASA 22; Kish (1965), Survey Sampling.

    Examples
    --------
    >>> top_box([5, 4, 4, 3, 1], scale=(1, 5)).text
    '60.0 % (95 % interval 23.1 to 88.2 %, n = 5)'
    """
    x = np.asarray(scores, dtype=float)
    low, high = scale
    if not 1 <= boxes <= high - low:
        refuse(f"top_box: {boxes} boxes do not fit a scale from {low:g} to {high:g}. Give 1 to {high - low:g}.")
    check_scores("top_box", x, scale)
    return _share(x > high - boxes, x, weights, level)


@dataclass(frozen=True)
class CustomerEffort:
    """How easy customers found it.

    Parameters
    ----------
    ease : Estimate
        Mean from 0 (hardest) to 100 (easiest), whichever way the question was worded.
    easy, hard : Estimate
        Share who gave one of the two easiest, and one of the two hardest answers.
    """

    ease: Estimate
    easy: Estimate
    hard: Estimate


def customer_effort(
    scores: object,
    *,
    scale: tuple[float, float],
    high_means: Literal["easy", "hard"],
    weights: object = None,
    level: float = 0.95,
) -> CustomerEffort:
    """Estimate how easy customers found it (customer effort score, CES).

    Parameters
    ----------
    scores : array-like of float
        Answers; gaps are left out.
    scale : (float, float)
        Lowest and highest answer, at least five answers apart.
    high_means : str
        ``easy`` ("the bank made it easy", agree) or ``hard`` ("how much effort did you have to put in"). The two
        wordings in use run in opposite directions: nothing is assumed.
    weights : array-like of float, optional
        0 or more.

    References
    ----------
    Dixon, Freeman and Toman (2010), Stop trying to delight your customers, Harvard Business Review.

    Examples
    --------
    >>> agree, effort = [7, 6, 4, 1], [1, 2, 4, 7]
    >>> one = customer_effort(agree, scale=(1, 7), high_means="easy")
    >>> two = customer_effort(effort, scale=(1, 7), high_means="hard")
    >>> one == two, round(one.ease.value, 1), one.easy.value
    (True, 58.3, 0.5)
    """
    x = np.asarray(scores, dtype=float)
    low, high = scale
    refuse(
        *(
            [f"customer_effort: high_means is {high_means!r}. Say 'easy' or 'hard': two wordings are in use."]
            if high_means not in ("easy", "hard")
            else []
        ),
        *(
            [f"customer_effort: the scale goes from {low:g} to {high:g}. Ask with five answers or more."]
            if high - low < 4
            else []
        ),
    )
    check_scores("customer_effort", x, scale)
    if high_means == "hard":
        x = low + high - x
    given = None if weights is None else pd.Series(np.asarray(weights, dtype=float))
    ease = weighted_mean(pd.Series(100 * (x - low) / (high - low)), given, unit="index", level=level)
    if ease.low is not None and ease.high is not None:
        ease = Estimate(ease.value, "index", max(ease.low, 0.0), min(ease.high, 100.0), ease.n, ease.method, level)
    easy, hard = (_share(part, x, weights, level) for part in (x > high - 2, x < low + 2))
    return CustomerEffort(ease, easy, hard)


def measured_by(
    frame: pd.DataFrame,
    item: str,
    by: str,
    *,
    measure: Callable[..., Estimate] = net_promoter_score,
    weight: str | None = None,
    **options: object,
) -> pd.DataFrame:
    """Compute a measure for each group.

    Parameters
    ----------
    frame : DataFrame
        One row a response.
    item, by : str
        Column of answers, column of groups.
    measure : callable
        `net_promoter_score`, `top_box`, or another that takes ``(scores, *, weights, **options)``.
    weight : str, optional
        Column of weights.
    **options
        Handed to `measure`, such as ``scale=(0, 10)``.

    Returns
    -------
    DataFrame
        ``group``, ``x``, ``x_low``, ``x_high``, ``n``.

    Examples
    --------
    >>> answers = pd.DataFrame({"nps": [10.0, 9, 3, 8], "branch": ["a", "a", "b", "b"]})
    >>> measured_by(answers, "nps", "branch", scale=(0, 10))[["group", "x", "n"]].values.tolist()
    [['a', 100.0, 2], ['b', -50.0, 2]]
    """
    refuse(
        *(
            f"measured_by: the frame lacks column {name!r}.{nearest(name, frame.columns)} Name one it has."
            for name in (item, by, *([weight] if weight else []))
            if name not in frame.columns
        )
    )
    rows = []
    for group, part in frame.groupby(by, sort=True, observed=True):
        found = measure(part[item], weights=None if weight is None else part[weight], **options)
        limits = (math.nan if limit is None else limit for limit in (found.low, found.high))
        rows.append((group, found.value, *limits, found.n))
    return pd.DataFrame(rows, columns=["group", "x", "x_low", "x_high", "n"])


def _share(counted: np.ndarray, x: np.ndarray, weights: object, level: float) -> Estimate:
    w = weights_of_answers(x, weights)
    n = int((w > 0).sum())
    method = f"Wilson{'' if weights is None else ', effective n'}"
    if n == 0:
        return Estimate(math.nan, unit="share", n=0, method=method, level=level)
    size, share = effective_n(w), float(min(w[counted].sum() / w.sum(), 1.0))
    row = proportions([share * size], [size], level=level).iloc[0]
    return Estimate(share, "share", float(row["share_low"]), float(row["share_high"]), n, method, level)
