"""The bootstrap of a path model: R's standard errors, intervals by hand, customers, counts of what went wrong."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlab.errors import CrmlabError
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.partial_least_squares import PartialLeastSquares
from crmlab.satisfaction.path_models.resampled import bootstrap_path_model, intervals

SIMPLE = PathModel({"image": ["i1", "i2", "i3"], "value": ["v1", "v2", "v3"]}, {"value": ["image"]})


def answers(n: int, seed: int, *, error: float = 0.6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    image = rng.normal(size=n)
    value = 0.5 * image + np.sqrt(0.75) * rng.normal(size=n)
    values = 7 + np.column_stack([image] * 3 + [value] * 3) + rng.normal(size=(n, 6)) * error
    return pd.DataFrame(values, columns=SIMPLE.items)


def test_standard_errors_of_the_spanish_bank_are_those_of_r(real_data):
    path = real_data / "spanish_bank_survey" / "satisfaction.csv"
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    frame = pd.read_csv(path, index_col=0)
    model = PathModel(
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
    found = bootstrap_path_model(
        PartialLeastSquares(model, scheme="centroid", scaled=False), frame, resamples=5_000
    ).direct.set_index(["cause", "effect"])
    # R plspm 0.4.9, centroid, mode A, unscaled, 5,000 resamples: standard error, percentile limits
    of_r = {
        ("IMAG", "EXPE"): (0.0491, 0.482, 0.672), ("IMAG", "SAT"): (0.0562, 0.098, 0.317),
        ("IMAG", "LOY"): (0.0716, 0.142, 0.422), ("EXPE", "QUAL"): (0.0204, 0.805, 0.885),
        ("EXPE", "VAL"): (0.0721, -0.032, 0.248), ("EXPE", "SAT"): (0.0654, -0.135, 0.124),
        ("QUAL", "VAL"): (0.0751, 0.527, 0.820), ("QUAL", "SAT"): (0.0890, -0.046, 0.305),
        ("VAL", "SAT"): (0.0841, 0.414, 0.740), ("SAT", "LOY"): (0.0749, 0.341, 0.633),
    }  # fmt: skip
    # The difference of two standard errors of 5,000 resamples each has a standard deviation of about 1.4 %.
    for pair, (error, low, high) in of_r.items():
        row = found.loc[pair]
        assert row["error"] == pytest.approx(error, rel=0.05), pair
        assert row["low"] == pytest.approx(low, abs=0.2 * error), pair
        assert row["high"] == pytest.approx(high, abs=0.2 * error), pair


def test_percentile_limits_by_hand():
    # 101 draws 0, 1, ... 100: quantiles .025 and .975 are 2.5 and 97.5
    found = intervals(np.array([50.0]), np.arange(101.0)[:, None], np.array([[50.0], [50.0]]))
    assert (found["low"][0], found["high"][0]) == pytest.approx((2.5, 97.5), rel=1e-12)
    assert found["error"][0] == pytest.approx(np.arange(101).std(ddof=1))
    assert found["p_value"][0] == pytest.approx(2 * (1 + 1) / 102)  # one draw at or below 0


def test_bca_without_bias_or_skewness_is_percentile():
    draws = np.random.default_rng(1).normal(size=(4_000, 1))
    draws = np.concatenate([draws, -draws])
    found = intervals(np.array([0.0]), draws, np.array([[-1.0], [0.0], [1.0]]))
    assert found["bca_low"][0] == pytest.approx(found["low"][0], abs=1e-9)
    assert found["bca_high"][0] == pytest.approx(found["high"][0], abs=1e-9)


def test_bca_by_formula():
    rng = np.random.default_rng(2)
    draws, left_out = rng.gamma(3, size=(999, 1)), rng.gamma(2, size=(50, 1))
    found = intervals(np.array([2.5]), draws, left_out, level=0.9)
    bias = stats.norm.ppf((draws < 2.5).mean())
    away = left_out.mean() - left_out
    acceleration = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    for name, tail in (("bca_low", 0.05), ("bca_high", 0.95)):
        shifted = bias + stats.norm.ppf(tail)
        place = stats.norm.cdf(bias + shifted / (1 - acceleration * shifted))
        assert found[name][0] == pytest.approx(np.quantile(draws, place), rel=1e-12)


def test_the_interval_of_a_mean_is_as_known():
    # exponential answers: the BCa interval of a mean reaches further up than down, as Efron shows; the jackknife of a
    # mean has acceleration skewness / (6 root n)
    values = np.random.default_rng(3).exponential(size=100)
    draws = np.random.default_rng(4).choice(values, (4_000, 100)).mean(axis=1)[:, None]
    left_out = ((values.sum() - values) / 99)[:, None]
    found = intervals(np.array([values.mean()]), draws, left_out)
    assert found["error"][0] == pytest.approx(values.std() / 10, rel=0.04)
    assert found["bca_low"][0] > found["low"][0]
    assert found["bca_high"][0] > found["high"][0]
    again = stats.bootstrap((values,), np.mean, n_resamples=4_000, method="BCa", rng=np.random.default_rng(5))
    assert found["bca_low"][0] == pytest.approx(again.confidence_interval.low, abs=0.02)
    assert found["bca_high"][0] == pytest.approx(again.confidence_interval.high, abs=0.02)


def test_draws_without_a_value_are_left_out_and_none_gives_none():
    draws = np.array([[1.0], [np.nan], [3.0]])
    assert intervals(np.array([2.0]), draws, np.array([[2.0]]))["error"][0] == pytest.approx(np.sqrt(2))
    assert np.isnan(intervals(np.array([2.0]), draws[:2], np.array([[2.0]]))["low"][0])


def test_a_value_that_never_moves_has_no_width():
    model = PathModel({"image": ["i1"], "value": ["v1"]}, {"value": ["image"]})
    found = bootstrap_path_model(PartialLeastSquares(model), answers(50, seed=1), resamples=50)
    assert found.loadings[["low", "high", "bca_low", "bca_high"]].to_numpy() == pytest.approx(1.0, abs=1e-12)
    assert found.loadings["error"].tolist() == pytest.approx([0, 0], abs=1e-12)


def test_the_same_seed_gives_the_same_numbers_and_the_frame_stays():
    frame = answers(60, seed=1)
    before = frame.copy()
    one, other, another = (
        bootstrap_path_model(PartialLeastSquares(SIMPLE), frame, resamples=60, seed=seed).total for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(one, other)
    assert one["low"].iloc[0] != another["low"].iloc[0]
    pd.testing.assert_frame_equal(frame, before)


def test_customers_who_answer_twice_are_drawn_as_one():
    # the same answers twice: drawn by response the error would be smaller by the root of 2
    frame = pd.concat([answers(150, seed=1)] * 2, ignore_index=True).assign(customer_id=np.tile(np.arange(150), 2))
    single = bootstrap_path_model(PartialLeastSquares(SIMPLE), frame[:150], resamples=2_000)
    twice = bootstrap_path_model(PartialLeastSquares(SIMPLE), frame, clusters="customer_id", resamples=2_000)
    plain = bootstrap_path_model(PartialLeastSquares(SIMPLE), frame, resamples=2_000)
    np.testing.assert_allclose(twice.direct["error"], single.direct["error"], rtol=0.01)
    np.testing.assert_allclose(plain.direct["error"], single.direct["error"] / np.sqrt(2), rtol=0.1)
    assert twice.method == "percentile bootstrap, 2,000 resamples of 150 customers"
    assert plain.method == "percentile bootstrap, 2,000 resamples of 300 responses"


def test_one_effect_is_an_estimate():
    found = bootstrap_path_model(PartialLeastSquares(SIMPLE), answers(60, seed=1), resamples=60, level=0.9)
    one = found.estimate("image", "value", kind="total")
    row = found.total.iloc[0]
    assert (one.value, one.low, one.high, one.n, one.level) == (row["coefficient"], row["low"], row["high"], 60, 0.9)
    with pytest.raises(CrmlabError) as refused:
        found.estimate("value", "image")
    assert refused.value.problems == (
        "direct effects: there is none of 'value' on 'image'. Name a cause and what it acts on.",
    )


def test_tables_list_what_can_be():
    model = PathModel({"a": ["i1", "i2"], "b": ["i3", "v1"], "c": ["v2", "v3"]}, {"b": ["a"], "c": ["b"]})
    found = bootstrap_path_model(PartialLeastSquares(model), answers(80, seed=1), resamples=50)
    pairs = {kind: list(zip(*(getattr(found, kind)[k] for k in ("cause", "effect")), strict=True)) for kind in
             ("direct", "indirect", "total")}  # fmt: skip
    assert pairs["direct"] == [("a", "b"), ("b", "c")]
    assert pairs["indirect"] == [("a", "c")]
    assert pairs["total"] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert list(found.direct.columns) == [
        "cause", "effect", "coefficient", "low", "high", "bca_low", "bca_high", "error", "p_value", "n",
    ]  # fmt: skip
    assert found.r2["effect"].tolist() == ["b", "c"]
    for table in (found.direct, found.indirect, found.total, found.r2, found.loadings, found.weights):
        assert (table["low"] <= table["high"]).all()
        assert table.notna().all(axis=None)


def test_resamples_without_a_solution_are_left_out_and_counted():
    # i1 is 7 but for two of fifteen: some resamples draw neither
    frame = answers(15, seed=1)
    frame["i1"] = 7.0
    frame.loc[[3, 4], "i1"] = [8.0, 9.0]
    found = bootstrap_path_model(PartialLeastSquares(SIMPLE), frame, resamples=400)
    lost = 400 - int(found.resamples.is_usable.sum())
    assert 20 < lost < 110  # (13 / 15) ** 15 = .117 of 400 is 47
    assert found.remarks[-1] == (
        f"{lost} of 400 resamples have no solution, or weights that did not settle; they are left out."
    )
    assert found.direct.notna().all(axis=None)


def test_impossible_resamples_are_kept_and_counted():
    rng = np.random.default_rng(3)
    one = rng.normal(size=(60, 1))
    frame = pd.DataFrame(7 + one + rng.normal(size=(60, 6)), columns=SIMPLE.items)  # image is value: correlation 1
    found = bootstrap_path_model(PartialLeastSquares(SIMPLE, consistent=True), frame, resamples=200)
    impossible = 200 - int(found.resamples.solution.is_admissible.sum())
    assert 40 < impossible < 160
    assert found.remarks[-1] == (
        f"{impossible} of 200 resamples have values that no population has (such as a correlation beyond 1); "
        "they are kept, as leaving them out would make intervals too short."
    )
    assert found.resamples.is_usable.all()


def test_misstated_levels_and_counts_are_refused_at_once():
    with pytest.raises(CrmlabError) as refused:
        bootstrap_path_model(PartialLeastSquares(SIMPLE), answers(60, seed=1), resamples=1, level=95)
    assert refused.value.problems == (
        "level: 95 is not between 0 and 1. Give a share such as 0.95.",
        "resamples: 1 is below 2. Give 1,000 or more for 95 % limits.",
    )


def test_the_jackknife_by_groups_has_the_acceleration_of_single_units():
    frame = answers(1_200, seed=1)  # above 500 units
    found = bootstrap_path_model(PartialLeastSquares(SIMPLE), frame, resamples=50).resamples
    assert len(found.left_out_mean) == 500
    away = found.left_out_mean - found.left_out_mean.mean(axis=0)
    # error of the mean by the grouped jackknife: root of (g - 1) / g times the sum of squares
    error = np.sqrt(499 / 500 * (away**2).sum(axis=0))
    np.testing.assert_allclose(error, frame.std() / np.sqrt(1_200), rtol=0.1)
