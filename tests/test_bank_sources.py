"""One bank through every kind of source gives the same rows; a mapping turns a real extract into the contract."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.bank import CONTRACT, Bank, write_bank
from crmlab.bank.door import inspect
from crmlab.bank.engine import scratch_folder
from crmlab.errors import CrmlabError

CUSTOMERS = "customer_id,joined_on,gender,income_amount,is_email_allowed\n0007,2020-01-31,female,1234.56,true\n"
ROW = ("0007", pd.Timestamp("2020-01-31"), "female", 1234.56, True)


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def first_row(bank: Bank) -> tuple:
    columns = ["customer_id", "joined_on", "gender", "income_amount", "is_email_allowed"]
    return tuple(bank.frame("customers", columns).iloc[0])


def mapped(folder, mapping: str, **files) -> Bank:
    return Bank.open(write(folder, bank__yml=mapping, **files))


def test_the_same_bank_from_every_source(tmp_path):
    csv = write(tmp_path / "csv", customers__csv=CUSTOMERS)
    parts = write(tmp_path / "parts")
    write(parts / "customers", a__csv=CUSTOMERS)
    parquet = write(tmp_path / "parquet")
    duckdb.sql(f"FROM read_csv('{csv / 'customers.csv'}', types = {{'customer_id': 'VARCHAR'}})").write_parquet(
        str(parquet / "customers.parquet")
    )
    file = tmp_path / "bank.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"CREATE TABLE customers AS FROM '{parquet / 'customers.parquet'}'")
        connection.execute("CREATE TABLE irrelevant (x INT)")
    mapping = write(
        tmp_path / "mapping", bank__yml="name: M\nfolder: ../csv\ntables: {customers: {files: customers.csv}}\n"
    )
    for source in (csv, parts, parquet, file, mapping, mapping / "bank.yml"):
        assert first_row(Bank.open(source)) == ROW, source
        # the second opening comes from the remembered verdict
        assert first_row(Bank.open(str(source))) == ROW, source


def test_a_mapping_reads_a_real_extract(tmp_path):
    mapping = """
name: Sparkasse
currency: EUR
timezone: Europe/Berlin
extracted_on: 2024-06-30
tables:
  customers:
    files: kunden_*.txt
    delimiter: "|"
    decimal: ","
    thousands: "."
    date_format: "%d.%m.%Y"
    nulls: ["k.A.", "01.01.0001"]
    columns:
      customer_id: Kundennummer
      joined_on: Seit
      left_on: Bis
      gender: {from: Anrede, words: {Frau: female, Herr: male, Firma: ""}}
      income_amount: Einkommen
      is_email_allowed: {from: Werbung, words: {J: "true", N: "false"}}
      region: {value: Bayern}
      branch: {sql: "'F' || Filiale"}
      education:
  products: {sql: "SELECT 'giro' AS product_id, 'current' AS family"}
  accounts:
    sql: SELECT DISTINCT konto, Kundennummer FROM buchungen
    columns:
      account_id: konto
      customer_id: Kundennummer
      product_id: {value: giro}
      opened_on: {value: "2020-01-01"}
  transactions:
    source: buchungen
    columns:
      transaction_id: nr
      account_id: konto
      occurred_at: {from: zeit, format: "%d.%m.%Y %H:%M"}
      booked_on: {from: zeit, format: "%d.%m.%Y %H:%M"}
      amount: {from: betrag, unit: minor, sign: {by: art, negative: [S]}}
      kind: {from: art, words: {S: transfer_out, H: transfer_in}}
      is_customer_initiated: {value: "yes"}
sources:
  buchungen: {files: buchungen.csv, encoding: cp1252}
