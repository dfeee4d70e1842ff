"""The deck held against WCAG 2.1 AA by axe-core, and led through by the keys of a keyboard."""

import importlib

import pytest

from crmlab.presenting import present

pytestmark = pytest.mark.browser
LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}},
}
NOW = "document.querySelector('.slide.now').id"


@pytest.fixture
def deck(run_folder, monkeypatch):
    """Writes the HTML deck of the made-up run, without its PDF: `deck("zh")`."""
    module = importlib.import_module("crmlab.presenting.present")  # its function has the same name
    monkeypatch.setattr(module, "print_pdf", lambda page, target: "not here")
    return lambda language="en": present(run_folder, language=language).files[0]


@pytest.mark.parametrize(("language", "look"), [("en", "light"), ("en", "phone"), ("zh", "dark")])
def test_no_slide_breaks_a_rule(deck, open_page, broken_rules, language, look):
    page = open_page(deck(language), **LOOKS[look])
    slides, found = page.locator(".slide").count(), {}
    assert slides > 8
    page.keyboard.press("End")
    for number in range(slides, 0, -1):
        assert page.evaluate(NOW) == f"s{number}"
        if broken := broken_rules(page):
            found[number] = broken
        page.keyboard.press("ArrowLeft")
    for key in ("s", "ArrowRight"):  # the speaker notes of the cover and of a slide
        page.keyboard.press(key)
        if broken := broken_rules(page):
            found[key] = broken
    assert found == {}


def test_a_planted_fault_is_found(deck, open_page, broken_rules):
    page = open_page(deck(), color_scheme="light")
    assert broken_rules(page) == []
    page.keyboard.press("ArrowRight")
    page.evaluate("document.querySelector('.slide.now h1').style.color = '#ccc'")
    assert [line.split(":")[0] for line in broken_rules(page)] == ["color-contrast"]


def test_keys_reach_every_slide_and_scroll_the_notes(deck, open_page):
    page = open_page(deck(), viewport={"width": 640, "height": 300})
    last = f"s{page.locator('.slide').count()}"
    seen = []
    for key in ("End", "ArrowLeft", "Home", "ArrowRight", "PageDown", "Space", "Shift+Space"):
        page.keyboard.press(key)
        seen.append(page.evaluate(NOW))
    assert seen == [last, f"s{int(last[1:]) - 1}", "s1", "s2", "s3", "s4", "s3"]
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body")  # nothing hidden takes the focus
    page.keyboard.press("s")
    page.evaluate("document.querySelector('.notes.now').append(...Array.from({length: 40}, () => "
                  "Object.assign(document.createElement('p'), {textContent: 'More.'})))")  # fmt: skip
    page.keyboard.press("Tab")
    focused = page.locator(".notes.now:focus")
    assert focused.evaluate("has => getComputedStyle(has).outline").endswith("solid 3px")
    page.keyboard.press("PageDown")
    page.wait_for_function("document.activeElement.scrollTop > 0")
    assert page.evaluate(NOW) == "s3"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(NOW) == "s4"
