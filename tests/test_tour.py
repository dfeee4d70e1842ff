"""The README's ten minutes: its mapping and its commands, on an extract with other names, signs and dates."""

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from crmlab.bank import Bank
from crmlab.cli import _cli
from crmlab.findings import read_run

ROOT = Path(__file__).parents[1]
TOUR = (ROOT / "README.md").read_text(encoding="utf-8").split("## Ten minutes with your own data")[1].split("\n## ")[0]
MAPPING = re.search(r"```yaml\n(.*?)```", TOUR, re.DOTALL)[1]
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TOUR, re.DOTALL) for line in block.splitlines()]


@pytest.fixture
def extract(small_bank, tmp_path):
    """A bank's extract as its host writes it: four kinds of files, semicolons, German dates and signs."""
    folder = tmp_path / "extract"
    folder.mkdir()
    (folder / "bank.yml").write_text(MAPPING, encoding="utf-8")
    bank = Bank.open(small_bank)
    names = {table: told["columns"] for table, told in yaml.safe_load(MAPPING)["tables"].items()}
    source = {
        table: {column: told["from"] if isinstance(told, dict) else told for column, told in columns.items()}
        for table, columns in names.items()
    }
    frames = {table: bank.frame(table, list(columns)).rename(columns=columns) for table, columns in source.items()}
    clients = frames["customers"]
    for column in ("CLIENT_SINCE", "CLIENT_UNTIL", "BORN"):
        clients[column] = clients[column].astype("datetime64[ns]").dt.strftime("%d.%m.%Y")
    clients["SEX"] = clients["SEX"].map({"female": "F", "male": "M"})
    clients.to_csv(folder / "clients.csv", sep=";", index=False)
    frames["products"].to_csv(folder / "tariffs.csv", index=False)
    frames["accounts"].to_csv(folder / "contracts.csv", index=False)
    saldo = frames["balances"].assign(
        SALDO=lambda t: t["SALDO"].astype("float64").map("{:.2f}".format).str.replace(".", ",")
    )
    for year, rows in saldo.groupby(saldo["MONTH"].astype("str").str[:4]):
        rows.to_csv(folder / f"saldo_{year}.csv", index=False, sep=";")
    return folder


@pytest.mark.slow
def test_the_tour_of_the_readme_works_as_written(extract, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns("scratch", ".ipynb*"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert [shlex.split(line)[:2] for line in COMMANDS] == [
        ["crmlab", word] for word in ("check", "run", "run", "new", "run", "present")
    ]
    for line in COMMANDS:
        arguments = shlex.split(line)[1:]
        if arguments[0] in ("run", "new"):
            arguments += ["--notebooks", str(tmp_path / "notebooks")]
        done = CliRunner().invoke(_cli, arguments, env={**os.environ, "COLUMNS": "140"})
        assert done.exit_code == 0, f"{line}\n{done.output}"
    run = read_run(tmp_path / "reports" / "mine")
    assert run.name == "Our bank"
    assert {question.name[:2]: question.status for question in run.questions} == {
        "00": "answered", "01": "answered", "10": "answered", "40": "answered"
    }  # fmt: skip
    assert next(q for q in run.questions if q.name.startswith("10")).parameters["peer_quantile"] == 0.9
    decks = sorted(path.suffix for path in (run.folder / "presentation").iterdir())
    assert {".html", ".pptx"} <= set(decks)
    index = (run.folder / "index.html").read_text(encoding="utf-8")
    assert "presentation/case_study-zh.pptx" in index
