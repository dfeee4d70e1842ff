"""The survey adapter: one row a respondent, tolerant of how a file is written, and clear about what it did."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import pytest
import yaml

from crmlab.bank import Bank
from crmlab.bank.adapters import import_bank
from crmlab.bank.questionnaire_choice import questionnaire_of
from crmlab.cli import main
from crmlab.errors import CrmlabError

TEXT = {"en": "x", "zh": "甲"}
SMALL = {
    "name": "small",
    "title": TEXT,
    "scale": {"low": 1, "high": 5, "anchors": {"low": TEXT, "high": TEXT}},
    "latents": {
        "value": {"title": TEXT, "items": {"v1": TEXT, "v2": {**TEXT, "reversed": True}}},
        "satisfaction": {"title": TEXT, "items": {"s1": TEXT, "s2": TEXT}},
    },
    "paths": {"satisfaction": ["value"]},
    "single_items": {
        "nps": {"kind": "nps", "text": TEXT, "scale": {"low": 0, "high": 10}},
        "comment": {"kind": "open", "text": TEXT},
    },
    "occasions": {"yearly": {"every": "year", "items": ["latents", "nps", "comment"]}},
    "missing": [9],
}
FILE = """\ufeffKunde;V1;v_2;S1;s2;NPS;Comment;Welle;Gender;Filiale;Gewicht
a1;5;1;4;4;10;good;2023;Female;012;0,5
a2;3;9;2;7;0;;2023;male;034;1,5
a1;4;2;k.A.;3,5;8;;2024;female;012;0,5
a1;4;2;4;3;8;;2024;female;012;0,5
"""


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    source, asked = tmp_path / "answers.csv", tmp_path / "small.yml"
    source.write_text(FILE, encoding="utf-8")
    asked.write_text(yaml.safe_dump(SMALL, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return source, asked


def _refusal(source: Path, out: Path, **options: str) -> tuple[str, ...]:
    with pytest.raises(CrmlabError) as refusal:
        import_bank("survey", source, out, **options)
    assert not out.exists()
    return refusal.value.problems


def test_a_file_with_other_names_signs_and_waves_becomes_a_bank(files, tmp_path):
    source, asked = files
    report = import_bank(
        "survey", source, tmp_path / "bank", questionnaire=str(asked), id_column="Kunde", wave_column="Welle",
        weight_column="Gewicht",
    )  # fmt: skip
    bank = Bank.open(tmp_path / "bank")
    assert bank.tables == ("customers", "surveys", "snapshot")
    assert bank.sql("select * from customers order by 1").fetchall() == [
        ("a1", dt.date(2023, 12, 31), "female"),
        ("a2", dt.date(2023, 12, 31), "male"),
    ]
    rows = bank.sql("select customer_id, wave, item, score, weight from surveys order by response_id, item").fetchall()
    assert rows[:6] == [
        ("a1", "yearly 2023", "comment", None, 0.5),
        ("a1", "yearly 2023", "nps", 10.0, 0.5),
        ("a1", "yearly 2023", "s1", 4.0, 0.5),
        ("a1", "yearly 2023", "s2", 4.0, 0.5),
        ("a1", "yearly 2023", "v1", 5.0, 0.5),
        ("a1", "yearly 2023", "v2", 1.0, 0.5),  # as answered: the analysis turns it round
    ]
    # second respondent: v2 is 9, which the questionnaire calls missing; s2 is 7, outside 1 to 5, and stays
    assert [score for _, _, _, score, _ in rows[6:11]] == [0.0, 2.0, 7.0, 3.0, None]
    assert {wave for _, wave, *_ in rows} == {"yearly 2023", "yearly 2024"}
    assert bank.sql('select customer_id, snapshot_on, "Filiale" from snapshot order by 1, 2').fetchall() == [
        ("a1", dt.date(2023, 12, 31), "012"),
        ("a1", dt.date(2024, 12, 31), "012"),
        ("a2", dt.date(2023, 12, 31), "034"),
    ]
    assert report.findings == [
        "4 responses of 2 customers to 6 items of small, in 2 waves: yearly 2023 (2), yearly 2024 (2).",
        "Answers not given: 2 of 20.",
        "Answers that are no number: 1 (s1 1), such as 'k.A.'. They count as not given; list the sign under "
        "--missing, or "
        "translate it under words in the mapping.",
        "Answers outside their scale (items: 1 to 5): 1 (s2 1); they are 7 (1). They are kept, and no analysis "
        "reads "
        "them; where such a number means that nothing was answered, list it under --missing.",
        "Answers that are no whole number: 1 (s2 1). They are kept.",
        "Responses of customers who answered more than once in a wave: 2. They are kept; the analysis reads the last "
        "one "
        "of each.",
        "The file gives no day of the answers; every row is dated on the last day of its wave.",
        "The file gives no start of the relation; customers are known from the first day of the answers.",
        "Read under another name: V1 as v1, v_2 as v2, S1 as s1, NPS as nps, Comment as comment, Welle as wave, "
        "Kunde as customer_id, Gewicht as weight, Gender as gender.",
        "What is known of customers: gender.",
        "Kept in table snapshot under their own names: Filiale.",
    ]
    assert bank.check().errors == ()
    # the questionnaire of one's own goes along with the tables
    assert questionnaire_of(bank).name == "small"
    asked.unlink()
    assert questionnaire_of(Bank.open(tmp_path / "bank")).reversed == ("v2",)


def test_a_mapping_names_items_words_days_and_what_is_left_out(files, tmp_path):
    _, asked = files
    source, mapping = tmp_path / "export.tsv", tmp_path / "export.yml"
    source.write_text(
        "Q1\tQ2\tQ3\twhen\tbegun\tage_years\tmail\n"
        "agree\t-1\t2\t05.03.2024 10:30\t05.03.2024 10:00\t40\ta@b.c\n"
        "disagree\t3\t4\t06.03.2024 11:00\t\told\td@e.f\n"
    )
    mapping.write_text("""
