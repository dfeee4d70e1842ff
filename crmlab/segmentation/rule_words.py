"""Conditions on columns as a person reads them: bounds joined, units in place, gaps said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from crmlab.segmentation.columns import Column

__all__ = ["KNOWN", "Bounds", "Feature", "inside", "joined", "rule_text"]

KNOWN = "known"
Bounds = dict["Feature", tuple[float, float]]  # above the first, up to the second


@dataclass(frozen=True)
class Feature:
    """One number that a rule may ask about.

    Parameters
    ----------
    column : Column
        The column it comes from.
    asks : str
        ``value`` (the number, 1 for a flag that is true), ``word`` (1 where a category has the word) or ``known``
        (1 where there is no gap).
    word : str
        Of a category.
    fill : float
        What a gap of the column counts as.
    has_gaps : bool
        Whether it had gaps.
    is_whole : bool
        Whether its values are whole numbers.
    """

    column: Column
    asks: str = "value"
    word: str = ""
    fill: float = math.nan
    has_gaps: bool = False
    is_whole: bool = False


def rule_text(bounds: Mapping[Feature, tuple[float, float]]) -> str:
    """Say conditions in words.

    Parameters
    ----------
    bounds : mapping of Feature to (float, float)
        Lower bound (excluded) and upper bound (included) of each feature asked about, the most telling first.

    Examples
    --------
    >>> phone = Column("phone", "Share by mobile", "share")
    >>> acts = Column("acts", "Bookings a month", "count", "a month")
    >>> rule_text({Feature(acts): (12.0, math.inf), Feature(phone): (0.4, 0.8)})
    'bookings a month over 12 and share by mobile 40 to 80 %'
    >>> paid = Column("paid", "Amount a month", "amount", "EUR")
    >>> rule_text({Feature(paid, fill=90.0, has_gaps=True): (-math.inf, 1200.0)})
    'amount a month up to EUR 1,200 or not known'
    >>> rule_text({})
    'all customers'
    """
    known = {feature.column.name: low >= 0 for feature, (low, _) in bounds.items() if feature.asks == KNOWN}
    parts: dict[str, str] = {}
    for feature, (low, high) in bounds.items():
        name, label = feature.column.name, inside(feature.column.label)
        if known.get(name) is False:
            parts[name] = f"{label} not known"
        elif feature.column.kind == "category":
            parts.setdefault(name, _category(feature.column, bounds))
        elif feature.column.kind == "flag" and feature.asks != KNOWN:
            parts[name] = f"{label}: {'yes' if low >= 0 else 'no'}"
            parts[name] += _gap(feature, low, high, known)
        elif feature.asks == KNOWN:
            parts.setdefault(name, f"{label} known")
        else:
            parts[name] = f"{label} {_between(feature, low, high)}{_gap(feature, low, high, known)}"
    return " and ".join(parts.values()) or "all customers"


def joined(paths: Sequence[Bounds]) -> list[Bounds]:
    """Join paths that differ in one feature only, where their bounds meet.

    Examples
    --------
    >>> acts = Feature(Column("acts", "Acts", "count"))
    >>> [list(path.values()) for path in joined([{acts: (0.0, 5.0)}, {acts: (5.0, 9.0)}, {acts: (20.0, math.inf)}])]
    [[(0.0, 9.0)], [(20.0, inf)]]
    """
    left = list(paths)
    for place, one in enumerate(left):
        for other in left[place + 1 :]:
            both = _union(one, other)
            if both is not None:
                rest = [path for path in left if path is not one and path is not other]
                return joined([*rest[:place], both, *rest[place:]])
    return left


def inside(label: str) -> str:
    """A label within a sentence: small first letter, but for abbreviations.

    >>> inside("Logins a month"), inside("ATM share")
    ('logins a month', 'ATM share')
    """
    return label[:1].lower() + label[1:] if label[1:2].islower() or label[1:2] == " " else label


def _union(one: Bounds, other: Bounds) -> Bounds | None:
    if set(one) != set(other):
        return None
    differ = [feature for feature in one if one[feature] != other[feature]]
    if len(differ) != 1:
        return None
    (a, b), (c, d) = sorted([one[differ[0]], other[differ[0]]])
    if b != c:
        return None
    both = {**one, differ[0]: (a, d)}
    return {feature: limits for feature, limits in both.items() if limits != (-math.inf, math.inf)}


def _category(column: Column, bounds: Mapping[Feature, tuple[float, float]]) -> str:
    asked = {feature: low >= 0 for feature, (low, _) in bounds.items() if feature.column == column}
    words = [feature for feature in asked if feature.asks == "word"]
    wanted = [feature.word for feature in words if asked[feature]]
    if wanted:
        return f"{inside(column.label)} {wanted[0]}"
    if not words:
        return f"{inside(column.label)} known"
    gap = " or not known" if words[0].has_gaps and len(words) == len(asked) else ""
    return f"{inside(column.label)} not {' nor '.join(feature.word for feature in words)}{gap}"


def _gap(feature: Feature, low: float, high: float, known: Mapping[str, bool]) -> str:
    """Say that customers with a gap belong here, where their filling lies within the bounds."""
    if not feature.has_gaps or feature.column.name in known:
        return ""
    return " or not known" if low < feature.fill <= high else ""


def _between(feature: Feature, low: float, high: float) -> str:
    column = feature.column
    if math.isinf(low):
        return _unit("up to ", _number(high, column), column) if high != 0 else _unit("", "0", column)
    if math.isinf(high):
        return _unit("over ", _number(low, column), column)
    low = low + 1 if feature.is_whole and column.kind != "share" else low
    if low == high:
        return _unit("", _number(high, column), column)
    first, last = _number(low, column), _number(high, column)
    return _unit("", f"{first} to {last}", column)


def _unit(before: str, number: str, column: Column) -> str:
    if column.kind == "share":
        return f"{before}{number} %"
    if len(column.unit) == 3 and column.unit.isupper():
        return f"{before}{column.unit} {number}"
    if not column.unit or column.unit.lower() in column.label.lower():
        return f"{before}{number}"
    return f"{before}{number} {column.unit}"


def _number(value: float, column: Column) -> str:
    """Up to four significant digits, thousands parted, no exponent."""
    shown = 100 * value if column.kind == "share" else value
    shown = float(f"{shown:.4g}")
    return f"{shown:,.0f}" if shown == round(shown) else f"{shown:,.10f}".rstrip("0")
