"""How often each look at a measure is fooled: many surveys of branches in which nothing, or something, works.

Run: python benchmarks/improvement_tracking.py [replications]. Worlds: 24 branches of 20 to 120 answers a wave, three
waves, true branch means with a standard deviation of 1 or 3 index points that stay or drift, answers with 15. Six
branches get a measure after the second wave: the lowest of the second wave, the lowest of the first, or by lot.

Measured with 300 replications: % of surveys in which each look says that it got better (before and after; plain
difference of changes; from the wave before, or after a lot; the verdict), and % of intervals that hold the effect.

effect, chosen, deviation of branches, memory        naive  plain  fair  worked  held
0, lowest of the second wave, 1, 1                    39.0   57.7   1.7     1.7  97.0
0, lowest of the second wave, 3, 1                    11.0   19.0   1.7     1.0  95.7
0, lowest of the second wave, 3, .5                   29.0   47.0   1.3     1.3  96.0
0, lowest of the first wave, 1, 1                      2.3    2.3  55.3     2.0  44.7
0, lowest of the first wave, 3, 1                      1.3    1.0  24.0     0.7  76.0
0, lowest of the first wave, 3, .5                     2.3    6.0  56.0     6.0  44.0
0, by lot, 1, 1                                        0.7    3.3   3.3     3.3  94.3
0, by lot, 3, 1                                        0.7    2.3   2.3     2.3  95.7
0, by lot, 3, .5                                       1.3    3.7   3.7     3.7  94.0
5, lowest of the second wave, 1, 1                   100.0  100.0  93.7    93.7  97.0
5, lowest of the second wave, 3, 1                   100.0  100.0  92.7    92.7  95.7
5, lowest of the second wave, 3, .5                   95.7   99.7  49.7    49.7  96.0

With a drift the lowest of the first wave truly come back, measure or not; then 6 % are taken for an effect.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from crmlab.satisfaction.change.measure_verdicts import judge_measures

_DAYS = {"2023": "2023-03-01", "2024": "2024-03-01", "2025": "2025-03-01"}


def survey(generator, chosen: str, *, between: float, memory: float, effect: float) -> tuple[pd.DataFrame, list[str]]:
    """One survey of three waves, and the branches that got the measure."""
    branches = [f"b{number:02d}" for number in range(24)]
    sizes = generator.integers(20, 121, 24)
    true = [generator.normal(70, between, 24)]
    for _ in range(2):
        drift = between * np.sqrt(1 - memory**2)
        true.append(70 + memory * (true[-1] - 70) + generator.normal(0, drift, 24))
    waves = [[generator.normal(mean, 15, size) for mean, size in zip(wave, sizes, strict=True)] for wave in true]
    means = np.array([[answers.mean() for answers in wave] for wave in waves])
    if chosen == "by lot":
        picked = generator.choice(24, 6, replace=False)
    else:
        picked = np.argsort(means[{"worst of the first wave": 0, "worst of the second wave": 1}[chosen]])[:6]
    for place in picked:
        waves[2][place] = waves[2][place] + effect
    rows = [
        pd.DataFrame({"value": answers, "branch": branch, "wave": name})
        for name, wave in zip(_DAYS, waves, strict=True)
        for branch, answers in zip(branches, wave, strict=True)
    ]
    scores = pd.concat(rows, ignore_index=True)
    return scores.assign(customer_id=np.arange(len(scores))), [branches[place] for place in picked]


def share_called(chosen: str, replications: int, *, between: float, memory: float, effect: float) -> list[float]:
    """Share of surveys in which each look says that it got better; last: share of intervals that hold the effect."""
    called = np.zeros(5)
    for seed in range(replications):
        generator = np.random.default_rng(seed)
        scores, places = survey(generator, chosen, between=between, memory=memory, effect=effect)
        register = pd.DataFrame(
            {
                "measure_id": ["M1"], "measure": ["M"], "owner": ["o"], "indicator": ["value"],
                "started_on": [pd.Timestamp("2024-08-01")], "scope": ["branch"], "places": [tuple(places)],
                "is_drawn_by_lot": [chosen == "by lot"],
            }
        )  # fmt: skip
        found = judge_measures(scores, register, _DAYS).iloc[0]
        called += [found["change_low"] > 0, found["plain_effect_low"] > 0, found["effect_low"] > 0,
                   found["verdict"] == "worked", found["effect_low"] <= effect <= found["effect_high"]]  # fmt: skip
    return (called / replications).tolist()


def main() -> None:
    """Print one line a world."""
    replications = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    for effect in (0.0, 5.0):
        for chosen in ("worst of the second wave", "worst of the first wave", "by lot"):
            for between, memory in ((1.0, 1.0), (3.0, 1.0), (3.0, 0.5)):
                shares = share_called(chosen, replications, between=between, memory=memory, effect=effect)
                told = "  ".join(f"{100 * share:5.1f}" for share in shares)
                print(f"effect {effect:g}, {chosen}, branches {between:g}, memory {memory:g}: {told}", flush=True)


if __name__ == "__main__":
    main()
