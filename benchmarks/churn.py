"""What it costs to learn who leaves, and how the learner compares with plain LightGBM and FLAML.

    python benchmarks/churn.py                                   # 200,000 customers x 60 features x 12 months
    python benchmarks/churn.py --customers 20000
    python benchmarks/churn.py --flaml /tmp/flaml/bin/python     # beside FLAML from an environment of its own
    python benchmarks/churn.py --folds FILE                      # seconds a fold on Churn_Modelling.csv

A panel is drawn whose probabilities are known: 60 features (habits that last, habits that move, words, gaps), a hazard
with bends, products of features and a slow drift. A customer who leaves is gone from the next month. Models learn from
months 1 to 10 and are judged on months 11 and 12. FLAML (`pip install "flaml[automl]"` in an environment of its own; it
is no dependency) gets the seconds that the learner took. On a busy machine the CPU seconds are the fair figure. Peak
memory is the operating system's, for this process alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

FEATURES, MONTHS, LEARNED = 60, 12, 10
REGIONS = np.array(["north", "east", "south", "west", "centre"])


def draw(customers: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw the panel and the true probability of each row."""
    rng = np.random.default_rng(seed)
    lasting = rng.normal(size=(customers, FEATURES - 1)).astype(np.float32)
    region = rng.integers(0, len(REGIONS), customers)
    there = np.ones(customers, dtype=bool)
    blocks, truths, outcomes, who, when = [], [], [], [], []
    for month in range(MONTHS):
        place = np.flatnonzero(there)
        x = lasting[place] + rng.normal(0, 0.6, (len(place), FEATURES - 1)).astype(np.float32)
        odds = (
            -4.2 + 0.05 * month + 0.6 * x[:, 0] - 0.5 * np.maximum(x[:, 1], 0) + 0.4 * np.abs(x[:, 2])
            + 0.5 * x[:, 3] * (x[:, 4] > 0) + 0.3 * np.sin(2 * x[:, 5]) + 0.25 * (x[:, 6:12].sum(axis=1) / 2.4)
            + np.array([0, 0.3, -0.3, 0.5, 0])[region[place]] + 0.3 * (x[:, 12] > 1.5) * (x[:, 13] < 0)
        )  # fmt: skip
        p = 1 / (1 + np.exp(-odds))
        left = rng.random(len(place)) < p
        shown = x.copy()
        shown[:, 20:40] = np.exp(shown[:, 20:40])
        shown[:, 40:50] = np.round(np.abs(shown[:, 40:50]) * 3)
        shown[rng.random(len(place)) < 0.05, 1] = np.nan
        blocks.append(shown)
        truths.append(p)
        outcomes.append(left)
        who.append(place)
        when.append(np.full(len(place), month))
        there[place[left]] = False
    whose, month = np.concatenate(who), np.concatenate(when)
    frame = pd.DataFrame(np.concatenate(blocks), columns=[f"x{j}" for j in range(FEATURES - 1)], copy=False)
    del blocks
    names = pd.array(np.char.add("C", np.char.zfill(np.arange(customers).astype(str), 7)), dtype="str")
    ends = pd.date_range("2024-01-31", periods=MONTHS, freq="ME")
    frame["region"] = pd.Categorical.from_codes(region[whose], REGIONS)
    frame["customer_id"] = pd.Categorical.from_codes(whose, names)
    frame["as_of"] = ends[month]
    frame["left"] = np.concatenate(outcomes).astype(np.int8)
    return frame, np.concatenate(truths)


