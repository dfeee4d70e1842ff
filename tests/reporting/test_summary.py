"""The summary of a run and its comparison with an earlier one: made-up runs with hand-computed changes."""

import json

import pytest

from crmlab.errors import CrmlabError
from crmlab.findings.reading import read_run
from crmlab.reporting.changes import changes_between, refuse_other_banks
from crmlab.reporting.summary import chosen_lines, write_summary
from crmlab.stats import Estimate

FACTS = {
    "bank": "Tiny Bank", "currency": "EUR", "simulated": False, "fingerprint": "f" * 8, "rows_read": 1,
    "rows_set_aside": 0, "versions": {"crmlab": "0.1.0", "python": "3.11"}, "commit": "", "dirty": False,
}  # fmt: skip


def _written(key, found):
    texts = {"short": found.short, "interval": found.interval, "text": found.text}
    return {"name": key, "label": key.capitalize(), **found.as_dict(), **texts}


def _run(folder, day, numbers, **facts):
    """A run with one question a chapter; each says its first number in its answer."""
    questions = []
    for name, estimates in numbers.items():
        kept = [_written(key, estimate) for key, estimate in estimates.items()]
        (folder / name).mkdir(parents=True)
        found = {"notebook": name, "answers": [f"It is {kept[0]['text']}."], "numbers": kept}
        found |= {kind: [] for kind in ("notes", "figures", "tables", "actions", "models", "gaps")}
        (folder / name / "findings.json").write_text(json.dumps(found), encoding="utf-8")
        (folder / name / "notebook.ipynb").write_text(json.dumps({"cells": []}), encoding="utf-8")
        told = {"name": name, "question": f"What of {name}?", "status": "answered", "page": f"{name}/{name}.html"}
        questions.append({**told, "reason": "", "parameters": {}, "owner": "head", "decision": "d"})
    questions.append({"name": "80_open", "question": "What is open?", "status": "not_answered",
                      "reason": "needs surveys", "page": "", "parameters": {}})  # fmt: skip
    told = {**FACTS, "as_of": day, **facts, "questions": questions}
    (folder / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    return read_run(folder)


def _share(value, half):
    return Estimate(value, "share", value - half, value + half, 100)


@pytest.fixture
def runs(tmp_path):
    before = _run(tmp_path / "a", "2024-06-30", {
        "10_x": {"rate": _share(0.10, 0.03)}, "20_y": {"rate": _share(0.50, 0.04), "gone": _share(0.1, 0.01)},
    })  # fmt: skip
    now = _run(tmp_path / "b", "2024-12-31", {
        "10_x": {"rate": _share(0.16, 0.04)}, "20_y": {"rate": _share(0.45, 0.04), "count": Estimate(7.0, "count")},
    })  # fmt: skip
    return before, now


def test_a_change_is_beyond_chance_where_zero_lies_outside_its_interval(runs):
    found = changes_between(*runs)
    # .06 against sqrt(.04^2 + .03^2) = .05: beyond; -.05 against sqrt(.04^2 + .04^2) = .0566: within
    assert [(c.now.name, c.text, c.is_beyond_chance) for c in found] == [
        ("rate", "+6.0 percentage points", True), ("rate", "-5.0 percentage points", False),
    ]  # fmt: skip


def test_the_summary_tells_answers_changes_and_what_is_open(runs, tmp_path):
    before, now = runs
    written = write_summary(now.folder, before)
    assert [path.name for path in written] == ["summary.html", "summary.txt", "changes.html"]
    text = (now.folder / "summary.txt").read_text(encoding="utf-8")
    assert text.startswith("Tiny Bank: CRM report as of 2024-12-31\n2 of 3 questions answered.\n\nWhat of 10_x?\n")
    assert "Rate: +6.0 percentage points since 2024-06-30, beyond chance." in text
    assert "- What is open? needs surveys" in text
    page = (now.folder / "summary.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    assert 'href="10_x/10_x.html"' in page
    assert "change -5.0 percentage points, within chance" in page
    changes = (now.folder / "changes.html").read_text(encoding="utf-8")
    assert "2 numbers are in both runs; 1 changed beyond chance." in changes
    write_summary(now.folder)
    assert not (now.folder / "changes.html").exists()


def test_every_chapter_comes_before_a_second_answer_of_one(tmp_path):
    numbers = {f"1{i}_x": {"rate": _share(0.5, 0.01)} for i in range(8)} | {"30_z": {"rate": _share(0.01, 0.5)}}
    lines = chosen_lines(_run(tmp_path / "run", "2024-12-31", numbers), most=3)
    assert [line.question.name for line in lines] == ["10_x", "11_x", "30_z"]


def test_a_run_of_another_bank_or_a_later_day_is_refused(runs):
    with pytest.raises(CrmlabError) as refused:
        refuse_other_banks(runs[1], "Other", "USD", "2024-06-30")
    where = f"--previous {str(runs[1].folder)!r}"
    assert refused.value.problems == (
        f"{where} is of 'Tiny Bank', this run of 'Other'. Name an earlier run of the same bank.",
        f"{where} is in EUR, this run in USD. Compare runs of one currency.",
        f"{where} speaks from 2024-12-31, this run from 2024-06-30. Name a run of an earlier day.",
    )
