"""Latent classes: customers of several kinds, known by what each kind tends to hold, answer and do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logsumexp, softmax

from crmlab.errors import refuse
from crmlab.segmentation.columns import Basis
from crmlab.segmentation.encoding import Encoding, Part

__all__ = ["Classes", "LatentClasses"]

_SHORT, _BEST, _LONGER = 25, 4, 50  # steps of every start, how many go on from there, and for how many steps
_MANY = 5_000  # different rows from which the starts are tried on a sample
_GAIN = 1e-6  # a customer: a step that raises the log-likelihood by less is the last
_NARROWEST = 0.04  # variance of a number within a class, in that of all customers: a fifth of their deviation
_RAREST = 1e-12
_BLOCK = 50_000


@dataclass(frozen=True)
class Classes:
    """Latent classes found: assigns rows to the class they most likely belong to.

    Parameters
    ----------
    shares : ndarray
        Share of each class, shape (k,).
    weights : ndarray
        Shape (columns of a row, k): a row times these is the logarithm of its density in each class.
    parameters_count : int
        Numbers estimated.
    history : tuple of float
        What was maximised, step by step: the log-likelihood, with the pseudo-customers where there are any.
    log_likelihood : float
        Of the rows it was found in.
    customers_count : int
        Those rows.
    """

    shares: np.ndarray
    weights: np.ndarray
    parameters_count: int = 0
    history: tuple[float, ...] = field(default=(), repr=False)
    log_likelihood: float = float("nan")
    customers_count: int = 0

    @property
    def bic(self) -> float:
        """Bayesian information criterion (Schwarz 1978): lower is better."""
        return self.parameters_count * np.log(max(self.customers_count, 1)) - 2 * self.log_likelihood

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Give the most likely class of each row, 0 to k - 1."""
        return np.concatenate([np.argmax(self._joint(block), axis=1) for block in _blocks(rows)])

    def membership(self, rows: np.ndarray) -> np.ndarray:
        """Give the probability of each class, shape (rows, k)."""
        return np.concatenate([softmax(self._joint(block), axis=1) for block in _blocks(rows)])

    def misfit(self, rows: np.ndarray) -> float:
        """Give minus the mean log-likelihood of a row: lower fits better."""
        return -sum(float(logsumexp(self._joint(block), axis=1).sum()) for block in _blocks(rows)) / max(len(rows), 1)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "shares": self.shares.tolist(),
            "weights": self.weights.tolist(),
            "parameters_count": self.parameters_count,
            "log_likelihood": self.log_likelihood,
            "customers_count": self.customers_count,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Classes:
        """Make the classes that `as_dict` described."""
        given = dict(kept)
        shares = np.array(given.pop("shares"), dtype=float)
        return cls(shares, np.array(given.pop("weights"), dtype=float).reshape(-1, len(shares)), **given)

    def _joint(self, rows: np.ndarray) -> np.ndarray:
        return rows @ self.weights + np.log(self.shares)


