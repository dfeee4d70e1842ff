"""Cost to serve: how often each customer uses each channel, and what that costs the bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.value.margin.panel import MarginPanel

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["DRIVERS", "UNIT_COSTS", "service_costs", "service_use", "unit_costs_of"]

# What costs: a booking or a contact by the channel, and keeping an account for a month.
DRIVERS = ("branch", "phone", "written", "atm", "card", "online", "mobile", "automatic", "account")
# Euros a booking or contact; an account: a month. Teller and call agent 4, cash machine .85, online .17, mobile .10 are
# what the trade quotes for the United States (Fiserv 2012; Bain 2016, dollars); the others are assumed.
UNIT_COSTS: dict[str, float] = {
    "branch": 4.00, "phone": 4.00, "written": 3.00, "atm": 0.85, "card": 0.05, "online": 0.17, "mobile": 0.10,
    "automatic": 0.02, "account": 1.00,
}  # fmt: skip
_CURRENCY = "EUR"
_WRITTEN = ("email", "sms", "social")


def unit_costs_of(given: Sequence[float] | Mapping[str, float], currency: str) -> dict[str, float] | None:
    """Cost of each driver in the bank's currency, or None where nothing is known.

    Parameters
    ----------
    given : mapping, or sequence of float in the order of `DRIVERS`
        Empty: `UNIT_COSTS` for a bank that keeps euros; no other bank has a default.
    currency : str
        Code of the bank's currency.

    Examples
    --------
    >>> unit_costs_of([], "EUR")["branch"], unit_costs_of([], "CZK")
    (4.0, None)
    """
    if not len(given):
        return dict(UNIT_COSTS) if currency == _CURRENCY else None
    if isinstance(given, Mapping):
        refuse(
            *(f"unit costs: no driver is called {name!r}.{nearest(name, DRIVERS)} There are {list(DRIVERS)}."
              for name in given if name not in DRIVERS)
        )  # fmt: skip
        costs = {name: float(given.get(name, 0.0)) for name in DRIVERS}
    else:
        if len(given) != len(DRIVERS):
            refuse(f"unit costs: {len(given)} numbers. Give {len(DRIVERS)}, in the order {', '.join(DRIVERS)}.")
        costs = {name: float(value) for name, value in zip(DRIVERS, given, strict=True)}
    low = [name for name, value in costs.items() if not value >= 0]
    refuse(*([f"unit costs: {', '.join(low)} is below 0 or not a number. Give money, 0 or more."] if low else []))
    return costs


def service_use(bank: Bank, panel: MarginPanel) -> np.ndarray:
    """Count what costs by customer and month, shape (drivers, customers, months), in the order of `DRIVERS`.

    Parameters
    ----------
    bank : Bank
        As of the day of the report; ``transactions`` and ``interactions`` are used where present.
    panel : MarginPanel
        Whose customers and months are meant.

    Notes
    -----
    A booking that the customer started counts for its channel, any other as automatic. A contact (``interactions``)
    counts for its channel; e-mail, SMS and social media are written. Accounts count in each month with a balance.
    """
    use = np.zeros((len(DRIVERS), *panel.is_there.shape), dtype="float32")
    place = "select customer_id, row_number() over (order by customer_id) - 1 as place from customers"
    rows = []
    if bank.has("transactions"):
        channel = "t.channel" if "channel" in bank.columns("transactions") else "cast(null as varchar)"
        rows.append(
            f"select c.place, year(t.booked_on) * 12 + month(t.booked_on) as month, case when not"
            f" t.is_customer_initiated then 'automatic' else {channel} end as channel, count(*) as n"
            f" from transactions t join accounts a using (account_id) join ({place}) c"
            f" on c.customer_id = a.customer_id group by all"
        )
    if bank.has("interactions.channel"):
        rows.append(
            f"select c.place, year(i.opened_at) * 12 + month(i.opened_at) as month, i.channel, count(*) as n"
            f" from interactions i join ({place}) c using (customer_id) group by all"
        )
    rows.append(
        f"select c.place, year(b.balance_on) * 12 + month(b.balance_on) as month, 'account' as channel, count(*) as n"
        f" from balances b join accounts a using (account_id) join ({place}) c on c.customer_id = a.customer_id"
        f" group by all"
    )
    first = panel.months[0].year * 12 + panel.months[0].month
    for query in rows:
        found = bank.sql(query).df()
        _count(use, found, first)
    return use


def _count(use: np.ndarray, found: pd.DataFrame, first: int) -> None:
    driver = found["channel"].astype("str").replace(dict.fromkeys(_WRITTEN, "written")).map(
        {name: number for number, name in enumerate(DRIVERS)}
    )  # fmt: skip
    month = found["month"].to_numpy(dtype=int) - first
    inside = driver.notna().to_numpy() & (month >= 0) & (month < use.shape[2])
    where = (driver[inside].to_numpy(dtype=int), found["place"].to_numpy(dtype=int)[inside], month[inside])
    np.add.at(use, where, found["n"].to_numpy(dtype="float32")[inside])


def service_costs(use: np.ndarray, costs: Mapping[str, float]) -> np.ndarray:
    """What each customer's use cost, money a month, below 0, shape (customers, months).

    >>> use = np.zeros((len(DRIVERS), 1, 1), dtype="float32")
    >>> use[0] = 2
    >>> float(service_costs(use, UNIT_COSTS)[0, 0])
    -8.0
    """
    weights = np.array([costs[name] for name in DRIVERS])
    return -np.tensordot(weights, use, axes=1).astype(float)
