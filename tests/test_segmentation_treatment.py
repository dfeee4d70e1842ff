"""Treatments and cards: every rule fires where it should, offers suit, texts are short, limits answer."""

import math

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.bank.tables import FAMILIES
from crmlab.segmentation.cards import cards
from crmlab.segmentation.facts import leaving, segment_facts
from crmlab.segmentation.next_product import _TALK_FIRST, _TEXTS, offers
from crmlab.segmentation.tiers import make_tiers
from crmlab.segmentation.treatment import treatments
from crmlab.segmentation.treatment_rules import RULES
from crmlab.snapshots import snapshot
from crmlab.stats import smallest_difference, smallest_difference_of_means

CALM = {"active": 1.0, "active_ratio": 1.0, "yield_ratio": 1.0, "assets_ratio": 1.0}
SURE = {f"{fact}_surely": 1.0 for fact in ("complaints", "left", "satisfaction", "active")}


def _rule(**facts):
    known = dict.fromkeys(_asked(), math.nan) | CALM | facts
    return next(rule.name for rule in RULES if rule.when(known))


def _asked():
    """Every number that a rule asks for."""
    asked = set()

    class Spy(dict):
        def __missing__(self, key):
            asked.add(key)
            return 10.0 if key != "digital" else 0.1

    class Other(Spy):
        def __missing__(self, key):
            asked.add(key)
            return 0.0

    for rule in RULES:
        rule.when(Spy())
        rule.when(Other())
    return asked


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"yield_ratio": 1.5, "complaints_ratio": 1.5, **SURE}, "complaints of valuable customers"),
        ({"yield_ratio": 1.5, "complaints_ratio": 1.5, "complaints_surely": 0.0}, "usual"),
        ({"yield_ratio": 0.5, "complaints_ratio": 1.5, **SURE}, "usual"),
        ({"left_ratio": 1.3, **SURE}, "leaving"),
        ({"left_ratio": 0.7, **SURE}, "usual"),
        ({"satisfaction_ratio": 0.9, **SURE}, "less satisfied"),
        ({"satisfaction_ratio": 1.1, **SURE}, "usual"),
        ({"active": 0.4}, "quiet"),
        ({"active": 0.8, "active_ratio": 0.9, **SURE}, "quiet"),
        ({"digital": 0.3, "digital_ratio": 0.6, "branch_first": 1.0}, "branch without login"),
        ({"digital": 0.3, "digital_ratio": 0.6, "branch_first": 0.0}, "without login"),
        ({"digital": 0.3, "digital_ratio": 1.1, "branch_first": 1.0}, "usual"),  # so is the whole bank
        ({"yield_ratio": 2.5, "digital": 0.9, "screen_first": 1.0}, "valuable"),
        ({"assets_ratio": 4.0}, "valuable"),
        ({"digital": 0.9, "screen_first": 1.0}, "digital"),
        ({"digital": 0.9, "screen_first": 0.0}, "usual"),
        ({}, "usual"),
    ],
)
def test_the_first_rule_that_holds_is_taken(facts, name):
    assert _rule(**facts) == name


def test_rules_are_short_distinct_and_end_with_one_that_always_holds():
    assert len({rule.name for rule in RULES}) == len({rule.text for rule in RULES}) == len(RULES)
    assert max(len(rule.text) for rule in RULES) <= 60
    assert max(len(text) for text in (*_TEXTS.values(), _TALK_FIRST)) <= 60
    assert set(_TEXTS) <= set(FAMILIES)
    assert RULES[-1].when({})


