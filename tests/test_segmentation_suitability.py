"""Suitability: a tiny bank by hand, and a straightforward recount of the simulated bank from its files."""

import numpy as np
import pandas as pd
import pytest

from crmlab import charts
from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.segmentation.suitability import (
    GRADES,
    RULE,
    investments,
    no_suitability,
    riskier_by,
    suitability,
)
from crmlab.segmentation.suitability_lists import riskier_list, to_ask_list
from crmlab.simulation import simulate
from crmlab.snapshots import snapshot

PRODUCTS = pd.DataFrame(
    {
        "product_id": ["current", "bonds", "equity", "theme", "odd", "pension"],
        "product_name": ["Current", "Bond Fund", "Equity Fund", "Theme Fund", "Odd Fund", "Pension Plan"],
        "family": ["current", "investment", "investment", "investment", "investment", "pension"],
        "risk_grade": ["R1", "R2", "R4", "R5", None, "R3"],
    }
)


def _tiny(folder, **tables):
    """Write a bank: `customers` (customer_id -> class, day of the questionnaire), `accounts` and `balances` as rows."""
    people = tables["customers"]
    frame = pd.DataFrame(
        {
            "customer_id": list(people),
            "joined_on": "2020-01-01",
            "left_on": [one[2] if len(one) > 2 else None for one in people.values()],
            "risk_tolerance": [one[0] for one in people.values()],
            "risk_assessed_on": [one[1] for one in people.values()],
            "branch": "Harbour",
            "is_phone_allowed": True,
        }
    )
    folder.mkdir()
    frame.to_csv(folder / "customers.csv", index=False)
    PRODUCTS.to_csv(folder / "products.csv", index=False)
    names = ["account_id", "customer_id", "product_id", "opened_on", "closed_on"]
    pd.DataFrame(tables["accounts"], columns=names).to_csv(folder / "accounts.csv", index=False)
    names = ["account_id", "balance_on", "balance_amount"]
    pd.DataFrame(tables["balances"], columns=names).to_csv(folder / "balances.csv", index=False)
    (folder / "bank.yml").write_text("name: Tiny\ncurrency: EUR\ntimezone: UTC\n")
    return Bank.open(folder)


@pytest.fixture
def tiny(tmp_path):
    return _tiny(
        tmp_path / "bank",
        customers={
            "suits": ("C4", "2024-01-10"),
            "beyond": ("C2", "2021-05-01"),
            "later": ("C1", "2024-09-01"),  # on 2024-06-30 nobody knows the answer
            "silent": (None, None),
            "left": ("C1", "2020-01-01", "2024-03-31"),
            "planner": ("C1", "2020-01-01"),  # a pension plan of grade R3 needs no questionnaire
        },
        accounts=[
            ("a1", "suits", "equity", "2022-01-01", None),
            ("a2", "beyond", "bonds", "2022-01-01", None),
            ("a3", "beyond", "equity", "2022-01-01", None),
            ("a4", "beyond", "theme", "2022-01-01", "2024-05-31"),  # closed: does not count
            ("a5", "later", "bonds", "2023-01-01", None),
            ("a6", "silent", "theme", "2023-01-01", None),
            ("a7", "left", "theme", "2023-01-01", "2024-03-31"),
            ("a8", "planner", "pension", "2023-01-01", None),
            ("a9", "silent", "odd", "2023-01-01", None),
            ("b1", "suits", "theme", "2024-08-01", None),  # opened after the day
        ],
        balances=[
            ("a1", "2024-06-30", 100),
            ("a2", "2024-06-30", 10),
            ("a3", "2024-05-31", 99),  # an earlier month end
            ("a3", "2024-06-30", 30),
            ("a5", "2024-06-30", -5),
            ("a6", "2024-06-30", 60),
            ("a3", "2024-12-31", 1000),
            ("b1", "2024-12-31", 7),
        ],
    )


