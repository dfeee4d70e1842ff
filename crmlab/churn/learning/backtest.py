"""The learner and its rivals judged on what came after: as it would have been on each day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from crmlab.churn.learning.judgement import by_origin, differences, measured, repaired
from crmlab.churn.learning.learned_rows import FEWEST_EVENTS
from crmlab.churn.learning.learner import ChurnModel
from crmlab.churn.learning.preparation import feature_names
from crmlab.churn.learning.rivals import RIVALS
from crmlab.errors import nearest, refuse
from crmlab.stats.calibration import reliability
from crmlab.stats.estimate import Estimate
from crmlab.stats.evidence import Evidence
from crmlab.stats.profit import RetentionOffer
from crmlab.stats.ranking import auc, auc_within_periods
from crmlab.stats.time_splits import TimeSplit, shuffled_folds

__all__ = ["Backtest", "Learner", "backtest", "blocks_in_time", "random_split"]


class Learner(Protocol):
    """What can be judged: learns from rows, and says probabilities."""

    def fit(self, features: pd.DataFrame, outcome: object, *, dates: object, customers: object) -> Any:
        """Learn."""

    def predict_proba(self, features: pd.DataFrame) -> pd.Series:
        """Say probabilities."""


@dataclass(frozen=True)
class Backtest:
    """How the learner and its rivals did.

    Parameters
    ----------
    scores : DataFrame
        One row a row judged: ``customer_id``, ``as_of`` (the origin), ``fold``, ``outcome``, ``p_raw`` (the learner
        before its correction) and ``p_<name>`` for the learner (``p_model``) and each rival; indexed as the panel.
    measures : Evidence
        Pooled over origins, by learner: ``learner``, ``measure``, ``value``, ``low``, ``high``, ``unit``, ``n``.
        Estimates such as ``model_auc``, ``model_auc_within``, ``model_brier``, ``rule_profit``.
    by_origin : Evidence
        One row an origin: ranking and calibration of the learner, with what chance alone gives.
    differences : Evidence
        Learner less rival on the same rows, with intervals and p-values corrected for all looks.
    repair : Evidence
        Calibration error by origin before and after the learner's own correction on its latest dates.
    reliability : DataFrame
        As `crmlab.stats.reliability`, of the learner.
    is_dated : bool
        Whether every row was judged by a model that knew only earlier outcomes.
    told : str
        How it was judged, in a sentence.
    notes : tuple of str
        Origins left out, words not seen before, what the learners noted.
    """

    scores: pd.DataFrame
    measures: Evidence
    by_origin: Evidence
    differences: Evidence
    repair: Evidence
    reliability: pd.DataFrame
    is_dated: bool
    told: str
    notes: tuple[str, ...]

    def __getitem__(self, name: str) -> Estimate:
        return self.measures.estimates[name]


def backtest(
    panel: pd.DataFrame,
    *,
    outcome: str = "left",
    features: Sequence[str] | None = None,
    splits: Sequence[TimeSplit] | None = None,
    model: Callable[[], Learner] = ChurnModel,
    rivals: Mapping[str, Callable[[], Learner]] | None = None,
    offer: RetentionOffer | None = None,
    folds: int = 5,
    resamples: int = 200,
    seed: int = 1,
) -> Backtest:
    """Judge the learner as it would have done on past days.

    Parameters
    ----------
    panel : DataFrame
        ``customer_id``, ``as_of`` where there are dates, features, and the outcome (0 or 1). Not changed.
    outcome : str
        Column that says what happened.
    features : sequence of str, optional
        Columns learned from; None: all but identifiers, dates and the outcome.
    splits : sequence of TimeSplit, optional
        As `crmlab.stats.rolling_origin` or `blocks_in_time` gives them for these rows. None: the file has no dates, and
        folds of customers are judged instead.
    model : callable
        Makes the learner.
    rivals : mapping of str to callable, optional
        Make the rivals; None: a rule and a spline logistic regression.
    offer : RetentionOffer, optional
        Worth and costs behind the profit.
    folds : int
        Folds of customers where there are no dates.
    resamples, seed : int
        Of the intervals and folds.

    Notes
    -----
    A word that occurs for the first time after an origin is a gap there, and counted. An origin with fewer than 10
    events, or others, to learn from is left out.
    """
    names, rows = _checked(panel, outcome, features), len(panel)
    if splits is not None and any(len(s.test) and s.test.max() >= rows for s in splits):
        refuse("backtest: the splits are of other rows. Make them from the same panel, in the same order.")
    makers = {"model": model, **(RIVALS if rivals is None else rivals)}
    dates = _dates(panel)
    cuts = _folds(panel, outcome, folds, seed) if splits is None else _cuts(splits)
    parts, notes = [], []
    for day, fold, train, test in cuts:
        y = panel[outcome].to_numpy(dtype=float)[train]
        if min(y.sum(), len(y) - y.sum()) < FEWEST_EVENTS:
            notes.append(f"{day}: fewer than {FEWEST_EVENTS} events, or others, to learn from; left out.")
            continue
        part = panel.iloc[test][["customer_id", outcome]].set_axis(["customer_id", "outcome"], axis=1)
        part = part.assign(as_of=day, fold=fold, place=test)
        for name, make in makers.items():
            p, raw, strange = _judged(make(), panel, names, outcome, dates if splits is not None else None, train, test)
            part[f"p_{name}"] = p
            if name == "model":
                part["p_raw"] = raw
                notes += [f"{day}: {n:,} rows have a word in {c} that was new." for c, n in strange.items()]
        parts.append(part)
    if not parts:
        refuse(f"backtest: no origin has {FEWEST_EVENTS} events and others to learn from. Take a longer time.")
    scores = pd.concat(parts)
    is_dated = splits is not None
    told = _told(scores, is_dated, folds)
    return Backtest(
        scores=scores,
        measures=measured(scores, list(makers), offer, resamples, seed, told),
        by_origin=by_origin(scores, is_dated, resamples, seed),
        differences=differences(scores, [name for name in makers if name != "model"], resamples, seed, told),
        repair=repaired(scores, is_dated),
        reliability=reliability(scores["outcome"], scores["p_model"], customers=scores["customer_id"]),
        is_dated=is_dated,
        told=told,
        notes=tuple(notes),
    )


def blocks_in_time(dates: object, outcome: object, *, count: int = 5) -> tuple[TimeSplit, ...]:
    """Cut rows with many dates into blocks of time with as many events each; each is judged by what came before.

    Parameters
    ----------
    dates : array-like of dates
        Day of each row, on which its outcome is known too (a call and its answer).
    outcome : array-like of 0 and 1
    count : int, 1 or more
        Blocks judged; one more comes first, only to be learned from.

    Returns
    -------
    tuple of TimeSplit
        ``as_of`` is the last day before the block. A day is never parted.

    Examples
    --------
    >>> days = pd.date_range("2024-01-01", periods=6)
    >>> [(str(s.as_of), s.train.tolist(), s.test.tolist()) for s in blocks_in_time(days, [1] * 6, count=2)]
    [('2024-01-02', [0, 1], [2, 3]), ('2024-01-04', [0, 1, 2, 3], [4, 5])]
    """
    days = pd.to_datetime(pd.Series(np.asarray(dates))).to_numpy().astype("datetime64[D]")
    y = np.asarray(outcome, dtype=float)
    refuse(
        *([f"blocks_in_time: count is {count!r}. Give a whole number, 1 or more."]
          * (not isinstance(count, int) or count < 1)),
        *([f"blocks_in_time: {len(days):,} dates against {len(y):,} outcomes. Give both by row."]
          * (len(days) != len(y))),
        *(["blocks_in_time: some rows have no date. Date every row."] * bool(np.isnat(days).any())),
    )  # fmt: skip
    found, which = np.unique(days, return_inverse=True)
    events = np.cumsum(np.bincount(which, y, len(found)))
    total = events[-1] if len(events) else 0
    block = np.minimum(((events - 1e-9) / max(total, 1) * (count + 1)).astype(int), count)
    splits = []
    for k in range(1, count + 1):
        test, train = np.flatnonzero(block[which] == k), np.flatnonzero(block[which] < k)
        if len(test) and len(train):
            last = days[train].max().astype(object)
            splits.append(TimeSplit(last, train, test, days[train].min().astype(object), last, 0, 0, 0, 0))
    if not splits:
        refuse(f"blocks_in_time: {len(found):,} days cannot be cut into {count + 1} blocks. Give more days.")
    return tuple(splits)


def random_split(
    panel: pd.DataFrame,
    judged: Backtest,
    *,
    outcome: str = "left",
    features: Sequence[str] | None = None,
    model: Callable[[], Learner] = ChurnModel,
    folds: int = 3,
    seed: int = 1,
) -> Evidence:
    """Show how much better the learner would look if rows were parted by lot: optimistic, and not the headline.

    Parameters
    ----------
    panel, outcome, features, model, seed
        As in `backtest`.
    judged : Backtest
        What came out in time; the same rows are judged again.
    folds : int
        Rows, not customers, are parted in so many folds, as is often done.

    Returns
    -------
    Evidence
        Frame: ``split`` (``out of time``, ``by lot``), ``auc``, ``auc_low``, ``auc_high``, ``n``. Estimates
        ``out_of_time``, ``optimistic``.

    Notes
    -----
    By lot the learner knows the month that it is judged on, and often the same customer a month later.
    """
    names, dates = _checked(panel, outcome, features), _dates(panel)
    places = judged.scores["place"].to_numpy()
    lot = panel["customer_id"].astype("str") + ("" if dates is None else "|" + dates.astype("str"))
    fold = shuffled_folds(lot, outcome=panel[outcome], folds=folds, seed=seed)
    p = np.full(len(panel), np.nan)
    for k in range(folds):
        test = places[fold[places] == k]
        if len(test):
            p[test] = _judged(model(), panel, names, outcome, None, np.flatnonzero(fold != k), test)[0]
    whose, y = judged.scores["customer_id"], judged.scores["outcome"].to_numpy(dtype=float)
    periods = judged.scores["as_of"] if judged.scores["as_of"].nunique() > 1 else None
    found = [
        auc(y, score, customers=whose) if periods is None else auc_within_periods(y, score, periods, customers=whose)
        for score in (judged.scores["p_model"].to_numpy(), p[places])
    ]
    frame = pd.DataFrame(
        [
            (name, one.value, one.low, one.high, one.n)
            for name, one in zip(("out of time", "by lot"), found, strict=True)
        ],
        columns=["split", "auc", "auc_low", "auc_high", "n"],
    )
    gap = found[1].value - found[0].value
    in_time = f"In time the learner ranks with an AUC of {found[0].value:.3f}"
    lot = (
        f"parted by lot it would show {found[1].value:.3f}, which is optimistic: it then knows the period that it is "
        "judged on."
    )
    return Evidence(
        frame,
        title=f"A split by lot would look {gap:+.3f} better than the time to come",
        about=f"AUC within origins on the same {len(y):,} rows, 95 % intervals clustered by customer",
        reading=f"{in_time}; {lot}",
        estimates={"out_of_time": found[0], "optimistic": found[1]},
    )


def _judged(
    learner: Learner, panel: pd.DataFrame, names: list[str], outcome: str, dates: pd.Series | None, train: np.ndarray,
    test: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:  # fmt: skip
    known, asked = panel.iloc[train], panel.iloc[test][names]
    when = None if dates is None else dates.iloc[train]
    learner.fit(known[names], known[outcome], dates=when, customers=known["customer_id"])
    prepared = getattr(learner, "preparation_", None)
    strange: dict[str, int] = {}
    if prepared is not None:
        asked, strange = prepared.with_known_words(asked)
    p = learner.predict_proba(asked).to_numpy(dtype=float)
    raw = 1 / (1 + np.exp(-learner.score(asked).to_numpy())) if hasattr(learner, "score") else p
    return p, raw, strange


def _checked(panel: pd.DataFrame, outcome: str, features: Sequence[str] | None) -> list[str]:
    names = feature_names(panel, outcome=outcome) if features is None else list(features)
    lacks = [name for name in ("customer_id", outcome, *names) if name not in panel.columns]
    refuse(
        *(f"backtest: the panel lacks column {n!r}.{nearest(n, panel.columns)} Give it." for n in lacks),
        *([f"backtest: the outcome {outcome!r} is among the features. Leave it out."] * (outcome in names)),
        *(["backtest: there is no feature. Give columns to learn from."] * (not names)),
    )
    return names


def _dates(panel: pd.DataFrame) -> pd.Series | None:
    return pd.to_datetime(panel["as_of"]) if "as_of" in panel.columns else None


def _cuts(splits: Sequence[TimeSplit]) -> list[tuple[dt.date, int, np.ndarray, np.ndarray]]:
    return [(split.as_of, split.fold, split.train, split.test) for split in splits]


def _folds(
    panel: pd.DataFrame, outcome: str, folds: int, seed: int
) -> list[tuple[dt.date | None, int, np.ndarray, np.ndarray]]:
    fold = shuffled_folds(panel["customer_id"], outcome=panel[outcome], folds=folds, seed=seed)
    return [(None, k, np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds)]


def _told(scores: pd.DataFrame, is_dated: bool, folds: int) -> str:
    if not is_dated:
        return (
            f"The file has no dates: {folds} folds of customers by lot, each judged by a model of the others. "
            "That is optimistic where times change."
        )
    days = sorted(scores["as_of"].unique())
    if len(days) == 1:
        return f"Judged on {days[0]}, by a model that knew only what was known on that day."
    return f"Judged on {len(days)} dates, {days[0]} to {days[-1]}, each by a model that knew only what was known then."
