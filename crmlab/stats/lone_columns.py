"""How much a single column knows: alone, and beside all others."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats as laws
from scipy.special import expit, logit

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate
from crmlab.stats.ranking import auc, ranking_difference
from crmlab.stats.scored_rows import ScoredRows, scored_rows
from crmlab.stats.time_splits import shuffled_folds

__all__ = ["cross_fitted_low", "lone_columns", "ranked_together"]

_BINS = 20  # classes of a number
_MOST_LEVELS = 50  # a column with more different values is cut into classes, or its rare words are one
_PRIOR_ROWS = 10  # rows at the event rate added to each class
_FEWEST_EVENTS = 10
# Scores learned on other folds share their mistakes: the spread of their AUC is 1.2 to 1.35 times DeLong's where all
# is chance (measured: 1,000 rows; 2, 5 or 10 folds), and equal to it on rows held out once.
_SPREAD = 1.35
_LOOKED_AT = 5  # columns, the strongest first, held against all weaker ones together


def lone_columns(
    features: pd.DataFrame,
    outcome: object,
    *,
    customers: object = None,
    folds: int = 5,
    seed: int = 1,
    false_alarm_rate: float = 0.05,
    cut_limit: float = 0.5,
) -> pd.DataFrame:
    """Tell how well each column alone ranks the outcome, and how much the strongest add to all weaker ones.

    Parameters
    ----------
    features : DataFrame
        One row a customer and date, columns of numbers, words, flags or dates; gaps are a class of their own. Not
        changed.
    outcome : array-like of 0 and 1
    customers : array-like, optional
        Whose row it is; a customer's rows stay in one fold.
    folds, seed : int
        A row is scored by the other folds.
    false_alarm_rate : float
        Chance that any lower limit lies above its true value, over all columns.
    cut_limit : float
        Where one of the five strongest columns takes away more than this share, those stronger than it are held against
        the same weaker columns: a copy must not hide its twin.

    Returns
    -------
    DataFrame
        Strongest first: ``column``, ``auc`` and ``auc_low`` (0 to 1; one-sided limit, corrected for all columns),
        ``cut_share`` and ``cut_share_low``: of what all weaker columns together leave unranked (1 - their AUC), the
        share that the column takes away. Only the five strongest are judged so, the others are not known. ``n``. No
        rows where fewer than 10 rows have, or lack, the event.

    Notes
    -----
    Each column becomes the event share of its classes (20 classes of equal count, or its values), learned on the other
    folds with 10 rows at the event rate added, so any shape counts, not only a rising one. Together they are added on
    the log-odds by logistic regression. Limits are wider than DeLong's, see `cross_fitted_low`; that of the share takes
    the weaker columns' AUC as given.

    References
    ----------
    Kaufman, Rosset, Perlich and Stitelman (2012), Leakage in data mining, ACM TKDD 6(4).

    Examples
    --------
    >>> told = [0, 1] * 100
    >>> lone_columns(pd.DataFrame({"copy": told, "flat": [1] * 200}), told)[["column", "auc"]].values.tolist()
    [['copy', 1.0], ['flat', 0.5]]
    """
    rows = scored_rows("lone_columns", outcome, np.zeros(len(outcome)), customers=customers)
    is_aligned = not isinstance(outcome, pd.Series) or len(features) != rows.n or outcome.index.equals(features.index)
    refuse(
        *([f"lone_columns: {rows.n:,} outcomes against {len(features):,} rows of features. Give both by row."]
          * (len(features) != rows.n)),
        *(["lone_columns: features and outcomes have different indexes. Bring them to the same rows in the same order."]
          * (not is_aligned)),
    )  # fmt: skip
    names = ["column", "auc", "auc_low", "cut_share", "cut_share_low", "n"]
    if min(rows.events, rows.n - rows.events) < _FEWEST_EVENTS or features.shape[1] == 0:
        return pd.DataFrame({name: [] for name in names}).astype(dict.fromkeys(names[1:], float) | {"column": "str"})
    whose = rows.cluster if customers is None else customers
    parts = _fold_scores(features, rows, shuffled_folds(whose, outcome=rows.outcome, folds=folds, seed=seed))
    level = 1 - 2 * false_alarm_rate / features.shape[1]
    alone = []
    for j, name in enumerate(features.columns):
        score = np.empty(rows.n)
        for test, _, applied in parts:
            score[test] = applied[:, j]
        found = auc(rows.outcome, score, customers=rows.cluster, level=level)
        alone.append((str(name), found.value, cross_fitted_low(found)))
    order = np.argsort([-value for _, value, _ in alone], kind="stable")
    frame = pd.DataFrame([alone[j] for j in order], columns=names[:3])
    cuts = _cuts(rows, parts, order, level, cut_limit)
    cuts += [(np.nan, np.nan)] * (len(order) - len(cuts))
    share, low = zip(*cuts, strict=True)
    return frame.assign(cut_share=share, cut_share_low=low, n=rows.n)


def ranked_together(
    features: pd.DataFrame, outcome: object, *, customers: object = None, folds: int = 5, seed: int = 1
) -> np.ndarray:
    """Score each row by all columns together, learned on the other folds.

    Parameters
    ----------
    features, outcome, customers, folds, seed
        As in `lone_columns`.

    Returns
    -------
    ndarray of float
        Log-odds of the event by row; a plain additive model, a yardstick rather than the best.

    Examples
    --------
    >>> told = [0, 1] * 100
    >>> score = ranked_together(pd.DataFrame({"copy": told}), told)
    >>> bool(score[1] > score[0])
    True
    """
    rows = scored_rows("ranked_together", outcome, np.zeros(len(outcome)), customers=customers)
    if rows.why_not_ranked:
        refuse(f"ranked_together: {rows.why_not_ranked.removeprefix('not known: ')}. Give rows with and without it.")
    whose = rows.cluster if customers is None else customers
    parts = _fold_scores(features, rows, shuffled_folds(whose, outcome=rows.outcome, folds=folds, seed=seed))
    return _added(rows, parts, np.arange(features.shape[1]))


def cross_fitted_low(found: Estimate) -> float:
    """Widen the lower limit of an AUC whose scores were learned on other folds of the same rows.

    Parameters
    ----------
    found : Estimate
        As `crmlab.stats.auc` gives it for such scores.

    Notes
    -----
    The distance on the log-odds becomes 1.35 times as large (see the module's constant for what was measured).

    Examples
    --------
    >>> round(cross_fitted_low(Estimate(0.6, unit="index", low=0.55, high=0.65)), 3)
    0.532
    """
    if not 0 < found.value < 1 or not found.low:
        return float("nan") if found.low is None else float(found.low)
    return float(expit(logit(found.value) - _SPREAD * (logit(found.value) - logit(found.low))))


Part = tuple[np.ndarray, np.ndarray, np.ndarray]  # test rows; scores of the rows learned from; scores of the test rows


def _fold_scores(features: pd.DataFrame, rows: ScoredRows, fold: np.ndarray) -> list[Part]:
    columns = [_plain(features[name]) for name in features.columns]
    parts = []
    for k in np.unique(fold):
        test, train = fold == k, fold != k
        rate = rows.outcome[train].mean()
        learned, applied = np.empty((train.sum(), len(columns))), np.empty((test.sum(), len(columns)))
        for j, column in enumerate(columns):
            classes = _classes(column, train)
            size = np.bincount(classes[train], minlength=classes.max() + 1) + _PRIOR_ROWS
            events = np.bincount(classes[train], rows.outcome[train], classes.max() + 1) + _PRIOR_ROWS * rate
            score = logit(np.clip(events / size, 1e-6, 1 - 1e-6))
            learned[:, j], applied[:, j] = score[classes[train]], score[classes[test]]
        parts.append((test, learned, applied))
    return parts


def _plain(column: pd.Series) -> np.ndarray:
    """Give numbers as float, anything else as codes of its words (-1 for gaps)."""
    if pd.api.types.is_datetime64_any_dtype(column):
        days = column.to_numpy().astype("datetime64[D]")
        return np.where(np.isnat(days), np.nan, days.astype("int64").astype(float))
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan)
    return pd.factorize(column.astype("str").where(column.notna()))[0]


def _classes(column: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Number the class of each row, from 0; class 0 holds gaps."""
    if column.dtype.kind == "i":
        common = np.bincount(column[train] + 1, minlength=column.max() + 2)
        common[0] = 0
        kept = np.argsort(-common, kind="stable")[:_MOST_LEVELS]
        code = np.zeros(len(common), dtype=int)
        code[1:] = _MOST_LEVELS + 1  # rare words
        code[kept] = np.arange(1, len(kept) + 1)
        code[0] = 0
        return code[column + 1]
    known = np.isfinite(column)
    seen = column[known & train]
    if len(seen) == 0:
        return np.zeros(len(column), dtype=int)
    values = np.unique(seen)
    if len(values) > _MOST_LEVELS:
        values = np.unique(np.quantile(seen, np.arange(1, _BINS) / _BINS))
        return np.where(known, 1 + np.searchsorted(values, column, side="right"), 0)
    return np.where(known, 1 + np.searchsorted((values[1:] + values[:-1]) / 2, column), 0)


def _added(rows: ScoredRows, parts: list[Part], columns: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    score = np.zeros(rows.n)
    for test, learned, applied in parts:
        spread = learned[:, columns].std(axis=0)
        used, spread = columns[spread > 1e-9], spread[spread > 1e-9]
        if len(used) == 0:
            continue
        centre = learned[:, used].mean(axis=0)
        model = LogisticRegression(C=1.0, solver="newton-cholesky")
        model.fit((learned[:, used] - centre) / spread, rows.outcome[~test])
        score[test] = model.decision_function((applied[:, used] - centre) / spread)
    return score


def _cuts(
    rows: ScoredRows, parts: list[Part], order: np.ndarray, level: float, limit: float
) -> list[tuple[float, float]]:
    looked_at = range(min(_LOOKED_AT, len(order) - 1))
    cuts = [_cut(rows, parts, order[place], order[place + 1 :], level) for place in looked_at]
    beyond = [place for place in looked_at if cuts[place][1] > limit]
    if beyond:  # a stronger copy of such a column found the copy among its weaker ones, and nothing to take away
        weaker = order[beyond[-1] + 1 :]
        cuts[: beyond[-1]] = [_cut(rows, parts, own, weaker, level) for own in order[: beyond[-1]]]
    return cuts


def _cut(rows: ScoredRows, parts: list[Part], own: int, weaker: np.ndarray, level: float) -> tuple[float, float]:
    without, beside = _added(rows, parts, weaker), _added(rows, parts, np.append(weaker, own))
    left = 1 - auc(rows.outcome, without, customers=rows.cluster).value
    if left <= 0:
        return np.nan, np.nan
    found = ranking_difference(rows.outcome, beside, without, customers=rows.cluster)
    reach = float(laws.norm.ppf((1 + level) / 2)) * _SPREAD * found.error
    return found.estimate.value / left, (found.estimate.value - reach) / left
