"""The simulated bank behaves like a bank. Its marginals are held in `test_face_validity.py`."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pytest

from crmlab.simulation import simulate


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, engine_on) -> duckdb.DuckDBPyConnection:
    folder: Path = simulate(tmp_path_factory.mktemp("shape") / "bank", customers=1000, months=24, seed=3).folder
    engine = engine_on(folder)
    engine.execute("""create view held as select * from accounts join products using (product_id)""")
    engine.execute("""create view assets as
        select customer_id, balance_on, sum(balance_amount)::double as amount from balances join held using (account_id)
        where family in ('current', 'savings', 'term_deposit', 'investment', 'pension') group by all""")
    yield engine
    engine.close()


def _one(bank: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    return bank.sql(sql).fetchall()[0]


def _gini(values: list[float]) -> float:
    ordered = np.sort(np.maximum(values, 0))
    rank = np.arange(1, len(ordered) + 1)
    return float(2 * (ordered * rank).sum() / len(ordered) / ordered.sum() - (len(ordered) + 1) / len(ordered))


def test_wealth_is_concentrated(bank):
    # net wealth of euro area households has a Gini near .69; parts of wallets are less equal, yet not one person's
    for day in ("2022-12-31", "2023-12-31", "2024-12-31"):
        values = [row[0] for row in bank.sql(f"select amount from assets where balance_on = '{day}'").fetchall()]
        assert 0.70 <= _gini(values) <= 0.88, day


def test_wealth_neither_explodes_nor_melts(bank):
    first, last = (
        _one(bank, f"select avg(amount) from assets where balance_on = '{day}'")[0]
        for day in ("2022-12-31", "2024-12-31")
    )
    assert 0.9 <= last / first <= 1.25  # two years of saving and interest: some percent a year


def test_new_customers_leave_more_often(bank):
    # the first years are the loosest in every subscription-like business
    young, old = _one(
        bank,
        """select avg(gone) filter (joined_on >= date '2020-01-01'), avg(gone) filter (joined_on < date '2013-01-01')
           from (select joined_on, (left_on is not null and left_reason = 'customer')::int as gone from customers)""",
    )
    assert young > old


def test_salaries_come_on_working_days(bank):
    assert _one(bank, "select avg((isodow(booked_on) < 6)::int) from transactions where kind = 'salary'")[0] == 1.0


def test_nothing_absurd(bank):
    oldest, richest, poorest, deepest = _one(
        bank,
        """select (select max(date_diff('year', birth_on, date '2024-12-31')) from customers where left_on is null),
                  (select max(income_amount) from customers), (select min(income_amount) from customers),
                  (select min(balance_after_amount) from transactions join held using (account_id)
                   where family in ('current', 'savings', 'term_deposit', 'investment', 'pension'))""",
    )
    assert oldest <= 105
    assert 50 <= poorest < richest <= 60_000
    assert deepest >= -8_000  # the highest overdraft limit is 5,000


def test_asset_accounts_stay_above_zero_on_every_day(bank):
    below = _one(
        bank,
        """select count(*) from transactions join held using (account_id)
           where family in ('savings', 'term_deposit', 'investment', 'pension') and balance_after_amount < 0""",
    )[0]
    assert below == 0


def test_activity_and_balance_fade_before_a_customer_leaves(bank):
    before, during = _one(
        bank,
        """select count(*) filter (booked_on < left_on - 180), count(*) filter (booked_on >= left_on - 60)
           from customers join accounts using (customer_id) join transactions using (account_id)
           where left_reason = 'customer' and kind in ('card_payment', 'cash_out')
             and left_on >= date '2024-01-01' and booked_on between left_on - 240 and left_on""",
    )
    assert during < 0.8 * before  # both windows are 60 days
    first, last = _one(
        bank,
        """select sum(balance_amount) filter (balance_on = last_day(left_on - 215))::double,
                  sum(balance_amount) filter (balance_on = last_day(left_on - 31))::double
           from customers join held using (customer_id) join balances using (account_id)
           where left_reason = 'customer' and left_on >= date '2024-01-01' and family in ('current', 'savings')""",
    )
    assert last < 0.6 * first


def test_late_bookings_are_card_payments(bank):
    kinds, longest = _one(
        bank,
        """select list(distinct kind), max(booked_on - occurred_at::date) from transactions
           where booked_on <> occurred_at::date""",
    )
    assert kinds == ["card_payment"]
    assert longest <= 6


def test_a_fund_is_bought_after_the_questionnaire_and_within_the_tolerance(bank):
    # of the questionnaires the bank keeps the last; from the first day on none is answered again
    bought, wrong = _one(
        bank,
        """select count(*), count(*) filter (risk_assessed_on is null or risk_assessed_on > opened_on
                                            or right(risk_grade, 1) > right(risk_tolerance, 1))
           from held join customers using (customer_id)
           where family = 'investment' and opened_on >= date '2023-01-01'""",
    )
    assert bought > 20
    assert wrong == 0


def test_some_hold_more_risk_than_a_later_questionnaire_allows(bank):
    holders, unasked, riskier, riskier_when_bought = _one(
        bank,
        """select count(*), count(*) filter (risk_assessed_on is null), count(*) filter (is_riskier),
                  count(*) filter (is_riskier and risk_assessed_on <= opened_on)
           from (select *, right(risk_grade, 1) > right(risk_tolerance, 1) as is_riskier
                 from held join customers using (customer_id) where family = 'investment' and closed_on is null)""",
    )
    assert unasked == 0
    assert riskier_when_bought == 0
    assert 0.02 <= riskier / holders <= 0.20  # cases for an adviser, and not the rule
