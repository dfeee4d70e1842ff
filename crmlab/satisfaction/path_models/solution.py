"""From covariances of items to everything a path model says, for one survey or for a stack of resamples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.path_models.algorithm import SCHEMES, by_block, outer_weights
from crmlab.satisfaction.path_models.consistent import admissible, consistent_loadings, disattenuated, rho_a
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.structural import explained_shares, path_coefficients, total_effects

__all__ = ["Settings", "Solution", "solve"]


@dataclass(frozen=True)
class Settings:
    """How a path model is estimated.

    Parameters
    ----------
    scheme : {"path", "centroid", "factorial"}
        How neighbours are weighed in the iteration.
    scaled : bool
        Whether items enter with variance 1 (correlations) or as they are (covariances).
    consistent : bool
        Whether correlations are freed from the errors of the items (PLSc).
    tolerance : float
        Largest move of a weight that ends the iteration.
    most_iterations : int
        After so many it is given up.
    """

    scheme: str = "path"
    scaled: bool = True
    consistent: bool = False
    tolerance: float = 1e-9
    most_iterations: int = 500

    def __post_init__(self) -> None:
        problems = []
        if self.scheme not in SCHEMES:
            known = ", ".join(SCHEMES)
            problems.append(f"scheme: {self.scheme!r} is not known.{nearest(self.scheme, SCHEMES)} Known: {known}.")
        if not self.tolerance > 0:
            problems.append(f"tolerance: {self.tolerance!r} is not above 0. Give a small number such as 1e-9.")
        if self.most_iterations < 1:
            problems.append(f"most_iterations: {self.most_iterations!r} is below 1. Give 1 or more.")
        refuse(*problems)


@dataclass(frozen=True)
class Solution:
    """What a path model says. Leading axes, written (...), are those of the covariances: none, or one a resample.

    Parameters
    ----------
    model : PathModel
        The model of paths between `model.constructs`; with second-order constructs, that of the second stage.
    weights : ndarray of float, shape (..., p)
        Outer weights for standardised items: weights times standardised items is the composite, of variance 1.
    unstandardised_weights : ndarray of float, shape (..., p)
        The same for items in points of the scale: `weights` over the standard deviations.
    item_weights : ndarray of float, shape (..., items of the survey, constructs)
        Unstandardised weights of the survey's items in every construct; 0 where an item is not of it. With second-order
        constructs, an item weighs as it does in its dimension, times the weight of that.
    loadings : ndarray of float, shape (..., p)
        Correlations of items with their composite; with PLSc, with the latent variable itself.
    cross_loadings : ndarray of float, shape (..., p, j)
        Correlations of items with every composite.
    composite_correlation, latent_correlation : ndarray of float, shape (..., j, j)
        Correlations of composites, and of latent variables: the same without PLSc.
    reliability : ndarray of float, shape (..., j)
        rho_A; 1 for one item or mode B.
    paths, total : ndarray of float, shape (..., j, j)
        Direct and total effects, ``[..., cause, effect]``.
    r2 : ndarray of float, shape (..., j)
        Share of variance explained; NaN where nothing acts.
    iterations : ndarray of int, shape (...)
        Iterations made.
    is_converged : ndarray of bool, shape (...)
        Whether weights settled.
    is_admissible : ndarray of bool, shape (...)
        Whether a population can have these values (see `admissible`); never where they are not known.
    first : Solution or None
        The first stage, of the dimensions, where there are second-order constructs.
    """

    model: PathModel
    weights: np.ndarray
    unstandardised_weights: np.ndarray
    item_weights: np.ndarray
    loadings: np.ndarray
    cross_loadings: np.ndarray
    composite_correlation: np.ndarray
    latent_correlation: np.ndarray
    reliability: np.ndarray
    paths: np.ndarray
    total: np.ndarray
    r2: np.ndarray
    iterations: np.ndarray
    is_converged: np.ndarray
    is_admissible: np.ndarray
    first: Solution | None = field(default=None)

    @property
    def indirect(self) -> np.ndarray:
        """Effects through other constructs, shape (..., j, j)."""
        return self.total - self.paths

    @property
    def goodness_of_fit(self) -> np.ndarray:
        """Root of mean communality times mean R squared (Tenenhaus et al. 2005), shape (...); no test of fit.

        Communalities are those of items of latent variables with more than one item; NaN where there is none.
        """
        sizes = np.bincount(self.model.block)
        several = sizes[self.model.block] > 1
        places = [self.model.constructs.index(name) for name in self.model.effects]
        communality = (self.loadings**2 * several).sum(axis=-1) / several.sum() if several.any() else np.nan
        with np.errstate(invalid="ignore"):
            return np.sqrt(communality * self.r2[..., places].mean(axis=-1))


def solve(covariance: np.ndarray, model: PathModel, settings: Settings | None = None, **changes: object) -> Solution:
    """Estimate a path model from covariances of its items, many tables at once.

    Parameters
    ----------
    covariance : ndarray of float, shape (..., p, p)
        Covariances or correlations of the items, in the order of `model.items`, with any leading axes.
    model : PathModel
        Items, latent variables, paths.
    settings : Settings, optional
        How; ``changes`` are its fields by name.

    Returns
    -------
    Solution
        Arrays with the same leading axes; NaN where a table has no solution.

    Notes
    -----
    Nothing is refused here: in a stack of resamples a table without a solution is marked, not fatal. `solve` has no
    random part. Signs: most loadings of a latent variable are positive, in every table.

    Examples
    --------
    Two items of loading .8 each, and latent variables that correlate .5: partial least squares finds .5 times the
    reliability .7805, its consistent form the truth.

    >>> model = PathModel({"a": ["a1", "a2"], "b": ["b1", "b2"]}, {"b": ["a"]})
    >>> table = np.full((4, 4), 0.32)
    >>> table[:2, :2] = table[2:, 2:] = 0.64
    >>> np.fill_diagonal(table, 1.0)
    >>> round(solve(table, model).paths[0, 1], 4), round(solve(table, model, consistent=True).paths[0, 1], 12)
    (np.float64(0.3902), np.float64(0.5))
    """
    settings = Settings(**{**(settings.__dict__ if settings else {}), **changes})
    covariance = np.asarray(covariance, dtype=float)
    p = len(model.items)
    if covariance.shape[-2:] != (p, p):
        refuse(f"covariance has shape {covariance.shape}, the model {p} items. Give (..., {p}, {p}).")
    if model.higher:
        from crmlab.satisfaction.path_models.second_order import solve_two_stage

        return solve_two_stage(covariance, model, settings)
    return solve_first_order(covariance, model, settings)


def solve_first_order(covariance: np.ndarray, model: PathModel, settings: Settings) -> Solution:
    """Estimate a model without second-order constructs (see `solve`)."""
    leading, p = covariance.shape[:-2], covariance.shape[-1]
    covariance = covariance.reshape(-1, p, p)
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = np.sqrt(np.einsum("bii->bi", covariance))
        matrix = covariance / (sd[:, :, None] * sd[:, None, :]) if settings.scaled else covariance
    is_known = np.isfinite(matrix).all(axis=(1, 2)) & (sd > 0).all(axis=1)
    matrix = np.where(is_known[:, None, None], matrix, np.nan)
    weights, iterations, is_converged = outer_weights(
        matrix, model, scheme=settings.scheme, tolerance=settings.tolerance, most_iterations=settings.most_iterations
    )
    entered_sd = np.ones_like(sd) if settings.scaled else sd
    weights, cross, composite = _composites(matrix, weights, entered_sd, model)
    own_loadings = cross[:, np.arange(p), model.block]
    reliability = rho_a(matrix, weights, model)
    loadings, latent = own_loadings, composite
    if settings.consistent:
        latent = disattenuated(composite, reliability)
        loadings = consistent_loadings(own_loadings, entered_sd, weights, reliability, model)
    paths = path_coefficients(latent, model)
    r2 = explained_shares(latent, paths, model)
    unstandardised = weights / (sd if settings.scaled else 1.0)
    item_weights = np.zeros((len(covariance), p, len(model.names)))
    item_weights[:, np.arange(p), model.block] = unstandardised
    corrected = reliability if settings.consistent else np.ones_like(reliability)
    possible = admissible(latent, loadings, corrected, r2)
    found = {
        "weights": unstandardised * sd,
        "unstandardised_weights": unstandardised,
        "item_weights": item_weights,
        "loadings": loadings,
        "cross_loadings": cross,
        "composite_correlation": composite,
        "latent_correlation": latent,
        "reliability": reliability,
        "paths": paths,
        "total": total_effects(paths),
        "r2": r2,
        "iterations": iterations,
        "is_converged": is_converged,
        "is_admissible": np.logical_and.reduce(list(possible.values())),
    }
    return Solution(model, **{name: values.reshape((*leading, *values.shape[1:])) for name, values in found.items()})


def _composites(
    matrix: np.ndarray, weights: np.ndarray, sd: np.ndarray, model: PathModel
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights with their signs set, correlations of items with composites, and of composites."""
    count, p = weights.shape
    spread = np.zeros((count, p, len(model.names)))
    spread[:, np.arange(p), model.block] = weights
    cross = matrix @ spread / sd[:, :, None]
    own = cross[:, np.arange(p), model.block]
    majority = by_block(np.sign(own)[:, :, None], model)[:, :, 0]
    first = own[:, np.searchsorted(model.block, np.arange(len(model.names)))]
    sign = np.where(np.where(majority == 0, first, majority) < 0, -1.0, 1.0)
    weights, cross = weights * sign[:, model.block], cross * sign[:, None, :]
    composite = by_block(weights[:, :, None] * cross * sd[:, :, None], model)
    composite = (composite + composite.transpose(0, 2, 1)) / 2
    is_known = np.isfinite(composite).all(axis=(1, 2))
    np.einsum("bjj->bj", composite)[is_known] = 1.0
    return weights, cross, composite
