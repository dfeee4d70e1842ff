"""The simulated bank: same bytes, a longer bank begins like a shorter one, balances follow from bookings."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.bank import Bank
from crmlab.bank.door import inspect
from crmlab.errors import CrmlabError
from crmlab.simulation import simulate


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("simulated") / "bank", customers=300, months=18, seed=1).folder


@pytest.fixture(scope="module")
def query(bank: Path, engine_on):
    """Run SQL on the tables of the bank, or of another folder."""

    def rows(sql: str, folder: Path = bank) -> list[tuple]:
        with engine_on(folder) as engine:
            return engine.sql(sql).fetchall()

    return rows


def _bytes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_gives_the_same_bytes_whatever_runs_at_a_time(tmp_path: Path) -> None:
    one = simulate(tmp_path / "one", customers=1100, months=4, seed=7)
    two = simulate(tmp_path / "two", customers=1100, months=4, seed=7, processes=2)
    other = simulate(tmp_path / "other", customers=1100, months=4, seed=8)
    assert _bytes(one.folder) == _bytes(two.folder)
    assert one.rows == two.rows
    assert _bytes(one.folder) != _bytes(other.folder)


@pytest.mark.parametrize(("months", "end"), [(1, "2023-01-31"), (5, "2023-05-31"), (11, "2023-11-30")])
def test_a_longer_bank_seen_on_a_day_is_the_bank_that_ends_there(
    bank: Path, tmp_path: Path, months: int, end: str
) -> None:
    long, short = Bank.open(bank), Bank.open(simulate(tmp_path / "short", customers=300, months=months, seed=1).folder)
    seen = long.as_of(end)
    assert seen.tables == short.tables
    for table in short.tables:
        known, whole = (sorted(view.table(table).fetchall(), key=repr) for view in (seen, short))
        assert whole, table
        assert known == whole, table


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    customers=st.integers(1, 60),
    months=st.integers(1, 14),
    more=st.integers(1, 8),
)
def test_no_bank_depends_on_how_long_it_is_simulated(
    tmp_path_factory: pytest.TempPathFactory, seed: int, customers: int, months: int, more: int
) -> None:
    place = tmp_path_factory.mktemp("length")
    made = [
        simulate(place / name, customers=customers, months=length, seed=seed).folder
        for name, length in (("short", months), ("long", months + more))
    ]
    short, long = (Bank.open(folder) for folder in made)
    end = (np.datetime64("2023-01") + months).astype("datetime64[D]") - 1
    seen = long.as_of(str(end))
    for table in set(seen.tables) | set(short.tables):
        known, whole = (
            sorted(view.table(table).fetchall(), key=repr) if table in view.tables else [] for view in (seen, short)
        )
        assert known == whole, table


def test_every_month_end_balance_is_the_balance_before_plus_the_bookings(query) -> None:
    wrong = query(
        """
        with booked as (select account_id, last_day(booked_on) as balance_on, sum(amount) as amount
                        from transactions group by all),
             month_end as (select *, coalesce(lag(balance_amount) over account, 0) as before from balances
                           window account as (partition by account_id order by balance_on))
        select * from month_end left join booked using (account_id, balance_on)
        where balance_on > date '2022-12-31' and balance_amount <> before + coalesce(amount, 0)
        """,
    )
    assert wrong == []


def test_an_account_closes_with_nothing_on_it(query) -> None:
    closed, rest = query(
        """
        with opening as (select account_id, balance_amount as amount from balances where balance_on = date '2022-12-31')
        select count(*), count(*) filter (total <> 0) from accounts join (
            select account_id, sum(amount) as total
            from (select account_id, amount from transactions union all from opening) group by all) using (account_id)
        where closed_on is not null
        """,
    )[0]
    assert closed > 20
    assert rest == 0


def test_every_refusal_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(CrmlabError) as refusal:
        simulate(tmp_path, customers=0, months=601, seed=-1)
    assert refusal.value.problems == (
        "customers: 0 is below 1. Give the number of customers on the first day.",
        "months: 601 is outside 1 to 600. Give the number of months from January 2023 on.",
        "seed: -1 is below 0. Give 0 or more.",
        f"out: {tmp_path} holds files that crmlab simulate did not write. Choose another folder, or add --force.",
    )


def test_the_clean_bank_raises_no_alarm(bank: Path) -> None:
    report, _ = inspect(bank)
    assert report.violations == ()
    assert sum(aside for _, aside in report.rows.values()) == 0
    on_a_day = Bank.open(bank).check("2023-08-15").violations
    assert {violation.severity for violation in on_a_day} == {"info"}  # only how many rows become known later


def test_no_booking_before_its_account_opens(query, bank: Path, tmp_path: Path) -> None:
    # customer 925 of seed 1 once got money six days before their current account opened
    larger = simulate(tmp_path / "bank", customers=1000, months=10, seed=1).folder
    for folder in (bank, larger):
        early, late = query(
            """
            select count(*) filter (least(booked_on, occurred_at::date) < opened_on),
                   count(*) filter (booked_on > closed_on)
            from transactions join accounts using (account_id)
            """,
            folder,
        )[0]
        assert (early, late) == (0, 0)


def test_a_second_person_is_known_when_the_account_opens(query) -> None:
    shared, unknown = query(
        """
        select count(*), count(*) filter (c.joined_on > a.opened_on)
        from accounts a join customers c on c.customer_id = a.authorised_customer_id
        """,
    )[0]
    assert shared > 10
    assert unknown == 0


def test_an_interrupted_simulation_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "bank", customers=10, months=1, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_simulation_left_is_removed_a_day_later(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".bank.partial-1", tmp_path / ".bank.partial-2"
    for folder in (old, fresh):
        (folder / "transactions").mkdir(parents=True)
    os.utime(old, (time.time() - 90_000,) * 2)
    simulate(tmp_path / "bank", customers=1, months=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".bank.partial-2", "bank"]
