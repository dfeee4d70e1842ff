# ruff: noqa: E501  a row of a Markdown table is one line
"""Compare simulated banks with real ones, measure by measure, and write the page `crmlab/validation/README.md`.

    python benchmarks/face_validity.py --real FOLDER [--seeds 5] [--customers 2000] [--write]

FOLDER holds the public data named in the page: `berka/`, `bank_marketing/`, `debit_cards/`, `bank_calls/`, `hillstrom/`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import crmlab
from crmlab.bank import Bank
from crmlab.simulation import simulate
from crmlab.validation.face_validity import measure_bank

PAGE = Path(crmlab.__file__).parent / "validation" / "README.md"
BERKA_DAY = "1994-02-28"  # the last whole month of the part of the bookings that is at hand
HEAD = """\
# Does the simulated bank look like a bank?

<!-- Written by `python benchmarks/face_validity.py --write`. Change that file or crmlab/validation/face_validity.py. -->

Each measure has a range and a reason. `tests/test_face_validity.py` holds simulated banks of several seeds to it. Beside it stand the figures of real
banks, where their data can tell. A range says "this could be a retail bank of our days", not "this is the bank of the last column".

- **Simulated**: lowest and highest of {seeds} seeds, {customers:,} customers on the first day, 36 months, measured on the last day.
- **Berka**: a Czech bank, accounts opened 1993 to {day}, seen on that day (PKDD'99 Discovery Challenge). Its accounts are at most 14 months old, cash is the
  means of payment, and there are no cards to speak of: compare orders of magnitude.
- **Portuguese bank**: the {calls:,} persons whom a bank called to sell a term deposit, 2008 to 2010 (Moro, Cortez and Rita 2014). They were chosen for that, so they
  are richer in contracts than all customers.
- **Others**: card use in Iceland 2000 to 2013; calls per weekday at a large bank's call centre, 2003; purchases after an e-mail of
  a shop for men's clothes (Hillstrom 2008).

| measure | simulated | range | Berka | Portuguese bank | others | reason for the range |
|---|---|---|---|---|---|---|
"""


def portuguese(folder: Path) -> dict[str, float]:
    """What the called persons' file tells; by the names of the measures."""
    called = pd.read_csv(folder / "bank_marketing" / "bank-full.csv", sep=";")
    return {
        "mortgage_share": (called["housing"] == "yes").mean(),
        "loan_share": (called["loan"] == "yes").mean(),
        "age_median": called["age"].median(),
        "phone_sale": (called["y"] == "yes").mean(),
    }


def others(folder: Path) -> dict[str, float]:
    """Peaks in series of other sources."""
    cards = pd.read_csv(folder / "debit_cards" / "debitcards.csv", parse_dates=["month"], index_col="month").iloc[:, 0]
    around = cards.rolling(13, center=True).mean()  # spending grows: compare with the year around
    ratio = (cards / around)[cards.index.month == 12]
    calls = pd.read_csv(folder / "bank_calls" / "bank_calls.csv", parse_dates=["DateTime"], index_col="DateTime")
    daily = calls["Calls"].resample("D").sum()
    daily = daily[daily > 0]
    by_day = daily.groupby(daily.index.day_of_week).mean()
    shop = pd.read_csv(folder / "hillstrom" / "hillstrom_mens_vs_none.csv")
    bought = shop.loc[shop["segment"] != "No E-Mail", "conversion"].mean()
    return {
        "email_sale": bought,
        "december": float(ratio.mean()),
        "monday_contacts": float(by_day[0] / by_day[:5].mean()),
    }


def simulated(seeds: int, customers: int) -> pd.DataFrame:
    """Figures of simulated banks, one column a seed."""
    values = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, seeds + 1):
            made = simulate(Path(folder, f"bank{seed}"), customers=customers, months=36, seed=seed)
            values[seed] = measure_bank(Bank.open(made.folder))["value"]
            print(f"seed {seed} measured", flush=True)
    return pd.DataFrame(values)


def shown(value: float | None, unit: str) -> str:
    """A figure with its unit; nothing for nothing."""
    if value is None or not np.isfinite(value):
        return ""
    if unit == "share":
        return f"{100 * value:.1f} %" if value < 0.1 else f"{100 * value:.0f} %"
    return f"{value:.0f}" if abs(value) >= 20 or unit == "points" else f"{value:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    banks = simulated(chosen.seeds, chosen.customers)
    czech = measure_bank(Bank.open(chosen.real / "berka").as_of(BERKA_DAY))
    called, series = portuguese(chosen.real), others(chosen.real)
    calls = len(pd.read_csv(chosen.real / "bank_marketing" / "bank-full.csv", sep=";", usecols=["age"]))
    text = HEAD.format(seeds=chosen.seeds, customers=chosen.customers, day=BERKA_DAY, calls=calls)
    for name, row in czech.iterrows():
        low, high = shown(banks.loc[name].min(), row.unit), shown(banks.loc[name].max(), row.unit)
        real = [shown(value, row.unit) for value in (row.value, called.get(name), series.get(name))]
        bounds = f"{shown(row.low, row.unit)} to {shown(row.high, row.unit)}"
        text += f"| {row.about} | {low} to {high} | {bounds} | {' | '.join(real)} | {row.why} |\n"
    print(text)
    if chosen.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
