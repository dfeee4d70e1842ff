from __future__ import annotations

import datetime as dt
import decimal
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.bank import CONTRACT, Bank, write_bank, write_table
from crmlab.bank.contract import KINDS, Column, Table
from crmlab.bank.dictionary import render
from crmlab.bank.door import inspect
from crmlab.errors import CrmlabError

ROOT = Path(__file__).parents[1]
TABLES = [
    "customers",
    "products",
    "accounts",
    "balances",
    "transactions",
    "interactions",
    "digital_events",
    "surveys",
    "measures",
    "campaigns",
    "contacts",
    "opportunities",
    "loyalty_points",
    "market",
    "snapshot",
]


def test_every_table_is_declared_once():
    assert list(CONTRACT) == TABLES


@pytest.mark.parametrize("table", CONTRACT.values(), ids=list(CONTRACT))
def test_names_carry_their_units(table):
    for column in table.columns:
        ending = {
            "date": ("_on",),
            "time": ("_at",),
            "money": ("amount",),
            "count": ("_count", "_months", "_days"),
            "share": ("_share",),
            "number": ("_minutes", "_seconds", "_years", "_days", "_index", "score", "weight"),
            "id": ("_id",),
        }.get(column.kind)
        if ending and column.name not in ("item",):
            assert column.name.endswith(ending), column.name
        # the suffix that to_frame turns into currency belongs to money alone
        assert column.name.endswith("amount") == (column.kind == "money")
        if column.kind == "flag":
            assert column.name.startswith("is_") or column.name == "churned"


@pytest.mark.parametrize("table", CONTRACT.values(), ids=list(CONTRACT))
def test_keys_and_dates_are_required(table):
    assert set(table.key) <= set(table.required)
    if table.known_on:
        assert table.known_on in table.required


@pytest.mark.parametrize("table", CONTRACT.values(), ids=list(CONTRACT))
def test_parents_come_before_their_children(table):
    # the door accepts parents first, so that rows of parents that were set aside are orphans
    for column in table.columns:
        if column.refers:
            assert TABLES.index(column.refers.split(".")[0]) < TABLES.index(table.name)


def test_a_contract_with_a_slip_is_refused():
    with pytest.raises(AssertionError, match="dates"):
        Column("x", "dates", "about")
    with pytest.raises(AssertionError, match="named twice"):
        Table("t", "about", ("x",), (Column("x", "id", "a"), Column("x", "id", "b")))
    with pytest.raises(AssertionError, match="opened_on"):
        Table("t", "about", ("x",), (Column("x", "id", "a"),), known_on="opened_on")


def test_the_dictionary_is_the_contract():
    kept = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert kept.startswith(render()), "run `python -m crmlab.bank.dictionary`"
    for table in CONTRACT.values():
        assert f"\n## {table.name}\n" in kept
        for column in table.columns:
            assert f"| `{column.name}` | {column.kind} | {'yes' if column.required else ''} | {column.about} |" in kept


# --- what is written comes back ---

_MONEY = st.decimals(-(10**12), 10**12, places=2, allow_nan=False)
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cn", "Co")), min_size=1, max_size=9
)
_DATE = st.dates(dt.date(1850, 1, 1), dt.date(2024, 12, 31))
_TIME = st.datetimes(dt.datetime(1850, 1, 1), dt.datetime(2024, 12, 31)).map(lambda time: time.replace(fold=0))


def _values(column: Column) -> st.SearchStrategy:
    low = -(10**6) if column.low is None else column.low
    high = max(low, 10**6) if column.high is None else column.high
    values = {
        "id": _TEXT,
        "text": _TEXT,
        "word": st.sampled_from(column.words or ("",)),
        "date": _DATE,
        "time": _TIME,
        "money": st.decimals(decimal.Decimal(low), decimal.Decimal(high), places=2),
        "count": st.integers(int(low), int(high)),
        "number": st.floats(low, high),
        "share": st.floats(low, high),
        "flag": st.booleans(),
    }[column.kind]
    return values if column.required else st.one_of(st.none(), values)


@st.composite
def _rows(draw, table: Table):
    rows = []
    for _ in range(draw(st.integers(1, 5))):
        row = {}
        for column in table.columns:
            # order of dates and references are other rules; here each cell stands for itself
            ordered = column.not_before or any(other.not_before == column.name for other in table.columns)
            row[column.name] = (
                (dt.datetime(2020, 1, 1) if column.kind == "time" else dt.date(2020, 1, 1))
                if ordered
                else draw(_values(column))
            )
        rows.append(row)
    keys = [tuple(row[name] for name in table.key) for row in rows]
    return [row for place, row in enumerate(rows) if keys.index(keys[place]) == place]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(TABLES).flatmap(lambda name: st.tuples(st.just(name), _rows(CONTRACT[name]))))
