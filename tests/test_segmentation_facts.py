"""Facts of segments: hand arithmetic, surveys, leaving, limits."""

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.bank.questionnaire import read_questionnaire
from crmlab.segmentation.facts import leaving, satisfaction_of, segment_facts, span
from crmlab.segmentation.tiers import make_tiers
from crmlab.snapshots import snapshot
from crmlab.stats import Estimate

N = 40


def _seen(n=N):
    """First half: app, 100 of yield, no savings; second half: branch, 300 of yield, savings."""
    half = n // 2
    rest = n - half
    return pd.DataFrame(
        {
            "margin_12m_amount": [100.0] * half + [300.0] * rest,
            "assets_amount": [1_000.0] * half + [9_000.0] * rest,
            "products_count": [1.0, 3.0] * (half // 2) + [2.0, 4.0] * (rest // 2),
            "current_count": [1] * n,
            "savings_count": [0] * half + [1] * rest,
            "frequency_3m_count": [5] * half + [0] * rest,
            "logins_3m_count": [7] * half + [0] * rest,
            "complaints_12m_count": [0] * n,
            "mobile_12m_share": [0.75] * half + [0.0] * rest,
            "branch_12m_share": [0.25] * half + [1.0] * rest,
            "age_years": [30.0] * half + [60.0] * rest,
        },
        index=pd.Index([f"c{i:03}" for i in range(n)], name="customer_id"),
    )


def _halves(seen):
    half = len(seen) // 2
    return pd.Series(["app"] * half + ["till"] * (len(seen) - half), index=seen.index)


def _told(found):
    return found.frame.set_index(["segment", "fact"])


def test_facts_by_hand():
    seen = _seen()
    found = segment_facts(seen, _halves(seen), order=["till", "app"], currency="EUR")
    told = _told(found)
    # yield: half the customers bring 300 of every 400
    assert told.loc[("till", "yield"), "text"] == "EUR 300 (300 to 300), all 200"
    assert told.loc[("till", "yield_share"), "value"] == 0.75
    # with a share w of the customers the share of the yield is 3w / (1 + 2w); w moves by about 0.155 to each side
    assert told.loc[("till", "yield_share"), ["low", "high"]].tolist() == pytest.approx([0.61, 0.86], abs=0.03)
    assert told.loc[("till", "yield_share"), "text"].endswith("), of customers 50.0 %")
    assert told.loc[("till", "assets"), "text"] == "EUR 9,000 (9,000 to 9,000), all 5,000"
    # 2 and 4 in turn: mean 3, standard deviation 1.026, t = 2.093: 3 -+ 0.48; all 2.5
    assert told.loc[("till", "products"), "text"] == "3.0 products (2.5 to 3.5), all 2.5"
    # Wilson 20 of 40: 35.2 to 64.8 %
    assert told.loc[("till", "size"), "text"] == "20, 50.0 % (35.2 to 64.8)"
    assert told.loc[("app", "digital"), "text"] == "100.0 % (83.9 to 100.0), all 50.0 %"
    assert told.loc[("app", "digital"), "against"] == 1
    assert told.loc[("till", "active"), "value"] == 0
    # everybody has a current account, so it tells nothing; savings: half of all, all of the second half
    assert told.loc[("till", "held"), "what"] == "savings"
    assert told.loc[("till", "above"), "text"] == "savings 100.0 % (83.9 to 100.0), all 50.0 %"
    assert ("app", "above") not in told.index
    assert told.loc[("app", "channel"), "text"] == "mobile 75.0 % (75.0 to 75.0), all 37.5 %"
    assert told.loc[("till", "channel"), "what"] == "branch"
    assert told.loc[("app", "age"), "text"] == "30 years (30 to 30), all 45"
    assert found.title == "till yields EUR 300 a year, all customers EUR 200"
    assert found.reading.endswith("Not known here: Salary comes here; Satisfaction; Left since.")
    assert found.frame["label"].str.len().max() <= 18
    assert found.frame["text"].str.len().max() <= 60


def test_order_of_rows_does_not_matter_but_for_the_bootstrap():
    seen = _seen().assign(margin_12m_amount=np.arange(N, dtype=float))
    one = segment_facts(seen, _halves(seen), order=["app", "till"]).frame
    two = segment_facts(seen.iloc[::-1], _halves(seen), order=["app", "till"]).frame
    columns = ["segment", "fact", "what", "value", "n", "all_value"]
    pd.testing.assert_frame_equal(one[columns], two[columns])


def test_the_yield_of_the_bootstrap_is_near_the_normal_one():
    rng = np.random.default_rng(1)
    seen = pd.DataFrame({"margin_12m_amount": rng.normal(100, 20, 400)})
    told = _told(segment_facts(seen, pd.Series("all", index=seen.index), order=["all"], currency="EUR"))
    row = told.loc[("all", "yield")]
    half = 1.96 * seen["margin_12m_amount"].std() / 20
    assert (row["low"], row["high"]) == pytest.approx((row["value"] - half, row["value"] + half), abs=0.4)


def test_satisfaction_counts_those_who_answered():
    seen = _seen()
    answers = pd.Series([80.0] * 12 + [40.0] * 9, index=[*seen.index[:12], *seen.index[20:29]])
    told = _told(segment_facts(seen, _halves(seen), order=["app", "till"], satisfaction=answers))
    assert told.loc[("app", "satisfaction"), "text"] == "80.0 (80.0 to 80.0), all 62.9, n = 12"
    assert ("till", "satisfaction") not in told.index  # nine answered


def test_leaving_by_hand():
    earlier = pd.Series(["a"] * 20 + ["b"] * 20 + ["tiny"] * 5, index=range(45))
    found = leaving(earlier, pd.Index(range(5, 45)), order=["a", "b", "tiny"], months=6)
    assert found["customers_count"].tolist() == [5, 0, 0]
    # Wilson 5 of 20: 11.2 to 46.9 %
    assert found.loc[0, ["share", "share_low", "share_high"]].tolist() == pytest.approx([0.25, 0.112, 0.469], abs=1e-3)
    assert np.isnan(found.loc[2, "share"])
    assert found["all_share"].tolist() == pytest.approx([1 / 9] * 3)
    seen = pd.DataFrame({"products_count": [1.0] * 40}, index=range(5, 45))
    told = segment_facts(seen, earlier.iloc[5:], order=["a", "b", "tiny"], left=found)
    row = _told(told).loc[("a", "left")]
    assert (row["label"], row["text"]) == ("Left in 6 months", "25.0 % (11.2 to 46.9), all 11.1 %")
    assert ("tiny", "left") not in _told(told).index


def test_small_segments_have_their_size_only():
    seen = _seen()
    segments = pd.Series(["tiny"] * 9 + ["rest"] * 31, index=seen.index)
    frame = segment_facts(seen, segments, order=["rest", "tiny"]).frame
    tiny = frame[frame["segment"] == "tiny"]
    assert tiny[["fact", "text"]].values.tolist() == [["size", "under 10 customers: too few to describe"]]
    assert np.isnan(tiny["value"].iloc[0])
    assert tiny["n"].iloc[0] == 0


@pytest.mark.parametrize("n", [0, 1, 9])
def test_hardly_anybody(n):
    seen = _seen().head(n)
    found = segment_facts(seen, pd.Series("all", index=seen.index, dtype="str"), order=["all"], currency="EUR")
    assert found.frame["text"].tolist() == ["under 10 customers: too few to describe"]
    assert found.title == "The segments are too small to be described"


def test_a_bank_that_knows_nothing():
    seen = pd.DataFrame({"assets_amount": [np.nan] * 20})
    found = segment_facts(seen, pd.Series("all", index=seen.index), order=["all"])
    assert found.frame["fact"].tolist() == ["size"]
    assert found.reading.startswith("Not known here: Assets, median; Products, mean; Active, 3 months")


def test_span_is_short():
    assert (
        span(Estimate(1_234_567.0, "EUR", 1_000_000.0, 2_000_000.0, 9))
        == "EUR 1.23 million (1.00 million to 2.00 million)"
    )
    assert span(Estimate(0.5, "share", n=1)) == "50.0 %"


class _Surveyed:
    """As much of a bank as `satisfaction_of` asks for."""

    def __init__(self, rows: list[tuple]) -> None:
        self.date, self.connection = pd.Timestamp("2024-12-31").date(), duckdb.connect()
        names = ["customer_id", "response_id", "answered_at", "item", "score"]
        frame = pd.DataFrame(rows, columns=names).astype({"answered_at": "datetime64[us]"})
        self.connection.register("surveys", frame)
        self.is_asked = bool(rows)

    def has(self, name: str) -> bool:
        return self.is_asked and name == "surveys.score"

    def sql(self, query: str):
        return self.connection.sql(query)

    def to_frame(self, relation) -> pd.DataFrame:
        return relation.df()


def test_the_last_answer_of_twelve_months_counts():
    rows = [
        ("a", "r1", "2024-03-01", "satisf1", 2.0),  # answered again in May
        ("a", "r2", "2024-05-01", "satisf1", 8.0),
        ("a", "r2", "2024-05-01", "satisf2", 6.0),
        ("a", "r2", "2024-05-01", "satisf3", None),
        ("a", "r3", "2024-06-01", "csat", 0.0),  # another item
        ("b", "r4", "2024-01-01", "satisf3", 10.0),
        ("c", "r5", "2023-12-31", "satisf1", 1.0),  # a year and a day ago
        ("d", "r6", "2024-12-31 23:00", "satisf1", 0.0),
        ("e", "r7", "2024-12-01", "satisf1", 99.0),  # outside the scale
    ]
    scores, said = satisfaction_of(_Surveyed(rows))
    assert scores.to_dict() == {"a": 70.0, "b": 100.0, "d": 0.0}
    assert said == (
        "3 customers answered 3 items on satisfaction in the last 12 months; the last answer of each counts, 0 to 100, "
        "not weighted."
    )


def test_surveys_of_others_or_none_are_said():
    scores, said = satisfaction_of(_Surveyed([("a", "r", "2024-06-01", "q17", 5.0)]))
    assert scores.empty
    assert said == (
        "No survey answer of the last 12 months is to an item of satisfaction that the questionnaire retail_bank "
        "knows, so satisfaction is not known."
    )
    assert satisfaction_of(_Surveyed([]))[1] == "There are no survey answers, so satisfaction is not known."


def test_satisfaction_of_a_simulated_bank_agrees_with_the_rows(small_bank):
    bank = Bank.open(small_bank).as_of("")
    scores, _ = satisfaction_of(bank)
    rows = bank.frame("surveys", ["customer_id", "answered_at", "item", "score"])
    items = read_questionnaire("retail_bank").latents["satisfaction"].items
    day = pd.Timestamp(bank.date)
    late = rows["answered_at"] >= day - pd.DateOffset(years=1) + pd.DateOffset(days=1)
    rows = rows[rows["item"].isin(list(items)) & late].dropna()
    last = rows[rows["answered_at"] == rows.groupby("customer_id")["answered_at"].transform("max")]
    pd.testing.assert_series_equal(scores, 10 * last.groupby("customer_id")["score"].mean(), check_names=False)
    assert 20 <= len(scores) <= 200
    assert 55 <= scores.mean() <= 85


def test_real_transactions_without_surveys_or_margin(real_data):
    bank = Bank.open(real_data / "berka").as_of("1994-02-28")
    seen = snapshot(bank)
    rule = make_tiers(seen["assets_amount"], currency="CZK")
    found = segment_facts(seen, rule.of(seen["assets_amount"]), order=rule.names, currency="CZK")
    known = set(found.frame["fact"])
    assert {"size", "assets", "products", "held", "channel", "active", "salary", "age"} <= known
    assert not known & {"yield", "digital", "satisfaction", "complaints", "left"}
    assert satisfaction_of(bank)[0].empty
