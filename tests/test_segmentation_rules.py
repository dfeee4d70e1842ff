"""Plain rules: they say what they do, in units a person knows, and are judged on customers they were not made from."""

from __future__ import annotations

import math
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.segmentation.columns import Column
from crmlab.segmentation.rule_words import KNOWN, Feature, joined, rule_text
from crmlab.segmentation.rules import replay, segment_rules
from crmlab.snapshots import snapshot

INF = math.inf
ACTS = Column("acts", "Bookings a month", "count", "a month")
PHONE = Column("phone", "Share by mobile", "share")
PAID = Column("paid", "Amount a month", "amount", "EUR")
DAYS = Column("days", "Last booking", "count", "days ago")
RISK = Column("risk", "Risk tolerance", "category")
MAIN = Column("main", "Salary comes here", "flag")
SCORE = Column("score", "Score", "number")


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ({Feature(ACTS): (12, INF)}, "bookings a month over 12"),
        ({Feature(ACTS, is_whole=True): (12, 20)}, "bookings a month 13 to 20"),
        ({Feature(ACTS, is_whole=True): (12, 13)}, "bookings a month 13"),
        ({Feature(ACTS, is_whole=True): (-INF, 0)}, "bookings a month 0"),
        ({Feature(ACTS): (3.4, 1234567)}, "bookings a month 3.4 to 1,235,000"),
        ({Feature(PHONE): (0.4, 0.8)}, "share by mobile 40 to 80 %"),
        ({Feature(PHONE): (-INF, 0.044)}, "share by mobile up to 4.4 %"),
        ({Feature(PAID): (-1200, INF)}, "amount a month over EUR -1,200"),
        ({Feature(PAID): (0.25, 1200)}, "amount a month EUR 0.25 to 1,200"),
        ({Feature(DAYS): (-INF, 30)}, "last booking up to 30 days ago"),
        ({Feature(MAIN): (0, INF)}, "salary comes here: yes"),
        ({Feature(MAIN): (-INF, 0)}, "salary comes here: no"),
        ({Feature(MAIN, fill=0, has_gaps=True): (-INF, 0)}, "salary comes here: no or not known"),
        ({Feature(RISK, "word", "C5"): (0, INF)}, "risk tolerance C5"),
        (
            {Feature(RISK, "word", "C5"): (-INF, 0), Feature(RISK, "word", "C4"): (-INF, 0)},
            "risk tolerance not C5 nor C4",
        ),
        ({Feature(RISK, "word", "C5"): (-INF, 0), Feature(RISK, "word", "C4"): (0, INF)}, "risk tolerance C4"),
        ({Feature(RISK, "word", "C5", has_gaps=True): (-INF, 0)}, "risk tolerance not C5 or not known"),
        (
            {Feature(RISK, "word", "C5", has_gaps=True): (-INF, 0), Feature(RISK, KNOWN): (0, INF)},
            "risk tolerance not C5",
        ),
        ({Feature(RISK, KNOWN): (0, INF)}, "risk tolerance known"),
        ({Feature(SCORE, KNOWN): (-INF, 0), Feature(ACTS): (5, INF)}, "score not known and bookings a month over 5"),
        ({Feature(SCORE, fill=3, has_gaps=True): (2, INF)}, "score over 2 or not known"),
        ({Feature(SCORE, fill=3, has_gaps=True): (4, INF)}, "score over 4"),
        ({Feature(SCORE, fill=3, has_gaps=True): (2, INF), Feature(SCORE, KNOWN): (0, INF)}, "score over 2"),
        ({}, "all customers"),
    ],
)  # fmt: skip
def test_conditions_in_words(bounds, text):
    assert rule_text(bounds) == text


def test_bounds_that_meet_are_joined_in_one_column_only():
    acts, phone = Feature(ACTS), Feature(PHONE)
    low, high = {acts: (-INF, 5.0), phone: (0.4, 0.8)}, {acts: (5.0, INF), phone: (0.4, 0.8)}
    assert joined([low, high]) == [{phone: (0.4, 0.8)}]
    assert joined([low, {**high, phone: (0.4, 0.9)}]) == [low, {**high, phone: (0.4, 0.9)}]
    assert joined([low, {**high, acts: (6.0, INF)}]) == [low, {**high, acts: (6.0, INF)}]


