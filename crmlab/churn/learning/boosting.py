"""Boosted trees below the learner: how many, held back on what, corrected by how much."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from crmlab.stats.recalibration import Calibrator
from crmlab.stats.time_splits import shuffled_folds

__all__ = [
    "HeldBack",
    "Plan",
    "carried_over",
    "correction",
    "held_back",
    "learned",
    "parts",
    "raw",
    "read",
    "row_losses",
]

_MOST_ROUNDS, _PATIENCE = 2_000, 60
_LOOKS = 5  # folds of customers held back in turn, fewer where events abound
_ENOUGH_EVENTS = 1_000  # held back: more make neither the number of trees nor the correction surer
_HELD_SHARE, _HELD_EVENTS = 0.05, 100  # on the latest dates held back: of the rows, and of the rarer kind
_STRANGERS = 50  # events from which what is said of strangers is corrected
# Standard errors by which a correction must lower the loss. A shift d with information I gains d^2 I / 2, with an
# error of d sqrt(I): one standard error of the gain is a shift of two standard errors.
_SURE = 1.0
FIXED = {
    "objective": "binary",
    "metric": "binary_logloss",
    "verbosity": -1,
    "deterministic": True,
    "force_col_wise": True,
    "learning_rate": 0.05,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
}


@dataclass(frozen=True)
class Plan:
    """What is learned from, and with what settings; rows as `LearnedRows` orders them."""

    matrix: np.ndarray
    outcome: np.ndarray
    customers: np.ndarray
    dates: np.ndarray | None
    words: list[int]
    monotone: list[int]
    members: int
    most_rows: int
    threads: int
    seed: int

    @property
    def settings(self) -> dict[str, object]:
        """LightGBM's parameters. Trees grow with the events there are: 8 leaves for 2,000 events or fewer, up to 31."""
        events = min(self.outcome.sum(), len(self.outcome) - self.outcome.sum())
        leaves = int(np.clip(8 * np.sqrt(events / 2_000), 8, 31))
        found = {**FIXED, "num_leaves": leaves, "num_threads": self.threads}
        if self.monotone and any(self.monotone):
            found |= {"monotone_constraints": self.monotone, "monotone_constraints_method": "advanced"}
        return found

    def data(self, rows: np.ndarray) -> lgb.Dataset:
        """Rows as LightGBM reads them."""
        return lgb.Dataset(self.matrix[rows], self.outcome[rows], categorical_feature=self.words)


@dataclass(frozen=True)
class HeldBack:
    """What rows that were held back say.

    Parameters
    ----------
    rounds : int
        Trees with the smallest loss.
    outcome, score : ndarray
        Rows held back and their log-odds, each from a member that had not seen its customer.
    customers : ndarray of str
        Whose rows they are.
    is_better_than_rate : bool
        Whether the loss was smaller than that of saying the event rate to everybody.
    told : str
        Which rows they are, in words.
    places : ndarray of int
        Rows of the plan.
    is_late : bool
        Whether they are the latest dates, from which the final members learn too.
    before : tuple of ndarray
        Outcome, log-odds and customer of the rows of earlier dates, each from a member that had not seen its customer:
        what a member says too little or too much of strangers, times alike. Without dates, the rows held back.
    """

    rounds: int
    outcome: np.ndarray
    score: np.ndarray
    customers: np.ndarray
    is_better_than_rate: bool
    told: str
    places: np.ndarray
    is_late: bool
    before: tuple[np.ndarray, np.ndarray, np.ndarray]


