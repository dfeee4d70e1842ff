"""A bank of 60 customers and small notebooks over it: they run in seconds."""

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

SETUP = """import matplotlib.pyplot as plt

from crmlab.bank import Bank
from crmlab.findings import Findings
from crmlab.stats import Estimate

bank = Bank.open(source).as_of(as_of)
findings = Findings(bank)"""
PARAMETERS = """source: str = "data/simulated"  # bank to read
as_of: str = ""  # YYYY-MM-DD; empty: the last day known
top_count: int = 3  # regions shown, count"""
EVIDENCE = """regions = bank.frame("customers", ["customer_id", "region"])
table = regions.groupby("region").size().rename("customers").reset_index().head(top_count)
findings.table("regions", table, caption="Customers by region")"""
FIGURE = """axes = plt.figure().subplots()
axes.barh(table["region"], table["customers"])
axes.set(xlabel="customers, count", ylabel="region")
findings.figure("regions", axes, alt="Bars: customers by region.", caption="Customers by region")
findings.note("North **leads** with <b>30</b> customers.")"""
ANSWER = """share = Estimate(0.5, unit="share", low=0.4, high=0.6, n=60, method="Wilson")
findings.number("north_share", share, label="Customers in the North")
findings.gap("balances", "this bank has none")
findings.answer(f"{share.text} live in the North.")"""


def cells(*, evidence=(EVIDENCE, FIGURE), answer=ANSWER, reads="`customers`; if present `balances`", title="Where?"):
    """Cells of a small notebook in the usual order."""
    title = f"# {title}\n\n**Decision** where to open a branch\n**Owner** Sales\n**Reads** {reads}\n**Writes** regions"
    parts = [
        ("markdown", title), ("code", PARAMETERS), ("code", SETUP),
        ("markdown", "## Method\n\nCounts. <script>alert(1)</script> ![x](http://example.org/x.png)"),
        ("markdown", "## Evidence\n\n### Who lives where?"), *(("code", text) for text in evidence),
        ("markdown", "## Answer"), ("code", answer), ("markdown", "## Limits\n\nNone."), ("code", "findings.record()"),
    ]  # fmt: skip
    made = []
    for number, (kind, text) in enumerate(parts):
        cell = {"cell_type": kind, "id": f"c{number}", "metadata": {}, "source": text}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        if text is PARAMETERS:
            cell["metadata"] = {"tags": ["parameters"]}
        made.append(cell)
    return made


