"""Weights: closed properties, refusals, and R survey's numbers on its cluster sample of Californian schools."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.errors import CrmlabError
from crmlab.satisfaction.survey.weighted_estimates import (
    influence_of_mean,
    variance_of_sum,
    weighted_mean,
    weighted_means,
    weighted_total,
)
from crmlab.satisfaction.survey.weighting import design_effect, effective_n, post_stratify, rake, weight_summary

# Data apiclus1 of R survey (Californian Department of Education, all schools of 15 districts out of 757), as in the
# MIT-licensed xKDR/Survey.jl: by district, school type, API score 2000, whether the school-wide target was met, pupils.
SCHOOLS = {
    637: "H608Y1689 E684Y288 E612Y294 E710Y143 E729Y307 E714Y311 E759Y362 E585Y263 E625Y583 M664Y886 M669Y955",
    437: "H443Y418 E467Y574 M482Y286 E496Y158",
    778: "M411N372 E494Y308",
    197: "E493Y358 M592N921 E550Y375 M689Y962 M598N954 E628Y370 E652Y596 E628Y485 E832Y254 E777Y465 E709Y481 E709N425 "
    "E736Y312",
    406: "E561Y360 E555Y323",
    815: "H696N442 M631N508 E564Y166 E602Y525",
    178: "H529Y388 E491Y266 E510Y671 M547N343",
    255: "E814Y466 E806Y516 E715Y489 E785Y300 M720Y728 E905Y512 M617Y972 E630Y619 E629Y562 E696Y358 E476Y626 E757Y396 "
    "E825Y571 E595Y715 E552N345 M847Y850",
    568: "H714Y258 H724Y170 H687N210 H723Y467 E662Y117 E699N196 E807Y205 M679Y233 E691Y324",
    135: "E622Y370 E754Y309 E655Y414 E764Y303 E795Y407 E505Y504 E638N371 E733Y374 E523Y631 E511Y432 E710Y299 E657Y500 "
    "E602Y499 E490Y748 E664N356 E651Y302 E603Y594 E698Y527 E511Y446 E814Y436 E669Y381 E711N464 E538Y462 E705Y320 "
    "E595Y437 E551Y295 E762Y512 E521Y343 E709Y404 E780Y504 E780Y411 E722Y637 E828Y555 E737Y491",
    510: "H595N1585 H661Y1855 E502Y385 M614N1015 E585Y483 E582Y576 M642Y1405 E536Y549 E746Y352 E667Y564 E629N540 "
    "E745Y290 E674Y523 E637Y379 E696Y391 E632Y403 E639Y613 E745Y596 E789Y520 M656Y1573 E789Y371",
    716: "H517Y1908 H478Y2181 H582Y2106 E592Y532 E587Y381 E553Y624 E516Y704 E535Y602 E566Y686 E481N607 E472Y209 "
    "E559Y643 E610Y331 E599Y641 E551Y479 E554Y535 E561N561 E505N695 E492N426 E504Y657 E487Y300 E627Y612 E465Y466 "
    "E529Y352 E625Y559 E436Y363 E542Y558 E515N257 M461Y1243 M528Y1260 M512Y1306 M508Y1344 E670Y119 E760Y818 "
    "E652Y118 E546Y145 E717Y486",
    61: "E701Y371 E748Y377 E735Y265 M699N930 E685Y336 E827Y448 M711Y1023 E677Y387 M759N940 E697Y525 E742Y427 E691Y390 "
    "E700Y358",
    413: "E551Y274",
    448: "H703Y2147 E676Y479 E714Y441 E842Y476 E824Y511 E717Y385 E836Y443 M733Y696 E719Y332 M817Y738 E749Y425 E781Y302",
}  # fmt: skip
MARGINS = {"type": {"E": 4421, "H": 755, "M": 1018}, "target": {"N": 1072, "Y": 5122}}


@pytest.fixture(scope="module")
def schools() -> pd.DataFrame:
    rows = [
        (district, one[0], float(one[1:4]), one[4], float(one[5:]))
        for district, line in SCHOOLS.items()
        for one in line.split()
    ]
    return pd.DataFrame(rows, columns=["district", "type", "score", "target", "pupils"])


def _said(found):
    """Value and standard error, undoing Student's interval of 15 districts."""
    from scipy.stats import t

    return found.value, (found.high - found.low) / 2 / t.ppf(0.975, 14)


