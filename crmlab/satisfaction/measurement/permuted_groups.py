"""Groups of respondents as they are and dealt anew, and the path models of all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmlab.errors import refuse
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.moment_sums import MomentSums
from crmlab.satisfaction.path_models.responses import Responses
from crmlab.satisfaction.path_models.solution import Settings, Solution, solve

__all__ = ["FEWEST", "Pair", "Units", "group_problems"]

FEWEST = 10  # responses of a group; fewer give weights that are chance


@dataclass(frozen=True)
class Units:
    """What is dealt: a customer's responses within a group."""

    group: np.ndarray  # of each unit
    customer: np.ndarray
    responses_count: np.ndarray

    @classmethod
    def of(cls, taken: Responses, group: np.ndarray, customer: np.ndarray) -> Units:
        """Take the units of responses; `group` and `customer` are of the responses."""
        first = np.unique(taken.units, return_index=True)[1]
        return cls(group[first], customer[first], np.bincount(taken.units))

    def count(self, group: str) -> int:
        """Responses of a group."""
        return int(self.responses_count[self.group == group].sum())

    def dealt(self, pair: tuple[str, str], permutations: int, generator: np.random.Generator) -> np.ndarray:
        """Who is in the first group, shape (1 + permutations, units): as they are, then dealt anew; -1 in neither."""
        inside = np.flatnonzero(np.isin(self.group, pair))
        is_first = self.group[inside] == pair[0]
        customer, times = np.unique(self.customer[inside], return_inverse=True, return_counts=True)[1:]
        twice = times[customer] == 2
        result = np.tile(is_first, (1 + permutations, 1))
        once = np.flatnonzero(~twice)
        for row in result[1:]:
            row[once] = generator.permutation(is_first[once])
            row[twice] ^= (generator.random(len(times)) < 0.5)[customer][twice]
        full = np.full((1 + permutations, len(self.group)), -1, dtype=int)
        full[:, inside] = result
        return full


@dataclass(frozen=True)
class Pair:
    """Two groups, and as many dealt anew; entry 0 of each stack is the groups as they are."""

    whole_mean: np.ndarray
    whole_covariance: np.ndarray
    whole: Solution
    means: tuple[np.ndarray, np.ndarray]
    covariances: tuple[np.ndarray, np.ndarray]
    solutions: tuple[Solution, Solution]
    kept: np.ndarray

    @classmethod
    def of(
        cls,
        sums: MomentSums,
        units: Units,
        model: PathModel,
        settings: Settings,
        names: tuple[str, str],
        permutations: int,
        generator: np.random.Generator,
    ) -> Pair:
        """Solve the path models of two groups, and of groups of the same size dealt at random."""
        dealt = units.dealt(names, permutations, generator)
        mean, covariance = sums.counted((dealt[:1] >= 0).astype(float))
        moments = [sums.counted((dealt == side).astype(float)) for side in (1, 0)]
        solutions = [solve(one[1], model, settings) for one in moments]
        whole = solve(covariance[0], model, settings)
        kept = np.logical_and.reduce([one.is_converged & np.isfinite(one.paths).all(axis=(1, 2)) for one in solutions])
        lost = [name for name, one in zip(names, solutions, strict=True) if not one.is_converged[0]]
        lost += [] if whole.is_converged else ["both together"]
        refuse(
            *(
                f"compare_groups: the path model of group {name!r} has no solution. Give more responses, or leave "
                "items out that go along with nothing."
                for name in lost
            )
        )
        return cls(
            mean[0],
            covariance[0],
            whole,
            tuple(one[0] for one in moments),
            tuple(one[1] for one in moments),
            tuple(solutions),
            kept,
        )

    @property
    def unsolved_count(self) -> int:
        """Groups dealt anew of which at least one has no path model."""
        return int((~self.kept).sum())


def group_problems(taken: Responses, group: np.ndarray, by: str) -> list[str]:
    """Say which groups cannot be compared: too few, too small, asked other items, or all of one mind."""
    names = sorted(set(group))
    if len(names) < 2:
        return [f"compare_groups: column {by!r} holds {len(names)} group ({', '.join(names)}). Give two or more."]
    problems = []
    for name in names:
        answers = taken.values[group == name]
        if len(answers) < FEWEST:
            problems.append(
                f"compare_groups: group {name!r} has {len(answers):,} usable responses. Give {FEWEST} or more, or "
                "leave the group out."
            )
            continue
        answered = ~np.isnan(answers)
        unasked = [item for item, some in zip(taken.items, answered.any(axis=0), strict=True) if not some]
        highest = np.where(answered, answers, -np.inf).max(axis=0)
        lowest = np.where(answered, answers, np.inf).min(axis=0)
        constant = [item for item, same in zip(taken.items, highest == lowest, strict=True) if same]
        if unasked:
            problems.append(
                f"compare_groups: nobody in group {name!r} answered {unasked}. Groups that were asked different items "
                "cannot be compared; leave the items out of the model."
            )
        if constant:
            problems.append(
                f"compare_groups: everybody in group {name!r} gives the same answer to {constant}. Leave the items out "
                "of the model, or the group out."
            )
    return problems
