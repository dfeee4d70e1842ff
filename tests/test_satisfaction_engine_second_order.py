"""Second-order constructs in two stages: populations of known truth, with and without error, alone and in stacks."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.partial_least_squares import PartialLeastSquares, solve
from crmlab.satisfaction.path_models.resampled import bootstrap_path_model

# image -> quality -> value, quality shown by product, service and handling
MODEL = PathModel(
    {
        "image": ["i1", "i2", "i3"],
        "product": ["p1", "p2", "p3"],
        "service": ["s1", "s2"],
        "handling": ["h1", "h2", "h3"],
        "value": ["v1", "v2", "v3"],
    },
    {"quality": ["image"], "value": ["quality", "image"]},
    titles={"quality": "Perceived quality"},
    higher={"quality": ["product", "service", "handling"]},
)
TO_QUALITY, TO_VALUE, DIRECT = 0.6, 0.5, 0.2
OF_DIMENSIONS = np.array([0.9, 0.8, 0.7])
LOADINGS = np.array([0.8, 0.7, 0.6, 0.9, 0.8, 0.7, 0.8, 0.6, 0.7, 0.8, 0.9, 0.7, 0.8, 0.6])


def population(*, formative: np.ndarray | None = None) -> np.ndarray:
    """Covariances of items; quality shows in its dimensions, or is made up of them with these weights."""
    with_value = TO_VALUE + DIRECT * TO_QUALITY  # of quality; of image: direct + by way of quality
    image_value = DIRECT + TO_QUALITY * TO_VALUE
    if formative is None:
        with_quality = OF_DIMENSIONS
        among = np.outer(OF_DIMENSIONS, OF_DIMENSIONS)
    else:
        among = np.array([[1, 0.5, 0.3], [0.5, 1, 0.4], [0.3, 0.4, 1]])
        with_quality = among @ formative / np.sqrt(formative @ among @ formative)
    latent = np.eye(5)
    latent[1:4, 1:4] = among
    latent[0, 1:4] = latent[1:4, 0] = TO_QUALITY * with_quality
    latent[4, 1:4] = latent[1:4, 4] = with_value * with_quality
    latent[0, 4] = latent[4, 0] = image_value
    np.fill_diagonal(latent, 1.0)
    matrix = np.outer(LOADINGS, LOADINGS) * latent[np.ix_(MODEL.block, MODEL.block)]
    np.fill_diagonal(matrix, 1.0)
    return matrix


def effects(found) -> list[float]:
    names = list(found.model.constructs)
    pairs = (("image", "quality"), ("quality", "value"), ("image", "value"))
    return [found.paths[names.index(cause), names.index(effect)] for cause, effect in pairs]


def test_a_population_gives_back_paths_and_loadings_of_dimensions():
    found = solve(population(), MODEL, consistent=True)
    np.testing.assert_allclose(effects(found), [TO_QUALITY, TO_VALUE, DIRECT], atol=1e-12)
    np.testing.assert_allclose(found.loadings[3:6], OF_DIMENSIONS, atol=1e-12)
    np.testing.assert_allclose(found.first.loadings, LOADINGS, atol=1e-12)
    assert found.is_admissible
    assert found.is_converged


def test_a_construct_made_up_of_its_dimensions_gives_back_their_weights():
    weights = np.array([0.5, 0.3, 0.4])
    among = np.array([[1, 0.5, 0.3], [0.5, 1, 0.4], [0.3, 0.4, 1]])
    model = PathModel(MODEL.latents, MODEL.paths, {"quality": "B"}, higher=MODEL.higher)
    found = solve(population(formative=weights), model, consistent=True)
    np.testing.assert_allclose(effects(found), [TO_QUALITY, TO_VALUE, DIRECT], atol=1e-12)
    np.testing.assert_allclose(found.weights[3:6], weights / np.sqrt(weights @ among @ weights), atol=1e-12)


def test_plain_estimates_of_the_second_stage_are_those_of_the_scores():
    # stage 2 by hand: composites of stage 1 as items
    matrix = population()
    found = solve(matrix, MODEL)
    first = found.first
    spread = np.zeros((14, 9))
    spread[:3, :3] = spread[11:, 6:] = np.eye(3)
    for column, block in ((3, 1), (4, 2), (5, 3)):
        own = block == MODEL.block
        spread[own, column] = first.unstandardised_weights[own]
    by_hand = solve(spread.T @ matrix @ spread, found.model)
    np.testing.assert_allclose(found.paths, by_hand.paths, atol=1e-12)
    np.testing.assert_allclose(found.item_weights, spread @ by_hand.item_weights, atol=1e-12)


@pytest.mark.parametrize("consistent", [True, False])
def test_stacks_agree_with_single_tables(consistent):
    one = population()
    other = one * 0.5 + 0.5 * np.eye(14)
    stacked = solve(np.stack([one, other]), MODEL, consistent=consistent)
    for number, matrix in enumerate((one, other)):
        alone = solve(matrix, MODEL, consistent=consistent)
        np.testing.assert_allclose(stacked.paths[number], alone.paths, atol=1e-12)
        np.testing.assert_allclose(stacked.item_weights[number], alone.item_weights, atol=1e-12)
    variance = np.einsum("bij,bik,bkj->bj", stacked.item_weights, np.stack([one, other]), stacked.item_weights)
    np.testing.assert_allclose(variance, 1, atol=1e-12)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    root = np.linalg.cholesky(population())
    rows = np.random.default_rng(1).normal(size=(400, 14)) @ root.T
    return pd.DataFrame(7 + rows, columns=MODEL.items)


def test_tables_hold_items_and_dimensions(frame):
    fitted = PartialLeastSquares(MODEL, consistent=True).fit(frame)
    assert list(fitted.direct_.columns) == ["image", "quality", "value"]
    dimensions = fitted.outer_[fitted.outer_["is_dimension"]]
    assert dimensions["item"].tolist() == ["product", "service", "handling"]
    assert set(fitted.loadings_.index) == {*MODEL.items, "product", "service", "handling"}
    assert fitted.reliability_.index.tolist() == ["product", "service", "handling", "image", "quality", "value"]
    assert fitted.outer_["vif"].notna().all()
    assert fitted.scores(frame).std().tolist() == pytest.approx([1, 1, 1], rel=1e-12)


def test_resamples_carry_both_stages(frame):
    found = bootstrap_path_model(PartialLeastSquares(MODEL, consistent=True), frame, resamples=200)
    assert found.loadings["item"].tolist() == [*MODEL.items[3:11], *found.fitted.solution_.model.items]
    row = found.direct.set_index(["cause", "effect"]).loc[("image", "quality")]
    assert row["low"] < TO_QUALITY < row["high"]
    assert found.resamples.item_weights.shape == (200, 14, 3)


def test_a_reversed_dimension_is_named(frame):
    turned = frame.copy()
    turned[["h1", "h2", "h3"]] = 14 - turned[["h1", "h2", "h3"]]
    fitted = PartialLeastSquares(MODEL).fit(turned)
    assert fitted.reversed_ == ("handling",)


def test_collinear_dimensions_of_mode_b_are_named(frame):
    model = PathModel(MODEL.latents, MODEL.paths, {"quality": "B"}, higher=MODEL.higher)
    # service is product over again
    same = frame.assign(s1=frame["p1"], s2=frame["p2"], p3=frame["p2"])
    latents = {**model.latents, "product": ["p1", "p3"]}
    model = PathModel(latents, model.paths, {"quality": "B"}, higher=model.higher)
    with pytest.raises(CrmlabError) as refused:
        PartialLeastSquares(model).fit(same)
    assert refused.value.problems == (
        "latents: dimensions ['product', 'service'] of quality (mode B) say the same: one can be computed from the "
        "others, so their weights are not determined. Leave one out, or use mode A.",
    )
