"""`crmlab check`: everything at once, the exit status, the quarantine file, and what can be answered."""

from __future__ import annotations

import duckdb
import nbformat
import pytest

from crmlab.cli import main

CUSTOMERS = "customer_id,joined_on,region\n1,2020-01-01,=1+1\n2,2020-13-01,North\n"


@pytest.fixture
def notebooks(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name, title, reads in (
        ("00_base", "Who are they?", "`customers` or `snapshot`; if present `balances`"),
        ("30_churn", "Who leaves?", "`customers`, `transactions`"),
    ):
        notebook = nbformat.v4.new_notebook()
        notebook.cells = [
            nbformat.v4.new_markdown_cell(f"# {title}\n**Decision** x\n**Owner** y\n**Reads** {reads}\n**Writes** z"),
            nbformat.v4.new_code_cell('source: str = "data"  # bank', metadata={"tags": ["parameters"]}),
        ]
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


def run(capsys, *arguments) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main(["check", *map(str, arguments)])
    captured = capsys.readouterr()
    return end.value.code or 0, captured.out + captured.err


def test_a_broken_bank_exits_with_1(tmp_path, notebooks, capsys):
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "customers.csv").write_text(CUSTOMERS)
    target = tmp_path / "out" / "broken.parquet"
    code, text = run(capsys, tmp_path / "bank", "--quarantine", target, "--notebooks", notebooks)
    assert code == 1
    assert "1 rule of the contract broken" in text
    assert "1 row holds an impossible date" in text
    assert "customers.joined_on" in text
    assert "spreadsheet" in text
    assert f"Broken rows: {target}" in text
    assert duckdb.sql(f"""SELECT "row", rules FROM '{target}'""").fetchall() == [(2, "joined_on: impossible date")]
    answers = [" ".join(line.replace("│", " ").split()) for line in text.splitlines() if "?" in line]
    assert answers == ["yes 00_base: Who are they? in part: balances", "no 30_churn: Who leaves? transactions"]
    assert "1 of 2 questions can be answered." in text


def test_a_sound_bank_exits_with_0(small_bank, notebooks, capsys, tmp_path):
    code, text = run(capsys, small_bank, "--notebooks", notebooks, "--quarantine", tmp_path / "none.csv")
    assert code == 0
    assert "Every rule of the contract holds." in text
    assert "No row is broken, so no quarantine file was written." in text
    assert "2 of 2 questions can be answered." in text


def test_as_of_tells_what_lies_ahead(tmp_path, notebooks, capsys):
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "customers.csv").write_text("customer_id,joined_on\n1,2020-01-01\n2,2020-03-01\n")
    code, text = run(capsys, tmp_path / "bank", "--as-of", "2020-02-01", "--notebooks", notebooks)
    assert code == 0
    assert "1 row becomes known after 2020-02-01" in text
    code, text = run(capsys, tmp_path / "bank", "--as-of", "2021-02-01", "--notebooks", notebooks)
    assert code == 2
    assert text.splitlines()[-1] == (
        "crmlab: as_of 2021-02-01 lies after the last day known. The rows span 2020-01-01 to 2020-03-01;"
        " choose a day in it."
    )


def test_an_unreadable_table_is_told_beside_the_others(tmp_path, notebooks, capsys):
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "bank" / "surveys.csv").write_text("")
    code, text = run(capsys, tmp_path / "bank", "--notebooks", notebooks)
    assert code == 1
    assert "2 rules of the contract broken" in text
    assert "surveys.csv is empty: it has 0 bytes." in text
    assert "impossible date" in text
    assert "Which questions can be answered cannot be told before every table can be read." in text


def test_refusals_exit_with_2(tmp_path, capsys):
    code, text = run(capsys, tmp_path / "nothing")
    assert code == 2
    assert text == (
        f"crmlab: source '{tmp_path}/nothing' does not exist."
        " Give a folder of Parquet or CSV files, a DuckDB file or a bank.yml.\n"
    )
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    code, text = run(capsys, tmp_path, "--quarantine", tmp_path / "broken.xlsx")
    assert code == 2
    assert text.splitlines()[-1] == (
        f"crmlab: quarantine '{tmp_path}/broken.xlsx' is neither .parquet nor .csv. Give the file one of these endings."
    )
