"""May the waves of a survey be taken together to see what acts on what?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.satisfaction.measurement.invariance import compare_groups
from crmlab.satisfaction.study import Study
from crmlab.stats.differences import holm

__all__ = ["Alike", "are_alike", "pooled_responses"]

_PERMUTATIONS = 600
_CHANCE = 0.05


@dataclass(frozen=True)
class Alike:
    """Whether waves are alike in how items make up latent variables, and in the paths to the target.

    Parameters
    ----------
    is_alike : bool
        Neither differs beyond chance.
    reading : str
        What was compared.
    """

    is_alike: bool
    reading: str


def are_alike(study: Study, waves: Sequence[str], *, permutations: int = _PERMUTATIONS, seed: int = 1) -> Alike:
    """Compare every earlier wave with the judged one: composition (MICOM) and the paths to the target.

    Parameters
    ----------
    study : Study
        Gives model, target and responses.
    waves : sequence of str
        Two or more, the judged one last.
    permutations, seed : int
        Of each comparison.

    Notes
    -----
    A false alarm would only cost responses, and a difference overlooked would blur the paths, so each of the two tests
    is made at 5 %, corrected by Holm over all waves and latent variables, or paths. Customers with responses in both
    waves change places with themselves.
    """
    target = study.target
    found = [
        compare_groups(
            study.frame[study.frame["wave"].isin([wave, waves[-1]]) & (study.frame["weight"] > 0)], study.model,
            by="wave", effects=[target], weights="weight", clusters="customer_id", permutations=permutations,
            seed=seed,
        )
        for wave in waves[:-1]
    ]  # fmt: skip
    composition = pd.concat([one.composition for one in found], ignore_index=True)
    paths = pd.concat([one.paths for one in found], ignore_index=True)
    made = holm(composition["p_value"].to_numpy()) <= _CHANCE
    differ = holm(paths["p_value"].to_numpy()) <= _CHANCE
    if not made.any() and not differ.any():
        return Alike(
            True,
            f"none of {len(composition)} comparisons of what makes up the latent variables, and none of {len(paths)} "
            f"of paths to {study.title(target).lower()}, shows a difference between waves beyond chance.",
        )
    said = [f"{row.title} is made up otherwise in {_earlier(row, waves)}" for row in composition[made].itertuples()]
    said += [
        f"the path of {row.cause_title.lower()} differs in {_earlier(row, waves)}" for row in paths[differ].itertuples()
    ]
    return Alike(False, f"{'; '.join(said)}.")


def _earlier(row: object, waves: Sequence[str]) -> str:
    return next(name for name in (row.first, row.second) if name != waves[-1])


def pooled_responses(study: Study, waves: Sequence[str]) -> pd.DataFrame:
    """Take the responses of several waves together, every item moved so that each wave has the mean of the judged one.

    Parameters
    ----------
    study : Study
        With the judged wave.
    waves : sequence of str
        Waves to take.

    Returns
    -------
    DataFrame
        As `Study.frame`; items may lie beyond the scale, for only how they go together is to be read.
    """
    items = list(study.model.items)
    frame = study.frame[study.frame["wave"].isin(waves)].reset_index(drop=True)
    aim = _means(study.now, items)
    values = frame[items].to_numpy(dtype=float, copy=True)
    for wave in waves:
        rows = (frame["wave"] == wave).to_numpy()
        values[rows] += aim - _means(frame[rows], items)
    return frame.assign(**dict(zip(items, values.T, strict=True)))


def _means(frame: pd.DataFrame, items: list[str]) -> np.ndarray:
    """Weighted mean of each item over who answered it."""
    values, weight = frame[items].to_numpy(dtype=float), frame["weight"].to_numpy(dtype=float)[:, None]
    answered = ~np.isnan(values)
    return np.where(answered, values * weight, 0.0).sum(axis=0) / (answered * weight).sum(axis=0)
