"""How often the interval of the Gini coefficient holds the truth, for holdings of known law.

    python benchmarks/gini_coverage.py [--banks 400] [--resamples 300]

Prints the coverage of the plain percentile interval and of the one that crmlab uses (nominal 95 %), for light and heavy
tails and several sizes of a bank. The heavier the tail, the more both miss: a sample seldom holds the very richest.
Measured with 300 banks and 200 resamples: lognormal 1.5 (like a bank's deposits) 82 against 89 % for 200 customers, 85
against 91 % for 1,000, 91 against 93 % for 5,000; lognormal 2.0 71 against 83, 80 against 89, 85 against 93 %.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import norm

from crmlab.stats import concentration, gini, replicates

SIZES = (200, 1_000, 5_000)


def _laws():
    def lognormal(spread):
        return lambda g, n: g.lognormal(0, spread, n), 2 * norm.cdf(spread / np.sqrt(2)) - 1

    def pareto(shape):
        return lambda g, n: g.pareto(shape, n) + 1, 1 / (2 * shape - 1)

    return {
        "exponential": (lambda g, n: g.exponential(size=n), 0.5),
        "lognormal 1.0": lognormal(1.0),
        "lognormal 1.5": lognormal(1.5),
        "lognormal 2.0": lognormal(2.0),
        "Pareto 2.0": pareto(2.0),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--banks", type=int, default=400)
    options.add_argument("--resamples", type=int, default=300)
    given = options.parse_args()
    print(f"{'law':<15}{'customers':>10}{'truth':>8}{'percentile':>12}{'crmlab':>8}   seconds")
    for name, (draw, truth) in _laws().items():
        for size in SIZES:
            generator = np.random.default_rng(size)
            banks = given.banks if size < 5_000 else given.banks // 2
            began, hits = time.perf_counter(), np.zeros(2)
            for seed in range(banks):
                values = np.sort(draw(generator, size))
                plain = replicates(gini, values, resamples=given.resamples, seed=seed)
                low, high = np.quantile(plain, [0.025, 0.975])
                ours = concentration(values, resamples=given.resamples, seed=seed, points=3).gini
                hits += (low <= truth <= high, ours.low <= truth <= ours.high)
            share = 100 * hits / banks
            seconds = time.perf_counter() - began
            print(
                f"{name:<15}{size:>10,}{truth:>8.3f}{share[0]:>10.1f} %{share[1]:>6.1f} %{seconds:>10.0f}", flush=True
            )


if __name__ == "__main__":
    main()
