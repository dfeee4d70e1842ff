"""The learner: a few small boosted models averaged, stopped within the training period, calibrated, kept as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from crmlab.churn.learning import boosting
from crmlab.churn.learning.learned_rows import LearnedRows, learned_rows
from crmlab.churn.learning.preparation import Preparation
from crmlab.errors import nearest, refuse

__all__ = ["ChurnModel"]

_BASIS = "churn"


class ChurnModel:
    """Say for each customer how likely it is that they leave.

    Parameters
    ----------
    members : int, 1 or more
        Boosted models that are averaged; they differ by the rows and columns that each tree sees.
    monotone : mapping of str to int, optional
        Columns whose rise may only raise (1) or only lower (-1) the probability.
    most_rows : int
        Rows that one member learns from at most; each then sees other customers, with all their rows.
    threads : int, 1 or more
        The result is the same for any number.
    seed : int
        Same seed, same model, whatever the order of the rows.

    Attributes
    ----------
    preparation_ : Preparation
        Columns in use (``columns_``) and those left out with the reason (``dropped_``).
    rounds_ : int
        Trees of a member.
    calibration_ : str
        ``none``, ``intercept`` or ``logistic``: what the rows held back asked for.
    held_back_ : str
        Which rows were held back to choose both.
    base_rate_ : float
        Share of events learned from, 0 to 1.
    n_, events_count_ : int
        Rows and events learned from.
    notes_ : list of str
        What a reader should know.

    Notes
    -----
    Rows are neither repeated nor weighted: resampling did not rank better and cost the calibration (van den Goorbergh
    et al.). The number of trees is the one with the smallest loss on rows held back: the latest dates, of customers
    whom the model had not seen; without dates, a fold of customers. It is then learned anew from all rows. On the same
    rows a shift, or a shift and stretch, of the log-odds is tried, and kept where it lowers the loss of other rows held
    back by more than its standard error (a shift of two of its own standard errors). It leaves the order of customers.

    A column that parts leavers from stayers without an error is refused: that is no cause, but the outcome itself.

    References
    ----------
    Ke et al. (2017), LightGBM, NeurIPS 30; van den Goorbergh et al. (2022), The harm of class imbalance corrections,
    JAMIA 29.

    Examples
    --------
    >>> frame = pd.DataFrame({"silent_days": [float(i % 50) for i in range(600)]})
    >>> left = [int(i % 50 > 40 and i % 3 > 0) for i in range(600)]
    >>> p = ChurnModel(members=2).fit(frame, left).predict_proba(pd.DataFrame({"silent_days": [5.0, 45.0]}))
    >>> bool(p[0] < 0.1 < 0.5 < p[1]), p.name
    (True, 'p_churn')
    """

    def __init__(
        self, *, members: int = 5, monotone: Mapping[str, int] | None = None, most_rows: int = 250_000,
        threads: int = 1, seed: int = 1,
    ) -> None:  # fmt: skip
        self.members = members
        self.monotone = dict(monotone or {})
        self.most_rows = most_rows
        self.threads = threads
        self.seed = seed

    def fit(
        self, features: pd.DataFrame, outcome: object, *, dates: object = None, customers: object = None
    ) -> ChurnModel:
        """Learn from customers whose outcome is known.

        Parameters
        ----------
        features : DataFrame
            One row a customer, or a customer and date. Identifiers and dates among the columns are not learned from.
        outcome : array-like of 0 and 1
            1 for those who left. At least 10 of each.
        dates : array-like of dates, optional
            Date of each row; None: column ``as_of`` where there is one.
        customers : array-like, optional
            Whose row it is; None: column or index ``customer_id``, else each row is another customer.
        """
        self._refuse_settings()
        rows = learned_rows("ChurnModel", features, outcome, dates=dates, customers=customers)
        self.preparation_ = Preparation().fit(rows.features)
        matrix = self.preparation_.transform(rows.features)[rows.order]
        self._refuse_columns(matrix, rows.outcome)
        plan = boosting.Plan(
            matrix=matrix, outcome=rows.outcome, customers=rows.customers, dates=rows.dates,
            words=self.preparation_.word_columns_, monotone=self._constraints(), members=self.members,
            most_rows=self.most_rows, threads=self.threads, seed=self.seed,
        )  # fmt: skip
        found = boosting.held_back(plan)
        self.rounds_, self.held_back_ = found.rounds, found.told
        self.calibration_, self._intercept, self._slope, why = boosting.correction(found)
        self.boosters_ = boosting.learned(plan, found.rounds)
        if self.calibration_ != "none" and found.is_late:
            now = self._scores(matrix[found.places])
            self._intercept = boosting.carried_over(found, self._intercept, self._slope, now)
        if self.calibration_ == "none" and found.is_late and (line := boosting.of_strangers(found)):
            self.calibration_, (self._intercept, self._slope) = "logistic", line
            rows_count = f"{len(found.before[0]):,} rows of customers not learned from"
            why = f"Probabilities were corrected (logistic) on {rows_count}."
        self.n_, self.events_count_ = len(rows.outcome), int(rows.outcome.sum())
        self.base_rate_ = float(rows.outcome.mean())
        self.first_on_, self.last_on_ = rows.first_on, rows.last_on
        self.notes_ = self._notes(rows, found, why)
        return self

    def predict_proba(self, features: pd.DataFrame) -> pd.Series:
        """Say how likely each customer leaves.

        Parameters
        ----------
        features : DataFrame
            As at `fit`: a column that is missing, of another kind, or with an unknown word is refused.

        Returns
        -------
        Series
            ``p_churn``, above 0 and below 1; same index, same order.
        """
        score = self.score(features)
        return pd.Series(expit(self._intercept + self._slope * score.to_numpy()), index=score.index, name="p_churn")

    def score(self, features: pd.DataFrame) -> pd.Series:
        """Give the log-odds before calibration: what the contributions sum to.

        Returns
        -------
        Series
            ``score``; higher for a likelier leaver. It ranks as `predict_proba` does.
        """
        return pd.Series(self._scores(self._ready(features)), index=features.index, name="score")

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """Part each score into what each column adds to the average customer's.

        Returns
        -------
        DataFrame
            One column a feature and ``base``; log-odds. A row sums to its `score`.

        Notes
        -----
        Exact Shapley values of the trees, averaged over the members. Columns that say the same share what they add.
        They say what the score is made of, never why a customer leaves.

        References
        ----------
        Lundberg et al. (2020), From local explanations to global understanding with explainable AI for trees, Nature
        Machine Intelligence 2.
        """
        matrix = self._ready(features)
        total = np.zeros((len(matrix), matrix.shape[1] + 1))
        for booster in self.boosters_:
            total += boosting.parts(booster, matrix, self.threads)
        names = [*self.preparation_.columns_, "base"]
        return pd.DataFrame(total / len(self.boosters_), index=features.index, columns=names)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a file: the trees in LightGBM's own text, and all that scoring needs."""
        self._refuse_unlearned()
        return {
            "basis": _BASIS,
            "preparation": self.preparation_.as_dict(),
            "boosters": [booster.model_to_string() for booster in self.boosters_],
            "settings": {
                "members": self.members, "most_rows": self.most_rows, "seed": self.seed,
                "monotone": [{"name": name, "sign": sign} for name, sign in sorted(self.monotone.items())],
            },
            "calibration": {"method": self.calibration_, "intercept": self._intercept, "slope": self._slope},
            "learned_from": {
                "rows": self.n_, "events": self.events_count_, "base_rate": self.base_rate_, "rounds": self.rounds_,
                "held_back": self.held_back_, "first_on": self.first_on_, "last_on": self.last_on_,
                "notes": list(self.notes_),
            },
        }  # fmt: skip

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any], *, threads: int = 1) -> ChurnModel:
        """Read what `as_dict` wrote; scores are equal to the bit."""
        need = ("basis", "preparation", "boosters", "settings", "calibration", "learned_from")
        lacks = [name for name in need if name not in kept]
        refuse(*([f"ChurnModel: the model lacks {lacks}. Give what as_dict wrote."] * bool(lacks)))
        if kept["basis"] != _BASIS:
            refuse(f"ChurnModel: the model was learned for {kept['basis']!r}, not {_BASIS!r}. Give a churn model.")
        given, said = kept["settings"], kept["learned_from"]
        made = cls(
            members=given["members"], monotone={one["name"]: one["sign"] for one in given["monotone"]},
            most_rows=given["most_rows"], threads=threads, seed=given["seed"],
        )  # fmt: skip
        made.preparation_ = Preparation.from_dict(kept["preparation"])
        made.boosters_ = [boosting.read(text) for text in kept["boosters"]]
        made.calibration_ = kept["calibration"]["method"]
        made._intercept, made._slope = kept["calibration"]["intercept"], kept["calibration"]["slope"]
        made.n_, made.events_count_, made.base_rate_ = said["rows"], said["events"], said["base_rate"]
        made.rounds_, made.held_back_, made.notes_ = said["rounds"], said["held_back"], list(said["notes"])
        made.first_on_, made.last_on_ = said["first_on"], said["last_on"]
        return made

    def _scores(self, matrix: np.ndarray) -> np.ndarray:
        return np.mean([boosting.raw(booster, matrix, self.threads) for booster in self.boosters_], axis=0)

    def _ready(self, features: pd.DataFrame) -> np.ndarray:
        self._refuse_unlearned()
        return self.preparation_.transform(features)

    def _refuse_unlearned(self) -> None:
        if not hasattr(self, "boosters_"):
            refuse("ChurnModel: nothing was learned yet. Call fit first.")

    def _refuse_settings(self) -> None:
        whole = {"members": self.members, "most_rows": self.most_rows, "threads": self.threads}
        refuse(
            *(
                f"ChurnModel: {name} is {value!r}. Give a whole number, 1 or more."
                for name, value in whole.items()
                if isinstance(value, bool) or not isinstance(value, int) or value < 1
            ),
            *(
                f"ChurnModel: monotone[{name!r}] is {sign!r}. Give 1 (rises with it) or -1 (falls)."
                for name, sign in self.monotone.items()
                if sign not in (1, -1)
            ),
        )

    def _constraints(self) -> list[int]:
        return [self.monotone.get(name, 0) for name in self.preparation_.columns_] if self.monotone else []

    def _refuse_columns(self, matrix: np.ndarray, outcome: np.ndarray) -> None:
        prepared = self.preparation_
        known = [*prepared.columns_, *prepared.dropped_]
        tell = [
            name
            for j, name in enumerate(prepared.columns_)
            if _parts_the_classes(matrix[:, j], outcome, prepared.kinds_[name])
        ]
        refuse(
            *(
                f"ChurnModel: monotone names {name!r}, which is no column.{nearest(name, known)} "
                "Name a column of numbers."
                for name in self.monotone
                if name not in known
            ),
            *(
                f"ChurnModel: monotone names {name!r}, a column of words, which do not rise. Leave it out."
                for name in self.monotone
                if prepared.kinds_.get(name) == "words"
            ),
            *(
                f"ChurnModel: column {name!r} alone tells every outcome. "
                "Ask when its value was written, and leave it out."
                for name in tell
            ),
        )

    def _notes(self, rows: LearnedRows, found: boosting.HeldBack, why: str) -> list[str]:
        notes = [f"{name} is not used: {reason}." for name, reason in self.preparation_.dropped_.items()]
        events = int(min(rows.outcome.sum(), (1 - rows.outcome).sum()))
        if events < 100:
            notes.append(f"Only {events} rows of the rarer kind: the ranking is uncertain.")
        if not found.is_better_than_rate:
            notes.append("On the rows held back the model said no more than the event rate.")
        return [*notes, why]


def _parts_the_classes(column: np.ndarray, outcome: np.ndarray, kind: str) -> bool:
    """Whether a column's values never occur with both outcomes: for numbers, one cut parts them (gaps beside)."""
    gap = np.isnan(column)
    if gap.any() and 0 < outcome[gap].mean() < 1:
        return False
    event, other = column[(outcome == 1) & ~gap], column[(outcome == 0) & ~gap]
    if len(event) == 0 or len(other) == 0:
        return True  # the gap itself tells
    if kind == "words":
        return len(np.intersect1d(event, other)) == 0
    return bool(event.min() > other.max() or event.max() < other.min())
