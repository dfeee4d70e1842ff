"""True expected value: calibrated against what the bank's own tables show a year later, and better than last year."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from crmlab.simulation import simulate
from crmlab.simulation.clock import generator
from crmlab.simulation.customers import draw_people
from crmlab.simulation.opinions import foresee_satisfaction, form_opinions
from crmlab.simulation.relation import Relation
from crmlab.validation.truth import Truth

_SEEDS, _MONTHS = range(41, 46), 30  # June 2023, December 2023 and June 2024 have a full year after them

# Margin by month-end from the observed tables alone, as feature `margin_12m_amount` counts it.
_YIELD = """
    select customer_id, balance_on as month_on,
           sum(abs(balance_amount) * margin_share / 12 + coalesce(fee_amount, 0))::double as yield
    from '{folder}/balances/*.parquet' join '{folder}/accounts.parquet' using (account_id)
         join '{folder}/products.parquet' using (product_id)
    group by all
"""


def _with_outcome(folder: Path) -> pd.DataFrame:
    """Expected value, and what was yielded in the twelve month-ends after and, as a year, before."""
    truth = Truth.open(folder)
    value = truth.table("expected_value").merge(truth.table("months", columns=["customer_id", "month_on", "status"]))
    with duckdb.connect() as engine:
        seen = engine.execute(_YIELD.format(folder=folder)).df()
    seen["month"] = seen["month_on"].dt.year * 12 + seen["month_on"].dt.month
    value["month"] = value["month_on"].dt.year * 12 + value["month_on"].dt.month
    value = value[value["month"] <= seen["month"].max() - 12].reset_index(drop=True)
    grid = seen.pivot(index="customer_id", columns="month", values="yield").reindex(value["customer_id"].unique())
    rows, first = grid.fillna(0.0), grid.columns.min()
    at = rows.index.get_indexer(value["customer_id"])
    cells, origin = rows.to_numpy(), (value["month"] - first).to_numpy()
    after = [cells[i, j + 1 : j + 13].sum() for i, j in zip(at, origin, strict=True)]
    before = [12 * cells[i, max(j - 11, 0) : j + 1].mean() for i, j in zip(at, origin, strict=True)]
    return value.assign(after=after, before=before)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    parts = []
    for seed in _SEEDS:
        folder = simulate(tmp_path_factory.mktemp("value") / "bank", customers=700, months=_MONTHS, seed=seed).folder
        parts.append(_with_outcome(folder).assign(seed=seed))
    return pd.concat(parts, ignore_index=True)


def _total_is_right(expected: pd.Series, realised: pd.Series) -> bool:
    """Within 3 %: five banks vary by about 0.5 % each, markets move savings and funds, and constants are rounded."""
    return abs(realised.sum() / expected.sum() - 1) < 0.03


def _wrong_deciles(expected: pd.Series, realised: pd.Series, person: pd.Series) -> pd.DataFrame:
    """Tenths by expected value whose mean outcome is more than 3 % and 3 standard errors off, by persons."""
    tenth = pd.qcut(expected.rank(method="first"), 10, labels=False)
    frame = pd.DataFrame({"tenth": tenth, "person": person, "expected": expected, "gap": realised - expected})
    persons = frame.groupby(["tenth", "person"]).agg(
        expected=("expected", "sum"), gap=("gap", "sum"), n=("gap", "size")
    )
    tenths = persons.groupby("tenth").agg(
        expected=("expected", "sum"), gap=("gap", "sum"), square=("gap", lambda gap: (gap**2).sum())
    )
    slack = 0.03 * tenths["expected"] + 3 * np.sqrt(tenths["square"])
    return tenths[tenths["gap"].abs() > slack]


def _person(outcomes: pd.DataFrame) -> pd.Series:
    return outcomes["seed"].astype(str) + outcomes["customer_id"]


def test_the_total_is_right(outcomes: pd.DataFrame) -> None:
    assert len(outcomes) > 9_000
    assert _total_is_right(outcomes["value"], outcomes["after"])
    for seed, bank in outcomes.groupby("seed"):
        assert abs(bank["after"].sum() / bank["value"].sum() - 1) < 0.06, seed
    assert not _total_is_right(outcomes["value"] * 1.08, outcomes["after"])  # the test can fail


def test_every_tenth_is_right(outcomes: pd.DataFrame) -> None:
    person = _person(outcomes)
    assert _wrong_deciles(outcomes["value"], outcomes["after"], person).empty
    squeezed = 0.7 * outcomes["value"] + 0.3 * outcomes["value"].mean()
    assert not _wrong_deciles(squeezed, outcomes["after"], person).empty


def test_it_ranks_and_foresees_better_than_last_year_again(outcomes: pd.DataFrame) -> None:
    ranks = outcomes[["value", "before", "after"]].rank()
    ours, naive = (ranks[name].corr(ranks["after"]) for name in ("value", "before"))
    assert ours > 0.96
    assert ours > naive + 0.01
    miss, naive_miss = ((outcomes["after"] - outcomes[name]).abs().mean() for name in ("value", "before"))
    assert miss < 0.8 * naive_miss


def test_leavers_fade_as_foreseen(outcomes: pd.DataFrame) -> None:
    going = outcomes[outcomes["status"].isin(["leaving", "silent"])]
    assert len(going) > 250
    assert abs(going["after"].sum() / going["value"].sum() - 1) < 0.25  # few, and their balances are skewed
    leaving = outcomes[outcomes["status"] == "leaving"]
    assert leaving["value"].mean() < 0.3 * outcomes["value"].mean()
    assert (outcomes.loc[outcomes["status"] == "dying", "value"] == 0).all()
    assert (outcomes["value"] >= 0).all()


def test_satisfaction_returns_as_foreseen() -> None:
    people = draw_people(generator(5, 0, -1, "customers"), 4_000, None, 0)
    relation = Relation(people)
    form_opinions(generator(5, 0, 0, "opinions"), relation, people, 4_000)
    relation.fresh[:, 4] -= 1.0  # everybody had a poor experience
    mean, variance = foresee_satisfaction(relation, people, 4_000, 12)
    for ahead in range(1, 13):
        form_opinions(generator(5, 0, ahead, "opinions"), relation, people, 4_000)
        miss = relation.satisfaction - mean[ahead - 1]
        assert abs(miss.mean()) < 4 * np.sqrt(variance[ahead - 1, 0] / 4_000)
        assert miss.var() == pytest.approx(variance[ahead - 1, 0], rel=0.12)
