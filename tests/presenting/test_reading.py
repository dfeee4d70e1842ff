"""A run read back."""

import json

import pytest

from crmlab.errors import CrmlabError
from crmlab.findings import read_run
from crmlab.findings.reading import newest_run


def _refusal(act) -> str:
    with pytest.raises(CrmlabError) as caught:
        act()
    return str(caught.value)


def test_everything_a_question_handed_on_is_there(run_folder):
    run = read_run(run_folder)
    assert (run.name, run.currency, run.facts["as_of"]) == ("Made-up Bank", "EUR", "2024-06-30")
    assert [q.name for q in run.questions] == ["00_base", "31_leaving", "41_worth"]
    leaving = run.questions[1]
    assert (leaving.chapter, leaving.owner, leaving.limits) == (
        "3",
        "head of retention",
        ("Only what is known.", "Nothing else."),
    )
    gain = leaving.numbers[1]
    assert (gain.short, gain.interval, gain.n, gain.is_sure, gain.is_money) == (
        "EUR 12,400", "EUR 3,100 to EUR 21,700", 1000, True, True,
    )  # fmt: skip
    assert not leaving.numbers[2].is_sure
    figure = leaving.figures[0]
    assert (figure.name, figure.title, figure.ending) == (
        "leaving_figure_0",
        "8.1 % of customers leave in a year",
        "svg",
    )
    assert figure.pixels.startswith(b"\x89PNG")
    assert leaving.tables[0].rows[0] == ("Savers", "Term deposit", "branch", "talk", "left: 8.1 %")


def test_what_is_no_run_is_refused(tmp_path):
    away = tmp_path / "away"
    assert _refusal(lambda: read_run(away)) == (
        f"run {str(away)!r} is not a folder. Give the folder that crmlab run names at its end."
    )
    assert _refusal(lambda: read_run(tmp_path)) == (
        f"run {str(tmp_path)!r} holds no manifest.json. Give a folder that crmlab run has filled."
    )
    (tmp_path / "manifest.json").write_text("[]", encoding="utf-8")
    assert _refusal(lambda: read_run(tmp_path)) == (
        f"run {str(tmp_path)!r}: its manifest.json cannot be read. Run it again: crmlab run."
    )
    assert _refusal(lambda: newest_run(away)) == (f"reports folder {str(away)!r} holds no run. Make one: crmlab run.")


def test_a_damaged_answer_counts_as_failed(run_folder):
    (run_folder / "31_leaving" / "findings.json").write_text("{", encoding="utf-8")
    damaged = read_run(run_folder).questions[1]
    assert (damaged.status, damaged.reason) == (
        "failed", "what it left cannot be read (JSONDecodeError); run it again",
    )  # fmt: skip


def test_a_run_without_pictures_for_slides_is_read_too(run_folder):
    for path in run_folder.rglob("slides/*"):
        path.unlink()
    figure = read_run(run_folder).questions[0].figures[0]
    assert (figure.ending, figure.pixels) == ("svg", b"")


def test_failed_and_lacking_questions_keep_their_reason(made_up, asked, tmp_path):
    run = read_run(
        made_up(tmp_path / "r", asked.base, failed=[("10_x", "cell 3 broke")], lacking=[("20_y", "needs surveys")])
    )
    assert [(q.name, q.reason) for q in run.having("failed")] == [("10_x", "cell 3 broke")]
    assert [(q.name, q.reason) for q in run.having("not_answered")] == [("20_y", "needs surveys")]


def test_the_newest_run_is_found(made_up, asked, tmp_path):
    import os

    for name, age in (("old", 100), ("new", 200)):
        made_up(tmp_path / name, asked.base)
        os.utime(tmp_path / name / "manifest.json", (age, age))
    assert newest_run(tmp_path) == tmp_path / "new"
    assert json.loads((tmp_path / "new" / "manifest.json").read_text())["bank"] == "Made-up Bank"
