"""What a point of each dimension may cost: its effect on the target times what a point of the target goes with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.satisfaction.importance.priorities import Priorities
from crmlab.satisfaction.importance.worth import Worth
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.stats import Estimate, Evidence, amount_text, percentile_limits

__all__ = ["NOT_IN_IT", "cost_of_a_point"]

NOT_IN_IT = (
    "that what goes with satisfaction is not caused by it",
    "that paths and leaving were seen in different waves",
    "the error of the items in the index, which makes a point seem worth less",
    "new customers by recommendation, and more business of those who stay",
)


def cost_of_a_point(
    ranked: Priorities, worth: Worth, *, customers_count: int, currency: str, seed: int = 1
) -> Evidence:
    """Say what one more point of each lever goes with in money, the limit of a sensible budget.

    Parameters
    ----------
    ranked : Priorities
        Levers with their importance for the target in every resample.
    worth : Worth
        What a point of the target's index goes with.
    customers_count : int
        Customers of the bank.
    currency : str
        Currency code.
    seed : int
        Of the pairing of resamples.

    Returns
    -------
    Evidence
        ``frame``, one row a lever in its order: ``title``, ``importance``, ``each_amount`` (a customer and year) with
        ``_low`` and ``_high``, ``total_amount`` (all customers, a year) with ``_low`` and ``_high``, ``n``.
        ``estimates``: ``point_amount_<name>``, of all customers a year.

    Notes
    -----
    Product of two estimates. Each resample of the paths is paired with one of the worth, drawn at random: both errors
    are in the interval. They are taken to be independent, for they come from different waves. What is not in it stands
    in `NOT_IN_IT`.

    Examples
    --------
    One point of service goes with .5 points of satisfaction, one of these with EUR 2 a customer: EUR 1.

    >>> rows = pd.DataFrame({"name": ["service"], "title": ["Service"], "importance": [0.5]})
    >>> ranked = Priorities("sat", ("service",), None, Evidence(rows, "", "", ""), np.full((4, 1), 0.5), None)
    >>> worth = Worth(pd.DataFrame(), "", "", "", {"break_even_amount": Estimate(2.0, "EUR", 1.5, 2.5, 90)},
    ...               np.array([1.5, 2.5]))
    >>> found = cost_of_a_point(ranked, worth, customers_count=1_000, currency="EUR")
    >>> found.frame[["each_amount", "total_amount"]].values.tolist(), found["point_amount_service"].short
    ([[1.0, 1000.0]], 'EUR 1,000')
    """
    each = worth["break_even_amount"]
    generator = np.random.default_rng(seed)
    pairs = max(len(ranked.draws), len(worth.break_even_draws))
    paths = ranked.draws[np.arange(pairs) % len(ranked.draws)]
    amounts = generator.permutation(worth.break_even_draws[np.arange(pairs) % len(worth.break_even_draws)])
    low, high = percentile_limits(paths * amounts[:, None], each.level)
    rows = ranked.ranking.frame[["name", "title", "importance"]].copy()
    values = rows["importance"].to_numpy(dtype=float) * each.value
    for what, size in (("each_amount", 1), ("total_amount", customers_count)):
        rows = rows.assign(**{what: size * values, f"{what}_low": size * low, f"{what}_high": size * high})
    rows = rows.assign(n=each.n)
    method = f"{pairs:,} pairs of resamples of paths and of worth"
    estimates = {
        f"point_amount_{row['name']}": Estimate(
            row["total_amount"], currency, row["total_amount_low"], row["total_amount_high"], each.n, method, each.level
        )
        for row in rows.to_dict("records")
    }
    about = (
        f"Effect on the target times value kept, all {customers_count:,} customers, {currency} a year; "
        f"{100 * each.level:g} % intervals; n = {each.n:,}"
    )
    return Evidence(rows.drop(columns="name"), _title(rows, currency), about, _reading(rows, currency), estimates)


def _title(rows: pd.DataFrame, currency: str) -> str:
    best = rows.iloc[0]
    if best["total_amount_low"] <= 0:
        return "What a point may cost is not sure to be above 0"
    long = f"A point of {lowered(best['title'])} may cost {amount_text(best['total_amount'], currency)} a year"
    return long if len(long) <= 70 else f"A point may cost {amount_text(best['total_amount'], currency)} a year"


def _reading(rows: pd.DataFrame, currency: str) -> str:
    best = rows.iloc[0]
    said = (
        f"One more point of {lowered(best['title'])} for all customers goes with "
        f"{amount_text(best['total_amount'], currency)} a year ({amount_text(best['total_amount_low'], currency)} to "
        f"{amount_text(best['total_amount_high'], currency)}): more than that it should not cost."
    )
    bare = ["The interval covers 0: no budget can be founded on it alone."] if best["total_amount_low"] <= 0 else []
    return " ".join([said, *bare, f"Not in the interval: {'; '.join(NOT_IN_IT)}."])
