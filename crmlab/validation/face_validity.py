"""Does a simulated bank look like a bank: measures of any bank, each with a range and the reason for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["MEASURES", "Measure", "measure_bank"]

_ASSETS = "('current', 'savings', 'term_deposit', 'investment', 'pension')"


@dataclass(frozen=True)
class Measure:
    """One figure by which a bank can be compared with others.

    Parameters
    ----------
    name : str
        Short name.
    about : str
        What is measured, for people.
    unit : {"share", "ratio", "count", "points"}
        Shares are 0 to 1, points -100 to 100.
    low, high : float
        Range in which a simulated bank lies.
    why : str
        Reason for the range, with its source where there is one.
    needs : tuple of str
        Tables and columns without which it cannot be measured.
    query : str
        SQL with one number as its result; ``{last}`` stands for the last day of the bank.
    """

    name: str
    about: str
    unit: str
    low: float
    high: float
    why: str
    needs: tuple[str, ...]
    query: str

    def of(self, bank: Bank) -> float | None:
        """Return the figure of a bank; None where its tables cannot tell."""
        if not bank.has(*self.needs):
            return None
        day = bank.date or bank.last_on
        found = bank.sql(self.query.format(last=f"date '{day}'", assets=_ASSETS)).fetchall()[0][0]
        return None if found is None else float(found)

    def holds(self, value: float) -> bool:
        """Tell whether a figure lies in the range."""
        return self.low <= value <= self.high


def _weekday(number: int) -> str:
    return f"""select count(*) filter (isodow(occurred_at) = {number}) / count(*) filter (isodow(occurred_at) = 3)
               from transactions where kind = 'card_payment'"""


MEASURES = (
    Measure(
        "age_median", "Median age of customers, years", "count", 40, 56,
        "Adults of the EU: near 50 (order of magnitude of Eurostat); the persons called by the Portuguese bank: 39.",
        ("customers.birth_on",),
        """select median(date_diff('day', birth_on, {last}) / 365.2425) from customers where joined_on <= {last}""",
    ),
    Measure(
        "wealth_gini", "Gini of assets of customers", "share", 0.70, 0.88,
        "Net wealth of euro area households: .685 (ECB, HFCS, wave 2014); a bank sees persons and parts of wallets, "
        "which are less equal.",
        ("balances", "accounts", "products"),
        """with last_month as (select max(balance_on) as day from balances where balance_on <= {last}),
           assets as (select customer_id, greatest(sum(balance_amount), 0) as amount
                      from balances join accounts using (account_id) join products using (product_id), last_month
                      where balance_on = day and family in {assets} group by all),
           ranked as (select amount, row_number() over (order by amount) as place, count(*) over () as n from assets)
           select 2 * sum(amount * place::double) / any_value(n) / sum(amount) - (any_value(n) + 1) / any_value(n)
           from ranked""",
    ),
    Measure(
        "quiet_share", "Account owners of a year or more with less than one act a month", "share", 0.20, 0.55,
        "About half of the customers have their main bank elsewhere (assumed), and some accounts sleep.",
        ("transactions", "accounts"),
        """with acts as (select customer_id, count(*) as n from accounts join transactions using (account_id)
                         where is_customer_initiated and booked_on > {last} - interval 12 month group by all),
           owners as (select customer_id, min(opened_on) as since,
                             bool_or(closed_on is null or closed_on > {last}) as there
                      from accounts group by all)
           select avg((coalesce(n, 0) < 12)::int) from owners left join acts using (customer_id)
           where there and since < {last} - interval 12 month""",
    ),
    Measure(
        "salary_day", "Salaries on the 22nd to 25th of the month", "share", 0.45, 0.70,
        "55 % are paid on the 25th or the working day before (assumed).",
        ("transactions",),
        "select avg((day(booked_on) between 22 and 25)::int) from transactions where kind = 'salary'",
    ),
    Measure(
        "saturday", "Card payments on Saturdays against Wednesdays", "ratio", 1.10, 1.60,
        "Shops are full on Saturdays (assumed).", ("transactions",), _weekday(6),
    ),
    Measure(
        "sunday", "Card payments on Sundays against Wednesdays", "ratio", 0.35, 0.70,
        "Most shops are closed on Sundays (assumed).", ("transactions",), _weekday(7),
    ),
    Measure(
        "december", "Card spending in December against the mean month", "ratio", 1.10, 1.40,
        "Card use in Iceland, 2000 to 2013: 1.26 of the year around.",
        ("transactions",),
        """with months as (select date_trunc('month', occurred_at) as first, sum(-amount) as spent from transactions
                           where kind = 'card_payment' and booked_on <= {last} group by all),
           years as (select year(first) as year, max(spent) filter (month(first) = 12) / avg(spent) as peak
                     from months group by all having count(*) = 12)
           select avg(peak) from years""",
    ),
    Measure(
        "yearly_churn", "Customers lost within the last year, of those at its start", "share", 0.04, 0.10,
        "Banks in Europe lose some percent a year (Celent 2003); US customers said 9.6 % in 2012 (J.D. Power).",
        ("customers.left_on",),
        """select count(*) filter (left_on <= {last}) / count(*) from customers
           where joined_on <= {last} - interval 12 month
             and (left_on is null or left_on > {last} - interval 12 month)""",
    ),
    Measure(
        "products_mean", "Open products a customer", "count", 1.5, 3.0,
        "Banks report two to three products a customer (order of magnitude).",
        ("accounts",),
        """select count(*) / count(distinct customer_id) from accounts
           where opened_on <= {last} and (closed_on is null or closed_on > {last})""",
    ),
    Measure(
        "bookings_mean", "Bookings a month for each open current account", "count", 8.0, 22.0,
        "Main-bank customers near 17, others near 4 (assumed); Berka's young accounts near 6.",
        ("transactions", "accounts", "products"),
        """select (select count(*) from transactions join accounts using (account_id) join products using (product_id)
                   where family = 'current' and booked_on > {last} - interval 12 month)
                  / sum(date_diff('day', greatest(opened_on, {last} - interval 12 month),
                                  least(coalesce(closed_on, {last}), {last}))) * 30.4
           from accounts join products using (product_id)
           where family = 'current' and coalesce(closed_on, {last}) > {last} - interval 12 month
             and opened_on <= {last}""",
    ),
    Measure(
        "complaint_rate", "Complaints a customer and year", "ratio", 0.02, 0.09,
        "European banks report 1 to 10 complaints for 100 customers a year (order of magnitude).",
        ("interactions",),
        """select (select count(*) from interactions
                          where kind = 'complaint' and opened_at > {last} - interval 12 month)
                  / count(*) from customers where left_on is null or left_on > {last}""",
    ),
    Measure(
        "monday_contacts", "Service contacts on Mondays against the mean working day", "ratio", 1.02, 1.25,
        "Calls to a large bank's call centre in 2003: 1.12 (Weinberg, Brown and Stroud 2007).",
        ("interactions",),
        """select 5 * count(*) filter (isodow(opened_at) = 1) / count(*) filter (isodow(opened_at) < 6)
           from interactions""",
    ),
    Measure(
        "digital_share", "Customers who logged in within a quarter", "share", 0.60, 0.85,
        "Eurostat: 51 % of EU adults banked online in 2017, some 3 points more each year.",
        ("digital_events",),
        """select count(distinct customer_id) filter (customer_id in
                  (select customer_id from digital_events where occurred_at > {last} - interval 3 month))
                  / count(*) from customers where left_on is null or left_on > {last}""",
    ),
    Measure(
        "mortgage_share", "Account owners with a mortgage here", "share", 0.05, 0.30,
        "23 % of euro area households had a mortgage on their home or another (ECB, HFCS, wave 2014), some elsewhere; "
        "56 % of the persons called by the Portuguese bank had a housing loan.",
        ("accounts", "products"),
        """select count(distinct customer_id) filter (family = 'mortgage') / count(distinct customer_id)
           from accounts join products using (product_id)
           where opened_on <= {last} and (closed_on is null or closed_on > {last})""",
    ),
    Measure(
        "loan_share", "Account owners with a personal loan here", "share", 0.05, 0.25,
        "16 % of the persons called by the Portuguese bank had a personal loan.",
        ("accounts", "products"),
        """select count(distinct customer_id) filter (family = 'loan') / count(distinct customer_id)
           from accounts join products using (product_id)
           where opened_on <= {last} and (closed_on is null or closed_on > {last})""",
    ),
    Measure(
        "default_rate", "Loans that default, for each year a loan runs", "share", 0.003, 0.03,
        "A loan defaults here after four missed instalments: one to two for 100 loan-years (assumed). In Berka 46 of "
        "328 loans were in trouble, 5.7 for 100 loan-years, by a wider definition.",
        ("accounts.performance", "transactions"),
        """select count(*) filter (performance = 'defaulted') / sum(date_diff('day',
                  greatest(opened_on, (select min(booked_on) from transactions)),
                  least(coalesce(closed_on, {last}), {last}))) * 365.25
           from accounts join products using (product_id) where family in ('loan', 'mortgage')
             and opened_on <= {last} and coalesce(closed_on, {last}) > (select min(booked_on) from transactions)""",
    ),
    Measure(
        "answer_rate", "Customers who answered the last yearly survey", "share", 0.15, 0.35,
        "All whose pay comes here and three quarters of the others are invited; a third of them answers (assumed).",
        ("surveys",),
        """select count(distinct customer_id)
                  / (select count(*) from customers where left_on is null or left_on > {last})
           from surveys where item = 'nps' and wave = (select max(wave) from surveys where item = 'nps')""",
    ),
    Measure(
        "nps", "Net promoter score of the yearly surveys", "points", -15, 35,
        "Promoters and detractors nearly balance in retail banking: published scores mostly lie between -10 and 40 "
        "(order of magnitude).",
        ("surveys",),
        "select 100 * (avg((score >= 9)::int) - avg((score <= 6)::int)) from surveys where item = 'nps'",
    ),
    Measure(
        "email_open", "E-mails of campaigns that are opened", "share", 0.18, 0.40,
        "Banks report that 20 to 35 % of their e-mails are opened (order of magnitude).",
        ("contacts", "campaigns"),
        """select avg((contacts.opened_at is not null)::int) from contacts join campaigns using (campaign_id)
           where arm = 'treatment' and campaigns.channel = 'email'""",
    ),
    Measure(
        "phone_sale", "Calls of sales campaigns after which the product is bought", "share", 0.015, 0.12,
        "Of the persons called by the Portuguese bank 11.7 % bought, after several calls and chosen for it; here one "
        "call to customers drawn by lot.",
        ("contacts", "campaigns"),
        """select avg((responded_at is not null)::int) from contacts join campaigns using (campaign_id)
           where arm = 'treatment' and campaigns.channel = 'phone' and goal = 'cross_sell'""",
    ),
    Measure(
        "email_sale", "E-mails of sales campaigns after which the product is bought", "share", 0.004, 0.04,
        "Of customers of a shop 0.6 % bought within two weeks without a mail and 1.3 % after one (Hillstrom 2008); "
        "here within two months.",
        ("contacts", "campaigns"),
        """select avg((responded_at is not null)::int) from contacts join campaigns using (campaign_id)
           where arm = 'treatment' and campaigns.channel = 'email' and goal = 'cross_sell'""",
    ),
    Measure(
        "won_share", "Sales opportunities that are won, of those settled", "share", 0.20, 0.55,
        "A third of qualified leads and more in relationship selling (assumed).",
        ("opportunities",),
        """select count(distinct opportunity_id) filter (stage = 'won')
                  / count(distinct opportunity_id) filter (stage in ('won', 'lost')) from opportunities""",
    ),
)  # fmt: skip


def measure_bank(bank: Bank) -> pd.DataFrame:
    """Measure a bank.

    Parameters
    ----------
    bank : Bank
        Any bank; what its tables cannot tell stays empty.

    Returns
    -------
    DataFrame
        Index ``name``; columns ``about``, ``unit``, ``value``, ``low``, ``high``, ``holds`` (None without a value),
        ``why``.
    """
    rows = []
    for one in MEASURES:
        value = one.of(bank)
        holds = None if value is None else one.holds(value)
        rows.append((one.name, one.about, one.unit, value, one.low, one.high, holds, one.why))
    names = ["name", "about", "unit", "value", "low", "high", "holds", "why"]
    return pd.DataFrame(rows, columns=names).set_index("name")