def test_design_weights_give_r_surveys_numbers(schools):
    assert len(schools) == 183
    weights = pd.Series(33.846996307373, index=schools.index)  # R survey's pw
    design = {"clusters": schools["district"], "population_clusters": 757, "unit": "points"}
    # R survey, svymean(~api00, dclus1) and svytotal(~enroll, dclus1)
    assert _said(weighted_mean(schools["score"], weights, **design)) == pytest.approx(
        (644.169398907104, 23.542240693781), rel=1e-11
    )
    assert _said(weighted_total(schools["pupils"], weights, **design)) == pytest.approx(
        (3404940.13452911, 932235.027041215), rel=1e-11
    )


def test_post_stratified_gives_r_surveys_numbers(schools):
    design = {"clusters": schools["district"], "population_clusters": 757, "unit": "points"}
    found = post_stratify(schools, pd.Series(MARGINS["type"]).rename_axis("type"))
    # R survey, postStratify(dclus1, ~stype, ...)
    assert _said(weighted_mean(schools["score"], found, **design)) == pytest.approx(
        (642.310788211582, 23.92048644509), rel=1e-11
    )
    assert _said(weighted_total(schools["pupils"], found, **design)) == pytest.approx(
        (3680892.94511905, 406292.636294802), rel=1e-11
    )


def test_raked_gives_r_surveys_numbers(schools):
    design = {"clusters": schools["district"], "population_clusters": 757, "unit": "points"}
    found = rake(schools, MARGINS)
    # R survey, rake(dclus1, list(~stype, ~sch.wide), ...)
    mean, error = _said(weighted_mean(schools["score"], found, **design))
    total, total_error = _said(weighted_total(schools["pupils"], found, **design))
    assert (mean, total) == pytest.approx((641.2303209268, 3647280.14807054), rel=1e-9)
    assert (error, total_error) == pytest.approx((23.703616887929, 400603.256861826), rel=1e-8)
    assert design_effect(found.weights) == pytest.approx(1.051656695605, abs=1e-9)


@pytest.fixture
def answers() -> pd.DataFrame:
    generator = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "age": generator.choice(["old", "middle", "young"], 400, p=[0.5, 0.3, 0.2]),
            "region": generator.choice(["north", "south"], 400, p=[0.7, 0.3]),
            "score": generator.normal(7, 2, 400),
        }
    )


TOTALS = {"age": {"old": 300, "middle": 300, "young": 400}, "region": {"north": 500, "south": 500}}


def _table(answers, weights):
    return weights.groupby([answers["age"], answers["region"]]).sum().unstack()


def test_raking_meets_its_margins_and_keeps_odds_ratios(answers):
    base = pd.Series(np.random.default_rng(5).uniform(0.5, 2, 400), index=answers.index)
    found = rake(answers, TOTALS, weights=base)
    before, after = _table(answers, base), _table(answers, found.weights)
    for column, total in TOTALS.items():
        got = found.weights.groupby(answers[column]).sum()
        assert got.to_dict() == pytest.approx(total, rel=1e-10)
    for cells in ("old", "middle"):
        odds = [t.loc[cells, "north"] * t.loc["young", "south"] / t.loc[cells, "south"] / t.loc["young", "north"]
                for t in (before, after)]  # fmt: skip
        assert odds[0] == pytest.approx(odds[1], rel=1e-9)


