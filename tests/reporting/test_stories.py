"""Notebooks that tell a run: asked after all others, anew when an answer changed, never of what is no longer so."""

import json
from types import SimpleNamespace

import pytest

from crmlab.errors import CrmlabError

TELLS = [
    ("markdown", "# What now?\n\n**Decision** what to show\n**Owner** head of CRM\n**Reads** the other answers\n"
                 "**Writes** nothing"),
    ("code", 'run: str = ""  # folder of a run; empty: the newest\nslides_count: int = 15  # slides, count'),
    ("code", "from crmlab.findings import Findings, open_run\nfrom crmlab.story import pages, tell\n\n"
             "told = open_run(run)\nfindings = Findings(told)\nstory = tell(told, most=slides_count)"),
    ("code", "findings.note(pages.about_run(told))\nfindings.figures(pages.figures(story))"),
    ("code", "findings.numbers(pages.numbers(story), pages.labels(story))\nfindings.answer(pages.headline(story))"),
    ("code", "findings.record()"),
]  # fmt: skip


def _story_book(folder):
    made = []
    for place, (kind, text) in enumerate(TELLS):
        cell = {"cell_type": kind, "id": f"s{place}", "metadata": {}, "source": text}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        made.append(cell)
    made[1]["metadata"] = {"tags": ["parameters"]}
    book = {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "90_story.ipynb").write_text(json.dumps(book), encoding="utf-8")


@pytest.fixture
def told(tmp_path, tiny_bank, notebook, run_books):
    """A run of one question and a story, to be asked again: `told.ask(...)`."""
    books = tmp_path / "notebooks"
    notebook(books, "00_regions")
    _story_book(books)

    def ask(*wanted, **how):
        return run_books(tmp_path, tiny_bank, *wanted, out=tmp_path / "out", notebooks=books, **how)

    return SimpleNamespace(ask=ask, first=ask(), books=books, out=tmp_path / "out")


def _story(out):
    return json.loads((out / "90_story" / "findings.json").read_text(encoding="utf-8"))


def test_a_story_reads_what_its_own_run_answered(told):
    assert {name: (r.status, r.reason) for name, r in told.first.results.items()} == {
        "00_regions": ("answered", ""), "90_story": ("answered", ""),
    }  # fmt: skip
    kept = _story(told.out)
    assert kept["notes"] == ["Tiny <Bank> as of 2020-02-29: 1 of 1 questions of this run were answered."]
    assert [n["name"] for n in kept["numbers"]] == ["regions_north_share"]
    assert kept["numbers"][0]["text"] == "50.0 % (95 % interval 40.0 to 60.0 %, n = 60)"
    assert [f["name"] for f in kept["figures"]] == ["regions_regions"]
    assert str(told.out) not in json.dumps(kept)
    manifest = json.loads((told.out / "manifest.json").read_text(encoding="utf-8"))
    assert [q["name"] for q in manifest["questions"]] == ["00_regions", "90_story"]
    assert manifest["questions"][1]["parameters"] == {"run": "", "slides_count": 15}
    first = manifest["questions"][0]
    assert (first["decision"], first["owner"]) == ("where to open a branch", "Sales")


def test_a_story_is_used_again_until_an_answer_changes(told, notebook):
    assert told.ask().results["90_story"].reused
    notebook(told.books, "00_regions", answer='findings.answer("Nobody lives anywhere.")')
    again = told.ask()
    assert not again.results["90_story"].reused
    assert _story(told.out)["answers"][0] != _story(told.out)["notes"][0]
    assert "50.0 %" not in json.dumps(_story(told.out)["answers"])


def test_a_story_that_is_not_asked_for_stands_only_while_its_answers_do(told, notebook):
    manifest = told.out / "manifest.json"

    def standing():
        return [q["name"] for q in json.loads(manifest.read_text(encoding="utf-8"))["questions"]]

    told.ask("00")
    assert standing() == ["00_regions", "90_story"]
    notebook(told.books, "00_regions", answer='findings.answer("Nobody lives anywhere.")')
    told.ask("00")
    assert standing() == ["00_regions"]


def test_a_story_of_failures_says_so(told, notebook):
    notebook(told.books, "00_regions", evidence=["1 / 0"])
    again = told.ask()
    assert {name: r.status for name, r in again.results.items()} == {"00_regions": "failed", "90_story": "answered"}
    assert _story(told.out)["answers"] == ["No question of this run was answered."]
    assert _story(told.out)["notes"] == [
        "Tiny <Bank> as of 2020-02-29: 0 of 1 questions of this run were answered, 1 failed."
    ]


def test_which_run_a_story_reads_is_not_for_the_command_line(told):
    with pytest.raises(CrmlabError) as caught:
        told.ask("90", parameters=["run=elsewhere"])
    assert str(caught.value) == "parameter 'run' is the run itself. In JupyterLab a notebook can read another one."
