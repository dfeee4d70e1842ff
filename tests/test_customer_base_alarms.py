"""Detectors by hand: what each one finds, what it must not take for a defect, and how often it errs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmlab import customer_base as base
from crmlab.bank import Bank
from crmlab.bank.writing import write_table
from crmlab.customer_base.quality import _chance_of_none, _chance_of_pause
from crmlab.outreach.arms import _balance, arms


def _bank(folder, **tables) -> Bank:
    for name, columns in tables.items():
        write_table(folder, name, pd.DataFrame(columns))
    return Bank.open(folder)


def _customers(n: int, **more) -> dict:
    # the last one joins much later, so that the bank knows what happened in between
    joined = [pd.Timestamp("2020-01-01")] * (n - 1) + [pd.Timestamp("2024-01-01" if n > 1 else "2020-01-01")]
    return {"customer_id": [f"c{i}" for i in range(n)], "joined_on": joined, **more}


def test_a_cause_is_no_leak_and_an_overwritten_column_is(tmp_path):
    # 40 of 199 have left. Region A: 20 of the gone and 40 of the present, odds ratio (20 x 119) / (20 x 40) = 3.
    left = [pd.Timestamp("2023-06-30")] * 40 + [pd.NaT] * 160
    cause = ["A"] * 20 + ["B"] * 20 + ["A"] * 40 + ["B"] * 120
    archive = ["Archive"] * 38 + ["Centre"] * 2 + ["Centre"] * 160
    bank = _bank(tmp_path, customers=_customers(200, left_on=left, region=cause, branch=archive))
    found = base.leaks(bank.as_of(""))
    rows = found.frame.set_index(["column", "value"])
    assert rows.loc[("region", "A"), "odds_ratio"] == pytest.approx(20.5 * 119.5 / (20.5 * 40.5))
    assert rows.loc[("branch", "Archive"), ["gone_share", "present_share"]].tolist() == [0.95, 0.0]
    assert found.frame.loc[found.frame["is_alarm"], "column"].unique().tolist() == ["branch"]
    assert found.reading == (
        "branch knows who has left: 'Archive' in branch stands at 95.0 % of former and 0.0 % of present customers."
    )


def test_cells_emptied_at_leaving_are_a_leak_and_a_date_is_none(tmp_path):
    left = [pd.Timestamp("2023-06-30")] * 40 + [pd.NaT] * 160
    bank = _bank(
        tmp_path,
        customers=_customers(
            200,
            left_on=left,
            income_amount=[None] * 40 + [1000.0] * 150 + [None] * 10,
            risk_tolerance=[None] * 40 + ["C1"] * 160,  # it has a date of its own, so a view shows it rightly
            risk_assessed_on=[pd.NaT] * 40 + [pd.Timestamp("2021-01-01")] * 160,
        ),
    )
    found = base.leaks(bank.as_of("")).frame
    assert found.loc[found["is_alarm"], ["column", "value"]].values.tolist() == [["income_amount", "(empty)"]]


def test_without_leavers_a_leak_cannot_be_told(tmp_path):
    bank = _bank(tmp_path, customers=_customers(30, region=["A"] * 30))
    assert base.leaks(bank.as_of("")).reading == "Whether a column knows who has left cannot be told."


def _months(n: int) -> pd.DatetimeIndex:
    return pd.date_range("2022-01-31", periods=n, freq="ME")


def _bookings(amounts: dict[str, np.ndarray], channels: list[str] | None = None, rows: int = 40) -> dict:
    """Forty bookings a month and kind, at the month's typical amount or near it."""
    spread = np.linspace(0.8, 1.2, rows)
    frame = pd.concat(
        [
            pd.DataFrame({"occurred_at": day, "amount": -amount * spread * (1 + 0.02 * (-1) ** k), "kind": kind})
            for kind, typical in amounts.items()
            for k, (day, amount) in enumerate(zip(_months(len(typical)), typical, strict=True))
        ],
        ignore_index=True,
    )
    return {
        "transaction_id": [str(i) for i in range(len(frame))],
        "account_id": "a",
        "booked_on": frame["occurred_at"],
        "is_customer_initiated": True,
        "channel": channels or "card",
        **frame,
    }


def _with_account(folder, **tables) -> Bank:
    return _bank(
        folder,
        customers=_customers(1),
        products={"product_id": ["cur"], "product_name": ["a"], "family": ["current"]},
        accounts={"account_id": ["a"], "customer_id": ["c0"], "product_id": ["cur"], "opened_on": ["2020-01-01"]},
        **tables,
    )


def test_one_feed_in_cents_is_found_although_the_whole_table_hardly_moves(tmp_path):
    steady, late = np.full(18, 50.0), np.where(np.arange(18) >= 12, 2000.0, 20.0)
    bank = _with_account(tmp_path, transactions=_bookings({"card_payment": steady, "bill": steady, "fee": late}))
    found = base.units(bank.as_of("")).frame
    assert found[["table", "feed", "month"]].values.tolist() == [["transactions", "fee", pd.Timestamp("2023-01-01")]]
    assert found["factor"].iloc[0] == pytest.approx(100, rel=0.05)
    assert "Median transaction" not in base.drift(bank.as_of("")).reading


