"""Importance and performance: as published, from the same resamples, and silent where nothing can be ranked."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.satisfaction.importance.performance_map import (
    QUADRANTS,
    importance_and_performance,
    item_map,
    performance_map,
)
from crmlab.satisfaction.measurement.measured import measured
from crmlab.satisfaction.measurement.validity import validity_gate
from crmlab.satisfaction.path_models.model import PathModel
from crmlab.satisfaction.path_models.moments import moments_from_covariance
from crmlab.satisfaction.path_models.solution import solve

SPANISH = PathModel(
    {name: [f"{name.lower()}{k}" for k in range(1, count + 1)]
     for name, count in {"IMAG": 5, "EXPE": 5, "QUAL": 5, "VAL": 4, "SAT": 4, "LOY": 4}.items()},
    {"EXPE": ["IMAG"], "QUAL": ["EXPE"], "VAL": ["EXPE", "QUAL"], "SAT": ["IMAG", "EXPE", "QUAL", "VAL"],
     "LOY": ["IMAG", "SAT"]},
    titles={"IMAG": "Image", "EXPE": "Expectations", "QUAL": "Quality", "VAL": "Value", "SAT": "Satisfaction",
            "LOY": "Loyalty"},
)  # fmt: skip
# Ringle and Sarstedt (2016) on weights of R cSEM 0.4.0.9000; equals its doIPMA x 10
SPANISH_PERFORMANCE = [75.8057418236478, 75.4012240557206, 69.9500116181254, 70.9664504016881, 68.5022363282687,
                       71.97274035572]  # fmt: skip
SPANISH_ON_LOYALTY = {"IMAG": 0.714327212402657, "EXPE": 0.302789149779757, "QUAL": 0.28445543292945,
                      "VAL": 0.32134879641572, "SAT": 0.549822855627252}  # fmt: skip
MODEL = PathModel(
    {"speed": ["a1", "a2"], "looks": ["b1", "b2"], "value": ["v1", "v2"], "sat": ["s1", "s2"]},
    {"value": ["speed"], "sat": ["speed", "looks", "value"]},
    titles={"speed": "Speed", "looks": "Looks", "value": "Value", "sat": "Satisfaction"},
)


def answers(n=300, seed=1):
    rng = np.random.default_rng(seed)
    speed, looks = rng.normal(size=(2, n))
    value = 0.5 * speed + 0.8 * rng.normal(size=n)
    sat = 0.5 * speed + 0.1 * looks + 0.3 * value + 0.6 * rng.normal(size=n)
    latent = {"a": 5 + speed, "b": 8 + looks, "v": 7 + value, "s": 6 + sat}
    return pd.DataFrame({item: latent[item[0]] + 0.5 * rng.normal(size=n) for item in MODEL.items})


@pytest.fixture(scope="module")
def found():
    return measured(answers(), MODEL, resamples=300)


@pytest.fixture(scope="module")
def spanish(real_data):
    frame = pd.read_csv(real_data / "spanish_bank_survey" / "satisfaction.csv", index_col=0)
    return measured(frame, SPANISH, resamples=500)


def message(function, *args, **kwargs):
    with pytest.raises(CrmlabError) as caught:
        function(*args, **kwargs)
    return caught.value.problems


def test_importance_by_hand():
    # single items: regression in points. sd of cause 2, of effect 3, correlation .6: .6 x 3 / 2 = .9; (7 - 1) / 9
    model = PathModel({"a": ["a"], "b": ["b"]}, {"b": ["a"]})
    table = pd.DataFrame([[4.0, 3.6], [3.6, 9.0]], index=["a", "b"], columns=["a", "b"])
    seen = moments_from_covariance(table, mean=[7.0, 5.5])
    importance, level = importance_and_performance(seen, solve(seen.covariance, model), low=1, high=10)
    assert importance[0, 1] == pytest.approx(0.9)
    np.testing.assert_allclose(level, [100 * 6 / 9, 50.0])


def test_importance_is_the_slope_of_the_scores():
    # a single cause: what ordinary least squares on the index of respondents gives
    frame = answers()
    model = PathModel({"speed": MODEL.latents["speed"], "sat": MODEL.latents["sat"]}, {"sat": ["speed"]})
    one = measured(frame, model, resamples=20)
    weights = one.solution.item_weights / one.solution.item_weights.sum(axis=0)
    scores = frame[list(model.items)].to_numpy() @ weights
    slope = np.polyfit(scores[:, 0], scores[:, 1], 1)[0]
    shown = performance_map(one, "sat", low=0, high=10)
    assert shown.frame["importance"][0] == pytest.approx(slope)


def test_the_spanish_bank_as_published(spanish):
    shown = performance_map(spanish, "LOY", low=0, high=10).frame.set_index("name")
    assert shown["importance"].to_dict() == pytest.approx(SPANISH_ON_LOYALTY, abs=1e-6)
    np.testing.assert_allclose(shown.loc[["IMAG", "EXPE", "QUAL", "VAL", "SAT"], "performance"],
                               SPANISH_PERFORMANCE[:5], atol=1e-6)  # fmt: skip
    _, level = importance_and_performance(spanish.moments, spanish.solution, low=0, high=10)
    np.testing.assert_allclose(level, SPANISH_PERFORMANCE, atol=1e-6)


def test_the_spanish_bank_behind_the_gate_ranks_nothing(spanish):
    shown = performance_map(spanish, "LOY", low=0, high=10, gate=validity_gate(spanish))
    assert shown.title == "One driver of loyalty can be judged; none can be ranked"
    assert shown.frame.set_index("name")["is_ranked"].to_dict() == {
        "IMAG": True, "SAT": False, "VAL": False, "EXPE": False, "QUAL": False,
    }  # fmt: skip
    assert shown.frame[[f"p_{name}" for name in QUADRANTS]].isna().all(axis=None)
    assert shown.reading.endswith(
        "Not ranked, because they cannot be told apart from another: Satisfaction, value, expectations and quality."
    )


def test_the_map_has_its_columns_shares_and_words(found):
    shown = performance_map(found, "sat", low=0, high=10)
    assert shown.frame.columns.tolist() == [
        "name", "title", "importance", "importance_low", "importance_high", "performance", "performance_low",
        "performance_high", "p_improve_first", "p_keep_up", "p_possible_overkill", "p_low_priority", "is_ranked",
    ]  # fmt: skip
    np.testing.assert_allclose(shown.frame[[f"p_{name}" for name in QUADRANTS]].sum(axis=1), 1.0)
    row = shown.frame.iloc[0]
    assert row["name"] == "speed"
    assert (row["p_improve_first"], shown.frame.set_index("name").loc["looks", "p_possible_overkill"]) == (1.0, 1.0)
    assert shown.title == "To raise satisfaction, improve speed first"
    assert shown.about == (
        "Points of satisfaction with one point of the driver; index 0 to 100; 95 % bootstrap intervals; borders at the "
        "means: arbitrary; n = 300"
    )
    assert shown.reading == (
        "Speed matters more and does worse than the border in 100 % of the resamples: one point of it goes with "
        f"{row['importance']:.2f} points of satisfaction ({row['importance_low']:.2f} to "
        f"{row['importance_high']:.2f}), and it stands at {row['performance']:.1f}."
    )
    assert shown["importance_speed"].n == 300
    assert shown["performance_looks"].value == pytest.approx(80, abs=2)
    # through value too: .5 + .5 x .3 = .65, times the reliability of two items with errors of .5: 1 / (1 + .25 / 2)
    assert row["importance_low"] < 0.65 / 1.125 < row["importance_high"]


def test_given_borders_move_the_quadrants(found):
    shown = performance_map(found, "sat", low=0, high=10, importance_border=0, performance_border=10)
    assert (shown.frame["p_keep_up"] > 0.9).all()
    assert shown.title == "No driver of satisfaction clearly comes first"
    assert "given borders" in shown.about


def test_one_driver_alone_has_no_border_but_a_given_one():
    model = PathModel({"speed": MODEL.latents["speed"], "sat": MODEL.latents["sat"]}, {"sat": ["speed"]})
    one = measured(answers(), model, resamples=50)
    assert performance_map(one, "sat", low=0, high=10).frame["p_keep_up"].isna().all()
    given = performance_map(one, "sat", low=0, high=10, importance_border=0.1, performance_border=90)
    assert given.frame["p_improve_first"].tolist() == [1.0]


def test_only_causes_of_the_target_are_on_the_map(found):
    assert performance_map(found, "value", low=0, high=10).frame["name"].tolist() == ["speed"]


def test_the_scale_moves_performance_and_not_importance(found):
    ten, wider = (performance_map(found, "sat", low=0, high=high).frame for high in (10, 20))
    np.testing.assert_allclose(ten["importance"], wider["importance"])
    np.testing.assert_allclose(ten["performance"], 2 * wider["performance"])


def test_items_add_up_to_their_driver(found):
    items = item_map(found, "sat", low=0, high=10)
    drivers = performance_map(found, "sat", low=0, high=10).frame.set_index("name")
    sums = items.groupby("latent")["importance"].sum()
    np.testing.assert_allclose(sums.reindex(drivers.index), drivers["importance"], rtol=1e-12)
    assert items["importance"].is_monotonic_decreasing
    assert items.set_index("item").loc["a1", "performance"] == pytest.approx(10 * answers()["a1"].mean())
    assert ((items["importance_low"] <= items["importance"]) & (items["importance"] <= items["importance_high"])).all()


def test_a_second_order_construct_is_one_driver_with_all_its_items():
    model = PathModel(
        {"speed": ["a1", "a2"], "value": ["v1", "v2"], "looks": ["b1", "b2"], "sat": ["s1", "s2"]},
        {"sat": ["quality", "looks"]},
        higher={"quality": ["speed", "value"]},
    )
    both = measured(answers(), model, resamples=50)
    shown = performance_map(both, "sat", low=0, high=10)
    assert shown.frame["name"].tolist() == ["quality", "looks"]
    items = item_map(both, "sat", low=0, high=10)
    assert sorted(items.loc[items["latent"] == "quality", "item"]) == ["a1", "a2", "v1", "v2"]
    assert items.loc[items["latent"] == "quality", "importance"].sum() == pytest.approx(shown.frame["importance"][0])


def test_refusals(found):
    assert message(performance_map, found, "satt", low=10, high=0) == (
        "performance map: the scale goes from 10 to 0. Give a low below the high.",
        "performance map: target 'satt' is no construct. Did you mean 'sat'? "
        "Known: ['speed', 'looks', 'value', 'sat'].",
    )
    assert message(performance_map, found, "looks", low=0, high=10) == (
        "performance map: nothing acts on looks. Choose one of ['value', 'sat'].",
    )
    frame = answers()
    frame["a2"] = 12 - frame["a2"] + 0.5 * np.random.default_rng(1).normal(size=len(frame))
    turned = message(item_map, measured(frame, MODEL, resamples=10), "sat", low=0, high=10)
    assert len(turned) == 1
    assert turned[0].startswith("performance map: items have negative weights: a2 in Speed (-0.")
    assert turned[0].endswith(
        "). Reverse the answers of items that ask the other way round, or leave them out of the model."
    )
