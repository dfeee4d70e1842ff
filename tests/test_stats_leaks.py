"""The leak detector: planted leaks are found, clean tables are not accused, real data."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from crmlab.errors import CrmlabError
from crmlab.stats import adversary, customers_twice, find_leaks, known_late, leak_report, time_travel, too_good


def drawn(seed, n=2_000):
    generator = np.random.default_rng(seed)
    table = pd.DataFrame(generator.normal(size=(n, 6)), columns=[f"x{i}" for i in range(6)])
    table["word"] = generator.choice(list("abcde"), n)
    table.loc[generator.random(n) < 0.1, "x5"] = np.nan
    y = generator.binomial(1, expit(-2 + table[["x0", "x1", "x2"]].sum(axis=1)))
    return table, pd.Series(y)


def test_a_clean_table_is_not_accused():
    for seed in range(3):
        found = find_leaks(*drawn(seed))
        assert not found.frame["is_alarm"].any()
        assert found.title == "0 of 7 columns know more than possible"
        assert found.reading == "No leak was found in 12 looks."


def test_a_column_made_from_the_outcome_is_found():
    table, y = drawn(1)
    table["reason"] = np.where(y == 1, "closed", None)  # only its gaps tell
    found = find_leaks(table, y)
    assert set(found.frame.loc[found.frame["is_alarm"], "column"]) == {"reason"}
    assert found.title == "1 of 8 columns knows more than possible"
    assert found.reading == "reason alone ranks the outcome with an AUC of 1.000: ask when its value was written."


def test_a_column_of_the_future_is_found():
    # balance a month after the date: leavers have emptied it, mostly
    table, y = drawn(2)
    generator = np.random.default_rng(7)
    table["balance_next_month"] = generator.normal(size=2_000) - 2.5 * y
    frame = too_good(table, y)
    assert frame.loc[frame["is_alarm"], ["column", "kind"]].values.tolist() == [["balance_next_month", "beside weaker"]]
    now, then = table, table.assign(balance_next_month=generator.normal(size=2_000))
    travel = time_travel(then, now)
    assert travel.loc[travel["is_alarm"], "column"].tolist() == ["balance_next_month"]
    assert travel["value"].max() == 1.0


def test_a_copy_does_not_hide_its_twin():
    table, y = drawn(2)
    told = np.random.default_rng(7).normal(size=2_000) - 2.5 * y
    frame = too_good(table.assign(call_seconds=told, call_minutes=told / 60), y)
    assert set(frame.loc[frame["is_alarm"], "column"]) == {"call_seconds", "call_minutes"}


def test_nothing_changes_with_the_order_of_rows_or_a_files_sorting():
    table, y = drawn(3)
    who = pd.Series([f"c{i}" for i in range(len(y))])
    order = np.argsort(-y.to_numpy(), kind="stable")
    one, other = (
        too_good(table, y, customers=who),
        too_good(
            table.iloc[order].reset_index(drop=True),
            y.iloc[order].reset_index(drop=True),
            customers=who.iloc[order].to_numpy(),
        ),
    )
    merged = one.merge(other, on=["column", "kind"])
    assert len(merged) == len(one)
    assert np.allclose(merged["value_x"], merged["value_y"], atol=1e-3, equal_nan=True)


def test_a_row_number_sorted_by_outcome_is_found():
    table, y = drawn(4)
    order = np.argsort(-y.to_numpy(), kind="stable")
    table = table.iloc[order].reset_index(drop=True).assign(row=np.arange(len(y)))
    frame = too_good(table, y.iloc[order].reset_index(drop=True))
    assert set(frame.loc[frame["is_alarm"], "column"]) == {"row"}


def test_too_few_events_say_so():
    table, _ = drawn(5, n=40)
    found = find_leaks(table, [1] * 5 + [0] * 35)
    assert found.frame.empty
    assert found.reading == "Too few rows with or without the event: leaks cannot be told."


def test_known_late_by_hand():
    known = pd.DataFrame(
        {"a": ["2024-01-31 23:59", "2024-02-01 00:00", None], "b": ["2023-01-01"] * 3}
    ).apply(pd.to_datetime)  # fmt: skip
    frame = known_late(known, ["2024-01-31", "2024-01-31", "2024-01-31"])
    assert frame[["column", "value", "is_alarm", "n"]].values.tolist() == [["a", 0.5, True, 2], ["b", 0.0, False, 3]]
    assert frame["reading"].iloc[0] == "a: 1 of 2 values were written after the date they describe."


def test_time_travel_counts_gaps_and_rounding():
    then = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": ["x", None, "y"], "c": pd.array([1, None, 2], dtype="Int64")})
    now = pd.DataFrame(
        {"a": [1.0 + 1e-12, np.nan, np.nan], "b": ["x", None, "z"], "c": pd.array([1, None, 2], dtype="Int64")}
    )
    frame = time_travel(then, now.iloc[::-1])
    assert frame["value"].tolist() == pytest.approx([1 / 3, 1 / 3, 0])


def test_the_adversary_tells_shifted_rows_and_not_alike_ones():
    table, _ = drawn(6)
    alike = adversary(table[:1_000], table[1_000:])
    assert not alike["is_alarm"].any()
    shifted = table[1_000:].assign(x3=table["x3"] + 1)
    frame = adversary(table[:1_000], shifted)
    assert frame.loc[frame["is_alarm"], "column"].tolist() == ["(all)", "x3"]
    assert not adversary(table[:1_000], shifted, limit=0.9)["is_alarm"].any()


def test_customers_on_both_sides():
    frame = customers_twice(["a", "a", "b"], ["b", "b", "c"])
    assert frame[["value", "n"]].values.tolist() == [[0.5, 2]]
    assert leak_report([frame]).reading == "1 of 2 customers of the test are also in training."
    assert not customers_twice(["a"], ["b"])["is_alarm"].any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: time_travel(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}, index=[5])),
            "2 problems:\n- time_travel: columns ['a', 'b'] are in one frame only. Compute the same features twice.\n"
            "- time_travel: the frames have different customers. Compute both for the same customers and date.",
        ),
        (
            lambda: find_leaks(pd.DataFrame({"a": [1]}), [1], as_of="2024-01-31", then=pd.DataFrame()),
            "2 problems:\n- find_leaks: known_on and as_of go together. Give both or none.\n"
            "- find_leaks: then and now go together. Give both or none.",
        ),
        (
            lambda: adversary(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}), train_customers=["x"]),
            "adversary: customers are named for one side only. Name them for both, or for none.",
        ),
        (
            lambda: too_good(pd.DataFrame({"a": [1]}), [0, 1]),
            "lone_columns: 2 outcomes against 1 rows of features. Give both by row.",
        ),
        (
            lambda: known_late(pd.DataFrame({"a": ["2024-01-01"]}), ["2024-01-01", "2024-01-02"]),
            "known_late: 1 rows against 2 dates. Give one as_of, or one a row.",
        ),
    ],
)
def test_refusals_say_what_to_do(call, message):
    with pytest.raises(CrmlabError, match=f"^{re.escape(message)}$"):
        call()


def test_duration_is_found_in_the_portuguese_calls(real_data):
    calls = pd.read_csv(real_data / "bank_marketing" / "bank-full.csv", sep=";").iloc[::3].reset_index(drop=True)
    y = (calls.pop("y") == "yes").astype(int)
    found = find_leaks(calls, y)
    assert found.frame.loc[found.frame["is_alarm"], ["column", "kind"]].values.tolist() == [
        ["duration", "beside weaker"]
    ]
    assert not find_leaks(calls.drop(columns="duration"), y).frame["is_alarm"].any()


def test_a_clean_public_table_is_not_accused(real_data):
    customers = pd.read_csv(real_data / "churn_modelling" / "Churn_Modelling.csv")
    assert not find_leaks(customers.drop(columns="Exited"), customers["Exited"]).frame["is_alarm"].any()
