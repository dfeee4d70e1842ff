"""The story: what is told, in which order, and that nothing is told which no finding says."""

import json
import re

import pytest

from crmlab.errors import CrmlabError
from crmlab.findings import read_run
from crmlab.story import pages, tell
from crmlab.story.choosing import messages, number_for, quoted
from crmlab.story.sentences import blocks, sentences


def _told(folder, **how):
    return tell(read_run(folder), **how)


def _texts(scene):
    table = [text for row in (scene.table.headers, *scene.table.rows) for text in row] if scene.table else []
    return [scene.title, *scene.points, *table, scene.source]


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def test_the_arc_is_kept(run_folder):
    story = _told(run_folder)
    acts = list(dict.fromkeys(scene.act for scene in story.scenes))
    assert acts == [
        "Case study", "Summary", "The bank and its customers", "Who stays and who leaves", "What customers are worth",
        "What to do, segment by segment", "What is at stake, and to be won", "Challenges", "Next steps", "Appendix",
    ]  # fmt: skip


def test_every_number_is_a_text_of_the_run(run_folder):
    kept = " ".join(path.read_text(encoding="utf-8") for path in run_folder.rglob("findings.json"))
    manifest = json.loads((run_folder / "manifest.json").read_text(encoding="utf-8"))
    known = set(NUMBER.findall(f"{kept} {json.dumps(manifest)} 30 June 2024 1,000"))
    known |= {"95"}  # the level in a header
    counted = {"Challenges"}  # how many questions, lists, owners: counts of the run itself
    for scene in _told(run_folder).scenes:
        if scene.act not in counted:
            written = {number for text in _texts(scene) for number in NUMBER.findall(text)}
            assert written - known == set(), scene.title


def test_the_counts_of_the_challenges_are_those_of_the_run(made_up, asked, tmp_path):
    folder = made_up(tmp_path / "r", asked.base, asked.leaving, failed=[("50_x", "broke")])
    scene = next(scene for scene in _told(folder).scenes if scene.act == "Challenges")
    assert [row[1] for row in scene.table.rows] == [
        "Questions answered: 2 of 3; points left open: 1; rows set aside: 3 of 1,000",
        "Lists of customers: 1; with a group held out: 1",
        "Intervals that hold 0: 1 of 5",
        "Owners who share the decisions: 1",
    ]


def test_what_is_not_sure_is_told_as_such_or_not_at_all(run_folder):
    story = _told(run_folder)
    titles = [scene.title for scene in story.main]
    assert "A card may earn EUR 900" not in titles  # its interval holds 0
    money = next(scene for scene in story.scenes if scene.act == "What is at stake, and to be won")
    assert money.title == "Net gain of calling: EUR 12,400"
    assert [(row[1], row[4]) for row in money.table.rows] == [
        ("EUR 12,400", "yes"),
        ("EUR 900.00", "no; no budget on it yet"),
    ]  # fmt: skip  what a customer is worth is a level: neither won nor lost
    assert not any("99,000" in text for scene in story.scenes for text in _texts(scene))  # the naive look


def test_a_gap_is_told_in_the_appendix_only(run_folder):
    story = _told(run_folder)
    assert [scene.title for scene in story.scenes if any("nobody asked them" in text for text in _texts(scene))] == [
        "What could not be told"
    ]


def test_a_sentence_stays_with_what_takes_it_back():
    said = "A card goes with EUR 900. The interval reaches below 0, so no budget can be founded on it yet. Try it."
    assert blocks(said) == [
        "A card goes with EUR 900. The interval reaches below 0, so no budget can be founded on it yet.", "Try it.",
    ]  # fmt: skip
    for scene_points in (blocks("He fell by 2.5 %. That may be chance. 3 rose."),):
        assert scene_points == ["He fell by 2.5 %. That may be chance.", "3 rose."]


def test_sentences_end_at_sentence_ends():
    said = "It is EUR 2.5 million, e.g. for **Savers** (n = 9). 3 of 4 stay! 满意度为71.1。升高了。"
    assert sentences(said) == [
        "It is EUR 2.5 million, e.g. for Savers (n = 9).", "3 of 4 stay!", "满意度为71.1。", "升高了。",
    ]  # fmt: skip


def test_a_number_is_matched_whole(asked, made_up, tmp_path):
    one = asked.number("one", "Worked", 1.0, "count", n=None)
    five = asked.number("effect", "Effect", 5.02, "points", 2.87, 7.16)
    folder = made_up(tmp_path / "r", asked.question("10_a", "Q?", ["A."], [one, five]))
    numbers = read_run(folder).questions[0].numbers
    assert quoted("16 of 21 paths, 1.5 points, 1,000", numbers) == []
    assert [n.name for n in quoted("1 of 3 worked: by 5.0 points (2.9 to 7.2)", numbers)] == ["one", "effect"]
    assert quoted("5.0 points (3.0 to 7.2)", numbers) == []  # another interval is another number
    assert number_for("1 of 3 worked: by 5.0 points (2.9 to 7.2)", numbers).name == "effect"


def test_the_headline_leads_and_each_message_is_told_once(run_folder):
    leaving = read_run(run_folder).questions[1]
    found = messages(leaving)
    assert [message.title for message in found if message.is_lead] == ["8.1 % of customers leave in a year"]
    titles = [scene.title for scene in _told(run_folder).scenes if scene.figure]
    assert len(titles) == len(set(titles))


