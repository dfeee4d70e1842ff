"""What a check found: every violation with its count, its fate and its cure, without personal data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Report", "Violation"]


@dataclass(frozen=True)
class Violation:
    """One rule that rows of one column break.

    Parameters
    ----------
    table : str
        Contract table; empty for the source as a whole.
    column : str
        Column; empty when the rule is about the row or the table.
    rule : str
        Short name of the rule.
    count : int
        Rows that break it; 0 when the rule is not about rows.
    fact : str
        What is so, without the full stop.
    cure : str
        What to do.
    examples : tuple of str
        Up to three rows by number and the shape of the value (a letter is ``a``, a digit is ``9``).
    severity : {"error", "warning", "info"}
        An error breaks the contract.
    fate : str
        What became of the rows: ``row set aside``, ``cell emptied``, ``kept`` or empty.
    """

    table: str
    column: str
    rule: str
    count: int
    fact: str
    cure: str
    examples: tuple[str, ...] = ()
    severity: str = "error"
    fate: str = ""

    @property
    def is_error(self) -> bool:
        """The contract is broken."""
        return self.severity == "error"

    @property
    def text(self) -> str:
        """What, fact and cure in one line."""
        if self.rule == "unreadable":
            return self.fact
        where = ".".join(part for part in (self.table, self.column) if part)
        examples = f" ({'; '.join(self.examples)})" if self.examples else ""
        fate = {"row set aside": " Set aside.", "cell emptied": " The cells were emptied."}.get(self.fate, "")
        return f"{where + ': ' if where else ''}{self.fact}{examples}.{fate} {self.cure}".strip()


@dataclass(frozen=True)
class Report:
    """Everything a check found.

    Parameters
    ----------
    source : str
        Name of the bank.
    violations : tuple of Violation
        Errors first, in the order of the contract.
    rows : dict
        Rows read and rows set aside, by table.
    quarantine : pathlib.Path or None
        Parquet file with the broken rows.
    """

    source: str
    violations: tuple[Violation, ...] = ()
    rows: dict[str, tuple[int, int]] | None = None
    quarantine: Path | None = None

    @property
    def errors(self) -> tuple[Violation, ...]:
        """Violations that break the contract."""
        return tuple(violation for violation in self.violations if violation.is_error)

    @property
    def set_aside(self) -> int:
        """Rows set aside, over all tables."""
        return sum(aside for _, aside in (self.rows or {}).values())

    def to_dict(self) -> dict:
        """Return plain values for JSON."""
        return {
            "source": self.source,
            "violations": [asdict(violation) for violation in self.violations],
            "rows": {table: list(counts) for table, counts in (self.rows or {}).items()},
        }

    @classmethod
    def from_dict(cls, given: dict, quarantine: Path | None) -> Report:
        """Return the report that `to_dict` wrote."""
        violations = tuple(Violation(**{**one, "examples": tuple(one["examples"])}) for one in given["violations"])
        rows = {table: (counts[0], counts[1]) for table, counts in given["rows"].items()}
        return cls(given["source"], violations, rows, quarantine)
