"""Latent classes: against published figures, against a known truth, and with answers missing."""

import json
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from crmlab.errors import CrmlabError
from crmlab.segmentation.columns import Basis, Column
from crmlab.segmentation.latent_classes import Classes, LatentClasses
from crmlab.segmentation.stability import prediction_strength

# Stouffer and Toby (1951): 216 respondents in four situations of role conflict, as in Goodman (1974), table 1
_COUNTS = (42, 23, 6, 25, 6, 24, 7, 38, 1, 4, 1, 6, 2, 9, 2, 20)
_SITUATIONS = Basis("values", tuple(Column(name, name, "flag") for name in "abcd"))


@pytest.fixture(scope="module")
def values():
    patterns = product([True, False], repeat=4)
    rows = [pattern for pattern, count in zip(patterns, _COUNTS, strict=True) for _ in range(count)]
    return pd.DataFrame(rows, columns=list("abcd"))


def _mixed(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Three classes (50, 30, 20 %) in two flags, two categories and two numbers."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    words = np.array([[0.7, 0.2, 0.1], [0.1, 0.7, 0.2], [0.1, 0.2, 0.7]])

    def word():
        return np.array(["low", "middle", "top"])[(rng.random(n)[:, None] > words.cumsum(axis=1)[truth]).sum(axis=1)]

    frame = pd.DataFrame(
        {
            "saves": rng.random(n) < np.array([0.9, 0.1, 0.5])[truth],
            "lends": rng.random(n) < np.array([0.1, 0.8, 0.1])[truth],
            "risk": word(),
            "advice": word(),
            "age": rng.normal(np.array([30.0, 45.0, 65.0])[truth], 8),
            "logins": rng.poisson(np.array([20.0, 8.0, 2.0])[truth]),
        }
    )
    return frame, truth


_MIXED = Basis(
    "mixed",
    (
        Column("saves", "Saves", "flag"),
        Column("lends", "Lends", "flag"),
        Column("risk", "Risk", "category"),
        Column("advice", "Advice", "category"),
        Column("age", "Age", "number"),
        Column("logins", "Logins a month", "count"),
    ),
)


def _with_gaps(frame: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    gone = np.random.default_rng(seed).random(frame.shape) < share
    return frame.astype(object).mask(gone).astype({"age": float, "logins": float})


def test_two_classes_are_those_published(values):
    # Goodman (1974), Biometrika 61, and poLCA (R): log-likelihood -504.47, G2 2.72 on 6 degrees of freedom,
    # BIC 1057.31, classes of 28 and 72 %; of the smaller 99.3, 94.0, 92.7 and 76.9 % say yes
    method = LatentClasses(smoothing=0).learn(_SITUATIONS, values)
    found = method.cluster(method.rows(values), 2, 1)
    assert found.log_likelihood == pytest.approx(-504.468, abs=2e-3)
    assert found.bic == pytest.approx(1057.31, abs=0.01)
    assert found.parameters_count == 9
    assert found.shares == pytest.approx([0.72, 0.28], abs=5e-3)
    yes = method.profile(found).query("word == 'yes' and `class` == 1")["value"]
    assert yes.tolist() == pytest.approx([0.993, 0.940, 0.927, 0.769], abs=5e-3)
    counts = np.array(_COUNTS, dtype=float)
    saturated = (counts * np.log(counts / counts.sum())).sum()
    assert 2 * (saturated - found.log_likelihood) == pytest.approx(2.72, abs=0.005)


def test_one_class_is_independence(values):
    # by hand: the sum of four binary entropies
    method = LatentClasses(smoothing=0).learn(_SITUATIONS, values)
    share = values.mean().to_numpy()
    expected = len(values) * (share * np.log(share) + (1 - share) * np.log(1 - share)).sum()
    assert method.cluster(method.rows(values), 1, 1).log_likelihood == pytest.approx(expected)


def test_density_of_a_number_is_the_normal_density():
    frame = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0, 90.0]})
    method = LatentClasses(smoothing=0).learn(Basis("b", (Column("age", "Age", "number"),)), frame)
    rows = method.rows(frame)
    found = method.cluster(rows, 1, 1)
    z = rows[:, 1]
    v = z.var()
    expected = (-0.5 * np.log(2 * np.pi * v) - (z - z.mean()) ** 2 / (2 * v)).sum()
    assert found.log_likelihood == pytest.approx(expected)


