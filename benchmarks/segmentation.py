"""What it costs to segment customers by behaviour, with the whole evidence.

    python benchmarks/segmentation.py                        # 200,000 customers x 20 columns
    python benchmarks/segmentation.py --customers 50000
    python benchmarks/segmentation.py --kmeans               # k-means here beside scikit-learn's, side by side
    python benchmarks/segmentation.py --planted 20           # simulated banks: are the planted segments found?
    python benchmarks/segmentation.py --clouds 40            # data without segments: how often are some found?

The customers are drawn from five kinds with overlapping habits; some gaps, some extremes. Each step is timed in a
process of its own from the finished frame: choosing the number (2 to 8: prediction strength, bootstrap Jaccard, forty
fits against one crowd), learning from everybody, stability with 100 resamples, silhouette, names, plain rules, and the
assignment of as many new customers. Numbers are tried on 2,000 customers, stability on 3,000, silhouettes on 2,000,
rules are grown on 20,000; everybody is learned from and assigned. Peak memory is the operating system's.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd

COLUMNS, KINDS = 20, 5


def draw(customers: int, seed: int) -> pd.DataFrame:
    """Draw customers of five kinds: counts, amounts and shares that overlap."""
    centres = np.random.default_rng(11).normal(0, 1.0, (KINDS, COLUMNS))
    rng = np.random.default_rng(seed)
    kind = rng.choice(KINDS, customers, p=[0.30, 0.24, 0.19, 0.15, 0.12])
    latent = centres[kind] + rng.normal(0, 1.0, (customers, COLUMNS))
    columns = {}
    for j in range(COLUMNS):
        if j % 3 == 0:
            values = rng.poisson(np.exp(1.0 + 0.6 * latent[:, j])).astype(float)
        elif j % 3 == 1:
            values = np.exp(6 + latent[:, j])
            values[rng.integers(0, customers, 3)] = 1e12
        else:
            values = 1 / (1 + np.exp(-latent[:, j]))
        values[rng.random(customers) < 0.02] = np.nan
        columns[f"x{j}"] = values
    index = pd.Index([f"C{i:07d}" for i in range(customers)], name="customer_id")
    return pd.DataFrame(columns, index=index).assign(kind=kind)


def basis():
    """Declare the columns."""
    from crmlab.segmentation.columns import Basis, Column

    kinds = ("count", "amount", "share")
    return Basis("benchmark", tuple(Column(f"x{j}", f"Column {j}", kinds[j % 3]) for j in range(COLUMNS)))


def whole(customers: int) -> None:
    """Time the segmentation with its evidence."""
    from sklearn.metrics import adjusted_rand_score

    from crmlab.segmentation.rules import segment_rules
    from crmlab.segmentation.segments import Segments

    frame, coming = draw(customers, 1), draw(customers, 2)
    columns = basis()
    outcomes = pd.DataFrame({"margin": np.random.default_rng(3).lognormal(3, 1, customers)}, index=frame.index)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start, cpu = time.perf_counter(), time.process_time()
    segments = Segments(columns).fit(frame, outcomes=outcomes)
    learned = time.perf_counter()
    rules = segment_rules(frame, segments.labels_, columns.columns)
    ruled = time.perf_counter()
    placed = segments.predict(coming)
    end = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{customers:,} customers x {COLUMNS} columns: {segments.verdict_}")
    print(segments.trial_.round(3).to_string(index=False))
    print(f"adjusted Rand with the kinds drawn: {adjusted_rand_score(frame['kind'], segments.labels_):.2f}; of the new")
    print(
        f"  customers, assigned: {adjusted_rand_score(coming['kind'], placed):.2f}; rules replay {rules.accuracy.short}"
    )
    print(f"learn with evidence {learned - start:.1f} s, rules {ruled - learned:.1f} s, assign {end - ruled:.1f} s")
    print(f"together {end - start:.1f} s wall, {time.process_time() - cpu:.1f} CPU s; ", end="")
    print(f"peak {peak:.2f} GiB, of which {before:.2f} before the start")


def side_by_side() -> None:
    """Time one clustering of 20 starts beside scikit-learn's, one thread each, in turns."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    from crmlab.segmentation.kmeans import kmeans

    rng = np.random.default_rng(1)
    print("rows   k   here ms   scikit-learn ms   times   inertia here / there")
    for rows in (130, 500, 1_000, 3_000):
        data = np.r_[rng.normal(size=(rows // 2, 14)), rng.normal(size=(rows - rows // 2, 14)) + 0.8]
        for k in (3, 5, 8):
            spent, inertia = np.zeros((2, 7)), np.zeros((2, 7))
            for turn in range(7):
                start = time.process_time()
                found = kmeans(data, k, turn)
                spent[0, turn] = time.process_time() - start
                inertia[0, turn] = np.exp(found.misfit(data)) * rows
                start = time.process_time()
                with threadpool_limits(limits=1):
                    theirs = KMeans(k, n_init=20, random_state=turn).fit(data)
                spent[1, turn] = time.process_time() - start
                inertia[1, turn] = theirs.inertia_
            here, there = 1_000 * np.median(spent, axis=1)
            ratio = inertia[0].mean() / inertia[1].mean()
            print(f"{rows:5d} {k:3d} {here:9.1f} {there:17.1f} {there / here:7.1f} {ratio:11.4f}")


def planted(banks: int, customers: int) -> None:
    """Compare what is found on simulated banks of 18 months with what was planted."""
    import tempfile
    from pathlib import Path

    import pyarrow.parquet as pq
    from sklearn.metrics import adjusted_rand_score

    from crmlab.bank import Bank
    from crmlab.segmentation.behaviour import behaviour_on, learned
    from crmlab.simulation import simulate

    agreed = []
    for seed in range(100, 100 + banks):
        with tempfile.TemporaryDirectory() as folder:
            made = simulate(Path(folder) / "bank", customers=customers, months=18, seed=seed).folder
            truth = pq.read_table(made / "truth" / "customers").to_pandas().set_index("customer_id")
            today = behaviour_on(Bank.open(made).as_of(""))
            found = learned(today)
        kinds = truth["behaviour_segment"].reindex(today.frame.index)
        agreed.append(
            (
                found.k_,
                adjusted_rand_score(kinds, found.labels_),
                adjusted_rand_score(
                    kinds, found.method_.cluster(found.method_.rows(today.frame), 5, 1)(found.method_.rows(today.frame))
                ),
            )
        )
        print(
            f"seed {seed}: {found.k_} segments, adjusted Rand {agreed[-1][1]:.2f}; five: {agreed[-1][2]:.2f}",
            flush=True,
        )
    table = pd.DataFrame(agreed, columns=["k", "found", "five"])
    print(f"{banks} banks of {customers:,}: {table['k'].value_counts().sort_index().to_dict()} segments; adjusted Rand")
    print(f"  mean {table['found'].mean():.2f}, least {table['found'].min():.2f}; five: {table['five'].mean():.2f}, "
          f"{table['five'].min():.2f}")  # fmt: skip


def clouds(draws: int) -> None:
    """Look for segments where there are none: one normal cloud, noise in a box, a skewed crowd."""
    from crmlab.segmentation.columns import Basis, Column
    from crmlab.segmentation.segments import Segments

    columns = Basis("cloud", tuple(Column(f"x{j}", f"Column {j}", "number") for j in range(6)))
    kinds = {
        "one normal cloud": lambda rng: rng.normal(size=(800, 6)) @ rng.normal(size=(6, 6)).T,
        "noise in a box": lambda rng: rng.uniform(size=(800, 6)),
        "columns of two humps, shuffled": lambda rng: rng.normal(0, 1, (800, 6)) + 4 * (rng.random((800, 6)) < 0.4),
        "skewed and correlated": lambda rng: np.exp(0.7 * rng.normal(size=(800, 6)) @ rng.normal(size=(6, 6)).T / 2),
    }
    for name, make in kinds.items():
        found = beaten = 0
        for seed in range(draws):
            rows = make(np.random.default_rng(1_000 + seed))
            segments = Segments(columns, most=6, seed=seed).fit(pd.DataFrame(rows, columns=[f"x{j}" for j in range(6)]))
            found += segments.found_
            beaten += bool((segments.trial_["gap"] > segments.trial_["gap_limit"]).any())
        print(f"{name}: stable segments in {found} of {draws}; one crowd beaten at any number in {beaten}", flush=True)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--kmeans", action="store_true", help="time k-means beside scikit-learn's instead")
    parser.add_argument("--planted", type=int, metavar="BANKS", help="look for the segments planted in so many banks")
    parser.add_argument("--clouds", type=int, metavar="DRAWS", help="look for segments where there are none")
    given = parser.parse_args()
    if given.kmeans:
        side_by_side()
    elif given.planted:
        planted(given.planted, min(given.customers, 2_000))
    elif given.clouds:
        clouds(given.clouds)
    else:
        whole(given.customers)


if __name__ == "__main__":
    main()
