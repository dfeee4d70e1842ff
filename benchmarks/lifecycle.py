"""How often intervals of Markov values hold the truth, how fast stages are found, how far they agree and forecast.

    python benchmarks/lifecycle.py coverage [--replications 500] [--first 0]
    python benchmarks/lifecycle.py stages [--customers 5000] [--months 36] [--seed 1]

Coverage: banks of the chain of Pfeifer and Carraway (2000), customers by recency; each value interval is held against
the published value of the true chain. Stages: seconds, agreement with the stages of the simulation (kappa), flicker
beside the naive rule, the forecast beside no change, and how many true intensities lie in their intervals.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from crmlab.bank import Bank
from crmlab.lifecycle.chain.absorbing import stage_value
from crmlab.lifecycle.chain.forecast import judge_forecast
from crmlab.lifecycle.chain.matrix import fit_chain
from crmlab.lifecycle.chain.moves import moves_between
from crmlab.lifecycle.chain.resampled import resample_chain
from crmlab.lifecycle.chain.worth import value_by_stage
from crmlab.lifecycle.stages.on_dates import flicker_share, month_ends, settled_ends, stages_on
from crmlab.lifecycle.stages.rules import SCOPES, StageRules
from crmlab.simulation import simulate
from crmlab.stats import percentile_limits, proportion
from crmlab.validation.truth import Truth

STATES = ("r1", "r2", "r3", "r4")
SHARES = np.array([[0.3, 0.7, 0, 0, 0], [0.2, 0, 0.8, 0, 0], [0.15, 0, 0, 0.85, 0], [0.05, 0, 0, 0, 0.95]])
REWARDS = np.array([36.0, -4.0, -4.0, -4.0])
CUSTOMERS, MONTHS = 500, 12


def walked(seed: int) -> pd.DataFrame:
    """Moves of customers who start after a purchase and are followed until they end or the months do."""
    rng = np.random.default_rng(seed)
    rows, state = [], np.zeros(CUSTOMERS, dtype=int)
    full = np.vstack([SHARES, [0, 0, 0, 0, 1]])
    for month in range(MONTHS):
        after = (rng.random(CUSTOMERS)[:, None] > full[state].cumsum(axis=1)).sum(axis=1)
        rows += [(f"c{i}", month, state[i], after[i]) for i in range(CUSTOMERS) if state[i] < 4]
        state = after
    names = np.array([*STATES, "lost"], dtype=object)
    frame = pd.DataFrame(rows, columns=["customer_id", "as_of", "from", "to"])
    return frame.assign(
        margin_amount=REWARDS[frame["from"]], **{"from": names[frame["from"]], "to": names[frame["to"]]}
    )


def coverage(replications: int, first: int) -> None:
    """Count how often both intervals hold the true values."""
    truth = stage_value(SHARES, REWARDS, discount=0.2)
    held = {"customers resampled": [], "Dirichlet": []}
    points = []
    for seed in range(first, first + replications):
        moves = walked(seed)
        found = resample_chain(moves, states=STATES, resamples=500, seed=seed)
        table = value_by_stage(found, discount=0.2)
        points.append(table["value_amount"].to_numpy())
        held["customers resampled"].append(
            (table["value_low_amount"].to_numpy() <= truth) & (truth <= table["value_high_amount"].to_numpy())
        )
        drawn = fit_chain(moves, states=STATES).draws(500, seed=seed)
        low, high = percentile_limits(stage_value(drawn, REWARDS, discount=0.2))
        held["Dirichlet"].append((low <= truth) & (truth <= high))
    print(f"{replications} banks of {CUSTOMERS} customers x {MONTHS} months from seed {first}; true V {truth.round(3)}")
    print(f"mean of the estimates {np.mean(points, axis=0).round(3)}")
    for name, rows in held.items():
        each = np.array(rows)
        told = ", ".join(f"{state} {100 * share:.1f} %" for state, share in zip(STATES, each.mean(axis=0), strict=True))
        print(f"{name}: {told}; all {proportion(int(each.sum()), each.size).short}")


def stages(customers: int, months: int, seed: int) -> None:
    """Time the stages of every month-end and hold them against the simulation."""
    with tempfile.TemporaryDirectory() as folder:
        path = simulate(Path(folder) / "bank", customers=customers, months=months, seed=seed).folder
        bank = Bank.open(path).as_of("")
        days = month_ends(bank)
        begun = time.process_time()
        found = stages_on(bank, days)
        seconds = time.process_time() - begun
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        told = f"{seconds:.1f} CPU s, {len(found):,} rows, peak {peak:.2f} GiB"
        print(f"{customers:,} customers x {len(days)} month-ends: {told}")
        settled = settled_ends(bank)
        own = Truth.open(path).table("months", columns=["customer_id", "month_on", "stage"])
        own = own.rename(columns={"month_on": "as_of", "stage": "true"}).astype({"as_of": "datetime64[us]"})
        for name, rules in (("rules", StageRules()), ("naive", StageRules().naive())):
            seen = found if name == "rules" else stages_on(bank, days, rules=rules)
            seen = seen[seen["as_of"] >= settled[0]]
            both = seen.merge(own, on=["customer_id", "as_of"])
            agree = (both["stage"] == both["true"]).mean()
            chance = (both["stage"].value_counts(normalize=True) * both["true"].value_counts(normalize=True)).sum()
            kappa = (agree - chance) / (1 - chance)
            print(
                f"{name}: agreement {100 * agree:.1f} %, kappa {kappa:.2f}, flicker {100 * flicker_share(seen):.1f} %"
            )
            if name == "rules":
                by = both.assign(hit=both["stage"] == both["true"])
                told = pd.DataFrame(
                    {"found": by.groupby("true")["hit"].mean(), "right": by.groupby("stage")["hit"].mean()}
                )
                print((100 * told).round(1).to_string())
        for scope in SCOPES:
            print(scope, f"flicker {100 * flicker_share(stages_on(bank, settled, scope=scope)):.1f} %")
        settled_rows = found[found["as_of"] >= settled[0]]
        for steps in (6, 12):
            print(judge_forecast(settled_rows, steps=steps).to_string(float_format="{:.4f}".format))
        intensities(path, own, bank)


def intensities(path: Path, own: pd.DataFrame, bank: Bank) -> None:
    """Hold the true chances to move against the intervals of the chain on the simulation's own stages."""
    left = bank.frame("customers", ["customer_id", "left_on"]).dropna()
    gone = [(row.customer_id, day) for row in left.itertuples()
            for day in pd.date_range(row.left_on, own["as_of"].max(), freq="ME")]  # fmt: skip
    lost = pd.DataFrame(gone, columns=["customer_id", "as_of"]).assign(true="lost")
    whole = pd.concat([own, lost], ignore_index=True).drop_duplicates(["customer_id", "as_of"])
    whole = whole.astype({"as_of": "datetime64[us]", "true": "str"}).rename(columns={"true": "stage"})
    table = fit_chain(moves_between(whole.assign(margin_amount=0.0))).table().set_index(["from", "to"])
    moves = Truth.open(path).table("stage_moves")
    moves = moves[(moves["month_on"] > own["as_of"].min()) & (moves["stage"] != "lost")]
    summed = moves.groupby(["stage", "next_stage"])[["customers", "expected"]].sum()
    often = summed[summed["expected"] >= 10]
    true = often["expected"] / often["customers"]
    rows = table.loc[true.index]
    held = (rows["share_low"] <= true.to_numpy()) & (true.to_numpy() <= rows["share_high"])
    print(f"true intensities in their intervals: {held.sum()} of {len(held)}; missed: {list(held[~held].index)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["coverage", "stages"])
    parser.add_argument("--replications", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--customers", type=int, default=5_000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.what == "coverage":
        coverage(given.replications, given.first)
    else:
        stages(given.customers, given.months, given.seed)
