"""The truth beside a simulated bank: its form, its reader, and that the bank never needs it."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

import crmlab.simulation
from crmlab.bank import Bank
from crmlab.bank.door import inspect
from crmlab.errors import CrmlabError
from crmlab.simulation import simulate
from crmlab.simulation.customers import People
from crmlab.simulation.truth import TRUTH_FOLDER
from crmlab.simulation.truth_contract import TRUTH, describe_truth, truth_table
from crmlab.validation.truth import Truth, truth_fingerprint


@pytest.fixture(scope="module")
def truth(small_bank: Path) -> Truth:
    return Truth.open(small_bank)


def test_every_declared_table_is_written_with_its_types(small_bank: Path, truth: Truth) -> None:
    assert set(truth.tables) == set(TRUTH)
    for name, table in TRUTH.items():
        place = small_bank / TRUTH_FOLDER / name
        file = place.with_suffix(".parquet") if table.is_common else place / "part-0000.parquet"
        written, empty = pq.read_schema(file), truth_table(name, {}).schema
        assert written.names == [column.name for column in table.columns]
        assert [str(field.type) for field in written] == [str(field.type) for field in empty], name


def test_the_documentation_names_every_table_of_the_truth() -> None:
    told = (Path(__file__).parents[1] / "data" / "README.md").read_text(encoding="utf-8")
    assert [name for name, table in TRUTH.items() if f"| {name} | {table.about} |" not in told] == []


def test_what_is_noted_is_declared_and_the_other_way_round() -> None:
    with pytest.raises(CrmlabError) as refusal:
        truth_table("months", {"customer": np.array([0]), "mood": np.array([1.0])})
    assert refusal.value.problems[:2] == (
        "truth: months.mood is noted and not declared. Declare it in crmlab/simulation/truth_contract.py.",
        "truth: months.month is declared and not noted. Note it, or take it out of the declaration.",
    )
    with pytest.raises(CrmlabError, match=r"^truth: table month is noted and not declared. Did you mean 'months'"):
        truth_table("month", {})


def test_every_trait_of_people_is_seen_by_the_bank_or_told_by_the_truth() -> None:
    seen = {
        "joined", "birth", "gender", "district", "occupation", "is_occupation_known", "education", "marital",
        "declared_income", "acquisition", "preferred", "assessed", "consent",
    }  # fmt: skip
    renamed = {"partner": "partner_customer", "previous": "previous_customer"}
    untold = {"rhythm"}  # habits of the calendar: which day of the month, which bills
    told = {column.noted for column in TRUTH["customers"].columns}
    names = {renamed.get(one.name, one.name) for one in fields(People)} - seen - untold
    assert names - told == set()


def test_customers_and_months_agree_with_the_tables_of_the_bank(small_bank: Path, truth: Truth) -> None:
    seen = pd.read_parquet(small_bank / "customers.parquet")
    known = truth.table("customers")
    assert known["customer_id"].tolist() == seen["customer_id"].tolist()
    for name in ("joined_on", "left_on"):
        assert known[name].equals(pd.to_datetime(seen[name]).astype(known[name].dtype)), name
    months = truth.table("months").merge(known[["customer_id", "joined_on", "left_on"]])
    first = months.groupby("customer_id")["month_on"].min()
    joined = known.set_index("customer_id")["joined_on"] + pd.offsets.MonthEnd(0)
    assert (first == joined.clip(lower="2023-01-31")[first.index]).all()
    assert (months["left_on"].isna() | (months["left_on"] > months["month_on"])).all()
    gap = months.groupby("customer_id")["month_on"].agg(lambda days: len(days) - len(pd.unique(days)))
    assert (gap == 0).all()
    assert months["hazard"].between(0, 1).all()
    assert (months["hazard"] >= months["hazard_of_closing"]).all()
    settled = months["status"].isin(["silent", "leaving"]) & months.duplicated(["customer_id", "status"])
    assert settled.sum() > 50
    assert (months.loc[settled, "hazard"] == 0).all()  # who has decided does not decide again


def test_the_market_is_made_of_its_components(small_bank: Path, truth: Truth) -> None:
    seen = pd.read_parquet(small_bank / "market.parquet")
    known = truth.table("market")
    assert len(known) == 60 + 18  # five years of history, and every month of the bank, published or not
    known = known[known["month_on"].isin(pd.to_datetime(seen["month_on"]))]
    made = known["deposits_trend"] * known["deposits_season"] * known["deposits_noise"]
    assert np.allclose(made, seen["system_deposits_amount"].astype(float), atol=1e6)  # published in millions
    assert np.allclose(known["policy_rate"], seen["policy_rate_share"], atol=1e-4)
    assert np.allclose(0.85 * known["policy_rate"] + 0.004 + known["competitor_gap"], known["competitor_rate"])
    steps = known["policy_rate"].diff().iloc[1:]
    regime = known["policy_regime"].iloc[1:]
    assert (steps[regime == "holding"] == 0).all()
    assert (steps[regime == "rising"] >= 0).all()
    assert (steps[regime == "falling"] <= 0).all()


def test_a_longer_bank_begins_with_the_same_truth(small_bank: Path, truth: Truth, tmp_path: Path) -> None:
    short = Truth.open(simulate(tmp_path / "short", customers=300, months=7, seed=1).folder)
    until = pd.Timestamp("2023-07-31")
    for name in set(TRUTH) - {"customers"}:
        known, whole = truth.table(name), short.table(name)
        first = known[known["month_on"] <= until].reset_index(drop=True)
        pd.testing.assert_frame_equal(first, whole, check_exact=True, obj=name)
    known, whole = truth.table("customers"), short.table("customers")
    first = known[known["joined_on"] <= until].reset_index(drop=True)
    later = first["left_on"] > until
    first.loc[later, "left_on"] = pd.NaT
    first.loc[later, "left_reason"] = None
    pd.testing.assert_frame_equal(first, whole, check_exact=True)


def test_the_bank_without_its_truth_is_the_same_bank(small_bank: Path, tmp_path: Path) -> None:
    bare = Path(shutil.copytree(small_bank, tmp_path / "bare", ignore=shutil.ignore_patterns(TRUTH_FOLDER)))
    with_truth, without = Bank.open(small_bank), Bank.open(bare)
    assert with_truth.fingerprint == without.fingerprint
    assert with_truth.tables == without.tables
    for table in without.tables:
        assert with_truth.table(table).fetchall() == without.table(table).fetchall(), table
    assert inspect(bare)[0].violations == ()
    assert Truth.find(bare) is None
    assert truth_fingerprint(bare) is None
    with pytest.raises(CrmlabError) as refusal:
        Truth.open(bare)
    assert refusal.value.problems == (
        f"truth: {str(bare)!r} has no folder 'truth' with parameters.yml."
        " Only a bank made by crmlab simulate has one; simulate it again.",
    )


def test_the_door_lists_no_file_of_the_truth(small_bank: Path) -> None:
    from crmlab.bank.sources import find_source

    source = find_source(small_bank)
    listed = [Path(path) for paths in source.files.values() for path in paths]
    assert listed
    assert not [path for path in listed if TRUTH_FOLDER in path.relative_to(small_bank).parts]
    assert source.unused == []


def test_a_table_is_read_in_part(truth: Truth) -> None:
    part = truth.table("months", columns=["customer_id", "hazard"], months=("2023-03-01", "2023-04-30"))
    assert list(part) == ["customer_id", "hazard"]
    whole = truth.table("months")
    assert len(part) == whole["month_on"].between("2023-03-01", "2023-04-30").sum() > 0
    with pytest.raises(CrmlabError, match=r"^truth has no table 'month'; it has .* Did you mean 'months'"):
        truth.table("month")
    with pytest.raises(CrmlabError, match=r"^truth.months has no column 'hazzard'; .* Did you mean 'hazard'"):
        truth.table("months", columns=["hazzard"])
    with pytest.raises(CrmlabError, match=r"^truth.customers has no months;"):
        truth.table("customers", months=("2023-03-01", "2023-04-30"))


def test_the_fingerprint_follows_the_files(small_bank: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(small_bank, tmp_path / "copy"))
    assert truth_fingerprint(copy) == truth_fingerprint(small_bank)
    path = copy / TRUTH_FOLDER / "parameters.yml"
    path.write_text(path.read_text(encoding="utf-8") + "more: 1\n", encoding="utf-8")
    assert truth_fingerprint(copy) != truth_fingerprint(small_bank)


def test_parameters_are_plain_and_the_readme_names_every_column(small_bank: Path, truth: Truth) -> None:
    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, (str, int)) and plain(one) for key, one in value.items())
        if isinstance(value, list):
            return all(map(plain, value))
        return value is None or isinstance(value, (bool, int, float, str))

    assert plain(truth.parameters)
    assert truth.parameters["opinions"]["paths"]["loyalty"]["satisfaction"] == 0.5
    text = (small_bank / TRUTH_FOLDER / "README.md").read_text(encoding="utf-8")
    assert describe_truth() in text
    for table in TRUTH.values():
        assert all(f"| `{column.name}` |" in text for column in table.columns)


def test_every_module_that_knows_parameters_tells_them(truth: Truth) -> None:
    names = [one.name for one in pkgutil.iter_modules(crmlab.simulation.__path__) if not one.ispkg]
    modules = {name: importlib.import_module(f"crmlab.simulation.{name}") for name in names}
    own = {n for n, m in modules.items() if getattr(getattr(m, "parameters", None), "__module__", "") == m.__name__}
    assert set(truth.parameters) == own


def test_planted_defects_are_told(small_bank: Path, tmp_path: Path) -> None:
    assert Truth.open(small_bank).planted == {}
    copy = Path(shutil.copytree(small_bank, tmp_path / "copy"))
    text = yaml.safe_dump({"leak": "Column x knows the future."})
    (copy / TRUTH_FOLDER / "planted.yml").write_text(text, encoding="utf-8")
    assert Truth.open(copy / "bank.yml").planted == {"leak": "Column x knows the future."}
