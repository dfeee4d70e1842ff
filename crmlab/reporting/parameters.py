"""Parameters of a notebook: read from its own cell, checked before anything runs."""

from __future__ import annotations

import ast
import datetime
import io
import json
import math
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmlab.errors import nearest

__all__ = ["Parameter", "parse_parameters", "resolve_parameters"]

_KINDS: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list[str]": "texts separated by commas",
    "list[int]": "whole numbers separated by commas",
    "list[float]": "numbers separated by commas",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook.

    Parameters
    ----------
    name : str
        Name in the notebook.
    kind : str
        ``str``, ``int``, ``float``, ``bool``, or ``list[...]`` of one of the first three.
    default : object
        Value when nothing is given.
    help : str
        The comment behind the parameter, with its unit.
    words : tuple of str
        Allowed values, from ``one of a, b, c`` in the comment; empty when anything goes.
    is_date : bool
        The comment says ``YYYY-MM-DD``.
    is_file : bool
        The comment says ``path of a file``: what the file holds counts among the inputs of a result.
    """

    name: str
    kind: str
    default: Any
    help: str = ""
    words: tuple[str, ...] = ()
    is_date: bool = False
    is_file: bool = False

    def parse(self, text: str) -> Any:
        """Turn the text of the command line into a value.

        >>> Parameter("months", "int", 12).parse("6")
        6
        >>> Parameter("limits_amount", "list[float]", [1.0]).parse("1000, 2.5e4")
        [1000.0, 25000.0]
        >>> Parameter("months", "int", 12).parse("six")
        Traceback (most recent call last):
        ValueError: months='six' is not a whole number. Its default is 12.
        """
        try:
            value = self._value(text)
        except ValueError:
            raise ValueError(self._wrong(text)) from None
        if self.words and (unknown := [v for v in _items(value) if str(v) not in self.words]):
            allowed = ", ".join(self.words)
            hint = nearest(unknown[0], self.words)
            raise ValueError(f"{self.name}={unknown[0]!r} is not allowed. Choose one of {allowed}.{hint}")
        if self.is_date and value and not _is_date(value):
            raise ValueError(f"{self.name}={value!r} is not a date. Write it as YYYY-MM-DD.")
        return value

    def _value(self, text: str) -> Any:
        if self.kind.startswith("list["):
            inside = self.kind[5:-1]
            parts = json.loads(text) if text.strip().startswith("[") else [p for p in text.split(",") if p.strip()]
            return [_scalar(inside, str(part).strip()) for part in parts]
        return _scalar(self.kind, text)

    def _wrong(self, text: str) -> str:
        return f"{self.name}={text!r} is not {_WORDS[self.kind]}. Its default is {self.default!r}."


def _scalar(kind: str, text: str) -> Any:
    if kind == "str":
        return text
    if kind == "bool":
        known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.strip().lower() not in known:
            raise ValueError(text)
        return known[text.strip().lower()]
    number = {"int": int, "float": float}[kind](text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def parse_parameters(source: str, where: str = "parameters") -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """Read ``name: type = literal  # help`` lines.

    Parameters
    ----------
    source : str
        Text of the cell tagged ``parameters``.
    where : str
        How a message names the cell.

    Returns
    -------
    (parameters, problems)
        What was read, and every line that does not follow the form.

    Examples
    --------
    >>> found, problems = parse_parameters('months: int = 12  # window, months')
    >>> found[0].name, found[0].default, found[0].help, problems
    ('months', 12, 'window, months', ())
    >>> parse_parameters('months = 12', "10_value")[1]
    ("10_value: parameter line 1 is 'months = 12'. Write it as name: type = literal  # help with the unit.",)
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return (), (f"{where}: the parameters cell does not parse: {error.msg} (line {error.lineno}). Mend that line.",)
    comments = _comments(source)
    lines = source.splitlines()
    found: list[Parameter] = []
    problems: list[str] = []
    for node in tree.body:
        made = _parameter(node, comments.get(node.end_lineno or node.lineno, ""))
        if isinstance(made, Parameter):
            found.append(made)
        else:
            line = lines[node.lineno - 1].strip()
            problems.append(
                f"{where}: parameter line {node.lineno} is {line!r}. "
                "Write it as name: type = literal  # help with the unit."
            )
    return tuple(found), tuple(problems)


def _parameter(node: ast.stmt, comment: str) -> Parameter | None:
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
        return None
    kind = ast.unparse(node.annotation)
    try:
        default = ast.literal_eval(node.value)
    except ValueError:
        return None
    if kind not in _WORDS:
        return None
    inside = kind[5:-1] if kind.startswith("list[") else kind
    if kind.startswith("list[") != isinstance(default, list):
        return None
    if not all(
        isinstance(v, _KINDS[inside]) and (inside == "bool" or not isinstance(v, bool)) for v in _items(default)
    ):
        return None
    listed = re.search(r"one of:?\s+([^;.()]+)", comment)
    words = tuple(w.strip().strip("`'\"") for w in re.split(r",|\bor\b", listed[1]) if w.strip()) if listed else ()
    is_file = kind == "str" and "path of a file" in comment.lower()
    return Parameter(node.target.id, kind, default, comment, words, "YYYY-MM-DD" in comment, is_file)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def resolve_parameters(
    wanted: Sequence[str], notebooks: Mapping[str, Sequence[Parameter]]
) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    """Give each notebook its values, and name every wrong one.

    Parameters
    ----------
    wanted : sequence of str
        ``name=value`` texts of the command line.
    notebooks : mapping of str to sequence of Parameter
        What each selected notebook knows.

    Returns
    -------
    (values, problems)
        Every parameter of every notebook with its value, and all problems.

    Examples
    --------
    >>> months = Parameter("months", "int", 12)
    >>> resolve_parameters(["months=6"], {"10_value": [months], "20_churn": []})
    ({'10_value': {'months': 6}, '20_churn': {}}, ())
    >>> resolve_parameters(["month=6"], {"10_value": [months]})[1]
    ("parameter 'month' is in none of the chosen notebooks. They know months. Did you mean 'months'?",)
    """
    values = {notebook: {p.name: p.default for p in known} for notebook, known in notebooks.items()}
    names = sorted({p.name for known in notebooks.values() for p in known} - {"source", "as_of", "run"})
    problems: list[str] = []
    seen: set[str] = set()
    for text in wanted:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            problems.append(f"parameter {text!r} has no value. Write -p name=value.")
            continue
        if name in ("source", "as_of"):
            problems.append(f"parameter {name!r} belongs to the whole run. Use --{name.replace('_', '-')} instead.")
            continue
        if name == "run":
            problems.append("parameter 'run' is the run itself. In JupyterLab a notebook can read another one.")
            continue
        if name in seen:
            problems.append(f"parameter {name!r} is given twice. Give it once.")
            continue
        seen.add(name)
        if name not in names:
            known = f"They know {', '.join(names)}." if names else "They have none to set."
            problems.append(f"parameter {name!r} is in none of the chosen notebooks. {known}{nearest(name, names)}")
            continue
        for notebook, parameters in notebooks.items():
            for parameter in parameters:
                if parameter.name == name:
                    try:
                        values[notebook][name] = parameter.parse(value)
                    except ValueError as wrong:
                        problems.append(f"{notebook}: {wrong}")
    return values, tuple(dict.fromkeys(problems))