def test_one_margin_is_post_stratification_and_the_order_does_not_matter(answers):
    one = rake(answers, {"age": TOTALS["age"]})
    cells = post_stratify(answers, pd.Series(TOTALS["age"]).rename_axis("age"))
    pd.testing.assert_series_equal(one.weights, cells.weights)
    counts = answers["age"].value_counts()  # by hand: total of the category / its responses
    assert one.weights.to_numpy() == pytest.approx(answers["age"].map(pd.Series(TOTALS["age"]) / counts).to_numpy())
    shuffled = answers.sample(frac=1, random_state=1)
    again = rake(shuffled, dict(reversed(TOTALS.items()))).weights
    assert again.reindex(answers.index).to_numpy() == pytest.approx(rake(answers, TOTALS).weights.to_numpy())


def test_shares_give_weights_that_average_one(answers):
    shares = {c: {k: v / 1000 for k, v in t.items()} for c, t in TOTALS.items()}
    found = rake(answers, shares)
    assert found.weights.sum() == pytest.approx(400)
    assert found.weights.to_numpy() * 2.5 == pytest.approx(rake(answers, TOTALS).weights.to_numpy())
    assert found.shift[found.shift["category"] == "young"]["after_share"].item() == pytest.approx(0.4)
    assert found.summary["effective_n"].item() == pytest.approx(400 / design_effect(found.weights))


def test_cells_of_two_columns_are_met(answers):
    totals = pd.Series(
        [100.0, 200, 150, 150, 250, 150],
        index=pd.MultiIndex.from_product([["old", "middle", "young"], ["north", "south"]], names=["age", "region"]),
    )
    found = post_stratify(answers, totals)
    assert _table(answers, found.weights).stack()[totals.index].to_numpy() == pytest.approx(totals.to_numpy())


def test_bounds_hold_and_margins_are_still_met(answers):
    free = rake(answers, TOTALS)
    ratio = free.weights / free.weights.mean()
    assert ratio.min() < 0.4
    assert ratio.max() > 4
    bound = rake(answers, TOTALS, bounds=(0.4, 2.8))
    ratio = bound.weights / bound.weights.mean()
    assert ratio.min() >= 0.4 - 1e-12
    assert ratio.max() <= 2.8 + 1e-12
    for column, total in TOTALS.items():
        assert bound.weights.groupby(answers[column]).sum().to_dict() == pytest.approx(total, rel=1e-10)
    wide = rake(answers, TOTALS, bounds=(0, 100))  # bounds that do not bite change nothing
    assert wide.weights.to_numpy() == pytest.approx(free.weights.to_numpy(), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30), st.floats(0.001, 1000))
def test_the_design_effect_is_at_least_one_and_free_of_scale(weights, scale):
    assert design_effect(weights) >= 1 - 1e-12
    assert design_effect(np.array(weights) * scale) == pytest.approx(design_effect(weights))
    assert effective_n(weights) * design_effect(weights) == pytest.approx(len(weights))


def test_standard_error_of_a_plain_mean_is_the_textbook_one():
    # 2, 4, 9: mean 5, variance (9 + 1 + 16) / 2 = 13, error sqrt(13 / 3) = 2.0817, t(2) = 4.3027
    found = weighted_mean(pd.Series([2.0, 4.0, 9.0]), unit="points")
    assert (found.value, found.n) == (5.0, 3)
    assert found.high - 5 == pytest.approx(4.302652729911275 * (13 / 3) ** 0.5)
    whole = weighted_mean(pd.Series([2.0, 4.0, 9.0]), unit="points", population_clusters=6)  # half of all were asked
    assert whole.high - 5 == pytest.approx(4.302652729911275 * (13 / 6) ** 0.5)


def test_a_missing_answer_is_left_out_of_means():
    values = pd.Series([2.0, np.nan, 4.0, 9.0])
    found = weighted_mean(values, pd.Series([1.0, 5.0, 1.0, 1.0]), unit="points")
    assert (found.value, found.n) == (5.0, 3)
    table = weighted_means(pd.DataFrame({"q1": values, "q2": np.nan}), ["q1", "q2"])
    assert table["n"].tolist() == [3, 0]
    assert table.loc[1, ["mean", "mean_low", "mean_high"]].isna().all()


