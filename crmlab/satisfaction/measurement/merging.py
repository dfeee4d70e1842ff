"""Join latent variables of a path model that cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.path_models.model import PathModel

__all__ = ["construct_of", "joined_title", "lowered", "merged_model"]


def merged_model(model: PathModel, groups: Sequence[Sequence[str]]) -> PathModel:
    """Join latent variables that cannot be told apart, so that what they do together can be estimated.

    Parameters
    ----------
    model : PathModel
        The model as asked.
    groups : sequence of sequence of str
        Latent variables to be joined, `Gate.groups`.

    Returns
    -------
    PathModel
        Each group is one latent variable with the items of all, named by its members with ``_`` between; it takes over
        their paths. Paths within a group are gone.

    Raises
    ------
    CrmlabError
        A name is not known or in two groups; a group mixes dimensions of a second-order construct with others; a
        latent variable outside a group would stand on a circle with it; no path is left.

    Notes
    -----
    A joined latent variable has mode B only if all its members have.

    Examples
    --------
    >>> asked = PathModel({"image": ["i1"], "hope": ["h1", "h2"], "value": ["v1"]}, {"hope": ["image"],
    ...                   "value": ["image", "hope"]}, titles={"image": "Image", "hope": "Expectations"})
    >>> joined = merged_model(asked, [["image", "hope"]])
    >>> joined.latents["image_hope"], joined.paths, joined.titles["image_hope"]
    (('i1', 'h1', 'h2'), {'value': ('image_hope',)}, 'Image and expectations')
    """
    refuse(*_group_problems(model, groups))
    new = {name: "_".join(group) for group in groups for name in group}
    titles = {new[group[0]]: joined_title(model, group) for group in groups}
    latents: dict[str, list[str]] = {}
    for name, items in model.latents.items():
        latents.setdefault(new.get(name, name), []).extend(items)
    higher, replaced = {}, {}
    for name, parts in model.higher.items():
        left = tuple(dict.fromkeys(new.get(part, part) for part in parts))
        if len(left) == 1:
            replaced[name] = left[0]
        else:
            higher[name] = left
    paths: dict[str, list[str]] = {}
    for effect, causes in model.paths.items():
        target = _renamed(effect, new, replaced)
        for cause in (_renamed(cause, new, replaced) for cause in causes):
            if cause != target and cause not in paths.setdefault(target, []):
                paths[target].append(cause)
    paths = {effect: causes for effect, causes in paths.items() if causes}
    if not paths:
        refuse(f"merged_model: joining {_list(groups)} leaves no path. There is nothing to explain; ask other items.")
    kept = {name: model.mode(name) for name in (*latents, *higher) if name in model.latents or name in higher}
    modes = kept | {new[group[0]]: "B" if all(model.mode(name) == "B" for name in group) else "A" for group in groups}
    names = {name: title for name, title in model.titles.items() if name not in new and name not in replaced}
    return PathModel(latents, paths, modes=modes, titles=names | titles, higher=higher)


def _renamed(name: str, new: dict[str, str], replaced: dict[str, str]) -> str:
    return replaced.get(name, new.get(name, name))


def joined_title(model: PathModel, group: Sequence[str]) -> str:
    """Name a group by the titles of its members."""
    titles = [model.titles.get(name, name) for name in group]
    later = [lowered(title) for title in titles[1:]]
    return f"{', '.join([titles[0], *later[:-1]])} and {later[-1]}"


def _list(groups: Sequence[Sequence[str]]) -> str:
    return "; ".join(" and ".join(group) for group in groups)


def _group_problems(model: PathModel, groups: Sequence[Sequence[str]]) -> list[str]:
    members = [name for group in groups for name in group]
    problems = [
        f"merged_model: {name!r} is no latent variable.{nearest(name, model.latents)} Known: {list(model.latents)}."
        for name in dict.fromkeys(members)
        if name not in model.latents
    ]
    problems += [
        f"merged_model: {name} is in two groups. Join the groups."
        for name in dict.fromkeys(members)
        if members.count(name) > 1
    ]
    problems += [
        f"merged_model: group {list(group)} has one member. Give two or more." for group in groups if len(group) < 2
    ]
    if problems:
        return problems
    for group in groups:
        constructs = {construct_of(model, name) for name in group}
        if len(constructs) > 1 and any(one in model.higher for one in constructs):
            problems.append(
                f"merged_model: {' and '.join(group)} mix a dimension of a second-order construct with others. "
                "Make the dimensions latent variables of their own first, or reword their items."
            )
            continue
        between = _between(model, constructs)
        if between:
            problems.append(
                f"merged_model: {' and '.join(between)} would stand on a circle with {' and '.join(group)} joined. "
                "Join them too, or leave the paths to or from them out."
            )
    return problems


def _between(model: PathModel, group: set[str]) -> list[str]:
    """Constructs outside a group that both follow from one member and act on another."""
    effects: dict[str, set[str]] = {}
    for effect, causes in model.paths.items():
        for cause in causes:
            effects.setdefault(cause, set()).add(effect)
    after, before = _reached(group, effects), _reached(group, {effect: set(c) for effect, c in model.paths.items()})
    return [name for name in model.constructs if name in (after & before) - group]


def _reached(start: set[str], steps: dict[str, set[str]]) -> set[str]:
    found, open_ones = set(), list(start)
    while open_ones:
        for name in steps.get(open_ones.pop(), set()) - found:
            found.add(name)
            open_ones.append(name)
    return found


def construct_of(model: PathModel, name: str) -> str:
    """Second-order construct of a latent variable, or itself."""
    return next((higher for higher, parts in model.higher.items() if name in parts), name)


def lowered(title: str) -> str:
    """Write a title inside a sentence; abbreviations stay as they are.

    >>> lowered("Perceived value"), lowered("NPS")
    ('perceived value', 'NPS')
    """
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
