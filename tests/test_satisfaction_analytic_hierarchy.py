"""Weights from judgements in pairs: Saaty's published examples, consistency, groups of judges, refusals."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.satisfaction.indicators.analytic_hierarchy import (
    group_judgements,
    group_weights,
    judgements_of,
    pairwise_weights,
)

# Saaty (1980), The Analytic Hierarchy Process: criteria for buying a house, judged by a family; upper triangle
NAMES = ["size", "transport", "neighbourhood", "age", "yard", "modern", "condition", "finance"]
UPPER = """5 3 7 6 6 1/3 1/4; 1/3 5 3 3 1/5 1/7; 6 3 4 6 1/5; 1/3 1/4 1/7 1/8; 1/2 1/5 1/6; 1/5 1/6; 1/2"""


def _value(text: str) -> float:
    above, _, below = text.partition("/")
    return float(above) / float(below or 1)


@pytest.fixture(scope="module")
def house() -> pd.DataFrame:
    pairs = {
        (NAMES[row], NAMES[row + 1 + place]): _value(text)
        for row, line in enumerate(UPPER.split(";"))
        for place, text in enumerate(line.split())
    }
    return judgements_of(NAMES, pairs)


def test_the_house_as_published(house):
    found = pairwise_weights(house)
    assert [found.lambda_max, found.consistency_index] == pytest.approx([9.668887317118, 0.238412473874], abs=1e-11)
    assert found.consistency_ratio == pytest.approx(0.1690868609036, abs=1e-12)
    # published to three digits: .173 .054 .188 .018 .031 .036 .167 .333
    expected = [0.1730174746483, 0.05397572299904, 0.1881102988574, 0.0175079113082, 0.0310437364039, 0.03632220215466,
                0.1668336736263, 0.3331889800021]  # fmt: skip
    assert found.weights.tolist() == pytest.approx(expected, abs=1e-12)
    geometric = [0.1748050896759, 0.06264651344527, 0.1487063356611, 0.01934490865363, 0.03557028008314,
                 0.04230043015751, 0.1670162629715, 0.3496101793519]  # fmt: skip
    assert found.geometric_weights.tolist() == pytest.approx(geometric, abs=1e-12)
    assert found.weights.index.tolist() == NAMES


def test_the_house_is_not_used_in_silence(house):
    found = pairwise_weights(house)
    assert not found.is_consistent
    assert found.warning == (
        "The judgements contradict each other (CR 0.169, at most 0.10 is accepted); look first at neighbourhood "
        "against condition: judged 6, the others imply 1.1."
    )
    # mending that one judgement brings the ratio down
    mended = house.copy()
    mended.loc["neighbourhood", "condition"], mended.loc["condition", "neighbourhood"] = 1.1, 1 / 1.1
    assert pairwise_weights(mended).consistency_ratio < 0.10


def test_three_elements_as_published():
    # 1, 1/2, 1/3; 2, 1, 1/2; 3, 2, 1: weights .1634 .2970 .5396, lambda 3.0092, CR .0079
    found = pairwise_weights(judgements_of(["a", "b", "c"], {("a", "b"): 1 / 2, ("a", "c"): 1 / 3, ("c", "b"): 2}))
    assert found.weights.round(4).tolist() == [0.1634, 0.2970, 0.5396]
    assert (round(found.lambda_max, 4), round(found.consistency_ratio, 4)) == (3.0092, 0.0079)
    assert found.warning == ""


@pytest.mark.parametrize("count", [1, 2, 3, 6, 10])
def test_judgements_made_from_weights_give_these_back(count):
    weights = np.random.default_rng(count).dirichlet(np.ones(count))
    names = [f"item{place}" for place in range(count)]
    found = pairwise_weights(pd.DataFrame(weights[:, None] / weights, names, names))
    assert found.weights.tolist() == pytest.approx(weights.tolist())
    assert found.geometric_weights.tolist() == pytest.approx(weights.tolist())
    assert found.consistency_ratio == pytest.approx(0, abs=1e-9)
    assert (found.judgements["contradiction"] - 1).abs().max() < 1e-6 or count == 1


def test_the_order_of_elements_does_not_matter(house):
    order = NAMES[::-1]
    found = pairwise_weights(house.loc[order, order])
    assert found.weights.loc[NAMES].tolist() == pytest.approx(pairwise_weights(house).weights.tolist())


def test_a_group_is_joined_by_the_geometric_mean():
    one = judgements_of(["a", "b"], {("a", "b"): 9})
    two = judgements_of(["a", "b"], {("a", "b"): 1 / 9})
    assert group_judgements({"x": one, "y": two}).to_numpy().tolist() == pytest.approx(np.ones((2, 2)))
    found = group_weights({"x": one, "y": two})
    # alone .9 and .1, together .5
    assert found.frame[["weight", "least_weight", "most_weight"]].to_numpy() == pytest.approx(
        np.array([[0.5, 0.1, 0.9]] * 2)
    )
    assert found.frame["weight_low"].isna().all()
    assert found.reading == "The joined judgements are consistent (CR 0.000). With 2 judges no interval can be given."


def test_intervals_over_judges(house):
    rng = np.random.default_rng(4)
    true = np.array([0.5, 0.3, 0.2])
    names = ["service", "price", "image"]

    def judge():
        noise = np.exp(rng.normal(0, 0.35, (3, 3)))
        pairs = {(names[i], names[j]): true[i] / true[j] * noise[i, j] for i in range(3) for j in range(i + 1, 3)}
        return judgements_of(names, pairs)

    found = group_weights({f"judge{place}": judge() for place in range(20)}, resamples=400)
    table = found.frame.set_index("element").loc[names]
    assert ((table["weight_low"] <= true) & (true <= table["weight_high"])).all()
    assert (table["least_weight"] < table["weight_low"]).all()
    assert found["weight_service"].n == 20


def test_judges_who_contradict_themselves_are_named(house):
    found = group_weights({"anna": house, "ben": house})
    assert found["inconsistent_judges"].value == 2
    assert "2 of 2 judges contradict themselves (CR above 0.10): anna, ben." in found.reading


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.rename(index={"size": "room"}),
            "judgements: rows and columns do not carry the same names once each. Name both alike, in one order.",
        ),
        (
            lambda t: t.mask((t.index == "size")[:, None] & (t.columns == "transport"), 4.0),
            "judgements: size against transport is 4, the other way 0.2. One is the reciprocal of the other; on the "
            "diagonal stands 1.",
        ),
        (
            lambda t: t.mask((t.index == "size")[:, None] & (t.columns == "transport"), -5.0),
            "judgements: size against transport is -5.0. Judgements are above 0.",
        ),
        (
            lambda t: t.mask((t.index == "size")[:, None] & (t.columns == "size"), 2.0),
            "judgements: size against size is 2, the other way 2. One is the reciprocal of the other; on the diagonal "
            "stands 1.",
        ),
        (
            lambda t: pd.DataFrame(1.0, range(11), range(11)),
            "judgements: 11 elements; at most 10 can be judged in pairs. Split them in levels.",
        ),
    ],
)
def test_matrices_that_are_no_judgements(house, change, message):
    with pytest.raises(CrmlabError) as refused:
        pairwise_weights(change(house))
    assert str(refused.value) == message


def test_thirds_written_with_two_digits_are_accepted():
    names = ["a", "b"]
    assert pairwise_weights(pd.DataFrame([[1, 0.33], [3, 1]], names, names)).weights["b"] == pytest.approx(
        0.75, abs=2e-3
    )


def test_pairs_that_do_not_fit():
    pairs = {("a", "b"): 2, ("b", "a"): 0.5, ("a", "servce"): 3, ("b", "service"): 0}
    with pytest.raises(CrmlabError) as refused:
        judgements_of(["a", "b", "service"], pairs)
    assert str(refused.value) == (
        "4 problems:\n"
        "- judgements: b against a is judged twice or against itself. Judge pairs once.\n"
        "- judgements: 'servce' is no element. Did you mean 'service'? Use the names given.\n"
        "- judgements: b against service is 0. Judgements are above 0.\n"
        "- judgements: a against service not judged. Judge every pair."
    )


def test_judges_of_different_things():
    one = judgements_of(["a", "b"], {("a", "b"): 2})
    with pytest.raises(CrmlabError) as refused:
        group_weights({"anna": one, "ben": one.loc[["b", "a"], ["b", "a"]]})
    assert str(refused.value) == (
        "judgements of ben: other elements than those of anna. Let all judge the same elements in one order."
    )
    with pytest.raises(CrmlabError) as refused:
        group_weights({})
    assert str(refused.value) == "judgements: no judge. Give the judgements of at least one."