def test_degenerate_answers_have_a_stated_result():
    assert weighted_mean(pd.Series([10.0] * 5), unit="points").text == "10.0 points (n = 5)"
    assert weighted_mean(pd.Series([7.0]), unit="points").text == "7.00 points (n = 1)"
    assert weighted_mean(pd.Series([np.nan]), unit="points").text == "not known (n = 0)"
    nobody = weighted_mean(pd.Series([1.0, 2.0]), pd.Series([0.0, 0.0]), unit="points")
    assert nobody.text == "not known (n = 0)"
    one_branch = weighted_mean(pd.Series([1.0, 2.0]), unit="points", clusters=pd.Series(["a", "a"]))
    assert one_branch.text == "1.50 points (n = 2)"


def test_raked_means_cover_the_truth_and_plain_ones_do_not():
    # Old customers answer three times as often and are happier: the plain mean is off, the raked one is not.
    generator = np.random.default_rng(11)
    old = generator.random(20_000) < 0.3
    score = generator.normal(np.where(old, 8.0, 6.0), 1.5)
    truth, held, plain = score.mean(), 0, 0
    for _ in range(250):
        chosen = generator.random(20_000) < np.where(old, 0.03, 0.01)
        frame = pd.DataFrame({"age": np.where(old, "old", "young")[chosen], "score": score[chosen]})
        found = rake(frame, {"age": {"old": old.sum(), "young": (~old).sum()}})
        estimate = weighted_mean(frame["score"], found, unit="points")
        held += estimate.low <= truth <= estimate.high
        estimate = weighted_mean(frame["score"], unit="points")
        plain += estimate.low <= truth <= estimate.high
    # 95 % of 250 are 237.5 with a standard error of 3.4
    assert 227 <= held <= 248
    assert plain < 25


def test_influences_add_up_to_nothing(answers):
    moved, mean, n = influence_of_mean(answers["score"], rake(answers, TOTALS).weights)
    assert moved.sum() == pytest.approx(0, abs=1e-12)
    assert n == 400
    assert variance_of_sum(moved)[0] > 0
    assert variance_of_sum(np.array([1.0]))[1] == 1
    assert np.isfinite(mean)


def test_weighted_means_by_group(answers):
    table = weighted_means(answers, ["score"], by="age")
    assert table["group"].tolist() == ["middle", "old", "young"]
    alone = answers[answers["age"] == "old"]["score"]
    assert table.loc[1, "mean"] == pytest.approx(alone.mean())
    assert table.loc[1, "effective_n"] == len(alone)


def _problems(call, *args, **kwargs):
    with pytest.raises(CrmlabError) as error:
        call(*args, **kwargs)
    return error.value.problems


def test_raking_refuses_every_problem_at_once():
    frame = pd.DataFrame({"age": ["old", "young", None], "region": ["north", "north", "west"]})
    assert _problems(rake, frame, {"age": {"old": 1}, "regoin": {"north": 1}}) == (
        "rake: age is missing in 1 of 3 responses. Fill it from the customer base, or make a category of those not "
        "known.",
        "rake: the frame lacks column 'regoin'. Did you mean 'region'? Join it to the answers.",
    )
    frame["age"] = ["old", "young", "young"]
    assert _problems(rake, frame, {"age": {"old": 3, "young": -1, "teen": 2}, "region": {"north": 4}}) == (
        "rake: totals of age ['young'] are negative or missing. Give counts or shares.",
        "rake: nobody answered in age ['teen']. Merge it with a category that is alike, in both.",
        "rake: age ['young'] of the answers has no total above 0. Add it, or leave these answers out.",
        "rake: region ['west'] of the answers has no total above 0. Add it, or leave these answers out.",
    )
    assert _problems(rake, frame, {"age": {"old": 3, "young": 1}, "region": {"north": 4, "west": 2}}) == (
        "rake: the margins add up to different totals: age 4, region 6. Count them on the same customers.",
    )
    assert _problems(rake, frame, {}) == ("rake: there is no margin. Give at least one column with its totals.",)
    assert _problems(rake, frame.iloc[:0], {"age": {"old": 3}}) == (
        "rake: nobody answered. Give at least one response.",
    )


