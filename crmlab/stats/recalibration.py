"""Mending probabilities: the calibration line, a new base rate, and a learned correction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats as laws
from scipy.optimize import brentq
from scipy.special import expit, logit

from crmlab.errors import nearest, refuse
from crmlab.stats.estimate import Estimate
from crmlab.stats.scored_rows import ScoredRows, scored_rows

__all__ = ["CalibrationLine", "Calibrator", "calibration_line", "move_to_base_rate", "repair_intercept"]

_EDGE = 1e-9  # probabilities of exactly 0 and 1 are pulled in so far
_METHODS = ("intercept", "logistic", "isotonic")


@dataclass(frozen=True)
class CalibrationLine:
    """How the log-odds of what happened follow those that were said.

    Parameters
    ----------
    intercept : Estimate
        Shift of the log-odds with the slope held at 1 (calibration in the large): above 0, too little was said.
    slope : Estimate
        1 is right; below 1 the probabilities are too extreme, as after overfitting; above 1 too timid.
    intercept_beside_slope : Estimate
        The intercept of the line with its own slope.
    """

    intercept: Estimate
    slope: Estimate
    intercept_beside_slope: Estimate


def calibration_line(
    outcome: object, p: object, *, weights: object = None, customers: object = None, level: float = 0.95
) -> CalibrationLine:
    """Estimate by how much the probabilities are shifted and stretched.

    Parameters
    ----------
    outcome : array-like of 0 and 1
    p : array-like of float
        Probability of the event, 0 to 1 (exactly 0 and 1 are pulled in by 1e-9: one such row that proves wrong weighs
        heavily, and rightly).
    weights : array-like of float, optional
        How much a row counts, above 0.
    customers : array-like, optional
        Whose row it is.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    CalibrationLine
        On the scale of log-odds. Not known with one class only; the slope not either where all probabilities are equal
        or where they part the classes without overlap.

    Notes
    -----
    Cox's logistic regression of the outcome on logit(p), by maximum likelihood. Limits: normal law, with the model's
    error; with weights or customers the sandwich error summed over customers.

    References
    ----------
    Cox (1958), Biometrika 45; Van Calster et al. (2019), Calibration: the Achilles heel of predictive analytics, BMC
    Medicine 17.

    Examples
    --------
    >>> line = calibration_line([0, 0, 0, 1] * 50, [0.1] * 200)
    >>> round(line.intercept.value, 4), line.slope.method  # logit(.25) - logit(.1)
    (1.0986, 'not known: all probabilities are equal')
    """
    rows = scored_rows("calibration_line", outcome, p, weights=weights, customers=customers, is_probability=True)
    place = _log_odds(rows.score)
    is_robust = weights is not None or customers is not None
    if rows.why_not_ranked:
        nothing = Estimate(math.nan, unit="index", n=rows.n, method=rows.why_not_ranked, level=level)
        return CalibrationLine(nothing, nothing, nothing)
    shift = _fitted(rows, np.ones((rows.n, 1)), place)
    reason = "not known: all probabilities are equal" if np.ptp(place) < 1e-12 else ""
    event = rows.outcome == 1
    if not reason and (place[event].min() >= place[~event].max() or place[event].max() <= place[~event].min()):
        reason = "not known: the probabilities part the classes without overlap"
    intercept = _estimate(rows, np.ones((rows.n, 1)), place, shift, 0, is_robust, level)
    if reason:
        nothing = Estimate(math.nan, unit="index", n=rows.n, method=reason, level=level)
        return CalibrationLine(intercept, nothing, nothing)
    columns = np.column_stack([np.ones(rows.n), place])
    line = _fitted(rows, columns, np.zeros(rows.n))
    beside, slope = (_estimate(rows, columns, np.zeros(rows.n), line, i, is_robust, level) for i in (0, 1))
    return CalibrationLine(intercept, slope, beside)


def repair_intercept(p: object, *, base_rate_from: float, base_rate_to: float) -> np.ndarray:
    """Move probabilities from the event rate they were learned at to another one.

    Parameters
    ----------
    p : array-like of float
        Probabilities, 0 to 1.
    base_rate_from, base_rate_to : float
        Event rates, above 0 and below 1: of the rows learned from, and of the rows judged now.

    Returns
    -------
    ndarray
        Probabilities, 0 to 1, in the same order. The ranking stays.

    Notes
    -----
    Bayes' rule when only the event rate moved and customers with (and without) the event look as before:
    logit(p) + logit(base_rate_to) - logit(base_rate_from). Also undoes over- and undersampling. When customers
    themselves changed, fit a `Calibrator` of method ``intercept`` on the latest period instead.

    References
    ----------
    Saerens, Latinne and Decaestecker (2002), Neural Computation 14; King and Zeng (2001), Political Analysis 9.

    Examples
    --------
    >>> repair_intercept([0.5, 0.9], base_rate_from=0.5, base_rate_to=0.1).round(3).tolist()  # .09 / (.09 + .09)
    [0.1, 0.5]
    """
    given = _probabilities("repair_intercept", p)
    refuse(*_rates("repair_intercept", base_rate_from=base_rate_from, base_rate_to=base_rate_to))
    return expit(logit(given) + logit(base_rate_to) - logit(base_rate_from))


def move_to_base_rate(p: object, *, base_rate: float, weights: object = None) -> np.ndarray:
    """Shift the log-odds of all probabilities alike until their mean is an event rate that is expected.

    Parameters
    ----------
    p : array-like of float
        Probabilities, above 0 and below 1 for at least one row.
    base_rate : float
        Event rate wanted, above 0 and below 1.
    weights : array-like of float, optional
        How much a row counts.

    Returns
    -------
    ndarray
        Probabilities in the same order, whose weighted mean is `base_rate`.

    Examples
    --------
    >>> float(move_to_base_rate([0.1, 0.2, 0.6], base_rate=0.1).mean().round(9))
    0.1
    """
    given = _probabilities("move_to_base_rate", p)
    refuse(*_rates("move_to_base_rate", base_rate=base_rate))
    w = np.ones(len(given)) if weights is None else np.asarray(weights, dtype=float)
    place = _log_odds(given)
    if len(given) == 0:
        return given.copy()
    shift = brentq(lambda step: float(np.average(expit(place + step), weights=w)) - base_rate, -60, 60, xtol=1e-13)
    return expit(place + shift)


class Calibrator:
    """A correction of probabilities, learned on rows whose outcome is known and applied to others.

    Parameters
    ----------
    method : str
        ``intercept``: one shift of the log-odds (few rows suffice; right after a shift of the base rate);
        ``logistic``: shift and stretch of the log-odds (Platt); ``isotonic``: any rising curve (needs many
        events).

    Attributes
    ----------
    intercept_, slope_ : float
        Of the log-odds; not there for ``isotonic``.
    n_, events_ : int
        Rows and events learned from.

    Notes
    -----
    Fit it on other rows than the model was fitted on, or it learns the model's overfitting as truth. ``isotonic`` is
    scikit-learn's, its ends pulled in by half a row: no customer gets a probability of 0 or 1.

    References
    ----------
    Platt (1999), Advances in Large Margin Classifiers; Zadrozny and Elkan (2002), KDD.

    Examples
    --------
    >>> calibrator = Calibrator(method="intercept").fit([0.2] * 10, [1, 0] * 5)
    >>> calibrator.predict([0.2, 0.5]).round(3).tolist()
    [0.5, 0.8]
    """

    def __init__(self, *, method: str = "logistic") -> None:
        self.method = method

    def fit(self, p: object, outcome: object, *, weights: object = None) -> Calibrator:
        """Learn the correction.

        Parameters
        ----------
        p : array-like of float
            Probabilities, 0 to 1.
        outcome : array-like of 0 and 1
            Both must occur.
        weights : array-like of float, optional
            How much a row counts, above 0.
        """
        if self.method not in _METHODS:
            refuse(
                f"Calibrator: method {self.method!r} is not known.{nearest(self.method, _METHODS)} "
                f"Choose one of {', '.join(_METHODS)}."
            )
        rows = scored_rows("Calibrator", outcome, p, weights=weights, is_probability=True)
        if rows.why_not_ranked:
            refuse(f"Calibrator: {rows.why_not_ranked.removeprefix('not known: ')}. Fit on rows with and without it.")
        place = _log_odds(rows.score)
        self.n_, self.events_ = rows.n, rows.events
        if self.method == "isotonic":
            from sklearn.isotonic import IsotonicRegression

            edge = 0.5 / (rows.n + 1)
            self._isotonic = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip")
            self._isotonic.fit(rows.score, rows.outcome, sample_weight=rows.weight)
            return self
        if self.method == "intercept":
            self.slope_ = 1.0
            self.intercept_ = float(_fitted(rows, np.ones((rows.n, 1)), place)[0])
            return self
        line = calibration_line(rows.outcome, rows.score, weights=rows.weight)
        if not math.isfinite(line.slope.value):
            reason = line.slope.method.removeprefix("not known: ")
            refuse(f"Calibrator: {reason}, so no slope can be learned. Use method 'intercept'.")
        self.intercept_, self.slope_ = line.intercept_beside_slope.value, line.slope.value
        return self

    def predict(self, p: object) -> np.ndarray:
        """Correct probabilities.

        Parameters
        ----------
        p : array-like of float
            Probabilities, 0 to 1.

        Returns
        -------
        ndarray
            Probabilities in the same order.
        """
        if not hasattr(self, "n_"):
            refuse("Calibrator: nothing was learned yet. Call fit first.")
        given = _probabilities("Calibrator", p)
        if self.method == "isotonic":
            return self._isotonic.predict(given) if len(given) else given.copy()
        return expit(self.intercept_ + self.slope_ * _log_odds(given))


def _log_odds(p: np.ndarray) -> np.ndarray:
    return logit(np.clip(p, _EDGE, 1 - _EDGE))


def _fitted(rows: ScoredRows, columns: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Maximise the weighted likelihood of a logistic regression by Newton's steps, halved where they overshoot."""
    coefficients, best = np.zeros(columns.shape[1]), -math.inf
    step = coefficients
    for _ in range(200):
        place = offset + columns @ coefficients
        fit = float(np.sum(rows.weight * (rows.outcome * place - np.logaddexp(0, place))))
        if fit < best - 1e-9 * abs(best):
            step = step / 2
            coefficients = coefficients - step
            continue
        best, p = fit, expit(place)
        gradient = columns.T @ (rows.weight * (rows.outcome - p))
        curve = (columns * (rows.weight * p * (1 - p))[:, None]).T @ columns
        step = np.linalg.solve(curve + 1e-12 * np.eye(len(curve)) * max(np.trace(curve), 1e-300), gradient)
        coefficients = coefficients + step
        if np.max(np.abs(step)) < 1e-11:
            break
    return coefficients


