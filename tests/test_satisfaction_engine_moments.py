"""Means and covariances of answers: weights, gaps, resamples, and every answer that cannot be used."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.errors import CrmlabError
from crmlab.satisfaction.path_models.moment_sums import MomentSums
from crmlab.satisfaction.path_models.moments import moments, moments_from_covariance, resampled_moments
from crmlab.satisfaction.path_models.responses import responses

ITEMS = ["a", "b", "c"]


@pytest.fixture
def answers() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    common = rng.normal(size=60)
    frame = pd.DataFrame({item: np.round(6 + common + rng.normal(size=60)) for item in ITEMS})
    return frame.assign(weight=rng.uniform(0.2, 3, 60), customer_id=np.repeat(np.arange(20), 3))


@pytest.fixture
def gaps(answers) -> pd.DataFrame:
    holes = np.random.default_rng(6).random((60, 3)) < 0.15
    return answers.assign(**answers[ITEMS].mask(holes))


def problems(call, *given, **named) -> list[str]:
    with pytest.raises(CrmlabError) as refused:
        call(*given, **named)
    return list(refused.value.problems)


def test_without_gaps_and_weights_it_is_the_usual_covariance(answers):
    found = moments(answers, ITEMS)
    np.testing.assert_allclose(found.covariance, answers[ITEMS].cov(), rtol=1e-13)
    np.testing.assert_allclose(found.mean, answers[ITEMS].mean(), rtol=1e-13)
    assert (found.n, found.n_effective, found.missing) == (60, 60.0, ())


def test_with_gaps_it_is_the_covariance_of_those_who_answered_both(gaps):
    found = moments(gaps, ITEMS)
    np.testing.assert_allclose(found.covariance, gaps[ITEMS].cov(), rtol=1e-12)  # pandas: pairwise, n - 1
    np.testing.assert_allclose(found.mean, gaps[ITEMS].mean(), rtol=1e-13)
    both = (gaps["a"].notna() & gaps["b"].notna()).sum()
    assert found.missing == (
        f"{100 * gaps[ITEMS].isna().to_numpy().mean():.1f} % of the answers are missing.",
        f"Each covariance is of those who answered both items: {both} of 60 for a and b, the fewest.",
    )


def test_complete_uses_responses_without_gaps_only(gaps):
    found = moments(gaps, ITEMS, missing="complete")
    whole = gaps[ITEMS].dropna()
    np.testing.assert_allclose(found.covariance, whole.cov(), rtol=1e-12)
    assert found.missing == (f"{60 - len(whole)} of 60 responses have gaps and are left out.",)
    assert found.n == len(whole)


def test_weighted_covariance_by_hand():
    # weights 1 1 2, answers 1 3 4 and 0 2 1: means 12/4 = 3 and 4/4 = 1;
    # sums of products 4 + 0 + 2 = 6, 1 + 1 + 0 = 2, 2 + 0 + 0 = 2; divisor 4 - (1 + 1 + 4) / 4 = 2.5
    frame = pd.DataFrame({"a": [1.0, 3.0, 4.0], "b": [0.0, 2.0, 1.0]})
    found = moments(frame, ["a", "b"], weights=[1, 1, 2])
    np.testing.assert_allclose(found.mean, [3, 1], rtol=1e-14)
    np.testing.assert_allclose(found.covariance, np.array([[6, 2], [2, 2]]) / 2.5, rtol=1e-14)
    assert found.n_effective == pytest.approx(16 / 6)


@pytest.mark.parametrize("kind", ["answers", "gaps"])
def test_only_the_proportions_of_weights_matter(kind, request):
    frame = request.getfixturevalue(kind)
    one, other = (moments(frame, ITEMS, weights=frame["weight"] * scale) for scale in (1, 1e6))
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-12)
    np.testing.assert_allclose(one.mean, other.mean, rtol=1e-13)


def test_weights_of_whole_numbers_give_the_correlations_of_repeated_rows(gaps):
    times = np.random.default_rng(7).integers(1, 4, 60)
    weighted = moments(gaps, ITEMS, weights=times)
    repeated = gaps.loc[gaps.index.repeat(times), ITEMS]
    np.testing.assert_allclose(weighted.mean, repeated.mean(), rtol=1e-12)
    both = repeated["a"].notna() & repeated["b"].notna()
    pair = repeated.loc[both, ["a", "b"]].to_numpy()
    deviation = pair - pair.mean(axis=0)
    weight = np.where(gaps["a"].notna() & gaps["b"].notna(), times, 0)
    divisor = weight.sum() - (weight**2).sum() / weight.sum()
    assert weighted.covariance[0, 1] == pytest.approx((deviation[:, 0] * deviation[:, 1]).sum() / divisor, rel=1e-12)


def test_responses_of_weight_zero_or_without_an_answer_are_left_out_and_counted(answers):
    frame = answers.copy()
    frame.loc[0, "weight"] = 0.0
    frame.loc[[1, 2], ITEMS] = np.nan
    found = moments(frame, ITEMS, weights="weight")
    assert found.missing == (
        "1 of 60 responses has weight 0 and is left out.",
        "2 of 60 responses have no answer to any of these items and are left out.",
    )
    np.testing.assert_allclose(found.covariance, moments(frame[3:], ITEMS, weights="weight").covariance, rtol=1e-12)


@given(shift=st.floats(-1e6, 1e6), scale=st.floats(1e-3, 1e3))
@settings(max_examples=25, deadline=None)
def test_covariance_does_not_depend_on_the_origin_and_goes_with_the_scale(shift, scale):
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(20, 2)), columns=["a", "b"])
    base, moved = moments(frame, ["a", "b"]), moments(frame * scale + shift, ["a", "b"])
    np.testing.assert_allclose(moved.covariance, base.covariance * scale**2, rtol=1e-5, atol=1e-9 * scale**2)


def test_the_order_of_responses_does_not_matter(gaps):
    turned = gaps.sample(frac=1, random_state=1)
    one, other = moments(gaps, ITEMS, weights="weight"), moments(turned, ITEMS, weights="weight")
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-12)


def test_the_input_is_left_as_it_was(gaps):
    before = gaps.copy()
    moments(gaps, ITEMS, weights="weight")
    list(resampled_moments(gaps, ITEMS, weights="weight", clusters="customer_id", resamples=3))
    pd.testing.assert_frame_equal(gaps, before)


@pytest.mark.parametrize("kind", ["answers", "gaps"])
def test_a_resample_is_the_moments_of_its_rows(kind, request):
    frame = request.getfixturevalue(kind)
    mean, covariance = next(MomentSums(responses(frame, ITEMS)).resampled(resamples=4, seed=3))
    drawn = np.random.default_rng(3).integers(0, 60, (4, 60))
    for number, rows in enumerate(drawn):
        taken = frame[ITEMS].iloc[rows]
        np.testing.assert_allclose(mean[number], taken.mean(), rtol=1e-12)
        np.testing.assert_allclose(covariance[number], taken.cov(), rtol=1e-11)


def test_a_resample_carries_the_survey_weights_of_its_rows(answers):
    mean, covariance = next(MomentSums(responses(answers, ITEMS, weights="weight")).resampled(resamples=2, seed=3))
    drawn = np.random.default_rng(3).integers(0, 60, (2, 60))
    for number, rows in enumerate(drawn):
        again = moments(answers.iloc[rows], ITEMS, weights="weight")
        np.testing.assert_allclose(mean[number], again.mean, rtol=1e-12)
        np.testing.assert_allclose(covariance[number], again.covariance, rtol=1e-11)


@pytest.mark.parametrize("kind", ["answers", "gaps"])
def test_whole_customers_are_drawn_whatever_the_order_of_rows(kind, request):
    frame = request.getfixturevalue(kind).sample(frac=1, random_state=2)
    mean, covariance = next(MomentSums(responses(frame, ITEMS, clusters="customer_id")).resampled(resamples=3, seed=4))
    customers = pd.unique(frame["customer_id"])
    drawn = np.random.default_rng(4).integers(0, 20, (3, 20))
    for number, chosen in enumerate(drawn):
        rows = pd.concat([frame[frame["customer_id"] == customers[k]] for k in chosen])
        np.testing.assert_allclose(mean[number], rows[ITEMS].mean(), rtol=1e-12)
        np.testing.assert_allclose(covariance[number], rows[ITEMS].cov(), rtol=1e-11)


def test_the_batch_does_not_change_the_resamples(gaps):
    def stack(batch):
        return np.concatenate([m.covariance for m in resampled_moments(gaps, ITEMS, resamples=11, batch=batch)])

    np.testing.assert_allclose(stack(None), stack(3), rtol=1e-12)
    assert len(stack(3)) == 11


def test_leaving_out_units_one_at_a_time(gaps):
    mean, covariance = MomentSums(responses(gaps, ITEMS)).left_out(groups=60, seed=1)
    for row in (0, 31, 59):
        rest = gaps[ITEMS].drop(index=row)
        np.testing.assert_allclose(mean[row], rest.mean(), rtol=1e-12)
        np.testing.assert_allclose(covariance[row], rest.cov(), rtol=1e-11)


def test_leaving_out_groups_leaves_out_every_unit_once(answers):
    sums = MomentSums(responses(answers, ITEMS))
    mean, _ = sums.left_out(groups=7, seed=1)
    kept = np.array([60 - 9] * 4 + [60 - 8] * 3)  # 60 = 4 x 9 + 3 x 8
    total = answers[ITEMS].sum().to_numpy()
    np.testing.assert_allclose((total - mean * kept[:, None]).sum(axis=0), total, rtol=1e-12)


def test_parts_do_not_change_sums(answers, monkeypatch):
    whole = MomentSums(responses(answers, ITEMS, clusters="customer_id")).left_out(groups=20, seed=1)[1]
    monkeypatch.setattr("crmlab.satisfaction.path_models.moment_sums._ROOM", 200)
    parts = MomentSums(responses(answers, ITEMS, clusters="customer_id")).left_out(groups=20, seed=1)[1]
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


def test_an_item_that_is_constant_in_a_resample_has_variance_zero():
    frame = pd.DataFrame({"a": [7.3] * 9 + [8.1], "b": np.arange(10.0)})
    _, covariance = next(MomentSums(responses(frame, ["a", "b"])).resampled(resamples=200, seed=1))
    assert (covariance[:, 0, 0] == 0).any()


def test_whole_numbers_with_gaps_of_pandas_are_numbers():
    frame = pd.DataFrame({"a": pd.array([1, None, 3, 5], dtype="Int64"), "b": [1, 3, 1, 2]})
    assert moments(frame, ["a", "b"]).mean.tolist() == [3.0, 1.75]


def test_unusable_columns_are_refused_at_once(answers):
    frame = answers.assign(b="seven")
    frame = pd.concat([frame, frame[["c"]]], axis=1)
    assert problems(moments, frame, ["a", "b", "c", "wieght"], missing="pairwize") == [
        "missing: 'pairwize' is not a rule. Did you mean 'pairwise'? Known: ('pairwise', 'complete').",
        "item 'b' holds str, not numbers. Turn its answers into scores.",
        "item 'c' is the name of 2 columns. Keep one.",
        "item 'wieght' is not a column of the answers. Did you mean 'weight'?",
    ]


def test_infinite_answers_and_unusable_weights_are_refused_at_once(answers):
    frame = answers.copy()
    frame.loc[3, "a"] = np.inf
    frame.loc[[1, 2], "weight"] = [-1.0, np.nan]
    assert problems(moments, frame, ITEMS, weights="weight") == [
        "weights: 1 of 60 are no finite number. Give every response a weight.",
        "weights: 1 of 60 are below 0. Give 0 or more.",
        "items ['a'] hold infinite values. Mend the answers or leave them missing.",
    ]


def test_weights_and_clusters_must_fit(answers):
    assert problems(responses, answers, ITEMS, weights="wieght", clusters="customer") == [
        "weights: 'wieght' is not a column. Did you mean 'weight'?",
        "clusters: 'customer' is not a column. Did you mean 'customer_id'?",
    ]
    assert problems(responses, answers, ITEMS, weights=[1.0], clusters=["C1"]) == [
        "weights: 1 for 60 responses. Give one a response.",
        "clusters: 1 for 60 responses. Give one a response.",
    ]
    assert problems(responses, answers, ITEMS, clusters=[None, *range(59)]) == [
        "clusters: 1 responses have none. Name one for every response."
    ]
    assert problems(moments, answers, ITEMS, weights=np.zeros(60)) == [
        "weights: all are 0, so no response counts. Give weights above 0."
    ]


def test_items_without_variance_or_answers_are_refused_at_once(answers):
    frame = answers.assign(b=10.0, c=np.nan)
    assert problems(moments, frame, ITEMS) == [
        "items ['c']: nobody answered them. Leave them out of the model.",
        "items with the same answer from everybody: b 10 (60 answers). They cannot go along with anything; "
        "leave them out of the model.",
    ]


def test_an_item_missing_in_a_whole_wave_is_named_with_the_wave(answers):
    frame = answers.assign(wave=np.repeat(["2024", "2025"], 30))
    frame.loc[frame["wave"] == "2025", "b"] = np.nan
    assert problems(moments, frame, ITEMS, wave="wave") == [
        "wave '2025': nobody answered ['b']. Leave the wave or these items out; "
        "waves that ask different items measure different things."
    ]
    assert problems(moments, frame, ITEMS, wave="wav") == ["wave: 'wav' is not a column. Did you mean 'wave'?"]


def test_too_few_responses_are_refused(answers):
    assert problems(moments, answers[:1], ITEMS) == ["answers: 1 of 1 responses can be used. Give 3 or more."]
    frame = answers[:4].copy()
    frame.loc[[0, 1], "a"] = np.nan
    assert problems(moments, frame, ITEMS, missing="complete") == [
        "answers: 2 of 4 responses can be used. 2 of 4 responses have gaps and are left out. Give 3 or more."
    ]
    assert problems(moments, answers[:0], ITEMS) == ["answers: 0 of 0 responses can be used. Give 3 or more."]


def test_two_items_that_nobody_answered_together_are_refused(answers):
    frame = answers.copy()
    frame.loc[:29, "a"] = np.nan
    frame.loc[30:, "b"] = np.nan
    assert problems(moments, frame, ITEMS) == [
        "answers: too few people answered both a with b (0). A covariance needs two or more; "
        "leave an item of each pair out of the model."
    ]


def test_covariances_that_contradict_each_other_are_refused():
    # those who answered a and b agree, b and c agree, a and c disagree: impossible for one group of people
    up = np.arange(10.0)
    part = [
        pd.DataFrame({"a": up, "b": up}),
        pd.DataFrame({"b": up, "c": up}),
        pd.DataFrame({"a": up, "c": up[::-1]}),
    ]
    # of 20 answers 0, 0, 1, 1 ... the variance is 165 / 19, of 10 answers 0, 1 ... with themselves the covariance is
    # 82.5 / 9: correlations r = 1.0556, r and -r, eigenvalues 1 + r twice and 1 - 2 r = -1.111; over 2.0556: -.541
    assert problems(moments, pd.concat(part, ignore_index=True), ITEMS) == [
        "answers: covariances of those who answered both items contradict each other (lowest eigenvalue -0.541 of the "
        "largest). Too many gaps for the number of responses; use missing='complete' or leave items with many gaps out."
    ]


def test_covariances_that_hardly_contradict_each_other_are_used_and_said():
    rng = np.random.default_rng(1)
    common = rng.normal(size=(40, 1))
    frame = pd.DataFrame(7 + common + 0.15 * rng.normal(size=(40, 3)), columns=ITEMS)
    frame = frame.mask(rng.random(frame.shape) < 0.1)
    covariance = frame.cov().to_numpy()
    values = np.linalg.eigvalsh(covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance))))
    assert values[0] < 0
    assert moments(frame, ITEMS).missing[2] == (
        "Covariances of those who answered both items do not quite fit together (lowest eigenvalue "
        f"{values[0] / values[-1]:.3f} of the largest), as happens with many gaps."
    )


def table(values: list[list[float]]) -> pd.DataFrame:
    return pd.DataFrame(values, index=ITEMS, columns=ITEMS)


def test_a_covariance_may_be_given_in_any_order():
    given = table([[4.0, 1.0, 0.5], [1.0, 2.0, 0.2], [0.5, 0.2, 1.0]])
    found = moments_from_covariance(given, items=["c", "a"], n=90, mean=pd.Series({"a": 1.0, "b": 2.0, "c": 3.0}))
    assert found.covariance.tolist() == [[1.0, 0.5], [0.5, 4.0]]
    assert found.mean.tolist() == [3.0, 1.0]
    assert (found.n, found.sd.tolist()) == (90, [1.0, 2.0])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            [[1, 0.5, 0], [0.4, 1, 0], [0, 0, 1]],
            "covariance is not symmetric: a with b is 0.5, b with a is 0.4. Mend it.",
        ),
        (
            [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]],
            "covariance: no answers have such covariances (lowest eigenvalue -0.421 of the largest). "
            "Compute it from responses without gaps, or look for a mistyped number.",  # 1 - 2 x .9 over 1 + .9
        ),
        (
            [[1, np.nan, 0], [np.nan, 1, 0], [0, 0, 1]],
            "covariance: the rows of ['a', 'b'] hold values that are no finite number. Mend them.",
        ),
        (
            [[1, 0, 0], [0, 0, 0], [0, 0, 1]],
            "covariance: items ['b'] have no variance above 0. Leave them out of the model.",
        ),
    ],
)
def test_an_impossible_covariance_is_refused(values, said):
    assert problems(moments_from_covariance, table(values)) == [said]


def test_a_covariance_lacking_items_is_refused():
    given = table(np.eye(3).tolist())
    assert problems(moments_from_covariance, given, items=["a", "bb"]) == [
        "covariance lacks items ['bb']. Did you mean 'b'? Give a row and a column for each."
    ]
    assert problems(moments_from_covariance, given.set_axis(["a", "a", "c"], axis=1), items=["a", "c"]) == [
        "covariance names an item twice. Give each item one row and one column."
    ]
    assert problems(moments_from_covariance, given, mean=[1.0]) == ["mean: 1 values for 3 items. Give one an item."]
