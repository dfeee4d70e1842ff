"""What to try for each dimension that may come first: on which items, by whom, and how to see that it worked."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from crmlab.stats import Estimate, Evidence

__all__ = ["TRIED", "improvement_plan"]

# Latent variable -> (owner, what is tried, indicator in the bank's own data).
TRIED: dict[str, tuple[str, str, str]] = {
    "image": (
        "head of communication", "say publicly what was improved, with numbers", "share who would recommend the bank",
    ),
    "expectations": (
        "head of marketing", "promise only what is kept: check every leaflet and page",
        "complaints that name a promise, a month",
    ),
    "product_quality": (
        "head of products", "mend the two faults of app and cards that are reported most",
        "failed logins and payments in 1,000",
    ),
    "service_attitude": (
        "head of branches", "train to listen, and settle small mistakes at once",
        "satisfaction with a contact, by branch",
    ),
    "handling_efficiency": (
        "head of operations", "one person settles a request; the customer is told each step",
        "minutes of waiting; requests settled at the first contact",
    ),
    "value": (
        "head of pricing", "one page a year: what was paid, what was got, and which tariff is cheaper",
        "complaints about fees in 1,000 customers",
    ),
    "quality": (
        "head of service", "mend what is reported most at counter, phone and app", "complaints in 1,000 customers",
    ),
}  # fmt: skip
_ELSE = (
    "owner of the dimension", "ask twenty customers who score it low what happened; change the one thing they name",
    "a count in the bank's own data that moves with it",
)  # fmt: skip


def improvement_plan(
    dimensions: Mapping[str, str],
    items: Mapping[str, Evidence],
    *,
    now: Mapping[str, Estimate],
    rise: Mapping[str, Estimate],
    plan: str,
    whom: str,
) -> pd.DataFrame:
    """Put down what to try for each dimension, one column a dimension.

    Parameters
    ----------
    dimensions : mapping of str to str
        Constructs that may come first, with their titles, the first first.
    items : mapping of str to Evidence
        Of `crmlab.satisfaction.importance.priorities.items_to_work_on`.
    now, rise : mapping of str to Estimate
        Index of each, and the smallest rise that the trial shows.
    plan : str
        The trial in words.
    whom : str
        For which customers.

    Returns
    -------
    DataFrame
        ``step`` and one column a dimension: items to work on, for whom, owner, what is tried, indicator, index now,
        index to reach, how to see that it worked.

    Notes
    -----
    Owners and measures are rules of thumb by the kind of dimension; whoever knows the bank should replace them. The
    index to reach is the smallest rise that the trial would show: less would not be seen, more is welcome.

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["Fees are fair", "I see what I pay for", "Worth it"]})
    >>> found = improvement_plan({"value": "Perceived value"}, {"value": Evidence(rows, "", "", "")},
    ...                          now={"value": Estimate(66.0, "index")}, rise={"value": Estimate(3.1, "points")},
    ...                          plan="half of 20 branches", whom="all customers")
    >>> found.set_index("step").loc[["Work on", "Index to reach"], "Perceived value"].tolist()
    ['Fees are fair; I see what I pay for', '69.1']
    """
    steps = ["Work on", "For whom", "Owner", "Try", "Indicator", "Index now", "Index to reach", "Seen by"]
    columns: dict[str, list[str]] = {"step": steps}
    for name, title in dimensions.items():
        owner, tried, indicator = TRIED.get(name, _ELSE)
        goal = now[name].value + rise[name].value
        columns[title] = [
            "; ".join(items[name].frame["text"].head(2)), whom, owner, tried, indicator, now[name].short,
            f"{goal:.1f}" if math.isfinite(goal) else "not known", plan,
        ]  # fmt: skip
    return pd.DataFrame(columns)
