"""Does resampling help a churn model? The usual treatments of a rare event, side by side, on Churn_Modelling.

    python benchmarks/resampling.py ../shared/data/churn_modelling/Churn_Modelling.csv

Stratified 5-fold, the same boosted trees (200 trees, three seeds averaged) learned from the rows as they are, with
class weights, with churners repeated until both classes are as many, and with stayers left out until they are. SMOTE-NC
needs a package (imbalanced-learn) that is no dependency, and is left out. The event rate is .204.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd


def learned(how: str, x: np.ndarray, y: np.ndarray, words: list[int], seed: int) -> list[lgb.Booster]:
    """Learn from rows treated in one way."""
    from crmlab.churn.learning.boosting import FIXED

    rng = np.random.default_rng(seed)
    events, others = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    rows, weight = np.arange(len(y)), None
    if how == "random over":
        rows = np.concatenate([others, rng.choice(events, len(others))])
    elif how == "random under":
        rows = np.concatenate([events, rng.choice(others, len(events), replace=False)])
    elif how == "class weight":
        weight = np.where(y == 1, len(y) / (2 * len(events)), len(y) / (2 * len(others)))
    settings = {**FIXED, "num_leaves": 8, "num_threads": 1}
    data = lgb.Dataset(x[rows], y[rows], weight=weight, categorical_feature=words)
    return [lgb.train({**settings, "seed": 10 * seed + k}, data, 200) for k in range(3)]


def main(path: Path) -> None:
    """Print the table."""
    from crmlab.churn.learning.preparation import Preparation, feature_names
    from crmlab.stats import (
        auc,
        average_precision,
        brier,
        calibration_error,
        expected_maximum_profit,
        lift,
        shuffled_folds,
    )

    frame = pd.read_csv(path).drop(columns=["RowNumber", "Surname"]).rename(columns={"CustomerId": "customer_id"})
    y = frame["Exited"].to_numpy(dtype=float)
    prepared = Preparation().fit(frame[feature_names(frame, outcome="Exited")])
    x = prepared.transform(frame)
    fold = shuffled_folds(frame["customer_id"], outcome=y, folds=5, seed=1)
    print("treatment       AUC    PR-AUC  Brier   ECE    lift 10 %  EMPC    F1 at .5  F1 best  mean p")
    for how in ("none", "class weight", "random over", "random under"):
        p, ranked = np.zeros(len(y)), []
        for k in range(5):
            test = fold == k
            models = learned(how, x[~test], y[~test], prepared.word_columns_, seed=k + 1)
            raw = np.mean([model.predict(x[test], raw_score=True) for model in models], axis=0)
            p[test] = 1 / (1 + np.exp(-raw))
            ranked.append(auc(y[test], p[test]).value)
        print(
            f"{how:15s} {np.mean(ranked):.4f} {average_precision(y, p).value:.4f}  {brier(y, p).score.value:.4f}"
            f"  {calibration_error(y, p, resamples=20).value:.3f}  {lift(y, p, resamples=20).value:.2f}"
            f"       {expected_maximum_profit(y, p, resamples=20).profit.value:.3f}   {f1(y, p, 0.5):.3f}"
            f"     {max(f1(y, p, cut) for cut in np.arange(0.05, 0.95, 0.01)):.3f}    {p.mean():.3f}",
            flush=True,
        )


def f1(y: np.ndarray, p: np.ndarray, cut: float) -> float:
    """Harmonic mean of precision and recall at a threshold."""
    hit = p >= cut
    both = float(y[hit].sum())
    return 2 * both / (hit.sum() + y.sum()) if both else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path, help="Churn_Modelling.csv")
    main(parser.parse_args().path)
