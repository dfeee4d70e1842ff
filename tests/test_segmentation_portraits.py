"""What a page says of segments: put together from facts, treatments and cards, for each customer within consent."""

import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.segmentation.bases import beside_others, crossed, wealth_tiers
from crmlab.segmentation.next_product import own_offer
from crmlab.segmentation.portraits import SHOWN, portraits, segment_list
from crmlab.snapshots import snapshot


@pytest.fixture(scope="module")
def seen(small_bank):
    return snapshot(Bank.open(small_bank).as_of(""))


@pytest.fixture(scope="module")
def halves(seen):
    busy = seen["frequency_12m_count"] > seen["frequency_12m_count"].median()
    return busy.map({True: "busy", False: "quiet"}).astype("str")


def test_every_segment_has_facts_a_treatment_and_a_card(small_bank, seen, halves):
    bank = Bank.open(small_bank).as_of("")
    was = halves.iloc[:-30]
    shown = portraits(bank, seen, halves, order=("busy", "quiet"), was=was, rules={"busy": "many acts"})
    assert shown.treatments.frame["segment"].tolist() == ["busy", "quiet"]
    assert set(SHOWN) <= set(shown.treatments.frame.columns)
    assert set(shown.cards.frame["segment"]) == {"busy", "quiet"}
    assert "many acts" in set(shown.cards.frame["text"])
    assert "satisfaction" in shown.asked
    assert set(shown.facts.frame["fact"]) >= {"size", "yield", "left"}


def test_the_list_names_each_customer_once_and_sells_nobody_what_they_hold(small_bank, seen, halves):
    bank = Bank.open(small_bank).as_of("")
    shown = portraits(bank, seen, halves, order=("busy", "quiet"))
    listed = segment_list(halves, seen, shown.treatments)
    assert listed.index.tolist() == halves.index.tolist()
    assert (listed["reason"].str.split(":").str[0] == listed["segment"]).all()
    savings = listed["product"].str.startswith("Savings")
    assert (seen.loc[savings[savings].index, "savings_count"] == 0).all()


def test_an_investment_is_offered_within_the_stated_tolerance_only():
    seen = pd.DataFrame({"investment_count": [0, 0, 0, 1], "risk_tolerance": ["C4", "C1", None, "C5"]})
    both = pd.Series(["investment"] * 4), pd.Series([""] * 4)
    assert own_offer(seen, *both).tolist() == [
        "Investment plan within the stated tolerance", "", "Suitability talk first; then an investment plan", "",
    ]  # fmt: skip


def test_other_bases_are_compared_where_they_are_known(seen, halves):
    tiers, names = wealth_tiers(seen, currency="EUR")
    found = beside_others(halves, {"wealth": tiers, "halves": halves, "nothing": None}, order=("busy", "quiet"))
    assert found.frame["basis"].tolist() == ["wealth", "halves"]
    assert found["adjusted_rand_halves"].value == 1
    assert abs(found["adjusted_rand_wealth"].value) < 0.3
    assert crossed(halves, None, order=("busy", "quiet"), tier_names=()) is None
    table = crossed(halves, tiers, order=("busy", "quiet"), tier_names=names).frame
    assert table["customers_count"].sum() == tiers.notna().sum()


def test_nothing_to_compare_with():
    assert beside_others(pd.Series(["a", "b"]), {}, order=("a", "b")).title == "No other basis is known"
    assert wealth_tiers(pd.DataFrame({"x": [1]}), currency="EUR") == (None, ())