@pytest.fixture
def crowd() -> tuple[pd.DataFrame, pd.Series]:
    """600 customers in three segments that follow from two columns; index is not a plain count."""
    rng = np.random.default_rng(3)
    acts = np.r_[rng.poisson(40, 200), rng.poisson(40, 200), rng.poisson(4, 200)]
    phone = np.r_[rng.beta(9, 2, 200), rng.beta(2, 9, 200), rng.beta(3, 3, 200)]
    frame = pd.DataFrame({"acts": acts, "phone": phone}, index=[f"c{i}" for i in range(600)])
    frame.index.name = "customer_id"
    return frame, pd.Series(["Mobile"] * 200 + ["Desk"] * 200 + ["Quiet"] * 200, index=frame.index)


def test_rules_are_what_they_say(crowd):
    frame, segments = crowd
    rules = segment_rules(frame, segments, (ACTS, PHONE))
    assert rules.texts == {
        "Desk": "Bookings a month over 17 and share by mobile up to 50 %",
        "Mobile": "Bookings a month over 17 and share by mobile over 50 %",
        "Quiet": "Bookings a month up to 17",
    }
    busy, phone = frame["acts"] > 17, frame["phone"] > 0.50
    by_hand = pd.Series(np.where(~busy, "Quiet", np.where(phone, "Mobile", "Desk")), index=frame.index)
    pd.testing.assert_series_equal(rules.predict(frame), by_hand.rename("segment").astype("str"))
    mobile = rules.frame.set_index("segment").loc["Mobile"]
    named = busy & phone
    assert mobile["rule"] == rules.texts["Mobile"]
    assert mobile["customers_count"] == named.sum()
    assert mobile["precision_share"] == (segments[named] == "Mobile").mean()
    assert mobile["recall_share"] == named[segments == "Mobile"].mean()
    assert mobile["precision_share_low"] < mobile["precision_share"] <= mobile["precision_share_high"] <= 1
    assert rules.baseline == pytest.approx(1 / 3)
    assert rules.accuracy.n == 600
    assert rules.accuracy.value >= 0.97
    assert list(rules.segments.columns) == list(rules.frame.columns)


def test_rules_apply_to_other_customers_in_any_order(crowd):
    frame, segments = crowd
    rules = segment_rules(frame, segments, (ACTS, PHONE))
    others = pd.DataFrame({"more": 1, "phone": [0.9, 0.1, 0.9], "acts": [30, 30, 3]}, index=["z", "x", "y"])
    assert rules.predict(others).to_dict() == {"z": "Mobile", "x": "Desk", "y": "Quiet"}
    assert rules.predict(others.iloc[:0]).tolist() == []


def test_segments_are_matched_by_customer_and_gaps_left_out(crowd):
    frame, segments = crowd
    some = segments.sample(frac=1, random_state=1).drop(segments.index[:50])
    assert segment_rules(frame, some, (ACTS, PHONE)).accuracy.n == 550


def test_a_bound_of_two_digits_unless_it_moves_many():
    frame = pd.DataFrame({"share": np.r_[np.linspace(0.90, 0.9962, 100), np.linspace(0.9968, 1.0, 100)]})
    segments = pd.Series(["A"] * 100 + ["B"] * 100)
    share = Column("share", "Share online", "share")
    assert segment_rules(frame, segments, (share,)).texts["B"] == "Share online over 99.65 %"  # two digits: 1.0, nobody
    wide = segment_rules(frame * 1234, segments, (Column("share", "Amount", "amount", "EUR"),))
    assert wide.texts["B"] == "Amount over EUR 1,230"


def test_the_scale_of_money_does_not_matter(crowd):
    frame, segments = crowd
    paid = pd.DataFrame({"paid": frame["acts"] * 10.0})
    rules = [segment_rules(paid * scale, segments, (PAID,)) for scale in (1, 100)]
    assert rules[0].accuracy == rules[1].accuracy
    assert rules[0].texts["Quiet"] == "Amount a month up to EUR 180"
    assert rules[1].texts["Quiet"] == "Amount a month up to EUR 18,000"


