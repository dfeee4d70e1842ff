"""Sharper effects of a trial by what was known before it: CUPED, and regression with interactions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate
from crmlab.stats.experiments import difference_of_means

__all__ = ["Cuped", "adjusted_difference", "cuped"]


@dataclass(frozen=True)
class Cuped:
    """A difference of means, sharpened by facts from before the trial.

    Parameters
    ----------
    estimate : Estimate
        Treated less held out, in the unit of the outcome.
    variance_reduction_share : float
        Share of the variance that the facts take away: the squared (multiple) correlation within arms, 0 to 1. A trial
        needs this share fewer customers.
    theta : tuple of float
        Slope of the outcome on each fact, within arms.
    """

    estimate: Estimate
    variance_reduction_share: float
    theta: tuple[float, ...]


def cuped(
    outcome: object,
    is_treated: object,
    before: object,
    *,
    strata: object = None,
    unit: str = "",
    level: float = 0.95,
) -> Cuped:
    """Estimate a difference of means after taking out what facts from before the trial foretell.

    Parameters
    ----------
    outcome : array-like of float
        One value a customer.
    is_treated : array-like of bool
        As drawn (intention to treat).
    before : array-like of float, shape (n,) or (n, facts)
        Facts known before the draw, such as spend of the year before; no gaps. A fact that the treatment can change
        takes a part of the effect away.
    strata : array-like, optional
        Groups within which all had the same chance to be treated.
    unit, level
        Of the estimate.

    Notes
    -----
    Y - theta (X - mean of X), theta = cov(Y, X) / var(X) within arms and strata, then the difference of means with
    Welch's standard error. Its variance falls by rho squared: look at this share before promising savings.

    References
    ----------
    Deng, Xu, Kohavi and Walker (2013), Improving the sensitivity of online controlled experiments, WSDM.

    Examples
    --------
    >>> found = cuped([1.0, 2.0, 3.0, 2.0, 3.1, 3.9], [0, 0, 0, 1, 1, 1], [1.0, 2.0, 3.0, 1.0, 2.0, 3.0], unit="EUR")
    >>> round(found.estimate.value, 2), round(found.variance_reduction_share, 3)
    (1.0, 0.995)
    """
    y, treated, x, cells = _checked("cuped", outcome, is_treated, before, strata)
    code = pd.factorize(pd.Series(cells.astype(str)) + "|" + treated.astype(str))[0]
    inner_y, inner_x = _centred(y[:, None], code)[:, 0], _centred(x, code)
    theta = np.linalg.lstsq(inner_x, inner_y, rcond=1e-10)[0]
    total = float(inner_y @ inner_y)
    left = inner_y - inner_x @ theta
    reduction = 1 - float(left @ left) / total if total > 0 else 0.0
    found = difference_of_means(
        y - (x - x.mean(axis=0)) @ theta, treated, strata=None if strata is None else cells, unit=unit, level=level
    )
    named = Estimate(found.value, unit, found.low, found.high, found.n, f"CUPED, {found.method}", level)
    return Cuped(named, max(reduction, 0.0), tuple(theta.tolist()))


def adjusted_difference(
    outcome: object,
    is_treated: object,
    before: object,
    *,
    strata: object = None,
    unit: str = "",
    level: float = 0.95,
) -> Estimate:
    """Estimate a mean effect by a regression on treatment, earlier facts and their products.

    Parameters
    ----------
    outcome, is_treated, before, strata, unit, level
        As in `cuped`; an outcome of 0 and 1 with the unit ``share`` gives a difference of shares.

    Notes
    -----
    Lin's regression: Y on T, X - mean, T (X - mean), strata among X; standard error HC2, normal law. Its limit is at
    least as sharp as the plain difference whatever the true form, as the draw alone makes it unbiased. Facts that say
    the same twice, or nothing, are left out.

    References
    ----------
    Lin (2013), Agnostic notes on regression adjustments to experimental data, Annals of Applied Statistics 7, 295-318;
    MacKinnon and White (1985), Journal of Econometrics 29 (HC2).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> before, arm = rng.normal(size=400), np.arange(400) % 2 == 0
    >>> adjusted_difference(3 * before + 0.5 * arm + rng.normal(size=400), arm, before, unit="points").short
    '0.42 points'
    """
    y, treated, x, cells = _checked("adjusted_difference", outcome, is_treated, before, strata)
    if strata is not None:
        x = np.column_stack([x, pd.get_dummies(pd.Series(cells.astype(str))).to_numpy(float)])
    x = _independent(x - x.mean(axis=0))
    design = np.column_stack([np.ones(len(y)), treated, x, x * treated[:, None]])
    method = f"regression with {x.shape[1]} facts and their products (Lin), HC2"
    if min(treated.sum(), (~treated).sum()) < 2 or np.linalg.matrix_rank(design) < design.shape[1]:
        return Estimate(float("nan"), unit=unit, n=len(y), method="an arm has too few customers", level=level)
    inverse = np.linalg.pinv(design.T @ design)
    slopes = inverse @ design.T @ y
    left = y - design @ slopes
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    weight = np.where(leverage < 1 - 1e-9, left**2 / np.maximum(1 - leverage, 1e-9), 0.0)
    row = inverse[1] @ design.T
    step = norm.ppf((1 + level) / 2) * float(np.sqrt((row**2 * weight).sum()))
    value = float(slopes[1])
    return Estimate(value, unit=unit, low=value - step, high=value + step, n=len(y), method=method, level=level)


def _checked(what: str, outcome: object, is_treated: object, before: object, strata: object) -> tuple:
    y, treated = np.asarray(outcome, dtype=float), np.asarray(is_treated).astype(bool)
    x = np.asarray(before, dtype=float)
    x = x[:, None] if x.ndim == 1 else x
    cells = np.zeros(len(y), dtype=int) if strata is None else np.asarray(strata)
    lengths = {"arms": len(treated), "facts": len(x), "strata": len(cells)}
    refuse(
        *(
            f"{what}: {len(y):,} outcomes against {size:,} {name}. Give all for the same customers."
            for name, size in lengths.items()
            if size != len(y)
        ),
        *([f"{what}: {int(np.isnan(y).sum()):,} outcomes are not known. Leave those customers out, and count them."]
          if np.isnan(y).any() else []),
        *([f"{what}: {int(np.isnan(x).sum()):,} facts are not known. Fill them with a value and add a flag."]
          if np.isnan(x).any() else []),
    )  # fmt: skip
    return y, treated, x, cells


def _centred(values: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Take the mean of its group from every row."""
    size = np.bincount(code)
    means = np.column_stack([np.bincount(code, column) / size for column in values.T])
    return values - means[code]


def _independent(x: np.ndarray) -> np.ndarray:
    """Scale the columns and keep those that say something the earlier ones do not."""
    spread = x.std(axis=0)
    x = x[:, spread > 1e-12 * np.maximum(1.0, np.abs(x).max(axis=0, initial=0.0))]
    x = x / x.std(axis=0) if x.shape[1] else x
    kept: list[int] = []
    basis = np.empty((len(x), 0))
    for column in range(x.shape[1]):
        rest = x[:, column] - basis @ (basis.T @ x[:, column])
        size = np.linalg.norm(rest)
        if size > 1e-6 * np.sqrt(len(x)):
            kept.append(column)
            basis = np.column_stack([basis, rest / size])
    return x[:, kept]
