"""The layers of the house: each may import only from those above it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "crmlab"

# From the ground up. Names in one set stand side by side and never import each other.
LAYERS = (
    {"errors"},
    {"bank"},
    {"simulation"},
    {"snapshots"},
    {"stats"},
    {
        "customer_base", "segmentation", "satisfaction", "loyalty", "churn", "winback", "lifecycle", "value", "offers",
        "channels", "campaigns", "trends", "risk",
    },
    {"validation"},
    {"charts"},
    {"findings"},
    {"reporting"},
    {"cli"},
)  # fmt: skip
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
TOPICS = LAYERS[5]
DRAWING = {"matplotlib", "seaborn"}
HEAVY = (
    "pandas",
    "numpy",
    "duckdb",
    "matplotlib",
    "sklearn",
    "lightgbm",
    "seaborn",
    "papermill",
    "pyarrow",
    "pydantic",
)
MODULES = sorted(PACKAGE.rglob("*.py"))


def _part(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    """Dotted names that a module imports, wherever in the module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; name the module in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _inner_parts(path: Path) -> set[str]:
    return {name.split(".")[1] for name in _imports(path) if name.startswith("crmlab.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_up(path):
    part = _part(path)
    if part in {"__init__", "__main__"}:
        return
    assert part in LEVEL, f"{part} has no place in the layers; give it one"
    wrong = {
        other for other in _inner_parts(path) - {part, "__version__"} if LEVEL.get(other, len(LAYERS)) >= LEVEL[part]
    }
    assert wrong == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_topics_and_statistics_neither_draw_nor_read_files(path):
    if _part(path) not in TOPICS | {"stats"}:
        return
    assert {name for name in _imports(path) if name.split(".")[0] in DRAWING} == set()
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = {func.id for func in calls if isinstance(func, ast.Name)} | {
        func.attr for func in calls if isinstance(func, ast.Attribute)
    }
    assert names & {"open", "read_csv", "read_parquet", "to_csv", "to_parquet", "write_text", "read_text"} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_module_outgrows_its_room(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 400, f"{lines} lines: this module is asking to be two"


def test_the_truth_of_a_simulation_stays_with_the_tests():
    readers = [
        path.relative_to(PACKAGE)
        for path in MODULES
        if _part(path) not in {"simulation"} and '"truth' in path.read_text(encoding="utf-8")
    ]
    assert readers == []


@pytest.mark.parametrize("module", ["crmlab", "crmlab.cli", "crmlab.bank.tables"])
def test_importing_the_package_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
