"""The points account: which points were used when, first in, first out, and what happened month by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["ENDS", "Ledger", "ledger_of", "ledger_on", "points_by_month"]

ENDS = ("redeemed", "expired", "forfeited")  # how a point leaves the account
_NEEDED = ("customer_id", "booked_on", "kind", "points_count")
_END_OF = {"redeem": "redeemed", "expire": "expired", "adjust": "forfeited", "earn": "forfeited"}


@dataclass(frozen=True)
class Ledger:
    """Points by the day they were earned, and what became of them.

    Parameters
    ----------
    lots : DataFrame
        One row an entry that gave points: ``customer_id``, ``given_on``, ``earned_on`` (for points brought along from
        before the ledger, their expiry less the usual validity), ``expires_on`` (NaT where not known),
        ``points_count``, ``is_opening`` (brought along), ``outstanding_count`` (left at the end).
    uses : DataFrame
        One row a piece of a lot that was used: ``lot`` (row of `lots`), ``used_on``, ``end`` (one of `ENDS`),
        ``points_count``.
    entries : DataFrame
        As they were booked.
    last_on : Timestamp
        Last day of the ledger.
    validity_months : int or None
        Usual months from earning to expiry; None where no expiry is recorded.
    overdrawn_count : int
        Points used that no entry had given; they are left out.
    """

    lots: pd.DataFrame
    uses: pd.DataFrame
    entries: pd.DataFrame
    last_on: pd.Timestamp
    validity_months: int | None
    overdrawn_count: int

    @property
    def members_count(self) -> int:
        """Customers with any entry."""
        return int(self.entries["customer_id"].nunique())


def ledger_on(bank: Bank) -> Ledger:
    """Read the points of a bank as of a day.

    Parameters
    ----------
    bank : Bank
        With table ``loyalty_points``, as of the day.
    """
    known = bank.columns("loyalty_points")
    wanted = [name for name in (*_NEEDED, "value_amount", "expires_on") if name in known]
    return ledger_of(bank.frame("loyalty_points", wanted), last_on=str(bank.date or bank.report_on))


def ledger_of(entries: pd.DataFrame, *, last_on: str) -> Ledger:
    """Trace every point from the entry that gave it to the entry that used it, the oldest first.

    Parameters
    ----------
    entries : DataFrame
        ``customer_id``, ``booked_on``, ``kind`` (``earn``, ``redeem``, ``expire``, ``adjust``), ``points_count``
        (redeemed and expired negative); if present ``value_amount`` (worth of what was redeemed) and ``expires_on``.
    last_on : str
        Last day of the ledger, YYYY-MM-DD; later entries are refused.

    Notes
    -----
    First in, first out: points that expire first are used first, then those given first. Positive adjustments count as
    points given, negative ones as forfeited (a customer who leaves). Lots and uses of a customer are laid side by side
    on one line of points; where two pieces overlap, the lot was used by that entry. Points that were used and never
    given (a ledger that begins in the middle) are counted and left out.

    Examples
    --------
    >>> entries = pd.DataFrame({
    ...     "customer_id": "a", "kind": ["earn", "earn", "redeem"], "points_count": [100, 50, -120],
    ...     "booked_on": pd.to_datetime(["2024-01-31", "2024-02-29", "2024-03-15"])})
    >>> found = ledger_of(entries, last_on="2024-03-31")
    >>> found.lots["outstanding_count"].tolist(), found.uses["points_count"].tolist()
    ([0, 30], [100, 20])
    """
    _check(entries, last_on)
    rows = entries.assign(
        expires_on=pd.to_datetime(entries["expires_on"]) if "expires_on" in entries else pd.NaT,
        value_amount=entries["value_amount"].astype(float) if "value_amount" in entries else np.nan,
    )
    order = ["customer_id", "booked_on", "kind", "points_count", "expires_on"]
    rows = rows.sort_values(order, kind="stable").reset_index(drop=True)
    gives = rows["kind"].isin(["earn", "adjust"]) & (rows["points_count"] > 0)
    validity = _validity(rows[gives & (rows["kind"] == "earn")])
    lots = (
        rows[gives].assign(is_opening=lambda part: part["kind"] == "adjust").rename(columns={"booked_on": "given_on"})
    )
    earned = lots["given_on"]
    if validity is not None:
        before = lots["expires_on"] - pd.DateOffset(months=validity)
        earned = earned.where(~lots["is_opening"] | before.isna(), before)
    lots = lots.assign(earned_on=earned)[
        ["customer_id", "given_on", "earned_on", "expires_on", "points_count", "is_opening"]
    ]
    lots = lots.sort_values(["customer_id", "expires_on", "given_on"], kind="stable").reset_index(drop=True)
    uses = rows[~gives & (rows["points_count"] != 0)].reset_index(drop=True)
    pieces, overdrawn = _traced(lots, uses)
    left = lots["points_count"] - pieces.groupby("lot")["points_count"].sum().reindex(lots.index, fill_value=0)
    return Ledger(
        lots.assign(outstanding_count=left.astype("int64")), pieces, rows, pd.Timestamp(last_on), validity, overdrawn
    )


def _traced(lots: pd.DataFrame, uses: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Lay lots and uses of each customer side by side and take the overlaps."""
    people = pd.Index(lots["customer_id"].unique())
    given = lots["points_count"].to_numpy(dtype=np.int64)
    ends = given.cumsum()
    total = lots.groupby("customer_id")["points_count"].sum().reindex(people).to_numpy(dtype=np.int64)
    first = total.cumsum() - total
    who = people.get_indexer(uses["customer_id"])
    spent = uses["points_count"].abs().to_numpy(dtype=np.int64)
    of_nobody = int(spent[who < 0].sum())
    keep = np.flatnonzero(who >= 0)
    who, spent, named = who[keep], spent[keep], uses.iloc[keep].reset_index(drop=True)
    done = pd.Series(spent).groupby(who).cumsum().to_numpy() if len(who) else spent
    stop = np.minimum(first[who] + done, first[who] + total[who])
    start = np.minimum(first[who] + done - spent, stop)
    overdrawn = of_nobody + int(spent.sum() - (stop - start).sum())
    marks = np.unique(np.concatenate([[0], ends, start, stop])).astype(np.int64)
    size, middle = np.diff(marks), marks[:-1]
    lot = np.searchsorted(ends, middle, side="right")
    by_start = np.argsort(start, kind="stable")
    real = by_start[stop[by_start] > start[by_start]]
    use = np.searchsorted(start[real], middle, side="right") - 1
    inside = (use >= 0) & (lot < len(lots))
    inside[inside] = middle[inside] < stop[real[use[inside]]]
    taken = named.iloc[real[use[inside]]]
    return pd.DataFrame(
        {
            "lot": lot[inside],
            "used_on": taken["booked_on"].to_numpy(),
            "end": taken["kind"].map(_END_OF).to_numpy(),
            "points_count": size[inside],
        }
    ), overdrawn


