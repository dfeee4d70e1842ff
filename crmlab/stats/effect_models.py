"""The plain models inside the learners of effects: an expectation for given features, few parameters, no tuning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crmlab.errors import refuse

__all__ = ["BASES", "Expectation", "chosen_base"]

BASES = ("trees", "linear")
_ENOUGH_FOR_TREES = 5_000  # customers in the smaller arm
_ALPHAS = np.logspace(0, 5, 11)
_TREES = {
    "learning_rate": 0.03,
    "bagging_fraction": 0.5,  # each tree sees half of the rows: steadier effects at no cost
    "bagging_freq": 1,
    "num_leaves": 8,
    "max_depth": 4,
    "lambda_l2": 10.0,
    "feature_fraction": 0.8,
    "cat_smooth": 50.0,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}


def chosen_base(base: str, smaller_arm: int) -> str:
    """Choose trees where the smaller arm has enough customers, else a linear model.

    >>> chosen_base("auto", 300), chosen_base("auto", 8_000), chosen_base("trees", 300)
    ('linear', 'trees', 'trees')
    """
    if base not in (*BASES, "auto"):
        refuse(f"EffectLearner has no base {base!r}. Choose auto, trees or linear.")
    return base if base != "auto" else "trees" if smaller_arm >= _ENOUGH_FOR_TREES else "linear"


class Expectation:
    """Expected value of an outcome for given features.

    Parameters
    ----------
    base : str
        ``trees`` (LightGBM, small and shrunken, a fixed number of rounds) or ``linear`` (ridge with its penalty chosen
        by leave-one-out; logistic with a fixed penalty for a share).
    is_share : bool
        The outcome is 0 or 1: the expectation is a probability.
    rounds : int
        Trees.
    seed : int
        Of the trees.
    """

    def __init__(self, base: str, *, is_share: bool = False, rounds: int = 200, seed: int = 1) -> None:
        self.base, self.is_share, self.rounds, self.seed = base, is_share, rounds, seed

    def fit(self, x: np.ndarray, outcome: np.ndarray, word_places: Sequence[int] = ()) -> Expectation:
        """Learn from a matrix of `crmlab.stats.effect_features.FeatureTable`, shape (n, columns).

        An outcome that never varies, or features that say nothing, give a constant.
        """
        self.mean_ = float(np.mean(outcome)) if len(outcome) else 0.0
        self.model_ = None
        if not x.shape[1] or len(outcome) < 2 or np.ptp(outcome) == 0:
            return self
        learn = self._trees if self.base == "trees" else self._linear
        self.model_ = learn(x, outcome, list(word_places))
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Expected outcome, one number a row."""
        if self.model_ is None:
            return np.full(len(x), self.mean_)
        if self.base == "trees":
            return self.model_.predict(x, num_threads=1)
        return self.model_.predict_proba(x)[:, 1] if hasattr(self.model_, "predict_proba") else self.model_.predict(x)

    def _trees(self, x: np.ndarray, outcome: np.ndarray, word_places: list[int]) -> object:
        import lightgbm

        settings = {
            **_TREES,
            "objective": "binary" if self.is_share else "regression",
            "min_data_in_leaf": max(20, len(outcome) // 200),
            "seed": self.seed,
        }
        data = lightgbm.Dataset(x, outcome, categorical_feature=word_places)
        return lightgbm.train(settings, data, num_boost_round=self.rounds)

    def _linear(self, x: np.ndarray, outcome: np.ndarray, word_places: list[int]) -> object:
        from sklearn.linear_model import LogisticRegression, RidgeCV

        if self.is_share:
            # strong: arms are small and features many; the penalty does not grow with n, so large samples overrule it
            return LogisticRegression(C=0.05, max_iter=1_000).fit(x, outcome.astype(int))
        return RidgeCV(alphas=_ALPHAS).fit(x, outcome)
