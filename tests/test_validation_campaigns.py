"""The effects of campaigns are recovered from observed tables; without a hold-out they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.outreach.trials import campaign_contacts
from crmlab.simulation import simulate
from crmlab.stats.experiments import difference_of_shares
from crmlab.validation.campaign_effects import (
    by_campaign,
    estimates,
    naive,
    recover,
    true_effects,
)
from crmlab.validation.truth import Truth

GOALS = ("cross_sell", "retention", "win_back", "activation")


@pytest.mark.parametrize(
    ("treated", "held_out", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
    ],
)
def test_the_interval_is_newcombes(treated, held_out, low, high):
    found = difference_of_shares(treated, held_out)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_pooling_weighs_strata_by_their_customers():
    # 30 customers with a difference of 0.5, 10 with none: 0.375
    found = difference_of_shares(([10, 1], [20, 5]), ([0, 1], [10, 5]))
    assert found.value == pytest.approx(0.375)
    assert found.n == 40
    assert np.isnan(difference_of_shares(([1], [5]), ([0], [0])).value)


def test_no_campaign_no_estimate(tmp_path: Path):
    pd.DataFrame({"customer_id": ["C1"], "joined_on": [pd.Timestamp("2020-01-01")]}).to_parquet(
        tmp_path / "customers.parquet"
    )
    assert estimates(Bank.open(tmp_path)) == {}


def test_estimates_ask_nothing_of_the_truth(small_bank: Path):
    with Bank.open(small_bank) as bank:
        found = estimates(bank)
        assert set(found) <= set(GOALS)
        for estimate in found.values():
            assert estimate.low <= estimate.value <= estimate.high
        rows = campaign_contacts(bank)
        assert set(by_campaign(bank)) == set(rows.loc[rows["is_randomised"], "campaign_id"])
        assert rows["contact_id"].is_unique
        claims = recover(bank, Truth.open(small_bank))
    assert [claim.name for claim in claims] == list(found)
    assert all(claim.is_known for claim in claims if np.isfinite(claim.estimate.value))


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Claims of twenty small banks."""
    rows = []
    for seed in range(1, 21):
        folder = simulate(tmp_path_factory.mktemp("seed") / "bank", customers=500, months=15, seed=seed).folder
        truth = Truth.open(folder)
        with Bank.open(folder, check=False) as bank:
            rows += [(claim.name, claim.estimate, claim.truth, claim.is_held) for claim in recover(bank, truth)]
    frame = pd.DataFrame(rows, columns=["goal", "estimate", "truth", "is_held"])
    values = [estimate.value for estimate in frame["estimate"]]
    return frame.assign(error=np.array(values) - frame["truth"].astype(float))


@pytest.mark.slow
@pytest.mark.parametrize("goal", GOALS)
def test_the_effect_by_goal_is_recovered(tried: pd.DataFrame, goal: str):
    mine = tried[(tried["goal"] == goal) & tried["is_held"].notna()]
    assert len(mine) >= 15
    # nominal 95 %: 16 or fewer of 20 come by luck once in 60 times
    assert mine["is_held"].mean() > 0.84
    assert abs(mine["error"].mean()) <= 3.3 * mine["error"].std() / len(mine) ** 0.5  # no bias beyond luck


@pytest.mark.slow
def test_comparing_those_chosen_with_the_rest_misleads(tmp_path: Path):
    selection, promised, true = [], [], []
    for seed in (1, 2, 3):
        folder = simulate(tmp_path / str(seed), customers=2000, months=14, seed=seed).folder
        known = Truth.open(folder).table("campaign_effects").groupby("campaign_id")
        effect, anyway = known["effect_share"].mean(), known["if_held_out_share"].mean()
        with Bank.open(folder, check=False) as bank:
            did = campaign_contacts(bank).groupby("campaign_id")["has_acted"].mean()
            for name, found in naive(bank).items():
                rest = did[name] - found.value
                selection.append(anyway[name] - rest)
                promised.append(found.value)
                true.append(effect[name])
    assert len(selection) == 6
    # who was chosen by money or salary would have bought more often anyway: the comparison takes that for an effect
    assert np.mean(selection) > 0.003
    assert np.mean(promised) > 1.5 * np.mean(true)


def test_the_true_effect_is_that_of_everybody_chosen():
    rows = pd.DataFrame({"contact_id": ["K1", "K2", "K3"], "goal": "cross_sell", "is_randomised": [True, True, False]})
    effects = pd.DataFrame({"contact_id": ["K1", "K2", "K3"], "effect_share": [0.1, 0.3, 0.9]})
    assert true_effects(rows, effects) == {"cross_sell": pytest.approx(0.2)}
