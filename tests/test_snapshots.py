"""Snapshots counted by hand."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank, write_bank
from crmlab.bank.tables import CONTRACT
from crmlab.errors import CrmlabError
from crmlab.snapshots import FEATURES, feature_dictionary, snapshot, snapshot_sql
from crmlab.snapshots.dictionary import README, feature_readme

day = pd.Timestamp


def _bank(folder, tables) -> Bank:
    facts = {"name": "Tiny", "currency": "EUR", "timezone": "Europe/Prague", "extracted_on": "2024-06-30"}
    return Bank.open(write_bank(folder, tables, **facts))


def _frame(columns: str, *rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


def _tables() -> dict[str, pd.DataFrame]:
    """Ada has everything, Bob only an account, Cy nothing at all; Dora joins in June."""
    return {
        "customers": _frame(
            "customer_id joined_on left_on birth_on gender risk_tolerance risk_assessed_on income_amount"
            " is_sms_allowed",
            ("ada", day("2023-01-10"), None, day("1980-02-29"), "female", "C2", day("2024-01-31"), 2500.55, True),
            (
                "bob",
                day("2023-06-01"),
                day("2024-05-31"),
                day("1990-06-15"),
                "male",
                "C5",
                day("2024-02-01"),
                None,
                None,
            ),
            ("cy", day("2024-01-31"), None, None, None, None, None, 0.0, False),
            ("dora", day("2024-06-01"), None, day("2001-01-01"), "female", None, None, None, True),
        ),
        "products": _frame(
            "product_id family margin_share fee_amount",
            ("CUR", "current", 0.012, 1.0),
            ("SAV", "savings", 0.006, None),
            ("LOAN", "loan", 0.03, None),
        ),
        "accounts": _frame(
            "account_id customer_id product_id authorised_customer_id opened_on closed_on limit_amount",
            ("A1", "ada", "CUR", "bob", day("2023-01-10"), None, None),
            ("A2", "ada", "SAV", None, day("2023-03-01"), None, None),
            ("A3", "ada", "LOAN", None, day("2023-05-31"), day("2024-01-31"), 1000.0),
            ("A4", "bob", "CUR", None, day("2024-01-31"), None, None),
        ),
        "balances": _frame(
            "account_id balance_on balance_amount",
            ("A1", day("2023-10-31"), 100.0),
            ("A1", day("2023-11-30"), 200.0),
            ("A1", day("2023-12-31"), -50.0),
            ("A1", day("2024-01-31"), 300.0),
            ("A2", day("2023-10-31"), 1000.0),
            ("A2", day("2023-11-30"), 1000.0),
            ("A2", day("2023-12-31"), 1000.0),
            ("A2", day("2024-01-31"), 1000.0),
            ("A3", day("2023-12-31"), -400.0),
            ("A4", day("2024-01-31"), 7.77),
        ),
        "transactions": _frame(
            "transaction_id account_id occurred_at booked_on amount kind channel is_customer_initiated",
            ("T1", "A1", day("2023-01-31 09:00"), day("2023-01-31"), 11.0, "cash_in", "branch", True),  # 13th month
            ("T2", "A1", day("2023-02-01 09:00"), day("2023-02-01"), 12.0, "cash_in", "branch", True),  # 12th month
            ("T3", "A1", day("2023-10-15 09:00"), day("2023-10-15"), 2000.0, "salary", "automatic", False),
            ("T4", "A1", day("2023-11-15 09:00"), day("2023-11-15"), 2000.0, "salary", "automatic", False),
            ("T5", "A1", day("2023-12-15 09:00"), day("2023-12-15"), 2200.0, "salary", "automatic", False),
            ("T6", "A2", day("2024-01-16 09:00"), day("2024-01-16"), -30.5, "card_payment", "card", True),
            ("T7", "A1", day("2024-01-31 23:00"), day("2024-02-01"), -500.0, "cash_out", "atm", True),  # known later
            ("T8", "A1", day("2024-01-20 09:00"), day("2024-01-20"), -4.25, "fee", None, False),
            ("T9", "A1", day("2024-01-25 09:00"), day("2024-01-25"), -9.5, "transfer_out", "mobile", True),
        ),
        "interactions": _frame(
            "interaction_id customer_id opened_at kind resolved_at waiting_minutes",
            ("I1", "ada", day("2024-01-31 23:59:59"), "complaint", day("2024-02-03 10:00"), 2.5),
            ("I2", "ada", day("2023-11-30 00:00"), "complaint", day("2023-12-01 00:00"), 1.0),
            ("I3", "ada", day("2024-01-02 08:00"), "enquiry", None, None),
            ("I4", "bob", day("2024-02-01 00:00"), "complaint", None, None),
        ),
        "digital_events": _frame(
            "event_id customer_id occurred_at kind channel",
            ("E1", "ada", day("2024-01-31 23:59:59"), "login", "mobile"),
            ("E2", "ada", day("2024-01-01 00:00"), "login", "online"),
            ("E3", "ada", day("2023-10-01 00:00"), "login", "online"),
            ("E4", "bob", day("2024-01-30 00:00"), "failed_login", "online"),
            ("E5", "ada", day("2024-02-01 00:00"), "login", "mobile"),
        ),
    }


@pytest.fixture
def tables() -> dict[str, pd.DataFrame]:
    return _tables()


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Bank:
    return _bank(tmp_path_factory.mktemp("tiny") / "bank", _tables())


def _values(frame: pd.DataFrame, customer: str, *names: str) -> list:
    return [None if pd.isna(value) else value for value in frame.loc[customer, list(names)]]


def test_who_is_in(bank):
    assert list(snapshot(bank, "2024-01-30").index) == ["ada", "bob"]  # cy joins the day after
    assert list(snapshot(bank, "2024-01-31").index) == ["ada", "bob", "cy"]
    assert list(snapshot(bank, "2024-05-30").index) == ["ada", "bob", "cy"]
    assert list(snapshot(bank, "2024-05-31").index) == ["ada", "cy"]  # bob left that day


def test_profile(bank):
    frame = snapshot(bank, "2024-02-28")
    names = ["age_years", "tenure_days", "gender", "risk_tolerance", "income_amount", "is_sms_allowed"]
    # Born on a leap day: 44 on 29 February, not on the 28th. 2023-01-10 to 2024-02-28: 365 + 49 days.
    assert _values(frame, "ada", *names) == [43, 414, "female", "C2", 2500.55, True]
    assert _values(frame, "bob", *names) == [33, 272, "male", "C5", None, False]
    assert _values(frame, "cy", *names) == [None, 28, None, None, 0.0, False]
    assert snapshot(bank, "2024-02-29").loc["ada", "age_years"] == 44
    # bob's questionnaire was on 1 February
    assert _values(snapshot(bank, "2024-01-31"), "bob", "risk_tolerance") == [None]


def test_holdings(bank):
    names = ["accounts_count", "products_count", "families_count", "loan_count", "current_count"]
    names += [
        "authorised_accounts_count",
        "opened_12m_count",
        "closed_12m_count",
        "limit_amount",
        "newest_account_days",
    ]
    before = snapshot(bank, "2024-01-30")
    assert _values(before, "ada", *names) == [3, 3, 3, 1, 1, 0, 2, 0, 1000, 244]
    assert _values(before, "bob", *names) == [0, 0, 0, 0, 0, 1, 0, 0, 0, None]
    # A3 closes and A4 opens on the 31st: closed, and open.
    after = snapshot(bank, "2024-01-31")
    assert _values(after, "ada", *names) == [2, 2, 2, 0, 1, 0, 2, 1, 0, 245]
    assert _values(after, "bob", *names) == [1, 1, 1, 0, 1, 1, 1, 0, 0, 0]


def test_balances(bank):
    names = ["assets_amount", "debt_amount", "current_amount", "savings_amount", "loan_amount"]
    # 31 December: savings 1000; debt: overdraft 50 and loan 400.
    december = snapshot(bank, "2024-01-30")
    assert _values(december, "ada", *names) == [1000, 450, -50, 1000, 400]
    january = snapshot(bank, "2024-01-31")
    assert _values(january, "ada", *names) == [1300, 0, 300, 1000, 0]
    assert _values(january, "bob", *names) == [7.77, 0, 7.77, 0, 0]
    names = ["assets_mean_12m_amount", "assets_min_12m_amount", "assets_max_12m_amount", "assets_trend_12m_amount"]
    # Assets 1100, 1200, 1000, 1300: mean 1150. Months -1.5, -.5, .5, 1.5 from their middle:
    # slope = (-1.5*1100 - .5*1200 + .5*1000 + 1.5*1300) / (2.25 + .25 + .25 + 2.25) = 200 / 5
    assert _values(january, "ada", *names, "assets_change_share") == [1150, 1000, 1300, 40, 200 / 1100]
    assert _values(january, "bob", *names, "assets_change_share") == [7.77, 7.77, 7.77, None, None]
    assert _values(january, "cy", "assets_amount", *names) == [0, None, None, None, None]
    # Absolute balances: A1 100+200+50+300 at .012/12, A2 4000 at .006/12, A3 400 at .03/12; A1 pays 1 in 4 months.
    assert january.loc["ada", "margin_12m_amount"] == pytest.approx(650 * 0.001 + 4000 * 0.0005 + 400 * 0.0025 + 4)
    # No month-end after January is known: the last one known serves.
    assert snapshot(bank, "2024-03-31").loc["ada", "assets_amount"] == 1300


def test_activity(bank):
    frame = snapshot(bank, "2024-01-31")
    names = [f"frequency_{months}m_count" for months in (1, 3, 6, 12)]
    # T6 and T9 in January, T2 in February 2023 is the 12th month, T1 the 13th; T7 is booked on 1 February.
    assert _values(frame, "ada", *names) == [2, 2, 2, 3]
    assert _values(frame, "ada", "monetary_1m_amount", "monetary_12m_amount") == [40, 52]
    assert _values(frame, "ada", "in_1m_amount", "in_3m_amount", "in_6m_amount", "in_12m_amount") == [
        0,
        4200,
        6200,
        6212,
    ]
    assert _values(frame, "ada", "out_3m_amount", "cash_12m_amount", "charges_12m_amount") == [44.25, 0, 4.25]
    assert _values(frame, "ada", "transactions_3m_count", "recency_days") == [5, 6]
    # Last 3 months 4200, the 3 before 2000; nothing went out before.
    assert _values(frame, "ada", "in_change_share", "out_change_share") == [2200 / 2000, None]
    assert _values(frame, "ada", "card_12m_share", "branch_12m_share", "mobile_12m_share") == [1 / 3] * 3
    assert _values(frame, "ada", "atm_12m_share") == [0]
    assert _values(frame, "bob", "frequency_12m_count", "in_12m_amount", "recency_days", "card_12m_share") == [
        0,
        0,
        None,
        None,
    ]
    later = snapshot(bank, "2024-02-01")
    assert _values(later, "ada", "cash_12m_amount", "recency_days") == [500, 0]


def test_a_month_may_end_mid_month(bank):
    # One month of 15 January: 16 December to 15 January. T6 is of the 16th.
    assert _values(snapshot(bank, "2024-01-15"), "ada", "frequency_1m_count", "in_1m_amount") == [0, 0]
    assert _values(snapshot(bank, "2024-01-15"), "ada", "in_3m_amount") == [4200]  # 16 October to 15 January
    assert _values(snapshot(bank, "2024-01-14"), "ada", "in_1m_amount", "in_3m_amount") == [2200, 6200]
    assert _values(snapshot(bank, "2024-01-16"), "ada", "frequency_1m_count") == [1]


def test_salary_by_kind(bank):
    names = ["is_salary_credited", "salary_source", "salary_amount", "salary_months_12m_count"]
    frame = snapshot(bank, "2024-01-31")
    # Credited in November and December, 2 of the last 3 months: (2000 + 2000 + 2200) / 3.
    assert _values(frame, "ada", *names) == [True, "kind", 6200 / 3, 3]
    assert _values(frame, "bob", *names) == [False, None, None, 0]
    # In February only December is left of the last 3 months.
    assert _values(snapshot(bank, "2024-02-29"), "ada", *names) == [False, None, None, 3]


@pytest.mark.parametrize(
    ("inflows", "expected"),
    [
        ([900, 950, 1000, 1000, 0, 1100], [True, "regular", 990.0, 5]),  # 4950 / 5
        ([900, 950, 1000, 1000, 0, 0], [False, None, None, 0]),  # 4 of 6 months
        ([700, 950, 1000, 1000, 900, 1100], [False, None, None, 0]),  # 1100 is over 1.5 times 700
    ],
)
def test_salary_by_rule(tmp_path, tables, inflows, expected):
    months = pd.date_range("2023-08-31", periods=6, freq="ME")
    rows = [
        (f"T{i}", "A1", month, month, float(amount), "transfer_in", None, False)
        for i, (month, amount) in enumerate(zip(months, inflows, strict=True))
        if amount
    ]
    tables["transactions"] = _frame(
        "transaction_id account_id occurred_at booked_on amount kind channel is_customer_initiated", *rows
    )
    frame = snapshot(_bank(tmp_path / "regular", tables), "2024-01-31")
    names = ["is_salary_credited", "salary_source", "salary_amount", "salary_months_12m_count"]
    assert _values(frame, "ada", *names) == expected


def test_contacts(bank):
    frame = snapshot(bank, "2024-01-31")
    names = ["interactions_1m_count", "interactions_12m_count", "complaints_1m_count", "complaints_3m_count"]
    assert _values(frame, "ada", *names) == [2, 3, 1, 2]
    # (2.5 + 1) / 2 minutes; I1 is settled on 3 February
    names = ["open_complaints_count", "complaint_recency_days", "waiting_mean_12m_minutes"]
    assert _values(frame, "ada", *names) == [1, 0, 1.75]
    assert _values(frame, "bob", *names) == [0, None, None]
    assert snapshot(bank, "2024-02-02").loc["ada", "open_complaints_count"] == 1
    assert snapshot(bank, "2024-02-03").loc["ada", "open_complaints_count"] == 0


def test_digital(bank):
    frame = snapshot(bank, "2024-01-31")
    names = ["logins_1m_count", "logins_3m_count", "logins_12m_count", "logins_change_share"]
    # 2 in the last 3 months, 1 in the 3 before
    assert _values(frame, "ada", *names) == [2, 2, 3, 1.0]
    assert _values(frame, "ada", "digital_recency_days", "mobile_logins_12m_share") == [0, 1 / 3]
    assert _values(frame, "bob", *names, "digital_recency_days") == [0, 0, 0, None, None]


def test_types_do_not_depend_on_the_rows(bank):
    frame = snapshot(bank, "2024-01-31")
    assert frame.index.name == "customer_id"
    assert frame.columns[0] == "as_of"
    assert frame["as_of"].dtype == "datetime64[us]"
    for feature in FEATURES:
        if feature.name in frame:
            assert str(frame[feature.name].dtype) == feature.dtype, feature.name


def test_many_dates_are_the_dates_one_by_one(bank):
    dates = ["2024-01-31", "2024-02-05", "2024-02-15", "2024-02-29", "2024-03-10"]
    many = snapshot(bank, dates)
    pd.testing.assert_frame_equal(many, pd.concat([snapshot(bank, date) for date in dates]))


def test_a_column_filled_only_later_is_not_there_yet(bank):
    # The first questionnaire is of 31 January: asked alone, the 15th cannot know that there will be one.
    assert "risk_tolerance" not in snapshot(bank, "2024-01-15")
    both = snapshot(bank, ["2024-01-15", "2024-01-31"])
    assert both["risk_tolerance"].isna().tolist() == [True, True, False, True, True]


def test_view_of_a_date_says_the_same(bank):
    for date in ("2024-01-15", "2024-01-31"):
        pd.testing.assert_frame_equal(snapshot(bank.as_of(date), date), snapshot(bank, date))
    with pytest.raises(CrmlabError) as error:
        snapshot(bank.as_of("2024-01-31"), ["2024-01-31", "2024-02-29"])
    assert str(error.value) == ("snapshot at 2024-02-29: this view of Tiny ends on 2024-01-31. Ask the bank itself.")


def test_empty_date_is_the_last_day(bank):
    assert snapshot(bank)["as_of"].unique() == [day(bank.last_on)]
    assert snapshot(bank.as_of("2024-01-31"))["as_of"].unique() == [day("2024-01-31")]


def test_features_can_be_chosen(bank):
    frame = snapshot(bank, "2024-01-31", features=["in_3m_amount", "age_years", "gender", "region", "credit_score"])
    assert list(frame.columns) == ["as_of", "age_years", "gender", "in_3m_amount"]
    assert frame.attrs["absent"] == {
        "region": "this bank has no customers.region",
        "credit_score": "only the snapshot table of a flat bank has it",
    }
    with pytest.raises(CrmlabError) as error:
        snapshot(bank, "2024-01-31", features=["in_3m_amont"])
    assert str(error.value) == (
        "snapshot has no feature 'in_3m_amont'. Did you mean 'in_3m_amount'? feature_dictionary() lists all."
    )


def test_bank_with_customers_only(tmp_path, tables):
    bank = _bank(tmp_path / "few", {"customers": tables["customers"]})
    frame = snapshot(bank, "2024-01-31")
    assert list(frame.columns) == [
        "as_of",
        "age_years",
        "gender",
        "income_amount",
        "tenure_days",
        "risk_tolerance",
        "is_sms_allowed",
    ]
    assert frame.attrs["absent"]["accounts_count"] == "this bank has no accounts"
    assert frame.attrs["absent"]["assets_amount"] == "this bank has no balances, no accounts, no products"


def test_amounts_without_any_balance_are_left_out_not_zero(tmp_path, tables):
    tables["balances"] = tables["balances"][tables["balances"]["account_id"] != "A3"]
    frame = snapshot(_bank(tmp_path / "no_loans", tables), "2024-01-30")
    assert "loan_amount" not in frame
    assert frame.attrs["absent"]["loan_amount"] == "this bank has accounts of family loan, but no balance of them"
    assert frame.attrs["absent"]["debt_amount"] == "this bank has accounts of family loan, but no balance of them"
    assert frame.loc["ada", "assets_amount"] == 1000
    # The loan is closed at the month end of January, so its missing balance says nothing.
    assert "loan_amount" in snapshot(_bank(tmp_path / "no_loans", tables), "2024-01-31")


def test_empty_tables_give_no_features(tmp_path, tables):
    full = snapshot(_bank(tmp_path / "full", tables), "2024-01-31")
    for table in ("balances", "transactions", "interactions", "digital_events"):
        tables[table] = tables[table].iloc[:0]
    frame = snapshot(_bank(tmp_path / "empty", tables), "2024-01-31")
    assert list(frame.columns) == list(full.columns[: list(full.columns).index("assets_amount")])
    assert frame.attrs["absent"]["in_3m_amount"].startswith("this bank has no transactions")


def test_one_customer_without_accounts(tmp_path, tables):
    alone = {"customers": tables["customers"].iloc[[2]]}
    frame = snapshot(_bank(tmp_path / "alone", alone), "2024-01-31")
    assert frame["tenure_days"].to_dict() == {"cy": 0.0}


def test_an_empty_date_of_a_known_bank(tmp_path, tables):
    """Nobody is a customer any more: no row, the same columns and types."""
    tables["customers"]["left_on"] = pd.to_datetime(tables["customers"]["joined_on"])
    frame = snapshot(_bank(tmp_path / "gone", tables), "2024-01-31")
    assert len(frame) == 0
    assert {str(frame[f.name].dtype) == f.dtype for f in FEATURES if f.name in frame} == {True}


def test_empty_population(bank):
    frame = snapshot(bank, "2023-01-10")
    assert list(frame.index) == ["ada"]
    assert frame.loc["ada", "accounts_count"] == 1  # opened that day


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        ("31.1.2024", "as_of '31.1.2024' is not a date. Write it as YYYY-MM-DD."),
        ([], "snapshot has no date: the list is empty. Give at least one date as YYYY-MM-DD."),
        (
            day("2024-01-31 12:00"),
            "as_of 2024-01-31 12:00:00 is not a date. Give a day without a time; the whole day counts.",
        ),
        (12, "as_of 12 is not a date. Write it as YYYY-MM-DD."),
    ],
)
def test_bad_dates_are_refused(bank, dates, message):
    with pytest.raises(CrmlabError) as error:
        snapshot(bank, dates)
    assert str(error.value) == message


def test_every_kind_of_date_is_read(bank):
    wanted = snapshot(bank, "2024-01-31", features=["accounts_count"])
    for date in (dt.date(2024, 1, 31), dt.datetime(2024, 1, 31), day("2024-01-31"), np.datetime64("2024-01-31")):
        pd.testing.assert_frame_equal(snapshot(bank, date, features=["accounts_count"]), wanted)
    index = pd.DatetimeIndex(["2024-01-31"])
    pd.testing.assert_frame_equal(snapshot(bank, index, features=["accounts_count"]), wanted)


def test_dictionary_is_written_from_the_definitions():
    assert README.read_text(encoding="utf-8") == feature_readme(), "run crmlab.snapshots.dictionary.write_readme()"
    assert feature_dictionary().index.is_unique
    assert (feature_dictionary()[["unit", "window", "about", "needs"]] != "").all(axis=None)


def test_dates_on_the_same_day_of_the_month_share_the_roll_up():
    statements = snapshot_sql(["2024-01-31", "2024-02-29", "2024-03-15", "2024-04-15"])
    made = [statement.creates for statement in statements if statement.creates]
    assert sorted(made) == sorted(
        ["crmlab_balances"]
        + [
            f"crmlab_{table}_{anchor}"
            for table in ("transactions", "interactions", "digital_events")
            for anchor in (15, 31)
        ]
    )
    assert [s.as_of for s in statements if s.as_of] == [
        dt.date(2024, 1, 31),
        dt.date(2024, 2, 29),
        dt.date(2024, 3, 15),
        dt.date(2024, 4, 15),
    ]


def test_a_feature_needs_no_more_than_it_says():
    """With exactly the columns of `needs`, each feature's SQL runs and gives its type."""
    types = {"count": "BIGINT", "days": "BIGINT", "years": "BIGINT", "flag": "BOOLEAN", "word": "VARCHAR"}
    for feature in FEATURES:
        columns: dict[str, list[str]] = {}
        for need in feature.needs:
            columns.setdefault(need.split(".")[0], []).append(need.split(".")[1])
        with duckdb.connect() as connection:
            for table, present in columns.items():
                fields = ", ".join(f"{name} {CONTRACT[table][name].engine_type}" for name in present)
                connection.execute(f"create table {table} ({fields})")
            statements = snapshot_sql("2024-02-15", columns, features=[feature.name])
            for statement in statements[:-1]:
                connection.execute(statement.sql)
            found = connection.sql(statements[-1].sql)
            names, kinds = found.columns, found.types
        assert names == ["customer_id", "as_of", feature.name]
        wanted = {types[feature.kind]} if feature.kind in types else {"BIGINT", "DOUBLE"}
        assert str(kinds[-1]) in wanted, feature.name


