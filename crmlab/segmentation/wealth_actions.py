"""Whom to speak to about wealth: members of the tiers that earn an adviser, and who seems to hold money elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crmlab.segmentation.potential import peers_of
from crmlab.segmentation.tiers import Tiering
from crmlab.stats import amount_text

__all__ = ["advised", "hidden_wealth"]


def advised(seen: pd.DataFrame, rule: Tiering, tiers: Sequence[str]) -> pd.Series:
    """Say for each member of the tiers why an adviser is worth while.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``assets_amount`` and, where known, ``margin_12m_amount``.
    rule : Tiering
        The tiers.
    tiers : sequence of str
        Tiers whose members get an adviser.

    Returns
    -------
    Series of str
        Reason, indexed by ``customer_id``, the highest yield (or assets, where yields are not known) first.

    Examples
    --------
    >>> seen = pd.DataFrame({"assets_amount": [50.0, 7_000.0, 9_000.0], "margin_12m_amount": [1.0, 250.0, 130.0]})
    >>> advised(seen, Tiering((1_000.0,), "EUR"), ["top"]).tolist()[0]
    'top tier: holds EUR 7,000, yielded EUR 250.00 in 12 months'
    """
    by = "margin_12m_amount" if "margin_12m_amount" in seen else "assets_amount"
    tier = rule.of(seen["assets_amount"])
    rows = seen[tier.isin(list(tiers))].sort_values(by, ascending=False, kind="stable")
    said = tier[rows.index] + " tier: holds " + _amounts(rows["assets_amount"], rule.currency)
    if by == "margin_12m_amount":
        said = said + ", yielded " + _amounts(rows[by], rule.currency) + " in 12 months"
    return said.rename("reason")


def hidden_wealth(seen: pd.DataFrame, *, currency: str) -> pd.Series:
    """Say of whom a high income but little money here suggests that they hold it elsewhere.

    Parameters
    ----------
    seen : DataFrame
        As in `crmlab.segmentation.potential.potential`; ask that first whether income says anything about assets.
    currency : str
        Currency code.

    Returns
    -------
    Series of str
        Reason, indexed by ``customer_id``, the most room first: customers of the highest income fifth with less than
        half of what the middle one of their peers by income and age holds.

    Examples
    --------
    >>> seen = pd.DataFrame({"assets_amount": [10.0, 90, 100, 110, 120], "income_amount": [5_000.0] * 5})
    >>> hidden_wealth(seen, currency="EUR").tolist()
    ['highest income fifth, holds EUR 10.00 here; half of the peers hold EUR 100.00 or more']
    """
    peers = peers_of(seen)
    rows = peers[peers["is_hidden"]].sort_values("room_amount", ascending=False, kind="stable")
    held, middle = (_amounts(rows[column], currency) for column in ("assets_amount", "peers_amount"))
    said = "highest income fifth, holds " + held + " here; half of the peers hold " + middle + " or more"
    return said.rename("reason")


def _amounts(values: pd.Series, currency: str) -> pd.Series:
    return values.map(lambda value: amount_text(value, currency)).astype("str")