def test_a_price_that_doubles_is_no_unit(tmp_path):
    bank = _with_account(tmp_path, transactions=_bookings({"fee": np.where(np.arange(18) >= 12, 40.0, 20.0)}))
    assert not len(base.units(bank.as_of("")).frame)


def test_a_channel_coded_anew_is_found_and_a_few_rows_are_not(tmp_path):
    def shares(rows: int, before: int, after: int) -> list[str]:
        counts = [before + (number % 2) if number < 12 else after for number in range(18)]
        return [channel for n in counts for channel in ["mobile"] * n + ["card"] * (rows - n)]

    amounts = {"card_payment": np.full(18, 50.0)}
    many = _bookings(amounts, shares(200, 40, 4), rows=200)
    found = base.coding(_with_account(tmp_path / "many", transactions=many).as_of("")).frame
    assert found["month"].unique().tolist() == [pd.Timestamp("2023-01-01")]
    assert found["channel"].tolist() == ["card", "mobile"]
    # 3 or 4 of 20 rows, then none: chance does that
    few = _bookings(amounts, shares(20, 3, 0), rows=20)
    assert not len(base.coding(_with_account(tmp_path / "few", transactions=few).as_of("")).frame)


def test_who_came_back_is_no_look_alike(tmp_path):
    birth = pd.Timestamp("1950-01-01") + pd.to_timedelta(np.arange(0, 24_000, 80), unit="D")
    people = pd.DataFrame(_customers(300, birth_on=birth, gender="female", district=list("abcdefghij") * 30))
    again = people.head(9).assign(customer_id=[f"d{i}" for i in range(9)])
    linked = again.assign(previous_customer_id=people["customer_id"].head(9))
    for name, more in (("twice", again), ("back", linked)):
        write_table(tmp_path / name, "customers", pd.concat([people, more], ignore_index=True))
    assert base.duplicates(Bank.open(tmp_path / "twice")).frame["is_alarm"].tolist() == [True]
    back = base.duplicates(Bank.open(tmp_path / "back")).frame
    assert back[["found_count", "is_alarm"]].values.tolist() == [[0, False]]


def test_dummies_are_found_and_a_default_birth_date_and_a_town_are_not(tmp_path):
    birth = pd.Timestamp("1950-01-01") + pd.to_timedelta(np.arange(0, 24_000, 80), unit="D")
    people = pd.DataFrame(_customers(300, birth_on=birth, gender="female", district=list("abcdefghij") * 30))
    # 1 January 1900 stands for "not known" at a third of all: nobody is a dummy
    default = people.assign(birth_on=[pd.Timestamp("1900-01-01")] * 100 + list(birth[100:]))
    town = default.assign(district=default["district"].where(np.arange(300) % 30 > 0, "Test Valley"))
    write_table(tmp_path / "default", "customers", town)
    assert not base.dummy_customers(Bank.open(tmp_path / "default")).frame["is_alarm"].any()
    # eight with one birth date, all of the 37 in district a: 37 of 300 to the power of eight; and one who says test
    eight = people.assign(
        birth_on=[pd.Timestamp("1990-01-01")] * 8 + list(birth[8:]),
        district=["a"] * 8 + list(people["district"][8:]),
        occupation=[None] * 8 + ["test 1"] + [None] * 291,
    )
    write_table(tmp_path / "eight", "customers", eight)
    found = base.dummy_customers(Bank.open(tmp_path / "eight"))
    assert found["dummy_customers_count"].value == 9
    assert found.frame["is_alarm"].tolist() == [True, True]
    assert base.duplicates(Bank.open(tmp_path / "eight")).frame["found_count"].tolist() == [0]


