"""Signs before a day: what a customer met or did in a stated window, which may say why they left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.bank.questionnaire_choice import recognised_questionnaire
from crmlab.errors import refuse

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["GOING", "REASON", "SIGNS", "WHO", "WINDOW_MONTHS", "Sign", "records_begin", "signs_before"]

REASON, GOING, WHO = "reason", "already going", "who they were"
WINDOW_MONTHS = (
    3,
    9,
)  # half a year that ends three months before the day: closing an account and moving takes that long
_SLOW_DAYS, _WAIT_MINUTES, _LOW_SHARE, _GAP_SHARE = 7, 20, 0.5, 0.002
_NEW_DAYS, _FEW_ACTS = 730, 3


@dataclass(frozen=True)
class Sign:
    """One sign: what a reader calls it, what it may be, and the rule in a sentence.

    Parameters
    ----------
    title, kind, rule : str
        Kind is `REASON`; `GOING` for what is the leaving itself; `WHO` for what kind of customer it was. The last two
        explain nothing by themselves.
    """

    title: str
    kind: str
    rule: str


SIGNS: dict[str, Sign] = {
    "complaint_unsettled": Sign("complaint badly settled", REASON,
        f"a complaint that was not fully solved, or took more than {_SLOW_DAYS} days"),
    "fees": Sign("complained of fees", REASON, "a complaint about fees"),
    "waiting": Sign("long wait or breakdown", REASON,
        f"waited {_WAIT_MINUTES} minutes or more by phone or in the branch, or complained of waiting or an outage"),
    "dissatisfied": Sign("dissatisfied in a survey", REASON,
        "items of satisfaction below half of the scale, in the last answer of the 12 months before"),
    "moved": Sign("moved, married or divorced", REASON, "a contact to change personal data"),
    "employer": Sign("new employer or job lost", REASON, "pay from another employer than before, or a benefit instead"),
    "rate": Sign("better rate elsewhere", REASON,
        "holds deposits while the best rate of others is 0.2 points or more above ours"),
    "new": Sign("new here", WHO, "joined less than two years before leaving"),
    "unused": Sign("hardly used", WHO, "less than one act a month of their own in the three months before the window"),
    "pay_gone": Sign("pay no longer comes", GOING, "salary or pension came before, and not in the last two months"),
    "drained": Sign("money drained", GOING, "money here fell by half or more in the last six months"),
    "closing": Sign("asked to close", GOING, "a contact about closing in the last six months"),
}  # fmt: skip


def records_begin(bank: Bank) -> pd.Timestamp | None:
    """Return the first day with a contact or booking on record; before it no sign could be seen."""
    parts = [
        f"select min({column})::date as day from {table}"
        for table, column in (("interactions", "opened_at"), ("transactions", "booked_on"))
        if bank.has(table)
    ]
    if not parts:
        return None
    day = bank.sql(f"select min(day) from ({' union all '.join(parts)})").fetchall()[0][0]
    return None if day is None else pd.Timestamp(day)


def signs_before(bank: Bank, when: pd.Series, *, window_months: tuple[int, int] = WINDOW_MONTHS) -> pd.DataFrame:
    """Look for each sign before each customer's day.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    when : Series of datetime
        The day looked back from, indexed by ``customer_id``: the day of leaving, or for comparison some day of a
        customer who stayed.
    window_months : (int, int)
        Reasons are looked for between so many months before the day: the last ones are left out, since what happens
        in them belongs to the leaving itself.

    Returns
    -------
    DataFrame of bool
        Index as `when`, a column for each of `SIGNS` that the bank's tables can show.

    Notes
    -----
    A sign says that something happened before, not that it made the customer leave.
    """
    last, first = window_months
    refuse(
        *(
            [f"signs_before: window_months is {window_months}. Give two whole numbers, the smaller first."]
            if not 0 <= last < first
            else []
        )
    )
    days = pd.DataFrame({"customer_id": when.index.astype("str"), "day": pd.to_datetime(when.to_numpy())})
    bank.connection.register("looked_", days)
    spans = {
        "since": f"(day - interval {first} month)", "until": f"(day - interval {last} month)",
        "late": f"(day - interval {first - 3} month)", "early": f"(day - interval {first + 3} month)",
    }  # fmt: skip
    found: dict[str, set[str]] = {}
    try:
        for part in (_contacts, _answers, _pay, _money, _tenure):
            found |= {name: {one for (one,) in bank.sql(query).fetchall()} for name, query in part(bank, spans)}
    finally:
        bank.connection.unregister("looked_")
    columns = {name: when.index.isin(found[name]) for name in SIGNS if name in found}
    return pd.DataFrame(columns, index=when.index, dtype=bool)


Queries = Iterable[tuple[str, str]]


def _contacts(bank: Bank, at: dict[str, str]) -> Queries:
    if not bank.has("interactions"):
        return
    known = bank.columns("interactions")
    settled = "resolved_at" if "resolved_at" in known else "cast(null as timestamp)"
    outcome = "outcome" if "outcome" in known else "cast(null as varchar)"
    within = f"opened_at >= {at['since']} and opened_at < {at['until']}"
    near = f"opened_at >= {at['late']} and opened_at <= day"
    base = "select customer_id from looked_ join interactions using (customer_id) where"
    bad = (
        f"({settled} is null or {settled} > opened_at + interval {_SLOW_DAYS} day"
        f" or coalesce({outcome}, 'solved') in ('not_solved', 'partly_solved'))"
    )
    if "resolved_at" in known or "outcome" in known:
        yield "complaint_unsettled", f"{base} {within} and kind = 'complaint' and {bad} group by 1"
    if "topic" in known:
        yield "fees", f"{base} {within} and kind = 'complaint' and topic = 'fees' group by 1"
        yield "moved", f"{base} {within} and topic = 'data_change' group by 1"
        yield "closing", f"{base} {near} and topic = 'closing' group by 1"
    waits = [
        *(
            [f"(waiting_minutes >= {_WAIT_MINUTES} and channel in ('phone', 'branch'))"]
            if {"waiting_minutes", "channel"} <= {*known}
            else []
        ),
        *(["(kind = 'complaint' and topic in ('waiting_time', 'outage'))"] if "topic" in known else []),
    ]
    if waits:
        yield "waiting", f"{base} {within} and ({' or '.join(waits)}) group by 1"


def _answers(bank: Bank, at: dict[str, str]) -> Queries:
    asked = recognised_questionnaire(bank)
    if asked is None or "satisfaction" not in asked.latents:
        return
    scales, latent = asked.scales, asked.latents["satisfaction"]
    cases = " ".join(
        f"when '{code}' then {'1 - ' if code in latent.reversed else ''}(score - {scales[code][0]}) /"
        f" {scales[code][1] - scales[code][0]}"
        for code in latent.items
    )
    yield (
        "dissatisfied",
        f"with told as (select customer_id, answered_at, avg(case item {cases} end) as level from surveys"
        " where score is not null group by 1, 2 having level is not null), last as (select customer_id,"
        f" arg_max(level, answered_at) as level from looked_ join told using (customer_id) where answered_at <"
        f" {at['until']} and answered_at >= day - interval 12 month group by 1) select customer_id from last where"
        f" level < {_LOW_SHARE}",
    )


def _pay(bank: Bank, at: dict[str, str]) -> Queries:
    if not bank.has("transactions", "accounts"):
        return
    joined = "looked_ join accounts using (customer_id) join transactions using (account_id)"
    if "counterparty" in bank.columns("transactions"):
        yield (
            "employer",
            f"with paid as (select customer_id, day, booked_on, counterparty, lag(counterparty) over (partition by"
            f" customer_id order by booked_on, counterparty) as before from {joined} where kind = 'salary' and"
            f" booked_on >= {at['early']} and booked_on < {at['until']}) select distinct customer_id from paid"
            f" where before <> counterparty and booked_on >= {at['since']} union {_benefit(joined, at)}",
        )
    yield (
        "pay_gone",
        f"select customer_id from {joined} where kind in ('salary', 'pension') and booked_on >= {at['late']}"
        f" and booked_on <= day group by 1, day having count(*) filter (booked_on < {at['until']}) > 0"
        " and count(*) filter (booked_on > day - interval 2 month) = 0",
    )
    yield (
        "unused",
        f"select customer_id from (select customer_id, day from looked_ join customers using (customer_id) where"
        f" joined_on <= {at['early']} and customer_id in (select customer_id from accounts)) l"
        f" left join (select customer_id, count(*) as acts from {joined} where is_customer_initiated and booked_on >="
        f" {at['early']} and booked_on < {at['since']} group by 1) a using (customer_id) where coalesce(acts, 0) <"
        f" {_FEW_ACTS}",
    )


def _benefit(joined: str, at: dict[str, str]) -> str:
    """Who got pay in the months before the window or in it, and a state benefit for the first time in the window."""
    return (
        f"select customer_id from {joined} where kind in ('salary', 'benefit') and booked_on >= {at['early']} and"
        f" booked_on < {at['until']} group by customer_id, day having"
        f" count(*) filter (kind = 'salary' and booked_on < day - interval 4 month) > 0 and"
        f" min(booked_on) filter (kind = 'benefit') > max(booked_on) filter (kind = 'salary')"
    )


def _money(bank: Bank, at: dict[str, str]) -> Queries:
    if not bank.has("balances", "accounts", "products"):
        return
    assets = "family in ('current', 'savings', 'term_deposit', 'investment', 'pension')"
    held = (
        "select customer_id, day, balance_on, sum(greatest(balance_amount, 0)) as money from looked_ join accounts"
        f" using (customer_id) join products using (product_id) join balances using (account_id) where {assets}"
    )
    yield (
        "drained",
        f"with money as ({held} and balance_on in (last_day(day - interval 1 month), last_day(day - interval 6 month))"
        " group by all) select customer_id from looked_ left join money using (customer_id) group by customer_id,"
        " looked_.day having max(money) filter (balance_on = last_day(looked_.day - interval 6 month)) > 0 and"
        " coalesce(max(money) filter (balance_on = last_day(looked_.day - interval 1 month)), 0) <"
        " .5 * max(money) filter (balance_on = last_day(looked_.day - interval 6 month))",
    )
    if bank.has("market.competitor_rate_share", "accounts.rate_share"):
        yield (
            "rate",
            "with own as (select month_on, avg(rate_share) as own from market join accounts on opened_on <= month_on"
            " and opened_on > month_on - interval 12 month join products using (product_id) where family in"
            " ('savings', 'term_deposit') and rate_share is not null group by 1), gaps as (select month_on,"
            " competitor_rate_share - own as gap from market join own using (month_on)), savers as ("
            f" {held} and family in ('savings', 'term_deposit') and balance_on = last_day({at['since']}) group by all"
            " having sum(greatest(balance_amount, 0)) > 0) select customer_id from savers join gaps on month_on >="
            f" {at['since']} and month_on < {at['until']} group by 1 having avg(gap) >= {_GAP_SHARE}",
        )


def _tenure(bank: Bank, at: dict[str, str]) -> Queries:
    yield (
        "new",
        "select customer_id from looked_ join customers using (customer_id) where joined_on >"
        f" day - interval {_NEW_DAYS} day",
    )
