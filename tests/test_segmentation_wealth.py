"""Tiers, moves, yields, potential: hand arithmetic, invariances, limits, the simulated bank and real files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.segmentation import wealth
from crmlab.segmentation.people import account_owners, has_year_to, income_of, year_before
from crmlab.segmentation.potential import peers_of, potential, rank_link
from crmlab.segmentation.tiers import Tiering, make_tiers
from crmlab.segmentation.wealth_actions import advised, hidden_wealth
from crmlab.segmentation.wealth_answer import headline, outlook
from crmlab.segmentation.wealth_moves import moves, worth
from crmlab.snapshots import snapshot

RULE = Tiering((100.0, 1_000.0), "EUR")


def _seen(assets, **columns):
    index = pd.Index([f"c{i}" for i in range(len(assets))], name="customer_id")
    return pd.DataFrame({"assets_amount": np.asarray(assets, dtype=float), **columns}, index=index)


def test_tiers_by_thresholds():
    amounts = pd.Series([0.0, 99.99, 100.0, 999.99, 1_000.0, np.nan])
    assert RULE.of(amounts).tolist()[:5] == ["base", "base", "affluent", "affluent", "top"]
    assert RULE.of(amounts).isna().tolist() == [False] * 5 + [True]
    assert list(RULE.rules) == ["base", "affluent", "top"]


def test_tiers_by_quantiles_are_round_and_drop_equal_limits():
    spread = make_tiers(pd.Series(np.arange(1.0, 10_001.0)), currency="EUR")
    assert spread.limits == (5_000.0, 8_000.0, 9_500.0)
    mostly_none = make_tiers(pd.Series([0.0] * 70 + [5_123.0] * 30), currency="EUR")
    assert mostly_none.limits == (5_100.0,)
    assert mostly_none.names == ("base", "top")
    assert make_tiers(pd.Series([0.0, 0.0]), currency="EUR").rules == {"base": "all"}
    assert make_tiers(pd.Series([], dtype=float), currency="EUR").limits == ()


@pytest.mark.parametrize("thresholds", [[5, 5], [10, 5], [0, 5], [1, 2, 3, 4, 5], [float("inf")], [float("nan")]])
def test_thresholds_that_part_nothing_are_refused(thresholds):
    with pytest.raises(CrmlabError) as error:
        make_tiers(pd.Series([1.0]), thresholds, currency="EUR", what="income_thresholds")
    given = [float(value) for value in thresholds]
    assert str(error.value) == (
        f"income_thresholds: {given} cannot part tiers. Give one to four rising amounts above 0, or none for quantiles."
    )


def test_tier_table_by_hand():
    tens = np.repeat([50, 50, 400, 1_500], 10)  # every customer ten times: fewer would not be shown
    found = wealth.asset_tiers(_seen(tens, debt_amount=np.repeat([30.0, 0, 0, 10.0], 10)), RULE)
    frame = found.frame.set_index("tier")
    assert frame["customers_share"].tolist() == [0.5, 0.25, 0.25]
    assert frame["assets_share"].tolist() == [0.05, 0.2, 0.75]
    assert frame["debt_share"].tolist() == [0.75, 0.0, 0.25]
    assert found["assets_total"].value == 20_000
    parts = wealth.shares_by_tier(found.frame)
    assert parts.groupby("quantity")["share"].sum().to_dict() == {"customers": 1.0, "assets": 1.0, "debt": 1.0}


def test_tiers_do_not_depend_on_order_or_currency():
    values = np.random.default_rng(1).lognormal(8, 1.5, 400)
    here = wealth.asset_tiers(_seen(values), make_tiers(pd.Series(values), currency="EUR")).frame
    there = _seen(values[::-1] * 1_000)
    scaled = wealth.asset_tiers(there, make_tiers(there["assets_amount"], currency="EUR")).frame
    assert here["customers_count"].tolist() == scaled["customers_count"].tolist()
    np.testing.assert_allclose(here["assets_share"], scaled["assets_share"])


def test_moves_by_hand():
    # 20 in base: 15 stay, 3 to affluent, 1 to top, 1 left; 10 affluent: 8 stay, 2 fall
    before = _seen([50] * 20 + [500] * 10, tenure_days=[10.0] * 30)
    after = _seen([50] * 15 + [500] * 3 + [5_000] + [0] + [500] * 8 + [50] * 2).drop("c19")
    after = pd.concat([after, pd.DataFrame({"assets_amount": [9.0]}, index=["new"])])
    found = moves(before, after, RULE)
    counts = found.frame.set_index(["from", "to"])["customers_count"]
    assert counts["base"].to_dict() == {"base": 15, "affluent": 3, "top": 1, "left": 1}
    assert counts["affluent"].to_dict() == {"base": 2, "affluent": 8, "top": 0, "left": 0}
    shares = {name: round(e.value * 30) for name, e in found.estimates.items()}
    assert shares == {"stayed_share": 23, "rose_share": 4, "fell_share": 2, "left_share": 1}
    assert found.reading.endswith(
        "1 came since and are not in the table. 13.3 % rose (5.3 to 29.7 %) and 6.7 % fell (1.8 to 21.3 %). Half of "
        "them had joined within 10 days before the earlier date, so much of the rise is the filling of new accounts."
    )
    # nobody began in the top tier: no share is given for a group of under 10
    assert found.frame.set_index("from").loc["top", "share"].isna().all()


def test_same_thresholds_at_both_dates_make_nobody_move():
    seen = _seen(np.random.default_rng(2).lognormal(6, 1, 300))
    found = moves(seen, seen, make_tiers(seen["assets_amount"], currency="EUR"))
    assert (found["stayed_share"].value, found["rose_share"].value) == (1.0, 0.0)


def test_holdings_and_mix_by_hand():
    seen = _seen(
        np.repeat([50, 50, 400, 1_500], 10),
        savings_count=np.repeat([0, 1, 1, 1], 10),
        loan_count=np.repeat(0, 40),
        current_amount=np.repeat([60.0, -20.0, 100.0, 500.0], 10),
        savings_amount=np.repeat([0.0, 50.0, 300.0, 1_000.0], 10),
    )
    held = wealth.tier_holdings(seen, RULE)
    assert held.frame["family"].unique().tolist() == ["savings"]  # nobody has a loan
    assert held.frame["share"].tolist() == [0.5, 1.0, 1.0]
    assert held.title == "Savings: held by 100.0 % of the top tier, 50.0 % of the base tier"
    mix = wealth.asset_mix(seen, RULE).frame.set_index(["tier", "family"])["share"]
    assert mix["base"].round(4).to_dict() == {"current": 0.5455, "savings": 0.4545}  # the overdraft counts as 0
    assert mix["top"].round(4).to_dict() == {"current": 0.3333, "savings": 0.6667}
    with pytest.raises(CrmlabError, match=r"^tier_holdings: the snapshot has no column of product families."):
        wealth.tier_holdings(_seen([1.0] * 10), RULE)


def test_yields_by_hand():
    seen = _seen(np.repeat([50, 50, 400, 1_500], 10), margin_12m_amount=np.repeat([1.0, 3.0, 10.0, 86.0], 10))
    found = wealth.tier_yields(seen, RULE)
    assert found.frame["yield_amount"].tolist() == [2.0, 10.0, 86.0]
    assert found.frame["total_share"].tolist() == [0.04, 0.1, 0.86]
    assert 1.0 < found["yield_base"].low < 2.0
    assert found["yield_top"].interval == "EUR 86.00 to EUR 86.00"


def test_nothing_is_said_of_fewer_than_ten():
    # 20 base, 10 affluent, 9 top: the top tier is neither named nor counted in
    seen = _seen(
        [50] * 20 + [400] * 10 + [5_000] * 9,
        margin_12m_amount=[2.0] * 20 + [10.0] * 10 + [99.0] * 9,
        savings_count=[0] * 20 + [1] * 19,
        savings_amount=[1.0] * 39,
        income_amount=[10.0] * 30 + [90.0] * 9,
    )
    tiers = wealth.asset_tiers(seen, RULE)
    assert tiers.title.startswith("The affluent tier: 25.6 % of customers")
    assert set(wealth.shares_by_tier(tiers.frame)["tier"]) == {"base", "affluent"}
    assert "The affluent tier, EUR 100.00 to under EUR 1,000" in headline(tiers, wealth.concentration_of_assets(seen))
    yields = wealth.tier_yields(seen, RULE)
    assert yields.frame["yield_amount"].fillna(-1).tolist() == [2.0, 10.0, -1.0]
    assert list(yields.estimates) == ["yield_base", "yield_affluent"]
    holdings = wealth.tier_holdings(seen, RULE)
    assert holdings.frame["share"].fillna(-1).tolist() == [0.0, 1.0, -1.0]
    assert holdings.title == "Savings: held by 100.0 % of the affluent tier, 0.0 % of the base tier"
    assert wealth.asset_mix(seen, RULE).title.startswith("The affluent tier keeps")
    crossed = wealth.income_against_assets(seen, RULE, Tiering((50.0,), "EUR"))
    assert (crossed.frame.empty, crossed.estimates) == (True, {})

    few = seen.iloc[:9]
    found = [
        wealth.asset_tiers(few, RULE),
        wealth.concentration_of_assets(few),
        wealth.tier_yields(few, RULE),
        wealth.tier_holdings(few, RULE),
        wealth.asset_mix(few, RULE),
        wealth.income_against_assets(few, RULE, RULE),
    ]
    assert all(one.frame.empty and not one.estimates for one in found)
    assert headline(*found[:2]) == "Too few customers to say what each tier holds."
    moved = moves(few, few, RULE)
    assert moved.title == "Too few customers to say how they move between tiers"
    assert np.isnan(moved["stayed_share"].value)
    assert outlook(moved, found[2], None) == "This bank's data say nothing about movement, yield or potential."


def test_tiers_by_quantiles_hold_ten_customers_each():
    for n in (1, 9, 19, 20, 62, 150, 400):
        amounts = pd.Series(np.random.default_rng(n).lognormal(9, 2, n))
        rule = make_tiers(amounts, currency="EUR")
        assert rule.of(amounts).value_counts().min() >= min(10, n)
    assert len(make_tiers(pd.Series(np.arange(62.0)), currency="EUR").limits) == 2
    assert make_tiers(pd.Series(np.arange(19.0)), currency="EUR").names == ("base",)


def test_income_is_declared_or_seen_and_never_mixed():
    both = _seen([1, 2], income_amount=[np.nan, 0.0], salary_amount=[900.0, 800.0])
    assert income_of(both)[1] == "declared income"
    assert income_of(both)[0].isna().all()
    seen = _seen([1, 2], income_amount=[np.nan, np.nan], salary_amount=[900.0, np.nan])
    assert income_of(seen)[0].tolist()[0] == 900.0
    assert income_of(seen)[1] == "salary-like credits"
    assert income_of(_seen([1]))[1] == ""


def test_income_against_assets_by_hand():
    seen = _seen([50] * 12 + [5_000] * 12 + [7], income_amount=[10.0] * 10 + [90.0] * 14 + [np.nan])
    found = wealth.income_against_assets(seen, RULE, Tiering((50.0,), "EUR"))
    counts = found.frame.set_index(["from", "to"])["customers_count"]
    assert counts["top"].to_dict() == {"base": 2, "affluent": 0, "top": 12}
    assert found["mismatch_share"].value == pytest.approx(2 / 14)
    assert found.reading.endswith("Income of 1 of 25 customers is not known.")


def test_owners_of_accounts_are_kept_and_others_told():
    seen = _seen([5, 0, 0], accounts_count=[1, 0, 2])
    own, said = account_owners(seen)
    assert own.index.tolist() == ["c0", "c2"]
    assert said == "2 customers have an account of their own and are looked at; 1 who have none are left out."
    assert account_owners(_seen([5]))[1] == "All 1 customers of the file are looked at."


def test_rank_link_is_spearman():
    from scipy.stats import spearmanr

    generator = np.random.default_rng(4)
    x, y = pd.Series(generator.normal(size=80).round(1)), pd.Series(generator.normal(size=80).round(1))
    assert rank_link(x, y + x).value == pytest.approx(spearmanr(x, y + x).statistic, abs=1e-9)


def _linked(n=2_000, seed=3):
    generator = np.random.default_rng(seed)
    income = generator.lognormal(8, 0.5, n)
    assets = income * 10 * generator.lognormal(0, 0.8, n)
    return _seen(assets, income_amount=income, age_years=generator.integers(20, 80, n).astype(float))


def test_potential_by_hand():
    # one income fifth each of 40 customers, without ages: half hold 0, half hold 100 x the fifth
    income = np.repeat([1.0, 2, 3, 4, 5], 40)
    assets = np.where(np.arange(200) % 2 == 0, 0.0, 100.0 * income)
    found = potential(_seen(assets, income_amount=income), RULE)
    # the median (smallest value that half hold or stay below) is 0: nothing to reach; the upper quartile is 100 x fifth
    assert found["headroom_cautious"].value == 0
    assert found["headroom_upper"].value == 20 * 100 * (1 + 2 + 3 + 4 + 5)
    reach = found.frame[found.frame["series"] == "upper level of peers"]
    assert reach["amount"].tolist() == [100.0, 200.0, 300.0, 400.0, 500.0]


def test_potential_has_an_interval_and_repeats():
    seen = _linked()
    first, again = potential(seen, RULE), potential(seen, RULE)
    assert first.estimates == again.estimates
    room = first["headroom_cautious"]
    assert 0 < room.low < room.value < room.high
    assert first["headroom_upper"].value > room.value
    assert first["hidden_count"].value > 10
    tiers = first.frame.attrs["tiers"]
    assert tiers["headroom_amount"].sum() == pytest.approx(room.value)
    assert tiers["customers_count"].sum() == 2_000


def test_potential_scales_with_the_currency():
    seen = _linked(600)
    scaled = seen.assign(assets_amount=seen["assets_amount"] * 25, income_amount=seen["income_amount"] * 25)
    here, there = potential(seen, RULE), potential(scaled, Tiering((2_500.0, 25_000.0), "CZK"))
    assert there["headroom_cautious"].value == pytest.approx(25 * here["headroom_cautious"].value)


def test_potential_is_not_given_where_income_says_nothing():
    generator = np.random.default_rng(6)
    seen = _seen(generator.lognormal(8, 1, 500), income_amount=generator.lognormal(8, 1, 500))
    found = potential(seen, RULE)
    assert found.frame.empty
    assert set(found.estimates) == {"income_link"}
    assert outlook(None, None, found) == "Income says nothing about assets here, so no potential is given."


def test_few_hidden_customers_are_not_counted_on_a_page():
    seen = _linked(60)
    found = potential(seen, RULE)
    assert "hidden_count" not in found.estimates
    assert "Fewer than 10 of the highest income fifth" in found.reading


@pytest.fixture(scope="module")
def clean(small_bank):
    return Bank.open(small_bank).as_of("")


def test_the_simulated_bank_looks_like_a_bank(clean):
    seen, _ = account_owners(snapshot(clean))
    rule = make_tiers(seen["assets_amount"], currency=clean.currency)
    spread = wealth.concentration_of_assets(seen)
    assert 0.6 < spread["gini_assets"].value < 0.95  # deposits are concentrated, as in every bank
    assert 0.4 < spread["top_10_share"].value < 0.95
    tiers = wealth.asset_tiers(seen, rule)
    assert tiers.frame["assets_share"].is_monotonic_increasing
    total = clean.sql(
        "select sum(greatest(balance_amount, 0)) / 100 from balances join accounts using (account_id) join products"
        " using (product_id) join customers using (customer_id)"
        " where family in ('current', 'savings', 'term_deposit', 'investment', 'pension')"
        f" and balance_on = '{clean.date}' and left_on is null and closed_on is null"
    ).fetchall()[0][0]
    assert tiers["assets_total"].value == pytest.approx(float(total), rel=1e-6)
    told = headline(tiers, spread)
    assert told.startswith("The richest 10 % of customers hold ")


def test_a_year_before_needs_balances_of_then(clean, small_bank):
    assert year_before(clean) == "2023-06-30"
    assert year_before(Bank.open(small_bank).as_of("2023-06-30")) == ""


def test_a_yearly_amount_needs_twelve_month_ends(clean):
    first = pd.Timestamp(clean.sql("select min(balance_on) from balances").fetchall()[0][0])
    month_end = pd.offsets.MonthEnd()
    whole = first + 11 * month_end  # the twelfth month end
    assert has_year_to(clean, str(whole.date()))
    assert has_year_to(clean, str((whole + pd.Timedelta(days=10)).date()))
    assert not has_year_to(clean, str((whole - pd.Timedelta(days=1)).date()))
    assert not has_year_to(clean, "")


def test_worth_of_tiers_leaves_out_whose_year_was_not_whole():
    before = _seen([50.0] * 60, margin_12m_amount=[100.0] * 60, tenure_days=[400.0] * 45 + [100.0] * 15)
    after = _seen([50.0] * 25 + [500.0] * 35, margin_12m_amount=[110.0] * 25 + [160.0] * 20 + [1e6] * 15)
    found = worth(before, after, RULE)
    assert found.frame[["move", "customers_count", "worth_amount", "total_amount"]].values.tolist() == [
        ["base to affluent", 20, 50.0, 1_000.0]
    ]
    assert found.reading.endswith(
        "15 customers of less than a year at the earlier date are left out. "
        "Assets make both tier and margin, so part of it holds by construction."
    )


def test_the_answer_says_what_went_with_the_leavers():
    before = _seen([50.0] * 60, margin_12m_amount=[100.0] * 60)
    after = _seen([50.0] * 40, margin_12m_amount=[110.0] * 40)
    found = worth(before, after, RULE)
    # 20 left, each with 100 of yield, where those who stayed yield 10 more
    assert (found["leaving_worth"].value, found["leaving_total"].value) == (-110.0, -2_200.0)
    assert outlook(None, None, None, worth=found) == (
        "With 20 who left after a year or more, EUR 2,200 of yield a year (EUR 2,200 to EUR 2,200) went."
    )


def test_a_flat_file_gives_what_it_can(real_data, tmp_path):
    from crmlab.bank.adapters import import_bank

    mapping = str(Path(__file__).parents[1] / "data" / "mappings" / "churn_modelling.yml")
    import_bank("flat", real_data / "churn_modelling" / "Churn_Modelling.csv", tmp_path / "flat", mapping=mapping)
    bank = Bank.open(tmp_path / "flat").as_of("")
    seen, _ = account_owners(snapshot(bank))
    source = pd.read_csv(real_data / "churn_modelling" / "Churn_Modelling.csv")
    spread = wealth.concentration_of_assets(seen)
    assert spread["no_assets_share"].value == pytest.approx((source["Balance"] == 0).mean())
    assert spread["top_10_share"].value == pytest.approx(
        source["Balance"].sort_values().tail(1_000).sum() / source["Balance"].sum()
    )
    assert year_before(bank) == ""
    # the file's salaries are drawn at random: they say nothing about balances
    assert potential(seen, make_tiers(seen["assets_amount"], currency="EUR")).frame.empty


def test_fifths_of_under_ten_customers_are_not_shown():
    found = potential(_linked(49), RULE)
    assert (found.frame.empty, found.estimates) == (True, {})
    assert outlook(None, None, found) == (
        "Too few customers with a known income to set beside peers, so no potential is given."
    )


def test_hidden_wealth_is_listed_as_it_is_counted():
    seen = _linked()
    reasons = hidden_wealth(seen, currency="EUR")
    assert len(reasons) == potential(seen, RULE)["hidden_count"].value
    peers = peers_of(seen).loc[reasons.index]
    assert (peers["assets_amount"] < 0.5 * peers["peers_amount"]).all()
    assert peers["room_amount"].is_monotonic_decreasing
    assert set(peers["income_group"]) == {5}
    assert hidden_wealth(_seen([1, 2], income_amount=[np.nan, np.nan]), currency="EUR").empty


def test_who_is_advised_by_hand():
    seen = _seen([50, 5_000, 2_000, 400], margin_12m_amount=[900.0, 20.0, 30.0, 5.0])
    reasons = advised(seen, RULE, ["top", "affluent"])
    assert reasons.to_dict() == {
        "c2": "top tier: holds EUR 2,000, yielded EUR 30.00 in 12 months",
        "c1": "top tier: holds EUR 5,000, yielded EUR 20.00 in 12 months",
        "c3": "affluent tier: holds EUR 400.00, yielded EUR 5.00 in 12 months",
    }
    bare = advised(seen[["assets_amount"]], RULE, ["top"])
    assert bare.to_dict() == {"c1": "top tier: holds EUR 5,000", "c2": "top tier: holds EUR 2,000"}
