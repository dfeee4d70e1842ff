"""Who was lost and what went with them: hand-made banks, and agreement with the snapshots."""

import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.snapshots import snapshot
from crmlab.winback.lost import lost_customers, lost_of_year, way_counts
from crmlab.winback.margins import month_margins

_NOTHING = [None] * 7


def _bank(folder, **more):
    ends = pd.date_range("2023-01-31", "2024-06-30", freq="ME")
    tables = {
        "customers": pd.DataFrame({
            "customer_id": ["back", "dead", "closed", "gone", "guest", "here", "new"],
            "joined_on": ["2015-01-01", "2010-01-01", "2010-01-01", "2020-01-01", "2020-01-01", "2019-01-01",
                          "2024-05-10"],
            "left_on": ["2024-02-10", "2024-01-10", "2024-03-10", "2023-05-20", "2024-02-10", None, None],
            "left_reason": ["customer", "deceased", "bank", "customer", "customer", None, None],
            "previous_customer_id": [None, None, None, None, None, None, "back"],
            "birth_on": ["1984-02-10", *_NOTHING[:6]],
        }),
        "products": pd.DataFrame({
            "product_id": ["P1", "P2"], "family": ["savings", "insurance"], "margin_share": [0.12, 0.0],
            "fee_amount": [1.0, 2.0],
        }),
        "accounts": pd.DataFrame({
            "account_id": ["A1", "A2", "A3", "A4"], "customer_id": ["back", "back", "gone", "here"],
            "product_id": ["P1", "P2", "P1", "P1"],
            "opened_on": ["2015-01-01", "2023-06-15", "2020-01-01", "2019-01-01"],
            "closed_on": ["2024-02-10", "2024-02-10", "2023-05-20", None],
        }),
        "balances": pd.DataFrame(
            [("A1", str(end.date()), 1000.0 if end < pd.Timestamp("2023-08-31") else 1.0) for end in ends[:13]]
            + [("A3", str(end.date()), 500.0) for end in ends[:4]]
            + [("A4", str(end.date()), -200.0) for end in ends],
            columns=["account_id", "balance_on", "balance_amount"],
        ),
        "transactions": pd.DataFrame({
            "transaction_id": ["T1", "T2", "T3"], "account_id": ["A1", "A1", "A3"],
            "occurred_at": ["2023-07-25 10:00:00", "2023-08-25 10:00:00", "2023-04-25 10:00:00"],
            "booked_on": ["2023-07-25", "2023-08-25", "2023-04-25"], "amount": [2000.0, 2000.0, 2000.0],
            "kind": ["salary"] * 3, "is_customer_initiated": [False] * 3,
        }),
    }  # fmt: skip
    folder.mkdir()
    for name, frame in (tables | more).items():
        if frame is not None:
            frame.to_csv(folder / f"{name}.csv", index=False)
    return Bank.open(folder)


def test_the_year_before_the_fade_is_what_a_customer_was_worth(tmp_path):
    lost = lost_customers(_bank(tmp_path / "bank").as_of("2024-06-30"))
    back = lost.loc["back"]
    # left in February 2024: the twelve month-ends 6 to 17 months before are September 2022 to August 2023, of which
    # January to August 2023 are on file. Savings: 7 x (1000 x 12 % / 12 + fee 1) = 77, then 1 x .01 + 1 = 1.01;
    # insurance, open from June on, without balances: 3 x fee 2 = 6. (77 + 1.01 + 6) / 8 x 12 = 126.015
    assert back["margin_amount"] == pytest.approx(126.015)
    assert (back["margin_months_count"], back["is_before_fade"]) == (8, True)
    # left in May 2023, records begin in January: the oldest month-end stands in, (500 x .01 + 1) x 12
    gone = lost.loc["gone"]
    assert (gone["margin_amount"], gone["margin_months_count"], gone["is_before_fade"]) == (72.0, 1, False)
    assert pd.isna(lost.loc["dead", "margin_amount"])


def test_who_was_lost_how_and_who_is_back(tmp_path):
    lost = lost_customers(_bank(tmp_path / "bank").as_of("2024-06-30"))
    assert lost["way"].to_dict() == {
        "back": "by choice", "closed": "ended by the bank", "dead": "has died", "gone": "by choice",
        "guest": "by choice",
    }  # fmt: skip
    assert lost["has_held"].to_dict() == {"back": True, "closed": False, "dead": False, "gone": True, "guest": False}
    assert lost["months_since"].to_dict() == {"back": 4, "closed": 3, "dead": 5, "gone": 13, "guest": 4}
    assert lost.loc["back", ["is_back", "back_as"]].tolist() == [True, "new"]
    assert not lost.loc["gone", "is_back"]
    assert lost.loc["back", "age_years"] == pytest.approx(40.0, abs=0.01)
    # salary in two of the three months before the fade, June to August 2023; the other had it once
    assert lost["is_main_bank"].to_dict() == {n: n == "back" for n in lost.index}
    assert lost.loc["back", "products_count"] == 2
    assert lost_of_year(lost).index.tolist() == ["back"]
    assert way_counts(lost).to_numpy().tolist() == [
        ["by choice", 1, "yes"], ["ended by the bank", 1, "never"], ["has died", 1, "never"],
        ["left with a partner, no account", 1, "never"],
    ]  # fmt: skip


def test_nothing_later_is_seen(tmp_path):
    lost = lost_customers(_bank(tmp_path / "bank").as_of("2024-02-29"))
    assert lost.index.tolist() == ["back", "dead", "gone", "guest"]
    assert not lost["is_back"].any()


def test_a_day_within_a_month_counts_whole_months(tmp_path):
    lost = lost_customers(_bank(tmp_path / "bank").as_of("2024-06-09"))
    assert lost["months_since"].to_dict()["back"] == 3  # 10 February to 9 June


def test_a_bank_without_leaving_or_money_is_no_error(tmp_path):
    people = pd.DataFrame({"customer_id": ["a"], "joined_on": ["2020-01-01"]})
    others = dict.fromkeys(("products", "accounts", "balances", "transactions"))
    bank = _bank(tmp_path / "bare", customers=people, **others)
    assert len(lost_customers(bank.as_of(""))) == 0
    left = pd.DataFrame({"customer_id": ["a", "b"], "joined_on": ["2020-01-01", "2023-06-01"],
                         "left_on": ["2023-01-01", None]})  # fmt: skip
    poor = lost_customers(_bank(tmp_path / "poor", customers=left, **others).as_of(""))
    assert poor["way"].tolist() == ["reason not told"]
    assert poor["margin_amount"].isna().all()
    with pytest.raises(CrmlabError) as refusal:
        lost_customers(bank, fade_months=-1)
    assert str(refusal.value) == "lost_customers: fade_months is -1. Give 0 or more."


def test_month_margins_add_up_to_the_margin_of_a_snapshot(small_bank):
    with Bank.open(small_bank) as bank:
        margins = month_margins(bank.as_of("2024-06-30"))
        leaver = margins["customer_id"].value_counts().index[0]
        mine = margins[margins["customer_id"] == leaver].sort_values("month_on").tail(14)
        day = mine["month_on"].iloc[-2]
        year = mine[mine["month_on"] <= day].tail(12)["margin_amount"].sum()
        seen = snapshot(bank, str(day.date()), ["margin_12m_amount"])
    assert seen.loc[leaver, "margin_12m_amount"] == pytest.approx(year, rel=1e-6)
