"""The points programme of a simulated bank: exact books, first in first out, and members who chose to join."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from crmlab.simulation import simulate
from crmlab.simulation.leaving import CLOSING
from crmlab.simulation.loyalty_points import REWARDS, VALID_MONTHS, parameters
from crmlab.simulation.transactions import MEMBER_SPENDING

MONTHS = 30  # longer than points are valid


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, engine_on) -> duckdb.DuckDBPyConnection:
    folder = simulate(tmp_path_factory.mktemp("points") / "bank", customers=1000, months=MONTHS, seed=5).folder
    engine = engine_on(folder)
    for name in ("members", "months"):
        engine.execute(f"create view truth_{name} as from '{folder}/truth/{name}/*.parquet'")
    yield engine
    engine.close()


def _entries(bank: duckdb.DuckDBPyConnection) -> dict[str, list[tuple]]:
    # a bonus and the month's points may expire on one day: two entries, one lot
    rows = bank.sql("""select customer_id, booked_on, kind, sum(points_count)::bigint, expires_on from loyalty_points
                       group by all order by customer_id, booked_on, min(entry_id)""").fetchall()
    found = defaultdict(list)
    for customer, *entry in rows:
        found[customer].append(entry)
    return found


def _one(bank: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    return bank.sql(sql).fetchall()[0]


def test_signs_and_what_each_kind_carries(bank):
    wrong = _one(
        bank,
        """select count(*) filter (kind = 'earn' and (points_count <= 0 or expires_on is null)),
                  count(*) filter (kind in ('redeem', 'expire') and points_count >= 0),
                  count(*) filter ((kind = 'redeem') <> (value_amount is not null)),
                  count(*) filter (kind in ('redeem', 'expire') and expires_on is not null)
           from loyalty_points""",
    )
    assert wrong == (0, 0, 0, 0)


def test_no_balance_is_below_zero_on_any_day(bank):
    lowest = _one(
        bank,
        """select min(balance) from (select sum(points_count) over (partition by customer_id order by booked_on,
           entry_id) as balance from loyalty_points)""",
    )[0]
    assert lowest == 0


def test_points_expire_first_in_first_out_and_nothing_else_does(bank):
    """Recount every customer from the entries alone: lots in the order of booking, each with its day of expiry."""
    last = date(2025, 6, 30)
    expired, recounted = 0, 0
    for customer, entries in _entries(bank).items():
        lots: list[list] = []
        for day, kind, points, expires in entries:
            due = [lot for lot in lots if lot[0] <= day]
            if kind == "expire":
                assert due, (customer, day)
                assert due[0][1] == -points, (customer, day)  # exactly what is left of the lots that are due
                lots.remove(due[0])
                expired += 1
                continue
            # nothing may be overdue; two lots of one day count as one
            assert not [lot for lot in due if lot[0] < day], (customer, day)
            if points > 0:
                mine = next((lot for lot in lots if lot[0] == expires), None)
                lots.append([expires, points]) if mine is None else mine.__setitem__(1, mine[1] + points)
                lots.sort()
                continue
            rest = -points
            while rest:
                taken = min(rest, lots[0][1])
                rest -= taken
                lots[0][1] -= taken
                if not lots[0][1]:
                    lots.pop(0)
            recounted += 1
        assert all(expires > last for expires, _ in lots), customer
    assert expired > 100
    assert recounted > 300


def test_points_are_valid_for_two_years(bank):
    days = bank.sql("""select distinct booked_on, expires_on from loyalty_points where kind = 'earn'""").fetchall()
    assert VALID_MONTHS == 24
    for booked, expires in days:
        leap = (booked.month, booked.day) == (2, 29)
        assert expires == (date(booked.year + 2, 2, 28) if leap else booked.replace(year=booked.year + 2))


def test_members_earn_a_point_for_a_euro_by_card(bank):
    # months without the products' bonus at the quarter's end; entries on the last day
    compared, wrong = _one(
        bank,
        """with spent as (select customer_id, last_day(booked_on) as day, floor(sum(-amount))::bigint as points
                         from transactions join accounts using (account_id) where kind = 'card_payment' group by all),
                earned as (select customer_id, booked_on as day, sum(points_count)::bigint as points
                           from loyalty_points where kind = 'earn' and booked_on = last_day(booked_on)
                             and month(booked_on) % 3 <> 0 and points_count not in (100) group by all)
           select count(*), count(*) filter (earned.points is distinct from spent.points)
           from earned left join spent using (customer_id, day)""",
    )
    assert compared > 2_000
    assert wrong == 0


def test_each_reward_is_paid_by_its_price(bank):
    prices = {points: value / 100 for _, points, value, _ in REWARDS}
    rows = bank.sql("select -points_count, value_amount::double from loyalty_points where kind = 'redeem'").fetchall()
    for points, value in rows:
        assert any(points % price == 0 and value == pytest.approx(points / price * worth)
                   for price, worth in prices.items()), (points, value)  # fmt: skip


def test_redemption_and_breakage(bank):
    earned, redeemed, expired = _one(
        bank,
        """select sum(points_count) filter (kind = 'earn'), -sum(points_count) filter (kind = 'redeem'),
                  -sum(points_count) filter (kind = 'expire') from loyalty_points
           where booked_on >= date '2024-07-01'""",
    )
    # at least a third of what US programmes give out is never redeemed (Colloquy and Swift Exchange 2011)
    assert 0.50 <= redeemed / earned <= 0.85
    assert 0.08 <= expired / earned <= 0.40


def test_nothing_before_joining_and_nothing_after_leaving(bank):
    early, late, unenrolled = _one(
        bank,
        """select count(*) filter (booked_on < joined_on), count(*) filter (booked_on > left_on),
                  count(*) filter (member_since_on is null or booked_on < member_since_on)
           from loyalty_points join customers using (customer_id) left join truth_members using (customer_id)""",
    )
    assert (early, late, unenrolled) == (0, 0, 0)


def test_who_leaves_loses_the_rest(bank):
    left, rest = _one(
        bank,
        """select count(*), sum(points) from (select customer_id, sum(points_count) as points from loyalty_points
           join customers using (customer_id) where left_on is not null group by all)""",
    )
    assert left > 10
    assert rest == 0


def test_membership_shows_on_its_first_day(bank):
    # a welcome bonus for who joins, the points of old for who was there: so an analyst sees who is a member and when
    hidden = _one(
        bank,
        """with seen as (select customer_id, min(booked_on) as day from loyalty_points group by all)
           select count(*) from truth_members left join seen using (customer_id)
           where member_since_on <= date '2025-06-30'
             and day is distinct from greatest(member_since_on, date '2023-01-01')""",
    )[0]
    assert hidden == 0


def test_engaged_customers_join_so_a_naive_comparison_misleads(bank):
    naive = _one(
        bank,
        """with risk as (select hazard, coalesce(member_since_on < date_trunc('month', m.month_on), false) as member
                         from truth_months m left join truth_members using (customer_id) where hazard > 0)
           select ln(avg(hazard) filter (member) / avg(hazard) filter (not member)) from risk""",
    )[0]
    assert naive < 1.5 * CLOSING["member"] < 0  # twice as good as the truth, or better


def test_the_effects_are_known():
    known = parameters()
    assert known["log_odds_of_members"]["closing"] == CLOSING["member"] < 0
    assert known["card_budget_factor_of_members"] == MEMBER_SPENDING > 1


def test_a_member_pays_more_by_card_than_the_same_customer_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def spent(folder: Path) -> dict[str, float]:
        with duckdb.connect() as engine:
            return dict(
                engine.sql(f"""select customer_id, sum(-amount)::double from '{folder}/transactions/*.parquet'
                    join '{folder}/accounts.parquet' using (account_id)
                    where kind = 'card_payment' and booked_on < date '2023-02-01' group by all""").fetchall()
            )

    paid = spent(simulate(tmp_path / "paid", customers=600, months=1, seed=2).folder)
    monkeypatch.setattr("crmlab.simulation.transactions.MEMBER_SPENDING", 1.0)
    without = spent(simulate(tmp_path / "without", customers=600, months=1, seed=2).folder)
    ratio = np.array([paid[name] / without[name] for name in paid])
    changed = ratio != 1
    assert 0.15 < changed.mean() < 0.9  # members only
    assert np.median(ratio[changed]) == pytest.approx(MEMBER_SPENDING, abs=0.005)


def test_a_shorter_bank_knows_the_first_entries(tmp_path: Path):
    def entries(months: int) -> list[tuple]:
        folder = simulate(tmp_path / str(months), customers=300, months=months, seed=4).folder
        with duckdb.connect() as engine:
            return engine.sql(f"from '{folder}/loyalty_points/*.parquet'").fetchall()

    short, long = entries(5), entries(9)
    end = date(2023, 6, 1) - timedelta(days=1)
    assert short
    assert short == [row for row in long if row[2] <= end]
