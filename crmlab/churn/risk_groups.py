"""Who is at risk: customers in tenths of their probability, with the money behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.stats.evidence import Evidence

__all__ = ["risk_groups", "tenths"]

_GROUPS = 10


def tenths(p_churn: pd.Series) -> pd.Series:
    """Number the tenth of each customer by probability, 1 the likeliest to leave; ties by customer.

    Examples
    --------
    >>> tenths(pd.Series([0.3, 0.1, 0.2], index=["a", "b", "c"])).to_dict()
    {'a': 1, 'b': 7, 'c': 4}
    """
    order = np.lexsort((p_churn.index.to_numpy(dtype="U"), -p_churn.to_numpy(dtype=float)))
    place = np.empty(len(p_churn), dtype=int)
    place[order] = np.arange(len(p_churn))
    return pd.Series(place * _GROUPS // max(len(p_churn), 1) + 1, index=p_churn.index, name="tenth")


def risk_groups(stakes: pd.DataFrame, currency: str) -> Evidence:
    """Tell by tenth how many will leave, and what margin goes with them.

    Parameters
    ----------
    stakes : DataFrame
        As `crmlab.churn.stakes.stakes`.
    currency : str

    Returns
    -------
    Evidence
        Frame, the likeliest to leave first: ``tenth``, ``label``, ``n``, ``chance_share`` (mean),
        ``lowest_chance_share``, ``expected_count`` with ``expected_count_low`` and ``expected_count_high`` (what the
        lot makes of it), and with money ``margin_amount`` (a customer and year), ``at_stake_amount`` (a year's margin
        expected to go).

    Notes
    -----
    Limits of a count are those of a sum of unequal coins, by the normal law with half a customer added.
    """
    group = tenths(stakes["p_churn"])
    rows = []
    for number, part in stakes.groupby(group):
        p = part["p_churn"].to_numpy(dtype=float)
        reach = 1.96 * np.sqrt(np.sum(p * (1 - p))) + 0.5
        row = {"tenth": int(number), "label": _label(int(number)), "n": len(part), "chance_share": p.mean(),
               "lowest_chance_share": p.min(), "expected_count": p.sum(),
               "expected_count_low": max(p.sum() - reach, 0.0),
               "expected_count_high": min(p.sum() + reach, float(len(p)))}  # fmt: skip
        if "margin_amount" in part:
            row |= {"margin_amount": part["margin_amount"].mean(), "at_stake_amount": part["at_stake_amount"].sum()}
        rows.append(row)
    frame = pd.DataFrame(rows)
    if not len(frame):
        return Evidence(frame, "", "", "Nobody is to be scored.")
    first, total = frame.iloc[0], float(frame["expected_count"].sum())
    share = first["expected_count"] / total if total else 0.0
    said = (
        f"The likeliest tenth ({first['n']:,.0f} customers) holds {100 * share:.0f} % of those expected to leave; each "
        f"has a chance of {100 * first['chance_share']:.1f} % on average."
    )
    if "at_stake_amount" in frame:
        money = float(frame["at_stake_amount"].sum())
        part = first["at_stake_amount"] / money if money else 0.0
        said += (
            f" In yearly margin it holds {100 * part:.0f} % of what is expected to go: those at risk yield "
            f"{currency} {first['margin_amount']:,.0f} a year on average, all customers "
            f"{currency} {stakes['margin_amount'].mean():,.0f}."
        )
    return Evidence(
        frame,
        title=f"One customer in ten holds {100 * share:.0f} % of those who will leave",
        about=f"Customers expected to leave, by tenth of the probability; interval: chance; n = {len(stakes):,}",
        reading=said,
    )


def _label(tenth: int) -> str:
    return {1: "likeliest tenth", _GROUPS: "unlikeliest tenth"}.get(tenth, f"tenth {tenth}")
