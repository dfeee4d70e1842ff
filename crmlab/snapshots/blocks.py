"""The two levels below the features: what is rolled up once by month, and what is taken from the months at a date.

Level 1 keeps whole numbers only (cents, counts, days), so that no sum depends on the engine or on the order of rows.
Level 2 sums months into windows. The features of `crmlab.snapshots.features` divide once, at the very end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from crmlab.bank.tables import CHANNELS
from crmlab.snapshots.feature import State

__all__ = ["ASSET_FAMILIES", "BLOCKS", "DEBT_FAMILIES", "ROLLUPS", "SHARE_CHANNELS", "WINDOWS", "Block", "Rollup"]

WINDOWS = (1, 3, 6, 12)
ASSET_FAMILIES = ("current", "savings", "term_deposit", "investment", "pension")
DEBT_FAMILIES = ("card", "loan", "mortgage")
SHARE_CHANNELS = tuple(channel for channel in CHANNELS if channel != "automatic")


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def _count(condition: str) -> State:
    return State(f"count(case when {condition} then 1 end)")  # half the cost of a sum of ones


def _amount(condition: str, value: str) -> State:
    return State(f"sum(case when {condition} then {value} else 0 end)")


@dataclass(frozen=True)
class Rollup:
    """A table rolled up once to one row for each customer and month.

    Parameters
    ----------
    tables : tuple of str
        Contract tables it reads; the first holds the rows.
    day : str
        Expression for the day from which the bank knows the row.
    states : dict of str to State
        What is kept.
    """

    tables: tuple[str, ...]
    day: str
    states: dict[str, State]


@dataclass(frozen=True)
class Block:
    """One row a customer at a date: sums over windows of months, or over the rows known on the date.

    Parameters
    ----------
    tables : tuple of str
        Contract tables read.
    totals : dict of str to str
        Sums and counts: 0 for a customer without rows.
    picks : dict of str to str
        Smallest, largest, last: empty for a customer without rows.
    rollup : str
        Key of `ROLLUPS` whose months it sums; empty when it reads the rows themselves.
    is_ever : bool
        It looks at every month up to the date, not only at the longest window.

    Notes
    -----
    ``{month}`` stands for the number of the date's month, ``{as_of}`` for the date, ``{year_ago}`` and
    ``{in_3_months}`` for the dates 12 months before and 3 months after it.
    """

    tables: tuple[str, ...]
    totals: dict[str, str] = field(default_factory=dict)
    picks: dict[str, str] = field(default_factory=dict)
    rollup: str = ""
    is_ever: bool = False


def _over(state: str, months: int) -> str:
    """Sum of a state over the last months; the statement reads no month before the longest window."""
    if months == max(WINDOWS):
        return f"sum({state})"
    return f"sum(case when month_index > {{month}} - {months} then {state} else 0 end)"


def _months_with(state: str, months: int) -> str:
    """Number of the last months in which a state is above zero."""
    return f"count(case when month_index > {{month}} - {months} and {state} > 0 then 1 end)"


def _each_window(*states: str) -> dict[str, str]:
    return {f"{state}_{months}m": _over(state, months) for state in states for months in WINDOWS}


# A debt is a negative balance; money in a debt account (an overpaid card) is not an asset of the customer's.
_WORTH_STATES = {
    "assets": _amount(f"family in ({_words(ASSET_FAMILIES)}) and balance_amount > 0", "balance_amount"),
    "debt": _amount(f"family in ({_words(ASSET_FAMILIES + DEBT_FAMILIES)}) and balance_amount < 0", "-balance_amount"),
    **{name: _amount(f"family = '{name}'", "balance_amount") for name in ASSET_FAMILIES},
    **{name: _amount(f"family = '{name}'", "-balance_amount") for name in DEBT_FAMILIES},
    # Millionths of a minor unit a year: shares become whole numbers, or the sum would depend on the order of rows.
    "margin": State(
        "sum(case when margin_share is null then 0"
        " else abs(balance_amount) * cast(floor(margin_share * 1000000 + 0.5) as bigint) end)"
    ),
    "fees": State("sum(coalesce(fee_amount, 0))"),
}

_INFLOW_KINDS = ("transfer_in", "cash_in", "benefit", "other")

ROLLUPS: dict[str, Rollup] = {
    "transactions": Rollup(
        ("transactions", "accounts"),
        "booked_on",
        {
            "bookings": State("count(*)"),
            "received": _amount("amount > 0", "amount"),
            "spent": _amount("amount < 0", "-amount"),
            "acts": _count("is_customer_initiated"),
            "turnover": _amount("is_customer_initiated", "abs(amount)"),
            "acted_on": State("max(case when is_customer_initiated then booked_on end)", "max"),
            "salary": _amount("kind in ('salary', 'pension') and amount > 0", "amount"),
            "inflow": State(f"max(case when kind in ({_words(_INFLOW_KINDS)}) and amount > 0 then amount end)", "max"),
            "charges": _amount("kind in ('fee', 'penalty') and amount < 0", "-amount"),
            "penalties": _count("kind = 'penalty'"),
            "cash": _amount("kind = 'cash_out' and amount < 0", "-amount"),
            "card_paid": _amount("kind = 'card_payment' and amount < 0", "-amount"),
            "acts_by_channel": _count("is_customer_initiated and channel is not null"),
            **{
                f"acts_{channel}": _count(f"is_customer_initiated and channel = '{channel}'")
                for channel in SHARE_CHANNELS
            },
        },
    ),
    "balances": Rollup(("balances", "accounts", "products"), "balance_on", _WORTH_STATES),
    "interactions": Rollup(
        ("interactions",),
        "cast(opened_at as date)",
        {
            "contacts": State("count(*)"),
            "complaints": _count("kind = 'complaint'"),
            "complained_on": State("max(case when kind = 'complaint' then cast(opened_at as date) end)", "max"),
            "waits": _count("waiting_minutes is not null"),
            # Whole seconds, for the same reason as the margin.
            "waiting": State(
                "sum(case when waiting_minutes is null then 0"
                " else cast(floor(waiting_minutes * 60 + 0.5) as bigint) end)"
            ),
        },
    ),
    "digital_events": Rollup(
        ("digital_events",),
        "cast(occurred_at as date)",
        {
            "logins": _count("kind = 'login'"),
            "logins_by_channel": _count("kind = 'login' and channel is not null"),
            "logins_mobile": _count("kind = 'login' and channel = 'mobile'"),
            "views": _count("kind = 'product_view'"),
            "used_on": State("max(case when kind <> 'failed_login' then cast(occurred_at as date) end)", "max"),
        },
    ),
}

BLOCKS: dict[str, Block] = {
    "profile": Block(("customers",)),
    "holding": Block(
        ("accounts", "products"),
        totals={
            "accounts": "count(case when is_open then 1 end)",
            "products": "count(distinct case when is_open then product_id end)",
            "families": "count(distinct case when is_open then family end)",
            **{
                name: f"count(case when is_open and family = '{name}' then 1 end)"
                for name in (*ASSET_FAMILIES, *DEBT_FAMILIES, "insurance", "payment", "other")
            },
            "opened": "count(case when opened_on > {year_ago} then 1 end)",
            "closed": "count(case when not is_open and closed_on > {year_ago} then 1 end)",
            "maturing": "count(case when is_open and matures_on > {as_of} and matures_on <= {in_3_months} then 1 end)",
            "troubled": "count(case when is_open and performance in ('in_arrears', 'defaulted')"
            " and performance_on <= {as_of} then 1 end)",
            "limits": f"sum(case when is_open and family in ({_words(DEBT_FAMILIES)})"
            " then coalesce(limit_amount, 0) else 0 end)",
            "instalments": "sum(case when is_open then coalesce(instalment_amount, 0) else 0 end)",
        },
        picks={"newest_on": "max(opened_on)"},
    ),
    "authorised": Block(("accounts",), totals={"accounts": "count(case when is_open then 1 end)"}),
    "worth": Block(
        ROLLUPS["balances"].tables,
        totals={
            **{
                state: f"sum(case when month_index = {{month}} then {state} else 0 end)"
                for state in ("assets", "debt", *ASSET_FAMILIES, *DEBT_FAMILIES)
            },
            "assets_3_months_ago": "sum(case when month_index = {month} - 3 then assets else 0 end)",
            # For the mean and the least-squares line of assets on months: n, sum t, sum t*t, sum y, sum t*y.
            "n": "count(*)",
            "t": "sum(month_index - {month})",
            "tt": "sum((month_index - {month}) * (month_index - {month}))",
            "y": "sum(assets)",
            "ty": "sum((month_index - {month}) * assets)",
            "margin": "sum(margin)",
            "fees": "sum(fees)",
        },
        picks={"least": "min(assets)", "most": "max(assets)"},
        rollup="balances",
    ),
    "activity": Block(
        ROLLUPS["transactions"].tables,
        totals={
            **_each_window("bookings", "received", "spent", "acts", "turnover"),
            **{
                f"{state}_12m": _over(state, 12)
                for state in (
                    "charges",
                    "penalties",
                    "cash",
                    "card_paid",
                    "acts_by_channel",
                    *(f"acts_{c}" for c in SHARE_CHANNELS),
                )
            },
            **{
                f"{state}_months_{months}m": _months_with(state, months)
                for state in ("salary", "inflow")
                for months in (3, 6, 12)
            },
            "acts_months_12m": _months_with("acts", 12),
            "acts_squared_12m": "sum(acts * acts)",
            "salary_6m": _over("salary", 6),
            "inflow_6m": "sum(case when month_index > {month} - 6 then coalesce(inflow, 0) else 0 end)",
        },
        picks={
            "inflow_least_6m": "min(case when month_index > {month} - 6 then inflow end)",
            "inflow_most_6m": "max(case when month_index > {month} - 6 then inflow end)",
        },
        rollup="transactions",
    ),
    "last_act": Block(
        ROLLUPS["transactions"].tables, picks={"day": "max(acted_on)"}, rollup="transactions", is_ever=True
    ),
    "contact": Block(
        ("interactions",),
        totals={
            **_each_window("contacts", "complaints"),
            "waits_12m": _over("waits", 12),
            "waiting_12m": _over("waiting", 12),
        },
        rollup="interactions",
    ),
    "last_complaint": Block(
        ("interactions",), picks={"day": "max(complained_on)"}, rollup="interactions", is_ever=True
    ),
    "unresolved": Block(("interactions",), totals={"complaints": "count(*)"}),
    "digital": Block(
        ("digital_events",),
        totals={
            **_each_window("logins"),
            "logins_by_channel_12m": _over("logins_by_channel", 12),
            "logins_mobile_12m": _over("logins_mobile", 12),
            "views_3m": _over("views", 3),
        },
        rollup="digital_events",
    ),
    "last_use": Block(("digital_events",), picks={"day": "max(used_on)"}, rollup="digital_events", is_ever=True),
}
