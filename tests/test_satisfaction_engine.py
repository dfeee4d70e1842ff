"""Partial least squares, plain and consistent: other tools' numbers, populations of known truth, and every dead end."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.moments import moments, moments_from_covariance
from crmlab.satisfaction.path_models.partial_least_squares import PartialLeastSquares, Settings, solve
from crmlab.satisfaction.path_models.structural import effect_sizes, explained_shares, inner_vif, path_coefficients

SPANISH = PathModel(
    {
        name: [f"{name.lower()}{k + 1}" for k in range(count)]
        for name, count in {"IMAG": 5, "EXPE": 5, "QUAL": 5, "VAL": 4, "SAT": 4, "LOY": 4}.items()
    },
    {
        "EXPE": ["IMAG"],
        "QUAL": ["EXPE"],
        "VAL": ["EXPE", "QUAL"],
        "SAT": ["IMAG", "EXPE", "QUAL", "VAL"],
        "LOY": ["IMAG", "SAT"],
    },
)
PATHS = [
    ("IMAG", "EXPE"), ("IMAG", "SAT"), ("IMAG", "LOY"), ("EXPE", "QUAL"), ("EXPE", "VAL"), ("EXPE", "SAT"),
    ("QUAL", "VAL"), ("QUAL", "SAT"), ("VAL", "SAT"), ("SAT", "LOY"),
]  # fmt: skip
EFFECTS = ["EXPE", "QUAL", "VAL", "SAT", "LOY"]
# Coefficients in the order of PATHS, R squared in that of EFFECTS, goodness of fit.
# R plspm 0.4.9, tolerance 1e-10; the unscaled goodness of fit is asserted in the tests of plspm-python as well.
R_SCALED = (
    [0.560003262735633, 0.183332519445348, 0.291626641992901, 0.845554996852862, 0.119113714197701,
     0.0072024987286802, 0.659826432441936, 0.138876022576466, 0.582134947140742, 0.469655410959226],
    [0.313603654274555, 0.714963252702844, 0.582470734411726, 0.703230357779762, 0.491108088964513],
    0.606715390663304,
)  # fmt: skip
R_UNSCALED = (
    [0.578959233108401, 0.200724321289638, 0.275149477760663, 0.848344401339819, 0.105477743719409,
     -0.0027540208614067, 0.676655465306349, 0.122144383954156, 0.589330735372855, 0.495479480754586],
    [0.335193793601467, 0.719688223284617, 0.590084402055182, 0.70732099273542, 0.509922685623122],
    0.609741624338411,
)  # fmt: skip
# R cSEM 0.4.0.9000, path scheme, PLSc
R_CONSISTENT = (
    [0.655931821214843, -0.0045536926786482, 0.311345945162801, 0.979944660114492, -1.73770543167068,
     0.624404113860656, 2.58514307500773, -0.957478081381879, 1.28646300948086, 0.515238218967051],
    [0.430246554082221, 0.960291536886907, 0.898336443435092, 0.887496019636449, 0.609322818180516],
    None,
)  # fmt: skip
ORACLES = [
    ({"scheme": "centroid"}, R_SCALED, 2e-9, 2e-9),
    ({"scheme": "centroid", "scaled": False}, R_UNSCALED, 2e-9, 1e-8),
    ({"scheme": "path", "consistent": True}, R_CONSISTENT, 1e-10, None),
]


@pytest.fixture(scope="module")
def spanish(real_data) -> pd.DataFrame:
    path = real_data / "spanish_bank_survey" / "satisfaction.csv"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return pd.read_csv(path, index_col=0)


@pytest.fixture(scope="module")
def spanish_covariance(real_data) -> pd.DataFrame:
    path = real_data.parent / "reference" / "moments_satisfaction_cov_ddof1.csv"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return pd.read_csv(path, index_col=0)


def agree(fitted: PartialLeastSquares, expected: tuple, tolerance: float, tolerance_of_fit: float | None) -> None:
    coefficients, r2, fit = expected
    np.testing.assert_allclose([fitted.direct_.loc[pair] for pair in PATHS], coefficients, atol=tolerance)
    np.testing.assert_allclose(fitted.r2_[EFFECTS], r2, atol=tolerance)
    if fit is not None:
        assert fitted.goodness_of_fit_ == pytest.approx(fit, abs=tolerance_of_fit)


@pytest.mark.parametrize(("how", "expected", "tolerance", "tolerance_of_fit"), ORACLES)
def test_the_spanish_bank_as_r_computes_it_from_answers(spanish, how, expected, tolerance, tolerance_of_fit):
    agree(PartialLeastSquares(SPANISH, **how).fit(spanish), expected, tolerance, tolerance_of_fit)


@pytest.mark.parametrize(("how", "expected", "tolerance", "tolerance_of_fit"), ORACLES)
def test_the_spanish_bank_as_r_computes_it_from_covariances(
    spanish_covariance, how, expected, tolerance, tolerance_of_fit
):
    agree(
        PartialLeastSquares(SPANISH, **how).fit_covariance(spanish_covariance, n=250),
        expected,
        tolerance,
        tolerance_of_fit,
    )


def test_reliabilities_of_the_spanish_bank(spanish):
    # rho_A with the path scheme, R cSEM and seminr, to four digits
    fitted = PartialLeastSquares(SPANISH).fit(spanish)
    assert fitted.reliability_.round(4).tolist() == [0.8552, 0.8513, 0.8746, 0.8472, 0.9060, 0.8686]
    assert fitted.remarks_ == ()


def test_the_spanish_bank_says_nothing_impossible_of_consistent_estimates(spanish):
    fitted = PartialLeastSquares(SPANISH, consistent=True).fit(spanish)
    assert fitted.is_admissible_  # r of expectations with quality is .98: admissible, and not to be read
    assert fitted.vif_.loc["EXPE", "VAL"] == pytest.approx(1 / (1 - 0.979944660114492**2), rel=1e-8)


# Populations of known truth.


def population(model: PathModel, coefficients: dict, *, seed: int, sd: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Covariances implied by loadings drawn from .5 to .9 and these path coefficients, and the loadings."""
    rng = np.random.default_rng(seed)
    names = list(model.constructs)
    latent = np.eye(len(names))
    for effect in model.order:
        j = names.index(effect)
        before = [names.index(name) for name in model.order[: model.order.index(effect)]]
        causes = [names.index(name) for name in model.paths.get(effect, ())]
        if causes:
            weight = np.array([coefficients[names[i], effect] for i in causes])
            latent[before, j] = latent[j, before] = latent[np.ix_(before, causes)] @ weight
    single = {name for name, items in model.latents.items() if len(items) == 1}
    loadings = np.array([1.0 if name in single else rng.uniform(0.5, 0.9) for name in model.latent_of.values()])
    matrix = np.outer(loadings, loadings) * latent[np.ix_(model.block, model.block)]
    np.fill_diagonal(matrix, 1.0)
    scale = rng.uniform(0.5, 3, len(loadings)) if sd else np.ones(len(loadings))
    return matrix * np.outer(scale, scale), loadings


