"""The validation page of a simulated bank: what was found against what is true, never in the way of the report."""

import json
import re
import shutil
from types import SimpleNamespace

import pytest
import yaml

from crmlab.errors import CrmlabError
from crmlab.reporting.guard import identifiers_among, readable

COUNTS = """seen = bank.frame("customers", ["customer_id", "joined_on", "left_on"])
here = int(seen["left_on"].isna().sum())"""
NUMBERS = """findings.number("customers", Estimate(float(here), unit="count"), label="Customers")
findings.number("left_share", Estimate(0.9, unit="share", low=0.85, high=0.95, n=300, method="Wilson"), label="Left")
findings.number("active_share", Estimate(0.5, unit="share", low=0.4, high=0.6, n=300, method="Wilson"), label="Active")
findings.answer(f"{here} customers.")"""
OTHER = """findings.number("thing", Estimate(0.5, unit="share", low=0.4, high=0.6, n=300), label="A <b>thing</b>")
findings.answer("A thing.")"""


@pytest.fixture(scope="module")
def own_bank(small_bank, tmp_path_factory):
    """A copy of the small bank, so that its truth may be changed."""
    return shutil.copytree(small_bank, tmp_path_factory.mktemp("own") / "bank")


@pytest.fixture(scope="module")
def validated(own_bank, notebook, run_books, tmp_path_factory):
    """One run of two small notebooks: one right count, one interval far off, numbers of unknown truth."""
    root = tmp_path_factory.mktemp("validated")
    notebook(root / "notebooks", "00_customer_base", evidence=[COUNTS], answer=NUMBERS, reads="`customers`")
    notebook(root / "notebooks", "99_other", evidence=[COUNTS], answer=OTHER, reads="`customers`", title="Other?")

    def ask(*wanted, source=own_bank, **how):
        return run_books(root, source, *wanted, **how)

    return SimpleNamespace(**vars(ask()), root=root, ask=ask)


@pytest.fixture
def copy(validated, tmp_path):
    """The run's folder once more, for tests that change it."""
    return shutil.copytree(validated.out, tmp_path / "copy")


@pytest.fixture(scope="module")
def page(validated):
    text = (validated.out / "validation" / "validation.html").read_text(encoding="utf-8")
    return text.replace("\u00a0", " ")


def test_the_run_ends_with_the_validation(validated):
    result = validated.summary.validation
    assert (result.status, result.reason, result.page) == ("answered", "", "validation/validation.html")
    assert "validation" in validated.watcher.ended
    assert [r.name for r in validated.summary.results] == ["00_customer_base", "99_other"]
    assert re.fullmatch(
        r"\d+ of \d+ intervals? at 95 % holds? the true value; [\d.]+ were to be expected.", result.headline
    )
    assert any("Left (90.0 %; true " in sentence for sentence in result.further)


def test_the_index_says_that_the_bank_is_simulated_and_leads_to_the_page(validated):
    index = (validated.out / "index.html").read_text(encoding="utf-8")
    assert "<strong>This bank is simulated.</strong>" in index
    assert index.count('href="validation/validation.html"') == 2
    assert validated.summary.validation.headline in index.replace("\u00a0", " ")


def test_a_right_count_a_miss_and_reasons_are_told(page):
    part = page[page.index('id="notebooks"') : page.index('id="limits"')].split('id="textbooks"')[0]
    rows = dict(re.findall(r'<th scope="row">(.+?)<small>.*?<td class="verdict">(\w+)</td>', part))
    assert rows == {"Customers": "yes", "Left": "missed"}
    assert "<strong>Active.</strong> Whether a customer acts" in page
    assert "<strong>A &lt;b&gt;thing&lt;/b&gt;.</strong> nobody has registered yet what is true of it" in page
    assert "1 of 2 hold the truth." in page


def test_the_planted_values_stand_there(page, own_bank):
    planted = yaml.safe_load((own_bank / "truth" / "parameters.yml").read_text(encoding="utf-8"))
    paths = planted["opinions"]["paths"]["loyalty"]
    for source, value in paths.items():
        assert f'<th scope="row">paths · loyalty · {source}</th><td class="right">{value:.4g}</td>' in page


def test_the_page_keeps_the_rules_of_pages(page, own_bank):
    from crmlab.bank import Bank

    assert "default-src 'none'" in page
    assert re.findall(r'(?:src|href)="(?!data:|#|\.\./)', page) == []
    assert all(alt.strip() for alt in re.findall(r'<img [^>]*alt="([^"]*)"', page))
    assert page.count("<img ") == 1
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    bank = Bank.open(own_bank)
    assert bank.fingerprint in page
    assert identifiers_among(set(re.findall(r"[\w-]+", "\n".join(readable(page)))), bank) == []


