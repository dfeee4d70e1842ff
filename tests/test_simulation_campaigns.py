"""Simulated campaigns: who is contacted, what it does to whom, and that the hold-out is a fair one."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlab.simulation import simulate
from crmlab.simulation.campaigns import WINDOW_MONTHS, plan_campaigns
from crmlab.simulation.clock import generator
from crmlab.simulation.customers import draw_people
from crmlab.simulation.effects import HOLD_MONTHS
from crmlab.simulation.persuasion import STRENGTH, Persuasion
from crmlab.simulation.targeting import REST_MONTHS
from crmlab.validation.truth import Truth

LAST = "2024-12-31"
SEEDS = (4, 5, 6)


class Banks:
    """Tables of several banks under one engine, with a column `seed`."""

    def __init__(self, folders: dict[int, Path]) -> None:
        self.engine = duckdb.connect()
        for name in ("customers", "accounts", "products", "campaigns", "contacts", "interactions", "loyalty_points"):
            parts = []
            for seed, folder in folders.items():
                path = folder / f"{name}.parquet"
                place = path if path.is_file() else folder / name / "*.parquet"
                parts.append(f"select {seed} as seed, * from '{place}'")
            self.engine.execute(f"create view {name} as {' union all by name '.join(parts)}")
        effects = [Truth.open(folder).table("campaign_effects").assign(seed=seed) for seed, folder in folders.items()]
        self.engine.register("known", pd.concat(effects, ignore_index=True))
        self.engine.execute("""create view chosen as select contacts.*, campaigns.* exclude (seed, campaign_id, channel,
            cost_amount, campaign_name), arm = 'treatment' as is_treated, cast(assigned_at as date) as assigned_on,
            campaigns.channel as planned_channel from contacts join campaigns using (seed, campaign_id)""")
        self.engine.execute("""create view members as
            select seed, customer_id, min(booked_on) as since_on from loyalty_points group by all""")
        self.engine.execute("""create view held as
            select accounts.*, family from accounts join products using (seed, product_id)""")

    def frame(self, sql: str) -> pd.DataFrame:
        return self.engine.sql(sql).df()

    def one(self, sql: str) -> tuple:
        return self.engine.sql(sql).fetchall()[0]


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Banks:
    place = tmp_path_factory.mktemp("campaigns")
    made = {seed: simulate(place / str(seed), customers=1000, months=24, seed=seed).folder for seed in SEEDS}
    return Banks(made)


def test_one_or_two_campaigns_start_in_every_month(banks):
    months = banks.frame(
        "select date_trunc('month', started_on) as first, count(*) as n from campaigns group by seed, 1"
    )
    assert set(months["n"]) == {1, 2}
    assert len(months) == 24 * len(SEEDS)
    goals, channels = banks.one("select count(distinct goal), count(distinct channel) from campaigns")
    assert (goals, channels) == (5, 4)
    assert banks.one("select avg(is_randomised::int) from campaigns")[0] >= 0.9  # a few of the first year were not
    assert banks.one("select count(*) from campaigns where is_randomised <> (holdout_share > 0)")[0] == 0


def test_a_longer_plan_begins_like_a_shorter_one():
    longest = plan_campaigns(9, 50)
    for months in range(1, 50):
        assert plan_campaigns(9, months) == tuple(one for one in longest if one.month < months)


def test_nobody_is_contacted_without_consent(banks):
    wrong = banks.one(
        """select count(*) from chosen join customers using (seed, customer_id) where channel <> planned_channel
           or not case channel when 'email' then is_email_allowed when 'sms' then is_sms_allowed
                               when 'phone' then is_phone_allowed when 'social' then is_social_allowed end"""
    )[0]
    assert wrong == 0


def test_nobody_is_chosen_twice_in_a_month_or_during_the_rest(banks):
    shortest = banks.one(
        """select min(rest) from (select date_diff('month', lag(assigned_at) over (partition by seed, customer_id
           order by assigned_at), assigned_at) as rest from contacts)"""
    )[0]
    assert shortest >= REST_MONTHS


def test_the_shares_held_out_are_the_planned_ones(banks):
    # no sample ratio mismatch: chi-square of every randomised campaign, and of all together
    frame = banks.frame(
        """select seed, campaign_id, any_value(holdout_share) as share, count(*) as n,
                  count(*) filter (not is_treated) as held
           from chosen where is_randomised group by seed, campaign_id having count(*) >= 20"""
    )
    z2 = (frame["held"] - frame["n"] * frame["share"]) ** 2 / (frame["n"] * frame["share"] * (1 - frame["share"]))
    assert len(frame) > 50
    assert 0.001 < stats.chi2.sf(z2.sum(), len(frame)) < 0.999
    assert z2.max() < stats.chi2.isf(0.001 / len(frame), 1)
    assert banks.one("select count(*) from chosen where not is_randomised and not is_treated")[0] == 0


def test_both_arms_are_alike_before_the_contact(banks):
    # covariates of the day of the contact; standardised within campaigns, so that their mixture does not matter
    frame = banks.frame(
        """select seed, campaign_id, is_treated, date_diff('day', birth_on, assigned_on) as age,
                  date_diff('day', joined_on, assigned_on) as tenure, coalesce(income_amount, 0)::double as income,
                  (select count(*) from accounts where accounts.seed = chosen.seed
                   and accounts.customer_id = chosen.customer_id and opened_on < assigned_on
                   and (closed_on is null or closed_on >= assigned_on)) as products,
                  (select count(*) from interactions where interactions.seed = chosen.seed
                   and interactions.customer_id = chosen.customer_id and opened_at < assigned_on) as talks
           from chosen join customers using (seed, customer_id) where is_randomised"""
    )
    names = ["age", "tenure", "income", "products", "talks"]
    within = frame.groupby(["seed", "campaign_id"])
    centred = frame[names] - within[names].transform("mean")
    treated = frame["is_treated"] - within["is_treated"].transform("mean")
    n = len(frame)
    for name in names:
        r = np.corrcoef(centred[name], treated)[0, 1]
        assert abs(r) * n**0.5 < 3.3, name  # one in a thousand by luck, five looks


def test_whom_the_bank_should_not_offer_the_product_it_does_not(banks):
    held, early, young_relation = banks.one(
        """select count(*) filter (goal = 'cross_sell' and exists (
                      select 1 from held where held.seed = chosen.seed and held.customer_id = chosen.customer_id
                      and held.family = sold.family and opened_on < assigned_on
                      and (closed_on is null or closed_on >= assigned_on))),
                  count(*) filter (sold.family = 'investment'
                      and (risk_assessed_on is null or risk_assessed_on >= assigned_on or risk_tolerance < 'C3')),
                  count(*) filter (assigned_on - joined_on < 90)
           from chosen join customers using (seed, customer_id) left join products as sold using (seed, product_id)"""
    )
    assert (held, early, young_relation) == (0, 0, 0)
    gone = banks.frame(
        """select goal, left_on, left_reason, assigned_on from chosen join customers using (seed, customer_id)
           where left_on < assigned_on"""
    )
    assert set(gone["goal"]) == {"win_back"}
    days = (gone["assigned_on"] - gone["left_on"]).dt.days
    assert days.between(90, 740).all()
    assert set(gone["left_reason"]) == {"customer"}


def test_messages_are_opened_as_banks_report(banks):
    opens = banks.frame(
        """select channel, avg((opened_at is not null)::int) as share from contacts
           where arm = 'treatment' and assigned_at < timestamp '2024-11-01' group by channel"""
    ).set_index("channel")["share"]
    assert 0.20 <= opens["email"] <= 0.38  # e-mails of financial services: 20 to 35 % in senders' statistics
    assert 0.60 <= opens["sms"] <= 0.95  # most text messages are looked at
    assert 0.08 <= opens["social"] <= 0.30
    assert opens["phone"] == 0  # a call is no message
    assert banks.one("select count(opened_at) from contacts where arm = 'holdout'")[0] == 0


def test_response_rates(banks):
    rates = banks.frame(
        f"""select goal, channel, is_treated, avg((responded_at is not null)::int) as share from chosen
           where ended_on <= date '{LAST}' group by all"""
    ).set_index(["goal", "channel", "is_treated"])["share"]
    # conversions after an e-mail: 0.6 to 1.3 % in two weeks (Hillstrom 2008); here within two months, of people chosen
    assert 0.006 <= rates["cross_sell", "email", True] <= 0.04
    # calls for term deposits: 11.7 % (Portuguese bank, several calls to people chosen by staff); 2 to 12 % expected
    assert 0.02 <= rates["cross_sell", "phone", True] <= 0.12
    assert rates["cross_sell", "phone", True] > 2 * rates["cross_sell", "phone", False]
    assert 0.80 <= rates["retention", "phone", True] <= 0.98  # half a year later most are still there
    assert rates["win_back", "email", True] <= 0.08  # few come back
    assert 0.002 <= rates["activation", "email", True] <= 0.06


def test_what_a_response_earns_and_a_contact_costs(banks):
    costs = banks.frame(
        "select channel, arm, min(cost_amount) as low, max(cost_amount) as high from contacts group by all"
    )
    assert (costs["low"] == costs["high"]).all()
    assert (costs.loc[costs["arm"] == "holdout", "high"] == 0).all()
    price = costs[costs["arm"] == "treatment"].set_index("channel")["high"]
    assert price["phone"] > 20 * price["social"] >= 20 * price["email"] > 0  # calls need people
    blank, below, mean = banks.one(
        """select count(*) filter ((revenue_amount is null) <> (responded_at is null)),
                  count(*) filter (revenue_amount < 0),
                  avg(revenue_amount) filter (goal = 'cross_sell') from chosen"""
    )
    assert (blank, below) == (0, 0)
    assert 20 <= mean <= 600  # a year's margin of one more product, euros


def test_a_response_is_what_the_other_tables_show(banks):
    # opened an account of the family, came back, joined, is still there: between the contact and the last day
    wrong = banks.one(
        f"""select count(*) from (select (responded_at is not null) as said, case goal
              when 'cross_sell' then exists (select 1 from held where held.seed = chosen.seed
                  and held.customer_id = chosen.customer_id and held.family = sold.family
                  and opened_on between assigned_on and ended_on)
              when 'win_back' then exists (select 1 from customers as back where back.seed = chosen.seed
                  and previous_customer_id = chosen.customer_id and joined_on between assigned_on and ended_on)
              when 'activation' then exists (select 1 from members where members.seed = chosen.seed
                  and members.customer_id = chosen.customer_id and since_on between assigned_on and ended_on)
              when 'retention' then not exists (select 1 from customers as gone where gone.seed = chosen.seed
                  and gone.customer_id = chosen.customer_id and left_on <= ended_on) else false end as happened
            from chosen left join products as sold using (seed, product_id) where ended_on <= date '{LAST}')
            where said <> happened"""
    )[0]
    assert wrong == 0


def test_nothing_after_the_last_day_is_known(banks):
    late, open_windows = banks.one(
        f"""select count(*) filter (greatest(responded_at, opened_at, assigned_at) >= date '{LAST}' + 1),
                  count(*) filter (ended_on > date '{LAST}') from chosen"""
    )
    assert late == 0
    assert open_windows > 100
    stays = banks.one(f"select count(responded_at) from chosen where goal = 'retention' and ended_on > date '{LAST}'")[
        0
    ]
    assert stays == 0


def test_who_comes_back_is_the_same_person_under_a_new_number(banks):
    frame = banks.frame(
        """select new.*, old.* from customers as new join customers as old
           on old.seed = new.seed and old.customer_id = new.previous_customer_id"""
    )
    assert len(frame) >= 10
    for name in ("birth_on", "gender", "region", "district", "is_email_allowed", "occupation", "marital_status"):
        assert (frame[name].fillna("") == frame[f"{name}_1"].fillna("")).all(), name
    assert (frame["joined_on"] > frame["left_on_1"]).all()
    assert set(frame["left_reason_1"]) == {"customer"}
    assert (frame["customer_id"] != frame["customer_id_1"]).all()
    once, there = banks.one(
        """select count(*) - count(distinct (seed, previous_customer_id)), (select count(*) from customers as back
              where previous_customer_id is not null and not exists (select 1 from accounts
              where accounts.seed = back.seed and accounts.customer_id = back.customer_id))
           from customers where previous_customer_id is not null"""
    )
    assert (once, there) == (0, 0)  # nobody comes back twice at a time, and all open an account


def test_some_are_better_left_alone_and_effects_differ(banks):
    frame = banks.frame("select * from known join chosen using (seed, contact_id) where is_randomised")
    assert frame[["if_treated_share", "if_held_out_share"]].stack().between(0, 1).all()
    assert np.allclose(frame["effect_share"], frame["if_treated_share"] - frame["if_held_out_share"], atol=1e-6)
    for goal, part in frame.groupby("goal"):
        # a message can hurt (Ascarza and others 2016: 10.0 % left after a contact, 6.4 % without)
        assert 0.02 <= (part["effect_share"] < -1e-9).mean() <= 0.25, goal
        assert 0.10 <= (part["effect_share"].abs() < 1e-9).mean() <= 0.50, goal
        assert part["effect_share"].mean() > 0, goal
        assert part["effect_share"].std() > 0.5 * part["effect_share"].mean(), goal


def test_the_true_chances_are_those_that_come_true(banks):
    # sum of the true chances against the count of acts, arm by arm: within 3.5 standard errors
    frame = banks.frame(
        f"""select goal, is_treated, (responded_at is not null)::int as acted,
                   case when is_treated then if_treated_share else if_held_out_share end as chance
            from known join chosen using (seed, contact_id) where ended_on <= date '{LAST}'"""
    )
    for arm, part in frame.groupby(["goal", "is_treated"]):
        spread = np.sqrt((part["chance"] * (1 - part["chance"])).sum())
        assert abs(part["acted"].sum() - part["chance"].sum()) <= 3.5 * spread + 0.5, arm


def test_persuadability_is_partly_seen_and_comes_back_with_the_person():
    people = draw_people(generator(3, 0, -1, "customers"), 1000, None, 0)
    minds = Persuasion(3, 0)
    minds.admit(people, 0)
    who, day = np.arange(1000), 19_400
    young, old = people.birth > day - 35 * 365, people.birth < day - 65 * 365
    call, mail = (minds.shift("cross_sell", channel, people, who, day) for channel in ("phone", "email"))
    # a call moves the old more, an e-mail the young
    assert call[old].mean() / call.mean() > call[young].mean() / call.mean()
    assert mail[young].mean() > mail[old].mean()
    assert 0.15 < (call == 0).mean() < 0.25  # never moved by a call
    assert (minds.shift("service", "email", people, who, day) == 0).all()
    assert call.max() <= 2.4
    again = people.take(np.array([7, 8]))
    again.previous[:] = (7, 8)
    minds.admit(people.joined_with(again), 5)
    assert (minds.traits[1000:] == minds.traits[[7, 8]]).all()


def test_windows_are_long_enough_for_the_effects():
    assert WINDOW_MONTHS["retention"] > HOLD_MONTHS
    assert set(STRENGTH) == set(WINDOW_MONTHS)


@pytest.mark.parametrize(("customers", "months"), [(1, 1), (3, 8)])
def test_a_tiny_bank_has_campaigns_too(tmp_path: Path, customers: int, months: int):
    folder = simulate(tmp_path / "bank", customers=customers, months=months, seed=2).folder
    assert Truth.open(folder).table("campaign_effects")["effect_share"].between(-1, 1).all()