def blocks(*sizes: int) -> dict[str, list[str]]:
    return {f"l{j}": [f"x{j}{k}" for k in range(size)] for j, size in enumerate(sizes)}


CHAIN = PathModel(blocks(3, 2, 4), {"l1": ["l0"], "l2": ["l1"]})
FORK = PathModel(blocks(2, 3, 3, 2), {"l2": ["l0", "l1"], "l1": ["l0"], "l3": ["l0", "l1", "l2"]})
SINGLE = PathModel(blocks(3, 1, 3), {"l2": ["l0", "l1"], "l1": ["l0"]})
BACKWARDS = PathModel(dict(reversed(blocks(2, 3, 3).items())), {"l1": ["l0"], "l2": ["l0", "l1"]})
TRUTHS = [
    (CHAIN, {("l0", "l1"): 0.5, ("l1", "l2"): -0.4}),
    (
        FORK,
        {
            ("l0", "l2"): 0.3,
            ("l1", "l2"): 0.4,
            ("l0", "l1"): 0.5,
            ("l0", "l3"): 0.1,
            ("l1", "l3"): 0.2,
            ("l2", "l3"): 0.5,
        },
    ),
    (SINGLE, {("l0", "l2"): 0.3, ("l1", "l2"): 0.4, ("l0", "l1"): 0.5}),
    (BACKWARDS, {("l0", "l1"): 0.6, ("l0", "l2"): 0.2, ("l1", "l2"): 0.5}),
]


