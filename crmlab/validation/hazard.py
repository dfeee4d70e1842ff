"""Who closes the accounts, and why: a textbook discrete-time hazard from the bank's tables, and how true it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.stats import Estimate, rate
from crmlab.validation.claims import Claim

if TYPE_CHECKING:
    from crmlab.bank import Bank
    from crmlab.validation.truth import Truth

__all__ = ["LAG_MONTHS", "coefficients", "estimates", "person_months", "recover", "true_hazard"]

LAG_MONTHS = 5  # between the last month whose facts are used and the closing: the longest delay of a decision
_STEPS = 50  # of Newton's method at most; some ten are enough
_ACTIVE_MONTHS = 3  # with an act of the customer's within so many months; who fell silent closes nothing any more
_NEEDED = ("customers.left_on", "customers.left_reason", "accounts", "products", "transactions", "interactions")
_CAUSES = {  # coefficient: what a manager reads
    "log_tenure": "Tenure (log of years)",
    "products": "One product more",
    "paid_here": "Salary or pension paid here",
    "owes": "Loan or mortgage here",
    "complained": "Complaint within a year",
}
_CONTROLS = ("age",)
_STRUCTURAL = ("log_tenure", "products", "paid_here", "owes")  # seen in the tables as the simulation uses them
_HOW_TRUE = "Coefficient of the simulation on the monthly log odds to close."
_HOW_SAME = (
    "The same regression on the true chances to close of the same customers and months: a complaint acts through "
    "satisfaction too, which the tables do not show."
)
_HOW_LEVEL = "Mean true chance to close of the same customers and months, times twelve."

_SQL = """
with span as (
    select date_trunc('month', min(booked_on))::date as first,
           date_trunc('month', date '{day}' + interval 1 day)::date as after from transactions),
months as (
    select last_day(range::date) as month_on, last_day(range::date + interval {lag} month) as closing_on
    from span, range(span.first, span.after - interval {lag} month, interval 1 month)),
held as (
    select account_id, customer_id, opened_on, closed_on, family in ('loan', 'mortgage') as is_debt
    from accounts join products using (product_id)),
booked as (
    select customer_id, last_day(booked_on) as month_on, bool_or(kind in ('salary', 'pension', 'benefit')) as is_paid,
           bool_or(is_customer_initiated) as acted
    from transactions join accounts using (account_id) group by all),
complaints as (
    select distinct customer_id, last_day(opened_at::date) as month_on from interactions where kind = 'complaint'),
owned as (
    select customer_id, month_on, closing_on, count(*) as products, bool_or(is_debt) as owes
    from months join held on opened_on <= month_on and (closed_on is null or closed_on > month_on) group by all),
there as (
    select o.*, c.joined_on, c.birth_on,
           coalesce(c.left_reason = 'customer' and last_day(c.left_on) = closing_on, false) as closes
    from owned o join customers c using (customer_id)
    where c.left_on is null or last_day(c.left_on) >= closing_on),
recent as (
    select customer_id, t.month_on, bool_or(is_paid) as paid_here, bool_or(acted) as acted
    from months t
    join booked b on b.month_on <= t.month_on and b.month_on > last_day(t.month_on - interval {paid} month)
    group by all),
upset as (
    select distinct customer_id, t.month_on
    from months t
    join complaints k on k.month_on <= t.month_on and k.month_on > last_day(t.month_on - interval 12 month))
select customer_id, month_on, closing_on, closes::int as closes,
       -- tenure in the middle of the months in which a closing of that month may have been decided
       ln(date_diff('day', joined_on, month_on) / 365.2425 + 1.0 / 12) as log_tenure,
       products - 2 as products, paid_here::int as paid_here, owes::int as owes,
       (upset.customer_id is not null)::int as complained,
       date_diff('day', birth_on, month_on) / 3652.425 - 4.5 as age
