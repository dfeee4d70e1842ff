"""Moves between segments and their worth: hand arithmetic, planted effects, false alarms, coverage, giants, limits."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.segmentation.migration import ageing, migration, worth_of_moves
from crmlab.stats.differences import holm, winsorised_difference

ORDER = ("low", "mid", "high")


def _named(values, prefix="c"):
    return pd.Series(values, index=pd.Index([f"{prefix}{i}" for i in range(len(values))], name="customer_id"))


def test_migration_by_hand():
    # 20 low: 12 stay, 5 to mid, 2 left, 1 cannot be placed; 4 mid: 3 stay, 1 to low; nobody high
    before = _named(["low"] * 20 + ["mid"] * 4 + [None])
    after = _named(["low"] * 12 + ["mid"] * 5 + ["low", "low", None] + ["mid"] * 3 + ["low", "high"])
    after = pd.concat([after.drop(["c17", "c18"]), pd.Series({"new1": "high", "new2": "low"})])
    found = migration(before, after, order=ORDER, new="joined", span="a quarter")
    counts = found.frame.set_index(["from", "to"])["customers_count"]
    assert counts["low"].to_dict() == {"low": 12, "mid": 5, "high": 0, "left": 2}
    assert counts["mid"].to_dict() == {"low": 1, "mid": 3, "high": 0, "left": 0}
    # 19 + 4 are placed or gone: 15 stayed, 6 moved, 2 left
    assert {name: round(e.value * 23, 6) for name, e in found.estimates.items()} == {
        "stayed_share": 15,
        "moved_share": 6,
        "left_share": 2,
    }
    shares = found.frame.set_index(["from", "to"])["share"]
    assert shares["low"].round(4).tolist() == [0.6316, 0.2632, 0.0, 0.1053]
    assert shares["mid"].isna().all()  # 4 customers: no share is shown
    assert found.title == "65.2 % stayed in their segment, 26.1 % moved to another"
    assert found.reading.endswith(
        "8.7 % left the bank. 1 could not be placed at the later date. 2 joined since and are not in the table."
    )
    assert "are in the same segment a quarter later" in found.reading


def test_nobody_left_is_no_column_and_order_of_rows_does_not_matter():
    before = _named(["low", "mid"] * 20)
    after = before.map({"low": "mid", "mid": "mid"})
    found = migration(before, after.sample(frac=1, random_state=3), order=ORDER)
    assert "left" not in set(found.frame["to"])
    assert (found["moved_share"].value, found["left_share"].value) == (0.5, 0.0)
    pd.testing.assert_frame_equal(found.frame, migration(before[::-1], after, order=ORDER).frame)


@pytest.mark.parametrize(
    ("before", "order", "message"),
    [
        (_named(["low"]), ("low", "left"), "migration: 'left' is a segment. Name the end of those who left otherwise."),
        (
            pd.Series(["low", "low"], index=["a", "a"]),
            ("low",),
            "migration: before has customers twice. Give one row a customer.",
        ),
        (
            _named(["lwo"]),
            ("low",),
            "transitions: groups ['lwo'] are not in the order ['low', 'left']. Add them.",
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(before, order, message):
    with pytest.raises(CrmlabError) as error:
        migration(before, _named(["low"], "other"), order=order)
    assert str(error.value) == message


def test_nobody_there_is_told():
    nobody = pd.Series([], dtype="str", index=pd.Index([], name="customer_id"))
    found = migration(nobody, nobody, order=ORDER)
    assert np.isnan(found["stayed_share"].value)
    money = pd.Series([], dtype=float, index=nobody.index)
    worth = worth_of_moves(nobody, nobody, money, money, currency="EUR", order=ORDER)
    assert worth.frame.empty
    assert worth.title == "Too few customers moved to say what a move is worth"
    assert worth["clear_moves"].value == 0
    assert list(worth.estimates) == ["clear_moves"]


def test_worth_by_hand():
    # low: 20 stay (+10 each), 10 go to mid (+110 each), 12 leave (yield 200 -> 0); 9 to high: too few to show
    before = _named(["low"] * 51)
    after = _named(["low"] * 20 + ["mid"] * 10 + ["high"] * 9 + ["low"] * 12).iloc[:39]
    was = _named([200.0] * 51)
    now = was + after.map({"low": 10.0, "mid": 110.0, "high": 1e6})
    found = worth_of_moves(before, after, was, now, currency="EUR", order=ORDER)
    money = ["worth_amount", "worth_low_amount", "worth_high_amount", "total_amount", "total_low_amount"]
    assert found.frame[["move", "from", "to", "customers_count", *money]].values.tolist() == [
        ["left from low", "low", "left", 12, -210.0, -210.0, -210.0, -2_520.0, -2_520.0],
        ["low to mid", "low", "mid", 10, 100.0, 100.0, 100.0, 1_000.0, 1_000.0],
    ]
    assert found.frame["is_clear"].tolist() == [True, True]
    assert (found["leaving_worth"].value, found["leaving_total"].value) == (-210.0, -2_520.0)
    assert (found["clear_moves"].value, found["clear_moves"].n) == (2, 2)
    assert found.title == "Left from low: EUR -2,520 a year, most of 2 moves"
    assert found.reading.endswith("This goes with the moves; it is not caused by them.")
    assert "'low to mid' weighs most: 10 customers, EUR 100.00 a year each" in found.reading


def test_unknown_yields_are_left_out_and_movers_need_stayers():
    before = _named(["low"] * 30 + ["mid"] * 20)
    after = _named(["low"] * 15 + ["mid"] * 15 + ["low"] * 20)  # nobody stays in mid: nothing to compare with
    was = _named([100.0 + i % 3 for i in range(50)])
    now = was.where(was.index != "c29") + 5.0
    found = worth_of_moves(before, after, was, now, currency="EUR", order=ORDER).frame
    assert found[["move", "customers_count"]].values.tolist() == [["low to mid", 14]]
    assert found["is_clear"].tolist() == [False]


def _bank(seed, *, effect=0.0, leave=0.04, n=400):
    """Skewed yields that change by a share of themselves; a move adds `effect` to the change."""
    generator = np.random.default_rng(seed)
    start = generator.choice(ORDER, n, p=[0.5, 0.3, 0.2])
    draws = generator.random(n)
    end = np.where(draws < 0.25, generator.choice(ORDER, n), start)
    was = generator.lognormal(5, 0.8, n)
    now = was * (1.03 + generator.normal(0, 0.15, n)) + effect * (end != start)
    after = _named(end)[draws < 1 - leave] if effect else _named(end)
    return _named(start), after, _named(was), _named(now)


def test_without_an_effect_alarms_stay_at_their_rate():
    alarms, excluded, looks = 0, 0, 0
    for seed in range(200):
        found = worth_of_moves(*_bank(seed), currency="EUR", order=ORDER).frame
        alarms += bool(found["is_clear"].any())
        excluded += int(((found["worth_low_amount"] > 0) | (found["worth_high_amount"] < 0)).sum())
        looks += len(found)
    assert looks > 400
    assert alarms <= 17  # 200 banks at 5 % are 10; more than 17 has a chance of 1 %
    assert 0.005 < excluded / looks < 0.065  # each interval alone


def test_a_planted_effect_is_found_and_covered():
    covered, clear, looks, means = 0, 0, 0, []
    for seed in range(200):
        found = worth_of_moves(*_bank(seed, effect=60.0), currency="EUR", order=ORDER).frame
        moved = found[found["to"] != "left"]
        covered += int(((moved["worth_low_amount"] <= 60) & (moved["worth_high_amount"] >= 60)).sum())
        clear += int(moved["is_clear"].sum())
        looks += len(moved)
        means += moved["worth_amount"].tolist()
    assert looks > 400
    assert covered / looks > 0.93
    assert clear / looks > 0.9
    assert 55 < np.mean(means) < 61  # a little nearer to 0 than planted, never beyond


def test_who_leaves_costs_what_he_yielded():
    before, after, was, now = _bank(1, effect=60.0, leave=0.2, n=4_000)
    found = worth_of_moves(before, after, was, now, currency="EUR", order=ORDER)
    gone = ~before.index.isin(after.index)
    # yield lost, and the 3 % more that those who stayed yield now
    lost = -1.03 * was[gone].mean()
    assert found["leaving_worth"].n == gone.sum()
    assert found["leaving_worth"].value == pytest.approx(lost, rel=0.05)
    assert found["leaving_total"].value == pytest.approx(found["leaving_worth"].value * gone.sum())
    assert found["leaving_worth"].low < found["leaving_worth"].value < found["leaving_worth"].high < 0


@pytest.mark.parametrize("giant", ["mover", "stayer"])
def test_a_billionaire_does_not_decide(giant):
    before, after, was, now = _bank(3)
    plain = worth_of_moves(before, after, was, now, currency="EUR", order=ORDER).frame.set_index("move")
    smallest = plain["customers_count"].idxmin()
    start, end = smallest.split(" to ")
    chosen = before.index[(before == start) & (after == (end if giant == "mover" else start))][0]
    found = worth_of_moves(before, after, was, now + 1e9 * (now.index == chosen), currency="EUR", order=ORDER)
    there = found.frame.set_index("move").loc[plain.index]
    width = plain["worth_high_amount"] - plain["worth_low_amount"]
    assert ((there["worth_amount"] - plain["worth_amount"]).abs() < width).all()
    assert there["is_clear"].tolist() == plain["is_clear"].tolist()


def test_worth_scales_with_the_currency_and_ignores_order():
    before, after, was, now = _bank(5, effect=60.0)
    here = worth_of_moves(before, after, was, now, currency="EUR", order=ORDER).frame
    there = worth_of_moves(before[::-1], after, was * 25, now[::-1] * 25, currency="CZK", order=ORDER[::-1]).frame
    there = there.set_index("move").loc[here["move"]]
    np.testing.assert_allclose(there["total_amount"], 25 * here["total_amount"])
    assert there["is_clear"].tolist() == here["is_clear"].tolist()
    assert here["total_amount"].abs().is_monotonic_decreasing


def test_winsorised_difference_by_hand():
    # 10 values each: one at either end is pulled in; limits of both: 2 and 9; first is 1 higher, limits then 2 and 10
    second = np.arange(1.0, 11.0)
    found = winsorised_difference(second + 1, second, unit="EUR")
    # first: 2, 3, ..., 10, 10 -> 64; second: 2, 2, 3, ..., 10 -> 56
    assert found.estimate.value == pytest.approx(0.8)
    # 8 values left as they are: each error is sqrt(variance / 10) x 9 / 7, with 7 degrees of freedom, 14 together
    variance = np.var([2, 3, 4, 5, 6, 7, 8, 9, 10, 10], ddof=1)
    error = np.sqrt(2 * variance / 10) * 9 / 7
    assert found.error == pytest.approx(error)
    assert found.estimate.high == pytest.approx(0.8 + 2.144787 * error, rel=1e-6)
    assert np.isnan(winsorised_difference([1.0, 2, 3], second, unit="EUR").estimate.value)
    assert winsorised_difference([1.0] * 5, [1.0] * 5, unit="EUR").p_value == 1.0
    with pytest.raises(CrmlabError) as error:
        winsorised_difference([np.nan], [1.0], unit="EUR", share=0.3)
    assert str(error.value).splitlines()[-2:] == [
        "- winsorised_difference: the values have gaps. Leave those rows out first, and count them.",
        "- winsorised_difference: share is 0.3. Give 0 or more, below 0.25.",
    ]


def test_holm_as_statsmodels():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(1).random(12) ** 3
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    assert holm([np.nan, 0.02, 0.04]).tolist()[1:] == [0.04, 0.04]
    assert holm([]).tolist() == []


def test_ageing_by_hand():
    # quiet 30: 12 now busy, 1 now rare; busy 10: all busy; old 2: not found again, now quiet
    before = _named(["quiet"] * 30 + ["busy"] * 10 + ["old"] * 2)
    fresh = _named(["busy"] * 12 + ["rare"] + ["quiet"] * 17 + ["busy"] * 10 + ["quiet"] * 2)
    found = ageing(before, fresh[::-1])
    assert found["reassigned_share"].value == pytest.approx(15 / 42)
    frame = found.frame.set_index("segment")
    assert frame["reassigned_count"].to_dict() == {"old": 2, "quiet": 13, "busy": 0}
    assert frame["share"].round(4).fillna(-1).to_dict() == {"old": -1, "quiet": 0.4333, "busy": 0.0}
    assert frame["mostly_to"].to_dict() == {"old": "", "quiet": "busy", "busy": ""}
    assert found.reading.endswith("Most in 'quiet': 43.3 %. Not found again: old. New: rare.")
    assert ageing(before, before)["reassigned_share"].value == 0.0
    with pytest.raises(CrmlabError) as error:
        ageing(before, fresh.iloc[1:])
    assert str(error.value) == (
        "ageing: the models place 42 and 41 customers, not the same. Let both predict the same rows, one a customer."
    )
