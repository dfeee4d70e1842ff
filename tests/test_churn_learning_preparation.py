"""Columns become a matrix the same way each time, or are refused by name."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from crmlab.churn.learning.learned_rows import learned_rows
from crmlab.churn.learning.preparation import REST, Preparation, feature_names
from crmlab.errors import CrmlabError


def _frame(n=200):
    return pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(n)],
            "as_of": pd.Timestamp("2024-01-31"),
            "age_years": np.where(np.arange(n) % 10 == 0, np.nan, 20.0 + np.arange(n) % 50),
            "region": np.array(["north", "south", None], dtype=object)[np.arange(n) % 3],
            "is_active": pd.array(np.arange(n) % 2 == 0, dtype="boolean"),
            "empty": np.nan,
            "flat": 7,
            "joined_on": pd.Timestamp("2020-01-31"),
            "row": np.arange(n) + 5,
            "surname": [f"name {i}" for i in range(n)],
            "CustomerID": np.arange(n),
        }
    )


def test_columns_that_say_nothing_or_name_somebody_are_left_out_and_told():
    prepared = Preparation().fit(_frame())
    assert prepared.columns_ == ["age_years", "is_active", "region"]
    assert prepared.dropped_ == {
        "CustomerID": "an identifier",
        "as_of": "a date: give the days since it",
        "customer_id": "an identifier",
        "empty": "no value in any row",
        "flat": "the same value in every row",
        "joined_on": "a date: give the days since it",
        "row": "it only counts the rows",
        "surname": "words that hardly repeat (200 in 200 rows)",
    }
    matrix = prepared.transform(_frame())
    assert matrix.dtype == np.float32
    assert matrix[0].tolist()[1:] == [1.0, 0.0]
    assert np.isnan(matrix[0, 0])
    assert np.isnan(matrix[2, 2])


def test_a_constant_with_gaps_is_kept_because_the_gap_may_tell():
    assert Preparation().fit(pd.DataFrame({"x": [1.0, np.nan, 1.0]})).columns_ == ["x"]


def test_the_order_of_rows_and_columns_does_not_matter():
    frame = _frame()
    one, other = Preparation().fit(frame), Preparation().fit(frame.sample(frac=1, random_state=2)[frame.columns[::-1]])
    assert one.as_dict() == other.as_dict()


def test_it_is_the_same_after_it_was_kept():
    prepared = Preparation().fit(_frame())
    again = Preparation.from_dict(json.loads(json.dumps(prepared.as_dict())))
    np.testing.assert_array_equal(again.transform(_frame()), prepared.transform(_frame()))
    assert again.dropped_ == prepared.dropped_


def test_changed_columns_are_refused_all_at_once_by_name():
    prepared = Preparation().fit(_frame())
    coming = _frame().drop(columns="age_years").assign(
        age_yeers=1.0, region=["east"] * 150 + ["west"] * 50, is_active="yes", new_column=1
    )  # fmt: skip
    with pytest.raises(CrmlabError) as refusal:
        prepared.transform(coming)
    assert refusal.value.problems == (
        "features: column 'age_years' is missing. Did you mean 'age_yeers'? Give every column that was learned from.",
        "features: column 'is_active' was flag and is words. Give it as it was learned from.",
        "features: column 'region' has words that were not learned from: 'east' (150 rows), 'west' (50 rows)."
        " Map them, or learn anew.",
    )


def test_a_column_that_emptied_is_refused_in_a_month_but_one_customer_may_have_gaps():
    prepared = Preparation().fit(_frame())
    with pytest.raises(CrmlabError) as refusal:
        prepared.transform(_frame().assign(age_years=np.nan))
    assert str(refusal.value) == (
        "features: column 'age_years' is empty and was filled in 90% of rows. See why, or learn anew without it."
    )
    gaps = pd.DataFrame({"age_years": [np.nan], "region": [None], "is_active": [None]})
    assert np.isnan(prepared.transform(gaps)).all()


def test_further_columns_and_true_or_false_as_numbers_are_tolerated():
    prepared = Preparation().fit(_frame())
    coming = _frame().assign(is_active=(np.arange(200) % 2 == 0).astype(int), another="x")
    np.testing.assert_array_equal(prepared.transform(coming), prepared.transform(_frame()))


def test_rare_words_are_one_and_then_a_new_word_is_rare_too():
    words = [f"w{i:03d}" for i in range(150) for _ in range(4)]
    prepared = Preparation().fit(pd.DataFrame({"job": [*words, *["w000"] * 10]}))
    assert prepared.words_["job"][-1] == REST
    assert len(prepared.words_["job"]) == 101
    found = prepared.transform(pd.DataFrame({"job": ["never seen", "w149", None]}))[:, 0]
    assert found[0] == found[1] == 100
    assert np.isnan(found[2])


def test_words_new_since_an_origin_become_gaps_and_are_counted():
    prepared = Preparation().fit(_frame())
    frame, counts = prepared.with_known_words(_frame(4).assign(region=["north", "east", None, "east"]))
    assert counts == {"region": 2}
    assert frame["region"].isna().tolist() == [False, True, True, True]


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"x": [1.0, np.inf, 2.0]}),
         "features: column 'x' is infinite in 1 rows. Give a number or a gap."),
        (pd.DataFrame({"x": [1, "a", 2]}, dtype=object),
         "features: column 'x' mixes numbers and words. Give one kind."),
        (pd.DataFrame({"x": []}), "features: there are no rows. Give one row a customer."),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["x", "x"]),
         "features: columns ['x'] are there twice. Keep one of each."),
        (pd.DataFrame({"x": [np.nan] * 3, "y": [1] * 3}),
         "features: no column can be learned from: x (no value in any row), y (the same value in every row)."
         " Give columns that vary."),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_from_is_refused(frame, said):
    with pytest.raises(CrmlabError) as refusal:
        Preparation().fit(frame)
    assert str(refusal.value) == said


def test_outcomes_and_identifiers_are_no_features():
    assert feature_names(_frame().assign(left=0), outcome="left") == [
        "age_years", "region", "is_active", "empty", "flat", "joined_on", "row", "surname", "CustomerID",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ([0] * 200, "M: 0 of 200 rows have the event, 200 do not. Give at least 10 of each."),
        ([1] * 200, "M: 200 of 200 rows have the event, 0 do not. Give at least 10 of each."),
        ([0, 1] * 99 + [None, 2], "M: 2 of 200 outcomes are neither 0 nor 1. Leave rows without one out."),
        ([0, 1] * 99, "M: 200 rows of features against 198 outcomes. Give both for the same rows."),
        (pd.Series([0, 1] * 100, index=range(1, 201)),
         "M: features and outcomes have different indexes. Bring them to the same rows in the same order."),
    ],
)  # fmt: skip
def test_outcomes_that_cannot_be_learned_from_are_refused(outcome, said):
    with pytest.raises(CrmlabError) as refusal:
        learned_rows("M", _frame(), outcome)
    assert str(refusal.value) == said
