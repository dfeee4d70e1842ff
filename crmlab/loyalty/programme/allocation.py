"""How much of a sale belongs to the points given with it, and when it is earned (IFRS 15)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from crmlab.errors import refuse

__all__ = ["allocated_to_points", "earned_by_redemption"]


def allocated_to_points(*, price_amount: float, goods_amount: float, points_amount: float) -> tuple[float, float]:
    """Split what customers paid between goods or services and the points that came with them.

    Parameters
    ----------
    price_amount : float
        What was paid for both, 0 or more.
    goods_amount : float
        Stand-alone selling price of goods or services, above 0.
    points_amount : float
        Stand-alone selling price of the points: points expected to be redeemed times the value of a point, 0 or more.

    Returns
    -------
    tuple of (float, float)
        Parts of goods and of points; they add up to `price_amount`.

    Notes
    -----
    Relative stand-alone selling prices: price times own price over the sum of both. The part of the points is a
    contract liability until they are redeemed. A bank that counts the expected cost of rewards instead (points are no
    material right) takes `crmlab.loyalty.programme.liability`.

    References
    ----------
    IFRS 15 Revenue from Contracts with Customers, paragraphs 74 to 80 and Illustrative Example 52.

    Examples
    --------
    >>> [round(part) for part in allocated_to_points(price_amount=100_000, goods_amount=100_000, points_amount=9_500)]
    [91324, 8676]
    """
    amounts = {"price_amount": price_amount, "goods_amount": goods_amount, "points_amount": points_amount}
    refuse(
        *(
            f"allocated_to_points: {name} is {value}. Give an amount of 0 or more."
            for name, value in amounts.items()
            if not (math.isfinite(value) and value >= 0)
        ),
        *([] if goods_amount != 0 else ["allocated_to_points: goods_amount is 0. Give what the goods cost alone."]),
    )
    points = price_amount * points_amount / (goods_amount + points_amount)
    return price_amount - points, points


def earned_by_redemption(
    points_amount: float, *, redeemed_count: Sequence[float], expected_count: Sequence[float]
) -> list[float]:
    """Say how much of what was allocated to points is earned in each period.

    Parameters
    ----------
    points_amount : float
        Allocated to the points.
    redeemed_count : sequence of float
        Points redeemed by the end of each period, from the beginning.
    expected_count : sequence of float
        Points that were then expected to be redeemed in all, at least those redeemed.

    Returns
    -------
    list of float
        Earned in each period. A changed expectation is caught up in the period in which it changes.

    References
    ----------
    IFRS 15, Illustrative Example 52 and paragraph B46; KPMG (2019), Revenue handbook, Example 10.

    Examples
    --------
    >>> given = allocated_to_points(price_amount=100_000, goods_amount=100_000, points_amount=9_500)[1]
    >>> earned = earned_by_redemption(given, redeemed_count=[4_500, 8_500], expected_count=[9_500, 9_700])
    >>> [round(part) for part in earned]
    [4110, 3493]
    """
    refuse(
        *([] if len(redeemed_count) == len(expected_count) else [
            f"earned_by_redemption: {len(redeemed_count)} counts of redeemed and {len(expected_count)} of expected "
            "points. Give one of each a period."]),
        *(
            f"earned_by_redemption: period {at} has {redeemed:,} points redeemed of {expected:,} expected. Expect at "
            "least what was redeemed, and more than 0."
            for at, (redeemed, expected) in enumerate(zip(redeemed_count, expected_count, strict=False), 1)
            if not 0 <= redeemed <= expected or expected == 0
        ),
        *([] if all(a <= b for a, b in itertools.pairwise(redeemed_count)) else [
            "earned_by_redemption: points redeemed fall from one period to the next. Give them from the beginning."]),
    )  # fmt: skip
    by_then = [points_amount * done / all_ for done, all_ in zip(redeemed_count, expected_count, strict=True)]
    return [now - before for now, before in zip(by_then, [0.0, *by_then[:-1]], strict=True)]