@dataclass(frozen=True)
class LatentClasses:
    """Latent class analysis of words, flags and numbers together, with missing answers.

    Parameters
    ----------
    starts : int
        Random starts. All are followed for 25 steps, the best four for 50 more, the best of these to the end.
    most_steps : int
        Steps of that last run at most.
    smoothing : float
        Average customers that every class is given beforehand; 0 is plain maximum likelihood. With one, no word is
        impossible in a class and no class shrinks to nothing.

    Notes
    -----
    Within a class the answers are independent of each other (local independence): shares of words for flags and
    categories, a normal distribution with its own mean and variance for prepared numbers. A variance is kept at 4 % of
    that of all customers or more, as a class of equal values would otherwise be infinitely likely.

    A missing answer is left out of the customer's likelihood. That is right where missing depends on nothing but the
    answers that are there (missing at random), as with a questionnaire that only holders of a product get. It is wrong
    where people do not answer because of what they would have answered.

    Found by expectation and maximisation (Dempster, Laird and Rubin 1977): no step lowers what is maximised. All starts
    are computed as one, and customers who are alike in everything as one row with their number.

    References
    ----------
    Lazarsfeld and Henry (1968), Latent Structure Analysis; Goodman (1974), Biometrika 61; for mixed columns Hunt and
    Jorgensen (1999), Australian and New Zealand Journal of Statistics 41; short runs before the long one Biernacki,
    Celeux and Govaert (2003), Computational Statistics and Data Analysis 41.

    Examples
    --------
    >>> from crmlab.segmentation.columns import Column
    >>> basis = Basis("b", (Column("saves", "Saves", "flag"), Column("class", "Class", "category")))
    >>> seen = pd.DataFrame({"saves": [True, True, False, False] * 9, "class": ["C1", "C1", None, "C5"] * 9})
    >>> method = LatentClasses().learn(basis, seen)
    >>> classes = method.cluster(method.rows(seen), 2, 1)
    >>> classes(method.rows(seen))[:4].tolist(), classes.shares.round(1).tolist()
    ([0, 0, 1, 1], [0.5, 0.5])
    """

    starts: int = 20
    most_steps: int = 500
    smoothing: float = 1.0
    encoding: Encoding | None = field(default=None, repr=False)
    name: str = field(default="latent classes", init=False)

    def __post_init__(self) -> None:
        refuse(
            *([f"starts: {self.starts} is under 1. Give 1 or more."] if self.starts < 1 else []),
            *([f"smoothing: {self.smoothing} is below 0. Give 0 or more."] if self.smoothing < 0 else []),
        )

    def learn(self, basis: Basis, frame: pd.DataFrame) -> LatentClasses:
        """Learn words and scales; return a method that can prepare customers."""
        return replace(self, encoding=Encoding(basis).fit(frame))

    def rows(self, frame: pd.DataFrame) -> np.ndarray:
        """Prepare customers; see `Encoding`."""
        return self.encoding.transform(frame)

    def quick(self) -> LatentClasses:
        """Give the same with fewer starts and steps."""
        return replace(self, starts=min(self.starts, 6), most_steps=min(self.most_steps, 100))

    def cluster(self, rows: np.ndarray, k: int, seed: int) -> Classes:
        """Find k classes in prepared rows, largest first.

        Parameters
        ----------
        rows : ndarray
            What `rows` gave, or some of it.
        k, seed : int
            Number of classes; same seed, same classes.
        """
        if k < 1 or not len(rows):
            refuse(f"k: {k} classes of {len(rows):,} customers cannot be found. Give 1 or more of both.")
        kinds, counts = _kinds(rows)
        rng = np.random.default_rng(seed)
        some, weight = kinds, counts
        if len(kinds) > _MANY:
            drawn = np.sort(rng.choice(len(kinds), _MANY, replace=False, p=counts / counts.sum()))
            some, weight = kinds[drawn], np.ones(_MANY)
        em = _EM(self.encoding.parts, some, weight, self.smoothing)
        state = em.begin(rng, 1 if k == 1 else self.starts, k)
        state, first = em.run(*state, steps=_SHORT, gain=0.0)
        best = np.argsort(-first[-1], kind="stable")[:_BEST]
        state, second = em.run(*_chosen(state, best), steps=_LONGER, gain=_GAIN)
        top = int(np.argmax(second[-1]))
        state, history = _chosen(state, [top]), [*first[:, best[top]], *second[:, top]]
        if len(kinds) > _MANY:
            em, history = _EM(self.encoding.parts, kinds, counts, self.smoothing), []
        state, last = em.run(*state, steps=self.most_steps, gain=_GAIN)
        history += list(last[:, 0])
        weights, shares = em.weights(state[0])[:, 0, :], state[1][0]
        order = np.argsort(-shares, kind="stable")
        count = k - 1 + k * sum(part.parameters_count for part in self.encoding.parts)
        found = Classes(shares[order], weights[:, order], count, tuple(map(float, history)))
        likely = float(counts @ logsumexp(found._joint(kinds), axis=1))
        return replace(found, log_likelihood=likely, customers_count=len(rows))

    def profile(self, classes: Classes) -> pd.DataFrame:
        """Describe the classes: what share of each holds a word, and the mean of a number.

        Returns
        -------
        DataFrame
            One row a class and word or number: ``class`` (0 to k - 1), ``column``, ``word`` (empty for a number),
            ``value`` (share of those who answered, or mean in standard deviations from that of all).
        """
        rows = []
        for part in self.encoding.parts:
            weights = classes.weights[part.here]
            values = np.exp(weights) if part.words else [-weights[1] / weights[2] / 2]
            for word, value in zip(part.words or ("",), values, strict=True):
                rows += [(j, part.column, word, float(x)) for j, x in enumerate(value)]
        return pd.DataFrame(rows, columns=["class", "column", "word", "value"])

    def as_dict(self) -> dict[str, Any]:
        """Plain values of what was learned, for JSON."""
        kept = {"starts": self.starts, "most_steps": self.most_steps, "smoothing": self.smoothing}
        return kept | {"encoding": self.encoding.as_dict()}

    def from_dict(self, basis: Basis, kept: Mapping[str, Any]) -> LatentClasses:
        """Make the learned method that `as_dict` described."""
        return LatentClasses(**{**kept, "encoding": Encoding.from_dict(basis, kept["encoding"])})

    def assign_from(self, kept: Mapping[str, Any]) -> Classes:
        """Make the classes that their `as_dict` described."""
        return Classes.from_dict(kept)


