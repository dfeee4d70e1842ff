"""Action lists: whom to call. They leave as CSV files that no spreadsheet executes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlab.errors import refuse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["action_list", "harmless", "write_action_list"]

_REQUIRED = ("customer_id", "reason")
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(value: Any) -> Any:
    """Put an apostrophe before a text that a spreadsheet would execute.

    >>> harmless('=HYPERLINK("x")'), harmless("-12 points"), harmless(-12), harmless("call")
    ('\\'=HYPERLINK("x")', "'-12 points", -12, 'call')
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_STARTS) else value


def action_list(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Check a customer-level list and make its cells harmless.

    Parameters
    ----------
    name : str
        Name of the list, for messages.
    frame : DataFrame
        Needs ``customer_id`` (column or index) and ``reason``; ``channel``, ``expires_on``, ``is_holdout`` are usual.
    """
    flat = frame.reset_index() if "customer_id" in frame.index.names else frame.reset_index(drop=True)
    lacking = [column for column in _REQUIRED if column not in flat.columns]
    if lacking:
        refuse(
            f"findings.actions: {name!r} lacks {lacking}; it has {[str(c) for c in flat.columns]}. "
            "A list names the customer and says why."
        )
    problems = []
    if (twice := int(flat["customer_id"].duplicated().sum())) > 0:
        problems.append(f"findings.actions: {name!r} names {twice:,} customers twice. One row a customer.")
    if (silent := int((flat["reason"].isna() | (flat["reason"].astype(str).str.strip() == "")).sum())) > 0:
        problems.append(f"findings.actions: {name!r} has {silent:,} rows without a reason. Say why for each customer.")
    refuse(*problems)
    result = flat.copy()
    result.columns = [harmless(str(column)) for column in result.columns]
    for column in result.columns:
        if not str(result[column].dtype).startswith(("int", "float", "bool", "Int", "Float", "datetime")):
            result[column] = result[column].map(harmless, na_action="ignore")
    return result


def write_action_list(frame: pd.DataFrame, path: Path) -> None:
    """Write the list as UTF-8 with a mark that spreadsheets understand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # every text in quotes: a carriage return in a cell must not break the row
    quoting = csv.QUOTE_NONNUMERIC
    frame.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n", quoting=quoting)
