"""Reading a finding back by the wordings of the catalogue, and telling it: nothing is lost, no number changes."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.findings.telling import teller
from crmlab.language import Interpreter, catalogue
from crmlab.language.interpreter import _Reading
from crmlab.language.patterns import pattern

TEXTS = {
    "Of {n:,} customers {value:,.0f} are expected to {verb} by {day}": "{n}名客户中，预计{value}名将在{day}前{verb}",
    "; with them goes {short} (95 % interval {interval})": "；随之流失{short}（95 % 区间 {interval}）",
    "{said}.": "{said}。",
    "{low} to {high}": "{low} 至 {high}",
    "{currency} {value:,.2f} million": "{currency} {value} 百万",
    "close their accounts": "销户",
    " Half of them are new.": "其中一半是新客户。",
    "Half left": "一半已离开",
    "phone": "电话",
    "branch": "网点",
    "Margin": "毛利",
    "thousand": "千",
    "{share:.1f} % of {what}": "{what}的 {share} %",
    "all customers": "全体客户",
    "{what} rose since {before}{sure}.": "自{before}以来{what}上升{sure}。",
    ", beyond chance": "，超出偶然范围",
}


@pytest.fixture
def chinese():
    return Interpreter("zh", TEXTS)


@pytest.mark.parametrize(
    ("english", "told"),
    [
        ("phone", "电话"),
        ("Phone", "电话"),
        ("12.3 %", "12.3 %"),
        ("EUR -1,204", "EUR -1,204"),
        ("2025-12-31", "2025-12-31"),
        ("31 December 2025", "2025年12月31日"),
        ("December 2025", "2025年12月"),
        ("Jul", "7月"),
        ("`margin_amount`", "`margin_amount`"),
        ("phone, branch", "电话、网点"),
        ("phone and branch", "电话和网点"),
        ("Margin, EUR thousand", "毛利（EUR 千）"),
        ("**Half left**", "**一半已离开**"),
        ("Half left.", "一半已离开。"),
        ("-EUR 311.75", "-EUR 311.75"),
        ("−25.7k: 1,204k", "−25.7k：1,204k"),
        ("Margin rose since 2024-12-31, beyond chance.", "自2024-12-31以来毛利上升，超出偶然范围。"),
        ("Margin rose since 2024-12-31.", "自2024-12-31以来毛利上升。"),
        ("12.5 % of all customers", "全体客户的 12.5 %"),
        (
            "Of 5,000 customers 12 are expected to close their accounts by 2026-06-30; with them goes "
            "EUR 1.23 million (95 % interval EUR 1.02 million to EUR 1.44 million). Half of them are new.",
            "5,000名客户中，预计12名将在2026-06-30前销户；随之流失EUR 1.23 百万"
            "（95 % 区间 EUR 1.02 百万 至 EUR 1.44 百万）。其中一半是新客户。",
        ),
    ],
)
def test_texts_are_told(chinese, english, told):
    assert chinese(english) == told
    assert chinese.left(english) == ()


def test_what_is_not_known_stays_and_is_named(chinese):
    assert chinese("phone, Praha") == "电话、Praha"
    assert chinese.left("phone, Praha") == ("Praha",)
    assert chinese("Nobody wrote this sentence anywhere") == "Nobody wrote this sentence anywhere"
    assert chinese.left("Nobody wrote this sentence anywhere") == ("Nobody wrote this sentence anywhere",)


def test_english_is_left_as_it_is():
    english = Interpreter("en", {})
    assert english("Half left.") == "Half left."
    assert english.left("Half left.") == ()


def test_told_texts_are_not_told_again(chinese):
    told = chinese("Half left.")
    assert chinese(told) == told


def test_a_text_that_nothing_explains_takes_few_steps(chinese):
    part = "some words, of no sense and no end ({0}), phone or {0} % of them"
    steps = []
    for pieces in (10, 20, 40):
        reading = _Reading(chinese, "; ".join(part.format(number) for number in range(pieces)))
        reading.whole()
        steps.append(reading.steps)
    assert steps[2] < 5 * steps[0]  # in proportion, not squared


def _is_clear(text):
    """Tell whether fields are apart from each other and from other digits, so that numbers in them can be counted."""
    parts = pattern(text).parts
    return len(parts) > 1 and all(parts[1:-1]) and not any(re.search(r"^[\d,.]*\d|\d[\d,.]*$", part) for part in parts)


WORDINGS = sorted(text for text in catalogue("zh") if _is_clear(text))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_wording_of_the_catalogue_is_read_back_with_its_numbers(data):
    text = data.draw(st.sampled_from(WORDINGS))
    made = pattern(text)
    drawn = {name: str(data.draw(st.integers(0, 999))) for name in made.fields}
    forms = {"share_text": "{} %", "interval": "{0} to {0}"}
    values = {
        name: forms.get(kind, "{}").format(drawn[name]) for name, kind in zip(made.fields, made.kinds, strict=True)
    }
    said = "".join(literal + (values[name] if name else "") for literal, name, _, _ in string.Formatter().parse(text))
    tell = teller("zh")
    assert sorted(filter(str.isdigit, tell(said))) == sorted(filter(str.isdigit, said))
    if re.search(r"[a-z]{3}", re.sub(r"\{[^}]*\}|`[^`]*`", "", text)):
        assert tell.left(said) == (), said
