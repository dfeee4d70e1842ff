"""A flat file with a day in each row, with months only, without customers, and with a known digest."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from crmlab.bank import Bank
from crmlab.bank.adapters import import_bank
from crmlab.errors import CrmlabError

MAPPINGS = Path(__file__).parents[1] / "data" / "mappings"
CALLS = """age;month;day;y;channel
30;nov;3;no;phone
31;dec;31;yes;phone
32;jan;1;no;post
33;January;15;no;post
34;mar;30;yes;phone
35;feb;2;no;phone
"""
MAPPING = """
label_means: subscribed
snapshot_on: {month: month, day: day, first_year: 2008}
columns:
  customer_id: {number_rows: true}
  age_years: age
  churned: y
"""


@pytest.fixture
def files(tmp_path):
    source, mapping = tmp_path / "calls.csv", tmp_path / "calls.yml"
    source.write_text(CALLS, encoding="utf-8")
    mapping.write_text(MAPPING, encoding="utf-8")
    return source, mapping


def _days(folder):
    return [row[0] for row in Bank.open(folder).sql("select snapshot_on from snapshot order by customer_id").fetchall()]


def test_a_new_year_begins_where_the_months_run_back(files, tmp_path):
    source, mapping = files
    report = import_bank("flat", source, tmp_path / "bank", mapping=str(mapping))
    bank = Bank.open(tmp_path / "bank")
    # nov, dec 2008; jan, jan, mar 2009; feb is before mar: 2010
    assert bank.sql("select customer_id, snapshot_on, churned from snapshot order by 1").fetchall() == [
        ("R0000001", dt.date(2008, 11, 3), False),
        ("R0000002", dt.date(2008, 12, 31), True),
        ("R0000003", dt.date(2009, 1, 1), False),
        ("R0000004", dt.date(2009, 1, 15), False),
        ("R0000005", dt.date(2009, 3, 30), True),
        ("R0000006", dt.date(2010, 2, 2), False),
    ]
    assert (bank.label_means, bank.last_on) == ("subscribed", dt.date(2010, 2, 2))
    assert bank.columns("snapshot") == ("customer_id", "snapshot_on", "age_years", "churned", "channel")
    assert report.findings == [
        "The file gives no tenure; customers are known from the day described.",
        "The label says subscribed for 2 of 6 rows.",
        "The file names no customer: each row is one, by its number. Nobody is followed over time.",
        "Kept beside the contract's columns: channel.",
        "The day of a row is put together from month and day: the rows stand in the order of time, 2008-11-03 to"
        " 2010-02-02.",
    ]
    assert bank.check().errors == ()


def test_without_a_day_a_row_describes_the_end_of_its_month_and_numbers_are_months_too(files, tmp_path):
    source, mapping = files
    source.write_text(CALLS.replace("nov", "11").replace("dec", "12").replace("jan", "01"), encoding="utf-8")
    mapping.write_text(MAPPING.replace("day: day, ", ""), encoding="utf-8")
    import_bank("flat", source, tmp_path / "bank", mapping=str(mapping))
    assert _days(tmp_path / "bank") == [
        dt.date(2008, 11, 30), dt.date(2008, 12, 31), dt.date(2009, 1, 31), dt.date(2009, 1, 31),
        dt.date(2009, 3, 31), dt.date(2010, 2, 28),
    ]  # fmt: skip


def test_a_column_with_the_whole_date_may_be_told_where_the_day_is_told(tmp_path):
    source, mapping = tmp_path / "a.csv", tmp_path / "a.yml"
    source.write_text("id;seen;x\n7;03.11.2024;1\n7;04.12.2024;2\n")
    mapping.write_text('snapshot_on: {from: seen, format: "%d.%m.%Y"}\ncolumns:\n  customer_id: id\n')
    import_bank("flat", source, tmp_path / "bank", mapping=str(mapping))
    assert _days(tmp_path / "bank") == [dt.date(2024, 11, 3), dt.date(2024, 12, 4)]


def test_a_row_whose_month_cannot_be_read_is_set_aside(files, tmp_path):
    source, mapping = files
    source.write_text(CALLS.replace("32;jan;1", "32;?;1").replace("35;feb;2", "35;feb;31"), encoding="utf-8")
    import_bank("flat", source, tmp_path / "bank", mapping=str(mapping))
    bank = Bank.open(tmp_path / "bank")
    # the third row has no month, the sixth a day that February lacks
    assert [one for (one,) in bank.sql("select customer_id from snapshot order by 1").fetchall()] == [
        "R0000001", "R0000002", "R0000004", "R0000005",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{month: month, day: day, first_year: 2008}", "{month: month, day: day, first_year: 9000}",
         "calls.csv: read in file order, the months of 'month' run from 9000-11-03 to 9002-02-02, beyond today."
         " Sort the file by time, or give a column with the whole date."),
        ("{month: month, ", "{month: channel, ",
         "calls.csv: no row has a month in 'channel'. Give numbers 1 to 12, or English names."),
        ("{month: month, ", "{month: moon, ",
         "calls.yml: snapshot_on names 'moon', which calls.csv lacks; it has ['age', 'month', 'day', 'y', 'channel']."
         " Did you mean 'month'? Correct the name."),
        ("{month: month, ", "{mont: month, ",
         "2 problems:\n- calls.yml: 'mont' is not a key of snapshot_on. Did you mean 'month'? Known: ['day',"
         " 'first_year', 'month'].\n- calls.yml: snapshot_on.month is {'mont': 'month', 'day': 'day', 'first_year':"
         " '2008'}: field required. Mend the value."),
        ("{month: month, day: day, first_year: 2008}", "2008-13-01",
         "calls.yml: snapshot_on is '2008-13-01': input should be a valid date or datetime, month value is outside"
         " expected range of 1-12. Mend the value."),
        ("customer_id: {number_rows: true}", "customer_id: {number_rows: true, from: age}",
         "calls.yml: columns.customer_id gives from and number_rows. Give one of the two."),
        ("age_years: age", "age_years: {number_rows: true}",
         "calls.yml: columns.age_years.number_rows: only customer_id can be the row's number. Give from."),
        ("age_years: age", "age_years: {unit: years}",
         "2 problems:\n- calls.yml: columns.age_years gives no from. Give from.\n- calls.yml: columns.age_years.unit"
         " 'years' does not fit age_years. Leave it out."),
        ("label_means: subscribed", "sha256: abc",
         "calls.yml: sha256 is 'abc': string should match pattern '^([0-9a-f]{64})?$'. Mend the value."),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_with_the_fact_and_the_cure(files, tmp_path, old, new, said):
    source, mapping = files
    assert old in MAPPING
    mapping.write_text(MAPPING.replace(old, new), encoding="utf-8")
    with pytest.raises(CrmlabError) as refusal:
        import_bank("flat", source, tmp_path / "bank", mapping=str(mapping))
    assert str(refusal.value) == said


def test_a_changed_copy_of_a_known_file_is_read_and_said_to_be_one(files, tmp_path):
    source, mapping = files
    digest = hashlib.sha256(CALLS.encode()).hexdigest()
    mapping.write_text(f"{MAPPING}sha256: {digest}\n", encoding="utf-8")
    report = import_bank("flat", source, tmp_path / "bank", mapping=str(mapping))
    assert report.findings[-1] == "The file is byte for byte the one that calls.yml was written for."
    assert report.checks["is_known_file"] is True
    changed = CALLS.replace("30;nov", ";nov")
    source.write_text(changed, encoding="utf-8")
    report = import_bank("flat", source, tmp_path / "bank", mapping=str(mapping))
    assert report.findings[0] == (
        f"The file is not the one that calls.yml was written for (sha256"
        f" {hashlib.sha256(changed.encode()).hexdigest()[:12]}..., known {digest[:12]}...): cells may be changed,"
        " blanked or renamed. Figures published for the known file need not hold."
    )
    assert report.checks["is_known_file"] is False
    assert report.rows_written == {"customers": 6, "snapshot": 6}


def test_a_copy_of_churn_modelling_with_one_cell_changed_is_noticed(real_data, tmp_path):
    known = real_data / "churn_modelling" / "Churn_Modelling.csv"
    copy = tmp_path / "Churn_Modelling.csv"
    copy.write_bytes(known.read_bytes().replace(b",619,France,", b",,France,", 1))
    for source, is_known in ((known, True), (copy, False)):
        report = import_bank("flat", source, tmp_path / "bank", mapping=str(MAPPINGS / "churn_modelling.yml"))
        assert report.checks["is_known_file"] is is_known


def test_the_shipped_mapping_dates_the_portuguese_calls(real_data, tmp_path):
    source = real_data / "bank_marketing" / "bank-full.csv"
    report = import_bank("flat", source, tmp_path / "bank", mapping=str(MAPPINGS / "bank_marketing.yml"))
    assert report.checks["is_known_file"] is True
    frame = Bank.open(tmp_path / "bank").frame("snapshot")
    assert (len(frame), int(frame["churned"].sum())) == (45_211, 5_289)
    # May 2008 to November 2010, as its authors say; calls a year summed by hand over the file's runs of months
    assert (str(frame["snapshot_on"].min().date()), str(frame["snapshot_on"].max().date())) == (
        "2008-05-05",
        "2010-11-17",
    )
    assert frame["snapshot_on"].dt.year.value_counts().to_dict() == {2008: 27_729, 2009: 14_862, 2010: 2_620}
    assert frame["snapshot_on"].is_monotonic_increasing
    assert "duration" in frame.columns
