"""NPS, CSAT, CES: published and computed values, exact coverage, directions, refusals."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multinomial, norm

from crmlab.errors import CrmlabError
from crmlab.satisfaction.survey.single_measures import (
    customer_effort,
    measured_by,
    net_promoter_score,
    net_promoter_scores,
    nps_difference,
    promoter_points,
    top_box,
)
from crmlab.stats import proportion

FIRST = [10] * 50 + [8] * 30 + [3] * 20
SECOND = [9] * 35 + [7] * 35 + [0] * 30
SCALE = (0, 10)


def test_net_promoter_score_of_r_nps():
    # R package NPS, 50 promoters, 30 passives, 20 detractors: .30, variance .61, standard error .0781024967590665
    found = net_promoter_score(FIRST, scale=SCALE, method="wald")
    assert (found.value, found.n, found.unit, found.method) == (pytest.approx(30), 100, "points", "Wald")
    assert (found.high - 30) / norm.ppf(0.975) == pytest.approx(7.810249675907, abs=1e-10)


def test_difference_of_r_nps():
    # R package NPS, nps.test: .25, .0302129560910579 to .469787043908942, p = .0257879796224587, se .11213830746
    found = nps_difference(FIRST, SECOND, scale=SCALE, method="wald")
    assert (found.estimate.low, found.estimate.high) == pytest.approx((3.021295609106, 46.97870439089), abs=1e-10)
    assert found.p_value == pytest.approx(0.02578797962246, abs=1e-13)
    assert found.error == pytest.approx(11.213830746, abs=1e-9)


def test_adjusted_limits_by_hand():
    # n + 3 = 103; P (50.75) and D (20.75): center 30 / 103 = .291262, var (71.5 / 103 - .291262^2) / 103 = .00591597
    found = net_promoter_score(FIRST, scale=SCALE)
    reach = norm.ppf(0.975) * math.sqrt((71.5 / 103 - (30 / 103) ** 2) / 103)
    assert found.value == pytest.approx(30)
    assert (found.low, found.high) == pytest.approx((100 * (30 / 103 - reach), 100 * (30 / 103 + reach)))


SHAPES = [(0.9, 0.02), (0.5, 0.2), (0.3, 0.3), (0.1, 0.6), (0.34, 0.33), (0.02, 0.9), (0.7, 0.1), (0.05, 0.05),
          (0.45, 0.45), (0.97, 0.01), (0.2, 0.2), (0.0, 0.03)]  # fmt: skip


def _every_sample(n):
    p, d = (part.ravel() for part in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    inside = p + d <= n
    return p[inside], d[inside]


def _coverage(n, method):
    p, d = _every_sample(n)
    limits = net_promoter_scores(p, d, n, method=method)
    low, high = limits["nps_low"].to_numpy() / 100 - 1e-12, limits["nps_high"].to_numpy() / 100 + 1e-12
    samples = np.column_stack([p, d, n - p - d])
    return {
        (up, down): multinomial.pmf(samples, n, [up, down, 1 - up - down])[
            (low <= up - down) & (up - down <= high)
        ].sum()
        for up, down in SHAPES
    }


@pytest.mark.parametrize("n", [20, 30])
def test_the_adjusted_interval_holds_for_small_samples(n):
    found = _coverage(n, "adjusted")  # exact: every possible sample with its probability
    assert min(found.values()) >= 0.945, found


def test_the_plain_interval_does_not():
    found = _coverage(30, "wald")
    assert found[0.9, 0.02] == pytest.approx(0.841, abs=5e-4)
    assert _coverage(30, "adjusted")[0.9, 0.02] == pytest.approx(0.958, abs=5e-4)


def test_the_difference_holds_for_small_samples():
    n = 20
    p, d = _every_sample(n)
    samples = np.column_stack([p, d, n - p - d])
    # the limits of the difference depend on counts only: compute them once for every pair of samples
    added = 0.375
    up, down = (p + added) / (n + 1.5), (d + added) / (n + 1.5)
    center, variance = up - down, (up + down - (up - down) ** 2) / (n + 1.5)
    reach = norm.ppf(0.975) * np.sqrt(variance[:, None] + variance[None, :])
    some = np.random.default_rng(2).integers(0, len(p), (40, 2))
    for one, two in some:  # the function gives these limits
        answers = [np.repeat([10, 0, 8], [p[k], d[k], n - p[k] - d[k]]) for k in (one, two)]
        found = nps_difference(*answers, scale=SCALE).estimate
        middle = center[one] - center[two]
        assert found.low == pytest.approx(max(100 * (middle - reach[one, two]), -200))
        assert found.high == pytest.approx(min(100 * (middle + reach[one, two]), 200))
    law = {shape: multinomial.pmf(samples, n, [*shape, 1 - sum(shape)]) for shape in SHAPES}
    for one in SHAPES:
        for two in SHAPES[:4]:
            truth = (one[0] - one[1]) - (two[0] - two[1])
            held = np.abs(center[:, None] - center[None, :] - truth) <= reach + 1e-12
            assert law[one] @ held @ law[two] >= 0.935, (one, two)


def test_weights_count_by_their_effective_n():
    twice = net_promoter_score(FIRST, scale=SCALE, weights=[2.0] * 100)
    once = net_promoter_score(FIRST, scale=SCALE)
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))
    # promoters weigh 2, others 1: P = 100 / 150, D = 20 / 150; effective n 150^2 / (50 x 4 + 50) = 90
    weights = np.where(np.array(FIRST) == 10, 2.0, 1.0)
    found = net_promoter_score(FIRST, scale=SCALE, weights=weights)
    assert found.value == pytest.approx(100 * 80 / 150)
    same = net_promoter_scores([60.0], [12.0], [90.0]).iloc[0]
    assert (found.low, found.high) == pytest.approx((same["nps_low"], same["nps_high"]))


def test_promoter_points_average_to_the_score():
    assert np.mean(promoter_points(FIRST, scale=SCALE)) == pytest.approx(30)


def test_degenerate_answers_have_a_stated_result():
    everybody = net_promoter_score([10] * 12, scale=SCALE)
    assert (everybody.value, everybody.high) == (100, 100)
    assert 40 < everybody.low < 60  # twelve promoters do not prove that all are
    one = net_promoter_score([10], scale=SCALE)
    assert one.low < 0 < one.value == one.high == 100
    assert net_promoter_score([None], scale=SCALE).text == "not known (n = 0)"
    assert net_promoter_score([10, 9], scale=SCALE, weights=[0, 0]).text == "not known (n = 0)"
    assert nps_difference([10], [None], scale=SCALE).estimate.text == "not known (n = 1)"
    same = nps_difference([10] * 9, [10] * 9, scale=SCALE, method="wald")
    assert (same.estimate.low, same.estimate.high, same.p_value) == (0, 0, 1)
    assert top_box([None], scale=(1, 5)).text == "not known (n = 0)"
    assert customer_effort([None], scale=(1, 7), high_means="easy").ease.text == "not known (n = 0)"
    row = net_promoter_scores([0], [0], [0]).iloc[0]
    assert row[["nps", "nps_low", "nps_high"]].isna().all()


def test_top_box_is_wilsons_share():
    found = top_box([10, 9, 8, 7, None], scale=SCALE)
    assert found == proportion(2, 4)
    assert top_box([5, 4, 3], scale=(1, 5), boxes=1).value == pytest.approx(1 / 3)
    # weights 3 and 1: share 3/4, effective n 16 / 10 = 1.6
    weighed = top_box([5, 1], scale=(1, 5), weights=[3, 1])
    same = proportion(1.2, 1.6)
    assert (weighed.value, weighed.low, weighed.high) == pytest.approx((0.75, same.low, same.high))


def test_effort_runs_one_way_whatever_the_wording():
    answers = np.random.default_rng(1).integers(1, 8, 60).astype(float)
    one = customer_effort(answers, scale=(1, 7), high_means="easy")
    two = customer_effort(8 - answers, scale=(1, 7), high_means="hard")
    assert one == two
    assert one.ease.value == pytest.approx(100 * (answers.mean() - 1) / 6)
    assert one.easy.value == pytest.approx((answers >= 6).mean())
    assert one.hard.value == pytest.approx((answers <= 2).mean())


def test_measures_by_group():
    frame = pd.DataFrame({"csat": [5, 4, 1, 2], "weight": [1, 1, 1, 0], "channel": ["app", "app", "call", "call"]})
    found = measured_by(frame, "csat", "channel", measure=top_box, weight="weight", scale=(1, 5))
    assert found["x"].tolist() == [1, 0]
    assert found["n"].tolist() == [2, 1]


def _problems(call, *args, **kwargs):
    with pytest.raises(CrmlabError) as error:
        call(*args, **kwargs)
    return error.value.problems


def test_what_cannot_be_is_refused():
    assert _problems(net_promoter_score, [5], scale=(1, 10)) == (
        "net promoter score: the scale goes from 1 to 10. Ask from 0 to 10: promoters answer 9 or 10, detractors 0 to "
        "6; other scales have no agreed cuts.",
    )
    assert _problems(net_promoter_score, [5, 99], scale=SCALE) == (
        "net promoter score: 1 of 2 answers lie outside 0 to 10. Give the scale that was asked, and leave codes "
        "such as 99 out.",
    )
    assert _problems(net_promoter_score, [5], scale=SCALE, method="exact") == (
        "net promoter score: method 'exact' is not known. Choose one of adjusted, wald.",
    )
    assert _problems(net_promoter_score, [5], scale=SCALE, weights=[-1]) == (
        "single measure: 1 of 1 weights are negative or missing. Give 0 or more.",
    )
    assert _problems(top_box, [5], scale=(1, 5), weights=[1, 1]) == (
        "single measure: there are 1 answers and 2 weights. Give one weight an answer.",
    )
    assert _problems(net_promoter_scores, [5], [6], [10]) == (
        "net_promoter_scores: promoters and detractors do not fit into n. Count all three on the same answers.",
    )
    assert _problems(top_box, [5], scale=(1, 5), boxes=5) == (
        "top_box: 5 boxes do not fit a scale from 1 to 5. Give 1 to 4.",
    )
    assert _problems(customer_effort, [2], scale=(1, 3), high_means="low") == (
        "customer_effort: high_means is 'low'. Say 'easy' or 'hard': two wordings are in use.",
        "customer_effort: the scale goes from 1 to 3. Ask with five answers or more.",
    )
    frame = pd.DataFrame({"nps": [5.0], "branch": ["a"]})
    assert _problems(measured_by, frame, "nsp", "branch", scale=SCALE) == (
        "measured_by: the frame lacks column 'nsp'. Did you mean 'nps'? Name one it has.",
    )
