"""The transition matrix: shares of a stage by where its customers are a step later, with Dirichlet intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import refuse
from crmlab.lifecycle.stages.rules import ALIVE

__all__ = ["Chain", "count_matrix", "fit_chain", "shares_of"]


@dataclass(frozen=True)
class Chain:
    """Counts of moves and the shares that follow from them.

    Parameters
    ----------
    states : tuple of str
        Stages that can be left.
    ends : tuple of str
        Ends that cannot: lost, or its causes.
    counts : ndarray, shape (states, states + ends)
        Moves counted.
    prior : float
        What the Dirichlet law adds to each move that was seen, and to each end.
    """

    states: tuple[str, ...]
    ends: tuple[str, ...]
    counts: np.ndarray
    prior: float = 0.5

    @property
    def at_risk(self) -> np.ndarray:
        """Customer-steps that started in each stage."""
        return self.counts.sum(axis=1)

    @property
    def shares(self) -> np.ndarray:
        """Shares of each row; of a stage in which nobody started, not known."""
        return shares_of(self.counts)

    @property
    def _weights(self) -> np.ndarray:
        possible = self.counts > 0
        possible[:, len(self.states) :] = True
        return np.where(possible, self.counts + self.prior, 0.0)

    def draws(self, number: int, *, seed: int) -> np.ndarray:
        """Draw matrices from the Dirichlet law of each row, shape (number, states, states + ends).

        Notes
        -----
        Rows are independent given the stage (first order). Moves never seen stay at 0, ends apart: that nobody has left
        yet does not mean that nobody can. A row without counts is not known.
        """
        weights = self._weights
        gammas = np.random.default_rng(seed).standard_gamma(weights, size=(number, *weights.shape))
        total = gammas.sum(axis=2, keepdims=True)
        known = self.at_risk[None, :, None] > 0
        return np.where(known & (total > 0), gammas / np.where(total > 0, total, 1.0), np.nan)

    def table(self, *, level: float = 0.95) -> pd.DataFrame:
        """Give shares with their intervals, one row a pair, as `crmlab.stats.transitions` does.

        Returns
        -------
        DataFrame
            ``from``, ``to``, ``customers_count`` (moves), ``share``, ``share_low``, ``share_high`` (Beta margins of the
            Dirichlet law), ``n`` (customer-steps at risk).
        """
        to = [*self.states, *self.ends]
        weights, n = self._weights, self.at_risk
        rest = weights.sum(axis=1, keepdims=True) - weights
        tails = (1 - level) / 2, (1 + level) / 2
        with np.errstate(invalid="ignore"):
            low, high = (laws.beta.ppf(tail, weights, rest) for tail in tails)
        low = np.where(self.counts == 0, 0.0, np.where(rest == 0, laws.beta.ppf(tails[0], n[:, None] + 0.5, 0.5), low))
        # a move never seen: at most what one in so many could hide
        never = (self.counts == 0) & (weights == 0)
        bound = laws.beta.ppf(tails[1], 0.5, n[:, None] + 0.5)
        high = np.where(never, bound, np.where(rest == 0, 1.0, high))
        shares = self.shares
        return pd.DataFrame(
            {
                "from": np.repeat(np.array(self.states, dtype=object), len(to)),
                "to": np.tile(np.array(to, dtype=object), len(self.states)),
                "customers_count": self.counts.ravel().astype(np.int64),
                "share": shares.ravel(),
                "share_low": np.where(n[:, None] > 0, np.minimum(low, shares), np.nan).ravel(),
                "share_high": np.where(n[:, None] > 0, np.maximum(high, shares), np.nan).ravel(),
                "n": np.repeat(n.astype(np.int64), len(to)),
            }
        ).astype({"from": "str", "to": "str"})


def shares_of(counts: np.ndarray) -> np.ndarray:
    """Divide counts by their row sums; not known where a row is empty. Works on stacks of matrices."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1.0), np.nan)


def count_matrix(moves: pd.DataFrame, *, states: Sequence[str] = ALIVE, ends: Sequence[str] = ("lost",)) -> np.ndarray:
    """Count moves, shape (states, states + ends)."""
    to = [*states, *ends]
    unknown = sorted((set(moves["from"]) - set(states)) | (set(moves["to"]) - set(to)))
    if unknown:
        refuse(f"chain: stages {unknown} are not among states {list(states)} and ends {list(ends)}. Name them.")
    start = pd.Index(states).get_indexer(moves["from"])
    end = pd.Index(to).get_indexer(moves["to"])
    flat = np.bincount(start * len(to) + end, minlength=len(states) * len(to))
    return flat.reshape(len(states), len(to)).astype(float)


def fit_chain(
    moves: pd.DataFrame, *, states: Sequence[str] = ALIVE, ends: Sequence[str] = ("lost",), prior: float = 0.5
) -> Chain:
    """Estimate the chances to move from stage to stage in a step.

    Parameters
    ----------
    moves : DataFrame
        As `crmlab.lifecycle.chain.moves.moves_between`: ``from``, ``to``.
    states, ends : sequence of str
        Stages that can be left; ends that cannot.
    prior : float, above 0
        Jeffreys' half for each move.

    Notes
    -----
    P = n_ij / n_i, the maximum likelihood of a chain of first order that is the same at all times; whether it is, say
    `homogeneity` and `order_test`. Dirichlet(n_ij + prior) for each row.

    References
    ----------
    Anderson and Goodman (1957), Annals of Mathematical Statistics 28; Pfeifer and Carraway (2000), Journal of
    Interactive Marketing 14.

    Examples
    --------
    >>> moves = pd.DataFrame({"from": ["a", "a", "a", "a"], "to": ["a", "a", "a", "lost"]})
    >>> fit_chain(moves, states=["a"]).shares.tolist()
    [[0.75, 0.25]]
    """
    if not prior > 0:
        refuse(f"fit_chain: prior is {prior!r}. Give a number above 0, such as 0.5.")
    return Chain(tuple(states), tuple(ends), count_matrix(moves, states=states, ends=ends), prior)
