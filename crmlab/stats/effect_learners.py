"""Who is moved by a treatment, and how far: learners of individual effects from a randomised trial (T, X, DR)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.stats.effect_features import FeatureTable
from crmlab.stats.effect_models import Expectation, chosen_base

__all__ = ["KINDS", "EffectLearner", "TrialRows", "cross_fitted_effects", "folds_of", "trial_rows"]

KINDS = ("t", "x", "dr")
_FEWEST = 20  # customers in an arm
_INNER = 3  # folds inside the training part of a fold, for the DR learner


@dataclass(frozen=True)
class TrialRows:
    """Checked rows of a trial, sorted by their index, so that the order given does not matter.

    Parameters
    ----------
    features : DataFrame
        What was known before the draw.
    outcome : ndarray of float
    is_treated : ndarray of bool
    treated_share : ndarray of float
        Planned chance of each customer to be treated, above 0 and below 1.
    customers : ndarray of str
        Whose row it is: rows of one customer stay in one fold.
    x : ndarray of float
        Features as a matrix, see `with_matrix`.
    word_places : tuple of int
        Columns of `x` that are words.
    """

    features: pd.DataFrame
    outcome: np.ndarray
    is_treated: np.ndarray
    treated_share: np.ndarray
    customers: np.ndarray
    x: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    word_places: tuple[int, ...] = ()

    @property
    def is_share(self) -> bool:
        """Whether the outcome is 0 or 1."""
        return bool(np.isin(self.outcome, (0, 1)).all())

    def part(self, chosen: np.ndarray) -> TrialRows:
        """Rows for which `chosen` is True."""
        parts = ("outcome", "is_treated", "treated_share", "customers", "x")
        taken = {name: getattr(self, name)[chosen] for name in parts}
        return replace(self, features=self.features[chosen], **taken)

    def with_matrix(self, table: FeatureTable, base: str) -> TrialRows:
        """Add the features as a matrix: made once for all parts, from features alone, so it knows no outcome."""
        places = tuple(table.word_places) if base == "trees" else ()
        return replace(self, x=table.matrix(self.features, base), word_places=places)


def trial_rows(
    features: pd.DataFrame, outcome: object, is_treated: object, treated_share: object, customers: object = None
) -> TrialRows:
    """Check the rows of a trial; all problems are told at once.

    Parameters
    ----------
    features : DataFrame
        One row a customer of the trial (or a contact), index unique.
    outcome, is_treated : array-like
        In the same order; a Series must have the same index. As drawn, whatever happened later.
    treated_share : float or array-like of float
        Planned chance to be treated.
    customers : array-like, optional
        Whose row it is; None: every row is a customer of its own.
    """
    n = len(features)
    given = {"outcomes": outcome, "arms": is_treated, "treated shares": treated_share, "customers": customers}
    columns = {name: values for name, values in given.items() if values is not None and np.ndim(values) > 0}
    refuse(
        *(
            f"trial: {n:,} rows of features against {len(values):,} {name}. Give all for the same rows."
            for name, values in columns.items()
            if len(values) != n
        ),
        *(
            f"trial: features and {name} have different indexes. Bring them to the same rows in the same order."
            for name, values in columns.items()
            if isinstance(values, pd.Series) and len(values) == n and not values.index.equals(features.index)
        ),
        *(["trial: the index of the features is not unique. Index them by contact."] * (not features.index.is_unique)),
    )
    y, treated = np.asarray(outcome, dtype=float), np.asarray(is_treated).astype(bool)
    share = np.broadcast_to(np.asarray(treated_share, dtype=float), (n,))
    whose = features.index if customers is None else pd.Index(np.asarray(customers))
    counts = {"treated": int(treated.sum()), "held out": int((~treated).sum())}
    refuse(
        *([f"trial: {int(np.isnan(y).sum()):,} of {n:,} outcomes are not known. Leave those rows out, and count them."]
          if np.isnan(y).any() else []),
        *([] if ((share > 0) & (share < 1)).all() else
          ["trial: the planned chance to be treated must lie above 0 and below 1. Leave out who had no chance."]),
        *(f"trial: {count} customers were {arm}; effects of single customers need {_FEWEST} or more. "
          "Show the mean effect only." for arm, count in counts.items() if count < _FEWEST),
    )  # fmt: skip
    order = np.argsort(features.index.astype(str).to_numpy(dtype=object), kind="stable")
    return TrialRows(
        features.iloc[order], y[order], treated[order], share[order], whose.astype(str).to_numpy(dtype=object)[order]
    )


def folds_of(customers: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Give every customer a fold by lot, the same whatever the order of rows.

    >>> folds_of(np.array(["a", "b", "a", "c"], dtype=object), 2, 1).tolist()
    [0, 1, 0, 0]
    """
    names, code = np.unique(customers, return_inverse=True)
    place = np.random.default_rng(seed).permutation(len(names)) % folds
    return place[code]


