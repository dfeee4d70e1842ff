"""Measure how often the intervals of drivers cover the truth, and how often undue credit is seen.

``python benchmarks/driver_intervals.py 300`` takes the number of samples. Four drivers correlated at .6 to .8; the
third has no effect, so that LMG credits it for the others (16 % of R2).
"""

import sys

import numpy as np
import pandas as pd

from crmlab.satisfaction.importance.driver_shares import driver_shares
from crmlab.satisfaction.importance.drivers import driver_importance

AMONG = np.array([[1, 0.7, 0.7, 0.6], [0.7, 1, 0.8, 0.7], [0.7, 0.8, 1, 0.7], [0.6, 0.7, 0.7, 1]])
BETA = np.array([0.25, 0.2, 0.0, 0.4])
NAMES = ["image", "quality", "expectations", "value"]


def truth():
    covariance = np.eye(5)
    covariance[:4, :4] = AMONG
    covariance[4, :4] = covariance[:4, 4] = AMONG @ BETA
    return driver_shares(covariance)


def main(samples: int) -> None:
    true, root = truth(), np.linalg.cholesky(AMONG)
    print("true share", (true.lmg / true.r_squared).round(3), "R2", true.r_squared.round(3))
    for n in (150, 400, 1500):
        covered = {name: np.zeros(4) for name in ("lmg_share", "lmg", "johnson", "beta", "last")}
        doubtful, r_squared = np.zeros(4), 0
        for sample in range(samples):
            rng = np.random.default_rng([sample, n])
            scores = rng.standard_normal((n, 4)) @ root.T
            frame = pd.DataFrame(scores, columns=NAMES)
            frame["y"] = scores @ BETA + rng.normal(0, np.sqrt(1 - true.r_squared), n)
            found = driver_importance(frame, target="y", drivers=NAMES, resamples=500, seed=sample)
            table = found.frame.set_index("driver").loc[NAMES]
            for name in covered:
                value = true.lmg / true.r_squared if name == "lmg_share" else getattr(true, name)
                covered[name] += (table[f"{name}_low"] <= value) & (value <= table[f"{name}_high"])
            doubtful += table["is_credit_doubtful"]
            r_squared += found["r_squared"].low <= true.r_squared <= found["r_squared"].high
        print(f"n = {n}: R2 {r_squared / samples:.3f}, doubtful {(doubtful / samples).round(3)}")
        print(pd.DataFrame(covered, index=NAMES).div(samples).round(3).to_string())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
