"""Latent variables that cannot be told apart are found, said and joined; weak questions get a cure."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.satisfaction.measurement.instrument import cross_loadings, instrument_warnings
from crmlab.satisfaction.measurement.measured import measured, measured_of
from crmlab.satisfaction.measurement.measures import heterotrait_monotrait, membership
from crmlab.satisfaction.measurement.merging import merged_model
from crmlab.satisfaction.measurement.validity import validity_gate
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.partial_least_squares import PartialLeastSquares
from crmlab.satisfaction.path_models.resampled import bootstrap_path_model

SPANISH = PathModel(
    {name: [f"{name.lower()}{k}" for k in range(1, count + 1)]
     for name, count in {"IMAG": 5, "EXPE": 5, "QUAL": 5, "VAL": 4, "SAT": 4, "LOY": 4}.items()},
    {"EXPE": ["IMAG"], "QUAL": ["EXPE"], "VAL": ["EXPE", "QUAL"], "SAT": ["IMAG", "EXPE", "QUAL", "VAL"],
     "LOY": ["IMAG", "SAT"]},
    titles={"EXPE": "Expectations", "QUAL": "Quality", "VAL": "Value", "SAT": "Satisfaction"},
)  # fmt: skip
THREE = PathModel(
    {name: [f"{name}{k}" for k in range(3)] for name in "abc"},
    {"b": ["a"], "c": ["a", "b"]},
    titles={"a": "Hope", "b": "Quality", "c": "Value"},
)


@pytest.fixture(scope="module")
def spanish(real_data):
    frame = pd.read_csv(real_data / "spanish_bank_survey" / "satisfaction.csv", index_col=0)
    return measured(frame, SPANISH, resamples=1_000)


def answers(latent_correlation, *, n=400, loading=0.8, seed=1, model=THREE):
    """Answers of n people to three items each of latent variables that correlate so, in points around 6."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(n, len(latent_correlation))) @ np.linalg.cholesky(latent_correlation).T
    noise = np.sqrt(1 - loading**2) * rng.normal(size=(n, len(model.items)))
    return pd.DataFrame(6 + loading * latent[:, model.block] + noise, columns=list(model.items))


APART = np.array([[1.0, 0.5, 0.4], [0.5, 1.0, 0.5], [0.4, 0.5, 1.0]])
ALIKE = np.array([[1.0, 0.99, 0.45], [0.99, 1.0, 0.5], [0.45, 0.5, 1.0]])


@pytest.mark.parametrize("geometric", [False, True])
def test_htmt_of_a_population_with_equal_loadings_is_the_latent_correlation(geometric):
    loadings = np.repeat([0.8, 0.7, 0.6], 3)  # equal within, so that both means agree with it
    population = np.outer(loadings, loadings) * APART[THREE.block][:, THREE.block]
    np.fill_diagonal(population, 1.0)
    found = heterotrait_monotrait(population, membership(THREE.latents), geometric=geometric)
    np.testing.assert_allclose(found, APART, atol=1e-14)


def test_geometric_htmt_needs_no_equal_loadings():
    loadings = np.array([0.9, 0.7, 0.5, 0.9, 0.6, 0.4, 0.8, 0.8, 0.5])
    population = np.outer(loadings, loadings) * APART[THREE.block][:, THREE.block]
    np.fill_diagonal(population, 1.0)
    belongs = membership(THREE.latents)
    np.testing.assert_allclose(heterotrait_monotrait(population, belongs, geometric=True), APART, atol=1e-14)
    # by hand for a and b: (2.1 x 1.9 / 9 x .5) / root of ((.63 + .45 + .35) / 3 x (.54 + .36 + .24) / 3)
    expected = (2.1 * 1.9 / 9 * 0.5) / np.sqrt(1.43 / 3 * 1.14 / 3)
    assert heterotrait_monotrait(population, belongs)[0, 1] == pytest.approx(expected, abs=1e-14)
    assert expected > 0.5  # unequal loadings make two latent variables look more alike than they are


def test_htmt_does_not_change_with_units_or_reversed_items():
    covariance = np.cov(answers(APART).to_numpy(), rowvar=False)
    belongs, turn = membership(THREE.latents), np.diag([2.0, -1, 1, 1, 1, 1, 1, 1, 30.0])
    plain, turned = (heterotrait_monotrait(one, belongs) for one in (covariance, turn @ covariance @ turn))
    np.testing.assert_allclose(plain, turned, rtol=1e-12)


