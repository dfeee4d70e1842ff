"""The training table: dates, features as of the date, labels after it; and why nothing can be learned."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
import pytest

from crmlab.bank import Bank, write_bank
from crmlab.churn.definitions.definition import Closing, FileLabel, Silent
from crmlab.churn.definitions.labels import labels
from crmlab.churn.panel import UNDATED, flat_panel, is_flat, panel_on, training_dates
from crmlab.churn.reason_words import REASONS, words_of
from crmlab.snapshots import snapshot
from crmlab.snapshots.outcome import outcome_window

day = pd.Timestamp


@pytest.fixture(scope="module")
def bank(tmp_path_factory) -> Bank:
    from crmlab.simulation import simulate

    return Bank.open(simulate(tmp_path_factory.mktemp("panel") / "bank", customers=800, months=26, seed=4).folder)


@pytest.fixture(scope="module")
def panel(bank):
    return panel_on(bank.as_of(""), Closing())


def test_dates_lie_one_window_apart_and_their_windows_are_over(bank):
    seen = bank.as_of("")
    dates = training_dates(seen, Closing(outcome_months=3, gap_months=1))
    windows = [outcome_window(on, 1, 3) for on in dates]
    assert [str(on) for on in dates] == ["2024-01-31", "2024-04-30", "2024-07-31", "2024-10-31"]
    assert windows[-1].end <= seen.date
    assert all(before.end < after.start for before, after in pairwise(windows))


def test_features_are_those_of_the_date_and_labels_those_after_it(bank, panel):
    on = panel.dates[1]
    rows = panel.frame[panel.frame["as_of"] == on].set_index("customer_id")
    then = snapshot(bank.as_of(on.date()), on, list(panel.features)).loc[rows.index]
    pd.testing.assert_frame_equal(rows[list(panel.features)], then[list(panel.features)], check_names=False)
    found = labels(bank, on, Closing()).churned
    assert rows["churned"].to_dict() == found.to_dict()


def test_facts_without_a_date_are_not_learned_from(panel):
    assert set(panel.features) & set(UNDATED) == set()
    assert set(panel.asked) == {name for name in UNDATED if name in panel.frame}
    assert all(panel.left_out[name] == "of the extract, not of the date" for name in panel.asked)


def test_every_customer_of_a_date_is_counted(panel):
    audit = panel.audit
    reasons = [c for c in audit if c not in ("as_of", "customers_count", "n", "left_count")]
    assert (audit[reasons].sum(axis=1) + audit["n"] == audit["customers_count"]).all()
    assert audit["n"].sum() == len(panel.frame)
    assert audit["left_count"].sum() == panel.events_count


def test_who_is_scored_is_in_question_today(bank, panel):
    everybody = snapshot(bank.as_of(""), "", ["tenure_days"]).index
    assert set(panel.now.index) | set(panel.not_scored.index) == set(everybody)
    assert set(panel.now.index) & set(panel.not_scored.index) == set()
    assert set(panel.not_scored) == {"dormant before the date"}


def test_no_customer_has_the_same_event_twice(bank):
    frame = panel_on(bank.as_of(""), Closing(outcome_months=3)).frame
    assert frame.groupby("customer_id")["churned"].sum().max() == 1
    silent = panel_on(bank.as_of(""), Silent()).frame
    assert not silent.duplicated(["customer_id", "as_of"]).any()


def test_too_little_is_said_and_not_learned_from(bank, tmp_path):
    early = panel_on(bank.as_of("2023-05-31"), Closing())
    assert early.why == "no date has a full outcome window of 3 months after it"
    assert early.said == "There is no row to learn from."
    assert len(early.now) > 0
    few = panel_on(bank.as_of("2023-09-30"), Closing())
    assert few.why.startswith("only ")
    assert few.why.endswith(" rows are of the rarer kind; 20 are needed")
    bare = pd.DataFrame({"customer_id": ["a"], "joined_on": [day("2020-01-01")]})
    none = Bank.open(write_bank(tmp_path / "bare", {"customers": bare}, name="Bare", currency="EUR", timezone="UTC"))
    assert panel_on(none, Closing()).why == (
        "closing needs customers.left_on or accounts.closed_on; this bank has none"
    )


def _flat(tmp_path, label: list[bool | None], dates: list[str]) -> Bank:
    n = len(label)
    ids = [f"c{k}" for k in range(n)]
    rows = pd.DataFrame(
        {"customer_id": ids, "snapshot_on": pd.to_datetime(dates), "age_years": [30.0 + k % 40 for k in range(n)],
         "visits": [float(k % 7) for k in range(n)], "empty": [None] * n, "churned": label}
    )  # fmt: skip
    people = pd.DataFrame({"customer_id": ids, "joined_on": day("2000-01-01")})
    tables = {"customers": people, "snapshot": rows}
    return Bank.open(write_bank(tmp_path / "flat", tables, name="Flat", currency="EUR", timezone="UTC"))


def test_a_flat_file_gives_its_rows_and_its_own_label(tmp_path):
    bank = _flat(tmp_path, [k % 5 == 0 for k in range(200)], ["2015-12-31"] * 200)
    assert is_flat(bank)
    found = flat_panel(bank, FileLabel("have left"))
    assert (found.is_dated, found.why, len(found.frame), found.events_count) == (False, "", 200, 40)
    assert {"age_years", "visits"} <= set(found.features)
    assert found.left_out.get("empty", "empty in every row") == "empty in every row"
    assert found.said == "200 rows of 200 customers of one file without dates; 40 have left."


def test_a_flat_file_with_one_class_or_no_label_says_so(tmp_path):
    one = flat_panel(_flat(tmp_path / "one", [True] * 200, ["2015-12-31"] * 200), FileLabel())
    assert one.why == "all of 200 rows have the event"
    none = flat_panel(_flat(tmp_path / "none", [False] * 200, ["2015-12-31"] * 200), FileLabel())
    assert none.why == "none of 200 rows has the event"
    blank = flat_panel(_flat(tmp_path / "blank", [None] * 200, ["2015-12-31"] * 200), FileLabel())
    assert blank.why == "the file has no label (snapshot.churned)"


def test_a_flat_file_with_dates_keeps_them(tmp_path):
    bank = _flat(tmp_path, [k % 5 == 0 for k in range(200)], ["2015-11-30", "2015-12-31"] * 100)
    found = flat_panel(bank, FileLabel())
    assert found.is_dated
    assert found.dates == [day("2015-11-30"), day("2015-12-31")]


def test_every_feature_is_worded_both_ways():
    assert all(words.low and words.high and words.low != words.high for words in REASONS.values())
    assert words_of("is_active").low == "not active"