def test_open_accounts_are_set_beside_what_their_owner_stated(tiny):
    held = investments(tiny.as_of("2024-06-30"))
    found = held.set_index("account_id")[["customer_id", "grade", "tolerance", "amount", "excess_count"]]
    expected = {
        "a1": ["suits", "R4", "C4", 100.0, 0.0],
        "a2": ["beyond", "R2", "C2", 10.0, 0.0],
        "a3": ["beyond", "R4", "C2", 30.0, 2.0],
        "a5": ["later", "R2", None, 0.0, None],
        "a6": ["silent", "R5", None, 60.0, None],
        "a9": ["silent", None, None, None, None],
    }
    assert {account: [None if pd.isna(v) else v for v in row] for account, row in found.T.items()} == expected


def test_later_questionnaires_openings_and_balances_count_later(tiny):
    held = investments(tiny.as_of("2024-12-31")).set_index("account_id")
    assert held.loc["a5", "excess_count"] == 1.0  # C1 holds R2
    assert (held.loc["b1", "excess_count"], held.loc["b1", "amount"]) == (1.0, 7.0)  # C4 holds R5
    assert held.loc["a3", "amount"] == 1000.0
    assert np.isnan(held.loc["a1", "amount"])  # no balance at the last month end known


def test_the_rule_and_the_families_are_parameters(tiny):
    bank = tiny.as_of("2024-06-30")
    milder = investments(bank, rule={**RULE, "C2": "R4"}).set_index("account_id")
    assert milder.loc["a3", "excess_count"] == 0
    with_plans = investments(bank, families=("investment", "pension")).set_index("account_id")
    assert with_plans.loc["a8", "excess_count"] == 2  # C1 holds R3
    with pytest.raises(CrmlabError) as met:
        investments(bank, rule={"C1": "R1", "C9": "R9"})
    cure = "Give each of C1, C2, C3, C4, C5 one of R1, R2, R3, R4, R5."
    assert str(met.value).splitlines() == [
        "2 problems:",
        f"- rule: C9: R9 is not a class with a grade. {cure}",
        f"- rule: C2, C3, C4, C5 has no grade. {cure}",
    ]


def test_few_investors_get_no_numbers_but_a_list(tiny):
    bank = tiny.as_of("2024-06-30")
    held, seen = investments(bank), snapshot(bank)
    found = suitability(held, day=bank.date, currency="EUR")
    assert (len(found.frame), found.estimates) == (0, {})
    assert found.title == "Fewer than 10 investors stated a tolerance"
    listed = riskier_list(held, seen, day=bank.date, currency="EUR")
    assert listed.reset_index().to_numpy().tolist() == [
        ["beyond", "holds R4, tolerance C2 of 2021-05-01, EUR 30.00", "phone", "2024-07-30", False, 30.0]
    ]
    asked = to_ask_list(held, seen, day=bank.date, currency="EUR", months=36)
    assert asked["reason"].to_dict() == {  # never stated first, by money; then the stale one
        "silent": "holds R5, never stated a tolerance",
        "later": "holds R2, never stated a tolerance",
        "beyond": "holds R4, last stated a tolerance on 2021-05-01",
    }
    assert list(asked["amount"]) == [60.0, 0.0, 40.0]


def _held(rows):
    """Accounts from (number of customers, class, grade, amount each, age of the questionnaire in months)."""
    day, lines = pd.Timestamp("2024-12-31"), []
    for number, tolerance, grade, amount, months in rows:
        for _ in range(number):
            when = pd.NaT if tolerance is None else day - pd.DateOffset(months=months)
            beyond = np.nan if tolerance is None else GRADES.index(grade) - (int(tolerance[1]) - 1)
            lines.append((f"c{len(lines):04d}", "Fund " + grade, grade, tolerance, when, amount, beyond))
    names = ["customer_id", "product_name", "grade", "tolerance", "assessed_on", "amount", "excess_count"]
    return pd.DataFrame(lines, columns=names).astype({"tolerance": "str", "assessed_on": "datetime64[ns]"})


