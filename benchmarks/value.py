"""What the claims on customer value are measured with: coverage against the truth, out of time, speed, rivals.

    python benchmarks/value.py --only truth --seeds 7        # needs no data: banks are simulated
    python benchmarks/value.py --only cdnow --cdnow ../shared/data/cdnow/CDNOW_sample.txt
    python benchmarks/value.py --only speed
    python benchmarks/value.py --only lifetimes --python /tmp/rival/bin/python   # an environment of its own

Measured on two shared cores, one thread. Truth: 18 bank-days (6 banks of 5,000 customers at three dates), 180 tenths:
limits of the mean held the true expected value in 92 %, of the total in 15 of 18; of 6 bank-days with a year after
them, 60 tenths, they held what came in 95 %, and customers' own 80 % limits in 79 to 82 %. The formula of the truth
lies below what comes, by 0 to 1.8 % of the total (6 of 6 banks) and by 1 to 4 % in the fourth to eighth tenth, which
is where most tenths are missed. Mean miss against the truth 32 to 44 euros a customer of some 560, rank correlation
.978 to .984. CDNOW, 39 weeks against 39: mean miss .785 purchases against .897 for "as many again" (difference -.160
to -.068), top tenth found .473 against .455 (-.013 to .057), rank correlation .449 against .488 (-.064 to -.016,
worse); 1,653 expected, 1,882 came. 100,000 customers: BG/NBD 1.5 CPU s with standard errors, Gamma-Gamma .6; value 11
CPU s and 1.2 GiB for 105,000 copies. lifetimes 0.11.3 (pandas 2.2, an environment of its own) on the same 100,000:
7.8 s beside 6.7 s here on the busy machine, the same parameters to six digits.
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

import numpy as np
import pandas as pd

from crmlab.bank import Bank
from crmlab.simulation import simulate
from crmlab.snapshots import snapshot
from crmlab.validation.truth import Truth
from crmlab.value.forecast.expected import ValueForecast, forecast_days
from crmlab.value.forecast.judged import judge_forecast
from crmlab.value.forecast.traits import TRAITS
from crmlab.value.margin.panel import MarginPanel, margin_panel
from crmlab.value.purchases.bg_nbd import PurchaseModel, fit_purchases
from crmlab.value.purchases.history import purchase_history, purchases_between
from crmlab.value.purchases.spending import fit_spending

DAYS = ("2024-12-31", "2025-06-30", "2025-12-31")


def truth(customers: int, seeds: int) -> None:
    """Hold limits of tenths and totals against the true expected value, and against what came."""
    rows = []
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            bank = Bank.open(simulate(f"{folder}/bank", customers=customers, months=36, seed=seed).folder)
            whole = margin_panel(bank.as_of())
            for day in DAYS:
                rows.append(_one(bank, whole, f"{folder}/bank", day, seed))
                print(rows[-1], flush=True)
    found = pd.DataFrame(rows)
    print(found.drop(columns="seed").groupby("day").mean(numeric_only=True).round(3))
    print(found.mean(numeric_only=True).round(3))


def _one(bank: Bank, whole: MarginPanel, folder: str, day: str, seed: int) -> dict:
    panel = margin_panel(bank.as_of(day))
    seen = snapshot(bank, [one.date() for one in forecast_days(panel)], list(TRAITS))
    forecast = ValueForecast(horizon_months=12, discount_rate=0.0).fit(panel, seen)
    value = forecast.predict(panel, seen)
    table = Truth.open(folder).table("expected_value")
    true = table[pd.to_datetime(table["month_on"]) == day].set_index("customer_id")["value"].astype(float)
    true = true.reindex(value.frame.index).fillna(0.0)
    tenth = pd.qcut(value.frame["value_amount"].rank(method="first"), 10, labels=False).to_numpy()
    told, total = value.group_values(tenth), value.total()
    held = true.groupby(tenth).mean().between(told["mean_low_amount"], told["mean_high_amount"])
    found = {"seed": seed, "day": day, "tenths_held": held.mean(), "total_held": total.low <= true.sum() <= total.high,
             "true_over_forecast": true.sum() / total.value, "mae": (value.frame["value_amount"] - true).abs().mean(),
             "rank": value.frame["value_amount"].corr(true, method="spearman")}  # fmt: skip
    ahead = whole.months > day
    if ahead.sum() == 12:
        places = whole.customers.get_indexer(value.frame.index)
        came = whole.total()[places][:, ahead].sum(axis=1)
        mean = pd.Series(came).groupby(tenth).mean()
        frame = value.frame
        found["came_over_true"] = came.sum() / true.sum()
        found["tenths_came_held"] = mean.between(told["mean_low_amount"], told["mean_high_amount"]).mean()
        found["own_limits_held"] = (
            (came >= frame["outcome_low_amount"]) & (came <= frame["outcome_high_amount"])
        ).mean()
    return found


def cdnow(path: str) -> None:
    """Train on 39 weeks of CDNOW, judge the next 39."""
    names = ["master", "customer_id", "day", "discs", "amount"]
    rows = pd.read_csv(path, sep=r"\s+", header=None, names=names, dtype={"customer_id": str})
    rows = rows.assign(occurred_on=pd.to_datetime(rows["day"].astype(str)))
    history = purchase_history(rows, until="1997-09-30")
    model = fit_purchases(history)
    ahead = model.expected_purchases(history, weeks=39)
    came = purchases_between(rows, history.index, after="1997-09-30", until="1998-06-30")
    judged = judge_forecast(came, ahead, history["purchases_count"], unit="purchases")
    print(model)
    print(judged.frame[["measure", "forecast", "rival", "difference", "difference_low", "difference_high"]].round(3))
    print(f"expected {ahead.sum():,.0f}, came {came.sum():,}")


def histories(n: int, seed: int = 1) -> pd.DataFrame:
    """Customers drawn from BG/NBD with spend from Gamma-Gamma."""
    rng = np.random.default_rng(seed)
    pace, drop, age = rng.gamma(0.4, 1 / 4.0, n), rng.beta(0.8, 2.4, n), rng.uniform(20, 80, n)
    count, last, clock, alive = np.zeros(n), np.zeros(n), np.zeros(n), np.ones(n, dtype=bool)
    while alive.any():
        clock = np.where(alive, clock + rng.exponential(1, n) / np.maximum(pace, 1e-300), clock)
        bought = alive & (clock <= age)
        count, last = count + bought, np.where(bought, clock, last)
        alive = bought & (rng.random(n) >= drop)
    spend = rng.gamma(6.0 * np.maximum(count, 1), 1 / np.maximum(count, 1)) / rng.gamma(4.0, 1 / 16.0, n)
    return pd.DataFrame({"purchases_count": count, "recency_weeks": last, "age_weeks": age,
                         "spend_mean_amount": np.where(count > 0, spend, np.nan)})  # fmt: skip


def _timed(name: str, run: object) -> object:
    started, used = time.perf_counter(), time.process_time()
    found = run()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name}: {time.perf_counter() - started:.1f} s, {time.process_time() - used:.1f} CPU s, peak {peak:.2f} GiB",
          flush=True)  # fmt: skip
    return found


def speed(customers: int) -> None:
    """Time BG/NBD with Gamma-Gamma, and value with limits, for many customers."""
    rows = histories(customers)
    model = _timed(f"BG/NBD for {customers:,}", lambda: fit_purchases(rows))
    _timed(
        "expected purchases and chance to be alive",
        lambda: (model.expected_purchases(rows, weeks=52), model.p_alive(rows)),
    )
    _timed("Gamma-Gamma", lambda: fit_spending(rows))
    panel, seen = _large(customers)
    forecast = _timed(f"value, learn ({customers:,})", lambda: ValueForecast(horizon_months=12).fit(panel, seen))
    value = _timed("value, foresee with limits", lambda: forecast.predict(panel, seen))
    print(value.total())


def _large(customers: int) -> tuple[MarginPanel, pd.DataFrame]:
    """A simulated bank of 5,000 with each customer copied and changed a little, so that no two are alike."""
    with tempfile.TemporaryDirectory() as folder:
        bank = Bank.open(simulate(f"{folder}/bank", customers=5_000, months=36, seed=1).folder).as_of()
        panel = margin_panel(bank)
        seen = snapshot(bank, [one.date() for one in forecast_days(panel)], list(TRAITS))
    copies = -(-customers // len(panel.customers))
    rng = np.random.default_rng(1)
    names = pd.Index([f"{name}-{copy}" for copy in range(copies) for name in panel.customers], name="customer_id")
    size = rng.lognormal(0, 0.1, (1, len(names), 1)).astype("float32")
    amounts = np.tile(panel.amounts.astype("float32"), (1, copies, 1)) * size
    there = np.tile(panel.is_there, (copies, 1))
    many = pd.concat([seen.set_index(seen.index + f"-{copy}") for copy in range(copies)])
    owed = np.zeros((0, *there.shape), dtype="float32")
    return MarginPanel(names, panel.months, panel.parts, amounts, there, owed, (), panel.currency), many


RIVAL = """
import sys, time, json
import pandas as pd
from lifetimes import BetaGeoFitter
rows = pd.read_csv(sys.argv[1])
start = time.perf_counter()
model = BetaGeoFitter().fit(rows.purchases_count, rows.recency_weeks, rows.age_weeks)
p = model.params_
print(json.dumps({"seconds": time.perf_counter() - start, "r": p["r"], "alpha": p["alpha"], "a": p["a"], "b": p["b"]}))
"""


def lifetimes(python: str, customers: int) -> None:
    """The same data by `lifetimes`, in an environment of its own."""
    rows = histories(customers)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        rows.to_csv(path, index=False)
        started = time.perf_counter()
        ours = fit_purchases(rows)
        print(f"crmlab: {time.perf_counter() - started:.2f} s", ours)
        done = subprocess.run([python, "-c", RIVAL, str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            print("lifetimes failed:", done.stderr[-400:])
            return
        theirs = json.loads(done.stdout)
        model = PurchaseModel(**{name: theirs[name] for name in ("r", "alpha", "a", "b")})
        print("lifetimes:", theirs)
        print(f"likelihood of theirs {model.likelihood_of(rows):,.6f}, of ours {ours.likelihood_of(rows):,.6f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["truth", "cdnow", "speed", "lifetimes"], required=True)
    parser.add_argument("--customers", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=7)
    parser.add_argument("--cdnow", default="../shared/data/cdnow/CDNOW_sample.txt")
    parser.add_argument("--python", default=sys.executable)
    chosen = parser.parse_args()
    if chosen.only == "truth":
        truth(chosen.customers or 5_000, chosen.seeds)
    elif chosen.only == "cdnow":
        cdnow(chosen.cdnow)
    elif chosen.only == "speed":
        speed(chosen.customers or 100_000)
    else:
        lifetimes(chosen.python, chosen.customers or 100_000)


if __name__ == "__main__":
    main()
