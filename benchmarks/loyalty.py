"""Count how often the numbers on the points programme hold the truth, over many simulated banks.

    python benchmarks/loyalty.py --banks 12 --customers 4000

Each bank is simulated for 60 months and judged as of month 36. Counted are: the effect of membership on the monthly
rate of closing against exp(-0.30), which is planted; the effect of joining on card spending against a twin of each bank
in which membership raises no budget; the liability against the rewards that the points outstanding bought in the next
24 months, after which they have all expired.

Measured on 16 banks of 4,000 customers (seeds 101 to 116, 2,336 s on a busy machine):

    joining raises card payments by 4.8 % (standard error 0.6 %) in twins of the banks; planted are 6 % of the budget
    spending   held in 13 of 16; mean estimate 1.1 % below the truth (standard error 0.6 %)
    placebo    held in 16 of 16; mean estimate 1.0 % above 1 (0.7 %)
    leaving    held in 15 of 16; mean estimate 0.1 % above the truth (4.9 %)
    liability  held in 16 of 16; mean estimate 0.7 % above what was redeemed later (0.7 %), every one within 5 %
    with redeemed to date as the rate, the liability is 38 % too high
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import crmlab.simulation.transactions as transactions
from crmlab.bank import Bank
from crmlab.loyalty.programme.joining import Joining, joining_on
from crmlab.loyalty.programme.ledger import ledger_on
from crmlab.loyalty.programme.liability import liability
from crmlab.loyalty.programme.membership import membership
from crmlab.loyalty.programme.redemption import redemption_by_age
from crmlab.simulation import simulate
from crmlab.simulation.leaving import CLOSING

_AS_OF = "2025-12-31"
_PLANTED = transactions.MEMBER_SPENDING


def _bank(folder: Path, customers: int, months: int, seed: int, factor: float) -> Bank:
    transactions.MEMBER_SPENDING = factor
    try:
        return Bank.open(simulate(folder, customers=customers, months=months, seed=seed).folder)
    finally:
        transactions.MEMBER_SPENDING = _PLANTED


def _spent(bank: Bank) -> pd.DataFrame:
    """Card payments by customer and month number."""
    return bank.sql(
        "select customer_id, year(booked_on) * 12 + month(booked_on) as month, sum(-amount) as spent from transactions"
        " join accounts using (account_id) where kind = 'card_payment' and amount < 0 group by all"
    ).df()


def _twins(bank: Bank, twin: Bank, joining: Joining) -> tuple[float, float, int]:
    """Card payments of those who joined, 4 to 9 months after, and of the same people in the twin of the bank."""
    rows = joining.frame[joining.frame["is_joining"] & joining.frame["spent_after_amount"].notna()]
    month = rows["as_of"].dt.year * 12 + rows["as_of"].dt.month
    spans = [pd.DataFrame({"customer_id": rows["customer_id"], "month": month + step}) for step in range(4, 10)]
    wanted = pd.concat(spans)
    left = twin.frame("customers", ["customer_id", "left_on"]).set_index("customer_id")["left_on"]
    gone = pd.to_datetime(left).reindex(wanted["customer_id"])
    gone = gone[(gone.dt.year * 12 + gone.dt.month).to_numpy() <= wanted["month"].to_numpy()]
    wanted = wanted[~wanted["customer_id"].isin(gone.index)]
    totals = [wanted.merge(_spent(one), how="left")["spent"].fillna(0).sum() / 100 for one in (bank, twin)]
    return totals[0], totals[1], wanted["customer_id"].nunique()


def _redeemed_later(bank: Bank, ledger) -> float:
    """Worth of what the points outstanding at the date bought afterwards."""
    whole = ledger_on(bank.as_of(""))
    lots = whole.lots[whole.lots["given_on"] <= ledger.last_on]
    uses = whole.uses[(whole.uses["end"] == "redeemed") & (whole.uses["used_on"] > ledger.last_on)]
    return float(uses.loc[uses["lot"].isin(lots.index), "points_count"].sum())


def _one(seed: int, customers: int) -> dict[str, float]:
    found: dict[str, float] = {"seed": seed}
    with tempfile.TemporaryDirectory() as folder:
        whole = _bank(Path(folder) / "bank", customers, 60, seed, _PLANTED)
        bank = whole.as_of(_AS_OF)
        ledger = ledger_on(bank)
        joining = joining_on(bank, ledger)
        effects = membership(joining)
        for name in ("spending", "placebo", "leaving", "margin"):
            one = getattr(effects, name)
            if one is not None:
                found |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
        redemption = redemption_by_age(ledger)
        owed = liability(ledger, redemption)
        found |= {"owed": owed.amount.value, "owed_low": owed.amount.low, "owed_high": owed.amount.high}
        found["owed_later"] = _redeemed_later(whole, ledger) * owed.value_amount
        found["owed_naive"] = redemption.to_date_share * owed.outstanding_count * owed.value_amount
        found["rate"], found["rate_to_date"] = redemption.rate.value, redemption.to_date_share
        found |= {"rate_low": redemption.rate.low, "rate_high": redemption.rate.high}
        twin = _bank(Path(folder) / "twin", customers, 36, seed, 1.0).as_of(_AS_OF)
        found["twin_with"], found["twin_without"], found["twin_joiners"] = _twins(bank, twin, joining)
    return found


def _count(rows: pd.DataFrame, name: str, truth: object) -> str:
    part = rows[rows[name].notna()]
    truth = truth[part.index] if isinstance(truth, pd.Series) else truth
    held = int(((part[f"{name}_low"] <= truth) & (truth <= part[f"{name}_high"])).sum())
    off = (part[name] / truth - 1).mean()
    error = (part[name] / truth).std() / math.sqrt(max(len(part), 1))
    return (
        f"{name:9} held in {held} of {len(part)}; mean estimate {off:+.1%} off the truth (standard error {error:.1%})"
    )


def main() -> None:
    """Simulate, estimate, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--banks", type=int, default=12)
    parser.add_argument("--customers", type=int, default=4_000)
    parser.add_argument("--first-seed", type=int, default=101)
    parser.add_argument("--out", default="", help="CSV with one row a bank")
    given = parser.parse_args()
    rows, begin = [], time.perf_counter()
    for seed in range(given.first_seed, given.first_seed + given.banks):
        rows.append(_one(seed, given.customers))
        if given.out:
            pd.DataFrame(rows).to_csv(given.out, index=False)
        print({key: round(float(value), 3) for key, value in rows[-1].items()}, flush=True)
    table = pd.DataFrame(rows)
    lift = table["twin_with"].sum() / table["twin_without"].sum()
    spread = np.std(table["twin_with"] / table["twin_without"]) / math.sqrt(len(table))
    print(f"\n{given.banks} banks of {given.customers:,} customers, {time.perf_counter() - begin:.0f} s")
    print(
        f"twins: joining raises card spending by {lift - 1:.1%} (standard error {spread:.1%}); planted: 6 % of budget"
    )
    print(_count(table, "spending", lift))
    print(_count(table, "placebo", 1.0))
    print(_count(table, "leaving", math.exp(CLOSING["member"])))
    print(_count(table, "owed", table["owed_later"]))
    spread, said = table["margin"].std(), ((table["margin_high"] - table["margin_low"]) / 3.92).mean()
    print(f"margin: mean {table['margin'].mean():.1f}, spread over banks {spread:.1f}, mean standard error {said:.1f}")
    print(f"naive liability (rate to date): {(table['owed_naive'] / table['owed_later'] - 1).mean():+.0%} off")


if __name__ == "__main__":
    main()
