"""The set-up files agree with each other and name no index host."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
# PyPI name -> conda-forge name, where they differ
CONDA_NAMES = {"matplotlib": "matplotlib-base", "duckdb": "python-duckdb", "tzdata": "python-tzdata"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("requirements.lock", "requirements-test.lock")


def _pins(lock: str) -> list[Requirement]:
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    return [Requirement(re.split(r"\s+--hash", line)[0]) for line in text.splitlines() if line.strip()]


def test_environment_yml_mirrors_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    nested = [entry for entry in environment["dependencies"] if not isinstance(entry, str)]

    expected = {"python" + PROJECT["requires-python"], "pip"}
    for requirement in map(Requirement, PROJECT["dependencies"]):
        name = CONDA_NAMES.get(requirement.name, requirement.name)
        expected.add(name + ",".join(sorted(map(str, requirement.specifier), key=lambda part: "<" in part)))
    assert set(plain) == expected
    assert nested == [{"pip": ["-e ."]}]
    assert environment["channels"][0] == "conda-forge"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_index_is_named(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index-url" not in text
    logical_lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    assert len(logical_lines) > 100
    assert [line for line in logical_lines if "==" not in line or "--hash=sha256:" not in line] == []


def test_locks_satisfy_pyproject():
    wanted = {r.name: r.specifier for r in map(Requirement, PROJECT["dependencies"])}
    wanted_for_tests = wanted | {
        r.name: r.specifier for r in map(Requirement, PROJECT["optional-dependencies"]["test"])
    }
    for lock, requirements in zip(LOCKS, (wanted, wanted_for_tests), strict=True):
        pinned: dict[str, list[str]] = {}
        for pin in _pins(lock):
            pinned.setdefault(pin.name, []).append(str(pin.specifier).removeprefix("=="))
        assert requirements.keys() - pinned.keys() == set()
        wrong = [(n, v) for n, spec in requirements.items() for v in pinned[n] if not spec.contains(v)]
        assert wrong == []


def test_the_test_lock_pins_what_the_lock_pins():
    assert {str(pin) for pin in _pins(LOCKS[0])} <= {str(pin) for pin in _pins(LOCKS[1])}
