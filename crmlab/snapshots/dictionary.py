"""The dictionary of features, for people: as a frame and as `crmlab/snapshots/README.md`.

`write_readme` writes the file; a test keeps it equal to the definitions.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.snapshots.feature import Feature
from crmlab.snapshots.features import FEATURES, FLAT_FEATURES

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["feature_dictionary", "feature_readme", "write_readme"]

README = Path(__file__).with_name("README.md")

_HEAD = """\
# Snapshots: one row a customer at a date

Generated from the definitions by `crmlab.snapshots.dictionary.write_readme()`; a test keeps both equal.

```python
from crmlab.snapshots import label, snapshot

features = snapshot(bank, "2024-06-30")  # one date, or a list of dates
churned = label(bank, "2024-06-30", gap_months=1, outcome_months=3)  # 1 where the customer leaves in the window
```

## Rules
- A row is a customer who had joined and not left by the end of the day (`left_on` on the day: has left; `closed_on` on
  the day: is closed; `opened_on` on the day: is open).
- Only what the bank knew that day counts: bookings by `booked_on`, contacts by `opened_at`, settlements by
  `resolved_at`, balances by `balance_on`. Facts of the customers table without a date are those of the extract.
- A window of months ends on the date, inclusive. From a month end it is calendar months; from the 15th, months that
  end on a 15th: "last 3 months" of 15 June is 16 March to 15 June.
- Balances count at month ends. "Last month-end known" is the latest one in the bank on or before the date; windows of
  balances count back from it. An account closed since then still counts in it.
- An account counts for its owner. Persons authorised on it see it in `authorised_accounts_count` only.
- No rows: sums and counts are 0; recency, shares, means and trends are empty. A bank without the table or column has
  no such feature: `snapshot(...).attrs["absent"]` says which and why. Likewise an amount of a family whose accounts
  have no balances in the bank (often loans), as it would be a false 0.
- Windows that reach back beyond the bank's first day are not full: they hold what is there.
- Money is the bank's currency in the frame, and whole minor units in SQL. Every sum is of whole numbers, so it does
  not depend on the engine or the order of rows; shares, means and slopes are one division at the end.

## Salary-like income
A salary is seen in one of two ways, from the last 6 months:
- `kind`: something is booked as salary or pension, in at least 2 of the last 3 months.
- `regular`: nothing is booked as salary or pension, but the largest inflow of a month (transfer, cash, benefit or
  other; not interest or reversals) is there in at least 5 of the last 6 months and 2 of the last 3, the largest
  of them is at most 1.5 times the smallest, and together they are at least half of what came in.

`salary_amount` is the mean of the months credited in the last 6. The rule has no amount in it, so it holds in any
currency. It takes a regular transfer from the customer's own account elsewhere for a salary, and misses a salary paid
every second month.

## What it costs
`python benchmarks/snapshots.py` measures it beside the straightforward pandas way (for each date: filter, group by
customer, merge), each in its own process, and refuses unequal results. Two cores, 12 dates, 44 features of
transactions:

| transactions | here: CPU s, peak GiB | pandas: CPU s, peak GiB |
|---|---|---|
| 1 million | 3.0, 0.3 | 4.4, 0.5 |
| 3 million | 4.3, 0.4 | 9.3, 1.0 |
| 10 million | 11.3, 0.8 | 38.2, 2.7 |

The rows are read once for all dates that share a day of the month (or are month ends); each further date costs 0.3 s.

## What is not here
Distinct merchants, medians and windows in days (the last 30 days) are not exact from monthly state: they need a pass
over the raw rows for every date. Query `bank.as_of(date)` for them.

## In a warehouse
`snapshot_sql(dates, tables, dialect="spark")` writes the same statements for another engine (through sqlglot). Run them
in order on one connection: first the roll-ups (temporary tables), then one statement a date. The tables are the
contract's, money in BIGINT minor units. Amounts come back in minor units. On Spark a test holds every column equal to
DuckDB's, bit by bit.

## Features
"""


def feature_dictionary() -> pd.DataFrame:
    """Return the features: name (index), unit, window, meaning, and the columns they need.

    Examples
    --------
    >>> feature_dictionary().loc["recency_days", ["unit", "window"]].tolist()
    ['days', 'all history']
    """
    import pandas as pd

    rows = [(f.name, f.unit, f.window, f.about, ", ".join(f.needs)) for f in (*FEATURES, *FLAT_FEATURES)]
    return pd.DataFrame(rows, columns=["name", "unit", "window", "about", "needs"]).set_index("name")


def feature_readme() -> str:
    """Return the text of `crmlab/snapshots/README.md`."""
    rows = "".join(
        f"| `{f.name}` | {f.unit} | {f.window} | {f.about} | {_brief(f)} |\n" for f in (*FEATURES, *FLAT_FEATURES)
    )
    return f"{_HEAD}| feature | unit | window | what it says | needs |\n|---|---|---|---|---|\n{rows}"


def _brief(feature: Feature) -> str:
    """Tables needed, and the columns of them that a bank may lack."""
    from crmlab.bank.tables import CONTRACT

    named = [need.split(".") for need in feature.needs]
    tables = [table for table in dict.fromkeys(table for table, _ in named) if table != "customers"]
    optional = [f"`{table}.{column}`" for table, column in named if not CONTRACT[table][column].required]
    return ", ".join([f"`{table}`" for table in tables or ["customers"]] + optional)


def write_readme() -> None:
    """Write `crmlab/snapshots/README.md`."""
    README.write_text(feature_readme(), encoding="utf-8")
