"""The flat adapter: one row a customer, mapped or not, with nothing lost and nothing guessed."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest

from crmlab.bank import Bank
from crmlab.bank.adapters import import_bank
from crmlab.bank.adapters.target import filled_folder
from crmlab.cli import main
from crmlab.errors import CrmlabError

MAPPINGS = Path(__file__).parents[1] / "data" / "mappings"

MAPPING = """
name: Tiny
currency: CHF
snapshot_on: 2024-06-30
columns:
  customer_id: Kundennummer
  age_years: Alter
  gender: {from: Geschlecht, words: {w: female, m: male}}
  tenure_days: {from: Jahre, unit: years}
  income_amount: {from: Jahreslohn, unit: year}
  is_active: {from: aktiv, words: {ja: "1", nein: "0"}}
drop:
  Nachname: names a person
"""
FILE = """Kundennummer;Nachname;Alter;Geschlecht;Jahre;Jahreslohn;aktiv;Filiale;Punkte
0007;Muster;40;w;2;60000;ja;012;5
0008;Beispiel;51;m;;120000.60;nein;034;7
"""


@pytest.fixture
def files(tmp_path):
    source, mapping = tmp_path / "kunden.csv", tmp_path / "kunden.yml"
    source.write_text(FILE, encoding="utf-8")
    mapping.write_text(MAPPING, encoding="utf-8")
    return source, mapping


def _refusal(source, out, **options):
    with pytest.raises(CrmlabError) as refusal:
        import_bank("flat", source, out, **options)
    assert not out.exists()
    return str(refusal.value)


def test_a_mapped_file_becomes_a_snapshot_and_customers(files, tmp_path):
    source, mapping = files
    report = import_bank("flat", source, tmp_path / "bank", mapping=str(mapping))
    bank = Bank.open(tmp_path / "bank")
    assert (bank.name, bank.currency, bank.tables) == ("Tiny", "CHF", ("customers", "snapshot"))
    # 2 years are 730.5 days; joining is 2024-06-30 less 730 or 731 days; 60,000 a year are 5,000 a month
    assert bank.sql("select * from customers order by 1").fetchall() == [
        ("0007", dt.date(2022, 6, 30)),
        ("0008", dt.date(2024, 6, 30)),
    ]
    assert bank.columns("snapshot") == (
        "customer_id", "snapshot_on", "age_years", "gender", "tenure_days", "income_amount", "is_active", "Filiale",
        "Punkte",
    )  # fmt: skip
    day = dt.date(2024, 6, 30)
    assert bank.sql("select * from snapshot order by 1").fetchall() == [
        ("0007", day, 40.0, "female", 730.5, 500000, True, "012", 5),
        ("0008", day, 51.0, "male", None, 1000005, False, "034", 7),
    ]
    assert report.findings == [
        "The file gives no day; every row is taken to describe 2024-06-30.",
        "joined_on of customers is the day described minus the tenure.",
        "There is no label: who was lost is not known.",
        "Left out: Nachname: names a person.",
        "Kept beside the contract's columns: Filiale, Punkte.",
    ]


def test_a_file_in_contract_names_needs_no_mapping(tmp_path):
    source = tmp_path / "customers.csv"
    source.write_text("customer_id,snapshot_on,age_years,lost,surname\n1,2024-01-31,30,yes,=2+3\n2,2024-01-31,,no,b\n")
    report = import_bank("flat", source, tmp_path / "bank", label="lost")
    bank = Bank.open(tmp_path / "bank")
    assert bank.sql("select customer_id, age_years, churned, surname from snapshot order by 1").fetchall() == [
        ("1", 30.0, True, "=2+3"),
        ("2", None, False, "b"),
    ]
    assert bank.last_on == dt.date(2024, 1, 31)
    assert "The label says lost for 1 of 2 rows." in report.findings
    assert (
        "Column 'surname' may say who a person is. List it under drop in the mapping unless a question needs it."
        in report.findings
    )


def test_broken_rows_are_kept_counted_and_set_aside_by_the_check(tmp_path):
    source = tmp_path / "customers.csv"
    source.write_text("customer_id,age_years,tenure_days\n1,30,10\n1,31,10\n2,old,5\n,40,5\n3,50,-5\n4,20,1\n")
    report = import_bank("flat", source, tmp_path / "bank", snapshot_on="2024-01-31")
    assert report.rows_written == {"customers": 4, "snapshot": 6}
    assert report.checks["rows_sharing_an_id"] == 2
    assert report.checks["rows_without_id"] == 1
    assert report.checks["unreadable"] == {"age_years": 1}
    bank = Bank.open(tmp_path / "bank")
    broken = {(one.column, one.rule): one.fate for one in bank.check().errors if one.table == "snapshot"}
    assert broken == {
        ("customer_id", "empty cell"): "row set aside",
        ("age_years", "not a number"): "cell emptied",
        ("tenure_days", "out of range"): "cell emptied",
        ("customer_id, snapshot_on", "duplicate key"): "row set aside",
    }
    assert bank.sql("select customer_id, age_years, tenure_days from snapshot order by 1").fetchall() == [
        ("1", 30.0, 10.0),
        ("2", None, 5.0),
        ("3", 50.0, None),
        ("4", 20.0, 1.0),
    ]
    assert any(found.startswith("Check: snapshot") for found in report.findings)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from: Jahre, ", "from: Jahr, ",
         "kunden.yml: columns.tenure_days names 'Jahr', which kunden.csv lacks; it has ['Kundennummer',"
         " 'Nachname', 'Alter', 'Geschlecht', 'Jahre', 'Jahreslohn', 'aktiv', 'Filiale', 'Punkte']."
         " Did you mean 'Jahre'? Correct the name."),
        ("age_years: Alter", "age_year: Alter",
         "kunden.yml: columns.age_year is not a column of snapshot. Did you mean 'age_years'? Known: ['customer_id',"
         " 'snapshot_on', 'age_years', 'gender', 'region', 'tenure_days', 'income_amount', 'assets_amount',"
         " 'products_count', 'is_active', 'is_card_holder', 'credit_score', 'churned']."
         " Other columns of the file are kept under their own names."),
        ("unit: years", "unit: decades",
         "kunden.yml: columns.tenure_days.unit is 'decades': input should be 'days', 'months', 'years', 'month',"
         " 'year' or 'thousand'. Mend the value."),
        ("unit: years", "unit: thousand",
         "kunden.yml: columns.tenure_days.unit 'thousand' does not fit tenure_days."
         " Write one of ['days', 'months', 'years']."),
        ("w: female", "w: femal",
         "kunden.yml: columns.gender.words: 'femal' is not a word of the contract. Did you mean 'female'?"
         " Known: ['female', 'male', 'other']."),
        ("drop:", "dropp:",
         "kunden.yml: 'dropp' is not a key. Did you mean 'drop'? Known: ['columns', 'currency', 'decimal', 'delimiter',"
         " 'drop', 'encoding', 'label_means', 'minor_units', 'name', 'nulls', 'sha256', 'snapshot_on', 'thousands',"
         " 'timezone']."),
        ("Nachname: names", "Alter: names",
         "kunden.yml: 'Alter' is mapped and dropped. Keep one of the two."),
        ("  customer_id: Kundennummer", "",
         "kunden.csv lacks a customer_id; it has ['Kundennummer', 'Nachname', 'Alter', 'Geschlecht', 'Jahre',"
         " 'Jahreslohn', 'aktiv', 'Filiale', 'Punkte']. Map it in kunden.yml."),
        ("snapshot_on: 2024-06-30", "",
         "kunden.csv does not say which day it describes. Add --snapshot-on YYYY-MM-DD, or snapshot_on to kunden.yml."),
        ("currency: CHF", "delimiter: ','",
         "kunden.csv: delimiter ',' gives one column, ';' gives 9. Write delimiter: ';' in kunden.yml."),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_with_the_nearest_name(files, tmp_path, old, new, said):
    source, mapping = files
    assert old in MAPPING
    mapping.write_text(MAPPING.replace(old, new), encoding="utf-8")
    assert _refusal(source, tmp_path / "bank", mapping=str(mapping)) == said


def test_wrong_paths_and_options_are_refused(files, tmp_path):
    source, mapping = files
    out = tmp_path / "bank"
    assert _refusal(tmp_path / "no.csv", out) == (
        f"{str(tmp_path / 'no.csv')!r} does not exist. Give the path of one file with one row a customer."
    )
    assert _refusal(tmp_path, out) == f"{str(tmp_path)!r} is a folder. Give the file with one row a customer."
    assert _refusal(source, out, mapping=str(tmp_path / "no.yml")) == (
        f"mapping {str(tmp_path / 'no.yml')!r} does not exist. Give the path of a YAML file."
    )
    assert _refusal(source, out, mapping=str(mapping), snapshot_on="30.6.2024") == (
        "snapshot_on '30.6.2024' is not a date. Write it as YYYY-MM-DD."
    )
    assert _refusal(source, out, mapping=str(mapping), label="Lost") == (
        "kunden.yml: columns.churned names 'Lost', which kunden.csv lacks; it has ['Kundennummer', 'Nachname', 'Alter',"
        " 'Geschlecht', 'Jahre', 'Jahreslohn', 'aktiv', 'Filiale', 'Punkte']. Correct the name."
    )
    with pytest.raises(CrmlabError) as refusal:
        import_bank("berka", tmp_path, out, mapping=str(mapping))
    assert str(refusal.value) == "adapter 'berka' has no option 'mapping'. It takes none. Leave it out."
    with pytest.raises(CrmlabError) as refusal:
        import_bank("berca", tmp_path, out)
    assert str(refusal.value) == "adapter 'berca' is unknown. Did you mean 'berka'? Known: ['berka', 'flat', 'survey']."


def test_a_file_that_is_not_utf_8_is_refused_with_the_cure(files, tmp_path):
    source, mapping = files
    source.write_bytes(FILE.replace("Muster", "Müller").encode("cp1252"))
    assert _refusal(source, tmp_path / "bank", mapping=str(mapping)) == (
        "kunden.csv is not UTF-8: byte 0xFC in line 2. Give its encoding in kunden.yml, such as cp1252."
    )
    mapping.write_text(MAPPING + "encoding: cp1252\n", encoding="utf-8")
    assert import_bank("flat", source, tmp_path / "bank", mapping=str(mapping)).rows_written["snapshot"] == 2


def test_rows_that_do_not_fit_the_header_are_refused(files, tmp_path):
    source, mapping = files
    source.write_text(FILE + "9;x;1\n", encoding="utf-8")
    said = _refusal(source, tmp_path / "bank", mapping=str(mapping))
    assert said.startswith("kunden.csv: rows that do not fit the header: 1, first row 3 (")


def test_a_folder_in_use_is_refused_but_an_earlier_import_is_replaced(files, tmp_path):
    source, mapping = files
    out = tmp_path / "bank"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(CrmlabError) as refusal:
        import_bank("flat", source, out, mapping=str(mapping))
    assert str(refusal.value) == (
        f"--out {str(out)!r} is not empty and was not written by an import."
        " Give a new folder, or add --force to write beside its files."
    )
    import_bank("flat", source, out, mapping=str(mapping), force=True)
    assert (out / "notes.txt").read_text() == "mine"
    (out / "accounts.parquet").write_text("left by an older import")
    import_bank("flat", source, out, mapping=str(mapping))
    names = ["bank.yml", "customers.parquet", "import_report.json", "import_report.md", "notes.txt", "snapshot.parquet"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_made_by_another_import_meanwhile_stays_as_it_is(tmp_path):
    out = tmp_path / "bank"
    with pytest.raises(CrmlabError) as refusal, filled_folder(out) as folder:  # noqa: PT012  the end of the block refuses
        (folder / "bank.yml").write_text("mine")
        out.mkdir()
        (out / "bank.yml").write_text("theirs")
    assert str(refusal.value) == (
        f"--out {str(out)!r} was made by somebody else during the import. Give another folder."
    )
    assert (out / "bank.yml").read_text() == "theirs"


def test_nothing_appears_when_an_import_fails(tmp_path):
    out = tmp_path / "bank"
    with pytest.raises(ZeroDivisionError), filled_folder(out) as folder:  # noqa: PT012  the block is the import
        (folder / "bank.yml").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_the_shipped_mapping_reads_the_churn_file(real_data, tmp_path):
    source = real_data / "churn_modelling" / "Churn_Modelling.csv"
    report = import_bank("flat", source, tmp_path / "bank", mapping=str(MAPPINGS / "churn_modelling.yml"))
    bank = Bank.open(tmp_path / "bank")
    with source.open(newline="", encoding="utf-8") as handle:
        raw = {row["CustomerId"]: row for row in csv.DictReader(handle)}
    assert report.rows_written == {"customers": 10_000, "snapshot": 10_000}
    assert "Surname" not in bank.columns("snapshot")
    assert "RowNumber" not in bank.columns("snapshot")
    frame = bank.frame("snapshot").set_index("customer_id")
    assert frame["churned"].sum() == sum(row["Exited"] == "1" for row in raw.values()) == 2_037
    assert frame["assets_amount"].sum() == pytest.approx(sum(float(row["Balance"]) for row in raw.values()), abs=1)
    one = frame.loc["15634602"]
    assert (one["gender"], one["region"], one["age_years"], one["tenure_days"]) == ("female", "France", 42, 730.5)
    assert one["income_amount"] == 8445.74  # 101,348.88 a year
    assert bank.check().errors == ()


def test_the_command_imports_a_flat_file(files, tmp_path, capsys):
    source, mapping = files
    with pytest.raises(SystemExit) as ended:
        main(["import", "flat", str(source), "--mapping", str(mapping), "--out", str(tmp_path / "bank")])
    assert ended.value.code == 0
    assert "wrote    customers 2, snapshot 2" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["import", "flat", str(source), "--out", str(tmp_path / "other")])
    assert ended.value.code == 2
    assert "kunden.csv lacks a customer_id" in capsys.readouterr().err
