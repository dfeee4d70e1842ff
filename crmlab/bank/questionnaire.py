"""A questionnaire file: items in several languages, the latent variables they measure, and which acts on which."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from crmlab.bank.engine import project_folder
from crmlab.bank.mapping import read_keys
from crmlab.bank.questionnaire_rules import problems_of
from crmlab.errors import CrmlabError, nearest, refuse

__all__ = [
    "Dimension",
    "Latent",
    "Occasion",
    "Questionnaire",
    "Range",
    "Scale",
    "SingleItem",
    "known_questionnaires",
    "read_questionnaire",
]


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


class Range(_Strict):
    """Whole numbers from `low` to `high`, where an item has a scale of its own."""

    low: int
    high: int


class Latent(_Strict):
    """A latent variable and its items: code, then language, then text. The first item sets its unit.

    Attributes
    ----------
    title : dict
        Title by language.
    items : dict of str to dict
        Text by language, by code. In the file an item may also hold ``reversed: true``.
    mode : {"A", "B"}
        A: the items reflect the latent variable. B: they form it.
    single : bool
        It has one item, on purpose.
    reversed : tuple of str
        Codes of the items in which a higher answer means less of the latent variable.
    """

    title: _Text
    items: dict[str, _Text]
    mode: Literal["A", "B"] = "A"
    single: bool = False
    reversed: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _note_reversed(cls, given: object) -> object:
        """Move the word ``reversed`` from beside the texts of an item to a list of codes."""
        items = given.get("items") if isinstance(given, dict) else None
        if not isinstance(items, dict):
            return given
        turned = list(_listed(given.get("reversed", [])))
        texts = {}
        for code, item in items.items():
            texts[code] = item
            if isinstance(item, dict) and str(item.get("reversed", "")).lower() in ("true", "false"):
                texts[code] = {name: text for name, text in item.items() if name != "reversed"}
                turned += [code] if str(item["reversed"]).lower() == "true" else []
        return {**given, "items": texts, "reversed": turned}


class Dimension(_Strict):
    """A construct of second order: latent variables that are sides of one thing.

    Attributes
    ----------
    title : dict
        Title by language.
    of : list of str
        Its latent variables.
    mode : {"A", "B"}
        A: they reflect it. B: they form it.
    """

    title: _Text
    of: Annotated[list[str], BeforeValidator(_listed)]
    mode: Literal["A", "B"] = "A"


class SingleItem(_Strict):
    """An item outside the path model.

    Attributes
    ----------
    kind : {"nps", "csat", "ces", "open"}
        Recommendation, satisfaction with a contact, effort of a contact, or a comment.
    text : dict
        Text by language.
    anchors : Anchors or None
        What the ends of its scale mean, where they differ.
    scale : Range or None
        Its own scale; None: that of the questionnaire.
    high_is : {"easy", "hard"} or None
        Effort only: what a high answer means.
    """

    kind: Literal["nps", "csat", "ces", "open"]
    text: _Text
    anchors: Anchors | None = None
    scale: Range | None = None
    high_is: Literal["easy", "hard"] | None = None


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
    dimensions : dict of str to Dimension
        Constructs of second order, by name.
    missing : list of str
        What stands in a survey file for an answer that was not given, such as ``99``.
    """

    name: str
    title: _Text
    source: str = ""
    scale: Scale
    latents: dict[str, Latent]
    paths: dict[str, Annotated[list[str], BeforeValidator(_listed)]]
    single_items: dict[str, SingleItem] = {}
    occasions: dict[str, Occasion] = {}
    dimensions: dict[str, Dimension] = {}
    missing: Annotated[list[str], BeforeValidator(_listed)] = []

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
        """Code of the single item of a kind (``nps``, ``csat``, ``ces``, ``open``); None where it is not asked."""
        return next((code for code, item in self.single_items.items() if item.kind == kind), None)

    @cached_property
    def scored(self) -> tuple[str, ...]:
        """Codes of the items answered with a number: all but open ones."""
        return tuple(code for code in self.items if code in self.latent_of or self.single_items[code].kind != "open")

    @cached_property
    def reversed(self) -> tuple[str, ...]:
        """Codes of the items in which a higher answer means less of the latent variable."""
        return tuple(code for latent in self.latents.values() for code in latent.items if code in latent.reversed)

    @cached_property
    def scales(self) -> dict[str, tuple[int, int]]:
        """Lowest and highest answer of each scored item."""
        own = {code: item.scale for code, item in self.single_items.items() if item.scale}
        return {code: ((own[code].low, own[code].high) if code in own else self._ends) for code in self.scored}

    @property
    def _ends(self) -> tuple[int, int]:
        return self.scale.low, self.scale.high

    @cached_property
    def dimension_of(self) -> dict[str, str]:
        """Dimension of each latent variable that belongs to one."""
        return {name: code for code, dimension in self.dimensions.items() for name in dimension.of}

    @cached_property
    def second_order_paths(self) -> dict[str, tuple[str, ...]]:
        """Paths with each dimension in the place of its latent variables: target, then what acts on it."""
        found: dict[str, dict[str, None]] = {}
        for target, sources in self.paths.items():
            onto = self.dimension_of.get(target, target)
            for name in (self.dimension_of.get(source, source) for source in sources):
                if name != onto:
                    found.setdefault(onto, {})[name] = None
        return {target: tuple(sources) for target, sources in found.items()}


def known_questionnaires() -> tuple[str, ...]:
    """Return the names of the questionnaires that come with the project."""
    return tuple(sorted(file.stem for file in _folder().glob("*.yml")))


def _folder() -> Path:
    return project_folder() / "data" / "questionnaires"


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
        a latent variable has fewer than two items and is not declared single; a path names something else, runs in a
        circle or against the order of the file; a dimension names something else or makes a circle of the paths; an
        occasion asks for what is not there; effort lacks its direction, recommendation its scale from 0 to 10.

    Examples
    --------
    >>> bank = read_questionnaire("retail_bank")
    >>> list(bank.latents)[:4], bank.paths["loyalty"]
    (['image', 'expectations', 'product_quality', 'service_attitude'], ['image', 'satisfaction'])
    >>> bank.latent_of["handling2"], bank.latents["handling_efficiency"].items["handling2"]["en"]
    ('handling_efficiency', 'I rarely have to wait on the phone or in the branch.')
    >>> bank.asked("contact"), bank.single("nps")
    (('csat', 'comment'), 'nps')
    >>> bank.dimensions["perceived_quality"].of
    ['product_quality', 'service_attitude', 'handling_efficiency']
    >>> bank.second_order_paths["value"], bank.scales["nps"]
    (('expectations', 'perceived_quality'), (0, 10))
    """
    path = Path(source)
    if path.suffix not in (".yml", ".yaml"):
        folder = _folder()
        path = folder / f"{source}.yml"
        known = list(known_questionnaires())
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
    refuse(*(f"{path.name}: {problem}" for problem in problems_of(found)))
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
