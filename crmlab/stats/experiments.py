"""What a trial shows: treated less held out, over strata in which all had the same chance to be treated."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.stats.estimate import Estimate
from crmlab.stats.intervals import proportions

__all__ = ["difference_of_means", "difference_of_shares"]

_SHARES = ("share", "share_low", "share_high")


def difference_of_shares(
    treated: tuple[object, object], held_out: tuple[object, object], *, level: float = 0.95
) -> Estimate:
    """Estimate a difference of two shares, in one stratum or over several.

    Parameters
    ----------
    treated, held_out : tuple of (acts, customers)
        Each an array with one value a stratum, or a number.

    Returns
    -------
    Estimate
        Mean of the strata's differences, weighted by their customers.

    Notes
    -----
    Wilson limits of each share, squared and added: Newcombe's hybrid score interval (his method 10), extended to a
    weighted sum (method of variance estimates recovery). Strata without both arms say nothing and are left out.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, 873-890; Zou and Donner (2008), Statistics in Medicine 27, 1693-1702.

    Examples
    --------
    >>> difference_of_shares((56, 70), (48, 80)).interval  # Newcombe 1998, table II, example a: .0524 to .3339
    '5.2 to 33.4 %'
    """
    y1, n1, y0, n0 = (np.atleast_1d(np.asarray(part, dtype=float)) for part in (*treated, *held_out))
    both = (n1 > 0) & (n0 > 0)
    y1, n1, y0, n0 = (part[both] for part in (y1, n1, y0, n0))
    if not both.any():
        return Estimate(float("nan"), unit="share", n=0, method="no stratum has both arms", level=level)
    weight = (n1 + n0) / (n1 + n0).sum()
    p1, low1, high1 = (proportions(y1, n1, level=level)[name].to_numpy() for name in _SHARES)
    p0, low0, high0 = (proportions(y0, n0, level=level)[name].to_numpy() for name in _SHARES)
    value = float((weight * (p1 - p0)).sum())
    below = float(np.sqrt((weight**2 * ((p1 - low1) ** 2 + (high0 - p0) ** 2)).sum()))
    above = float(np.sqrt((weight**2 * ((high1 - p1) ** 2 + (p0 - low0) ** 2)).sum()))
    method = "Newcombe" if len(weight) == 1 else "Newcombe by stratum, weighted by customers"
    return Estimate(
        value, unit="share", low=value - below, high=value + above, n=int((n1 + n0).sum()), method=method, level=level
    )


def difference_of_means(
    outcome: object, is_treated: object, *, strata: object = None, unit: str = "", level: float = 0.95
) -> Estimate:
    """Estimate a difference of two means, in one stratum or over several.

    Parameters
    ----------
    outcome : array-like of float
        One value a customer.
    is_treated : array-like of bool
        Treated, not held out: as drawn, whatever happened later (intention to treat).
    strata : array-like, optional
        Groups within which all had the same chance to be treated, such as the planned hold-out share.
    unit : str
        Unit of the outcome.

    Returns
    -------
    Estimate
        Mean of the strata's differences, weighted by their customers; limits from Welch's standard error by stratum
        and the normal law. Strata with fewer than two customers in an arm say nothing and are left out.

    References
    ----------
    Welch (1938), Biometrika 29, 350-362.

    Examples
    --------
    >>> found = difference_of_means([1.0, 3.0, 2.0, 2.0, 0.0, 1.0], [1, 1, 1, 0, 0, 0], unit="EUR")
    >>> round(found.value, 3), found.n
    (1.0, 6)
    """
    rows = pd.DataFrame(
        {
            "y": np.asarray(outcome, dtype=float),
            "arm": np.asarray(is_treated).astype(bool),
            "stratum": 0 if strata is None else np.asarray(strata),
        }
    )
    if rows["y"].isna().any():
        unknown = int(rows["y"].isna().sum())
        refuse(f"difference_of_means: {unknown:,} outcomes are not known. Count who was lost to sight, then leave out.")
    parts = rows.groupby(["stratum", "arm"])["y"].agg(["size", "mean", "var"]).unstack("arm")
    wanted = pd.MultiIndex.from_product([["size", "mean", "var"], [True, False]])
    parts = parts.reindex(columns=wanted)
    parts = parts[(parts["size"].fillna(0) >= 2).all(axis=1)]
    if not len(parts):
        return Estimate(float("nan"), unit=unit, n=0, method="no stratum has two customers in both arms", level=level)
    size = parts["size"].to_numpy(dtype=float)
    weight = size.sum(axis=1) / size.sum()
    value = float(weight @ (parts["mean", True] - parts["mean", False]).to_numpy())
    error = float(np.sqrt((weight**2 * (parts["var"].to_numpy() / size).sum(axis=1)).sum()))
    step = norm.ppf((1 + level) / 2) * error
    method = "Welch" if len(weight) == 1 else "Welch by stratum, weighted by customers"
    return Estimate(
        value, unit=unit, low=value - step, high=value + step, n=int(size.sum()), method=method, level=level
    )