@pytest.mark.parametrize("smoothing", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("k", [2, 4])
def test_no_step_lowers_what_is_maximised(smoothing, k):
    frame = _with_gaps(_mixed(300, 3)[0], 0.3, 4)
    method = LatentClasses(smoothing=smoothing).learn(_MIXED, frame)
    history = method.cluster(method.rows(frame), k, 2).history
    assert len(history) > 10
    assert np.diff(history).min() > -1e-7


def test_known_classes_are_found_with_two_of_five_answers_missing():
    full, truth = _mixed(3_000, 1)
    frame = _with_gaps(full, 0.4, 2)
    agreement = {}
    for name, seen in (("full", full), ("gaps", frame)):
        method = LatentClasses().learn(_MIXED, seen)
        rows = method.rows(seen)
        found = method.cluster(rows, 3, 1)
        agreement[name] = adjusted_rand_score(truth, found(rows))
        assert found.shares == pytest.approx([0.5, 0.3, 0.2], abs=0.03)  # three standard errors
    assert agreement["full"] > 0.9
    assert agreement["gaps"] > 0.65


def test_who_answers_may_depend_on_what_is_known():
    # nearly only borrowers are asked for their risk class: most answers come from the class of 30 %
    shares = []
    for seed in range(12):
        frame, _ = _mixed(2_000, 100 + seed)
        asked = np.where(frame["lends"], 0.95, 0.15)
        frame["risk"] = frame["risk"].where(np.random.default_rng(seed).random(len(frame)) < asked)
        method = LatentClasses().learn(_MIXED, frame)
        shares.append(method.cluster(method.rows(frame), 3, 1).shares)
    error = np.std(shares, axis=0, ddof=1) / np.sqrt(len(shares))
    assert (np.abs(np.mean(shares, axis=0) - [0.5, 0.3, 0.2]) < np.maximum(4 * error, 0.01)).all()


def test_membership_is_calibrated():
    frame, truth = _mixed(4_000, 7)
    method = LatentClasses().learn(_MIXED, frame)
    rows = method.rows(frame)
    found = method.cluster(rows, 3, 1)
    member = found.membership(rows)
    assert member.sum(axis=1) == pytest.approx(1.0)
    assert (member.argmax(axis=1) == found(rows)).all()
    best = max(permutations(range(3)), key=lambda order: (np.array(order)[found(rows)] == truth).mean())
    right = np.array(best)[found(rows)] == truth
    assert member.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.02)


def test_a_missing_answer_changes_nothing():
    frame, _ = _mixed(500, 5)
    method = LatentClasses().learn(_MIXED, frame)
    found = method.cluster(method.rows(frame), 3, 1)
    nothing = pd.DataFrame([dict.fromkeys(frame.columns)], dtype=object)
    assert found.membership(method.rows(nothing))[0] == pytest.approx(found.shares)


def test_same_seed_same_classes_whatever_the_order_of_the_customers():
    frame = _with_gaps(_mixed(800, 6)[0], 0.2, 1)
    method = LatentClasses().learn(_MIXED, frame)
    rows = method.rows(frame)
    found, again = (method.cluster(rows, 3, 4) for _ in range(2))
    assert np.array_equal(found.weights, again.weights)
    turned = np.random.default_rng(1).permutation(len(rows))
    other = method.cluster(rows[turned], 3, 9)
    assert adjusted_rand_score(found(rows), other(rows)) > 0.99


def test_alike_customers_count_as_often_as_they_are(values):
    # three times the same customers: the same classes, three times the log-likelihood
    method = LatentClasses(smoothing=0).learn(_SITUATIONS, values)
    rows = method.rows(values)
    both = [method.cluster(rows, 2, 1), method.cluster(np.repeat(rows, 3, axis=0), 2, 1)]
    assert both[1].log_likelihood == pytest.approx(3 * both[0].log_likelihood, abs=1e-2)
    assert both[1].shares == pytest.approx(both[0].shares, abs=1e-3)


def test_many_customers_are_begun_on_a_sample():
    frame, truth = _mixed(30_000, 8)
    method = LatentClasses(starts=5).learn(_MIXED, frame)
    rows = method.rows(frame)
    found = method.cluster(rows, 3, 1)
    assert found.customers_count == 30_000
    assert found.log_likelihood == pytest.approx(-found.misfit(rows) * 30_000)
    assert adjusted_rand_score(truth, found(rows)) > 0.9


