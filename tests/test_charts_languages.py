"""Figures in another language: the same chart, every text told as it is written, nothing else changed."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.text import Text

from crmlab import charts
from crmlab.charts.speech import redraw, told
from crmlab.findings.pictures import drawn_words, render
from crmlab.language import Interpreter

CHINESE = Interpreter("zh", {
    "Savings": "储蓄", "Current": "活期", "Customers": "客户占比", "Half hold savings": "一半客户持有储蓄",
    "Share of customers; n = {n:,}": "客户占比；n = {n}", "Staff training in listening": "员工倾听培训", "true": "真正",
    "says, does": "有言有行",
})  # fmt: skip
FRAME = pd.DataFrame({"family": ["Savings", "Current"], "share": [0.5, 0.2], "low": [0.4, 0.1], "high": [0.6, 0.3]})
NAMES = {"label": "family", "value": "share", "low": "low", "high": "high", "quantity": "Customers", "unit": "share"}


@pytest.fixture
def figure():
    drawn = charts.dots(
        FRAME, title="Half hold savings", subtitle="Share of customers; n = 1,200", **NAMES
    ).get_figure()
    yield drawn
    plt.close(drawn)


def test_every_text_is_told_and_every_number_stays(figure, legible):
    legible("客户")
    english = drawn_words(figure)
    with redraw(figure, CHINESE) as again:
        render(again)
        words = drawn_words(again)
    assert {"储蓄", "活期", "客户占比（%）", "一半客户持有储蓄", "客户占比；n = 1,200"} <= set(words)
    assert [word for word in english if word[0].isdigit()] == [word for word in words if word[0].isdigit()]
    assert again.crmlab_said == ("一半客户持有储蓄", "客户占比；n = 1,200")


def test_the_first_figure_and_matplotlib_are_left_as_they_were(figure):
    before, write = render(figure), Text.set_text
    with redraw(figure, CHINESE):
        assert told("Savings") == "储蓄"
    assert told("Savings") == "Savings"
    assert Text.set_text is write
    assert render(figure) == before


def test_matplotlib_is_left_as_it_was_after_an_error(figure):
    write = Text.set_text
    with pytest.raises(RuntimeError, match="broken"), redraw(figure, CHINESE):
        raise RuntimeError("broken")
    assert Text.set_text is write


def test_a_figure_of_no_chart_of_ours_cannot_be_drawn_again():
    drawn = plt.figure()
    with redraw(drawn, CHINESE) as again:
        assert again is None
    plt.close(drawn)


def test_a_broken_text_is_told_as_one_and_lines_of_their_own_by_lines(figure):
    with redraw(figure, CHINESE):
        assert told("Staff training\nin listening").replace("\n", "") == "员工倾听培训"
        assert told("true\nsays, does") == "真正\n有言有行"
