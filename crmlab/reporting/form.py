"""The form of a notebook: it chooses, the package does, and every number in a sentence is computed."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from crmlab.reporting.questions import question

__all__ = ["SECTIONS", "form_problems"]

SECTIONS = ("Data", "Method", "Evidence", "Answer", "Limits")
_MOST_CELLS, _MOST_LINES, _MOST_IN_A_ROW, _MOST_FIGURES, _MOST_PARAMETERS = 40, 12, 2, 8, 8
_LOOPS = (ast.For, ast.While, ast.AsyncFor, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_FILE_MODULES = {"os", "pathlib", "glob", "shutil", "sys", "subprocess"}
_FILE_CALLS = {"read_csv", "read_parquet", "read_excel", "to_csv", "to_parquet", "savefig", "Path"}
_PATH = re.compile(r"^(~|\.{1,2}|[A-Za-z]:|[\w.-]+)?([/\\][\w.-]+)+[/\\]?$|\.(csv|parquet|duckdb|xlsx?|json|png|svg)$")
_UNIT = re.compile(
    r"\b(seconds?|minutes?|days?|weeks?|months?|years?|count|number|share|quantiles?|currency|EUR|CZK|index|ratio|points|"
    r"seed|rank|per cent|%|resamples|level)",
    re.IGNORECASE,
)
_SENTENCES = {"answer", "note"}


def form_problems(path: Path | str) -> tuple[str, ...]:
    """Name everything in a notebook that does not follow the form.

    Parameters
    ----------
    path : Path or str
        An ``.ipynb`` file.

    Returns
    -------
    tuple of str
        ``notebook, cell: fact. cure.`` for each; empty when the form is kept.
    """
    path = Path(path)
    read = question(path)
    if not read.code_hash:
        return read.problems
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    problems = [*read.problems, *_title_problems(read), *_parameter_problems(read), *_order_problems(read.name, cells)]
    section, in_a_row, figures = "", 0, 0
    for number, cell in enumerate(cells, 1):
        where, text = f"{read.name}, cell {number}", "".join(cell["source"])
        if not cell.get("id"):
            problems.append(f"{where}: has no id. Save the notebook in JupyterLab, and strip with --keep-id.")
        if cell["cell_type"] == "markdown":
            in_a_row = 0
            section = (re.findall(r"^## +(.+?)\s*$", text, re.MULTILINE) or [section])[-1]
            problems += _prose_problems(where, text, section)
        elif cell["cell_type"] == "code":
            in_a_row += 1
            if in_a_row == _MOST_IN_A_ROW + 1:
                problems.append(f"{where}: is code cell {in_a_row} in a row. Say in Markdown what the reader looks at.")
            tags = cell.get("metadata", {}).get("tags", [])
            figures += len(re.findall(r"\bfindings\.figure\(", text))
            problems += _stored_problems(where, cell) + list(_code_problems(where, text, "parameters" in tags))
    if figures > _MOST_FIGURES:
        problems.append(
            f"{read.name}: has {figures} figures, more than {_MOST_FIGURES}. Keep those that carry the answer."
        )
    return tuple(problems)


def _title_problems(read: Any) -> Iterator[str]:
    if not read.question.endswith(("?", "？")):
        yield f"{read.name}: the title {read.question!r} is no question. End it with a question mark."
    reads = read.needs.alternatives or read.reads_run
    given = {"Decision": read.decision, "Owner": read.owner, "Reads": reads, "Writes": read.writes}
    for field, value in given.items():
        if not value:
            yield f"{read.name}: the title cell lacks {field}. Add a line **{field}** ..."


def _parameter_problems(read: Any) -> Iterator[str]:
    if len(read.parameters) > _MOST_PARAMETERS:
        yield f"{read.name}: has {len(read.parameters)} parameters, more than {_MOST_PARAMETERS}. Fix some in code."
    for name in () if read.reads_run else ("source", "as_of"):
        if name not in {p.name for p in read.parameters}:
            yield f"{read.name}: lacks the parameter {name}. Copy its line from another notebook."
    for parameter in read.parameters:
        numeric = any(kind in parameter.kind for kind in ("int", "float"))
        if not parameter.help:
            yield f"{read.name}: parameter {parameter.name} has no comment. Say what it is, with its unit."
        elif numeric and not _UNIT.search(parameter.help):
            yield (
                f"{read.name}: parameter {parameter.name} names no unit in {parameter.help!r}. "
                "Add one: days, months, share, count, the bank's currency."
            )


def _order_problems(name: str, cells: list[dict[str, Any]]) -> Iterator[str]:
    if len(cells) > _MOST_CELLS:
        yield f"{name}: has {len(cells)} cells, more than {_MOST_CELLS}. One notebook answers one question."
    texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    heads = [head for text in texts for head in re.findall(r"^## +(.+?)\s*$", text, re.MULTILINE)]
    found = [head for head in heads if head in SECTIONS]
    if found != list(SECTIONS):
        yield f"{name}: sections are {', '.join(found) or 'none'}. Write ## {', ## '.join(SECTIONS)}, in this order."
    if not cells or "findings.record()" not in "".join(cells[-1]["source"]):
        yield f"{name}: the last cell does not record. End with findings.record()."
    ids = [cell.get("id") for cell in cells if cell.get("id")]
    if len(ids) != len(set(ids)):
        yield f"{name}: two cells share an id. Save the notebook in JupyterLab."


def _stored_problems(where: str, cell: dict[str, Any]) -> list[str]:
    if cell.get("outputs") or cell.get("execution_count"):
        return [f"{where}: holds outputs. Run nbstripout --keep-id."]
    return []


def _prose_problems(where: str, text: str, section: str) -> Iterator[str]:
    if re.search(r"\$[^$\n]+\$|\\\(|\\\[", text):
        yield f"{where}: holds TeX. Say it in words, or put the formula into the function's docstring."
    if re.search(r"!\[|<img", text):
        yield f"{where}: holds a picture. Draw it with a chart function and findings.figure."
    if section == "Answer" and (typed := re.findall(r"\d[\d.,]*", re.sub(r"`[^`]*`", "", text))):
        yield f"{where}: types {typed[0]!r} in the answer. Compute it: findings.answer(f'... {{value}} ...')."


def _code_problems(where: str, text: str, is_parameters: bool) -> Iterator[str]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > _MOST_LINES:
        yield f"{where}: has {len(lines)} lines, more than {_MOST_LINES}. Move the work into the package."
    try:
        tree = ast.parse(text)
    except SyntaxError:
        yield f"{where}: is not plain Python (a magic or a slip). Write Python only."
        return
    for node in ast.walk(tree):
        if isinstance(node, _DEFINITIONS):
            yield f"{where}: defines a function or class. Move it into the package, with a test."
        elif isinstance(node, _LOOPS):
            yield f"{where}: loops. Move the loop into the package, with a test."
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and _modules(node) & _FILE_MODULES:
            files = ", ".join(sorted(_modules(node) & _FILE_MODULES))
            yield f"{where}: imports {files}. The bank reads and findings write."
        elif isinstance(node, ast.Call):
            yield from _call_problems(where, node)
        elif (
            not is_parameters
            and isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and _PATH.search(node.value)
        ):
            yield f"{where}: holds the path {node.value!r}. Take it from a parameter, or leave files to the bank."


def _modules(node: ast.Import | ast.ImportFrom) -> set[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return {name.split(".")[0] for name in names}


def _call_problems(where: str, node: ast.Call) -> Iterator[str]:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if called == "print":
        yield f"{where}: prints. Use findings.note(...) for a reading."
    elif called in _FILE_CALLS or (called == "open" and isinstance(node.func, ast.Name)):
        yield f"{where}: calls {called}. The bank reads and findings write."
    of_findings = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "findings"
    if of_findings and called in _SENTENCES:
        for part in (constant for argument in node.args for constant in _typed(argument)):
            if digits := re.search(r"\d[\d.,]*", part):
                yield f"{where}: types {digits[0]!r} in findings.{called}. Compute it and put it in braces."


def _typed(node: ast.expr) -> Iterator[str]:
    """Give the literal parts of a sentence; what stands in braces is computed, format codes aside."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from (v.value for v in node.values if isinstance(v, ast.Constant) and isinstance(v.value, str))
    elif isinstance(node, ast.BinOp):
        yield from _typed(node.left)
        yield from _typed(node.right)
    elif isinstance(node, ast.IfExp):
        yield from _typed(node.body)
        yield from _typed(node.orelse)
