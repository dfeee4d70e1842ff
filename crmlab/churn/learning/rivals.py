"""What the learner has to beat: a rule in one sentence, and a logistic regression with bent curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import logit

from crmlab.churn.learning.learned_rows import learned_rows
from crmlab.churn.learning.preparation import REST, Preparation
from crmlab.errors import nearest, refuse
from crmlab.stats.estimate import share_text

__all__ = ["RIVALS", "Rule", "SplineLogistic"]

_CUTS = 32  # places tried on a column of numbers
_KNOTS = 6
_FEW_VALUES = 8  # a column with so few different numbers is taken as kinds, not as a curve
_PRIOR_ROWS = 10  # rows at the event rate added to each side of a rule


class Rule:
    """One sentence that parts customers in two: the least that a model must beat.

    Parameters
    ----------
    column : str, optional
        Column of the rule; None: the one that parts best.
    above : float, optional
        Customers above it are one side; None: the value that parts best.

    Attributes
    ----------
    column_, above_, word_
        What the rule asks: a number, or a word.
    sentence_ : str
        The rule in words, with the shares learned.

    Notes
    -----
    The cut with the smallest loss (log-likelihood) among 32 quantiles of each column, or one word of a column against
    all others; gaps are on the side of the others.

    Examples
    --------
    >>> frame = pd.DataFrame({"silent_days": [float(i % 50) for i in range(600)]})
    >>> rule = Rule().fit(frame, [int(i % 50 > 40) for i in range(600)])
    >>> rule.sentence_
    'silent_days above 40: 93.1 % leave; others: 0.4 %.'
    """

    def __init__(self, *, column: str | None = None, above: float | None = None) -> None:
        self.column = column
        self.above = above

    def fit(self, features: pd.DataFrame, outcome: object, *, dates: object = None, customers: object = None) -> Rule:
        """Learn the rule, or only the shares of its two sides where it is given."""
        rows = learned_rows("Rule", features, outcome, dates=dates, customers=customers)
        self.preparation_ = Preparation().fit(rows.features)
        columns = self.preparation_.columns_
        if self.column is not None and self.column not in columns:
            refuse(
                f"Rule: {self.column!r} is no column that varies.{nearest(self.column, columns)} Name one of {columns}."
            )
        matrix, y = self.preparation_.transform(rows.features)[rows.order], rows.outcome
        best, self.column_, self.above_, self.word_ = -np.inf, "", np.nan, ""
        for j, name in enumerate(columns):
            if self.column not in (None, name):
                continue
            for cut, word, side in self._sides(name, matrix[:, j]):
                gained = _gained(side, y)
                if gained > best + 1e-9:
                    best, self.column_, self.above_, self.word_ = gained, name, cut, word
        self._side = self._hits(matrix)
        rate = y.mean()
        self.p_in_, self.p_out_ = (
            float((y[side].sum() + _PRIOR_ROWS * rate) / (side.sum() + _PRIOR_ROWS))
            for side in (self._side, ~self._side)
        )
        asked = "is " + self.word_ if self.word_ else f"above {self.above_:g}"
        if self.preparation_.kinds_[self.column_] == "flag":
            asked = "is true"
        self.sentence_ = f"{self.column_} {asked}: {share_text(self.p_in_)} leave; others: {share_text(self.p_out_)}."
        return self

    def predict_proba(self, features: pd.DataFrame) -> pd.Series:
        """Give each customer the share of the side they are on, as ``p_churn``."""
        if not hasattr(self, "sentence_"):
            refuse("Rule: nothing was learned yet. Call fit first.")
        hit = self._hits(self.preparation_.transform(features))
        return pd.Series(np.where(hit, self.p_in_, self.p_out_), index=features.index, name="p_churn")

    def _sides(self, name: str, values: np.ndarray):
        if self.preparation_.kinds_[name] == "words":
            for code, word in enumerate(self.preparation_.words_[name]):
                if word != REST:
                    yield np.nan, word, values == code
            return
        if self.above is not None and self.column == name:
            yield float(self.above), "", values > self.above
            return
        known = values[~np.isnan(values)]
        for cut in np.unique(np.quantile(known, np.arange(1, _CUTS) / _CUTS, method="lower")):
            yield float(cut), "", values > cut

    def _hits(self, matrix: np.ndarray) -> np.ndarray:
        values = matrix[:, self.preparation_.columns_.index(self.column_)]
        if self.word_:
            return values == self.preparation_.words_[self.column_].index(self.word_)
        return values > np.float32(self.above_)


class SplineLogistic:
    """A logistic regression that is given a fair chance: bent curves, words, gaps, a ridge chosen by folds.

    Attributes
    ----------
    ridge_ : float
        Strength of the ridge that had the smallest loss on customers not learned from.

    Notes
    -----
    A number becomes its rank among the rows learned from, so that a long tail bends no curve, then a cubic spline of 6
    knots; with 8 or fewer different values it becomes kinds. Words become kinds, gaps a column of their own. On
    Churn_Modelling the splines win back most of what a plain logistic regression loses, for age and number of products
    act neither upwards nor downwards alone.

    References
    ----------
    Harrell (2015), Regression Modeling Strategies, chapter 2.

    Examples
    --------
    >>> frame = pd.DataFrame({"silent_days": [float(i % 50) for i in range(600)]})
    >>> left = [int(i % 50 > 40 and i % 3 > 0) for i in range(600)]
    >>> p = SplineLogistic().fit(frame, left).predict_proba(pd.DataFrame({"silent_days": [5.0, 45.0]}))
    >>> bool(p[0] < 0.1 < 0.5 < p[1])
    True
    """

    def __init__(self, *, most_rows: int = 100_000, seed: int = 1) -> None:
        self.most_rows = most_rows
        self.seed = seed

    def fit(
        self, features: pd.DataFrame, outcome: object, *, dates: object = None, customers: object = None
    ) -> SplineLogistic:
        """Learn from customers whose outcome is known; as `ChurnModel.fit`."""
        from sklearn.linear_model import LogisticRegression

        from crmlab.churn.learning.boosting import row_losses
        from crmlab.stats.time_splits import shuffled_folds

        rows = learned_rows("SplineLogistic", features, outcome, dates=dates, customers=customers)
        self.preparation_ = Preparation().fit(rows.features)
        matrix, y, whose = self.preparation_.transform(rows.features)[rows.order], rows.outcome, rows.customers
        shares = int(np.ceil(len(y) / self.most_rows))
        if shares > 1:
            kept = shuffled_folds(whose, outcome=y, folds=shares, seed=self.seed) == 0
            matrix, y, whose = matrix[kept], y[kept], whose[kept]
        self._learn_curves(matrix)
        design = self._design(matrix)
        test = shuffled_folds(whose, outcome=y, folds=4, seed=self.seed) == 0
        trials = []
        for strength in (0.003, 0.03, 0.3, 3.0):
            model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=200)
            model.fit(design[~test], y[~test])
            trials.append((float(row_losses(y[test], model.decision_function(design[test])).mean()), strength))
        self.ridge_ = min(trials)[1]
        self._model = LogisticRegression(C=self.ridge_, solver="newton-cholesky", max_iter=200).fit(design, y)
        return self

    def predict_proba(self, features: pd.DataFrame) -> pd.Series:
        """Say how likely each customer leaves, as ``p_churn``."""
        if not hasattr(self, "_model"):
            refuse("SplineLogistic: nothing was learned yet. Call fit first.")
        matrix, steps = self.preparation_.transform(features), 100_000
        p = [self._model.predict_proba(self._design(matrix[a : a + steps]))[:, 1] for a in range(0, len(matrix), steps)]
        return pd.Series(np.concatenate([*p, np.zeros(0)]), index=features.index, name="p_churn")

    def _learn_curves(self, matrix: np.ndarray) -> None:
        from sklearn.preprocessing import SplineTransformer

        self._curves: list[tuple[str, object]] = []
        for j, name in enumerate(self.preparation_.columns_):
            known = matrix[~np.isnan(matrix[:, j]), j]
            values = np.unique(known)
            if self.preparation_.kinds_[name] == "words" or len(values) <= _FEW_VALUES:
                self._curves.append(("kinds", values))
                continue
            ranks = np.linspace(0, 1, 201)
            points, first = np.unique(np.quantile(known, ranks), return_index=True)
            last = np.append(first[1:] - 1, 200)
            curve = points, (ranks[first] + ranks[last]) / 2  # values that repeat have the middle of their ranks
            spread = curve[1][-1] - curve[1][0]
            knots = (curve[1][0] + spread * np.linspace(0, 1, _KNOTS))[:, None]
            spline = SplineTransformer(degree=3, knots=knots, extrapolation="constant", include_bias=False)
            self._curves.append(("curve", (curve, spline.fit(knots))))
        self._scale = None
        design = self._design(matrix)
        self._scale = design.mean(axis=0), np.maximum(design.std(axis=0), 1e-3)

    def _design(self, matrix: np.ndarray) -> np.ndarray:
        blocks = []
        for j, (kind, learned) in enumerate(self._curves):
            column = matrix[:, j]
            gap = np.isnan(column)
            if kind == "kinds":
                block = (column[:, None] == learned[None, :]).astype(float)
            else:
                (points, ranks), spline = learned
                block = spline.transform(np.interp(np.where(gap, points[0], column), points, ranks)[:, None])
                block[gap] = 0.0
            blocks.append(np.column_stack([block, gap.astype(float)]))
        design = np.hstack(blocks)
        return design if self._scale is None else (design - self._scale[0]) / self._scale[1]


RIVALS: dict[str, Callable[[], Rule | SplineLogistic]] = {"rule": Rule, "logistic": SplineLogistic}


def _gained(side: np.ndarray, y: np.ndarray) -> float:
    """Log-likelihood of two sides with their own shares."""
    total = 0.0
    for part in (side, ~side):
        n = part.sum()
        if n == 0:
            return -np.inf
        events = y[part].sum()
        rate = np.clip(events / n, 1e-12, 1 - 1e-12)
        total += float(events * logit(rate) + n * np.log1p(-rate))
    return total
