"""Pages in another language: every text told, figures exchanged, links kept among themselves, numbers as they were."""

import json
from pathlib import Path

import pytest

from crmlab.language import Interpreter
from crmlab.reporting import translating
from crmlab.reporting.decks import link_decks, mark_deck
from crmlab.reporting.glossary import Term, link_terms, told_terms
from crmlab.reporting.translating import english_figures, page_in, remove_translations, told_html, translate_run

TEXTS = {
    "**{what}** is {share} of it.": "**{what}**占 {share}。",
    "the top tier": "最高层级",
    "All questions": "全部问题",
    "See the": "见",
    "glossary": "术语表",
    "Bars of customers.": "客户柱状图。",
    "Skip to the answer": "跳到回答",
    "median": "中位数",
    "The middle value.": "居中的值。",
}


@pytest.fixture
def chinese():
    return Interpreter("zh", TEXTS)


def test_a_sentence_with_marks_is_one_text_and_a_link_is_one_of_its_own(chinese):
    page = '<p><strong>The top tier</strong> is 4.2 % of it. See the <a href="../glossary.html">glossary</a>.</p>'
    told = '<p><strong>最高层级</strong>占 4.2 %。见<a href="../glossary.zh.html">术语表</a>。</p>'
    assert told_html(page, chinese).replace("\u00a0", " ") == told


def test_a_number_held_to_its_unit_is_told_and_held_again():
    tell = Interpreter("zh", {"{share} (95 % interval {interval}) left.": "{share}流失（95 % 区间 {interval}）。"})
    page = "<p>4.2\u00a0% (95\u00a0% interval 4.0 to 4.4\u00a0%) left.</p>"
    told = "<p>4.2\u00a0% 流失（95\u00a0% 区间 4.0 至 4.4\u00a0%）。</p>"
    assert told_html(page, tell) == told


def test_attributes_links_language_and_pictures(chinese):
    page = (
        '<html lang="en"><a class="skip" href="#content">Skip to the answer</a>'
        '<a href="../index.html">All questions</a><a href="presentation/90-en.html">HTML</a>'
        '<img src="data:english" alt="Bars of customers."><a href="data:text/csv;base64,x" download="a.csv">a.csv</a>'
    )
    told = told_html(page, chinese, {"data:english": "data:chinese"})
    assert '<html lang="zh">' in told
    assert '<a class="skip" href="#content">跳到回答</a>' in told
    assert 'href="../index.zh.html">全部问题' in told
    assert 'href="presentation/90-en.html"' in told
    assert '<img src="data:chinese" alt="客户柱状图。">' in told
    assert 'href="data:text/csv;base64,x"' in told


def test_code_styles_and_numbers_stay(chinese):
    page = (
        "<style>p { the top tier }</style><pre><code>the top tier</code></pre><td>EUR 1,204</td><p><code>a_b</code></p>"
    )
    assert told_html(page, chinese) == page


def test_what_cannot_be_told_is_reported(chinese):
    seen = []
    told_html("<p>Nobody wrote this one</p>", chinese, watch=lambda text, left: seen.append((text, tuple(left))))
    assert seen == [("Nobody wrote this one", ("Nobody wrote this one",))]


def test_a_run_names_what_its_pages_keep_in_english(run_folder, capsys):
    (run_folder / "index.html").write_text('<html lang="en"><p>As of</p><p>Nobody wrote this one</p>')
    assert translating.untold(run_folder, translating.teller("zh"), ["index"]) == {
        "Nobody wrote this one": ("index", ("Nobody wrote this one",))
    }
    assert translating.main(str(run_folder), "index") == 1
    assert "stays: Nobody wrote this one" in capsys.readouterr().out


def test_markup_of_the_data_is_no_markup_here_either(chinese):
    assert told_html("<p>&lt;b&gt;the top tier&lt;/b&gt; &amp; more</p>", chinese).count("<b>") == 0


