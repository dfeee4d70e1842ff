"""The sales pipeline of a simulated bank: stages in order, wins that are accounts, leads that go nowhere."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.simulation import simulate
from crmlab.simulation.leads import COMPLEX, SOURCES, TALK, WALK_IN
from crmlab.simulation.opportunities import STAGES, parameters
from crmlab.simulation.products import CATALOGUE, SLOTS

MONTHS = 24
WORKED = ("lead", "qualified", "proposal", "negotiation")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, engine_on) -> duckdb.DuckDBPyConnection:
    # several branches with several employees each: more customers, fewer months
    folder = simulate(tmp_path_factory.mktemp("pipeline") / "bank", customers=2000, months=MONTHS, seed=6).folder
    engine = engine_on(folder)
    engine.execute(f"create view truth as from '{folder}/truth/opportunities/*.parquet'")
    slots = ", ".join(f"('P{at + 1:02d}', '{product.slot}')" for at, product in enumerate(CATALOGUE))
    engine.execute(f"create table slots as from (values {slots}) s(product_id, slot)")
    engine.execute("""create table cases as
        select opportunity_id, any_value(customer_id) as customer_id, last(slot order by entered_on, stage) as slot,
               last(product_id order by entered_on, stage::varchar = 'won') as product_id,
               any_value(employee_id) as employee_id, any_value(channel) as channel,
               min(entered_on) as began_on, max(entered_on) as last_on, bool_or(stage = 'won') as is_won,
               bool_or(stage = 'lost') as is_lost, bool_or(stage = 'proposal') as is_offered
        from opportunities join slots using (product_id) group by opportunity_id""")
    yield engine
    engine.close()


def _one(bank: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    return bank.sql(sql).fetchall()[0]


def test_stages_come_in_order_and_dates_never_go_back(bank):
    rows = bank.sql("select opportunity_id, stage::varchar as stage, entered_on, customer_id, employee_id, channel"
                    " from opportunities").df()  # fmt: skip
    rows["rank"] = rows["stage"].map({stage: rank for rank, stage in enumerate(STAGES)})
    rows = rows.sort_values(["opportunity_id", "rank"], kind="stable")
    by_case = rows.groupby("opportunity_id", sort=False)
    assert (by_case["stage"].first() == "lead").all()
    assert by_case["entered_on"].apply(lambda days: days.is_monotonic_increasing).all()
    ends = rows["stage"].isin(["won", "lost"]).groupby(rows["opportunity_id"]).sum()
    assert ends.max() == 1
    for name in ("customer_id", "employee_id", "channel"):
        assert (by_case[name].nunique() == 1).all(), name
    assert not rows.duplicated(["opportunity_id", "stage"]).any()


def test_only_demanding_products_are_negotiated_and_no_stage_is_left_out(bank):
    negotiated = {row[0] for row in bank.sql("""select distinct slot from opportunities join slots using (product_id)
                                                where stage = 'negotiation'""").fetchall()}  # fmt: skip
    assert negotiated <= {slot for slot, is_complex in zip(SLOTS, COMPLEX, strict=True) if is_complex}
    assert {"loan", "pension"} <= negotiated
    wins = bank.sql("""select slot, count(*) from opportunities join cases using (opportunity_id)
                       where is_won group by opportunity_id, slot""").fetchall()
    assert all(stages == (5 if COMPLEX[SLOTS.index(slot)] else 4) for slot, stages in wins)


def test_a_case_is_won_on_the_day_its_account_opens(bank):
    won, matched = _one(
        bank,
        """select count(*), count(account_id) from cases left join accounts a on a.customer_id = cases.customer_id
           and a.product_id = cases.product_id and a.opened_on = last_on where is_won""",
    )
    assert won > 200
    assert matched == won


def test_no_account_opens_beside_an_open_case(bank):
    # an account of the product that opens while a case is open wins it
    missed = _one(
        bank,
        """select count(*) from cases join slots s using (slot) join accounts a on a.customer_id = cases.customer_id
           and a.product_id = s.product_id and a.opened_on > began_on
           where a.opened_on < last_on or not (is_won or is_lost)""",
    )[0]
    assert missed == 0


def test_one_open_case_a_customer_and_product(bank):
    both = _one(
        bank,
        """select count(*) from cases a join cases b on a.customer_id = b.customer_id and a.slot = b.slot
           and a.opportunity_id < b.opportunity_id
           where b.began_on < case when a.is_won or a.is_lost then a.last_on else date '9999-01-01' end
             and a.began_on < case when b.is_won or b.is_lost then b.last_on else date '9999-01-01' end""",
    )[0]
    assert both == 0


def test_conversion(bank):
    rate, offered = _one(
        bank,
        """select avg(is_won::int), avg(is_won::int) filter (is_offered) from cases
           where began_on < date '2024-07-01'""",
    )
    # leads among a bank's own customers, wishes included: far above cold leads (some percent), below renewals
    assert 0.25 <= rate <= 0.55
    assert 1.2 * rate < offered < 0.95  # each stage sorts out
    by_wish = dict(bank.sql("""select is_wanted, avg(is_won::int) from cases join truth using (opportunity_id)
                               where began_on < date '2024-07-01' group by all""").fetchall())  # fmt: skip
    assert by_wish[True] > 0.90  # a wish fails when the customer dies
    assert 0.02 <= by_wish[False] <= 0.20  # idle interest seldom becomes a wish


def test_about_half_of_what_opens_went_through_the_pipeline(bank):
    share = _one(
        bank,
        """select avg((opportunity_id is not null)::int) from accounts a join customers c using (customer_id)
           left join cases on cases.customer_id = a.customer_id and cases.product_id = a.product_id
                and is_won and last_on = opened_on
           where opened_on >= date '2023-03-01' and joined_on < opened_on""",
    )[0]
    assert 0.40 <= share <= 0.80  # the rest is bought online or at once; many banks see half of their sales there


def test_channels_follow_how_customers_buy(bank):
    # whoever is asked in a branch or by phone is in the pipeline more often than whoever clicks
    assert TALK["mortgage"] > TALK["card"]
    assert WALK_IN["mortgage"] > WALK_IN["bonus"]
    near = _one(bank, "select avg((channel in ('branch', 'phone', 'partner'))::int) from cases")[0]
    assert 0.45 <= near <= 0.85


def test_cycles_are_longer_for_large_decisions(bank):
    wins = bank.sql("select slot, (last_on - began_on)::int as days from cases where is_won").df()
    days = wins.groupby("slot")["days"].median()
    large = wins.loc[wins["slot"].isin(["mortgage", "pension"]), "days"].median()
    assert 10 <= days["card"] <= 35  # some weeks from the first word to the card
    assert 25 <= large <= 90  # one to three months for a house or an old age
    assert large > 1.2 * days["term"]
    lost, won = _one(bank, """select median(last_on - began_on) filter (is_lost),
                                     median(last_on - began_on) filter (is_won) from cases""")  # fmt: skip
    assert lost > won  # nobody hurries to write a case off


def test_stale_leads_exist(bank):
    stale = _one(
        bank,
        """select avg((not is_won and not is_lost and last_on < date '2024-07-01')::int) from cases
           where began_on < date '2024-07-01'""",
    )[0]
    assert 0.02 <= stale <= 0.15  # half a year without a stage: every CRM has them
    worked_on = _one(
        bank,
        """select count(*) from cases join truth using (opportunity_id) where is_forgotten and is_offered and not is_won
        """,
    )[0]
    assert worked_on == 0


def test_employees_differ_in_pace_and_in_what_they_drop(bank):
    cases = bank.sql(
        """select pace, scrutiny, date_diff('day', began_on, second_on) as days, is_wanted,
                  is_offered or second_on is not null as is_qualified
           from cases join truth using (opportunity_id)
           left join (select opportunity_id, entered_on as second_on from opportunities where stage = 'qualified')
               using (opportunity_id) where not is_forgotten and began_on < date '2024-07-01'"""
    ).df()
    idle = cases[~cases["is_wanted"]]

    def contrast(frame: pd.DataFrame, by: str, what: str) -> tuple[float, float]:
        low, high = frame[by].quantile([0.3, 0.7])
        return frame.loc[frame[by] <= low, what].mean(), frame.loc[frame[by] >= high, what].mean()

    quick, slow = contrast(idle[idle["days"].notna()], "pace", "days")
    assert slow > 1.3 * quick
    lenient, strict = contrast(idle, "scrutiny", "is_qualified")
    assert strict < 0.85 * lenient


def test_employees_belong_to_the_branch_or_to_the_remote_team(bank):
    branches = bank.sql("""select distinct district, employee_id from cases join customers using (customer_id)
                           where employee_id[2:3] <> '00'""").df()
    assert branches.groupby("employee_id")["district"].nunique().max() == 1
    assert 1 < branches.groupby("district")["employee_id"].nunique().max() <= 4
    online = _one(
        bank,
        "select avg((employee_id[2:3] = '00')::int) from cases where channel in ('online', 'mobile')",
    )[0]
    assert online == 1.0


def test_expected_amounts_come_near_what_is_sold(bank):
    pairs = bank.sql(
        """select slot, lead.expected_amount::double as expected, won.expected_amount::double as sold,
                  a.limit_amount::double as lent
           from cases join opportunities lead using (opportunity_id) join opportunities won using (opportunity_id)
           join accounts a on a.customer_id = cases.customer_id and a.product_id = cases.product_id
                and a.opened_on = last_on
           where is_won and lead.stage = 'lead' and won.stage = 'won'"""
    ).df()
    assert (pairs[["expected", "sold"]] > 0).all().all()
    lent = pairs[pairs["lent"].notna() & pairs["slot"].isin(["card", "loan", "mortgage"])]
    assert (lent["lent"] == lent["sold"]).all()
    logs = np.log(pairs[["expected", "sold"]])
    assert logs.corr().iloc[0, 1] > 0.7
    assert abs((logs["sold"] - logs["expected"]).median()) < np.log(1.5)


def test_nothing_before_joining_after_leaving_or_after_the_last_day(bank):
    early, late, future = _one(
        bank,
        """select count(*) filter (entered_on < joined_on), count(*) filter (entered_on > left_on),
                  count(*) filter (entered_on > date '2024-12-31')
           from opportunities join customers using (customer_id)""",
    )
    assert (early, late, future) == (0, 0, 0)
    unended = _one(
        bank,
        """select count(*) from cases join customers using (customer_id)
           where left_on is not null and not is_won and not is_lost""",
    )[0]
    assert unended == 0


def test_work_makes_a_wish_more_likely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def idle_wins(name: str) -> float:
        folder = simulate(tmp_path / name, customers=1000, months=MONTHS, seed=3).folder
        with duckdb.connect() as engine:
            return engine.sql(
                f"""select avg((won is not null)::int) from '{folder}/truth/opportunities/*.parquet'
                    left join (select opportunity_id, entered_on as won from '{folder}/opportunities.parquet'
                               where stage = 'won') using (opportunity_id)
                    where not is_wanted and not is_forgotten and month_on < date '2024-07-01'"""
            ).fetchall()[0][0]

    worked = idle_wins("worked")
    monkeypatch.setattr("crmlab.simulation.opportunities._PULL", np.full(len(SLOTS), -9.0))
    assert idle_wins("left") < 0.6 * worked  # without the work, only chance turns interest into a wish


def test_leads_come_from_every_source(bank):
    assert {row[0] for row in bank.sql("select distinct source::varchar from truth").fetchall()} == set(SOURCES)


def test_parameters_cover_every_slot():
    known = parameters()
    assert all(known["log_chance_added_by_work"][slot] > 0 for slot in SLOTS)
    assert all(known["log_chance_without_work"][slot] <= 0 for slot in SLOTS)
    assert known["median_days_of_a_stage"]["mortgage"] > known["median_days_of_a_stage"]["card"]


def test_a_shorter_bank_knows_the_first_stages(tmp_path: Path):
    def stages(months: int) -> list[tuple]:
        folder = simulate(tmp_path / str(months), customers=300, months=months, seed=4).folder
        with duckdb.connect() as engine:
            return engine.sql(f"from '{folder}/opportunities.parquet'").fetchall()

    short, long = stages(6), stages(10)
    assert len(short) > 20
    assert short == [row for row in long if row[4] <= date(2023, 6, 30)]
