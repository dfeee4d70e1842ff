"""What may not stand on a page: identifiers, and groups so small that they point at a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.bank.tables import CONTRACT
from crmlab.errors import nearest, refuse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PERSONAL_COLUMNS", "SMALLEST_GROUP", "hide_small_groups", "personal_columns"]

_HIDDEN_COUNT = f"fewer than {SMALLEST_GROUP}"
_OTHER = f"other (groups under {SMALLEST_GROUP})"
_COUNTS_OF_PEOPLE = ("n", "customers", "customers_count", "Customers")
# Every identifier of the contract but those of things the bank itself made.
PERSONAL_COLUMNS = frozenset(
    column.name
    for table in CONTRACT.values()
    for column in table.columns
    if column.kind == "id" and column.name not in {"product_id", "campaign_id"}
)


def personal_columns(names: object) -> list[str]:
    """Name the columns that hold identifiers of a person, a contract or an event.

    >>> personal_columns(["Customer ID", "region", "account_id"])
    ['Customer ID', 'account_id']
    """
    return [str(name) for name in names if "_".join(str(name).lower().split()) in PERSONAL_COLUMNS]


def hide_small_groups(frame: pd.DataFrame, n: str | None = None) -> pd.DataFrame:
    """Hide groups of fewer than 10 customers.

    One such row keeps its label and loses its numbers; several become one row, with their joint count when that
    reaches 10. An empty group (n = 0) stays: it points at nobody.

    Parameters
    ----------
    frame : DataFrame
        One row a group.
    n : str or None
        Column with the number of customers. None: the first of ``n``, ``customers``, ``customers_count``, if any.

    Examples
    --------
    >>> import pandas as pd
    >>> tiers = pd.DataFrame({"tier": ["mass", "rich", "top"], "customers": [950, 7, 4], "assets_amount": [1., 2., 3.]})
    >>> hide_small_groups(tiers)["tier"].tolist(), hide_small_groups(tiers)["customers"].tolist()
    (['mass', 'other (groups under 10)'], [950, 11])
    """
    import pandas as pd

    if n is None:
        n = next((name for name in _COUNTS_OF_PEOPLE if name in frame.columns), None)
        if n is None:
            return frame
    if n not in frame.columns:
        has = ", ".join(map(str, frame.columns))
        refuse(f"findings.table: n={n!r} is not a column; it has {has}.{nearest(n, frame.columns)}")
    counts = pd.to_numeric(frame[n], errors="coerce")
    small = ((counts > 0) & (counts < SMALLEST_GROUP)).to_numpy()
    if not small.any():
        return frame
    unnamed = isinstance(frame.index, pd.RangeIndex)
    labels = {c for c in frame.columns if not _is_measure(frame[c])} | ({frame.columns[0]} - {n} if unnamed else set())
    result = frame.copy().astype(object)
    if small.sum() == 1:
        for column in set(frame.columns) - labels:
            result.loc[small, column] = _HIDDEN_COUNT if column == n else None
        return result.infer_objects()
    joint = int(counts[small].sum())
    row = dict.fromkeys(frame.columns)
    row[n] = joint if joint >= SMALLEST_GROUP else _HIDDEN_COUNT
    if unnamed and frame.columns[0] in labels:
        row[frame.columns[0]] = _OTHER
    rest = pd.DataFrame([row], columns=frame.columns, dtype=object)
    if not unnamed:
        names = [_OTHER, *[""] * (frame.index.nlevels - 1)]
        many = frame.index.nlevels > 1
        rest.index = pd.MultiIndex.from_tuples([tuple(names)]) if many else pd.Index([_OTHER])
    joined = pd.concat([result[~small], rest], ignore_index=unnamed)
    joined.index.names = frame.index.names
    return joined.infer_objects()


def _is_measure(column: pd.Series) -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(column) or column.map(lambda v: hasattr(v, "as_dict")).any()