def held_back(plan: Plan) -> HeldBack:
    """Find the number of trees on customers, and where there are dates on the latest of them, not learned from."""
    late, told = _latest(plan)
    fold = shuffled_folds(plan.customers, outcome=plan.outcome, folds=_LOOKS, seed=plan.seed)
    looks, curves, boosters = _looks(plan, late), [], []
    for k in range(looks):
        test = np.flatnonzero(late & (fold == k))
        train = np.flatnonzero((fold != k) & (~late | late.all()))
        train = _share_of_customers(plan, train, k)
        kept: dict[str, dict[str, list[float]]] = {}
        data = plan.data(train)
        booster = lgb.train(
            {**plan.settings, "seed": plan.seed * 1_000 + k}, data, _MOST_ROUNDS,
            valid_sets=[data.create_valid(plan.matrix[test], plan.outcome[test])],
            valid_names=["held"],
            callbacks=[lgb.early_stopping(_PATIENCE, verbose=False), lgb.record_evaluation(kept)],
        )  # fmt: skip
        curves.append(np.array(kept["held"]["binary_logloss"]) * len(test))
        boosters.append((booster, test, np.flatnonzero((fold == k) & (~late | late.all()))))
    common = min(map(len, curves))
    loss = np.sum([curve[:common] for curve in curves], axis=0)
    rounds = int(np.argmin(loss)) + 1
    places, strangers = (np.concatenate([one[which] for one in boosters]) for which in (1, 2))
    score, early = (
        np.concatenate([one[0].predict(plan.matrix[one[which]], raw_score=True, num_iteration=rounds,
                                       num_threads=plan.threads) for one in boosters])
        for which in (1, 2)
    )  # fmt: skip
    y = plan.outcome[places]
    rate = np.clip(y.mean(), 1e-9, 1 - 1e-9)
    of_rate = -float(np.sum(y * np.log(rate) + (1 - y) * np.log(1 - rate)))
    return HeldBack(rounds, y, score, plan.customers[places], bool(loss[rounds - 1] < of_rate), told,
                    places, not late.all(), (plan.outcome[strangers], early, plan.customers[strangers]))  # fmt: skip


def correction(found: HeldBack) -> tuple[str, float, float, str]:
    """Choose the correction of the log-odds that rows held back ask for: method, intercept, slope, and why.

    Each candidate is learned on other customers than it is judged on; see `ChurnModel`.
    """
    y, p = found.outcome, expit(found.score)
    rows = f"{len(y):,} rows held back"
    if min(y.sum(), len(y) - y.sum()) < 20:
        return "none", 0.0, 1.0, f"Probabilities stay as they are: {rows} hold too few events to correct them."
    fold = shuffled_folds(found.customers, outcome=y, folds=5, seed=1)
    before = row_losses(y, found.score)
    best, least = "none", 0.0
    for method in ("intercept", "logistic"):
        after = np.empty(len(y))
        for k in range(5):
            test = fold == k
            intercept, slope = _line(method, p[~test], y[~test])
            after[test] = row_losses(y[test], intercept + slope * found.score[test])
        gained = before - after
        by_customer = np.bincount(np.unique(found.customers.astype(str), return_inverse=True)[1], gained)
        error = float(np.sqrt(np.sum((by_customer - by_customer.mean()) ** 2)))
        if gained.sum() > max(_SURE * error, least):
            best, least = method, float(gained.sum())
    if best == "none":
        return "none", 0.0, 1.0, f"Probabilities stay as they are: no correction helped beyond chance on {rows}."
    intercept, slope = _line(best, p, y)
    return best, intercept, slope, f"Probabilities were corrected ({best}) on {rows}."


def of_strangers(found: HeldBack) -> tuple[float, float] | None:
    """Return intercept and slope for customers not learned from, times alike; None where they do not help.

    Members overfit: of their own customers they say enough, of strangers too little, and where events are rare the
    whole sum falls short. Kept where the correction, learned on other customers, lowers the loss.
    """
    y, score, customers = found.before
    if min(y.sum(), len(y) - y.sum()) < _STRANGERS:
        return None
    fold = shuffled_folds(customers, outcome=y, folds=5, seed=1)
    after = np.empty(len(y))
    for k in range(5):
        test = fold == k
        intercept, slope = _line("logistic", expit(score[~test]), y[~test])
        after[test] = row_losses(y[test], intercept + slope * score[test])
    if after.sum() >= row_losses(y, score).sum():
        return None
    return _line("logistic", expit(score), y)