def peak() -> float:
    """GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def judge(name: str, y: np.ndarray, p: np.ndarray, truth: np.ndarray, periods: np.ndarray, seconds: float) -> None:
    """Print one line."""
    from crmlab.stats import auc, auc_within_periods, brier, calibration_error, expected_maximum_profit

    error = calibration_error(y, p, resamples=100)
    profit = expected_maximum_profit(y, p, resamples=20).profit
    within = auc_within_periods(y, p, periods).value
    off = np.abs(p - truth).mean()
    print(
        f"{name:16s} {auc(y, p).value:.4f}   {within:.4f}           {brier(y, p).score.value:.5f}   {profit.value:.4f}"
        f"   {error.value:.4f} ({error.chance_high:.4f})     {off:.5f}      {seconds:7.1f}",
        flush=True,
    )


def whole(customers: int, seed: int, threads: int, flaml: str) -> None:
    """Train, calibrate, evaluate, explain and score; then the rivals."""
    from crmlab.churn.learning.learner import ChurnModel
    from crmlab.churn.learning.reasons import Reason, top_reasons
    from crmlab.churn.learning.suspects import suspects
    from crmlab.stats import auc_within_periods, brier, calibration_error, expected_maximum_profit, lift, reliability

    frame, truth = draw(customers, seed)
    month = frame["as_of"].dt.month.to_numpy()
    learn, test = month <= LEARNED, month > LEARNED
    last = month == MONTHS
    print(f"{customers:,} customers, {len(frame):,} rows x {FEATURES} features, event rate {frame['left'].mean():.4f};"
          f" {peak():.2f} GiB before the start", flush=True)  # fmt: skip
    clock, spent = (time.perf_counter(), time.process_time()), {}

    def lap(name: str) -> None:
        nonlocal clock
        now = (time.perf_counter(), time.process_time())
        spent[name], clock = (now[0] - clock[0], now[1] - clock[1]), now

    print(suspects(frame[learn]).title)
    lap("leaks")
    known = frame[learn]
    model = ChurnModel(threads=threads).fit(known.drop(columns="left"), known["left"])
    del known
    lap("train, calibrate")
    p = model.predict_proba(frame[test]).to_numpy()
    lap("score two months")
    y, periods, whose = frame["left"].to_numpy()[test].astype(float), month[test], frame["customer_id"].to_numpy()[test]
    auc_within_periods(y, p, periods, customers=whose)
    brier(y, p, customers=whose)
    reliability(y, p, customers=whose)
    calibration_error(y, p, resamples=200)
    lift(y, p, customers=whose, resamples=200)
    expected_maximum_profit(y, p, customers=whose, resamples=200)
    lap("evaluate")
    newest = frame[last]
    listed = newest[model.predict_proba(newest).rank(ascending=False) <= 0.1 * last.sum()]
    reasons = {f"x{j}": Reason(f"group {j % 6}") for j in range(FEATURES - 1)}
    top_reasons(model, listed, reasons)
    lap(f"score the newest month, explain the {len(listed):,} likeliest")
    kept = len(json.dumps(model.as_dict()))
    wall, cpu = (sum(one[k] for one in spent.values()) for k in (0, 1))
    print("; ".join(f"{name} {one[0]:.1f} s ({one[1]:.1f} CPU)" for name, one in spent.items()))
    trees = f"{model.rounds_} trees x {len(model.boosters_)}, calibration {model.calibration_}"
    print(f"together {wall:.1f} s wall, {cpu:.1f} CPU s on {threads} thread(s), peak {peak():.2f} GiB")
    print(f"{trees}; kept in {kept / 2**20:.1f} MiB")
    print("learner          AUC      within a month   Brier     profit   calibration error   |p - true|   seconds")
    fitted = spent["train, calibrate"][0]
    judge("this", y, p, truth[test], periods, fitted)
    judge("the truth", y, truth[test], truth[test], periods, 0.0)
    plain(frame, learn, test, y, truth[test], periods, threads)
    if flaml:
        beside_flaml(flaml, frame, learn, test, y, truth[test], periods, fitted, threads)


def matrix(frame: pd.DataFrame) -> np.ndarray:
    """Give the rivals the same columns, words as codes."""
    found = frame.drop(columns=["customer_id", "as_of", "left"])
    return found.assign(region=found["region"].cat.codes.astype(np.float32)).to_numpy(dtype=np.float32)


def plain(frame, learn, test, y, truth, periods, threads) -> None:
    """LightGBM as it comes."""
    import lightgbm as lgb

    x = matrix(frame)
    start = time.perf_counter()
    data = lgb.Dataset(x[learn], frame["left"].to_numpy()[learn], categorical_feature=[FEATURES - 1])
    found = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": threads, "seed": 1}, data)
    seconds = time.perf_counter() - start
    judge("plain LightGBM", y, found.predict(x[test]), truth, periods, seconds)


FLAML = """
import sys, numpy as np, warnings, logging
warnings.filterwarnings("ignore"); logging.disable(logging.CRITICAL)
from flaml import AutoML
folder, budget, threads = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
x, y, group = np.load(f"{folder}/x.npy"), np.load(f"{folder}/y.npy"), np.load(f"{folder}/group.npy")
found = AutoML()
found.fit(x, y, task="classification", metric="log_loss", time_budget=budget, n_jobs=threads, seed=1, verbose=0,
          estimator_list=["lgbm", "rf", "extra_tree"],
          eval_method="holdout", split_type="group", groups=group)
p = found.predict_proba(np.load(f"{folder}/test.npy"))[:, 1]
np.save(f"{folder}/p.npy", p)
print(found.best_estimator, found.best_config)
"""


def beside_flaml(python, frame, learn, test, y, truth, periods, budget, threads) -> None:
    """FLAML with the same seconds, in a process and environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        x = matrix(frame)
        np.save(f"{folder}/x.npy", x[learn])
        np.save(f"{folder}/test.npy", x[test])
        np.save(f"{folder}/y.npy", frame["left"].to_numpy()[learn])
        np.save(f"{folder}/group.npy", frame["customer_id"].cat.codes.to_numpy()[learn])
        start = time.perf_counter()
        done = subprocess.run([python, "-c", FLAML, folder, str(budget), str(threads)], capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode:
            print("FLAML failed:", done.stderr.strip().splitlines()[-1:])
            return
        judge("FLAML", y, np.load(f"{folder}/p.npy").astype(float), truth, periods, seconds)
        print("FLAML chose", done.stdout.strip()[:300])


def folds(path: Path, threads: int) -> None:
    """Seconds, AUC and Brier score a fold on a flat file."""
    from sklearn.metrics import brier_score_loss, roc_auc_score

    from crmlab.churn.learning.learner import ChurnModel
    from crmlab.stats import shuffled_folds

    frame = pd.read_csv(path).drop(columns=["RowNumber", "Surname"]).rename(columns={"CustomerId": "customer_id"})
    y, x = frame["Exited"], frame.drop(columns="Exited")
    fold = shuffled_folds(x["customer_id"], outcome=y, folds=5, seed=1)
    p, ranked = np.zeros(len(y)), []
    for k in range(5):
        start = time.perf_counter()
        p[fold == k] = ChurnModel(threads=threads).fit(x[fold != k], y[fold != k]).predict_proba(x[fold == k])
        ranked.append(roc_auc_score(y[fold == k], p[fold == k]))
        print(f"fold {k}: {time.perf_counter() - start:.1f} s, AUC {ranked[-1]:.4f}")
    print(f"mean AUC {np.mean(ranked):.4f}, Brier {brier_score_loss(y, p):.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--flaml", default="", help="python of an environment that has FLAML")
    parser.add_argument("--folds", type=Path, help="Churn_Modelling.csv")
    given = parser.parse_args()
    if given.folds:
        folds(given.folds, given.threads)
    else:
        whole(given.customers, given.seed, given.threads, given.flaml)