def test_categories_flags_and_gaps_can_part_segments():
    rng = np.random.default_rng(4)
    risk = rng.choice(["C1", "C3", "C5"], 600)
    frame = pd.DataFrame({"risk": pd.Series(risk, dtype="str"), "main": rng.random(600) < 0.5, "score": 50.0})
    frame.loc[rng.random(600) < 0.3, "score"] = np.nan
    asked = np.where(risk == "C5", "Bold", np.where(frame["main"], "Home", "Guest"))
    segments = pd.Series(np.where(frame["score"].isna(), "Unasked", asked))
    rules = segment_rules(frame, segments, (RISK, MAIN, SCORE))
    assert rules.accuracy.value == 1
    assert rules.texts["Unasked"] == "Score not known"
    assert set(rules.texts["Bold"].lower().split(" and ")) == {"score known", "risk tolerance c5"}
    assert "salary comes here: yes" in rules.texts["Home"].lower()
    assert (rules.predict(frame) == segments).all()


def test_a_gap_counts_as_the_median_and_is_said():
    frame = pd.DataFrame({"score": [1.0] * 100 + [9.0] * 150 + [np.nan] * 30})  # median 9
    rules = segment_rules(frame, pd.Series(["Low"] * 100 + ["High"] * 180), (SCORE,))
    assert rules.texts == {"High": "Score over 5 or not known", "Low": "Score up to 5"}
    assert rules.predict(pd.DataFrame({"score": [np.nan, 2.0]})).tolist() == ["High", "Low"]


def test_a_shortened_rule_says_no_more_than_it_needs():
    # a tree must part by age first; "Old" needs the age only, whatever else the branches asked
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"age": rng.integers(20, 90, 2000), "acts": rng.poisson(20, 2000)})
    segments = pd.Series(np.where(frame["age"] > 70, "Old", np.where(frame["acts"] > 20, "Busy", "Calm")))
    rules = segment_rules(frame, segments, (Column("age", "Age", "number", "years"), ACTS))
    assert rules.texts["Old"] == "Age over 70 years"
    assert rules.accuracy.value > 0.99


def test_noise_is_not_replayed():
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(rng.random((200, 8)), columns=[f"x{i}" for i in range(8)])
    segments = pd.Series(rng.choice(["A", "B"], 200))
    rules = segment_rules(frame, segments, [Column(c, c, "number") for c in frame], leaves=12)
    assert (rules.predict(frame) == segments).mean() > 0.6  # the same customers: learned by heart
    assert rules.accuracy.value < 0.6  # others: no better than calling everybody A
    assert rules.accuracy.low < rules.baseline


def test_a_small_segment_gets_a_rule_too():
    rng = np.random.default_rng(7)
    x = np.r_[rng.normal(0, 1, 1960), rng.normal(2.2, 0.6, 40)]
    frame = pd.DataFrame({"score": x, "other": rng.random(2000)})
    segments = pd.Series(["Many"] * 1960 + ["Few"] * 40)
    rules = segment_rules(frame, segments, (SCORE, Column("other", "Other", "number")), leaves=2)
    few = rules.segments.set_index("segment").loc["Few"]
    assert few["rule"].startswith("Score over")
    assert few["recall_share"] > 0.5


@pytest.mark.parametrize(
    ("frame", "segments"),
    [
        (pd.DataFrame({"score": [1.0]}), ["A"]),
        (pd.DataFrame({"score": [1.0, 2.0]}), ["A", "B"]),
        (pd.DataFrame({"score": [1.0] * 60}), ["A"] * 40 + ["B"] * 20),
        (pd.DataFrame({"score": [np.nan] * 60}), ["A"] * 40 + ["B"] * 20),
        (pd.DataFrame({"score": np.arange(60.0)}), ["A"] * 60),
    ],
    ids=["one customer", "two customers", "constant", "all gaps", "one segment"],
)
def test_where_nothing_can_be_told_apart(frame, segments):
    rules = segment_rules(frame, pd.Series(segments), (SCORE,))
    assert len(rules.frame) == 0
    assert set(rules.texts.values()) == ({"All customers"} if len(set(segments)) == 1 else {"No short rule finds it"})
    assert set(rules.predict(frame)) == {"A"}
    assert len(rules.segments) == len(set(segments))
    evidence = replay(rules)
    assert len(evidence.title) <= 70
    assert evidence["replay_share"].n == len(frame)