def test_only_some_questions_can_be_told(run_folder):
    story = _told(run_folder, only=["41"])
    assert {scene.question for scene in story.scenes if scene.question} == {"41_worth"}
    with pytest.raises(CrmlabError) as caught:
        _told(run_folder, only=["42_worth"], most=3)
    assert str(caught.value) == (
        "2 problems:\n"
        "- question '42_worth' is not in this run. There are 00_base, 31_leaving, 41_worth. Did you mean '41_worth'?\n"
        "- most=3 scenes are too few for a case. Give 10 or more."
    )


def test_many_questions_keep_within_the_room(made_up, asked, tmp_path):
    many = []
    for chapter in range(1, 9):
        for place in range(3):
            value = 0.2 + 0.01 * chapter + 0.001 * place
            kept = asked.number("share", "A share", value, "share", value - 0.01, value + 0.01)
            title = f"{kept['short']} do it"
            name = f"{chapter}{place}_question"
            many.append(asked.question(name, f"Q{chapter}{place}?", [f"{title}."], [kept], titles=(title,)))
    story = _told(made_up(tmp_path / "r", *many))
    assert len(story.main) <= 15
    assert {scene.question[0] for scene in story.evidence} == set("12345678")


def test_plain_counts_fill_up_only_a_short_story(made_up, asked, tmp_path):
    counts = [asked.number(f"count_{n}", f"Count {n}", 300.0 + n, "count", n=None, method="") for n in range(9)]
    titles = tuple(f"{kept['short']} of one kind" for kept in counts)
    one = asked.question("10_counts", "How many?", ["300 of one kind."], counts, titles=titles, readings=titles)
    story = _told(made_up(tmp_path / "r", one))
    assert len(story.main) == 10
    assert story.evidence[0].title == "300 of one kind"


def test_a_figure_that_is_a_page_of_its_own_leads_no_slide(made_up, asked, tmp_path):
    folder = made_up(tmp_path / "r", asked.worth)
    tall = '<svg viewBox="0 0 500 900" xmlns="http://www.w3.org/2000/svg"></svg>'  # points: 12.5 inches high
    (folder / "41_worth" / "figures" / "slides" / "figure_0.svg").write_text(tall, encoding="utf-8")
    worth = read_run(folder).questions[0]
    assert worth.figures[0].inches == pytest.approx((500 / 72, 12.5))
    assert [message.title for message in messages(worth)] == [
        "A customer is worth EUR 1,310 (EUR 1,280 to EUR 1,340, n = 1,000) in five years"
    ]


def test_a_question_without_figure_and_with_one_sentence_gets_no_empty_slide(made_up, asked, tmp_path):
    short = asked.question("32_back", "Whom to win back?", ["There is nobody to win back."], (), titles=())
    long = asked.question("10_base", "Who?", ["Half are new. A third has a card."], (), titles=())
    story = _told(made_up(tmp_path / "r", short, long))
    assert [scene.title for scene in story.main if scene.question] == ["Half are new"]
    assert all(scene.points or scene.figure or scene.table for scene in story.main)


def test_a_run_with_nothing_answered_still_tells_that(made_up, tmp_path):
    story = _told(made_up(tmp_path / "r", failed=[("10_x", "cell 3 broke.")], lacking=[("20_y", "needs surveys")]))
    assert [scene.title for scene in story.main] == [
        "Made-up Bank: what we learned, and what to do", "No question of this run was answered",
    ]  # fmt: skip
    assert story.missing == ("10_x failed: cell 3 broke.",)
    opened = next(scene for scene in story.scenes if scene.title == "What could not be told")
    assert opened.table.rows == (("10_x?", "failed: cell 3 broke."), ("20_y?", "needs surveys"))


def test_a_story_in_chinese_chooses_the_same_and_changes_no_number(run_folder):
    english, chinese = _told(run_folder), _told(run_folder, language="zh")
    assert chinese.scenes[0].title == "Made-up Bank：我们了解到什么，该做什么"
    assert [scene.question for scene in english.scenes] == [scene.question for scene in chinese.scenes]
    for one, other in zip(english.evidence, chinese.evidence, strict=True):
        digits = [[sorted(filter(str.isdigit, text)) for text in scene.points] for scene in (one, other)]
        assert digits[0] == digits[1]
        assert (one.number.value, one.number.low, one.number.high) == (
            other.number.value, other.number.low, other.number.high
        )  # fmt: skip
        assert "95 % 区间" in other.source


def test_the_pages_of_the_notebook(run_folder):
    run = read_run(run_folder)
    story = tell(run)
    assert pages.about_run(run) == "Made-up Bank as of 2024-06-30: 3 of 3 questions of this run were answered."
    assert pages.worth(story) == (
        "At stake: Net gain of calling: EUR 12,400 (EUR 3,100 to EUR 21,700). Named, but not sure to differ from 0: 1."
    )
    assert pages.headline(story).startswith("50.0 % live in the North (95 % interval 46.9 to 53.1 %, n = 1,000).")
    assert pages.numbers(story)["leaving_leaving_share"].text == "8.1 % (95 % interval 7.0 to 9.2 %, n = 1,000)"
    frame = pages.weighed(story)
    assert not frame.loc[frame["message"] == "A card may earn EUR 900", "is_told"].item()
    assert frame.loc[frame["message"] == "A card may earn EUR 900", "weight"].item() == 0
    assert list(pages.table_of(story, "Next steps").columns) == ["Step", "Owner", "Measured by, today"]
    assert pages.table_of(story, "No such act").empty