name: Export
wave: yearly 2024
missing: [-1]
words: {agree: 5, disagree: "1"}
items: {v1: Q1, v2: {from: Q2}, s1: Q3, s2: ""}
columns:
  answered_at: {from: when, format: "%d.%m.%Y %H:%M"}
  started_at: {from: begun, format: "%d.%m.%Y %H:%M"}
drop: {mail: says who a person is}
""")
    report = import_bank("survey", source, tmp_path / "bank", questionnaire=str(asked), mapping=str(mapping))
    bank = Bank.open(tmp_path / "bank")
    rows = "select item, score, answered_at::varchar, started_at::varchar from surveys order by response_id, item"
    assert bank.sql(rows).fetchall() == [
        ("s1", 2.0, "2024-03-05 10:30:00", "2024-03-05 10:00:00"),
        ("v1", 5.0, "2024-03-05 10:30:00", "2024-03-05 10:00:00"),
        ("v2", None, "2024-03-05 10:30:00", "2024-03-05 10:00:00"),
        ("s1", 4.0, "2024-03-06 11:00:00", None),
        ("v1", 1.0, "2024-03-06 11:00:00", None),
        ("v2", 3.0, "2024-03-06 11:00:00", None),
    ]
    assert bank.name == "Export"
    assert bank.sql("select customer_id, age_years from snapshot order by 1").fetchall() == [
        ("row-000001", 40.0),
        ("row-000002", None),
    ]
    assert "Left out: mail: says who a person is." in report.findings
    assert (
        "Cells of age_years that cannot be read: 1, such as 'old'. They are emptied; translate them under "
        "columns.age_years.words in the mapping."
    ) in report.findings
    assert (
        "The file names no customer; they are numbered by row, so nobody is known to have answered twice."
        in report.findings
    )


def test_what_does_not_fit_is_refused_all_at_once(files, tmp_path):
    source, asked = files
    out = tmp_path / "bank"
    own = {"questionnaire": str(asked)}
    assert _refusal(source, out) == (
        "questionnaire is not named. Add --questionnaire NAME, or the path of a .yml file. Known: ['retail_bank', "
        "'spanish_bank'].",
    )
    assert _refusal(source, out, **own, id_column="Kunden", weight_column="Gewichte") == (
        "columns.customer_id names 'Kunden', which answers.csv lacks; it has ['Kunde', 'V1', 'v_2', 'S1', 's2', 'NPS', "
        "'Comment', 'Welle', 'Gender', 'Filiale', 'Gewicht']. Did you mean 'Kunde'? Correct the name.",
        "columns.weight names 'Gewichte', which answers.csv lacks; it has ['Kunde', 'V1', 'v_2', 'S1', 's2', 'NPS', "
        "'Comment', 'Welle', 'Gender', 'Filiale', 'Gewicht']. Did you mean 'Gewicht'? Correct the name.",
    )
    assert _refusal(source, out, **own) == (
        "answers.csv does not say when 4 of 4 rows were answered. Add --answered-on YYYY-MM-DD, a column answered_at, "
        "or a "
        'wave with its year such as --wave "yearly 2024".',
    )
    assert _refusal(source, out, **own, answered_on="2024") == (
        "answered_on '2024' is not a date. Write it as YYYY-MM-DD.",
    )
    source.write_text("sat1;v1;v22\n1;2;3\n")
    assert _refusal(source, out, **own, answered_on="2024-03-31") == (
        "answers.csv lacks item 'v2' of small. Did you mean 'v22'? Map it under items in the mapping (--mapping FILE), "
        'or write v2: "" there when it was not asked.',
        "answers.csv lacks item 's1' of small. Did you mean 'sat1'? Map it under items in the mapping (--mapping "
        'FILE), or write s1: "" there when it was not asked.',
        "answers.csv lacks item 's2' of small. Map it under items in the mapping (--mapping FILE), or write s2: \"\" "
        "there "
        "when it was not asked.",
    )
    source.write_text("a;b\n1;2\n")
    assert _refusal(source, out, **own, wave="yearly 2024") == (
        "answers.csv has no column of small; it has ['a', 'b']. Map its columns under items in the mapping (--mapping "
        "FILE), or name another questionnaire. Known: ['retail_bank', 'spanish_bank'].",
    )
    source.write_text("v1;v2\n")
    assert _refusal(source, out, **own) == ("answers.csv has a header and no row. Export it again.",)
    assert _refusal(tmp_path, out, **own) == (
        f"{str(tmp_path)!r} is a folder. Give the file with one row a respondent.",
    )


def test_a_wrong_mapping_is_refused_with_the_nearest_name(files, tmp_path):
    source, asked = files
    mapping = tmp_path / "m.yml"
    mapping.write_text("items: {v11: V1}\ncolumns: {gendre: Gender}\ntimezone: Europe/Madri\n")
    assert _refusal(source, tmp_path / "bank", questionnaire=str(asked), mapping=str(mapping)) == (
        "m.yml: items.v11 is not an item of small. Did you mean 'v1'? Known: ['v1', 'v2', 's1', 's2', 'nps', "
        "'comment'].",
        "m.yml: columns.gendre is not a column of surveys, customers or snapshot. Did you mean 'gender'? Other "
        "columns of "
        "the file are kept under their own names.",
        "m.yml: timezone 'Europe/Madri' is not an IANA zone. Write one such as Europe/Madrid.",
    )
    mapping.write_text("item: {v1: V1}\n")
    assert _refusal(source, tmp_path / "bank", questionnaire=str(asked), mapping=str(mapping)) == (
        "m.yml: 'item' is not a key. Did you mean 'items'? Known: ['answered_on', 'columns', 'currency', 'delimiter', "
        "'drop', 'encoding', 'items', 'missing', 'name', 'timezone', 'wave', 'words'].",
    )


def test_one_respondent_is_enough(files, tmp_path):
    source, asked = files
    source.write_text("V1,V2,S1,S2\n1,2,3,4\n")
    import_bank("survey", source, tmp_path / "bank", questionnaire=str(asked), answered_on="2024-03-31")
    bank = Bank.open(tmp_path / "bank")
    assert bank.sql("select wave, item, score from surveys order by item").fetchall() == [
        ("yearly 2024", "s1", 3.0), ("yearly 2024", "s2", 4.0), ("yearly 2024", "v1", 1.0), ("yearly 2024", "v2", 2.0),
    ]  # fmt: skip


def test_an_earlier_questionnaire_does_not_stay_behind(files, tmp_path):
    source, asked = files
    source.write_text("V1,V2,S1,S2\n1,2,3,4\n")
    import_bank("survey", source, tmp_path / "bank", questionnaire=str(asked), answered_on="2024-03-31")
    assert (tmp_path / "bank" / "questionnaire.yml").is_file()
    columns = [f"{block}{n}" for block, size in {"imag": 5, "expe": 5, "qual": 5, "val": 4, "sat": 4, "loy": 4}.items()
               for n in range(1, size + 1)]  # fmt: skip
    source.write_text(",".join(columns) + "\n" + ",".join("7" for _ in columns) + "\n")
    import_bank("survey", source, tmp_path / "bank", questionnaire="spanish_bank", wave="yearly 2008")
    assert not (tmp_path / "bank" / "questionnaire.yml").exists()
    assert Bank.open(tmp_path / "bank").questionnaire == "spanish_bank"


def test_a_survey_that_follows_no_known_questionnaire_is_refused(files, tmp_path):
    source, asked = files
    import_bank("survey", source, tmp_path / "bank", questionnaire=str(asked), wave_column="Welle")
    facts = tmp_path / "bank" / "bank.yml"
    facts.write_text(facts.read_text().replace("questionnaire: questionnaire.yml\n", ""))
    bank = Bank.open(tmp_path / "bank")
    with pytest.raises(CrmlabError) as refusal:
        questionnaire_of(bank)
    assert str(refusal.value) == (
        "answers names no questionnaire, and its items ['comment', 'nps', 's1', 's2', 'v1'] and 1 more are not those "
        "of "
        "one that is known. Add questionnaire: NAME to bank.yml, or the path of your own file. Known: ['retail_bank', "
        "'spanish_bank']."
    )
    assert questionnaire_of(bank, str(asked)).name == "small"


def test_the_command_imports_the_spanish_survey(real_data, tmp_path, capsys):
    source = real_data / "spanish_bank_survey" / "satisfaction.csv"
    with pytest.raises(SystemExit) as ended:
        main(["import", "survey", str(source), "--questionnaire", "spanish_bank", "--wave", "yearly 2008", "--out",
              str(tmp_path / "bank")])  # fmt: skip
    assert ended.value.code == 0
    assert "wrote    customers 250, surveys 6,750" in capsys.readouterr().out
    bank = Bank.open(tmp_path / "bank")
    assert bank.check().errors == ()
    with source.open(newline="", encoding="utf-8") as handle:
        raw = list(csv.DictReader(handle))
    wide = bank.frame("surveys").pivot_table(index="customer_id", columns="item", values="score")
    assert len(wide) == 250
    for row in raw:
        assert wide.loc[row[""]].to_dict() == {code: float(row[code]) for code in wide}
    assert bank.sql("select count(*) from customers where gender = 'female'").fetchall() == [(148,)]
    # recognised by its items too
    facts = tmp_path / "bank" / "bank.yml"
    facts.write_text(facts.read_text().replace("questionnaire: spanish_bank\n", ""))
    assert questionnaire_of(Bank.open(tmp_path / "bank")).name == "spanish_bank"