def test_every_claim_is_kept_in_full(validated):
    kept = json.loads((validated.out / "validation" / "claims.json").read_text(encoding="utf-8"))
    assert [(c["name"], c["is_held"]) for c in kept if c["question"][:2].isdigit()] == [
        ("customers", True), ("left_share", False), ("active_share", None), ("thing", None),
    ]  # fmt: skip


def test_the_manifest_tells_of_it(validated):
    told = json.loads((validated.out / "manifest.json").read_text(encoding="utf-8"))
    assert told["simulated"] is True
    assert told["validation"]["status"] == "answered"
    assert told["validation"]["page"] == "validation/validation.html"
    assert told["validation"]["seconds"] > 0
    assert [q["name"] for q in told["questions"]] == ["00_customer_base", "99_other"]


def test_unchanged_it_is_used_again(validated, copy):
    before = (copy / "validation" / "result.json").stat().st_mtime_ns
    again = validated.ask(out=copy)
    assert again.summary.validation.reused
    assert (copy / "validation" / "result.json").stat().st_mtime_ns == before


def test_a_single_question_asked_again_keeps_the_others_on_the_page(validated, copy):
    again = validated.ask("99", out=copy)
    assert again.summary.validation.reused


def test_a_single_question_in_a_new_report_is_all_the_page_covers(validated, tmp_path):
    alone = validated.ask("99", out=tmp_path / "alone")
    text = (alone.out / "validation" / "validation.html").read_text(encoding="utf-8")
    assert "../99_other/99_other.html" in text
    assert "00_customer_base" not in text


def test_a_fresh_run_gives_the_same_bytes(validated, tmp_path):
    fresh = validated.ask(out=tmp_path / "fresh")
    assert not fresh.summary.validation.reused
    for path in sorted((validated.out / "validation").rglob("*")):
        if path.is_file() and path.name != "result.json":
            other = fresh.out / "validation" / path.relative_to(validated.out / "validation")
            assert other.read_bytes() == path.read_bytes(), path.name


def test_a_failure_is_told_and_hurts_no_answer(validated, copy, own_bank):
    file = own_bank / "truth" / "parameters.yml"
    whole = file.read_text(encoding="utf-8")
    try:
        file.write_text("{}\n", encoding="utf-8")
        again = validated.ask(out=copy)
    finally:
        file.write_text(whole, encoding="utf-8")
    result = again.summary.validation
    assert result.status == "failed"
    assert result.reason == "KeyError: 'leaving'. See validation/log.txt for the whole trace."
    assert again.summary.failed == (result,)
    assert [r.status for r in again.summary.results] == ["answered", "answered"]
    index = (copy / "index.html").read_text(encoding="utf-8")
    assert "validation.html" not in index
    assert "The answers above do not depend on it." in index
    assert "KeyError" in (copy / "validation" / "log.txt").read_text(encoding="utf-8")
    assert not (copy / "validation" / "validation.html").exists()


def test_without_its_truth_a_simulated_bank_gets_no_page_and_no_dead_link(validated, copy, own_bank, tmp_path):
    bank = shutil.copytree(own_bank, tmp_path / "bank", ignore=shutil.ignore_patterns("truth"))
    again = validated.ask(out=copy, source=bank)
    assert again.summary.validation is None
    assert not (copy / "validation").exists()
    index = (copy / "index.html").read_text(encoding="utf-8")
    assert "<strong>This bank is simulated.</strong>" in index
    assert "validation.html" not in index


def test_a_real_bank_gets_no_page(site):
    assert site.summary.validation is None
    assert not (site.out / "validation").exists()
    index = (site.out / "index.html").read_text(encoding="utf-8")
    assert "simulated" not in re.sub(r"<style>.*?</style>", "", index, flags=re.DOTALL)
    assert "validation" not in index
    assert "validation" not in json.loads((site.out / "manifest.json").read_text(encoding="utf-8"))


def test_no_notebook_may_take_the_name_of_the_page(validated, notebook, tmp_path):
    books = notebook(tmp_path / "books", "validation").parent
    with pytest.raises(CrmlabError) as caught:
        validated.ask(out=tmp_path / "never", notebooks=books)
    assert str(caught.value) == "notebook 'validation': its name is taken by the validation page. Give it another."