def test_the_evidence_reads():
    frame = pd.DataFrame({"acts": np.r_[np.arange(100), np.arange(60, 110)]})
    rules = segment_rules(frame, pd.Series(["Calm"] * 100 + ["Busy"] * 50), (ACTS,))
    evidence = replay(rules)
    accuracy = rules.accuracy
    assert evidence.title == f"Plain rules replay {100 * accuracy.value:.0f} % of the segments"
    assert evidence.about == (
        "Share of 150 customers whom rules found on others put in their segment; Wilson 95 % interval"
    )
    assert evidence.reading.startswith(
        f"{len(rules.frame)} plain rules put {accuracy.text} of customers in their segment; calling everybody Calm "
        "would get 66.7 %. They find "
    )
    assert evidence.reading.endswith(f"Whom no rule names is taken for {rules.otherwise}.")
    assert evidence["replay_baseline_share"].value == pytest.approx(2 / 3)
    assert evidence.frame is rules.segments


def test_same_seed_same_rules(crowd):
    frame, segments = crowd
    one, other = (segment_rules(frame, segments, (ACTS, PHONE), seed=5) for _ in range(2))
    assert one.texts == other.texts
    assert one.accuracy == other.accuracy


def test_a_large_bank_is_judged_on_those_who_did_not_make_the_rules():
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(200_000, 20)), columns=[f"x{i}" for i in range(20)])
    segments = pd.Series(np.where(frame["x0"] > 1, "A", np.where(frame["x1"] > 0, "B", "C")))
    begun = time.perf_counter()
    rules = segment_rules(frame, segments, [Column(c, c, "number") for c in frame])
    assert time.perf_counter() - begun < 20  # 2 seconds when written
    assert rules.accuracy.n == 180_000
    assert rules.accuracy.value > 0.98


def test_a_word_never_seen_is_refused(crowd):
    _, segments = crowd
    frame = pd.DataFrame({"risk": ["C1", "C3", "C5"] * 200}, index=segments.index)
    rules = segment_rules(frame, segments, (RISK,))
    with pytest.raises(CrmlabError) as refusal:
        rules.predict(pd.DataFrame({"risk": ["C1", "C9"]}))
    assert refusal.value.problems == ("rules: risk holds ['C9'], which the rules have not seen. Learn them anew.",)


def test_what_cannot_be_is_refused(crowd):
    frame, segments = crowd
    with pytest.raises(CrmlabError) as refusal:
        segment_rules(pd.concat([frame, frame]), segments, (Column("phones", "Phones", "share"),), leaves=1)
    assert refusal.value.problems == (
        "rules: the frame lacks the column 'phones'; it has acts, phone. Did you mean 'phone'?",
        "leaves: 1 leaves part nothing. Give 2 or more.",
        "rules: customers are named twice in the index. Give one row a customer.",
    )
    with pytest.raises(CrmlabError) as refusal:
        segment_rules(frame.reset_index(drop=True), segments, ())
    assert refusal.value.problems == ("rules: there are no columns to ask about. Give one or more.",)
    with pytest.raises(CrmlabError) as refusal:
        segment_rules(frame.reset_index(drop=True), segments, (ACTS,))
    assert refusal.value.problems == ("rules: no customer of the frame has a segment. Index both by customer_id.",)


def test_learned_segments_of_a_bank_are_replayed(small_bank):
    seen = snapshot(Bank.open(small_bank))
    seen = seen[(seen["tenure_days"] >= 180) & (seen["frequency_12m_count"] >= 6)]
    columns = (
        Column("frequency_12m_count", "Bookings of 12 months", "count"),
        *(Column(f"{c}_12m_share", f"Share by {c}", "share") for c in ("card", "branch", "online", "mobile")),
        Column("logins_12m_count", "Logins of 12 months", "count"),
    )
    rows = np.log1p(seen[[c.name for c in columns]].to_numpy(dtype=float))
    found = KMeans(4, n_init=10, random_state=0).fit_predict((rows - rows.mean(axis=0)) / rows.std(axis=0))
    rules = segment_rules(seen, pd.Series(found, index=seen.index).map("S{}".format), columns)
    assert rules.accuracy.value >= 0.75  # 250 customers
    assert rules.accuracy.low > rules.baseline
    assert (rules.segments["precision_share"] >= 0.7).all()
    assert len(rules.frame) <= 12
