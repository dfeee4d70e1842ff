"""The answer in sentences: the base in one line, the trust in its data in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crmlab.stats import Estimate, Evidence, count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["LABELS", "headline", "trust"]

LABELS = {
    "new_share": "Joined within a year",
    "tenure_median": "Median tenure",
    "joined_share": "Joined in a year, of those at its start",
    "left_share": "Left in a year, of those at its start",
    "active_share": "Active customers",
    "products_mean": "Products a customer",
    "one_product_share": "Hold one product",
    "no_product_share": "Hold no product of their own",
    "digital_share": "Bookings by online or mobile",
}


def headline(
    bank: Bank,
    seen: pd.DataFrame,
    *,
    tenure: Evidence,
    moved: Evidence | None,
    active: Evidence | None,
    held: Evidence | None,
) -> str:
    """Say who the customers are in one sentence, as far as the bank's data can.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    seen : DataFrame
        Snapshot of that day.
    tenure : Evidence
        What `tenure_profile` found.
    moved, active, held : Evidence or None
        What `movement`, `active_by_month` or `flat_activity`, and `products_held` found; None where unknown.
    """
    parts = [f"{tenure['new_share'].short} joined within a year"]
    if moved is not None and "left_share" in moved.estimates:
        parts.append(f"{moved['left_share'].short} of those here a year ago left")
    if active is not None and "active_share" in active.estimates:
        now = active["active_share"]
        parts.append(f"{now.short} {'of account owners ' if 'accounts_count' in seen else ''}are active")
    if held is not None:
        parts.append(f"a customer holds {held['products_mean'].value:.1f} products")
    day = pd.Timestamp(seen["as_of"].max() if len(seen) else bank.date)
    return f"{count_text(len(seen))} customers on {day:%Y-%m-%d}: {', '.join(parts)}."


def trust(
    tables: Evidence, months: Evidence, twins: Evidence, drifted: Evidence | None, door: Evidence
) -> tuple[str, Estimate]:
    """Say in one sentence whether the data raise an alarm.

    Parameters
    ----------
    tables, months, twins, drifted, door : Evidence
        What `coverage`, `months_covered`, `duplicates`, `drift` and `set_aside` found.

    Returns
    -------
    (str, Estimate)
        The sentence, and the number of alarms: broken rules of the contract, silent tables, tables with empty months,
        kinds of duplicates, series out of line.
    """
    silent = tables.frame.loc[tables.frame["is_stale"].astype(bool), "table"].tolist()
    holes = int(months.estimates["holes_count"].value)
    alike = int(twins.frame["is_alarm"].sum()) if len(twins.frame) else 0
    steps = drifted.frame if drifted is not None and "is_alarm" in drifted.frame else pd.DataFrame({"is_alarm": []})
    series = int(steps.loc[steps["is_alarm"].astype(bool), "series"].nunique()) if len(steps) else 0
    broken = int(door["broken_count"].value)
    told = [
        f"{_number(broken, 'rule')} of the contract broken" if broken else "",
        f"{_number(len(silent), 'table')} silent ({', '.join(silent)})" if silent else "",
        f"{_number(holes, 'table')} with empty months" if holes else "",
        _alike(twins) if alike else "",
        f"{_number(series, 'series', 'series')} out of line" if series else "",
    ]
    alarms = broken + len(silent) + holes + alike + series
    said = f"raise {_number(alarms, 'alarm')}: {', '.join(filter(None, told))}" if alarms else "raise no alarm"
    blind = "" if drifted is not None else " Drift by month cannot be seen in them."
    return f"The data {said}.{blind} {door.reading}", Estimate(float(alarms), unit="count")


def _alike(twins: Evidence) -> str:
    row = twins.frame[twins.frame["is_alarm"]].iloc[0]
    return f"{row['found_count']} pairs of look-alike customers, {row['by_chance_count']:.1f} by chance"


def _number(n: int, word: str, many: str = "") -> str:
    return f"{n} {word if n == 1 else many or word + 's'}"
