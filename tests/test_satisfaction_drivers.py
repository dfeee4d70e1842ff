"""Drivers of satisfaction against relaimpo and the definition, their intervals and the warning of undue credit."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmlab.errors import CrmlabError
from crmlab.satisfaction.importance.driver_shares import driver_shares, explained_by_subset, johnson_weights, lmg
from crmlab.satisfaction.importance.drivers import driver_importance

# Fertility, Agriculture, Examination, Education, Catholic, Infant.Mortality of 47 provinces, 1888: `swiss` of R, public
# domain (Mosteller and Tukey 1977, Data Analysis and Regression, pages 549 to 551)
SWISS = """80.2 17.0 15 12 9.96 22.2;83.1 45.1 6 9 84.84 22.2;92.5 39.7 5 5 93.40 20.2;85.8 36.5 12 7 33.77 20.3
76.9 43.5 17 15 5.16 20.6;76.1 35.3 9 7 90.57 26.6;83.8 70.2 16 7 92.85 23.6;92.4 67.8 14 8 97.16 24.9
82.4 53.3 12 7 97.67 21.0;82.9 45.2 16 13 91.38 24.4;87.1 64.5 14 6 98.61 24.5;64.1 62.0 21 12 8.52 16.5
66.9 67.5 14 7 2.27 19.1;68.9 60.7 19 12 4.43 22.7;61.7 69.3 22 5 2.82 18.7;68.3 72.6 18 2 24.20 21.2
71.7 34.0 17 8 3.30 20.0;55.7 19.4 26 28 12.11 20.2;54.3 15.2 31 20 2.15 10.8;65.1 73.0 19 9 2.84 20.0
65.5 59.8 22 10 5.23 18.0;65.0 55.1 14 3 4.52 22.4;56.6 50.9 22 12 15.14 16.7;57.4 54.1 20 6 4.20 15.3
72.5 71.2 12 1 2.40 21.0;74.2 58.1 14 8 5.23 23.8;72.0 63.5 6 3 2.56 18.0;60.5 60.8 16 10 7.72 16.3
58.3 26.8 25 19 18.46 20.9;65.4 49.5 15 8 6.10 22.5;75.5 85.9 3 2 99.71 15.1;69.3 84.9 7 6 99.68 19.8
77.3 89.7 5 2 100.00 18.3;70.5 78.2 12 6 98.96 19.4;79.4 64.9 7 3 98.22 20.2;65.0 75.9 9 9 99.06 17.8
92.2 84.6 3 3 99.46 16.3;79.3 63.1 13 13 96.83 18.1;70.4 38.4 26 12 5.62 20.3;65.7 7.7 29 11 13.79 20.5
72.7 16.7 22 13 11.22 18.9;64.4 17.6 35 32 16.92 23.0;77.6 37.6 15 7 4.97 20.0;67.6 18.7 25 7 8.65 19.5
35.0 1.2 37 53 42.34 18.0;44.7 46.6 16 29 50.43 18.2;42.8 27.7 22 29 58.33 19.3"""

# mpg, disp, hp, gear of 32 cars: `mtcars` of R (Henderson and Velleman 1981, Biometrics 37)
MTCARS = """21 160 110 4;21 160 110 4;22.8 108 93 4;21.4 258 110 3;18.7 360 175 3;18.1 225 105 3;14.3 360 245 3
24.4 146.7 62 4;22.8 140.8 95 4;19.2 167.6 123 4;17.8 167.6 123 4;16.4 275.8 180 3;17.3 275.8 180 3;15.2 275.8 180 3
10.4 472 205 3;10.4 460 215 3;14.7 440 230 3;32.4 78.7 66 4;30.4 75.7 52 4;33.9 71.1 65 4;21.5 120.1 97 3
15.5 318 150 3;15.2 304 150 3;13.3 350 245 3;19.2 400 175 3;27.3 79 66 4;26 120.3 91 5;30.4 95.1 113 5
15.8 351 264 5;19.7 145 175 5;15 301 335 5;21.4 121 109 4"""

# Correlations of the item means SAT, IMAG, EXPE, QUAL, VAL of the 250 customers of a Spanish bank, row by row
BANK = [
    0.6665827262878004, 0.6103692898207026, 0.6922141116042724, 0.8056202195162939, 0.5532807712127644,
    0.6087694470995368, 0.6855629660873864, 0.8452709225848912, 0.6646697101971084, 0.7536072833456768,
]  # fmt: skip

# R 4.2.2: relaimpo 2.2.7 (LMG, last, first, squared beta; Genizi's decomposition equals Johnson's weights)
EXPECTED = {
    "swiss": {
        "r_squared": 0.7067350015927,
        "lmg": [0.05709122076809, 0.1711730289002, 0.2601346786244, 0.1055701503735, 0.1127659229265],
        "last": [0.04286960712549, 0.007387418515124, 0.1619626930773, 0.06237262582742, 0.0569452587325],
        "first": [0.1246649099057, 0.4171644705006, 0.4406156467239, 0.2150035016185, 0.1735189273249],
        "johnson": [0.0484168958119, 0.1547082498062, 0.271964104646, 0.1146800299476, 0.1169657213811],
    },
    "bank": {
        "r_squared": 0.6839137539496,
        "lmg": [0.1495504113847, 0.1016675019476, 0.1476490472544, 0.2850467933629],
        "beta": [0.1879464468372, 0.008925180705779, 0.1497533937377, 0.5579835504574],
        "last": [0.01795512865407, 2.251155055128e-05, 0.00488088618958, 0.1088752655421],
        "first": [0.4443325309853, 0.3725506699562, 0.4791603763041, 0.6490239380935],
        "johnson": [0.160400082664, 0.1027163207633, 0.1438880731358, 0.2769092773864],
    },
    "mtcars": {"r_squared": 0.7706842271254, "johnson": [0.3109367338717, 0.3337956138532, 0.1259518794004]},
}
SWISS_BETA_SQUARED = [0.0979197290414, 0.02715186262323, 0.4494372059668, 0.1208257795659, 0.06306927859151]


def _rows(text: str) -> np.ndarray:
    return np.array([[float(value) for value in row.split()] for row in text.replace("\n", ";").split(";")])


def _bank_correlations() -> np.ndarray:
    related = np.eye(5)
    related[np.triu_indices(5, 1)] = BANK
    return np.maximum(related, related.T)


MOMENTS = {"swiss": np.cov(_rows(SWISS).T), "mtcars": np.cov(_rows(MTCARS).T), "bank": _bank_correlations()}


@pytest.mark.parametrize(("data", "measure"), [(data, name) for data, found in EXPECTED.items() for name in found])
def test_shares_as_relaimpo_gives_them(data, measure):
    found = getattr(driver_shares(MOMENTS[data], target=0), measure)
    assert np.abs(found - EXPECTED[data][measure]).max() < 1e-12


def test_squared_coefficients_of_swiss_as_relaimpo_gives_them():
    assert driver_shares(MOMENTS["swiss"], target=0).beta ** 2 == pytest.approx(SWISS_BETA_SQUARED, abs=1e-12)


def test_the_real_bank_survey_gives_the_same_shares_as_its_correlations(real_data):
    path = real_data / "spanish_bank_survey" / "satisfaction.csv"
    if not path.is_file():
        pytest.skip(f"the survey is not at {path}")
    survey = pd.read_csv(path)
    names = ["imag", "expe", "qual", "val", "sat"]
    means = pd.DataFrame({name: survey.filter(regex=rf"^{name}\d").mean(axis=1) for name in names})
    found = driver_importance(means, target="sat", drivers=names[:-1], resamples=1_000, seed=1)
    table = found.frame.set_index("driver").loc[names[:-1]]
    assert np.abs(table["lmg"] - EXPECTED["bank"]["lmg"]).max() < 1e-12
    # relaimpo's percentile limits of 1,000 resamples; another draw of as many differs by about .01
    assert table["lmg_low"].tolist() == pytest.approx([0.1044, 0.0678, 0.1059, 0.2186], abs=0.012)
    assert table["lmg_high"].tolist() == pytest.approx([0.1977, 0.1379, 0.1969, 0.3654], abs=0.012)
    # expectations: 15 % of R2 by LMG, 0.003 % on their own; they and quality measure the same (HTMT .98)
    assert table["is_credit_doubtful"].tolist() == [False, True, True, False]
    assert "; expe (14.9 %): the others explain as much without it." in found.reading


def test_two_drivers_by_hand():
    # r = .5 and .3 with the target, .4 between: R2 = (.25 + .09 - 2 * .5 * .3 * .4) / (1 - .16) = .22 / .84
    related = [[1, 0.4, 0.5], [0.4, 1, 0.3], [0.5, 0.3, 1]]
    both = 0.22 / 0.84
    assert explained_by_subset(related) == pytest.approx([0, 0.25, 0.09, both])
    assert lmg(related) == pytest.approx([(0.25 + both - 0.09) / 2, (0.09 + both - 0.25) / 2])
    shares = driver_shares(related)
    assert shares.beta == pytest.approx([(0.5 - 0.12) / 0.84, (0.3 - 0.2) / 0.84])
    assert shares.last == pytest.approx([both - 0.09, both - 0.25])
    assert shares.vif == pytest.approx([1 / 0.84, 1 / 0.84])


def _by_definition(related: np.ndarray) -> np.ndarray:
    """Average over all orders of the drivers, each gain from a regression of its own."""
    count = len(related) - 1

    def explained(chosen: list[int]) -> float:
        if not chosen:
            return 0.0
        return related[chosen, -1] @ np.linalg.solve(related[np.ix_(chosen, chosen)], related[chosen, -1])

    total = np.zeros(count)
    for order in itertools.permutations(range(count)):
        for place, driver in enumerate(order):
            total[driver] += explained([*order[: place + 1]]) - explained([*order[:place]])
    return total / math.factorial(count)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 5))
def test_shares_keep_their_properties(seed, count):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(40, count + 1)) @ rng.normal(size=(count + 1, count + 1))
    related = np.corrcoef(scores, rowvar=False)
    shares = driver_shares(related)
    assert shares.lmg == pytest.approx(_by_definition(related), abs=1e-9)
    assert shares.lmg.sum() == pytest.approx(shares.r_squared)
    assert shares.johnson.sum() == pytest.approx(shares.r_squared)
    assert (shares.lmg >= -1e-12).all()
    assert (shares.johnson >= -1e-12).all()
    scale = rng.uniform(0.1, 10, count + 1)
    assert lmg(np.cov(scores * scale, rowvar=False)) == pytest.approx(shares.lmg, abs=1e-9)
    order = [*rng.permutation(count)]
    turned = driver_shares(related, drivers=order)
    assert turned.lmg == pytest.approx(shares.lmg[order], abs=1e-9)
    assert turned.johnson == pytest.approx(shares.johnson[order], abs=1e-9)


def test_uncorrelated_drivers_keep_their_squared_correlations():
    related = np.eye(4)
    related[:3, 3] = related[3, :3] = [0.1, 0.5, -0.6]
    shares = driver_shares(related)
    for measure in (shares.lmg, shares.johnson, shares.first, shares.last, shares.beta**2):
        assert measure == pytest.approx([0.01, 0.25, 0.36])


def test_a_stack_gives_what_each_covariance_gives():
    stack = np.stack([MOMENTS["bank"], np.eye(5) * 0.5 + 0.5 * MOMENTS["bank"]]).reshape(2, 1, 5, 5)
    assert lmg(stack, target=0).shape == (2, 1, 4)
    assert lmg(stack, target=0)[1, 0] == pytest.approx(lmg(stack[1, 0], target=0), abs=1e-14)
    assert johnson_weights(stack, target=0)[1, 0] == pytest.approx(johnson_weights(stack[1, 0], target=0), abs=1e-14)


def test_a_copy_of_a_driver_shares_its_credit():
    related = np.array([[1, 1, 0.6], [1, 1, 0.6], [0.6, 0.6, 1]])
    assert lmg(related) == pytest.approx([0.18, 0.18])
    assert johnson_weights(related) == pytest.approx([0.18, 0.18])


def test_more_drivers_than_subsets_can_be_had_for():
    with pytest.raises(CrmlabError) as refused:
        lmg(np.eye(14))
    assert str(refused.value) == (
        "drivers: 13 drivers have 8,192 subsets; at most 12 are computed. Average items that measure the same into one "
        "score, or name fewer drivers."
    )


@pytest.mark.parametrize(
    ("covariance", "chosen", "message"),
    [
        (
            [[1, 0.5]],
            None,
            "drivers: the covariance has shape (1, 2). Give (..., p, p) with a target and drivers in it.",
        ),
        ([[0, 0], [0, 1]], None, "drivers: positions [0] do not vary. Leave them out."),
        (
            [[1, np.nan], [np.nan, 1]],
            None,
            "drivers: the covariance has gaps. Leave out who did not answer, or fill the gaps first.",
        ),
        (
            np.eye(3),
            [0, 2],
            "drivers: positions [0, 2] with target 2. Name each driver once, without the target.",
        ),
    ],
)
def test_covariances_that_carry_no_answer(covariance, chosen, message):
    with pytest.raises(CrmlabError) as refused:
        driver_shares(covariance, drivers=chosen)
    assert str(refused.value) == message


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """Expectations go with quality, but only quality and value act on satisfaction."""
    rng = np.random.default_rng(5)
    quality = rng.normal(7, 1.5, 600)
    frame = pd.DataFrame({
        "quality": quality,
        "expectations": 0.9 * quality + rng.normal(0, 0.7, 600),
        "value": 0.4 * quality + rng.normal(3, 1.3, 600),
    })  # fmt: skip
    frame["satisfaction"] = 0.4 * frame["quality"] + 0.4 * frame["value"] + rng.normal(1, 0.8, 600)
    return frame


DRIVERS = ["quality", "expectations", "value"]


def test_credit_without_effect_is_called_doubtful(answers):
    found = driver_importance(answers, target="satisfaction", drivers=DRIVERS, resamples=300)
    table = found.frame.set_index("driver")
    assert table["is_credit_doubtful"].to_dict() == {"quality": False, "value": False, "expectations": True}
    assert table.loc["expectations", "lmg_share"] > 0.15
    assert table.loc["expectations", "last"] < 0.01 * found["r_squared"].value
    assert "Do not rely on the credit of expectations" in found.reading
    assert (table["lmg_low"] <= table["lmg"]).all()
    assert (table["lmg"] <= table["lmg_high"]).all()
    assert len(found.title) <= 70


def test_a_sign_that_turns_is_called_doubtful():
    rng = np.random.default_rng(6)
    service = rng.normal(size=800)
    waiting = 0.9 * service + rng.normal(0, 0.5, 800)
    frame = pd.DataFrame({"service": service, "waiting": waiting})
    frame["satisfaction"] = service - 0.4 * waiting + rng.normal(0, 0.5, 800)
    table = driver_importance(frame, target="satisfaction", drivers=["service", "waiting"], resamples=200).frame
    doubts = table.set_index("driver")["credit_doubt"].to_dict()
    assert doubts == {"service": "", "waiting": "its coefficient has the other sign than its correlation"}


def test_the_order_of_rows_and_the_scale_do_not_matter(answers):
    first = driver_importance(answers, target="satisfaction", drivers=DRIVERS, resamples=100).frame
    other = driver_importance(answers[::-1] * 10 + 3, target="satisfaction", drivers=DRIVERS, resamples=100).frame
    values = ["lmg", "johnson", "beta", "first", "last", "vif"]
    assert np.allclose(first[values], other[values], atol=1e-12)


def test_whole_weights_count_as_repeated_rows(answers):
    weighted = answers.assign(weight=np.tile([1.0, 2.0, 3.0], 200))
    repeated = answers.loc[answers.index.repeat(weighted["weight"].astype(int))]
    first = driver_importance(weighted, target="satisfaction", drivers=DRIVERS, weight="weight", resamples=100).frame
    other = driver_importance(repeated, target="satisfaction", drivers=DRIVERS, resamples=100).frame
    assert np.allclose(first[["lmg", "johnson", "beta"]], other[["lmg", "johnson", "beta"]], atol=1e-10)


def test_customers_who_answer_twice_are_drawn_together(answers):
    twice = pd.concat([answers.assign(customer="c" + answers.index.astype(str))] * 2)
    once = driver_importance(answers, target="satisfaction", drivers=DRIVERS, resamples=300).frame
    together = driver_importance(
        twice, target="satisfaction", drivers=DRIVERS, customer="customer", resamples=300
    ).frame
    apart = driver_importance(twice, target="satisfaction", drivers=DRIVERS, resamples=300).frame
    width = [(table["lmg_high"] - table["lmg_low"]).mean() for table in (once, together, apart)]
    assert width[1] == pytest.approx(width[0], rel=0.15)
    assert width[2] == pytest.approx(width[0] / np.sqrt(2), rel=0.15)


def test_gaps_are_left_out_and_counted(answers):
    gaps = answers.copy()
    gaps.iloc[:40, 1] = np.nan
    found = driver_importance(gaps, target="satisfaction", drivers=DRIVERS, resamples=100)
    whole = driver_importance(answers.iloc[40:], target="satisfaction", drivers=DRIVERS, resamples=100)
    pd.testing.assert_frame_equal(found.frame, whole.frame)
    assert found.about.endswith("n = 560, 40 with gaps left out")


def test_every_wrong_column_is_told_at_once(answers):
    with pytest.raises(CrmlabError) as refused:
        driver_importance(
            answers.assign(branch="north"),
            target="satisfacton",
            drivers=["quality", "quality", "branch"],
            weight="weight",
            resamples=10,
        )
    assert str(refused.value) == (
        "5 problems:\n"
        "- drivers: the frame lacks column 'satisfacton'. Did you mean 'satisfaction'? Name a column of the frame.\n"
        "- drivers: the frame lacks column 'weight'. Name a column of the frame.\n"
        "- drivers: quality stand twice among the drivers. Name each once.\n"
        "- drivers: branch hold no numbers. Code the answers as scores first.\n"
        "- drivers: 10 resamples give no limits. Ask for 100 or more."
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda frame: frame.iloc[:20],
            "drivers: 20 complete responses for 3 drivers; 30 are needed. Name fewer drivers, fill gaps first, or take "
            "more waves.",
        ),
        (lambda frame: frame.assign(value=5.0), "drivers: value do not vary. Leave them out."),
        (
            lambda frame: frame.assign(value=frame["quality"] + frame["expectations"]),
            "drivers: one driver is a sum of others, so that no share is its own. Leave out the total or a part.",
        ),
    ],
)
def test_answers_that_carry_no_ranking(answers, change, message):
    with pytest.raises(CrmlabError) as refused:
        driver_importance(change(answers), target="satisfaction", drivers=DRIVERS)
    assert str(refused.value) == message
