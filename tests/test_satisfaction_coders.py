"""Krippendorff's alpha against the published examples, by hand, and what it allows to say."""

import math

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.satisfaction.comments.coders import agreement_by_theme, krippendorff_alpha, reliability_words

_ = np.nan
# Krippendorff (2011), Computing Krippendorff's alpha-reliability, part C: 4 observers, 12 units, with gaps
PUBLISHED = pd.DataFrame({
    "A": [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    "B": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    "C": [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    "D": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
})  # fmt: skip


@pytest.mark.parametrize(("measurement", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_four_coders_with_gaps_as_published(measurement, alpha):
    found = krippendorff_alpha(PUBLISHED, measurement=measurement, resamples=200)
    assert round(found.value, 3) == alpha
    assert found.n == 11  # the twelfth unit has one code only
    assert found.low < found.value < found.high


def test_two_coders_and_two_values_as_published():
    # the same, part A: 10 units, alpha .095
    meg = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    owen = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert round(krippendorff_alpha(pd.DataFrame({"meg": meg, "owen": owen}), resamples=100).value, 3) == 0.095


def test_two_coders_and_words_as_published():
    # the same, part B: 12 units, 5 values, nominal alpha .692
    ben, gerry = list("aabbdcccedda"), list("babbbccceddd")
    assert round(krippendorff_alpha(pd.DataFrame({"ben": ben, "gerry": gerry}), resamples=100).value, 3) == 0.692


def test_by_hand():
    # 4 units of 2 codes: aa, ab, bb, bb. n = 8, a 3 times, b 5 times; observed disagreement 2 / 8 = .25 (a pair both
    # ways), expected 2 * 3 * 5 / (8 * 7) = 30 / 56. alpha = 1 - .25 * 56 / 30 = 1 - 14 / 30
    ratings = pd.DataFrame({"one": list("aabb"), "two": list("abbb")})
    assert krippendorff_alpha(ratings, resamples=100).value == pytest.approx(1 - 14 / 30)


def test_full_agreement_is_one_and_chance_is_none():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, 2_000)
    same = krippendorff_alpha(pd.DataFrame({"a": codes, "b": codes}), resamples=100)
    assert (same.value, same.low, same.high) == (1, 1, 1)
    other = krippendorff_alpha(pd.DataFrame({"a": codes, "b": rng.permutation(codes)}), resamples=200)
    assert other.low < 0 < other.high
    assert abs(other.value) < 0.06


def test_without_variation_nothing_is_known():
    found = krippendorff_alpha(pd.DataFrame({"a": [1, 1, 1], "b": [1, 1, 1]}), resamples=100)
    assert math.isnan(found.value)
    assert (found.low, found.high, found.n) == (None, None, 3)


@pytest.mark.parametrize("measurement", ["nominal", "ordinal", "interval"])
def test_order_and_names_do_not_matter(measurement):
    turned = PUBLISHED.sample(frac=1, random_state=1)[["C", "A", "D", "B"]]
    first, other = (krippendorff_alpha(table, measurement=measurement, resamples=100) for table in (PUBLISHED, turned))
    assert first.value == pytest.approx(other.value, abs=1e-12)
    # ranks do not change under a growing function, distances not under scale and shift
    grown = PUBLISHED**3 if measurement == "ordinal" else 10 * PUBLISHED + 7
    assert krippendorff_alpha(grown, measurement=measurement, resamples=100).value == pytest.approx(first.value)


def test_a_repeated_index_is_no_matter():
    table = PUBLISHED.set_axis([1] * 12)
    assert krippendorff_alpha(table, resamples=100).value == krippendorff_alpha(PUBLISHED, resamples=100).value


@pytest.mark.parametrize(("alpha", "words"), [(0.8, "reliable"), (0.667, "tentative"), (0.6669, "not reliable")])
def test_words_at_their_limits(alpha, words):
    assert reliability_words(alpha) == words


def test_everything_wrong_is_told_at_once():
    with pytest.raises(CrmlabError) as refused:
        krippendorff_alpha(pd.DataFrame({"a": ["x", "y"]}), measurement="ordnal", resamples=5)
    assert str(refused.value) == (
        "3 problems:\n"
        "- coders: measurement 'ordnal' is not known. Did you mean 'ordinal'? Choose one of nominal, ordinal, "
        "interval.\n"
        "- coders: 1 coder. Agreement needs two or more columns.\n"
        "- coders: 5 resamples give no limits. Ask for 100 or more."
    )
    with pytest.raises(CrmlabError) as refused:
        krippendorff_alpha(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}), measurement="interval")
    assert str(refused.value) == "coders: a hold no numbers, as interval codes are. Number the codes in their order."
    with pytest.raises(CrmlabError) as refused:
        krippendorff_alpha(pd.DataFrame({"a": [1, _], "b": [_, 2]}))
    assert str(refused.value) == "coders: no unit has codes of two coders. Let two coders code the same units."


@pytest.fixture(scope="module")
def codings() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(2)
    true = pd.DataFrame({"fees": rng.random(400) < 0.3, "staff": rng.random(400) < 0.3, "rare": rng.random(400) < 0.01})
    slips = {"fees": 0.02, "staff": 0.2, "rare": 0.01}
    return {
        coder: true.apply(lambda column: column ^ (rng.random(400) < slips[column.name])).rename(index="r{}".format)
        for coder in ("anna", "ben", "chen")
    }


def test_agreement_by_theme(codings):
    found = agreement_by_theme(codings, resamples=200)
    table = found.frame.set_index("theme")
    assert table["reliability"].to_dict() == {"fees": "reliable", "staff": "not reliable", "rare": "not reliable"}
    # saying no together: 97 % agree on the rare theme, and yet it is not reliable
    assert table.loc["rare", "agreement_share"] > 0.95
    assert found.title == "The coders agree reliably on 1 of 3 themes"
    assert "Below 0.667 mend the codebook before any count is used: rare, staff." in found.reading
    assert found["alpha_fees"].value == table.loc["fees", "alpha"]
    # rows in another order are joined by their index
    turned = {**codings, "ben": codings["ben"][::-1]}
    pd.testing.assert_frame_equal(agreement_by_theme(turned, resamples=200).frame, found.frame)


def test_codings_that_do_not_fit_each_other(codings):
    wrong = {
        "anna": codings["anna"],
        "ben": codings["ben"].rename(columns={"fees": "costs"}),
        "chen": codings["chen"].iloc[1:],
        "dora": codings["anna"].astype(object).replace({"fees": {True: "yes"}}),
    }
    with pytest.raises(CrmlabError) as refused:
        agreement_by_theme(wrong)
    assert str(refused.value) == (
        "3 problems:\n"
        "- coders: anna and ben differ in themes costs, fees. Use one codebook.\n"
        "- coders: anna and chen did not code the same comments. Give all the same index.\n"
        "- coders: dora has the code 'yes'. Write True, False or a gap."
    )
    with pytest.raises(CrmlabError) as refused:
        agreement_by_theme({"anna": codings["anna"]})
    assert str(refused.value) == "coders: 1 coder. Agreement needs two or more codings."


def test_themes_nobody_sees():
    none = pd.DataFrame({"fees": [0, 0, 0, 0]})
    found = agreement_by_theme({"anna": none, "ben": none}, resamples=100)
    assert found.frame["reliability"].tolist() == ["not known"]
    assert found.reading == "Alpha is not known for any theme: on none of them do the codes vary."