def test_balances_of_who_joined_later_do_not_tell_the_last_month_known(tmp_path):
    # late's balances lie before joining: on 31 January nobody knows them, so November is the last month-end known
    pd.DataFrame({"customer_id": ["old", "late"], "joined_on": ["2022-01-01", "2024-02-28"]}).to_csv(
        tmp_path / "customers.csv", index=False
    )
    pd.DataFrame({"product_id": ["P"], "family": ["current"]}).to_csv(tmp_path / "products.csv", index=False)
    pd.DataFrame({
        "account_id": ["A", "B"], "customer_id": ["old", "late"], "product_id": "P",
        "opened_on": ["2022-01-01", "2022-12-01"],
    }).to_csv(tmp_path / "accounts.csv", index=False)  # fmt: skip
    pd.DataFrame({
        "account_id": ["A", "B", "B"], "balance_on": ["2022-11-30", "2023-11-30", "2024-02-29"],
        "balance_amount": [100.0, 7.0, 7.0],
    }).to_csv(tmp_path / "balances.csv", index=False)  # fmt: skip
    bank = Bank.open(tmp_path)
    seen = snapshot(bank, "2024-01-31", ["assets_amount"])
    assert seen["assets_amount"].to_dict() == {"old": 100.0}
    pd.testing.assert_frame_equal(snapshot(bank.as_of("2024-01-31"), "2024-01-31", ["assets_amount"]), seen)
    assert snapshot(bank, "2024-02-29", ["assets_amount"])["assets_amount"].to_dict() == {"late": 7.0, "old": 0.0}
