"""The inner model: regressions among latent variables, from their correlations, for many tables at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from crmlab.satisfaction.path_models.model import PathModel

__all__ = [
    "effect_sizes",
    "explained_shares",
    "inner_vif",
    "path_coefficients",
    "regressions",
    "total_effects",
]


def regressions(correlation: np.ndarray, model: PathModel) -> Iterator[tuple[int, list[int], np.ndarray]]:
    """Yield, for each effect, its number, the numbers of its causes and the coefficients, shape (..., causes)."""
    place = {name: number for number, name in enumerate(model.constructs)}
    for effect in model.effects:
        causes = [place[name] for name in model.paths[effect]]
        among = correlation[..., causes, :][..., causes]
        yield place[effect], causes, _solved(among, correlation[..., causes, place[effect]])


def _solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve stacked equations; where a table is singular, the shortest solution; where it is not known, NaN."""
    if matrix.shape[-1] == 1:
        return right / matrix[..., 0]
    try:
        return np.linalg.solve(matrix, right[..., None])[..., 0]
    except np.linalg.LinAlgError:
        is_known = np.isfinite(matrix).all(axis=(-2, -1))[..., None, None]
        inverse = np.linalg.pinv(np.where(is_known, matrix, np.eye(matrix.shape[-1])), hermitian=True)
        return np.where(is_known[..., 0], (inverse @ right[..., None])[..., 0], np.nan)


def path_coefficients(correlation: np.ndarray, model: PathModel) -> np.ndarray:
    """Regress each effect on its causes.

    Parameters
    ----------
    correlation : ndarray of float, shape (..., j, j)
        Correlations of the constructs, in the order of the model.
    model : PathModel
        Which acts on which.

    Returns
    -------
    ndarray of float, shape (..., j, j)
        ``[..., cause, effect]``: change of the effect, in its standard deviations, with one standard deviation of the
        cause, the effect's other causes held; 0 where there is no path.

    Examples
    --------
    >>> model = PathModel({"a": ["a1"], "b": ["b1"]}, {"b": ["a"]})
    >>> path_coefficients(np.array([[1.0, 0.5], [0.5, 1.0]]), model).tolist()
    [[0.0, 0.5], [0.0, 0.0]]
    """
    paths = np.zeros_like(correlation)
    for effect, causes, coefficients in regressions(correlation, model):
        paths[..., causes, effect] = coefficients
    return paths


def total_effects(paths: np.ndarray) -> np.ndarray:
    """Add up the effects along all ways from one construct to another: P + P^2 + P^3 + ...

    Parameters
    ----------
    paths : ndarray of float, shape (..., j, j)
        Path coefficients without a circle, ``[..., cause, effect]``.

    Examples
    --------
    >>> total_effects(np.array([[0.0, 0.5, 0.2], [0.0, 0.0, 0.4], [0.0, 0.0, 0.0]]))[0].tolist()  # .2 + .5 x .4
    [0.0, 0.5, 0.4]
    """
    total, further = paths, paths
    for _ in range(paths.shape[-1] - 2):
        further = further @ paths
        total = total + further
    return total


def explained_shares(correlation: np.ndarray, paths: np.ndarray, model: PathModel) -> np.ndarray:
    """Share of each effect's variance that its causes explain (R squared), shape (..., j); NaN where nothing acts."""
    shares = np.einsum("...ij,...ij->...j", paths, correlation)
    outside = [number for number, name in enumerate(model.constructs) if name not in model.effects]
    shares[..., outside] = np.nan
    return shares


def effect_sizes(correlation: np.ndarray, paths: np.ndarray, model: PathModel) -> np.ndarray:
    """Cohen's f squared of each path, shape (..., j, j): variance explained by this cause alone over that unexplained.

    Notes
    -----
    f2 = (R2 with the cause - R2 without it) / (1 - R2 with it). The gain in R2 is the squared coefficient over the
    cause's diagonal element of the inverse correlations of all causes.

    References
    ----------
    Cohen, J. (1988). Statistical power analysis for the behavioral sciences. Erlbaum.
    """
    sizes = np.zeros_like(paths)
    inflation = inner_vif(correlation, model)
    unexplained = 1 - explained_shares(correlation, paths, model)
    for effect, causes, coefficients in regressions(correlation, model):
        gain = coefficients**2 / inflation[..., causes, effect]
        with np.errstate(divide="ignore", invalid="ignore"):
            sizes[..., causes, effect] = gain / unexplained[..., effect, None]
    return sizes


def inner_vif(correlation: np.ndarray, model: PathModel) -> np.ndarray:
    """Variance inflation of each cause of each effect, shape (..., j, j); 0 where there is no path.

    Notes
    -----
    1 / (1 - R2 of the cause on the effect's other causes): 1 where causes are unrelated; from about 5 on, their effects
    can hardly be told apart. Infinite where they cannot be at all.
    """
    inflation = np.zeros_like(correlation)
    for effect, causes, _ in regressions(correlation, model):
        among = correlation[..., causes, :][..., causes]
        unit = np.eye(len(causes))
        columns = [_solved(among, np.broadcast_to(unit[k], among.shape[:-1])) for k in range(len(causes))]
        inflation[..., causes, effect] = np.stack([column[..., k] for k, column in enumerate(columns)], axis=-1)
    return inflation
