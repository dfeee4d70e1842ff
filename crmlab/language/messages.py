"""What code and notebooks can say: every wording with its fields, so that a catalogue can be held against it."""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["glossary_rows", "in_code", "in_markdown", "in_notebook", "is_wording"]

# What these are given is no text for a reader of a report: refusals, SQL, names.
_SILENT_CALLS = frozenset(
    {"refuse", "CrmlabError", "ValueError", "TypeError", "KeyError", "sql", "execute", "read_csv", "getattr", "hasattr",
     "query", "eval", "compile", "startswith", "endswith", "warn", "debug", "info", "warning", "error", "echo", "print",
     "skip", "parametrize", "fullmatch", "match", "sub", "search", "finditer", "findall", "split"}
)  # fmt: skip
_MARKS = frozenset({"say", "later"})
_SQL = re.compile(
    r"\b(?:SELECT|FROM|WHERE|JOIN|GROUP BY|ORDER BY|PARTITION|COALESCE|select|partition by|is (?:not )?null)\b"
    r"|^group by |\bgroup by (?:all|1)\b"
    r"|\b(?:coalesce|cast|last_day|date_diff|date_trunc|count|max|min|sum|try_cast|quantile_cont|regexp_full_match|year)\("
    r"|\bdate '|- interval\b|\b(?:when|=|in \() ?'|::|\bcase when\b|\bjoin \w+ using\b|^null as\b|\bin \( #|^\('"
    r"|[a-z]+_(?:id|on|at|minutes|amount|share|reason) (?:=|>=?|<=?|in|not in)(?: |$)|\band \(|^'\w+', '"
    r"|\bkind (?:=|in|<>) |\bamount > 0|split_part\(| as customer_id,"
)
_CODE = re.compile(
    r"\(\?|\\[a-z]|^[#.]|</|/>|<\w+ |==|%[sd]|\w:\w+=|: # ;|=\"|\w=\d|\w\|\w+\)| \| np\.|\[ _-\]|^\w+_\w+: |^--"
)
# What drawing and other libraries are told.
_SETTINGS = frozenset(
    {"offset points", "upper left", "axes fraction", "outside lower left", "Microsoft YaHei", "Known | Unknown",
     "crmlab segments"}
)  # fmt: skip
_MOST_FORMS = 8  # of one wording with choices inside


def is_wording(text: str) -> bool:
    """Tell a text for people from names, patterns and code: two words at least, or one with a field beside it.

    >>> is_wording("{n:,} customers"), is_wording("customer_id"), is_wording("select a from b")
    (True, False, False)
    """
    fixed = re.sub(r"\{[^}]*\}", " # ", text)
    if text in _SETTINGS or _SQL.search(fixed) or _CODE.search(fixed) or not text.strip():
        return False
    if not re.search(r"[A-Za-z]{2}", fixed):
        return False
    words = re.findall(r"[A-Za-z]{2,}", fixed)
    if words == ["as"]:
        return False
    if "{" in text:
        return bool(words) and " " in text.strip() and not re.fullmatch(r"[\w.{}:,/-]+", text)
    return len(words) > 1 and " " in text.strip()


def in_code(source: str) -> list[str]:
    """Give the wordings of a Python text, each once: literal texts and f-strings, these with named fields.

    Docstrings, refusals and SQL are left out. A choice between two short endings gives two wordings.

    Examples
    --------
    >>> in_code("said = f'{len(rows):,} row{\\"s\\" if many else \\"\\"} of {study.name} left'")
    ['{len:,} rows of {name} left', '{len:,} row of {name} left']
    """
    reader = _Reader()
    reader.visit(ast.parse(source))
    return list(dict.fromkeys(text for text in reader.found if text in reader.marked or is_wording(text)))


class _Reader(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[str] = []
        self.marked: set[str] = set()  # handed to say() or later(): always for people, be it one word

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in _MARKS and node.args and isinstance(node.args[0], ast.Constant):
            self.found.append(str(node.args[0].value))
            self.marked.add(str(node.args[0].value))
            node.args = node.args[1:]
        if name not in _SILENT_CALLS:
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        """An error is no text of a report."""

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.found.append(node.value.replace("{", "{{").replace("}", "}}"))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.found += _forms(node)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)


