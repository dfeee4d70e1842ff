"""What each customer yields and costs a month: net interest and fees by product family, service, expected loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.snapshots.blocks import DEBT_FAMILIES

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["MarginPanel", "margin_panel"]

_MILLION = 1_000_000
_BOOKED = "'fee', 'penalty'"


@dataclass(frozen=True)
class MarginPanel:
    """Yields and costs of all customers by part and month.

    Parameters
    ----------
    customers : Index of str
        ``customer_id``, in order.
    months : DatetimeIndex
        Month ends, without a gap.
    parts : tuple of str
        Such as ``savings interest``, ``card fee``; later ``service``, ``expected loss``.
    amounts : ndarray of float64, shape (parts, customers, months)
        Money in the bank's currency; yields above 0, costs below.
    is_there : ndarray of bool, shape (customers, months)
        Had joined and not left by the end of the month.
    owed : ndarray of float32, shape (customers, months), or None
        Debt, positive, by family of `debts`, shape (debts, customers, months).
    debts : tuple of str
        Families of `owed`.
    currency : str
        Code of the currency.
    missing : tuple of str
        What is not known of this bank, in words.
    """

    customers: pd.Index
    months: pd.DatetimeIndex
    parts: tuple[str, ...]
    amounts: np.ndarray
    is_there: np.ndarray
    owed: np.ndarray
    debts: tuple[str, ...]
    currency: str
    missing: tuple[str, ...] = ()

    def with_part(self, name: str, amounts: np.ndarray) -> MarginPanel:
        """The same with one part more, shape (customers, months)."""
        refuse(*([f"with_part: {name!r} is there already. Name each part once."] if name in self.parts else []))
        stacked = np.concatenate([self.amounts, amounts[None].astype(self.amounts.dtype)])
        return replace(self, parts=(*self.parts, name), amounts=stacked)

    def until(self, day: object) -> MarginPanel:
        """The panel as far as months go that had ended by a day: what was known then.

        Customers who joined later stay in the index and have nothing.
        """
        kept = int((self.months <= pd.Timestamp(day)).sum())
        refuse(*([f"until {day}: the panel begins on {self.months[0].date()}. Take a later day."] if not kept else []))
        return replace(self, months=self.months[:kept], amounts=self.amounts[..., :kept],
                       is_there=self.is_there[:, :kept], owed=self.owed[..., :kept])  # fmt: skip

    def since(self, day: object) -> MarginPanel:
        """The panel from the first month that ends on or after a day."""
        kept = int((self.months < pd.Timestamp(day)).sum())
        kept = min(kept, len(self.months) - 1)
        return replace(self, months=self.months[kept:], amounts=self.amounts[..., kept:],
                       is_there=self.is_there[:, kept:], owed=self.owed[..., kept:])  # fmt: skip

    def total(self, parts: Sequence[str] | None = None) -> np.ndarray:
        """Sum over parts, shape (customers, months)."""
        chosen = range(len(self.parts)) if parts is None else [self.parts.index(name) for name in parts]
        return self.amounts[list(chosen)].sum(axis=0)

    @property
    def yields(self) -> tuple[str, ...]:
        """Parts that are margin: interest and fees."""
        return tuple(name for name in self.parts if name.endswith((" interest", " fee", " charges")))

    @property
    def costs(self) -> tuple[str, ...]:
        """Parts that are costs."""
        return tuple(name for name in self.parts if name not in self.yields)


def margin_panel(bank: Bank, *, by: str = "family") -> MarginPanel:
    """Compute net interest and fees of each customer, product family and month-end from the bank's tables.

    Parameters
    ----------
    bank : Bank
        As of the day of the report; ``customers``, ``accounts``, ``products``, ``balances``.
    by : str
        ``family`` or ``product_id``: what the parts are told apart by.

    Returns
    -------
    MarginPanel

    Notes
    -----
    Net interest of a month: absolute balance at its end x the product's margin / 12, as feature ``margin_12m_amount``
    counts it; whole numbers until the very end, so the parts add up whatever the order. The margin is what is left
    after the price of funds: it is the bank's to know, by product, and no rate of interest stands in for it. Fees: the
    product's monthly fee for each account with a balance; where no product states one, fees and penalties as booked
    (``charges``). What is not known is named in `missing`, not counted as 0 in silence.

    The months run to the last month-end known, from the first after the latest month without any balance.
    """
    columns = set(bank.columns("products"))
    has_margin, has_fee = bank.has("products.margin_share"), bank.has("products.fee_amount")
    people = bank.sql("select customer_id from customers order by customer_id").df()["customer_id"].astype("str")
    months = _months(bank)
    panel = _empty(pd.Index(people, name="customer_id"), months, bank)
    missing = []
    found: dict[str, np.ndarray] = {}
    key = "p.family" if by == "family" else "p.product_id"
    refuse(*([f"margin_panel: by is {by!r}. Choose family or product_id."] * (by not in ("family", "product_id"))))
    if has_margin:
        rows = _rolled(bank, key, "sum(case when p.margin_share is null then 0 else abs(b.balance_amount)"
                       " * cast(floor(p.margin_share * 1000000 + 0.5) as bigint) end)", months)  # fmt: skip
        unpriced = [name for (name,) in bank.sql(
            "select distinct p.family from accounts a join products p using (product_id)"
            " join balances b using (account_id) where p.margin_share is null order by 1").fetchall()]  # fmt: skip
        missing += [f"margin of family {name}" for name in unpriced]
        found |= _spread(panel, rows, " interest", 12.0 * _MILLION * bank.minor_units)
    else:
        missing.append("margins of products: net interest is left out")
    if has_fee:
        rows = _rolled(bank, key, "sum(coalesce(p.fee_amount, 0))", months)
        found |= _spread(panel, rows, " fee", float(bank.minor_units))
    elif bank.has("transactions"):
        rows = bank.sql(
            f"select c.place, {key} as part, year(t.booked_on) * 12 + month(t.booked_on) as month, -sum(t.amount)"
            f" as amount from transactions t join accounts a using (account_id) join products p using (product_id)"
            f" join ({_PLACES}) c on c.customer_id = a.customer_id"
            f" where t.kind in ({_BOOKED}) group by all having sum(t.amount) <> 0"
        ).df()
        found |= _spread(panel, rows, " charges", float(bank.minor_units))
    else:
        missing.append("fees")
    refuse(*([] if columns else ["margin_panel: the bank has no products. Map them in bank.yml."]))
    names = tuple(found)
    shape = (0, *panel.is_there.shape)
    amounts = np.stack([found[name] for name in names]) if names else np.zeros(shape)
    return replace(panel, parts=names, amounts=amounts, owed=_owed(bank, panel), debts=DEBT_FAMILIES,
                   missing=tuple(missing))  # fmt: skip


_PLACES = "select customer_id, row_number() over (order by customer_id) - 1 as place from customers"


def _months(bank: Bank) -> pd.DatetimeIndex:
    rows = bank.sql("select distinct year(balance_on) * 12 + month(balance_on) as month from balances order by 1").df()
    refuse(*([] if len(rows) else ["margin_panel: the bank has no balances. Its value cannot be computed."]))
    numbers = rows["month"].to_numpy(dtype=int)
    start = numbers[np.flatnonzero(np.diff(numbers, prepend=numbers[0] - 1) > 1)[-1:]]
    first = int(start[0]) if len(start) else int(numbers[0])
    span = np.arange(first, numbers[-1] + 1)
    return pd.DatetimeIndex([pd.Period(year=(m - 1) // 12, month=(m - 1) % 12 + 1, freq="M").end_time.normalize()
                             for m in span.tolist()])  # fmt: skip


def _empty(customers: pd.Index, months: pd.DatetimeIndex, bank: Bank) -> MarginPanel:
    left = "left_on" if "left_on" in bank.columns("customers") else "cast(null as date) as left_on"
    days = bank.sql(f"select joined_on, {left} from customers order by customer_id").df()
    joined = pd.to_datetime(days["joined_on"]).to_numpy(dtype="datetime64[us]")[:, None]
    gone = pd.to_datetime(days["left_on"]).to_numpy(dtype="datetime64[us]")[:, None]
    ends = months.to_numpy(dtype="datetime64[us]")[None]
    is_there = (joined <= ends) & (np.isnat(gone) | (gone > ends))
    nothing = np.zeros((0, *is_there.shape))
    return MarginPanel(customers, months, (), nothing, is_there, nothing.astype("float32"), (), bank.currency)


def _rolled(bank: Bank, key: str, value: str, months: pd.DatetimeIndex) -> pd.DataFrame:
    return bank.sql(
        f"select c.place, {key} as part, year(b.balance_on) * 12 + month(b.balance_on) as month, {value} as amount"
        " from balances b join accounts a using (account_id) join products p using (product_id)"
        f" join ({_PLACES}) c on c.customer_id = a.customer_id"
        f" where b.balance_on >= date '{months[0].date()}' group by all having amount <> 0"
    ).df()


def _spread(panel: MarginPanel, rows: pd.DataFrame, ending: str, unit: float) -> dict[str, np.ndarray]:
    """Put sums by place, part and month into one array a part, in currency."""
    first = panel.months[0].year * 12 + panel.months[0].month
    column = rows["month"].to_numpy(dtype=int) - first
    rows = rows[(column >= 0) & (column < len(panel.months))]
    column = rows["month"].to_numpy(dtype=int) - first
    place, amount = rows["place"].to_numpy(dtype=int), rows["amount"].to_numpy(dtype=float) / unit
    found = {}
    for name in sorted(rows["part"].unique()):
        mine = (rows["part"] == name).to_numpy()
        block = np.zeros(panel.is_there.shape)
        block[place[mine], column[mine]] = amount[mine]
        found[f"{name}{ending}"] = block
    return found


def _owed(bank: Bank, panel: MarginPanel) -> np.ndarray:
    rows = _rolled(bank, "p.family", "sum(greatest(-b.balance_amount, 0))", panel.months)
    rows = rows[rows["part"].isin(DEBT_FAMILIES)]
    blocks = _spread(panel, rows, "", float(bank.minor_units))
    return np.stack([blocks.get(name, np.zeros(panel.is_there.shape)) for name in DEBT_FAMILIES]).astype("float32")
