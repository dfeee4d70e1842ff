"""What a questionnaire file must hold beyond its form: languages, codes, paths, dimensions, occasions, scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmlab.errors import nearest

if TYPE_CHECKING:
    from crmlab.bank.questionnaire import Questionnaire

__all__ = ["problems_of"]

_LANGUAGE = "en"  # every text has at least this one
_FEWEST_ITEMS = 2  # with one item, error of measurement cannot be told from the latent variable
_RECOMMENDATION = (0, 10)  # the only scale on which the net promoter score is defined


def problems_of(one: Questionnaire) -> list[str]:
    """Return every problem of a questionnaire whose form is right.

    Parameters
    ----------
    one : Questionnaire
        Read from a file.

    Returns
    -------
    list of str
        ``what: fact. cure.``, in the order of the file's keys; empty when there is none.
    """
    problems = []
    if one.scale.low >= one.scale.high:
        problems.append(f"scale goes from {one.scale.low} to {one.scale.high}. Give a low below the high.")
    return [
        *problems,
        *_of_texts(one),
        *_of_codes(one),
        *_of_single_items(one),
        *_of_paths(one),
        *_of_dimensions(one),
        *_of_occasions(one),
    ]


def _texts(one: Questionnaire) -> dict[str, dict[str, str]]:
    """Every text of the file by its place."""
    places = {"title": one.title}
    ends = {"scale": one.scale.anchors}
    for name, latent in one.latents.items():
        places[f"latents.{name}.title"] = latent.title
        places |= {f"latents.{name}.items.{code}": text for code, text in latent.items.items()}
    for name, dimension in one.dimensions.items():
        places[f"dimensions.{name}.title"] = dimension.title
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
        if "reversed" in text:  # the form takes true and false away
            problems.append(f"{place}.reversed is {text['reversed']!r}. Write true or false.")
        extra = [language for language in text if language not in (*one.title, "reversed")]
        if extra:
            problems.append(
                f"{place} has the languages {extra}, which title lacks. Add them to title or leave them out."
            )
    return problems


def _of_codes(one: Questionnaire) -> list[str]:
    problems = []
    owner: dict[str, str] = {}
    for name, latent in one.latents.items():
        problems += _of_size(name, len(latent.items), latent.single)
        for code in latent.items:
            if code in owner:
                problems.append(f"item {code!r} is under {owner[code]} and {name}. Give each item a code of its own.")
            owner.setdefault(code, name)
        problems += [
            f"latents.{name}.reversed names {code!r}, which is not an item of it.{nearest(code, latent.items)} Known: "
            f"{list(latent.items)}. Mend the name."
            for code in latent.reversed
            if code not in latent.items
        ]
    return problems + [
        f"item {code!r} is under {owner[code]} and single_items. Give each item a code of its own."
        for code in one.single_items
        if code in owner
    ]


def _of_size(name: str, count: int, single: bool) -> list[str]:
    if single and count != 1:
        return [f"latents.{name} is declared single and has {count} items. Leave single out, or give it one item."]
    if single or count >= _FEWEST_ITEMS:
        return []
    return [
        f"latents.{name} has {count} item. Give {_FEWEST_ITEMS} or more, or write single: true: with one, the error of "
        "an answer cannot be told from the latent variable."
    ]


def _of_single_items(one: Questionnaire) -> list[str]:
    kinds = [item.kind for item in one.single_items.values()]
    problems = [
        f"single_items has {kinds.count(kind)} items of the kind {kind!r}. Keep one."
        for kind in dict.fromkeys(kinds)
        if kinds.count(kind) > 1
    ]
    for code, item in one.single_items.items():
        place = f"single_items.{code}"
        low, high = (item.scale.low, item.scale.high) if item.scale else (one.scale.low, one.scale.high)
        if item.scale and low >= high:
            problems.append(f"{place}.scale goes from {low} to {high}. Give a low below the high.")
        elif item.kind == "nps" and low < high and (low, high) != _RECOMMENDATION:
            problems.append(
                f"{place} is of kind 'nps' on a scale from {low} to {high}. Write scale: {{low: 0, high: 10}}, the "
                "only one on which the net promoter score is defined, or give it no kind nps."
            )
        if item.kind == "ces" and item.high_is is None:
            problems.append(
                f"{place} is of kind 'ces' and does not say what a high answer means. Add high_is: easy or hard."
            )
        if item.kind != "ces" and item.high_is is not None:
            problems.append(f"{place} has high_is, which only the kind 'ces' has. Leave it out.")
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


def _of_dimensions(one: Questionnaire) -> list[str]:
    problems = []
    order = list(one.latents)
    owner: dict[str, str] = {}
    for name, dimension in one.dimensions.items():
        place = f"dimensions.{name}"
        if name in one.latents:
            problems.append(f"{place} bears the name of a latent variable. Give it a name of its own.")
        if len(dimension.of) < 2:
            problems.append(f"{place} has {len(dimension.of)} latent variable. Give two or more, or leave it out.")
        for latent in dimension.of:
            if latent not in one.latents:
                problems.append(
                    f"{place} names {latent!r}, which is not a latent variable.{nearest(latent, order)} Known: "
                    f"{order}. Mend the name."
                )
            elif latent in owner:
                problems.append(f"{place} names {latent!r}, which {owner[latent]} has already. Keep it in one of them.")
            owner.setdefault(latent, name)
    if not problems and (circle := _circle(one.second_order_paths)):
        problems.append(
            f"dimensions make a circle of the paths: {' -> '.join(circle)}. Take a latent variable out of a dimension."
        )
    return problems


def _circle(paths: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the names along one circle of the paths, causes first; nothing where there is none."""
    left = {target: set(sources) for target, sources in paths.items()}
    while free := [target for target, sources in left.items() if not sources & left.keys()]:
        for target in free:
            del left[target]
    if not left:
        return []
    walked = [next(iter(left))]
    while walked[-1] not in walked[:-1]:
        walked.append(min(left[walked[-1]] & left.keys()))
    return walked[walked.index(walked[-1]) :][::-1]


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
