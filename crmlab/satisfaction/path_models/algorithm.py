"""The iteration of partial least squares: outer weights of items from their covariances, for many tables at once."""

from __future__ import annotations

import numpy as np

from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.structural import regressions

__all__ = ["SCHEMES", "by_block", "outer_weights"]

SCHEMES = ("path", "centroid", "factorial")
_NOTHING = 1e-12  # a correlation, or a share of variance, that is rounding
_CANCELS = 0.01  # variance of equally weighted items as a share of that of unrelated ones
_COLLINEAR = 1e-10  # lowest eigenvalue of a block of mode B as a share of its largest


def by_block(values: np.ndarray, model: PathModel) -> np.ndarray:
    """Sum over the items of each latent variable along the second axis."""
    return np.add.reduceat(values, np.searchsorted(model.block, np.arange(len(model.names))), axis=1)


def outer_weights(
    matrix: np.ndarray, model: PathModel, *, scheme: str, tolerance: float, most_iterations: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the weights that turn items into composites of unit variance.

    Parameters
    ----------
    matrix : ndarray of float, shape (b, p, p)
        Covariances or correlations of the items, in the order of the model.
    model : PathModel
        Without second-order constructs.
    scheme : {"path", "centroid", "factorial"}
        How neighbours are weighed.
    tolerance : float
        The iteration ends when no weight (times the item's standard deviation) moves by more.
    most_iterations : int
        After so many it is given up.

    Returns
    -------
    tuple of ndarray
        Weights (b, p), NaN where there are none; iterations (b,); whether they settled (b,).

    Notes
    -----
    Repeated until nothing moves (Lohmoeller 1989): the proxy of a latent variable is the weighted sum of its
    neighbours' composites; mode A gives each item its covariance with the proxy, mode B the coefficient of the
    regression of the proxy on all items of the block; weights are scaled so that the composite has variance 1.
    Weights of neighbours: centroid, the sign of the correlation; factorial, the correlation; path, the regression
    coefficient for causes and the correlation for effects. The start is equal weights, with the sign of the
    correlation with the first item where a block of equal weights would hardly vary.

    The sign of a composite is that of most of its loadings; where as many go against it, that of the first item.

    A block whose items, or whose proxy, do not vary or go along with nothing has no weights: NaN, not settled.

    References
    ----------
    Lohmoeller, J.-B. (1989). Latent variable path modeling with partial least squares. Physica.
    Tenenhaus, M., Esposito Vinzi, V., Chatelin, Y.-M. and Lauro, C. (2005). PLS path modeling. Computational Statistics
    and Data Analysis 48(1), 159-205.
    """
    count, p = matrix.shape[:2]
    found, iterations = np.full((count, p), np.nan), np.zeros(count, dtype=int)
    is_settled = np.zeros(count, dtype=bool)
    variance = np.einsum("bii->bi", matrix)
    usable = np.isfinite(matrix).all(axis=(1, 2)) & (variance > 0).all(axis=1)
    inverses = _inverses(matrix, model, usable)
    left = np.flatnonzero(usable)
    matrix, sd = matrix[left], np.sqrt(variance[left])
    inverses = {name: inverse[left] for name, inverse in inverses.items()}
    weights, with_latent, latent, can_vary = _scaled(matrix, _start(matrix, sd, model), model)
    for iteration in range(1, most_iterations + 1):
        with_proxy = _with_proxy(with_latent, latent, model, scheme)
        goes_along = np.maximum.reduceat(np.abs(with_proxy) / sd, _starts(model), axis=1) > _NOTHING
        raw = with_proxy
        for name, inverse in inverses.items():
            own = _own(model, name)
            raw[:, own] = np.einsum("bij,bj->bi", inverse, with_proxy[:, own])
        new, with_latent, latent, still_varies = _scaled(matrix, raw, model)
        is_alive = can_vary & still_varies & goes_along.all(axis=1)
        moved = (np.abs(np.abs(new) - np.abs(weights)) * sd).max(axis=1, initial=0.0)
        weights, can_vary = new, still_varies
        settled = is_alive & (moved < tolerance)
        iterations[left] = iteration
        found[left[settled]], is_settled[left[settled]] = weights[settled], True
        keep = is_alive & ~settled
        if not keep.all():
            left, matrix, sd, weights, can_vary = left[keep], matrix[keep], sd[keep], weights[keep], can_vary[keep]
            with_latent, latent = with_latent[keep], latent[keep]
            inverses = {name: inverse[keep] for name, inverse in inverses.items()}
        if not len(left):
            break
    found[left] = weights
    return found, iterations, is_settled


def _start(matrix: np.ndarray, sd: np.ndarray, model: PathModel) -> np.ndarray:
    """Equal weights; with signs as each item goes along with the first where equal weights cancel each other."""
    equal = 1 / sd
    spread = np.zeros((*equal.shape, len(model.names)))
    spread[:, np.arange(equal.shape[1]), model.block] = equal
    variance = by_block((spread * (matrix @ spread)).sum(axis=2)[:, :, None], model)[:, :, 0]
    cancels = variance < _CANCELS * np.bincount(model.block)
    first = np.searchsorted(model.block, model.block)
    against = matrix[:, np.arange(equal.shape[1]), first] < 0
    return np.where(against & cancels[:, model.block], -equal, equal)


def _starts(model: PathModel) -> np.ndarray:
    return np.searchsorted(model.block, np.arange(len(model.names)))


def _own(model: PathModel, name: str) -> slice:
    first = int(_starts(model)[model.names.index(name)])
    return slice(first, first + len(model.latents[name]))


def _inverses(matrix: np.ndarray, model: PathModel, usable: np.ndarray) -> dict[str, np.ndarray]:
    """Inverse of each block of mode B; a block that has none makes its table unusable."""
    inverses = {}
    for name, items in model.latents.items():
        if model.mode(name) == "A" or len(items) == 1:
            continue
        own = _own(model, name)
        block = np.where(usable[:, None, None], matrix[:, own, own], np.eye(len(items)))
        values = np.linalg.eigvalsh(block)
        usable &= values[:, 0] > _COLLINEAR * values[:, -1]
        inverses[name] = np.linalg.inv(np.where(usable[:, None, None], block, np.eye(len(items))))
    return inverses


def _scaled(
    matrix: np.ndarray, weights: np.ndarray, model: PathModel
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights of composites of unit variance, covariances of items with them and among them, and which tables have any.

    One product of matrices does it all: covariances with the composites are scaled after the fact.
    """
    spread = np.zeros((*weights.shape, len(model.names)))
    spread[:, np.arange(weights.shape[1]), model.block] = weights
    with_latent = matrix @ spread
    latent = by_block(weights[:, :, None] * with_latent, model)
    variance = np.einsum("bjj->bj", latent)
    largest = by_block((weights**2 * np.einsum("bii->bi", matrix))[:, :, None], model)[:, :, 0]
    has_any = (variance > _NOTHING * largest).all(axis=1)
    scale = 1 / np.sqrt(np.where(has_any[:, None], variance, 1.0))
    weights = weights * scale[:, model.block]
    return weights, with_latent * scale[:, None, :], latent * scale[:, None, :] * scale[:, :, None], has_any


def _with_proxy(with_latent: np.ndarray, latent: np.ndarray, model: PathModel, scheme: str) -> np.ndarray:
    """Covariance of each item with the proxy of its latent variable, shape (b, p)."""
    inner = np.zeros_like(latent)  # [table, neighbour, latent]
    place = {name: number for number, name in enumerate(model.names)}
    for cause, effect in model.arrows:
        i, j = place[cause], place[effect]
        r = np.sign(latent[:, i, j]) if scheme == "centroid" else latent[:, i, j]
        inner[:, i, j], inner[:, j, i] = r, r
    if scheme == "path":
        for effect, causes, coefficients in regressions(latent, model):
            inner[:, causes, effect] = coefficients
    return np.einsum("bik,bki->bi", with_latent, inner[:, :, model.block])
