"""The study that the notebooks on satisfaction start from."""

import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.bank.adapters import import_bank
from crmlab.errors import CrmlabError
from crmlab.satisfaction.pages.group_evidence import chosen_group, groups
from crmlab.satisfaction.study import WEIGHED_BY, study_on
from crmlab.satisfaction.survey.groups import customers_at, group_title


@pytest.fixture(scope="module")
def bank(small_bank):
    return Bank.open(small_bank).as_of("")


@pytest.fixture(scope="module")
def study(bank):
    return study_on(bank, resamples=50)


def test_the_last_wave_is_judged_and_the_index_frozen_before(study):
    assert study.wave == study.waves[-1]
    assert study.base_wave in study.waves
    assert study.target == "satisfaction"
    assert set(study.now["wave"]) == {study.wave}
    assert len(study.frame) == len(study.answers.frame)
    assert study.found.n == len(study.now)


def test_weights_meet_the_sizes_of_groups_among_all_customers(bank):
    # only groups of two or three categories are sure to be filled in so small a bank
    study = study_on(bank, weigh_by=("gender",), resamples=20)
    for wave in study.waves:
        part = study.of(wave)
        everybody = customers_at(bank, study.answers, wave, ["gender"])["gender"]
        is_male = part["gender"] == "male"
        # the few of another gender are weighted together with women
        assert part.loc[is_male, "weight"].sum() / part["weight"].sum() == pytest.approx((everybody == "male").mean())
        assert part["weight"].mean() == pytest.approx(1)
        assert study.design_effects[wave] >= 1


def test_what_the_weights_use_is_said(study):
    said = " ".join(study.said)
    for name in WEIGHED_BY:
        assert group_title(name) in said
    assert "responses" in study.said[0]


def test_segments_of_customers_become_a_group(study):
    some = study.frame["customer_id"].drop_duplicates().head(40)
    told = study.with_segments(pd.Series("Mobile", index=some))
    assert "segment" in told.groups
    assert "segment" not in study.groups
    inside = told.frame["customer_id"].isin(some)
    assert set(told.frame.loc[inside, "segment"]) == {"Mobile"}
    assert set(told.frame.loc[~inside, "segment"]) == {"not known"}
    assert groups(study.with_segments(None), "segment").title.startswith("what customers do gives no stable segments")
    assert chosen_group(told, "") == "segment"
    assert chosen_group(study.with_segments(None), "") == "age_band"
    assert chosen_group(study, "gender") == "gender"
    assert chosen_group(None, "") == ""
    assert study.day == study.now["answered_on"].min().date().isoformat()


def test_a_kept_index_is_taken_as_it_is(bank, study):
    again = study_on(bank, kept=study.index.as_dict(), resamples=20)
    assert again.base_wave == "kept"
    pd.testing.assert_series_equal(again.index.weights_, study.index.weights_)


def test_an_unknown_wave_is_refused_with_the_known_ones(bank, study):
    with pytest.raises(CrmlabError) as refusal:
        study_on(bank, wave="yearly 1999", base_wave="yearli 2023")
    assert [problem.split(" is not")[0] for problem in refusal.value.problems] == [
        "wave 'yearly 1999'",
        "base_wave 'yearli 2023'",
    ]
    with pytest.raises(CrmlabError, match="wave 'x' is not in this study"):
        study.of("x")


def test_two_expectations_that_are_one_close_the_gate(real_data, tmp_path):
    source = real_data / "spanish_bank_survey" / "satisfaction.csv"
    import_bank("survey", source, tmp_path / "bank", questionnaire="spanish_bank", wave="yearly 2008")
    study = study_on(Bank.open(tmp_path / "bank").as_of(""), resamples=200)
    assert ("expectations", "quality") in study.gate.pairs
    assert study.design_effects == {"yearly 2008": 1.0}
    index = study.index.index(study.now).set_index("latent")["index"]
    assert index["satisfaction"] == pytest.approx(68.5022363282687, abs=1e-6)  # R cSEM, rescaled