@pytest.mark.parametrize("scheme", ["path", "centroid", "factorial"])
@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize(("model", "truth"), TRUTHS)
def test_consistent_estimates_of_a_population_are_the_truth(model, truth, scaled, scheme):
    matrix, loadings = population(model, truth, seed=3, sd=True)
    found = solve(matrix, model, scheme=scheme, scaled=scaled, consistent=True)
    names = list(model.names)
    coefficients = [found.paths[names.index(cause), names.index(effect)] for cause, effect in truth]
    np.testing.assert_allclose(coefficients, list(truth.values()), atol=1e-12)
    np.testing.assert_allclose(found.loadings, loadings, atol=1e-12)
    assert found.is_admissible
    assert found.is_converged


def test_plain_partial_least_squares_falls_short_by_the_reliability():
    # both composites of two items with loading .8 have reliability .7805, so .5 shrinks to .39; PLSc undoes it
    model = PathModel(blocks(2, 2), {"l1": ["l0"]})
    matrix = np.full((4, 4), 0.5 * 0.64)
    matrix[:2, :2] = matrix[2:, 2:] = 0.64
    np.fill_diagonal(matrix, 1.0)
    assert solve(matrix, model).paths[0, 1] == pytest.approx(0.5 * 1.28 / 1.64, abs=1e-12)


def random_covariance(p: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(60, p)) + rng.normal(size=(60, 1))
    return np.cov(rows, rowvar=False)


@pytest.mark.parametrize("scheme", ["path", "centroid", "factorial"])
def test_two_blocks_of_mode_a_are_singular_vectors(scheme):
    # Tucker's inter-battery analysis: weights are the first singular vectors of the covariances between the blocks
    model = PathModel(blocks(3, 4), {"l1": ["l0"]})
    matrix = random_covariance(7, seed=2)
    left, _, right = np.linalg.svd(matrix[:3, 3:])
    found = solve(matrix, model, scheme=scheme, scaled=False).unstandardised_weights
    for weights, vector in ((found[:3], left[:, 0]), (found[3:], right[0])):
        assert abs(weights @ vector) / np.linalg.norm(weights) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("scheme", ["path", "centroid", "factorial"])
def test_two_blocks_of_mode_b_are_canonical_correlation(scheme):
    model = PathModel(blocks(3, 4), {"l1": ["l0"]}, {"l0": "B", "l1": "B"})
    matrix = random_covariance(7, seed=2)
    product = np.linalg.solve(matrix[:3, :3], matrix[:3, 3:]) @ np.linalg.solve(matrix[3:, 3:], matrix[3:, :3])
    canonical = np.sqrt(np.linalg.eigvals(product).real.max())
    assert abs(solve(matrix, model, scheme=scheme).paths[0, 1]) == pytest.approx(canonical, abs=1e-9)