def _forms(node: ast.JoinedStr) -> Iterator[str]:
    """Give the wordings of an f-string: one for each choice of short endings inside it."""
    taken: dict[str, int] = {}
    choices = [list(_part(part, taken)) for part in node.values]
    for form in itertools.islice(itertools.product(*choices), _MOST_FORMS):
        yield "".join(form)


def _part(part: ast.expr, taken: dict[str, int]) -> Iterator[str]:
    if isinstance(part, ast.Constant):
        yield str(part.value).replace("{", "{{").replace("}", "}}")
        return
    assert isinstance(part, ast.FormattedValue)
    endings = _endings(part.value)
    if endings:
        yield from endings
        return
    spec = "".join(str(x.value) for x in getattr(part.format_spec, "values", []) if isinstance(x, ast.Constant))
    name = _name(part.value)
    taken[name] = taken.get(name, 0) + 1
    name = f"{name}_{taken[name]}" if taken[name] > 1 else name
    field = f"{{{name}{':' + spec if spec else ''}}}"
    yield f"'{field}'" if part.conversion == ord("r") else field


def _endings(node: ast.expr) -> list[str]:
    """Give the two texts of a choice that only bends a word: 's' or nothing, 'is' or 'are'."""
    if isinstance(node, ast.IfExp) and isinstance(node.body, ast.Constant) and isinstance(node.orelse, ast.Constant):
        both = [node.body.value, node.orelse.value]
        if all(isinstance(one, str) and len(one) <= 4 for one in both):
            return list(dict.fromkeys(both))
    match node:
        case ast.BinOp(op=ast.Mult(), left=ast.Constant(value=str() as ending)) if len(ending) <= 3:  # "s" * (n != 1)
            return [ending, ""]
    return []


def _name(node: ast.expr) -> str:
    while True:
        match node:
            case ast.Name():
                return node.id.strip("_") or "it"
            case ast.Attribute():
                return node.attr.strip("_")
            case ast.Subscript(slice=ast.Constant(value=str() as key)) if key.isidentifier():
                return key
            case ast.Subscript():
                node = node.value
            case ast.Call():
                node = node.func
            case ast.BinOp():
                node = node.right if isinstance(node.left, ast.Constant) else node.left
            case ast.UnaryOp():
                node = node.operand
            case _:
                return "it"


def in_notebook(path: Path) -> list[str]:
    """Give the wordings of a notebook: of its code, and the headings, paragraphs and points of its text."""
    found: list[str] = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        found += in_markdown(text) if cell["cell_type"] == "markdown" else in_code(text)
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            found += [said.strip() for said in re.findall(r"  # (.+)", text)]  # what each parameter means
    return list(dict.fromkeys(found))


def in_markdown(text: str) -> list[str]:
    """Cut Markdown into headings, paragraphs and points, without their signs.

    >>> in_markdown("# Who?\\n\\nOne\\nline.\\n\\n- A **b**\\n- C")
    ['Who?', 'One line.', 'A **b**', 'C']
    """
    blocks: list[str] = []
    for line in text.splitlines():
        begun = re.match(r"\s*(?:#{1,6} +|[-*] +|\d+\. +)(.*)", line)
        if begun:
            blocks.append(begun[1])
        elif not line.strip():
            blocks.append("")
        elif blocks and blocks[-1]:
            blocks[-1] += f" {line.strip()}"
        else:
            blocks.append(line.strip())
    return [block.strip() for block in blocks if block.strip()]


def glossary_rows(text: str) -> list[tuple[str, str, str]]:
    """Read the tables of a glossary in Markdown: heading, term and meaning of each row.

    >>> glossary_rows("## Time\\n| term | meaning |\\n|---|---|\\n| as of | The day. |")
    [('Time', 'as of', 'The day.')]
    """
    section, found = "", []
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:].strip()
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 2 and cells[0] != "term" and not set(cells[0]) <= {"-", ":", " "}:
            found.append((section, cells[0], cells[1]))
    return found
