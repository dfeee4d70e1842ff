"""Whom to treat when each treatment costs money: expected net value, break-even effect, budget and capacity."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import refuse

__all__ = ["LISTS", "break_even_effect", "expected_net_value", "list_rankings", "within_limits"]

# what a list is ordered by, from what everybody does to what earns most if the effects are right
LISTS = {
    "risk": "by risk",
    "value": "by value",
    "risk_value": "by risk x value",
    "effect": "by effect",
    "effect_value": "by effect x value",
}


def expected_net_value(effect: object, value: object, cost: object) -> pd.Series | np.ndarray:
    """Expected gain of treating each customer: effect x value - cost.

    Parameters
    ----------
    effect : array-like of float
        Change of the chance of the wanted outcome (to stay) by the treatment, -1 to 1.
    value : array-like of float
        What the outcome is worth, money; negative where the customer costs more than he brings.
    cost : array-like of float
        Of treating one customer, 0 or more, whatever comes of it.

    Returns
    -------
    Series or ndarray
        Money a customer; a Series where `effect` or `value` is one.

    Notes
    -----
    An incentive that only those take who stay is no fixed cost: subtract it from the value first, and charge those who
    would have stayed anyway.

    Examples
    --------
    >>> expected_net_value([0.05, -0.02], 400.0, 6.5).tolist()
    [13.5, -14.5]
    """
    parts = {"effect": effect, "value": value, "cost": cost}
    arrays = {name: np.asarray(part, dtype=float) for name, part in parts.items()}
    refuse(
        *(
            f"expected_net_value: {int(np.isnan(array).sum()):,} values of {name} are not known. "
            "Leave those customers out, and count them."
            for name, array in arrays.items()
            if np.isnan(array).any()
        ),
        *(["expected_net_value: some costs are below 0. Give 0 or more."] if (arrays["cost"] < 0).any() else []),
    )
    net = arrays["effect"] * arrays["value"] - arrays["cost"]
    index = next((part.index for part in parts.values() if isinstance(part, pd.Series)), None)
    return net if index is None else pd.Series(net, index=index, name="net_value_amount")


def break_even_effect(value: object, cost: object) -> np.ndarray:
    """Smallest effect at which treating a customer pays: cost / value.

    Parameters
    ----------
    value, cost : array-like of float
        Money, as in `expected_net_value`.

    Returns
    -------
    ndarray of float
        Share; above 1 no effect is large enough. Infinite where the value is not above 0: nothing pays, unless the
        treatment is free.

    Examples
    --------
    >>> break_even_effect([650.0, 6.5, 0.0, -10.0], 6.5).tolist()
    [0.01, 1.0, inf, inf]
    """
    worth, price = np.broadcast_arrays(np.asarray(value, dtype=float), np.asarray(cost, dtype=float))
    refuse(*(["break_even_effect: some costs are below 0. Give 0 or more."] if (price < 0).any() else []))
    return np.where(worth > 0, price / np.where(worth > 0, worth, 1.0), np.where(np.isnan(worth), np.nan, np.inf))


def within_limits(
    net: pd.Series, cost: object, *, budget: float | None = None, capacity: int | None = None
) -> pd.Series:
    """Choose whom to treat: all who earn more than they cost, as far as budget and capacity reach.

    Parameters
    ----------
    net : Series of float
        Expected net value of each customer, money.
    cost : array-like of float
        Of treating each, 0 or more.
    budget : float, optional
        Money that may be spent, 0 or more; None: no limit.
    capacity : int, optional
        Customers who can be treated, 0 or more; None: no limit.

    Returns
    -------
    Series of bool
        Index of `net`.

    Notes
    -----
    Where only the capacity binds, those with the largest net value; where the budget binds, those with the largest net
    value for each coin (greedy: at most one customer's worth from the best); where both do, the better of the two
    orders. Ties go by the index, so the order of rows does not matter. Without effects above cost nobody is chosen,
    however much may be spent.

    Examples
    --------
    >>> net = pd.Series([5.0, -1.0, 9.0, 2.0], index=list("abcd"))
    >>> within_limits(net, 6.5, capacity=2).tolist(), within_limits(net, 6.5, budget=0).tolist()
    ([True, False, True, False], [False, False, False, False])
    """
    refuse(
        *([f"within_limits: the budget is {budget}. Give 0 or more, or None."]
          if budget is not None and budget < 0 else []),
        *([f"within_limits: the capacity is {capacity}. Give 0 or more, or None."]
          if capacity is not None and capacity < 0 else []),
        *(["within_limits: some net values are not known. Leave those customers out, and count them."]
          if net.isna().any() else []),
    )  # fmt: skip
    price = np.broadcast_to(np.asarray(cost, dtype=float), (len(net),))
    worth = net.to_numpy(dtype=float)
    tie = net.index.astype(str).to_numpy(dtype=object)
    best = np.zeros(len(net), dtype=bool)
    orders = [worth] if budget is None else [worth, worth / np.maximum(price, 1e-12)]
    for key in orders:
        order = np.lexsort((tie, -key))
        order = order[worth[order] > 0][:capacity]
        chosen = np.zeros(len(net), dtype=bool)
        chosen[_affordable(order, price, budget)] = True
        if worth[chosen].sum() > worth[best].sum():
            best = chosen
    return pd.Series(best, index=net.index, name="is_chosen")


def _affordable(order: np.ndarray, price: np.ndarray, budget: float | None) -> np.ndarray:
    """Go down the order and take whoever the rest of the budget still pays for."""
    if budget is None or price[order].sum() <= budget:
        return order
    if len(order) and np.ptp(price[order]) == 0:
        return order[: int(budget / price[order[0]] + 1e-9)]
    left, taken = budget, []
    for place in order:
        if price[place] <= left + 1e-9:
            taken.append(place)
            left -= price[place]
    return np.array(taken, dtype=int)


def list_rankings(customers: pd.DataFrame) -> pd.DataFrame:
    """Order customers as different lists would.

    Parameters
    ----------
    customers : DataFrame
        ``p_churn`` (chance to leave), ``value_amount`` (lost when the customer leaves), ``effect`` (predicted change of
        the chance to stay), ``cost_amount``; each optional.

    Returns
    -------
    DataFrame
        One column a list of `LISTS` that the columns allow, higher for who comes first. ``effect_value`` is the
        expected net value: it ends where it falls to 0, the others have no end of their own.

    Examples
    --------
    >>> list_rankings(pd.DataFrame({"p_churn": [0.1, 0.4], "value_amount": [500.0, 100.0]})).values.tolist()
    [[0.1, 500.0, 50.0], [0.4, 100.0, 40.0]]
    """
    made = {}
    if "p_churn" in customers:
        made["risk"] = customers["p_churn"]
    if "value_amount" in customers:
        made["value"] = customers["value_amount"]
        if "p_churn" in customers:
            made["risk_value"] = customers["p_churn"] * customers["value_amount"]
    if "effect" in customers:
        made["effect"] = customers["effect"]
        if "value_amount" in customers:
            cost = customers.get("cost_amount", 0.0)
            made["effect_value"] = expected_net_value(customers["effect"], customers["value_amount"], cost)
    return pd.DataFrame(made, index=customers.index)
