"""What a snapshot costs, beside the straightforward pandas way, with equal results.

    python benchmarks/snapshots.py                 # 1, 3 and 10 million transactions, 12 dates
    python benchmarks/snapshots.py --rows 3000000

Each way runs in a process of its own, from Parquet files to finished frames; CPU seconds (user and system, all threads)
and the peak resident memory are the operating system's. The pandas way is what an analyst writes: read and prepare the
columns once; for each date keep the rows known by then, group them by customer for each window, and merge. Both write
every feature of transactions; the frames are compared bit by bit.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATES = 12
MONTHS = 36
ROWS_A_CUSTOMER = 360  # ten bookings a month
FIRST = "2021-01-01"


def make(folder: Path, rows: int) -> None:
    """Write customers, products, accounts and transactions of a bank; every value follows from its row number."""
    import duckdb

    from crmlab.bank import stamp_bank
    from crmlab.bank.tables import CHANNELS, CONTRACT

    customers = max(rows // ROWS_A_CUSTOMER, 1)
    accounts = customers * 4 // 3
    kinds = ["card_payment"] * 6 + ["transfer_out", "bill", "cash_out", "fee", "transfer_in", "interest", "penalty"]
    kinds += [word for word in CONTRACT["transactions"]["kind"].words if word not in kinds]
    folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute("set threads = 2")
    copies = {
        "customers": f"""select printf('C%08d', i) as customer_id, date '2015-01-01' + (i % 2000)::integer as joined_on
            from range({customers}) t(i)""",
        "products": "select 'P1' as product_id, 'current' as family",
        "accounts": f"""select printf('A%08d', i) as account_id, printf('C%08d', i % {customers}) as customer_id,
            'P1' as product_id, date '2015-01-01' + (i % {customers} % 2000)::integer as opened_on
            from range({accounts}) t(i)""",
        # In order of time, as a bank extracts them. A tenth of the rows is booked a day or two later.
        "transactions": f"""
            with drawn as (
                select i, cast(hash(i) >> 1 as bigint) as h,
                    timestamp '{FIRST}' + to_seconds(i * ({MONTHS} * 2629000.0 / {rows})) as occurred_at,
                    {kinds} as kinds, {list(CHANNELS)} as channels
                from range({rows}) t(i)
            ), words as (
                select *, kinds[1 + (h >> 8) % {len(kinds)}] as kind from drawn
            )
            select printf('T%010d', i) as transaction_id, printf('A%08d', h % {accounts}) as account_id,
                occurred_at,
                cast(occurred_at as date) + cast(case when (h >> 16) % 10 = 0 then 1 + (h >> 20) % 2 else 0 end as int)
                    as booked_on,
                cast(case when kind in ('salary', 'pension', 'transfer_in', 'cash_in', 'benefit', 'interest')
                    then 1 else -1 end * (1 + (h >> 24) % 250000) / 100.0 as decimal(18, 2)) as amount,
                kind, case when (h >> 48) % 20 > 0 then channels[1 + (h >> 40) % {len(CHANNELS)}] end as channel,
                kind in ('card_payment', 'transfer_out', 'cash_out', 'bill') as is_customer_initiated
            from words""",
    }
    for name, query in copies.items():
        con.execute(f"copy ({query}) to '{folder / name}.parquet' (format parquet)")
    stamp_bank(folder, name="Benchmark", currency="EUR", timezone="UTC", extracted_on="2024-12-31")


def dates() -> list[str]:
    import pandas as pd

    return [f"{day:%Y-%m-%d}" for day in pd.date_range(end="2023-12-31", periods=DATES, freq="ME")]


def feature_names() -> list[str]:
    from crmlab.snapshots import FEATURES

    return [f.name for f in FEATURES if any(need.startswith("transactions.") for need in f.needs)]


def by_crmlab(folder: Path, days: list[str]):
    from crmlab.bank import Bank
    from crmlab.snapshots import snapshot

    return snapshot(Bank.open(folder, check=False), days, features=feature_names())


def _read(path: Path, columns: list[str]):
    """Read columns the thrifty way: `pandas.read_parquet` makes an object of each date and each decimal."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=columns, read_dictionary=[c for c in ("kind", "channel") if c in columns])
    if "amount" in columns:
        table = table.set_column(columns.index("amount"), "amount", pc.cast(table["amount"], pa.float64()))
    return table.to_pandas(date_as_object=False)