def test_what_is_written_comes_back_and_breaks_no_rule(drawn):
    """Any cells that the contract allows are written, accepted at the door and read back unchanged."""
    import unicodedata

    name, rows = drawn
    table = CONTRACT[name]
    for row in rows:
        for column in table.columns:
            if column.kind in ("id", "text") and row[column.name] is not None:
                row[column.name] = unicodedata.normalize("NFC", row[column.name]).strip() or "x"
    keys = [tuple(row[key] for key in table.key) for row in rows]
    rows = [row for place, row in enumerate(rows) if keys.index(keys[place]) == place]
    with tempfile.TemporaryDirectory() as folder:
        write_table(folder, name, pd.DataFrame(rows, columns=list(table.by_name)).astype(object))
        (Path(folder) / "bank.yml").write_text("extracted_on: 2024-12-31\n")
        report, _ = inspect(folder)
        assert [one.text for one in report.errors if one.rule != "no customers"] == []
        bank = Bank.open(folder)
        back = bank.connection.table(name).fetchall()
    names = list(table.by_name)
    expected = []
    for row in rows:
        cells = []
        for column in table.columns:
            value = row[column.name]
            cells.append(int(value * 100) if column.kind == "money" and value is not None else value)
        expected.append(tuple(cells))
    assert sorted(map(repr, back)) == sorted(map(repr, expected)), names


def test_engine_and_file_types(tmp_path):
    rows = pd.DataFrame(
        {
            "transaction_id": ["T1"],
            "account_id": ["A1"],
            "occurred_at": [pd.Timestamp("2024-05-01 10:30")],
            "booked_on": [pd.Timestamp("2024-05-01")],
            "amount": [-0.1 - 0.2],
            "kind": ["fee"],
            "is_customer_initiated": [False],
        }
    )
    path = write_table(tmp_path, "transactions", rows)
    import duckdb

    files = dict(duckdb.sql(f"SELECT column_name, column_type FROM (DESCRIBE FROM '{path}')").fetchall())
    assert files == {name: CONTRACT["transactions"][name].file_type for name in rows.columns}
    bank = Bank.open(tmp_path)
    table = bank.table("transactions")
    assert dict(zip(table.columns, map(str, table.types), strict=True)) == {
        name: CONTRACT["transactions"][name].engine_type for name in rows.columns
    }
    assert table.fetchall()[0][4] == -30
    assert {KINDS[kind][0] for kind in ("money", "count")} == {"BIGINT"}


@pytest.mark.parametrize(
    ("minor_units", "amount", "cents"), [(1, 1234.0, 1234), (100, 12.34, 1234), (1000, 1.234, 1234)]
)
def test_minor_units_of_other_currencies(tmp_path, minor_units, amount, cents):
    tables = {
        "customers": pd.DataFrame(
            {"customer_id": ["C1"], "joined_on": [pd.Timestamp("2024-01-01")], "income_amount": [amount]}
        )
    }
    bank = Bank.open(write_bank(tmp_path, tables, name="Other", currency="XXX", minor_units=minor_units))
    assert bank.table("customers").fetchall()[0][2] == cents
    assert bank.frame("customers")["income_amount"].tolist() == [amount]
    minor = {"customers": tables["customers"].assign(income_amount=[cents])}
    again = Bank.open(write_bank(tmp_path / "minor", minor, name="Other", minor_units=minor_units, money_in="minor"))
    assert again.frame("customers")["income_amount"].tolist() == [amount]


def test_writing_refuses_what_the_contract_does_not_know(tmp_path):
    with pytest.raises(CrmlabError) as refusal:
        write_table(tmp_path, "custmers", pd.DataFrame({"customer_id": ["C1"]}))
    assert str(refusal.value) == f"table 'custmers' is not in the contract. Did you mean 'customers'? It has {TABLES}."
    with pytest.raises(CrmlabError) as refusal:
        write_table(tmp_path, "customers", pd.DataFrame({"customer_id": ["C1"], "brith_on": [None]}))
    assert str(refusal.value) == "customers: column 'brith_on' is not in the contract. Did you mean 'birth_on'?"
    with pytest.raises(CrmlabError) as refusal:
        write_table(tmp_path, "customers", pd.DataFrame({"customer_id": ["C1"]}), minor_units=50)
    assert str(refusal.value) == "minor_units: 50 is not 1, 10, 100, 1000 or 10000. Write 100 for cents."