def test_the_numbers_are_those_reckoned_by_hand():
    held = _held(
        [(60, "C4", "R4", 10.0, 3), (15, "C2", "R3", 20.0, 30), (12, "C2", "R5", 5.0, 24), (13, None, "R2", 1.0, 0)]
    )
    held["tolerance"] = held["tolerance"].where(held["excess_count"].notna())
    found = suitability(held, day="2024-12-31", currency="EUR", months=24)
    values = {name: one.value for name, one in found.estimates.items()}
    # 15 + 12 of 87 are beyond; 15 x 20 + 12 x 5 = 360 of 600 + 300 + 60 + 13 = 973; 30 months is stale, 24 not yet
    assert values == pytest.approx(
        {
            "unsuitable_share": 27 / 87, "unsuitable_count": 27, "unsuitable_amount": 360,
            "unsuitable_amount_share": 360 / 973, "no_tolerance_share": 0.13, "no_tolerance_count": 13,
            "stale_share": 15 / 87,
        }
    )  # fmt: skip
    assert found["unsuitable_share"].n == 87
    assert "15 by one grade, 12 by two or more" in found.reading
    cells = found.frame.set_index(["tolerance", "grade"])["customers_count"]
    assert cells[cells > 0].to_dict() == {("C2", "R3"): 15, ("C2", "R5"): 12, ("C4", "R4"): 60}
    assert found.frame.loc[found.frame["is_riskier"], "tolerance"].unique().tolist() == ["C2"]


def test_small_cells_are_hidden_and_no_blank_can_be_reckoned_from_the_total():
    held = _held([(60, "C4", "R4", 10.0, 3), (3, "C2", "R3", 20.0, 3), (12, "C3", "R3", 5.0, 3)])
    found = suitability(held, day="2024-12-31", currency="EUR")
    hidden = found.frame[found.frame["is_hidden"]]
    assert hidden[["tolerance", "grade"]].to_numpy().tolist() == [["C2", "R3"], ["C3", "R3"]]
    assert hidden[["customers_count", "share", "share_low", "share_high"]].isna().all(axis=None)
    assert "unsuitable_count" not in found.estimates
    assert "unsuitable_amount" not in found.estimates
    assert found.reading.startswith("Fewer than 10 investors hold more risk than they stated, 4.0 %")
    drawn = charts.suitability_matrix(found.frame, **found.words)
    texts = [text.get_text() for text in drawn.texts]
    assert (texts.count("few"), texts.count("60"), texts.count("3"), texts.count("12")) == (2, 1, 0, 0)


def test_nobody_beyond_and_nobody_asked_are_said_plainly():
    suits = suitability(_held([(20, "C4", "R4", 10.0, 3)]), day="2024-12-31", currency="EUR")
    assert suits.title == "No investor holds more risk than they stated"
    assert suits["unsuitable_share"].interval == "0.0 to 16.1 %"
    held = _held([(20, None, "R4", 10.0, 3)])
    held["tolerance"] = None
    silent = suitability(held, day="2024-12-31", currency="EUR")
    assert silent["no_tolerance_share"].value == 1
    assert set(silent.estimates) == {"no_tolerance_share", "no_tolerance_count"}
    with pytest.raises(CrmlabError, match=r"^months: 0 is no age\. Give 1 or more\.$"):
        suitability(held, day="2024-12-31", currency="EUR", months=0)


def test_groups_are_compared_by_customers_not_accounts():
    held = _held([(10, "C4", "R4", 1.0, 3), (5, "C2", "R4", 1.0, 3), (9, "C1", "R2", 1.0, 3)])
    twice = pd.concat([held, held[held["tolerance"] == "C2"]])
    found = riskier_by(twice, "product_name")
    assert found.frame[["product", "n"]].to_numpy().tolist() == [["Fund R4", 15]]
    assert found.frame["share"].tolist() == pytest.approx([1 / 3])
    assert found.reading.endswith("1 with fewer than 10 are left out.")


def test_a_group_is_named_only_where_chance_does_not_make_it():
    held = _held([(190, "C4", "R4", 1.0, 3), (10, "C2", "R4", 1.0, 3)])  # 5 % of 200
    by_chance = held.assign(branch=[f"branch {i % 10}" for i in range(200)])
    assert riskier_by(by_chance, "branch").title == "No branch stands out for sure"
    one = riskier_by(held.assign(branch=["far"] * 180 + ["near"] * 20), "branch")  # 10 of 20 against none of 180
    assert one.title == "More often too risky: near, 50.0 %"
    assert one.frame["p_value"].max() < 1e-6


