"""The layers of the house: each may import only from those above it."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "crmlab"

# From the ground up. Names in one set stand side by side and never import each other.
LAYERS = (
    {"errors"},
    {"language"},
    {"bank"},
    {"simulation"},
    {"snapshots"},
    {"stats"},
    {"outreach"},
    {
        "customer_base", "segmentation", "satisfaction", "loyalty", "churn", "winback", "lifecycle", "value", "offers",
        "channels", "campaigns", "trends", "risk",
    },
    {"validation"},
    {"charts"},
    {"findings"},
    {"story"},
    {"reporting"},
    {"presenting"},
    {"cli"},
)  # fmt: skip
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
TOPICS = LAYERS[7]
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


def _truth_met(code: str) -> set[str]:
    """How a piece of code reaches the truth of a simulated bank: by its folder, or by a module that opens it.

    The word as a key (``frame["truth"]``) or inside a sentence is no path.
    """
    tree = ast.parse(code)
    keys = {id(node.slice) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
    keys |= {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys:
            found |= {"folder"} if re.search(r"(^|/)truth($|/)", node.value) else set()
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith(TRUTH_MODULES)}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in names if name.startswith(TRUTH_MODULES)}
    return found


TRUTH_MODULES = ("crmlab.simulation.truth", "crmlab.validation")
# What may reach the truth beside the simulation that writes it, and through what: everything else goes through this.
TRUTH_READERS = {
    "reporting/validating.py": "crmlab.validation",
    "reporting/validation_page.py": "crmlab.validation",
    "reporting/validator.py": "crmlab.validation",
    "cli/simulate.py": "folder",  # tells where it was written
}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_truth_of_a_simulation_stays_with_the_tests_and_the_validation(path):
    if _part(path) in {"simulation", "validation"}:
        return
    through = TRUTH_READERS.get(path.relative_to(PACKAGE).as_posix(), "\n")
    wrong = {name for name in _truth_met(path.read_text(encoding="utf-8")) if not name.startswith(through)}
    assert wrong == set(), "only crmlab.validation may open the truth"


NOTEBOOKS = sorted((PACKAGE.parent / "notebooks").rglob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_no_notebook_knows_the_truth(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    assert _truth_met(re.sub(r"^\s*[%!].*$", "", code, flags=re.M)) == set()


@pytest.mark.parametrize(
    ("code", "met"),
    [
        ('open(folder / "truth" / "parameters.yml")', {"folder"}),
        ("query = \"from 'bank/truth/months/*.parquet'\"", {"folder"}),
        ('path = f"{bank}/truth"', {"folder"}),
        ("from crmlab.simulation.truth import TRUTH_FOLDER", {"crmlab.simulation.truth.TRUTH_FOLDER"}),
        ("from crmlab.simulation.truth_contract import TRUTH", {"crmlab.simulation.truth_contract.TRUTH"}),
        ("def f():\n    import crmlab.validation.truth", {"crmlab.validation.truth"}),
        ("from crmlab.validation import truth", {"crmlab.validation.truth"}),
        ('frame["truth"]  # the true value', set()),
        ('{"truth": 1}', set()),
        ('"""pyproject.toml is the truth."""', set()),
        ("from crmlab.simulation import simulate", set()),
    ],
)
def test_a_planted_reader_of_the_truth_is_found(code, met):
    assert _truth_met(code) == met


@pytest.mark.parametrize("module", ["crmlab", "crmlab.cli", "crmlab.bank.tables"])
def test_importing_the_package_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
