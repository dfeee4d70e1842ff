"""Measures of improvement in the simulated bank: their register, what they truly do, and that nothing else moves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from crmlab.bank import Bank
from crmlab.bank.door import inspect
from crmlab.customer_base.quality import coverage, missing, months_covered
from crmlab.simulation import block as block_module
from crmlab.simulation import simulate
from crmlab.simulation.block import simulate_block
from crmlab.simulation.clock import DAY, TOPICS, generator, month_at
from crmlab.simulation.customers import draw_people
from crmlab.simulation.market import simulate_market
from crmlab.simulation.measures import (
    branch_scores,
    decide_places,
    measures_table,
    plan_measures,
    put_in_force,
    true_effects,
)
from crmlab.simulation.opinions import LATENTS, foresee_satisfaction, form_opinions, total_effect
from crmlab.simulation.places import DISTRICTS
from crmlab.simulation.relation import Relation
from crmlab.simulation.surveys import items_of
from crmlab.simulation.truth_contract import TRUTH, truth_table
from crmlab.validation.truth import Truth

TRAINING, CALL_BACK, STATEMENT = "M01", "M02", "M03"
SEEDS, BLOCKS, MONTHS = (1, 2, 3), 2, 28  # three waves each; 2,000 customers a bank
BEFORE, AFTER = 14, 26  # months of the second and third wave


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two blocks, long enough for the three starts."""
    return simulate(tmp_path_factory.mktemp("measures") / "bank", customers=1_100, months=21, seed=7).folder


# --- the register ---


def test_the_register_names_measure_place_and_start(bank: Path) -> None:
    register = Bank.open(bank).frame("measures")
    rows = register.groupby("measure_id", sort=False)
    assert rows.size().to_dict()[CALL_BACK] == len(DISTRICTS) / 2
    assert rows.size().to_dict()[STATEMENT] == 1
    assert rows[["started_on", "indicator", "is_drawn_by_lot"]].first().to_dict("index") == {
        TRAINING: {
            "started_on": pd.Timestamp("2024-07-01"), "indicator": "service_attitude", "is_drawn_by_lot": False,
        },
        CALL_BACK: {
            "started_on": pd.Timestamp("2024-08-01"), "indicator": "handling_efficiency", "is_drawn_by_lot": True,
        },
        STATEMENT: {"started_on": pd.Timestamp("2024-09-02"), "indicator": "value", "is_drawn_by_lot": False},
    }  # fmt: skip
    assert set(register["indicator"]) <= set(LATENTS)
    assert (rows[["measure_name", "owner", "indicator", "scope", "cost_amount"]].nunique() == 1).all(axis=None)
    assert register["ended_on"].dropna().unique().tolist() == [pd.Timestamp("2024-09-30")]
    branches = set(Bank.open(bank).frame("customers")["branch"])
    assert set(register.loc[register["scope"] == "branch", "scope_value"]) <= branches
    assert register.loc[register["scope"] == "all", "scope_value"].tolist() == ["all"]


def test_the_door_accepts_the_register_and_it_never_falls_silent(bank: Path) -> None:
    report, _ = inspect(bank)
    assert report.violations == ()
    opened = Bank.open(bank)
    assert opened.as_of("2024-07-31").frame("measures")["measure_id"].unique().tolist() == [TRAINING]
    for view, count in ((opened, len(opened.frame("measures"))), (opened.as_of("2024-01-31"), 0)):
        found = coverage(view).frame.set_index("table").loc["measures"]
        assert (found["rows_count"], found["is_stale"]) == (count, False)
        assert "measures" not in months_covered(view).frame.attrs["holes"]
    empty = missing(opened).frame
    assert "ended_on" not in set(empty.loc[empty["table"] == "measures", "column"])  # empty says: it goes on


def test_a_short_bank_has_no_measures(small_bank: Path) -> None:
    # 18 months: the day before the first start
    assert "measures" not in Bank.open(small_bank).tables
    told = Truth.open(small_bank).table("measures")
    assert len(told) == 0
    assert list(told) == [column.name for column in TRUTH["measures"].columns]


def test_truth_and_register_tell_of_the_same_measures(bank: Path) -> None:
    register, told = Bank.open(bank).frame("measures"), Truth.open(bank).table("measures")
    first = register.drop_duplicates("measure_id").reset_index(drop=True)
    assert told[["measure_id", "scope", "indicator"]].equals(first[["measure_id", "scope", "indicator"]])
    assert (told["month_on"] == first["started_on"] + pd.offsets.MonthEnd(0)).all()
    planted = Truth.open(bank).parameters["measures"]
    assert [one["direct_effect_sd"] for one in planted.values()] == told["direct_effect_sd"].tolist()