def test_links_to_terms_are_made_anew_in_the_language(chinese):
    (term,) = told_terms([Term("", "median", "The middle value.")], chinese)
    assert (term.term, term.meaning, term.anchor) == ("中位数", "居中的值。", "term-median")
    told = link_terms("<p>资产中位数为 4</p>", [term], address="../glossary.zh.html")
    assert told == (
        '<p>资产<a class="term" href="../glossary.zh.html#term-median" title="居中的值。">中位数</a>为 4</p>'
    )


@pytest.fixture
def run_folder(tmp_path):
    """A run of one question whose figure was drawn in both languages."""
    place = tmp_path / "10_x"
    (place / "figures" / "zh").mkdir(parents=True)
    (place / "figures" / "a.svg").write_text("<svg>english</svg>")
    (place / "figures" / "zh" / "a.svg").write_text("<svg>chinese</svg>")
    figures = [{"name": "a", "file": "figures/a.svg", "languages": {"zh": {"file": "figures/zh/a.svg"}}}]
    (place / "findings.json").write_text(json.dumps({"figures": figures}))
    address = translating._address(place / "figures" / "a.svg")
    body = f'<html lang="en"><p><a href="../index.html">All questions</a></p><img src="{address}" alt="Bars.">'
    (place / "10_x.html").write_text(body)
    index = '<html lang="en"><p>As of</p><!--decks--><!--/decks--><a href="10_x/10_x.html">All questions</a>'
    (tmp_path / "index.html").write_text(index)
    entry = {"name": "10_x", "key": "k1"}
    (tmp_path / "manifest.json").write_text(json.dumps({"questions": [entry]}))
    return tmp_path


def test_every_page_of_a_run_gets_a_copy(run_folder):
    english = (run_folder / "10_x" / "10_x.html").read_text()
    pages = translate_run(run_folder, "zh")
    assert [path.name for path in pages] == ["10_x.zh.html", "index.zh.html"]
    told = (run_folder / "10_x" / "10_x.zh.html").read_text()
    assert translating._address(run_folder / "10_x" / "figures" / "zh" / "a.svg") in told
    assert translating._address(run_folder / "10_x" / "figures" / "a.svg") not in told
    assert 'href="10_x/10_x.zh.html"' in (run_folder / "index.zh.html").read_text()
    assert (run_folder / "10_x" / "10_x.html").read_text() == english
    again = {path: path.read_bytes() for path in pages}
    assert translate_run(run_folder, "zh") == pages  # its own copies are no pages to translate
    assert {path: path.read_bytes() for path in pages} == again
    remove_translations(run_folder, "zh")
    assert not any(path.exists() for path in pages)
    assert english_figures(run_folder, "zh") == []


def test_figures_without_a_chinese_drawing_are_named(run_folder):
    path = run_folder / "10_x" / "findings.json"
    path.write_text(json.dumps({"figures": [{"name": "a", "file": "figures/a.svg"}]}))
    assert english_figures(run_folder, "zh") == ["10_x"]
    translate_run(run_folder, "zh")
    assert (
        translating._address(run_folder / "10_x" / "figures" / "a.svg")
        in (run_folder / "10_x" / "10_x.zh.html").read_text()
    )


def test_a_deck_is_linked_while_it_says_what_the_run_says(run_folder):
    folder = run_folder / "presentation"
    folder.mkdir()
    for ending in ("html", "pptx"):
        (folder / f"90_case-zh.{ending}").write_text("x")
    mark_deck(run_folder, "90_case-zh")
    index = (run_folder / "index.html").read_text()
    assert (
        '<a href="presentation/90_case-zh.html">HTML</a>, <a href="presentation/90_case-zh.pptx">PowerPoint</a>'
        in index
    )
    assert ".pdf" not in index
    (run_folder / "manifest.json").write_text(json.dumps({"questions": [{"name": "10_x", "key": "k2"}]}))
    link_decks(run_folder)
    assert "presentation" not in (run_folder / "index.html").read_text()


def test_pages_are_named_after_their_language():
    assert page_in(Path("a/index.html"), "en") == Path("a/index.html")
    assert page_in(Path("a/index.html"), "zh") == Path("a/index.zh.html")