def test_items_that_do_not_go_along_have_a_geometric_htmt_of_0():
    np.testing.assert_allclose(heterotrait_monotrait(np.eye(2), np.eye(2), geometric=True), np.eye(2), atol=1e-15)


def test_the_gate_is_open_where_all_can_be_told_apart():
    gate = validity_gate(measured(answers(APART), THREE, resamples=200))
    assert gate.is_open
    assert (gate.groups, gate.blocked, gate.pairs) == ((), (), ())
    assert gate.is_ranked("abc") == [True] * 3
    top = gate.frame.iloc[0]
    assert gate.reading == (
        f"All 3 pairs of latent variables can be told apart. The most alike are {top['first_title']} and "
        f"{top['second_title'].lower()} (HTMT {top['htmt']:.2f}, interval {top['htmt_low']:.2f} to "
        f"{top['htmt_high']:.2f}); n = 400. Effects may be ranked."
    )


def test_the_gate_blocks_two_that_are_one_and_says_what_to_do():
    gate = validity_gate(measured(answers(ALIKE), THREE, resamples=200))
    assert not gate.is_open
    assert (gate.groups, gate.blocked, gate.pairs) == ((("a", "b"),), ("a", "b"), (("a", "b"),))
    assert gate.is_ranked(["c", "a", "b"]) == [True, False, False]
    row = gate.frame.iloc[0]
    assert gate.reading == (
        f"1 of 3 pairs of latent variables cannot be told apart (n = 400): Hope and quality (HTMT {row['htmt']:.2f}, "
        f"interval {row['htmt_low']:.2f} to {row['htmt_high']:.2f}): at least 0.9, and the interval reaches 1. "
        "Effects of the single ones are not ranked. Join them (Hope and quality), reword their items, or ask others. "
        "What can still be said: the effects of what is joined, how much is explained (R2), and each index."
    )
    assert not row["is_fornell_larcker_met"]


def test_thresholds_of_the_gate_are_the_callers():
    found = measured(answers(ALIKE), THREE, resamples=100)
    assert validity_gate(found, most_htmt=1.5, most_upper=1.5).is_open
    assert validity_gate(found, most_htmt=0.1).groups == (("a", "b", "c"),)
    with pytest.raises(CrmlabError) as caught:
        validity_gate(found, most_htmt=0, most_upper=-1)
    assert caught.value.problems == (
        "validity_gate: most_htmt is 0. Give a number above 0.",
        "validity_gate: most_upper is -1. Give a number above 0.",
    )


def test_what_is_joined_can_be_estimated_and_told_apart():
    frame = answers(ALIKE)
    joined = merged_model(THREE, validity_gate(measured(frame, THREE, resamples=100)).groups)
    assert joined.latents == {"a_b": THREE.latents["a"] + THREE.latents["b"], "c": THREE.latents["c"]}
    assert joined.paths == {"c": ("a_b",)}
    assert joined.title("a_b") == "Hope and quality"
    assert validity_gate(measured(frame, joined, resamples=100)).is_open


def test_dimensions_of_one_construct_may_be_alike():
    model = PathModel(
        THREE.latents | {"d": ["d0", "d1", "d2"]}, {"c": ["quality"], "d": ["c"]}, higher={"quality": ["a", "b"]}
    )
    four = np.eye(4)
    four[:3, :3] = ALIKE
    four[2, 3] = four[3, 2] = 0.4
    gate = validity_gate(measured(answers(four, model=model), model, resamples=100))
    assert gate.is_open
    assert gate.frame.iloc[0][["first", "second"]].tolist() == ["a", "b"]
    assert gate.frame.iloc[0]["htmt"] > 0.9


def test_a_construct_is_blocked_for_one_of_its_dimensions():
    model = PathModel(
        THREE.latents | {"d": ["d0", "d1", "d2"]}, {"c": ["quality"], "d": ["c"]}, higher={"quality": ["a", "b"]}
    )
    four = np.array([[1, 0.5, 0.3, 0.3], [0.5, 1, 0.97, 0.3], [0.3, 0.97, 1, 0.3], [0.3, 0.3, 0.3, 1]])
    gate = validity_gate(measured(answers(four, model=model), model, resamples=100))
    assert gate.groups == (("b", "c"),)
    assert gate.blocked == ("quality", "c")
    with pytest.raises(CrmlabError) as caught:
        merged_model(model, gate.groups)
    assert str(caught.value) == (
        "merged_model: b and c mix a dimension of a second-order construct with others. Make the dimensions latent "
        "variables of their own first, or reword their items."
    )