class EffectLearner:
    """Learn from a randomised trial what a treatment changes for customers of each kind.

    Parameters
    ----------
    kind : str
        ``t``: two models, their difference (steady where much depends on the outcome itself). ``x``: models of imputed
        effects, weighed by the chance to be treated (good where one arm is small). ``dr``: one model of doubly robust
        scores (looks for the effect alone).
    base : str
        ``trees``, ``linear`` or ``auto`` (trees from 5,000 customers in the smaller arm).
    folds : int
        For cross-fitting, 2 or more.
    seed : int
        Same seed, same result.

    Attributes
    ----------
    base_ : str
        Base in use.
    treated_share_ : float
        Mean planned chance to be treated.

    Notes
    -----
    The chance to be treated is known from the plan and not estimated. DR score with fold-wise models m1, m0:
    m1 - m0 + T (Y - m1) / e - (1 - T) (Y - m0) / (1 - e). Whether the effects learned mean anything is for
    `crmlab.stats.effect_curves.heterogeneity` to say; look there before using them.

    References
    ----------
    Kuenzel, Sekhon, Bickel and Yu (2019), PNAS 116 (X); Kennedy (2023), Electronic Journal of Statistics 17 (DR).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = pd.DataFrame({"age": rng.normal(size=2_000)})
    >>> arm = rng.random(2_000) < 0.5
    >>> learner = EffectLearner("dr").fit(x, 2.0 * x["age"] * arm, arm, treated_share=0.5)
    >>> learner.predict_effect(pd.DataFrame({"age": [-1.0, 0.5, 1.0]})).round(1).tolist()
    [-2.0, 1.0, 2.0]
    """

    def __init__(self, kind: str = "dr", *, base: str = "auto", folds: int = 5, seed: int = 1) -> None:
        self.kind, self.base, self.folds, self.seed = kind, base, folds, seed

    def fit(
        self,
        features: pd.DataFrame,
        outcome: object,
        is_treated: object,
        *,
        treated_share: object,
        customers: object = None,
    ) -> EffectLearner:
        """Learn from the rows of a trial, see `trial_rows`."""
        _check_kinds((self.kind,), self.folds)
        rows = trial_rows(features, outcome, is_treated, treated_share, customers)
        self.base_ = chosen_base(self.base, _smaller_arm(rows))
        self.treated_share_ = float(rows.treated_share.mean())
        self.table_ = FeatureTable().fit(rows.features)
        rows = rows.with_matrix(self.table_, self.base_)
        nuisance = None if self.kind == "dr" else _nuisance(rows, self.base_, self.seed)
        self.models_ = _learned(self.kind, rows, nuisance, self.base_, self.folds, self.seed)
        return self

    def predict_effect(self, features: pd.DataFrame) -> pd.Series:
        """Expected change of the outcome by the treatment, for customers in the trial or new ones, same rows."""
        effect = _predicted(self.kind, self.models_, self.table_.matrix(features, self.base_), self.treated_share_)
        return pd.Series(effect, index=features.index, name="effect")


