"""What an index refuses: answers off the scale, weights that would turn it round, survey weights that are none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.path_models.model import PathModel

__all__ = ["answer_problems", "customers_of", "index_items", "survey_weights", "weight_problems"]


def index_items(model: PathModel) -> dict[str, tuple[str, ...]]:
    """Give the items of every latent variable, and of each second-order construct after its last dimension.

    >>> index_items(PathModel({"speed": ["a"], "manner": ["b"], "sat": ["c"]}, {"sat": ["quality"]},
    ...                       higher={"quality": ["speed", "manner"]}))
    {'speed': ('a',), 'manner': ('b',), 'quality': ('a', 'b'), 'sat': ('c',)}
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, items in model.latents.items():
        found[name] = items
        for construct, parts in model.higher.items():
            if name in parts and all(part in found for part in parts):
                found[construct] = tuple(item for part in parts for item in model.latents[part])
    return found


def answer_problems(frame: pd.DataFrame, items: Sequence[str], low: float, high: float) -> list[str]:
    """Say which items are missing, hold no numbers, or have answers outside the scale."""
    problems = []
    for item in items:
        if item not in frame.columns:
            problems.append(f"item {item!r} is not a column of the answers.{nearest(item, frame.columns)}")
        elif not pd.api.types.is_numeric_dtype(frame[item]):
            problems.append(f"item {item!r} holds {frame[item].dtype}, not numbers. Turn its answers into scores.")
        elif (outside := frame.loc[(frame[item] < low) | (frame[item] > high), item]).size:
            problems.append(
                f"item {item!r} has {outside.size:,} answers outside the scale {low:g} to {high:g}, e.g. "
                f"{outside.iloc[0]:g}. Give the scale on which it was asked, or mend the answers."
            )
    return problems


def weight_problems(weights: pd.Series, model: PathModel, low: float, high: float) -> list[str]:
    """Say which latent variables have no index: negative weights would let the index fall when an answer rises."""
    problems = []
    for name in index_items(model):
        own = weights[name]
        below = [f"{item} ({value:.3f})" for item, value in own.items() if value < 0]
        if below:
            problems.append(
                f"index: {model.title(name)} has items of negative weight: {', '.join(below)}. Where an item asks the "
                f"other way round, replace its answers by {low + high:g} less the answer; else leave it out."
            )
        elif not own.sum() > 0:
            problems.append(f"index: the weights of {model.title(name)} add up to {own.sum():g}. Give one above 0.")
    return problems


def survey_weights(frame: pd.DataFrame, given: str | Sequence[float] | None) -> np.ndarray:
    """Give the survey weight of each response: 1, a column, or the values given."""
    if given is None:
        return np.ones(len(frame))
    values = _column(frame, given, "weights").astype(float)
    refuse(
        *([f"weights: {(~np.isfinite(values)).sum():,} of {len(values):,} are no finite number. Give every response a "
           "weight."] if not np.isfinite(values).all() else []),
        *([f"weights: {(values < 0).sum():,} of {len(values):,} are below 0. Give 0 or more."]
          if (values < 0).any() else []),
        *(["weights: all are 0, so no response counts. Give weights above 0."]
          if len(values) and (values == 0).all() else []),
    )  # fmt: skip
    return values


def customers_of(frame: pd.DataFrame, given: str | Sequence[object] | None) -> np.ndarray:
    """Number the customer of each response; without customers each response is one."""
    if given is None:
        return np.arange(len(frame))
    codes = pd.factorize(_column(frame, given, "clusters"))[0]
    if (codes < 0).any():
        refuse(f"clusters: {(codes < 0).sum():,} responses have none. Name one for every response.")
    return codes


def _column(frame: pd.DataFrame, given: str | Sequence[object], what: str) -> np.ndarray:
    if isinstance(given, str):
        if given not in frame.columns:
            refuse(f"{what}: {given!r} is not a column.{nearest(given, frame.columns)}")
        return frame[given].to_numpy()
    values = np.asarray(given)
    if len(values) != len(frame):
        refuse(f"{what}: {len(values):,} for {len(frame):,} responses. Give one a response.")
    return values