def write_notebook(folder: Path, name: str, made=None, **how) -> Path:
    """Write a small notebook."""
    book = {"cells": made or cells(**how), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def notebook():
    """Writes a notebook: `notebook(folder, name, evidence=[...], answer=..., reads=..., title=...)`."""
    return write_notebook


@pytest.fixture(scope="session")
def tiny_bank(tmp_path_factory) -> Path:
    """60 customers with ids like A0001, half of them in the North, and one account each."""
    folder = tmp_path_factory.mktemp("data") / "tiny"
    folder.mkdir()
    ids = [f"A{number:04}" for number in range(60)]
    customers = pd.DataFrame({"customer_id": ids, "joined_on": "2020-01-31"})
    customers["region"] = ["North"] * 30 + ["South"] * 18 + ["West & <East>"] * 12
    customers.to_csv(folder / "customers.csv", index=False)
    products = pd.DataFrame({"product_id": ["p"], "product_name": ["Current"], "family": ["current"]})
    products.to_csv(folder / "products.csv", index=False)
    accounts = pd.DataFrame(
        {"account_id": [f"{7000000 + n}" for n in range(60)], "customer_id": ids, "product_id": "p"}
    ).assign(opened_on="2020-02-29")
    accounts.to_csv(folder / "accounts.csv", index=False)
    (folder / "bank.yml").write_text("name: Tiny <Bank>\ncurrency: EUR\ntimezone: Europe/Prague\n", encoding="utf-8")
    return folder


class Silent:
    """A watcher that keeps what it is told."""

    def __init__(self):
        self.cells, self.ended = {}, {}

    def begins(self, name, cells):
        self.cells[name] = cells

    def reaches(self, name, cell):
        assert 0 <= cell < self.cells[name]

    def ends(self, result):
        self.ended[result.name] = result


def run_notebooks(root, source, *wanted, out=None, notebooks=None, fresh=False, jobs=2, **how):
    """Plan and run; gives the summary, the watcher and the folder of the run."""
    from crmlab.reporting.plan import make_plan
    from crmlab.reporting.runner import run

    out, books = out or root / "out", notebooks or root / "notebooks"
    plan = make_plan(root, source=str(source), out=str(out), wanted=wanted, notebooks=str(books), jobs=jobs, **how)
    watcher = Silent()
    summary = run(plan, watcher, fresh=fresh)
    return SimpleNamespace(summary=summary, results={r.name: r for r in summary.results}, watcher=watcher, out=out)


@pytest.fixture(scope="session")
def run_books():
    """Plans and runs notebooks: `run_books(root, source, *wanted, out=..., notebooks=...)`."""
    return run_notebooks


@pytest.fixture
def ask(tiny_bank, tmp_path):
    """Plan and run the notebooks in `tmp_path / "notebooks"` over the tiny bank."""
    return partial(run_notebooks, tmp_path, tiny_bank)


@pytest.fixture(scope="session")
def site(tmp_path_factory, tiny_bank):
    """One run: a question answered, one that breaks, one whose data are missing, and one that shows an identifier."""
    root = tmp_path_factory.mktemp("site")
    books = root / "notebooks"
    calls = 'findings.actions("calls", regions[["customer_id"]].assign(reason="=1+1"))'
    write_notebook(books, "00_regions", evidence=[EVIDENCE, FIGURE, calls, "print('noise')"])
    write_notebook(books, "10_broken", evidence=["# a comment\nregions = 1\n1 / 0"], title="Broken?")
    write_notebook(books, "20_lacking", reads="`customers`, `balances` or `snapshot`", title="What balances?")
    write_notebook(books, "30_leaking", answer='findings.answer("Call A0007.")', title="Whom to call?")
    done = run_notebooks(root, tiny_bank)
    return SimpleNamespace(**vars(done), root=root, books=books, ask=partial(run_notebooks, root, tiny_bank))


@pytest.fixture(scope="session")
def truth_page(tmp_path_factory):
    """A validation page of many claims, some with long words."""
    from crmlab.reporting.validation_page import write_validation
    from crmlab.stats import Estimate
    from crmlab.validation.check import Part, Validation
    from crmlab.validation.claims import Claim
    from crmlab.validation.planted import Topic

    folder = tmp_path_factory.mktemp("validation")
    found = Estimate(1_234_567.0, unit="EUR", low=1_000_000.0, high=1_500_000.0, n=12_345, method="bootstrap")
    how = "Sum of every customer's true chances to leave in the year, of the customers at its start."
    claims = [Claim("10_x", f"n{i}", f"Room up to the upper level, {i}", found, 1.1e6 + 1e5 * i, how) for i in range(6)]
    unknown = Claim("10_x", "u", "Assets", found, None, "No planted number states it.")
    parts = Part("10_x", "How is wealth spread?", "", (*claims, unknown)), Part("", "Hazard", "Counts.", tuple(claims))
    planted = (Topic("Hazard", "Each month a chance.", (("closing · satisfaction", "-0.4"),)),)
    facts = {
        "bank": "Simulated bank", "currency": "EUR", "simulated": True, "as_of": "2024-12-31", "fingerprint": "f" * 32,
        "rows_read": 1, "rows_set_aside": 0, "commit": "", "dirty": False,
        "versions": {"crmlab": "0.1.0", "python": "3.11.7"},
    }  # fmt: skip
    about = {"name": "validation", "question": "Does the kit recover the truth?", "decision": "d", "owner": "o",
             "parameters": [], "facts": facts}  # fmt: skip
    validation = Validation(parts[:1], parts[1:], planted, ("duplicates: some people have two customer numbers",))
    return write_validation(folder, about, validation, SimpleNamespace(name="Simulated bank", currency="EUR"))
