"""Recency, frequency, monetary: scores by hand, ties, tiny and empty banks, the map of cells, what is no activity."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from crmlab.bank import Bank, write_bank
from crmlab.errors import CrmlabError
from crmlab.segmentation.rfm import CELL_OF, CELLS, MEASURES, NEVER, RfmScores, cell_of
from crmlab.snapshots import snapshot

SCORES = list(MEASURES)
day = pd.Timestamp


def _seen(recency, frequency, monetary):
    index = pd.Index([f"c{i}" for i in range(len(recency))], name="customer_id")
    columns = dict(zip(MEASURES.values(), (recency, frequency, monetary), strict=True))
    return pd.DataFrame(columns, index=index, dtype=float)


def _alike(values):
    """Customers with recency falling as frequency and money rise."""
    values = np.asarray(values, dtype=float)
    return _seen(values.max(initial=0) - values, values, values * 100)


def test_ten_customers_without_ties_are_two_a_score():
    seen = _alike(range(10))
    scores = RfmScores(currency="EUR").fit(seen).transform(seen)
    assert scores["frequency_score"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert scores["score"].tolist()[:3] == ["111", "111", "222"]
    assert scores["cell"].tolist()[::2] == ["lost", "about to sleep", "need attention", "loyal", "champions"]


def test_cut_points_and_rules_are_readable():
    model = RfmScores(currency="EUR").fit(_alike(range(10)))
    assert model.cuts_["recency_score"] == (7.0, 5.0, 3.0, 1.0)  # most days for 2, 3, 4, 5
    assert model.cuts_["frequency_score"] == (2.0, 4.0, 6.0, 8.0)
    assert model.rules_["recency_score"] == {
        1: "over 7 days",
        2: "over 5 to 7 days",
        3: "over 3 to 5 days",
        4: "over 1 to 3 days",
        5: "up to 1 days",
    }
    assert model.rules_["frequency_score"][1] == "under 2 a year"
    assert model.rules_["monetary_score"][5] == "EUR 800.00 and more a year"
    assert model.cell_rules_["loyal"] == (
        "recency 3 to 5 (up to 5 days), frequency 4 (6 to under 8 a year); "
        "or recency 2 (over 5 to 7 days), frequency 4 to 5 (6 and more a year)"
    )
    assert tuple(model.cell_rules_) == CELLS


def test_equal_values_have_equal_scores_at_the_middle_of_their_like():
    # frequency 0 x 6, 1, 2, 3, 4: the six zeros stand from 0 to .6, their middle .3 lies in the second fifth; then
    # .65 -> 4th, .75 -> 4th, .85 -> 5th, .95 -> 5th. So 3 has nobody, nor has 1
    seen = _seen(range(10), [0] * 6 + [1, 2, 3, 4], range(10))
    model = RfmScores().fit(seen)
    assert model.transform(seen)["frequency_score"].tolist() == [2] * 6 + [4, 4, 5, 5]
    assert model.cuts_["frequency_score"] == (-np.inf, 1.0, 1.0, 3.0)
    assert model.rules_["frequency_score"] == {
        1: "nobody", 2: "under 1 a year", 3: "nobody", 4: "1 to under 3 a year", 5: "3 and more a year",
    }  # fmt: skip
    # two thirds paid today: their middle from the best is 1/3, the second best fifth: nobody earns 5
    today = RfmScores().fit(_seen([0] * 8 + [3, 9, 20, 40], range(12), range(12)))
    assert today.cuts_["recency_score"] == (9.0, 0.0, 0.0, -np.inf)
    assert today.rules_["recency_score"][4] == "up to 0 days"


def test_a_column_that_tells_nothing_gives_everybody_the_middle_score():
    seen = _seen([5] * 40, [7] * 40, range(40))
    model = RfmScores().fit(seen)
    scores = model.transform(seen)
    assert set(scores["recency_score"]) == set(scores["frequency_score"]) == {3}
    assert set(scores["monetary_score"]) == {1, 2, 3, 4, 5}
    assert model.rules_["frequency_score"][3] == "all"
    # nothing was learned about 8 bookings or 6 either
    assert model.transform(_seen([1, 9], [8, 6], [0, 99]))["score"].tolist() == ["331", "335"]


@pytest.mark.parametrize(
    ("values", "expected"), [([4], [3]), ([4, 9], [2, 4]), ([1, 2, 3], [1, 3, 5]), ([1, 2, 3, 4], [1, 2, 4, 5])]
)
def test_under_five_customers(values, expected):
    # middles: 1/2; 1/4, 3/4; 1/6, 1/2, 5/6; 1/8, 3/8, 5/8, 7/8; times 5, rounded up
    seen = _alike(values)
    scores = RfmScores().fit(seen).transform(seen)
    assert scores["frequency_score"].tolist() == scores["recency_score"].tolist() == expected


def test_who_never_acted_is_a_group_of_its_own_and_moves_no_cut_point():
    active = _alike(range(20))
    silent = _seen([None] * 50, [0] * 50, [0] * 50).rename(index=lambda name: f"silent {name}")
    both = pd.concat([silent, active])
    model = RfmScores().fit(both)
    assert model.cuts_ == RfmScores().fit(active).cuts_
    assert model.learned_count_ == 20
    scores = model.transform(both)
    assert (scores["cell"] == NEVER).tolist() == [True] * 50 + [False] * 20
    assert scores.loc[scores["cell"] == NEVER, [*SCORES, "score"]].isna().all(axis=None)


def test_a_quiet_year_is_not_never_and_a_gap_is_no_zero():
    seen = _seen([400, 3, None, 3], [0, 9, 5, None], [0, 90, 10, 5])
    scores = RfmScores().fit(seen).transform(seen)
    assert scores.loc["c0", "score"] == "222"  # first of two known: 1/4 x 5, rounded up
    assert scores.loc[["c2", "c3"], [*SCORES, "score", "cell"]].isna().all(axis=None)  # not known, so not named


def test_next_month_is_scored_by_the_same_cut_points():
    model = RfmScores().fit(_alike(range(10)))
    later = _seen([0.5, 100, 3.0], [7.5, 0, 1000], [799.99, 800, 0])
    assert model.transform(later)["score"].tolist() == ["544", "115", "451"]
    # alone or among others: the same
    assert model.transform(later.tail(1))["score"].tolist() == ["451"]


def test_state_goes_through_json():
    for seen in (_alike(range(10)), _seen([5] * 9, [0] * 9, range(9)), _alike([])):
        model = RfmScores(scores=4, currency="CZK").fit(seen)
        again = RfmScores.from_dict(json.loads(json.dumps(model.as_dict(), allow_nan=False)))
        assert again.as_dict() == model.as_dict()
        assert again.rules_ == model.rules_
        pd.testing.assert_frame_equal(again.transform(seen), model.transform(seen))


def test_the_input_stays_as_it_was_and_rows_keep_their_order():
    seen = _alike(np.random.default_rng(1).permutation(30)).assign(more="x")
    kept = seen.copy(deep=True)
    scores = RfmScores().fit(seen).transform(seen)
    pd.testing.assert_frame_equal(seen, kept)
    assert scores.index.equals(seen.index)
    mixed = seen.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(RfmScores().fit(mixed).transform(mixed).reindex(seen.index), scores)
    dear = seen.assign(monetary_12m_amount=seen["monetary_12m_amount"] * 7.5)
    pd.testing.assert_frame_equal(RfmScores().fit(dear).transform(dear), scores)


@settings(max_examples=60, deadline=None)
@given(
    some.lists(some.tuples(some.integers(0, 9), some.integers(0, 4), some.integers(0, 3)), min_size=1, max_size=40),
    some.integers(3, 9),
)
def test_scores_keep_the_order_of_the_values(rows, number):
    seen = _seen(*zip(*rows, strict=True))
    model = RfmScores(scores=number).fit(seen)
    scores = model.transform(seen)
    for name, column in MEASURES.items():
        way = scores.groupby(seen[column])[name]
        assert (way.nunique() == 1).all()  # equal values, equal scores
        means = way.first().sort_index(ascending=name != "recency_score")
        assert means.is_monotonic_increasing
        assert scores[name].between(1, number).all()
        # each cut lies where the share below is nearest to the quantile, among all places between different values
        better = -seen[column] if name == "recency_score" else seen[column]
        places = {0.0} | {(better <= value).mean() for value in better}
        for k in range(1, number):
            off = min(abs(place - k / number) for place in places)
            assert abs((scores[name] <= k).mean() - k / number) == pytest.approx(off)
    assert scores["cell"].isin(CELLS).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: RfmScores(scores=10).fit(_alike([1])),
            "RfmScores: 10 scores cannot be made. Give a whole number from 3 to 9.",
        ),
        (
            lambda: RfmScores(scores=5.0).fit(_alike([1])),
            "RfmScores: 5.0 scores cannot be made. Give a whole number from 3 to 9.",
        ),
        (
            lambda: RfmScores().transform(_alike([1])),
            "RfmScores: no cut points are learned yet. Call fit first.",
        ),
        (
            lambda: RfmScores().fit(_alike([1]).rename(columns={"recency_days": "recency_day"})),
            "RfmScores: the snapshot lacks columns ['recency_days']. Keep all of ['recency_days', "
            "'frequency_12m_count', 'monetary_12m_amount']. Did you mean 'recency_day'?",
        ),
        (
            lambda: RfmScores().fit(pd.concat([_alike([1]), _alike([1])])),
            "RfmScores: the snapshot has customers twice. Give one row a customer.",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(make, message):
    with pytest.raises(CrmlabError) as error:
        make()
    assert str(error.value) == message


def test_a_bank_without_transactions_scores_nobody():
    flat = pd.DataFrame({"age_years": [30, 40]}, index=["a", "b"])
    model = RfmScores().fit(flat)
    assert model.transform(flat).isna().all(axis=None)
    assert model.rules_["recency_score"][5] == "nobody: no active customer to learn from"
    nobody = flat.head(0)
    assert list(RfmScores().fit(nobody).transform(nobody)) == [*SCORES, "score", "cell"]


def test_the_map_names_every_pair_once():
    assert sorted(CELL_OF) == [(r, f) for r in range(1, 6) for f in range(1, 6)]
    assert set(CELL_OF.values()) == set(CELLS) - {NEVER}
    assert len(set(CELLS)) == len(CELLS)
    # every name is one area: a step up, down or aside leads from each of its pairs to the others
    for name in set(CELL_OF.values()):
        pairs = {pair for pair, cell in CELL_OF.items() if cell == name}
        met = {min(pairs)}
        for _ in pairs:
            met |= {(r, f) for r, f in pairs for (a, b) in met if abs(r - a) + abs(f - b) == 1}
        assert met == pairs, name
    # the corners of the convention
    assert [CELL_OF[pair] for pair in ((5, 5), (5, 1), (1, 5), (1, 1), (3, 3))] == [
        "champions", "new or recent", "cannot lose them", "lost", "need attention",
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(3, 10))
def test_every_text_of_scores_has_one_cell_whatever_the_number(number):
    grid = pd.MultiIndex.from_product([range(1, number + 1)] * 3, names=SCORES).to_frame(index=False)
    named = cell_of(grid["recency_score"], grid["frequency_score"], scores=number)
    assert len(named) == number**3
    assert named.isin(CELLS[:-1]).all()
    # money is not in the map, and the middle of a score decides
    assert (named.groupby([grid["recency_score"], grid["frequency_score"]]).nunique() == 1).all()
    best = named[(grid[SCORES[:2]] == number).all(axis=1)]
    assert set(best) == {"champions"}
    assert named.iloc[0] == "lost"


@pytest.mark.parametrize("number", [3, 4, 5, 8])
def test_the_rules_of_the_cells_say_what_the_map_does(number):
    model = RfmScores(scores=number).fit(_alike(range(100)))
    for recency in range(1, number + 1):
        for frequency in range(1, number + 1):
            name = cell_of(pd.Series([recency]), pd.Series([frequency]), scores=number)[0]
            hits = [cell for cell, rule in model.cell_rules_.items() if _says(rule, recency, frequency)]
            assert hits == [name]


def _says(rule, recency, frequency):
    """Read a rule of scores back: is the pair in one of its boxes?"""

    def holds(box, what, score):
        words = box.split(f"{what} ")[1].split(" (")[0].split(" to ")
        return int(words[0]) <= score <= int(words[-1])

    boxes = rule.split("; or ") if rule.startswith("recency") else []
    return any(holds(box, "recency", recency) and holds(box, "frequency", frequency) for box in boxes)


def _small_bank(folder, more=()):
    """Twelve customers with 0, 1, ... 11 card payments of their own; the more, the later the last."""
    names = [f"c{i:02d}" for i in range(12)]
    columns = ["transaction_id", "account_id", "occurred_at", "booked_on", "amount", "kind", "channel",
               "is_customer_initiated"]  # fmt: skip
    rows = [
        (f"T{i}-{j}", f"A{i}", when, when.normalize(), -10.0 * (i + 1), "card_payment", "card", True)
        for i in range(12)
        for j in range(i)
        for when in [day("2024-06-30 09:00") - pd.Timedelta(days=3 * j + 11 - i)]
    ]
    tables = {
        "customers": pd.DataFrame({"customer_id": names, "joined_on": day("2023-01-10")}),
        "products": pd.DataFrame({"product_id": ["CUR"], "family": ["current"]}),
        "accounts": pd.DataFrame({
            "account_id": [f"A{i}" for i in range(12)], "customer_id": names, "product_id": "CUR",
            "opened_on": day("2023-01-10"),
        }),
        "transactions": pd.DataFrame([*rows, *more], columns=columns),
    }  # fmt: skip
    facts = {"name": "Tiny", "currency": "EUR", "timezone": "Europe/Prague", "extracted_on": "2024-06-30"}
    return snapshot(Bank.open(write_bank(folder, tables, **facts)), "2024-06-30")


def test_interest_fees_and_standing_orders_are_no_activity(tmp_path):
    plain = _small_bank(tmp_path / "plain")
    posted = [
        (f"P{i}-{kind}-{j}", f"A{i}", when, when.normalize(), amount, kind, "automatic", False)
        for i in range(12)
        for kind, amount in (("interest", 5_000.0), ("fee", -3.0), ("standing_order", -700.0), ("salary", 2_500.0))
        for j, when in enumerate(pd.date_range("2024-01-30 04:00", periods=6 - i // 3, freq="30D"))
    ]
    busy = _small_bank(tmp_path / "busy", posted)
    assert busy["transactions_12m_count"].sum() > plain["transactions_12m_count"].sum() + 200  # they are in the bank
    model, other = RfmScores().fit(plain), RfmScores().fit(busy)
    assert model.cuts_ == other.cuts_
    scores = model.transform(plain)
    pd.testing.assert_frame_equal(scores, other.transform(busy))
    assert scores.loc["c00", "cell"] == NEVER  # postings only: nothing of the customer's own
    assert scores["frequency_score"].dropna().nunique() == 5
    # one act of c00's own, in the branch, and the scores do move: the test can fail
    act = ("own", "A0", day("2024-06-30 10:00"), day("2024-06-30"), 50.0, "cash_in", "branch", True)
    moved = _small_bank(tmp_path / "moved", [*posted, act])
    assert RfmScores().fit(moved).transform(moved).loc["c00", "recency_score"] == 5
