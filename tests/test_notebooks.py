"""Every notebook by glob: its form, and what it answers on a small bank through the production runner."""

import json
import os
import re
from pathlib import Path

import pytest

from crmlab.bank import Bank
from crmlab.reporting.form import form_problems
from crmlab.reporting.plan import make_plan
from crmlab.reporting.questions import question
from crmlab.reporting.runner import run
from crmlab.simulation import simulate
from crmlab.validation.registry import registered

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]


# names of methods, codes and columns, the same in every language
KEPT_IN_ENGLISH = {
    "Aalen", "Brier", "CUPED", "Dirichlet", "Dixon", "HTMT", "Haenszel", "Holm", "Jaccard", "Johansen", "Johnson",
    "LightGBM", "MICOM", "Mantel", "Newcombe", "Poisson", "Student", "Tukey", "Welch", "Wilson", "means",
}  # fmt: skip


class _Silent:
    def begins(self, name, cells):
        pass

    def reaches(self, name, cell):
        pass

    def ends(self, result):
        pass


def _run(bank, out, wanted=()):
    jobs = min(2, os.cpu_count() or 1)
    return run(make_plan(ROOT, source=str(bank), out=str(out), jobs=jobs, wanted=wanted), _Silent())


@pytest.fixture(scope="module")
def first(small_bank, tmp_path_factory):
    return _run(small_bank, tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def second(small_bank, tmp_path_factory):
    return _run(small_bank, tmp_path_factory.mktemp("second"))


def _findings(summary, name):
    return (summary.index.parent / name / "findings.json").read_bytes()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_the_form_is_kept(path):
    assert form_problems(path) == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_question_is_answered_on_the_simulated_bank(first, name):
    result = next(r for r in first.results if r.name == name)
    assert (result.status, result.reason) == ("answered", "")
    kept = json.loads(_findings(first, name))
    assert kept["answers"]
    assert kept["numbers"]
    assert kept["figures"]
    outside = [
        n["name"] for n in kept["numbers"]
        if n["value"] is None
        or (n["unit"] == "share" and not -1 <= n["value"] <= 1)
        or (n["unit"] == "count" and n["value"] < 0)
        or (n["name"].startswith(("index_", "system_index_")) and not 0 <= n["value"] <= 100)
        or (n["name"] == "nps" and not -100 <= n["value"] <= 100)
        or (n["low"] is not None and not n["low"] <= n["value"] <= n["high"])
    ]  # fmt: skip
    assert outside == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_what_is_true_of_each_number_is_registered(first, name):
    numbers = [number["name"] for number in json.loads(_findings(first, name))["numbers"]]
    wrong = {number: len(registered(name, number)) for number in numbers if len(registered(name, number)) != 1}
    assert wrong == {}, f"register in crmlab/validation/answers what is true of each number of {name}, or why none is"


@pytest.mark.slow
def test_the_answers_are_held_against_the_truth(first):
    assert (first.validation.status, first.validation.reason) == ("answered", "")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_two_runs_find_the_same(first, second, name):
    assert _findings(first, name) == _findings(second, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_no_identifier_of_the_bank_is_on_a_page(first, small_bank, name):
    bank = Bank.open(small_bank)
    html = (first.index.parent / name / f"{name}.html").read_text(encoding="utf-8")
    text = re.sub(r'src="data:[^"]*"', "", html) + first.index.read_text(encoding="utf-8")
    tokens = set(re.findall(r"[\w-]+", text))
    for table, column in (("customers", "customer_id"), ("accounts", "account_id"), ("transactions", "transaction_id")):
        rows = bank.sql(f"SELECT DISTINCT {column} FROM {table}")
        ids = {one for (one,) in rows.fetchall()}
        assert len(ids) > 100
        assert tokens & ids == set(), table


@pytest.mark.slow
@pytest.mark.parametrize(("customers", "months"), [(1, 1), (60, 1)], ids=["one customer", "one month"])
def test_a_bank_with_hardly_any_data_is_answered_too(tmp_path, customers, months):
    bank = Bank.open(simulate(tmp_path / "bank", customers=customers, months=months).folder)
    summary = _run(tmp_path / "bank", tmp_path / "report")
    # one customer in one month answered no survey: a question that needs one says so
    lacking = {path.stem: question(path).needs.missing(bank) for path in NOTEBOOKS}
    assert [(r.name, r.status, r.reason) for r in summary.results] == [
        (name, "not_answered", f"needs {lacking[name]}") if lacking[name] else (name, "answered", "") for name in NAMES
    ]
    assert set(lacking.values()) <= {"", "surveys"}


@pytest.mark.slow
def test_the_report_of_a_spoiled_bank_tells_every_kind_of_defect(tmp_path):
    folder = simulate(tmp_path / "bank", customers=1000, months=24, seed=1, plant="all").folder
    summary = _run(folder, tmp_path / "report", wanted=["00_customer_base"])
    kept = json.loads(_findings(summary, "00_customer_base"))
    told = json.dumps([table for table in kept["tables"] if table["name"] == "mend_first"])
    kinds = {
        "broken rule", "campaign arms", "coding", "joiners", "leak", "look-alikes", "scale", "silent table",
        "test customers", "unit",
    }  # fmt: skip
    assert {kind for kind in kinds if kind not in told} == set()
    alarms = next(number for number in kept["numbers"] if number["name"] == "alarms")
    assert alarms["value"] >= len(kinds)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_deck_of_the_run_is_whole_and_its_numbers_are_those_of_the_findings(first, language, monkeypatch):
    pytest.importorskip("pptx", reason="python-pptx is not installed")
    from crmlab.findings import read_run
    from crmlab.findings.telling import teller
    from crmlab.presenting import pdf, present
    from crmlab.presenting.slides import BOXES, lay_out
    from crmlab.story import tell

    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    folder = first.index.parent
    done = present(folder, language=language)
    assert done.missing == ()
    assert 10 <= done.slides <= 15
    slides = lay_out(tell(read_run(folder), language=language), teller(language))
    assert [s.title for s in slides if not (s.figure or s.table or s.texts)] == []
    assert [s.title for s in slides if s.table and sum(s.table.heights) > BOXES["table"].h] == []
    number = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
    kept = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("findings.json"))
    kept += (folder / "manifest.json").read_text(encoding="utf-8")
    known = set(number.findall(kept.replace("\\u2212", "-")))
    shown = {
        one for slide in slides if slide.figure for text in (slide.title, *slide.texts) for one in number.findall(text)
    }
    if language == "zh":  # months have names in English
        shown -= {str(month) for month in range(1, 13)}
    assert shown - known == set()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_on_the_slides_of_the_run_is_clipped(first, language, clipped):
    from crmlab.presenting import present

    assert clipped(present(first.index.parent, language=language).files[0]) == []


@pytest.mark.slow
def test_every_text_of_the_run_is_told_in_chinese(first):
    from crmlab.findings import read_run
    from crmlab.findings.telling import teller
    from crmlab.reporting.translating import english_figures, translate_run, untold
    from crmlab.story import tell

    folder, chinese = first.index.parent, teller("zh")
    pages = translate_run(folder, "zh")
    assert len(pages) == len(NAMES) + len(("index", "summary", "glossary", "validation"))
    stays = untold(folder, chinese)
    for scene in tell(read_run(folder)).scenes:
        table = (*scene.table.headers, *(cell for row in scene.table.rows for cell in row)) if scene.table else ()
        for text in (scene.act, scene.title, scene.source, *scene.points, *scene.notes, *table):
            if left := chinese.left(text):
                stays.setdefault(text, left)
    assert stays == {}, "python -m crmlab.reporting.translating names them; write them into crmlab/language/zh"
    assert english_figures(folder, "zh") == []


@pytest.mark.slow
def test_no_digit_of_the_run_changes_with_the_language(first):
    from crmlab.findings.telling import teller

    months = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)(?= \d{4})"
    chinese, wrong, count = teller("zh"), {}, 0
    for name in NAMES:
        kept = json.loads(_findings(first, name))
        drawn = [figure[key] for figure in kept["figures"] for key in ("title", "about", "alt")]
        for text in (*kept["answers"], *kept["notes"], *drawn, *(number["text"] for number in kept["numbers"])):
            told = re.sub(r"(?<=年)\d{1,2}月", "", chinese(text)) if re.search(months, text) else chinese(text)
            count += 1
            if sorted(filter(str.isdigit, text)) != sorted(filter(str.isdigit, told)):
                wrong[text] = told
    assert count > 400
    assert wrong == {}


@pytest.mark.slow
def test_the_texts_drawn_in_figures_are_told_in_chinese(first):
    from crmlab.charts.style import faces

    if len(faces()) == 1:
        pytest.skip("no font with Chinese glyphs is installed; Debian: fonts-wqy-microhei")
    words = {
        word
        for name in NAMES
        for figure in json.loads(_findings(first, name))["figures"] if "zh" in figure.get("languages", {})
        for text in figure["languages"]["zh"]["words"]
        for word in re.findall(r"[A-Za-z]{4,}", text)
    }  # fmt: skip
    assert words <= KEPT_IN_ENGLISH, words - KEPT_IN_ENGLISH