@pytest.mark.parametrize(
    ("drop", "why"),
    [
        (("accounts", "balances"), "this bank has no accounts"),
        (("products.risk_grade",), "the products of this bank carry no risk grades"),
        (("customers.risk_tolerance",), "no customer had stated a risk tolerance by that day"),
    ],
)
def test_a_bank_without_the_data_says_so(tmp_path, tiny, drop, why):
    folder = tmp_path / "less"
    folder.mkdir()
    for path in (tmp_path / "bank").iterdir():
        if path.stem in drop:
            continue
        if path.suffix == ".csv":
            out = [name.split(".")[1] for name in drop if name.startswith(f"{path.stem}.")]
            pd.read_csv(path).drop(columns=out).to_csv(folder / path.name, index=False)
        else:
            (folder / path.name).write_bytes(path.read_bytes())
    assert no_suitability(Bank.open(folder).as_of("")) == why


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("thousand") / "bank", customers=2000, months=12, seed=3).folder


@pytest.mark.parametrize("day", ["2023-06-30", "2023-10-17"])
def test_a_plain_recount_of_the_files_agrees(thousand, day):
    """From the raw files with pandas, nothing of the as-of view: dates are compared by hand."""
    when = pd.Timestamp(day)
    tables = {name: pd.read_parquet(thousand / f"{name}.parquet") for name in ("customers", "products", "accounts")}
    worth = pd.concat(pd.read_parquet(path) for path in sorted((thousand / "balances").glob("*.parquet")))
    people, accounts = tables["customers"], tables["accounts"]
    dates = {
        name: pd.to_datetime(frame[name]) for frame in (people, accounts) for name in frame if name.endswith("_on")
    }
    people = people[(dates["joined_on"] <= when) & ~(dates["left_on"] <= when)]
    known = pd.to_datetime(people["risk_assessed_on"]) <= when
    people = people.assign(stated=people["risk_tolerance"].where(known).astype(object))
    accounts = accounts[(dates["opened_on"] <= when) & ~(dates["closed_on"] <= when)]
    rows = accounts.merge(tables["products"], on="product_id").merge(people, on="customer_id")
    rows = rows[rows["family"] == "investment"]
    worth_on = pd.to_datetime(worth["balance_on"])
    last = worth[worth_on == worth_on[worth_on <= when].max()].set_index("account_id")["balance_amount"].astype(float)
    rows["worth"] = rows["account_id"].map(last)
    stated = rows[rows["stated"].notna()]
    beyond = stated[stated["risk_grade"].str[1].astype(int) > stated["stated"].str[1].astype(int)]
    bank = Bank.open(thousand).as_of(day)
    found = suitability(investments(bank), day=day, currency="EUR")
    n, count = stated["customer_id"].nunique(), beyond["customer_id"].nunique()
    assert count >= 10
    assert (found["unsuitable_share"].n, found["unsuitable_count"].value) == (n, count)
    assert found["unsuitable_amount"].value == pytest.approx(beyond["worth"].sum())
    assert found["unsuitable_amount_share"].value == pytest.approx(beyond["worth"].sum() / rows["worth"].sum())
    silent = rows[rows["stated"].isna()]["customer_id"].nunique()
    assert found["no_tolerance_share"].value == pytest.approx(silent / rows["customer_id"].nunique())
    old = pd.to_datetime(stated["risk_assessed_on"]) < when - pd.DateOffset(months=24)
    assert found["stale_share"].value == pytest.approx(stated[old]["customer_id"].nunique() / n)
    listed = riskier_list(investments(bank), snapshot(bank), day=day, currency="EUR")
    assert set(listed.index) == set(beyond["customer_id"])
    assert listed["riskier_amount"].sum() == pytest.approx(beyond["worth"].sum())


def test_nobody_is_phoned_without_consent(thousand):
    bank = Bank.open(thousand).as_of("")
    held, seen = investments(bank), snapshot(bank)
    listed = riskier_list(held, seen, day=bank.date, currency="EUR")
    for channel in ("phone", "email", "sms"):
        reached = listed.index[listed["channel"] == channel]
        assert seen.loc[reached, f"is_{channel}_allowed"].all()
    assert not listed["is_holdout"].any()
