"""Survival, competing causes, hazard, cohorts, payback: by hand, against statsmodels, and on planted truth."""

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.lifecycle.cohorts.payback import payback_by_channel
from crmlab.lifecycle.cohorts.triangle import cohort_triangle, complete_triangle, weighted_retention
from crmlab.lifecycle.survival.curves import cumulative_incidence, kaplan_meier, steps_at
from crmlab.lifecycle.survival.hazard import HazardModel, held_out


def test_kaplan_meier_with_ties_censoring_and_delayed_entry_by_hand():
    # at 1: a, b, c at risk (d enters at 1), 1 ends: 2/3; at 2: b, c, d, 2 end: 2/3 x 1/3 = 2/9; c counts until 2
    found = kaplan_meier([0, 0, 0, 1], [1, 2, 2, 2], [True, True, False, True])
    assert found[["time", "at_risk_count", "events_count"]].values.tolist() == [[0, 3, 0], [1, 3, 1], [2, 3, 2]]
    np.testing.assert_allclose(found["share"], [1, 2 / 3, 2 / 9])


def test_kaplan_meier_equals_statsmodels():
    from statsmodels.duration.survfunc import SurvfuncRight

    rng = np.random.default_rng(1)
    time, entry = np.ceil(rng.exponential(20, 300)), np.floor(rng.uniform(0, 10, 300))
    time = np.maximum(time, entry + 1)
    event = rng.random(300) < 0.7
    ours = kaplan_meier(entry, time, event)
    theirs = SurvfuncRight(time, event.astype(int), entry=entry)
    np.testing.assert_array_equal(ours["time"].iloc[1:], theirs.surv_times)
    np.testing.assert_allclose(ours["share"].iloc[1:], theirs.surv_prob)
    np.testing.assert_array_equal(ours["at_risk_count"].iloc[1:], theirs.n_risk)


def test_cumulative_incidence_equals_statsmodels_and_adds_up():
    from statsmodels.duration.survfunc import CumIncidenceRight

    rng = np.random.default_rng(2)
    time = np.ceil(rng.exponential(20, 400))
    kind = rng.choice(3, 400, p=[0.3, 0.4, 0.3])
    kind[np.argmax(time)] = 0  # the other side divides by 0 where the last one ends
    cause = np.array([None, "closing", "death"], dtype=object)[kind]
    ours = cumulative_incidence(np.zeros(400), time, cause)
    theirs = CumIncidenceRight(time, kind)
    for number, name in enumerate(("closing", "death")):
        part = ours[ours["cause"] == name].iloc[1:]
        at = np.isin(part["time"], theirs.times)
        np.testing.assert_allclose(part["share"][at], theirs.cinc[number][np.isin(theirs.times, part["time"])])
    still = kaplan_meier(np.zeros(400), time, kind > 0)
    total = ours.groupby("time")["share"].sum() + still.set_index("time")["share"]
    np.testing.assert_allclose(total, 1.0)
    assert (ours["naive_share"] >= ours["share"] - 1e-12).all()


def test_limits_of_the_incidence_hold_the_truth_with_delayed_entry():
    """Two constant hazards; entry delayed, 300 lots of 150 customers: 95 % nominal, 91 to 98 % allowed."""
    rng = np.random.default_rng(3)
    both, mine = 0.10, 0.06
    true = mine / both * (1 - np.exp(-both * 10))
    held = []
    for _ in range(300):
        life = rng.exponential(1 / both, 400)
        entry = np.where(rng.random(400) < 0.5, 0.0, rng.uniform(0, 8, 400))
        seen = life > entry
        life, entry = life[seen], entry[seen]
        cause = np.where(rng.random(len(life)) < mine / both, "closing", "death").astype(object)
        end = np.minimum(life, 15.0)
        cause[life > 15.0] = None
        row = steps_at(cumulative_incidence(entry, end, cause), [10.0], by="cause")
        row = row[row["cause"] == "closing"].iloc[0]
        held.append(row["share_low"] <= true <= row["share_high"])
    assert 0.91 <= np.mean(held) <= 0.985


def test_left_out_delay_makes_lifetimes_too_long():
    """Immortal time: counting survivors from joining, as if all had been seen, hides those who left before."""
    rng = np.random.default_rng(4)
    life, entry = rng.exponential(10, 4_000), rng.uniform(0, 20, 4_000)
    seen = life > entry
    right = steps_at(kaplan_meier(entry[seen], life[seen], np.ones(seen.sum(), dtype=bool)), [10.0])["share"].iloc[0]
    wrong = steps_at(kaplan_meier(np.zeros(seen.sum()), life[seen], np.ones(seen.sum(), dtype=bool)), [10.0])
    assert abs(right - np.exp(-1)) < 0.06
    assert wrong["share"].iloc[0] > right + 0.15