def test_joining_refuses_what_leaves_no_model():
    chain = PathModel({name: [name] for name in "abcd"}, {"b": ["a"], "c": ["b"], "d": ["c"]})
    with pytest.raises(CrmlabError) as caught:
        merged_model(chain, [["a", "c"]])
    assert str(caught.value) == (
        "merged_model: b would stand on a circle with a and c joined. Join them too, or leave the paths to or from "
        "them out."
    )
    with pytest.raises(CrmlabError) as caught:
        merged_model(chain, [["a", "b", "c", "d"]])
    assert str(caught.value) == (
        "merged_model: joining a and b and c and d leaves no path. There is nothing to explain; ask other items."
    )
    with pytest.raises(CrmlabError) as caught:
        merged_model(chain, [["a", "b"], ["b", "c"], ["d"], ["c", "dd"]])
    assert caught.value.problems == (
        "merged_model: 'dd' is no latent variable. Did you mean 'd'? Known: ['a', 'b', 'c', 'd'].",
        "merged_model: b is in two groups. Join the groups.",
        "merged_model: c is in two groups. Join the groups.",
        "merged_model: group ['d'] has one member. Give two or more.",
    )
    assert merged_model(chain, [["a", "b", "c"]]).paths == {"d": ("a_b_c",)}


def test_all_dimensions_joined_are_the_construct():
    model = PathModel({"a": ["a1"], "b": ["b1"], "c": ["c1"]}, {"c": ["quality"]}, higher={"quality": ["a", "b"]})
    joined = merged_model(model, [["a", "b"]])
    assert (joined.latents, joined.paths, joined.higher) == (
        {"a_b": ("a1", "b1"), "c": ("c1",)},
        {"c": ("a_b",)},
        {},
    )


def test_a_single_item_is_compared_but_not_by_fornell_and_larcker():
    model = PathModel({"a": THREE.latents["a"], "b": ["b0"]}, {"b": ["a"]})
    frame = validity_gate(measured(answers(APART), model, resamples=50)).frame
    assert frame["is_fornell_larcker_met"].isna().all()
    assert frame["htmt"].between(0.2, 0.7).all()


def test_items_that_need_not_go_together_are_not_judged_by_htmt():
    # three unrelated items make up `a`: HTMT would divide by a correlation within of about 0
    rng = np.random.default_rng(6)
    parts = rng.normal(size=(400, 3))
    effect = parts.sum(axis=1, keepdims=True) / np.sqrt(3) * 0.5 + rng.normal(size=(400, 1)) * np.sqrt(0.75)
    frame = pd.DataFrame(
        np.hstack([parts, effect + 0.5 * rng.normal(size=(400, 3))]), columns=["a0", "a1", "a2", "b0", "b1", "b2"]
    )
    formative, reflective = (
        measured(
            frame,
            PathModel({name: THREE.latents[name] for name in "ab"}, {"b": ["a"]}, modes={"a": mode}),
            resamples=50,
        )
        for mode in "BA"
    )
    row = validity_gate(formative).frame.iloc[0]
    assert row["measure"] == "correlation freed of error"
    assert row["htmt_low"] < 0.5 < row["htmt_high"]  # the truth
    assert validity_gate(formative).is_open
    assert "told apart. The most alike are a and b (correlation freed of error 0." in validity_gate(formative).reading
    assert not validity_gate(reflective).is_open


def test_a_model_bootstrapped_before_gives_the_same_and_a_consistent_one_is_refused():
    frame = answers(APART, n=80)
    before = bootstrap_path_model(PartialLeastSquares(THREE), frame, resamples=50, seed=3)
    gates = [validity_gate(one) for one in (measured_of(before), measured(frame, THREE, resamples=50, seed=3))]
    pd.testing.assert_frame_equal(gates[0].frame, gates[1].frame)
    consistent = bootstrap_path_model(PartialLeastSquares(THREE, consistent=True), frame, resamples=10)
    with pytest.raises(CrmlabError) as caught:
        measured_of(consistent)
    assert str(caught.value) == (
        "measures: the path model was estimated with consistent=True or scaled=False. Bootstrap the plain one on "
        "standardised items; each measure corrects for errors itself."
    )


