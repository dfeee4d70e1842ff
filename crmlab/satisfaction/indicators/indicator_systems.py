"""Indicator systems beside the path model: three levels, and weights of their items from several sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.indicators.entropy_weights import combined_weights, entropy_weights

__all__ = ["IndicatorSystem", "check_frame", "item_weights", "weight_problems", "weightings"]


@dataclass(frozen=True)
class IndicatorSystem:
    """Three levels: a target, its dimensions, and their items.

    Parameters
    ----------
    target : str
        What the index measures.
    dimensions : dict of str to sequence of str
        Dimension to its items (columns); an item belongs to one dimension.
    low, high : float
        Ends of the scale of all items, as printed in the questionnaire, not as observed.

    Examples
    --------
    >>> system = IndicatorSystem("satisfaction", {"service": ["s1", "s2"], "fees": ["f1"]}, low=0, high=10)
    >>> system.items
    ('s1', 's2', 'f1')
    """

    target: str
    dimensions: Mapping[str, Sequence[str]]
    low: float
    high: float

    def __post_init__(self) -> None:
        items = self.items
        problems = [
            f"indicator system: {name} has no item. Name some." for name, own in self.dimensions.items() if not own
        ]
        if twice := sorted({item for item in items if items.count(item) > 1}):
            problems.append(f"indicator system: {', '.join(twice)} in two places. An item has one dimension.")
        if not self.dimensions:
            problems.append("indicator system: no dimension. Name at least one with its items.")
        if not self.low < self.high:
            problems.append(f"indicator system: the scale runs from {self.low:g} to {self.high:g}. Give its two ends.")
        refuse(*problems)

    @property
    def items(self) -> tuple[str, ...]:
        """Items in the order of their dimensions."""
        return tuple(item for own in self.dimensions.values() for item in own)


def item_weights(
    system: IndicatorSystem,
    *,
    dimension_weights: pd.Series | None = None,
    within: Mapping[str, pd.Series] | None = None,
) -> pd.Series:
    """Weigh items by the weight of their dimension times their weight within it.

    Parameters
    ----------
    system : IndicatorSystem
        Dimensions and items.
    dimension_weights : Series, optional
        By dimension, nothing below 0; None: all alike.
    within : mapping of str to Series, optional
        Dimension to weights of its items; a dimension left out weighs its items alike.

    Returns
    -------
    Series
        By item, sum 1.

    Examples
    --------
    >>> system = IndicatorSystem("satisfaction", {"service": ["s1", "s2"], "fees": ["f1"]}, low=0, high=10)
    >>> item_weights(system, dimension_weights=pd.Series({"service": 0.6, "fees": 0.4})).to_dict()
    {'s1': 0.3, 's2': 0.3, 'f1': 0.4}
    """
    upper = dimension_weights if dimension_weights is not None else pd.Series(1.0, index=list(system.dimensions))
    problems = weight_problems("dimensions", upper, list(system.dimensions))
    for name, given in (within or {}).items():
        if name not in system.dimensions:
            problems.append(
                f"weights: {name!r} is no dimension.{nearest(name, system.dimensions)} Use the names given."
            )
        else:
            problems += weight_problems(name, given, list(system.dimensions[name]))
    refuse(*problems)
    found = {}
    for name, own in system.dimensions.items():
        lower = (within or {}).get(name, pd.Series(1.0, index=list(own)))
        found |= {item: float(upper[name] / upper.sum() * lower[item] / lower.sum()) for item in own}
    return pd.Series(found, name="weight")


def weightings(
    frame: pd.DataFrame,
    system: IndicatorSystem,
    *,
    judged: pd.Series | None = None,
    path_model: pd.Series | None = None,
    weight: str | None = None,
) -> pd.DataFrame:
    """Weigh the items of a system in every way there are inputs for.

    Parameters
    ----------
    frame : DataFrame
        One row a response, scores by item on the scale of the system. Entropy uses complete responses only.
    system : IndicatorSystem
        Dimensions and items.
    judged : Series, optional
        Weights of judges (AHP), by dimension or by item. Read the consistency ratio before you pass them.
    path_model : Series, optional
        Weights of the path model by item, nothing below 0.
    weight : str, optional
        Column of survey weights.

    Returns
    -------
    DataFrame
        One row an item, one column a weighting, each of sum 1: ``equal`` (dimensions alike, items within them alike),
        ``path_model``, ``judged``, ``entropy`` (of the raw scores), ``combined`` (judged times entropy).

    Notes
    -----
    GB/T 19038-2009 prescribes a structural equation model; papers on Chinese banks use AHP and entropy. The path model
    weighs by what goes with the target, judges by what they hold important, entropy by where customers differ: three
    answers to three questions.

    References
    ----------
    GB/T 19038-2009, Guidelines for customer satisfaction measurement models and methods.

    Examples
    --------
    >>> system = IndicatorSystem("satisfaction", {"service": ["s1", "s2"], "fees": ["f1"]}, low=0, high=10)
    >>> frame = pd.DataFrame({"s1": [8.0, 9, 7], "s2": [8.0, 8, 9], "f1": [2.0, 9, 5]})
    >>> weightings(frame, system, judged=pd.Series({"service": 3, "fees": 1})).round(2).loc["f1"].to_dict()
    {'equal': 0.5, 'judged': 0.25, 'entropy': 0.96, 'combined': 0.94}
    """
    check_frame(frame, system, weight)
    items = list(system.items)
    complete = frame[items].notna().all(axis=1)
    found = {"equal": item_weights(system)}
    if path_model is not None:
        refuse(*weight_problems("path model", path_model, items))
        found["path_model"] = path_model.loc[items] / path_model.loc[items].sum()
    measured = entropy_weights(
        frame.loc[complete, items] - min(system.low, 0), weight=frame.loc[complete, weight] if weight else None
    )["weight"]
    if judged is not None:
        if set(judged.index) == set(system.dimensions):
            found["judged"] = item_weights(system, dimension_weights=judged)
        else:
            refuse(*weight_problems("judged", judged, items))
            found["judged"] = judged.loc[items] / judged.loc[items].sum()
    found["entropy"] = measured
    if judged is not None:
        found["combined"] = combined_weights(found["judged"], measured)
    return pd.DataFrame(found).loc[items].rename_axis("item")


def weight_problems(what: str, given: pd.Series, names: list[str]) -> list[str]:
    """Say what keeps weights from being used for an index."""
    apart = sorted(map(str, set(given.index) ^ set(names)))
    if apart or given.index.has_duplicates:
        return [
            f"weights of {what}: they differ from the system in {', '.join(apart) or 'names given twice'}. "
            "Use its names."
        ]
    if not np.isfinite(given).all() or (given < 0).any() or not given.sum() > 0:
        wrong = [str(name) for name in names if not given[name] >= 0]
        return [
            f"weights of {what}: {', '.join(wrong) or 'all'} missing, below 0 or all 0. "
            "An index takes weights from 0 on."
        ]
    return []


def check_frame(frame: pd.DataFrame, system: IndicatorSystem, weight: str | None, group: str | None = None) -> None:
    """Refuse a frame that is not one of answers on the scale of the system."""
    asked = [*system.items, *([weight] if weight else []), *([group] if group else [])]
    problems = [
        f"indicator system: the frame lacks column {name!r}.{nearest(name, frame.columns)} Name a column of the frame."
        for name in asked
        if name not in frame.columns
    ]
    there = [item for item in system.items if item in frame.columns]
    if words := [item for item in there if not pd.api.types.is_numeric_dtype(frame[item])]:
        problems.append(f"indicator system: {', '.join(words)} hold no numbers. Code the answers as scores first.")
    outside = [
        item for item in there if item not in words and not frame[item].dropna().between(system.low, system.high).all()
    ]
    if outside:
        problems.append(
            f"indicator system: {', '.join(outside)} leave the scale {system.low:g} to {system.high:g}. "
            "Correct scale or codes."
        )
    if empty := [item for item in there if item not in words and frame[item].isna().all()]:
        problems.append(f"indicator system: {', '.join(empty)} have no answer. Leave them out of the system.")
    if weight and weight in frame.columns and not (frame[weight] > 0).all():
        problems.append("indicator system: survey weights are missing or not above 0. Give one weight a response.")
    refuse(*problems)
