"""Share of wallet from the rank that customers give the bank among those they use."""

from __future__ import annotations

import numpy as np

from crmlab.errors import refuse

__all__ = ["wallet_share"]


def wallet_share(rank: object, banks_count: object) -> np.ndarray:
    """Estimate the share of wallet by the wallet allocation rule.

    Parameters
    ----------
    rank : array-like of float
        Place of this bank among those the customer uses, 1 the first; ties share the mean of their places.
    banks_count : array-like of float
        Banks that the customer uses, 1 or more.

    Returns
    -------
    ndarray of float
        Share, 0 to 1; with one bank it is 1.

    Notes
    -----
    (1 - rank / (k + 1)) x 2 / k with k banks; the shares of the places add up to 1. The rule was made for customers of
    several firms, and says nothing of how much a first bank leads. A main bank tends to have more than it gives.

    References
    ----------
    Keiningham, Aksoy, Buoye and Cooil (2011), Harvard Business Review 89(10), 29-31.

    Examples
    --------
    >>> wallet_share([1, 2, 1, 2, 3], [2, 2, 3, 3, 3]).round(3).tolist()
    [0.667, 0.333, 0.5, 0.333, 0.167]
    """
    place, count = np.asarray(rank, dtype=float), np.asarray(banks_count, dtype=float)
    known = ~(np.isnan(place) | np.isnan(count))
    wrong = known & ~((place >= 1) & (place <= count))
    refuse(*([f"wallet_share: {int(np.sum(wrong))} ranks lie outside 1 to the number of banks. Correct them."]
             if np.any(wrong) else []))  # fmt: skip
    return (1 - place / (count + 1)) * 2 / count
