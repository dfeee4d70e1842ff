"""Names of segments: earned by the profile, kept by the same customers whatever number a cluster gets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.segmentation.naming import FITS, name_segments
from crmlab.simulation import simulate
from crmlab.snapshots import snapshot

# how people bank, in words a branch manager uses
WORDS = {
    "Mobile": {"mobile": 1, "mobile_logins": 1},
    "Online": {"online": 1, "online_logins": 1},
    "Branch and cash": {"branch": 1, "cash": 1, "online_logins": -0.5, "mobile_logins": -0.5},
    "Card payers": {"card": 1, "frequency": 0.5, "mobile": -0.25},
    "Quiet": {"frequency": -1, "active_months": -1, "recency": 1, "variation": 1},
    "Digital": {"mobile_logins": 1, "online_logins": 1, "branch": -1},
    "Mobile and card": {"mobile_logins": 1, "card": 1, "online": -0.5},
    "Cash": {"cash": 1, "atm": 1, "branch": -0.5},
}
PLANTED = {
    "Mobile": "mobile_everyday",
    "Online": "online_planner",
    "Branch and cash": "branch_and_cash",
    "Card payers": "card_spender",
    "Quiet": "quiet_saver",
}


@pytest.fixture(scope="module")
def behaviour(tmp_path_factory) -> tuple[pd.DataFrame, pd.Series]:
    """How 800 customers of a simulated bank bank, standardised; and the segment each was made from."""
    folder = simulate(tmp_path_factory.mktemp("naming") / "bank", customers=1000, months=18, seed=1).folder
    seen = snapshot(Bank.open(folder))
    seen = seen[(seen["tenure_days"] >= 365) & (seen["frequency_12m_count"] >= 6)]
    acts, mobile = seen["frequency_12m_count"], seen["mobile_logins_12m_share"].fillna(0)
    frame = pd.DataFrame(
        {
            "frequency": np.log1p(acts),
            "recency": np.log1p(seen["recency_days"]),
            "amount": np.log(seen["monetary_12m_amount"]),
            "ticket": np.log1p((seen["card_paid_12m_amount"] + seen["cash_12m_amount"]) / acts),
            "cash": seen["cash_12m_amount"] / seen["monetary_12m_amount"],
            **{name: seen[f"{name}_12m_share"] for name in ("card", "atm", "branch", "online", "mobile")},
            "online_logins": np.log1p(seen["logins_12m_count"] * (1 - mobile)),
            "mobile_logins": np.log1p(seen["logins_12m_count"] * mobile),
            "active_months": seen["active_months_12m_count"],
            "variation": seen["frequency_variation_12m_share"],
        }
    )
    truth = pq.read_table(folder / "truth" / "customers").to_pandas().set_index("customer_id")
    return (frame - frame.mean()) / frame.std(), truth["behaviour_segment"].reindex(frame.index)


def _mixture(seed: int, *, customers: int = 900, centres: int = 4, apart: float = 4.0) -> pd.DataFrame:
    """Crowds that overlap at the rims, of unequal size, around random centres in six columns."""
    rng = np.random.default_rng(seed)
    middle = apart * np.eye(6)[rng.permutation(6)[:centres]] * rng.choice([-1, 1], (centres, 1))
    of = rng.choice(centres, customers, p=rng.dirichlet(np.full(centres, 20)))
    rows = middle[of] + rng.normal(size=(customers, 6))
    return pd.DataFrame((rows - rows.mean(axis=0)) / rows.std(axis=0), columns=list("abcdef"))


def _named(frame: pd.DataFrame, fitted_on: pd.DataFrame, words: dict, k: int, seed: int) -> tuple:
    """Cluster number and name of each customer of a frame, by k-means fitted on another."""
    found = KMeans(k, n_init=10, random_state=seed).fit(fitted_on.to_numpy())
    profile = (fitted_on.groupby(found.labels_).mean() - fitted_on.mean()) / fitted_on.std()
    names = name_segments(profile, words)
    numbers = found.predict(frame.to_numpy())
    return numbers, np.array(names.names)[numbers], names


def _agreement(one: np.ndarray, other: np.ndarray) -> float:
    """Share of customers in the same cluster once the clusters are matched as well as can be."""
    table = pd.crosstab(one, other).to_numpy()
    rows, columns = linear_sum_assignment(table, maximize=True)
    return table[rows, columns].sum() / len(one)


def test_a_profile_is_named_by_hand():
    profile = pd.DataFrame(
        {"logins": [1.2, -0.2, -0.9, 0.1], "cash": [-0.6, 1.5, -0.1, 0.2], "amount": [0.1, 0.2, -0.9, -0.1]}
    )
    words = {"Digital": {"logins": 1, "cash": -0.5}, "Cash": {"cash": 1}, "Quiet": {"logins": -1, "amount": -1}}
    named = name_segments(profile, words, [400, 300, 200, 100], labels={"logins": "Logins a month", "cash": "ATM cash"})
    assert named.names == ("Digital", "Cash", "Quiet", "Average")
    frame = named.frame
    assert list(frame.columns) == ["name", "score", "runner_up", "margin", "rule", "customers_count"]
    # (1 x 1.2 + 0.5 x 0.6) / 1.5; 1.5; (0.9 + 0.9) / 2; the last fits no word and stands out nowhere
    assert frame["score"].tolist() == pytest.approx([1.0, 1.5, 0.9, np.nan], nan_ok=True)
    # without "Cash" the second has no word that fits: 1.5 gives way to 0.4 x 1.5, what a word needs to fit it
    assert frame.loc[1, ["runner_up", "margin"]].tolist() == ["High ATM cash", pytest.approx(0.9)]
    assert frame["rule"].tolist() == [
        "Logins a month +1.2, ATM cash -0.6 standard deviations from the mean of all",
        "ATM cash +1.5 standard deviations from the mean of all",
        "Amount -0.9, logins a month -0.9 standard deviations from the mean of all",
        "ATM cash +0.2, amount -0.1 standard deviations from the mean of all",
    ]
    assert frame["customers_count"].tolist() == [400, 300, 200, 100]


def test_words_go_where_the_total_is_largest():
    # the second fits "Cash" better than the first does, though the first comes first and fits it best of its words
    profile = pd.DataFrame({"cash": [1.0, 1.4], "branch": [0.9, 0.1]})
    words = {"Cash": {"cash": 1}, "Branch": {"branch": 1}}
    assert name_segments(profile, words).names == ("Branch", "Cash")


def test_a_word_taken_gets_a_second_word():
    profile = pd.DataFrame({"cash": [1.8, 1.2, -1.0], "amount": [-0.8, 0.6, 0.0], "age": [0.3, 0.5, 0.0]})
    words = {"Cash": {"cash": 1}, "No cash": {"cash": -1}}
    named = name_segments(profile, words)
    # the second has less cash than the first but more than all; its amount is 1.4 above the first and 0.6 above all,
    # its age 0.2 above the first
    assert named.names == ("Cash", "Cash, higher amount", "No cash")
    assert named.frame["score"].tolist() == pytest.approx([1.8, np.nan, 1.0], nan_ok=True)
    # it would have the word itself for 1.2 + 0.4 x 1.8 in place of 1.8 + 0.4 x 1.2, nearer than "higher age"
    assert named.frame.loc[1, ["runner_up", "margin"]].tolist() == ["Cash", pytest.approx(0.36)]


def test_a_weak_word_does_not_hide_what_stands_out():
    profile = pd.DataFrame({"cash": [0.5, -1.0], "amount": [1.5, -0.5]})
    assert name_segments(profile, {"Cash": {"cash": 1}}).names == ("High amount", "Low cash")  # 0.5 < 0.4 x 1.5


def test_without_words_the_most_outstanding_column_names():
    profile = pd.DataFrame({"cash": [1.8, -0.2, -1.0], "risk=C5": [0.1, -0.9, 1.4], "ticket_amount": [0.3, 0.8, 0.0]})
    assert name_segments(profile, {}).names == ("High cash", "Seldom risk C5", "Risk C5")
    assert name_segments(profile, {}, labels={"risk": "Tolerance", "cash": "Cash drawn"}).names == (
        "High cash drawn",
        "Seldom tolerance C5",
        "Tolerance C5",
    )


def test_the_one_who_earned_a_built_name_more_keeps_it():
    profile = pd.DataFrame({"cash": [1.0, 2.0, -1.0], "age": [0.6, 0.2, 0.1]})
    assert name_segments(profile, {}).names == ("High age", "High cash", "Low cash")


def test_names_run_out_and_stay_unique():
    same = pd.DataFrame({"cash": [1.0, 1.0, 1.0, -0.5, -0.5, 0.0, 0.0]})
    names = name_segments(same, {"Cash": {"cash": 1}}, [5, 4, 3, 2, 1, 9, 9]).names
    assert len(set(names)) == 7
    assert {"Cash", "Average", "Low cash"} <= set(names)


def test_words_count_by_what_is_there():
    profile = pd.DataFrame({"cash": [1.0, -1.0], "age": [0.1, -0.1]})
    words = {"Branch and cash": {"branch": 1, "cash": 1}, "Mobile": {"mobile": 1}, "Old": {"age": 1, "tenure": 2}}
    # half of the first is there, nothing of the second, a third of the last
    assert name_segments(profile, words).names == ("Branch and cash", "Low cash")


def test_one_segment_is_all_customers():
    named = name_segments(pd.DataFrame({"cash": [0.0]}), {"Cash": {"cash": 1}})
    assert named.names == ("All customers",)
    assert named.frame["rule"].tolist() == ["there is one segment"]


def test_a_gap_counts_as_the_mean():
    profile = pd.DataFrame({"cash": [1.0, np.nan], "age": [np.nan, 1.0]})
    assert name_segments(profile, {"Cash": {"cash": 1}, "Old": {"age": 1}}).names == ("Cash", "Old")


def test_an_empty_profile_is_refused():
    with pytest.raises(CrmlabError) as refusal:
        name_segments(pd.DataFrame(), {})
    assert refusal.value.problems == (
        "name_segments: the profile is empty or names a column twice. Give one row a segment, columns once.",
    )


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(CrmlabError) as refusal:
        name_segments(pd.DataFrame({"cash": [1.0, 2.0]}), {}, [1])
    assert refusal.value.problems == ("name_segments: 1 sizes for 2 segments. Give one size a segment.",)


_row = st.lists(st.integers(-30, 30).map(lambda tenth: tenth / 10), min_size=4, max_size=4)
_profiles = st.integers(2, 7).flatmap(lambda k: st.lists(_row, min_size=k, max_size=k))
_FEW = {"A": {"a": 1}, "B": {"b": 1, "c": -0.5}, "Not A": {"a": -1, "d": 1}}


@settings(max_examples=150, deadline=None)
@given(rows=_profiles, words=st.sampled_from([_FEW, {}]), shuffle=st.randoms(use_true_random=False))
def test_renumbered_segments_keep_their_names(rows, words, shuffle):
    assume(len({tuple(row) for row in rows}) == len(rows))  # of two alike no rule can tell which is which
    profile = pd.DataFrame(rows, columns=list("abcd"))
    names = name_segments(profile, words).names
    assert len(set(names)) == len(names)
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    turned = profile.iloc[order].reset_index(drop=True)[list("dbca")]
    assert name_segments(turned, words).names == tuple(names[i] for i in order)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(rows=st.lists(_row, min_size=2, max_size=3), seed=st.integers(0, 1000))
def test_a_change_smaller_than_the_margin_changes_no_name(rows, seed):
    profile = pd.DataFrame(rows, columns=list("abcd"))
    named = name_segments(profile, _FEW)
    assume(set(named.names) <= set(_FEW))  # all have words: a total moves by k changes, a difference by 2 k
    step = 0.99 * named.frame["margin"].min() / (2 * len(rows))
    moved = profile + np.random.default_rng(seed).uniform(-step, step, profile.shape)
    assert name_segments(moved, _FEW).names == named.names


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("words", [{"Up": {"a": 1, "b": 1}, "Down": {"a": -1, "c": -1}}, {}], ids=["few", "none"])
def test_names_stay_with_the_customers_of_a_mixture(seed, words):
    frame = _mixture(seed)
    rng = np.random.default_rng(seed)
    numbers, names, _ = _named(frame, frame, words, 4, 0)
    for again in range(1, 6):
        drawn = frame.iloc[rng.integers(0, len(frame), len(frame))]
        other_numbers, other_names, _ = _named(frame, drawn, words, 4, again)
        agreed = _agreement(numbers, other_numbers)
        assert agreed >= 0.95
        assert (names == other_names).mean() == agreed  # nothing is lost by naming


@pytest.mark.parametrize("k", [2, 3, 4, 6])
def test_names_stay_with_the_customers_of_a_bank(behaviour, k):
    frame, _ = behaviour
    rng = np.random.default_rng(k)
    numbers, names, told = _named(frame, frame, WORDS, k, 0)
    kept, matched = [], []
    for again in range(1, 9):
        drawn = frame.iloc[rng.integers(0, len(frame), len(frame))]
        other_numbers, other_names, _ = _named(frame, drawn, WORDS, k, again)
        matched.append(_agreement(numbers, other_numbers))
        kept.append((names == other_names).mean())
        if matched[-1] >= 0.9:  # the same segments were found; else others were, and they may be called otherwise
            assert kept[-1] >= matched[-1] - 0.005
    assert np.mean(matched) >= 0.8
    assert told.frame["margin"].min() > 0.05


def test_reseeded_and_renumbered_the_bank_has_the_same_names(behaviour):
    frame, _ = behaviour
    found = [_named(frame, frame, WORDS, 5, seed) for seed in range(5)]
    assert len({tuple(numbers) for numbers, _, _ in found}) > 1  # the numbers differ
    for _, names, _ in found[1:]:
        assert (names == found[0][1]).mean() >= 0.97


def test_names_sit_on_the_planted_segments(behaviour):
    frame, truth = behaviour
    _, names, told = _named(frame, frame, WORDS, 5, 0)
    assert set(told.names) == set(PLANTED)
    for name, planted in PLANTED.items():
        assert (truth[names == name] == planted).mean() >= 0.7, name  # 0.78 to 0.98 when written
        assert (names[truth == planted] == name).mean() >= 0.7, name


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (2, {"Digital", "Branch and cash"}),
        (3, {"Digital", "Branch and cash", "Quiet"}),
        (4, {"Mobile and card", "Online", "Branch and cash", "Quiet"}),
        (6, {"Mobile", "Online", "Branch and cash", "Card payers", "Cash", "Quiet"}),
    ],
)
def test_fewer_and_more_segments_are_named_sensibly(behaviour, k, expected):
    frame, _ = behaviour
    _, _, told = _named(frame, frame, WORDS, k, 0)
    assert set(told.names) == expected
    assert (told.frame["score"] > FITS).all()
