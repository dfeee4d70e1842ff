"""When will they leave: the chance of each month to come, given that the customer is still here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from crmlab.churn.learning.learned_rows import FEWEST_EVENTS
from crmlab.churn.learning.learner import ChurnModel
from crmlab.churn.learning.preparation import feature_names
from crmlab.churn.learning.rivals import SplineLogistic
from crmlab.errors import nearest, refuse
from crmlab.stats.evidence import Evidence

__all__ = ["MONTH", "HazardModel", "person_periods", "survival_check"]

MONTH = "months_ahead"
_LEARNERS: dict[str, Callable[[int], Any]] = {
    "logistic": lambda seed: SplineLogistic(seed=seed),
    "lightgbm": lambda seed: ChurnModel(members=3, seed=seed),
}


def person_periods(
    features: pd.DataFrame, months: object, exit_cause: object, *, horizon_months: int = 12
) -> pd.DataFrame:
    """Write one row for each customer and month survived or left in.

    Parameters
    ----------
    features : DataFrame
        What is known at the start, one row a customer (or customer and date). Not changed.
    months : array-like of int
        Months observed after the start, 0 or more: to the month of leaving, that one included, or to the end of the
        data.
    exit_cause : array-like of str
        Why the customer left in that month; empty where he was still there.
    horizon_months : int
        Later months are not written.

    Returns
    -------
    DataFrame
        The features, ``months_ahead`` (1 is the first month), ``exit_cause`` (empty unless left in that month) and
        ``start_place`` (the row of `features`).

    Examples
    --------
    >>> table = person_periods(pd.DataFrame({"x": [5, 6]}), [2, 1], ["moved", ""])
    >>> table[["x", "months_ahead", "exit_cause"]].values.tolist()
    [[5, 1, ''], [5, 2, 'moved'], [6, 1, '']]
    """
    given = pd.to_numeric(pd.Series(np.asarray(months)), errors="coerce")
    cause = pd.Series(np.asarray(exit_cause, dtype=object)).fillna("").astype("str")
    n = len(features)
    wrong = int((given.isna() | (given < 0) | (given % 1 != 0)).sum())
    never = int(((given == 0) & (cause != "")).sum())
    refuse(
        *([f"person_periods: {n:,} rows of features, {len(given):,} months, {len(cause):,} causes. Give all by row."]
          * (not n == len(given) == len(cause))),
        *([f"person_periods: months are no whole numbers from 0 in {wrong:,} rows. Count months observed."]
          * (wrong > 0)),
        *([f"person_periods: {never:,} rows left after 0 months. Count the month of leaving as one."] * (never > 0)),
        *([f"person_periods: horizon_months is {horizon_months!r}. Give a whole number, 1 or more."]
          * (not isinstance(horizon_months, int) or horizon_months < 1)),
        *([f"person_periods: the features have a column {MONTH!r} already. Name it otherwise."]
          * (MONTH in features.columns)),
    )  # fmt: skip
    seen = np.minimum(given.to_numpy(dtype=int), horizon_months)
    place = np.repeat(np.arange(n), seen)
    ahead = np.arange(len(place)) - np.repeat(np.cumsum(seen) - seen, seen) + 1
    leaves = ahead == given.to_numpy(dtype=int)[place]
    rows = features.iloc[place].reset_index(drop=True)
    told = np.where(leaves, cause.to_numpy(dtype=object)[place], "")
    return rows.assign(**{MONTH: ahead, "exit_cause": told, "start_place": place})


class HazardModel:
    """Say for each month to come how likely it is that a customer leaves in it, by cause.

    Parameters
    ----------
    learner : str
        ``logistic`` (spline logistic regression) or ``lightgbm``.
    horizon_months : int, 1 or more
        Months looked ahead.
    most_rows : int
        Customers are drawn by lot until about so many rows of customer and month are learned from.
    seed : int

    Attributes
    ----------
    causes_ : list of str
        Causes that were seen often enough (10 exits), in order.
    rare_ : dict of str to int
        Causes seen less often, with their exits: their hazard is taken as one constant for all.

    Notes
    -----
    Discrete time: h_c(t | x) is the chance to leave in month t for cause c given that the customer is still here. The
    chance to be here after month t is S(t) = product over u up to t of (1 - sum of h_c(u)), and the chance to have left
    for cause c by then is the sum of S(u - 1) h_c(u). Who is still here when the data end counts for the months seen:
    the end of the data must have nothing to do with leaving. Causes exclude each other; a forecast for one depends on
    the hazards of all.

    References
    ----------
    Singer and Willett (1993), It's about time, Journal of Educational Statistics 18; Tutz and Schmid (2016), Modeling
    Discrete Time-to-Event Data, chapter 8 (competing risks).

    Examples
    --------
    >>> frame = pd.DataFrame({"silent": [0.0, 1.0] * 300})
    >>> months = [6, 2] * 300
    >>> model = HazardModel(horizon_months=6).fit(frame, months, ["", "choice"] * 300)
    >>> model.expected_months(pd.DataFrame({"silent": [0.0, 1.0]})).round(0).tolist()
    [6.0, 2.0]
    """

    def __init__(
        self, *, learner: str = "logistic", horizon_months: int = 12, most_rows: int = 200_000, seed: int = 1
    ) -> None:
        self.learner = learner
        self.horizon_months = horizon_months
        self.most_rows = most_rows
        self.seed = seed

    def fit(
        self, features: pd.DataFrame, months: object, exit_cause: object, *, customers: object = None
    ) -> HazardModel:
        """Learn from customers followed for some months.

        Parameters
        ----------
        features, months, exit_cause
            As in `person_periods`.
        customers : array-like, optional
            Whose row it is; None: column or index ``customer_id``, else each row is another customer.
        """
        if self.learner not in _LEARNERS:
            known = ", ".join(_LEARNERS)
            refuse(
                f"HazardModel: learner {self.learner!r} is not known.{nearest(self.learner, _LEARNERS)} Choose {known}."
            )
        if customers is None:
            named = "customer_id" in features.columns
            customers = (
                features["customer_id"] if named else features.index if features.index.name else range(len(features))
            )
        self.columns_ = feature_names(features)
        used = features[self.columns_]
        table = person_periods(used, months, exit_cause, horizon_months=self.horizon_months)
        whose = np.asarray(customers, dtype=object)[table["start_place"]]
        table, whose = self._thinned(table, whose)
        counts = table.loc[table["exit_cause"] != "", "exit_cause"].value_counts()
        self.causes_ = sorted(counts.index[counts >= FEWEST_EVENTS])
        self.rare_ = {name: int(n) for name, n in sorted(counts[counts < FEWEST_EVENTS].items())}
        if not self.causes_:
            refuse(
                f"HazardModel: {int(counts.sum()):,} exits in {len(table):,} months. "
                f"Give at least {FEWEST_EVENTS} of a cause."
            )
        self._constant = {name: n / len(table) for name, n in self.rare_.items()}
        x = table[[*self.columns_, MONTH]]
        if x[MONTH].nunique() == 1 and not self.columns_:
            refuse("HazardModel: there is no column and one month. Give columns, or follow customers longer.")
        self._models = {
            cause: _LEARNERS[self.learner](self.seed).fit(x, table["exit_cause"].eq(cause).astype(int), customers=whose)
            for cause in self.causes_
        }
        self.n_, self.exits_count_ = len(table), int(counts.sum())
        return self

    def hazard(self, features: pd.DataFrame, cause: str = "") -> pd.DataFrame:
        """Give the chance to leave in each month, given to be still here.

        Parameters
        ----------
        features : DataFrame
        cause : str
            One of the causes; empty: all together.

        Returns
        -------
        DataFrame
            Columns 1 to the horizon; 0 to 1; same index, same order.
        """
        found = self._hazards(features)
        self._refuse_cause(cause, found)
        return self._framed(features, found[cause] if cause else sum(found.values()))

    def survival(self, features: pd.DataFrame) -> pd.DataFrame:
        """Give the chance to be still here after each month; columns 1 to the horizon."""
        return self._framed(features, np.cumprod(1 - sum(self._hazards(features).values()), axis=1))

    def cumulative_incidence(self, features: pd.DataFrame, cause: str) -> pd.DataFrame:
        """Give the chance to have left for a cause by each month; over causes and staying they sum to 1."""
        found = self._hazards(features)
        self._refuse_cause(cause, found)
        here = np.cumprod(1 - sum(found.values()), axis=1)
        before = np.column_stack([np.ones(len(features)), here[:, :-1]])
        return self._framed(features, np.cumsum(before * found[cause], axis=1))

    def expected_months(self, features: pd.DataFrame) -> pd.Series:
        """Give the months a customer will still be here, of the months to the horizon.

        Returns
        -------
        Series
            ``expected_months``, 1 to the horizon: the month of leaving counts as one, and nobody is followed further.
        """
        here = self.survival(features).to_numpy()
        return pd.Series(1 + here[:, :-1].sum(axis=1), index=features.index, name="expected_months")

    def _hazards(self, features: pd.DataFrame) -> dict[str, np.ndarray]:
        if not hasattr(self, "_models"):
            refuse("HazardModel: nothing was learned yet. Call fit first.")
        n, steps = len(features), self.horizon_months
        lacks = [name for name in self.columns_ if name not in features.columns]
        refuse(
            *(f"HazardModel: column {name!r} is missing.{nearest(name, features.columns)} Give it." for name in lacks)
        )
        long = features[self.columns_].iloc[np.repeat(np.arange(n), steps)].reset_index(drop=True)
        long[MONTH] = np.tile(np.arange(1, steps + 1), n)
        found = {name: model.predict_proba(long).to_numpy().reshape(n, steps) for name, model in self._models.items()}
        found |= {name: np.full((n, steps), rate) for name, rate in self._constant.items()}
        total = sum(found.values())
        # each cause was learned against all else, so a sum above 1 is possible in a corner
        return {name: h / np.maximum(total, 1.0) for name, h in found.items()}

    def _framed(self, features: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=features.index, columns=range(1, self.horizon_months + 1))

    def _refuse_cause(self, cause: str, found: dict[str, np.ndarray]) -> None:
        if cause and cause not in found:
            refuse(f"HazardModel: cause {cause!r} was never seen.{nearest(cause, found)} Known: {sorted(found)}.")

    def _thinned(self, table: pd.DataFrame, whose: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
        from crmlab.stats.time_splits import shuffled_folds

        shares = int(np.ceil(len(table) / self.most_rows))
        if shares <= 1:
            return table, whose
        kept = shuffled_folds(whose, folds=shares, seed=self.seed) == 0
        return table[kept].reset_index(drop=True), whose[kept]


def survival_check(
    model: HazardModel, features: pd.DataFrame, months: object, exit_cause: object, *, cause: str = ""
) -> Evidence:
    """Hold what was said of leaving by each month against what happened to customers not learned from.

    Parameters
    ----------
    model : HazardModel
        Learned on others.
    features, months, exit_cause
        As in `person_periods`.
    cause : str
        One cause; empty: all.

    Returns
    -------
    Evidence
        Frame, one row a month: ``month``, ``said`` (mean chance to have left by then), ``happened`` with
        ``happened_low``, ``happened_high`` (Aalen-Johansen; Kaplan-Meier for all causes), ``at_risk_count``,
        ``is_off``.

    Notes
    -----
    The limits are Greenwood's on the log(-log) scale for all causes, and for one cause the plain ones of the counting
    process (Aalen); each month by itself.

    References
    ----------
    Kaplan and Meier (1958), JASA 53; Aalen and Johansen (1978), Scandinavian Journal of Statistics 5.
    """
    table = person_periods(
        pd.DataFrame(index=range(len(features))), months, exit_cause, horizon_months=model.horizon_months
    )
    said = (model.cumulative_incidence(features, cause) if cause else 1 - model.survival(features)).mean()
    steps = np.arange(1, model.horizon_months + 1)
    risk = table[MONTH].value_counts().reindex(steps, fill_value=0).to_numpy()
    left = table[table["exit_cause"] != ""][MONTH].value_counts().reindex(steps, fill_value=0).to_numpy()
    mine = left
    if cause:
        mine = table[table["exit_cause"] == cause][MONTH].value_counts().reindex(steps, fill_value=0).to_numpy()
    happened, error = _incidence(risk, left, mine)
    known = risk > 0
    happened = np.where(known, happened, np.nan)
    low, high = np.clip(happened - 1.96 * error, 0, 1), np.clip(happened + 1.96 * error, 0, 1)
    if not cause:
        here = np.clip(1 - happened, 1e-12, 1 - 1e-12)
        reach = 1.96 * error / (here * np.abs(np.log(here)))
        low, high = 1 - here ** np.exp(-reach), 1 - here ** np.exp(reach)
    frame = pd.DataFrame(
        {
            "month": steps, "said": said.to_numpy(), "happened": happened, "happened_low": low, "happened_high": high,
            "at_risk_count": risk, "is_off": known & ((said.to_numpy() < low) | (said.to_numpy() > high)),
        }
    )  # fmt: skip
    off, last = int(frame["is_off"].sum()), frame[known].iloc[-1] if known.any() else None
    told = "Nobody was followed." if last is None else (
        f"By month {int(last['month'])} {100 * last['said']:.1f} % were said to have left, "
        f"{100 * last['happened']:.1f} % had ({100 * last['happened_low']:.1f} to {100 * last['happened_high']:.1f} %)."
    )  # fmt: skip
    return Evidence(
        frame,
        title=f"What was said lies outside the limits in {off} of {int(known.sum())} months",
        about=f"Share that has left{f' ({cause})' if cause else ''} by month, {len(features):,} customers; 95 % limits",
        reading=told,
    )


def _incidence(risk: np.ndarray, left: np.ndarray, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative incidence of one cause, and its standard error (Aalen's; Greenwood's where it is the only cause)."""
    safe = np.maximum(risk, 1)
    here = np.cumprod(1 - left / safe)
    before = np.append(1.0, here[:-1])
    total = np.cumsum(before * mine / safe)
    error = np.empty(len(risk))
    for t in range(len(risk)):
        u = slice(0, t + 1)
        gap = total[t] - total[u]
        rest = np.maximum(risk[u] - left[u], 1)
        own = before[u] ** 2 * mine[u] * (safe[u] - mine[u]) / safe[u] ** 3
        both = gap * before[u] * mine[u] / safe[u] ** 2
        error[t] = np.sqrt(max(np.sum(gap**2 * left[u] / (safe[u] * rest) + own - 2 * both), 0.0))
    return total, error