def test_mode_b_finds_the_weights_that_made_up_a_construct():
    # y = .5 x0 + .3 x1 + .6 x2 over its standard deviation; three items of loading .8, .7, .6 show a latent variable
    # that goes along .5 with y. Weights and, freed from error, the path come back.
    model = PathModel(blocks(3, 3), {"l1": ["l0"]}, {"l0": "B"})
    among = np.array([[1.0, 0.3, 0.2], [0.3, 1.0, 0.4], [0.2, 0.4, 1.0]])
    weights = np.array([0.5, 0.3, 0.6])
    weights /= np.sqrt(weights @ among @ weights)
    loadings = np.array([0.8, 0.7, 0.6])
    matrix = np.eye(6)
    matrix[:3, :3] = among
    matrix[3:, 3:] = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    matrix[:3, 3:] = 0.5 * np.outer(among @ weights, loadings)
    matrix[3:, :3] = matrix[:3, 3:].T
    found = solve(matrix, model, consistent=True)
    np.testing.assert_allclose(found.weights[:3], weights, atol=1e-12)
    np.testing.assert_allclose(found.loadings[3:], loadings, atol=1e-12)
    assert found.paths[0, 1] == pytest.approx(0.5, abs=1e-12)
    assert found.reliability[0] == 1.0


def test_one_item_a_latent_variable_is_regression_of_items():
    model = PathModel(blocks(1, 1, 1), {"l2": ["l0", "l1"], "l1": ["l0"]})
    matrix = random_covariance(3, seed=4)
    fitted = PartialLeastSquares(model, consistent=True).fit_covariance(
        pd.DataFrame(matrix, index=model.items, columns=model.items), n=60
    )
    sd = np.sqrt(np.diag(matrix))
    beta = np.linalg.solve(matrix[:2, :2], matrix[:2, 2]) * sd[:2] / sd[2]
    np.testing.assert_allclose(fitted.direct_.loc[["l0", "l1"], "l2"], beta, rtol=1e-12)
    assert fitted.loadings_.tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-14)
    assert np.isnan(fitted.goodness_of_fit_)
    assert fitted.outer_weights_.tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-14)
    assert fitted.reliability_.tolist() == [1.0, 1.0, 1.0]


# Stacks, units, signs.


@pytest.mark.parametrize("how", [{}, {"scheme": "centroid"}, {"consistent": True}, {"scaled": False}])
@pytest.mark.parametrize("modes", [{}, {"l0": "B"}])
def test_a_stack_is_solved_as_each_table_by_itself(how, modes):
    model = PathModel(FORK.latents, FORK.paths, modes)
    stack = np.stack([random_covariance(10, seed=seed) for seed in range(6)])
    stacked = solve(stack.reshape(2, 3, 10, 10), model, **how)
    assert stacked.paths.shape == (2, 3, 4, 4)
    for number, matrix in enumerate(stack):
        alone = solve(matrix, model, **how)
        place = divmod(number, 3)
        for name in ("weights", "item_weights", "loadings", "cross_loadings", "paths", "total", "r2", "reliability"):
            np.testing.assert_allclose(getattr(stacked, name)[place], getattr(alone, name), rtol=1e-9, atol=1e-12)
        assert stacked.iterations[place] == alone.iterations


@pytest.mark.parametrize("modes", [{}, {"l0": "B", "l2": "B"}])
def test_units_of_items_do_not_matter_when_scaled(modes):
    model = PathModel(FORK.latents, FORK.paths, modes)
    matrix = random_covariance(10, seed=9)
    scale = np.random.default_rng(1).uniform(0.01, 100, 10)
    one, other = solve(matrix, model), solve(matrix * np.outer(scale, scale), model)
    np.testing.assert_allclose(other.weights, one.weights, atol=1e-9)
    np.testing.assert_allclose(other.paths, one.paths, atol=1e-9)
    np.testing.assert_allclose(other.unstandardised_weights * scale, one.unstandardised_weights, rtol=1e-6)


def test_composites_have_variance_one_and_item_weights_make_them():
    matrix = random_covariance(10, seed=9)
    for how in ({}, {"scaled": False}):
        found = solve(matrix, FORK, **how)
        np.testing.assert_allclose(
            found.item_weights.T @ matrix @ found.item_weights, found.composite_correlation, atol=1e-12
        )
        np.testing.assert_allclose(np.diag(found.composite_correlation), 1, atol=1e-14)


