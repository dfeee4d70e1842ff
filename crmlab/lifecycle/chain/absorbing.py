"""Time to the end and value along the way, by linear algebra on the transition matrix; stacks of matrices too."""

from __future__ import annotations

import numpy as np

from crmlab.errors import refuse

__all__ = ["end_chances", "expected_steps", "lost_within", "monthly_rate", "stage_value"]


def monthly_rate(yearly: float, *, months: float = 1) -> float:
    """Turn a discount rate a year into that of some months.

    >>> round(monthly_rate(0.10), 6), monthly_rate(0.0), round(monthly_rate(1.0, months=12), 6)
    (0.007974, 0.0, 1.0)
    """
    if not (np.isfinite(yearly) and yearly >= 0):
        refuse(f"discount rate is {yearly!r}. Give 0 or more a year, such as 0.1.")
    return float((1 + yearly) ** (months / 12) - 1)


def expected_steps(shares: np.ndarray) -> np.ndarray:
    """Expected steps spent in each stage before the end, by the stage of today.

    Parameters
    ----------
    shares : ndarray, shape (..., k, k + e)
        Chances to move; the last e columns are ends.

    Returns
    -------
    ndarray, shape (..., k, k)
        Row: stage of today; column: stage; the present step counts. Infinite where no end can be reached; not known
        where a row that is needed is not known.

    Notes
    -----
    Fundamental matrix N = (I − Q)^-1 (Kemeny and Snell 1960, Finite Markov Chains).

    Examples
    --------
    >>> expected_steps(np.array([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]])).tolist()
    [[2.0, 1.0], [0.0, 2.0]]
    """
    return _solved(shares, 1.0, np.eye(shares.shape[-2]))


def end_chances(shares: np.ndarray) -> np.ndarray:
    """Chance to end in each way, by the stage of today, shape (..., k, e); rows sum to 1 unless some never end.

    >>> end_chances(np.array([[0.5, 0.3, 0.2]])).round(9).tolist()
    [[0.6, 0.4]]
    """
    states = shares.shape[-2]
    ends = shares[..., states:]
    return np.nan_to_num(_solved(shares, 1.0, ends, stuck=0.0), nan=np.nan)


def lost_within(shares: np.ndarray, steps: int) -> np.ndarray:
    """Chance to have ended within some steps, by the stage of today, shape (..., k).

    >>> lost_within(np.array([[0.5, 0.5]]), 2).tolist()
    [0.75]
    """
    inner, states = _inner(shares), shares.shape[-2]
    there = np.ones((*shares.shape[:-2], states, 1))
    for _ in range(steps):
        there = inner @ there
    return 1 - there[..., 0]


def stage_value(
    shares: np.ndarray,
    rewards: np.ndarray,
    *,
    discount: float,
    steps: int | None = None,
    pays_first: bool = True,
) -> np.ndarray:
    """Value today of what customers of each stage will yield: V = (I − P / (1 + d))^-1 R.

    Parameters
    ----------
    shares : ndarray, shape (..., k, k + e)
        Chances to move in a step; ends yield nothing.
    rewards : ndarray, shape (..., k)
        Margin of one step in each stage, money; may be negative.
    discount : float
        Rate a step, 0 or more.
    steps : int, optional
        Steps counted; None: until the end. `steps` = n counts rewards at times 0 to n (Pfeifer and Carraway's horizon).
    pays_first : bool
        The first reward comes now and is sure; else rewards come at the end of each step, by the stage then.

    Returns
    -------
    ndarray, shape (..., k)
        Infinite where a margin goes on for ever undiscounted; not known where the chances are not.

    Notes
    -----
    With Q the moves between stages and q = 1 / (1 + d): R + qQR + q²Q²R + ... from the start, the same less R from the
    end of a step. Say which is meant: the two differ by one margin.

    References
    ----------
    Pfeifer and Carraway (2000), Modeling customer relationships as Markov chains, Journal of Interactive Marketing 14.

    Examples
    --------
    >>> stage_value(np.array([[0.8, 0.2]]), np.array([100.0]), discount=0.0).round(6).tolist()
    [500.0]
    """
    rewards = np.asarray(rewards, dtype=float)
    refuse(
        *([] if discount >= 0 else [f"stage_value: the discount rate is {discount}. Give 0 or more a step."]),
        *([] if steps is None or (isinstance(steps, (int, np.integer)) and steps >= 0)
          else [f"stage_value: steps is {steps!r}. Give a whole number, 0 or more, or None."]),
    )  # fmt: skip
    factor = 1 / (1 + discount)
    if steps is None:
        total = _discounted(shares, rewards, factor)
    else:
        inner = factor * _inner(shares)
        total = np.broadcast_to(rewards, shares.shape[:-1]).copy()
        term = total[..., None]
        for _ in range(steps):
            term = inner @ term
            total = total + term[..., 0]
    return total if pays_first else total - rewards


