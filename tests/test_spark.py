"""The snapshot's SQL gives the same bits on Spark as on DuckDB, in every column."""

from __future__ import annotations

import importlib.util
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank, write_bank
from crmlab.bank.tables import CHANNELS, CONTRACT
from crmlab.snapshots import FEATURES, snapshot_sql

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17, which is not on the path"),
    pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed"),
]

# A leap day, which ends its month; the day before, which does not; and a longer month's end, of the same roll-up.
DATES = ["2024-02-28", "2024-02-29", "2024-03-31"]
N = 60


def _some(rng: np.random.Generator, values: object, share: float) -> np.ndarray:
    """Empty a share of the cells."""
    cells = np.asarray(values, dtype=object)
    return np.where(rng.random(len(cells)) < share, None, cells)


def _days(rng: np.random.Generator, first: str, last: str, size: int) -> np.ndarray:
    edges = np.array(["2024-02-28", "2024-02-29", "2024-03-01", "2023-12-31", "2024-03-15", "2024-03-16", "2024-03-31"])
    drawn = rng.integers(pd.Timestamp(first).value, pd.Timestamp(last).value, size) // 86_400_000_000_000
    days = drawn.astype("datetime64[D]")
    return np.where(rng.random(size) < 0.15, edges[rng.integers(len(edges), size=size)].astype("datetime64[D]"), days)


