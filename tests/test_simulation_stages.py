"""Lifecycle stages: what defines them, and that moves happen as often as their true probabilities say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlab.simulation import simulate
from crmlab.simulation.block import simulate_block
from crmlab.simulation.market import simulate_market
from crmlab.simulation.stages import STAGES, add_moves, stage_matrix
from crmlab.validation.truth import Truth

_SEEDS, _MONTHS = range(1, 7), 24


@pytest.fixture(scope="module")
def blocks() -> list:
    return [simulate_block(seed, 0, 600, _MONTHS, simulate_market(seed, _MONTHS)) for seed in _SEEDS]


@pytest.fixture(scope="module")
def moves(blocks: list) -> pd.DataFrame:
    total: dict[str, np.ndarray] = {}
    for block in blocks:
        total = add_moves(total, block.truth["stage_moves"])
    return pd.DataFrame(total)


def test_moves_happen_as_often_as_their_probabilities_say(moves: pd.DataFrame) -> None:
    pairs = moves.groupby(["stage", "next_stage"])[["expected", "variance", "observed"]].sum()
    gap = (pairs["observed"] - pairs["expected"]).abs()
    # four standard deviations for each of some 20 pairs; one move more, where hardly any is expected, is no error
    assert gap[gap > 4 * np.sqrt(pairs["variance"]) + 1.5].empty
    drawn = pairs[pairs["variance"] > 20]
    assert len(drawn) >= 6  # the test has something to say
    z = (drawn["observed"] - drawn["expected"]) / np.sqrt(drawn["variance"])
    assert (z**2).mean() < 3.5


def test_a_false_probability_is_found(moves: pd.DataFrame) -> None:
    pairs = moves.groupby(["stage", "next_stage"])[["expected", "variance", "observed"]].sum()
    leaving = pairs.loc[(STAGES.index("maturity"), STAGES.index("decline"))]
    assert abs(leaving["observed"] - 1.5 * leaving["expected"]) > 4 * np.sqrt(1.5 * leaving["variance"])


def test_probabilities_of_a_stage_sum_to_one(moves: pd.DataFrame) -> None:
    rows = moves.groupby(["month", "stage"]).agg(
        {"expected": "sum", "observed": "sum", "customers": "first", "variance": "min"}
    )
    assert np.allclose(rows["expected"], rows["customers"], atol=1e-8)
    assert (rows["observed"] == rows["customers"]).all()
    assert (moves["expected"] >= -1e-9).all()
    assert (rows["variance"] >= -1e-9).all()


def test_what_cannot_be_has_no_probability(moves: pd.DataFrame) -> None:
    size = len(STAGES)
    expected = moves.groupby(["stage", "next_stage"])["expected"].sum().to_numpy().reshape(size, size)
    matrix = pd.DataFrame(expected, index=STAGES, columns=STAGES)
    early = ["onboarding", "won_back"]
    assert matrix.loc[["growth", "maturity", "decline", "dormant"], early].to_numpy().sum() == 0
    assert matrix.loc["dormant", ["growth", "maturity"]].sum() == 0  # nobody who is silent wakes up
    assert matrix.loc["lost"].drop(["lost", "won_back"]).sum() == 0
    assert matrix.loc["lost", "won_back"] > 0
    assert matrix.loc["growth", "dormant"] == 0  # silence takes half a year to show as dormancy


def _noted(block: object) -> pd.DataFrame:
    months = pd.DataFrame(block.truth["months"])
    return months.assign(stage=np.array(STAGES)[months["stage"]])


def test_stages_follow_from_behaviour(blocks: list) -> None:
    for block in blocks[:3]:
        months = _noted(block)
        joined = block.people.joined.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - 636
        age = months["month"] - joined[months["customer"]]
        # who neither leaves nor sleeps is in onboarding for six calendar months, and never after
        well = months["status"] == 0
        first = block.people.previous[months["customer"]] < 0
        assert (months.loc[well & first & (age < 6), "stage"] == "onboarding").all()
        assert (months.loc[well & first & (age >= 6), "stage"].isin(["growth", "maturity"])).all()
        assert months.loc[~well, "stage"].isin(["decline", "dormant"]).all()
        # an account opened by order in the last year means growth
        opened = block.accounts.opened.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - 636
        later = block.accounts.opened > block.people.joined[block.accounts.owner]
        bought = pd.DataFrame({"customer": block.accounts.owner[later], "opened": opened[later]})
        held = months[well & first & (age >= 6)].merge(bought, on="customer")
        # an order comes the month before the account opens; a deposit renewed is no order
        fresh = held[(held["month"] >= held["opened"]) & (held["month"] - held["opened"] <= 10)]
        term = set(block.accounts.owner[block.accounts.term > 0])
        fresh = fresh[~fresh["customer"].isin(term)]
        assert len(fresh) > 200
        assert (fresh["stage"] == "growth").all()


def test_shares_of_stages_look_like_a_bank(blocks: list) -> None:
    months = pd.concat([_noted(block) for block in blocks])
    share = months.loc[months["month"] >= 12, "stage"].value_counts(normalize=True)
    # most are settled; a third to half bought something or saved more within a year (assumed); few leave at a time
    assert 0.35 < share["maturity"] < 0.75
    assert 0.20 < share["growth"] < 0.55
    assert 0.01 < share["decline"] < 0.06
    assert share["onboarding"] < 0.08


def test_the_matrix_of_the_bank_is_that_of_its_blocks(tmp_path: Path) -> None:
    truth = Truth.open(simulate(tmp_path / "bank", customers=1_050, months=5, seed=4).folder)
    table = truth.table("stage_moves")
    months = truth.table("months")
    first = months[months["month_on"] == "2023-01-31"].groupby("stage").size()
    risk = table[table["month_on"] == "2023-02-28"].groupby("stage")["customers"].first()
    gone = truth.table("customers")["left_on"].lt("2023-02-01").sum()
    assert risk[first.index].tolist() == first.tolist()
    assert risk["lost"] == gone
    codes = {"stage": table["stage"].map(STAGES.index), "next_stage": table["next_stage"].map(STAGES.index)}
    matrix = stage_matrix({**{name: table[name].to_numpy() for name in ("customers", "expected")}, **codes})
    assert truth.parameters["stages"]["monthly_moves"] == matrix
    for row in truth.parameters["stages"]["monthly_moves"].values():
        assert sum(row.values()) == pytest.approx(1, abs=1e-9)
