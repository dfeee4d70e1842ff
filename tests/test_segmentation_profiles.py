"""Profiles of segments: hand arithmetic, false alarms, invariances, limits."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as laws

from crmlab.errors import CrmlabError
from crmlab.segmentation.columns import Column
from crmlab.segmentation.contrasts import contrast, in_segments, mean_of, prepared
from crmlab.segmentation.profiles import profile

ASSETS = Column("assets_amount", "Assets", "amount")
LOGINS = Column("logins_count", "Logins a month", "count", "a month")
MOBILE = Column("mobile_share", "Mobile share", "share")
SALARY = Column("is_salary", "Salary arrives", "flag")
RISK = Column("risk", "Tolerance", "category")
ALL = (ASSETS, LOGINS, MOBILE, SALARY, RISK)


def _frame(n=40):
    half = n // 2
    return pd.DataFrame(
        {
            "assets_amount": [100.0] * half + [200_000.0] * half,
            "logins_count": [*range(half), *range(half)],
            "mobile_share": [0.25, 0.75] * half,
            "is_salary": [True] * half + [False] * half,
            "risk": ["C1"] * half + [None] * half,
        },
        index=pd.Index([f"c{i}" for i in range(n)], name="customer_id"),
    )


def _halves(frame):
    return pd.Series(np.repeat(["first", "second"], len(frame) // 2), index=frame.index)


def _cells(found):
    return found.frame.set_index(["label", "segment"])


def test_a_profile_by_hand():
    frame = _frame()
    found = profile(frame, _halves(frame), ALL, order=("second", "first"), currency="EUR")
    cells = _cells(found)
    assert list(dict.fromkeys(found.frame["label"])) == [
        "Assets, EUR 1,000", "Logins a month", "Mobile share, %", "Salary arrives, %", "Tolerance: C1, %",
        "Tolerance: not known, %",
    ]  # fmt: skip
    assert found.frame["segment"].tolist() == ["second", "first"] * 6
    assert (found.frame["segment_share"] == 0.5).all()
    assert (found.frame["n"] == 20).all()
    rich = cells.loc[("Assets, EUR 1,000", "second")]
    assert (rich["value"], rich["value_text"], rich["interval_text"]) == (200_000, "200", "200 to 200")
    assert cells.loc[("Assets, EUR 1,000", "first"), "value_text"] == "0.1"
    # 0 to 19: the median is 9.5; ranks 6 and 15 of 20 hold 95 % (binomial 0.021 on each side): values 5 and 14
    logins = cells.loc[("Logins a month", "first")]
    assert (logins["value_text"], logins["interval_text"]) == ("9.5", "5 to 14")
    assert logins["difference"] == 0
    assert not logins["is_different"]
    # ten of each: mean 0.5, standard deviation 0.25 x sqrt(20 / 19) = 0.2565, t = 2.093: 0.5 -+ 0.120
    assert cells.loc[("Mobile share, %", "first"), "interval_text"] == "38 to 62"
    # all yes against half of all: (1 - 0.5) / 0.5 = 1 standard deviation; Wilson 20 of 20: 83.9 to 100 %
    salary = cells.loc[("Salary arrives, %", "first")]
    assert (salary["difference"], salary["value_text"], salary["interval_text"]) == (1, "100", "84 to 100")
    assert salary["is_different"]
    assert cells.loc[("Salary arrives, %", "second"), "difference"] == -1
    assert cells.loc[("Tolerance: not known, %", "second"), "value"] == 1
    assert found.title == "second stands out by Assets, EUR 1,000: 200 against 100"
    # 2 segments x (4 columns + 2 words)
    assert "sure at 95 % for all 12 comparisons together" in found.about


def test_chances_are_those_of_fisher_and_welch():
    rng = np.random.default_rng(1)
    code = np.repeat([0, 1], [30, 70])
    yes = (rng.random(100) < 0.2).astype(float)
    found = contrast(yes, code, 2)
    a, b = yes[:30].sum(), yes[30:].sum()
    tails = [laws.fisher_exact([[a, 30 - a], [b, 70 - b]], alternative=side).pvalue for side in ("less", "greater")]
    assert found["n"].tolist() == [30, 70]
    assert found["p_value"].tolist() == pytest.approx([min(2 * min(tails), 1)] * 2)
    assert found["difference"][0] == pytest.approx(a / 30 - yes.mean())
    # two means of one variance: Welch's test; neither side's variance is far from that of all
    x = np.concatenate([np.tile([1.0, -1], 15), np.tile([1.0, -1], 35)])
    x[:30] += 0.01
    apart = laws.ttest_ind(x[:30], x[30:], equal_var=False)
    assert contrast(x, code, 2)["p_value"].tolist() == pytest.approx([apart.pvalue] * 2, rel=1e-2)
    # a segment that is all alike gets the variance of all, 0.3 + 0.7 x 3.25 - 0.16 = 2.415, as have the others (2.28):
    # t = 2 / sqrt(2.415 x (1/30 + 1/70)) = 5.8976; with a = 0.0805, b = 0.0345 freedom is 0.115^2 / (a^2/29 + b^2/69)
    same = np.concatenate([np.full(30, 1.0), np.tile([0.5, -2.5], 35)])
    assert contrast(same, code, 2)["p_value"][0] == pytest.approx(2 * laws.t.sf(5.8976, 54.94), rel=1e-3)


def test_segments_drawn_by_lot_rarely_differ():
    # of 120 tables with 28 cells about 5 % may hold a false mark (Bonferroni; rare flags included)
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"assets_amount": rng.lognormal(8, 2, 600), "logins_count": rng.poisson(1, 600).astype(float)})
    frame["mobile_share"] = rng.beta(0.3, 2, 600) * (rng.random(600) < 0.4)
    frame["is_salary"] = rng.random(600) < 0.03
    frame["risk"] = rng.choice(["C1", "C2", None], 600, p=[0.1, 0.6, 0.3])
    wrong = 0
    for _ in range(120):
        segments = pd.Series(rng.choice(list("abcd"), 600, p=[0.05, 0.15, 0.3, 0.5]))
        wrong += profile(frame, segments, ALL, order="abcd").frame["is_different"].any()
    assert wrong <= 13, wrong  # 0.05 x 120 = 6, and three standard errors; 3 when written


def test_prepared_is_logarithmic_clipped_and_standardised():
    x = prepared(pd.Series([0.0, 3, 3, 9, None]), "amount")  # median of those above 0 is 3: log of 1, 2, 2, 4
    logs = np.clip(np.log([1, 2, 2, 4]), *np.quantile(np.log([1, 2, 2, 4]), [0.005, 0.995]))
    assert x[:4] == pytest.approx((logs - logs.mean()) / logs.std())
    assert np.isnan(x[4])
    assert prepared(pd.Series([5.0, 5, None]), "share").tolist()[:2] == [0, 0]
    assert np.isnan(prepared(pd.Series([None, None]), "count")).all()
    assert prepared(pd.Series([True, False], dtype="boolean"), "flag").tolist() == [1, -1]
    assert (prepared(pd.Series([-5.0, -7]), "amount") == 0).all()
    steps = prepared(pd.Series([0.0, 1, 2, 3] * 300), "number")
    billionaire = prepared(pd.Series([0.0, 1, 2, 3] * 300 + [1e12]), "number")
    assert billionaire[:1200] == pytest.approx(steps, abs=0.01)


def test_a_billionaire_does_not_make_a_segment_different():
    frame = pd.DataFrame({"assets_amount": np.tile(np.geomspace(10, 10_000, 50), 8)})
    segments = pd.Series(np.repeat(["a", "b"], [50, 350]))
    frame.loc[0, "assets_amount"] = 1e12
    found = _cells(profile(frame, segments, [ASSETS], order=["b", "a"], currency="EUR"))
    assert not found["is_different"].any()
    assert found.loc[("Assets, EUR", "a"), "value"] < 500


def test_row_order_and_currency_scale_do_not_matter():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"assets_amount": rng.lognormal(8, 2, 300), "risk": rng.choice(["C1", "C2", None], 300)})
    segments = pd.Series(rng.choice(["a", "b"], 300))
    one = profile(frame, segments, (ASSETS, RISK), order="ab").frame
    mixed = rng.permutation(300)
    pd.testing.assert_frame_equal(one, profile(frame.iloc[mixed], segments, (ASSETS, RISK), order="ab").frame)
    cents = profile(frame.assign(assets_amount=100 * frame["assets_amount"]), segments, (ASSETS, RISK), order="ab")
    np.testing.assert_allclose(cents.frame["difference"], one["difference"], atol=1e-12)


def test_small_segments_have_no_values():
    frame = _frame(40)
    segments = pd.Series(["tiny"] * 9 + ["rest"] * 31, index=frame.index)
    found = profile(frame, segments, ALL, order=["rest", "tiny"])
    tiny = found.frame[found.frame["segment"] == "tiny"]
    assert tiny[["value", "low", "high", "difference"]].isna().all(axis=None)
    assert (tiny["value_text"] == "").all()
    assert (tiny["n"] == 0).all()
    assert not tiny["is_different"].any()
    # nor does what is left betray the nine
    assert not found.frame["is_different"].any()


@pytest.mark.parametrize("n", [0, 1, 60])
def test_one_segment_or_hardly_anybody(n):
    frame = _frame(60).head(n)
    found = profile(frame, pd.Series("all", index=frame.index, dtype="str"), ALL, order=["all"])
    assert found.title == "One segment only: there is nothing to compare"
    assert not found.frame["is_different"].any()


def test_a_segment_without_customers_has_no_cells():
    frame = _frame()
    found = profile(frame, _halves(frame), ALL, order=["first", "nobody", "second"])
    assert found.frame["segment"].unique().tolist() == ["first", "second"]
    few = pd.Series(["a"] * 5 + ["b"] * 3, index=frame.index[:8])
    assert profile(frame.head(8), few, ALL, order=["a", "b"]).title == "Too few customers to compare segments"


def test_what_is_not_known_is_said():
    frame = _frame().assign(logins_count=np.nan).drop(columns="mobile_share")
    frame.loc[frame.index[:4], "assets_amount"] = np.nan
    found = profile(frame, _halves(frame), ALL, order=["first", "second"], currency="EUR")
    assert found.reading.endswith(
        "Up to 10.0 % of the customers have a gap in a column and are left out there. "
        "Not known here: Logins a month, Mobile share."
    )
    assert _cells(found).loc[("Assets, EUR 1,000", "first"), "n"] == 16
    alike = profile(frame.assign(logins_count=4.0, risk="C1"), _halves(frame), ALL, order=["first", "second"])
    assert set(alike.frame["column"]) == {"assets_amount", "is_salary"}
    assert alike.reading.endswith(
        "The same for (nearly) everybody: Logins a month, Tolerance. Not known here: Mobile share."
    )
    nothing = profile(frame, _halves(frame), [LOGINS], order=["first", "second"])
    assert nothing.frame.empty
    assert nothing.title == "Too few customers to compare segments"


def test_customers_without_a_segment_are_left_out_and_unknown_names_refused():
    rows, code = in_segments(_frame(4), pd.Series({"c3": "b", "c0": None, "c1": "a"}), order=["a", "b"])
    assert rows.index.tolist() == ["c1", "c3"]
    assert code.tolist() == [0, 1]
    with pytest.raises(CrmlabError) as error:
        in_segments(_frame(4), pd.Series({"c3": "z"}), order=["a"])
    assert str(error.value) == "segments: ['z'] are not in the order ['a']. Add them."


def test_a_mean_stays_within_what_is_possible():
    assert mean_of([0.0, 0.1, np.nan], unit="share", low=0, high=1).low == 0
    assert (mean_of([0.3], unit="share").value, mean_of([0.3], unit="share").low) == (0.3, None)
    assert np.isnan(mean_of([], unit="share").value)
