"""The ledger of one month: bookings are added flow by flow, then settled into balances and rows."""

from __future__ import annotations

import numpy as np

from crmlab.bank.tables import CONTRACT
from crmlab.simulation.clock import DAY, Month

__all__ = ["CHANNEL_CODES", "COUNTERPARTIES", "EMPLOYERS", "KINDS", "MERCHANTS", "Ledger"]

KINDS = CONTRACT["transactions"]["kind"].words
CHANNEL_CODES = {word: code for code, word in enumerate(CONTRACT["transactions"]["channel"].words)}
EMPLOYERS = ("employer", *(f"employer_{number}" for number in range(2, 10)))  # as the customer changes jobs
COUNTERPARTIES = ("employer", "pension_fund", "state", "landlord", "utility", "telecom", "insurer", "other_bank",
                  "own_account", "person", "bank", "fund_company", "subscription",
                  *EMPLOYERS[1:])  # fmt: skip
MERCHANTS = ("groceries", "restaurants", "fuel", "transport", "clothing", "electronics", "household", "health",
             "leisure", "travel", "online_shop", "services")  # fmt: skip
_COLUMNS = ("account", "booked", "occurred", "amount", "kind", "channel", "initiated", "counterparty", "merchant")


class Ledger:
    """Bookings of one block in one month.

    `occurred` is in seconds from 1970-01-01, `booked` in days, `amount` in cents. Bookings whose day of booking lies in
    the next month wait there: nobody knows them earlier.
    """

    def __init__(self, month: Month, waiting: dict[str, np.ndarray] | None) -> None:
        self.month = month
        self._parts = [waiting] if waiting is not None and len(waiting["account"]) else []

    def add(
        self,
        account: np.ndarray,
        day: np.ndarray | int,
        second: np.ndarray | int,
        amount: np.ndarray,
        kind: str,
        channel: str | np.ndarray,
        *,
        initiated: bool = False,
        counterparty: str | np.ndarray | None = None,
        merchant: np.ndarray | None = None,
        booked: np.ndarray | None = None,
    ) -> None:
        """Add one booking for each account; those of zero cents are left out.

        Parameters
        ----------
        account : array of int
            Position of the account.
        day : int or array of int
            Day of the month, from 0.
        second : int or array of int
            Second of the day.
        amount : array of int
            Cents; into the account positive.
        kind, channel : str
            Words of the contract; a channel may be an array of codes.
        initiated : bool
            The customer acted.
        counterparty : str or array of int, optional
            One of `COUNTERPARTIES`, or codes of them.
        merchant : array of int, optional
            Codes of `MERCHANTS`.
        booked : array of int, optional
            Day of booking within the month, from 0; the day it happened when not given.
        """
        keep = np.flatnonzero(amount)
        if not len(keep):
            return
        other = COUNTERPARTIES.index(counterparty) if isinstance(counterparty, str) else counterparty
        other = -1 if other is None else other
        occurred = self.month.first + _kept(day, keep, np.int64)
        part = {
            "account": account[keep],
            "booked": occurred if booked is None else self.month.first + booked[keep],
            "occurred": occurred * DAY + _kept(second, keep, np.int64),
            "amount": amount[keep],
            "kind": _kept(KINDS.index(kind), keep, np.int8),
            "channel": _kept(CHANNEL_CODES[channel] if isinstance(channel, str) else channel, keep, np.int8),
            "initiated": _kept(initiated, keep, np.bool_),
            "counterparty": _kept(other, keep, np.int8),
            "merchant": _kept(-1 if merchant is None else merchant, keep, np.int8),
        }
        self._parts.append(part)

    def settle(self, balance: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Book the month into the balances (changed in place); return its rows and what waits for the next month.

        Rows come by day of booking, account and time, with the balance after each booking.
        """
        if not self._parts:
            nothing = {name: np.zeros(0, dtype=bool if name == "initiated" else np.int64) for name in _COLUMNS}
            return nothing | {"balance_after": np.zeros(0, dtype=np.int64)}, nothing
        rows = {name: np.concatenate([part[name] for part in self._parts]) for name in _COLUMNS}
        late = rows["booked"] > self.month.last
        waiting = {name: values[late] for name, values in rows.items()}
        rows = {name: values[~late] for name, values in rows.items()}
        order = np.lexsort((rows["occurred"], rows["booked"], rows["account"]))
        rows = {name: values[order] for name, values in rows.items()}
        rows["balance_after"] = np.zeros(0, dtype=np.int64)
        if len(order):
            running = np.cumsum(rows["amount"])
            account = rows["account"]
            first = np.flatnonzero(np.r_[True, account[1:] != account[:-1]])
            length = np.diff(np.r_[first, len(account)])
            before = running[first] - rows["amount"][first]
            rows["balance_after"] = running + np.repeat(balance[account[first]] - before, length)
            last = first + length - 1
            balance[account[last]] = rows["balance_after"][last]
            by_day = np.argsort(rows["booked"], kind="stable")
            rows = {name: values[by_day] for name, values in rows.items()}
        return rows, waiting

    def waiting_amount(self, accounts: int) -> np.ndarray:
        """Return what came over from last month, in cents for each account."""
        total = np.zeros(accounts, dtype=np.int64)
        if self._parts:
            np.add.at(total, self._parts[0]["account"], self._parts[0]["amount"])
        return total


def _kept(value: np.ndarray | int, keep: np.ndarray, dtype: type) -> np.ndarray:
    """One value for each row that is kept."""
    return (
        value[keep].astype(dtype, copy=False)
        if isinstance(value, np.ndarray) and value.ndim
        else np.full(len(keep), value, dtype)
    )
