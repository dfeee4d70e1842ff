"""What counts as holding the truth, what many claims say together, and true values computed by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.simulation import simulate
from crmlab.snapshots import snapshot
from crmlab.stats import Estimate
from crmlab.validation.check import validate
from crmlab.validation.claims import Claim
from crmlab.validation.departures import expected_departures
from crmlab.validation.registry import MODULES, Answered, claims_of, registered
from crmlab.validation.truth import Truth
from crmlab.validation.verdict import Verdict

ROOT = Path(__file__).parents[1]


def _claim(value, truth, low=None, high=None, unit="share"):
    return Claim("00_x", "n", "N", Estimate(value, unit=unit, low=low, high=high), truth, "So.")


@pytest.mark.parametrize(
    ("claim", "held"),
    [
        (_claim(0.5, 0.45, 0.4, 0.6), True),
        (_claim(0.5, 0.6, 0.4, 0.6), True),  # the limits belong to the interval
        (_claim(0.5, 0.61, 0.4, 0.6), False),
        (_claim(0.5, None, 0.4, 0.6), None),
        (_claim(float("nan"), 0.5, 0.4, 0.6), None),
        (_claim(12.0, 12.0, unit="count"), True),
        (_claim(12.0, 13.0, unit="count"), False),
        (_claim(1 / 3, 0.3333333333), True),  # findings keep ten digits
        (_claim(0.5, 0.45, float("nan"), 0.6), False),  # an interval with one limit is none
    ],
)
def test_an_interval_holds_the_truth_and_a_count_equals_it(claim, held):
    assert claim.is_held is held


def test_the_truth_is_written_in_the_unit_of_the_estimate():
    assert (_claim(0.5, 0.0712).true, _claim(1.0, 1234.0, unit="count").true) == ("7.1 %", "1,234")
    assert _claim(0.5, None).true == "not known"


def _claims(held, missed, exact=0, wrong=0):
    good, bad = _claim(0.5, 0.45, 0.4, 0.6), _claim(0.5, 0.7, 0.4, 0.6)
    right, off = _claim(12.0, 12.0, unit="count"), _claim(12.0, 13.0, unit="count")
    return Verdict((*[good] * held, *[bad] * missed, *[right] * exact, *[off] * wrong))


def test_one_miss_in_twenty_is_no_fault():
    assert _claims(19, 1, exact=2).sentences == [
        "19 of 20 intervals at 95 % hold the true value; 19.0 were to be expected.",
        "That is compatible with the 95 % the intervals promise (exact binomial check, p = 1.00).",
        "2 of 2 plain counts are exactly right.",
        "Missed: N (50.0 %; true 70.0 %).",
    ]
    assert _claims(19, 1).advice == (
        "Nothing here speaks against the kit. 1 missed interval in 20 is no sign of a fault: one in twenty misses by "
        "chance, and we show it."
    )


def test_many_misses_are_told_as_a_fault():
    # P(16 or fewer of 20 | 0.95) = 0.0159; no count above is as rare as 16 is (P(20) = 0.358)
    verdict = _claims(16, 4)
    assert verdict.p_value == pytest.approx(0.01590, abs=1e-5)
    assert verdict.sentences[1] == (
        "That is fewer than the 95 % the intervals promise allows (exact binomial check, p = .016): "
        "some of them are too narrow or off the mark."
    )
    assert verdict.advice == (
        "Do not rely on the numbers marked as missed, nor on their kind, before the cause is found."
    )


def test_intervals_that_never_miss_are_told_as_too_wide():
    verdict = _claims(200, 0)  # 0.95^200 = 0.000035; fewer than 180 are as rare
    assert verdict.p_value < 0.001
    assert verdict.sentences[1] == (
        "That is more than the 95 % the intervals promise (exact binomial check, p = under .001): "
        "they are wider than they need be."
    )


def test_a_wrong_count_may_not_be_used():
    verdict = _claims(20, 0, exact=1, wrong=1)
    assert "1 of 2 plain counts are exactly right." in verdict.sentences
    assert verdict.advice == ("Find the cause before N is used: a plain count should be right to the last unit.")


def test_where_nothing_can_be_compared_nothing_is_claimed():
    verdict = Verdict((_claim(0.5, None, 0.4, 0.6),))
    assert verdict.sentences == ["No interval at 95 % could be compared with a known truth."]
    assert verdict.advice == (
        "Nothing could be compared, so this page is no reason to trust the kit, nor to distrust it."
    )


def test_no_number_is_registered_twice_and_no_notebook_is_made_up():
    for module in MODULES:
        assert (ROOT / "notebooks" / f"{module.NOTEBOOK}.ipynb").is_file()
        assert module.__name__.rpartition(".")[2] == module.NOTEBOOK.split("_", 1)[1]
        names = [*module.TRUTHS, *module.NO_TRUTH]
        assert [name for name in names if len(registered(module.NOTEBOOK, name)) != 1] == []
        assert [why for why in module.NO_TRUTH.values() if not why.endswith(".")] == []


def _truth(people, months):
    """A truth of two tables; months counted from 2023-01."""
    first = pd.Period("2023-01", "M")
    people = pd.DataFrame(people).assign(joined_on=pd.Timestamp("2020-01-01"))
    people["left_on"] = pd.to_datetime(people["left_on"])
    months = pd.DataFrame(months, columns=["customer_id", "month", "status", "hazard", "hazard_of_closing"])
    months["month_on"] = [(first + month).end_time.normalize() for month in months.pop("month")]
    parameters = {
        "leaving": {"delay": {"months_low": 2, "months_high": 5}, "dormant_months": {"until_the_bank_ends_it": 30}},
        "life": {"mortality": {"level": 0.012, "slope": 0.0}},  # .001 a month at every age
    }

    def table(name, columns=None, months_=None, **how):
        return people if name == "customers" else months

    return SimpleNamespace(table=table, parameters=parameters)


def test_expected_departures_by_hand():
    ids = ["a", "b", "guest"]
    people = {
        "customer_id": ids, "left_on": [None, "2023-09-15", None], "left_reason": [None, "bank", None],
        "partner_customer_id": ["guest", None, None], "is_guest": [False, False, True],
        "is_dormant": [False, True, False], "is_leaving": [False] * 3,
    }  # fmt: skip
    # a decides in April with chance .2 (closing in June to September, a quarter each) and in August with chance .1
    # (October at the earliest); the stretch is July to September
    months = [("a", 3, "active", 0.3, 0.2), ("a", 7, "active", 0.1, 0.1), ("b", 6, "silent", 0.0, 0.0)]
    bank = SimpleNamespace(frame=lambda *_: pd.DataFrame({"customer_id": ids, "birth_on": ["1980-01-01"] * 3}))
    found = expected_departures(_truth(people, months), bank, pd.Period("2023-07", "M"), pd.Period("2023-09", "M"))
    # a: .2 x 3/4; dying after August would end in October: too late. b: was silent on the first day, left in the
    # stretch: 1 as it came; may die in August and leave in September: .001. The guest leaves with a.
    assert found.to_dict() == pytest.approx({"a": 0.15 + 0.0, "b": 1.001, "guest": 0.15})


@pytest.mark.slow
def test_expected_departures_are_right_on_average(tmp_path):
    expected = observed = 0.0
    for seed in range(1, 9):
        folder = simulate(tmp_path / "bank", customers=300, months=14, seed=seed).folder
        truth, bank = Truth.open(folder), Bank.open(folder)
        first, last = pd.Period("2023-03", "M"), pd.Period("2024-02", "M")
        expected += expected_departures(truth, bank, first, last).sum()
        left = truth.table("customers")["left_on"]
        observed += ((left >= first.start_time) & (left <= last.end_time)).sum()
    # a Poisson count: 3.3 standard deviations leave a false alarm in 1,000 such tests
    assert abs(observed - expected) < 3.3 * np.sqrt(expected)
    assert expected > 100


@pytest.mark.parametrize("day", ["", "2024-03-10", "2023-01-31"])
def test_customers_are_counted_right_on_any_day(small_bank, day):
    bank = Bank.open(small_bank).as_of(day)
    here = len(snapshot(bank))
    numbers = [{"name": "customers", "label": "Customers", **Estimate(float(here), unit="count").as_dict()}]
    claims = claims_of(Answered("00_customer_base", "Who?", numbers), bank, Truth.open(small_bank))
    assert [(claim.truth, claim.is_held) for claim in claims] == [(here, True)]


def test_a_day_within_a_month_has_no_truth_for_a_year_of_chances(small_bank):
    bank = Bank.open(small_bank).as_of("2024-03-10")
    numbers = [{"name": "left_share", "label": "Left", **Estimate(0.1, "share", low=0.0, high=0.2).as_dict()}]
    claims = claims_of(Answered("10_segments_wealth", "How?", numbers), bank, Truth.open(small_bank))
    assert [(claim.truth, claim.how) for claim in claims] == [
        (None, "The simulation keeps chances by month; a report as of the last day of a month has a truth here.")
    ]


def test_planted_defects_leave_the_number_of_alarms_open(tmp_path):
    folder = simulate(tmp_path / "bank", customers=60, months=3, plant="duplicates").folder
    bank, truth = Bank.open(folder).as_of(), Truth.open(folder)
    numbers = [{"name": "alarms", "label": "Alarms", **Estimate(1.0, unit="count").as_dict()}]
    answered = Answered("00_customer_base", "Who?", numbers)
    assert [claim.is_held for claim in claims_of(answered, bank, truth)] == [None]
    found = validate(bank, truth, [answered])
    assert found.defects == (
        "duplicates: some people have two customer numbers, and their accounts are split between them",
    )


def test_the_true_importance_of_a_driver_is_computed_from_what_is_planted():
    truths = next(module for module in MODULES if module.NOTEBOOK == "21_satisfaction_drivers").TRUTHS
    items = {f"value{k}": {"loading": 1.4} for k in (1, 2, 3)} | {f"satisf{k}": {"loading": 1.5} for k in (1, 2, 3)}
    items |= {f"loyal{k}": {"loading": 1.6} for k in (1, 2, 3)}
    opinions = {
        "paths": {"satisfaction": {"value": 0.4}, "loyalty": {"satisfaction": 0.5}},
        "disturbance_variance": {"satisfaction": 0.84},
    }
    truth = SimpleNamespace(parameters={"opinions": opinions, "surveys": {"items": items}})
    case = SimpleNamespace(truth=truth, parameters={})
    # .4 standard deviations of satisfaction, 1.5 points each, for one of value of 1.4 points
    assert truths["importance_value"](case).value == pytest.approx(0.4 * 1.5 / 1.4)
    loyal = SimpleNamespace(truth=truth, parameters={"target": "loyalty"})
    assert truths["importance_value"](loyal).value == pytest.approx(0.4 * 0.5 * 1.6 / 1.4)
    assert truths["value_to_satisfaction"](case).value == 0.4
    assert truths["r2_satisfaction"](case).value == pytest.approx(0.16)
    assert truths["image_to_loyalty"](case).why == "No such path is planted."
    assert truths["r2_value"](case).why == "Nothing is planted that acts on it."
    other = SimpleNamespace(truth=truth, parameters={"target": "trust"})
    assert truths["importance_value"](other).why == "The target is none of the planted opinions."
