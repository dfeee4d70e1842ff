"""Resamples of customers: a customer's months stay together, so that intervals hold when customers differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.lifecycle.chain.matrix import count_matrix, shares_of
from crmlab.lifecycle.stages.rules import ALIVE
from crmlab.stats import resample_weights

__all__ = ["Resampled", "resample_chain"]


@dataclass(frozen=True)
class Resampled:
    """The chain and the rewards, as they are and in resamples of customers.

    Parameters
    ----------
    states, ends : tuple of str
    shares : ndarray, shape (k, k + e)
    rewards : ndarray, shape (k,)
        Mean margin of a month in each stage, money; 0 where nobody was.
    share_draws, reward_draws : ndarray, shape (resamples, ...)
    customers : int
        Customers behind it.
    steps : ndarray, shape (k,)
        Customer-steps at risk in each stage.
    """

    states: tuple[str, ...]
    ends: tuple[str, ...]
    shares: np.ndarray
    rewards: np.ndarray
    share_draws: np.ndarray
    reward_draws: np.ndarray
    customers: int
    steps: np.ndarray


def resample_chain(
    moves: pd.DataFrame,
    *,
    states: Sequence[str] = ALIVE,
    ends: Sequence[str] = ("lost",),
    reward_months: int | None = None,
    resamples: int = 500,
    seed: int = 1,
) -> Resampled:
    """Draw customers with all their moves again and again, and count moves and mean margins each time.

    Parameters
    ----------
    moves : DataFrame
        As `crmlab.lifecycle.chain.moves.moves_between`: ``customer_id``, ``from``, ``to``, ``margin_amount``.
    states, ends : sequence of str
    reward_months : int, optional
        Margins are those of the last so many starts, where money is worth what it is now; None: of all.
    resamples, seed : int

    Notes
    -----
    A row that has no customer in a resample takes the shares of all customers: it is rarely needed then. Ends never
    seen stay at 0 in every resample; `crmlab.lifecycle.chain.matrix.Chain.draws` says what may hide behind that.
    """
    whole = count_matrix(moves, states=states, ends=ends)
    k, width = whole.shape
    codes, names = pd.factorize(moves["customer_id"], sort=True)
    start = pd.Index(states).get_indexer(moves["from"])
    end = pd.Index([*states, *ends]).get_indexer(moves["to"])
    cells = np.zeros((len(names), k * width))
    np.add.at(cells, (codes, start * width + end), 1.0)
    margins = moves["margin_amount"].to_numpy(float)
    known = np.isfinite(margins)
    if reward_months is not None and len(moves):
        recent = np.sort(moves["as_of"].unique())[-reward_months:]
        known = known & (moves["as_of"] >= recent[0]).to_numpy()
    paid, months = np.zeros((len(names), k)), np.zeros((len(names), k))
    np.add.at(paid, (codes[known], start[known]), margins[known])
    np.add.at(months, (codes[known], start[known]), 1.0)
    table = np.hstack([cells, paid, months])
    drawn = [weights @ table for weights in resample_weights(len(names), resamples=resamples, seed=seed)]
    drawn = np.array(drawn) if len(names) else np.zeros((0, table.shape[1]))
    shares, rewards = shares_of(whole), _means(paid.sum(axis=0), months.sum(axis=0))
    counts = drawn[:, : k * width].reshape(-1, k, width)
    share_draws = shares_of(counts)
    share_draws = np.where(np.isnan(share_draws), shares, share_draws)
    drawn_paid, drawn_months = drawn[:, k * width : k * width + k], drawn[:, k * width + k :]
    reward_draws = np.where(drawn_months > 0, _means(drawn_paid, drawn_months), rewards)
    return Resampled(
        tuple(states), tuple(ends), shares, rewards, share_draws, reward_draws, len(names), whole.sum(axis=1)
    )


def _means(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    return np.where(count > 0, total / np.where(count > 0, count, 1.0), 0.0)
