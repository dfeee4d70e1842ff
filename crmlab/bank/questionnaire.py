"""A questionnaire file: items in several languages, the latent variables they measure, and which acts on which."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from crmlab.bank.engine import project_folder
from crmlab.bank.mapping import read_keys
from crmlab.errors import CrmlabError, nearest, refuse

__all__ = ["Latent", "Occasion", "Questionnaire", "Scale", "SingleItem", "read_questionnaire"]

_LANGUAGE = "en"  # every text has at least this one
_FEWEST_ITEMS = 2  # with one item, error of measurement cannot be told from the latent variable


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Text = dict[str, str]  # language, ISO 639-1: text


class Anchors(_Strict):
    """What the two ends of a scale mean, by language."""

    low: _Text
    high: _Text


class Scale(_Strict):
    """Whole numbers from `low` to `high`."""

    low: int
    high: int
    anchors: Anchors


class Latent(_Strict):
    """A latent variable and its items: code, then language, then text. The first item sets its unit."""

    title: _Text
    items: dict[str, _Text]


class SingleItem(_Strict):
    """An item outside the path model."""

    kind: Literal["nps", "csat", "open"]
    text: _Text
    anchors: Anchors | None = None


class Occasion(_Strict):
    """When some of the items are asked; ``latents`` stands for all items of latent variables."""

    every: Literal["year", "contact"]
    items: Annotated[list[str], BeforeValidator(_listed)]


class Questionnaire(_Strict):
    """Items, latent variables and the structure of a path model; it holds no coefficient.

    Attributes
    ----------
    name : str
        Name of the file, without its ending.
    title : dict
        Title by language.
    source : str
        Where the structure comes from.
    scale : Scale
        Scale of all items but open ones.
    latents : dict of str to Latent
        By name, causes before effects.
    paths : dict of str to list of str
        Latent variable: those that act on it.
    single_items : dict of str to SingleItem
        Items outside the path model, by code.
    occasions : dict of str to Occasion
        What is asked when; the first word of column ``wave`` of table ``surveys``.
    """

    name: str
    title: _Text
    source: str = ""
    scale: Scale
    latents: dict[str, Latent]
    paths: dict[str, Annotated[list[str], BeforeValidator(_listed)]]
    single_items: dict[str, SingleItem] = {}
    occasions: dict[str, Occasion] = {}

    @cached_property
    def latent_of(self) -> dict[str, str]:
        """Latent variable of each item, in the order of the file."""
        return {code: name for name, latent in self.latents.items() for code in latent.items}

    @cached_property
    def items(self) -> tuple[str, ...]:
        """Codes of all items: those of latent variables, then the single ones."""
        return (*self.latent_of, *self.single_items)

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages of the texts, English first."""
        return tuple(self.title)

    def asked(self, occasion: str) -> tuple[str, ...]:
        """Codes of the items asked on an occasion."""
        chosen = self.occasions[occasion].items
        return tuple(code for name in chosen for code in (self.latent_of if name == "latents" else (name,)))

    def single(self, kind: str) -> str | None:
        """Code of the single item of a kind (``nps``, ``csat``, ``open``); None where it is not asked."""
        return next((code for code, item in self.single_items.items() if item.kind == kind), None)


def read_questionnaire(source: str | Path = "retail_bank") -> Questionnaire:
    """Read and check a questionnaire; every problem at once.

    Parameters
    ----------
    source : str or path
        Name of a file in ``data/questionnaires`` of the project, without its ending, or a path of a ``.yml`` file.

    Returns
    -------
    Questionnaire
        Items, latent variables, paths.

    Raises
    ------
    CrmlabError
        The file is missing or not YAML; a key is not known or missing; a text lacks a language; a code is used twice;
        a latent variable has fewer than two items; a path names something else, runs in a circle or against the order
        of the file; an occasion asks for what is not there.

    Examples
    --------
    >>> bank = read_questionnaire("retail_bank")
    >>> list(bank.latents)[:4], bank.paths["loyalty"]
    (['image', 'expectations', 'product_quality', 'service_attitude'], ['image', 'satisfaction'])
    >>> bank.latent_of["handling2"], bank.latents["handling_efficiency"].items["handling2"]["en"]
    ('handling_efficiency', 'I rarely have to wait on the phone or in the branch.')
    >>> bank.asked("contact"), bank.single("nps")
    (('csat', 'comment'), 'nps')
    """
    path = Path(source)
    if path.suffix not in (".yml", ".yaml"):
        folder = project_folder() / "data" / "questionnaires"
        path = folder / f"{source}.yml"
        known = sorted(file.stem for file in folder.glob("*.yml"))
        if not path.is_file():
            refuse(
                f"questionnaire {str(source)!r} is not in {folder}.{nearest(str(source), known)} Known: {known}. "
                "Give one of these names, or the path of a .yml file."
            )
    given = read_keys(path, "questionnaire", "Give the path of a questionnaire.")
    try:
        found = Questionnaire.model_validate(given)
    except ValidationError as error:
        raise CrmlabError(sorted(_say(path.name, problem) for problem in error.errors())) from None
    refuse(*(f"{path.name}: {problem}" for problem in _problems(found)))
    return found


