"""Margin by customer, part and month: by hand, against the snapshot's feature, to the cent; service and losses."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.simulation import simulate
from crmlab.snapshots import snapshot
from crmlab.value.margin.losses import LOST_SHARES, default_rates, expected_losses
from crmlab.value.margin.panel import MarginPanel, margin_panel
from crmlab.value.margin.past import past_value, value_by_part
from crmlab.value.margin.service import DRIVERS, UNIT_COSTS, service_costs, service_use, unit_costs_of

_BANK = """name: Little bank
currency: EUR
minor_units: 100
"""


@pytest.fixture
def little(tmp_path):
    """Two customers: a saves and has a loan, b a free account with a fee; two month-ends and a third by b only."""
    (tmp_path / "bank.yml").write_text(_BANK, encoding="utf-8")
    frames = {
        "customers": pd.DataFrame(
            {"customer_id": ["a", "b"], "joined_on": ["2023-01-05", "2023-01-05"], "left_on": ["2024-03-15", None]}
        ),
        "products": pd.DataFrame(
            {
                "product_id": ["S", "L", "C"],
                "family": ["savings", "loan", "current"],
                "margin_share": [0.012, 0.048, 0.0],
                "fee_amount": [0.0, 0.0, 3.5],
            }
        ),
        "accounts": pd.DataFrame(
            {
                "account_id": ["1", "2", "3"],
                "customer_id": ["a", "a", "b"],
                "product_id": ["S", "L", "C"],
                "opened_on": ["2023-01-05"] * 3,
                "closed_on": ["2024-03-15", "2024-03-15", None],
            }
        ),
        "balances": pd.DataFrame(
            {
                "account_id": ["1", "2", "3", "1", "2", "3", "3"],
                "balance_on": ["2024-01-31"] * 3 + ["2024-02-29"] * 3 + ["2024-03-31"],
                "balance_amount": [1000.0, -500.0, 20.0, 2000.0, -400.0, 30.0, 40.0],
            }
        ),
    }
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    return Bank.open(tmp_path)


def test_a_little_bank_by_hand(little):
    panel = margin_panel(little.as_of("2024-02-29"))
    assert panel.parts == ("loan interest", "savings interest", "current fee")
    # a: 1000 x .012 / 12 = 1 and 2000 x .012 / 12 = 2; the loan 500 x .048 / 12 = 2 and 400 x .048 / 12 = 1.6
    assert panel.amounts[:, 0].tolist() == [pytest.approx([2.0, 1.6]), pytest.approx([1.0, 2.0]), [0.0, 0.0]]
    assert panel.amounts[:, 1].tolist() == [[0.0, 0.0], [0.0, 0.0], [3.5, 3.5]]
    past = past_value(panel)
    assert past["value_amount"].tolist() == [6.6, 7.0]
    assert past.attrs["months"] == 2
    assert panel.owed[panel.debts.index("loan"), 0].tolist() == [500.0, 400.0]


def test_who_has_left_is_not_there(little):
    panel = margin_panel(little)
    assert panel.is_there.tolist() == [[True, True, False], [True, True, True]]
    assert past_value(panel).index.tolist() == ["b"]
    assert panel.until("2024-02-29").months[-1] == pd.Timestamp("2024-02-29")
    assert panel.since("2024-02-01").months[0] == pd.Timestamp("2024-02-29")
    with pytest.raises(CrmlabError) as refused:
        panel.until("2023-12-31")
    assert str(refused.value) == "until 2023-12-31: the panel begins on 2024-01-31. Take a later day."


def test_the_total_is_the_margin_of_the_snapshot(small_bank):
    bank = Bank.open(small_bank).as_of()
    panel = margin_panel(bank)
    seen = snapshot(bank, features=["margin_12m_amount"])["margin_12m_amount"]
    mine = pd.Series(panel.total()[:, -12:].sum(axis=1), index=panel.customers).reindex(seen.index)
    assert len(seen) > 250
    assert np.abs(mine - seen).max() < 1e-9


def test_parts_add_up_to_the_cent_and_products_to_families(small_bank):
    bank = Bank.open(small_bank).as_of()
    by_family, by_product = margin_panel(bank), margin_panel(bank, by="product_id")
    assert np.abs(by_family.total() - by_product.total()).max() < 1e-9
    use = service_use(bank, by_family)
    panel = by_family.with_part("service", service_costs(use, UNIT_COSTS))
    learned = default_rates(bank, by_family)
    panel = panel.with_part("expected loss", expected_losses(by_family, learned))
    past = past_value(panel, use=use, unit_costs=UNIT_COSTS)
    totals = ["margin_amount", "cost_amount", "value_amount"]
    parts = past.drop(columns=totals)
    cents = (parts * 100).round().astype("int64")
    assert (cents.sum(axis=1) == (past["value_amount"] * 100).round().astype("int64")).all()
    assert ((past["margin_amount"] + past["cost_amount"] - past["value_amount"]).abs() < 1e-9).all()
    assert (past["cost_amount"] < 0).mean() > 0.9
    table = value_by_part(past)
    assert table["part"].iloc[-1] == "value"
    assert table["total_amount"].iloc[:-1].sum() == pytest.approx(table["total_amount"].iloc[-1], abs=1e-6)


def test_use_is_counted_by_channel(small_bank):
    bank = Bank.open(small_bank).as_of()
    panel = margin_panel(bank)
    use = service_use(bank, panel)
    visits = bank.sql("select count(*) from transactions where channel = 'branch' and is_customer_initiated").fetchall()
    talks = bank.sql("select count(*) from interactions where channel = 'branch'").fetchall()
    assert use[DRIVERS.index("branch")].sum() == visits[0][0] + talks[0][0]
    standing = bank.sql("select count(*) from transactions where not is_customer_initiated").fetchall()[0][0]
    assert use[DRIVERS.index("automatic")].sum() == standing


def test_unit_costs_that_cannot_be_are_refused():
    assert unit_costs_of([1.0] * 9, "CZK")["account"] == 1.0
    assert unit_costs_of([], "CZK") is None
    with pytest.raises(CrmlabError) as refused:
        unit_costs_of([1.0, 2.0], "EUR")
    order = "branch, phone, written, atm, card, online, mobile, automatic, account"
    assert str(refused.value) == f"unit costs: 2 numbers. Give 9, in the order {order}."
    with pytest.raises(CrmlabError) as refused:
        unit_costs_of({"brnch": 1.0}, "EUR")
    assert str(refused.value).startswith("unit costs: no driver is called 'brnch'. Did you mean 'branch'?")
    with pytest.raises(CrmlabError) as refused:
        unit_costs_of([-1.0, *[0.0] * 8], "EUR")
    assert str(refused.value) == "unit costs: branch is below 0 or not a number. Give money, 0 or more."


def test_defaults_are_counted_once_and_scaled_to_those_seen(tmp_path):
    folder = simulate(tmp_path / "bank", customers=1_500, months=36, seed=11).folder
    bank = Bank.open(folder).as_of()
    panel = margin_panel(bank)
    learned = default_rates(bank, panel)
    seen = bank.sql(
        "select count(*) from accounts where performance = 'defaulted' and performance_on > date '2023-12-31'"
    ).fetchall()[0][0]
    frame = learned.frame[learned.frame["family"] == "all"]
    assert 0 < learned.defaults_count <= seen + 3
    assert (frame["p_default"] * frame["loan_years"]).sum() == pytest.approx(learned.defaults_count)
    usual, after = learned.of("loan")
    assert after > usual
    assert learned.of("card") == learned.of("all")


def test_a_negative_margin_is_a_cost_not_an_error():
    months = pd.DatetimeIndex(["2024-01-31"])
    panel = MarginPanel(pd.Index(["a"], name="customer_id"), months, ("loan interest",), np.array([[[-3.0]]]),
                        np.ones((1, 1), bool), np.zeros((0, 1, 1)), (), "EUR")  # fmt: skip
    assert past_value(panel)["value_amount"].tolist() == [-3.0]


def test_shares_lost_outside_0_to_1_are_refused(small_bank):
    bank = Bank.open(small_bank).as_of()
    panel = margin_panel(bank)
    learned = default_rates(bank, panel)
    assert (expected_losses(panel, learned) <= 0).all()
    none = expected_losses(panel, learned, lost_shares=dict.fromkeys(LOST_SHARES, 0.0))
    assert not none.any()
    with pytest.raises(CrmlabError) as refused:
        expected_losses(panel, learned, lost_shares={"loan": 45.0})
    assert str(refused.value) == "expected_losses: the share lost of loan is outside 0 to 1. Give shares."


def test_berka_says_what_is_not_known(real_data):
    panel = margin_panel(Bank.open(real_data / "berka").as_of("1994-02-28"))
    assert panel.parts == ("current charges",)
    assert panel.missing == ("margins of products: net interest is left out",)
    assert panel.total().sum() == pytest.approx(78_099.8 + 378.4 - 14.6, rel=0.01)