def test_planted_faults_of_the_instrument_are_found_with_a_cure():
    frame = answers(APART, n=600)
    frame["a2"] = 12 - frame["a2"]  # asks the other way round
    frame["b2"] = frame["b2"] * 0.2 + np.random.default_rng(2).normal(0, 2, 600)  # hardly about quality
    found = instrument_warnings(measured(frame, THREE, resamples=30)).set_index("kind")
    assert found.loc["reversed_item", "item"] == "a2"
    assert found.loc["reversed_item", "problem"].startswith("a2 falls when Hope rises (loading -0.")
    assert found.loc["reversed_item", "cure"] == (
        "If it asks the other way round, turn its answers (low + high - answer); else leave it out."
    )
    assert found.loc["weak_item", "item"] == "b2"
    assert found.loc["weak_item", "value"] < 0.5
    clean = instrument_warnings(measured(answers(APART, n=600), THREE, resamples=30))
    assert clean.empty


def test_causes_and_formative_items_that_say_the_same_are_found():
    rng = np.random.default_rng(4)
    one, third = rng.normal(size=(2, 300))
    frame = pd.DataFrame({
        "a": one, "b": one + 0.2 * rng.normal(size=300), "f1": third, "f2": third + 0.2 * rng.normal(size=300),
        "y1": one + third + rng.normal(size=300), "y2": one + third + rng.normal(size=300),
    })  # fmt: skip
    model = PathModel(
        {"a": ["a"], "b": ["b"], "f": ["f1", "f2"], "y": ["y1", "y2"]}, {"y": ["a", "b", "f"]}, modes={"f": "B"}
    )
    found = instrument_warnings(measured(frame, model, resamples=30))
    assert found[["kind", "latent", "item"]].to_numpy().tolist() == [
        ["high_vif_of_cause", "a", ""],
        ["high_vif_of_cause", "b", ""],
        ["high_vif_of_item", "f", "f1"],
        ["high_vif_of_item", "f", "f2"],
    ]
    related = np.corrcoef(frame["f1"], frame["f2"])[0, 1]
    assert found["value"].iloc[2] == pytest.approx(1 / (1 - related**2))


def test_an_item_at_home_elsewhere_is_found():
    frame = answers(APART, n=400)
    frame["a1"] = frame["c0"] + 0.1 * frame["a1"]
    found = measured(frame, THREE, resamples=30)
    assert cross_loadings(found).loc[lambda table: ~table["is_highest_own"], "item"].tolist() == ["a1"]
    row = instrument_warnings(found).set_index("kind").loc["item_at_home_elsewhere"]
    assert (row["item"], row["cure"]) == ("a1", "Reword it, leave it out, or ask whether it measures Value.")


def test_the_spanish_bank_cannot_tell_expectations_from_quality(spanish):
    gate = validity_gate(spanish)
    assert gate.pairs == (("EXPE", "QUAL"), ("VAL", "SAT"))
    assert gate.groups == (("EXPE", "QUAL"), ("VAL", "SAT"))
    assert gate.blocked == ("EXPE", "QUAL", "VAL", "SAT")
    top = gate.frame.iloc[0]
    assert top["htmt"] == pytest.approx(0.982, abs=5e-4)
    assert top["htmt_high"] > 1
    assert (gate.frame["htmt_high"] >= 1).tolist() == [True] + [False] * 14
    assert gate.reading.startswith(
        "2 of 15 pairs of latent variables cannot be told apart (n = 250): Expectations and "
    )
    # at the interval alone, one pair is left: value and satisfaction are blocked by the .9 of convention
    assert validity_gate(spanish, most_htmt=1.0).pairs == (("EXPE", "QUAL"),)


def test_the_spanish_bank_joined_passes_the_gate(spanish, real_data):
    joined = merged_model(SPANISH, validity_gate(spanish).groups)
    assert joined.paths == {"EXPE_QUAL": ("IMAG",), "VAL_SAT": ("EXPE_QUAL", "IMAG"), "LOY": ("IMAG", "VAL_SAT")}
    frame = pd.read_csv(real_data / "spanish_bank_survey" / "satisfaction.csv", index_col=0)
    assert validity_gate(measured(frame, joined, resamples=500)).is_open
