"""Recover the truth of simulated banks by textbook estimators: how often does an interval hold the true value?

Run ``python benchmarks/recovery.py path``, ``hazard`` or ``campaigns`` (100 seeds, minutes); ``--seeds``,
``--first``, ``--customers`` and ``--months`` change the banks. A nominal interval of 95 % should hold the truth in 90
or more of 100 seeds (with luck as usual, in all but one case of a hundred).
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from crmlab.bank import Bank
from crmlab.simulation import simulate
from crmlab.validation.truth import Truth


@dataclass(frozen=True)
class Part:
    """A module with ``recover(bank, truth) -> list of Claim``, and the size of bank it is tried on."""

    module: str
    customers: int
    months: int


PARTS = {
    "campaigns": Part("crmlab.validation.campaign_effects", customers=1_000, months=20),
    "hazard": Part("crmlab.validation.hazard", customers=1_000, months=30),
    "path": Part("crmlab.validation.path_model", customers=2_000, months=16),
}


def try_seed(job: tuple[str, int, int, int]) -> list[dict]:
    """Simulate a bank, recover what a part can, and return one row a claim."""
    module, customers, months, seed = job
    with tempfile.TemporaryDirectory() as folder:
        bank = simulate(Path(folder, "bank"), customers=customers, months=months, seed=seed).folder
        claims = importlib.import_module(module).recover(Bank.open(bank, check=False), Truth.open(bank))
    return [
        {
            "seed": seed, "name": claim.name, "truth": claim.truth, "found": claim.estimate.value,
            "low": claim.estimate.low, "high": claim.estimate.high, "held": claim.is_held,
        }
        for claim in claims
    ]  # fmt: skip


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a claim: mean truth, mean estimate, bias in its standard errors, spread, mean half width, seeds held."""
    known = rows[rows["held"].notna()].assign(
        error=lambda frame: frame["found"] - frame["truth"], half=lambda frame: (frame["high"] - frame["low"]) / 2
    )
    grouped = known.groupby("name", sort=False)
    error = grouped["error"]
    return pd.DataFrame(
        {
            "truth": grouped["truth"].mean(),
            "found": grouped["found"].mean(),
            "bias": error.mean(),
            "bias_z": error.mean() / (error.std() / error.count() ** 0.5),
            "spread": error.std(),
            "half_width": grouped["half"].mean(),
            "seeds": error.count(),
            "held": grouped["held"].sum().astype(int),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--customers", type=int)
    parser.add_argument("--months", type=int)
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    part = PARTS[chosen.part]
    customers, months = chosen.customers or part.customers, chosen.months or part.months
    jobs = [(part.module, customers, months, seed) for seed in range(chosen.first, chosen.first + chosen.seeds)]
    began = time.perf_counter()
    with ProcessPoolExecutor(chosen.processes) as pool:
        rows = [row for rows in pool.map(try_seed, jobs) for row in rows]
    table = summary(pd.DataFrame(rows))
    print(f"{chosen.part}: {chosen.seeds} banks of {customers:,} customers x {months} months from seed {chosen.first}, "
          f"{time.perf_counter() - began:.0f} s")  # fmt: skip
    print(table.round(4).to_string())
    share, worst = table["held"].sum() / table["seeds"].sum(), (table["held"] / table["seeds"]).min()
    print(f"intervals that hold the truth: {share:.1%} in all, {worst:.0%} for the worst claim")


if __name__ == "__main__":
    main()
