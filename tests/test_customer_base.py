"""The customer base: hand-counted banks, planted defects, and a clean bank without an alarm."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlab import customer_base as base
from crmlab.bank import Bank
from crmlab.bank.adapters import import_bank
from crmlab.bank.report import Report, Violation
from crmlab.bank.writing import write_table
from crmlab.snapshots import snapshot


def _bank(folder, **tables) -> Bank:
    for name, rows in tables.items():
        write_table(folder, name, pd.DataFrame(rows))
    return Bank.open(folder)


def _customers(**columns):
    n = len(next(iter(columns.values())))
    return {"customer_id": [f"c{i}" for i in range(n)], **columns}


@pytest.fixture
def tiny(tmp_path):
    """Four customers: two of 2023, one who joined in February 2024 and one who left in March 2024."""
    return _bank(
        tmp_path,
        customers=_customers(
            joined_on=pd.to_datetime(["2023-01-10", "2023-01-20", "2024-02-05", "2023-03-01"]),
            left_on=pd.to_datetime([None, None, None, "2024-03-15"]),
        ),
        products={"product_id": ["cur", "sav"], "product_name": ["a", "b"], "family": ["current", "savings"]},
        accounts={
            "account_id": ["a0", "a1", "a2", "a3", "b0"],
            "customer_id": ["c0", "c1", "c2", "c3", "c0"],
            "product_id": ["cur", "cur", "cur", "cur", "sav"],
            "opened_on": pd.to_datetime(["2023-01-10", "2023-01-20", "2024-02-05", "2023-03-01", "2023-06-01"]),
            "closed_on": pd.to_datetime([None, None, None, "2024-03-15", None]),
        },
        transactions={
            "transaction_id": ["1", "2", "3", "4", "5"],
            "account_id": ["a0", "a0", "a1", "a2", "a3"],
            "occurred_at": pd.to_datetime(["2023-02-01", "2024-03-31", "2024-01-15", "2024-03-03", "2024-03-04"]),
            "booked_on": pd.to_datetime(["2023-02-01", "2024-03-31", "2024-01-15", "2024-03-03", "2024-03-04"]),
            "amount": [-10.0, -20.0, -30.0, 100.0, -5.0],
            "kind": ["card_payment", "card_payment", "transfer_out", "salary", "cash_out"],
            "channel": ["card", "card", "mobile", "automatic", "atm"],
            "is_customer_initiated": [True, True, True, False, True],
        },
    ).as_of("2024-03-31")


def test_joining_and_leaving_by_hand(tiny):
    found = base.movement(tiny, months=3)
    assert found.frame[["joined_count", "left_count", "start_count"]].values.tolist() == [
        [0, 0, 3],
        [1, 0, 3],
        [0, 1, 4],
    ]
    assert found["left_share"].value == pytest.approx(1 / 3)
    assert found.title == "The base stood still: 1 joined, 1 left"
    year = base.movement(tiny, months=24)
    assert len(year.frame) == 15  # from the bank's first month on
    assert year.title == "The base stood still: 1 joined, 1 left in a year"


def test_without_leaving_dates_leavers_are_unknown_not_zero(tmp_path):
    bank = _bank(tmp_path, customers=_customers(joined_on=pd.to_datetime(["2023-01-01", "2024-01-31"])))
    found = base.movement(bank.as_of(""), months=2)
    assert found.frame["left_count"].isna().all()
    assert "left_share" not in found.estimates
    assert found.reading.endswith("Who left is not recorded.")


def test_active_by_hand(tiny):
    found = base.active_by_month(tiny, months=2, window=1).frame
    # February: owners c0, c1, c2, c3, nobody acted; March: c3 has left, c0 acted, a salary is not activity
    assert found[["active_count", "n"]].values.tolist() == [[0, 4], [1, 3]]
    quarter = base.active_by_month(tiny, months=1, window=3)
    assert quarter.frame[["active_count", "n"]].values.tolist() == [[2, 3]]
    assert quarter["active_share"].value == pytest.approx(2 / 3)


def test_channels_by_hand(tiny):
    found = base.channel_shares(tiny, months=3)
    # January: one mobile; March: one card, one atm; the salary is automatic
    march = found.frame[found.frame["month"] == "2024-03-01"].set_index("channel")["share"].to_dict()
    assert march == {"card": 0.5, "atm": 0.5}
    assert found["digital_share"].value == pytest.approx(1 / 3)


def test_holdings_by_hand(tiny):
    seen = snapshot(tiny)
    # three customers hold a current account, one of them savings; ten such banks, and nine
    found = base.family_shares(pd.concat([seen] * 10))
    assert found.frame.set_index("family")["customers_count"].to_dict() == {"current": 30, "savings": 10}
    found = base.family_shares(pd.concat([seen] * 9))
    assert found.frame.set_index("family")["customers_count"].to_dict() == {"current": 27}
    assert found.reading.endswith("hold a product of family current. Fewer than 10 customers hold savings.")
    assert base.family_shares(seen).reading == "Fewer than 10 customers hold current, savings."
    held = base.products_held(seen)
    assert held.frame["customers_count"].tolist() == [0, 2, 1, 0, 0, 0]
    assert held["products_mean"].value == pytest.approx(4 / 3)


def test_ages_and_tenure_by_hand():
    seen = pd.DataFrame(
        {
            "age_years": [17.0, 18.0, 64.0, 65.0, np.nan, 30.0],
            "gender": ["female", "male", "female", "female", "male", "other"],
            "tenure_days": [10.0, 364.0, 366.0, 800.0, 4000.0, 2000.0],
        }
    )
    ages = base.age_profile(seen)
    women = ages.frame[ages.frame["gender"] == "women"].set_index("band")["customers_count"]
    assert women[["under 18", "18 to 24", "55 to 64", "65 to 74"]].tolist() == [1, 0, 1, 1]
    assert ages.frame["share"].sum() == pytest.approx(1)
    assert ages["over_65_share"].value == pytest.approx(1 / 5)
    assert ages.reading.endswith("Age or gender of 2 customers is not known.")
    tenure = base.tenure_profile(seen)
    assert tenure.frame["customers_count"].tolist() == [2, 1, 1, 0, 1, 1]
    assert tenure["new_share"].value == pytest.approx(1 / 3)


def test_groups_are_the_largest_and_the_rest():
    seen = pd.DataFrame({"region": ["a"] * 4 + ["b"] * 3 + ["c", "d", None]})
    found = base.group_shares(seen, ["region", "absent"], top=2).frame
    assert found[["group", "customers_count", "n"]].values.tolist() == [["a", 4, 9], ["b", 3, 9], ["all others", 2, 9]]


def test_a_silent_table_is_told(tmp_path):
    days = pd.date_range("2023-01-01", "2024-01-31", freq="D")
    bank = _bank(
        tmp_path,
        customers=_customers(joined_on=pd.to_datetime(["2023-01-01"] * 2)),
        products={"product_id": ["cur"], "product_name": ["a"], "family": ["current"]},
        accounts={"account_id": ["a"], "customer_id": ["c0"], "product_id": ["cur"], "opened_on": [days[0]]},
        transactions={
            "transaction_id": [str(i) for i in range(len(days) - 20)],
            "account_id": "a",
            "occurred_at": days[:-20],
            "booked_on": days[:-20],
            "amount": -1.0,
            "kind": "card_payment",
            "is_customer_initiated": True,
        },
    )
    write_table(tmp_path, "interactions", pd.DataFrame({
        "interaction_id": [str(i) for i in range(len(days))], "customer_id": "c0", "opened_at": days, "kind": "service",
    }))  # fmt: skip
    found = base.coverage(Bank.open(tmp_path).as_of("2024-01-31")).frame.set_index("table")
    assert found["is_stale"].to_dict() == {
        "customers": False, "products": False, "accounts": False, "transactions": True, "interactions": False,
    }  # fmt: skip
    assert found.loc["transactions", ["longest_pause_days", "silent_days"]].tolist() == [1.0, 20.0]
    assert bank.as_of("2024-01-10").date.isoformat() == "2024-01-10"
    assert not base.coverage(bank.as_of("2024-01-10")).frame["is_stale"].any()


def test_missing_counts_only_where_a_column_applies(tmp_path):
    bank = _bank(
        tmp_path,
        customers=_customers(joined_on=pd.to_datetime(["2023-01-01"] * 4), region=["a", None, None, "b"]),
        products={"product_id": ["cur", "dep"], "product_name": ["a", "b"], "family": ["current", "term_deposit"]},
        accounts={
            "account_id": list("abcd"),
            "customer_id": ["c0", "c1", "c2", "c3"],
            "product_id": ["cur", "cur", "dep", "dep"],
            "opened_on": pd.to_datetime(["2023-01-01"] * 4),
            "closed_on": pd.to_datetime([None, None, None, "2023-02-01"]),
            "matures_on": pd.to_datetime([None, None, "2024-01-01", None]),
        },
    )
    found = base.missing(bank).frame.set_index(["table", "column"])
    assert found["missing_share"].to_dict() == {("accounts", "matures_on"): 0.5, ("customers", "region"): 0.5}
    assert found["rows_count"].to_dict() == {("accounts", "matures_on"): 2, ("customers", "region"): 4}


def _people(n, seed=0):
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "joined_on": pd.Timestamp("2020-01-01"),
            "birth_on": pd.Timestamp("1950-01-01") + pd.to_timedelta(generator.integers(0, 18_000, n), unit="D"),
            "gender": generator.choice(["female", "male"], n),
            "district": generator.choice(list("abcdef"), n),
        }
    )


def test_planted_twins_are_found_and_chance_is_not(tmp_path):
    people = _people(2_000)
    write_table(tmp_path / "clean", "customers", people)
    clean = base.duplicates(Bank.open(tmp_path / "clean"))
    assert not clean.frame["is_alarm"].any()
    # 2,000 x 1,999 / 2 pairs, 1 / 18,000 with equal birth date, 1 / 12 with equal gender and district: about 9
    assert clean.frame["by_chance_count"].iloc[-1] == pytest.approx(9.25, rel=0.2)
    twice = people.head(20).assign(customer_id=[f"d{i}" for i in range(20)])
    write_table(tmp_path / "twice", "customers", pd.concat([people, twice], ignore_index=True))
    planted = base.duplicates(Bank.open(tmp_path / "twice"))
    assert planted.frame["is_alarm"].tolist() == [True]
    assert planted.reading.endswith("(more than chance explains).")


def test_equal_rows_are_counted(tmp_path, tiny):
    rows = tiny.frame("transactions")
    again = pd.concat([rows, rows.tail(2).assign(transaction_id=["8", "9"])], ignore_index=True)
    for name in ("customers", "products", "accounts"):
        write_table(tmp_path / "b", name, tiny.frame(name))
    write_table(tmp_path / "b", "transactions", again)
    found = base.duplicates(Bank.open(tmp_path / "b")).frame.set_index("what")
    assert found.loc["transactions: rows equal but for the key", "found_count"] == 2


def test_joiners_of_another_kind_raise_an_alarm(tmp_path):
    people = _people(600).assign(joined_on=[pd.Timestamp("2023-06-01")] * 300 + [pd.Timestamp("2024-06-01")] * 300)
    write_table(tmp_path / "same", "customers", people)
    assert not base.joiners_changed(Bank.open(tmp_path / "same").as_of("2024-06-01")).frame["is_alarm"].any()
    changed = people.assign(gender=["female"] * 150 + ["male"] * 150 + ["female"] * 270 + ["male"] * 30)
    write_table(tmp_path / "other", "customers", changed)
    found = base.joiners_changed(Bank.open(tmp_path / "other").as_of("2024-06-01"))
    assert found.frame.loc[found.frame["is_alarm"], "fact"].tolist() == ["gender"]
    assert "they differ in gender by more than chance" in found.reading


@pytest.fixture(scope="module")
def clean(small_bank):
    return Bank.open(small_bank).as_of("")


def test_the_clean_bank_raises_no_alarm(clean):
    told, alarms = base.trust(base.check(clean))
    assert told == "The data raise no alarm. No row was set aside at the door."
    assert alarms.value == 0


def test_planted_drift_is_found_in_its_month(clean, tmp_path):
    for name in clean.tables:
        rows = clean.frame(name)
        if name == "transactions":
            late = rows["booked_on"] >= "2024-03-01"
            rows = rows.assign(amount=rows["amount"].where(~late, rows["amount"] * 100))
        write_table(tmp_path, name, rows)
    found = base.drift(Bank.open(tmp_path).as_of(""))
    odd = found.frame[found.frame["is_alarm"]]
    assert odd[["series", "month"]].values.tolist() == [["Median transaction", pd.Timestamp("2024-03-01")]]
    assert found.reading.endswith("Median transaction in March 2024.")


def test_a_lost_month_is_a_hole_and_an_alarm(clean, tmp_path):
    for name in clean.tables:
        rows = clean.frame(name)
        if name == "interactions":
            rows = rows[rows["opened_at"].dt.to_period("M") != "2023-09"]
        write_table(tmp_path, name, rows)
    found = base.months_covered(Bank.open(tmp_path).as_of(""))
    assert found.reading == "Months without any row: interactions (1)."
    assert found["holes_count"].value == 1


def test_numbers_agree_with_plain_sql(clean):
    seen = snapshot(clean)
    day = clean.date
    there = f"joined_on <= '{day}' and (left_on is null or left_on > '{day}')"
    assert base.customers(seen).value == clean.sql(f"select count(*) from customers where {there}").fetchall()[0][0]
    moved = base.movement(clean, months=12)
    left = clean.sql(f"select count(*) from customers where left_on > date '{day}' - interval 1 year").fetchall()[0][0]
    assert moved.frame["left_count"].sum() == left
    savers = clean.sql(
        "select count(distinct customer_id) from accounts join products using (product_id)"
        " join customers using (customer_id)"
        f" where family = 'savings' and closed_on is null and {there}"
    ).fetchall()[0][0]
    families = base.family_shares(seen).frame.set_index("family")["customers_count"]
    assert families["savings"] == savers


def test_nothing_after_the_day_matters(clean, small_bank):
    early = clean.last_on.replace(year=2024, month=3, day=31)
    now = base.movement(Bank.open(small_bank).as_of(early), months=6).frame
    later = base.movement(clean, months=9).frame.head(6)
    columns = ["month", "joined_count", "left_count", "start_count"]
    pd.testing.assert_frame_equal(now[columns], later[columns])


def test_what_the_door_did_is_told():
    violations = (
        Violation("transactions", "amount", "not a number", 3, "", "", fate="row set aside"),
        Violation("customers", "gender", "unknown word", 2, "", "", fate="cell emptied"),
        Violation("customers", "region", "spreadsheet formula", 1, "", "", severity="warning"),
    )
    found = base.set_aside(Report("bank", violations, {"transactions": (100, 3), "customers": (50, 0)}))
    assert found.reading == "3 rows were set aside at the door (2.0 % of 150 read), and 2 cells were emptied."
    assert found.frame["rows_count"].tolist() == [3, 2, 1]
    assert found["broken_count"].value == 2


def test_a_broken_rule_is_an_alarm(small_bank):
    bank = Bank.open(small_bank).as_of("")
    broken = Violation(
        "transactions", "amount", "not a number", 3, "3 rows hold text", "Mend it.", fate="row set aside"
    )
    bank._facts = replace(bank._facts, report=Report("bank", (broken,), {"transactions": (100, 3)}))
    checks = base.check(bank)
    told, alarms = base.trust(checks)
    assert told == (
        "The data raise 1 alarm in transactions: 1 broken rule. 3 rows were set aside at the door (3.0 % of 100 read)."
    )
    assert alarms.value == 1
    assert checks.frame.values.tolist() == [
        ["broken rule", "transactions.amount", "3 rows hold text", "Mend it.", "error"]
    ]
    assert base.mend_first(checks).frame[["alarm", "where"]].values.tolist() == [["broken rule", "transactions"]]


def test_a_headline_says_only_what_is_known():
    seen = pd.DataFrame({"as_of": pd.to_datetime(["2020-12-31"] * 3), "tenure_days": [10.0, 500.0, 900.0]})
    told = base.headline(
        SimpleNamespace(date=None), seen, tenure=base.tenure_profile(seen), moved=None, active=None, held=None
    )
    assert told == "3 customers on 2020-12-31: 33.3 % joined within a year."


def test_berka_has_a_couple_twice(real_data, tmp_path):
    """Customers 2 and 3 come again as 9173 and 9174, with another account opened on the same day."""
    import_bank("berka", real_data / "berka", tmp_path / "berka")
    bank = Bank.open(tmp_path / "berka").as_of("1994-02-28")
    found = base.duplicates(bank).frame.iloc[-1]
    assert (found["found_count"], found["is_alarm"]) == (4, True)
    assert found["by_chance_count"] == pytest.approx(0.5, abs=0.1)
    couple = bank.sql("select birth_on from customers where customer_id in ('2', '9173')").fetchall()
    assert len(set(couple)) == 1
    drifted = base.drift(bank)
    assert (
        "Transactions per 1,000 customers in February 1994" in drifted.reading
    )  # January's cash withdrawals are fourfold


def test_one_first_day_for_everybody_says_nothing_of_tenure():
    seen = pd.DataFrame({"as_of": pd.to_datetime(["2020-12-31"] * 3), "tenure_days": [0.0, 0.0, 0.0]})
    tenure = base.tenure_profile(seen)
    assert len(tenure.frame) == 0
    assert tenure.estimates == {}
    said = base.headline(SimpleNamespace(date=None), seen, tenure=tenure, moved=None, active=None, held=None)
    assert said == (
        "3 customers on 2020-12-31. "
        "All customers have the same first day, so how long they have been here is not known."
    )
