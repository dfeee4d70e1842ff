"""The page on customer value: sentences, figures' frames, lists, and what a thin bank leaves out."""

import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.outreach.policy import may_contact, suppressed
from crmlab.simulation import simulate
from crmlab.stats import estimates_of
from crmlab.validation.registry import registered
from crmlab.value.pages import answer, evidence
from crmlab.value.study import out_of_time, value_on


@pytest.fixture(scope="module")
def bank(small_bank):
    return Bank.open(small_bank).as_of()


@pytest.fixture(scope="module")
def study(bank):
    return value_on(bank)


@pytest.fixture(scope="module")
def shown(bank, study):
    told, _ = out_of_time(bank, study)
    return {
        "expected": evidence.expected(study),
        "parts": evidence.parts(study),
        "whale": evidence.whale(study),
        "sure": evidence.how_sure(told, study),
    }


def test_titles_fit_and_every_number_is_registered(study, shown):
    tiers = evidence.by_group(study, pd.Series("all", index=study.past.index))
    for one in (*shown.values(), tiers, evidence.assumptions(study)):
        assert len(one.title) <= 70, one.title
        assert one.reading.endswith(".")
    numbers = estimates_of(*shown.values())
    assert set(numbers) == set(answer.LABELS)
    for name, estimate in numbers.items():
        assert len(registered("41_customer_value", name)) == 1, name
        assert estimate.low is None or estimate.low <= estimate.value <= estimate.high, name


def test_the_answer_states_money_interval_and_who_makes_it(study, shown):
    said = answer.headline(study, shown["expected"], shown["whale"])
    assert said.startswith("Customers are worth EUR ")
    assert "95 % interval" in said
    assert "cost more than they bring, the best tenth brings" in said
    assert "the time before again" in answer.outlook(study, shown["expected"], shown["sure"])
    assert "too short to test" in answer.outlook(study, shown["expected"], None)


def test_the_table_of_parts_adds_up(study, shown):
    frame = shown["parts"].frame
    amounts = frame.iloc[:, 1]
    assert frame["Part"].iloc[-1] == "value"
    assert amounts.iloc[:-1].sum() == pytest.approx(amounts.iloc[-1], abs=0.01)
    served = evidence.service(study).iloc[:, 1].sum()
    assert amounts[frame["Part"] == "service"].iloc[0] == pytest.approx(-served, abs=0.01)


def test_lists_name_whom_they_mean_and_keep_consent(bank, study):
    care, cheaper = answer.valuable_at_risk(study), answer.below_cost(study)
    frame = study.expected.frame
    assert len(care) > 0
    assert (frame.loc[care.index, "value_amount"] >= frame["value_amount"].quantile(0.8)).all()
    assert (frame.loc[care.index, "p_leave"] > frame["p_leave"].mean()).all()
    assert frame.loc[care.index, "at_risk_amount"].is_monotonic_decreasing
    assert (study.past.loc[cheaper.index, "value_amount"] < 0).all()
    policy = may_contact(bank)
    kept, refused = suppressed(care, policy)
    assert len(kept) + refused["customers_count"].sum() == len(care)
    said = answer.lists_said(kept, refused, cheaper, refused.head(0))
    assert said.startswith(f"{len(kept):,} valuable customers")


def test_products_here_are_contracts(bank):
    assert answer.which_model(bank).startswith("All 16 products are contracts, carry a fee, or are seen to close")


@pytest.mark.parametrize(("customers", "months"), [(1, 1), (60, 1), (60, 4)])
def test_thin_banks_say_what_they_cannot(tmp_path, customers, months):
    thin = Bank.open(simulate(tmp_path / "bank", customers=customers, months=months).folder).as_of()
    study = value_on(thin)
    whale = evidence.whale(study)
    expected = evidence.expected(study)
    assert (whale is None) == (customers < 10)
    assert (expected is None) == (months < 3)
    said = answer.headline(study, expected, whale)
    assert said.startswith(
        "Fewer than 10" if customers < 10 else "Customers brought" if months < 3 else "Customers are"
    )
    if months < 3:
        assert study.why == f"ValueForecast: {months} month-end(s) are known. It takes 3 to learn from."
        assert len(answer.valuable_at_risk(study)) == 0


def test_berka_shows_charges_and_says_what_is_missing(real_data):
    study = value_on(Bank.open(real_data / "berka").as_of("1994-02-28"))
    assert study.missing[0] == "margins of products: net interest is left out"
    assert study.missing[1] == "costs of service in CZK: give unit_costs"
    said = answer.headline(study, evidence.expected(study), evidence.whale(study))
    assert "as far as it is known here" in said
    assert "Who costs money is not known, as service has no price here" in said
    assert evidence.whale(study).title.startswith("The best tenth brings")
    assert study.expected.frame["p_leave"].max() < 0.2  # this bank has no leavers