def carried_over(found: HeldBack, intercept: float, slope: float, score: np.ndarray) -> float:
    """Give the intercept for the final members, which know the latest dates already.

    A correction learned on dates held back makes good what the earlier dates did not show. The final members have seen
    these dates: to add the whole shift again would count it twice. So the mean probability of the rows held back is
    kept, not the shift.
    """
    wanted = float(expit(intercept + slope * found.score).mean())
    return float(brentq(lambda shift: float(expit(shift + slope * score).mean()) - wanted, -60, 60, xtol=1e-12))


def learned(plan: Plan, rounds: int) -> list[lgb.Booster]:
    """Learn the members from all rows, or each from its own share of customers where there are too many."""
    everything = np.arange(len(plan.outcome))
    whole = plan.data(everything) if len(everything) <= plan.most_rows else None
    boosters = []
    for member in range(plan.members):
        data = whole or plan.data(_share_of_customers(plan, everything, member))
        settings = {**plan.settings, "seed": plan.seed * 1_000 + 500 + member}
        # read back from its own text: what scores now is what scores after it was kept
        boosters.append(read(lgb.train(settings, data, rounds).model_to_string()))
    return boosters


def read(text: str) -> lgb.Booster:
    """Make a booster of its text."""
    return lgb.Booster(model_str=text)


def raw(booster: lgb.Booster, matrix: np.ndarray, threads: int) -> np.ndarray:
    """Log-odds by row."""
    return np.asarray(booster.predict(matrix, raw_score=True, num_threads=threads)) if len(matrix) else np.zeros(0)


def parts(booster: lgb.Booster, matrix: np.ndarray, threads: int) -> np.ndarray:
    """What each column adds to the log-odds, by row; the last column is the average customer's."""
    if len(matrix) == 0:
        return np.zeros((0, matrix.shape[1] + 1))
    return np.asarray(booster.predict(matrix, pred_contrib=True, num_threads=threads))


def _latest(plan: Plan) -> tuple[np.ndarray, str]:
    """Mark the rows of the latest dates: as few dates as hold enough rows and events."""
    if plan.dates is None:
        return np.ones(len(plan.outcome), dtype=bool), "a fifth of the customers at a time"
    days = np.unique(plan.dates)
    for count in range(1, len(days)):
        late = plan.dates >= days[-count]
        events, before = plan.outcome[late].sum(), plan.outcome[~late]
        enough = late.mean() >= _HELD_SHARE and min(events, late.sum() - events) >= _HELD_EVENTS
        last_chance = count >= max(1, len(days) // 3)
        if enough or last_chance:
            few = min(events, late.sum() - events, before.sum(), (1 - before).sum())
            if few < 10 or late.mean() < _HELD_SHARE:
                break
            said = f"the latest date ({days[-1]})" if count == 1 else f"the latest {count} dates (from {days[-count]})"
            return late, f"{said}, customers not learned from"
    return np.ones(len(plan.outcome), dtype=bool), "a fifth of the customers at a time, all dates"


def _looks(plan: Plan, late: np.ndarray) -> int:
    """How many folds are held back in turn: all where events are few."""
    held = min(plan.outcome[late].sum(), late.sum() - plan.outcome[late].sum()) / _LOOKS
    return int(np.clip(np.ceil(_ENOUGH_EVENTS / max(held, 1)), 1, _LOOKS))


def _share_of_customers(plan: Plan, rows: np.ndarray, which: int) -> np.ndarray:
    """Take at most so many rows, all rows of a customer or none; another share for another number."""
    shares = int(np.ceil(len(rows) / plan.most_rows))
    if shares == 1:
        return rows
    part = shuffled_folds(plan.customers, folds=shares, seed=plan.seed + 17)
    return rows[part[rows] == which % shares]


def _line(method: str, p: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    fitted = Calibrator(method=method).fit(p, y)
    return float(fitted.intercept_), float(fitted.slope_)


def row_losses(y: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each row, given its log-odds."""
    return np.logaddexp(0, score) - y * score
