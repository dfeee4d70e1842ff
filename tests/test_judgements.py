"""The file of experts' judgements: read, checked, and its example honest."""

from pathlib import Path

import pytest

from crmlab.bank.judgements import read_judgements
from crmlab.errors import CrmlabError

ROOT = Path(__file__).parents[1]


def written(tmp_path, text):
    path = tmp_path / "asked.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_with_numbers_and_fractions(tmp_path):
    path = written(
        tmp_path, "about: Three heads,\n  May\nis_example: false\njudges:\n  a:\n    - [x, y, 3]\n    - [y, z, 1/5]\n"
    )
    found = read_judgements(path)
    assert (found.about, found.is_example) == ("Three heads, May", False)
    assert found.judges == {"a": {("x", "y"): 3.0, ("y", "z"): 0.2}}


def test_every_problem_is_told_at_once(tmp_path):
    path = written(
        tmp_path,
        "about: x\nis_example: maybe\njugdes: 1\njudges:\n  a:\n    - [x, y]\n    - [x, y, 12]\n    - [x, y, 2]\n"
        "    - [x, y, 3]\n",
    )
    with pytest.raises(CrmlabError) as refused:
        read_judgements(path)
    assert refused.value.problems == (
        "asked.yml: key 'jugdes' is not known. Known: about, is_example, judges.",
        "asked.yml: is_example is 'maybe'. Write true or false.",
        "asked.yml, a: ['x', 'y'] is no judgement. Write [first, second, times], times from 1/9 to 9.",
        "asked.yml, a: ['x', 'y', '12'] is no judgement. Write [first, second, times], times from 1/9 to 9.",
        "asked.yml, a: x against y stands there twice. Keep one.",
    )


def test_a_missing_file_and_missing_keys_are_told(tmp_path):
    with pytest.raises(CrmlabError, match=r"judgements '.*none.yml' does not exist"):
        read_judgements(tmp_path / "none.yml")
    with pytest.raises(CrmlabError) as refused:
        read_judgements(written(tmp_path, "about: x\njudges: everybody\n"))
    assert refused.value.problems == (
        "asked.yml: key 'is_example' is missing. Add it.",
        "asked.yml: judges is no list of names. Write each judge, and below it the judgements.",
    )


def test_the_example_says_that_it_is_one(monkeypatch):
    monkeypatch.chdir(ROOT / "notebooks")  # a relative path is found from a folder inside the project
    found = read_judgements("data/judgements/retail_bank.yml")
    assert found.is_example
    assert {len(pairs) for pairs in found.judges.values()} == {15}  # 6 x 5 / 2
