"""Consistent partial least squares: correlations of latent variables freed from the errors of their items."""

from __future__ import annotations

import numpy as np

from crmlab.satisfaction.path_models.model import PathModel

__all__ = ["admissible", "consistent_loadings", "disattenuated", "rho_a"]

_OVER = 1e-9  # beyond 1 by more than rounding


def rho_a(matrix: np.ndarray, weights: np.ndarray, model: PathModel) -> np.ndarray:
    """Reliability of each composite: squared correlation with the latent variable it stands for.

    Parameters
    ----------
    matrix : ndarray of float, shape (..., p, p)
        Covariances or correlations that the weights were found from.
    weights : ndarray of float, shape (..., p)
        Weights of composites of unit variance.
    model : PathModel
        A latent variable with one item, or of mode B, has 1: nothing is known of, or nothing is said to be, error.

    Returns
    -------
    ndarray of float, shape (..., j)
        NaN where the items of a block go along with each other so little that the formula has no value above 0.

    Notes
    -----
    (w'w)^2 times w'(S - diag S)w / w'(ww' - diag ww')w. Assumes that the errors of the items are unrelated, within a
    block and between blocks.

    References
    ----------
    Dijkstra, T. K. and Henseler, J. (2015). Consistent partial least squares path modeling. MIS Quarterly 39(2),
    297-316.

    Examples
    --------
    Two items with loading .8: composite of equal weights, reliability 2 x .64 / (1 + .64) = .7805.

    >>> model = PathModel({"a": ["a1", "a2"], "b": ["b1"]}, {"b": ["a"]})
    >>> matrix = np.array([[1.0, 0.64, 0.4], [0.64, 1.0, 0.4], [0.4, 0.4, 1.0]])
    >>> weight = 1 / np.sqrt(2 + 2 * 0.64)
    >>> rho_a(matrix, np.array([weight, weight, 1.0]), model).round(4).tolist()
    [0.7805, 1.0]
    """
    reliability = np.ones((*weights.shape[:-1], len(model.names)))
    for number, name in enumerate(model.names):
        if not _has_error(model, name):
            continue
        own = np.flatnonzero(model.block == number)
        w, s = weights[..., own], matrix[..., own, :][..., own]
        squares = (w**2).sum(axis=-1)
        common = np.einsum("...i,...ij,...j->...", w, s, w) - np.einsum("...i,...ii->...", w**2, s)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = squares**2 * common / (squares**2 - (w**4).sum(axis=-1))
            reliability[..., number] = np.where(value > 0, value, np.nan)
    return reliability


def _has_error(model: PathModel, name: str) -> bool:
    """Whether the composite of a latent variable holds error that can be told from it."""
    return model.mode(name) == "A" and len(model.latents[name]) > 1


def disattenuated(correlation: np.ndarray, reliability: np.ndarray) -> np.ndarray:
    """Divide correlations of composites by the roots of their reliabilities; 1 with themselves.

    >>> disattenuated(np.array([[1.0, 0.4], [0.4, 1.0]]), np.array([0.64, 1.0])).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    root = np.sqrt(reliability)
    corrected = correlation / (root[..., :, None] * root[..., None, :])
    np.einsum("...jj->...j", corrected)[...] = 1.0
    return corrected


def consistent_loadings(
    loadings: np.ndarray, sd: np.ndarray, weights: np.ndarray, reliability: np.ndarray, model: PathModel
) -> np.ndarray:
    """Correlations of items with the latent variable itself: proportional to the weights of mode A.

    Parameters
    ----------
    loadings : ndarray of float, shape (..., p)
        Correlations of items with their composites; kept for one item and mode B.
    sd, weights : ndarray of float, shape (..., p)
        Standard deviations, and weights, of items as they went into the iteration.
    reliability : ndarray of float, shape (..., j)
        `rho_a`.

    Notes
    -----
    w sqrt(rho_A) / (w'w), over the item's standard deviation.
    """
    corrected = loadings.copy()
    for number, name in enumerate(model.names):
        if _has_error(model, name):
            own = np.flatnonzero(model.block == number)
            w = weights[..., own]
            scale = np.sqrt(reliability[..., number, None]) / (w**2).sum(axis=-1, keepdims=True)
            corrected[..., own] = w * scale / sd[..., own]
    return corrected


def admissible(
    correlation: np.ndarray, loadings: np.ndarray, reliability: np.ndarray, r2: np.ndarray
) -> dict[str, np.ndarray]:
    """Say which results no population can have.

    Returns
    -------
    dict of str to ndarray of bool, shape (...)
        ``known``: there is a solution; ``reliability`` within 0 and 1; ``correlation`` and ``loading`` within -1 and 1;
        ``explained`` within 0 and 1; ``definite``: the correlations fit together (no eigenvalue below 0).
    """
    is_known = np.isfinite(correlation).all(axis=(-2, -1)) & np.isfinite(loadings).all(axis=-1)
    safe = np.where(is_known[..., None, None], correlation, np.eye(correlation.shape[-1]))
    explained = np.where(np.isfinite(r2), r2, 0.0)
    with np.errstate(invalid="ignore"):
        return {
            "known": is_known,
            "reliability": (reliability <= 1 + _OVER).all(axis=-1),
            "correlation": (np.abs(safe) <= 1 + _OVER).all(axis=(-2, -1)),
            "loading": (np.abs(np.where(is_known[..., None], loadings, 0.0)) <= 1 + _OVER).all(axis=-1),
            "explained": ((explained <= 1 + _OVER) & (explained >= -_OVER)).all(axis=-1),
            "definite": np.linalg.eigvalsh(safe)[..., 0] >= -_OVER,
        }