def _seen(n=400, **columns):
    half = n // 2
    frame = pd.DataFrame(
        {
            "logins_3m_count": [9] * half + [0] * half,
            "frequency_3m_count": [9] * n,
            "mobile_12m_share": [0.8] * half + [0.0] * half,
            "branch_12m_share": [0.0] * half + [0.1] * half,
            "card_12m_share": [0.2] * half + [0.9] * half,
            "is_email_allowed": [True, False] * half,
            "is_sms_allowed": [True, True, True, False] * (n // 4),
            "savings_count": ([1] * 60 + [0] * 140) * 2,
            "loan_count": [0] * half + [1] * 100 + [0] * 100,
            "products_count": [1.0, 2.0] * half,
            "age_years": [30.0] * half + [65.0] * half,
            "assets_amount": [5_000.0] * n,
        }
    )
    return frame.assign(**columns)


def _groups(n=400):
    return pd.Series(["app"] * (n // 2) + ["till"] * (n // 2))


def test_a_treatment_by_hand():
    seen = _seen()
    found = treatments(seen, _groups(), order=["app", "till"], currency="EUR")
    app, till = (found.frame.set_index("segment").loc[name] for name in ("app", "till"))
    assert app["product"] == "Savings account with a standing order"
    # 60 of 200 hold savings, here and there, so about 30 % of customers like the other 70 % do
    assert (app["held_share"], app["open_share"]) == (0.3, pytest.approx(0.21, abs=0.02))
    # loans: half of them, among these all who save; of the 140 who do not save 40 have one: 0.5 x 40 / 140 = 0.143
    assert (till["family"], till["open_share"]) == ("loan", pytest.approx(0.143, abs=0.02))
    # a card is used most but cannot be talked with; SMS is allowed by three of four
    assert app["channel"] == "mobile app; SMS allowed by 75.0 %"
    assert till["channel"] == "branch; SMS allowed by 75.0 %"
    assert (app["rule"], till["rule"]) == ("digital", "branch without login")
    assert (app["n"], till["n"]) == (150, 150)
    assert app["smallest_difference"] == smallest_difference(0.3, 150)
    assert (
        till["measure"]
        == f"Login, 3 months: 0.0 % of 150; trial shows +{100 * smallest_difference(0.0, 150):.1f} points"
    )
    assert till["why"] == (
        "login, 3 months 0.0 %, all 50.0 %; acts mostly by card 90.0 %, all 55.0 %; loan: 50.0 % hold it "
        f"(43.1 to 56.9), and {100 * till['open_share'] / 0.5:.1f} % of customers like the rest"
    )
    assert found.title == "Most to win: savings with app, where 30.0 % hold it"
    assert found.reading.startswith("Offered: savings (1 segment), loan (1 segment). Served by the rule: digital")


def test_what_is_to_fall_is_tried_downwards():
    earlier = pd.Series(["app"] * 300 + ["till"] * 200, index=range(500))
    seen = _seen()
    left = leaving(earlier, pd.Index([*range(200), *range(300, 500)]), order=["app", "till"])
    facts = segment_facts(seen, _groups(), order=["app", "till"], left=left)
    app = treatments(seen, _groups(), order=["app", "till"], facts=facts).frame.iloc[0]
    assert (app["rule"], app["measured"]) == ("leaving", "left")
    step = smallest_difference(1 / 3, 150, falls=True)
    assert app["smallest_difference"] == pytest.approx(step)
    assert app["measure"] == f"Left in 12 months: 33.3 % of 150; trial shows -{100 * step:.1f} points"


def test_a_mean_is_tried_with_the_spread_of_its_customers():
    seen = _seen(savings_count=0, loan_count=0).drop(columns=["logins_3m_count", "frequency_3m_count"])
    app = treatments(seen, _groups(), order=["app", "till"]).frame.iloc[0]
    assert (app["rule"], app["measured"]) == ("usual", "products")
    spread = seen["products_count"].head(200).std()
    assert app["smallest_difference"] == pytest.approx(smallest_difference_of_means(spread, 150))
    assert app["product"] == "Nothing now: they hold what is usual"


@pytest.mark.parametrize(
    ("tolerance", "offer"),
    [
        (["C4"] * 150 + [None] * 50, "Investment plan within the stated tolerance"),
        (["C4"] * 90 + [None] * 110, _TALK_FIRST),
        ([None] * 200, _TALK_FIRST),
        (["C1"] * 30 + ["C4"] * 20 + [None] * 150, "Savings account with a standing order"),
        (["C2"] * 101 + ["C5"] * 99, "Savings account with a standing order"),
        (["C1"] * 6 + [None] * 194, _TALK_FIRST),  # six persons do not decide
    ],
)
def test_an_investment_is_offered_only_where_it_suits(tolerance, offer):
    seen = pd.DataFrame(
        {"investment_count": [1, 0] * 100, "savings_count": [1] * 40 + [0] * 160, "risk_tolerance": tolerance}
    )
    assert offers(seen, np.zeros(200, dtype=int), 1)[0].text == offer
    assert offers(seen.drop(columns="risk_tolerance"), np.zeros(200, dtype=int), 1)[0].text == _TALK_FIRST


def test_members_count_by_the_customers_like_them():
    # savings: held by all the old and no young, so the young without it are unlike its holders; loans: 40 % of each
    old = np.repeat([True, False], 400)
    seen = pd.DataFrame(
        {"age_years": np.where(old, 70.0, 20.0), "savings_count": old.astype(int), "loan_count": [1, 1, 0, 0, 0] * 160}
    )
    young = (~old).astype(int)
    mine = offers(seen, young, 2)[1]
    assert mine.family == "loan"
    assert (mine.held_share, mine.like_share) == (0.4, pytest.approx(0.4, abs=0.01))
    assert mine.open_share == pytest.approx(0.6 * 0.4, abs=0.01)
    # who does not know the age offers savings to the young, of whom nobody holds it
    blind = offers(seen.drop(columns="age_years"), young, 2)[1]
    assert (blind.family, blind.like_share) == ("savings", pytest.approx(0.5, abs=0.02))


def test_the_second_offer_tells_a_segment_from_others():
    # savings: half of all; pensions: 30 % of the wealthy, 5 % of others
    rng = np.random.default_rng(1)
    rich = np.repeat([1, 0], 1_000)
    seen = pd.DataFrame({"assets_amount": np.where(rich, 9e5, 1e3), "savings_count": rng.integers(0, 2, 2_000)})
    seen["pension_count"] = (rng.random(2_000) < np.where(rich, 0.3, 0.05)).astype(int)
    poor, wealthy = offers(seen, rich, 2)
    assert (wealthy.family, wealthy.also, wealthy.also_text) == ("savings", "pension", "Pension plan")
    assert (poor.family, poor.also) == ("savings", "")


def test_offers_depend_on_neither_the_order_of_customers_nor_the_currency():
    rng = np.random.default_rng(2)
    seen = pd.DataFrame({name: rng.integers(0, 2, 300) for name in ("savings_count", "card_count", "loan_count")})
    seen["assets_amount"] = rng.lognormal(8, 2, 300) * (1 + seen["savings_count"])
    code, mixed = rng.integers(0, 3, 300), rng.permutation(300)
    one = offers(seen, code, 3)
    for other in (
        offers(seen.iloc[mixed], code[mixed], 3),
        offers(seen.assign(assets_amount=100 * seen["assets_amount"]), code, 3),
    ):
        assert [offer.family for offer in other] == [offer.family for offer in one]
        assert [offer.open_share for offer in other] == pytest.approx([offer.open_share for offer in one], abs=1e-4)


def test_what_all_have_or_hardly_anybody_is_no_offer():
    seen = pd.DataFrame({"savings_count": [1] * 9 + [0] * 291})
    assert offers(seen, np.zeros(300, dtype=int), 1) == [None]
    assert offers(seen.assign(savings_count=1), np.zeros(300, dtype=int), 1) == [None]
    assert offers(seen.assign(savings_count=[0] * 9 + [1] * 291), np.zeros(300, dtype=int), 1) == [None]  # nine lack it
    assert offers(seen[[]], np.zeros(300, dtype=int), 1) == [None]


def test_small_segments_are_not_treated_alone():
    seen = _seen()
    segments = pd.Series(["tiny"] * 9 + ["rest"] * 391)
    found = treatments(seen, segments, order=["tiny", "rest"])
    tiny = found.frame.iloc[0]
    assert tiny["product"] == tiny["service"] == "Too few customers for a treatment of their own"
    assert found.frame["segment"].tolist() == ["tiny", "rest"]
    told = cards(segment_facts(seen, segments, order=["tiny", "rest"]), found, {"tiny": "x", "rest": "y"},
                 order=["tiny", "rest"]).frame  # fmt: skip
    assert told.loc[told["segment"] == "tiny", ["part", "text"]].values.tolist() == [
        ["size", "under 10 customers: too few to describe"],
        ["rule", "x"],
        ["do", "Too few customers for a treatment of their own"],
    ]


def test_customers_who_are_all_alike_promise_no_trial():
    seen = pd.DataFrame({"products_count": [1.0] * 400})
    app = treatments(seen, _groups(), order=["app", "till"]).frame.iloc[0]
    assert app["measure"] == "Products, mean: 1.0 products, n = 200; no trial shows a change"
    assert np.isnan(app["smallest_difference"])


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_anybody(n):
    seen = _seen().head(n)
    segments = pd.Series("all", index=seen.index, dtype="str")
    facts, done = (make(seen, segments, order=["all"]) for make in (segment_facts, treatments))
    assert done.reading == "No segment is large enough for a treatment of its own."
    assert len(cards(facts, done, {}, order=["all"]).frame) == 2


def test_a_card_by_hand():
    seen = _seen(margin_12m_amount=[100.0] * 200 + [300.0] * 200)
    order = ["app", "till"]
    facts = segment_facts(seen, _groups(), order=order, currency="EUR")
    done = treatments(seen, _groups(), order=order, currency="EUR", facts=facts)
    rule = "logins a month above 3 and bookings by app above 60 % and not more than two visits of a branch in a year"
    found = cards(facts, done, {"app": rule}, order=order, lines=7)
    app = found.frame[found.frame["segment"] == "app"]
    assert app["part"].tolist() == ["size", "rule"] + ["fact"] * 7 + ["do"] * 3 + ["measure"]
    assert app.loc[app["part"] == "rule", "text"].tolist() == [rule]
    # always: yield, assets, products, family, channel; the seventh is what parts the segments most: login
    assert app.loc[app["part"] == "fact", "label"].tolist() == [
        "Yield a year", "Share of yield", "Assets, median", "Products, mean", "Most held", "Acts mostly by",
        "Login, 3 months",
    ]  # fmt: skip
    till = found.frame[found.frame["segment"] == "till"]
    assert "rule" not in set(till["part"])
    assert till.loc[till["label"] == "Held above all", "text"].tolist() == ["loan 50 % (43 to 57)"]
    assert app.loc[app["label"] == "Login, 3 months", "against"].tolist() == [1]
    assert app.loc[app["part"] != "fact", "against"].isna().all()
    assert found.title == "till: 50.0 % of customers, 75.0 % of the yield"
    assert found.frame["label"].str.len().max() <= 18
    assert found.frame.loc[found.frame["part"] != "rule", "text"].str.len().max() <= 60


def test_a_rule_without_end_is_cut():
    seen = _seen()
    facts, done = (make(seen, _groups(), order=["app", "till"]) for make in (segment_facts, treatments))
    found = cards(facts, done, {"app": "many words " * 60}, order=["app", "till"]).frame
    rule = found[found["part"] == "rule"]
    assert len(rule) == 1
    assert rule["text"].iloc[0].endswith("words …")
    assert len(rule["text"].iloc[0]) <= 180


@pytest.mark.parametrize("source", ["simulated", "berka"])
def test_whole_banks(source, small_bank, request):
    folder = small_bank if source == "simulated" else request.getfixturevalue("real_data") / "berka"
    bank = Bank.open(folder).as_of("" if source == "simulated" else "1994-02-28")
    seen = snapshot(bank)
    rule = make_tiers(seen["assets_amount"], currency=bank.currency)
    words = {"order": rule.names, "currency": bank.currency}
    tier = rule.of(seen["assets_amount"])
    facts = segment_facts(seen, tier, **words)
    done = treatments(seen, tier, **words, facts=facts)
    assert done.frame["segment"].tolist() == list(rule.names)
    assert (done.frame[["product", "channel", "service", "measure"]].map(len) <= 60).all(axis=None)
    pd.testing.assert_frame_equal(done.frame, treatments(seen, tier, **words, facts=facts).frame)
    told = cards(facts, done, rule.rules, order=rule.names)
    assert set(told.frame["part"]) == {"size", "rule", "fact", "do", "measure"}
    assert max(len(one.title) for one in (facts, done, told)) <= 70
    assert told.frame["text"].ne("").all()
    consent = "not recorded" if source == "berka" else "allowed by"
    assert done.frame["channel"].str.contains(consent).all()
