"""The catalogues: everything that is said around findings is translated, and its fields are kept."""

import ast
import re
from pathlib import Path

import pytest

from crmlab.errors import CrmlabError
from crmlab.language import LANGUAGES, Catalogue, catalogue
from crmlab.language.catalogue import parse_po

PACKAGE = Path(__file__).parents[1] / "crmlab"
FIELD = re.compile(r"\{(\w+)\}")


def _in_python(path):
    """Texts handed to a catalogue, and calls whose text cannot be read from the code."""
    found, hidden = [], []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("say", "later")):
            continue
        text = node.args[0]
        if isinstance(text, ast.Constant):
            found.append(text.value)
        elif not (isinstance(text, ast.Call) and "ACT_OF_CHAPTER" in ast.unparse(text)):
            hidden.append(f"{path.name}:{node.lineno}")
    return found, hidden


def _said():
    found, hidden = [], []
    for path in sorted(PACKAGE.rglob("*.py")):
        some, none = _in_python(path)
        found, hidden = found + some, hidden + none
    for path in sorted(PACKAGE.rglob("*.j2")):
        found += [text for _, text in re.findall(r"""\bsay\((['"])(.*?)\1""", path.read_text(encoding="utf-8"))]
    return found, hidden


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_every_text_is_translated_and_no_translation_is_left_over(language):
    found, hidden = _said()
    assert len(found) > 60
    assert hidden == []  # a text put together at run time is in no catalogue
    texts = catalogue(language).texts
    assert sorted(set(found) - set(texts)) == []
    assert sorted(set(texts) - set(found)) == []


@pytest.mark.parametrize("language", [name for name in LANGUAGES if name != "en"])
def test_a_translation_keeps_the_fields_of_its_text(language):
    texts = catalogue(language).texts
    fields = {text: (set(FIELD.findall(text)), set(FIELD.findall(said))) for text, said in texts.items()}
    assert {text: both for text, both in fields.items() if both[0] != both[1]} == {}


def test_chinese_is_chinese():
    texts = catalogue("zh").texts
    assert [text for text, said in texts.items() if not re.search(r"[\u4e00-\u9fff]", said)] == []


def test_a_planted_text_is_found(tmp_path):
    code = tmp_path / "planted.py"
    code.write_text('say("Nobody translated this")\nsay(f"{x} is hidden")\nlater("Later")\n', encoding="utf-8")
    assert _in_python(code) == (["Nobody translated this", "Later"], ["planted.py:2"])


def test_the_reader_of_catalogues():
    text = (
        '# head\nmsgid ""\nmsgstr "Language: zh\\n"\n\n#: a.py:1\nmsgid "One \\"two\\""\nmsgstr ""\n"一"\n"二"\n\n'
        '#, fuzzy\nmsgid "Unsure"\nmsgstr "？"\n\nmsgid "Empty"\nmsgstr ""\n'
    )
    assert parse_po(text) == {'One "two"': "一二"}


def test_english_needs_no_catalogue_and_an_unknown_language_is_refused():
    assert catalogue("en")("{rows} rows", rows=3) == "3 rows"
    assert Catalogue("zh", {})("Not there") == "Not there"
    with pytest.raises(CrmlabError, match=r"language 'zhh' is not known\. There are en, zh\. Did you mean 'zh'\?"):
        catalogue("zhh")