def test_the_training_goes_to_the_worst_quarter_of_the_branches(bank: Path) -> None:
    opened = Bank.open(bank)
    answers = opened.frame("surveys").merge(opened.frame("customers")[["customer_id", "branch"]])
    judged = answers["item"].isin(list(items_of("service_attitude"))) & answers["score"].notna()
    wave = answers[judged & (answers["wave"] == "yearly 2024")].groupby("branch")
    league = wave["score"].mean()[wave["customer_id"].nunique() >= 5].sort_values()
    register = opened.frame("measures")
    trained = register.loc[register["measure_id"] == TRAINING, "scope_value"]
    assert set(trained) == set(league.index[: round(len(league) / 4)])
    assert len(league) >= 12


def test_the_same_register_on_two_processes_and_in_a_longer_bank(bank: Path, tmp_path: Path) -> None:
    longer = simulate(tmp_path / "longer", customers=1_100, months=22, seed=7, processes=2).folder
    for name in ("measures.parquet", "truth/measures.parquet"):
        assert (longer / name).read_bytes() == (bank / name).read_bytes(), name


# --- nothing else moves ---


def test_topics_of_random_numbers_keep_their_positions() -> None:
    assert TOPICS.index("defects") == 25
    assert TOPICS.index("measures") == 26


def test_a_bank_without_measures_differs_only_after_they_act(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same block with and without measures: the difference is the effect, to the digits the truth keeps."""
    months = 21  # numbers 0 to 20; the call back starts in 19, the statement in 20
    market = simulate_market(5, months)
    with_them = simulate_block(5, 0, 1_000, months, market)
    places = next(one for one in plan_measures(5, months) if one.identifier == CALL_BACK).places
    monkeypatch.setattr(block_module, "plan_measures", lambda seed, months: ())
    without = simulate_block(5, 0, 1_000, months, market)
    known, bare = (pd.DataFrame(one.truth["months"]) for one in (with_them, without))
    pd.testing.assert_frame_equal(known[known["month"] < 20], bare[bare["month"] < 20], check_exact=True)
    last = month_at(19).last
    for table, on in (("transactions", "booked"), ("interactions", "opened"), ("surveys", "answered")):
        rows = [one.rows[table] for one in (with_them, without)]
        early = [one[on] // (1 if on == "booked" else DAY) <= last for one in rows]
        assert early[0].sum() > 1_000
        for column in rows[0]:
            np.testing.assert_array_equal(rows[0][column][early[0]], rows[1][column][early[1]], f"{table}.{column}")
    # in the first month in which it acts nothing has followed from it yet
    both = known.merge(bare, on=["customer", "month"], suffixes=("", "_without"))
    both = both[both["month"] == 20]
    reached = np.isin(with_them.people.district[both["customer"]], places)
    assert 0.3 < reached.mean() < 0.7
    # handling efficiency reaches satisfaction by .20 + .20 * .35 = .27, loyalty by .27 * .50 = .135
    expected = {"handling_efficiency": 0.35, "value": 0.35 * 0.20, "satisfaction": 0.35 * 0.27, "loyalty": 0.35 * 0.135}
    for latent in LATENTS:
        change = both[latent] - both[f"{latent}_without"]
        assert change[~reached].abs().max() == 0, latent
        assert change[reached].to_numpy() == pytest.approx(expected.get(latent, 0.0), abs=2e-6), latent


# --- rules by hand ---


def test_a_measure_acts_from_the_month_after_its_start() -> None:
    people = draw_people(generator(5, 0, -1, "customers"), 500, None, 0)
    relation, plan = Relation(people), plan_measures(5, 36)
    handling, value = LATENTS.index("handling_efficiency"), LATENTS.index("value")
    called = np.isin(people.district, plan[1].places)
    for month, lift, everywhere in ((18, 0.0, 0.0), (19, 0.35, 0.0), (20, 0.35, 0.15), (400, 0.35, 0.15)):
        put_in_force(plan, relation, people, month)  # set anew each month, not added up
        assert (relation.lift[:, handling] == lift * called).all()
        assert (relation.lift[:, value] == everywhere).all()
        assert (np.delete(relation.lift, [handling, value], axis=1) == 0).all()


def test_one_branch_of_each_pair_of_similar_size_is_drawn() -> None:
    size = np.argsort([-district[2] for district in DISTRICTS], kind="stable")
    drawn = np.zeros(len(DISTRICTS))
    for seed in range(200):
        places = plan_measures(seed, 36)[1].places
        chosen = np.isin(size, places)
        assert (chosen.reshape(-1, 2).sum(axis=1) == 1).all()
        drawn[list(places)] += 1
    # binomial(200, .5): standard deviation 7.1; four of them
    assert np.abs(drawn - 100).max() < 29
    assert plan_measures(3, 36)[:2] == plan_measures(3, 20)


def test_scores_of_branches_by_hand() -> None:
    people = draw_people(generator(5, 0, -1, "customers"), 4, None, 0)
    people.district[:] = [0, 0, 2, 2]
    attitude, image = list(items_of("service_attitude").values()), items_of("image")["image1"]
    rows = {
        "customer": np.array([0, 0, 0, 1, 1, 2, 3, 3]),
        "item": np.array([attitude[0], attitude[1], image, attitude[0], attitude[3], attitude[0], *attitude[:2]]),
        "score": np.array([7, 8, 1, -1, 4, 9, 2, 3]),  # -1: left out
        "wave": np.array([14, 14, 14, 14, 14, 14, 2, 14]),
        "occasion": np.array([0, 0, 0, 0, 0, 0, 0, 1]),  # the last two: another wave, after a contact
    }
    found = branch_scores(rows, people)
    assert found.shape == (3, len(DISTRICTS))
    assert found[:, 0].tolist() == [2, 3, 19]  # two customers; 7 + 8 + 4
    assert found[:, 2].tolist() == [1, 1, 9]
    assert found[:, [1, *range(3, len(DISTRICTS))]].sum() == 0


def test_the_training_is_decided_by_hand() -> None:
    scores = np.zeros((3, len(DISTRICTS)), dtype=np.int64)
    scores[:, :9] = [[5] * 8 + [4], [20] * 8 + [16], [140, 120, 160, 119, 130, 150, 145, 135, 0]]
    # eight branches have five answers or more, so two are trained: means of 119 / 20 and 120 / 20
    assert decide_places(1, 36, scores)[0].places == (1, 3)
    scores[0] = 4
    assert [one.identifier for one in decide_places(1, 36, scores)] == [CALL_BACK, STATEMENT]
    assert decide_places(1, 18, scores) == ()
    assert measures_table(decide_places(1, 19, np.ones((3, 24)))).num_rows == 0


def test_true_effects_by_hand() -> None:
    told = truth_table("measures", true_effects(plan_measures(1, 36))).to_pylist()
    # points of a standard deviation: handling (1.45 + 1.50 + 1.40 + 1.45) / 4 = 1.45, value (1.40 + 1.50 + 1.35) / 3,
    # satisfaction (1.45 + 1.45 + 1.50) / 3, loyalty (1.45 + 1.45 + 1.55) / 3
    satisfaction, loyalty = 4.4 / 3, 4.45 / 3
    assert told[0] == {
        "measure_id": TRAINING, "month_on": dt.date(2024, 7, 31), "scope": "branch", "indicator": "service_attitude",
        "direct_effect_sd": 0.0, "satisfaction_effect_sd": 0.0, "loyalty_effect_sd": 0.0,
        "indicator_effect_points": 0.0, "satisfaction_effect_points": 0.0, "loyalty_effect_points": 0.0,
    }  # fmt: skip
    numbers = [[one[name] for name in list(one)[4:]] for one in told[1:]]
    assert numbers[0] == pytest.approx(
        [0.35, 0.35 * 0.27, 0.35 * 0.135, 0.35 * 1.45, 0.35 * 0.27 * satisfaction, 0.35 * 0.135 * loyalty]
    )
    assert numbers[1] == pytest.approx(
        [0.15, 0.15 * 0.35, 0.15 * 0.175, 0.15 * 4.25 / 3, 0.15 * 0.35 * satisfaction, 0.15 * 0.175 * loyalty]
    )
    assert true_effects(()) == {}
    assert total_effect("image", "image") == 1.0


def test_satisfaction_is_foreseen_with_the_measures_in_force() -> None:
    size = 4_000
    people = draw_people(generator(5, 0, -1, "customers"), size, None, 0)
    relation = Relation(people)
    form_opinions(generator(5, 0, 0, "opinions"), relation, people, size)
    bare, _ = foresee_satisfaction(relation, people, size, 12)
    put_in_force(plan_measures(5, 36), relation, people, 19)
    reached = relation.lift.any(axis=1)
    mean, variance = foresee_satisfaction(relation, people, size, 12)
    assert mean - bare == pytest.approx(np.tile(0.35 * 0.27 * reached, (12, 1)))
    for ahead in range(1, 13):
        form_opinions(generator(5, 0, ahead, "opinions"), relation, people, size)
        miss = (relation.satisfaction - mean[ahead - 1])[reached]
        assert abs(miss.mean()) < 4 * np.sqrt(variance[ahead - 1, 0] / reached.sum())


# --- what an analyst finds ---


@pytest.fixture(scope="module")
def waves() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Opinions of everybody, and the means of their answers by latent variable, at the waves, by bank and branch."""
    opinions, answers = [], []
    for seed in SEEDS:
        market = simulate_market(seed, MONTHS)
        blocks = [simulate_block(seed, number, 1_000, MONTHS, market) for number in range(BLOCKS)]
        scores = sum(branch_scores(block.rows["surveys"], block.people) for block in blocks)
        places = {one.identifier: one.places for one in decide_places(seed, MONTHS, scores)}
        for block in blocks:
            rows = block.rows["surveys"]
            asked = (rows["occasion"] == 0) & (rows["score"] >= 0)
            frame = pd.DataFrame({name: rows[name][asked] for name in ("customer", "wave", "item", "score")})
            frame["latent"] = frame["item"].map({at: name for name in LATENTS for at in items_of(name).values()})
            means = frame.groupby(["customer", "wave", "latent"])["score"].mean().unstack().reset_index()
            truth = pd.DataFrame({name: block.truth["months"][name] for name in ("customer", "month", *LATENTS)})
            truth = truth[truth["month"].isin([2, BEFORE, AFTER])].rename(columns={"month": "wave"})
            for part, into in ((means, answers), (truth, opinions)):
                branch = block.people.district[part["customer"]]
                called, trained = (np.isin(branch, places[name]) for name in (CALL_BACK, TRAINING))
                into.append(part.assign(bank=seed, branch=branch, called=called, trained=trained))
    return pd.concat(opinions), pd.concat(answers)


def _difference_in_differences(frame: pd.DataFrame, flag: str, latent: str, before: int = BEFORE) -> list[float]:
    """Change where a measure runs less the change elsewhere, with its 95 % interval, from branches of all banks.

    Branches count by how well their change is known; a bank has a level of its own.
    """
    cells = frame.dropna(subset=latent).groupby(["bank", "branch", flag, "wave"])[latent].agg(["mean", "size"])
    wide = cells.unstack("wave").dropna()
    change = (wide["mean"][AFTER] - wide["mean"][before]).to_numpy()
    weight = np.sqrt(1 / (1 / wide["size"][AFTER] + 1 / wide["size"][before])).to_numpy()
    banks = pd.get_dummies(wide.index.get_level_values("bank")).to_numpy(float)
    design = np.column_stack([wide.index.get_level_values(flag).to_numpy(float), banks])
    scaled = design * weight[:, None]
    found, *_ = np.linalg.lstsq(scaled, change * weight, rcond=None)
    rest = (change - design @ found) * weight
    freedom = len(change) - design.shape[1]
    error = np.sqrt(rest @ rest / freedom * np.linalg.inv(scaled.T @ scaled)[0, 0])
    half = stats.t.ppf(0.975, freedom) * error
    return [found[0], found[0] - half, found[0] + half]


def _before_and_after(frame: pd.DataFrame, flag: str, latent: str, before: int = BEFORE) -> float:
    means = frame[frame[flag]].groupby("wave")[latent].mean()
    return means[AFTER] - means[before]


def test_differences_in_differences_of_opinions_find_the_true_effects(waves) -> None:
    opinions, _ = waves
    # standard error of 6,000 customers whose opinions change: near .03
    for latent, truth in (("handling_efficiency", 0.35), ("satisfaction", 0.0945), ("loyalty", 0.04725)):
        found, low, high = _difference_in_differences(opinions, "called", latent)
        assert found == pytest.approx(truth, abs=0.08), latent
        assert low <= truth <= high, latent
    found, low, high = _difference_in_differences(opinions, "trained", "service_attitude", before=2)
    assert low <= 0 <= high
    assert abs(found) < 0.1


def test_differences_in_differences_of_answers_find_the_call_back(waves) -> None:
    _, answers = waves
    _, low, high = _difference_in_differences(answers, "called", "handling_efficiency")
    assert low <= 0.35 * 1.45 <= high
    assert low > 0
    # the year before nothing ran
    earlier = answers[answers["wave"] < AFTER].replace({"wave": {BEFORE: AFTER}})
    _, low, high = _difference_in_differences(earlier, "called", "handling_efficiency", before=2)
    assert low <= 0 <= high


def test_before_and_after_flatters_the_training_that_does_nothing(waves) -> None:
    _, answers = waves
    flattered = _before_and_after(answers, "trained", "service_attitude")
    assert flattered > 0.15  # points; regression to the mean of branches chosen for a low mean
    # controls do not help, for they were not chosen for a low mean; a wave that did not choose them does
    assert _difference_in_differences(answers, "trained", "service_attitude")[0] > 0.15
    _, low, high = _difference_in_differences(answers, "trained", "service_attitude", before=2)
    assert low <= 0 <= high
