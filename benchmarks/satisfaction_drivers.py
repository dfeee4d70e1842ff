"""Measure how often what is said of drivers holds on simulated banks, whose paths are planted.

``python benchmarks/satisfaction_drivers.py ranking 500 16 40`` simulates 40 banks of 500 customers over 16 months and
counts how often the intervals hold the planted paths, explained shares and importance, and how often a wrong driver is
said to come first. ``... groups 1500 28 30`` counts the banks in which a path is said to differ between age groups;
none does. What was measured stands in the Notes of `priorities`, `driver_groups` and `freed_of_error`.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from crmlab.bank import Bank
from crmlab.satisfaction.pages.improvement import improvement_on
from crmlab.satisfaction.pages.improvement_evidence import groups, numbers
from crmlab.satisfaction.pages.path_evidence import paths_between
from crmlab.simulation import simulate
from crmlab.validation.answers.satisfaction_drivers import TRUTHS
from crmlab.validation.case import Case
from crmlab.validation.truth import Truth

FIRST = "value"  # planted as the strongest that can be worked on


def banks(customers, months, count):
    for seed in range(100, 100 + count):
        with tempfile.TemporaryDirectory() as folder:
            place = simulate(Path(folder) / "bank", customers=customers, months=months, seed=seed).folder
            case, why = improvement_on(
                Bank.open(place).as_of(""), fixed="image, expectations", resamples=400, seed=seed
            )
            if case is None or case.judged.is_joined:
                print(seed, why or "joined", flush=True)
                continue
            yield seed, case, Case(None, Truth.open(place), {})


def ranking(customers, months, count):
    held, first = {}, []
    for _, case, planted in banks(customers, months, count):
        for name, found in numbers(case, paths_between(case.judged), None, None, None).items():
            if name in TRUTHS:
                true = TRUTHS[name](planted).value
                kind = "path" if "_to_" in name else name.split("_")[0]
                held.setdefault(kind, []).append((found.low <= true <= found.high, found.value - true))
        first.append((case.ranked.first_share, case.ranked.first == FIRST))
    for kind, rows in held.items():
        cover, error = np.array(rows, dtype=float).T
        print(f"{kind}: {len(rows)}, held {cover.mean():.3f}, bias {error.mean():+.3f}, rmse {error.std():.3f}")
    share, right = np.array(first).T
    for limit in (0.8, 0.9, 0.95):
        print(f"first in {limit:.0%}: {(share >= limit).sum()}, wrong {((share >= limit) & (right == 0)).sum()}")


def compared(customers, months, count):
    alarms, tried = 0, 0
    for seed, case, _ in banks(customers, months, count):
        told, why = groups(case, seed=seed)
        if told is None:
            print(seed, why)
            continue
        tried += 1
        alarms += told.paths["paths_different"].value > 0
        print(seed, case.judged.waves, told.differences, flush=True)
    print(f"{alarms} of {tried} banks show a difference between groups")


if __name__ == "__main__":
    {"ranking": ranking, "groups": compared}[sys.argv[1]](*map(int, sys.argv[2:5]))
