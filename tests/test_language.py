"""The catalogues: everything that people read is told, every wording once, and its fields are kept."""

import re
from collections import Counter
from pathlib import Path

import pytest

from crmlab.errors import CrmlabError
from crmlab.language import LANGUAGES, catalogue, day_text, say
from crmlab.language.catalogue import parse_po
from crmlab.language.gathering import WORDS, gathered, lacking, left_over, written
from crmlab.language.messages import in_code, in_notebook
from crmlab.language.patterns import pattern

ROOT = Path(__file__).parents[1]
OTHERS = [name for name in LANGUAGES if name != "en"]


@pytest.fixture(scope="module")
def wanted():
    return gathered(ROOT / "crmlab", ROOT / "notebooks")


@pytest.mark.parametrize("language", OTHERS)
def test_every_wording_of_code_and_notebooks_is_told(wanted, language):
    assert sum(map(len, wanted.values())) > 3_000
    assert lacking(wanted, written(language)) == {}, "python -m crmlab.language.gathering writes what is missing"


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_left_over(wanted, language):
    assert left_over(wanted, written(language)) == {}


@pytest.mark.parametrize("language", OTHERS)
def test_a_wording_stands_in_one_catalogue(language):
    count = Counter(text for texts in written(language).values() for text in texts)
    assert [text for text, times in count.items() if times > 1] == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_keeps_the_fields_of_its_wording(language):
    wrong = {}
    for text, told in catalogue(language).items():
        fields, kept = set(pattern(text).fields), set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", told))
        if fields != kept:
            wrong[text] = (fields, kept)
    assert wrong == {}


def test_a_translation_changes_no_number():
    number = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
    months = r"January|February|March|April|May|June|July|August|September|October|November|December"
    wrong = {}
    for text, told in catalogue("zh").items():
        fixed, said = (re.sub(r"\{[^}]*\}", " ", one) for one in (text, told))
        if not re.search(months, fixed) and not set(number.findall(fixed)) <= set(number.findall(said)):
            wrong[text] = told
    assert wrong == {}


def test_a_planted_wording_is_found(tmp_path):
    code = tmp_path / "pages.py"
    code.write_text('def said(n):\n    """No wording."""\n    refuse("Not this.")\n    return f"{n:,} planted texts"\n')
    book = tmp_path / "10_x.ipynb"
    book.write_text('{"cells": [{"cell_type": "markdown", "source": ["# Who planted?"]}]}')
    assert in_code(code.read_text()) == ["{n:,} planted texts"]
    assert in_notebook(book) == ["Who planted?"]
    there = gathered(ROOT / "crmlab", tmp_path)
    assert lacking(there, written("zh")) == {"10_x": ["Who planted?"]}
    assert "planted" in left_over({}, {"planted": {"Gone for good": "已不存在"}})
    assert left_over({}, {f"{WORDS}-x": {"left": "已离开"}}) == {}


def test_the_reader_of_catalogues():
    text = (
        '# head\nmsgid ""\nmsgstr "Language: zh\\n"\n\n#: a.py:1\nmsgid "One \\"two\\""\nmsgstr ""\n"一"\n"二"\n\n'
        '#, fuzzy\nmsgid "Unsure"\nmsgstr "？"\n\nmsgid "Empty"\nmsgstr ""\n'
    )
    assert parse_po(text) == {'One "two"': "一二"}
    assert parse_po(text, empty=True) == {'One "two"': "一二", "Empty": ""}


def test_english_needs_no_catalogue_and_an_unknown_language_is_refused():
    assert say("{rows} rows", rows=3) == "3 rows"
    assert catalogue("en") == {}
    assert day_text("2025-02-03") == "3 February 2025"
    with pytest.raises(CrmlabError, match=r"language 'zhh' is not known\. There are en, zh\. Did you mean 'zh'\?"):
        catalogue("zhh")
