"""How well the items of each latent variable measure it: alpha, rho_A, rho_C, AVE, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.satisfaction.measurement.measured import Measured
from crmlab.satisfaction.measurement.measures import (
    average_variance_extracted,
    composite_reliability,
    correlation,
    cronbach_alpha,
    dillon_goldstein_rho,
    membership,
)
from crmlab.satisfaction.path_models.consistent import consistent_loadings
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.solution import Solution

__all__ = ["first_stage", "latent_loadings", "reliability"]

_WITH_INTERVAL = ("alpha", "rho_a", "rho_c", "ave")


def reliability(found: Measured) -> pd.DataFrame:
    """Say for each latent variable how much of what its items show is not error.

    Parameters
    ----------
    found : Measured
        A survey and its resamples.

    Returns
    -------
    DataFrame
        One row a latent variable: ``latent``, ``title``, ``items_count``; ``alpha`` (Cronbach's, raw), ``rho_a`` (of
        the weighted composite: what the index is made of), ``rho_c`` (of the plain sum), ``ave`` (mean share of an
        item's variance that the latent variable explains), each 0 to 1 with ``_low`` and ``_high``;
        ``alpha_standardised``;
        ``rho_c_composite``, ``ave_composite`` and ``dillon_goldstein``, which are too high and only there to compare
        with other software; ``n``; ``note``.

    Notes
    -----
    ``rho_c`` and ``ave`` are made of consistent loadings, those on the latent variable. Loadings on the composite hold
    the item's own error twice: on 250 customers of a Spanish bank the AVE of satisfaction is .69, with them .76.

    The 95 % limits hold the true value in 94 to 95 % (alpha, rho_C, AVE) and 92 to 94 % (rho_A) of samples of 150 and
    400 (`benchmarks/satisfaction_measures.py`, 300 samples a cell).

    A single item's error cannot be seen, so nothing is said of it. Items of mode B make a latent variable up; they need
    not go together, and none of these coefficients applies. Alpha may be below 0 where items are reversed.

    References
    ----------
    Dijkstra and Henseler (2015), MIS Quarterly 39(2), for rho_A and consistent loadings; see
    `crmlab.satisfaction.measurement.measures` for the others.

    Examples
    --------
    >>> from crmlab.satisfaction.measurement.measured import measured
    >>> rng = np.random.default_rng(1)
    >>> both = rng.normal(size=(400, 1))
    >>> frame = pd.DataFrame(both + rng.normal(size=(400, 4)), columns=["s1", "s2", "s3", "l1"])
    >>> model = PathModel({"sat": ("s1", "s2", "s3"), "loy": ("l1",)}, {"loy": ("sat",)})
    >>> table = reliability(measured(frame, model, resamples=200))
    >>> table[["latent", "alpha", "alpha_low", "alpha_high"]].round(2).values.tolist()  # true: 3 x .5 / 2 = .75
    [['sat', 0.73, 0.68, 0.76], ['loy', nan, nan, nan]]
    >>> table["note"].tolist()
    ['', 'One item: its error is not known.']
    """
    stage = first_stage(found.solution)
    model = stage.model
    point = _coefficients(found.moments.covariance, stage, model)
    draws = _coefficients(found.resampled.covariance, first_stage(found.solutions), model)
    columns: dict[str, object] = {
        "latent": list(model.names),
        "title": [model.title(name) for name in model.names],
        "items_count": [len(model.latents[name]) for name in model.names],
    }
    for name in _WITH_INTERVAL:
        low, high = found.limits(draws[name])
        columns |= {name: point[name], f"{name}_low": low, f"{name}_high": high}
    rest = {name: values for name, values in point.items() if name not in _WITH_INTERVAL}
    return pd.DataFrame(columns | rest | {"n": found.n, "note": [_note(model, name) for name in model.names]})


def first_stage(solution: Solution) -> Solution:
    """Give the part of a solution whose latent variables have items: with second-order constructs, the first stage."""
    return solution if solution.first is None else solution.first


def latent_loadings(solution: Solution) -> np.ndarray:
    """Correlations of standardised items with the latent variable itself, shape (..., p), of a plain solution.

    Notes
    -----
    Proportional to the weights within a latent variable of mode A (PLSc); loadings on the composite for a single item
    and mode B.
    """
    unit = np.ones_like(solution.weights)
    return consistent_loadings(solution.loadings, unit, solution.weights, solution.reliability, solution.model)


def _coefficients(covariance: np.ndarray, stage: Solution, model: PathModel) -> dict[str, np.ndarray]:
    belongs = membership(model.latents)
    loadings = latent_loadings(stage)
    found = {
        "alpha": cronbach_alpha(covariance, belongs),
        "rho_a": stage.reliability,
        "rho_c": composite_reliability(loadings, belongs),
        "ave": average_variance_extracted(loadings, belongs),
        "alpha_standardised": cronbach_alpha(correlation(covariance), belongs),
        "rho_c_composite": composite_reliability(stage.loadings, belongs),
        "ave_composite": average_variance_extracted(stage.loadings, belongs),
        "dillon_goldstein": dillon_goldstein_rho(covariance, belongs),
    }
    applies = np.array([not _note(model, name) for name in model.names])
    return {name: np.where(applies, values, np.nan) for name, values in found.items()}


def _note(model: PathModel, name: str) -> str:
    if len(model.latents[name]) == 1:
        return "One item: its error is not known."
    return "Items make it up (mode B): they need not go together." if model.mode(name) == "B" else ""