def test_most_loadings_are_positive_whatever_the_coding():
    matrix, _ = population(CHAIN, {("l0", "l1"): 0.5, ("l1", "l2"): 0.4}, seed=3)
    turned = np.ones(9)
    turned[[0, 3]] = -1  # one of three; the first of two
    found = solve(matrix * np.outer(turned, turned), CHAIN)
    plain = solve(matrix, CHAIN)
    np.testing.assert_allclose(np.abs(found.loadings), plain.loadings, atol=1e-9)
    assert (np.sign(found.loadings) == [-1, 1, 1, 1, -1, 1, 1, 1, 1]).all()  # a tie goes with the first item
    assert found.paths[0, 1] == pytest.approx(-plain.paths[0, 1], abs=1e-9)


def test_effects_add_up():
    model = PathModel(blocks(1, 1, 1, 1), {"l1": ["l0"], "l2": ["l0", "l1"], "l3": ["l2"]})
    matrix, _ = population(model, {("l0", "l1"): 0.5, ("l0", "l2"): 0.2, ("l1", "l2"): 0.4, ("l2", "l3"): 0.6}, seed=1)
    found = solve(matrix, model)
    assert found.total[0, 2] == pytest.approx(0.2 + 0.5 * 0.4, abs=1e-12)
    assert found.total[0, 3] == pytest.approx((0.2 + 0.5 * 0.4) * 0.6, abs=1e-12)
    assert found.indirect[0, 3] == pytest.approx(found.total[0, 3], abs=1e-12)
    assert found.indirect[0, 1] == 0


def test_inner_numbers_by_hand():
    # two causes that correlate .5 and go along .6 and .5 with the effect:
    # coefficients (.6 - .25) / .75 and (.5 - .3) / .75; R2 = .6 x .46667 + .5 x .26667 = .41333; VIF 1 / (1 - .25);
    # without the first cause R2 = .25: f2 = (.41333 - .25) / .58667
    model = PathModel(blocks(1, 1, 1), {"l2": ["l0", "l1"]})
    matrix = np.array([[1, 0.5, 0.6], [0.5, 1, 0.5], [0.6, 0.5, 1]])
    paths = path_coefficients(matrix, model)
    assert paths[:2, 2].tolist() == pytest.approx([0.35 / 0.75, 0.2 / 0.75])
    r2 = explained_shares(matrix, paths, model)
    assert r2[2] == pytest.approx(0.6 * 0.35 / 0.75 + 0.5 * 0.2 / 0.75)
    assert np.isnan(r2[:2]).all()
    assert inner_vif(matrix, model)[:2, 2].tolist() == pytest.approx([4 / 3, 4 / 3])
    assert effect_sizes(matrix, paths, model)[0, 2] == pytest.approx((r2[2] - 0.25) / (1 - r2[2]))
    assert effect_sizes(matrix, paths, model)[1, 2] == pytest.approx((r2[2] - 0.36) / (1 - r2[2]))


# Weights.


def answers(n: int, seed: int, effect: float = 0.5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=n)
    value = effect * image + np.sqrt(1 - effect**2) * rng.normal(size=n)
    error = rng.normal(size=(n, 6)) * 0.6
    values = 7 + np.column_stack([image] * 3 + [value] * 3) + error
    return pd.DataFrame(values, columns=["i1", "i2", "i3", "v1", "v2", "v3"])


SIMPLE = PathModel({"image": ["i1", "i2", "i3"], "value": ["v1", "v2", "v3"]}, {"value": ["image"]})


@pytest.mark.parametrize("how", [{}, {"consistent": True}, {"scaled": False, "scheme": "centroid"}])
def test_weights_of_whole_numbers_are_repeated_rows(how):
    frame = answers(80, seed=1)
    times = np.random.default_rng(2).integers(1, 5, 80)
    weighted = PartialLeastSquares(SIMPLE, **how).fit(frame, weights=times)
    repeated = PartialLeastSquares(SIMPLE, **how).fit(frame.loc[frame.index.repeat(times)])
    np.testing.assert_allclose(weighted.direct_, repeated.direct_, atol=1e-9)
    np.testing.assert_allclose(weighted.loadings_, repeated.loadings_, atol=1e-9)
    np.testing.assert_allclose(weighted.outer_weights_, repeated.outer_weights_, atol=1e-9)