def test_it_can_be_kept_as_json():
    frame = _with_gaps(_mixed(400, 9)[0], 0.2, 3)
    method = LatentClasses().learn(_MIXED, frame)
    found = method.cluster(method.rows(frame), 3, 1)
    kept = json.loads(json.dumps({"method": method.as_dict(), "found": found.as_dict()}))
    method_again = LatentClasses().from_dict(_MIXED, kept["method"])
    again = method_again.assign_from(kept["found"])
    assert np.array_equal(method_again.rows(frame), method.rows(frame))
    assert np.array_equal(again(method.rows(frame)), found(method.rows(frame)))
    assert again.bic == pytest.approx(found.bic)


def test_noise_has_no_classes_that_come_back():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({name: rng.random(1_500) < 0.3 for name in "abcd"})
    method = LatentClasses().learn(_SITUATIONS, frame)
    assert (prediction_strength(method.rows(frame), method.cluster, [2, 3, 4], splits=10)["strength"] < 0.8).all()
    one, two = (method.cluster(method.rows(frame), k, 1).bic for k in (1, 2))
    assert one < two


def test_odd_tables_are_answered():
    basis = Basis(
        "odd", (Column("same", "Same", "flag"), Column("none", "None", "category"), Column("age", "Age", "number"))
    )
    frame = pd.DataFrame({"same": [True, True, True], "none": None, "age": [30.0, 1e12, np.nan]})
    method = LatentClasses().learn(basis, frame)
    assert method.encoding.dropped == {
        "age": "is the same for almost everybody",  # the second largest is the second smallest
        "same": "is the same for almost everybody",
        "none": "is empty for everybody",
    }
    assert method.cluster(method.rows(frame), 2, 1)(method.rows(frame)).tolist() == [0, 0, 0]
    single = pd.DataFrame({"a": [True], "b": [False], "c": [None], "d": [True]})
    alone = LatentClasses().learn(_SITUATIONS, single)
    assert alone.cluster(alone.rows(single), 1, 1)(alone.rows(single)).tolist() == [0]
    assert alone.cluster(alone.rows(single), 2, 1)(alone.rows(single)).shape == (1,)


def test_equal_numbers_make_no_class_of_endless_likelihood():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"age": np.r_[np.full(200, 40.0), rng.normal(50, 15, 300)]})
    method = LatentClasses(smoothing=0).learn(Basis("b", (Column("age", "Age", "number"),)), frame)
    found = method.cluster(method.rows(frame), 2, 1)
    deviation = np.sqrt(-0.5 / found.weights[2])
    assert deviation.min() == pytest.approx(0.2)  # a fifth of that of all, no less


def test_a_word_never_seen_and_a_flag_of_numbers_are_refused():
    frame, _ = _mixed(50, 1)
    method = LatentClasses().learn(_MIXED, frame)
    with pytest.raises(CrmlabError) as refusal:
        method.rows(frame.assign(risk="extreme"))
    assert refusal.value.problems == ("mixed: risk holds ['extreme'], which the model has not seen. Fit it anew.",)
    with pytest.raises(CrmlabError) as refusal:
        LatentClasses().learn(_MIXED, frame.assign(saves=2))
    assert refusal.value.problems == (
        "mixed: saves is a flag but holds other values than true and false. Declare it as a count.",
    )


def test_impossible_settings_are_refused():
    with pytest.raises(CrmlabError) as refusal:
        LatentClasses(starts=0, smoothing=-1)
    assert refusal.value.problems == (
        "starts: 0 is under 1. Give 1 or more.",
        "smoothing: -1 is below 0. Give 0 or more.",
    )
    frame, _ = _mixed(50, 1)
    method = LatentClasses().learn(_MIXED, frame)
    with pytest.raises(CrmlabError) as refusal:
        method.cluster(method.rows(frame), 0, 1)
    assert refusal.value.problems == ("k: 0 classes of 50 customers cannot be found. Give 1 or more of both.",)


def test_classes_without_a_history_can_be_made():
    assert np.isnan(Classes(np.array([1.0]), np.zeros((2, 1))).bic)
