"""Entropy weights and TOPSIS against the published fighter aircraft, their dependence on coding, and sure places."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.errors import CrmlabError
from crmlab.satisfaction.indicators.entropy_weights import combined_weights, entropy_coding, entropy_weights
from crmlab.satisfaction.indicators.league_table import league_table, rank_reversals, topsis

# Hwang and Yoon (1981), Multiple Attribute Decision Making: speed, range, payload, cost, reliability, manoeuvre
FIGHTER = pd.DataFrame(
    [[2.0, 1500, 20000, 5.5, 5, 9], [2.5, 2700, 18000, 6.5, 3, 5], [1.8, 2000, 21000, 4.5, 7, 7],
     [2.2, 1800, 20000, 5.0, 5, 5]],
    index=["A1", "A2", "A3", "A4"], columns=["speed", "range", "payload", "cost", "reliability", "manoeuvre"],
)  # fmt: skip
WEIGHTS = pd.Series([0.2, 0.1, 0.1, 0.1, 0.2, 0.3], index=FIGHTER.columns)


def test_fighters_as_published():
    found = topsis(FIGHTER, weights=WEIGHTS, cost=["cost"])
    # published .643 .268 .613 .312; more digits from R
    assert found["closeness"].tolist() == pytest.approx(
        [0.6432770005533, 0.2683835677194, 0.6135422900072, 0.3122910655818], abs=1e-12
    )
    assert found["rank"].tolist() == [1, 4, 2, 3]


def test_entropy_of_fighters_as_published():
    found = entropy_weights(FIGHTER)
    assert found["entropy"].tolist() == pytest.approx(
        [0.9946889252565, 0.9829482135921, 0.9988875911784, 0.9932710970871, 0.9703227248077, 0.9771411972194],
        abs=1e-12,
    )
    assert found["weight"].tolist() == pytest.approx(
        [0.0641897346015, 0.2060881642356, 0.01344459087436, 0.08132562861546, 0.3586800243448, 0.2762718573282],
        abs=1e-12,
    )


def test_entropy_by_hand():
    # shares 1/2, 1/2, 0: entropy ln 2 / ln 3 = .6309; shares 1/3 each: 1
    found = entropy_weights(pd.DataFrame({"a": [2.0, 2, 0], "b": [1.0, 1, 1]}))
    assert found["entropy"].tolist() == pytest.approx([np.log(2) / np.log(3), 1.0])
    assert found["weight"].tolist() == [1.0, 0.0]


def test_entropy_with_whole_survey_weights():
    # a row of weight 3 is three rows; ln n goes with the sum of the weights, brought to the number of rows
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.integers(1, 10, (60, 3)), columns=list("abc"))
    same = entropy_weights(frame, weight=pd.Series(np.full(60, 7.0)))
    pd.testing.assert_frame_equal(same, entropy_weights(frame))
    weight = pd.Series(np.tile([1.0, 3.0], 30))
    repeated = entropy_weights(frame.loc[frame.index.repeat(weight.astype(int))])
    # what is not spread evenly is a constant over ln n: shares of it do not hang on n
    assert entropy_weights(frame, weight=weight)["weight"].tolist() == pytest.approx(
        repeated["weight"].tolist(), abs=1e-12
    )


def test_limits_of_entropy_weights_narrow_with_rows():
    rng = np.random.default_rng(2)
    width = []
    for n in (100, 1_600):
        frame = pd.DataFrame({"a": rng.integers(0, 11, n), "b": rng.integers(4, 11, n)})
        found = entropy_weights(frame, resamples=300).loc["b"]
        assert found["weight_low"] <= found["weight"] <= found["weight_high"]
        width.append(found["weight_high"] - found["weight_low"])
    assert width[0] / width[1] == pytest.approx(4, rel=0.4)  # the root of 16


def test_coding_alone_moves_entropy_weights():
    rng = np.random.default_rng(1)
    scores = pd.DataFrame({"service": rng.integers(6, 11, 200), "fees": rng.integers(0, 11, 200)})
    found = entropy_coding(scores, resamples=100)
    table = found.frame.set_index("indicator")
    assert table.loc["fees", "weight_raw"] > 0.9
    assert table.loc["fees", "weight_min_max"] < 0.5
    assert found["largest_spread"].value == pytest.approx(table["spread"].max())
    assert found.title == f"Coding alone moves the entropy weight of fees by {100 * table['spread'].max():.1f} points"
    assert "not what matters to them" in found.reading


def test_joined_weights_by_hand():
    judged, measured = pd.Series({"a": 0.6, "b": 0.3, "c": 0.1}), pd.Series({"c": 0.5, "a": 0.2, "b": 0.3})
    # .12, .09, .05: sum .26
    assert combined_weights(judged, measured).tolist() == pytest.approx([0.12 / 0.26, 0.09 / 0.26, 0.05 / 0.26])
    mixed = combined_weights(judged, measured * 10, joint="linear", judged_share=0.75)
    assert mixed.to_dict() == pytest.approx({"a": 0.5, "b": 0.3, "c": 0.2})


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda: combined_weights(
                pd.Series({"a": 1.0}), pd.Series({"b": -1.0}), joint="multiplicativ", judged_share=2
            ),
            "4 problems:\n"
            "- weights: joint 'multiplicativ' is not known. Did you mean 'multiplicative'? Choose one of "
            "multiplicative, linear.\n"
            "- weights: judged_share is 2. Give 0 to 1.\n"
            "- weights: judged and measured differ in a, b. Use one list.\n"
            "- weights: measured weights are missing, below 0 or all 0. Give shares.",
        ),
        (
            lambda: combined_weights(pd.Series({"a": 1.0, "b": 0.0}), pd.Series({"a": 0.0, "b": 1.0})),
            "weights: no indicator has weight in both. Join them linearly.",
        ),
        (
            lambda: entropy_weights(pd.DataFrame({"a": [1.0, np.nan], "b": [-1.0, 2]}), coding="minmax"),
            "3 problems:\n"
            "- entropy: coding 'minmax' is not known. Did you mean 'min_max'? Choose one of raw, min_max.\n"
            "- entropy: a have gaps. Leave out those rows, and count them.\n"
            "- entropy: b have values below 0. Shift or stretch them; the weights change with it.",
        ),
        (
            lambda: entropy_weights(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]})),
            "entropy: a hold no numbers. Code the answers as scores first.",
        ),
        (
            lambda: entropy_weights(pd.DataFrame({"a": [1.0, 1], "b": [2.0, 2]})),
            "entropy: no indicator varies, so that none has weight. Give one that does.",
        ),
    ],
)
def test_weights_refused(ask, message):
    with pytest.raises(CrmlabError) as refused:
        ask()
    assert str(refused.value) == message


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_topsis_keeps_its_properties(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.uniform(1, 10, (5, 3)), index=list("ABCDE"), columns=["x", "y", "z"])
    weights = pd.Series(rng.dirichlet(np.ones(3)), index=["z", "x", "y"])
    found = topsis(frame, weights=weights, cost=["y"])
    assert found["closeness"].between(0, 1).all()
    other = topsis((frame * [10, 0.1, 3])[::-1], weights=weights * 7, cost=["y"]).loc[frame.index]
    assert np.allclose(found, other, atol=1e-10)
    better = pd.concat([frame, pd.DataFrame({"x": [11.0], "y": [0.5], "z": [11.0]}, index=["best"])])
    top = topsis(better, weights=weights, cost=["y"]).loc["best"]
    assert (top["closeness"], top["rank"]) == (1, 1)


def test_alternatives_alike_share_a_rank():
    frame = pd.DataFrame({"x": [3.0, 3, 1], "y": [2.0, 2, 2]}, index=["A", "B", "C"])
    assert topsis(frame, weights=pd.Series({"x": 1, "y": 1}))["rank"].tolist() == [1, 1, 3]
    same = topsis(frame.iloc[:2], weights=pd.Series({"x": 1, "y": 1}))
    assert same["closeness"].tolist() == [0.5, 0.5]


def test_a_third_turns_the_order_of_two():
    # without C, whose x is by far the largest, the order of A and B turns
    frame = pd.DataFrame({"x": [5.0, 4.0, 9.0], "y": [3.0, 5.0, 1.0]}, index=["A", "B", "C"])
    weights = pd.Series({"x": 0.55, "y": 0.45})
    turned = rank_reversals(frame, weights=weights)
    for row in turned.itertuples():
        whole = topsis(frame, weights=weights)["closeness"]
        rest = topsis(frame.drop(index=row.left_out), weights=weights)["closeness"]
        assert whole[row.ahead] > whole[row.behind]
        assert rest[row.ahead] < rest[row.behind]
    assert len(turned) == 1


def test_exact_scores_leave_no_doubt():
    found = league_table(FIGHTER, FIGHTER * 0, weights=WEIGHTS, cost=["cost"], draws=200)
    assert found.frame["alternative"].tolist() == ["A1", "A3", "A4", "A2"]
    assert (found.frame["rank_low"] == found.frame["rank_high"]).all()
    assert found["sure_pairs_share"].value == 1
    assert found.title == "6 of 6 pairs can be told apart; A1 leads"


def test_alike_scores_leave_all_open():
    frame = pd.DataFrame(70.0, index=list("ABCD"), columns=["x", "y"])
    found = league_table(frame, frame * 0 + 3, weights=pd.Series({"x": 1, "y": 1}), draws=4_000)
    assert found.frame["first_share"].tolist() == pytest.approx([0.25] * 4, abs=0.03)
    assert found["sure_pairs_share"].value == 0
    assert found.frame[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 4]] * 4


def test_two_normal_scores_by_formula():
    # one criterion, 72 and 70 with errors 2 and 1.5: first with probability Phi(2 / 2.5) = .7881
    frame = pd.DataFrame({"x": [72.0, 70.0]}, index=["A", "B"])
    errors = pd.DataFrame({"x": [2.0, 1.5]}, index=["A", "B"])
    found = league_table(frame, errors, weights=pd.Series({"x": 1}), draws=20_000)
    assert found["first_share"].value == pytest.approx(0.7881, abs=0.01)


def test_uncertain_weights_widen_the_ranks():
    frame = pd.DataFrame({"x": [9.0, 1.0], "y": [1.0, 8.8]}, index=["A", "B"])
    weights = pd.Series({"x": 0.5, "y": 0.5})
    fixed = league_table(frame, frame * 0, weights=weights)
    drawn = league_table(frame, frame * 0, weights=weights, weight_concentration=10)
    given = league_table(frame, frame * 0, weights=weights, weight_draws=np.array([[0.9, 0.1], [0.1, 0.9]]))
    assert fixed["first_share"].value == 1
    assert drawn["first_share"].value == pytest.approx(0.5, abs=0.1)
    assert given["first_share"].value == pytest.approx(0.5, abs=0.05)


def test_a_table_refused_with_everything_wrong():
    with pytest.raises(CrmlabError) as refused:
        league_table(
            FIGHTER.assign(speed=[1.0, np.nan, 2, 3]), FIGHTER.drop(columns="range"), weights=WEIGHTS.drop("payload"),
            cost=["costs"], weight_draws=np.ones((5, 2)), weight_concentration=-1, draws=3,
        )  # fmt: skip
    assert str(refused.value) == (
        "8 problems:\n"
        "- league table: no weight for 'payload'. Weigh every criterion.\n"
        "- league table: cost 'costs' is no criterion. Did you mean 'cost'? Name a column.\n"
        "- league table: speed have gaps. Leave those alternatives out, and say so.\n"
        "- league table: errors have other rows or columns than the scores. Give one error a score.\n"
        "- league table: both weight_draws and weight_concentration are given. Give one.\n"
        "- league table: weight_draws has shape (5, 2). Give (draws, 6).\n"
        "- league table: weight_concentration is -1. Give a number above 0.\n"
        "- league table: 3 draws give no limits. Ask for 100 or more."
    )


def test_coding_moves_the_entropy_weight_of_image_in_the_real_bank_survey(real_data):
    path = real_data / "spanish_bank_survey" / "satisfaction.csv"
    if not path.is_file():
        pytest.skip(f"the survey is not at {path}")
    survey = pd.read_csv(path)
    means = pd.DataFrame({n: survey.filter(regex=rf"^{n}\d").mean(axis=1) for n in ("imag", "expe", "qual", "val")})
    table = entropy_coding(means, resamples=100).frame.set_index("indicator")
    assert table.loc["imag", ["weight_raw", "weight_min_max"]].round(3).tolist() == [0.165, 0.325]
    assert round(table.loc["val", "weight_raw"], 3) == 0.286  # LMG gives value .417 of R2