"""
    first = "Kundennummer|Seit|Bis|Anrede|Einkommen|Werbung|Filiale|education\n"
    first += "0012|31.12.2019|01.01.0001|Frau|1.234,50|J|7|secret\n"
    second = "Kundennummer|Seit|Bis|Anrede|Einkommen|Werbung|Filiale|education\n"
    second += "0013|01.02.2020|15.03.2024|Firma|k.A.|N|8|secret\n"
    folder = write(tmp_path / "bank", kunden_1__txt=first, kunden_2__txt=second, bank__yml=mapping)
    text = "nr;konto;Kundennummer;zeit;betrag;art;text\n1;K1;0012;01.07.2020 23:30;1999;S;Müller\n"
    (folder / "buchungen.csv").write_bytes((text + "2;K1;0012;02.07.2020 00:30;5;H;ß\n").encode("cp1252"))
    bank = Bank.open(folder)
    assert [one.text for one in bank.report.errors] == []
    assert (bank.name, bank.timezone) == ("Sparkasse", "Europe/Berlin")
    assert "education" not in bank.columns("customers")
    assert bank.frame("customers").astype(str).fillna("").values.tolist() == [
        ["0012", "2019-12-31", "", "female", "Bayern", "F7", "1234.5", "True"],
        ["0013", "2020-02-01", "2024-03-15", "", "Bayern", "F8", "", "False"],
    ]
    assert bank.sql("SELECT amount, kind, occurred_at::VARCHAR, booked_on::VARCHAR FROM transactions").fetchall() == [
        (-1999, "transfer_out", "2020-07-01 23:30:00", "2020-07-01"),
        (5, "transfer_in", "2020-07-02 00:30:00", "2020-07-02"),
    ]


def test_several_files_name_the_file_of_a_broken_row(tmp_path):
    files = {
        "c1__csv": "customer_id,joined_on\n1,2020-01-01\n",
        "c2__csv": "customer_id,joined_on\n2,2020-01-01\n3,x\n",
    }
    bank = mapped(tmp_path / "bank", "tables: {customers: {files: [c1.csv, c2.csv]}}\n", **files)
    assert [one.text for one in bank.report.errors] == [
        "customers.joined_on: 1 row holds text that is no date as YYYY-MM-DD (row 2 of c2.csv like 'a'). Set aside."
        " Give date_format in bank.yml, such as '%d.%m.%Y'."
    ]
    assert duckdb.sql(f"""SELECT file, "row" FROM '{bank.report.quarantine}'""").fetchall() == [("c2.csv", 2)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("DROP TABLE x", "bank.yml: customers: sql is not one SELECT. Write a single query that returns the rows."),
        (
            "SELECT 1; SELECT 2",
            "bank.yml: customers: sql is not one SELECT. Write a single query that returns the rows.",
        ),
        (
            "SELECT * FROM client",
            "bank.yml: customers: sql fails: Catalog Error: Table with name client does not exist!. Correct the query.",
        ),
    ],
)
def test_sql_that_fails(tmp_path, query, message):
    with pytest.raises(CrmlabError) as refusal:
        mapped(tmp_path / "bank", f"tables: {{customers: {{sql: {query!r}}}}}\n")
    assert str(refusal.value) == message


def test_expression_that_fails(tmp_path):
    mapping = "tables: {customers: {files: c.csv, columns: {joined_on: {sql: 'strptime(day)'}}}}\n"
    with pytest.raises(CrmlabError) as refusal:
        mapped(tmp_path / "bank", mapping, c__csv="customer_id,day\n1,2020-01-01\n")
    assert str(refusal.value).startswith("customers.joined_on: its sql fails: Binder Error: ")
    assert str(refusal.value).endswith(" Correct it in bank.yml.")


def test_a_connection_string_is_never_written(tmp_path, monkeypatch, caplog):
    secret = "password=hunter2-and-more"
    mapping = "database: 'postgres:host=127.0.0.1 port=1 ${CRMLAB_TEST_SECRET}'\n"
    mapping += "tables: {customers: {table: crm.customers}}\n"
    folder = write(tmp_path / "bank", bank__yml=mapping)
    with pytest.raises(CrmlabError) as refusal:
        Bank.open(folder)
    assert str(refusal.value) == (
        "bank.yml: database needs the environment variable CRMLAB_TEST_SECRET. Set it, then run again."
    )
    monkeypatch.setenv("CRMLAB_TEST_SECRET", secret)
    with pytest.raises(CrmlabError) as refusal:
        Bank.open(folder)
    assert str(refusal.value).startswith("bank.yml: database cannot be attached (")
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__
    written = [path for path in scratch_folder().rglob("*") if path.is_file()]
    assert all(b"hunter2" not in path.read_bytes() for path in written)
    assert "hunter2" not in str(refusal.value) + caplog.text


def test_a_database_is_read_through_a_mapping(tmp_path, monkeypatch):
    file = tmp_path / "source.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE client AS SELECT 12 AS id, DATE '2020-01-01' AS since")
    monkeypatch.setenv("CRMLAB_TEST_FILE", str(file))
    mapping = "database: ${CRMLAB_TEST_FILE}\ntables:\n"
    mapping += "  customers: {sql: 'SELECT id AS customer_id, since AS joined_on FROM database.client'}\n"
    folder = write(tmp_path / "bank", bank__yml=mapping)
    bank = Bank.open(folder)
    assert bank.frame("customers")["customer_id"].tolist() == ["12"]
    before = bank.fingerprint
    with duckdb.connect(str(file)) as connection:
        connection.execute("INSERT INTO client VALUES (13, DATE '2020-01-02')")
    again = Bank.open(folder)
    # rows of a database are looked at each time, because no file tells that they changed
    assert again.frame("customers")["customer_id"].tolist() == ["12", "13"]
    assert again.fingerprint != before


# --- the door remembers ---


def test_broken_rows_are_told_at_each_opening(tmp_path, caplog):
    folder = write(tmp_path / "bank", customers__csv="customer_id,joined_on\n1,2020-01-01\n1,2020-01-01\n")
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="crmlab"):
            bank = Bank.open(folder)
        assert caplog.messages == [
            "bank: 1 rule of the contract is broken, 1 row was set aside. Run crmlab check to see it all."
        ]
        assert bank.report.set_aside == 1
        assert bank.check() == bank.report


def test_a_check_leaves_the_copy_that_others_read(tmp_path):
    folder = write(tmp_path / "bank", customers__csv="customer_id,joined_on\n1,2020-01-01\n")
    bank = Bank.open(folder)
    view = bank.sql("SELECT sql FROM duckdb_views() WHERE schema_name = 'bank'").fetchall()[0][0]
    (copy,) = [Path(part) for part in view.split("'") if part.endswith(".parquet")]
    before = copy.stat().st_ino
    inspect(folder)
    assert copy.stat().st_ino == before
    # a copy that somebody removed is made anew
    copy.unlink()
    assert Bank.open(folder).frame("customers")["customer_id"].tolist() == ["1"]


def test_changed_files_are_checked_again(tmp_path):
    folder = write(tmp_path / "bank", customers__csv="customer_id,joined_on\n1,2020-01-01\n")
    before = Bank.open(folder)
    write(folder, customers__csv="customer_id,joined_on\n1,2020-13-01\n")
    after = Bank.open(folder)
    assert before.fingerprint != after.fingerprint
    assert [one.rule for one in after.report.errors] == ["impossible date"]
    # the same content elsewhere is known already, under any name
    copy = write(tmp_path / "copy", customers__csv="customer_id,joined_on\n1,2020-13-01\n")
    assert Bank.open(copy).fingerprint == after.fingerprint


def test_old_verdicts_of_a_source_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("CRMLAB_CACHE", str(tmp_path / "cache"))
    for number in range(6):
        Bank.open(write(tmp_path / "bank", customers__csv=f"customer_id,joined_on\n{number},2020-01-01\n"))
    kept = [json.loads(path.read_text())["source"] for path in (tmp_path / "cache" / "doors").glob("*/verdict.json")]
    assert len(kept) == 3
    assert list((tmp_path / "cache").glob("door-*")) == []


def test_clean_parquet_is_used_where_it_lies(tmp_path):
    customers = pd.DataFrame({"customer_id": ["1"], "joined_on": [pd.Timestamp("2020-01-01")], "gender": ["female"]})
    folder = write_bank(tmp_path / "bank", {"customers": customers}, name="B")
    (folder / "bank.yml").write_text("name: B\n")
    bank = Bank.open(folder)
    assert str(folder) in bank.sql("SELECT sql FROM duckdb_views() WHERE schema_name = 'bank'").fetchall()[0][0]
    # a word in other letters is no word of the contract: then a copy is made
    duckdb.sql("SELECT '1' AS customer_id, DATE '2020-01-01' AS joined_on, 'Female' AS gender").write_parquet(
        str(folder / "customers.parquet")
    )
    bank = Bank.open(folder)
    assert bank.frame("customers")["gender"].tolist() == ["female"]
    assert str(folder) not in bank.sql("SELECT sql FROM duckdb_views() WHERE schema_name = 'bank'").fetchall()[0][0]


def test_a_stamp_holds_only_for_the_files_it_was_made_for(tmp_path):
    customers = pd.DataFrame({"customer_id": ["1", "2"], "joined_on": [pd.Timestamp("2020-01-01")] * 2})
    folder = write_bank(tmp_path / "bank", {"customers": customers}, name="B", extracted_on="2024-01-01")
    assert Bank.open(folder).report.violations == ()
    duckdb.sql("SELECT '1' AS customer_id, DATE '2030-01-01' AS joined_on").write_parquet(
        str(folder / "customers.parquet")
    )
    assert [one.rule for one in Bank.open(folder).report.errors] == ["in the future"]


def test_a_folder_from_the_environment_is_found_from_the_shell_or_beside_the_mapping(tmp_path, monkeypatch):
    (tmp_path / "shell").mkdir()
    (tmp_path / "maps").mkdir()
    folder = write(tmp_path / "shell" / "extract", customers__csv="customer_id,joined_on\n1,2020-01-01\n")
    mapping = tmp_path / "maps" / "bank.yml"
    mapping.write_text("folder: ${EXTRACT}\ntables:\n  customers: {files: customers.csv}\n")
    monkeypatch.chdir(tmp_path / "shell")
    for place in ("extract", str(folder), "../shell/extract"):
        monkeypatch.setenv("EXTRACT", place)
        assert Bank.open(mapping).frame("customers")["customer_id"].tolist() == ["1"]
    monkeypatch.setenv("EXTRACT", "nowhere")
    with pytest.raises(CrmlabError) as caught:
        Bank.open(mapping)
    assert str(caught.value) == (
        "bank.yml: folder '${EXTRACT}' does not exist. Correct it, or leave it out for files beside the mapping."
    )


def test_a_flat_file_keeps_its_own_columns(tmp_path):
    text = "customer_id,snapshot_on,Geography,Balance,fee_amount,code\n"
    text += "1,2020-01-31, Prag ,1.5,10.10,7\n2,2020-01-31,,,,x\n"
    bank = Bank.open(write(tmp_path / "bank", snapshot__csv=text))
    frame = bank.frame("snapshot")
    assert frame.columns.tolist() == ["customer_id", "snapshot_on", "fee_amount", "Geography", "Balance", "code"]
    assert frame["Balance"].tolist()[0] == 1.5
    assert frame["fee_amount"].tolist()[0] == 10.10
    assert frame["Geography"].fillna("").tolist() == ["Prag", ""]
    assert frame["code"].tolist() == ["7", "x"]
    assert bank.sql("SELECT sum(fee_amount) FROM snapshot").fetchall() == [(1010,)]


# --- real data ---


def test_the_example_mapping_reads_berka(real_data, monkeypatch):
    from crmlab.bank.engine import project_folder

    monkeypatch.setenv("BERKA", str(real_data / "berka"))
    source = project_folder() / "data" / "mappings" / "berka.yml"
    report, _ = inspect(source)
    assert [one.text for one in report.errors] == []
    # rows as the files have them: one line a row below the header
    lines = {
        table: len((real_data / "berka" / file).read_text(encoding="utf-8").splitlines()) - 1
        for table, file in {"customers": "client.asc", "accounts": "account.asc", "transactions": "trans.asc"}.items()
    }
    assert {table: report.rows[table] for table in lines} == {table: (count, 0) for table, count in lines.items()}
    bank = Bank.open(source)
    # client 1 of the source: birth number 706213, a woman born on 13 December 1970
    birth, gender = bank.sql("SELECT birth_on::VARCHAR, gender FROM customers WHERE customer_id = '1'").fetchall()[0]
    assert (birth, gender) == ("1970-12-13", "female")


# --- properties ---


@given(st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=20), st.sampled_from([".", ","]))
def test_every_way_to_write_money_gives_the_same_cents(amounts, decimal):
    """1,234.56 and 1.234,56 and -1234.56 are read to the cent."""
    from crmlab.bank.conform import make_field
    from crmlab.bank.mapping import Layout

    thousands = "," if decimal == "." else "."
    texts = [f"{amount:,.2f}".translate(str.maketrans({",": thousands, ".": decimal})) for amount in amounts]
    column = CONTRACT["transactions"]["amount"]
    layout = Layout(decimal=decimal, thousands=thousands)
    field = make_field(column, "x", "VARCHAR", layout, None, minor_units=100, timezone="UTC")
    rows = ", ".join(f"('{text}')" for text in texts)
    query = f'SELECT {field.typed} FROM (SELECT {field.cell} AS "r:amount" FROM (VALUES {rows}) AS t(x))'
    assert [cents for (cents,) in duckdb.sql(query).fetchall()] == [int(amount * 100) for amount in amounts]


@given(st.text(max_size=12))
def test_any_text_in_a_number_is_a_number_or_nothing(text):
    """No text crashes the door, and none becomes a number that Python would not read too."""
    from crmlab.bank.conform import make_field
    from crmlab.bank.engine import literal
    from crmlab.bank.mapping import Layout

    if "\0" in text:
        return
    field = make_field(
        CONTRACT["customers"]["income_amount"], "x", "VARCHAR", Layout(), None, minor_units=100, timezone="UTC"
    )
    query = f'SELECT {field.typed} FROM (SELECT {field.cell} AS "r:income_amount" FROM (SELECT {literal(text)} AS x))'
    (found,) = duckdb.sql(query).fetchall()[0]
    if found is not None:
        assert abs(float(text.strip(" \t\r\n\u00a0\ufeff")) * 100 - found) <= 0.5 + abs(found) * 1e-12