def by_pandas(folder: Path, days: list[str]):
    """The straightforward way: for each date filter, group by customer, merge."""
    import pandas as pd

    from crmlab.snapshots.blocks import SHARE_CHANNELS, WINDOWS

    customers = _read(folder / "customers.parquet", ["customer_id", "joined_on"]).sort_values("customer_id")
    accounts = _read(folder / "accounts.parquet", ["account_id", "customer_id"])
    columns = ["account_id", "booked_on", "amount", "kind", "channel", "is_customer_initiated"]
    rows = _read(folder / "transactions.parquet", columns)
    rows["amount"] = (rows["amount"] * 100).round().astype("int64")
    owner = accounts.set_index("account_id")["customer_id"].astype("category")
    rows["customer_id"] = rows.pop("account_id").map(owner).astype("category")
    acts = rows["is_customer_initiated"]
    rows["bookings"] = 1
    rows["received"] = rows["amount"].where(rows["amount"] > 0, 0)
    rows["spent"] = -rows["amount"].where(rows["amount"] < 0, 0)
    rows["acts"] = acts.astype("int64")
    rows["turnover"] = rows["amount"].abs().where(acts, 0)
    flows = {
        "frequency": ("acts", "count"),
        "monetary": ("turnover", "amount"),
        "transactions": ("bookings", "count"),
        "in": ("received", "amount"),
        "out": ("spent", "amount"),
    }
    states = [state for state, _ in flows.values()]
    frames = []
    for text in days:
        day = pd.Timestamp(text)
        result = customers[customers["joined_on"] <= day][["customer_id"]].set_index("customer_id")
        known = rows[rows["booked_on"] <= day]
        recent = known[known["is_customer_initiated"]].groupby("customer_id", observed=True)["booked_on"].max()
        result["recency_days"] = (day - recent.reindex(result.index)).dt.days.astype("float64")
        for months in WINDOWS:
            part = known[known["booked_on"] > day - pd.offsets.MonthEnd(months)]
            sums = part.groupby("customer_id", observed=True)[states].sum()
            sums = sums.reindex(result.index).fillna(0).astype("int64")
            for name, (state, unit) in flows.items():
                column = f"{name}_{months}m_{unit}"
                result[column] = sums[state] / 100 if unit == "amount" else sums[state]
                result[f"{state}_{months}"] = sums[state]
        for name, (state, _) in flows.items():
            before = result[f"{state}_6"] - result[f"{state}_3"]
            result[f"{name}_change_share"] = ((2 * result[f"{state}_3"] - result[f"{state}_6"]) / before).where(
                before > 0
            )
        # `part` now holds the last 12 months
        used = part[part["is_customer_initiated"]].groupby(["customer_id", "channel"], observed=True).size().unstack()
        used = used.reindex(result.index).fillna(0).astype("int64")
        known_channel = used.sum(axis=1)
        for channel in SHARE_CHANNELS:
            result[f"{channel}_12m_share"] = (used[channel] / known_channel).where(known_channel > 0)
        for name, kinds in {"charges_12m_amount": ["fee", "penalty"], "cash_12m_amount": ["cash_out"]}.items():
            paid = part[part["kind"].isin(kinds)].groupby("customer_id", observed=True)["spent"].sum()
            result[name] = paid.reindex(result.index).fillna(0) / 100
        penalties = part[part["kind"] == "penalty"].groupby("customer_id", observed=True).size()
        result["penalties_12m_count"] = penalties.reindex(result.index).fillna(0).astype("int64")
        frames.append(_with_salary(result, part, day).assign(as_of=day))
    return pd.concat(frames)


