"""What the satisfaction index promises, counted: intervals, frozen weights, gaps.

Run: ``python benchmarks/satisfaction_index.py [samples]``. Three tables:

1. Coverage of the 95 % interval of an index of four rounded items: by true level, responses, weights, clusters.
2. Squared error of a later wave's index where nothing changed: weights frozen at a base wave against estimated anew.
3. Error of a respondent's index where answers are missing: three rules for filling gaps.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.satisfaction.indices.index_interval import mean_index
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.moments import moments

MODEL = PathModel(
    {"quality": ["q1", "q2", "q3"], "sat": ["s1", "s2", "s3"], "loy": ["l1", "l2"]},
    {"sat": ["quality"], "loy": ["sat"]},
)
MEANS = {"q1": 8.0, "q2": 7.0, "q3": 6.5, "s1": 8.0, "s2": 6.0, "s3": 4.5, "l1": 7.0, "l2": 6.0}


def answers(generator: np.random.Generator, level: float, n: int, a_customer: int = 1) -> np.ndarray:
    """Index of n responses, the mean of four items, shape (n,)."""
    customer = np.repeat(generator.normal(size=n // a_customer), a_customer)
    own = generator.normal(size=n)
    latent = customer if a_customer == 1 else np.sqrt(0.7) * customer + np.sqrt(0.3) * own
    items = level + 2 * (0.85 * latent[:, None] + 0.53 * generator.normal(size=(n, 4)))
    return 10 * np.clip(np.round(items), 0, 10).mean(axis=1)


def coverage(samples: int) -> pd.DataFrame:
    generator = np.random.default_rng(3)
    rows = []
    for level in (5.0, 7.0, 8.5, 9.5, 10.5):
        truth = answers(generator, level, 1_000_000).mean()
        for n in (6, 10, 30, 100, 250):
            row = {"true_index": truth, "n": n}
            for name, spread, a_customer in (
                ("equal", 0, 1),
                ("weights", 0.6, 1),
                ("clusters", 0, 2),
                ("both", 0.6, 2),
            ):
                hits = []
                for _ in range(samples):
                    weights = np.exp(spread * generator.normal(size=n))
                    found = mean_index(answers(generator, level, n, a_customer), weights, np.arange(n) // a_customer)
                    if not found["note"]:
                        hits.append(found["index_low"] <= truth <= found["index_high"])
                row[name] = np.mean(hits)
            rows.append(row)
    return pd.DataFrame(rows)


def survey(generator: np.random.Generator, n: int, *, is_rounded: bool = True) -> pd.DataFrame:
    quality = generator.normal(size=n)
    sat = 0.7 * quality + 0.71 * generator.normal(size=n)
    loy = 0.6 * sat + 0.8 * generator.normal(size=n)
    latent = {"q": quality, "s": sat, "l": loy}
    frame = pd.DataFrame({
        item: mean + 1.6 * (0.8 * latent[item[0]] + 0.6 * generator.normal(size=n)) for item, mean in MEANS.items()
    })  # fmt: skip
    return frame.round().clip(0, 10) if is_rounded else frame


def frozen_against_anew(samples: int) -> pd.DataFrame:
    """Weights that a wave's own error moves also move its index when the items stand at different heights."""
    generator = np.random.default_rng(4)
    base = SatisfactionIndex(MODEL, low=0, high=10).fit(survey(generator, 20_000))
    truth = base.score(survey(generator, 500_000))["sat"].mean()
    rows = []
    for n in (100, 150, 300, 1_000):
        kept, anew = np.zeros(samples), np.zeros(samples)
        for number in range(samples):
            wave = survey(generator, n)
            kept[number] = base.score(wave)["sat"].mean() - truth
            anew[number] = SatisfactionIndex(MODEL, low=0, high=10).fit(wave).score(wave)["sat"].mean() - truth
        rows.append({"n": n, "mse_frozen": (kept**2).mean(), "mse_anew": (anew**2).mean()})
    return pd.DataFrame(rows).assign(ratio=lambda table: table["mse_anew"] / table["mse_frozen"])


def gap_rules(samples: int) -> pd.DataFrame:
    """One of three items of satisfaction missing: by chance, or the lowest item left out by those less satisfied."""
    generator = np.random.default_rng(5)
    index = SatisfactionIndex(MODEL, low=0, high=10).fit(survey(generator, 20_000))
    weights, means = index.weights_["sat"], moments(survey(generator, 20_000), MODEL.items).mean[3:6]
    rows = []
    for name in ("by chance", "the lowest item, by the less satisfied"):
        full = survey(generator, 200 * samples)
        whole = index.score(full)["sat"].to_numpy()
        gaps = full.copy()
        if name == "by chance":
            which = generator.integers(0, 3, len(full))
            for k, item in enumerate(("s1", "s2", "s3")):
                gaps.loc[which == k, item] = np.nan
        else:
            gaps.loc[generator.random(len(full)) < 1 / (1 + np.exp((whole - 62) / 8)), "s3"] = np.nan
        values = gaps[["s1", "s2", "s3"]].to_numpy()
        answered = ~np.isnan(values)
        share = answered @ weights.to_numpy()
        reweighted = 10 * np.where(answered, values, 0) @ weights.to_numpy() / share
        filled = 10 * np.where(answered, values, means) @ weights.to_numpy()
        ours = index.score(gaps)["sat"].to_numpy()
        for rule, found in (("own deviation (used)", ours), ("weights of answered items", reweighted),
                            ("mean of the item", filled)):  # fmt: skip
            error = found - whole
            rows.append({"gaps": name, "rule": rule, "bias": error.mean(), "rmse": np.sqrt((error**2).mean())})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_500
    with pd.option_context("display.width", 120, "display.max_columns", 9, "display.float_format", "{:.3f}".format):
        print(coverage(count), frozen_against_anew(max(10, count // 3)), gap_rules(count), sep="\n\n")
