"""The answer in sentences: the base in one line, the trust in its data in another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crmlab.customer_base.alarms import KINDS, Checks
from crmlab.stats import Estimate, Evidence, count_text, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["LABELS", "headline", "mend_first", "trust"]

# kind of alarm: its noun in a sentence, singular and plural where it is not an s
_WORDS = {
    "broken rule": ("broken rule", ""),
    "test customers": ("group of test customers", "groups of test customers"),
    "unit": ("changed unit", ""),
    "scale": ("survey wave on another scale", "survey waves on another scale"),
    "leak": ("column that knows who left", "columns that know who left"),
    "silent table": ("silent table", ""),
    "empty months": ("table with empty months", "tables with empty months"),
    "look-alikes": ("group of look-alike customers", "groups of look-alike customers"),
    "campaign arms": ("campaign not drawn as planned", "campaigns not drawn as planned"),
    "coding": ("change of channel codes", "changes of channel codes"),
    "joiners": ("change of those who join", "changes of those who join"),
    "step": ("series out of line", "series out of line"),
}

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

# Checks without a section of their own on the page; their readings are told when nothing is wrong.
_QUIET = ("leaks", "dummy_customers", "units", "coding", "arms", "waves")


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
    parts = [f"{tenure['new_share'].short} joined within a year"] if "new_share" in tenure.estimates else []
    if moved is not None and "left_share" in moved.estimates:
        parts.append(f"{moved['left_share'].short} of those here a year ago left")
    if active is not None and "active_share" in active.estimates:
        now = active["active_share"]
        owners = "accounts_count" in seen
        parts.append(f"{now.short} of account owners are active" if owners else f"{now.short} are active")
    if held is not None:
        parts.append(f"a customer holds {held['products_mean'].value:.1f} products")
    day = pd.Timestamp(seen["as_of"].max() if len(seen) else bank.date)
    said = f"{count_text(len(seen))} customers on {day:%Y-%m-%d}"
    return f"{said}: {', '.join(parts)}." if parts else f"{said}. {tenure.reading}"


def trust(checks: Checks) -> tuple[str, Estimate]:
    """Say in one sentence whether the data raise an alarm.

    Parameters
    ----------
    checks : Checks
        What `check` found.

    Returns
    -------
    (str, Estimate)
        The sentence, and the number of alarms.
    """
    counts = checks.frame["kind"].value_counts()
    told = [f"{_number(int(counts[kind]), *_WORDS[kind])}" for kind in KINDS if kind in counts]
    places = sorted({one.where.split(".")[0] for one in checks.alarms})
    said = f"raise {_number(len(checks.alarms), 'alarm')} in {', '.join(places)}: {', '.join(told)}"
    blind = "" if len(checks["drift"].frame) else " Drift by month cannot be seen in them."
    said = f"The data {said}." if told else "The data raise no alarm."
    return f"{said}{blind} {checks['set_aside'].reading}", checks.count


def mend_first(checks: Checks) -> Evidence:
    """List the alarms in the order in which to mend them, broken rules in one row and columns of a table together.

    Parameters
    ----------
    checks : Checks
        What `check` found.

    Returns
    -------
    Evidence
        Frame: ``alarm``, ``where``, ``what``, ``cure``; empty when there is none.
    """
    rows = []
    for kind in KINDS:
        alarms = [one for one in checks.alarms if one.kind == kind]
        if kind == "broken rule" and alarms:
            tables = list(dict.fromkeys(one.where.split(".")[0] for one in alarms))
            what = f"{_number(len(alarms), 'rule')} of the contract broken. {checks['set_aside'].reading}"
            rows.append((kind, ", ".join(tables), what, "Run crmlab check: it lists each with its rows and its cure."))
        elif alarms:
            for table in dict.fromkeys(one.where.split(".")[0] for one in alarms):
                same = [one for one in alarms if one.where.split(".")[0] == table]
                where = list(dict.fromkeys(one.where for one in same))
                more = f", and {len(same) - 1} more of the kind" if len(same) > 1 else ""
                rows.append((kind, ", ".join(where), same[0].fact + more, same[0].cure))
    frame = pd.DataFrame(rows, columns=["alarm", "where", "what", "cure"])
    chance = f"In a sound bank the chance of any alarm is at most {share_text(checks.false_alarm_rate)}."
    quiet = " ".join(checks[name].reading for name in _QUIET)
    return Evidence(
        frame,
        title="What to mend first",
        about="Alarms in the order in which to mend them",
        reading=f"{_number(len(rows), 'place')} to mend. {chance}" if rows else f"Nothing to mend. {quiet} {chance}",
    )


def _number(n: int, word: str, many: str = "") -> str:
    return f"{n} {word if n == 1 else many or word + 's'}"
