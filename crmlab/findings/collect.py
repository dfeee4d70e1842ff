"""The collector that a notebook fills: it shows what it is given, and a run keeps it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmlab.errors import refuse
from crmlab.findings.languages import translated_figures
from crmlab.findings.lists import action_list, write_action_list
from crmlab.findings.models import model_text
from crmlab.findings.pictures import data_uri, drawn_words, figure_of, render, said_by, without_head
from crmlab.findings.privacy import hide_small_groups, personal_columns
from crmlab.findings.tables import flatten, plain, show

if TYPE_CHECKING:
    import pandas as pd

    from crmlab.findings.reading import DrawnFigure
    from crmlab.stats import Estimate

__all__ = ["NOTEBOOK_VARIABLE", "RESULT_VARIABLE", "Findings"]

# Set by the runner in the notebook's kernel. Without them (JupyterLab) findings are shown and nothing is written.
RESULT_VARIABLE = "CRMLAB_RESULT"
NOTEBOOK_VARIABLE = "CRMLAB_NOTEBOOK"
_LARGEST_TABLE = 1_000


class Findings:
    """Numbers, answers, figures, tables, models and lists of one notebook.

    In JupyterLab each call shows what it is given and nothing is written. In a run the same calls fill the result's
    folder, and the report page is made from it.

    Parameters
    ----------
    bank : Bank
        Gives the name and the currency.
    folder : Path, str or None
        Where to write; None takes the folder that the runner names, if any.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from crmlab.stats import Estimate
    >>> findings = Findings(SimpleNamespace(name="Example", currency="EUR"))
    >>> findings.number("customers", Estimate(4321, unit="count"), label="Customers")
    >>> findings.answer("4,321 customers.")
    >>> findings.as_dict()["numbers"][0]["text"]
    '4,321'
    """

    def __init__(self, bank: Any, *, folder: Path | str | None = None) -> None:
        self._currency = str(getattr(bank, "currency", "") or "")
        target = folder or os.environ.get(RESULT_VARIABLE)
        self._folder = Path(target) if target else None
        self._notebook = os.environ.get(NOTEBOOK_VARIABLE, "")
        self._answers: list[str] = []
        self._notes: list[str] = []
        self._gaps: list[dict[str, str]] = []
        self._numbers: dict[str, dict[str, Any]] = {}
        self._figures: dict[str, dict[str, Any]] = {}
        self._tables: dict[str, dict[str, Any]] = {}
        self._actions: dict[str, dict[str, Any]] = {}
        self._models: dict[str, dict[str, Any]] = {}

    def number(self, name: str, estimate: Estimate, *, label: str = "") -> None:
        """Keep one number with its interval, unit and n.

        Parameters
        ----------
        name : str
            Lower case with underscores, once a notebook; other programs read the number by it.
        estimate : Estimate
            The number.
        label : str
            What a reader calls it; the name in words when empty.
        """
        self._check_name("number", name, self._numbers)
        if not hasattr(estimate, "as_dict"):
            refuse(
                f"findings.number: {name!r} got {type(estimate).__name__}. "
                "Wrap it: Estimate(value, unit='share', low=..., high=..., n=...)."
            )
        shown = label or name.replace("_", " ").capitalize()
        values = plain(estimate)
        texts = {"short": estimate.short, "interval": estimate.interval, "text": estimate.text}
        self._numbers[name] = {"name": name, "label": shown, **values, **texts}
        _display("number", name, {"text/markdown": f"**{shown}**: {estimate.text}", "text/plain": estimate.text})

    def numbers(self, estimates: Mapping[str, Estimate], labels: Mapping[str, str] | None = None) -> None:
        """Keep several numbers by their names; a name without a label is put in words."""
        for name, estimate in estimates.items():
            self.number(name, estimate, label=(labels or {}).get(name, ""))

    def answer(self, sentence: str) -> None:
        """Keep one computed sentence that answers the question; the first is the headline of the index."""
        self._answers.append(_sentence("answer", sentence))
        _display("answer", str(len(self._answers) - 1), {"text/markdown": self._answers[-1]})

    def note(self, sentence: str) -> None:
        """Keep one computed reading of the evidence just shown."""
        self._notes.append(_sentence("note", sentence))
        if self._figures:
            latest = next(reversed(self._figures.values()))
            latest["reading"] = latest["reading"] or self._notes[-1]
        _display("note", str(len(self._notes) - 1), {"text/markdown": self._notes[-1]})

    def gap(self, what: str, why: str) -> None:
        """Say what could not be answered, and why."""
        self._gaps.append({"what": _sentence("gap", what), "why": _sentence("gap", why).rstrip(".")})
        _display("gap", str(len(self._gaps) - 1), {"text/markdown": f"*Not answered:* {what}: {why}."})

    def figure(self, name: str, drawn: Any, *, alt: str, caption: str = "") -> None:
        """Keep a figure, as SVG or, when that is large, as PNG.

        Parameters
        ----------
        name : str
            Lower case with underscores; also the file's name.
        drawn : Axes or Figure
            What a chart function returned.
        alt : str
            What the figure shows, for a reader who cannot see it.
        caption : str
            One line under the figure.
        """
        self._check_name("figure", name, self._figures)
        if not str(alt).strip():
            refuse(f"findings.figure: {name!r} has no alt text. Say in a sentence what the figure shows.")
        picture = figure_of(name, drawn)
        content, ending = render(picture)
        title, about = said_by(picture)
        self._figures[name] = {
            "name": name,
            "file": f"figures/{name}.{ending}",
            "alt": str(alt).strip(),
            "caption": str(caption).strip(),
            "title": title,
            "about": about,
            "reading": "",  # the note that follows
            "words": drawn_words(picture),
        }
        self._write(f"figures/{name}.{ending}", content)
        if self._folder:
            slide, slide_ending, pixels = without_head(picture)
            self._write(f"figures/slides/{name}.{slide_ending}", slide)
            self._write(f"figures/slides/{name}.png", pixels)
            told = {}
            for language, entry, files in translated_figures(name, picture):
                told[language] = entry
                for path, drawn_content in files.items():
                    self._write(path, drawn_content)
            self._figures[name]["languages"] = told
        _close(picture)
        html = _figure_html(str(alt), str(caption), content, ending)
        _display("figure", name, {"text/html": html, "text/plain": str(alt)})

    def figures(self, drawn: Iterable[DrawnFigure]) -> None:
        """Keep figures that other questions of the same run have drawn, each under its question's name and its own."""
        for one in drawn:
            name = one.name
            self._check_name("figure", name, self._figures)
            ending = one.ending
            self._figures[name] = {
                "name": name,
                "file": f"figures/{name}.{ending}",
                "alt": one.alt,
                "caption": one.caption,
                "title": one.title,
                "about": one.about,
                "reading": "",
                "words": list(one.words),
            }
            self._write(f"figures/{name}.{ending}", one.content)
            told = self._figures[name]["languages"] = {}
            for language, other in one.told.items():
                file = f"figures/{language}/{name}.{other.ending}"
                told[language] = {"file": file, "title": one.title, "about": one.about, "words": list(other.words)}
                self._write(file, other.content)
            _display("figure", name, {"text/html": _figure_html(one.alt, one.caption, one.content, ending)})

    def table(self, name: str, frame: pd.DataFrame, *, caption: str = "", n: str | None = None) -> None:
        """Keep a table of aggregates; the first 10 rows are shown.

        Parameters
        ----------
        name : str
            Lower case with underscores.
        frame : DataFrame
            One row a group. Identifiers of customers, accounts or bookings are refused.
        caption : str
            One line over the table.
        n : str or None
            Column with the number of customers; groups under 10 are hidden. None: ``n``, ``customers`` or
            ``customers_count``, if there is one.
        """
        self._check_name("table", name, self._tables)
        if not hasattr(frame, "columns"):
            refuse(f"findings.table: {name!r} got {type(frame).__name__}. Pass a DataFrame.")
        problems = []
        if personal := personal_columns([*frame.index.names, *frame.columns]):
            problems.append(
                f"findings.table: {name!r} holds {', '.join(personal)}. "
                "A page shows groups only; give the list to findings.actions."
            )
        if len(frame) > _LARGEST_TABLE:
            problems.append(
                f"findings.table: {name!r} has {len(frame):,} rows, more than {_LARGEST_TABLE:,}. Group it further."
            )
        refuse(*problems)
        safe = hide_small_groups(frame, n)
        shown, flat = show(safe, self._currency), flatten(safe)
        self._tables[name] = {
            "name": name,
            "caption": str(caption).strip(),
            "columns": [str(column) for column in flat.columns],
            "rows": [[plain(value) for value in row] for row in flat.itertuples(index=False, name=None)],
            "headers": list(shown.headers),
            "texts": [list(row) for row in shown.rows],
            "numeric": list(shown.numeric),
        }
        html = (f"<p><strong>{escape(caption)}</strong></p>" if caption else "") + shown.html()
        _display("table", name, {"text/html": html, "text/plain": caption or name})

    def actions(self, name: str, frame: pd.DataFrame) -> None:
        """Keep a customer-level list. A run writes it to ``actions/``; it is never shown and never on a page.

        Parameters
        ----------
        name : str
            Lower case with underscores.
        frame : DataFrame
            One row a customer: ``customer_id`` and ``reason``, usually ``channel``, ``expires_on``, ``is_holdout``.
        """
        self._check_name("actions", name, self._actions)
        checked = action_list(name, frame)
        self._actions[name] = {"name": name, "rows": len(checked), "columns": [str(c) for c in checked.columns]}
        if self._folder:
            write_action_list(checked, self._folder / "actions" / f"{name}.csv")
        where = "kept in the run's actions folder" if self._folder else "a run writes it to its actions folder"
        _display("actions", name, {"text/markdown": f"Action list `{name}`: {len(checked):,} customers; {where}."})

    def model(self, name: str, kept: Mapping[str, Any], *, label: str = "") -> None:
        """Keep what was learned, so that other customers can be assigned by it. A run writes it to ``models/``.

        Parameters
        ----------
        name : str
            Lower case with underscores; also the file's name.
        kept : mapping
            What the estimator's ``as_dict()`` gave: aggregates only. Read it back with `crmlab.findings.read_model`.
        label : str
            What a reader calls it; the name in words when empty.
        """
        self._check_name("model", name, self._models)
        text = model_text(name, kept, notebook=self._notebook)
        shown = " ".join(label.split()) or name.replace("_", " ").capitalize()
        self._models[name] = {"name": name, "label": shown, "file": f"models/{name}.json"}
        self._write(f"models/{name}.json", text.encode("utf-8"))
        where = "kept in the run's models folder" if self._folder else "a run writes it to its models folder"
        _display("model", name, {"text/markdown": f"Model `{name}` ({shown}): {where}."})

    def as_dict(self) -> dict[str, Any]:
        """Everything kept so far, as plain values: no times, no paths, so that two runs can be compared."""
        return {
            "notebook": self._notebook,
            "answers": list(self._answers),
            "numbers": list(self._numbers.values()),
            "notes": list(self._notes),
            "figures": list(self._figures.values()),
            "tables": list(self._tables.values()),
            "actions": list(self._actions.values()),
            "models": list(self._models.values()),
            "gaps": list(self._gaps),
        }

    def record(self) -> None:
        """Write ``findings.json`` in a run; in JupyterLab only say what would be written."""
        if not self._answers:
            refuse("findings.record: there is no answer. Call findings.answer('...') before it.")
        kept = (
            f"{len(self._numbers)} numbers, {len(self._figures)} figures, {len(self._tables)} tables, "
            f"{len(self._actions)} action lists"
        ) + (f", {len(self._models)} models" if self._models else "")
        if self._folder:
            text = json.dumps(self.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
            self._write("findings.json", text.encode("utf-8"))
            said = f"Recorded {kept}."
        else:
            said = f"{kept} are ready. Nothing was written: `crmlab run` writes them."
        _display("record", "record", {"text/markdown": said})

    def _check_name(self, kind: str, name: str, taken: dict[str, Any]) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", str(name)):
            refuse(f"findings.{kind}: {name!r} is not a name. Use lower case letters, digits and underscores.")
        if name in taken:
            refuse(f"findings.{kind}: {name!r} is given twice. Name each {kind} once.")

    def _write(self, relative: str, content: bytes) -> None:
        if self._folder:
            path = self._folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _sentence(kind: str, text: str) -> str:
    said = " ".join(str(text).split())
    if not said:
        refuse(f"findings.{kind}: the sentence is empty. Say what was found.")
    return said


def _figure_html(alt: str, caption: str, content: bytes, ending: str) -> str:
    picture = f'<img alt="{escape(alt)}" src="{data_uri(content, ending)}">'
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def _close(figure: Any) -> None:
    """Keep JupyterLab from drawing the same figure a second time at the end of the cell."""
    import matplotlib.pyplot as plt

    plt.close(figure)


def _display(kind: str, name: str, data: dict[str, str]) -> None:
    """Show something where there is a notebook; the mark tells the page which finding it is."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None and getattr(shell, "kernel", None) is not None:
        data.setdefault("text/plain", next(iter(data.values())))
        shell.display_pub.publish(data, metadata={"crmlab": {"kind": kind, "name": name}})