class _EM:
    """Steps of expectation and maximisation, many starts at once.

    A class is held by what it expects of a row (`means`, shape (columns, starts, k)): shares of words, and of a number
    1, mean and mean square. `weights` are the logarithms of densities that follow. A pseudo-customer adds the average
    row once to every class.
    """

    def __init__(self, parts: tuple[Part, ...], rows: np.ndarray, counts: np.ndarray, smoothing: float) -> None:
        self.parts, self.rows, self.counts, self.smoothing = parts, rows, counts, smoothing
        self.average = self._expected((counts @ rows)[:, None, None])[:, 0, 0]

    def begin(self, rng: np.random.Generator, starts: int, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Begin each class half way between the average and a customer drawn."""
        chance = self.counts / self.counts.sum()
        fresh = np.count_nonzero(chance) >= k
        drawn = np.array([rng.choice(len(self.rows), k, replace=not fresh, p=chance) for _ in range(starts)])
        some = self.rows[drawn].transpose(2, 0, 1)
        means = np.repeat(np.repeat(self.average[:, None, None], starts, axis=1), k, axis=2)
        for part in self.parts:
            here, known = part.here, some[part.here].sum(axis=0) if part.words else some[part.start]
            means[here] = np.where(known > 0, (means[here] + some[here]) / 2, means[here])
        return means, np.full((starts, k), 1.0 / k)

    def run(
        self, means: np.ndarray, shares: np.ndarray, *, steps: int, gain: float
    ) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Take steps until no start gains any more; return the state and the history, shape (steps, starts)."""
        _, starts, k = means.shape
        history: list[np.ndarray] = []
        least = gain * self.counts.sum()
        for _ in range(max(steps, 1)):
            weights = self.weights(means)
            joint = self.rows @ weights.reshape(len(weights), starts * k)
            joint = joint.reshape(-1, starts, k) + np.log(np.maximum(shares, _RAREST))
            top = joint.max(axis=2, keepdims=True)
            np.exp(joint - top, out=joint)
            total = joint.sum(axis=2, keepdims=True)
            likely = self.counts @ (np.log(total) + top)[:, :, 0]
            if self.smoothing:
                ahead = np.tensordot(self.average, weights, axes=1) + np.log(shares)
                likely = likely + self.smoothing * ahead.sum(axis=1)
            history.append(likely)
            if len(history) > 1 and gain and (likely - history[-2]).max() < least:
                break
            joint *= self.counts[:, None, None] / total
            sums = (self.rows.T @ joint.reshape(-1, starts * k)).reshape(-1, starts, k)
            means = self._expected(sums + self.smoothing * self.average[:, None, None])
            sizes = joint.sum(axis=0) + self.smoothing
            shares = sizes / sizes.sum(axis=1, keepdims=True)
        return (means, shares), np.array(history)

    def _expected(self, sums: np.ndarray) -> np.ndarray:
        """Divide sums over customers by the number of those who answered."""
        means = np.empty_like(sums)
        for part in self.parts:
            here = sums[part.here]
            known = here.sum(axis=0) if part.words else here[0]
            means[part.here] = here / np.maximum(known, _RAREST)
        return means

    def weights(self, means: np.ndarray) -> np.ndarray:
        """Turn what classes expect into the logarithms of densities."""
        weights = np.log(np.maximum(means, _RAREST))
        for part in self.parts:
            if part.words:
                continue
            one, mean, square = (part.start + i for i in range(3))
            m = means[mean]
            v = np.maximum(means[square] - m**2, _NARROWEST)
            weights[one] = -0.5 * (np.log(2 * np.pi * v) + m**2 / v)
            weights[mean] = m / v
            weights[square] = -0.5 / v
        return weights


def _chosen(state: tuple[np.ndarray, np.ndarray], which: Any) -> tuple[np.ndarray, np.ndarray]:
    return state[0][:, which], state[1][which]


def _kinds(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the different rows and how many customers each stands for."""
    if not rows.shape[1]:
        return rows[:1], np.array([float(len(rows))])
    key = np.round(rows @ np.random.default_rng(0).normal(size=rows.shape[1]), 9)
    _, first, inverse, counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    kinds = rows[first]
    if len(kinds) > len(rows) / 2 or not np.array_equal(
        kinds[inverse], rows
    ):  # hardly any alike, or two that share a key
        return rows, np.ones(len(rows))
    return kinds, counts.astype(float)


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + _BLOCK] for start in range(0, max(len(rows), 1), _BLOCK)]
