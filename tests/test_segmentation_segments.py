"""Learned segments: found where they are planted, not found where there are none, kept and applied again."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import adjusted_rand_score

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.segmentation.behaviour import behaviour_on
from crmlab.segmentation.columns import Basis, Column
from crmlab.segmentation.latent_classes import LatentClasses
from crmlab.segmentation.segments import EVERYBODY, Segments
from crmlab.simulation import simulate


def _basis(width: int, kind: str = "number") -> Basis:
    return Basis("test", tuple(Column(f"x{j}", f"Column {j}", kind) for j in range(width)))


def _frame(rows: np.ndarray) -> pd.DataFrame:
    index = pd.Index([f"P{i}" for i in range(len(rows))], name="customer_id")
    return pd.DataFrame(rows, columns=[f"x{j}" for j in range(rows.shape[1])], index=index)


def _two(n: int = 300, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return _frame(np.r_[rng.normal(0, 1, (n // 2, 3)), rng.normal(5, 1, (n - n // 2, 3))])


@pytest.fixture(scope="module")
def banked(tmp_path_factory):
    """A simulated bank's basis frame, outcomes and planted segments."""
    folder = simulate(tmp_path_factory.mktemp("banked") / "bank", customers=2000, months=18, seed=5).folder
    today = behaviour_on(Bank.open(folder).as_of(""))
    truth = pq.read_table(folder / "truth" / "customers").to_pandas().set_index("customer_id")["behaviour_segment"]
    return today.basis, today.frame, today.outcomes, truth.reindex(today.frame.index)


@pytest.fixture(scope="module")
def found(banked):
    basis, frame, outcomes, _ = banked
    return Segments(basis).fit(frame, outcomes=outcomes)


def test_planted_behaviour_is_recovered(banked, found):
    truth = banked[3]
    assert found.found_
    assert adjusted_rand_score(truth, found.labels_) >= 0.6  # 0.69 to 0.82 when written
    assert found.trial_.set_index("k").loc[found.k_, "gap"] > 0


def test_names_sit_on_the_planted_segments(banked):
    basis, frame, _, truth = banked
    five = Segments(basis, k=5, resamples=10).fit(frame)
    crossed = pd.crosstab(five.labels_, truth)
    meant = {
        "Mobile": "mobile_everyday", "Online": "online_planner", "Branch and cash": "branch_and_cash",
        "Card payers": "card_spender", "Quiet": "quiet_saver",
    }  # fmt: skip
    assert crossed.idxmax(axis=1).to_dict() == meant


def _gaussian(rng: np.random.Generator) -> np.ndarray:
    root = rng.normal(size=(6, 6))
    return rng.normal(size=(500, 6)) @ root.T  # one cloud, long in some directions


