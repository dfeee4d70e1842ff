"""Rival ways to cluster: the common dissimilarity by hand, and the choice between methods."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.segmentation.columns import Basis, Column
from crmlab.segmentation.famd import FactorMethod
from crmlab.segmentation.latent_classes import LatentClasses
from crmlab.segmentation.rivals import gower, rivals
from crmlab.segmentation.segments import Segments

_FLAGS = [Column(name, name, "flag") for name in "abcdef"]
_BASIS = Basis("kinds", (*_FLAGS, Column("class", "Class", "category")))


def _customers(n: int, seed: int, *, noise: bool = False) -> pd.DataFrame:
    """Three kinds with two products each and a class of their own; or one kind."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    frame = pd.DataFrame({name: rng.random(n) < 0.3 for name in "abcdef"})
    frame["class"] = rng.choice(["x", "y", "z"], n)
    if not noise:
        for place, name in enumerate("abcdef"):
            frame[name] = rng.random(n) < np.where(kind == place // 2, 0.85, 0.06)
        frame["class"] = np.where(rng.random(n) < 0.7, np.array(["x", "y", "z"])[kind], frame["class"])
    frame.loc[rng.random(n) < 0.4, "class"] = None
    return frame


def _fitted(frame: pd.DataFrame) -> list[Segments]:
    return [Segments(_BASIS, method=method, most=4).fit(frame) for method in (LatentClasses(), FactorMethod())]


@pytest.fixture(scope="module")
def kinds():
    frame = _customers(500, 1)
    return frame, _fitted(frame)


def test_gower_by_hand():
    basis = Basis("b", (Column("saves", "S", "flag"), Column("word", "W", "category"), Column("age", "A", "number")))
    seen = pd.DataFrame(
        {
            "saves": [True, False, None, None, True, False],
            "word": ["p", "p", "q", None, "p", "p"],
            "age": [20.0, 60.0, 40.0, np.nan, 20.0, 60.0],  # each end twice, as the farthest value is drawn in
        }
    )
    far = gower(seen, basis)
    assert far[0, 1] == pytest.approx((1 + 0 + 1) / 3)  # another flag, the same word, the whole range apart
    assert far[0, 2] == pytest.approx((1 + 0.5) / 2)  # the flag is not known of both
    # nothing in common: the mean of the 25 pairs of the others, 9 alike, 8 of 2/3, 8 of .75
    assert far[0, 3] == pytest.approx((8 * 2 / 3 + 8 * 0.75) / 25)
    assert far == pytest.approx(far.T)
    assert far.diagonal() == pytest.approx(0.0)


def test_methods_that_find_the_same_groups_say_so(kinds):
    frame, models = kinds
    found = rivals(models, frame)
    assert found.title == "Both methods find 3 stable segments"
    assert len(found.title) <= 70
    best = found.frame[found.frame["is_best"]]
    assert best["k"].tolist() == [3]
    assert best["agreement"].iloc[0] > 0.8
    assert found["best_count"].value == 3
    assert found["agreement"].low > 0.8
    assert "agree: adjusted Rand index" in found.reading
    sums = found.frame.groupby("k")["agreement"].nunique()  # of two methods, both have the same agreement
    assert (sums == 1).all()
    three = found.frame[found.frame["k"] == 3]["silhouette"]
    assert (three > found.frame[found.frame["k"] == 4]["silhouette"].to_numpy()).all()


def test_the_order_of_the_methods_does_not_matter(kinds):
    frame, models = kinds
    one, other = rivals(models, frame), rivals(models[::-1], frame)
    best = [found.frame[found.frame["is_best"]].reset_index(drop=True) for found in (one, other)]
    pd.testing.assert_frame_equal(*best)


def test_noise_has_no_best():
    frame = _customers(400, 2, noise=True)
    found = rivals(_fitted(frame), frame)
    assert found.title == "No method finds stable segments"
    assert not found.frame["is_best"].any()
    assert found.estimates == {}


def test_too_few_customers_are_answered():
    frame = _customers(40, 3)
    found = rivals(_fitted(frame), frame)
    assert found.title == "Too little to compare methods"
    assert len(found.frame) == 0
    assert found.reading == (
        "No segments can be told to be stable: 40 customers are too few to see whether groups come back; 100 are "
        "needed."
    )


def test_one_method_twice_is_refused(kinds):
    frame, models = kinds
    with pytest.raises(CrmlabError) as refusal:
        rivals([models[0], models[0]], frame)
    assert refusal.value.problems == (
        "rivals: fewer than two methods, or one twice. Give two or more Segments fitted by different methods.",
    )
