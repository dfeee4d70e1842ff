"""What campaigns led to, and whom the bank may speak to: hand-made banks."""

import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.outreach.policy import may_contact, suppressed
from crmlab.outreach.trials import campaign_contacts

_PEOPLE = ["a", "b", "c", "d", "e", "f"]


def _bank(folder, **more):
    tables = {
        "customers": pd.DataFrame({
            "customer_id": [*_PEOPLE, "a2"],
            "joined_on": ["2020-01-01"] * 6 + ["2024-03-10"],
            "left_on": ["2023-10-01", None, "2024-05-01", None, "2024-01-05", None, None],
            "left_reason": ["customer", None, "customer", None, "deceased", None, None],
            "previous_customer_id": [None] * 6 + ["a"],
            "is_email_allowed": [True, True, False, True, True, None, True],
            "is_phone_allowed": [False, True, True, False, True, None, False],
            "preferred_channel": [None, "email", None, None, None, None, None],
        }),
        "campaigns": pd.DataFrame({
            "campaign_id": ["back", "stay", "runs"], "goal": ["win_back", "retention", "retention"],
            "started_on": ["2024-03-01", "2024-01-10", "2024-06-01"],
            "ended_on": ["2024-04-30", "2024-05-31", "2024-12-31"],
            "is_randomised": [True, True, True], "holdout_share": [0.5, 0.5, 0.5], "cost_amount": [10.0, 20.0, 0.0],
        }),
        "contacts": pd.DataFrame({
            "contact_id": ["1", "2", "3", "4"], "campaign_id": ["back", "stay", "stay", "runs"],
            "customer_id": ["a", "b", "c", "d"],
            "assigned_at": ["2024-03-02 09:00:00", "2024-05-20 09:00:00", "2024-01-11 09:00:00", "2024-06-02 09:00:00"],
            "arm": ["treatment", "treatment", "holdout", "holdout"], "channel": ["phone"] * 4,
            "cost_amount": [6.5, 6.5, 0.0, 0.0],
        }),
        "interactions": pd.DataFrame({
            "interaction_id": ["i"], "customer_id": ["f"], "opened_at": ["2024-06-01 10:00:00"], "kind": ["complaint"],
        }),
    }  # fmt: skip
    folder.mkdir()
    for name, frame in (tables | more).items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return Bank.open(folder)


def test_an_act_counts_from_the_contact_to_the_last_day_of_the_campaign(tmp_path):
    found = campaign_contacts(_bank(tmp_path / "bank").as_of("2024-06-02"))
    # the running campaign is not over; a came back as a2; b stays; c left on 1 May, before the end
    assert found[["contact_id", "is_treated", "has_acted"]].to_numpy().tolist() == [
        ["1", True, True], ["2", True, True], ["3", False, False],
    ]  # fmt: skip
    assert found["cost_amount"].tolist() == [6.5, 6.5, 0.0]
    assert found["fixed_cost_amount"].tolist() == [10.0, 20.0, 20.0]


def test_nothing_later_is_seen_and_no_campaign_is_no_error(tmp_path):
    bank = _bank(tmp_path / "bank")
    assert campaign_contacts(bank.as_of("2024-04-30"), goal="retention").empty  # stay had not ended
    assert campaign_contacts(bank.as_of("2024-04-30"), goal="win_back")["has_acted"].tolist() == [True]
    people = pd.DataFrame({"customer_id": ["a"], "joined_on": ["2020-01-01"]})
    (tmp_path / "small").mkdir()
    people.to_csv(tmp_path / "small" / "customers.csv", index=False)
    small = Bank.open(tmp_path / "small").as_of("")
    assert campaign_contacts(small).empty
    assert may_contact(small)["why_not"].tolist() == ["no consent to phone, e-mail, SMS or social media"]


def test_the_reason_not_to_contact_in_its_order(tmp_path):
    bank = _bank(tmp_path / "bank").as_of("2024-06-02")
    policy = may_contact(bank, channels=("phone", "email"), rest_days=60, despite_complaint=False)
    assert policy["why_not"].to_dict() == {
        "a": "", "b": "contacted within 60 days", "c": "", "d": "in a campaign that still runs", "e": "has died",
        "f": "no consent to phone or e-mail", "a2": "",
    }  # fmt: skip
    assert policy["channel"].to_dict() == {
        "a": "email", "b": "email", "c": "phone", "d": "email", "e": "phone", "f": "", "a2": "email",
    }  # fmt: skip
    assert may_contact(bank, channels=("branch",), despite_complaint=False).loc["f", "why_not"] == "open complaint"
    kept, counts = suppressed(pd.Series(dict.fromkeys(_PEOPLE, "why")), policy)
    assert kept.index.tolist() == ["a", "c"]
    assert counts["customers_count"].sum() == 4


def test_a_wrong_policy_is_refused(tmp_path):
    bank = _bank(tmp_path / "bank").as_of("2024-06-02")
    with pytest.raises(CrmlabError) as refused:
        may_contact(bank, channels=("fone",), rest_days=-1)
    assert "has no channel 'fone'. Did you mean 'phone'?" in str(refused.value)
    assert "rest_days is -1. Give 0 or more." in str(refused.value)
    with pytest.raises(CrmlabError) as refused:
        suppressed(pd.Series({"nobody": "why"}), may_contact(bank))
    assert "suppressed: 1 customers of the list are not in the policy. Make it from the same bank." in str(
        refused.value
    )
