"""What the truth is: what a simulation planted, topic by topic, in plain words and with its values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmlab.simulation.defects.catalogue import DEFECTS

if TYPE_CHECKING:
    from crmlab.validation.truth import Truth

__all__ = ["Topic", "planted_defects", "planted_topics"]

_MOST_VALUES = 60  # a topic with more says how many; the file has them all

# section of the parameters -> title, and what a reader should know of it; in the order of causes
_TOPICS: dict[str, tuple[str, str]] = {
    "customers": (
        "Joining, and latent traits",
        "New customers join at a fixed rate. Each brings traits: wealth, income, engagement, digital affinity, "
        "sensitivity to prices, risk tolerance, a standing image of the bank. They drive all behaviour; the tables "
        "show only some of them.",
    ),
    "segments": (
        "Segments",
        "Hidden types of behaviour and of needs shape what customers do and buy. No table names them.",
    ),
    "opinions": (
        "Path model",
        "Image, expectations, quality, service, value, satisfaction and loyalty are a chain of causes with these "
        "coefficients. Complaints, fees and breakdowns move them.",
    ),
    "measures": (
        "Measures of improvement",
        "Three measures start in 2024. A training in the worst branches does nothing; a call back in branches drawn by "
        "lot and a fee statement for everybody lift what customers think by so much, and with it all that follows.",
    ),
    "surveys": (
        "Surveys",
        "Answers are noisy, rounded readings of the hidden opinions. Who answers depends on the customer.",
    ),
    "life": ("Life events", "Jobs, moves, marriages, children and deaths come by chance and change what follows."),
    "stress": (
        "Stress",
        "Money gets short after events such as a lost job. It shows in bookings first, and in missed payments some "
        "months later.",
    ),
    "leaving": (
        "Hazard of leaving",
        "Each month each customer has a chance to decide to close, and one to fall silent: log odds that add up from "
        "these coefficients. Accounts close some months after the decision.",
    ),
    "contacts": (
        "Campaigns",
        "Who is contacted is drawn by lot, with a group held out.",
    ),
    "persuasion": (
        "Campaign effects",
        "Each campaign changes each customer's chance to respond by an amount of its own, for some below zero. The "
        "effect follows from these strengths and the customer's traits.",
    ),
    "stages": (
        "Stages",
        "The stage of a customer follows from behaviour. Chances to move from stage to stage in a month are sums of "
        "true chances over customers.",
    ),
    "expected_value": (
        "Value",
        "What a customer is expected to yield over the next twelve months, given everything the simulation knows.",
    ),
    "loyalty_points": (
        "Loyalty programme",
        "Members earn, redeem and lose points. What membership does to customers is planted, so it can be told from "
        "what members are.",
    ),
    "effects": (
        "Return and restraint",
        "Lost customers come back at these log odds; a campaign to keep a customer works so long.",
    ),
    "opportunities": (
        "Sales pipeline",
        "Leads come from wishes. Work on a lead raises the chance that it is won, by so much.",
    ),
    "market": ("Market", "Rates, confidence and deposits of the market move by these components."),
}


@dataclass(frozen=True)
class Topic:
    """One part of the truth.

    Parameters
    ----------
    title : str
        What it is about.
    about : str
        What a reader should know.
    values : tuple of (str, str)
        Names and planted values, as texts.
    more : int
        Values that are not listed.
    """

    title: str
    about: str
    values: tuple[tuple[str, str], ...] = ()
    more: int = 0


def planted_topics(truth: Truth) -> tuple[Topic, ...]:
    """Tell what was planted, topic by topic; sections that this module does not know come last."""
    sections = dict(truth.parameters)
    topics = [_topic(*words, sections.pop(name)) for name, words in _TOPICS.items() if name in sections]
    rest = [_topic(_in_words(name), "", values) for name, values in sections.items() if isinstance(values, Mapping)]
    return tuple(topic for topic in (*topics, *rest) if topic.values)


def planted_defects(truth: Truth) -> tuple[str, ...]:
    """Tell which defects spoil the tables on purpose, in a sentence each; where is for the tests alone."""
    return tuple(f"{name}: {DEFECTS.get(name, 'a defect')}" for name in truth.planted)


def _topic(title: str, about: str, section: Any) -> Topic:
    values = tuple((name, _value_text(value)) for name, value in _flat(section))
    return Topic(title, about, values[:_MOST_VALUES], max(0, len(values) - _MOST_VALUES))


def _flat(section: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested sections, with the names on the way to each.

    >>> list(_flat({"paths": {"image": {"loyalty": 0.2}}, "level": -4.5}))
    [('paths · image · loyalty', 0.2), ('level', -4.5)]
    """
    if not isinstance(section, Mapping):
        yield above, section
        return
    for name, value in section.items():
        words = _in_words(name).lower()
        yield from _flat(value, f"{above} · {words}" if above else words)


def _in_words(name: Any) -> str:
    text = str(name).replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _value_text(value: Any) -> str:
    """Write a planted value with up to four significant digits.

    >>> _value_text(0.123456), _value_text(5000), _value_text([1, 2.5]), _value_text(True)
    ('0.1235', '5,000', '1, 2.5', 'yes')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if math.isinf(value):
            return "never" if value < 0 else "always"  # a log odds
        return f"{value:,.0f}" if abs(value) >= 1000 and value == round(value) else f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_value_text(one) for one in value)
    return str(value)
