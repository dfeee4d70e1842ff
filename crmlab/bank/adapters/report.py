"""What an import read and wrote, what did not agree, and what the data lack."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["REPORT_NAME", "ImportReport"]

REPORT_NAME = "import_report"


@dataclass(frozen=True)
class ImportReport:
    """The account an import gives of itself. It holds counts and dates, never a customer.

    Parameters
    ----------
    adapter : str
        Name of the adapter.
    bank : dict
        Facts written to ``bank.yml``.
    rows_read : dict of str to int
        Rows by source file.
    rows_written : dict of str to int
        Rows by contract table.
    checks : dict
        Numbers of every comparison with the source.
    findings : list of str
        Sentences: what a reader must know, disagreements first.
    lacks : list of str
        Sentences: what this data set cannot say.
    """

    adapter: str
    bank: dict[str, object]
    rows_read: dict[str, int]
    rows_written: dict[str, int]
    checks: dict[str, object] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write the report as JSON and as Markdown."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False, default=str)
        (folder / f"{REPORT_NAME}.json").write_text(text + "\n", encoding="utf-8")
        (folder / f"{REPORT_NAME}.md").write_text(self.markdown, encoding="utf-8")

    @property
    def markdown(self) -> str:
        """The report for a reader."""
        lines = [f"# Import of {self.bank['name']}", ""]
        lines += ["| read | rows |", "|---|---:|", *(f"| {name} | {n:,} |" for name, n in self.rows_read.items()), ""]
        lines += ["| written | rows |", "|---|---:|"]
        lines += [*(f"| `{name}` | {n:,} |" for name, n in self.rows_written.items()), ""]
        lines += ["## What to know", "", *(f"- {sentence}" for sentence in self.findings), ""]
        lines += ["## What this data set lacks", "", *(f"- {sentence}" for sentence in self.lacks), ""]
        return "\n".join(lines)

    @property
    def text(self) -> str:
        """The report for a terminal."""
        read = ", ".join(f"{name} {n:,}" for name, n in self.rows_read.items())
        written = ", ".join(f"{name} {n:,}" for name, n in self.rows_written.items())
        sentences = [*self.findings, *(f"Lacks: {sentence}" for sentence in self.lacks)]
        return "\n".join([f"read     {read}", f"wrote    {written}", *(f"- {sentence}" for sentence in sentences)])