def _say(file: str, problem: dict) -> str:
    place = ".".join(str(step) for step in problem["loc"])
    if problem["type"] == "extra_forbidden":
        known = sorted({key for model in _Strict.__subclasses__() for key in model.model_fields})
        return f"{file}: {place} is not a key of a questionnaire.{nearest(problem['loc'][-1], known)} Known: {known}."
    if problem["type"] == "missing":
        return f"{file}: {place} is missing. Add it; see data/questionnaires/README.md."
    what = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{file}: {place} is {problem['input']!r}: {what}. Mend the value."


def _problems(one: Questionnaire) -> list[str]:
    problems = []
    if one.scale.low >= one.scale.high:
        problems.append(f"scale goes from {one.scale.low} to {one.scale.high}. Give a low below the high.")
    return problems + _of_texts(one) + _of_codes(one) + _of_paths(one) + _of_occasions(one)


def _texts(one: Questionnaire) -> dict[str, _Text]:
    """Every text of the file by its place."""
    places = {"title": one.title}
    ends = {"scale": one.scale.anchors}
    for name, latent in one.latents.items():
        places[f"latents.{name}.title"] = latent.title
        places |= {f"latents.{name}.items.{code}": text for code, text in latent.items.items()}
    for code, item in one.single_items.items():
        places[f"single_items.{code}.text"] = item.text
        if item.anchors:
            ends[f"single_items.{code}"] = item.anchors
    for place, anchors in ends.items():
        places |= {f"{place}.anchors.low": anchors.low, f"{place}.anchors.high": anchors.high}
    return places


def _of_texts(one: Questionnaire) -> list[str]:
    problems = []
    if _LANGUAGE not in one.title:
        problems.append(f"title lacks the language {_LANGUAGE!r}. Add it; English is the language of reports.")
    for place, text in _texts(one).items():
        problems += [
            f"{place} lacks the language {language!r}. Add the text."
            for language in one.title
            if not text.get(language, "").strip()
        ]
        extra = [language for language in text if language not in one.title]
        if extra:
            problems.append(
                f"{place} has the languages {extra}, which title lacks. Add them to title or leave them out."
            )
    return problems


def _of_codes(one: Questionnaire) -> list[str]:
    problems = []
    owner: dict[str, str] = {}
    for name, latent in one.latents.items():
        if len(latent.items) < _FEWEST_ITEMS:
            problems.append(
                f"latents.{name} has {len(latent.items)} item. Give {_FEWEST_ITEMS} or more: with one, the error of an "
                "answer cannot be told from the latent variable."
            )
        for code in latent.items:
            if code in owner:
                problems.append(f"item {code!r} is under {owner[code]} and {name}. Give each item a code of its own.")
            owner.setdefault(code, name)
    problems += [
        f"item {code!r} is under {owner[code]} and single_items. Give each item a code of its own."
        for code in one.single_items
        if code in owner
    ]
    kinds = [item.kind for item in one.single_items.values()]
    problems += [
        f"single_items has {kinds.count(kind)} items of the kind {kind!r}. Keep one."
        for kind in dict.fromkeys(kinds)
        if kinds.count(kind) > 1
    ]
    return problems


def _of_paths(one: Questionnaire) -> list[str]:
    problems = []
    order = list(one.latents)
    for target, sources in one.paths.items():
        for name in dict.fromkeys((target, *sources)):
            if name not in one.latents:
                where = "" if name == target else f".{name}"
                problems.append(
                    f"paths.{target}{where} is not a latent variable.{nearest(name, order)} Known: {order}. "
                    "Mend the name."
                )
        for name in dict.fromkeys(sources):
            if sources.count(name) > 1:
                problems.append(f"paths.{target} names {name!r} {sources.count(name)} times. Name it once.")
            if {name, target} <= set(order) and order.index(name) >= order.index(target):
                problems.append(
                    f"paths.{target} names {name!r}, which does not come before it under latents. List causes before "
                    "effects; a circle cannot be estimated."
                )
    used = {*one.paths, *(name for sources in one.paths.values() for name in sources)}
    problems += [f"latents.{name} has no path. Give it one, or leave it out." for name in order if name not in used]
    return problems


def _of_occasions(one: Questionnaire) -> list[str]:
    known = ["latents", *one.single_items]
    problems = [
        f"occasions.{name} asks for {code!r}, which is not there.{nearest(code, known)} Known: {known}. Mend the name."
        for name, occasion in one.occasions.items()
        for code in occasion.items
        if code not in known
    ]
    return problems + [
        f"occasions has {name!r}, which is not one word of small letters. Column wave begins with it; write one word."
        for name in one.occasions
        if not (name.isalpha() and name.islower())
    ]