def test_raking_refuses_margins_that_cannot_be_met():
    # every old customer is in the north: 5 old and only 4 in the north cannot be
    frame = pd.DataFrame({"age": ["old", "young", "old"], "region": ["north", "south", "north"]})
    found = _problems(rake, frame, {"age": {"old": 5, "young": 5}, "region": {"north": 4, "south": 6}})
    assert found == (
        "rake: after 2,000 rounds the margins are still off by 1.0e-01 of the population. They contradict each other "
        "among those who answered: merge rare categories.",
    )
    assert _problems(rake, frame, {"age": {"old": 5, "young": 5}}, bounds=(0.9, 1.2)) == (
        "rake: age 'old' needs an average weight of 0.75 times the mean, outside 0.9 to 1.2. Widen the bounds, or "
        "merge the category with one that is alike.",
        "rake: age 'young' needs an average weight of 1.5 times the mean, outside 0.9 to 1.2. Widen the bounds, or "
        "merge the category with one that is alike.",
    )
    # n holds 20 of 100: those of a in n have at most 20 - 3 = 17, so the one of a in s would have to weigh 33, over 20
    tight = pd.DataFrame({"age": list("aaaaabbbbb"), "region": list("nnnnsnssss")})
    found = _problems(rake, tight, {"age": {"a": 50, "b": 50}, "region": {"n": 20, "s": 80}}, bounds=(0.3, 2))
    assert found[0].endswith(
        "They contradict each other among those who answered, or within the bounds: merge rare categories or widen the "
        "bounds."
    )
    assert _problems(rake, frame, {"age": {"old": 5, "young": 5}}, bounds=(2, 3)) == (
        "rake: bounds are 2 and 3. Give one from 0 to below 1 and one above 1.",
    )


def test_weights_that_cannot_be_are_refused():
    frame = pd.DataFrame({"age": ["old", "young"]})
    assert _problems(rake, frame, {"age": {"old": 1, "young": 1}}, weights=pd.Series([0.0, 1.0])) == (
        "rake: 1 of 2 weights to start from are 0, negative or missing. Leave those out.",
    )
    assert _problems(rake, frame, {"age": {"old": 1, "young": 1}}, weights=[1.0, 1.0]) == (
        "rake: the weights are not on the index of the frame. Give a Series with one weight a response.",
    )
    assert _problems(design_effect, [1, -1]) == (
        "design_effect: 1 of 2 weights are negative or missing. Give 0 or more.",
    )
    assert _problems(weight_summary, [0, 0]) == (
        "weight_summary: none of 2 weights is above 0. Give the weights of those who answered.",
    )
    assert _problems(weighted_mean, pd.Series([1.0]), pd.Series([-1.0]), unit="points") == (
        "weighted mean: 1 of 1 weights are negative or missing. Give 0 or more.",
    )
    assert _problems(weighted_mean, pd.Series([1.0]), pd.Series([1.0], index=[5]), unit="points") == (
        "weighted mean: values and weights have different indexes. Take both from the same frame.",
    )
    assert _problems(weighted_mean, [1.0], [1.0, 2.0], unit="points") == (
        "weighted mean: there are 1 values and 2 weights. Give one weight a response.",
    )
    assert _problems(weighted_means, frame, ["aeg"], by="branch") == (
        "weighted_means: the frame lacks column 'aeg'. Did you mean 'age'? Name one it has.",
        "weighted_means: the frame lacks column 'branch'. Name one it has.",
    )
    assert _problems(post_stratify, frame, pd.Series({"old": 1.0})) == (
        "post_stratify: the totals do not say which columns they are for. Name the levels of their index.",
    )
