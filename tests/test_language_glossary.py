"""The glossary in other languages: every row is told, with its names, numbers and code."""

import re
from collections import Counter
from pathlib import Path

import pytest

from crmlab.language import LANGUAGES, Interpreter
from crmlab.language.gathering import GLOSSARY, gathered, lacking, written
from crmlab.language.messages import glossary_rows
from crmlab.reporting.glossary import Term, link_terms, told_terms

ROOT = Path(__file__).parents[1]
OTHERS = [language for language in LANGUAGES if language != "en"]
ROWS = glossary_rows((ROOT / "GLOSSARY.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_of_the_glossary_is_untold_or_left_over(language):
    assert len(ROWS) > 200
    kept = written(language)
    elsewhere = {text for part, texts in kept.items() if part != GLOSSARY for text in texts}  # code says it too
    rows = {text: "GLOSSARY.md" for row in ROWS for text in row if text not in elsewhere}
    assert lacking({GLOSSARY: rows}, kept) == {}
    assert sorted(kept[GLOSSARY].keys() - {text for row in ROWS for text in row}) == []


def test_a_changed_meaning_is_found(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (tmp_path / "GLOSSARY.md").write_text(
        "# Glossary\n\n## Time\n| term | meaning |\n|---|---|\n| as of (`as_of`) | Another day. |\n", encoding="utf-8"
    )
    wanted = gathered(package, tmp_path / "notebooks")
    assert list(wanted[GLOSSARY]) == ["Time", "as of (`as_of`)", "Another day."]
    assert lacking(wanted, written("zh")) == {GLOSSARY: ["Another day."]}


@pytest.mark.parametrize("language", OTHERS)
def test_names_numbers_and_code_of_a_row_are_kept(language):
    told = {text: said for texts in written(language).values() for text, said in texts.items()}

    def kept(text):
        numbers = Counter(found.rstrip(".,") for found in re.findall(r"\.?\d[\d,.]*", text))
        return numbers, Counter(re.findall(r"`[^`]*`", text))

    assert [text for row in ROWS for text in row if kept(text) != kept(told[text] or text)] == []
    words = {term: (Term("", term, "").words, Term("", told[term] or term, "").words) for _, term, _ in ROWS}
    assert {term: both for term, both in words.items() if len(both[0]) != len(both[1])} == {}


def test_terms_are_linked_by_their_told_names():
    tell = Interpreter(
        "zh", {"active, dwell (`d`)": "活跃、停留期（`d`）", "A stay. Long.": "停留。很久。", "Time": "时间"}
    )
    terms = told_terms([Term("Time", "active, dwell (`d`)", "A stay. Long.")], tell)
    assert terms == (Term("时间", "停留期", "停留。很久。", "term-active-dwell-d"),)
    link = '<a class="term" href="g#term-active-dwell-d" title="停留。">停留期</a>'
    assert link_terms("<p>活跃客户的停留期。</p>", terms, address="g") == f"<p>活跃客户的{link}。</p>"
