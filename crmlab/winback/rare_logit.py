"""A logistic regression for rare events: Firth's, with the intercept corrected so that chances add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from crmlab.errors import refuse

__all__ = ["RareLogit", "fit_rare_logit"]

_STEPS, _TOLERANCE, _LONGEST = 200, 1e-9, 2.0


@dataclass(frozen=True)
class RareLogit:
    """Coefficients of log odds, the intercept first.

    Parameters
    ----------
    coefficients, errors : array
        Log odds a unit of each column, and their standard errors.
    events, n : int
        Events and rows behind them.
    """

    coefficients: np.ndarray
    errors: np.ndarray
    events: int
    n: int

    def predict(self, x: object) -> np.ndarray:
        """Return the chance of the event for each row, 0 to 1."""
        rows = np.atleast_2d(np.asarray(x, dtype=float))
        return expit(self.coefficients[0] + rows @ self.coefficients[1:])


def fit_rare_logit(x: object, y: object) -> RareLogit:
    """Fit log odds to rare events.

    Parameters
    ----------
    x : array-like of float, shape (rows, columns)
        No gaps; may have no columns.
    y : array-like of 0 and 1
        At least one event.

    Notes
    -----
    Maximises log likelihood + log det(information) / 2 (Firth), which removes the first-order bias of few events and
    stays finite where a column separates them. That pulls chances towards one half, so the intercept is then fitted
    anew with the other coefficients held (FLIC): the chances add up to the events.

    References
    ----------
    Firth (1993), Biometrika 80; Heinze and Schemper (2002), Statistics in Medicine 21; Puhr, Heinze, Nold, Lusa and
    Geroldinger (2017), Statistics in Medicine 36.

    Examples
    --------
    >>> fitted = fit_rare_logit([[0.0]] * 50 + [[1.0]] * 50, [1] * 2 + [0] * 48 + [1] * 8 + [0] * 42)
    >>> float(fitted.predict([[0.0], [1.0]]).sum().round(6)), float(fitted.coefficients[1].round(2))
    (0.2, 1.36)
    """
    y = np.asarray(y, dtype=float)
    rows = np.asarray(x, dtype=float).reshape(len(y), -1)
    refuse(
        *([] if np.isfinite(rows).all() else ["fit_rare_logit: columns have gaps. Fill them first, and count them."]),
        *([] if ((y == 0) | (y == 1)).all() else ["fit_rare_logit: y holds other values than 0 and 1. Give flags."]),
        *([] if y.any() else ["fit_rare_logit: there is no event. Use a rate with its interval instead."]),
    )
    centre = rows.mean(axis=0)
    spread = np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1.0)
    design = np.column_stack([np.ones(len(y)), (rows - centre) / spread])
    beta = np.zeros(design.shape[1])
    beta[0] = np.log((y.sum() + 0.5) / (len(y) - y.sum() + 0.5))
    for _ in range(_STEPS):
        p = expit(design @ beta)
        weight = p * (1 - p)
        covariance = np.linalg.pinv(design.T * weight @ design)
        hat = weight * np.einsum("ij,jk,ik->i", design, covariance, design)
        step = covariance @ (design.T @ (y - p + hat * (0.5 - p)))
        step *= min(1.0, _LONGEST / max(np.abs(step).max(), 1e-300))
        beta = beta + step
        if np.abs(step).max() < _TOLERANCE:
            break
    p = expit(design @ beta)
    covariance = np.linalg.pinv(design.T * (p * (1 - p)) @ design)
    errors = np.sqrt(np.diag(covariance)) / np.append(1.0, spread)
    beta[0] = _intercept(design[:, 1:] @ beta[1:], y)
    slopes = beta[1:] / spread
    coefficients = np.append(beta[0] - slopes @ centre, slopes)
    return RareLogit(coefficients, errors, int(y.sum()), len(y))


def _intercept(offset: np.ndarray, y: np.ndarray) -> float:
    """Intercept with which the chances add up to the events."""
    value = np.log(y.mean() / max(1 - y.mean(), 1e-12)) - offset.mean()
    for _ in range(_STEPS):
        p = expit(value + offset)
        step = (y.sum() - p.sum()) / max((p * (1 - p)).sum(), 1e-300)
        value += np.clip(step, -_LONGEST, _LONGEST)
        if abs(step) < _TOLERANCE:
            break
    return float(value)