def _with_salary(result, part, day):
    """The salary-like income: by kind, or by the largest inflow of each month."""
    import pandas as pd

    part = part[part["amount"] > 0]
    month = part["booked_on"].dt.year * 12 + part["booked_on"].dt.month - (day.year * 12 + day.month)
    part = part[["customer_id", "amount", "kind"]].assign(month=month)
    paid = part[part["kind"].isin(["salary", "pension"])]
    salary = paid.groupby(["customer_id", "month"], observed=True)["amount"].sum().reset_index()
    regular = part[part["kind"].isin(["transfer_in", "cash_in", "benefit", "other"])]
    inflow = regular.groupby(["customer_id", "month"], observed=True)["amount"].max().reset_index()

    def over(frame, months, how):
        kept = frame[frame["month"] > -months].groupby("customer_id", observed=True)["amount"].agg(how)
        kept = kept.reindex(result.index)
        return kept if how in ("min", "max") else kept.fillna(0).astype("int64")

    by_kind = (over(salary, 6, "size") > 0) & (over(salary, 3, "size") >= 2)
    by_rule = (
        (over(salary, 6, "size") == 0)
        & (over(inflow, 6, "size") >= 5)
        & (over(inflow, 3, "size") >= 2)
        & (2 * over(inflow, 6, "max") <= 3 * over(inflow, 6, "min"))
        & (2 * over(inflow, 6, "sum") >= result["received_6"])
    )
    result["is_salary_credited"] = by_kind | by_rule
    source = pd.Series(pd.NA, index=result.index, dtype="str")
    result["salary_source"] = source.mask(by_kind, "kind").mask(by_rule, "regular")
    mean = (over(salary, 6, "sum") / over(salary, 6, "size")).where(by_kind)
    result["salary_amount"] = mean.mask(by_rule, over(inflow, 6, "sum") / over(inflow, 6, "size")) / 100
    counts = over(salary, 12, "size")
    result["salary_months_12m_count"] = counts.mask((counts == 0) & by_rule, over(inflow, 12, "size"))
    return result


WAYS = {"crmlab": by_crmlab, "pandas": by_pandas}


def run_one(way: str, folder: Path, out: Path, count: int) -> None:
    """Run one way in this process; write its frame and what it cost."""
    started = time.perf_counter()
    frame = WAYS[way](folder, dates()[-count:])
    seconds = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    frame = frame[["as_of", *feature_names()]].reset_index()
    cost = {
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "seconds": round(seconds, 1),
        "peak_gib": round(usage.ru_maxrss / 1024**2, 2),  # kilobytes on Linux
    }
    frame.to_parquet(out / f"{way}.parquet")
    (out / f"{way}.json").write_text(json.dumps(cost))


def compare(rows: int, count: int, ways: list[str], folder: Path) -> dict[str, dict[str, float]]:
    """Run the ways side by side on a bank of that many rows; refuse unequal results."""
    import pandas as pd

    source = folder / f"bank_{rows}"
    if not source.exists():
        make(source, rows)
    costs = {}
    for way in ways:
        command = [sys.executable, __file__, "--one", way, "--source", str(source), "--out", str(folder)]
        subprocess.run([*command, "--dates", str(count)], check=True)
        costs[way] = json.loads((folder / f"{way}.json").read_text())
    if len(ways) == 2:
        ours, theirs = (pd.read_parquet(folder / f"{way}.parquet") for way in WAYS)
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True, check_dtype=False)
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000])
    parser.add_argument("--dates", type=int, default=DATES)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--keep", type=Path, help="folder that keeps the made banks for the next run")
    parser.add_argument("--one", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        run_one(given.one, given.source, given.out, given.dates)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        print(f"{given.dates} dates, {len(feature_names())} features of transactions")
        print(f"{'rows':>12}  {'way':8} {'CPU s':>7} {'wall s':>7} {'peak GiB':>9}")
        for rows in given.rows:
            costs = compare(rows, given.dates, given.ways, folder)
            for way, cost in costs.items():
                print(
                    f"{rows:>12,}  {way:8} {cost['cpu_seconds']:>7} {cost['seconds']:>7} {cost['peak_gib']:>9}",
                    flush=True,
                )
            if len(costs) == 2:
                ratio = costs["pandas"]["cpu_seconds"] / costs["crmlab"]["cpu_seconds"]
                print(f"{'':12}  equal results; pandas takes {ratio:.1f} times the CPU", flush=True)


if __name__ == "__main__":
    main()
