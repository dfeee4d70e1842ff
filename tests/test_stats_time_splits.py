"""Splits in time: nothing learned that was not known, no customer on both sides, counts, order of rows."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.errors import CrmlabError
from crmlab.snapshots import outcome_window
from crmlab.stats import rolling_origin, shuffled_folds, split_table

MONTHS = pd.date_range("2023-01-31", periods=12, freq="ME")


def panel(customers=6, months=12, leave=True):
    rows = [
        (f"c{i}", day) for k, day in enumerate(MONTHS[:months]) for i in range(customers) if not leave or k <= 4 + 2 * i
    ]
    return pd.DataFrame(rows, columns=["customer_id", "as_of"])


def test_training_ends_where_outcomes_are_known():
    # outcome of three months: on 30 April the rows of 31 January are known, those of February and March are not
    splits = rolling_origin(panel(leave=False), outcome_months=3)
    first = splits[0]
    assert (first.as_of, first.train_to) == (dt.date(2023, 4, 30), dt.date(2023, 1, 31))
    assert (len(first.train), len(first.test), first.not_yet_known_count) == (6, 6, 12)
    assert [len(s.train) for s in splits] == [6 * k for k in range(1, 10)]
    assert splits[-1].both_sides_count == 6
    later = rolling_origin(panel(leave=False), outcome_months=3, gap_months=1)
    assert later[0].as_of == dt.date(2023, 5, 31)
    late = rolling_origin(panel(leave=False), outcome_months=3, delay_days=1)
    assert late[0].as_of == dt.date(2023, 5, 31)


def test_a_moving_window_forgets():
    splits = rolling_origin(panel(leave=False), outcome_months=1, train_months=3)
    assert [len(s.train) // 6 for s in splits] == [1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    assert splits[-1].train_from == dt.date(2023, 9, 30)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 4), st.integers(0, 2), st.integers(0, 40), st.sampled_from([0, 2, 3]), st.integers(1, 3),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_nothing_is_learned_that_was_not_known(outcome, gap, delay, folds, fewest, random):
    frame = panel()
    order = list(range(len(frame)))
    random.shuffle(order)
    frame = frame.iloc[order].reset_index(drop=True)
    settings_ = {
        "outcome_months": outcome, "gap_months": gap, "delay_days": delay, "customer_folds": folds,
        "fewest_train_dates": fewest,
    }  # fmt: skip
    tested = {}
    for split in rolling_origin(frame, **settings_):
        train, test = frame.iloc[split.train], frame.iloc[split.test]
        start = outcome_window(split.as_of, gap, outcome).start
        for day in train["as_of"].unique():
            end = outcome_window(day.date(), gap, outcome).end
            assert end + dt.timedelta(days=delay) <= split.as_of < start
        assert (test["as_of"].dt.date == split.as_of).all()
        assert train["as_of"].nunique() >= 1
        both = set(train["customer_id"]) & set(test["customer_id"])
        assert len(both) == split.both_sides_count
        assert not (folds and both)
        left_out = split.not_yet_known_count + split.other_side_count
        assert len(train) + left_out == (frame["as_of"].dt.date < split.as_of).sum()
        tested.setdefault(split.as_of, []).extend(split.test)
    for day, rows in tested.items():
        assert len(rows) == len(set(rows)) <= (frame["as_of"].dt.date == day).sum()


def test_the_order_of_rows_does_not_matter():
    frame = panel()
    mixed = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    for one, other in zip(
        rolling_origin(frame, customer_folds=3), rolling_origin(mixed, customer_folds=3), strict=True
    ):
        for a, b in ((one.train, other.train), (one.test, other.test)):
            assert set(map(tuple, frame.iloc[a].values)) == set(map(tuple, mixed.iloc[b].values))


def test_a_column_may_say_when_the_outcome_was_known():
    frame = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "as_of": ["2024-01-01", "2024-01-01", "2024-01-01", "2024-03-01"],
            "known": ["2024-03-01", "2024-03-02", None, None],
        }
    )
    (split,) = rolling_origin(frame, known_on="known")
    assert (split.train.tolist(), split.test.tolist(), split.not_yet_known_count) == ([0], [3], 2)


def test_the_table_counts():
    found = split_table(rolling_origin(panel(), outcome_months=3, test_dates=["2023-10-31"]))
    row = found.frame.iloc[0]
    # rows before 31 October by customer: 5, 7, 9, 9, 9, 9; those of August and September (8) are too young
    assert (row["train_count"], row["not_yet_known_count"]) == (5 + 7 * 5, 0 + 0 + 2 * 4)
    assert row["test_count"] == 3
    assert found.title == "Models of 1 date, judged on what came after"


def test_shuffled_folds():
    names = [f"c{i}" for i in range(100)]
    y = [1] * 10 + [0] * 90
    folds = shuffled_folds(names, outcome=y, folds=5)
    assert np.bincount(folds).tolist() == [20] * 5
    assert np.bincount(folds, weights=y).tolist() == [2] * 5
    back = shuffled_folds(names[::-1], outcome=y[::-1], folds=5)[::-1]
    assert (back == folds).all()
    assert (shuffled_folds(names, outcome=y, folds=5, seed=2) != folds).any()
    assert len(shuffled_folds([])) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: rolling_origin(pd.DataFrame({"customer": [1], "asof": [1]})),
            "2 problems:\n- rolling_origin: the frame lacks column 'customer_id'. Did you mean 'customer'? "
            "Give snapshots.\n"
            "- rolling_origin: the frame lacks column 'as_of'. Did you mean 'asof'? Give snapshots.",
        ),
        (
            lambda: rolling_origin(panel(months=3)),
            "rolling_origin: no date can be tested: the first outcome is known on 2023-04-30, the last as_of is "
            "2023-03-31, and 1 earlier dates are asked for. Take a longer time, or a shorter outcome window.",
        ),
        (
            lambda: rolling_origin(panel(), test_dates=["2023-02-28"]),
            "rolling_origin: nothing can be learned for test dates ['2023-02-28']: fewer than 1 earlier dates have "
            "outcomes known by then. The first outcome is known on 2023-04-30. Test later dates.",
        ),
        (
            lambda: rolling_origin(panel(), test_dates=["2023-02-27"]),
            "rolling_origin: no rows at test dates ['2023-02-27']. Choose among the as_of of the frame.",
        ),
        (
            lambda: rolling_origin(panel(), delay_days=-1, customer_folds=1),
            "2 problems:\n- rolling_origin: delay_days is -1. Give a whole number, 0 or more.\n"
            "- rolling_origin: customer_folds is 1. Give 0 for none, or 2 or more.",
        ),
        (
            lambda: rolling_origin(pd.concat([panel(1), panel(1).head(2)])),
            "rolling_origin: 2 rows repeat a customer at the same as_of. Keep one row a customer and date.",
        ),
        (
            lambda: rolling_origin(panel().head(0)),
            "rolling_origin: the frame has no rows. Give snapshots of two dates or more.",
        ),
        (lambda: shuffled_folds(["a"], folds=1), "shuffled_folds: folds is 1. Give a whole number, 2 or more."),
    ],
)  # fmt: skip
def test_refusals_say_what_to_do(call, message):
    with pytest.raises(CrmlabError, match=f"^{re.escape(message)}$"):
        call()