def _campaign(folder, held: np.ndarray, birth: np.ndarray, planned: float = 0.25) -> Bank:
    n = len(held)
    return _bank(
        folder,
        customers=_customers(n, birth_on=birth, gender=(["female"] * 4 + ["male"] * 4) * (n // 8)),
        campaigns={
            "campaign_id": ["x"], "started_on": ["2022-01-01"], "is_randomised": [True], "holdout_share": [planned],
        },
        contacts={
            "contact_id": [f"k{i}" for i in range(n)], "campaign_id": "x", "customer_id": [f"c{i}" for i in range(n)],
            "assigned_at": pd.Timestamp("2022-01-03"), "arm": np.where(held, "holdout", "treatment"),
        },
    )  # fmt: skip


def test_a_split_off_the_plan_and_arms_of_other_ages_are_two_findings(tmp_path):
    birth = pd.Timestamp("1940-01-01") + pd.to_timedelta(np.arange(400) * 50, unit="D")
    drawn = np.arange(400) % 4 == 0
    fair = arms(_campaign(tmp_path / "fair", drawn, birth).as_of(""))
    assert fair.reading == "Arms of the planned sizes and of like customers in all campaigns drawn at random (1)."
    # half of the 100 held out: 50 of 400 where 100 are planned, ten standard deviations of a draw away
    young = drawn & (np.arange(400) >= 200)
    odd = arms(_campaign(tmp_path / "odd", young, birth).as_of("")).frame.iloc[0]
    assert (odd["holdout_share"], odd["planned_share"]) == (0.125, 0.25)
    assert odd["p_split"] < 1e-8
    assert odd["differs_most"].startswith("age (")
    # the right number of the wrong people
    oldest = arms(_campaign(tmp_path / "old", np.arange(400) < 100, birth).as_of("")).frame.iloc[0]
    assert oldest["p_split"] == 1.0
    assert oldest["p_balance"] < 1e-8
    assert oldest["is_alarm"]


def test_the_test_of_balance_keeps_its_error_rate():
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(400):
        rows = pd.DataFrame({
            "age": rng.gamma(2, 20, 80), "income": rng.lognormal(7, 0.6, 80), "region": rng.choice(list("abc"), 80),
        })  # fmt: skip
        rejected += _balance(rows, rng.permutation(80) < 20)[0] < 0.05
    assert rejected <= 33  # 20 expected of 400; 33 or fewer with a chance of 99.7 %


def _survey(folder, waves: dict[str, np.ndarray], items: int = 4) -> Bank:
    rng = np.random.default_rng(1)
    parts = [
        pd.DataFrame(
            {
                "response_id": [f"{wave} {i}" for i in range(len(scores))],
                "customer_id": "c0",
                "wave": wave,
                "answered_at": pd.Timestamp(f"{wave[-4:]}-06-01"),
                "item": f"item{item}",
                "score": rng.permutation(scores).astype(float),
            }
        )
        for wave, scores in waves.items()
        for item in range(items)
    ]
    return _bank(folder, customers=_customers(1), surveys=pd.concat(parts, ignore_index=True))


def test_a_wave_on_another_scale_is_named(tmp_path):
    usual = np.repeat(np.arange(11), [1, 1, 2, 3, 4, 8, 12, 20, 25, 15, 9])  # 0 to 10, 100 responses
    waves = {"yearly 2021": usual, "yearly 2022": usual, "yearly 2023": usual}
    assert not base.waves(_survey(tmp_path / "same", waves).as_of("")).frame["is_alarm"].any()
    better = waves | {"yearly 2023": np.minimum(usual + (np.arange(100) % 3 == 0), 10)}  # a third of a point: news
    assert not base.waves(_survey(tmp_path / "better", better).as_of("")).frame["is_alarm"].any()
    for name, scores in (("eleven", usual + 1), ("five", np.rint(1 + 0.4 * usual))):
        shifted = base.waves(_survey(tmp_path / name, waves | {"yearly 2022": scores}).as_of("")).frame
        assert shifted.loc[shifted["is_alarm"], "wave"].tolist() == ["yearly 2022"], name
    alone = base.waves(_survey(tmp_path / "alone", {"yearly 2022": usual + 1}).as_of(""), scale=(0, 10))
    assert alone.reading == "Wave yearly 2022: answers from 1 to 11, on the questionnaire from 0 to 10."


def test_a_pause_longer_than_all_others_is_rare_only_where_there_were_many():
    # after one pause the next is longer with chance 1/2; k times as long with 1 / (1 + k)
    assert _chance_of_pause(1, 1) == pytest.approx(1 / 2)
    assert _chance_of_pause(1, 3) == pytest.approx(1 / 4)
    assert _chance_of_pause(2, 1) == pytest.approx(1 / 3)  # the longest of three is the last
    assert _chance_of_pause(300, 1.5) < 0.001


def test_an_empty_month_is_expected_where_rows_come_in_waves():
    assert _chance_of_none(np.array([20.0, 25.0, 22.0, 18.0])) < 1e-6
    assert _chance_of_none(np.array([900.0, 40.0, 2.0, 700.0, 1.0])) > 0.01


def test_joiners_of_before_the_first_booking_are_not_compared(tmp_path):
    # those of 2021 are known only if they stayed until the books begin in 2022: 60 of another region
    joined = [pd.Timestamp("2021-06-01")] * 60 + list(pd.date_range("2022-02-01", "2023-06-01", periods=120))
    people = {"customer_id": [f"c{i}" for i in range(180)], "joined_on": joined, "region": ["X"] * 60 + ["Y", "Z"] * 60}
    bank = _bank(
        tmp_path,
        customers=people,
        products={"product_id": ["cur"], "product_name": ["a"], "family": ["current"]},
        accounts={"account_id": ["a"], "customer_id": ["c0"], "product_id": ["cur"], "opened_on": ["2021-06-01"]},
        transactions=_bookings({"fee": np.full(17, 2.0)}),
    )
    found = base.joiners_changed(bank.as_of("2023-05-31"))
    assert found.title == "Who joined, 8 months against 8"
    assert not found.frame["is_alarm"].any()
