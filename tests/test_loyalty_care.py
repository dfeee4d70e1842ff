"""Care: events that call for a contact, and the list of whom to speak to."""

import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.loyalty.care.events import EVENTS, care_events, events_known
from crmlab.loyalty.care.list import care_list
from crmlab.loyalty.programme.ledger import ledger_on
from crmlab.outreach.policy import may_contact
from crmlab.simulation import simulate
from crmlab.snapshots import snapshot


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return Bank.open(
        simulate(tmp_path_factory.mktemp("care") / "bank", customers=1500, months=24, seed=3).folder
    ).as_of("")


@pytest.fixture(scope="module")
def seen(bank):
    return snapshot(bank)


@pytest.fixture(scope="module")
def events(bank, seen):
    return care_events(bank, seen, ledger=ledger_on(bank), point_amount=0.004)


def test_events_are_those_of_the_tables(bank, seen, events):
    day = pd.Timestamp(bank.date)
    complaining = bank.sql(
        "select distinct customer_id from interactions where kind = 'complaint' and resolved_at is null"
    )
    open_now = {one for (one,) in complaining.fetchall()} & set(seen.index)
    assert set(events.loc[events["event"] == "open complaint", "customer_id"]) == open_now
    silent = seen.index[seen["recency_days"].between(90, 365)]
    assert set(events.loc[events["event"] == "long silence", "customer_id"]) == set(silent)
    assert (events["expires_on"] >= day).all()
    assert events["customer_id"].isin(seen.index).all()
    born = bank.frame("customers", ["customer_id", "birth_on"]).set_index("customer_id")["birth_on"]
    for row in events[events["event"] == "birthday"].itertuples():
        on = pd.Timestamp(row.expires_on)
        assert (pd.Timestamp(born[row.customer_id]).month, 1 <= (on - day).days <= 7) == (on.month, True)


def test_one_contact_a_customer_and_the_most_urgent(bank, seen, events):
    found = care_list(bank, events, seen)
    assert not found.actions.index.duplicated().any()
    rank = {name: at for at, name in enumerate(EVENTS)}
    first = (
        events.assign(rank=events["event"].map(rank)).sort_values("rank", kind="stable").groupby("customer_id").first()
    )
    said = found.actions["reason"].str.split(":").str[0]
    assert (said == first["event"].reindex(said.index)).all()
    order = said.map(rank)
    assert order.is_monotonic_increasing


def test_who_may_not_be_addressed_is_counted_and_not_listed(bank, seen, events):
    found = care_list(bank, events, seen)
    policy = may_contact(bank, rest_days=60)
    duty = {name for name, (_, owed, _) in EVENTS.items() if owed}
    said = found.actions["reason"].str.split(":").str[0]
    free = found.actions.index[~said.isin(duty)]
    assert (policy.loc[free, "why_not"] == "").all()
    assert (found.actions.loc[free, "channel"] == policy.loc[free, "channel"]).all()
    counts = found.counts
    parts = ["more_urgent_count", "suppressed_count", "over_cap_count", "held_out_count", "to_contact_count"]
    assert (counts[parts].sum(axis=1) == counts["customers_count"]).all()
    assert found.suppressed["customers_count"].sum() == counts["suppressed_count"].sum()


def test_complaints_and_maturing_deposits_are_never_held_out_nor_made_to_wait(bank, seen, events):
    found = care_list(bank, events, seen, holdout_share=0.5, rest_days=10_000)
    said = found.actions["reason"].str.split(":").str[0]
    owed = found.actions[said.isin(["open complaint", "maturing deposit"])]
    assert len(owed) > 0
    assert not owed["is_holdout"].any()
    counts = found.counts.set_index("event")
    assert counts.loc[counts.index.isin(["open complaint", "maturing deposit"]), "suppressed_count"].sum() == 0


def test_a_limit_takes_the_most_urgent(bank, seen, events):
    whole = care_list(bank, events, seen, holdout_share=0.0)
    few = care_list(bank, events, seen, holdout_share=0.0, capacity_count=20)
    owed = int(
        few.counts.loc[few.counts["event"].isin(["open complaint", "maturing deposit"]), "to_contact_count"].sum()
    )
    assert len(few.actions) == max(20, owed)
    assert set(few.actions.index) <= set(whole.actions.index)
    assert few.counts["over_cap_count"].sum() == len(whole.actions) - len(few.actions)


def test_the_list_does_not_depend_on_the_order_of_rows(bank, seen, events):
    one = care_list(bank, events, seen)
    other = care_list(bank, events, seen.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(one.actions, other.actions)


def test_no_event_is_an_empty_list(bank, seen, events):
    found = care_list(bank, events.head(0), seen)
    assert (len(found.actions), len(found.counts), len(found.suppressed)) == (0, 0, 0)


def test_impossible_settings_are_refused_at_once(bank, seen, events):
    with pytest.raises(CrmlabError) as refusal:
        care_list(bank, events, seen, holdout_share=1.0, capacity_count=-1)
    assert refusal.value.problems == (
        "care_list: holdout_share is 1.0. Give 0 or more, below 1.",
        "care_list: capacity_count is -1. Give 0 or more.",
    )


def test_a_bank_without_tables_says_what_is_lacking(real_data):
    berka = Bank.open(real_data / "berka").as_of("1994-02-28")
    lacking = events_known(berka)
    assert lacking["open complaint"] == "interactions and interactions.resolved_at"
    assert lacking["long silence"] == ""
    assert set(lacking) == set(EVENTS)


def test_a_trial_holds_back_an_offer_but_not_what_the_bank_owes(bank):
    plain = may_contact(bank, rest_days=0)
    owed = may_contact(bank, rest_days=0, despite_trial=True)
    waiting = plain.index[plain["why_not"] == "in a campaign that still runs"]
    assert (owed.loc[waiting, "why_not"] != "in a campaign that still runs").all()
    others = plain.index.difference(waiting)
    assert (owed.loc[others, "why_not"] == plain.loc[others, "why_not"]).all()
