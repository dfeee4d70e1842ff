"""What the bank knew on a day: nothing after the day may show, and nothing after the day may matter."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.bank import CONTRACT, Bank, write_bank
from crmlab.errors import CrmlabError

CUT = dt.date(2022, 6, 30)


def day(offset: int) -> pd.Timestamp:
    """Return the day that lies ``offset`` days after the cut."""
    return pd.Timestamp(CUT) + pd.Timedelta(days=offset)


def frame(table: str, rows: list[dict]) -> pd.DataFrame:
    columns = sorted({name for row in rows for name in row}, key=list(CONTRACT[table].by_name).index)
    return pd.DataFrame([{name: row.get(name) for name in columns} for row in rows])


def open_rows(folder: Path, rows: dict[str, list[dict]], *, stamped: bool = True) -> Bank:
    tables = {table: frame(table, listed) for table, listed in rows.items() if listed}
    write_bank(folder, tables, name="Test", extracted_on="2024-12-31")
    if not stamped:
        meta = folder / "bank.yml"
        meta.write_text(meta.read_text().partition("accepted:")[0])
    return Bank.open(folder)


def customer(number: int, joined: int, **more) -> dict:
    return {"customer_id": f"C{number}", "joined_on": day(joined), "left_on": None, "left_reason": None, **more}


def account(number: int, owner: int, opened: int, **more) -> dict:
    return {
        "account_id": f"A{number}",
        "customer_id": f"C{owner}",
        "product_id": "P1",
        "authorised_customer_id": None,
        "opened_on": day(opened),
        "closed_on": None,
        "close_reason": None,
        "matures_on": day(900),
        **more,
    }


PRODUCT = {"product_id": "P1", "family": "current"}


def seen(bank: Bank) -> dict[str, pd.DataFrame]:
    view = bank.as_of(CUT)
    return {name: view.frame(name).sort_values(list(CONTRACT[name].key)).reset_index(drop=True) for name in view.tables}


# --- examples by hand ---


def test_every_table_hides_by_its_own_date(tmp_path):
    bank = open_rows(
        tmp_path,
        {
            "customers": [customer(1, -900), customer(2, 1)],
            "products": [PRODUCT],
            "accounts": [account(1, 1, 0), account(2, 1, 1)],
            "market": [
                {"month_on": day(-30), "published_on": day(0), "confidence_index": 99.0},
                {"month_on": day(0), "published_on": day(9), "confidence_index": 98.0},
            ],
        },
    )
    view = bank.as_of("2022-06-30")
    assert view.frame("customers")["customer_id"].tolist() == ["C1"]
    assert view.frame("accounts")["account_id"].tolist() == ["A1"]
    assert view.frame("products")["product_id"].tolist() == ["P1"]
    # the month of June was over, but its figures were published on 9 July
    assert view.frame("market")["confidence_index"].tolist() == [99.0]
    # a planned date may lie ahead
    assert view.frame("accounts")["matures_on"].tolist() == [day(900)]
    assert (view.date, view.first_on, view.last_on) == (CUT, dt.date(2020, 1, 12), CUT)
    assert (bank.date, bank.last_on) == (None, dt.date(2022, 7, 1))


def test_cells_wait_for_their_event(tmp_path):
    known = {"left_on": day(0), "left_reason": "customer"}
    later = {"left_on": day(1), "left_reason": "fraud"}
    undated = {"left_on": None, "left_reason": "bank"}
    bank = open_rows(
        tmp_path,
        {
            "customers": [
                customer(1, -9, **known),
                customer(2, -9, **later),
                customer(3, -9, **undated),
                customer(4, 99),
            ]
        },
    )
    view = bank.as_of(CUT).frame("customers").set_index("customer_id")
    assert view["left_on"].tolist() == [day(0), pd.NaT, pd.NaT]
    assert view["left_reason"].fillna("").tolist() == ["customer", "", ""]
    assert bank.frame("customers")["left_reason"].fillna("").tolist() == ["customer", "fraud", "bank", ""]


def test_a_value_without_its_date_is_never_shown(tmp_path):
    rows = [{"customer_id": "C1", "joined_on": day(-9), "risk_tolerance": "C3"}]
    bank = open_rows(tmp_path, {"customers": rows}, stamped=False)
    assert bank.has("customers.risk_tolerance")
    assert not bank.as_of("").has("customers.risk_tolerance")
    assert [one.text for one in bank.report.violations if one.rule == "undated"] == [
        "customers.risk_tolerance: the source lacks risk_assessed_on, so nothing says since when risk_tolerance"
        " is known. As-of views show no value; map risk_assessed_on in bank.yml."
    ]


@pytest.mark.parametrize("stamped", [True, False])
def test_children_wait_for_their_parents(tmp_path, stamped):
    # A2 was opened before its owner C2 joined, and C2 joins after the day: neither A2 nor its bookings may show
    booking = {"kind": "other", "amount": 1.0, "is_customer_initiated": True}
    rows = {
        "customers": [customer(1, -99), customer(2, 9)],
        "products": [PRODUCT],
        "accounts": [account(1, 1, -99, authorised_customer_id="C2"), account(2, 2, -50)],
        "transactions": [
            {"transaction_id": f"T{n}", "account_id": f"A{n}", "occurred_at": day(-5), "booked_on": day(-5), **booking}
            for n in (1, 2)
        ],
    }
    bank = open_rows(tmp_path, rows, stamped=stamped)
    view = bank.as_of(CUT)
    assert view.frame("accounts")["account_id"].tolist() == ["A1"]
    assert view.frame("accounts")["authorised_customer_id"].isna().all()
    assert view.frame("transactions")["transaction_id"].tolist() == ["T1"]
    # when all are known, all are there
    assert len(bank.as_of(day(9).date()).frame("transactions")) == 2


def test_views_of_several_days_stand_side_by_side(tmp_path):
    bank = open_rows(tmp_path, {"customers": [customer(n, 10 * n) for n in range(5)]})
    views = [bank.as_of(day(offset).date()) for offset in (0, 15, 40)]
    assert [len(view.frame("customers")) for view in views] == [1, 2, 5]
    assert [view.sql("select count(*) from customers").fetchall()[0][0] for view in views] == [1, 2, 5]
    assert len(bank.frame("customers")) == 5
    # a view of a view is seen from the same bank and never beyond its own day
    assert len(views[1].as_of(day(5).date()).frame("customers")) == 1
    assert len(views[1].frame("customers")) == 2
    with pytest.raises(CrmlabError) as refusal:
        views[1].as_of(day(40).date())
    assert str(refusal.value) == (
        "as_of 2022-08-09 lies after the last day known. The rows span 2022-06-30 to 2022-07-15; choose a day in it."
    )


def test_a_plain_cursor_sees_no_table_rather_than_later_rows(tmp_path):
    view = open_rows(tmp_path, {"customers": [customer(1, 0), customer(2, 5)]}).as_of(CUT)
    assert view.cursor().execute("select count(*) from customers").fetchall() == [(1,)]
    with pytest.raises(Exception, match="customers does not exist"):
        view.connection.cursor().execute("select count(*) from customers")


def test_as_of_reads_dates_in_three_ways(tmp_path):
    bank = open_rows(tmp_path, {"customers": [customer(1, -5), customer(2, 0)]})
    assert bank.as_of("").date == bank.as_of(CUT).date == bank.as_of(pd.Timestamp(CUT)).date == CUT
    with pytest.raises(CrmlabError) as refusal:
        bank.as_of("30.06.2022")
    assert str(refusal.value) == "as_of '30.06.2022' is not a date. Write it as YYYY-MM-DD."


def test_last_day_leaves_the_market_out_and_ends_with_the_extract(tmp_path):
    market = [{"month_on": day(60), "published_on": day(70)}]
    bank = open_rows(tmp_path, {"customers": [customer(1, -5), customer(2, 0)], "market": market})
    assert bank.last_on == CUT


# --- properties ---

before = st.integers(-400, 0)
after = st.integers(1, 400)


@st.composite
def banks(draw):
    """Draw what is known by the cut, and two futures that may differ in every way."""
    n = draw(st.integers(1, 4))
    joined = [draw(before) for _ in range(n)]
    opened = [(owner, draw(before)) for owner in draw(st.lists(st.integers(0, n - 1), max_size=4))]
    left = [draw(st.one_of(st.none(), st.integers(offset, 0))) for offset in joined]
    closed = [draw(st.one_of(st.none(), st.integers(offset, 0))) for _, offset in opened]
    contacts = draw(st.lists(st.tuples(st.integers(0, n - 1), before), max_size=4))

    def future():
        def event(past):
            offset = past if past is not None else draw(st.one_of(st.none(), after))
            return None if offset is None else day(offset)

        rows = {
            "customers": [
                customer(k, joined[k], left_on=event(left[k]), left_reason=draw(st.sampled_from(["bank", "other"])))
                if left[k] is None
                else customer(k, joined[k], left_on=day(left[k]), left_reason="customer")
                for k in range(n)
            ],
            "products": [PRODUCT],
            "accounts": [
                account(k, owner, offset, closed_on=event(closed[k])) for k, (owner, offset) in enumerate(opened)
            ],
            "interactions": [
                {
                    "interaction_id": f"I{k}",
                    "customer_id": f"C{owner}",
                    "opened_at": day(offset) + pd.Timedelta(hours=23, minutes=59),
                    "kind": "service",
                    "resolved_at": draw(st.one_of(st.none(), after.map(lambda x: day(x)))),
                }
                for k, (owner, offset) in enumerate(contacts)
            ],
        }
        # rows of the future: new ones, and repetitions of keys that are known by the cut
        numbers = st.lists(st.tuples(st.integers(0, 12), after), max_size=4)
        rows["customers"] += [customer(number, offset) for number, offset in draw(numbers)]
        known = sorted({row["customer_id"] for row in rows["customers"]})
        for number, offset in draw(numbers):
            owner = int(draw(st.sampled_from(known))[1:])
            rows["accounts"].append(account(number, owner, offset))
            rows["interactions"].append(
                {
                    "interaction_id": f"I{number}",
                    "customer_id": f"C{owner}",
                    "opened_at": day(offset),
                    "kind": "complaint",
                    "resolved_at": None,
                }
            )
        for name in ("customers", "accounts", "interactions"):
            draw(st.randoms()).shuffle(rows[name])
        # both futures have the same tables and an end after the cut
        rows["customers"].append(customer(999, 500))
        rows["accounts"].append(account(999, 999, 500))
        rows["interactions"].append(
            {
                "interaction_id": "I999",
                "customer_id": "C999",
                "opened_at": day(500),
                "kind": "service",
                "resolved_at": day(501),
            }
        )
        return rows

    return future(), future()


@settings(max_examples=12, deadline=None)
@given(banks())
def test_nothing_after_the_day_matters(pair):
    with tempfile.TemporaryDirectory() as folder:
        views = [seen(open_rows(Path(folder) / str(k), rows, stamped=False)) for k, rows in enumerate(pair)]
    assert views[0].keys() == views[1].keys()
    for name in views[0]:
        pd.testing.assert_frame_equal(views[0][name], views[1][name])


@settings(max_examples=12, deadline=None)
@given(banks())
def test_nothing_after_the_day_shows(pair):
    with tempfile.TemporaryDirectory() as folder:
        view = seen(open_rows(Path(folder), pair[0], stamped=False))
    for name, found in view.items():
        for column in CONTRACT[name].columns:
            if column.name in found and column.kind in ("date", "time") and not column.future:
                dates = found[column.name].dropna()
                assert (dates < day(1)).all(), f"{name}.{column.name}"
    assert set(view["accounts"]["customer_id"]) <= set(view["customers"]["customer_id"])
    assert set(view["interactions"]["customer_id"]) <= set(view["customers"]["customer_id"])