def test_nobody_and_everybody_ends():
    assert kaplan_meier([0, 0], [5, 6], [False, False])["share"].tolist() == [1.0]
    assert kaplan_meier([0, 0], [5, 5], [True, True])[["share", "share_low", "share_high"]].iloc[-1].tolist() == [
        0,
        0,
        0,
    ]
    assert len(cumulative_incidence([0, 0], [5, 6], [None, None])) == 0


def test_rows_that_were_never_at_risk_are_refused():
    with pytest.raises(CrmlabError, match=r"^kaplan_meier: 1 rows enter when they leave or later. Leave them out: they "
                                          r"were never at risk.$"):  # fmt: skip
        kaplan_meier([0, 3], [2, 3], [True, False])


def _months(n, seed):
    """Person-months of a planted hazard: base 3 %, factor 2 with x, which changes from month to month."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2023-01-31", periods=24, freq="ME")
    rows = []
    alive = np.ones(n, dtype=bool)
    for day in days:
        x = rng.random(n)
        p = -np.expm1(-0.03 * np.exp(np.log(4) * x))
        gone = alive & (rng.random(n) < p)
        rows.append(pd.DataFrame({"customer_id": [f"c{i}" for i in np.flatnonzero(alive)], "as_of": day,
                                  "happened": gone[alive].astype(int), "x": x[alive]}))  # fmt: skip
        alive &= ~gone
    return pd.concat(rows, ignore_index=True)


def test_a_planted_hazard_is_recovered_and_calibrated_on_later_months():
    said, came, held = 0.0, 0, []
    for seed in range(12):
        model, late = held_out(_months(1_000, seed), ["x"], last_months=8)
        effect = model.effects_.set_index("driver").loc["x"]
        held.append(effect["factor_low"] < 4 < effect["factor_high"])
        said, came = said + late["p_lost"].sum(), came + late["happened"].sum()
    assert sum(held) >= 9  # 12 intervals of 95 %: fewer than 9 by chance once in 5,000
    assert said == pytest.approx(came, abs=4 * np.sqrt(2 * came))  # chance of the outcome, and of what was learned
    rows = _months(500, 1)
    order = rows.sample(frac=1, random_state=1)
    again = HazardModel(("x",)).fit(order).effects_
    np.testing.assert_allclose(again["effect"], HazardModel(("x",)).fit(rows).effects_["effect"], rtol=1e-6)


def test_the_hazard_equals_the_general_linear_model_of_statsmodels():
    import statsmodels.api as sm

    rows = _months(400, 2)
    ours = HazardModel(("x",)).fit(rows).effects_["effect"]
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    theirs = sm.GLM(rows["happened"], sm.add_constant(rows[["x"]]), family=family).fit().params
    assert ours.iloc[1] == pytest.approx(theirs["x"], abs=1e-3)


def test_a_hazard_without_ends_is_refused():
    rows = _months(50, 1).assign(happened=0)
    with pytest.raises(CrmlabError, match=r"^HazardModel: all rows have the same outcome."):
        HazardModel(("x",)).fit(rows)
    with pytest.raises(CrmlabError, match=r"^held_out: 24 months are there, 24 would be kept for judging."):
        held_out(rows, ["x"], last_months=24)


def _joined(days, gone):
    joined = pd.Series(pd.to_datetime(days))
    return joined, pd.Series(pd.to_datetime(gone))


def test_the_triangle_counts_only_ages_that_all_have_reached_and_leaves_out_who_came_before():
    joined, left = _joined(["2022-12-31", "2023-01-15", "2023-03-31", "2023-06-30"], [None, "2023-05-01", None, None])
    found = cohort_triangle(joined, left, first="2023-01-01", last="2023-12-31")
    assert found[["customers_count", "there_count"]].values.tolist()[:3] == [[2, 2], [2, 2], [2, 1]]
    assert found.groupby("cohort").size().tolist() == [4, 3]


def test_weighted_retention_is_not_the_mean_of_ragged_columns():
    triangle = pd.DataFrame(
        {"cohort": [1, 1, 1, 2, 2], "age": [0, 1, 2, 0, 1], "customers_count": [10, 10, 10, 90, 90],
         "there_count": [10, 5, 5, 90, 81]}
    )  # fmt: skip
    found = weighted_retention(triangle).set_index("age")
    assert found.loc[1, "share"] == pytest.approx(86 / 100)  # 5 + 81 of 100, not (50 % + 90 %) / 2
    assert found.loc[2, "share"] == pytest.approx(0.86)  # nobody of the one cohort that got there left


def test_completed_cohorts_lie_in_their_limits():
    """80 banks of eight cohorts with the same chances: what came in the cells to come, 95 % nominal, 91 % and more."""
    rng = np.random.default_rng(5)
    chances = np.array([0.95, 0.9, 0.93, 0.96, 0.97, 0.97, 0.98])
    held = []
    for seed in range(80):
        rows, later = [], {}
        for cohort in range(8):
            there = 120
            for age in range(8):
                if age:
                    there = rng.binomial(there, chances[age - 1])
                if age < 8 - cohort:
                    rows.append((cohort, age, 120, there))
                else:
                    later[(cohort, age)] = there
        triangle = pd.DataFrame(rows, columns=["cohort", "age", "customers_count", "there_count"])
        full = complete_triangle(triangle.assign(share=1.0, share_low=1.0, share_high=1.0), draws=500, seed=seed)
        coming = full[full["is_forecast"]]
        came = np.array([later[key] for key in zip(coming["cohort"], coming["age"], strict=True)]) / 120
        held += list((coming["share_low"] <= came) & (came <= coming["share_high"]))
    assert 0.91 <= np.mean(held) <= 0.995


def test_one_cohort_has_nothing_to_complete():
    joined, left = _joined(["2023-01-15"] * 3, [None, None, "2023-07-01"])
    only = cohort_triangle(joined, left, first="2023-01-01", last="2023-12-31")
    full = complete_triangle(only)
    assert not full["is_forecast"].any()
    assert weighted_retention(only)["share"].tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])


def test_payback_counts_those_who_left_and_is_the_first_month_with_the_cost_back():
    days = pd.date_range("2023-01-31", periods=20, freq="ME").as_unit("us")
    rows = []
    for i in range(40):
        for number, day in enumerate(days[1:]):
            lost = i % 2 == 0 and number >= 6
            rows.append((f"c{i:02}", day, "lost" if lost else "growth", 10.0))
    stages = pd.DataFrame(rows, columns=["customer_id", "as_of", "stage", "margin_amount"])
    before = pd.DataFrame({"customer_id": ["old"], "as_of": days[:1], "stage": "growth", "margin_amount": 10.0})
    names = [f"c{i:02}" for i in range(40)]
    joined = pd.Series(pd.Timestamp("2023-02-10"), index=names)
    found = payback_by_channel(pd.concat([before, stages]), joined, pd.Series("branch", index=names), cost_amount=75.0)
    # 10 a month for six months, then 5: 60 + 30 in the year; 75 is reached in month 9
    assert found[
        ["channel", "customers_count", "first_year_amount", "there_share", "payback_months", "n"]
    ].values.tolist() == [["branch", 40, 90.0, 0.5, 9.0, 40]]


def test_what_ends_a_relation_first_downgrades_among_it(tmp_path):
    from crmlab.bank import Bank
    from crmlab.lifecycle.survival.lifetimes import lifetimes

    people = pd.DataFrame({
        "customer_id": ["fell", "closed", "stays", "moved", "new"], "joined_on": ["2024-01-31"] * 4 + ["2024-08-31"],
        "left_on": [None, "2024-06-30", None, None, None], "left_reason": [None, "customer", None, None, None],
    })  # fmt: skip
    accounts = pd.DataFrame(
        [
            # two of three accounts closed by own will in April: one is left, at most half of the most held
            ("a1", "fell", "2024-01-31", None, None), ("a2", "fell", "2024-01-31", "2024-04-30", "customer"),
            ("a3", "fell", "2024-01-31", "2024-04-30", "customer"),
            # the relation ends with the second account; half is closed before, in March
            ("b1", "closed", "2024-01-31", "2024-03-31", "customer"),
            ("b2", "closed", "2024-01-31", "2024-06-30", "customer"),
            # one of three is closed: two are left
            ("c1", "stays", "2024-01-31", None, None), ("c2", "stays", "2024-01-31", None, None),
            ("c3", "stays", "2024-01-31", "2024-05-31", "customer"),
            # one of two matured: nobody's will
            ("d1", "moved", "2024-01-31", None, None), ("d2", "moved", "2024-01-31", "2024-05-31", "matured"),
        ],
        columns=["account_id", "customer_id", "opened_on", "closed_on", "close_reason"],
    )  # fmt: skip
    accounts["product_id"] = "p"
    pd.DataFrame({"product_id": ["p"], "family": ["current"]}).to_csv(tmp_path / "products.csv", index=False)
    people.to_csv(tmp_path / "customers.csv", index=False)
    accounts.to_csv(tmp_path / "accounts.csv", index=False)
    ends = pd.date_range("2024-01-31", "2024-08-31", freq="ME")
    stages = pd.DataFrame(
        [(one, day, "lost" if one == "closed" and day >= pd.Timestamp("2024-06-30") else "growth")
         for one in people["customer_id"][:4] for day in ends],
        columns=["customer_id", "as_of", "stage"],
    )  # fmt: skip
    bank = Bank.open(tmp_path).as_of("2024-08-31")
    plain = lifetimes(bank, stages)["cause"].fillna("").to_dict()
    assert plain == {"closed": "closing", "fell": "", "moved": "", "stays": ""}
    with_falls = lifetimes(bank, stages, with_downgrades=True)
    assert with_falls["cause"].fillna("").to_dict() == {
        "closed": "downgrade", "fell": "downgrade", "moved": "", "stays": "",
    }  # fmt: skip
    # joined on 31 January: 60 days until 31 March, 90 until 30 April
    days = (with_falls["exit_months"] * 365.2425 / 12).round().to_dict()
    assert (days["closed"], days["fell"]) == (60, 90)
