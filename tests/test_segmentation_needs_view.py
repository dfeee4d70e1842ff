"""What customers bank for on a day: the same columns at both dates, and plain groups where there are no segments."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.segmentation import needs_answer, needs_view
from crmlab.segmentation.needs import NO_NEED, needs
from crmlab.segmentation.needs_view import (
    METHODS,
    earlier_on,
    in_use,
    learned,
    needs_on,
    order_of,
    plain_groups,
    side_by_side,
)
from crmlab.segmentation.segments import Segments
from crmlab.segmentation.suitability import suitability
from crmlab.simulation import simulate
from crmlab.stats import Evidence, proportion


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    folder = simulate(tmp_path_factory.mktemp("needs") / "bank", customers=400, months=14, seed=5).folder
    return Bank.open(folder).as_of("")


@pytest.fixture(scope="module")
def segments(bank):
    return learned(needs_on(bank), k=2, most=2)[0]


def test_both_dates_are_compared_by_the_same_columns(bank, segments):
    today = needs_on(bank)
    earlier, day = earlier_on(bank, today)
    assert day == "2023-02-28"
    assert list(earlier.frame.columns) == [column.name for column in today.basis.columns]
    groups, was = in_use(today, segments), in_use(earlier, segments)
    assert groups.index.equals(today.seen.index)
    assert groups.notna().all()
    assert set(was) <= {*segments.names_, NO_NEED}
    assert order_of(segments, groups, was) == (*segments.names_, NO_NEED)


def test_a_kept_model_assigns_the_same_customers(bank, segments):
    today = needs_on(bank)
    kept = segments.as_dict()
    again = needs_on(bank, kept=kept)
    assert again.basis.columns == today.basis.columns
    pd.testing.assert_series_equal(in_use(again, learned(again, kept=kept)[0]), in_use(today, segments))


def test_the_number_on_which_rivals_settle_is_taken(bank, monkeypatch):
    """Whatever each method alone would take: here the rivals are made to settle on three segments of the second."""

    def settled(models, frame, *, seed):
        table = pd.concat([model.trial_.assign(method=model.method_.name) for model in models], ignore_index=True)
        table = table.assign(silhouette=0.5, agreement=0.9)
        best = (table["k"] == 3) & (table["method"] == METHODS[1].name)
        return Evidence(table.assign(is_best=best), "title", "By the same evidence; of 400; error", "reading")

    monkeypatch.setattr(needs_view, "rivals", settled)
    segments, judged = learned(needs_on(bank), most=3)
    assert (segments.k_, segments.method_.name) == (3, METHODS[1].name)
    assert "asked for and" not in segments.verdict_
    shown = side_by_side(judged)
    assert shown.about.startswith("At 3 segments, ")
    assert shown.frame.groupby("measure", sort=False).size().to_dict() == {
        "Prediction strength": 2, "The same in one crowd": 2, "Weakest Jaccard": 2, "Silhouette": 2, "Usefulness": 2,
        "Agreement with the rival": 2,
    }  # fmt: skip
    strength = shown.frame[shown.frame["measure"] == "Prediction strength"]
    assert ((strength["low"] <= strength["value"]) & (strength["value"] <= strength["high"])).all()


def test_nothing_tried_gives_no_picture_of_rivals():
    assert side_by_side(Evidence(pd.DataFrame(), "Too little to compare methods", "", "")) is None


def test_without_segments_the_groups_are_plain_rules(bank):
    today = needs_on(bank)
    few = Segments(today.basis, k=1, resamples=0).fit(today.frame)
    groups = in_use(today, few)
    pd.testing.assert_series_equal(groups, plain_groups(today.seen))
    assert (groups == "Investments").sum() == (today.seen["investment_count"] > 0).sum()
    none = today.seen[[c for c in today.seen if c.endswith("_count")]]
    bare = none.filter(regex="^(investment|mortgage|loan|pension|insurance|savings|term_deposit)_").eq(0).all(axis=1)
    assert (groups == NO_NEED).equals(bare.rename("segment"))
    assert order_of(few, groups)[-1] == NO_NEED
    said = needs_answer.headline(few, None, groups)
    assert said.startswith("There are too few customers here to look for segments of needs. ")
    assert "Groups by the products held, which are rules and not kinds, stand in: " in said
    largest = groups.value_counts()
    assert f": {largest.index[0]} {100 * largest.iloc[0] / len(groups):.1f} %, " in said


def test_before_the_first_balance_nobody_is_followed(tmp_path):
    folder = simulate(tmp_path / "bank", customers=60, months=2, seed=5).folder
    bank = Bank.open(folder).as_of("")
    assert earlier_on(bank, needs_on(bank)) == (None, "")


def test_families_that_tell_needs_at_the_bank_make_the_groups():
    seen = pd.DataFrame({"loan_count": [1, 0, 0], "card_count": [1, 1, 0], "payment_count": [0, 0, 2]})
    assert plain_groups(seen).tolist() == ["Loan", "Everyday banking only", "Everyday banking only"]
    assert plain_groups(seen, ["loan", "card", "payment"]).tolist() == ["Loan", "Credit card", "Payments"]


def test_a_flat_file_is_grouped_by_the_number_of_products():
    seen = pd.DataFrame({"products_count": [0, 1, 2, 4, None]})
    groups = plain_groups(seen)
    assert groups.tolist() == [
        "No product",
        "One product",
        "Two products",
        "Three products or more",
        "Products not known",
    ]
    assert plain_groups(pd.DataFrame(index=[1, 2])).tolist() == ["All customers"] * 2


def test_the_answer_on_suitability_says_what_is_known():
    assert needs_answer.suits(None, "this bank has no accounts", months=24) == (
        "Suitability cannot be judged: this bank has no accounts."
    )
    few = Evidence(pd.DataFrame(), "Fewer than 10 investors stated a tolerance", "", "")
    assert needs_answer.suits(few, "", months=24) == "Fewer than 10 investors stated a tolerance, so no share is given."
    day = pd.Timestamp("2020-01-31")
    held = pd.DataFrame({"customer_id": [f"c{i}" for i in range(40)], "grade": "R3", "tolerance": ["C2", "C3"] * 20,
                         "assessed_on": day, "amount": 50.0, "excess_count": [1.0, 0.0] * 20})  # fmt: skip
    found = suitability(held, day="2024-12-31", currency="EUR")
    assert needs_answer.suits(found, "", months=24) == (
        "50.0 % of investors hold more risk than they stated (35.2 to 64.8 %, n = 40): 20 customers with EUR 1,000 in "
        "products too risky for them. 100.0 % of the stated tolerances are older than 24 months."
    )
    assert found["unsuitable_share"] == proportion(20, 40)


@pytest.mark.parametrize("seed", [1, 2])
def test_products_held_by_lot_show_no_needs(seed):
    # seven families held independently of each other; who invests has a share, and most of them stated a tolerance
    rng = np.random.default_rng(seed)
    held = {"savings": 0.5, "term_deposit": 0.25, "investment": 0.2, "pension": 0.22, "loan": 0.12, "mortgage": 0.1,
            "insurance": 0.25}  # fmt: skip
    seen = pd.DataFrame({f"{name}_count": (rng.random(1500) < share).astype(int) for name, share in held.items()})
    invests = seen["investment_count"] > 0
    seen = seen.assign(accounts_count=1, families_count=1, assets_amount=rng.lognormal(8, 1, 1500))
    seen["investment_amount"] = (seen["assets_amount"] * rng.beta(3, 2, 1500)).where(invests, 0.0)
    words = pd.Series(rng.choice(["C1", "C2", "C3", "C4", "C5"], 1500))
    seen["risk_tolerance"] = words.where(invests | (rng.random(1500) < 0.3))
    basis, frame, _, _ = needs(seen)
    for method in METHODS:
        found = Segments(basis, method=method, most=5, resamples=10, seed=seed).fit(frame)
        assert not found.found_, found.verdict_
