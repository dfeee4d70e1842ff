"""Models beside a run's results: kept to the last bit, without any customer, and read back with clear refusals."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.findings import Findings, read_model
from crmlab.segmentation.columns import Basis, Column
from crmlab.segmentation.segments import Segments

BANK = SimpleNamespace(name="Example", currency="EUR")
KEPT = {"kind": "crmlab segments", "basis": "behaviour", "centres": [[0.1, 1 / 3], [2.0, -1e-17]], "names": ["A", "B"]}
OF_ALL = "A model keeps what was learned of all, nothing of a customer."
CURE = "Name a file that a run kept, such as reports/<run>/<question>/models/<name>.json."


@pytest.fixture
def findings(tmp_path):
    return Findings(BANK, folder=tmp_path)


def _refusal(act) -> str:
    with pytest.raises(CrmlabError) as caught:
        act()
    return str(caught.value)


def test_a_model_comes_back_to_the_last_bit(findings, tmp_path):
    findings.model("behaviour", KEPT, label="Segments by  behaviour")
    findings.answer("Two segments.")
    findings.record()
    assert read_model(tmp_path / "models" / "behaviour.json", basis="behaviour") == KEPT
    told = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))["models"]
    assert told == [{"name": "behaviour", "label": "Segments by behaviour", "file": "models/behaviour.json"}]
    assert (tmp_path / "models" / "behaviour.json").read_text(encoding="utf-8").endswith("}\n")


def test_numpy_is_taken_as_plain(findings, tmp_path):
    given = {"a": np.float64(0.5), "b": np.array([[1, 2]]), "c": (np.int64(3), np.bool_(True)), "d": None}
    findings.model("m", given)
    assert read_model(tmp_path / "models" / "m.json") == {"a": 0.5, "b": [[1, 2]], "c": [3, True], "d": None}
    assert isinstance(given["b"], np.ndarray)  # the input is not changed


def test_outside_a_run_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRMLAB_RESULT", raising=False)
    Findings(BANK).model("behaviour", KEPT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kept", "problem"),
    [
        ({"a": {"customer_id": "1"}}, f"holds customer_id at a. {OF_ALL}"),
        ({"columns": ["Account ID"]}, f"holds Account ID at columns. {OF_ALL}"),
        ({"labels": ["A"] * 1001}, f"holds 1,001 entries at labels, more than 1,000. {OF_ALL}"),
        ({"of": {f"c{i}": 1 for i in range(1001)}}, f"holds 1,001 entries at of, more than 1,000. {OF_ALL}"),
        ({"a": {"b": float("nan")}}, "holds nan at a.b. Write None, or a finite number."),
        ({"a": np.array([np.inf, np.inf])}, "holds inf at a. Write None, or a finite number."),
        ({"a": pd.DataFrame({"x": [1]})}, "holds a DataFrame at a. Give plain values."),
        ({"a": pd.Timestamp("2020-01-01")}, "holds a Timestamp at a. Give plain values."),
        ({1: "a"}, "has the key 1. Use texts as keys."),
    ],
)  # fmt: skip
def test_what_no_model_may_hold_is_refused(findings, tmp_path, kept, problem):
    assert _refusal(lambda: findings.model("m", kept)) == f"findings.model: 'm' {problem}"
    assert not (tmp_path / "models").exists()


def test_every_problem_is_told_at_once(findings):
    assert _refusal(lambda: findings.model("m", {"customer_id": 1, "x": float("inf")})).startswith("2 problems:\n")


def test_a_model_is_a_mapping_and_is_named_once(findings):
    assert _refusal(lambda: findings.model("m", [1])) == (
        "findings.model: 'm' got list. Give a mapping of plain values, as `as_dict()` does."
    )
    findings.model("m", KEPT)
    assert _refusal(lambda: findings.model("m", KEPT)) == "findings.model: 'm' is given twice. Name each model once."
    assert _refusal(lambda: findings.model("../m", KEPT)).startswith("findings.model: '../m' is not a name.")


@pytest.fixture
def kept(findings, tmp_path, monkeypatch):
    """Folder of a kept model, from where it is read by its relative path."""
    findings.model("behaviour", KEPT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_path_is_found_from_a_folder_below(kept, monkeypatch):
    (kept / "notebooks").mkdir()
    monkeypatch.chdir(kept / "notebooks")
    assert read_model("models/behaviour.json") == KEPT


def test_a_file_that_is_not_there_is_refused(kept):
    assert _refusal(lambda: read_model(" ")) == f"model: no file is named. {CURE}"
    assert _refusal(lambda: read_model("nowhere/x.json")) == f"model: there is no file 'nowhere/x.json'. {CURE}"
    assert _refusal(lambda: read_model("models/behavior.json")) == (
        f"model: there is no file 'models/behavior.json'. {CURE} Did you mean 'behaviour.json'?"
    )
    assert _refusal(lambda: read_model("models")).startswith("model: there is no file 'models'.")


def test_a_file_that_is_no_model_is_refused(kept):
    (kept / "a.json").write_text('{"format": "crmlab model",\n', encoding="utf-8")
    assert _refusal(lambda: read_model("a.json")) == f"model: 'a.json' is not JSON (line 2). {CURE}"
    (kept / "b.json").write_bytes(b"\xff\xfe\x00")
    assert _refusal(lambda: read_model("b.json")) == f"model: 'b.json' is not JSON. {CURE}"
    for other in ("[1]", "{}", '{"format": "crmlab model", "format_version": 1}', '{"model": {}}'):
        (kept / "c.json").write_text(other, encoding="utf-8")
        assert _refusal(lambda: read_model("c.json")) == f"model: 'c.json' is JSON, but no model of crmlab. {CURE}"


def test_a_file_that_may_not_be_read_is_refused(kept, monkeypatch):
    def closed(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", closed)
    assert _refusal(lambda: read_model("models/behaviour.json")) == (
        f"model: 'models/behaviour.json' cannot be read: Permission denied. {CURE}"
    )


def test_a_newer_model_and_another_basis_are_refused(kept):
    path = kept / "models" / "behaviour.json"
    assert _refusal(lambda: read_model("models/behaviour.json", basis="needs")) == (
        "model: 'models/behaviour.json' was learned on 'behaviour', but 'needs' is asked. "
        "Name a model of the same question."
    )
    whole = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**whole, "format_version": 2}), encoding="utf-8")
    assert _refusal(lambda: read_model(path)) == (
        f"model: {str(path)!r} was kept by a newer crmlab (format 2; this one reads up to 1). "
        "Update crmlab, or learn anew."
    )


def test_segments_assign_next_months_customers_from_the_file(findings, tmp_path):
    rng = np.random.default_rng(1)
    seen = pd.DataFrame(
        {
            "acts": np.r_[rng.poisson(3, 200), rng.poisson(60, 200)],
            "phone": np.r_[rng.beta(2, 9, 200), rng.beta(9, 2, 200)],
            "risk": rng.choice(["C1", "C5"], 400),
        },
        index=pd.Index([f"K{i:05}" for i in range(400)], name="customer_id"),
    )
    seen.loc[seen.index[::7], "phone"] = np.nan
    columns = (
        Column("acts", "Acts a month", "count"),
        Column("phone", "By phone", "share"),
        Column("risk", "Risk", "category"),
    )
    basis = Basis("use", columns, {"Busy": {"acts": 1}, "Quiet": {"acts": -1}})
    segments = Segments(basis, k=2, most=2, resamples=10).fit(seen)
    findings.model("use", segments.as_dict())
    again = Segments.from_dict(read_model(tmp_path / "models" / "use.json", basis="use"), basis)
    pd.testing.assert_series_equal(again.predict(seen), segments.predict(seen))
    text = (tmp_path / "models" / "use.json").read_text(encoding="utf-8")
    assert not [customer for customer in seen.index if customer in text]
    assert len(text) < 20_000