def _tables() -> dict[str, pd.DataFrame]:
    """Draw a small bank: empty cells, negative and zero amounts, quiet customers, cents that do not divide evenly."""
    rng = np.random.default_rng(7)
    customers = np.array([f"{i:04d}" for i in range(N)])
    joined = _days(rng, "2019-01-01", "2024-04-30", N)
    left = _some(rng, joined + rng.integers(0, 2000, N).astype("timedelta64[D]"), 0.7)
    words = {name: CONTRACT["customers"][name].words for name in ("gender", "risk_tolerance", "acquisition_channel")}
    people = pd.DataFrame(
        {
            "customer_id": customers,
            "joined_on": joined,
            "left_on": left,
            "birth_on": _some(rng, _days(rng, "1930-01-01", "2005-12-31", N), 0.1),
            **{name: _some(rng, rng.choice(choice, N), 0.2) for name, choice in words.items()},
            "preferred_channel": _some(rng, rng.choice(CHANNELS, N), 0.2),
            **{
                name: _some(rng, rng.choice(["Nord", "Süd", "Praha 1"], N), 0.2)
                for name in ("region", "district", "branch", "occupation", "education", "marital_status")
            },
            "risk_assessed_on": _some(rng, _days(rng, "2023-01-01", "2024-05-30", N), 0.3),
            "income_amount": _some(rng, rng.integers(0, 900_000, N) / 100, 0.2),
            **{f"is_{channel}_allowed": rng.random(N) < 0.5 for channel in ("email", "sms", "phone", "social")},
            "district_facts_on": _some(rng, _days(rng, "2023-01-01", "2024-05-30", N), 0.3),
            "district_inhabitants_count": rng.integers(1000, 900_000, N),
            "district_urban_share": rng.random(N),
            "district_salary_amount": rng.integers(0, 900_000, N) / 100,
            "district_unemployment_share": rng.random(N),
            "district_entrepreneurs_share": rng.random(N),
            "district_crimes_count": rng.integers(0, 9000, N),
        }
    )
    people["is_email_allowed"] = _some(rng, people["is_email_allowed"], 0.3)
    families = CONTRACT["products"]["family"].words
    products = pd.DataFrame(
        {
            "product_id": [f"P{i}" for i in range(len(families) * 2)],
            "family": [*families, *families],
            "margin_share": _some(rng, np.round(rng.random(len(families) * 2) / 20, 7), 0.2),
            "fee_amount": _some(rng, rng.integers(0, 900, len(families) * 2) / 100, 0.3),
        }
    )
    n = 150
    opened = _days(rng, "2019-01-01", "2024-04-30", n)
    accounts = pd.DataFrame(
        {
            "account_id": [f"A{i:03d}" for i in range(n)],
            "customer_id": rng.choice(customers[5:], n),  # the first five have no account
            "product_id": rng.choice(products["product_id"], n),
            "authorised_customer_id": _some(rng, rng.choice(customers, n), 0.7),
            "opened_on": opened,
            "closed_on": _some(rng, opened + rng.integers(0, 1500, n).astype("timedelta64[D]"), 0.6),
            "matures_on": _some(rng, opened + rng.integers(0, 2000, n).astype("timedelta64[D]"), 0.5),
            "limit_amount": _some(rng, rng.integers(0, 10**9, n) / 100, 0.4),
            "instalment_amount": _some(rng, rng.integers(0, 10**5, n) / 100, 0.4),
            "performance": _some(rng, rng.choice(CONTRACT["accounts"]["performance"].words, n), 0.4),
            "performance_on": _some(rng, opened + rng.integers(0, 900, n).astype("timedelta64[D]"), 0.3),
        }
    )
    ends = pd.date_range("2022-06-30", "2024-04-30", freq="ME")
    balances = accounts[["account_id", "opened_on"]].merge(pd.DataFrame({"balance_on": ends}), how="cross")
    balances = balances[(balances["balance_on"] >= balances["opened_on"]) & (rng.random(len(balances)) < 0.8)]
    balances = balances.drop(columns="opened_on")
    balances["balance_amount"] = rng.integers(-(10**7), 10**8, len(balances)) / 100
    m = 6000
    account = rng.integers(0, 120, m)  # the last thirty accounts are quiet
    booked = _days(rng, "2022-06-01", "2024-04-30", m)
    booked = np.maximum(booked, opened[account])
    transactions = pd.DataFrame(
        {
            "transaction_id": [f"T{i}" for i in range(m)],
            "account_id": accounts["account_id"].to_numpy()[account],
            "occurred_at": booked.astype("datetime64[s]"),
            "booked_on": booked,
            "amount": rng.integers(-300_000, 300_000, m) * (rng.random(m) < 0.99) / 100,
            "kind": rng.choice(CONTRACT["transactions"]["kind"].words, m),
            "channel": _some(rng, rng.choice(CHANNELS, m), 0.2),
            "is_customer_initiated": rng.random(m) < 0.6,
        }
    )
    # A few regular inflows, so that the salary rule finds some.
    regular = transactions[transactions["account_id"] < "A020"].index
    transactions.loc[regular, "kind"] = "transfer_in"
    transactions.loc[regular, "amount"] = 1000 + rng.integers(0, 30_000, len(regular)) / 100
    k = 1500
    opened_at = _days(rng, "2022-06-01", "2024-04-30", k).astype("datetime64[s]") + rng.integers(0, 86_400, k)
    interactions = pd.DataFrame(
        {
            "interaction_id": [f"I{i}" for i in range(k)],
            "customer_id": rng.choice(customers[3:], k),
            "opened_at": opened_at,
            "kind": rng.choice(CONTRACT["interactions"]["kind"].words, k),
            "resolved_at": _some(rng, (opened_at + rng.integers(0, 5 * 10**6, k)).astype("datetime64[us]"), 0.3),
            "waiting_minutes": _some(rng, rng.random(k) * 30, 0.3),
        }
    )
    interactions["resolved_at"] = pd.to_datetime(interactions["resolved_at"])
    events = pd.DataFrame(
        {
            "event_id": [f"E{i}" for i in range(k)],
            "customer_id": rng.choice(customers[4:], k),
            "occurred_at": opened_at,
            "kind": rng.choice(CONTRACT["digital_events"]["kind"].words, k),
            "channel": _some(rng, rng.choice(["online", "mobile", "other"], k), 0.2),
        }
    )
    return {
        "customers": people,
        "products": products,
        "accounts": accounts,
        "balances": balances,
        "transactions": transactions,
        "interactions": interactions,
        "digital_events": events,
    }


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Bank:
    facts = {"name": "Edges", "currency": "EUR", "timezone": "Europe/Prague", "extracted_on": "2024-04-30"}
    return Bank.open(write_bank(tmp_path_factory.mktemp("edges") / "bank", _tables(), **facts), check=False)


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    from pyspark.sql import SparkSession

    place = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.warehouse.dir": str(place / "warehouse"),
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={place} -XX:TieredStopAtLevel=1",
        "spark.driver.memory": "1g",
        "spark.sql.adaptive.enabled": "false",
    }
    builder = SparkSession.builder.master("local[1]").appName("crmlab")
    for name, value in settings.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyspark's own deprecations and open sockets are not ours
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def both(bank, spark, tmp_path_factory) -> list[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Each date's snapshot from DuckDB and from Spark, as the engines give them."""
    folder = tmp_path_factory.mktemp("parquet")
    available = {table: bank.columns(table) for table in bank.tables}
    for table in bank.tables:
        path = folder / f"{table}.parquet"
        bank.table(table).write_parquet(str(path))
        spark.read.parquet(str(path)).createOrReplaceTempView(table)
    found = []
    with bank.cursor() as cursor:
        ours = snapshot_sql(DATES, available)
        theirs = snapshot_sql(DATES, available, dialect="spark")
        for here, there in zip(ours, theirs, strict=True):
            if here.creates:
                cursor.execute(here.sql)
                spark.sql(there.sql)
            else:
                left = cursor.sql(here.sql).to_arrow_table()
                right = spark.sql(there.sql).toArrow()
                found.append((str(here.as_of), left, right))
    return found


def test_every_feature_is_compared(both):
    names = [feature.name for feature in FEATURES]
    for _, here, there in both:
        assert here.column_names == there.column_names == ["customer_id", "as_of", *names]


@pytest.mark.parametrize("date", DATES)
def test_every_column_is_the_same_bit_by_bit(both, date):
    here, there = next((left, right) for day, left, right in both if day == date)
    assert here.num_rows == there.num_rows > N / 2
    for name in here.column_names:
        left, right = here[name].combine_chunks(), there[name].combine_chunks()
        assert str(left.type).replace("large_", "") == str(right.type).replace("large_", ""), name
        assert left.is_null().to_pylist() == right.is_null().to_pylist(), name
        if str(left.type) == "double":
            bits = [np.asarray(cells.fill_null(0.0)).view("int64") for cells in (left, right)]
            np.testing.assert_array_equal(*bits, err_msg=name)
        else:
            assert left.to_pylist() == right.to_pylist(), name


def test_the_comparison_says_something(both):
    """No column is constant over all dates: equal bits of nothing would prove nothing."""
    frames = pd.concat([here.to_pandas() for _, here, _ in both])
    dull = [name for name in frames.columns if frames[name].nunique(dropna=False) < 2]
    assert dull == []