def _validity(earned: pd.DataFrame) -> int | None:
    known = earned[earned["expires_on"].notna()]
    if known.empty:
        return None
    ends, begins = known["expires_on"].dt, known["booked_on"].dt
    months = (ends.year - begins.year) * 12 + ends.month - begins.month
    return int(months.mode().iloc[0]) or None


def points_by_month(ledger: Ledger) -> pd.DataFrame:
    """Sum up what happened to points in each month.

    Parameters
    ----------
    ledger : Ledger
        From `ledger_on`.

    Returns
    -------
    DataFrame
        ``month_on`` (first day), ``earned_count``, ``brought_count`` (positive adjustments), ``redeemed_count``,
        ``expired_count``, ``forfeited_count`` (points, positive), ``outstanding_count`` (at the month's end),
        ``active_members_count`` (earned or redeemed in the month), ``rewards_amount`` (worth of what was redeemed).
    """
    rows = ledger.entries
    month = rows["booked_on"].dt.to_period("M")
    kind, points = rows["kind"], rows["points_count"]
    plus, size = points > 0, points.abs()
    columns = {
        "earned_count": points.where((kind == "earn") & plus, 0),
        "brought_count": points.where((kind == "adjust") & plus, 0),
        "redeemed_count": size.where(kind == "redeem", 0),
        "expired_count": size.where(kind == "expire", 0),
        "forfeited_count": size.where(kind.isin(["adjust", "earn"]) & ~plus, 0),
        "rewards_amount": rows["value_amount"].where(kind == "redeem", 0.0).fillna(0.0),
    }
    every = pd.period_range(month.min(), ledger.last_on.to_period("M"), freq="M") if len(rows) else month.unique()
    found = pd.DataFrame(columns).groupby(month).sum().reindex(every, fill_value=0)
    gained = found["earned_count"] + found["brought_count"]
    used = found["redeemed_count"] + found["expired_count"] + found["forfeited_count"]
    found["outstanding_count"] = (gained - used).cumsum()
    acts = rows[kind.isin(["earn", "redeem"])]
    active = acts.groupby(acts["booked_on"].dt.to_period("M"))["customer_id"].nunique()
    found["active_members_count"] = active.reindex(every, fill_value=0)
    found.insert(0, "month_on", pd.PeriodIndex(found.index, freq="M").to_timestamp())
    return found.reset_index(drop=True)


def _check(entries: pd.DataFrame, last_on: str) -> None:
    problems = [
        f"ledger: the entries lack column {name!r}.{nearest(name, entries.columns)} Name it as in the contract."
        for name in _NEEDED
        if name not in entries
    ]
    if not problems:
        late = int((pd.to_datetime(entries["booked_on"]) > pd.Timestamp(last_on)).sum())
        if late:
            problems.append(f"ledger: {late:,} entries lie after {last_on}. Give the entries known on that day.")
        if other := sorted(set(entries["kind"]) - set(_END_OF)):
            problems.append(f"ledger: unknown kinds of entries {other}. Use {list(_END_OF)}.")
    refuse(*problems)