def _estimate(
    rows: ScoredRows, columns: np.ndarray, offset: np.ndarray, coefficients: np.ndarray, which: int, is_robust: bool,
    level: float,
) -> Estimate:  # fmt: skip
    p = expit(offset + columns @ coefficients)
    inverse = np.linalg.pinv((columns * (rows.weight * p * (1 - p))[:, None]).T @ columns)
    variance = inverse
    if is_robust:
        score = columns * (rows.weight * (rows.outcome - p))[:, None]
        summed = np.column_stack([np.bincount(rows.cluster, column) for column in score.T])
        groups = len(np.unique(rows.cluster))
        variance = inverse @ (summed.T @ summed) @ inverse * groups / max(groups - 1, 1)
    reach = float(laws.norm.ppf((1 + level) / 2)) * math.sqrt(max(variance[which, which], 0.0))
    value = float(coefficients[which])
    return Estimate(value, unit="index", low=value - reach, high=value + reach, n=rows.n, level=level,
                    method="sandwich over customers" if is_robust else "maximum likelihood")  # fmt: skip


def _probabilities(what: str, p: object) -> np.ndarray:
    given = np.asarray(p, dtype=float)
    wrong = int((~((given >= 0) & (given <= 1))).sum())
    refuse(
        *([f"{what}: {wrong:,} of {given.size:,} values are no probabilities. Give numbers from 0 to 1."] * (wrong > 0))
    )
    return given


def _rates(what: str, **rates: float) -> list[str]:
    return [f"{what}: {name} is {value}. Give a rate above 0 and below 1." for name, value in rates.items()
            if not 0 < value < 1]  # fmt: skip
