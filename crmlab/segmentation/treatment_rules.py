"""How segments are served: a table of rules on their facts, each with its text and its measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["RULES", "Rule"]


@dataclass(frozen=True)
class Rule:
    """When a segment is served in a way, and what is measured.

    Parameters
    ----------
    name : str
        Name of the rule.
    when : callable
        Takes the facts of a segment (see `treatments`) and says whether the rule holds. A fact that is not known is NaN
        and holds no comparison.
    text : str
        What to do, up to 60 characters.
    why : tuple of str
        Facts behind it, named beside the text.
    measure : str
        Fact that the service is to move.
    falls : bool
        The measure is to fall.
    """

    name: str
    when: Callable[[Mapping[str, float]], bool]
    text: str
    why: tuple[str, ...]
    measure: str
    falls: bool = False


# The first rule that holds is taken. Most look at the segment beside all customers of the bank ("ratio": value of the
# segment through that of all), so that they mean the same at any bank; "surely" is: p below 0.05 over all segments.
RULES = (
    Rule(
        "complaints of valuable customers",
        lambda f: f["yield_ratio"] >= 1.2 and f["complaints_ratio"] >= 1.2 and f["complaints_surely"] > 0,
        "Call back within a working day after any complaint",
        ("complaints", "yield"),
        "complaints",
        falls=True,
    ),
    Rule(
        "leaving",
        lambda f: f["left_ratio"] >= 1.2 and f["left_surely"] > 0,
        "Talk before they go: ask what is missing, mend it first",
        ("left", "satisfaction"),
        "left",
        falls=True,
    ),
    Rule(
        "less satisfied",
        lambda f: f["satisfaction_ratio"] < 1 and f["satisfaction_surely"] > 0,
        "Ask what went wrong and answer each within a week",
        ("satisfaction", "complaints"),
        "satisfaction",
    ),
    Rule(
        "quiet",
        lambda f: f["active"] < 0.5 or (f["active_ratio"] <= 0.95 and f["active_surely"] > 0),
        "Wake by one useful occasion: salary, standing order, term",
        ("active", "salary"),
        "active",
    ),
    Rule(
        "branch without login",
        lambda f: f["digital"] < 0.5 and f["digital_ratio"] < 1 and f["branch_first"] > 0,
        "Named contact in the branch; help with the first login",
        ("digital", "channel"),
        "digital",
    ),
    Rule(
        "without login",
        lambda f: f["digital"] < 0.5 and f["digital_ratio"] < 1,
        "Show the first login at machine and counter",
        ("digital", "channel"),
        "digital",
    ),
    Rule(
        "valuable",
        lambda f: f["yield_ratio"] >= 2 or f["assets_ratio"] >= 3,
        "Named adviser and one talk a year about the whole",
        ("yield", "assets"),
        "products",
    ),
    Rule(
        "digital",
        lambda f: f["digital"] >= 0.5 and f["screen_first"] > 0,
        "Chat, alerts and offers on the screen after login",
        ("digital", "channel"),
        "held",
    ),
    Rule("usual", lambda f: True, "Usual service; one occasion a year to ask for needs", ("products",), "held"),
)
