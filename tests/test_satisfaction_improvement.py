"""What to improve first: effects freed of error, what is told apart, the ranking, groups, money, and the answer."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.satisfaction.importance.branch_trial import smallest_rise, within_cluster_correlation
from crmlab.satisfaction.importance.cost_of_a_point import NOT_IN_IT, cost_of_a_point
from crmlab.satisfaction.importance.driver_groups import DriverGroups, driver_groups, groups_in
from crmlab.satisfaction.importance.outcome_year import outcome_year
from crmlab.satisfaction.importance.performance_map import importance_and_performance
from crmlab.satisfaction.importance.priorities import Priorities, fixed_in, items_to_work_on, priorities
from crmlab.satisfaction.importance.worth import Worth
from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.satisfaction.measurement.invariance import compare_groups
from crmlab.satisfaction.measurement.measured import freed_of_error, measured
from crmlab.satisfaction.measurement.told_apart import construct_with, told_apart
from crmlab.satisfaction.measurement.validity import validity_gate
from crmlab.satisfaction.measurement.wave_pool import are_alike, pooled_responses
from crmlab.satisfaction.pages import improvement_answer, improvement_evidence
from crmlab.satisfaction.pages.improvement import improvement_on
from crmlab.satisfaction.pages.path_evidence import effects_table, number_name, paths_between
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.moments import Moments
from crmlab.satisfaction.path_models.partial_least_squares import PartialLeastSquares
from crmlab.satisfaction.path_models.solution import solve
from crmlab.satisfaction.study import Study
from crmlab.stats import Estimate, Evidence

MODEL = PathModel(
    {"image": ["i1", "i2"], "speed": ["q1", "q2"], "fees": ["f1", "f2"], "satisfaction": ["s1", "s2"]},
    {"speed": ["image"], "fees": ["image"], "satisfaction": ["image", "speed", "fees"]},
    titles={"image": "Image", "speed": "Speed", "fees": "Fees", "satisfaction": "Satisfaction"},
)


def _answers(n, *, seed=1, speed=0.6, fees=0.2, alike=False, shift=0.0, wave="yearly 2024"):
    rng = np.random.default_rng(seed)
    latent = {"image": rng.normal(size=n)}
    latent["speed"] = 0.4 * latent["image"] + 0.9 * rng.normal(size=n)
    latent["fees"] = latent["speed"] if alike else 0.4 * latent["image"] + 0.9 * rng.normal(size=n)
    latent["satisfaction"] = (
        0.1 * latent["image"] + speed * latent["speed"] + fees * latent["fees"] + 0.5 * rng.normal(size=n)
    )
    items = {
        item: np.clip(6 + shift + latent[name] + 0.5 * rng.normal(size=n), 0, 10)
        for name, own in MODEL.latents.items()
        for item in own
    }
    who = [f"c{seed}-{number}" for number in range(n)]
    return pd.DataFrame(items).assign(customer_id=who, wave=wave, weight=1.0)


def _study(*waves):
    frame = pd.concat(waves, ignore_index=True)
    names = tuple(dict.fromkeys(frame["wave"]))
    now = frame[frame["wave"] == names[-1]].reset_index(drop=True)
    found = measured(now, MODEL, weights="weight", clusters="customer_id", resamples=200)
    index = SatisfactionIndex(MODEL, low=0, high=10).fit(now)
    words = SimpleNamespace(latents={
        name: SimpleNamespace(items={item: {"en": f"Words of {item}."} for item in own})
        for name, own in MODEL.latents.items()
    })  # fmt: skip
    answers = SimpleNamespace(scale=(0, 10), questionnaire=words)
    return Study(answers, frame, names, names[-1], names[0], MODEL, index, found, validity_gate(found), {}, ("Said.",))


@pytest.fixture(scope="module")
def study():
    return _study(_answers(400, seed=1, wave="yearly 2023", shift=-1), _answers(400, seed=2))


@pytest.fixture(scope="module")
def judged(study):
    return told_apart(study, resamples=200)


def test_freed_effects_are_those_of_consistent_least_squares(study):
    found = study.found
    freed = freed_of_error(found)
    known = PartialLeastSquares(MODEL, consistent=True).fit_moments(found.moments)
    np.testing.assert_allclose(freed.solution.paths, known.solution_.paths, atol=1e-9)
    one = PartialLeastSquares(MODEL, consistent=True).fit_covariance(
        pd.DataFrame(found.resampled.covariance[3], index=MODEL.items, columns=MODEL.items)
    )
    np.testing.assert_allclose(freed.solutions.paths[3], one.solution_.paths, atol=1e-7)
    assert freed.is_freed
    assert freed_of_error(freed) is freed
    assert (freed.n, freed.unsolved_count) == (found.n, 0)


def test_importance_freed_of_error_is_the_slope_between_latent_variables():
    # latent x: items move 1.2 points a standard deviation; y = .5 x + rest: items move 1.5. A point of x's index is
    # 1 / 1.2 standard deviations, .5 / 1.2 of y, .5 x 1.5 / 1.2 = .625 points of y's. The plain one is less.
    model = PathModel({"x": ["x1", "x2"], "y": ["y1", "y2"]}, {"y": ["x"]})
    loading = np.array([1.2, 1.2, 1.5, 1.5])
    latent = np.array([[1, 1, 0.5, 0.5]] * 2 + [[0.5, 0.5, 1, 1]] * 2)
    covariance = latent * np.outer(loading, loading) + np.diag([1.0] * 4)
    seen = Moments(("x1", "x2", "y1", "y2"), np.full(4, 6.0), covariance, 100, 100.0)
    freed = solve(covariance, model, consistent=True)
    value, _ = importance_and_performance(seen, freed, low=0, high=10, freed=True)
    plain, _ = importance_and_performance(seen, solve(covariance, model), low=0, high=10)
    assert value[0, 1] == pytest.approx(0.625, abs=1e-9)
    # reliability of x's index 2 x 1.44 / (2 x 1.44 + 1) = .742, which the plain slope is short by: .625 x .742
    assert plain[0, 1] == pytest.approx(0.625 * 2.88 / 3.88, abs=1e-9)


def test_alike_waves_are_pooled_and_the_means_stay_those_of_the_judged_one(study, judged):
    assert judged.waves == ("yearly 2023", "yearly 2024")
    assert (judged.plain.n, judged.plain.standing_n) == (800, 400)
    np.testing.assert_allclose(judged.plain.moments.mean, study.found.moments.mean)
    assert judged.said == (
        "Effects are of 2 waves together, 800 responses of 800 customers: none of 4 comparisons of what makes up the "
        "latent variables, and none of 3 of paths to satisfaction, shows a difference between waves beyond chance. How "
        "well each stands is of yearly 2024."
    )
    alone = told_apart(study, pool=False)
    assert (alone.plain.n, alone.said) == (400, "Effects are of yearly 2024, n = 400.")


def test_pooled_responses_have_the_mean_of_the_judged_wave_and_their_own_spread(study):
    frame = pooled_responses(study, study.waves)
    items = list(MODEL.items)
    means = frame.groupby("wave")[items].mean()
    np.testing.assert_allclose(means.loc["yearly 2023"], means.loc["yearly 2024"])
    was = study.frame[study.frame["wave"] == "yearly 2023"][items]
    np.testing.assert_allclose(frame[frame["wave"] == "yearly 2023"][items].cov(), was.cov())


def test_waves_with_another_path_are_not_pooled():
    changed = _study(_answers(400, seed=3, speed=0.1, fees=0.9, wave="yearly 2023"), _answers(400, seed=4))
    found = are_alike(changed, changed.waves)
    assert not found.is_alike
    assert "the path of speed differs in yearly 2023" in found.reading
    judged = told_apart(changed)
    assert judged.waves == ("yearly 2024",)
    assert judged.said.startswith("Effects are of yearly 2024 alone, n = 400: ")


def test_what_cannot_be_told_apart_is_joined_and_said():
    found = told_apart(_study(_answers(400, alike=True)), resamples=100)
    assert found.is_joined
    assert found.gate.is_open
    assert "speed_fees" in found.model.constructs
    assert found.reading.endswith("What follows is of the model with these joined, estimated anew.")
    assert construct_with(found.model, "fees", MODEL) == ("speed_fees",)
    assert fixed_in(found.model, "image, fees, price", MODEL) == (("image",), ("price",))  # fees are but a part of it
    assert fixed_in(found.model, ["speed", "fees"], MODEL) == (("speed_fees",), ())


def test_where_joining_leaves_nothing_the_gate_stays_closed():
    model = PathModel({"a": ["i1", "i2"], "b": ["q1", "q2"]}, {"b": ["a"]})
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(300, 1)) + 0.5 * rng.normal(size=(300, 4)), columns=["i1", "i2", "q1", "q2"])
    frame = frame.assign(customer_id=range(300), wave="yearly 2024", weight=1.0)
    found = measured(frame, model, resamples=50)
    study = Study(None, frame, ("yearly 2024",), "yearly 2024", "", model, None, found, validity_gate(found), {}, ())
    judged = told_apart(study)
    assert (judged.gate.is_open, judged.is_joined) == (False, False)
    assert judged.reading.endswith(
        "They cannot be joined either: merged_model: joining a and b leaves no path. There is nothing to explain; ask "
        "other items."
    )


def test_an_unknown_construct_is_refused():
    with pytest.raises(CrmlabError) as refusal:
        construct_with(MODEL, "sped", MODEL)
    assert str(refusal.value) == (
        "construct 'sped' is not in the model. Did you mean 'speed'? Known: ['image', 'speed', 'fees', 'satisfaction']."
    )


def test_the_ranking_leaves_out_what_is_fixed_and_counts_who_comes_first(judged):
    found = priorities(judged, "satisfaction", low=0, high=10, fixed=["image"])
    assert found.levers == ("speed", "fees")
    assert (found.first, found.is_clear) == ("speed", True)
    assert found.first_share == np.mean(found.draws[:, 0] > found.draws[:, 1])
    assert found.map.frame.set_index("name")["is_ranked"].to_dict() == {"image": False, "speed": True, "fees": True}
    assert found.map.reading.endswith("Not ranked, because nobody raises them by working on them: Image.")
    assert (found.map["importance_speed"].n, found.map["performance_speed"].n) == (800, 400)
    levers = found.ranking.frame
    assert found.borders["importance_border"] == pytest.approx(levers["importance"].mean())
    assert found.table()["comes_first_share"].sum() == pytest.approx(1)
    low, high = found.map["importance_speed"].low, found.map["importance_speed"].high
    assert low < 0.6 < high  # planted: all latent variables move their items by one point


def test_one_lever_is_not_ranked_and_none_is_said(judged):
    one = priorities(judged, "satisfaction", low=0, high=10, fixed=["image", "fees"])
    assert (one.levers, one.is_clear, math.isnan(one.first_share)) == (("speed",), False, True)
    assert one.ranking.reading.endswith("There is nothing to rank it against.")
    none = priorities(judged, "satisfaction", low=0, high=10, fixed=["image", "fees", "speed"])
    assert (none.levers, none.first) == ((), "")
    assert none.ranking.title == "No driver that can be worked on can be judged"


def test_items_are_ordered_by_what_there_is_to_gain(study, judged):
    found = items_to_work_on(judged, "speed", "satisfaction", low=0, high=10, questionnaire=study.answers.questionnaire)
    rows = found.frame
    assert set(rows["text"]) == {"Words of q1", "Words of q2"}
    np.testing.assert_allclose(rows["room"], rows["importance"] * (100 - rows["performance"]))
    assert rows["room"].is_monotonic_decreasing
    assert rows["n"].tolist() == [400, 400]
    assert found.reading.startswith(f"Most is to be gained at “{rows['text'].iloc[0]}”")


def test_paths_stand_beside_plain_ones_and_effects_add_up(judged):
    found = paths_between(judged)
    rows = found.frame.set_index(["cause", "effect"])
    assert rows.loc[("Speed", "Satisfaction"), "coefficient"] > rows.loc[("Speed", "Satisfaction"), "plain"]
    assert {"speed_to_satisfaction", "r2_satisfaction"} <= set(found.estimates)
    table = effects_table(judged, ["satisfaction", "speed"]).set_index("driver")
    row = table.loc["Image"]
    assert row["total"].value == pytest.approx(row["direct"].value + row["indirect"].value)
    assert table.loc["Speed", "indirect"] is None
    assert table.loc["Image", "Total on speed"].value == pytest.approx(found["image_to_speed"].value)


def test_long_names_of_numbers_are_cut_and_stay_different():
    names = [number_name("joined", *(["handling_efficiency"] * 4), end) for end in ("a", "b")]
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {60}


@pytest.mark.parametrize(
    ("values", "fewest", "most", "counts", "said"),
    [
        ({"under 30": 2, "30 to 44": 5, "45 to 59": 5, "60 and over": 4}, 3, 3,
         {"up to 44": 7, "45 to 59": 5, "60 and over": 4}, "Joined: up to 44."),
        ({"30 to 44": 9, "45 to 59": 9}, 3, 3, {"30 to 44": 9, "45 to 59": 9}, ""),
        ({"30 to 44": 9, "45 to 59": 1}, 3, 3, {"30 to 59": 10}, "Joined: 30 to 59."),
        ({"30 to 44": 4, "45 to 59": 4, "60 to 74": 4, "75 and over": 9}, 3, 3,
         {"30 to 59": 8, "60 to 74": 4, "75 and over": 9}, "Joined: 30 to 59."),
    ],
)  # fmt: skip
def test_neighbouring_bands_are_joined_until_they_are_large_enough(values, fewest, most, counts, said):
    names = list(values)
    column = pd.Series(pd.Categorical([n for n, k in values.items() for _ in range(k)], names, ordered=True))
    found, told = groups_in(column, fewest=fewest, most=most)
    assert (found.value_counts(sort=False).to_dict(), told) == (counts, said)


def test_of_groups_without_order_the_small_are_left_out():
    column = pd.Series(["a"] * 5 + ["b"] * 4 + ["c"] * 2 + ["not known"] * 3)
    found, told = groups_in(column, fewest=3)
    assert found.value_counts().to_dict() == {"a": 5, "b": 4}
    assert told == (
        "3 responses have no known group. 1 group with 2 responses left out: under 3 responses, or more than the 3 "
        "largest."
    )


def test_groups_with_another_path_are_found_and_named():
    one = _answers(400, seed=7).assign(age_band="young")
    other = _answers(400, seed=8, speed=0.1, fees=0.9, shift=-1.0).assign(age_band="old")
    both = _study(pd.concat([one, other], ignore_index=True))
    judged = told_apart(both, resamples=100)
    found = driver_groups(both, judged, both.index, target="satisfaction", first="speed", permutations=200)
    assert (found.by, found.lowest, found.strongest) == ("age_band", "old", "young")
    assert set(found.paths.frame["cause"]) == {"Image", "Speed", "Fees"}
    assert found.paths["paths_compared"].value == 3
    assert found.paths["paths_different"].value == 2
    assert "speed on satisfaction" in found.differences
    levels = found.levels.set_index("group")
    assert levels.loc["old", "Speed"].value < levels.loc["young", "Speed"].value
    assert list(levels) == ["Image", "Speed", "Fees", "Satisfaction", "n"]


def test_too_few_groups_and_unknown_ones_are_refused(study, judged):
    with pytest.raises(CrmlabError) as refusal:
        driver_groups(study, judged, study.index, target="satisfaction", by="age_bond")
    assert str(refusal.value) == "groups: this bank has no 'age_bond'. Known: []."
    alone = _study(_answers(150).assign(age_band="young"))
    with pytest.raises(CrmlabError) as refusal:
        driver_groups(alone, told_apart(alone), alone.index, target="satisfaction", by="age_band")
    assert str(refusal.value) == (
        "groups: age_band has 1 group of 100 or more responses. Ask more customers, or compare other groups."
    )


def test_only_paths_to_the_effects_asked_for_are_compared():
    frame = _answers(200).assign(half=["a", "b"] * 100)
    found = compare_groups(frame, MODEL, by="half", effects=["satisfaction"], permutations=50)
    every = compare_groups(frame, MODEL, by="half", permutations=50)
    assert (set(found.paths["effect"]), len(found.paths), len(every.paths)) == ({"satisfaction"}, 3, 5)
    with pytest.raises(CrmlabError) as refusal:
        compare_groups(frame, MODEL, by="half", effects=["image"], permutations=50)
    assert str(refusal.value) == (
        "compare_groups: nothing acts on 'image'. Choose from ['speed', 'fees', 'satisfaction']."
    )


def test_answers_alike_within_branches_make_a_trial_see_less():
    # 12 branches of 4 responses, all of a branch alike: the likeness is 1, so 48 responses say as much as 12
    branch = pd.Series(np.repeat([f"b{k}" for k in range(12)], 4))
    values = pd.Series(np.repeat(np.arange(12.0), 4))
    weights = pd.Series(np.ones(48))
    assert within_cluster_correlation(values.to_numpy(), branch.to_numpy()) == pytest.approx(1)
    alone, plan = smallest_rise(values, weights)
    # (1.96 + .8416) x deviation x sqrt(1 / 24 + 1 / 24); deviation of 0 to 11, four times each: sqrt(572 / 47)
    assert alone.value == pytest.approx(2.801585 * math.sqrt(572 / 47) * math.sqrt(1 / 12), rel=1e-5)
    assert plan == "customers drawn at random, half of them held out"
    shared, plan = smallest_rise(values, weights, branch)
    assert shared.value == pytest.approx(2 * alone.value)
    assert plan == "half of 12 branches drawn at random, the others held out"
    few, plan = smallest_rise(values, weights, branch.replace({f"b{k}": "b0" for k in range(5)}))
    assert (few.value, plan.split()[0]) == (alone.value, "customers")
    assert math.isnan(smallest_rise(values.head(1), weights.head(1))[0].value)


def test_branches_that_do_not_differ_have_no_likeness():
    assert within_cluster_correlation(np.array([1.0, 2, 1, 2]), np.array(["a", "a", "b", "b"])) == 0
    assert within_cluster_correlation(np.array([1.0, 2.0]), np.array(["a", "a"])) == 0


def _ranked(share=0.97, names=("speed", "fees")):
    rows = pd.DataFrame({
        "name": names, "title": [name.capitalize() for name in names], "importance": [0.6, 0.5][: len(names)],
        "importance_low": 0.4, "importance_high": 0.8, "performance": 60.0, "performance_low": 58.0,
        "performance_high": 62.0, "first_share": [share, 1 - share][: len(names)], "n": 400,
    })  # fmt: skip
    draws = np.random.default_rng(1).normal(0.5, 0.05, (300, len(names)))
    return Priorities("satisfaction", tuple(names), None, Evidence(rows, "", "", ""), draws, MODEL)


def _case(ranked):
    judged = SimpleNamespace(asked=SimpleNamespace(is_open=True))
    return SimpleNamespace(ranked=ranked, aim="satisfaction", judged=judged, title=lambda name: name.capitalize())


def test_the_headline_names_one_only_where_it_is_clear():
    assert improvement_answer.headline(_case(_ranked()), "") == (
        "Improve speed first: one more point of its index goes with 0.60 points of satisfaction (0.40 to 0.80, n = "
        "400), the most of 2 dimensions in 97.0 % of the resamples. The index is 60.0 (58.0 to 62.0) of 100."
    )
    assert improvement_answer.headline(_case(_ranked(0.6)), "") == (
        "No dimension clearly comes first. Points of satisfaction that go with one more point of each: Speed 0.60 "
        "(0.40 to 0.80; first in 60.0 % of the resamples), fees 0.50 (0.40 to 0.80; first in 40.0 % of the resamples); "
        "n = 400. Begin with speed unless a point of another costs clearly less."
    )
    assert improvement_answer.headline(None, "3 responses.") == "What to improve first cannot be said: 3 responses."


def test_money_that_may_be_nothing_is_said_to_be_no_ground_for_a_budget():
    draws = np.random.default_rng(2).normal(0.1, 0.1, 300)
    estimates = {
        "break_even_amount": Estimate(0.1, "EUR", -0.1, 0.3, 500),
        "kept_share": Estimate(0.001, "share", -0.0002, 0.002, 500),
    }
    worth = Worth(pd.DataFrame(), "", "", "", estimates, draws)
    ranked = _ranked()
    cost = cost_of_a_point(ranked, worth, customers_count=1_000, currency="EUR")
    amount = cost["point_amount_speed"]
    assert amount.value == pytest.approx(0.6 * 0.1 * 1_000)
    assert amount.low < 0 < amount.value < amount.high
    assert cost.title == "What a point may cost is not sure to be above 0"
    assert cost.reading.endswith(f"Not in the interval: {'; '.join(NOT_IN_IT)}.")
    said = improvement_answer.in_money(_case(ranked), SimpleNamespace(worth=worth, cost=cost), "")
    assert said.startswith(
        "One more point of satisfaction goes with 1.0 fewer leavers a year in 1,000 customers (-0.2 to 2.0 fewer, n = "
        "500). So one more point of speed goes with EUR 60.00 of margin kept a year ("
    )
    assert said.endswith("The interval reaches below 0, so no budget can be founded on it yet.")


def test_nothing_known_is_answered_in_plain_words():
    assert improvement_answer.outlook(None, None, "", None, "") == (
        "For whom, and what a point is worth, is not known either."
    )
    assert improvement_answer.what_to_try(None, None, "") == (
        "Nothing can be tried on such a ground; ask more customers first."
    )
    assert improvement_evidence.money(None, None) == (None, improvement_evidence.NO_MODEL)
    assert improvement_evidence.to_try(None, None) == (None, None, "")
    assert improvement_evidence.numbers(None, None, None, None, None) == {}


def test_groups_are_told_in_words():
    rows = pd.DataFrame({"is_different": [False]})
    paths = pd.DataFrame({"cause": ["Speed", "Fees"] * 2, "group": ["old"] * 2 + ["young"] * 2,
                          "coefficient": [0.4, 0.3, 0.2, 0.5]})  # fmt: skip
    told = DriverGroups(
        "age_band", Evidence(paths, "", "", "", {"paths_compared": Estimate(6.0, "count"),
                                                         "paths_different": Estimate(0.0, "count")}),
        pd.DataFrame({"group": ["old"], "Speed": [Estimate(61.0, "index", 60.0, 62.0, 120)]}), "old", "",
        SimpleNamespace(paths=rows), "",
    )  # fmt: skip
    assert improvement_answer.for_whom(_case(_ranked()), told, "") == (
        "By age, none of 6 comparisons of paths shows a difference beyond chance, so this is said for all groups. "
        "Speed has the largest path in 1 of 2 groups. Speed is lowest among old: 61.0 (60.0 to 62.0, n = 120)."
    )


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    from crmlab.simulation import simulate

    return Bank.open(simulate(tmp_path_factory.mktemp("drivers") / "bank", customers=700, months=28).folder).as_of("")


@pytest.fixture(scope="module")
def case(bank):
    return improvement_on(bank, fixed="image, expectations", resamples=100)[0]


def test_the_year_after_a_wave_begins_when_it_has_ended(bank, case):
    study = case.study
    year = outcome_year(bank, study.answers, study.frame, case.index, "satisfaction")
    ends = study.answers.frame.groupby("wave")["answered_on"].max()
    # 28 months from January 2023 end in April 2025: a wave that ended by April 2024 has a full year
    assert year.waves == tuple(
        wave for wave, day in ends.items() if day + pd.DateOffset(years=1) <= pd.Timestamp(bank.date)
    )
    left_on = bank.frame("customers", ["customer_id", "left_on", "left_reason"]).set_index("customer_id")
    for wave in year.waves:
        rows = year.frame[year.frame["wave"] == wave].set_index("customer_id")
        day = left_on["left_on"].reindex(rows.index)
        assert not (day <= ends[wave]).any()
        within = (day > ends[wave]) & (day <= ends[wave] + pd.DateOffset(years=1))
        within &= left_on["left_reason"].reindex(rows.index) == "customer"
        assert (rows["left"] == within).all()
        assert rows.loc[rows["left"] == 1, "margin_after_amount"].isna().all()
    assert year.frame["score"].between(0, 100).all()
    assert set(year.controls) >= {"age_years", "tenure_years", "products_count"}


def test_a_bank_without_a_full_year_says_when_to_come_back(bank, case):
    early = bank.as_of("2023-12-31")
    with pytest.raises(CrmlabError) as refusal:
        outcome_year(early, case.study.answers, case.study.frame, case.index, "satisfaction")
    end = case.study.answers.frame.groupby("wave")["answered_on"].max().min()
    assert str(refusal.value) == (
        f"outcome year: no wave was followed by 12 months; the first ended on {end:%Y-%m-%d}, the bank ends on "
        f"2023-12-31. Wait until {end + pd.DateOffset(years=1):%Y-%m-%d}."
    )


def test_a_misspelt_target_or_group_stops_the_run(bank, case):
    with pytest.raises(CrmlabError) as refusal:
        improvement_on(bank, target="loyality", resamples=100)
    assert str(refusal.value).startswith(
        "target 'loyality' is nothing that others act on. Did you mean 'loyalty'? Known"
    )
    with pytest.raises(CrmlabError) as refusal:
        improvement_evidence.groups(case, by="age_bend")
    assert str(refusal.value).startswith(
        "groups: 'age_bend' is no group. Did you mean 'age_band'? Known: ['age_band', "
    )


def test_satisfaction_is_not_what_a_budget_for_loyalty_is_spent_on(bank):
    found, _ = improvement_on(bank, target="loyalty", fixed="image, expectations", resamples=100)
    assert found.outcomes == ("loyalty", "satisfaction")
    assert "satisfaction" not in found.ranked.levers
    assert "value" in found.ranked.levers


def test_a_bank_with_too_few_answers_says_so(tmp_path):
    from crmlab.simulation import simulate

    bank = Bank.open(simulate(tmp_path / "bank", customers=30, months=4).folder).as_of("")
    case, why = improvement_on(bank, resamples=100)
    assert case is None or case.judged.found.n
    assert (case is None) == bool(why)


def test_every_number_is_labelled_and_the_plan_names_items(case):
    paths = paths_between(case.judged)
    table, rise, trial = improvement_evidence.to_try(case, None)
    numbers = improvement_evidence.numbers(case, paths, None, None, rise)
    labels = improvement_evidence.labels(case)
    assert set(numbers) <= set(labels)
    assert next(iter(numbers)) == "target_index"
    assert table["step"].tolist()[0] == "Work on"
    assert trial
    assert improvement_answer.headline(case, "")
