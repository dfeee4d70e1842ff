"""Second-order constructs in two stages: first the dimensions, then the construct that they make up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.solution import Settings, Solution, solve_first_order

__all__ = ["first_stage", "second_stage", "solve_two_stage"]


def first_stage(model: PathModel) -> PathModel:
    """Model of the first stage: the dimensions take the paths of their construct.

    >>> parts = {"quality": ["p", "s"]}
    >>> model = PathModel({"p": ["p1"], "s": ["s1"], "sat": ["t1"]}, {"sat": ["quality"]}, higher=parts)
    >>> first_stage(model).paths
    {'sat': ('p', 's')}
    """
    parts = {name: model.higher.get(name, (name,)) for name in model.constructs}
    paths = {
        effect: tuple(part for cause in model.paths[name] for part in parts[cause])
        for name in model.effects
        for effect in parts[name]
    }
    modes = {name: mode for name, mode in model.modes.items() if name in model.latents}
    return PathModel(model.latents, paths, modes)


def second_stage(model: PathModel) -> PathModel:
    """Model of the second stage: the dimensions are items of their construct; all other latent variables keep theirs.

    >>> parts = {"quality": ["p", "s"]}
    >>> model = PathModel({"p": ["p1"], "s": ["s1"], "sat": ["t1"]}, {"sat": ["quality"]}, higher=parts)
    >>> second_stage(model).latents
    {'quality': ('p', 's'), 'sat': ('t1',)}
    """
    latents = {name: model.higher.get(name) or model.latents[name] for name in model.constructs}
    modes = {name: mode for name, mode in model.modes.items() if name in latents}
    titles = {name: model.title(name) for name in latents}
    return PathModel(latents, model.paths, modes, titles)


def solve_two_stage(covariance: np.ndarray, model: PathModel, settings: Settings) -> Solution:
    """Estimate a model with second-order constructs, many tables at once (see `solve`).

    Parameters
    ----------
    covariance : ndarray of float, shape (..., p, p)
        Covariances of the items, in the order of the model.
    model : PathModel
        With second-order constructs.
    settings : Settings
        How.

    Returns
    -------
    Solution
        Of the second stage; `first` is that of the first.

    Notes
    -----
    Disjoint two-stage approach: in stage 1 there are only the dimensions, with the paths of their construct; in stage 2
    their composites are the construct's items, and every other latent variable is measured by its own items again. The
    covariances of stage 2 are W'SW, with W the weights of stage 1.

    With PLSc, covariances of the composites are freed from the errors of their items before stage 2 (divided by the
    root of rho_A): a dimension then stands for itself, not for its composite. On a population of known loadings this
    returns the loadings of the dimensions and the paths exactly.

    References
    ----------
    Sarstedt, M., Hair, J. F., Cheah, J.-H., Becker, J.-M. and Ringle, C. M. (2019). How to specify, estimate, and
    validate higher-order constructs in PLS-SEM. Australasian Marketing Journal 27(3), 197-211.
    """
    first = solve_first_order(covariance, first_stage(model), settings)
    later = second_stage(model)
    spread = _composition(model, later, first)
    between = np.swapaxes(spread, -1, -2) @ covariance @ spread
    if settings.consistent:
        between = _without_error(between, model, later, first)
    second = solve_first_order(between, later, settings)
    item_weights = spread @ second.item_weights
    variance = np.einsum("...ij,...ik,...kj->...j", item_weights, covariance, item_weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        item_weights = item_weights / np.sqrt(variance)[..., None, :]
    return replace(
        second,
        item_weights=item_weights,
        iterations=np.maximum(first.iterations, second.iterations),
        is_converged=first.is_converged & second.is_converged,
        is_admissible=first.is_admissible & second.is_admissible,
        first=first,
    )


def _composition(model: PathModel, later: PathModel, first: Solution) -> np.ndarray:
    """How the items of stage 2 are made from those of the survey, shape (..., p, q)."""
    spread = np.zeros((*first.weights.shape, len(later.items)))
    for column, item in enumerate(later.items):
        if item in model.latent_of:
            spread[..., model.items.index(item), column] = 1.0
        else:
            spread[..., column] = first.item_weights[..., model.names.index(item)]
    return spread


def _without_error(between: np.ndarray, model: PathModel, later: PathModel, first: Solution) -> np.ndarray:
    root = np.ones(between.shape[:-1])
    for column, item in enumerate(later.items):
        if item not in model.latent_of:
            root[..., column] = np.sqrt(first.reliability[..., model.names.index(item)])
    corrected = between / (root[..., :, None] * root[..., None, :])
    np.einsum("...ii->...i", corrected)[...] = np.einsum("...ii->...i", between)
    return corrected
