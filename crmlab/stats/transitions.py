"""From where to where: shares of a starting group by where its members ended, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crmlab.errors import refuse
from crmlab.stats.intervals import proportions

__all__ = ["transitions"]


def transitions(before: pd.Series, after: pd.Series, *, order: Sequence[str], ends: Sequence[str] = ()) -> pd.DataFrame:
    """Count moves between groups.

    Parameters
    ----------
    before, after : Series of str
        Group of each customer at the start and at the end, with the same index.
    order : sequence of str
        Groups, lowest first.
    ends : sequence of str
        Further groups only possible at the end, e.g. ``left``.

    Returns
    -------
    DataFrame
        One row a pair: ``from``, ``to``, ``customers_count``, ``share`` of the starting group with ``share_low`` and
        ``share_high`` (Wilson), and ``n``, the size of the starting group.

    Examples
    --------
    >>> moved = transitions(pd.Series(["a", "a", "b"]), pd.Series(["a", "b", "b"]), order=["a", "b"])
    >>> moved[["from", "to", "customers_count", "share"]].values.tolist()
    [['a', 'a', 1, 0.5], ['a', 'b', 1, 0.5], ['b', 'a', 0, 0.0], ['b', 'b', 1, 1.0]]
    """
    to = [*order, *ends]
    unknown = sorted((set(before.dropna()) - set(order)) | (set(after.dropna()) - set(to)))
    if unknown or not before.index.equals(after.index):
        refuse(
            *([f"transitions: groups {unknown} are not in the order {to}. Add them."] if unknown else []),
            *(
                []
                if before.index.equals(after.index)
                else ["transitions: both sides need the same customers in order."]
            ),
        )
    table = pd.crosstab(before.astype("str"), after.astype("str")).reindex(index=list(order), columns=to, fill_value=0)
    pairs = pd.MultiIndex.from_product([order, to], names=["from", "to"])
    counts = pd.Series(table.to_numpy().ravel(), index=pairs, name="customers_count")
    sizes = pd.Series(table.sum(axis=1).repeat(len(to)).to_numpy(), index=pairs)
    return pd.concat([counts, proportions(counts, sizes)], axis=1).reset_index()