def _uniform(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(size=(500, 6))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("draw", [_gaussian, _uniform])
def test_one_cloud_has_no_stable_segments(draw, seed):
    segments = Segments(_basis(6), seed=seed).fit(_frame(draw(np.random.default_rng(seed))))
    assert not segments.found_
    assert segments.names_ == (EVERYBODY,)
    assert segments.verdict_.startswith("There are no stable segments: nearest come ")
    assert set(segments.labels_) == {EVERYBODY}


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffled_columns_have_no_stable_segments(banked, seed):
    # each column as it is in the bank, but no longer of the same customer: its two humps remain, its segments do not
    basis, frame, _, _ = banked
    frame, rng = frame.sample(800, random_state=seed), np.random.default_rng(seed)
    shuffled = pd.DataFrame({name: rng.permutation(frame[name].to_numpy()) for name in frame}, index=frame.index)
    segments = Segments(basis, seed=seed).fit(shuffled)
    assert not segments.found_
    assert segments.verdict_.startswith("There are no stable segments")


def test_next_months_customers_are_assigned_without_learning(found, banked):
    frame = banked[1]
    assert found.predict(frame).equals(found.labels_)
    some = frame.iloc[[7, 3, 11]]
    assert found.predict(some).tolist() == found.labels_.iloc[[7, 3, 11]].tolist()
    alone = found.predict(frame.iloc[[5]].assign(further=1.0))
    assert alone.tolist() == [found.labels_.iloc[5]]


def test_kept_segments_assign_alike(found, banked):
    basis, frame = banked[0], banked[1]
    kept = json.loads(json.dumps(found.as_dict()))
    again = Segments.from_dict(kept, basis)
    assert again.predict(frame).equals(found.labels_)
    assert (again.names_, again.k_, again.verdict_) == (found.names_, found.k_, found.verdict_)
    assert json.loads(json.dumps(again.as_dict())) == kept
    assert again.stability_.equals(found.stability_)
    ids = set(frame.index)
    assert not ids & set(json.dumps(kept).replace('"', " ").split())


def test_another_order_of_customers_gives_the_same_names(banked, found):
    basis, frame, _, _ = banked
    mixed = frame.sample(frac=1, random_state=3)
    again = Segments(basis, k=found.k_, resamples=5, seed=99).fit(mixed)
    assert (again.labels_.reindex(frame.index) == found.labels_).mean() >= 0.97


def test_a_number_given_is_used_and_judged(found, banked):
    forced = Segments(_basis(6), k=4, resamples=10).fit(_frame(_uniform(np.random.default_rng(1))))
    assert (forced.k_, forced.found_, len(forced.names_)) == (4, False, 4)
    assert forced.verdict_.startswith("The 4 segments asked for are not stable: ")


def test_stability_names_its_segments(found):
    table = found.stability_
    assert tuple(table["segment"]) == found.names_
    assert table["customers_count"].is_monotonic_decreasing
    assert table["customers_count"].sum() == len(found.labels_)
    assert ((table["share_low"] < table["share"]) & (table["share"] < table["share_high"])).all()
    assert (table["resamples_count"] == 100).all()
    assert table["silhouette"].between(-1, 1).all()


# --- hardly any data ---


def test_one_billionaire_is_no_segment():
    frame = _two().assign(x0=lambda f: np.exp(f["x0"]))
    basis = Basis("test", (Column("x0", "Wealth", "amount"), *_basis(3).columns[1:]))
    rich = frame.copy()
    rich.iloc[0, 0] = 1e12
    for kind in ("amount", "number", "count"):
        basis = Basis("test", (Column("x0", "Wealth", kind), *_basis(3).columns[1:]))
        segments = Segments(basis, most=3, resamples=20).fit(rich)
        assert segments.k_ == 2
        assert segments.stability_["customers_count"].min() >= 100
        forced = Segments(basis, k=3, resamples=5).fit(rich)
        assert forced.stability_["customers_count"].min() >= 10


def test_constant_and_empty_columns_are_left_out_and_told():
    frame = _two().assign(x3=7.0, x4=np.nan)
    segments = Segments(_basis(5), most=3).fit(frame)
    assert segments.dropped_ == {"x3": "is the same for almost everybody", "x4": "is empty for everybody"}
    assert (segments.found_, segments.k_) == (True, 2)
    assert segments.predict(frame).equals(segments.labels_)


def test_nothing_but_constant_columns():
    segments = Segments(_basis(2)).fit(_frame(np.ones((200, 2))))
    assert segments.names_ == (EVERYBODY,)
    assert segments.verdict_ == "No segments can be told to be stable: the customers differ in 1 way only."


def test_one_customer():
    one = _frame(np.array([[1.0, 2.0]]))
    segments = Segments(_basis(2)).fit(one)
    assert segments.predict(one).tolist() == [EVERYBODY]
    assert segments.verdict_ == (
        "No segments can be told to be stable: 1 customer is too few to see whether groups come back; 100 are needed."
    )


@pytest.mark.parametrize(
    ("k", "rows", "message"),
    [
        (5, np.arange(6.0).reshape(3, 2), "k: 5 segments are more than the 3 customers. Choose fewer."),
        (2, np.empty((0, 2)), "k: 2 segments are more than the 0 customers. Choose fewer."),
        (-1, np.ones((4, 2)), "k: -1 segments cannot be. Give 1 or more, or 0 to let us choose."),
        (3, np.repeat([[0.0, 0.0], [1.0, 1.0]], 200, axis=0),
         "k: 3 segments are asked for, but the customers differ in 2 ways only. Choose a smaller k."),
    ],
)  # fmt: skip
def test_impossible_numbers_are_refused(k, rows, message):
    with pytest.raises(CrmlabError) as caught:
        Segments(_basis(2), k=k).fit(_frame(rows))
    assert str(caught.value) == message


def test_nobody_to_look_at():
    segments = Segments(_basis(2)).fit(_frame(np.empty((0, 2))))
    assert (segments.names_, segments.found_, len(segments.labels_)) == ((EVERYBODY,), False, 0)


def test_what_is_not_judged_needs_a_number():
    with pytest.raises(CrmlabError) as caught:
        Segments(_basis(3), resamples=0).fit(_two())
    assert str(caught.value) == "resamples: 0 judges nothing, so k cannot be chosen. Give k, or 100 resamples."
    plain = Segments(_basis(3), k=2, resamples=0).fit(_two())
    assert (plain.k_, plain.found_, plain.stability_) == (2, False, None)


def test_columns_that_lack_are_all_named():
    with pytest.raises(CrmlabError) as caught:
        Segments(_basis(3)).fit(_two()[["x1"]].rename(columns={"x1": "x_1"}))
    assert str(caught.value).count("the frame lacks the column") == 3


def test_another_model_is_refused(found):
    kept = found.as_dict()
    with pytest.raises(CrmlabError) as caught:
        Segments.from_dict({**kept, "version": 9, "basis": "needs"}, Basis("behaviour", _basis(2).columns))
    assert str(caught.value).splitlines() == [
        "3 problems:",
        "- model: its version is 9, but 1 is needed. Learn the segments anew.",
        "- model: its basis is 'needs', but 'behaviour' is needed. Name a model of the same question.",
        f"- model: the list of its columns is {kept['columns']}, but ['x0', 'x1'] is needed. Learn the segments anew.",
    ]


def test_gaps_are_filled_by_the_learned_median():
    frame = _two()
    segments = Segments(_basis(3), most=3).fit(frame)
    holes = frame.copy()
    holes.iloc[::5, 0] = np.nan
    assert (segments.predict(holes) == segments.labels_).mean() > 0.97


def test_a_new_word_is_refused_by_name():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x0": rng.normal(size=200), "c": rng.choice(["a", "b"], 200)})
    basis = Basis("test", (Column("x0", "X", "number"), Column("c", "C", "category")))
    segments = Segments(basis, k=2, most=2, resamples=5).fit(frame)
    with pytest.raises(CrmlabError) as caught:
        segments.predict(frame.assign(c="z"))
    assert str(caught.value) == "test: c holds ['z'], which the model has not seen. Fit it anew."


def test_a_number_that_leaves_segments_empty_is_refused():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x0": rng.random(200) < 0.5, "x1": rng.random(200) < 0.3, "x2": rng.random(200) < 0.2})
    with pytest.raises(CrmlabError) as caught:
        Segments(_basis(3, "flag"), method=LatentClasses(), k=6, resamples=5).fit(frame)
    assert str(caught.value) == (
        "k: 6 segments are asked for, but latent classes finds customers for 3 only. Choose a smaller k."
    )


def test_another_number_is_settled_on_with_the_same_evidence(found, banked):
    other = found.settled_on(banked[1], 3)
    assert (other.k_, other.trial_ is found.trial_) == (3, True)
    assert found.k_ != 3 or other.names_ == found.names_
    assert other.predict(banked[1]).equals(other.labels_)
    assert "asked for" not in other.verdict_


def test_a_model_that_would_point_at_persons_is_not_kept():
    frame = pd.concat([_two(), _frame(np.full((4, 3), 60.0)).add_prefix("y", axis=0)])
    segments = Segments(_basis(3), k=3, resamples=0).fit(frame)
    assert segments.labels_.value_counts().min() == 4
    with pytest.raises(CrmlabError, match="its smallest segment has 4 customers; kept, it would point at persons"):
        segments.as_dict()
