"""How often 95 % intervals of reliability, HTMT, importance and SRMR hold the value among all customers.

Run: ``python benchmarks/satisfaction_measures.py [samples]``. Normal answers in whole points of 0 to 10 would have no
known truth, so they are not rounded. Three latent variables of four items, loadings .8 to .65; truth from the
population covariances by the same formulas. SRMR: five pairs of errors correlate by 0, .1 or .2.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from crmlab.satisfaction.importance.performance_map import importance_and_performance, performance_map
from crmlab.satisfaction.measurement.measured import measured
from crmlab.satisfaction.measurement.measures import (
    average_variance_extracted,
    composite_reliability,
    cronbach_alpha,
    heterotrait_monotrait,
    membership,
    root_mean_square_residual,
)
from crmlab.satisfaction.measurement.model_fit import implied_correlation, model_fit
from crmlab.satisfaction.measurement.reliability import latent_loadings, reliability
from crmlab.satisfaction.measurement.validity import validity_gate
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.moments import Moments
from crmlab.satisfaction.path_models.solution import solve

MODEL = PathModel({name: [f"{name}{k}" for k in range(4)] for name in "abc"}, {"b": ["a"], "c": ["a", "b"]})
LATENT = np.array([[1, 0.5, 0.45], [0.5, 1, 0.85], [0.45, 0.85, 1]])
MEAN = np.tile([7.0, 6.0, 6.5, 5.0], 3)


def population(errors: float) -> np.ndarray:
    loadings = np.tile([0.8, 0.75, 0.7, 0.65], 3)
    table = np.outer(loadings, loadings) * LATENT[MODEL.block][:, MODEL.block]
    np.fill_diagonal(table, 1.0)
    for i, j in ((0, 1), (4, 5), (2, 8), (3, 10), (6, 9)):
        table[i, j] += errors
        table[j, i] += errors
    return table


def truths(table: np.ndarray) -> dict[str, np.ndarray]:
    solution, belongs = solve(table, MODEL), membership(MODEL.latents)
    loadings, seen = latent_loadings(solution), Moments(MODEL.items, MEAN, table, 0, 0.0)
    importance, performance = importance_and_performance(seen, solution, low=0, high=10)
    pairs = np.triu_indices(3, 1)
    return {
        "alpha": cronbach_alpha(table, belongs),
        "rho_a": solution.reliability,
        "rho_c": composite_reliability(loadings, belongs),
        "ave": average_variance_extracted(loadings, belongs),
        "htmt": heterotrait_monotrait(table, belongs)[pairs],
        "htmt2": heterotrait_monotrait(table, belongs, geometric=True)[pairs],
        "importance": importance[:2, 2],
        "performance": performance[:2],
        "srmr": np.array([
            root_mean_square_residual(table, implied_correlation(table, solution, estimated=one))
            for one in (False, True)
        ]),
    }  # fmt: skip


def coverage(samples: int, *, errors: float, n: int, resamples: int = 300) -> dict[str, float]:
    table = population(errors)
    truth, root = truths(table), np.linalg.cholesky(table)
    generator = np.random.default_rng(5)
    hits: dict[str, list[np.ndarray]] = {name: [] for name in truth}
    small = []
    for _ in range(samples):
        frame = pd.DataFrame(MEAN + generator.normal(size=(n, 12)) @ root.T, columns=list(MODEL.items))
        found = measured(frame, MODEL, resamples=resamples, seed=int(generator.integers(2**31)))
        fit = model_fit(found)
        shown = {
            **dict.fromkeys(("alpha", "rho_a", "rho_c", "ave"), reliability(found)),
            **dict.fromkeys(("htmt", "htmt2"), validity_gate(found).frame.sort_values(["first", "second"])),
            **dict.fromkeys(
                ("importance", "performance"), performance_map(found, "c", low=0, high=10).frame.sort_values("name")
            ),
            "srmr": fit,
        }
        for name, one in shown.items():
            low, high = one[f"{name}_low"].to_numpy(), one[f"{name}_high"].to_numpy()
            hits[name].append((low <= truth[name] + 1e-9) & (truth[name] <= high + 1e-9))
        small.append((fit["p_value"] < 0.05).mean())
    return {name: float(np.mean(inside)) for name, inside in hits.items()} | {"p_below_.05": float(np.mean(small))}


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    rows = [
        {"errors": errors, "n": n, **coverage(count, errors=errors, n=n)}
        for errors in (0.0, 0.1, 0.2)
        for n in (150, 400)
    ]
    with pd.option_context("display.width", 140, "display.max_columns", 20, "display.float_format", "{:.3f}".format):
        print(pd.DataFrame(rows))
