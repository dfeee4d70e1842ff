"""Does the path model find what was planted, and does the satisfaction index hold the true one? Counted on new surveys.

Run: ``python benchmarks/satisfaction_recovery.py [surveys] [responses] [resamples]``.

Each survey draws the latent variables from the simulation's path model and the answers from its items: rounded, cut at
0 and 10, some left out. It is what the simulated bank's wave is, without the years before. Tables:

1. Every path coefficient by consistent partial least squares (PLSc) with bootstrap percentiles: true value, mean of the
   estimates, how often the 95 % interval holds the truth. Demanded: 90 to 99 % of 200 surveys.
2. The index of every latent variable: true value under the weights found in the survey itself, and how often its 95 %
   interval holds it.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd

from crmlab.bank.questionnaire import read_questionnaire
from crmlab.satisfaction.index import SatisfactionIndex
from crmlab.satisfaction.model import PathModel
from crmlab.satisfaction.partial_least_squares import PartialLeastSquares
from crmlab.satisfaction.resampled import bootstrap_path_model
from crmlab.simulation import opinions, surveys
from crmlab.validation.expected_answers import expected_scores

MODEL = PathModel.from_questionnaire(read_questionnaire("retail_bank"))
_LEFT_OUT = surveys.parameters()["left_out_share"]
ITEMS = surveys.parameters()["items"]


def draw_latents(generator: np.random.Generator, n: int) -> pd.DataFrame:
    """Latent variables of n customers, each with mean 0 and variance 1, from the planted path coefficients."""
    variance = opinions.parameters()["disturbance_variance"]
    found: dict[str, np.ndarray] = {}
    for name in opinions.LATENTS:
        own = generator.standard_normal(n) * np.sqrt(variance.get(name, 1.0))
        found[name] = own + sum(c * found[cause] for cause, c in opinions.PATHS.get(name, {}).items())
    return pd.DataFrame(found)


def draw_survey(generator: np.random.Generator, n: int, *, is_gapped: bool = True) -> pd.DataFrame:
    """Answers of n customers to the yearly wave, one column an item."""
    latents = draw_latents(generator, n)
    answers = {}
    for item, latent in MODEL.latent_of.items():
        numbers = ITEMS[item]
        score = numbers["intercept"] + numbers["loading"] * latents[latent].to_numpy()
        score = np.clip(np.rint(score + numbers["error"] * generator.standard_normal(n)), 0, 10)
        left_out = _LEFT_OUT.get(latent, _LEFT_OUT["else"]) if is_gapped else 0.0
        answers[item] = np.where(generator.random(n) < left_out, np.nan, score)
    return pd.DataFrame(answers)


def true_index(index: SatisfactionIndex) -> pd.Series:
    """Index of all customers under the weights of an index, latent variables being normal."""
    spread = {item: np.hypot(n["loading"], n["error"]) for item, n in ITEMS.items()}
    means = {
        item: float(expected_scores(np.array([ITEMS[item]["intercept"]]), spread[item])[0]) for item in index.items
    }
    points = index.weights_ * index.weights_.index.get_level_values("item").map(means)
    return 10 * points.groupby(level="latent", sort=False).sum()


def coverage(surveys_count: int, n: int, resamples: int, *, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count how often intervals hold the truth: of path coefficients, and of indices.

    Parameters
    ----------
    surveys_count : int
        Surveys drawn.
    n : int
        Responses of each.
    resamples : int
        Bootstrap resamples of each.
    seed : int
        Same seed, same counts.

    Returns
    -------
    coefficients : DataFrame
        ``cause``, ``effect``, ``true``, ``mean`` (of the estimates), ``error`` (their standard deviation),
        ``held_share`` (percentile) and ``bca_held_share``.
    indices : DataFrame
        ``latent``, ``true`` (mean), ``mean``, ``error``, ``held_share``.
    """
    generator = np.random.default_rng(seed)
    paths, indices = [], []
    for number in range(surveys_count):
        frame = draw_survey(generator, n)
        found = bootstrap_path_model(
            PartialLeastSquares(MODEL, consistent=True), frame, resamples=resamples, seed=number + 1
        ).direct
        true = np.array([opinions.PATHS[row.effect][row.cause] for row in found.itertuples()])
        paths.append(found.assign(
            true=true, is_held=(found["low"] <= true) & (true <= found["high"]),
            is_bca_held=(found["bca_low"] <= true) & (true <= found["bca_high"]),
        ))  # fmt: skip
        index = SatisfactionIndex(MODEL, low=0, high=10).fit(frame)
        table = index.index(frame).set_index("latent")
        true = true_index(index).reindex(table.index)
        held = (table["index_low"] <= true) & (true <= table["index_high"])
        indices.append(table.assign(true=true, is_held=held).reset_index())
    every = pd.concat(paths).groupby(["effect", "cause"], sort=False)
    coefficients = every.agg(
        true=("true", "first"), mean=("coefficient", "mean"), error=("coefficient", "std"),
        held_share=("is_held", "mean"), bca_held_share=("is_bca_held", "mean"),
    ).reset_index()  # fmt: skip
    of_latents = pd.concat(indices).groupby("latent", sort=False)
    return coefficients, of_latents.agg(
        true=("true", "mean"), mean=("index", "mean"), error=("index", "std"), held_share=("is_held", "mean")
    ).reset_index()


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    many, size, drawn = (*given, *(200, 1_400, 500)[len(given) :])
    began = time.perf_counter()
    one, two = coverage(many, size, drawn)
    print(f"{many} surveys of {size} responses, {drawn} resamples, {time.perf_counter() - began:.0f} s")
    print(one.round(3).to_string(index=False))
    print(two.round(3).to_string(index=False))
    print(f"coefficients together: {one['held_share'].mean():.3f}, indices together: {two['held_share'].mean():.3f}")
