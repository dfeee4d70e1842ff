"""Sums of answers and of their products: from them come means and covariances of any resample, by one product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from crmlab.satisfaction.path_models.responses import Responses

__all__ = ["MomentSums"]

_ROOM = 4_000_000  # numbers held at once in each working table: 32 MB
_NOTHING = 1e-12  # share of an item's variance below which a resample's is rounding


class MomentSums:
    """Means and covariances of responses, and of as many resamples as wanted.

    Parameters
    ----------
    responses : Responses
        Answers with weights and units.

    Notes
    -----
    A resample draws unit u c_u times; its sums are the sums over units of c_u times the unit's sums. So all resamples
    are one matrix product, (resamples x units) by (units x products), done in parts so that memory stays bounded. The
    weight of a row is c_u times its survey weight.

    Covariance of items i and j over the rows that answer both (N = sum of weights, Q = sum of squared weights, means
    over the same rows): (sum w x_i x_j / N - mean_i mean_j) N / (N - Q / N). With weights of 1 the divisor is n - 1,
    and nothing changes when all weights are multiplied by a number (weights of reliability). In a resample a row drawn
    twice counts as two.
    """

    def __init__(self, responses: Responses) -> None:
        order = np.argsort(responses.units, kind="stable")
        self._values = responses.values[order]
        self._weights = responses.weights[order] / responses.weights.mean()
        self._answered = ~np.isnan(self._values)
        self._is_complete = bool(self._answered.all())
        self._centre = np.nanmean(self._values, axis=0)
        self._values = np.where(self._answered, self._values - self._centre, 0.0)
        self._starts = np.flatnonzero(np.diff(responses.units[order], prepend=-1))
        self._pairs = np.triu_indices(self._values.shape[1])
        self.units_count = len(self._starts)
        self._total = self.grouped(np.zeros(self.units_count, dtype=int))
        self._variance = np.ones(self._values.shape[1])
        self._variance = np.diagonal(self.moments(self._total)[1][0]).copy()

    def moments(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn sums, shape (b, products), into means (b, p) and covariances (b, p, p)."""
        of_complete = self._complete_moments if self._is_complete else self._pairwise_moments
        with np.errstate(invalid="ignore", divide="ignore"):
            mean, covariance = of_complete(sums)
        diagonal = np.einsum("bii->bi", covariance)
        diagonal[diagonal < _NOTHING * self._variance] = 0.0
        return mean + self._centre, covariance

    def whole(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (p,) and covariance (p, p) of the responses themselves."""
        mean, covariance = self.moments(self._total)
        return mean[0], covariance[0]

    def counted(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and covariances where unit u counts ``counts[b, u]`` times."""
        sums = 0.0
        for units, products in self._parts():
            sums = sums + counts[:, units].astype(float, copy=False) @ products
        return self.moments(sums)

    def resampled(self, *, resamples: int, seed: int, batch: int | None = None) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield means and covariances of resamples, batch by batch; the batch size does not change the numbers."""
        units, generator = self.units_count, np.random.default_rng(seed)
        batch = batch or max(1, min(resamples, _ROOM // max(units, self._values.shape[1] ** 2)))
        for start in range(0, resamples, batch):
            size = min(batch, resamples - start)
            drawn = generator.integers(0, units, (size, units))
            drawn += np.arange(size)[:, None] * units
            yield self.counted(np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units))

    def left_out(self, *, groups: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Means and covariances with one group of units left out at a time; every unit a group where there is room."""
        group = np.arange(self.units_count)
        if groups < self.units_count:
            group = np.random.default_rng(seed).permutation(group) % groups
        return self.moments(self._total - self.grouped(group))

    def grouped(self, group: np.ndarray) -> np.ndarray:
        """Sums by group of units, shape (groups, products)."""
        sums = np.zeros((int(group.max()) + 1, self._width()))
        for units, products in self._parts():
            np.add.at(sums, group[units], products)
        return sums

    def _width(self) -> int:
        p, pairs = self._values.shape[1], len(self._pairs[0])
        return p + pairs + 2 if self._is_complete else 3 * pairs + p * p

    def _parts(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Products by unit, so many units at a time."""
        rows = max(1, _ROOM // (4 * self._width()))
        ends = np.append(self._starts[1:], len(self._values))
        first = 0
        while first < self.units_count:
            last = max(first + 1, int(np.searchsorted(ends, self._starts[first] + rows, side="right")))
            chosen = slice(self._starts[first], ends[last - 1])
            products = self._products(self._values[chosen], self._answered[chosen], self._weights[chosen][:, None])
            if last - first < len(products):
                products = np.add.reduceat(products, self._starts[first:last] - self._starts[first], axis=0)
            yield slice(first, last), products
            first = last

    def _products(self, x: np.ndarray, answered: np.ndarray, weight: np.ndarray) -> np.ndarray:
        left, right = self._pairs
        weighted = x * weight
        squares = weighted[:, left] * x[:, right]
        if self._is_complete:
            return np.hstack([weighted, squares, weight, weight**2])
        both = (answered[:, left] & answered[:, right]).astype(float)
        own = (weighted[:, :, None] * answered[:, None, :]).reshape(len(x), -1)
        return np.hstack([squares, both * weight, both * weight**2, own])

    def _square(self, upper: np.ndarray) -> np.ndarray:
        """Full symmetric matrices from their upper triangles."""
        p = self._values.shape[1]
        full = np.empty((len(upper), p, p))
        left, right = self._pairs
        full[:, left, right] = upper
        full[:, right, left] = upper
        return full

    def _complete_moments(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = self._values.shape[1]
        count, squared = sums[:, -2, None], sums[:, -1, None]
        mean = sums[:, :p] / count
        covariance = self._square(sums[:, p:-2] / count) - mean[:, :, None] * mean[:, None, :]
        return mean, covariance * (count / (count - squared / count))[:, :, None]

    def _pairwise_moments(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p, pairs = self._values.shape[1], len(self._pairs[0])
        squares, count, squared = (self._square(sums[:, k * pairs : (k + 1) * pairs]) for k in range(3))
        own = sums[:, 3 * pairs :].reshape(-1, p, p) / count  # mean of i over the rows that answer i and j
        covariance = (squares / count - own * own.transpose(0, 2, 1)) * (count / (count - squared / count))
        return np.diagonal(own, axis1=1, axis2=2).copy(), covariance
