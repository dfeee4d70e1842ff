"""Which rule names, for each segment, the product family that its members without it open in the next year?

    python benchmarks/next_product.py [--customers 3000] [--months 36] [--seeds 2] [--bank FOLDER]

A bank is simulated (or a folder of one opened) and looked at a year before its last day. Customers are grouped in three
ways: by how they bank, by what they hold, and by wealth. For each group three rules name a family: the one that crmlab
takes (held by many of like age and wealth in the same group, lacking with many), the one in which the group lags behind
other customers of like age and wealth, and the most popular one. Printed is how many members opened the family named
within the year, as a share of those who opened the family that was best in hindsight, over all groups.

What is opened unasked is not what an offer adds: only a trial tells that.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from crmlab.bank import Bank
from crmlab.segmentation.next_product import _TEXTS, offers
from crmlab.segmentation.tiers import make_tiers
from crmlab.simulation import simulate
from crmlab.snapshots import snapshot

_CHANNELS = ("branch", "atm", "card", "online", "mobile")


def _groups(seen: pd.DataFrame, held: pd.DataFrame) -> dict[str, np.ndarray]:
    logs = np.log1p(seen[["frequency_12m_count", "logins_12m_count", "monetary_12m_amount"]])
    ways = pd.concat([logs, seen[[f"{name}_12m_share" for name in _CHANNELS]].fillna(0)], axis=1)
    ways = (ways - ways.mean()) / ways.std().replace(0, 1)
    tiers = make_tiers(seen["assets_amount"], currency="EUR").of(seen["assets_amount"])
    return {
        "behaviour": KMeans(6, n_init=4, random_state=1).fit_predict(ways),
        "needs": KMeans(5, n_init=4, random_state=1).fit_predict(held.drop(columns="current").astype(float)),
        "wealth": pd.factorize(tiers, sort=True)[0],
    }


def _lagging(seen: pd.DataFrame, held: pd.DataFrame, code: np.ndarray) -> list[str]:
    """The family in which a group holds least beside other customers of like age band and wealth fifth."""
    age = np.searchsorted((30, 45, 60), seen["age_years"], side="right")
    alike = pd.Series(10 * age + pd.qcut(seen["assets_amount"].rank(method="first"), 5, labels=False), index=seen.index)
    named = []
    for i in range(code.max() + 1):
        others, mine = held[code != i], held[code == i]
        usual = others.groupby(alike[code != i]).mean().reindex(alike[code == i]).fillna(others.mean())
        named.append((usual.mean() - mine.mean()).idxmax())
    return named


def _measure(folder: Path) -> pd.DataFrame:
    bank = Bank.open(folder)
    last = pd.Timestamp(bank.report_on)
    before = last - pd.DateOffset(years=1)
    seen = snapshot(bank.as_of(str(before.date())))
    seen = seen[seen["accounts_count"] > 0]
    held = (seen[[f"{name}_count" for name in _TEXTS]] > 0).set_axis(list(_TEXTS), axis=1)
    news = bank.sql(
        "select distinct customer_id, family from accounts join products using (product_id)"
        f" where opened_on > date '{before.date()}'"
    ).df()
    opened = (
        pd.crosstab(news["customer_id"], news["family"]).reindex(seen.index, columns=held.columns, fill_value=0) > 0
    )
    gained = opened & ~held
    rows = []
    for basis, code in _groups(seen, held).items():
        groups = range(code.max() + 1)
        popular = [(held.mean() * (1 - held[code == i].mean())).idxmax() for i in groups]
        made = offers(seen, code, len(groups))
        ours = [offer.family if offer else popular[i] for i, offer in enumerate(made)]
        best = sum(gained[code == i].sum().max() for i in groups)
        for rule, named in {"crmlab": ours, "lagging": _lagging(seen, held, code), "popular": popular}.items():
            hits = sum(gained.loc[code == i, named[i]].sum() for i in groups)
            rows.append((basis, rule, hits / best))
        second = [(i, offer.also) for i, offer in enumerate(made) if offer and offer.also]
        rates = [(gained.loc[code == i, name].mean(), gained[name].mean()) for i, name in second]
        rows.append((basis, "second offer, openings against all", np.sum(rates, axis=0)[0] / np.sum(rates, axis=0)[1]))
    return pd.DataFrame(rows, columns=["basis", "rule", "share"])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--customers", type=int, default=3_000)
    options.add_argument("--months", type=int, default=36)
    options.add_argument("--seeds", type=int, default=2)
    options.add_argument("--bank", type=Path, action="append")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folders = given.bank or [
            simulate(Path(folder) / str(seed), customers=given.customers, months=given.months, seed=seed).folder
            for seed in range(1, given.seeds + 1)
        ]
        for number, one in enumerate(folders, start=1):
            print(f"bank {number}: share of the best family's openings")
            print(_measure(one).pivot(index="rule", columns="basis", values="share").round(2), flush=True)


if __name__ == "__main__":
    main()
