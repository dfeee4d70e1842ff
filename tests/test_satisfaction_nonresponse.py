"""Non-response: hand arithmetic, a published library's fit, recovery of a known truth, degenerate surveys."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit

from crmlab.errors import CrmlabError
from crmlab.satisfaction.survey.nonresponse import (
    ResponsePropensity,
    item_nonresponse,
    nonresponse_evidence,
    respondents_compared,
)


def _asked(n, strength, seed=1):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": generator.normal(50, 15, n),
            "segment": generator.choice(list("abc"), n),
            "is_digital": generator.random(n) < 0.4,
        }
    )
    chance = expit(-1 + strength * ((frame["age"] - 50) / 15 + (frame["segment"] == "a")))
    return frame, chance


def test_chances_are_those_of_a_logistic_regression():
    frame, chance = _asked(800, 0.7)
    answered = pd.Series(np.random.default_rng(2).random(800) < chance)
    model = ResponsePropensity(["age", "segment", "is_digital"], penalty=1e-9).fit(frame, answered)
    design = sm.add_constant(
        pd.get_dummies(frame[["age", "segment", "is_digital"]], columns=["segment"], drop_first=True).astype(float)
    )
    other = sm.Logit(answered.astype(float), design).fit(disp=0).predict(design)
    assert model.predict_proba(frame).to_numpy() == pytest.approx(other.to_numpy(), abs=1e-7)
    shuffled = frame.sample(frac=1, random_state=3)
    again = model.predict_proba(shuffled)
    assert again.reindex(frame.index).to_numpy() == pytest.approx(model.predict_proba(frame).to_numpy())


def test_the_indicator_by_hand():
    # half old (2 in 3 answer), half young (1 in 3): deviation of chances 1/6, indicator 1 - 2/6 before correction;
    # the error of a chance: 2/9 / 300 each, of half their difference 1/2 of that
    frame = pd.DataFrame({"age": np.repeat(["old", "young"], 300)})
    answered = pd.Series(np.tile([True, True, False], 100).tolist() + np.tile([True, False, False], 100).tolist())
    model = ResponsePropensity(["age"], penalty=1e-9).fit(frame, answered)
    assert model.predict_proba(frame).iloc[[0, -1]].tolist() == pytest.approx([2 / 3, 1 / 3])
    corrected = 1 / 36 - (2 / 9 / 300) / 2
    assert model.r_indicator_.value == pytest.approx(1 - 2 * corrected**0.5, abs=1e-6)


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_the_indicator_holds_the_truth(strength):
    frame, chance = _asked(600, strength)
    truth, held, values = 1 - 2 * np.std(chance), 0, []
    generator = np.random.default_rng(4)
    for _ in range(150):
        answered = pd.Series(generator.random(600) < chance)
        found = ResponsePropensity(["age", "segment", "is_digital"]).fit(frame, answered).r_indicator_
        held += found.low <= truth <= found.high
        values.append(found.value)
    assert held >= 136  # 95 % of 150 are 142.5 with a standard error of 2.7
    assert np.mean(values) == pytest.approx(truth, abs=0.015)


def test_random_response_is_near_one_where_a_naive_indicator_is_not():
    frame, _ = _asked(500, 0)
    answered = pd.Series(np.random.default_rng(5).random(500) < 0.3)
    model = ResponsePropensity(["age", "segment", "is_digital"]).fit(frame, answered)
    assert model.r_indicator_.high == 1
    assert model.r_indicator_.value > 1 - 2 * np.std(model.predict_proba(frame))


def test_weights_take_the_bias_away():
    frame, chance = _asked(20_000, 0.8, seed=6)
    generator = np.random.default_rng(7)
    score = frame["age"] / 10 + generator.normal(0, 1, len(frame))
    answered = pd.Series(generator.random(len(frame)) < chance)
    model = ResponsePropensity(["age", "segment"]).fit(frame, answered)
    rows = frame[answered]
    plain, truth = score[answered].mean(), score.mean()
    for classes, left in ((None, 0.05), (5, 0.15)):
        weight = model.weights(rows, classes=classes)
        assert weight.mean() == pytest.approx(1)
        bias = np.average(score[answered], weights=weight) - truth
        assert abs(bias) < left < (plain - truth) / 3
    assert model.weights(rows, classes=5).nunique() == 5


def test_partial_indicators_name_the_cause():
    frame, chance = _asked(4_000, 1.0, seed=8)
    answered = pd.Series(np.random.default_rng(9).random(4_000) < chance)
    frame["age_again"] = frame["age"] * 2 + 3  # tells the same: nothing is lost without either
    model = ResponsePropensity(["age", "segment", "is_digital"]).fit(frame, answered)
    table = model.partial_indicators(frame, answered).set_index("column")
    assert table.index.tolist()[:2] == ["age", "segment"]
    assert table.loc["is_digital", "beside_others"] < 0.02
    both = ResponsePropensity(["age", "age_again"]).fit(frame, answered).partial_indicators(frame, answered)
    assert (both["alone"] > 0.15).all()
    assert (both["beside_others"] < 0.02).all()


def test_differences_by_hand():
    # ages 30 to 80: all 55, deviation 17.078; those of 50, 70, 80 answered: mean 66.667; (66.667 - 55) / 17.078
    frame = pd.DataFrame({"age": [30.0, 40, 50, 60, 70, 80], "sex": list("ffmmff")})
    answered = pd.Series([False, False, True, False, True, True])
    table = respondents_compared(frame, answered, ["age", "sex"]).set_index(["column", "category"])
    assert table.loc[("age", ""), "x"] == pytest.approx(0.68314, abs=1e-5)
    assert table.loc[("sex", "f"), "all_mean"] == pytest.approx(4 / 6)
    assert table.loc[("sex", "m"), "response_share"] == pytest.approx(1 / 2)
    # respondents less all = half of respondents less the others; their means 66.667 and 43.333
    error = 0.5 * np.sqrt(np.var([50, 70, 80], ddof=1) / 3 + np.var([30, 40, 60], ddof=1) / 3) / 17.078251
    assert table.loc[("age", ""), "x_high"] - 0.68314 == pytest.approx(1.959964 * error, abs=1e-4)


def test_gaps_count_as_gaps():
    frame = pd.DataFrame({"age": [30.0, np.nan] * 50, "job": (["clerk", None] * 50)})
    answered = pd.Series([True, False, False, False] * 25)
    table = respondents_compared(frame, answered, ["age", "job"])
    assert table[table["category"] == "not known"]["response_share"].item() == 0
    assert table[table["column"] == "age"]["x"].isna().all()  # all known ages are alike
    model = ResponsePropensity(["age", "job"]).fit(frame, answered)
    assert model.predict_proba(frame).between(0.001, 0.999).all()  # nobody of a group answered: still above 0


def test_questions_left_open():
    answers = pd.DataFrame({"wave": ["a", "a", "b"], "q1": [5.0, np.nan, 1], "q2": [1.0, 2, np.nan]})
    table = item_nonresponse(answers, ["q1", "q2"], by="wave")
    assert table["x"].tolist() == [0.5, 0, 0, 1]
    assert table["is_asked"].tolist() == [True, True, True, False]
    assert item_nonresponse(answers, ["q1"])["missing_count"].tolist() == [1]


def test_the_evidence_is_computed():
    frame, chance = _asked(2_000, 1.0, seed=10)
    answered = pd.Series(np.random.default_rng(11).random(2_000) < chance)
    told = nonresponse_evidence(frame, answered, ["age", "segment"])
    assert told["r_indicator"].n == 2_000
    assert told.title.startswith(f"{told['response_share'].short} answered; representativity 0.")
    assert len(told.title) <= 70
    assert "Farthest: age (+" in told.reading


def _problems(call, *args, **kwargs):
    with pytest.raises(CrmlabError) as error:
        call(*args, **kwargs)
    return error.value.problems


def test_what_cannot_be_is_refused():
    frame = pd.DataFrame({"age": [1.0, 2], "sex": ["f", "m"]})
    yes, mixed = pd.Series([True, True]), pd.Series([True, False])
    model = ResponsePropensity(["sex"])
    assert _problems(model.predict_proba, frame) == ("ResponsePropensity: nothing was learned yet. Call fit first.",)
    assert _problems(model.fit, frame, yes) == (
        "ResponsePropensity: everybody answered. There is nothing to compare; respondents are all customers, or none.",
    )
    assert _problems(model.fit, frame.iloc[:0], yes.iloc[:0]) == (
        "ResponsePropensity: nobody was asked. There is nothing to compare; respondents are all customers, or none.",
    )
    assert _problems(model.fit, frame, pd.Series([1, 3])) == (
        "ResponsePropensity: answered holds more than true and false. Give one of them for every customer asked.",
    )
    assert _problems(model.fit, frame, [True, False]) == (
        "ResponsePropensity: answered is not on the index of those asked. Give a Series of true and false, one a "
        "customer.",
    )
    assert _problems(ResponsePropensity(["aeg"]).fit, frame, mixed) == (
        "ResponsePropensity: the frame lacks column 'aeg'. Did you mean 'age'? Name one it has.",
    )
    assert _problems(respondents_compared, frame, mixed, []) == (
        "respondents_compared: there are no features. Name what the bank knows of everyone it asked.",
    )
    model.fit(frame, mixed)
    assert _problems(model.predict_proba, frame.assign(sex=["f", "x"])) == (
        "ResponsePropensity: sex ['x'] was not among those asked. Fit again with it.",
    )
    assert _problems(model.weights, frame, classes=1) == (
        "weights: 1 classes. Give 2 or more, or None for each one's own chance.",
    )
