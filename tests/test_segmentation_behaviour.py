"""How customers bank: a month of the time they were there, groups by rule beside the learned ones, and the words."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.segmentation.behaviour import (
    HARDLY_ACTIVE,
    NEW,
    behaviour,
    behaviour_on,
    earlier_on,
    in_use,
    learned,
    months_of_bookings,
    order_of,
)
from crmlab.segmentation.evidence import number_of_segments, out_of_time, stability_of


def _seen(**changes) -> pd.DataFrame:
    """Three customers: an old one, one who came half a year ago, a quiet one."""
    frame = pd.DataFrame(
        {
            "tenure_days": [4000, 180, 4000],
            "frequency_12m_count": [120, 60, 3],
            "recency_days": [1.0, 2.0, 200.0],
            "monetary_12m_amount": [12_000.0, 6_000.0, 90.0],
            "card_paid_12m_amount": [6_000.0, 3_000.0, 0.0],
            "cash_12m_amount": [1_200.0, 600.0, 90.0],
            "active_months_12m_count": [12, 6, 3],
            # the half-year customer acts ten times in each of six months, and cannot in the six before
            "frequency_variation_12m_share": [0.0, 1.0, 1.7],
            "mobile_12m_share": [0.5, 0.5, 0.0],
            "logins_12m_count": [240, 120, 0],
            "mobile_logins_12m_share": [0.75, 0.75, np.nan],
        },
        index=["old", "young", "quiet"],
    )
    return frame.assign(**changes)


def test_counts_are_a_month_of_the_time_there():
    _, frame, rest, said = behaviour(_seen(), currency="EUR")
    old, young = frame.loc["old"], frame.loc["young"]
    assert young.to_dict() == pytest.approx(old.to_dict() | {"recency_days": 2.0})
    assert old[["frequency", "amount", "mobile_logins", "online_logins"]].tolist() == [10, 1000, 15, 5]
    assert old["ticket"] == 7_200 / 120
    assert old["cash_share"] == 0.1
    assert rest.to_dict() == {"quiet": HARDLY_ACTIVE}
    assert said == "2 customers show how they bank; 1 acted less than once in two months."


def test_unevenness_counts_the_months_there_only():
    # 12 months: 10 each in 6, none in 6: deviation / mean = 1. In the 6 months there: 0.
    _, frame, _, _ = behaviour(_seen(), currency="EUR")
    assert frame["variation"].tolist() == [0.0, 0.0]


def test_newcomers_are_a_group_of_their_own():
    _, frame, rest, said = behaviour(_seen(tenure_days=[4000, 60, 4000]), currency="EUR", least_months=3)
    assert frame.index.tolist() == ["old"]
    assert rest.to_dict() == {"young": NEW, "quiet": HARDLY_ACTIVE}
    assert "1 joined in the last 3 months and 1 acted less than once in two months" in said


def test_a_word_is_not_given_for_the_smaller_half_of_what_it_says():
    without = _seen().drop(columns=["mobile_12m_share", "logins_12m_count", "mobile_logins_12m_share"])
    basis, _, _, _ = behaviour(without, currency="EUR")
    assert not {"Mobile", "Online", "Branch and cash", "Card payers"} & set(basis.words)
    assert {"Quiet", "Busy", "Large amounts"} <= set(basis.words)


@pytest.fixture(scope="module")
def bank(small_bank):
    return Bank.open(small_bank).as_of("")


@pytest.fixture(scope="module")
def today(bank):
    return behaviour_on(bank)


@pytest.fixture(scope="module")
def segments(today):
    return learned(today, k=3)


def test_every_owner_is_in_one_group(today, segments):
    groups = today.groups(segments)
    assert groups.index.equals(today.seen.index)
    assert groups.notna().all()
    assert set(groups) <= {*segments.names_, NEW, HARDLY_ACTIVE}
    assert NEW not in set(in_use(today, segments, pd.Series(dtype="str")))


def test_the_year_before_is_seen_as_it_was(bank):
    earlier, day = earlier_on(bank)
    assert pd.Timestamp(day) == pd.Timestamp(bank.date) - pd.DateOffset(years=1)
    assert months_of_bookings(bank, day) == 6
    assert len(earlier.seen) > 100
    assert earlier_on(bank.as_of(day))[0] is None


def test_a_kept_model_learns_nothing(today, segments):
    again = learned(today, kept=segments.as_dict())
    assert again.predict(today.frame).equals(segments.labels_)
    assert number_of_segments(again).title == number_of_segments(segments).title


def test_named_cells_stand_in_where_nothing_is_stable(today):
    none = learned(today, k=1)
    cells = pd.Series("loyal", index=today.seen.index)
    groups = in_use(today, none, cells)
    assert order_of(groups, none, ("champions", "loyal")) == ("loyal",)
    assert in_use(today, none, cells, order=("champions",)).empty


def test_the_evidence_says_what_was_found(today, segments):
    number, stable = number_of_segments(segments), stability_of(segments)
    assert number["segments_count"].value == 3
    assert 0 < number["prediction_strength"].value <= 1
    assert stable.frame["segment"].tolist() == list(segments.names_)
    assert stable["weakest_jaccard"].value == stable.frame["jaccard"].min()
    none = learned(today, k=1)
    assert stability_of(none) is None
    assert number_of_segments(none)["segments_count"].value == 0


def test_a_model_of_the_same_day_places_everybody_alike(today, segments):
    aged = out_of_time(segments, today.frame, today.frame)
    assert aged["reassigned_share"].value == 0
    assert out_of_time(segments, today.frame.iloc[:20], today.frame) is None
