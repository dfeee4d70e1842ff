"""What must be said of an estimated path model before its numbers are read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crmlab.satisfaction.path_models.consistent import admissible
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.solution import Settings, Solution

__all__ = ["remarks_on", "reversed_items", "unsolvable"]

_COLLINEAR = 1e-10  # lowest eigenvalue as a share of the largest: a column can be computed from the others
_TAKES_PART = 0.1  # share of the largest element of the eigenvector from which an item counts as one of them


def unsolvable(matrix: np.ndarray, model: PathModel, solution: Solution) -> list[str]:
    """Reasons why a model cannot be estimated from these covariances, shape (p, p), with cures; none where it can."""
    blocks = {name: matrix[np.ix_(own, own)] for name, own in _places(model.latents, model.items).items()}
    if solution.first is not None and np.isfinite(solution.first.latent_correlation).all():
        among = solution.first.latent_correlation
        blocks |= {name: among[np.ix_(own, own)] for name, own in _places(model.higher, model.names).items()}
    problems = []
    for name, block in blocks.items():
        same = _dependent(block) if model.mode(name) == "B" and len(block) > 1 else []
        if same:
            parts = model.latents.get(name) or model.higher[name]
            problems.append(
                f"latents: {'items' if name in model.latents else 'dimensions'} {[parts[k] for k in same]} of {name} "
                "(mode B) say the same: one can be computed from the others, so their weights are not determined. "
                "Leave one out, or use mode A."
            )
    if problems:
        return problems
    if not np.isfinite(solution.weights).all():
        return [
            "model: the items of a latent variable go along with none of its neighbours, so their weights are not "
            "determined. Look for a path that is missing, or answers that were mixed up."
        ]
    place = {name: number for number, name in enumerate(solution.model.constructs)}
    for effect, causes in solution.model.paths.items():
        chosen = [place[name] for name in causes]
        same = _dependent(solution.composite_correlation[np.ix_(chosen, chosen)]) if len(causes) > 1 else []
        if same:
            problems.append(
                f"paths: causes {[causes[k] for k in same]} of {effect} cannot be told apart: one can be computed from "
                "the others. Merge them, or leave one out."
            )
    return problems


def _places(groups: Mapping[str, tuple[str, ...]], names: tuple[str, ...]) -> dict[str, list[int]]:
    return {name: [names.index(part) for part in parts] for name, parts in groups.items()}


def _dependent(matrix: np.ndarray) -> list[int]:
    """Columns of a correlation or covariance matrix of which one can be computed from the others."""
    sd = np.sqrt(np.diag(matrix))
    values, vectors = np.linalg.eigh(matrix / np.outer(sd, sd))
    if values[0] > _COLLINEAR * values[-1]:
        return []
    size = np.abs(vectors[:, 0])
    return np.flatnonzero(size > _TAKES_PART * size.max()).tolist()


def reversed_items(solution: Solution) -> tuple[str, ...]:
    """Items that go against most others of their latent variable (loading below 0)."""
    found = []
    for stage in (solution.first, solution):
        if stage is not None:
            known = {item for item, _ in found}
            found += [
                (item, name)
                for (item, name), loading in zip(stage.model.latent_of.items(), stage.loadings, strict=True)
                if loading < 0 and item not in known
            ]
    return tuple(item for item, _ in found)


def remarks_on(solution: Solution, settings: Settings, n: int) -> tuple[str, ...]:
    """Sentences on reversed items, weights that did not settle, impossible values and small samples."""
    said = [*_of_reversed(solution)]
    if not solution.is_converged:
        said.append(
            f"Weights did not settle within {settings.most_iterations} iterations; do not use the coefficients. Allow "
            "more iterations, use another scheme, or look for a latent variable that goes along with nothing."
        )
    for stage in (solution.first, solution):
        if stage is not None:
            said += [sentence for sentence in _of_impossible(stage, settings) if sentence not in said]
    regressors = {name: len(causes) for name, causes in solution.model.paths.items()}
    regressors |= {
        name: len(items)
        for stage in (solution.first, solution)
        if stage is not None
        for name, items in stage.model.latents.items()
        if stage.model.mode(name) == "B"
    }
    widest = max(regressors, key=regressors.__getitem__)
    if 0 < n < 10 * regressors[widest]:
        said.append(
            f"{n:,} responses are few for the {regressors[widest]} coefficients of {widest}: fewer than ten each. "
            "Read intervals, not values."
        )
    return tuple(said)


def _of_reversed(solution: Solution) -> list[str]:
    found = reversed_items(solution)
    if not found:
        return []
    latent_of = {**solution.model.latent_of, **(solution.first.model.latent_of if solution.first else {})}
    where = ", ".join(f"{item} ({latent_of[item]})" for item in found)
    one = len(found) == 1
    return [
        f"{'Item' if one else 'Items'} {where} {'goes' if one else 'go'} against the other items: was the question "
        "asked the other way round, or coded so? Turn the answers round (lowest + highest - answer), or leave "
        f"{'it' if one else 'them'} out. Nothing was turned round here."
    ]


def _of_impossible(solution: Solution, settings: Settings) -> list[str]:
    if not settings.consistent or solution.is_admissible:
        return []
    reliability, names = solution.reliability, solution.model.names
    unknown = [name for name, value in zip(names, reliability, strict=True) if not np.isfinite(value)]
    if unknown:
        return [
            f"The items of {', '.join(unknown)} go along with each other too little to tell {_it(unknown)} from error; "
            "coefficients freed from error are not known. Use other items, or consistent=False."
        ]
    possible = admissible(solution.latent_correlation, solution.loadings, reliability, solution.r2)
    said = []
    if not possible["reliability"]:
        over = [f"{name} {value:.2f}" for name, value in zip(names, reliability, strict=True) if value > 1]
        said.append(f"Reliability above 1: {', '.join(over)}.")
    if not possible["correlation"]:
        rows, columns = np.nonzero(np.triu(np.abs(solution.latent_correlation) > 1, 1))
        pairs = [
            f"{names[i]} with {names[j]} {solution.latent_correlation[i, j]:.2f}"
            for i, j in zip(rows, columns, strict=True)
        ]
        said.append(f"Correlation beyond 1: {', '.join(pairs)}.")
    if not possible["loading"]:
        over = [f"{i} {v:.2f}" for i, v in zip(solution.model.items, solution.loadings, strict=True) if abs(v) > 1]
        said.append(f"Loading beyond 1: {', '.join(over)}.")
    if not possible["explained"]:
        over = [f"{name} {v:.2f}" for name, v in zip(names, solution.r2, strict=True) if v > 1 or v < 0]
        said.append(f"Explained share outside 0 to 1: {', '.join(over)}.")
    if not possible["definite"]:
        said.append("The correlations of the latent variables contradict each other.")
    return [
        f"No population has such values, so do not use the coefficients. {' '.join(said)} Latent variables that the "
        "answers hardly tell apart, or items with errors in common, are the usual cause: merge or reword them."
    ]


def _it(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"
