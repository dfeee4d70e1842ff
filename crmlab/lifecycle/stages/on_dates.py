"""The stage of every customer on one date or many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.lifecycle.stages.machine import NOT_YET, walk
from crmlab.lifecycle.stages.panel import panel_of
from crmlab.lifecycle.stages.rules import STAGES, StageRules
from crmlab.snapshots.dates import add_months, anchor_of, month_index, read_dates

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["WARM_UP_MONTHS", "flicker_share", "month_ends", "settled_ends", "stages_on"]

WARM_UP_MONTHS = 12


def month_ends(bank: Bank, months: int | None = None) -> list[str]:
    """Return month-ends up to the bank's date, oldest first, from the first with bookings or balances on.

    Parameters
    ----------
    bank : Bank
        As of a date, which is the last one returned.
    months : int, optional
        Most of them; None: all.
    """
    last = bank.date or bank.report_on
    parts = [(table, column) for table, column in (("transactions", "booked_on"), ("balances", "balance_on"))
             if bank.has(table)]  # fmt: skip
    if not parts:
        return [str(last)]
    first = min(bank.sql(f"select min({column})::date from {table}").fetchall()[0][0] for table, column in parts)
    anchor = anchor_of(last)
    count = max(month_index(last, anchor) - month_index(min(first, last), anchor), 0) + 1
    count = min(count, months) if months else count
    return [str(add_months(last, -back)) for back in range(count - 1, -1, -1)]


def settled_ends(bank: Bank, *, warm_up_months: int = WARM_UP_MONTHS) -> list[str]:
    """Return the month-ends on which all rules can see as far back as they ask: those of `month_ends` but the first.

    Notes
    -----
    A rise is told by a year and dormancy by half a year, so in the first months of a bank's tables the shares of the
    stages move because more is seen, not because customers move. A bank that is younger than that gives all its months:
    then read moves with care.
    """
    days = month_ends(bank)
    return days[warm_up_months:] if len(days) > warm_up_months + 2 else days


def stages_on(bank: Bank, dates: object, *, rules: StageRules | None = None, scope: str = "all") -> pd.DataFrame:
    """Say where the relation with each customer stands on each date, by what was known that day.

    Parameters
    ----------
    bank : Bank
        The bank or a view of a date; rows after a date do not change its stages.
    dates : str, date or sequence of them
        Days that the stages speak from, each anchored to its own day of the month.
    rules : StageRules, optional
        Thresholds; None: the defaults.
    scope : str
        ``all`` the relation; ``deposits``, ``cards`` or ``loans`` what is held of these.

    Returns
    -------
    DataFrame
        One row a customer and date, ordered by date and id; customers from joining (or the first account in scope) on,
        lost ones too: ``customer_id``, ``as_of``, ``stage`` (one of `STAGES`), ``stage_before`` (a month before; empty
        for new), ``months_in_stage`` (seen, 1 or more), ``assets_amount`` (of the scope; spending of a month for
        cards), ``margin_amount`` (margin and fees of the month; empty where the bank tells none), ``is_stalled``
        (in onboarding for three months or more with no act in the last two).

    Notes
    -----
    Hysteresis has a memory: the machine walks from the first month of the bank to each date. Two banks that know the
    same past give the same stages.

    Examples
    --------
    >>> import tempfile
    >>> from crmlab.bank import Bank
    >>> from crmlab.simulation import simulate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     bank = Bank.open(simulate(f"{folder}/bank", customers=20, months=3).folder)
    ...     stages_on(bank, ["2023-02-28", "2023-03-31"]).groupby("as_of").size().tolist()
    [22, 22]
    """
    days = read_dates(dates)
    chosen = rules or StageRules()
    frames = []
    for anchor in sorted({anchor_of(day) for day in days}):
        wanted = [day for day in days if anchor_of(day) == anchor]
        panel = panel_of(bank, wanted[-1], scope=scope)
        early = [str(day) for day in wanted if day < panel.days[0]]
        if early:
            refuse(
                f"stages_on: {', '.join(early)} lie before the first month with bookings or balances,"
                f" {panel.days[0]}. Choose later dates."
            )
        states = walk(panel, chosen)
        columns = [panel.days.index(day) for day in wanted]
        frames += [_frame(panel, states, column) for column in columns]
    found = pd.concat(frames, ignore_index=True)
    return found.sort_values(["as_of", "customer_id"], kind="stable").reset_index(drop=True)


def _frame(panel: object, states: np.ndarray, column: int) -> pd.DataFrame:
    """Rows of one date."""
    state = states[:, column]
    there = state != NOT_YET
    before = states[:, column - 1] if column else np.full(len(state), NOT_YET)
    same = np.cumprod(states[:, column::-1] == state[:, None], axis=1).sum(axis=1)
    names = np.array([*STAGES, None], dtype=object)
    acts = panel.has_acts
    quiet = np.zeros(len(state), dtype=bool)
    if acts is not None:
        quiet = ~acts[:, max(0, column - 1) : column + 1].any(axis=1)
    stalled = (state == STAGES.index("onboarding")) & (column - panel.since >= 2) & quiet
    margin = panel.margin[:, column] if panel.margin is not None else np.full(len(state), np.nan)
    return pd.DataFrame(
        {
            "customer_id": pd.array(panel.customers[there], dtype="str"),
            "as_of": pd.Timestamp(panel.days[column]).as_unit("us"),
            "stage": pd.array(names[state[there]], dtype="str"),
            "stage_before": pd.array(names[before[there]], dtype="str"),
            "months_in_stage": same[there],
            "assets_amount": panel.amount[there, column],
            "margin_amount": margin[there],
            "is_stalled": stalled[there],
        }
    )


def flicker_share(stages: pd.DataFrame, *, months: int = 2) -> float:
    """Share of the moves that are undone within some months: back in the stage moved from.

    Parameters
    ----------
    stages : DataFrame
        As `stages_on` gives it for consecutive month-ends.
    months : int
        Within so many months after the move.

    Returns
    -------
    float
        0 to 1; not a number where nobody moved with enough months after it.

    Examples
    --------
    >>> days = pd.date_range("2024-01-31", periods=5, freq="ME")
    >>> path = pd.DataFrame({"customer_id": "a", "as_of": days, "stage": ["m", "g", "m", "m", "m"]})
    >>> flicker_share(path)
    0.5
    """
    wide = stages.pivot(index="customer_id", columns="as_of", values="stage")
    codes = pd.Categorical(wide.to_numpy(dtype=object).ravel()).codes.reshape(wide.shape)
    moved, undone = 0, 0
    for month in range(1, codes.shape[1] - months):
        start, now = codes[:, month - 1], codes[:, month]
        moves = (start >= 0) & (now >= 0) & (start != now)
        again = np.zeros(len(moves), dtype=bool)
        for later in range(1, months + 1):
            again |= codes[:, month + later] == start
        moved, undone = moved + int(moves.sum()), undone + int((moves & again).sum())
    return undone / moved if moved else float("nan")
