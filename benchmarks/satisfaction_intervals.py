"""Measure how often intervals of the satisfaction topic cover the truth.

``python benchmarks/satisfaction_intervals.py 300`` takes the number of samples. What was measured stands in the Notes
of `worth_of_a_point`, `margin_of_a_point`, `krippendorff_alpha` and `league_table`.
"""

import sys

import numpy as np
import pandas as pd

from crmlab.satisfaction.comments.coders import krippendorff_alpha
from crmlab.satisfaction.importance.margin_of_a_point import margin_of_a_point
from crmlab.satisfaction.importance.worth import worth_of_a_point
from crmlab.satisfaction.indicators.league_table import league_table, topsis


def customers(rng, n):
    tenure = rng.uniform(0, 20, n)
    score = np.clip(50 + tenure + rng.normal(0, 15, n), 0, 100)
    return tenure, score, rng.gamma(2, 100, n)


def leaves(score, tenure):
    return 1 / (1 + np.exp(-(0.3 - 0.03 * score - 0.05 * tenure)))


def worth(samples):
    tenure, score, value = customers(np.random.default_rng(0), 2_000_000)
    kept = leaves(score, tenure) - leaves(score + 1, tenure)
    true = {"odds_ratio": np.exp(-0.03), "kept_share": kept.mean(), "break_even_amount": (kept * value).mean()}
    for n in (1_000, 3_000):
        covered = dict.fromkeys(true, 0)
        for sample in range(samples):
            rng = np.random.default_rng([sample, n])
            tenure, score, value = customers(rng, n)
            left = (rng.random(n) < leaves(score, tenure)).astype(int)
            frame = pd.DataFrame({"score": score, "tenure": tenure, "left": left, "margin_amount": value})
            found = worth_of_a_point(
                frame, score="score", churned="left", value_amount="margin_amount", controls=["tenure"], resamples=500,
                seed=sample,
            )  # fmt: skip
            for name in true:
                covered[name] += found[name].low <= true[name] <= found[name].high
        print("worth", n, {name: round(count / samples, 3) for name, count in covered.items()}, flush=True)


def margin(samples):
    for clustered in (False, True):
        covered = 0
        for sample in range(samples):
            rng = np.random.default_rng(sample)
            branch = rng.integers(0, 25, 500)
            shared = rng.normal(0, 1, (2, 25))[:, branch] * clustered
            frame = pd.DataFrame({"score": rng.uniform(40, 100, 500) + 10 * shared[0], "branch": branch})
            frame["before"] = rng.gamma(4, 50, 500)
            frame["after"] = 0.9 * frame["before"] + 0.5 * frame["score"] + rng.normal(0, 40, 500) + 20 * shared[1]
            found = margin_of_a_point(
                frame, score="score", margin_after_amount="after", controls=["before"],
                cluster="branch" if clustered else None,
            )  # fmt: skip
            covered += found.low <= 0.5 <= found.high
        print("margin", "clustered" if clustered else "plain", covered / samples, flush=True)


def coded(rng, n, coders, shares, slip):
    true = rng.choice(len(shares), n, p=shares)
    slips = [np.where(rng.random(n) < slip, rng.choice(len(shares), n, p=shares), true) for _ in range(coders)]
    return pd.DataFrame(dict(enumerate(slips)))


def agreement(samples):
    for coders, shares, slip in ((2, [0.5, 0.3, 0.2], 0.1), (3, [0.5, 0.3, 0.2], 0.1), (2, [0.9, 0.1], 0.1),
                                 (2, [0.95, 0.05], 0.2)):  # fmt: skip
        true = krippendorff_alpha(coded(np.random.default_rng(0), 200_000, coders, shares, slip), resamples=100).value
        for n in (50, 100, 300):
            covered = 0
            for sample in range(samples):
                ratings = coded(np.random.default_rng([sample, n]), n, coders, shares, slip)
                found = krippendorff_alpha(ratings, resamples=300, seed=sample)
                covered += found.low is not None and found.low <= true <= found.high
            print("alpha", coders, shares, round(true, 3), n, covered / samples, flush=True)


def ranks(samples):
    rng, covered = np.random.default_rng(0), []
    weights = pd.Series({"x": 0.5, "y": 0.5})
    for sample in range(samples):
        true = pd.DataFrame(70 + 3 * rng.standard_normal((20, 2)), columns=["x", "y"])
        seen = true + 2 * rng.standard_normal((20, 2))
        found = league_table(seen, seen * 0 + 2, weights=weights, draws=1_000, seed=sample).frame
        found = found.set_index("alternative").sort_index()
        covered.append(topsis(true, weights=weights)["rank"].between(found["rank_low"], found["rank_high"]).mean())
    print("ranks", round(float(np.mean(covered)), 3))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for measure in (ranks, margin, agreement, worth):
        measure(count)