from there join recent using (customer_id, month_on) left join upset using (customer_id, month_on)
where acted and joined_on <= month_on
order by customer_id, month_on
"""


def person_months(bank: Bank) -> pd.DataFrame:
    """Return one row a customer and month in which the accounts could close, with the facts of five months before.

    Parameters
    ----------
    bank : Bank
        A bank with customers, accounts, transactions and interactions; as of a day, nothing later is used.

    Returns
    -------
    DataFrame
        ``customer_id``; ``month_on``, last day of the month of the facts; ``closing_on``, last day of the month at
        risk; ``closes`` (1: left in that month by own decision); ``log_tenure`` (log of years at the mean time of the
        decision); ``products`` (open accounts and contracts beyond two); ``paid_here``, ``owes``, ``complained`` (0 or
        1: salary, pension or benefit within three months, loan or mortgage, complaint within twelve); ``age``
        (decades from 45 years).

    Notes
    -----
    A customer who closes has decided two to five months before, and fades from then on: facts of those months are
    effects, not causes. So the facts lie five months back. At risk is who owned an account then, had acted within
    three months and is a customer until the month at risk begins. Death and the bank's own closings end the time at
    risk without an event.
    """
    day = bank.report_on
    query = _SQL.format(day=day, lag=LAG_MONTHS, paid=_ACTIVE_MONTHS)
    frame = bank.to_frame(bank.sql(query))
    return frame.astype({"month_on": "datetime64[s]", "closing_on": "datetime64[s]"})


def coefficients(rows: pd.DataFrame, response: pd.Series, *, penalised: bool = True) -> tuple[pd.Series, pd.Series]:
    """Fit a logistic regression to person-months; return the coefficients and their standard errors.

    Parameters
    ----------
    rows : DataFrame
        Of `person_months`.
    response : Series
        0 or 1, or a chance between.
    penalised : bool
        With Firth's penalty, which takes out the bias of few events; true chances have none, so fit them without.

    Notes
    -----
    Logistic discrete-time hazard (Allison 1982) with Firth's penalty: closings are rare, and where nobody with a loan
    closed, maximum likelihood has no finite answer. The standard error is the larger of two: the model's, which is
    right for a customer who closes at most once, and the one clustered by customer, which is too small where few
    closed. Age is in it as a control.

    References
    ----------
    Allison, P. D. (1982). Discrete-time methods for the analysis of event histories. Sociological Methodology 13,
    61-98.
    Heinze, G. and Schemper, M. (2002). A solution to the problem of separation in logistic regression. Statistics in
    Medicine 21(16), 2409-2419.
    """
    names = [*_CAUSES, *_CONTROLS]
    design = np.column_stack([np.ones(len(rows)), rows[names].to_numpy(dtype=float)])
    target = response.to_numpy(dtype=float)
    value = np.zeros(design.shape[1])
    share = (target.sum() + 0.5) / (len(target) + 1)
    value[0] = math.log(share / (1 - share))
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-(design @ value)))
        weight = chance * (1 - chance)
        inverse = np.linalg.inv((design * weight[:, None]).T @ design)
        leverage = weight * np.einsum("ij,ij->i", design @ inverse, design)
        score = design * (target - chance + penalised * leverage * (0.5 - chance))[:, None]
        step = inverse @ score.sum(axis=0)
        value += step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < 1e-7:
            break
    customer = pd.factorize(rows["customer_id"])[0]
    total = np.column_stack([np.bincount(customer, column) for column in (design * (target - chance)[:, None]).T])
    clustered = inverse @ (total.T @ total) @ inverse * len(total) / max(len(total) - 1, 1)
    error = np.sqrt(np.maximum(np.diag(inverse), np.diag(clustered)))
    return pd.Series(value[1:], index=names), pd.Series(error[1:], index=names)


def estimates(bank: Bank) -> dict[str, Estimate]:
    """Return the yearly rate of closing and the coefficients of its causes, from the bank's tables alone.

    Parameters
    ----------
    bank : Bank
        A bank of at least seven months.

    Returns
    -------
    dict of str to Estimate
        ``closing_rate`` (share a year) and the change of the log odds by ``log_tenure``, ``products``, ``paid_here``,
        ``owes`` and ``complained``; empty where tables are missing, not a number where nobody closed or all facts are
        the same.
    """
    return _estimates(person_months(bank)) if bank.has(*_NEEDED) else {}


def _estimates(rows: pd.DataFrame) -> dict[str, Estimate]:
    nothing = Estimate(math.nan, unit="log odds", n=len(rows))
    found = {"closing_rate": Estimate(math.nan, unit="share", n=len(rows)), **dict.fromkeys(_CAUSES, nothing)}
    if not len(rows):
        return found
    closes = rows["closes"]
    found["closing_rate"] = rate(int(closes.sum()), len(rows) / 12, unit="share")
    if not _is_estimable(rows):
        return found
    value, error = coefficients(rows, closes)
    for name in _CAUSES:
        one, by = float(value[name]), float(1.959964 * error[name])
        method = "logistic regression with Firth's penalty"
        found[name] = Estimate(one, unit="log odds", low=one - by, high=one + by, n=len(rows), method=method)
    return found


def _is_estimable(rows: pd.DataFrame) -> bool:
    """Some closed, and every fact differs between rows."""
    return bool(rows["closes"].any() and (rows[[*_CAUSES, *_CONTROLS]].nunique() > 1).all())


def true_hazard(rows: pd.DataFrame, truth: Truth) -> pd.Series:
    """Return the true chance to close in the month at risk, for rows of `person_months`.

    The chances to decide, two to five months before, times the shares of decisions that take as long.
    """
    delay = truth.parameters["leaving"]["delay"]
    delays = range(int(delay["months_low"]), int(delay["months_high"]) + 1)
    noted = truth.table("months", columns=["customer_id", "month_on", "hazard_of_closing"])
    known = noted.set_index(["customer_id", "month_on"])["hazard_of_closing"].astype(float)
    total = np.zeros(len(rows))
    for months in delays:
        decided = (rows["closing_on"].dt.to_period("M") - months).dt.to_timestamp("s", how="end").dt.normalize()
        at = pd.MultiIndex.from_arrays([rows["customer_id"], decided.astype(known.index.levels[1].dtype)])
        total += known.reindex(at).fillna(0.0).to_numpy()
    return pd.Series(total / len(delays), index=rows.index)


def recover(bank: Bank, truth: Truth) -> list[Claim]:
    """Put the true rate and coefficients beside those found in the tables.

    Parameters
    ----------
    bank : Bank
        A simulated bank.
    truth : Truth
        Its truth.
    """
    if not bank.has(*_NEEDED):
        return []
    rows = person_months(bank)
    found = _estimates(rows)
    true = {name: truth.parameters["leaving"]["closing"][name] for name in _STRUCTURAL}
    how = dict.fromkeys(_STRUCTURAL, _HOW_TRUE) | {"closing_rate": _HOW_LEVEL, "complained": _HOW_SAME}
    if len(rows):
        hazard = true_hazard(rows, truth)
        true["closing_rate"] = 12 * float(hazard.mean())
        if _is_estimable(rows):
            true["complained"] = float(coefficients(rows, hazard, penalised=False)[0]["complained"])
    labels = {"closing_rate": "Close their accounts in a year"} | _CAUSES
    return [Claim("hazard", name, labels[name], found[name], true.get(name), how[name]) for name in found]