def test_weights_undo_a_sample_that_took_one_group_more_often():
    # of 100 customers, 80 have the effect .2 and 20 the effect .8: .32 over all. The survey asked as many of each.
    frame = pd.concat([answers(20_000, seed=3, effect=0.2), answers(20_000, seed=4, effect=0.8)], ignore_index=True)
    weights = np.repeat([0.8, 0.2], 20_000)
    weighted, plain = (
        PartialLeastSquares(SIMPLE, consistent=True).fit(frame, weights=given).direct_.loc["image", "value"]
        for given in (weights, None)
    )
    assert weighted == pytest.approx(0.32, abs=0.025)  # two standard errors at 29,400 effective responses: .013
    assert plain == pytest.approx(0.5, abs=0.025)


def test_fitting_says_how_many_and_leaves_the_frame_alone():
    frame = answers(80, seed=1)
    before = frame.copy()
    fitted = PartialLeastSquares(SIMPLE).fit(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert fitted.paths_["n"].tolist() == [80]
    assert fitted.signs_.to_dict("records") == [
        {"latent": "image", "items_count": 3, "positive_count": 3},
        {"latent": "value", "items_count": 3, "positive_count": 3},
    ]


# Scores.


def test_scores_are_standardised_with_what_was_learned():
    frame = answers(80, seed=1)
    fitted = PartialLeastSquares(SIMPLE).fit(frame)
    scores = fitted.scores(frame)
    np.testing.assert_allclose(scores.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(scores.std(), 1, rtol=1e-12)
    assert scores["image"].corr(scores["value"]) == pytest.approx(fitted.direct_.loc["image", "value"], abs=1e-12)
    pd.testing.assert_frame_equal(fitted.scores(frame.iloc[::-1].assign(more="x")), scores.iloc[::-1])
    pd.testing.assert_frame_equal(fitted.scores(frame[:1]), scores[:1])


def test_a_gap_takes_the_weight_of_the_other_items():
    frame = answers(80, seed=1)
    fitted = PartialLeastSquares(SIMPLE).fit(frame)
    holes = frame[:2].copy()
    holes.loc[0, "i2"] = np.nan
    holes.loc[1, ["v1", "v2", "v3"]] = np.nan
    scores = fitted.scores(holes)
    weight = fitted.outer_weights_
    z = (frame.loc[0] - frame.mean()) / frame.std()
    expected = (weight["i1"] * z["i1"] + weight["i3"] * z["i3"]) * weight[:3].sum() / (weight["i1"] + weight["i3"])
    assert scores.loc[0, "image"] == pytest.approx(expected, rel=1e-12)
    assert scores.loc[0, "value"] == pytest.approx(fitted.scores(frame).loc[0, "value"], rel=1e-12)
    assert np.isnan(scores.loc[1, "value"])


# Dead ends.


def problems(call, *given, **named) -> list[str]:
    with pytest.raises(CrmlabError) as refused:
        call(*given, **named)
    return list(refused.value.problems)


def as_table(model: PathModel, matrix: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(matrix, index=model.items, columns=model.items)


def test_misspelt_settings_are_refused_at_once():
    assert problems(Settings, "pth", tolerance=0, most_iterations=0) == [
        "scheme: 'pth' is not known. Did you mean 'path'? Known: path, centroid, factorial.",
        "tolerance: 0 is not above 0. Give a small number such as 1e-9.",
        "most_iterations: 0 is below 1. Give 1 or more.",
    ]
    assert problems(PartialLeastSquares(SIMPLE, scheme="centriod").fit, answers(80, seed=1)) == [
        "scheme: 'centriod' is not known. Did you mean 'centroid'? Known: path, centroid, factorial."
    ]


def test_scores_before_fit_or_without_means_or_items_are_refused():
    model = PartialLeastSquares(SIMPLE)
    frame = answers(80, seed=1)
    assert problems(model.scores, frame) == ["scores: the model has not been estimated. Call fit first."]
    model.fit_covariance(frame.cov(), n=80)
    assert problems(model.scores, frame) == [
        "scores: the means of the items are not known. Give them to fit_covariance as mean=."
    ]
    model.fit_covariance(frame.cov(), n=80, mean=frame.mean())
    pd.testing.assert_frame_equal(model.scores(frame), PartialLeastSquares(SIMPLE).fit(frame).scores(frame))
    assert problems(model.scores, frame.rename(columns={"i1": "i01"}).drop(columns="v3")) == [
        "scores: item 'i1' is not a column of the answers. Did you mean 'i01'?",
        "scores: item 'v3' is not a column of the answers.",
    ]


def test_collinear_items_of_mode_b_are_named():
    frame = answers(80, seed=1)
    frame["i3"] = 2 * frame["i1"] - 3
    model = PathModel(SIMPLE.latents, SIMPLE.paths, {"image": "B"})
    assert problems(PartialLeastSquares(model).fit, frame) == [
        "latents: items ['i1', 'i3'] of image (mode B) say the same: one can be computed from the others, so their "
        "weights are not determined. Leave one out, or use mode A."
    ]
    fitted = PartialLeastSquares(SIMPLE).fit(frame)  # mode A has no such trouble
    assert np.isinf(fitted.outer_vif_["i1"])
    assert fitted.is_converged_


def test_items_that_go_along_with_nothing_are_refused():
    matrix = np.eye(6)
    matrix[:3, :3] += 0.5 * (1 - np.eye(3))
    assert problems(PartialLeastSquares(SIMPLE).fit_covariance, as_table(SIMPLE, matrix), n=80) == [
        "model: the items of a latent variable go along with none of its neighbours, so their weights are not "
        "determined. Look for a path that is missing, or answers that were mixed up."
    ]


def test_causes_that_are_one_thing_are_refused():
    frame = answers(80, seed=1)
    frame = frame.assign(j1=frame["i1"], j2=frame["i2"], j3=frame["i3"])
    model = PathModel({**SIMPLE.latents, "imago": ["j1", "j2", "j3"]}, {"value": ["image", "imago"]})
    assert problems(PartialLeastSquares(model).fit, frame) == [
        "paths: causes ['image', 'imago'] of value cannot be told apart: one can be computed from the others. "
        "Merge them, or leave one out."
    ]


def test_too_few_responses_for_a_regression_are_refused_and_few_are_said():
    frame = answers(80, seed=1)
    model = PathModel(SIMPLE.latents, SIMPLE.paths, {"image": "B"})
    assert problems(PartialLeastSquares(model).fit, frame[:4]) == [
        "answers: 4 responses for a regression on 3. Give 5 or more, or use a smaller model."
    ]
    assert PartialLeastSquares(model).fit(frame[:29]).remarks_ == (
        "29 responses are few for the 3 coefficients of image: fewer than ten each. Read intervals, not values.",
    )
    assert PartialLeastSquares(model).fit(frame[:30]).remarks_ == ()


def test_weights_that_do_not_settle_are_said():
    fitted = PartialLeastSquares(SIMPLE, most_iterations=1).fit(answers(80, seed=1))
    assert not fitted.is_converged_
    assert fitted.remarks_ == (
        "Weights did not settle within 1 iterations; do not use the coefficients. Allow more iterations, use another "
        "scheme, or look for a latent variable that goes along with nothing.",
    )


def test_a_reversed_item_is_found_and_said_and_not_turned_round():
    frame = answers(200, seed=1)
    frame["i2"] = 14 - frame["i2"]
    fitted = PartialLeastSquares(SIMPLE).fit(frame)
    assert fitted.reversed_ == ("i2",)
    assert fitted.remarks_ == (
        "Item i2 (image) goes against the other items: was the question asked the other way round, or coded so? Turn "
        "the answers round (lowest + highest - answer), or leave it out. Nothing was turned round here.",
    )
    assert fitted.loadings_["i2"] < -0.5
    assert fitted.direct_.loc["image", "value"] > 0.3


def test_two_items_that_oppose_each_other_perfectly_are_still_a_scale():
    # with equal starting weights their sum would be 0 everywhere
    frame = answers(80, seed=1).assign(i2=lambda x: 14 - x["i1"])
    model = PathModel({"image": ["i1", "i2"], "value": ["v1", "v2", "v3"]}, {"value": ["image"]})
    assert PartialLeastSquares(model).fit(frame).reversed_ == ("i2",)


def test_values_that_no_population_has_are_said_in_words():
    # between blocks .7 with .5 within: freed from error a correlation of 1.4
    matrix = np.full((6, 6), 0.7)
    matrix[:3, :3] = matrix[3:, 3:] = 0.75
    matrix[:3, 3:] = matrix[3:, :3] = 0.77
    np.fill_diagonal(matrix, 1.0)
    fitted = PartialLeastSquares(SIMPLE, consistent=True).fit_covariance(as_table(SIMPLE, matrix), n=500)
    assert not fitted.is_admissible_
    assert fitted.remarks_ == (  # .77 / .75 = 1.03, squared 1.05
        "No population has such values, so do not use the coefficients. Correlation beyond 1: image with value 1.03. "
        "Explained share outside 0 to 1: value 1.05. The correlations of the latent variables contradict each other. "
        "Latent variables that the answers hardly tell apart, or items with errors in common, are the usual cause: "
        "merge or reword them.",
    )
    assert PartialLeastSquares(SIMPLE).fit_covariance(as_table(SIMPLE, matrix), n=500).remarks_ == ()


def test_a_block_that_does_not_hang_together_has_no_consistent_estimate():
    # two items that oppose each other, both going along with value: within the block there is nothing in common
    model = PathModel({"image": ["i1", "i2"], "value": ["v1", "v2"]}, {"value": ["image"]})
    matrix = np.array([[1, -0.3, 0.3, 0.3], [-0.3, 1, 0.3, 0.3], [0.3, 0.3, 1, 0.6], [0.3, 0.3, 0.6, 1]])
    fitted = PartialLeastSquares(model, consistent=True).fit_covariance(as_table(model, matrix), n=500)
    assert np.isnan(fitted.direct_.loc["image", "value"])
    assert fitted.remarks_ == (
        "The items of image go along with each other too little to tell it from error; coefficients freed from error "
        "are not known. Use other items, or consistent=False.",
    )


def test_tables_without_a_solution_do_not_disturb_the_others():
    good = random_covariance(10, seed=1)
    constant, unknown = good.copy(), np.full_like(good, np.nan)
    constant[2] = constant[:, 2] = 0
    found = solve(np.stack([constant, good, unknown]), FORK)
    alone = solve(good, FORK)
    assert found.is_converged.tolist() == [False, True, False]
    assert found.is_admissible.tolist() == [False, True, False]
    np.testing.assert_allclose(found.paths[1], alone.paths, atol=1e-12)
    assert np.isnan(found.weights[[0, 2]]).all()


def test_moments_of_other_items_are_refused():
    frame = answers(80, seed=1)
    assert problems(PartialLeastSquares(SIMPLE).fit_moments, moments(frame, ["i1", "i2"])) == [
        "moments are of items ['i1', 'i2'], the model has ['i1', 'i2', 'i3', 'v1', 'v2', 'v3']. Give the same."
    ]
    assert problems(solve, np.eye(2), SIMPLE) == ["covariance has shape (2, 2), the model 6 items. Give (..., 6, 6)."]
    kept = PartialLeastSquares(SIMPLE).fit_moments(moments_from_covariance(frame.cov(), n=80))
    np.testing.assert_allclose(kept.direct_, PartialLeastSquares(SIMPLE).fit(frame).direct_, atol=1e-12)
