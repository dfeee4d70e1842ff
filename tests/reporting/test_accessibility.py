"""The pages held against WCAG 2.1 AA by axe-core, in light, in dark and on a phone; what has the focus is seen."""

import shutil
from types import SimpleNamespace

import pytest

from crmlab.findings import read_run
from crmlab.reporting.summary import write_summary
from crmlab.reporting.translating import translate_run

pytestmark = pytest.mark.browser
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
}
EVIDENCE = """regions = bank.frame("customers", ["customer_id", "region"])
table = regions.groupby("region").size().rename("customers").reset_index().head(top_count)
findings.table("regions", table, caption="Customers by region")
findings.table("again", table, caption="Customers by region")"""
DRAWN = """axes = plt.figure().subplots()
axes.barh(table["region"], table["customers"])
findings.figure("regions", axes, alt="Bars: customers by region.", caption="Customers by region")
findings.note("North **leads** with 30 customers, of `regions`. Their tenure is told by the segment card.")"""
LONG = 'table.assign(a="one long line of code, longer than any phone is wide and than any desk", b="and longer still")'
NUMBERS = """share = Estimate(0.5, unit="share", low=0.4, high=0.6, n=60, method="Wilson")
labels = "abcdefghijklmnopqrstuvwxyz"
told = [findings.number(f"share_{one}", share, label=f"Share {one}") for one in labels]
findings.gap("balances", "this bank has none")
findings.answer(f"{share.text} live in the North.")"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory, tiny_bank, notebook, run_books, truth_page):
    """Every kind of page: of a run with each kind of result, its comparison with an earlier run, and the validation."""
    root = tmp_path_factory.mktemp("accessible")
    notebook(root / "notebooks", "00_regions", evidence=[EVIDENCE, DRAWN, LONG, LONG], answer=NUMBERS)
    notebook(root / "notebooks", "10_broken", evidence=["1 / 0"], title="Broken?")
    notebook(root / "notebooks", "20_lacking", reads="`customers`, `balances`", title="What balances?")
    out = run_books(root, tiny_bank).out
    write_summary(out, read_run(out))
    shutil.copytree(truth_page.parent, out / "validation")
    translate_run(out, "zh")
    return SimpleNamespace(all=sorted(out.rglob("*.html")), question=out / "00_regions" / "00_regions.html")


def _unfold(page):
    """Open what is folded, so that all of it is looked at."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize(("language", "look"), [*(("en", look) for look in LOOKS), ("zh", "light")])
def test_no_page_breaks_a_rule(pages, open_page, broken_rules, language, look):
    chosen = [path for path in pages.all if path.stem.endswith(".zh") == (language == "zh")]
    assert [path.name.split(".")[0] for path in chosen] == [
        "00_regions", "changes", "glossary", "index", "summary", "validation",
    ]  # fmt: skip
    found = {}
    for path in chosen:
        page = open_page(path, **LOOKS[look])
        _unfold(page)
        if broken := broken_rules(page):
            found[path.name] = broken
    assert found == {}


def test_planted_faults_are_found(pages, open_page, broken_rules, tmp_path):
    page = tmp_path / "planted.html"
    text = pages.question.read_text(encoding="utf-8")
    assert "</main>" in text
    planted = '<img src="data:,"><p style="color: #aaa; background: #fff">Grey</p><h6>Deep</h6><a href="#x"></a></main>'
    page.write_text(text.replace("</main>", planted), encoding="utf-8")
    told = broken_rules(open_page(page, color_scheme="light"))
    assert sorted(line.split(":")[0] for line in told) == ["color-contrast", "heading-order", "image-alt", "link-name"]


FOCUSED = """() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(one => one / 255);
    const [r, g, b] = parts.map(one => one <= .03928 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const has = document.activeElement, style = getComputedStyle(has);
  let around = has.parentElement;
  while (getComputedStyle(around).backgroundColor === "rgba(0, 0, 0, 0)") around = around.parentElement;
  const both = [light(style.outlineColor), light(getComputedStyle(around).backgroundColor)].sort((a, b) => b - a);
  return {
    kind: has.className.split(" ")[0] || has.localName, width: parseFloat(style.outlineWidth),
    drawn: style.outlineStyle, contrast: (both[0] + .05) / (both[1] + .05), left: has.getBoundingClientRect().left,
  };
}"""


@pytest.mark.parametrize("look", LOOKS)
def test_what_has_the_focus_is_seen(pages, open_page, look):
    page = open_page(pages.question, **LOOKS[look])
    _unfold(page)
    told = []
    while len(told) < 100:
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
        told.append(page.evaluate(FOCUSED))
    assert told[0]["kind"] == "skip"
    assert {one["kind"] for one in told} == {"skip", "a", "summary", "scroll", "pre", "term"}
    # the least that WCAG 2.1 asks for (1.4.11), and nothing out of sight
    assert [one for one in told if not (one["drawn"] == "solid" and one["width"] >= 3 and one["contrast"] >= 3)] == []
    assert [one for one in told if one["left"] < 0] == []


def test_the_first_link_skips_to_the_answer(pages, open_page):
    page = open_page(pages.question)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
