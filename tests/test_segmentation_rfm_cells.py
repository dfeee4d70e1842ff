"""Evidence of the named cells: hand arithmetic, small groups, the simulated bank, real banks, banks with nothing."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.segmentation import rfm
from crmlab.segmentation.people import account_owners
from crmlab.segmentation.rfm import (
    ACTIONS,
    CELLS,
    NEVER,
    RfmScores,
    against,
    cell_words,
    cells,
    grid,
    order_of,
    recent,
    rescored,
    silenced,
    top_cell,
)
from crmlab.snapshots import snapshot


def _seen(*groups):
    """Customers from (how many, recency, frequency, amount, margin)."""
    rows = [row for n, *row in groups for _ in range(n)]
    names = ["recency_days", "frequency_12m_count", "monetary_12m_amount", "margin_12m_amount"]
    index = pd.Index([f"c{i}" for i in range(len(rows))], name="customer_id")
    return pd.DataFrame(rows, columns=names, index=index, dtype=float)


def _five():
    """Twenty customers a fifth, all three measures alike, and ten who never acted."""
    fifths = [
        (20, 40, 1, 10, 5),
        (20, 20, 10, 100, 10),
        (20, 9, 30, 200, 20),
        (20, 3, 60, 300, 30),
        (20, 0, 99, 400, 40),
    ]
    return _seen(*fifths, (10, None, 0, 0, 2))


def _evidence(seen, later, currency="EUR"):
    model = RfmScores(currency=currency).fit(seen)
    scores, after = model.transform(seen), model.transform(later)
    return [
        cells(seen, scores, currency=currency, resamples=50),
        recent(seen, scores),
        top_cell(seen, scores, currency=currency, resamples=50),
        rescored(scores, after),
        silenced(scores, later),
        against(scores, after["cell"]),
    ]


def test_each_cell_has_a_line_of_what_to_do_and_a_rule():
    assert tuple(ACTIONS) == CELLS == tuple(cell_words())
    assert max(map(len, ACTIONS.values())) <= 70


def test_cells_by_hand():
    seen = _five()
    scores = RfmScores(currency="EUR").fit(seen).transform(seen)
    found = cells(seen, scores, currency="EUR", seed=3)
    table = found.frame.set_index("cell")
    assert list(found.frame.filter(rfm.SHOWN)) == rfm.SHOWN
    assert list(table.index) == ["champions", "loyal", "need attention", "about to sleep", "lost", NEVER]
    assert table["customers_count"].tolist() == [20] * 5 + [10]
    assert table["share"].round(4).tolist() == [0.1818] * 5 + [0.0909]  # of 110
    assert table.loc["loyal", ["median_recency_days", "median_frequency_count"]].tolist() == [3, 60]
    # of 20 x (10 + 100 + 200 + 300 + 400) = 20,200 champions moved 8,000
    assert table.loc["champions", "amount_share"] == pytest.approx(8000 / 20200)
    assert table.loc["champions", ["margin_amount", "margin_low_amount", "margin_high_amount"]].tolist() == [40, 40, 40]
    assert table.loc["champions", "rule"] == "recency 3 to 5 (up to 9 days), frequency 5 (99 and more a year)"
    assert found.title == "Champions: 18.2 % of customers, 39.6 % of money moved"
    assert found["champions_share"].value == pytest.approx(20 / 110)
    assert found["threatened_share"].value == 0
    assert "9.1 % (5.0 to 15.9 %) never did anything of their own." in found.reading


def test_the_yield_has_an_interval_that_holds_it_and_is_left_out_where_not_known():
    seen = _five()
    seen["margin_12m_amount"] += np.random.default_rng(1).gamma(1, 30, len(seen))
    scores = RfmScores().fit(seen).transform(seen)
    table = cells(seen, scores, currency="EUR").frame
    assert (table["margin_low_amount"] < table["margin_amount"]).all()
    assert (table["margin_high_amount"] > table["margin_amount"]).all()
    assert cells(seen, scores, currency="EUR", seed=5).frame.equals(cells(seen, scores, currency="EUR", seed=5).frame)
    assert "margin_amount" not in cells(seen.drop(columns="margin_12m_amount"), scores, currency="EUR").frame


def test_under_ten_customers_are_not_shown_anywhere():
    seen = _seen((9, 0, 99, 400, 40), (30, 50, 2, 10, 5), (30, 9, 30, 200, 20), (9, None, 0, 0, 0))
    scores = RfmScores().fit(seen).transform(seen)
    assert (scores["cell"] == "champions").sum() == 9
    found = cells(seen, scores, currency="EUR")
    assert "champions" not in set(found.frame["cell"])
    assert "Under 10 customers each and not shown: champions, never active." in found.reading
    assert np.isnan([found["champions_share"].value, found["never_active_share"].value]).all()
    square = grid(scores).set_index(["recency_score", "frequency_score"]).loc[(5, 5)]
    assert np.isnan(square[["customers_count", "share", "share_low", "share_high"]].astype(float)).all()
    assert recent(seen, scores).frame["customers_count"].min() >= SMALLEST_GROUP
    top = top_cell(seen, scores, currency="EUR")
    assert top.title == "Under 10 customers have the highest scores of frequency and money"
    assert (top.frame["customers_count"] >= SMALLEST_GROUP).all()
    assert "champions" not in set(silenced(scores, seen).frame["cell"])


def test_the_grid_holds_everybody_once():
    seen = _five()
    for number in (3, 5):
        frame = grid(RfmScores(scores=number).fit(seen).transform(seen))
        assert len(frame) == number**2 == len(frame.drop_duplicates(["recency_score", "frequency_score"]))
        assert frame["customers_count"].sum() == 100
        assert frame["share"].sum() == pytest.approx(100 / 110)
        assert frame["cell"].isin(CELLS[:-1]).all()


def test_who_is_recent_by_hand():
    seen = _five()
    found = recent(seen, RfmScores().fit(seen).transform(seen), days=3)
    assert found["recent_share"].value == 0.4  # the two best fifths of 100
    assert found.frame["share"].tolist() == [0, 0, 0, 1, 1]
    assert found.frame["median_recency_days"].tolist() == [40, 20, 9, 3, 0]
    assert found.title == "40.0 % acted in the last 3 days, 100.0 % of the most frequent"
    assert found.reading.endswith("recency says how the days fell, not who is leaving.")
    late = recent(seen.assign(recency_days=seen["recency_days"] + 30), RfmScores().fit(seen).transform(seen))
    assert late.reading.endswith("recency tells customers apart among the most frequent too.")


def test_the_top_cell_by_hand():
    seen = _five()
    found = top_cell(seen, RfmScores().fit(seen).transform(seen), currency="EUR")
    assert found["top_customers_share"].value == 0.2
    assert found["top_amount_share"].value == pytest.approx(8000 / 20200)
    assert found["top_amount_share"].low < 8000 / 20200 < found["top_amount_share"].high
    assert found.frame["amount_share"].sum() == pytest.approx(1)
    assert found.title == "20.0 % of customers move 39.6 % of the money"


def test_cells_of_two_dates_by_hand():
    seen = _five()
    model = RfmScores().fit(seen)
    later = seen.drop("c0")  # one lost customer is gone
    later.loc[[f"c{i}" for i in range(80, 100)], "recency_days"] = 2.0  # champions still, but of score 4
    found = rescored(model.transform(seen), model.transform(later), span="half a year")
    assert found["stayed_share"].value == pytest.approx(109 / 110)
    assert [found[f"same_{name}_share"].value * 99 for name in ("recency", "frequency", "monetary")] == pytest.approx(
        [79, 99, 99]
    )
    # five groups of 20, 19, and 10 among 109: shares squared, as before and after are the same there
    assert found["same_by_lot_share"].value == pytest.approx((4 * 20**2 + 19**2 + 10**2) / 109**2)
    assert "99 scored at both dates these have the same score: recency 79.8 %, frequency 100.0 %" in found.reading
    assert "The mean score moved" not in found.reading
    # 3, 30, 90, 180, 297 bookings against cuts at 10, 30, 60, 99: scores 1, 3, 4, 5, 5
    busier = seen.assign(frequency_12m_count=seen["frequency_12m_count"] * 3)
    drifted = rescored(model.transform(seen), model.transform(busier))
    assert "The mean score moved: frequency from 3.0 to 3.6." in drifted.reading


def test_who_fell_silent_by_hand():
    seen = _five()
    scores = RfmScores().fit(seen).transform(seen)
    later = seen.drop([f"c{i}" for i in range(5)])  # 5 of 20 lost are gone; those who never acted do not count
    later.loc[["c5", "c80"], "recency_days"] = [91.0, 90.0]  # silent, and just not
    found = silenced(scores, later, days=90)
    assert found.frame.set_index("cell")["share"].to_dict() == {
        "champions": 0, "loyal": 0, "need attention": 0, "about to sleep": 0, "lost": 0.3,
    }  # fmt: skip
    assert found["silent_share"].value == 0.06
    assert found.title == "6.0 % fell silent half a year later; of lost 30.0 %"
    assert np.isnan(found["silent_threatened_share"].value)


def test_cells_against_segments():
    seen = _five()
    scores = RfmScores().fit(seen).transform(seen)
    segments = scores["score"].dropna().map({"555": "busy", "444": "busy"}).fillna("quiet")
    found = against(scores, segments, order=("busy", "quiet"))
    assert found["adjusted_rand"].n == 100
    assert found["adjusted_rand"].value == against(scores["cell"], segments)["adjusted_rand"].value
    assert found.frame["from"].drop_duplicates().tolist() == list(order_of(scores))[:-1]  # who never acted is in none
    assert found.frame["to"].tolist()[:2] == ["busy", "quiet"]


def test_the_simulated_bank(small_bank):
    bank = Bank.open(small_bank)
    today = pd.Timestamp(bank.as_of("").date)
    days = [str(day.date()) for day in (today - pd.DateOffset(months=6), today)]
    seen, later = (account_owners(snapshot(bank.as_of(day)))[0] for day in days)
    found = _evidence(seen, later, bank.currency)
    for one in found:
        assert len(one.title) <= 70
        assert len(one.frame)
        assert one.reading.endswith(".")
    described, fresh, top, moved, silent, _ = found
    # a bank's customers act every few days: recency is mostly a matter of days, and of the day
    assert 0.3 < fresh["recent_share"].value < 0.8
    assert fresh["recent_frequent_share"].value > fresh["recent_share"].value
    assert top["top_amount_share"].value > 2 * top["top_customers_share"].value
    # a fifth by recency is a score drawn again; by frequency and money it is the customer's
    assert moved["same_recency_share"].value < moved["same_frequency_share"].low
    assert moved["stayed_share"].value > 2 * moved["same_by_lot_share"].value
    assert silent["silent_champions_share"].value < silent["silent_share"].value
    quiet = silent.frame.set_index("cell")["share"]
    assert quiet["lost"] > quiet["champions"] + 0.1
    assert described.frame["margin_amount"].notna().all()


def test_berka(real_data):
    bank = Bank.open(real_data / "berka")
    seen, later = (account_owners(snapshot(bank.as_of(day)))[0] for day in ("1993-12-31", "1994-02-28"))
    described, fresh, _, moved, *_ = _evidence(seen, later, bank.currency)
    assert "margin_amount" not in described.frame  # this bank tells no margin
    assert described["champions_share"].n == len(seen) == 1139
    assert 0.15 < fresh["recent_share"].value < 0.25  # of 1993: cash and transfers, hardly a card
    # the bank's data begin in 1993, so a year is not full yet and the cut points age
    assert "The mean score moved: " in moved.reading


@pytest.mark.parametrize("rows", [0, 2])
def test_a_bank_without_bookings_answers_with_a_sentence(rows):
    flat = pd.DataFrame({"age_years": [30.0, 40.0]}, index=["a", "b"]).head(rows)
    for one in _evidence(flat, flat):
        assert len(one.frame) == 0
        assert len(one.title) <= 70
        assert one.reading.endswith(".")
        assert all(np.isnan(estimate.value) for estimate in one.estimates.values())
        assert one.estimates
    assert grid(RfmScores().fit(flat).transform(flat))["customers_count"].sum() == 0


@pytest.mark.parametrize("rows", [1, 5, 60])
def test_few_customers_answer_with_a_sentence(rows):
    draw = np.random.default_rng(rows)
    seen = _seen(
        *((1, *row) for row in np.column_stack([draw.integers(0, 30, (rows, 2)), draw.gamma(1, 99, (rows, 2))]))
    )
    for one in _evidence(seen, seen):
        assert len(one.title) <= 70
        assert one.reading.endswith(".")
        if rows < SMALLEST_GROUP and one.estimates:
            assert all(not e.value > 0 for name, e in one.estimates.items() if name != "adjusted_rand")
