"""Measures of a questionnaire that need only moments, loadings and weights, for any stack of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = [
    "average_variance_extracted",
    "composite_reliability",
    "correlation",
    "cronbach_alpha",
    "dillon_goldstein_rho",
    "heterotrait_monotrait",
    "membership",
    "performance",
    "root_mean_square_residual",
]


def membership(latents: Mapping[str, Sequence[str]]) -> np.ndarray:
    """Say which item belongs to which latent variable.

    Parameters
    ----------
    latents : mapping of str to sequence of str
        Items of each latent variable, in order.

    Returns
    -------
    ndarray
        Shape (items, latents): 1 where the item is one of the latent variable's, else 0. Items stand in the order of
        the mapping.

    Examples
    --------
    >>> membership({"value": ["v1", "v2"], "loyalty": ["l1"]}).tolist()
    [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    owner = [number for number, items in enumerate(latents.values()) for _ in items]
    return np.eye(len(latents))[owner]


def correlation(covariance: np.ndarray) -> np.ndarray:
    """Turn covariance matrices into correlation matrices.

    Parameters
    ----------
    covariance : ndarray
        Shape (..., p, p). A variable that does not vary has correlations that are not known.

    Examples
    --------
    >>> correlation(np.array([[4.0, 1.0], [1.0, 1.0]])).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    variance = np.diagonal(covariance, axis1=-2, axis2=-1)
    deviation = np.sqrt(np.where(variance > 0, variance, np.nan))
    return covariance / (deviation[..., :, None] * deviation[..., None, :])


def cronbach_alpha(covariance: np.ndarray, belongs: np.ndarray) -> np.ndarray:
    """Estimate how much of the sum of a latent variable's items is not error, if all items measure it alike.

    Parameters
    ----------
    covariance : ndarray
        Shape (..., p, p): covariances give the raw coefficient, correlations the standardised one.
    belongs : ndarray
        Shape (p, latents), see `membership`.

    Returns
    -------
    ndarray
        Shape (..., latents), at most 1; not known for a single item.

    Notes
    -----
    k / (k - 1) x (1 - sum of the k variances / variance of the sum). It is a lower bound of reliability where errors
    are independent, and equals it where all loadings are equal.

    References
    ----------
    Cronbach (1951), Coefficient alpha and the internal structure of tests, Psychometrika 16.

    Examples
    --------
    >>> cronbach_alpha(np.array([[1.0, 0.5], [0.5, 1.0]]), np.ones((2, 1))).round(4).tolist()
    [0.6667]
    """
    count = belongs.sum(axis=0)
    several = np.where(count > 1, count, np.nan)
    variances = np.diagonal(covariance, axis1=-2, axis2=-1) @ belongs
    of_sum = np.einsum("pj,...pq,qj->...j", belongs, covariance, belongs, optimize=True)
    return several / (several - 1) * (1 - variances / np.where(of_sum > 0, of_sum, np.nan))


def composite_reliability(loadings: np.ndarray, belongs: np.ndarray) -> np.ndarray:
    """Compute rho_C: how much of the sum of standardised items is not error, given their loadings.

    Parameters
    ----------
    loadings : ndarray
        Shape (..., p), -1 to 1: correlation of each item with its own latent variable.
    belongs : ndarray
        Shape (p, latents), see `membership`.

    Returns
    -------
    ndarray
        Shape (..., latents), 0 to 1; not known for a single item.

    Notes
    -----
    (sum of loadings)^2 / ((sum of loadings)^2 + sum of (1 - loading^2)). Loadings on a composite, as of partial least
    squares without correction, are too high, and so is rho_C made of them.

    References
    ----------
    Joereskog (1971), Statistical analysis of sets of congeneric tests, Psychometrika 36.

    Examples
    --------
    >>> composite_reliability(np.array([0.8, 0.6]), np.ones((2, 1))).round(4).tolist()  # 1.96 / (1.96 + 0.36 + 0.64)
    [0.6622]
    """
    common = (loadings @ belongs) ** 2
    error = (1 - loadings**2) @ belongs
    return _several(common / (common + error), belongs)


def average_variance_extracted(loadings: np.ndarray, belongs: np.ndarray) -> np.ndarray:
    """Compute the mean share of an item's variance that its latent variable explains.

    Parameters
    ----------
    loadings, belongs : ndarray
        As in `composite_reliability`.

    Returns
    -------
    ndarray
        Shape (..., latents), 0 to 1; not known for a single item.

    References
    ----------
    Fornell and Larcker (1981), Journal of Marketing Research 18.

    Examples
    --------
    >>> average_variance_extracted(np.array([0.8, 0.6]), np.ones((2, 1))).tolist()
    [0.5]
    """
    return _several((loadings**2) @ belongs / belongs.sum(axis=0), belongs)


def dillon_goldstein_rho(covariance: np.ndarray, belongs: np.ndarray) -> np.ndarray:
    """Compute Dillon and Goldstein's rho: rho_C from the loadings of items on their first principal component.

    Parameters
    ----------
    covariance, belongs : ndarray
        As in `cronbach_alpha`.

    Returns
    -------
    ndarray
        Shape (..., latents), 0 to 1; not known for a single item.

    Notes
    -----
    A principal component holds the items' errors too, so the coefficient is too high, the more so the fewer the items.
    It is here to compare with other software (R plspm); `composite_reliability` of consistent loadings is to be read.

    References
    ----------
    Dillon and Goldstein (1984), Multivariate Analysis: Methods and Applications.

    Examples
    --------
    >>> dillon_goldstein_rho(np.array([[1.0, 0.5], [0.5, 1.0]]), np.ones((2, 1))).round(4).tolist()  # 3 / (3 + 0.5)
    [0.8571]
    """
    related = correlation(covariance)
    loadings = np.ones(related.shape[:-1])
    for column in belongs.T:
        chosen = np.flatnonzero(column)
        values, vectors = np.linalg.eigh(related[..., chosen[:, None], chosen])
        first = vectors[..., -1] * np.sqrt(values[..., -1:])
        loadings[..., chosen] = first * np.where(first.sum(axis=-1, keepdims=True) < 0, -1.0, 1.0)
    return composite_reliability(loadings, belongs)


def heterotrait_monotrait(covariance: np.ndarray, belongs: np.ndarray, *, geometric: bool = False) -> np.ndarray:
    """Compute how nearly two latent variables are one, judged by the correlations of their items.

    Parameters
    ----------
    covariance, belongs : ndarray
        As in `cronbach_alpha`.
    geometric : bool
        Geometric instead of arithmetic means (HTMT2), which does not ask that all loadings be equal.

    Returns
    -------
    ndarray
        Shape (..., latents, latents), symmetric, 1 on the diagonal; 0 and more, where 1 says that the items of two
        latent variables go together as closely across as within.

    Notes
    -----
    Mean absolute correlation of items across, over the root of the product of the mean absolute correlations within.
    Absolute values, so that a reversed item does not hide a resemblance. A single item's correlation within is taken
    as 1: then the ratio is too low by the item's error, which one item cannot show.

    References
    ----------
    Henseler, Ringle and Sarstedt (2015), Journal of the Academy of Marketing Science 43; Roemer, Schuberth and Henseler
    (2021), HTMT2, Industrial Management and Data Systems 121, for geometric means.

    Examples
    --------
    Items within correlate .64, across .32:

    >>> across = np.full((2, 2), 0.32)
    >>> within = np.array([[1.0, 0.64], [0.64, 1.0]])
    >>> two = np.block([[within, across], [across, within]])
    >>> heterotrait_monotrait(two, np.repeat(np.eye(2), 2, axis=0)).round(6).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    size = np.abs(correlation(covariance))
    np.einsum("...ii->...i", size)[...] = 1.0
    if geometric:
        size = np.log(np.maximum(size, np.finfo(float).tiny))  # a correlation of 0 has no logarithm
    count = belongs.sum(axis=0)
    sums = np.einsum("pj,...pq,qk->...jk", belongs, size, belongs, optimize=True)
    own = np.diagonal(sums, axis1=-2, axis2=-1)
    own = own if geometric else own - count
    within = np.where(count > 1, own / np.maximum(count * (count - 1), 1), 0.0 if geometric else 1.0)
    across = sums / np.outer(count, count)
    if geometric:
        ratio = np.exp(across - (within[..., :, None] + within[..., None, :]) / 2)
    else:
        ratio = across / np.sqrt(within[..., :, None] * within[..., None, :])
    np.einsum("...ii->...i", ratio)[...] = 1.0
    return ratio


def performance(mean: np.ndarray, weights: np.ndarray, belongs: np.ndarray, *, low: float, high: float) -> np.ndarray:
    """Compute the 0 to 100 index of each latent variable from the means of its items.

    Parameters
    ----------
    mean : ndarray
        Shape (..., p): means of the items on the questionnaire's scale.
    weights : ndarray
        Shape (..., p): unstandardised outer weights, that of the standardised item divided by the item's standard
        deviation; on any common scale within a latent variable.
    belongs : ndarray
        Shape (p, latents): which item is whose, 1 or 0.
    low, high : float
        Ends of the scale on which answers could be given, not of the answers that were given.

    Returns
    -------
    ndarray
        Shape (..., latents), 0 to 100 where no weight is negative.

    Notes
    -----
    100 x (sum of w x mean - low x sum of w) / ((high - low) x sum of w). Standardised weights, or the observed range,
    give another number: on 250 customers of a Spanish bank 75.2 and 73.9 instead of 75.8 for the image.

    References
    ----------
    Fornell et al. (1996), The American Customer Satisfaction Index, Journal of Marketing 60; Ringle and Sarstedt
    (2016), Industrial Management and Data Systems 116, for unstandardised weights.

    Examples
    --------
    Weights 1 and 3, means 6 and 8: 100 x (6 + 24) / (10 x 4).

    >>> performance(np.array([6.0, 8.0]), np.array([1.0, 3.0]), np.ones((2, 1)), low=0, high=10).tolist()
    [75.0]
    """
    total = weights @ belongs
    return 100 * ((weights * mean) @ belongs - low * total) / ((high - low) * total)


def root_mean_square_residual(covariance: np.ndarray, implied: np.ndarray) -> np.ndarray:
    """Compute the SRMR: how far, on the mean, correlations of items lie from those a model implies.

    Parameters
    ----------
    covariance : ndarray
        Shape (..., p, p): what was seen.
    implied : ndarray
        Shape (..., p, p): correlations that the model implies.

    Returns
    -------
    ndarray
        Shape (...), 0 and more.

    Notes
    -----
    Root of the mean squared residual correlation over the lower triangle with its diagonal.

    References
    ----------
    Hu and Bentler (1999), Structural Equation Modeling 6.

    Examples
    --------
    >>> seen = np.array([[1.0, 0.3], [0.3, 1.0]])
    >>> root_mean_square_residual(seen, np.eye(2)).round(4).item()  # root of (0 + 0.09 + 0) / 3
    0.1732
    """
    residual = correlation(covariance) - implied
    row, column = np.tril_indices(residual.shape[-1])
    return np.sqrt((residual[..., row, column] ** 2).mean(axis=-1))


def _several(values: np.ndarray, belongs: np.ndarray) -> np.ndarray:
    return np.where(belongs.sum(axis=0) > 1, values, np.nan)
