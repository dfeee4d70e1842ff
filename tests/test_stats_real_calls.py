"""What splits in time show on a Portuguese bank's calls, 2008 to 2010 (Moro, Cortez and Rita 2014)."""

import lightgbm
import numpy as np
import pandas as pd
import pytest

from crmlab.stats import Calibrator, auc, auc_within_periods, calibration_error, rolling_origin, shuffled_folds

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


@pytest.fixture(scope="module")
def calls(real_data):
    frame = pd.read_csv(real_data / "bank_marketing" / "bank-full.csv", sep=";")
    month = frame["month"].map({name: k + 1 for k, name in enumerate(MONTHS)}).to_numpy()
    year = 2008 + np.concatenate([[0], np.cumsum(np.diff(month) < -3)])  # rows are in order of time
    as_of = pd.to_datetime({"year": year, "month": month, "day": 1}) + pd.offsets.MonthEnd(0)
    y = (frame.pop("y") == "yes").astype(int)
    words = frame.select_dtypes(exclude="number").columns
    features = frame.drop(columns="duration").astype(dict.fromkeys(words, "category"))
    return features, y, pd.DataFrame({"customer_id": np.arange(len(frame)), "as_of": as_of})


def predicted(features, y, train, test):
    model = lightgbm.LGBMClassifier(
        n_estimators=60,
        learning_rate=0.1,
        num_leaves=15,
        min_child_samples=50,
        n_jobs=1,
        verbose=-1,
        deterministic=True,
    )
    return model.fit(features.iloc[train], y.iloc[train]).predict_proba(features.iloc[test])[:, 1]


def test_a_split_by_lot_flatters_and_a_pooled_auc_ranks_months(calls):
    features, y, frame = calls
    fold, by_lot = shuffled_folds(frame["customer_id"], outcome=y, folds=2), np.empty(len(y))
    for k in (0, 1):
        by_lot[fold == k] = predicted(features, y, np.flatnonzero(fold != k), np.flatnonzero(fold == k))
    assert auc(y, by_lot).value == pytest.approx(0.80, abs=0.01)  # .805 is published for a random split

    splits = rolling_origin(frame, outcome_months=1, fewest_train_dates=3)[::4]
    rows = np.concatenate([split.test for split in splits])
    in_time, repaired = [], []
    for split in splits:
        score = predicted(features, y, split.train, np.concatenate([split.train, split.test]))
        of_train, of_test = score[: len(split.train)], score[len(split.train) :]
        latest = (frame["as_of"].iloc[split.train] == pd.Timestamp(split.train_to)).to_numpy()
        mend = Calibrator(method="intercept").fit(of_train[latest], y.iloc[split.train[latest]])
        in_time.append(of_test)
        repaired.append(mend.predict(of_test))
    in_time, repaired, outcome, month = (
        np.concatenate(in_time),
        np.concatenate(repaired),
        y.iloc[rows],
        frame["as_of"].iloc[rows],
    )
    pooled = auc(outcome, in_time)
    assert auc(outcome, by_lot[rows]).value > pooled.value + 0.04
    within = auc_within_periods(outcome, in_time, month)
    assert within.high < pooled.low
    error, after = (calibration_error(outcome, p, resamples=100) for p in (in_time, repaired))
    assert error.is_beyond_chance
    assert after.value < error.value
