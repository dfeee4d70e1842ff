"""The path model of a survey: which items measure which latent variable, and which acts on which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from crmlab.errors import nearest, refuse

__all__ = ["MODES", "PathModel"]

MODES = ("A", "B")


@dataclass(frozen=True, eq=True)
class PathModel:
    """Items, latent variables and paths of a satisfaction survey; it holds no coefficient.

    Parameters
    ----------
    latents : mapping of str to sequence of str
        Latent variable: codes of its items. The order is the order of every result.
    paths : mapping of str to sequence of str
        Effect: the latent variables that act on it. In any order; no circle.
    modes : mapping of str to {"A", "B"}
        How the weights of a latent variable are found; A where it is not named. A (reflective): the items show the
        latent variable, and each weighs as it goes along with it. B (formative): the items make it up, and weights are
        those of a regression on all of them.
    titles : mapping of str to str
        Names for readers; the name itself where there is none.
    higher : mapping of str to sequence of str
        Second-order construct: the latent variables it consists of (its dimensions). Paths name the construct, never
        its dimensions.

    Raises
    ------
    CrmlabError
        All problems at once: a name not known, an item under two latent variables, a latent variable without items or
        without a path, a path named twice, a circle, a mode that is neither A nor B, nothing at all.

    Examples
    --------
    >>> model = PathModel({"value": ["v1", "v2"], "image": ["i1", "i2"]}, {"value": ["image"]})
    >>> model.items, model.order, model.mode("value")
    (('v1', 'v2', 'i1', 'i2'), ('image', 'value'), 'A')
    >>> PathModel({"value": ["v1"], "image": ["i1"]}, {"value": ["imagery"]})
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: 2 problems:
    - paths: value names cause 'imagery', which is no latent variable. Did you mean 'image'? Known: ['value', 'image'].
    - latents: image has no path. Give it one, or leave it out.
    """

    latents: Mapping[str, tuple[str, ...]]
    paths: Mapping[str, tuple[str, ...]]
    modes: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    higher: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("latents", "paths", "higher"):
            object.__setattr__(self, name, {key: _tuple(value) for key, value in dict(getattr(self, name)).items()})
        for name in ("modes", "titles"):
            object.__setattr__(self, name, dict(getattr(self, name)))
        refuse(*_problems(self))

    @classmethod
    def from_questionnaire(cls, questionnaire: Any, *, second_order: bool = False, language: str = "en") -> PathModel:
        """Take the model from a questionnaire.

        Parameters
        ----------
        questionnaire : crmlab.bank.questionnaire.Questionnaire
            Its latent variables, paths and, where it has them, modes and dimensions.
        second_order : bool
            True makes each dimension of the questionnaire one construct of second order, made of its latent variables;
            False keeps these apart, so that each can be improved for itself.
        language : str
            Of the titles.

        Notes
        -----
        With `second_order`, paths to and from the parts become paths of the construct, and a path from the construct to
        its own part is left out.

        Examples
        --------
        >>> from crmlab.bank.questionnaire import read_questionnaire
        >>> model = PathModel.from_questionnaire(read_questionnaire("retail_bank"))
        >>> model.paths["loyalty"], model.titles["loyalty"], len(model.items)
        (('image', 'satisfaction'), 'Loyalty', 28)
        >>> PathModel.from_questionnaire(read_questionnaire("retail_bank"), second_order=True).paths["value"]
        ('expectations', 'perceived_quality')
        """
        latents = {name: tuple(latent.items) for name, latent in questionnaire.latents.items()}
        modes = {name: latent.mode for name, latent in questionnaire.latents.items() if getattr(latent, "mode", None)}
        titles = {name: _title(latent, name, language) for name, latent in questionnaire.latents.items()}
        dimensions = questionnaire.dimensions if second_order else {}
        higher = {name: tuple(one.of) for name, one in dimensions.items()}
        modes |= {name: one.mode for name, one in dimensions.items() if getattr(one, "mode", None)}
        titles |= {name: _title(one, name, language) for name, one in dimensions.items()}
        part = {dimension: name for name, dimensions in higher.items() for dimension in dimensions}
        paths: dict[str, list[str]] = {}
        for effect, causes in questionnaire.paths.items():
            paths.setdefault(part.get(effect, effect), []).extend(part.get(cause, cause) for cause in causes)
        paths = {effect: [c for c in dict.fromkeys(causes) if c != effect] for effect, causes in paths.items()}
        return cls(latents, {effect: causes for effect, causes in paths.items() if causes}, modes, titles, higher)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Latent variables with items, in the order of the model."""
        return tuple(self.latents)

    @cached_property
    def constructs(self) -> tuple[str, ...]:
        """What paths run between: second-order constructs stand in the place of their first dimension."""
        part = {dimension: name for name, dimensions in self.higher.items() for dimension in dimensions}
        return tuple(dict.fromkeys([*(part.get(name, name) for name in self.latents), *self.higher]))

    @cached_property
    def latent_of(self) -> dict[str, str]:
        """Latent variable of each item, in the order of the model."""
        return {item: name for name, items in self.latents.items() for item in items}

    @cached_property
    def items(self) -> tuple[str, ...]:
        """Codes of all items, in the order of the model."""
        return tuple(self.latent_of)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Constructs with causes before effects."""
        return _sorted(self.constructs, self.paths)[0]

    @cached_property
    def effects(self) -> tuple[str, ...]:
        """Constructs that others act on, in the order of the model."""
        return tuple(name for name in self.constructs if self.paths.get(name))

    @cached_property
    def arrows(self) -> tuple[tuple[str, str], ...]:
        """Each path as (cause, effect), by effect in the order of the model."""
        return tuple((cause, effect) for effect in self.effects for cause in self.paths[effect])

    @cached_property
    def block(self) -> np.ndarray:
        """Number of the latent variable of each item, shape (p,)."""
        place = {name: number for number, name in enumerate(self.latents)}
        return np.array([place[name] for name in self.latent_of.values()])

    def mode(self, name: str) -> str:
        """Mode of a latent variable or second-order construct: ``"A"`` or ``"B"``."""
        return self.modes.get(name, "A")

    def title(self, name: str) -> str:
        """Name for readers."""
        return self.titles.get(name, name)


def _tuple(value: object) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _title(one: Any, name: str, language: str) -> str:
    title = getattr(one, "title", None) or {}
    return title.get(language, name) if isinstance(title, Mapping) else str(title)


def _problems(model: PathModel) -> list[str]:
    if not model.latents:
        return ["latents: there is none. Name latent variables and their items."]
    return _of_items(model) + _of_higher(model) + _of_modes(model) + _of_paths(model)


def _of_items(model: PathModel) -> list[str]:
    problems = [
        f"latents: {name} has no items. Give it one or more, or leave it out."
        for name, items in model.latents.items()
        if not items
    ]
    owners: dict[str, list[str]] = {}
    for name, items in model.latents.items():
        for item in items:
            owners.setdefault(item, []).append(name)
    return problems + [
        f"latents: item {item!r} is listed {len(names)} times, under {', '.join(dict.fromkeys(names))}. "
        "Keep each item once, under one latent variable."
        for item, names in owners.items()
        if len(names) > 1
    ]


def _of_higher(model: PathModel) -> list[str]:
    problems, owner = [], {}
    for name, dimensions in model.higher.items():
        if name in model.latents:
            problems.append(f"higher: {name} is a latent variable with items too. Give the construct its own name.")
        if len(dimensions) < 2:
            problems.append(f"higher: {name} has {len(dimensions)} dimension. Give two or more.")
        for dimension in dimensions:
            if dimension not in model.latents:
                problems.append(
                    f"higher: {name} has dimension {dimension!r}, which is no latent variable."
                    f"{nearest(dimension, model.latents)} Known: {list(model.latents)}."
                )
            elif dimension in owner:
                problems.append(
                    f"higher: {dimension} is a dimension of {owner[dimension]} and {name}. Keep it under one."
                )
            owner.setdefault(dimension, name)
    return problems


def _of_modes(model: PathModel) -> list[str]:
    known = [*model.latents, *model.higher]
    problems = [
        f"modes: {name!r} is no latent variable.{nearest(name, known)} Known: {known}."
        for name in model.modes
        if name not in known
    ]
    return problems + [
        f"modes: {name} has mode {mode!r}. Give 'A' (items show the latent variable) or 'B' (items make it up)."
        for name, mode in model.modes.items()
        if mode not in MODES
    ]


def _of_paths(model: PathModel) -> list[str]:
    if not model.paths or not any(model.paths.values()):
        return ["paths: there is none. Name for each effect the latent variables that act on it."]
    problems = []
    known, part = list(model.constructs), {d: name for name, dimensions in model.higher.items() for d in dimensions}
    for effect, causes in model.paths.items():
        for name, role in ((effect, "effect"), *((cause, "cause") for cause in dict.fromkeys(causes))):
            start = f"paths: {effect} names cause {name!r}, which" if role == "cause" else f"paths: effect {name!r}"
            if name in part:
                problems.append(f"{start} is a dimension of {part[name]}. Let the path run to or from {part[name]}.")
            elif name not in known:
                problems.append(f"{start} is no latent variable.{nearest(name, known)} Known: {known}.")
        problems += [
            f"paths: {effect} names cause {cause!r} {causes.count(cause)} times. Name it once."
            for cause in dict.fromkeys(causes)
            if causes.count(cause) > 1
        ]
    circle = _sorted(known, model.paths)[1]
    if circle:
        problems.append(
            f"paths: they run in a circle: {' -> '.join(circle)}. Take one of these paths out; "
            "a circle cannot be estimated."
        )
    used = {name for effect, causes in model.paths.items() if causes for name in (effect, *causes)}
    return problems + [
        f"latents: {name} has no path. Give it one, or leave it out." for name in known if name not in used
    ]


def _sorted(
    names: Iterable[str], paths: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    """Names with causes before effects, and the first circle found (cause first), or None."""
    done: list[str] = []
    trail: list[str] = []

    def visit(name: str) -> tuple[str, ...] | None:
        if name in done:
            return None
        if name in trail:
            back = [*trail[trail.index(name) :], name]
            return tuple(reversed(back))
        trail.append(name)
        for cause in paths.get(name, ()):
            circle = visit(cause)
            if circle:
                return circle
        trail.pop()
        done.append(name)
        return None

    for name in names:
        circle = visit(name)
        if circle:
            return tuple(done), circle
    return tuple(done), None
