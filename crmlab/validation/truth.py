"""Open the truth of a simulated bank: for the tests and the validation page, and nobody else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from crmlab.errors import nearest, refuse

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Truth", "truth_fingerprint"]

_FOLDER = "truth"


class Truth:
    """The truth beside a simulated bank; tables are read when asked for, and only the columns and months wanted.

    Examples
    --------
    >>> import tempfile
    >>> from crmlab.simulation import simulate
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     truth = Truth.open(simulate(f"{folder}/bank", customers=20, months=2).folder)
    ...     hazard = truth.table("months", columns=["customer_id", "hazard"], months=("2023-02-01", "2023-02-28"))
    ...     truth.parameters["opinions"]["paths"]["expectations"], list(hazard)
    ({'image': 0.6}, ['customer_id', 'hazard'])
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parameters: dict[str, dict] | None = None

    @classmethod
    def find(cls, source: str | os.PathLike) -> Truth | None:
        """Return the truth beside a bank, or None where there is none.

        Parameters
        ----------
        source : path
            Folder of the bank, or its ``bank.yml``.
        """
        path = Path(source).expanduser()
        folder = (path.parent if path.is_file() else path) / _FOLDER
        return cls(folder) if (folder / "parameters.yml").is_file() else None

    @classmethod
    def open(cls, source: str | os.PathLike) -> Truth:
        """Return the truth beside a bank; refuse a bank that has none."""
        found = cls.find(source)
        if found is None:
            refuse(
                f"truth: {str(source)!r} has no folder {_FOLDER!r} with parameters.yml."
                " Only a bank made by crmlab simulate has one; simulate it again."
            )
        return found

    @property
    def parameters(self) -> dict[str, dict]:
        """Parameters of the simulation by module."""
        if self._parameters is None:
            self._parameters = _read_yaml(self.folder / "parameters.yml")
        return self._parameters

    @property
    def planted(self) -> dict[str, str]:
        """Defects planted in the bank: name and what was done, in a sentence; empty for a clean bank."""
        path = self.folder / "planted.yml"
        return (_read_yaml(path) or {}) if path.is_file() else {}

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that are there."""
        files = {path.stem for path in self.folder.glob("*.parquet")}
        return tuple(sorted(files | {path.parent.name for path in self.folder.glob("*/part-*.parquet")}))

    @property
    def fingerprint(self) -> str:
        """Digest of every file: changes when one of them does."""
        whole = hashlib.sha256()
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            with path.open("rb") as handle:
                whole.update(str(path.relative_to(self.folder)).encode())
                whole.update(hashlib.file_digest(handle, "sha256").digest())
        return whole.hexdigest()

    def table(
        self, name: str, *, columns: list[str] | None = None, months: tuple[object, object] | None = None
    ) -> pd.DataFrame:
        """Read a table.

        Parameters
        ----------
        name : str
            One of `tables`; README.md in the folder says what each holds.
        columns : list of str, optional
            Columns wanted; all when not given.
        months : (date, date), optional
            First and last day between which ``month_on`` lies, both included.

        Returns
        -------
        DataFrame
            Rows in the order of blocks and months; dates as datetime64, words as text.
        """
        import pandas as pd
        import pyarrow as pa
        import pyarrow.dataset as ds

        if name not in self.tables:
            refuse(f"truth has no table {name!r}; it has {list(self.tables)}.{nearest(name, self.tables)} Correct it.")
        single = self.folder / f"{name}.parquet"
        files = [single] if single.is_file() else sorted((self.folder / name).glob("part-*.parquet"))
        source = ds.dataset([str(file) for file in files], format="parquet")
        known = source.schema.names
        refuse(
            *(
                f"truth.{name} has no column {one!r}; it has {known}.{nearest(one, known)} Correct it."
                for one in columns or ()
                if one not in known
            )
        )
        wanted = None
        if months is not None:
            if "month_on" not in known:
                refuse(f"truth.{name} has no months; it has {known}. Leave months out.")
            first, last = (pa.scalar(pd.Timestamp(day).date(), pa.date32()) for day in months)
            wanted = (ds.field("month_on") >= first) & (ds.field("month_on") <= last)
        found = source.to_table(columns=columns, filter=wanted)
        for at, field in enumerate(found.schema):
            if pa.types.is_date(field.type):
                found = found.set_column(at, field.name, found.column(at).cast(pa.timestamp("s")))
            elif pa.types.is_dictionary(field.type):
                found = found.set_column(at, field.name, found.column(at).cast(pa.string()))
        return found.to_pandas()


def truth_fingerprint(source: str | os.PathLike) -> str | None:
    """Return the digest of the truth beside a bank, or None where there is none."""
    found = Truth.find(source)
    return None if found is None else found.fingerprint


def _read_yaml(path: Path) -> dict:
    import yaml

    return yaml.safe_load(path.read_text(encoding="utf-8"))