def _inner(shares: np.ndarray) -> np.ndarray:
    """Moves between stages; an unknown row stays unknown only for itself if nobody can get there."""
    return np.nan_to_num(shares[..., : shares.shape[-2]], nan=0.0)


def _discounted(shares: np.ndarray, rewards: np.ndarray, factor: float) -> np.ndarray:
    rewards = np.broadcast_to(rewards, shares.shape[:-1])
    if factor < 1:
        return _mark_unknown(shares, _solve(factor * _inner(shares), rewards[..., None])[..., 0])
    stuck = _never_ends(shares)
    found = _solved(shares, 1.0, np.where(stuck, 0.0, rewards)[..., None], stuck=0.0)[..., 0]
    # undiscounted for ever: the sign of what goes on decides, also for stages from which it is reached
    reach = _reach(shares)
    gain = (reach & (stuck & (rewards > 0))[..., None, :]).any(axis=-1)
    loss = (reach & (stuck & (rewards < 0))[..., None, :]).any(axis=-1)
    endless = np.where(gain & loss, np.nan, np.where(gain, np.inf, -np.inf))
    return np.where(gain | loss, endless, found)


def _solved(shares: np.ndarray, factor: float, right: np.ndarray, *, stuck: float = np.inf) -> np.ndarray:
    """Solve (I − factor Q) X = right; rows from which no end can be reached get `stuck` where they stay."""
    never = _never_ends(shares)
    inner = np.where(never[..., None, :] | never[..., :, None], 0.0, factor * _inner(shares))
    # what is not known stays out of the sums, and is marked at the end
    found = _solve(inner, np.broadcast_to(np.nan_to_num(right), (*shares.shape[:-1], right.shape[-1])))
    if right.shape[-1] == shares.shape[-2] and stuck == np.inf:
        endless = _reach(shares) & never[..., None, :]
        found = np.where(endless, np.inf, np.where(never[..., :, None] & ~_reach(shares), 0.0, found))
    elif never.any():
        found = np.where(never[..., None], stuck, found)
    return _mark_unknown(shares, found)


def _solve(inner: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.linalg.solve(np.eye(inner.shape[-1]) - inner, right)


def _mark_unknown(shares: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Blank what depends on a row that is not known."""
    unknown = np.isnan(shares).any(axis=-1)
    if not unknown.any():
        return found
    hit = (_reach(shares) & unknown[..., None, :]).any(axis=-1)
    return np.where(hit[..., None] if found.ndim > hit.ndim else hit, np.nan, found)


def _reach(shares: np.ndarray) -> np.ndarray:
    """Whether each stage can be reached from each, itself included."""
    can = (_inner(shares) > 0) | np.eye(shares.shape[-2], dtype=bool)
    for _ in range(max(1, int(np.ceil(np.log2(shares.shape[-2] + 1))))):
        can = (can.astype(np.int64) @ can.astype(np.int64)) > 0
    return can


def _never_ends(shares: np.ndarray) -> np.ndarray:
    """Stages from which no end can be reached."""
    states = shares.shape[-2]
    ends = (np.nan_to_num(shares[..., states:], nan=1.0) > 0).any(axis=-1)
    return ~(_reach(shares) & ends[..., None, :]).any(axis=-1)