def cross_fitted_effects(
    features: pd.DataFrame,
    outcome: object,
    is_treated: object,
    *,
    treated_share: object,
    customers: object = None,
    kinds: Sequence[str] = KINDS,
    base: str = "auto",
    folds: int = 5,
    seed: int = 1,
) -> pd.DataFrame:
    """Give every customer of a trial effects from models that did not see that customer, and a score to judge them by.

    Parameters
    ----------
    features, outcome, is_treated, treated_share, customers
        See `trial_rows`.
    kinds : sequence of str
        Learners, of ``t``, ``x`` and ``dr``; may be empty for the scores alone.
    base, folds, seed
        See `EffectLearner`.

    Returns
    -------
    DataFrame
        Index of `features`, same order: ``fold``; ``held_out_mean`` and ``treated_mean`` (expected outcome in either
        arm); ``score`` (doubly robust; its mean over any group chosen without looking at outcomes is that group's mean
        effect); ``effect_t``, ``effect_x``, ``effect_dr``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = pd.DataFrame({"age": rng.normal(size=500)})
    >>> arm = rng.random(500) < 0.5
    >>> found = cross_fitted_effects(x, x["age"] + 1.0 * arm, arm, treated_share=0.5, kinds=["t"])
    >>> found.columns.tolist(), round(float(found["score"].mean()), 2)
    (['fold', 'held_out_mean', 'treated_mean', 'score', 'effect_t'], 1.0)
    """
    _check_kinds(kinds, folds)
    rows = trial_rows(features, outcome, is_treated, treated_share, customers)
    base = chosen_base(base, _smaller_arm(rows))
    rows = rows.with_matrix(FeatureTable().fit(rows.features), base)
    share = float(rows.treated_share.mean())
    fold = folds_of(rows.customers, folds, seed)
    found = pd.DataFrame({"fold": fold}, index=rows.features.index)
    found = found.assign(held_out_mean=0.0, treated_mean=0.0, score=0.0, **{f"effect_{kind}": 0.0 for kind in kinds})
    for number in np.unique(fold):
        inside = fold == number
        train, test = rows.part(~inside), rows.part(inside)
        nuisance = _nuisance(train, base, seed)
        expected = [model.predict(test.x) for model in nuisance]
        found.loc[inside, ["held_out_mean", "treated_mean"]] = np.column_stack(expected)
        found.loc[inside, "score"] = _score(test, *expected)
        for kind in kinds:
            models = _learned(kind, train, nuisance, base, _INNER, seed)
            found.loc[inside, f"effect_{kind}"] = _predicted(kind, models, test.x, share)
    return found.reindex(features.index)


def _check_kinds(kinds: Sequence[str], folds: int) -> None:
    refuse(
        *(f"EffectLearner has no kind {kind!r}. Choose of {', '.join(KINDS)}." for kind in kinds if kind not in KINDS),
        *([] if folds >= 2 else [f"EffectLearner: folds is {folds}. Give 2 or more."]),
    )


def _smaller_arm(rows: TrialRows) -> int:
    return int(min(rows.is_treated.sum(), (~rows.is_treated).sum()))


def _nuisance(rows: TrialRows, base: str, seed: int) -> tuple[Expectation, Expectation]:
    """Learn the expected outcome when held out and when treated."""
    made = []
    for arm in (~rows.is_treated, rows.is_treated):
        model = Expectation(base, is_share=rows.is_share, seed=seed)
        made.append(model.fit(rows.x[arm], rows.outcome[arm], rows.word_places))
    return made[0], made[1]


def _score(rows: TrialRows, held_out: np.ndarray, treated: np.ndarray) -> np.ndarray:
    t, e, y = rows.is_treated, rows.treated_share, rows.outcome
    return treated - held_out + np.where(t, (y - treated) / e, -(y - held_out) / (1 - e))


def _learned(
    kind: str, rows: TrialRows, nuisance: tuple[Expectation, Expectation] | None, base: str, folds: int, seed: int
) -> tuple[Expectation, ...]:
    """Models of one learner."""
    if kind == "t":
        return nuisance
    if kind == "x":
        held_out, treated = nuisance
        arm = rows.is_treated
        gained = rows.outcome[arm] - held_out.predict(rows.x[arm])
        missed = treated.predict(rows.x[~arm]) - rows.outcome[~arm]
        return (
            Expectation(base, seed=seed).fit(rows.x[~arm], missed, rows.word_places),
            Expectation(base, seed=seed).fit(rows.x[arm], gained, rows.word_places),
        )
    fold = folds_of(rows.customers, folds, seed + 1)
    score = np.zeros(len(fold))
    for number in np.unique(fold):
        inside = fold == number
        test = rows.part(inside)
        models = _nuisance(rows.part(~inside), base, seed)
        score[inside] = _score(test, *(model.predict(test.x) for model in models))
    return (Expectation(base, seed=seed).fit(rows.x, score, rows.word_places),)


def _predicted(kind: str, models: tuple[Expectation, ...], x: np.ndarray, share: float) -> np.ndarray:
    made = [model.predict(x) for model in models]
    if kind == "t":
        return made[1] - made[0]
    return share * made[0] + (1 - share) * made[1] if kind == "x" else made[0]
