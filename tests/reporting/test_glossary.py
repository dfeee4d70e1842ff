"""The glossary: read as it stands, linked once a term, only in prose."""

from pathlib import Path

from crmlab.reporting.glossary import Term, link_terms, read_glossary, write_glossary

ROOT = Path(__file__).parents[2]
TERMS = (
    Term("A", "share of wallet", "What part."),
    Term("A", "wallet", "All of it."),
    Term("B", "reach, span (`x`)", "Far."),
)


def test_our_own_glossary_is_read_whole():
    terms = read_glossary(ROOT / "GLOSSARY.md")
    rows = [line for line in (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    heads = sum(line.startswith("| term |") for line in rows)
    assert len(terms) == len(rows) - heads > 100
    assert [
        term.term for term in terms if not term.meaning or not term.section or not (term.words or term.term == "n")
    ] == []
    assert len({term.anchor for term in terms}) == len(terms)


def test_each_term_is_linked_once_the_longest_name_first():
    html = "<p>Share of wallet, then wallet and wallets, reach; spans.</p><p>Wallet</p>"
    linked = link_terms(html, TERMS)
    assert linked.count("<a ") == 3
    assert 'title="What part.">Share of wallet</a>, then <a' in linked
    assert 'title="All of it.">wallet</a> and wallets' in linked
    assert linked.endswith("<p>Wallet</p>")


def test_headings_code_links_tables_and_attributes_are_left_alone():
    html = (
        '<h2>Wallet</h2><p><code>wallet</code> <a href="x">wallet</a> <img alt="wallet"> my-wallet</p>'
        "<table><tr><td><p>wallet</p></td></tr></table><footer><p>wallet</p></footer>"
    )
    assert link_terms(html, TERMS) == html
    assert link_terms("<p>wallet</p>", ()) == "<p>wallet</p>"


def test_a_meaning_becomes_a_short_tip_without_marks():
    long = Term("", "x", "See [the **page**](y.md) for `n`. More.")
    assert long.tip == "See the page for n."
    assert len(Term("", "x", "word " * 90).tip) <= 164


def test_no_glossary_no_page(tmp_path):
    assert read_glossary(tmp_path / "GLOSSARY.md") == ()
    assert write_glossary(tmp_path, ()) is None
    page = write_glossary(tmp_path, TERMS).read_text(encoding="utf-8")
    assert page.count("<dt>") == 3
    assert 'id="term-share-of-wallet"' in page
