"""What an analyst finds of the planted measures of improvement: how far from the truth, how often, with what power?

Run ``python benchmarks/measures.py`` (120 banks of 5,000 customers x 28 months: a quarter of an hour on one process).
Each comparison is tried on the answers of the waves: before and after where a measure runs; and difference in
differences by branch, where branches count alike or by how well their change is known.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd
from scipy import stats

from crmlab.simulation.block import BLOCK_CUSTOMERS, simulate_block
from crmlab.simulation.market import simulate_market
from crmlab.simulation.measures import branch_scores, decide_places, true_effects
from crmlab.simulation.opinions import LATENTS
from crmlab.simulation.surveys import items_of

MONTHS = 28
FIRST, SECOND, THIRD = 2, 14, 26  # months of the waves
TRAINING, CALL_BACK, STATEMENT = "M01", "M02", "M03"


def answers_by_branch(seed: int, blocks: int) -> tuple[pd.DataFrame, dict[str, tuple[int, ...]], pd.DataFrame]:
    """Return the mean answer of each response to each latent variable, the places of the measures, and the truth."""
    market, parts, scores = simulate_market(seed, MONTHS), [], 0
    latent_of = {at: name for name in LATENTS for at in items_of(name).values()}
    for number in range(blocks):
        block = simulate_block(seed, number, BLOCK_CUSTOMERS, MONTHS, market)
        rows = block.rows["surveys"]
        scores = scores + branch_scores(rows, block.people)
        asked = (rows["occasion"] == 0) & (rows["score"] >= 0)
        frame = pd.DataFrame({name: rows[name][asked] for name in ("response", "customer", "wave", "item", "score")})
        frame["latent"], frame["branch"] = frame["item"].map(latent_of), block.people.district[frame["customer"]]
        means = frame.groupby(["response", "branch", "wave", "latent"])["score"].mean().unstack("latent")
        parts.append(means.reset_index())
    measures = decide_places(seed, MONTHS, scores)
    truth = pd.DataFrame(true_effects(measures)).set_index("measure_id")
    return pd.concat(parts), {one.identifier: one.places for one in measures}, truth


def before_and_after(frame: pd.DataFrame, latent: str, before: int, after: int) -> tuple[float, float, float]:
    """Change of the mean, with the 95 % interval of two independent samples."""
    first, last = (frame.loc[frame["wave"] == wave, latent].dropna() for wave in (before, after))
    change, error = last.mean() - first.mean(), np.sqrt(first.var() / len(first) + last.var() / len(last))
    return change, change - 1.96 * error, change + 1.96 * error


def against_others(frame, latent: str, places, before: int, after: int, weighted: bool) -> tuple[float, float, float]:
    """Change of the branches with a measure less that of the others, with its 95 % interval by Student's t."""
    cells = frame.dropna(subset=latent).groupby(["branch", "wave"])[latent].agg(["mean", "size"]).unstack("wave")
    cells = cells[[(what, wave) for what in ("mean", "size") for wave in (before, after)]].dropna()
    change = (cells["mean"][after] - cells["mean"][before]).to_numpy()
    known = (1 / (1 / cells["size"][after] + 1 / cells["size"][before])).to_numpy() if weighted else np.ones(len(cells))
    design = np.column_stack([np.ones(len(cells)), np.isin(cells.index, places)])
    bread = np.linalg.inv(design.T @ (design * known[:, None]))
    found = bread @ design.T @ (known * change)
    freedom = len(cells) - 2
    error = np.sqrt((known * (change - design @ found) ** 2).sum() / freedom * bread[1, 1])
    half = stats.t.ppf(0.975, freedom) * error
    return found[1], found[1] - half, found[1] + half


def try_seed(job: tuple[int, int]) -> list[dict]:
    """Simulate one bank and return one row a comparison."""
    seed, blocks = job
    frame, places, truth = answers_by_branch(seed, blocks)
    rows = []

    def note(name: str, true: float, found: tuple[float, float, float]) -> None:
        rows.append({"name": name, "truth": true, "found": found[0], "low": found[1], "high": found[2]})

    points = truth["indicator_effect_points"]
    runs, waves = places[CALL_BACK], (SECOND, THIRD)
    for weighted, how in ((True, "by branch, weighted"), (False, "by branch, alike")):
        note(f"call back: {how}", points[CALL_BACK],
             against_others(frame, "handling_efficiency", runs, *waves, weighted))  # fmt: skip
    note("call back on satisfaction: by branch, weighted", truth["satisfaction_effect_points"][CALL_BACK],
         against_others(frame, "satisfaction", runs, *waves, True))  # fmt: skip
    note("call back, a year too early: by branch, weighted", 0.0,
         against_others(frame, "handling_efficiency", runs, FIRST, SECOND, True))  # fmt: skip
    if TRAINING in places:
        runs, there = places[TRAINING], frame[frame["branch"].isin(places[TRAINING])]
        for before, since in ((SECOND, "second"), (FIRST, "first")):
            note(f"training, since the {since} wave: before and after", 0.0,
                 before_and_after(there, "service_attitude", before, THIRD))  # fmt: skip
            note(f"training, since the {since} wave: by branch, weighted", 0.0,
                 against_others(frame, "service_attitude", runs, before, THIRD, True))  # fmt: skip
    note("fee statement: before and after", points[STATEMENT], before_and_after(frame, "value", *waves))
    return rows


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a comparison: truth, mean, its standard error, spread, banks, intervals with the truth, and above 0."""
    rows = rows.assign(
        held=(rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"]), above_0=rows["low"] > 0,
        half_width=(rows["high"] - rows["low"]) / 2,
    )  # fmt: skip
    grouped = rows.groupby("name", sort=False)
    found = grouped["found"]
    return pd.DataFrame(
        {
            "truth": grouped["truth"].mean(), "found": found.mean(), "error": found.std() / np.sqrt(found.count()),
            "spread": found.std(), "half_width": grouped["half_width"].mean(), "banks": found.count(),
            "held": grouped["held"].sum(), "above_0": grouped["above_0"].sum(),
        }
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=120)
    parser.add_argument("--first", type=int, default=1_000, help="first seed")
    parser.add_argument("--blocks", type=int, default=5, help="thousands of customers")
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    began = time.perf_counter()
    jobs = [(seed, chosen.blocks) for seed in range(chosen.first, chosen.first + chosen.seeds)]
    with ProcessPoolExecutor(chosen.processes) as pool:
        rows = [row for rows in pool.map(try_seed, jobs) for row in rows]
    print(f"{chosen.seeds} banks of {chosen.blocks},000 customers x {MONTHS} months from seed {chosen.first}, "
          f"{time.perf_counter() - began:.0f} s; points of the mean of the items")  # fmt: skip
    print(summary(pd.DataFrame(rows)).round(3).to_string())


if __name__ == "__main__":
    main()
