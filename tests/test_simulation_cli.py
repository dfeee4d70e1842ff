"""`crmlab simulate`: what it prints, replaces and refuses."""

from __future__ import annotations

import pytest

from crmlab.cli import main


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["simulate", *arguments])
    return end.value.code


def test_it_writes_a_bank_and_says_what(tmp_path, capsys):
    assert _run("--customers", "20", "--months", "2", "--out", str(tmp_path / "bank")) == 0
    told = capsys.readouterr().out
    for table in ("customers", "products", "accounts", "balances", "transactions", "interactions", "digital_events"):
        assert table in told
    assert "seconds" in told
    assert (tmp_path / "bank" / "bank.yml").is_file()


def test_it_replaces_its_own_bank_without_force(tmp_path):
    place = str(tmp_path / "bank")
    _run("--customers", "20", "--months", "2", "--out", place)
    (tmp_path / "bank" / "notes.txt").write_text("mine", encoding="utf-8")
    assert _run("--customers", "10", "--months", "1", "--out", place) == 0
    assert (tmp_path / "bank" / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert len(list((tmp_path / "bank" / "transactions").iterdir())) == 1


def test_it_refuses_a_folder_of_others_unless_forced(tmp_path, capsys):
    (tmp_path / "letters.txt").write_text("mine", encoding="utf-8")
    assert _run("--customers", "0", "--months", "0", "--out", str(tmp_path)) == 2
    assert capsys.readouterr().err == (
        "crmlab: 3 problems:\n"
        "- customers: 0 is below 1. Give the number of customers on the first day.\n"
        "- months: 0 is outside 1 to 600. Give the number of months from January 2023 on.\n"
        f"- out: {tmp_path} holds files that crmlab simulate did not write. Choose another folder, or add --force.\n"
    )
    assert _run("--customers", "5", "--months", "1", "--out", str(tmp_path), "--force") == 0
    assert (tmp_path / "letters.txt").exists()
