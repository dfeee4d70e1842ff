"""Snapshots of a flat bank: its own `snapshot` table under the names of the features."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crmlab.errors import CrmlabError
from crmlab.snapshots.feature import Feature
from crmlab.snapshots.frame import typed

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.bank import Bank

__all__ = ["flat_snapshot"]


def flat_snapshot(bank: Bank, days: Sequence[dt.date], chosen: Sequence[Feature]) -> pd.DataFrame:
    """Serve the features that a flat bank's `snapshot` table holds, or its `customers`.

    Parameters
    ----------
    bank : Bank
        A bank with table ``snapshot`` (and perhaps ``customers``), as of the last of the days.
    days : sequence of date
        Each is served by the latest ``snapshot_on`` on or before it.
    chosen : sequence of Feature
        Features wanted.

    Returns
    -------
    DataFrame
        As `crmlab.snapshots.snapshot`; ``as_of`` is the day that the rows describe.
    """
    import pandas as pd

    there = [day for (day,) in bank.sql("select distinct snapshot_on from snapshot order by 1").fetchall()]
    served = []
    for day in days:
        before = [known for known in there if known <= day]
        if not before:
            raise CrmlabError([f"snapshot at {day}: {bank.name} has no row by then. Take a later day."])
        served.append(before[-1])
    columns: dict[str, str] = {}
    absent: dict[str, str] = {}
    for feature in chosen:
        source = _source(bank, feature)
        if source:
            columns[feature.name] = source
        else:
            absent[feature.name] = f"this bank has no snapshot.{feature.name}"
    present = [feature for feature in chosen if feature.name in columns]
    join = ""
    if any(source.startswith("c.") for source in columns.values()):
        join = " left join customers c on c.customer_id = s.customer_id"
    names = "".join(f", {source} as {name}" for name, source in columns.items())
    frames = [
        typed(
            bank.to_frame(
                bank.sql(
                    f"select s.customer_id, s.snapshot_on as as_of{names} from snapshot s{join}"
                    f" where s.snapshot_on = date '{day}' order by s.customer_id"
                )
            ),
            present,
        )
        for day in dict.fromkeys(served)
    ]
    frame = frames[0] if len(frames) == 1 else pd.concat(frames)
    frame.attrs["absent"] = absent
    return frame


def _source(bank: Bank, feature: Feature) -> str:
    """Name the column that serves a feature: of the same name in snapshot, else a plain fact of customers."""
    if feature.name in bank.columns("snapshot") and bank.has(f"snapshot.{feature.name}"):
        return f's."{feature.name}"'
    plain = feature.sql in (f"profile.{feature.name}", f"coalesce(profile.{feature.name}, false)")
    if plain and "customers" in bank.tables and feature.name in bank.columns("customers"):
        return f'c."{feature.name}"' if bank.has(f"customers.{feature.name}") else ""
    return ""
